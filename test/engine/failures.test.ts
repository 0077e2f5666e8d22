import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigurationError, InvalidRecordError, TransientError } from '../../engine/errors.ts'
import { defineProcessor, type Processor } from '../../engine/processor.ts'
import { redrivenForHeader, topics } from '../../topics/catalogue.ts'
import {
  asking,
  eventually,
  Gates,
  handingOn,
  HeldModels,
  inputs,
  numbering,
  outputs,
  Rig,
  seed,
  seeds,
  statusOf,
  unfinishedIn,
} from './rig.ts'

const late = new TransientError('ENDPOINT_TIMEOUT', 'no answer in 120 s')
const down = new TransientError('ENDPOINT_UNREACHABLE', 'the endpoint is down', { outage: true })

/** A processor by source, whose rule is given by the record's id. */
function failing(rules: Record<string, () => void>, given: Partial<Processor> = {}): Processor {
  const processor = defineProcessor({
    ...{ name: 'fail', summary: 'Fails on some seeds.', version: 1, roles: [], settings: {}, metrics: {} },
    ...{ inputs: { inputs }, tables: {}, outputs: { outputs }, discards: ['unwanted'], onSpine: ['inputs'] },
    onFailure: { transient: { attempts: 3, firstDelaySeconds: 0.001, maxDelaySeconds: 0.002 } },
    state: { kind: 'drawn-combination', keyOf: ({ source }) => source },
    process: {
      async inputs(record, { emit, state, enterStream }) {
        enterStream()
        state.set(record.source, { draws: 1, remaining: 0, combination: null })
        rules[record.id]?.()
        return emit.outputs(record)
      },
    },
  })
  return { ...processor, ...given }
}

describe('a record that was put back from dead-letters', () => {
  it('is processed by the processor that failed on it, and passed over by the others of its topic', async () => {
    const rig = await Rig.open()
    await rig.add(inputs, [seed(0)])
    await rig.add(inputs, [seed(1)], 0, { [redrivenForHeader]: 'fail' })
    await rig.add(inputs, [seed(2)])
    const processed: string[] = []
    const note = (name: string): Processor => ({
      ...failing({}),
      name,
      process: {
        inputs(record) {
          processed.push(`${name} ${(record as { id: string }).id}`)
          return []
        },
      },
    })
    const runtime = await rig.startAll([note('fail'), note('other')])
    await eventually(() => runtime.isComplete())
    expect(processed.toSorted()).toEqual(['fail seed-0', 'fail seed-1', 'fail seed-2', 'other seed-0', 'other seed-2'])
    await rig.close()
  })
})

