import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConceptVectors, unitVector } from '../../curation/concept-vectors.ts'
import { randomFrom } from '../../curation/sampling.ts'

function merged(vectors: ConceptVectors, similarity: number): Record<string, string> {
  const found: Record<string, string> = {}
  for (const _ of vectors.merge(similarity, (concept, original) => (found[concept] = original)));
  return found
}

describe('ConceptVectors', () => {
  it('measures the cosine with the mean of some concepts, whatever their lengths were', () => {
    const vectors = new ConceptVectors()
    vectors.set('a', [1, 0])
    vectors.set('b', [0, 2])
    vectors.set('c', [3, 3])
    const mean = vectors.meanOf(['a', 'b', 'stranger'])
    if (!mean) return expect.fail('there is no mean')
    expect(vectors.similarity('c', mean)).toBeCloseTo(1, 6)
    expect(vectors.similarity('a', mean)).toBeCloseTo(Math.SQRT1_2, 6)
    expect(vectors.similarity('stranger', mean)).toBe(0)
  })

  it('has no mean of concepts without vectors, nor of those that cancel out', () => {
    const vectors = new ConceptVectors()
    vectors.set('a', [1, 0])
    vectors.set('b', [-1, 0])
    expect(vectors.meanOf(['stranger'])).toBeUndefined()
    expect(vectors.meanOf(['a', 'b'])).toBeUndefined()
  })

  it('holds more than one block, in any dimension, and takes a newer vector for an older one', () => {
    for (const dimension of [1, 3, 7]) {
      const vectors = new ConceptVectors()
      const random = randomFrom(dimension)
      const given = Array.from({ length: 2100 }, () => Array.from({ length: dimension }, () => random() - 0.4))
      for (const [at, vector] of given.entries()) vectors.set(String(at), [...vector, 0].slice(0, dimension))
      vectors.set('1500', given[7] ?? [])
      const mean = vectors.meanOf(['7'])
      if (!mean) return expect.fail('there is no mean')
      expect(vectors.size).toBe(2100)
      for (const at of [0, 1023, 1024, 2099]) {
        const [one, seven] = [unitVector(given[at] ?? []) ?? [], unitVector(given[7] ?? []) ?? []]
        const cosine = one.reduce((sum, value, place) => sum + value * (seven[place] ?? 0), 0)
        expect(vectors.similarity(String(at), mean)).toBeCloseTo(cosine, 5)
      }
      expect(vectors.similarity('1500', mean)).toBeCloseTo(1, 5)
    }
  })

  describe('names of one thing', () => {
    it('count as the most similar of those before them, from the similarity on that is set', () => {
      const vectors = new ConceptVectors()
      vectors.set('prime', [1, 0, 0])
      vectors.set('graph', [0, 1, 0])
      vectors.set('primes', [0.99, 0.1, 0])
      vectors.set('between', [1, 1, 0])
      expect(merged(vectors, 0.9)).toEqual({ primes: 'prime' })
      expect(merged(vectors, 0.999)).toEqual({})
    })

    it('are told once, and stay as more come', () => {
      const vectors = new ConceptVectors()
      vectors.set('a', [1, 0])
      vectors.set('b', [1, 0.01])
      expect(merged(vectors, 0.99)).toEqual({ b: 'a' })
      vectors.set('c', [1, 0.011])
      expect(merged(vectors, 0.99)).toEqual({ c: 'a' })
    })

    it('are the same however the vectors come in portions, and as many as a plain search finds', () => {
      const dimension = 16
      const vector = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: dimension, maxLength: dimension })
      fc.assert(
        fc.property(
          fc.array(vector, { minLength: 2, maxLength: 30 }),
          fc.double({ min: 0.5, max: 0.99, noNaN: true }),
          fc.array(fc.nat(30), { maxLength: 5 }),
          (given, similarity, pauses) => {
            const [whole, portions] = [new ConceptVectors(), new ConceptVectors()]
            const found: Record<string, string> = {}
            for (const [at, one] of given.entries()) {
              whole.set(String(at), one)
              portions.set(String(at), one)
              if (pauses.includes(at)) Object.assign(found, merged(portions, similarity))
            }
            const expected: Record<string, string> = {}
            const originals: { name: string; unit: Float32Array }[] = []
            for (const at of given.keys()) {
              const unit = whole.meanOf([String(at)])
              if (!unit) continue
              const cosines = originals.map(({ unit: other }) =>
                other.reduce((sum, one, i) => sum + one * (unit[i] ?? 0), 0),
              )
              // A cosine that is as good as the bound may fall on either side.
              fc.pre(cosines.every((cosine) => Math.abs(cosine - similarity) > 1e-6))
              const best = Math.max(-1, ...cosines)
              fc.pre(cosines.filter((cosine) => Math.abs(cosine - best) < 1e-6).length <= 1 || best < similarity)
              if (best >= similarity) expected[String(at)] = originals[cosines.indexOf(best)]?.name ?? ''
              else originals.push({ name: String(at), unit })
            }
            expect(merged(whole, similarity)).toEqual(expected)
            expect({ ...found, ...merged(portions, similarity) }).toEqual(expected)
          },
        ),
      )
    })

    it('are looked for in portions of a few milliseconds', () => {
      const vectors = new ConceptVectors()
      const random = randomFrom(3)
      for (let at = 0; at < 1500; at++)
        vectors.set(
          String(at),
          Array.from({ length: 64 }, () => random() - 0.5),
        )
      let pauses = 0
      for (const _ of vectors.merge(0.95, () => {})) pauses++
      // 1500 * 1500 / 2 pairs of 16 multiplications each, 4 million a portion.
      expect(pauses).toBeGreaterThanOrEqual(4)
    })
  })
})

describe('unitVector', () => {
  it('has length 1 and the same direction', () => {
    expect(unitVector([3, 4])).toEqual([0.6, 0.8])
  })

  it.each([[[]], [[0, 0]], [[Number.NaN, 1]], [[Number.POSITIVE_INFINITY, 1]]])('is undefined for %j', (vector) => {
    expect(unitVector(vector)).toBeUndefined()
  })
})
