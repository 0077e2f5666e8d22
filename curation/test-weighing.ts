/**
 * Written tests weighed against the attempts. A wrong test fails every right program, so one of them is enough to lose a problem.
 * Programs and tests are written independently: where programs agree with one another, on what they print and on every other test, and a
 * test agrees with none of them, the test is the likelier to be wrong (dual agreement, after CodeT, arXiv 2207.10397). The trap is a
 * mistake that most programs make: they agree as well, and the test that finds it is right.
 */
import type { AttemptVerdict, TestResult, VerdictKind } from '../schemas/generated.ts'

/** What weighing needs of an attempt. */
export type WeighedAttempt = Pick<AttemptVerdict, 'verdictId' | 'valid' | 'verdict'> & {
  tests: readonly Pick<TestResult, 'verdict' | 'outputDigest'>[]
}

/** A test that does not count, and what speaks against it. */
export interface RefutedTest {
  /** Its place in the suite, from 0. */
  test: number
  /** `agreement`: it is outvoted by programs that pass the other tests. `no-test-agrees`: most programs agree with one another, no test with them. */
  rule: 'agreement' | 'no-test-agrees'
  /** Verdicts of the attempts that pass every test that stands and print the same for all. */
  agreed: string[]
  /** Other attempts that print the same for this test. */
  seconded: number
  /** Attempts that pass this test. */
  contradicted: number
  /** Attempts that were run on every test. */
  of: number
  outputDigest: string
}

// Measured on the simulator's problems (docs/rollouts.md): three programs alone share a mistake too often, four hardly ever.
const enoughAlone = 4
/** Programs that print the same, for each one that passes a test, that outvote it. */
export const votesAgainstOnePass = 4
const leastShare = 1 / 4

/**
 * Which tests of a suite the attempts refute. A suite that any program passes as a whole stands as it is: nothing that has passed is ever
 * taken back, and attempts after a pass cannot matter. Attempts that were not run on every test, or are invalid, have no say.
 * @param attempts those of all solvers: the suite is theirs together
 * @param testCount tests of the suite
 * @returns nothing where the suite stands
 */
export function refutedTests(attempts: readonly WeighedAttempt[], testCount: number): RefutedTest[] {
  if (testCount === 0 || attempts.some(({ verdict }) => verdict === 'passed')) return []
  const complete = attempts.filter(
    ({ valid, tests }) =>
      valid && tests.length === testCount && tests.every(({ verdict }) => verdict !== 'unverifiable'),
  )
  const classes = new Map<string, WeighedAttempt[]>()
  for (const one of complete) {
    // Only a program that ended well on every test has outputs to agree on.
    if (one.tests.some(({ outputDigest }) => outputDigest === '')) continue
    const outputs = one.tests.map(({ outputDigest }) => outputDigest).join(' ')
    classes.set(outputs, [...(classes.get(outputs) ?? []), one])
  }
  const found = [...classes.values()]
    .map((agreed) => refutedBy(agreed, complete, testCount))
    .filter((refuted) => refuted.length > 0)
    .sort((a, b) => weightOf(b) - weightOf(a))
  const [first, second] = found
  // Two classes with as much behind them contradict each other.
  return first && (!second || weightOf(first) > weightOf(second)) ? first : []
}

function failedTests({ tests }: WeighedAttempt): number[] {
  return tests.flatMap(({ verdict }, test) => (verdict === 'failed' ? [test] : []))
}

/** Programs that print what a class prints, for the test that has the fewest of them. */
function weightOf(refuted: readonly RefutedTest[]): number {
  return Math.min(...refuted.map(support))
}

function support({ agreed, seconded }: RefutedTest): number {
  return agreed.length + seconded
}

/** The tests that a class of programs with the same outputs refutes: all that it fails, or none. */
function refutedBy(
  agreed: readonly WeighedAttempt[],
  complete: readonly WeighedAttempt[],
  testCount: number,
): RefutedTest[] {
  const failed = agreed[0] ? failedTests(agreed[0]) : []
  const rule = failed.length === testCount ? 'no-test-agrees' : 'agreement'
  const refuted = failed.map((test): RefutedTest => {
    const outputDigest = agreed[0]?.tests[test]?.outputDigest ?? ''
    const printing = complete.filter(({ tests }) => tests[test]?.outputDigest === outputDigest).length
    return {
      ...{ test, rule, agreed: agreed.map(({ verdictId }) => verdictId), seconded: printing - agreed.length },
      contradicted: complete.filter(({ tests }) => tests[test]?.verdict === 'passed').length,
      ...{ of: complete.length, outputDigest },
    }
  })
  const isRefuted = (one: RefutedTest): boolean => {
    if (rule === 'no-test-agrees') return one.contradicted === 0 && 2 * agreed.length > complete.length
    // A class that fails several tests is likelier to be wrong itself.
    if (failed.length > 1) return false
    const isHeard = support(one) >= leastShare * one.of && support(one) >= votesAgainstOnePass * one.contradicted
    return isHeard && (one.seconded > 0 || support(one) >= enoughAlone)
  }
  return refuted.every(isRefuted) ? refuted : []
}

/**
 * What an attempt comes to once tests are set aside: those that agree have passed, unless no test is left that they pass. All others keep
 * their verdict, also where they pass every test that stands: they print something else than what was agreed on.
 */
export function conclusionAfter(
  { verdictId, verdict }: Pick<WeighedAttempt, 'verdictId' | 'verdict'>,
  [refuted]: readonly RefutedTest[],
): VerdictKind {
  return refuted?.rule === 'agreement' && refuted.agreed.includes(verdictId) ? 'passed' : verdict
}
