/**
 * How many calls one endpoint may have in flight from here: found by trying. Additive increase and multiplicative decrease
 * (RFC 5681), from the best signal that there is: the endpoint's own metrics, else the calls that it refuses with 429.
 * Latency is no signal: answers differ in length by orders of magnitude.
 */

/** Where a new or restarted limit begins; it doubles with each round of answers until something speaks against it. */
const FIRST_LIMIT = 16
/** What stays after a refusal, of the calls that the endpoint had then. Each process that shares the endpoint gives up the same share, so their shares become even. */
const KEPT_AFTER_REFUSAL = 0.93
/** Rounds of answers (as many as the limit) for one more call: a limit that is tried too often costs refusals. */
const ROUNDS_FOR_ONE_MORE = 2
/** A client that is new to the endpoint rises faster for so many rounds, by a share of its limit a round up to so many calls: those who were there before give way only as they are refused. */
const NEWCOMER = { rounds: 30, raisedShare: 0.25, mostRaised: 4 }
/** The endpoint's queue may hold this share of what it runs: enough that a slot that gets free is taken at once. */
const WELCOME_QUEUE = 0.02
/** One call in the queue is always welcome, but not for long where it is more than this share of what the endpoint runs: other clients' calls wait behind it. */
const LARGE_FOR_ONE = 0.1
/** After this many looks in a row without a queue the steps grow: much room is left. */
const CALM_LOOKS = 5
/** What stays after the first preemption, of the calls in work: those grow on. */
const KEPT_AFTER_PREEMPTION = 0.9
/**
 * An endpoint short of memory fills only as its answers grow, so that it is tried by rounds of answers, not by looks. An answer raises the limit
 * by so much, a preemption lowers it by so much: it settles where one of seven answers is preempted, most of them soon after their begin.
 * Fewer leave memory unused, more cost more than they bring (measured: bench/inference/memory.ts).
 */
const MEMORY = { raisedByAnswer: 0.03, loweredByPreemption: 0.2, mostLoweredShare: 0.1 }
/** Where it tells how full its memory is: with old answers in it, it takes fewer, with young ones more; in proportion, from here to there. */
const CACHE = { usualUsage: 0.9, mostMoreShare: 0.2 }
/** After this many rounds of answers in a row without a preemption the steps double with each further one, up to this. */
const CALM_ROUNDS = { count: 3, mostRaisedByAnswer: 0.25 }

/** What an endpoint says of itself: calls of all of its clients. */
export interface EndpointLoad {
  /** Calls in work. */
  running: number
  /** Calls in its own queue. */
  waiting: number
  /** Calls thrown out of work for want of memory since the last look; they are begun anew. */
  preempted: number
  /** Share of its memory for answers that is in use, 0 to 1; undefined where it does not tell. */
  cacheUsage?: number | undefined
}

/** Most calls in flight where nobody says, and the endpoint's metrics can be read; and where they can't. */
const CEILINGS = { observed: 1024, unobserved: 64 }

export class ConcurrencyLimit {
  private ceiling: number | undefined
  private readonly random: () => number
  private exact: number
  private isRamping = true
  private isObserved = false
  private isProving = false
  private roundsSinceRamp = 0
  private calmLooks = 0
  /** It has preempted calls since it was first looked at. */
  private isShortOfMemory = false
  private answersSincePreemption = 0
  /** By how full its memory is. */
  private room = 1
  /** What of the endpoint's calls is ours. */
  private ownShare = 1
  /** Calls that were sent before say nothing about the limit as it is now. */
  private loweredAtMs = -Infinity

  /** `ceiling`: never more, whatever the endpoint says; at least 1. Without one: 1,024 where its metrics can be read, else 64. */
  constructor(ceiling: number | undefined, random: () => number = Math.random) {
    this.ceiling = ceiling
    this.random = random
    this.exact = Math.min(this.most, FIRST_LIMIT)
  }

  /** A whole number, at least 1. */
  get value(): number {
    return this.isProving ? 1 : Math.max(1, Math.floor(Math.min(this.most, this.exact * this.room)))
  }

  /** One call at a time, after an outage. */
  get isOnTrial(): boolean {
    return this.isProving
  }

  private get most(): number {
    return this.ceiling ?? CEILINGS[this.isObserved ? 'observed' : 'unobserved']
  }

  /** Another ceiling, as in the constructor: at once where it is lower; where it is higher the limit goes up as it was found. */
  allow(ceiling: number | undefined): void {
    const wasAtCeiling = this.exact >= this.most
    this.ceiling = ceiling
    this.exact = Math.min(this.exact, this.most)
    if (!wasAtCeiling || this.exact >= this.most) return
    this.isRamping = true
    this.exact = Math.max(this.exact, Math.min(this.most, FIRST_LIMIT))
  }

  /** One call at a time, until `proven`: after an outage. */
  prove(): void {
    this.isProving = true
  }

