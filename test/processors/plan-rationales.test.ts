import { describe, expect, it } from 'vitest'
import { drive, type Driven, type DriveOptions } from '../../engine/drive.ts'
import planRationales from '../../processors/plan-rationales.ts'
import type { LedgerEntry, ModelAnnouncement, RationaleRequest } from '../../schemas/generated.ts'
import { emptyCounts } from '../../engine/counts.ts'
import { conceptList } from './records.ts'

const lists = [
  conceptList({ id: 'list-a', annotator: 'model-a' }),
  conceptList({ id: 'list-b', annotator: 'model-b', domain: 'code', statement: 'Sort.', parentIds: ['seed-2'] }),
]
const announcement = (ordinal: number, given: Partial<ModelAnnouncement>): ModelAnnouncement => ({
  ...{ createdAtMs: 0, role: 'rationale-writer', model: 'q', endpoint: '', version: `v-${ordinal}` },
  ...{ ordinal, step: 'cold-start', iteration: 0 },
  ...given,
})
const firstE = [announcement(1, {}), announcement(2, { role: 'problem-writer', model: 'p', step: 'e', iteration: 1 })]
const thenM = [...firstE, announcement(3, { step: 'm', iteration: 1 })]

/** Steps of the source until it has nothing to emit. */
async function run(options: DriveOptions, state = new Map<string, unknown>()): Promise<Driven[]> {
  const all: Driven[] = []
  for (let offset = 0; ; offset++) {
    const driven = await drive(planRationales, undefined, {
      models: { annotator: ['model-a', 'model-b'] },
      ...options,
      state,
      position: { offset },
    })
    all.push(driven)
    if (driven.source !== undefined) return all
  }
}
const requestsOf = (driven: readonly Driven[]): RationaleRequest[] =>
  driven
    .flatMap(({ records }) => records)
    .filter(({ topic }) => topic === 'rationale-requests')
    .map(({ record }) => record as RationaleRequest)

describe('plan-rationales', () => {
  it('asks each annotator for a rationale of its own lists in the cold start, and is complete', async () => {
    const driven = await run({ tables: { conceptLists: lists } })
    expect(requestsOf(driven)).toMatchObject([
      {
        ...{ parentIds: ['list-a'], conceptListId: 'list-a', step: 'cold-start', iteration: 0, announcement: 0 },
        ...{ role: 'annotator', writer: 'model-a', writerVersion: '', candidates: 1, temperature: null, level: 'AIME' },
      },
      { conceptListId: 'list-b', writer: 'model-b', level: 'Codeforces', statement: 'Sort.' },
    ])
    expect(driven.at(-1)?.source).toBe('complete')
  })

  it('writes down how far a step has come when the last list known has had its request', async () => {
    const driven = await run({ tables: { conceptLists: lists } })
    const steps = driven.flatMap(({ records }) => records).filter(({ topic }) => topic === 'em-steps')
    expect(steps).toMatchObject([{ record: { step: 'cold-start', announcement: 0, lists: 2, requests: 2 } }])
  })

  it('goes through all pairs again for an E-step, with both versions', async () => {
    const state = new Map<string, unknown>()
    await run({ tables: { conceptLists: lists } }, state)
    const driven = await run({ tables: { conceptLists: lists, models: firstE } }, state)
    expect(requestsOf(driven)).toMatchObject([
      {
        ...{ conceptListId: 'list-a', step: 'e', iteration: 1, announcement: 2, role: 'rationale-writer', writer: 'q' },
        ...{ writerVersion: 'v-1', scorerVersion: 'v-2', candidates: 8, temperature: 1 },
      },
      { conceptListId: 'list-b' },
    ])
  })

  it('asks for one rationale at temperature 0 in an M-step', async () => {
    const driven = await run({ tables: { conceptLists: lists, models: thenM }, settings: { coldStart: false } })
    expect(requestsOf(driven)).toMatchObject([
      { step: 'm', iteration: 1, writerVersion: 'v-3', scorerVersion: '', candidates: 1, temperature: 0 },
      {},
    ])
  })

  it('takes up lists that come later, in the cold start and in the step under way', async () => {
    const state = new Map<string, unknown>()
    await run({ tables: { conceptLists: lists.slice(0, 1), models: firstE } }, state)
    const driven = await run({ tables: { conceptLists: lists, models: firstE } }, state)
    expect(requestsOf(driven)).toMatchObject([
      { conceptListId: 'list-b', step: 'cold-start' },
      { conceptListId: 'list-b', step: 'e' },
    ])
  })

  it('leaves a step that another announcement has ended', async () => {
    const state = new Map<string, unknown>()
    const tables = { conceptLists: lists, models: firstE }
    await drive(planRationales, undefined, { tables, state, settings: { coldStart: false } })
    const driven = await run({ tables: { ...tables, models: thenM }, settings: { coldStart: false } }, state)
    expect(requestsOf(driven).map(({ step, conceptListId }) => `${step} ${conceptListId}`)).toEqual([
      'm list-a',
      'm list-b',
    ])
  })

  it('gives each announcement requests of their own, and a replay the same', async () => {
    const settings = { coldStart: false }
    const ids = async (models: ModelAnnouncement[]): Promise<string[]> =>
      requestsOf(await run({ tables: { conceptLists: lists, models }, settings })).map(({ id }) => id)
    const first = await ids(firstE)
    expect(await ids(firstE)).toEqual(first)
    const next = await ids([...thenM, announcement(4, { role: 'problem-writer', model: 'p', step: 'e', iteration: 2 })])
    expect(next.filter((id) => first.includes(id))).toEqual([])
    expect(new Set([...first, ...next]).size).toBe(4)
  })

  it('passes over lists of annotators that are not configured any more, in the cold start alone', async () => {
    const options = { tables: { conceptLists: lists, models: firstE }, models: { annotator: ['model-b'] } }
    expect(requestsOf(await run(options)).map(({ step, conceptListId }) => `${step} ${conceptListId}`)).toEqual([
      'cold-start list-b',
      'e list-a',
      'e list-b',
    ])
  })

  it('waits while too many requests have no rationales yet, by the ledger', async () => {
    const settings = { maxWorkInProgress: 1 }
    const state = new Map<string, unknown>()
    const before = await run({ tables: { conceptLists: lists }, settings }, state)
    expect(requestsOf(before)).toHaveLength(1)
    expect(before.at(-1)?.source).toBe('waiting')
    const ledger: LedgerEntry[] = [
      {
        processor: 'infer-rationale',
        task: 3,
        sequence: 1,
        counts: { ...emptyCounts(), finished: 1 },
        committedAtMs: 0,
      },
    ]
    expect(requestsOf(await run({ tables: { conceptLists: lists, ledger }, settings }, state))).toHaveLength(1)
  })

  it.each([
    ['math', 'expected domain=level parts such as math=AIME,code=Codeforces, got "math"'],
    ['history=hard', 'expected math or code or sql, got "history"'],
  ])('does not start with the levels %s', async (levels, fault) => {
    await expect(run({ tables: { conceptLists: lists }, settings: { levels } })).rejects.toThrow(fault)
  })
})
