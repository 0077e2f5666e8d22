/** A simulated corpus, with what is true of each of its records. */
import { readTopic, type Corpus } from '../../cli/corpus.ts'
import type {
  Discard,
  Outcome,
  PreferencePair,
  Problem,
  RecordTypes,
  TestCases,
  Verdict,
} from '../../schemas/generated.ts'
import { KnownProblems } from '../../simulator/known-problems.ts'
import { StatementReader } from '../../simulator/statements.ts'
import type { Fact, Flaw, JudgementFact, RolloutFact, TestFact, Truth } from '../../simulator/truth.ts'
import { topics, type RecordKind, type Topic } from '../../topics/catalogue.ts'
import { compareMath } from '../../verifiers/math.ts'

/** A synthetic problem, with what is true of it. */
export interface JudgedProblem {
  problem: Problem
  /** Undefined where the truth does not say. */
  valid: boolean | undefined
  flaw: Flaw | undefined
  /** Equal for the same question, whatever its words; undefined where the simulator cannot read it. */
  key: string | undefined
}

/** A counted attempt, with what is true of it. */
export interface JudgedAttempt {
  verdict: Verdict
  right: boolean
  mistake: string | undefined
}

/** Written tests of a problem, and whether each one's output is right. */
interface JudgedSuite {
  tests: boolean[]
  kinds: string[]
}

/** Everything that the gates are measured on. */
export interface SimulatedCorpus {
  problems: JudgedProblem[]
  /** Ids of problems that passed the judges. */
  accepted: ReadonlySet<string>
  discards: Discard[]
  /** By the id of a vote's result: its problem. */
  votedProblems: ReadonlyMap<string, string>
  testCases: TestCases[]
  /** By problem; those that were written, and whose truth is known. */
  suites: ReadonlyMap<string, JudgedSuite>
  /** By id; those whose truth is known. */
  attempts: ReadonlyMap<string, JudgedAttempt>
  outcomes: Outcome[]
  pairs: Pick<PreferencePair, 'problemId' | 'chosenVerdictId' | 'rejectedVerdictId'>[]
  judgements: JudgementFact[]
  /** Families that a problem was drawn from. */
  families: ReadonlySet<string>
  /** Whether a reference answer is the right one; undefined where the truth does not say. */
  answerIsRight(statement: string, answer: string): boolean | undefined
}

/** Facts about single requests, by X-Request-Id. A request that was made again after a crash has the same answer and the same fact. */
function byRequest<Kind extends Fact['kind']>(truth: Truth, kind: Kind): Map<string, Extract<Fact, { kind: Kind }>> {
  return new Map(
    truth.facts.flatMap((fact) =>
      fact.kind === kind && fact.requestId !== null
        ? [[fact.requestId, fact as Extract<Fact, { kind: Kind }>] as const]
        : [],
    ),
  )
}

/** Reads a corpus with its truth. @param knows the files of human problems that the simulator knew */
export async function readSimulated(corpus: Corpus, truth: Truth, knows: readonly string[]): Promise<SimulatedCorpus> {
  const reader = new StatementReader(new KnownProblems(knows))
  const written = byRequest(truth, 'problem')
  const rollouts = byRequest(truth, 'rollout') as Map<string, RolloutFact>
  const tests = byRequest(truth, 'test') as Map<string, TestFact>
  const all = async <Kind extends RecordKind>(topic: Topic<Kind>): Promise<RecordTypes[Kind][]> => {
    const records: RecordTypes[Kind][] = []
    for await (const { record } of readTopic(corpus, topic)) records.push(record)
    return records
  }
  const problems: JudgedProblem[] = []
  for await (const { record: problem } of readTopic(corpus, topics.problems)) {
    if (problem.origin !== 'synthetic') continue
    // The same text may have been written for several levels: the fact of its own call comes first.
    const fact =
      problem.calls.map(({ requestId }) => written.get(requestId)).find((one) => one !== undefined) ??
      truth.problem(problem.statement)
    problems.push({ problem, valid: fact?.valid, flaw: fact?.flaw, key: reader.read(problem.statement).problem?.key })
  }
  const accepted = new Set<string>()
  for await (const { record } of readTopic(corpus, topics.acceptedProblems))
    if (record.origin === 'synthetic') accepted.add(record.id)
  const attempts = new Map<string, JudgedAttempt>()
  for await (const { record } of readTopic(corpus, topics.verdicts)) {
    const fact = rollouts.get(`${record.requestId}/attempt`)
    // Its texts are not needed here, and they are long.
    if (fact && fact.right !== null)
      attempts.set(record.id, {
        verdict: { ...record, text: '', reasoning: null },
        right: fact.right,
        mistake: fact.mistake,
      })
  }
  const testCases = await all(topics.testCases)
  const votedProblems = new Map<string, string>()
  for await (const { record } of readTopic(corpus, topics.votedProblems)) votedProblems.set(record.id, record.problemId)
  const suites = new Map<string, JudgedSuite>()
  for (const record of testCases) {
    const known = record.checks.trusted ? undefined : testTruth(record, tests)
    if (known) suites.set(record.problemId, { tests: known, kinds: record.checks.tests.map(({ kind }) => kind) })
  }
  const pairs: SimulatedCorpus['pairs'] = []
  for await (const { record } of readTopic(corpus, topics.preferencePairs)) {
    const { problemId, chosenVerdictId, rejectedVerdictId } = record
    pairs.push({ problemId, chosenVerdictId, rejectedVerdictId })
  }
  return {
    ...{ problems, accepted, votedProblems, testCases, suites, attempts, pairs },
    discards: await all(topics.discards),
    outcomes: await all(topics.outcomes),
    judgements: [...byRequest(truth, 'judgement').values()],
    families: new Set(
      truth.facts.flatMap((fact) => (fact.kind === 'problem' && fact.family !== 'human' ? [fact.family] : [])),
    ),
    answerIsRight: (statement, answer) => {
      const reference = truth.problem(statement)?.rightAnswer
      return reference === undefined ? undefined : compareMath({ answer, reference }).verdict === 'passed'
    },
  }
}

/** What the truth says of a problem's written tests; undefined where there are none, or it does not know one of them. */
function testTruth(record: TestCases, facts: ReadonlyMap<string, TestFact>): boolean[] | undefined {
  const known = record.calls.flatMap(({ requestId }) => facts.get(requestId) ?? [])
  const found = record.checks.tests.map(
    ({ input, output }) => known.find((fact) => fact.input === input && fact.output === output)?.right,
  )
  return found.length > 0 && found.every((right) => typeof right === 'boolean') ? found : undefined
}
