/** The least rights on Kafka of each processor and of each tool beside them. */
import type { Processor } from '../engine/processor.ts'
import { processors } from '../processors/index.ts'
import { copyGroup } from '../engine/copy/copy-progress.ts'
import { deadLetters, ingestedTopics, topicSpecifications, topics } from '../topics/catalogue.ts'
import { Names } from '../topics/kafka/names.ts'
import { needsOf, transientConsumers } from './needs.ts'
import { shellWord } from './terminal.ts'

export type AclOperation = 'Read' | 'Write' | 'Describe' | 'Create' | 'Delete' | 'DescribeConfigs' | 'AlterConfigs'

/** One resource and what may be done with it. */
export interface AclEntry {
  resource: 'topic' | 'group' | 'transactional-id'
  /** `prefixed`: all names that begin so. */
  pattern: 'literal' | 'prefixed'
  name: string
  operations: readonly AclOperation[]
}

/** All that a processor or a tool may do. */
export interface AclSet {
  /** The processor, or the tool. */
  name: string
  /** What the tool is; the processor's own sentence. */
  summary: string
  isTool: boolean
  entries: AclEntry[]
}

/** The sets of all processors, then of all tools, for a namespace. */
export function aclSets(namespace: string): AclSet[] {
  const ofProcessors = processors.map((declaration): AclSet => {
    const { name, summary } = declaration
    return { name, summary, isTool: false, entries: aclsOf(namespace, declaration) }
  })
  return [...ofProcessors, ...toolSets(new Names(namespace))]
}

/** What a processor may do, for a namespace. */
export function aclsOf(namespace: string, declaration: Processor): AclEntry[] {
  const names = new Names(namespace)
  const { name, reads, writes } = needsOf(declaration)
  return [...topicEntries(names, reads, writes), copyLook(names), ...memberEntries(names, name)]
}

/** What a member of a group needs besides the topics that it works on. */
function memberEntries(names: Names, group: string): AclEntry[] {
  return [
    { ...literal('topic', names.changelog(group)), operations: ['Read', 'Write', 'Describe'] },
    { ...literal('group', names.group(group)), operations: ['Read', 'Describe'] },
    transactionalIds(names.transactionalIds(group)),
  ]
}

/** Whoever writes looks first whether the corpus is a copy that is not complete. */
function copyLook(names: Names): AclEntry {
  return { ...literal('topic', names.changelog(copyGroup.name)), operations: ['Read', 'Describe'] }
}

function transactionalIds(prefix: string): AclEntry {
  return { resource: 'transactional-id', pattern: 'prefixed', name: prefix, operations: ['Write', 'Describe'] }
}

