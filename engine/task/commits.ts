/**
 * The commits of a task: when one comes, what goes into it (outputs, state, counts, spending, rules of recipes, progress), one at a time,
 * and what is told once it took effect.
 */
import type { Progress, TaskCounts } from '../../schemas/generated.ts'
import { topics } from '../../topics/catalogue.ts'
import type { RecordCodec } from '../../topics/codec.ts'
import type { OutgoingRecord, TaskCommit } from '../../topics/log.ts'
import type { EquippedProcessor, Rules } from '../context.ts'
import { cloneCounts, count, emptyCounts } from '../counts.ts'
import type { ExpenseChanges } from '../expenses.ts'
import { tellReport } from '../reports.ts'
import type { Calls } from './calls.ts'
import type { Changelog } from './changelog.ts'
import type { Finished } from './entry.ts'
import type { KeyState, Staged } from './key-state.ts'
import type { Lifetime } from './lifetime.ts'
import type { TaskLimits } from './limits.ts'
import type { Ownership } from './ownership.ts'
import type { Room } from './room.ts'
import type { Waiting } from './waiting.ts'
import type { Windows } from './windows.ts'

interface CommitsParts {
  equipped: Pick<EquippedProcessor, 'declaration' | 'metrics' | 'logger' | 'tracing' | 'rulesOf'>
  limits: Pick<TaskLimits, 'commitSeconds' | 'commitBytes'>
  codec: RecordCodec
  lifetime: Lifetime
  waiting: Waiting
  ownership: Ownership
  room: Room
  windows: Windows
  changelog: Changelog
  state: KeyState
  calls: Calls
  /** Another owner has the task. */
  lost(): void
  /** Waiting does not cure why a commit failed. */
  fail(error: unknown): void
}

/** A commit that is made up, and what is in force once it took effect. */
interface Prepared {
  commit: TaskCommit
  taken: readonly Finished[]
  counts: TaskCounts
  spending: ExpenseChanges
  rules: readonly Rules[]
}

export class Commits {
  readonly #number: number
  readonly #name: string
  readonly #parts: CommitsParts
  #sequence = 0
  #counts: TaskCounts = emptyCounts()
  /** Recipes whose rules it has committed. */
  readonly #recipes = new Set<string>()
  #finished: Finished[] = []
  #finishedBytes = 0
  #committingResults = 0
  /** Since when a result or call waits for its commit, in milliseconds of performance.now. */
  #uncommittedSinceMs: number | undefined
  #timer: NodeJS.Timeout | undefined
  #underWay: Promise<void> | undefined
  /** The commit that the log has been given, and since when, in milliseconds of performance.now. */
  #given: { commit: TaskCommit; sinceMs: number } | undefined

  constructor(number: number, parts: CommitsParts) {
    this.#number = number
    this.#name = parts.equipped.declaration.name
    this.#parts = parts
  }

  /** Takes up committed progress. */
  restore(sequence: number, { counts }: Progress): void {
    this.#sequence = sequence
    this.#counts = counts
  }

  /** Cumulative counts as of the last commit. */
  get counts(): TaskCounts {
    return this.#counts
  }

  /** Finished results that wait for their commit. */
  get uncommitted(): number {
    return this.#finished.length + this.#committingResults
  }

  /** The commit that is under way. */
  get underWay(): Promise<void> | undefined {
    return this.#underWay
  }

