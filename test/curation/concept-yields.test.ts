import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConceptYields, levelWeights } from '../../curation/concept-yields.ts'
import type { ConceptYield } from '../../schemas/generated.ts'

const one = (concepts: string[], given: Partial<ConceptYield> = {}): ConceptYield => ({
  ...{ id: '', parentIds: [], domain: 'math', recipe: '', createdAtMs: 0, simulated: false },
  ...{ concepts, level: 'AIME', result: 'kept', attempted: 8, passed: 2, pairs: 2, tokens: 1000 },
  ...given,
})

function yieldsOf(...records: [count: number, record: ConceptYield][]): ConceptYields {
  const yields = new ConceptYields()
  for (const [count, record] of records) for (let n = 0; n < count; n++) yields.add(record)
  return yields
}

describe('ConceptYields', () => {
  it('weighs a concept by its pairs for a token over those of the domain, with ten ends of the mean added', () => {
    // The domain: 120 pairs of 90 ends and 90,000 tokens. Ten ends of the mean: 13.33 pairs of 10,000 tokens.
    const yields = yieldsOf([60, one(['a'])], [30, one(['b'], { pairs: 0 })])
    const { of, most } = yields.weights(4)
    const mean = 120 / 90_000
    expect(of('a')).toBeCloseTo((120 + 120 / 9) / 70_000 / mean, 12)
    expect(of('b')).toBeCloseTo(120 / 9 / 40_000 / mean, 12)
    expect([of('never seen'), most]).toEqual([1, 4])
  })

  it('prefers what costs less where it brings as much', () => {
    const { of } = yieldsOf([50, one(['cheap'], { tokens: 500 })], [50, one(['dear'], { tokens: 1500 })]).weights(4)
    expect(of('cheap')).toBeGreaterThan(1)
    expect(of('dear')).toBeLessThan(1)
  })

  it('keeps within its bounds, whatever came', () => {
    const record = fc.record({ concepts: fc.subarray(['a', 'b', 'c']), pairs: fc.nat(8), tokens: fc.nat(1e6) })
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 64, maxLength: 100 }),
        fc.double({ min: 1, max: 10, noNaN: true }),
        (records, most) => {
          const weights = yieldsOf(...records.map((given): [number, ConceptYield] => [1, one([], given)])).weights(most)
          for (const concept of ['a', 'b', 'c', 'd']) {
            expect(weights.of(concept)).toBeLessThanOrEqual(weights.most)
            expect(weights.of(concept)).toBeGreaterThanOrEqual(1 / weights.most)
          }
        },
      ),
    )
  })

  it('has no say before 64 combinations have ended, nor while none brought a pair', () => {
    expect(yieldsOf([63, one(['a'])]).weights(4).most).toBe(1)
    expect(yieldsOf([64, one(['a'])]).weights(4).most).toBe(4)
    expect(yieldsOf([100, one(['a'], { pairs: 0 })]).weights(4).most).toBe(1)
  })

  it('tells the live pass rate of a level: what is fifty outcomes old hardly counts', () => {
    const yields = yieldsOf([300, one(['a'], { passed: 8 })], [100, one(['a'], { passed: 0 })])
    const rate = yields.livePassRate('AIME') ?? -1
    // 0.98 ** 100 of what it was.
    expect(rate).toBeCloseTo(0.98 ** 100, 2)
    expect(yieldsOf([8, one(['a'])]).livePassRate('AIME')).toBeUndefined()
    expect(yieldsOf([10, one(['a'])]).livePassRate('AIME')).toBeCloseTo(0.25, 9)
    expect(yieldsOf([50, one(['a'], { attempted: 0, level: '' })]).livePassRate('')).toBeUndefined()
  })
})

describe('levelWeights', () => {
  const band = { min: 0.1, max: 0.5 }
  const rates = (all: Record<string, number>) => (level: string) => all[level]

  it.each<[string, Record<string, number>, number[]]>([
    ['all inside', { easy: 0.5, hard: 0.1 }, [1, 1, 1]],
    ['one too easy', { easy: 0.7, hard: 0.3 }, [0.25, 1, 1]],
    ['one too hard, one unknown', { hard: 0.05 }, [1, 1, 0.25]],
    ['none inside: the nearest counts', { easy: 0.9, middle: 0.8, hard: 0.7 }, [0.25, 0.25, 1]],
  ])('%s', (_, all, weights) => {
    expect(levelWeights(['easy', 'middle', 'hard'], rates(all), band)).toEqual(weights)
  })
})
