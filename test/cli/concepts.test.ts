/** Combinations of concepts that a user gives: taken in draw by draw, and made into problems as drawn ones are. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { domains } from '../../domains/index.ts'
import type { ConceptCombination, Problem } from '../../schemas/generated.ts'
import { startSimulator, type Simulator } from '../../simulator/server.ts'
import { endAll, expectNoTrace, jsonLines, newFolder, recordsIn, removeFolders, run, start } from './command.ts'

// Whole runs on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const cwd = newFolder()
const ingest = (...lines: object[]) =>
  run(['ingest', '-', '--as', 'concepts', '--data', 'data'], {
    cwd,
    input: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  })
const recordsOf = async <Kind>(topic: string): Promise<Kind[]> =>
  jsonLines<Kind>((await run(['tail', topic, '--data', 'data'], { cwd })).stdout)
const parity = { concepts: ['  Parity. ', 'Graph Colouring'], domain: 'math' }
const gcd = { concepts: ['greatest common divisors'], domain: 'math', level: 'AIME' }
let simulator: Simulator

beforeAll(async () => {
  simulator = await startSimulator({ instant: true, noise: { malformedAnswers: 0 } })
})
afterAll(async () => {
  endAll()
  await simulator.close()
  removeFolders()
})

test('a list is a draw, and the second time that it stands in a file another one', async () => {
  const ended = await ingest(parity, gcd, parity)
  expect(ended).toEqual({ exitCode: 0, stdout: '-: 3 concepts added, 0 known already, 0 refused\n', stderr: '' })
  const drawn = await recordsOf<ConceptCombination>('concepts')
  const of = ({ concepts }: ConceptCombination): string => concepts.join(', ')
  const twice = drawn.filter((one) => of(one) === 'parity, graph colouring').sort((a, b) => a.draw - b.draw)
  expect(twice.map(({ draw }) => draw)).toEqual([0, 1])
  expect(new Set(twice.map(({ seed }) => seed)).size).toBe(2)
  const levels = domains.find(({ name }) => name === 'math')?.levels
  for (const { level } of twice) expect(levels).toContain(level)
  expect(drawn.filter((one) => of(one) !== 'parity, graph colouring')).toMatchObject([
    { concepts: gcd.concepts, domain: 'math', level: 'AIME', sampler: 'given', draw: 0, parentIds: [], guided: false },
  ])
})

test('the same file again adds nothing, and one with a draw more adds that', async () => {
  expect((await ingest(parity, gcd, parity)).stdout).toBe('-: 0 concepts added, 3 known already, 0 refused\n')
  expect((await ingest(parity, parity, parity)).stdout).toBe('-: 1 concepts added, 2 known already, 0 refused\n')
})

test('levels of a list without one are drawn from all of the domain', async () => {
  const many = Array.from({ length: 60 }, () => ({ concepts: ['tilings'], domain: 'math' }))
  expect((await ingest(...many)).exitCode).toBe(0)
  const tilings = (await recordsOf<ConceptCombination>('concepts')).filter(({ concepts }) => concepts[0] === 'tilings')
  expect(new Set(tilings.map(({ level }) => level)).size).toBeGreaterThan(4)
})

test('lines that are none are refused by their numbers, with what is wrong', async () => {
  const before = await recordsIn(cwd, 'concepts')
  const ended = await ingest(
    { concepts: ['a'] },
    { concepts: ['a'], domain: 'poetry' },
    { concepts: [], domain: 'math' },
    { concepts: 'parity', domain: 'math' },
    { concepts: ['a', ' .. '], domain: 'math' },
    { concepts: ['Parity', 'b', 'parity.'], domain: 'math' },
    { ...gcd, level: 'Codeforces' },
  )
  expect(ended.exitCode).toBe(65)
  expect(ended.stdout).toBe('-: 0 concepts added, 0 known already, 7 refused\n')
  const faults = [
    ...[
      /^-:1: domain: /,
      /^-:2: domain: /,
      /^-:3: concepts: /,
      /^-:4: concepts: /,
      /^-:5: concepts\.1: names nothing$/,
    ],
    ...[
      /^-:6: concepts\.2: "parity" stands in the list before$/,
      /^-:7: level: expected one of .*AIME.*, or none, got/,
    ],
  ]
  const told = ended.stderr.trimEnd().split('\n')
  expect(told).toHaveLength(faults.length)
  for (const [at, fault] of faults.entries()) expect(told[at]).toMatch(fault)
  expectNoTrace(ended)
  expect(await recordsIn(cwd, 'concepts')).toBe(before)
})

test('they become problems, and explain tells where their concepts came from', async () => {
  const names = ['generate-rationale', 'generate-problem', 'screen-problem']
  const stream = start(['run', ...names, '--data', 'data'], { cwd, env: { OPENAI_BASE_URL: simulator.url } })
  await vi.waitUntil(
    async () => {
      expect(stream.process.exitCode).toBeNull()
      return (await recordsIn(cwd, 'problems')) > 3
    },
    { timeout: 120_000, interval: 200 },
  )
  stream.process.kill('SIGTERM')
  await stream.ended
  const [problem] = await recordsOf<Problem>('problems')
  expect(problem).toMatchObject({ origin: 'synthetic', domain: 'math' })
  const explained = await run(['explain', problem?.id ?? '', '--data', 'data'], { cwd })
  expect(explained.stdout).toMatch(/ingested as given/)
})
