import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConceptIndex, ConceptVectors, parseShares, randomFrom, unitVector } from '../../curation/sampling.ts'

function indexOf(...lists: string[][]): ConceptIndex {
  const index = new ConceptIndex()
  for (const list of lists) index.addList(list)
  return index
}

function vectorsOf(vectors: Record<string, number[]>): ConceptVectors {
  const all = new ConceptVectors()
  for (const [concept, vector] of Object.entries(vectors)) all.set(concept, vector)
  return all
}

const none = new ConceptVectors()

describe('ConceptIndex', () => {
  // a and b are named together twice, a and c once; frequencies: a 3, b 2, c 1.
  const small = indexOf(['a', 'b'], ['b', 'a'], ['a', 'c'])

  it('draws the first concept by frequency', () => {
    expect(small.concepts).toEqual(['a', 'b', 'c'])
    expect(small.nextProbabilities([], 0.2, none)).toEqual([3 / 6, 2 / 6, 1 / 6])
  })

  it('draws the next one by a softmax over the co-occurrence with the chosen ones, 1 for the most frequent pair', () => {
    // After a: b scores 2/2, c scores 1/2.
    const [b, c] = [Math.exp(1 / 0.2), Math.exp(0.5 / 0.2)]
    const probabilities = small.nextProbabilities(['a'], 0.2, none)
    expect(probabilities[0]).toBe(0)
    expect(probabilities[1]).toBeCloseTo(b / (b + c), 12)
    expect(probabilities[2]).toBeCloseTo(c / (b + c), 12)
  })

  it('takes the mean co-occurrence with all chosen ones', () => {
    // After b and c: a was named with b twice and with c once, of at most twice each: 3/4. d was named with neither.
    const index = indexOf(['a', 'b'], ['b', 'a'], ['a', 'c'], ['d'])
    const [a, d] = [Math.exp(0.75 / 0.2), 1]
    const probabilities = index.nextProbabilities(['b', 'c'], 0.2, none)
    expect(probabilities[index.concepts.indexOf('a')]).toBeCloseTo(a / (a + d), 12)
    expect(probabilities[index.concepts.indexOf('d')]).toBeCloseTo(d / (a + d), 12)
  })

  it('adds the cosine similarity to the mean vector of the chosen ones', () => {
    const index = indexOf(['a', 'b'], ['c', 'd'])
    // The mean direction of (1, 0) and (0, 2), as unit vectors, is (1, 1)/sqrt 2. Cosines: c 1, d -1/sqrt 2.
    const vectors = vectorsOf({ a: [1, 0], b: [0, 2], c: [3, 3], d: [-5, 0] })
    const [c, d] = [Math.exp(1 / 0.5), Math.exp(-Math.SQRT1_2 / 0.5)]
    const probabilities = index.nextProbabilities(['a', 'b'], 0.5, vectors)
    expect(probabilities[2]).toBeCloseTo(c / (c + d), 6)
    expect(probabilities[3]).toBeCloseTo(d / (c + d), 6)
  })

  it('joins both terms: the similarity belongs to the concept that it was measured of', () => {
    // After a: b scores 1/1 + 0, c scores 0 + 1, d 0 + 0.
    const index = indexOf(['a', 'b'], ['c'], ['d'])
    const vectors = vectorsOf({ d: [0, -1], c: [1, 0], b: [0, 1], a: [1, 0] })
    const total = 2 * Math.exp(1) + 1
    const probabilities = index.nextProbabilities(['a'], 1, vectors)
    for (const [at, expected] of [0, Math.exp(1) / total, Math.exp(1) / total, 1 / total].entries())
      expect(probabilities[at]).toBeCloseTo(expected, 6)
  })

  it('stays finite and sums to 1 at every temperature and count, where raw scores would overflow', () => {
    const index = indexOf(...Array.from({ length: 1000 }, () => ['a', 'b']), ['a', 'c'])
    for (const temperature of [0.001, 0.01, 0.2, 10]) {
      const probabilities = index.nextProbabilities(['a'], temperature, none)
      expect(probabilities.every(Number.isFinite)).toBe(true)
      expect(probabilities.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 12)
    }
  })

  it('gives concepts without a vector, or with one of another dimension, no similarity', () => {
    const index = indexOf(['a'], ['b'], ['c'])
    const vectors = vectorsOf({ a: [1, 0], b: [1, 0, 0] })
    expect(vectors.size).toBe(1)
    const [, b, c] = index.nextProbabilities(['a'], 0.2, vectors)
    expect(b).toBeCloseTo(0.5, 12)
    expect(c).toBeCloseTo(0.5, 12)
  })

  it('never draws a concept that has a vector but was never named', () => {
    const vectors = vectorsOf({ a: [1], stranger: [1] })
    expect(indexOf(['a', 'b']).draw(5, 0.2, vectors, randomFrom(1)).sort()).toEqual(['a', 'b'])
  })

  it('counts a concept once a list', () => {
    expect(indexOf(['a', 'a', 'b']).nextProbabilities([], 1, none)).toEqual([0.5, 0.5])
  })

  it('draws nothing from nothing', () => {
    expect(new ConceptIndex().draw(5, 0.2, none, randomFrom(1))).toEqual([])
    expect(new ConceptIndex().nextProbabilities([], 0.2, none)).toEqual([])
  })

  it('draws without repeats, as many as asked for or as there are, the same for the same seed', () => {
    const concept = fc.constantFrom(...'abcdefghij')
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(concept, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 12 }),
        fc.double({ min: 0.01, max: 10, noNaN: true }),
        fc.nat(),
        (lists, size, temperature, seed) => {
          const index = indexOf(...lists)
          const drawn = index.draw(size, temperature, none, randomFrom(seed))
          expect(new Set(drawn).size).toBe(drawn.length)
          expect(drawn).toHaveLength(Math.min(size, index.concepts.length))
          expect(index.draw(size, temperature, none, randomFrom(seed))).toEqual(drawn)
        },
      ),
    )
  })

  it('draws as often as its probabilities say: chi-square over 20,000 combinations', () => {
    const index = indexOf(['a', 'b', 'c'], ['a', 'b'], ['b', 'd'], ['c', 'd'], ['a'])
    const vectors = vectorsOf({ a: [1, 0], b: [1, 1], c: [0, 1], d: [-1, 1] })
    const expected = new Map<string, number>()
    index.concepts.forEach((first, at) => {
      const p = index.nextProbabilities([], 0.5, vectors)[at] ?? 0
      index.concepts.forEach((second, next) => {
        const q = index.nextProbabilities([first], 0.5, vectors)[next] ?? 0
        if (p * q > 0) expected.set(`${first}${second}`, p * q)
      })
    })
    expect(expected.size).toBe(12)
    expect([...expected.values()].reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12)

    const draws = 20_000
    const random = randomFrom(20_250_925)
    const seen = new Map<string, number>()
    for (let draw = 0; draw < draws; draw++) {
      const drawn = index.draw(2, 0.5, vectors, random).join('')
      seen.set(drawn, (seen.get(drawn) ?? 0) + 1)
    }
    const chiSquare = [...expected].reduce(
      (sum, [pair, p]) => sum + ((seen.get(pair) ?? 0) - draws * p) ** 2 / (draws * p),
      0,
    )
    // 11 degrees of freedom: 31.3 is passed by chance once in a thousand; the seed is fixed.
    expect(chiSquare).toBeLessThan(31.3)
    expect([...seen.keys()].filter((pair) => !expected.has(pair))).toEqual([])
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

describe('randomFrom', () => {
  it('gives the same numbers for the same seed, others for another one, all in [0, 1)', () => {
    const numbers = (seed: number): number[] => Array.from({ length: 1000 }, randomFrom(seed))
    expect(numbers(7)).toEqual(numbers(7))
    expect(numbers(7)).not.toEqual(numbers(8))
    expect(numbers(7).every((number) => number >= 0 && number < 1)).toBe(true)
  })

  it('is uniform: chi-square over 20,000 numbers in 16 bins', () => {
    const bins = new Array<number>(16).fill(0)
    const random = randomFrom(1)
    for (let draw = 0; draw < 20_000; draw++) {
      const bin = Math.floor(random() * 16)
      bins[bin] = (bins[bin] ?? 0) + 1
    }
    // 15 degrees of freedom: 37.7 is passed by chance once in a thousand.
    expect(bins.reduce((sum, count) => sum + (count - 1250) ** 2 / 1250, 0)).toBeLessThan(37.7)
  })
})

describe('parseShares', () => {
  it.each([
    ['math=2,code=1', { math: 2, code: 1 }],
    [' math=0.5 , code=0 ', { math: 0.5, code: 0 }],
    ['number-theory2=1', { 'number-theory2': 1 }],
  ])('reads %j', (text, shares) => {
    expect(parseShares(text)).toEqual(new Map(Object.entries(shares)))
  })

  it.each([
    ['', 'expected domain=share parts such as math=2,code=1, got ""'],
    ['math', 'expected domain=share parts such as math=2,code=1, got "math"'],
    ['math=2;code=1', 'expected domain=share parts such as math=2,code=1, got "math=2;code=1"'],
    ['math=-1', 'expected domain=share parts such as math=2,code=1, got "math=-1"'],
    ['math=1,,code=1', 'expected domain=share parts such as math=2,code=1, got ""'],
    ['math=1,math=2', 'expected each domain once, got math twice'],
    ['math=0,code=0.0', 'expected a share above 0, got "math=0,code=0.0"'],
  ])('refuses %j', (text, fault) => {
    expect(parseShares(text)).toEqual({ fault })
  })
})
