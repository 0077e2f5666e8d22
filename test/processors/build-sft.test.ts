import { describe, expect, it } from 'vitest'
import { drive } from '../../engine/drive.ts'
import buildSft from '../../processors/build-sft.ts'
import { idsOf, modelCall, trace } from './records.ts'

const of = (given: Parameters<typeof trace>[0] = {}) => ({ input: 'traces', record: trace(given) })
const tokens = (promptTokens: number, completionTokens: number) => ({
  calls: [modelCall({ promptTokens, completionTokens })],
})

describe('build-sft', () => {
  it('emits prompt and completion, the reasoning in a think block', async () => {
    const driven = await drive(buildSft, of(tokens(100, 200)))
    expect(driven.records).toMatchObject([
      {
        topic: 'sft-examples',
        record: {
          parentIds: ['trace-1'],
          problemId: 'problem-1',
          domain: 'math',
          origin: 'synthetic',
          source: 'wellspring',
          teacher: 'teacher-model',
          prompt: 'What is the sum of 2 and 2?\nBox it.',
          completion: '<think>\n2 + 2\n</think>\n\nIt is \\boxed{4}.',
          tokens: 300,
        },
      },
    ])
  })

  it('takes a program for an answer in code', async () => {
    const text = 'Here it is:\n```python\nprint(4)\n```'
    expect((await drive(buildSft, of({ domain: 'code', text }))).records).toHaveLength(1)
    const driven = await drive(buildSft, of({ domain: 'code', text: 'It is \\boxed{4}.' }))
    expect(driven.discarded).toEqual({ reason: 'no-answer', evidence: 'ends in "It is \\boxed{4}."' })
  })

  it.each([
    ['length_limit', { calls: [modelCall({ finishReason: 'length' })] }],
    ['empty', { text: '' }],
    ['stray_think_tag', { text: '<think>\\boxed{4}' }],
    ['foreign_script', { text: '답은 \\boxed{4}' }],
  ])('discards as invalid-trace: %s', async (evidence, given) => {
    expect((await drive(buildSft, of(given))).discarded).toEqual({ reason: 'invalid-trace', evidence })
  })

  it('takes Han and Hangul where it is told to', async () => {
    const driven = await drive(buildSft, of({ text: '답은 \\boxed{4}' }), { settings: { refuseForeignScript: false } })
    expect(driven.records).toHaveLength(1)
  })

  it('discards as no-answer what ends in nothing to check', async () => {
    const driven = await drive(buildSft, of({ text: 'It is 4.' }))
    expect(driven.discarded).toEqual({ reason: 'no-answer', evidence: 'ends in "It is 4."' })
  })

  it('discards as too-long from 16,384 tokens on, 20 for the template counted in, as the paper does', async () => {
    expect((await drive(buildSft, of(tokens(364, 15_999)))).records).toHaveLength(1)
    const driven = await drive(buildSft, of(tokens(364, 16_000)))
    expect(driven.discarded).toEqual({ reason: 'too-long', evidence: '16364 tokens' })
  })

  it('dead-letters a trace of an unknown domain', async () => {
    expect((await drive(buildSft, of({ domain: 'poetry' }))).deadLettered?.code).toBe('RECORD_INVARIANT_BROKEN')
  })

  it('gives a replay the same id', async () => {
    expect(idsOf(await drive(buildSft, of()))).toEqual(idsOf(await drive(buildSft, of({ reasoning: 'another' }))))
  })

  it('does not start with fewer tokens than a row needs', async () => {
    await expect(drive(buildSft, of(), { settings: { maxTokens: 10 } })).rejects.toThrow(
      'maxTokens: expected a whole number between 64 and 10000000, got 10',
    )
  })
})
