import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answersDue, standingOf, type Standing, type VoteRule } from '../../curation/votes.ts'

/** Votes of each class, most first; `-` is an answer without a vote. */
function count(answers: readonly string[]): number[] {
  const classes = new Map<string, number>()
  for (const answer of answers) if (answer !== '-') classes.set(answer, (classes.get(answer) ?? 0) + 1)
  return [...classes.values()].sort((a, b) => b - a)
}

/** Asks for answers as they are due until the vote is decided. */
function run(answers: readonly string[], rule: VoteRule): { standing: Standing; asked: number; waves: number[] } {
  let asked = 0
  const waves: number[] = []
  for (;;) {
    const standing = standingOf(count(answers.slice(0, asked)), answers.length - asked, rule)
    if (standing !== 'open') return { standing, asked, waves }
    const due = answersDue(count(answers.slice(0, asked)), answers.length - asked, rule)
    waves.push(due)
    asked += due
  }
}

const majority: VoteRule = { generations: 8, rule: 'majority', margin: 1 }

describe('a vote', () => {
  it.each([
    ['44444', 'won', [5]],
    ['4444544', 'won', [5, 1]],
    ['45454544', 'won', [5, 2, 1]],
    ['45454545', 'tie', [5, 2, 1]],
    ['4567-', 'no-majority', [5]],
  ])('of %s is %s after waves of %j', (answers, standing, waves) => {
    const padded = [...answers.padEnd(8, '-')]
    expect(run(padded, majority)).toMatchObject({ standing, waves })
  })

  const rule = fc.record({
    generations: fc.integer({ min: 1, max: 16 }),
    rule: fc.constantFrom('majority' as const, 'plurality' as const),
    margin: fc.integer({ min: 1, max: 4 }),
  })
  const vote = rule.chain((one) =>
    fc.tuple(
      fc.constant(one),
      fc.array(fc.constantFrom('a', 'a', 'a', 'b', 'b', 'c', '-'), {
        minLength: one.generations,
        maxLength: one.generations,
      }),
    ),
  )

  it('is won early by the answer that would have won at the end, and lost early only where none would have', () => {
    fc.assert(
      fc.property(vote, ([one, answers]) => {
        const early = run(answers, one)
        const end = standingOf(count(answers), 0, one)
        expect(end).not.toBe('open')
        expect(early.standing === 'won').toBe(end === 'won')
        expect(early.asked).toBeLessThanOrEqual(one.generations)
        // The answer before the last wave could not have been known.
        const before = early.asked - (early.waves.at(-1) ?? 0)
        if (before > 0) expect(standingOf(count(answers.slice(0, before)), one.generations - before, one)).toBe('open')
      }),
      { numRuns: 2000 },
    )
  })

  it('by majority is never won by half', () => {
    fc.assert(
      fc.property(vote, ([one, answers]) => {
        const counts = count(answers)
        const isWon = standingOf(counts, 0, { ...one, rule: 'majority' }) === 'won'
        if (isWon) expect((counts[0] ?? 0) * 2).toBeGreaterThan(one.generations)
      }),
    )
  })
})
