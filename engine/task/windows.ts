/** The windows of offsets of a task's inputs: what was admitted, what is not committed, and what progress tells of both. */
import type { InputProgress, Progress } from '../../schemas/generated.ts'
import type { Topic } from '../../topics/catalogue.ts'
import type { StoredRecord } from '../../topics/log.ts'
import type { Topics } from '../processor.ts'
import { fromDistances, toDistances } from '../progress.ts'
import type { Entry } from './entry.ts'

/** The window of one input. */
export interface InputWindow {
  /** As the processor calls it. */
  readonly input: string
  readonly topic: Topic
  /** The first offset never admitted. */
  nextOffset: number
  /** No commit knows it: it begins wherever retention left the topic's start. */
  isNew: boolean
  /** Unfinished offsets of an earlier owner that are still to be admitted again. */
  readonly readmit: Set<number>
  /** Admitted and not committed, in the order of their offsets. */
  readonly open: Map<number, Entry>
}

/** The windows of all inputs of a task. */
export class Windows {
  readonly #byInput = new Map<string, InputWindow>()

  /** Takes up committed progress; undefined where there is none. */
  restore(inputs: Topics, committed: Progress | undefined): void {
    for (const [input, topic] of Object.entries(inputs)) {
      const at = committed?.inputs.find((one) => one.topic === topic.name)
      this.#byInput.set(input, {
        input,
        topic,
        nextOffset: at?.nextOffset ?? 0,
        isNew: at === undefined,
        readmit: new Set(fromDistances(at?.unfinished ?? [])),
        open: new Map(),
      })
    }
  }

  all(): IterableIterator<InputWindow> {
    return this.#byInput.values()
  }

  /** What is admitted and not committed. */
  *entries(): IterableIterator<Entry> {
    for (const { open } of this.#byInput.values()) yield* open.values()
  }

  /** It is committed. */
  remove({ input, stored }: Entry): void {
    this.#byInput.get(input)?.open.delete(stored.offset)
  }

  /** When the oldest record that is admitted and not committed was written, in milliseconds since 1970; undefined where there is none. */
  get oldestMs(): number | undefined {
    let oldest: number | undefined
    for (const { open } of this.#byInput.values()) {
      // Records are admitted in their order: the first one is the oldest, or was taken up again from an earlier owner.
      const [first] = open.values()
      if (first) oldest = Math.min(oldest ?? Infinity, first.stored.timestampMs)
    }
    return oldest
  }

  /** For each input: the first offset never admitted and how many below it are not committed. */
  status(): { topic: string; nextOffset: number; open: number }[] {
    return [...this.#byInput.values()].map(({ topic, nextOffset, open, readmit }) => ({
      topic: topic.name,
      nextOffset,
      open: open.size + readmit.size,
    }))
  }

  /** What the progress of the commit under way tells of the inputs. */
  progress(): InputProgress[] {
    return [...this.#byInput.values()].map((window) => ({
      topic: window.topic.name,
      nextOffset: window.nextOffset,
      unfinished: toDistances(unfinishedOf(window)),
    }))
  }

  /** For each input the offset below which all is finished by the commit under way. */
  watermarks(): { topic: string; offset: number }[] {
    return [...this.#byInput.values()].map((window) => ({
      topic: window.topic.name,
      offset: unfinishedOf(window)[0] ?? window.nextOffset,
    }))
  }
}

/** Whether the record is unfinished in this window; the others were finished by an earlier owner. */
export function isUnfinished({ nextOffset, readmit }: InputWindow, { offset }: StoredRecord): boolean {
  return offset >= nextOffset || readmit.has(offset)
}

/** Nothing below the offset is left to be admitted for the first time. */
export function advance(window: InputWindow, nextOffset: number): void {
  window.nextOffset = Math.max(window.nextOffset, nextOffset)
}

/** Offsets that are not finished by the commit under way, ascending. */
function unfinishedOf({ open, readmit }: InputWindow): number[] {
  const offsets: number[] = []
  for (const [offset, entry] of open) if (!entry.committing) offsets.push(offset)
  if (readmit.size === 0) return offsets
  return [...offsets, ...readmit].sort((a, b) => a - b)
}
