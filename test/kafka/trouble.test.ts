/** What goes wrong around a stream on Kafka: each time one line with the cure, nothing lost, and the rest goes on. */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import kafkajs, { type Admin, type Message } from 'kafkajs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import { startCluster, type Cluster } from '../../scripts/kafka/cluster.ts'
import { openAdmin } from '../../topics/kafka/connections.ts'
import { endAll, expectFailure, jsonLines, newFolder, removeFolders, run, seedLines, start } from '../cli/command.ts'
import { requireOrSkip } from '../requirements.ts'

vi.setConfig({ testTimeout: 180_000 })

const { brokers, registry } = inject('kafka')
const env = { WELLSPRING_KAFKA_SESSION_TIMEOUT_SECONDS: '6' }
const fast = ['--set', 'simulator.speed=500']
let cwd: string
let namespace: string
let flags: string[]

function place(at: readonly string[]): void {
  namespace = `trouble-${randomBytes(5).toString('hex')}`
  flags = ['--kafka', at.join(','), '--registry', registry, '--namespace', namespace]
}

/** A command that must succeed. @returns its stdout */
async function succeed(args: readonly string[], input = ''): Promise<string> {
  const ended = await run([...args, ...flags], { cwd, env, input })
  expect(ended, args.join(' ')).toMatchObject({ exitCode: 0 })
  return ended.stdout
}

