/** A simulated endpoint behind a port. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { sendJson, SimulatedEndpoint, type SimulatorReport } from './endpoint.ts'
import { parseSimulatorOptions, type SimulatorOptions } from './options.ts'
import { playScript, type ScriptedEvent } from './script.ts'

/** How often an endpoint that restarts tries to have its port again, where another has taken it. */
const PORT_RETRY_MS = 50

/** A running endpoint. */
export interface Simulator {
  /** Base URL with the path /v1. */
  url: string
  port: number
  report(): SimulatorReport
  /** From now on no answer gets on; questions for models and metrics are answered. */
  hang(): void
  /** Ends a `hang`. */
  recover(): void
  /** Ends open requests and stops listening. */
  close(): Promise<void>
}

/**
 * Starts a simulated endpoint. Throws Error where an option is invalid or a file can't be opened, and the network's error
 * where the port is taken.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = parseSimulatorOptions(options)
  const simulator = new SimulatedEndpoint(settings)
  const server = createServer((request, response) => {
    simulator.handle(request, response).catch((error: unknown) => {
      // A client that went away in the middle of its own body is no fault of ours.
      if (request.destroyed || response.destroyed) return
      process.emitWarning(error instanceof Error ? error : String(error))
      if (response.headersSent) response.destroy()
      else
        sendJson(response, 500, {
          error: { message: 'internal error of the simulator', type: 'server_error', param: null, code: null },
        })
    })
  })
  server.keepAliveTimeout = 75_000
  server.requestTimeout = 0
  await listen(server, settings.port, settings.host)
  const { port } = server.address() as AddressInfo
  const closing = new AbortController()
  let restarting: Promise<void> | undefined
  const restart = async (awaySeconds: number): Promise<void> => {
    simulator.leave()
    await stop(server)
    await pause((1000 * awaySeconds) / settings.speed, undefined, { signal: closing.signal })
    simulator.comeBack()
    for (;;) {
      try {
        return await listen(server, port, settings.host)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
        await pause(PORT_RETRY_MS, undefined, { signal: closing.signal })
      }
    }
  }
  const act = ({ what, awaySeconds }: ScriptedEvent): void => {
    if (what === 'hang') simulator.hang(true)
    else if (what === 'recover') simulator.recover()
    else {
      restarting ??= restart(awaySeconds)
        .catch((error: unknown) => {
          if (!closing.signal.aborted) process.emitWarning(error instanceof Error ? error : String(error))
        })
        .finally(() => (restarting = undefined))
    }
  }
  const endScript = playScript(settings.events, settings.speed, act)
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host
  return {
    url: `http://${host}:${String(port)}/v1`,
    port,
    report: () => simulator.report(),
    hang: () => simulator.hang(),
    recover: () => simulator.recover(),
    close: async () => {
      endScript()
      closing.abort()
      await restarting
      if (server.listening) await stop(server)
      simulator.close()
    },
  }
}

/** Rejects with the network's error where the port is taken. */
async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host, 4096)
  await once(server, 'listening')
}

/** Cuts all connections and gives the port up. */
function stop(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)))
    server.closeAllConnections()
  })
}
