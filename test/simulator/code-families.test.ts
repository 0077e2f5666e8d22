import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CODE_FAMILIES, SQL_FAMILIES } from '../../simulator/families/all.ts'
import { type CodeProblem, questionOf, TEST_KINDS } from '../../simulator/families/family.ts'
import { Random } from '../../simulator/random.ts'
import { runPython, sqliteProgram, tokens } from './python.ts'

interface Trial {
  problem: CodeProblem
  inputs: string[]
  expected: string[]
}

/** An output as it is compared: rows of a query in any order, unless the input asks for one. */
function comparable({ domain }: CodeProblem, input: string, output: string | undefined): string {
  const isSet = domain === 'sql' && !input.startsWith('-- ordered')
  return tokens(isSet ? (output ?? '').split('\n').sort().join('\n') : output)
}

describe.each([...CODE_FAMILIES, ...SQL_FAMILIES].map((family) => [family.name, family] as const))(
  'programming family %s',
  (name, family) => {
    const draws = fc.record({ seed: fc.integer(), difficulty: fc.double({ min: 1, max: 8, noNaN: true }) })

    it('reads its own statements back, whatever the wording', () => {
      fc.assert(
        fc.property(draws, ({ seed, difficulty }) => {
          const random = new Random('code test', seed)
          const problem = family.draw(random, difficulty)
          const reading = family.read(questionOf(problem.statement(random)))
          expect(reading).toMatchObject({ problem: { key: problem.key } })
        }),
        { numRuns: 120 },
      )
    })

    it('sees that a condition is missing', () => {
      fc.assert(
        fc.property(draws, ({ seed, difficulty }) => {
          const random = new Random('code flaw', seed)
          const statement = family.draw(random, difficulty).statement(random, { flawed: true })
          expect(family.read(questionOf(statement))).toEqual({ flaw: 'missing-condition' })
        }),
        { numRuns: 40 },
      )
    })

    it('shows a worked example that its solver confirms', () => {
      const random = new Random('code example', name)
      const problem = family.draw(random, 4)
      const [, example = ''] = problem.statement(random).split('\n\nExample\nInput:\n')
      const [input = '', output = ''] = example.split('Output:\n')
      expect(problem.solve(input).trim()).toBe(output.trim())
    })

    it('has right programs that pass every test, and wrong ones that each fail some and pass others', () => {
      const trials: Trial[] = []
      const seen = new Set<string>()
      for (let seed = 0; seed < 60 && trials.length < 8; seed++) {
        const random = new Random('code programs', name, seed)
        const problem = family.draw(random, 1 + (seed % 8))
        const programs = JSON.stringify([problem.right, problem.wrong])
        if (seen.has(programs)) continue
        seen.add(programs)
        const inputs = TEST_KINDS.flatMap((kind) => Array.from({ length: 15 }, () => problem.input(kind, random)))
        trials.push({
          problem,
          inputs,
          expected: inputs.map((input) => comparable(problem, input, problem.solve(input))),
        })
      }
      const right = trials.flatMap((trial) => trial.problem.right.map((program) => ({ trial, program })))
      const wrong = trials.flatMap((trial) => trial.problem.wrong.map((program) => ({ trial, program })))
      const outputs = runPython(
        [...right, ...wrong].map(({ trial, program }) => ({
          source: trial.problem.domain === 'sql' ? sqliteProgram(program.source) : program.source,
          inputs: trial.inputs,
        })),
      )
      const failures = [...right, ...wrong].map(({ trial }, job) =>
        trial.inputs.filter((input, i) => comparable(trial.problem, input, outputs[job]?.[i]) !== trial.expected[i]),
      )
      right.forEach(({ trial, program }, job) => {
        expect(failures[job], `${trial.problem.key}: "${program.name}" is right`).toEqual([])
      })
      const survivors = new Map<string, boolean>()
      wrong.forEach(({ trial, program }, index) => {
        const failed = failures[right.length + index] ?? []
        expect(failed.length, `${trial.problem.key}: "${program.name}" fails somewhere`).toBeGreaterThan(0)
        const partly = failed.length < trial.inputs.length
        survivors.set(program.name, (survivors.get(program.name) ?? false) || partly)
      })
      // Weak tests must be possible: some mistakes stay hidden on some inputs.
      expect([...survivors.values()].filter(Boolean).length).toBeGreaterThanOrEqual(2)
      for (const { problem } of trials) expect(problem.right.length).toBeGreaterThanOrEqual(2)
    })
  },
)
