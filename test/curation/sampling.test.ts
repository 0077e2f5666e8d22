import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConceptVectors } from '../../curation/concept-vectors.ts'
import {
  ConceptIndex,
  equalWeights,
  parseShares,
  pickWeighted,
  randomFrom,
  type ConceptWeights,
  type SamplingTerms,
} from '../../curation/sampling.ts'

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

function terms(temperature: number, given: Partial<SamplingTerms> = {}): SamplingTerms {
  return { temperature, cooccurrence: 'normalised', vectors: none, weights: equalWeights, ...given }
}

/** Weights of some concepts; the others have 1. */
function weightsOf(weights: Record<string, number>): ConceptWeights {
  return { of: (concept) => weights[concept] ?? 1, most: Math.max(1, ...Object.values(weights)) }
}

/** The probability of every ordered combination of a size, by the formula alone. */
function combinations(index: ConceptIndex, rule: SamplingTerms, size: number): Map<string, number> {
  const all = new Map<string, number>()
  const extend = (chosen: string[], probability: number): void => {
    if (chosen.length === size) return void all.set(chosen.join(' '), probability)
    for (const [at, next] of index.nextProbabilities(chosen, rule).entries())
      if (next > 0) extend([...chosen, index.concepts[at] ?? ''], probability * next)
  }
  extend([], 1)
  return all
}

/** Pearson's chi-square of what is drawn against probabilities; its degrees of freedom; draws that should never come. */
function chiSquareOf(
  expected: ReadonlyMap<string, number>,
  draw: (random: () => number) => string[],
  draws: number,
): { chiSquare: number; freedom: number; strangers: number } {
  const random = randomFrom(20_250_925)
  const seen = new Map<string, number>()
  for (let count = 0; count < draws; count++) {
    const drawn = draw(random).join(' ')
    seen.set(drawn, (seen.get(drawn) ?? 0) + 1)
  }
  // Combinations that are rarer than the test can weigh count together.
  const rare = { expected: 0, seen: 0 }
  let [chiSquare, freedom] = [0, -1]
  const add = (wanted: number, got: number): void => {
    chiSquare += (got - wanted) ** 2 / wanted
    freedom++
  }
  for (const [combination, p] of expected) {
    const got = seen.get(combination) ?? 0
    if (p * draws >= 5) add(p * draws, got)
    else {
      rare.expected += p * draws
      rare.seen += got
    }
  }
  if (rare.expected >= 5) add(rare.expected, rare.seen)
  return { chiSquare, freedom, strangers: [...seen.keys()].filter((drawn) => !expected.has(drawn)).length }
}

/** Passed by chance once in a thousand (Wilson and Hilferty). */
const oncePerThousand = (freedom: number): number =>
  freedom * (1 - 2 / (9 * freedom) + 3.09 * Math.sqrt(2 / (9 * freedom))) ** 3

