/** Rationale learning by commands: steps that announcements begin, in a stream that runs on. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { RationaleScore, ScoredRationales, Triple } from '../../schemas/generated.ts'
import { startSimulator, type Simulator } from '../../simulator/server.ts'
import {
  endAll,
  expectFailure,
  jsonLines,
  newFolder,
  removeFolders,
  run,
  seedLines,
  start,
  type Running,
} from './command.ts'

// Whole runs on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const seeds = 5
const cwd = newFolder()
let simulator: Simulator
let stream: Running

const wellspring = (...args: string[]) => run([...args, '--config', 'models.yaml'], { cwd })
const announce = (role: string, model: string, version: string) =>
  wellspring('models', 'announce', role, '--model', model, '--version', version)
async function settled(): Promise<Record<string, unknown>> {
  const { stdout, stderr, exitCode } = await wellspring('models', 'wait', '--json', '--for', '150s')
  expect([exitCode, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as Record<string, unknown>
}
async function recordsOf<Kind>(topic: string): Promise<Kind[]> {
  return jsonLines<Kind>((await wellspring('tail', topic)).stdout)
}

beforeAll(async () => {
  simulator = await startSimulator({ instant: true, noise: { malformedAnswers: 0 } })
  writeFileSync(
    join(cwd, 'models.yaml'),
    JSON.stringify({
      endpoints: { sim: { url: simulator.url } },
      models: {
        a: { model: 'sim-annotator-a', endpoints: ['sim'] },
        b: { model: 'sim-annotator-b', endpoints: ['sim'] },
        q: { model: 'sim-rationale-writer', endpoints: ['sim'], mode: 'raw' },
        p: { model: 'sim-problem-writer', endpoints: ['sim'], mode: 'raw' },
      },
      roles: { annotator: ['a', 'b'], 'rationale-writer': ['q'], 'problem-writer': ['p'] },
    }),
  )
  const input = seedLines(seeds)
  const ingested = await run(['ingest', '-', '--as', 'seeds', '--config', 'models.yaml'], { cwd, input })
  expect(ingested.exitCode).toBe(0)
  const names = ['extract-concepts', 'plan-rationales', 'infer-rationale', 'score-rationale', 'select-rationale']
  stream = start(['run', ...names, '--config', 'models.yaml', '--json'], { cwd })
})
afterAll(async () => {
  stream.process.kill('SIGTERM')
  await stream.ended
  endAll()
  await simulator.close()
  removeFolders()
})

test('the cold start makes one triple of each problem and annotator', async () => {
  expect(await settled()).toMatchObject({ step: 'cold-start', isDone: true, pairs: 2 * seeds, planned: 2 * seeds })
  const triples = await recordsOf<Triple>('triples')
  expect(triples).toHaveLength(2 * seeds)
  expect(new Set(triples.map(({ statement, writer }) => `${writer} ${statement}`)).size).toBe(2 * seeds)
  for (const triple of triples)
    expect(triple).toMatchObject({ step: 'cold-start', iteration: 0, writerVersion: '', score: null, level: /./ })
})

test('the first E-step begins once both models are announced, and scores eight rationales of each pair', async () => {
  expect((await announce('rationale-writer', 'sim-rationale-writer@q0', 'q0')).stdout).toMatch(
    /first E-step begins once/,
  )
  expect((await announce('problem-writer', 'sim-problem-writer@p0', 'p0')).stdout).toMatch(
    /E-step of iteration 1 begins/,
  )
  expect(await settled()).toMatchObject({ step: 'e', iteration: 1, planned: 2 * seeds })
  const scored = (await recordsOf<ScoredRationales>('scored-rationales')).filter(({ step }) => step === 'e')
  expect(scored).toHaveLength(2 * seeds)
  const total = (score: RationaleScore | null | undefined): number =>
    (score?.rationaleLogProbability ?? NaN) + (score?.problemLogProbability ?? NaN)
  for (const one of scored) {
    expect(one).toMatchObject({ writerVersion: 'q0', scorer: 'sim-problem-writer@p0', scorerVersion: 'p0' })
    expect(one.rationales).toHaveLength(8)
    expect(one.calls).toHaveLength(8)
    for (const call of one.calls) expect(call).toMatchObject({ modelVersion: 'p0', finishReason: 'given' })
  }
  for (const triple of (await recordsOf<Triple>('triples')).filter(({ step }) => step === 'e'))
    expect(total(triple.score)).toBe(Math.max(...triple.alternatives.map(total)))
})

test('models switch while the stream runs: an M-step by the new rationale writer, then the next E-step', async () => {
  expect((await announce('rationale-writer', 'sim-rationale-writer@q1', 'q1')).stdout).toMatch(/M-step of iteration 1/)
  await settled()
  expect((await announce('problem-writer', 'sim-problem-writer@p1', 'p1')).stdout).toMatch(/E-step of iteration 2/)
  await settled()
  const triples = await recordsOf<Triple>('triples')
  const m = triples.filter(({ step, iteration }) => step === 'm' && iteration === 1)
  expect(m).toHaveLength(2 * seeds)
  for (const triple of m) expect(triple).toMatchObject({ writerVersion: 'q1', scorerVersion: '', alternatives: [] })
  const e = triples.filter(({ step, iteration }) => step === 'e' && iteration === 2)
  expect(e).toHaveLength(2 * seeds)
  for (const triple of e) expect(triple).toMatchObject({ writerVersion: 'q1', scorerVersion: 'p1' })
  expect(new Set(triples.map(({ id }) => id)).size).toBe(triples.length)
  expect(stream.process.exitCode).toBeNull()
})

test('training rows are those of the step that is due, for either model, or of another step by its name', async () => {
  const rows = async (...more: string[]) =>
    jsonLines<Record<string, unknown>>((await wellspring('models', 'rows', ...more)).stdout)
  const due = await rows('rationale-writer')
  expect(due).toHaveLength(2 * seeds)
  expect(due[0]).toMatchObject({ step: 'e', iteration: 2, simulated: true })
  expect(due[0]?.['completion']).toMatch(/^<!-- BEGIN RATIONALE -->[^]*<!-- END RATIONALE -->$/)
  const m = await rows('problem-writer', '--step', 'm', '--iteration', '1')
  expect(m).toHaveLength(2 * seeds)
  expect(m[0]?.['completion']).toMatch(/<!-- END PROBLEM -->$/)
  expect(await rows('problem-writer', '--step', 'cold-start')).toHaveLength(2 * seeds)
})

test('training rows are those that export writes of the step', async () => {
  for (const role of ['problem-writer', 'rationale-writer']) {
    const step = ['--step', 'e', '--iteration', '2']
    const exported = await wellspring(...['export', 'triples', '--format', 'promptcot', '--role', role, ...step])
    expect(exported.stdout).not.toBe('')
    expect(exported.stdout).toBe((await wellspring('models', 'rows', role)).stdout)
  }
})

test('what is in force is listed; the same version again, and a role or endpoint that is none, are refused', async () => {
  const { stdout } = await wellspring('models', 'list')
  expect(stdout).toMatch(/^problem-writer: version p1 \(sim-problem-writer@p1\), announced /m)
  expect(stdout).toMatch(/^E-step of iteration 2: 10 of 10 observed pairs asked for, 0 open; done$/m)
  expectFailure(await announce('problem-writer', 'sim-problem-writer@p1', 'p1'), 65, /version p1 is in force already/)
  expectFailure(await announce('solver', 'x', '1'), 2, /solver/)
  const astray = await wellspring(
    ...['models', 'announce', 'problem-writer', '--model', 'x', '--version', 'p2', '--endpoint', 'nowhere'],
  )
  expectFailure(astray, 2, /expected one of the configured endpoints sim, got "nowhere"/)
})
