/** The dashboards, written from the table of metrics and the processors' declarations: a new processor is in them by itself. */
import type { Processor } from '../../engine/processor.ts'
import { topics } from '../../topics/catalogue.ts'
import {
  dashboardJson,
  labelVariable,
  numberVariable,
  type DashboardDescription,
  type PanelDescription,
  type PanelQuery,
} from './panel.ts'
import {
  corpusRate,
  countRateOf,
  declaredSeries,
  maxOf,
  quantileOf,
  rateOf,
  series,
  shareOf,
  sumOf,
  type LabelOf,
  type RowKey,
} from './queries.ts'

/** File name -> the dashboard's JSON. */
export function dashboards(processors: readonly Processor[]): Map<string, object> {
  const named = (name: string): Processor => {
    const found = processors.find((one) => one.name === name)
    if (!found) throw new TypeError(`no processor ${name}`)
    return found
  }
  return new Map(
    [corpus(processors, named), gpu(), stream(processors), verification(named)].map((one) => [
      `${one.uid.replace('wellspring-', '')}.json`,
      dashboardJson(one),
    ]),
  )
}

const instanceVariable = labelVariable('instance', 'Process', 'wellspring_build_info')
const processorVariable = labelVariable('processor', 'Processor', 'wellspring_tasks')
const endpointVariable = labelVariable('endpoint', 'Endpoint', 'wellspring_llm_concurrency_limit')

/** Median and 99th percentile. */
function quantiles<Key extends RowKey>(key: Key, labels: LabelOf<Key>[]): PanelQuery[] {
  const legend = labels.map((label) => `{{${label}}}`).join(' ')
  return [0.5, 0.99].map((quantile) => ({
    expr: quantileOf(quantile, key, labels),
    legend: `${legend} p${quantile * 100}`.trim(),
  }))
}

const pairs = maxOf('corpusRecords', [], { topic: `="${topics.preferencePairs.name}"` })
const pairsASecond = corpusRate('corpusRecords', [], { topic: `="${topics.preferencePairs.name}"` }, '1h')

/** Topics on the way from concepts to pairs, as the processors' declarations join them, in the catalogue's order. */
export function funnelTopics(processors: readonly Processor[]): string[] {
  const reach = (from: string, next: (topic: string) => string[]): Set<string> => {
    const reached = new Set([from])
    for (const topic of reached) for (const one of next(topic)) reached.add(one)
    return reached
  }
  const names = (declared: Processor['inputs']): string[] => Object.values(declared).map(({ name }) => name)
  const after = reach(topics.concepts.name, (topic) =>
    processors.filter(({ inputs }) => names(inputs).includes(topic)).flatMap(({ outputs }) => names(outputs)),
  )
  const before = reach(topics.preferencePairs.name, (topic) =>
    processors.filter(({ outputs }) => names(outputs).includes(topic)).flatMap(({ inputs }) => names(inputs)),
  )
  return Object.values(topics)
    .map(({ name }) => name)
    .filter((name) => after.has(name) && before.has(name))
}

