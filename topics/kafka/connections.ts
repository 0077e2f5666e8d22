/** How to reach the brokers, and the connections that one process holds to them. */
import kafkajs, { type Admin, type KafkaConfig, type SASLOptions } from 'kafkajs'
import { LogError } from '../log.ts'
import { asLogError, isConnectionFailure, isStale } from './errors.ts'
import {
  ClusterOfKafkajs,
  createLogger,
  createSocketFactory,
  disconnectAll,
  READ_COMMITTED,
  type Broker,
  type Cluster,
  type KafkaError,
  type PartitionMetadata,
} from './internals.ts'

/** How to log in. Secrets arrive here in memory; the configuration takes them from the environment. */
export type SaslSettings = SASLOptions

/** TLS towards the brokers. All texts in PEM. */
interface TlsSettings {
  /** Authorities that sign the brokers' certificates; the system's where absent. */
  ca?: string
  /** The client's certificate and key, where the brokers ask for one. */
  cert?: string
  key?: string
  passphrase?: string
}

export interface ConnectionSettings {
  /** Some of the brokers, as HOST:PORT. */
  brokers: readonly string[]
  clientId: string
  tls?: TlsSettings
  sasl?: SaslSettings
}

const CONNECT_TIMEOUT_MILLISECONDS = 3000
const REQUEST_TIMEOUT_MILLISECONDS = 30_000
const METADATA_AGE_MILLISECONDS = 60_000
/** Of one attempt to find a broker; callers wait and come again. */
const RETRY = { initialRetryTime: 50, maxRetryTime: 1000, retries: 4 }

/** kafkajs reports what it then throws as well: the thrower says it better. */
const quiet = (): (() => void) => () => undefined

function tlsOf(tls: TlsSettings | undefined): KafkaConfig['ssl'] {
  return tls && Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
}

/** kafkajs' public client, for administration. */
export function openAdmin(settings: ConnectionSettings): Admin {
  const { brokers, clientId, tls, sasl } = settings
  const ssl = tlsOf(tls)
  const socketFactory = createSocketFactory()
  const admin = new kafkajs.Kafka({
    socketFactory,
    brokers: [...brokers],
    clientId,
    ...(ssl !== undefined && { ssl }),
    ...(sasl && { sasl }),
    logLevel: kafkajs.logLevel.NOTHING,
    logCreator: quiet,
    connectionTimeout: CONNECT_TIMEOUT_MILLISECONDS,
    requestTimeout: REQUEST_TIMEOUT_MILLISECONDS,
    retry: RETRY,
  }).admin()
  const disconnect = admin.disconnect.bind(admin)
  admin.disconnect = async () => {
    await disconnect()
    await disconnectAll(socketFactory)
  }
  return admin
}

/** Connections for one purpose: a request that the broker holds back (a join, a waiting fetch) delays only those behind it on the same connection. */
export class Connection {
  readonly cluster: Cluster
  readonly #socketFactory = createSocketFactory()
  #isClosed = false

  constructor({ brokers, clientId, tls, sasl }: ConnectionSettings) {
    this.cluster = new ClusterOfKafkajs({
      logger: createLogger({ level: kafkajs.logLevel.NOTHING, logCreator: quiet }),
      brokers: [...brokers],
      clientId,
      ssl: tlsOf(tls),
      sasl,
      connectionTimeout: CONNECT_TIMEOUT_MILLISECONDS,
      authenticationTimeout: 10_000,
      reauthenticationThreshold: 10_000,
      requestTimeout: REQUEST_TIMEOUT_MILLISECONDS,
      enforceRequestTimeout: true,
      metadataMaxAge: METADATA_AGE_MILLISECONDS,
      retry: RETRY,
      allowAutoTopicCreation: false,
      socketFactory: this.#socketFactory,
      isolationLevel: READ_COMMITTED,
    })
  }

