/**
 * Records to bytes and back: Avro in the Confluent wire format (a zero byte, the schema id as a big-endian 32-bit number,
 * the Avro body), on both logs. A record written by another version of its schema is read by Avro's resolution rules.
 */
import avro from 'avsc'
import { schemaTexts, type RecordTypes } from '../schemas/generated.ts'
import { boundAvroCounts } from './avro-bounds.ts'
import type { RecordKind } from './catalogue.ts'
import { LogError, type SchemaStore } from './log.ts'

const magicByte = 0
const prefixBytes = 5

/** Bytes that are no record of the kind that was asked for. The message says what was found. */
export class UndecodableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UndecodableError'
  }
}

interface KindCodec {
  type: avro.Type
  text: string
  /** Ids under which this schema may be written, by subject. */
  ids: Map<string, number>
  resolvers: Map<number, avro.Resolver>
}

/** Encodes and decodes all record kinds against one log's schema ids. */
export class RecordCodec {
  readonly #schemas: SchemaStore
  readonly #kinds = new Map<RecordKind, KindCodec>()
  readonly #writers = new Map<number, avro.Type>()
  /** Ids of schemas that are no Avro, or Avro that can't be read: other languages' and references. */
  readonly #foreign = new Map<number, string>()

  constructor(schemas: SchemaStore) {
    boundAvroCounts()
    this.#schemas = schemas
  }

  /** Resolves the schema id of a kind under a subject; needed once before `encode`. @throws LogError */
  async prepare(subject: string, kind: RecordKind): Promise<void> {
    const codec = this.#kind(kind)
    if (codec.ids.has(subject)) return
    const id = await this.#schemas.idOf(subject, codec.text)
    codec.ids.set(subject, id)
    this.#writers.set(id, codec.type)
  }

  /** The record in the wire format. @throws TypeError naming the field that does not fit its schema: a bug of the caller. */
  encode<Kind extends RecordKind>(subject: string, kind: Kind, record: RecordTypes[Kind]): Buffer {
    const codec = this.#kind(kind)
    const id = codec.ids.get(subject)
    if (id === undefined) throw new TypeError(`no schema id for subject ${subject}: call prepare first`)
    let body: Buffer
    try {
      body = codec.type.toBuffer(record)
    } catch (cause) {
      throw new TypeError(`a ${kind} for ${subject} does not fit its schema: ${misfit(codec.type, record)}`, { cause })
    }
    const bytes = Buffer.allocUnsafe(prefixBytes + body.length)
    bytes[0] = magicByte
    bytes.writeUInt32BE(id, 1)
    body.copy(bytes, prefixBytes)
    return bytes
  }

  /** Fetches the writer's schema where it is not known yet; needed before `decode` of bytes that another version may have written. */
  async learn(value: Uint8Array): Promise<void> {
    const id = schemaIdOf(value)
    if (id === undefined || this.knows(value)) return
    const text = await this.#schemas.schemaOf(id).catch((error: unknown) => {
      if (error instanceof LogError && error.code === 'unknown_schema') return undefined
      throw error
    })
    if (text === undefined) return
    try {
      this.#writers.set(id, avro.Type.forSchema(JSON.parse(text) as avro.Schema))
    } catch (error) {
      this.#foreign.set(id, (error as Error).message)
    }
  }

  /** Whether `decode` can go ahead without `learn`. */
  knows(value: Uint8Array): boolean {
    const id = schemaIdOf(value)
    return id === undefined || this.#writers.has(id) || this.#foreign.has(id)
  }

  /** The record of these bytes. @throws UndecodableError */
  decode<Kind extends RecordKind>(kind: Kind, value: Uint8Array): RecordTypes[Kind] {
    const id = schemaIdOf(value)
    if (id === undefined) {
      throw new UndecodableError(`expected an Avro record (a zero byte and a schema id), got ${describeBytes(value)}`)
    }
    const writer = this.#writers.get(id)
    const foreign = this.#foreign.get(id)
    if (foreign !== undefined)
      throw new UndecodableError(
        `expected a ${kind}, got a record of schema id ${id}, which is no Avro schema that can be read: ${foreign}`,
      )
    if (!writer) throw new UndecodableError(`schema id ${id} is not known to this log`)
    const codec = this.#kind(kind)
    const body = Buffer.from(value.buffer, value.byteOffset + prefixBytes, value.byteLength - prefixBytes)
    try {
      if (writer === codec.type) return codec.type.fromBuffer(body) as RecordTypes[Kind]
      return codec.type.fromBuffer(body, this.#resolver(codec, id, writer)) as RecordTypes[Kind]
    } catch (cause) {
      if (cause instanceof UndecodableError) throw cause
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new UndecodableError(
        `expected a ${kind}, got ${value.byteLength} bytes of schema ${writer.name ?? id} that do not decode: ${reason}`,
        { cause },
      )
    }
  }

  #resolver(codec: KindCodec, id: number, writer: avro.Type): avro.Resolver {
    const known = codec.resolvers.get(id)
    if (known) return known
    if (writer.name !== codec.type.name) {
      throw new UndecodableError(`expected a ${String(codec.type.name)}, got a ${String(writer.name)}`)
    }
    const resolver = codec.type.createResolver(writer)
    codec.resolvers.set(id, resolver)
    return resolver
  }

  #kind(kind: RecordKind): KindCodec {
    const known = this.#kinds.get(kind)
    if (known) return known
    const text = schemaTexts[kind]
    const codec: KindCodec = {
      type: avro.Type.forSchema(JSON.parse(text) as avro.Schema),
      text,
      ids: new Map(),
      resolvers: new Map(),
    }
    this.#kinds.set(kind, codec)
    return codec
  }
}

/** The schema id that opens a value in the wire format; undefined where it does not. */
export function schemaIdOf(value: Uint8Array): number | undefined {
  if (value.byteLength < prefixBytes || value[0] !== magicByte) return undefined
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).readUInt32BE(1)
}

/** Where and how a record does not fit, as `path: value`. */
function misfit(type: avro.Type, record: unknown): string {
  const faults: string[] = []
  type.isValid(record, { errorHook: (path, value) => faults.push(`${path.join('.')}: ${describeValue(value)}`) })
  return faults.slice(0, 3).join('; ') || 'unknown field'
}

function describeValue(value: unknown): string {
  if (value === undefined) return 'missing'
  const text = JSON.stringify(value) ?? typeof value
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}

function describeBytes(value: Uint8Array): string {
  if (value.byteLength === 0) return 'nothing'
  const start = [...value.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
  return `${value.byteLength} bytes beginning ${start}`
}
