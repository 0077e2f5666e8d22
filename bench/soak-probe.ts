/**
 * Loaded into a process that is soaked (`node --import`): appends a JSON line every few seconds to the file in SOAK_PROBE with what only the
 * process itself knows. Once a minute it collects all garbage first: what is left is what the process holds on to. SIGUSR2 makes it write a heap
 * snapshot beside that file.
 */
import { appendFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString, writeHeapSnapshot } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

/** One line. Sizes in bytes; delays of the event loop in seconds, since the line before. */
export interface ProbeLine {
  atMs: number
  pid: number
  heapUsed: number
  heapTotal: number
  external: number
  arrayBuffers: number
  /** Whether all garbage was collected just before. */
  collected: boolean
  delayP99: number
  delayMax: number
}

const file = process.env['SOAK_PROBE']
const everyMs = 2000
const collectEveryMs = 60_000

if (file !== undefined && isMainThread) {
  // What the process starts is none of this file's business.
  delete process.env['SOAK_PROBE']
  delete process.env['NODE_OPTIONS']
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  const second = 1e9
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  let collectedAtMs = Date.now()
  setInterval(() => {
    const [delayP99, delayMax] = [delay.percentile(99) / second, delay.max / second]
    const collected = Date.now() - collectedAtMs >= collectEveryMs
    if (collected) {
      collect()
      collectedAtMs = Date.now()
    }
    const { heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage()
    const line: ProbeLine = {
      ...{ atMs: Date.now(), pid: process.pid, heapUsed, heapTotal, external, arrayBuffers },
      ...{ collected, delayP99, delayMax },
    }
    // The pause of a collection is ours, not the stream's.
    delay.reset()
    appendFileSync(file, `${JSON.stringify(line)}\n`)
  }, everyMs).unref()
  process.on('SIGUSR2', () => void writeHeapSnapshot(`${file}.${process.pid}.${Date.now()}.heapsnapshot`))
}
