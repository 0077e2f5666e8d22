/** Topics that the stream wrote, read in Python by Confluent's own consumer and Avro deserializer, against what our own reader says. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { topics, type Topic } from '../../topics/catalogue.ts'
import { RecordCodec } from '../../topics/codec.ts'
import { newFolder, removeFolders, run, seedLines } from '../cli/command.ts'
import { readPartition } from '../engine/copy/corpus.ts'
import { requireOrSkip } from '../requirements.ts'
import { KafkaPlace } from './place.ts'
import { clientPackage, makePython } from './python.ts'

const execute = promisify(execFile)
const reader = fileURLToPath(new URL('reader.py', import.meta.url))
const { python, missing, remove } = await makePython()
afterAll(remove)

interface ReadRecord {
  topic: string
  partition: number
  offset: number
  key: string
  value: Record<string, unknown>
}

describe.runIf(requireOrSkip(missing ?? clientPackage, missing === undefined))('a reader in Python', () => {
  let place: KafkaPlace
  beforeAll(async () => {
    place = await KafkaPlace.create()
    const cwd = newFolder()
    const { brokers, registry } = inject('kafka')
    const onKafka = ['--kafka', brokers.join(','), '--registry', registry, '--namespace', place.namespace]
    for (const parts of [
      ['topics', 'apply'],
      ['ingest', '-', '--as', 'seeds'],
      // Attempted whatever becomes of those that are drawn.
      ['ingest', '-', '--as', 'problems'],
      ['up', '--problems', '4', '--set', 'simulator.speed=5000', '--set', 'sample-concepts.domainShares=math=1'],
    ]) {
      const { exitCode, stderr } = await run([...parts, ...onKafka], { cwd, input: seedLines(4) })
      expect(exitCode, stderr).toBe(0)
    }
    await writeAndAbort(place.names.topic(topics.problems.name))
  }, 300_000)
  afterAll(async () => {
    await place.remove()
    removeFolders()
  })

  /** A transaction that is given up: whoever reads committed records alone never sees it. */
  async function writeAndAbort(topic: string): Promise<void> {
    const kafka = new kafkajs.Kafka({ brokers: inject('kafka').brokers, logLevel: kafkajs.logLevel.NOTHING })
    const producer = kafka.producer({ transactionalId: `${topic}-abort`, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ key: 'aborted', value: 'no record', partition: 0 }] })
    await transaction.abort()
    await producer.disconnect()
  }

  /** What our own reader says, in JSON's words. */
  async function ourRecords(topic: Topic): Promise<ReadRecord[]> {
    const log = await place.open()
    try {
      const codec = new RecordCodec(log.schemas)
      const all: ReadRecord[] = []
      for (let partition = 0; partition < topic.partitions; partition++) {
        for (const { key, offset, value } of await readPartition(log, topic.name, partition)) {
          await codec.learn(value)
          const record = JSON.parse(JSON.stringify(codec.decode(topic.kind, value))) as ReadRecord['value']
          all.push({ topic: place.names.topic(topic.name), partition, offset, key, value: record })
        }
      }
      return all
    } finally {
      await log.close()
    }
  }

  it('sees the same records in all topics, field by field, and nothing that was not committed', async () => {
    const { brokers, registry } = inject('kafka')
    const all = Object.values(topics) as Topic[]
    const parts = [reader, brokers.join(','), registry, ...all.map(({ name }) => place.names.topic(name))]
    const { stdout } = await execute(python, parts, { maxBuffer: 1 << 30 })
    const read = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ReadRecord)
    const bySite = (a: ReadRecord, b: ReadRecord): number => a.partition - b.partition || a.offset - b.offset
    for (const topic of all) {
      const theirs = read.filter((record) => record.topic === place.names.topic(topic.name)).sort(bySite)
      const ours = (await ourRecords(topic)).sort(bySite)
      expect(theirs, topic.name).toEqual(ours)
    }
    const filled = new Set(read.map(({ topic }) => topic))
    for (const topic of [
      topics.seeds,
      topics.conceptEmbeddings,
      topics.problems,
      topics.verdicts,
      topics.outcomes,
      topics.ledger,
      topics.recipes,
    ])
      expect(filled, `${topic.name} is empty`).toContain(place.names.topic(topic.name))
  }, 120_000)
})
