/** *GPU*: how busy the endpoints are, what they bring, and what goes wrong there. */
import type { DashboardDescription } from '../panel.ts'
import { maxOf, quantileOf, rateOf, shareOf, sumOf, quantiles } from '../queries.ts'
import { targetVariables, endpointVariable } from '../variables.ts'

/** @returns the dashboard */
export function gpu(): DashboardDescription {
  return {
    uid: 'wellspring-gpu',
    title: 'Wellspring: GPU',
    description: 'How busy the endpoints are, what they bring, and what goes wrong there.',
    variables: [...targetVariables, endpointVariable],
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
            description:
              'A second. aborted: we ended them, because the run drained, a task moved, or a vote was decided.',
            ...{ unit: 'cps', as: 'stack' },
            queries: [{ expr: rateOf('llmRequests', ['outcome']), legend: '{{outcome}}' }],
          },
        ],
      },
    ],
  }
}
