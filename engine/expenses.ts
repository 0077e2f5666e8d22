/**
 * What a task spends on models, by role, model, endpoint and outcome: lines that only grow or, where an unfinished record ends, pass from
 * one outcome to another. They are committed with the results that were paid for, so a line never tells of a call that is lost.
 */
import type { Expense } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'
import type { Cost, Role, TokenUsage } from './ports.ts'

/**
 * `kept`: the record was passed on; `discarded`: a rule of the processor discarded it; `unfinished`: the answer is kept for a record that is
 * not finished; `wasted`: no usable answer came, or the record became a dead letter.
 */
export const expenseOutcomes = ['kept', 'discarded', 'unfinished', 'wasted'] as const
export type ExpenseOutcome = (typeof expenseOutcomes)[number]

/** A call that cost something. */
export interface PaidCall {
  role: Role
  model: string
  endpoint: string
  usage: TokenUsage
  latencySeconds: number
  estimated?: boolean
  cost?: Cost
}

const sums = [
  'calls',
  'estimatedCalls',
  'promptTokens',
  'cachedTokens',
  'completionTokens',
  'reasoningTokens',
  'callSeconds',
  'cost',
] as const satisfies (keyof Expense)[]
/** The numbers of a line. */
export type ExpenseSums = Pick<Expense, (typeof sums)[number]>

type LineName = Omit<Expense, keyof ExpenseSums | 'sequence' | 'committedAtMs'>

const statePrefix = 'm:'

/** The lines of one task. */
export class ExpenseLines {
  readonly #processor: string
  readonly #task: number
  /** As of the last commit, by key in the state; undefined where there is none yet. */
  readonly #committed = new Map<string, Expense | undefined>()
  readonly #wanted = new Set<string>()

  constructor(processor: string, task: number) {
    this.#processor = processor
    this.#task = task
  }

  /** To be told of each call before a commit counts it. */
  expect(call: PaidCall): void {
    for (const outcome of expenseOutcomes) {
      const key = keyOf(this.#nameOf(outcome, call))
      if (!this.#committed.has(key)) this.#wanted.add(key)
    }
  }

  /** Keys of the state that have to be read before the next commit. */
  get wanted(): ReadonlySet<string> {
    return this.#wanted
  }

  /** What the state holds under a wanted key. */
  supply(key: string, line: Expense | undefined): void {
    this.#wanted.delete(key)
    this.#committed.set(key, line)
  }

  /** The changes of one commit. */
  begin(): ExpenseChanges {
    return new ExpenseChanges((outcome, call) => {
      const name = this.#nameOf(outcome, call)
      const key = keyOf(name)
      return { key, line: { ...(this.#committed.get(key) ?? { ...name, ...nothing() }) } }
    })
  }

  /** The commit took effect. */
  committed(changes: ExpenseChanges): void {
    for (const [key, line] of changes.lines) this.#committed.set(key, line)
  }

  #nameOf(outcome: ExpenseOutcome, { role, model, endpoint, cost }: PaidCall): LineName {
    const currency = cost?.currency ?? ''
    return { processor: this.#processor, task: this.#task, role, model, endpoint, outcome, currency }
  }
}

/** Made for each call: the numbers, which are no part of a key, are left out. */
function keyOf(name: LineName): string {
  return statePrefix + topics.expenses.keyOf(name as Expense)
}

/** Lines as a commit leaves them. */
export class ExpenseChanges {
  readonly lines = new Map<string, Expense>()
  readonly #take: (outcome: ExpenseOutcome, call: PaidCall) => { key: string; line: Expense }

  constructor(take: (outcome: ExpenseOutcome, call: PaidCall) => { key: string; line: Expense }) {
    this.#take = take
  }

  add(outcome: ExpenseOutcome, call: PaidCall): void {
    this.#change(outcome, call, 1)
  }

  /** Takes back what was added for the same call. */
  remove(outcome: ExpenseOutcome, call: PaidCall): void {
    this.#change(outcome, call, -1)
  }

  #change(outcome: ExpenseOutcome, call: PaidCall, sign: 1 | -1): void {
    const { key, line: before } = this.#take(outcome, call)
    const line = this.lines.get(key) ?? before
    this.lines.set(key, line)
    const { usage } = call
    line.calls += sign
    if (call.estimated === true) line.estimatedCalls += sign
    line.promptTokens += sign * usage.prompt
    line.cachedTokens += sign * usage.cached
    line.completionTokens += sign * usage.completion
    line.reasoningTokens += sign * usage.reasoning
    line.callSeconds += sign * call.latencySeconds
    line.cost += sign * (call.cost?.amount ?? 0)
    // What was rounded on the way must not stay.
    if (line.calls === 0) Object.assign(line, zeros())
  }
}

function zeros(): ExpenseSums {
  return Object.fromEntries(sums.map((name) => [name, 0])) as unknown as ExpenseSums
}

function nothing(): ExpenseSums & Pick<Expense, 'sequence' | 'committedAtMs'> {
  return { ...zeros(), sequence: 0, committedAtMs: 0 }
}

/** The sums of lines together. */
export function addExpenses(lines: Iterable<ExpenseSums>): ExpenseSums {
  const total = zeros()
  for (const line of lines) for (const name of sums) total[name] += line[name]
  return total
}
