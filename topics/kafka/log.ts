/** The log on Apache Kafka 3.9 or 4.x, with schemas in a Confluent-compatible registry. */
import type { Admin } from 'kafkajs'
import {
  LogError,
  type AssignmentListener,
  type Group,
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
import { Appends } from './appends.ts'
import { Checkpoints } from './checkpoints.ts'
import { inPortWords, openAdmin, type ConnectionSettings } from './connections.ts'
import { asLogError } from './errors.ts'
import { KafkaMembership } from './membership.ts'
import { Names } from './names.ts'
import { PartitionReads } from './reads.ts'
import { Registry, type RegistrySettings } from './registry.ts'
import { PROGRESS_KEY, sequenceOfProgress, storedAs } from './task.ts'
import {
  applyTopics,
  checkTopics,
  compactedAmong,
  createMissing,
  differencesOf,
  partitionCounts,
  wantedTopics,
  type TopicDifference,
} from './topics.ts'
import type { Compression } from './batches.ts'
import type { TransactionStep } from './transactions.ts'

const DEFAULT_SESSION_TIMEOUT_SECONDS = 15
const TRANSACTION_TIMEOUT_MILLISECONDS = 60_000
/** Nobody fences for an appender that died: readers of what it wrote to wait so long. */
const APPEND_TIMEOUT_MILLISECONDS = 15_000
const NEW_TOPIC_MILLISECONDS = 30_000
const NEW_TOPIC_PAUSE_MILLISECONDS = 20
/** Brokers look for transactions that ran out every ten seconds. */
const SETTLE_MILLISECONDS = 2 * TRANSACTION_TIMEOUT_MILLISECONDS
const SETTLE_PAUSE_MILLISECONDS = 100

/** How to open a log on Kafka. */
export interface KafkaLogOptions {
  connection: ConnectionSettings
  registry: RegistrySettings
  /** The corpus: the prefix of all topics, groups and transactional ids. @default '' */
  namespace?: string
  /** Where copies of the tasks' state lie, to open them sooner; a temporary folder where absent. Several processes may share it. */
  stateDirectory?: string
  /** Whether schemas that are missing are registered; for administration. @default false */
  registersSchemas?: boolean
  /** A process that was not heard of for so long is dead, and its tasks go to others. @default 15 */
  sessionTimeoutSeconds?: number
  /** @default gzip */
  compression?: Compression
  /** Called at each step of each task's transactions, and of appends (of no task), for tests. */
  onStep?: (step: TransactionStep, task: number | undefined) => void
}

/** What administration needs beside the port. */
export interface KafkaAdministration {
  /** @throws LogError */
  differences(topics: readonly TopicSpecification[], groups: readonly Group[]): Promise<TopicDifference[]>
  /** @throws LogError 'topic_mismatch' where a partition count differs: nothing was changed then */
  apply(
    topics: readonly TopicSpecification[],
    groups: readonly Group[],
    replication: number | undefined,
  ): Promise<TopicDifference[]>
  /** How many processes have tasks of these groups, by group; those of which none has are left out. One that was killed counts until its session ends. @throws LogError */
  members(groups: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Looks whether these are there, with no right but to see them. @throws LogError 'unknown_topic', 'topic_mismatch' */
  check(topics: readonly TopicSpecification[], groups: readonly Group[]): Promise<void>
  registry: Registry
}

/** Opens the log; nothing is asked of the cluster but its id. @throws LogError 'unreachable', 'denied', 'owned' */
export async function openKafkaLog(
  options: KafkaLogOptions,
): Promise<Log & { readonly administration: KafkaAdministration }> {
  const admin = openAdmin(options.connection)
  try {
    await admin.connect()
    const { clusterId } = await admin.describeCluster()
    return new KafkaLog(options, admin, clusterId)
  } catch (error) {
    await admin.disconnect().catch(() => undefined)
    throw asLogError(error, `connecting to ${options.connection.brokers.join(', ')}`)
  }
}

async function membersOf(admin: Admin, names: Names, groups: readonly string[]): Promise<Map<string, number>> {
  try {
    const { groups: found } = await admin.describeGroups(groups.map((name) => names.group(name)))
    const counts = groups.map((name) => {
      const group = found.find(({ groupId }) => groupId === names.group(name))
      return [name, group?.members.length ?? 0] as const
    })
    return new Map(counts.filter(([, count]) => count > 0))
  } catch (error) {
    throw asLogError(error, 'looking up the members of groups')
  }
}

type Extent = { start: number; end: number }

class KafkaLog implements Log {
  readonly kind = 'kafka'
  readonly namespace: string
  readonly schemas: SchemaStore
  readonly administration: KafkaAdministration
  readonly #options: KafkaLogOptions
  readonly #admin: Admin
  readonly #names: Names
  readonly #reads: PartitionReads
  readonly #appends: Appends
  readonly #scope: string
  #checkpoints: Checkpoints | undefined
  readonly #memberships = new Set<KafkaMembership>()
  readonly #extents = new Map<string, Promise<Map<number, Extent>>>()
  #closed = false

  constructor(options: KafkaLogOptions, admin: Admin, clusterId: string) {
    const { connection, namespace = '', registersSchemas = false, compression = 'gzip' } = options
    this.#options = options
    this.#admin = admin
    this.namespace = namespace
    this.#names = new Names(namespace)
    this.#scope = `${clusterId}/${namespace}`
    this.#reads = new PartitionReads(connection)
    const registry = new Registry(options.registry, this.#names, registersSchemas)
    this.schemas = registry
    this.#appends = new Appends(connection, this.#names, this.#reads, {
      compression,
      timeoutMilliseconds: APPEND_TIMEOUT_MILLISECONDS,
      ...(options.onStep && { onStep: options.onStep }),
    })
    this.administration = {
      registry,
      differences: (topics, groups) => differencesOf(admin, wantedTopics(this.#names, topics, groups)),
      apply: (topics, groups, replication) =>
        applyTopics(admin, wantedTopics(this.#names, topics, groups), replication),
      members: async (groups) => await membersOf(admin, this.#names, groups),
      check: (topics, groups) => {
        const wanted = wantedTopics(this.#names, topics, groups)
        return checkTopics(
          admin,
          wanted.filter(({ topic }) => topic !== this.#names.appends),
        )
      },
    }
  }

  async ensureTopics(topics: readonly TopicSpecification[], groups: readonly Group[] = []): Promise<void> {
    this.#check()
    const made = await createMissing(this.#admin, wantedTopics(this.#names, topics, groups))
    await Promise.all(made.map(({ topic, partitions }) => this.#awaitTopic(topic, partitions)))
  }

  /** Waits until the leaders of a new topic take requests: they are named a moment before they know it. */
  async #awaitTopic(topic: string, partitions: number): Promise<void> {
    const giveUpAtMs = performance.now() + NEW_TOPIC_MILLISECONDS
    for (;;) {
      try {
        await this.#reads.offsets(topic, [...Array(partitions).keys()])
        return
      } catch (error) {
        const isYoung = error instanceof LogError && error.code === 'unknown_topic'
        if (!isYoung || performance.now() > giveUpAtMs) throw error
        await new Promise((resolve) => setTimeout(resolve, NEW_TOPIC_PAUSE_MILLISECONDS))
      }
    }
  }

  async describeTopics(): Promise<TopicDescription[]> {
    this.#check()
    try {
      const counts = await partitionCounts(this.#admin)
      const ours = [...counts].flatMap(([topic, partitions]) => {
        const name = this.#names.nameOf(topic)
        return name === undefined ? [] : [{ topic, name, partitions }]
      })
      const compacted = await compactedAmong(
        this.#admin,
        ours.map(({ topic }) => topic),
      )
      return await Promise.all(
        ours.map(async ({ topic, name, partitions }) => {
          const extents = await this.#reads.offsets(topic, [...Array(partitions).keys()])
          const of = (partition: number): Extent => extents.get(partition) ?? { start: 0, end: 0 }
          const all = [...Array(partitions).keys()].map(of)
          return {
            name,
            partitions,
            compacted: compacted.has(topic),
            startOffsets: all.map(({ start }) => start),
            endOffsets: all.map(({ end }) => end),
            records: all.reduce((sum, { start, end }) => sum + end - start, 0),
            bytes: 0,
          }
        }),
      )
    } catch (error) {
      throw asLogError(error, 'describing topics')
    }
  }

  async offsets(topic: string, partition: number): Promise<Extent> {
    this.#check()
    const name = this.#names.topic(topic)
    // All that is asked in one turn goes into one request a broker.
    let extents = this.#extents.get(name)
    if (!extents) {
      extents = new Promise((resolve) => setImmediate(resolve)).then(async () => {
        this.#extents.delete(name)
        const count = await this.#reads.partitionCount(name)
        return await this.#reads.offsets(name, [...Array(count).keys()])
      })
      this.#extents.set(name, extents)
    }
    const extent = (await extents).get(partition)
    if (extent) return extent
    throw new LogError('unknown_topic', `topic ${name} has no partition ${partition}`)
  }

  async settled(topics: readonly string[], groups: readonly string[], signal: AbortSignal): Promise<void> {
    this.#check()
    const counts = await inPortWords('looking up topics', () => partitionCounts(this.#admin))
    const meant = [
      ...topics.map((name) => this.#names.topic(name)),
      ...groups.map((name) => this.#names.changelog(name)),
    ]
    await Promise.all(meant.map((topic) => this.#awaitEnds(topic, [...Array(counts.get(topic) ?? 0).keys()], signal)))
  }

  /** Waits until what is written now is committed or given up. */
  async #awaitEnds(topic: string, partitions: readonly number[], signal: AbortSignal): Promise<void> {
    const written = await this.#reads.writtenEnds(topic, partitions)
    const giveUpAtMs = performance.now() + SETTLE_MILLISECONDS
    for (;;) {
      signal.throwIfAborted()
      const extents = await this.#reads.offsets(topic, partitions)
      const open = partitions.find((one) => (extents.get(one)?.end ?? 0) < (written.get(one) ?? 0))
      if (open === undefined) return
      if (performance.now() > giveUpAtMs) {
        throw new LogError(
          'unreachable',
          `${topic}/${open}: a transaction at offset ${extents.get(open)?.end} does not end and hides what follows it: ` +
            '`kafka-transactions.sh find-hanging` and `abort` end it',
        )
      }
      await new Promise((resolve) => setTimeout(resolve, SETTLE_PAUSE_MILLISECONDS))
    }
  }

  async join(group: Group, listener: AssignmentListener): Promise<Membership> {
    this.#check()
    const { connection, stateDirectory, compression = 'gzip', sessionTimeoutSeconds, onStep } = this.#options
    this.#checkpoints ??= Checkpoints.open(stateDirectory)
    const membership = await KafkaMembership.join(
      {
        connection,
        sessionTimeoutMilliseconds: (sessionTimeoutSeconds ?? DEFAULT_SESSION_TIMEOUT_SECONDS) * 1000,
        left: (gone) => this.#memberships.delete(gone),
        host: {
          names: this.#names,
          group,
          reads: this.#reads,
          checkpoints: this.#checkpoints,
          scope: this.#scope,
          compression,
          transactionTimeoutMilliseconds: TRANSACTION_TIMEOUT_MILLISECONDS,
          ...(onStep && { onStep }),
        },
      },
      listener,
    )
    this.#memberships.add(membership)
    return membership
  }

  async read({ topic, partition, offset }: Position, bounds: ReadBounds): Promise<ReadResult> {
    this.#check()
    const name = this.#names.topic(topic)
    const count = await this.#reads.partitionCount(name)
    if (!Number.isInteger(partition) || partition < 0 || partition >= count)
      throw new LogError('unknown_topic', `topic ${name} has ${count} partitions, got ${partition}`)
    const { records, ...rest } = await this.#reads.read(name, partition, offset, bounds)
    return { ...rest, records: records.map((record) => storedAs(topic, partition, record)) }
  }

  async append(records: readonly OutgoingRecord[], appendId: string): Promise<boolean> {
    this.#check()
    return await this.#appends.append(records, appendId)
  }

  async progress(group: string): Promise<TaskProgress[]> {
    this.#check()
    const topic = this.#names.changelog(group)
    let count: number
    try {
      count = await this.#reads.partitionCount(topic)
    } catch (error) {
      if (error instanceof LogError && error.code === 'unknown_topic') return []
      throw error
    }
    const tasks = [...Array(count).keys()]
    const extents = await this.#reads.offsets(topic, tasks)
    const found = await Promise.all(
      tasks.map(async (task) => {
        const last = await this.#lastProgress(topic, task, extents.get(task) ?? { start: 0, end: 0 })
        return last ? [{ group, task, ...last }] : []
      }),
    )
    return found.flat()
  }

  async deleteBefore(position: Position): Promise<void> {
    this.#check()
    const { start, end } = await this.offsets(position.topic, position.partition)
    const offset = Math.min(position.offset, end)
    if (offset <= start) return
    const topic = this.#names.topic(position.topic)
    await this.#reads.deleteBefore(topic, position.partition, offset)
  }

  maintain(): Promise<void> {
    this.#check()
    return Promise.resolve()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.all([...this.#memberships].map((membership) => membership.leave()))
    await Promise.all([this.#reads.close(), this.#appends.close(), this.#admin.disconnect().catch(() => undefined)])
    await this.#checkpoints?.close()
  }

  /** The progress is the last record of every commit: it lies near the end, before markers and what was given up. */
  async #lastProgress(
    topic: string,
    partition: number,
    { start, end }: Extent,
  ): Promise<{ sequence: number; value: Uint8Array } | undefined> {
    for (let back = 8; ; back *= 16) {
      const from = Math.max(start, end - back)
      let last: { sequence: number; value: Uint8Array } | undefined
      for (let offset = from; offset < end;) {
        const { records, nextOffset } = await this.#reads.read(topic, partition, offset, {
          maxBytes: 4 << 20,
          maxWaitSeconds: 0,
        })
        for (const record of records) {
          if (record.key !== PROGRESS_KEY || record.offset >= end) continue
          last = {
            sequence: sequenceOfProgress(record, `${topic}/${partition}`),
            value: record.value ?? Buffer.alloc(0),
          }
        }
        if (nextOffset <= offset) break
        offset = nextOffset
      }
      if (last || from === start) return last
    }
  }

  #check(): void {
    if (this.#closed) throw new LogError('closed', 'the log is closed')
  }
}
