/**
 * Transactions of one transactional id. A commit is three steps: add the partitions, one produce request to each leader for each
 * MiB of a partition, end the transaction. No step is ever repeated: whatever fails leaves the outcome to the next `begin`, which fences.
 */
import { LogError } from '../log.ts'
import { encodeBatch, encodeProduce, type BatchMessage, type Compression } from './batches.ts'
import type { Connection } from './connections.ts'
import { asLogError, isConnectionFailure, isStale, protocolErrorOf } from './errors.ts'
import {
  produce,
  TRANSACTION_COORDINATOR,
  type Broker,
  type ProducerIdentity,
  type TopicPartitions,
} from './internals.ts'

/** A message and where it goes. A null value is a tombstone. */
export interface PlacedMessage extends BatchMessage {
  topic: string
  partition: number
}

/** One batch of one partition. A batch holds at least one record and, if it holds more, at most this. */
const BATCH_BYTES = 1 << 20
/** What one request may carry; each partition appears in it at most once. */
const REQUEST_BYTES = 16 << 20
const PRODUCE_TIMEOUT_MILLISECONDS = 30_000
const RETRY_MILLISECONDS = 25
/** How long a fence may take: the coordinator finishes the predecessor's transaction first, or loads its own log. */
const FENCE_GIVE_UP_MILLISECONDS = 30_000
const SEQUENCE_SPACE = 2 ** 31
const MESSAGE_OVERHEAD_BYTES = 32

export interface TransactionOptions {
  transactionalId: string
  /** After this long without an end the coordinator aborts a transaction, in milliseconds. */
  timeoutMilliseconds: number
  compression: Compression
}

/** Points at which the tests break a transaction. */
export type TransactionStep = 'fenced' | 'identified' | 'before' | 'added' | 'produced' | 'ended'

/**
 * Fences every earlier user of the transactional id; their transactions are finished when it resolves.
 * @throws LogError 'denied', 'unreachable'
 */
export async function beginTransactions(connection: Connection, options: TransactionOptions): Promise<Transactions> {
  const { transactionalId, timeoutMilliseconds } = options
  const giveUpAtMs = performance.now() + FENCE_GIVE_UP_MILLISECONDS
  for (;;) {
    connection.check()
    try {
      await connection.cluster.connect()
      const coordinator = await coordinatorOf(connection, transactionalId)
      const identity = await coordinator.initProducerId({ transactionalId, transactionTimeout: timeoutMilliseconds })
      return new Transactions(connection, options, identity)
    } catch (error) {
      await connection.recover(error)
      const type = protocolErrorOf(error) ?? ''
      const mayPass =
        isConnectionFailure(error) ||
        isStale(error) ||
        COORDINATOR_MOVES.has(type) ||
        type === 'CONCURRENT_TRANSACTIONS'
      if (!mayPass || performance.now() > giveUpAtMs) throw asLogError(error, `fencing ${transactionalId}`)
      await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS))
    }
  }
}

const COORDINATOR_MOVES = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'TRANSACTION_COORDINATOR_FENCED',
])

async function coordinatorOf(connection: Connection, transactionalId: string): Promise<Broker> {
  return await connection.coordinatorOf(transactionalId, TRANSACTION_COORDINATOR)
}

/** Answers that say that nothing was written. */
const CERTAIN: ReadonlySet<string> = new Set(['fenced', 'denied', 'too_large', 'clock'])

/** The transactions of one epoch of a transactional id, one after another. */
export class Transactions {
  readonly #connection: Connection
  readonly #options: TransactionOptions
  readonly #identity: ProducerIdentity
  readonly #sequences = new Map<string, number>()
  #coordinator: Broker | undefined
  /** Why nothing more is written: a transaction may still be open, and what it holds would go with the next. */
  #broken: LogError | undefined

  constructor(connection: Connection, options: TransactionOptions, identity: ProducerIdentity) {
    this.#connection = connection
    this.#options = options
    this.#identity = identity
  }

