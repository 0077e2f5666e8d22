import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Clock } from '../../simulator/clock.ts'
import { Generation, type Needs, Scheduler } from '../../simulator/scheduler.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A scheduler whose requests leave when they are written to their end, and what happened to each. */
function open(capacity: { slots: number; kvTokens?: number }) {
  const clock = new Clock()
  const scheduler = new Scheduler({ kvTokens: undefined, recomputationMs: (tokens) => tokens / 10, ...capacity }, clock)
  const events: string[] = []
  const submit = (name: string, needs: Partial<Needs>): Generation => {
    let timer: NodeJS.Timeout | undefined
    const all: Needs = { slots: 1, promptTokens: 10, tokens: 100, firstTokenMs: 0, generationMs: 1000, ...needs }
    const end = (): void => {
      // Where the clock stood meanwhile it is too early.
      if (generation.leftMs > 0) return void (timer = setTimeout(end, Math.ceil(generation.leftMs)))
      events.push(`${name} ends`)
      scheduler.remove(generation)
    }
    const generation = new Generation(clock, all, {
      start: () => {
        events.push(`${name} starts`)
        timer = setTimeout(end, generation.leftMs)
      },
      stop: () => {
        events.push(`${name} is preempted`)
        clearTimeout(timer)
      },
    })
    scheduler.submit(generation)
    return generation
  }
  return { clock, scheduler, events, submit }
}

describe('slots', () => {
  it('go to requests in order of arrival, and a large one is not overtaken', () => {
    const { submit, events, scheduler } = open({ slots: 2 })
    submit('a', { generationMs: 1000 })
    submit('pair', { slots: 2, generationMs: 500 })
    submit('b', { generationMs: 100 })
    expect(scheduler).toMatchObject({ running: 1, waiting: 2 })
    expect(scheduler.wouldWait(1, 0)).toBe(true)
    vi.advanceTimersByTime(1700)
    expect(events).toEqual(['a starts', 'a ends', 'pair starts', 'pair ends', 'b starts', 'b ends'])
    expect(scheduler.busySeconds).toBeCloseTo(1 + 2 * 0.5 + 0.1, 3)
  })

  it('are enough for a request that wants more of them than there are', () => {
    const { submit, events } = open({ slots: 2 })
    submit('a', { slots: 5 })
    expect(events).toEqual(['a starts'])
  })
})

