/**
 * The capacity model (docs/capacity.md): what so many GPUs make in a day, and what has to stand around them. The rules of the method are not
 * written down a second time: attempts and votes are drawn by the same functions that the processors call.
 */
import { attemptsDue, endingOf, type AttemptRule } from '../curation/adaptive-rollouts.ts'
import { randomFrom } from '../curation/sampling.ts'
import { answersDue, standingOf, type VoteRule } from '../curation/votes.ts'
import { testKinds } from '../curation/written-tests.ts'
import type { AttemptVerdict, OutcomeResult } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'

/** A chance that differs from problem to problem: none at all for a share of them, else drawn from a beta distribution. */
export interface Chance {
  /** Share of problems at which it is 0. */
  never: number
  /** Mean of the others. */
  mean: number
  /** The sum of both parameters: the larger, the more alike the problems are. */
  concentration: number
}

/** Mean tokens of one call. */
export interface CallTokens {
  prompt: number
  completion: number
}

/** What is known of one solver's attempts at the problems of a domain. */
export interface SolverFigures {
  /** Of passing, as the outcome counts it where tests may be set aside. */
  weighed: Chance
  /** Of passing the checks as they are. */
  plain: Chance
  /** Share of failed attempts that make no rejected text: cut off, empty. */
  invalidFailures: number
  passed: CallTokens
  failed: CallTokens
}

/** What is known of a domain. Every share is of what comes into that stage. */
export interface DomainFigures {
  name: string
  /** Of the combinations that are drawn. */
  share: number
  checkedBy: 'answer' | 'tests'
  /** Combinations that become a problem. */
  written: number
  screened: number
  accepted: number
  /** Problems with enough tests; or those with a decided vote whose answer is taken. */
  checked: number
  /** Of a vote for the answer that most votes are for; where answers are voted on. */
  agreement: Chance
  /** Of the votes for others, those for the second answer. */
  secondAnswer: number
  /** Share of votes that name no answer. */
  voteless: number
  solvers: Readonly<Record<string, SolverFigures>>
  /** Pairs for each that the counts of a kept problem allow. */
  pairsMade: number
  /** SFT rows for each trace. */
  rowsOfTraces: number
  tokens: Readonly<Record<CallRole, CallTokens>>
  /** Seconds of one core for one verdict. */
  verdictCoreSeconds: number
  /** Stored bytes of one record, by topic. */
  bytes: Readonly<Record<string, number>>
}

export const callRoles = ['problem-writer', 'judge', 'test-writer', 'voter', 'teacher'] as const
type CallRole = (typeof callRoles)[number]

/** The settings in force that the model knows of. */
export interface CapacityRules {
  attempts: AttemptRule & { weighTests: boolean }
  votes: VoteRule & { stopWhenDecided: boolean }
  maxPairsPerProblem: number
  /** Calls of the problem writer for one problem. */
  writerCalls: number
  /** Seconds that transient records are kept. */
  retentionSeconds: number
}

/** What a plan is made from. */
export interface CapacityInputs {
  gpus: number
  /** Written tokens a second of one GPU under full load, prompts being read as they come. */
  tokensPerSecond: number
  /** Written tokens a second of one call under that load. */
  callTokensPerSecond: number
  /** Share of that load which the endpoints are kept at. */
  utilisation: number
  judges: number
  teachers: number
  domains: readonly DomainFigures[]
  rules: CapacityRules
  /** Bytes on the disk for each stored byte: pages, indexes, free space. */
  diskFactor: number
}

/** What comes of one combination of concepts, on average. */
export interface Yield {
  problems: number
  screened: number
  accepted: number
  checked: number
  verdicts: number
  outcomes: Readonly<Record<OutcomeResult, number>>
  pairs: number
  sftRows: number
  discards: number
  /** By role; `solver` as one. */
  calls: Readonly<Record<string, number>>
  promptTokens: Readonly<Record<string, number>>
  completionTokens: Readonly<Record<string, number>>
  verifierCoreSeconds: number
}

/** For each domain and solver. */
export const problemsDrawn = 6000

