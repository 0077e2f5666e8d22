import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineProcessor } from '../../engine/processor.ts'
import { fromDistances, toDistances } from '../../engine/progress.ts'
import {
  Gates,
  handingOn,
  inputs,
  moreInputs,
  numbering,
  outputs,
  Rig,
  seeds,
  statusOf,
  unfinishedIn,
  type SeenCommit,
} from './rig.ts'

describe('the window of a task', () => {
  let rig: Rig
  let gates: Gates
  beforeEach(async () => {
    rig = await Rig.open()
    gates = new Gates()
  })
  afterEach(() => rig.close())

  it('admits at most maxInFlight records, and the next one as soon as one finishes', async () => {
    await rig.add(inputs, seeds(5))
    const runtime = await rig.start(handingOn(gates), { limits: { maxInFlight: 2 } })
    await gates.begins('seed-0', 'seed-1')
    expect(statusOf(runtime).inFlight).toBe(2)
    gates.open('seed-1')
    await gates.begins('seed-2')
    gates.openAll()
    await rig.watch.finished(5)
    expect(gates.mostAtOnce).toBe(2)
  })

  it('admits at most maxInFlightBytes of records', async () => {
    await rig.add(
      inputs,
      seeds(12, () => ({ statement: 'x'.repeat(1000) })),
    )
    const recordBytes = (await rig.stored('inputs'))[0]?.value.byteLength ?? 0
    await rig.start(handingOn(gates), { limits: { maxInFlightBytes: recordBytes * 3 + 500 } })
    await gates.begins('seed-2')
    gates.openAll()
    await rig.watch.finished(12)
    expect(gates.mostAtOnce).toBe(3)
  })

  it('admits a record that is larger than maxInFlightBytes alone', async () => {
    await rig.add(
      inputs,
      seeds(3, (number) => ({ statement: 'x'.repeat(number === 1 ? 5000 : 10) })),
    )
    await rig.start(handingOn(gates), { limits: { maxInFlightBytes: 2000 } })
    gates.open('seed-0')
    await gates.begins('seed-1')
    expect(gates.held()).toEqual(['seed-1'])
    gates.openAll()
    await rig.watch.finished(3)
    expect(gates.mostAtOnce).toBe(1)
  })

  it('holds its bound over all inputs together', async () => {
    await rig.add(inputs, seeds(20))
    await rig.add(
      moreInputs,
      seeds(20, (number) => ({ id: `more-${number}` })),
    )
    const both = defineProcessor({
      ...{ name: 'both', summary: 'Reads two topics.', version: 1, roles: [], settings: {}, metrics: {} },
      ...{ inputs: { inputs, moreInputs }, tables: {}, outputs: { outputs }, discards: [], onSpine: [] },
      onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
      process: {
        inputs: async (record, { emit }) => (await gates.pass(record.id), emit.outputs(record)),
        moreInputs: async (record, { emit }) => (await gates.pass(record.id), emit.outputs(record)),
      },
    })
    await rig.start(both, { limits: { maxInFlight: 3 } })
    while (gates.begun.length < 40) {
      await gates.until(() => gates.held().length > 0)
      gates.open(...gates.held().slice(0, 2))
    }
    gates.openAll()
    await rig.watch.finished(40)
    expect(gates.mostAtOnce).toBe(3)
    expect(new Set(gates.begun).size).toBe(40)
  })

  it('admits nothing while maxUncommittedBytes of results wait for the log', async () => {
    await rig.add(
      inputs,
      seeds(8, () => ({ statement: 'x'.repeat(1000) })),
    )
    let release!: () => void
    const released = new Promise<void>((resolve) => (release = resolve))
    rig.watch.faults.push((proceed) => released.then(proceed))
    const limits = { maxInFlight: 1, commitBytes: 1, maxUncommittedBytes: 3000 }
    const runtime = await rig.start(handingOn(gates), { limits })
    gates.openAll()
    await gates.begins('seed-2')
    // The third result fills it; what is awaited is the end of its processing, after which seed-3 would begin at once.
    await gates.until(() => gates.held().length === 0)
    await new Promise<void>((resolve) => setImmediate(resolve))
    expect(statusOf(runtime)).toMatchObject({ inFlight: 0, uncommitted: 3, backlog: 8 })
    expect(gates.begun).toEqual(['seed-0', 'seed-1', 'seed-2'])
    release()
    await rig.watch.finished(8)
  })

  it('commits results in whatever order they finish, and the progress holds the others as unfinished', async () => {
    await rig.add(inputs, seeds(4))
    await rig.start(handingOn(gates))
    await gates.begins('seed-3')
    gates.open('seed-2')
    await rig.watch.finished(1)
    expect(await rig.progressOf('hand-on')).toMatchObject({ sequence: 1, inputs: [{ topic: 'inputs', nextOffset: 4 }] })
    expect(unfinishedIn(await rig.progressOf('hand-on'))).toEqual([0, 1, 3])
    expect((await rig.recordsOf(outputs)).map(({ id }) => id)).toEqual(['seed-2'])
    gates.open('seed-0')
    await rig.watch.finished(2)
    expect(unfinishedIn(await rig.progressOf('hand-on'))).toEqual([1, 3])
    gates.openAll()
    await rig.watch.finished(4)
    expect(unfinishedIn(await rig.progressOf('hand-on'))).toEqual([])
  })

  it('keeps the unfinished offsets that it has no room for yet in its progress after a restart', async () => {
    await rig.add(inputs, seeds(4))
    await rig.start(handingOn(gates))
    await gates.begins('seed-3')
    gates.open('seed-3')
    await rig.watch.finished(1)
    await rig.crash()
    const again = new Gates()
    const runtime = await rig.start(handingOn(again), { limits: { maxInFlight: 1 } })
    await again.begins('seed-0')
    expect(statusOf(runtime)).toMatchObject({ inFlight: 1, backlog: 3 })
    again.open('seed-0')
    await rig.watch.finished(2)
    expect(unfinishedIn(await rig.progressOf('hand-on'))).toEqual([1, 2])
    again.openAll()
    await rig.watch.finished(4)
    expect((await rig.recordsOf(outputs)).map(({ id }) => id)).toEqual(['seed-3', 'seed-0', 'seed-1', 'seed-2'])
  })

  it('goes on from a progress in which nothing is finished beyond the first record', async () => {
    await rig.add(inputs, seeds(1))
    await rig.start(handingOn(gates))
    gates.openAll()
    await rig.watch.finished(1)
    await rig.crash()
    await rig.add(inputs, seeds(2).slice(1))
    const again = new Gates()
    again.openAll()
    await rig.start(handingOn(again))
    await rig.watch.finished(2)
    expect(again.begun).toEqual(['seed-1'])
  })
})

