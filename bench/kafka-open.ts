/**
 * How long a task takes to open after many commits: the state change and the progress record of N commits in its changelog, none
 * compacted yet, with and without a local copy of the state. They are written 500 to a batch: one by one would take an hour.
 * `node dist/bench/kafka-open.js --kafka HOST:PORT --registry URL [--commits N] [--json]`
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Connection } from '../topics/kafka/connections.ts'
import { openKafkaLog } from '../topics/kafka/log.ts'
import { beginTransactions, type PlacedMessage } from '../topics/kafka/transactions.ts'

const { values } = parseArgs({
  options: {
    kafka: { type: 'string' },
    registry: { type: 'string' },
    commits: { type: 'string', default: '1000000' },
    json: { type: 'boolean', default: false },
  },
})
const { kafka, registry } = values
if (kafka === undefined || registry === undefined)
  throw new Error('--kafka and --registry are needed: see `npm run kafka`')
const commits = Number(values.commits)
const connection = { brokers: kafka.split(','), clientId: 'bench' }
const namespace = `bench-${randomUUID().slice(0, 8)}`
const group = { name: 'opened', inputs: ['bench-in'], tasks: 1 }
const commitsPerTransaction = 500

function deferred() {
  let resolve!: () => void
  let reject!: (error: Error) => void
  const promise = new Promise<void>((onward, failed) => {
    resolve = onward
    reject = failed
  })
  return { promise, resolve, reject }
}

const folder = mkdtempSync(join(tmpdir(), 'wellspring-bench-'))
const open = (stateDirectory: string) =>
  openKafkaLog({ connection, registry: { url: registry }, namespace, stateDirectory })

/** Seconds from the assignment to the open task. */
async function openTask(stateDirectory: string): Promise<number> {
  const log = await open(stateDirectory)
  const assigned = deferred()
  const membership = await log.join(group, {
    gained: () => assigned.resolve(),
    lost: () => undefined,
    failed: (error) => assigned.reject(error),
  })
  await assigned.promise
  const startedAtMs = performance.now()
  const task = await membership.open(0)
  const seconds = (performance.now() - startedAtMs) / 1000
  if (task.progress?.sequence !== commits) throw new Error(`opened at ${task.progress?.sequence}, expected ${commits}`)
  await task.close()
  await log.close()
  return seconds
}

const log = await open(join(folder, 'fill'))
await log.ensureTopics([{ name: 'bench-in', partitions: 1, compacted: false }], [group])
await log.close()

const writes = new Connection(connection)
const transactions = await beginTransactions(writes, {
  transactionalId: `${namespace}.opened.0`,
  timeoutMilliseconds: 60_000,
  compression: 'none',
})
const changelog = { topic: `${namespace}.opened-changelog`, partition: 0 }
await transactions.write([{ ...changelog, key: 'identity', value: Buffer.from(randomUUID()) }])
for (let sequence = 1; sequence <= commits;) {
  const messages: PlacedMessage[] = []
  for (let more = 0; more < commitsPerTransaction && sequence <= commits; more += 1, sequence += 1) {
    messages.push(
      { ...changelog, key: `state/s:key-${sequence % 100}`, value: Buffer.alloc(40, sequence % 256) },
      {
        ...changelog,
        key: 'progress',
        value: Buffer.alloc(120, sequence % 256),
        headers: { 'wellspring.sequence': String(sequence) },
      },
    )
  }
  await transactions.write(messages)
}
await writes.close()

try {
  const cold = await openTask(join(folder, 'cold'))
  const warm = await openTask(join(folder, 'cold'))
  for (const line of [
    {
      name: `opening after ${commits} commits, no local copy, seconds`,
      value: Number(cold.toFixed(2)),
      goal: 5,
      ok: cold < 5,
    },
    {
      name: `opening after ${commits} commits, local copy, seconds`,
      value: Number(warm.toFixed(2)),
      goal: 5,
      ok: warm < 5,
    },
  ])
    process.stdout.write(
      values.json
        ? `${JSON.stringify(line)}\n`
        : `${line.name}: ${line.value} (goal ${line.goal}: ${line.ok ? 'met' : 'missed'})\n`,
    )
} finally {
  rmSync(folder, { recursive: true })
}
