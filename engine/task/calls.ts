/**
 * Finished model calls of a task: those of unfinished records are kept in its state so that none is made again, and what all have cost
 * is added to the lines of spending that each commit carries.
 */
import type { TaskCounts } from '../../schemas/generated.ts'
import { topics } from '../../topics/catalogue.ts'
import type { RecordCodec } from '../../topics/codec.ts'
import type { OutgoingRecord, StateChange } from '../../topics/log.ts'
import type { CallKeeper, CallResult } from '../context.ts'
import { keptCallKey } from '../copy/positions.ts'
import { countCall } from '../counts.ts'
import { ExpenseLines, type ExpenseChanges, type ExpenseOutcome, type PaidCall } from '../expenses.ts'
import type { Role } from '../ports.ts'
import type { Changelog } from './changelog.ts'
import type { Entry } from './entry.ts'
import type { Staged } from './key-state.ts'
import type { Lifetime } from './lifetime.ts'
import type { Ownership } from './ownership.ts'
import type { Waiting } from './waiting.ts'

interface CallsParts {
  codec: RecordCodec
  changelog: Changelog
  ownership: Ownership
  lifetime: Lifetime
  waiting: Waiting
  /** Something waits for a commit. */
  changed(): void
}

export class Calls {
  readonly #parts: CallsParts
  readonly #expenses: ExpenseLines
  /** Calls that cost something and brought nothing, until a commit counts them. */
  #wasted: PaidCall[] = []

  constructor(processor: string, task: number, parts: CallsParts) {
    this.#parts = parts
    this.#expenses = new ExpenseLines(processor, task)
  }

  /** Whether calls without a record's result wait for a commit. */
  get hasWasted(): boolean {
    return this.#wasted.length > 0
  }

  /** The calls of one record. */
  keeperOf(entry: Entry): CallKeeper {
    const { changed } = this.#parts
    return {
      once: async (purpose, role, make) => {
        const known = this.#finished(entry, purpose)
        if (known) return known
        const made = entry.underWay.get(purpose) ?? this.#made(entry, purpose, role, make)
        return await made
      },
      waste: (call) => {
        this.#wasted.push(call)
        this.#expenses.expect(call)
        changed()
      },
    }
  }

  /** The result of a call that was finished in this process or in one before. */
  #finished(entry: Entry, purpose: string): CallResult | undefined {
    const { changelog, ownership } = this.#parts
    const known = entry.calls.get(purpose)
    if (known) return known.result
    const stored = ownership.task.state.get(keyOf(entry, purpose))
    if (!stored) return undefined
    const kept = changelog.decodeAtOnce('kept-call', stored)
    const result = JSON.parse(kept.result) as CallResult
    const role = kept.role === '' ? undefined : (kept.role as Role)
    entry.calls.set(purpose, { role, result })
    entry.keptInState.add(purpose)
    if (role) this.#expenses.expect({ role, ...result })
    return result
  }

  /** Makes a call, which is kept when it is answered, whoever still waits for it then. */
  #made(entry: Entry, purpose: string, role: Role, make: () => Promise<CallResult>): Promise<CallResult> {
    const made = make()
      .then((result) => {
        entry.calls.set(purpose, { role, result })
        entry.unkept.add(purpose)
        this.#expenses.expect({ role, ...result })
        this.#parts.changed()
        return result
      })
      .finally(() => entry.underWay.delete(purpose))
    entry.underWay.set(purpose, made)
    return made
  }

  /** Whether lines of spending that the next commit adds to have to be read first. */
  get hasUnreadLines(): boolean {
    return this.#expenses.wanted.size > 0
  }

  /** Reads them; more may have come meanwhile. */
  async readLines(): Promise<void> {
    const { changelog, ownership } = this.#parts
    for (const key of this.#expenses.wanted) {
      const stored = ownership.task.state.get(key)
      // The line is of an earlier version: the registry has its schema.
      if (stored && !changelog.knows(stored)) await this.#learn(stored)
      this.#expenses.supply(key, stored && changelog.decode('expense', stored))
    }
  }

  async #learn(stored: Uint8Array): Promise<void> {
    const { changelog, ownership, lifetime, waiting } = this.#parts
    for (let failures = 0; ; failures++) {
      try {
        await changelog.learn(stored)
        break
      } catch (error) {
        if (!ownership.mayWait(error)) throw error
        await waiting.forLog(this.#expenses, error, failures, lifetime.untilCallsEnd)
      }
    }
    waiting.end(this.#expenses)
  }

  /** What a commit changes in the lines; it begins with the wasted calls. */
  begin(): ExpenseChanges {
    const spending = this.#expenses.begin()
    for (const call of this.#wasted.splice(0)) spending.add('wasted', call)
    return spending
  }

  /** Counts the calls of a finished record; what was kept of it before has its outcome now, and leaves the state. */
  finish(entry: Entry, outcome: ExpenseOutcome, state: Staged, counts: TaskCounts, spending: ExpenseChanges): void {
    for (const purpose of entry.keptInState) state.set(keyOf(entry, purpose), undefined)
    for (const [purpose, { role, result }] of entry.calls) {
      const wasKept = entry.keptInState.has(purpose)
      if (!wasKept) countCall(counts, result)
      if (!role) continue
      if (wasKept) spending.remove('unfinished', { role, ...result })
      spending.add(outcome, { role, ...result })
    }
  }

  /** Puts the finished calls of an unfinished record into the state, so that they are never made again. */
  keep(entry: Entry, state: Staged, counts: TaskCounts, spending: ExpenseChanges): void {
    for (const purpose of entry.unkept) {
      const call = entry.calls.get(purpose)
      if (!call) continue
      const { role, result } = call
      countCall(counts, result)
      if (role) spending.add('unfinished', { role, ...result })
      const kept = { result: JSON.stringify(result), keptAtMs: Date.now(), role: role ?? '' }
      state.set(keyOf(entry, purpose), this.#parts.changelog.encode('kept-call', kept))
      entry.keptInState.add(purpose)
    }
    entry.unkept.clear()
  }

  /** The changed lines, as records of the table and as state, from where the task's next owner goes on. */
  records(
    { lines }: ExpenseChanges,
    sequence: number,
    committedAtMs: number,
  ): { output: OutgoingRecord; change: StateChange }[] {
    const { codec, changelog } = this.#parts
    return [...lines].map(([key, line]) => {
      Object.assign(line, { sequence, committedAtMs })
      const { name, keyOf: keyOfLine } = topics.expenses
      const value = changelog.encode('expense', line)
      return {
        output: { topic: name, partition: 0, key: keyOfLine(line), value: codec.encode(name, 'expense', line) },
        change: { key, value },
      }
    })
  }

  /** The commit took effect. */
  committed(spending: ExpenseChanges): void {
    this.#expenses.committed(spending)
  }
}

function keyOf({ topic, stored }: Entry, purpose: string): string {
  return keptCallKey(topic.name, stored.offset, purpose)
}
