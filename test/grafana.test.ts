/** What is written for Grafana and Prometheus, as far as it can be seen without them. */
import { readFileSync } from 'node:fs'
import type { Dashboard as PublishedDashboard } from '@grafana/schema'
import { describe, expect, it } from 'vitest'
import { counter } from '../engine/metrics.ts'
import { metricTable, processMetricTable } from '../engine/metric-table.ts'
import { declaredMetricName } from '../engine/metrics.ts'
import type { Processor } from '../engine/processor.ts'
import { processors } from '../processors/index.ts'
import { alerts, anchorOf } from '../cli/alerts.ts'
import { dashboards } from '../scripts/grafana/dashboards.ts'
import { funnelTopics } from '../scripts/grafana/dashboards/corpus.ts'
import { generatedPages } from '../scripts/generated-pages.ts'
import { GrafanaSchema } from './grafana-schema.ts'

interface Panel {
  type: string
  title: string
  description?: string
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: { expr: string }[]
  options?: unknown
  fieldConfig?: { defaults: { unit?: string; custom?: unknown } }
}
interface Dashboard {
  panels: Panel[]
  templating: { list: Pick<NonNullable<NonNullable<PublishedDashboard['templating']>['list']>[number], 'name'>[] }
}

const all = [...dashboards(processors)].map(([name, dashboard]) => ({ name, dashboard: dashboard as Dashboard }))
const panels = all.flatMap(({ name, dashboard }) =>
  dashboard.panels.filter(({ type }) => type !== 'row').map((panel) => ({ place: `${name}: ${panel.title}`, panel })),
)
const queries = panels.flatMap(({ place, panel }) => (panel.targets ?? []).map(({ expr }) => ({ place, expr })))

/** Every metric, with its labels. */
const known = new Map<string, readonly string[]>([
  ...Object.values(metricTable).map(({ name, labels }) => [name, Object.keys(labels)] as const),
  ...processMetricTable.map(({ name, labels }) => [name, Object.keys(labels)] as const),
  ...processors.flatMap(({ name, metrics }) =>
    Object.entries(metrics).map(
      ([metric, one]) =>
        [declaredMetricName(name, metric), one.type === 'counter' ? Object.keys(one.labels) : []] as const,
    ),
  ),
  ['up', []],
])

/** Metrics that a query names, and the labels that it asks of each. */
function namedIn(expr: string): { name: string; labels: string[] }[] {
  return [...expr.matchAll(/\b((?:wellspring|gen_ai|nodejs|process)_\w+|up)\b(?=[{[ ]|$)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', matchers = '']) => ({
      name: known.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, ''),
      labels: [...matchers.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label),
    }),
  )
}

describe('dashboards', () => {
  const schema = new GrafanaSchema([
    'index.d.ts',
    ...['timeseries', 'stat', 'bargauge'].map((type) => `raw/composable/${type}/panelcfg/x/types.gen.d.ts`),
  ])

  it.each(all)("$name is what Grafana's published schema says of a dashboard", ({ dashboard }) => {
    expect(schema.faults('index.d.ts', 'Dashboard', dashboard)).toEqual([])
    const own = dashboard.panels.filter(({ type }) => type !== 'row')
    for (const { type, options, fieldConfig } of own) {
      if (type !== 'table') {
        const file = `raw/composable/${type}/panelcfg/x/types.gen.d.ts`
        expect(schema.faults(file, 'Options', options)).toEqual([])
        if (fieldConfig?.defaults.custom)
          expect(schema.faults(file, 'FieldConfig', fieldConfig.defaults.custom)).toEqual([])
      }
    }
  })

  it('the check finds a field that there is not, one that is missing, and another value', () => {
    const [first] = all
    const broken = structuredClone(first?.dashboard) as unknown as {
      panels: Record<string, unknown>[]
      schemaVersion?: number
    }
    delete broken.schemaVersion
    Object.assign(broken.panels[1] ?? {}, { colour: 'red', transparent: 'yes' })
    expect(schema.faults('index.d.ts', 'Dashboard', broken).join('\n')).toMatch(
      /lacks schemaVersion[\s\S]*colour[\s\S]*transparent/,
    )
  })

  it('every panel has a description, a unit and queries, and none lies over another', () => {
    for (const { place, panel } of panels) {
      expect(panel.description?.length ?? 0, place).toBeGreaterThan(10)
      expect(panel.fieldConfig?.defaults.unit, place).toBeTruthy()
      expect(panel.targets?.length, place).toBeGreaterThan(0)
    }
    for (const { dashboard } of all) {
      const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
      )
      expect(new Set(cells).size).toBe(cells.length)
    }
  })

  it('queries name metrics and labels that there are, and variables that their dashboard has', () => {
    for (const { place, expr } of queries) {
      const named = namedIn(expr)
      expect(named.length, `${place}: ${expr}`).toBeGreaterThan(0)
      for (const { name, labels } of named) {
        expect(known.has(name), `${place}: ${name}`).toBe(true)
        const allowed = [...(known.get(name) ?? []), 'namespace', 'instance', 'le']
        expect(
          labels.filter((label) => !allowed.includes(label)),
          `${place}: ${name}`,
        ).toEqual([])
      }
    }
    for (const { name, dashboard } of all) {
      const variables = dashboard.templating.list.map((variable) => variable.name)
      const used = JSON.stringify(dashboard.panels).match(/\$\{?[a-z]+(?:_[a-z]+)*/g) ?? []
      for (const variable of new Set(used.map((one) => one.replace(/^\$\{?/, ''))))
        expect([...variables, 'le'], name).toContain(variable)
    }
  })

  it('show every metric of the table somewhere', () => {
    const shown = new Set(queries.flatMap(({ expr }) => namedIn(expr).map(({ name }) => name)))
    const own = Object.values(metricTable).map(({ name }) => name)
    expect(own.filter((name) => !shown.has(name))).toEqual([])
  })

  it('take a new processor up by themselves, with its metrics and its topics', () => {
    const [template] = processors
    const fresh = {
      ...template,
      name: 'weigh-problem',
      metrics: { weighedTotal: counter('Problems that were weighed.', { scale: 'named' }) },
    } as unknown as Processor
    const more = dashboards([...processors, fresh])
    expect(JSON.stringify(more.get('stream.json'))).toContain('wellspring_weigh_problem_weighed_total')
    expect(funnelTopics(processors)).toEqual(
      expect.arrayContaining(['concepts', 'rationales', 'problems', 'test-cases', 'outcomes', 'preference-pairs']),
    )
    expect(funnelTopics(processors)).not.toContain('traces')
  })
})

describe('alerts', () => {
  const operations = readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8')
  const anchors = [...operations.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))

  it.each(alerts())(
    '$name leads to a heading of docs/operations.md, by metrics that there are',
    ({ expr, runbook, example }) => {
      expect(anchors).toContain(anchorOf(runbook))
      for (const { name, labels } of [expr, ...Object.keys(example.series)].flatMap(namedIn)) {
        expect([...known.keys()]).toContain(name)
        expect(
          labels.filter((label) => ![...(known.get(name) ?? []), 'job', 'instance', 'le'].includes(label)),
        ).toEqual([])
      }
    },
  )

  it('have names of their own, and links in the file', () => {
    const names = alerts().map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    const file = generatedPages().get('grafana/alerts/wellspring.yaml') ?? ''
    expect(file.match(/runbook_url: docs\/operations\.md#/g)).toHaveLength(names.length)
  })
})
