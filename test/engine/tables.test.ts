import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineProcessor, table, type Processor } from '../../engine/processor.ts'
import { inputs, outputs, referenceTable, Rig, seed, seeds, statusOf, eventually } from './rig.ts'

const statements = table(referenceTable, {
  create: () => new Map<string, string>(),
  add: (index, { id, statement }) => void index.set(id, statement),
})
const named = (name: string, statement: string): ReturnType<typeof seed> => seed(0, { id: name, statement })

/** Writes into each record what the table says of it, and how many table records were read. */
const lookingUp = defineProcessor({
  ...{ name: 'look-up', summary: 'Looks seeds up.', version: 1, roles: [], settings: {}, metrics: {} },
  ...{ inputs: { inputs }, tables: { statements }, outputs: { outputs }, discards: [], onSpine: [] },
  onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
  process: {
    inputs: (record, { emit, tables }) =>
      emit.outputs({
        ...record,
        sourceId: String(tables.statements.version),
        statement: tables.statements.index.get('x') ?? 'unknown',
      }),
  },
})

/** A source that emits, in their order, the table's records named `0`, `1` ... and is complete when it holds `end`. */
const draining: Processor = defineProcessor({
  ...{ name: 'draw', summary: 'Draws from the table.', version: 1, roles: [], settings: {}, metrics: {} },
  ...{ inputs: {}, tables: { statements }, outputs: { outputs }, discards: [], onSpine: [] },
  onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
  state: { kind: 'drawn-combination' },
  process: {},
  next({ emit, state, tables, enterStream }) {
    const drawn = state.get('cursor')?.draws ?? 0
    const statement = tables.statements.index.get(String(drawn))
    if (statement === undefined) return tables.statements.index.has('end') ? 'complete' : 'waiting'
    state.set('cursor', { draws: drawn + 1, remaining: 0, combination: null })
    enterStream()
    return [emit.outputs(seed(drawn, { statement }))]
  },
})

describe('a table', () => {
  let rig: Rig
  beforeEach(async () => {
    rig = await Rig.open()
  })
  afterEach(() => rig.close())

  it('is read to the end that it has at the start before the first record is processed', async () => {
    await rig.add(referenceTable, [...seeds(500, () => ({ statement: 'y'.repeat(5000) })), named('x', 'last')])
    await rig.add(inputs, seeds(1))
    await rig.start(lookingUp)
    await rig.watch.finished(1)
    expect(await rig.recordsOf(outputs)).toMatchObject([{ statement: 'last', sourceId: '501' }])
  })

  it('is followed as it grows; the last record of a key stands', async () => {
    await rig.add(referenceTable, [named('x', 'first')])
    await rig.add(inputs, seeds(1))
    await rig.start(lookingUp)
    await rig.watch.finished(1)
    await rig.add(referenceTable, [named('x', 'second')])
    for (let number = 1; ; number++) {
      await rig.add(inputs, [seed(number)])
      await rig.watch.finished(number + 1)
      const last = (await rig.recordsOf(outputs)).at(-1)
      expect(['first', 'second']).toContain(last?.statement)
      if (last?.statement === 'second') break
    }
    expect((await rig.recordsOf(outputs))[0]?.statement).toBe('first')
  })

  it('is made of the records that can be read', async () => {
    await rig.log.append(
      [{ topic: referenceTable.name, partition: 0, key: 'x', value: Buffer.from('no record') }],
      'poison',
    )
    await rig.add(referenceTable, [named('x', 'readable')])
    await rig.add(inputs, seeds(1))
    await rig.start(lookingUp)
    await rig.watch.finished(1)
    expect(await rig.recordsOf(outputs)).toMatchObject([{ statement: 'readable' }])
  })

  it('stops the run when a record breaks its index', async () => {
    const broken = table(referenceTable, {
      create: () => null,
      add: () => {
        throw new TypeError('a bug in the fold')
      },
    })
    const runtime = await rig.start({ ...lookingUp, tables: { statements: broken } })
    await rig.add(referenceTable, [named('x', 'any')])
    await expect(runtime.failed).rejects.toThrow('a bug in the fold')
  })
})

