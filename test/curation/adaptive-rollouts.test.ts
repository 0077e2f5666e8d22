import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attemptsDue, endingOf, type AttemptRule, type Ending } from '../../curation/adaptive-rollouts.ts'
import { outcomeOf, tally } from '../../curation/attempts.ts'

/** What an attempt comes to. */
type End = 'passed' | 'failed' | 'invalid' | 'unverifiable' | 'our fault'

const wellspring: AttemptRule = {
  ...{ attempts: 8, tooEasyAt: 0.5, tooEasyWhen: 'at-least', maxRepeats: 3 },
  ...{ adaptive: true, giveUpAfterAttempts: 0 },
}

function verdictOf(end: End) {
  const verdict = end === 'passed' ? 'passed' : end === 'failed' || end === 'invalid' ? 'failed' : 'unverifiable'
  return { verdict, valid: end === 'passed' || end === 'failed', again: end === 'unverifiable' } as const
}

/** Makes the attempts that are due until none are; `pick` says which of those on their way is verified next. */
function run(ends: readonly End[], rule: AttemptRule, pick = (_: number): number => 0, weighed = false) {
  const verdicts: ReturnType<typeof verdictOf>[] = []
  const open: End[] = []
  let requested = 0
  let mostOpen = 0
  for (;;) {
    const due = attemptsDue({ requested, verdicts, weighed }, rule)
    expect(due).toBeGreaterThanOrEqual(requested)
    for (; requested < due; requested++) open.push(ends[requested] ?? expect.fail(`attempt ${requested} is due`))
    mostOpen = Math.max(mostOpen, open.length)
    if (open.length === 0) break
    verdicts.push(...open.splice(pick(open.length) % open.length, 1).map(verdictOf))
  }
  const ending: Ending = endingOf({ requested, verdicts, weighed }, rule)
  return { ...ending, requested, mostOpen, ...tally(verdicts) }
}

const all = (passes: number, of = 8): End[] =>
  Array.from({ length: of }, (_, index) => (index < passes ? 'passed' : 'failed'))

describe('attemptsDue', () => {
  it('asks for all at once where it is not adaptive', () => {
    expect(run(all(8), { ...wellspring, adaptive: false })).toMatchObject({ requested: 8, mostOpen: 8, spared: 0 })
  })

  it('asks at first for as many as make a problem too easy, and for no more where all of them pass', () => {
    expect(run(all(8), wellspring)).toMatchObject({
      ...{ result: 'too_easy', reason: 'decided', requested: 4, spared: 4, attempted: 4, passed: 4 },
    })
  })

  it('asks for one more with each that fails', () => {
    const ends: End[] = ['passed', 'failed', 'passed', 'passed', 'failed', 'passed', 'passed', 'passed']
    expect(run(ends, wellspring)).toMatchObject({ result: 'too_easy', requested: 6, spared: 2 })
  })

  it('asks for all that are left at once where too few are left to make it too easy', () => {
    const state = { requested: 4, verdicts: all(0, 4).map(verdictOf), weighed: false }
    // Four of four to come may still pass: none may be held back, none is asked for too many.
    expect(attemptsDue(state, wellspring)).toBe(8)
    const two = { ...wellspring, tooEasyAt: 0.75 }
    const fiveFailed = { requested: 6, verdicts: all(0, 3).map(verdictOf), weighed: false }
    expect(attemptsDue(fiveFailed, two)).toBe(8)
  })

  it('makes every attempt of a problem that is kept: their texts make the pairs', () => {
    expect(run(all(3), wellspring)).toMatchObject({ result: 'kept', reason: '', requested: 8, passed: 3, spared: 0 })
  })

  it("needs one pass more by the scripts' rule", () => {
    expect(run(all(8), { ...wellspring, tooEasyWhen: 'more-than' })).toMatchObject({ requested: 5, result: 'too_easy' })
    expect(run(all(4), { ...wellspring, tooEasyWhen: 'more-than' })).toMatchObject({ requested: 8, result: 'kept' })
  })

  it('asks for nothing more once an attempt can never be verified: the problem cannot be kept', () => {
    expect(run(['our fault', ...all(0)], wellspring)).toMatchObject({ result: 'abandoned', requested: 4, spared: 4 })
  })

  it('gives up a problem without a pass where it is told to, and goes on after the first pass', () => {
    const rule = { ...wellspring, giveUpAfterAttempts: 5 }
    expect(run(all(0), rule)).toMatchObject({ result: 'unsolved', reason: 'given_up', requested: 5, spared: 3 })
    expect(run(['failed', 'failed', 'passed', ...all(0)], rule)).toMatchObject({ result: 'kept', requested: 8 })
  })

  it('never gives up where tests may be weighed: that takes all attempts', () => {
    expect(run(all(0), { ...wellspring, giveUpAfterAttempts: 5 }, () => 0, true)).toMatchObject({
      requested: 8,
      reason: '',
    })
  })
})

