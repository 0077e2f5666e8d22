import { describe, expect, it } from 'vitest'
import { drive } from '../../engine/drive.ts'
import { TransientError } from '../../engine/errors.ts'
import teach, { traceRequestId } from '../../processors/teach.ts'
import { ended, idsOf, problem, traceRequest } from './records.ts'

const of = (given: Parameters<typeof traceRequest>[0] = {}) => ({ input: 'traceRequests', record: traceRequest(given) })
const accepted = (given: Parameters<typeof problem>[0] = {}) => ({ input: 'acceptedProblems', record: problem(given) })
const answer = { text: 'It is \\boxed{4}.', reasoning: '2 + 2' }

describe('teach', () => {
  it('asks each teacher for one trace of an accepted problem', async () => {
    const driven = await drive(teach, accepted({ origin: 'human', source: 'math-500' }), {
      models: { teacher: ['teacher-a', 'teacher-b'] },
    })
    const shared = {
      ...{ parentIds: ['problem-1'], problemId: 'problem-1', domain: 'math', origin: 'human', source: 'math-500' },
      statement: 'What is the sum of 2 and 2?',
    }
    expect(driven.records).toMatchObject([
      { topic: 'trace-requests', record: { ...shared, teacher: 'teacher-a' } },
      { topic: 'trace-requests', record: { ...shared, teacher: 'teacher-b' } },
    ])
    expect(driven.requests).toEqual([])
  })

  it('asks for the same trace by the same id, whoever else is configured and whoever asks', async () => {
    const [both, alone] = await Promise.all(
      [['teacher-a', 'teacher-b'], ['teacher-b']].map(async (teacher) =>
        idsOf(await drive(teach, accepted(), { models: { teacher } })),
      ),
    )
    expect(new Set(both).size).toBe(2)
    expect(both?.[1]).toBe(alone?.[0])
    expect(alone).toEqual([traceRequestId('problem-1', 'teacher-b')])
  })

  it("emits the teacher's attempt with the prompt that it was sent", async () => {
    const driven = await drive(teach, of({ origin: 'human', source: 'math-500' }), { answers: [answer] })
    const prompt =
      'What is the sum of 2 and 2?\nPlease reason step by step, and put your final answer within \\boxed{}.'
    expect(driven.records).toMatchObject([
      {
        topic: 'traces',
        record: {
          parentIds: ['trace-request-1', 'problem-1'],
          problemId: 'problem-1',
          domain: 'math',
          origin: 'human',
          source: 'math-500',
          teacher: 'teacher-model',
          statement: 'What is the sum of 2 and 2?',
          prompt,
          text: 'It is \\boxed{4}.',
          reasoning: '2 + 2',
          calls: [{ purpose: 'trace' }],
        },
      },
    ])
    expect(driven.requests).toMatchObject([{ role: 'teacher', model: 'teacher-model', prompt }])
  })

  it('teaches problems of every domain, each with a seed of its own', async () => {
    const seeds = await Promise.all(
      [of(), of({ problemId: 'problem-2', domain: 'code' })].map(async (given) => {
        const { requests } = await drive(teach, given, { answers: [answer] })
        return requests[0]?.seed
      }),
    )
    expect(new Set(seeds).size).toBe(2)
  })

  it('discards as content-filter what the endpoint withheld', async () => {
    const driven = await drive(teach, of(), { answers: [ended('content_filter', '')] })
    expect(driven.discarded).toEqual({
      reason: 'content-filter',
      evidence: 'the endpoint withheld the answer of teacher-model',
    })
  })

  it("passes a call's transient failure on", async () => {
    const answers = (): never => {
      throw new TransientError('ENDPOINT_FAILED', 'answered 500')
    }
    await expect(drive(teach, of(), { answers })).rejects.toThrow('answered 500')
  })

  it('dead-letters a problem of an unknown domain', async () => {
    const driven = await drive(teach, of({ domain: 'poetry' }), { answers: [] })
    expect(driven.deadLettered?.code).toBe('RECORD_INVARIANT_BROKEN')
  })

  it('gives a replay the same id and seed, whatever the teacher answers', async () => {
    const first = await drive(teach, of(), { answers: [answer] })
    const second = await drive(teach, of(), { answers: ['Another answer.'] })
    expect(idsOf(second)).toEqual(idsOf(first))
    expect(second.requests).toEqual(first.requests)
  })

  it('does not start with a setting that it does not have', async () => {
    await expect(drive(teach, of(), { settings: { attempts: 2 } })).rejects.toThrow(
      'attempts: teach has no setting "attempts"',
    )
  })
})
