/** Records, state and progress of one log as another log has them: the same but for schema ids and positions. */
import avro, { type Type } from 'avsc'
import { schemaTexts, type Progress } from '../../schemas/generated.ts'
import { boundAvroCounts } from '../../topics/avro-bounds.ts'
import { deadLetters, topicNamed, topics, type RecordKind, type Topic } from '../../topics/catalogue.ts'
import { schemaIdOf } from '../../topics/codec.ts'
import {
  LogError,
  type OutgoingRecord,
  type SchemaStore,
  type StateChange,
  type StoredRecord,
} from '../../topics/log.ts'
import { fromDistances, toDistances } from '../progress.ts'
import { changelogSubject } from '../task/changelog.ts'
import {
  deadLetterHeaders,
  goneOffset,
  holdsPositions,
  keptCallKey,
  parseKeptCallKey,
  progressFields,
  redrivenHeader,
  replaceOffsets,
  shortName,
} from './positions.ts'

/** Where records lie on the target. */
export interface NewPositions {
  /** Of a record by its offset on the source; undefined where the source does not hold it. */
  offsetOf(topic: string, partition: number, offset: number): number | undefined
  /** The offset just after all records below one on the source. */
  boundaryOf(topic: string, partition: number, offset: number): number
}

/** The progress of a task on the target. */
export interface NewProgress {
  watermarks: { topic: string; offset: number }[]
  /** As the commit of a sequence writes it. */
  at(sequence: number): Uint8Array
}

/** A schema of ours on the source. */
interface KnownSchema {
  type: Type
  text: string
  kind: RecordKind
  holdsPositions: boolean
  /** Ids on the target, by subject. */
  ids: Map<string, number>
}

const prefixBytes = 5
/** A schema id that no log and no registry gives. */
const neverGivenId = 0xffff_ffff

const kindsByName = new Map(
  Object.entries(schemaTexts).map(([kind, text]) => [
    (JSON.parse(text) as { name: string }).name,
    { kind: kind as RecordKind, text, canonical: canonicalJson(JSON.parse(text)) },
  ]),
)

/** Subjects of kinds that lie in topics. */
const subjectOfKind = new Map((Object.values(topics) as Topic[]).map(({ kind, name }) => [kind, name]))

export class Rewriting {
  readonly #source: SchemaStore
  readonly #target: SchemaStore
  readonly #positions: NewPositions
  readonly #schemas = new Map<number, KnownSchema | undefined>()
  /** Positions whose records the source did not hold any more, by what named them. */
  readonly gone = new Map<string, number>()
  /** Kept calls of such records. */
  callsLeft = 0

  constructor(source: SchemaStore, target: SchemaStore, positions: NewPositions) {
    boundAvroCounts()
    this.#source = source
    this.#target = target
    this.#positions = positions
  }

