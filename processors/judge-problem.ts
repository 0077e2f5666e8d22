/**
 * judge-problem: screened-problems -> accepted-problems. Judge models rate each synthetic problem on five criteria; a
 * strict or lenient quorum decides. One model call per judge; none where no judge is configured, nor for human problems.
 */
import { parseJudgement, passesQuorum } from '../curation/judgements.ts'
import { judgePrompt } from '../domains/prompts.ts'
import { defineProcessor } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'judge-problem',
  summary: 'Judge models rate each synthetic problem; a quorum decides.',
  version: 1,
  inputs: { screenedProblems: topics.screenedProblems },
  tables: {},
  outputs: { accepted: topics.acceptedProblems },
  roles: ['judge'],
  needs: [],
  settings: {
    quorum: setting.choice(
      'strict: every judge says perfect. lenient: one says perfect and none bad.',
      ['strict', 'lenient'],
      { default: 'lenient', recipe: true },
    ),
  },
  metrics: {},
  discards: ['quorum-not-met', 'unreadable-judgement'],
  onSpine: ['screenedProblems'],
  onFailure: { transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 } },
  process: {
    async screenedProblems(problem, { config, emit, discard, modelsOf, complete }) {
      const judges = problem.origin === 'human' ? [] : modelsOf('judge')
      if (judges.length === 0) return emit.accepted(problem)
      const prompt = judgePrompt({ ...problem, rationale: problem.rationale ?? '' })
      const answers = await Promise.all(
        judges.map(({ model }) => complete({ role: 'judge', model, purpose: `judge-${model}`, prompt })),
      )
      const judgements = answers.flatMap((answer) => parseJudgement(answer.model, answer.text) ?? [])
      if (judgements.length < answers.length) {
        const unread = answers.find(({ model }) => !judgements.some(({ judge }) => judge === model))
        return discard('unreadable-judgement', `${unread?.model}: ${unread?.text.slice(0, 200)}`)
      }
      const { passes, evidence } = passesQuorum(judgements, config.quorum)
      return passes ? emit.accepted({ ...problem, judgements }) : discard('quorum-not-met', evidence)
    },
  },
})
