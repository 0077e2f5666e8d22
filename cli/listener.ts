/** The listener of a running process: /metrics for Prometheus, /healthz and /readyz for whoever supervises it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import type { Metrics } from '../engine/metrics.ts'
import type { RuntimeHealth } from '../engine/runtime.ts'
import { isOwnHost } from '../pages/browse/own-host.ts'
import { CommandError, exitCodes } from './exit.ts'
import { livenessOf, readinessOf, type HealthCheck, type ProcessState } from './health.ts'

export interface ListenerOptions {
  host: string
  port: number
  /** What gave the two, for whoever must mend them: `--metrics-port`. */
  origins: { host: string; port: string }
  metrics: Metrics
}

/** A listener that is open. */
export interface Listener {
  url: string
  /** Whether other machines may reach it. */
  isOpenToOthers: boolean
  /** From now on the engine is asked. */
  watch(engine: { health(): RuntimeHealth }): void
  /** From now on it is not ready: the run ends. */
  ending(): void
  close(): Promise<void>
}

const tickMs = 1000
/** Whoever sends a request more slowly, or leaves a connection idle for longer, is cut off. */
export const timeoutMs = 10_000
export const mostConnections = 64
export const longestHeadBytes = 16 << 10

/** Opens it. It answers while models and tables are still on their way. @throws CommandError where it can't listen there */
export async function openListener({ host, port, origins, metrics }: ListenerOptions): Promise<Listener> {
  let engine: { health(): RuntimeHealth } | undefined
  let isEnding = false
  const isOpenToOthers = !isLoopback(host)
  let tickedAtMs = performance.now()
  const timer = setInterval(() => (tickedAtMs = performance.now()), tickMs)
  timer.unref()
  const state = (): ProcessState => ({
    engine: engine?.health(),
    isEnding,
    tickAgeSeconds: (performance.now() - tickedAtMs) / 1000,
  })
  const server = createServer(
    { requestTimeout: timeoutMs, headersTimeout: timeoutMs, maxHeaderSize: longestHeadBytes },
    (request, response) => {
      // On loopback only this machine reaches it, and whatever page its browsers show. Elsewhere it is scraped by any name of the machine.
      if (isOpenToOthers || isOwnHost(request.headers.host, host)) void answer(request, response, metrics, state)
      else
        response
          .writeHead(421, { 'content-type': 'text/plain', connection: 'close' })
          .end('this listener is on loopback, and answers to localhost and addresses alone (run.metricsHost)\n')
    },
  )
  server.maxConnections = mostConnections
  server.keepAliveTimeout = timeoutMs
  // A client that speaks no HTTP or goes away is no matter of ours.
  server.on('clientError', (_, socket) => socket.destroy())
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, resolve)
    })
  } catch (error) {
    clearInterval(timer)
    throw refusal(error, host, port, origins)
  }
  const address = isIP(host) === 6 ? `[${host}]` : host
  return {
    url: `http://${address}:${port}`,
    isOpenToOthers,
    watch: (one) => (engine = one),
    ending: () => (isEnding = true),
    close: () => {
      clearInterval(timer)
      return new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  metrics: Metrics,
  state: () => ProcessState,
): Promise<void> {
  // A body is never read: the connection ends with the answer.
  if ((request.headers['content-length'] ?? '0') !== '0' || request.headers['transfer-encoding'] !== undefined)
    response.setHeader('connection', 'close')
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('cache-control', 'no-store')
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return void response.writeHead(405, { allow: 'GET, HEAD' }).end()
  const path = request.url?.split('?', 1)[0]
  if (path === '/metrics') {
    try {
      const { text, contentType } = await metrics.text()
      response.writeHead(200, { 'content-type': contentType }).end(text)
    } catch {
      response.writeHead(500).end()
    }
  } else if (path === '/healthz') tell(response, livenessOf(state()))
  else if (path === '/readyz') tell(response, readinessOf(state()))
  else response.writeHead(404, { 'content-type': 'text/plain' }).end('there are /metrics, /healthz and /readyz\n')
}

function tell(response: ServerResponse, checks: readonly HealthCheck[]): void {
  const ok = checks.every((check) => check.ok)
  const body = { ok, checks: Object.fromEntries(checks.map(({ name, ...found }) => [name, found])) }
  response.writeHead(ok ? 200 : 503, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}

const noSuchAddress = 'there is no such address; name one of this machine with'
const causes: Readonly<Record<string, readonly [cause: string, mendedBy: 'host' | 'port']>> = {
  EADDRINUSE: ['the port is in use; choose another one with', 'port'],
  EACCES: ['this user may not use the port; choose one above 1023 with', 'port'],
  EADDRNOTAVAIL: ['this machine has no such address; name one of its own with', 'host'],
  ENOTFOUND: [noSuchAddress, 'host'],
  EAI_AGAIN: [noSuchAddress, 'host'],
}

function refusal(error: unknown, host: string, port: number, origins: ListenerOptions['origins']): unknown {
  const { code = '' } = error as NodeJS.ErrnoException
  const known = causes[code]
  if (known === undefined) return error
  const cause = `${known[0]} ${origins[known[1]]}`
  return new CommandError(exitCodes.ioError, `the listener cannot open ${host} port ${port}: ${cause}`, {
    cause: error,
  })
}
