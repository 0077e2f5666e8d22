/**
 * A hard limit on what a corpus may cost, kept by all of its processes without a coordinator. Each takes shares of the budget, as claims in a
 * topic that all read in the same order, and sends calls only while its share has room; so together they spend at most the budget and
 * what was in flight when it ended. What a process gives back when it ends is free again; what one that dies had taken counts as spent.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { BudgetClaim, LedgerEntry, Expense } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'
import { RecordCodec } from '../topics/codec.ts'
import { LogError, type Log } from '../topics/log.ts'
import { onAbort } from '../topics/signals.ts'
import { table, type Table } from './processor.ts'
import type { PaidCall } from './expenses.ts'
import { TableReader } from './tables.ts'

/** A budget: so many tokens (prompt and completion), preference pairs, or so much of a currency. */
export interface BudgetLimit {
  amount: number
  /** `tokens`, `pairs`, or three capital letters. */
  unit: string
}

/** A budget as it stands. */
export interface BudgetStatus extends BudgetLimit {
  /** Committed by all processes, wasted calls included. */
  spent: number
  /** Taken by processes and not spent, as far as it is known; what dead ones had taken too. */
  reserved: number
  /** Nothing is left for a call, and none is under way. */
  isSpent: boolean
  /** So it is, and calls wait. */
  isUsedUp: boolean
}

/** What the engine asks of a budget. */
export interface CallBudget {
  /** Undefined: the call may go out, and counts as under way until `leave`. Else resolves when it may be asked again; rejects with the reason of a signal that is aborted first. */
  enter(requestId: string, signals: readonly AbortSignal[]): Promise<void> | undefined
  /** The call is over. */
  leave(requestId: string): void
  /** A call has cost something. */
  spend(call: PaidCall): void
  /** Why calls wait, in one line. */
  readonly why: string
  /** How much new work to begin: 1 as ever, less as the end of the budget nears, 0 none. */
  readonly share: number
}

export interface BudgetOptions {
  log: Log
  limit: BudgetLimit
  /** From this share of the limit on, less and less new work is begun; 0 to 1. */
  softShare: number
  /** Of this process, as nobody else has it. */
  processId: string
  /** Hears why the budget can't be followed any more. */
  onFailure: (error: unknown) => void
}

/** A claim asks for this share of the limit, or for what the next calls will cost where that is more. */
const CLAIM_SHARE = 1 / 200
/** Calls that a claim is to be enough for, beside those under way. */
const CLAIM_CALLS = 8
/** Or for so long as it is spent now, up to this share of the limit: a claim takes a moment. */
const CLAIM_SECONDS = 5
const LARGEST_CLAIM_SHARE = 1 / 20
/** What adding up prices leaves of a limit is nothing. */
const ROUNDING = 1e-9
const RETRY_MILLISECONDS = 1000

/**
 * Claims of one unit in the order in which they lie in the topic: each gets what is left of its limit. The same for all that read them.
 */
export class Grants {
  readonly #unit: string
  readonly #granted = new Map<string, number>()
  #total = 0

  constructor(unit: string) {
    this.#unit = unit
  }