  proven(): void {
    this.isProving = false
  }

  /** A call was answered. `wasFull`: the endpoint had as many calls as it may; a limit that nobody needs is not raised. */
  answered(wasFull: boolean): void {
    this.answersSincePreemption += 1
    if (!wasFull) return
    if (!this.isObserved) this.raise(this.raisedUnobserved())
    else if (this.isShortOfMemory) this.raise(this.raisedByAnswer)
  }

  /** What an answer raises the limit by where only refusals tell it. */
  private raisedUnobserved(): number {
    if (this.isRamping) return 1
    this.roundsSinceRamp += 1 / this.exact
    const isNew = this.roundsSinceRamp < NEWCOMER.rounds
    const asNew = isNew ? Math.min(NEWCOMER.mostRaised, NEWCOMER.raisedShare * this.exact) : 0
    return Math.max(1 / ROUNDS_FOR_ONE_MORE, asNew) / this.exact
  }

  /** Of several clients, one with a small share gives way by its share and gains by more: so their shares become even. */
  private get raisedByAnswer(): number {
    const rounds = Math.floor(this.answersSincePreemption / this.exact)
    const doubled = 2 ** Math.max(0, rounds - CALM_ROUNDS.count + 1)
    return Math.min(CALM_ROUNDS.mostRaisedByAnswer, (MEMORY.raisedByAnswer * doubled) / Math.sqrt(this.ownShare))
  }

  /** The endpoint refused a call that was sent at `sentAtMs` and has `inFlight` others. Of several refused at a time, the first counts. */
  refused(sentAtMs: number, inFlight: number, nowMs: number): void {
    this.isRamping = false
    if (sentAtMs < this.loweredAtMs) {
      // What it holds is known better with each refusal.
      this.lower(inFlight, this.loweredAtMs)
      return
    }
    this.lower(Math.min(this.exact, inFlight) * KEPT_AFTER_REFUSAL, nowMs)
  }

  /** A look at the endpoint's own metrics, while it has `inFlight` calls of ours. From the first one on they alone decide. */
  observed({ running, waiting, preempted, cacheUsage }: EndpointLoad, inFlight: number, nowMs: number): void {
    this.isObserved = true
    this.ownShare = Math.min(1, Math.max(1, inFlight) / Math.max(1, running + waiting))
    // What of ours it works on, if its queue is mixed as its work is.
    const ours = inFlight * (running / Math.max(1, running + waiting))
    if (this.isShortOfMemory && cacheUsage !== undefined)
      this.room = 1 + Math.min(CACHE.mostMoreShare, CACHE.usualUsage - Math.min(1, cacheUsage))
    if (preempted > 0) {
      this.isRamping = false
      this.calmLooks = 0
      this.answersSincePreemption = 0
      if (this.isShortOfMemory) {
        const lowered = MEMORY.loweredByPreemption * preempted * this.ownShare
        this.lower(this.exact - Math.min(lowered, MEMORY.mostLoweredShare * this.exact), nowMs)
      } else this.lower(this.spread(ours * KEPT_AFTER_PREEMPTION), nowMs)
      this.isShortOfMemory = true
      return
    }
    // What was preempted waits too: it is told by the preemptions themselves.
    if (this.isShortOfMemory && this.answersSincePreemption < this.exact) return
    if (waiting > Math.max(1, WELCOME_QUEUE * running)) {
      this.isRamping = false
      this.calmLooks = 0
      this.lower(this.spread(ours), nowMs)
      return
    }
    if (this.isShortOfMemory || inFlight < this.value) return
    if (waiting > 0) {
      this.calmLooks = 0
      // Of several clients one gives way; and once, until the call that is too much has ended.
      const isMuch = waiting > LARGE_FOR_ONE * running && inFlight === this.value
      if (isMuch && this.random() < this.ownShare) this.lower(this.value - 1, nowMs)
      return
    }
    this.calmLooks += 1
    if (this.isRamping) this.raise(this.exact / 2)
    else this.raise(Math.min(Math.max(1, this.exact / 4), Math.max(1, 2 ** (this.calmLooks - CALM_LOOKS))))
  }

  /** A look at an endpoint that tells nothing: what it has not refused by now it has taken. `isFull`: it has as many calls as it may. */
  unobserved(isFull: boolean): void {
    this.isObserved = false
    this.room = 1
    this.exact = Math.min(this.exact, this.most)
    if (this.isRamping && isFull) this.raise(this.exact / 2)
  }

  /** A little less, by chance, so that the clients of an endpoint do not move as one. */
  private spread(to: number): number {
    return to * (1 - 0.02 * this.random())
  }

  private raise(by: number): void {
    this.exact = Math.min(this.most, this.exact + by)
  }

  private lower(to: number, nowMs: number): void {
    this.exact = Math.max(1, Math.min(this.exact, to))
    this.loweredAtMs = nowMs
  }
}