function corpus(processors: readonly Processor[], named: (name: string) => Processor): DashboardDescription {
  const funnel = funnelTopics(processors)
  const verifier = named('verify-rollout')
  const planner = named('plan-rollouts')
  const attempts = (result: string): string =>
    `sum by (domain, level, model) (increase(${declaredSeries(planner, 'attemptsTotal', { result })}[1h]))`
  const forms = (form?: string): string =>
    `sum by (model) (increase(${declaredSeries(verifier, 'attemptsTotal', form === undefined ? {} : { form })}[1h]))`
  const tokens = `sum (${maxOf('spendTokens', ['role', 'model', 'outcome', 'type'], { type: '=~"prompt|completion"' })})`
  const money = `sum by (currency) (${maxOf('spendCost', ['role', 'model', 'outcome', 'currency'])})`
  return {
    uid: 'wellspring-corpus',
    title: 'Wellspring: Corpus',
    description: 'What the corpus has come to, what it costs, and when it will be large enough.',
    variables: [instanceVariable, processorVariable, numberVariable('goal', 'Goal (pairs)', 50_000)],
    sections: [
      {
        title: 'Pairs',
        panels: [
          {
            title: 'Pairs',
            description: 'Preference pairs since the corpus began, over all restarts.',
            ...{ unit: 'short', as: 'number' },
            queries: [{ expr: pairs, legend: 'pairs' }],
          },
          {
            title: 'Pairs an hour',
            description: 'As of the last hour. 0 for long: look at the funnel below for where the stream ends.',
            ...{ unit: 'short', as: 'number', decimals: 1 },
            queries: [{ expr: `3600 * ${pairsASecond}`, legend: 'pairs an hour' }],
          },
          {
            title: 'Time to the goal',
            description: 'Until so many pairs are there as the box at the top says, at the rate of the last hour.',
            ...{ unit: 's', as: 'number' },
            queries: [{ expr: `clamp_min($goal - ${pairs}, 0) / (${pairsASecond} > 0)`, legend: 'to the goal' }],
          },
          {
            title: 'Tokens a pair',
            description:
              'Prompt and completion tokens of everything that was paid for, wasted calls included, by the pairs that came of it.',
            ...{ unit: 'short', as: 'number' },
            queries: [{ expr: `${tokens} / (${pairs} > 0)`, legend: 'tokens a pair' }],
          },
          {
            title: 'Cost of a pair',
            description: 'The same in money; models without a price add nothing.',
            ...{ unit: 'none', as: 'number', decimals: 4 },
            queries: [{ expr: `${money} / on () group_left () (${pairs} > 0)`, legend: '{{currency}}' }],
          },
          {
            title: 'Work in progress',
            description: 'Problems that entered the stream and have not left it. The sampler keeps it level.',
            ...{ unit: 'short', as: 'number' },
            queries: [{ expr: maxOf('workInProgress', []), legend: 'in progress' }],
          },
          {
            title: 'Budget left',
            description: 'What of the budget nobody has spent or taken; empty without a budget (`--budget`).',
            ...{ unit: 'percentunit', as: 'number', max: 1 },
            queries: [
              { expr: `${maxOf('budgetLeft', ['unit'])} / ${maxOf('budgetLimit', ['unit'])}`, legend: '{{unit}}' },
            ],
          },
          {
            title: 'Budget spent',
            description: 'In what the budget counts; reserved is what processes have taken and not spent.',
            ...{ unit: 'short', as: 'number' },
            queries: [
              { expr: maxOf('budgetSpent', ['unit']), legend: 'spent, {{unit}}' },
              { expr: maxOf('budgetReserved', ['unit']), legend: 'reserved, {{unit}}' },
            ],
          },
        ],
      },
      {
        title: 'Yield',
        panels: [
          {
            title: 'From concept to pair',
            description:
              'Records of each topic on the way since the corpus began. Where a bar is much shorter than the one before, see the discards.',
            ...{ unit: 'short', as: 'bars' },
            queries: funnel.map((topic) => ({
              expr: maxOf('corpusRecords', [], { topic: `="${topic}"` }),
              legend: topic,
            })),
          },
          {
            title: 'Records an hour',
            description: 'What is committed to each of these topics.',
            unit: 'short',
            queries: [
              {
                expr: `3600 * ${corpusRate('corpusRecords', ['topic'], { topic: `=~"${funnel.join('|')}"` })}`,
                legend: '{{topic}}',
              },
            ],
          },
          {
            title: 'Pass rate by level and solver',
            description:
              'Attempts that passed among those that count, of problems closed in the last hour. Near 0 or 1 there is nothing to learn from.',
            ...{ unit: 'percentunit', max: 1 },
            queries: [
              {
                expr: shareOf(attempts('="passed"'), attempts('=~"passed|failed|invalid"')),
                legend: '{{domain}} {{level}} {{model}}',
              },
            ],
          },
          {
            title: 'Invalid attempts by solver',
            description:
              'Attempts of the last hour that may be neither chosen nor rejected because of their form: cut off, empty, no answer, another script. High: the temperature, or the token limit.',
            ...{ unit: 'percentunit', max: 1 },
            queries: [{ expr: shareOf(forms('!~"valid|unverifiable"'), forms()), legend: '{{model}}' }],
          },
          {
            title: 'Discards by rule',
            description: 'Records that a rule put aside. The evidence of each is in the topic `discards`.',
            ...{ unit: 'cps', as: 'stack' },
            queries: [
              { expr: `${rateOf('discards', ['processor', 'reason'])} > 0`, legend: '{{processor}} {{reason}}' },
            ],
          },
          {
            title: 'Discarded share',
            description: 'Discards by what the processor has finished since the corpus began.',
            ...{ unit: 'percentunit', as: 'bars', max: 1 },
            queries: [
              {
                expr: `sort_desc(sum by (processor) (${maxOf('corpusDiscards', ['processor', 'reason'])}) / (${maxOf('corpusFinished', ['processor'])} > 0))`,
                legend: '{{processor}}',
              },
            ],
          },
          {
            title: 'Discards and dead letters since the corpus began',
            description: 'By processor and rule; dead letters by processor alone.',
            ...{ unit: 'short', as: 'table' },
            queries: [{ expr: `sort_desc(${maxOf('corpusDiscards', ['processor', 'reason'])} > 0)`, legend: '' }],
          },
          {
            title: 'Dead letters since the corpus began',
            description: '`wellspring dead-letters list` says why.',
            ...{ unit: 'short', as: 'bars' },
            queries: [{ expr: maxOf('corpusDeadLetters', ['processor']), legend: '{{processor}}' }],
          },
        ],
      },
      {
        title: 'Spending',
        panels: [
          {
            title: 'Tokens by role',
            description: 'Since the corpus began, by the job that they were spent on.',
            ...{ unit: 'short', as: 'bars' },
            queries: [
              {
                expr: `sum by (role) (${maxOf('spendTokens', ['role', 'model', 'outcome', 'type'], { type: '=~"prompt|completion"' })})`,
                legend: '{{role}}',
              },
            ],
          },
          {
            title: 'Tokens by what became of them',
            description:
              'kept: passed on; discarded: a rule put it aside; unfinished: kept for a record under way; wasted: no usable answer.',
            ...{ unit: 'short', as: 'bars' },
            queries: [
              {
                expr: `sum by (outcome) (${maxOf('spendTokens', ['role', 'model', 'outcome', 'type'], { type: '=~"prompt|completion"' })})`,
                legend: '{{outcome}}',
              },
            ],
          },
          {
            title: 'Slot time by model',
            description: 'Seconds of calls at endpoints since the corpus began.',
            ...{ unit: 's', as: 'bars' },
            queries: [
              {
                expr: `sum by (model) (${maxOf('spendSeconds', ['role', 'model', 'outcome'])})`,
                legend: '{{model}}',
              },
            ],
          },
          {
            title: 'Calls by role and what became of them',
            description: 'Since the corpus began.',
            ...{ unit: 'short', as: 'table' },
            queries: [
              { expr: `sum by (role, outcome) (${maxOf('spendCalls', ['role', 'model', 'outcome'])})`, legend: '' },
            ],
          },
          {
            title: 'Money',
            description: 'Since the corpus began, by role.',
            ...{ unit: 'none', as: 'bars', decimals: 2 },
            queries: [
              {
                expr: `sum by (role, currency) (${maxOf('spendCost', ['role', 'model', 'outcome', 'currency'])})`,
                legend: '{{role}} {{currency}}',
              },
            ],
          },
        ],
      },
    ],
  }
}

