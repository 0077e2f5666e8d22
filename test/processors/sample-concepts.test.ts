import { describe, expect, it } from 'vitest'
import { domainNamed } from '../../domains/index.ts'
import { drive, type Driven, type DriveOptions } from '../../engine/drive.ts'
import { defaultOf, type Setting } from '../../engine/settings.ts'
import sampleConcepts from '../../processors/sample-concepts.ts'
import type {
  ConceptCombination,
  ConceptEmbedding,
  ConceptYield,
  LedgerEntry,
  TaskCounts,
} from '../../schemas/generated.ts'
import { conceptList, idsOf } from './records.ts'

const math = ['addition', 'integers', 'parity', 'primes', 'divisors', 'remainders']
const code = ['loops', 'arrays', 'sorting', 'hashing', 'recursion']
const conceptLists = [
  conceptList({ domain: 'math', concepts: math }),
  conceptList({ domain: 'code', concepts: code }),
  conceptList({ domain: 'math', concepts: ['primes', 'divisors', 'parity'] }),
]

/** One entry of the ledger. */
function entry(processor: string, counts: Partial<TaskCounts>, task = 0): LedgerEntry {
  return {
    ...{ processor, task, sequence: 1, committedAtMs: 0 },
    counts: {
      ...{ finished: 0, discarded: 0, deadLettered: 0, entered: 0, left: 0, calls: 0 },
      ...{ promptTokens: 0, completionTokens: 0, callSeconds: 0, emitted: {}, discards: {} },
      ...counts,
    },
  }
}

function embedding(concept: string, vector: number[], domain = 'math'): ConceptEmbedding {
  return {
    ...{ id: `embedding-${concept}`, parentIds: [], domain, recipe: '', createdAtMs: 0, simulated: false },
    ...{ concept, model: 'embedder-model', vector },
  }
}

/** What a combination came to. */
function yielded(concepts: string[], given: Partial<ConceptYield> = {}): ConceptYield {
  return {
    ...{ id: 'concept-yield-1', parentIds: [], domain: 'math', recipe: '', createdAtMs: 0, simulated: false },
    ...{ concepts, level: 'AIME', result: 'kept', attempted: 8, passed: 2, pairs: 2, tokens: 10_000 },
    ...given,
  }
}
const times = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value)

interface Given {
  lists?: readonly unknown[]
  embeddings?: readonly ConceptEmbedding[]
  yields?: readonly ConceptYield[]
  ledger?: readonly LedgerEntry[]
  settings?: Readonly<Record<string, unknown>>
  state?: Map<string, unknown>
  models?: DriveOptions['models']
}

/** The n-th step of the source. */
function step(offset: number, given: Given = {}): Promise<Driven> {
  const { lists = conceptLists, embeddings = [], yields = [], ledger = [], settings = {}, state, models } = given
  return drive(sampleConcepts, undefined, {
    tables: { conceptLists: lists, conceptEmbeddings: embeddings, conceptYields: yields, ledger },
    position: { offset },
    settings,
    ...(state ? { state } : {}),
    ...(models ? { models } : {}),
  })
}

const drawn = (driven: Driven): ConceptCombination =>
  (driven.records[0]?.record ?? expect.fail(`the source says ${driven.source}`)) as ConceptCombination

