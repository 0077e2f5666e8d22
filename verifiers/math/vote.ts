import { comparePrepared, prepare, type Prepared } from './compare.ts'
import { limits, totalWork } from './limits.ts'
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

/** An answer that belongs to no group, and why: as a verdict's reason. */
interface Unplaced {
  /** Position in the input. */
  readonly member: number
  readonly reason: string
}

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
 * `undecided` holds, ascending, the positions of answers that could not be read, and of those that were not compared
 * with every group because the work that one vote may do was used up; `unplaced` holds the same with the reasons. The
 * answers given most often are compared first, then the shorter ones.
 */
export function groupAnswers(answers: readonly string[]): {
  groups: AnswerGroup[]
  undecided: number[]
  unplaced: Unplaced[]
} {
  const prepared: Prepared[] = []
  const classes: Class[] = []
  const byKey = new Map<string, Class>()
  const bySkeleton = new Map<string, Class>()
  const unplaced: Unplaced[] = []
  for (const [member, text] of answers.entries()) {
    // Each answer's key is made within its own allowance of work, so that it is the same whatever stands beside it.
    const answer = prepare(text)
    const keyed = keyOf(answer)
    prepared.push(answer)
    if (answer.readings.length === 0) {
      unplaced.push({ member, reason: answer.failure ?? 'not_understood' })
      continue
    }
    const known = (keyed === undefined ? undefined : byKey.get(keyed.key)) ?? bySkeleton.get(answer.skeleton)
    if (known !== undefined) {
      known.members.push(member)
      if (keyed !== undefined && keyed.looseness < known.looseness) {
        known.looseness = keyed.looseness
        known.representative = member
      }
      continue
    }
    const made: Class = { representative: member, looseness: keyed?.looseness ?? 2, members: [member] }
    classes.push(made)
    bySkeleton.set(answer.skeleton, made)
    if (keyed !== undefined) byKey.set(keyed.key, made)
  }
  const end = totalWork() + limits.vote + limits.votePerAnswer * answers.length
  const equals = (a: Class, b: Class): boolean => {
    const x = prepared[a.representative]
    const y = prepared[b.representative]
    return x !== undefined && y !== undefined && comparePrepared(x, y).outcome === 'equal'
  }
  // Those of the classes that equal the given one, or undefined when the vote's work is used up before all are compared.
  const equalTo = (loose: Class, others: readonly Class[]): Class[] | undefined => {
    const found: Class[] = []
    for (const other of others) {
      if (totalWork() > end) return undefined
      if (equals(loose, other)) found.push(other)
    }
    return found
  }
  const length = (c: Class): number => prepared[c.representative]?.skeleton.length ?? 0
  const byVotes = [...classes].sort((a, b) => b.members.length - a.members.length || length(a) - length(b))
  // Exact answers stand; decimals join the exact value they round, and the rest what stands by then.
  const settled = classes.filter((c) => c.looseness === 0)
  for (const level of [1, 2] as const) {
    const standing = settled.length
    for (const loose of byVotes) {
      if (loose.looseness !== level) continue
      let matches = equalTo(loose, settled.slice(0, standing))
      if (matches?.length === 0 && level === 2) matches = equalTo(loose, settled.slice(standing))
      const [only] = matches ?? []
      if (matches === undefined) for (const member of loose.members) unplaced.push({ member, reason: 'vote_too_large' })
      else if (matches.length === 1 && only !== undefined) only.members.push(...loose.members)
      else settled.push(loose)
    }
  }
  unplaced.sort((a, b) => a.member - b.member)
  const groups = settled.map((c) => ({
    representative: answers[c.representative] ?? '',
    members: c.members.sort((a, b) => a - b),
  }))
  return {
    groups: groups.sort((a, b) => (a.members[0] ?? 0) - (b.members[0] ?? 0)),
    undecided: unplaced.map(({ member }) => member),
    unplaced,
  }
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
