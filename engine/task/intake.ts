/** Reads the inputs of a task and admits their records, one window of offsets each, as far as there is room. */
import { redrivenForHeader } from '../../topics/catalogue.ts'
import { UndecodableError, type RecordCodec } from '../../topics/codec.ts'
import { LogError, type ReadBounds, type ReadResult, type StoredRecord } from '../../topics/log.ts'
import type { EquippedProcessor } from '../context.ts'
import type { Failure } from '../processor.ts'
import { admittedEntry, type Entry } from './entry.ts'
import type { Lifetime } from './lifetime.ts'
import type { Ownership } from './ownership.ts'
import type { Room } from './room.ts'
import type { Waiting } from './waiting.ts'
import { advance, isUnfinished, type InputWindow, type Windows } from './windows.ts'

/** What one read of an input brings, at most. */
const fetchBytes = 1 << 20

interface IntakeParts {
  equipped: Pick<EquippedProcessor, 'declaration' | 'metrics'>
  codec: RecordCodec
  lifetime: Lifetime
  waiting: Waiting
  ownership: Ownership
  room: Room
  windows: Windows
  commits: {
    /** The commit that is under way. */
    readonly underWay: Promise<void> | undefined
  }
  processing: {
    begin(entry: Entry): void
    bury(entry: Entry, failure: Failure): boolean
  }
  /** Where a partition of a topic ends now. @throws LogError */
  endOf(topic: string, partition: number): Promise<number>
}

export class Intake {
  readonly #number: number
  readonly #name: string
  readonly #parts: IntakeParts

  constructor(number: number, parts: IntakeParts) {
    this.#number = number
    this.#name = parts.equipped.declaration.name
    this.#parts = parts
  }

  /** Reads one input until the intake ends. @throws LogError 'cut' where unfinished records are gone */
  async run(window: InputWindow): Promise<void> {
    const { codec, lifetime, waiting, room } = this.#parts
    const signal = lifetime.intake
    const bounds = { maxBytes: fetchBytes, maxWaitSeconds: 5, signal }
    const first = Math.min(window.nextOffset, ...window.readmit)
    for (let from = first; !signal.aborted;) {
      await room.until(0)
      const result = await this.#fetch(window.topic.name, from, bounds)
      if (!result) continue
      this.#refuseCut(window, result)
      for (const stored of result.records) {
        if (!isUnfinished(window, stored)) continue
        if ((stored.headers?.[redrivenForHeader] ?? this.#name) !== this.#name) {
          advance(window, stored.offset + 1)
          continue
        }
        if (!codec.knows(stored.value)) await waiting.persistently(() => codec.learn(stored.value), signal)
        // Asked again after every pause: another input may have taken the room.
        while (!room.has(stored.value.byteLength)) await room.until(stored.value.byteLength)
        if (signal.aborted) return
        // Its offset leaves `readmit` only now: a commit during the pause above still counts it as unfinished.
        window.readmit.delete(stored.offset)
        advance(window, stored.offset + 1)
        this.#admit(window, stored)
      }
      if (signal.aborted) return
      this.#refuseMissing(
        window,
        [...window.readmit].filter((offset) => offset < result.nextOffset),
      )
      advance(window, result.nextOffset)
      from = result.nextOffset
    }
  }

  /** An input that ends before what is finished in it was emptied or made anew: what lies in it now would be passed over. */
  async missingEnd(): Promise<LogError | undefined> {
    for (const { topic, nextOffset } of this.#parts.windows.all()) {
      const end = nextOffset === 0 ? 0 : await this.#parts.endOf(topic.name, this.#number)
      if (end >= nextOffset) continue
      return new LogError(
        'cut',
        `${this.#name}: ${topic.name}/${this.#number} ends at offset ${end}, and all below ${nextOffset} was worked on: the topic was emptied or made anew. ` +
          'Restore the topic from a backup, or go on in another namespace',
      )
    }
    return undefined
  }

  /** Reads on; undefined where it has to be tried again: the log was away, or the task was opened again after a doubtful commit. */
  async #fetch(topic: string, from: number, bounds: ReadBounds): Promise<ReadResult | undefined> {
    const { commits, lifetime, ownership, waiting } = this.#parts
    const open = ownership.task
    for (let failures = 0; ; failures++) {
      try {
        const result = await open.fetch(topic, from, bounds)
        waiting.end(bounds)
        return result
      } catch (error) {
        if (!(error instanceof LogError)) throw error
        if (error.code === 'unreachable') await waiting.forLog(bounds, error, failures, lifetime.intake)
        else if ((error.code === 'closed' || error.code === 'doubt') && (commits.underWay || open !== ownership.task))
          await commits.underWay
        else throw error
        if (lifetime.intake.aborted || open !== ownership.task) return undefined
      }
    }
  }

  /** Retention must never pass over records that were not admitted: that would be a silent loss. */
  #refuseCut(window: InputWindow, { startOffset }: ReadResult): void {
    const { isNew } = window
    window.isNew = false
    // Offsets may have gaps that hold no record: the start of the log tells.
    if (!isNew && startOffset > window.nextOffset) this.#refuseMissing(window, [...window.readmit, window.nextOffset])
  }

  #refuseMissing(window: InputWindow, offsets: readonly number[]): void {
    const [first] = offsets
    if (first === undefined) return
    throw new LogError(
      'cut',
      `${this.#name}: ${window.topic.name}/${this.#number} no longer holds unfinished records from offset ${first} on; retention passed over them. ` +
        `Restore the topic from a backup`,
    )
  }

  #admit(window: InputWindow, stored: StoredRecord): void {
    const { equipped, codec, room, processing } = this.#parts
    room.enter(stored.value.byteLength)
    equipped.metrics.recordsIn.inc({ processor: this.#name })
    const entry = admittedEntry(window.input, window.topic, stored)
    window.open.set(stored.offset, entry)
    try {
      entry.record = codec.decode(window.topic.kind, stored.value)
    } catch (error) {
      if (!(error instanceof UndecodableError)) throw error
      processing.bury(entry, { code: 'RECORD_UNDECODABLE', message: error.message })
      return
    }
    processing.begin(entry)
  }
}
