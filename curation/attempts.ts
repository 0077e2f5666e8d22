/** Attempts at a problem: which may be used for training, and how they decide a problem's outcome. */
import type { AttemptVerdict, OutcomeResult } from '../schemas/generated.ts'

/** What may disqualify an attempt from being chosen or rejected, whatever its answer. */
export type InvalidReason = 'length_limit' | 'content_filter' | 'empty' | 'stray_think_tag' | 'foreign_script'

// Han and Hangul after the reasoning: the scripts' sign that a model lost its language.
const foreignScript = /[\p{Script=Han}\p{Script=Hangul}]/u

/**
 * Why an attempt is invalid by its form alone; undefined where its answer is to be checked. `text` is what follows the
 * reasoning. Rules: `is_valid` of PromptCoT 2.0's scripts (one closed think block, something after it, no Han or Hangul).
 */
export function invalidReason(
  attempt: { text: string; finishReason: string },
  rules: { refuseForeignScript: boolean },
): InvalidReason | undefined {
  if (attempt.finishReason === 'length') return 'length_limit'
  if (attempt.finishReason === 'content_filter') return 'content_filter'
  if (attempt.text.trim() === '') return 'empty'
  if (/<\/?think>/.test(attempt.text)) return 'stray_think_tag'
  if (rules.refuseForeignScript && foreignScript.test(attempt.text)) return 'foreign_script'
  return undefined
}

/** The difficulty filter's rule. */
export interface DifficultyRule {
  /** Attempts that count, k. The paper: 8. */
  attempts: number
  /** The pass rate from which a problem is too easy. The paper: 1/2. */
  tooEasyAt: number
  /** Whether that rate itself is too easy already (`at-least`: the paper), or only what is above it (`more-than`: the scripts). */
  tooEasyWhen: 'at-least' | 'more-than'
}

/** How attempts stand: those that count are passed and failed ones, invalid ones among the failed. */
export function tally(verdicts: readonly Pick<AttemptVerdict, 'verdict' | 'valid'>[]): {
  attempted: number
  passed: number
  invalid: number
  unverifiable: number
} {
  const passed = verdicts.filter(({ verdict }) => verdict === 'passed').length
  const unverifiable = verdicts.filter(({ verdict }) => verdict === 'unverifiable').length
  const invalid = verdicts.filter(({ verdict, valid }) => verdict === 'failed' && !valid).length
  return { attempted: verdicts.length - unverifiable, passed, invalid, unverifiable }
}

/** The outcome of a problem whose counting attempts are complete. */
export function outcomeOf(counts: { attempted: number; passed: number }, rule: DifficultyRule): OutcomeResult {
  if (counts.attempted < rule.attempts) return 'abandoned'
  if (counts.passed === 0) return 'unsolved'
  return isTooEasy(counts, rule) ? 'too_easy' : 'kept'
}

/** Whether so many passes make a problem too easy. */
export function isTooEasy({ attempted, passed }: { attempted: number; passed: number }, rule: DifficultyRule): boolean {
  const passRate = passed / attempted
  return rule.tooEasyWhen === 'at-least' ? passRate >= rule.tooEasyAt : passRate > rule.tooEasyAt
}
