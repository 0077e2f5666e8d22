import { getEventListeners, getMaxListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { onAbort } from '../../topics/signals.ts'

const listenersOf = (signals: readonly AbortSignal[]): number[] =>
  signals.map((signal) => getEventListeners(signal, 'abort').length)

describe('what acts on the abort of signals', () => {
  const setUp = () => {
    const controllers = [new AbortController(), new AbortController()] as const
    const signals = controllers.map(({ signal }) => signal)
    const reasons: unknown[] = []
    const stop = onAbort(signals, (reason) => reasons.push(reason))
    return { controllers, signals, reasons, stop }
  }

  it('acts once, with the reason of the first, and leaves nothing at any', () => {
    const { controllers, signals, reasons } = setUp()
    controllers[1].abort('the second')
    controllers[0].abort('the first')
    expect(reasons).toEqual(['the second'])
    expect(listenersOf(signals)).toEqual([0, 0])
  })

  it('leaves nothing at any when it is ended, and does not act any more', () => {
    const { controllers, signals, reasons, stop } = setUp()
    expect(listenersOf(signals)).toEqual([1, 1])
    stop()
    stop()
    expect(listenersOf(signals)).toEqual([0, 0])
    controllers[0].abort()
    expect(reasons).toEqual([])
  })

  it('acts after the turn where a signal has aborted already, unless it is ended before', async () => {
    const reasons: unknown[] = []
    const aborted = AbortSignal.abort('long ago')
    const open = new AbortController().signal
    onAbort([open, aborted], (reason) => reasons.push(reason))
    onAbort([aborted], (reason) => reasons.push(reason))()
    expect(reasons).toEqual([])
    await Promise.resolve()
    expect(reasons).toEqual(['long ago'])
    expect(listenersOf([open, aborted])).toEqual([0, 0])
  })

  it('takes many on one signal, and changes nothing for others', () => {
    const before = getMaxListeners(new AbortController().signal)
    const { signal } = new AbortController()
    const stops = Array.from({ length: 100 }, () => onAbort([signal], () => undefined))
    onAbort([], () => undefined)
    expect(getMaxListeners(new AbortController().signal)).toBe(before)
    expect(listenersOf([signal])).toEqual([100])
    for (const stop of stops) stop()
    expect(listenersOf([signal])).toEqual([0])
  })
})
