/**
 * plan-rollouts: test-cases, verdicts and test-runs -> rollout-requests, test-requests and outcomes. Decides how many attempts each
 * problem and solver still deserves, sets aside written tests that the attempts refute, asks for further tests where programs that pass
 * disagree, and closes the problem with an outcome: the difficulty filter. No model call. Rules: docs/rollouts.md.
 * Verdicts are keyed by attempt: repeats and those of closed problems are ignored. They may come before the test cases, as
 * when stored ones are planned anew: an attempt that has its verdict is not asked for again.
 */
import { attemptsDue, endingOf, type AttemptRule, type AttemptState } from '../curation/adaptive-rollouts.ts'
import { tally } from '../curation/attempts.ts'
import { longestDisputedInput, refutedAttempts, settingAside, weighFurtherTests } from '../curation/further-tests.ts'
import { behaviours, disputed, probeInputs } from '../curation/probe-inputs.ts'
import { conclusionAfter, refutedTests, type RefutedTest } from '../curation/test-weighing.ts'
import { domains } from '../domains/index.ts'
import { meaningOf } from '../domains/verdict-reasons.ts'
import { seedOf } from '../engine/ids.ts'
import { counter } from '../engine/metrics.ts'
import { defineProcessor, type Draft, type Emission } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import type {
  AddedTest,
  AttemptVerdict,
  Checks,
  ModelCall,
  Outcome,
  RolloutPlan,
  RolloutRequest,
  SolverPlan,
  TestCases,
  TestRequest,
  TestRuns,
  VerdictKind,
} from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'

const testedDomains = domains.filter(({ checkedBy }) => checkedBy === 'tests').map(({ name }) => name)

export default defineProcessor({
  name: 'plan-rollouts',
  summary: 'Asks for attempts at each problem and closes it with an outcome.',
  version: 3,
  inputs: { testCases: topics.testCases, verdicts: topics.verdicts, testRuns: topics.testRuns },
  tables: {},
  outputs: { request: topics.rolloutRequests, testRequest: topics.testRequests, outcome: topics.outcomes },
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
    testsForWeakSuites: setting.integer(
      'Further tests that are asked for, once a problem, where programs that pass all written tests print different things for other inputs (probes of verify-rollout); 0: none. Trusted tests always stand as they are.',
      { min: 0, max: 16, default: 3, profiles: { paper: 0, scripts: 0 }, recipe: true },
    ),
  },
  metrics: {
    attemptsTotal: counter(
      'Attempts at problems that were closed, by domain, level and solver, and by what they came to (passed, failed, invalid, unverifiable): the pass rate.',
      { domain: 'named', level: 'named', model: 'named', result: ['passed', 'failed', 'invalid', 'unverifiable'] },
    ),
    weakSuitesTotal: counter('Problems for which further tests were asked: programs that pass their tests disagree.', {
      domain: testedDomains,
    }),
    furtherTestsTotal: counter(
      'Further tests of problems whose tests were too weak, by what became of them: counts, or the rule that set them aside.',
      { domain: testedDomains, standing: ['counts', ...settingAside] },
    ),
  },
  discards: ['no-solver'],
  onSpine: ['testCases'],
  onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
  state: { kind: 'rollout-plan', keyOf: ({ problemId }) => problemId },
  process: {
    testCases(testCases, { config, state, emit: plain, metrics, modelsOf, discard, leaveStream }) {
      const emit = counting(plain, metrics)
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
      const emit = counting(plain, metrics)
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

    // They may come first, as when stored ones are planned anew, and count for nothing where nobody would have asked for them.
    testRuns(runs, { config, state, emit: plain, metrics, leaveStream }) {
      const emit = counting(plain, metrics)
      const plan = state.get(runs.problemId) ?? emptyPlan()
      if (plan.runs !== null || isClosed(plan)) return []
      plan.runs = runs
      for (const { setAside } of addedTo(plan)?.tests ?? [])
        metrics.furtherTestsTotal.inc({ domain: runs.domain, standing: setAside === '' ? 'counts' : setAside })
      const emissions = advance(plan, plan.solvers, config, emit)
      settle(plan, leaveStream)
      state.set(runs.problemId, plan)
      return emissions
    },
  },
})

function tokensOf(calls: readonly ModelCall[]): number {
  return calls.reduce((sum, { promptTokens, completionTokens }) => sum + promptTokens + completionTokens, 0)
}

function emptyPlan(): RolloutPlan {
  return { testCases: null, solvers: [], testsAsked: false, runs: null }
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
  testRequest: (draft: Draft<TestRequest>) => Emission
  outcome: (draft: Draft<Outcome>) => Emission
}

interface Counter<Label extends string> {
  inc(labels: Record<Label, string>, count?: number): void
}

