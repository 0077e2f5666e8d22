/**
 * `npm run quality -- --truth FILE`: how often each gate of a simulated corpus was right, by the truth file of
 * the simulator that made it. Exits 1 when a verdict is wrong that neither its reference answer nor its tests explain.
 * With --json it prints a line for each figure instead: its name, its value, its goal and whether it is reached, null where there is none.
 */
import { parseArgs } from 'node:util'
import { openBeside, readTopic, useCorpus, type Corpus } from '../cli/corpus.ts'
import { reportFailure } from '../cli/exit.ts'
import { placeOf } from '../cli/place.ts'
import {
  readTruth,
  type Fact,
  type JudgementFact,
  type RolloutFact,
  type TestFact,
  type Truth,
} from '../simulator/truth.ts'
import type { Outcome, TestCases, Verdict } from '../schemas/generated.ts'
import { domainNamed } from '../domains/index.ts'
import { topics } from '../topics/catalogue.ts'
import { compareMath } from '../verifiers/math.ts'

interface Line {
  gate: string
  what: string
  right: number
  of: number
}

type FactOf<Kind extends Fact['kind']> = Extract<Fact, { kind: Kind }>

/** Facts about single requests, by X-Request-Id. A request that was made again after a crash has the same answer and the same fact. */
function byRequest<Kind extends Fact['kind']>(truth: Truth, kind: Kind): Map<string, FactOf<Kind>> {
  return new Map(
    truth.facts.flatMap((fact) =>
      fact.kind === kind && fact.requestId !== null ? [[fact.requestId, fact as FactOf<Kind>] as const] : [],
    ),
  )
}

/** Whether a reference answer is the right one; undefined where the truth does not say. */
function answerIsRight(truth: Truth, statement: string, answer: string): boolean | undefined {
  const right = truth.problem(statement)?.rightAnswer
  return right === undefined ? undefined : compareMath({ answer, reference: right }).verdict === 'passed'
}

async function screening(corpus: Corpus, truth: Truth): Promise<Line[]> {
  let flawed = 0
  let discarded = 0
  for await (const { record: discard } of readTopic(corpus, topics.discards)) {
    if (discard.processor !== 'screen-problem' || discard.reason === 'duplicate') continue
    const statement = await statementOf(corpus, discard.partition, discard.offset)
    const fact = statement === undefined ? undefined : truth.problem(statement)
    if (!fact) continue
    discarded++
    if (!fact.valid) flawed++
  }
  return [{ gate: 'screen', what: 'discards by statement rules that were flawed', right: flawed, of: discarded }]
}

async function statementOf({ log, codec }: Corpus, partition: number, offset: number): Promise<string | undefined> {
  const { records } = await log.read(
    { topic: topics.problems.name, partition, offset },
    { maxBytes: 1, maxWaitSeconds: 0 },
  )
  const [stored] = records
  if (stored?.offset !== offset) return undefined
  await codec.learn(stored.value)
  return codec.decode('problem', stored.value).statement
}

async function judging(corpus: Corpus, truth: Truth): Promise<Line[]> {
  const said = [...byRequest(truth, 'judgement').values()] as JudgementFact[]
  const readable = said.filter((fact) => fact.said !== 'malformed')
  const agrees = readable.filter((fact) => (fact.truth === 'bad') === (fact.said === 'bad'))
  let valid = 0
  let accepted = 0
  for await (const { record: problem } of readTopic(corpus, topics.acceptedProblems)) {
    const fact = problem.origin === 'synthetic' ? truth.problem(problem.statement) : undefined
    if (!fact) continue
    accepted++
    if (fact.valid) valid++
  }
  let discarded = 0
  let flawed = 0
  for await (const { record: discard } of readTopic(corpus, topics.discards)) {
    if (discard.processor !== 'judge-problem' || discard.reason !== 'quorum-not-met') continue
    const facts = truth.facts.find(
      (fact) => fact.kind === 'judgement' && fact.requestId?.startsWith(`${discard.recordId}/`),
    ) as JudgementFact | undefined
    if (!facts) continue
    discarded++
    if (facts.truth === 'bad') flawed++
  }
  return [
    { gate: 'judges', what: 'single judgements that agree with the truth', right: agrees.length, of: readable.length },
    { gate: 'judges', what: 'accepted problems that are valid', right: valid, of: accepted },
    { gate: 'judges', what: 'discarded problems that were flawed', right: flawed, of: discarded },
  ]
}