describe('the key-value cache', () => {
  it('takes a request only if its prompt fits, and none overtakes it', () => {
    const { submit, events, scheduler } = open({ slots: 8, kvTokens: 200 })
    submit('a', { promptTokens: 50, tokens: 100, generationMs: 1000 })
    submit('b', { promptTokens: 160, tokens: 10, generationMs: 100 })
    submit('c', { promptTokens: 1, tokens: 1, generationMs: 100 })
    expect(scheduler).toMatchObject({ running: 1, waiting: 2, heldTokens: 50 })
    vi.advanceTimersByTime(1000)
    expect(events).toEqual(['a starts', 'a ends', 'b starts', 'c starts'])
  })

  it('that is full preempts the youngest, which goes on from where it was once it is computed again', () => {
    const { submit, events, scheduler } = open({ slots: 8, kvTokens: 200 })
    submit('old', { promptTokens: 20, tokens: 100, generationMs: 1000 })
    const young = submit('young', { promptTokens: 40, tokens: 100, generationMs: 1000 })
    submit('next', { promptTokens: 40, tokens: 10, generationMs: 100 })
    vi.advanceTimersByTime(120)
    expect(events.splice(0)).toEqual(['old starts', 'young starts', 'next starts', 'next ends'])
    // 20 + 40 and twice 70 fill it.
    vi.advanceTimersByTime(600)
    expect(events).toEqual(['young is preempted'])
    const { written } = young
    expect(written).toBeGreaterThanOrEqual(70)
    expect(scheduler).toMatchObject({ preemptions: 1, recomputedTokens: 0, running: 1, waiting: 1 })
    expect(scheduler.tokensUnderWay).toBeGreaterThanOrEqual(140)
    vi.advanceTimersByTime(280)
    expect(events.slice(1)).toEqual(['old ends', 'young starts'])
    expect(scheduler.recomputedTokens).toBe(written)
    // Computing prompt and text takes a tenth of a millisecond a token here; nothing is written meanwhile.
    vi.advanceTimersByTime((40 + written) / 10 - 1)
    expect(young.written).toBe(written)
    vi.advanceTimersByTime(1 + 10 * (100 - written) - 10)
    expect(events).not.toContain('young ends')
    vi.advanceTimersByTime(20)
    expect(events.at(-1)).toBe('young ends')
  })

  it('takes preempted requests before all that wait, the oldest first', () => {
    const { submit, events } = open({ slots: 3, kvTokens: 120 })
    submit('a', { promptTokens: 10, tokens: 100, generationMs: 100 })
    submit('b', { promptTokens: 10, tokens: 90, generationMs: 900 })
    submit('c', { promptTokens: 10, tokens: 90, generationMs: 900 })
    submit('d', { promptTokens: 1, tokens: 1, generationMs: 1 })
    vi.advanceTimersByTime(100)
    expect(events.slice(3)).toEqual(['c is preempted', 'b is preempted', 'a ends', 'b starts', 'c starts', 'd starts'])
  })

  it('keeps nothing of a request that has left, wherever it was', () => {
    const { submit, scheduler } = open({ slots: 8, kvTokens: 150 })
    const all = ['a', 'b', 'c'].map((name) => submit(name, { promptTokens: 20 }))
    submit('waits', { promptTokens: 140, tokens: 1 })
    vi.advanceTimersByTime(500)
    expect(scheduler.preemptions).toBe(1)
    for (const generation of [...all, ...all]) scheduler.remove(generation)
    expect(scheduler).toMatchObject({ running: 1, waiting: 0, heldTokens: 140, tokensUnderWay: 0 })
  })

  it('does not fill while the clock stands', () => {
    const { submit, scheduler, clock } = open({ slots: 8, kvTokens: 90 })
    const [first] = ['a', 'b'].map((name) => submit(name, {}))
    vi.advanceTimersByTime(300)
    clock.stop()
    vi.advanceTimersByTime(600)
    expect(first?.written).toBe(30)
    expect(scheduler.preemptions).toBe(0)
    clock.go()
    scheduler.resume()
    vi.advanceTimersByTime(40)
    expect(scheduler.preemptions).toBe(0)
    vi.advanceTimersByTime(20)
    expect(scheduler.preemptions).toBe(1)
  })

  it('never holds more than fits, forgets nobody, and writes each answer once, whatever comes', () => {
    const request = fc.record({
      ...{ slots: fc.integer({ min: 1, max: 3 }), promptTokens: fc.integer({ min: 1, max: 60 }) },
      ...{ tokens: fc.nat(140), firstTokenMs: fc.nat(20), generationMs: fc.integer({ min: 1, max: 400 }) },
    })
    const arrivals = fc.array(fc.tuple(fc.nat(100), request), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(
        arrivals,
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 200, max: 600 }),
        (all, slots, kvTokens) => {
          const { submit, scheduler, events } = open({ slots, kvTokens })
          // Timers have whole milliseconds: so much is written within one.
          const within = 2 * Math.max(...all.map(([, needs]) => needs.tokens / needs.generationMs)) * slots + slots
          let [mostRunning, mostHeld] = [0, 0]
          const look = (): void => {
            mostRunning = Math.max(mostRunning, scheduler.running)
            mostHeld = Math.max(mostHeld, scheduler.heldTokens)
          }
          for (const [index, [pauseMs, needs]] of all.entries()) {
            for (let ms = 0; ms < pauseMs; ms += 1) {
              vi.advanceTimersByTime(1)
              look()
            }
            submit(`r${index}`, needs)
          }
          for (let ms = 0; ms < 100_000 && scheduler.running > 0; ms += 1) {
            vi.advanceTimersByTime(1)
            look()
          }
          expect(mostRunning).toBeLessThanOrEqual(slots)
          expect(mostHeld).toBeLessThanOrEqual(kvTokens + within)
          expect(events.filter((event) => event.endsWith('ends')).toSorted()).toEqual(
            all.map((_, index) => `r${index} ends`).toSorted(),
          )
          expect(events.filter((event) => event.endsWith('starts'))).toHaveLength(all.length + scheduler.preemptions)
          expect(scheduler).toMatchObject({ running: 0, waiting: 0, heldTokens: 0, tokensUnderWay: 0 })
        },
      ),
      { numRuns: 30 },
    )
  })
})
