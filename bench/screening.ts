/**
 * How fast statements are screened for near-duplicates on one thread, what each costs in memory, whether that grows, and how
 * long a restart takes; against datasketch's MinHash LSH on the first 50,000 in the same run.
 *
 *   node dist/bench/screening.js [--statements 1000000] [--peers | --python PATH] [--json]
 *
 * The statements are written by the simulator's families before the clock starts. --peers installs datasketch into a virtual
 * environment in the cache folder (once).
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { decodeFeatures, encodeFeatures, featuresOf, NearDuplicateIndex } from '../curation/near-duplicates.ts'
import { changelogSubject } from '../engine/task/changelog.ts'
import { emptyCounts } from '../engine/counts.ts'
import { RecordCodec } from '../topics/codec.ts'
import { openEmbeddedLog } from '../topics/embedded/log.ts'
import { installEnvironment } from '../scripts/virtual-environment.ts'
import { FAMILIES } from '../simulator/families/all.ts'
import { Random } from '../simulator/random.ts'
import { Figures } from './figures.ts'

const { values: options } = parseArgs({
  options: {
    statements: { type: 'string', default: '1000000' },
    peers: { type: 'boolean', default: false },
    python: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const total = Number(options.statements)
const comparedWithPeer = Math.min(50_000, total)
const chunk = 10_000
const settings = { rule: 'words-and-numbers', wordSimilarity: 0.8, commonWordStatements: Infinity } as const
const figures = new Figures(options.json)

/** A statement of its own: families repeat themselves in a million draws, so the number of the draw is part of it. */
function statementOf(number: number): string {
  const random = new Random('screening', number)
  const problem = random.pick(FAMILIES).draw(random, 1.5 + 6 * random.next())
  return `${problem.statement(random)} Exercise ${1_000_000 + number}.`
}

const keyOf = (statement: string): string => createHash('sha256').update(statement).digest('hex')

interface Screened {
  /** Seconds of processor time for each chunk. */
  seconds: number[]
  found: number
  index: NearDuplicateIndex
}

function screen(onKept: (key: string, features: Buffer) => void): Screened {
  const index = new NearDuplicateIndex(settings)
  const seconds: number[] = []
  let found = 0
  for (let start = 0; start < total; start += chunk) {
    const statements = Array.from({ length: Math.min(chunk, total - start) }, (_, at) => statementOf(start + at))
    const keys = statements.map(keyOf)
    const before = process.cpuUsage()
    const kept: Buffer[] = []
    for (const [at, statement] of statements.entries()) {
      const features = featuresOf(statement)
      if (index.find(features)) found++
      else index.add(keys[at] ?? '', features)
      kept.push(encodeFeatures(features))
    }
    const { user, system } = process.cpuUsage(before)
    seconds.push((user + system) / 1e6)
    for (const [at, features] of kept.entries()) onKept(keys[at] ?? '', features)
    if (!options.json && seconds.length % 10 === 0)
      console.log(`${start + statements.length} statements, ${Math.round(chunk / (seconds.at(-1) ?? 1))} a second`)
  }
  return { seconds, found, index }
}

/** Takes the state up from a real log, as a task does when it opens. */
async function restart(log: Awaited<ReturnType<typeof openEmbeddedLog>>, codec: RecordCodec): Promise<number> {
  const membership = await log.join({ name: 'screen-problem', inputs: ['problems'], tasks: 1 }, ignored)
  const startedAtMs = performance.now()
  const open = await membership.open(0)
  const index = new NearDuplicateIndex(settings)
  let entries = 0
  for (const { key, value } of open.state.entries('s:')) {
    const features = decodeFeatures(codec.decode('statement-owner', value).features)
    if (features) index.add(key.slice(2), features)
    if (++entries % 256 === 0) await new Promise<void>((resolve) => setImmediate(resolve))
  }
  const seconds = (performance.now() - startedAtMs) / 1000
  if (index.size !== total) throw new Error(`expected ${total} entries after the restart, got ${index.size}`)
  await open.close()
  await membership.leave()
  return seconds
}

const ignored = { gained: () => undefined, lost: () => undefined, failed: () => undefined }

