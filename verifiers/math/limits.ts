/** Bounds that keep every comparison short: an input past one of them is undecided, never slow. */
export const limits = {
  /** Longest answer that is read, in characters. */
  answerCharacters: 2_000,
  /** Most tokens in one answer. */
  tokens: 700,
  /** Deepest nesting of brackets, fractions, powers and texts. */
  depth: 48,
  /** Most items in a list, tuple, set or matrix. */
  items: 128,
  /** Largest integer held exactly, in bits. */
  integerBits: 16_384,
  /** Largest n in n! and in binomial coefficients. */
  factorial: 1_500,
  /** Most terms of an expanded polynomial. */
  terms: 256,
  /** Work units for reading one answer and for comparing two; one unit is roughly half a microsecond. */
  work: 10_000,
  /** Work units for sampling, which has to remain possible when exact forms have used up theirs. */
  sampling: 8_000,
  /** Work units for all comparisons of one vote together, and so many more for each of its answers. */
  vote: 200_000,
  votePerAnswer: 4_000,
} as const

/** Raised inside the verifier when an answer can't be decided; the public functions turn it into a reason. */
export class Undecided extends Error {
  readonly reason: string

  /** @param reason snake_case, as shown in a verdict */
  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }
}

// One answer is read, or one pair compared, at a time on a thread and nothing awaits, so one set of counters is enough.
let workLeft: number = limits.work
let samplingLeft: number = limits.sampling
let workDone = 0

/** Gives the reading or comparison that starts now its full allowance of work. */
export function resetWork(): void {
  workLeft = limits.work
  samplingLeft = limits.sampling
}

/** Spends work units on exact forms; throws Undecided('too_large') when the allowance is used up. */
export function spend(units: number): void {
  workDone += units
  workLeft -= units
  if (workLeft < 0) throw new Undecided('too_large')
}

/** Spends work units on sampling; throws Undecided('too_large') when the allowance is used up. */
export function spendSampling(units: number): void {
  workDone += units
  samplingLeft -= units
  if (samplingLeft < 0) throw new Undecided('too_large')
}

/** Work units that are left for sampling in the current reading or comparison. */
export function remainingSampling(): number {
  return Math.max(0, samplingLeft)
}

/** Counts work that the sizes of the two answers bound already: it has no allowance of its own, but adds up in a vote. */
export function countWork(units: number): void {
  workDone += units
}

/** All work units of this thread so far; the difference of two calls is what was done between them. */
export function totalWork(): number {
  return workDone
}