function gpu(): DashboardDescription {
  return {
    uid: 'wellspring-gpu',
    title: 'Wellspring: GPU',
    description: 'How busy the endpoints are, what they bring, and what goes wrong there.',
    variables: [instanceVariable, endpointVariable],
    sections: [
      {
        title: 'Slots',
        panels: [
          {
            title: 'Busy slots and their limit',
            description:
              'Calls at each endpoint, and how many it may have. Level with the limit: the endpoint is the bottleneck, as it should be.',
            unit: 'short',
            queries: [
              { expr: sumOf('llmInFlight', ['endpoint']), legend: '{{endpoint}} busy' },
              { expr: sumOf('llmLimit', ['endpoint']), legend: '{{endpoint}} limit' },
            ],
          },
          {
            title: 'Use of the limit',
            description: 'Below 90 % with a backlog: windows are too small, or there is too little work in front.',
            ...{ unit: 'percentunit', max: 1 },
            queries: [
              {
                expr: shareOf(sumOf('llmInFlight', ['endpoint']), sumOf('llmLimit', ['endpoint'])),
                legend: '{{endpoint}}',
              },
            ],
          },
          {
            title: 'Calls that wait here',
            description: 'For a slot at the endpoint; one that has several to choose from counts at each.',
            unit: 'short',
            queries: [{ expr: sumOf('llmWaiting', ['endpoint']), legend: '{{endpoint}}' }],
          },
          {
            title: 'At work and waiting at the endpoint',
            description:
              'By its own metrics, of all of its clients. Empty for endpoints without metrics, and while they have no work of ours.',
            unit: 'short',
            queries: [
              { expr: maxOf('llmEndpointRunning', ['endpoint']), legend: '{{endpoint}} running' },
              { expr: maxOf('llmEndpointWaiting', ['endpoint']), legend: '{{endpoint}} waiting' },
            ],
          },
          {
            title: 'State of the endpoints',
            description:
              'up; proving: one call at a time after an outage; paused: it refused; down: away; draining: it was removed from the configuration.',
            ...{ unit: 'short', as: 'stack' },
            queries: [{ expr: `${maxOf('llmState', ['endpoint', 'state'])} > 0`, legend: '{{endpoint}} {{state}}' }],
          },
          {
            title: 'Memory for answers',
            description: "How full the endpoint's key-value cache is, by its own metrics.",
            ...{ unit: 'percentunit', max: 1 },
            queries: [{ expr: maxOf('llmEndpointCache', ['endpoint']), legend: '{{endpoint}}' }],
          },
        ],
      },
      {
        title: 'Throughput',
        panels: [
          {
            title: 'Tokens written a second',
            description: 'Of answered calls, when their answers have come; reasoning is part of them.',
            ...{ unit: 'short', as: 'stack' },
            queries: [{ expr: rateOf('tokens', ['endpoint'], { type: '="completion"' }), legend: '{{endpoint}}' }],
          },
          {
            title: 'Tokens a second by role',
            description: 'Read and written, of answered calls.',
            unit: 'short',
            queries: [
              { expr: rateOf('tokens', ['role'], { type: '="completion"' }), legend: '{{role}} written' },
              { expr: rateOf('tokens', ['role'], { type: '="prompt"' }), legend: '{{role}} read' },
            ],
          },
          {
            title: 'Reasoning share',
            description: 'Of the tokens written, as far as endpoints tell.',
            ...{ unit: 'percentunit', max: 1 },
            queries: [
              {
                expr: shareOf(
                  rateOf('tokens', ['model'], { type: '="reasoning"' }),
                  rateOf('tokens', ['model'], { type: '="completion"' }),
                ),
                legend: '{{model}}',
              },
            ],
          },
          {
            title: 'Prefix cache hits',
            description: 'Share of the prompt tokens that the endpoint had in its cache, as it tells.',
            ...{ unit: 'percentunit', max: 1 },
            queries: [
              {
                expr: shareOf(
                  rateOf('tokens', ['endpoint'], { type: '="cached"' }),
                  rateOf('tokens', ['endpoint'], { type: '="prompt"' }),
                ),
                legend: '{{endpoint}}',
              },
            ],
          },
          {
            title: 'Calls a second',
            description: 'Answered ones, by the job that they were for.',
            ...{ unit: 'cps', as: 'stack' },
            queries: [{ expr: rateOf('llmRequests', ['role'], { outcome: '="completed"' }), legend: '{{role}}' }],
          },
          {
            title: 'Tokens of a call',
            description: 'Median of the last minutes, by the OpenTelemetry metric gen_ai.client.token.usage.',
            unit: 'short',
            queries: [
              {
                expr: quantileOf(0.5, 'genAiTokens', ['gen_ai_request_model', 'gen_ai_token_type']),
                legend: '{{gen_ai_request_model}} {{gen_ai_token_type}}',
              },
            ],
          },
        ],
      },
      {
        title: 'Time',
        panels: [
          {
            title: 'Time of a call at the endpoint',
            description: 'Median and 99th percentile of answered calls, by role.',
            unit: 's',
            queries: quantiles('callSeconds', ['role']),
          },
          {
            title: 'Time in our own queue',
            description: 'Median and 99th percentile of how long calls wait for a slot.',
            unit: 's',
            queries: quantiles('queueSeconds', ['role']),
          },
          {
            title: 'Time to the first text',
            description:
              'Of streamed calls alone: calls are streamed where the endpoint cannot show otherwise that it works.',
            unit: 's',
            queries: quantiles('genAiFirstChunk', ['gen_ai_request_model']),
          },
          {
            title: 'Time of a call, failed ones included',
            description: 'Median by the OpenTelemetry metric gen_ai.client.operation.duration.',
            unit: 's',
            queries: [
              {
                expr: quantileOf(0.5, 'genAiDuration', ['gen_ai_operation_name', 'error_type']),
                legend: '{{gen_ai_operation_name}} {{error_type}}',
              },
            ],
          },
        ],
      },
      {
        title: 'Trouble',
        panels: [
          {
            title: 'Failed calls a second',
            description:
              'By endpoint and what happened; docs/inference.md says what each means. Calls that we ended ourselves are not among them. Empty while nothing fails.',
            unit: 'cps',
            queries: [
              {
                expr: `${rateOf('llmRequests', ['endpoint', 'outcome'], { outcome: '!~"completed|aborted"' })} > 0`,
                legend: '{{endpoint}} {{outcome}}',
              },
            ],
          },
          {
            title: 'Share of calls that fail',
            description: 'Above a fifth for ten minutes an alert comes.',
            ...{ unit: 'percentunit', max: 1 },
            queries: [
              {
                expr: shareOf(
                  `(${rateOf('llmRequests', ['endpoint'], { outcome: '!~"completed|aborted"' })} or 0 * ${rateOf('llmRequests', ['endpoint'])})`,
                  rateOf('llmRequests', ['endpoint']),
                ),
                legend: '{{endpoint}}',
              },
            ],
          },
          {
            title: 'Tokens wasted a second',
            description: 'Of calls that were sent and brought nothing; mostly estimated. Empty while there are none.',
            ...{ unit: 'short', as: 'stack' },
            queries: [{ expr: `${rateOf('wastedTokens', ['endpoint', 'type'])} > 0`, legend: '{{endpoint}} {{type}}' }],
          },
          {
            title: 'Calls by what came of them',
            description: 'A second. aborted: we ended them, because the run drained, a task moved, or a vote was decided.',
            ...{ unit: 'cps', as: 'stack' },
            queries: [{ expr: rateOf('llmRequests', ['outcome']), legend: '{{outcome}}' }],
          },
        ],
      },
    ],
  }
}

