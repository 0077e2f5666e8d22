/** Runs of the stream on the simulated endpoint, one for each profile and level of noise; a finished one is kept. */
import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openBeside, useCorpus } from '../../cli/corpus.ts'
import { CommandError, exitCodes } from '../../cli/exit.ts'
import { placeOf } from '../../cli/place.ts'
import type { Profile } from '../../engine/settings.ts'
import { makeFolder } from '../../topics/make-folder.ts'
import type { SimulatorOptions } from '../../simulator/options.ts'
import { startSimulator } from '../../simulator/server.ts'
import { readTruth } from '../../simulator/truth.ts'
import type { Figure } from './figures.ts'
import { gateFigures } from './gates.ts'
import { ruleCounts, type RuleCount } from './rules.ts'
import { judgeSampling } from './simulated-judges.ts'
import { readSimulated } from './simulated.ts'

/** How often the simulated models go wrong, as a multiple of what is usual (simulator/README.md). */
export const noiseLevels = { usual: 1, half: 0.5, twice: 2 } as const
export type NoiseLevel = keyof typeof noiseLevels

/** Rules that are measured. */
export const measuredProfiles = ['wellspring', 'scripts'] as const satisfies readonly Profile[]

export interface Run {
  profile: (typeof measuredProfiles)[number]
  noise: NoiseLevel
}

/** What is known of a run. */
export interface MeasuredRun extends Run {
  /** Problems that its corpus holds. */
  problems: number
  measuredAt: string
  /** Whether the stream came to its end; else problems were still under way, and had no outcome yet. */
  isFinished: boolean
  figures: Figure[]
  rules: RuleCount[]
}

export interface RunOptions {
  /** Problems that a run draws. */
  problemsOf(run: Run): number
  folder: string
  seeds: readonly string[]
  seed: number
  keep: boolean
}

/** The name of a run. */
export const nameOf = ({ profile, noise }: Run): string => `${noise}/${profile}`

const resultFile = 'result.json'
const truthFile = 'truth.jsonl'
const knownFile = 'known.jsonl'
const processors = { 'sample-concepts': { domainShares: 'math=8,code=2,sql=1' } }

/** The simulated models in their roles, two solvers among them. */
function modelsAt(url: string): object {
  const samplings = {
    'problem-writer': { temperature: 0.8, maxTokens: 4096 },
    'test-writer': { temperature: 0.6, maxTokens: 16_384 },
    'judge-a': judgeSampling,
    'judge-b': judgeSampling,
  }
  const names = ['annotator-a', 'annotator-b', 'problem-writer', 'test-writer', 'voter', 'solver', 'solver-large']
  const all = [...names, 'teacher', 'judge-a', 'judge-b', 'embedder']
  const sampling = (name: string): object =>
    name in samplings ? { sampling: samplings[name as keyof typeof samplings] } : {}
  const mode = (name: string): object => (name === 'problem-writer' ? { mode: 'raw' } : {})
  return {
    endpoints: { simulated: { url, maxConcurrency: 256 } },
    models: Object.fromEntries(
      all.map((name) => [name, { model: `sim-${name}`, endpoints: ['simulated'], ...mode(name), ...sampling(name) }]),
    ),
    roles: {
      ...Object.fromEntries(
        ['embedder', 'problem-writer', 'test-writer', 'voter', 'teacher'].map((one) => [one, [one]]),
      ),
      annotator: ['annotator-a', 'annotator-b'],
      solver: ['solver', 'solver-large'],
      judge: ['judge-a', 'judge-b'],
    },
  }
}
const commandPath = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

/** The folder of a run: of another size or seed it is another one. */
function folderOf(run: Run, { folder, problemsOf, seed }: RunOptions): string {
  return join(folder, `${run.profile}-${run.noise}-${problemsOf(run)}-${seed}`)
}

