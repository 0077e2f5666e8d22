import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { topics } from '../../topics/catalogue.ts'
import { openEmbeddedLog } from '../../topics/embedded/log.ts'
import { LogError } from '../../topics/log.ts'
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
  seeds,
  statusOf,
  unfinishedIn,
} from './rig.ts'

const aDay = 86_400

describe('a commit', () => {
  let rig: Rig
  let gates: Gates
  beforeEach(async () => {
    rig = await Rig.open()
    gates = new Gates()
  })
  afterEach(async () => {
    vi.useRealTimers()
    await rig.close()
  })

  /** From here on, time passes only when the test says so. */
  function holdTime(): void {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  }

  it('comes commitSeconds after the oldest finished result, however many follow', async () => {
    await rig.add(inputs, seeds(3))
    await rig.start(handingOn(gates), { limits: { commitSeconds: 1 } })
    await gates.begins('seed-2')
    holdTime()
    gates.open('seed-0')
    await turn()
    vi.advanceTimersByTime(700)
    gates.open('seed-1')
    await turn()
    vi.advanceTimersByTime(299)
    expect(rig.watch.begun).toBe(0)
    vi.advanceTimersByTime(1)
    expect(rig.watch.begun).toBe(1)
    await rig.watch.finished(2)
    expect(unfinishedIn(await rig.progressOf('hand-on'))).toEqual([2])
  })

  it('comes commitSeconds after a result that finished while another commit was under way', async () => {
    await rig.add(inputs, seeds(2))
    let release!: () => void
    const released = new Promise<void>((resolve) => (release = resolve))
    rig.watch.faults.push((proceed) => released.then(proceed))
    await rig.start(handingOn(gates), { limits: { commitSeconds: 1 } })
    await gates.begins('seed-1')
    holdTime()
    gates.open('seed-0')
    await turn()
    vi.advanceTimersByTime(1000)
    expect(rig.watch.begun).toBe(1)
    gates.open('seed-1')
    await turn()
    vi.advanceTimersByTime(600)
    release()
    await rig.watch.finished(1)
    await turn()
    vi.advanceTimersByTime(399)
    expect(rig.watch.begun).toBe(1)
    vi.advanceTimersByTime(1)
    expect(rig.watch.begun).toBe(2)
    await rig.watch.finished(2)
  })

  it('comes at once when commitBytes of results wait', async () => {
    await rig.add(
      inputs,
      seeds(3, () => ({ statement: 'x'.repeat(1000) })),
    )
    await rig.start(handingOn(gates), { limits: { commitSeconds: aDay, commitBytes: 2000 } })
    await gates.begins('seed-2')
    gates.open('seed-0')
    await turn()
    expect(rig.watch.begun).toBe(0)
    gates.open('seed-1')
    await rig.watch.finished(2)
  })

  it('splits results that are too many for one, and writes each of them once', async () => {
    await rig.add(
      inputs,
      seeds(12, () => ({ statement: 'x'.repeat(1000) })),
    )
    let release!: () => void
    const released = new Promise<void>((resolve) => (release = resolve))
    rig.watch.faults.push((proceed) => released.then(proceed))
    await rig.start(handingOn(gates), { limits: { commitSeconds: aDay, commitBytes: 1000 } })
    gates.openAll()
    await gates.begins('seed-11')
    release()
    await rig.watch.finished(12)
    expect(rig.watch.commits.length).toBeGreaterThan(2)
    for (const { commit } of rig.watch.commits) {
      const written = commit.outputs.reduce((sum, { value }) => sum + value.byteLength, 0)
      expect(written).toBeLessThanOrEqual(4 * 1000 + 1000)
    }
    expect((await rig.recordsOf(outputs)).map(({ id }) => id).sort()).toEqual(
      seeds(12)
        .map(({ id }) => id)
        .sort(),
    )
  })

  it('holds outputs, state, progress and the ledger together', async () => {
    await rig.add(inputs, seeds(1))
    await rig.start(numbering(gates))
    gates.openAll()
    await rig.watch.committed(1)
    const [seen] = rig.watch.commits
    expect(seen?.commit.sequence).toBe(1)
    expect(seen?.commit.outputs.map(({ topic }) => topic)).toEqual(['outputs', 'ledger'])
    expect(seen?.commit.state.map(({ key }) => key)).toEqual(['s:one-key'])
    expect(seen?.progress).toMatchObject({ sequence: 1, inputs: [{ topic: 'inputs', nextOffset: 1, unfinished: [] }] })
    expect(await rig.ledgerOf('number')).toMatchObject({ processor: 'number', task: 0, sequence: 1 })
    expect((await rig.ledgerOf('number'))?.counts).toEqual(seen?.progress.counts)
    expect(seen?.progress.counts).toMatchObject({ finished: 1, emitted: { outputs: 1 }, discarded: 0, deadLettered: 0 })
  })

  it('keeps one ledger entry for each task: a later one has the same key', async () => {
    await rig.add(inputs, seeds(2))
    await rig.start(handingOn(gates))
    gates.open('seed-0')
    await rig.watch.finished(1)
    gates.openAll()
    await rig.watch.finished(2)
    expect(new Set((await rig.stored(topics.ledger.name)).map(({ key }) => key))).toEqual(new Set(['hand-on/0']))
  })

  for (const effect of ['written', 'not written'] as const) {
    it(`whose answer is lost and which was ${effect} is settled by the progress: no output is missing or doubled`, async () => {
      await rig.add(inputs, seeds(3))
      const runtime = await rig.start(handingOn(gates))
      await gates.begins('seed-2')
      rig.loseNextAnswer(effect)
      gates.open('seed-1')
      await rig.watch.until(() => rig.watch.begun === 1)
      gates.openAll()
      await eventually(async () => (await rig.progressOf('hand-on'))?.counts.finished === 3)
      await eventually(() => statusOf(runtime).uncommitted === 0)
      expect((await rig.recordsOf(outputs)).map(({ id }) => id).sort()).toEqual(['seed-0', 'seed-1', 'seed-2'])
      expect(gates.begun).toHaveLength(3)
      // The task goes on reading its inputs.
      await rig.add(inputs, seeds(4).slice(3))
      await eventually(async () => (await rig.progressOf('hand-on'))?.counts.finished === 4)
      expect(await rig.recordsOf(outputs)).toHaveLength(4)
      await eventually(() => statusOf(runtime).counts.finished === 4)
    })
  }

  it('in doubt stops the run when another owner committed in its place', async () => {
    await rig.add(inputs, seeds(2))
    rig.watch.faults.push(async (_, real) => {
      await real.close()
      const membership = await rig.log.join(
        { name: 'hand-on', inputs: ['inputs'], tasks: 1 },
        { gained: () => undefined, lost: () => undefined, failed: () => undefined },
      )
      const competitor = await membership.open(0)
      await competitor.commit({ sequence: 1, outputs: [], state: [], progress: Buffer.from('of another owner') })
      await competitor.close()
      throw new LogError('doubt', 'the answer is lost')
    })
    const runtime = await rig.start(handingOn(gates))
    gates.openAll()
    await expect(runtime.failed).rejects.toThrow('hand-on: task 0 holds commit 1 of another owner')
    expect(await rig.recordsOf(outputs)).toEqual([])
  })

  for (const code of ['full', 'unreachable'] as const) {
    it(`waits while the log is ${code}, says so, and goes on with the same results`, async () => {
      await rig.add(inputs, seeds(1))
      rig.watch.faults.push(() => Promise.reject(new LogError(code, `the log is ${code}`)))
      const runtime = await rig.start(handingOn(gates))
      gates.openAll()
      await eventually(() => statusOf(runtime).waiting !== undefined)
      expect(statusOf(runtime)).toMatchObject({ waiting: `the log is ${code}`, uncommitted: 1 })
      await rig.watch.finished(1)
      await eventually(() => statusOf(runtime).waiting === undefined)
      expect(gates.begun).toEqual(['seed-0'])
      expect(await rig.recordsOf(outputs)).toHaveLength(1)
    })
  }

  it('stops the run when the log fails in a way that waiting does not cure', async () => {
    await rig.add(inputs, seeds(1))
    rig.watch.faults.push(() => Promise.reject(new LogError('too_large', 'one record is too large')))
    const runtime = await rig.start(handingOn(gates))
    gates.openAll()
    await expect(runtime.failed).rejects.toThrow('one record is too large')
  })

  it('of a task that another owner has opened writes nothing: its calls are aborted and the task is lost', async () => {
    await rig.add(inputs, seeds(2))
    const models = new HeldModels()
    const runtime = await rig.start(asking(['first']), { models, limits: { commitSeconds: aDay } })
    await models.asked('seed-0/first', 'seed-1/first')
    models.answer('seed-0/first')
    await eventually(() => statusOf(runtime).uncommitted === 1)
    const other = await openEmbeddedLog({ directory: rig.directory, mode: 'owner', freeBytesFloor: 0 })
    const membership = await other.join(
      { name: 'ask', inputs: ['inputs'], tasks: 1 },
      { gained: () => undefined, lost: () => undefined, failed: () => undefined },
    )
    const opened = await membership.open(0)
    expect(opened.progress).toBeUndefined()
    await models.until(() => models.aborted.includes('seed-1/first'))
    await runtime.drain(AbortSignal.abort())
    expect(runtime.status()[0]).toMatchObject({ inFlight: 0, uncommitted: 0 })
    expect(await rig.progressOf('ask')).toBeUndefined()
    expect(await rig.recordsOf(outputs)).toEqual([])
    expect(await rig.stored(topics.ledger.name)).toEqual([])
    await other.close()
  })

  it('that is refused as fenced ends the task the same way', async () => {
    await rig.add(inputs, seeds(2))
    const models = new HeldModels()
    rig.watch.faults.push(() => Promise.reject(new LogError('fenced', 'another owner opened it')))
    const runtime = await rig.start(asking(['first']), { models })
    await models.asked('seed-0/first', 'seed-1/first')
    models.answer('seed-0/first')
    await models.until(() => models.aborted.includes('seed-1/first'))
    await eventually(() => runtime.status()[0]?.backlog === 0)
    expect(rig.watch.begun).toBe(1)
    expect(await rig.recordsOf(outputs)).toEqual([])
  })
})
