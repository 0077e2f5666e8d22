/** Figures of quality: one line each, with what they are of and whether they reach their goal. */

/** One figure. `value` is null where there was nothing to be measured. */
export interface Figure {
  name: string
  /** A share from 0 to 1, or a count where `of` is null. */
  value: number | null
  /** What a share is of. */
  of: number | null
  /** Null where there is none. */
  goal: string | null
  ok: boolean | null
}

/** What a figure should be. */
export interface Goal {
  text: string
  isReached(value: number): boolean
}

/** A goal of at least so much. */
export const atLeast = (least: number): Goal => ({ text: `>= ${least}`, isReached: (value) => value >= least })
/** A goal of less than so much. */
export const below = (most: number): Goal => ({ text: `< ${most}`, isReached: (value) => value < most })

function figureOf(name: string, value: number | null, of: number | null, goal: Goal | undefined): Figure {
  const rounded = value === null ? null : Math.round(1e5 * value) / 1e5
  return {
    name,
    value: rounded,
    of,
    goal: goal?.text ?? null,
    ok: goal && rounded !== null ? goal.isReached(rounded) : null,
  }
}

/** `part` of `of`. */
export function share(name: string, part: number, of: number, goal?: Goal): Figure {
  return figureOf(name, of === 0 ? null : part / of, of, goal)
}

/** A number of things. */
export function count(name: string, value: number, goal?: Goal): Figure {
  return figureOf(name, value, null, goal)
}
