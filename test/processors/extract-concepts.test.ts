import { describe, expect, it } from 'vitest'
import { drive } from '../../engine/drive.ts'
import { TransientError } from '../../engine/errors.ts'
import extractConcepts from '../../processors/extract-concepts.ts'
import { idsOf, seed } from './records.ts'

const given = { input: 'seeds', record: seed() }
const list = '["Modular Arithmetic", "integers"]'

describe('extract-concepts', () => {
  it('emits one concept list for each annotator', async () => {
    const driven = await drive(extractConcepts, given, {
      models: { annotator: ['model-a', 'model-b'] },
      answers: [list, "['parity', 'sums', 'parity']"],
    })
    expect(driven.records).toMatchObject([
      {
        topic: 'concept-lists',
        record: {
          parentIds: ['seed-1'],
          domain: 'math',
          annotator: 'model-a',
          source: 'math-500',
          statement: 'What is 2 + 2?',
          concepts: ['modular arithmetic', 'integers'],
        },
      },
      { topic: 'concept-lists', record: { annotator: 'model-b', concepts: ['parity', 'sums'] } },
    ])
    expect(driven.requests).toMatchObject([
      { role: 'annotator', model: 'model-a', prompt: expect.stringMatching(/Problem:\nWhat is 2 \+ 2\?$/) as string },
      { role: 'annotator', model: 'model-b' },
    ])
  })

  it('keeps the lists that can be read', async () => {
    const driven = await drive(extractConcepts, given, {
      models: { annotator: ['model-a', 'model-b'] },
      answers: ['I cannot say.', list],
    })
    expect(driven.records.map(({ record }) => (record as { annotator?: string }).annotator)).toEqual(['model-b'])
  })

  it('discards as unreadable-list a seed that no annotator gave a list of enough concepts for', async () => {
    const driven = await drive(extractConcepts, given, {
      models: { annotator: ['model-a', 'model-b'] },
      answers: ['I cannot say.', '["integers"]'],
    })
    expect(driven.discarded).toEqual({ reason: 'unreadable-list', evidence: '2 answers, the first: I cannot say.' })
    expect(driven.records).toEqual([])
  })

  it('takes a list of one concept where minConcepts allows it', async () => {
    const driven = await drive(extractConcepts, given, { answers: ['["integers"]'], settings: { minConcepts: 1 } })
    expect(driven.records).toHaveLength(1)
  })

  it('gives a replay the same ids, whatever the models answer', async () => {
    const models = { annotator: ['model-a', 'model-b'] }
    const ids = async (answer: string): Promise<string[]> =>
      idsOf(await drive(extractConcepts, given, { models, answers: () => answer }))
    const first = await ids(list)
    expect(new Set(first).size).toBe(2)
    expect(await ids('["other", "concepts"]')).toEqual(first)
  })

  it("passes a call's transient failure on", async () => {
    const answers = (): never => {
      throw new TransientError('ENDPOINT_TIMEOUT', 'no answer in 60 s')
    }
    await expect(drive(extractConcepts, given, { answers })).rejects.toThrow('no answer in 60 s')
  })

  it('does not start with minConcepts below 1', async () => {
    await expect(drive(extractConcepts, given, { answers: [list], settings: { minConcepts: 0 } })).rejects.toThrow(
      'minConcepts: expected a whole number between 1 and 50, got 0 (Fewest concepts of a list that is kept.)',
    )
  })
})
