import { describe, expect, it } from 'vitest'
import { drive, type DriveOptions } from '../../engine/drive.ts'
import voteAnswer from '../../processors/vote-answer.ts'
import { extractAnswer, groupAnswers } from '../../verifiers/math.ts'
import { answerChecks, ended, idsOf, problem } from './records.ts'

const of = (given: Parameters<typeof problem>[0] = {}) => ({ input: 'acceptedProblems', record: problem(given) })

/** The real grouping, in this thread. */
const verification: NonNullable<DriveOptions['verification']> = {
  groupAnswers: (completions) => {
    const found = completions.map((completion) => extractAnswer(completion, 'boxed'))
    return Promise.resolve(groupAnswers(found.flatMap((one) => ('answer' in one ? [one.answer] : []))))
  },
}
const boxed = (...answers: string[]): string[] =>
  answers.map((answer) => (answer === '-' ? 'I do not know.' : `So it is $\\boxed{${answer}}$.`))
const vote = (answers: DriveOptions['answers'], settings = {}) =>
  drive(voteAnswer, of(), { verification, ...(answers ? { answers } : {}), settings })

describe('vote-answer', () => {
  it('emits the answer that more than half of eight generations give, equal answers counted together', async () => {
    const driven = await vote(boxed('4', '4.0', '4', '5', '\\frac{8}{2}', '4', '-', '5'))
    expect(driven.records).toMatchObject([
      {
        topic: 'test-cases',
        record: {
          parentIds: ['problem-1'],
          problemId: 'problem-1',
          domain: 'math',
          origin: 'synthetic',
          source: 'wellspring',
          statement: 'What is the sum of 2 and 2?',
          concepts: ['addition', 'integers'],
          level: 'AIME',
          malformedTests: 0,
          checks: { answer: '4', tests: [], trusted: false },
          votes: {
            asked: 8,
            counted: 7,
            classes: [
              { answer: '4', votes: 5 },
              { answer: '5', votes: 2 },
            ],
          },
        },
      },
    ])
  })

  it("asks the voter eight times with the solver's prompt, each with a seed of its own", async () => {
    const { requests } = await vote(() => boxed('4')[0] ?? '')
    expect(requests.map(({ role, seed }) => [role, seed])).toEqual(
      Array.from({ length: 8 }, (_, seed) => ['voter', seed]),
    )
    expect(new Set(requests.map(({ prompt }) => prompt))).toEqual(
      new Set(['What is the sum of 2 and 2?\nPlease reason step by step, and put your final answer within \\boxed{}.']),
    )
  })

  it('passes the trusted answer of a human problem straight through, without a call', async () => {
    const checks = { answer: '4', tests: [], trusted: true }
    const driven = await drive(voteAnswer, of({ origin: 'human', checks }), { answers: [] })
    expect(driven.records).toMatchObject([{ record: { checks, votes: null } }])
  })

  it('votes where a human problem has no answer', async () => {
    const checks = { ...answerChecks, answer: ' ' }
    const driven = await drive(voteAnswer, of({ checks }), { verification, answers: () => boxed('4')[0] ?? '' })
    expect(driven.requests).toHaveLength(8)
  })

  it('leaves problems that are checked by tests to generate-test-cases', async () => {
    const driven = await drive(voteAnswer, of({ domain: 'code' }), { answers: [] })
    expect(driven).toMatchObject({ records: [], discarded: undefined, requests: [] })
  })

  it('discards as no-majority at half of the generations, as the paper does', async () => {
    const driven = await vote(boxed('4', '4', '4', '4', '5', '6', '-', '-'))
    expect(driven.discarded).toEqual({ reason: 'no-majority', evidence: '4 x 4, 1 x 5, 1 x 6' })
  })

  it('takes the most votes by the rule of the scripts', async () => {
    const driven = await vote(boxed('4', '4', '5', '6', '7', '8', '-', '-'), { rule: 'plurality' })
    expect(driven.records).toMatchObject([{ record: { checks: { answer: '4' } } }])
  })

  it.each(['majority', 'plurality'])('discards as tie where two answers have the most votes (%s)', async (rule) => {
    const driven = await vote(boxed('4', '5', '4', '5', '4', '5', '6', '-'), { rule })
    expect(driven.discarded).toEqual({ reason: 'tie', evidence: '3 x 4, 3 x 5, 1 x 6' })
  })

  it('discards as no-boxed-answer where no generation gives one', async () => {
    const driven = await vote(() => 'I do not know.')
    expect(driven.discarded).toEqual({
      reason: 'no-boxed-answer',
      evidence: 'none of 8 generations ends in a boxed answer',
    })
  })

  it('discards as unreadable-answers where boxes stand that cannot be compared', async () => {
    const unreadable = { groupAnswers: () => Promise.resolve({ groups: [], undecided: [0, 1] }) }
    const driven = await drive(voteAnswer, of(), { answers: () => 'So \\boxed{?}.', verification: unreadable })
    expect(driven.discarded).toEqual({
      reason: 'unreadable-answers',
      evidence: '2 of 8 boxed answers could not be compared',
    })
  })

  it('counts no generation that was cut off, though it is among those asked for', async () => {
    const cutOff = ended('length', 'Maybe \\boxed{4}, but')
    const driven = await vote([...boxed('4', '4', '4', '4'), cutOff, cutOff, cutOff, cutOff])
    expect(driven.discarded?.reason).toBe('no-majority')
  })

  it.each([
    '\\text{no solution}',
    '\\text{No real solutions}',
    'no integer solutions',
    '\\text{No such integer exists}',
    '\\text{There is no solution.}',
    '\\text{does not exist}',
    '\\text{There are no real roots}',
    '\\text{cannot be determined}',
    '\\mathrm{undefined}',
  ])('discards as no-solution: %s', async (answer) => {
    const driven = await vote(() => boxed(answer)[0] ?? '')
    expect(driven.discarded).toEqual({ reason: 'no-solution', evidence: answer })
  })

  it.each(['0', '1', '\\text{none}', '\\text{No}', '\\text{north}', 'n', 'x = 2'])(
    'keeps the answer %s',
    async (answer) => {
      const driven = await vote(() => boxed(answer)[0] ?? '')
      expect(driven.records).toHaveLength(1)
    },
  )

  it('gives a replay the same id, whatever the models answer', async () => {
    const id = async (answer: string): Promise<unknown> => idsOf(await vote(() => boxed(answer)[0] ?? ''))[0]
    expect(await id('4')).toBe(await id('5'))
  })

  it('dead-letters a problem of an unknown domain', async () => {
    const driven = await drive(voteAnswer, of({ domain: 'poetry' }), { answers: [] })
    expect(driven.deadLettered?.code).toBe('RECORD_INVARIANT_BROKEN')
  })

  it('does not start with an unknown rule, nor with none to vote', async () => {
    const settings = { rule: 'consensus', generations: 0 }
    await expect(vote([], settings)).rejects.toThrow('rule: expected one of majority, plurality, got "consensus"')
    await expect(vote([], settings)).rejects.toThrow('generations: expected a whole number between 1 and 64, got 0')
  })
})
