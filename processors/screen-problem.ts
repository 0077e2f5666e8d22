/**
 * screen-problem: problems -> screened-problems. Statement rules and exact duplicates, before any GPU time is spent
 * further on. One task, in offset order: the first of equal statements wins. No model call.
 */
import { brokenStatementRule } from '../curation/statements.ts'
import { defineProcessor } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'screen-problem',
  summary: 'Statement rules and exact duplicates, before GPU time is spent.',
  version: 1,
  inputs: { problems: topics.problems },
  tables: {},
  outputs: { screened: topics.screenedProblems },
  roles: [],
  settings: {
    minStatementCharacters: setting.integer('Shortest statement kept, in characters.', {
      min: 1,
      max: 10_000,
      default: 20,
      recipe: true,
    }),
    maxStatementCharacters: setting.integer('Longest statement kept, in characters.', {
      min: 100,
      max: 1_000_000,
      default: 20_000,
      recipe: true,
    }),
  },
  metrics: {},
  discards: ['too-short', 'too-long', 'unanswerable', 'cut-off', 'no-question', 'duplicate'],
  onSpine: ['problems'],
  onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
  state: { kind: 'statement-owner', keyOf: ({ contentHash }) => contentHash },
  process: {
    problems(problem, { config, state, emit, discard, enterStream }) {
      if (problem.origin === 'human') enterStream()
      const first = state.get(problem.contentHash)
      if (first) return discard('duplicate', `same statement as ${first.problemId}`)
      state.set(problem.contentHash, { problemId: problem.id })
      const { minStatementCharacters, maxStatementCharacters } = config
      const broken = brokenStatementRule(problem.statement, {
        minCharacters: minStatementCharacters,
        maxCharacters: maxStatementCharacters,
      })
      return broken ? discard(broken.rule, broken.evidence) : emit.screened(problem)
    },
  },
})
