/** A teacher that comes after the corpus was made: its traces of the same problems, and nobody else is asked anything. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { SftExample, Trace } from '../../schemas/generated.ts'
import { startSimulator, type Simulator } from '../../simulator/server.ts'
import { endAll, expectFailure, jsonLines, newFolder, removeFolders, run, start, topicRows } from './command.ts'

// Whole runs on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const cwd = newFolder()
const requestLog = join(cwd, 'requests.jsonl')
const [first, second, third] = ['sim-teacher', 'sim-solver-large', 'sim-solver']
const stages = ['screen-problem', 'judge-problem', 'vote-answer', 'teach', 'build-sft']
let simulator: Simulator

const wellspring = (...args: string[]) => run([...args, '--config', 'teach.yaml'], { cwd })
const recordsOf = async <Kind>(topic: string): Promise<Kind[]> =>
  jsonLines<Kind>((await wellspring('tail', topic)).stdout)
const rowsOf = async (...more: string[]): Promise<Record<string, unknown>[]> =>
  jsonLines((await wellspring('export', 'sft', ...more)).stdout)
/** Calls that the endpoint was asked, by model. */
function callsOf(model: string): number {
  const events = jsonLines<{ event: string; model: string }>(readFileSync(requestLog, 'utf8'))
  return events.filter((one) => one.event === 'admitted' && one.model === model).length
}

function configure(teachers: readonly string[], retiredModels = ''): void {
  const keys = teachers.map((_, number) => `teacher-${number}`)
  writeFileSync(
    join(cwd, 'teach.yaml'),
    JSON.stringify({
      endpoints: { sim: { url: simulator.url } },
      models: {
        v: { model: 'sim-voter', endpoints: ['sim'] },
        ...Object.fromEntries(keys.map((key, at) => [key, { model: teachers[at], endpoints: ['sim'] }])),
      },
      roles: { voter: ['v'], ...(keys.length > 0 && { teacher: keys }) },
      run: { retiredModels },
    }),
  )
}

/** Runs the stages until nothing is left to them. */
async function runOut(...names: string[]): Promise<void> {
  const stream = start(['run', ...names, '--config', 'teach.yaml'], { cwd })
  const isLeft = async (): Promise<boolean> => {
    const rows = [...(await topicRows(cwd, 'wellspring-data')).values()]
    return rows.some(({ backlog }) =>
      backlog.some(({ processor, records }) => names.includes(processor) && records > 0),
    )
  }
  await vi.waitUntil(
    async () => {
      expect(stream.process.exitCode).toBeNull()
      return !(await isLeft())
    },
    { timeout: 120_000, interval: 200 },
  )
  stream.process.kill('SIGTERM')
  await stream.ended
}

const problems = [
  'A baker packs 187 rolls in 11 equal trays for the market. How many rolls lie in each tray?',
  'Eleven lamps stand along each of 12 corridors of a museum. Count all of its lamps.',
  'The sum of two numbers is 40 and their product is 391. Give the larger of the two numbers.',
  'In how many ways can six different books be put on a shelf so that two of them stay side by side?',
]

beforeAll(async () => {
  simulator = await startSimulator({ instant: true, requestLogFile: requestLog, noise: { malformedAnswers: 0 } })
  configure([first])
  const lines = problems.map((problem) => JSON.stringify({ domain: 'math', source: 'club', problem, answer: '17' }))
  const input = `${lines.join('\n')}\n`
  const ingested = await run(['ingest', '-', '--as', 'problems', '--config', 'teach.yaml'], { cwd, input })
  expect([ingested.exitCode, ingested.stderr]).toEqual([0, ''])
  await runOut(...stages)
})
afterAll(async () => {
  endAll()
  await simulator.close()
  removeFolders()
})

test('one teacher makes one trace a problem', async () => {
  const traces = await recordsOf<Trace>('traces')
  expect(traces).toHaveLength(problems.length)
  expect(new Set(traces.map(({ problemId }) => problemId)).size).toBe(problems.length)
  expect(callsOf(first)).toBe(traces.length)
})

