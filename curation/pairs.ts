/** Preference pairs from one problem's attempts. */

/** An attempt as a trainer reads it: the reasoning in a think block, then the answer. */
export function trainingText(attempt: { text: string; reasoning: string | null }): string {
  if (attempt.reasoning === null || attempt.reasoning.trim() === '') return attempt.text.trim()
  return `<think>\n${attempt.reasoning.trim()}\n</think>\n\n${attempt.text.trim()}`
}

/**
 * Chosen[i] with rejected[i], after removing repeats on each side (PromptCoT 2.0, self-play). Chosen and rejected always
 * differ: a text on both sides is on neither.
 */
export function pairUp<Attempt>(
  passed: readonly Attempt[],
  failed: readonly Attempt[],
  textOf: (attempt: Attempt) => string,
  maxPairs: number,
): { chosen: Attempt; rejected: Attempt }[] {
  const passedTexts = new Set(passed.map(textOf))
  const failedTexts = new Set(failed.map(textOf))
  const chosen = distinct(passed, textOf).filter((attempt) => !failedTexts.has(textOf(attempt)))
  const rejected = distinct(failed, textOf).filter((attempt) => !passedTexts.has(textOf(attempt)))
  return chosen.slice(0, maxPairs).flatMap((one, index) => {
    const other = rejected[index]
    return other === undefined ? [] : [{ chosen: one, rejected: other }]
  })
}

function distinct<Attempt>(attempts: readonly Attempt[], textOf: (attempt: Attempt) => string): Attempt[] {
  const seen = new Set<string>()
  return attempts.filter((attempt) => {
    const text = textOf(attempt)
    return !seen.has(text) && seen.add(text)
  })
}
