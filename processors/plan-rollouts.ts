/**
 * plan-rollouts: test-cases and verdicts -> rollout-requests and outcomes. Decides how many attempts each problem and
 * solver still deserves, and closes it with an outcome: the difficulty filter. No model call.
 * Verdicts are keyed by attempt: repeats and those of closed problems are ignored. They may come before the test cases, as
 * when stored ones are planned anew: an attempt that has its verdict is not asked for again.
 */
import { outcomeOf, tally, type DifficultyRule } from '../curation/attempts.ts'
import { meaningOf } from '../domains/verdict-reasons.ts'
import { seedOf } from '../engine/ids.ts'
import { defineProcessor, type Draft, type Emission } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import type {
  AttemptVerdict,
  ModelCall,
  Outcome,
  RolloutPlan,
  RolloutRequest,
  SolverPlan,
  TestCases,
} from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'plan-rollouts',
  summary: 'Asks for attempts at each problem and closes it with an outcome.',
  version: 1,
  inputs: { testCases: topics.testCases, verdicts: topics.verdicts },
  tables: {},
  outputs: { request: topics.rolloutRequests, outcome: topics.outcomes },
  roles: ['solver'],
  callsModels: false,
  settings: {
    attempts: setting.integer('Attempts that count for each problem and solver (k). The paper: 8.', {
      min: 1,
      max: 256,
      default: 8,
      recipe: true,
    }),
    tooEasyAt: setting.number('Pass rate from which a problem is too easy. The paper: 0.5.', {
      min: 0,
      max: 1,
      default: 0.5,
      recipe: true,
    }),
    maxRepeats: setting.integer(
      'Attempts asked for again because one could not be verified, for each problem and solver.',
      { min: 0, max: 64, default: 3, recipe: true },
    ),
  },
  metrics: {},
  discards: ['no-solver'],
  onSpine: ['testCases'],
  onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
  state: { kind: 'rollout-plan', keyOf: ({ problemId }) => problemId },
  process: {
    testCases(testCases, { config, state, emit, modelsOf, discard, leaveStream }) {
      const plan = state.get(testCases.problemId) ?? emptyPlan()
      if (plan.testCases !== null || isClosed(plan)) return []
      const models = modelsOf('solver')
      if (models.length === 0) return discard('no-solver', 'no model is configured for the role solver')
      plan.testCases = testCases
      // Verdicts of solvers that are configured no longer may have come before: nobody could make the attempts they lack.
      plan.solvers = models.map(({ model }) => solverPlan(plan, model))
      const emissions = plan.solvers.flatMap((solver) => advance(testCases, solver, config, emit))
      settle(plan, leaveStream)
      state.set(testCases.problemId, plan)
      return emissions
    },

    verdicts(verdict, { config, state, emit, position, leaveStream }) {
      const { problemId, attempt, id: verdictId, valid } = verdict
      const plan = state.get(problemId) ?? emptyPlan()
      if (isClosed(plan)) return []
      const known = plan.solvers.find(({ solver }) => solver === verdict.solver)
      const solver = plan.testCases ? known : solverPlan(plan, verdict.solver)
      if (!solver || solver.closed || solver.verdicts.some((one) => one.attempt === attempt)) return []
      const { partition, offset } = position
      const { again } = meaningOf(verdict.reason)
      const tokens = tokensOf(verdict.calls)
      solver.verdicts.push({ attempt, verdictId, partition, offset, verdict: verdict.verdict, valid, again, tokens })
      const emissions = plan.testCases ? advance(plan.testCases, solver, config, emit) : []
      settle(plan, leaveStream)
      state.set(problemId, plan)
      return emissions
    },
  },
})

function tokensOf(calls: readonly ModelCall[]): number {
  return calls.reduce((sum, { promptTokens, completionTokens }) => sum + promptTokens + completionTokens, 0)
}

function emptyPlan(): RolloutPlan {
  return { testCases: null, solvers: [] }
}

/** Whether every solver is done: its test cases are dropped then, and only what tells repeats is left. */
function isClosed(plan: RolloutPlan): boolean {
  return plan.solvers.length > 0 && plan.solvers.every(({ closed }) => closed)
}

function solverPlan(plan: RolloutPlan, solver: string): SolverPlan {
  const known = plan.solvers.find((one) => one.solver === solver)
  if (known) return known
  const fresh: SolverPlan = { solver, requested: 0, closed: false, unverifiable: 0, verdicts: [] }
  plan.solvers.push(fresh)
  return fresh
}

interface Emits {
  request: (draft: Draft<RolloutRequest>) => Emission
  outcome: (draft: Draft<Outcome>) => Emission
}

/**
 * What a solver's verdicts come to: attempts 0 to k - 1, and one more for each that could not be verified and may be next time, as far as
 * repeats go; then, with a verdict for each of them, the outcome. The order in which verdicts came makes no difference.
 */
function advance(
  testCases: TestCases,
  plan: SolverPlan,
  rule: DifficultyRule & { maxRepeats: number },
  emit: Emits,
): Emission[] {
  const { id, problemId, domain, origin, source, statement, concepts, level, checks } = testCases
  const { solver } = plan
  const about = { parentIds: [id], domain, problemId, solver, statement }
  const counted = (): AttemptVerdict[] => plan.verdicts.filter(({ attempt }) => attempt < plan.requested)
  const emissions: Emission[] = []
  while (plan.requested < rule.attempts + Math.min(counted().filter(({ again }) => again).length, rule.maxRepeats)) {
    const attempt = plan.requested++
    if (plan.verdicts.some((one) => one.attempt === attempt)) continue
    const seed = seedOf('rollout', problemId, solver, attempt)
    emissions.push(emit.request({ ...about, ordinal: `${solver}/${attempt}`, attempt, seed, checks }))
  }
  const counts = tally(counted())
  plan.unverifiable = counts.unverifiable
  if (counts.attempted + counts.unverifiable < plan.requested) return emissions
  plan.closed = true
  const verdicts = counted()
    .filter(({ verdict }) => verdict !== 'unverifiable')
    .sort((a, b) => a.attempt - b.attempt)
    .map(({ verdictId, partition, offset, verdict, valid }) => ({ verdictId, partition, offset, verdict, valid }))
  const result = outcomeOf(counts, rule)
  const tokens = counted().reduce((sum, verdict) => sum + verdict.tokens, tokensOf(testCases.calls))
  return [
    ...emissions,
    emit.outcome({ ...about, ordinal: solver, origin, source, concepts, level, result, ...counts, tokens, verdicts }),
  ]
}

/** A problem that all solvers are done with leaves the stream; of its plan only what tells repeats stays. */
function settle(plan: RolloutPlan, leaveStream: () => void): void {
  if (!isClosed(plan)) return
  plan.testCases = null
  for (const solver of plan.solvers) solver.verdicts = []
  leaveStream()
}
