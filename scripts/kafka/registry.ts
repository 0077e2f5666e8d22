import { join, resolve } from 'node:path'
import { OwnedFolder } from './folder.ts'
import { findJava, installRegistry, registryVersion, type Report } from './install.ts'
import { JavaProcess } from './java-process.ts'
import { claimPorts, freePorts, host } from './ports.ts'

/** How a registry is started. */
export interface RegistryOptions {
  /** Its data and log; made where it is missing. */
  readonly directory: string
  /** @default a free one */
  readonly port?: number
  /** Forget the data of former runs. @default false */
  readonly fresh?: boolean
  readonly report?: Report
}

/** A running registry: Apicurio Registry with the Confluent API, its data in files that survive kill -9. */
export class Registry {
  /** The Confluent API, for `--registry`. */
  readonly url: string
  readonly version: string
  readonly port: number
  readonly logFile: string
  readonly #folder: OwnedFolder
  readonly #process: JavaProcess

  constructor(folder: OwnedFolder, port: number, java: string, jar: string) {
    this.#folder = folder
    this.url = `http://${host}:${port}/apis/ccompat/v7`
    this.version = registryVersion
    this.port = port
    this.logFile = join(folder.path, 'server.log')
    this.#process = new JavaProcess({
      name: 'the registry',
      java,
      parameters: [
        '-Xmx256m',
        '-XX:TieredStopAtLevel=1',
        '-XX:+UseSerialGC',
        `-Dquarkus.http.host=${host}`,
        `-Dquarkus.http.port=${port}`,
        '-Dquarkus.http.access-log.enabled=false',
        '-Dapicurio.storage.kind=sql',
        '-Dapicurio.storage.sql.kind=h2',
        // Every commit is in the file before it is answered.
        `-Dapicurio.datasource.url=jdbc:h2:file:${join(folder.path, 'registry')};WRITE_DELAY=0`,
        '-Dapicurio.datasource.jdbc.initial-size=2',
        '-Dapicurio.datasource.jdbc.min-size=2',
        '-Dapicurio.datasource.jdbc.max-size=20',
        '-jar',
        jar,
      ],
      logFile: this.logFile,
      onStart: (pid) => folder.adopt(pid),
      answers: async () => {
        try {
          const response = await fetch(`${this.url}/subjects`, { signal: AbortSignal.timeout(2_000) })
          await response.body?.cancel()
          return response.ok
        } catch {
          return false
        }
      },
    })
  }

  /** The process id; undefined while it is down. */
  get pid(): number | undefined {
    return this.#process.pid
  }

  /** Settles when the process is down. */
  get exited(): Promise<void> {
    return this.#process.exited
  }

  /** Starts it again after `kill`, with the same data and port; `ready` tells when it answers. */
  start(): void {
    this.#process.start()
  }

  /** Waits until it answers. @throws ClusterError (start_failed) */
  ready(timeoutSeconds?: number): Promise<void> {
    return this.#process.ready(timeoutSeconds)
  }

  /** Ends the process and waits for the end. */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    return this.#process.kill(signal)
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void {
    this.#process.pause()
  }

  /** SIGCONT. */
  resume(): void {
    this.#process.resume()
  }

  /** Ends it in an orderly way and gives its folder back; the data stays. */
  async stop(): Promise<void> {
    await this.#process.stop(10)
    this.#folder.release()
  }
}

/**
 * Starts a schema registry and waits until it answers.
 * @throws ClusterError
 */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const java = await findJava()
  const jar = await installRegistry(options.report)
  const folder = await OwnedFolder.take(resolve(options.directory), {
    contents: { registry: registryVersion },
    ours: /^(registry\..*|server\.log|contents\.json|owner\.json.*)$/,
    keep: /^owner\.json/,
    fresh: options.fresh ?? false,
  })
  try {
    if (options.port !== undefined) await claimPorts([options.port])
    const port = options.port ?? (await freePorts(1))[0]!
    const registry = new Registry(folder, port, java, jar)
    registry.start()
    try {
      await registry.ready()
    } catch (error) {
      await registry.kill()
      throw error
    }
    return registry
  } catch (error) {
    folder.release()
    throw error
  }
}
