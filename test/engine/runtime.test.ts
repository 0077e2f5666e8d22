import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineProcessor, table, type Processor } from '../../engine/processor.ts'
import { addCounts } from '../../engine/counts.ts'
import { groupOf } from '../../engine/runtime.ts'
import { topics } from '../../topics/catalogue.ts'
import { conceptList } from '../processors/records.ts'
import {
  eventually,
  Gates,
  handingOn,
  inputs,
  outputs,
  referenceTable,
  Rig,
  seed,
  seeds,
  spreadInputs,
  statusOf,
} from './rig.ts'

/** Hands on from a topic of two partitions. */
function handingOnSpread(gates: Gates): Processor {
  return { ...handingOn(gates), name: 'hand-on-spread', inputs: { inputs: spreadInputs } }
}

describe('the group of a processor', () => {
  it('has one task for each partition of its inputs', () => {
    expect(groupOf(handingOnSpread(new Gates()))).toEqual({
      name: 'hand-on-spread',
      inputs: ['spread-inputs'],
      tasks: 2,
    })
  })

  it('has one task when the processor is a source', () => {
    expect(groupOf({ ...handingOn(new Gates()), inputs: {} })).toEqual({ name: 'hand-on', inputs: [], tasks: 1 })
  })

  it('is refused when the inputs have different partition counts', () => {
    const uneven = { ...handingOn(new Gates()), inputs: { inputs, spreadInputs } } as unknown as Processor
    expect(() => groupOf(uneven)).toThrow(
      'hand-on: its inputs must have one partition count, got inputs 1, spread-inputs 2',
    )
  })
})

