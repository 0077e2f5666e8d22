import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  deadLetterHeaders,
  keptCallKey,
  parseKeptCallKey,
  positionTypes,
  progressFields,
  redrivenHeader,
} from '../../../engine/copy/positions.ts'
import { copyWaves } from '../../../engine/copy/record-copy.ts'
import { processors } from '../../../processors/index.ts'
import { schemasOf } from '../../../schemas/generate-types.ts'
import { deadLetters, topics, topicSpecifications, type Topic } from '../../../topics/catalogue.ts'

interface Field {
  name: string
  type: unknown
  doc?: string
}

/** A field of a record type, with the type's name. */
interface NumberField extends Field {
  record: string
}

/** Every field of every record that a schema holds. */
function fieldsOf(schema: unknown): NumberField[] {
  if (Array.isArray(schema)) return schema.flatMap(fieldsOf)
  if (typeof schema !== 'object' || schema === null) return []
  const {
    name = '',
    fields = [],
    items,
    values,
  } = schema as { name?: string; fields?: Field[] } & Record<string, unknown>
  return [
    ...fields.flatMap((field) => [{ ...field, record: name }, ...fieldsOf(field.type)]),
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

/** Words that every number of the log's is described with: test/schemas/schemas.test.ts wants one of them, or a unit, of every number. */
const placeWords = /\b(offsets?|partitions?|positions?)\b/i

/** Numbers that are described so and move as they are, and why. */
const unmoved: Readonly<Record<string, string>> = {
  'LedgerEntry.task': 'tasks have the same numbers on every log',
  'Expense.task': 'tasks have the same numbers on every log',
}

const kinds = schemasOf('schemas')
const placeFields = kinds
  .flatMap(([, text]) => fieldsOf(JSON.parse(text)))
  .filter(
    ({ name, type, doc = '' }) => isNumeric(type) && (placeWords.test(doc) || /offset|partition|position/i.test(name)),
  )
  .map(({ record, name }) => `${record}.${name}`)

describe('the positions that moving a corpus knows of', () => {
  it('are all numbers of all schemas that say where something lies', () => {
    const declared = [
      ...Object.entries(positionTypes).flatMap(([type, { partition, offset }]) => [
        `${type}.${partition}`,
        `${type}.${offset}`,
      ]),
      `${progressFields.type}.${progressFields.nextOffset}`,
      `${progressFields.type}.${progressFields.unfinished}`,
      ...Object.keys(unmoved),
    ]
    expect(
      [...new Set(placeFields)].sort(),
      'a field that says where something lies is not declared in engine/copy/positions.ts',
    ).toEqual(declared.sort())
  })

  it('would miss no number that is called or described as one', () => {
    const schema = {
      type: 'record',
      name: 'Plan',
      fields: [
        { name: 'at', type: ['null', 'long'], doc: 'Offset of the record.' },
        { name: 'verdictOffset', type: 'long', doc: 'Where it lies, from 0.' },
        { name: 'places', type: { type: 'array', items: 'long' }, doc: 'Positions of the verdicts.' },
      ],
    }
    const found = fieldsOf(schema).filter(
      ({ name, type, doc = '' }) =>
        isNumeric(type) && (placeWords.test(doc) || /offset|partition|position/i.test(name)),
    )
    expect(found.map(({ name }) => name)).toEqual(['at', 'verdictOffset', 'places'])
  })

  it('name topics of the catalogue', () => {
    const names = topicSpecifications().map(({ name }) => name)
    for (const { topic } of Object.values(positionTypes)) if ('name' in topic) expect(names).toContain(topic.name)
  })

  it('are none in a table: its records may be compacted away', () => {
    const tables = topicSpecifications().flatMap(({ name, compacted }) => (compacted ? [name] : []))
    expect(tables.length).toBeGreaterThan(0)
    for (const { topic } of Object.values(positionTypes)) if ('name' in topic) expect(tables).not.toContain(topic.name)
    for (const { inputs } of processors)
      for (const { name } of Object.values(inputs)) expect(tables).not.toContain(name)
  })

  it('are those of the headers of dead letters', () => {
    expect(Object.values(deadLetterHeaders)).toEqual([
      '__connect.errors.topic',
      '__connect.errors.partition',
      '__connect.errors.offset',
    ])
    expect(redrivenHeader).toBe('wellspring.redriven')
  })
})

describe('the order in which topics are copied', () => {
  const waves = copyWaves()

  it('has every topic once', () => {
    expect(waves.flat().sort()).toEqual(
      topicSpecifications()
        .map(({ name }) => name)
        .sort(),
    )
  })

  it('has a topic after those that its records name positions in', () => {
    const waveOf = (name: string): number => waves.findIndex((wave) => wave.includes(name))
    for (const [kind, text] of kinds) {
      const types = new Set(fieldsOf(JSON.parse(text)).map(({ record }) => record))
      for (const topic of (Object.values(topics) as Topic[]).filter((one) => one.kind === kind)) {
        for (const [type, declared] of Object.entries(positionTypes)) {
          if (!types.has(type)) continue
          const named =
            'name' in declared.topic ? [declared.topic.name] : waves.flat().filter((name) => name !== topic.name)
          for (const name of named.filter((one) => one !== deadLetters.name))
            expect(waveOf(topic.name), `${topic.name} names ${name}`).toBeGreaterThan(waveOf(name))
        }
      }
    }
    expect(waveOf(deadLetters.name)).toBe(waves.length - 1)
  })
})

describe('the key of a kept call', () => {
  it('tells the record and the purpose, whatever the purpose is', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...topicSpecifications().map(({ name }) => name)),
        fc.nat(),
        fc.string({ minLength: 1 }),
        (topic, offset, purpose) => {
          expect(parseKeptCallKey(keptCallKey(topic, offset, purpose))).toEqual({ topic, offset, purpose })
        },
      ),
    )
  })

  it('is no key of a processor', () => {
    expect(parseKeptCallKey('s:problem-1')).toBeUndefined()
    expect(parseKeptCallKey('s:c:rollouts/1/test-1')).toBeUndefined()
  })
})
