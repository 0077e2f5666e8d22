/** What every task receives and returns. */
import type { TextFault } from '../faults.ts'
import type { SimulatedModel } from '../models.ts'
import type { SimulatorSettings } from '../options.ts'
import type { Random } from '../random.ts'
import type { StatementReader } from '../statements.ts'
import type { FactBody } from '../truth.ts'

/** Everything that one answer depends on. */
export interface TaskContext {
  model: SimulatedModel
  settings: SimulatorSettings
  statements: StatementReader
  /** Fresh for each answer, seeded by model, prompt, sampling, seed and index. */
  random: Random
  /** Drawn for this answer. */
  fault: TextFault | undefined
  /** The request's seed, null where it had none. */
  seed: number | null
  /** Which of the n answers of the request, from 0. */
  index: number
}

/** A fact about a statement, to be written with the answer. */
export interface StatementFact {
  statementHash: string
  body: FactBody
  /** The fact holds only if this text reached the client (the answer may be cut). */
  requires?: string
}

/** One answer before stop sequences and token limits. */
export interface Generation {
  content: string
  /** Reasoning apart from the answer. */
  reasoning?: string
  facts: StatementFact[]
}