describe('a source', () => {
  let rig: Rig
  beforeEach(async () => {
    rig = await Rig.open()
  })
  afterEach(() => rig.close())

  it('emits what it has, waits, and wakes when a table grows', async () => {
    await rig.add(referenceTable, [named('0', 'a'), named('1', 'b')])
    const runtime = await rig.start(draining)
    await rig.watch.finished(2)
    await eventually(() => statusOf(runtime).source === 'waiting')
    await rig.add(referenceTable, [named('2', 'c')])
    await rig.watch.finished(3)
    expect((await rig.recordsOf(outputs)).map(({ statement }) => statement)).toEqual(['a', 'b', 'c'])
  })

  it('may take its time over a step: a table that grows meanwhile is not missed, and what it says stands in the status', async () => {
    await rig.add(referenceTable, [named('0', 'a')])
    const slow: Processor = {
      ...draining,
      next: async (context) => {
        const step = (await draining.next?.(context)) ?? 'waiting'
        const { index } = (context.tables as unknown as { statements: { index: Map<string, string> } }).statements
        context.remark(`has seen ${index.size}`)
        // The table grows after it has looked: nobody would tell it again.
        while (step === 'waiting' && index.size < 2) await nextTurn()
        return step
      },
    }
    const runtime = await rig.start(slow)
    await rig.watch.finished(1)
    await rig.add(referenceTable, [named('1', 'b')])
    await rig.watch.finished(2)
    await eventually(() => statusOf(runtime).source === 'waiting')
    expect(statusOf(runtime).remark).toBe('has seen 2')
  })

  it('says that it is complete, and goes on when a table gives it more all the same', async () => {
    await rig.add(referenceTable, [named('0', 'a'), named('end', '')])
    const runtime = await rig.start(draining)
    await eventually(() => statusOf(runtime).source === 'complete')
    await rig.add(referenceTable, [named('1', 'b')])
    await rig.watch.finished(2)
  })

  it('goes on after a restart from the step that was committed last, with its state', async () => {
    await rig.add(referenceTable, [named('0', 'a'), named('1', 'b')])
    const runtime = await rig.start(draining)
    await rig.watch.finished(2)
    await runtime.drain(AbortSignal.abort())
    await rig.crash()
    await rig.add(referenceTable, [named('2', 'c')])
    await rig.start(draining)
    await rig.watch.finished(3)
    expect((await rig.recordsOf(outputs)).map(({ statement }) => statement)).toEqual(['a', 'b', 'c'])
  })

  it('counts what enters the stream in the commit that emits it', async () => {
    await rig.add(referenceTable, [named('0', 'a'), named('1', 'b')])
    await rig.start(draining)
    await rig.watch.finished(2)
    expect((await rig.ledgerOf('draw'))?.counts).toMatchObject({
      entered: 2,
      left: 0,
      finished: 2,
      emitted: { outputs: 2 },
    })
  })

  it('emits no further than maxUncommittedBytes ahead of the log', async () => {
    await rig.add(
      referenceTable,
      Array.from({ length: 30 }, (_, number) => named(String(number), 'z'.repeat(500))),
    )
    let release!: () => void
    const released = new Promise<void>((resolve) => (release = resolve))
    rig.watch.faults.push((proceed) => released.then(proceed))
    const runtime = await rig.start(draining, { limits: { maxUncommittedBytes: 3000, commitBytes: 1 } })
    await rig.watch.until(() => rig.watch.begun === 1)
    await eventually(() => statusOf(runtime).uncommitted >= 4)
    await new Promise<void>((resolve) => setImmediate(resolve))
    expect(statusOf(runtime).uncommitted).toBeLessThanOrEqual(5)
    release()
    await rig.watch.finished(30)
  })

  it('that fails stops the run, and what it had emitted is committed', async () => {
    await rig.add(referenceTable, [named('0', 'a')])
    const { next, ...rest } = draining
    const failing: Processor = {
      ...rest,
      next(context) {
        const step = next?.(context) ?? 'complete'
        if (step === 'waiting') throw new TypeError('a bug in the source')
        return step
      },
    }
    const runtime = await rig.start(failing, { limits: { commitSeconds: 86_400 } })
    await expect(runtime.failed).rejects.toThrow('a bug in the source')
    expect(await rig.recordsOf(outputs)).toHaveLength(1)
  })
})
