/** All records of one problem, from the seeds of its concepts to the rows that were made of it. */
import type {
  ConceptCombination,
  Discard,
  Outcome,
  PreferencePair,
  Problem,
  Rationale,
  Retraction,
  Seed,
  SftExample,
  TestCases,
  TestRuns,
  Trace,
  Verdict,
} from '../schemas/generated.ts'
import type { DeadLetter, Way } from './ending.ts'

/** A problem with all that is known of it. Records that retention took are missing. */
export interface Story {
  problem: Problem
  /** As it was accepted, with its ratings: transient. */
  accepted: Problem | undefined
  rationale: Rationale | undefined
  combination: ConceptCombination | undefined
  /** Where each concept was named. */
  concepts: readonly ConceptOrigin[]
  testCases: readonly TestCases[]
  /** Further tests, and what programs came to on them. */
  testRuns: readonly TestRuns[]
  outcomes: readonly Outcome[]
  verdicts: readonly Verdict[]
  pairs: readonly PreferencePair[]
  traces: readonly Trace[]
  examples: readonly SftExample[]
  discards: readonly Discard[]
  retraction: Retraction | undefined
  deadLetters: readonly DeadLetter[]
}

/** A concept of a combination: the list that named it first, and the seed of that list. */
export interface ConceptOrigin {
  concept: string
  /** Lists that named it, when the combination was drawn. */
  namedIn: number
  annotator: string
  conceptListId: string
  seedId: string
  source: string
  seed: Seed | undefined
}

export function wayOf(story: Story): Way {
  const { retraction, discards, outcomes, deadLetters } = story
  return {
    ...{ retraction, discards, outcomes, deadLetters },
    isAccepted: story.accepted !== undefined,
    hasChecks: story.testCases.length > 0,
    verdicts: story.verdicts.length,
    pairs: story.pairs.length,
  }
}
