/**
 * Whether `wellspring plan` tells the truth: three runs with settings of their own on the simulated endpoint, each against what the plan says
 * of it beforehand. The plan is given what a user would give it: a corpus that was grown before with the default settings, from other random
 * numbers, and how many tokens a second its endpoint wrote meanwhile.
 * `npm run bench:plan -- [--problems 3000] [--speed 4] [--slots 32] [--json] [--only NAME]`
 * Ends with 1 where a figure is off by more than 15 %. Needs a machine that has cores to spare: what the plan tells is what endpoints limit. At a speed
 * at which calls end within half a second, the seconds between commits limit it too, and slots stay empty that a real endpoint would fill.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Capacity } from '../cli/capacity.ts'
import { machine } from '../cli/capacity-assumptions.ts'
import type { ProcessorStatus } from '../engine/runtime.ts'
import { Figures } from './figures.ts'
import { readOptions } from '../scripts/options.ts'

const program = {
  call: 'npm run bench:plan',
  about: 'Whether `wellspring plan` foretells three runs; ends with 1 where a figure is off by more than 15 %.',
}
const values = readOptions(program, {
  problems: { type: 'string', default: '3000', doc: 'of each run' },
  speed: { type: 'string', default: '4', doc: 'of the simulated endpoints' },
  slots: { type: 'string', default: '32', doc: 'of each endpoint' },
  only: { type: 'string', doc: 'one of the runs, by its name' },
  from: { type: 'string', doc: 'a corpus that is there already, to measure by' },
  'tokens-per-second': { type: 'string', doc: 'how fast its endpoint was' },
  'call-tokens-per-second': { type: 'string', doc: 'how fast one call was there' },
  keep: { type: 'boolean', default: false, doc: 'keep the folders' },
  json: { type: 'boolean', default: false, doc: 'a line of JSON for each figure' },
})
const problems = Number(values.problems)
const slots = Number(values.slots)
const tolerance = 0.15
/** The share of a run that is left out: the stream fills. */
const fillingShare = 0.25

/** A run that the plan has to foretell: so many endpoints, other rules, other random numbers. */
interface Scenario {
  name: string
  endpoints: number
  seed: number
  settings: readonly string[]
}

const scenarios: readonly Scenario[] = [
  { name: "the paper's rules", endpoints: 1, seed: 22, settings: ['profile=paper'] },
  {
    name: 'four attempts, five votes',
    endpoints: 1,
    seed: 33,
    settings: ['plan-rollouts.attempts=4', 'vote-answer.generations=5'],
  },
  {
    name: 'mathematics twice as often, on two endpoints',
    endpoints: 2,
    seed: 44,
    settings: ['sample-concepts.domainShares=math=2,code=1', 'plan-rollouts.tooEasyAt=0.75'],
  },
]

const command = fileURLToPath(new URL('../cli/main.js', import.meta.url))
const seeds = fileURLToPath(new URL('../../examples/seeds.jsonl', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'wellspring-plan-'))
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(WELLSPRING|OPENAI)_/.test(name))) // prettier-ignore
const running = new Set<ChildProcess>()
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
const note = (line: string): void => void process.stderr.write(`${line}\n`)

