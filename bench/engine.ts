/**
 * The engine's own cost: a no-op processor with 100 records in flight, exactly-once, against a bare loop that reads,
 * decodes, encodes and writes the same records with the same commits' size. Alternating rounds in one run; medians.
 * `node dist/bench/engine.js [--records N] [--rounds N] [--json]`
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Metrics } from '../engine/metrics.ts'
import type { Inference, Verification } from '../engine/ports.ts'
import { defineProcessor } from '../engine/processor.ts'
import { Runtime } from '../engine/runtime.ts'
import type { Seed } from '../schemas/generated.ts'
import { topicSpecifications, type Topic } from '../topics/catalogue.ts'
import { RecordCodec } from '../topics/codec.ts'
import { openEmbeddedLog } from '../topics/embedded/log.ts'
import type { Log, OutgoingRecord } from '../topics/log.ts'

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
})
const recordCount = Number(values.records)
const rounds = Number(values.rounds)

function seedTopic(name: string): Topic<'seed'> {
  return { name, kind: 'seed', key: 'id', partitions: 1, retention: 'kept', keyOf: ({ id }) => id }
}
const input = seedTopic('bench-in')
const output = seedTopic('bench-out')

const noOperation = defineProcessor({
  name: 'no-operation',
  summary: 'Passes every record on.',
  version: 1,
  inputs: { seeds: input },
  tables: {},
  outputs: { seed: output },
  roles: [],
  settings: {},
  metrics: {},
  discards: [],
  onSpine: [],
  onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
  // A turn of the event loop's microtasks, as every real processor takes at least one.
  process: { seeds: async (seed, { emit }) => Promise.resolve(emit.seed({ ...seed })) },
})

/** About 1 KB in the wire format. */
function seedRecord(number: number): Seed {
  return {
    id: `seed-${number.toString(16).padStart(24, '0')}`,
    parentIds: [],
    domain: 'math',
    recipe: 'bench',
    createdAtMs: 1_700_000_000_000 + number,
    simulated: false,
    source: 'bench',
    sourceId: String(number),
    statement: 'How many ordered pairs of positive integers have this sum? '.repeat(15),
    checks: null,
    publishedAt: null,
  }
}

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
      const record = seedRecord(from + index)
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
  const runtime = new Runtime({
    log,
    processors: [{ declaration: noOperation, config: {}, limits: { maxInFlight: 100 } }],
    inference: { modelsOf: () => [] } as unknown as Inference,
    verification: {} as Verification,
    metrics: new Metrics(),
    simulated: true,
  })
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
