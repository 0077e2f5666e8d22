/** A corpus of the domain sql alone, from its example seeds to pairs: the queries run in the sandbox. */
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test, vi } from 'vitest'
import { endAll, jsonLines, newFolder, removeFolders, run } from './command.ts'

// A whole run on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000 })
afterAll(() => {
  endAll()
  removeFolders()
})

const seeds = fileURLToPath(new URL('../../examples/sql-seeds.jsonl', import.meta.url))

test('a corpus of questions to a database grows from the example seeds', async () => {
  const cwd = newFolder()
  for (const sort of ['seeds', 'problems']) {
    const { stdout, exitCode } = await run(['ingest', seeds, '--as', sort, '--data', 'data'], { cwd })
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining(`: 8 ${sort} added`)])
  }
  const settings = ['sample-concepts.domainShares=sql=1', 'simulator.speed=5000', `simulator.knows=${seeds}`]
  const up = ['up', '--data', 'data', '--problems', '40', ...settings.flatMap((one) => ['--set', one])]
  const ended = await run(up, { cwd })
  expect([ended.exitCode, ended.stderr]).toEqual([0, expect.not.stringContaining('fault') as string])

  const { stdout } = await run(['export', 'pairs', '--data', 'data'], { cwd })
  const pairs = jsonLines<{ domain: string; origin: string; level: string; chosen: unknown; rejected: unknown }>(stdout)
  expect(new Set(pairs.map(({ domain }) => domain))).toEqual(new Set(['sql']))
  expect(pairs.some(({ origin }) => origin === 'synthetic')).toBe(true)
  for (const { origin, level } of pairs)
    if (origin === 'synthetic') expect(['SQL-Basic', 'SQL-Intermediate', 'SQL-Advanced']).toContain(level)

  const { stdout: tail } = await run(['tail', 'verdicts', '--data', 'data'], { cwd })
  const reasons = jsonLines<{ reason: string; extracted: string | null }>(tail).map(({ reason }) => reason)
  for (const reason of ['passed', 'wrong_answer', 'runtime_error']) expect(reasons).toContain(reason)
  expect(reasons).not.toContain('sandbox_error')
})
