/** One namespace on the Kafka of the run, with what the suites need to watch it and to break it. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { inject } from 'vitest'
import { Checkpoints } from '../../topics/kafka/checkpoints.ts'
import { Connection, openAdmin, type ConnectionSettings } from '../../topics/kafka/connections.ts'
import { isStale } from '../../topics/kafka/errors.ts'
import type { Broker, TopicPartitions } from '../../topics/kafka/internals.ts'
import { openKafkaLog, type KafkaLogOptions } from '../../topics/kafka/log.ts'
import { Names } from '../../topics/kafka/names.ts'
import { PartitionReads } from '../../topics/kafka/reads.ts'
import { KafkaTask, type TaskHost } from '../../topics/kafka/task.ts'
import type { Group, Log, OpenTask } from '../../topics/log.ts'
import type { LogPlace } from '../topics/conformance.ts'

/** The shortest that a broker allows unless told otherwise. */
const SESSION_TIMEOUT_SECONDS = 6
const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1
const LATEST = -1

/** The Kafka of this run. */
export function connectionSettings(): ConnectionSettings {
  return { brokers: inject('kafka').brokers, clientId: 'wellspring-test' }
}

export class KafkaPlace implements LogPlace {
  readonly namespace = `test-${randomBytes(5).toString('hex')}`
  readonly names = new Names(this.namespace)
  readonly stateDirectory = mkdtempSync(join(tmpdir(), 'wellspring-state-'))
  readonly connection: ConnectionSettings
  readonly admin: Admin
  readonly #registry: string
  readonly #watching: Connection
  readonly #closing: (() => Promise<void>)[] = []
  #losing: 'ended' | 'produced' | undefined

  constructor(connection: ConnectionSettings, registry: string) {
    this.connection = connection
    this.admin = openAdmin(connection)
    this.#registry = registry
    this.#watching = new Connection(connection)
  }

  /** An empty place on the Kafka of this run. */
  static create(): Promise<KafkaPlace> {
    return Promise.resolve(new KafkaPlace(connectionSettings(), inject('kafka').registry))
  }

  /** Options of a log in this place. */
  options(namespace?: string): KafkaLogOptions {
    return {
      connection: this.connection,
      registry: { url: this.#registry },
      namespace: namespace === undefined ? this.namespace : `${this.namespace}.${namespace}`,
      stateDirectory: this.stateDirectory,
      registersSchemas: true,
      sessionTimeoutSeconds: SESSION_TIMEOUT_SECONDS,
    }
  }

  async open(namespace?: string): Promise<Log> {
    return await openKafkaLog({
      ...this.options(namespace),
      onStep: (step) => {
        if (step !== this.#losing) return
        this.#losing = undefined
        throw new Error('the answer is lost')
      },
    })
  }

  async competitor(group: Group, task: number): Promise<OpenTask> {
    return await KafkaTask.open(this.host(group), task)
  }

  /** What a process has that believes itself to be a member of the group. */
  host(group: Group, options: Partial<TaskHost> = {}): TaskHost {
    const reads = new PartitionReads(this.connection)
    const writes = new Connection(this.connection)
    const checkpoints = Checkpoints.open(undefined)
    this.#closing.push(async () => {
      await Promise.all([reads.close(), writes.close()])
      await checkpoints.close()
    })
    return {
      names: this.names,
      group,
      reads,
      writes,
      checkpoints,
      scope: 'elsewhere',
      compression: 'gzip',
      transactionTimeoutMilliseconds: 60_000,
      fenced: () => undefined,
      committed: () => undefined,
      ...options,
    }
  }

  loseNextAnswer(effect: 'written' | 'not written'): void {
    this.#losing = effect === 'written' ? 'ended' : 'produced'
  }

  async putStateAhead(group: string, task: number, key: string): Promise<void> {
    const checkpoints = Checkpoints.open(this.stateDirectory)
    const scope = `${await this.clusterId()}/${this.namespace}`
    const checkpoint = checkpoints.checkpoint(scope, group, task)
    if (!checkpoint) throw new Error(`${group} task ${task} has no local copy`)
    const ahead = checkpoints.state(scope, group, task).entryOf({ key, value: Buffer.from('ahead') }, 2)
    // The marker of the first commit, then the change and the progress of the second.
    const offset = checkpoint.offset + 3
    const progress = { sequence: 2, value: Buffer.from('two').toString('base64') }
    await checkpoints.write(scope, group, task, [ahead], { ...checkpoint, offset, progress })
    await checkpoints.close()
  }

  childLog(): Readonly<Record<string, unknown>> {
    return { kind: 'kafka', ...this.options() }
  }

  async settled(): Promise<void> {
    for (;;) {
      try {
        const topics = await this.topics()
        const [all, committed] = [await this.#ends(topics, READ_UNCOMMITTED), await this.#ends(topics, READ_COMMITTED)]
        if ([...all].every(([partition, end]) => committed.get(partition) === end)) return
      } catch (error) {
        // The leaders of topics that were just made may not know it yet.
        if (!isStale(error)) throw error
        await this.#watching.recover(error)
      }
      await nextTurn()
    }
  }

  /** All topics of the place, as the cluster names them. */
  async topics(): Promise<string[]> {
    const topics = await this.admin.listTopics()
    return topics.filter((topic) => topic.startsWith(`${this.namespace}.`))
  }

  async clusterId(): Promise<string> {
    return (await this.admin.describeCluster()).clusterId
  }

  async remove(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close()
    const topics = await this.topics()
    if (topics.length > 0) await this.admin.deleteTopics({ topics })
    await Promise.all([this.admin.disconnect(), this.#watching.close()])
    rmSync(this.stateDirectory, { recursive: true, force: true })
  }

  /** The ends of all partitions of topics. */
  async #ends(topics: readonly string[], isolationLevel: number): Promise<Map<string, string>> {
    const byLeader = new Map<Broker, TopicPartitions<{ partition: number; timestamp: number }>[]>()
    for (const [topic, partitions] of await this.#watching.partitionsOf(topics)) {
      for (const { partitionId } of partitions) {
        const leader = await this.#watching.leaderOf(topic, partitionId)
        const asked = { topic, partitions: [{ partition: partitionId, timestamp: LATEST }] }
        byLeader.set(leader, [...(byLeader.get(leader) ?? []), asked])
      }
    }
    const ends = new Map<string, string>()
    for (const [leader, asked] of byLeader) {
      const { responses } = await leader.listOffsets({ isolationLevel, topics: asked })
      for (const { topic, partitions } of responses)
        for (const { partition, offset } of partitions) ends.set(`${topic}/${partition}`, offset)
    }
    return ends
  }
}
