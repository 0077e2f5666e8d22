import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TransientError } from '../../engine/errors.ts'
import type { Processor } from '../../engine/processor.ts'
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

const ids = async (rig: Rig): Promise<string[]> => (await rig.recordsOf(outputs)).map(({ id }) => id)

describe('draining', () => {
  let rig: Rig
  let gates: Gates
  let deadline: AbortController
  beforeEach(async () => {
    rig = await Rig.open()
    gates = new Gates()
    deadline = new AbortController()
  })
  afterEach(() => rig.close())

  it('admits nothing more, lets what is in flight finish, commits it and closes', async () => {
    await rig.add(inputs, seeds(4))
    const runtime = await rig.start(handingOn(gates), { limits: { maxInFlight: 2, commitSeconds: 86_400 } })
    await gates.begins('seed-0', 'seed-1')
    const drained = runtime.drain(deadline.signal)
    gates.open('seed-0')
    gates.open('seed-1')
    await drained
    expect(gates.begun).toEqual(['seed-0', 'seed-1'])
    expect(await ids(rig)).toEqual(['seed-0', 'seed-1'])
    expect(await rig.progressOf('hand-on')).toMatchObject({ inputs: [{ nextOffset: 2, unfinished: [] }] })
  })

  it('aborts calls at the deadline, commits what was finished, and the next owner does the rest', async () => {
    const models = new HeldModels()
    await rig.add(inputs, seeds(3))
    const runtime = await rig.start(asking(['once']), { models, limits: { commitSeconds: 86_400 } })
    await models.asked('seed-0/once', 'seed-1/once', 'seed-2/once')
    models.answer('seed-1/once', 'done')
    await eventually(() => statusOf(runtime).uncommitted === 1)
    const drained = runtime.drain(deadline.signal)
    expect(models.aborted).toEqual([])
    deadline.abort()
    await drained
    expect(models.aborted.filter((id) => id !== 'seed-1/once')).toEqual(['seed-0/once', 'seed-2/once'])
    expect(await ids(rig)).toEqual(['seed-1'])
    expect(unfinishedIn(await rig.progressOf('ask'))).toEqual([0, 2])
    const again = new HeldModels()
    await rig.start(asking(['once']), { models: again })
    await again.asked('seed-0/once', 'seed-2/once')
    again.answer('seed-0/once')
    again.answer('seed-2/once')
    await rig.watch.finished(3)
    expect(again.requests).toEqual(['seed-0/once', 'seed-2/once'])
    expect(await ids(rig)).toEqual(['seed-1', 'seed-0', 'seed-2'])
  })

  it('gives up at once what was not sent, and waits for what was', async () => {
    const models = new HeldModels()
    models.waiting.add('seed-1/once')
    await rig.add(inputs, seeds(2))
    const runtime = await rig.start(asking(['once']), { models, limits: { commitSeconds: 86_400 } })
    await models.asked('seed-0/once', 'seed-1/once')
    const drained = runtime.drain(deadline.signal)
    await eventually(() => statusOf(runtime).inFlight === 1)
    models.answer('seed-0/once', 'done')
    await drained
    expect(await ids(rig)).toEqual(['seed-0'])
    expect(unfinishedIn(await rig.progressOf('ask'))).toEqual([1])
  })

  it('keeps the answer of a call that was sent beside one that was not', async () => {
    const models = new HeldModels()
    models.waiting.add('seed-0/b')
    await rig.add(inputs, seeds(1))
    const both = asking(['a', 'b'], {}, true)
    const runtime = await rig.start(both, { models, limits: { commitSeconds: 86_400 } })
    await models.asked('seed-0/a', 'seed-0/b')
    const drained = runtime.drain(deadline.signal)
    await eventually(() => models.givenUp.has('seed-0/b'))
    // Time enough to give the record up.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(statusOf(runtime).inFlight).toBe(1)
    models.answer('seed-0/a')
    await drained
    const again = new HeldModels()
    await rig.start(both, { models: again })
    await again.asked('seed-0/b')
    again.answer('seed-0/b')
    await rig.watch.finished(1)
    expect(again.requests).toEqual(['seed-0/b'])
  })

  it('keeps the finished calls of a record that is aborted at the deadline', async () => {
    const models = new HeldModels()
    await rig.add(inputs, seeds(1))
    const runtime = await rig.start(asking(['a', 'b']), { models, limits: { commitSeconds: 86_400 } })
    await models.asked('seed-0/a')
    models.answer('seed-0/a')
    await models.asked('seed-0/b')
    deadline.abort()
    await runtime.drain(deadline.signal)
    expect(rig.watch.commits.map(({ commit }) => commit.state.map(({ key }) => key))).toEqual([
      [
        'c:inputs/0/a',
        'm:ask/0/solver/model/held/wasted/USD', // of the call that was aborted
        'm:ask/0/solver/model/held/unfinished/USD',
      ],
    ])
    expect(await rig.progressOf('ask')).toMatchObject({ counts: { finished: 0, calls: 1, completionTokens: 3 } })
  })

  it('does not wait for a record in its pause before the next try', async () => {
    const models = new HeldModels()
    await rig.add(inputs, seeds(1))
    const patient: Partial<Processor> = {
      onFailure: { transient: { attempts: 3, firstDelaySeconds: 86_400, maxDelaySeconds: 86_400 } },
    }
    const runtime = await rig.start(asking(['once'], patient), { models })
    await models.asked('seed-0/once')
    models.fail('seed-0/once', new TransientError('ENDPOINT_TIMEOUT', 'no answer'))
    await eventually(() => statusOf(runtime).waiting !== undefined)
    await runtime.drain(deadline.signal)
    expect(await rig.deadLetters()).toEqual([])
  })

  it('leaves the later records of a key to the next owner when an earlier one was given up', async () => {
    await rig.add(inputs, seeds(3))
    const { process, ...rest } = numbering(gates)
    const failingFirst: Processor = {
      ...rest,
      onFailure: { transient: { attempts: 3, firstDelaySeconds: 86_400, maxDelaySeconds: 86_400 } },
      process: {
        async inputs(record, context) {
          if ((record as unknown as { id: string }).id === 'seed-0')
            throw new TransientError('ENDPOINT_TIMEOUT', 'no answer')
          return (await process['inputs']?.(record, context)) as never
        },
      },
    }
    const runtime = await rig.start(failingFirst)
    await eventually(() => statusOf(runtime).waiting !== undefined)
    gates.openAll()
    await runtime.drain(deadline.signal)
    expect(await ids(rig)).toEqual([])
    await rig.start(numbering(gates))
    await rig.watch.finished(3)
    expect((await rig.recordsOf(outputs)).map(({ sourceId }) => sourceId)).toEqual([
      'one-key:0',
      'one-key:1',
      'one-key:2',
    ])
  })

  it('loses no record that was waiting for room', async () => {
    await rig.add(inputs, seeds(4))
    await rig.start(handingOn(gates))
    await gates.begins('seed-3')
    gates.open('seed-3')
    await rig.watch.finished(1)
    await rig.crash()
    const second = new Gates()
    const runtime = await rig.start(handingOn(second), { limits: { maxInFlight: 1, commitSeconds: 86_400 } })
    await second.begins('seed-0')
    const drained = runtime.drain(deadline.signal)
    second.open('seed-0')
    await drained
    expect(unfinishedIn(await rig.progressOf('hand-on'))).toEqual([1, 2])
  })

  it('tries a log that is away again until the deadline and a while after it, then fails and says why', async () => {
    await rig.add(inputs, seeds(1))
    const limits = { commitSeconds: 86_400, lastCommitSeconds: 0.5 }
    const runtime = await rig.start(handingOn(gates), { limits })
    await gates.begins('seed-0')
    gates.open('seed-0')
    await eventually(() => statusOf(runtime).uncommitted === 1)
    const away = new LogError('unreachable', 'no broker answers')
    for (let failures = 0; failures < 20; failures++) rig.watch.faults.push(() => Promise.reject(away))
    const drained = runtime.drain(deadline.signal)
    await eventually(() => statusOf(runtime).waiting === 'no broker answers')
    deadline.abort()
    await drained
    await expect(runtime.failed).rejects.toThrow('no broker answers')
    expect(await ids(rig)).toEqual([])
  })

  it('commits what is finished to a log that comes back soon after the deadline', async () => {
    await rig.add(inputs, seeds(1))
    const runtime = await rig.start(handingOn(gates), { limits: { commitSeconds: 86_400 } })
    await gates.begins('seed-0')
    gates.open('seed-0')
    await eventually(() => statusOf(runtime).uncommitted === 1)
    const away = new LogError('unreachable', 'no broker answers')
    for (let failures = 0; failures < 3; failures++) rig.watch.faults.push(() => Promise.reject(away))
    await runtime.drain(AbortSignal.abort())
    expect(await ids(rig)).toEqual(['seed-0'])
  })

  it('goes on with a log that comes back before the deadline', async () => {
    await rig.add(inputs, seeds(1))
    const runtime = await rig.start(handingOn(gates), { limits: { commitSeconds: 86_400 } })
    await gates.begins('seed-0')
    gates.open('seed-0')
    await eventually(() => statusOf(runtime).uncommitted === 1)
    rig.watch.faults.push(() => Promise.reject(new LogError('unreachable', 'no broker answers')))
    await runtime.drain(deadline.signal)
    expect(await ids(rig)).toEqual(['seed-0'])
  })

  it('of a task that is lost meanwhile ends', async () => {
    await rig.add(inputs, seeds(1))
    const runtime = await rig.start(handingOn(gates))
    await gates.begins('seed-0')
    const drained = runtime.drain(deadline.signal)
    const membership = await rig.log.join(
      { name: 'hand-on', inputs: ['inputs'], tasks: 1 },
      { gained: () => undefined, lost: () => undefined, failed: () => undefined },
    )
    const opened = await membership.open(0)
    await drained
    expect(opened.progress).toBeUndefined()
    await opened.close()
  })

  it('warns of no leak, however many tasks share the deadline', async () => {
    const warnings: string[] = []
    const listen = (warning: Error): void => void warnings.push(warning.name)
    process.on('warning', listen)
    await rig.add(inputs, seeds(1))
    const names = Array.from({ length: 15 }, (_, number) => `hand-on-${number}`)
    const runtime = await rig.startAll(names.map((name) => ({ ...handingOn(gates), name })))
    await gates.until(() => gates.begun.length === 15)
    const drained = runtime.drain(deadline.signal)
    deadline.abort()
    await drained
    await new Promise<void>((resolve) => setImmediate(resolve))
    process.off('warning', listen)
    expect(warnings).toEqual([])
  })
})