test('a teacher that came later is asked for all accepted problems, once, and no other model is called', async () => {
  const before = await recordsOf<Trace>('traces')
  const accepted = before.length
  configure([first, second])
  const dry = await wellspring('teach', '--dry-run', '--teacher', second)
  expect(dry.stdout).toBe(`${second}: ${accepted} problems would be asked for, 0 known already\n`)
  const asked = await wellspring('teach', '--json')
  expect([asked.exitCode, asked.stderr]).toEqual([0, ''])
  expect(jsonLines(asked.stdout)).toEqual([
    { teacher: first, asked: 0, known: accepted, retracted: 0, dryRun: false },
    { teacher: second, asked: accepted, known: 0, retracted: 0, dryRun: false },
  ])
  // Before anything of it is done, too.
  expect((await wellspring('teach')).stdout).toMatch(
    new RegExp(`^${second}: 0 problems asked for, ${accepted} known`, 'm'),
  )
  await runOut('teach', 'build-sft')
  const traces = await recordsOf<Trace>('traces')
  const of = (model: string): string[] =>
    traces
      .filter(({ teacher }) => teacher === model)
      .map(({ problemId }) => problemId)
      .sort()
  expect(of(second)).toEqual(of(first))
  expect(of(second)).toHaveLength(accepted)
  for (const trace of before) expect(traces).toContainEqual(trace)
  expect([callsOf(first), callsOf(second), callsOf('sim-voter')]).toEqual([accepted, accepted, 0])
  expect((await wellspring('teach')).stdout).toMatch(
    new RegExp(`^${second}: 0 problems asked for, ${accepted} known`, 'm'),
  )
})

test('training rows of one teacher are picked by its name, and the card names the teachers', async () => {
  const examples = await recordsOf<SftExample>('sft-examples')
  const rows = await rowsOf('--teacher', second)
  expect(rows.length).toBe(examples.filter(({ teacher }) => teacher === second).length)
  expect(rows.length).toBeGreaterThan(0)
  expect(new Set(rows.map(({ teacher }) => teacher))).toEqual(new Set([second]))
  expect((await wellspring('export', 'sft', '--out', 'sft/')).exitCode).toBe(0)
  const card = JSON.parse(readFileSync(join(cwd, 'sft/card.json'), 'utf8')) as { teachers: Record<string, number> }
  expect(new Set(Object.keys(card.teachers))).toEqual(new Set([first, second]))
})

test('problems that were retracted are left out, and one that comes later is put before both teachers by the stream', async () => {
  const [trace] = await recordsOf<Trace>('traces')
  writeFileSync(join(cwd, 'exam.jsonl'), JSON.stringify({ domain: 'math', source: 'exam', problem: trace?.statement }))
  expect((await wellspring('benchmarks', 'add', 'exam.jsonl')).exitCode).toBe(0)
  expect((await wellspring('recheck')).stdout).toMatch(/ 1 retracted$/m)
  configure([first, second, third])
  expect((await wellspring('teach', '--teacher', third, '--dry-run')).stdout).toMatch(/, 1 left out/)
  configure([first, second])
  const input = JSON.stringify({
    ...{ domain: 'math', source: 'club', answer: '91' },
    problem: 'Seven owls watch thirteen nests each; no nest is watched twice. How many nests have an owl?',
  })
  const later = await run(['ingest', '-', '--as', 'problems', '--config', 'teach.yaml'], { cwd, input })
  expect(later.exitCode).toBe(0)
  await runOut(...stages)
  const traces = (await recordsOf<Trace>('traces')).filter(({ statement }) => statement.startsWith('Seven owls'))
  expect(traces.map(({ teacher }) => teacher).sort()).toEqual([second, first])
})

test('what was asked of a teacher that went ends the process, or goes to dead letters where it is retired, and back', async () => {
  configure([first, second, third])
  const [{ asked = 0 } = {}] = jsonLines<{ asked: number }>(
    (await wellspring('teach', '--teacher', third, '--json')).stdout,
  )
  expect(asked).toBeGreaterThan(0)
  configure([first, second])
  expectFailure(
    await wellspring('run', 'teach'),
    78,
    new RegExp(`the model ${third}, .* run\\.retiredModels: ${third}`),
  )
  configure([first, second], ` other,${third} `)
  await runOut('teach')
  const letters = jsonLines<{ code: string }>((await wellspring('dead-letters', 'list', '--json')).stdout)
  expect(letters.map(({ code }) => code)).toEqual(Array<string>(asked).fill('MODEL_RETIRED'))
  configure([first, third])
  expect((await wellspring('dead-letters', 'redrive', '--all')).exitCode).toBe(0)
  await runOut('teach')
  const traces = await recordsOf<Trace>('traces')
  expect(traces.filter(({ teacher }) => teacher === third)).toHaveLength(asked)
})

test('a teacher that the configuration lacks is refused', async () => {
  expectFailure(await wellspring('teach', '--teacher', 'nobody'), 2, /--teacher: .*sim-solver\), got "nobody"/)
  configure([])
  expectFailure(await wellspring('teach'), 2, /--teacher: expected a model .* there is none/)
  expectFailure(await run(['teach', '--teacher', first], { cwd }), 2, /--teacher: expected a model .* neither is given/)
})
