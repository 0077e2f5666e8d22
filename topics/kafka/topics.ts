/** Topics on the cluster: what each must be, what is missing, and what differs. */
import kafkajs, { type Admin, type ConfigEntries, type ITopicConfig } from 'kafkajs'
import { LogError, type Group, type TopicSpecification } from '../log.ts'
import { inPortWords } from './connections.ts'
import { asLogError, protocolErrorOf } from './errors.ts'
import { APPEND_PARTITIONS, type Names } from './names.ts'
import { TOMBSTONE_MILLISECONDS } from './task.ts'

/** Room for one record of the largest size and what a batch adds to it. */
const MAXIMUM_BATCH_BYTES = 11 << 20

/** A topic as it must be on the cluster. */
export interface WantedTopic {
  topic: string
  partitions: number
  config: Readonly<Record<string, string>>
}

const KEPT = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' }
const TABLE = { 'cleanup.policy': 'compact', 'delete.retention.ms': String(TOMBSTONE_MILLISECONDS) }
/** A task reads its changelog when it opens: it is kept short. */
const CHANGELOG = {
  ...TABLE,
  'segment.bytes': String(16 << 20),
  'segment.ms': '600000',
  'min.cleanable.dirty.ratio': '0.1',
  'max.compaction.lag.ms': '3600000',
}

/** All that the stream needs: its topics, a changelog for each group, and the record of appends. */
export function wantedTopics(
  names: Names,
  topics: readonly TopicSpecification[],
  groups: readonly Group[],
): WantedTopic[] {
  // Times are the writer's, as brokers may not do by default: retention goes by them, and a copy keeps them.
  const common = {
    'max.message.bytes': String(MAXIMUM_BATCH_BYTES),
    'message.timestamp.type': 'CreateTime',
    // A cluster may have its brokers pack everything anew, in a way that not every reader knows.
    'compression.type': 'producer',
  }
  const wanted = topics.map(({ name, partitions, compacted }) => ({
    topic: names.topic(name),
    partitions,
    config: { ...(compacted ? TABLE : KEPT), ...common },
  }))
  const changelogs = groups.map(({ name, tasks }) => ({
    topic: names.changelog(name),
    partitions: tasks,
    config: { ...CHANGELOG, ...common },
  }))
  return [
    ...wanted,
    ...changelogs,
    { topic: names.appends, partitions: APPEND_PARTITIONS, config: { ...TABLE, ...common } },
  ]
}

/** One thing that is not as it must be. */
export interface TopicDifference {
  topic: string
  kind: 'missing' | 'partitions' | 'config'
  /** The setting, for `config`. */
  name?: string
  expected: string
  found: string
  /** Whether `apply` mends it. A partition count never changes: keys would move to other partitions, away from their state. */
  mendable: boolean
}

/** Compares; topics that are not wanted are not looked at. @throws LogError */
export async function differencesOf(admin: Admin, wanted: readonly WantedTopic[]): Promise<TopicDifference[]> {
  try {
    const counts = await partitionCounts(admin)
    const differences: TopicDifference[] = []
    const there: WantedTopic[] = []
    for (const one of wanted) {
      const found = counts.get(one.topic)
      const expected = String(one.partitions)
      if (found === undefined) {
        differences.push({ topic: one.topic, kind: 'missing', expected, found: 'none', mendable: true })
        continue
      }
      if (found !== one.partitions)
        differences.push({ topic: one.topic, kind: 'partitions', expected, found: String(found), mendable: false })
      there.push(one)
    }
    await refuseHidden(
      admin,
      differences.filter(({ kind }) => kind === 'missing').map(({ topic }) => topic),
    )
    const configs = await configsOf(
      admin,
      there.map(({ topic }) => topic),
    )
    for (const { topic, config } of there) {
      for (const [name, expected] of Object.entries(config)) {
        const found = configs.get(topic)?.get(name) ?? 'none'
        if (found !== expected) differences.push({ topic, kind: 'config', name, expected, found, mendable: true })
      }
    }
    return differences
  } catch (error) {
    throw asLogError(error, 'comparing topics')
  }
}

/**
 * Makes missing topics, and sets what differs. @param replication copies of each partition; the brokers' default where absent
 * @throws LogError 'topic_mismatch' where a partition count differs: nothing was changed then
 */
export async function applyTopics(
  admin: Admin,
  wanted: readonly WantedTopic[],
  replication: number | undefined,
): Promise<TopicDifference[]> {
  const differences = await differencesOf(admin, wanted)
  const fixed = differences.filter(({ mendable }) => !mendable)
  if (fixed.length > 0) {
    const list = fixed.map(({ topic, found, expected }) => `${topic} has ${found} partitions, expected ${expected}`)
    throw new LogError(
      'topic_mismatch',
      `${list.join('; ')}. A partition count can't be changed: records of one key would lie in two partitions, and topics that go together ` +
        'would no longer. Use another namespace',
    )
  }
  const byTopic = new Map(wanted.map((one) => [one.topic, one]))
  const missing = differences.filter(({ kind }) => kind === 'missing').flatMap(({ topic }) => byTopic.get(topic) ?? [])
  const changed = new Set(differences.filter(({ kind }) => kind === 'config').map(({ topic }) => topic))
  try {
    if (missing.length > 0) {
      const topics: ITopicConfig[] = missing.map(({ topic, partitions, config }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor: replication ?? -1,
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      }))
      await admin.createTopics({ topics, waitForLeaders: false, timeout: CREATE_MILLISECONDS }).catch(refuseNames)
      await awaitLeaders(
        admin,
        missing.map(({ topic }) => topic),
      )
    }
    if (changed.size > 0) {
      // The request replaces all that is set of a topic: what others have set stays as it is.
      const set = await configsOf(admin, [...changed], isSetOfTopic)
      await admin.alterConfigs({
        validateOnly: false,
        resources: [...changed].map((topic) => ({
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries: [
            ...new Map([...(set.get(topic) ?? []), ...Object.entries(byTopic.get(topic)?.config ?? {})]),
          ].map(([name, value]) => ({ name, value })),
        })),
      })
    }
  } catch (error) {
    throw asLogError(error, 'making topics')
  }
  return differences
}

