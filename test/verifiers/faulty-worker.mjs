// The real worker, with faults on request: a task that names one makes its thread hang, exit, throw or run out of memory.
import { workerData } from 'node:worker_threads'
import serve from '../../dist/verifiers/worker.js'

const { startedMs, step, place } = Array.isArray(workerData) ? workerData[1] : workerData

export default async function faulty(task) {
  const requests = task.requests ?? task.programs?.map(({ request }) => request) ?? [task.request ?? {}]
  for (const [index, request] of requests.entries()) {
    const fault = /FAULT-(HANG|EXIT|THROW|MEMORY)/.exec(JSON.stringify(request))?.[1]
    if (fault === undefined) continue
    step[task.slot] = index
    if (task.kind === 'programs') place[task.slot] = index
    startedMs[task.slot] = Date.now()
    if (fault === 'HANG') for (;;);
    if (fault === 'EXIT') process.exit(9)
    if (fault === 'THROW') throw new Error('a fault of the worker')
    for (const kept = []; ;) kept.push(new Array(1_000_000).fill(kept.length))
  }
  return serve(task)
}
