import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { schemaTexts, type RecordTypes } from '../../schemas/generated.ts'
import type { RecordKind } from '../../topics/catalogue.ts'
import { RecordCodec, UndecodableError, schemaIdOf } from '../../topics/codec.ts'
import { LogError, type SchemaStore } from '../../topics/log.ts'
import { processorMilliseconds } from '../processor-time.ts'

/** Schema ids as a log gives them out: one for each text, from `firstId` on. */
class Schemas implements SchemaStore {
  readonly #texts: string[] = []
  readonly #firstId: number
  constructor(firstId = 1) {
    this.#firstId = firstId
  }
  async idOf(_subject: string, schema: string): Promise<number> {
    if (!this.#texts.includes(schema)) this.#texts.push(schema)
    return this.#firstId + this.#texts.indexOf(schema)
  }
  async schemaOf(id: number): Promise<string> {
    const text = this.#texts[id - this.#firstId]
    if (text === undefined) throw new LogError('unknown_schema', `no schema has the id ${id}`)
    return text
  }
}

const kinds = Object.keys(schemaTexts) as RecordKind[]
/** Any value of an Avro type; `named` holds the types that were defined before. */
function anyOf(type: unknown, named = new Map<string, fc.Arbitrary<unknown>>()): fc.Arbitrary<unknown> {
  if (Array.isArray(type)) return fc.oneof(...type.map((branch) => anyOf(branch, named)))
  if (typeof type === 'string') {
    const primitives: Record<string, fc.Arbitrary<unknown>> = {
      null: fc.constant(null),
      boolean: fc.boolean(),
      int: fc.integer(),
      // What avsc keeps exact of 64 bits.
      long: fc.integer({ min: -(2 ** 52), max: 2 ** 53 - 2 }),
      float: fc.float({ noNaN: true }),
      double: fc.double({ noNaN: true }),
      string: fc.string({ unit: 'binary' }),
      bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    }
    const known = primitives[type] ?? named.get(type)
    if (!known) throw new Error(`${type} is not defined before its use`)
    return known
  }
  const {
    type: of,
    name,
    symbols,
    items,
    values,
    fields,
  } = type as {
    type: string
    name: string
    symbols: string[]
    items: unknown
    values: unknown
    fields: { name: string; type: unknown }[]
  }
  if (of === 'array') return fc.array(anyOf(items, named), { maxLength: 4 })
  if (of === 'map') return fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), anyOf(values, named), { maxKeys: 4 })
  const made =
    of === 'enum'
      ? fc.constantFrom(...symbols)
      : fc.record(Object.fromEntries(fields.map((field) => [field.name, anyOf(field.type, named)])))
  named.set(`wellspring.${name}`, made)
  return made
}

function anyRecord<Kind extends RecordKind>(kind: Kind): fc.Arbitrary<RecordTypes[Kind]> {
  return anyOf(JSON.parse(schemaTexts[kind])) as fc.Arbitrary<RecordTypes[Kind]>
}

/** One record of a kind, always the same. */
function oneRecord<Kind extends RecordKind>(kind: Kind): RecordTypes[Kind] {
  return fc.sample(anyRecord(kind), { seed: 1, numRuns: 1 })[0] as RecordTypes[Kind]
}

async function prepared(kind: RecordKind, schemas: SchemaStore = new Schemas()): Promise<RecordCodec> {
  const codec = new RecordCodec(schemas)
  await codec.prepare('subject', kind)
  return codec
}

/** A value in the wire format. */
function wire(id: number, body: Buffer): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(id, 1)
  return Buffer.concat([prefix, body])
}

