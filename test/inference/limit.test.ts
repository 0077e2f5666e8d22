import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConcurrencyLimit } from '../../inference/limit.ts'

const even = (): number => 0.5

/** An endpoint with slots and a queue of its own, looked at again and again, its client always wanting more. */
function settled(limit: ConcurrencyLimit, slots: number, looks: number, others = 0): number[] {
  const values: number[] = []
  for (let look = 0; look < looks; look += 1) {
    const inFlight = limit.value
    const all = inFlight + others
    const load = { running: Math.min(slots, all), waiting: Math.max(0, all - slots), preempted: 0 }
    limit.observed(load, inFlight, look)
    values.push(limit.value)
  }
  return values
}

describe('the limit of an endpoint whose metrics can be read', () => {
  it.each([1, 8, 64, 512])('comes to its %i slots within 30 looks and stays there', (slots) => {
    const values = settled(new ConcurrencyLimit(undefined, even), slots, 200)
    for (const value of values.slice(30)) {
      expect(value).toBeGreaterThanOrEqual(Math.min(slots, Math.max(1, 0.95 * slots)))
      expect(value).toBeLessThanOrEqual(Math.max(1.25 * slots, slots + 3))
    }
  })

  it('is in the mean within a tenth of the slots, of few too', () => {
    for (const slots of [8, 12, 20, 64]) {
      const values = settled(new ConcurrencyLimit(undefined, even), slots, 230).slice(30)
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      expect(Math.abs(mean / slots - 1)).toBeLessThanOrEqual(0.1)
    }
  })

  it('gives one call back when one waits at few slots, and no more until one has ended', () => {
    const limit = new ConcurrencyLimit(undefined, even)
    settled(limit, 8, 50)
    const values = Array.from({ length: 20 }, (_, look) => {
      limit.observed({ running: 8, waiting: 1, preempted: 0 }, 9, look)
      return limit.value
    })
    expect(new Set(values)).toEqual(new Set([8]))
  })

  it('gives way at once when others come, and takes what they leave', () => {
    const limit = new ConcurrencyLimit(undefined, even)
    settled(limit, 64, 50)
    expect(settled(limit, 64, 20, 64).at(-1)).toBeLessThanOrEqual(33)
    expect(settled(limit, 64, 60, 0).at(-1)).toBeGreaterThanOrEqual(61)
  })

  it('falls when the endpoint throws calls out for want of memory, though nothing waits', () => {
    const limit = new ConcurrencyLimit(undefined, even)
    settled(limit, 64, 50)
    const before = limit.value
    limit.observed({ running: before, waiting: 0, preempted: 3 }, before, 1000)
    expect(limit.value).toBeLessThan(0.92 * before)
  })

  it('does not rise while it is not used up', () => {
    const limit = new ConcurrencyLimit(undefined, even)
    for (let look = 0; look < 50; look += 1) limit.observed({ running: 3, waiting: 0, preempted: 0 }, 3, look)
    expect(limit.value).toBe(16)
  })
})

