import { describe, expect, it } from 'vitest'
import { drive } from '../../engine/drive.ts'
import { ConfigurationError, InvalidRecordError } from '../../engine/errors.ts'
import { defineProcessor } from '../../engine/processor.ts'
import { setting } from '../../engine/settings.ts'
import { Gates, inputs, numbering, outputs, seed } from './rig.ts'

const processor = defineProcessor({
  ...{ name: 'echo', summary: 'Echoes an answer.', version: 1, roles: ['solver'], metrics: {} },
  ...{ inputs: { inputs }, tables: {}, outputs: { outputs }, discards: ['empty'], onSpine: ['inputs'] },
  settings: { prefix: setting.text('Put before the answer.', { default: '', recipe: true }) },
  onFailure: {
    transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 },
    emitInstead: {
      inputs: ({ domain, source, sourceId, checks, publishedAt }, { code }, emit) =>
        emit.outputs({ parentIds: [], domain, source, sourceId, checks, publishedAt, statement: code }),
    },
  },
  process: {
    async inputs(
      { id, statement, domain, source, sourceId, checks, publishedAt },
      { complete, config, discard, emit, enterStream },
    ) {
      if (statement === 'refused') throw new InvalidRecordError('REQUEST_REFUSED', 'refused')
      const { text } = await complete({ role: 'solver', purpose: 'echo', prompt: { text: statement, version: '1' } })
      if (text === '') return discard('empty', 'nothing came')
      enterStream()
      return emit.outputs({
        parentIds: [id],
        domain,
        source,
        sourceId,
        checks,
        publishedAt,
        statement: config.prefix + text,
      })
    },
  },
})
const record = seed(1)
const given = { input: 'inputs', record }

describe('drive', () => {
  it('answers with complete records, the requests that were made and what was counted', async () => {
    const driven = await drive(processor, given, { answers: ['four'], settings: { prefix: '> ' }, nowMs: 5 })
    expect(driven.records).toMatchObject([
      { topic: 'outputs', record: { statement: '> four', parentIds: ['seed-1'], createdAtMs: 5, simulated: false } },
    ])
    expect(driven.requests).toMatchObject([{ role: 'solver', prompt: 'Problem 1' }])
    expect(driven).toMatchObject({ entered: 1, left: 0, discarded: undefined, deadLettered: undefined })
  })

  it('gives the same id to the same work whatever the answer, and another where a recipe setting differs', async () => {
    const idOf = async (answer: string, prefix = ''): Promise<unknown> =>
      (await drive(processor, given, { answers: [answer], settings: { prefix } })).records[0]?.record.valueOf()
    const [one, two, other] = (await Promise.all([idOf('a'), idOf('b'), idOf('a', '> ')])) as {
      id: string
      recipe: string
    }[]
    expect(one?.id).toBe(two?.id)
    expect(other?.id).not.toBe(one?.id)
    expect(other?.recipe).not.toBe(one?.recipe)
  })

  it('answers with a discard, and with a dead letter and what is emitted instead', async () => {
    expect((await drive(processor, given, { answers: [''] })).discarded).toEqual({
      reason: 'empty',
      evidence: 'nothing came',
    })
    const refused = await drive(processor, { input: 'inputs', record: seed(1, { statement: 'refused' }) })
    expect(refused).toMatchObject({
      deadLettered: { code: 'REQUEST_REFUSED', message: 'refused' },
      records: [{ topic: 'outputs', record: { statement: 'REQUEST_REFUSED' } }],
    })
  })

  it('keeps state from record to record in the map that is given', async () => {
    const gates = new Gates()
    gates.openAll()
    const state = new Map<string, unknown>()
    await drive(numbering(gates), given, { state })
    const second = await drive(numbering(gates), given, { state })
    expect(second.records).toMatchObject([{ record: { sourceId: 'one-key:1' } }])
    expect(state.get('one-key')).toEqual({ draws: 2, remaining: 0, combination: null })
  })

  it('refuses an unknown setting, an unknown input and a call that has no answer', async () => {
    await expect(drive(processor, given, { settings: { prefx: '' } })).rejects.toThrow(ConfigurationError)
    await expect(drive(processor, { input: 'others', record })).rejects.toThrow('drive: echo has no input "others"')
    await expect(drive(processor, given, { answers: [] })).rejects.toThrow('drive: no answer is given for call 1')
  })
})
