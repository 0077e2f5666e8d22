import { describe, expect, it } from 'vitest'
import { answerKey, comparedOf, mostOwners, ownersKey } from '../../curation/answered-duplicates.ts'
import { drive } from '../../engine/drive.ts'
import screenAnswer from '../../processors/screen-answer.ts'
import { answerChecks, programChecks, testCases } from './records.ts'

const dice = 'A player rolls 3 fair dice with 12 faces. How likely is the total 17?'
const wheel = 'One spins a wheel marked 1 to 12 altogether 3 times. Give the chance that its marks add up to 17.'
const voted = (number: number, given: Parameters<typeof testCases>[0]) => ({
  input: 'votedProblems',
  record: testCases({ id: `test-cases-${number}`, problemId: `problem-${number}`, checks: answerChecks, ...given }),
})

describe('screen-answer', () => {
  it('emits a problem as it is, under its own id', async () => {
    const { record } = voted(1, { statement: dice })
    const driven = await drive(screenAnswer, { input: 'votedProblems', record })
    expect(driven.records).toEqual([{ topic: 'test-cases', record }])
  })

  it('discards a problem with the numbers and the answer of an earlier one, and names it', async () => {
    const state = new Map<string, unknown>()
    await drive(screenAnswer, voted(1, { statement: dice }), { state })
    const driven = await drive(screenAnswer, voted(2, { statement: wheel }), { state })
    expect(driven.records).toEqual([])
    expect(driven.discarded).toEqual({
      reason: 'near-duplicate',
      evidence: 'the same numbers and answer 4 as problem-1',
    })
  })

  it('compares answers by what they come to, not by how they are written', async () => {
    const state = new Map<string, unknown>()
    const answered = (number: number, statement: string, answer: string) =>
      voted(number, { statement, checks: { ...answerChecks, answer } })
    await drive(screenAnswer, answered(1, dice, '\\frac{1}{4}\\sqrt{231}'), { state })
    const driven = await drive(screenAnswer, answered(2, wheel, '\\frac{\\sqrt{231}}{4}'), { state })
    expect(driven.discarded?.reason).toBe('near-duplicate')
    const other = await drive(screenAnswer, answered(3, wheel, '\\frac{\\sqrt{232}}{4}'), { state })
    expect(other.records).toHaveLength(1)
  })

  it('keeps problems with another answer, of another domain, or checked by tests', async () => {
    const state = new Map<string, unknown>()
    await drive(screenAnswer, voted(1, { statement: dice }), { state })
    for (const given of [{ checks: { ...answerChecks, answer: '5' } }, { domain: 'code' }, { checks: programChecks }])
      expect((await drive(screenAnswer, voted(2, { statement: wheel, ...given }), { state })).records).toHaveLength(1)
  })

  it('keeps a problem that comes twice: it is no repeat of itself', async () => {
    const state = new Map<string, unknown>()
    await drive(screenAnswer, voted(1, { statement: dice }), { state })
    expect((await drive(screenAnswer, voted(1, { statement: dice }), { state })).records).toHaveLength(1)
  })

  it('remembers no more problems than it can compare at once', async () => {
    const state = new Map<string, { problems: unknown[] }>()
    for (let number = 0; number < mostOwners + 4; number++) {
      // The same numbers, never in formulas that agree.
      const letter = String.fromCharCode(97 + number)
      const statement = `What is $3 ${letter} + 5 ${letter} - 7 ${letter} * ${letter} / 3$ for this ${letter}?`
      await drive(screenAnswer, voted(number, { statement }), { state })
    }
    expect([...state.values()].map(({ problems }) => problems.length)).toEqual([mostOwners])
  })

  it.each([
    ['large when written out', '1500!'],
    ['a long list', `\\{${Array.from({ length: 128 }, (_, index) => `${index}!`).join(', ')}\\}`],
    ['long, and in another alphabet', `\\text{${'\u{6570}'.repeat(1000)}}`],
  ])('compares an answer that is %s under a key that the state can hold', async (_, answer) => {
    const state = new Map<string, unknown>()
    const checks = { ...answerChecks, answer }
    await drive(screenAnswer, voted(1, { statement: dice, checks }), { state })
    const driven = await drive(screenAnswer, voted(2, { statement: wheel, checks }), { state })
    expect(driven.discarded?.reason).toBe('near-duplicate')
    // The embedded log takes 1,024 bytes, two of them the engine's.
    for (const key of state.keys()) expect(Buffer.byteLength(key)).toBeLessThan(1000)
  })

  it('compares with problems that an earlier release kept, by their answer as it is written', async () => {
    const compared = comparedOf(dice)
    if (!compared) throw new Error('nothing is compared of the statement')
    // What that release wrote, with the defaults of the fields that it did not know.
    const problems = [{ problemId: 'problem-1', ...compared, equations: [], contrasts: 0 }]
    const state = new Map<string, unknown>([[ownersKey('math', answerKey('4'), compared), { problems }]])
    const driven = await drive(screenAnswer, voted(2, { statement: wheel }), { state })
    expect(driven.discarded?.reason).toBe('near-duplicate')
  })

  it('drops nothing where it is off, as in the profiles of the paper and its scripts', async () => {
    expect(screenAnswer.settings['duplicates']).toMatchObject({ profiles: { paper: 'off', scripts: 'off' } })
    const [state, settings] = [new Map<string, unknown>(), { duplicates: 'off' }]
    await drive(screenAnswer, voted(1, { statement: dice }), { state, settings })
    expect((await drive(screenAnswer, voted(2, { statement: wheel }), { state, settings })).records).toHaveLength(1)
  })

  it('refuses a rule that there is not', async () => {
    await expect(
      drive(screenAnswer, voted(1, { statement: dice }), { settings: { duplicates: 'words' } }),
    ).rejects.toThrow(/duplicates/)
  })
})
