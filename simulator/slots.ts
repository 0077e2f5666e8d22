/** The places where answers are generated, and the queue before them. */

interface Waiting {
  weight: number
  start: () => void
}

/** Counts answers in generation; requests beyond the limit wait in order of arrival. */
export class Slots {
  private readonly limit: number
  private used = 0
  private usedMilliseconds = 0
  private changedMs = performance.now()
  private readonly queue = new Set<Waiting>()

  constructor(limit: number) {
    this.limit = limit
  }

  /** Answers in generation. */
  get running(): number {
    return this.used
  }

  /** Whether a request would have to wait. */
  get isFull(): boolean {
    return this.used >= this.limit
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.queue.size
  }

  /** Seconds in use, summed over the slots, since the start. */
  get busySeconds(): number {
    this.use(0)
    return this.usedMilliseconds / 1000
  }

  /**
   * Calls `start` once `count` places are free (at once, if they are; a request larger than everything counts as everything).
   * Returns how to give the place back or to leave the queue; calling it again does nothing.
   */
  acquire(count: number, start: () => void): () => void {
    const weight = Math.min(count, this.limit)
    let state: 'waiting' | 'running' | 'done' = 'waiting'
    const entry: Waiting = {
      weight,
      start: () => {
        state = 'running'
        this.use(weight)
        start()
      },
    }
    const leave = (): void => {
      if (state === 'waiting') this.queue.delete(entry)
      else if (state === 'running') this.use(-weight)
      state = 'done'
      this.startNext()
    }
    if (this.queue.size === 0 && this.used + weight <= this.limit) entry.start()
    else this.queue.add(entry)
    return leave
  }

  private use(change: number): void {
    const nowMs = performance.now()
    this.usedMilliseconds += this.used * (nowMs - this.changedMs)
    this.changedMs = nowMs
    this.used += change
  }

  private startNext(): void {
    for (const entry of this.queue) {
      if (this.used + entry.weight > this.limit) return
      this.queue.delete(entry)
      entry.start()
    }
  }
}
