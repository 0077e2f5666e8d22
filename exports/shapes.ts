/** What rows say, whatever format they are written in: every sort has one of these shapes, every format takes some of them. */
import type { Columns } from './columns.ts'

/** What a program reads and must write. */
interface Test {
  input: string
  output: string
}

/** The texts of a row, by shape. */
export interface Shapes {
  /** A prompt and two attempts at it, of which one is better. */
  preference: { prompt: string; chosen: string; rejected: string }
  /** A chat turn to learn. */
  completion: { prompt: string; completion: string }
  /** Text to go on with as it is, without a chat template, and the two texts that it was made of beside its concepts. */
  text: { prompt: string; completion: string; rationale: string; problem: string }
  /** One attempt, and whether it is good. */
  labelled: { prompt: string; completion: string; label: boolean }
  /** A prompt, and what attempts at it are checked by: an answer, tests, or both. */
  checked: { prompt: string; answer: string | null; tests: Test[] }
  /** All attempts at one prompt: reward (0 or 1) and validity of each. */
  group: { prompt: string; completions: string[]; rewards: number[]; valid: boolean[] }
}

export type ShapeName = keyof Shapes

/** What is known of a row beside its texts. All formats carry it, most in columns of these names. */
const factColumns = {
  id: 'string',
  problem_id: 'string',
  domain: 'string',
  origin: 'string',
  source: 'string',
  solver: 'string',
  teacher: 'string',
  concepts: { list: 'string' },
  level: 'string',
  concept_list_id: 'string',
  step: 'string',
  iteration: 'integer',
  writer: 'string',
  writer_version: 'string',
  scorer_version: 'string',
  pass_rate: 'number',
  tokens: 'integer',
  trusted: 'boolean',
  simulated: 'boolean',
} as const satisfies Columns

export type FactName = keyof typeof factColumns

/** Facts of a row; those that its sort does not have are absent. */
export interface Facts {
  id: string
  problem_id: string
  domain: string
  origin: 'human' | 'synthetic'
  source: string
  solver?: string
  teacher?: string
  concepts?: string[]
  level?: string
  concept_list_id?: string
  /** Of rationale learning: cold-start, e or m; its iteration, from 1, or 0 in the cold start. */
  step?: string
  iteration?: number
  writer?: string
  writer_version?: string
  scorer_version?: string
  pass_rate?: number
  tokens?: number
  trusted?: boolean
  simulated: boolean
}

/** A row before it takes a format's form. */
export interface Row<Shape extends ShapeName = ShapeName> {
  texts: Shapes[Shape]
  facts: Facts
  /** Hash of the rules that made its record. */
  recipe: string
  /** Models that made its record. */
  models: readonly string[]
}

/** The columns of some facts, in their order. */
export function columnsOf(facts: readonly FactName[]): Columns {
  return Object.fromEntries(facts.map((name) => [name, factColumns[name]]))
}

/** Characters of a row's texts by name; of several texts their sum. */
export function charactersOf(texts: Shapes[ShapeName]): Record<string, number> {
  const lengths: Record<string, number> = {}
  for (const [name, value] of Object.entries(texts)) {
    if (typeof value === 'string') lengths[name] = value.length
    else if (name === 'completions') lengths[name] = (value as string[]).reduce((sum, text) => sum + text.length, 0)
  }
  return lengths
}
