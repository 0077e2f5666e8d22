/** Tasks that a copy takes for itself, so that nobody works on them meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises'
import { LogError, type Group, type Log, type Membership, type OpenTask, type TaskCommit } from '../../topics/log.ts'
import { onAbort } from '../../topics/signals.ts'

/** A process that was killed keeps its place on Kafka until its session ends. */
const assignmentSeconds = 60
const doubtfulAttempts = 20
const retryMs = 500

/** All tasks of one group. */
export class HeldTasks {
  readonly #group: Group
  readonly #membership: Membership
  readonly #failure: () => Error | undefined
  readonly #signal: AbortSignal

  private constructor(group: Group, membership: Membership, failure: () => Error | undefined, signal: AbortSignal) {
    this.#group = group
    this.#membership = membership
    this.#failure = failure
    this.#signal = signal
  }

  /** Joins the group and waits for all of its tasks. @throws LogError 'owned' where somebody else has some of them; the signal's reason */
  static async hold(log: Log, group: Group, signal: AbortSignal): Promise<HeldTasks> {
    signal.throwIfAborted()
    const gained = new Set<number>()
    let failure: Error | undefined
    let look = (): void => undefined
    const membership = await log.join(group, {
      gained: (task) => {
        gained.add(task)
        look()
      },
      lost: (task) => {
        failure ??= taken(group, task)
        look()
      },
      failed: (error) => {
        failure ??= error
        look()
      },
    })
    const giveUp = new AbortController()
    const stopHearing = onAbort([signal], (reason) => {
      failure ??= reason
      look()
    })
    const timer = sleep(assignmentSeconds * 1000, undefined, { signal: giveUp.signal, ref: false }).then(
      () => {
        failure ??= taken(group)
        look()
      },
      () => undefined,
    )
    try {
      while (gained.size < group.tasks) {
        if (failure) throw failure
        await new Promise<void>((resolve) => (look = resolve))
      }
    } catch (error) {
      await membership.leave()
      throw error
    } finally {
      giveUp.abort()
      stopHearing()
      await timer
    }
    return new HeldTasks(group, membership, () => failure, signal)
  }

  /** Opens a task; whoever had it open can commit no more. @throws LogError */
  async open(task: number): Promise<HeldTask> {
    this.check()
    return new HeldTask(this, await this.reopen(task))
  }

  /** @throws the reason why the tasks are not held any more; the signal's reason */
  check(): void {
    this.#signal.throwIfAborted()
    const failure = this.#failure()
    if (failure) throw failure
  }

  /** Opens a task anew for `HeldTask`. */
  async reopen(task: number): Promise<OpenTask> {
    try {
      return await this.#membership.open(task)
    } catch (error) {
      throw this.inOtherWords(error, task)
    }
  }

  /** Whoever is fenced hears who has the task. */
  inOtherWords(error: unknown, task: number): unknown {
    return error instanceof LogError && error.code === 'fenced' ? taken(this.#group, task) : error
  }

  /** Waits a little before something is tried again. @throws the signal's reason */
  async pause(): Promise<void> {
    await sleep(retryMs, undefined, { signal: this.#signal }).catch(() => this.#signal.throwIfAborted())
  }

  async release(): Promise<void> {
    await this.#membership.leave()
  }
}

/** One task, open. */
export class HeldTask {
  readonly #tasks: HeldTasks
  #open: OpenTask
  #sequence: number

  constructor(tasks: HeldTasks, open: OpenTask) {
    this.#tasks = tasks
    this.#open = open
    this.#sequence = open.progress?.sequence ?? 0
  }

  /** The committed state. */
  get state(): OpenTask['state'] {
    return this.#open.state
  }

  /** The progress as it was when the task was opened. */
  get progress(): OpenTask['progress'] {
    return this.#open.progress
  }

  /** The sequence of the last commit. */
  get sequence(): number {
    return this.#sequence
  }

  /**
   * Commits once, for certain: a commit whose outcome is in doubt is looked up by opening the task again.
   * @param progressOf the progress to write, as of the given sequence
   * @throws LogError 'owned' where another process has the task, 'unreachable'; the signal's reason
   */
  async commit(
    { outputs = [], state = [], watermarks }: Partial<Pick<TaskCommit, 'outputs' | 'state' | 'watermarks'>>,
    progressOf: (sequence: number) => Uint8Array | Promise<Uint8Array>,
  ): Promise<void> {
    this.#tasks.check()
    const sequence = this.#sequence + 1
    const commit = { outputs, state, sequence, progress: await progressOf(sequence), ...(watermarks && { watermarks }) }
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#open.commit(commit)
        break
      } catch (error) {
        const { task } = this.#open
        if (!(error instanceof LogError) || !mayPass.has(error.code)) throw this.#tasks.inOtherWords(error, task)
        if (attempt === doubtfulAttempts)
          throw new LogError('unreachable', `${error.message} (tried ${attempt} times)`, { cause: error })
        await this.#open.close().catch(() => undefined)
        await this.#tasks.pause()
        const open = await this.#tasks.reopen(task).catch((cause: unknown) => {
          if (cause instanceof LogError && mayPass.has(cause.code)) return undefined
          throw cause
        })
        if (!open) continue
        this.#open = open
        if (open.progress?.sequence === sequence) break
      }
    }
    this.#sequence = sequence
  }

  async close(): Promise<void> {
    await this.#open.close()
  }
}

const mayPass: ReadonlySet<string> = new Set(['doubt', 'unreachable', 'closed'])

function taken({ name }: Group, task?: number): LogError {
  return new LogError(
    'owned',
    `${task === undefined ? `tasks of ${name} are` : `task ${task} of ${name} is`} taken by another process: stop it, then run the same command again; what was copied is kept`,
  )
}