async function checks(corpus: Corpus, truth: Truth): Promise<Line[]> {
  const tests = byRequest(truth, 'test') as Map<string, TestFact & { requestId: string }>
  const counts = { votes: 0, rightVotes: 0, tests: 0, rightTests: 0, suites: 0, rightSuites: 0 }
  for await (const { record } of readTopic(corpus, topics.testCases)) {
    if (record.checks.trusted) continue
    if (record.checks.answer !== null) {
      const right = answerIsRight(truth, record.statement, record.checks.answer)
      if (right === undefined) continue
      counts.votes++
      if (right) counts.rightVotes++
      continue
    }
    const facts = record.calls
      .map(({ requestId }) => tests.get(requestId))
      .filter((fact) => fact !== undefined && kept(record.checks.tests, fact))
    if (facts.length === 0 || facts.some((fact) => fact?.right === null)) continue
    const right = facts.filter((fact) => fact?.right === true).length
    counts.tests += facts.length
    counts.rightTests += right
    counts.suites++
    if (right === facts.length) counts.rightSuites++
  }
  return [
    { gate: 'votes', what: 'voted reference answers that are right', right: counts.rightVotes, of: counts.votes },
    { gate: 'tests', what: 'written tests whose output is right', right: counts.rightTests, of: counts.tests },
    { gate: 'tests', what: 'suites with every test right', right: counts.rightSuites, of: counts.suites },
  ]
}

function kept(suite: readonly { input: string; output: string }[], fact: TestFact): boolean {
  return suite.some(({ input, output }) => input === fact.input && output === fact.output)
}

/** What explains a verdict that the truth contradicts. */
interface Contradicted {
  wrongReference: number
  wrongTest: number
  weakSuite: number
  unexplained: string[]
}

interface VerdictQuality {
  lines: Line[]
  wrongPassed: Contradicted
  wrongFailed: Contradicted
}

async function verdicts(corpus: Corpus, truth: Truth): Promise<VerdictQuality> {
  const rollouts = byRequest(truth, 'rollout') as Map<string, RolloutFact & { requestId: string }>
  const tests = byRequest(truth, 'test') as Map<string, TestFact & { requestId: string }>
  const suites = new Map<string, { answer: boolean | undefined; hasWrongTest: boolean }>()
  for await (const { record } of readTopic(corpus, topics.testCases)) {
    const { answer, trusted } = record.checks
    suites.set(record.problemId, {
      answer: answer === null || trusted ? true : answerIsRight(truth, record.statement, answer),
      hasWrongTest: record.calls.some(({ requestId }) => {
        const fact = tests.get(requestId)
        return fact?.right === false && kept(record.checks.tests, fact)
      }),
    })
  }
  const nothing = (): Contradicted => ({ wrongReference: 0, wrongTest: 0, weakSuite: 0, unexplained: [] })
  const wrongPassed = nothing()
  const wrongFailed = nothing()
  const counts = { passed: 0, rightPassed: 0, failed: 0, rightFailed: 0 }
  for await (const { record: verdict } of readTopic(corpus, topics.verdicts)) {
    const fact = rollouts.get(`${verdict.requestId}/attempt`)
    const suite = suites.get(verdict.problemId)
    if (!fact || fact.right === null || !suite || !verdict.valid) continue
    const passed = verdict.verdict === 'passed'
    if (passed) counts.passed++
    else counts.failed++
    if (passed === fact.right) {
      if (passed) counts.rightPassed++
      else counts.rightFailed++
      continue
    }
    const contradicted = passed ? wrongPassed : wrongFailed
    if (suite.answer === false) contradicted.wrongReference++
    else if (suite.hasWrongTest) contradicted.wrongTest++
    else if (passed && domainNamed(verdict.domain).checkedBy === 'tests') contradicted.weakSuite++
    else
      contradicted.unexplained.push(
        `${verdict.id} (${verdict.domain}, ${verdict.reason}${fact.mistake === undefined ? '' : `, mistake ${fact.mistake}`})`,
      )
  }
  return {
    lines: [
      { gate: 'verdicts', what: 'passed attempts that are right', right: counts.rightPassed, of: counts.passed },
      { gate: 'verdicts', what: 'failed attempts that are wrong', right: counts.rightFailed, of: counts.failed },
    ],
    wrongPassed,
    wrongFailed,
  }
}

/** One line of --json. `value` is null where nothing was there to be measured. */
interface Figure {
  name: string
  value: number | null
  goal: string | null
  ok: boolean | null
}

