/**
 * vote-answer: accepted-problems of domains checked by an answer -> test-cases. Eight generations of a strong model vote
 * on the reference answer, in classes of equal answers; trusted answers of human problems pass straight through.
 */
import { invalidReason } from '../curation/attempts.ts'
import { checkedProblem } from '../curation/checked-problem.ts'
import { domainNamed } from '../domains/index.ts'
import { defineProcessor } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import { topics } from '../topics/catalogue.ts'

/** An answer that says that there is none. "none" as a count, 0, 1 and "no" stay: the scripts drop them, wrongly. */
const noSolution =
  /^(?:[^a-z]|\\text|\\mathrm|\\textbf)*(?:there (?:is|are|exists?) no|no (?:[a-z]+ ){0,3}(?:solutions?|answers?|exists?|values?)|no such [a-z]+|(?:does|do) not exist|not enough information|cannot be determined|impossible|undefined|inconsistent)\b/i

export default defineProcessor({
  name: 'vote-answer',
  summary: 'Votes on the reference answer of problems that are checked by an answer.',
  version: 1,
  inputs: { acceptedProblems: topics.acceptedProblems },
  tables: {},
  outputs: { testCases: topics.testCases },
  roles: ['voter'],
  settings: {
    generations: setting.integer('Answers that vote. The paper: 8.', { min: 1, max: 64, default: 8, recipe: true }),
    rule: setting.choice(
      'majority: more than half of the generations (the paper). plurality: the most votes (the scripts).',
      ['majority', 'plurality'],
      {
        default: 'majority',
        profiles: { scripts: 'plurality' },
        recipe: true,
      },
    ),
  },
  metrics: {},
  discards: ['no-boxed-answer', 'unreadable-answers', 'no-majority', 'tie', 'no-solution'],
  onSpine: ['acceptedProblems'],
  onFailure: { transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 } },
  process: {
    async acceptedProblems(problem, { config, emit, discard, complete, verify }) {
      const domain = domainNamed(problem.domain)
      if (domain.checkedBy !== 'answer') return []
      const record = { ...checkedProblem(problem), malformedTests: 0 }
      if (problem.checks && domain.hasChecks(problem.checks))
        return emit.testCases({ ...record, checks: problem.checks, votes: null })

      const asked = config.generations
      const answers = await Promise.all(
        Array.from({ length: asked }, (_, seed) =>
          complete({ role: 'voter', purpose: `vote-${seed}`, prompt: domain.solverPrompt(problem.statement), seed }),
        ),
      )
      const finished = answers
        .filter((answer) => !invalidReason(answer, { refuseForeignScript: false }))
        .map(({ text }) => text)
      const { groups, undecided } = await domain.groupAnswers(finished, verify)
      const classes = groups.map(({ representative, members }) => ({ answer: representative, votes: members.length }))
      const counted = classes.reduce((sum, { votes }) => sum + votes, 0)
      const [first, second] = classes
      if (!first && undecided.length > 0)
        return discard('unreadable-answers', `${undecided.length} of ${asked} boxed answers could not be compared`)
      if (!first) return discard('no-boxed-answer', `none of ${asked} generations ends in a boxed answer`)
      const evidence = classes.map(({ answer, votes }) => `${votes} x ${answer.slice(0, 60)}`).join(', ')
      if (second?.votes === first.votes) return discard('tie', evidence)
      if (config.rule === 'majority' && first.votes * 2 <= asked) return discard('no-majority', evidence)
      if (noSolution.test(first.answer)) return discard('no-solution', first.answer)
      return emit.testCases({
        ...record,
        checks: { answer: first.answer, tests: [], trusted: false },
        votes: { asked, counted, classes },
      })
    },
  },
})
