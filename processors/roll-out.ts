/**
 * roll-out: rollout-requests -> rollouts and verdicts. One attempted solution per record: one call of the solver model.
 * Where nothing could be run it writes an unverifiable verdict instead, so that every request ends in exactly one verdict.
 */
import { domainNamed } from '../domains/index.ts'
import { defineProcessor, type Draft } from '../engine/processor.ts'
import type { RolloutRequest, Verdict } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'roll-out',
  summary: 'One attempted solution per request.',
  version: 1,
  inputs: { rolloutRequests: topics.rolloutRequests },
  tables: {},
  outputs: { rollout: topics.rollouts, verdict: topics.verdicts },
  roles: ['solver'],
  settings: {},
  metrics: {},
  discards: [],
  onSpine: [],
  onFailure: {
    transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 },
    emitInstead: {
      rolloutRequests: (request, failure, emit) => emit.verdict(notRun(request, `${failure.code}: ${failure.message}`)),
    },
  },
  process: {
    async rolloutRequests(request, { emit, complete }) {
      const { id, problemId, domain, solver, attempt, statement, checks, seed } = request
      const prompt = domainNamed(domain).solverPrompt(statement)
      const answer = await complete({ role: 'solver', model: solver, purpose: 'attempt', prompt, seed })
      return emit.rollout({
        parentIds: [id],
        domain,
        problemId,
        solver,
        attempt,
        statement,
        checks,
        text: answer.text,
        reasoning: answer.reasoning ?? null,
      })
    },
  },
})

/** The verdict of a request that no attempt came of. */
function notRun(request: RolloutRequest, cause: string): Draft<Verdict> {
  const { id, problemId, domain, solver, attempt } = request
  return {
    ...{ parentIds: [id], domain, problemId, requestId: id, solver, attempt },
    ...{
      verdict: 'unverifiable',
      reason: 'not_run',
      valid: false,
      extracted: null,
      detail: cause,
      tests: [],
      probes: [],
    },
    ...{ text: '', reasoning: null, verifierSeconds: 0 },
  }
}
