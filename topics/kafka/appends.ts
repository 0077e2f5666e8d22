/**
 * Appends outside tasks, each made once. The ids of those made lie in a topic of their own, written in the same transaction. An id has its
 * partition there, and each partition one transactional id that alone writes to it: two processes with the same id meet, and the
 * second sees what the first did.
 */
import { randomUUID } from 'node:crypto'
import { LogError, type OutgoingRecord } from '../log.ts'
import { murmur2 } from '../partitioner.ts'
import { Connection, type ConnectionSettings } from './connections.ts'
import { APPEND_PARTITIONS, type Names } from './names.ts'
import type { PartitionReads } from './reads.ts'
import { placed, refuseTooLarge, refuseUnknown } from './task.ts'
import {
  beginTransactions,
  type PlacedMessage,
  type Transactions,
  type TransactionOptions,
  type TransactionStep,
} from './transactions.ts'

const LONGEST_PAUSE_MILLISECONDS = 200
const ATTEMPTS = 50

export interface AppendOptions extends Omit<TransactionOptions, 'transactionalId'> {
  /** For tests. */
  onStep?: (step: TransactionStep, task: undefined) => void
}

/** Appends whose ids lie in one partition, one after another. */
interface Line {
  partition: number
  transactions: Transactions | undefined
  /** What was made, as far as it is known: by append id the token of the call that made it. */
  made: Map<string, string>
  readTo: number
  last: Promise<unknown>
}

export class Appends {
  readonly #connection: Connection
  readonly #names: Names
  readonly #reads: PartitionReads
  readonly #options: AppendOptions
  readonly #lines = new Map<number, Line>()

  constructor(connection: ConnectionSettings, names: Names, reads: PartitionReads, options: AppendOptions) {
    this.#connection = new Connection(connection)
    this.#names = names
    this.#reads = reads
    this.#options = options
  }

  /** @returns whether anything was written. @throws LogError 'too_large', 'clock', 'unknown_topic', 'denied', 'unreachable', 'closed' */
  async append(records: readonly OutgoingRecord[], appendId: string): Promise<boolean> {
    const messages = records.map((record) => placed(this.#names, record))
    refuseTooLarge(messages)
    const partition = (murmur2(Buffer.from(appendId)) & 0x7fffffff) % APPEND_PARTITIONS
    let line = this.#lines.get(partition)
    if (!line) {
      line = { partition, transactions: undefined, made: new Map(), readTo: 0, last: Promise.resolve() }
      this.#lines.set(partition, line)
    }
    const mine = line
    const appended = mine.last.then(() => this.#appendIn(mine, messages, appendId))
    mine.last = appended.catch(() => undefined)
    return await appended
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lines.values()].map(({ last }) => last))
    await this.#connection.close()
  }

  async #appendIn(line: Line, messages: readonly PlacedMessage[], appendId: string): Promise<boolean> {
    const token = randomUUID()
    const note = { topic: this.#names.appends, partition: line.partition, key: appendId, value: Buffer.from(token) }
    const noted = [...messages, note]
    await refuseUnknown(this.#connection, noted, 'appending')
    for (let attempt = 1; ; attempt += 1) {
      if (!line.transactions) {
        line.transactions = await beginTransactions(this.#connection, {
          ...this.#options,
          transactionalId: this.#names.appendTransactionalId(line.partition),
        })
        // All that was appended in this line is finished now, and shows.
        await this.#readOn(line)
      }
      const made = line.made.get(appendId)
      if (made !== undefined) return made === token
      try {
        const ends = await line.transactions.write(noted, (step) => this.#options.onStep?.(step, undefined))
        line.made.set(appendId, token)
        await this.#visible(ends)
        return true
      } catch (error) {
        line.transactions = undefined
        const mayPass = error instanceof LogError && (error.code === 'fenced' || error.code === 'doubt')
        if (!mayPass) throw error
        if (attempt === ATTEMPTS)
          throw new LogError('unreachable', `appending failed ${ATTEMPTS} times: ${error.message}`, { cause: error })
        await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_PAUSE_MILLISECONDS))
      }
    }
  }

  async #visible(ends: ReadonlyMap<string, number>): Promise<void> {
    await Promise.all(
      [...ends].map(([place, end]) => {
        const slash = place.lastIndexOf('/')
        return this.#reads.visible(place.slice(0, slash), Number(place.slice(slash + 1)), end)
      }),
    )
  }

  async #readOn(line: Line): Promise<void> {
    const topic = this.#names.appends
    const { partition } = line
    const end = (await this.#reads.offsets(topic, [partition])).get(partition)?.end ?? 0
    while (line.readTo < end) {
      const { records, nextOffset } = await this.#reads.read(topic, partition, line.readTo, {
        maxBytes: 4 << 20,
        maxWaitSeconds: 30,
      })
      for (const { key, value } of records) line.made.set(key, value?.toString() ?? '')
      if (nextOffset <= line.readTo)
        throw new LogError('unreachable', `${topic} gives nothing from offset ${nextOffset} on`)
      line.readTo = nextOffset
    }
  }
}
