/**
 * Reads of partitions, outside consumer groups. All reads of a process share a few requests: what asks anew is fetched at once,
 * with all else that asks at that moment; what found nothing waits together in one long request a broker.
 */
import { LogError, type ReadBounds } from '../log.ts'
import { onAbort } from '../signals.ts'
import { Connection, type ConnectionSettings } from './connections.ts'
import { asLogError, isConnectionFailure, isLeaderless, isStale, protocolErrorOf } from './errors.ts'
import { createErrorFromCode, fetchRequest, READ_COMMITTED, type Broker } from './internals.ts'
import { decodeFetch, readBatches, type FetchedPartition, type LogRecord } from './records.ts'

/** A read from one partition; as the port's, with tombstones. */
export interface PartitionRead {
  records: LogRecord[]
  nextOffset: number
  startOffset: number
  endOffset: number
}

/** Bounds of a read of a task. */
interface EndedReadBounds extends ReadBounds {
  /** Ends the read as `signal` does: whose read it is has ended. */
  ended?: AbortSignal
}

/** How long a request waits at the broker for the first new record, and how long a new reader may have to wait for such a request. */
const LONG_POLL_MILLISECONDS = 250
const RETRY_MILLISECONDS = 100
/** How long a failing read goes on trying before it says so; where the brokers answer that a partition has no leader yet, longer. */
const GIVE_UP_MILLISECONDS = 5000
const GIVE_UP_LEADERLESS_MILLISECONDS = 30_000
/** Of a whole answer; more partitions than fit are served by the next request. */
const MAXIMUM_ANSWER_BYTES = 32 << 20
/** Of one partition in an answer: what readers leave of a batch is kept, so a larger piece is not fetched twice. */
const MINIMUM_PIECE_BYTES = 64 << 10
const KEPT_REST_BYTES = 32 << 20
/** Room for any batch. A broker gives a batch that is larger than what was asked for only where it comes first. */
const LARGEST_PIECE_BYTES = 12 << 20

interface Wanted {
  topic: string
  partition: number
  offset: number
  maxBytes: number
  deadlineMs: number
  /** Since when it fails, and why; undefined while it does not. */
  failing: { sinceMs: number; error: unknown } | undefined
  settled: boolean
  /** Whether an answer had no room for the next batch. */
  isStarved: boolean
  resolve(read: PartitionRead): void
  reject(error: unknown): void
}

interface Rest {
  offset: number
  fetched: FetchedPartition
}

/** The reading side of a process. */
export class PartitionReads {
  readonly #now: Lane
  readonly #waiting: Lane
  readonly #rests = new Map<string, Rest>()
  #restBytes = 0
  #closed = false
  readonly #wanted = new Set<Wanted>()

