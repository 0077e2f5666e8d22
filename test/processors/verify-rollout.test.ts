import { describe, expect, it, vi } from 'vitest'
import { drive, type DriveOptions } from '../../engine/drive.ts'
import { InvalidRecordError } from '../../engine/errors.ts'
import type { MathComparison, ProgramRun } from '../../engine/ports.ts'
import type { ProgramTest } from '../../verifiers/program.ts'
import verifyRollout from '../../processors/verify-rollout.ts'
import { compareMath } from '../../verifiers/math.ts'
import { furtherTests, idsOf, modelCall, programChecks, rollout, verdict } from './records.ts'

const of = (given: Parameters<typeof rollout>[0] = {}) => ({ input: 'rollouts', record: rollout(given) })
const program = { domain: 'code', checks: programChecks, text: '```python\nprint(4)\n```' }

/** The real comparison, in this thread. */
const inThread: DriveOptions['verification'] = { compareMath: (request) => Promise.resolve(compareMath(request)) }
const comparing = (conclusion: MathComparison): DriveOptions => ({
  verification: { compareMath: () => Promise.resolve(conclusion) },
})
const running = (run: ProgramRun): DriveOptions => ({ verification: { runProgram: () => Promise.resolve(run) } })
const neverCalled: DriveOptions['verification'] = {
  compareMath: () => expect.fail('the answer was compared'),
  runProgram: () => expect.fail('the program was run'),
}

