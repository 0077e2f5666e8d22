import { comparePrepared, prepare } from './math/compare.ts'
import { extractAnswer } from './math/extract.ts'

export { extractAnswer } from './math/extract.ts'
export { canonicalAnswer, groupAnswers, majority } from './math/vote.ts'

/** The verdict on an answer: `reason` is `equal`, `different`, or why nothing was extracted or decided. */
export interface MathVerdict {
  verdict: 'passed' | 'failed' | 'unverifiable'
  reason: string
  /** The answer taken out of a completion. */
  extracted?: string
}

/**
 * Compares an answer, or the answer of a completion, with a reference. `failed` when it differs or when a completion
 * holds none (`no_answer`, `truncated`); `unverifiable` when it can't be decided. Never throws, and every input is
 * bounded to a few milliseconds.
 */
export function compareMath(
  input: { reference: string } & ({ answer: string } | { completion: string }),
  options: { extract?: 'boxed' | 'lenient' } = {},
): MathVerdict {
  let answer: string
  let extracted: { extracted?: string } = {}
  if ('completion' in input) {
    const found = extractAnswer(input.completion, options.extract ?? 'boxed')
    if ('reason' in found) return { verdict: 'failed', reason: found.reason }
    answer = found.answer
    extracted = { extracted: answer }
  } else answer = input.answer
  const reference = prepare(input.reference)
  if (reference.failure === 'no_answer') return { verdict: 'unverifiable', reason: 'no_reference', ...extracted }
  const candidate = prepare(answer)
  if (candidate.failure === 'no_answer') return { verdict: 'failed', reason: 'no_answer', ...extracted }
  const result = comparePrepared(reference, candidate)
  if (result.outcome === 'equal') return { verdict: 'passed', reason: 'equal', ...extracted }
  if (result.outcome === 'different') return { verdict: 'failed', reason: 'different', ...extracted }
  return { verdict: 'unverifiable', reason: result.reason, ...extracted }
}
