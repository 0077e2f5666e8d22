/**
 * The owner's side of a folder: ownership, and one writer that merges what is ready into one transaction after another. All
 * changes pass through it, so what it keeps in memory (extents, sequences) is what the last transaction committed.
 */
import { statfsSync } from 'node:fs'
import { LogError, maximumRecordBytes, sizeOf, type OutgoingRecord } from '../log.ts'
import { deflated, encodeBatch, recordBytes, type BatchRecord, type PackedRecord } from './batch.ts'
import { openForReading, openForWriting, type Environment, type WriteTransaction } from './environment.ts'
import type { FaultPoint } from './faults.ts'
import { batchKey, encodeExtent, partitionKey, systemKeys, type PartitionExtent } from './layout.ts'
import { claimAfter, forget, isElsewhere, isLive, liveOwnerOf, ownerOf, type OwnerRecord } from './ownership.ts'
import { extentOf, listTopics, type NamedTopic } from './view.ts'

/** What is written in one transaction, about; LMDB holds the event loop while the entries are copied. */
const TRANSACTION_BYTES = 4 * 1024 * 1024
/** A batch is read whole: small enough for short reads, large enough that its head does not count. */
export const BATCH_BYTES = 256 * 1024
/** The largest record; Kafka's `max.message.bytes` is set to the same. */
/** The largest atomic write; LMDB keeps all of it in memory until it commits. */
const MAXIMUM_WRITE_BYTES = 256 * 1024 * 1024
const SPACE_CHECK_MILLISECONDS = 250
const SPACE_CHECK_BYTES = 16 * 1024 * 1024
const READER_CHECK_MILLISECONDS = 30_000

/** A partition as the owner knows it. */
export interface Partition {
  readonly topic: Topic
  readonly number: number
  extent: PartitionExtent
  /** Reads that wait for its next record. */
  readonly waiting: Set<() => void>
}

/** A topic as the owner knows it. */
export interface Topic extends NamedTopic {
  readonly parts: Partition[]
}

/** One change that is written whole or not at all. */
export interface Write {
  /** Its size, about, in bytes. */
  bytes: number
  /** Frees space: not held up by a low disk. */
  frees?: boolean
  /**
   * Called when its transaction is composed, after all earlier writes took effect. Throws to refuse this write alone, and then must
   * not have touched the plan.
   */
  prepare(plan: Plan): void
}

/** A record and where it goes. */
interface PlacedRecord {
  partition: Partition
  record: PackedRecord
}

/** Records that can be written. `bytes` is what they take, about. */
interface PlacedRecords {
  placed: readonly PlacedRecord[]
  bytes: number
}

/** A transaction in the making. */
export class Plan {
  readonly timestampMs = Date.now()
  /** In the order in which they take effect; no value: the key is removed. */
  readonly changes: { key: Buffer; value: Uint8Array | undefined }[] = []
  readonly whenSynced: (() => void)[] = []
  private readonly appends = new Map<Partition, PackedRecord[]>()
  private readonly extents = new Map<Partition, PartitionExtent>()
  /** The last sequence of each task that commits in this transaction. */
  readonly sequences = new Map<string, number>()
  /** Keys that this transaction will write, for checks of later writes in it. */
  readonly claimed = new Set<string>()

  /** The extent that the transaction will leave, open to changes. */
  extent(partition: Partition): PartitionExtent {
    let extent = this.extents.get(partition)
    if (!extent) this.extents.set(partition, (extent = { ...partition.extent }))
    return extent
  }

  append({ partition, record }: PlacedRecord): void {
    const records = this.appends.get(partition)
    if (records) records.push(record)
    else this.appends.set(partition, [record])
  }

  /** Writes everything; `halfWay` is called once on the way. */
  write(transaction: WriteTransaction, halfWay: () => void): void {
    const { changes } = this
    let first = true
    for (const [partition, records] of this.appends) {
      this.writeRecords(transaction, partition, records)
      if (first) halfWay()
      first = false
    }
    for (const [index, { key, value }] of changes.entries()) {
      if (first && index === changes.length >> 1) halfWay()
      if (value) transaction.put(key, value)
      else transaction.remove(key)
    }
    for (const [partition, extent] of this.extents) {
      transaction.put(partitionKey(partition.topic.id, partition.number), encodeExtent(extent))
    }
  }