describe('verify-rollout', () => {
  it('emits a verdict with the text of the attempt, its answer and its call', async () => {
    const driven = await drive(verifyRollout, of({ attempt: 5, reasoning: '2 + 2' }), { verification: inThread })
    expect(driven.records).toMatchObject([
      {
        topic: 'verdicts',
        record: {
          parentIds: ['rollout-1'],
          domain: 'math',
          problemId: 'problem-1',
          requestId: 'rollout-request-1',
          solver: 'solver-model',
          attempt: 5,
          verdict: 'passed',
          reason: 'equal',
          valid: true,
          extracted: '4',
          tests: [],
          text: 'It is \\boxed{4}.',
          reasoning: '2 + 2',
          calls: [{ requestId: 'rollout-request-1/attempt' }],
        },
      },
    ])
  })

  it.each([
    ['It is \\boxed{5}.', { verdict: 'failed', reason: 'different', valid: true, extracted: '5' }],
    ['It is 4.', { verdict: 'failed', reason: 'no_answer', valid: false, extracted: null }],
  ])('of the math answer %j', async (text, record) => {
    const driven = await drive(verifyRollout, of({ text }), { verification: inThread })
    expect(driven.records).toMatchObject([{ record }])
  })

  it('runs programs by all tests of the problem and keeps what each came to', async () => {
    const runProgram = vi.fn(() =>
      Promise.resolve<ProgramRun>({
        verdict: 'failed',
        reason: 'wrong_answer',
        tests: [
          { verdict: 'passed', reason: 'passed', seconds: 0.1, memoryMb: 9 },
          {
            verdict: 'failed',
            reason: 'wrong_answer',
            seconds: 0.2,
            memoryMb: 10,
            message: 'line 2: expected 4, got 5',
          },
        ],
      }),
    )
    const driven = await drive(verifyRollout, of(program), { verification: { runProgram } })
    expect(driven.records).toMatchObject([
      {
        record: {
          verdict: 'failed',
          reason: 'wrong_answer',
          valid: true,
          extracted: null,
          tests: [
            { verdict: 'passed', reason: 'passed', seconds: 0.1, memoryMb: 9 },
            { verdict: 'failed', reason: 'wrong_answer', seconds: 0.2, memoryMb: 10 },
          ],
        },
      },
    ])
    expect(JSON.stringify(driven.records)).not.toContain('a long text')
    expect(runProgram).toHaveBeenCalledExactlyOnceWith(
      { completion: program.text, tests: programChecks.tests, allTests: true, digests: true },
      expect.any(AbortSignal),
    )
  })

  it.each([
    ['trusted tests', { ...program, checks: { ...programChecks, trusted: true } }, {}],
    ['tests where it is told to', program, { allTests: false }],
  ])('stops at the first that does not pass of %s', async (_, given, settings) => {
    const runProgram = vi.fn(() => Promise.resolve<ProgramRun>({ verdict: 'passed', reason: 'passed', tests: [] }))
    await drive(verifyRollout, of(given), { verification: { runProgram }, settings })
    expect(runProgram).toHaveBeenCalledWith(
      expect.objectContaining({ allTests: false, digests: false }),
      expect.any(AbortSignal),
    )
  })

  it('keeps the digest of what the program printed for each test', async () => {
    const ran = { seconds: 0.1, memoryMb: 9 }
    const tests: ProgramRun['tests'] = [
      { verdict: 'failed', reason: 'wrong_answer', ...ran, digest: '0123456789abcdef' },
      { verdict: 'failed', reason: 'runtime_error', ...ran },
    ]
    const driven = await drive(
      verifyRollout,
      of(program),
      running({ verdict: 'failed', reason: 'wrong_answer', tests }),
    )
    expect(driven.records).toMatchObject([
      { record: { tests: [{ outputDigest: '0123456789abcdef' }, { outputDigest: '' }] } },
    ])
  })

  it('runs what passed on inputs like those of the written tests as well, which decide nothing', async () => {
    const asked: ProgramTest[][] = []
    const runProgram = vi.fn(({ tests }: { tests: readonly ProgramTest[] }) => {
      asked.push([...tests])
      const run = { seconds: 0.1, memoryMb: 9 }
      const isProbe = asked.length === 2
      return Promise.resolve<ProgramRun>({
        verdict: isProbe ? 'failed' : 'passed',
        reason: isProbe ? 'wrong_answer' : 'passed',
        tests: tests.map((_, index) => ({
          ...{ verdict: 'failed', reason: '', ...run },
          ...(index === 0 ? {} : { digest: `digest ${index}` }),
        })),
      })
    })
    const driven = await drive(verifyRollout, of(program), { verification: { runProgram }, settings: { probes: 2 } })
    expect(asked[1]).toEqual([
      { input: '1 1\n', output: '' },
      { input: '2 1\n', output: '' },
    ])
    expect(driven.records).toMatchObject([{ record: { verdict: 'passed', probes: ['', 'digest 1'] } }])
    runProgram.mockClear()
    await drive(verifyRollout, of({ ...program, checks: { ...programChecks, trusted: true } }), {
      verification: { runProgram },
    })
    expect(runProgram).toHaveBeenCalledOnce()
  })

  it('runs all tests again where the sandbox failed on one of them, though another has failed', async () => {
    const ran = { seconds: 0.1, memoryMb: 9 }
    const tests: ProgramRun['tests'] = [
      { verdict: 'failed', reason: 'wrong_answer', ...ran },
      { verdict: 'unverifiable', reason: 'sandbox_error', ...ran, message: 'the lane died' },
    ]
    const options = running({ verdict: 'failed', reason: 'wrong_answer', tests })
    await expect(drive(verifyRollout, of(program), options)).rejects.toMatchObject({
      message: 'the sandbox failed on rollout-1: the lane died',
    })
  })

  it.each([
    ['length_limit', { calls: [modelCall({ finishReason: 'length' })] }],
    ['content_filter', { text: '', calls: [modelCall({ finishReason: 'content_filter' })] }],
    ['empty', { text: ' \n' }],
    ['stray_think_tag', { text: '</think>\\boxed{4}' }],
    ['foreign_script', { text: '答案 \\boxed{4}' }],
    ['length_limit', { ...program, calls: [modelCall({ finishReason: 'length' })] }],
  ])('fails an attempt of invalid form unchecked: %s', async (reason, given) => {
    const driven = await drive(verifyRollout, of(given), { verification: neverCalled })
    expect(driven.records).toMatchObject([{ record: { verdict: 'failed', reason, valid: false, extracted: null } }])
  })

  it('checks answers in Han and Hangul where it is told to', async () => {
    const options = { verification: inThread, settings: { refuseForeignScript: 'false' } }
    const driven = await drive(verifyRollout, of({ text: '答案 \\boxed{4}' }), options)
    expect(driven.records).toMatchObject([{ record: { verdict: 'passed' } }])
  })

  it.each([
    ['undecided', comparing({ verdict: 'unverifiable', reason: 'a reason of the verifier' }), {}],
    ['unsupported', running({ verdict: 'unverifiable', reason: 'unsupported', tests: [] }), program],
    ['out of time', running({ verdict: 'unverifiable', reason: 'verifier_timeout', tests: [] }), program],
  ])('counts no attempt that could not be checked: %s', async (_, options, given) => {
    const driven = await drive(verifyRollout, of(given), options)
    expect(driven.records).toMatchObject([{ record: { verdict: 'unverifiable', valid: false } }])
  })

  it('holds a fault of the sandbox against nobody: it is tried again', async () => {
    const fault = { verdict: 'unverifiable', reason: 'sandbox_error', seconds: 0, memoryMb: 0 } as const
    const options = running({
      verdict: 'unverifiable',
      reason: 'sandbox_error',
      tests: [fault],
      message: 'the lane died',
    })
    await expect(drive(verifyRollout, of(program), options)).rejects.toMatchObject({
      kind: 'transient',
      code: 'VERIFIER_UNAVAILABLE',
      message: 'the sandbox failed on rollout-1: the lane died',
    })
  })

  it('writes an unverifiable verdict for an attempt that is dead-lettered, so that nobody waits for it', async () => {
    const options: DriveOptions = {
      verification: {
        runProgram: () => Promise.reject(new InvalidRecordError('RECORD_INVARIANT_BROKEN', 'no such thing')),
      },
    }
    const driven = await drive(verifyRollout, of(program), options)
    expect(driven.deadLettered).toEqual({ code: 'RECORD_INVARIANT_BROKEN', message: 'no such thing' })
    expect(driven.records).toMatchObject([
      {
        topic: 'verdicts',
        record: {
          requestId: 'rollout-request-1',
          verdict: 'unverifiable',
          reason: 'sandbox_error',
          valid: false,
          detail: 'no such thing',
          text: program.text,
        },
      },
    ])
  })

  it('dead-letters an attempt of an unknown domain', async () => {
    const driven = await drive(verifyRollout, of({ domain: 'poetry' }), { verification: neverCalled })
    expect(driven.deadLettered?.message).toBe('no domain is called "poetry"; there are math, code, sql')
    expect(driven.records).toMatchObject([{ record: { verdict: 'unverifiable' } }])
  })

  describe('given further tests', () => {
    const given = { input: 'furtherTests', record: furtherTests() }
    const reads = (): ReturnType<typeof verdict> => verdict({ text: program.text })

    it('runs the programs that passed on them, as their verdicts hold them, and emits one record of all', async () => {
      const ran = { seconds: 0.1, memoryMb: 9 }
      const runProgram = vi.fn(() =>
        Promise.resolve<ProgramRun>({
          verdict: 'failed',
          reason: 'wrong_answer',
          tests: [{ verdict: 'failed', reason: 'wrong_answer', ...ran, digest: 'a digest' }],
        }),
      )
      const driven = await drive(verifyRollout, given, { verification: { runProgram }, reads })
      expect(runProgram).toHaveBeenCalledExactlyOnceWith(
        { completion: program.text, tests: furtherTests().tests, allTests: true, digests: true },
        expect.any(AbortSignal),
      )
      expect(driven.records).toMatchObject([
        {
          topic: 'test-runs',
          record: {
            parentIds: ['further-tests-1'],
            tests: furtherTests().tests,
            programs: [{ verdictId: 'verdict-1', tests: [{ verdict: 'failed', outputDigest: 'a digest' }] }],
            calls: [{ promptTokens: 10 }],
          },
        },
      ])
    })

    it('reads and runs nothing where there is no test', async () => {
      const record = furtherTests({ tests: [] })
      const driven = await drive(verifyRollout, { ...given, record }, { verification: neverCalled })
      expect(driven.records).toMatchObject([{ topic: 'test-runs', record: { tests: [], programs: [] } }])
    })

    it('tries again where the sandbox fails, and drops the tests where they are dead-lettered, so that nobody waits', async () => {
      const fault = { verdict: 'unverifiable', reason: 'sandbox_error', seconds: 0, memoryMb: 0 } as const
      const failing = running({ verdict: 'unverifiable', reason: 'sandbox_error', tests: [fault], message: 'it died' })
      await expect(drive(verifyRollout, given, { ...failing, reads })).rejects.toMatchObject({ kind: 'transient' })
      const gone = (): never => {
        throw new InvalidRecordError('RECORD_INVARIANT_BROKEN', 'no such verdict')
      }
      const driven = await drive(verifyRollout, given, { verification: neverCalled, reads: gone })
      expect(driven.deadLettered).toMatchObject({ message: 'no such verdict' })
      expect(driven.records).toMatchObject([{ topic: 'test-runs', record: { tests: [], programs: [] } }])
    })
  })

  it('gives a replay the same id, whatever it concludes', async () => {
    const ids = async (conclusion: MathComparison): Promise<string[]> =>
      idsOf(await drive(verifyRollout, of(), comparing(conclusion)))
    expect(await ids({ verdict: 'passed', reason: 'equal' })).toEqual(
      await ids({ verdict: 'failed', reason: 'different' }),
    )
  })

  it('does not start with a switch that is neither true nor false', async () => {
    await expect(drive(verifyRollout, of(), { settings: { refuseForeignScript: 'yes' } })).rejects.toThrow(
      'refuseForeignScript: expected true or false, got "yes"',
    )
  })
})
