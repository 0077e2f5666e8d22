/**
 * Tables: small topics that a process reads whole, outside groups and transactions: to the end seen at start before the
 * first record is processed, then onward as they grow. Each is folded once a process, for all processors that declare it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { redrivenForHeader } from '../topics/catalogue.ts'
import { UndecodableError, type RecordCodec } from '../topics/codec.ts'
import { LogError, type Log } from '../topics/log.ts'
import { onAbort } from '../topics/signals.ts'
import type { Table, TableView } from './processor.ts'

const retrySeconds = 1
const readBounds = { maxBytes: 1 << 20, maxWaitSeconds: 5 }

interface OpenTable {
  view: { version: number; index: unknown }
  /** The next offset to be read. */
  offset: number
  followed: Promise<void>
}

/** All tables that the processors of one process declare. */
export class TableReader {
  readonly #log: Log
  readonly #codec: RecordCodec
  readonly #stop = new AbortController()
  readonly #open = new Map<Table, OpenTable>()
  #waiters: (() => void)[] = []

  constructor(log: Log, codec: RecordCodec) {
    this.#log = log
    this.#codec = codec
  }

  /** The view of a table, read to the end seen now and followed from there. `onFailure` hears why following stopped. */
  async open(table: Table, onFailure: (error: unknown) => void): Promise<TableView<unknown>> {
    const known = this.#open.get(table)
    if (known) return known.view
    const { start, end } = await this.#log.offsets(table.topic.name, 0)
    const open: OpenTable = { view: { version: 0, index: table.create() }, offset: start, followed: Promise.resolve() }
    while (open.offset < end && !this.#stop.signal.aborted) await this.#readOn(table, open, 0)
    open.followed = this.#follow(table, open).catch(onFailure)
    this.#open.set(table, open)
    return open.view
  }

  /** Whether every table is read to its end as it is now. */
  async areRead(): Promise<boolean> {
    for (const [{ topic }, open] of this.#open) {
      const { end } = await this.#log.offsets(topic.name, 0)
      if (open.offset < end) return false
    }
    return true
  }

  /** Resolves when any table has grown, or the signal aborts. */
  async changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const stopHearing = onAbort([signal], () => resolve())
      this.#waiters.push(() => {
        stopHearing()
        resolve()
      })
    })
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await Promise.all([...this.#open.values()].map(({ followed }) => followed))
  }

  /** A table stands still while the log is away; what was read of it stays in use. */
  async #follow(table: Table, open: OpenTable): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#readOn(table, open, readBounds.maxWaitSeconds)
      } catch (error) {
        if (!(error instanceof LogError) || error.code !== 'unreachable') throw error
        await sleep(retrySeconds * 1000, undefined, { signal: this.#stop.signal }).catch(() => {})
      }
    }
  }

  async #readOn(table: Table, open: OpenTable, maxWaitSeconds: number): Promise<void> {
    const { topic } = table
    const { view } = open
    const result = await this.#log.read(
      { topic: topic.name, partition: 0, offset: open.offset },
      { ...readBounds, maxWaitSeconds, signal: this.#stop.signal },
    )
    for (const { value, headers } of result.records) {
      if (headers?.[redrivenForHeader] !== undefined) continue
      if (!this.#codec.knows(value)) await this.#codec.learn(value)
      view.version++
      try {
        table.add(view.index, this.#codec.decode(topic.kind, value))
      } catch (error) {
        // Poison stays local: a table is made of the records that can be read.
        if (!(error instanceof UndecodableError)) throw error
      }
    }
    open.offset = result.nextOffset
    if (result.records.length > 0) this.#wake()
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
