import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { generateTypes, schemasOf } from '../../schemas/generate-types.ts'

interface Field {
  name: string
  type: unknown
  doc?: string
}
interface DocumentedField extends Field {
  /** `Record.field`. */
  path: string
}

const kinds = schemasOf('schemas')

/** Every field of every record that a schema holds. */
function fieldsOf(schema: unknown): DocumentedField[] {
  if (Array.isArray(schema)) return schema.flatMap(fieldsOf)
  if (typeof schema !== 'object' || schema === null) return []
  const {
    name,
    fields = [],
    items,
    values,
  } = schema as { name?: string; fields?: Field[]; items?: unknown; values?: unknown }
  return [
    ...fields.flatMap((field) => [{ ...field, path: `${name}.${field.name}` }, ...fieldsOf(field.type)]),
    ...fieldsOf(items),
    ...fieldsOf(values),
  ]
}

function isNumeric(type: unknown): boolean {
  if (typeof type === 'string') return ['int', 'long', 'float', 'double'].includes(type)
  if (Array.isArray(type)) return type.some(isNumeric)
  const { items, values } = type as { items?: unknown; values?: unknown }
  return (items !== undefined && isNumeric(items)) || (values !== undefined && isNumeric(values))
}

/** What a number is: a quantity in a unit, a share, a place or rank, a seed, or a count of something. */
const quantities = [
  /\b(milliseconds|seconds|bytes|MiB|tokens|unit vector)\b/i,
  /\b\d+ to \d+\b/,
  /\b(number of|ordinal|offsets?|partition|seed|version|from [01])\b/i,
  /\bin the (unit|currency)\b/i,
  /^(how many|most|least|fewest)\b/i,
  /^((\w+ )?(attempts|calls|draws|generations|problems|records|test cases|votes)|units of work)\b/i,
]

function withoutUnit(fields: readonly DocumentedField[]): string[] {
  return fields
    .filter(({ type }) => isNumeric(type))
    .filter(({ doc = '' }) => !quantities.some((quantity) => quantity.test(doc)))
    .map(({ path, doc }) => `${path}: ${doc}`)
}

describe('schemas/', () => {
  it('generated.ts is what the .avsc files say', () => {
    expect(readFileSync('schemas/generated.ts', 'utf8'), 'stale; run: npm run generate').toBe(generateTypes('schemas'))
  })

  it.each(kinds)('%s and all its fields are documented', (_, schema) => {
    expect((JSON.parse(schema) as { doc?: string }).doc).toMatch(/\.$/)
    const fields = fieldsOf(JSON.parse(schema))
    expect(fields).not.toEqual([])
    expect(fields.filter(({ doc = '' }) => !/^\S.*[.?]$/.test(doc)).map(({ path }) => path)).toEqual([])
  })

  it.each(kinds)('%s says of every number what it counts or measures', (_, schema) => {
    expect(withoutUnit(fieldsOf(JSON.parse(schema)))).toEqual([])
  })

  it('would find a number without a unit, in whatever it is wrapped', () => {
    const field = (name: string, type: unknown, doc: string): Field => ({ name, type, doc })
    const inner = { type: 'record', name: 'Inner', fields: [field('latency', ['null', 'double'], 'How slow it was.')] }
    const fields = [
      field('size', 'long', 'The size.'),
      field('sizeBytes', 'long', 'Size in bytes.'),
      field('inner', { type: 'array', items: inner }, 'Parts.'),
      field('shares', { type: 'map', values: 'float' }, 'Shares by domain.'),
    ]
    expect(withoutUnit(fieldsOf({ type: 'record', name: 'Outer', fields }))).toEqual([
      'Outer.size: The size.',
      'Inner.latency: How slow it was.',
      'Outer.shares: Shares by domain.',
    ])
  })

  it('names files after their records and fields in camelCase', () => {
    for (const [kind, schema] of kinds) {
      const { name, namespace } = JSON.parse(schema) as { name: string; namespace: string }
      expect(name.replace(/(?<!^)[A-Z]/g, '-$&').toLowerCase()).toBe(kind)
      expect(namespace).toBe('wellspring')
      for (const field of fieldsOf(JSON.parse(schema))) expect(field.name, field.path).toMatch(/^[a-z][A-Za-z0-9]*$/)
    }
  })
})
