/** What of the log each processor, and each tool beside them, uses: from the declarations and the catalogue alone. */
import type { Processor } from '../engine/processor.ts'
import { changelogSubjectsOf, followsAnnouncements, groupOf, topicsThatTellSimulated } from '../engine/runtime.ts'
import { processors } from '../processors/index.ts'
import { deadLetters, topics, topicSpecifications, type RecordKind, type Topic } from '../topics/catalogue.ts'
import type { Group, TopicSpecification } from '../topics/log.ts'

/** Topics by name, without the namespace. */
export interface Needs {
  /** Of a processor its own; of a tool what it is called in `wellspring topics acls`. */
  name: string
  reads: readonly string[]
  writes: readonly string[]
}

/** What a processor reads and writes, besides its own changelog. */
export function needsOf(declaration: Processor): Needs {
  const { name, inputs, tables, outputs, roles, reads = [], discards } = declaration
  const read = [
    ...Object.values(inputs),
    ...Object.values(tables).map(({ topic }) => topic),
    ...reads,
    ...(followsAnnouncements(declaration) ? [topics.models] : []),
    ...topicsThatTellSimulated,
  ]
  const written = [
    ...Object.values(outputs),
    topics.ledger,
    topics.recipes,
    ...(roles.length > 0 ? [topics.expenses] : []),
    ...(discards.length > 0 ? [topics.discards] : []),
  ]
  return {
    name,
    reads: namesOf(read),
    // A source has no records that could fail.
    writes: [...namesOf(written), ...(Object.keys(inputs).length > 0 ? [deadLetters.name] : [])],
  }
}

/** Processors by the transient topics that they consume: those whose progress retention goes by. */
export function transientConsumers(): { topic: Topic; consumers: Processor[] }[] {
  return (Object.values(topics) as Topic[])
    .filter(({ retention }) => retention === 'transient')
    .map((topic) => ({
      topic,
      consumers: processors.filter(({ inputs }) => Object.values(inputs).includes(topic)),
    }))
}

/** What the log must hold for these processors, and their groups. */
export function topicsAndGroupsOf(chosen: readonly Processor[]): {
  specifications: TopicSpecification[]
  groups: Group[]
} {
  const names = new Set(chosen.map(needsOf).flatMap(({ reads, writes }) => [...reads, ...writes]))
  return {
    specifications: topicSpecifications().filter(({ name }) => names.has(name)),
    groups: chosen.map(groupOf),
  }
}

/** Every schema that is written in a corpus: its kind and the subject that it stands under, as the codec names them. */
export function schemaSubjects(): { subject: string; kind: RecordKind }[] {
  return [
    ...Object.values(topics).map(({ name, kind }) => ({ subject: name, kind })),
    ...processors.flatMap(changelogSubjectsOf),
  ]
}

function namesOf(list: readonly Topic[]): string[] {
  return [...new Set(list.map(({ name }) => name))]
}
