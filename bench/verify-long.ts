/**
 * One long run of `wellspring verify code`: does its memory stay flat and its speed the same?
 *
 *   node dist/bench/verify-long.js [--programs 100000] [--threads 2] [--json]
 *
 * Feeds trivial programs, every tenth of them wrong, to one command, checks every verdict, and once a second adds up the
 * memory of all its processes. Prints each tenth of the run. Exits 1 when a verdict was wrong, the memory grew, or the last
 * tenth was slower than the first: by the clock, and by processor time, which neighbours on the machine disturb less.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { familyOf, ProcessorClock } from './processor-clock.ts'

const { values } = parseArgs({
  options: {
    programs: { type: 'string', default: '100000' },
    threads: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
  },
})
const programs = Number(values.programs)
const TENTHS = 10
const SAMPLE_MS = 1000
// What the done-when of the project asks for, and how much the memory may differ between early and late.
const LEAST_SPEED = 0.95
const MOST_MEMORY = 1.1

interface Sample {
  readonly tenth: number
  readonly processes: number
  readonly megabytes: number
}

/** Memory of the processes, MiB: pages that several share count once where the kernel tells, else for each. */
function megabytesOf(pids: readonly number[]): number {
  let kilobytes = 0
  for (const pid of pids) {
    try {
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
    } catch {
      try {
        kilobytes += 4 * Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
      } catch {
        // It has ended.
      }
    }
  }
  return kilobytes / 1024
}

const isWrong = (index: number): boolean => index % 10 === 3

const main = fileURLToPath(new URL('../cli/main.js', import.meta.url))
const child = spawn(process.execPath, [main, 'verify', 'code', '--threads', values.threads], {
  stdio: ['pipe', 'pipe', 'inherit'],
})
const root = child.pid ?? 0
let answered = 0
let misjudged = 0
const samples: Sample[] = []
const marks: { readonly milliseconds: number; readonly processor: number }[] = []
const clock = new ProcessorClock()
const mark = (): void => {
  clock.look(familyOf(root))
  marks.push({ milliseconds: performance.now(), processor: clock.seconds })
}

const sampling = setInterval(() => {
  const pids = familyOf(root)
  clock.look(pids)
  const tenth = Math.min(TENTHS - 1, Math.floor((answered / programs) * TENTHS))
  if (answered > 0) samples.push({ tenth, processes: pids.length, megabytes: megabytesOf(pids) })
}, SAMPLE_MS)

createInterface({ input: child.stdout }).on('line', (line) => {
  const { id, reason } = JSON.parse(line) as { id: number; reason: string }
  if (answered === 0) mark()
  answered += 1
  if (reason !== (isWrong(id) ? 'wrong_answer' : 'passed')) misjudged += 1
  if (answered % Math.ceil(programs / TENTHS) === 0) mark()
})
for (let index = 0; index < programs; index += 1) {
  const output = isWrong(index) ? '41' : '42'
  const line = { id: index, program: `print(2 * int(input()))  # ${index}`, tests: [{ input: '21\n', output }] }
  if (!child.stdin.write(`${JSON.stringify(line)}\n`)) await once(child.stdin, 'drain')
}
child.stdin.end()
const [code] = (await once(child, 'close')) as [number | null]
clearInterval(sampling)

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length
const tenths = marks.slice(1).map((end, index) => {
  const begin = marks[index] ?? end
  const here = samples.filter(({ tenth }) => tenth === index)
  const count = programs / TENTHS
  return {
    tenth: index + 1,
    programsPerSecond: (count / (end.milliseconds - begin.milliseconds)) * 1000,
    processorMsPerProgram: ((end.processor - begin.processor) / count) * 1000,
    megabytes: here.length === 0 ? null : mean(here.map(({ megabytes }) => megabytes)),
    mostMegabytes: here.length === 0 ? null : Math.max(...here.map(({ megabytes }) => megabytes)),
    mostProcesses: here.length === 0 ? null : Math.max(...here.map(({ processes }) => processes)),
  }
})
const first = tenths[0]
const last = tenths.at(-1)
const settled = tenths[1] ?? first
if (!first || !last || !settled) throw new Error(`too few programs were answered: ${answered} of ${programs}`)
const figures = {
  programs,
  answered,
  misjudged,
  exitCode: code,
  loadAverage: loadavg()[0],
  // The last tenth over the first: programs a second, and programs per second of processor time.
  speed: last.programsPerSecond / first.programsPerSecond,
  speedByProcessor: first.processorMsPerProgram / last.processorMsPerProgram,
  // The last tenth over the second: the first still warms up.
  memory: last.megabytes === null || settled.megabytes === null ? null : last.megabytes / settled.megabytes,
}
if (values.json) console.log(JSON.stringify({ ...figures, tenths }))
else {
  for (const row of tenths)
    console.log(
      `tenth ${String(row.tenth).padStart(2)}  ${row.programsPerSecond.toFixed(0).padStart(5)} programs/s  ${row.processorMsPerProgram.toFixed(2)} ms of processor each  ` +
        (row.megabytes === null
          ? 'too short for a sample'
          : `${row.megabytes.toFixed(1)} MiB on average, ${row.mostMegabytes?.toFixed(1)} at most, ${row.mostProcesses} processes at most`),
    )
  console.log(
    `${answered} of ${programs} answered by one command (exit code ${code}), ${misjudged} misjudged; last tenth over first: ` +
      `${figures.speed.toFixed(3)} by the clock, ${figures.speedByProcessor.toFixed(3)} by processor time; ` +
      `memory of the last tenth over the second: ${figures.memory?.toFixed(3) ?? 'unknown'}; load average ${figures.loadAverage?.toFixed(1)}`,
  )
}
if (answered !== programs || misjudged > 0 || code !== 0) process.exitCode = 1
if (Math.max(figures.speed, figures.speedByProcessor) < LEAST_SPEED || (figures.memory ?? 1) > MOST_MEMORY)
  process.exitCode = 1
