/** What a run tells those who watch it: probes, log lines and traces, from one real `up`. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { hashOf } from '../../engine/ids.ts'
import { logEvents, type LogEventName } from '../../engine/log-events.ts'
import { freePorts } from '../../scripts/kafka/ports.ts'
import {
  endAll,
  expectFailure,
  jsonLines,
  newFolder,
  removeFolders,
  run,
  seedLine,
  seedLines,
  serve,
  start,
  type Ended,
} from './command.ts'

// Whole runs on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

interface Span {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: Record<string, unknown> }[]
  links?: { traceId: string; spanId: string }[]
}

interface Line {
  level: string
  time: string
  event: LogEventName
  [field: string]: unknown
}

/** A collector: takes spans as OTLP in JSON. */
async function collect(): Promise<{ url: string; spans: Span[]; headers: Set<string>; close(): Promise<void> }> {
  const spans: Span[] = []
  const headers = new Set<string>()
  const { url, close } = await serve((request, response) => {
    headers.add(String(request.headers['x-collector-key']))
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((one) => one.spans)))
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  return { url: url.replace('/v1', ''), spans, headers, close }
}

const attribute = ({ attributes }: Span, key: string): unknown =>
  Object.values(attributes.find((one) => one.key === key)?.value ?? {})[0]

const collectorKey = 'planted-collector-key'

let cwd: string
let ended: Ended
let lines: Line[]
let spans: Span[]
const collectorKeys = new Set<string>()
const probes: { starting: number[]; running: Record<string, { status: number; body: string }> } = {
  starting: [],
  running: {},
}

beforeAll(async () => {
  cwd = newFolder()
  const input = seedLines(12)
  await run(['ingest', '-', '--as', 'seeds'], { cwd, input })
  await run(['ingest', '-', '--as', 'problems'], { cwd, input })
  const collector = await collect()
  const [port = 0] = await freePorts(1)
  // Whatever is drawn, some of so many problems give pairs where all attempts but none and all may pass.
  const set = ['--set', 'simulator.speed=5000', 'plan-rollouts.attempts=4', 'plan-rollouts.tooEasyAt=1']
  const running = start(
    ['up', '--problems', '16', '--log', 'json', '--metrics-port', String(port), ...set, 'judge-problem.quorum=lenient'],
    {
      cwd,
      env: {
        OTEL_EXPORTER_OTLP_HEADERS: `x-collector-key=${collectorKey}`,
        WELLSPRING_LOG: 'debug',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_BSP_SCHEDULE_DELAY: '100',
      },
    },
  )
  await running.written(/"event":"listener.open"/)
  const ask = async (path: string): Promise<{ status: number; body: string }> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: answer.status, body: await answer.text() }
  }
  probes.starting.push((await ask('/healthz')).status)
  await running.written(/"event":"run.ready"/)
  for (const path of ['/healthz', '/readyz', '/metrics', '/']) probes.running[path] = await ask(path)
  ended = await running.ended
  await collector.close()
  for (const key of collector.headers) collectorKeys.add(key)
  spans = collector.spans
  lines = jsonLines<Line>(ended.stderr)
})
afterAll(() => {
  endAll()
  removeFolders()
})

describe('probes', () => {
  test('a process lives from its start on and is ready when its tasks are open', () => {
    expect(probes.starting).toEqual([200])
    expect(probes.running['/healthz']).toMatchObject({ status: 200 })
    const ready = probes.running['/readyz']
    expect(ready?.status).toBe(200)
    const { ok, checks } = JSON.parse(ready?.body ?? '') as { ok: boolean; checks: Record<string, { ok: boolean }> }
    expect(ok).toBe(true)
    expect(Object.keys(checks)).toEqual(['phase', 'log', 'tables', 'groups', 'tasks'])
  })

  test('metrics are beside them, and nothing else', () => {
    expect(probes.running['/metrics']?.body).toContain('wellspring_open_tasks')
    expect(probes.running['/']?.status).toBe(404)
  })
})

describe('the log', () => {
  test('is nothing but lines of JSON, each about an event of the list, with its level and its fields', () => {
    expect(ended).toMatchObject({ exitCode: 0, stdout: '' })
    for (const line of lines) {
      const { level, time, event, pid, hostname, ...fields } = line
      expect(Object.keys(logEvents)).toContain(event)
      expect(level).toBe(logEvents[event].level)
      expect(new Date(time).toISOString()).toBe(time)
      expect([typeof pid, typeof hostname]).toEqual(['number', 'string'])
      expect(logEvents[event].fields).toEqual(expect.arrayContaining(Object.keys(fields)))
    }
  })

  test('tells the run from its start to its end', () => {
    const events = lines.filter(({ level }) => level !== 'debug').map(({ event }) => event)
    expect(events[0]).toBe('run.starting')
    expect(events.at(-1)).toBe('run.ended')
    expect(events).toContain('run.ready')
    expect(lines.at(-1)).toMatchObject({ how: 'complete', exitCode: 0 })
  })

  test('ties the lines of a problem together by its id, over all its processors', () => {
    const pair = lines.find(({ event, processor }) => event === 'record.finished' && processor === 'build-pairs')
    const own = lines.filter(({ problem }) => problem !== undefined && problem === pair?.['problem'])
    expect(new Set(own.map(({ processor }) => processor))).toEqual(
      new Set([
        ...['screen-problem', 'judge-problem', 'generate-test-cases', 'vote-answer'],
        ...['screen-answer', 'plan-rollouts', 'roll-out'],
        ...['verify-rollout', 'report-yields', 'build-pairs', 'teach', 'build-sft'],
      ]),
    )
  })
})

