/** Topics and users as Strimzi's resources. */
import { groupOf } from '../../engine/runtime.ts'
import { topicSpecifications } from '../../topics/catalogue.ts'
import { Names } from '../../topics/kafka/names.ts'
import { wantedTopics } from '../../topics/kafka/topics.ts'
import { aclsOf, aclSets, type AclEntry } from '../acls.ts'
import { labelsOf, type Resource } from './manifests.ts'
import type { ClusterOptions } from './options.ts'

const apiVersion = 'kafka.strimzi.io/v1'

/** The pod to run commands in, and its user. */
export const toolsName = 'tools'

/** The sets of rights that commands in the tools' pod need. */
const toolSets = ['ingest', 'benchmarks', 'recheck', 'teachers', 'models', 'redrive', 'read', 'list']

/** The user that pods of a workload log in as, and the Secret with its password. */
export function userOf(corpus: string, workload: string): string {
  return `${corpus}-${workload}`
}

/** Every topic of the corpus. */
export function topicResources(options: ClusterOptions): Resource[] {
  const { corpus, kafkaCluster, replication, processors } = options
  return wantedTopics(new Names(corpus), topicSpecifications(), processors.map(groupOf)).map(
    ({ topic, partitions, config }) => ({
      apiVersion,
      kind: 'KafkaTopic',
      metadata: { name: topic, labels: ofCluster(kafkaCluster) },
      spec: { partitions, ...(replication !== undefined && { replicas: replication }), config },
    }),
  )
}

/** One user with the least rights for each workload. */
export function userResources(options: ClusterOptions): Resource[] {
  const { corpus, budget, processors } = options
  const tools = aclSets(corpus).filter(({ isTool }) => isTool)
  const ofTool = (wanted: string): AclEntry[] => tools.find(({ name }) => name === wanted)?.entries ?? []
  return [
    ...processors.map((declaration) =>
      user(declaration.name, options, [
        ...aclsOf(corpus, declaration),
        // Retention, and metrics of the whole corpus, need one process with their rights that always runs: sources do.
        ...(declaration.next ? ['retention', 'metrics'].flatMap(ofTool) : []),
        ...(budget === '' ? [] : ofTool('budget')),
      ]),
    ),
    user('topics-apply', options, ofTool('apply')),
    user(toolsName, options, toolSets.flatMap(ofTool)),
  ]
}

function user(workload: string, { corpus, kafkaCluster }: ClusterOptions, entries: readonly AclEntry[]): Resource {
  return {
    apiVersion,
    kind: 'KafkaUser',
    metadata: { name: userOf(corpus, workload), labels: { ...labelsOf(workload), ...ofCluster(kafkaCluster) } },
    spec: {
      authentication: { type: 'scram-sha-512' },
      authorization: { type: 'simple', acls: merged(entries).map(rule) },
    },
  }
}

/** What several sets allow on one resource, together. */
function merged(entries: readonly AclEntry[]): AclEntry[] {
  const together = new Map<string, AclEntry>()
  for (const entry of entries) {
    const key = `${entry.resource} ${entry.pattern} ${entry.name}`
    const operations = new Set([...(together.get(key)?.operations ?? []), ...entry.operations])
    together.set(key, { ...entry, operations: [...operations] })
  }
  return [...together.values()]
}

const resourceTypes = { topic: 'topic', group: 'group', 'transactional-id': 'transactionalId' } as const

function rule({ resource, pattern, name, operations }: AclEntry): object {
  return {
    resource: { type: resourceTypes[resource], name, patternType: pattern === 'literal' ? 'literal' : 'prefix' },
    operations,
  }
}

const ofCluster = (cluster: string): Readonly<Record<string, string>> => ({ 'strimzi.io/cluster': cluster })
