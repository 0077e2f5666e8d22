/**
 * select-rationale: scored-rationales -> triples. Keeps the best of the rationales of an observed problem: the training examples (c, z, x) of
 * a step. No model call. The scores of all candidates stay with each triple as evidence.
 */
import { randomFrom } from '../curation/sampling.ts'
import { seedOf } from '../engine/ids.ts'
import { defineProcessor } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import type { RationaleScore } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'select-rationale',
  summary: 'Keeps the best rationale of each observed problem as a training example.',
  version: 1,
  inputs: { scored: topics.scoredRationales },
  tables: {},
  outputs: { triple: topics.triples },
  roles: [],
  needs: ['rationale-writer'],
  settings: {
    rule: setting.choice(
      'best: the highest sum of log p(x|z,c) and log p(z|c). random, first: whatever the scores, to compare with.',
      ['best', 'random', 'first'],
      { default: 'best', recipe: true },
    ),
    triplesPerPair: setting.integer('Rationales kept of each observed pair, in the order of the rule.', {
      min: 1,
      max: 128,
      default: 1,
      recipe: true,
    }),
  },
  metrics: {},
  discards: [],
  onSpine: [],
  onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
  process: {
    scored(record, { config, emit }) {
      const { id, domain, conceptListId, source, statement, concepts, level, rationales, scores } = record
      const { step, iteration, announcement, writer, writerVersion, scorer, scorerVersion } = record
      const places = rationales.map((_, place) => place)
      return order(places, config.rule, scores, id)
        .slice(0, config.triplesPerPair)
        .map((chosen, rank) =>
          emit.triple({
            ...{ parentIds: [id, conceptListId], ordinal: rank },
            ...{ domain, conceptListId, source, statement, concepts, level },
            ...{ step, iteration, announcement, writer, writerVersion, scorer, scorerVersion },
            ...{ rationale: rationales[chosen] ?? '', rank, rule: config.rule, chosen },
            ...{ score: scores[chosen] ?? null, alternatives: scores },
          }),
        )
    },
  },
})

/** Candidates by their places, the one to be kept first. Equal scores keep the order of the draws. */
function order(
  places: readonly number[],
  rule: 'best' | 'random' | 'first',
  scores: readonly RationaleScore[],
  id: string,
): number[] {
  if (rule === 'first') return [...places]
  if (rule === 'random') {
    const random = randomFrom(seedOf('select-rationale', id))
    const draws = places.map(() => random())
    return [...places].sort((a, b) => (draws[a] ?? 0) - (draws[b] ?? 0))
  }
  const total = (place: number): number => {
    const score = scores[place]
    return score === undefined ? 0 : score.rationaleLogProbability + score.problemLogProbability
  }
  return [...places].sort((a, b) => total(b) - total(a))
}