/** Checks that a commit's progress calls finished exactly what this and the earlier commits wrote. */
function expectProgressToMatchOutputs(written: Set<number>, { commit, progress }: SeenCommit): void {
  for (const { topic, key } of commit.outputs) if (topic === outputs.name) written.add(Number(key.replace('seed-', '')))
  const [input] = progress.inputs
  const unfinished = new Set(fromDistances(input?.unfinished ?? []))
  const finished = Array.from({ length: input?.nextOffset ?? 0 }, (_, offset) => offset).filter(
    (offset) => !unfinished.has(offset),
  )
  expect(finished).toEqual([...written].sort((a, b) => a - b))
}

describe('a task whose records finish in any order and whose process dies at any time', () => {
  /** A life of the process: which of the held records finish, one after another, after which the commit is awaited, and how it ends. */
  const life = fc.record({
    finishes: fc.array(fc.record({ choice: fc.nat(), isCommitted: fc.boolean() }), { maxLength: 12 }),
    end: fc.constantFrom('crash', 'drain'),
    maxInFlight: fc.integer({ min: 1, max: 6 }),
    commitBytes: fc.constantFrom(1, 700, 1 << 20),
  })

  it('writes one output for every input, in the order of its key, and every commit agrees with its progress', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 16 }),
        fc.array(life, { maxLength: 4 }),
        async (keys, lives) => {
          const rig = await Rig.open()
          try {
            const given = seeds(keys.length, (number) => ({ source: `key-${keys[number]}` }))
            await rig.add(inputs, given)
            const written = new Set<number>()
            const check = (): void => {
              for (const commit of rig.watch.commits) expectProgressToMatchOutputs(written, commit)
            }
            for (const { finishes, end, ...limits } of lives) {
              const gates = new Gates()
              const runtime = await rig.start(numbering(gates), { limits: { ...limits, commitSeconds: 0.001 } })
              let finished = (await rig.progressOf('number'))?.counts.finished ?? 0
              for (const { choice, isCommitted } of finishes) {
                if (finished++ === keys.length) break
                await gates.until(() => gates.held().length > 0)
                const held = gates.held()
                gates.open(held[choice % held.length] ?? '')
                if (isCommitted) await rig.watch.finished(finished)
              }
              if (end === 'drain') await runtime.drain(AbortSignal.abort())
              check()
              await rig.crash()
              for (const { id } of await rig.recordsOf(outputs)) written.add(Number(id.replace('seed-', '')))
            }
            const gates = new Gates()
            gates.openAll()
            const runtime = await rig.start(numbering(gates))
            if (written.size < keys.length) await rig.watch.finished(keys.length)
            await runtime.drain(AbortSignal.abort())
            check()
            const counters = new Map<number, number>()
            const expected = keys.map((key, number) => {
              const before = counters.get(key) ?? 0
              counters.set(key, before + 1)
              return [`seed-${number}`, `key-${key}:${before}`]
            })
            const made = (await rig.recordsOf(outputs)).map(({ id, sourceId }) => [id, sourceId])
            expect(made.length).toBe(keys.length)
            expect(new Map(made as [string, string][])).toEqual(new Map(expected as [string, string][]))
            expect((await rig.ledgerOf('number'))?.counts.finished).toBe(keys.length)
          } finally {
            await rig.close()
          }
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('offsets as distances', () => {
  it('are the same offsets again when they are read back', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.maxSafeNat(), { maxLength: 50 }), (any) => {
        const offsets = any.sort((a, b) => a - b)
        expect(fromDistances(toDistances(offsets))).toEqual(offsets)
      }),
    )
  })

  it('are small where the offsets are large and near each other', () => {
    expect(toDistances([1_000_000_000, 1_000_000_001, 1_000_000_007])).toEqual([1_000_000_000, 1, 6])
  })
})
