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
import type { ThreadEnd } from '../engine/metric-table.ts'
import { onAbort } from '../topics/signals.ts'
import {
  DEFAULT_PROGRAM_LIMITS,
  withoutRun,
  type ProgramLimits,
  type ProgramReason,
  type ProgramRequest,
  type ProgramResult,
} from './program.ts'
import { probeIsolation, type Isolation, type Probe, type Rung, type SandboxLaunch } from './sandbox.ts'
import type {
  MathRequest,
  MathVerdict,
  ParcelNews,
  ParcelResult,
  VoteRequest,
  VoteResult,
  WorkerData,
  WorkerTask,
} from './worker.ts'

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
  /** Hears what the threads do. Must not throw. */
  readonly hear?: VerifierListener
}

/** Who hears what the threads do. */
interface VerifierListener {
  /** A program was run on one test. */
  programRun(reason: ProgramReason, seconds: number): void
  /** An answer was compared. */
  compared(verdict: MathVerdict['verdict']): void
  /** A thread, with its sandbox, is replaced, or has thrown. */
  threadReplaced(why: ThreadEnd): void
}

/** What the threads have to do. */
export interface VerifierStatus {
  threads: number
  /** Tasks that the threads have. */
  busy: number
  /** What waits for a thread. */
  waiting: { program: number; comparison: number }
}

// A task is handed to a thread this often at most when threads die under it.
const ATTEMPTS = 3
// One comparison is bounded to milliseconds of the processor, which a machine that is short of it may spread over seconds; a thread
// that spends this long on one is stuck.
const MATH_STEP_MS = 10_000
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
// Short programs travel together, as a message costs a good part of a short test: at most so many, and as many as took
// PARCEL_MS lately. What a thread has not begun by then it gives back.
const PROGRAMS_PER_PARCEL = 8
const PARCEL_MS = 20
// How much the last parcel says of how long programs take now.
const NEWS_WEIGHT = 0.2
// A thread's heap, MiB: a 64 MiB input, a 10 MB output and their texts fit several times over.
const THREAD_HEAP_MB = 1024

type Comparing = Extract<WorkerTask, { kind: 'math-compare' | 'math-vote' }>
/** What a job asks for: comparisons as the thread gets them, or one program. */
type Task =
  | (Comparing extends infer Each ? (Each extends Comparing ? Omit<Each, 'slot'> : never) : never)
  | { readonly kind: 'program'; readonly request: ProgramRequest }

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

/** What one thread works at: one job, or several short programs. */
interface Parcel {
  readonly slot: number
  /** Jobs by place; what has been answered or given back is undefined. */
  readonly jobs: (Job | undefined)[]
  /** The program jobs' numbers, by place. */
  readonly numbers: readonly number[]
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
  readonly #comparisonJobs: Job[] = []
  readonly #programJobs: Job[] = []
  /** By slot. */
  readonly #parcels = new Map<number, Parcel>()
  /** How long a program took lately, ms. */
  #programMs = PARCEL_MS
  readonly #channel: InstanceType<typeof BroadcastChannel>
  #comparisons: Comparison[] = []
  #jobs = 0
  #piscina: Piscina | undefined
  #launch: SandboxLaunch | undefined
  /** Whether the threads were started with the launch, so that tasks need not carry it. */
  #launchIsKnown = false
  #probe: Promise<Probe> | undefined
  #closed = false
  /** Threads that ended, one after the other, before anything was begun in them. */
  #barrenEnds = 0

