import { setMaxListeners } from 'node:events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConcurrencyLimit } from '../../inference/limit.ts'
import { EndpointSlots, ModelLine } from '../../inference/slots.ts'

const never = new AbortController().signal
setMaxListeners(0, never)

const slotsOf = (name: string, limit: number) => new EndpointSlots(name, new ConcurrencyLimit(limit))

/** A line whose endpoints weigh the same. */
const lineOf = (endpoints: readonly EndpointSlots[]) => new ModelLine(endpoints.map((slots) => ({ slots, weight: 1 })))

/** Lets what has been settled reach those who wait for it. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('slots of endpoints', () => {
  it('go to the call of a priority that has waited longest, whatever its model', async () => {
    const endpoint = slotsOf('box', 1)
    const lines = [lineOf([endpoint]), lineOf([endpoint])]
    const order: number[] = []
    const calls = [0, 1, 1, 0, 1, 0].map(async (line, call) => {
      await lines[line]?.acquire([never])
      order.push(call)
      endpoint.release()
    })
    await Promise.all(calls)
    expect(order).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('of a paused endpoint are passed over, and used again after', async () => {
    const [a, b] = [slotsOf('a', 1), slotsOf('b', 1)]
    const line = lineOf([a, b])
    a.pause('away')
    expect(await line.acquire([never])).toBe(b)
    const waiting = line.acquire([never])
    expect([a.inFlight, line.length]).toEqual([0, 1])
    a.resume()
    expect(await waiting).toBe(a)
  })

  it('are waited for where all endpoints are away, and the call is told why', async () => {
    const [a, b] = [slotsOf('a', 1), slotsOf('b', 1)]
    const line = lineOf([a, b])
    a.pause('a is away')
    const told: (string | undefined)[] = []
    expect(await line.acquire([never])).toBe(b)
    const waiting = line.acquire([never], { onOutage: (why) => told.push(why) })
    expect(told).toEqual([])
    b.pause('b is away')
    expect(told).toEqual(['a is away; b is away'])
    b.release()
    b.resume()
    expect(await waiting).toBe(b)
    expect(told.at(-1)).toBeUndefined()
  })

  it('go to the call of the highest priority, and each eighth to the one that has waited longest', async () => {
    const endpoint = slotsOf('box', 1)
    const line = lineOf([endpoint])
    const order: string[] = []
    const call = async (name: string, priority: number): Promise<void> => {
      await line.acquire([never], { priority })
      order.push(name)
      endpoint.release()
    }
    const first = line.acquire([never])
    const all = [call('early', 0), ...Array.from({ length: 10 }, (_, index) => call(`late-${index}`, 5))]
    await first
    endpoint.release()
    await Promise.all(all)
    expect(order.indexOf('early')).toBe(7)
    expect(order.filter((name) => name !== 'early')).toEqual(Array.from({ length: 10 }, (_, index) => `late-${index}`))
  })

  it('go to calls with the same prefix at one endpoint, also when that takes them from the queue of another', async () => {
    const [a, b] = [slotsOf('a', 1), slotsOf('b', 1)]
    const line = lineOf([a, b])
    const places: Record<string, string[]> = {}
    const holders = [await line.acquire([never], { prefix: 'x' }), await line.acquire([never], { prefix: 'y' })]
    const calls = ['x', 'x', 'x', 'x'].map(async (prefix) => {
      const place = await line.acquire([never], { prefix })
      ;(places[prefix] ??= []).push(place.name)
      await settle()
      place.release()
    })
    expect([a.waiting, b.waiting].sort()).toEqual([0, 4])
    // The other endpoint is free first: it takes one, and with it the rest.
    holders[1]?.release()
    await Promise.all(calls)
    expect(places['x']).toEqual(Array(4).fill(holders[1]?.name))
    holders[0]?.release()
  })

  it('are waited for in the old order after the endpoint of the queue has gone', async () => {
    const [a, b] = [slotsOf('a', 1), slotsOf('b', 1)]
    const line = lineOf([a])
    const first = await line.acquire([never])
    const order: number[] = []
    const calls = [0, 1, 2, 3].map(async (call) => {
      const place = await line.acquire([never])
      expect(place).toBe(b)
      order.push(call)
      place.release()
    })
    line.use([{ slots: b, weight: 1 }])
    let isEmpty = false
    a.retire(() => (isEmpty = true))
    await Promise.all(calls)
    expect(order).toEqual([0, 1, 2, 3])
    expect([a.inFlight, isEmpty]).toEqual([1, false])
    first.release()
    expect(isEmpty).toBe(true)
  })

  it('of an endpoint that is new or was away are not all given to it to make up for the past', async () => {
    const [a, b] = [slotsOf('a', 4), slotsOf('b', 4)]
    const line = lineOf([a])
    const one = async (): Promise<string> => {
      const place = await line.acquire([never])
      place.release()
      return place.name
    }
    for (let call = 0; call < 50; call += 1) await one()
    line.use([
      { slots: a, weight: 1 },
      { slots: b, weight: 1 },
    ])
    const names = [await one(), await one(), await one(), await one(), await one(), await one()]
    expect(names.filter((name) => name === 'b')).toHaveLength(3)
  })

  /** Random calls, ends, aborts and pauses over two models that share endpoints, which come and go. */
  it('are never exceeded, never idle while a call may have them, and none is lost', async () => {
    const action = fc.oneof(
      fc.record({ do: fc.constant('call' as const), line: fc.nat(1), priority: fc.nat(2), prefix: fc.nat(3) }),
      fc.record({ do: fc.constantFrom('end' as const, 'abort' as const), which: fc.nat(50) }),
      fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const), which: fc.nat(2) }),
      fc.record({
        do: fc.constant('use' as const),
        line: fc.nat(1),
        which: fc.uniqueArray(fc.record({ index: fc.nat(2), weight: fc.constantFrom(0.5, 1, 3) }), {
          selector: ({ index }) => index,
          minLength: 1,
        }),
      }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 60 }),
        fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
        async (actions, limits) => {
          const endpoints = limits.map((limit, index) => slotsOf(`e${index}`, limit))
          const lines = [lineOf(endpoints.slice(0, 2)), lineOf(endpoints.slice(1))]
          const running: EndpointSlots[] = []
          const waiting = new Set<AbortController>()
          let [begun, ended, aborted] = [0, 0, 0]
          for (const step of actions) {
            if (step.do === 'call') {
              const controller = new AbortController()
              waiting.add(controller)
              begun += 1
              void lines[step.line]
                ?.acquire([controller.signal], {
                  priority: step.priority,
                  prefix: `p${step.prefix}`,
                })
                .then(
                  (slots) => {
                    waiting.delete(controller)
                    running.push(slots)
                  },
                  () => undefined,
                )
            } else if (step.do === 'end' && running.length > 0) {
              running.splice(step.which % running.length, 1)[0]?.release()
              ended += 1
            } else if (step.do === 'abort') {
              const controller = [...waiting][step.which % Math.max(1, waiting.size)]
              if (controller !== undefined) {
                waiting.delete(controller)
                controller.abort()
                aborted += 1
              }
            } else if (step.do === 'pause') endpoints[step.which]?.pause('away')
            else if (step.do === 'resume') endpoints[step.which]?.resume()
            else if (step.do === 'use') {
              lines[step.line]?.use(
                step.which.flatMap(({ index, weight }) => {
                  const slots = endpoints[index]
                  return slots === undefined ? [] : [{ slots, weight }]
                }),
              )
            }
            await settle()
            for (const endpoint of endpoints) {
              expect(endpoint.inFlight).toBe(running.filter((slots) => slots === endpoint).length)
              expect(endpoint.inFlight).toBeLessThanOrEqual(endpoint.limit.value)
            }
            for (const line of lines) {
              if (line.length === 0) continue
              for (const endpoint of line.endpoints) expect(endpoint.isFull || endpoint.paused !== undefined).toBe(true)
            }
            expect(lines.reduce((sum, line) => sum + line.length, 0)).toBe(waiting.size)
            expect(endpoints.reduce((sum, { waiting: there }) => sum + there, 0)).toBe(waiting.size)
            expect(begun).toBe(ended + aborted + running.length + waiting.size)
          }
          for (const endpoint of endpoints) endpoint.resume()
        },
      ),
      { numRuns: 200 },
    )
  })
})
