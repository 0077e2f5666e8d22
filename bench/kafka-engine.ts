/**
 * The engine's cost on Kafka: a no-op processor, exactly-once, against the usual loop on kafkajs' own consumer and transactional
 * producer (read a batch, decode, encode, send, offsets, commit). Records of 1 KB, 10 KB and 400 KB, alternating rounds, medians.
 * `node dist/bench/kafka-engine.js --kafka 127.0.0.1:9092 --registry http://127.0.0.1:8081/apis/ccompat/v7 [--rounds N] [--scale X] [--sizes 1,10,400]
 * [--compressions none,gzip] [--json]`
 */
import { randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'
import { groupOf } from '../engine/runtime.ts'
import { topicSpecifications } from '../topics/catalogue.ts'
import { RecordCodec } from '../topics/codec.ts'
import { openKafkaLog } from '../topics/kafka/log.ts'
import type { OutgoingRecord } from '../topics/log.ts'
import { passOn, runtimeOf, seedRecord } from './pass-on.ts'
import { readOptions, refuseUsage } from '../scripts/options.ts'

const program = {
  call: 'npm run bench:kafka',
  about: "The engine's cost on Kafka against the usual loop on kafkajs. Needs a broker and a registry: npm run kafka.",
}
const values = readOptions(program, {
  kafka: { type: 'string', doc: 'brokers, such as 127.0.0.1:9092' },
  registry: { type: 'string', doc: 'URL of the schema registry' },
  rounds: { type: 'string', default: '3', doc: 'of both' },
  scale: { type: 'string', default: '1', doc: 'multiplies the number of records' },
  sizes: { type: 'string', default: '1,10,400', doc: 'of the records in KB' },
  compressions: { type: 'string', default: 'none,gzip', doc: 'of the batches: none, gzip' },
  json: { type: 'boolean', default: false, doc: 'a line of JSON for each figure' },
})
const { kafka, registry } = values
if (kafka === undefined || registry === undefined)
  refuseUsage(program, '--kafka and --registry are needed: `npm run kafka` starts both')
const rounds = Number(values.rounds)
const brokers = kafka.split(',')
const partitions = 4
const { CompressionTypes, Kafka, logLevel } = kafkajs

const { input, output, processor } = passOn(partitions)

const words =
  'how many ordered pairs of positive integers have this sum let be prime triangle circle divides product modulo least greatest value real such that find all solutions'.split(
    ' ',
  )

/** Words in an order of their own for each record: text compresses about as prose does. */
function textOf(number: number, bytes: number): string {
  const parts: string[] = []
  let state = number + 1
  for (let length = 0; length < bytes;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const word = state % 5 === 0 ? String(state) : (words[(state >>> 8) % words.length] ?? '')
    parts.push(word)
    length += word.length + 1
  }
  return parts.join(' ')
}

const compression = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP }
type CompressionName = keyof typeof compression

async function openFilled(count: number, bytes: number, compressed: CompressionName) {
  const namespace = `bench-${randomUUID().slice(0, 8)}`
  const log = await openKafkaLog({
    connection: { brokers, clientId: 'bench' },
    registry: { url: registry ?? '' },
    registersSchemas: true,
    namespace,
    compression: compressed,
  })
  const spread = [input, output].map(({ name }) => ({ name, partitions, compacted: false }))
  await log.ensureTopics([...topicSpecifications(), ...spread], [groupOf(processor)])
  const codec = new RecordCodec(log.schemas)
  for (const topic of [input, output]) await codec.prepare(topic.name, topic.kind)
  const perAppend = Math.max(1, Math.floor((1 << 20) / bytes))
  for (let from = 0; from < count; from += perAppend) {
    const batch = Array.from({ length: Math.min(perAppend, count - from) }, (_, index): OutgoingRecord => {
      const record = seedRecord(from + index, textOf(from + index, bytes - 120))
      const partition = Math.floor(from / perAppend) % partitions
      return { topic: input.name, partition, key: record.id, value: codec.encode(input.name, 'seed', record) }
    })
    await log.append(batch, `fill/${from}`)
  }
  return { log, codec, namespace }
}

/** Committed records a second between a tenth and nine tenths of all: without joining, and without the last commit's wait. */
class Pace {
  readonly #count: number
  #from: { done: number; atMs: number } | undefined
  #to: { done: number; atMs: number } | undefined

  constructor(count: number) {
    this.#count = count
  }

