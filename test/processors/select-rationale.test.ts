import { describe, expect, it } from 'vitest'
import { drive } from '../../engine/drive.ts'
import selectRationale from '../../processors/select-rationale.ts'
import type { Triple } from '../../schemas/generated.ts'
import { idsOf, rationaleScore, scoredRationales } from './records.ts'

const given = { input: 'scored', record: scoredRationales() }
const kept = async (settings: Record<string, unknown> = {}, record = given.record): Promise<Triple[]> =>
  (await drive(selectRationale, { ...given, record }, { settings })).records.map((one) => one.record as Triple)

describe('select-rationale', () => {
  it('keeps the rationale with the highest sum, with the scores of all as evidence', async () => {
    const driven = await drive(selectRationale, given)
    expect(driven.records).toMatchObject([
      {
        topic: 'triples',
        record: {
          parentIds: ['scored-rationales-1', 'concept-list-1'],
          concepts: ['addition', 'integers'],
          rationale: 'Count up.',
          statement: 'What is 2 + 2?',
          step: 'e',
          iteration: 1,
          writerVersion: 'q-0',
          scorerVersion: 'p-0',
          rule: 'best',
          chosen: 1,
          rank: 0,
          score: rationaleScore(-5, -10),
          alternatives: [rationaleScore(-9, -9), rationaleScore(-5, -10), rationaleScore(-12, -4)],
        },
      },
    ])
  })

  it('keeps the first draw of equal ones', async () => {
    const scores = [rationaleScore(-1, -2), rationaleScore(-2, -1), rationaleScore(-1, -2)]
    expect(await kept({}, scoredRationales({ scores }))).toMatchObject([{ chosen: 0 }])
  })

  it('keeps the only rationale of a step without scores', async () => {
    const record = scoredRationales({ step: 'm', scores: [], scorer: '', scorerVersion: '', rationales: ['Add.'] })
    expect(await kept({}, record)).toMatchObject([{ rationale: 'Add.', score: null, alternatives: [], chosen: 0 }])
  })

  it('keeps several, the best first, where triplesPerPair says so', async () => {
    expect(await kept({ triplesPerPair: 2 })).toMatchObject([
      { rank: 0, chosen: 1 },
      { rank: 1, chosen: 2 },
    ])
    expect(await kept({ triplesPerPair: 9 })).toHaveLength(3)
  })

  it('keeps the first draw under the rule first', async () => {
    expect(await kept({ rule: 'first' })).toMatchObject([{ rule: 'first', chosen: 0 }])
  })

  it('keeps any draw under the rule random, the same on every replay', async () => {
    const chosenOf = async (id: string): Promise<number | undefined> =>
      (await kept({ rule: 'random' }, scoredRationales({ id })))[0]?.chosen
    const ids = Array.from({ length: 40 }, (_, number) => `scored-rationales-${number}`)
    const first = await Promise.all(ids.map(chosenOf))
    expect(new Set(first)).toEqual(new Set([0, 1, 2]))
    expect(await Promise.all(ids.map(chosenOf))).toEqual(first)
  })

  it('gives a replay the same id, and another rule another one', async () => {
    const ids = async (rule: string): Promise<string[]> =>
      idsOf(await drive(selectRationale, given, { settings: { rule } }))
    expect(await ids('best')).toEqual(await ids('best'))
    expect(await ids('first')).not.toEqual(await ids('best'))
  })

  it('does not start with a rule that it does not know', async () => {
    await expect(kept({ rule: 'worst' })).rejects.toThrow('expected one of best, random, first')
  })
})
