/**
 * What Wellspring uses of kafkajs below its public interface: connections, metadata and the requests of the protocol. kafkajs is
 * pinned, so these don't move; docs/adr/0004-kafka-by-requests.md says why its producer and consumer are not used.
 */
import { createRequire } from 'node:module'
import type { ISocketFactory, KafkaConfig, Logger, logLevel, RetryOptions } from 'kafkajs'

const require = createRequire(import.meta.url)

/** An error of kafkajs. `type` is the protocol's name of an error that a broker answered. */
export interface KafkaError extends Error {
  type?: string
  /** A system error's name, or the protocol's number. */
  code?: string | number
  cause?: unknown
  host?: string
  port?: number
}

/** A request as kafkajs sends it: how to encode it, and how to read its answer. */
export interface ProtocolRequest {
  request: unknown
  response: { decode(payload: Buffer): Promise<unknown>; parse(decoded: unknown): Promise<unknown> }
  requestTimeout?: number
}

/** Partitions of a topic in a request. */
export interface TopicPartitions<Partition> {
  topic: string
  partitions: Partition[]
}

/** 64-bit integers as the encoders take them: anything that BigInt takes. */
type Int64 = string | number | bigint

/** Where a producer stands: its identity and its epoch, which fences all earlier ones. */
export interface ProducerIdentity {
  producerId: string
  producerEpoch: number
}

/** One broker: a request for each method, answers parsed, protocol errors thrown. */
export interface Broker {
  readonly nodeId: string | number
  readonly connectionPool: { host: string; port: number; send(request: ProtocolRequest): Promise<unknown> }
  lookupRequest(apiKey: number, definition: unknown): (options: unknown) => ProtocolRequest
  listOffsets(request: {
    isolationLevel: number
    topics: TopicPartitions<{ partition: number; timestamp: Int64 }>[]
  }): Promise<{ responses: TopicPartitions<{ partition: number; offset: string }>[] }>
  deleteRecords(request: { topics: TopicPartitions<{ partition: number; offset: Int64 }>[] }): Promise<unknown>
  initProducerId(request: { transactionalId: string; transactionTimeout: number }): Promise<ProducerIdentity>
  addPartitionsToTxn(
    request: ProducerIdentity & { transactionalId: string; topics: TopicPartitions<number>[] },
  ): Promise<unknown>
  endTxn(request: ProducerIdentity & { transactionalId: string; transactionResult: boolean }): Promise<unknown>
  joinGroup(request: {
    groupId: string
    sessionTimeout: number
    rebalanceTimeout: number
    memberId: string
    groupProtocols: { name: string; metadata: Buffer }[]
  }): Promise<{
    generationId: number
    leaderId: string
    memberId: string
    members: { memberId: string; memberMetadata: Buffer }[]
  }>
  syncGroup(request: {
    groupId: string
    generationId: number
    memberId: string
    groupAssignment: { memberId: string; memberAssignment: Buffer }[]
  }): Promise<{ memberAssignment: Buffer }>
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>
  findGroupCoordinator(request: {
    groupId: string
    coordinatorType?: number
  }): Promise<{ coordinator: { nodeId: string | number } }>
  offsetCommit(request: {
    groupId: string
    groupGenerationId: number
    memberId: string
    topics: TopicPartitions<{ partition: number; offset: string }>[]
  }): Promise<unknown>
  metadata(topics: string[]): Promise<{
    topicMetadata: { topic: string; topicErrorCode: number; partitionMetadata: PartitionMetadata[] }[]
    clusterId: string
  }>
}

/** Where a partition is led. `leader` is -1 while there is none. */
export interface PartitionMetadata {
  partitionId: number
  leader: number
  replicas: number[]
  isr: number[]
}

/** Connections to the brokers of one cluster, at most two to each broker: one for fetches, one for all else. */
export interface Cluster {
  readonly targetTopics: Set<string>
  readonly brokerPool: {
    metadata: { brokers: { nodeId: number }[]; clusterId?: string; topicMetadata: { topic: string }[] } | null
    /** Null where it failed at every broker. */
    withBroker<Result>(work: (found: { broker: Broker }) => Promise<Result>): Promise<Result | null>
  }
  connect(): Promise<void>
  disconnect(): Promise<void>
  isConnected(): boolean
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  addMultipleTargetTopics(topics: string[]): Promise<void>
  findBroker(options: { nodeId: string | number }): Promise<Broker>
  findTopicPartitionMetadata(topic: string): PartitionMetadata[]
}

type LogCreator = NonNullable<KafkaConfig['logCreator']>

interface ClusterOptions {
  logger: Logger
  brokers: string[]
  ssl: KafkaConfig['ssl']
  sasl: KafkaConfig['sasl']
  clientId: string
  connectionTimeout: number
  authenticationTimeout: number
  reauthenticationThreshold: number
  requestTimeout: number
  enforceRequestTimeout: boolean
  metadataMaxAge: number
  retry: RetryOptions
  allowAutoTopicCreation: boolean
  socketFactory: ISocketFactory
  isolationLevel: number
}

export const ClusterOfKafkajs = require('kafkajs/src/cluster') as new (options: ClusterOptions) => Cluster
export const createLogger = (
  require('kafkajs/src/loggers') as {
    createLogger(options: { level: logLevel; logCreator: LogCreator }): Logger
  }
).createLogger
export const createSocketFactory = require('kafkajs/src/network/socketFactory') as () => ISocketFactory

/** Errors of the protocol by their numbers. */
export const { createErrorFromCode } = require('kafkajs/src/protocol/error') as {
  createErrorFromCode(code: number): KafkaError
}

