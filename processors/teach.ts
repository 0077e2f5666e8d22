/**
 * teach: accepted-problems, trace-requests -> trace-requests and traces. One attempt of each teacher model per problem, for supervised
 * fine-tuning; it needs neither tests nor votes. One model call per problem and teacher. Off where no teacher is configured. `wellspring teach`
 * asks for those of a teacher that came later.
 */
import { withheld } from '../curation/withheld.ts'
import { domainNamed } from '../domains/index.ts'
import { recordId, seedOf } from '../engine/ids.ts'
import { defineProcessor, type Draft } from '../engine/processor.ts'
import type { Problem, TraceRequest } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'teach',
  summary: 'One attempt of each teacher per problem.',
  version: 2,
  inputs: { acceptedProblems: topics.acceptedProblems, traceRequests: topics.traceRequests },
  tables: {},
  outputs: { request: topics.traceRequests, trace: topics.traces },
  roles: ['teacher'],
  settings: {},
  metrics: {},
  discards: ['content-filter'],
  onSpine: [],
  onFailure: { transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 } },
  process: {
    // Each teacher has a record of its own: one that is slow, away or refuses holds up no other.
    acceptedProblems(problem, { emit, modelsOf }) {
      return modelsOf('teacher').map(({ model }) => emit.request(traceRequestOf(problem, model)))
    },

    async traceRequests(request, { emit, discard, complete }) {
      const { id, problemId, domain, origin, source, statement, teacher } = request
      const prompt = domainNamed(domain).solverPrompt(statement)
      const seed = seedOf('trace', problemId)
      const answer = await complete({ role: 'teacher', model: teacher, purpose: 'trace', prompt, seed })
      const lost = withheld(answer)
      // A trace that was cut off is kept: it says how often the teacher does not finish, and build-sft leaves it out.
      if (lost?.reason === 'content-filter') return discard(lost.reason, lost.evidence)
      return emit.trace({
        ...{ parentIds: [id, problemId], problemId, domain, origin, source, statement, teacher },
        ...{ prompt: prompt.text, text: answer.text, reasoning: answer.reasoning ?? null },
      })
    },
  },
})

/** What a teacher is asked of a problem. Its id is of the two alone: it is the same request whoever makes it. */
export function traceRequestOf(
  { id: problemId, domain, origin, source, statement }: Problem,
  teacher: string,
): Draft<TraceRequest> & { id: string } {
  const id = traceRequestId(problemId, teacher)
  return { id, parentIds: [problemId], problemId, domain, origin, source, statement, teacher }
}

/** The id of a teacher's request for a problem. */
export function traceRequestId(problemId: string, teacher: string): string {
  return recordId('trace-request', [problemId], '', teacher)
}