function stream(processors: readonly Processor[]): DashboardDescription {
  return {
    uid: 'wellspring-stream',
    title: 'Wellspring: Stream',
    description: 'Whether records get through: backlog, age, commits, tasks, and what fails, by processor.',
    variables: [instanceVariable, processorVariable],
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
            queries: [
{ expr: sumOf('stoppedTasks', ['processor']), legend: '{{processor}}' },
            ],
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
            description: 'A second, by processor and code. The code names the trouble: docs/inference.md. Empty while there are none.',
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
            queries: [{ expr: 'process_resident_memory_bytes{instance=~"$instance"}', legend: '{{instance}}' }],
          },
          {
            title: 'Processor time',
            description: 'Cores that each process uses.',
            unit: 'short',
            queries: [
              {
                expr: 'rate(process_cpu_seconds_total{instance=~"$instance"}[$__rate_interval])',
                legend: '{{instance}}',
              },
            ],
          },
          {
            title: 'Lag of the event loop',
            description: '99th percentile since the scrape before. Above a second heartbeats come late.',
            unit: 's',
            queries: [{ expr: 'nodejs_eventloop_lag_p99_seconds{instance=~"$instance"}', legend: '{{instance}}' }],
          },
          {
            title: 'Open files and sockets',
            description: 'By what the process may have.',
            ...{ unit: 'percentunit', max: 1 },
            queries: [
              {
                expr: 'process_open_fds{instance=~"$instance"} / process_max_fds{instance=~"$instance"}',
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
                expr: 'sum by (instance) (rate(nodejs_gc_duration_seconds_sum{instance=~"$instance"}[$__rate_interval]))',
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
        const labels = metric.labels.slice(-2)
        const expr = `sum by (${labels.join(', ')}) (rate(${declaredSeries(processor, name)}[$__rate_interval]))`
        return { ...common, unit: 'cps', queries: [{ expr, legend: labels.map((label) => `{{${label}}}`).join(' ') }] }
      }),
    }))
}

function declaredQuantiles(processor: Processor, name: string): PanelQuery[] {
  return [0.5, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (le) (rate(${declaredSeries(processor, name, {}, '_bucket')}[$__rate_interval])))`,
    legend: `p${quantile * 100}`,
  }))
}

function verification(named: (name: string) => Processor): DashboardDescription {
  const verifier = named('verify-rollout')
  const verdicts = (labels: string, matchers: Readonly<Record<string, string>> = {}): string =>
    `sum by (${labels}) (rate(${declaredSeries(verifier, 'verdictsTotal', matchers)}[$__rate_interval]))`
  return {
    uid: 'wellspring-verification',
    title: 'Wellspring: Verification',
    description: 'What verifiers conclude, how long it takes, and how their threads and sandboxes are.',
    variables: [instanceVariable],
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
