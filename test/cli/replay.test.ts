/** A corpus under other rules, from what is stored, without a model call. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { endAll, expectFailure, jsonLines, newFolder, removeFolders, run } from './command.ts'

// Whole replays on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 })

const cwd = newFolder()
const data = ['--data', 'corpus']
const seeds = fileURLToPath(new URL('../../examples/seeds.jsonl', import.meta.url))

interface Outcome {
  problemId: string
  solver: string
  result: string
  passed: number
  attempted: number
}
interface Pair {
  problem_id: string
  chosen: unknown
  rejected: unknown
}

const outcomesIn = async (folder: string): Promise<Outcome[]> =>
  jsonLines<Outcome>((await run(['tail', 'outcomes', '--data', folder], { cwd })).stdout)
const pairsIn = async (folder: string): Promise<Pair[]> =>
  jsonLines<Pair>((await run(['export', 'pairs', '--data', folder], { cwd })).stdout)
const textsOf = (pairs: readonly Pair[]): string[] =>
  pairs.map(({ problem_id, chosen, rejected }) => JSON.stringify([problem_id, chosen, rejected])).sort()

let outcomes: Outcome[]
/** Those that no rule changes are left out: on a machine that stalls, a verifier may give attempts up. */
const decided = (): Outcome[] => outcomes.filter(({ result }) => result !== 'abandoned')

beforeAll(async () => {
  await run(['ingest', seeds, '--as', 'seeds', ...data], { cwd })
  // All eight attempts at every problem, so that another rule finds what it needs.
  const set = ['--set', 'profile=paper', 'simulator.speed=1000']
  const ended = await run(['up', '--problems', '25', ...set, ...data], { cwd })
  expect(ended.exitCode).toBe(0)
  outcomes = await outcomesIn('corpus')
}, 240_000)
afterAll(() => {
  endAll()
  removeFolders()
})

describe('replay', () => {
  test('under the same rules changes nothing, and leaves the same pairs', async () => {
    const again = await run(['replay', '--set', 'profile=paper', ...data], { cwd })
    expect(again.exitCode).toBe(0)
    expect(again.stdout).toMatch(/^replayed in .* without a model call$/m)
    expect(again.stdout).toMatch(/^no outcome changed$/m)
    expect(textsOf(await pairsIn('corpus-replay'))).toEqual(textsOf(await pairsIn('corpus')))
  })

  test('under another rule is what that rule makes of the stored attempts, told change by change', async () => {
    const set = ['--set', 'profile=paper', 'plan-rollouts.tooEasyAt=0.9']
    const { stdout, exitCode } = await run(['replay', ...set, '--into', 'other', '--json', ...data], { cwd })
    expect(exitCode).toBe(0)
    const expected = outcomes.map(({ problemId, result: before, passed, attempted }) => {
      const result = passed === 0 ? 'unsolved' : passed / attempted >= 0.9 ? 'too_easy' : 'kept'
      return [problemId, before === 'abandoned' ? before : result]
    })
    const now = (await outcomesIn('other')).map(({ problemId, result }) => [problemId, result])
    expect(now.sort()).toEqual(expected.sort())
    const lines = jsonLines<{ problemId?: string; before?: Outcome; now?: Outcome; kept?: number }>(stdout)
    const told = lines.filter(({ problemId }) => problemId !== undefined)
    const changed = decided().filter(({ passed, attempted }) => passed / attempted >= 0.5 && passed / attempted < 0.9)
    expect(told.map(({ problemId }) => problemId).sort()).toEqual(changed.map(({ problemId }) => problemId).sort())
    expect(lines.at(-1)).toMatchObject({
      kept: expected.filter(([, result]) => result === 'kept').length,
      stillOpen: 0,
    })
  })

  test('can be explained down to records of the corpus below', async () => {
    const [pair] = jsonLines<{ id: string }>((await run(['export', 'pairs', '--data', 'other'], { cwd })).stdout)
    const { stdout } = await run(['explain', pair?.id ?? '', '--data', 'other'], { cwd })
    expect(stdout).toMatch(/verdict-[0-9a-f]+/)
    expect(stdout).toMatch(/concept-combination-[0-9a-f]+/)
    expect(stdout).toMatch(/attempt \d \(chosen\): passed/)
  })

  test('a sweep tells what each value would leave, and leaves no folder', async () => {
    const sweep = ['--set', 'profile=paper', '--sweep', 'plan-rollouts.tooEasyAt=0.3,0.5,1', '--json']
    const { stdout } = await run(['replay', ...sweep, '--into', 'swept', ...data], { cwd })
    const rows = jsonLines<{ setting: string; kept: number }>(stdout)
    const keptAt = (limit: number): number =>
      decided().filter(({ passed, attempted }) => passed > 0 && passed / attempted < limit).length
    expect(rows.map(({ setting, kept }) => [setting, kept])).toEqual([
      ['plan-rollouts.tooEasyAt=0.3', keptAt(0.3)],
      ['plan-rollouts.tooEasyAt=0.5', keptAt(0.5)],
      ['plan-rollouts.tooEasyAt=1', keptAt(1)],
    ])
    expectFailure(await run(['tail', 'outcomes', '--data', 'swept-0'], { cwd }), 74, /there is no corpus in swept-0/)
  })

  test('the folder takes no records in, runs nothing, and holds one replay', async () => {
    expectFailure(await run(['up', '--data', 'other'], { cwd }), 65, /holds a replay of .*corpus: run processors there/)
    const line = JSON.stringify({ domain: 'math', source: 'new', problem: 'What is the sum of all primes below 40?' })
    const input = `${line}\n`
    const refused = await run(['ingest', '-', '--as', 'seeds', '--data', 'other'], { cwd, input })
    expect(refused.stderr).toMatch(
      /this corpus is a replay: seeds is that of the corpus it was made of; write to that one/,
    )
    expect(refused.exitCode).not.toBe(0)
    const different = await run(['replay', '--set', 'plan-rollouts.tooEasyAt=0.2', '--into', 'other', ...data], { cwd })
    expectFailure(different, 65, /other holds a replay with other settings/)
    mkdirSync(join(cwd, 'things', 'x'), { recursive: true })
    expectFailure(await run(['replay', '--into', 'things', ...data], { cwd }), 65, /things is no folder of a replay/)
  })

  test('names the topics that it can begin at', async () => {
    expectFailure(await run(['replay', '--from', 'concepts', ...data], { cwd }), 2, /topics that can: .*verdicts/)
    expectFailure(
      await run(['replay', '--from', 'rollouts', ...data], { cwd }),
      2,
      /expected a topic that is kept: .*verdicts/,
    )
    expectFailure(await run(['replay', '--sweep', 'nonsense', ...data], { cwd }), 2, /expected setting=value,value/)
  })
})
