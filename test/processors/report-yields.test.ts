import { describe, expect, it } from 'vitest'
import { drive } from '../../engine/drive.ts'
import reportYields from '../../processors/report-yields.ts'
import type { CountedVerdict, Discard } from '../../schemas/generated.ts'
import { idsOf, modelCall, outcome } from './records.ts'

const counted = (verdict: CountedVerdict['verdict'], valid = true): CountedVerdict => ({
  ...{ verdictId: 'verdict-1', partition: 0, offset: 0, verdict, valid, recomputed: false },
})

function discard(given: Partial<Discard> = {}): Discard {
  return {
    ...{ id: 'discard-1', parentIds: ['problem-1'], domain: 'math', recipe: '', createdAtMs: 0, simulated: false },
    ...{ processor: 'vote-answer', reason: 'tie', evidence: '4 x 1, 4 x 2', recordId: 'problem-1' },
    ...{ topic: 'accepted-problems', partition: 0, offset: 0, calls: [modelCall(), modelCall()] },
    ...{ concepts: ['addition', 'integers'], leftStream: true },
    ...given,
  }
}

const ofOutcome = (given: Parameters<typeof outcome>[0] = {}) =>
  drive(reportYields, { input: 'outcomes', record: outcome(given) })
const ofDiscard = (given: Partial<Discard> = {}) => drive(reportYields, { input: 'discards', record: discard(given) })

describe('report-yields', () => {
  it('tells of an outcome the pairs that its valid attempts can make, its pass rate and its tokens', async () => {
    const verdicts = [
      ...[counted('passed'), counted('passed'), counted('passed', false)],
      ...[counted('failed'), counted('failed'), counted('failed'), counted('failed', false)],
    ]
    const driven = await ofOutcome({ verdicts, attempted: 7, passed: 3, tokens: 4321 })
    expect(driven.records).toMatchObject([
      {
        topic: 'concept-yields',
        record: {
          ...{ parentIds: ['outcome-1'], domain: 'math', concepts: ['addition', 'integers'], level: 'AIME' },
          ...{ result: 'kept', attempted: 7, passed: 3, pairs: 2, tokens: 4321 },
        },
      },
    ])
  })

  it.each(['too_easy', 'unsolved', 'abandoned'] as const)('tells no pairs of an outcome that is %s', async (result) => {
    const driven = await ofOutcome({ result, verdicts: [counted('passed'), counted('failed')] })
    expect(driven.records).toMatchObject([{ record: { result, pairs: 0 } }])
  })

  it('tells of a discard that ended a combination what its step has cost', async () => {
    const driven = await ofDiscard()
    const { promptTokens, completionTokens } = modelCall()
    expect(driven.records).toMatchObject([
      {
        record: {
          ...{ parentIds: ['discard-1'], result: 'discarded', level: '', attempted: 0, passed: 0, pairs: 0 },
          tokens: 2 * (promptTokens + completionTokens),
        },
      },
    ])
  })

  it('passes over human problems, and over discards beside the stream', async () => {
    expect((await ofOutcome({ origin: 'human', concepts: [] })).records).toEqual([])
    expect((await ofDiscard({ leftStream: false })).records).toEqual([])
    expect((await ofDiscard({ concepts: [] })).records).toEqual([])
  })

  it('gives a replay the same ids', async () => {
    expect(idsOf(await ofOutcome())).toEqual(idsOf(await ofOutcome({ tokens: 7 })))
    expect(idsOf(await ofDiscard())).not.toEqual(idsOf(await ofOutcome()))
  })

  it('does not start with a setting that it does not have', async () => {
    const settings = { memory: 3 }
    await expect(drive(reportYields, { input: 'outcomes', record: outcome() }, { settings })).rejects.toThrow(
      'memory: report-yields has no setting "memory"',
    )
  })
})
