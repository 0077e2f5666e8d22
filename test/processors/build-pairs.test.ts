import { describe, expect, it } from 'vitest'
import { drive } from '../../engine/drive.ts'
import { InvalidRecordError } from '../../engine/errors.ts'
import buildPairs from '../../processors/build-pairs.ts'
import type { Verdict } from '../../schemas/generated.ts'
import { topics } from '../../topics/catalogue.ts'
import { idsOf, outcome, verdict } from './records.ts'

/** An outcome that counts these verdicts, and the log in which they lie. */
function counting(verdicts: Verdict[], given: Parameters<typeof outcome>[0] = {}) {
  const record = outcome({
    attempted: verdicts.length,
    passed: verdicts.filter((one) => one.verdict === 'passed').length,
    invalid: verdicts.filter((one) => one.verdict === 'failed' && !one.valid).length,
    verdicts: verdicts.map(({ id, verdict: kind, valid }, offset) => ({
      ...{ verdictId: id, partition: 3, offset, verdict: kind, valid, recomputed: false },
    })),
    ...given,
  })
  const reads = (topic: unknown, at: { partition: number; offset: number }): Verdict => {
    expect(topic).toBe(topics.verdicts)
    expect(at.partition).toBe(3)
    return verdicts[at.offset] ?? expect.fail(`nothing lies at ${at.offset}`)
  }
  return { given: { input: 'outcomes', record }, reads }
}
const passed = (id: string, text = `right ${id}`): Verdict => verdict({ id, text, reasoning: 'I think' })
const failed = (id: string, text = `wrong ${id}`): Verdict =>
  verdict({ id, text, reasoning: null, verdict: 'failed', reason: 'different', extracted: '5' })
const invalid = (id: string): Verdict => verdict({ id, verdict: 'failed', reason: 'length_limit', valid: false })

