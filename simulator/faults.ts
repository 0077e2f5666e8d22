/**
 * What goes wrong with an answer on its way out. One place decides it, so that the faults of a transport (429, 5xx, stalls,
 * connections cut off, a queue that refuses) can join the faults of a text here.
 */
import type { NoiseLevels } from './options.ts'
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
