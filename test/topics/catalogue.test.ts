import { describe, expect, it } from 'vitest'
import { processors } from '../../processors/index.ts'
import { schemaTexts } from '../../schemas/generated.ts'
import {
  deadLetters,
  topicNamed,
  topics,
  topicSpecifications,
  type RecordKind,
  type Topic,
} from '../../topics/catalogue.ts'

const all: Topic[] = Object.values(topics)
const kinds = Object.keys(schemaTexts) as RecordKind[]

/** Names that are no plural, and why. */
const notPlural: Record<string, string> = { ledger: 'one ledger, whose entries are its records' }

describe('the catalogue', () => {
  it('gives every topic a name of its own, and finds it by that name', () => {
    const names = topicSpecifications().map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const topic of all) expect(topicNamed(topic.name)).toBe(topic)
    expect(topicNamed('no-such-topic')).toBeUndefined()
  })

  it('names topics by the plural of their records, in kebab-case', () => {
    const singular = all.filter(({ name }) => !/^[a-z]+(-[a-z]+)*s$/.test(name)).map(({ name }) => name)
    expect(singular).toEqual(Object.keys(notPlural))
  })

  it('spells the key of the object as the name of the topic', () => {
    for (const [key, { name }] of Object.entries(topics))
      expect(key).toBe(name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()))
  })

  /** Problems are compared with all before them, so they pass one task. */
  const ordered: readonly Topic[] = [topics.problems, topics.votedProblems]

  it('keeps a whole life of a problem in one partition number: all topics by its id have the same count', () => {
    const byProblem = all.filter(
      (topic) =>
        // A table is read whole, wherever its records lie.
        topic.retention !== 'table' &&
        !ordered.includes(topic) &&
        (topic.key === 'problemId' || topic.kind === 'problem'),
    )
    expect(byProblem.length).toBeGreaterThan(8)
    expect(new Set(byProblem.map(({ partitions }) => partitions)).size).toBe(1)
  })

  it('gives one partition to tables and to the topics that screening orders', () => {
    const tables = [...ordered, ...all.filter(({ retention }) => retention === 'table')]
    expect(tables.filter(({ partitions }) => partitions !== 1)).toEqual([])
    const readAsTables = processors.flatMap((one) => Object.values(one.tables).map(({ topic }) => topic))
    expect(readAsTables.filter(({ partitions }) => partitions !== 1)).toEqual([])
  })

  it('co-partitions the inputs of every processor: its task is one partition number of them all', () => {
    for (const { name, inputs } of processors)
      expect(new Set(Object.values(inputs).map(({ partitions }) => partitions)).size, name).toBeLessThanOrEqual(1)
  })

  it('keys every record by fields that it has', () => {
    for (const { name, key, kind, keyOf } of all) {
      const { fields } = JSON.parse(schemaTexts[kind]) as { fields: { name: string }[] }
      const keyFields = key.split('/')
      for (const keyField of keyFields)
        expect(
          fields.map((field) => field.name),
          name,
        ).toContain(keyField)
      const record = Object.fromEntries(keyFields.map((keyField) => [keyField, `the ${keyField}`]))
      expect(keyOf(record as never), name).toBe(keyFields.map((keyField) => `the ${keyField}`).join('/'))
    }
    const entry = { processor: 'roll-out', task: 3 } as Parameters<typeof topics.ledger.keyOf>[0]
    expect(topics.ledger.keyOf(entry)).toBe('roll-out/3')
  })

  it('compacts tables alone', () => {
    const tables = all.filter(({ retention }) => retention === 'table').map(({ name }) => name)
    const compacted = topicSpecifications().filter((one) => one.compacted)
    expect(compacted.map(({ name }) => name)).toEqual(tables)
    expect(topicSpecifications()).toContainEqual(deadLetters)
  })

  it('has no topic that nothing writes and none that nothing reads, but the edges of the stream', () => {
    const written = new Set(processors.flatMap(({ outputs }) => Object.values<Topic>(outputs)))
    const read = new Set<Topic>(
      processors.flatMap(({ inputs, tables, reads = [] }) => [
        ...Object.values(inputs),
        ...Object.values(tables).map(({ topic }) => topic),
        ...reads,
      ]),
    )
    const names = (wanted: (topic: Topic) => boolean): string[] => all.filter(wanted).map(({ name }) => name)
    // Ingested; and what the engine itself writes.
    const outside = [
      'seeds',
      'models',
      'benchmarks',
      'retractions',
      'discards',
      'ledger',
      'recipes',
      'expenses',
      'budget-claims',
    ]
    expect(names((topic) => !written.has(topic))).toEqual(outside)
    // What trainers and people read, and what a budget goes by.
    const left = [
      'preference-pairs',
      'sft-examples',
      'em-steps',
      'triples',
      'retractions',
      'recipes',
      'expenses',
      'budget-claims',
    ]
    expect(names((topic) => !read.has(topic))).toEqual(left)
  })

  it('uses every schema: in a topic, as state, by the engine, or as a part of another', () => {
    const used = new Set<RecordKind>(all.map(({ kind }) => kind))
    for (const { state } of processors) if (state) used.add(state.kind)
    for (const kind of ['progress', 'kept-call', 'expense'] as const) used.add(kind)
    const nameOf = (kind: RecordKind): string => (JSON.parse(schemaTexts[kind]) as { name: string }).name
    const isPart = (kind: RecordKind): boolean =>
      kinds.some((other) => other !== kind && schemaTexts[other].includes(`"name":"${nameOf(kind)}"`))
    expect(kinds.filter((kind) => !used.has(kind) && !isPart(kind))).toEqual([])
  })
})