/** What a run left; undefined where it is not finished. */
export function finishedRun(run: Run, options: RunOptions): MeasuredRun | undefined {
  const file = join(folderOf(run, options), resultFile)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as MeasuredRun) : undefined
}

/** A run as it stands, beside whoever works on it; undefined where there is nothing yet. */
export async function runSoFar(run: Run, options: RunOptions): Promise<MeasuredRun | undefined> {
  return existsSync(join(folderOf(run, options), truthFile)) ? await measure(run, options, false) : undefined
}

/** Runs the stream to its end, or goes on where it was interrupted, and measures it. @throws CommandError */
export async function makeRun(run: Run, options: RunOptions): Promise<MeasuredRun> {
  const folder = folderOf(run, options)
  const data = join(folder, 'data')
  makeFolder(folder)
  const knows = options.seeds.map((file, index) => {
    const copy = join(folder, `seeds-${index}.jsonl`)
    if (!existsSync(copy)) copyFileSync(file, copy)
    return copy
  })
  const known = join(folder, knownFile)
  writeFileSync(known, knows.map((file) => readFileSync(file, 'utf8').trimEnd()).join('\n') + '\n')
  await command(folder, ['ingest', ...knows, '--as', 'seeds', '--data', data])
  const simulator = await startSimulator({
    ...simulatorOf(run, options),
    ...{ knowsFiles: [known], truthFile: join(folder, truthFile), instant: true },
  })
  try {
    const config = join(folder, 'wellspring.yaml')
    writeFileSync(config, JSON.stringify({ profile: run.profile, ...modelsAt(simulator.url), processors }))
    await command(folder, ['up', '--problems', String(options.problemsOf(run)), '--data', data, '--config', config])
  } finally {
    await simulator.close()
  }
  const result = await measure(run, options, true)
  writeFileSync(join(folder, 'result.new'), JSON.stringify(result))
  renameSync(join(folder, 'result.new'), join(folder, resultFile))
  if (!options.keep) for (const name of ['data', truthFile]) rmSync(join(folder, name), { recursive: true })
  return result
}

/** How the simulated models are. Slow programs cost seconds each, and what becomes of them is never in doubt. */
function simulatorOf({ noise }: Run, { seed }: RunOptions): SimulatorOptions {
  return { seed, noiseFactor: noiseLevels[noise], noise: { slowPrograms: 0.002 } }
}

async function measure(run: Run, options: RunOptions, isFinished: boolean): Promise<MeasuredRun> {
  const folder = folderOf(run, options)
  const truth = readTruth(join(folder, truthFile))
  return await useCorpus(await placeOf({ data: join(folder, 'data'), kafka: false }), openBeside, async (corpus) => {
    const found = await readSimulated(corpus, truth, [join(folder, knownFile)])
    return {
      ...{ ...run, problems: found.problems.length, measuredAt: new Date().toISOString(), isFinished },
      figures: gateFigures(found, run.profile === 'wellspring'),
      rules: await ruleCounts(found, { profile: run.profile, simulator: simulatorOf(run, options) }),
    }
  })
}

/** Runs a command of Wellspring; what it says goes to standard error. @throws CommandError where it ends otherwise than well */
async function command(folder: string, args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [commandPath, ...args], {
    cwd: folder,
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(WELLSPRING|OPENAI)_/.test(name))),
    stdio: ['ignore', 2, 2],
  })
  // Ctrl-C reaches the child too: it drains, and its end is ours.
  const wait = (): void => {}
  const passOn = (): void => void child.kill('SIGTERM')
  process.on('SIGINT', wait).on('SIGTERM', passOn)
  const code = await new Promise<number>((settle, reject) => {
    child.once('error', reject)
    child.once('close', (status) => settle(status ?? exitCodes.interrupted))
  }).finally(() => process.off('SIGINT', wait).off('SIGTERM', passOn))
  if (code === 0) return
  throw new CommandError(
    code,
    `wellspring ${args[0]} ended with ${code}; the same command goes on where it stopped (${folder})`,
  )
}
