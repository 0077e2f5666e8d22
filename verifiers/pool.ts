/**
 * The verifiers' worker threads. This module alone imports piscina. A hung, crashed or killed thread costs the record
 * that it worked on another try, a bounded number of times; it never costs a verdict or the queue.
 */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import {
  DEFAULT_PROGRAM_LIMITS,
  withoutRun,
  type ProgramLimits,
  type ProgramRequest,
  type ProgramResult,
} from './program.ts'
import { probeIsolation, type Isolation, type Probe, type Rung } from './sandbox.ts'
import type { MathRequest, MathVerdict, VoteRequest, VoteResult, WorkerData, WorkerTask } from './worker.ts'

/** Settings of the pool. */
export interface VerifierPoolOptions {
  /** Worker threads, each with at most one sandbox; default: the machine's processors. */
  readonly threads?: number
  /** Limits of programs that name none of their own. */
  readonly limits?: Partial<ProgramLimits>
  /** Runs programs without isolation where nothing isolates. Never the default. */
  readonly unsafeNoSandbox?: boolean
  /** Forces a rung instead of the best; for tests and measurements. */
  readonly rung?: Rung
  /** The Python interpreter; default: /usr/bin/python3, then the one on PATH. */
  readonly python?: string
}

// A task is handed to a thread this often at most when threads die under it.
const ATTEMPTS = 3
// One comparison is bounded to milliseconds; a thread that spends this long on one is stuck.
const MATH_STEP_MS = 2_000
// Comparisons handed to a thread in one message: a message costs as much as several comparisons.
const MATH_BATCH = 64
// A program's step is one attempt at a test: three-fold wall limit, start of a sandbox, and room.
const SANDBOX_STEP_MARGIN_MS = 60_000
// A thread that has not begun after this long cannot start: the threads are then replaced, all of them, because piscina
// starts none again after one failed to.
const BEGIN_TIMEOUT_MS = 30_000
// How long the threads have to end their sandboxes when the pool is closed; after that they are ended with them.
const CLOSE_TIMEOUT_MS = 3_000
// Tasks that a thread has at once: while it works on one, the next already waits there.
const TASKS_PER_THREAD = 2
// A thread's heap, MiB: a 64 MiB input, a 10 MB output and their texts fit several times over.
const THREAD_HEAP_MB = 1024

type Task = WorkerTask extends infer Each ? (Each extends WorkerTask ? Omit<Each, 'slot' | 'job'> : never) : never

/** Why a task got no answer from its thread. */
interface Failure {
  /** The step that took too long; absent when the thread ended by itself. */
  readonly stuckStep?: number
  readonly message: string
}

interface Job {
  readonly task: Task
  /** Longest time that one step may take, ms. */
  readonly stepMs: number
  readonly signal: AbortSignal | undefined
  readonly resolve: (answer: unknown) => void
  readonly reject: (reason: unknown) => void
  /** Called after the last attempt; settles the job. */
  readonly giveUp: (failure: Failure) => void
  attempts: number
  readonly mostAttempts: number
}

interface Comparison {
  readonly request: MathRequest
  readonly resolve: (verdict: MathVerdict) => void
  readonly reject: (reason: unknown) => void
}

/** Worker threads that verify; see the calls for what each answers. */
export class VerifierPool {
  readonly #options: VerifierPoolOptions
  readonly #threads: number
  readonly #clocks: WorkerData
  readonly #freeSlots: number[]
  readonly #queue: Job[] = []
  readonly #running = new Map<Job, { number: number; slot: number }>()
  readonly #channel: InstanceType<typeof BroadcastChannel>
  #comparisons: Comparison[] = []
  #jobs = 0
  #piscina: Piscina | undefined
  #probe: Promise<Probe> | undefined
  #closed = false