  private writeRecords(transaction: WriteTransaction, partition: Partition, records: readonly PackedRecord[]): void {
    const extent = this.extent(partition)
    let batch: BatchRecord[] = []
    let bytes = 0
    const flush = (): void => {
      const [first] = batch
      if (!first) return
      const value = encodeBatch(batch)
      transaction.put(batchKey(partition.topic.id, partition.number, first.offset), value)
      extent.bytes += value.length
      batch = []
      bytes = 0
    }
    for (const record of records) {
      const size = record.value.length
      if (batch.length > 0 && bytes + size > BATCH_BYTES) flush()
      const { key, value, headers, originalBytes, timestampMs = this.timestampMs } = record
      const time = Math.min(timestampMs, this.timestampMs)
      batch.push({ offset: extent.end, timestampMs: time, key, value, headers, originalBytes })
      bytes += size
      extent.end += 1
      extent.records += 1
    }
    flush()
  }

  /** Takes over in memory what is now on the disk. */
  synced(): void {
    for (const [partition, extent] of this.extents) partition.extent = extent
    for (const callback of this.whenSynced) callback()
    for (const partition of this.appends.keys()) {
      const waiting = [...partition.waiting]
      partition.waiting.clear()
      for (const wake of waiting) wake()
    }
  }
}

interface QueuedWrite {
  write: Write
  resolve(): void
  reject(error: unknown): void
}

/** What opening a store needs. */
export interface StoreOptions {
  directory: string
  freeBytesFloor: number
  faultPoint: (name: FaultPoint) => void
}

/** A folder that this process owns. */
export class Store {
  readonly environment: Environment
  readonly fault: (name: FaultPoint) => void
  private readonly claim: OwnerRecord
  private readonly claimBytes: Buffer
  private readonly freeBytesFloor: number
  private readonly topics = new Map<string, Topic>()
  private counters: { topicId: number; schemaId: number }
  private queue: QueuedWrite[] = []
  private pumping: Promise<void> | undefined
  private closing = false
  private lost: LogError | undefined
  private readonly lostListeners = new Set<(error: LogError) => void>()
  private readonly readerCheck: NodeJS.Timeout
  private spaceCheckedAt = -Infinity
  private bytesSinceSpaceCheck = 0

  private constructor(environment: Environment, claim: OwnerRecord, options: StoreOptions) {
    this.environment = environment
    this.claim = claim
    this.claimBytes = Buffer.from(JSON.stringify(claim))
    this.fault = options.faultPoint
    this.freeBytesFloor = options.freeBytesFloor
    const counters = environment.get(systemKeys.counters)
    this.counters = counters ? (JSON.parse(counters.toString()) as Store['counters']) : { topicId: 0, schemaId: 0 }
    for (const topic of listTopics(environment)) this.remember(topic)
    this.readerCheck = setInterval(() => environment.checkReaders(), READER_CHECK_MILLISECONDS)
    this.readerCheck.unref()
  }

  /**
   * Takes ownership of a folder.
   * @throws LogError 'owned' when a live process has it, and as openEnvironment does.
   */
  static open(options: StoreOptions): Store {
    const { directory } = options
    refuseIfOwned(directory)
    const environment = openForWriting(directory)
    try {
      environment.checkReaders()
      const claim = environment.writeNow((transaction) => {
        const previous = ownerOf(environment)
        if (isLive(previous, environment.directory)) throw ownedBy(previous, directory)
        const next = claimAfter(previous, environment.directory)
        transaction.put(systemKeys.owner, Buffer.from(JSON.stringify(next)))
        return next
      })
      options.faultPoint('ownership:taken')
      return new Store(environment, claim, options)
    } catch (error) {
      environment.close().catch(() => undefined)
      throw error
    }
  }

  /** The topic, or undefined. */
  topic(namespace: string, name: string): Topic | undefined {
    return this.topics.get(`${namespace}\0${name}`)
  }

  /** @throws LogError 'unknown_topic' */
  partition(namespace: string, name: string, number: number): Partition {
    const topic = this.topic(namespace, name)
    if (!topic) throw unknownTopic(name, this.environment.directory)
    const partition = topic.parts[number]
    if (!partition)
      throw new LogError('unknown_topic', `topic ${name} has partitions 0 to ${topic.partitions - 1}, got ${number}`)
    return partition
  }