describe('a run', () => {
  let rig: Rig
  let gates: Gates
  beforeEach(async () => {
    rig = await Rig.open()
    gates = new Gates()
  })
  afterEach(() => rig.close())

  async function addConceptList(simulated: boolean): Promise<void> {
    const topic = topics.conceptLists
    await rig.codec.prepare(topic.name, topic.kind)
    const value = rig.codec.encode(topic.name, topic.kind, conceptList({ simulated }))
    await rig.log.append([{ topic: topic.name, partition: 0, key: 'k', value }], `concept list ${simulated}`)
  }

  for (const simulated of [true, false]) {
    it(`does not start with ${simulated ? 'real' : 'simulated'} models on a corpus of ${simulated ? 'simulated' : 'real'} records`, async () => {
      await addConceptList(simulated)
      await expect(rig.start(handingOn(gates), { simulated: !simulated })).rejects.toThrow(
        `this corpus holds ${simulated ? 'simulated' : 'real'} records and this run would add ${simulated ? 'real' : 'simulated'} ones`,
      )
      expect(await rig.log.progress('hand-on')).toEqual([])
      await expect(rig.start(handingOn(gates), { simulated })).resolves.toBeDefined()
    })
  }

  it('starts beside an undecodable record where it looks for the sort of the corpus', async () => {
    await rig.log.append([{ topic: 'concept-lists', partition: 0, key: 'k', value: Buffer.from('poison') }], 'poison')
    await expect(rig.start(handingOn(gates))).resolves.toBeDefined()
  })

  it('works on all partitions, each with its own progress', async () => {
    await rig.add(spreadInputs, seeds(2), 0)
    await rig.add(spreadInputs, [seed(7)], 1)
    const runtime = await rig.start(handingOnSpread(gates))
    gates.openAll()
    await eventually(() => statusOf(runtime).counts.finished === 3)
    expect(await rig.progressOf('hand-on-spread', 0)).toMatchObject({
      inputs: [{ nextOffset: 2 }],
      counts: { finished: 2 },
    })
    expect(await rig.progressOf('hand-on-spread', 1)).toMatchObject({
      inputs: [{ nextOffset: 1 }],
      counts: { finished: 1 },
    })
    expect((await rig.recordsOf(topics.ledger)).map(({ task }) => task).sort()).toContain(1)
  })

  it('tells in its status what is in flight, what waits for its commit and what is left of the inputs', async () => {
    await rig.add(inputs, seeds(5))
    const runtime = await rig.start(handingOn(gates), { limits: { maxInFlight: 3, commitSeconds: 86_400 } })
    await gates.begins('seed-2')
    gates.open('seed-1')
    await gates.begins('seed-3')
    await runtime.refreshBacklog()
    expect(statusOf(runtime)).toMatchObject({
      ...{ name: 'hand-on', inFlight: 3, uncommitted: 1, backlog: 5, waiting: undefined, source: undefined },
      counts: { finished: 0 },
    })
    await rig.add(inputs, seeds(7).slice(5))
    await runtime.refreshBacklog()
    expect(statusOf(runtime).backlog).toBe(7)
    gates.openAll()
    await runtime.drain(new AbortController().signal)
  })

  it('takes up the counts of earlier runs', async () => {
    await rig.add(inputs, seeds(2))
    gates.open('seed-0')
    await rig.start(handingOn(gates))
    await rig.watch.finished(1)
    await rig.crash()
    const again = new Gates()
    again.openAll()
    const runtime = await rig.start(handingOn(again))
    await rig.watch.finished(2)
    await eventually(() => statusOf(runtime).counts.finished === 2)
    expect(statusOf(runtime).counts.emitted).toEqual({ outputs: 2 })
  })

  it('that fails to start half-way can be drained', async () => {
    const broken = {
      ...handingOn(gates),
      name: 'broken',
      inputs: { inputs: { ...inputs, name: 'no-such-topic' } },
    } as unknown as Processor
    await expect(rig.startAll([handingOn(gates), broken])).rejects.toThrow('no-such-topic')
  })

  describe('is complete', () => {
    it('only when every record is finished and committed', async () => {
      await rig.add(inputs, seeds(2))
      const runtime = await rig.start(handingOn(gates))
      await gates.begins('seed-1')
      expect(await runtime.isComplete()).toBe(false)
      gates.openAll()
      let release!: () => void
      const released = new Promise<void>((resolve) => (release = resolve))
      rig.watch.faults.push((proceed) => released.then(proceed))
      await rig.watch.until(() => rig.watch.begun === 1)
      expect(await runtime.isComplete()).toBe(false)
      release()
      await eventually(() => runtime.isComplete())
      expect(await rig.recordsOf(outputs)).toHaveLength(2)
    })

    it('not before its tasks have taken up their progress, nor while unfinished records wait to be admitted again', async () => {
      await rig.add(inputs, seeds(3))
      await rig.start(handingOn(gates))
      await gates.begins('seed-2')
      gates.open('seed-2')
      await rig.watch.finished(1)
      await rig.crash()
      const again = new Gates()
      const runtime = await rig.start(handingOn(again), { limits: { maxInFlight: 1 } })
      expect(await runtime.isComplete()).toBe(false)
      await again.begins('seed-0')
      expect(await runtime.isComplete()).toBe(false)
      again.openAll()
      await eventually(() => runtime.isComplete())
      expect(await rig.recordsOf(outputs)).toHaveLength(3)
    })

    it('not while the last emissions of a complete source are on their way into the log', async () => {
      const once = table(referenceTable, { create: () => null, add: () => undefined })
      const source = defineProcessor({
        ...{ name: 'emit-once', summary: 'Emits once.', version: 1, roles: [], settings: {}, metrics: {} },
        ...{ inputs: {}, tables: { once }, outputs: { inputs }, discards: [], onSpine: [] },
        onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
        state: { kind: 'drawn-combination' },
        process: {},
        next({ emit, state }) {
          if (state.get('cursor')) return 'complete'
          state.set('cursor', { draws: 1, remaining: 0, combination: null })
          return [emit.inputs(seed(0))]
        },
      })
      let release!: () => void
      const released = new Promise<void>((resolve) => (release = resolve))
      rig.watch.faults.push((proceed) => released.then(proceed))
      const runtime = await rig.startAll([source, handingOn(gates)])
      gates.openAll()
      await rig.watch.until(() => rig.watch.begun === 1)
      expect(await runtime.isComplete()).toBe(false)
      release()
      await eventually(() => runtime.isComplete())
      expect(await rig.recordsOf(outputs)).toHaveLength(1)
    })

    it('not when a record arrives while it is asked', async () => {
      const runtime = await rig.start(handingOn(gates))
      await eventually(() => runtime.isComplete())
      rig.watch.beforeOffsets.push(
        () => Promise.resolve(),
        () => rig.add(inputs, seeds(1)),
      )
      expect(await runtime.isComplete()).toBe(false)
      expect(rig.watch.beforeOffsets).toEqual([])
    })
  })

  describe('stops the task, and names the offset, when retention has passed over', () => {
    it('an unfinished offset of its progress', async () => {
      await rig.add(inputs, seeds(3))
      await rig.start(handingOn(gates))
      await gates.begins('seed-2')
      gates.open('seed-1')
      await rig.watch.finished(1)
      await rig.crash()
      await rig.log.deleteBefore({ topic: 'inputs', partition: 0, offset: 1 })
      const runtime = await rig.start(handingOn(new Gates()))
      await eventually(() => statusOf(runtime).stopped !== undefined)
      expect(statusOf(runtime).stopped).toContain(
        'hand-on: inputs/0 no longer holds unfinished records from offset 0 on; retention passed over them',
      )
    })

    it('records that it had not reached', async () => {
      await rig.add(inputs, seeds(1))
      gates.openAll()
      await rig.start(handingOn(gates))
      await rig.watch.finished(1)
      await rig.crash()
      await rig.add(inputs, seeds(4).slice(1))
      await rig.log.deleteBefore({ topic: 'inputs', partition: 0, offset: 3 })
      const runtime = await rig.start(handingOn(new Gates()))
      await eventually(() => statusOf(runtime).stopped !== undefined)
      expect(statusOf(runtime).stopped).toContain(
        'hand-on: inputs/0 no longer holds unfinished records from offset 1 on',
      )
      // Nothing else is left to do, and this is no completion.
      await eventually(async () => (await runtime.end()) === 'stopped')
      // What it lost is not passed over: its progress stays where it was.
      expect(await rig.progressOf('hand-on')).toMatchObject({ inputs: [{ nextOffset: 1 }] })
    })

    it('all that was left', async () => {
      await rig.add(inputs, seeds(1))
      gates.openAll()
      await rig.start(handingOn(gates))
      await rig.watch.finished(1)
      await rig.crash()
      await rig.add(inputs, seeds(4).slice(1))
      await rig.log.deleteBefore({ topic: 'inputs', partition: 0, offset: 4 })
      const runtime = await rig.start(handingOn(new Gates()))
      await eventually(() => statusOf(runtime).stopped?.includes('from offset 1 on') === true)
    })
  })

  it('begins at the start of a topic that was cut before its processor first ran, and passes over what others finished', async () => {
    await rig.add(inputs, seeds(3))
    await rig.log.deleteBefore({ topic: 'inputs', partition: 0, offset: 2 })
    gates.openAll()
    await rig.start(handingOn(gates))
    await rig.watch.finished(1)
    await rig.crash()
    await rig.log.deleteBefore({ topic: 'inputs', partition: 0, offset: 3 })
    await rig.add(inputs, seeds(4).slice(3))
    const again = new Gates()
    again.openAll()
    await rig.start(handingOn(again))
    await rig.watch.finished(2)
    expect((await rig.recordsOf(outputs)).map(({ id }) => id)).toEqual(['seed-2', 'seed-3'])
  })
})

describe('counts of several tasks', () => {
  it('are added up by topic and by reason', () => {
    const counts = (finished: number, topic: string) => ({
      ...{
        finished,
        discarded: 1,
        deadLettered: 0,
        entered: 2,
        left: 1,
        calls: 3,
        promptTokens: 4,
        completionTokens: 5,
      },
      ...{ callSeconds: 0.5, emitted: { [topic]: finished, shared: 1 }, discards: { 'too-short': 1 } },
    })
    expect(addCounts([counts(2, 'a'), counts(3, 'b')])).toEqual({
      ...{
        finished: 5,
        discarded: 2,
        deadLettered: 0,
        entered: 4,
        left: 2,
        calls: 6,
        promptTokens: 8,
        completionTokens: 10,
      },
      ...{ callSeconds: 1, emitted: { a: 2, b: 3, shared: 2 }, discards: { 'too-short': 2 } },
    })
  })
})
