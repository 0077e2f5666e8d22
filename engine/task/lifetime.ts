/** How far a task is on its way to its end: its two signals, and why what it leaves undone is left. */
import { setMaxListeners } from 'node:events'
import type { abandonReasons } from '../metric-table.ts'

/** Read by all parts of a task; the task itself alone ends it. */
export class Lifetime {
  readonly #intake = new AbortController()
  readonly #calls = new AbortController()
  #overSinceMs = Infinity
  /** Nothing is done any more, and nothing is committed. */
  isClosed = false
  /** It goes to another owner: what can't be committed at once is left to that one. */
  isLosing = false
  /** It ends with a failure, once what is finished is committed. */
  isFailing = false

  constructor() {
    // Every record in the window may listen: their number is bounded by the window, not by a constant.
    setMaxListeners(0, this.intake, this.calls)
    this.calls.addEventListener('abort', () => (this.#overSinceMs = performance.now()), { once: true })
  }

  /** Aborts fetches, waits and back-off: nothing more is admitted. */
  get intake(): AbortSignal {
    return this.#intake.signal
  }

  /** Aborts calls in flight. */
  get calls(): AbortSignal {
    return this.#calls.signal
  }

  endIntake(): void {
    this.#intake.abort()
  }

  /** `why` reaches the calls as the reason of their end. */
  endCalls(why: string): void {
    this.#calls.abort(new Error(why))
  }

  /** Aborts when the calls are aborted, and never where they have been. */
  get untilCallsEnd(): AbortSignal {
    return this.calls.aborted ? new AbortController().signal : this.calls
  }

  /** Whether its calls were aborted longer ago than this. */
  isOverFor(seconds: number): boolean {
    return performance.now() - this.#overSinceMs > seconds * 1000
  }

  /** Why a record is given up now. */
  get abandonReason(): (typeof abandonReasons)[number] {
    return this.isLosing ? 'moved' : this.isFailing ? 'failed' : 'drained'
  }
}
