// Reads a whole corpus beside those who run it, on either log: every record of every topic, every task's progress, and the calls that
// unfinished records keep in their task's state. On Kafka all of it is read from the topics alone, as a new owner of a task would.
import { existsSync } from 'node:fs'
import { groupOf } from '../../dist/engine/runtime.js'
import { processors } from '../../dist/processors/index.js'
import { deadLetters, topics } from '../../dist/topics/catalogue.js'
import { RecordCodec, UndecodableError } from '../../dist/topics/codec.js'
import { openForReading } from '../../dist/topics/embedded/environment.js'
import { decodeSequenced, stateKeys, statePrefix } from '../../dist/topics/embedded/layout.js'
import { openEmbeddedLog } from '../../dist/topics/embedded/log.js'
import { fromDistances } from '../../dist/engine/progress.js'

/** What a task's state calls a kept call: `c:<topic>/<offset>/<purpose>`. */
const keptCallKey = /^c:([^/]+)\/(\d+)\/(.+)$/s
const readBytes = 4 << 20
/** Texts longer than this are cut: no law looks at them, and a long run has many. */
const longestText = 300

/** Runs `use` with a log that reads the folder, and closes it. */
export async function withClient(directory, use) {
  const log = await openEmbeddedLog({ directory, mode: 'client' })
  try {
    return await use(log)
  } finally {
    await log.close()
  }
}

/** A corpus in a folder. */
export class EmbeddedSource {
  #directory

  constructor(directory) {
    this.#directory = directory
  }

