/**
 * `wellspring copy` at size: makes a corpus of at least so many records in a folder, copies it to Kafka and from there to a second folder,
 * each killed once with kill -9 in the middle and with a heap of 160 MB, and compares what both folders give: every export byte by byte,
 * `topics`, `explain`, all records but for their positions. Ends with a verdict, and with exit code 1 where anything differs or was not
 * seen: a kill that came too late, a command that failed, a corpus without pairs.
 * `node dist/bench/copy.js --kafka 127.0.0.1:9092 --registry http://127.0.0.1:8081/apis/ccompat/v7 [--records N] [--data DIR] [--no-kill]`
 */
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { writeCopyCorpus } from './copy-corpus.ts'

const { values } = parseArgs({
  allowNegative: true,
  options: {
    kafka: { type: 'string' },
    registry: { type: 'string' },
    records: { type: 'string', default: '100000' },
    /** A corpus that is there already, in place of one made here. */
    data: { type: 'string' },
    kill: { type: 'boolean', default: true },
  },
})
if (values.kafka === undefined || values.registry === undefined)
  throw new Error('--kafka and --registry are needed: see `npm run kafka`')
const command = fileURLToPath(new URL('../cli/main.js', import.meta.url))
const namespace = `copy-bench-${randomBytes(4).toString('hex')}`
const onKafka = ['--kafka', values.kafka, '--registry', values.registry, '--namespace', namespace]
const folder = mkdtempSync(join(tmpdir(), 'wellspring-copy-'))
const explained = 20
/** What a copy may take of V8's heap, in MB. */
const heapMb = 160
const say = (line: string): void => void process.stdout.write(`${line}\n`)

interface Ran {
  exitCode: number | null
  signal: NodeJS.Signals | null
  seconds: number
  /** The most memory that it held, in MiB, as seen now and then: with pages of files, and its own alone. 0 where the system does not tell. */
  residentMb: number
  anonymousMb: number
  digest: string
  lines: number
  lastLine: string
  stderr: string
}

interface RunOptions {
  /** Sees each line of the output, and may kill the command. */
  onLine?: (line: string, kill: () => void) => void
  nodeOptions?: readonly string[]
}

async function run(parts: readonly string[], { onLine, nodeOptions = [] }: RunOptions = {}): Promise<Ran> {
  const startedAtMs = performance.now()
  const child = spawn(process.execPath, [...nodeOptions, command, ...parts], { stdio: ['ignore', 'pipe', 'pipe'] })
  const hash = createHash('sha256')
  let stderr = ''
  let lastLine = ''
  let lines = 0
  let [residentMb, anonymousMb] = [0, 0]
  child.stdout.on('data', (chunk: Buffer) => hash.update(chunk))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines++
    lastLine = line
    onLine?.(line, () => child.kill('SIGKILL'))
  })
  const meter = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      const mbOf = (name: string): number =>
        Math.round(Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024)
      residentMb = Math.max(residentMb, mbOf('VmHWM'))
      anonymousMb = Math.max(anonymousMb, mbOf('RssAnon'))
    } catch {
      // Gone, or another system.
    }
  }, 200)
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  clearInterval(meter)
  return {
    exitCode,
    signal,
    seconds: (performance.now() - startedAtMs) / 1000,
    residentMb,
    anonymousMb,
    digest: hash.digest('hex'),
    lines,
    lastLine,
    stderr,
  }
}

async function succeed(parts: readonly string[], options?: RunOptions): Promise<Ran> {
  const ran = await run(parts, options)
  if (ran.exitCode === 0) return ran
  throw new Error(`wellspring ${parts.join(' ')} ended with ${ran.exitCode}: ${ran.stderr}`)
}

interface Report {
  records: number
  recordsBefore: number
  tasks: number
  stateEntries: number
  seconds: number
}

