/** Topics on the cluster: what each must be, what is missing, and what differs. */
import kafkajs, { type Admin, type ITopicConfig } from 'kafkajs'
import { LogError, type Group, type Position, type TopicSpecification } from '../log.ts'
import { asLogError, protocolErrorOf } from './errors.ts'
import type { Names } from './names.ts'
import { TOMBSTONE_MILLISECONDS } from './task.ts'

/** Room for one record of the largest size and what a batch adds to it. */
export const MAXIMUM_BATCH_BYTES = 11 << 20

/** A topic as it must be on the cluster. */
export interface WantedTopic {
  topic: string
  partitions: number
  config: Readonly<Record<string, string>>
}

const KEPT = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' }
const TABLE = { 'cleanup.policy': 'compact', 'delete.retention.ms': String(TOMBSTONE_MILLISECONDS) }
/** A task reads its changelog when it opens: it is kept short. */
const CHANGELOG = {
  ...TABLE,
  'segment.bytes': String(16 << 20),
  'segment.ms': '600000',
  'min.cleanable.dirty.ratio': '0.1',
  'max.compaction.lag.ms': '3600000',
}

/** All that the stream needs: its topics, a changelog for each group, and the record of appends. */
export function wantedTopics(
  names: Names,
  topics: readonly TopicSpecification[],
  groups: readonly Group[],
): WantedTopic[] {
  const size = { 'max.message.bytes': String(MAXIMUM_BATCH_BYTES) }
  const wanted = topics.map(({ name, partitions, compacted }) => ({
    topic: names.topic(name),
    partitions,
    config: { ...(compacted ? TABLE : KEPT), ...size },
  }))
  const changelogs = groups.map(({ name, tasks }) => ({
    topic: names.changelog(name),
    partitions: tasks,
    config: { ...CHANGELOG, ...size },
  }))
  return [...wanted, ...changelogs, { topic: names.appends, partitions: 1, config: { ...TABLE, ...size } }]
}

/** One thing that is not as it must be. */
export interface TopicDifference {
  topic: string
  kind: 'missing' | 'partitions' | 'config'
  /** The setting, for `config`. */
  name?: string
  expected: string
  found: string
  /** Whether `apply` mends it. A partition count never changes: keys would move to other partitions, away from their state. */
  mendable: boolean
}

/** Compares; topics that are not wanted are not looked at. @throws LogError */
export async function differencesOf(admin: Admin, wanted: readonly WantedTopic[]): Promise<TopicDifference[]> {
  try {
    const counts = await partitionCounts(admin)
    const differences: TopicDifference[] = []
    const there: WantedTopic[] = []
    for (const one of wanted) {
      const found = counts.get(one.topic)
      const expected = String(one.partitions)
      if (found === undefined) {
        differences.push({ topic: one.topic, kind: 'missing', expected, found: 'none', mendable: true })
        continue
      }
      if (found !== one.partitions)
        differences.push({ topic: one.topic, kind: 'partitions', expected, found: String(found), mendable: false })
      there.push(one)
    }
    const configs = await configsOf(
      admin,
      there.map(({ topic }) => topic),
    )
    for (const { topic, config } of there) {
      for (const [name, expected] of Object.entries(config)) {
        const found = configs.get(topic)?.get(name) ?? 'none'
        if (found !== expected) differences.push({ topic, kind: 'config', name, expected, found, mendable: true })
      }
    }
    return differences
  } catch (error) {
    throw asLogError(error, 'comparing topics')
  }
}

/**
 * Makes missing topics, and sets what differs. @param replication copies of each partition; the brokers' default where absent
 * @throws LogError 'topic_mismatch' where a partition count differs: nothing was changed then
 */
export async function applyTopics(
  admin: Admin,
  wanted: readonly WantedTopic[],
  replication: number | undefined,
): Promise<TopicDifference[]> {
  const differences = await differencesOf(admin, wanted)
  const fixed = differences.filter(({ mendable }) => !mendable)
  if (fixed.length > 0) {
    const list = fixed.map(({ topic, found, expected }) => `${topic} has ${found} partitions, expected ${expected}`)
    throw new LogError(
      'topic_mismatch',
      `${list.join('; ')}. A partition count can't be changed: records of one key would lie in two partitions, and topics that go together ` +
        `would no longer. Use another namespace, or \`wellspring copy\` into one`,
    )
  }
  const byTopic = new Map(wanted.map((one) => [one.topic, one]))
  const missing = differences.filter(({ kind }) => kind === 'missing').flatMap(({ topic }) => byTopic.get(topic) ?? [])
  const changed = new Set(differences.filter(({ kind }) => kind === 'config').map(({ topic }) => topic))
  try {
    if (missing.length > 0) {
      const topics: ITopicConfig[] = missing.map(({ topic, partitions, config }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor: replication ?? -1,
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      }))
      await admin.createTopics({ topics, waitForLeaders: true, timeout: 30_000 })
    }
    if (changed.size > 0) {
      await admin.alterConfigs({
        validateOnly: false,
        resources: [...changed].map((topic) => ({
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries: Object.entries(byTopic.get(topic)?.config ?? {}).map(([name, value]) => ({ name, value })),
        })),
      })
    }
  } catch (error) {
    throw asLogError(error, 'making topics')
  }
  return differences
}

/** Makes the missing ones alone. @throws LogError 'topic_mismatch' */
export async function createMissing(admin: Admin, wanted: readonly WantedTopic[]): Promise<void> {
  try {
    const counts = await partitionCounts(admin)
    for (const { topic, partitions } of wanted) {
      const found = counts.get(topic)
      if (found !== undefined && found !== partitions)
        throw new LogError(
          'topic_mismatch',
          `topic ${topic} has ${found} partitions, expected ${partitions}: use another namespace`,
        )
    }
    const missing = wanted.filter(({ topic }) => !counts.has(topic))
    if (missing.length > 0) await applyTopics(admin, missing, undefined)
  } catch (error) {
    throw asLogError(error, 'making topics')
  }
}

/** Partition counts of all topics of the cluster that this user sees. */
export async function partitionCounts(admin: Admin): Promise<Map<string, number>> {
  const { topics } = await admin.fetchTopicMetadata()
  return new Map(topics.map(({ name, partitions }) => [name, partitions.length]))
}

/** Which of these topics are compacted. */
export async function compactedAmong(admin: Admin, topics: readonly string[]): Promise<Set<string>> {
  const configs = await configsOf(admin, topics)
  return new Set(topics.filter((topic) => (configs.get(topic)?.get('cleanup.policy') ?? '').includes('compact')))
}

async function configsOf(admin: Admin, topics: readonly string[]): Promise<Map<string, Map<string, string>>> {
  if (topics.length === 0) return new Map()
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })),
  })
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  )
}

/** Forgets records below an offset. @throws LogError */
export async function deleteRecordsBefore(admin: Admin, topic: string, { partition, offset }: Position): Promise<void> {
  try {
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
  } catch (error) {
    if (protocolErrorOf(error) === 'POLICY_VIOLATION') {
      throw new LogError('topic_mismatch', `${topic} is compacted: its records are not cut by offset`, { cause: error })
    }
    throw asLogError(error, `deleting from ${topic}/${partition}`)
  }
}