/** A produce request whose body, of version 7, is encoded already. */
export async function produce(broker: Broker, body: Buffer): Promise<ProduceAnswer> {
  // What `send` takes of a request is its encoder's buffer.
  const payload = { buf: body, buffer: body }
  const { response } = broker.lookupRequest(apiKeys.Produce as number, requests.Produce)({ acks: -1, topicData: [] })
  const request = {
    apiKey: apiKeys.Produce,
    apiVersion: PRODUCE_VERSION,
    apiName: 'Produce',
    encode: () => Promise.resolve(payload),
  }
  return (await broker.connectionPool.send({ request, response })) as ProduceAnswer
}

const PRODUCE_VERSION = 7

/** Where the batches of a produce request lie. */
export interface ProduceAnswer {
  topics: { topicName: string; partitions: { partition: number; baseOffset: string }[] }[]
}

const { requests } = require('kafkajs/src/protocol/requests') as { requests: Record<string, unknown> }
const apiKeys = require('kafkajs/src/protocol/requests/apiKeys') as Record<string, number>

/** A fetch request to this broker whose answer is read by `decode` alone. */
export function fetchRequest(broker: Broker, options: unknown, decode: (payload: Buffer) => unknown): ProtocolRequest {
  const { request, requestTimeout } = broker.lookupRequest(apiKeys.Fetch as number, requests.Fetch)(options)
  return {
    request,
    ...(requestTimeout !== undefined && { requestTimeout }),
    response: {
      // `clientSideThrottleTime` is read by kafkajs from what `decode` gives.
      decode: (payload) => Promise.resolve(decode(payload)),
      parse: (decoded) => Promise.resolve(decoded),
    },
  }
}

/** One connection of a broker, and what it has read of the next answer. */
interface PooledConnection {
  isConnected(): boolean
  connect(): Promise<unknown>
  disconnect(): Promise<unknown>
  chunks: Buffer[]
  bytesBuffered: number
  bytesNeeded: number
}

const ANSWER_SIZE_BYTES = 4
const connecting = new WeakMap<PooledConnection, Promise<unknown>>()
const disconnecting = new WeakMap<PooledConnection, Promise<unknown>>()

/**
 * Mends kafkajs: each request that finds its connection closed opens a socket of its own, of which all but the last stay open for good;
 * a new socket goes on in the middle of the answer that the old one was cut in; and closing what is closed gathers listeners.
 */
const { prototype: pool } = require('kafkajs/src/network/connectionPool') as {
  prototype: {
    pool: PooledConnection[]
    socketFactory: ISocketFactory
    getConnection(index?: number): Promise<PooledConnection>
    destroy(): Promise<void>
  }
}
pool.destroy = async function destroy() {
  await Promise.all(
    this.pool.map(async (connection) => {
      await connecting.get(connection)?.catch(() => undefined)
      if (!connection.isConnected()) return
      let closing = disconnecting.get(connection)
      if (!closing) {
        closing = connection.disconnect().finally(() => disconnecting.delete(connection))
        disconnecting.set(connection, closing)
      }
      await closing
    }),
  )
}
pool.getConnection = async function getConnection(index = 0) {
  const connection = this.pool[index] as PooledConnection
  if (connection.isConnected()) return connection
  noteOpened(this.socketFactory, connection)
  let opening = connecting.get(connection)
  if (!opening) {
    Object.assign(connection, { chunks: [], bytesBuffered: 0, bytesNeeded: ANSWER_SIZE_BYTES })
    opening = connection.connect().finally(() => connecting.delete(connection))
    connecting.set(connection, opening)
  }
  await opening
  return connection
}

/** The connections that were opened with a socket factory. */
const openedWith = new WeakMap<ISocketFactory, Set<PooledConnection>>()
const closedFactories = new WeakSet<ISocketFactory>()

function noteOpened(factory: ISocketFactory, connection: PooledConnection): void {
  if (closedFactories.has(factory)) {
    const error = new Error('the connections are closed')
    error.name = 'KafkaJSConnectionClosedError'
    throw error
  }
  const opened = openedWith.get(factory) ?? new Set()
  for (const one of opened) if (!one.isConnected() && !connecting.has(one)) opened.delete(one)
  openedWith.set(factory, opened.add(connection))
}

/**
 * Closes every connection that was opened with this factory, and opens none any more. kafkajs closes those of the brokers that it knows
 * at the moment: of one that was away it makes a new object, and the old one, which somebody may have used on, would keep a process alive.
 */
export async function disconnectAll(factory: ISocketFactory): Promise<void> {
  closedFactories.add(factory)
  await Promise.all(
    [...(openedWith.get(factory) ?? [])].map(async (connection) => {
      await connecting.get(connection)?.catch(() => undefined)
      if (connection.isConnected()) await connection.disconnect().catch(() => undefined)
    }),
  )
}

export const { MemberMetadata, MemberAssignment } = require('kafkajs/src/consumer/assignerProtocol') as {
  MemberMetadata: {
    encode(metadata: { version: number; topics: string[]; userData: Buffer }): Buffer
    decode(buffer: Buffer): { version: number; topics: string[]; userData: Buffer | null }
  }
  MemberAssignment: {
    encode(options: { version: number; assignment: Record<string, number[]>; userData?: Buffer }): Buffer
    decode(buffer: Buffer): { version: number; assignment: Record<string, number[]> } | null
  }
}

/** Numbers of the protocol that kafkajs keeps to itself. */
export const READ_COMMITTED = 1
export const TRANSACTION_COORDINATOR = 1
