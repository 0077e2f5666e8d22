/** Signals that live as long as a process, and what listens to them for a moment. */
import { setMaxListeners } from 'node:events'

/**
 * Acts once, when the first of the signals aborts; where one has already, as soon as the turn is over. Many may wait on one signal, and nothing is left
 * there by those that have ended: AbortSignal.any leaves a weak reference at each source for as long as that lives (Node 20).
 * @param act gets the reason of the signal
 * @returns ends the listening; may be called again, and after the act
 */
export function onAbort(signals: readonly AbortSignal[], act: (reason: Error) => void): () => void {
  let isOver = false
  const leave = (): void => {
    isOver = true
    for (const signal of signals) signal.removeEventListener('abort', hear)
  }
  const hear = (): void => {
    if (isOver) return
    leave()
    act(signals.find(({ aborted }) => aborted)?.reason as Error)
  }
  // Without a target the default of the whole process would be set.
  if (signals.length > 0) setMaxListeners(0, ...signals)
  for (const signal of signals) signal.addEventListener('abort', hear)
  if (signals.some(({ aborted }) => aborted)) queueMicrotask(hear)
  return leave
}
