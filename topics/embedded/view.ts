/**
 * Reading an environment: topics, records, progress, schemas. The same code serves the owner and readers beside it.
 */
import { LogError, type ReadResult, type TaskProgress, type TopicDescription, type TopicSpecification } from '../log.ts'
import { inflateAll, lastOffsetOf, readBatch, type ReadingRecords } from './batch.ts'
import type { Environment } from './environment.ts'
import {
  baseOffsetOfBatchKey,
  batchKey,
  batchKeys,
  decodeExtent,
  decodeSequenced,
  emptyExtent,
  nameOfTopicKey,
  partitionKey,
  progressKeys,
  schemaByIdKey,
  schemaByTextKey,
  taskOfProgressKey,
  topicKey,
  topicKeys,
  type PartitionExtent,
} from './layout.ts'

/** A topic's entry; its key holds namespace and name. */
interface TopicEntry {
  id: number
  partitions: number
  compacted: boolean
}

/** A topic with its name. */
export interface NamedTopic extends TopicEntry {
  namespace: string
  name: string
}

export function findTopic(environment: Environment, namespace: string, name: string): NamedTopic | undefined {
  const value = environment.get(topicKey(namespace, name))
  return value && { namespace, name, ...decodeTopic(value) }
}

function decodeTopic(value: Buffer): TopicEntry {
  return JSON.parse(value.toString()) as TopicEntry
}

/** All topics, or those of one namespace, by name. */
export function listTopics(environment: Environment, namespace?: string): NamedTopic[] {
  const topics: NamedTopic[] = []
  for (const { key, value } of environment.entries(topicKeys())) {
    const place = nameOfTopicKey(key)
    if (namespace === undefined || place.namespace === namespace) topics.push({ ...place, ...decodeTopic(value) })
  }
  // Keys of shorter names come first: by name reads better.
  return topics.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The topics that are not there yet. @throws LogError 'topic_mismatch' */
export function missingTopics(
  topics: readonly TopicSpecification[],
  find: (name: string) => TopicEntry | undefined,
): TopicSpecification[] {
  const names = new Set<string>()
  return topics.filter(({ name, partitions, compacted }) => {
    if (!Number.isInteger(partitions) || partitions < 1)
      throw new RangeError(`topic ${name}: partitions must be a whole number from 1 on, got ${partitions}`)
    if (name === '' || name.includes('\0') || names.has(name))
      throw new RangeError(`topic name ${JSON.stringify(name)} is empty, has a zero byte or is given twice`)
    names.add(name)
    const known = find(name)
    if (!known) return true
    if (known.partitions === partitions && known.compacted === compacted) return false
    throw new LogError(
      'topic_mismatch',
      `topic ${name} has ${kindOf(known)}, expected ${kindOf({ partitions, compacted })}: use the settings it was made with, or a new namespace`,
    )
  })
}

function kindOf(topic: Pick<TopicSpecification, 'partitions' | 'compacted'>): string {
  return `${topic.partitions} ${topic.compacted ? 'compacted' : 'uncompacted'} partitions`
}

export function extentOf(environment: Environment, topicId: number, partition: number): PartitionExtent {
  const value = environment.get(partitionKey(topicId, partition))
  return value ? decodeExtent(value) : { ...emptyExtent }
}

/** @throws LogError 'unknown_topic' for a partition that the topic does not have. */
export function checkPartition(topic: NamedTopic, partition: number): void {
  if (!Number.isInteger(partition) || partition < 0 || partition >= topic.partitions) {
    throw new LogError(
      'unknown_topic',
      `topic ${topic.name} has partitions 0 to ${topic.partitions - 1}, got ${partition}`,
    )
  }
}

export function describeTopics(environment: Environment, namespace: string): TopicDescription[] {
  return listTopics(environment, namespace).map((topic) => {
    const extents = Array.from({ length: topic.partitions }, (_, partition) =>
      extentOf(environment, topic.id, partition),
    )
    return {
      name: topic.name,
      partitions: topic.partitions,
      compacted: topic.compacted,
      startOffsets: extents.map((extent) => extent.start),
      endOffsets: extents.map((extent) => extent.end),
      records: extents.reduce((sum, extent) => sum + extent.records, 0),
      bytes: extents.reduce((sum, extent) => sum + extent.bytes, 0),
    }
  })
}

/** The key of the batch that holds `offset`, or of the first one after it. */
function batchAt(environment: Environment, topicId: number, partition: number, offset: number): Buffer {
  const range = { start: batchKey(topicId, partition, 0), end: batchKey(topicId, partition, offset) }
  for (const key of environment.keys(range, { reverse: true, limit: 1 })) return key
  return range.end
}

/** Reads on from an offset, without waiting. At least one record where there is one. */
export async function readRecords(
  environment: Environment,
  topic: NamedTopic,
  partition: number,
  fromOffset: number,
  maxBytes: number,
): Promise<ReadResult> {
  const { start, end } = extentOf(environment, topic.id, partition)
  const from = Math.max(fromOffset, start)
  // A position past the end is kept: the caller waits for the records to get there.
  if (from >= end) return { records: [], nextOffset: from, startOffset: start, endOffset: end }
  const reading: ReadingRecords = { records: [], deflated: [], bytes: 0 }
  const range = { start: batchAt(environment, topic.id, partition, from), end: batchKeys(topic.id, partition).end }
  let nextOffset = end
  for (const { key, value } of environment.entries(range)) {
    const baseOffset = baseOffsetOfBatchKey(key)
    if (lastOffsetOf(baseOffset, value) < from) continue
    const finished = readBatch({ topic: topic.name, partition, baseOffset }, value, from, maxBytes, reading)
    const last = reading.records.at(-1)
    if (last && (!finished || reading.bytes >= maxBytes)) {
      nextOffset = last.offset + 1
      break
    }
  }
  if (reading.deflated.length > 0) await inflateAll(reading.deflated)
  return { records: reading.records, nextOffset, startOffset: start, endOffset: end }
}

export function progressOf(environment: Environment, namespace: string, group: string): TaskProgress[] {
  return [...environment.entries(progressKeys(namespace, group))].map(({ key, value }) => {
    const task = taskOfProgressKey(key)
    return { group, task, ...decodeSequenced(value, `the progress of ${group} task ${task}`) }
  })
}

/** The id of a schema text, if it is registered. */
export function schemaIdOf(environment: Environment, schema: string): number | undefined {
  return environment.get(schemaByTextKey(schema))?.readUInt32BE(0)
}

/** @throws LogError 'unknown_schema' */
export function schemaTextOf(environment: Environment, id: number): string {
  const value = Number.isInteger(id) && id > 0 && id < 2 ** 32 ? environment.get(schemaByIdKey(id)) : undefined
  if (!value) throw new LogError('unknown_schema', `no schema with id ${id} in ${environment.directory}`)
  return value.toString()
}
