/** The built command on the Kafka of this run: topics and schemas, a whole stream, and processes side by side. */
import { randomBytes } from 'node:crypto'
import type { Admin } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { openAdmin } from '../../topics/kafka/connections.ts'
import { topicSpecifications } from '../../topics/catalogue.ts'
import {
  endAll,
  expectFailure,
  jsonLines,
  newFolder,
  removeFolders,
  run,
  seedLines,
  start,
  type Ended,
} from '../cli/command.ts'

// Many short processes on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 })

const TOPIC_CONFIG = 2
const { brokers, registry } = inject('kafka')
const cwd = newFolder()
let admin: Admin
const namespaces: string[] = []

/** A namespace that nobody has used, and the flags that lead there. */
function newPlace(): { namespace: string; flags: string[] } {
  const namespace = `command-${randomBytes(5).toString('hex')}`
  namespaces.push(namespace)
  return { namespace, flags: ['--kafka', brokers.join(','), '--registry', registry, '--namespace', namespace] }
}

interface Difference {
  what: 'topic' | 'schema'
  kind: string
  topic?: string
  subject?: string
  name?: string
  found?: string
  mendable: boolean
}

async function differences(flags: readonly string[]): Promise<Difference[]> {
  const { stdout, stderr, exitCode } = await run(['topics', 'diff', ...flags, '--json'], { cwd })
  expect(stderr).toBe('')
  const found = jsonLines<Difference>(stdout)
  expect(exitCode).toBe(found.length === 0 ? 0 : 1)
  return found
}

async function apply(flags: readonly string[]): Promise<Ended> {
  return await run(['topics', 'apply', ...flags, '--json'], { cwd })
}

async function setConfig(topic: string, name: string, value: string): Promise<void> {
  const resources = [{ type: TOPIC_CONFIG, name: topic, configEntries: [{ name, value }] }]
  await admin.alterConfigs({ validateOnly: false, resources })
}

async function configOf(topic: string, name: string): Promise<string | undefined> {
  const resources = [{ type: TOPIC_CONFIG, name: topic }]
  const described = await admin.describeConfigs({ includeSynonyms: false, resources })
  return described.resources[0]?.configEntries.find(({ configName }) => configName === name)?.configValue
}

beforeAll(async () => {
  admin = openAdmin({ brokers, clientId: 'wellspring-test' })
  await admin.connect()
})
afterAll(async () => {
  endAll()
  const topics = await admin.listTopics()
  const ours = topics.filter((topic) => namespaces.some((one) => topic.startsWith(`${one}.`)))
  if (ours.length > 0) await admin.deleteTopics({ topics: ours })
  await admin.disconnect()
  removeFolders()
})