  constructor(options: VerifierPoolOptions = {}) {
    this.#options = options
    this.#threads = Math.max(1, Math.floor(options.threads ?? availableParallelism()))
    const slots = this.#threads * TASKS_PER_THREAD
    this.#clocks = {
      startedMs: new Float64Array(new SharedArrayBuffer(8 * slots)),
      step: new Int32Array(new SharedArrayBuffer(4 * slots)),
      calledOff: new Int32Array(new SharedArrayBuffer(4 * slots)),
      threads: this.#threads,
      closed: new Int32Array(new SharedArrayBuffer(4)),
      channel: `wellspring-verifiers-${randomUUID()}`,
    }
    this.#channel = new BroadcastChannel(this.#clocks.channel)
    this.#channel.unref()
    this.#freeSlots = Array.from({ length: slots }, (_, index) => index)
  }

  /** The isolation that programs run under here; probed once. `none` without `unsafeNoSandbox` means that none are run. */
  async isolation(): Promise<Isolation> {
    return (await this.#probed()).isolation
  }

  /**
   * Compares one answer with its reference. Never rejects for what it reads: a comparison that does not end is
   * `unverifiable`, reason `verifier_timeout`, and its thread is replaced. Rejects as runProgram does.
   */
  compareMath(request: MathRequest, signal?: AbortSignal): Promise<MathVerdict> {
    return new Promise<MathVerdict>((resolve, reject) => {
      if (this.#closed) return reject(closedError())
      if (signal?.aborted) return reject(signal.reason as Error)
      const abort = (): void => reject(signal?.reason as Error)
      signal?.addEventListener('abort', abort, { once: true })
      const settle = (verdict: MathVerdict): void => {
        signal?.removeEventListener('abort', abort)
        resolve(verdict)
      }
      this.#comparisons.push({ request, resolve: settle, reject })
      // Comparisons asked for in the same turn travel together.
      if (this.#comparisons.length === 1) queueMicrotask(() => this.#sendComparisons())
    })
  }

  /** Groups answers, or the answers of completions, by equality. Rejects as runProgram does. */
  groupAnswers(request: VoteRequest, signal?: AbortSignal): Promise<VoteResult> {
    const count = 'answers' in request ? request.answers.length : request.completions.length
    const everyone = Array.from({ length: count }, (_, index) => index)
    return this.#submit<VoteResult>({ kind: 'math-vote', request }, MATH_STEP_MS + count * 50, signal, () => ({
      groups: [],
      undecided: everyone,
      missing: [],
    }))
  }

  /**
   * Judges one program. Never rejects for what the program does: a fault of ours is `unverifiable`, reason
   * `sandbox_error`. Rejects with the signal's reason when it aborts, and when the pool is closed.
   */
  async runProgram(request: ProgramRequest, signal?: AbortSignal): Promise<ProgramResult> {
    const { isolation, launch } = await this.#probed()
    if (!launch) return withoutRun(request, 'sandbox_error', isolation.detail)
    const limits = { ...this.#options.limits, ...request.limits }
    const wallSeconds = limits.wallSeconds ?? DEFAULT_PROGRAM_LIMITS.wallSeconds
    return this.#submit<ProgramResult>(
      { kind: 'program', launch, request: { ...request, limits } },
      wallSeconds * 3000 + SANDBOX_STEP_MARGIN_MS,
      signal,
      ({ message }) => withoutRun(request, 'sandbox_error', message),
    )
  }

  /** Ends the threads and their sandboxes. Requests still open are rejected. */
  async close(): Promise<void> {
    this.#closed = true
    for (const job of this.#queue.splice(0)) job.reject(closedError())
    for (const job of this.#running.keys()) {
      job.reject(closedError())
      this.#endEarly(job)
    }
    const piscina = this.#piscina
    if (piscina) {
      const closing = Array.from({ length: this.#threads * TASKS_PER_THREAD }, () =>
        piscina.run({ kind: 'close', job: 0, slot: 0 }),
      )
      const timeout = new AbortController()
      await Promise.race([
        Promise.allSettled(closing),
        delay(CLOSE_TIMEOUT_MS, undefined, { signal: timeout.signal }).catch(() => undefined),
      ])
      timeout.abort()
      await piscina.destroy()
    }
    this.#channel.close()
  }

  #probed(): Promise<Probe> {
    return (this.#probe ??= probeIsolation(this.#options))
  }

  #sendComparisons(): void {
    const waiting = this.#comparisons
    this.#comparisons = []
    const size = Math.min(MATH_BATCH, Math.ceil(waiting.length / this.#threads))
    for (let from = 0; from < waiting.length; from += size) this.#compareTogether(waiting.slice(from, from + size))
  }

  #compareTogether(batch: readonly Comparison[]): void {
    const everyOne = (act: (comparison: Comparison, index: number) => void): void => batch.forEach(act)
    this.#enqueue({
      task: { kind: 'math-compare', requests: batch.map(({ request }) => request) },
      stepMs: MATH_STEP_MS,
      signal: undefined,
      resolve: (answer) => everyOne(({ resolve }, index) => resolve((answer as readonly MathVerdict[])[index]!)),
      reject: (reason) => everyOne(({ reject }) => reject(reason)),
      giveUp: ({ stuckStep, message }) =>
        everyOne((comparison, index) => {
          if (stuckStep === index) comparison.resolve({ verdict: 'unverifiable', reason: 'verifier_timeout' })
          else if (batch.length > 1) this.#compareTogether([comparison])
          else comparison.resolve({ verdict: 'unverifiable', reason: `verifier_failed: ${message}` })
        }),
      attempts: 0,
      // A batch that fails is taken apart at once, so that one comparison cannot hold up its neighbours.
      mostAttempts: batch.length > 1 ? 1 : ATTEMPTS,
    })
  }

  #submit<Answer>(
    task: Task,
    stepMs: number,
    signal: AbortSignal | undefined,
    giveUp: (failure: Failure) => Answer,
  ): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      this.#enqueue({
        task,
        stepMs,
        signal,
        resolve: resolve as (answer: unknown) => void,
        reject,
        giveUp: (failure) => resolve(giveUp(failure)),
        attempts: 0,
        mostAttempts: ATTEMPTS,
      })
    })
  }

  #enqueue(job: Job): void {
    if (this.#closed) return job.reject(closedError())
    if (job.signal?.aborted) return job.reject(job.signal.reason)
    job.signal?.addEventListener('abort', () => this.#callOff(job), { once: true })
    this.#queue.push(job)
    this.#pump()
  }

  /** Rejects an aborted job at once. One that runs a program is called off; its thread is free when that has ended. */
  #callOff(job: Job): void {
    job.reject(job.signal?.reason)
    const place = this.#queue.indexOf(job)
    if (place >= 0) this.#queue.splice(place, 1)
    this.#endEarly(job)
  }

  #endEarly(job: Job): void {
    const place = this.#running.get(job)
    if (!place) return
    this.#clocks.calledOff[place.slot] = place.number
    this.#channel.postMessage(place.number)
  }

  #pump(): void {
    while (!this.#closed && this.#freeSlots.length > 0) {
      const job = this.#nextJob()
      if (!job) return
      void this.#start(job, this.#freeSlots.pop()!)
    }
  }

  /** The next job that may start. Comparisons take microseconds and programs seconds: one slot is never given to a program. */
  #nextJob(): Job | undefined {
    const comparison = this.#queue.findIndex(({ task }) => task.kind !== 'program')
    if (comparison >= 0) return this.#queue.splice(comparison, 1)[0]
    return this.#freeSlots.length > 1 ? this.#queue.shift() : undefined
  }

  async #start(job: Job, slot: number): Promise<void> {
    const controller = new AbortController()
    const number = (this.#jobs += 1)
    this.#running.set(job, { number, slot })
    this.#clocks.startedMs[slot] = 0
    this.#clocks.step[slot] = -1
    const handedOverMs = Date.now()
    let stuckStep: number | undefined
    const look = (): void => {
      const startedMs = this.#clocks.startedMs[slot] ?? 0
      const dueMs = startedMs === 0 ? handedOverMs + BEGIN_TIMEOUT_MS : startedMs + job.stepMs
      if (dueMs > Date.now()) {
        timer = setTimeout(look, dueMs - Date.now() + 1)
        return
      }
      if (startedMs === 0) {
        // It may wait behind another task of its thread; that one has a limit of its own.
        if ([...this.#running.values()].some((other) => (this.#clocks.startedMs[other.slot] ?? 0) > 0)) {
          timer = setTimeout(look, BEGIN_TIMEOUT_MS)
          return
        }
        this.#replaceThreads()
      } else stuckStep = this.#clocks.step[slot] ?? -1
      controller.abort()
    }
    let timer = setTimeout(look, Math.min(job.stepMs, BEGIN_TIMEOUT_MS))
    try {
      job.attempts += 1
      this.#piscina ??= this.#open()
      // Piscina ends the thread when a running task is aborted, and starts another.
      job.resolve(await this.#piscina.run({ ...job.task, job: number, slot }, { signal: controller.signal }))
    } catch (error) {
      if (this.#closed) job.reject(closedError())
      else if (job.signal?.aborted) job.reject(job.signal.reason)
      else if (stuckStep !== undefined && job.task.kind !== 'program')
        job.giveUp({ stuckStep, message: 'a comparison did not end' })
      else if (job.attempts < job.mostAttempts) this.#queue.unshift(job)
      else job.giveUp({ message: `the worker thread failed ${job.attempts} times: ${(error as Error).message}` })
    } finally {
      clearTimeout(timer)
      this.#running.delete(job)
      this.#freeSlots.push(slot)
      this.#pump()
    }
  }

  #replaceThreads(): void {
    const piscina = this.#piscina
    this.#piscina = undefined
    piscina?.destroy().catch(() => undefined)
  }

  #open(): Piscina {
    const piscina = new Piscina({
      filename: workerFile(),
      minThreads: this.#threads,
      maxThreads: this.#threads,
      concurrentTasksPerWorker: TASKS_PER_THREAD,
      recordTiming: false,
      // The closing tasks wait behind the last ones.
      maxQueue: 2 * this.#threads * TASKS_PER_THREAD,
      workerData: this.#clocks,
      resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB },
    })
    // The task that a thread died under is handed to another; the thread's own error needs no second reader.
    piscina.on('error', () => undefined)
    return piscina
  }
}

function closedError(): Error {
  return new Error('the verifier pool was closed')
}

/** The built worker: a thread cannot load TypeScript sources, so the sources use the build's file too. */
function workerFile(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  for (const path of [join(here, 'worker.js'), join(here, '..', 'dist', 'verifiers', 'worker.js')])
    if (existsSync(path)) return path
  throw new Error(`the verifier's worker (dist/verifiers/worker.js) is missing beside ${here}; run: npm run build`)
}
