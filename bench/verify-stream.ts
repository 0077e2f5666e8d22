/**
 * Verification in the stream: does it keep up with the rollouts, and how often is a wrong one passed?
 *
 *   node dist/bench/verify-stream.js [--problems 300] [--speed 50] [--keep] [--json]
 *
 * Grows a corpus in a temporary folder with the simulated endpoint, whose tokens come `speed` times as fast as a real
 * model's, watches the two processors second by second, and then asks the quality report what the simulator's truth says
 * of the verdicts. Exits 1 when the report calls a passed attempt wrong that neither its reference nor its tests explain.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    problems: { type: 'string', default: '300' },
    speed: { type: 'string', default: '50' },
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const speed = Number(values.speed)
const built = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'wellspring-verify-stream-'))
const data = join(folder, 'data')
const truth = join(folder, 'truth.jsonl')
const environment = {
  ...process.env,
  WELLSPRING_SIMULATOR_SPEED: values.speed,
  WELLSPRING_SIMULATOR_TRUTH_FILE: truth,
}

/** One processor in one line of `wellspring up --json`. */
interface Status {
  readonly name: string
  readonly inFlight: number
  readonly backlog: number
  readonly counts: { readonly finished: number }
}

/** Runs a built script; hands its lines on. Resolves with the exit code. */
function run(script: string, args: readonly string[], hear: (line: string) => void = () => undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(built, script), ...args], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    createInterface({ input: child.stdout }).on('line', hear)
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

interface Moment {
  readonly seconds: number
  readonly rollouts: number
  readonly verdicts: number
  readonly queued: number
}

const moments: Moment[] = []
const seeds = join(built, '..', 'examples', 'seeds.jsonl')
let failed = await run('cli/main.js', ['ingest', seeds, '--as', 'seeds', '--data', data])
failed ||= await run(
  'cli/main.js',
  ['up', '--data', data, '--no-kafka', '--problems', values.problems, '--json'],
  (line) => {
    const status = JSON.parse(line) as { atMs?: number; processors?: readonly Status[] }
    const of = (name: string): Status | undefined => status.processors?.find((each) => each.name === name)
    const verifying = of('verify-rollout')
    if (status.atMs === undefined || !verifying) return
    moments.push({
      seconds: status.atMs / 1000,
      rollouts: of('roll-out')?.counts.finished ?? 0,
      verdicts: verifying.counts.finished,
      queued: verifying.backlog,
    })
  },
)
const report: string[] = []
let unexplained = 0
if (failed === 0)
  unexplained = await run('scripts/quality.js', ['--data', data, '--truth', truth], (line) => report.push(line))
if (!values.keep) rmSync(folder, { recursive: true, force: true })
if (failed !== 0) throw new Error(`the run ended with exit code ${failed}`)

const last = moments.at(-1)
const first = moments.find(({ rollouts }) => rollouts > 0)
if (!last || !first) throw new Error('no rollouts were made')
const rolling = moments.filter(({ rollouts }) => rollouts > 0 && rollouts < last.rollouts)
const lastRollout = moments.find(({ rollouts }) => rollouts === last.rollouts) ?? last
// While more is queued than the lanes hold, verdicts come as fast as verification can give them.
const busy = moments.slice(1).flatMap((moment, index) => {
  const before = moments[index]!
  return Math.min(before.queued, moment.queued) > 16
    ? [{ seconds: moment.seconds - before.seconds, verdicts: moment.verdicts - before.verdicts }]
    : []
})
const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)
const busySeconds = sum(busy.map(({ seconds }) => seconds))
const rolloutsPerSecond = (last.rollouts - first.rollouts) / Math.max(1, lastRollout.seconds - first.seconds)
const figures = {
  problems: Number(values.problems),
  speed,
  rollouts: last.rollouts,
  verdicts: last.verdicts,
  rolloutsPerSecond,
  // What the same endpoint would make at the speed of a real model.
  rolloutsPerSecondAtRealSpeed: rolloutsPerSecond / speed,
  verdictsPerSecond: (last.verdicts - first.verdicts) / Math.max(1, last.seconds - first.seconds),
  verdictsPerSecondWithAQueue: busySeconds >= 3 ? sum(busy.map(({ verdicts }) => verdicts)) / busySeconds : null,
  mostQueued: Math.max(...moments.map(({ queued }) => queued)),
  secondsWithAQueueWhileRolling: rolling.filter(({ queued }) => queued > 16).length,
  secondsFromLastRolloutToLastVerdict: last.seconds - lastRollout.seconds,
  loadAverage: loadavg()[0],
}
if (values.json) console.log(JSON.stringify({ ...figures, report }))
else {
  const { verdictsPerSecondWithAQueue: withQueue } = figures
  console.log(
    `${figures.rollouts} rollouts, ${figures.verdicts} verdicts; while rolling out ${rolloutsPerSecond.toFixed(1)} rollouts/s at ${speed} times real speed ` +
      `(${figures.rolloutsPerSecondAtRealSpeed.toFixed(2)}/s at real speed)`,
  )
  console.log(
    `verdicts/s over the run ${figures.verdictsPerSecond.toFixed(1)}, with a queue ${withQueue?.toFixed(1) ?? '(never more than a moment)'}` +
      `; at most ${figures.mostQueued} queued; ${figures.secondsFromLastRolloutToLastVerdict.toFixed(0)} s from the last rollout to the last verdict; load average ${figures.loadAverage?.toFixed(1)}`,
  )
  for (const line of report) console.log(`  ${line}`)
}
if (last.verdicts !== last.rollouts || unexplained !== 0) process.exitCode = 1
