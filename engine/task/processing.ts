/** Works on admitted records: in order within a key, tried again where a failure passes, and each finished, buried or given up once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { LogError } from '../../topics/log.ts'
import { declaredReason, isDiscard, type EquippedProcessor, type RecordContext } from '../context.ts'
import { kindOf, type InvalidRecordError, type TransientError } from '../errors.ts'
import type { Emission, Failure, Result } from '../processor.ts'
import type { Changelog } from './changelog.ts'
import type { Contexts } from './contexts.ts'
import { bytesOf, problemOf, type Entry, type Finished } from './entry.ts'
import { changesOf, type Staged } from './key-state.ts'
import type { Lifetime } from './lifetime.ts'
import type { Outputs } from './outputs.ts'
import type { Room } from './room.ts'
import type { Waiting } from './waiting.ts'

interface ProcessingParts {
  equipped: EquippedProcessor
  lifetime: Lifetime
  waiting: Waiting
  room: Room
  changelog: Changelog
  contexts: Contexts
  outputs: Outputs
  commits: {
    /** Takes the result of a record, which then waits for its commit. */
    add(finished: Finished): void
  }
  /** Ends the task: a bug or a fault of the configuration. */
  stop(error: unknown): void
}

export class Processing {
  readonly #number: number
  readonly #name: string
  readonly #parts: ProcessingParts
  /** Records that wait for an earlier one of their key, by key. */
  readonly #keyQueues = new Map<string, Entry[]>()

  constructor(number: number, parts: ProcessingParts) {
    this.#number = number
    this.#name = parts.equipped.declaration.name
    this.#parts = parts
  }

  /** Works on a record that was just admitted: at once, or after the earlier ones of its key. */
  begin(entry: Entry): void {
    const { state } = this.#parts.equipped.declaration
    if (!state) {
      void this.#process(entry)
      return
    }
    const key = state.keyOf?.(entry.record) ?? ''
    const queue = this.#keyQueues.get(key)
    if (queue) queue.push(entry)
    else {
      this.#keyQueues.set(key, [])
      void this.#processKey(key, entry)
    }
  }

