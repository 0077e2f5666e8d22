import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pairUp, trainingText } from '../../curation/pairs.ts'

const own = (text: string): string => text

describe('trainingText', () => {
  it('puts the reasoning into a think block before the answer', () => {
    expect(trainingText({ reasoning: '\n2 + 2 is 4. \n', text: '\n\\boxed{4}\n' })).toBe(
      '<think>\n2 + 2 is 4.\n</think>\n\n\\boxed{4}',
    )
  })

  it.each([null, '', ' \n'])('is the answer alone where there is no reasoning: %j', (reasoning) => {
    expect(trainingText({ reasoning, text: ' \\boxed{4}\n' })).toBe('\\boxed{4}')
  })
})

describe('pairUp', () => {
  it('pairs the i-th passed with the i-th failed attempt', () => {
    expect(pairUp(['p1', 'p2', 'p3'], ['f1', 'f2'], own, 10)).toEqual([
      { chosen: 'p1', rejected: 'f1' },
      { chosen: 'p2', rejected: 'f2' },
    ])
  })

  it('removes repeats on each side, keeping the first', () => {
    expect(pairUp(['p1', 'p1', 'p2'], ['f1', 'f2', 'f1', 'f3'], own, 10)).toEqual([
      { chosen: 'p1', rejected: 'f1' },
      { chosen: 'p2', rejected: 'f2' },
    ])
  })

  it('uses no text that stands on both sides', () => {
    expect(pairUp(['same', 'p1'], ['f1', 'same'], own, 10)).toEqual([{ chosen: 'p1', rejected: 'f1' }])
    expect(pairUp(['same'], ['same'], own, 10)).toEqual([])
  })

  it('is empty where one side is', () => {
    expect(pairUp(['p1'], [], own, 10)).toEqual([])
    expect(pairUp([], ['f1'], own, 10)).toEqual([])
  })

  it('never pairs a text with itself, repeats none, and makes as many pairs as there can be', () => {
    const texts = fc.array(fc.string({ maxLength: 2 }), { maxLength: 24 })
    fc.assert(
      fc.property(texts, texts, fc.integer({ min: 1, max: 12 }), (passed, failed, maxPairs) => {
        const pairs = pairUp(passed, failed, own, maxPairs)
        for (const { chosen, rejected } of pairs) {
          expect(chosen).not.toBe(rejected)
          expect(passed).toContain(chosen)
          expect(failed).toContain(rejected)
        }
        const used = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected])
        expect(new Set(used).size).toBe(used.length)
        const only = (side: string[], other: string[]): number =>
          new Set(side.filter((text) => !other.includes(text))).size
        expect(pairs).toHaveLength(Math.min(maxPairs, only(passed, failed), only(failed, passed)))
      }),
    )
  })
})
