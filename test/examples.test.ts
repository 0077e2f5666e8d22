import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { KnownProblems } from '../simulator/known-problems.ts'
import { runPython, sqliteProgram, tokens } from './simulator/python.ts'

interface Seed {
  id: string
  domain: 'math' | 'code' | 'sql'
  source: string
  problem: string
  answer?: string
  tests?: { input: string; output: string }[]
  solution?: string
}

const path = 'examples/seeds.jsonl'
const seeds = readFileSync(path, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Seed)

describe('examples/seeds.jsonl', () => {
  it('holds 20 mathematics problems with answers and 20 programming problems with tests and solutions', () => {
    expect(new Set(seeds.map(({ id }) => id)).size).toBe(40)
    expect(new Set(seeds.map(({ problem }) => problem)).size).toBe(40)
    for (const seed of seeds) {
      expect(seed.source).toBe('wellspring-examples')
      if (seed.domain === 'math') expect(seed.answer).toEqual(expect.stringMatching(/\S/))
      else expect(seed.tests?.length).toBeGreaterThanOrEqual(4)
    }
    expect(seeds.filter(({ domain }) => domain === 'math')).toHaveLength(20)
  })

  it('has solutions that pass their tests, and changed copies that do not', () => {
    const code = seeds.filter(({ domain }) => domain === 'code')
    const known = new KnownProblems([path])
    const jobs = code.flatMap((seed) => {
      const inputs = (seed.tests ?? []).map(({ input }) => input)
      const expected = (seed.tests ?? []).map(({ output }) => tokens(output))
      const entry = known.find(seed.problem.replace(/\s+/g, ' ').trim())
      const programs = [...(entry?.right ?? []), ...(entry?.wrong ?? [])]
      return programs.map((program, index) => ({
        id: `${seed.id} ${program.name}`,
        source: program.source,
        inputs,
        expected,
        right: index === 0,
      }))
    })
    expect(jobs.filter(({ right }) => right)).toHaveLength(20)
    const outputs = runPython(jobs)
    const passed = jobs.map((job, i) =>
      job.inputs.every((_, test) => tokens(outputs[i]?.[test]) === job.expected[test]),
    )
    expect(jobs.filter(({ right }, i) => right && passed[i] !== true).map(({ id }) => id)).toEqual([])
    const survivors = jobs.filter(({ right }, i) => !right && passed[i] === true).map(({ id }) => id)
    expect(survivors).toEqual([])
  })
})

describe('examples/sql-seeds.jsonl', () => {
  const queries = readFileSync('examples/sql-seeds.jsonl', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Seed & { solution: string; tests: { input: string; output: string }[] })

  it('has queries that pass their tests, and changed copies that each fail one', () => {
    const known = new KnownProblems(['examples/sql-seeds.jsonl'])
    const rows = (input: string, output: string): string =>
      input.startsWith('-- ordered') ? tokens(output) : tokens(output.split('\n').sort().join('\n'))
    for (const { id, problem, tests, solution } of queries) {
      expect(tests.length, id).toBeGreaterThanOrEqual(3)
      const inputs = tests.map(({ input }) => input)
      const entry = known.find(problem.replace(/\s+/g, ' ').trim())
      const wrong = entry?.wrong ?? []
      expect(entry?.right[0]?.source.trim()).toBe(solution)
      const [right, ...others] = runPython(
        [solution, ...wrong.map(({ source }) => source)].map((source) => ({ source: sqliteProgram(source), inputs })),
      )
      const passes = (outputs: string[] | undefined): boolean[] =>
        tests.map(({ input, output }, at) => rows(input, outputs?.[at] ?? '') === rows(input, output))
      expect(passes(right), id).not.toContain(false)
      for (const [at, outputs] of others.entries())
        expect(passes(outputs), `${id}: ${wrong[at]?.name}`).toContain(false)
    }
  })
})
