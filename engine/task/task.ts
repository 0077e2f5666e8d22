/**
 * One task of one processor: partition i of all its inputs. Opens with its committed progress, admits records into a
 * bounded window, lets them finish in any order, and commits outputs, state and progress together. The parts of that
 * work are the other files of this folder; this one joins them, and begins and ends the whole.
 */
import type { Progress, TaskCounts } from '../../schemas/generated.ts'
import type { RecordCodec } from '../../topics/codec.ts'
import { LogError, type Membership } from '../../topics/log.ts'
import { onAbort } from '../../topics/signals.ts'
import type { EquippedProcessor } from '../context.ts'
import { Calls } from './calls.ts'
import { Changelog } from './changelog.ts'
import { Commits } from './commits.ts'
import { Contexts } from './contexts.ts'
import { Intake } from './intake.ts'
import { KeyState } from './key-state.ts'
import { Lifetime } from './lifetime.ts'
import type { TaskLimits } from './limits.ts'
import { Outputs } from './outputs.ts'
import { Ownership } from './ownership.ts'
import { Processing } from './processing.ts'
import { Room } from './room.ts'
import { Source } from './source.ts'
import { Waiting } from './waiting.ts'
import { Windows } from './windows.ts'

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

export class Task {
  readonly #number: number
  readonly #name: string
  readonly #equipped: EquippedProcessor
  readonly #lifetime = new Lifetime()
  readonly #waiting = new Waiting()
  readonly #windows = new Windows()
  readonly #room: Room
  readonly #changelog: Changelog
  readonly #ownership: Ownership
  readonly #state: KeyState
  readonly #commits: Commits
  readonly #intake: Intake
  readonly #source: Source
  #isOpen = false
  #stopped: string | undefined
  #stopping: Promise<void> | undefined
  #end!: (how: 'drained' | 'lost') => void
  #fail!: (error: unknown) => void
  /** Settles when the task is over: drained, lost to another owner, or rejected with a bug or configuration fault. */
  readonly done: Promise<'drained' | 'lost'>

