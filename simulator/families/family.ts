/**
 * What a problem family is. A family writes problems of one kind from parameters, reads the parameters back from the text
 * of a statement, and solves them exactly. Nothing is remembered between requests: a statement that comes back in another
 * prompt is solved from its own words.
 */
import { type Answer, canonicalAnswer, roundsToward, sameAnswer } from '../answers.ts'
import { Random } from '../random.ts'
import { openingStory } from '../stories.ts'
import { type CompiledWording, collapseWhitespace, compileWording, type Part, type SlotValues } from '../wording.ts'

/** The four kinds of test case that a test writer is asked for. */
export type TestKind = 'edge case' | 'complex case' | 'error-prone input' | 'critical path'

/** All kinds of test case. */
export const TEST_KINDS: readonly TestKind[] = ['edge case', 'complex case', 'error-prone input', 'critical path']

interface FamilySpec<P> {
  /** Lower-case words joined by hyphens; the file's name. */
  name: string
  /** Concept names of the lexicon that this family's problems are about. */
  concepts: string[]
  /** What the problem asks, as a designer would put it in a rationale: unique, without numbers. */
  design: string
  /** Parameters of about the wanted difficulty (1 to 8). They must survive JSON. */
  instance(random: Random, difficulty: number): P
  /** How hard the problem with these parameters is, 1 (easy) to 8 (hard). */
  difficulty(parameters: P): number
  /** The question in several wordings. Each holds at least one `condition`. */
  wordings: Part[]
  /** The slots' texts. */
  values(parameters: P): SlotValues
  /** The parameters from the slots' texts; undefined where they can't belong to this family. */
  read(values: SlotValues): P | undefined
}

/** One problem, solved. */
interface ProblemBase {
  family: string
  /** 1 to 8. */
  difficulty: number
  /** Equal for equal parameters. */
  key: string
}

/** A named wrong answer that a solver may fall for. */
export interface Mistake {
  name: string
  answer: Answer
}

/** A mathematics problem with its exact answer. */
export interface MathProblem extends ProblemBase {
  domain: 'math'
  answer: Answer
  /** Every answer differs from the right one and from the others. Never empty. */
  mistakes: Mistake[]
  /** Lines of the right derivation, for reasoning texts. */
  steps: string[]
}

/** A Python program that reads stdin and writes stdout, or an SQL query. */
export interface Program {
  /** Which right variant, mistake or fault. */
  name: string
  source: string
}

/** Domains whose problems are solved by a program (or a query) and checked by tests. */
export type ProgramDomain = 'code' | 'sql'

/** A programming problem with its exact solver and its programs. Of a query, the input is the script that fills its database. */
export interface CodeProblem extends ProblemBase {
  domain: ProgramDomain
  /** A valid input of the kind, ending in a newline. */
  input(kind: TestKind, random: Random): string
  /** The exact output for a valid input, ending in a newline. */
  solve(input: string): string
  /** At least two right programs. */
  right: Program[]
  /** Programs that fail on some inputs. */
  wrong: Program[]
  /** Programs that are right on small inputs and too slow on large ones (or never end). */
  slow: Program[]
  steps: string[]
}

/** A problem of either domain. */
export type Problem = MathProblem | CodeProblem

/** What a family makes of a statement. */
type Reading<T extends Problem> = { problem: T } | { flaw: 'missing-condition' } | undefined

interface FamilyBase<T extends Problem> {
  name: string
  concepts: string[]
  design: string
  /** A problem as near to the wanted difficulty as this family gets. */
  draw(random: Random, difficulty: number): T & { statement(random: Random, options?: { flawed?: boolean }): string }
  /** Reads a statement (white space collapsed). */
  read(collapsed: string): Reading<T>
}

/** A family of mathematics problems. */
export type MathFamily = FamilyBase<MathProblem> & { domain: 'math' }
/** A family of programming problems. */
export type CodeFamily = FamilyBase<CodeProblem> & { domain: ProgramDomain }
/** A family of either domain. */
export type Family = MathFamily | CodeFamily

