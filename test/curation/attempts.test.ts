import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { invalidReason, outcomeOf, tally, type DifficultyRule } from '../../curation/attempts.ts'
import { meaningOf } from '../../domains/verdict-reasons.ts'
import type { AttemptVerdict } from '../../schemas/generated.ts'
import { VERDICT_OF_REASON } from '../../verifiers/program.ts'

const paper: DifficultyRule = { attempts: 8, tooEasyAt: 0.5, tooEasyWhen: 'at-least' }

describe('outcomeOf', () => {
  it.each([
    [0, 'unsolved'],
    [1, 'kept'],
    [3, 'kept'],
    [4, 'too_easy'],
    [5, 'too_easy'],
    [8, 'too_easy'],
  ])('by the paper, a problem with %i of 8 attempts passed is %s', (passed, result) => {
    expect(outcomeOf({ attempted: 8, passed }, paper)).toBe(result)
  })

  it("keeps 4 of 8 by the scripts' rule, which drops more than half alone", () => {
    const scripts: DifficultyRule = { ...paper, tooEasyWhen: 'more-than' }
    expect(outcomeOf({ attempted: 8, passed: 4 }, scripts)).toBe('kept')
    expect(outcomeOf({ attempted: 8, passed: 5 }, scripts)).toBe('too_easy')
  })

  it('abandons a problem with too few attempts that count, whatever passed', () => {
    expect(outcomeOf({ attempted: 7, passed: 7 }, paper)).toBe('abandoned')
    expect(outcomeOf({ attempted: 0, passed: 0 }, paper)).toBe('abandoned')
  })

  it('is too easy at the limit, never below it', () => {
    expect(outcomeOf({ attempted: 8, passed: 8 }, { ...paper, tooEasyAt: 1 })).toBe('too_easy')
    expect(outcomeOf({ attempted: 8, passed: 7 }, { ...paper, tooEasyAt: 1 })).toBe('kept')
    expect(outcomeOf({ attempted: 1, passed: 1 }, { ...paper, attempts: 1, tooEasyAt: 0 })).toBe('too_easy')
  })

  it('gives one result for all counts: more passed attempts never make a problem harder', () => {
    const order = ['unsolved', 'kept', 'too_easy']
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 32 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempts, tooEasyAt) => {
          const results = Array.from({ length: attempts + 1 }, (_, passed) =>
            order.indexOf(outcomeOf({ attempted: attempts, passed }, { ...paper, attempts, tooEasyAt })),
          )
          expect(results).toEqual([...results].sort((a, b) => a - b))
          expect(results).not.toContain(-1)
        },
      ),
    )
  })
})

describe('tally', () => {
  const verdict = (kind: AttemptVerdict['verdict'], valid = true): AttemptVerdict => ({
    ...{ attempt: 0, verdictId: 'verdict-0', partition: 0, offset: 0 },
    ...{ verdict: kind, valid, again: false, tokens: 0, tests: [], probes: [] },
  })

  it('counts invalid attempts as failed ones, and unverifiable ones not at all', () => {
    const verdicts = [
      verdict('passed'),
      verdict('failed'),
      verdict('failed', false),
      verdict('unverifiable', false),
      verdict('passed'),
    ]
    expect(tally(verdicts)).toEqual({ attempted: 4, passed: 2, invalid: 1, unverifiable: 1 })
  })

  it('is all zero for no verdicts', () => {
    expect(tally([])).toEqual({ attempted: 0, passed: 0, invalid: 0, unverifiable: 0 })
  })
})

describe('invalidReason', () => {
  const strict = { refuseForeignScript: true }

  it.each([
    ['length_limit', { text: 'The answer is \\boxed{4}', finishReason: 'length' }],
    ['content_filter', { text: '', finishReason: 'content_filter' }],
    ['empty', { text: ' \n', finishReason: 'stop' }],
    ['stray_think_tag', { text: 'Hmm.</think> \\boxed{4}', finishReason: 'stop' }],
    ['stray_think_tag', { text: '\\boxed{4}<think>', finishReason: 'stop' }],
    ['foreign_script', { text: '答案是 \\boxed{4}', finishReason: 'stop' }],
    ['foreign_script', { text: '답은 \\boxed{4}', finishReason: 'stop' }],
  ])('is %s', (reason, attempt) => {
    expect(invalidReason(attempt, strict)).toBe(reason)
  })

  it.each(['The answer is \\boxed{4}', 'No answer at all', 'ответ: 4', 'x < 3 and y > 4', 'α = π/2'])(
    'leaves the answer to be checked: %s',
    (text) => {
      expect(invalidReason({ text, finishReason: 'stop' }, strict)).toBeUndefined()
    },
  )

  it('lets Han and Hangul pass where the rules allow them', () => {
    expect(invalidReason({ text: '答案 4', finishReason: 'stop' }, { refuseForeignScript: false })).toBeUndefined()
  })

  it('names reasons that the table of verdicts knows as failed and invalid', () => {
    for (const reason of ['length_limit', 'content_filter', 'empty', 'stray_think_tag', 'foreign_script'])
      expect(meaningOf(reason)).toMatchObject({ verdict: 'failed', valid: false })
  })
})

describe('meaningOf', () => {
  it('agrees with the verifier on every reason of a program run', () => {
    for (const [reason, verdict] of Object.entries(VERDICT_OF_REASON))
      expect([reason, meaningOf(reason).verdict]).toEqual([reason, verdict])
  })

  it.each([
    ['equal', 'passed', true],
    ['different', 'failed', true],
    ['no_answer', 'failed', false],
    ['truncated', 'failed', false],
    ['no_code', 'failed', false],
    ['not_run', 'unverifiable', false],
    ['no_reference', 'unverifiable', false],
    ['a reason that nobody has heard of', 'unverifiable', false],
    ['constructor', 'unverifiable', false],
  ])('%s: %s, valid %s', (reason, verdict, valid) => {
    expect(meaningOf(reason)).toMatchObject({ verdict, valid })
  })

  it('lets an attempt be made again only where that may help', () => {
    expect(meaningOf('not_run').again).toBe(true)
    expect(meaningOf('undecided_numerically').again).toBe(true)
    expect(meaningOf('sandbox_error').again).toBe(false)
    expect(meaningOf('equal').again).toBe(false)
  })
})
