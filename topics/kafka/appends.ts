/**
 * Appends outside tasks, each made once. The ids of those made lie in a topic of their own, written in the same transaction; ids are
 * spread over a few transactional ids, so that two processes with the same id meet, and the second sees what the first did.
 */
import { LogError, type OutgoingRecord } from '../log.ts'
import { murmur2 } from '../partitioner.ts'
import { Connection, type ConnectionSettings } from './connections.ts'
import type { Names } from './names.ts'
import type { PartitionReads } from './reads.ts'
import { placed, refuseTooLarge, refuseUnknown } from './task.ts'
import { beginTransactions, type Transactions, type TransactionOptions } from './transactions.ts'

const BUCKETS = 16
const LONGEST_PAUSE_MILLISECONDS = 200
const ATTEMPTS = 50

export interface AppendOptions extends Omit<TransactionOptions, 'transactionalId'> {
  maximumRecordBytes: number
}

export class Appends {
  readonly #connection: Connection
  readonly #names: Names
  readonly #reads: PartitionReads
  readonly #options: AppendOptions
  readonly #made = new Set<string>()
  #readTo = 0
  #reading: Promise<void> | undefined
  readonly #buckets = new Map<number, { transactions: Transactions | undefined; last: Promise<unknown> }>()

  constructor(connection: ConnectionSettings, names: Names, reads: PartitionReads, options: AppendOptions) {
    this.#connection = new Connection(connection)
    this.#names = names
    this.#reads = reads
    this.#options = options
  }

  /** @returns whether anything was written. @throws LogError 'too_large', 'unknown_topic', 'denied', 'unreachable' */
  async append(records: readonly OutgoingRecord[], appendId: string): Promise<boolean> {
    const messages = records.map((record) => placed(this.#names, record))
    refuseTooLarge(messages, this.#options.maximumRecordBytes)
    const noted = [...messages, { topic: this.#names.appends, partition: 0, key: appendId, value: Buffer.alloc(0) }]
    await refuseUnknown(this.#connection, noted, 'appending')
    const number = (murmur2(Buffer.from(appendId)) & 0x7fffffff) % BUCKETS
    let bucket = this.#buckets.get(number)
    if (!bucket) this.#buckets.set(number, (bucket = { transactions: undefined, last: Promise.resolve() }))
    const mine = bucket
    const appended = mine.last.then(() => this.#appendIn(mine, number, noted, appendId))
    mine.last = appended.catch(() => undefined)
    return await appended
  }

  async close(): Promise<void> {
    await Promise.all([...this.#buckets.values()].map(({ last }) => last))
    await this.#connection.close()
  }

  async #appendIn(
    bucket: { transactions: Transactions | undefined },
    number: number,
    messages: Parameters<Transactions['write']>[0],
    appendId: string,
  ): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      if (!bucket.transactions) {
        bucket.transactions = await beginTransactions(this.#connection, {
          ...this.#options,
          transactionalId: this.#names.appendTransactionalId(number),
        })
        // What others appended in this bucket is finished now, and shows.
        await this.#readOn()
      }
      if (this.#made.has(appendId)) return false
      try {
        const ends = await bucket.transactions.write(messages)
        this.#made.add(appendId)
        await Promise.all(
          [...ends].map(([place, end]) => {
            const slash = place.lastIndexOf('/')
            return this.#reads.visible(place.slice(0, slash), Number(place.slice(slash + 1)), end)
          }),
        )
        return true
      } catch (error) {
        if (!(error instanceof LogError) || error.code === 'denied' || error.code === 'too_large') throw error
        bucket.transactions = undefined
        if (attempt === ATTEMPTS)
          throw new LogError('unreachable', `appending failed ${ATTEMPTS} times: ${error.message}`, { cause: error })
        await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_PAUSE_MILLISECONDS))
      }
    }
  }

  async #readOn(): Promise<void> {
    // One after another: each must see what was written before it began.
    const before = this.#reading ?? Promise.resolve()
    const mine = before.catch(() => undefined).then(() => this.#readToEnd())
    this.#reading = mine
    await mine
  }

  async #readToEnd(): Promise<void> {
    const topic = this.#names.appends
    const end = (await this.#reads.offsets(topic, [0])).get(0)?.end ?? 0
    while (this.#readTo < end) {
      const { records, nextOffset } = await this.#reads.read(topic, 0, this.#readTo, {
        maxBytes: 4 << 20,
        maxWaitSeconds: 30,
      })
      for (const { key } of records) this.#made.add(key)
      if (nextOffset <= this.#readTo)
        throw new LogError('unreachable', `${topic} gives nothing from offset ${nextOffset} on`)
      this.#readTo = nextOffset
    }
  }
}