function figure(
  name: string,
  value: number | null,
  goal?: { text: string; isReached: (value: number) => boolean },
): Figure {
  const rounded = value === null ? null : Math.round(1e5 * value) / 1e5
  return {
    name,
    value: rounded,
    goal: goal?.text ?? null,
    ok: goal && rounded !== null ? goal.isReached(rounded) : null,
  }
}

/** `part` of `of`; null of nothing. */
function share(part: number, of: number): number | null {
  return of === 0 ? null : part / of
}

/** What the truth says of a problem's tests; undefined where it does not know one of them. */
function testTruth(record: TestCases, facts: ReadonlyMap<string, TestFact>): boolean[] | undefined {
  const known = record.calls.flatMap(({ requestId }) => facts.get(requestId) ?? [])
  const found = record.checks.tests.map(
    ({ input, output }) => known.find((fact) => fact.input === input && fact.output === output)?.right,
  )
  return found.every((right) => typeof right === 'boolean') ? found : undefined
}

/** A counted attempt, with what is true of it. */
interface JudgedAttempt {
  verdict: Verdict
  right: boolean
}

/** Whether an attempt passes every test but those left out. */
function passesAllBut({ verdict: { tests } }: JudgedAttempt, testCount: number, without: readonly number[]): boolean {
  return (
    tests.length === testCount && tests.every((test, index) => test.verdict === 'passed' || without.includes(index))
  )
}

/** Everything that is measured of single records, gathered in one pass over each topic. */
async function figures(corpus: Corpus, truth: Truth): Promise<Figure[]> {
  const rolloutFacts = byRequest(truth, 'rollout') as Map<string, RolloutFact>
  const testFacts = byRequest(truth, 'test') as Map<string, TestFact>
  const attempts = new Map<string, JudgedAttempt>()
  for await (const { record } of readTopic(corpus, topics.verdicts)) {
    const right = rolloutFacts.get(`${record.requestId}/attempt`)?.right ?? null
    // Its texts are not needed here, and they are long.
    if (right !== null) attempts.set(record.id, { verdict: { ...record, text: '', reasoning: null }, right })
  }
  const suites = new Map<string, { tests: boolean[]; kinds: string[] }>()
  const votes = new Map<number, { right: number; of: number }>()
  for await (const { record } of readTopic(corpus, topics.testCases)) {
    const tests = record.checks.trusted || record.checks.tests.length === 0 ? undefined : testTruth(record, testFacts)
    if (tests) suites.set(record.problemId, { tests, kinds: record.checks.tests.map(({ kind }) => kind) })
    if (!record.votes || record.checks.answer === null) continue
    const right = answerIsRight(truth, record.statement, record.checks.answer)
    if (right === undefined) continue
    const [first, second] = record.votes.classes
    const margin = (first?.votes ?? 0) - (second?.votes ?? 0)
    const counted = votes.get(margin) ?? { right: 0, of: 0 }
    votes.set(margin, { right: counted.right + (right ? 1 : 0), of: counted.of + 1 })
  }
  const outcomes = new Map<string, Outcome>()
  for await (const { record } of readTopic(corpus, topics.outcomes)) outcomes.set(record.id, record)
  return [
    ...verdictFigures([...attempts.values()]),
    ...[...votes.keys()]
      .sort((a, b) => a - b)
      .map((margin) => {
        const { right, of } = votes.get(margin) ?? { right: 0, of: 0 }
        return figure(`votes: right at a margin of ${margin}, of ${of}`, share(right, of))
      }),
    ...suiteFigures([...suites.values()], [...attempts.values()], suites),
    ...weighingFigures([...outcomes.values()], attempts, suites),
    ...weakSuiteFigures([...outcomes.values()], attempts),
    ...difficultyFigures([...outcomes.values()], attempts),
    ...(await pairFigures(corpus, attempts, suites)),
  ]
}

function verdictFigures(attempts: readonly JudgedAttempt[]): Figure[] {
  const valid = attempts.filter(({ verdict }) => verdict.valid)
  const passed = valid.filter(({ verdict }) => verdict.verdict === 'passed')
  const right = valid.filter((one) => one.right)
  const both = passed.filter((one) => one.right).length
  return [
    figure('verdicts: precision of passed', share(both, passed.length)),
    figure('verdicts: recall of right attempts', share(both, right.length)),
  ]
}

