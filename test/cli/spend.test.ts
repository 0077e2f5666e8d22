/** What a corpus has cost: exactly what the endpoint gave, whatever happens to the process; and budgets. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { endAll, expectFailure, jsonLines, newFolder, removeFolders, run, seedLines, start } from './command.ts'

// Whole runs on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 })

let cwd: string

beforeEach(async () => {
  cwd = newFolder()
  const input = seedLines(12)
  expect((await run(['ingest', '-', '--as', 'seeds', '--data', 'data'], { cwd, input })).exitCode).toBe(0)
})
afterAll(() => {
  endAll()
  removeFolders()
})

const up = (...more: string[]): string[] => [
  ...['up', '--data', 'data', '--json', '--set', 'simulator.speed=2000', 'simulator.requestLog=requests.jsonl'],
  ...['sample-concepts.problems=4'],
  ...more,
]

interface Share {
  name: string
  calls: number
  promptTokens: number
  completionTokens: number
}

async function spend(...more: string[]): Promise<{ total: Share; shares: Share[]; pairs: number }> {
  const { stdout, exitCode } = await run(['spend', '--data', 'data', '--json', ...more], { cwd })
  expect(exitCode).toBe(0)
  return JSON.parse(stdout) as { total: Share; shares: Share[]; pairs: number }
}

interface Answered {
  event: string
  /** Null for the question whether the embedder embeds, at the start of each run. */
  requestId: string | null
  promptTokens: number
  completionTokens: number
}

/** What the endpoint says it has answered: each call, and each once that was asked for again. */
function answers(): { all: Answered[]; once: Answered[] } {
  const text = readFileSync(join(cwd, 'requests.jsonl'), 'utf8')
  const all = text
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Answered)
    .filter(({ event, requestId }) => event === 'finished' && requestId !== null)
  return { all, once: [...new Map(all.map((one) => [one.requestId, one])).values()] }
}

const tokensOf = (list: readonly { promptTokens: number; completionTokens: number }[]): number =>
  list.reduce((sum, { promptTokens, completionTokens }) => sum + promptTokens + completionTokens, 0)

describe('spend', () => {
  test('counts beside a configuration file with faults', async () => {
    writeFileSync(join(cwd, 'wellspring.yaml'), 'roles: { solver: [nobody] }\n')
    expect((await spend()).total.calls).toBe(0)
  })

  test('counts to the token what the endpoint has answered, over kill -9', async () => {
    for (let kill = 0; kill < 3; kill += 1) {
      const running = start(up('--problems', '4'), { cwd })
      // In the middle of its calls.
      const before = kill === 0 ? 0 : answers().all.length
      for (;;) {
        const ended = await Promise.race([
          running.ended.then(() => true),
          new Promise((next) => setImmediate(next, false)),
        ])
        if (ended) break
        try {
          if (answers().all.length > before + 20) break
        } catch {
          // The log is not there yet.
        }
      }
      running.process.kill('SIGKILL')
      await running.ended
    }
    expect((await run(up('--problems', '4'), { cwd })).exitCode).toBe(0)
    const { once } = answers()
    const { total, shares } = await spend('--by', 'outcome')
    expect(total.calls).toBe(once.length)
    expect(tokensOf([total])).toBe(tokensOf(once))
    expect(shares.map(({ name }) => name)).not.toContain('unfinished')
  })

  test('divides the same whole by role, model, endpoint and processor; by concept what generated problems cost', async () => {
    await run(up('--problems', '4'), { cwd })
    const { total } = await spend()
    expect(total.calls).toBeGreaterThan(0)
    for (const by of ['role', 'model', 'endpoint', 'processor', 'outcome'])
      expect(tokensOf((await spend('--by', by)).shares)).toBe(tokensOf([total]))
    const { shares } = await spend('--by', 'concept')
    expect(shares.length).toBeGreaterThan(4)
    expect(tokensOf(shares)).toBeLessThan(tokensOf([total]))
    const { stdout } = await run(['spend', '--data', 'data', '--pairs', '1000'], { cwd })
    expect(stdout).toMatch(/^role +calls +prompt/)
    expect(stdout).toMatch(/1,000 pairs will cost about [\d,]+ tokens|there is none yet to go by/)
  })

  test('of a corpus without calls says so', async () => {
    const { stdout } = await run(['spend', '--data', 'data'], { cwd })
    expect(stdout).toBe('no model call was committed yet\n')
  })
})

describe('a budget', () => {
  test('ends the run, and the next one with it makes no call', async () => {
    const first = await run(up('--problems', '4', '--budget', '5ktokens'), { cwd })
    expect(first.exitCode).toBe(0)
    const end = jsonLines<{ how: string; budget: { spent: number; amount: number } }>(first.stdout).at(-1)
    expect(end).toMatchObject({ how: 'budget', budget: { amount: 5000 } })
    const { all } = answers()
    // Beyond it goes what was in flight before any call had told what calls cost.
    const largest = Math.max(...all.map((one) => tokensOf([one])))
    expect(tokensOf([(await spend()).total])).toBeLessThanOrEqual(5000 + 64 * largest)
    const again = await run(up('--problems', '4', '--budget', '5ktokens'), { cwd })
    expect(jsonLines<{ how: string }>(again.stdout).at(-1)).toMatchObject({ how: 'budget' })
    expect(answers().all).toHaveLength(all.length)
    // A larger one goes on.
    const more = await run(up('--problems', '4', '--budget', '1Gtokens'), { cwd })
    expect(jsonLines<{ how: string }>(more.stdout).at(-1)).toMatchObject({ how: 'complete' })
  })

  test('that is reached ends a run that has nothing else to do', async () => {
    const grow = ['up', '--data', 'data', '--json', '--set', 'simulator.speed=2000']
    // Which problems give a pair is chance.
    for (let problems = 4; (await spend()).pairs === 0; problems += 4)
      expect((await run([...grow, '--problems', String(problems)], { cwd })).exitCode).toBe(0)
    const args = ['run', 'build-pairs', '--data', 'data', '--json', '--budget', '1pairs']
    const { stdout, exitCode } = await run(args, { cwd })
    expect(exitCode).toBe(0)
    expect(jsonLines<{ how: string }>(stdout).at(-1)).toMatchObject({ how: 'budget' })
  })

  test.each(['fifty', '-1usd', '0tokens', '5', '5 euros'])('%s is none', async (budget) => {
    expectFailure(await run(up(`--budget=${budget}`), { cwd }), 2, /--budget: expected an amount .* 50usd/)
  })

  test('in a currency needs the price of every model', async () => {
    expectFailure(await run(up('--budget', '5usd'), { cwd }), 78, /needs the price of every model.*USD/)
    const models = { fast: { model: 'm', endpoints: ['box'], price: { inputPerMillion: 1, outputPerMillion: 2 } } }
    const unpriced = { slow: { model: 'n', endpoints: ['box'] } }
    const file = {
      endpoints: { box: { url: 'http://127.0.0.1:9/v1' } },
      models: { ...models, ...unpriced },
      roles: { annotator: ['fast'], solver: ['slow'] },
    }
    writeFileSync(join(cwd, 'models.yaml'), JSON.stringify(file))
    const ended = await run(['up', '--data', 'data', '--config', 'models.yaml', '--budget', '5usd'], { cwd })
    expectFailure(ended, 78, /models\.slow has none in USD/)
  })
})
