import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startCluster, type Cluster } from '../../scripts/kafka/cluster.ts'
import type { Group, Log, StoredRecord } from '../../topics/log.ts'
import { readAll, record, text } from '../topics/conformance.ts'
import { KafkaPlace } from './place.ts'
import { Changes, Worker } from './worker.ts'

const group: Group = { name: 'processor', inputs: ['inputs'], tasks: 3 }
const topics = [
  { name: 'inputs', partitions: 3, compacted: false },
  { name: 'outputs', partitions: 3, compacted: false },
]
const tasks = [0, 1, 2]

describe('three nodes of which one after another is killed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wellspring-kafka-'))
  let cluster: Cluster
  let place: KafkaPlace

  beforeAll(async () => {
    const { version } = inject('kafka')
    cluster = await startCluster({ directory: join(directory, 'three'), version, nodes: 3 })
    place = new KafkaPlace(
      { brokers: cluster.bootstrapServers.split(','), clientId: 'wellspring-test' },
      inject('kafka').registry,
    )
  }, 300_000)

  afterAll(async () => {
    await place.remove()
    await cluster.stop()
    rmSync(directory, { recursive: true })
  })

  it('lose no commit, no append and no read, and make none twice', { timeout: 300_000 }, async () => {
    const changes = new Changes()
    const log = await place.open()
    await log.ensureTopics(topics, [group])
    const worker = await Worker.start(log, group, 'worker', 'outputs', changes)
    const appender = new Appender(await place.open(), changes)
    const readers = tasks.map((task) => new Reader(log, 'outputs', task, changes))

    const advanced = async (): Promise<void> => {
      const counts = tasks.map((task) => worker.acknowledged.filter((commit) => commit.task === task).length)
      const appended = appender.appended
      const read = readers.map(({ records }) => records.length)
      await changes.until(
        () =>
          tasks.every(
            (task) => worker.acknowledged.filter((commit) => commit.task === task).length > (counts[task] ?? 0) + 10,
          ) &&
          appender.appended > appended + 5 &&
          readers.every(({ records }, index) => records.length > (read[index] ?? 0) + 10),
      )
    }
    await advanced()
    for (const node of cluster.nodes) {
      await node.kill()
      await advanced()
      await backInSync(node)
      await advanced()
    }
    await worker.stop()
    await appender.stop()
    await place.settled()
    await Promise.all(readers.map((reader) => reader.stop()))

    for (const [task, { records, failures }] of readers.entries()) {
      const stored = await readAll(log, { topic: 'outputs', partition: task, offset: 0 })
      const values = stored.map(({ value }) => Number(text(value)))
      expect(values).toEqual(values.map((_, index) => index + 1))
      const acknowledged = worker.acknowledged.filter((commit) => commit.task === task)
      expect(values).toEqual(expect.arrayContaining(acknowledged.map(({ sequence }) => sequence)))
      // Who read all the time saw the same, and was never turned away.
      expect(failures).toEqual([])
      expect(records).toEqual(stored)
    }
    const appended = await readAll(log, { topic: 'inputs', partition: 0, offset: 0 })
    expect(appended.map(({ key }) => Number(key))).toEqual(Array.from({ length: appender.appended }, (_, id) => id))
    await log.close()
  })

  /** Starts a node again, and waits until nothing depends on the other two alone. */
  async function backInSync(node: Cluster['nodes'][number]): Promise<void> {
    node.start()
    await node.ready()
    for (;;) {
      const { topics: all } = await place.admin.fetchTopicMetadata()
      if (all.every(({ partitions }) => partitions.every(({ isr, replicas }) => isr.length === replicas.length))) return
    }
  }
})

/** Appends one numbered record after another, each again until it is known to be there. */
class Appender {
  appended = 0
  readonly #log: Log
  #isStopping = false
  readonly #ended: Promise<void>

  constructor(log: Log, changes: Changes) {
    this.#log = log
    this.#ended = this.#work(changes)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#ended
    await this.#log.close()
  }

  async #work(changes: Changes): Promise<void> {
    while (!this.#isStopping) {
      try {
        await this.#log.append([record('inputs', 0, `${this.appended}`)], `append ${this.appended}`)
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'unreachable') throw error
        continue
      }
      this.appended += 1
      changes.notify()
    }
  }
}

/** Reads a partition on and on. */
class Reader {
  readonly records: StoredRecord[] = []
  readonly failures: unknown[] = []
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>

  constructor(log: Log, topic: string, partition: number, changes: Changes) {
    this.#ended = this.#work(log, topic, partition, changes)
  }

  /** Ends when it has read what is there. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #work(log: Log, topic: string, partition: number, changes: Changes): Promise<void> {
    const { signal } = this.#stop
    let offset = 0
    for (;;) {
      const isLast = signal.aborted
      try {
        const bounds = { maxBytes: 100, maxWaitSeconds: isLast ? 0 : 5, ...(!isLast && { signal }) }
        const { records, nextOffset, endOffset } = await log.read({ topic, partition, offset }, bounds)
        this.records.push(...records)
        offset = nextOffset
        if (isLast && nextOffset >= endOffset && records.length === 0) return
      } catch (error) {
        // A log that is away for longer than a read tries says so; whoever reads comes again.
        if ((error as { code?: unknown }).code !== 'unreachable') {
          this.failures.push(error)
          return
        }
      }
      changes.notify()
    }
  }
}