/** Attempts at one problem with the given chance of passing, drawn as plan-rollouts asks for them. */
function drawAttempts(
  chance: number,
  { rules, weighed, invalidFailures }: { rules: CapacityRules; weighed: boolean; invalidFailures: number },
  random: () => number,
): { passed: number; failed: number; usable: number; result: OutcomeResult } {
  const verdicts: Pick<AttemptVerdict, 'verdict' | 'valid' | 'again'>[] = []
  const state = { requested: 0, verdicts, weighed }
  for (;;) {
    const due = attemptsDue(state, rules.attempts)
    if (due <= state.requested) break
    state.requested = due
    while (verdicts.length < due) {
      const isPassed = random() < chance
      const valid = isPassed || random() >= invalidFailures
      verdicts.push({ verdict: isPassed ? 'passed' : 'failed', valid, again: false })
    }
  }
  const passed = verdicts.filter(({ verdict }) => verdict === 'passed').length
  const usable = verdicts.filter(({ verdict, valid }) => verdict === 'failed' && valid).length
  return { passed, failed: verdicts.length - passed, usable, result: endingOf(state, rules.attempts).result }
}

/** Votes on one problem, drawn as vote-answer asks for them. */
function drawVotes(
  agreement: number,
  { secondAnswer, voteless }: Pick<DomainFigures, 'secondAnswer' | 'voteless'>,
  { votes: rule }: CapacityRules,
  random: () => number,
): { asked: number; isWon: boolean } {
  const classes = [0, 0]
  let asked = 0
  for (;;) {
    const votes = classes.filter((count) => count > 0).sort((a, b) => b - a)
    const standing = standingOf(votes, rule.generations - asked, rule)
    if (standing !== 'open') return { asked, isWon: standing === 'won' }
    const left = rule.generations - asked
    const due = rule.stopWhenDecided ? answersDue(votes, left, rule) : left
    asked += due
    for (let vote = 0; vote < due; vote++) {
      if (random() < voteless) continue
      if (random() < agreement) classes[0] = (classes[0] ?? 0) + 1
      else if (random() < secondAnswer) classes[1] = (classes[1] ?? 0) + 1
      else classes.push(1)
    }
  }
}

/** A value of the beta distribution, by two values of the gamma distribution. */
function drawChance({ never, mean, concentration }: Chance, random: () => number): number {
  if (random() < never) return 0
  const [a, b] = [drawGamma(mean * concentration, random), drawGamma((1 - mean) * concentration, random)]
  return a + b === 0 ? mean : a / (a + b)
}

/** Marsaglia and Tsang's method. */
function drawGamma(shape: number, random: () => number): number {
  if (shape <= 0) return 0
  if (shape < 1) return drawGamma(shape + 1, random) * Math.max(1e-300, random()) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - random()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v
  }
}

/** What comes of one combination. The same inputs give the same numbers. */
export function yieldOf(inputs: CapacityInputs): Yield {
  const { domains, rules, judges, teachers } = inputs
  const random = randomFrom(20_260_101)
  const calls: Record<string, number> = {}
  const promptTokens: Record<string, number> = {}
  const completionTokens: Record<string, number> = {}
  const outcomes: Record<OutcomeResult, number> = { kept: 0, too_easy: 0, unsolved: 0, abandoned: 0 }
  const sums = {
    problems: 0,
    screened: 0,
    accepted: 0,
    checked: 0,
    verdicts: 0,
    pairs: 0,
    sftRows: 0,
    discards: 0,
    verifierCoreSeconds: 0,
  }
  const shares = domains.reduce((sum, { share }) => sum + share, 0)
  const addCalls = (role: string, count: number, { prompt, completion }: CallTokens): void => {
    calls[role] = (calls[role] ?? 0) + count
    promptTokens[role] = (promptTokens[role] ?? 0) + count * prompt
    completionTokens[role] = (completionTokens[role] ?? 0) + count * completion
  }
  for (const domain of domains) {
    const drawn = domain.share / shares
    const problems = drawn * domain.written
    const screened = problems * domain.screened
    const accepted = screened * domain.accepted
    addCalls('problem-writer', drawn * rules.writerCalls, domain.tokens['problem-writer'])
    if (judges > 0) addCalls('judge', screened * judges, domain.tokens.judge)
    let checked = accepted * domain.checked
    if (domain.checkedBy === 'tests') addCalls('test-writer', accepted * testKinds.length, domain.tokens['test-writer'])
    else {
      const votes = Array.from({ length: problemsDrawn }, () => drawVotes(drawChance(domain.agreement, random), domain, rules, random)) // prettier-ignore
      const asked = votes.reduce((sum, vote) => sum + vote.asked, 0) / problemsDrawn
      addCalls('voter', accepted * asked, domain.tokens.voter)
      checked = (checked * votes.filter(({ isWon }) => isWon).length) / problemsDrawn
    }
    const traces = accepted * teachers
    if (traces > 0) addCalls('teacher', traces, domain.tokens.teacher)
    sums.sftRows += traces * domain.rowsOfTraces
    sums.discards += traces * (1 - domain.rowsOfTraces)
    sums.problems += problems
    sums.screened += screened
    sums.accepted += accepted
    sums.checked += checked
    sums.discards += drawn - checked
    for (const solver of Object.values(domain.solvers)) {
      const weighed = domain.checkedBy === 'tests' && rules.attempts.weighTests
      const { invalidFailures } = solver
      for (let problem = 0; problem < problemsDrawn; problem++) {
        const chance = drawChance(weighed ? solver.weighed : solver.plain, random)
        const { passed, failed, usable, result } = drawAttempts(chance, { rules, weighed, invalidFailures }, random)
        const share = checked / problemsDrawn
        outcomes[result] += share
        addCalls('solver', share * passed, solver.passed)
        addCalls('solver', share * failed, solver.failed)
        sums.verdicts += share * (passed + failed)
        sums.verifierCoreSeconds += share * (passed + failed) * domain.verdictCoreSeconds
        if (result === 'kept')
          sums.pairs += share * Math.min(passed, usable, rules.maxPairsPerProblem) * domain.pairsMade
        else sums.discards += share
      }
    }
  }
  return { ...sums, outcomes, calls, promptTokens, completionTokens }
}

