/**
 * What all processors of the stream ask of a cluster when one process has all of their tasks and there is nothing to do: sockets, and
 * requests a second by kind. `node dist/bench/kafka-sockets.js --kafka HOST:PORT --registry URL [--seconds N] [--json]`
 */
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { Metrics } from '../engine/metrics.ts'
import type { Inference, Verification } from '../engine/ports.ts'
import { groupOf, Runtime } from '../engine/runtime.ts'
import { resolveSettings } from '../engine/settings.ts'
import { processors } from '../processors/index.ts'
import { topicSpecifications } from '../topics/catalogue.ts'
import { openKafkaLog } from '../topics/kafka/log.ts'

const { values } = parseArgs({
  options: {
    kafka: { type: 'string' },
    registry: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
})
const { kafka, registry } = values
if (kafka === undefined || registry === undefined)
  throw new Error('--kafka and --registry are needed: see `npm run kafka`')
const seconds = Number(values.seconds)

interface ConnectionOfKafkajs {
  prototype: { send(protocol: { request: { apiName: string } }): Promise<unknown> }
}
const connectionOfKafkajs = createRequire(import.meta.url)('kafkajs/src/network/connection') as ConnectionOfKafkajs
const requests = new Map<string, number>()
const send = Reflect.get(connectionOfKafkajs.prototype, 'send')
connectionOfKafkajs.prototype.send = function (protocol) {
  const { apiName } = protocol.request
  requests.set(apiName, (requests.get(apiName) ?? 0) + 1)
  return send.call(this, protocol)
}

const log = await openKafkaLog({
  connection: { brokers: kafka.split(','), clientId: 'bench' },
  registry: { url: registry },
  registersSchemas: true,
  namespace: `bench-${randomUUID().slice(0, 8)}`,
})
const groups = processors.map(groupOf)
await log.ensureTopics(topicSpecifications(), groups)
const runtime = new Runtime({
  log,
  processors: processors.map((declaration) => ({
    declaration,
    config: resolveSettings(declaration.name, declaration.settings, []).values,
    limits: {},
  })),
  inference: { modelsOf: () => [] } as unknown as Inference,
  verification: {} as Verification,
  metrics: new Metrics(),
  simulated: true,
})
const startedAtMs = performance.now()
await runtime.start()
const tasks = groups.reduce((sum, group) => sum + group.tasks, 0)
while (runtime.status().reduce((sum, { openTasks }) => sum + openTasks, 0) < tasks)
  await Promise.race([runtime.failed, new Promise((resolve) => setTimeout(resolve, 10))])
const openSeconds = (performance.now() - startedAtMs) / 1000
const starting = total()
requests.clear()
await Promise.race([runtime.failed, new Promise((resolve) => setTimeout(resolve, seconds * 1000))])
const sockets = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
const byKind = [...requests].sort((a, b) => b[1] - a[1])

function total(): number {
  return [...requests.values()].reduce((sum, count) => sum + count, 0)
}

for (const line of [
  { name: 'processors', value: processors.length },
  { name: 'tasks', value: tasks },
  { name: 'seconds until all tasks are open', value: Number(openSeconds.toFixed(1)) },
  { name: 'requests until then', value: starting },
  { name: 'sockets', value: sockets },
  { name: 'requests a second with nothing to do', value: Number((total() / seconds).toFixed(1)) },
  ...byKind.map(([name, count]) => ({ name: `of these ${name}`, value: Number((count / seconds).toFixed(2)) })),
])
  process.stdout.write(values.json ? `${JSON.stringify(line)}\n` : `${line.name}: ${line.value}\n`)
await runtime.drain(AbortSignal.timeout(5000))
await log.close()
