import { describe, expect, it } from 'vitest'
import { drive } from '../../engine/drive.ts'
import type { Rating } from '../../schemas/generated.ts'
import judgeProblem from '../../processors/judge-problem.ts'
import { problem } from './records.ts'

const record = problem()
const given = { input: 'screenedProblems', record }
const two = { judge: ['judge-a', 'judge-b'] }
const rated = (rating: Rating): string =>
  ['Format', 'Factual Accuracy', 'Difficulty Alignment', 'Concept Coverage', 'Solvability']
    .map((criterion) => `${criterion}: ${rating}`)
    .join('\n')

describe('judge-problem', () => {
  it('emits the problem under its own id with what each judge said', async () => {
    const driven = await drive(judgeProblem, given, { models: two, answers: [rated('perfect'), rated('acceptable')] })
    expect(driven.records).toMatchObject([
      {
        topic: 'accepted-problems',
        record: {
          ...record,
          calls: [{ purpose: 'judge-judge-a' }, { purpose: 'judge-judge-b' }],
          judgements: [
            { judge: 'judge-a', format: 'perfect', solvability: 'perfect', overall: 'perfect' },
            { judge: 'judge-b', overall: 'acceptable' },
          ],
        },
      },
    ])
  })

  it('shows each judge concepts, level, rationale and statement', async () => {
    const { requests } = await drive(judgeProblem, given, { models: two, answers: () => rated('perfect') })
    expect(requests.map(({ model }) => model)).toEqual(['judge-a', 'judge-b'])
    for (const { prompt } of requests) {
      expect(prompt).toContain('the difficulty level AIME')
      expect(
        prompt.endsWith(
          'Foundational Concepts:\n1. addition\n2. integers\n\nRationale:\nAdd two small integers.\n\nProblem:\nWhat is the sum of 2 and 2?',
        ),
      ).toBe(true)
    }
  })

  it.each([
    ['human problems', problem({ origin: 'human', rationale: null }), two],
    ['every problem where no judge is configured', record, { judge: [] }],
  ])('passes %s on as they are, without a call', async (_, passed, models) => {
    const driven = await drive(judgeProblem, { input: 'screenedProblems', record: passed }, { models, answers: [] })
    expect(driven.records).toEqual([{ topic: 'accepted-problems', record: passed }])
  })

  it.each([
    ['lenient', ['perfect', 'bad']],
    ['lenient', ['acceptable', 'acceptable']],
    ['strict', ['perfect', 'acceptable']],
  ] as [string, Rating[]][])('discards as quorum-not-met in %s mode: %j', async (quorum, ratings) => {
    const driven = await drive(judgeProblem, given, { models: two, settings: { quorum }, answers: ratings.map(rated) })
    expect(driven.discarded).toEqual({
      reason: 'quorum-not-met',
      evidence: `judge-a: ${ratings[0]}, judge-b: ${ratings[1]}`,
    })
  })

  it('discards as unreadable-judgement where a judge does not rate all five, naming it', async () => {
    const driven = await drive(judgeProblem, given, { models: two, answers: [rated('perfect'), 'Looks fine to me.'] })
    expect(driven.discarded).toEqual({ reason: 'unreadable-judgement', evidence: 'judge-b: Looks fine to me.' })
  })

  it('does not start with an unknown quorum', async () => {
    await expect(drive(judgeProblem, given, { settings: { quorum: 'most' } })).rejects.toThrow(
      'quorum: expected one of strict, lenient, got "most"',
    )
  })
})
