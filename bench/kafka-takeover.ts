/**
 * How long tasks stand still when their process is killed: three processes share 12 tasks, one of them gets kill -9, and for each of
 * its tasks the time is taken until another commits an output there. And the same for a process that ends by SIGTERM.
 * `node dist/bench/kafka-takeover.js --kafka HOST:PORT --registry URL [--session-timeout SECONDS] [--rounds N] [--json]`
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { groupOf } from '../engine/runtime.ts'
import { topicSpecifications } from '../topics/catalogue.ts'
import { RecordCodec } from '../topics/codec.ts'
import { openKafkaLog } from '../topics/kafka/log.ts'
import { passOn, runtimeOf, seedRecord } from './pass-on.ts'

const { values } = parseArgs({
  options: {
    kafka: { type: 'string' },
    registry: { type: 'string' },
    'session-timeout': { type: 'string', default: '15' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    /** Inner use: what a process of the group is called, and where it works. */
    member: { type: 'string' },
    namespace: { type: 'string' },
  },
})
const { kafka, registry, member } = values
if (kafka === undefined || registry === undefined)
  throw new Error('--kafka and --registry are needed: see `npm run kafka`')
const partitions = 12
const processes = 3
const feedMilliseconds = 50
const sessionTimeoutSeconds = Number(values['session-timeout'])
const namespace = values.namespace ?? `bench-${randomUUID().slice(0, 8)}`
const { input, output, processor } = passOn(partitions, { source: member ?? '' })
const log = await openKafkaLog({
  connection: { brokers: kafka.split(','), clientId: member ?? 'bench' },
  registry: { url: registry },
  registersSchemas: true,
  namespace,
  sessionTimeoutSeconds,
})
const spread = [input, output].map(({ name }) => ({ name, partitions, compacted: false }))
await log.ensureTopics([...topicSpecifications(), ...spread], [groupOf(processor)])
const codec = new RecordCodec(log.schemas)
for (const topic of [input, output]) await codec.prepare(topic.name, topic.kind)
if (member === undefined) await watch()
else await work()

/** A process of the group. */
async function work(): Promise<void> {
  const runtime = runtimeOf(log, processor)
  await runtime.start()
  await Promise.race([runtime.failed, new Promise((resolve) => process.once('SIGTERM', resolve))])
  await runtime.drain(AbortSignal.timeout(10_000))
  await log.close()
}

/** Feeds all tasks, ends processes, and looks who goes on. */
async function watch(): Promise<void> {
  const children = new Map<string, ChildProcess>()
  let started = 0
  const start = (): void => {
    const name = `process-${++started}`
    const parts = ['--kafka', kafka ?? '', '--registry', registry ?? '', '--session-timeout', values['session-timeout']]
    const child = spawn(
      process.execPath,
      [fileURLToPath(import.meta.url), ...parts, '--member', name, '--namespace', namespace],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    children.set(name, child)
  }
  for (let index = 0; index < processes; index += 1) start()

  /** Of each task, who commits in it, and since when. */
  const owners = new Map<number, { name: string; sinceMs: number }>()
  const ending = new AbortController()
  setMaxListeners(0, ending.signal) // every reader listens
  const followers = Array.from({ length: partitions }, async (_, partition) => {
    for (let offset = 0; !ending.signal.aborted;) {
      const bounds = { maxBytes: 1 << 20, maxWaitSeconds: 1, signal: ending.signal }
      const { records, nextOffset } = await log.read({ topic: output.name, partition, offset }, bounds)
      for (const { value } of records) {
        const { source: name, sourceId } = codec.decode('seed', value)
        const task = Number(sourceId) % partitions
        if (name !== owners.get(task)?.name) owners.set(task, { name, sinceMs: performance.now() })
      }
      offset = nextOffset
    }
  })
  let fed = 0
  const feeding = (async () => {
    while (!ending.signal.aborted) {
      fed += 1
      const records = Array.from({ length: partitions }, (_, partition) => {
        const record = seedRecord(fed * partitions + partition, 'text')
        return { topic: input.name, partition, key: record.id, value: codec.encode(input.name, 'seed', record) }
      })
      await log.append(records, `feed/${fed}`)
      await tick(feedMilliseconds)
    }
  })()
  const shares = (): Map<string, number[]> => {
    const all = new Map<string, number[]>()
    for (const [task, { name }] of owners) all.set(name, [...(all.get(name) ?? []), task])
    return all
  }
  const balanced = (): boolean =>
    [...shares()].filter(([name, own]) => children.has(name) && own.length === partitions / processes).length ===
    processes

  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const times: number[] = []
    for (let round = 0; round < Number(values.rounds); round += 1) {
      while (!balanced()) await tick(50)
      await tick(Math.random() * 2000)
      const [victim] = [...children.keys()]
      if (victim === undefined) throw new Error('no process is left')
      const own = shares().get(victim) ?? []
      const endedAtMs = performance.now()
      children.get(victim)?.kill(signal)
      children.delete(victim)
      while (own.some((task) => owners.get(task)?.name === victim)) await tick(5)
      for (const task of own) times.push(((owners.get(task)?.sinceMs ?? NaN) - endedAtMs) / 1000)
      start()
    }
    times.sort((a, b) => a - b)
    const at = (share: number): number => Number((times[Math.ceil(share * times.length) - 1] ?? NaN).toFixed(2))
    const what = `${signal}, session timeout ${sessionTimeoutSeconds} s: seconds until a task of the process works again`
    for (const line of [
      { name: `${what}, median of ${times.length}`, value: at(0.5) },
      { name: `${what}, longest`, value: at(1) },
    ])
      process.stdout.write(values.json ? `${JSON.stringify(line)}\n` : `${line.name}: ${line.value}\n`)
  }
  ending.abort()
  await Promise.allSettled([feeding, ...followers])
  for (const child of children.values()) child.kill('SIGTERM')
  await log.close()
}

function tick(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
