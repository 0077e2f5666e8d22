/** Failures of brokers and connections in the port's words. */
import { LogError, type LogErrorCode } from '../log.ts'
import type { KafkaError } from './internals.ts'

/** The error beneath kafkajs' wrappers. */
function rootOf(error: unknown): KafkaError {
  let root: KafkaError = error instanceof Error ? error : new Error(String(error))
  while (root.type === undefined) {
    // One request about several topics fails with a list.
    const [first] = (root as { errors?: readonly unknown[] }).errors ?? []
    const beneath = first ?? root.cause
    if (!(beneath instanceof Error)) return root
    root = beneath
  }
  return root
}

/** The protocol's name of what a broker answered; undefined where it was no answer. */
export function protocolErrorOf(error: unknown): string | undefined {
  return rootOf(error).type
}

const DENIED: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: 'the user may not use this topic: see `wellspring topics acls`',
  GROUP_AUTHORIZATION_FAILED: 'the user may not use this consumer group: see `wellspring topics acls`',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'the user may not use this transactional id: see `wellspring topics acls`',
  CLUSTER_AUTHORIZATION_FAILED: 'the user may not do this on the cluster: see `wellspring topics acls`',
  SASL_AUTHENTICATION_FAILED: 'wrong user or password: see kafka.sasl in the settings',
  UNSUPPORTED_SASL_MECHANISM: 'the brokers do not offer this mechanism: see kafka.sasl.mechanism in the settings',
  ILLEGAL_SASL_STATE: 'the brokers refused the login: see kafka.sasl in the settings',
  SECURITY_DISABLED: 'the brokers have no authorizer',
}

const CODES: Readonly<Record<string, LogErrorCode>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'unknown_topic',
  INVALID_TOPIC_EXCEPTION: 'unknown_topic',
  MESSAGE_TOO_LARGE: 'too_large',
  RECORD_LIST_TOO_LARGE: 'too_large',
  INVALID_TIMESTAMP: 'clock',
  INVALID_PRODUCER_EPOCH: 'fenced',
}

/** What is refused for as long as the settings are what they are, and what to do. */
const REFUSED: Readonly<Record<string, string>> = {
  INCONSISTENT_GROUP_PROTOCOL:
    'another program consumes under the name of this group: stop it, or use another namespace',
  INVALID_SESSION_TIMEOUT:
    'the brokers allow only session timeouts between their group.min.session.timeout.ms and group.max.session.timeout.ms: change kafka.sessionTimeoutSeconds, or theirs',
  GROUP_MAX_SIZE_REACHED:
    'the group has as many members as group.max.size of the brokers allows: run fewer processes, or raise it',
  INVALID_REPLICATION_FACTOR:
    'there are fewer brokers than replicas were asked for: give `--replication` a lower number',
  POLICY_VIOLATION: 'a policy of the cluster forbids it: ask those who run it',
}

/** What to do where brokers refuse what is written. */
const CURES: Partial<Record<LogErrorCode, () => string>> = {
  too_large: () =>
    'max.message.bytes of a topic is lower than Wellspring needs; `wellspring topics diff` shows where, `topics apply` mends it',
  clock: () =>
    `the time of a record is too far from that of the brokers: set the clock of this machine, which says ${new Date(Date.now()).toISOString()} ` +
    '(or message.timestamp.after.max.ms of the topics, where copied records have such a time)',
}

/**
 * A failure as a LogError; a LogError stays what it is. What time may cure is 'unreachable'.
 * @param doing what failed, as "reading problems/0"
 */
export function asLogError(error: unknown, doing: string): LogError {
  if (error instanceof LogError) return error
  const root = rootOf(error)
  const type = root.type ?? ''
  const text = root.message.replace(/\s+/g, ' ')
  if (type in DENIED || root.name === 'KafkaJSSASLAuthenticationError') {
    const cure = DENIED[type] ?? DENIED.SASL_AUTHENTICATION_FAILED ?? ''
    return new LogError('denied', `Kafka refused ${doing} (${type || text}): ${cure}`, { cause: error })
  }
  const refusal = REFUSED[type]
  if (refusal !== undefined)
    return new LogError('refused', `Kafka refused ${doing} (${type}): ${refusal}`, { cause: error })
  const code = CODES[type] ?? 'unreachable'
  const cure = CURES[code]?.()
  if (cure !== undefined) return new LogError(code, `Kafka refused ${doing} (${type}): ${cure}`, { cause: error })
  if (code === 'unknown_topic') {
    return new LogError(
      code,
      `${doing}: the topic is not there, or hidden from this user: \`wellspring topics apply\` makes what is missing`,
      { cause: error },
    )
  }
  return new LogError(code, `Kafka failed ${doing} (${type || text})`, { cause: error })
}

/** Whether it was the connection that failed, not the request. */
export function isConnectionFailure(error: unknown): boolean {
  const { name } = rootOf(error)
  return name.startsWith('KafkaJSConnection') || name === 'KafkaJSRequestTimeoutError'
}

/** Partitions are without a leader that knows it: just made, or being handed on. It passes, on a slow machine after many seconds. */
const LEADERLESS: readonly string[] = [
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
]

/** Whether brokers answered that a partition has no leader now. */
export function isLeaderless(error: unknown): boolean {
  return LEADERLESS.includes(protocolErrorOf(error) ?? '')
}

/** Whether the client's picture of leaders and coordinators may be out of date. */
export function isStale(error: unknown): boolean {
  const { type, name } = rootOf(error)
  return (
    name === 'KafkaJSBrokerNotFound' ||
    name === 'KafkaJSGroupCoordinatorNotFound' ||
    name === 'KafkaJSMetadataNotLoaded' ||
    name === 'KafkaJSTopicMetadataNotLoaded' ||
    [
      ...LEADERLESS,
      'UNKNOWN_TOPIC_OR_PARTITION',
      'BROKER_NOT_AVAILABLE',
      'REPLICA_NOT_AVAILABLE',
      'KAFKA_STORAGE_ERROR',
    ].includes(type ?? '')
  )
}
