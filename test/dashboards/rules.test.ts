/** Alerts by promtool: the rules are well formed, and each fires and clears on its example. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { alerts } from '../../cli/alerts.ts'
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

describe.runIf(hasPrometheus())('the rules for Prometheus', () => {
  it('are well formed, and so is the configuration that names them', () => {
    expect(promtool('check', 'rules', 'alerts/wellspring.yaml')).toContain(`${alerts().length} rules found`)
    expect(promtool('check', 'config', 'prometheus.yaml')).toContain('SUCCESS')
  })

  it.each(alerts())('$name fires and clears, in each namespace by itself', ({ name, example }) => {
    const { series, firesAt, clearsAt } = example
    const firing = (minutes: number, count: number) => ({
      expr: `count(ALERTS{alertname="${name}",alertstate="firing"}) or vector(0)`,
      eval_time: `${minutes}m`,
      exp_samples: [{ labels: '{}', value: count }],
    })
    const file = join(folder, `${name}.yaml`)
    const given = (namespace?: string) =>
      Object.entries(series).map(([one, values]) => ({
        series: namespace === undefined ? one : one.replace('{', `{namespace="${namespace}",`),
        values,
      }))
    const testOf = (input: object[], count: number) => ({
      ...{ name, interval: '1m', input_series: input },
      promql_expr_test: [firing(1, 0), firing(firesAt, count), firing(clearsAt, 0)],
    })
    const tests = [testOf(given(), 1), testOf([...given('one'), ...given('other')], 2)]
    const rules = join(grafana, 'alerts/wellspring.yaml')
    writeFileSync(file, stringify({ rule_files: [rules], evaluation_interval: '1m', tests }))
    expect(promtool('test', 'rules', file)).toContain('SUCCESS')
  })
})
