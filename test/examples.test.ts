import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { KnownProblems } from '../simulator/known-problems.ts'
import { runPython, tokens } from './simulator/python.ts'

interface Seed {
  id: string
  domain: 'math' | 'code'
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
