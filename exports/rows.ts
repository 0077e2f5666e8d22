/** The rows of a corpus, record by record. */
import { redrivenForHeader, topics, type Topic } from '../topics/catalogue.ts'
import type { StoredRecord } from '../topics/log.ts'
import { decoded, storedRecords, type Corpus } from '../topics/reading.ts'
import { onAbort } from '../topics/signals.ts'
import { isWanted } from './filters.ts'
import { CorpusLookup, MissingRecordError } from './lookup.ts'
import type { Positions } from './position.ts'
import { sortOf, type ExportRequest } from './request.ts'
import { RetractedProblems } from './retracted.ts'
import { LowestNumbers, sampleOrder } from './sample.ts'
import type { Row } from './shapes.ts'

/** The rows that one record gives, if any. */
export interface RecordRows {
  partition: number
  /** Where the partition goes on. */
  nextOffset: number
  rows: Row[]
  /** Rows that the filters left out. */
  excluded: number
  /** Rows that were wanted, of a problem that was retracted. */
  retracted: number
  /** False where offsets end that hold no record. */
  isRecord: boolean
  /** Why the record gives no rows, where it should. */
  unreadable?: string
}

/** What an export has read, and why parts of it gave no row. */
export interface Seen {
  records: number
  /** Rows that the filters left out. */
  excluded: number
  /** Rows of problems that were retracted. */
  retracted: number
}

/** Counts what was read. */
export function countSeen(seen: Seen, { isRecord, excluded, retracted }: RecordRows): void {
  if (isRecord) seen.records++
  seen.excluded += excluded
  seen.retracted += retracted
}

const noRows = { rows: [], excluded: 0, retracted: 0 }

/** Rows of a request in a corpus, and what they need to be made. */
export class RowSource {
  readonly retracted: RetractedProblems
  readonly #corpus: Corpus
  readonly #request: ExportRequest
  readonly #lookup: CorpusLookup
  readonly #topic: Topic
  /** The last row of the sample in its order; undefined: all rows are in. */
  #lastOfSample: bigint | undefined

  constructor(corpus: Corpus, request: ExportRequest) {
    this.#corpus = corpus
    this.#request = request
    this.#topic = sortOf(request).topic
    this.#lookup = new CorpusLookup(corpus)
    this.retracted = new RetractedProblems(corpus)
  }

  get topic(): Topic {
    return this.#topic
  }

  /** The start of every partition of the topic. */
  start(): number[] {
    return Array.from({ length: this.#topic.partitions }, () => 0)
  }

  /** The end of every partition, now. */
  async ends(): Promise<number[]> {
    this.#lookup.forgetTables()
    const partitions = this.start().map(async (_, partition) => {
      return (await this.#corpus.log.offsets(this.#topic.name, partition)).end
    })
    return await Promise.all(partitions)
  }

  /** Where an export that has read so far ended, for the next one. */
  positions(next: readonly number[]): Positions {
    return { [this.#topic.name]: next, [topics.retractions.name]: this.retracted.next }
  }

  /** Finds which rows between these offsets are in the sample. @returns the last of them in its order, to be kept */
  async drawSample(from: readonly number[], ends: readonly number[]): Promise<bigint | undefined> {
    const { sample } = this.#request
    if (!sample) return undefined
    const lowest = new LowestNumbers(sample.rows)
    for await (const { rows } of this.read(from, ends))
      for (const { facts } of rows) lowest.add(sampleOrder(sample.seed, facts.id))
    return lowest.highest()
  }

  /** Leaves out the rows behind this one in the sample's order. */
  keepSample(last: bigint | undefined): void {
    this.#lastOfSample = last
  }

  /** Rows of the records from some offsets to others, a partition after the other. */
  async *read(from: readonly number[], ends: readonly number[]): AsyncGenerator<RecordRows> {
    const { name } = this.#topic
    for (const [partition, end] of ends.entries()) {
      const start = from[partition] ?? 0
      if (end <= start) continue
      for await (const stored of storedRecords(this.#corpus.log, name, partition, start, end)) {
        yield { partition, nextOffset: stored.offset + 1, isRecord: true, ...noRows, ...(await this.#rowsOf(stored)) }
      }
      // Past offsets that hold no record.
      yield { partition, nextOffset: end, isRecord: false, ...noRows }
    }
  }

  /** Resolves when a record may have come behind these offsets, or the signal aborts. */
  async waitForMore(next: readonly number[], waitSeconds: number, signal: AbortSignal): Promise<void> {
    const enough = new AbortController()
    const isRetractable = await this.retracted.isThere()
    const places = [
      ...next.map((offset, partition) => ({ topic: this.#topic.name, partition, offset })),
      ...(isRetractable
        ? this.retracted.next.map((offset, partition) => ({ topic: topics.retractions.name, partition, offset }))
        : []),
    ]
    const end = (): void => enough.abort()
    const stopHearing = onAbort([signal], end)
    const reads = places.map(async (place) => {
      const { log } = this.#corpus
      await log.read(place, { maxBytes: 1, maxWaitSeconds: waitSeconds, signal: enough.signal })
      end()
    })
    try {
      await Promise.all(reads)
    } finally {
      stopHearing()
    }
  }

  async #rowsOf(stored: StoredRecord): Promise<Partial<RecordRows>> {
    if (stored.headers?.[redrivenForHeader] !== undefined) return {}
    const place = `${this.#topic.name}/${stored.partition} offset ${stored.offset}`
    const record = await decoded(this.#corpus.codec, this.#topic, stored)
    if (!record) return { unreadable: `${place} is no ${this.#topic.kind}` }
    let all: Row[]
    try {
      const results = new Set(this.#request.results)
      const { role = 'problem-writer' } = this.#request
      all = await sortOf(this.#request).rows(record, this.#lookup, { results, role })
    } catch (error) {
      if (!(error instanceof MissingRecordError)) throw error
      return { unreadable: `${place} names a record that cannot be read: ${error.message}` }
    }
    const wanted = all.filter(({ facts }) => isWanted(facts, this.#request.filters))
    const rows = wanted.filter(({ facts }) => !this.retracted.has(facts.problem_id))
    return {
      rows: rows.filter((row) => this.#isInSample(row)),
      excluded: all.length - wanted.length,
      retracted: wanted.length - rows.length,
    }
  }

  #isInSample({ facts }: Row): boolean {
    const { sample } = this.#request
    if (!sample || this.#lastOfSample === undefined) return true
    return sampleOrder(sample.seed, facts.id) <= this.#lastOfSample
  }
}
