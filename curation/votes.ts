/** Votes on a reference answer: when they are decided, and which answers make no reference. */

/** The rules of a vote. */
export interface VoteRule {
  /** Answers that may vote, n. */
  generations: number
  /** `majority`: more than half of n. `plurality`: the most. */
  rule: 'majority' | 'plurality'
  /** Votes that the winner must be ahead of the second. */
  margin: number
}

/** How a vote stands: `won` and the three ways of losing cannot change any more, whatever answers are still to come. */
export type Standing = 'won' | 'no-majority' | 'tie' | 'narrow' | 'open'

/**
 * @param votes of each class of equal answers, most first
 * @param open answers that may still come: to any class, to new ones, or to none
 */
export function standingOf(votes: readonly number[], open: number, { generations, rule, margin }: VoteRule): Standing {
  const [first = 0, second = 0] = votes
  const needed = rule === 'majority' ? Math.floor(generations / 2) + 1 : 1
  if (first >= needed && first - second - open >= margin) return 'won'
  // What the first class has if all that is open goes to it; any other class can reach no more, and leads by less.
  if (first + open < needed) return open === 0 && first === second && first > 0 ? 'tie' : 'no-majority'
  if (first + open - second < margin) return first === second && open === 0 ? 'tie' : 'narrow'
  return 'open'
}

/** How many more answers are due: the fewest that could win the vote if all of them agreed with the first class; at most those that are left. */
export function answersDue(votes: readonly number[], open: number, rule: VoteRule): number {
  const [first = 0, ...others] = votes
  for (let more = 1; more < open; more++)
    if (standingOf([first + more, ...others], open - more, rule) === 'won') return more
  return open
}

/**
 * An answer that says that there is none. "none" as a count, 0, 1 and "no" stay: the scripts drop them, wrongly.
 */
const noSolution =
  /^(?:[^a-z]|\\text|\\mathrm|\\textbf)*(?:there (?:is|are|exists?) no|no (?:[a-z]+ ){0,3}(?:solutions?|answers?|exists?|values?)|no such [a-z]+|(?:does|do) not exist|not enough information|cannot be determined|impossible|undefined|inconsistent)\b/i

/** The one source whose answers the scripts filter. */
const filteredSource = 'PromptCoT-Math'

/** Answers that make no reference; undefined where one does. `scripts`: any with "no" in it, 0 and 1, of one source alone. */
export function uselessAnswer(
  { answer, source }: { answer: string; source: string },
  rule: 'no-solution' | 'scripts',
): 'no-solution' | 'trivial-answer' | undefined {
  if (rule === 'no-solution') return noSolution.test(answer) ? 'no-solution' : undefined
  if (source !== filteredSource) return undefined
  if (answer.toLowerCase().includes('no')) return 'no-solution'
  return ['0', '1'].includes(answer.trim()) ? 'trivial-answer' : undefined
}