describe('topics apply and diff', () => {
  const { namespace, flags } = newPlace()

  test('before: everything is missing, and every other command names the cure with these flags', async () => {
    const found = await differences(flags)
    expect(new Set(found.map(({ what, kind, mendable }) => `${what} ${kind} ${mendable}`))).toEqual(
      new Set(['topic missing true', 'schema missing true']),
    )
    const cure = `\`wellspring topics apply ${flags.join(' ')}\``
    for (const args of [['up', '--problems', '0'], ['tail', 'seeds'], ['topics'], ['ingest', '-', '--as', 'seeds']]) {
      const ended = await run([...args, ...flags], { cwd, input: seedLines(1) })
      expectFailure(ended, 78, /^wellspring: /)
      expect(ended.stderr).toContain(cure)
    }
  })

  test('before: doctor does not judge rights by topics that are not there', async () => {
    const { stdout, exitCode } = await run(['doctor', ...flags], { cwd })
    expect(stdout).toMatch(/^warning {2}rights: not tried: \d+ topics are not there yet$/m)
    expect(stdout).toMatch(/^fault {4}topics: .*\n.*`wellspring topics apply .* mends them$/m)
    expect(stdout).not.toMatch(/topics acls/)
    expect(exitCode).toBe(1)
  })

  test('apply makes all of it, and the second time nothing', async () => {
    const before = await differences(flags)
    const { stdout, stderr, exitCode } = await apply(flags)
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
    expect(jsonLines<Difference>(stdout)).toEqual(before)
    expect(await differences(flags)).toEqual([])
    expect(await apply(flags)).toEqual({ stdout: '', stderr: '', exitCode: 0 })
    const topics = await admin.listTopics()
    for (const { name } of topicSpecifications()) expect(topics).toContain(`${namespace}.${name}`)
  })

  test('a setting that differs is shown and mended, and what others have set stays', async () => {
    const topic = `${namespace}.verdicts`
    await setConfig(topic, 'segment.ms', '7200000')
    // The request replaced what was set before: all of ours is gone now.
    const found = await differences(flags)
    expect(found).toContainEqual(
      expect.objectContaining({ what: 'topic', kind: 'config', topic, name: 'retention.ms', mendable: true }),
    )
    expect(found.every((one) => one.topic === topic)).toBe(true)
    expect((await apply(flags)).exitCode).toBe(0)
    expect(await differences(flags)).toEqual([])
    expect(await configOf(topic, 'segment.ms')).toBe('7200000')
  })

  test('a missing topic alone is made again', async () => {
    const topic = `${namespace}.traces`
    await admin.deleteTopics({ topics: [topic] })
    expect(await differences(flags)).toMatchObject([{ what: 'topic', kind: 'missing', topic }])
    expectFailure(
      await run(['run', 'teach', ...flags], { cwd }),
      78,
      new RegExp(`${topic} is not there: \`wellspring topics apply --kafka`),
    )
    expect((await apply(flags)).exitCode).toBe(0)
    expect(await differences(flags)).toEqual([])
  })

  test('list shows every topic of the stream, its size unknown where it holds anything', async () => {
    await run(['ingest', '-', '--as', 'seeds', ...flags], { cwd, input: seedLines(5) })
    const { stdout, exitCode } = await run(['topics', ...flags], { cwd })
    expect(exitCode).toBe(0)
    expect(stdout.match(/^\S+/gm)).toEqual(['topic', ...topicSpecifications().map(({ name }) => name)])
    // Offsets are counted, and each append leaves one without a record.
    expect(stdout).toMatch(/^seeds +kept +12 +~\d+ +- +extract-concepts ~\d+$/m)
    expect(stdout).toMatch(/^traces +kept +12 +0 +/m)
  })
})

describe('what apply refuses', () => {
  test('another partition count: nothing is changed, and up refuses it too', async () => {
    const { namespace, flags } = newPlace()
    const topic = `${namespace}.verdicts`
    await admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: true })
    expect((await differences(flags)).find((one) => one.topic === topic)).toMatchObject({
      kind: 'partitions',
      found: '3',
      mendable: false,
    })
    const { stdout } = await run(['topics', 'diff', ...flags], { cwd })
    expect(stdout).toMatch(
      /^\d+ differences; 1 of them can't be mended, and .* changes nothing then: .*--namespace NAME/m,
    )
    const line = new RegExp(`${topic} has 3 partitions, expected 12.*can't be changed.*namespace`)
    expectFailure(await apply(flags), 78, line)
    expectFailure(await run(['run', 'plan-rollouts', ...flags], { cwd }), 78, line)
    expect((await admin.listTopics()).filter((one) => one.startsWith(`${namespace}.`))).toEqual([topic])
  })

  test('a schema that readers of the registered one could not follow: nothing is changed', async () => {
    const { namespace, flags } = newPlace()
    const subject = `${namespace}.seeds-value`
    const schema = JSON.stringify({ type: 'record', name: 'Other', fields: [{ name: 'other', type: 'string' }] })
    const ask = async (method: string, path: string, body: object): Promise<void> => {
      const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
      const response = await fetch(`${registry}${path}`, { method, headers, body: JSON.stringify(body) })
      expect(response.status).toBe(200)
    }
    await ask('POST', `/subjects/${subject}/versions`, { schema, schemaType: 'AVRO' })
    await ask('PUT', `/config/${subject}`, { compatibility: 'FULL_TRANSITIVE' })
    expect((await differences(flags)).find((one) => one.subject === subject)).toMatchObject({
      kind: 'incompatible',
      mendable: false,
    })
    expectFailure(await apply(flags), 78, new RegExp(`${subject}.*not compatible.*nothing was changed.*namespace`))
    expect((await admin.listTopics()).filter((one) => one.startsWith(`${namespace}.`))).toEqual([])
  })
})

