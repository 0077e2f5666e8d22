/**
 * vote-answer: accepted-problems of domains checked by an answer -> voted-problems. Up to eight generations of a strong model vote
 * on the reference answer, in classes of equal answers; trusted answers of human problems pass straight through. The voter is never the solver
 * that will be judged by the answer, unless the configuration says so.
 */
import { invalidReason } from '../curation/attempts.ts'
import { checkedProblem } from '../curation/checked-problem.ts'
import { answersDue, standingOf, uselessAnswer, type Standing } from '../curation/votes.ts'
import { domainNamed } from '../domains/index.ts'
import type { Completion } from '../engine/ports.ts'
import { defineProcessor } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'vote-answer',
  summary: 'Votes on the reference answer of problems that are checked by an answer.',
  version: 2,
  inputs: { acceptedProblems: topics.acceptedProblems },
  tables: {},
  outputs: { voted: topics.votedProblems },
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
    marginVotes: setting.integer(
      'Votes that the winner must be ahead of the second answer; a tie always loses. Neither the paper nor the scripts ask for more than one.',
      { min: 1, max: 64, default: 1, recipe: true },
    ),
    stopWhenDecided: setting.boolean(
      'Ask for no vote that cannot change the result: five that agree are enough for a majority of eight. Else for all at once (the paper and the scripts).',
      { default: true, profiles: { paper: false, scripts: false }, recipe: true },
    ),
    dropAnswers: setting.choice(
      'no-solution: answers that say that there is none. scripts: any answer with "no" in it, and 0 and 1, of the source PromptCoT-Math alone.',
      ['no-solution', 'scripts'],
      { default: 'no-solution', profiles: { scripts: 'scripts' }, recipe: true },
    ),
  },
  metrics: {},
  discards: ['no-boxed-answer', 'unreadable-answers', 'no-majority', 'tie', 'narrow', 'no-solution', 'trivial-answer'],
  onSpine: ['acceptedProblems'],
  onFailure: { transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 } },
  process: {
    async acceptedProblems(problem, { config, emit, discard, complete, verify }) {
      const domain = domainNamed(problem.domain)
      if (domain.checkedBy !== 'answer') return []
      const record = { ...checkedProblem(problem), malformedTests: 0 }
      const { source } = problem
      if (problem.checks && domain.hasChecks(problem.checks)) {
        const answer = problem.checks.answer ?? ''
        // Our own rule is for voted answers: one that came with the problem is taken at its word.
        const useless = config.dropAnswers === 'scripts' ? uselessAnswer({ answer, source }, 'scripts') : undefined
        if (useless) return discard(useless, answer)
        return emit.voted({ ...record, checks: problem.checks, votes: null })
      }

      const { generations, rule, marginVotes, stopWhenDecided } = config
      const voteRule = { generations, rule, margin: marginVotes }
      const prompt = domain.solverPrompt(problem.statement)
      const answers: Completion[] = []
      let grouped: Awaited<ReturnType<typeof domain.groupAnswers>> = { groups: [], undecided: [] }
      let standing: Standing = 'open'
      while (standing === 'open') {
        const asked = answers.length
        const left = generations - asked
        const votes = grouped.groups.map(({ members }) => members.length)
        const due = stopWhenDecided ? answersDue(votes, left, voteRule) : left
        answers.push(
          ...(await Promise.all(
            Array.from({ length: due }, (_, index) => {
              const seed = asked + index
              return complete({ role: 'voter', purpose: `vote-${seed}`, prompt, seed })
            }),
          )),
        )
        const finished = answers.filter((answer) => !invalidReason(answer, { refuseForeignScript: false }))
        grouped = await domain.groupAnswers(
          finished.map(({ text }) => text),
          verify,
        )
        const counts = grouped.groups.map(({ members }) => members.length)
        standing = standingOf(counts, generations - answers.length, voteRule)
      }
      const asked = answers.length
      const { groups, undecided } = grouped
      const classes = groups.map(({ representative, members }) => ({ answer: representative, votes: members.length }))
      const counted = classes.reduce((sum, { votes }) => sum + votes, 0)
      const [first] = classes
      if (!first && undecided.length > 0)
        return discard('unreadable-answers', `${undecided.length} of ${asked} boxed answers could not be compared`)
      if (!first) return discard('no-boxed-answer', `none of ${asked} generations ends in a boxed answer`)
      const notAsked = generations - asked
      const evidence = `${classes.map(({ answer, votes }) => `${votes} x ${answer.slice(0, 60)}`).join(', ')}${notAsked > 0 ? `; ${notAsked} not asked` : ''}`
      if (standing !== 'won') return discard(standing, evidence)
      const useless = uselessAnswer({ answer: first.answer, source }, config.dropAnswers)
      if (useless) return discard(useless, first.answer)
      return emit.voted({
        ...record,
        checks: { answer: first.answer, tests: [], trusted: false },
        votes: { asked, counted, notAsked, classes },
      })
    },
  },
})