async function removeTopics(admin: Admin): Promise<void> {
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${namespace}.`))
  if (topics.length > 0) await admin.deleteTopics({ topics })
}

/** Writes past Wellspring. */
async function write(topic: string, message: Message, compression = kafkajs.CompressionTypes.None): Promise<void> {
  const producer = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  await producer.send({ topic: `${namespace}.${topic}`, messages: [message], compression })
  await producer.disconnect()
}

/** How many seeds have got their concepts. */
async function seedsWithConcepts(): Promise<number> {
  const lists = jsonLines<{ parentIds: string[] }>(await succeed(['tail', 'concept-lists']))
  return new Set(lists.flatMap(({ parentIds }) => parentIds)).size
}

beforeEach(() => {
  cwd = newFolder()
})
afterAll(() => {
  endAll()
  removeFolders()
})

describe('on the Kafka of this run', () => {
  let admin: Admin

  beforeAll(async () => {
    admin = openAdmin({ brokers, clientId: 'wellspring-test' })
    await admin.connect()
  })
  beforeEach(async () => {
    place(brokers)
    await succeed(['topics', 'apply'])
  })
  afterEach(() => removeTopics(admin))
  afterAll(() => admin.disconnect())

  it('records that were deleted under a task stop that task alone, and the run ends with what was lost', async () => {
    await succeed(['ingest', '-', '--as', 'seeds'], seedLines(30))
    await succeed(['up', '--problems', '0', ...fast])
    const finished = new Map(
      (await admin.fetchTopicOffsets(`${namespace}.seeds`)).map((end) => [end.partition, end.high]),
    )
    await succeed(['ingest', '-', '--as', 'seeds'], seedLines(60))
    const ends = await admin.fetchTopicOffsets(`${namespace}.seeds`)
    // One that was worked on before: a task that has no progress begins wherever its partition does.
    const isWorkedOn = (partition: number): boolean => Number(finished.get(partition)) > 0
    const cut = ends.find(({ partition, high }) => isWorkedOn(partition) && high !== finished.get(partition))
    if (!cut) throw new Error('no partition of seeds has new records')
    await admin.deleteTopicRecords({
      topic: `${namespace}.seeds`,
      partitions: [{ partition: cut.partition, offset: cut.high }],
    })
    const ended = await run(['up', '--problems', '0', ...flags, ...fast, '--json'], { cwd, env })
    const end = jsonLines<{ how: string; statuses: { name: string; stopped?: string; backlog: number }[] }>(
      ended.stdout,
    ).at(-1)
    expect(end?.how).toBe('stopped')
    expect(ended.exitCode).toBe(74)
    const stopped = end?.statuses.filter((one) => one.stopped !== undefined)
    expect(stopped?.map(({ name }) => name)).toEqual(['extract-concepts'])
    expect(stopped?.[0]?.stopped).toContain(
      `extract-concepts: seeds/${cut.partition} no longer holds unfinished records from offset`,
    )
    expect(stopped?.[0]?.stopped).toContain('Restore the topic from a backup')
    // All the other partitions were worked off.
    expect(await seedsWithConcepts()).toBeGreaterThan(30)
    const text = await run(['up', '--problems', '0', ...flags, ...fast], { cwd, env })
    expect(text.stdout).toMatch(/^stopped: all but the tasks that lost records is done after/m)
    expect(text.stdout).toMatch(/^stopped: extract-concepts: seeds\//m)
  })

  it('a topic that was made anew stops the tasks that had worked on it: what lies in it is not passed over', async () => {
    await succeed(['ingest', '-', '--as', 'seeds'], seedLines(40))
    await succeed(['up', '--problems', '0', ...fast])
    await admin.deleteTopics({ topics: [`${namespace}.seeds`] })
    await succeed(['topics', 'apply'])
    const ended = await run(['up', '--problems', '0', ...flags, ...fast], { cwd, env })
    expect(ended.exitCode).toBe(74)
    expect(ended.stdout).toMatch(
      /^stopped: extract-concepts: seeds\/\d+ ends at offset 0, and all below \d+ was worked on: the topic was emptied or made anew\. Restore/m,
    )
  })

  it('a record of a schema that is no Avro, and one larger than any log takes, become dead letters', async () => {
    const text = 'syntax = "proto3"; message Seed { string id = 1; }'
    const made = await fetch(`${registry}/subjects/${namespace}-other-value/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schemaType: 'PROTOBUF', schema: text }),
    })
    const { id } = (await made.json()) as { id: number }
    const foreign = Buffer.concat([Buffer.from([0, 0, 0, 0, 0]), randomBytes(20)])
    foreign.writeUInt32BE(id, 1)
    await write('seeds', { partition: 0, key: 'foreign', value: foreign })
    // Small enough for the brokers, as it was packed.
    const huge = Buffer.alloc(12 << 20, 'x')
    await write('seeds', { partition: 1, key: 'huge', value: huge }, kafkajs.CompressionTypes.GZIP)
    await succeed(['ingest', '-', '--as', 'seeds'], seedLines(20))
    await succeed(['up', '--problems', '0', ...fast])
    expect(await seedsWithConcepts()).toBe(20)
    const letters = jsonLines<{ message: string; bytes: number }>(await succeed(['dead-letters', 'list', '--json']))
    expect(letters.map(({ bytes }) => bytes).sort((a, b) => a - b)).toEqual([foreign.length, 64 << 10])
    expect(letters.find(({ bytes }) => bytes === foreign.length)?.message).toContain(
      'is no Avro schema that can be read',
    )
    expect(await succeed(['dead-letters', 'redrive', '--all'])).toMatch(
      /^1 dead letters put back; 1 left: each holds only the beginning of \d+ bytes, .*; the whole lies in seeds\/1 at offset \d+$/m,
    )
  })

  it('a registry that is asked under a wrong path is no empty registry', async () => {
    const wrong = new URL('/wrong', registry).href.replace(/\/$/, '')
    const at = flags.map((flag) => (flag === registry ? wrong : flag))
    for (const args of [['topics', 'diff'], ['topics', 'apply'], ['up']]) {
      const ended = await run([...args, ...at], { cwd, env })
      expectFailure(ended, 69, /there is no schema registry at http:\S+\/wrong \(404 .*\): correct registry\.url/)
    }
  })

  it('a group that another program uses is refused in one line', async () => {
    const other = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).consumer({
      groupId: `${namespace}.extract-concepts`,
    })
    await other.connect()
    await other.subscribe({ topic: `${namespace}.seeds` })
    const joined = new Promise((resolve) => other.on('consumer.group_join', resolve))
    await other.run({ eachMessage: () => Promise.resolve() })
    await joined
    const ended = await run(['run', 'extract-concepts', ...flags], { cwd, env })
    await other.disconnect()
    expectFailure(ended, 78, /INCONSISTENT_GROUP_PROTOCOL\): another program consumes under the name of this group/)
  })

  it.each(['gzip', 'snappy', 'lz4', 'uncompressed'])(
    'brokers that pack everything anew as %s are read, shown, and told otherwise',
    async (type) => {
      const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${namespace}.`))
      await admin.alterConfigs({
        validateOnly: false,
        resources: topics.map((name) => ({
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name,
          configEntries: [
            { name: 'compression.type', value: type },
            { name: 'max.message.bytes', value: String(11 << 20) },
          ],
        })),
      })
      await succeed(['ingest', '-', '--as', 'seeds'], seedLines(30))
      await succeed(['up', '--problems', '0', ...fast])
      expect(await seedsWithConcepts()).toBe(30)
      expect((await run(['topics', 'diff', ...flags], { cwd, env })).stdout).toMatch(/seeds.*compression\.type/)
      await succeed(['topics', 'apply'])
      expect((await run(['topics', 'diff', ...flags], { cwd, env })).stdout).toMatch(/no differences/)
    },
  )

  const header = { 'wellspring.sequence': '7' }
  it.each([
    ['progress without a number', { key: 'progress', value: 'x' }, /is no progress record of Wellspring/],
    ['progress that was deleted', { key: 'progress', value: null, headers: header }, /is no progress record/],
    [
      'progress that is not Avro',
      { key: 'progress', value: 'garbage', headers: header },
      /sample-concepts task 0: its own progress record cannot be read: expected an Avro record .* got 7 bytes/,
    ],
  ])('a changelog that holds %s is damaged: nothing is guessed', async (_, record, line) => {
    await write('sample-concepts-changelog', { partition: 0, ...record })
    const ended = await run(['run', 'sample-concepts', ...flags], { cwd, env })
    expectFailure(ended, 74, line)
    expect(ended.stderr).toMatch(/something else has written to (its|a) changelog[:;] restore it from a backup/)
  })

  it('bytes that are no Avro become a dead letter that holds them, and the records around them are worked on', async () => {
    const bytes = randomBytes(40)
    await write('seeds', { partition: 3, key: 'odd', value: bytes })
    await succeed(['ingest', '-', '--as', 'seeds'], seedLines(20))
    await succeed(['up', '--problems', '0', ...fast])
    const letters = jsonLines<{ processor: string; code: string; value: string }>(
      await succeed(['dead-letters', 'list', '--json']),
    )
    expect(letters).toHaveLength(1)
    expect(letters[0]).toMatchObject({ processor: 'extract-concepts', code: 'RECORD_UNDECODABLE' })
    const raw: Buffer[] = []
    const consumer = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).consumer({
      groupId: `${namespace}-reader`,
    })
    await consumer.connect()
    await consumer.subscribe({ topic: `${namespace}.dead-letters`, fromBeginning: true })
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: ({ message }) => {
          raw.push(message.value ?? Buffer.alloc(0))
          resolve()
          return Promise.resolve()
        },
      })
    })
    await consumer.disconnect()
    expect(raw[0]?.equals(bytes)).toBe(true)
    expect(await seedsWithConcepts()).toBe(20)
  })

  it('a size limit that somebody has lowered ends the run, is shown and mended, and nothing was lost', async () => {
    const limit = { name: 'max.message.bytes', value: '100' }
    const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: `${namespace}.concept-lists` }
    await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries: [limit] }] })
    await succeed(['ingest', '-', '--as', 'seeds'], seedLines(3))
    const ended = await run(['up', '--problems', '0', ...flags, ...fast], { cwd, env })
    expectFailure(ended, 78, /max\.message\.bytes of a topic is lower than Wellspring needs; `wellspring topics diff /)
    const diff = await run(['topics', 'diff', ...flags], { cwd, env })
    expect(diff.stdout).toMatch(/concept-lists.*max\.message\.bytes/)
    await succeed(['topics', 'apply'])
    await succeed(['up', '--problems', '0', ...fast])
    expect(await seedsWithConcepts()).toBe(3)
  })
})

