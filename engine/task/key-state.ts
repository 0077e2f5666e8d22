/** The state of a task by key: what is committed, under what waits for its commit, under what a record in work has set; and its index. */
import type { RecordTypes } from '../../schemas/generated.ts'
import type { RecordKind } from '../../topics/catalogue.ts'
import type { StateChange } from '../../topics/log.ts'
import type { EquippedProcessor } from '../context.ts'
import type { KeyedState } from '../processor.ts'
import type { Changelog } from './changelog.ts'
import type { Entry } from './entry.ts'
import type { Ownership } from './ownership.ts'

const processorKey = 's:'

/** What a record in work has set, by key in the state; undefined is a removal. */
export type Staged = Map<string, Uint8Array | undefined>

/** What was staged, as changes of the state. */
export function changesOf(staged: Staged): StateChange[] {
  return [...staged].map(([key, value]) => ({ key, value }))
}

export class KeyState {
  readonly #equipped: Pick<EquippedProcessor, 'declaration' | 'config'>
  readonly #changelog: Changelog
  readonly #ownership: Ownership
  /** Uncommitted state, by key; `undefined` is a removal. */
  readonly #overlay = new Map<string, { value: Uint8Array | undefined; sequence: number }>()
  #index: unknown

  constructor(equipped: Pick<EquippedProcessor, 'declaration' | 'config'>, changelog: Changelog, ownership: Ownership) {
    this.#equipped = equipped
    this.#changelog = changelog
    this.#ownership = ownership
  }

  /** The processor's index over its state; undefined where it declares none. */
  get index(): unknown {
    return this.#index
  }

  /** Makes the index of the committed entries, unless the signal aborts. @throws LogError */
  async restoreIndex(signal: AbortSignal): Promise<void> {
    const { state } = this.#equipped.declaration
    if (!state?.index) return
    const index = state.index.create(this.#equipped.config)
    let entries = 0
    for (const { key, value } of this.#ownership.task.state.entries(processorKey)) {
      if (!this.#changelog.knows(value)) await this.#changelog.learn(value)
      state.index.add(index, key.slice(processorKey.length), this.#changelog.decode(state.kind, value))
      // Millions of entries take a while: heartbeats and other tasks go on.
      if (++entries % 256 === 0) await new Promise<void>((resolve) => setImmediate(resolve))
      if (signal.aborted) return
    }
    this.#index = index
  }

  /** The state as a record, or a step of a source, sees and changes it. */
  seenBy(entry: Entry | undefined, staged: Staged): KeyedState<RecordTypes[RecordKind]> {
    const { state, name } = this.#equipped.declaration
    const stateKey = (key: string): string => {
      if (!state) throw new TypeError(`${name} uses state but declares none`)
      const own = entry && state.keyOf?.(entry.record)
      if (own !== undefined && own !== key && !key.startsWith(`${own}/`)) {
        throw new TypeError(`${name} may use the state under its record's key ${own} alone, not ${key}`)
      }
      return processorKey + key
    }
    return {
      get: (key) => {
        const full = stateKey(key)
        const bytes = staged.has(full)
          ? staged.get(full)
          : this.#overlay.has(full)
            ? this.#overlay.get(full)?.value
            : this.#ownership.task.state.get(full)
        return bytes && state ? this.#changelog.decodeAtOnce(state.kind, bytes) : undefined
      },
      set: (key, value) => {
        if (state) staged.set(stateKey(key), this.#changelog.encode(state.kind, value))
      },
      remove: (key) => {
        staged.set(stateKey(key), undefined)
      },
    }
  }

  /** Later records see the changes from now on. */
  settle(changes: readonly StateChange[]): void {
    for (const { key, value } of changes) this.#overlay.set(key, { value, sequence: Number.MAX_SAFE_INTEGER })
    const { state } = this.#equipped.declaration
    if (!state?.index) return
    for (const { key, value } of changes)
      if (value) state.index.add(this.#index, key.slice(processorKey.length), this.#changelog.decode(state.kind, value))
  }

  /** The changes go into the commit of this sequence, unless a later record has changed their keys again. */
  take(changes: readonly StateChange[], sequence: number): void {
    for (const { key, value } of changes) {
      const over = this.#overlay.get(key)
      if (over && over.value === value) over.sequence = sequence
    }
  }

  /** The commit of this sequence, with these changes, took effect. */
  committed(changes: readonly StateChange[], sequence: number): void {
    for (const { key } of changes)
      if ((this.#overlay.get(key)?.sequence ?? sequence + 1) <= sequence) this.#overlay.delete(key)
  }
}
