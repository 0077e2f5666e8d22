/** The sampler alone, killed over and over while it uses up everything there is to draw. */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { randomFrom } from '../../curation/sampling.ts'
import { endAll, jsonLines, newFolder, recordsIn, removeFolders, run, start } from '../cli/command.ts'

afterAll(() => {
  endAll()
  removeFolders()
})

const drawsPerCombination = 20
const kills = 6

interface Combination {
  id: string
  concepts: string[]
  level: string
  draw: number
  seed: number
}

test('a sampler that is killed draws every ordered pair as often as it may, no more and no less, with the seeds in their order', async () => {
  const cwd = newFolder()
  const place = ['--data', 'data']
  const input = readFileSync('examples/seeds.jsonl', 'utf8')
    .split('\n')
    .filter((line) => line.includes('"domain":"math"') || line.includes('"domain": "math"'))
    .slice(0, 7)
    .join('\n')
  expect((await run(['ingest', '-', '--as', 'seeds', ...place], { cwd, input })).exitCode).toBe(0)
  // Concept lists, and nothing else.
  expect((await run(['up', '--problems', '0', ...place, '--set', 'simulator.speed=5000'], { cwd })).exitCode).toBe(0)
  const lists = jsonLines<{ concepts: string[] }>((await run(['tail', 'concept-lists', ...place], { cwd })).stdout)
  const concepts = new Set(lists.flatMap((list) => list.concepts)).size
  expect(concepts).toBeGreaterThan(5)
  const all = concepts * (concepts - 1) * drawsPerCombination

  const settings = [
    ...['combinationSize=2', `drawsPerCombination=${drawsPerCombination}`, 'consecutiveDraws=4'],
    ...['domainShares=math=1', 'maxWorkInProgress=1000000000'],
  ].flatMap((one) => ['--set', `sample-concepts.${one}`])
  const sampling = () => start(['run', 'sample-concepts', ...place, ...settings], { cwd })
  const random = randomFrom(7)
  const counts: number[] = []
  for (let kill = 0; kill < kills; kill++) {
    const { process: child, ended } = sampling()
    // While it starts, or a moment after its first commit: more than one must land in the middle.
    const before = counts.at(-1) ?? 0
    const early = random() < 0.3
    while (!early && before < all && (await recordsIn(cwd, 'concepts')) === before) await pause(20)
    await pause(700 * random())
    child.kill('SIGKILL')
    await ended
    counts.push(await recordsIn(cwd, 'concepts'))
  }
  // They came in the middle of it.
  expect(
    new Set(counts.filter((count) => count > 0 && count < all)).size,
    `${counts.join()} of ${all}`,
  ).toBeGreaterThanOrEqual(2)
  const last = sampling()
  while ((await recordsIn(cwd, 'concepts')) < all) await Promise.race([pause(200), last.ended])
  last.process.kill('SIGINT')
  await last.ended

  const drawn = jsonLines<Combination>((await run(['tail', 'concepts', ...place], { cwd })).stdout)
  expect(new Set(drawn.map(({ id }) => id)).size).toBe(drawn.length)
  const draws = new Map<string, Combination[]>()
  for (const one of drawn) {
    const key = one.concepts.join(' & ')
    draws.set(key, [...(draws.get(key) ?? []), one])
  }
  expect([draws.size, drawn.length]).toEqual([concepts * (concepts - 1), all])
  const expected = Array.from({ length: drawsPerCombination }, (_, draw) => [draw, 8000 + draw])
  for (const [key, same] of draws)
    expect(
      same.map(({ draw, seed }) => [draw, seed]).sort(([a = 0], [b = 0]) => a - b),
      key,
    ).toEqual(expected)
}, 240_000)
