import { describe, expect, it } from 'vitest'
import { drive } from '../../engine/drive.ts'
import screenProblem from '../../processors/screen-problem.ts'
import { problem } from './records.ts'

const of = (given: Parameters<typeof problem>[0]) => ({ input: 'problems', record: problem(given) })

describe('screen-problem', () => {
  it('emits a problem as it is, under its own id', async () => {
    const record = problem()
    const driven = await drive(screenProblem, { input: 'problems', record })
    expect(driven.records).toEqual([{ topic: 'screened-problems', record }])
  })

  it('counts a human problem into the stream, and no synthetic one: its combination was counted', async () => {
    expect(await drive(screenProblem, of({ origin: 'human' }))).toMatchObject({ entered: 1, left: 0 })
    expect(await drive(screenProblem, of({ origin: 'synthetic' }))).toMatchObject({ entered: 0, left: 0 })
    expect(await drive(screenProblem, of({ origin: 'human', statement: 'Short?' }))).toMatchObject({
      entered: 1,
      discarded: { reason: 'too-short' },
    })
  })

  it.each([
    ['too-short', 'What is 2 + 2?', '14 characters, fewer than 20'],
    ['too-long', `What is ${'1 + '.repeat(5000)}1?`, '20010 characters, more than 20000'],
    ['unanswerable', 'Prove that there are infinitely many primes.', 'asks for a proof: "Prove"'],
    ['cut-off', 'Find the number of integers such that', 'ends in "Find the number of integers such that"'],
    [
      'no-question',
      'A train leaves the station at noon.',
      'nothing is asked for: "A train leaves the station at noon."',
    ],
  ])('discards as %s', async (reason, statement, evidence) => {
    const driven = await drive(screenProblem, of({ statement }))
    expect(driven.discarded).toEqual({ reason, evidence })
    expect(driven.records).toEqual([])
  })

  it('discards as duplicate every statement but the first of a content hash', async () => {
    const state = new Map<string, unknown>()
    await drive(screenProblem, of({ id: 'problem-1' }), { state })
    const second = await drive(screenProblem, of({ id: 'problem-2' }), { state })
    expect(second.discarded).toEqual({ reason: 'duplicate', evidence: 'same statement as problem-1' })
    const other = await drive(screenProblem, of({ id: 'problem-3', contentHash: 'hash-2' }), { state })
    expect(other.records).toHaveLength(1)
  })

  it('keys its state by the content hash', () => {
    expect(screenProblem.state?.keyOf?.(problem({ contentHash: 'hash-9' }) as never)).toBe('hash-9')
  })

  it('bounds lengths by its settings', async () => {
    const settings = { minStatementCharacters: 14, maxStatementCharacters: 100 }
    expect((await drive(screenProblem, of({ statement: 'What is 2 + 2?' }), { settings })).records).toHaveLength(1)
    const long = `What is ${'1 + '.repeat(25)}1?`
    expect((await drive(screenProblem, of({ statement: long }), { settings })).discarded?.reason).toBe('too-long')
  })

  it('does not start with a setting that is no number', async () => {
    await expect(drive(screenProblem, of({}), { settings: { minStatementCharacters: 'ten' } })).rejects.toThrow(
      'minStatementCharacters: expected a whole number between 1 and 10000, got "ten" (Shortest statement kept, in characters.)',
    )
  })
})
