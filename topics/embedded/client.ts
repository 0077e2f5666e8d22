/**
 * The log as a process beside the owner sees it: it reads the folder itself, in short read transactions, and hands writes over to
 * the owner. Where no owner lives, it takes the folder for the time of one write.
 */
import {
  LogError,
  type Log,
  type Membership,
  type OutgoingRecord,
  type Position,
  type ReadBounds,
  type ReadResult,
  type SchemaStore,
  type TaskProgress,
  type TopicDescription,
  type TopicSpecification,
} from '../log.ts'
import { onAbort } from '../signals.ts'
import { openForReading, type Environment } from './environment.ts'
import { answerTo, deliver, withdraw, type Answer, type Request } from './inbox.ts'
import { openAsOwner, ownEnvironment, placeOf, type Place } from './owner.ts'
import { liveOwnerOf } from './ownership.ts'
import { closedLog, unknownTopic, type StoreOptions } from './store.ts'
import {
  checkPartition,
  describeTopics,
  extentOf,
  findTopic,
  missingTopics,
  progressOf,
  readRecords,
  schemaIdOf,
  schemaTextOf,
} from './view.ts'

const READ_POLL_MILLISECONDS = 100
const ANSWER_POLL_MILLISECONDS = 20
const OWNER_CHECK_MILLISECONDS = 200
/** How long a live owner may take to pick work up before its client gives up. */
const HAND_OVER_SECONDS = 60

export class ClientLog implements Log {
  readonly kind = 'embedded'
  readonly namespace: string
  readonly schemas: SchemaStore
  private readonly options: StoreOptions
  private readonly place: Place
  private environment: Environment | undefined
  private readonly view = { shut: () => this.shut() }
  private readonly closed = new AbortController()

  /** @throws LogError 'not_a_log', 'newer_version', 'damaged' */
  constructor(namespace: string, options: StoreOptions) {
    this.namespace = namespace
    this.options = options
    this.place = placeOf(options.directory)
    this.schemas = { idOf: (_subject, schema) => this.schemaId(schema), schemaOf: (id) => this.schemaText(id) }
    this.place.views.add(this.view)
    this.look()
  }

  async ensureTopics(topics: readonly TopicSpecification[]): Promise<void> {
    this.check()
    const environment = await this.settledLook()
    const missing = missingTopics(topics, (name) => environment && findTopic(environment, this.namespace, name))
    if (missing.length > 0) await this.ask({ operation: 'ensureTopics', topics: missing })
  }

  async describeTopics(): Promise<TopicDescription[]> {
    this.check()
    const environment = await this.settledLook()
    return environment ? describeTopics(environment, this.namespace) : []
  }

  async offsets(topicName: string, partition: number): Promise<{ start: number; end: number }> {
    this.check()
    const environment = await this.settledLook()
    const topic = environment && findTopic(environment, this.namespace, topicName)
    if (!topic) throw unknownTopic(topicName, this.options.directory)
    checkPartition(topic, partition)
    const { start, end } = extentOf(environment, topic.id, partition)
    return { start, end }
  }

  join(): Promise<Membership> {
    return Promise.reject(
      new LogError(
        'owned',
        `${this.options.directory} is open beside its owner, which alone processes: open it in mode 'owner' to join a group`,
      ),
    )
  }

  async read(from: Position, bounds: ReadBounds): Promise<ReadResult> {
    const deadline = performance.now() + bounds.maxWaitSeconds * 1000
    for (;;) {
      this.check()
      const environment = await this.settledLook()
      const topic = environment && findTopic(environment, this.namespace, from.topic)
      if (!topic) throw unknownTopic(from.topic, this.options.directory)
      checkPartition(topic, from.partition)
      const result = await readRecords(environment, topic, from.partition, from.offset, bounds.maxBytes)
      const left = deadline - performance.now()
      if (result.records.length > 0 || result.nextOffset > from.offset || left <= 0 || bounds.signal?.aborted === true)
        return result
      await pause(
        Math.min(left, READ_POLL_MILLISECONDS),
        bounds.signal ? [bounds.signal, this.closed.signal] : [this.closed.signal],
      )
    }
  }

