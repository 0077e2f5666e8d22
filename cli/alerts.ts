/**
 * Alerts as rules of Prometheus. Each leads to a heading of docs/operations.md, and carries an example on which it fires and clears,
 * which the tests give to promtool.
 */
import { stringify } from 'yaml'
import { topics } from '../topics/catalogue.ts'
import { metricTable } from '../engine/metric-table.ts'
import { declaredMetricName } from '../engine/metrics.ts'

/** Series, as promtool writes them, in which an alert fires once and then clears. */
interface Example {
  /** Series -> values, one a minute: `0x4 1x5` is 0 and four more 0, then 1 and five more. */
  series: Readonly<Record<string, string>>
  /** Minutes from the start at which it fires, and at which it fires no more. */
  firesAt: number
  clearsAt: number
}

/** One alert. */
export interface Alert {
  name: string
  /** page: somebody must act now; warning: somebody should look today. */
  severity: 'page' | 'warning'
  expr: string
  /** For so long it must hold. */
  forSeconds: number
  /** What is wrong, in one line; `{{ $labels.processor }}` and the like are filled in. */
  summary: string
  /** The heading of docs/operations.md that says what to do. */
  runbook: string
  example: Example
  /** Series on which it never fires, of those that it must not be taken in by: `Example.series`. */
  silent?: Readonly<Record<string, string>>
}

const minute = 60
const hour = 60 * minute

/** Where the runbook is, from the project's root. */
const operationsPage = 'docs/operations.md'

/** A heading's anchor, as Markdown renderers make it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} -]/gu, '')
    .replaceAll(' ', '-')
}

/**
 * All alerts. `hasten`: by so much are all times shorter, for tests against a process that runs.
 */
