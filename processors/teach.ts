/**
 * teach: accepted-problems -> traces. One teacher attempt per problem, for supervised fine-tuning; it needs neither tests
 * nor votes. One model call per problem. Off where no teacher is configured.
 */
import { withheld } from '../curation/withheld.ts'
import { domainNamed } from '../domains/index.ts'
import { seedOf } from '../engine/ids.ts'
import { defineProcessor } from '../engine/processor.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'teach',
  summary: 'One teacher attempt per problem.',
  version: 1,
  inputs: { acceptedProblems: topics.acceptedProblems },
  tables: {},
  outputs: { trace: topics.traces },
  roles: ['teacher'],
  settings: {},
  metrics: {},
  discards: ['content-filter'],
  onSpine: [],
  onFailure: { transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 } },
  process: {
    async acceptedProblems({ id, domain, origin, source, statement }, { emit, discard, complete }) {
      const prompt = domainNamed(domain).solverPrompt(statement)
      const answer = await complete({ role: 'teacher', purpose: 'trace', prompt, seed: seedOf('trace', id) })
      const lost = withheld(answer)
      // A trace that was cut off is kept: it says how often the teacher does not finish, and build-sft leaves it out.
      if (lost?.reason === 'content-filter') return discard(lost.reason, lost.evidence)
      return emit.trace({
        ...{ parentIds: [id], problemId: id, domain, origin, source, statement, teacher: answer.model },
        ...{ prompt: prompt.text, text: answer.text, reasoning: answer.reasoning ?? null },
      })
    },
  },
})
