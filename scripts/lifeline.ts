/** Ends a process whose owner is gone, however it went. */
import { spawn } from 'node:child_process'

/** The owner holds the other end of standard input. A line there means that the process has ended by itself. */
const watch = `read -r _ && exit 0
kill -CONT "$1" && kill -TERM "$1"
for second in 1 2 3 4 5 6 7 8 9 10; do sleep 1; kill -0 "$1" || exit 0; done
kill -KILL "$1"`

/** From now on the process ends with this one, also where this one is killed. @returns what to call when it has ended by itself */
export function endWithThisProcess(pid: number): () => void {
  const watcher = spawn('/bin/sh', ['-c', watch, 'watch', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.unref()
  const lifeline = watcher.stdin
  lifeline.on('error', () => {})
  // A pipe is a socket here; the types of a child's standard input do not say so.
  ;(lifeline as { unref?: () => void }).unref?.()
  return () => lifeline.end('ended\n')
}
