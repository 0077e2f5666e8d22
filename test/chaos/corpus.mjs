// Reads a whole corpus of the embedded log beside its owner, or where none lives: every record of every topic, every task's
// progress, and the calls that unfinished records keep in their task's state.
import { existsSync } from 'node:fs'
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

/** Runs `use` with a log that reads the folder, and closes it. */
export async function withClient(directory, use) {
  const log = await openEmbeddedLog({ directory, mode: 'client' })
  try {
    return await use(log)
  } finally {
    await log.close()
  }
}

/**
 * The records read so far, by topic. `read` adds what is new; a record read once stays, so transient topics may be cut between
 * two reads. Each record: { id, record, topic, partition, offset, key, headers }; `record` is undefined where the bytes are none.
 */
export class Corpus {
  #directory
  #records = new Map()
  #readTo = new Map()

  constructor(directory) {
    this.#directory = directory
  }

  /** The records of a topic, by partition and offset. */
  of(topicName) {
    return this.#records.get(topicName) ?? []
  }

  /** Reads to the end as it is now. @returns a snapshot of what is committed beside the records */
  async read() {
    const snapshot = await withClient(this.#directory, async (log) => {
      const codec = new RecordCodec(log.schemas)
      const progress = await readProgress(log, codec)
      const ends = new Map()
      for (const description of await log.describeTopics()) {
        const topic = Object.values(topics).find(({ name }) => name === description.name)
        for (let partition = 0; partition < description.partitions; partition += 1) {
          ends.set(
            `${description.name}/${partition}`,
            await this.#readOn(log, codec, { topic, name: description.name, partition }),
          )
        }
      }
      return { progress, ends }
    })
    return {
      ...snapshot,
      kept: existsSync(this.#directory) ? await readKeptCalls(this.#directory, snapshot.progress) : [],
    }
  }

  async #readOn(log, codec, { topic, name, partition }) {
    const place = `${name}/${partition}`
    const { start, end } = await log.offsets(name, partition)
    const records = this.#records.get(name) ?? []
    this.#records.set(name, records)
    let offset = Math.max(start, this.#readTo.get(place) ?? 0)
    while (offset < end) {
      const result = await log.read({ topic: name, partition, offset }, { maxBytes: readBytes, maxWaitSeconds: 0 })
      for (const stored of result.records) {
        if (stored.offset >= end) continue
        if (topic) await codec.learn(stored.value)
        const record = topic && decoded(codec, topic.kind, stored.value)
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
    }
    this.#readTo.set(place, Math.max(end, this.#readTo.get(place) ?? 0))
    return end
  }
}

function decoded(codec, kind, value) {
  try {
    return codec.decode(kind, value)
  } catch (error) {
    if (error instanceof UndecodableError) return undefined
    throw error
  }
}

/** Processor -> task number -> { sequence, counts, inputs: topic -> { nextOffset, unfinished: Set } }. */
async function readProgress(log, codec) {
  const all = new Map()
  for (const { name } of processors) {
    const tasks = new Map()
    for (const { task, sequence, value } of await log.progress(name)) {
      await codec.learn(value)
      const progress = codec.decode('progress', value)
      const inputs = new Map(
        progress.inputs.map(({ topic, nextOffset, unfinished }) => [
          topic,
          { nextOffset, unfinished: new Set(fromDistances(unfinished)) },
        ]),
      )
      tasks.set(task, { sequence, recordedSequence: progress.sequence, counts: progress.counts, inputs })
    }
    all.set(name, tasks)
  }
  return all
}

/** Calls of unfinished records, each { processor, task, topic, offset, purpose }. */
async function readKeptCalls(directory, progress) {
  const environment = openForReading(directory)
  if (!environment) return []
  try {
    return [...progress].flatMap(([processor, tasks]) =>
      [...tasks.keys()].flatMap((task) => {
        const prefix = statePrefix('', processor, task)
        return [...environment.entries(stateKeys(prefix, 'c:'))].map(({ key, value }) => {
          const text = key.toString('utf8', prefix.length)
          const [, topic, offset, purpose] = keptCallKey.exec(text) ?? []
          decodeSequenced(value, `kept call ${text} of ${processor} task ${task}`)
          return { processor, task, topic, offset: Number(offset), purpose }
        })
      }),
    )
  } finally {
    await environment.close()
  }
}

/** The dead letters of a corpus: where each record lay and which processor gave it up. */
export function deadLettersOf(corpus) {
  return corpus.of(deadLetters.name).map(({ headers }) => ({
    processor: headers['__connect.errors.stage'],
    topic: headers['__connect.errors.topic'],
    partition: Number(headers['__connect.errors.partition']),
    offset: Number(headers['__connect.errors.offset']),
  }))
}
