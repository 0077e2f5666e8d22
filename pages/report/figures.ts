/** What a report counts, in one pass over each topic: sums and histograms, and the records of a few problems that it may show. */
import { addCounts } from '../../engine/counts.ts'
import { addExpenses, expenseOutcomes, type ExpenseSums } from '../../engine/expenses.ts'
import type { Processor } from '../../engine/processor.ts'
import type {
  Discard,
  Expense,
  LedgerEntry,
  Outcome,
  PreferencePair,
  Problem,
  SftExample,
  TaskCounts,
  TestCases,
  Trace,
  Verdict,
} from '../../schemas/generated.ts'
import { topics } from '../../topics/catalogue.ts'
import { Histogram } from './histogram.ts'
import { Times } from './times.ts'

/** Attempts of some kind, by what became of them. */
export interface Attempts {
  passed: number
  failed: number
  unverifiable: number
}

/** Problems of one domain and level with an outcome, and what it came to. */
export interface LevelFigures {
  domain: string
  level: string
  outcomes: number
  kept: number
  tooEasy: number
  unsolved: number
  abandoned: number
  attempted: number
  passed: number
  pairs: number
  tokens: number
}

/** A concept, by the problems that were made from it. */
interface ConceptFigures {
  problems: number
  kept: number
  pairs: number
}

/** Spending by one of the names of a line. */
export interface Spending extends ExpenseSums {
  name: string
  /** By currency. */
  money: Record<string, number>
  /** Calls that brought nothing. */
  wasted: number
}

/** Problems in a stretch of the corpus, in the order in which they were made. */
interface Stretch {
  problems: number
  duplicates: number
  overlaps: number
}

/** The rules by which a problem is one that was there before, or one of a benchmark. */
const duplicateRules: ReadonlySet<string> = new Set(['duplicate', 'near-duplicate'])
const overlapRules: ReadonlySet<string> = new Set(['benchmark-overlap'])
const stretches = 20
const passRateBins = 9

/** Everything that a report says about a corpus. */
export class Figures {
  problems = { synthetic: 0, human: 0, simulated: 0 }
  readonly domains = new Map<string, number>()
  readonly reasons = new Map<string, { count: number; evidence: string; left: boolean }>()
  readonly levels = new Map<string, LevelFigures>()
  readonly concepts = new Map<string, ConceptFigures>()
  readonly verdicts = new Map<string, Attempts>()
  readonly verdictReasons = new Map<string, number>()
  /** By solver: outcomes in each ninth of the pass rate, none and all apart. */
  readonly passRates = new Map<string, number[]>()
  readonly lengths = {
    statement: new Histogram('characters'),
    rationale: new Histogram('characters'),
    passed: new Histogram('tokens'),
    failed: new Histogram('tokens'),
    chosen: new Histogram('characters'),
    rejected: new Histogram('characters'),
    trace: new Histogram('tokens'),
  }
  readonly made = { problems: new Times(), verdicts: new Times(), pairs: new Times() }
  firstAtMs = Infinity
  lastAtMs = -Infinity
  checks = { voted: 0, written: 0, trusted: 0, tests: 0 }
  setAside = { tests: 0, outcomes: 0, weak: 0, outcomesWithBehaviours: 0, mended: 0 }
  pairs = 0
  keptProblems = new Set<string>()
  examples = 0
  traces = 0
  retractions = 0
  unreadable = 0
  deadLetters = 0
  counts: TaskCounts = addCounts([])
  readonly byProcessor = new Map<string, TaskCounts>()
  readonly expenses: Expense[] = []
  /** Numbers of the problems that were left out as duplicates or overlaps, in the order of the problems' topic. */
  #order = new Map<string, number>()
  readonly #left: { number: number; rule: 'duplicates' | 'overlaps' }[] = []

  addProblem(problem: Problem): void {
    this.problems[problem.origin]++
    if (problem.simulated) this.problems.simulated++
    increase(this.domains, problem.domain)
    this.#order.set(problem.id, this.#order.size)
    this.lengths.statement.add(problem.statement.length)
    if (problem.rationale !== null) this.lengths.rationale.add(problem.rationale.length)
    for (const concept of problem.concepts) this.#concept(problem.domain, concept).problems++
    this.#at(this.made.problems, problem.createdAtMs)
  }

