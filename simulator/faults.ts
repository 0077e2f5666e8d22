/** What goes wrong with an answer: with its text, and on its way out. */
import type { FailureRates, NoiseLevels } from './options.ts'
import type { Random } from './random.ts'

/** A fault of the text of an answer. */
export type TextFault =
  /** The asked format is broken: no list, no JSON, no box, no closed code block. */
  | 'malformed'
  /** The model reasons on until its output limit and never answers. */
  | 'runaway'

/**
 * Draws the fault of one answer, undefined for none. Hot sampling breaks more texts: the rates double with every 0.5 of
 * temperature above 1.
 */
export function drawTextFault(
  random: Random,
  noise: NoiseLevels,
  temperature: number,
  solving: boolean,
): TextFault | undefined {
  const heat = Math.max(1, 2 ** ((temperature - 1) * 2))
  if (random.chance(Math.min(0.9, noise.malformedAnswers * heat))) return 'malformed'
  if (solving && random.chance(Math.min(0.9, noise.runawayAnswers * heat))) return 'runaway'
  return undefined
}

/** A fault of a request, whatever its text. */
export type TransportFault =
  /** Answered 429 at once. */
  | 'refused'
  /** Answered 500 at once. */
  | 'serverError'
  /** The connection is closed in the middle of the generation, or of the stream. */
  | 'connectionReset'
  /** The answer's body, or its stream, ends in its middle. */
  | 'cutAnswer'
  /** The answer is generated and its body is no JSON; the last event of its stream is none. */
  | 'garbledAnswer'
  /** No answer ever comes, or its stream stands still; the slot is held until the client leaves. */
  | 'hang'

const transportFaults = ['refused', 'serverError', 'connectionReset', 'cutAnswer', 'garbledAnswer', 'hang'] as const

/** Draws the fault of one request, undefined for none. */
export function drawTransportFault(random: Random, rates: FailureRates): TransportFault | undefined {
  let rest = random.next()
  for (const fault of transportFaults) {
    rest -= rates[fault]
    if (rest < 0) return fault
  }
  return undefined
}
