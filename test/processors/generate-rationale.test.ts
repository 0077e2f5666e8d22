import { describe, expect, it } from 'vitest'
import { drive } from '../../engine/drive.ts'
import { TransientError } from '../../engine/errors.ts'
import generateRationale from '../../processors/generate-rationale.ts'
import { combination, ended, idsOf } from './records.ts'

const given = { input: 'concepts', record: combination() }
const completion =
  '<!-- BEGIN RATIONALE --> Add two integers. <!-- END RATIONALE --> <!-- BEGIN PROBLEM --> What is 2 + 2? <!-- END PROBLEM -->'
const staged = { mode: 'staged' }

describe('generate-rationale', () => {
  it('emits rationale and problem of one completion in joint mode', async () => {
    const driven = await drive(generateRationale, given, { answers: [completion] })
    expect(driven.records).toMatchObject([
      {
        topic: 'rationales',
        record: {
          parentIds: ['concept-combination-1'],
          domain: 'math',
          concepts: ['addition', 'integers'],
          level: 'AIME',
          seed: 8000,
          rationale: 'Add two integers.',
          statement: 'What is 2 + 2?',
          calls: [{ purpose: 'synthesis', promptVersion: 'synthesis-released', seed: 8000 }],
        },
      },
    ])
  })

  it.each([
    ['cooccurrence', 0],
    ['cooccurrence-and-similarity', 0],
    ['released', 1],
    ['given', 1],
  ])('counts a combination that was sampled as %s as %i unit of work that enters', async (sampler, entered) => {
    const record = combination({ sampler })
    const emitted = await drive(generateRationale, { ...given, record }, { answers: [completion] })
    const discarded = await drive(generateRationale, { ...given, record }, { answers: ['nothing'] })
    expect([emitted.entered, discarded.entered]).toEqual([entered, entered])
  })

  it("sends the released models' prompt to the letter, with the combination's seed", async () => {
    const driven = await drive(generateRationale, given, { answers: [completion] })
    expect(driven.requests).toEqual([
      {
        role: 'problem-writer',
        prompt:
          'Given foundational concepts and difficulty level, identify connections and develop a question that integrates these concepts with appropriate complexity.\n' +
          '\nFoundational Concepts:\n1. addition\n2. integers\n\nDifficulty Level: AIME\n\n',
        seed: 8000,
        stop: ['<!-- END PROBLEM -->'],
      },
    ])
  })

  it('emits the rationale alone in staged mode, and stops there', async () => {
    const driven = await drive(generateRationale, given, {
      settings: staged,
      answers: ['<!-- BEGIN RATIONALE --> Add two integers. '],
    })
    expect(driven.records).toMatchObject([{ record: { rationale: 'Add two integers.', statement: null } }])
    expect(driven.requests[0]?.stop).toEqual(['<!-- END RATIONALE -->'])
  })

  it.each([
    ['no-rationale', '<!-- BEGIN RATIONALE --> <!-- END RATIONALE --> <!-- BEGIN PROBLEM --> x', {}],
    ['no-rationale', ' ', staged],
    ['no-problem', '<!-- BEGIN RATIONALE --> Add. <!-- END RATIONALE -->', {}],
    ['length-limit', ended('length', completion), {}],
    ['length-limit', ended('length', '<!-- BEGIN RATIONALE --> Add'), staged],
    ['content-filter', ended('content_filter', ''), {}],
  ])('discards as %s what holds none: %j', async (reason, answer, settings) => {
    const driven = await drive(generateRationale, given, { answers: [answer], settings })
    expect(driven.discarded?.reason).toBe(reason)
    expect(driven.discarded?.evidence).not.toBe('')
    expect(driven.records).toEqual([])
  })

  it('gives a replay the same id, whatever the model answers, and another one to another mode', async () => {
    const id = async (answer: string, settings = {}): Promise<unknown> =>
      idsOf(await drive(generateRationale, given, { answers: [answer], settings }))[0]
    const first = await id(completion)
    expect(first).toMatch(/^rationale-[0-9a-f]{24}$/)
    expect(await id(completion.replace('2 + 2', '3 + 3'))).toBe(first)
    expect(await id(completion, staged)).not.toBe(first)
  })

  it("passes a call's transient failure on", async () => {
    const answers = (): never => {
      throw new TransientError('ENDPOINT_UNREACHABLE', 'refused', { outage: true })
    }
    await expect(drive(generateRationale, given, { answers })).rejects.toThrow('refused')
  })

  it('does not start in an unknown mode', async () => {
    await expect(drive(generateRationale, given, { settings: { mode: 'both' } })).rejects.toThrow(
      'mode: expected one of joint, staged, got "both"',
    )
  })
})
