import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import kafkajs, { type Kafka, type KafkaConfig, type SASLOptions } from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startCluster, type Cluster, type ClusterSecurity } from '../../scripts/kafka/cluster.ts'
import { freePorts } from '../../scripts/kafka/ports.ts'
import { startRegistry, type Registry } from '../../scripts/kafka/registry.ts'

const command = fileURLToPath(new URL('../../dist/scripts/kafka.js', import.meta.url))
/** With what paths may have and configurations stumble over. */
const root = mkdtempSync(join(tmpdir(), 'wellspring kafka \u00e9-'))
afterAll(() => rmSync(root, { recursive: true }))

function client(brokers: string, more: Partial<KafkaConfig> = {}): Kafka {
  const retry = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 30 }
  return new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING, retry, ...more })
}

/** Runs what needs an admin client, and closes it. */
async function asAdmin<T>(kafka: Kafka, act: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await act(admin)
  } finally {
    await admin.disconnect()
  }
}

async function createTopic(kafka: Kafka, topic: string): Promise<void> {
  await asAdmin(kafka, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true }))
}

/** Writes the values in one transaction. */
async function produce(kafka: Kafka, topic: string, values: readonly string[]): Promise<void> {
  const producer = kafka.producer({ transactionalId: 'test', idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  try {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: values.map((value) => ({ value })) })
    await transaction.commit()
  } finally {
    await producer.disconnect()
  }
}

/** The values of a topic up to one of them, as a group reads them that sees only what is committed. */
async function consume(kafka: Kafka, topic: string, last: string): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: `reader-${Math.random()}`, readUncommitted: false })
  const values: string[] = []
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => {
        if (!payload.restart) reject(payload.error)
      })
      const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
        values.push(String(message.value))
        if (values.at(-1) === last) resolve()
      }
      consumer.run({ eachMessage }).catch(reject)
    })
    return values
  } finally {
    await consumer.disconnect()
  }
}

/** Tries again while a node that clients still know is down; the test's own time limits it. */
async function eventually<T>(act: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await act()
    } catch {
      await pause(200)
    }
}

/** The state letter of each thread of a process, T for one that is stopped; none where the system does not tell. */
function threadStatesOf(pid: number): string[] {
  if (!existsSync(`/proc/${pid}/task`)) return []
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
    // The name before it may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2)[0] ?? ''
  })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Waits for the end of processes that end by themselves. */
async function ended(pids: readonly number[]): Promise<void> {
  while (pids.some(isRunning)) await pause(50)
}

const pidsOf = (cluster: Cluster): number[] => cluster.nodes.map(({ pid }) => pid!)

describe.each(['4.1.1', '3.9.1'])('a node of Kafka %s', (version) => {
  const directory = join(root, `one-${version}`)
  let cluster: Cluster
  let kafka: Kafka
  beforeAll(async () => {
    cluster = await startCluster({ directory, version })
    kafka = client(cluster.bootstrapServers)
    await createTopic(kafka, 'kept')
  }, 300_000)
  afterAll(() => cluster.stop())

  it('keeps transactions and gives them back', async () => {
    await produce(kafka, 'kept', ['first', 'second'])
    expect(await consume(kafka, 'kept', 'second')).toEqual(['first', 'second'])
  })

  it('makes no topic that nobody asked for', async () => {
    const producer = client(cluster.bootstrapServers, { retry: { retries: 0 } }).producer()
    await producer.connect()
    await expect(producer.send({ topic: 'unknown', messages: [{ value: 'x' }] })).rejects.toThrow(/topic-partition/)
    await producer.disconnect()
  })

  it('takes a record of 9 MB', async () => {
    await createTopic(kafka, 'large')
    const value = 'x'.repeat(9_000_000)
    await produce(kafka, 'large', [value])
    expect(await consume(kafka, 'large', value)).toEqual([value])
  })

  it('comes back after kill -9 with its data, on its port', async () => {
    const [node] = cluster.nodes
    const pid = node!.pid!
    await node!.kill()
    expect(node!.pid).toBeUndefined()
    expect(isRunning(pid)).toBe(false)
    await expect(node!.ready(0)).rejects.toThrow(/node 1 of Kafka .* has ended/)
    node!.start()
    await node!.ready()
    await produce(kafka, 'kept', ['third'])
    expect(await consume(kafka, 'kept', 'third')).toEqual(['first', 'second', 'third'])
  })

  it('answers nobody while it is paused, and goes on after it', async () => {
    const [node] = cluster.nodes
    node!.pause()
    // A busy machine takes a while to stop all of its threads.
    await vi.waitUntil(() => threadStatesOf(node!.pid!).every((state) => state === 'T'), { timeout: 30_000 })
    await expect(node!.ready(1)).rejects.toThrow(/does not answer after 1 s/)
    node!.resume()
    await node!.ready()
    expect(await consume(kafka, 'kept', 'third')).toEqual(['first', 'second', 'third'])
  })

  it('stops without leaving a process, and starts again with its data', async () => {
    const pids = pidsOf(cluster)
    await cluster.stop()
    expect(pids.filter(isRunning)).toEqual([])
    cluster = await startCluster({ directory, version })
    kafka = client(cluster.bootstrapServers)
    expect(await consume(kafka, 'kept', 'third')).toEqual(['first', 'second', 'third'])
  })

  it('stops while it is paused', async () => {
    const pids = pidsOf(cluster)
    cluster.nodes[0]!.pause()
    await cluster.stop()
    expect(pids.filter(isRunning)).toEqual([])
  })

  it('forgets its data where that is asked for', async () => {
    cluster = await startCluster({ directory, version, fresh: true })
    expect(await asAdmin(client(cluster.bootstrapServers), (admin) => admin.listTopics())).toEqual([])
  })
})