  /** Every topic of every namespace. */
  allTopics(): Iterable<Topic> {
    return this.topics.values()
  }

  remember(topic: NamedTopic): Topic {
    const parts: Partition[] = []
    const known: Topic = { ...topic, parts }
    for (let number = 0; number < topic.partitions; number += 1) {
      parts.push({ topic: known, number, extent: extentOf(this.environment, topic.id, number), waiting: new Set() })
    }
    this.topics.set(`${topic.namespace}\0${topic.name}`, known)
    return known
  }

  /** The next id of a kind, as part of a plan. */
  nextId(plan: Plan, kind: 'topicId' | 'schemaId'): number {
    // Ids may be skipped when the transaction fails; they are never given twice.
    this.counters = { ...this.counters, [kind]: this.counters[kind] + 1 }
    plan.changes.push({ key: systemKeys.counters, value: Buffer.from(JSON.stringify(this.counters)) })
    return this.counters[kind]
  }

  /**
   * Finds the partitions of records. At once, unless a value is long enough to be deflated.
   * @throws LogError 'unknown_topic', 'too_large'
   */
  place(namespace: string, records: readonly OutgoingRecord[]): PlacedRecords | Promise<PlacedRecords> {
    let bytes = 0
    let deflating: Promise<void>[] | undefined
    const placed: PlacedRecord[] = records.map((record) => {
      const partition = this.partition(namespace, record.topic, record.partition)
      const size = recordBytes(record)
      // What it takes is an upper bound, and quickly told.
      if (size > maximumRecordBytes && sizeOf(record) > maximumRecordBytes) {
        throw new LogError(
          'too_large',
          `record ${JSON.stringify(record.key.slice(0, 80))} of topic ${record.topic} takes ${sizeOf(record)} bytes, at most ${maximumRecordBytes} fit`,
        )
      }
      bytes += size
      const place: PlacedRecord = { partition, record }
      const smaller = deflated(record)?.then((packed) => {
        bytes += packed.value.length - record.value.length
        place.record = packed
      })
      if (smaller) (deflating ??= []).push(smaller)
      return place
    })
    if (bytes > MAXIMUM_WRITE_BYTES) {
      throw new LogError(
        'too_large',
        `${records.length} records of ${bytes} bytes in one write, at most ${MAXIMUM_WRITE_BYTES} fit: write them in parts`,
      )
    }
    return deflating ? Promise.all(deflating).then(() => ({ placed, bytes })) : { placed, bytes }
  }

  /** Writes once all earlier writes are through; resolves when it is on the disk. */
  write(write: Write): Promise<void> {
    if (this.lost) return Promise.reject(this.lost)
    if (this.closing) return Promise.reject(closedLog(this.environment.directory))
    return new Promise((resolve, reject) => {
      this.queue.push({ write, resolve, reject })
      this.fault('write:queued')
      this.pumping ??= this.pump()
    })
  }

  /** Resolves when everything queued before is written or refused. */
  settled(): Promise<void> {
    return this.pumping ?? Promise.resolve()
  }

  onLost(listener: (error: LogError) => void): () => void {
    this.lostListeners.add(listener)
    return () => this.lostListeners.delete(listener)
  }

  /** Gives the folder back after what is queued is written. */
  async close(): Promise<void> {
    if (this.closing) return
    this.closing = true
    clearInterval(this.readerCheck)
    await this.settled()
    try {
      if (!this.lost) {
        await this.environment.write((transaction) => {
          if (this.stillOwner())
            transaction.put(systemKeys.owner, Buffer.from(JSON.stringify({ ...this.claim, pid: 0 })))
        })
      }
    } catch {
      // The record of a closed owner binds nobody, written or not.
    } finally {
      forget(this.claim)
      for (const topic of this.topics.values())
        for (const { waiting } of topic.parts) for (const wake of waiting) wake()
      await this.environment.close()
    }
  }

  private stillOwner(): boolean {
    return this.environment.get(systemKeys.owner)?.equals(this.claimBytes) === true
  }

  private async pump(): Promise<void> {
    // Everything that this turn of the event loop commits goes into the first transaction.
    await new Promise(setImmediate)
    try {
      while (this.queue.length > 0) await this.writeGroup(this.takeGroup())
    } finally {
      this.pumping = undefined
    }
  }