describe('a whole stream', () => {
  const { flags } = newPlace()
  let end: {
    how: string
    simulated: boolean
    statuses: { name: string; counts: { emitted: Record<string, number> } }[]
  }

  beforeAll(async () => {
    const applied = await run(['up', '--apply', '--problems', '0', ...flags, '--json'], { cwd })
    expect(applied.stderr).toMatch(/^\d+ topics and \d+ schemas made or mended$/m)
    expect(applied.exitCode).toBe(0)
    const ingested = await run(['ingest', '-', '--as', 'seeds', ...flags], { cwd, input: seedLines(20) })
    expect(ingested).toEqual({ stdout: '-: 20 seeds added, 0 known already, 0 refused\n', stderr: '', exitCode: 0 })
    const args = ['up', '--problems', '5', ...flags, '--json', '--set', 'simulator.speed=500']
    const { stdout, exitCode } = await run(args, { cwd })
    expect(exitCode).toBe(0)
    end = jsonLines<typeof end>(stdout).at(-1) as typeof end
  }, 300_000)

  test('ends by itself, with what was asked for', () => {
    expect(end).toMatchObject({ event: 'end', how: 'complete', simulated: true })
    const made = end.statuses.find(({ name }) => name === 'generate-problem')?.counts.emitted['problems']
    expect(made).toBe(5)
  })

  test('is worked off', async () => {
    const { stdout } = await run(['topics', ...flags, '--json'], { cwd })
    const rows = jsonLines<{ name: string; backlog: { processor: string; records: number }[] }>(stdout)
    expect(
      rows.flatMap(({ name, backlog }) => backlog.map((one) => ({ name, ...one }))).filter((one) => one.records !== 0),
    ).toEqual([])
  })

  test('can be read: exactly what was emitted, each record once, and explained to its seeds', async () => {
    const emitted = end.statuses.reduce((sum, { counts }) => sum + (counts.emitted['test-cases'] ?? 0), 0)
    const { stdout } = await run(['export', 'problems', ...flags], { cwd })
    const rows = jsonLines<{ id: string; simulated: boolean }>(stdout)
    expect(rows).toHaveLength(emitted)
    expect(new Set(rows.map(({ id }) => id)).size).toBe(emitted)
    const tailed = jsonLines<{ id: string }>((await run(['tail', 'test-cases', ...flags], { cwd })).stdout)
    expect(new Set(tailed.map(({ id }) => id))).toEqual(new Set(rows.map(({ id }) => id)))
    // Votes and judges may have left none of the few; each was made of concepts.
    const [problem] = jsonLines<{ id: string }>((await run(['tail', 'problems', ...flags], { cwd })).stdout)
    const explained = await run(['explain', problem?.id ?? '', ...flags, '--json'], { cwd })
    expect(explained.exitCode).toBe(0)
    expect(explained.stdout).toMatch(/"seedId":"seed-[0-9a-f]+"/)
    expect(await run(['dead-letters', 'list', ...flags], { cwd })).toMatchObject({ stdout: 'no dead letters\n' })
  })

  test('--last gives exactly so many records, whatever offsets transactions took', async () => {
    const tail = async (...more: string[]): Promise<string[]> =>
      (await run(['tail', 'verdicts', ...flags, ...more], { cwd })).stdout.trimEnd().split('\n')
    const all = await tail()
    for (const count of [1, 5, 1000]) {
      const last = await tail('--last', String(count))
      expect(last).toHaveLength(Math.min(count, all.length))
      expect(all).toEqual(expect.arrayContaining(last))
    }
  })

  test('export into a folder that is not there is one line', async () => {
    const ended = await run(['export', 'problems', '--out', 'nowhere/x.jsonl', ...flags], { cwd })
    expectFailure(ended, 74, /nowhere\/x\.jsonl: there is no folder nowhere; make it with `mkdir -p nowhere`/)
  })

  test('ingesting the same again adds nothing', async () => {
    const again = await run(['ingest', '-', '--as', 'seeds', ...flags], { cwd, input: seedLines(20) })
    expect(again.stdout).toBe('-: 0 seeds added, 20 known already, 0 refused\n')
  })

  test('a second up goes on from there and makes nothing', async () => {
    const { stdout, exitCode } = await run(['up', '--problems', '5', ...flags], { cwd })
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^complete after/m)
    expect(stdout).toMatch(/^made: 5 synthetic problems/m)
  })

  test('a registry that cannot be reached is one line with the cure', async () => {
    const away = flags.map((word) => (word === registry ? 'http://127.0.0.1:9' : word))
    for (const args of [
      ['up', '--problems', '5'],
      ['topics', 'diff'],
      ['export', 'problems'],
    ]) {
      const { stderr, exitCode } = await run([...args, ...away], { cwd })
      expect(stderr.trimEnd().split('\n').at(-1)).toMatch(
        /^wellspring: the schema registry http:\/\/127\.0\.0\.1:9 failed .*see that it runs, or correct registry\.url/,
      )
      expect(exitCode).toBe(69)
    }
  })

  test('doctor finds everything in order', async () => {
    const { stdout, exitCode } = await run(['doctor', ...flags, '--json'], { cwd })
    const findings = jsonLines<{ what: string; state: string; detail: string }>(stdout)
    const stateOf = (what: string): string | undefined => findings.find((one) => one.what === what)?.state
    for (const what of ['brokers', 'topics', 'schemas', 'rights'])
      expect([what, stateOf(what)]).toEqual([what, 'works'])
    expect(findings.find(({ what }) => what === 'brokers')?.detail).toContain(brokers[0])
    expect(exitCode).toBe(0)
  })
})

