/**
 * Tasks of the embedded log. One process owns the folder, so a member gets all tasks of its group at once, and opening a task
 * fences whoever had it open before, in this process; other processes are kept out by the owner's epoch.
 */
import {
  LogError,
  type AssignmentListener,
  type Group,
  type Membership,
  type OpenTask,
  type ReadBounds,
  type ReadResult,
  type TaskCommit,
} from '../log.ts'
import { decodeSequenced, encodeSequenced, progressKey, sequenceOf, stateKeys, statePrefix } from './layout.ts'
import { StoredState } from './state.ts'
import { closedLog, type Plan, type Store } from './store.ts'

/** Who has which task open, over all logs of one store. */
export class TaskRegistry {
  private readonly owners = new Map<string, EmbeddedTask>()

  /** Makes `task` the owner and tells the one before. */
  take(id: string, task: EmbeddedTask): void {
    const before = this.owners.get(id)
    this.owners.set(id, task)
    before?.fence(task)
  }

  isOwner(id: string, task: EmbeddedTask): boolean {
    return this.owners.get(id) === task
  }

  release(id: string, task: EmbeddedTask): void {
    if (this.owners.get(id) === task) this.owners.delete(id)
  }
}

/** What a task needs of its log. */
export interface TaskHost {
  readonly namespace: string
  readonly store: Store
  readonly registry: TaskRegistry
  readPartition(
    topic: string,
    partition: number,
    offset: number,
    bounds: ReadBounds,
    stop: AbortSignal,
  ): Promise<ReadResult>
}

/** A processor's membership: all tasks, from the start until it leaves or the folder is lost. */
export class EmbeddedMembership implements Membership {
  private readonly host: TaskHost
  private readonly group: Group
  private readonly listener: AssignmentListener
  private readonly openTasks = new Set<EmbeddedTask>()
  private readonly stopListening: () => void
  private ended: LogError | undefined

  constructor(host: TaskHost, group: Group, listener: AssignmentListener) {
    this.host = host
    this.group = group
    this.listener = listener
    this.stopListening = host.store.onLost((error) => {
      if (this.ended) return
      this.ended = error
      listener.failed(error)
    })
    setImmediate(() => {
      for (let task = 0; task < group.tasks && !this.ended; task += 1) listener.gained(task)
    })
  }

  async open(task: number): Promise<OpenTask> {
    const { host, group } = this
    if (this.ended) throw this.ended
    if (!Number.isInteger(task) || task < 0 || task >= group.tasks)
      throw new RangeError(`${group.name} has tasks 0 to ${group.tasks - 1}, got ${task}`)
    const opened = new EmbeddedTask(host, group, task, (fenced, by) => {
      this.openTasks.delete(fenced)
      if (!this.ended && !this.openTasks.has(by)) void this.listener.lost(task)
    })
    this.openTasks.add(opened)
    host.registry.take(opened.id, opened)
    host.store.fault('task:fenced')
    // The earlier owner's commit may be on its way to the disk: what it wrote counts.
    await host.store.settled()
    opened.load()
    return opened
  }

  async leave(): Promise<void> {
    this.ended ??= new LogError('closed', `${this.group.name} has left its group: join again`)
    this.stopListening()
    await Promise.all([...this.openTasks].map((task) => task.close()))
  }
}

class EmbeddedTask implements OpenTask {
  readonly task: number
  readonly id: string
  readonly state: StoredState
  progress: OpenTask['progress']
  private readonly host: TaskHost
  private readonly group: Group
  private readonly prefix: Buffer
  private readonly progressKey: Buffer
  private readonly whenFenced: (fenced: EmbeddedTask, by: EmbeddedTask) => void
  private readonly stopReading = new AbortController()
  private lastSequence = 0
  private ended: LogError | undefined

