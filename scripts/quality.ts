/**
 * `npm run quality -- --truth FILE`: how often each gate of a simulated corpus was right, by the truth file of
 * the simulator that made it. Exits 1 when a verdict is wrong that neither its reference answer nor its tests explain.
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
  const { judged, lines } = await useCorpus(await placeOf(values), openBeside, async (corpus) => {
    const found = await verdicts(corpus, truth)
    const gates = [await screening(corpus, truth), await judging(corpus, truth), await checks(corpus, truth)]
    return { judged: found, lines: [...gates.flat(), ...found.lines] }
  })
  if (values.json) {
    for (const line of lines) process.stdout.write(`${JSON.stringify(line)}\n`)
    process.stdout.write(`${JSON.stringify({ wrongPassed: judged.wrongPassed, wrongFailed: judged.wrongFailed })}\n`)
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