function suiteFigures(
  suites: readonly { tests: boolean[]; kinds: string[] }[],
  attempts: readonly JudgedAttempt[],
  byProblem: ReadonlyMap<string, { tests: boolean[] }>,
): Figure[] {
  const all = suites.flatMap(({ tests, kinds }) => tests.map((right, index) => ({ right, kind: kinds[index] ?? '' })))
  const validity = [...new Set(all.map(({ kind }) => kind))].sort().map((kind) => {
    const ofKind = all.filter((test) => test.kind === kind)
    return figure(`tests: right, of kind ${kind}`, share(ofKind.filter(({ right }) => right).length, ofKind.length))
  })
  // Wrong programs of suites whose tests are right: what kills them is the suite, not luck.
  const wrong = attempts.filter(
    ({ verdict, right }) => !right && verdict.valid && byProblem.get(verdict.problemId)?.tests.every((one) => one),
  )
  const killed = wrong.filter(({ verdict }) => verdict.verdict === 'failed').length
  return [
    ...validity,
    figure('tests: right', share(all.filter(({ right }) => right).length, all.length)),
    figure('tests: wrong programs that a suite of right tests fails', share(killed, wrong.length)),
  ]
}

const recoveredGoal = { text: '>= 0.9', isReached: (value: number) => value >= 0.9 }
const wrongPairGoal = { text: '< 0.005', isReached: (value: number) => value < 0.005 }

function weighingFigures(
  outcomes: readonly Outcome[],
  attempts: ReadonlyMap<string, JudgedAttempt>,
  suites: ReadonlyMap<string, { tests: boolean[] }>,
): Figure[] {
  const counts = { killed: 0, recovered: 0, setAside: 0, right: 0 }
  for (const { problemId, verdicts: ofOutcome, setAside } of outcomes) {
    const { tests } = suites.get(problemId) ?? {}
    if (!tests) continue
    const wrong = tests.flatMap((right, test) => (right ? [] : [test]))
    counts.setAside += setAside.length
    counts.right += setAside.filter(({ test }) => tests[test]).length
    const counted = ofOutcome.flatMap(({ verdictId }) => attempts.get(verdictId) ?? [])
    const isKilled =
      wrong.length === 1 &&
      !counted.some(({ verdict }) => verdict.verdict === 'passed') &&
      counted.some((one) => one.right && passesAllBut(one, tests.length, wrong))
    if (!isKilled) continue
    counts.killed++
    if (setAside.length === 1 && setAside[0]?.test === wrong[0]) counts.recovered++
  }
  return [
    figure('weighing: outcomes that one wrong test would have made unsolved', counts.killed),
    figure('weighing: recovered', share(counts.recovered, counts.killed), recoveredGoal),
    figure('weighing: tests set aside', counts.setAside),
    figure('weighing: set aside though right', share(counts.right, counts.setAside)),
  ]
}

/** Suites that a wrong program passes, against those whose programs are seen to disagree on other inputs. */
function weakSuiteFigures(outcomes: readonly Outcome[], attempts: ReadonlyMap<string, JudgedAttempt>): Figure[] {
  const counts = { weak: 0, seen: 0, both: 0 }
  for (const { behaviours, verdicts: ofOutcome } of outcomes) {
    if (behaviours.length === 0) continue
    const passed = ofOutcome.filter(({ verdict }) => verdict === 'passed')
    const isWeak = passed.some(({ verdictId }) => attempts.get(verdictId)?.right === false)
    if (isWeak) counts.weak++
    if (behaviours.length > 1) counts.seen++
    if (isWeak && behaviours.length > 1) counts.both++
  }
  return [
    figure('weak suites: outcomes where a wrong program passed', counts.weak),
    figure('weak suites: of these, seen by behaviours', share(counts.both, counts.weak)),
    figure('weak suites: seen ones that are weak', share(counts.both, counts.seen)),
  ]
}