/** The same emissions, with the attempts of outcomes and the requests for tests counted. */
function counting(
  emit: Emits,
  counted: { attemptsTotal: Counter<'domain' | 'level' | 'model' | 'result'>; weakSuitesTotal: Counter<'domain'> },
): Emits {
  return {
    ...emit,
    testRequest: (draft) => {
      counted.weakSuitesTotal.inc({ domain: draft.domain })
      return emit.testRequest(draft)
    },
    outcome: (draft) => {
      const { domain, level, solver: model, attempted, passed, invalid, unverifiable } = draft
      const results = { passed, failed: attempted - passed - invalid, invalid, unverifiable }
      for (const [result, count] of Object.entries(results))
        counted.attemptsTotal.inc({ domain, level, model, result }, count)
      return emit.outcome(draft)
    },
  }
}

type Rule = AttemptRule & { weighTests: boolean; testsForWeakSuites: number }

/** What came of further tests that were asked for. */
interface Added {
  runs: TestRuns
  tests: AddedTest[]
  /** Verdicts of the attempts that passed before and do no longer. */
  refuted: ReadonlySet<string>
}

/** A solver's attempts, with all that is known of each; their verdicts as they count now. */
interface SolverState extends AttemptState {
  verdicts: (AttemptVerdict & { before: VerdictKind })[]
}

/** Whether models wrote the tests: trusted ones are neither set aside nor added to. */
function areWritten({ checks }: TestCases): boolean {
  return !checks.trusted && checks.tests.length > 0
}

/** Whether the problem's tests may be set aside. */
function areWeighed(testCases: TestCases, { weighTests }: Rule): boolean {
  return weighTests && areWritten(testCases)
}

/** Whether further tests may be asked for. */
function mayGrow(testCases: TestCases, { testsForWeakSuites }: Rule): boolean {
  return testsForWeakSuites > 0 && areWritten(testCases)
}

/** Verdicts of attempts that nobody has asked for do not count yet. */
function stateOf(
  testCases: TestCases,
  { requested, verdicts }: SolverPlan,
  rule: Rule,
  added: Added | undefined,
): SolverState {
  const counted = verdicts.filter(({ attempt }) => attempt < requested).sort((a, b) => a.attempt - b.attempt)
  return {
    requested,
    verdicts: counted.map((one) => {
      const verdict = added?.refuted.has(one.verdictId) ? 'failed' : one.verdict
      return { ...one, verdict, before: one.verdict }
    }),
    weighed: areWeighed(testCases, rule),
  }
}

function identityOf({ id, domain, problemId, statement }: TestCases, solver: string) {
  return { parentIds: [id], domain, problemId, solver, statement }
}

/** What came of further tests, where they were asked for. */
function addedTo({ testsAsked, runs }: RolloutPlan): Added | undefined {
  if (!testsAsked || !runs) return undefined
  const tests = weighFurtherTests(runs)
  return { runs, tests, refuted: refutedAttempts(runs, tests) }
}

/**
 * What has become due: requests of the given solvers, the request for further tests, or the outcomes of those that are done. The order in
 * which verdicts come makes no difference, unless the problem is abandoned.
 */
function advance(plan: RolloutPlan, solvers: readonly SolverPlan[], rule: Rule, emit: Emits): Emission[] {
  const { testCases } = plan
  if (!testCases) return []
  const asked = (of: readonly SolverPlan[]): Emission[] => {
    const added = addedTo(plan)
    return of.flatMap((solver) => ask(testCases, solver, rule, added, emit))
  }
  const requests = asked(solvers)
  // A solver that was closed under other settings, or by an earlier release, keeps its outcome: the suite stays as it was for it.
  const isBegun = plan.solvers.some(({ closed }) => closed)
  if (mayGrow(testCases, rule) && !plan.testsAsked && !isBegun) {
    // Whether the tests are weak is asked of the attempts of all solvers together, and once.
    const states = plan.solvers.map((solver) => stateOf(testCases, solver, rule, undefined))
    if (states.some(isOpen)) return requests
    const passed = states.flatMap(({ verdicts }) => verdicts.filter(({ verdict }) => verdict === 'passed'))
    if (behaviours(passed.map(({ probes }) => probes)).length > 1) {
      plan.testsAsked = true
      if (!plan.runs) return [...requests, emit.testRequest(testRequest(testCases, passed, rule))]
      requests.push(...asked(plan.solvers))
    }
  }
  return plan.testsAsked && !plan.runs ? requests : [...requests, ...close(plan, testCases, rule, emit)]
}

function isOpen({ requested, verdicts }: SolverState): boolean {
  return verdicts.length < requested
}

function testRequest(testCases: TestCases, passed: readonly AttemptVerdict[], rule: Rule): Draft<TestRequest> {
  const { id, domain, problemId, statement, checks } = testCases
  const probes = passed.map((one) => one.probes)
  const inputs = probeInputs(checks.tests, probes[0]?.length ?? 0)
  return {
    ...{ parentIds: [id], domain, problemId, statement, checks, count: rule.testsForWeakSuites },
    inputs: disputed(probes)
      .flatMap((probe) => inputs[probe] ?? [])
      .filter(({ length }) => length <= longestDisputedInput)
      .slice(0, rule.testsForWeakSuites),
    verdicts: passed.map(({ verdictId, partition, offset }) => ({ verdictId, partition, offset })),
  }
}

