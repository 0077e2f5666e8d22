/** docs/metrics.md: every metric, from the table and the processors' declarations. */
import {
  labelSets,
  metricTable,
  mostLabelValues,
  otherValue,
  processMetricTable,
  type MetricRow,
} from '../engine/metric-table.ts'
import { declaredMetricName, type CounterDeclaration } from '../engine/metrics.ts'
import type { Processor } from '../engine/processor.ts'
import { alerts, anchorOf } from '../cli/alerts.ts'
import { markdownTable } from './stream-picture.ts'

const sections: readonly { title: string; by: readonly MetricRow['by'][]; about: string }[] = [
  {
    title: 'The stream',
    by: ['engine'],
    about: 'Of the tasks in this process. Add them up over processes, but `wellspring_tasks`.',
  },
  {
    title: 'Models',
    by: ['inference'],
    about:
      'Of the calls of this process. `gen_ai_*` are the metrics of the OpenTelemetry conventions for generative AI, as Prometheus writes their names.',
  },
  {
    title: 'Verifiers',
    by: ['verifiers'],
    about: 'Of the threads of this process. What they conclude of attempts stands under verify-rollout below.',
  },
  {
    title: 'The corpus',
    by: ['tables', 'budget'],
    about:
      'These survive restarts: they are read from the ledger, the expenses and the budget, which every commit adds to, and every process tells the same. Take the largest (`max`), not the sum.',
  },
]

/** The page about the metrics of these processors and of the process that runs them. */
export function metricsPage(processors: readonly Processor[]): string {
  const rows: readonly MetricRow[] = Object.values(metricTable)
  return [
    '# Metrics',
    '',
    '<!-- Written by `npm run generate` from engine/metric-table.ts and the declarations. Do not edit. -->',
    '',
    'What `/metrics` tells where `run.metricsPort` (`--metrics-port`) is set, in the text format of Prometheus. Counters and histograms begin at 0 with',
    'the process, but those of [the corpus](#the-corpus). What to watch and when to act: [operations.md](operations.md#what-to-watch).',
    '',
    `No label holds an id. A label takes the values of a list in the code, names of the catalogue and the declarations, or names of the configuration, of announcements and of records; of these at most ${mostLabelValues} in a process: what comes after them goes by \`${otherValue}\`.`,
    '',
    ...sections.flatMap(({ title, by, about }) => [
      `## ${title}`,
      '',
      about,
      '',
      ...metricRows(rows.filter((row) => by.includes(row.by))),
      '',
    ]),
    '## Processors',
    '',
    'What processors declare for themselves, counted when a record is worked on: one that is worked on again after a crash counts again.',
    '',
    ...declaredRows(processors),
    '',
    '## The process',
    '',
    ...metricRows([...rows.filter(({ by }) => by === 'process'), ...processMetricTable]),
    '',
    '## Alerts',
    '',
    'The rules for Prometheus are in [grafana/alerts/wellspring.yaml](../grafana/alerts/wellspring.yaml). page: act now; warning: look today. The PrometheusRule of [k8s/](../k8s/README.md) has one more, `WellspringProcessorMissing`: no pod tells of a processor that has a workload.',
    '',
    ...markdownTable(
      ['alert', 'severity', 'fires when', 'for', 'what to do'],
      alerts().map(({ name, severity, expr, forSeconds, runbook }) => [
        name,
        severity,
        `\`${expr}\``,
        forSeconds === 0 ? '' : `${forSeconds / 60} min`,
        `[${runbook}](operations.md#${anchorOf(runbook)})`,
      ]),
    ),
    '',
    '## Labels',
    '',
    ...markdownTable(['values', 'what they are', 'which'], labelRows(rows)),
    '',
  ].join('\n')
}

function metricRows(rows: readonly MetricRow[]): string[] {
  return markdownTable(
    ['metric', 'type', 'unit', 'labels', 'what it says'],
    rows.map(({ name, type, unit, labels, help }) => [
      `\`${name}\``,
      type,
      unit,
      Object.entries(labels)
        .map(([label, set]) => (label === set ? `\`${label}\`` : `\`${label}\` (${set})`))
        .join(', '),
      help,
    ]),
  )
}

function declaredRows(processors: readonly Processor[]): string[] {
  const rows = processors.flatMap(({ name, metrics }) =>
    Object.entries(metrics).map(([metric, declaration]) => [
      `\`${declaredMetricName(name, metric)}\``,
      declaration.type,
      declaration.type === 'counter' ? labelsOf(declaration) : '',
      declaration.doc,
    ]),
  )
  return markdownTable(['metric', 'type', 'labels', 'what it says'], rows)
}

/** Labels, with the values that the code knows. */
function labelsOf({ labels }: CounterDeclaration): string {
  return Object.entries(labels)
    .map(([label, values]) => (values === 'named' ? `\`${label}\`` : `\`${label}\` (${values.join(', ')})`))
    .join('; ')
}

/** The sets of values that rows use. */
function labelRows(rows: readonly MetricRow[]): string[][] {
  const used = new Set([...rows, ...processMetricTable].flatMap(({ labels }) => Object.values(labels)))
  return (Object.keys(labelSets) as (keyof typeof labelSets)[])
    .filter((key) => used.has(key))
    .map((key) => {
      const set = labelSets[key]
      const which =
        set.from === 'values'
          ? set.values.map((value) => `\`${value === '' ? '""' : value}\``).join(', ')
          : set.from === 'declared'
            ? `the ${set.what} of the catalogue and the declarations`
            : `names, at most ${mostLabelValues}`
      return [key, set.doc, which]
    })
}
