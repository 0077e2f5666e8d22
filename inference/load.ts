/**
 * What an endpoint's own metrics say of its load: the text format of Prometheus, under the names of vLLM, SGLang and
 * llama.cpp's server (docs of each, "metrics"). Numbers of one name are added up: a server has a line for each model and engine.
 */

/** One look at an endpoint's metrics. */
export interface LoadSample {
  /** Calls in work, of all clients. */
  running: number
  /** Calls in its queue. */
  waiting: number
  /** Counters since the server's start; undefined where it has none. */
  preemptions: number | undefined
  generatedTokens: number | undefined
  /** An abandoned plain call is ended at once. llama.cpp's server ends it only when it has not been asked anything for a while, and metrics are asked for. */
  endsAbandonedCalls: boolean
  /** Share of its memory for answers that is in use, 0 to 1, of the fullest engine; undefined where it does not tell. */
  cacheUsage: number | undefined
}

type Counted = Exclude<keyof LoadSample, 'endsAbandonedCalls' | 'cacheUsage'>

const NAMES: Readonly<Record<Counted, readonly string[]>> = {
  running: ['vllm:num_requests_running', 'sglang:num_running_reqs', 'llamacpp:requests_processing'],
  waiting: ['vllm:num_requests_waiting', 'sglang:num_queue_reqs', 'llamacpp:requests_deferred'],
  preemptions: ['vllm:num_preemptions_total', 'vllm:num_preemptions', 'sglang:num_retractions_total'],
  generatedTokens: [
    'vllm:generation_tokens_total',
    'vllm:generation_tokens',
    'sglang:generation_tokens_total',
    'llamacpp:tokens_predicted_total',
  ],
}

const FIELDS = new Map(
  Object.entries(NAMES).flatMap(([field, names]) => names.map((name) => [name, field as Counted] as const)),
)

const CACHE_USAGE: ReadonlySet<string> = new Set([
  'vllm:kv_cache_usage_perc',
  'vllm:gpu_cache_usage_perc',
  'sglang:token_usage',
])

/** A sample of the text format: a name, labels that may hold any text in quotes, a number. */
const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?[ \t]+(\S+)/

/** Reads a page of metrics. @returns undefined where it does not tell running and waiting calls */
export function readLoad(page: string): LoadSample | undefined {
  const sums = new Map<Counted, number>()
  let endsAbandonedCalls = true
  let cacheUsage: number | undefined
  for (const line of page.split('\n')) {
    const [, name = '', text = ''] = SAMPLE.exec(line) ?? []
    const field = FIELDS.get(name)
    if (name.startsWith('llamacpp:')) endsAbandonedCalls = false
    const value = Number(text)
    if (CACHE_USAGE.has(name) && value >= 0) cacheUsage = Math.max(cacheUsage ?? 0, value)
    if (field !== undefined && Number.isFinite(value) && value >= 0) sums.set(field, (sums.get(field) ?? 0) + value)
  }
  const running = sums.get('running')
  const waiting = sums.get('waiting')
  if (running === undefined || waiting === undefined) return undefined
  return {
    running,
    waiting,
    preemptions: sums.get('preemptions'),
    generatedTokens: sums.get('generatedTokens'),
    endsAbandonedCalls,
    cacheUsage,
  }
}

/** Where a server has its metrics: at its root, beside /v1. */
export const metricsUrlOf = (endpointUrl: string): string => new URL('/metrics', endpointUrl).href
