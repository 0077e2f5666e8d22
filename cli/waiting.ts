/** Tells a log when processors begin to wait and when they go on. */
import type { Logger } from '../engine/ports.ts'
import type { ProcessorStatus } from '../engine/runtime.ts'

/** A reason that changes from second to second, such as a count of tries, is told at most so often. */
const tellMs = 60_000

/** Looks at the state of all processors each time that it is called. */
export function waitingWatch(logger: Logger): (statuses: readonly ProcessorStatus[]) => void {
  const waiting = new Map<string, { reason: string; sinceMs: number; toldAtMs: number }>()
  return (statuses) => {
    const nowMs = performance.now()
    for (const { name, waiting: reason } of statuses) {
      const before = waiting.get(name)
      if (reason === undefined) {
        if (before) logger.tell('processor.resumed', { processor: name, seconds: (nowMs - before.sinceMs) / 1000 })
        waiting.delete(name)
      } else if (!before || (before.reason !== reason && nowMs - before.toldAtMs >= tellMs)) {
        logger.tell('processor.waiting', { processor: name, message: reason })
        waiting.set(name, { reason, sinceMs: before?.sinceMs ?? nowMs, toldAtMs: nowMs })
      }
    }
  }
}