  reached(done: number): void {
    const now = { done, atMs: performance.now() }
    if (done >= this.#count * 0.1) this.#from ??= now
    if (done <= this.#count * 0.9 || !this.#to) this.#to = now
  }

  get perSecond(): number {
    const [from, to] = [this.#from, this.#to]
    if (!from || !to || to.atMs <= from.atMs) throw new Error('too few records to measure: raise --scale')
    return ((to.done - from.done) * 1000) / (to.atMs - from.atMs)
  }
}

/** Records a second of the usual loop. */
async function bareLoop(count: number, bytes: number, compressed: CompressionName): Promise<number> {
  const { log, codec, namespace } = await openFilled(count, bytes, compressed)
  const client = new Kafka({ brokers, clientId: 'bare', logLevel: logLevel.NOTHING, retry: { retries: 20 } })
  const groupId = `${namespace}.bare`
  const consumer = client.consumer({ groupId, maxBytesPerPartition: 1 << 20, maxWaitTimeInMs: 100 })
  const producer = client.producer({
    transactionalId: groupId,
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  })
  await Promise.all([consumer.connect(), producer.connect()])
  await consumer.subscribe({ topic: `${namespace}.${input.name}`, fromBeginning: true })
  let done = 0
  let finish!: () => void
  const finished = new Promise<void>((resolve) => (finish = resolve))
  const pace = new Pace(count)
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    async eachBatch({ batch, resolveOffset }) {
      const messages = batch.messages.map(({ key, value }) => ({
        key,
        partition: batch.partition,
        value: codec.encode(output.name, 'seed', codec.decode('seed', value ?? Buffer.alloc(0))),
      }))
      const transaction = await producer.transaction()
      // kafkajs never splits what one `send` brings, and groups it in quadratic time: in pieces it does best.
      for (let from = 0; from < messages.length; from += 500) {
        await transaction.send({
          topic: `${namespace}.${output.name}`,
          messages: messages.slice(from, from + 500),
          compression: compression[compressed],
        })
      }
      await transaction.sendOffsets({
        consumerGroupId: groupId,
        topics: [
          {
            topic: batch.topic,
            partitions: [{ partition: batch.partition, offset: String(Number(batch.lastOffset()) + 1) }],
          },
        ],
      })
      await transaction.commit()
      resolveOffset(batch.lastOffset())
      done += messages.length
      pace.reached(done)
      if (done >= count) finish()
    },
  })
  await finished
  await Promise.all([consumer.disconnect(), producer.disconnect(), log.close()])
  return pace.perSecond
}

async function throughEngine(count: number, bytes: number, compressed: CompressionName): Promise<number> {
  const { log } = await openFilled(count, bytes, compressed)
  const runtime = runtimeOf(log, processor, { maxInFlight: 256 })
  const pace = new Pace(count)
  await runtime.start()
  for (let done = 0; done < count;) {
    await Promise.race([runtime.failed, new Promise((resolve) => setTimeout(resolve, 5))])
    done = runtime.status()[0]?.counts.finished ?? 0
    pace.reached(done)
  }
  await runtime.drain(AbortSignal.timeout(10_000))
  await log.close()
  return pace.perSecond
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0
}

const scale = Number(values.scale)
const sizes = new Set(values.sizes.split(',').map((size) => `${size} KB`))
const chosenCompressions = values.compressions.split(',') as CompressionName[]
for (const [label, bytes, count] of [
  ['1 KB', 1024, 120_000 * scale],
  ['10 KB', 10_240, 24_000 * scale],
  ['400 KB', 409_600, 1000 * scale],
] as const) {
  if (!sizes.has(label)) continue
  for (const compressed of chosenCompressions) {
    const bare: number[] = []
    const engine: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      bare.push(await bareLoop(count, bytes, compressed))
      engine.push(await throughEngine(count, bytes, compressed))
    }
    const ratio = median(engine.map((rate, round) => rate / (bare[round] ?? 1)))
    const what = `records of ${label}, compression ${compressed}`
    for (const line of [
      { name: `bare kafkajs loop, ${what}, records/s`, value: Math.round(median(bare)) },
      { name: `no-op processor, ${what}, records/s`, value: Math.round(median(engine)) },
      {
        name: `no-op processor against the bare loop, ${what}`,
        value: Number(ratio.toFixed(2)),
        goal: 0.8,
        ok: ratio >= 0.8,
      },
    ])
      process.stdout.write(
        values.json
          ? `${JSON.stringify(line)}\n`
          : `${line.name}: ${line.value}${'goal' in line ? ` (goal ${line.goal}: ${line.ok ? 'met' : 'missed'})` : ''}\n`,
      )
  }
}