  constructor(settings: ConnectionSettings) {
    this.#now = new Lane(new Connection(settings), 0, (wanted, fetched) => this.#answer(wanted, fetched), this.#failed)
    this.#waiting = new Lane(
      new Connection(settings),
      LONG_POLL_MILLISECONDS,
      (wanted, fetched) => this.#answer(wanted, fetched),
      this.#failed,
    )
  }

  /**
   * Reads on from an offset; one below the start reads from the start. Returns as the port's ReadBounds say.
   * @throws LogError 'unknown_topic', 'denied', 'unreachable', 'damaged', 'closed'
   */
  async read(topic: string, partition: number, offset: number, bounds: EndedReadBounds): Promise<PartitionRead> {
    if (this.#closed) throw closed()
    const rest = this.#takeRest(topic, partition, offset)
    if (rest) {
      const read = await this.#readOut(rest, offset, bounds.maxBytes)
      if (read.records.length > 0) return read
      offset = read.nextOffset
    }
    const signals = [bounds.signal, bounds.ended].filter((signal) => signal !== undefined)
    if (signals.some(({ aborted }) => aborted))
      return { records: [], nextOffset: offset, startOffset: 0, endOffset: offset }
    let stopHearing: (() => void) | undefined
    let wanted: Wanted | undefined
    try {
      return await new Promise<PartitionRead>((resolve, reject) => {
        wanted = {
          topic,
          partition,
          offset,
          maxBytes: bounds.maxBytes,
          deadlineMs: performance.now() + bounds.maxWaitSeconds * 1000,
          failing: undefined,
          settled: false,
          isStarved: false,
          resolve,
          reject,
        }
        this.#wanted.add(wanted)
        stopHearing = onAbort(signals, () =>
          resolve({ records: [], nextOffset: offset, startOffset: 0, endOffset: offset }),
        )
        this.#now.add(wanted)
      })
    } finally {
      if (wanted) {
        wanted.settled = true
        this.#wanted.delete(wanted)
      }
      stopHearing?.()
    }
  }

  /** Start and end of partitions; the end is that of what is committed. @throws LogError as `read` */
  async offsets(topic: string, partitions: readonly number[]): Promise<Map<number, { start: number; end: number }>> {
    const starts = new Map<number, number>()
    const ends = new Map<number, number>()
    await this.#listOffsets(topic, partitions, EARLIEST, READ_COMMITTED, starts)
    await this.#listOffsets(topic, partitions, LATEST, READ_COMMITTED, ends)
    return new Map(partitions.map((one) => [one, { start: starts.get(one) ?? 0, end: ends.get(one) ?? 0 }]))
  }

  /** Ends of partitions with what is not committed yet, or never will be. @throws LogError as `read` */
  async writtenEnds(topic: string, partitions: readonly number[]): Promise<Map<number, number>> {
    const ends = new Map<number, number>()
    await this.#listOffsets(topic, partitions, LATEST, READ_UNCOMMITTED, ends)
    return ends
  }

  /** Resolves when readers see what lies below `end`: a transaction's markers come a moment after it is committed. */
  async visible(topic: string, partition: number, end: number): Promise<void> {
    for (let waitMilliseconds = 1; ; waitMilliseconds = Math.min(100, 2 * waitMilliseconds)) {
      if (((await this.offsets(topic, [partition])).get(partition)?.end ?? 0) >= end) return
      await pause(waitMilliseconds)
    }
  }

  /** Partition count of a topic. @throws LogError as `read` */
  async partitionCount(topic: string): Promise<number> {
    const found = await this.#persist(`looking up ${topic}`, (connection) => connection.partitionsOf([topic]))
    return found.get(topic)?.length ?? 0
  }

  /** Forgets what was read ahead of a partition. */
  forget(topic: string, partition: number): void {
    this.#takeRest(topic, partition, undefined)
  }

  /** Has the brokers forget what lies below an offset. @throws LogError as `read`; 'topic_mismatch' for a compacted topic */
  async deleteBefore(topic: string, partition: number, offset: number): Promise<void> {
    await this.#persist(`deleting from ${topic}/${partition}`, async (connection) => {
      const leader = await connection.leaderOf(topic, partition)
      try {
        await leader.deleteRecords({ topics: [{ topic, partitions: [{ partition, offset }] }] })
      } catch (thrown) {
        // Why a partition refuses lies a level deeper than with other requests.
        const error = (thrown as { partitions?: { error: unknown }[] }).partitions?.[0]?.error ?? thrown
        if (protocolErrorOf(error) !== 'POLICY_VIOLATION') throw error
        throw new LogError('topic_mismatch', `${topic} is compacted: its records are not cut by offset`, {
          cause: error,
        })
      }
    })
    this.#takeRest(topic, partition, undefined)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const wanted of this.#wanted) wanted.reject(closed())
    await Promise.all([this.#now.close(), this.#waiting.close()])
  }

  async #listOffsets(
    topic: string,
    partitions: readonly number[],
    timestamp: number,
    isolationLevel: number,
    into: Map<number, number>,
  ): Promise<void> {
    await this.#persist(`finding the end of ${topic}`, async (connection) => {
      const missing = partitions.filter((partition) => !into.has(partition))
      const byBroker = new Map<Broker, number[]>()
      for (const partition of missing) {
        const broker = await connection.leaderOf(topic, partition)
        byBroker.set(broker, [...(byBroker.get(broker) ?? []), partition])
      }
      for (const [broker, led] of byBroker) {
        const { responses } = await broker.listOffsets({
          isolationLevel,
          topics: [{ topic, partitions: led.map((partition) => ({ partition, timestamp })) }],
        })
        for (const { partitions: found } of responses)
          for (const { partition, offset } of found) into.set(partition, Number(offset))
      }
    })
  }

  /** Does what a broker may refuse for a moment (it is away, or leads no more) until it is done or `givesUp`. */
  async #persist<T>(doing: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    const { connection } = this.#now
    const startedAtMs = performance.now()
    for (;;) {
      if (this.#closed) throw closed()
      try {
        return await work(connection)
      } catch (error) {
        await connection.recover(error)
        if (givesUp(error, startedAtMs)) throw asLogError(error, doing)
        await pause(RETRY_MILLISECONDS)
      }
    }
  }

  async #answer(wanted: Wanted, fetched: FetchedPartition): Promise<void> {
    const { topic, partition } = wanted
    if (fetched.errorCode !== 0) {
      const error = createErrorFromCode(fetched.errorCode)
      if (protocolErrorOf(error) !== 'OFFSET_OUT_OF_RANGE') return this.#failed(wanted, error)
      // Below the start: read from there. Past the end: wait until the end gets there.
      const extent = (await this.offsets(topic, [partition])).get(partition)
      if (extent && wanted.offset < extent.start) {
        wanted.offset = extent.start
        return this.#now.add(wanted)
      }
      if (this.#isOver(wanted, extent ?? { start: 0, end: wanted.offset })) return
      await pause(RETRY_MILLISECONDS)
      return this.#now.add(wanted)
    }
    wanted.failing = undefined
    const read = await this.#readOut({ offset: wanted.offset, fetched }, wanted.offset, wanted.maxBytes)
    if (read.records.length > 0) return wanted.resolve(read)
    wanted.isStarved = read.nextOffset === wanted.offset && wanted.offset < read.endOffset
    if (wanted.isStarved) return this.#now.add(wanted)
    if (read.nextOffset > wanted.offset) {
      // Only markers and aborted records: they count as read.
      if (read.nextOffset >= read.endOffset) return wanted.resolve(read)
      wanted.offset = read.nextOffset
      return this.#now.add(wanted)
    }
    if (!this.#isOver(wanted, { start: read.startOffset, end: read.endOffset })) this.#waiting.add(wanted)
  }

  /** Ends a read that found nothing and may wait no longer. */
  #isOver(wanted: Wanted, { start, end }: { start: number; end: number }): boolean {
    if (wanted.settled) return true
    if (performance.now() < wanted.deadlineMs) return false
    wanted.resolve({ records: [], nextOffset: wanted.offset, startOffset: start, endOffset: end })
    return true
  }

  readonly #failed = (wanted: Wanted, error: unknown): void => {
    if (wanted.settled) return
    wanted.failing ??= { sinceMs: performance.now(), error }
    if (givesUp(error, wanted.failing.sinceMs)) {
      return wanted.reject(asLogError(error, `reading ${wanted.topic}/${wanted.partition} offset ${wanted.offset}`))
    }
    setTimeout(() => this.#now.add(wanted), RETRY_MILLISECONDS)
  }

  async #readOut({ fetched }: Rest, offset: number, maxBytes: number): Promise<PartitionRead> {
    const { topic, partition, logStartOffset, lastStableOffset } = fetched
    const where = `${topic}/${partition}`
    const { records, nextOffset, rest, aborted } = await readBatches(fetched, offset, maxBytes, where)
    if (records.length > 0 && rest.length > 0)
      this.#keepRest({ offset: nextOffset, fetched: { ...fetched, batches: rest, aborted } })
    return { records, nextOffset, startOffset: logStartOffset, endOffset: lastStableOffset }
  }

  #keepRest(rest: Rest): void {
    const key = `${rest.fetched.topic}/${rest.fetched.partition}`
    this.#takeRest(rest.fetched.topic, rest.fetched.partition, undefined)
    this.#rests.set(key, rest)
    this.#restBytes += rest.fetched.batches.length
    for (const [oldest, { fetched }] of this.#rests) {
      if (this.#restBytes <= KEPT_REST_BYTES || this.#rests.size === 1) break
      this.#rests.delete(oldest)
      this.#restBytes -= fetched.batches.length
    }
  }

  #takeRest(topic: string, partition: number, offset: number | undefined): Rest | undefined {
    const key = `${topic}/${partition}`
    const rest = this.#rests.get(key)
    if (!rest || (offset !== undefined && rest.offset !== offset)) return undefined
    this.#rests.delete(key)
    this.#restBytes -= rest.fetched.batches.length
    return rest
  }
}

