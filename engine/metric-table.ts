/**
 * Every metric of a process as one row: engine/metrics.ts makes them, docs/metrics.md and the dashboards are written from them.
 * Metrics of single processors stand in their declarations.
 */
import { logErrorCodes } from '../topics/log.ts'
import { invalidRecordCodes, transientCodes } from './errors.ts'
import { expenseOutcomes } from './expenses.ts'
import { roles } from './ports.ts'

/** What came of a call that had a slot at an endpoint: an answer, an end by us, a fault of the configuration, or a failure. */
export const callOutcomes = ['completed', 'aborted', 'configuration', ...transientCodes, ...invalidRecordCodes] as const

/** Why a record that was being worked on was given up, to be done anew: its task moved, the run was drained, or failed. */
export const abandonReasons = ['moved', 'drained', 'failed'] as const

/** What an endpoint is at: it takes calls; takes one at a time after an outage; takes none for a while; is away; ends its last calls. */
export const endpointStates = ['up', 'proving', 'paused', 'down', 'draining'] as const
export type EndpointState = (typeof endpointStates)[number]

/** Why a verifier's thread was replaced: it hung in a step, failed, or never began. */
export const threadEnds = ['stuck', 'failed', 'late'] as const
export type ThreadEnd = (typeof threadEnds)[number]

/** Of a label that takes names which nobody can count beforehand, so many values at most; the rest goes by `otherValue`. */
export const mostLabelValues = 100
export const otherValue = 'other'

/**
 * The values that labels take. `values`: these alone. `declared`: what the catalogue and the processors declare. `named`: names of the
 * configuration, of announcements or of records, at most `mostLabelValues` of each in a process.
 */
type LabelSet =
  | { readonly doc: string; readonly from: 'values'; readonly values: readonly string[] }
  | { readonly doc: string; readonly from: 'declared'; readonly what: 'processors' | 'topics' | 'discards' }
  | { readonly doc: string; readonly from: 'named' }

const only = (doc: string, values: readonly string[]): LabelSet => ({ doc, from: 'values', values })

export const labelSets = {
  processor: { doc: 'a processor', from: 'declared', what: 'processors' },
  topic: { doc: 'a topic', from: 'declared', what: 'topics' },
  discardReason: { doc: "a rule that the processor's declaration names", from: 'declared', what: 'discards' },
  transientCode: only('what the world did', transientCodes),
  failureCode: only('why', [...transientCodes, ...invalidRecordCodes]),
  logErrorCode: only('what the log said', logErrorCodes),
  abandonReason: only('its task moved to another process, the run was drained, or the run failed', abandonReasons),
  role: only('a job that a model does', roles),
  model: { doc: 'a model, by the name that its endpoint knows it by', from: 'named' },
  endpoint: { doc: 'an endpoint, by its name in the configuration', from: 'named' },
  callOutcome: only('an answer, an end by us, a fault of the configuration, or the failure', callOutcomes),
  tokenType: only('`cached` is part of `prompt`, `reasoning` of `completion`', [
    'prompt',
    'cached',
    'completion',
    'reasoning',
  ]),
  wastedType: only('of the prompt, or written', ['prompt', 'completion']),
  genAiOperation: only('the call', ['chat', 'text_completion', 'embeddings']),
  genAiProvider: only('the API that is spoken', ['openai']),
  genAiToken: only('read or written', ['input', 'output']),
  genAiError: only('empty where the call was answered', ['', ...callOutcomes.filter((one) => one !== 'completed')]),
  endpointState: only('one of them is 1', endpointStates),
  expenseOutcome: only('what became of what was paid for (docs/spending.md)', expenseOutcomes),
  currency: { doc: 'three capital letters', from: 'named' },
  budgetUnit: { doc: '`tokens`, `pairs`, or a currency', from: 'named' },
  verifierKind: only('programs, or comparisons of answers', ['program', 'comparison']),
  verifierVerdict: only('what the verifier concluded', ['passed', 'failed', 'unverifiable']),
  programReason: only('what the run came to', [
    ...['passed', 'wrong_answer', 'runtime_error', 'compile_error', 'time_limit', 'memory_limit', 'output_limit'],
    ...['no_code', 'unsupported', 'sandbox_error'],
  ]),
  threadEnd: only('it hung in a step; it ended or threw; it never began', threadEnds),
  version: { doc: 'a version', from: 'named' },
  simulated: only('whether the models are simulated', ['true', 'false']),
  nodeResource: { doc: "Node's name of it", from: 'named' },
  heapSpace: { doc: "V8's name of it", from: 'named' },
  gcKind: only('what was collected', ['major', 'minor', 'incremental', 'weakcb']),
  versionPart: { doc: 'a number', from: 'named' },
} as const satisfies Record<string, LabelSet>

