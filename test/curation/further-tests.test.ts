import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { furtherTestsOf, refutedAttempts, weighFurtherTests } from '../../curation/further-tests.ts'

/** Programs by what they print on each test: `+` what is expected, `!` nothing, `?` unknown, another letter something else. */
function runsOf(outputs: readonly string[]) {
  return {
    tests: [...(outputs[0] ?? '')].map((_, index) => ({ kind: `kind ${index}` })),
    programs: outputs.map((letters, index) => ({
      verdictId: `v${index}`,
      tests: [...letters].map((letter) => ({
        verdict:
          letter === '+' ? ('passed' as const) : letter === '?' ? ('unverifiable' as const) : ('failed' as const),
        ...{ reason: '', seconds: 0, memoryMb: 0, outputDigest: /[!?]/.test(letter) ? '' : letter },
      })),
    })),
  }
}

function standings(outputs: readonly string[]) {
  const runs = runsOf(outputs)
  const weighed = weighFurtherTests(runs)
  return { rules: weighed.map(({ setAside }) => setAside), refuted: [...refutedAttempts(runs, weighed)] }
}

describe('furtherTestsOf', () => {
  it('asks for a test on each disputed input, then for those of the kinds that tell most', () => {
    expect(furtherTestsOf({ count: 3, inputs: ['1\n'] })).toEqual([
      { kind: 'disputed input', input: '1\n' },
      { kind: 'error-prone input', input: undefined },
      { kind: 'complex case', input: undefined },
    ])
    expect(furtherTestsOf({ count: 1, inputs: ['1\n', '2\n'] })).toHaveLength(1)
  })
})

describe('weighFurtherTests', () => {
  it('has a test count that one program passes, also against three that agree on something else', () => {
    expect(standings(['+', 'a', 'a', 'a'])).toEqual({ rules: [''], refuted: ['v1', 'v2', 'v3'] })
  })

  it('sets aside what nobody passes, and refutes nobody by it', () => {
    expect(standings(['a+', 'a+', 'b!'])).toEqual({ rules: ['nobody-passes', ''], refuted: ['v2'] })
  })

  it('sets aside what four programs outvote for each that passes, crashes not counted', () => {
    expect(standings(['+', 'a', 'a', 'a', 'a'])).toEqual({ rules: ['agreement'], refuted: [] })
    expect(standings(['+', '!', '!', '!', '!'])).toEqual({ rules: [''], refuted: ['v1', 'v2', 'v3', 'v4'] })
  })

  it('sets all aside where no program passes all that are left', () => {
    expect(standings(['+a', 'b+'])).toEqual({ rules: ['contradiction', 'contradiction'], refuted: [] })
  })

  it('is not held together by a program that ran out of time before the tests that contradict each other', () => {
    const inTime = ['a+b', 'ab+']
    expect(standings([...inTime, '!'])).toEqual({
      ...{ rules: ['nobody-passes', 'contradiction', 'contradiction'], refuted: [] },
    })
  })

  it('holds nothing against a program that could not be run on a test', () => {
    expect(standings(['+', '?', 'a'])).toEqual({ rules: [''], refuted: ['v2'] })
  })

  it('leaves at least one program that passes, whatever the programs print', () => {
    const program = fc.array(fc.constantFrom('+', '+', 'a', 'b', '!', '?'), { minLength: 3, maxLength: 3 })
    fc.assert(
      fc.property(fc.array(program, { minLength: 1, maxLength: 10 }), (programs) => {
        const outputs = programs.map((letters) => letters.join(''))
        expect(standings(outputs).refuted.length).toBeLessThan(outputs.length)
      }),
    )
  })
})
