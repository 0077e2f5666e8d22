/** Preference pairs from one problem's attempts. */

/** An attempt as a trainer reads it: the reasoning in a think block, then the answer. */
export function trainingText(attempt: { text: string; reasoning: string | null }): string {
  if (attempt.reasoning === null || attempt.reasoning.trim() === '') return attempt.text.trim()
  return `<think>\n${attempt.reasoning.trim()}\n</think>\n\n${attempt.text.trim()}`
}

/**
 * `zip`: chosen[i] with rejected[i] (PromptCoT 2.0, paper and scripts). `closest`: the two whose lengths are nearest to each other first, so
 * that what tells them apart is the answer and not the length, which DPO would learn as readily.
 */
export type Pairing = 'zip' | 'closest'

/** What pairing needs to know of attempts. */
export interface Traits<Attempt> {
  /** The text that is trained on. */
  textOf: (attempt: Attempt) => string
  /** The final answer; null where it is the text's own. `closest` pairs no two attempts with the same one. */
  answerOf: (attempt: Attempt) => string | null
}

/**
 * Pairs after removing repeats on each side; every attempt is in one pair at most. Chosen and rejected always differ: a text on both sides is
 * on neither.
 */
export function pairUp<Attempt>(
  passed: readonly Attempt[],
  failed: readonly Attempt[],
  { textOf, answerOf }: Traits<Attempt>,
  { pairing, maxPairs }: { pairing: Pairing; maxPairs: number },
): { chosen: Attempt; rejected: Attempt }[] {
  const passedTexts = new Set(passed.map(textOf))
  const failedTexts = new Set(failed.map(textOf))
  const chosen = distinct(passed, textOf).filter((attempt) => !failedTexts.has(textOf(attempt)))
  const rejected = distinct(failed, textOf).filter((attempt) => !passedTexts.has(textOf(attempt)))
  const zipped = (): { chosen: Attempt; rejected: Attempt }[] =>
    chosen.flatMap((one, index) => {
      const other = rejected[index]
      return other === undefined ? [] : [{ chosen: one, rejected: other }]
    })
  return (pairing === 'zip' ? zipped() : closest(chosen, rejected, { textOf, answerOf })).slice(0, maxPairs)
}

/** The nearest two in length, then the nearest two of the rest, and so on; by their order where several are as near. */
function closest<Attempt>(
  chosen: readonly Attempt[],
  rejected: readonly Attempt[],
  { textOf, answerOf }: Traits<Attempt>,
): { chosen: Attempt; rejected: Attempt }[] {
  const candidates = chosen
    .flatMap((one) => rejected.map((other) => ({ chosen: one, rejected: other })))
    .filter((pair) => answerOf(pair.chosen) === null || answerOf(pair.chosen) !== answerOf(pair.rejected))
    .map((pair) => ({
      pair,
      ratio: Math.abs(Math.log((textOf(pair.chosen).length + 1) / (textOf(pair.rejected).length + 1))),
    }))
    .sort((a, b) => a.ratio - b.ratio)
  const taken = new Set<Attempt>()
  return candidates.flatMap(({ pair }) => {
    if (taken.has(pair.chosen) || taken.has(pair.rejected)) return []
    taken.add(pair.chosen).add(pair.rejected)
    return [pair]
  })
}

function distinct<Attempt>(attempts: readonly Attempt[], textOf: (attempt: Attempt) => string): Attempt[] {
  const seen = new Set<string>()
  return attempts.filter((attempt) => {
    const text = textOf(attempt)
    return !seen.has(text) && seen.add(text)
  })
}