  /** For how long a commit is under way, where it does not wait for a log that is away. */
  get committingSeconds(): number | undefined {
    if (!this.#given || this.#parts.waiting.has(this.#given.commit)) return undefined
    return (performance.now() - this.#given.sinceMs) / 1000
  }

  /** Takes the result of a record or of a source's step: later records see its state, and it waits for its commit. */
  add(finished: Finished): void {
    const { room, state } = this.#parts
    const { entry, bytes } = finished
    state.settle(finished.state)
    this.#finished.push(finished)
    this.#finishedBytes += bytes
    room.hold(bytes)
    if (entry) room.leave(entry.stored.value.byteLength)
    this.schedule()
    room.wake()
    room.wakeIdle()
  }

  /** Something waits for a commit: one comes, at once where much waits. */
  schedule(): void {
    const { lifetime, limits } = this.#parts
    if (lifetime.isClosed) return
    const nowMs = performance.now()
    this.#uncommittedSinceMs ??= nowMs
    if (this.#underWay) return
    if (this.#finishedBytes >= limits.commitBytes) this.#start()
    else {
      // What came while a commit was under way has waited already.
      const waitedMs = nowMs - this.#uncommittedSinceMs
      this.#timer ??= setTimeout(() => this.#start(), limits.commitSeconds * 1000 - waitedMs)
    }
  }

  /** No commit comes by itself any more. */
  unschedule(): void {
    clearTimeout(this.#timer)
  }

  /** Commits until nothing waits, or the task is closed. */
  async all(): Promise<void> {
    const { lifetime, ownership } = this.#parts
    // Calls that were just aborted tell what they have cost.
    if (lifetime.calls.aborted) await new Promise<void>((resolve) => setImmediate(resolve))
    while (!lifetime.isClosed && ownership.isOpen && (this.#underWay || this.#hasUncommitted())) {
      if (!this.#underWay) this.#start()
      await this.#underWay
    }
  }

  #hasUncommitted(): boolean {
    const { calls, windows } = this.#parts
    if (this.#finished.length > 0 || calls.hasWasted) return true
    for (const entry of windows.entries()) if (entry.unkept.size > 0 && !entry.committing) return true
    return false
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#underWay || this.#parts.lifetime.isClosed) return
    this.#underWay = this.#commit()
      .catch(this.#parts.fail)
      .finally(() => {
        this.#underWay = undefined
        if (this.#hasUncommitted()) this.schedule()
      })
  }

  async #commit(): Promise<void> {
    const { calls, ownership, lost } = this.#parts
    while (calls.hasUnreadLines) await calls.readLines()
    const prepared = this.#prepare()
    const startedAtMs = performance.now()
    this.#given = { commit: prepared.commit, sinceMs: startedAtMs }
    const isSure = await ownership.commitSurely(prepared.commit).finally(() => (this.#given = undefined))
    if (isSure) this.#committed(prepared, (performance.now() - startedAtMs) / 1000)
    else lost()
  }

  /** Makes up a commit of what is finished, all at one moment. */
  #prepare(): Prepared {
    const { equipped, windows, changelog, state, calls } = this.#parts
    const taken = this.#take()
    const sequence = this.#sequence + 1
    const changes: Staged = new Map()
    const counts = cloneCounts(this.#counts)
    const spending = calls.begin()
    for (const { entry, state: own, discarded, deadLettered } of taken) {
      for (const { key, value } of own) changes.set(key, value)
      state.take(own, sequence)
      if (!entry) continue
      entry.committing = true
      const outcome = deadLettered ? 'wasted' : discarded === undefined ? 'kept' : 'discarded'
      calls.finish(entry, outcome, changes, counts, spending)
    }
    const finishedEntries = new Set(this.#finished.map(({ entry }) => entry))
    for (const entry of windows.entries()) {
      if (entry.committing || entry.unkept.size === 0 || finishedEntries.has(entry)) continue
      calls.keep(entry, changes, counts, spending)
    }
    for (const finished of taken) count(counts, finished)
    const committedAtMs = Date.now()
    const progress = changelog.encode('progress', { sequence, inputs: windows.progress(), counts, committedAtMs })
    equipped.metrics.progressBytes.set({ processor: this.#name }, progress.byteLength)
    const lines = calls.records(spending, sequence, committedAtMs)
    const rules = this.#newRules(taken)
    const commit: TaskCommit = {
      sequence,
      outputs: [
        ...taken.flatMap(({ outputs }) => outputs.map(({ record }) => record)),
        this.#ledgerEntry(sequence, counts, committedAtMs),
        ...lines.map(({ output }) => output),
        ...rules.map((one) => this.#rulesRecord(one, committedAtMs)),
      ],
      state: [...[...changes].map(([key, value]) => ({ key, value })), ...lines.map(({ change }) => change)],
      progress,
      watermarks: windows.watermarks(),
    }
    return { commit, taken, counts, spending, rules }
  }

  /** The commit took effect, after so long. */
  #committed({ commit, taken, counts, spending, rules }: Prepared, seconds: number): void {
    const { equipped, room, windows, state, calls } = this.#parts
    const { metrics, logger } = equipped
    const { sequence } = commit
    metrics.commits.inc({ processor: this.#name })
    metrics.commitSeconds.observe({ processor: this.#name }, seconds)
    this.#sequence = sequence
    this.#counts = counts
    calls.committed(spending)
    for (const { recipe } of rules) this.#recipes.add(recipe)
    let bytes = 0
    for (const finished of taken) {
      bytes += finished.bytes
      state.committed(finished.state, sequence)
      if (finished.entry) windows.remove(finished.entry)
    }
    for (const { outputs, discarded } of taken) {
      for (const { topic } of outputs) metrics.recordsOut.inc({ processor: this.#name, topic })
      if (discarded !== undefined) metrics.discards.inc({ processor: this.#name, reason: discarded })
    }
    const told = { processor: this.#name, task: this.#number, seconds }
    if (logger.writes('debug')) logger.tell('commit.done', { ...told, records: taken.length, bytes })
    for (const { report } of taken) if (report) tellReport(equipped, report)
    this.#committingResults = 0
    room.release(bytes)
    room.wake()
  }

  /** Results for one commit, up to four times the size that starts one, at least one. */
  #take(): Finished[] {
    let bytes = 0
    let results = 0
    for (const finished of this.#finished) {
      if (results > 0 && bytes + finished.bytes > 4 * this.#parts.limits.commitBytes) break
      bytes += finished.bytes
      results++
    }
    if (results === this.#finished.length) this.#uncommittedSinceMs = undefined
    const taken = results === this.#finished.length ? this.#finished : this.#finished.slice(0, results)
    this.#finished = results === this.#finished.length ? [] : this.#finished.slice(results)
    this.#finishedBytes -= bytes
    this.#committingResults = taken.length
    return taken
  }

  #ledgerEntry(sequence: number, counts: TaskCounts, committedAtMs: number): OutgoingRecord {
    const { name, kind, keyOf } = topics.ledger
    const entry = { processor: this.#name, task: this.#number, sequence, counts, committedAtMs }
    return { topic: name, partition: 0, key: keyOf(entry), value: this.#parts.codec.encode(name, kind, entry) }
  }

  /** The rules behind recipes that no commit of this task has told of. What was handed on keeps the recipe of who made it. */
  #newRules(taken: readonly Finished[]): Rules[] {
    const { rulesOf } = this.#parts.equipped
    const used = new Set(taken.flatMap(({ outputs }) => outputs.map(({ recipe }) => recipe)))
    return [...used].flatMap((recipe) => (this.#recipes.has(recipe) ? [] : (rulesOf(recipe) ?? [])))
  }

  #rulesRecord(rules: Rules, committedAtMs: number): OutgoingRecord {
    const { name, kind, keyOf } = topics.recipes
    const record = { ...rules, committedAtMs }
    return { topic: name, partition: 0, key: keyOf(record), value: this.#parts.codec.encode(name, kind, record) }
  }
}
