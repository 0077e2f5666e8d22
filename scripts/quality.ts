/**
 * `npm run quality`: how often each gate of the stream is right. Runs the stream on the simulated endpoint under each profile at three levels of
 * noise and writes docs/quality.md. With --truth FILE it measures a simulated corpus that is there instead. Exits 1 when a goal is missed.
 */
import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openBeside, useCorpus } from '../cli/corpus.ts'
import { CommandError, exitCodes, reportFailure } from '../cli/exit.ts'
import { placeOf } from '../cli/place.ts'
import { note } from '../cli/terminal.ts'
import { readTruth } from '../simulator/truth.ts'
import { readOptions } from './options.ts'
import type { Figure } from './quality/figures.ts'
import { gateFigures } from './quality/gates.ts'
import { qualityPage } from './quality/page.ts'
import {
  finishedRun,
  makeRun,
  measuredProfiles,
  nameOf,
  noiseLevels,
  runSoFar,
  type MeasuredRun,
  type NoiseLevel,
  type Run,
  type RunOptions,
} from './quality/runs.ts'
import { readSimulated } from './quality/simulated.ts'

const program = {
  call: 'npm run quality',
  about: `How often each gate of the stream is right, by runs on the simulated endpoint; with --truth, of a simulated corpus that is there.
Ctrl-C is safe: the same command goes on. A finished run is kept in the folder and not made again.`,
}

/** Every run, or those named. @throws CommandError for a name that is none */
function runsOf(names?: string): Run[] {
  const all = (Object.keys(noiseLevels) as NoiseLevel[]).flatMap((noise) =>
    measuredProfiles.map((profile): Run => ({ profile, noise })),
  )
  if (names === undefined) return all
  return names.split(',').map((name) => {
    const found = all.find((run) => nameOf(run) === name)
    if (found) return found
    const fault = `--runs: expected some of ${all.map(nameOf).join(', ')}, got "${name}"`
    throw new CommandError(exitCodes.usage, fault)
  })
}

/** `1000,usual/wellspring=5000`. @throws CommandError */
function sizesOf(text: string): RunOptions['problemsOf'] {
  const parts = text.split(',').map((part) => part.split('='))
  const named = new Map(parts.flatMap(([name = '', size]) => (size === undefined ? [] : [[name, size] as const])))
  for (const name of named.keys()) runsOf(name)
  const [size = '5000'] = parts.find((part) => part.length === 1) ?? []
  const sizes = new Map(
    runsOf().map((run) => [nameOf(run), wholeNumber('problems', named.get(nameOf(run)) ?? size, 1)]),
  )
  return (run) => sizes.get(nameOf(run)) ?? 0
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least) return value
  throw new CommandError(exitCodes.usage, `--${name}: expected a whole number from ${least}, got "${text}"`)
}

/** Lines of --json of a bench. */
async function screeningFigures(benchmarks: string, problems: number): Promise<{ command: string; figures: Figure[] }> {
  const script = fileURLToPath(new URL('../bench/screening-truth.js', import.meta.url))
  const args = ['--problems', String(problems), '--data', benchmarks, '--json']
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  await new Promise<void>((settle, reject) => {
    child.once('error', reject)
    child.once('close', () => settle())
  })
  const lines = text.split('\n').filter((line) => line.startsWith('{'))
  if (lines.length === 0) throw new CommandError(exitCodes.ioError, `${script} told no figure of ${benchmarks}`)
  const figures = lines.map((line) => ({ of: null, ...(JSON.parse(line) as Omit<Figure, 'of'>) }))
  return { command: `node dist/bench/screening-truth.js --problems ${problems} --data ${benchmarks}`, figures }
}

