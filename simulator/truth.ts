/**
 * The truth file: what each problem, answer, test and judgement of a simulated run really is. Only tests and quality
 * reports read it; the pipeline never does.
 */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { collapseWhitespace } from './wording.ts'

/** What is wrong with a problem. */
export type Flaw = 'unanswerable' | 'missing-condition' | 'cut-off' | 'contradictory' | 'wrong-level'

/** A problem was written (or is known from a file of human problems). */
interface ProblemFact {
  kind: 'problem'
  /** Family name, or `human`. */
  family: string
  /** 1 (easy) to 8 (hard). */
  difficulty: number
  valid: boolean
  flaw?: Flaw
  /** Mathematics only: canonical LaTeX. */
  rightAnswer?: string
}

/** A test case was written. */
export interface TestFact {
  kind: 'test'
  model: string
  testKind: string
  input: string
  output: string
  /** Whether `output` is what a right program prints for `input`; null where the problem is not known. */
  right: boolean | null
}

/** A problem was attempted by a solver, voter or teacher. */
export interface RolloutFact {
  kind: 'rollout'
  model: string
  /** The request's seed, null where it had none. */
  seed: number | null
  /** Which of the n answers of the request, from 0. */
  index: number
  /** Null where the problem is not known, so that nobody can say. */
  right: boolean | null
  /** The mistake made, where the answer is wrong. */
  mistake?: string
  /** Whether the answer is whole and in the asked format (a box, or a closed code block). */
  wellFormed: boolean
}

/** A problem was judged. */
export interface JudgementFact {
  kind: 'judgement'
  model: string
  truth: 'good' | 'bad'
  said: 'perfect' | 'acceptable' | 'bad' | 'malformed'
  flaw?: Flaw
}

/** What a fact says, before the statement and request are added. */
export type FactBody = ProblemFact | TestFact | RolloutFact | JudgementFact

/** One line of the truth file. */
export type Fact = FactBody & {
  /** sha256, hex, of the statement with white space collapsed. */
  statementHash: string
  /** The request's X-Request-Id header, null where it had none. */
  requestId: string | null
}

/** sha256 (hex) of a statement, white space collapsed: the same however a record wraps or trims it. */
export function statementHash(statement: string): string {
  return createHash('sha256').update(collapseWhitespace(statement)).digest('hex')
}

/** Appends JSON lines to a file, each by one write call. */
export class LineWriter {
  private readonly descriptor: number

  /** Opens or creates the file. Throws the file system's error where that fails. */
  constructor(path: string) {
    this.descriptor = openSync(path, 'a')
  }

  append(value: object): void {
    writeSync(this.descriptor, `${JSON.stringify(value)}\n`)
  }

  close(): void {
    closeSync(this.descriptor)
  }
}

/** The facts of a truth file. */
export interface Truth {
  facts: Fact[]
  /** What is known of a problem; undefined where the simulator neither wrote nor knew it. */
  problem(statement: string): (ProblemFact & { statementHash: string }) | undefined
  /** All facts about a problem. */
  about(statement: string): Fact[]
}

/**
 * Reads a truth file. A last line that is not complete yet is left out; any other malformed line throws Error with its
 * number.
 */
export function readTruth(path: string): Truth {
  const lines = readFileSync(path, 'utf8').split('\n')
  lines.pop()
  const facts = lines.map((line, index) => {
    try {
      return JSON.parse(line) as Fact
    } catch (cause) {
      throw new Error(`truth file ${path}: line ${String(index + 1)} is not JSON`, { cause })
    }
  })
  const byStatement = new Map<string, Fact[]>()
  for (const fact of facts) {
    const known = byStatement.get(fact.statementHash)
    if (known === undefined) byStatement.set(fact.statementHash, [fact])
    else known.push(fact)
  }
  const about = (statement: string): Fact[] => byStatement.get(statementHash(statement)) ?? []
  return {
    facts,
    about,
    problem: (statement) => about(statement).find((fact) => fact.kind === 'problem'),
  }
}
