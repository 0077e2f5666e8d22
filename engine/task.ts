/**
 * One task of one processor: partition i of all its inputs. Opens with its committed progress, admits records into a
 * bounded window, lets them finish in any order, and commits outputs, state and progress together.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Progress, RecordTypes, TaskCounts } from '../schemas/generated.ts'
import { deadLetters, redrivenForHeader, topics, type RecordKind, type Topic } from '../topics/catalogue.ts'
import { UndecodableError, type RecordCodec } from '../topics/codec.ts'
import {
  maximumRecordBytes,
  sizeOf,
  LogError,
  type Membership,
  type OpenTask,
  type OutgoingRecord,
  type ReadBounds,
  type ReadResult,
  type StateChange,
  type StoredRecord,
  type TaskCommit,
} from '../topics/log.ts'
import { partitionOf } from '../topics/partitioner.ts'
import {
  bindVerification,
  completeRecord,
  declaredReason,
  discardEvidence,
  isDiscard,
  RecordContext,
  type CallKeeper,
  type CallResult,
  type EquippedProcessor,
  type Rules,
} from './context.ts'
import { beginningOfHeader, deadLetterHeaders, keptCallKey, redrivenHeader } from './copy/positions.ts'
import { correlationOf } from './correlation.ts'
import { cloneCounts, count, countCall, emptyCounts, type Counted } from './counts.ts'
import { InvalidRecordError, kindOf, type TransientError } from './errors.ts'
import { recordId } from './ids.ts'
import type { MadeRecord, RecordReport, Role, TimedCall } from './ports.ts'
import { fromDistances, toDistances } from './progress.ts'
import type { Emission, Failure, KeyedState, Result, SourceStep } from './processor.ts'
import { epochMs, tellReport } from './reports.ts'
import { ExpenseLines, type PaidCall, type ExpenseChanges, type ExpenseOutcome } from './expenses.ts'

/** Bounds of a task's window and of its commits. */
export interface TaskLimits {
  /** Records admitted and not finished. */
  maxInFlight: number
  /** Bytes of those records. */
  maxInFlightBytes: number
  /** A commit comes this long after the oldest finished result, at the latest. */
  commitSeconds: number
  /** ... or as soon as results of this size wait. */
  commitBytes: number
  /** Results that wait for their commit; beyond it nothing is admitted. */
  maxUncommittedBytes: number
  /** For so long after its calls were aborted a task tries to commit what is finished while the log is away. */
  lastCommitSeconds: number
  /** Largest record that the log takes. */
  maxRecordBytes: number
}

export const defaultLimits: TaskLimits = {
  maxInFlight: 256,
  maxInFlightBytes: 64 << 20,
  commitSeconds: 1,
  commitBytes: 1 << 20,
  maxUncommittedBytes: 8 << 20,
  lastCommitSeconds: 20,
  maxRecordBytes: maximumRecordBytes,
}

/** Of a record that no log takes its dead letter holds the beginning. */
const beginningBytes = 64 << 10
const beginningCharacters = 1000

export interface TaskStatus {
  task: number
  /** Whether its committed progress is taken up: before that, what waits for it is not known. */
  isOpen: boolean
  inFlight: number
  /** Finished results that wait for their commit. */
  uncommitted: number
  /** For how long a commit is under way, where it does not wait for a log that is away. */
  committingSeconds: number | undefined
  /** When the oldest record that is admitted and not committed was written, in milliseconds since 1970; undefined where there is none. */
  oldestMs: number | undefined
  /** For each input: the first offset never admitted and the offsets below it that are not committed. */
  inputs: { topic: string; nextOffset: number; open: number }[]
  /** Cumulative counts as of the last commit. */
  counts: TaskCounts
  /** Why it waits, such as an endpoint that is down; undefined while it moves. */
  waiting: string | undefined
  /** Why it admits nothing more until somebody sees to it; the others go on. */
  stopped: string | undefined
  /** For a source: whether it has more to give. */
  source: 'active' | 'waiting' | 'complete' | undefined
  /** What a source's last step told its operator. */
  remark: string | undefined
}

/** Subject of the schemas in a processor's changelog. */
export function changelogSubject(processor: string, kind: RecordKind): string {
  return `${processor}-changelog-${kind}`
}

interface Entry {
  input: string
  topic: Topic
  stored: StoredRecord
  record: RecordTypes[RecordKind]
  /** Taken into a commit that is under way. */
  committing: boolean
  calls: Map<string, FinishedCall>
  /** Purposes of finished calls that no commit holds yet; the others are in the committed state. */
  unkept: Set<string>
  keptInState: Set<string>
  /** When it was admitted, in milliseconds since 1970. */
  admittedAtMs: number
  tries: number
  /** All its calls in this process, failed ones included. */
  timed: TimedCall[]
}

/** `role` is undefined for a call that was kept before spending was counted. */
interface FinishedCall {
  role: Role | undefined
  result: CallResult
}

interface Finished extends Counted {
  entry: Entry | undefined
  outputs: Output[]
  bytes: number
  state: StateChange[]
  /** What is told of it once it is committed; undefined where nobody listens. */
  report?: RecordReport | undefined
}

/** A record that is to be committed, and the recipe that it names: none for a dead letter. */
interface Output {
  topic: string
  record: OutgoingRecord
  recipe: string
  /** What is told of it; undefined for a dead letter. */
  made?: MadeRecord
}

interface InputWindow {
  topic: Topic
  nextOffset: number
  /** No commit knows it: it begins wherever retention left the topic's start. */
  isNew: boolean
  /** Unfinished offsets of an earlier owner that are still to be admitted again. */
  readmit: Set<number>
  /** Admitted and not committed, in the order of their offsets. */
  open: Map<number, Entry>
}

/** What one read of an input brings, at most. */
const fetchBytes = 1 << 20
/** Failures of the log that time may cure, and before which nothing was lost. */
const passing: ReadonlySet<string> = new Set(['unreachable', 'full'])

/** A source gives way to others after so long, in milliseconds. */
const turnMs = 5

const processorKey = 's:'

/** What a task asks of its run. */
export interface TaskSurroundings {
  membership: Membership
  codec: RecordCodec
  limits: TaskLimits
  /** Resolves when a table has grown or the signal aborts; sources wait on it. */
  tablesChanged(signal: AbortSignal): Promise<void>
  /** Where a partition of a topic ends now. @throws LogError */
  endOf(topic: string, partition: number): Promise<number>
}

/** State that an earlier version wrote, under a schema that has to be fetched before it can be read. */
class UnlearnedSchema extends Error {
  readonly value: Uint8Array
  constructor(value: Uint8Array) {
    super('a state was written under a schema that this log does not know')
    this.value = value
  }
}

