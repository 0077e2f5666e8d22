/**
 * screen-answer: voted-problems -> test-cases. The second look for near-duplicates, before any attempt is paid for: a problem that names the
 * numbers of an earlier one and has its answer is the same, however it is worded (docs/screening.md). One task, in offset order:
 * the first of several alike wins. No model call; a replay keeps the same problems.
 */
import { answerKey, areTheSame, comparedOf, mostOwners, ownersKey } from '../curation/answered-duplicates.ts'
import { domainNamed } from '../domains/index.ts'
import { defineProcessor } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'screen-answer',
  summary: 'Drops problems that are the same as an earlier one by their numbers and their answer.',
  version: 3,
  inputs: { votedProblems: topics.votedProblems },
  tables: {},
  outputs: { testCases: topics.testCases },
  roles: [],
  settings: {
    duplicates: setting.choice(
      'When two problems with an answer are the same, beyond what screen-problem finds. numbers-and-answer: the same numbers and the same answer, in any words. off: never (the paper and the scripts).',
      ['numbers-and-answer', 'off'],
      { default: 'numbers-and-answer', profiles: { paper: 'off', scripts: 'off' }, recipe: true },
    ),
  },
  metrics: {},
  discards: ['near-duplicate'],
  onSpine: ['votedProblems'],
  onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
  state: { kind: 'answer-owners' },
  process: {
    votedProblems(voted, { config, state, emit, discard }) {
      const { problemId, domain, statement, checks } = voted
      const compared = config.duplicates === 'off' ? undefined : comparedOf(statement)
      if (!compared || checks.answer === null) return emit.testCases(voted)
      const answer = answerKey(checks.answer)
      const known = domainNamed(domain)
      const canonical = known.checkedBy === 'answer' ? known.canonicalAnswer?.(checks.answer) : undefined
      const key = ownersKey(domain, canonical ?? answer, compared)
      const problems = state.get(key)?.problems ?? []
      // Earlier releases kept all problems by their answers as they are written.
      const writtenKey = ownersKey(domain, answer, compared)
      const earlierProblems = writtenKey === key ? [] : (state.get(writtenKey)?.problems ?? [])
      const same = [...earlierProblems, ...problems].find(
        (earlier) => earlier.problemId !== problemId && areTheSame(earlier, compared, canonical ?? answer),
      )
      if (same) return discard('near-duplicate', `the same numbers and answer ${answer} as ${same.problemId}`)
      if (problems.length < mostOwners) state.set(key, { problems: [...problems, { problemId, ...compared }] })
      return emit.testCases(voted)
    },
  },
})
