import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pairUp, trainingText, type Pairing } from '../../curation/pairs.ts'

/** Attempts that are texts, each its own answer. */
const plain = { textOf: (text: string) => text, answerOf: () => null }
const pair = (passed: string[], failed: string[], pairing: Pairing = 'zip', maxPairs = 10) =>
  pairUp(passed, failed, plain, { pairing, maxPairs })

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
    expect(pair(['p1', 'p2', 'p3'], ['f1', 'f2'])).toEqual([
      { chosen: 'p1', rejected: 'f1' },
      { chosen: 'p2', rejected: 'f2' },
    ])
  })

  it('removes repeats on each side, keeping the first', () => {
    expect(pair(['p1', 'p1', 'p2'], ['f1', 'f2', 'f1', 'f3'])).toEqual([
      { chosen: 'p1', rejected: 'f1' },
      { chosen: 'p2', rejected: 'f2' },
    ])
  })

  it('uses no text that stands on both sides', () => {
    expect(pair(['same', 'p1'], ['f1', 'same'])).toEqual([{ chosen: 'p1', rejected: 'f1' }])
    expect(pair(['same'], ['same'])).toEqual([])
  })

  it('is empty where one side is', () => {
    expect(pair(['p1'], [])).toEqual([])
    expect(pair([], ['f1'])).toEqual([])
  })

  it('pairs the nearest in length first where it is told to, each attempt once', () => {
    const passed = ['a'.repeat(100), 'b'.repeat(40), 'c'.repeat(10)]
    const failed = ['d'.repeat(35), 'e'.repeat(300), 'f'.repeat(110)]
    const lengths = pair(passed, failed, 'closest').map(({ chosen, rejected }) => [chosen.length, rejected.length])
    expect(lengths).toEqual([
      [100, 110],
      [40, 35],
      [10, 300],
    ])
    expect(pair(passed, failed, 'closest', 1)).toHaveLength(1)
  })

  it('pairs by length no two attempts with the same final answer', () => {
    const attempt = (text: string, answer: string) => ({ text, answer })
    const traits = {
      textOf: ({ text }: { text: string }) => text,
      answerOf: ({ answer }: { answer: string }) => answer,
    }
    const pairs = pairUp([attempt('right', '4')], [attempt('wrong', '4'), attempt('quite wrong', '5')], traits, {
      ...{ pairing: 'closest', maxPairs: 10 },
    })
    expect(pairs.map(({ rejected }) => rejected.text)).toEqual(['quite wrong'])
  })

  it('never pairs a text with itself, repeats none, and makes as many pairs as there can be', () => {
    const pairings = fc.constantFrom<Pairing>('zip', 'closest')
    const texts = fc.array(fc.string({ maxLength: 2 }), { maxLength: 24 })
    fc.assert(
      fc.property(texts, texts, pairings, fc.integer({ min: 1, max: 12 }), (passed, failed, pairing, maxPairs) => {
        const pairs = pair(passed, failed, pairing, maxPairs)
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
