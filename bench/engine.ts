/**
 * The engine's own cost: a no-op processor with 100 records in flight, exactly-once, against a bare loop that reads,
 * decodes, encodes and writes the same records with the same commits' size. Alternating rounds in one run; medians.
 * `node dist/bench/engine.js [--records N] [--rounds N] [--json]`
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { topicSpecifications } from '../topics/catalogue.ts'
import { RecordCodec } from '../topics/codec.ts'
import { openEmbeddedLog } from '../topics/embedded/log.ts'
import type { Log, OutgoingRecord } from '../topics/log.ts'
import { passOn, runtimeOf, seedRecord } from './pass-on.ts'
import { readOptions } from '../scripts/options.ts'

const program = {
  call: 'npm run bench:engine',
  about: "The engine's own cost against a bare loop that moves the same records.",
}
const values = readOptions(program, {
  records: { type: 'string', default: '200000', doc: 'that are passed on' },
  rounds: { type: 'string', default: '3', doc: 'of both' },
  json: { type: 'boolean', default: false, doc: 'a line of JSON for each figure' },
})
const recordCount = Number(values.records)
const rounds = Number(values.rounds)

const { input, output, processor } = passOn(1)
/** About 1 KB in the wire format. */
const statement = 'How many ordered pairs of positive integers have this sum? '.repeat(15)

async function openFilled(directory: string): Promise<{ log: Log; codec: RecordCodec }> {
  const log = await openEmbeddedLog({ directory, mode: 'owner' })
  await log.ensureTopics([
    ...topicSpecifications(),
    ...[input, output].map(({ name }) => ({ name, partitions: 1, compacted: false })),
  ])
  const codec = new RecordCodec(log.schemas)
  for (const topic of [input, output]) await codec.prepare(topic.name, topic.kind)
  for (let from = 0; from < recordCount; from += 1000) {
    const batch = Array.from({ length: Math.min(1000, recordCount - from) }, (_, index): OutgoingRecord => {
      const record = seedRecord(from + index, statement)
      return { topic: input.name, partition: 0, key: record.id, value: codec.encode(input.name, 'seed', record) }
    })
    await log.append(batch, `fill/${from}`)
  }
  return { log, codec }
}

/** Records a second of the bare loop: reads, decodes, encodes and appends about 1 MiB at a time, durable before it goes on. */
async function bareLoop(directory: string): Promise<number> {
  const { log, codec } = await openFilled(directory)
  const startedAtMs = performance.now()
  let done = 0
  for (let offset = 0; done < recordCount;) {
    const { records, nextOffset } = await log.read(
      { topic: input.name, partition: 0, offset },
      { maxBytes: 1 << 20, maxWaitSeconds: 0 },
    )
    const written = records.map(({ key, value }) => ({
      topic: output.name,
      partition: 0,
      key,
      value: codec.encode(output.name, 'seed', codec.decode('seed', value)),
    }))
    await log.append(written, `bare/${offset}`)
    done += records.length
    offset = nextOffset
  }
  const seconds = (performance.now() - startedAtMs) / 1000
  await log.close()
  return recordCount / seconds
}

async function throughEngine(directory: string): Promise<number> {
  const { log } = await openFilled(directory)
  const runtime = runtimeOf(log, processor, { maxInFlight: 100 })
  const startedAtMs = performance.now()
  await runtime.start()
  while ((await log.offsets(output.name, 0)).end < recordCount)
    await Promise.race([runtime.failed, new Promise((resolve) => setTimeout(resolve, 5))])
  const seconds = (performance.now() - startedAtMs) / 1000
  await runtime.drain(AbortSignal.timeout(10_000))
  await log.close()
  return recordCount / seconds
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0
}

const bare: number[] = []
const engine: number[] = []
for (let round = 0; round < rounds; round++) {
  for (const [measure, results] of [
    [bareLoop, bare],
    [throughEngine, engine],
  ] as const) {
    const directory = await mkdtemp(join(tmpdir(), 'wellspring-bench-'))
    results.push(await measure(directory))
    await rm(directory, { recursive: true })
  }
}
const ratio = median(engine.map((rate, round) => rate / (bare[round] ?? 1)))
const lines = [
  { name: 'bare read-decode-encode-write loop, records/s', value: Math.round(median(bare)) },
  {
    name: 'no-op processor, 100 in flight, exactly-once, records/s',
    value: Math.round(median(engine)),
    goal: 25_000,
    ok: median(engine) >= 25_000,
  },
  { name: 'no-op processor against the bare loop', value: Number(ratio.toFixed(3)), goal: 0.25, ok: ratio >= 0.25 },
]
for (const line of lines)
  process.stdout.write(
    values.json
      ? `${JSON.stringify(line)}\n`
      : `${line.name}: ${line.value}${'goal' in line ? ` (goal ${line.goal}: ${line.ok ? 'met' : 'missed'})` : ''}\n`,
  )
