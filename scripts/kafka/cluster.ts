/**
 * A real Kafka cluster on this machine, for development and tests: one folder, one owner, any node killed, paused and started
 * again with its data and its port. Nothing outlives its owner: the brokers end when the process that started them is gone.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { ClusterError, tellingLine } from './error.ts'
import { OwnedFolder } from './folder.ts'
import { findJava, installKafka, majorVersion, type Report } from './install.ts'
import { JavaProcess, javaEnvironment } from './java-process.ts'
import { claimPorts, freePorts, host } from './ports.ts'
import { makeCredentials, scramParameters, securedListeners, securitySettings, type Credentials } from './security.ts'

const run = promisify(execFile)

/** Kafka's release where none is asked for. */
export const defaultKafkaVersion = '4.1.1'

/** How a cluster is started. */
export interface ClusterOptions {
  /** Data, settings and logs; made where it is missing. */
  readonly directory: string
  /** @default defaultKafkaVersion */
  readonly version?: string
  /** Brokers, each a controller too. Three keep three replicas, two of them in sync. @default 1 @minimum 1 */
  readonly nodes?: number
  /** One port for each node. @default free ones */
  readonly ports?: readonly number[]
  /** Forget the data of former runs. @default false */
  readonly fresh?: boolean
  /** Add listeners with passwords and certificates, and check ACLs on them. @default false */
  readonly secured?: boolean
  /** More lines of server.properties, or others in place of the module's own. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  readonly report?: Report
}

/** One broker (and controller) of the cluster. */
interface KafkaNode {
  /** From 1. */
  readonly id: number
  readonly port: number
  /** The process id; undefined while the node is down. */
  readonly pid: number | undefined
  /** Settles when the process is down. */
  readonly exited: Promise<void>
  readonly logFile: string
  /** Ends the process (kill -9 unless told otherwise) and waits for the end. */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void
  /** SIGCONT. */
  resume(): void
  /** Starts it again, with the same data and port; `ready` tells when it answers. */
  start(): void
  /** Waits until it takes requests. @throws ClusterError (start_failed) */
  ready(timeoutSeconds?: number): Promise<void>
}

/** How clients reach a secured cluster. */
export interface ClusterSecurity extends Credentials {
  /** Bootstrap servers of SASL_PLAINTEXT: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER (unsigned tokens). */
  readonly sasl: string
  /** Bootstrap servers of SSL; a client certificate is required, its common name is the user. */
  readonly tls: string
  /** Bootstrap servers of SASL_SSL, with the mechanisms of `sasl`; no client certificate is asked for. */
  readonly saslTls: string
}

/** A running cluster. */
export interface Cluster {
  readonly version: string
  readonly directory: string
  /** Of PLAINTEXT: `127.0.0.1:9092`, comma-separated. */
  readonly bootstrapServers: string
  readonly nodes: readonly KafkaNode[]
  readonly security: ClusterSecurity | undefined
  /** Ends all nodes and gives the folder back; the data stays. */
  stop(): Promise<void>
}

/** Kafka's own form of a cluster id: 16 bytes; a leading dash would read as an option. */
function newClusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}

/** Whether a broker takes requests on this port: it answers ApiVersions, whichever way. */
function answers(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect({ host, port, timeout: 2_000 })
    const end = (answered: boolean) => {
      socket.destroy()
      settle(answered)
    }
    socket.once('error', () => end(false))
    socket.once('timeout', () => end(false))
    socket.once('close', () => end(false))
    // Size, key 18 (ApiVersions), version 0, correlation id 1, no client id.
    socket.once('connect', () => socket.write(Buffer.from('0000000a0012000000000001ffff', 'hex')))
    socket.once('data', () => end(true))
  })
}

interface NodePorts {
  readonly plain: number
  readonly controller: number
  /** By listener. */
  readonly secured: ReadonlyMap<string, number>
}

