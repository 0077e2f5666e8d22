/**
 * Further tests of a suite that is too weak: programs that pass it print different things for other inputs, so that one of them is wrong.
 * Every program here passed the tests before these. A wrong test must not fail the right ones among them: what no program passes, or
 * what programs outvote that agree with one another, does not count.
 */
import type { AddedTest, ProgramRuns, TestRuns, VerdictKind } from '../schemas/generated.ts'
import { testKinds } from './written-tests.ts'
import { votesAgainstOnePass } from './test-weighing.ts'

/** Kind of a test that is asked for on an input for which programs disagree. */
const disputedKind = 'disputed input'

/** Characters of an input that may be asked about: a test writer has to copy it, and a prompt has to hold it. */
export const longestDisputedInput = 4000

/** What is asked of a test writer: a kind of test, and the input that it is to be made of, where there is one. */
export interface FurtherTest {
  kind: string
  input: string | undefined
}

/** Kinds that fail most wrong programs (docs/quality.md), for tests beyond the disputed inputs. */
const tellingKinds = testKinds.filter((kind) => kind === 'complex case' || kind === 'error-prone input')

/** The tests to ask for: one on each disputed input, then others of the kinds that tell most. */
export function furtherTestsOf({ count, inputs }: { count: number; inputs: readonly string[] }): FurtherTest[] {
  return Array.from({ length: count }, (_, index) => {
    const input = inputs[index]
    const kind = tellingKinds[index % tellingKinds.length] ?? ''
    return input === undefined ? { kind, input } : { kind: disputedKind, input }
  })
}

/** Rules that set a further test aside: no program passes it; programs that agree outvote it; no program passes all that are left. */
export const settingAside = ['nobody-passes', 'agreement', 'contradiction'] as const
type SetAside = (typeof settingAside)[number] | ''

/** How each further test stands among the programs that were run on it. */
export function weighFurtherTests({
  tests,
  programs,
}: {
  tests: readonly { kind: string }[]
  programs: readonly Pick<ProgramRuns, 'tests'>[]
}): AddedTest[] {
  const weighed = tests.map(({ kind }, test): AddedTest => {
    const results = programs.flatMap(({ tests: all }) => all[test] ?? []).filter(isKnown)
    const passed = results.filter(({ verdict }) => verdict === 'passed').length
    const others = new Map<string, number>()
    for (const { verdict, outputDigest } of results)
      // Crashes agree on nothing.
      if (verdict === 'failed' && outputDigest !== '') others.set(outputDigest, (others.get(outputDigest) ?? 0) + 1)
    const outvoted = Math.max(0, ...others.values()) >= votesAgainstOnePass * passed
    const setAside: SetAside = passed === 0 ? 'nobody-passes' : outvoted ? 'agreement' : ''
    return { test, kind, setAside, passed, of: results.length }
  })
  // One that ran out of time was not run on the tests after that: it says nothing for them.
  const survives = programs.some(({ tests: results }) =>
    weighed.every(({ test, setAside }) => setAside !== '' || results[test]?.verdict === 'passed'),
  )
  const unsurvived: SetAside = 'contradiction'
  return weighed.map((one) => (survives || one.setAside !== '' ? one : { ...one, setAside: unsurvived }))
}

function isKnown({ verdict }: { verdict: VerdictKind }): boolean {
  return verdict !== 'unverifiable'
}

function failsOne({ tests }: Pick<ProgramRuns, 'tests'>, weighed: readonly AddedTest[]): boolean {
  return weighed.some(({ test, setAside }) => setAside === '' && tests[test]?.verdict === 'failed')
}

/** Attempts that passed the tests before and fail one that was added and counts, by their verdicts' ids. */
export function refutedAttempts({ programs }: Pick<TestRuns, 'programs'>, weighed: readonly AddedTest[]): Set<string> {
  return new Set(programs.filter((one) => failsOne(one, weighed)).map(({ verdictId }) => verdictId))
}
