import { describe, expect, it } from 'vitest'
import { drive } from '../../engine/drive.ts'
import generateTestCases from '../../processors/generate-test-cases.ts'
import { idsOf, problem, programChecks, testRequest } from './records.ts'

const of = (given: Parameters<typeof problem>[0] = {}) => ({
  input: 'acceptedProblems',
  record: problem({ domain: 'code', level: 'Codeforces', statement: 'Print the sum of a and b.', ...given }),
})
const test = (input: string): string => '```json\n' + JSON.stringify({ input, output: '4' }) + '\n```'
const broken = 'I cannot think of one.'

describe('generate-test-cases', () => {
  it('emits the tests of four calls, one for each kind', async () => {
    const driven = await drive(generateTestCases, of(), { answers: ['0', '1', '2', '3'].map(test) })
    expect(driven.records).toMatchObject([
      {
        topic: 'test-cases',
        record: {
          parentIds: ['problem-1'],
          problemId: 'problem-1',
          domain: 'code',
          origin: 'synthetic',
          source: 'wellspring',
          statement: 'Print the sum of a and b.',
          concepts: ['addition', 'integers'],
          level: 'Codeforces',
          votes: null,
          malformedTests: 0,
          checks: {
            answer: null,
            trusted: false,
            tests: [
              { input: '0', output: '4', kind: 'edge case' },
              { input: '1', output: '4', kind: 'complex case' },
              { input: '2', output: '4', kind: 'error-prone input' },
              { input: '3', output: '4', kind: 'critical path' },
            ],
          },
        },
      },
    ])
    expect(driven.requests.map(({ role, seed, prompt }) => [role, seed, /: a ([a-z -]+)\./.exec(prompt)?.[1]])).toEqual(
      [
        ['test-writer', 0, 'edge case'],
        ['test-writer', 1, 'complex case'],
        ['test-writer', 2, 'error-prone input'],
        ['test-writer', 3, 'critical path'],
      ],
    )
  })

  it('goes on with three tests of four, counting the malformed one; each keeps its kind', async () => {
    const driven = await drive(generateTestCases, of(), { answers: [broken, test('1'), test('2'), test('3')] })
    expect(driven.records).toMatchObject([
      { record: { malformedTests: 1, checks: { tests: [{ kind: 'complex case' }, { input: '2' }, { input: '3' }] } } },
    ])
  })

  it('passes the trusted tests of a human problem straight through, without a call', async () => {
    const checks = { ...programChecks, trusted: true }
    const driven = await drive(generateTestCases, of({ origin: 'human', checks }), { answers: [] })
    expect(driven.records).toMatchObject([{ record: { checks, malformedTests: 0, origin: 'human' } }])
  })

  it('writes tests for a human problem without any', async () => {
    const checks = { answer: '4', tests: [], trusted: true }
    const driven = await drive(generateTestCases, of({ checks }), { answers: () => test('0') })
    expect(driven.requests).toHaveLength(4)
  })

  it('leaves problems that are checked by an answer to vote-answer', async () => {
    const driven = await drive(generateTestCases, of({ domain: 'math' }), { answers: [] })
    expect(driven).toMatchObject({ records: [], discarded: undefined, requests: [] })
  })

  it('discards as too-few-tests with what is wrong with the others', async () => {
    const driven = await drive(generateTestCases, of(), { answers: [test('0'), broken, '```json\n{}\n```', test('3')] })
    expect(driven.discarded).toEqual({
      reason: 'too-few-tests',
      evidence: '2 of 4 tests could be parsed: no closed json block; input and output must both be strings',
    })
    const kept = await drive(generateTestCases, of(), {
      answers: [test('0'), broken, broken, test('3')],
      settings: { minTests: 2 },
    })
    expect(kept.records).toHaveLength(1)
  })

  it('gives a replay the same id, whatever the models answer', async () => {
    const id = async (answer: string): Promise<unknown> =>
      idsOf(await drive(generateTestCases, of(), { answers: () => answer }))[0]
    expect(await id(test('0'))).toBe(await id(test('9')))
  })

  it('dead-letters a problem of an unknown domain', async () => {
    const driven = await drive(generateTestCases, of({ domain: 'poetry' }), { answers: [] })
    expect(driven.deadLettered).toEqual({
      code: 'RECORD_INVARIANT_BROKEN',
      message: 'no domain is called "poetry"; there are math, code, sql',
    })
  })

  describe('asked for further tests', () => {
    const asked = (given: Parameters<typeof testRequest>[0] = {}) => ({
      input: 'testRequests',
      record: testRequest({ count: 3, inputs: ['2 1\n'], ...given }),
    })

    it('asks for one on the disputed input, then for others that are unlike those there are, with seeds of their own', async () => {
      const driven = await drive(generateTestCases, asked(), { answers: ['5 5\n', '6 6\n', '7 7\n'].map(test) })
      expect(driven.records).toMatchObject([
        {
          topic: 'further-tests',
          record: {
            parentIds: ['test-request-1'],
            problemId: 'problem-1',
            tests: [
              { input: '5 5\n', output: '4', kind: 'disputed input' },
              { input: '6 6\n', output: '4', kind: 'error-prone input' },
              { input: '7 7\n', output: '4', kind: 'complex case' },
            ],
            malformedTests: 0,
            verdicts: [{ verdictId: 'verdict-1', partition: 7, offset: 3 }],
            calls: [{ seed: 4 }, { seed: 5 }, { seed: 6 }],
          },
        },
      ])
      const [first, second] = driven.requests.map(({ prompt }) => prompt)
      expect(first).toContain('Input that they disagree on:\n2 1\n')
      expect(second).not.toContain('Input that they disagree on')
      for (const prompt of [first, second])
        expect(prompt).toContain('Inputs of the tests that there are:\n2 2\n---\n1 2\n')
    })

    it('leaves out what cannot be parsed and inputs that there are, and answers with none where none is left', async () => {
      const driven = await drive(generateTestCases, asked(), { answers: [broken, test('2 2\n'), broken] })
      expect(driven.records).toMatchObject([{ topic: 'further-tests', record: { tests: [], malformedTests: 2 } }])
    })

    it('answers with none where the request is dead-lettered, so that nobody waits for it', async () => {
      const driven = await drive(generateTestCases, asked({ domain: 'poetry' }), { answers: [] })
      expect(driven.deadLettered).toMatchObject({ code: 'RECORD_INVARIANT_BROKEN' })
      expect(driven.records).toMatchObject([{ topic: 'further-tests', record: { tests: [], problemId: 'problem-1' } }])
    })
  })

  it('does not start with more tests than are asked for', async () => {
    await expect(drive(generateTestCases, of(), { settings: { minTests: 5 } })).rejects.toThrow(
      'minTests: expected a whole number between 1 and 4, got 5',
    )
  })
})
