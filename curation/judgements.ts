/**
 * Ratings by judge models: five criteria, each perfect, acceptable or bad, and how they add up (PromptCoT 1.0, section on
 * rejection sampling; its scripts' aggregation), also where judges disagree.
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
 * @param opinion which of the judge's ratings of the problem it is, from 1
 * @returns undefined unless all five criteria are rated
 */
export function parseJudgement(judge: string, answer: string, opinion = 1): Judgement | undefined {
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
  return { judge, opinion, ...all, overall: overallRating(all) }
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

/** `strict`: a judge that says perfect keeps a problem. `lenient`: one that does not say bad, if another, or itself, says perfect. */
type Quorum = 'strict' | 'lenient'

/** How ratings of a problem add up. */
export interface JudgingRule {
  quorum: Quorum
  /**
   * What happens where one judge would keep a problem and another drop it. `veto`: it is dropped (PromptCoT 1.0). `majority`: more than half
   * of the ratings must keep it, `half`: at least half (a panel that votes, as in Verga and others 2024, "Replacing Judges with Juries").
   */
  disagreement: 'veto' | 'majority' | 'half'
  /** Ratings of each judge at most, from 1. Without a veto: as long as the ratings are evenly split, every judge rates once more. */
  ratingsPerJudge: number
}

/** Of ratings, those that would keep a problem and those that would drop it. */
function sidesOf(ratings: readonly Rating[], quorum: Quorum): { kept: number; dropped: number } {
  const kept = ratings.filter((rating) => (quorum === 'strict' ? rating === 'perfect' : rating !== 'bad')).length
  return { kept, dropped: ratings.length - kept }
}

/**
 * How many more ratings are due, 0 where it is decided: with `veto` one of each judge, at once; else the fewest that can decide.
 * @param ratings so far. Judges rate in turn: rating i is that of judge `i % judges`
 */
export function ratingsDue(ratings: readonly Rating[], judges: number, rule: JudgingRule): number {
  const { kept, dropped } = sidesOf(ratings, rule.quorum)
  const given = ratings.length
  if (rule.disagreement === 'veto') return judges - given
  const begun = Math.max(1, Math.ceil(given / judges))
  const round = given === begun * judges && kept === dropped ? begun + 1 : begun
  if (round > rule.ratingsPerJudge) return 0
  const end = round * judges
  const most = Math.floor(end / 2) + 1
  // An even split is the end only in the last round.
  const half = round === rule.ratingsPerJudge ? Math.ceil(end / 2) : most
  const toKeep = (rule.disagreement === 'half' ? half : most) - kept
  const toDrop = (rule.disagreement === 'half' ? most : half) - dropped
  if (toDrop <= 0 || (toKeep <= 0 && ratings.includes('perfect'))) return 0
  return Math.min(end - given, Math.max(1, Math.min(toKeep, toDrop)))
}

/**
 * Whether a problem passes its judges, once no more ratings are due; the evidence lists what each said, in the order of the ratings, and where it
 * does not pass, what is missing.
 */
export function passesQuorum(
  judgements: readonly Judgement[],
  { quorum, disagreement }: Pick<JudgingRule, 'quorum' | 'disagreement'>,
): { passes: boolean; evidence: string } {
  const ratings = judgements.map(({ overall }) => overall)
  const { kept, dropped } = sidesOf(ratings, quorum)
  const isKept = { veto: dropped === 0, majority: kept > dropped, half: kept >= dropped }[disagreement]
  const said = judgements.map(
    ({ judge, opinion, overall }) => `${judge}${opinion > 1 ? ` (opinion ${opinion})` : ''}: ${overall}`,
  )
  const needed = { veto: 'all', majority: 'more than half', half: 'at least half' }[disagreement]
  const missing = isKept ? 'none says perfect' : `${kept} of ${ratings.length} would keep it, ${needed} must`
  const passes = isKept && ratings.includes('perfect')
  return { passes, evidence: `${said.join(', ')}${passes ? '' : `; ${missing}`}` }
}
