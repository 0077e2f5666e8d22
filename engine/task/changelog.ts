/** How a task writes and reads its own records: progress, kept calls, lines of spending, state; each kind under a subject of its own. */
import type { RecordTypes } from '../../schemas/generated.ts'
import type { RecordKind } from '../../topics/catalogue.ts'
import { UndecodableError, type RecordCodec } from '../../topics/codec.ts'
import { LogError } from '../../topics/log.ts'

/** Subject of the schemas in a processor's changelog. */
export function changelogSubject(processor: string, kind: RecordKind): string {
  return `${processor}-changelog-${kind}`
}

/** State that an earlier version wrote, under a schema that has to be fetched before it can be read. */
class UnlearnedSchema extends Error {
  readonly value: Uint8Array
  constructor(value: Uint8Array) {
    super('a state was written under a schema that this log does not know')
    this.value = value
  }
}

/** The codec of one task's changelog. */
export class Changelog {
  readonly #processor: string
  readonly #task: number
  readonly #codec: RecordCodec

  constructor(processor: string, task: number, codec: RecordCodec) {
    this.#processor = processor
    this.#task = task
    this.#codec = codec
  }

  encode<Kind extends RecordKind>(kind: Kind, record: RecordTypes[Kind]): Uint8Array {
    return this.#codec.encode(changelogSubject(this.#processor, kind), kind, record)
  }

  /** What only this task writes. @throws LogError 'damaged' */
  decode<Kind extends RecordKind>(kind: Kind, value: Uint8Array): RecordTypes[Kind] {
    try {
      return this.#codec.decode(kind, value)
    } catch (cause) {
      if (!(cause instanceof UndecodableError)) throw cause
      throw new LogError(
        'damaged',
        `${this.#processor} task ${this.#task}: its own ${kind} record cannot be read: ${cause.message}; something else has written to its changelog: restore it from a backup`,
        { cause },
      )
    }
  }

  /**
   * State is read at once, schemas are not: the record starts anew when its schema is there.
   * @throws what `learned` knows; LogError 'damaged'
   */
  decodeAtOnce<Kind extends RecordKind>(kind: Kind, value: Uint8Array): RecordTypes[Kind] {
    if (!this.#codec.knows(value)) throw new UnlearnedSchema(value)
    return this.decode(kind, value)
  }

  /** Whether `decode` can go ahead without `learn`. */
  knows(value: Uint8Array): boolean {
    return this.#codec.knows(value)
  }

  /** Fetches the schema of a value that an earlier version may have written. @throws LogError */
  learn(value: Uint8Array): Promise<void> {
    return this.#codec.learn(value)
  }

  /** Whether the error was a schema that is known from now on. */
  async learned(error: unknown): Promise<boolean> {
    if (!(error instanceof UnlearnedSchema)) return false
    await this.#codec.learn(error.value).catch(() => {})
    return this.#codec.knows(error.value)
  }
}