  async append(records: readonly OutgoingRecord[], appendId: string): Promise<boolean> {
    this.check()
    return (await this.ask({ operation: 'append', records, appendId })) === true
  }

  async progress(group: string): Promise<TaskProgress[]> {
    this.check()
    const environment = await this.settledLook()
    return environment ? progressOf(environment, this.namespace, group) : []
  }

  async deleteBefore(position: Position): Promise<void> {
    this.check()
    await this.ask({ operation: 'deleteBefore', position })
  }

  async maintain(): Promise<void> {
    this.check()
    await this.ask({ operation: 'maintain' })
  }

  async close(): Promise<void> {
    this.closed.abort()
    this.place.views.delete(this.view)
    await this.shut()
  }

  private async schemaId(schema: string): Promise<number> {
    this.check()
    const environment = await this.settledLook()
    const known = environment && schemaIdOf(environment, schema)
    return known ?? Number(await this.ask({ operation: 'schemaId', schema }))
  }

  private async schemaText(id: number): Promise<string> {
    this.check()
    const environment = await this.settledLook()
    if (!environment) throw new LogError('unknown_schema', `no schema with id ${id} in ${this.options.directory}`)
    return schemaTextOf(environment, id)
  }

  /** Has the owner do it, or does it as the owner where there is none. */
  private async ask(request: Request): Promise<Answer> {
    const { directory, faultPoint } = this.options
    for (;;) {
      if (!this.ownerLives()) {
        try {
          return await this.doAsOwner(request)
        } catch (error) {
          // Another came first: hand it over to that one.
          if (!(error instanceof LogError && error.code === 'owned')) throw error
        }
      }
      return await this.awaitAnswer(await deliver(directory, this.namespace, request, faultPoint))
    }
  }

  private async awaitAnswer(name: string): Promise<Answer> {
    const { directory } = this.options
    const giveUpAt = performance.now() + HAND_OVER_SECONDS * 1000
    let ownerCheckAt = performance.now() + OWNER_CHECK_MILLISECONDS
    for (;;) {
      const answer = await answerTo(directory, name)
      if (answer !== undefined) return answer
      const now = performance.now()
      if (now > ownerCheckAt) {
        ownerCheckAt = now + OWNER_CHECK_MILLISECONDS
        if (!this.ownerLives()) await this.takeOver()
      }
      if (now > giveUpAt && (await withdraw(directory, name))) {
        throw new LogError(
          'unreachable',
          `the process that owns ${directory} did not take the work within ${HAND_OVER_SECONDS} s: see whether it is stopped; nothing was written`,
        )
      }
      await pause(ANSWER_POLL_MILLISECONDS, [])
    }
  }

  /** The owner is gone: an owner, whoever it is, does first what lies in the inbox. */
  private async takeOver(): Promise<void> {
    try {
      const log = await openAsOwner(this.namespace, this.options)
      await log.close()
    } catch (error) {
      if (!(error instanceof LogError && error.code === 'owned')) throw error
    }
  }

  private async doAsOwner(request: Request): Promise<Answer> {
    const log = await openAsOwner(this.namespace, this.options)
    try {
      return await log.perform(request, '')
    } finally {
      await log.close()
    }
  }

  private ownerLives(): boolean {
    if (ownEnvironment(this.place)) return false
    const environment = this.look()
    return environment !== undefined && liveOwnerOf(environment) !== undefined
  }

  /** The environment to read, after what this process is doing with the folder. */
  private async settledLook(): Promise<Environment | undefined> {
    await this.place.changing
    return this.look()
  }

  /** The environment to read; undefined while there is no log in the folder. */
  private look(): Environment | undefined {
    const own = ownEnvironment(this.place)
    if (own) return own
    this.environment ??= openForReading(this.options.directory)
    return this.environment
  }

  private async shut(): Promise<void> {
    const { environment } = this
    this.environment = undefined
    await environment?.close()
  }

  private check(): void {
    if (this.closed.signal.aborted) throw closedLog(this.options.directory)
  }
}

/** Waits, or less when one of the signals aborts. */
function pause(milliseconds: number, signals: AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      stopHearing()
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    const stopHearing = onAbort(signals, done)
  })
}
