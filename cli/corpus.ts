/** Opening a corpus, wherever it lies, and reading whole topics of it. */
import { existsSync } from 'node:fs'
import type { Processor } from '../engine/processor.ts'
import type { RecordTypes } from '../schemas/generated.ts'
import { redrivenForHeader, topics, topicSpecifications, type RecordKind, type Topic } from '../topics/catalogue.ts'
import { RecordCodec } from '../topics/codec.ts'
import { LogError, type Log, type StoredRecord } from '../topics/log.ts'
import { decoded, NewestRecords, storedRecords, type Corpus } from '../topics/reading.ts'
import { CommandError, exitCodes } from './exit.ts'
import { placeOf, type Place } from './place.ts'
import { replayNoteOf, upstreamFlags } from './replay/folder.ts'
import { note } from './terminal.ts'

export { decoded, storedRecords, type Corpus }

/**
 * Opens the corpus to run processors on it. In a folder it makes the topics that are missing; on Kafka it looks whether those of the
 * processors are there. @throws LogError 'owned', 'unknown_topic', 'topic_mismatch' and what opening throws
 */
export async function openCorpus(place: Place, processors: readonly Processor[] = []): Promise<Corpus> {
  if (place.kind === 'kafka') {
    const { openOnKafka } = await import('./kafka.ts')
    const { topicsAndGroupsOf } = await import('./needs.ts')
    const log = await openOnKafka(place)
    try {
      const { specifications, groups } = topicsAndGroupsOf(processors)
      await log.administration.check(specifications, groups)
    } catch (error) {
      await log.close()
      throw error
    }
    return corpusOf(log)
  }
  const replayed = replayNoteOf(place.directory)
  if (replayed)
    throw new CommandError(
      exitCodes.badInput,
      `${place.directory} holds a replay of ${replayed.upstream.data ?? replayed.upstream.namespace}: run processors there, and replay again`,
    )
  const { openEmbeddedLog } = await import('../topics/embedded/log.ts')
  const log = await openEmbeddedLog({ directory: place.directory, mode: 'owner' })
  await log.ensureTopics(topicSpecifications())
  return corpusOf(log)
}

/** Opens the corpus beside whoever runs it: to read, and to hand writes over. With `create`, a folder that is missing is made. */
export async function openBeside(place: Place, { create = false } = {}): Promise<Corpus> {
  if (place.kind === 'kafka') return corpusOf(await (await import('./kafka.ts')).openOnKafka(place))
  const { directory } = place
  if (!create && !existsSync(directory)) {
    throw new CommandError(
      exitCodes.ioError,
      `there is no corpus in ${directory}; make one with \`wellspring ingest FILE --as seeds\`, or name its folder with --data DIR`,
    )
  }
  const { openEmbeddedLog } = await import('../topics/embedded/log.ts')
  const log = await openEmbeddedLog({ directory, mode: 'client' })
  await log.ensureTopics(topicSpecifications())
  const replayed = replayNoteOf(directory)
  if (!replayed) return corpusOf(log)
  try {
    const { LayeredLog } = await import('../engine/replay/layered-log.ts')
    const below = await openBeside(await placeOf(upstreamFlags(replayed)))
    return corpusOf(new LayeredLog(log, below.log, new Set(replayed.stored)))
  } catch (error) {
    await log.close()
    throw error
  }
}

function corpusOf(log: Log): Corpus {
  return { log, codec: new RecordCodec(log.schemas) }
}

/** Opens a corpus, does the work and closes it. Commands that a failure advises lead to this corpus. */
export async function useCorpus<Opened extends Corpus, Result>(
  place: Place,
  open: (place: Place) => Promise<Opened>,
  work: (corpus: Opened) => Promise<Result>,
): Promise<Result> {
  return await advisedFor(place, async () => {
    const corpus = await open(place)
    try {
      return await work(corpus)
    } finally {
      await corpus.log.close()
    }
  })
}

/** Does the work; a failure of the log that advises a command names it with the flags of this place. */
export async function advisedFor<Result>(place: Place, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof LogError)) throw error
    const message = error.message.replace(/`(wellspring [^`]+)`/g, `\`$1${place.flags.replaceAll('$', '$$$$')}\``)
    // A folder is not reached, it is read.
    if (place.kind === 'kafka' && error.code === 'unreachable')
      throw new CommandError(exitCodes.unavailable, message, { cause: error })
    throw new LogError(error.code, message, { cause: error })
  }
}

/** A record with where it lies. */
export interface ReadRecord<Kind extends RecordKind> {
  record: RecordTypes[Kind]
  stored: StoredRecord
}

/** Topics whose unreadable records were told of. */
const told = new Set<string>()

function tellOnce({ name, kind }: Topic, { partition, offset }: StoredRecord): void {
  if (told.has(name)) return
  told.add(name)
  note(
    `${name}/${partition} offset ${offset} is no ${kind} and is passed over, like all that follow of its sort; \`wellspring tail ${name}\` shows them`,
  )
}

/**
 * The decoded records of a topic, all partitions or one, to its end as it is now. What is no record of the topic is passed over
 * and told once (the processor that met it has made a dead letter of it), or left to `onUnreadable`.
 */
export async function* readTopic<Kind extends RecordKind>(
  { log, codec }: Corpus,
  topic: Topic<Kind>,
  partition?: number,
  onUnreadable: (topic: Topic, stored: StoredRecord) => void = tellOnce,
): AsyncGenerator<ReadRecord<Kind>> {
  const partitions =
    partition === undefined ? Array.from({ length: topic.partitions }, (_, number) => number) : [partition]
  for (const number of partitions) {
    for await (const stored of storedRecords(log, topic.name, number)) {
      if (stored.headers?.[redrivenForHeader] !== undefined) continue
      const record = await decoded(codec, topic, stored)
      if (record !== undefined) yield { record, stored }
      else onUnreadable(topic, stored)
    }
  }
}

/** The newest record of each key. */
export async function newestRecords<Kind extends RecordKind>(
  corpus: Corpus,
  topic: Topic<Kind>,
): Promise<RecordTypes[Kind][]> {
  const newest = new NewestRecords(topic)
  for await (const { record } of readTopic(corpus, topic)) newest.add(record)
  return newest.all()
}

/** Totals of the ledger by processor: the last entry of every task. */
export async function ledgerEntries(corpus: Corpus): Promise<RecordTypes['ledger-entry'][]> {
  return await newestRecords(corpus, topics.ledger)
}
