import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EndpointSlots, ModelLine } from '../../inference/slots.ts'

const never = new AbortController().signal

/** Lets what has been settled reach those who wait for it. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('slots of endpoints', () => {
  it('go to the call that has waited longest, whatever its model', async () => {
    const endpoint = new EndpointSlots('box', 1)
    const lines = [new ModelLine([endpoint]), new ModelLine([endpoint])]
    const order: number[] = []
    const calls = [0, 1, 1, 0, 1, 0].map(async (line, call) => {
      await lines[line]?.acquire(never)
      order.push(call)
      endpoint.release()
    })
    await Promise.all(calls)
    expect(order).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('of a paused endpoint are passed over while another is sound, and used again after', async () => {
    const [a, b] = [new EndpointSlots('a', 1), new EndpointSlots('b', 1)]
    const line = new ModelLine([a, b])
    a.pause(1000)
    expect(await line.acquire(never)).toBe(b)
    const waiting = line.acquire(never)
    expect([a.inFlight, line.length]).toEqual([0, 1])
    a.resume()
    expect(await waiting).toBe(a)
  })

  it('of paused endpoints are used when no sound one is left, also by those who wait already', async () => {
    const [a, b] = [new EndpointSlots('a', 1), new EndpointSlots('b', 1)]
    const line = new ModelLine([a, b])
    a.pause(1000)
    expect(await line.acquire(never)).toBe(b)
    const waiting = line.acquire(never)
    b.pause(1000)
    expect(await waiting).toBe(a)
    a.resume()
    b.resume()
  })

  it('of one endpoint alone are used also while it is paused', async () => {
    const endpoint = new EndpointSlots('box', 1)
    const line = new ModelLine([endpoint])
    endpoint.pause(1000)
    expect(await line.acquire(never)).toBe(endpoint)
    endpoint.resume()
  })

  /** Random calls, ends, aborts and pauses over two models that share the middle one of three endpoints. */
  it('are never exceeded, never idle while a call may have them, and none is lost', async () => {
    const action = fc.oneof(
      fc.record({ do: fc.constant('call' as const), line: fc.nat(1) }),
      fc.record({ do: fc.constantFrom('end' as const, 'abort' as const), which: fc.nat(50) }),
      fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const), which: fc.nat(2) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 60 }),
        fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
        async (actions, limits) => {
          const endpoints = limits.map((limit, index) => new EndpointSlots(`e${index}`, limit))
          const lines = [new ModelLine(endpoints.slice(0, 2)), new ModelLine(endpoints.slice(1))]
          const running: EndpointSlots[] = []
          const waiting = new Set<AbortController>()
          let [begun, ended, aborted] = [0, 0, 0]
          for (const step of actions) {
            if (step.do === 'call') {
              const controller = new AbortController()
              waiting.add(controller)
              begun += 1
              void lines[step.line]?.acquire(controller.signal).then(
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
            } else if (step.do === 'pause') endpoints[step.which]?.pause(1000)
            else if (step.do === 'resume') endpoints[step.which]?.resume()
            await settle()
            for (const endpoint of endpoints) {
              expect(endpoint.inFlight).toBe(running.filter((slots) => slots === endpoint).length)
              expect(endpoint.inFlight).toBeLessThanOrEqual(endpoint.limit)
            }
            for (const line of lines) {
              if (line.length === 0) continue
              for (const endpoint of line.endpoints) expect(endpoint.isFull || !line.mayUse(endpoint)).toBe(true)
            }
            expect(lines.reduce((sum, line) => sum + line.length, 0)).toBe(waiting.size)
            expect(begun).toBe(ended + aborted + running.length + waiting.size)
          }
          for (const endpoint of endpoints) endpoint.resume()
        },
      ),
      { numRuns: 200 },
    )
  })
})
