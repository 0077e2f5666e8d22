/**
 * Written tests weighed against attempts, measured against what is true of each test and each attempt.
 *
 *   node dist/bench/weighing.js [--problems 300] [--seed 1] [--wrong-tests 0.08] [--solvers sim-solver,sim-solver-large]
 *
 * Problems, tests and attempts are the simulated models' (eight attempts of each solver), the programs run in the sandbox. Prints a line of
 * JSON for each figure, with its goal where it has one; exits 1 when a goal is missed. `recovered`: of the solvers' outcomes that one wrong test
 * would make unsolved although right attempts fail nothing else, those where just this test is set aside. `chosen wrong`: of the pairs, those whose
 * chosen program is wrong and fails a test that is right: the tests would have told.
 */
import { conclusionAfter, refutedTests } from '../curation/test-weighing.ts'
import { VerifierPool } from '../verifiers/pool.ts'
import { Figures } from './figures.ts'
import { simulateProblems, type SimulatedAttempt, type SimulatedProblem } from './simulated-code.ts'
import { readOptions } from '../scripts/options.ts'

const program = {
  call: 'npm run bench:weighing',
  about: 'Written tests weighed against attempts, against what is true of them; ends with 1 where a goal is missed.',
}
const values = readOptions(program, {
  problems: { type: 'string', default: '300', doc: 'of the simulated models' },
  seed: { type: 'string', default: '1', doc: 'of all that is drawn' },
  'wrong-tests': { type: 'string', default: '0.08', doc: 'share of the written tests that are wrong' },
  solvers: { type: 'string', default: 'sim-solver,sim-solver-large', doc: 'models that attempt them' },
})
const solvers = values.solvers.split(',')
const tooEasyPasses = 4

const pool = new VerifierPool()
const { rung, detail } = await pool.isolation()
if (rung === 'none') throw new Error(`nothing isolates programs here: ${detail}`)
const found = await simulateProblems(pool, {
  ...{ problems: Number(values.problems), attempts: 8, seed: Number(values.seed) },
  ...{ wrongTests: Number(values['wrong-tests']), solvers },
})
await pool.close()

const counts = {
  ...{ outcomes: 0, killed: 0, recovered: 0, weighed: 0, wronglySetAside: 0, suites: 0, suitesAllRight: 0 },
  ...{ pairs: 0, chosenWrong: 0, chosenCaught: 0, weighedPairs: 0, weighedChosenWrong: 0, keptBefore: 0, keptAfter: 0 },
}

/** Whether an attempt passes every test but those left out. */
function passes({ tests }: SimulatedAttempt, without: readonly number[] = []): boolean {
  return tests.length > 0 && tests.every(({ verdict }, test) => verdict === 'passed' || without.includes(test))
}

function measure(solved: readonly SimulatedProblem[], weighedWith: readonly SimulatedProblem[]): void {
  const [first] = solved
  if (!first) return
  const testCount = first.tests.length
  const wrong = first.tests.flatMap(({ right }, test) => (right ? [] : [test]))
  const everyone = weighedWith.flatMap(({ solver, attempts }) =>
    attempts.map((one) => ({ ...one, verdictId: `${solver}/${one.attempt}` })),
  )
  const refuted = refutedTests(everyone, testCount)
  const setAside = refuted.map(({ test }) => test)
  counts.suites++
  if (wrong.length === 0) counts.suitesAllRight++
  if (setAside.length > 0) counts.weighed++
  if (setAside.some((test) => !wrong.includes(test))) counts.wronglySetAside++
  for (const { solver, attempts } of solved) {
    counts.outcomes++
    const isKilled =
      wrong.length === 1 &&
      !attempts.some((one) => passes(one)) &&
      attempts.some((one) => one.right && passes(one, wrong))
    if (isKilled) counts.killed++
    if (isKilled && setAside.length === 1 && setAside[0] === wrong[0]) counts.recovered++
    const isPassed = (one: SimulatedAttempt): boolean =>
      conclusionAfter({ ...one, verdictId: `${solver}/${one.attempt}` }, refuted) === 'passed'
    const before = attempts.filter(({ verdict }) => verdict === 'passed').length
    if (before > 0 && before < tooEasyPasses) counts.keptBefore++
    const passed = attempts.filter(isPassed)
    if (passed.length === 0 || passed.length >= tooEasyPasses) continue
    counts.keptAfter++
    const rejected = attempts.filter((one) => one.valid && !isPassed(one))
    for (const chosen of passed.slice(0, rejected.length)) {
      counts.pairs++
      if (setAside.length > 0) counts.weighedPairs++
      if (chosen.right) continue
      counts.chosenWrong++
      if (setAside.length > 0) counts.weighedChosenWrong++
      if (chosen.tests.some(({ verdict }, test) => verdict === 'failed' && first.tests[test]?.right))
        counts.chosenCaught++
    }
  }
}

const share = (part: number, of: number): number => part / Math.max(1, of)
const figures = new Figures(true)

function report(what: string): void {
  const { killed, recovered, pairs, chosenCaught, chosenWrong, weighed, wronglySetAside, weighedPairs } = counts
  const recoveredShare = share(recovered, killed)
  const caughtShare = share(chosenCaught, pairs)
  const goal = what === 'all solvers' ? '>= 0.9' : undefined
  figures.tell(`${what}: killed by one wrong test`, killed)
  figures.tell(`${what}: recovered`, recoveredShare, goal, goal === undefined || recoveredShare >= 0.9)
  figures.tell(
    `${what}: pairs whose chosen is wrong and fails a right test`,
    caughtShare,
    '< 0.005',
    caughtShare < 0.005,
  )
  figures.tell(`${what}: suites with a test set aside`, weighed)
  figures.tell(`${what}: of these, a right one`, wronglySetAside)
  figures.tell(`${what}: problems kept before weighing`, counts.keptBefore)
  figures.tell(`${what}: problems kept after it`, counts.keptAfter)
  figures.tell(`${what}: pairs`, pairs)
  figures.tell(`${what}: of these, where a test was set aside`, weighedPairs)
  figures.tell(`${what}: pairs whose chosen is wrong, by a suite too weak`, share(chosenWrong - chosenCaught, pairs))
  for (const name of Object.keys(counts)) counts[name as keyof typeof counts] = 0
}

const problems = new Map<string, SimulatedProblem[]>()
for (const one of found) problems.set(one.statement, [...(problems.get(one.statement) ?? []), one])
for (const solver of solvers) {
  for (const all of problems.values()) {
    const own = all.filter((one) => one.solver === solver)
    measure(own, own)
  }
  report(solver)
}
if (solvers.length > 1) {
  for (const all of problems.values()) measure(all, all)
  report('all solvers')
}
process.exitCode = figures.missed > 0 ? 1 : 0
