/**
 * build-pairs: outcomes -> preference-pairs. The self-play rules: attempts that passed against attempts that failed, of
 * one problem and solver, read from the verdicts that the outcome counted. Stateless; no model call.
 */
import { pairUp, trainingText } from '../curation/pairs.ts'
import { domainNamed } from '../domains/index.ts'
import { defineProcessor } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'build-pairs',
  summary: 'Preference pairs of problems that are neither too easy nor unsolved.',
  version: 1,
  inputs: { outcomes: topics.outcomes },
  tables: {},
  outputs: { pair: topics.preferencePairs },
  reads: [topics.verdicts],
  roles: [],
  settings: {
    maxPairsPerProblem: setting.integer('Most pairs of one problem and solver.', {
      min: 1,
      max: 10_000,
      default: 8,
      profiles: { scripts: 10_000 },
      recipe: true,
    }),
  },
  metrics: {},
  discards: ['too-easy', 'unsolved', 'abandoned', 'no-valid-pair'],
  onSpine: [],
  onFailure: { transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 } },
  process: {
    async outcomes(outcome, { config, emit, discard, read }) {
      const { id, problemId, domain, origin, source, solver, statement, concepts, level, attempted, passed } = outcome
      if (outcome.result === 'too_easy') return discard('too-easy', `${passed} of ${attempted} attempts passed`)
      if (outcome.result === 'unsolved') return discard('unsolved', `none of ${attempted} attempts passed`)
      if (outcome.result === 'abandoned')
        return discard('abandoned', `${attempted} attempts could be verified, ${outcome.unverifiable} could not`)
      const usable = outcome.verdicts.filter(({ valid }) => valid)
      const verdicts = await Promise.all(usable.map((at) => read(topics.verdicts, at)))
      const pairs = pairUp(
        verdicts.filter(({ verdict }) => verdict === 'passed'),
        verdicts.filter(({ verdict }) => verdict === 'failed'),
        trainingText,
        config.maxPairsPerProblem,
      )
      if (pairs.length === 0)
        return discard('no-valid-pair', `${passed} passed, ${outcome.invalid} of ${attempted} attempts invalid`)
      return pairs.map(({ chosen, rejected }, ordinal) =>
        emit.pair({
          ...{ parentIds: [id, chosen.id, rejected.id], ordinal },
          ...{ domain, problemId, origin, source, solver, statement, concepts, level },
          passRate: passed / attempted,
          prompt: domainNamed(domain).solverPrompt(statement).text,
          chosen: trainingText(chosen),
          rejected: trainingText(rejected),
          chosenVerdictId: chosen.id,
          rejectedVerdictId: rejected.id,
        }),
      )
    },
  },
})
