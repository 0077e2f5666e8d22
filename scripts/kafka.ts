/** `npm run kafka`: a real Kafka and a schema registry on this machine, until Ctrl-C. */
import { join } from 'node:path'
import { exitCodes } from '../cli/exit.ts'
import { placeSettings } from '../cli/place.ts'
import { defaultKafkaVersion, startCluster, type Cluster } from './kafka/cluster.ts'
import { ClusterError, type ClusterErrorCode } from './kafka/error.ts'
import { isFree } from './kafka/ports.ts'
import { startRegistry, type Registry } from './kafka/registry.ts'
import { readOptions, refuseUsage } from './options.ts'

const program = {
  call: 'npm run kafka',
  about: `Starts Apache Kafka and a schema registry (Apicurio, Confluent API) on 127.0.0.1 and runs them until Ctrl-C.
The first start fetches both through Maven (about 170 MB, kept in ~/.cache/wellspring); Java 17 or newer runs them.`,
  after: `Examples:
  npm run kafka
  npm run kafka -- --nodes 3 --directory /tmp/three
  npm run kafka -- --version 3.9.1 --port 19092 --registry-port 18081 --fresh
  npm --silent run kafka -- --json | head -1

Exit codes: 0 stopped, 1 Kafka or the registry ended by itself, 2 wrong usage, 69 Java, Maven or a download is missing,
75 the folder or a port is in use, 78 the folder holds something else.`,
}

const exitCodeOf: Record<ClusterErrorCode, number> = {
  tool_missing: exitCodes.unavailable,
  download_failed: exitCodes.unavailable,
  busy: exitCodes.busy,
  port_taken: exitCodes.busy,
  other_contents: exitCodes.configuration,
  start_failed: exitCodes.bug,
}

function integer(name: string, text: string, lowest: number, highest: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < lowest || value > highest)
    refuseUsage(program, `--${name}: expected a whole number from ${lowest} to ${highest}, got ${text}`)
  return value
}

