/** Alerts by promtool: the rules are well formed, and each fires and clears on its example. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { alerts, missingProcessors, rulesFile, type Alert } from '../../cli/alerts.ts'
import { hasPrometheus } from './prometheus.ts'

const grafana = fileURLToPath(new URL('../../grafana/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'wellspring-rules-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** @throws Error with what promtool says */
function promtool(...args: string[]): string {
  try {
    return execFileSync('promtool', args, { encoding: 'utf8', stdio: 'pipe', cwd: grafana })
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`promtool ${args.join(' ')}\n${stdout}${stderr}`, { cause: error })
  }
}

const firing = (name: string, minutes: number, count: number) => ({
  expr: `count(ALERTS{alertname="${name}",alertstate="firing"}) or vector(0)`,
  eval_time: `${minutes}m`,
  exp_samples: [{ labels: '{}', value: count }],
})

/** Holds an alert against series: how many of it fire at which minute. */
function expectFiring(
  { name, ...alert }: Alert,
  tests: { series: Alert['example']['series']; counts: [minute: number, count: number][] }[],
): void {
  const file = join(folder, `${name}.yaml`)
  const rules = join(folder, `${name}-rules.yaml`)
  writeFileSync(rules, rulesFile([{ name, ...alert }]))
  const given = tests.map(({ series, counts }) => ({
    ...{ name, interval: '1m' },
    input_series: Object.entries(series).map(([one, values]) => ({ series: one, values })),
    promql_expr_test: counts.map(([minutes, count]) => firing(name, minutes, count)),
  }))
  writeFileSync(file, stringify({ rule_files: [rules], evaluation_interval: '1m', tests: given }))
  expect(promtool('test', 'rules', file)).toContain('SUCCESS')
}

const inNamespace = (name: string, series: Alert['example']['series']): Alert['example']['series'] =>
  Object.fromEntries(Object.entries(series).map(([one, values]) => [one.replace('{', `{namespace="${name}",`), values]))

describe.runIf(hasPrometheus())('the rules for Prometheus', () => {
  it('are well formed, and so is the configuration that names them', () => {
    expect(promtool('check', 'rules', 'alerts/wellspring.yaml')).toContain(`${alerts().length} rules found`)
    expect(promtool('check', 'config', 'prometheus.yaml')).toContain('SUCCESS')
  })

  it.each(alerts())('$name fires and clears, in each namespace by itself', (alert) => {
    const { series, firesAt, clearsAt } = alert.example
    const both = { ...inNamespace('one', series), ...inNamespace('other', series) }
    const counts = (most: number): [number, number][] => [
      [1, 0],
      [firesAt, most],
      [clearsAt, 0],
    ]
    expectFiring(alert, [
      { series, counts: counts(1) },
      { series: both, counts: counts(2) },
    ])
  })

  it.each(alerts().filter(({ silent }) => silent))('$name is not taken in', (alert) => {
    const counts = Array.from({ length: 100 }, (_, place): [number, number] => [3 * place, 0])
    expectFiring(alert, [{ series: alert.silent ?? {}, counts }])
  })

  it('WellspringProcessorMissing fires for the one that no pod tells of, and clears', () => {
    const alert = missingProcessors('wellspring', ['teach', 'roll-out', 'vote-answer'])
    const { series, firesAt, clearsAt } = alert.example
    expectFiring(alert, [
      { series, counts: [[1, 0], [firesAt, 1], [clearsAt, 0]] }, // prettier-ignore
      { series: {}, counts: [[firesAt, 3]] },
    ])
  })
})