  /**
   * Writes all messages or none. After a failure this object is done for: begin anew.
   * @param onStep called after each step, for tests
   * @returns for each "topic/partition" the offset after its last message
   * @throws LogError 'fenced' (a later epoch exists), 'denied', 'too_large', 'clock' (nothing was written), 'doubt' (any other failure: it
   * may or may not have taken effect)
   */
  async write(
    messages: readonly PlacedMessage[],
    onStep?: (step: TransactionStep) => void,
  ): Promise<ReadonlyMap<string, number>> {
    const { transactionalId, compression } = this.#options
    const identity = this.#identity
    if (this.#broken) throw this.#broken
    const origin = { producerId: BigInt(identity.producerId), producerEpoch: identity.producerEpoch }
    try {
      onStep?.('before')
      const partitions = byPartition(messages)
      this.#coordinator ??= await coordinatorOf(this.#connection, transactionalId)
      await this.#add(topicsOf([...partitions.values()], ({ partition }) => partition))
      onStep?.('added')
      const leaders = new Map<Broker, Batch[]>()
      for (const batches of partitions.values()) {
        const leader = await this.#connection.leaderOf(batches.topic, batches.partition)
        const led = leaders.get(leader)
        const placed = batches.batches.map((one) => ({ ...batches, messages: one.messages, bytes: one.bytes }))
        if (led) led.push(...placed)
        else leaders.set(leader, placed)
      }
      const ends = new Map<string, number>()
      const sent = await Promise.allSettled(
        [...leaders].map(async ([leader, batches]) => {
          for (const request of requestsOf(batches)) {
            const encoded = new Map<string, { partition: number; batch: Buffer }[]>()
            for (const batch of request) {
              const head = { ...origin, firstSequence: this.#advance(batch), timestampMs: Date.now(), compression }
              const piece = { partition: batch.partition, batch: await encodeBatch(batch.messages, head) }
              const pieces = encoded.get(batch.topic)
              if (pieces) pieces.push(piece)
              else encoded.set(batch.topic, [piece])
            }
            const { topics } = await produce(
              leader,
              encodeProduce(transactionalId, PRODUCE_TIMEOUT_MILLISECONDS, encoded),
            )
            for (const { topicName, partitions: answered } of topics) {
              for (const { partition, baseOffset } of answered) {
                const written = request.find((batch) => batch.topic === topicName && batch.partition === partition)
                ends.set(`${topicName}/${partition}`, Number(baseOffset) + (written?.messages.length ?? 0))
              }
            }
          }
        }),
      )
      for (const one of sent) if (one.status === 'rejected') throw one.reason
      onStep?.('produced')
      await this.#coordinator.endTxn({ ...identity, transactionalId, transactionResult: true })
      onStep?.('ended')
      return ends
    } catch (error) {
      await this.#connection.recover(error)
      const failure = asLogError(error, `writing as ${transactionalId}`)
      this.#broken = new LogError('doubt', `${transactionalId} failed before (${failure.message}): begin anew`)
      if (CERTAIN.has(failure.code)) throw failure
      throw new LogError('doubt', `${failure.message}: the outcome shows when the task is opened again`, {
        cause: error,
      })
    }
  }

  /** The coordinator may still be writing the markers of the transaction before: that alone is asked again, nothing was done. */
  async #add(topics: TopicPartitions<number>[]): Promise<void> {
    const giveUpAtMs = performance.now() + FENCE_GIVE_UP_MILLISECONDS
    for (;;) {
      try {
        await this.#coordinator?.addPartitionsToTxn({
          ...this.#identity,
          transactionalId: this.#options.transactionalId,
          topics,
        })
        return
      } catch (error) {
        if (protocolErrorOf(error) !== 'CONCURRENT_TRANSACTIONS' || performance.now() > giveUpAtMs) throw error
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    }
  }

  /** The sequence number of a batch's first record; the next batch goes on after its last. */
  #advance({ topic, partition, messages }: Batch): number {
    const key = `${topic}/${partition}`
    const first = this.#sequences.get(key) ?? 0
    this.#sequences.set(key, (first + messages.length) % SEQUENCE_SPACE)
    return first
  }
}

interface Batch {
  topic: string
  partition: number
  messages: BatchMessage[]
  bytes: number
}

interface PartitionBatches {
  topic: string
  partition: number
  batches: { messages: BatchMessage[]; bytes: number }[]
}

/** Messages of each partition in their order, in batches of at most 1 MiB or one message. */
function byPartition(messages: readonly PlacedMessage[]): Map<string, PartitionBatches> {
  const partitions = new Map<string, PartitionBatches>()
  for (const message of messages) {
    const { topic, partition } = message
    const key = `${topic}/${partition}`
    let entry = partitions.get(key)
    if (!entry) partitions.set(key, (entry = { topic, partition, batches: [] }))
    const bytes = (message.value?.length ?? 0) + (message.key?.length ?? 0) + MESSAGE_OVERHEAD_BYTES
    const last = entry.batches.at(-1)
    if (last && last.bytes + bytes <= BATCH_BYTES) {
      last.messages.push(message)
      last.bytes += bytes
    } else entry.batches.push({ messages: [message], bytes })
  }
  return partitions
}

/** Batches as requests: in the order of each partition, none twice in one request. */
function requestsOf(batches: readonly Batch[]): Batch[][] {
  const requests: { batches: Batch[]; bytes: number }[] = []
  const lastOf = new Map<string, number>()
  for (const batch of batches) {
    const key = `${batch.topic}/${batch.partition}`
    let at = (lastOf.get(key) ?? -1) + 1
    while (requests[at] && (requests[at]?.bytes ?? 0) + batch.bytes > REQUEST_BYTES) at += 1
    const request = (requests[at] ??= { batches: [], bytes: 0 })
    request.batches.push(batch)
    request.bytes += batch.bytes
    lastOf.set(key, at)
  }
  return requests.map((request) => request.batches)
}

/** Items by topic, as requests have them. */
function topicsOf<Item extends { topic: string }, Partition>(
  items: readonly Item[],
  partitionOf: (item: Item) => Partition,
): TopicPartitions<Partition>[] {
  const topics = new Map<string, Partition[]>()
  for (const item of items) {
    const partitions = topics.get(item.topic)
    if (partitions) partitions.push(partitionOf(item))
    else topics.set(item.topic, [partitionOf(item)])
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}