describe('three nodes', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster({ directory: join(root, 'three'), nodes: 3 })
  }, 300_000)
  afterAll(() => cluster.stop())

  it('go on without any one of them', async () => {
    const kafka = client(cluster.bootstrapServers)
    await createTopic(kafka, 'kept')
    for (const node of cluster.nodes) {
      await node.kill()
      await eventually(() => produce(kafka, 'kept', [`without node ${node.id}`]))
      node.start()
      await node.ready()
    }
    // A commit that went unanswered was made again: a value may be there twice.
    const values = await eventually(() => consume(kafka, 'kept', 'without node 3'))
    expect([...new Set(values)]).toEqual(['without node 1', 'without node 2', 'without node 3'])
  }, 120_000)

  it('stop without leaving a process', async () => {
    const pids = pidsOf(cluster)
    expect(pids).toHaveLength(3)
    await cluster.stop()
    expect(pids.filter(isRunning)).toEqual([])
  })
})

describe('the folder of a cluster', () => {
  const started: Cluster[] = []
  const start = async (options: Parameters<typeof startCluster>[0]) => {
    const cluster = await startCluster(options)
    started.push(cluster)
    return cluster
  }
  afterEach(async () => {
    for (const cluster of started.splice(0)) await cluster.stop()
  })

  it('is run by one owner at a time', async () => {
    const directory = join(root, 'owned')
    await start({ directory })
    await expect(startCluster({ directory, fresh: true })).rejects.toThrow(`process ${process.pid} runs a cluster in`)
  })

  it('is not opened by another version or with another number of nodes, and stays as it is', async () => {
    const directory = join(root, 'contents')
    const { nodes } = await start({ directory })
    await started.pop()!.stop()
    expect(nodes[0]!.pid).toBeUndefined()
    await expect(startCluster({ directory, version: '3.9.1' })).rejects.toThrow(/data with kafka 4\.1\.1.*--fresh/)
    await expect(startCluster({ directory, nodes: 3 })).rejects.toThrow(/data with nodes 1, asked for is nodes 3/)
    await start({ directory })
  })

  it('is never one with files of somebody else', async () => {
    const directory = join(root, 'foreign')
    mkdirSync(directory)
    writeFileSync(join(directory, 'thesis.txt'), 'mine')
    await expect(startCluster({ directory, fresh: true })).rejects.toThrow(/holds other files \(thesis\.txt\)/)
    expect(readdirSync(directory)).toEqual(['thesis.txt'])
  })

  it('is given back when a port is taken', async () => {
    const directory = join(root, 'port')
    const [port] = await freePorts(1)
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    await expect(startCluster({ directory, ports: [port!] })).rejects.toThrow(`port ${port} of 127.0.0.1 is in use`)
    await once(server.close(), 'close')
    const cluster = await start({ directory, ports: [port!] })
    expect(cluster.bootstrapServers).toBe(`127.0.0.1:${port}`)
  })

  it('is given back, and the reason told in one line, when the broker cannot start', async () => {
    const directory = join(root, 'refused')
    const settings = { 'num.network.threads': 'many' }
    await expect(startCluster({ directory, settings })).rejects.toThrow(
      /^cannot format [^\n]*num\.network\.threads[^\n]*$/,
    )
    await start({ directory })
    await started.pop()!.stop()
    await expect(startCluster({ directory, settings })).rejects.toThrow(/^node 1 [^\n]*num\.network\.threads[^\n]*$/)
    await start({ directory })
  })
})

