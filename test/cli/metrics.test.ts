/** /metrics of a stream that runs is what the table and the declarations say, both ways, and no label takes a value that nobody could have told. */
import { afterAll, expect, test, vi } from 'vitest'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  labelSets,
  metricTable,
  mostLabelValues,
  processMetricTable,
  type MetricRow,
} from '../../engine/metric-table.ts'
import { declaredMetricName } from '../../engine/metrics.ts'
import { processors } from '../../processors/index.ts'
import { freePorts } from '../../scripts/kafka/ports.ts'
import { startSimulator } from '../../simulator/server.ts'
import { deadLetters, topics } from '../../topics/catalogue.ts'
import { endAll, newFolder, removeFolders, run, start } from './command.ts'

// A whole run on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000 })
afterAll(() => {
  endAll()
  removeFolders()
})

const examples = fileURLToPath(new URL('../../examples/seeds.jsonl', import.meta.url))

interface Exposed {
  type: string
  /** Label sets of its samples. */
  samples: Record<string, string>[]
}

/** The exposition format as metrics by name; histograms under their own name. */
function parse(text: string): Map<string, Exposed> {
  const found = new Map<string, Exposed>()
  for (const line of text.split('\n')) {
    const [, declared, type = ''] = /^# TYPE (\S+) (\S+)/.exec(line) ?? []
    if (declared !== undefined) found.set(declared, { type, samples: [] })
    const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? []
    const metric = found.get(name) ?? found.get(name.replace(/_(?:bucket|sum|count)$/, ''))
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, value]) => [label, value])
    metric?.samples.push(Object.fromEntries(pairs) as Record<string, string>)
  }
  return found
}

/** The values that labels of a set may take; undefined where they are names, which are bounded by their number. */
function allowedValues(set: MetricRow['labels'][string]): readonly string[] | undefined {
  const described = labelSets[set]
  if (described.from === 'values') return described.values
  if (described.from === 'named') return undefined
  if (described.what === 'processors') return processors.map(({ name }) => name)
  if (described.what === 'topics') return [...Object.values(topics).map(({ name }) => name), deadLetters.name]
  return processors.flatMap(({ discards }) => discards)
}

test('/metrics and the table say the same, and every value of a label is one that the table tells', async () => {
  const cwd = newFolder()
  const [port = 0] = await freePorts(1)
  expect((await run(['ingest', examples, '--as', 'seeds', '--data', 'data'], { cwd })).exitCode).toBe(0)
  const fast = ['--set', 'simulator.speed=2000', '--set', 'roll-out.maxInFlight=16']
  const up = start(
    ['up', '--data', 'data', '--metrics-port', String(port), '--budget', '1Gtokens', '--json', ...fast],
    { cwd },
  )
  const scrape = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined)
    return (await response?.text()) ?? ''
  }
  let text = ''
  const isWarm = (): boolean => /wellspring_plan_rollouts_attempts_total\{.*result="passed"\} [1-9]/.test(text)
  while (!isWarm() && up.process.exitCode === null) text = await scrape()
  const exposed = parse(text)

  const rows: readonly MetricRow[] = [...Object.values(metricTable), ...processMetricTable]
  const declared = processors.flatMap(({ name, metrics }) =>
    Object.entries(metrics).map(([metric, { type }]) => [declaredMetricName(name, metric), type] as const),
  )
  const expected = [...rows.map(({ name, type }) => [name, type] as const), ...declared]
  expect([...exposed].map(([name, { type }]) => `${name} ${type}`).sort()).toEqual(
    expected.map(([name, type]) => `${name} ${type}`).sort(),
  )

  const seen = new Map<string, Set<string>>()
  for (const { name, labels } of rows) {
    for (const sample of exposed.get(name)?.samples ?? []) {
      for (const [label, value] of Object.entries(sample)) {
        if (label === 'le') continue
        const set = labels[label]
        expect(set, `${name} has a label ${label}`).toBeDefined()
        if (set === undefined) continue
        const allowed = allowedValues(set)
        if (allowed) expect(allowed, `${name} ${label}`).toContain(value)
        seen.set(`${name} ${label}`, (seen.get(`${name} ${label}`) ?? new Set()).add(value))
      }
    }
  }
  for (const { samples } of exposed.values())
    for (const [label, value] of samples.flatMap((sample) => Object.entries(sample)))
      seen.set(label, (seen.get(label) ?? new Set()).add(value))
  seen.delete('le')
  for (const [label, values] of seen) expect(values.size, label).toBeLessThanOrEqual(mostLabelValues + 1)
  // Ids are hexadecimal and long.
  expect(text).not.toMatch(/="[^"]*[0-9a-f]{16}/)

  up.process.kill('SIGINT')
  up.process.kill('SIGINT')
  expect((await up.ended).exitCode).toBe(130)
})

test('a processor that is off tells that it has no tasks and nothing waits for it', async () => {
  const cwd = newFolder()
  const simulator = await startSimulator({ instant: true })
  const configuration = {
    endpoints: { one: { url: simulator.url } },
    models: { solver: { model: 'sim-solver', endpoints: ['one'] } },
    roles: { solver: ['solver'] },
    run: { records: 'simulated' },
  }
  writeFileSync(join(cwd, 'wellspring.yaml'), JSON.stringify(configuration))
  const [port = 0] = await freePorts(1)
  const running = start(['run', 'embed-concepts', '--data', 'data', '--metrics-port', String(port)], { cwd })
  await running.written(/embed-concepts is off/)
  const scrape = async (): Promise<string> => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  for (const name of ['tasks', 'open_tasks', 'backlog_records'])
    await expect
      .poll(scrape, { timeout: 30_000 })
      .toMatch(new RegExp(`^wellspring_${name}{processor="embed-concepts"} 0$`, 'm'))
  running.process.kill('SIGINT')
  await running.ended
  await simulator.close()
})