describe('two processes side by side', () => {
  test('share the tasks of a processor, do each record once, and take over what the other leaves', async () => {
    const { flags } = newPlace()
    expect((await apply(flags)).exitCode).toBe(0)
    const simulator = start(['simulate', '--port', '0', '--json', '--until-stdin-ends', '--speed', '500'], { cwd })
    const { url } = JSON.parse(await simulator.written(/\n/)) as { url: string }
    const env = { OPENAI_BASE_URL: url, WELLSPRING_KAFKA_SESSION_TIMEOUT_SECONDS: '6' }
    const [one, two] = ['one', 'two'].map((data) =>
      start(['run', 'extract-concepts', ...flags, '--data', data, '--json'], { cwd, env, input: '' }),
    )
    if (!one || !two) throw new Error('two were started')
    await Promise.all([one, two].map((process) => process.written(/"openTasks":6\b/)))
    const seeds = 40
    expect((await run(['ingest', '-', '--as', 'seeds', ...flags], { cwd, input: seedLines(seeds) })).exitCode).toBe(0)
    const lists = async (): Promise<{ id: string; parentIds: string[] }[]> =>
      jsonLines((await run(['tail', 'concept-lists', ...flags], { cwd })).stdout)
    await vi.waitFor(
      async () => expect(new Set((await lists()).flatMap(({ parentIds }) => parentIds)).size).toBe(seeds),
      {
        timeout: 150_000,
        interval: 500,
      },
    )
    // The first leaves: the other has all tasks, and all that was finished in them.
    one.process.kill('SIGINT')
    expect((await one.ended).exitCode).toBe(130)
    await two.written(/"openTasks":12\b/)
    await two.written(new RegExp(`"openTasks":12,[^\\n]*"finished":${seeds}\\b`))
    two.process.kill('SIGINT')
    expect((await two.ended).exitCode).toBe(130)
    simulator.process.stdin?.end()
    await simulator.ended
    const ids = (await lists()).map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })
})
