/**
 * Which attempts a problem still deserves. Attempts are asked for in the order of their ordinals, and never more at once than are needed
 * before anything can be decided: what is on its way is never in vain, and nothing has to be called off.
 */
import type { AttemptVerdict } from '../schemas/generated.ts'
import { isTooEasy, outcomeOf, tally, type DifficultyRule } from './attempts.ts'
import type { OutcomeResult } from '../schemas/generated.ts'

/** The rules by which attempts are asked for. */
export interface AttemptRule extends DifficultyRule {
  /** Attempts asked for again because one could not be verified. */
  maxRepeats: number
  /** Ask for no attempt that cannot change whether the problem is kept. Else for all k at once. */
  adaptive: boolean
  /** Only with `adaptive`: attempts without a pass after which a problem is given up. 0: never. */
  giveUpAfterAttempts: number
}

/** A solver's attempts at a problem so far. */
export interface AttemptState {
  /** Attempts asked for: 0 to requested - 1. */
  requested: number
  /** The verdicts of those that have come. */
  verdicts: readonly Pick<AttemptVerdict, 'verdict' | 'valid' | 'again'>[]
  /** Whether written tests will be weighed at closing where nothing has passed: all attempts are needed then. */
  weighed: boolean
}

/** All attempts that count: k, and one more for each that could not be verified and may be next time, as far as repeats go. */
function attemptsAllowed({ verdicts }: AttemptState, rule: AttemptRule): number {
  return rule.attempts + Math.min(verdicts.filter(({ again }) => again).length, rule.maxRepeats)
}

/** The fewest passes that make a problem too easy; Infinity where none do. */
function passesTooEasy(rule: DifficultyRule): number {
  for (let passed = 1; passed <= rule.attempts; passed++)
    if (isTooEasy({ attempted: rule.attempts, passed }, rule)) return passed
  return Infinity
}

/**
 * How many attempts, from 0 on, should have been asked for by now; never fewer than were. Once no more are due and a verdict has come for
 * each, the problem is closed.
 *
 * Adaptive: a problem is kept only if all k count and fewer pass than make it too easy. So nothing can be decided before as many have passed
 * as that takes, and that many are on their way at any time, less those that have passed. Where too few are left for it, all of them are
 * asked for: their texts make the pairs. Where one can never be verified, the problem cannot be kept, and nothing more is asked for.
 * The same attempts are asked for whatever the order in which verdicts come, but for those of a problem that is abandoned.
 */
export function attemptsDue(state: AttemptState, rule: AttemptRule): number {
  const { requested, verdicts } = state
  const allowed = attemptsAllowed(state, rule)
  if (!rule.adaptive) return Math.max(requested, allowed)
  const { passed, unverifiable } = tally(verdicts)
  if (unverifiable > allowed - rule.attempts) return requested
  const limit = passed === 0 && mayGiveUp(state, rule) ? allowed - rule.attempts + rule.giveUpAfterAttempts : allowed
  const open = requested - verdicts.length
  const missing = passesTooEasy(rule) - passed - open
  if (limit - requested < missing) return Math.max(requested, limit)
  return Math.min(Math.max(requested, limit), requested + Math.max(0, missing))
}

function mayGiveUp({ weighed }: AttemptState, rule: AttemptRule): boolean {
  return rule.adaptive && !weighed && rule.giveUpAfterAttempts > 0 && rule.giveUpAfterAttempts < rule.attempts
}

/** How a problem ends. */
export interface Ending {
  result: OutcomeResult
  /** decided, given_up or nothing; see the outcome's schema. */
  reason: '' | 'decided' | 'given_up'
  /** Attempts that were never asked for. */
  spared: number
}

/** How a problem ends for which no more attempts are due and all verdicts have come. */
export function endingOf(state: AttemptState, rule: AttemptRule): Ending {
  const counts = tally(state.verdicts)
  const spared = Math.max(0, attemptsAllowed(state, rule) - state.requested)
  const result = outcomeOf(counts, rule)
  if (result !== 'abandoned' || !rule.adaptive) return { result, reason: '', spared }
  if (counts.passed >= passesTooEasy(rule)) return { result: 'too_easy', reason: 'decided', spared }
  const isGivenUp = mayGiveUp(state, rule) && counts.passed === 0 && counts.attempted >= rule.giveUpAfterAttempts
  return isGivenUp ? { result: 'unsolved', reason: 'given_up', spared } : { result, reason: '', spared }
}