function start(parts: readonly string[], extra: Readonly<Record<string, string>> = {}): ChildProcess {
  const child = spawn(process.execPath, [command, ...parts], {
    cwd: folder,
    env: { ...environment, ...extra },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  running.add(child)
  child.once('close', () => running.delete(child))
  return child
}

/** Runs a command to its end. @returns what it wrote */
async function run(
  parts: readonly string[],
  extra: Readonly<Record<string, string>> = {},
  onLine?: (line: string, child: ChildProcess) => void,
): Promise<string> {
  // prettier-ignore
  const child = start(parts, extra)
  let output = ''
  if (child.stdout)
    createInterface({ input: child.stdout }).on('line', (line) => {
      output = onLine ? '' : `${output}${line}\n`
      onLine?.(line, child)
    })
  const code = await new Promise<number | null>((settle, reject) => child.once('error', reject).once('close', settle))
  // A run that has seen enough is told to end.
  if (code !== 0 && !(onLine && code === 130)) throw new Error(`wellspring ${parts.join(' ')} ended with ${code}`)
  return output
}

interface Simulator {
  url: string
  stop: () => Promise<void>
}

/** One endpoint of so many slots: more of them are one with more. */
async function startSimulator(endpoints: number, seed: number): Promise<Simulator> {
  const child = start([
    ...['simulate', '--port', '0', '--json', '--until-stdin-ends', '--seed', String(seed)],
    ...['--speed', values.speed, '--slots', String(slots * endpoints)],
  ])
  const ended = new Promise<void>((settle) => child.once('close', () => settle()))
  const line = await new Promise<string>((settle, reject) => {
    if (child.stdout) createInterface({ input: child.stdout }).once('line', settle)
    child.once('close', () => reject(new Error('the simulator did not start')))
  })
  return {
    url: (JSON.parse(line) as { url: string }).url,
    stop: async () => {
      child.stdin?.end()
      await ended
    },
  }
}

/** Totals at a moment of a run. */
type Totals = Pick<
  Capacity,
  'problems' | 'checked' | 'verdicts' | 'pairs' | 'sftRows' | 'calls' | 'completionTokens'
> & { seconds: number; callSeconds: number; disk: number }

/** Processors that work on human problems alone, and once. */
const besides = new Set(['extract-concepts', 'embed-concepts'])

/** Grows a corpus for so many problems. @returns what came between the filling and the end */
async function grow(data: string, { endpoints, seed, settings }: Omit<Scenario, 'name'>): Promise<Totals> {
  const simulator = await startSimulator(endpoints, seed)
  await run(['ingest', seeds, '--as', 'seeds', '--data', data, '--no-kafka'])
  const startedAtMs = performance.now()
  let first: Totals | undefined
  let last: Totals | undefined
  await run(
    [
      'up',
      '--json',
      '--data',
      data,
      '--no-kafka',
      ...settings.flatMap((one) => ['--set', one]),
      '--set',
      'run.drainSeconds=1',
    ],
    { OPENAI_BASE_URL: simulator.url },
    (line, child) => {
      const { event, processors = [] } = JSON.parse(line) as { event: string; processors?: ProcessorStatus[] }
      if (event !== 'status' || (last && last.problems >= problems)) return
      const counted = processors.filter(({ name }) => !besides.has(name)).map(({ counts }) => counts)
      const sum = (of: (counts: ProcessorStatus['counts']) => number): number =>
        counted.reduce((total, one) => total + of(one), 0)
      const emitted = (topic: string): number => sum((one) => one.emitted[topic] ?? 0)
      last = {
        seconds: (performance.now() - startedAtMs) / 1000,
        ...{ problems: emitted('problems'), checked: emitted('test-cases'), verdicts: emitted('verdicts') },
        ...{ pairs: emitted('preference-pairs'), sftRows: emitted('sft-examples') },
        ...{ calls: sum((one) => one.calls), completionTokens: sum((one) => one.completionTokens) },
        ...{ callSeconds: sum((one) => one.callSeconds), disk: statSync(join(data, 'data.mdb')).blocks * 512 },
      }
      if (last.problems >= problems * fillingShare) first ??= last
      if (last.problems >= problems) child.kill('SIGINT')
    },
  )
  await simulator.stop()
  if (!first || !last) throw new Error('the run ended before it had begun')
  const [from, to] = [first, last]
  return Object.fromEntries(
    (Object.keys(to) as (keyof Totals)[]).map((key) => [key, to[key] - from[key]]),
  ) as unknown as Totals
}

/** What `wellspring plan --json` tells, as far as it is compared. */
interface Told {
  day: Capacity
}

const figures = new Figures(values.json)
const daySeconds = 86_400
try {
  const known = values.from ?? join(folder, 'known')
  let tokensPerSecond = Number(values['tokens-per-second'])
  const callSpeed = values['call-tokens-per-second']
  if (values.from === undefined) {
    note('growing a corpus to measure by, with default settings')
    const grown = await grow(known, { endpoints: 1, seed: 11, settings: [] })
    tokensPerSecond = grown.completionTokens / grown.seconds / machine.utilisation.value
  }
  figures.tell(`written tokens a second of one endpoint of ${slots} slots: given to the plan`, tokensPerSecond, 'no goal', true) // prettier-ignore
  for (const [index, scenario] of scenarios.entries()) {
    if (values.only !== undefined && scenario.name !== values.only) continue
    const { day } = JSON.parse(
      await run([
        ...['plan', '--gpus', String(scenario.endpoints), '--tokens-per-second', String(tokensPerSecond)],
        ...(callSpeed === undefined ? [] : ['--call-tokens-per-second', callSpeed]),
        ...['--from', '--data', known, '--no-kafka', '--json', ...scenario.settings.flatMap((one) => ['--set', one])],
      ]),
    ) as Told
    note(`${scenario.name}: ${scenario.settings.join(' ')}`)
    const seen = await grow(join(folder, `run-${index}`), scenario)
    const compare = (name: string, told: number, measured: number): void => {
      const ratio = told / measured
      figures.tell(
        `${scenario.name}: ${name}, told ${told.toPrecision(4)}, measured ${measured.toPrecision(4)}: told over measured`,
        ratio,
        '0.85 to 1.15',
        Math.abs(ratio - 1) <= tolerance,
      )
    }
    const aDay = (count: number): number => (count / seen.seconds) * daySeconds
    const load = (loadavg()[1] ?? 0) / availableParallelism()
    figures.tell(`${scenario.name}: load of the machine for each core, over five minutes`, load, '<= 1, else cores and not endpoints limit', true) // prettier-ignore
    compare('problems a day', day.problems, aDay(seen.problems))
    compare('problems with checks a day', day.checked, aDay(seen.checked))
    compare('verdicts a day', day.verdicts, aDay(seen.verdicts))
    compare('pairs a day', day.pairs, aDay(seen.pairs))
    compare('SFT rows a day', day.sftRows, aDay(seen.sftRows))
    compare('calls a day', day.calls, aDay(seen.calls))
    compare('written tokens a day', day.completionTokens, aDay(seen.completionTokens))
    compare('calls in flight', day.callsInFlight, seen.callSeconds / seen.seconds)
    // Nothing transient is old enough to go yet: what a day of it takes is what retention holds of it.
    compare('bytes on the disk a day', day.keptBytes + day.transientBytes, aDay(seen.disk))
  }
  note(figures.missed === 0 ? 'verdict: every figure is within 15 %' : `verdict: ${figures.missed} figures are off by more than 15 %`) // prettier-ignore
} finally {
  if (values.keep) note(`kept: ${folder}`)
  else rmSync(folder, { recursive: true, force: true })
  process.exitCode = figures.missed === 0 ? 0 : 1
}
