/** What a task waits for, as its status tells, and how it waits for a log that is away. */
import { setTimeout as sleep } from 'node:timers/promises'
import { LogError } from '../../topics/log.ts'

/** Failures of the log that time may cure, and before which nothing was lost. */
const passing: ReadonlySet<string> = new Set(['unreachable', 'full'])

/** Whether a failure is one of the log that time may cure, and before which nothing was lost. */
export function isPassing(error: unknown): error is LogError {
  return error instanceof LogError && passing.has(error.code)
}

/** Why each of several things waits, by the thing. */
export class Waiting {
  readonly #reasons = new Map<object, string>()

  /** Of the first that waits; undefined where nothing does. */
  get why(): string | undefined {
    const [first] = this.#reasons.values()
    return first
  }

  has(waiter: object): boolean {
    return this.#reasons.has(waiter)
  }

  begin(waiter: object, why: string): void {
    this.#reasons.set(waiter, why)
  }

  end(waiter: object): void {
    this.#reasons.delete(waiter)
  }

  /** Waits before the log is asked again, longer each time, up to 5 s; says so in the status until `waiter` is removed. */
  async forLog(waiter: object, error: LogError, failures: number, signal: AbortSignal): Promise<void> {
    this.begin(waiter, error.message)
    await sleep(Math.min(5000, 250 * 2 ** Math.min(failures, 5)), undefined, { signal }).catch(() => {})
  }

  /** Tries for as long as the log, its schemas or the disk are away; undefined where the signal aborted meanwhile. */
  async persistently<Value>(work: () => Promise<Value>, signal: AbortSignal): Promise<Value | undefined> {
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        const value = await work()
        this.end(work)
        return value
      } catch (error) {
        if (!isPassing(error)) throw error
        await this.forLog(work, error, failures, signal)
      }
    }
    this.end(work)
    return undefined
  }
}
