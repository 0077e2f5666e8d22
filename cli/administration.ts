/** Topics and schemas of a corpus on Kafka: what differs from what this release needs, and making it so. */
import { groupOf } from '../engine/runtime.ts'
import { processors } from '../processors/index.ts'
import { schemaTexts } from '../schemas/generated.ts'
import { topicSpecifications } from '../topics/catalogue.ts'
import { Names } from '../topics/kafka/names.ts'
import type { TopicDifference } from '../topics/kafka/topics.ts'
import { LogError } from '../topics/log.ts'
import { advisedFor } from './corpus.ts'
import { openOnKafka, type KafkaLog } from './kafka.ts'
import { schemaSubjects } from './needs.ts'
import type { KafkaPlace } from './place.ts'

/** A schema that does not stand in the registry as this release writes it. */
interface SchemaDifference {
  /** As the registry calls it. */
  subject: string
  kind: 'missing' | 'new version' | 'incompatible'
  /** Whether `apply` mends it. */
  mendable: boolean
}

export interface Differences {
  topics: TopicDifference[]
  schemas: SchemaDifference[]
}

/** Requests to the registry at a time. */
const registryRequests = 8

/** Compares all topics and schemas of the stream. @throws LogError */
export async function compareAll(place: KafkaPlace): Promise<Differences> {
  return await administer(place, { registersSchemas: false }, findDifferences)
}

/**
 * Makes topics and registers schemas as this release needs them.
 * @param replication copies of each partition of new topics; the brokers' default where absent
 * @returns what differed and is mended
 * @throws LogError 'incompatible', 'topic_mismatch': nothing was changed then
 */
export async function applyAll(place: KafkaPlace, replication = place.replication): Promise<Differences> {
  return await administer(place, { registersSchemas: true }, async (log) => {
    const { schemas } = await findDifferences(log)
    const incompatible = schemas.filter(({ mendable }) => !mendable).map(({ subject }) => subject)
    if (incompatible.length > 0) {
      throw new LogError(
        'incompatible',
        `the registry holds schemas of ${incompatible.join(', ')} that this release's are not compatible with: nothing was changed; ` +
          'use the release that registered them, or another namespace',
      )
    }
    const topics = await log.administration.apply(topicSpecifications(), processors.map(groupOf), replication)
    await forEach(schemaSubjects(), async ({ subject, kind }) => {
      await log.administration.registry.idOf(subject, schemaTexts[kind])
    })
    return { topics, schemas }
  })
}

async function administer<Result>(
  place: KafkaPlace,
  options: { registersSchemas: boolean },
  work: (log: KafkaLog) => Promise<Result>,
): Promise<Result> {
  return await advisedFor(place, async () => {
    const log = await openOnKafka(place, options)
    try {
      return await work(log)
    } finally {
      await log.close()
    }
  })
}

async function findDifferences({ administration, namespace }: KafkaLog): Promise<Differences> {
  const names = new Names(namespace)
  const topics = await administration.differences(topicSpecifications(), processors.map(groupOf))
  const schemas: SchemaDifference[] = []
  await forEach(schemaSubjects(), async ({ subject, kind }) => {
    const found = await administration.registry.compare(subject, schemaTexts[kind])
    if (found !== 'registered')
      schemas.push({ subject: names.subject(subject), kind: found, mendable: found !== 'incompatible' })
  })
  return { topics, schemas: schemas.sort((a, b) => (a.subject < b.subject ? -1 : 1)) }
}

async function forEach<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const rest = [...items]
  const worker = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: registryRequests }, worker))
}
