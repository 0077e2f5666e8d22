/** What the two models of rationale learning are trained on: rows made of triples, in the words that the stream uses itself. */
import { rationaleCompletion, synthesisParts } from '../curation/synthesis.ts'
import type { Triple } from '../schemas/generated.ts'
import { rationalePrompt, synthesisPrompt } from './prompts.ts'

/** Raw text, without a chat template: the completion continues the prompt. */
export interface TrainingRow {
  prompt: string
  completion: string
}

type Taught = Pick<Triple, 'concepts' | 'level' | 'rationale' | 'statement'>

/** The row of one model: the problem writer learns c -> z, x; the rationale writer (c, x) -> z. */
export function trainingRowOf(triple: Taught, model: 'problem-writer' | 'rationale-writer'): TrainingRow {
  const { concepts, level, rationale, statement } = triple
  if (model === 'rationale-writer')
    return { prompt: rationalePrompt(concepts, level, statement).text, completion: rationaleCompletion(rationale) }
  const parts = synthesisParts(rationale, statement)
  return { prompt: synthesisPrompt(concepts, level).text, completion: `${parts.rationale}${parts.problem}` }
}