/** What a day brings, and what it takes. Sizes in bytes. */
export interface Capacity {
  yield: Yield
  /** Combinations that are drawn in a day. */
  combinations: number
  problems: number
  checked: number
  verdicts: number
  pairs: number
  sftRows: number
  calls: number
  callsInFlight: number
  /** By role. */
  callsInFlightOf: Readonly<Record<string, number>>
  promptTokens: number
  completionTokens: number
  /** Cores that verify all the time. */
  verifierCores: number
  /** Stored in a day and kept for ever, on one disk. */
  keptBytes: number
  /** Of transient records, at any time. */
  transientBytes: number
  /** Records committed in a second, of all topics. */
  recordsPerSecond: number
  bytesPerSecond: number
}

const daySeconds = 86_400

/** Records of each topic that come of one combination of a domain, on average. */
export function recordsOf(domain: DomainFigures, inputs: CapacityInputs): Record<string, number> {
  const one = yieldOf({ ...inputs, domains: [domain] })
  const { checkedBy } = domain
  const written = one.problems
  const requests = one.verdicts
  const outcomes = sumOf(one.outcomes)
  return {
    [topics.concepts.name]: 1,
    [topics.rationales.name]: written,
    [topics.problems.name]: written,
    [topics.screenedProblems.name]: one.screened,
    [topics.acceptedProblems.name]: one.accepted,
    [topics.votedProblems.name]: checkedBy === 'answer' ? one.checked : 0,
    [topics.testCases.name]: one.checked,
    [topics.rolloutRequests.name]: requests,
    [topics.rollouts.name]: requests,
    [topics.verdicts.name]: requests,
    [topics.outcomes.name]: outcomes,
    [topics.conceptYields.name]: outcomes + (1 - one.checked),
    [topics.preferencePairs.name]: one.pairs,
    [topics.traceRequests.name]: one.calls['teacher'] ?? 0,
    [topics.traces.name]: one.calls['teacher'] ?? 0,
    [topics.sftExamples.name]: one.sftRows,
    [topics.discards.name]: one.discards,
  }
}

const sumOf = (values: Readonly<Record<string, number>>): number =>
  Object.values(values).reduce((sum, value) => sum + value, 0)

