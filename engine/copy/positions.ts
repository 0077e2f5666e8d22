/**
 * Where records, headers and state hold positions of the log: the one place that moving a corpus to another log knows them from. A
 * test holds it against every schema, so that a new field of that sort can't be forgotten.
 */
import type { Type } from 'avsc'
import type { AttemptVerdict, CountedVerdict, Discard, InputProgress, PassedVerdict } from '../../schemas/generated.ts'
import { topics } from '../../topics/catalogue.ts'

/** How a record type names a position, by its fields. */
interface PositionFields<Field extends string = string> {
  /** The topic itself, or the field that names it. */
  topic: { name: string } | { field: Field }
  partition: Field
  offset: Field
}

/** How one does, with the fields checked. */
function position<Value>(fields: PositionFields<string & keyof Value>): PositionFields {
  return fields
}

const inVerdicts = { topic: { name: topics.verdicts.name }, partition: 'partition', offset: 'offset' } as const

/** Record types that name a position, by their names in the schemas, wherever they are nested. */
export const positionTypes: Readonly<Record<string, PositionFields>> = {
  AttemptVerdict: position<AttemptVerdict>(inVerdicts),
  CountedVerdict: position<CountedVerdict>(inVerdicts),
  PassedVerdict: position<PassedVerdict>(inVerdicts),
  Discard: position<Discard>({ topic: { field: 'topic' }, partition: 'partition', offset: 'offset' }),
}

/** How progress tells how far a task is in one input: in the partition of the task's number. */
export const progressFields = {
  type: 'InputProgress',
  topic: 'topic',
  nextOffset: 'nextOffset',
  unfinished: 'unfinished',
} as const satisfies Record<string, 'InputProgress' | keyof InputProgress>

/** Headers of a dead letter that name where its record lay. */
export const deadLetterHeaders = {
  topic: '__connect.errors.topic',
  partition: '__connect.errors.partition',
  offset: '__connect.errors.offset',
} as const

/** Header of a dead letter that holds the beginning of its record alone, as the whole is more than a log takes; its value is the record's bytes. */
export const beginningOfHeader = 'wellspring.beginning-of-bytes'

/** Header of the mark that a dead letter was put back; its value is the letter's `partition/offset`. */
export const redrivenHeader = 'wellspring.redriven'

/** Offset of a position whose record its log does not hold any more: retention took it before the corpus was moved. */
export const goneOffset = -1

const keptCallPrefix = 'c:'
const keptCallPattern = /^c:([^/]+)\/(\d+)\/(.+)$/s

/** Key in a task's state under which a finished call of an unfinished record is kept. */
export function keptCallKey(topic: string, offset: number, purpose: string): string {
  return `${keptCallPrefix}${topic}/${offset}/${purpose}`
}

/** What a state key says if it is that of a kept call. */
export function parseKeptCallKey(key: string): { topic: string; offset: number; purpose: string } | undefined {
  const [, topic, offset, purpose] = keptCallPattern.exec(key) ?? []
  return topic === undefined || purpose === undefined ? undefined : { topic, offset: Number(offset), purpose }
}

/** The parts of avsc's types that a walk over a value needs. */
interface WalkedType {
  typeName: string
  name?: string
  fields?: readonly { name: string; type: Type }[]
  itemsType?: Type
  valuesType?: Type
  types?: readonly Type[]
}

function walked(type: Type): WalkedType {
  return type as unknown as WalkedType
}

/** The name of a record type without its namespace. */
export function shortName(type: Type): string {
  const { name = '' } = walked(type)
  return name.slice(name.lastIndexOf('.') + 1)
}

function partsOf(type: Type): readonly Type[] {
  const { fields, itemsType, valuesType, types } = walked(type)
  return fields?.map((field) => field.type) ?? types ?? [itemsType, valuesType].filter((part) => part !== undefined)
}

const knownHolders = new WeakMap<Type, boolean>()

/** Whether values of a type may name positions. No schema of ours is recursive. */
export function holdsPositions(type: Type): boolean {
  let holds = knownHolders.get(type)
  if (holds === undefined) {
    holds = shortName(type) in positionTypes || partsOf(type).some(holdsPositions)
    knownHolders.set(type, holds)
  }
  return holds
}

/** Replaces the offset of every position that a decoded value names, in place. */
export function replaceOffsets(
  type: Type,
  value: unknown,
  offsetOf: (topic: string, partition: number, offset: number) => number,
): void {
  if (typeof value !== 'object' || value === null || !holdsPositions(type)) return
  const { typeName, fields, itemsType, valuesType, types } = walked(type)
  if (typeName === 'record') {
    const record = value as Record<string, unknown>
    const declared = positionTypes[shortName(type)]
    if (declared) {
      const topic = 'name' in declared.topic ? declared.topic.name : String(record[declared.topic.field])
      const at = record[declared.offset] as number
      record[declared.offset] = at < 0 ? at : offsetOf(topic, record[declared.partition] as number, at)
    }
    for (const field of fields ?? []) replaceOffsets(field.type, record[field.name], offsetOf)
  } else if (Array.isArray(value)) {
    if (itemsType) for (const item of value) replaceOffsets(itemsType, item, offsetOf)
  } else if (typeName === 'map') {
    if (valuesType) for (const item of Object.values(value)) replaceOffsets(valuesType, item, offsetOf)
  } else {
    const branch = types?.find((one) => holdsPositions(one) && one.isValid(value))
    if (branch) replaceOffsets(branch, value, offsetOf)
  }
}

/** Whether values of a type may name positions in topics that they tell themselves. */
export function namesAnyTopic(type: Type): boolean {
  const declared = walked(type).typeName === 'record' ? positionTypes[shortName(type)] : undefined
  return (declared !== undefined && 'field' in declared.topic) || partsOf(type).some(namesAnyTopic)
}
