/**
 * The catalogue: every topic of the stream, one line each. The wiring diagram, retention and partition counts come from
 * here and from the processors' declarations alone.
 */
import type { RecordTypes } from '../schemas/generated.ts'
import type { TopicSpecification } from './log.ts'

export type RecordKind = keyof RecordTypes

/** `kept`: for ever. `transient`: until every processor that consumes it is past it, and a day old. `table`: compacted by key, read whole by every process that uses it. */
type Retention = 'kept' | 'transient' | 'table'

/** One topic. `key` names the record's key; topics with the same key and partition count are co-partitioned. */
export interface Topic<Kind extends RecordKind = RecordKind> {
  readonly name: string
  readonly kind: Kind
  keyOf(record: RecordTypes[Kind]): string
  readonly key: string
  readonly partitions: number
  readonly retention: Retention
}

/** Partitions of a topic that is spread. Parallelism comes from the window, so this bounds processes, not calls. */
const defaultPartitions = 12

/** One topic; a key of several fields is joined by slashes. */
function topic<Kind extends RecordKind>(
  name: string,
  kind: Kind,
  keyFields: (string & keyof RecordTypes[Kind]) | readonly (string & keyof RecordTypes[Kind])[],
  partitions: number,
  retention: Retention,
): Topic<Kind> {
  const fields = typeof keyFields === 'string' ? [keyFields] : keyFields
  const keyOf = (record: RecordTypes[Kind]): string => fields.map((field) => String(record[field])).join('/')
  return { name, kind, key: fields.join('/'), partitions, retention, keyOf }
}

// prettier-ignore
export const topics = {
  seeds:             topic('seeds', 'seed', 'id', defaultPartitions, 'kept'),
  conceptLists:      topic('concept-lists', 'concept-list', 'id', 1, 'kept'),
  conceptEmbeddings: topic('concept-embeddings', 'concept-embedding', ['domain', 'concept'], 1, 'table'),
  concepts:          topic('concepts', 'concept-combination', 'id', defaultPartitions, 'kept'),
  rationales:        topic('rationales', 'rationale', 'id', defaultPartitions, 'kept'),
  problems:          topic('problems', 'problem', 'id', 1, 'kept'),
  screenedProblems:  topic('screened-problems', 'problem', 'id', defaultPartitions, 'transient'),
  acceptedProblems:  topic('accepted-problems', 'problem', 'id', defaultPartitions, 'transient'),
  votedProblems:     topic('voted-problems', 'test-cases', 'problemId', 1, 'kept'),
  testCases:         topic('test-cases', 'test-cases', 'problemId', defaultPartitions, 'kept'),
  rolloutRequests:   topic('rollout-requests', 'rollout-request', 'problemId', defaultPartitions, 'transient'),
  rollouts:          topic('rollouts', 'rollout', 'problemId', defaultPartitions, 'transient'),
  verdicts:          topic('verdicts', 'verdict', 'problemId', defaultPartitions, 'kept'),
  testRequests:      topic('test-requests', 'test-request', 'problemId', defaultPartitions, 'transient'),
  furtherTests:      topic('further-tests', 'further-tests', 'problemId', defaultPartitions, 'transient'),
  testRuns:          topic('test-runs', 'test-runs', 'problemId', defaultPartitions, 'kept'),
  outcomes:          topic('outcomes', 'outcome', 'problemId', defaultPartitions, 'kept'),
  conceptYields:     topic('concept-yields', 'concept-yield', 'id', 1, 'kept'),
  preferencePairs:   topic('preference-pairs', 'preference-pair', 'problemId', defaultPartitions, 'kept'),
  traceRequests:     topic('trace-requests', 'trace-request', 'problemId', defaultPartitions, 'transient'),
  traces:            topic('traces', 'trace', 'problemId', defaultPartitions, 'kept'),
  sftExamples:       topic('sft-examples', 'sft-example', 'problemId', defaultPartitions, 'kept'),
  models:            topic('models', 'model-announcement', 'role', 1, 'table'),
  emSteps:           topic('em-steps', 'em-step', ['step', 'iteration'], 1, 'table'),
  rationaleRequests: topic('rationale-requests', 'rationale-request', 'conceptListId', defaultPartitions, 'transient'),
  rationaleCandidates: topic('rationale-candidates', 'rationale-candidates', 'conceptListId', defaultPartitions, 'transient'),
  scoredRationales:  topic('scored-rationales', 'scored-rationales', 'conceptListId', defaultPartitions, 'kept'),
  triples:           topic('triples', 'triple', 'conceptListId', defaultPartitions, 'kept'),
  benchmarks:        topic('benchmarks', 'benchmark-problem', ['benchmark', 'id'], 1, 'table'),
  retractions:       topic('retractions', 'retraction', 'problemId', 1, 'table'),
  discards:          topic('discards', 'discard', 'recordId', defaultPartitions, 'kept'),
  ledger:            topic('ledger', 'ledger-entry', ['processor', 'task'], 1, 'table'),
  recipes:           topic('recipes', 'recipe', 'recipe', 1, 'table'),
  expenses:          topic('expenses', 'expense', ['processor', 'task', 'role', 'model', 'endpoint', 'outcome', 'currency'], 1, 'table'),
  budgetClaims:      topic('budget-claims', 'budget-claim', 'id', 1, 'kept'),
} as const satisfies Record<string, Topic>

/** Records that could not be processed: the original bytes under the original key, the cause in the headers. No schema of its own. */
export const deadLetters: TopicSpecification = { name: 'dead-letters', partitions: defaultPartitions, compacted: false }

/**
 * Header of a record that was put back from dead-letters: the one processor that it is for. All others, and all readers,
 * have seen it before and pass over it.
 */
export const redrivenForHeader = 'wellspring.redriven-for'

/** Topics that `ingest` writes to. */
export const ingestedTopics: readonly string[] = [topics.seeds.name, topics.problems.name, topics.concepts.name]

/** What the log must hold for the whole stream. */
export function topicSpecifications(): TopicSpecification[] {
  const specifications = Object.values(topics).map(({ name, partitions, retention }) => ({
    name,
    partitions,
    compacted: retention === 'table',
  }))
  return [...specifications, deadLetters]
}

/** The topic of a name; undefined where the catalogue has none. */
export function topicNamed(name: string): Topic | undefined {
  return Object.values(topics).find((candidate) => candidate.name === name)
}
