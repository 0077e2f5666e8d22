/** `wellspring topics`: what lies in the corpus, and what a corpus on Kafka needs of its cluster. */
import { Command } from 'commander'
import { groupOf } from '../engine/runtime.ts'
import { processors } from '../processors/index.ts'
import { topicNamed, topicSpecifications } from '../topics/catalogue.ts'
import type { TopicDifference } from '../topics/kafka/topics.ts'
import { openBeside, useCorpus, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { placeOf, placeOptions, type KafkaPlace, type Place, type PlaceFlags } from './place.ts'
import { formatBytes, formatCount, printable, say, sayJson, tableLines } from './terminal.ts'
import { nearest, noSuch } from './wrong-use.ts'

/** Records of each topic that its consumers have not finished, by processor. */
async function backlogs({ log, codec }: Corpus): Promise<Map<string, { processor: string; records: number }[]>> {
  const result = new Map<string, { processor: string; records: number }[]>()
  for (const declaration of processors) {
    const { inputs, tasks } = groupOf(declaration)
    const progress = await log.progress(declaration.name)
    for (const topic of inputs) {
      let records = 0
      for (let task = 0; task < tasks; task++) {
        const { start, end } = await log.offsets(topic, task)
        const value = progress.find((one) => one.task === task)?.value
        if (value) await codec.learn(value)
        const input = value && codec.decode('progress', value).inputs.find((one) => one.topic === topic)
        records += input ? Math.max(0, end - input.nextOffset) + input.unfinished.length : end - start
      }
      result.set(topic, [...(result.get(topic) ?? []), { processor: declaration.name, records }])
    }
  }
  return result
}

interface ListOptions extends PlaceFlags {
  json?: boolean
}

async function list(options: ListOptions, command: Command): Promise<void> {
  const [stray] = command.args
  if (stray !== undefined) {
    // Without a subcommand it lists: what is none ends up here.
    const isNamed = command.parent?.args[0] === command.name()
    const near = nearest(
      stray,
      (command.parent?.commands ?? []).map((one) => one.name()),
    )
    command.parent?.error(
      isNamed
        ? `too many arguments for 'list': expected none, got '${stray}'`
        : `unknown command '${stray}'${near === undefined ? '' : ` (Did you mean ${near}?)`}`,
    )
  }
  await useCorpus(await placeOf(options), openBeside, async (corpus) => {
    const waiting = await backlogs(corpus)
    const described = new Map((await corpus.log.describeTopics()).map((topic) => [topic.name, topic]))
    // In the order of the stream, then whatever else there is.
    const names = new Set([...topicSpecifications().map(({ name }) => name), ...described.keys()])
    const rows = [...names]
      .flatMap((name) => described.get(name) ?? [])
      .map((topic) => ({
        name: topic.name,
        retention: topicNamed(topic.name)?.retention ?? 'kept',
        partitions: topic.partitions,
        records: topic.records,
        // A log that does not know says 0.
        bytes: topic.bytes === 0 && topic.records > 0 ? null : topic.bytes,
        backlog: waiting.get(topic.name) ?? [],
      }))
    // Offsets of Kafka count transaction marks, and what was compacted away, as well.
    const estimated = corpus.log.kind === 'kafka'
    if (options.json) for (const row of rows) sayJson({ ...row, estimated })
    else {
      const countOf = (count: number): string => `${estimated && count > 0 ? '~' : ''}${formatCount(count)}`
      const width = Math.max('records'.length, ...rows.map(({ records }) => countOf(records).length))
      const cells = rows.map(({ name, retention, partitions, records, bytes, backlog }) => [
        name,
        retention,
        partitions,
        countOf(records).padStart(width),
        bytes === null ? '-' : formatBytes(bytes),
        backlog.map((one) => `${one.processor} ${countOf(one.records)}`).join(', '),
      ])
      const header = ['topic', 'retention', 'partitions', 'records'.padStart(width), 'size', 'not finished by']
      for (const line of tableLines(header, cells)) say(line)
    }
  })
}

/** The place where it is on Kafka; else says that nothing needs to be done. */
function onKafka(place: Place, what: string): KafkaPlace | undefined {
  if (place.kind === 'kafka') return place
  say(
    `the corpus lies in the folder ${place.directory}, whose log makes its topics and schemas by itself: ${what}; name brokers with --kafka HOST:PORT`,
  )
  return undefined
}

function differenceLine({ topic, kind, name, expected, found }: TopicDifference): string {
  switch (kind) {
    case 'missing':
      return `${topic}: not there; expected with ${expected} partitions`
    case 'partitions':
      return `${topic}: has ${found} partitions, expected ${expected}; that can't be changed: records of one key would lie in two partitions, away from their state`
    case 'config':
      return `${topic}: ${name} is ${found}, expected ${expected}`
  }
}

async function diff(options: ListOptions): Promise<void> {
  const place = onKafka(await placeOf(options), 'there is nothing to compare')
  if (!place) return
  const { compareAll } = await import('./administration.ts')
  const { topics, schemas } = await compareAll(place)
  const all = [...topics, ...schemas]
  if (all.length > 0) process.exitCode = exitCodes.bug
  if (options.json) return tellJson(topics, schemas)
  for (const one of topics) say(printable(differenceLine(one)))
  for (const { subject, kind } of schemas) say(printable(`${subject}: ${schemaWords[kind]}`))
  say(all.length === 0 ? 'no differences' : `${all.length} differences; ${cureOf(all, place.flags)}`)
}

/** What to do about differences. `flags` lead to the same corpus. */
export function cureOf(differences: readonly { mendable: boolean }[], flags: string): string {
  const lasting = differences.filter(({ mendable }) => !mendable).length
  if (lasting === 0) return `\`wellspring topics apply${flags}\` mends them`
  return `${lasting} of them can't be mended, and \`wellspring topics apply\` changes nothing then: use another namespace (--namespace NAME)`
}

function tellJson(topics: readonly object[], schemas: readonly object[]): void {
  for (const one of topics) sayJson({ what: 'topic', ...one })
  for (const one of schemas) sayJson({ what: 'schema', ...one })
}

const schemaWords = {
  missing: 'the schema is not registered',
  'new version': "this release's version of the schema is not registered",
  incompatible: "the registry holds a schema that this release's is not compatible with",
} as const

interface ApplyOptions extends ListOptions {
  replication?: string
}

async function apply(options: ApplyOptions): Promise<void> {
  const replication = options.replication === undefined ? undefined : Number(options.replication)
  if (replication !== undefined && !(Number.isInteger(replication) && replication >= 1))
    throw new CommandError(
      exitCodes.usage,
      `--replication: expected a whole number above 0, got "${options.replication}"`,
    )
  const place = onKafka(await placeOf(options), 'there is nothing to make')
  if (!place) return
  const { applyAll } = await import('./administration.ts')
  const { topics, schemas } = await applyAll(place, replication)
  if (options.json) return tellJson(topics, schemas)
  for (const { topic, kind, name, expected, found } of topics)
    say(
      printable(
        kind === 'missing'
          ? `${topic}: made, ${expected} partitions`
          : `${topic}: ${name} set to ${expected}, was ${found}`,
      ),
    )
  for (const { subject, kind } of schemas)
    say(printable(`${subject}: ${kind === 'missing' ? 'registered' : 'new version registered'}`))
  if (topics.length + schemas.length === 0) say('nothing to do: all topics and schemas are as they must be')
}

interface AclOptions extends ListOptions {
  principal?: string
}

async function acls(wanted: readonly string[], options: AclOptions): Promise<void> {
  const place = onKafka(await placeOf(options, { registry: false }), 'nobody needs rights there')
  if (!place) return
  const { aclCommands, aclSets } = await import('./acls.ts')
  const sets = aclSets(place.namespace)
  const unknown = wanted.filter((name) => !sets.some((one) => one.name === name))
  if (unknown.length > 0) {
    throw new CommandError(
      exitCodes.usage,
      noSuch(
        'processor or tool',
        unknown,
        sets.map(({ name }) => name),
      ),
    )
  }
  for (const { name, summary, isTool, entries } of sets) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const principal = options.principal ?? `User:${name}`
    if (options.json) {
      for (const entry of entries) sayJson({ set: name, tool: isTool, principal, ...entry })
      continue
    }
    say(`# ${name}: ${summary}`)
    for (const line of aclCommands(entries, principal, place.brokers)) say(line)
    say('')
  }
}