function buildFamily<P, T extends Problem>(
  spec: FamilySpec<P>,
  solve: (parameters: P, base: ProblemBase) => T,
  finish: (statement: string, problem: T, flawed: boolean) => string,
  storySentences: number,
): FamilyBase<T> {
  const wordings: CompiledWording[] = spec.wordings.map(compileWording)
  const build = (parameters: P): T =>
    solve(parameters, {
      family: spec.name,
      difficulty: spec.difficulty(parameters),
      key: `${spec.name} ${JSON.stringify(parameters)}`,
    })
  return {
    name: spec.name,
    concepts: spec.concepts,
    design: spec.design,
    draw: (random, difficulty) => {
      let parameters = spec.instance(random, difficulty)
      const distance = (candidate: P): number => Math.abs(spec.difficulty(candidate) - difficulty)
      for (let attempt = 0; attempt < 6 && distance(parameters) > 0.5; attempt++) {
        const other = spec.instance(random, difficulty)
        if (distance(other) < distance(parameters)) parameters = other
      }
      const problem = build(parameters)
      return {
        ...problem,
        statement: (words, options = {}) => {
          const drawn = new Map<string, string>()
          const story = openingStory(words, drawn, storySentences)
          const wording = words.pick(wordings)
          const flawed = options.flawed ?? false
          const question = wording.write(words, spec.values(parameters), { drawn, withoutConditions: flawed })
          const tidy = question.replace(/ {2,}/g, ' ')
          return finish(`${story} ${tidy}`.trim(), problem, flawed)
        },
      }
    },
    read: (collapsed) => {
      for (const wording of wordings) {
        const match = wording.read(collapsed)
        if (match === undefined) continue
        if (!match.complete) return { flaw: 'missing-condition' }
        const parameters = spec.read(match.values)
        if (parameters !== undefined) return { problem: build(parameters) }
      }
      return undefined
    },
  }
}

/** Declares a family of mathematics problems. Mistakes equal or very near to the right answer, or
 * equal to an earlier mistake, fall away. */
export function mathFamily<P>(
  spec: FamilySpec<P> & {
    answer(parameters: P): Answer
    /** At least one of them must differ from the right answer. */
    mistakes: Record<string, (parameters: P) => Answer | undefined>
    steps(parameters: P): string[]
  },
): MathFamily {
  const solve = (parameters: P, base: ProblemBase): MathProblem => {
    const answer = spec.answer(parameters)
    const mistakes: Mistake[] = []
    for (const [name, wrong] of Object.entries(spec.mistakes)) {
      const candidate = wrong(parameters)
      if (candidate === undefined || sameAnswer(candidate, answer) || roundsToward(candidate, answer)) continue
      if (!mistakes.some((mistake) => sameAnswer(mistake.answer, candidate))) mistakes.push({ name, answer: candidate })
    }
    if (mistakes.length === 0) throw new Error(`${base.key}: no mistake differs from ${canonicalAnswer(answer)}`)
    return { ...base, domain: 'math', answer, mistakes, steps: spec.steps(parameters) }
  }
  return { ...buildFamily(spec, solve, (statement) => statement, 0), domain: 'math' }
}

/** The line before the worked example of a programming problem; everything from it on is ignored when reading. */
const EXAMPLE_MARK = '\n\nExample\n'

/** A statement without its worked example, white space collapsed. */
export function questionOf(statement: string): string {
  const end = statement.indexOf(EXAMPLE_MARK)
  return collapseWhitespace(end < 0 ? statement : statement.slice(0, end))
}

/** True where the statement of a programming problem ends with its worked example. */
export function hasExample(statement: string): boolean {
  return statement.includes(EXAMPLE_MARK)
}

/** Declares a family of programming problems. */
export function codeFamily<P>(
  spec: FamilySpec<P> & {
    input(parameters: P, kind: TestKind, random: Random): string
    solve(parameters: P, lines: string[]): string
    right: Record<string, (parameters: P) => string>
    /** A program is left out where it returns undefined (the mistake can't be made with these parameters). */
    wrong: Record<string, (parameters: P) => string | undefined>
    slow?: Record<string, (parameters: P) => string>
    steps(parameters: P): string[]
  },
  domain: ProgramDomain = 'code',
): CodeFamily {
  const programs = (sources: Record<string, (parameters: P) => string | undefined>, parameters: P): Program[] =>
    Object.entries(sources).flatMap(([name, write]) => {
      const source = write(parameters)
      return source === undefined ? [] : [{ name, source: `${source.trim()}\n` }]
    })
  const solve = (parameters: P, base: ProblemBase): CodeProblem => ({
    ...base,
    domain,
    input: (kind, random) => `${spec.input(parameters, kind, random).trim()}\n`,
    solve: (input) => `${spec.solve(parameters, input.trim().split('\n')).trim()}\n`,
    right: programs(spec.right, parameters),
    wrong: programs(spec.wrong, parameters),
    slow: programs(spec.slow ?? {}, parameters),
    steps: spec.steps(parameters),
  })
  const finish = (statement: string, problem: CodeProblem, flawed: boolean): string => {
    if (flawed) return statement
    // The example belongs to the problem, not to the wording: the same problem always shows the same one.
    const input = problem.input('critical path', new Random('example', problem.key))
    return `${statement}${EXAMPLE_MARK}Input:\n${input}Output:\n${problem.solve(input).trimEnd()}`
  }
  // Specifications share many words with one another: a longer story keeps the statements apart.
  return { ...buildFamily(spec, solve, finish, 3), domain }
}