const EARLIEST = -2
const LATEST = -1
const READ_UNCOMMITTED = 0

/** One request at a time to each broker, for all reads that gather meanwhile. */
class Lane {
  readonly connection: Connection
  readonly #maxWaitMilliseconds: number
  readonly #answer: (wanted: Wanted, fetched: FetchedPartition) => Promise<void>
  readonly #fail: (wanted: Wanted, error: unknown) => void
  #gathered: Wanted[] = []
  readonly #queues = new Map<Broker, Wanted[]>()
  readonly #busy = new Set<Broker>()
  #scheduled = false

  constructor(
    connection: Connection,
    maxWaitMilliseconds: number,
    answer: (wanted: Wanted, fetched: FetchedPartition) => Promise<void>,
    fail: (wanted: Wanted, error: unknown) => void,
  ) {
    this.connection = connection
    this.#maxWaitMilliseconds = maxWaitMilliseconds
    this.#answer = answer
    this.#fail = fail
  }

  add(wanted: Wanted): void {
    if (wanted.settled) return
    this.#gathered.push(wanted)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => void this.#dispatch())
  }

  async close(): Promise<void> {
    await this.connection.close()
  }

  async #dispatch(): Promise<void> {
    this.#scheduled = false
    const gathered = this.#gathered
    this.#gathered = []
    for (const wanted of gathered) {
      try {
        const broker = await this.connection.leaderOf(wanted.topic, wanted.partition)
        const queue = this.#queues.get(broker)
        if (queue) queue.push(wanted)
        else this.#queues.set(broker, [wanted])
      } catch (error) {
        await this.connection.recover(error)
        this.#fail(wanted, error)
      }
    }
    for (const broker of this.#queues.keys()) if (!this.#busy.has(broker)) void this.#serve(broker)
  }

