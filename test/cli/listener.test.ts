/** The listener: what its probes answer in each state of a process, and what it refuses. */
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { livenessOf, readinessOf } from '../../cli/health.ts'
import { openListener, type Listener } from '../../cli/listener.ts'
import { Metrics } from '../../engine/metrics.ts'
import type { RuntimeHealth } from '../../engine/runtime.ts'
import { freePorts } from '../../scripts/kafka/ports.ts'

/** What the user gave the two by. */
const origins = { host: '--metrics-host', port: 'WELLSPRING_RUN_METRICS_PORT' }
const listeners: Listener[] = []
afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close()
})

async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}

async function open(host = '127.0.0.1'): Promise<Listener> {
  const listener = await openListener({ host, port: await freePort(), origins, metrics: new Metrics() })
  listeners.push(listener)
  return listener
}

const task = { task: 0, isOpen: true, committingSeconds: undefined, waiting: undefined, stopped: undefined }

/** A process that is as it must be, but for what is given. */
function health(but: Partial<RuntimeHealth> = {}): RuntimeHealth {
  return {
    phase: 'running',
    tables: { read: 2, of: 2 },
    log: { answeredAtMs: performance.now(), fault: undefined },
    processors: [{ name: 'roll-out', joined: true, tasks: [task] }],
    ...but,
  }
}

