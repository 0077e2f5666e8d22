import { describe, expect, it } from 'vitest'
import { drive, type DriveOptions } from '../../engine/drive.ts'
import scoreRationale from '../../processors/score-rationale.ts'
import { idsOf, rationaleCandidates } from './records.ts'

const given = { input: 'candidates', record: rationaleCandidates() }
const options: DriveOptions = {
  announced: { 'problem-writer': { version: 'p-0', ordinal: 2 } },
  scores: ({ text, parts }) =>
    parts.map(({ start, end }) => ({ logProbability: -text.slice(start, end).length, tokens: 2 })),
}

describe('score-rationale', () => {
  it('scores each rationale and its problem with the problem writer, the sums apart', async () => {
    const driven = await drive(scoreRationale, given, options)
    expect(driven.scored).toHaveLength(3)
    const [first] = driven.scored
    expect(first).toMatchObject({ role: 'problem-writer', version: 'p-0' })
    const [ofRationale, ofProblem] = (first?.parts ?? []).map(({ start, end }) => first?.text.slice(start, end))
    expect(ofRationale).toBe('<!-- BEGIN RATIONALE -->Add.<!-- END RATIONALE -->')
    expect(ofProblem).toBe('\n\n<!-- BEGIN PROBLEM -->What is 2 + 2?<!-- END PROBLEM -->')
    expect(driven.records).toMatchObject([
      {
        topic: 'scored-rationales',
        record: {
          parentIds: ['rationale-candidates-1'],
          rationales: ['Add.', 'Count up.', 'Think of two pairs.'],
          scores: [
            {
              rationaleLogProbability: -(ofRationale ?? '').length,
              rationaleTokens: 2,
              problemLogProbability: -(ofProblem ?? '').length,
              problemTokens: 2,
            },
            {},
            {},
          ],
          scorer: 'problem-writer-model',
          scorerVersion: 'p-0',
          calls: [{ purpose: 'score-0', modelVersion: 'p-0', finishReason: 'given', temperature: null }, {}, {}],
        },
      },
    ])
  })

  it('begins the scored text with the synthesis prompt of the concepts and the level', async () => {
    const { scored } = await drive(scoreRationale, given, options)
    expect(scored[0]?.text).toMatch(
      /^Given foundational concepts and difficulty level[^]*Foundational Concepts:\n1\. addition\n2\. integers\n\nDifficulty Level: AIME\n\n<!-- BEGIN RATIONALE -->/,
    )
  })

  it.each(['cold-start', 'm'])('hands on what needs no score (step %s), without a call', async (step) => {
    const record = rationaleCandidates({ step, scorerVersion: '', rationales: ['Add.'] })
    const driven = await drive(scoreRationale, { ...given, record }, { models: { 'problem-writer': [] } })
    expect(driven.records).toMatchObject([{ record: { step, rationales: ['Add.'], scores: [], scorer: '' } }])
  })

  it('discards as superseded what another version would have to score', async () => {
    const driven = await drive(scoreRationale, given, {
      ...options,
      announced: { 'problem-writer': { version: 'p-1', ordinal: 3 } },
    })
    expect(driven.discarded?.reason).toBe('superseded')
    expect(driven.scored).toEqual([])
  })

  it('waits for an announcement that this process has not read yet', async () => {
    await expect(drive(scoreRationale, given, { ...options, announced: {} })).rejects.toMatchObject({
      code: 'MODEL_NOT_ANNOUNCED',
      outage: true,
    })
  })

  it('gives a replay the same id, whatever the scores', async () => {
    const first = idsOf(await drive(scoreRationale, given, options))
    const scores: DriveOptions['scores'] = ({ parts }) => parts.map(() => ({ logProbability: -1, tokens: 1 }))
    expect(idsOf(await drive(scoreRationale, given, { ...options, scores }))).toEqual(first)
  })
})
