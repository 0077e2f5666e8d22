/**
 * judge-problem: screened-problems -> accepted-problems. Judge models rate each synthetic problem on five criteria; a
 * strict or lenient quorum decides. One model call per judge, more where one cannot be read or judges disagree, each with another seed; none where
 * no judge is configured, nor for human problems.
 */
import { parseJudgement, passesQuorum, ratingsDue } from '../curation/judgements.ts'
import { judgePrompt } from '../domains/prompts.ts'
import { defineProcessor } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import type { Judgement } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'judge-problem',
  summary: 'Judge models rate each synthetic problem; a quorum decides.',
  version: 2,
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
    disagreement: setting.choice(
      'Where one judge would keep a problem and another drop it. veto: it is dropped (PromptCoT 1.0). majority: more than half of the ratings must keep it, half: at least half, as a panel votes (Verga and others 2024); no rating is asked for that cannot change that.',
      ['veto', 'majority', 'half'],
      { default: 'majority', profiles: { paper: 'veto', scripts: 'veto' }, recipe: true },
    ),
    ratingsPerJudge: setting.integer(
      'Without a veto: while the ratings are evenly split, every judge rates once more, with another seed, until each has rated so many times.',
      { min: 1, max: 16, default: 2, profiles: { paper: 1, scripts: 1 }, recipe: true },
    ),
    readAttempts: setting.integer(
      'Times that a judge is asked for a rating, with another seed each, until its answer can be read. The paper and the scripts: 1.',
      { min: 1, max: 16, default: 2, profiles: { paper: 1, scripts: 1 }, recipe: true },
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
      const asked = new Map<string, number>()
      /** Asks until the answer can be read. @returns the last answer where none can */
      const rate = async (model: string, opinion: number): Promise<Judgement | string> => {
        let text = ''
        for (let attempt = 0; attempt < config.readAttempts; attempt++) {
          const seed = asked.get(model) ?? 0
          asked.set(model, seed + 1)
          // The number stands before the model's name, which may be any: no two calls have one purpose.
          const purpose = seed === 0 ? `judge-${model}` : `judge+${seed}-${model}`
          text = (await complete({ role: 'judge', model, purpose, prompt, seed })).text
          const judgement = parseJudgement(model, text, opinion)
          if (judgement) return judgement
        }
        return `${model}: ${text.slice(0, 200)}`
      }
      const judgements: Judgement[] = []
      for (;;) {
        const given = judgements.length
        const ratings = judgements.map(({ overall }) => overall)
        const due = ratingsDue(ratings, judges.length, config)
        if (due === 0) break
        const answers = await Promise.all(
          Array.from({ length: due }, (_, index) => {
            const turn = given + index
            return rate(judges[turn % judges.length]?.model ?? '', Math.floor(turn / judges.length) + 1)
          }),
        )
        const unread = answers.find((answer) => typeof answer === 'string')
        if (unread !== undefined) return discard('unreadable-judgement', unread)
        judgements.push(...answers.filter((answer) => typeof answer !== 'string'))
      }
      const { passes, evidence } = passesQuorum(judgements, config)
      return passes ? emit.accepted({ ...problem, judgements }) : discard('quorum-not-met', evidence)
    },
  },
})