export class Task {
  readonly #number: number
  readonly #equipped: EquippedProcessor
  readonly #membership: Membership
  readonly #codec: RecordCodec
  readonly #limits: TaskLimits
  readonly #tablesChanged: TaskSurroundings['tablesChanged']
  readonly #endOf: TaskSurroundings['endOf']
  /** Aborts fetches, waits and back-off: nothing more is admitted. */
  readonly #intake = new AbortController()
  /** Aborts calls in flight. */
  readonly #calls = new AbortController()
  #overSinceMs = Infinity
  readonly #verify
  readonly #name: string
  #open!: OpenTask
  #sequence = 0
  #counts: TaskCounts = emptyCounts()
  readonly #expenses: ExpenseLines
  /** Recipes whose rules it has committed. */
  readonly #recipes = new Set<string>()
  /** Calls that cost something and brought nothing, until a commit counts them. */
  #wasted: PaidCall[] = []
  readonly #windows = new Map<string, InputWindow>()
  readonly #keyQueues = new Map<string, Entry[]>()
  /** Uncommitted state, by key; `undefined` is a removal. */
  readonly #overlay = new Map<string, { value: Uint8Array | undefined; sequence: number }>()
  #finished: Finished[] = []
  #finishedBytes = 0
  #committingBytes = 0
  #committingResults = 0
  /** Since when a result or call waits for its commit, in milliseconds of performance.now. */
  #uncommittedSinceMs: number | undefined
  /** The processor's index over its state; undefined where it declares none. */
  #index: unknown
  #inFlight = 0
  #inFlightBytes = 0
  #steps = 0
  #commitTimer: NodeJS.Timeout | undefined
  #committing: Promise<void> | undefined
  /** The commit that is under way, and since when, in milliseconds of performance.now. */
  #commitUnderWay: { commit: TaskCommit; sinceMs: number } | undefined
  #roomWaiters: (() => void)[] = []
  #idleWaiters: (() => void)[] = []
  #waiting = new Map<object, string>()
  #source: TaskStatus['source']
  #remark: string | undefined
  #stopped: string | undefined
  #stopping: Promise<void> | undefined
  #isOpen = false
  /** It goes to another owner: what can't be committed at once is left to that one. */
  #isLosing = false
  #closed = false
  #end!: (how: 'drained' | 'lost') => void
  #fail!: (error: unknown) => void
  /** Settles when the task is over: drained, lost to another owner, or rejected with a bug or configuration fault. */
  readonly done: Promise<'drained' | 'lost'>