function serverProperties(
  version: string,
  id: number,
  nodes: readonly NodePorts[],
  folder: string,
  more: Readonly<Record<string, string | number | boolean>>,
): string {
  const mine = nodes[id - 1]!
  const clients = [['PLAINTEXT', mine.plain] as const, ...mine.secured]
  const addresses = (listeners: readonly (readonly [string, number])[]) =>
    listeners.map(([name, port]) => `${name}://${host}:${port}`).join(',')
  const replicas = Math.min(3, nodes.length)
  const inSync = Math.max(1, replicas - 1)
  const protocols = { PLAINTEXT: 'PLAINTEXT', CONTROLLER: 'PLAINTEXT', ...securedListeners }
  const settings: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.voters': nodes.map(({ controller }, index) => `${index + 1}@${host}:${controller}`).join(','),
    listeners: addresses([...clients, ['CONTROLLER', mine.controller]]),
    'advertised.listeners': addresses(clients),
    'listener.security.protocol.map': Object.entries(protocols)
      .map(([name, protocol]) => `${name}:${protocol}`)
      .join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    // Few, so that the first group and the first transaction need not wait for fifty partitions each.
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    'auto.create.topics.enable': false,
    'group.initial.rebalance.delay.ms': 0,
    'message.max.bytes': 10_485_760,
    'replica.fetch.max.bytes': 10_485_760,
    // A killed broker is let in again, and its partitions move, when its session has run out: after 9 s by default.
    'broker.session.timeout.ms': 4_000,
    'broker.heartbeat.interval.ms': 500,
    // The default takes a quarter of the heap.
    'log.cleaner.dedupe.buffer.size': 16_777_216,
    ...(majorVersion(version) >= 4 && {
      'share.coordinator.state.topic.replication.factor': replicas,
      'share.coordinator.state.topic.min.isr': inSync,
      'share.coordinator.state.topic.num.partitions': 4,
    }),
    ...more,
  }
  // The format is Latin-1 with escapes.
  const escaped = (value: string) =>
    value
      .replaceAll('\\', '\\\\')
      .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${escaped(String(value))}\n`)
    .join('')
}

/** 3.x logs through this file; it has no other way to say where and what. */
const log4jProperties = `log4j.rootLogger=INFO, stderr
log4j.appender.stderr=org.apache.log4j.ConsoleAppender
log4j.appender.stderr.target=System.err
log4j.appender.stderr.layout=org.apache.log4j.PatternLayout
log4j.appender.stderr.layout.ConversionPattern=%d %p %c - %m%n
log4j.logger.kafka.log=WARN
log4j.logger.org.apache.kafka.clients=WARN
log4j.logger.org.apache.kafka.storage=WARN
`

/** 4.x logs through slf4j-simple, set by system properties. */
const simpleLogging = [
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss,SSS',
  '-Dorg.slf4j.simpleLogger.log.kafka.log=warn',
  '-Dorg.slf4j.simpleLogger.log.org.apache.kafka.clients=warn',
  '-Dorg.slf4j.simpleLogger.log.org.apache.kafka.storage=warn',
]

/**
 * Starts a cluster and waits until every node takes requests.
 * @throws ClusterError
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { version = defaultKafkaVersion, nodes: count = 1, secured = false, report } = options
  if (options.ports && options.ports.length !== count)
    throw new RangeError(`expected ${count} ports, one for each node, got ${options.ports.length}`)
  const java = await findJava()
  const classPath = join(await installKafka(version, report), 'lib', '*')
  const folder = await OwnedFolder.take(resolve(options.directory), {
    contents: { kafka: version, nodes: count, secured },
    ours: /^(node-\d+|security|security\.unfinished|registry|cluster-id|contents\.json|owner\.json.*)$/,
    keep: /^(registry$|owner\.json)/,
    fresh: options.fresh ?? false,
  })
  const processes: JavaProcess[] = []
  try {
    if (options.ports) await claimPorts(options.ports)
    const listeners = secured ? Object.keys(securedListeners) : []
    const chosen = (await freePorts(count * (2 + listeners.length))).filter((port) => !options.ports?.includes(port))
    const next = () => chosen.pop()!
    const ports: NodePorts[] = Array.from({ length: count }, (_, index) => ({
      plain: options.ports?.[index] ?? next(),
      controller: next(),
      secured: new Map(listeners.map((name) => [name, next()])),
    }))
    const credentials = secured ? await makeCredentials(join(folder.path, 'security')) : undefined
    const idFile = join(folder.path, 'cluster-id')
    if (!existsSync(idFile)) await writeFile(idFile, newClusterId())
    const clusterId = await readFile(idFile, 'utf8')

    const jvm = ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Djava.awt.headless=true']
    const nodes = ports.map(({ plain }, index): KafkaNode & { process: JavaProcess } => {
      const home = join(folder.path, `node-${index + 1}`)
      const logFile = join(home, 'server.log')
      const logging =
        majorVersion(version) < 4
          ? [`-Dlog4j.configuration=${pathToFileURL(join(home, 'log4j.properties')).href}`]
          : simpleLogging
      const process = new JavaProcess({
        name: `node ${index + 1} of Kafka ${version}`,
        java,
        parameters: [...jvm, ...logging, '-cp', classPath, 'kafka.Kafka', join(home, 'server.properties')],
        logFile,
        onStart: (pid) => folder.adopt(pid),
        answers: () => answers(plain),
      })
      processes.push(process)
      return {
        id: index + 1,
        port: plain,
        get pid() {
          return process.pid
        },
        get exited() {
          return process.exited
        },
        logFile,
        process,
        kill: (signal) => process.kill(signal),
        pause: () => process.pause(),
        resume: () => process.resume(),
        start: () => process.start(),
        ready: (timeoutSeconds) => process.ready(timeoutSeconds),
      }
    })

    await Promise.all(
      nodes.map(async ({ id, logFile }) => {
        const home = join(folder.path, `node-${id}`)
        await mkdir(home, { recursive: true })
        await writeFile(logFile, '')
        const more = { ...(credentials && securitySettings(credentials)), ...options.settings }
        await writeFile(join(home, 'server.properties'), serverProperties(version, id, ports, home, more))
        await writeFile(join(home, 'log4j.properties'), log4jProperties)
        const formatted = join(home, 'formatted')
        if (existsSync(formatted)) return
        const parameters = [
          ...['-t', clusterId, '-c', join(home, 'server.properties')],
          ...(credentials ? scramParameters(credentials) : []),
        ]
        await run(
          java,
          [...jvm, '-cp', classPath, 'kafka.tools.StorageTool', 'format', '--ignore-formatted', ...parameters],
          { env: javaEnvironment() },
        ).catch((error: unknown) => {
          const { stderr, message } = error as Error & { stderr?: string }
          const reason = tellingLine(stderr || message)
          throw new ClusterError('start_failed', `cannot format the data of node ${id}: ${reason}`, { cause: error })
        })
        await writeFile(formatted, '')
      }),
    )
    for (const { process } of nodes) process.start()
    await Promise.all(nodes.map((node) => node.ready()))

    const bootstrap = (port: (of: NodePorts) => number) => ports.map((of) => `${host}:${port(of)}`).join(',')
    return {
      version,
      directory: folder.path,
      bootstrapServers: bootstrap(({ plain }) => plain),
      nodes,
      security: credentials && {
        passwords: credentials.passwords,
        certificates: credentials.certificates,
        sasl: bootstrap((of) => of.secured.get('SASL')!),
        tls: bootstrap((of) => of.secured.get('TLS')!),
        saslTls: bootstrap((of) => of.secured.get('SASL_TLS')!),
      },
      stop: async () => {
        await stopAll(processes)
        folder.release()
      },
    }
  } catch (error) {
    await Promise.all(processes.map((process) => process.kill()))
    folder.release()
    throw error
  }
}

async function stopAll(processes: readonly JavaProcess[]): Promise<void> {
  await Promise.all(processes.map((process) => process.stop(10)))
}