const folder = mkdtempSync(join(tmpdir(), 'wellspring-screening-'))
try {
  const log = await openEmbeddedLog({ directory: join(folder, 'log'), mode: 'owner' })
  await log.ensureTopics([{ name: 'problems', partitions: 1, compacted: false }])
  const codec = new RecordCodec(log.schemas)
  const subject = changelogSubject('screen-problem', 'statement-owner')
  await codec.prepare(subject, 'statement-owner')
  const progressSubject = changelogSubject('screen-problem', 'progress')
  await codec.prepare(progressSubject, 'progress')
  const membership = await log.join({ name: 'screen-problem', inputs: ['problems'], tasks: 1 }, ignored)
  const open = await membership.open(0)
  let changes: { key: string; value: Uint8Array }[] = []
  const waiting: (typeof changes)[] = []
  const screened = screen((key, features) => {
    const value = codec.encode(subject, 'statement-owner', { problemId: `problem-${key.slice(0, 32)}`, features })
    changes.push({ key: `s:${key}`, value })
    if (changes.length === 2000) waiting.push(changes.splice(0))
  })
  waiting.push(changes)
  changes = []
  for (const [at, state] of waiting.entries()) {
    const sequence = at + 1
    const progress = { sequence, inputs: [], counts: emptyCounts(), committedAtMs: Date.now() }
    await open.commit({ sequence, outputs: [], state, progress: codec.encode(progressSubject, 'progress', progress) })
  }
  await open.close()
  await membership.leave()

  const mean = (part: readonly number[]): number => part.reduce((sum, one) => sum + one, 0) / part.length
  const { seconds, found, index } = screened
  const all = total / seconds.reduce((sum, one) => sum + one, 0)
  figures.tell('screening statements a second', all, '>= 10000', all >= 10_000)
  // The first chunk is compiled while it runs.
  const early = mean(seconds.slice(1, 4))
  const late = mean(seconds.slice(-3))
  if (seconds.length >= 8)
    figures.tell('screening late cost over early cost', late / early, '<= 1.5', late / early <= 1.5)
  const bytes = index.bytes / index.size
  figures.tell('screening bytes of memory a statement', bytes, '< 500', bytes < 500)
  figures.tell('screening duplicates found', found, 'stated', true)
  const restartSeconds = await restart(log, codec)
  figures.tell(`screening seconds to restart with ${index.size} statements`, restartSeconds, 'stated', true)
  await log.close()
  const python = options.python ?? (options.peers ? await interpreterWithPeer() : undefined)
  if (python !== undefined) {
    const peer = peerRate(python, join(folder, 'statements.json'))
    const own =
      comparedWithPeer / seconds.slice(0, Math.ceil(comparedWithPeer / chunk)).reduce((sum, one) => sum + one, 0)
    figures.tell('datasketch statements a second', peer, 'stated', true)
    figures.tell('screening over datasketch', own / peer, '> 1', own > peer)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = figures.missed > 0 ? 1 : 0

async function interpreterWithPeer(): Promise<string> {
  const environment = {
    folder: 'screening-peer',
    name: 'datasketch',
    installs: [{ wheels: ['datasketch'] }],
    mebibytes: 200,
  }
  return await installEnvironment(environment, (line) => console.error(line))
}

/** Statements a second of processor time that datasketch hashes, looks up and inserts. */
function peerRate(python: string, file: string): number {
  writeFileSync(file, JSON.stringify(Array.from({ length: comparedWithPeer }, (_, number) => statementOf(number))))
  const program = `
import json, re, sys, time
from datasketch import MinHash, MinHashLSH
statements = json.load(open(sys.argv[1]))
lsh = MinHashLSH(threshold=0.8, num_perm=100)
started = time.process_time()
for number, statement in enumerate(statements):
    sketch = MinHash(num_perm=100)
    sketch.update_batch([word.encode() for word in set(re.findall("[a-z]{3,}", statement.lower()))])
    if not lsh.query(sketch):
        lsh.insert(str(number), sketch)
print(len(statements) / (time.process_time() - started))
`
  const { stdout, stderr, status } = spawnSync(python, ['-c', program, file], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`datasketch failed: ${stderr}`)
  return Number(stdout)
}
