/** Panels and dashboards as Grafana reads them (its dashboard schema of files), from short descriptions. */

/** Units of Grafana that panels here have. */
type Unit = 'short' | 'none' | 's' | 'percentunit' | 'bytes' | 'cps' | 'ops'

/** One query of a panel; `legend` names its series, with labels in double braces. */
export interface PanelQuery {
  expr: string
  legend: string
}

/** A panel as it is described. */
export interface PanelDescription {
  title: string
  /** What it shows and what to make of it: every panel has one. */
  description: string
  unit: Unit
  queries: readonly PanelQuery[]
  /** `lines` over time, `stack` of them, one `number`, `bars` of what is now, or a `table` of it. */
  as?: 'lines' | 'stack' | 'number' | 'bars' | 'table'
  /** Of 24 columns. */
  width?: number
  /** Largest value of the scale. */
  max?: number
  /** Of a number. */
  decimals?: number
}

/** Panels under one heading. */
interface Section {
  title: string
  panels: readonly PanelDescription[]
}

/** A dashboard as it is described. */
export interface DashboardDescription {
  uid: string
  title: string
  description: string
  variables: readonly object[]
  sections: readonly Section[]
}

const datasource = { type: 'prometheus', uid: '${datasource}' } as const
const rowHeight = 1
const heights = { lines: 8, stack: 8, bars: 10, table: 10, number: 5 } as const
const columns = 24

/** The data source that all panels ask: chosen at the top of the dashboard. */
const datasourceVariable = {
  name: 'datasource',
  label: 'Data source',
  type: 'datasource',
  query: 'prometheus',
  hide: 0,
} as const

/** Values of a label, of which one is chosen: the first, or, where no series has the label, none, which is an empty value. */
export function choiceVariable(name: string, label: string, metric: string): object {
  return {
    name,
    label,
    type: 'query',
    datasource,
    query: { query: `label_values(${metric}, ${name})`, refId: 'values' },
    refresh: 2,
    sort: 1,
    multi: false,
    includeAll: false,
    current: { text: '', value: '' },
    hide: 0,
  }
}

/** Values of a label, of which several or all may be chosen. */
export function labelVariable(name: string, label: string, metric: string): object {
  return {
    ...choiceVariable(name, label, metric),
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  }
}

/** A number that is typed in. */
export function numberVariable(name: string, label: string, value: number): object {
  const text = String(value)
  return { name, label, type: 'textbox', query: text, current: { text, value: text }, hide: 0 }
}

/** The dashboard's file. */
export function dashboardJson({ uid, title, description, variables, sections }: DashboardDescription): object {
  let id = 0
  let y = 0
  const panels: object[] = []
  for (const section of sections) {
    panels.push({
      ...{ type: 'row', id: ++id, title: section.title, collapsed: false, panels: [] },
      gridPos: { x: 0, y, w: columns, h: rowHeight },
    })
    y += rowHeight
    let x = 0
    let highest = 0
    for (const panel of section.panels) {
      const { w, h } = sizeOf(panel)
      if (x + w > columns) {
        x = 0
        y += highest
        highest = 0
      }
      panels.push(panelJson(panel, ++id, { x, y, w, h }))
      x += w
      highest = Math.max(highest, h)
    }
    y += highest
  }
  return {
    uid,
    title,
    description,
    tags: ['wellspring'],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    links: [
      {
        ...{ type: 'dashboards', title: 'Wellspring', tags: ['wellspring'], asDropdown: true, icon: 'dashboard' },
        ...{ includeVars: false, keepTime: true, targetBlank: false, tooltip: '', url: '' },
      },
    ],
    annotations: { list: [] },
    templating: { list: [datasourceVariable, ...variables] },
    panels,
  }
}

function sizeOf({ as = 'lines', width }: PanelDescription): { w: number; h: number } {
  return { w: width ?? (as === 'number' ? 6 : 12), h: heights[as] }
}

function panelJson(panel: PanelDescription, id: number, gridPos: object): object {
  const { title, description, unit, queries, as = 'lines', max, decimals } = panel
  const isNow = as === 'number' || as === 'bars' || as === 'table'
  return {
    id,
    title,
    description,
    gridPos,
    datasource,
    targets: queries.map(({ expr, legend }, index) => ({
      ...{ refId: String.fromCharCode(65 + index), datasource, expr, legendFormat: legend },
      ...(isNow ? { instant: true, range: false } : { instant: false, range: true }),
      ...(as === 'table' && { format: 'table' }),
    })),
    ...kindOf(as),
    fieldConfig: {
      defaults: {
        unit,
        ...(as !== 'table' && { min: 0 }),
        ...(max !== undefined && { max }),
        ...(decimals !== undefined && { decimals }),
        color: { mode: isNow ? 'continuous-BlPu' : 'palette-classic' },
        ...(!isNow && { custom: linesOf(as === 'stack') }),
      },
      overrides: [],
    },
    ...(as === 'table' && {
      // One row a series: time and the metric's name say nothing.
      transformations: [
        { id: 'labelsToFields', options: { mode: 'columns' } },
        { id: 'merge', options: {} },
        { id: 'organize', options: { excludeByName: { Time: true, __name__: true } } },
      ],
    }),
  }
}

function linesOf(isStacked: boolean): object {
  return {
    drawStyle: 'line',
    lineWidth: 1,
    fillOpacity: isStacked ? 40 : 5,
    showPoints: 'never',
    spanNulls: false,
    stacking: { mode: isStacked ? 'normal' : 'none', group: 'A' },
  }
}

const reduced = { values: false, calcs: ['lastNotNull'], fields: '' }

function kindOf(as: NonNullable<PanelDescription['as']>): { type: string; options: object } {
  switch (as) {
    case 'number':
      return {
        type: 'stat',
        options: {
          ...{ reduceOptions: reduced, orientation: 'auto', textMode: 'auto', colorMode: 'value', graphMode: 'none' },
          ...{ justifyMode: 'auto', wideLayout: true, showPercentChange: false, percentChangeColorMode: 'standard' },
        },
      }
    case 'bars':
      return {
        type: 'bargauge',
        options: {
          ...{ reduceOptions: reduced, orientation: 'horizontal', displayMode: 'basic', valueMode: 'color' },
          ...{ namePlacement: 'auto', showUnfilled: true, sizing: 'auto', minVizWidth: 8, minVizHeight: 16 },
          ...{ maxVizHeight: 300, legend: { showLegend: false, displayMode: 'list', placement: 'bottom', calcs: [] } },
        },
      }
    case 'table':
      return { type: 'table', options: { showHeader: true, cellHeight: 'sm', frameIndex: 0, sortBy: [] } }
    case 'lines':
    case 'stack':
      return {
        type: 'timeseries',
        options: {
          legend: { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] },
          tooltip: { mode: 'multi', sort: 'desc' },
        },
      }
  }
}