  private takeGroup(): QueuedWrite[] {
    let bytes = 0
    let count = 0
    for (const { write } of this.queue) {
      if (count > 0 && bytes + write.bytes > TRANSACTION_BYTES) break
      bytes += write.bytes
      count += 1
    }
    return this.queue.splice(0, count)
  }

  private async writeGroup(group: readonly QueuedWrite[]): Promise<void> {
    const plan = new Plan()
    const planned: QueuedWrite[] = []
    const bytes = group.reduce((sum, { write }) => sum + write.bytes, 0)
    const noSpace = this.lackOfSpace(bytes)
    for (const queued of group) {
      try {
        if (this.lost) throw this.lost
        if (noSpace && queued.write.frees !== true) throw noSpace
        queued.write.prepare(plan)
        planned.push(queued)
      } catch (error) {
        queued.reject(error)
      }
    }
    if (planned.length === 0) return
    try {
      await this.environment.write((transaction) => {
        if (!this.stillOwner()) throw this.usurped()
        this.fault('transaction:begun')
        plan.write(transaction, () => this.fault('transaction:half-written'))
        this.fault('transaction:written')
      })
    } catch (error) {
      const failure = error instanceof LogError && error.code !== 'unreachable' ? error : doubtful(error)
      if (failure.code === 'fenced' || this.environment.broken) this.lose(failure)
      for (const { reject } of planned) reject(failure)
      return
    }
    plan.synced()
    try {
      this.fault('transaction:synced')
    } catch (error) {
      // A test's lost answer: what was written stays written.
      for (const { reject } of planned) reject(doubtful(error))
      return
    }
    for (const { resolve } of planned) resolve()
  }

  private lackOfSpace(bytes: number): LogError | undefined {
    this.bytesSinceSpaceCheck += bytes
    const now = performance.now()
    if (now - this.spaceCheckedAt < SPACE_CHECK_MILLISECONDS && this.bytesSinceSpaceCheck < SPACE_CHECK_BYTES)
      return undefined
    const { bavail, bsize } = statfsSync(this.environment.directory)
    const free = bavail * bsize
    if (free - bytes < this.freeBytesFloor) {
      return new LogError(
        'full',
        `${this.environment.directory} has ${free} bytes free, ${bytes + this.freeBytesFloor} are needed (${this.freeBytesFloor} are always kept free): free some space; nothing was written`,
      )
    }
    this.spaceCheckedAt = now
    this.bytesSinceSpaceCheck = 0
    return undefined
  }

  private usurped(): LogError {
    const owner = ownerOf(this.environment)
    return new LogError(
      'fenced',
      `another process (pid ${owner?.pid ?? 'unknown'}) took over ${this.environment.directory}: stop this one`,
    )
  }

  private lose(error: LogError): void {
    this.lost = error
    for (const listener of [...this.lostListeners]) listener(error)
  }
}

function doubtful(cause: unknown): LogError {
  const text = cause instanceof Error ? cause.message : String(cause)
  return new LogError(
    'doubt',
    `can't tell whether the write took effect (${text}): open the task again and compare the sequence`,
    { cause },
  )
}

/** @throws LogError 'owned' when a live process owns the folder; found without a write lock, which the owner may hold for long */
function refuseIfOwned(directory: string): void {
  const environment = openForReading(directory)
  if (!environment) return
  try {
    const owner = liveOwnerOf(environment)
    if (owner) throw ownedBy(owner, directory)
  } finally {
    environment.close().catch(() => undefined)
  }
}

function ownedBy(owner: OwnerRecord, directory: string): LogError {
  const who = isElsewhere(owner)
    ? `a process of another container (there ${owner.pid}), which said so in the last 10 s`
    : `process ${owner.pid}`
  return new LogError(
    'owned',
    `${directory} is in use by ${who}: stop it first, or use another folder; ingest, tail, export and the other commands work beside it`,
  )
}

/** A call after close. */
export function closedLog(directory: string): LogError {
  return new LogError('closed', `the log ${directory} is closed`)
}

export function unknownTopic(name: string, directory: string): LogError {
  return new LogError('unknown_topic', `no topic ${name} in ${directory}: create it first (ensureTopics)`)
}