  constructor(number: number, equipped: EquippedProcessor, surroundings: TaskSurroundings) {
    this.#number = number
    this.#equipped = equipped
    this.#name = equipped.declaration.name
    this.done = new Promise((resolve, reject) => {
      this.#end = resolve
      this.#fail = (error) => {
        this.#abort()
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    })
    this.done.catch(() => {}) // whoever runs the task awaits it; a failure before that must not crash the process

    const { membership, codec, limits, tablesChanged, endOf } = surroundings
    const lifetime = this.#lifetime
    const waiting = this.#waiting
    const windows = this.#windows
    const room = new Room(limits, lifetime.intake)
    const changelog = new Changelog(this.#name, number, codec)
    const { lastCommitSeconds } = limits
    const ownership = new Ownership(number, { equipped, membership, lifetime, waiting, lastCommitSeconds })
    const state = new KeyState(equipped, changelog, ownership)
    const changed = (): void => this.#commits.schedule()
    const calls = new Calls(this.#name, number, { codec, changelog, ownership, lifetime, waiting, changed })
    const commits = new Commits(number, {
      ...{ equipped, limits, codec, lifetime, waiting, ownership, room, windows, changelog, state, calls },
      lost: () => this.#abandon(),
      fail: this.#fail,
    })
    const contexts = new Contexts(number, { equipped, membership, lifetime, waiting, state, calls })
    const outputs = new Outputs(number, equipped, codec, limits.maxRecordBytes)
    const processing = new Processing(number, {
      ...{ equipped, lifetime, waiting, room, changelog, contexts, outputs, commits },
      stop: (error) => this.#stop(error),
    })
    this.#room = room
    this.#changelog = changelog
    this.#ownership = ownership
    this.#state = state
    this.#commits = commits
    this.#intake = new Intake(number, {
      ...{ equipped, codec, lifetime, waiting, ownership, room, windows, commits, processing, endOf },
    })
    this.#source = new Source({
      ...{ equipped, intake: lifetime.intake, room, changelog, contexts, outputs, commits, tablesChanged },
    })
  }

  /** Fences earlier owners, takes up committed progress and starts. Failures arrive at `done`. */
  async start(): Promise<void> {
    const startedAtMs = performance.now()
    const { intake } = this.#lifetime
    try {
      if (!(await this.#ownership.open())) return
      if (this.#lifetime.isClosed) return await this.#ownership.close()
      await this.#waiting.persistently(() => this.#restore(), intake)
      const missing = await this.#waiting.persistently(() => this.#intake.missingEnd(), intake)
      if (intake.aborted) return
      this.#isOpen = true
      if (missing) throw missing
      const { logger } = this.#equipped
      const seconds = (performance.now() - startedAtMs) / 1000
      logger.tell('task.opened', { processor: this.#name, task: this.#number, seconds })
      for (const window of this.#windows.all()) this.#intake.run(window).catch((error) => this.#stop(error))
      // Each finished step is counted.
      this.#source.run(this.#commits.counts.finished).catch((error) => this.#stop(error))
    } catch (error) {
      this.#stop(error)
    }
  }

  async #restore(): Promise<void> {
    const { progress } = this.#ownership.task
    let committed: Progress | undefined
    if (progress) {
      await this.#changelog.learn(progress.value)
      committed = this.#changelog.decode('progress', progress.value)
      this.#commits.restore(progress.sequence, committed)
    }
    this.#windows.restore(this.#equipped.declaration.inputs, committed)
    await this.#state.restoreIndex(this.#lifetime.intake)
  }

  status(): TaskStatus {
    return {
      task: this.#number,
      isOpen: this.#isOpen,
      inFlight: this.#room.inFlight,
      uncommitted: this.#commits.uncommitted,
      committingSeconds: this.#commits.committingSeconds,
      oldestMs: this.#windows.oldestMs,
      inputs: this.#windows.status(),
      counts: this.#commits.counts,
      waiting: this.#stopped ?? this.#waiting.why,
      stopped: this.#stopped,
      source: this.#source.state,
      remark: this.#source.remark,
    }
  }

  /** Admits nothing more, lets what is in flight finish until the signal aborts, commits, and closes. */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#lifetime.endIntake()
    this.#room.wake()
    const stopHearing = onAbort([deadline], () => {
      this.#lifetime.endCalls('draining: the deadline has passed')
      this.#room.wakeIdle()
    })
    while (this.#room.inFlight > 0 && !this.#lifetime.calls.aborted) await this.#room.untilLess()
    await this.#commits.all()
    stopHearing()
    await this.#stopping // a failure is told as one, not as a drain
    if (this.#lifetime.isClosed) return
    this.#lifetime.isClosed = true
    this.#commits.unschedule()
    await this.#ownership.close()
    this.#end('drained')
  }

  /**
   * The task goes to another owner: aborts what is in flight and commits what is finished, unless the other has fenced already.
   * Resolves when the task may be another's.
   */
  async lose(): Promise<void> {
    if (this.#lifetime.isClosed) return
    this.#lifetime.isLosing = true
    this.#lifetime.endIntake()
    this.#lifetime.endCalls('the task goes to another owner')
    this.#room.wake()
    if (this.#isOpen) await this.#commits.all()
    if (this.#lifetime.isClosed) return
    this.#abandon()
    await this.#ownership.close()
  }

  /** Another owner has the task: drops everything at once. */
  #abandon(): void {
    if (this.#lifetime.isClosed) return
    this.#abort()
    this.#equipped.logger.tell('task.lost', { processor: this.#name, task: this.#number })
    this.#end('lost')
  }

  /** Ends on a failure: lost where another owner has the task, else in failure after what is finished is committed. */
  #stop(error: unknown): void {
    if (error instanceof LogError && error.code === 'fenced') return this.#abandon()
    if (error instanceof LogError && error.code === 'cut') return this.#halt(error)
    this.#lifetime.isFailing = true
    this.#lifetime.endIntake()
    this.#lifetime.endCalls('the task failed')
    this.#stopping ??= this.#commits.all().then(() => this.#fail(error))
  }

  /** Records are lost, and passing over them would hide it: nothing more is admitted; what is in flight finishes and is committed. */
  #halt(error: LogError): void {
    if (this.#stopped !== undefined) return
    this.#stopped = error.message
    const { logger, metrics } = this.#equipped
    metrics.stoppedTasks.inc({ processor: this.#name })
    logger.tell('task.stopped', { processor: this.#name, task: this.#number, message: error.message })
    this.#lifetime.endIntake()
    this.#room.wake()
  }

  #abort(): void {
    if (this.#stopped !== undefined && !this.#lifetime.isClosed)
      this.#equipped.metrics.stoppedTasks.dec({ processor: this.#name })
    this.#lifetime.isClosed = true
    this.#commits.unschedule()
    this.#lifetime.endIntake()
    this.#lifetime.endCalls('the task was given up')
    this.#room.wake()
    this.#room.wakeIdle()
  }
}