  addDiscard({ processor, reason, evidence, leftStream, recordId }: Discard): void {
    const key = `${processor}: ${reason}`
    const known = this.reasons.get(key)
    if (known) known.count++
    else this.reasons.set(key, { count: 1, evidence, left: leftStream })
    const rule = duplicateRules.has(reason) ? 'duplicates' : overlapRules.has(reason) ? 'overlaps' : undefined
    const number = this.#order.get(recordId)
    if (rule && number !== undefined) this.#left.push({ number, rule })
  }

  addTestCases({ checks, votes }: TestCases): void {
    this.checks[checks.trusted ? 'trusted' : votes ? 'voted' : 'written']++
    this.checks.tests += checks.tests.length
  }

  addVerdict(verdict: Verdict): void {
    const attempts = this.verdicts.get(verdict.domain) ?? { passed: 0, failed: 0, unverifiable: 0 }
    this.verdicts.set(verdict.domain, attempts)
    attempts[verdict.verdict]++
    increase(this.verdictReasons, `${verdict.domain}\n${verdict.verdict}\n${verdict.reason}`)
    const tokens = verdict.calls.reduce((sum, { completionTokens }) => sum + completionTokens, 0)
    if (tokens > 0 && verdict.verdict !== 'unverifiable') this.lengths[verdict.verdict].add(tokens)
    this.#at(this.made.verdicts, verdict.createdAtMs)
  }

  addOutcome(outcome: Outcome): void {
    const { domain, level, result, attempted, passed, tokens, solver, concepts, problemId, setAside, behaviours } =
      outcome
    const figures = this.#level(domain, level)
    figures.outcomes++
    figures[({ kept: 'kept', too_easy: 'tooEasy', unsolved: 'unsolved', abandoned: 'abandoned' } as const)[result]]++
    figures.attempted += attempted
    figures.passed += passed
    figures.tokens += tokens
    if (result === 'kept') {
      if (!this.keptProblems.has(problemId)) for (const concept of concepts) this.#concept(domain, concept).kept++
      this.keptProblems.add(problemId)
    }
    if (attempted > 0 && result !== 'abandoned') {
      const bins = this.passRates.get(solver) ?? Array.from({ length: passRateBins }, () => 0)
      this.passRates.set(solver, bins)
      const bin = passRateBin(passed / attempted)
      bins[bin] = (bins[bin] ?? 0) + 1
    }
    this.setAside.tests += setAside.length
    if (setAside.length > 0) this.setAside.outcomes++
    if (behaviours.length > 0) this.setAside.outcomesWithBehaviours++
    if (behaviours.length > 1) this.setAside.weak++
    if (outcome.addedTests.some((one) => one.setAside === '')) this.setAside.mended++
  }

  addPair({ domain, level, concepts, chosen, rejected, createdAtMs }: PreferencePair): void {
    this.pairs++
    this.#level(domain, level).pairs++
    for (const concept of concepts) this.#concept(domain, concept).pairs++
    this.lengths.chosen.add(chosen.length)
    this.lengths.rejected.add(rejected.length)
    this.#at(this.made.pairs, createdAtMs)
  }

  addTrace(_trace: Trace): void {
    this.traces++
  }

  addExample({ tokens }: SftExample): void {
    this.examples++
    this.lengths.trace.add(tokens)
  }

  /** The last entry of every task. */
  addLedger(entries: readonly LedgerEntry[]): void {
    this.counts = addCounts(entries.map(({ counts }) => counts))
    for (const name of new Set(entries.map(({ processor }) => processor)))
      this.byProcessor.set(
        name,
        addCounts(entries.filter(({ processor }) => processor === name).map(({ counts }) => counts)),
      )
  }

  /** What was spent, most tokens first. */
  spendingBy(of: 'role' | 'model' | 'endpoint' | 'outcome'): Spending[] {
    const names = [...new Set(this.expenses.map((line) => line[of]))]
    const list = names.map((name) =>
      spendingOf(
        name,
        this.expenses.filter((line) => line[of] === name),
      ),
    )
    const order: readonly string[] = expenseOutcomes
    return of === 'outcome'
      ? list.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
      : list.sort((a, b) => tokensOf(b) - tokensOf(a) || compare(a.name, b.name))
  }