describe('for every sequence of verdicts, in every order of their coming', () => {
  const end = fc.constantFrom<End>('passed', 'passed', 'failed', 'failed', 'invalid', 'unverifiable', 'our fault')
  const verifiable = fc.constantFrom<End>('passed', 'failed', 'invalid')
  const rules = fc.record({
    attempts: fc.integer({ min: 1, max: 12 }),
    maxRepeats: fc.integer({ min: 0, max: 3 }),
    tooEasyAt: fc.oneof(fc.constantFrom(0, 0.25, 0.5, 0.75, 1), fc.double({ min: 0, max: 1, noNaN: true })),
    tooEasyWhen: fc.constantFrom('at-least' as const, 'more-than' as const),
    giveUpAfterAttempts: fc.constant(0),
    adaptive: fc.constant(true),
  })
  const sequence = (one: fc.Arbitrary<End>) => fc.array(one, { minLength: 15, maxLength: 15 })
  const picks = fc.infiniteStream(fc.nat())
  const picker = (stream: Iterator<number>) => (): number => (stream.next().value as number | undefined) ?? 0

  it('adaptive and all-at-once keep the same problems, with the same attempts', () => {
    fc.assert(
      fc.property(sequence(end), rules, picks, fc.boolean(), (ends, rule, stream, weighed) => {
        const adaptive = run(ends, rule, picker(stream), weighed)
        const atOnce = run(ends, { ...rule, adaptive: false }, picker(stream), weighed)
        expect(adaptive.result === 'kept').toBe(atOnce.result === 'kept')
        if (adaptive.result === 'kept') expect({ ...adaptive, mostOpen: 0 }).toEqual({ ...atOnce, mostOpen: 0 })
        expect(adaptive.requested).toBeLessThanOrEqual(atOnce.requested)
        expect(adaptive.requested + adaptive.spared).toBeLessThanOrEqual(atOnce.requested)
        // Nothing unsolved is mistaken for too easy, or the other way round.
        if (adaptive.result === 'unsolved') expect(atOnce.result).toBe('unsolved')
        if (adaptive.result === 'too_easy') expect(['too_easy', 'abandoned']).toContain(atOnce.result)
      }),
      { numRuns: 2000 },
    )
  })

  it('asks for the same attempts whatever their order, and for none after the one that decided', () => {
    fc.assert(
      fc.property(sequence(verifiable), rules, picks, (ends, rule, stream) => {
        const shuffled = run(ends, rule, picker(stream))
        const inOrder = run(ends, rule)
        expect({ ...shuffled, mostOpen: 0 }).toEqual({ ...inOrder, mostOpen: 0 })
        const before = ends.slice(0, shuffled.requested - 1).map(verdictOf)
        const { passed } = tally(before)
        // One attempt fewer would have left it open whether the problem is kept.
        if (shuffled.result === 'too_easy' && shuffled.requested < rule.attempts)
          expect(outcomeOf({ attempted: rule.attempts, passed }, rule)).not.toBe('too_easy')
      }),
      { numRuns: 1000 },
    )
  })

  it('never loses a problem that has a pass among its first attempts to giveUpAfterAttempts', () => {
    fc.assert(
      fc.property(sequence(verifiable), fc.integer({ min: 1, max: 7 }), picks, (ends, giveUpAfterAttempts, stream) => {
        const given = run(ends, { ...wellspring, giveUpAfterAttempts }, picker(stream))
        const patient = run(ends, wellspring, picker(stream))
        const isHopeless = !ends.slice(0, giveUpAfterAttempts).includes('passed')
        if (isHopeless) expect(given).toMatchObject({ result: 'unsolved', requested: giveUpAfterAttempts })
        else expect({ ...given, mostOpen: 0 }).toEqual({ ...patient, mostOpen: 0 })
      }),
      { numRuns: 500 },
    )
  })
})