describe('traces', () => {
  test('a problem goes all its way as one trace, from its rationale to its pairs', () => {
    const pairs = spans.filter(
      (span) => span.name === 'build-pairs' && attribute(span, 'wellspring.outcome') === 'emitted',
    )
    expect(pairs.length).toBeGreaterThan(0)
    const made = new Set(spans.filter(({ name }) => name === 'generate-problem').map(({ traceId }) => traceId))
    const whole = pairs.find(({ traceId }) => made.has(traceId))
    const own = spans.filter(({ traceId }) => traceId === whole?.traceId)
    expect(new Set(own.filter(({ kind }) => kind === 5).map(({ name }) => name))).toEqual(
      new Set([
        ...['generate-rationale', 'generate-problem', 'screen-problem', 'judge-problem', 'generate-test-cases'],
        ...[
          'vote-answer',
          'screen-answer',
          'plan-rollouts',
          'roll-out',
          'verify-rollout',
          'report-yields',
          'build-pairs',
        ],
        ...['teach', 'build-sft'],
      ]),
    )
    const roots = own.filter(({ parentSpanId }) => !parentSpanId)
    expect(roots.map(({ name }) => name)).toEqual(['generate-problem'])
    // Its id is made of the problem's: the lines of the log lead to it.
    const problem = String(attribute(roots[0] as Span, 'wellspring.problem'))
    expect(whole?.traceId).toBe(hashOf('trace', problem).slice(0, 32))
  })

  test('no span is there twice, and none points to one that is not there', () => {
    const keys = spans.map(({ traceId, spanId }) => `${traceId} ${spanId}`)
    const known = new Set(keys)
    expect(known.size).toBe(keys.length)
    for (const { traceId, parentSpanId, links = [] } of spans) {
      if (parentSpanId) expect(known).toContain(`${traceId} ${parentSpanId}`)
      for (const link of links) expect(known).toContain(`${link.traceId} ${link.spanId}`)
    }
  })

  test('model calls have their model and tokens, and lie within what made them', () => {
    const calls = spans.filter(({ kind }) => kind === 3)
    expect(calls.length).toBeGreaterThan(50)
    const bySpan = new Map(spans.map((span) => [`${span.traceId} ${span.spanId}`, span]))
    for (const call of calls) {
      expect(attribute(call, 'gen_ai.request.model')).toMatch(/^sim-/)
      expect(Number(attribute(call, 'gen_ai.usage.input_tokens'))).toBeGreaterThan(0)
      const parent = bySpan.get(`${call.traceId} ${call.parentSpanId}`)
      expect(BigInt(call.startTimeUnixNano) >= BigInt(parent?.startTimeUnixNano ?? 0)).toBe(true)
      expect(BigInt(call.endTimeUnixNano) <= BigInt(parent?.endTimeUnixNano ?? 0)).toBe(true)
    }
  })

  test('no text of a problem or an answer is in them', () => {
    expect(JSON.stringify(spans)).not.toMatch(/boxes|pens each|boxed/)
    expect(ended.stderr).not.toMatch(/pens each|boxed\{/)
  })

  test('the headers of the collector go out and stay secret', () => {
    expect([...collectorKeys]).toEqual([collectorKey])
    expect(ended.stderr + JSON.stringify(spans)).not.toContain(collectorKey)
  })
})

describe('a run that cannot be watched as asked', () => {
  test('says so in one line where the port is in use', async () => {
    const { url, close } = await serve(() => {})
    const port = new URL(url).port
    const failed = await run(['up', '--metrics-port', port, '--for', '1s'], { cwd })
    await close()
    expectFailure(failed, 74, /the listener cannot open 127\.0\.0\.1 port \d+: the port is in use; choose another one/)
  })

  test('goes on without a collector, and says so once', async () => {
    const [port = 0] = await freePorts(1)
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:planted-password@127.0.0.1:${port}`,
      OTEL_BSP_SCHEDULE_DELAY: '10',
    }
    const input = `${seedLine(100)}\n`
    await run(['ingest', '-', '--as', 'seeds'], { cwd, input })
    const { exitCode, stderr } = await run(['up', '--problems', '0', '--set', 'simulator.speed=5000'], { cwd, env })
    expect(exitCode).toBe(0)
    expect(stderr.match(/takes no spans/g)).toHaveLength(1)
    expect(stderr).not.toContain('planted-password')
  })

  test.each([
    [{ WELLSPRING_LOG: 'loud' }, 78, /WELLSPRING_LOG: expected one of debug, info, warn, error, got "loud"/],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      78,
      /expected http\/json or http\/protobuf, got "grpc": name the collector's HTTP port/,
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_TRACES_SAMPLER_ARG: '2' },
      78,
      /OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, got "2"/,
    ],
  ])('a wrong variable is one line: %o', async (env, code, line) => {
    expectFailure(await run(['up', '--for', '1s'], { cwd, env }), code, line)
  })

  test('a failure is a line of the log where there is one', async () => {
    const set = ['--set', 'roll-out.maxInFlight=none']
    const { exitCode, stderr } = await run(['up', '--log', 'json', ...set], { cwd })
    expect(exitCode).toBe(2)
    expect(jsonLines<Line>(stderr)).toMatchObject([{ level: 'error', event: 'run.failed', exitCode: 2 }])
  })
})
