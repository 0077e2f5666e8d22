/** What can be learnt of a cluster without changing anything on it: its brokers, and what this user may do there. */
import { encodeProduce } from './batches.ts'
import { Connection, type ConnectionSettings } from './connections.ts'
import { asLogError, protocolErrorOf } from './errors.ts'
import {
  createErrorFromCode,
  fetchRequest,
  produce,
  READ_COMMITTED,
  TRANSACTION_COORDINATOR,
  type Broker,
} from './internals.ts'
import { decodeFetch } from './records.ts'

/** A broker of the cluster. */
export interface BrokerDescription {
  id: number
  /** HOST:PORT, as the cluster advertises it. */
  address: string
  /** By the requests that it takes: brokers don't tell their release. */
  release: 'before 3.9' | '3.9' | '4.0' | '4.1 or later'
}

/** Rights to be tried. Names as the cluster has them. */
export interface TriedRights {
  reads: readonly string[]
  writes: readonly string[]
  /** A consumer group whose member this user would be. */
  group: string
  /** A transactional id that no running process uses. */
  transactionalId: string
}

const PRODUCE = 0
const FETCH = 1

/** All brokers of the cluster, each asked. @throws LogError 'unreachable', 'denied' */
export async function describeBrokers(settings: ConnectionSettings): Promise<BrokerDescription[]> {
  const connection = new Connection(settings)
  try {
    const { cluster } = connection
    await cluster.connect()
    await cluster.refreshMetadata()
    return await Promise.all(
      (cluster.brokerPool.metadata?.brokers ?? []).map(async ({ nodeId }) => {
        const broker = await cluster.findBroker({ nodeId })
        const { host, port } = broker.connectionPool
        return { id: nodeId, address: `${host}:${port}`, release: releaseOf(broker) }
      }),
    )
  } catch (error) {
    throw asLogError(error, `asking ${settings.brokers.join(', ')}`)
  } finally {
    await connection.close()
  }
}

function releaseOf(broker: Broker): BrokerDescription['release'] {
  const { versions } = broker as Broker & { versions?: Record<number, { maxVersion: number }> }
  const highest = (apiKey: number): number => versions?.[apiKey]?.maxVersion ?? 0
  if (highest(PRODUCE) >= 13) return '4.1 or later'
  if (highest(PRODUCE) >= 12) return '4.0'
  return highest(FETCH) >= 17 ? '3.9' : 'before 3.9'
}

/**
 * Tries the rights one by one, writing no record and disturbing no member: reads nothing at each end, sends batches without records,
 * heartbeats as a member that the group does not know, takes a transactional id of its own.
 * @returns what is refused, as sentences; topics that are not there count as refused
 * @throws LogError 'unreachable', 'denied' where the login fails
 */
export async function refusalsOf(settings: ConnectionSettings, rights: TriedRights): Promise<string[]> {
  const connection = new Connection(settings)
  try {
    const { cluster } = connection
    await cluster.connect()
    const refused: string[] = []
    const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      try {
        await work()
      } catch (error) {
        const type = protocolErrorOf(error) ?? ''
        if (type.endsWith('AUTHORIZATION_FAILED') || type === 'UNKNOWN_TOPIC_OR_PARTITION')
          refused.push(`${what} (${type})`)
        else if (type === '') throw error
      }
    }
    for (const topic of rights.reads) await attempt(`reading ${topic}`, () => readNothing(connection, topic))
    for (const topic of rights.writes) await attempt(`writing ${topic}`, () => writeNothing(connection, topic))
    await attempt(`the group ${rights.group}`, async () => {
      const coordinator = await connection.coordinatorOf(rights.group)
      await coordinator.heartbeat({ groupId: rights.group, groupGenerationId: 0, memberId: 'nobody' })
    })
    await attempt(`the transactional id ${rights.transactionalId}`, async () => {
      const { transactionalId } = rights
      const coordinator = await connection.coordinatorOf(transactionalId, TRANSACTION_COORDINATOR)
      await coordinator.initProducerId({ transactionalId, transactionTimeout: 1000 })
    })
    return refused
  } catch (error) {
    throw asLogError(error, 'trying rights')
  } finally {
    await connection.close()
  }
}

async function readNothing(connection: Connection, topic: string): Promise<void> {
  const broker = await connection.leaderOf(topic, 0)
  const request = fetchRequest(
    broker,
    {
      isolationLevel: READ_COMMITTED,
      ...{ maxWaitTime: 0, minBytes: 0, maxBytes: 1 },
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset: BEYOND_ANY_END, maxBytes: 1 }] }],
    },
    decodeFetch,
  )
  const { partitions } = (await broker.connectionPool.send(request)) as { partitions: { errorCode: number }[] }
  for (const { errorCode } of partitions) if (errorCode !== 0) throw createErrorFromCode(errorCode)
}

async function writeNothing(connection: Connection, topic: string): Promise<void> {
  const broker = await connection.leaderOf(topic, 0)
  // Rights are looked at before the batch, which has no records and so is refused by everybody.
  await produce(broker, encodeProduce('', 1000, new Map([[topic, [{ partition: 0, batch: Buffer.alloc(0) }]]])))
}

const BEYOND_ANY_END = String(2 ** 52)
