/** How full a task is: what it has in flight, what waits for its commit, and who waits for that to change. */
import type { TaskLimits } from './limits.ts'

/** Bounded by count and bytes; only what admits records waits for it. */
export class Room {
  readonly #limits: TaskLimits
  readonly #intake: AbortSignal
  #inFlight = 0
  #inFlightBytes = 0
  #uncommittedBytes = 0
  #roomWaiters: (() => void)[] = []
  #idleWaiters: (() => void)[] = []

  constructor(limits: TaskLimits, intake: AbortSignal) {
    this.#limits = limits
    this.#intake = intake
  }

  /** Records admitted and not finished. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Whether a record of this size may be admitted, or nothing is any more; a record larger than the whole window goes alone. */
  has(bytes: number): boolean {
    const { maxInFlight, maxInFlightBytes, maxUncommittedBytes } = this.#limits
    return (
      this.#intake.aborted ||
      (this.#inFlight < maxInFlight &&
        (this.#inFlight === 0 || this.#inFlightBytes + bytes <= maxInFlightBytes) &&
        this.#uncommittedBytes < maxUncommittedBytes)
    )
  }

  /** Resolves when it has room, which others may take before whoever waited goes on. */
  async until(bytes: number): Promise<void> {
    while (!this.has(bytes)) await new Promise<void>((resolve) => this.#roomWaiters.push(resolve))
  }

  /** Resolves when something in flight has ended, or `wakeIdle` is called. */
  untilLess(): Promise<void> {
    return new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
  }

  /** A record of this size is in flight. */
  enter(bytes: number): void {
    this.#inFlight++
    this.#inFlightBytes += bytes
  }

  /** It is not any more. */
  leave(bytes: number): void {
    this.#inFlight--
    this.#inFlightBytes -= bytes
  }

  /** A result of this size waits for its commit. */
  hold(bytes: number): void {
    this.#uncommittedBytes += bytes
  }

  /** Results of this size are committed. */
  release(bytes: number): void {
    this.#uncommittedBytes -= bytes
  }

  /** Lets what admits look again. */
  wake(): void {
    if (this.#roomWaiters.length > 0) for (const wake of this.#roomWaiters.splice(0)) wake()
  }

  /** Lets what waits for the end of what is in flight look again. */
  wakeIdle(): void {
    if (this.#idleWaiters.length > 0) for (const wake of this.#idleWaiters.splice(0)) wake()
  }
}
