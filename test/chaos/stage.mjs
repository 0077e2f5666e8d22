// What both chaos programs stand on: commands of Wellspring in processes of their own, a simulated endpoint with a request log,
// numbers that depend on a seed alone.
import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { humanLines } from './seeds.mjs'

/** The command as it was built. */
export const builtCommand = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** Prints a line. */
export const say = (line) => process.stdout.write(`${line}\n`)

const started = new Set()
process.on('exit', () => {
  for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))

/** Numbers from 0 to 1 that depend on the seed alone. */
export function randomFrom(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The environment without settings of the caller's. */
function cleanEnvironment(extra) {
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(WELLSPRING|OPENAI)_/.test(name))),
    ...extra,
  }
}

/** Starts the command. @returns the child, its end, and what it wrote on stderr */
export function start(parts, { command = builtCommand, folder, environment = {}, stdin = 'ignore' }) {
  const child = spawn(process.execPath, [command, ...parts], {
    cwd: folder,
    env: cleanEnvironment(environment),
    stdio: [stdin, 'pipe', 'pipe'],
  })
  started.add(child)
  const run = { child, stderr: '', lastLine: '' }
  child.stderr.setEncoding('utf8').on('data', (text) => (run.stderr += text))
  const lines = createInterface({ input: child.stdout })
  run.firstLine = new Promise((resolve) => lines.once('line', resolve))
  lines.on('line', (line) => (run.lastLine = line))
  run.ended = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      started.delete(child)
      resolve({ code, signal, atMs: Date.now() })
    })
  })
  return run
}

/** Runs the command to its end. @throws Error where it ends with another code than 0 */
export async function complete(parts, options) {
  const run = start(parts, options)
  const { code } = await run.ended
  if (code !== 0) throw new Error(`wellspring ${parts.join(' ')} ended with ${code}: ${run.stderr.trim()}`)
  return run
}

/** Starts the simulated endpoint. */
export async function startSimulator(folder, { command, speed, seed, requestLog }) {
  const run = start(
    [
      ...['simulate', '--port', '0', '--json', '--until-stdin-ends', '--request-log', requestLog],
      ...['--speed', String(speed), '--seed', String(seed)],
    ],
    { command, folder, stdin: 'pipe' },
  )
  const line = await Promise.race([run.firstLine, run.ended])
  if (typeof line !== 'string') throw new Error(`the simulator did not start: ${run.stderr}`)
  return {
    url: JSON.parse(line).url,
    child: run.child,
    async stop() {
      run.child.stdin.end()
      await run.ended
    },
  }
}

/** Problems of humans: the project's examples, or for want of them those of seeds.mjs. */
export function humanProblems() {
  const examples = fileURLToPath(new URL('../../examples/seeds.jsonl', import.meta.url))
  if (!existsSync(examples)) return humanLines
  return readFileSync(examples, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line))
}

/** Takes lines into a corpus; `place` are the flags that say where it lies. */
export async function ingest(lines, sort, { folder, command, place }) {
  const file = join(folder, `${sort}.jsonl`)
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  await complete(['ingest', file, '--as', sort, ...place], { command, folder })
}

/** Bytes that are no record, for topics that nobody on the spine reads: each must become one dead letter. */
export function poisonRecords(ordinal) {
  return ['rollouts', 'traces'].map((topic) => ({
    topic,
    partition: ordinal % 12,
    key: `poison-${ordinal}`,
    value: Buffer.from(`no record ${ordinal}`),
  }))
}

/** The endpoint's request log as it grows: whole lines only, each read once. */
export class RequestLog {
  #file
  #events = []
  #rest = ''
  #position = 0
  constructor(file) {
    this.#file = file
  }

  /** All events so far; the same list each time, longer. */
  events() {
    if (!existsSync(this.#file)) return this.#events
    const file = openSync(this.#file, 'r')
    const buffer = Buffer.allocUnsafe(1 << 20)
    try {
      for (;;) {
        const count = readSync(file, buffer, 0, buffer.length, this.#position)
        if (count === 0) return this.#events
        this.#position += count
        // Ids and counts are ASCII.
        const lines = (this.#rest + buffer.toString('latin1', 0, count)).split('\n')
        this.#rest = lines.pop()
        for (const line of lines) if (line !== '') this.#events.push(JSON.parse(line))
      }
    } finally {
      closeSync(file)
    }
  }
}