/** The checks that attempts are asked for by from now on: with the tests that were added and count. */
function checksWith({ checks }: TestCases, added: Added | undefined): Checks {
  const standing = added?.runs.tests.filter((_, test) => added.tests[test]?.setAside === '') ?? []
  return standing.length === 0 ? checks : { ...checks, tests: [...checks.tests, ...standing] }
}

/** Asks for the attempts that are due and have no verdict yet. */
function ask(testCases: TestCases, plan: SolverPlan, rule: Rule, added: Added | undefined, emit: Emits): Emission[] {
  const { solver } = plan
  const emissions: Emission[] = []
  while (plan.requested < attemptsDue(stateOf(testCases, plan, rule, added), rule)) {
    const attempt = plan.requested++
    if (plan.verdicts.some((one) => one.attempt === attempt)) continue
    const seed = seedOf('rollout', testCases.problemId, solver, attempt)
    const request = { ...identityOf(testCases, solver), ordinal: `${solver}/${attempt}`, attempt, seed }
    emissions.push(emit.request({ ...request, checks: checksWith(testCases, added) }))
  }
  plan.unverifiable = tally(stateOf(testCases, plan, rule, added).verdicts).unverifiable
  return emissions
}

/**
 * The outcomes of solvers whose attempts are all verified. Where the tests are weighed and nothing has passed, that waits for the attempts
 * of all solvers, or for a pass: the tests are weighed against all of them.
 */
function close(plan: RolloutPlan, testCases: TestCases, rule: Rule, emit: Emits): Emission[] {
  const added = addedTo(plan)
  const states = plan.solvers.map((solver) => ({ solver, state: stateOf(testCases, solver, rule, added) }))
  const all = states.flatMap(({ state }) => state.verdicts.map((one) => ({ ...one, verdict: one.before })))
  const isWeighed = areWeighed(testCases, rule)
  if (isWeighed && states.some(({ state }) => isOpen(state)) && !all.some(({ verdict }) => verdict === 'passed'))
    return []
  const refuted = isWeighed ? refutedTests(all, testCases.checks.tests.length) : []
  return states
    .filter(({ solver, state }) => !solver.closed && !isOpen(state))
    .map(({ solver, state }) => {
      solver.closed = true
      return emit.outcome(outcomeDraft(testCases, solver.solver, state, { refuted, added }, rule))
    })
}

function outcomeDraft(
  testCases: TestCases,
  solver: string,
  state: SolverState,
  { refuted, added }: { refuted: readonly RefutedTest[]; added: Added | undefined },
  rule: Rule,
): Draft<Outcome> {
  const { origin, source, concepts, level, checks } = testCases
  const concluded = state.verdicts.map((one) => ({ ...one, verdict: conclusionAfter(one, refuted) }))
  const ending = refuted[0]?.rule === 'no-test-agrees' ? noTestLeft : endingOf({ ...state, verdicts: concluded }, rule)
  const identity = identityOf(testCases, solver)
  // Later attempts were run on other probes: those of the tests with what was added.
  const first =
    added && added.runs.programs.length > 0 && new Set(added.runs.programs.map(({ verdictId }) => verdictId))
  const passedFirst = state.verdicts.filter(
    ({ before, verdictId }) => before === 'passed' && (!first || first.has(verdictId)),
  )
  return {
    ...{ ...identity, ordinal: solver, origin, source, concepts, level },
    parentIds: [...identity.parentIds, ...(added ? [added.runs.id] : [])],
    ...{ ...ending, ...tally(concluded) },
    tokens: state.verdicts.reduce(
      (sum, { tokens }) => sum + tokens,
      tokensOf(testCases.calls) + tokensOf(added?.runs.calls ?? []),
    ),
    verdicts: concluded.flatMap(({ verdictId, partition, offset, verdict, before, valid }) =>
      verdict === 'unverifiable'
        ? []
        : [{ verdictId, partition, offset, verdict, valid, recomputed: verdict !== before }],
    ),
    behaviours: behaviours(passedFirst.map(({ probes }) => probes)),
    setAside: refuted.map((one) => ({ ...one, kind: checks.tests[one.test]?.kind ?? '' })),
    addedTests: added?.tests ?? [],
  }
}

const noTestLeft = { result: 'abandoned', reason: 'no_test_left', spared: 0 } as const

/** A problem that all solvers are done with leaves the stream; of its plan only what tells repeats stays. */
function settle(plan: RolloutPlan, leaveStream: () => void): void {
  if (!isClosed(plan)) return
  plan.testCases = null
  plan.runs = null
  for (const solver of plan.solvers) solver.verdicts = []
  leaveStream()
}
