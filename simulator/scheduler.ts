/**
 * Which requests are generated and which wait: for a slot, and for room in the key-value cache. Where the running ones need more
 * than there is, the youngest is preempted as vLLM does it (by recomputation): it goes back to the head of the queue, and its prompt and
 * what it had written are computed again before it goes on. That takes the time of the whole engine: meanwhile nothing is written.
 */
import { type Clock, LONGEST_TIMER_MS } from './clock.ts'

/** What a request needs. Times are on the clock: sped up. */
export interface Needs {
  /** Its answers. */
  slots: number
  /** Tokens of the prompt that it keeps in the cache. */
  promptTokens: number
  /** Of all its answers, written evenly over `generationMs`. */
  tokens: number
  firstTokenMs: number
  generationMs: number
}

/** What to do when a request is taken into work, again after each preemption, and when it is preempted. */
export interface Turns {
  start(): void
  stop(): void
}

/** One request from its admission on. */
export class Generation {
  readonly needs: Needs
  readonly turns: Turns
  private readonly clock: Clock
  private startedMs: number | undefined
  /** From the start to the next token. */
  private delayMs = 0
  /** What was written when it was last preempted. */
  private keptShare = 0
  private isFrozen = false

  constructor(clock: Clock, needs: Needs, turns: Turns) {
    this.clock = clock
    this.needs = needs
    this.turns = turns
  }

  /** What is written, 0 to 1. */
  get share(): number {
    if (this.startedMs === undefined || this.isFrozen) return this.keptShare
    const writingMs = this.clock.nowMs - this.startedMs - this.delayMs
    if (writingMs <= 0) return this.keptShare
    const { generationMs } = this.needs
    return generationMs === 0 ? 1 : Math.min(1, this.keptShare + writingMs / generationMs)
  }

  /** Tokens that are written. */
  get written(): number {
    return Math.round(this.needs.tokens * this.share)
  }

  /** Tokens that it keeps in the cache while it runs. */
  get held(): number {
    return this.needs.promptTokens + this.written
  }

  /** Time from its last start to the next token. */
  get firstMs(): number {
    return this.delayMs
  }

  /** Time to the last token; infinite while it waits or is frozen. */
  get leftMs(): number {
    if (this.startedMs === undefined || this.isFrozen) return Infinity
    const wholeMs = this.delayMs + (1 - this.keptShare) * this.needs.generationMs
    return Math.max(0, this.startedMs + wholeMs - this.clock.nowMs)
  }

  /** The most tokens that it writes in a millisecond. */
  get tokensPerMs(): number {
    const { generationMs, tokens } = this.needs
    return this.isFrozen || generationMs === 0 || this.share === 1 ? 0 : tokens / generationMs
  }

  /** Nothing more is written. */
  freeze(share: number): void {
    this.keptShare = share
    this.isFrozen = true
  }

  start(): void {
    this.delayMs = this.written === 0 ? this.needs.firstTokenMs : 0
    this.startedMs = this.clock.nowMs
  }

  preempt(): void {
    this.keptShare = this.share
    this.startedMs = undefined
  }
}

/** What there is to share. */
export interface Capacity {
  slots: number
  /** Tokens that the cache holds; undefined: as many as come. */
  kvTokens: number | undefined
  /** Time to compute so many tokens again. */
  recomputationMs: (tokens: number) => number
}

/** Takes requests into work in order of arrival. */
export class Scheduler {
  preemptions = 0
  recomputedTokens = 0
  private readonly capacity: Capacity
  private readonly clock: Clock
  /** Oldest first. */
  private readonly working = new Set<Generation>()
  private readonly queue = new Set<Generation>()
  /** Stands before the queue, its head last: the last one to be preempted is the oldest. */
  private readonly preempted: Generation[] = []
  private used = 0
  private usedMilliseconds = 0
  private changedMs = performance.now()
  private watching: NodeJS.Timeout | undefined

  constructor(capacity: Capacity, clock: Clock) {
    this.capacity = capacity
    this.clock = clock
  }