  get spending(): Spending {
    return spendingOf('all', this.expenses)
  }

  /** The corpus in stretches of as many problems each, in their order: how many were there before. */
  get stretches(): Stretch[] {
    const size = this.#order.size
    const count = Math.min(stretches, size)
    const list = Array.from({ length: count }, () => ({ problems: 0, duplicates: 0, overlaps: 0 }))
    const stretchOf = (number: number): Stretch | undefined => list[Math.floor((number * count) / size)]
    for (let number = 0; number < size; number++) {
      const stretch = stretchOf(number)
      if (stretch) stretch.problems++
    }
    for (const { number, rule } of this.#left) {
      const stretch = stretchOf(number)
      if (stretch) stretch[rule]++
    }
    return list
  }

  /** Discards by rule of one processor, most first. */
  discardsOf(processor: string): { rule: string; count: number; evidence: string; left: boolean }[] {
    return [...this.reasons]
      .filter(([key]) => key.startsWith(`${processor}: `))
      .map(([key, found]) => ({ rule: key.slice(processor.length + 2), ...found }))
      .sort((a, b) => b.count - a.count || compare(a.rule, b.rule))
  }

  #level(domain: string, level: string): LevelFigures {
    const key = `${domain}\n${level}`
    const none = {
      outcomes: 0,
      kept: 0,
      tooEasy: 0,
      unsolved: 0,
      abandoned: 0,
      attempted: 0,
      passed: 0,
      pairs: 0,
      tokens: 0,
    }
    const figures = this.levels.get(key) ?? { domain, level, ...none }
    this.levels.set(key, figures)
    return figures
  }

  #concept(domain: string, concept: string): ConceptFigures {
    const key = `${domain}\n${concept}`
    const figures = this.concepts.get(key) ?? { problems: 0, kept: 0, pairs: 0 }
    this.concepts.set(key, figures)
    return figures
  }

  #at(times: Times, atMs: number): void {
    times.add(atMs)
    this.firstAtMs = Math.min(this.firstAtMs, atMs)
    this.lastAtMs = Math.max(this.lastAtMs, atMs)
  }
}

/** Processors in the order of the stream that units of work pass through. */
export function spineOf(processors: readonly Processor[]): Processor[] {
  return processors.filter(({ onSpine }) => onSpine.length > 0)
}

/** Topics that units of work lie in on their way, in the order of the stream. */
export function spineTopicsOf(processors: readonly Processor[]): string[] {
  return [
    ...new Set(spineOf(processors).flatMap(({ inputs, onSpine }) => onSpine.map((name) => inputs[name]?.name ?? ''))),
    topics.outcomes.name,
  ]
}

/** The bin of a pass rate: 0 and 1 are bins of their own. */
function passRateBin(rate: number): number {
  if (rate === 0) return 0
  return rate === 1 ? passRateBins - 1 : 1 + Math.min(passRateBins - 3, Math.floor(rate * (passRateBins - 2)))
}

/** What the bins of pass rates are called. */
export const passRateLabels: readonly string[] = Array.from({ length: passRateBins }, (_, bin) => {
  const inner = passRateBins - 2
  if (bin === 0) return 'none passed'
  if (bin === passRateBins - 1) return 'all passed'
  const to = `${Math.round((100 * bin) / inner)} %`
  return bin === 1 ? `less than ${to}` : `${Math.round((100 * (bin - 1)) / inner)} to ${to}`
})

function spendingOf(name: string, lines: readonly Expense[]): Spending {
  const money: Record<string, number> = {}
  for (const { currency, cost } of lines) if (currency !== '') money[currency] = (money[currency] ?? 0) + cost
  const wasted = lines.filter(({ outcome }) => outcome === 'wasted').reduce((sum, { calls }) => sum + calls, 0)
  return { name, ...addExpenses(lines), money, wasted }
}

/** Prompts and completions. */
export function tokensOf({ promptTokens, completionTokens }: ExpenseSums): number {
  return promptTokens + completionTokens
}

/** By code units: the same order everywhere. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function increase<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