/** One row. The name holds its prefix; `total: 'corpus'`: counted by the whole corpus over all restarts, the same from every process. */
export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly name: string
  readonly unit: string
  readonly help: string
  /** Label -> where its values come from. */
  readonly labels: Readonly<Record<string, keyof typeof labelSets>>
  readonly buckets?: readonly number[]
  readonly total?: 'corpus'
  /** Who sets it. */
  readonly by: 'engine' | 'inference' | 'verifiers' | 'tables' | 'budget' | 'process'
}

const prefix = 'wellspring_'

const powersOf = (factor: number, first: number, count: number): number[] =>
  Array.from({ length: count }, (_, power) => Number((first * factor ** power).toPrecision(6)))

/** 10 ms to an hour and a half, as reasoning models need; the first fourteen are those of the OpenTelemetry conventions. */
const callBuckets = powersOf(2, 0.01, 20)

const processor = { processor: 'processor' } as const
const genAi = {
  gen_ai_operation_name: 'genAiOperation',
  gen_ai_provider_name: 'genAiProvider',
  gen_ai_request_model: 'model',
} as const
const spent = { role: 'role', model: 'model', outcome: 'expenseOutcome' } as const

/** What the engine, inference and the verifiers tell. */
export const metricTable = {
  // The stream
  recordsIn: {
    ...{ type: 'counter', name: `${prefix}records_in_total`, unit: 'records', by: 'engine' },
    help: 'Records admitted.',
    labels: processor,
  },
  recordsOut: {
    ...{ type: 'counter', name: `${prefix}records_out_total`, unit: 'records', by: 'engine' },
    help: 'Records committed to a topic.',
    labels: { ...processor, topic: 'topic' },
  },
  discards: {
    ...{ type: 'counter', name: `${prefix}discards_total`, unit: 'records', by: 'engine' },
    help: 'Records discarded, by rule.',
    labels: { ...processor, reason: 'discardReason' },
  },
  deadLetters: {
    ...{ type: 'counter', name: `${prefix}dead_letters_total`, unit: 'records', by: 'engine' },
    help: 'Records that could not be processed.',
    labels: { ...processor, code: 'failureCode' },
  },
  retries: {
    ...{ type: 'counter', name: `${prefix}retries_total`, unit: 'tries', by: 'engine' },
    help: 'Tries that failed and were repeated.',
    labels: { ...processor, code: 'transientCode' },
  },
  abandoned: {
    ...{ type: 'counter', name: `${prefix}work_abandoned_total`, unit: 'records', by: 'engine' },
    help: 'Records that were given up while they were worked on; they are done anew, and calls whose answers were kept are not made again.',
    labels: { ...processor, reason: 'abandonReason' },
  },
  commits: {
    ...{ type: 'counter', name: `${prefix}commits_total`, unit: 'commits', by: 'engine' },
    help: 'Commits that took effect.',
    labels: processor,
  },
  commitSeconds: {
    ...{ type: 'histogram', name: `${prefix}commit_seconds`, unit: 'seconds', by: 'engine' },
    help: 'Seconds of a commit.',
    labels: processor,
    buckets: powersOf(2, 0.001, 16),
  },
  commitFailures: {
    ...{ type: 'counter', name: `${prefix}commit_failures_total`, unit: 'commits', by: 'engine' },
    help: 'Commits that failed, tries that were repeated included.',
    labels: { ...processor, reason: 'logErrorCode' },
  },
  rebalances: {
    ...{ type: 'counter', name: `${prefix}rebalances_total`, unit: 'rebalances', by: 'engine' },
    help: 'Times that tasks came to this process or left it, after it had joined.',
    labels: processor,
  },
  tasks: {
    ...{ type: 'gauge', name: `${prefix}tasks`, unit: 'tasks', by: 'engine' },
    help: 'Tasks that the processor has, in all processes together: take the largest, not the sum. 0: it is off, for want of a model for its role.',
    labels: processor,
  },
  openTasks: {
    ...{ type: 'gauge', name: `${prefix}open_tasks`, unit: 'tasks', by: 'engine' },
    help: 'Tasks that this process works on.',
    labels: processor,
  },
  stoppedTasks: {
    ...{ type: 'gauge', name: `${prefix}stopped_tasks`, unit: 'tasks', by: 'engine' },
    help: 'Tasks that admit nothing more because records of their input are lost.',
    labels: processor,
  },
  inFlight: {
    ...{ type: 'gauge', name: `${prefix}inflight`, unit: 'records', by: 'engine' },
    help: 'Records admitted and not finished.',
    labels: processor,
  },
  inFlightLimit: {
    ...{ type: 'gauge', name: `${prefix}inflight_limit`, unit: 'records', by: 'engine' },
    help: 'Records that its open tasks may work on at once (maxInFlight).',
    labels: processor,
  },
  uncommitted: {
    ...{ type: 'gauge', name: `${prefix}uncommitted_results`, unit: 'results', by: 'engine' },
    help: 'Finished results that wait for their commit.',
    labels: processor,
  },
  backlog: {
    ...{ type: 'gauge', name: `${prefix}backlog_records`, unit: 'records', by: 'engine' },
    help: 'Records waiting in the inputs of the tasks here, those in flight included.',
    labels: processor,
  },
  watermarkAge: {
    ...{ type: 'gauge', name: `${prefix}watermark_age_seconds`, unit: 'seconds', by: 'engine' },
    help: 'Since when the oldest record that is admitted and not committed lies in its topic; 0 where there is none.',
    labels: processor,
  },
  progressBytes: {
    ...{ type: 'gauge', name: `${prefix}progress_bytes`, unit: 'bytes', by: 'engine' },
    help: 'Size of the last progress record.',
    labels: processor,
  },
  // Models
  llmRequests: {
    ...{ type: 'counter', name: `${prefix}llm_requests_total`, unit: 'calls', by: 'inference' },
    help: 'Model calls that were sent, by what came of them.',
    labels: { role: 'role', model: 'model', endpoint: 'endpoint', outcome: 'callOutcome' },
  },
  callSeconds: {
    ...{ type: 'histogram', name: `${prefix}llm_request_seconds`, unit: 'seconds', by: 'inference' },
    help: 'Seconds of an answered model call at its endpoint.',
    labels: { role: 'role', model: 'model' },
    buckets: callBuckets,
  },
  queueSeconds: {
    ...{ type: 'histogram', name: `${prefix}llm_queue_seconds`, unit: 'seconds', by: 'inference' },
    help: 'Seconds that a model call waited here for a slot.',
    labels: { role: 'role' },
    buckets: callBuckets,
  },
  tokens: {
    ...{ type: 'counter', name: `${prefix}llm_tokens_total`, unit: 'tokens', by: 'inference' },
    help: 'Tokens of answered model calls.',
    labels: { role: 'role', model: 'model', endpoint: 'endpoint', type: 'tokenType' },
  },
  wastedTokens: {
    ...{ type: 'counter', name: `${prefix}llm_wasted_tokens_total`, unit: 'tokens', by: 'inference' },
    help: 'Tokens, mostly estimated, of calls that were sent and brought nothing.',
    labels: { role: 'role', model: 'model', endpoint: 'endpoint', type: 'wastedType' },
  },
  genAiDuration: {
    ...{ type: 'histogram', name: 'gen_ai_client_operation_duration_seconds', unit: 'seconds', by: 'inference' },
    help: 'gen_ai.client.operation.duration: seconds of a model call at its endpoint, failed ones included.',
    labels: { ...genAi, error_type: 'genAiError' },
    buckets: callBuckets,
  },
  genAiTokens: {
    ...{ type: 'histogram', name: 'gen_ai_client_token_usage', unit: 'tokens', by: 'inference' },
    help: 'gen_ai.client.token.usage: tokens of an answered model call.',
    labels: { ...genAi, gen_ai_token_type: 'genAiToken' },
    buckets: powersOf(4, 1, 14),
  },
  genAiFirstChunk: {
    ...{ type: 'histogram', name: 'gen_ai_client_operation_time_to_first_chunk_seconds', unit: 'seconds' },
    ...{ by: 'inference', labels: genAi, buckets: callBuckets },
    help: 'gen_ai.client.operation.time_to_first_chunk: seconds until the first text of an answered call; of streamed calls alone.',
  },
  llmInFlight: {
    ...{ type: 'gauge', name: `${prefix}llm_inflight`, unit: 'calls', by: 'inference' },
    help: 'Model calls of this process at the endpoint.',
    labels: { endpoint: 'endpoint' },
  },
  llmWaiting: {
    ...{ type: 'gauge', name: `${prefix}llm_waiting`, unit: 'calls', by: 'inference' },
    help: 'Model calls that wait here for a slot; one whose model has several endpoints counts at each.',
    labels: { endpoint: 'endpoint' },
  },
  llmLimit: {
    ...{ type: 'gauge', name: `${prefix}llm_concurrency_limit`, unit: 'calls', by: 'inference' },
    help: 'Model calls that this process may have at the endpoint, as found by trying.',
    labels: { endpoint: 'endpoint' },
  },
  llmState: {
    ...{ type: 'gauge', name: `${prefix}llm_endpoint_state`, unit: '0 or 1', by: 'inference' },
    help: 'What the endpoint is at: 1 for its state, 0 for the others.',
    labels: { endpoint: 'endpoint', state: 'endpointState' },
  },
  llmEndpointRunning: {
    ...{ type: 'gauge', name: `${prefix}llm_endpoint_running`, unit: 'calls', by: 'inference' },
    help: 'Calls of all clients that the endpoint works on, by its own metrics; absent where it has none.',
    labels: { endpoint: 'endpoint' },
  },
  llmEndpointWaiting: {
    ...{ type: 'gauge', name: `${prefix}llm_endpoint_waiting`, unit: 'calls', by: 'inference' },
    help: "Calls of all clients in the endpoint's own queue, by its own metrics; absent where it has none.",
    labels: { endpoint: 'endpoint' },
  },
  llmEndpointCache: {
    ...{ type: 'gauge', name: `${prefix}llm_endpoint_cache_usage_ratio`, unit: 'share', by: 'inference' },
    help: "How full the endpoint's memory for answers is, by its own metrics, 0 to 1; absent where it does not tell.",
    labels: { endpoint: 'endpoint' },
  },
  // Verifiers
  programSeconds: {
    ...{ type: 'histogram', name: `${prefix}program_run_seconds`, unit: 'seconds', by: 'verifiers' },
    help: 'Seconds on the clock of one run of a program on one test.',
    labels: { reason: 'programReason' },
    buckets: powersOf(2, 0.005, 14),
  },
  comparisons: {
    ...{ type: 'counter', name: `${prefix}comparisons_total`, unit: 'comparisons', by: 'verifiers' },
    help: 'Answers compared with their reference.',
    labels: { verdict: 'verifierVerdict' },
  },
  verifierThreads: {
    ...{ type: 'gauge', name: `${prefix}verifier_threads`, unit: 'threads', by: 'verifiers' },
    help: 'Worker threads of the verifiers.',
    labels: {},
  },
  verifierBusy: {
    ...{ type: 'gauge', name: `${prefix}verifier_busy`, unit: 'tasks', by: 'verifiers' },
    help: 'Tasks that the threads have; each has at most two, of which one waits.',
    labels: {},
  },
  verifierQueue: {
    ...{ type: 'gauge', name: `${prefix}verifier_queue`, unit: 'tasks', by: 'verifiers' },
    help: 'What waits for a thread.',
    labels: { kind: 'verifierKind' },
  },
  verifierRestarts: {
    ...{ type: 'counter', name: `${prefix}verifier_restarts_total`, unit: 'threads', by: 'verifiers' },
    help: 'Worker threads, each with its sandbox, that failed and were replaced; one that only threw goes on.',
    labels: { reason: 'threadEnd' },
  },
  // The corpus
  corpusRecords: {
    ...{ type: 'counter', name: `${prefix}corpus_records_total`, unit: 'records', by: 'tables', total: 'corpus' },
    help: 'Records that processors have committed to a topic since the corpus began.',
    labels: { topic: 'topic' },
  },
  corpusFinished: {
    ...{ type: 'counter', name: `${prefix}corpus_finished_total`, unit: 'records', by: 'tables', total: 'corpus' },
    help: 'Records that a processor has finished since the corpus began.',
    labels: processor,
  },
  corpusDiscards: {
    ...{ type: 'counter', name: `${prefix}corpus_discards_total`, unit: 'records', by: 'tables', total: 'corpus' },
    help: 'Records discarded since the corpus began, by rule.',
    labels: { ...processor, reason: 'discardReason' },
  },
  corpusDeadLetters: {
    ...{ type: 'counter', name: `${prefix}corpus_dead_letters_total`, unit: 'records', by: 'tables', total: 'corpus' },
    help: 'Records that could not be processed since the corpus began.',
    labels: processor,
  },
  workInProgress: {
    ...{ type: 'gauge', name: `${prefix}work_in_progress`, unit: 'problems', by: 'tables', total: 'corpus' },
    help: 'Units of work that entered the stream and have not left it.',
    labels: {},
  },
  spendCalls: {
    ...{ type: 'gauge', name: `${prefix}spend_calls`, unit: 'calls', by: 'tables', total: 'corpus' },
    help: 'Model calls that were committed since the corpus began, and those known to be wasted. What is unfinished passes to another outcome.',
    labels: spent,
  },
  spendTokens: {
    ...{ type: 'gauge', name: `${prefix}spend_tokens`, unit: 'tokens', by: 'tables', total: 'corpus' },
    help: 'Their tokens.',
    labels: { ...spent, type: 'tokenType' },
  },
  spendSeconds: {
    ...{ type: 'gauge', name: `${prefix}spend_slot_seconds`, unit: 'seconds', by: 'tables', total: 'corpus' },
    help: 'Their time at the endpoints.',
    labels: spent,
  },
  spendCost: {
    ...{ type: 'gauge', name: `${prefix}spend_cost`, unit: 'money', by: 'tables', total: 'corpus' },
    help: 'What they cost; models without a price add nothing.',
    labels: { ...spent, currency: 'currency' },
  },
  budgetLimit: {
    ...{ type: 'gauge', name: `${prefix}budget_limit`, unit: 'of the label', by: 'budget', total: 'corpus' },
    help: 'The budget of the run; absent without one.',
    labels: { unit: 'budgetUnit' },
  },
  budgetSpent: {
    ...{ type: 'gauge', name: `${prefix}budget_spent`, unit: 'of the label', by: 'budget', total: 'corpus' },
    help: 'What of it was committed, by all processes.',
    labels: { unit: 'budgetUnit' },
  },
  budgetReserved: {
    ...{ type: 'gauge', name: `${prefix}budget_reserved`, unit: 'of the label', by: 'budget', total: 'corpus' },
    help: 'What of it processes have taken and not spent.',
    labels: { unit: 'budgetUnit' },
  },
  budgetLeft: {
    ...{ type: 'gauge', name: `${prefix}budget_left`, unit: 'of the label', by: 'budget', total: 'corpus' },
    help: 'What of it nobody has taken.',
    labels: { unit: 'budgetUnit' },
  },
  buildInfo: {
    ...{ type: 'gauge', name: `${prefix}build_info`, unit: '1', by: 'process' },
    help: 'The release that runs, always 1.',
    labels: { version: 'version', node: 'version', simulated: 'simulated' },
  },
} as const satisfies Record<string, MetricRow>