describe('build-pairs', () => {
  it('emits the i-th passed attempt with the i-th failed one, texts as a trainer reads them', async () => {
    const { given, reads } = counting([
      failed('f1'),
      passed('p1'),
      invalid('i1'),
      passed('p2'),
      failed('f2'),
      failed('f3'),
    ])
    const driven = await drive(buildPairs, given, { reads, settings: { pairing: 'zip' } })
    expect(driven.records).toMatchObject([
      {
        topic: 'preference-pairs',
        record: {
          parentIds: ['outcome-1', 'p1', 'f1'],
          domain: 'math',
          problemId: 'problem-1',
          origin: 'synthetic',
          source: 'wellspring',
          solver: 'solver-model',
          statement: 'What is the sum of 2 and 2?',
          concepts: ['addition', 'integers'],
          level: 'AIME',
          passRate: 2 / 6,
          prompt:
            'What is the sum of 2 and 2?\nPlease reason step by step, and put your final answer within \\boxed{}.',
          chosen: '<think>\nI think\n</think>\n\nright p1',
          rejected: 'wrong f1',
          chosenVerdictId: 'p1',
          rejectedVerdictId: 'f1',
        },
      },
      { record: { parentIds: ['outcome-1', 'p2', 'f2'], chosenVerdictId: 'p2', rejectedVerdictId: 'f2' } },
    ])
    expect(new Set(idsOf(driven)).size).toBe(2)
  })

  it('emits at most maxPairsPerProblem pairs', async () => {
    const { given, reads } = counting([passed('p1'), passed('p2'), failed('f1'), failed('f2')])
    const driven = await drive(buildPairs, given, { reads, settings: { maxPairsPerProblem: 1 } })
    expect(driven.records).toHaveLength(1)
  })

  it('pairs the nearest in length by default', async () => {
    const { given, reads } = counting([
      failed('long', 'wrong '.repeat(40)),
      failed('short', 'x'),
      verdict({ id: 'p1', text: 'right' }),
    ])
    const driven = await drive(buildPairs, given, { reads })
    expect(driven.records).toMatchObject([{ record: { chosenVerdictId: 'p1', rejectedVerdictId: 'short' } }])
  })

  it('goes by the conclusions of the outcome, not by those of the verdicts, which know nothing of tests set aside', async () => {
    const verdicts = [{ ...failed('f1'), extracted: '4' }, failed('f2')]
    const { given, reads } = counting(verdicts, {
      passed: 1,
      verdicts: verdicts.map(({ id }, offset) => ({
        ...{ verdictId: id, partition: 3, offset, valid: true },
        ...(offset === 0 ? { verdict: 'passed', recomputed: true } : { verdict: 'failed', recomputed: false }),
      })),
    })
    const driven = await drive(buildPairs, given, { reads })
    expect(driven.records).toMatchObject([{ record: { chosenVerdictId: 'f1', rejectedVerdictId: 'f2' } }])
  })

  it('never reads an invalid attempt', async () => {
    const { given, reads } = counting([passed('p1'), invalid('i1'), failed('f1')])
    const read: number[] = []
    await drive(buildPairs, given, { reads: (topic, at) => (read.push(at.offset), reads(topic, at)) })
    expect(read).toEqual([0, 2])
  })

  it.each([
    ['too-easy', outcome({ result: 'too_easy', attempted: 8, passed: 4 }), '4 of 8 attempts passed'],
    ['unsolved', outcome({ result: 'unsolved', attempted: 8, passed: 0 }), 'none of 8 attempts passed'],
    [
      'abandoned',
      outcome({ result: 'abandoned', attempted: 5, unverifiable: 6 }),
      '5 attempts could be verified, 6 could not',
    ],
    [
      'no-test-left',
      outcome({ result: 'abandoned', reason: 'no_test_left', attempted: 8, passed: 0 }),
      'most of 8 attempts agree with one another and with no test',
    ],
  ])('discards as %s', async (reason, record, evidence) => {
    const driven = await drive(buildPairs, { input: 'outcomes', record })
    expect(driven.discarded).toEqual({ reason, evidence })
  })

  it.each([
    [
      'all failed attempts are invalid',
      [passed('p1'), invalid('i1'), invalid('i2')],
      '1 passed, 2 of 3 attempts invalid',
    ],
    [
      'the same text passed and failed',
      [verdict({ id: 'p1', text: 'same' }), verdict({ id: 'f1', text: 'same', verdict: 'failed', extracted: '5' })],
      '1 passed, 0 of 2 attempts invalid',
    ],
  ])('discards as no-valid-pair where %s', async (_, verdicts, evidence) => {
    const { given, reads } = counting(verdicts)
    const driven = await drive(buildPairs, given, { reads })
    expect(driven.discarded).toEqual({ reason: 'no-valid-pair', evidence })
  })

  it('dead-letters an outcome whose verdict is gone', async () => {
    const { given } = counting([passed('p1'), failed('f1')])
    const reads = (): never => {
      throw new InvalidRecordError('RECORD_INVARIANT_BROKEN', 'verdicts/3 holds nothing at 0')
    }
    const driven = await drive(buildPairs, given, { reads })
    expect(driven.deadLettered).toEqual({
      code: 'RECORD_INVARIANT_BROKEN',
      message: 'verdicts/3 holds nothing at 0',
    })
  })

  it('dead-letters an outcome of an unknown domain', async () => {
    const { given, reads } = counting([passed('p1'), failed('f1')], { domain: 'poetry' })
    expect((await drive(buildPairs, given, { reads })).deadLettered?.code).toBe('RECORD_INVARIANT_BROKEN')
  })

  it('gives a replay the same ids, and another setting of pairs others', async () => {
    const { given, reads } = counting([passed('p1'), passed('p2'), failed('f1'), failed('f2')])
    const ids = async (settings = {}): Promise<string[]> => idsOf(await drive(buildPairs, given, { reads, settings }))
    expect(await ids()).toEqual(await ids())
    expect((await ids({ maxPairsPerProblem: 1 }))[0]).not.toBe((await ids())[0])
  })

  it('does not start with more pairs than the scripts ever make', async () => {
    const { given, reads } = counting([passed('p1')])
    await expect(drive(buildPairs, given, { reads, settings: { maxPairsPerProblem: 10_001 } })).rejects.toThrow(
      'maxPairsPerProblem: expected a whole number between 1 and 10000, got 10001 (Most pairs of one problem and solver.)',
    )
  })
})