  /** Answers in generation. */
  get running(): number {
    return this.used
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.queue.size + this.preempted.length
  }

  /** Seconds in use, summed over the slots, since the start. */
  get busySeconds(): number {
    this.use(0)
    return this.usedMilliseconds / 1000
  }

  /** Tokens in the cache. */
  get heldTokens(): number {
    let sum = 0
    for (const generation of this.working) sum += generation.held
    return sum
  }

  /** Tokens of answers that are not done, up to now. */
  get tokensUnderWay(): number {
    let sum = 0
    for (const generation of this.working) sum += generation.written
    for (const generation of this.preempted) sum += generation.written
    return sum
  }

  /** Whether such a request would not be taken into work at once. */
  wouldWait(slots: number, promptTokens: number): boolean {
    return this.waiting > 0 || !this.hasRoom(slots, promptTokens)
  }

  /**
   * Takes a request into work (at once, if there is room for it) or into the queue. One with more answers than there are slots counts as all
   * slots. It must fit into the cache alone.
   */
  submit(generation: Generation): void {
    this.queue.add(generation)
    this.startNext()
  }

  /** It is done, or nobody waits for it any more; a second time does nothing. */
  remove(generation: Generation): void {
    if (this.working.delete(generation)) this.use(-this.weightOf(generation.needs.slots))
    else if (!this.queue.delete(generation)) {
      const place = this.preempted.indexOf(generation)
      if (place >= 0) this.preempted.splice(place, 1)
    }
    this.startNext()
  }

  /** The clock goes again. */
  resume(): void {
    this.watch()
  }

  private weightOf(slots: number): number {
    return Math.min(slots, this.capacity.slots)
  }

  private hasRoom(slots: number, tokens: number): boolean {
    const { slots: most, kvTokens } = this.capacity
    if (this.used + this.weightOf(slots) > most) return false
    // One more, for the next token. What is alone fits: else it would wait for ever.
    return kvTokens === undefined || this.working.size === 0 || this.heldTokens + tokens + 1 <= kvTokens
  }

  private use(change: number): void {
    const nowMs = performance.now()
    this.usedMilliseconds += this.used * (nowMs - this.changedMs)
    this.changedMs = nowMs
    this.used += change
  }

  private startNext(): void {
    for (;;) {
      const [next] = this.preempted.length > 0 ? this.preempted.slice(-1) : this.queue
      if (next === undefined || !this.hasRoom(next.needs.slots, next.held)) break
      if (!this.queue.delete(next)) this.preempted.pop()
      this.working.add(next)
      this.use(this.weightOf(next.needs.slots))
      const { written, held } = next
      if (written > 0) this.clock.stall(this.capacity.recomputationMs(held))
      this.recomputedTokens += written
      next.start()
      next.turns.start()
    }
    this.watch()
  }

  /** Looks again when the cache is full at the earliest. */
  private watch(): void {
    clearTimeout(this.watching)
    const { kvTokens } = this.capacity
    if (kvTokens === undefined || this.clock.isStopped) return
    let perMs = 0
    for (const generation of this.working) perMs += generation.tokensPerMs
    if (perMs === 0) return
    const fullInMs = Math.max(1, Math.ceil((kvTokens - this.heldTokens) / perMs))
    this.watching = setTimeout(() => this.makeRoom(kvTokens), Math.min(LONGEST_TIMER_MS, fullInMs))
  }

  private makeRoom(kvTokens: number): void {
    if (this.clock.isStopped) return
    const youngestFirst = [...this.working].reverse()
    for (const generation of youngestFirst) {
      if (this.heldTokens <= kvTokens) break
      // One that is written to its end leaves by itself.
      if (generation.share === 1) continue
      generation.preempt()
      this.working.delete(generation)
      this.use(-this.weightOf(generation.needs.slots))
      this.preempted.push(generation)
      this.preemptions += 1
      generation.turns.stop()
    }
    this.watch()
  }
}
