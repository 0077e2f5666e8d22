/**
 * A log upon another: some topics are read from the lower log, which is never written, all others live in the upper one. What is
 * derived anew from stored records lies in the upper log and refers to them where they are.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  LogError,
  type AssignmentListener,
  type Group,
  type Log,
  type Membership,
  type OpenTask,
  type OutgoingRecord,
  type Position,
  type ReadBounds,
  type ReadResult,
  type SchemaStore,
  type StoredRecord,
  type TaskCommit,
  type TaskProgress,
  type TopicDescription,
  type TopicSpecification,
} from '../../topics/log.ts'

/** Schema ids of the lower log have this bit set, as they are given to readers: both logs count from 1. */
const lowerBit = 0x8000_0000

/** The ends of the lower partitions, by `topic/partition`: what comes after them is not seen. */
export type LowerEnds = ReadonlyMap<string, number>

export class LayeredLog implements Log {
  readonly kind: Log['kind']
  readonly namespace: string
  readonly schemas: SchemaStore
  readonly #upper: Log
  readonly #lower: Log
  readonly #lowerTopics: ReadonlySet<string>
  readonly #ends: LowerEnds | undefined

  /** @param ends undefined: the lower topics are read as they grow */
  constructor(upper: Log, lower: Log, lowerTopics: ReadonlySet<string>, ends?: LowerEnds) {
    this.kind = upper.kind
    this.namespace = upper.namespace
    this.#upper = upper
    this.#lower = lower
    this.#lowerTopics = lowerTopics
    this.#ends = ends
    this.schemas = {
      idOf: (subject, schema) => upper.schemas.idOf(subject, schema),
      schemaOf: (id) => (id >= lowerBit ? lower.schemas.schemaOf(id - lowerBit) : upper.schemas.schemaOf(id)),
    }
  }

  ensureTopics(topics: readonly TopicSpecification[], groups?: readonly Group[]): Promise<void> {
    return this.#upper.ensureTopics(topics, groups)
  }

  async describeTopics(): Promise<TopicDescription[]> {
    const [own, below] = await Promise.all([this.#upper.describeTopics(), this.#lower.describeTopics()])
    return [...own.filter(({ name }) => !this.#isLower(name)), ...below.filter(({ name }) => this.#isLower(name))]
  }

  async offsets(topic: string, partition: number): Promise<{ start: number; end: number }> {
    if (!this.#isLower(topic)) return await this.#upper.offsets(topic, partition)
    const { start, end } = await this.#lower.offsets(topic, partition)
    return { start, end: Math.min(end, this.#endOf(topic, partition)) }
  }

  settled(topics: readonly string[], groups: readonly string[], signal: AbortSignal): Promise<void> {
    const own = topics.filter((topic) => !this.#isLower(topic))
    return this.#upper.settled?.(own, groups, signal) ?? Promise.resolve()
  }

  async join(group: Group, listener: AssignmentListener): Promise<Membership> {
    const membership = await this.#upper.join(group, listener)
    const { confirmed, question } = membership
    return {
      open: async (task) => this.#layered(await membership.open(task)),
      leave: () => membership.leave(),
      ...(confirmed && { confirmed: (signal: AbortSignal) => confirmed.call(membership, signal) }),
      ...(question && { question: (task: number) => question.call(membership, task) }),
    }
  }

  async read(from: Position, bounds: ReadBounds): Promise<ReadResult> {
    if (!this.#isLower(from.topic)) return await this.#upper.read(from, bounds)
    const end = this.#endOf(from.topic, from.partition)
    if (from.offset >= end) {
      // As a read at the end of a topic that nobody writes to.
      await sleep(bounds.maxWaitSeconds * 1000, undefined, bounds.signal && { signal: bounds.signal }).catch(() => {})
      return { records: [], nextOffset: from.offset, startOffset: 0, endOffset: end }
    }
    const result = await this.#lower.read(from, bounds)
    const records = result.records.filter(({ offset }) => offset < end).map(marked)
    return {
      records,
      nextOffset: Math.min(result.nextOffset, end),
      startOffset: result.startOffset,
      endOffset: Math.min(result.endOffset, end),
    }
  }

  async append(records: readonly OutgoingRecord[], appendId: string): Promise<boolean> {
    const foreign = records.find(({ topic }) => this.#isLower(topic))
    if (foreign)
      throw new LogError(
        'refused',
        `this corpus is a replay: ${foreign.topic} is that of the corpus it was made of; write to that one, and replay again`,
      )
    return await this.#upper.append(records, appendId)
  }

  progress(group: string): Promise<TaskProgress[]> {
    return this.#upper.progress(group)
  }

  deleteBefore(position: Position): Promise<void> {
    return this.#upper.deleteBefore(position)
  }

  maintain(): Promise<void> {
    return this.#upper.maintain()
  }

  /** Closes both logs. */
  async close(): Promise<void> {
    await Promise.all([this.#upper.close(), this.#lower.close()])
  }

  #layered(open: OpenTask): OpenTask {
    return {
      task: open.task,
      progress: open.progress,
      state: open.state,
      fetch: (topic, fromOffset, bounds) =>
        this.#isLower(topic)
          ? this.read({ topic, partition: open.task, offset: fromOffset }, bounds)
          : open.fetch(topic, fromOffset, bounds),
      commit: (commit: TaskCommit) => open.commit(commit),
      close: () => open.close(),
    }
  }

  #isLower(topic: string): boolean {
    return this.#lowerTopics.has(topic)
  }

  #endOf(topic: string, partition: number): number {
    return this.#ends === undefined ? Infinity : (this.#ends.get(`${topic}/${partition}`) ?? 0)
  }
}

/** The record with its schema id marked as one of the lower log. Bytes that have none stay as they are. */
function marked(record: StoredRecord): StoredRecord {
  if (record.value.byteLength < 5 || record.value[0] !== 0) return record
  const value = Buffer.from(record.value)
  value.writeUInt32BE((value.readUInt32BE(1) | lowerBit) >>> 0, 1)
  return { ...record, value }
}
