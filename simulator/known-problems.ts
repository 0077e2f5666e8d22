/** Human problems that the simulated models know from files, as real models know published problems. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Answer } from './answers.ts'
import type { Mistake, Problem, Program } from './families/family.ts'
import { hashText, Random } from './random.ts'
import { collapseWhitespace } from './wording.ts'

/** A human problem with whatever its file gave. */
export interface KnownProblem {
  problem: string
  domain: Problem['domain']
  /** 1 to 8, drawn from the text: the file does not say. */
  difficulty: number
  answer?: Answer
  /** Wrong answers near the right one. Empty where there is no answer. */
  mistakes: Mistake[]
  right: Program[]
  /** Changed copies of the given solution. Nothing proves that each change matters. */
  wrong: Program[]
  tests: { input: string; output: string }[]
}

const lineSchema = z.object({
  problem: z.string().min(1),
  domain: z.enum(['math', 'code', 'sql']).optional(),
  answer: z.string().min(1).optional(),
  solution: z.string().min(1).optional(),
  tests: z.array(z.object({ input: z.string(), output: z.string() })).optional(),
})

function perturbations(given: string): Mistake[] {
  // \frac14 holds two numbers: doubling "14" would give \frac28, which is the right answer again.
  const latex = given.replace(/\\([dt]?)frac\s*(\d)\s*(\d)/g, '\\$1frac{$2}{$3}')
  const changes: [string, (number: bigint) => bigint][] = [
    ['off by one', (n) => n + 1n],
    ['off by one downwards', (n) => n - 1n],
    ['doubled', (n) => 2n * n + (n === 0n ? 2n : 0n)],
    ['slip in the last step', (n) => n + 10n],
  ]
  const last = [...latex.matchAll(/\d+/g)].at(-1)
  if (last === undefined) return [{ name: 'answered zero', answer: { kind: 'given', latex: '0' } }]
  const mistakes = changes.map(([name, change]) => {
    const changed = change(BigInt(last[0]))
    const text = latex.slice(0, last.index) + String(changed) + latex.slice(last.index + last[0].length)
    return { name, answer: { kind: 'given' as const, latex: text } }
  })
  return mistakes.filter((mistake) => !mistake.answer.latex.includes('-') || latex.includes('-'))
}

const MUTATIONS: [string, RegExp, string][] = [
  ['comparison made strict', /<=/, '<'],
  ['comparison made loose', />(?![=>])/, '>='],
  ['maximum for minimum', /\bmin\(/, 'max('],
  ['minimum for maximum', /\bmax\(/, 'min('],
  ['range one short', /range\((\w+)\)/, 'range($1 - 1)'],
  ['off by one upwards', / \+ 1\b/, ''],
  ['off by one downwards', / - 1\b/, ''],
  ['sum for difference', / - /, ' + '],
  ['difference for sum', / \+ /, ' - '],
  ['reversed condition', / == /, ' != '],
]

/** Copies of a program, each with one change of a kind that people make. */
function mutate(source: string): Program[] {
  const programs = MUTATIONS.flatMap(([name, pattern, replacement]) => {
    const changed = source.replace(pattern, replacement)
    return changed === source ? [] : [{ name, source: changed }]
  })
  const prints = source.replace(/print\((.*)\)\s*$/, 'print(0)')
  if (prints !== source) programs.push({ name: 'prints zero', source: prints })
  return programs.length > 0 ? programs : [{ name: 'prints nothing', source: source.replace(/\bprint\(/g, 'str(') }]
}

const SQL_MUTATIONS: typeof MUTATIONS = [
  ['inner join for outer', /\bLEFT JOIN\b/, 'JOIN'],
  ['smallest for greatest', /\bMAX\(/, 'MIN('],
  ['counts rows and not values', /\bCOUNT\([^)]+\)/, 'COUNT(*)'],
  ['comparison made strict', />=/, '>'],
  ['comparison made loose', /(?<![<>=])>(?!=)/, '>='],
  ['ascending for descending', / DESC\b/, ''],
  ['reversed condition', /\bNOT IN\b/, 'IN'],
  ['starts at one', /, 0 FROM/, ', 1 FROM'],
]

/** Copies of a query, each with one change of a kind that people make, and one that loses rows. */
function mutateQuery(source: string): Program[] {
  const queries = SQL_MUTATIONS.flatMap(([name, pattern, replacement]) => {
    const changed = source.replace(pattern, replacement)
    return changed === source ? [] : [{ name, source: changed }]
  })
  return [...queries, { name: 'no row at all', source: `SELECT * FROM (\n${source}) LIMIT 0\n` }]
}

function describe(line: z.output<typeof lineSchema>): KnownProblem {
  const seed = hashText(line.problem)
  const source = line.solution === undefined ? undefined : `${line.solution.trim()}\n`
  const difficulty = Math.min(8, Math.max(1, 4.2 + 1.5 * new Random('human', seed).normal()))
  return {
    problem: line.problem,
    domain: line.domain ?? (line.answer === undefined ? 'code' : 'math'),
    difficulty,
    ...(line.answer !== undefined && { answer: { kind: 'given', latex: line.answer } }),
    mistakes: line.answer === undefined ? [] : perturbations(line.answer),
    right: source === undefined ? [] : [{ name: 'given solution', source }],
    wrong: source === undefined ? [] : (line.domain === 'sql' ? mutateQuery : mutate)(source),
    tests: line.tests ?? [],
  }
}

/** Human problems by statement. */
export class KnownProblems {
  private readonly byStatement = new Map<string, KnownProblem>()

  /**
   * Reads JSONL files. Throws Error naming file and line where a line is not a problem, or the file system's error where a
   * file can't be read.
   */
  constructor(paths: readonly string[]) {
    for (const path of paths) {
      readFileSync(path, 'utf8')
        .split('\n')
        .forEach((text, index) => {
          if (text.trim() === '') return
          const known = describe(this.parseLine(text, `${path}:${String(index + 1)}`))
          this.byStatement.set(collapseWhitespace(known.problem), known)
        })
    }
  }

  private parseLine(text: string, where: string): z.output<typeof lineSchema> {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (cause) {
      throw new Error(`known problems: ${where}: expected one JSON object a line`, { cause })
    }
    const parsed = lineSchema.safeParse(value)
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    throw new Error(`known problems: ${where}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a problem'}`)
  }

  /** The problem with this statement (white space collapsed), if known. */
  find(collapsed: string): KnownProblem | undefined {
    return this.byStatement.get(collapsed)
  }

  /** All known problems. */
  all(): Iterable<KnownProblem> {
    return this.byStatement.values()
  }
}