const gaugeOf = (name: string, unit: string, help: string, labels: MetricRow['labels'] = {}): MetricRow => ({
  ...{ type: 'gauge', name, unit, help, labels, by: 'process' },
})
const counterOf = (name: string, unit: string, help: string): MetricRow => ({
  ...{ type: 'counter', name, unit, help, labels: {}, by: 'process' },
})
const lag = (name: string, which: string): MetricRow =>
  gaugeOf(`nodejs_eventloop_lag_${name}`, 'seconds', `How late the event loop is: ${which}.`)

/** What prom-client tells of every Node process, on Linux; elsewhere a few are missing. */
export const processMetricTable: readonly MetricRow[] = [
  counterOf('process_cpu_seconds_total', 'seconds', 'Processor time of the process.'),
  counterOf('process_cpu_user_seconds_total', 'seconds', 'Of it, in programs.'),
  counterOf('process_cpu_system_seconds_total', 'seconds', 'Of it, in the kernel.'),
  gaugeOf('process_start_time_seconds', 'seconds since 1970', 'When the process began.'),
  gaugeOf('process_resident_memory_bytes', 'bytes', 'Memory that the process has.'),
  gaugeOf('process_virtual_memory_bytes', 'bytes', 'Addresses that it has.'),
  gaugeOf('process_heap_bytes', 'bytes', 'Its data segment.'),
  gaugeOf('process_open_fds', 'descriptors', 'Files and sockets that are open.'),
  gaugeOf('process_max_fds', 'descriptors', 'How many may be.'),
  lag('seconds', 'now'),
  lag('min_seconds', 'the least since the last scrape'),
  lag('max_seconds', 'the most since the last scrape'),
  lag('mean_seconds', 'on average since the last scrape'),
  lag('stddev_seconds', 'standard deviation since the last scrape'),
  lag('p50_seconds', 'median since the last scrape'),
  lag('p90_seconds', '90th percentile since the last scrape'),
  lag('p99_seconds', '99th percentile since the last scrape'),
  gaugeOf('nodejs_active_resources', 'resources', 'What keeps the event loop alive.', { type: 'nodeResource' }),
  gaugeOf('nodejs_active_resources_total', 'resources', 'All of it together.'),
  gaugeOf('nodejs_active_handles', 'handles', 'Open handles of libuv.', { type: 'nodeResource' }),
  gaugeOf('nodejs_active_handles_total', 'handles', 'All of them together.'),
  gaugeOf('nodejs_active_requests', 'requests', 'Requests of libuv under way.', { type: 'nodeResource' }),
  gaugeOf('nodejs_active_requests_total', 'requests', 'All of them together.'),
  gaugeOf('nodejs_heap_size_total_bytes', 'bytes', "Size of V8's heap."),
  gaugeOf('nodejs_heap_size_used_bytes', 'bytes', 'Of it in use.'),
  gaugeOf('nodejs_external_memory_bytes', 'bytes', 'Memory outside of the heap that objects in it hold.'),
  gaugeOf('nodejs_heap_space_size_total_bytes', 'bytes', 'Size of each space of the heap.', { space: 'heapSpace' }),
  gaugeOf('nodejs_heap_space_size_used_bytes', 'bytes', 'Of it in use.', { space: 'heapSpace' }),
  gaugeOf('nodejs_heap_space_size_available_bytes', 'bytes', 'Of it free.', { space: 'heapSpace' }),
  gaugeOf('nodejs_version_info', '1', 'The version of Node, always 1.', {
    ...{ version: 'version', major: 'versionPart', minor: 'versionPart', patch: 'versionPart' },
  }),
  {
    ...{ type: 'histogram', name: 'nodejs_gc_duration_seconds', unit: 'seconds', by: 'process' },
    help: 'Seconds of a garbage collection.',
    labels: { kind: 'gcKind' },
  },
]
