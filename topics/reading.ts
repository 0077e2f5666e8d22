/** Reading a log from outside any task: raw records of a partition, and what they decode to. */
import type { RecordTypes } from '../schemas/generated.ts'
import type { RecordKind, Topic } from './catalogue.ts'
import { UndecodableError, type RecordCodec } from './codec.ts'
import type { Log, StoredRecord } from './log.ts'

/** A log and the codec of its records. */
export interface Corpus {
  log: Log
  codec: RecordCodec
}

/** The raw records of one partition, from an offset to another, or to the end as it is now. */
export async function* storedRecords(
  log: Log,
  topic: string,
  partition: number,
  from = 0,
  to = Infinity,
): AsyncGenerator<StoredRecord> {
  const extent = await log.offsets(topic, partition)
  const { start } = extent
  const end = Math.min(extent.end, to)
  for (let offset = Math.max(start, from); offset < end;) {
    const { records, nextOffset } = await log.read(
      { topic, partition, offset },
      { maxBytes: 1 << 20, maxWaitSeconds: 0 },
    )
    for (const record of records) if (record.offset < end) yield record
    if (nextOffset <= offset) return
    offset = nextOffset
  }
}

/** The newest record of each key of a topic, of those that it is told of in their order. */
export class NewestRecords<Kind extends RecordKind> {
  readonly #topic: Topic<Kind>
  readonly #records = new Map<string, RecordTypes[Kind]>()

  constructor(topic: Topic<Kind>) {
    this.#topic = topic
  }

  add(record: RecordTypes[Kind]): void {
    this.#records.set(this.#topic.keyOf(record), record)
  }

  /** In the order in which their keys came. */
  all(): RecordTypes[Kind][] {
    return [...this.#records.values()]
  }
}

/** The record, or undefined for bytes that are none of the topic's kind. */
export async function decoded<Kind extends RecordKind>(
  codec: RecordCodec,
  topic: Topic<Kind>,
  { value }: StoredRecord,
): Promise<RecordTypes[Kind] | undefined> {
  if (!codec.knows(value)) await codec.learn(value)
  try {
    return codec.decode(topic.kind, value)
  } catch (error) {
    if (error instanceof UndecodableError) return undefined
    throw error
  }
}