  async #serve(broker: Broker): Promise<void> {
    this.#busy.add(broker)
    for (;;) {
      const queue = this.#queues.get(broker)?.filter(({ settled }) => !settled) ?? []
      if (queue.length === 0) break
      queue.sort((a, b) => Number(b.isStarved) - Number(a.isStarved))
      // Readers at one place share an answer. A partition can't be asked twice in one request: who is elsewhere comes with the next.
      const asked = new Map<string, Wanted[]>()
      const later: Wanted[] = []
      for (const wanted of queue) {
        const key = `${wanted.topic}/${wanted.partition}`
        const readers = asked.get(key)
        if (!readers) asked.set(key, [wanted])
        else if (readers[0]?.offset === wanted.offset) readers.push(wanted)
        else later.push(wanted)
      }
      this.#queues.set(broker, later)
      await this.#fetch(broker, asked, later.length > 0)
    }
    this.#queues.delete(broker)
    this.#busy.delete(broker)
  }

  async #fetch(broker: Broker, asked: ReadonlyMap<string, readonly Wanted[]>, inHaste: boolean): Promise<void> {
    const topics = new Map<string, { partition: number; fetchOffset: string; maxBytes: number }[]>()
    let deadlineMs = Infinity
    for (const readers of asked.values()) {
      const [first] = readers
      if (!first) continue
      const { topic, partition, offset } = first
      const least = readers.some(({ isStarved }) => isStarved) ? LARGEST_PIECE_BYTES : MINIMUM_PIECE_BYTES
      const maxBytes = Math.max(least, ...readers.map((reader) => reader.maxBytes))
      const piece = { partition, fetchOffset: String(offset), maxBytes }
      const pieces = topics.get(topic)
      if (pieces) pieces.push(piece)
      else topics.set(topic, [piece])
      deadlineMs = Math.min(deadlineMs, ...readers.map((reader) => reader.deadlineMs))
    }
    const longest = inHaste ? 0 : Math.min(this.#maxWaitMilliseconds, Math.max(0, deadlineMs - performance.now()))
    try {
      const request = fetchRequest(
        broker,
        {
          isolationLevel: READ_COMMITTED,
          maxWaitTime: Math.ceil(longest),
          minBytes: 1,
          maxBytes: MAXIMUM_ANSWER_BYTES,
          topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
        },
        decodeFetch,
      )
      const { partitions } = (await broker.connectionPool.send(request)) as { partitions: FetchedPartition[] }
      let stale: unknown
      const unanswered = new Set([...asked.values()].flat())
      for (const fetched of partitions) {
        if (fetched.errorCode !== 0) stale ??= createErrorFromCode(fetched.errorCode)
        for (const wanted of asked.get(`${fetched.topic}/${fetched.partition}`) ?? []) {
          unanswered.delete(wanted)
          this.#answer(wanted, fetched).catch((error: unknown) => wanted.reject(error))
        }
      }
      // A broker that holds this client to a quota answers with nothing at all.
      for (const wanted of unanswered) setTimeout(() => this.add(wanted), RETRY_MILLISECONDS)
      if (stale !== undefined) await this.connection.recover(stale)
    } catch (error) {
      await this.connection.recover(error)
      for (const wanted of [...asked.values()].flat()) this.#fail(wanted, error)
    }
  }
}

/** Whether the same request may succeed a little later. A topic may be unknown for a moment after it was made. */
function mayPass(error: unknown): boolean {
  if (error instanceof LogError) return error.code === 'unreachable'
  return (
    protocolErrorOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION' &&
    (isStale(error) || isConnectionFailure(error) || asLogError(error, '').code === 'unreachable')
  )
}

/** Whether a request that has failed since then, the last time with this error, is not made again. */
function givesUp(error: unknown, sinceMs: number): boolean {
  const patience = isLeaderless(error) ? GIVE_UP_LEADERLESS_MILLISECONDS : GIVE_UP_MILLISECONDS
  return !mayPass(error) || performance.now() > sinceMs + patience
}

function closed(): LogError {
  return new LogError('closed', 'the log is closed')
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
}
