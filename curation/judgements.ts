/**
 * Ratings by judge models: five criteria, each perfect, acceptable or bad, and how they add up (PromptCoT 1.0, section on
 * rejection sampling; its scripts' aggregation).
 */
import type { Judgement, Rating } from '../schemas/generated.ts'

const criteria = {
  format: /format/,
  factualAccuracy: /accuracy/,
  difficultyAlignment: /difficulty/,
  conceptCoverage: /concept/,
  solvability: /solvab/,
} as const

type Criterion = keyof typeof criteria

/**
 * Reads "Criterion: Rating" lines from a judge's answer.
 * @returns undefined unless all five criteria are rated
 */
export function parseJudgement(judge: string, answer: string): Judgement | undefined {
  const ratings: Partial<Record<Criterion, Rating>> = {}
  for (const line of answer.toLowerCase().split('\n')) {
    const plain = line.replace(/[*#_`|\s]+/g, ' ').trim()
    const match = /^[-\d.() ]*([a-z][a-z ]*)[:=-] ?(perfect|acceptable|bad)\b/.exec(plain)
    if (!match) continue
    for (const [criterion, names] of Object.entries(criteria) as [Criterion, RegExp][]) {
      if (names.test(match[1] ?? '')) ratings[criterion] ??= match[2] as Rating
    }
  }
  const { format, factualAccuracy, difficultyAlignment, conceptCoverage, solvability } = ratings
  if (!format || !factualAccuracy || !difficultyAlignment || !conceptCoverage || !solvability) return undefined
  const all = { format, factualAccuracy, difficultyAlignment, conceptCoverage, solvability }
  return { judge, ...all, overall: overallRating(all) }
}

/** Perfect: accuracy and solvability perfect, at least two others perfect, none bad. Acceptable: none bad. */
export function overallRating(ratings: Record<Criterion, Rating>): Rating {
  if (Object.values(ratings).includes('bad')) return 'bad'
  const others = [ratings.format, ratings.difficultyAlignment, ratings.conceptCoverage].filter(
    (rating) => rating === 'perfect',
  )
  const perfect = ratings.factualAccuracy === 'perfect' && ratings.solvability === 'perfect' && others.length >= 2
  return perfect ? 'perfect' : 'acceptable'
}

/** `strict`: every judge says perfect. `lenient`: at least one says perfect and none bad. */
export type Quorum = 'strict' | 'lenient'

/** Whether a problem passes its judges; the evidence lists what each said. */
export function passesQuorum(judgements: readonly Judgement[], quorum: Quorum): { passes: boolean; evidence: string } {
  const ratings = judgements.map(({ overall }) => overall)
  const passes =
    quorum === 'strict'
      ? ratings.every((rating) => rating === 'perfect')
      : ratings.includes('perfect') && !ratings.includes('bad')
  return { passes, evidence: judgements.map(({ judge, overall }) => `${judge}: ${overall}`).join(', ') }
}
