/**
 * A real Prometheus scrapes a stream that runs, with endpoints that fail: every panel of every dashboard gets data, alerts fire and clear,
 * and what the corpus has made survives a kill.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { processors } from '../../processors/index.ts'
import { alerts } from '../../cli/alerts.ts'
import { dashboards } from '../../scripts/grafana/dashboards.ts'
import { freePorts } from '../../scripts/kafka/ports.ts'
import { startSimulator, type Simulator } from '../../simulator/server.ts'
import { endAll, newFolder, removeFolders, run, start, type Running } from '../cli/command.ts'
import { hasPrometheus, TestPrometheus } from './prometheus.ts'

const examples = fileURLToPath(new URL('../../examples/seeds.jsonl', import.meta.url))

/** Alerts come so much earlier here. */
const hasten = 60

const price = { inputPerMillion: 1, outputPerMillion: 4, currency: 'USD' }

/** `box` works, `flaky` fails a third of its calls and has no metrics, `narrow` takes no prompt. */
function configuration(urls: { box: string; flaky: string; narrow: string }, teacherAt: string): string {
  const model = (name: string, endpoints: string[], more: object = {}) => ({
    model: `sim-${name}`,
    endpoints,
    price,
    ...more,
  })
  return stringify({
    endpoints: {
      box: { url: urls.box, maxConcurrency: 24 },
      flaky: { url: urls.flaky, maxConcurrency: 8 },
      narrow: { url: urls.narrow, maxConcurrency: 2 },
    },
    models: {
      annotator: model('annotator-a', ['box']),
      embedder: model('embedder', ['box']),
      writer: model('problem-writer', ['box']),
      tests: model('test-writer', ['box']),
      voter: model('voter', ['box']),
      solver: model('solver', ['box', 'flaky']),
      judge: model('judge-a', ['box']),
      teacher: model('teacher', [teacherAt]),
    },
    roles: {
      ...{ annotator: ['annotator'], embedder: ['embedder'], 'problem-writer': ['writer'], 'test-writer': ['tests'] },
      ...{ voter: ['voter'], solver: ['solver'], judge: ['judge'], teacher: ['teacher'] },
    },
  })
}

interface Panel {
  type: string
  title: string
  targets?: { expr: string; refId: string }[]
}

/** Every query of every panel, with the variables as Grafana fills them in. */
const queries = [...dashboards(processors)].flatMap(([name, dashboard]) =>
  (dashboard as { panels: Panel[] }).panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, refId }) => ({
      place: `${name}: ${title} (${refId})`,
      query: expr
        .replaceAll('$__rate_interval', '10s')
        .replaceAll(/\$(?:instance|processor|endpoint)/g, '.*')
        // Outside of Kubernetes there is none, and nothing is chosen.
        .replaceAll('$namespace', '')
        .replaceAll('$goal', '50000'),
    })),
  ),
)

describe.runIf(hasPrometheus())('beside a stream that runs', () => {
  const cwd = newFolder()
  const simulators: Simulator[] = []
  let prometheus: TestPrometheus
  let up: Running
  let port = 0
  let urls: Record<'box' | 'flaky' | 'narrow', string>

  async function simulator(options: Parameters<typeof startSimulator>[0]): Promise<Simulator> {
    const one = await startSimulator({ speed: 400, slots: 24, ...options })
    simulators.push(one)
    return one
  }

  function startUp(): Running {
    const place = ['--data', 'data', '--config', 'wellspring.yaml']
    return start(['up', ...place, '--metrics-port', String(port), '--budget', '1000usd', '--json'], { cwd })
  }

  const corpusPairs = async (): Promise<number> => {
    const found = await prometheus.since('max(wellspring_corpus_records_total{topic="preference-pairs"})')
    return Number(found[0]?.values.at(-1)?.[1] ?? 0)
  }

  beforeAll(async () => {
    // Math and code.
    expect((await run(['ingest', examples, '--as', 'seeds', '--data', 'data'], { cwd })).exitCode).toBe(0)
    const [metricsPort = 0, flakyPort = 0] = await freePorts(2)
    port = metricsPort
    const box = await simulator({ kvTokens: 1_000_000 })
    const flaky = await simulator({
      port: flakyPort,
      metrics: false,
      failures: { serverError: 0.2, garbledAnswer: 0.3 },
    })
    const narrow = await simulator({ kvTokens: 64 })
    urls = { box: box.url, flaky: flaky.url, narrow: narrow.url }
    writeFileSync(join(cwd, 'wellspring.yaml'), configuration(urls, 'narrow'))
    prometheus = await TestPrometheus.start([`127.0.0.1:${port}`], alerts(hasten))
    up = startUp()
  })
  afterAll(async () => {
    endAll()
    await Promise.all([prometheus.stop(), ...simulators.map((one) => one.close())])
    removeFolders()
  })

  it('alerts of endpoints that fail and of dead letters fire', async () => {
    await prometheus.untilAlerts({
      fire: ['WellspringEndpointFails', 'WellspringDeadLetters'],
      clear: ['WellspringProcessDown'],
    })
  })

  it('the alert of an endpoint that is away fires', async () => {
    await simulators[1]?.close()
    await prometheus.untilAlerts({ fire: ['WellspringEndpointDown'] })
  })

  it('every query of every panel finds data', async () => {
    const deadlineMs = performance.now() + 150_000
    let empty = queries
    while (empty.length > 0 && performance.now() < deadlineMs && up.process.exitCode === null) {
      await pause(1000)
      const found = await Promise.all(
        empty.map(async (one) => ({ ...one, count: (await prometheus.since(one.query)).length })),
      )
      empty = found.filter(({ count }) => count === 0)
    }
    expect(empty.map(({ place }) => place).join('; ')).toBe('')
  })

  it('a process that is killed is missed; one that takes its place goes on from what the corpus has, and all alerts clear', async () => {
    let pairs = await corpusPairs()
    for (; pairs === 0; pairs = await corpusPairs()) await pause(500)
    up.process.kill('SIGKILL')
    await up.ended
    await prometheus.untilAlerts({ fire: ['WellspringProcessDown'] })
    const flaky = await simulator({ port: Number(new URL(urls.flaky).port), metrics: false })
    expect(flaky.url).toBe(urls.flaky)
    writeFileSync(join(cwd, 'wellspring.yaml'), configuration(urls, 'box'))
    up = startUp()
    const clear = ['ProcessDown', 'EndpointFails', 'EndpointDown', 'DeadLetters'].map((name) => `Wellspring${name}`)
    await prometheus.untilAlerts({ clear })
    expect(await corpusPairs()).toBeGreaterThanOrEqual(pairs)
  })
})