describe('the limit of an endpoint that is short of memory', () => {
  const calm = { running: 40, waiting: 0, preempted: 0 }
  /** A limit of 36 that has met its first preemption. */
  const shortOfMemory = (): ConcurrencyLimit => {
    const limit = new ConcurrencyLimit(undefined, () => 0)
    settled(limit, 64, 50)
    limit.observed({ ...calm, preempted: 1 }, 40, 0)
    expect(limit.value).toBe(36)
    return limit
  }
  const answer = (limit: ConcurrencyLimit, answers: number): void => {
    for (let one = 0; one < answers; one += 1) limit.answered(true)
  }

  it('rises with its answers, not with looks: its memory fills as answers grow', () => {
    const limit = shortOfMemory()
    for (let look = 1; look < 100; look += 1) limit.observed(calm, limit.value, look)
    expect(limit.value).toBe(36)
    answer(limit, 51)
    expect(limit.value).toBe(37)
  })

  it('rises faster and faster while there is no preemption', () => {
    const limit = shortOfMemory()
    answer(limit, 10 * 36)
    expect(limit.value).toBeGreaterThan(60)
  })

  it('falls by one with five preemptions, by a tenth with many', () => {
    const limit = shortOfMemory()
    limit.observed({ running: 36, waiting: 0, preempted: 5 }, 36, 1)
    expect(limit.value).toBe(35)
    limit.observed({ running: 35, waiting: 0, preempted: 1000 }, 35, 2)
    expect(limit.value).toBe(31)
  })

  it('does not take what was preempted and waits for a queue, but what still waits a round later', () => {
    const limit = shortOfMemory()
    limit.observed({ running: 30, waiting: 6, preempted: 0 }, 36, 1)
    expect(limit.value).toBe(36)
    answer(limit, 38)
    limit.observed({ running: 30, waiting: 6, preempted: 0 }, 36, 2)
    expect(limit.value).toBe(30)
  })

  it('takes fewer calls while the memory is full of old answers, more while they are young', () => {
    const limit = shortOfMemory()
    const valueAt = (cacheUsage: number): number => {
      limit.observed({ ...calm, cacheUsage }, 36, 1)
      return limit.value
    }
    expect([0.9, 1, 0.8, 0.1].map(valueAt)).toEqual([36, 32, 39, 43])
    const ample = new ConcurrencyLimit(16, even)
    ample.observed({ running: 16, waiting: 0, preempted: 0, cacheUsage: 0.1 }, 16, 1)
    expect(ample.value).toBe(16)
  })

  it('becomes the same for all clients', () => {
    const limits = [shortOfMemory(), shortOfMemory(), shortOfMemory()] as const
    // The third is alone at first, the others come down to it from one call.
    for (let look = 0; look < 300; look += 1)
      for (const limit of limits.slice(0, 2))
        limit.observed({ running: 36, waiting: 0, preempted: 20 }, limit.value, look)
    const before = limits.map(({ value }) => value)
    expect(before[2]).toBeGreaterThan(5 * (before[0] ?? 0))
    // Room for 36 calls: what is more preempts, and each of them writes an answer in twenty looks.
    for (let look = 0; look < 20_000; look += 1) {
      const values = limits.map(({ value }) => value)
      const running = values.reduce((sum, value) => sum + value)
      for (const [index, limit] of limits.entries()) {
        const own = values[index] ?? 0
        const answers = Math.floor(((look + 1) * own) / 20) - Math.floor((look * own) / 20)
        answer(limit, answers)
        limit.observed({ running, waiting: 0, preempted: Math.max(0, running - 36) }, own, look)
      }
    }
    for (const { value } of limits) {
      expect(value).toBeGreaterThanOrEqual(10)
      expect(value).toBeLessThanOrEqual(14)
    }
  })
})

describe('the limit of an endpoint that refuses', () => {
  it('falls to a little less than what it took, once for all that were refused at a time', () => {
    const limit = new ConcurrencyLimit(1000)
    for (let answers = 0; answers < 84; answers += 1) limit.answered(true)
    expect(limit.value).toBe(100)
    // 64 were taken; the other 36 were sent before anything was heard.
    for (let refused = 0; refused < 36; refused += 1) limit.refused(5, 99 - refused, 10 + refused)
    expect(limit.value).toBeGreaterThanOrEqual(59)
    expect(limit.value).toBeLessThanOrEqual(64)
  })

  it('rises by one in two rounds of answers, in its first thirty rounds by eight', () => {
    const limit = new ConcurrencyLimit(1000)
    limit.refused(0, 10, 1)
    const risenIn = (rounds: number): number => {
      const before = limit.value
      for (let round = 0; round < rounds; round += 1)
        for (let left = limit.value; left > 0; left -= 1) limit.answered(true)
      return limit.value - before
    }
    expect(risenIn(30)).toBeGreaterThanOrEqual(100)
    risenIn(5)
    expect(risenIn(20)).toBeGreaterThanOrEqual(8)
    expect(risenIn(20)).toBeLessThanOrEqual(11)
  })

  it('gives clients that come one after another even shares 40 rounds later', () => {
    const unevenness = Array.from({ length: 9 }, (_, run) => unevenShares(3, 64, seeded(run + 1))).sort((a, b) => a - b)
    expect(unevenness[4]).toBeLessThanOrEqual(0.2)
  })
})

