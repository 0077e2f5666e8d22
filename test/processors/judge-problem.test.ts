import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { drive } from '../../engine/drive.ts'
import { defaultOf } from '../../engine/settings.ts'
import type { Problem, Rating } from '../../schemas/generated.ts'
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

  const veto = { disagreement: 'veto', ratingsPerJudge: 1, readAttempts: 1 }

  it.each([
    ['lenient', ['perfect', 'bad'], '1 of 2 would keep it, all must'],
    ['lenient', ['acceptable', 'acceptable'], 'none says perfect'],
    ['strict', ['perfect', 'acceptable'], '1 of 2 would keep it, all must'],
  ] as [string, Rating[], string][])('discards as quorum-not-met in %s mode: %j', async (quorum, ratings, missing) => {
    const driven = await drive(judgeProblem, given, {
      models: two,
      settings: { ...veto, quorum },
      answers: ratings.map(rated),
    })
    expect(driven.discarded).toEqual({
      reason: 'quorum-not-met',
      evidence: `judge-a: ${ratings[0]}, judge-b: ${ratings[1]}; ${missing}`,
    })
  })

  it.each(['paper', 'scripts'] as const)('asks each judge once in profile %s, and one bad drops', (profile) => {
    const { settings } = judgeProblem
    const values = Object.entries(settings).map(([name, declared]) => [name, defaultOf(declared, profile)])
    expect(Object.fromEntries(values)).toEqual({ ...veto, quorum: 'lenient' })
  })

  it('asks every judge again, with another seed, where they disagree, and keeps each of their ratings', async () => {
    const said: Rating[] = ['perfect', 'bad', 'perfect', 'acceptable']
    const { records, requests } = await drive(judgeProblem, given, { models: two, answers: said.map(rated) })
    expect(requests.map(({ model, seed }) => [model, seed])).toEqual([
      ['judge-a', 0],
      ['judge-b', 0],
      ['judge-a', 1],
      ['judge-b', 1],
    ])
    expect(records).toMatchObject([
      {
        record: {
          calls: [
            { purpose: 'judge-judge-a' },
            { purpose: 'judge-judge-b' },
            { purpose: 'judge+1-judge-a' },
            { purpose: 'judge+1-judge-b' },
          ],
          judgements: [
            { judge: 'judge-a', opinion: 1, overall: 'perfect' },
            { judge: 'judge-b', opinion: 1, overall: 'bad' },
            { judge: 'judge-a', opinion: 2, overall: 'perfect' },
            { judge: 'judge-b', opinion: 2, overall: 'acceptable' },
          ],
        },
      },
    ])
  })

  it('discards as quorum-not-met, with every opinion, where they disagree to the end', async () => {
    const said: Rating[] = ['perfect', 'bad', 'perfect', 'bad']
    const { discarded } = await drive(judgeProblem, given, { models: two, answers: said.map(rated) })
    expect(discarded).toEqual({
      reason: 'quorum-not-met',
      evidence:
        'judge-a: perfect, judge-b: bad, judge-a (opinion 2): perfect, judge-b (opinion 2): bad; 2 of 4 would keep it, more than half must',
    })
  })

  it('asks a third judge only where the first two disagree', async () => {
    const models = { judge: ['judge-a', 'judge-b', 'judge-c'] }
    const answersOf = (...said: Rating[]): string[] => said.map(rated)
    const agreed = await drive(judgeProblem, given, { models, answers: answersOf('perfect', 'perfect') })
    expect(agreed.requests).toHaveLength(2)
    const decided = await drive(judgeProblem, given, { models, answers: answersOf('perfect', 'bad', 'acceptable') })
    expect(decided.requests.map(({ model }) => model)).toEqual(models.judge)
    expect(decided.records).toHaveLength(1)
  })

  it('asks a judge that cannot be read again, with another seed', async () => {
    const answers = [rated('perfect'), 'Looks fine to me.', rated('acceptable')]
    const { records, requests } = await drive(judgeProblem, given, { models: two, answers })
    expect(requests.map(({ model, seed }) => [model, seed])).toEqual([
      ['judge-a', 0],
      ['judge-b', 0],
      ['judge-b', 1],
    ])
    expect(records).toMatchObject([
      { record: { judgements: [{ judge: 'judge-a' }, { judge: 'judge-b', opinion: 1 }] } },
    ])
  })

  it('never asks a judge twice with one seed or for one purpose, whatever the judges say', async () => {
    const answer = fc.constantFrom('no idea', rated('perfect'), rated('acceptable'), rated('bad'))
    const names = fc.uniqueArray(fc.constantFrom('a', 'a-1', 'a-1-1', '1', '1-a', 'b.2'), { minLength: 1 })
    const settings = fc.record({
      quorum: fc.constantFrom('strict', 'lenient'),
      disagreement: fc.constantFrom('veto', 'majority', 'half'),
      ratingsPerJudge: fc.integer({ min: 1, max: 4 }),
      readAttempts: fc.integer({ min: 1, max: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(names, settings, fc.infiniteStream(answer), async (judge, chosen, said) => {
        const driven = await drive(judgeProblem, given, {
          ...{ models: { judge }, settings: chosen },
          answers: () => said.next().value as string,
        })
        const asked = driven.requests.map(({ model, seed }) => `${model} ${seed}`)
        expect(new Set(asked).size).toBe(asked.length)
        expect(asked.length).toBeLessThanOrEqual(judge.length * chosen.ratingsPerJudge * chosen.readAttempts)
        const [kept] = driven.records as { record: Problem }[]
        // A purpose that came twice would have been answered by the call before.
        if (kept) expect(new Set(kept.record.calls.map(({ purpose }) => purpose)).size).toBe(asked.length)
        if (kept) expect(kept.record.calls).toHaveLength(asked.length)
      }),
      { numRuns: 50 },
    )
  })

  it('discards as unreadable-judgement where a judge does not rate all five each time, naming it', async () => {
    const answers = [rated('perfect'), 'Hm.', 'Looks fine to me.']
    const driven = await drive(judgeProblem, given, { models: two, answers })
    expect(driven.discarded).toEqual({ reason: 'unreadable-judgement', evidence: 'judge-b: Looks fine to me.' })
  })

  it('does not start with an unknown quorum', async () => {
    await expect(drive(judgeProblem, given, { settings: { quorum: 'most' } })).rejects.toThrow(
      'quorum: expected one of strict, lenient, got "most"',
    )
  })
})
