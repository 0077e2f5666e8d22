/** Benchmarks: added, compared with what was accepted before, removed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endAll, expectFailure, jsonLines, newFolder, removeFolders, run } from './command.ts'

const cwd = newFolder()
const barge =
  'A barge with 37 crates of saffron passes 14 locks; at each lock a third of the crates is inspected twice. How many inspections take place?'
const kite = 'A kite has diagonals of 26 and 57 units. What is its area in square units, as a decimal fraction?'
const write = (file: string, ...lines: object[]): void =>
  writeFileSync(join(cwd, file), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
const data = ['--data', 'corpus']

interface Retraction {
  problemId: string
  reason: string
  evidence: string
  by: string
}

beforeAll(async () => {
  write(
    'problems.jsonl',
    { domain: 'math', source: 'club', problem: `Listen. ${barge.toUpperCase()}`, answer: '345' },
    { domain: 'math', source: 'club', problem: kite, answer: '741' },
  )
  write('exam.jsonl', { id: 'II-7', domain: 'math', source: 'exam-26', problem: barge })
  await run(['ingest', 'problems.jsonl', '--as', 'problems', ...data], { cwd })
})
afterAll(() => {
  endAll()
  removeFolders()
})

describe('benchmarks', () => {
  test('recheck without any says how to add one', async () => {
    expectFailure(
      await run(['recheck', ...data], { cwd }),
      65,
      /no benchmarks; add some with `wellspring benchmarks add FILE/,
    )
    const list = await run(['benchmarks', 'list', ...data], { cwd })
    expect(list.stdout).toMatch(/^no benchmarks/)
  })

  test('are added once, a bad line is named, and recheck is advised', async () => {
    writeFileSync(join(cwd, 'bad.jsonl'), '{"domain":"math","source":"x"}\n')
    const added = await run(['benchmarks', 'add', 'exam.jsonl', 'bad.jsonl', ...data], { cwd })
    expect(added.exitCode).toBe(65)
    expect(added.stdout).toMatch(/^exam\.jsonl: 1 benchmark problems added, 0 known already, 0 refused$/m)
    expect(added.stderr).toMatch(/bad\.jsonl:1: problem:/)
    expect(added.stderr).toMatch(/wellspring recheck/)
    const again = await run(['benchmarks', 'add', 'exam.jsonl', '--json', ...data], { cwd })
    expect(jsonLines(again.stdout)).toEqual([{ file: 'exam.jsonl', as: 'benchmarks', added: 0, known: 1, refused: [] }])
    const named = await run(['benchmarks', 'add', 'exam.jsonl', '--name', 'own', ...data], { cwd })
    expect(named.stdout).toMatch(/1 benchmark problems added/)
    const list = await run(['benchmarks', 'list', '--json', ...data], { cwd })
    expect(jsonLines(list.stdout)).toEqual([
      { benchmark: 'exam-26', problems: 1 },
      { benchmark: 'own', problems: 1 },
    ])
  })

  test('retract what was taken in before them, once, and nothing else', async () => {
    const dry = await run(['recheck', '--dry-run', ...data], { cwd })
    expect(dry.stderr).toBe('')
    expect(dry.stdout).toMatch(/^2 problems compared with 2 of benchmarks: 1 would be retracted$/m)
    const found = await run(['recheck', '--json', ...data], { cwd })
    const [retraction, counts] = jsonLines<Retraction & { retracted: number }>(found.stdout)
    expect(retraction).toMatchObject({ reason: 'benchmark-overlap', by: 'recheck' })
    expect(retraction?.evidence).toMatch(
      /^exam-26 II-7: 2\d words in common, share 1\.00: "v barge with 37 crates of saffron/,
    )
    expect(counts).toMatchObject({ compared: 2, retracted: 1, dryRun: false })
    const stored = jsonLines<Retraction>((await run(['tail', 'retractions', '--last', '10', ...data], { cwd })).stdout)
    expect(stored).toHaveLength(1)
    expect((await run(['recheck', ...data], { cwd })).stdout).toMatch(/^1 problems compared .*: 0 retracted$/m)
  })

  test('off: recheck compares nothing and says so', async () => {
    const off = await run(['recheck', '--set', 'screen-problem.decontamination=off', ...data], { cwd })
    expectFailure(off, 78, /decontamination is off/)
  })

  test('are compared no longer once removed, and can be added again', async () => {
    expectFailure(
      await run(['benchmarks', 'remove', 'nobody', ...data], { cwd }),
      65,
      /no benchmark is called "nobody"/,
    )
    const removed = await run(['benchmarks', 'remove', 'own', ...data], { cwd })
    expect(removed.stdout).toMatch(/^own: 1 problems removed$/m)
    expect(jsonLines((await run(['benchmarks', 'list', '--json', ...data], { cwd })).stdout)).toHaveLength(1)
    const again = await run(['benchmarks', 'add', 'exam.jsonl', '--name', 'own', ...data], { cwd })
    expect(again.stdout).toMatch(/1 benchmark problems added/)
    expect(jsonLines((await run(['benchmarks', 'list', '--json', ...data], { cwd })).stdout)).toHaveLength(2)
  })
})
