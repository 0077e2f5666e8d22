import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TransientError } from '../../engine/errors.ts'
import { asking, eventually, HeldModels, inputs, outputs, Rig, seeds, statusOf, type SeenCommit } from './rig.ts'

/** Keys of kept calls that a commit writes, and that it removes. */
function keptIn({ commit }: SeenCommit): { written: string[]; removed: string[] } {
  const calls = commit.state.filter(({ key }) => key.startsWith('c:'))
  return {
    written: calls.filter(({ value }) => value !== undefined).map(({ key }) => key),
    removed: calls.filter(({ value }) => value === undefined).map(({ key }) => key),
  }
}

describe('finished calls of a record that is not finished', () => {
  let rig: Rig
  let models: HeldModels
  beforeEach(async () => {
    rig = await Rig.open()
    models = new HeldModels()
  })
  afterEach(() => rig.close())

  const threeCalls = asking(['a', 'b', 'c'])

  /** Answers the first two calls and waits until the commit that keeps the second. */
  async function answerTwo(): Promise<void> {
    await models.asked('seed-0/a')
    models.answer('seed-0/a', 'first')
    await rig.watch.committed(1)
    await models.asked('seed-0/b')
    models.answer('seed-0/b', 'second')
    await rig.watch.committed(2)
  }

  it('are kept by the next commit, which finishes nothing', async () => {
    await rig.add(inputs, seeds(1))
    await rig.start(threeCalls, { models })
    await answerTwo()
    expect(rig.watch.commits.map(keptIn)).toEqual([
      { written: ['c:inputs/0/a'], removed: [] },
      { written: ['c:inputs/0/b'], removed: [] },
    ])
    expect(await rig.progressOf('ask')).toMatchObject({
      inputs: [{ nextOffset: 1, unfinished: [0] }],
      counts: { finished: 0 },
    })
    expect(await rig.recordsOf(outputs)).toEqual([])
  })

  it('are never made again: after a restart the record goes on with its next call', async () => {
    await rig.add(inputs, seeds(1))
    await rig.start(threeCalls, { models })
    await answerTwo()
    await models.asked('seed-0/c')
    await rig.crash()
    const again = new HeldModels()
    await rig.start(threeCalls, { models: again })
    await again.asked('seed-0/c')
    again.answer('seed-0/c', 'third')
    await rig.watch.finished(1)
    expect(again.requests).toEqual(['seed-0/c'])
    const [output] = await rig.recordsOf(outputs)
    expect(output?.statement).toBe('first | second | third')
  })

  it('are removed from the state by the commit that finishes the record', async () => {
    await rig.add(inputs, seeds(1))
    await rig.start(threeCalls, { models })
    await answerTwo()
    await models.asked('seed-0/c')
    await rig.crash()
    const again = new HeldModels()
    const runtime = await rig.start(threeCalls, { models: again })
    await again.asked('seed-0/c')
    again.answer('seed-0/c', 'third')
    await rig.watch.finished(1)
    const last = rig.watch.commits.at(-1)
    expect(last && keptIn(last)).toEqual({ written: [], removed: ['c:inputs/0/a', 'c:inputs/0/b'] })
    await runtime.drain(AbortSignal.abort())
    const membership = await rig.log.join(
      { name: 'ask', inputs: ['inputs'], tasks: 1 },
      { gained: () => undefined, lost: () => undefined, failed: () => undefined },
    )
    const open = await membership.open(0)
    expect([...open.state.entries()].map(({ key }) => key).filter((key) => key.startsWith('c:'))).toEqual([])
    await open.close()
  })

  it('are removed too when the record ends in a discard or as a dead letter', async () => {
    await rig.add(inputs, seeds(1))
    await rig.start(threeCalls, { models })
    await answerTwo()
    await models.asked('seed-0/c')
    models.answer('seed-0/c', 'unwanted')
    await rig.watch.finished(1)
    const last = rig.watch.commits.at(-1)
    expect(last && keptIn(last).removed).toEqual(['c:inputs/0/a', 'c:inputs/0/b'])
  })

  it('are not written when the record finishes before the commit', async () => {
    await rig.add(inputs, seeds(1))
    const runtime = await rig.start(asking(['a', 'b']), { models, limits: { commitSeconds: 86_400 } })
    await models.asked('seed-0/a')
    models.answer('seed-0/a')
    await models.asked('seed-0/b')
    models.answer('seed-0/b')
    await eventually(() => statusOf(runtime).uncommitted === 1)
    await runtime.drain(new AbortController().signal)
    expect(rig.watch.commits.map(keptIn)).toEqual([{ written: [], removed: [] }])
  })

  it('count once in the ledger: tokens and seconds are exact over restarts, in order of their commits', async () => {
    await rig.add(inputs, seeds(2))
    await rig.start(threeCalls, { models, limits: { maxInFlight: 1 } })
    await answerTwo()
    expect((await rig.ledgerOf('ask'))?.counts).toMatchObject({
      calls: 2,
      promptTokens: 20,
      completionTokens: 6,
      callSeconds: 1,
    })
    await models.asked('seed-0/c')
    await rig.crash()
    const again = new HeldModels()
    await rig.start(threeCalls, { models: again, limits: { maxInFlight: 1 } })
    await again.asked('seed-0/c')
    again.answer('seed-0/c')
    for (const purpose of ['a', 'b', 'c']) {
      await again.asked(`seed-1/${purpose}`)
      again.answer(`seed-1/${purpose}`)
    }
    await rig.watch.finished(2)
    const counts = (await rig.ledgerOf('ask'))?.counts
    expect(counts).toMatchObject({ finished: 2, calls: 6, promptTokens: 60, completionTokens: 18, callSeconds: 3 })
  })

  it('that no commit holds at a crash are made again, and only they', async () => {
    await rig.add(inputs, seeds(1))
    await rig.start(threeCalls, { models })
    await models.asked('seed-0/a')
    models.answer('seed-0/a')
    await rig.watch.committed(1)
    await models.asked('seed-0/b')
    let release!: () => void
    const released = new Promise<void>((resolve) => (release = resolve))
    rig.watch.faults.push((proceed) => released.then(proceed))
    models.answer('seed-0/b')
    await models.asked('seed-0/c')
    await rig.crash()
    release()
    const again = new HeldModels()
    await rig.start(threeCalls, { models: again })
    await again.asked('seed-0/b')
    expect(again.requests).toEqual(['seed-0/b'])
  })

  it('are made once: one that is still under way is joined by the next try of its record', async () => {
    await rig.add(inputs, seeds(1))
    await rig.start(asking(['a', 'b'], {}, true), { models })
    await models.asked('seed-0/a', 'seed-0/b')
    models.fail('seed-0/b', new TransientError('CONNECTION_LOST', 'it broke off'))
    await eventually(() => models.requests.filter((id) => id === 'seed-0/b').length === 2)
    models.answer('seed-0/a')
    models.answer('seed-0/b')
    await rig.watch.finished(1)
    expect(models.requests.filter((id) => id === 'seed-0/a')).toEqual(['seed-0/a'])
  })

  it('are told by the id of their record and their purpose: one purpose is asked once', async () => {
    await rig.add(inputs, seeds(1))
    await rig.start(asking(['a', 'a']), { models })
    await models.asked('seed-0/a')
    models.answer('seed-0/a', 'once')
    await rig.watch.finished(1)
    expect(models.requests).toEqual(['seed-0/a'])
    expect((await rig.recordsOf(outputs))[0]?.statement).toBe('once | once')
  })
})