function optionsGiven() {
  const values = readOptions(program, {
    version: { type: 'string', default: defaultKafkaVersion, doc: `of Kafka: ${defaultKafkaVersion}, 3.9.1` },
    nodes: { type: 'string', default: '1', doc: 'brokers; three keep three replicas of everything' },
    port: { type: 'string', doc: 'of the first broker, the next ones follow (default: 9092, or free ones)' },
    'registry-port': { type: 'string', doc: 'of the registry (default: 8081, or a free one)' },
    'no-registry': { type: 'boolean', default: false, doc: 'Kafka alone' },
    directory: { type: 'string', default: '.kafka', doc: 'data and logs, kept from start to start' },
    fresh: { type: 'boolean', default: false, doc: 'forget the data of former starts' },
    secured: {
      type: 'boolean',
      default: false,
      doc: 'also listeners with passwords and certificates, and ACLs on them',
    },
    json: { type: 'boolean', default: false, doc: 'one line when ready: addresses, versions, folder, process ids' },
  })
  if (!/^\d+\.\d+\.\d+$/.test(values.version))
    refuseUsage(program, `--version: expected a release such as ${defaultKafkaVersion}, got ${values.version}`)
  const nodes = integer('nodes', values.nodes, 1, 9)
  const port = values.port === undefined ? undefined : integer('port', values.port, 1, 65_536 - nodes)
  const registryPort =
    values['registry-port'] === undefined ? undefined : integer('registry-port', values['registry-port'], 1, 65_535)
  return { ...values, nodes, port, registryPort, registry: !values['no-registry'] }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const note = (line: string): void => void process.stderr.write(`${line}\n`)

/** The usual ports where they are free, so that commands can be written down; undefined where they are not. */
async function usual(ports: readonly number[]): Promise<readonly number[] | undefined> {
  const free = await Promise.all(ports.map(isFree))
  return free.every(Boolean) ? ports : undefined
}

/** Runs the cluster until a signal; the exit code. */
async function run(): Promise<number> {
  const options = optionsGiven()
  // Until all is up there is nothing to end in order: what has started so far ends by itself when this process is gone.
  let interrupted = (): void => process.exit(exitCodes.interrupted)
  let firstSignalAtMs: number | undefined
  const onSignal = () => {
    // npm passes the terminal's Ctrl-C on: one press may come twice.
    if (firstSignalAtMs !== undefined && performance.now() - firstSignalAtMs > 1_000)
      process.exit(exitCodes.interrupted)
    firstSignalAtMs ??= performance.now()
    interrupted()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  stopWithNpm(onSignal)

  const { version, nodes, directory, fresh, secured } = options
  const report = note
  const ports =
    options.port === undefined
      ? await usual(Array.from({ length: nodes }, (_, index) => 9_092 + index))
      : Array.from({ length: nodes }, (_, index) => options.port! + index)
  const registryPort = options.registryPort ?? (await usual([8_081]))?.[0]
  const startedAtMs = performance.now()
  note(`starting Kafka ${version}${options.registry ? ' and the registry' : ''} ...`)
  const cluster = await startCluster({ directory, version, nodes, ...(ports && { ports }), fresh, secured, report })
  let registry: Registry | undefined
  try {
    if (options.registry)
      registry = await startRegistry({
        directory: join(cluster.directory, 'registry'),
        ...(registryPort !== undefined && { port: registryPort }),
        fresh,
        report,
      })
    if (options.json) say(asJson(cluster, registry))
    else describe(cluster, registry, performance.now() - startedAtMs).forEach(say)

    const signal = new Promise<undefined>((resolve) => (interrupted = () => resolve(undefined)))
    const ended = [
      ...cluster.nodes.map((node) => node.exited.then(() => ({ what: `node ${node.id}`, log: node.logFile }))),
      ...(registry ? [registry.exited.then(() => ({ what: 'the registry', log: registry!.logFile }))] : []),
    ]
    const end = await Promise.race([signal, ...ended])
    if (end === undefined) {
      note('stopping ...')
      return exitCodes.done
    }
    note(`kafka: ${end.what} has ended by itself; its log is ${end.log}`)
    return exitCodes.bug
  } finally {
    await registry?.stop()
    await cluster.stop()
  }
}

/** npm killed with kill -9 passes no signal on; a process whose parent is gone gets another one. */
function stopWithNpm(stop: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) stop()
  }, 1_000).unref()
}

function asJson(cluster: Cluster, registry: Registry | undefined): string {
  const { bootstrapServers, version, directory, nodes, security } = cluster
  return JSON.stringify({
    bootstrapServers,
    registry: registry?.url ?? null,
    versions: { kafka: version, registry: registry?.version ?? null },
    directory,
    pids: { owner: process.pid, nodes: nodes.map(({ pid }) => pid), registry: registry?.pid ?? null },
    ...(security && { security }),
  })
}

function describe(cluster: Cluster, registry: Registry | undefined, tookMs: number): string[] {
  const { security } = cluster
  return [
    `Kafka ${cluster.version}     ${cluster.bootstrapServers}`,
    ...(registry ? [`Registry ${registry.version}  ${registry.url}`] : []),
    ...(security
      ? [
          `SASL            ${security.sasl}`,
          `TLS             ${security.tls}`,
          `SASL and TLS    ${security.saslTls}`,
          `Credentials     ${join(cluster.directory, 'security')}`,
        ]
      : []),
    `Folder          ${cluster.directory}`,
    `export ${placeSettings.brokers.variable}=${cluster.bootstrapServers}${registry ? ` ${placeSettings.registryUrl.variable}=${registry.url}` : ''}`,
    `Ready after ${(tookMs / 1_000).toFixed(1)} s; Ctrl-C stops it, the data stays.`,
  ]
}

try {
  process.exitCode = await run()
} catch (error) {
  if (!(error instanceof ClusterError)) throw error
  note(`kafka: ${error.message}`)
  process.exitCode = exitCodeOf[error.code]
}