  add({ id, unit, limit, amount, spentBefore }: BudgetClaim): void {
    if (unit !== this.#unit || this.#granted.has(id)) return
    // Calls that no claim stands for, such as those of a run without a budget, count too.
    this.#total = Math.max(this.#total, spentBefore)
    const granted = amount < 0 ? Math.max(amount, -this.#total) : Math.max(0, Math.min(amount, limit - this.#total))
    this.#total += granted
    this.#granted.set(id, granted)
  }

  /** Of this claim; undefined until it was read. */
  of(id: string): number | undefined {
    return this.#granted.get(id)
  }

  /** Granted and not given back. */
  get total(): number {
    return this.#total
  }
}

/** The budget of a corpus, as one process keeps it. */
export class Budget implements CallBudget {
  readonly #log: Log
  readonly #codec: RecordCodec
  readonly #limit: BudgetLimit
  readonly #softShare: number
  readonly #processId: string
  readonly #onFailure: BudgetOptions['onFailure']
  readonly #reader: TableReader
  readonly #grants: Grants
  readonly #lines = new Map<string, number>()
  #committed = 0
  /** Of the shares that this process has taken. */
  #left = 0
  readonly #underWay = new Set<string>()
  #finishedAmount = 0
  #finishedSquares = 0
  readonly #openedAtMs = performance.now()
  #claims = 0
  #claiming: Promise<void> | undefined
  #waiters = new Set<() => void>()
  readonly #closing = new AbortController()

  private constructor({ log, limit, softShare, processId, onFailure }: BudgetOptions) {
    this.#log = log
    this.#codec = new RecordCodec(log.schemas)
    this.#limit = limit
    this.#softShare = softShare
    this.#processId = processId
    this.#onFailure = onFailure
    this.#reader = new TableReader(log, this.#codec)
    this.#grants = new Grants(limit.unit)
  }

  /** Reads what was spent and claimed so far. @throws LogError */
  static async open(options: BudgetOptions): Promise<Budget> {
    const budget = new Budget(options)
    await budget.#codec.prepare(topics.budgetClaims.name, topics.budgetClaims.kind)
    for (const one of budget.#tables()) await budget.#reader.open(one, options.onFailure)
    return budget
  }

  get share(): number {
    const { amount } = this.#limit
    const used = this.#isClaimed ? Math.max(this.#grants.total, this.#committed) : this.#committed
    const soft = amount * this.#softShare
    if (used <= soft) return 1
    return Math.max(0, (amount - used) / (amount - soft))
  }

  get why(): string {
    const { amount, unit } = this.#limit
    if (this.#isClaimed && !this.#isAllClaimed) return 'the next share of the budget is being taken'
    return `the budget of ${amount} ${unit} is used up`
  }

  get status(): BudgetStatus {
    return {
      ...this.#limit,
      spent: this.#committed,
      reserved: this.#isClaimed ? Math.max(0, this.#grants.total - this.#committed) : 0,
      isSpent: this.#isSpent,
      isUsedUp: this.#isSpent && this.#waiters.size > 0,
    }
  }

  enter(requestId: string, signals: readonly AbortSignal[]): Promise<void> | undefined {
    if (this.#underWay.has(requestId)) return undefined
    if (this.#hasRoom) {
      this.#underWay.add(requestId)
      this.#claimAhead()
      return undefined
    }
    for (const signal of signals) if (signal.aborted) return Promise.reject(signal.reason as Error)
    const waiting = new Promise<void>((resolve, reject) => {
      const settle = (): void => {
        this.#waiters.delete(wake)
        stopHearing()
      }
      const wake = (): void => {
        settle()
        resolve()
      }
      const stopHearing = onAbort(signals, (reason) => {
        settle()
        reject(reason)
      })
      this.#waiters.add(wake)
    })
    this.#claimAhead()
    return waiting
  }

  leave(requestId: string): void {
    this.#underWay.delete(requestId)
    this.#wake()
  }

  spend(call: PaidCall): void {
    const amount = this.#amountOf({
      ...{ promptTokens: call.usage.prompt, completionTokens: call.usage.completion },
      ...{ cost: call.cost?.amount ?? 0, currency: call.cost?.currency ?? '' },
    })
    this.#finishedAmount += amount
    this.#finishedSquares += amount ** 2
    this.#left -= amount
    this.#wake()
  }

  /** Gives back what was not spent. Calls are over by then. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#claiming
    const rest = this.#left
    // What went beyond the share shows in the ledger.
    if (this.#isClaimed && rest > 0) await this.#append(-rest).catch(() => undefined)
    await this.#reader.close()
  }

  get #isClaimed(): boolean {
    return this.#limit.unit !== 'pairs'
  }

  get #isAllClaimed(): boolean {
    return this.#grants.total >= this.#limit.amount * (1 - ROUNDING)
  }

  get #hasRoom(): boolean {
    if (!this.#isClaimed) return this.#committed < this.#limit.amount
    return this.#left - this.#underWay.size * this.#expected > ROUNDING * this.#limit.amount
  }

  /**
   * What a call that is under way will have cost, on average over those under way: the long ones are under way longer, so it is the mean of
   * what calls cost weighted by itself.
   */
  get #expected(): number {
    return this.#finishedAmount === 0 ? 0 : this.#finishedSquares / this.#finishedAmount
  }

  get #perSecond(): number {
    return this.#finishedAmount / Math.max(1, (performance.now() - this.#openedAtMs) / 1000)
  }

  get #isSpent(): boolean {
    if (this.#underWay.size > 0 || this.#hasRoom || this.#claiming) return false
    return !this.#isClaimed || this.#isAllClaimed
  }

  #wake(): void {
    this.#claimAhead()
    if (!this.#hasRoom) return
    // Each asks again: the first may take all there is.
    for (const wake of [...this.#waiters]) wake()
  }

  /** Takes the next share before this one ends. */
  #claimAhead(): void {
    if (!this.#isClaimed || this.#claiming || this.#closing.signal.aborted || this.#isAllClaimed) return
    const amount = Math.max(
      this.#limit.amount * CLAIM_SHARE,
      this.#expected * (this.#underWay.size + CLAIM_CALLS),
      Math.min(this.#limit.amount * LARGEST_CLAIM_SHARE, this.#perSecond * CLAIM_SECONDS),
      // What was spent beyond the share is made up for.
      -2 * this.#left,
    )
    if (this.#left - this.#underWay.size * this.#expected > amount / 2) return
    this.#claiming = this.#claim(amount)
      .catch(this.#onFailure)
      .finally(() => {
        this.#claiming = undefined
        this.#wake()
      })
  }

  async #claim(amount: number): Promise<void> {
    const id = await this.#append(amount)
    while (this.#grants.of(id) === undefined) {
      if (this.#closing.signal.aborted) return
      await this.#reader.changed(this.#closing.signal)
    }
    this.#left += this.#grants.of(id) ?? 0
  }

  /** @returns the id of the claim */
  async #append(amount: number): Promise<string> {
    this.#claims += 1
    const id = `${this.#processId}/${this.#claims}`
    const { unit, amount: limit } = this.#limit
    const claim: BudgetClaim = { id, unit, limit, amount, spentBefore: this.#committed, claimedAtMs: Date.now() }
    const value = this.#codec.encode(topics.budgetClaims.name, topics.budgetClaims.kind, claim)
    const record = { topic: topics.budgetClaims.name, partition: 0, key: id, value }
    for (;;) {
      try {
        await this.#log.append([record], `budget/${id}`)
        return id
      } catch (error) {
        // A share that is not given back counts as spent: at the end it is not worth waiting for.
        if (!(error instanceof LogError) || error.code !== 'unreachable' || this.#closing.signal.aborted) throw error
        await sleep(RETRY_MILLISECONDS)
      }
    }
  }

  #tables(): Table[] {
    const spending = table(topics.expenses, {
      create: () => this.#lines,
      add: (_, line) => this.#note(topics.expenses.keyOf(line), this.#amountOf(line)),
    })
    const ledger = table(topics.ledger, {
      create: () => this.#lines,
      add: (_, entry) => this.#note(topics.ledger.keyOf(entry), pairsOf(entry)),
    })
    const claims = table(topics.budgetClaims, {
      create: () => this.#grants,
      add: (grants, claim) => {
        grants.add(claim)
        // Somebody may have given something back.
        setImmediate(() => this.#wake())
      },
    })
    return this.#isClaimed ? [spending, claims] : [ledger]
  }

  #note(key: string, amount: number): void {
    this.#committed += amount - (this.#lines.get(key) ?? 0)
    this.#lines.set(key, amount)
    if (!this.#isClaimed) setImmediate(() => this.#wake())
  }

  #amountOf({
    promptTokens,
    completionTokens,
    cost,
    currency,
  }: Pick<Expense, 'promptTokens' | 'completionTokens' | 'cost' | 'currency'>): number {
    const { unit } = this.#limit
    if (unit === 'tokens') return promptTokens + completionTokens
    return currency === unit ? cost : 0
  }
}

const pairsOf = ({ counts }: LedgerEntry): number => counts.emitted[topics.preferencePairs.name] ?? 0