/** The filter against what it would have said of attempts judged by the truth, by the paper's rule. */
function difficultyFigures(outcomes: readonly Outcome[], attempts: ReadonlyMap<string, JudgedAttempt>): Figure[] {
  const counts = { kept: 0, due: 0, both: 0, asked: 0, spared: 0 }
  for (const { result, verdicts: ofOutcome, attempted, spared } of outcomes) {
    counts.asked += attempted
    counts.spared += spared
    const counted = ofOutcome.flatMap(({ verdictId }) => attempts.get(verdictId) ?? [])
    if (result === 'abandoned' || counted.length < ofOutcome.length) continue
    const right = counted.filter((one) => one.right).length
    const isTooEasy = 2 * right >= attempted + spared
    // Closed early: nobody knows what the attempts that were not made would have been.
    if (spared > 0 && !isTooEasy) continue
    const isDue = right > 0 && !isTooEasy
    if (result === 'kept') counts.kept++
    if (isDue) counts.due++
    if (isDue && result === 'kept') counts.both++
  }
  return [
    figure('difficulty filter: precision of kept', share(counts.both, counts.kept)),
    figure('difficulty filter: recall of kept', share(counts.both, counts.due)),
    figure('attempts that were never asked for', share(counts.spared, counts.asked + counts.spared)),
  ]
}

async function pairFigures(
  corpus: Corpus,
  attempts: ReadonlyMap<string, JudgedAttempt>,
  suites: ReadonlyMap<string, { tests: boolean[] }>,
): Promise<Figure[]> {
  const counts = { pairs: 0, chosenWrong: 0, told: 0, rejectedRight: 0 }
  for await (const { record } of readTopic(corpus, topics.preferencePairs)) {
    const chosen = attempts.get(record.chosenVerdictId)
    const rejected = attempts.get(record.rejectedVerdictId)
    if (!chosen || !rejected) continue
    counts.pairs++
    if (!chosen.right) counts.chosenWrong++
    if (rejected.right) counts.rejectedRight++
    const { tests } = suites.get(record.problemId) ?? {}
    const failsRightTest = chosen.verdict.tests.some((test, index) => test.verdict === 'failed' && tests?.[index])
    if (!chosen.right && failsRightTest) counts.told++
  }
  return [
    figure('pairs', counts.pairs),
    figure('pairs: chosen wrong', share(counts.chosenWrong, counts.pairs)),
    figure('pairs: chosen wrong where a right test says so', share(counts.told, counts.pairs), wrongPairGoal),
    figure('pairs: rejected right', share(counts.rejectedRight, counts.pairs)),
  ]
}

function explained(what: string, { wrongReference, wrongTest, weakSuite, unexplained }: Contradicted): string[] {
  const total = wrongReference + wrongTest + weakSuite + unexplained.length
  return [
    `${what}: ${total}, of these ${wrongReference} by a wrong reference answer, ${wrongTest} by a wrong test, ${weakSuite} by a suite too weak, ${unexplained.length} unexplained`,
    ...unexplained.slice(0, 20).map((one) => `  ${one}`),
  ]
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      kafka: { type: 'string' },
      registry: { type: 'string' },
      namespace: { type: 'string' },
      config: { type: 'string' },
      truth: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const { truth: truthFile } = values
  if (truthFile === undefined) {
    process.stderr.write(
      'usage: npm run quality -- --truth FILE [--data DIR | --kafka HOST:PORT --registry URL [--namespace NAME]] [--json]\n',
    )
    process.exitCode = 2
    return
  }
  const truth = readTruth(truthFile)
  const { judged, lines, measured } = await useCorpus(await placeOf(values), openBeside, async (corpus) => {
    const found = await verdicts(corpus, truth)
    const gates = [await screening(corpus, truth), await judging(corpus, truth), await checks(corpus, truth)]
    const single = values.json ? await figures(corpus, truth) : []
    return { judged: found, lines: [...gates.flat(), ...found.lines], measured: single }
  })
  if (values.json) {
    const gates = lines.map(({ gate, what, right, of }) => figure(`${gate}: ${what}`, share(right, of)))
    const unexplained = figure('verdicts: wrongly passed and not explained', judged.wrongPassed.unexplained.length, {
      text: '0',
      isReached: (value) => value === 0,
    })
    for (const line of [...gates, ...measured, unexplained]) process.stdout.write(`${JSON.stringify(line)}\n`)
  } else {
    for (const { gate, what, right, of } of lines) {
      process.stdout.write(
        `${gate}: ${what}: ${right} of ${of}${of > 0 ? ` (${((100 * right) / of).toFixed(1)} %)` : ''}\n`,
      )
    }
    const sentences = [
      ...explained('wrong attempts that passed', judged.wrongPassed),
      ...explained('right attempts that failed', judged.wrongFailed),
    ]
    for (const sentence of sentences) process.stdout.write(`${sentence}\n`)
  }
  if (judged.wrongPassed.unexplained.length > 0) process.exitCode = 1
}

main().catch((error: unknown) => {
  process.exitCode = reportFailure(error)
})
