/** A task as the log holds it: opened, committed to until it is certain, and opened again after a doubtful commit. */
import { LogError, type Membership, type OpenTask, type TaskCommit } from '../../topics/log.ts'
import type { EquippedProcessor } from '../context.ts'
import type { Lifetime } from './lifetime.ts'
import { isPassing, type Waiting } from './waiting.ts'

interface OwnershipParts {
  equipped: Pick<EquippedProcessor, 'declaration' | 'metrics' | 'logger'>
  membership: Membership
  lifetime: Lifetime
  waiting: Waiting
  /** For so long after its calls were aborted a task tries to commit while the log is away. */
  lastCommitSeconds: number
}

export class Ownership {
  readonly #number: number
  readonly #name: string
  readonly #parts: OwnershipParts
  #open: OpenTask | undefined

  constructor(number: number, parts: OwnershipParts) {
    this.#number = number
    this.#name = parts.equipped.declaration.name
    this.#parts = parts
  }

  /** Fences earlier owners. False where the task ended meanwhile. @throws LogError */
  async open(): Promise<boolean> {
    const { membership, lifetime, waiting } = this.#parts
    const open = await waiting.persistently(() => membership.open(this.#number), lifetime.intake)
    this.#open = open
    return open !== undefined
  }

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** The task as it was opened last. Only after `open`. */
  get task(): OpenTask {
    if (!this.#open) throw new TypeError(`${this.#name}: task ${this.#number} is used before it is open`)
    return this.#open
  }

  async close(): Promise<void> {
    await this.#open?.close()
  }

  /**
   * Whether waiting for a log that is away may cure a failure.
   * What was finished when the task ended is given up once the last commit has had its time.
   */
  mayWait(error: unknown): error is LogError {
    return isPassing(error) && !this.#parts.lifetime.isOverFor(this.#parts.lastCommitSeconds)
  }

  /** Commits until it is certain: true when it took effect, false when the task was lost. @throws anything that waiting does not cure */
  async commitSurely(commit: TaskCommit): Promise<boolean> {
    const { equipped, membership, lifetime, waiting } = this.#parts
    let inDoubt = false
    for (let failures = 0; ; failures++) {
      try {
        if (inDoubt) {
          // Opening fences the doubtful commit; the committed progress then tells whether it took effect.
          this.#open = await membership.open(this.#number)
          inDoubt = false
          if (this.#tookEffect(commit)) break
        }
        await this.task.commit(commit)
        break
      } catch (error) {
        if (lifetime.isClosed) return false
        if (!(error instanceof LogError)) throw error
        const { code, message } = error
        equipped.metrics.commitFailures.inc({ processor: this.#name, reason: code })
        equipped.logger.tell('commit.failed', { processor: this.#name, task: this.#number, code, message })
        if (code === 'fenced' || lifetime.isLosing) return false
        if (code === 'doubt') {
          inDoubt = true
          await this.task.close().catch(() => {})
          // Once may be chance; a log that fails again is given time.
          if (failures > 0) await waiting.forLog(commit, error, failures - 1, lifetime.untilCallsEnd)
        } else if (this.mayWait(error)) await waiting.forLog(commit, error, failures, lifetime.untilCallsEnd)
        else throw error
      }
    }
    waiting.end(commit)
    return true
  }

  /**
   * Whether the progress found at opening is that of this commit.
   * @throws LogError 'fenced' where it is that of a commit that this owner never made; Error where tasks never move
   */
  #tookEffect({ sequence, progress }: TaskCommit): boolean {
    const { membership } = this.#parts
    const found = this.task.progress
    if ((found?.sequence ?? 0) === sequence - 1) return false
    if (found?.sequence === sequence && Buffer.compare(found.value, progress) === 0) return true
    const message =
      `${this.#name}: task ${this.#number} holds commit ${found?.sequence ?? 0} of another owner, expected ${sequence - 1} or our own ${sequence}; ` +
      `start again to take up its progress`
    if (!membership.question) throw new Error(message)
    // Such as after a pause of this process: the task is another's, and nobody has told us yet.
    membership.question(this.#number)
    void this.task.close().catch(() => {})
    throw new LogError('fenced', message)
  }
}
