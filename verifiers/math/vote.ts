import { comparePrepared, prepare, type Prepared } from './compare.ts'
import { looseness, meaningKey } from './meaning.ts'

/** Answers that are one and the same. */
interface AnswerGroup {
  /** The member that says it without extras (unit, name, rounding) where there is one, else the first. */
  readonly representative: string
  /** Positions in the input, ascending. */
  readonly members: number[]
}

/** The most frequent answer of a vote. */
interface Majority {
  readonly representative: string
  /** Votes for it. */
  readonly count: number
  /** Votes more than the runner-up has. */
  readonly margin: number
  /** Another group has as many votes; the representative is then the one that came first. */
  readonly tie: boolean
}

// Pairs compared at most where keys don't settle a group, so that a large vote stays short.
const mostPairs = 4_096

interface Class {
  representative: number
  looseness: 0 | 1 | 2
  members: number[]
}

function keyOf(answer: Prepared): { key: string; looseness: 0 | 1 | 2 } | undefined {
  const [first] = answer.readings
  if (first === undefined) return undefined
  try {
    const key = meaningKey(first)
    return key === undefined ? undefined : { key, looseness: answer.readings.length === 1 ? looseness(first) : 2 }
  } catch {
    // No exact form within the limits: compared pair by pair instead.
    return undefined
  }
}

/**
 * A text that equal answers share, for grouping in one pass; undefined when the answer has no canonical form.
 * Answers with different keys can still be equal through a unit, a name or rounding: see groupAnswers.
 */
export function canonicalAnswer(answer: string): string | undefined {
  return keyOf(prepare(answer))?.key
}

/**
 * Groups answers that are equal. Exact forms share a key and need no comparison; answers without a key, and those
 * with a unit, a name or rounded digits, join the one group they equal and stay apart when there are several.
 * `undecided` holds the positions of answers that could not be read.
 */
export function groupAnswers(answers: readonly string[]): { groups: AnswerGroup[]; undecided: number[] } {
  const prepared = answers.map(prepare)
  const classes: Class[] = []
  const byKey = new Map<string, Class>()
  const bySkeleton = new Map<string, Class>()
  const undecided: number[] = []
  for (const [index, answer] of prepared.entries()) {
    if (answer.readings.length === 0) {
      undecided.push(index)
      continue
    }
    const keyed = keyOf(answer)
    const known = (keyed === undefined ? undefined : byKey.get(keyed.key)) ?? bySkeleton.get(answer.skeleton)
    if (known !== undefined) {
      known.members.push(index)
      if (keyed !== undefined && keyed.looseness < known.looseness) {
        known.looseness = keyed.looseness
        known.representative = index
      }
      continue
    }
    const made: Class = { representative: index, looseness: keyed?.looseness ?? 2, members: [index] }
    classes.push(made)
    bySkeleton.set(answer.skeleton, made)
    if (keyed !== undefined) byKey.set(keyed.key, made)
  }
  let pairs = 0
  const equals = (a: Class, b: Class): boolean => {
    const x = prepared[a.representative]
    const y = prepared[b.representative]
    return ++pairs <= mostPairs && x !== undefined && y !== undefined && comparePrepared(x, y).outcome === 'equal'
  }
  // Exact answers stand; decimals join the exact value they round, and the rest what stands by then.
  const settled = classes.filter((c) => c.looseness === 0)
  for (const level of [1, 2] as const) {
    const standing = settled.length
    for (const loose of classes) {
      if (loose.looseness !== level) continue
      const exact = settled.slice(0, standing).filter((c) => equals(loose, c))
      const matches = exact.length > 0 || level === 1 ? exact : settled.slice(standing).filter((c) => equals(loose, c))
      const [only] = matches
      if (matches.length === 1 && only !== undefined) only.members.push(...loose.members)
      else settled.push(loose)
    }
  }
  const groups = settled.map((c) => ({
    representative: answers[c.representative] ?? '',
    members: c.members.sort((a, b) => a - b),
  }))
  return { groups: groups.sort((a, b) => (a.members[0] ?? 0) - (b.members[0] ?? 0)), undecided }
}

/** The winner of a vote, or undefined without groups. */
export function majority(groups: readonly AnswerGroup[]): Majority | undefined {
  let winner: AnswerGroup | undefined
  let second = 0
  for (const group of groups) {
    if (winner === undefined || group.members.length > winner.members.length) {
      second = winner?.members.length ?? 0
      winner = group
    } else second = Math.max(second, group.members.length)
  }
  if (winner === undefined) return undefined
  const count = winner.members.length
  return { representative: winner.representative, count, margin: count - second, tie: count === second }
}
