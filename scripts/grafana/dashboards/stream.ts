/** *Stream*: whether records get through, by processor, and what processors declare of themselves. */
import type { Processor } from '../../../engine/processor.ts'
import type { DashboardDescription, PanelDescription } from '../panel.ts'
import {
  declaredSeries,
  maxOf,
  processSeries,
  rateOf,
  series,
  shareOf,
  sumOf,
  quantiles,
  declaredQuantiles,
} from '../queries.ts'
import { targetVariables, processorVariable } from '../variables.ts'

/** @returns the dashboard */
export function stream(processors: readonly Processor[]): DashboardDescription {
  return {
    uid: 'wellspring-stream',
    title: 'Wellspring: Stream',
    description: 'Whether records get through: backlog, age, commits, tasks, and what fails, by processor.',
    variables: [...targetVariables, processorVariable],
    sections: [
      {
        title: 'Flow',
        panels: [
          {
            title: 'Backlog',
            description:
              'Records waiting in the inputs. Scale by this one: the lag of consumer groups misleads (docs/operations.md).',
            unit: 'short',
            queries: [{ expr: sumOf('backlog', ['processor']), legend: '{{processor}}' }],
          },
          {
            title: 'Age of the oldest record under way',
            description: 'Since it lies in its topic. A call that takes an hour keeps it at an hour while others pass.',
            unit: 's',
            queries: [{ expr: maxOf('watermarkAge', ['processor']), legend: '{{processor}}' }],
          },
          {
            title: 'Records admitted a second',
            description: 'Taken out of the inputs to be worked on.',
            unit: 'cps',
            queries: [{ expr: rateOf('recordsIn', ['processor']), legend: '{{processor}}' }],
          },
          {
            title: 'Records committed a second',
            description: 'By topic, when their commit has taken effect.',
            unit: 'cps',
            queries: [{ expr: rateOf('recordsOut', ['topic']), legend: '{{topic}}' }],
          },
          {
            title: 'Full windows',
            description:
              'Records in flight by what the window takes (maxInFlight of every open task). At 1 the window or the endpoint is the limit.',
            ...{ unit: 'percentunit', max: 1 },
            queries: [
              {
                expr: shareOf(sumOf('inFlight', ['processor']), sumOf('inFlightLimit', ['processor'])),
                legend: '{{processor}}',
              },
            ],
          },
          {
            title: 'Results that wait for their commit',
            description: 'Bounded by bytes; level and high means that commits are slow or fail.',
            unit: 'short',
            queries: [{ expr: sumOf('uncommitted', ['processor']), legend: '{{processor}}' }],
          },
        ],
      },
      {
        title: 'Commits and tasks',
        panels: [
          {
            title: 'Commits a second',
            description: 'Those that took effect.',
            unit: 'cps',
            queries: [{ expr: rateOf('commits', ['processor']), legend: '{{processor}}' }],
          },
          {
            title: 'Time of a commit',
            description: 'Median and 99th percentile over all processors.',
            unit: 's',
            queries: quantiles('commitSeconds', []),
          },
          {
            title: 'Commits that failed',
            description: 'By reason, in the last quarter of an hour. docs/operations.md, "Commits fail".',
            unit: 'short',
            queries: [
              {
                expr: `sum by (processor, reason) (increase(${series('commitFailures')}[15m]))`,
                legend: '{{processor}} {{reason}}',
              },
            ],
          },
          {
            title: 'Open tasks',
            description: 'Of all tasks that the processor has. Below 1: no process has them, or they cannot be opened.',
            ...{ unit: 'percentunit', max: 1 },
            queries: [
              {
                expr: `${sumOf('openTasks', ['processor'])} / ${maxOf('tasks', ['processor'])}`,
                legend: '{{processor}}',
              },
            ],
          },
          {
            title: 'Rebalances',
            description:
              'Times that tasks came or went, in the last quarter of an hour. Normal while processes come and go.',
            unit: 'short',
            queries: [{ expr: `sum by (processor) (increase(${series('rebalances')}[15m]))`, legend: '{{processor}}' }],
          },
          {
            title: 'Records given up while they were worked on',
            description: 'Their task moved, the run was drained, or failed; the next owner does them anew.',
            unit: 'short',
            queries: [
              {
                expr: `sum by (processor, reason) (increase(${series('abandoned')}[15m]))`,
                legend: '{{processor}} {{reason}}',
              },
            ],
          },
          {
            title: 'Stopped tasks',
            description:
              'Tasks whose input lost records that they had not finished. Above 0: docs/operations.md, "Records were lost".',
            unit: 'short',
            queries: [{ expr: sumOf('stoppedTasks', ['processor']), legend: '{{processor}}' }],
          },
          {
            title: 'Size of progress records',
            description: 'Grows with the records in flight in one task. Above 100 kB: lower maxInFlight.',
            unit: 'bytes',
            queries: [{ expr: maxOf('progressBytes', ['processor']), legend: '{{processor}}' }],
          },
        ],
      },
      {
        title: 'Failures',
        panels: [
          {
            title: 'Dead letters',
            description:
              'Records that could not be processed, in the last quarter of an hour. `wellspring dead-letters list` says why.',
            unit: 'short',
            queries: [
              { expr: `sum by (processor) (increase(${series('deadLetters')}[15m]))`, legend: '{{processor}}' },
            ],
          },
          {
            title: 'Dead letters by code',
            description: 'The same by what happened. Empty while there are none.',
            unit: 'short',
            queries: [{ expr: `sum by (code) (increase(${series('deadLetters')}[15m])) > 0`, legend: '{{code}}' }],
          },
          {
            title: 'Tries that were repeated',
            description:
              'A second, by processor and code. The code names the trouble: docs/inference.md. Empty while there are none.',
            unit: 'cps',
            queries: [{ expr: `${rateOf('retries', ['processor', 'code'])} > 0`, legend: '{{processor}} {{code}}' }],
          },
        ],
      },
      ...declaredSections(processors),
      {
        title: 'Processes',
        panels: [
          {
            title: 'Memory',
            description: 'Resident memory of each process.',
            unit: 'bytes',
            queries: [{ expr: processSeries('process_resident_memory_bytes'), legend: '{{instance}}' }],
          },
          {
            title: 'Processor time',
            description: 'Cores that each process uses.',
            unit: 'short',
            queries: [
              {
                expr: `rate(${processSeries('process_cpu_seconds_total')}[$__rate_interval])`,
                legend: '{{instance}}',
              },
            ],
          },
          {
            title: 'Lag of the event loop',
            description: '99th percentile since the scrape before. Above a second heartbeats come late.',
            unit: 's',
            queries: [{ expr: processSeries('nodejs_eventloop_lag_p99_seconds'), legend: '{{instance}}' }],
          },
          {
            title: 'Open files and sockets',
            description: 'By what the process may have.',
            ...{ unit: 'percentunit', max: 1 },
            queries: [
              {
                expr: `${processSeries('process_open_fds')} / ${processSeries('process_max_fds')}`,
                legend: '{{instance}}',
              },
            ],
          },
          {
            title: 'Garbage collection',
            description: 'Seconds of each second.',
            ...{ unit: 'percentunit', max: 1 },
            queries: [
              {
                expr: `sum by (instance) (rate(${processSeries('nodejs_gc_duration_seconds_sum')}[$__rate_interval]))`,
                legend: '{{instance}}',
              },
            ],
          },
          {
            title: 'Releases',
            description:
              'What runs where. Processes of a namespace should run one release, but while they are replaced.',
            ...{ unit: 'none', as: 'table' },
            queries: [{ expr: series('buildInfo'), legend: '' }],
          },
        ],
      },
    ],
  }
}

/** What processors declare, a panel for each metric. */
function declaredSections(processors: readonly Processor[]): { title: string; panels: PanelDescription[] }[] {
  return processors
    .filter(({ metrics }) => Object.keys(metrics).length > 0)
    .map((processor) => ({
      title: `What ${processor.name} tells`,
      panels: Object.entries(processor.metrics).map(([name, metric]): PanelDescription => {
        const common = { title: `${processor.name}: ${name}`, description: metric.doc }
        if (metric.type === 'histogram') return { ...common, unit: 's', queries: declaredQuantiles(processor, name) }
        // More than two labels make too many lines; the others are for queries of one's own.
        const labels = Object.keys(metric.labels).slice(-2)
        const expr = `sum by (${labels.join(', ')}) (rate(${declaredSeries(processor, name)}[$__rate_interval]))`
        return { ...common, unit: 'cps', queries: [{ expr, legend: labels.map((label) => `{{${label}}}`).join(' ') }] }
      }),
    }))
}
