/** Rates a problem, well or badly. */
import { Random } from '../random.ts'
import { flawAtLevel } from '../statements.ts'
import type { Flaw, JudgementFact } from '../truth.ts'
import type { Generation, TaskContext } from './task.ts'

const CRITERIA = ['Format', 'Factual Accuracy', 'Difficulty Alignment', 'Concept Coverage', 'Solvability'] as const
type Criterion = (typeof CRITERIA)[number]

const SPOILED: Record<Flaw, Criterion> = {
  unanswerable: 'Solvability',
  'missing-condition': 'Solvability',
  'cut-off': 'Format',
  contradictory: 'Factual Accuracy',
  'wrong-level': 'Difficulty Alignment',
}

/**
 * Whether a rating is a mistake. The share of mistakes is that of the noise for every rating; how often ratings are mistaken together is told by
 * `judgeMistakes`: problems that mislead all judges or none, problems of which one judge is sure, and chance for the rest.
 */
function isMistaken({ random, model, settings }: TaskContext, hash: string): boolean {
  const { ofProblem, ofJudge } = settings.judgeMistakes
  const share = settings.noise.wrongJudgements
  const ofAll = new Random('misleading', settings.seed, hash)
  if (ofAll.chance(ofProblem)) return ofAll.chance(share)
  const own = new Random('sure', settings.seed, hash, model.id)
  if (own.chance(ofJudge / (1 - ofProblem))) return own.chance(share)
  return random.chance(share)
}

/** Answers the judge prompt. A strict judge finds fault with good problems more often, a lenient one less. */
export function judge(context: TaskContext, level: string, statement: string): Generation {
  const { random, model, fault } = context
  const reading = context.statements.read(statement)
  const flaw = flawAtLevel(reading, level)
  const seesBad = (flaw !== undefined) !== isMistaken(context, reading.hash)
  const ratings = new Map<Criterion, string>(CRITERIA.map((criterion) => [criterion, 'Perfect']))
  for (const criterion of CRITERIA) if (random.chance(0.25 * (1 - model.leniency))) ratings.set(criterion, 'Acceptable')
  if (seesBad) ratings.set(flaw === undefined ? random.pick(CRITERIA) : SPOILED[flaw], 'Bad')
  const values = [...ratings.values()]
  const core = ratings.get('Factual Accuracy') === 'Perfect' && ratings.get('Solvability') === 'Perfect'
  const others = values.filter((rating) => rating === 'Perfect').length - 2
  const said = values.includes('Bad') ? 'bad' : core && others >= 2 ? 'perfect' : 'acceptable'
  const lines = [...ratings].map(([criterion, rating]) => `${criterion}: ${rating}`)
  const malformed = fault === 'malformed'
  const content = malformed
    ? random.pick([
        lines.slice(0, 2).join('\n'),
        'The problem looks reasonable to me.',
        `${lines.join('\n')}\n\nFinal Judgement:`,
      ])
    : `${lines.join('\n')}\n\nFinal Judgement: ${said}`
  const fact: JudgementFact = {
    kind: 'judgement',
    model: model.id,
    truth: flaw === undefined ? 'good' : 'bad',
    said: malformed ? 'malformed' : said,
    ...(flaw && { flaw }),
  }
  return { content, facts: [{ statementHash: reading.hash, body: fact }] }
}