function toolSets(names: Names): AclSet[] {
  const all = topicSpecifications().map(({ name }) => name)
  const changelogs = processors.map(({ name }) => literal('topic', names.changelog(name)))
  const inputs = new Set(processors.flatMap(({ inputs: own }) => Object.values(own).map(({ name }) => name)))
  const transient = transientConsumers()
  const appending: AclEntry[] = [
    copyLook(names),
    { ...literal('topic', names.appends), operations: ['Read', 'Write', 'Describe'] },
    transactionalIds(names.appendTransactionalIds),
  ]
  const tool = (name: string, summary: string, entries: AclEntry[]): AclSet => ({
    name,
    summary,
    isTool: true,
    entries,
  })
  return [
    tool('ingest', 'wellspring ingest', [...topicEntries(names, ingestedTopics, ingestedTopics), ...appending]),
    tool('benchmarks', 'wellspring benchmarks', [
      ...topicEntries(names, [topics.benchmarks.name], [topics.benchmarks.name]),
      ...appending,
    ]),
    tool('recheck', 'wellspring recheck', [
      ...topicEntries(
        names,
        [topics.benchmarks.name, topics.problems.name, topics.discards.name, topics.retractions.name],
        [topics.retractions.name],
      ),
      ...appending,
    ]),
    tool('teachers', 'wellspring teach', [
      ...topicEntries(
        names,
        [
          ...[topics.problems.name, topics.acceptedProblems.name, topics.testCases.name, topics.traceRequests.name],
          ...[topics.traces.name, topics.discards.name, topics.retractions.name],
        ],
        [topics.traceRequests.name],
      ),
      { ...literal('topic', names.changelog('teach')), operations: ['Read', 'Describe'] },
      ...appending,
    ]),
    tool('models', 'wellspring models announce', [
      ...topicEntries(names, [topics.models.name], [topics.models.name]),
      ...appending,
    ]),
    tool('redrive', 'wellspring dead-letters redrive', [
      ...topicEntries(names, [deadLetters.name], [deadLetters.name, ...inputs]),
      ...appending,
    ]),
    tool('budget', 'a budget, in any process of up or run', [
      ...topicEntries(
        names,
        [topics.expenses.name, topics.budgetClaims.name, topics.ledger.name],
        [topics.budgetClaims.name],
      ),
      ...appending,
    ]),
    tool('metrics', 'metrics of the whole corpus, in any process of up or run', [
      ...topicEntries(names, [topics.expenses.name, topics.ledger.name], []),
    ]),
    tool(
      'read',
      'wellspring tail, export, report, browse, explain, spend, dead-letters list, models list, wait and rows',
      [...topicEntries(names, all, []), copyLook(names)],
    ),
    tool('copy', 'wellspring copy, on either end; with --apply also the set apply', [
      ...topicEntries(names, all, all),
      ...[copyGroup.name, ...processors.map(({ name }) => name)].flatMap((group) => memberEntries(names, group)),
      {
        ...literal('topic', names.changelog(copyGroup.name)),
        operations: ['Create', 'Describe', 'DescribeConfigs', 'AlterConfigs'],
      },
      { ...literal('topic', names.appends), operations: ['Describe', 'DescribeConfigs'] },
    ]),
    tool('list', 'wellspring topics', [
      ...all.map((name): AclEntry => ({ ...literal('topic', names.topic(name)), operations: ['Describe'] })),
      ...changelogs.map((one): AclEntry => ({ ...one, operations: ['Read', 'Describe'] })),
    ]),
    tool('retention', 'forgetting transient records, in any process of up or run', [
      ...transient.map(({ topic }): AclEntry => ({
        ...literal('topic', names.topic(topic.name)),
        operations: ['Read', 'Describe', 'Delete'],
      })),
      ...[...new Set(transient.flatMap(({ consumers }) => consumers))].map(({ name }): AclEntry => ({
        ...literal('topic', names.changelog(name)),
        operations: ['Read', 'Describe'],
      })),
    ]),
    tool('apply', 'wellspring topics apply and diff, up --apply', [
      ...[
        ...all.map((name) => literal('topic', names.topic(name))),
        ...changelogs,
        literal('topic', names.appends),
      ].map((one): AclEntry => ({ ...one, operations: ['Create', 'Describe', 'DescribeConfigs', 'AlterConfigs'] })),
    ]),
  ]
}

function literal(resource: AclEntry['resource'], name: string): Omit<AclEntry, 'operations'> {
  return { resource, pattern: 'literal', name }
}

function topicEntries(names: Names, reads: readonly string[], writes: readonly string[]): AclEntry[] {
  return [...new Set([...reads, ...writes])].map((name) => ({
    ...literal('topic', names.topic(name)),
    operations: [
      ...(reads.includes(name) ? (['Read'] as const) : []),
      ...(writes.includes(name) ? (['Write'] as const) : []),
      'Describe',
    ],
  }))
}

/** The entries as kafka-acls.sh commands: one for all resources of a sort that have the same rights. */
export function aclCommands(entries: readonly AclEntry[], principal: string, brokers: readonly string[]): string[] {
  const together = new Map<string, AclEntry[]>()
  for (const entry of entries) {
    const key = `${entry.resource} ${entry.pattern} ${entry.operations.join()}`
    together.set(key, [...(together.get(key) ?? []), entry])
  }
  return [...together.values()].flatMap((list) => {
    const [first] = list
    if (!first) return []
    return [
      [
        ...['kafka-acls.sh', '--bootstrap-server', shellWord(brokers.join(',')), '--add'],
        ...['--allow-principal', shellWord(principal)],
        ...first.operations.flatMap((operation) => ['--operation', operation]),
        ...(first.pattern === 'prefixed' ? ['--resource-pattern-type', 'prefixed'] : []),
        ...list.flatMap(({ resource, name }) => [`--${resource}`, shellWord(name)]),
      ].join(' '),
    ]
  })
}
