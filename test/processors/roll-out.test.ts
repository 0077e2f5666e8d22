import { describe, expect, it } from 'vitest'
import { drive } from '../../engine/drive.ts'
import { TransientError } from '../../engine/errors.ts'
import rollOut from '../../processors/roll-out.ts'
import { ended, idsOf, programChecks, rolloutRequest } from './records.ts'

const of = (given: Parameters<typeof rolloutRequest>[0] = {}) => ({
  input: 'rolloutRequests',
  record: rolloutRequest(given),
})
const answer = { text: 'It is \\boxed{4}.', reasoning: '2 + 2' }
const mathInstruction = 'Please reason step by step, and put your final answer within \\boxed{}.'

describe('roll-out', () => {
  it('emits one attempt with its reasoning apart', async () => {
    const driven = await drive(rollOut, of({ solver: 'solver-b', attempt: 3, seed: 77 }), { answers: [answer] })
    expect(driven.records).toMatchObject([
      {
        topic: 'rollouts',
        record: {
          parentIds: ['rollout-request-1'],
          domain: 'math',
          problemId: 'problem-1',
          solver: 'solver-b',
          attempt: 3,
          statement: 'What is the sum of 2 and 2?',
          checks: { answer: '4', tests: [], trusted: false },
          text: 'It is \\boxed{4}.',
          reasoning: '2 + 2',
          calls: [{ purpose: 'attempt', model: 'solver-b', seed: 77, finishReason: 'stop' }],
        },
      },
    ])
    expect(driven.requests).toMatchObject([{ role: 'solver', model: 'solver-b', seed: 77 }])
  })

  it("sends math in the released solvers' form", async () => {
    const { requests } = await drive(rollOut, of(), { answers: [answer] })
    expect(requests[0]?.prompt).toBe(`What is the sum of 2 and 2?\n${mathInstruction}`)
  })

  it('adds the instruction of math never twice', async () => {
    const statement = `What is the sum of 2 and 2?\n${mathInstruction}\n`
    const { requests } = await drive(rollOut, of({ statement }), { answers: [answer] })
    expect(requests[0]?.prompt).toBe(statement)
  })

  it("sends code in the released solvers' form", async () => {
    const request = of({ domain: 'code', statement: 'Print the sum.', checks: programChecks })
    const { requests } = await drive(rollOut, request, { answers: [answer] })
    expect(requests[0]?.prompt).toBe(
      'You will be given a question (problem specification) and will generate a correct Python program that matches the specification and passes all tests.\n' +
        '\nPrint the sum.\n' +
        '\nRead the inputs from stdin solve the problem and write the answer to stdout (do not directly test on the sample inputs). ' +
        'Enclose your code within delimiters as follows. Ensure that when the python program runs, it reads the inputs, runs the algorithm and writes output to STDOUT.\n' +
        '```python\n# YOUR CODE HERE\n```\n\n',
    )
  })

  it.each([ended('length'), ended('content_filter', ''), { text: '', reasoning: undefined }])(
    'emits an attempt that came to nothing too, for verify-rollout to name it: %j',
    async (completion) => {
      const driven = await drive(rollOut, of(), { answers: [completion] })
      expect(driven.records).toMatchObject([{ topic: 'rollouts', record: { text: completion.text, reasoning: null } }])
    },
  )

  it('writes an unverifiable verdict for a request that is dead-lettered, so that nobody waits for it', async () => {
    const driven = await drive(rollOut, of({ domain: 'poetry', attempt: 2 }), { answers: [] })
    expect(driven.deadLettered?.code).toBe('RECORD_INVARIANT_BROKEN')
    expect(driven.records).toMatchObject([
      {
        topic: 'verdicts',
        record: {
          parentIds: ['rollout-request-1'],
          requestId: 'rollout-request-1',
          problemId: 'problem-1',
          solver: 'solver-model',
          attempt: 2,
          verdict: 'unverifiable',
          reason: 'not_run',
          valid: false,
          extracted: null,
          detail: 'RECORD_INVARIANT_BROKEN: no domain is called "poetry"; there are math, code, sql',
          text: '',
        },
      },
    ])
  })

  it("passes a call's transient failure on", async () => {
    const answers = (): never => {
      throw new TransientError('ENDPOINT_RATE_LIMITED', 'too many requests', { outage: true })
    }
    await expect(drive(rollOut, of(), { answers })).rejects.toThrow('too many requests')
  })

  it('gives a replay the same id, whatever the model answers', async () => {
    const ids = async (text: string): Promise<string[]> => idsOf(await drive(rollOut, of(), { answers: [text] }))
    expect(await ids('\\boxed{4}')).toEqual(await ids('\\boxed{5}'))
  })

  it('does not start with a setting that it does not have: sampling belongs to the role', async () => {
    await expect(drive(rollOut, of(), { settings: { temperature: 1 } })).rejects.toThrow(
      'temperature: roll-out has no setting "temperature"',
    )
  })
})
