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
/** All at once, unless a test is about the others. */
const vote = (answers: DriveOptions['answers'], settings = {}, given: Parameters<typeof problem>[0] = {}) =>
  drive(voteAnswer, of(given), {
    ...{ verification, ...(answers ? { answers } : {}), settings: { stopWhenDecided: false, ...settings } },
  })

describe('vote-answer', () => {
  it('emits the answer that more than half of eight generations give, equal answers counted together', async () => {
    const driven = await vote(boxed('4', '4.0', '4', '5', '\\frac{8}{2}', '4', '-', '5'))
    expect(driven.records).toMatchObject([
      {
        topic: 'voted-problems',
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
            notAsked: 0,
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
    const driven = await vote(() => boxed('4')[0] ?? '', {}, { checks })
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

  it('asks for five votes, and for no more where they agree', async () => {
    const driven = await vote(() => boxed('4')[0] ?? '', { stopWhenDecided: true })
    expect(driven.requests.map(({ seed }) => seed)).toEqual([0, 1, 2, 3, 4])
    expect(driven.records).toMatchObject([{ record: { votes: { asked: 5, notAsked: 3, counted: 5 } } }])
  })

  it('asks for more while it is open, and gives up where no answer can win any longer', async () => {
    const settings = { stopWhenDecided: true }
    const won = await vote(boxed('4', '5', '4', '4', '4', '4'), settings)
    expect(won.records).toMatchObject([{ record: { checks: { answer: '4' }, votes: { asked: 6, notAsked: 2 } } }])
    const lost = await vote(boxed('4', '5', '6', '7', '-'), settings)
    expect(lost.discarded).toEqual({ reason: 'no-majority', evidence: '1 x 4, 1 x 5, 1 x 6, 1 x 7; 3 not asked' })
  })

  it('discards as narrow where the winner is not as far ahead as it is told to be', async () => {
    const answers = boxed('4', '5', '4', '5', '4', '5', '4', '4')
    expect((await vote(answers, { marginVotes: 3 })).discarded).toEqual({ reason: 'narrow', evidence: '5 x 4, 3 x 5' })
    expect((await vote(answers, { marginVotes: 2 })).records).toHaveLength(1)
  })

  it.each([
    ['\\text{no}', 'no-solution'],
    ['\\text{north}', 'no-solution'],
    ['0', 'trivial-answer'],
    ['1', 'trivial-answer'],
  ])("discards %s by the scripts' rule, of the source PromptCoT-Math alone", async (answer, reason) => {
    const settings = { dropAnswers: 'scripts' }
    const answers = (): string => boxed(answer)[0] ?? ''
    expect((await vote(answers, settings, { source: 'PromptCoT-Math' })).discarded?.reason).toBe(reason)
    expect((await vote(answers, settings)).records).toHaveLength(1)
    const checks = { answer, tests: [], trusted: true }
    expect((await vote([], settings, { source: 'PromptCoT-Math', checks })).discarded?.reason).toBe(reason)
    expect((await vote([], {}, { source: 'PromptCoT-Math', checks })).records).toHaveLength(1)
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
    const driven = await drive(voteAnswer, of(), {
      ...{ answers: () => 'So \\boxed{?}.', verification: unreadable, settings: { stopWhenDecided: false } },
    })
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