const failing = (checks: readonly { name: string; ok: boolean; detail: string }[]): string[] =>
  checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`)

describe('readiness', () => {
  const readyBut = (but: Partial<RuntimeHealth>): string[] =>
    failing(readinessOf({ engine: health(but), isEnding: false }))

  test('holds where all is as it must be', () => {
    expect(readyBut({})).toEqual([])
  })

  test.each<[string, Partial<RuntimeHealth>, RegExp]>([
    ['while it starts', { phase: 'starting' }, /^phase: starting$/],
    ['while it drains', { phase: 'draining' }, /^phase: draining/],
    [
      'while the log is away',
      { log: { answeredAtMs: 0, fault: 'Kafka cannot be reached' } },
      /^log: Kafka cannot be reached$/,
    ],
    ['before the log was asked', { log: { answeredAtMs: undefined, fault: undefined } }, /^log: has not been asked/],
    [
      'where the log has not answered for long',
      { log: { answeredAtMs: performance.now() - 60_000, fault: undefined } },
      /^log: answered \d{2,}\.\d s ago/,
    ],
    ['before tables are read', { tables: { read: 1, of: 2 } }, /^tables: 1 of 2 read/],
    [
      'before a group is joined',
      { processors: [{ name: 'roll-out', joined: false, tasks: [] }] },
      /^groups: not joined yet: roll-out$/,
    ],
    [
      'while a task opens',
      { processors: [{ name: 'roll-out', joined: true, tasks: [{ ...task, isOpen: false, waiting: 'the log' }] }] },
      /^tasks: not open yet: roll-out\/0 \(the log\)$/,
    ],
  ])('fails %s, and says why', (_, but, why) => {
    expect(readyBut(but).join()).toMatch(why)
  })

  test('fails before there is an engine, and once the run is to end', () => {
    expect(failing(readinessOf({ engine: undefined, isEnding: false }))).toHaveLength(1)
    expect(failing(readinessOf({ engine: health(), isEnding: true }))).toHaveLength(1)
  })

  test('holds for a spare, and for a process one of whose tasks has stopped: others do their work', () => {
    expect(readyBut({ processors: [{ name: 'roll-out', joined: true, tasks: [] }] })).toEqual([])
    const stopped = { ...task, stopped: 'records are lost' }
    const checks = readinessOf({
      engine: health({ processors: [{ name: 'roll-out', joined: true, tasks: [stopped] }] }),
      isEnding: false,
    })
    expect(failing(checks)).toEqual([])
    expect(checks.at(-1)?.detail).toMatch(/stopped, since records of their input are lost: roll-out\/0/)
  })
})

describe('liveness', () => {
  const committing = (committingSeconds: number | undefined): RuntimeHealth =>
    health({ processors: [{ name: 'roll-out', joined: true, tasks: [{ ...task, committingSeconds }] }] })

  test('holds while the log is away: a new start would not bring it back', () => {
    const engine = health({ log: { answeredAtMs: undefined, fault: 'away' } })
    expect(failing(livenessOf({ engine, isEnding: false, tickAgeSeconds: 1 }))).toEqual([])
  })

  test('fails where a commit hangs that nothing explains, and where the loop stood still', () => {
    const of = (engine: RuntimeHealth, tickAgeSeconds: number): string[] =>
      failing(livenessOf({ engine, isEnding: false, tickAgeSeconds }))
    expect(of(committing(299), 1)).toEqual([])
    expect(of(committing(301), 1)).toEqual(['commits: under way for more than 300 s: roll-out/0'])
    expect(of(committing(undefined), 31)).toEqual(['loop: last turned 31.0 s ago, expected at most 30'])
  })
})

describe('the listener', () => {
  test('answers 503 with the reasons until the engine is ready, and again once the run ends', async () => {
    const listener = await open()
    const status = async (path: string): Promise<number> => (await fetch(`${listener.url}${path}`)).status
    expect([await status('/healthz'), await status('/readyz')]).toEqual([200, 503])
    listener.watch({ health: () => health() })
    expect(await status('/readyz')).toBe(200)
    listener.ending()
    const answer = await fetch(`${listener.url}/readyz`)
    expect(answer.status).toBe(503)
    expect(await answer.json()).toEqual({
      ok: false,
      checks: { phase: { ok: false, detail: 'draining: nothing more is admitted' } },
    })
  })

  test('is on loopback unless another address is asked for, and knows when it is not', async () => {
    expect((await open()).isOpenToOthers).toBe(false)
    expect((await open('localhost')).isOpenToOthers).toBe(false)
    expect((await open('0.0.0.0')).isOpenToOthers).toBe(true)
  })

  /** The status of a request that calls the server by this name. */
  async function statusAs(name: string, { url }: Listener): Promise<number | undefined> {
    const { port } = new URL(url)
    const asked = request({ host: '127.0.0.1', port, path: '/metrics', headers: { host: name } }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    response.resume()
    return response.statusCode
  }

  test('on loopback answers to localhost and addresses, not to a name that leads here (DNS rebinding)', async () => {
    const listener = await open()
    for (const name of ['localhost', 'LOCALHOST:9464', '127.0.0.1:9464', '[::1]:9464', '10.1.2.3'])
      expect([name, await statusAs(name, listener)]).toEqual([name, 200])
    for (const name of ['evil.example', 'localhost.evil.example:9464', '127.0.0.1.evil.example'])
      expect([name, await statusAs(name, listener)]).toEqual([name, 421])
  })

  test('that is open to others answers under every name: Prometheus scrapes by names of machines, services and pods', async () => {
    const listener = await open('0.0.0.0')
    for (const name of ['10.1.2.3:9464', 'gpu-1.internal:9464', 'roll-out.wellspring.svc'])
      expect([name, await statusAs(name, listener)]).toEqual([name, 200])
  })

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('takes no %s', async (method) => {
    const { url } = await open()
    const answer = await fetch(`${url}/metrics`, { method, body: 'x'.repeat(100_000) }).catch(() => undefined)
    expect(answer?.status ?? 405).toBe(405)
  })

  test.each([
    ['a head without end', `GET /healthz HTTP/1.1\r\nx: ${'a'.repeat(100_000)}`],
    ['what is no HTTP', '\u0000\u0001\u0002 nonsense\r\n\r\n'],
    ['a path of a megabyte', `GET /${'a'.repeat(1 << 20)} HTTP/1.1\r\n\r\n`],
  ])('cuts off %s and goes on', async (_, bytes) => {
    const { url } = await open()
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.on('error', () => {})
    const cut = new Promise((resolve) => socket.once('close', resolve))
    socket.write(bytes)
    socket.resume()
    await cut
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  test.each([
    ['192.0.2.1', /this machine has no such address; name one of its own with --metrics-host$/],
    ['no-such-host.invalid', /there is no such address; name one of this machine with --metrics-host$/],
  ])('says in one line that it cannot listen on %s, and what to mend', async (host, line) => {
    await expect(openListener({ host, port: await freePort(), origins, metrics: new Metrics() })).rejects.toThrow(line)
  })

  test('names what gave a port that is in use', async () => {
    const port = Number(new URL((await open()).url).port)
    await expect(openListener({ host: '127.0.0.1', port, origins, metrics: new Metrics() })).rejects.toThrow(
      /port is in use; choose another one with WELLSPRING_RUN_METRICS_PORT$/,
    )
  })
})