export function alerts(hasten = 1): Alert[] {
  const span = (seconds: number): string => durationText(Math.max(5, seconds / hasten))
  const { backlog, stoppedTasks, openTasks, tasks, commitFailures, commitSeconds, commits, deadLetters } = metricTable
  const { retries, recordsIn, progressBytes, llmRequests, llmState, verifierRestarts, watermarkAge } = metricTable
  const { discards, budgetLeft, budgetLimit, corpusRecords } = metricTable
  const verdicts = declaredMetricName('verify-rollout', 'verdictsTotal')
  const attempts = declaredMetricName('verify-rollout', 'attemptsTotal')
  // One Prometheus may see the streams of several namespaces. Outside of Kubernetes no series has that label.
  const by = (...labels: string[]): string => `by (${['namespace', ...labels].join(', ')})`
  const growth = (metric: string, labels: string[], seconds: number): string =>
    `sum ${by(...labels)} (increase(${metric}[${span(seconds)}]))`
  // What has not happened for so long says nothing of a stream that began later.
  const wasThere = (metric: string, seconds: number): string => `count ${by()} (${metric} offset ${span(seconds)}) > 0`
  const all: Alert[] = [
    {
      name: 'WellspringProcessDown',
      severity: 'page',
      expr: 'up{job="wellspring"} == 0',
      forSeconds: minute,
      summary: '{{ $labels.instance }} does not answer: it has ended, or hangs',
      runbook: 'A processor stands still',
      example: { series: { 'up{job="wellspring",instance="a"}': '1x4 0x5 1x20' }, firesAt: 8, clearsAt: 14 },
    },
    {
      name: 'WellspringTasksStopped',
      severity: 'page',
      expr: `sum ${by('processor')} (${stoppedTasks.name}) > 0`,
      forSeconds: 0,
      summary: '{{ $value }} tasks of {{ $labels.processor }} have stopped: records of their input are lost',
      runbook: 'Records were lost',
      example: { series: { [`${stoppedTasks.name}{processor="teach"}`]: '0x4 1x5 0x20' }, firesAt: 7, clearsAt: 12 },
    },
    {
      name: 'WellspringTasksUnowned',
      severity: 'page',
      expr: `sum ${by('processor')} (${openTasks.name}) < max ${by('processor')} (${tasks.name})`,
      forSeconds: 5 * minute,
      summary: 'only {{ $value }} tasks of {{ $labels.processor }} are open in any process',
      runbook: 'A processor stands still',
      example: {
        series: {
          [`${openTasks.name}{processor="teach"}`]: '12x4 8x9 12x20',
          [`${tasks.name}{processor="teach"}`]: '12x40',
        },
        ...{ firesAt: 12, clearsAt: 18 },
      },
    },
    {
      name: 'WellspringNothingIsCommitted',
      severity: 'page',
      expr: `${growth(commits.name, [], 2 * hour)} == 0 and sum ${by()} (${backlog.name}) > 0 and ${wasThere(commits.name, 2 * hour)}`,
      forSeconds: 10 * minute,
      summary: '{{ $value }} commits in two hours, and records wait',
      runbook: 'A processor stands still',
      example: {
        series: {
          [`${commits.name}{processor="teach"}`]: '0+1x10 10x200 11+1x100',
          [`${backlog.name}{processor="teach"}`]: '5x400',
        },
        ...{ firesAt: 160, clearsAt: 260 },
      },
      silent: { [`${commits.name}{processor="teach"}`]: '0x100', [`${backlog.name}{processor="teach"}`]: '5x100' },
    },
    {
      name: 'WellspringBacklogGrows',
      severity: 'warning',
      expr: `sum ${by('processor')} (${backlog.name}) - sum ${by('processor')} (${backlog.name} offset ${span(hour)}) > 500`,
      forSeconds: 10 * minute,
      summary: '{{ $value }} records more than an hour ago wait for {{ $labels.processor }}',
      runbook: 'A processor is too slow',
      example: {
        series: { [`${backlog.name}{processor="teach"}`]: '0x10 0+20x60 1200x100' },
        ...{ firesAt: 75, clearsAt: 150 },
      },
    },
    {
      name: 'WellspringRecordsAreOld',
      severity: 'warning',
      expr: `max ${by('processor')} (${watermarkAge.name}) > ${(6 * hour) / hasten}`,
      forSeconds: 10 * minute,
      summary: 'the oldest record that {{ $labels.processor }} has under way came {{ $value | humanizeDuration }} ago',
      runbook: 'A processor is too slow',
      example: {
        series: { [`${watermarkAge.name}{processor="teach"}`]: '100x10 25000x20 100x30' },
        ...{ firesAt: 25, clearsAt: 40 },
      },
    },
    {
      name: 'WellspringCommitsFail',
      severity: 'page',
      expr: `${growth(`${commitFailures.name}{reason=~"doubt|unreachable|full"}`, ['processor', 'reason'], 5 * minute)} > 0`,
      forSeconds: 5 * minute,
      summary: 'commits of {{ $labels.processor }} fail: {{ $labels.reason }}',
      runbook: 'Commits fail',
      example: {
        series: { [`${commitFailures.name}{processor="teach",reason="unreachable"}`]: '0x5 0+1x20 20x30' },
        ...{ firesAt: 20, clearsAt: 40 },
      },
    },
    {
      name: 'WellspringCommitsAreSlow',
      severity: 'warning',
      expr: `histogram_quantile(0.99, sum ${by('processor', 'le')} (rate(${commitSeconds.name}_bucket[${span(10 * minute)}]))) > 5`,
      forSeconds: 10 * minute,
      summary: 'commits of {{ $labels.processor }} take up to {{ $value | humanizeDuration }}',
      runbook: 'Commits are slow',
      example: {
        series: {
          [`${commitSeconds.name}_bucket{processor="teach",le="0.512"}`]: '0x30 0+10x60',
          [`${commitSeconds.name}_bucket{processor="teach",le="8.192"}`]: '0+10x30 310+10x60',
          [`${commitSeconds.name}_bucket{processor="teach",le="+Inf"}`]: '0+10x30 310+10x60',
        },
        ...{ firesAt: 25, clearsAt: 60 },
      },
    },
    {
      name: 'WellspringDeadLetters',
      severity: 'warning',
      expr: `${growth(deadLetters.name, ['processor', 'code'], 15 * minute)} > 0`,
      forSeconds: 0,
      summary: '{{ $value }} records of {{ $labels.processor }} became dead letters: {{ $labels.code }}',
      runbook: 'Dead letters come',
      example: {
        series: { [`${deadLetters.name}{processor="teach",code="REQUEST_REFUSED"}`]: '0x5 3x40' },
        ...{ firesAt: 10, clearsAt: 30 },
      },
    },
    {
      name: 'WellspringTriesPileUp',
      severity: 'warning',
      expr: `${growth(retries.name, ['processor'], 10 * minute)} > 10 + ${growth(recordsIn.name, ['processor'], 10 * minute)}`,
      forSeconds: 10 * minute,
      summary: '{{ $labels.processor }} repeats more tries than records come in',
      runbook: 'An endpoint is in trouble',
      example: {
        series: {
          [`${retries.name}{processor="teach",code="ENDPOINT_FAILED"}`]: '0+5x30 150x40',
          [`${recordsIn.name}{processor="teach"}`]: '0x70',
        },
        ...{ firesAt: 25, clearsAt: 50 },
      },
    },
    {
      name: 'WellspringProgressIsLarge',
      severity: 'warning',
      expr: `max ${by('processor')} (${progressBytes.name}) > 100000`,
      forSeconds: 5 * minute,
      summary: 'a progress record of {{ $labels.processor }} has {{ $value | humanize1024 }}B',
      runbook: 'Progress records are large',
      example: {
        series: { [`${progressBytes.name}{processor="teach"}`]: '500x5 200000x10 500x20' },
        ...{ firesAt: 13, clearsAt: 25 },
      },
    },
    {
      name: 'WellspringDiscardsJump',
      severity: 'warning',
      // More than half of what comes in, and twice what it was: a rule that always puts much aside is none.
      expr: [
        `(${growth(discards.name, ['processor'], hour)} / (${growth(recordsIn.name, ['processor'], hour)} > 20)) > 0.5`,
        `and (${growth(discards.name, ['processor'], hour)} / (${growth(recordsIn.name, ['processor'], hour)} > 20))`,
        `> 2 * (sum ${by('processor')} (increase(${discards.name}[${span(24 * hour)}] offset ${span(hour)}))`,
        `/ (sum ${by('processor')} (increase(${recordsIn.name}[${span(24 * hour)}] offset ${span(hour)})) > 20))`,
      ].join(' '),
      forSeconds: 10 * minute,
      summary:
        '{{ $labels.processor }} discards {{ $value | humanizePercentage }} of its records, twice as many as the day before',
      runbook: 'Discards jump',
      example: {
        series: {
          [`${discards.name}{processor="teach",reason="content-filter"}`]: '0+1x300 300+9x120 1389+1x300',
          [`${recordsIn.name}{processor="teach"}`]: '0+10x800',
        },
        ...{ firesAt: 370, clearsAt: 520 },
      },
    },
    {
      name: 'WellspringEndpointDown',
      severity: 'page',
      expr: `max ${by('endpoint')} (${llmState.name}{state="down"}) > 0`,
      forSeconds: 2 * minute,
      summary: 'the endpoint {{ $labels.endpoint }} is down: its work waits',
      runbook: 'An endpoint is in trouble',
      example: {
        series: { [`${llmState.name}{endpoint="box",state="down"}`]: '0x5 1x10 0x20' },
        ...{ firesAt: 10, clearsAt: 20 },
      },
    },
    {
      name: 'WellspringEndpointFails',
      severity: 'warning',
      expr: [
        `sum ${by('endpoint')} (rate(${llmRequests.name}{outcome!~"completed|aborted"}[${span(10 * minute)}]))`,
        `/ (sum ${by('endpoint')} (rate(${llmRequests.name}[${span(10 * minute)}])) > 0) > 0.2`,
      ].join(' '),
      forSeconds: 10 * minute,
      summary: '{{ $value | humanizePercentage }} of the calls at {{ $labels.endpoint }} fail',
      runbook: 'An endpoint is in trouble',
      example: {
        series: {
          [`${llmRequests.name}{endpoint="box",outcome="completed"}`]: '0+10x80',
          [`${llmRequests.name}{endpoint="box",outcome="ENDPOINT_FAILED"}`]: '0+5x30 150x50',
        },
        ...{ firesAt: 25, clearsAt: 60 },
      },
    },
    {
      name: 'WellspringAttemptsAreInvalid',
      severity: 'warning',
      expr: `(${growth(`${attempts}{form!~"valid|unverifiable"}`, ['model'], hour)} / (${growth(attempts, ['model'], hour)} > 20)) > 0.3`,
      forSeconds: 30 * minute,
      summary: '{{ $value | humanizePercentage }} of the attempts of {{ $labels.model }} are invalid',
      runbook: 'Attempts are invalid',
      example: {
        series: {
          [`${attempts}{model="solver",form="valid"}`]: '0+5x300',
          [`${attempts}{model="solver",form="length_limit"}`]: '0+5x100 500x200',
        },
        ...{ firesAt: 60, clearsAt: 200 },
      },
    },
    {
      name: 'WellspringVerifiersFail',
      severity: 'warning',
      expr: `(${growth(`${verdicts}{verdict="unverifiable"}`, ['domain'], hour)} / (${growth(verdicts, ['domain'], hour)} > 20)) > 0.1`,
      forSeconds: 10 * minute,
      summary: '{{ $value | humanizePercentage }} of the attempts in {{ $labels.domain }} cannot be verified',
      runbook: 'Attempts cannot be verified',
      example: {
        series: {
          [`${verdicts}{domain="code",verdict="passed"}`]: '0+5x300',
          [`${verdicts}{domain="code",verdict="unverifiable"}`]: '0+1x100 100x200',
        },
        ...{ firesAt: 60, clearsAt: 200 },
      },
    },
    {
      name: 'WellspringVerifierThreadsDie',
      severity: 'warning',
      expr: `${growth(verifierRestarts.name, [], 15 * minute)} > 5`,
      forSeconds: 0,
      summary: '{{ $value }} worker threads of the verifiers were replaced in a quarter of an hour',
      runbook: 'Attempts cannot be verified',
      example: {
        series: { [`${verifierRestarts.name}{reason="stuck"}`]: '0x5 0+1x15 15x40' },
        ...{ firesAt: 20, clearsAt: 50 },
      },
    },
    {
      name: 'WellspringBudgetEnds',
      severity: 'warning',
      expr: `max ${by('unit')} (${budgetLeft.name}) / max ${by('unit')} (${budgetLimit.name}) < 0.1`,
      forSeconds: 0,
      summary: '{{ $value | humanizePercentage }} of the budget ({{ $labels.unit }}) is left',
      runbook: 'The budget ends',
      example: {
        series: {
          [`${budgetLeft.name}{unit="USD"}`]: '50x5 4x10 50x20',
          [`${budgetLimit.name}{unit="USD"}`]: '50x40',
        },
        ...{ firesAt: 10, clearsAt: 20 },
      },
    },
    {
      name: 'WellspringNoPairs',
      severity: 'warning',
      expr: `max ${by()} (increase(${corpusRecords.name}{topic="${topics.preferencePairs.name}"}[${span(6 * hour)}])) == 0 and ${growth(commits.name, [], 6 * hour)} > 100 and ${wasThere(commits.name, 6 * hour)}`,
      forSeconds: 10 * minute,
      summary: 'no pair has come of six hours of work',
      runbook: 'No pairs come',
      example: {
        series: {
          [`${corpusRecords.name}{topic="${topics.preferencePairs.name}"}`]: '5x400 6+1x400',
          [`${commits.name}{processor="teach"}`]: '0+1x800',
        },
        ...{ firesAt: 390, clearsAt: 450 },
      },
      silent: {
        [`${corpusRecords.name}{topic="${topics.preferencePairs.name}"}`]: '0x300',
        [`${commits.name}{processor="teach"}`]: '0+1x300',
      },
    },
    {
      name: 'WellspringProcessIsOverloaded',
      severity: 'warning',
      expr: 'nodejs_eventloop_lag_p99_seconds{job="wellspring"} > 1',
      forSeconds: 5 * minute,
      summary: 'the event loop of {{ $labels.instance }} is {{ $value | humanizeDuration }} late',
      runbook: 'A process is overloaded',
      example: {
        series: { 'nodejs_eventloop_lag_p99_seconds{job="wellspring",instance="a"}': '0.01x5 2x10 0.01x20' },
        ...{ firesAt: 13, clearsAt: 25 },
      },
    },
  ]
  return all.map((alert) => ({ ...alert, forSeconds: alert.forSeconds / hasten }))
}

