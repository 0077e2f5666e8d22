/** A processor's place in its group on Kafka, and its tasks. */
import { LogError, type AssignmentListener, type Membership, type OpenTask, type TaskCommit } from '../log.ts'
import { Connection, type ConnectionSettings } from './connections.ts'
import { GroupMember } from './group.ts'
import { KafkaTask, type TaskHost } from './task.ts'

/** Tools see how far the tasks are this often. */
const REPORT_MILLISECONDS = 10_000

export interface MembershipOptions {
  connection: ConnectionSettings
  host: Omit<TaskHost, 'fenced' | 'committed' | 'writes'>
  sessionTimeoutMilliseconds: number
  /** The log forgets the membership. */
  left(membership: KafkaMembership): void
}

export class KafkaMembership implements Membership {
  readonly #host: TaskHost
  readonly #place: Connection
  readonly #writes: Connection
  readonly #member: GroupMember
  readonly #open = new Set<KafkaTask>()
  readonly #left: MembershipOptions['left']
  readonly #watermarks = new Map<string, { topic: string; partition: number; offset: string }>()
  readonly #reporting: NodeJS.Timeout
  #ended: LogError | undefined

  private constructor(options: MembershipOptions, listener: AssignmentListener) {
    const { connection, host, sessionTimeoutMilliseconds, left } = options
    const { group, names, checkpoints, scope } = host
    this.#left = left
    this.#place = new Connection(connection)
    this.#writes = new Connection(connection)
    this.#host = {
      ...host,
      writes: this.#writes,
      fenced: (task) => {
        if (this.#open.has(task)) this.#member.question(task.task)
      },
      committed: (task, watermarks) => this.#note(task, watermarks),
    }
    // A source has no inputs: its changelog stands for them.
    const topics =
      group.inputs.length > 0 ? group.inputs.map((input) => names.topic(input)) : [names.changelog(group.name)]
    this.#member = new GroupMember(
      this.#place,
      {
        groupId: names.group(group.name),
        topics,
        tasks: group.tasks,
        sessionTimeoutMilliseconds,
        warm: () => checkpoints.tasksOf(scope, group.name),
      },
      {
        gained: (task) => {
          if (!this.#ended) listener.gained(task)
        },
        lost: async (task) => {
          if (!this.#ended) await listener.lost(task)
        },
        failed: (error) => {
          if (!this.#ended) listener.failed(error)
        },
      },
    )
    this.#reporting = setInterval(() => void this.#report(), REPORT_MILLISECONDS)
    this.#reporting.unref()
  }

  /** Joins; resolves at the first assignment, which the listener hears. @throws LogError 'unknown_topic', 'topic_mismatch', 'denied' */
  static async join(options: MembershipOptions, listener: AssignmentListener): Promise<KafkaMembership> {
    const { host } = options
    const { names, group, reads } = host
    for (const topic of [...group.inputs.map((input) => names.topic(input)), names.changelog(group.name)]) {
      const partitions = await reads.partitionCount(topic)
      if (partitions === group.tasks) continue
      throw new LogError(
        'topic_mismatch',
        `${group.name}: ${topic} has ${partitions} partitions, expected ${group.tasks}, as its inputs and its changelog go together: \`wellspring topics diff\` shows all differences`,
      )
    }
    return new KafkaMembership(options, listener)
  }

  async open(task: number): Promise<OpenTask> {
    const { group } = this.#host
    if (!Number.isInteger(task) || task < 0 || task >= group.tasks)
      throw new RangeError(`${group.name} has tasks 0 to ${group.tasks - 1}, got ${task}`)
    this.#check(task)
    // A process that slept believes to have it still: opening would fence its new owner, and waste what that one has under way.
    await this.#member.settled(task)
    this.#check(task)
    for (const open of this.#open) if (open.task === task) this.#open.delete(open)
    const opened = await KafkaTask.open(this.#host, task).catch((error: unknown) => {
      if (error instanceof LogError && error.code === 'fenced') this.#member.question(task)
      throw error
    })
    // It may have been lost while its changelog was read: then another fences us, or has, and nothing is committed here.
    this.#check(task)
    this.#open.add(opened)
    return opened
  }

  /** @throws LogError 'closed', 'fenced' */
  #check(task: number): void {
    if (this.#ended) throw this.#ended
    if (!this.#member.owns(task)) throw notOurs(this.#host.group.name, task)
  }

  question(task: number): void {
    this.#member.question(task)
  }

  confirmed(signal: AbortSignal): Promise<void> | undefined {
    return this.#member.confirmed(signal)
  }

  async leave(): Promise<void> {
    if (this.#ended) return
    this.#ended = new LogError('closed', `${this.#host.group.name} has left its group: join again`)
    clearInterval(this.#reporting)
    await this.#report()
    for (const task of this.#open) task.abandon()
    this.#open.clear()
    await this.#member.leave()
    await Promise.all([this.#place.close(), this.#writes.close()])
    this.#left(this)
  }

  #note(task: number, watermarks: NonNullable<TaskCommit['watermarks']>): void {
    for (const { topic, offset } of watermarks) {
      const name = this.#host.names.topic(topic)
      this.#watermarks.set(`${name}/${task}`, { topic: name, partition: task, offset: String(offset) })
    }
  }

  async #report(): Promise<void> {
    const topics = new Map<string, { partition: number; offset: string }[]>()
    for (const { topic, partition, offset } of this.#watermarks.values()) {
      if (!this.#member.owns(partition)) continue
      topics.set(topic, [...(topics.get(topic) ?? []), { partition, offset }])
    }
    this.#watermarks.clear()
    await this.#member.report([...topics].map(([topic, partitions]) => ({ topic, partitions })))
  }
}

function notOurs(group: string, task: number): LogError {
  return new LogError('fenced', `${group} task ${task} is not assigned to this process: nothing was written`)
}
