import avro from 'avsc'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addCounts } from '../../engine/counts.ts'
import { defineProcessor, type Context, type Processor } from '../../engine/processor.ts'
import { schemaTexts, type DrawnCombination } from '../../schemas/generated.ts'
import { Gates, inputs, numbering, outputs, Rig, seeds } from './rig.ts'

/** A processor with state by source whose only rule is given. */
function withState(rule: (source: string, state: Context['state']) => void): Processor {
  return defineProcessor({
    ...{ name: 'keep', summary: 'Keeps state.', version: 1, roles: [], settings: {}, metrics: {} },
    ...{ inputs: { inputs }, tables: {}, outputs: { outputs }, discards: [], onSpine: [] },
    onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
    state: { kind: 'drawn-combination', keyOf: ({ source }) => source },
    process: {
      async inputs(record, { emit, state }) {
        rule(record.source, state)
        return emit.outputs(record)
      },
    },
  })
}

const silent = { gained: () => undefined, lost: () => undefined, failed: () => undefined }

describe('keyed state', () => {
  let rig: Rig
  let gates: Gates
  beforeEach(async () => {
    rig = await Rig.open()
    gates = new Gates()
  })
  afterEach(() => rig.close())

  const twoKeys = seeds(6, (number) => ({ source: number % 2 === 0 ? 'even' : 'odd' }))

  it('is changed by one record of a key at a time, in their order, while other keys go on beside it', async () => {
    await rig.add(inputs, twoKeys)
    await rig.start(numbering(gates))
    await gates.begins('seed-0', 'seed-1')
    expect(gates.held()).toEqual(['seed-0', 'seed-1'])
    gates.open('seed-1')
    await gates.begins('seed-3')
    gates.open('seed-3')
    await gates.begins('seed-5')
    expect(gates.held()).toEqual(['seed-0', 'seed-5'])
    gates.openAll()
    await rig.watch.finished(6)
    expect(gates.begun.filter((id) => Number(id.at(-1)) % 2 === 0)).toEqual(['seed-0', 'seed-2', 'seed-4'])
  })

  it('shows the next record of the key what the one before set, before any commit', async () => {
    await rig.add(inputs, seeds(3))
    const runtime = await rig.start(numbering(gates), { limits: { commitSeconds: 86_400 } })
    gates.openAll()
    await gates.begins('seed-2')
    expect(rig.watch.begun).toBe(0)
    await runtime.drain(new AbortController().signal)
    expect(rig.watch.commits).toHaveLength(1)
    expect((await rig.recordsOf(outputs)).map(({ sourceId }) => sourceId)).toEqual([
      'one-key:0',
      'one-key:1',
      'one-key:2',
    ])
  })

  it('is seen by a record that comes while the commit of the one before is under way', async () => {
    await rig.add(inputs, seeds(3))
    let release!: () => void
    const released = new Promise<void>((resolve) => (release = resolve))
    rig.watch.faults.push((proceed) => released.then(proceed))
    await rig.start(numbering(gates))
    await gates.begins('seed-0')
    gates.open('seed-0')
    await rig.watch.until(() => rig.watch.begun === 1)
    gates.openAll()
    await gates.begins('seed-2')
    release()
    await rig.watch.finished(3)
    expect((await rig.recordsOf(outputs)).map(({ sourceId }) => sourceId)).toEqual([
      'one-key:0',
      'one-key:1',
      'one-key:2',
    ])
  })

  it('is there again after a restart, as of the last commit', async () => {
    await rig.add(inputs, seeds(3))
    await rig.start(numbering(gates))
    await gates.begins('seed-0')
    gates.open('seed-0')
    await rig.watch.finished(1)
    await gates.begins('seed-1')
    await rig.crash()
    const again = new Gates()
    again.openAll()
    await rig.start(numbering(again))
    await rig.watch.finished(3)
    expect(again.begun).toEqual(['seed-1', 'seed-2'])
    expect((await rig.recordsOf(outputs)).map(({ sourceId }) => sourceId)).toEqual([
      'one-key:0',
      'one-key:1',
      'one-key:2',
    ])
  })

  it('that is removed is gone for the next record and after a restart', async () => {
    await rig.add(inputs, seeds(4))
    const seen: (number | undefined)[] = []
    const setThenRemove = withState((source, state) => {
      const before = state.get(source) as DrawnCombination | undefined
      seen.push(before?.draws)
      if (before) state.remove(source)
      else state.set(source, { draws: seen.length, remaining: 0, combination: null })
    })
    await rig.start(setThenRemove)
    await rig.watch.finished(4)
    expect(seen).toEqual([undefined, 1, undefined, 3])
    await rig.crash()
    await rig.add(inputs, seeds(5).slice(4))
    await rig.start(setThenRemove)
    await rig.watch.finished(5)
    expect(seen.at(-1)).toBeUndefined()
  })

  it('that an earlier version wrote under another schema is read', async () => {
    const schema = JSON.parse(schemaTexts['drawn-combination']) as { fields: object[] }
    schema.fields.push({ name: 'forgotten', type: 'string', default: '' })
    const id = await rig.log.schemas.idOf('number-changelog-drawn-combination', JSON.stringify(schema))
    const value = Buffer.concat([
      Buffer.from([0, 0, 0, 0, id]),
      avro.Type.forSchema(schema as never).toBuffer({ draws: 41, remaining: 0, combination: null, forgotten: 'x' }),
    ])
    await rig.codec.prepare('number-changelog-progress', 'progress')
    const membership = await rig.log.join({ name: 'number', inputs: ['inputs'], tasks: 1 }, silent)
    const open = await membership.open(0)
    const counts = addCounts([])
    const progress = {
      sequence: 1,
      inputs: [{ topic: 'inputs', nextOffset: 0, unfinished: [] }],
      counts,
      committedAtMs: 0,
    }
    await open.commit({
      ...{ sequence: 1, outputs: [], state: [{ key: 's:one-key', value }] },
      progress: rig.codec.encode('number-changelog-progress', 'progress', progress),
    })
    await open.close()
    await membership.leave()
    await rig.add(inputs, seeds(1))
    gates.openAll()
    await rig.start(numbering(gates))
    await rig.watch.finished(1)
    expect((await rig.recordsOf(outputs)).map(({ sourceId }) => sourceId)).toEqual(['one-key:41'])
  })

  it('may be kept under keys below the record`s own', async () => {
    await rig.add(inputs, seeds(2))
    const seen: unknown[] = []
    await rig.start(
      withState((source, state) => {
        seen.push(state.get(`${source}/part`))
        state.set(`${source}/part`, { draws: 7, remaining: 0, combination: null })
      }),
    )
    await rig.watch.finished(2)
    expect(seen).toEqual([undefined, expect.objectContaining({ draws: 7 })])
  })

  for (const [what, key] of [
    ['another key', 'other'],
    ['a key that only begins like its own', 'one-keys'],
  ] as const) {
    it(`stops the run as a bug when a record touches ${what}`, async () => {
      await rig.add(inputs, seeds(1))
      const runtime = await rig.start(withState((_, state) => void state.get(key)))
      await expect(runtime.failed).rejects.toThrow(
        `keep failed on inputs/0 offset 0: keep may use the state under its record's key one-key alone, not ${key}`,
      )
      expect(await rig.progressOf('keep')).toBeUndefined()
    })
  }

  it('stops the run as a bug when a processor uses state that it does not declare', async () => {
    await rig.add(inputs, seeds(1))
    const { state: _, ...stateless } = withState((source, state) => void state.get(source))
    const runtime = await rig.start(stateless)
    await expect(runtime.failed).rejects.toThrow('keep uses state but declares none')
  })

  describe('with an index over all of it', () => {
    /** Emits a record with the number of entries that the index holds, in order of offsets, and adds one. */
    const counting = (held: Gates): Processor =>
      defineProcessor({
        ...{ name: 'keep', summary: 'Counts entries.', version: 1, roles: [], settings: {}, metrics: {} },
        ...{ inputs: { inputs }, tables: {}, outputs: { outputs }, discards: [], onSpine: [] },
        onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
        state: {
          kind: 'drawn-combination',
          index: {
            create: () => new Map<string, number>(),
            add: (index, key, { draws }) => void index.set(key, draws),
          },
        },
        process: {
          async inputs(record, { emit, state, index }) {
            await held.pass(record.id)
            state.set(record.id, { draws: index.size, remaining: 0, combination: null })
            return emit.outputs({ ...record, sourceId: [...index.keys()].join(',') })
          },
        },
      })

    it('shows each record what those before it set, one after the other, whatever their keys', async () => {
      await rig.add(inputs, seeds(3))
      await rig.start(counting(gates))
      await gates.begins('seed-0')
      expect(gates.held()).toEqual(['seed-0'])
      gates.openAll()
      await rig.watch.finished(3)
      const seen = (await rig.recordsOf(outputs)).map(({ sourceId }) => sourceId)
      expect(seen).toEqual(['', 'seed-0', 'seed-0,seed-1'])
    })

    it('is made of the committed entries alone after a restart', async () => {
      await rig.add(inputs, seeds(5))
      gates.open('seed-0')
      gates.open('seed-1')
      await rig.start(counting(gates))
      await rig.watch.finished(2)
      await gates.begins('seed-2')
      await rig.crash()
      gates = new Gates()
      gates.openAll()
      await rig.start(counting(gates))
      await rig.watch.finished(5)
      const seen = (await rig.recordsOf(outputs)).map(({ sourceId }) => sourceId)
      expect(seen).toEqual(['', 'seed-0', 'seed-0,seed-1', 'seed-0,seed-1,seed-2', 'seed-0,seed-1,seed-2,seed-3'])
    })
  })
})