  /** A record of a topic. @throws LogError where a schema can't be looked up or registered */
  async record(stored: StoredRecord): Promise<OutgoingRecord> {
    const { topic, partition, key, value, headers, timestampMs } = stored
    // A dead letter holds the bytes of a record of another topic.
    const origin = topic === deadLetters.name ? (headers?.[deadLetterHeaders.topic] ?? '') : topic
    return {
      topic,
      partition,
      key,
      timestampMs,
      value: await this.#value(origin, topicNamed(origin)?.kind, value, origin),
      ...(headers && { headers: this.#headers(topic, headers) }),
    }
  }

  /** An entry of a task's state; undefined for what is kept of a record that the source does not hold any more. */
  async state(group: string, task: number, key: string, value: Uint8Array): Promise<StateChange | undefined> {
    const call = parseKeptCallKey(key)
    const offset = call && this.#positions.offsetOf(call.topic, task, call.offset)
    if (call && offset === undefined) {
      this.callsLeft++
      return undefined
    }
    const schema = await this.#schemaOf(value)
    return {
      key: call && offset !== undefined ? keptCallKey(call.topic, offset, call.purpose) : key,
      value: schema
        ? await this.#value(changelogSubject(group, schema.kind), schema.kind, value, `${group} state`)
        : value,
    }
  }

  /** The progress of a task. @throws LogError 'damaged', 'cut' */
  async progress(group: string, task: number, value: Uint8Array): Promise<NewProgress> {
    const schema = await this.#schemaOf(value)
    if (schema?.kind !== 'progress')
      throw new LogError('damaged', `the progress of ${group} task ${task} is no progress record: restore the source`)
    const { type } = schema
    const id = await this.#targetId(schema, changelogSubject(group, 'progress'))
    const progress = type.fromBuffer(bodyOf(value)) as Progress
    const watermarks = progress.inputs.map((input) => {
      const topic = input[progressFields.topic]
      const unfinished = fromDistances(input[progressFields.unfinished]).map((offset) => {
        const at = this.#positions.offsetOf(topic, task, offset)
        if (at !== undefined) return at
        throw new LogError(
          'cut',
          `${group}: ${topic}/${task} does not hold the unfinished record at offset ${offset} any more; retention passed over it. Restore the topic from a backup`,
        )
      })
      input[progressFields.unfinished] = toDistances(unfinished)
      input[progressFields.nextOffset] = this.#positions.boundaryOf(topic, task, input[progressFields.nextOffset])
      return { topic, offset: unfinished[0] ?? input[progressFields.nextOffset] }
    })
    return { watermarks, at: (sequence) => encoded(type, { ...progress, sequence }, id) }
  }

  /**
   * A value of the wire format under the target's schema id. One of a schema that the source does not know, or that is of others, gets
   * an id that nobody gives: the target must not take it for one of ours, now or later. What has no id stays as it is.
   */
  async #value(subject: string, kind: RecordKind | undefined, value: Uint8Array, what: string): Promise<Uint8Array> {
    if (schemaIdOf(value) === undefined) return value
    const schema = await this.#schemaOf(value)
    const home = schema?.kind === kind ? subject : schema && subjectOfKind.get(schema.kind)
    if (!schema || home === undefined) return withId(value, neverGivenId)
    const targetId = await this.#targetId(schema, home)
    if (!schema.holdsPositions) return withId(value, targetId)
    let record: unknown
    try {
      record = schema.type.fromBuffer(bodyOf(value))
    } catch {
      return withId(value, targetId)
    }
    replaceOffsets(schema.type, record, (topic, partition, offset) => this.#newOffset(what, topic, partition, offset))
    return encoded(schema.type, record, targetId)
  }

  #headers(topic: string, headers: Readonly<Record<string, string>>): Record<string, string> {
    const changed = { ...headers }
    const from = headers[deadLetterHeaders.topic]
    const at = Number(headers[deadLetterHeaders.offset])
    if (from !== undefined && at >= 0) {
      const partition = Number(headers[deadLetterHeaders.partition])
      changed[deadLetterHeaders.offset] = String(this.#newOffset(deadLetters.name, from, partition, at))
    }
    const [, partition, offset] = /^(\d+)\/(\d+)$/.exec(headers[redrivenHeader] ?? '') ?? []
    if (topic === deadLetters.name && offset !== undefined) {
      const letter = this.#newOffset(deadLetters.name, deadLetters.name, Number(partition), Number(offset))
      changed[redrivenHeader] = `${partition}/${letter}`
    }
    return changed
  }

  #newOffset(what: string, topic: string, partition: number, offset: number): number {
    const at = this.#positions.offsetOf(topic, partition, offset)
    if (at === undefined) this.#countGone(what)
    return at ?? goneOffset
  }

  #countGone(what: string): void {
    this.gone.set(what, (this.gone.get(what) ?? 0) + 1)
  }

  async #schemaOf(value: Uint8Array): Promise<KnownSchema | undefined> {
    const id = schemaIdOf(value)
    if (id === undefined) return undefined
    if (!this.#schemas.has(id)) this.#schemas.set(id, await this.#findSchema(id))
    return this.#schemas.get(id)
  }

  /** Undefined for one that the source does not know or that is none of ours. */
  async #findSchema(id: number): Promise<KnownSchema | undefined> {
    const text = await textOf(this.#source, id)
    const parsed = text === undefined ? undefined : parsedJson(text)
    const ours = parsed?.namespace === 'wellspring' ? kindsByName.get(parsed.name ?? '') : undefined
    if (text === undefined || !ours) return undefined
    const type = avro.Type.forSchema(parsed as avro.Schema)
    return {
      type,
      kind: ours.kind,
      // A registry may write a schema in another form: the same schema keeps one id on the target.
      text: ours.canonical === canonicalJson(parsed) ? ours.text : text,
      holdsPositions: holdsPositions(type),
      ids: new Map(),
    }
  }

  async #targetId({ ids, text, type }: KnownSchema, subject: string): Promise<number> {
    let id = ids.get(subject)
    if (id === undefined) {
      id = await this.#target.idOf(subject, text).catch((error: unknown) => {
        if (!(error instanceof LogError) || error.code !== 'unknown_schema') throw error
        throw new LogError(
          'unknown_schema',
          `a schema ${shortName(type)} of the source is not registered under ${subject}: add --apply, which registers what is missing`,
          { cause: error },
        )
      })
      ids.set(subject, id)
    }
    return id
  }
}

async function textOf(schemas: SchemaStore, id: number): Promise<string | undefined> {
  try {
    return await schemas.schemaOf(id)
  } catch (error) {
    if (error instanceof LogError && error.code === 'unknown_schema') return undefined
    throw error
  }
}

/** The schema of a text; undefined for one in no JSON, such as Protobuf. */
function parsedJson(text: string): { name?: string; namespace?: string } | undefined {
  try {
    return (JSON.parse(text) as object | null) ?? undefined
  } catch {
    return undefined
  }
}

function bodyOf(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset + prefixBytes, value.byteLength - prefixBytes)
}

function withId(value: Uint8Array, id: number): Buffer {
  const changed = Buffer.from(value)
  changed.writeUInt32BE(id, 1)
  return changed
}

function encoded(type: Type, record: unknown, id: number): Buffer {
  const head = Buffer.alloc(prefixBytes)
  head.writeUInt32BE(id, 1)
  return Buffer.concat([head, type.toBuffer(record)])
}

/** A JSON value as text that does not depend on the order of keys. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  )
}
