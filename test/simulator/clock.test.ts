import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Clock } from '../../simulator/clock.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

it('goes with the time, less what it was stopped or stalled for, and never back', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constantFrom('stop' as const, 'go' as const), passMs: fc.nat(50) }),
    fc.record({ do: fc.constant('stall' as const), stallMs: fc.nat(60), passMs: fc.nat(50) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const clock = new Clock()
      const beganMs = clock.nowMs
      let [expectedMs, stallLeftMs, isStopped] = [0, 0, false]
      for (const one of steps) {
        if (one.do === 'stall') {
          clock.stall(one.stallMs)
          stallLeftMs += one.stallMs
        } else {
          clock[one.do]()
          isStopped = one.do === 'stop'
        }
        expect(clock.isStopped).toBe(isStopped)
        for (let ms = 0; ms < one.passMs; ms += 1) {
          vi.advanceTimersByTime(1)
          if (isStopped) continue
          if (stallLeftMs > 0) stallLeftMs -= 1
          else expectedMs += 1
        }
        expect(clock.nowMs - beganMs).toBeCloseTo(expectedMs, 6)
      }
    }),
  )
})
