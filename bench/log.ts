/**
 * The embedded log against a bare LMDB loop that writes the same bytes and awaits the same flush, in the same run:
 * `node dist/bench/log.js [--json] [--seconds 0.6] [--rounds 11] [--directory DIR]`. Ends with 1 when a goal is missed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { openEmbeddedLog } from '../topics/embedded/log.ts'
import type { Log, OutgoingRecord } from '../topics/log.ts'
import { readOptions } from '../scripts/options.ts'

const program = {
  call: 'npm run bench:log',
  about: 'The embedded log against a bare LMDB loop; ends with 1 where a goal is missed.',
}
const flags = readOptions(program, {
  json: { type: 'boolean', default: false, doc: 'a line of JSON for each figure' },
  seconds: { type: 'string', default: '0.6', doc: 'of each measurement' },
  rounds: { type: 'string', default: '11', doc: 'of all measurements' },
  directory: { type: 'string', default: tmpdir(), doc: 'where the logs are made' },
})
const seconds = Number(flags.seconds)
const rounds = Number(flags.rounds)

const words =
  'let the sum of all roots be even then we have to show that no prime divides it so assume n is larger than one and write f as a product'.split(
    ' ',
  )

/** Records per second of `committers` loops that each await their commit of `recordsPerCommit` records before the next. */
async function rate(
  committers: number,
  recordsPerCommit: number,
  commit: (committer: number) => Promise<unknown>,
): Promise<number> {
  const startedAt = performance.now()
  const endAt = startedAt + seconds * 1000
  let records = 0
  await Promise.all(
    Array.from({ length: committers }, async (_, committer) => {
      while (performance.now() < endAt) {
        await commit(committer)
        records += recordsPerCommit
      }
    }),
  )
  return records / ((performance.now() - startedAt) / 1000)
}

async function inFolder<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(flags.directory, 'wellspring-bench-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** One put of all the bytes a commit, awaited. */
function bareRate(committers: number, recordsPerCommit: number, recordBytes: number): Promise<number> {
  return inFolder(async (directory) => {
    const root = open<Buffer, Buffer>({
      path: directory,
      encoding: 'binary',
      keyEncoding: 'binary',
      overlappingSync: false,
    })
    const database = root.openDB<Buffer, Buffer>('log', { encoding: 'binary', keyEncoding: 'binary' })
    const value = Buffer.alloc(recordsPerCommit * recordBytes, 1)
    let sequence = 0
    const result = await rate(committers, recordsPerCommit, (committer) => {
      const key = Buffer.alloc(12)
      key.writeUInt32BE(committer + 1, 0)
      key.writeUIntBE(sequence++, 6, 6)
      return database.put(key, value)
    })
    await root.close()
    return result
  })
}

/** Tasks that commit outputs, a state change and progress. */
function logRate(committers: number, recordsPerCommit: number, recordBytes: number): Promise<number> {
  return inFolder(async (directory) => {
    const log = await openEmbeddedLog({ directory, mode: 'owner' })
    await log.ensureTopics([{ name: 'outputs', partitions: committers, compacted: false }])
    const membership = await log.join(
      { name: 'bench', inputs: [], tasks: committers },
      { gained: () => undefined, lost: () => undefined, failed: () => undefined },
    )
    const tasks = await Promise.all(Array.from({ length: committers }, (_, task) => membership.open(task)))
    const outputs = tasks.map((_, partition) => recordsFor(partition, recordsPerCommit, recordBytes))
    const sequences = tasks.map(() => 0)
    const progress = Buffer.alloc(64, 1)
    const result = await rate(committers, recordsPerCommit, async (committer) => {
      const sequence = (sequences[committer] ?? 0) + 1
      sequences[committer] = sequence
      await tasks[committer]?.commit({
        sequence,
        outputs: outputs[committer] ?? [],
        state: [{ key: 'cursor', value: progress }],
        progress,
      })
    })
    await log.close()
    return result
  })
}

function recordsFor(partition: number, count: number, bytes: number): OutgoingRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    topic: 'outputs',
    partition,
    key: `p-${partition.toString().padStart(6, '0')}-${index.toString().padStart(6, '0')}`,
    value: textOf(bytes, index),
  }))
}

/** Text of made-up sentences, which compresses about as model output does. */
function textOf(bytes: number, seed: number): Buffer {
  const text = Buffer.alloc(bytes)
  let state = seed + 1
  let at = 0
  while (at < bytes) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    const word = state >>> 20
    at += text.write(`${words[word % words.length] ?? ''}${word % 5 === 0 ? String(word) : ''} `, at)
  }
  return text
}

/** Records per second of one reader from the start to the end, 1 MiB a read. */
function readRate(recordCount: number, recordBytes: number): Promise<number> {
  return inFolder(async (directory) => {
    const log = await openEmbeddedLog({ directory, mode: 'owner' })
    await log.ensureTopics([{ name: 'outputs', partitions: 1, compacted: false }])
    const records = recordsFor(0, 1000, recordBytes)
    for (let written = 0; written < recordCount; written += records.length) await log.append(records, `part ${written}`)
    const startedAt = performance.now()
    const read = await readAll(log)
    const elapsed = (performance.now() - startedAt) / 1000
    if (read !== recordCount) throw new Error(`read ${read} of ${recordCount} records`)
    await log.close()
    return read / elapsed
  })
}

async function readAll(log: Log): Promise<number> {
  let offset = 0
  let count = 0
  for (;;) {
    const { records, nextOffset } = await log.read(
      { topic: 'outputs', partition: 0, offset },
      { maxBytes: 1 << 20, maxWaitSeconds: 0 },
    )
    if (records.length === 0) return count
    count += records.length
    offset = nextOffset
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? NaN
}

function report(name: string, value: number, goal: number | null): void {
  const ok = goal === null || value >= goal
  if (!ok) process.exitCode = 1
  if (flags.json) console.log(JSON.stringify({ name, value, goal, ok }))
  else
    console.log(
      `${ok ? 'ok  ' : 'MISS'} ${name}: ${value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2)}${goal === null ? '' : ` (goal ${goal.toLocaleString('en')})`}`,
    )
}

async function compare(
  label: string,
  committers: number,
  recordsPerCommit: number,
  recordBytes: number,
  ratioGoal: number | null,
  rateGoal: number | null,
): Promise<void> {
  const ratios: number[] = []
  const bares: number[] = []
  const rates: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    // Alternating, so that a slow spell of the machine meets both.
    const first = round % 2 === 0 ? await bareRate(committers, recordsPerCommit, recordBytes) : undefined
    const own = await logRate(committers, recordsPerCommit, recordBytes)
    const bare = first ?? (await bareRate(committers, recordsPerCommit, recordBytes))
    ratios.push(own / bare)
    bares.push(bare)
    rates.push(own)
  }
  report(`${label}: bare lmdb, records/s`, median(bares), null)
  report(`${label}: embedded log, records/s`, median(rates), rateGoal)
  report(`${label}: embedded log / bare lmdb`, median(ratios), ratioGoal)
}

await compare('1 KB records, 100 a commit, 1 committer', 1, 100, 1024, 0.6, 50_000)
await compare('1 KB records, 100 a commit, 18 committers', 18, 100, 1024, 0.6, 50_000)
await compare('64 KB records, 4 a commit, 1 committer', 1, 4, 65_536, null, null)
report('read of 1 KB records, records/s', await readRate(300_000, 1024), null)
report('read of 64 KB records, records/s', await readRate(4000, 65_536), null)