/** The plan of a day. */
export function capacityOf(inputs: CapacityInputs): Capacity {
  const { gpus, tokensPerSecond, callTokensPerSecond, utilisation, rules, diskFactor } = inputs
  const one = yieldOf(inputs)
  const written = gpus * tokensPerSecond * utilisation
  const combinationsPerSecond = written / sumOf(one.completionTokens)
  const combinations = combinationsPerSecond * daySeconds
  const stored = storedOf(inputs)
  const callsInFlightOf = Object.fromEntries(
    Object.entries(one.completionTokens).map(([role, tokens]) => [
      role,
      (combinationsPerSecond * tokens) / callTokensPerSecond,
    ]),
  )
  return {
    yield: one,
    combinations,
    problems: combinations * one.problems,
    checked: combinations * one.checked,
    verdicts: combinations * one.verdicts,
    pairs: combinations * one.pairs,
    sftRows: combinations * one.sftRows,
    calls: combinations * sumOf(one.calls),
    callsInFlight: sumOf(callsInFlightOf),
    callsInFlightOf,
    promptTokens: combinations * sumOf(one.promptTokens),
    completionTokens: combinations * sumOf(one.completionTokens),
    verifierCores: combinationsPerSecond * one.verifierCoreSeconds,
    keptBytes: combinations * stored.keptBytes * diskFactor,
    transientBytes: combinationsPerSecond * stored.transientBytes * rules.retentionSeconds * diskFactor,
    recordsPerSecond: combinationsPerSecond * stored.records,
    bytesPerSecond: combinationsPerSecond * (stored.keptBytes + stored.transientBytes),
  }
}

const transientTopics: ReadonlySet<string> = new Set(
  Object.values(topics).flatMap(({ name, retention }) => (retention === 'transient' ? [name] : [])),
)

/** What is stored of one combination, on average: records of a domain have sizes of their own. */
function storedOf(inputs: CapacityInputs): { records: number; keptBytes: number; transientBytes: number } {
  const sums = { records: 0, keptBytes: 0, transientBytes: 0 }
  const shares = inputs.domains.reduce((sum, { share }) => sum + share, 0)
  for (const domain of inputs.domains) {
    for (const [topic, count] of Object.entries(recordsOf(domain, inputs))) {
      const drawn = (count * domain.share) / shares
      sums.records += drawn
      sums[transientTopics.has(topic) ? 'transientBytes' : 'keptBytes'] += drawn * (domain.bytes[topic] ?? 0)
    }
  }
  return sums
}

/** What was counted of one problem: how often it went one way, and how often the other. */
export interface Tally {
  hits: number
  misses: number
}

/**
 * The chance by which problems were counted so, most likely. When counting stopped may depend on what was counted: that makes no difference
 * to a likelihood.
 */
export function chanceOf(tallies: readonly Tally[]): Chance {
  const kinds = new Map<string, Tally & { count: number }>()
  for (const { hits, misses } of tallies) {
    const key = `${hits}/${misses}`
    kinds.set(key, { hits, misses, count: (kinds.get(key)?.count ?? 0) + 1 })
  }
  if (kinds.size === 0) return { never: 0, mean: 0.5, concentration: 2 }
  const likelihood = (chance: Chance): number => {
    let sum = 0
    for (const { hits, misses, count } of kinds.values()) sum += count * Math.log(probabilityOf(hits, misses, chance))
    return sum
  }
  let best: Chance = { never: 0, mean: 0.5, concentration: 2 }
  let most = -Infinity
  // A grid, then finer ones round its best point.
  for (let width = 1; width > 0.01; width /= 3) {
    const centre = best
    for (let i = -6; i <= 6; i++)
      for (let j = -6; j <= 6; j++)
        for (let k = -4; k <= 4; k++) {
          const chance = {
            never: Math.min(0.98, Math.max(0, centre.never + (width * i) / 12)),
            mean: Math.min(0.995, Math.max(0.005, centre.mean + (width * j) / 12)),
            concentration: Math.min(500, Math.max(0.05, centre.concentration * 6 ** ((width * k) / 2))),
          }
          const value = likelihood(chance)
          if (value > most) [best, most] = [chance, value]
        }
  }
  return best
}

function probabilityOf(hits: number, misses: number, { never, mean, concentration }: Chance): number {
  const [a, b] = [mean * concentration, (1 - mean) * concentration]
  let product = 1
  for (let i = 0; i < hits; i++) product *= (a + i) / (a + b + i)
  for (let j = 0; j < misses; j++) product *= (b + j) / (a + b + hits + j)
  return Math.max(1e-300, (hits === 0 ? never : 0) + (1 - never) * product)
}
