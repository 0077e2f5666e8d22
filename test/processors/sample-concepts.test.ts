import { describe, expect, it } from 'vitest'
import { domainNamed } from '../../domains/index.ts'
import { drive, type Driven, type DriveOptions } from '../../engine/drive.ts'
import sampleConcepts from '../../processors/sample-concepts.ts'
import type { ConceptCombination, ConceptEmbedding, LedgerEntry, TaskCounts } from '../../schemas/generated.ts'
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

interface Given {
  lists?: readonly unknown[]
  embeddings?: readonly ConceptEmbedding[]
  ledger?: readonly LedgerEntry[]
  settings?: Readonly<Record<string, unknown>>
  state?: Map<string, unknown>
  models?: DriveOptions['models']
}

/** The n-th step of the source. */
function step(offset: number, given: Given = {}): Promise<Driven> {
  const { lists = conceptLists, embeddings = [], ledger = [], settings = {}, state, models } = given
  return drive(sampleConcepts, undefined, {
    tables: { conceptLists: lists, conceptEmbeddings: embeddings, ledger },
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
        tableVersions: { 'concept-lists': 3, 'concept-embeddings': 0 },
      },
    })
    const { concepts, level, seed } = drawn(driven)
    expect(new Set(concepts).size).toBe(5)
    expect(math).toEqual(expect.arrayContaining(concepts))
    expect(domainNamed('math').levels).toContain(level)
    expect(seed).toBeGreaterThanOrEqual(0)
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
    expect(drawn(other)).not.toMatchObject({ seed: drawn(first).seed })
    expect(idsOf(other)).not.toEqual(idsOf(first))
  })

  it('keeps nothing from one run to the next in a process', async () => {
    await step(0, { lists: [...conceptLists, conceptList({ concepts: ['topology', 'knots'] })] })
    expect(drawn(await step(0)).tableVersions).toEqual({ 'concept-lists': 3, 'concept-embeddings': 0 })
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
    expect(new Set(combinations.map(({ seed }) => seed)).size).toBe(4)
    expect((await step(4, { lists, state, settings })).source).toBe('waiting')
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
    ['poetry=1', 'expected math or code, got "poetry"'],
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