  constructor(
    host: TaskHost,
    group: Group,
    task: number,
    whenFenced: (fenced: EmbeddedTask, by: EmbeddedTask) => void,
  ) {
    this.host = host
    this.group = group
    this.task = task
    this.whenFenced = whenFenced
    this.id = `${host.namespace}\0${group.name}\0${task}`
    this.prefix = statePrefix(host.namespace, group.name, task)
    this.progressKey = progressKey(host.namespace, group.name, task)
    this.state = new StoredState(host.store.environment, this.prefix, this.describe())
  }

  /** Reads the committed progress and checks that the state goes with it. */
  load(): void {
    const { environment } = this.host.store
    if (this.ended) throw this.ended
    const stored = environment.get(this.progressKey)
    this.progress = stored && decodeSequenced(stored, `the progress of ${this.describe()}`)
    this.lastSequence = this.progress?.sequence ?? 0
    for (const { key, value } of environment.entries(stateKeys(this.prefix))) {
      const sequence = sequenceOf(value)
      if (!(sequence <= this.lastSequence)) {
        throw new LogError(
          'damaged',
          `${this.describe()}: state ${JSON.stringify(this.state.keyOf(key))} is of commit ${sequence}, the progress of commit ${this.lastSequence}; restore the folder ${environment.directory} from a backup`,
        )
      }
    }
  }

  async fetch(topic: string, fromOffset: number, bounds: ReadBounds): Promise<ReadResult> {
    if (!this.group.inputs.includes(topic))
      throw new LogError(
        'unknown_topic',
        `${topic} is no input of ${this.group.name} (${this.group.inputs.join(', ')})`,
      )
    this.check()
    return await this.host.readPartition(topic, this.task, fromOffset, bounds, this.stopReading.signal)
  }

  async commit(commit: TaskCommit): Promise<void> {
    this.check()
    const { store, namespace } = this.host
    const placing = store.place(namespace, commit.outputs)
    const { placed, bytes } = placing instanceof Promise ? await placing : placing
    const changes = commit.state.map((change) => this.state.entryOf(change, commit.sequence))
    const progress = encodeSequenced(commit.sequence, commit.progress)
    const stateBytes = changes.reduce(
      (sum, change) => sum + change.key.length + (change.value?.length ?? 0),
      progress.length,
    )
    try {
      await store.write({
        bytes: bytes + stateBytes,
        prepare: (plan) => {
          this.check()
          this.checkSequence(commit.sequence, plan)
          for (const record of placed) plan.append(record)
          plan.changes.push(...changes)
          plan.changes.push({ key: this.progressKey, value: progress })
          plan.sequences.set(this.id, commit.sequence)
          plan.whenSynced.push(() => {
            this.lastSequence = commit.sequence
          })
        },
      })
    } catch (error) {
      if (error instanceof LogError && error.code === 'doubt')
        this.end(new LogError('doubt', `${this.describe()}: an earlier commit is in doubt: open the task again`))
      throw error
    }
  }

  async close(): Promise<void> {
    this.end(closedLog(this.host.store.environment.directory))
    this.host.registry.release(this.id, this)
    await this.host.store.settled()
  }

  /** Another opened the task. */
  fence(by: EmbeddedTask): void {
    this.end(new LogError('fenced', `${this.describe()} was opened by another owner: nothing was written`))
    this.whenFenced(this, by)
  }

  private end(error: LogError): void {
    this.ended ??= error
    this.stopReading.abort()
  }

  private check(): void {
    if (this.ended) throw this.ended
    if (!this.host.registry.isOwner(this.id, this))
      throw new LogError('fenced', `${this.describe()} was opened by another owner: nothing was written`)
  }

  private checkSequence(sequence: number, plan: Plan): void {
    const last = plan.sequences.get(this.id) ?? this.lastSequence
    if (sequence === last + 1) return
    throw new LogError(
      'doubt',
      `${this.describe()}: commit ${sequence} after commit ${last}, expected ${last + 1}: open the task again and compare the sequence`,
    )
  }

  private describe(): string {
    return `${this.group.name} task ${this.task}`
  }
}
