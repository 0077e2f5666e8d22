/**
 * Tables: small topics that a process reads whole, outside groups and transactions: to the end seen at start before the
 * first record is processed, then onward as they grow. Each is folded once a process, for all processors that declare it.
 */
import type { RecordCodec } from '../topics/codec.ts'
import type { Log } from '../topics/log.ts'
import type { Table, TableView } from './processor.ts'

const readBounds = { maxBytes: 1 << 20, maxWaitSeconds: 5 }

interface OpenTable {
  view: { version: number; index: unknown }
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
    const view = { version: 0, index: table.create() }
    const { start, end } = await this.#log.offsets(table.topic.name, 0)
    let offset = start
    while (offset < end) offset = await this.#readOn(table, view, offset, 0)
    const followed = this.#follow(table, view, offset).catch(onFailure)
    this.#open.set(table, { view, followed })
    return view
  }

  /** Resolves when any table has grown, or the signal aborts. */
  async changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done, { once: true })
      this.#waiters.push(done)
    })
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await Promise.all([...this.#open.values()].map(({ followed }) => followed))
  }

  async #follow(table: Table, view: OpenTable['view'], from: number): Promise<void> {
    let offset = from
    while (!this.#stop.signal.aborted) offset = await this.#readOn(table, view, offset, readBounds.maxWaitSeconds)
  }

  async #readOn(table: Table, view: OpenTable['view'], offset: number, maxWaitSeconds: number): Promise<number> {
    const { topic } = table
    const result = await this.#log.read(
      { topic: topic.name, partition: 0, offset },
      { ...readBounds, maxWaitSeconds, signal: this.#stop.signal },
    )
    for (const { value } of result.records) {
      if (!this.#codec.knows(value)) await this.#codec.learn(value)
      table.add(view.index, this.#codec.decode(topic.kind, value))
      view.version++
    }
    if (result.records.length > 0) this.#wake()
    return result.nextOffset
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