  constructor(number: number, equipped: EquippedProcessor, surroundings: TaskSurroundings) {
    this.#number = number
    this.#equipped = equipped
    this.#name = equipped.declaration.name
    this.#expenses = new ExpenseLines(this.#name, number)
    this.#membership = surroundings.membership
    this.#codec = surroundings.codec
    this.#limits = surroundings.limits
    this.#tablesChanged = surroundings.tablesChanged
    this.#endOf = surroundings.endOf
    // Every record in the window may listen: their number is bounded by the window, not by a constant.
    setMaxListeners(0, this.#intake.signal, this.#calls.signal)
    this.#calls.signal.addEventListener('abort', () => (this.#overSinceMs = performance.now()), { once: true })
    this.#verify = bindVerification(equipped.verification, this.#calls.signal)
    this.done = new Promise((resolve, reject) => {
      this.#end = resolve
      this.#fail = (error) => {
        this.#abort()
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    })
    this.done.catch(() => {}) // whoever runs the task awaits it; a failure before that must not crash the process
  }

  /** Fences earlier owners, takes up committed progress and starts. Failures arrive at `done`. */
  async start(): Promise<void> {
    const startedAtMs = performance.now()
    try {
      const open = await this.#persistently(() => this.#membership.open(this.#number))
      if (!open) return
      this.#open = open
      if (this.#closed) return await this.#open.close()
      await this.#persistently(() => this.#restore())
      const missing = await this.#persistently(() => this.#missingEnd())
      if (this.#intake.signal.aborted) return
      this.#isOpen = true
      if (missing) throw missing
      const { logger } = this.#equipped
      const seconds = (performance.now() - startedAtMs) / 1000
      logger.tell('task.opened', { processor: this.#name, task: this.#number, seconds })
      for (const [input, window] of this.#windows) this.#intakeOf(input, window).catch((error) => this.#stop(error))
      if (this.#equipped.declaration.next) this.#produce().catch((error) => this.#stop(error))
    } catch (error) {
      this.#stop(error)
    }
  }

  status(): TaskStatus {
    const [waiting] = this.#waiting.values()
    const under = this.#commitUnderWay
    const isCommitting = under !== undefined && !this.#waiting.has(under.commit)
    return {
      task: this.#number,
      isOpen: this.#isOpen,
      inFlight: this.#inFlight,
      uncommitted: this.#finished.length + this.#committingResults,
      committingSeconds: isCommitting ? (performance.now() - under.sinceMs) / 1000 : undefined,
      oldestMs: this.#oldestMs,
      inputs: [...this.#windows.values()].map(({ topic, nextOffset, open, readmit }) => ({
        topic: topic.name,
        nextOffset,
        open: open.size + readmit.size,
      })),
      counts: this.#counts,
      waiting: this.#stopped ?? waiting,
      stopped: this.#stopped,
      source: this.#source,
      remark: this.#remark,
    }
  }

  get #oldestMs(): number | undefined {
    let oldest: number | undefined
    for (const { open } of this.#windows.values()) {
      // Records are admitted in their order: the first one is the oldest, or was taken up again from an earlier owner.
      const [first] = open.values()
      if (first) oldest = Math.min(oldest ?? Infinity, first.stored.timestampMs)
    }
    return oldest
  }

  /** Admits nothing more, lets what is in flight finish until the signal aborts, commits, and closes. */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#intake.abort()
    this.#wakeRoom()
    const abortCalls = (): void => {
      this.#calls.abort(new Error('draining: the deadline has passed'))
      this.#wakeIdle()
    }
    if (deadline.aborted) abortCalls()
    else deadline.addEventListener('abort', abortCalls, { once: true })
    while (this.#inFlight > 0 && !this.#calls.signal.aborted) {
      await new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
    }
    await this.#commitAll()
    deadline.removeEventListener('abort', abortCalls)
    await this.#stopping // a failure is told as one, not as a drain
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#commitTimer)
    await this.#open?.close()
    this.#end('drained')
  }

  /**
   * The task goes to another owner: aborts what is in flight and commits what is finished, unless the other has fenced already.
   * Resolves when the task may be another's.
   */
  async lose(): Promise<void> {
    if (this.#closed) return
    this.#isLosing = true
    this.#intake.abort()
    this.#calls.abort(new Error('the task goes to another owner'))
    this.#wakeRoom()
    if (this.#isOpen) await this.#commitAll()
    if (this.#closed) return
    this.#abandon()
    await this.#open?.close()
  }

  /** Another owner has the task: drops everything at once. */
  #abandon(): void {
    if (this.#closed) return
    this.#abort()
    this.#equipped.logger.tell('task.lost', { processor: this.#name, task: this.#number })
    this.#end('lost')
  }

  /** Ends on a failure: lost where another owner has the task, else in failure after what is finished is committed. */
  #stop(error: unknown): void {
    if (error instanceof LogError && error.code === 'fenced') return this.#abandon()
    if (error instanceof LogError && error.code === 'cut') return this.#halt(error)
    this.#intake.abort()
    this.#calls.abort(new Error('the task failed'))
    this.#stopping ??= this.#commitAll().then(() => this.#fail(error))
  }

  /** Records are lost, and passing over them would hide it: nothing more is admitted; what is in flight finishes and is committed. */
  #halt(error: LogError): void {
    if (this.#stopped !== undefined) return
    this.#stopped = error.message
    this.#equipped.metrics.stoppedTasks.inc({ processor: this.#name })
    const { logger } = this.#equipped
    logger.tell('task.stopped', { processor: this.#name, task: this.#number, message: error.message })
    this.#intake.abort()
    this.#wakeRoom()
  }

  #abort(): void {
    if (this.#stopped !== undefined && !this.#closed) this.#equipped.metrics.stoppedTasks.dec({ processor: this.#name })
    this.#closed = true
    clearTimeout(this.#commitTimer)
    this.#intake.abort()
    this.#calls.abort(new Error('the task was given up'))
    this.#wakeRoom()
    this.#wakeIdle()
  }

  async #restore(): Promise<void> {
    const { progress } = this.#open
    let committed: Progress | undefined
    if (progress) {
      await this.#codec.learn(progress.value)
      committed = this.#decodeOwn('progress', progress.value)
      this.#sequence = progress.sequence
      this.#counts = committed.counts
    }
    for (const [input, topic] of Object.entries(this.#equipped.declaration.inputs)) {
      const at = committed?.inputs.find((one) => one.topic === topic.name)
      const unfinished = fromDistances(at?.unfinished ?? [])
      this.#windows.set(input, {
        topic,
        nextOffset: at?.nextOffset ?? 0,
        isNew: at === undefined,
        readmit: new Set(unfinished),
        open: new Map(),
      })
    }
    this.#steps = this.#counts.finished
    await this.#restoreIndex()
  }

  /** Makes the index of the committed entries. @throws LogError */
  async #restoreIndex(): Promise<void> {
    const { state } = this.#equipped.declaration
    if (!state?.index) return
    const index = state.index.create(this.#equipped.config)
    let entries = 0
    for (const { key, value } of this.#open.state.entries(processorKey)) {
      if (!this.#codec.knows(value)) await this.#codec.learn(value)
      state.index.add(index, key.slice(processorKey.length), this.#decodeOwn(state.kind, value))
      // Millions of entries take a while: heartbeats and other tasks go on.
      if (++entries % 256 === 0) await new Promise<void>((resolve) => setImmediate(resolve))
      if (this.#intake.signal.aborted) return
    }
    this.#index = index
  }

  // Intake

  async #intakeOf(input: string, window: InputWindow): Promise<void> {
    const bounds = { maxBytes: fetchBytes, maxWaitSeconds: 5, signal: this.#intake.signal }
    const first = Math.min(window.nextOffset, ...window.readmit)
    for (let from = first; !this.#intake.signal.aborted;) {
      await this.#room(0)
      const result = await this.#fetch(window.topic.name, from, bounds)
      if (!result) continue
      this.#refuseCut(window, result)
      for (const stored of result.records) {
        if (stored.offset < window.nextOffset && !window.readmit.has(stored.offset)) continue
        if ((stored.headers?.[redrivenForHeader] ?? this.#name) !== this.#name) {
          window.nextOffset = Math.max(window.nextOffset, stored.offset + 1)
          continue
        }
        if (!this.#codec.knows(stored.value)) await this.#persistently(() => this.#codec.learn(stored.value))
        // Asked again after every pause: another input may have taken the room.
        while (!this.#hasRoom(stored.value.byteLength)) await this.#room(stored.value.byteLength)
        if (this.#intake.signal.aborted) return
        // Its offset leaves `readmit` only now: a commit during the pause above still counts it as unfinished.
        window.readmit.delete(stored.offset)
        window.nextOffset = Math.max(window.nextOffset, stored.offset + 1)
        this.#admit(input, window, stored)
      }
      if (this.#intake.signal.aborted) return
      this.#refuseMissing(
        window,
        [...window.readmit].filter((offset) => offset < result.nextOffset),
      )
      window.nextOffset = Math.max(window.nextOffset, result.nextOffset)
      from = result.nextOffset
    }
  }

  /** Reads on; undefined where it has to be tried again: the log was away, or the task was opened again after a doubtful commit. */
  async #fetch(topic: string, from: number, bounds: ReadBounds): Promise<ReadResult | undefined> {
    const open = this.#open
    for (let failures = 0; ; failures++) {
      try {
        const result = await open.fetch(topic, from, bounds)
        this.#waiting.delete(bounds)
        return result
      } catch (error) {
        if (!(error instanceof LogError)) throw error
        if (error.code === 'unreachable') await this.#waitForLog(bounds, error, failures, this.#intake.signal)
        else if ((error.code === 'closed' || error.code === 'doubt') && (this.#committing || open !== this.#open))
          await this.#committing
        else throw error
        if (this.#intake.signal.aborted || open !== this.#open) return undefined
      }
    }
  }

  /** Tries for as long as the log, its schemas or the disk are away; undefined where the task ended meanwhile. */
  async #persistently<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
    for (let failures = 0; !this.#intake.signal.aborted; failures++) {
      try {
        const value = await work()
        this.#waiting.delete(work)
        return value
      } catch (error) {
        if (!(error instanceof LogError) || !passing.has(error.code)) throw error
        await this.#waitForLog(work, error, failures, this.#intake.signal)
      }
    }
    this.#waiting.delete(work)
    return undefined
  }

  /** Aborts when the calls are aborted, and never where they have been. */
  get #untilCallsEnd(): AbortSignal {
    return this.#calls.signal.aborted ? new AbortController().signal : this.#calls.signal
  }

  /** Whether the last commit has had its time. */
  get #isOverForLong(): boolean {
    return performance.now() - this.#overSinceMs > this.#limits.lastCommitSeconds * 1000
  }

  /** Waits before the log is asked again, longer each time, up to 5 s; says so in the status until `waiter` is removed. */
  async #waitForLog(waiter: object, error: LogError, failures: number, signal: AbortSignal): Promise<void> {
    this.#waiting.set(waiter, error.message)
    await sleep(Math.min(5000, 250 * 2 ** Math.min(failures, 5)), undefined, { signal }).catch(() => {})
  }

  /** An input that ends before what is finished in it was emptied or made anew: what lies in it now would be passed over. */
  async #missingEnd(): Promise<LogError | undefined> {
    for (const { topic, nextOffset } of this.#windows.values()) {
      const end = nextOffset === 0 ? 0 : await this.#endOf(topic.name, this.#number)
      if (end >= nextOffset) continue
      return new LogError(
        'cut',
        `${this.#name}: ${topic.name}/${this.#number} ends at offset ${end}, and all below ${nextOffset} was worked on: the topic was emptied or made anew. ` +
          'Restore the topic from a backup, or go on in another namespace',
      )
    }
    return undefined
  }

  /** Retention must never pass over records that were not admitted: that would be a silent loss. */
  #refuseCut(window: InputWindow, { startOffset }: ReadResult): void {
    const { isNew } = window
    window.isNew = false
    // Offsets may have gaps that hold no record: the start of the log tells.
    if (!isNew && startOffset > window.nextOffset) this.#refuseMissing(window, [...window.readmit, window.nextOffset])
  }

  #refuseMissing(window: InputWindow, offsets: readonly number[]): void {
    const [first] = offsets
    if (first === undefined) return
    throw new LogError(
      'cut',
      `${this.#name}: ${window.topic.name}/${this.#number} no longer holds unfinished records from offset ${first} on; retention passed over them. ` +
        `Restore the topic from a backup`,
    )
  }

  #admit(input: string, window: InputWindow, stored: StoredRecord): void {
    this.#inFlight++
    this.#inFlightBytes += stored.value.byteLength
    this.#equipped.metrics.recordsIn.inc({ processor: this.#name })
    const entry: Entry = {
      input,
      topic: window.topic,
      stored,
      record: undefined as never,
      committing: false,
      calls: new Map(),
      unkept: new Set(),
      keptInState: new Set(),
      admittedAtMs: epochMs(),
      tries: 0,
      timed: [],
    }
    window.open.set(stored.offset, entry)
    try {
      entry.record = this.#codec.decode(window.topic.kind, stored.value)
    } catch (error) {
      if (!(error instanceof UndecodableError)) throw error
      this.#bury(entry, { code: 'RECORD_UNDECODABLE', message: error.message })
      return
    }
    const { state } = this.#equipped.declaration
    if (!state) {
      void this.#process(entry)
      return
    }
    const key = state.keyOf?.(entry.record) ?? ''
    const queue = this.#keyQueues.get(key)
    if (queue) queue.push(entry)
    else {
      this.#keyQueues.set(key, [])
      void this.#processKey(key, entry)
    }
  }

  async #processKey(key: string, first: Entry): Promise<void> {
    const queue = this.#keyQueues.get(key)
    let isFinished = true
    for (let entry: Entry | undefined = first; entry && !this.#closed; entry = queue?.shift()) {
      // After a record that was given up, the others of its key wait for the next owner too: their order holds.
      if (isFinished) isFinished = await this.#process(entry)
      else this.#drop(entry)
    }
    this.#keyQueues.delete(key)
  }

  /** Whether a record of this size may be admitted; a record larger than the whole window goes alone. */
  #hasRoom(bytes: number): boolean {
    const { maxInFlight, maxInFlightBytes, maxUncommittedBytes } = this.#limits
    return (
      this.#intake.signal.aborted ||
      (this.#inFlight < maxInFlight &&
        (this.#inFlight === 0 || this.#inFlightBytes + bytes <= maxInFlightBytes) &&
        this.#finishedBytes + this.#committingBytes < maxUncommittedBytes)
    )
  }

  async #room(bytes: number): Promise<void> {
    while (!this.#hasRoom(bytes)) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve))
    }
  }

  #wakeRoom(): void {
    for (const wake of this.#roomWaiters.splice(0)) wake()
  }

  // Processing

  /** @returns whether it is finished; false where it was given up and is left to the next owner */
  async #process(entry: Entry): Promise<boolean> {
    const { transient } = this.#equipped.declaration.onFailure
    let attempts = 0
    let delays = 0
    while (!this.#closed) {
      const staged = new Map<string, Uint8Array | undefined>()
      entry.tries++
      const context = new RecordContext(
        this.#equipped,
        { id: (entry.record as { id: string }).id, position: entry.stored },
        {
          signal: this.#calls.signal,
          keeper: this.#keeperOf(entry),
          state: this.#stateOf(staged, entry),
          index: this.#index,
          verify: this.#verify,
          timed: entry.timed,
          sending: {
            beforeSending: () => this.#membership.confirmed?.(this.#calls.signal),
            sending: this.#intake.signal,
            onOutage: (why) => (why === undefined ? this.#waiting.delete(entry) : this.#waiting.set(entry, why)),
          },
        },
      )
      try {
        const handler = this.#equipped.declaration.process[entry.input] as (
          record: unknown,
          context: RecordContext,
        ) => Result | Promise<Result>
        const result = await handler(entry.record, context)
        if (this.#closed) return false
        return this.#finish(entry, result, context, staged)
      } catch (error) {
        if (await this.#learned(error)) continue
        const isOver = this.#closed || this.#calls.signal.aborted || error === this.#intake.signal.reason
        if (isOver) return this.#drop(entry)
        const kind = kindOf(error)
        if (kind === 'invalid-record') return this.#bury(entry, failureOf(error as InvalidRecordError))
        if (kind !== 'transient') return this.#stopOn(entry, error)
        const { code, message, outage, retryAfterSeconds } = error as TransientError
        if (!outage) attempts++
        this.#equipped.metrics.retries.inc({ processor: this.#name, code })
        if (attempts >= transient.attempts) {
          return this.#bury(entry, { code, message: `${message} (${attempts} of ${transient.attempts} tries)` })
        }
        const delaySeconds = Math.min(transient.maxDelaySeconds, transient.firstDelaySeconds * 2 ** delays++)
        // Spread out, so that records that failed together do not come back together; never earlier than the endpoint asks.
        const seconds = Math.max(retryAfterSeconds ?? 0, delaySeconds / 2) + (Math.random() * delaySeconds) / 2
        this.#waiting.set(entry, message)
        const { logger } = this.#equipped
        if (logger.writes('debug'))
          logger.tell('record.retried', {
            ...{ processor: this.#name, task: this.#number, topic: entry.topic.name },
            ...{ partition: entry.stored.partition, offset: entry.stored.offset },
            ...{ record: String((entry.record as { id?: unknown }).id), problem: problemOf(entry) },
            ...{ code, message, tries: entry.tries, delaySeconds: seconds },
          })
        const waited = await sleep(1000 * seconds, true, {
          signal: this.#intake.signal,
        }).catch(() => false)
        this.#waiting.delete(entry)
        if (!waited) return this.#drop(entry)
      }
    }
    return false
  }

  /** Gives a record up unfinished: its offset stays in the progress, so the next owner does it. */
  #drop(entry: Entry): false {
    const reason = this.#isLosing ? 'moved' : this.#stopping ? 'failed' : 'drained'
    this.#equipped.metrics.abandoned.inc({ processor: this.#name, reason })
    this.#inFlight--
    this.#inFlightBytes -= entry.stored.value.byteLength
    this.#wakeIdle()
    return false
  }

  /** A bug or a fault of the configuration: the run stops and the record is left as it was. */
  #stopOn(entry: Entry, error: unknown): false {
    this.#stop(this.#explain(error, entry))
    return this.#drop(entry)
  }

  #keeperOf(entry: Entry): CallKeeper {
    const keyOf = (purpose: string): string => keptCallKey(entry.topic.name, entry.stored.offset, purpose)
    return {
      get: (purpose) => {
        const known = entry.calls.get(purpose)
        if (known) return known.result
        const stored = this.#open.state.get(keyOf(purpose))
        if (!stored) return undefined
        const kept = this.#decodeState('kept-call', stored)
        const result = JSON.parse(kept.result) as CallResult
        const role = kept.role === '' ? undefined : (kept.role as Role)
        entry.calls.set(purpose, { role, result })
        entry.keptInState.add(purpose)
        if (role) this.#expenses.expect({ role, ...result })
        return result
      },
      put: (purpose, role, result) => {
        entry.calls.set(purpose, { role, result })
        entry.unkept.add(purpose)
        this.#expenses.expect({ role, ...result })
        this.#scheduleCommit()
      },
      waste: (call) => {
        this.#wasted.push(call)
        this.#expenses.expect(call)
        this.#scheduleCommit()
      },
    }
  }

  /** State is read at once, schemas are not: the record starts anew when its schema is there. */
  #decodeState<Kind extends RecordKind>(kind: Kind, value: Uint8Array): RecordTypes[Kind] {
    if (!this.#codec.knows(value)) throw new UnlearnedSchema(value)
    return this.#decodeOwn(kind, value)
  }

  /** What only this task writes. @throws LogError 'damaged' */
  #decodeOwn<Kind extends RecordKind>(kind: Kind, value: Uint8Array): RecordTypes[Kind] {
    try {
      return this.#codec.decode(kind, value)
    } catch (cause) {
      if (!(cause instanceof UndecodableError)) throw cause
      throw new LogError(
        'damaged',
        `${this.#name} task ${this.#number}: its own ${kind} record cannot be read: ${cause.message}; something else has written to its changelog: restore it from a backup`,
        { cause },
      )
    }
  }

  /** Whether the error was a schema that is known from now on. */
  async #learned(error: unknown): Promise<boolean> {
    if (!(error instanceof UnlearnedSchema)) return false
    await this.#codec.learn(error.value).catch(() => {})
    return this.#codec.knows(error.value)
  }

  #stateOf(staged: Map<string, Uint8Array | undefined>, entry: Entry | undefined): KeyedState<RecordTypes[RecordKind]> {
    const { state, name } = this.#equipped.declaration
    const stateKey = (key: string): string => {
      if (!state) throw new TypeError(`${name} uses state but declares none`)
      const own = entry && state.keyOf?.(entry.record)
      if (own !== undefined && own !== key && !key.startsWith(`${own}/`)) {
        throw new TypeError(`${name} may use the state under its record's key ${own} alone, not ${key}`)
      }
      return processorKey + key
    }
    return {
      get: (key) => {
        const full = stateKey(key)
        const bytes = staged.has(full)
          ? staged.get(full)
          : this.#overlay.has(full)
            ? this.#overlay.get(full)?.value
            : this.#open.state.get(full)
        return bytes && state ? this.#decodeState(state.kind, bytes) : undefined
      },
      set: (key, value) => {
        if (state) staged.set(stateKey(key), this.#codec.encode(changelogSubject(name, state.kind), state.kind, value))
      },
      remove: (key) => {
        staged.set(stateKey(key), undefined)
      },
    }
  }

  #finish(
    entry: Entry,
    result: Result,
    context: RecordContext,
    staged: ReadonlyMap<string, Uint8Array | undefined>,
  ): boolean {
    const { declaration } = this.#equipped
    try {
      const discarded = isDiscard(result) ? declaredReason(declaration, result.discard) : undefined
      const emissions = isDiscard(result)
        ? [this.#discardOf(entry, result, context.recipe)]
        : Array.isArray(result)
          ? (result as readonly Emission[])
          : [result as Emission]
      const outputs = emissions.map((emission) => this.#encode(emission, context))
      this.#settle({
        entry,
        outputs,
        bytes: 0,
        state: [...staged].map(([key, value]) => ({ key, value })),
        entered: context.entered,
        left: context.left + (discarded !== undefined && declaration.onSpine.includes(entry.input) ? 1 : 0),
        discarded,
        deadLettered: false,
        report: this.#reportOf(entry, discarded === undefined ? 'emitted' : 'discarded', outputs, discarded),
      })
      return true
    } catch (error) {
      if (kindOf(error) === 'invalid-record') return this.#bury(entry, failureOf(error as InvalidRecordError))
      return this.#stopOn(entry, error)
    }
  }

  #discardOf(entry: Entry, { discard, evidence }: { discard: string; evidence: string }, recipe: string): Emission {
    const { id, domain, concepts } = entry.record as { id: string; domain: string; concepts?: string[] }
    const { topic, partition, offset } = entry.stored
    return {
      topic: topics.discards,
      draft: {
        id: recordId('discard', [id], `${recipe}/${this.#name}`, 0),
        parentIds: [id],
        domain,
        processor: this.#name,
        reason: discard,
        evidence: discardEvidence(evidence),
        recordId: id,
        topic,
        partition,
        offset,
        concepts: concepts ?? [],
        leftStream: this.#equipped.declaration.onSpine.includes(entry.input),
      } as never,
    }
  }

  /** What is told of a record; undefined where nobody listens. */
  #reportOf(
    entry: Entry,
    outcome: RecordReport['outcome'],
    outputs: readonly Output[],
    reason?: string,
    message?: string,
  ): RecordReport | undefined {
    const { tracing, logger, simulated } = this.#equipped
    if (!tracing && !logger.writes(outcome === 'dead-lettered' ? 'warn' : 'debug')) return undefined
    const { topic, partition, offset } = entry.stored
    return {
      ...{ processor: this.#name, task: this.#number, topic, partition, offset, simulated },
      record: entry.record as unknown as RecordReport['record'],
      problem: problemOf(entry),
      ...{ outcome, reason, message, calls: entry.timed, tries: entry.tries },
      made: outputs.flatMap(({ made }) => (made ? [made] : [])),
      ...{ startedAtMs: entry.admittedAtMs, endedAtMs: epochMs() },
    }
  }

  #encode(emission: Emission, context: Pick<RecordContext, 'calls' | 'recipe'>): Output {
    const { topic } = emission
    const record = completeRecord(this.#equipped, emission, context)
    const value = this.#codec.encode(topic.name, topic.kind, record)
    if (value.byteLength > this.#limits.maxRecordBytes) {
      throw new InvalidRecordError(
        'OUTPUT_TOO_LARGE',
        `a ${topic.kind} of ${value.byteLength} bytes is over the limit of ${this.#limits.maxRecordBytes}`,
      )
    }
    const key = topic.keyOf(record)
    return {
      topic: topic.name,
      record: { topic: topic.name, partition: partitionOf(key, topic.partitions), key, value },
      made: madeOf(topic, record),
      recipe: (record as { recipe: string }).recipe,
    }
  }

  /** Puts the record into dead-letters with its cause and its original bytes. */
  #bury(entry: Entry, failure: Failure): boolean {
    const { declaration } = this.#equipped
    const { topic, partition, offset, key, value } = entry.stored
    const { [redrivenHeader]: _, ...own } = entry.stored.headers ?? {}
    const cause = {
      [deadLetterHeaders.topic]: topic,
      [deadLetterHeaders.partition]: String(partition),
      [deadLetterHeaders.offset]: String(offset),
      '__connect.errors.stage': this.#name,
      '__connect.errors.exception.class.name': failure.code,
      '__connect.errors.exception.message': discardEvidence(failure.message),
    }
    const place = { topic: deadLetters.name, partition: partition % deadLetters.partitions }
    const whole: OutgoingRecord = { ...place, key, value, headers: { ...own, ...cause } }
    const letter: OutgoingRecord =
      sizeOf(whole) <= this.#limits.maxRecordBytes
        ? whole
        : {
            ...place,
            key: key.slice(0, beginningCharacters),
            value: value.subarray(0, beginningBytes),
            headers: { ...cause, [beginningOfHeader]: String(sizeOf(entry.stored)) },
          }
    const outputs: Output[] = [{ topic: deadLetters.name, record: letter, recipe: '' }]
    const instead = declaration.onFailure.emitInstead?.[entry.input]
    if (instead && failure.code !== 'RECORD_UNDECODABLE') {
      try {
        outputs.push(
          this.#encode(instead(entry.record, failure, this.#equipped.emit), {
            calls: [],
            recipe: this.#equipped.recipe(),
          }),
        )
      } catch (error) {
        return this.#stopOn(entry, error)
      }
    }
    this.#equipped.metrics.deadLetters.inc({ processor: this.#name, code: failure.code })
    this.#settle({
      entry,
      outputs,
      bytes: 0,
      state: [],
      entered: 0,
      left: declaration.onSpine.includes(entry.input) ? 1 : 0,
      discarded: undefined,
      deadLettered: true,
      report: this.#reportOf(entry, 'dead-lettered', outputs, failure.code, failure.message),
    })
    return true
  }

  #settle(finished: Finished): void {
    const { entry } = finished
    finished.bytes = finished.outputs.reduce((sum, { record }) => sum + record.value.byteLength + 64, 64)
    for (const { value } of finished.state) finished.bytes += (value?.byteLength ?? 0) + 64
    for (const { key, value } of finished.state) this.#overlay.set(key, { value, sequence: Number.MAX_SAFE_INTEGER })
    this.#addToIndex(finished.state)
    this.#finished.push(finished)
    this.#finishedBytes += finished.bytes
    if (entry) {
      this.#inFlight--
      this.#inFlightBytes -= entry.stored.value.byteLength
    }
    this.#scheduleCommit()
    if (this.#roomWaiters.length > 0) this.#wakeRoom()
    this.#wakeIdle()
  }

  #addToIndex(changes: readonly StateChange[]): void {
    const { state } = this.#equipped.declaration
    if (!state?.index) return
    for (const { key, value } of changes)
      if (value) state.index.add(this.#index, key.slice(processorKey.length), this.#decodeOwn(state.kind, value))
  }

  #wakeIdle(): void {
    if (this.#idleWaiters.length > 0) for (const wake of this.#idleWaiters.splice(0)) wake()
  }

  // A source

  async #produce(): Promise<void> {
    const { next } = this.#equipped.declaration
    let turnStartedAtMs = performance.now()
    while (next && !this.#intake.signal.aborted) {
      await this.#room(0)
      if (this.#intake.signal.aborted) return
      const staged = new Map<string, Uint8Array | undefined>()
      const context = new RecordContext(
        this.#equipped,
        { id: `${this.#name}/${this.#steps}`, position: { topic: '', partition: this.#number, offset: this.#steps } },
        {
          signal: this.#calls.signal,
          keeper: { get: () => undefined, put: () => {}, waste: () => {} },
          state: this.#stateOf(staged, undefined),
          index: this.#index,
          verify: this.#verify,
        },
      )
      const versions = this.#tableVersions()
      let step: SourceStep
      try {
        step = await next(context)
      } catch (error) {
        if (await this.#learned(error)) continue
        throw error
      }
      if (this.#intake.signal.aborted) return
      this.#remark = context.told
      if (typeof step === 'string') {
        this.#source = step
        // What came while it looked would wake nobody.
        if (this.#tableVersions() === versions) await this.#tablesChanged(this.#intake.signal)
        turnStartedAtMs = performance.now()
        continue
      }
      this.#source = 'active'
      this.#steps++
      this.#settle({
        entry: undefined,
        outputs: step.map((emission) => this.#encode(emission, context)),
        bytes: 0,
        state: [...staged].map(([key, value]) => ({ key, value })),
        entered: context.entered,
        left: context.left,
        discarded: undefined,
        deadLettered: false,
      })
      // A source with room to spare must not keep timers and sockets waiting.
      if (performance.now() - turnStartedAtMs < turnMs) continue
      await new Promise<void>((resolve) => setImmediate(resolve))
      turnStartedAtMs = performance.now()
    }
  }

  /** Grows with every record of a table. */
  #tableVersions(): number {
    return Object.values(this.#equipped.tables).reduce((sum, { version }) => sum + version, 0)
  }

  // Commits

  #scheduleCommit(): void {
    if (this.#closed) return
    const nowMs = performance.now()
    this.#uncommittedSinceMs ??= nowMs
    if (this.#committing) return
    if (this.#finishedBytes >= this.#limits.commitBytes) this.#startCommit()
    else {
      // What came while a commit was under way has waited already.
      const waitedMs = nowMs - this.#uncommittedSinceMs
      this.#commitTimer ??= setTimeout(() => this.#startCommit(), this.#limits.commitSeconds * 1000 - waitedMs)
    }
  }

  #startCommit(): void {
    clearTimeout(this.#commitTimer)
    this.#commitTimer = undefined
    if (this.#committing || this.#closed) return
    this.#committing = this.#commit()
      .catch(this.#fail)
      .finally(() => {
        this.#committing = undefined
        if (this.#hasUncommitted()) this.#scheduleCommit()
      })
  }

  async #commitAll(): Promise<void> {
    // Calls that were just aborted tell what they have cost.
    if (this.#calls.signal.aborted) await new Promise<void>((resolve) => setImmediate(resolve))
    while (!this.#closed && this.#open && (this.#committing || this.#hasUncommitted())) {
      if (!this.#committing) this.#startCommit()
      await this.#committing
    }
  }

  #hasUncommitted(): boolean {
    if (this.#finished.length > 0 || this.#wasted.length > 0) return true
    for (const { open } of this.#windows.values())
      for (const entry of open.values()) if (entry.unkept.size > 0 && !entry.committing) return true
    return false
  }

  async #commit(): Promise<void> {
    while (this.#expenses.wanted.size > 0) await this.#readExpenses()
    const taken = this.#take()
    const sequence = this.#sequence + 1
    const state = new Map<string, Uint8Array | undefined>()
    const counts = cloneCounts(this.#counts)
    const spending = this.#expenses.begin()
    for (const call of this.#wasted.splice(0)) spending.add('wasted', call)
    for (const { entry, state: changes, discarded, deadLettered } of taken) {
      for (const { key, value } of changes) {
        state.set(key, value)
        const over = this.#overlay.get(key)
        if (over && over.value === value) over.sequence = sequence
      }
      if (!entry) continue
      entry.committing = true
      for (const purpose of entry.keptInState)
        state.set(keptCallKey(entry.topic.name, entry.stored.offset, purpose), undefined)
      const outcome = deadLettered ? 'wasted' : discarded === undefined ? 'kept' : 'discarded'
      countCalls(entry, outcome, counts, spending)
    }
    const finishedEntries = new Set(this.#finished.map(({ entry }) => entry))
    for (const { open } of this.#windows.values()) {
      for (const entry of open.values()) {
        if (entry.committing || entry.unkept.size === 0 || finishedEntries.has(entry)) continue
        this.#keepCalls(entry, state, counts, spending)
      }
    }
    for (const finished of taken) count(counts, finished)
    const committedAtMs = Date.now()
    const progress = this.#codec.encode(changelogSubject(this.#name, 'progress'), 'progress', {
      sequence,
      inputs: [...this.#windows.values()].map(({ topic, nextOffset, open, readmit }) => ({
        topic: topic.name,
        nextOffset,
        unfinished: toDistances(unfinishedOf(open, readmit)),
      })),
      counts,
      committedAtMs,
    })
    this.#equipped.metrics.progressBytes.set({ processor: this.#name }, progress.byteLength)
    const lines = this.#expenseRecords(spending, sequence, committedAtMs)
    const rules = this.#newRules(taken)
    const commit: TaskCommit = {
      sequence,
      outputs: [
        ...taken.flatMap(({ outputs }) => outputs.map(({ record }) => record)),
        this.#ledgerEntry(sequence, counts, committedAtMs),
        ...lines.map(({ output }) => output),
        ...rules.map((one) => this.#rulesRecord(one, committedAtMs)),
      ],
      state: [...[...state].map(([key, value]) => ({ key, value })), ...lines.map(({ change }) => change)],
      progress,
      watermarks: [...this.#windows.values()].map(({ topic, nextOffset, open, readmit }) => ({
        topic: topic.name,
        offset: unfinishedOf(open, readmit)[0] ?? nextOffset,
      })),
    }
    const startedAtMs = performance.now()
    this.#commitUnderWay = { commit, sinceMs: startedAtMs }
    if (!(await this.#commitSurely(commit).finally(() => (this.#commitUnderWay = undefined)))) return
    const seconds = (performance.now() - startedAtMs) / 1000
    this.#equipped.metrics.commits.inc({ processor: this.#name })
    this.#equipped.metrics.commitSeconds.observe({ processor: this.#name }, seconds)
    this.#sequence = sequence
    this.#counts = counts
    this.#expenses.committed(spending)
    for (const { recipe } of rules) this.#recipes.add(recipe)
    for (const { entry, state: changes } of taken) {
      for (const { key } of changes)
        if ((this.#overlay.get(key)?.sequence ?? sequence + 1) <= sequence) this.#overlay.delete(key)
      if (entry) this.#windows.get(entry.input)?.open.delete(entry.stored.offset)
    }
    for (const { outputs, discarded } of taken) {
      for (const { topic } of outputs) this.#equipped.metrics.recordsOut.inc({ processor: this.#name, topic })
      if (discarded !== undefined) this.#equipped.metrics.discards.inc({ processor: this.#name, reason: discarded })
    }
    const { logger } = this.#equipped
    const told = { processor: this.#name, task: this.#number, seconds }
    if (logger.writes('debug'))
      logger.tell('commit.done', { ...told, records: taken.length, bytes: this.#committingBytes })
    for (const { report } of taken) if (report) tellReport(this.#equipped, report)
    this.#committingBytes = 0
    this.#committingResults = 0
    this.#wakeRoom()
  }

  /** Reads the lines of spending that the next commit adds to. */
  async #readExpenses(): Promise<void> {
    for (const key of this.#expenses.wanted) {
      const stored = this.#open.state.get(key)
      // The line is of an earlier version: the registry has its schema.
      for (let failures = 0; stored && !this.#codec.knows(stored); failures++) {
        try {
          await this.#codec.learn(stored)
        } catch (error) {
          if (!(error instanceof LogError) || !passing.has(error.code) || this.#isOverForLong) throw error
          await this.#waitForLog(this.#expenses, error, failures, this.#untilCallsEnd)
        }
      }
      this.#waiting.delete(this.#expenses)
      this.#expenses.supply(key, stored && this.#decodeOwn('expense', stored))
    }
  }

  /** The changed lines, as records of the table and as state, from where the task's next owner goes on. */
  #expenseRecords(
    { lines }: ExpenseChanges,
    sequence: number,
    committedAtMs: number,
  ): { output: OutgoingRecord; change: StateChange }[] {
    return [...lines].map(([key, line]) => {
      Object.assign(line, { sequence, committedAtMs })
      const { name, keyOf } = topics.expenses
      const value = this.#codec.encode(changelogSubject(this.#name, 'expense'), 'expense', line)
      return {
        output: { topic: name, partition: 0, key: keyOf(line), value: this.#codec.encode(name, 'expense', line) },
        change: { key, value },
      }
    })
  }

  /** Results for one commit, up to four times the size that starts one, at least one. */
  #take(): Finished[] {
    let bytes = 0
    let results = 0
    for (const finished of this.#finished) {
      if (results > 0 && bytes + finished.bytes > 4 * this.#limits.commitBytes) break
      bytes += finished.bytes
      results++
    }
    if (results === this.#finished.length) this.#uncommittedSinceMs = undefined
    const taken = results === this.#finished.length ? this.#finished : this.#finished.slice(0, results)
    this.#finished = results === this.#finished.length ? [] : this.#finished.slice(results)
    this.#finishedBytes -= bytes
    this.#committingBytes = bytes
    this.#committingResults = taken.length
    return taken
  }

  /** Puts the finished calls of an unfinished record into the state, so that they are never made again. */
  #keepCalls(
    entry: Entry,
    state: Map<string, Uint8Array | undefined>,
    counts: TaskCounts,
    spending: ExpenseChanges,
  ): void {
    for (const purpose of entry.unkept) {
      const call = entry.calls.get(purpose)
      if (!call) continue
      const { role, result } = call
      countCall(counts, result)
      if (role) spending.add('unfinished', { role, ...result })
      const kept = { result: JSON.stringify(result), keptAtMs: Date.now(), role: role ?? '' }
      state.set(
        keptCallKey(entry.topic.name, entry.stored.offset, purpose),
        this.#codec.encode(changelogSubject(this.#name, 'kept-call'), 'kept-call', kept),
      )
      entry.keptInState.add(purpose)
    }
    entry.unkept.clear()
  }

  #ledgerEntry(sequence: number, counts: TaskCounts, committedAtMs: number): OutgoingRecord {
    const entry = { processor: this.#name, task: this.#number, sequence, counts, committedAtMs }
    return {
      topic: topics.ledger.name,
      partition: 0,
      key: topics.ledger.keyOf(entry),
      value: this.#codec.encode(topics.ledger.name, 'ledger-entry', entry),
    }
  }

  /** The rules behind recipes that no commit of this task has told of. What was handed on keeps the recipe of who made it. */
  #newRules(taken: readonly Finished[]): Rules[] {
    const used = new Set(taken.flatMap(({ outputs }) => outputs.map(({ recipe }) => recipe)))
    return [...used].flatMap((recipe) => (this.#recipes.has(recipe) ? [] : (this.#equipped.rulesOf(recipe) ?? [])))
  }

  #rulesRecord(rules: Rules, committedAtMs: number): OutgoingRecord {
    const { name, kind, keyOf } = topics.recipes
    const record = { ...rules, committedAtMs }
    return { topic: name, partition: 0, key: keyOf(record), value: this.#codec.encode(name, kind, record) }
  }

  /** Commits until it is certain: true when it took effect, false when the task was lost. @throws anything that waiting does not cure */
  async #commitSurely(commit: TaskCommit): Promise<boolean> {
    let inDoubt = false
    for (let failures = 0; ; failures++) {
      try {
        if (inDoubt) {
          // Opening fences the doubtful commit; the committed progress then tells whether it took effect.
          const open = await this.#membership.open(this.#number)
          this.#open = open
          inDoubt = false
          if (this.#tookEffect(commit)) break
        }
        await this.#open.commit(commit)
        break
      } catch (error) {
        if (this.#closed) return false
        if (!(error instanceof LogError)) throw error
        this.#equipped.metrics.commitFailures.inc({ processor: this.#name, reason: error.code })
        const { code, message } = error
        this.#equipped.logger.tell('commit.failed', { processor: this.#name, task: this.#number, code, message })
        if (error.code === 'fenced' || this.#isLosing) {
          this.#abandon()
          return false
        }
        if (error.code === 'doubt') {
          inDoubt = true
          await this.#open.close().catch(() => {})
          // Once may be chance; a log that fails again is given time.
          if (failures > 0) await this.#waitForLog(commit, error, failures - 1, this.#untilCallsEnd)
        } else if (passing.has(error.code)) {
          if (this.#isOverForLong) throw error
          await this.#waitForLog(commit, error, failures, this.#untilCallsEnd)
        } else throw error
      }
    }
    this.#waiting.delete(commit)
    return true
  }

  /**
   * Whether the progress found at opening is that of this commit.
   * @throws LogError 'fenced' where it is that of a commit that this owner never made; Error where tasks never move
   */
  #tookEffect({ sequence, progress }: TaskCommit): boolean {
    const found = this.#open.progress
    if ((found?.sequence ?? 0) === sequence - 1) return false
    if (found?.sequence === sequence && Buffer.compare(found.value, progress) === 0) return true
    const message =
      `${this.#name}: task ${this.#number} holds commit ${found?.sequence ?? 0} of another owner, expected ${sequence - 1} or our own ${sequence}; ` +
      `start again to take up its progress`
    if (!this.#membership.question) throw new Error(message)
    // Such as after a pause of this process: the task is another's, and nobody has told us yet.
    this.#membership.question(this.#number)
    void this.#open.close().catch(() => {})
    throw new LogError('fenced', message)
  }

  #explain(error: unknown, { stored }: Entry): unknown {
    if (kindOf(error) === 'configuration' || error instanceof LogError) return error
    const reason = error instanceof Error ? error.message : String(error)
    return new Error(`${this.#name} failed on ${stored.topic}/${stored.partition} offset ${stored.offset}: ${reason}`, {
      cause: error,
    })
  }
}

/** Counts the calls of a finished record; what was kept of it before has its outcome now. */
function countCalls(entry: Entry, outcome: ExpenseOutcome, counts: TaskCounts, spending: ExpenseChanges): void {
  for (const [purpose, { role, result }] of entry.calls) {
    const wasKept = entry.keptInState.has(purpose)
    if (!wasKept) countCall(counts, result)
    if (!role) continue
    if (wasKept) spending.remove('unfinished', { role, ...result })
    spending.add(outcome, { role, ...result })
  }
}

/** What ties a record to its problem; empty where it could not be decoded. */
function problemOf({ record }: Entry): string {
  const decoded = record as unknown as Readonly<Record<string, unknown>> | undefined
  return decoded === undefined ? '' : correlationOf(decoded)
}

function madeOf(topic: Topic, record: RecordTypes[RecordKind]): MadeRecord {
  const made = record as unknown as Readonly<Record<string, unknown>> & { id?: string; parentIds?: string[] }
  return { topic: topic.name, id: made.id ?? '', parentIds: made.parentIds ?? [], problem: correlationOf(made) }
}

function failureOf({ code, message }: InvalidRecordError): Failure {
  return { code, message }
}

/** Offsets that are not finished by the commit under way, ascending. */
function unfinishedOf(open: ReadonlyMap<number, Entry>, readmit: ReadonlySet<number>): number[] {
  const offsets: number[] = []
  for (const [offset, entry] of open) if (!entry.committing) offsets.push(offset)
  if (readmit.size === 0) return offsets
  return [...offsets, ...readmit].sort((a, b) => a - b)
}