describe('ConceptIndex', () => {
  // a and b are named together twice, a and c once; frequencies: a 3, b 2, c 1.
  const small = indexOf(['a', 'b'], ['b', 'a'], ['a', 'c'])

  it('draws the first concept by frequency', () => {
    expect(small.concepts).toEqual(['a', 'b', 'c'])
    expect(small.nextProbabilities([], terms(0.2))).toEqual([3 / 6, 2 / 6, 1 / 6])
  })

  it('draws the next one by a softmax over the co-occurrence with the chosen ones, 1 for the most frequent pair', () => {
    // After a: b scores 2/2, c scores 1/2.
    const [b, c] = [Math.exp(1 / 0.2), Math.exp(0.5 / 0.2)]
    const probabilities = small.nextProbabilities(['a'], terms(0.2))
    expect(probabilities[0]).toBe(0)
    expect(probabilities[1]).toBeCloseTo(b / (b + c), 12)
    expect(probabilities[2]).toBeCloseTo(c / (b + c), 12)
  })

  it('takes the mean co-occurrence with all chosen ones', () => {
    // After b and c: a was named with b twice and with c once, of at most twice each: 3/4. d was named with neither.
    const index = indexOf(['a', 'b'], ['b', 'a'], ['a', 'c'], ['d'])
    const [a, d] = [Math.exp(0.75 / 0.2), 1]
    const probabilities = index.nextProbabilities(['b', 'c'], terms(0.2))
    expect(probabilities[index.concepts.indexOf('a')]).toBeCloseTo(a / (a + d), 12)
    expect(probabilities[index.concepts.indexOf('d')]).toBeCloseTo(d / (a + d), 12)
  })

  it('adds the cosine similarity to the mean vector of the chosen ones', () => {
    const index = indexOf(['a', 'b'], ['c', 'd'])
    // The mean direction of (1, 0) and (0, 2), as unit vectors, is (1, 1)/sqrt 2. Cosines: c 1, d -1/sqrt 2.
    const vectors = vectorsOf({ a: [1, 0], b: [0, 2], c: [3, 3], d: [-5, 0] })
    const [c, d] = [Math.exp(1 / 0.5), Math.exp(-Math.SQRT1_2 / 0.5)]
    const probabilities = index.nextProbabilities(['a', 'b'], terms(0.5, { vectors }))
    expect(probabilities[2]).toBeCloseTo(c / (c + d), 6)
    expect(probabilities[3]).toBeCloseTo(d / (c + d), 6)
  })

  it('joins both terms: the similarity belongs to the concept that it was measured of', () => {
    // After a: b scores 1/1 + 0, c scores 0 + 1, d 0 + 0.
    const index = indexOf(['a', 'b'], ['c'], ['d'])
    const vectors = vectorsOf({ d: [0, -1], c: [1, 0], b: [0, 1], a: [1, 0] })
    const total = 2 * Math.exp(1) + 1
    const probabilities = index.nextProbabilities(['a'], terms(1, { vectors }))
    for (const [at, expected] of [0, Math.exp(1) / total, Math.exp(1) / total, 1 / total].entries())
      expect(probabilities[at]).toBeCloseTo(expected, 6)
  })

  it('stays finite and sums to 1 at every temperature and count, where raw scores would overflow', () => {
    const index = indexOf(...Array.from({ length: 1000 }, () => ['a', 'b']), ['a', 'c'])
    for (const temperature of [0.001, 0.01, 0.2, 10]) {
      const probabilities = index.nextProbabilities(['a'], terms(temperature))
      expect(probabilities.every(Number.isFinite)).toBe(true)
      expect(probabilities.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 12)
    }
  })

  it('gives concepts without a vector, or with one of another dimension, no similarity', () => {
    const index = indexOf(['a'], ['b'], ['c'])
    const vectors = vectorsOf({ a: [1, 0], b: [1, 0, 0] })
    expect(vectors.size).toBe(1)
    const [, b, c] = index.nextProbabilities(['a'], terms(0.2, { vectors }))
    expect(b).toBeCloseTo(0.5, 12)
    expect(c).toBeCloseTo(0.5, 12)
  })

  it('never draws a concept that has a vector but was never named', () => {
    const vectors = vectorsOf({ a: [1], stranger: [1] })
    expect(indexOf(['a', 'b']).draw(5, terms(0.2, { vectors }), randomFrom(1)).sort()).toEqual(['a', 'b'])
  })

  it('counts a concept once a list', () => {
    expect(indexOf(['a', 'a', 'b']).nextProbabilities([], terms(1))).toEqual([0.5, 0.5])
  })

  it('draws nothing from nothing', () => {
    expect(new ConceptIndex().draw(5, terms(0.2), randomFrom(1))).toEqual([])
    expect(new ConceptIndex().nextProbabilities([], terms(0.2))).toEqual([])
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
          const drawn = index.draw(size, terms(temperature), randomFrom(seed))
          expect(new Set(drawn).size).toBe(drawn.length)
          expect(drawn).toHaveLength(Math.min(size, index.concepts.length))
          expect(index.draw(size, terms(temperature), randomFrom(seed))).toEqual(drawn)
        },
      ),
    )
  })

  it('takes raw counts where it is told to: one more co-occurrence multiplies the odds by exp(1 / temperature)', () => {
    // After a and b: c was named with them 3 times, d once, e never.
    const index = indexOf(['a', 'c'], ['b', 'c'], ['a', 'c'], ['b', 'd'], ['e'])
    const at = (concept: string): number =>
      index.nextProbabilities(['a', 'b'], terms(0.2, { cooccurrence: 'counts' }))[index.concepts.indexOf(concept)] ?? 0
    expect(at('c') / at('d')).toBeCloseTo(Math.exp(2 / 0.2), 4)
    expect(at('d') / at('e')).toBeCloseTo(148.413, 2)
  })

  it('multiplies the weight of a concept, the first one included', () => {
    const weights = weightsOf({ b: 3, c: 0.5 })
    // Frequencies 3, 2, 1 -> 3, 6, 0.5.
    expect(small.nextProbabilities([], terms(0.2, { weights }))).toEqual([3 / 9.5, 6 / 9.5, 0.5 / 9.5])
    const [b, c] = [3 * Math.exp(1 / 0.2), 0.5 * Math.exp(0.5 / 0.2)]
    expect(small.nextProbabilities(['a'], terms(0.2, { weights }))[1]).toBeCloseTo(b / (b + c), 12)
  })

  it('draws the first concept evenly where it is told to', () => {
    expect(small.nextProbabilities([], terms(0.2, { evenFirst: true }))).toEqual([1 / 3, 1 / 3, 1 / 3])
  })

  describe('with names that count as one', () => {
    // "gcd" is another name of "divisor": together 4 mentions, 3 of them beside "prime".
    const lists = [
      ['divisor', 'prime'],
      ['gcd', 'prime'],
      ['gcd', 'prime'],
      ['divisor', 'gcd'],
      ['sum', 'prime'],
    ]

    it('sums their counts, whichever came first: lists or the merger', () => {
      const before = new ConceptIndex()
      before.merge('gcd', 'divisor')
      for (const list of lists) before.addList(list)
      const after = indexOf(...lists)
      after.merge('gcd', 'divisor')
      for (const index of [before, after]) {
        const of = (chosen: string[], concept: string): number =>
          index.nextProbabilities(chosen, terms(1))[index.concepts.indexOf(concept)] ?? -1
        expect(index.size).toBe(3)
        // Mentions: divisor and gcd 2 + 3, prime 4, sum 1.
        expect([of([], 'divisor'), of([], 'gcd'), of([], 'prime'), of([], 'sum')]).toEqual([0.5, 0, 0.4, 0.1])
        // After prime: divisor scores 3/3, sum 1/3; two names of one thing are no pair.
        const [divisor, sum] = [Math.exp(1), Math.exp(1 / 3)]
        expect(of(['prime'], 'divisor')).toBeCloseTo(divisor / (divisor + sum), 12)
        expect(of(['prime'], 'gcd')).toBe(0)
      }
    })

    it('never draws the other name, nor the two together', () => {
      const index = indexOf(...lists)
      index.merge('gcd', 'divisor')
      for (let seed = 0; seed < 50; seed++)
        expect(index.draw(5, terms(0.2), randomFrom(seed)).sort()).toEqual(['divisor', 'prime', 'sum'])
    })
  })

  describe('draws as often as the formula says: chi-square over 100,000 draws', () => {
    const index = indexOf(
      ...[['a', 'b', 'c'], ['a', 'b'], ['b', 'd'], ['c', 'd'], ['a'], ['e', 'f'], ['f', 'a', 'd'], ['g']],
    )
    const vectors = vectorsOf({ a: [1, 0], b: [1, 1], c: [0, 1], d: [-1, 1], e: [0, -1], f: [1, -0.5] })
    const weights = weightsOf({ a: 0.25, b: 4, e: 2 })
    const merged = indexOf(...[['a', 'b', 'c'], ['a', 'b'], ['b', 'd'], ['c', 'd'], ['a'], ['e', 'f'], ['f', 'a', 'd']])
    merged.merge('f', 'e')
    it.each<[string, ConceptIndex, SamplingTerms]>([
      ['co-occurrence alone', index, terms(0.2)],
      ['co-occurrence and similarity', index, terms(0.5, { vectors })],
      ['at the default temperature', index, terms(0.2, { vectors })],
      ['raw counts', index, terms(0.5, { vectors, cooccurrence: 'counts' })],
      ['weights', index, terms(0.2, { vectors, weights })],
      ['an even first concept', index, terms(2, { vectors, evenFirst: true })],
      ['names that count as one', merged, terms(0.3, { vectors })],
      // Proposals are taken so rarely here that all concepts are weighed in the end.
      ['a low temperature', index, terms(0.06, { vectors: vectorsOf({ a: [1, 0], g: [-1, 0.2], b: [-1, 0] }) })],
    ])('%s', (_, concepts, rule) => {
      const expected = combinations(concepts, rule, 3)
      expect([...expected.values()].reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 9)
      const { chiSquare, freedom, strangers } = chiSquareOf(
        expected,
        (random) => concepts.draw(3, rule, random),
        100_000,
      )
      expect(strangers).toBe(0)
      expect(freedom).toBeGreaterThan(20)
      expect(chiSquare).toBeLessThan(oncePerThousand(freedom))
    })

    it('would tell a sampler that is wrong by a little', () => {
      const wrong = terms(0.2, { vectors: vectorsOf({ a: [1, 0.2], b: [1, 1], c: [0, 1], d: [-1, 1] }) })
      const { chiSquare, freedom } = chiSquareOf(
        combinations(index, terms(0.2, { vectors }), 3),
        (random) => index.draw(3, wrong, random),
        100_000,
      )
      expect(chiSquare).toBeGreaterThan(oncePerThousand(freedom))
    })
  })
})

describe('the list of all combinations', () => {
  it('holds each ordered one once, in another order for another seed, and none where there are too many', () => {
    const index = indexOf(['a', 'b'], ['c', 'd'])
    index.merge('d', 'c')
    const list = (seed: number, most = 6): string[] =>
      [...index.list(2, most, randomFrom(seed))].map((combination) => combination.join(''))
    expect(list(1).sort()).toEqual(['ab', 'ac', 'ba', 'bc', 'ca', 'cb'])
    expect(new Set([1, 2, 3, 4].map((seed) => list(seed)[0])).size).toBeGreaterThan(1)
    expect(list(1, 5)).toEqual([])
    expect([...index.list(4, 100, randomFrom(1))]).toEqual([])
  })
})

describe('pickWeighted', () => {
  it('picks by the weights, and never what has none', () => {
    const items = ['a', 'b', 'c']
    const weightOf = (item: string): number => ({ a: 1, b: 0, c: 3 })[item] ?? 0
    expect([0, 0.24, 0.26, 0.99].map((at) => pickWeighted(items, weightOf, at))).toEqual(['a', 'a', 'c', 'c'])
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
