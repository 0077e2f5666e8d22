/** State of a task as it lies in an environment: entries under the task's prefix, each with the sequence of the commit that wrote it. */
import type { StateChange, TaskState } from '../log.ts'
import type { Environment } from './environment.ts'
import { decodeSequenced, encodeSequenced, stateKey, stateKeys } from './layout.ts'

const CHUNK_ENTRIES = 256
const CHUNK_BYTES = 1024 * 1024

/** Reads state entries; `prefix` is that of the task, `describe` names it in messages. */
export class StoredState implements TaskState {
  private readonly environment: Environment
  private readonly prefix: Buffer
  private readonly describe: string

  constructor(environment: Environment, prefix: Buffer, describe: string) {
    this.environment = environment
    this.prefix = prefix
    this.describe = describe
  }

  get(key: string): Uint8Array | undefined {
    const stored = this.environment.get(stateKey(this.prefix, key))
    return stored && decodeSequenced(stored, `state ${JSON.stringify(key)} of ${this.describe}`).value
  }

  *entries(keyPrefix = ''): Generator<{ key: string; value: Uint8Array }> {
    let range = stateKeys(this.prefix, keyPrefix)
    // In chunks, so that a caller who stops between two entries for long pins no old pages.
    for (;;) {
      const chunk: { key: string; value: Uint8Array }[] = []
      let bytes = 0
      let next: Buffer | undefined
      for (const { key, value } of this.environment.entries(range)) {
        if (chunk.length >= CHUNK_ENTRIES || bytes >= CHUNK_BYTES) {
          next = key
          break
        }
        const text = this.keyOf(key)
        const what = `state ${JSON.stringify(text)} of ${this.describe}`
        chunk.push({ key: text, value: decodeSequenced(value, what).value })
        bytes += value.length
      }
      yield* chunk
      if (!next) return
      range = { start: next, end: range.end }
    }
  }

  /** The entry of a change as it is stored; no value: the key is removed. */
  entryOf(change: StateChange, sequence: number): { key: Buffer; value: Buffer | undefined } {
    return { key: stateKey(this.prefix, change.key), value: change.value && encodeSequenced(sequence, change.value) }
  }

  /** The state key of a stored key. */
  keyOf(key: Buffer): string {
    return key.toString('utf8', this.prefix.length)
  }
}
