/**
 * infer-rationale: rationale-requests -> rationale-candidates. Writes rationales (z) of an observed problem: the annotator in the cold start,
 * else the rationale writer, q(z|c,x). One model call for each rationale asked for; a replay repeats none that is committed.
 */
import { readinessOf } from '../curation/em.ts'
import { readRationale, readThinking, tagTexts } from '../curation/synthesis.ts'
import { annotateRationalePrompt, rationalePrompt } from '../domains/prompts.ts'
import { TransientError } from '../engine/errors.ts'
import { seedOf } from '../engine/ids.ts'
import { defineProcessor } from '../engine/processor.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'infer-rationale',
  summary: 'Writes rationales of observed problems.',
  version: 1,
  inputs: { requests: topics.rationaleRequests },
  tables: {},
  outputs: { candidates: topics.rationaleCandidates },
  roles: ['rationale-writer', 'annotator'],
  needs: ['rationale-writer'],
  settings: {},
  metrics: {},
  discards: ['superseded', 'no-rationale'],
  onSpine: [],
  onFailure: { transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 } },
  process: {
    async requests(request, { emit, discard, modelsOf, complete }) {
      const { id, concepts, level, statement, writer, writerVersion, announcement, temperature, candidates } = request
      const isAnnotated = request.role === 'annotator'
      if (!isAnnotated) {
        const inForce = modelsOf('rationale-writer')[0]?.announced
        const readiness = readinessOf({ announcement, version: writerVersion }, inForce)
        if (readiness === 'superseded')
          return discard(
            'superseded',
            `asked for version ${writerVersion}, version ${inForce?.version ?? ''} is in force`,
          )
        if (readiness === 'awaited')
          throw new TransientError(
            'MODEL_NOT_ANNOUNCED',
            `version ${writerVersion} of the rationale writer is not known here yet`,
            { outage: true },
          )
      }
      const answers = await Promise.all(
        Array.from({ length: candidates }, (_, number) =>
          complete({
            purpose: `rationale-${number}`,
            seed: seedOf(id, number),
            ...(temperature !== null && { sampling: { temperature } }),
            ...(isAnnotated
              ? {
                  role: 'annotator',
                  model: writer,
                  prompt: annotateRationalePrompt(concepts, level, statement),
                }
              : {
                  role: 'rationale-writer',
                  version: writerVersion,
                  prompt: rationalePrompt(concepts, level, statement),
                  stop: [tagTexts.endRationale],
                }),
          }),
        ),
      )
      const rationales = answers.flatMap(({ text, finishReason }) => {
        const isWhole = finishReason !== 'length' && finishReason !== 'content_filter'
        return (isWhole ? (isAnnotated ? readThinking(text) : readRationale(text)) : undefined) ?? []
      })
      if (rationales.length === 0) {
        const [first] = answers
        return discard(
          'no-rationale',
          `${answers.length} answers, the first (${first?.finishReason ?? ''}): ${first?.text.slice(0, 200) ?? 'none'}`,
        )
      }
      const { domain, source, conceptListId, step, iteration, scorerVersion } = request
      return emit.candidates({
        ...{ parentIds: [id], domain, conceptListId, source, statement, concepts, level },
        ...{ step, iteration, announcement, writer: answers[0]?.model ?? writer, writerVersion, scorerVersion },
        ...{ rationales, lost: answers.length - rationales.length },
      })
    },
  },
})
