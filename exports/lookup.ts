/** Records that rows need beside their own: by where they lie, or by id. */
import type { RecordTypes } from '../schemas/generated.ts'
import { redrivenForHeader, type RecordKind, type Topic } from '../topics/catalogue.ts'
import type { StoredRecord } from '../topics/log.ts'
import { decoded, storedRecords, type Corpus } from '../topics/reading.ts'
import { OffsetIndex } from './offset-index.ts'

/** Records of other topics. @throws MissingRecordError */
export interface Lookup {
  at<Kind extends RecordKind>(topic: Topic<Kind>, at: RecordPosition): Promise<RecordTypes[Kind]>
  /** Of a topic of records with ids. The first call reads the topic, the others what has come since where the id is new. */
  byId<Kind extends RecordKind>(topic: Topic<Kind>, id: string): Promise<RecordTypes[Kind]>
  /** The newest record of a key in a table, as the table was when it was first asked for; undefined where there is none. */
  newest<Kind extends RecordKind>(table: Topic<Kind>, key: string): Promise<RecordTypes[Kind] | undefined>
}

interface RecordPosition {
  partition: number
  offset: number
}

/** A record that another one names is not there, or cannot be read. */
export class MissingRecordError extends Error {}

/** One read takes in at least the record, and what lies behind it up to so many bytes: neighbours are often asked for next. */
const readBytes = 256 << 10

/** Looks up in a corpus. It holds on to the last read of each partition, and to an index of each topic that is asked for by id. */
export class CorpusLookup implements Lookup {
  readonly #corpus: Corpus
  readonly #lastReads = new Map<string, Map<number, StoredRecord>>()
  readonly #indexes = new Map<string, TopicIndex>()
  readonly #tables = new Map<string, Promise<Map<string, unknown>>>()

  constructor(corpus: Corpus) {
    this.#corpus = corpus
  }

  async at<Kind extends RecordKind>(
    topic: Topic<Kind>,
    { partition, offset }: RecordPosition,
  ): Promise<RecordTypes[Kind]> {
    const place = `${topic.name}/${partition}`
    let stored = this.#lastReads.get(place)?.get(offset)
    if (!stored) {
      const { records } = await this.#corpus.log.read(
        { topic: topic.name, partition, offset },
        { maxBytes: readBytes, maxWaitSeconds: 0 },
      )
      this.#lastReads.set(place, new Map(records.map((record) => [record.offset, record])))
      stored = records.find((record) => record.offset === offset)
    }
    const record = stored && (await decoded(this.#corpus.codec, topic, stored))
    if (!record) throw new MissingRecordError(`${place} offset ${offset} is no ${topic.kind}`)
    return record
  }

  async byId<Kind extends RecordKind>(topic: Topic<Kind>, id: string): Promise<RecordTypes[Kind]> {
    let index = this.#indexes.get(topic.name)
    if (!index) {
      index = new TopicIndex(this.#corpus, topic)
      this.#indexes.set(topic.name, index)
    }
    const at = index.find(id) ?? (await index.readOn(), index.find(id))
    const record = at && (await this.at(topic, at))
    if (!record || (record as { id?: string }).id !== id)
      throw new MissingRecordError(`no ${topic.kind} in ${topic.name} is called ${id}`)
    return record
  }

  async newest<Kind extends RecordKind>(table: Topic<Kind>, key: string): Promise<RecordTypes[Kind] | undefined> {
    let records = this.#tables.get(table.name)
    if (!records) {
      records = this.#readTable(table)
      this.#tables.set(table.name, records)
    }
    return (await records).get(key) as RecordTypes[Kind] | undefined
  }

  /** Tables are read again when they are next asked for. */
  forgetTables(): void {
    this.#tables.clear()
  }

  async #readTable<Kind extends RecordKind>(table: Topic<Kind>): Promise<Map<string, unknown>> {
    const records = new Map<string, unknown>()
    for (let partition = 0; partition < table.partitions; partition++) {
      for await (const stored of storedRecords(this.#corpus.log, table.name, partition, 0)) {
        const record = await decoded(this.#corpus.codec, table, stored)
        if (record) records.set(table.keyOf(record), record)
      }
    }
    return records
  }
}

/** Where each id of a topic lies. */
class TopicIndex {
  readonly #corpus: Corpus
  readonly #topic: Topic
  readonly #next: number[]
  readonly #places = new OffsetIndex()

  constructor(corpus: Corpus, topic: Topic) {
    this.#corpus = corpus
    this.#topic = topic
    this.#next = Array.from({ length: topic.partitions }, () => 0)
  }

  find(id: string): RecordPosition | undefined {
    const place = this.#places.get(id)
    if (place === undefined) return undefined
    const { partitions } = this.#topic
    return { partition: place % partitions, offset: Math.floor(place / partitions) }
  }

  async readOn(): Promise<void> {
    const { name, partitions } = this.#topic
    for (const [partition, from] of this.#next.entries()) {
      for await (const stored of storedRecords(this.#corpus.log, name, partition, from)) {
        this.#next[partition] = stored.offset + 1
        if (stored.headers?.[redrivenForHeader] !== undefined) continue
        const record = await decoded(this.#corpus.codec, this.#topic, stored)
        if (record) this.#places.set((record as unknown as { id: string }).id, stored.offset * partitions + partition)
      }
    }
  }
}
