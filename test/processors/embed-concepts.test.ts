import { describe, expect, it } from 'vitest'
import { drive } from '../../engine/drive.ts'
import embedConcepts from '../../processors/embed-concepts.ts'
import { conceptList, idsOf } from './records.ts'

const of = (concepts: string[], domain = 'math', id = 'concept-list-1') => ({
  input: 'conceptLists',
  record: conceptList({ id, domain, concepts }),
})
const conceptsOf = (driven: Awaited<ReturnType<typeof drive>>): unknown[] =>
  driven.records.map(({ record }) => (record as { concept?: string }).concept)

describe('embed-concepts', () => {
  it('emits a unit vector for each concept', async () => {
    const driven = await drive(embedConcepts, of(['addition', 'integers']), {
      vectors: (text) => (text === 'addition' ? [3, 4] : [0, 2]),
    })
    expect(driven.records).toMatchObject([
      {
        topic: 'concept-embeddings',
        record: {
          parentIds: ['concept-list-1'],
          domain: 'math',
          concept: 'addition',
          model: 'embedder-model',
          vector: [0.6, 0.8],
        },
      },
      { topic: 'concept-embeddings', record: { concept: 'integers', vector: [0, 1] } },
    ])
  })

  it('embeds no concept twice in a domain, and each in each domain', async () => {
    const state = new Map<string, unknown>()
    await drive(embedConcepts, of(['addition', 'integers']), { state })
    expect(conceptsOf(await drive(embedConcepts, of(['integers', 'parity']), { state }))).toEqual(['parity'])
    expect(conceptsOf(await drive(embedConcepts, of(['integers'], 'code'), { state }))).toEqual(['integers'])
  })

  it('emits nothing for a list without new concepts, and makes no call', async () => {
    const state = new Map<string, unknown>()
    await drive(embedConcepts, of(['addition']), { state })
    const vectors = (): never => expect.fail('a call was made')
    const driven = await drive(embedConcepts, of(['addition'], 'math', 'concept-list-2'), { state, vectors })
    expect(driven.records).toEqual([])
    expect(driven.discarded).toBeUndefined()
  })

  it('leaves out a vector of length 0, to try the concept again when it is next named', async () => {
    const state = new Map<string, unknown>()
    expect(conceptsOf(await drive(embedConcepts, of(['addition']), { state, vectors: () => [0, 0] }))).toEqual([])
    expect(conceptsOf(await drive(embedConcepts, of(['addition']), { state, vectors: () => [0, 1] }))).toEqual([
      'addition',
    ])
  })

  it('reads and changes state below the key of its domain alone', async () => {
    const state = new Map<string, unknown>()
    const { record } = of(['addition', 'integers'])
    await drive(embedConcepts, of(['addition', 'integers']), { state })
    expect([...state.keys()].every((key) => key.startsWith(`${embedConcepts.state?.keyOf?.(record as never)}/`))).toBe(
      true,
    )
  })

  it('gives a replay the same ids, whatever the vectors are', async () => {
    const ids = async (vector: number[]): Promise<string[]> =>
      idsOf(await drive(embedConcepts, of(['addition', 'integers']), { vectors: () => vector }))
    const first = await ids([1, 0])
    expect(new Set(first).size).toBe(2)
    expect(await ids([0, 1])).toEqual(first)
  })

  it('does not start with a setting that it does not have', async () => {
    await expect(drive(embedConcepts, of(['addition']), { settings: { batchSize: 8 } })).rejects.toThrow(
      'batchSize: embed-concepts has no setting "batchSize"',
    )
  })
})
