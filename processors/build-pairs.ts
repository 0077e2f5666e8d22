/**
 * build-pairs: outcomes -> preference-pairs. The self-play rules: attempts that passed against attempts that failed, of
 * one problem and solver, read from the verdicts that the outcome counted. What passed is what the outcome says: a verdict may have been
 * recomputed without tests that were set aside. Stateless; no model call.
 */
import { pairUp, trainingText } from '../curation/pairs.ts'
import { domainNamed } from '../domains/index.ts'
import { defineProcessor } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import type { Verdict, VerdictKind } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'build-pairs',
  summary: 'Preference pairs of problems that are neither too easy nor unsolved.',
  version: 2,
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
    pairing: setting.choice(
      'closest: nearest in length first, with different final answers, so that length teaches nothing. zip: the i-th passed with the i-th failed (the paper and the scripts).',
      ['closest', 'zip'],
      { default: 'closest', profiles: { paper: 'zip', scripts: 'zip' }, recipe: true },
    ),
  },
  metrics: {},
  discards: ['too-easy', 'unsolved', 'abandoned', 'no-test-left', 'no-valid-pair'],
  onSpine: [],
  onFailure: { transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 } },
  process: {
    async outcomes(outcome, { config, emit, discard, read }) {
      const { id, problemId, domain, origin, source, solver, statement, concepts, level, attempted, passed } = outcome
      if (outcome.result === 'too_easy') return discard('too-easy', `${passed} of ${attempted} attempts passed`)
      if (outcome.result === 'unsolved') return discard('unsolved', `none of ${attempted} attempts passed`)
      if (outcome.reason === 'no_test_left')
        return discard('no-test-left', `most of ${attempted} attempts agree with one another and with no test`)
      if (outcome.result === 'abandoned')
        return discard('abandoned', `${attempted} attempts could be verified, ${outcome.unverifiable} could not`)
      const usable = outcome.verdicts.filter(({ valid }) => valid)
      const verdicts = await Promise.all(
        usable.map(async (counted) => ({ concluded: counted.verdict, record: await read(topics.verdicts, counted) })),
      )
      const of = (kind: VerdictKind): Verdict[] =>
        verdicts.filter(({ concluded }) => concluded === kind).map(({ record }) => record)
      const traits = { textOf: trainingText, answerOf: ({ extracted }: Verdict) => extracted }
      const { pairing, maxPairsPerProblem: maxPairs } = config
      const pairs = pairUp(of('passed'), of('failed'), traits, { pairing, maxPairs })
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