describe('the registry', () => {
  const directory = join(root, 'registry')
  let registry: Registry
  beforeAll(async () => {
    registry = await startRegistry({ directory })
  }, 300_000)
  afterAll(() => registry.stop())

  const schema = (...fields: readonly object[]) =>
    JSON.stringify({ schema: JSON.stringify({ type: 'record', name: 'Problem', fields }) })
  const text = { name: 'text', type: 'string' }
  const optional = { name: 'level', type: 'int', default: 0 }
  const required = { name: 'level', type: 'int' }

  async function ask(method: string, path: string, body?: string): Promise<{ status: number; content: unknown }> {
    const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
    const response = await fetch(`${registry.url}${path}`, { method, headers, ...(body && { body }) })
    return { status: response.status, content: await response.json() }
  }

  it('keeps a subject FULL_TRANSITIVE', async () => {
    const first = await ask('POST', '/subjects/problems-value/versions', schema(text))
    expect(first.status).toBe(200)
    const level = JSON.stringify({ compatibility: 'FULL_TRANSITIVE' })
    expect((await ask('PUT', '/config/problems-value', level)).status).toBe(200)
    const check = '/compatibility/subjects/problems-value/versions/latest'
    expect((await ask('POST', check, schema(text, optional))).content).toMatchObject({ is_compatible: true })
    expect((await ask('POST', check, schema(text, required))).content).toMatchObject({ is_compatible: false })
    const refused = await ask('POST', '/subjects/problems-value/versions', schema(text, required))
    expect(refused).toMatchObject({ status: 409, content: { error_code: 409 } })
    const second = await ask('POST', '/subjects/problems-value/versions', schema(text, optional))
    expect(second.status).toBe(200)
    expect(second.content).not.toEqual(first.content)
  })

  it('has everything that it answered after kill -9', async () => {
    const before = await ask('GET', '/subjects/problems-value/versions/latest')
    const { id } = (await ask('POST', '/subjects/last-value/versions', schema(text, text))).content as { id?: number }
    expect(id).toBeUndefined()
    const last = await ask('POST', '/subjects/last-value/versions', schema(required))
    await registry.kill()
    await expect(fetch(registry.url)).rejects.toThrow()
    registry.start()
    await registry.ready()
    expect(await ask('GET', '/subjects/problems-value/versions/latest')).toEqual(before)
    expect(await ask('GET', '/config/problems-value')).toMatchObject({
      content: { compatibilityLevel: 'FULL_TRANSITIVE' },
    })
    expect(await ask('GET', '/subjects/last-value/versions/latest')).toMatchObject({ content: last.content })
  })

  it('stops without leaving a process, and starts again with its data', async () => {
    const pid = registry.pid!
    await registry.stop()
    expect(isRunning(pid)).toBe(false)
    registry = await startRegistry({ directory })
    expect(new Set((await ask('GET', '/subjects')).content as string[])).toEqual(
      new Set(['last-value', 'problems-value']),
    )
  })
})