  async #processKey(key: string, first: Entry): Promise<void> {
    const queue = this.#keyQueues.get(key)
    let isFinished = true
    for (let entry: Entry | undefined = first; entry && !this.#parts.lifetime.isClosed; entry = queue?.shift()) {
      // After a record that was given up, the others of its key wait for the next owner too: their order holds.
      if (isFinished) isFinished = await this.#process(entry)
      else this.#drop(entry)
    }
    this.#keyQueues.delete(key)
  }

  /** @returns whether it is finished; false where it was given up and is left to the next owner */
  async #process(entry: Entry): Promise<boolean> {
    const { equipped, lifetime, changelog, contexts } = this.#parts
    const { transient } = equipped.declaration.onFailure
    let attempts = 0
    let delays = 0
    while (!lifetime.isClosed) {
      const staged: Staged = new Map()
      entry.tries++
      const context = contexts.ofRecord(entry, staged)
      try {
        const handler = equipped.declaration.process[entry.input] as (
          record: unknown,
          context: RecordContext,
        ) => Result | Promise<Result>
        const result = await handler(entry.record, context)
        if (lifetime.isClosed) return false
        return this.#finish(entry, result, context, staged)
      } catch (error) {
        if (await changelog.learned(error)) continue
        const isOver = lifetime.isClosed || lifetime.calls.aborted || error === lifetime.intake.reason
        if (isOver) return await this.#giveUp(entry)
        const kind = kindOf(error)
        if (kind === 'invalid-record') return this.bury(entry, failureOf(error as InvalidRecordError))
        if (kind !== 'transient') return this.#stopOn(entry, error)
        const failure = error as TransientError
        const { code, message } = failure
        if (!failure.outage) attempts++
        equipped.metrics.retries.inc({ processor: this.#name, code })
        if (attempts >= transient.attempts) {
          return this.bury(entry, { code, message: `${message} (${attempts} of ${transient.attempts} tries)` })
        }
        const delaySeconds = Math.min(transient.maxDelaySeconds, transient.firstDelaySeconds * 2 ** delays++)
        if (!(await this.#backOff(entry, failure, delaySeconds))) return await this.#giveUp(entry)
      }
    }
    return false
  }

  /** Waits before a record is tried again; false where the intake ended meanwhile. */
  async #backOff(
    entry: Entry,
    { code, message, retryAfterSeconds }: TransientError,
    delaySeconds: number,
  ): Promise<boolean> {
    const { equipped, lifetime, waiting } = this.#parts
    // Spread out, so that records that failed together do not come back together; never earlier than the endpoint asks.
    const seconds = Math.max(retryAfterSeconds ?? 0, delaySeconds / 2) + (Math.random() * delaySeconds) / 2
    waiting.begin(entry, message)
    if (equipped.logger.writes('debug'))
      equipped.logger.tell('record.retried', {
        ...{ processor: this.#name, task: this.#number, topic: entry.topic.name },
        ...{ partition: entry.stored.partition, offset: entry.stored.offset },
        ...{ record: String((entry.record as { id?: unknown }).id), problem: problemOf(entry) },
        ...{ code, message, tries: entry.tries, delaySeconds: seconds },
      })
    const waited = await sleep(1000 * seconds, true, { signal: lifetime.intake }).catch(() => false)
    waiting.end(entry)
    return waited
  }

  #finish(entry: Entry, result: Result, context: RecordContext, staged: Staged): boolean {
    const { equipped, outputs, commits } = this.#parts
    const { declaration } = equipped
    try {
      const discarded = isDiscard(result) ? declaredReason(declaration, result.discard) : undefined
      const emissions = isDiscard(result)
        ? [outputs.discardOf(entry, result, context.recipe)]
        : Array.isArray(result)
          ? (result as readonly Emission[])
          : [result as Emission]
      const made = emissions.map((emission) => outputs.encode(emission, context))
      const state = changesOf(staged)
      commits.add({
        entry,
        outputs: made,
        state,
        bytes: bytesOf(made, state),
        entered: context.entered,
        left: context.left + (discarded !== undefined && declaration.onSpine.includes(entry.input) ? 1 : 0),
        discarded,
        deadLettered: false,
        report: outputs.reportOf(entry, discarded === undefined ? 'emitted' : 'discarded', made, discarded),
      })
      return true
    } catch (error) {
      if (kindOf(error) === 'invalid-record') return this.bury(entry, failureOf(error as InvalidRecordError))
      return this.#stopOn(entry, error)
    }
  }

  /** Puts the record into dead-letters with its cause and its original bytes. @returns as `#process` */
  bury(entry: Entry, failure: Failure): boolean {
    const { equipped, outputs, commits } = this.#parts
    let made
    try {
      made = outputs.buried(entry, failure)
    } catch (error) {
      return this.#stopOn(entry, error)
    }
    equipped.metrics.deadLetters.inc({ processor: this.#name, code: failure.code })
    commits.add({
      entry,
      outputs: made,
      state: [],
      bytes: bytesOf(made, []),
      entered: 0,
      left: equipped.declaration.onSpine.includes(entry.input) ? 1 : 0,
      discarded: undefined,
      deadLettered: true,
      report: outputs.reportOf(entry, 'dead-lettered', made, failure.code, failure.message),
    })
    return true
  }

  /** Gives a record up once its calls are answered or aborted: what is answered during a drain is kept like any other call. */
  async #giveUp(entry: Entry): Promise<false> {
    while (entry.underWay.size > 0 && !this.#parts.lifetime.isClosed)
      await Promise.allSettled([...entry.underWay.values()])
    return this.#drop(entry)
  }

  /** Gives a record up unfinished: its offset stays in the progress, so the next owner does it. */
  #drop(entry: Entry): false {
    const { equipped, lifetime, room } = this.#parts
    equipped.metrics.abandoned.inc({ processor: this.#name, reason: lifetime.abandonReason })
    room.leave(entry.stored.value.byteLength)
    room.wakeIdle()
    return false
  }

  /** A bug or a fault of the configuration: the run stops and the record is left as it was. */
  #stopOn(entry: Entry, error: unknown): false {
    this.#parts.stop(this.#explain(error, entry))
    return this.#drop(entry)
  }

  #explain(error: unknown, { stored }: Entry): unknown {
    if (kindOf(error) === 'configuration' || error instanceof LogError) return error
    const reason = error instanceof Error ? error.message : String(error)
    return new Error(`${this.#name} failed on ${stored.topic}/${stored.partition} offset ${stored.offset}: ${reason}`, {
      cause: error,
    })
  }
}

function failureOf({ code, message }: InvalidRecordError): Failure {
  return { code, message }
}