describe('sample-concepts', () => {
  it('emits a combination of a domain with one of its levels, and counts it into the stream', async () => {
    const driven = await step(0, { settings: { domainShares: 'math=1' } })
    expect(driven.records).toHaveLength(1)
    expect(driven.records[0]).toMatchObject({
      topic: 'concepts',
      record: {
        parentIds: [],
        domain: 'math',
        draw: 0,
        sampler: 'cooccurrence',
        tableVersions: { 'concept-lists': 3, 'concept-embeddings': 0, 'concept-yields': 0 },
        ...{ temperature: 0.2, widening: 0, guided: false, livePassRate: null },
      },
    })
    const { concepts, level, seed } = drawn(driven)
    expect(new Set(concepts).size).toBe(5)
    expect(math).toEqual(expect.arrayContaining(concepts))
    expect(domainNamed('math').levels).toContain(level)
    expect(seed).toBe(8000)
    expect([driven.entered, driven.left, driven.requests]).toEqual([1, 0, []])
  })

  it('says that it used similarity where concepts of the domain have vectors', async () => {
    const embeddings = [embedding('primes', [1, 0])]
    const sampler = async (domain: string): Promise<string> =>
      drawn(await step(0, { embeddings, settings: { domainShares: `${domain}=1` } })).sampler
    expect(await sampler('math')).toBe('cooccurrence-and-similarity')
    expect(await sampler('code')).toBe('cooccurrence')
  })

  it('draws the same at the same step of the same tables, and another thing at another step', async () => {
    const [first, again, other] = [await step(4), await step(4), await step(5)]
    expect(again.records).toEqual(first.records)
    expect(drawn(other).concepts).not.toEqual(drawn(first).concepts)
    expect(idsOf(other)).not.toEqual(idsOf(first))
  })

  it('keeps nothing from one run to the next in a process', async () => {
    await step(0, { lists: [...conceptLists, conceptList({ concepts: ['topology', 'knots'] })] })
    expect(drawn(await step(0)).tableVersions).toMatchObject({ 'concept-lists': 3 })
    expect((await step(0, { lists: [] })).source).toBe('waiting')
  })

  it('divides its draws among domains by their shares', async () => {
    const counts = { math: 0, code: 0 }
    for (let offset = 0; offset < 800; offset++) {
      const driven = await step(offset, { settings: { domainShares: 'math=3,code=1', maxWorkInProgress: 1e9 } })
      counts[drawn(driven).domain as 'math' | 'code']++
    }
    // 600 expected, standard deviation 12.2; the seeds are fixed.
    expect(Math.abs(counts.math - 600)).toBeLessThan(40)
    expect(counts.math + counts.code).toBe(800)
  })

  it('leaves a domain without concepts out, and one with a share of 0', async () => {
    for (let offset = 0; offset < 20; offset++) {
      const lists = conceptLists.filter(({ domain }) => domain === 'code')
      expect(drawn(await step(offset, { lists })).domain).toBe('code')
      expect(drawn(await step(offset, { settings: { domainShares: 'math=0,code=1' } })).domain).toBe('code')
    }
  })

  it('waits for as many named concepts as a combination has; vectors alone do not count', async () => {
    const lists = [conceptList({ concepts: math.slice(0, 4) })]
    const embeddings = math.map((concept) => embedding(concept, [1]))
    expect((await step(0, { lists, embeddings })).source).toBe('waiting')
    expect(drawn(await step(0, { lists, embeddings, settings: { combinationSize: 4 } })).concepts).toHaveLength(4)
  })

  it('draws a combination again with another draw and seed, up to its limit, and then waits', async () => {
    const lists = [conceptList({ concepts: ['a', 'b'] })]
    const state = new Map<string, unknown>()
    const settings = { combinationSize: 2, drawsPerCombination: 2 }
    const combinations: ConceptCombination[] = []
    for (let offset = 0; offset < 4; offset++) combinations.push(drawn(await step(offset, { lists, state, settings })))
    const draws = combinations.map(({ concepts, draw }) => `${concepts.join('')}${draw}`)
    expect(draws.sort()).toEqual(['ab0', 'ab1', 'ba0', 'ba1'])
    for (const { seed, draw } of combinations) expect(seed).toBe(8000 + draw)
    const after = await step(4, { lists, state, settings })
    expect(after.source).toBe('waiting')
    expect(after.remark).toBe(
      'nothing new: every combination that was tried has had its 2 draws, up to temperature 26 and down to 2 concepts; take in more seeds, or raise drawsPerCombination',
    )
  })

  it('makes all draws of a combination one after the other where it is told to, with its level and the next seeds', async () => {
    const state = new Map<string, unknown>()
    const settings = { consecutiveDraws: 3, firstSeed: 100, domainShares: 'math=1' }
    const combinations: ConceptCombination[] = []
    // New lists come meanwhile: what is under way stays as it was drawn.
    for (let offset = 0; offset < 6; offset++) {
      const lists = [...conceptLists, ...times(offset, conceptList({ concepts: ['limits', 'series'] }))]
      combinations.push(drawn(await step(offset, { lists, state, settings })))
    }
    const [first, , , second] = combinations
    expect(combinations.map(({ seed, draw }) => [draw, seed])).toEqual(
      [0, 1, 2, 0, 1, 2].map((draw) => [draw, 100 + draw]),
    )
    for (const [at, { concepts, level }] of combinations.entries())
      expect({ concepts, level }).toMatchObject({
        concepts: (at < 3 ? first : second)?.concepts,
        level: (at < 3 ? first : second)?.level,
      })
    expect(second?.concepts).not.toEqual(first?.concepts)
    expect(new Set(combinations.map(({ id }) => id)).size).toBe(6)
  })

  it('makes 64 draws with the seeds 8000 to 8063 under the profile of the scripts, by raw counts, without yields or bands', () => {
    const { consecutiveDraws, firstSeed, drawsPerCombination, cooccurrence, exploration, ...others } =
      sampleConcepts.settings
    const valueOf = (setting?: Setting): unknown => setting && defaultOf(setting, 'scripts')
    expect([consecutiveDraws, firstSeed, drawsPerCombination].map(valueOf)).toEqual([64, 8000, 64])
    expect([cooccurrence, exploration].map(valueOf)).toEqual(['counts', 1])
    expect([others['minPassRate'], others['maxPassRate'], others['temperature']].map(valueOf)).toEqual([0, 1, 0.2])
  })

  describe('where combinations have had their draws', () => {
    it('widens: the temperature rises, and record and status say so', async () => {
      // After a, b follows as good as always, until that pair has had its draw.
      const lists = [...times(50, conceptList({ concepts: ['a', 'b'] })), conceptList({ concepts: ['c'] })]
      const state = new Map<string, unknown>()
      const settings = { combinationSize: 2, drawsPerCombination: 1, temperature: 0.05, domainShares: 'math=1' }
      const steps: Driven[] = []
      for (let offset = 0; offset < 6; offset++) steps.push(await step(offset, { lists, state, settings }))
      const combinations = steps.map(drawn)
      expect(new Set(combinations.map(({ concepts }) => concepts.join(''))).size).toBe(6)
      const widened = combinations.flatMap((combination, at) => (combination.widening > 0 ? [at] : []))
      expect(widened.length).toBeGreaterThanOrEqual(3)
      for (const at of widened) {
        const { widening, temperature } = combinations[at] as ConceptCombination
        expect(temperature).toBeCloseTo(0.05 * 1.5 ** Math.min(12, widening), 9)
        expect(steps[at]?.remark).toMatch(
          new RegExp(
            `^math: the choice is widened \\(step ${widening}, temperature [\\d.]+, 2 concepts\\): narrower ones`,
          ),
        )
      }
    })

    it('draws shorter ones in the end, down to the shortest', async () => {
      const lists = [conceptList({ concepts: ['a', 'b', 'c'] })]
      const settings = { combinationSize: 3, drawsPerCombination: 1, shortestCombination: 2, domainShares: 'math=1' }
      const state = new Map<string, unknown>()
      const lengths: number[] = []
      for (let offset = 0; offset < 12; offset++)
        lengths.push(drawn(await step(offset, { lists, state, settings })).concepts.length)
      // 3! ordered combinations of three, then 3 * 2 of two.
      expect(lengths).toEqual([...times(6, 3), ...times(6, 2)])
      expect((await step(12, { lists, state, settings })).source).toBe('waiting')
    })

    it('goes on with another domain that has some left', async () => {
      const lists = [conceptList({ concepts: ['a'] }), conceptList({ domain: 'code', concepts: ['x', 'y'] })]
      const settings = { combinationSize: 1, drawsPerCombination: 1, domainShares: 'math=1000,code=1' }
      const state = new Map<string, unknown>()
      const names: string[] = []
      for (let offset = 0; offset < 3; offset++)
        names.push(drawn(await step(offset, { lists, state, settings })).concepts.join())
      expect(names.sort()).toEqual(['a', 'x', 'y'])
    })
  })

  describe('with yields', () => {
    const concepts = ['rich', 'poor', 'other', 'another']
    const lists = concepts.map((concept) => conceptList({ concepts: [concept] }))
    const rich = times(100, yielded(['rich', 'other']))
    const poor = times(100, yielded(['poor', 'another'], { pairs: 0, passed: 0, result: 'unsolved' }))
    const firsts = async (settings: Record<string, unknown>, yields: readonly ConceptYield[]) => {
      const counts: Record<string, number> = { rich: 0, poor: 0, other: 0, another: 0 }
      let guided = 0
      for (let offset = 0; offset < 1000; offset++) {
        const driven = await step(offset, {
          ...{ lists, yields, state: new Map<string, unknown>() },
          settings: { combinationSize: 1, maxWorkInProgress: 1e9, domainShares: 'math=1', ...settings },
        })
        const [concept = ''] = drawn(driven).concepts
        counts[concept] = (counts[concept] ?? 0) + 1
        if (drawn(driven).guided) guided++
      }
      return { counts, guided }
    }

    it('draws what brought pairs more, by a bounded factor, and a share without regard to it', async () => {
      const { counts, guided } = await firsts({ exploration: 0.2, mostYieldFactor: 3 }, [...rich, ...poor])
      // Pairs for a token over the mean, with ten ends of the mean added: rich (200 + 10) / (100 + 10) of 1, so 1.91; poor 10 / 110, at least 1/3.
      // Guided: 1.91 / (2 * 1.91 + 2 / 3) = 0.426 for each of the rich. Of all: 0.2 / 4 + 0.8 * 0.426 = 0.391.
      expect(Math.abs(guided - 800)).toBeLessThan(50)
      for (const one of ['rich', 'other']) expect(Math.abs((counts[one] ?? 0) - 391)).toBeLessThan(60)
    })

    it('looks at no yield where all combinations explore, and before enough have ended', async () => {
      for (const [exploration, yields] of [
        [1, [...rich, ...poor]],
        [0, rich.slice(0, 60)],
      ] as const) {
        const { counts, guided } = await firsts({ exploration }, yields)
        expect(guided).toBe(0)
        for (const one of concepts) expect(Math.abs((counts[one] ?? 0) - 250)).toBeLessThan(55)
      }
    })
  })

  it('draws levels whose live pass rate leaves the band a quarter as often, and says so in record and status', async () => {
    const easy = times(60, yielded(['primes', 'divisors'], { level: 'AMC12', passed: 7, pairs: 0, result: 'too_easy' }))
    const counts: Record<string, number> = {}
    const settings = { domainShares: 'math=1', maxWorkInProgress: 1e9 }
    for (let offset = 0; offset < 2000; offset++) {
      const driven = await step(offset, { yields: easy, settings })
      const { level, livePassRate } = drawn(driven)
      counts[level] = (counts[level] ?? 0) + 1
      expect(driven.remark).toBe('math: live pass rates outside of 0.02 to 0.75: AMC12 0.88')
      if (level === 'AMC12') expect(livePassRate).toBeCloseTo(7 / 8, 9)
      else expect(livePassRate).toBeNull()
    }
    // 0.25 of 7.25 shares: 69; the others 276 each.
    expect(Math.abs((counts['AMC12'] ?? 0) - 69)).toBeLessThan(30)
    expect(Math.abs((counts['AIME'] ?? 0) - 276)).toBeLessThan(60)
    const off = await step(0, { yields: easy, settings: { ...settings, minPassRate: 0, maxPassRate: 1 } })
    expect([off.remark, drawn(off).livePassRate]).toEqual([undefined, null])
  })

  it('counts names as one from a similarity on, as far as vectors have come', async () => {
    const lists = [conceptList({ concepts: ['prime', 'primes', 'graph'] })]
    const embeddings = [embedding('prime', [1, 0]), embedding('primes', [1, 0.1]), embedding('graph', [0, 1])]
    const settings = { combinationSize: 2, mergeSimilarity: 0.95 }
    for (let offset = 0; offset < 10; offset++)
      expect(drawn(await step(offset, { lists, embeddings, settings })).concepts.sort()).toEqual(['graph', 'prime'])
    const waiting = await step(0, { lists, embeddings, settings: { ...settings, combinationSize: 3 } })
    expect([waiting.source, waiting.remark]).toEqual([
      'waiting',
      'waits for 3 concepts of one domain to be named; so far math 2, code 0',
    ])
    const apart = { combinationSize: 3 }
    expect(drawn(await step(0, { lists, embeddings, settings: apart })).concepts).toHaveLength(3)
  })

  describe('with a number of problems to make', () => {
    const settings = { problems: 2 }

    it('waits once it drew as many, until they are there, and is then complete', async () => {
      expect((await step(1, { settings })).records).toHaveLength(1)
      expect((await step(2, { settings })).source).toBe('waiting')
      const made = (count: number): LedgerEntry[] => [entry('generate-problem', { emitted: { problems: count } })]
      expect((await step(2, { settings, ledger: made(1) })).source).toBe('waiting')
      expect((await step(2, { settings, ledger: made(2) })).source).toBe('complete')
    })

    it('draws another for each that was lost before it was a problem, and for none that was lost later', async () => {
      const lost = (processor: string): LedgerEntry[] => [
        entry(processor, { discarded: 1 }),
        entry(processor, { deadLettered: 1 }, 1),
      ]
      for (const processor of ['generate-rationale', 'generate-problem']) {
        expect((await step(3, { settings, ledger: lost(processor) })).records).toHaveLength(1)
        expect((await step(4, { settings, ledger: lost(processor) })).source).toBe('waiting')
      }
      expect((await step(2, { settings, ledger: lost('screen-problem') })).source).toBe('waiting')
    })

    it('is complete at once where none are to be made', async () => {
      expect((await step(0, { settings: { problems: 0 } })).source).toBe('complete')
    })

    it('is complete short of it where nothing new can be drawn and the stream is empty', async () => {
      expect((await step(0, { settings, lists: [] })).source).toBe('complete')
      expect((await step(1, { settings, lists: [] })).source).toBe('waiting')
      const one = { lists: [conceptList({ concepts: ['a'] })], state: new Map<string, unknown>() }
      const single = { ...one, settings: { ...settings, combinationSize: 1, drawsPerCombination: 1 } }
      expect((await step(0, single)).records).toHaveLength(1)
      expect((await step(1, single)).source).toBe('waiting')
      const ledger = [entry('sample-concepts', { finished: 1, entered: 1 }), entry('plan-rollouts', { left: 1 })]
      expect((await step(1, { ...single, ledger })).source).toBe('complete')
    })
  })

  describe('with work in progress', () => {
    it('waits at the level that is set, counting draws that the ledger does not show yet', async () => {
      const settings = { maxWorkInProgress: 3 }
      expect((await step(2, { settings })).records).toHaveLength(1)
      expect((await step(3, { settings })).source).toBe('waiting')
    })

    it('goes on when work leaves the stream, wherever it does, over all tasks', async () => {
      const settings = { maxWorkInProgress: 3 }
      const own = entry('sample-concepts', { finished: 5, entered: 5 })
      const left = [entry('screen-problem', { left: 1 }), entry('plan-rollouts', { left: 1 }, 0)]
      expect((await step(5, { settings, ledger: [own, ...left] })).source).toBe('waiting')
      const more = [...left, entry('plan-rollouts', { left: 1 }, 7)]
      expect((await step(5, { settings, ledger: [own, ...more] })).records).toHaveLength(1)
      expect((await step(6, { settings, ledger: [own, ...more] })).source).toBe('waiting')
    })

    it('counts human problems in', async () => {
      const settings = { maxWorkInProgress: 3 }
      const ledger = [entry('screen-problem', { entered: 4, left: 1 })]
      expect((await step(0, { settings, ledger })).source).toBe('waiting')
    })

    it('believes the newest entry of a task', async () => {
      const settings = { maxWorkInProgress: 3 }
      const ledger = [entry('screen-problem', { entered: 9 }), entry('screen-problem', { entered: 9, left: 9 })]
      expect((await step(0, { settings, ledger })).records).toHaveLength(1)
    })

    it('by default keeps the slots of all solvers three times full, over the share that survives', async () => {
      // 32 + (16 slots / 8 rollouts) * 3 / 0.5, until 64 units have left.
      const models = { solver: ['solver-a', 'solver-b'] }
      expect((await step(43, { models })).records).toHaveLength(1)
      expect((await step(44, { models })).source).toBe('waiting')
      // Of 100 that ended or were checked, 25 were checked: 32 + 2 * 3 / 0.25 = 56.
      const ledger = [
        entry('sample-concepts', { finished: 100, entered: 100 }),
        entry('screen-problem', { left: 75 }),
        entry('vote-answer', { emitted: { 'test-cases': 25 } }),
      ]
      expect((await step(130, { models, ledger })).records).toHaveLength(1)
      expect((await step(131, { models, ledger })).source).toBe('waiting')
    })
  })

  it.each([
    ['math:1', 'expected domain=share parts such as math=2,code=1, got "math:1"'],
    ['poetry=1', 'expected math or code or sql, got "poetry"'],
    ['math=0', 'expected a share above 0, got "math=0"'],
  ])('stops with a fault of its configuration where domainShares is %s', async (domainShares, fault) => {
    await expect(step(0, { settings: { domainShares } })).rejects.toMatchObject({
      kind: 'configuration',
      faults: [`sample-concepts.domainShares: ${fault}`],
    })
  })

  it('does not start with a temperature of 0', async () => {
    await expect(step(0, { settings: { temperature: 0 } })).rejects.toThrow(
      'temperature: expected a number between 0.01 and 10, got 0 (Temperature of the softmax over the next concept.)',
    )
  })
})
