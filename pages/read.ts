/** Records of a corpus, as pages read them. */
import type { RecordTypes } from '../schemas/generated.ts'
import { redrivenForHeader, type RecordKind, type Topic } from '../topics/catalogue.ts'
import { LogError, type StoredRecord } from '../topics/log.ts'
import { decoded, storedRecords, type Corpus } from '../topics/reading.ts'

/** A record with where it lies. */
interface Read<Kind extends RecordKind> {
  record: RecordTypes[Kind]
  stored: StoredRecord
}

/** The end of every partition of a topic as it is now; none where the corpus lacks the topic, as one of an earlier release may. */
export async function endsOf({ log }: Corpus, topic: { name: string; partitions: number }): Promise<number[]> {
  try {
    const partitions = Array.from({ length: topic.partitions }, (_, partition) => log.offsets(topic.name, partition))
    return (await Promise.all(partitions)).map(({ end }) => end)
  } catch (error) {
    if (error instanceof LogError && error.code === 'unknown_topic') return []
    throw error
  }
}

/** The records of a topic up to these ends, a partition after the other. What is no record of it is left to `onUnreadable`. */
export async function* recordsTo<Kind extends RecordKind>(
  corpus: Corpus,
  topic: Topic<Kind>,
  ends: readonly number[],
  onUnreadable: (stored: StoredRecord) => void,
): AsyncGenerator<Read<Kind>> {
  for (const [partition, end] of ends.entries()) {
    for await (const stored of storedRecords(corpus.log, topic.name, partition, 0, end)) {
      const record = await recordOf(corpus, topic, stored)
      if (record === undefined) onUnreadable(stored)
      else if (record !== 'repeat') yield { record, stored }
    }
  }
}

/** The record; `repeat` for one that was put back from dead-letters, which all but one processor have seen before. */
export async function recordOf<Kind extends RecordKind>(
  { codec }: Corpus,
  topic: Topic<Kind>,
  stored: StoredRecord,
): Promise<RecordTypes[Kind] | 'repeat' | undefined> {
  if (stored.headers?.[redrivenForHeader] !== undefined) return 'repeat'
  return await decoded(codec, topic, stored)
}