it('brokers that cannot be reached are one line with the cure, whatever was asked', async () => {
  place(['127.0.0.1:9'])
  for (const args of [['up'], ['topics', 'diff'], ['export', 'pairs'], ['ingest', '-', '--as', 'seeds']]) {
    const ended = await run([...args, ...flags], { cwd, env, input: seedLines(1) })
    expectFailure(ended, 69, /Kafka failed connecting to 127\.0\.0\.1:9 .*start the brokers, or correct --kafka/)
  }
})

/** A file system of its own for a broker, which only root can make. */
const canMount =
  process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0

describe.runIf(requireOrSkip('the right to mount a file system (run as root)', canMount))(
  'a broker whose disk is full',
  () => {
    let folder: string
    let cluster: Cluster

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'wellspring-full-'))
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400m', 'tmpfs', folder])
      cluster = await startCluster({ directory: join(folder, 'kafka'), version: inject('kafka').version })
      place(cluster.bootstrapServers.split(','))
    })
    afterAll(async () => {
      await cluster.stop()
      execFileSync('umount', ['-l', folder])
      rmSync(folder, { recursive: true })
    })

    it('is waited for: results stay until there is room and a broker again, and none is made twice', async () => {
      await succeed(['topics', 'apply'])
      await succeed(['ingest', '-', '--as', 'seeds'], seedLines(200))
      const up = start(['up', '--problems', '20', ...flags, ...fast, '--json'], { cwd, env, input: '' })
      await up.written(/"inFlight":[1-9]/)
      const filler = join(folder, 'filler')
      const { bavail, bsize } = statfsSync(folder)
      try {
        writeFileSync(filler, Buffer.alloc(bavail * bsize - 65_536))
      } catch (error) {
        // The broker took of what was free meanwhile: then the disk is full to the last byte.
        expect(error).toMatchObject({ code: 'ENOSPC' })
      }
      await up.written(/"waiting":"[^"]*Kafka/)
      rmSync(filler)
      const [node] = cluster.nodes
      if (!node) throw new Error('the cluster has a node')
      await node.kill()
      node.start()
      await node.ready(120)
      const { exitCode, stdout } = await up.ended
      expect(exitCode).toBe(0)
      expect(stdout).toMatch(/"how":"complete"/)
      const ids = jsonLines<{ id: string }>(await succeed(['tail', 'verdicts'])).map(({ id }) => id)
      expect(ids.length).toBeGreaterThan(0)
      expect(new Set(ids).size).toBe(ids.length)
    })
  },
)