  /** Partitions of topics, from memory where they are known. @throws LogError 'unknown_topic', 'denied', 'unreachable' */
  async partitionsOf(topics: readonly string[]): Promise<Map<string, PartitionMetadata[]>> {
    const { cluster } = this
    await cluster.connect()
    const fresh = topics.filter((topic) => !cluster.targetTopics.has(topic))
    if (fresh.length > 0) {
      await this.#refuse(fresh)
      await cluster.addMultipleTargetTopics(fresh)
    } else await this.#lookUp(() => cluster.refreshMetadataIfNecessary())
    // What was looked up may be another's request, which had begun before these topics were asked for.
    if (topics.some((topic) => cluster.findTopicPartitionMetadata(topic).length === 0)) await this.#lookUp()
    const gone = topics.filter((topic) => cluster.findTopicPartitionMetadata(topic).length === 0)
    if (gone.length > 0) await this.#refuse(gone)
    return new Map(topics.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic)]))
  }

  /** Looks up all known topics. One that was deleted or denied meanwhile is forgotten: it would fail the look-up of all others. */
  async #lookUp(request = () => this.cluster.refreshMetadata()): Promise<void> {
    const { cluster } = this
    try {
      await request()
    } catch (error) {
      if (asLogError(error, '').code === 'unreachable') throw error
      for (const topic of [...cluster.targetTopics]) {
        await this.#refuse([topic]).catch(() => cluster.targetTopics.delete(topic))
      }
      await cluster.refreshMetadata()
    }
  }

  /**
   * Asks apart for topics that are new here: kafkajs looks up all that it knows at once, and one that is denied or missing would fail
   * whoever looks up another at that moment.
   */
  async #refuse(topics: readonly string[]): Promise<void> {
    let refusal: Error | undefined
    if (!this.cluster.brokerPool.metadata) await this.cluster.refreshMetadata()
    await this.cluster.brokerPool.withBroker(async ({ broker }) => {
      try {
        await broker.metadata([...topics])
      } catch (error) {
        if (isConnectionFailure(error)) throw error
        refusal = error as Error
      }
    })
    if (refusal !== undefined && asLogError(refusal, '').code !== 'unreachable') throw refusal
  }

  /** The leader of a partition. @throws a kafkajs error that `isStale` where there is none now */
  async leaderOf(topic: string, partition: number): Promise<Broker> {
    const partitions = (await this.partitionsOf([topic])).get(topic) ?? []
    const leader = partitions.find(({ partitionId }) => partitionId === partition)?.leader ?? -1
    if (leader < 0) {
      const error: KafkaError = new Error(`${topic}/${partition} has no leader now`)
      error.type = 'LEADER_NOT_AVAILABLE'
      throw error
    }
    return await this.cluster.findBroker({ nodeId: leader })
  }

  /**
   * The coordinator of a group, or with `type` of a transactional id. kafkajs' own look-up forgets why it failed, and so would wait for
   * ever where a right is missing. @throws a kafkajs error as the brokers answered it
   */
  async coordinatorOf(id: string, type?: number): Promise<Broker> {
    const { cluster } = this
    await cluster.refreshMetadataIfNecessary()
    let failure: unknown
    const found = await cluster.brokerPool.withBroker(async ({ broker }) => {
      try {
        return await broker.findGroupCoordinator({
          groupId: id,
          ...(type !== undefined && { coordinatorType: type }),
        })
      } catch (error) {
        failure = error
        throw error
      }
    })
    if (!found) throw failure
    const { nodeId } = found.coordinator
    return await cluster.findBroker({ nodeId })
  }

  /** Forgets what a failed request has shown to be out of date. Never throws. */
  async recover(error: unknown): Promise<void> {
    if (isStale(error) || isConnectionFailure(error)) await this.#lookUp().catch(() => undefined)
  }

  /** @throws LogError 'closed' */
  check(): void {
    if (this.#isClosed) throw new LogError('closed', 'the log is closed')
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.cluster.disconnect().catch(() => undefined)
    await disconnectAll(this.#socketFactory)
  }
}

/** Runs `work`, failing in the port's words. */
export async function inPortWords<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asLogError(error, doing)
  }
}
