import { describe, expect, it } from 'vitest'
import { statementHash } from '../../curation/statements.ts'
import { drive } from '../../engine/drive.ts'
import generateProblem from '../../processors/generate-problem.ts'
import { ended, idsOf, rationale } from './records.ts'

const staged = { input: 'rationales', record: rationale() }
const joint = { input: 'rationales', record: rationale({ statement: 'What is 3 + 3?' }) }

describe('generate-problem', () => {
  it('emits the problem that the completion continues with in staged mode', async () => {
    const driven = await drive(generateProblem, staged, { answers: ['\nWhat is 2 + 2?\n'] })
    expect(driven.records).toMatchObject([
      {
        topic: 'problems',
        record: {
          parentIds: ['rationale-1'],
          domain: 'math',
          origin: 'synthetic',
          source: 'wellspring',
          statement: 'What is 2 + 2?',
          contentHash: statementHash('What is 2 + 2?'),
          concepts: ['addition', 'integers'],
          level: 'AIME',
          rationale: 'Add two small integers.',
          checks: null,
          judgements: [],
          calls: [{ purpose: 'problem' }],
        },
      },
    ])
  })

  it("continues the rationale's text in staged mode: same prompt, its rationale, the tag of the problem", async () => {
    const driven = await drive(generateProblem, staged, { answers: ['What is 2 + 2?'] })
    const [request] = driven.requests
    expect(
      request?.prompt.endsWith(
        'Difficulty Level: AIME\n\n<!-- BEGIN RATIONALE -->Add two small integers.<!-- END RATIONALE -->\n\n<!-- BEGIN PROBLEM -->',
      ),
    ).toBe(true)
    expect(request).toMatchObject({ role: 'problem-writer', seed: 8000, stop: ['<!-- END PROBLEM -->'] })
  })

  it('emits the problem of the rationale record in joint mode, without a call', async () => {
    const driven = await drive(generateProblem, joint, { answers: [] })
    expect(driven.records).toMatchObject([{ record: { statement: 'What is 3 + 3?', calls: [] } }])
    expect(driven.requests).toEqual([])
  })

  it.each([
    ['no-problem', ' \n'],
    ['length-limit', ended('length', 'What is')],
    ['content-filter', ended('content_filter', '')],
  ])('discards as %s: %j', async (reason, answer) => {
    const driven = await drive(generateProblem, staged, { answers: [answer] })
    expect(driven.discarded?.reason).toBe(reason)
    expect(driven.records).toEqual([])
  })

  it('gives a replay the same id, whatever the model answers', async () => {
    const id = async (answer: string): Promise<unknown> =>
      idsOf(await drive(generateProblem, staged, { answers: [answer] }))[0]
    expect(await id('What is 2 + 2?')).toBe(await id('What is 5 + 5?'))
  })

  it('does not start with a setting that it does not have', async () => {
    await expect(drive(generateProblem, staged, { settings: { mode: 'joint' } })).rejects.toThrow(
      'mode: generate-problem has no setting "mode"',
    )
  })
})
