import { describe, expect, it } from 'vitest'

import { canonicalAnswer, groupAnswers, majority } from '../../../verifiers/math.ts'
import { processorMilliseconds } from '../../processor-time.ts'

const members = (answers: string[]): number[][] => groupAnswers(answers).groups.map((group) => group.members)

describe('canonical answers', () => {
  it.each([
    ['\\frac{1}{2}', '0.5'],
    ['\\frac{2}{4}', '\\frac12'],
    ['\\sqrt{12}', '2\\sqrt3'],
    ['\\frac{1}{1+\\sqrt2}', '\\sqrt2-1'],
    ['x^2+2x+1', '(x+1)^2'],
    ['\\frac{x^2-1}{x-1}', 'x+1'],
    ['\\{3,1,2\\}', '\\{1,2,3\\}'],
    ['10^{30}', `1${'0'.repeat(30)}`],
    ['x+y=1', '2=2x+2y'],
  ])('%s and %s share a key', (a, b) => {
    expect(canonicalAnswer(a)).toBeDefined()
    expect(canonicalAnswer(a)).toBe(canonicalAnswer(b))
  })

  it.each([
    ['1', '-1'],
    ['10000', '10001'],
    ['(1,2)', '(2,1)'],
    ['(1,2)', '[1,2]'],
    ['x+1', 'y+1'],
    ['\\sqrt2', '\\sqrt3'],
    ['1,1,2', '1,2'],
  ])('%s and %s do not', (a, b) => {
    expect(canonicalAnswer(a)).not.toBe(canonicalAnswer(b))
  })

  it('has no key for what has no canonical form', () => {
    expect(canonicalAnswer('\\cot x')).toBeUndefined()
    expect(canonicalAnswer('\\sum_k k')).toBeUndefined()
  })
})

describe('groups of answers', () => {
  it('joins equal answers in one pass, in the order of their first member', () => {
    expect(members(['\\frac12', '3', '0.5', '2/4', '\\boxed{3}'])).toEqual([
      [0, 2, 3],
      [1, 4],
    ])
  })

  it('joins answers without a canonical form by comparison', () => {
    expect(members(['\\cot x', '1', '\\frac{\\cos x}{\\sin x}', '\\tan x'])).toEqual([[0, 2], [1], [3]])
  })

  it('joins units, names and rounding to the exact answer they equal', () => {
    expect(members(['\\frac13', '0.333', 'x=\\frac13', '0.3333', '\\frac13\\text{ cm}'])).toEqual([[0, 1, 2, 3, 4]])
  })

  it('names the exact form as representative', () => {
    const { groups } = groupAnswers(['x = 5', '5 \\text{ cm}', '5'])
    expect(groups).toEqual([{ representative: '5', members: [0, 1, 2] }])
  })

  it('leaves an answer apart that equals several groups', () => {
    // 28 % is 28 and 0.28, which are different.
    expect(members(['28', '0.28', '28\\%'])).toEqual([[0], [1], [2]])
    expect(members(['28', '28\\%'])).toEqual([[0, 1]])
  })

  it('sets answers apart that cannot be read', () => {
    expect(groupAnswers(['5', '\\sum_k k', '5', ''])).toEqual({
      groups: [{ representative: '5', members: [0, 2] }],
      undecided: [1, 3],
      unplaced: [
        { member: 1, reason: 'not_understood' },
        { member: 3, reason: 'no_answer' },
      ],
    })
  })

  describe('that cost much to compare', () => {
    // Lists without a key: each element of one is compared with each of the other.
    const costly = Array.from({ length: 95 }, (_, k) =>
      Array.from({ length: 120 }, (__, n) => `\\ln${n + k + 2}+x`).join(','),
    )

    it('end well within the time that the pool gives a vote, the same way each time', () => {
      let found = groupAnswers([])
      const spent = processorMilliseconds(() => (found = groupAnswers(costly)))
      expect(spent).toBeLessThan(2_000 + 50 * costly.length)
      const placed = [...found.groups.flatMap((group) => group.members), ...found.undecided]
      expect(placed.sort((a, b) => a - b)).toEqual(costly.map((_, index) => index))
      expect(found.groups.length).toBeGreaterThan(1)
      expect(new Set(found.unplaced.map(({ reason }) => reason))).toEqual(new Set(['vote_too_large']))
      expect(groupAnswers(costly)).toEqual(found)
    })

    it('do not keep those given more often from being grouped', () => {
      const { groups } = groupAnswers([...costly, 'x = 7', '7\\text{ cm}', 'x = 7', '7'])
      expect(groups.find(({ representative }) => representative === '7')?.members).toEqual([95, 96, 97, 98])
    })

    it('are no reason to leave many short ones apart', () => {
      const short = Array.from({ length: 300 }, (_, n) => `${n % 150}.5\\text{ cm}`)
      const { groups, undecided } = groupAnswers(short)
      expect({ groups: groups.length, undecided }).toEqual({ groups: 150, undecided: [] })
    })
  })

  it('groups a thousand answers quickly', () => {
    const answers = Array.from({ length: 1000 }, (_, n) => (n % 3 === 0 ? `\\frac{${n}}{7}` : `${n % 50}`))
    expect(processorMilliseconds(() => groupAnswers(answers))).toBeLessThan(2000)
  })
})

describe('majority', () => {
  it('finds the winner with count and margin', () => {
    const { groups } = groupAnswers(['5', '7', '5.0', 'x=5', '7', '1'])
    expect(majority(groups)).toEqual({ representative: '5', count: 3, margin: 1, tie: false })
  })

  it('flags a tie and names the first', () => {
    expect(majority(groupAnswers(['7', '5', '5', '7']).groups)).toEqual({
      representative: '7',
      count: 2,
      margin: 0,
      tie: true,
    })
  })

  it('takes one vote as a majority without a rival', () => {
    expect(majority(groupAnswers(['7']).groups)).toEqual({ representative: '7', count: 1, margin: 1, tie: false })
  })

  it('has no winner without groups', () => {
    expect(majority([])).toBeUndefined()
  })
})
