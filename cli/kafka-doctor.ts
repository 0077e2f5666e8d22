/** What `wellspring doctor` finds out about a corpus on Kafka. */
import { refuseUnfinishedCopy } from '../engine/copy/copy-progress.ts'
import { ConfigurationError } from '../engine/errors.ts'
import { processors } from '../processors/index.ts'
import { describeBrokers, refusalsOf } from '../topics/kafka/diagnosis.ts'
import { Names } from '../topics/kafka/names.ts'
import { LogError } from '../topics/log.ts'
import { compareAll, type Differences } from './administration.ts'
import { CommandError } from './exit.ts'
import type { Finding } from './finding.ts'
import { connectionOf, openOnKafka } from './kafka.ts'
import { needsOf } from './needs.ts'
import type { KafkaPlace } from './place.ts'
import { cureOf } from './topics.ts'

/** Brokers, topics, schemas, rights, and whether it is an unfinished copy. Nothing is written. */
export async function kafkaFindings(place: KafkaPlace): Promise<Finding[]> {
  const brokers = await brokerFinding(place)
  const login = loginFindings(place)
  if (brokers.state === 'fault') return [brokers, ...login]
  const differences = await differencesOf(place)
  const missing = 'topics' in differences ? differences.topics.filter(({ kind }) => kind === 'missing').length : 0
  return [
    ...[brokers, ...login, ...('what' in differences ? [differences] : differenceFindings(place, differences))],
    // Brokers answer alike for a topic that is not there and one that is hidden.
    missing > 0
      ? { what: 'rights', state: 'warning', detail: `not tried: ${missing} topics are not there yet` }
      : await rightsFinding(place),
    ...(await copyFindings(place)),
  ]
}

/** The failure in words, for what a look at the cluster or the registry throws. */
function wordsOf(error: unknown): string {
  if (error instanceof LogError || error instanceof CommandError) return error.message
  throw error
}

async function brokerFinding(place: KafkaPlace): Promise<Finding> {
  const what = 'brokers'
  try {
    const brokers = await describeBrokers(connectionOf(place))
    const releases = [...new Set(brokers.map(({ release }) => release))].sort()
    const list = brokers.map(({ id, address }) => `${id} at ${address}`).join(', ')
    const detail = `${list}; Kafka ${releases.join(', ')}`
    if (releases.includes('before 3.9'))
      return { what, state: 'warning', detail, cure: 'Wellspring is tested on Kafka 3.9 and 4.x: upgrade the brokers' }
    return { what, state: 'works', detail }
  } catch (error) {
    const fault = { what, state: 'fault', detail: wordsOf(error) } as const
    // They run, and what they refused stands with its cure in the words.
    if (error instanceof LogError && error.code === 'denied') return fault
    return {
      ...fault,
      cure: `start the brokers (\`npm run kafka\` starts one here), or correct ${place.namedBy.brokers}`,
    }
  }
}

function loginFindings({ login, tls }: KafkaPlace): Finding[] {
  if (login?.mechanism !== 'plain' || tls) return []
  return [
    {
      what: 'login',
      state: 'warning',
      detail: 'the password goes over the network as it is',
      cure: 'set kafka.tls, or use scram-sha-512',
    },
  ]
}

/** What differs, or what came of the attempt to compare. */
async function differencesOf(place: KafkaPlace): Promise<Differences | Finding> {
  try {
    return await compareAll(place)
  } catch (error) {
    // Comparing takes rights that running does not.
    const isDenied = error instanceof LogError && error.code === 'denied'
    return { what: 'topics and schemas', state: isDenied ? 'warning' : 'fault', detail: wordsOf(error) }
  }
}

function differenceFindings(place: KafkaPlace, { topics, schemas }: Differences): Finding[] {
  const prefix = place.namespace
  const cure = `\`wellspring topics diff${place.flags}\` lists them; ${cureOf([...topics, ...schemas], place.flags)}`
  return [
    topics.length === 0
      ? { what: 'topics', state: 'works', detail: `all of ${prefix} as this release needs them` }
      : { what: 'topics', state: 'fault', detail: `${topics.length} differences in ${prefix}`, cure },
    schemas.length === 0
      ? { what: 'schemas', state: 'works', detail: `all registered in ${place.registry?.url ?? ''}` }
      : { what: 'schemas', state: 'fault', detail: `${schemas.length} not registered as this release needs`, cure },
  ]
}

/** A finding where the corpus is a copy that is not complete, or that can't be seen. */
async function copyFindings(place: KafkaPlace): Promise<Finding[]> {
  const what = 'copy'
  try {
    const log = await openOnKafka(place)
    try {
      await refuseUnfinishedCopy(log)
    } finally {
      await log.close()
    }
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return [{ what, state: 'fault', detail: error.faults.join('; ') }]
    return [{ what, state: 'fault', detail: wordsOf(error) }]
  }
}

async function rightsFinding(place: KafkaPlace): Promise<Finding> {
  const names = new Names(place.namespace)
  const what = 'rights'
  const refused: { name: string; refusals: string[] }[] = []
  try {
    for (const declaration of processors) {
      const { name, reads, writes } = needsOf(declaration)
      const changelog = names.changelog(name)
      const refusals = await refusalsOf(connectionOf(place), {
        reads: [...reads.map((topic) => names.topic(topic)), changelog],
        writes: [...writes.map((topic) => names.topic(topic)), changelog],
        group: names.group(name),
        transactionalId: `${names.transactionalIds(name)}doctor`,
      })
      if (refusals.length > 0) refused.push({ name, refusals })
    }
  } catch (error) {
    return { what, state: 'fault', detail: wordsOf(error) }
  }
  if (refused.length === 0) return { what, state: 'works', detail: 'this user may run every processor' }
  const first = refused[0]
  const detail = `this user may run ${processors.length - refused.length} of ${processors.length} processors; not ${refused
    .map(({ name }) => name)
    .join(', ')}: ${first?.name} is refused ${first?.refusals.slice(0, 3).join(', ')}`
  return {
    what,
    state: refused.length < processors.length ? 'warning' : 'fault',
    detail,
    cure: `\`wellspring topics acls NAME${place.flags}\` prints the commands that give what a processor needs`,
  }
}