describe.each(['4.1.1', '3.9.1'])('a secured Kafka %s', (version) => {
  let cluster: Cluster
  let security: ClusterSecurity
  beforeAll(async () => {
    cluster = await startCluster({ directory: join(root, `secured-${version}`), version, secured: true })
    security = cluster.security!
    await createTopic(client(cluster.bootstrapServers), 'guarded')
  }, 300_000)
  afterAll(() => cluster.stop())

  const file = (path: string) => readFileSync(path, 'utf8')
  const authority = () => ({ ca: file(security.certificates.authority) })
  const retry = { retries: 1 }
  const topicsSeen = (brokers: string, config: Partial<KafkaConfig>) =>
    asAdmin(client(brokers, { retry, ...config }), (admin) => admin.listTopics())
  const login = (mechanism: string, username: 'admin' | 'processor' | 'stranger', password?: string) =>
    ({ mechanism, username, password: password ?? security.passwords[username] }) as SASLOptions

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'])('lets in who knows the password, by %s', async (mechanism) => {
    expect(await topicsSeen(security.sasl, { sasl: login(mechanism, 'admin') })).toEqual(['guarded'])
    const overTls = { sasl: login(mechanism, 'admin'), ssl: authority() }
    expect(await topicsSeen(security.saslTls, overTls)).toEqual(['guarded'])
    await expect(topicsSeen(security.sasl, { sasl: login(mechanism, 'admin', 'guessed') })).rejects.toThrow(
      /authentication failed/i,
    )
  })

  it('lets in who brings a token', async () => {
    const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url')
    const now = Math.floor(Date.now() / 1_000)
    const value = `${part({ alg: 'none' })}.${part({ sub: 'admin', iat: now, exp: now + 600 })}.`
    const oauthBearerProvider = async () => ({ value })
    const sasl = { mechanism: 'oauthbearer', oauthBearerProvider } as const
    expect(await topicsSeen(security.sasl, { sasl })).toEqual(['guarded'])
  })

  it('asks a TLS client for a certificate that its authority signed', async () => {
    const { client: known, foreign } = security.certificates
    const pair = ({ certificate, key }: typeof known) => ({ cert: file(certificate), key: file(key) })
    await topicsSeen(security.tls, { ssl: { ...authority(), ...pair(known) } })
    await expect(topicsSeen(security.tls, { ssl: { ...authority(), ...pair(foreign) } })).rejects.toThrow(/alert/)
    await expect(topicsSeen(security.tls, { ssl: authority() })).rejects.toThrow(/alert/)
    await expect(topicsSeen(security.tls, { ssl: true })).rejects.toThrow(/unable to verify/)
  })

  it('lets nobody do what no ACL allows', async () => {
    const admin = client(cluster.bootstrapServers)
    const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs
    const acl = [AclOperationTypes.WRITE, AclOperationTypes.DESCRIBE].map((operation) => ({
      ...{ principal: 'User:processor', host: '*', operation, permissionType: AclPermissionTypes.ALLOW },
      ...{ resourceName: 'guarded', resourceType: AclResourceTypes.TOPIC },
      resourcePatternType: ResourcePatternTypes.LITERAL,
    }))
    await asAdmin(admin, (one) => one.createAcls({ acl }))
    const write = async (name: 'processor' | 'stranger') => {
      const producer = client(security.sasl, { sasl: login('scram-sha-512', name), retry }).producer()
      await producer.connect()
      try {
        await producer.send({ topic: 'guarded', messages: [{ value: name }] })
      } finally {
        await producer.disconnect()
      }
    }
    await write('processor')
    await expect(write('stranger')).rejects.toThrow(/Not authorized/)
  })

  it('keeps its users and certificates over a restart', async () => {
    const before = security
    await cluster.stop()
    cluster = await startCluster({ directory: cluster.directory, version, secured: true })
    security = cluster.security!
    expect(security.passwords).toEqual(before.passwords)
    expect(await topicsSeen(security.sasl, { sasl: login('scram-sha-256', 'admin') })).toEqual(['guarded'])
  })
})