async function copy(from: string, to: string): Promise<void> {
  const parts = ['copy', '--from', from, '--to', to, '--apply', '--json', ...onKafka]
  const nodeOptions = [`--max-old-space-size=${heapMb}`]
  if (values.kill) {
    const onLine: RunOptions['onLine'] = (line, kill) => {
      const { phase, records, total } = JSON.parse(line) as { phase?: string; records: number; total: number }
      if (phase === 'tasks' || (phase === 'records' && records > 0.4 * total)) kill()
    }
    const killed = await run(parts, { nodeOptions, onLine })
    if (killed.signal !== 'SIGKILL')
      throw new Error(`the copy that was to be killed ended with ${killed.exitCode}: ${killed.stderr}`)
    say(`  killed with kill -9 after ${killed.seconds.toFixed(1)} s; ${memoryOf(killed)}`)
  }
  const ran = await succeed(parts, { nodeOptions })
  const { records, recordsBefore, tasks, stateEntries, seconds } = JSON.parse(ran.lastLine) as Report
  if (values.kill && recordsBefore === 0) throw new Error('the copy that was killed had copied nothing')
  say(
    `  ${records} records (${recordsBefore} before), ${tasks} tasks, ${stateEntries} state entries in ${seconds.toFixed(1)} s, check included; ${memoryOf(ran)}`,
  )
}

function memoryOf({ residentMb, anonymousMb }: Ran): string {
  return `heap limit ${heapMb} MB, ${anonymousMb} MiB anonymous and ${residentMb} MiB resident at most`
}

let differences = 0
function compare(what: string, a: string | number, b: string | number): void {
  if (a !== b) differences++
  say(`  ${what}: ${a === b ? 'identical' : `DIFFERENT (${a} and ${b})`}`)
}

/** Names, records and backlogs; the size on the disk depends on how batches were packed. */
async function topicsOf(data: string): Promise<string> {
  const rows: object[] = []
  await succeed(['topics', '--json', '--data', data], {
    onLine: (line) => {
      const { bytes: _, ...row } = JSON.parse(line) as { bytes: number }
      rows.push(row)
    },
  })
  return JSON.stringify(rows)
}

/** All records of a topic with where they lie. Where retention has been, a copy begins at 0 again: offsets are left out then. */
async function recordsOf(topic: string, data: string): Promise<string> {
  const hash = createHash('sha256')
  const isWhole = values.data === undefined
  const { lines } = await succeed(['tail', topic, '--data', data], {
    onLine: (line) => hash.update(isWhole ? line : line.replace(/"offset":-?\d+/g, '')),
  })
  return `${lines} lines, ${hash.digest('hex')}`
}

try {
  const a = values.data ?? join(folder, 'a')
  const b = join(folder, 'b')
  if (values.data === undefined) {
    const startedAtMs = performance.now()
    const records = await writeCopyCorpus(a, Number(values.records))
    say(`made ${records} records in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`)
  }
  say(`folder -> Kafka (${namespace})`)
  await copy(resolve(a), 'kafka')
  say('Kafka -> folder')
  await copy('kafka', b)
  say('both folders')
  for (const sort of ['pairs', 'sft', 'problems']) {
    const [before, after] = [await succeed(['export', sort, '--data', a]), await succeed(['export', sort, '--data', b])]
    compare(`export ${sort}, ${before.lines} rows`, before.digest, after.digest)
  }
  compare('topics: records and backlogs', await topicsOf(a), await topicsOf(b))
  for (const topic of ['verdicts', 'outcomes', 'discards', 'dead-letters', 'problems'])
    compare(
      `records of ${topic}${values.data === undefined ? ' and their positions' : ', positions apart'}`,
      await recordsOf(topic, a),
      await recordsOf(topic, b),
    )
  const ids: string[] = []
  await succeed(['tail', 'preference-pairs', '--last', '2', '--data', a], {
    onLine: (line) => ids.push((JSON.parse(line) as { id: string }).id),
  })
  if (ids.length === 0) throw new Error('the corpus has no pair that could be explained')
  let alike = 0
  for (const id of ids.slice(0, explained)) {
    const [before, after] = [await succeed(['explain', id, '--data', a]), await succeed(['explain', id, '--data', b])]
    if (before.digest === after.digest && before.lines > 5) alike++
  }
  compare(`explain of ${Math.min(ids.length, explained)} pairs`, alike, Math.min(ids.length, explained))
  say(differences === 0 ? 'verdict: identical' : `verdict: ${differences} differences`)
  process.exitCode = differences === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
