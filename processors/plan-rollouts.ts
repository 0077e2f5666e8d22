/**
 * plan-rollouts: test-cases and verdicts -> rollout-requests and outcomes. Decides how many attempts each problem and
 * solver still deserves, sets aside written tests that the attempts refute, and closes the problem with an outcome: the difficulty filter.
 * No model call. Rules: docs/rollouts.md.
 * Verdicts are keyed by attempt: repeats and those of closed problems are ignored. They may come before the test cases, as
 * when stored ones are planned anew: an attempt that has its verdict is not asked for again.
 */
import { attemptsDue, endingOf, type AttemptRule, type AttemptState } from '../curation/adaptive-rollouts.ts'
import { tally } from '../curation/attempts.ts'
import { behaviours } from '../curation/probe-inputs.ts'
import { conclusionAfter, refutedTests, type RefutedTest } from '../curation/test-weighing.ts'
import { meaningOf } from '../domains/verdict-reasons.ts'
import { seedOf } from '../engine/ids.ts'
import { counter } from '../engine/metrics.ts'
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
  version: 2,
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
    tooEasyWhen: setting.choice(
      'at-least: the rate itself is too easy (the paper: "at least half"). more-than: only what is above it (the scripts: > 1/2).',
      ['at-least', 'more-than'],
      { default: 'at-least', profiles: { scripts: 'more-than' }, recipe: true },
    ),
    maxRepeats: setting.integer(
      'Attempts asked for again because one could not be verified, for each problem and solver.',
      { min: 0, max: 64, default: 3, recipe: true },
    ),
    adaptive: setting.boolean(
      'Ask for no attempt that cannot change whether a problem is kept; the same problems are kept. Else for all attempts at once (the paper and the scripts).',
      { default: true, profiles: { paper: false, scripts: false }, recipe: true },
    ),
    giveUpAfterAttempts: setting.integer(
      'With adaptive: attempts without a pass after which a problem is given up as unsolved; 0: never. Of 8 attempts, 6 lose 2 of 8 problems that would have had one pass and 1 of 28 with two; 4 lose 4 of 8, 6 of 28 and 4 of 56 with three. Not where tests may be weighed.',
      { min: 0, max: 256, default: 0, recipe: true },
    ),
    weighTests: setting.boolean(
      'Set aside written tests that the attempts refute, where no attempt passes them all. Trusted tests always stand. Needs allTests of verify-rollout.',
      { default: true, profiles: { paper: false, scripts: false }, recipe: true },
    ),
  },
  metrics: {
    attemptsTotal: counter(
      'Attempts at problems that were closed, by domain, level and solver, and by what they came to (passed, failed, invalid, unverifiable): the pass rate.',
      ['domain', 'level', 'model', 'result'],
    ),
  },
  discards: ['no-solver'],
  onSpine: ['testCases'],
  onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
  state: { kind: 'rollout-plan', keyOf: ({ problemId }) => problemId },
  process: {
    testCases(testCases, { config, state, emit: plain, metrics, modelsOf, discard, leaveStream }) {
      const emit = counting(plain, metrics.attemptsTotal)
      const plan = state.get(testCases.problemId) ?? emptyPlan()
      if (plan.testCases !== null || isClosed(plan)) return []
      const models = modelsOf('solver')
      if (models.length === 0) return discard('no-solver', 'no model is configured for the role solver')
      plan.testCases = testCases
      // Verdicts of solvers that are configured no longer may have come before: nobody could make the attempts they lack.
      plan.solvers = models.map(({ model }) => solverPlan(plan, model))
      const emissions = advance(plan, plan.solvers, config, emit)
      settle(plan, leaveStream)
      state.set(testCases.problemId, plan)
      return emissions
    },

    verdicts(verdict, { config, state, emit: plain, metrics, position, leaveStream }) {
      const emit = counting(plain, metrics.attemptsTotal)
      const { problemId, attempt, id: verdictId, valid } = verdict
      const plan = state.get(problemId) ?? emptyPlan()
      if (isClosed(plan)) return []
      const known = plan.solvers.find(({ solver }) => solver === verdict.solver)
      const solver = plan.testCases ? known : solverPlan(plan, verdict.solver)
      if (!solver || solver.closed || solver.verdicts.some((one) => one.attempt === attempt)) return []
      const { partition, offset } = position
      const { again } = meaningOf(verdict.reason)
      const tests = config.weighTests && plan.testCases?.checks.trusted !== true ? verdict.tests : []
      const { probes } = verdict
      const tokens = tokensOf(verdict.calls)
      solver.verdicts.push({
        ...{ attempt, verdictId, partition, offset, verdict: verdict.verdict, valid, again, tests, probes, tokens },
      })
      const emissions = advance(plan, [solver], config, emit)
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

interface AttemptCounter {
  inc(labels: { domain: string; level: string; model: string; result: string }, count: number): void
}

/** The same emissions, with the attempts of outcomes counted. */
function counting(emit: Emits, counted: AttemptCounter): Emits {
  return {
    ...emit,
    outcome: (draft) => {
      const { domain, level, solver: model, attempted, passed, invalid, unverifiable } = draft
      const results = { passed, failed: attempted - passed - invalid, invalid, unverifiable }
      for (const [result, count] of Object.entries(results)) counted.inc({ domain, level, model, result }, count)
      return emit.outcome(draft)
    },
  }
}

type Rule = AttemptRule & { weighTests: boolean }

/** A solver's attempts, with all that is known of each. */
interface SolverState extends AttemptState {
  verdicts: AttemptVerdict[]
}

/** Whether the problem's tests may be set aside. */
function areWeighed({ checks }: TestCases, { weighTests }: Rule): boolean {
  return weighTests && !checks.trusted && checks.tests.length > 0
}

/** Verdicts of attempts that nobody has asked for do not count yet. */
function stateOf(testCases: TestCases, { requested, verdicts }: SolverPlan, rule: Rule): SolverState {
  const counted = verdicts.filter(({ attempt }) => attempt < requested).sort((a, b) => a.attempt - b.attempt)
  return { requested, verdicts: counted, weighed: areWeighed(testCases, rule) }
}

function identityOf({ id, domain, problemId, statement }: TestCases, solver: string) {
  return { parentIds: [id], domain, problemId, solver, statement }
}

/**
 * What has become due: requests of the given solvers, then the outcomes of those that are done. The order in which verdicts come makes no
 * difference, unless the problem is abandoned.
 */
function advance(plan: RolloutPlan, solvers: readonly SolverPlan[], rule: Rule, emit: Emits): Emission[] {
  const { testCases } = plan
  if (!testCases) return []
  const requests = solvers.flatMap((solver) => ask(testCases, solver, rule, emit))
  return [...requests, ...close(testCases, plan.solvers, rule, emit)]
}

/** Asks for the attempts that are due and have no verdict yet. */
function ask(testCases: TestCases, plan: SolverPlan, rule: Rule, emit: Emits): Emission[] {
  const { solver } = plan
  const emissions: Emission[] = []
  while (plan.requested < attemptsDue(stateOf(testCases, plan, rule), rule)) {
    const attempt = plan.requested++
    if (plan.verdicts.some((one) => one.attempt === attempt)) continue
    const seed = seedOf('rollout', testCases.problemId, solver, attempt)
    const request = { ...identityOf(testCases, solver), ordinal: `${solver}/${attempt}`, attempt, seed }
    emissions.push(emit.request({ ...request, checks: testCases.checks }))
  }
  plan.unverifiable = tally(stateOf(testCases, plan, rule).verdicts).unverifiable
  return emissions
}

/**
 * The outcomes of solvers whose attempts are all verified. Where the tests are weighed and nothing has passed, that waits for the attempts
 * of all solvers, or for a pass: the tests are weighed against all of them.
 */
function close(testCases: TestCases, plans: readonly SolverPlan[], rule: Rule, emit: Emits): Emission[] {
  const states = plans.map((plan) => ({ plan, state: stateOf(testCases, plan, rule) }))
  const all = states.flatMap(({ state }) => state.verdicts)
  const isOpen = states.some(({ state }) => state.verdicts.length < state.requested)
  if (isOpen && areWeighed(testCases, rule) && !all.some(({ verdict }) => verdict === 'passed')) return []
  const refuted = areWeighed(testCases, rule) ? refutedTests(all, testCases.checks.tests.length) : []
  return states
    .filter(({ plan, state }) => !plan.closed && state.verdicts.length === state.requested)
    .map(({ plan, state }) => {
      plan.closed = true
      return emit.outcome(outcomeDraft(testCases, plan.solver, state, refuted, rule))
    })
}

function outcomeDraft(
  testCases: TestCases,
  solver: string,
  state: SolverState,
  refuted: readonly RefutedTest[],
  rule: Rule,
): Draft<Outcome> {
  const { origin, source, concepts, level, checks } = testCases
  const concluded = state.verdicts.map((one) => ({ ...one, verdict: conclusionAfter(one, refuted) }))
  const ending = refuted[0]?.rule === 'no-test-agrees' ? noTestLeft : endingOf({ ...state, verdicts: concluded }, rule)
  return {
    ...{ ...identityOf(testCases, solver), ordinal: solver, origin, source, concepts, level },
    ...{ ...ending, ...tally(concluded) },
    tokens: state.verdicts.reduce((sum, verdict) => sum + verdict.tokens, tokensOf(testCases.calls)),
    verdicts: concluded.flatMap(({ verdictId, partition, offset, verdict, valid }, index) => {
      const recomputed = verdict !== state.verdicts[index]?.verdict
      return verdict === 'unverifiable' ? [] : [{ verdictId, partition, offset, verdict, valid, recomputed }]
    }),
    behaviours: behaviours(state.verdicts.filter(({ verdict }) => verdict === 'passed').map(({ probes }) => probes)),
    setAside: refuted.map((one) => ({ ...one, kind: checks.tests[one.test]?.kind ?? '' })),
  }
}

const noTestLeft = { result: 'abandoned', reason: 'no_test_left', spared: 0 } as const

/** A problem that all solvers are done with leaves the stream; of its plan only what tells repeats stays. */
function settle(plan: RolloutPlan, leaveStream: () => void): void {
  if (!isClosed(plan)) return
  plan.testCases = null
  for (const solver of plan.solvers) solver.verdicts = []
  leaveStream()
}
