/** A run in which tests are too weak: further ones are written and run, what is exported goes by them, and a replay needs no model for them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Outcome, TestCases, TestRuns } from '../../schemas/generated.ts'
import { endAll, jsonLines, newFolder, recordsIn, removeFolders, run, topicRows } from './command.ts'

const cwd = newFolder()
const data = ['--data', 'corpus']

async function recordsOf<Kind>(topic: string, folder = 'corpus'): Promise<Kind[]> {
  return jsonLines<Kind>((await run(['tail', topic, '--data', folder], { cwd })).stdout)
}

let runs: TestRuns[]
let outcomes: Outcome[]
/** Outcomes of the problems that got further tests. */
let grown: Outcome[]

beforeAll(async () => {
  const examples = readFileSync(new URL('../../examples/seeds.jsonl', import.meta.url), 'utf8')
  const seeds = examples
    .split('\n')
    .filter((line) => line.includes('"domain":"code"') || line.includes('"domain": "code"'))
  expect(seeds.length).toBeGreaterThan(10)
  writeFileSync(join(cwd, 'code.jsonl'), `${seeds.join('\n')}\n`)
  await run(['ingest', 'code.jsonl', '--as', 'seeds', ...data], { cwd })
  // One problem in twenty has a suite that is seen to be weak.
  for (let problems = 40; problems <= 120 && (await isWithoutRuns()); problems += 40) {
    const ended = await run(['up', '--problems', String(problems), '--set', 'simulator.speed=5000', ...data], { cwd })
    expect(ended.exitCode).toBe(0)
  }
  runs = await recordsOf<TestRuns>('test-runs')
  outcomes = await recordsOf<Outcome>('outcomes')
  grown = outcomes.filter(({ addedTests }) => addedTests.length > 0)
}, 600_000)
afterAll(() => {
  endAll()
  removeFolders()
})

async function isWithoutRuns(): Promise<boolean> {
  return (await recordsIn(cwd, 'test-runs', 'corpus')) === 0
}

describe('weak suites', () => {
  test('get one answer each to their request, and leave nothing open', async () => {
    const topics = await topicRows(cwd, 'corpus')
    const counts = ['test-requests', 'further-tests', 'test-runs'].map((name) => topics.get(name)?.records)
    expect(counts).toEqual([runs.length, runs.length, runs.length])
    expect(new Set(runs.map(({ problemId }) => problemId)).size).toBe(runs.length)
    expect([...topics.values()].flatMap(({ backlog }) => backlog.filter(({ records }) => records > 0))).toEqual([])
    const closed = outcomes.map(({ problemId }) => problemId).sort()
    expect(closed).toEqual((await recordsOf<TestCases>('test-cases')).map(({ problemId }) => problemId).sort())
  })

  test('are seen by programs that behave in several ways, which are run on every test that was written', () => {
    expect(grown.length).toBeGreaterThan(0)
    for (const { problemId, parentIds, behaviours, addedTests } of grown) {
      const answer = runs.find((one) => one.problemId === problemId)
      expect(parentIds[1]).toBe(answer?.id)
      expect(behaviours.length).toBeGreaterThan(1)
      expect(addedTests.map(({ kind }) => kind)).toEqual(answer?.tests.map(({ kind }) => kind))
      expect(answer?.programs.length).toBe(behaviours.reduce((sum, count) => sum + count, 0))
    }
  })

  test('are exported with the tests that count, and attempts by what these say', async () => {
    const all = ['--outcomes', 'kept,too_easy,unsolved,abandoned', ...data]
    const rows = jsonLines<{ problem_id: string; tests: { input: string }[] }>(
      (await run(['export', 'rl', ...all], { cwd })).stdout,
    )
    const groups = jsonLines<{ problem_id: string; rewards: number[] }>(
      (await run(['export', 'rollouts', ...all], { cwd })).stdout,
    )
    for (const { problemId, addedTests, passed } of grown) {
      const answer = runs.find((one) => one.problemId === problemId)
      const inputs = rows.find(({ problem_id }) => problem_id === problemId)?.tests.map(({ input }) => input) ?? []
      const counting = addedTests.filter(({ setAside }) => setAside === '').map((one) => answer?.tests[one.test]?.input)
      expect(inputs.slice(inputs.length - counting.length)).toEqual(counting)
      const rewards = groups.find(({ problem_id }) => problem_id === problemId)?.rewards ?? []
      expect(rewards.reduce((sum, reward) => sum + reward, 0)).toBe(passed)
    }
  })

  test('are replayed with the further tests that are stored', async () => {
    const again = await run(['replay', '--into', 'again', ...data], { cwd })
    expect(again.exitCode).toBe(0)
    expect(again.stdout).toMatch(/^no outcome changed$/m)
    const bare = (all: readonly Outcome[]): unknown[] =>
      all
        .map(({ problemId, result, passed, behaviours, addedTests }) => [
          problemId,
          result,
          passed,
          behaviours,
          addedTests,
        ])
        .sort()
    expect(bare(await recordsOf<Outcome>('outcomes', 'again'))).toEqual(bare(outcomes))
  })

  test('are replayed without them where none are asked for, and leave nothing open', async () => {
    const set = ['--set', 'plan-rollouts.testsForWeakSuites=0']
    const { stdout, exitCode } = await run(['replay', ...set, '--into', 'without', '--json', ...data], { cwd })
    expect(exitCode).toBe(0)
    expect(jsonLines<{ stillOpen?: number }>(stdout).at(-1)?.stillOpen).toBe(0)
    const replayed = await recordsOf<Outcome>('outcomes', 'without')
    expect(replayed.length).toBe(outcomes.length)
    expect(replayed.flatMap(({ addedTests }) => addedTests)).toEqual([])
  })
})