describe('RecordCodec', () => {
  it('writes a zero byte, the schema id as a big-endian 32-bit number, and the Avro body', async () => {
    const codec = await prepared('drawn-combination', new Schemas(0x01020304))
    const bytes = codec.encode('subject', 'drawn-combination', { draws: 3, remaining: 0, combination: null })
    expect([...bytes]).toEqual([0, 1, 2, 3, 4, 6, 0, 0])
    expect(schemaIdOf(bytes)).toBe(0x01020304)
  })

  it.each(kinds)('reads back any %s as it was written', async (kind) => {
    const codec = await prepared(kind)
    fc.assert(
      fc.property(anyRecord(kind), (record) => {
        const bytes = codec.encode('subject', kind, record)
        // A copy without the prototypes of either side.
        expect(structuredClone(codec.decode(kind, bytes))).toEqual(structuredClone(record))
      }),
      { numRuns: 50 },
    )
  })

  it('reads a value that lies inside a larger buffer', async () => {
    const codec = await prepared('seed')
    const record = oneRecord('seed')
    const bytes = codec.encode('subject', 'seed', record)
    const larger = Buffer.concat([Buffer.from('before'), bytes, Buffer.from('after')])
    expect(codec.decode('seed', new Uint8Array(larger.buffer, larger.byteOffset + 6, bytes.length))).toEqual(record)
  })

  it.each(kinds)('reads a %s of an older version without its fields that have defaults', async (kind) => {
    interface Schema {
      fields: { name: string; type: unknown; default?: unknown }[]
    }
    const schema = JSON.parse(schemaTexts[kind]) as Schema
    // A type that is defined within a field that goes would be missed by later fields.
    const removable = schema.fields.filter((field) => 'default' in field && !JSON.stringify(field).includes('"fields"'))
    const older = { ...schema, fields: schema.fields.filter((field) => !removable.includes(field)) }
    const schemas = new Schemas()
    const olderType = avro.Type.forSchema(older as unknown as avro.Schema)
    const bytes = wire(await schemas.idOf('subject', JSON.stringify(older)), olderType.toBuffer(olderType.random()))
    const codec = await prepared(kind, schemas)
    expect(codec.knows(bytes)).toBe(removable.length === 0)
    await codec.learn(bytes)
    expect(codec.knows(bytes)).toBe(true)
    const valueOf = ({ type, default: value }: Schema['fields'][number]): unknown =>
      type === 'bytes' ? Buffer.from(value as string, 'latin1') : value
    const defaults = Object.fromEntries(removable.map((field) => [field.name, valueOf(field)]))
    expect(codec.decode(kind, bytes)).toMatchObject(defaults)
  })

  it('refuses a record of another schema and names both', async () => {
    const schemas = new Schemas()
    const bytes = (await prepared('seed', schemas)).encode('subject', 'seed', oneRecord('seed'))
    const codec = await prepared('problem', schemas)
    await codec.learn(bytes)
    expect(() => codec.decode('problem', bytes)).toThrow(
      new UndecodableError('expected a wellspring.Problem, got a wellspring.Seed'),
    )
  })

  it.each([
    ['nothing', Buffer.alloc(0), 'got nothing'],
    ['JSON', Buffer.from('{"id":1}'), 'got 8 bytes beginning 7b 22 69 64 22 3a 31 7d'],
    ['a prefix that is cut off', Buffer.from([0, 0, 0, 0]), 'got 4 bytes beginning 00 00 00 00'],
  ])('refuses %s and says what it found', async (_, bytes, found) => {
    const codec = await prepared('seed')
    await codec.learn(bytes)
    expect(codec.knows(bytes)).toBe(true)
    expect(() => codec.decode('seed', bytes)).toThrow(UndecodableError)
    expect(() => codec.decode('seed', bytes)).toThrow(found)
  })

  it('refuses a schema id that the log does not know', async () => {
    const codec = await prepared('seed')
    const bytes = wire(77, Buffer.from([0]))
    expect(codec.knows(bytes)).toBe(false)
    await codec.learn(bytes)
    expect(() => codec.decode('seed', bytes)).toThrow(new UndecodableError('schema id 77 is not known to this log'))
  })

  it('passes on a failure of the log while it learns a schema', async () => {
    const lost = new LogError('unreachable', 'the log does not answer')
    const schemas = new Schemas()
    schemas.schemaOf = () => Promise.reject(lost)
    await expect(new RecordCodec(schemas).learn(wire(1, Buffer.alloc(1)))).rejects.toBe(lost)
  })

  it('refuses a value that is cut off at any byte, or longer than its record', async () => {
    const codec = await prepared('verdict')
    const bytes = codec.encode('subject', 'verdict', oneRecord('verdict'))
    for (let length = 0; length < bytes.length; length++)
      expect(() => codec.decode('verdict', bytes.subarray(0, length)), `${length} bytes`).toThrow(UndecodableError)
    expect(() => codec.decode('verdict', Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(UndecodableError)
  })

  it('names the field of a record that does not fit, and what it holds', async () => {
    const codec = await prepared('seed')
    const seed = oneRecord('seed')
    const encode = (record: unknown): Buffer => codec.encode('subject', 'seed', record as RecordTypes['seed'])
    expect(() => encode({ ...seed, createdAtMs: 'yesterday' })).toThrow(
      new TypeError('a seed for subject does not fit its schema: createdAtMs: "yesterday"'),
    )
    expect(() => encode({ ...seed, statement: undefined })).toThrow('statement: missing')
    expect(() => encode({ ...seed, parentIds: ['a', 2] })).toThrow('parentIds.1: 2')
    expect(() => encode({ ...seed, statement: 7, source: 'x'.repeat(1000) })).toThrow(/statement: 7$/)
  })

  it('encodes nothing under a subject that was not prepared', async () => {
    const codec = await prepared('seed')
    expect(() => codec.encode('other', 'seed', oneRecord('seed'))).toThrow('no schema id for subject other')
  })
})

describe('a hostile value', () => {
  /** A count as Avro writes it: zigzag, seven bits a byte. */
  const long = (value: number): number[] => {
    const bytes: number[] = []
    let left = BigInt(value) * 2n
    for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128)
    return [...bytes, Number(left)]
  }

  it('does not decode when a list claims more entries than it has bytes', async () => {
    const schemas = new Schemas()
    const codec = new RecordCodec(schemas)
    await codec.prepare('votes', 'answer-votes')
    const good = codec.encode('votes', 'answer-votes', { asked: 8, notAsked: 0, counted: 0, classes: [] })
    // asked, counted, then the count of the list of classes, twenty million, and nothing behind it.
    const hostile = Buffer.concat([good.subarray(0, 5), Buffer.from([16, 0, ...long(20_000_000)])])
    const spent = processorMilliseconds(() => {
      expect(() => codec.decode('answer-votes', hostile)).toThrow(/claims 20000000 entries in 0 bytes/)
    })
    expect(spent).toBeLessThan(1000)
  })

  it('does not decode when a map claims more entries than it has bytes', async () => {
    const codec = new RecordCodec(new Schemas())
    await codec.prepare('ledger', 'task-counts')
    const counts = { finished: 0, discarded: 0, deadLettered: 0, entered: 0, left: 0 }
    const calls = { calls: 0, promptTokens: 0, completionTokens: 0, callSeconds: 0 }
    const good = codec.encode('ledger', 'task-counts', { ...counts, ...calls, emitted: {}, discards: {} })
    const hostile = Buffer.concat([good.subarray(0, good.length - 1), Buffer.from(long(2 ** 50))])
    expect(() => codec.decode('task-counts', hostile)).toThrow(/entries in 0 bytes/)
  })
})
