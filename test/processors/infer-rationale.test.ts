import { describe, expect, it } from 'vitest'
import { drive, type DriveOptions } from '../../engine/drive.ts'
import { TransientError } from '../../engine/errors.ts'
import inferRationale from '../../processors/infer-rationale.ts'
import { ended, idsOf, rationaleRequest } from './records.ts'

const given = { input: 'requests', record: rationaleRequest() }
const announced: DriveOptions['announced'] = { 'rationale-writer': { version: 'q-0', ordinal: 1 } }
const tagged = (rationale: string): string => `<!-- BEGIN RATIONALE -->${rationale}`

describe('infer-rationale', () => {
  it('draws the candidates of an E-step from the rationale writer, each with a seed of its own', async () => {
    const driven = await drive(inferRationale, given, {
      announced,
      answers: [tagged('Add.'), tagged(' Count up. '), tagged('Pair them.')],
    })
    expect(driven.records).toMatchObject([
      {
        topic: 'rationale-candidates',
        record: {
          parentIds: ['rationale-request-1'],
          conceptListId: 'concept-list-1',
          statement: 'What is 2 + 2?',
          step: 'e',
          iteration: 1,
          announcement: 2,
          writer: 'rationale-writer-model',
          writerVersion: 'q-0',
          scorerVersion: 'p-0',
          rationales: ['Add.', 'Count up.', 'Pair them.'],
          lost: 0,
          calls: [{ modelVersion: 'q-0' }, { modelVersion: 'q-0' }, { modelVersion: 'q-0' }],
        },
      },
    ])
    expect(driven.requests).toHaveLength(3)
    for (const request of driven.requests)
      expect(request).toMatchObject({
        role: 'rationale-writer',
        version: 'q-0',
        sampling: { temperature: 1 },
        stop: ['<!-- END RATIONALE -->'],
        prompt: expect.stringMatching(/1\. addition\n2\. integers\n[^]*Problem:\nWhat is 2 \+ 2\?\n\n$/) as string,
      })
    expect(new Set(driven.requests.map(({ seed }) => seed)).size).toBe(3)
  })

  it('asks the annotator who listed the concepts in the cold start, and reads what stands after the mark', async () => {
    const record = rationaleRequest({
      ...{ step: 'cold-start', iteration: 0, announcement: 0, role: 'annotator', writer: 'model-b' },
      ...{ writerVersion: '', scorerVersion: '', candidates: 1, temperature: null },
    })
    const driven = await drive(
      inferRationale,
      { ...given, record },
      { models: { annotator: ['model-a', 'model-b'] }, answers: ['Well. **Thinking Process:** Two pairs meet.'] },
    )
    expect(driven.records).toMatchObject([
      { record: { step: 'cold-start', writer: 'model-b', rationales: ['Two pairs meet.'] } },
    ])
    expect(driven.requests).toMatchObject([{ role: 'annotator', model: 'model-b' }])
    expect(driven.requests[0]).not.toHaveProperty('sampling')
  })

  it('leaves out draws that were cut off, withheld or hold no rationale, and counts them', async () => {
    const record = rationaleRequest({ candidates: 4 })
    const answers = [tagged('Add.'), ended('length', tagged('Add and')), ended('content_filter', ''), tagged(' ')]
    const driven = await drive(inferRationale, { ...given, record }, { announced, answers })
    expect(driven.records).toMatchObject([{ record: { rationales: ['Add.'], lost: 3 } }])
  })

  it('discards as no-rationale a request whose draws give none', async () => {
    const driven = await drive(inferRationale, given, { announced, answers: () => tagged('') })
    expect(driven.discarded).toMatchObject({ reason: 'no-rationale' })
    expect(driven.discarded?.evidence).toContain('3 answers')
  })

  it('discards as superseded what was meant for a version that another has replaced since, without a call', async () => {
    const driven = await drive(inferRationale, given, {
      announced: { 'rationale-writer': { version: 'q-1', ordinal: 3 } },
    })
    expect(driven.discarded).toEqual({
      reason: 'superseded',
      evidence: 'asked for version q-0, version q-1 is in force',
    })
    expect(driven.requests).toEqual([])
  })

  it('waits for an announcement that this process has not read yet', async () => {
    const early = drive(inferRationale, given, { announced: {} })
    await expect(early).rejects.toMatchObject({ kind: 'transient', code: 'MODEL_NOT_ANNOUNCED', outage: true })
    const older = { 'rationale-writer': { version: 'q-old', ordinal: 1 } }
    await expect(drive(inferRationale, given, { announced: older })).rejects.toThrow('q-0')
  })

  it('gives a replay the same id, and another version another one', async () => {
    const answers = (): string => tagged('Add.')
    const ids = async (version: string): Promise<string[]> =>
      idsOf(
        await drive(
          inferRationale,
          { ...given, record: rationaleRequest({ writerVersion: version }) },
          { answers, announced: { 'rationale-writer': { version, ordinal: 2 } } },
        ),
      )
    expect(await ids('q-0')).toEqual(await ids('q-0'))
    expect(await ids('q-1')).not.toEqual(await ids('q-0'))
  })

  it("passes a call's transient failure on", async () => {
    const answers = (): never => {
      throw new TransientError('ENDPOINT_TIMEOUT', 'no answer in 60 s')
    }
    await expect(drive(inferRationale, given, { announced, answers })).rejects.toThrow('no answer in 60 s')
  })
})
