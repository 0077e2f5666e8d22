/**
 * generate-problem: rationales -> problems. Staged: writes the problem x by continuing the text of concepts and
 * rationale, one model call per record. Joint: takes x from the rationale record without a call.
 */
import { readProblem, tagTexts } from '../curation/synthesis.ts'
import { withheld } from '../curation/withheld.ts'
import { statementHash } from '../curation/statements.ts'
import { continuationPrompt } from '../domains/prompts.ts'
import { defineProcessor } from '../engine/processor.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'generate-problem',
  summary: 'Writes the problem from its rationale, or takes it from there in joint mode.',
  version: 1,
  inputs: { rationales: topics.rationales },
  tables: {},
  outputs: { problem: topics.problems },
  roles: ['problem-writer'],
  settings: {},
  metrics: {},
  discards: ['no-problem', 'length-limit', 'content-filter'],
  onSpine: ['rationales'],
  onFailure: { transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 } },
  process: {
    async rationales(record, { emit, discard, complete }) {
      const { id, domain, concepts, level, seed, rationale } = record
      let statement = record.statement
      if (statement === null) {
        const answer = await complete({
          role: 'problem-writer',
          purpose: 'problem',
          prompt: continuationPrompt(concepts, level, rationale),
          seed,
          stop: [tagTexts.endProblem],
        })
        const lost = withheld(answer)
        if (lost) return discard(lost.reason, lost.evidence)
        statement = readProblem(answer.text, true)?.statement ?? null
      }
      if (statement === null) return discard('no-problem', 'the completion holds no problem')
      return emit.problem({
        parentIds: [id],
        domain,
        origin: 'synthetic',
        source: 'wellspring',
        sourceId: '',
        publishedAt: null,
        statement,
        contentHash: statementHash(statement),
        concepts,
        level,
        rationale,
        checks: null,
        judgements: [],
      })
    },
  },
})