async function main(): Promise<void> {
  const values = readOptions(program, {
    problems: {
      type: 'string',
      default: '5000',
      doc: 'simulated problems of each run, and of single ones: 5000,usual/wellspring=10000',
    },
    runs: { type: 'string', doc: `of ${runsOf().map(nameOf).join(', ')} (default: all)` },
    seeds: { type: 'string', multiple: true, doc: 'JSONL files of human problems that concepts are extracted from' },
    benchmarks: {
      type: 'string',
      doc: 'folder with seeds/ and benchmarks/ to measure screening on (bench/screening-truth.ts)',
    },
    seed: { type: 'string', default: '1', doc: 'of the runs' },
    folder: { type: 'string', default: join(tmpdir(), 'wellspring-quality'), doc: 'of the runs' },
    page: { type: 'string', default: 'docs/quality.md', doc: 'that is written' },
    keep: { type: 'boolean', default: false, doc: 'keep the corpora, for `wellspring explain` and the like' },
    'so-far': { type: 'boolean', default: false, doc: 'run nothing: measure what is there, of unfinished runs too' },
    json: { type: 'boolean', default: false, doc: 'a line of JSON for each figure' },
    truth: { type: 'string', doc: 'what is true of a corpus that is there, as its simulator wrote it' },
    knows: { type: 'string', multiple: true, doc: 'with --truth: files that its simulator knew' },
    data: { type: 'string', doc: 'with --truth: folder of the corpus' },
    kafka: { type: 'string', doc: 'with --truth: brokers of the corpus' },
    registry: { type: 'string', doc: 'with --truth: URL of its schema registry' },
    namespace: { type: 'string', doc: 'with --truth: its namespace' },
    config: { type: 'string', doc: 'with --truth: configuration file' },
  })
  if (values.truth !== undefined) {
    const truth = readTruth(values.truth)
    const figures = await useCorpus(await placeOf(values), openBeside, async (corpus) =>
      gateFigures(await readSimulated(corpus, truth, values.knows ?? []), true),
    )
    tell(figures, values.json)
    return
  }
  const options: RunOptions = {
    problemsOf: sizesOf(values.problems),
    folder: resolve(values.folder),
    seeds: (values.seeds ?? ['examples/seeds.jsonl', 'examples/sql-seeds.jsonl']).map((file) => resolve(file)),
    seed: wholeNumber('seed', values.seed, 0),
    keep: values.keep,
  }
  for (const file of options.seeds)
    if (!existsSync(file)) throw new CommandError(exitCodes.badInput, `--seeds: there is no file ${file}`)
  const wanted = runsOf(values.runs)
  const finished: MeasuredRun[] = []
  const shaping = ['problems', 'runs', 'seeds', 'benchmarks', 'seed'] as const
  const words = shaping.flatMap((name) => [values[name] ?? []].flat().flatMap((value) => [`--${name}`, value]))
  const command = `npm run quality -- ${words.join(' ')}`
  const writePage = (screening: Parameters<typeof qualityPage>[0]['screening']): void =>
    writeFileSync(values.page, qualityPage({ command, runs: finished, screening }))
  for (const [number, run] of wanted.entries()) {
    const before = finishedRun(run, options)
    note(`${number + 1} of ${wanted.length}: ${nameOf(run)}${before ? `, finished ${before.measuredAt}` : ''}`)
    const measured = before ?? (values['so-far'] ? await runSoFar(run, options) : await makeRun(run, options))
    if (measured) finished.push(measured)
    // What is there stays, whatever becomes of the runs after it.
    writePage(undefined)
  }
  const screening =
    values.benchmarks === undefined
      ? undefined
      : await screeningFigures(values.benchmarks, Math.max(...wanted.map(options.problemsOf)))
  writePage(screening)
  note(`wrote ${values.page}`)
  const named = finished.flatMap((run) =>
    run.figures.map((figure) => ({ ...figure, name: `${nameOf(run)}: ${figure.name}` })),
  )
  tell([...named, ...(screening?.figures ?? [])], values.json)
}

/** Prints figures; a missed goal is told by the exit code too. */
function tell(figures: readonly Figure[], asJson: boolean): void {
  for (const figure of figures) {
    const { name, value, of, goal, ok } = figure
    const shown = value === null ? 'nothing to measure' : of === null ? value : `${(100 * value).toFixed(2)} % of ${of}`
    const aim = goal === null ? '' : ` (goal ${goal}${ok === false ? ', missed' : ''})`
    process.stdout.write(asJson ? `${JSON.stringify(figure)}\n` : `${name}: ${shown}${aim}\n`)
    if (ok === false) process.exitCode = 1
  }
}

main().catch((error: unknown) => {
  process.exitCode = reportFailure(error)
})
