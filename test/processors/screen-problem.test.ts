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
    const other = await drive(
      screenProblem,
      of({ id: 'problem-3', contentHash: 'hash-2', statement: 'How many primes lie between 40 and 97?' }),
      { state },
    )
    expect(other.records).toHaveLength(1)
  })

  it('discards a statement that says the same in other words, and names the first', async () => {
    const state = new Map<string, unknown>()
    const hashes = ['a', 'b', 'c'].map((digit) => digit.repeat(64))
    const [first = '', second = '', third = ''] = hashes
    const statement = 'A tank holds 480 litres and loses 12 litres an hour. After how many hours are 96 litres left?'
    await drive(screenProblem, of({ id: 'problem-1', statement, contentHash: first }), { state })
    const again = of({ id: 'problem-2', statement: `One evening Elif noticed this. ${statement}`, contentHash: second })
    expect((await drive(screenProblem, again, { state })).discarded).toEqual({
      reason: 'near-duplicate',
      evidence: '100 % of words, the same 3 numbers as problem-1',
    })
    const other = of({ id: 'problem-3', statement: statement.replace('96', '48'), contentHash: third })
    expect((await drive(screenProblem, other, { state })).records).toHaveLength(1)
    const settings = { duplicates: 'exact' }
    expect(
      (await drive(screenProblem, again, { state: new Map([[first, state.get(first)]]), settings })).records,
    ).toHaveLength(1)
  })

  it('leaves statements alike by their numbers alone to their answers, where they have some', async () => {
    const [urn, machines] = [
      'A box holds $4$ striped and $15$ white balls, drawn one at a time. Compute the expected number of draws until a striped one is seen.',
      'Exactly $4$ of $15$ machines are faulty. An inspector checks one at a time. Find the expected number of checks until one is seen.',
    ]
    const drop = async (domain: string, settings = {}) => {
      const state = new Map<string, unknown>()
      const screen = (id: string, statement: string) =>
        drive(screenProblem, of({ id, domain, statement, contentHash: id.repeat(64) }), { state, settings })
      await screen('a', urn)
      return (await screen('b', machines)).discarded?.reason
    }
    expect(await drop('math')).toBeUndefined()
    expect(await drop('code')).toBe('near-duplicate')
    expect(await drop('math', { wordsWithoutAnswer: 0 })).toBe('near-duplicate')
  })

  it('compares nothing with a statement that was left out', async () => {
    const state = new Map<string, unknown>()
    const statement = 'Prove that a tank of 480 litres that loses 12 litres an hour holds 96 litres after 32 hours.'
    await drive(screenProblem, of({ statement, contentHash: 'a'.repeat(64) }), { state })
    const later = of({ statement: statement.replace('Prove that', 'Is it true that'), contentHash: 'b'.repeat(64) })
    expect((await drive(screenProblem, later, { state })).discarded?.reason).not.toBe('near-duplicate')
  })

  it('discards a problem of a benchmark, with what they share, and not once the benchmark is removed', async () => {
    const statement =
      'A barge with 37 crates of saffron passes 14 locks; at each lock a third of the crates is inspected twice. How many inspections take place?'
    const entry = {
      id: 'b-1',
      benchmark: 'exam-26',
      domain: 'math',
      sourceId: 'II-7',
      statement,
      addedAtMs: 1,
      removed: false,
    }
    const given = of({ statement: `Consider this. ${statement.toUpperCase()}` })
    const { discarded } = await drive(screenProblem, given, { tables: { benchmarks: [entry] } })
    expect(discarded?.reason).toBe('benchmark-overlap')
    expect(discarded?.evidence).toMatch(/^exam-26 II-7: \d+ words in common, share 1\.00: "v barge with 37 crates/)
    const removed = { benchmarks: [entry, { ...entry, statement: '', removed: true }] }
    expect((await drive(screenProblem, given, { tables: removed })).records).toHaveLength(1)
    const off = { decontamination: 'off' }
    expect(
      (await drive(screenProblem, given, { tables: { benchmarks: [entry] }, settings: off })).records,
    ).toHaveLength(1)
  })

  it('leaves out human problems of the cut-off day or later, where their day is known', async () => {
    const settings = { publishedBefore: '2024-08-01' }
    const published = async (publishedAt: string | null) =>
      (await drive(screenProblem, of({ origin: 'human', publishedAt }), { settings })).discarded?.reason
    expect(await published('2024-07-31')).toBeUndefined()
    expect(await published('2024-08-01')).toBe('after-cut-off')
    expect(await published('2025-01-01T00:00:00Z')).toBe('after-cut-off')
    expect(await published(null)).toBeUndefined()
    await expect(drive(screenProblem, of({}), { settings: { publishedBefore: 'August' } })).rejects.toThrow(
      'publishedBefore: expected a day such as 2024-08-01, or nothing, got "August"',
    )
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