describe('npm run kafka', () => {
  interface Ready {
    bootstrapServers: string
    registry: string | null
    directory: string
    pids: { owner: number; nodes: number[]; registry: number | null }
  }

  /** Starts the command; whatever the test does, nothing of it is left. */
  function start(parameters: readonly string[], environment: NodeJS.ProcessEnv = process.env) {
    const child = spawn(process.execPath, [command, ...parameters], { env: environment })
    onTestFinished(() => void child.kill('SIGKILL'))
    let output = ''
    let complaints = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
    const closed = once(child, 'close').then(([code]: (number | null)[]) => ({ code, output, complaints }))
    const ready = async () => {
      while (!output.includes('\n')) {
        if (child.exitCode !== null) throw new Error(`it ended: ${complaints}`)
        await pause(20)
      }
      return JSON.parse(output) as Ready
    }
    return { child, closed, ready }
  }
  const allPids = ({ pids }: Ready) => [...pids.nodes, ...(pids.registry === null ? [] : [pids.registry])]
  /** A PATH with these programs alone. */
  function pathOf(name: string, ...programs: readonly string[]): string {
    const bin = join(root, name)
    mkdirSync(bin)
    for (const program of programs)
      symlinkSync(
        execFileSync('/bin/sh', ['-c', 'command -v "$1"', 'sh', program]).toString().trim(),
        join(bin, program),
      )
    return bin
  }

  it.each(['SIGINT', 'SIGTERM'] as const)('prints where everything is, and %s stops it all', async (signal) => {
    const { child, closed, ready } = start(['--directory', join(root, signal), '--json'])
    const where = await ready()
    expect(await asAdmin(client(where.bootstrapServers), (admin) => admin.listTopics())).toEqual([])
    expect((await fetch(`${where.registry}/subjects`)).status).toBe(200)
    expect(where.directory).toBe(join(root, signal))
    child.kill(signal)
    const { code, complaints } = await closed
    expect(code).toBe(0)
    expect(complaints).toMatch(/^starting Kafka \S+ and the registry \.\.\.\nstopping \.\.\.\n$/)
    expect(allPids(where)).toHaveLength(2)
    expect(allPids(where).filter(isRunning)).toEqual([])
  })

  it('leaves no process behind when it is killed, and the next start has the data', async () => {
    const directory = join(root, 'killed')
    const ports = ['--port', String((await freePorts(1))[0]), '--registry-port', String((await freePorts(1))[0])]
    const first = start(['--directory', directory, '--json', ...ports])
    const where = await first.ready()
    await createTopic(client(where.bootstrapServers), 'kept')
    first.child.kill('SIGKILL')
    await first.closed
    // At once: the second waits for what the first has left.
    const second = start(['--directory', directory, '--json', ...ports])
    const again = await second.ready()
    expect(allPids(where).filter(isRunning)).toEqual([])
    expect(again.bootstrapServers).toBe(where.bootstrapServers)
    expect(await asAdmin(client(again.bootstrapServers), (admin) => admin.listTopics())).toEqual(['kept'])
    second.child.kill('SIGKILL')
    await ended(allPids(again))
  })

  it('stops the rest and says so when the broker ends by itself', async () => {
    const { closed, ready } = start(['--directory', join(root, 'ended'), '--json'])
    const where = await ready()
    process.kill(where.pids.nodes[0]!, 'SIGKILL')
    const { code, complaints } = await closed
    expect(code).toBe(1)
    expect(complaints).toMatch(/^kafka: node 1 has ended by itself; its log is .*server\.log$/m)
    expect(allPids(where).filter(isRunning)).toEqual([])
  })

  it('prints the variables that lead there, to be pasted', async () => {
    const { child, closed } = start(['--directory', join(root, 'words'), '--no-registry'])
    await new Promise<void>((resolve) =>
      child.stdout.on('data', (text: string) => {
        if (text.includes('Ready after')) resolve()
      }),
    )
    child.kill('SIGINT')
    const { code, output } = await closed
    expect(code).toBe(0)
    const [, brokers] = /^Kafka \S+ +(\S+)$/m.exec(output) ?? []
    expect(output).toContain(`\nexport WELLSPRING_KAFKA=${brokers}\n`)
  })

  it('starts Kafka alone', async () => {
    const { ready } = start(['--directory', join(root, 'alone'), '--json', '--no-registry'])
    expect((await ready()).registry).toBeNull()
  })

  it('says that the folder is in use', async () => {
    const directory = join(root, 'busy')
    await start(['--directory', directory, '--json', '--no-registry']).ready()
    const { code, complaints } = await start(['--directory', directory, '--no-registry', '--fresh']).closed
    expect(complaints).toMatch(/^starting [^\n]*\nkafka: process \d+ runs a cluster in .*busy; stop it[^\n]*\n$/)
    expect(code).toBe(75)
  })

  it('asks for Java where there is none', async () => {
    const environment = { PATH: pathOf('no-java'), HOME: root }
    const { code, complaints } = await start(['--directory', join(root, 'never')], environment).closed
    expect(complaints).toMatch(
      /^starting [^\n]*\nkafka: Java 17 or newer is needed: no java on PATH runs; install it \([^\n]*\)[^\n]*\n$/,
    )
    expect(code).toBe(69)
  })

  it('asks for Maven only where something has to be fetched', async () => {
    const environment = { PATH: pathOf('no-maven', 'java'), HOME: process.env['HOME'] }
    const empty = { ...environment, XDG_CACHE_HOME: join(root, 'empty-cache') }
    const { code, complaints } = await start(['--directory', join(root, 'unfetched')], empty).closed
    expect(complaints).toMatch(/^kafka: Maven is needed to fetch Kafka 4\.1\.1 once: no mvn on PATH; install it/m)
    expect(code).toBe(69)
    const full = { ...environment, XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] }
    await start(['--directory', join(root, 'fetched'), '--json'], full).ready()
  })

  it('names a version that there is not', async () => {
    const options = ['--directory', join(root, 'unknown-version'), '--version', '4.0.999']
    const { code, complaints } = await start(options).closed
    expect(complaints).toMatch(/^kafka: could not fetch Kafka 4\.0\.999: [^\n]*$/m)
    expect(code).toBe(69)
  })

  it.each([
    ['--nodes', 'three'],
    ['--port', '0'],
    ['--version', 'latest'],
    ['--unknown', 'option'],
  ])('refuses %s %s', async (name, value) => {
    const { code, complaints } = await start([name, value]).closed
    expect(complaints).toContain(name)
    expect(complaints.trim().split('\n')).toHaveLength(1)
    expect(code).toBe(2)
  })

  it('explains itself', async () => {
    const { code, output } = await start(['--help']).closed
    expect(output).toMatch(/^Usage: npm run kafka.*Examples:.*Exit codes:/s)
    expect(code).toBe(0)
  })
})