describe('a record that fails', () => {
  let rig: Rig
  beforeEach(async () => {
    rig = await Rig.open()
  })
  afterEach(() => rig.close())

  describe('for a reason that passes', () => {
    it('is tried again after a pause in which records of other keys go on and those of its own wait', async () => {
      const models = new HeldModels()
      const slowToRetry: Partial<Processor> = {
        onFailure: { transient: { attempts: 3, firstDelaySeconds: 86_400, maxDelaySeconds: 86_400 } },
        state: { kind: 'drawn-combination', keyOf: (record) => (record as unknown as { source: string }).source },
      }
      await rig.add(inputs, [seed(0, { source: 'a' }), seed(1, { source: 'a' }), seed(2, { source: 'b' })])
      const runtime = await rig.start(asking(['once'], slowToRetry), { models })
      await models.asked('seed-0/once', 'seed-2/once')
      models.fail('seed-0/once', late)
      await eventually(() => statusOf(runtime).waiting === 'no answer in 120 s')
      models.answer('seed-2/once')
      await rig.watch.finished(1)
      expect(models.requests).toEqual(['seed-0/once', 'seed-2/once'])
      expect(unfinishedIn(await rig.progressOf('ask'))).toEqual([0, 1])
    })

    it('is tried again with its finished calls kept, and leaves one output', async () => {
      const models = new HeldModels()
      await rig.add(inputs, seeds(1))
      await rig.start(asking(['first', 'second']), { models })
      await models.asked('seed-0/first')
      models.answer('seed-0/first')
      await models.asked('seed-0/second')
      models.fail('seed-0/second', late)
      await models.until(() => models.requests.length === 3)
      models.answer('seed-0/second')
      await rig.watch.finished(1)
      expect(models.requests).toEqual(['seed-0/first', 'seed-0/second', 'seed-0/second'])
      expect(await rig.recordsOf(outputs)).toHaveLength(1)
    })

    it('uses no attempt while its endpoint is out, however often it is tried', async () => {
      let tries = 0
      await rig.add(inputs, seeds(1))
      const outOfOrder = (): void => {
        if (++tries <= 10) throw down
      }
      await rig.start(failing({ 'seed-0': outOfOrder }))
      await rig.watch.finished(1)
      expect(tries).toBe(11)
      expect(await rig.deadLetters()).toEqual([])
      expect((await rig.ledgerOf('fail'))?.counts).toMatchObject({ finished: 1, deadLettered: 0 })
    })

    it('is tried no earlier than the endpoint asks', async () => {
      const models = new HeldModels()
      await rig.add(inputs, seeds(1))
      await rig.start(asking(['once']), { models })
      await models.asked('seed-0/once')
      const failedAtMs = performance.now()
      models.fail(
        'seed-0/once',
        new TransientError('ENDPOINT_RATE_LIMITED', 'slow down', { outage: true, retryAfterSeconds: 0.3 }),
      )
      await models.until(() => models.requests.length === 2)
      // Node's timers may fire a millisecond early.
      expect(performance.now() - failedAtMs).toBeGreaterThan(298)
    })

    it('goes to dead-letters when its attempts are used up, without its state', async () => {
      let tries = 0
      await rig.add(inputs, seeds(2))
      const always = (): void => {
        tries++
        throw late
      }
      await rig.start(failing({ 'seed-0': always }))
      await rig.watch.finished(2)
      expect(tries).toBe(3)
      const [letter] = await rig.deadLetters()
      expect(letter?.headers).toMatchObject({
        '__connect.errors.exception.class.name': 'ENDPOINT_TIMEOUT',
        '__connect.errors.exception.message': 'no answer in 120 s (3 of 3 tries)',
      })
      expect((await rig.recordsOf(outputs)).map(({ id }) => id)).toEqual(['seed-1'])
    })
  })

  describe('for its own reason', () => {
    const refuse = (): void => {
      throw new InvalidRecordError('REQUEST_REFUSED', 'the endpoint\nrefuses it')
    }

    it('goes to dead-letters with its key, its bytes, its headers and its cause, in the commit of its progress', async () => {
      const value = await encoded(seed(0))
      await rig.log.append(
        [{ topic: 'inputs', partition: 0, key: 'a-key', value, headers: { origin: 'elsewhere' } }],
        'with headers',
      )
      await rig.start(failing({ 'seed-0': refuse }))
      await rig.watch.committed(1)
      const [letter, ...others] = await rig.deadLetters()
      expect(others).toEqual([])
      expect(letter?.key).toBe('a-key')
      expect(Buffer.from(letter?.value ?? [])).toEqual(value)
      expect(letter?.headers).toEqual({
        origin: 'elsewhere',
        '__connect.errors.topic': 'inputs',
        '__connect.errors.partition': '0',
        '__connect.errors.offset': '0',
        '__connect.errors.stage': 'fail',
        '__connect.errors.exception.class.name': 'REQUEST_REFUSED',
        '__connect.errors.exception.message': 'the endpoint refuses it',
      })
      const [seen] = rig.watch.commits
      expect(seen?.commit.outputs.map(({ topic }) => topic)).toEqual(['dead-letters', 'ledger'])
      expect(seen?.commit.state).toEqual([])
      // What the failed record counted as entered does not count; of a processor on the spine it leaves the stream.
      expect(seen?.progress.counts).toMatchObject({ finished: 1, deadLettered: 1, entered: 0, left: 1 })
    })

    it('writes what the processor emits instead in the same commit', async () => {
      await rig.add(inputs, seeds(1))
      const { onFailure } = failing({})
      const emitInstead = {
        inputs: (
          record: object,
          { code, message }: { code: string; message: string },
          emit: { outputs(draft: object): unknown },
        ) => emit.outputs({ ...record, statement: `${code}: ${message}` }),
      }
      await rig.start(failing({ 'seed-0': refuse }, { onFailure: { ...onFailure, emitInstead: emitInstead as never } }))
      await rig.watch.committed(1)
      expect(rig.watch.commits[0]?.commit.outputs.map(({ topic }) => topic)).toEqual([
        'dead-letters',
        'outputs',
        'ledger',
      ])
      expect((await rig.recordsOf(outputs))[0]?.statement).toBe('REQUEST_REFUSED: the endpoint\nrefuses it')
    })

    it('stops the run when what is emitted instead fails too', async () => {
      await rig.add(inputs, seeds(1))
      const { onFailure } = failing({})
      const emitInstead = {
        inputs: () => {
          throw new TypeError('a bug in emitInstead')
        },
      }
      const runtime = await rig.start(failing({ 'seed-0': refuse }, { onFailure: { ...onFailure, emitInstead } }))
      await expect(runtime.failed).rejects.toThrow('fail failed on inputs/0 offset 0: a bug in emitInstead')
      expect(await rig.deadLetters()).toEqual([])
    })

    it('goes to dead-letters when it cannot be decoded, and the next one goes on', async () => {
      await rig.log.append(
        [{ topic: 'inputs', partition: 0, key: 'k', value: Buffer.from('no record') }],
        'undecodable',
      )
      await rig.add(inputs, seeds(1))
      await rig.start(failing({}))
      await rig.watch.finished(2)
      const [letter] = await rig.deadLetters()
      expect(Buffer.from(letter?.value ?? []).toString()).toBe('no record')
      expect(letter?.headers?.['__connect.errors.exception.class.name']).toBe('RECORD_UNDECODABLE')
      expect((await rig.recordsOf(outputs)).map(({ id }) => id)).toEqual(['seed-0'])
    })

    it('goes to dead-letters when it is of another kind', async () => {
      await rig.codec.prepare('inputs', 'progress')
      const value = rig.codec.encode('inputs', 'progress', {
        sequence: 1,
        inputs: [],
        counts: counts(),
        committedAtMs: 0,
      })
      await rig.log.append([{ topic: 'inputs', partition: 0, key: 'k', value }], 'another kind')
      await rig.start(failing({}))
      await rig.watch.finished(1)
      const [letter] = await rig.deadLetters()
      expect(letter?.headers?.['__connect.errors.exception.message']).toMatch(/expected a .*Seed, got a .*Progress/)
    })

    it('goes to dead-letters when its output is too large', async () => {
      await rig.add(inputs, [seed(0, { statement: 'x'.repeat(5000) }), seed(1)])
      await rig.start(failing({}), { limits: { maxRecordBytes: 2000 } })
      await rig.watch.finished(2)
      const [letter] = await rig.deadLetters()
      expect(letter?.headers?.['__connect.errors.exception.class.name']).toBe('OUTPUT_TOO_LARGE')
      expect(letter?.headers?.['__connect.errors.exception.message']).toMatch(
        /a seed of \d+ bytes is over the limit of 2000/,
      )
      expect((await rig.recordsOf(outputs)).map(({ id }) => id)).toEqual(['seed-1'])
    })
  })

  describe('by a bug', () => {
    it('stops the run, is left as it was, and what had finished is committed', async () => {
      const gates = new Gates()
      const { process, ...rest } = handingOn(gates)
      const withBug: Processor = {
        ...rest,
        process: {
          async inputs(record, context) {
            const result = await process['inputs']?.(record, context)
            if ((record as unknown as { id: string }).id === 'seed-1') throw new TypeError('a bug')
            return result as never
          },
        },
      }
      await rig.add(inputs, seeds(3))
      const runtime = await rig.start(withBug, { limits: { commitSeconds: 86_400 } })
      await gates.begins('seed-2')
      gates.open('seed-0')
      await eventually(() => statusOf(runtime).uncommitted === 1)
      gates.open('seed-1')
      await expect(runtime.failed).rejects.toThrow('hand-on failed on inputs/0 offset 1: a bug')
      expect((await rig.recordsOf(outputs)).map(({ id }) => id)).toEqual(['seed-0'])
      expect(await rig.deadLetters()).toEqual([])
      expect(unfinishedIn(await rig.progressOf('hand-on'))).toEqual([1, 2])
    })

    it('holds the later records of its key back, so that their order holds after the bug is mended', async () => {
      await rig.add(inputs, seeds(3))
      const bug = (): void => {
        throw new TypeError('a bug')
      }
      const runtime = await rig.start(failing({ 'seed-1': bug }), { limits: { commitSeconds: 86_400 } })
      await expect(runtime.failed).rejects.toThrow('a bug')
      expect((await rig.recordsOf(outputs)).map(({ id }) => id)).toEqual(['seed-0'])
      await rig.crash()
      await rig.start(failing({}))
      await rig.watch.finished(3)
      expect((await rig.recordsOf(outputs)).map(({ id }) => id)).toEqual(['seed-0', 'seed-1', 'seed-2'])
    })

    it('such as an undeclared discard reason or an output that does not fit its schema is named', async () => {
      const models = new HeldModels()
      await rig.add(inputs, seeds(1))
      const runtime = await rig.start(asking(['once'], { discards: [] }), { models })
      await models.asked('seed-0/once')
      models.answer('seed-0/once', 'unwanted')
      await expect(runtime.failed).rejects.toThrow('ask discards as "unwanted", which it does not declare')
      const misfit = defineProcessor({
        ...{ name: 'misfit', summary: 'Emits what does not fit.', version: 1, roles: [], settings: {}, metrics: {} },
        ...{ inputs: { inputs }, tables: {}, outputs: { outputs }, discards: [], onSpine: [] },
        onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
        process: { inputs: (record, { emit }) => emit.outputs({ ...record, statement: 7 as never }) },
      })
      const next = await rig.start(misfit)
      await expect(next.failed).rejects.toThrow(
        'misfit failed on inputs/0 offset 0: a seed for outputs does not fit its schema: statement: 7',
      )
    })

    it('such as a read that is not declared is named', async () => {
      await rig.add(inputs, seeds(1))
      const reading = defineProcessor({
        ...{ name: 'read', summary: 'Reads.', version: 1, roles: [], settings: {}, metrics: {} },
        ...{ inputs: { inputs }, tables: {}, outputs: { outputs }, discards: [], onSpine: [] },
        onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
        process: { inputs: async (_, { emit, read }) => emit.outputs(await read(inputs, { partition: 0, offset: 0 })) },
      })
      const runtime = await rig.start(reading)
      await expect(runtime.failed).rejects.toThrow(
        'read reads inputs at positions but does not declare it under "reads"',
      )
    })
  })

  it('by a fault of the configuration stops the run with that fault', async () => {
    await rig.add(inputs, seeds(1))
    const fault = new ConfigurationError(['roles.solver: no model is configured'])
    const runtime = await rig.start(
      failing({
        'seed-0': () => {
          throw fault
        },
      }),
    )
    await expect(runtime.failed).rejects.toBe(fault)
    expect(await rig.progressOf('fail')).toBeUndefined()
  })

  it('by decision is a discard: a record with its reason, evidence and place, and it leaves the stream', async () => {
    const models = new HeldModels()
    await rig.add(inputs, seeds(1))
    await rig.start(asking(['once']), { models })
    await models.asked('seed-0/once')
    models.answer('seed-0/once', 'unwanted')
    await rig.watch.committed(1)
    const [discarded] = await rig.recordsOf(topics.discards)
    expect(discarded).toMatchObject({
      ...{
        processor: 'ask',
        reason: 'unwanted',
        evidence: 'the model says so',
        recordId: 'seed-0',
        parentIds: ['seed-0'],
      },
      ...{ topic: 'inputs', partition: 0, offset: 0, domain: 'math', concepts: [], leftStream: true },
      calls: [{ purpose: 'once', requestId: 'seed-0/once', completionTokens: 3 }],
    })
    expect(rig.watch.commits[0]?.progress.counts).toMatchObject({ discarded: 1, discards: { unwanted: 1 }, left: 1 })
  })

  async function encoded(record: ReturnType<typeof seed>): Promise<Buffer> {
    await rig.codec.prepare('inputs', 'seed')
    return rig.codec.encode('inputs', 'seed', record)
  }

  function counts() {
    return {
      ...{ finished: 0, discarded: 0, deadLettered: 0, entered: 0, left: 0, calls: 0, promptTokens: 0 },
      ...{ completionTokens: 0, callSeconds: 0, emitted: {}, discards: {} },
    }
  }

  it('leaves the state of its key to the next record as it was', async () => {
    const gates = new Gates()
    gates.openAll()
    const { process, ...rest } = numbering(gates)
    let isFirst = true
    const failingOnce: Processor = {
      ...rest,
      process: {
        async inputs(record, context) {
          const result = await process['inputs']?.(record, context)
          if ((record as unknown as { id: string }).id === 'seed-1' && isFirst) {
            isFirst = false
            throw late
          }
          return result as never
        },
      },
    }
    await rig.add(inputs, seeds(3))
    await rig.start(failingOnce)
    await rig.watch.finished(3)
    expect((await rig.recordsOf(outputs)).map(({ sourceId }) => sourceId)).toEqual([
      'one-key:0',
      'one-key:1',
      'one-key:2',
    ])
  })
})
