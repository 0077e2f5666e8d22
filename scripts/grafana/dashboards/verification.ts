/** *Verification*: what verifiers conclude, how long it takes, and how their threads and sandboxes are. */
import type { Processor } from '../../../engine/processor.ts'
import type { DashboardDescription } from '../panel.ts'
import { countRateOf, declaredSeries, rateOf, series, sumOf, quantiles, declaredQuantiles } from '../queries.ts'
import { targetVariables } from '../variables.ts'

/** @returns the dashboard */
export function verification(named: (name: string) => Processor): DashboardDescription {
  const verifier = named('verify-rollout')
  const verdicts = (labels: string, matchers: Readonly<Record<string, string>> = {}): string =>
    `sum by (${labels}) (rate(${declaredSeries(verifier, 'verdictsTotal', matchers)}[$__rate_interval]))`
  return {
    uid: 'wellspring-verification',
    title: 'Wellspring: Verification',
    description: 'What verifiers conclude, how long it takes, and how their threads and sandboxes are.',
    variables: [...targetVariables],
    sections: [
      {
        title: 'Verdicts',
        panels: [
          {
            title: 'Verdicts a second',
            description: 'On attempts, by domain.',
            ...{ unit: 'cps', as: 'stack' },
            queries: [{ expr: verdicts('domain, verdict'), legend: '{{domain}} {{verdict}}' }],
          },
          {
            title: 'Reasons',
            description: 'Why attempts passed, failed or could not be verified (docs/verification.md).',
            ...{ unit: 'cps', as: 'stack' },
            queries: [{ expr: verdicts('verdict, reason'), legend: '{{verdict}}: {{reason}}' }],
          },
          {
            title: 'Unverifiable share',
            description:
              'Attempts that could not be verified do not count and are asked for again. Above a tenth an alert comes.',
            ...{ unit: 'percentunit', max: 1 },
            queries: [
              {
                expr: `(${verdicts('domain', { verdict: '="unverifiable"' })} or 0 * ${verdicts('domain')}) / (${verdicts('domain')} > 0)`,
                legend: '{{domain}}',
              },
            ],
          },
          {
            title: 'Comparisons a second',
            description: 'Answers compared with their reference, by what came of it.',
            unit: 'cps',
            queries: [{ expr: rateOf('comparisons', ['verdict']), legend: '{{verdict}}' }],
          },
        ],
      },
      {
        title: 'Time',
        panels: [
          {
            title: 'Time to verify an attempt',
            description: 'Median and 99th percentile, queueing included.',
            unit: 's',
            queries: declaredQuantiles(verifier, 'verifierSeconds'),
          },
          {
            title: 'Time of a program on one test',
            description: 'Median and 99th percentile on the clock, inside the sandbox.',
            unit: 's',
            queries: quantiles('programSeconds', []),
          },
          {
            title: 'Program runs a second',
            description: 'One program on one test, by what it came to. sandbox_error is our own fault.',
            ...{ unit: 'cps', as: 'stack' },
            queries: [{ expr: countRateOf('programSeconds', ['reason']), legend: '{{reason}}' }],
          },
        ],
      },
      {
        title: 'Threads',
        panels: [
          {
            title: 'What waits for a thread',
            description: 'Long and level: more cores, or more processes with verify-rollout.',
            unit: 'short',
            queries: [{ expr: sumOf('verifierQueue', ['kind']), legend: '{{kind}}' }],
          },
          {
            title: 'Threads and their tasks',
            description: 'Each thread has at most two tasks, of which one waits.',
            unit: 'short',
            queries: [
              { expr: sumOf('verifierBusy', []), legend: 'tasks' },
              { expr: sumOf('verifierThreads', []), legend: 'threads' },
            ],
          },
          {
            title: 'Threads that were replaced',
            description:
              'In the last quarter of an hour, each with its sandbox: it hung (stuck), ended or threw (failed), or never began (late).',
            unit: 'short',
            queries: [{ expr: `sum by (reason) (increase(${series('verifierRestarts')}[15m]))`, legend: '{{reason}}' }],
          },
        ],
      },
    ],
  }
}