/**
 * One alert more where it is known which processors there must be: a processor of which no process tells. What processes tell says nothing of
 * one that nobody runs, such as one whose pods no node takes.
 * @param namespace of Kubernetes, in which each has a workload
 */
export function missingProcessors(namespace: string, names: readonly string[]): Alert {
  const told = (name: string): string => `${metricTable.tasks.name}{namespace="${namespace}",processor="${name}"}`
  return {
    name: 'WellspringProcessorMissing',
    severity: 'page',
    expr: names.map((name) => `absent(${told(name)})`).join(' or '),
    forSeconds: 5 * minute,
    summary: 'no pod tells of {{ $labels.processor }}',
    runbook: 'A processor stands still',
    example: {
      series: Object.fromEntries(
        names.map((name, place) => [told(name), place === 0 ? '12x4 stale _x10 12x20' : '12x60']),
      ),
      ...{ firesAt: 12, clearsAt: 17 },
    },
  }
}

/**
 * The groups of a file of rules, and of a PrometheusRule's spec.
 * @param documentation where the project's docs are: a URL, or '' for the paths in its folder
 */
export function ruleGroups(rules: readonly Alert[] = alerts(), documentation = ''): object {
  const runbooks =
    documentation === '' ? operationsPage : new URL(operationsPage, documentation.replace(/\/*$/, '/')).href
  return {
    groups: [
      {
        name: 'wellspring',
        rules: rules.map(({ name, severity, expr, forSeconds, summary, runbook }) => ({
          alert: name,
          expr,
          ...(forSeconds > 0 && { for: durationText(forSeconds) }),
          labels: { severity },
          annotations: { summary, runbook_url: `${runbooks}#${anchorOf(runbook)}` },
        })),
      },
    ],
  }
}

/** The file of rules. */
export function rulesFile(rules: readonly Alert[] = alerts()): string {
  return `# Written by \`npm run generate\` from cli/alerts.ts. Do not edit.\n${stringify(ruleGroups(rules), { lineWidth: 0 })}`
}

/** As Prometheus writes a duration. */
function durationText(seconds: number): string {
  for (const [unit, size] of [
    ['h', hour],
    ['m', minute],
  ] as const)
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`
  return seconds % 1 === 0 ? `${seconds}s` : `${Math.round(1000 * seconds)}ms`
}