const CREATE_MILLISECONDS = 30_000
const LEADERS_MILLISECONDS = 100

/** Waits until topics that were just made can be used: a broker may not know them yet, or not their leaders. @throws a kafkajs error */
async function awaitLeaders(admin: Admin, topics: string[]): Promise<void> {
  const giveUpAtMs = performance.now() + CREATE_MILLISECONDS
  for (;;) {
    try {
      await admin.fetchTopicMetadata({ topics })
      return
    } catch (error) {
      const isYoung = ['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'].includes(protocolErrorOf(error) ?? '')
      if (!isYoung || performance.now() > giveUpAtMs) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, LEADERS_MILLISECONDS))
  }
}

/** How often missing topics are looked for: one that was just made may be unknown to a broker for a moment. */
const LOOKS = 3
const LOOK_AGAIN_MILLISECONDS = 500

/** Looks whether topics are there as they must be, with no right but to see them. @throws LogError 'unknown_topic', 'topic_mismatch' */
export async function checkTopics(admin: Admin, wanted: readonly WantedTopic[]): Promise<void> {
  for (let look = 1; ; look += 1) {
    const counts = await inPortWords('looking up topics', () => partitionCounts(admin))
    const different = wanted.filter(({ topic, partitions }) => (counts.get(topic) ?? partitions) !== partitions)
    if (different.length > 0) {
      const list = different.map(
        ({ topic, partitions }) => `${topic} has ${counts.get(topic)} partitions, expected ${partitions}`,
      )
      throw new LogError(
        'topic_mismatch',
        `${list.join('; ')}: a partition count can't be changed, use another namespace (\`wellspring topics diff\` shows all differences)`,
      )
    }
    const missing = wanted.filter(({ topic }) => !counts.has(topic)).map(({ topic }) => topic)
    if (missing.length === 0) return
    if (look === LOOKS) {
      await refuseHidden(admin, missing)
      throw new LogError(
        'unknown_topic',
        `${allOf(missing)} ${missing.length > 1 ? 'are' : 'is'} not there: \`wellspring topics apply\` makes what is missing`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MILLISECONDS))
  }
}

function allOf([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} and ${others.length} other topics`
}

/** Topics that this user may not see look missing until they are asked for by name. @throws LogError 'denied' */
async function refuseHidden(admin: Admin, missing: readonly string[]): Promise<void> {
  try {
    if (missing.length > 0) await admin.fetchTopicMetadata({ topics: [...missing] })
  } catch (error) {
    const failure = asLogError(error, `looking up ${allOf(missing)}`)
    if (failure.code === 'denied') throw failure
  }
}

/** Makes the missing ones alone. @returns those @throws LogError 'topic_mismatch' */
export async function createMissing(admin: Admin, wanted: readonly WantedTopic[]): Promise<WantedTopic[]> {
  try {
    const counts = await partitionCounts(admin)
    for (const { topic, partitions } of wanted) {
      const found = counts.get(topic)
      if (found !== undefined && found !== partitions)
        throw new LogError(
          'topic_mismatch',
          `topic ${topic} has ${found} partitions, expected ${partitions}: use another namespace`,
        )
    }
    const missing = wanted.filter(({ topic }) => !counts.has(topic))
    if (missing.length > 0) await applyTopics(admin, missing, undefined)
    return missing
  } catch (error) {
    throw asLogError(error, 'making topics')
  }
}

/** @throws LogError 'refused' where Kafka takes the names for those of other topics, or for none; else what was thrown */
function refuseNames(error: unknown): never {
  if (protocolErrorOf(error) !== 'INVALID_TOPIC_EXCEPTION') throw error
  throw new LogError(
    'refused',
    'Kafka refused the names of the topics: a namespace whose topics differ from these only in dots and underscores is there already; use another namespace',
    { cause: error },
  )
}

/** Partition counts of all topics of the cluster that this user sees. */
export async function partitionCounts(admin: Admin): Promise<Map<string, number>> {
  const { topics } = await admin.fetchTopicMetadata()
  return new Map(topics.map(({ name, partitions }) => [name, partitions.length]))
}

/** Which of these topics are compacted; none, where this user may not ask. */
export async function compactedAmong(admin: Admin, topics: readonly string[]): Promise<Set<string>> {
  const configs = await configsOf(admin, topics).catch((error: unknown) => {
    if (protocolErrorOf(error) === 'TOPIC_AUTHORIZATION_FAILED') return new Map<string, Map<string, string>>()
    throw error
  })
  return new Set(topics.filter((topic) => (configs.get(topic)?.get('cleanup.policy') ?? '').includes('compact')))
}

/** Whether an entry was set for its topic, by whomever, and is no default. */
function isSetOfTopic({ configSource }: ConfigEntries): boolean {
  return configSource === kafkajs.ConfigSource.TOPIC_CONFIG
}

async function configsOf(
  admin: Admin,
  topics: readonly string[],
  isWanted: (entry: ConfigEntries) => boolean = () => true,
): Promise<Map<string, Map<string, string>>> {
  if (topics.length === 0) return new Map()
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })),
  })
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.filter(isWanted).map(({ configName, configValue }) => [configName, configValue])),
    ]),
  )
}
