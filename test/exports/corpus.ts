/** A small corpus of every record that rows are made of, written as processors write them, without running any. */
import { outcomeOf, tally } from '../../curation/attempts.ts'
import type {
  Outcome,
  PreferencePair,
  Problem,
  RecordTypes,
  Retraction,
  SftExample,
  TestCases,
  Triple,
  Verdict,
} from '../../schemas/generated.ts'
import { topics, topicSpecifications, type RecordKind, type Topic } from '../../topics/catalogue.ts'
import { RecordCodec } from '../../topics/codec.ts'
import { openEmbeddedLog } from '../../topics/embedded/log.ts'
import { partitionOf } from '../../topics/partitioner.ts'
import type { Corpus } from '../../topics/reading.ts'
import * as make from '../processors/records.ts'

/** A corpus that this process owns. */
export async function newCorpus(directory: string): Promise<Corpus> {
  const log = await openEmbeddedLog({ directory, mode: 'owner' })
  await log.ensureTopics(topicSpecifications())
  return { log, codec: new RecordCodec(log.schemas) }
}

/** A corpus beside the process that owns it. */
export async function openCorpusBeside(directory: string): Promise<Corpus> {
  const log = await openEmbeddedLog({ directory, mode: 'client' })
  return { log, codec: new RecordCodec(log.schemas) }
}

let appends = 0

/** Appends records where their keys belong. */
export async function append<Kind extends RecordKind>(
  { log, codec }: Corpus,
  topic: Topic<Kind>,
  records: readonly RecordTypes[Kind][],
): Promise<void> {
  const subject = `${topic.name}-value`
  await codec.prepare(subject, topic.kind)
  const outgoing = records.map((record) => {
    const key = topic.keyOf(record)
    const partition = partitionOf(key, topic.partitions)
    return { topic: topic.name, partition, key, value: codec.encode(subject, topic.kind, record) }
  })
  await log.append(outgoing, `test/${process.pid}/${appends++}`)
}

const header = { recipe: '0123456789abcdef', createdAtMs: 0 }

export function pair(given: Partial<PreferencePair> = {}): PreferencePair {
  return {
    ...{ id: 'preference-pair-1', parentIds: [], domain: 'math', ...header, simulated: false },
    ...{ problemId: 'problem-1', origin: 'synthetic', source: 'wellspring', solver: 'solver-model' },
    ...{ statement: 'What is 2 + 2?', concepts: ['addition'], level: 'AIME', passRate: 0.25 },
    ...{ prompt: 'What is 2 + 2?', chosen: '<think>\n2 + 2\n</think>\n\n\\boxed{4}', rejected: '\\boxed{5}' },
    ...{ chosenVerdictId: 'verdict-1', rejectedVerdictId: 'verdict-2' },
    ...given,
  }
}

export function sftExample(given: Partial<SftExample> = {}): SftExample {
  return {
    ...{ id: 'sft-example-1', parentIds: [], domain: 'math', ...header, simulated: false },
    ...{ problemId: 'problem-1', origin: 'synthetic', source: 'wellspring', teacher: 'teacher-model' },
    ...{ prompt: 'What is 2 + 2?', completion: '<think>\n2 + 2\n</think>\n\n\\boxed{4}', tokens: 40 },
    ...given,
  }
}

/** A triple of the first E-step, begun by announcement 2. */
export function triple(given: Partial<Triple> = {}): Triple {
  return {
    ...{ id: 'triple-1', parentIds: ['scored-rationales-1', 'concept-list-1'], domain: 'math', ...header },
    ...{ simulated: false, conceptListId: 'concept-list-1', source: 'math-500', statement: 'What is 2 + 2?' },
    ...{ concepts: ['addition', 'integers'], level: 'AIME', step: 'e', iteration: 1, announcement: 2 },
    ...{ writer: 'q', writerVersion: 'q-0', scorer: 'p', scorerVersion: 'p-0', rationale: 'Two pairs meet.' },
    ...{ rank: 0, rule: 'best', score: null, alternatives: [], chosen: 0 },
    ...given,
  }
}

export function retraction(problemId: string): Retraction {
  return {
    ...{ id: `retraction-of-${problemId}`, parentIds: [problemId], domain: 'math', ...header, simulated: false },
    ...{ problemId, reason: 'benchmark', evidence: 'aime24 3', by: 'a test' },
  }
}

/** Numbered pairs of numbered problems, three each. */
export function pairs(count: number, from = 0): PreferencePair[] {
  return Array.from({ length: count }, (_, index) => {
    const number = from + index
    return pair({
      id: `preference-pair-${number}`,
      problemId: `problem-${Math.floor(number / 3)}`,
      domain: number % 2 === 0 ? 'math' : 'code',
      passRate: (number % 8) / 8,
      chosen: `chosen ${number}`,
    })
  })
}

/** What becomes of one problem: what a sort needs that is made of it. */
export interface Story {
  problem: Problem
  testCases: TestCases
  outcome: Outcome
  verdicts: Verdict[]
}

/** Writes a problem with its checks and attempts, given as `passed`, `failed` or `invalid`. */
export async function tell(
  corpus: Corpus,
  given: {
    id: string
    attempts: readonly ('passed' | 'failed' | 'invalid')[]
    problem?: Partial<Problem>
    checks?: TestCases['checks']
    simulated?: boolean
  },
): Promise<Story> {
  const { id, attempts, simulated = false } = given
  const problem = make.problem({ ...given.problem, id, simulated })
  const { domain, origin, source, statement, concepts, level } = problem
  const about = { problemId: id, domain, simulated }
  const testCases = make.testCases({
    ...{ ...about, id: `test-cases-of-${id}`, parentIds: [id], origin, source, statement, concepts, level },
    checks: given.checks ?? make.answerChecks,
  })
  const verdicts = attempts.map((result, attempt) =>
    make.verdict({
      ...{ ...about, id: `verdict-${attempt}-of-${id}`, solver: 'solver-model', attempt },
      ...{ verdict: result === 'passed' ? 'passed' : 'failed', valid: result !== 'invalid' },
      ...{ text: `attempt ${attempt}`, reasoning: attempt === 0 ? 'thinking' : null },
    }),
  )
  await append(corpus, topics.problems, [problem])
  await append(corpus, topics.testCases, [testCases])
  const partition = partitionOf(id, topics.verdicts.partitions)
  const { end } = await corpus.log.offsets(topics.verdicts.name, partition)
  await append(corpus, topics.verdicts, verdicts)
  const again = false
  const counts = tally(verdicts.map((one) => ({ ...one, verdictId: one.id, partition, offset: 0, again })))
  const outcome = make.outcome({
    ...{ ...about, id: `outcome-of-${id}`, parentIds: [testCases.id], origin, source, statement, concepts, level },
    ...{ solver: 'solver-model', ...counts },
    result: outcomeOf(counts, { attempts: attempts.length, tooEasyAt: 0.5, tooEasyWhen: 'at-least' }),
    verdicts: verdicts.map(({ id: verdictId, verdict, valid }, attempt) => ({
      ...{ verdictId, partition, offset: end + attempt, verdict, valid, recomputed: false },
    })),
  })
  await append(corpus, topics.outcomes, [outcome])
  return { problem, testCases, outcome, verdicts }
}