  constructor(options: VerifierPoolOptions = {}) {
    this.#options = options
    this.#threads = Math.max(1, Math.floor(options.threads ?? availableParallelism()))
    const slots = this.#threads * TASKS_PER_THREAD
    this.#clocks = {
      startedMs: new Float64Array(new SharedArrayBuffer(8 * slots)),
      step: new Int32Array(new SharedArrayBuffer(4 * slots)),
      place: new Int32Array(new SharedArrayBuffer(4 * slots)),
      calledOff: new Int32Array(new SharedArrayBuffer(4 * slots * PROGRAMS_PER_PARCEL)),
      programsPerParcel: PROGRAMS_PER_PARCEL,
      parcelMs: PARCEL_MS,
      threads: this.#threads,
      closed: new Int32Array(new SharedArrayBuffer(4)),
      channel: `wellspring-verifiers-${randomUUID()}`,
    }
    this.#channel = new BroadcastChannel(this.#clocks.channel)
    this.#channel.onmessage = ({ data }: { data: unknown }) => this.#hear(data as ParcelNews)
    this.#channel.unref()
    this.#freeSlots = Array.from({ length: slots }, (_, index) => index)
  }

  /** What the threads have to do now. */
  status(): VerifierStatus {
    return {
      threads: this.#threads,
      busy: this.#parcels.size,
      waiting: {
        program: this.#programJobs.length,
        comparison: this.#comparisons.length + this.#comparisonJobs.reduce((sum, { task }) => sum + sizeOf(task), 0),
      },
    }
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
      const stopHearing = signal && onAbort([signal], reject)
      const settle = (verdict: MathVerdict): void => {
        stopHearing?.()
        this.#options.hear?.compared(verdict.verdict)
        resolve(verdict)
      }
      this.#comparisons.push({
        request,
        resolve: settle,
        reject: (error) => {
          stopHearing?.()
          reject(error)
        },
      })
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
      unplaced: everyone.map((member) => ({ member, reason: 'verifier_timeout' })),
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
    this.#launch = launch
    const limits = { ...this.#options.limits, ...request.limits }
    const wallSeconds = limits.wallSeconds ?? DEFAULT_PROGRAM_LIMITS.wallSeconds
    const result = await this.#submit<ProgramResult>(
      { kind: 'program', request: { ...request, limits } },
      wallSeconds * 3000 + SANDBOX_STEP_MARGIN_MS,
      signal,
      ({ message }) => withoutRun(request, 'sandbox_error', message),
    )
    for (const { reason, seconds } of result.tests) this.#options.hear?.programRun(reason, seconds)
    return result
  }

  /** Ends the threads and their sandboxes. Requests still open are rejected. */
  async close(): Promise<void> {
    this.#closed = true
    for (const queue of [this.#comparisonJobs, this.#programJobs])
      for (const job of queue.splice(0)) job.reject(closedError())
    for (const { jobs } of this.#parcels.values())
      for (const job of jobs) {
        if (!job) continue
        job.reject(closedError())
        this.#endEarly(job)
      }
    const piscina = this.#piscina
    if (piscina) {
      const closing = Array.from({ length: this.#threads * TASKS_PER_THREAD }, () =>
        piscina.run({ kind: 'close', slot: 0 }),
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
      // One signal may serve a whole run: what has an answer must not go on listening to it.
      const settled =
        <Value>(settle: (value: Value) => void) =>
        (value: Value): void => {
          stopHearing?.()
          settle(value)
        }
      const answer = settled<Answer>(resolve)
      const job: Job = {
        task,
        stepMs,
        signal,
        resolve: answer as (answer: unknown) => void,
        reject: settled(reject),
        giveUp: (failure) => answer(giveUp(failure)),
        attempts: 0,
        mostAttempts: ATTEMPTS,
      }
      const stopHearing = signal && onAbort([signal], () => this.#callOff(job))
      this.#enqueue(job)
    })
  }

  #enqueue(job: Job): void {
    if (this.#closed) return job.reject(closedError())
    if (job.signal?.aborted) return job.reject(job.signal.reason)
    this.#queueOf(job).push(job)
    this.#pump()
  }

  /** Rejects an aborted job at once. One that runs a program is called off; its thread is free when that has ended. */
  #callOff(job: Job): void {
    job.reject(job.signal?.reason)
    const queue = this.#queueOf(job)
    const place = queue.indexOf(job)
    if (place >= 0) queue.splice(place, 1)
    this.#endEarly(job)
  }

  #endEarly(job: Job): void {
    for (const { slot, jobs, numbers } of this.#parcels.values()) {
      const place = jobs.indexOf(job)
      const number = numbers[place]
      if (number === undefined) continue
      this.#clocks.calledOff[slot * PROGRAMS_PER_PARCEL + place] = number
      this.#channel.postMessage(number)
    }
  }

  #pump(): void {
    while (!this.#closed && this.#freeSlots.length > 0) {
      const jobs = this.#nextJobs()
      if (jobs.length === 0) return
      void this.#start(jobs, this.#freeSlots.pop()!)
    }
  }

  /** What may start next. Comparisons take microseconds and programs seconds: one slot is never given to programs. */
  #nextJobs(): Job[] {
    const comparison = this.#comparisonJobs.shift()
    if (comparison) return [comparison]
    if (this.#freeSlots.length === 1) return []
    const fair = Math.ceil(this.#programJobs.length / (this.#threads * TASKS_PER_THREAD))
    const quick = Math.floor(PARCEL_MS / Math.max(this.#programMs, 1))
    return this.#programJobs.splice(0, Math.max(1, Math.min(PROGRAMS_PER_PARCEL, fair, quick)))
  }

  #queueOf(job: Job): Job[] {
    return job.task.kind === 'program' ? this.#programJobs : this.#comparisonJobs
  }

  async #start(jobs: Job[], slot: number): Promise<void> {
    const controller = new AbortController()
    const numbers = jobs.map(() => (this.#jobs += 1))
    const parcel: Parcel = { slot, jobs: [...jobs], numbers }
    this.#parcels.set(slot, parcel)
    this.#clocks.startedMs[slot] = 0
    this.#clocks.step[slot] = -1
    this.#clocks.place[slot] = -1
    const handedOverMs = Date.now()
    const stepMs = Math.max(...jobs.map((job) => job.stepMs))
    let stuckStep: number | undefined
    let isLate = false
    const look = (): void => {
      const startedMs = this.#clocks.startedMs[slot] ?? 0
      const dueMs = startedMs === 0 ? handedOverMs + BEGIN_TIMEOUT_MS : startedMs + stepMs
      if (dueMs > Date.now()) {
        timer = setTimeout(look, dueMs - Date.now() + 1)
        return
      }
      if (startedMs === 0) {
        // It may wait behind another task of its thread; that one has a limit of its own.
        if ([...this.#parcels.keys()].some((other) => (this.#clocks.startedMs[other] ?? 0) > 0)) {
          timer = setTimeout(look, BEGIN_TIMEOUT_MS)
          return
        }
        isLate = true
        this.#replaceThreads()
      } else stuckStep = this.#clocks.step[slot] ?? -1
      controller.abort()
    }
    let timer = setTimeout(look, Math.min(stepMs, BEGIN_TIMEOUT_MS))
    try {
      for (const job of jobs) job.attempts += 1
      this.#piscina ??= this.#open()
      // Piscina ends the thread when a running task is aborted, and starts another.
      const answer: unknown = await this.#piscina.run(this.#taskOf(parcel), { signal: controller.signal })
      this.#barrenEnds = 0
      if (jobs[0]?.task.kind === 'program') {
        const { results, milliseconds } = answer as ParcelResult
        if (results.length > 0) this.#programMs += NEWS_WEIGHT * (milliseconds / results.length - this.#programMs)
        this.#deliver(parcel, results)
        this.#takeBack(parcel, results.length)
      } else jobs[0]?.resolve(answer)
    } catch (error) {
      this.#recover(parcel, (error as Error).message, stuckStep, isLate)
    } finally {
      clearTimeout(timer)
      this.#parcels.delete(slot)
      this.#freeSlots.push(slot)
      this.#pump()
    }
  }

  #taskOf({ slot, jobs, numbers }: Parcel): WorkerTask {
    const programs: { number: number; request: ProgramRequest }[] = []
    for (const [place, job] of jobs.entries()) {
      if (job?.task.kind === 'program') programs.push({ number: numbers[place]!, request: job.task.request })
      else if (job) return { ...job.task, slot }
    }
    return { kind: 'programs', slot, programs, ...(this.#launchIsKnown ? {} : { launch: this.#launch! }) }
  }

  /** A thread takes its time with one program: what it has done is delivered, what it has not begun goes to others. */
  #hear({ slot, first, results, backFrom }: ParcelNews): void {
    const parcel = this.#parcels.get(slot)
    if (parcel?.numbers[0] !== first) return
    this.#deliver(parcel, results)
    this.#takeBack(parcel, backFrom)
    this.#pump()
  }

  #deliver({ jobs }: Parcel, results: readonly ProgramResult[]): void {
    for (const [place, result] of results.entries()) {
      jobs[place]?.resolve(result)
      jobs[place] = undefined
    }
  }

  /** Queues the jobs from this place on again, as if they had not been handed over. */
  #takeBack({ jobs }: Parcel, from: number): void {
    for (let place = jobs.length - 1; place >= from; place -= 1) {
      const job = jobs[place]
      jobs[place] = undefined
      if (!job || job.signal?.aborted) continue
      job.attempts -= 1
      this.#queueOf(job).unshift(job)
    }
  }

  /**
   * Repeats, or gives up, what a thread had in hand when it ended. What only waited there has lost nothing, unless threads
   * end without having begun anything at all, or it had waited too long.
   */
  #recover(parcel: Parcel, message: string, stuckStep: number | undefined, isLate: boolean): void {
    const at = this.#clocks.place[parcel.slot] ?? -1
    const hasBegun = at >= 0 || (this.#clocks.startedMs[parcel.slot] ?? 0) > 0
    this.#barrenEnds = hasBegun ? 0 : this.#barrenEnds + 1
    // Of the tasks of a thread that ended, the one that it worked on tells of it.
    if (!this.#closed && (hasBegun || isLate))
      this.#options.hear?.threadReplaced(isLate ? 'late' : stuckStep === undefined ? 'failed' : 'stuck')
    const hasOnlyWaited = !hasBegun && !isLate && this.#barrenEnds <= ATTEMPTS * this.#threads * TASKS_PER_THREAD
    for (const [place, job] of [...parcel.jobs.entries()].reverse()) {
      if (!job) continue
      const isProgram = job.task.kind === 'program'
      if (this.#closed) job.reject(closedError())
      else if (job.signal?.aborted) job.reject(job.signal.reason)
      else if (hasOnlyWaited || (isProgram && at >= 0 && at !== place)) {
        // Not this one's doing.
        job.attempts -= 1
        this.#queueOf(job).unshift(job)
      } else if (stuckStep !== undefined && !isProgram) job.giveUp({ stuckStep, message: 'a comparison did not end' })
      else if (job.attempts < job.mostAttempts) this.#queueOf(job).unshift(job)
      else job.giveUp({ message: `the worker thread failed ${job.attempts} times: ${message}` })
    }
  }

  #replaceThreads(): void {
    const piscina = this.#piscina
    this.#piscina = undefined
    piscina?.destroy().catch(() => undefined)
  }

  #open(): Piscina {
    this.#launchIsKnown = this.#launch !== undefined
    const piscina = new Piscina({
      filename: workerFile(),
      minThreads: this.#threads,
      maxThreads: this.#threads,
      concurrentTasksPerWorker: TASKS_PER_THREAD,
      recordTiming: false,
      // The closing tasks wait behind the last ones.
      maxQueue: 2 * this.#threads * TASKS_PER_THREAD,
      workerData: { ...this.#clocks, launch: this.#launch },
      resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB },
    })
    // The task that a thread died under is handed to another; the thread's own error needs no second reader.
    piscina.on('error', () => undefined)
    return piscina
  }
}

function sizeOf(task: Task): number {
  return task.kind === 'math-compare' ? task.requests.length : 1
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
