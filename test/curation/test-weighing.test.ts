import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conclusionAfter, refutedTests, type WeighedAttempt } from '../../curation/test-weighing.ts'

/**
 * An attempt by what its program prints on each test, one letter a test: `+` what is expected, another letter another output, `!` a crash.
 */
function attempt(verdictId: string, outputs: string, valid = true): WeighedAttempt {
  const tests = [...outputs].map((output) => ({
    verdict: output === '+' ? ('passed' as const) : output === '?' ? ('unverifiable' as const) : ('failed' as const),
    outputDigest: output === '!' || output === '?' ? '' : output,
  }))
  return { verdictId, valid, tests, verdict: tests.every(({ verdict }) => verdict === 'passed') ? 'passed' : 'failed' }
}
const attempts = (...outputs: string[]): WeighedAttempt[] => outputs.map((one, index) => attempt(`v${index}`, one))
const setAside = (...outputs: string[]): number[] =>
  refutedTests(attempts(...outputs), outputs[0]?.length ?? 0).map(({ test }) => test)

describe('refutedTests', () => {
  it('sets a test aside that four programs, alike on everything, fail and nobody passes; and says who they are', () => {
    expect(refutedTests(attempts('++a+', '++a+', 'b+c+', '++a+', '!!!!', '++a+'), 4)).toEqual([
      {
        ...{ test: 2, rule: 'agreement', agreed: ['v0', 'v1', 'v3', 'v5'], seconded: 0, contradicted: 0, of: 6 },
        outputDigest: 'a',
      },
    ])
  })

  it('takes three that agree for a common mistake, unless another program seconds them', () => {
    expect(setAside('++a+', '++a+', '++a+', 'b+c+')).toEqual([])
    expect(setAside('++a+', '++a+', '++a+', 'b+a+')).toEqual([2])
    expect(setAside('++a+', 'b+a+')).toEqual([2])
    expect(setAside('++a+')).toEqual([])
  })

  it('lets a test stand that passes for one program, unless four times as many agree otherwise', () => {
    expect(setAside('++a+', '++a+', '++a+', 'bc++')).toEqual([])
    expect(setAside('++a+', '++a+', '++a+', '++a+', 'bc++')).toEqual([2])
    expect(setAside('++a+', '++a+', '++a+', '++a+', 'bc++', 'bd++')).toEqual([])
  })

  it('lets a suite stand that any program passes, however many agree otherwise', () => {
    expect(setAside('++a+', '++a+', '++a+', '++a+', '++a+', '++a+', '++a+', '++++')).toEqual([])
    // Its verdict counts also where its tests were not kept.
    const old: WeighedAttempt = { verdictId: 'old', valid: true, verdict: 'passed', tests: [] }
    expect(refutedTests([...attempts('++a+', '++a+', '++a+', '++a+'), old], 4)).toEqual([])
  })

  it('finds no agreement in crashes: they may all come from one right test', () => {
    expect(setAside('++!+', '++!+', '++!+', '++!+', '++!+')).toEqual([])
  })

  it('finds none where those that fail a test print different things for it', () => {
    expect(setAside('++a+', '++b+', '++c+', '++d+')).toEqual([])
    expect(setAside('++a+', '++a+', '++b+', '++b+', 'x+c+')).toEqual([])
  })

  it('lets two tests stand that the same programs fail, whoever seconds them', () => {
    expect(setAside('+ba+', '+ba+', '+ba+', '+ba+', '+ba+', 'xba+')).toEqual([])
  })

  it('calls the whole suite off where most programs agree with one another and with no test', () => {
    const refuted = refutedTests(attempts('abc', 'abc', 'abc', 'xyz'), 3)
    expect(refuted.map(({ test, rule }) => [test, rule])).toEqual([
      [0, 'no-test-agrees'],
      [1, 'no-test-agrees'],
      [2, 'no-test-agrees'],
    ])
    expect(setAside('abc', 'abc', 'xyz', 'uvw')).toEqual([])
  })

  it('does not hear attempts that are invalid, were stopped early or could not be verified on a test', () => {
    const heard = attempts('++a+', '++a+', '++a+')
    for (const other of [attempt('x', '++a+', false), attempt('x', '++a'), attempt('x', '++a?')])
      expect(refutedTests([...heard, other], 4)).toEqual([])
    expect(refutedTests([...heard, attempt('x', '++a+')], 4)).toHaveLength(1)
  })

  const letter = fc.constantFrom('+', '+', '+', 'a', 'b', '!')
  const matrix = fc.integer({ min: 1, max: 5 }).chain((tests) =>
    fc.array(
      fc.array(letter, { minLength: tests, maxLength: tests }).map((letters) => letters.join('')),
      {
        minLength: 1,
        maxLength: 16,
      },
    ),
  )

  it('depends on nothing but the set of attempts', () => {
    fc.assert(
      fc.property(matrix, fc.integer(), (outputs, turn) => {
        const given = attempts(...outputs)
        const by = turn % given.length
        const turned = [...given.slice(by), ...given.slice(0, by)].reverse()
        const count = outputs[0]?.length ?? 0
        const sorted = (all: readonly WeighedAttempt[]) =>
          refutedTests(all, count).map((one) => ({ ...one, agreed: [...one.agreed].sort() }))
        expect(sorted(turned)).toEqual(sorted(given))
      }),
    )
  })

  it('never takes back a pass, and passes only attempts that pass every test that stands', () => {
    fc.assert(
      fc.property(matrix, (outputs) => {
        const given = attempts(...outputs)
        const refuted = refutedTests(given, outputs[0]?.length ?? 0)
        const aside = refuted.map(({ test }) => test)
        for (const one of given) {
          const verdict = conclusionAfter(one, refuted)
          if (one.verdict === 'passed') expect(verdict).toBe('passed')
          if (verdict === 'passed')
            expect(one.tests.every((test, index) => test.verdict === 'passed' || aside.includes(index))).toBe(true)
          // With every test set aside there is nothing left to pass.
          if (aside.length === one.tests.length) expect(verdict).toBe(one.verdict)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