/** Numbers from 0 to 1 that are the same in every run: a linear congruential generator (Numerical Recipes, 7.1). */
function seeded(seed: number): () => number {
  let state = seed
  return () => (state = (1_664_525 * state + 1_013_904_223) % 2 ** 32) / 2 ** 32
}

/**
 * Clients of one endpoint that refuses what is more than its slots; each wants as many calls as it may have, and comes four rounds after the
 * one before. A round is the mean time of a call. @returns how far the one furthest from the mean is from it, in 60 rounds after 40 of all.
 */
function unevenShares(clientCount: number, slots: number, random: () => number): number {
  const clients = Array.from({ length: clientCount }, (_, index) => ({
    limit: new ConcurrencyLimit(4096, random),
    comesAt: 4 * index,
    waitsUntil: 0,
    /** When its calls end. */
    endsAt: [] as number[],
    answered: 0,
  }))
  const measuredFrom = 4 * clientCount + 40
  const step = 0.005
  for (let now = 0; now < measuredFrom + 60; now += step) {
    for (const client of clients) {
      const { limit } = client
      const ended = client.endsAt.filter((end) => end <= now).length
      for (let answers = 0; answers < ended; answers += 1) {
        limit.answered(client.endsAt.length - answers >= limit.value)
        if (now >= measuredFrom) client.answered += 1
      }
      client.endsAt = client.endsAt.filter((end) => end > now)
      while (now >= client.comesAt && now >= client.waitsUntil && client.endsAt.length < limit.value) {
        const running = clients.reduce((sum, { endsAt }) => sum + endsAt.length, 0)
        if (running >= slots) {
          limit.refused(now, client.endsAt.length, now)
          client.waitsUntil = now + 4 * step
        } else client.endsAt.push(now + 2 * random())
      }
    }
  }
  const mean = clients.reduce((sum, { answered }) => sum + answered, 0) / clientCount
  return Math.max(...clients.map(({ answered }) => Math.abs(answered / mean - 1)))
}

describe('the limit of an endpoint that tells nothing', () => {
  it('rises to what is configured, to 64 without it', () => {
    for (const [ceiling, highest] of [
      [undefined, 64],
      [40, 40],
      [5, 5],
    ] as const) {
      const limit = new ConcurrencyLimit(ceiling)
      for (let look = 0; look < 20; look += 1) limit.unobserved(true)
      expect(limit.value).toBe(highest)
    }
  })
})

it('is always a whole number from 1 to the ceiling, and 1 while the endpoint has to prove itself', () => {
  const event = fc.oneof(
    fc.record({ do: fc.constant('answered' as const), wasFull: fc.boolean() }),
    fc.record({ do: fc.constant('refused' as const), ago: fc.nat(5), inFlight: fc.nat(300) }),
    fc.record({ do: fc.constant('unobserved' as const), isFull: fc.boolean() }),
    fc.record({
      do: fc.constant('observed' as const),
      ...{ running: fc.nat(300), waiting: fc.nat(300), preempted: fc.nat(2), inFlight: fc.nat(300) },
      cacheUsage: fc.option(fc.double({ min: 0, max: 2, noNaN: true }), { nil: undefined }),
    }),
    fc.record({ do: fc.constantFrom('prove' as const, 'proven' as const) }),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 100 }), fc.integer({ min: 1, max: 200 }), (events, ceiling) => {
      const limit = new ConcurrencyLimit(ceiling)
      let isProving = false
      for (const [nowMs, one] of events.entries()) {
        if (one.do === 'answered') limit.answered(one.wasFull)
        else if (one.do === 'refused') limit.refused(nowMs - one.ago, one.inFlight, nowMs)
        else if (one.do === 'unobserved') limit.unobserved(one.isFull)
        else if (one.do === 'observed') limit.observed(one, one.inFlight, nowMs)
        else {
          isProving = one.do === 'prove'
          limit[one.do]()
        }
        expect(Number.isInteger(limit.value)).toBe(true)
        expect(limit.value).toBeGreaterThanOrEqual(1)
        expect(limit.value).toBeLessThanOrEqual(isProving ? 1 : ceiling)
      }
    }),
  )
})
