/** The demo, and every command that reads the corpus it made. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Reconciliation } from '../../bench/soak/reconciliation.ts'
import { openBeside, useCorpus } from '../../cli/corpus.ts'
import { placeOf } from '../../cli/place.ts'
import { processors } from '../../processors/index.ts'
import { openEmbeddedLog } from '../../topics/embedded/log.ts'
import {
  commandFile,
  endAll,
  expectFailure,
  jsonLines,
  newFolder,
  removeFolders,
  run,
  startProgram,
  topicRows,
} from './command.ts'
import type { Ended } from './command.ts'

interface Row {
  id: string
  problem_id: string
  domain: string
  simulated: boolean
  prompt: { role: string; content: string }[]
  chosen: { role: string; content: string }[]
  rejected: { role: string; content: string }[]
}

interface Ancestor {
  id: string
  record?: { simulated: boolean; recipe: string }
  rules?: { processor: string; profile: string; recipe: string }
  concepts?: { seedId: string; statement: string }[]
  parents: Ancestor[]
}

const cwd = newFolder()
const data = ['--data', 'demo-data']
let demo: Ended
let pairs: Row[]

beforeAll(async () => {
  // The demo is simulated whatever else is configured: neither may be used.
  writeFileSync(join(cwd, 'wellspring.yaml'), 'endpoints: nonsense\n')
  const env = { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }
  demo = await run(['demo'], { cwd, env })
  pairs = jsonLines<Row>((await run(['export', 'pairs', ...data], { cwd })).stdout)
}, 240_000)
afterAll(() => {
  endAll()
  removeFolders()
})

describe('the demo', () => {
  test('ends by itself and says what was made, what was discarded and why, and what to type next', () => {
    expect(demo.stderr).toBe('')
    expect(demo.exitCode).toBe(0)
    expect(demo.stdout).toMatch(/^complete after .*simulated/m)
    expect(demo.stdout).toMatch(/^made: \d+ synthetic problems, .* [1-9]\d* preference pairs/m)
    expect(demo.stdout).toMatch(/^discarded: (?:.*, )?build-pairs \S+ \d+/m)
    expect(demo.stdout).toMatch(/^next: npx wellspring export pairs --data demo-data/m)
    expect(demo.stdout).toMatch(/^ +npx wellspring explain preference-pair-[0-9a-f]+ --data demo-data$/m)
  })

  test('is told by its report with as many records of each stage as its topics hold', async () => {
    const { stdout: page } = await run(['report', ...data, '--into', '-'], { cwd })
    const text = page.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ')
    const { stdout } = await run(['topics', ...data, '--json'], { cwd })
    const held = new Map(
      jsonLines<{ name: string; records: number }>(stdout).map(({ name, records }) => [name, records]),
    )
    for (const name of ['concepts', 'rationales', 'voted-problems', 'test-cases', 'outcomes']) {
      const told = new RegExp(`stage number .*? ${name.replace('-', ' ')} ([\\d,]+)`).exec(text)?.[1]
      expect([name, told?.replaceAll(',', '')]).toEqual([name, String(held.get(name))])
      expect(held.get(name)).toBeGreaterThan(0)
    }
  })

  test('makes at least 30 pairs from at least 10 problems in both domains', () => {
    expect(pairs.length).toBeGreaterThanOrEqual(30)
    expect(new Set(pairs.map((pair) => pair.problem_id)).size).toBeGreaterThanOrEqual(10)
    expect(new Set(pairs.map(({ domain }) => domain))).toEqual(new Set(['math', 'code']))
  })

  test('leaves every processor with its account balanced, and nothing in flight', async () => {
    const reconciliation = new Reconciliation(processors)
    const place = await placeOf({ data: join(cwd, 'demo-data'), kafka: false })
    const balances = await useCorpus(place, openBeside, (corpus) => reconciliation.look(corpus))
    expect([...reconciliation.violations, ...reconciliation.openAtEnd()]).toEqual([])
    expect(balances.find(({ processor }) => processor === 'verify-rollout')?.out).toBeGreaterThan(100)
  })

  test('says that it is complete when it is run again, and makes nothing', async () => {
    const before = await topicRows(cwd, 'demo-data')
    const { stdout, exitCode } = await run(['demo'], { cwd })
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^the demo was complete already; remove demo-data\//m)
    const after = await topicRows(cwd, 'demo-data')
    // A table is compacted: how many records it has left says nothing.
    const kept = [...before.values()].filter(({ retention }) => retention === 'kept')
    expect(kept.length).toBeGreaterThan(10)
    for (const { name, records } of kept) expect([name, after.get(name)?.records]).toEqual([name, records])
  })
})

describe('up', () => {
  test('--problems of a finished corpus ends without making anything, and its --json is one value a line', async () => {
    const before = await topicRows(cwd, 'demo-data')
    const { stdout, exitCode, stderr } = await run(
      ['up', ...data, '--problems', '150', '--json', '--set', 'simulator.speed=1000'],
      { cwd, env: { WELLSPRING_CONFIG: noConfiguration() } },
    )
    expect(stderr).toMatch(/simulated one answers/)
    expect(exitCode).toBe(0)
    const events = jsonLines<{ event: string; how?: string; simulated: boolean }>(stdout)
    expect(events.at(-1)).toMatchObject({ event: 'end', how: 'complete', simulated: true })
    expect(events.slice(0, -1).every(({ event }) => event === 'status')).toBe(true)
    const after = await topicRows(cwd, 'demo-data')
    for (const name of ['concepts', 'rationales', 'problems', 'verdicts', 'preference-pairs'])
      expect([name, after.get(name)?.records]).toEqual([name, before.get(name)?.records])
  })
})

function noConfiguration(): string {
  const file = join(cwd, 'empty.yaml')
  writeFileSync(file, '')
  return file
}

describe('topics', () => {
  test('shows no backlog once everything is done', async () => {
    const rows = [...(await topicRows(cwd, 'demo-data')).values()]
    const backlogs = rows.flatMap(({ name, backlog }) =>
      backlog.map(({ processor, records }) => [name, processor, records]),
    )
    expect(backlogs.length).toBeGreaterThan(10)
    expect(backlogs.filter(([, , records]) => records !== 0)).toEqual([])
    expect(rows.find(({ name }) => name === 'preference-pairs')?.records).toBe(pairs.length)
  })

  test('is a table for people', async () => {
    const { stdout, exitCode } = await run(['topics', ...data], { cwd })
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^topic +retention +partitions +records +size/)
    expect(stdout).toMatch(/^seeds +kept +12 +40 /m)
  })
})

describe('tail', () => {
  test('writes one JSON object a record', async () => {
    const { stdout, exitCode, stderr } = await run(['tail', 'preference-pairs', ...data], { cwd })
    expect(exitCode).toBe(0)
    expect(stderr).toBe('')
    const records = jsonLines<Row>(stdout)
    expect(new Set(records.map(({ id }) => id))).toEqual(new Set(pairs.map(({ id }) => id)))
    expect(records.every(({ simulated }) => simulated)).toBe(true)
  })

  test('--last gives so many records over all partitions, each partition from its end', async () => {
    const tail = async (...more: string[]) =>
      jsonLines<{ partition: number; offset: number }>(
        (await run(['tail', 'verdicts', ...data, ...more], { cwd })).stdout,
      )
    const offsetsOf = (records: { partition: number; offset: number }[], wanted: number): number[] =>
      records.filter(({ partition }) => partition === wanted).map(({ offset }) => offset)
    const all = await tail()
    expect(all.length).toBeGreaterThan(100)
    for (const count of [1, 50, all.length + 1]) {
      const last = await tail('--last', String(count))
      expect(last).toHaveLength(Math.min(count, all.length))
      for (const { partition } of last) {
        const offsets = offsetsOf(last, partition)
        expect(offsets).toEqual(offsetsOf(all, partition).slice(-offsets.length))
      }
    }
  })

  test('--follow goes on until Ctrl-C and then ends quietly', async () => {
    const follower = startProgram(process.execPath, [commandFile, 'tail', 'seeds', ...data, '--follow'], { cwd })
    await follower.written(/"seed-[0-9a-f]+"/)
    follower.process.kill('SIGINT')
    expect(await follower.ended).toMatchObject({ exitCode: 0, stderr: '' })
  })

  test.each([
    ['tail', 'verdicts'],
    ['export', 'pairs'],
  ])('a reader that goes away ends `%s` quietly', async (command, what) => {
    const script = `set -o pipefail; "$0" "$@" | head -1`
    const { stdout, stderr, exitCode } = await startProgram(
      'bash',
      ['-c', script, process.execPath, commandFile, command, what, ...data],
      { cwd, input: '' },
    ).ended
    expect(stdout.trimEnd().split('\n')).toHaveLength(1)
    expect(stderr.replace(/^\d+ rows written.*\n/, '')).toBe('')
    expect(exitCode).toBe(0)
  })
})

describe('export', () => {
  test('writes rows in the conversational form that say they are simulated', async () => {
    for (const { prompt, chosen, rejected, simulated } of pairs) {
      expect([prompt, chosen, rejected].map((messages) => messages.map(({ role }) => role))).toEqual([
        ['user'],
        ['assistant'],
        ['assistant'],
      ])
      expect(chosen[0]?.content).not.toBe(rejected[0]?.content)
      expect(simulated).toBe(true)
    }
    const { stderr } = await run(['export', 'pairs', ...data], { cwd })
    expect(stderr).toBe(`${pairs.length} rows written, ${pairs.length} of them simulated: not for training\n`)
  })

  test.each(['pairs', 'sft', 'problems'])(
    '%s with --out writes what stdout gets, whole and renamed into place',
    async (sort) => {
      const [toFile, toStdout] = [
        await run(['export', sort, ...data, '--out', `${sort}.jsonl`], { cwd }),
        await run(['export', sort, ...data], { cwd }),
      ]
      expect(toFile.exitCode).toBe(0)
      expect(toFile.stdout).toBe('')
      expect(readFileSync(join(cwd, `${sort}.jsonl`), 'utf8')).toBe(toStdout.stdout)
      expect(jsonLines(toStdout.stdout).length).toBeGreaterThan(10)
      expect(readdirSync(cwd).filter((name) => name.includes('partial'))).toEqual([])
    },
  )

  test('into a folder that is not there fails in one line and leaves nothing', async () => {
    const ended = await run(['export', 'pairs', ...data, '--out', 'nowhere/pairs.jsonl'], { cwd })
    expectFailure(ended, 74, /nowhere\/pairs\.jsonl: there is no folder nowhere; make it with `mkdir -p nowhere`$/m)
    expect(existsSync(join(cwd, 'nowhere'))).toBe(false)
  })

  test('that fails keeps the file that was there', async () => {
    // What is written beside the file can't be made: its name would be too long.
    const name = `kept-${'x'.repeat(230)}.jsonl`
    writeFileSync(join(cwd, name), 'old\n')
    const ended = await run(['export', 'pairs', ...data, '--out', name], { cwd })
    expectFailure(ended, 74, /kept-x+\.jsonl: its name is too long/)
    expect(readFileSync(join(cwd, name), 'utf8')).toBe('old\n')
  })
})

describe('explain', () => {
  const leaves = (ancestor: Ancestor): string[] => [
    ancestor.id,
    ...(ancestor.concepts ?? []).map(({ seedId }) => seedId),
    ...ancestor.parents.flatMap(leaves),
  ]

  test('reaches the seeds of pairs of both domains', async () => {
    const chosen = ['math', 'code'].flatMap((domain) => pairs.filter((pair) => pair.domain === domain).slice(0, 2))
    expect(chosen).toHaveLength(4)
    const seeds = new Set(
      jsonLines<{ id: string }>((await run(['tail', 'seeds', ...data], { cwd })).stdout).map(({ id }) => id),
    )
    for (const { id } of chosen) {
      const { stdout, exitCode } = await run(['explain', id, ...data, '--json'], { cwd })
      expect(exitCode).toBe(0)
      const reached = leaves(JSON.parse(stdout) as Ancestor).filter(
        (one) => seeds.has(one) || one.startsWith('problem-'),
      )
      expect(reached.length).toBeGreaterThan(0)
      const text = await run(['explain', id, ...data], { cwd })
      expect(text.stdout).toContain(`${id} [simulated]`)
      // What was chosen passed, or would have but for a test that the attempts refute; with what was rejected it is the other way round.
      expect(text.stdout).toMatch(
        /verdict-[0-9a-f]+ \[simulated\]\n +attempt \d+ \(chosen\): (?:passed|failed .*; counts as passed)/,
      )
      expect(text.stdout).toMatch(
        /verdict-[0-9a-f]+ \[simulated\]\n +attempt \d+ \(rejected\): (?:failed|passed .*; counts as failed)/,
      )
      expect(text.stdout).toMatch(/\n +call \S+: \S+ at \S+, prompt \S+, .*\d+ \+ \d+ tokens, [\d.]+ s/)
    }
  })

  test('tells the rules of each step once, and what of them is not as in the paper', async () => {
    const id = /explain (preference-pair-[0-9a-f]+)/.exec(demo.stdout)?.[1] ?? ''
    const { stdout } = await run(['explain', id, ...data], { cwd })
    expect(stdout).toMatch(/\n +rules [0-9a-f]{16}: build-pairs \d+, profile wellspring; .*pairing "closest"/)
    expect(stdout).toMatch(/\n +rules [0-9a-f]{16}: roll-out \d+, profile wellspring; .*solver: sim-solver/)
    expect(stdout).toMatch(/\n +not as in the paper: .*adaptive true \(paper: false\)/)
    const told = [...stdout.matchAll(/rules [0-9a-f]{16}: [a-z-]+ \d+, profile/g)].map(([head]) => head)
    expect(new Set(told).size).toBe(told.length)
    const json = JSON.parse((await run(['explain', id, ...data, '--json'], { cwd })).stdout) as Ancestor
    expect(json.rules).toMatchObject({ processor: 'build-pairs', profile: 'wellspring', recipe: json.record?.recipe })
  })

  test('and the card of an export has the rules of the corpus', async () => {
    expect((await run(['export', 'pairs', ...data, '--out', 'with-rules/'], { cwd })).exitCode).toBe(0)
    const card = JSON.parse(readFileSync(join(cwd, 'with-rules', 'card.json'), 'utf8')) as {
      recipes: Record<string, number>
      rules: { recipe: string; processor: string; settings: Record<string, unknown> }[]
    }
    const rules = card.rules.find(({ recipe }) => recipe in card.recipes)
    expect(rules).toMatchObject({ processor: 'build-pairs', settings: { pairing: 'closest' } })
    const readme = readFileSync(join(cwd, 'with-rules', 'README.md'), 'utf8')
    expect(readme).toMatch(/^\| plan-rollouts \d+ \| [0-9a-f]{16} \| wellspring \| attempts 8, /m)
  })

  test('of a synthetic pair names the seed of each concept', async () => {
    const id = /explain (preference-pair-[0-9a-f]+)/.exec(demo.stdout)?.[1] ?? ''
    const { stdout } = await run(['explain', id, ...data], { cwd })
    expect(stdout).toMatch(/\n +concept-combination-[0-9a-f]+/)
    expect(stdout).toMatch(
      /"[^"]+": named in \d+ lists?, first by \S+ in concept-list-[0-9a-f]+\n +seed-[0-9a-f]+ \(.+\): \S/,
    )
  })

  test.each([
    ['nonsense', /"nonsense" is no id; ids look like preference-pair-/],
    ['preference-pair-000000000000000000000000', /no record of this corpus is called preference-pair-0+/],
  ])('of %s is one line', async (id, line) => {
    expectFailure(await run(['explain', id, ...data], { cwd }), 65, line)
  })
})

describe('dead-letters', () => {
  test('of a good run are none', async () => {
    const { stdout, exitCode } = await run(['dead-letters', 'list', ...data], { cwd })
    expect({ stdout, exitCode }).toEqual({ stdout: 'no dead letters\n', exitCode: 0 })
  })
})

describe('a record that cannot be read', () => {
  beforeAll(async () => {
    const log = await openEmbeddedLog({ directory: join(cwd, 'demo-data'), mode: 'client' })
    const value = Buffer.from('no pair')
    await log.append([{ topic: 'preference-pairs', partition: 3, key: 'garbage', value }], 'test/garbage')
    await log.close()
  })

  test('makes export fail, and the good file of before stays', async () => {
    writeFileSync(join(cwd, 'good.jsonl'), 'of before\n')
    const ended = await run(['export', 'pairs', ...data, '--out', 'good.jsonl'], { cwd })
    expectFailure(ended, 74, /preference-pairs\/3 offset \d+ is no preference-pair; good\.jsonl is left as it was/)
    expect(readFileSync(join(cwd, 'good.jsonl'), 'utf8')).toBe('of before\n')
    expect(readdirSync(cwd).filter((name) => name.includes('partial'))).toEqual([])
  })

  test('leaves the other rows to a pipe', async () => {
    const ended = await run(['export', 'pairs', ...data], { cwd })
    expectFailure(ended, 74, new RegExp(`is no preference-pair; the other ${pairs.length} rows were written`))
    expect(jsonLines(ended.stdout)).toEqual(pairs)
  })
})
