/**
 * report-yields: outcomes and discards -> concept-yields. What each synthetic combination came to, in a small record that
 * sample-concepts reads: pairs, pass rate and tokens by concepts and level. Stateless; no model call.
 */
import { defineProcessor } from '../engine/processor.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'report-yields',
  summary: 'Tells the sampler what each combination of concepts came to.',
  version: 1,
  inputs: { outcomes: topics.outcomes, discards: topics.discards },
  tables: {},
  outputs: { yield: topics.conceptYields },
  roles: [],
  settings: {},
  metrics: {},
  discards: [],
  onSpine: [],
  onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
  process: {
    outcomes({ id, domain, origin, concepts, level, result, attempted, passed, verdicts, tokens }, { emit }) {
      if (origin === 'human' || concepts.length === 0) return []
      const valid = verdicts.filter((one) => one.valid)
      const right = valid.filter(({ verdict }) => verdict === 'passed').length
      const pairs = result === 'kept' ? Math.min(right, valid.length - right) : 0
      return emit.yield({ parentIds: [id], domain, concepts, level, result, attempted, passed, pairs, tokens })
    },

    discards({ id, domain, concepts, leftStream, calls }, { emit }) {
      if (!leftStream || concepts.length === 0) return []
      const tokens = calls.reduce((sum, call) => sum + call.promptTokens + call.completionTokens, 0)
      const nothing = { attempted: 0, passed: 0, pairs: 0 }
      return emit.yield({ parentIds: [id], domain, concepts, level: '', result: 'discarded', ...nothing, tokens })
    },
  },
})
