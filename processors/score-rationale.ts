/**
 * score-rationale: rationale-candidates -> scored-rationales. The E-step's reward R = log p(x|z,c) + log p(z|c): sums of token
 * log-probabilities of given text under the problem writer in force. One scoring call for each rationale; none in the other steps.
 */
import { readinessOf } from '../curation/em.ts'
import { scoredText } from '../domains/prompts.ts'
import { InvalidRecordError, TransientError } from '../engine/errors.ts'
import { defineProcessor } from '../engine/processor.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'score-rationale',
  summary: 'Scores rationales by the log-probabilities that the problem writer gives them and their problem.',
  version: 1,
  inputs: { candidates: topics.rationaleCandidates },
  tables: {},
  outputs: { scored: topics.scoredRationales },
  roles: ['problem-writer'],
  needs: ['rationale-writer'],
  settings: {},
  metrics: {},
  discards: ['superseded'],
  onSpine: [],
  onFailure: { transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 } },
  process: {
    async candidates(record, { emit, discard, modelsOf, score }) {
      const { id, domain, conceptListId, source, statement, concepts, level, rationales } = record
      const { step, iteration, announcement, writer, writerVersion, scorerVersion } = record
      const observed = { parentIds: [id], domain, conceptListId, source, statement, concepts, level, rationales }
      const made = { step, iteration, announcement, writer, writerVersion, scorerVersion }
      if (step !== 'e') return emit.scored({ ...observed, ...made, scores: [], scorer: '' })
      const inForce = modelsOf('problem-writer')[0]?.announced
      const readiness = readinessOf({ announcement, version: scorerVersion }, inForce)
      if (readiness === 'superseded')
        return discard(
          'superseded',
          `to be scored by version ${scorerVersion}, version ${inForce?.version ?? ''} is in force`,
        )
      if (readiness === 'awaited')
        throw new TransientError(
          'MODEL_NOT_ANNOUNCED',
          `version ${scorerVersion} of the problem writer is not known here yet`,
          { outage: true },
        )
      const scorings = await Promise.all(
        rationales.map((rationale, number) => {
          const { text, version, ...parts } = scoredText(concepts, level, rationale, statement)
          return score({
            ...{ role: 'problem-writer', version: scorerVersion, text, parts: [parts.rationale, parts.problem] },
            ...{ purpose: `score-${number}`, promptVersion: version },
          })
        }),
      )
      const scores = scorings.map(({ parts: [ofRationale, ofProblem] }) => {
        if (!ofRationale || !ofProblem)
          throw new InvalidRecordError('RECORD_INVARIANT_BROKEN', 'a scoring without its two parts')
        return {
          ...{ rationaleLogProbability: ofRationale.logProbability, rationaleTokens: ofRationale.tokens },
          ...{ problemLogProbability: ofProblem.logProbability, problemTokens: ofProblem.tokens },
        }
      })
      return emit.scored({ ...observed, ...made, scores, scorer: scorings[0]?.model ?? '' })
    },
  },
})