export function topicsCommand(): Command {
  const command = new Command('topics').addHelpText(
    'after',
    '\nWithout a subcommand it lists.\n\nExamples:\n  wellspring topics\n  wellspring topics diff --kafka 127.0.0.1:9092 --registry http://127.0.0.1:8081/apis/ccompat/v7',
  )
  placeOptions(
    command.command('list', { isDefault: true }).description('records, bytes, and what consumers have not finished'),
  )
    .allowExcessArguments()
    .option('--json', 'one JSON object a topic')
    .addHelpText('after', '\nExamples:\n  wellspring topics\n  wellspring topics --json | jq -c "{name, records}"')
    .action(list)
  placeOptions(
    command.command('diff').description('what of topics and schemas on Kafka is not as this release needs it'),
  )
    .option('--json', 'one JSON object a difference')
    .addHelpText(
      'after',
      `
It ends with 0 where nothing differs, else with 1.

Examples:
  wellspring topics diff --kafka 127.0.0.1:9092 --registry http://127.0.0.1:8081/apis/ccompat/v7
  wellspring topics diff --json | jq -r 'select(.mendable | not)'`,
    )
    .action(diff)
  placeOptions(
    command.command('apply').description('make topics and register schemas on Kafka as this release needs them'),
  )
    .option(
      '--replication <count>',
      "copies of each partition of new topics (default: kafka.replication, or the brokers')",
    )
    .option('--json', 'one JSON object a change')
    .addHelpText(
      'after',
      `
It makes what is missing, sets what differs, and leaves alone what is not Wellspring's. A partition count that differs, or a schema
that this release is not compatible with, is refused, and then nothing is changed. Schemas are registered under FULL_TRANSITIVE.

Examples:
  wellspring topics apply --kafka 127.0.0.1:9092 --registry http://127.0.0.1:8081/apis/ccompat/v7
  wellspring topics apply --replication 3`,
    )
    .action(apply)
  placeOptions(
    command
      .command('acls')
      .description('the least rights on Kafka of each processor, and of the tools beside them')
      .argument('[name...]', 'processors or tools; all where none is named'),
  )
    .option('--principal <principal>', 'who gets them (default: User:<name of the processor or tool>)')
    .option('--json', 'one JSON object a resource')
    .addHelpText(
      'after',
      `
What it prints are kafka-acls.sh commands; no broker is asked. One user for everything: --principal User:wellspring.

Examples:
  wellspring topics acls roll-out verify-rollout --kafka 127.0.0.1:9092
  wellspring topics acls --principal User:wellspring --kafka 127.0.0.1:9092 | grep -v '^#' | sh`,
    )
    .action(acls)
  return command
}