  async use(work) {
    return await withClient(this.#directory, work)
  }

  /** Names of the topics that are there. */
  async topicNames(log) {
    return (await log.describeTopics()).map(({ name }) => name)
  }

  /** Committed progress of every task, each { processor, task, sequence, value }. */
  async progress(log) {
    const lists = await Promise.all(processors.map(({ name }) => log.progress(name)))
    return lists.flat().map(({ group, ...one }) => ({ processor: group, ...one }))
  }

  /** Offsets are dense here: the ends tell how many records were appended, those included that compaction has removed. */
  appended(corpus, snapshot, { name, partitions }) {
    return Array.from({ length: partitions }, (_, partition) => snapshot.ends.get(`${name}/${partition}`) ?? 0).reduce(
      (sum, end) => sum + end,
      0,
    )
  }

  /** Keys of all kept calls, each { processor, task, key }. */
  async kept(progress) {
    const environment = existsSync(this.#directory) ? openForReading(this.#directory) : undefined
    if (!environment) return []
    try {
      return progress.flatMap(({ processor, task }) => {
        const prefix = statePrefix('', processor, task)
        return [...environment.entries(stateKeys(prefix, 'c:'))].map(({ key, value }) => {
          const text = key.toString('utf8', prefix.length)
          decodeSequenced(value, `kept call ${text} of ${processor} task ${task}`)
          return { processor, task, key: text }
        })
      })
    } finally {
      await environment.close()
    }
  }
}

/** What a changelog holds: state under this prefix, and the progress of each commit. */
const changelogState = 'state/'
const changelogProgress = 'progress'

/** A corpus on Kafka, by a log that stays open; states and progress come from the changelogs, read on from where they were read before. */
export class KafkaSource {
  #log
  #tasks = new Map()

  constructor(log) {
    this.#log = log
  }

  async use(work) {
    return await work(this.#log)
  }

  /** All are made before anything runs. */
  async topicNames() {
    return [...Object.values(topics), deadLetters].map(({ name }) => name)
  }

  /** As of EmbeddedSource, and by it all state is brought up to date. */
  async progress(log) {
    const places = processors.flatMap((declaration) => {
      const { name, tasks } = groupOf(declaration)
      return Array.from({ length: tasks }, (_, task) => ({ processor: name, task }))
    })
    await allOver(places.map(({ processor, task }) => this.#readOn(log, processor, task)))
    return places.flatMap(({ processor, task }) => {
      const { progress } = this.task(processor, task)
      return progress ? [{ processor, task, ...progress }] : []
    })
  }

  /** State and progress of a task by its changelog, below `end`. */
  task(processor, task) {
    const place = `${processor}/${task}`
    if (!this.#tasks.has(place)) this.#tasks.set(place, { end: 0, state: new Map(), progress: undefined, commits: [] })
    return this.#tasks.get(place)
  }

  /** Offsets have gaps, and nothing is compacted before it is read here: the records tell. */
  appended(corpus, snapshot, { name }) {
    return corpus.of(name).length
  }

  async kept() {
    return [...this.#tasks].flatMap(([place, { state }]) => {
      const [processor, task] = place.split('/')
      return [...state.keys()]
        .filter((key) => key.startsWith('c:'))
        .map((key) => ({ processor, task: Number(task), key }))
    })
  }

  async #readOn(log, processor, number) {
    const topic = `${processor}-changelog`
    const task = this.task(processor, number)
    const { start, end } = await log.offsets(topic, number)
    for (let offset = Math.max(start, task.end); offset < end;) {
      const read = await log.read({ topic, partition: number, offset }, { maxBytes: readBytes, maxWaitSeconds: 0 })
      for (const { key, value, offset: at, headers } of read.records) {
        // The port gives a tombstone as an empty value; no state is empty.
        if (key.startsWith(changelogState)) {
          const name = key.slice(changelogState.length)
          if (value.length === 0) task.state.delete(name)
          else task.state.set(name, { value, offset: at })
        } else if (key === changelogProgress) {
          const sequence = Number(headers?.['wellspring.sequence'])
          task.progress = { sequence, value }
          task.commits.push({ sequence, offset: at })
        }
      }
      if (read.nextOffset <= offset)
        throw new Error(`${topic}/${number} ends at ${end}, but nothing can be read from offset ${offset} on`)
      offset = read.nextOffset
      task.end = offset
    }
  }
}

/**
 * The records read so far, by topic. `read` adds what is new; a record read once stays, so transient topics may be cut between
 * two reads. Each record: { id, record, topic, partition, offset, key, headers }; `record` is undefined where the bytes are none.
 */
export class Corpus {
  #source
  #records = new Map()
  #readTo = new Map()

  constructor(source) {
    this.#source = source
  }

  /** The records of a topic, by partition and offset. */
  of(topicName) {
    return this.#records.get(topicName) ?? []
  }

  /** How many records a topic has been given by now. */
  appended(snapshot, topic) {
    return this.#source.appended(this, snapshot, topic)
  }

  /**
   * Reads to the end as it is now: progress first, then the records, so that of everything that the progress calls finished the outputs
   * are read too. @returns a snapshot of what is committed beside the records
   */
  async read() {
    return await this.#source.use(async (log) => {
      const codec = new RecordCodec(log.schemas)
      const committed = await this.#source.progress(log)
      const progress = await decodedProgress(codec, committed)
      const kept = (await this.#source.kept(committed)).map(({ processor, task, key }) => {
        const [, topic, offset, purpose] = keptCallKey.exec(key) ?? []
        return { processor, task, topic, offset: Number(offset), purpose }
      })
      const places = [...Object.values(topics), deadLetters].flatMap((topic) =>
        Array.from({ length: topic.partitions }, (_, partition) => ({ topic, partition })),
      )
      const known = new Set(await this.#source.topicNames(log))
      const ends = await allOver(
        places
          .filter(({ topic }) => known.has(topic.name))
          .map(async ({ topic, partition }) => [
            `${topic.name}/${partition}`,
            await this.#readOn(log, codec, topic, partition),
          ]),
      )
      return { progress, ends: new Map(ends), kept }
    })
  }

  async #readOn(log, codec, { name, kind }, partition) {
    const place = `${name}/${partition}`
    const { start, end } = await log.offsets(name, partition)
    let records = this.#records.get(name)
    if (!records) this.#records.set(name, (records = []))
    for (let offset = Math.max(start, this.#readTo.get(place) ?? 0); offset < end;) {
      const result = await log.read({ topic: name, partition, offset }, { maxBytes: readBytes, maxWaitSeconds: 0 })
      for (const stored of result.records) {
        if (stored.offset >= end) continue
        if (kind) await codec.learn(stored.value)
        const record = kind && decoded(codec, kind, stored.value)
        records.push({
          id: record?.id,
          record,
          topic: name,
          partition,
          offset: stored.offset,
          key: stored.key,
          headers: stored.headers ?? {},
        })
      }
      if (result.nextOffset <= offset)
        throw new Error(`${place} ends at ${end}, but nothing can be read from offset ${offset} on`)
      offset = result.nextOffset
      // What lies beyond the end is read the next time.
      this.#readTo.set(place, Math.min(offset, end))
    }
    return end
  }
}

/** `Promise.all` that rejects only when all are over: one that reads on after a failure would read beside the next look. */
async function allOver(promises) {
  const results = await Promise.allSettled(promises)
  for (const result of results) if (result.status === 'rejected') throw result.reason
  return results.map(({ value }) => value)
}

function decoded(codec, kind, value) {
  try {
    const record = codec.decode(kind, value)
    for (const [name, field] of Object.entries(record))
      if (typeof field === 'string' && field.length > longestText) record[name] = field.slice(0, longestText)
    return record
  } catch (error) {
    if (error instanceof UndecodableError) return undefined
    throw error
  }
}

/** Processor -> task number -> { sequence, recordedSequence, counts, inputs: topic -> { nextOffset, unfinished: Set } }. */
async function decodedProgress(codec, committed) {
  const all = new Map(processors.map(({ name }) => [name, new Map()]))
  for (const { processor, task, sequence, value } of committed) {
    await codec.learn(value)
    const progress = codec.decode('progress', value)
    const inputs = new Map(
      progress.inputs.map(({ topic, nextOffset, unfinished }) => [
        topic,
        { nextOffset, unfinished: new Set(fromDistances(unfinished)) },
      ]),
    )
    all.get(processor).set(task, { sequence, recordedSequence: progress.sequence, counts: progress.counts, inputs })
  }
  return all
}

/** The dead letters of a corpus: where each record lay, which processor gave it up, and why. */
export function deadLettersOf(corpus) {
  return corpus.of(deadLetters.name).map(({ headers }) => ({
    processor: headers['__connect.errors.stage'],
    topic: headers['__connect.errors.topic'],
    partition: Number(headers['__connect.errors.partition']),
    offset: Number(headers['__connect.errors.offset']),
    code: headers['__connect.errors.exception.class.name'],
    message: headers['__connect.errors.exception.message'],
  }))
}
