/**
 * generate-rationale: concepts -> rationales. Writes the rationale z from the concepts c; in joint mode (the released
 * models) the same completion holds the problem x. One model call per record.
 */
import { readProblem, readRationale, tagTexts } from '../curation/synthesis.ts'
import { withheld } from '../curation/withheld.ts'
import { synthesisPrompt } from '../domains/prompts.ts'
import { defineProcessor } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import { topics } from '../topics/catalogue.ts'

/** As `wellspring ingest --as concepts` writes them. */
const ingestedSamplers: ReadonlySet<string> = new Set(['released', 'given'])

export default defineProcessor({
  name: 'generate-rationale',
  summary: 'Writes the rationale from the concepts; in joint mode the problem with it.',
  version: 1,
  inputs: { concepts: topics.concepts },
  tables: {},
  outputs: { rationale: topics.rationales },
  roles: ['problem-writer'],
  settings: {
    mode: setting.choice(
      'joint: one completion holds rationale and problem. staged: generate-problem continues the rationale.',
      ['joint', 'staged'],
      {
        default: 'joint',
        recipe: true,
      },
    ),
  },
  metrics: {},
  discards: ['no-rationale', 'no-problem', 'length-limit', 'content-filter'],
  onSpine: ['concepts'],
  onFailure: { transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 } },
  process: {
    async concepts(combination, { config, emit, discard, complete, enterStream }) {
      const { concepts, level, seed, domain, sampler } = combination
      // sample-concepts counts what it draws; what was ingested begins here.
      if (ingestedSamplers.has(sampler)) enterStream()
      const joint = config.mode === 'joint'
      const answer = await complete({
        role: 'problem-writer',
        purpose: 'synthesis',
        prompt: synthesisPrompt(concepts, level),
        seed,
        stop: [joint ? tagTexts.endProblem : tagTexts.endRationale],
      })
      const lost = withheld(answer)
      if (lost) return discard(lost.reason, lost.evidence)
      const rationale = readRationale(answer.text)
      if (rationale === undefined) return discard('no-rationale', answer.text.slice(0, 200))
      const statement = joint ? (readProblem(answer.text, false)?.statement ?? null) : null
      if (joint && statement === null) return discard('no-problem', answer.text.slice(-200))
      return emit.rationale({ parentIds: [combination.id], domain, concepts, level, seed, rationale, statement })
    },
  },
})
