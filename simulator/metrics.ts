/** Counters of the endpoint under the names that vLLM uses. */

/** Gauges read at the moment of the question. */
export interface Gauges {
  running: number
  waiting: number
  /** Share of the key-value cache in use, 0 to 1. */
  cacheUsage: number
  /** Tokens of answers that are being generated, up to now. */
  tokensUnderWay: number
}

/** What the endpoint has counted since its start. */
export class EndpointMetrics {
  promptTokens = 0
  generationTokens = 0
  prefixCacheQueries = 0
  prefixCacheHits = 0
  preemptions = 0
  readonly finished = new Map<string, number>()

  /** Counts one finished answer. */
  countFinish(reason: 'stop' | 'length' | 'abort'): void {
    this.finished.set(reason, (this.finished.get(reason) ?? 0) + 1)
  }

  /** The text of /metrics. */
  render(gauges: Gauges): string {
    const label = 'model_name="simulated"'
    const rows: [name: string, type: 'gauge' | 'counter', value: number][] = [
      ['num_requests_running', 'gauge', gauges.running],
      ['num_requests_waiting', 'gauge', gauges.waiting],
      ['kv_cache_usage_perc', 'gauge', gauges.cacheUsage],
      ['num_preemptions_total', 'counter', this.preemptions],
      ['prompt_tokens_total', 'counter', this.promptTokens],
      ['generation_tokens_total', 'counter', this.generationTokens + gauges.tokensUnderWay],
      ['prefix_cache_queries_total', 'counter', this.prefixCacheQueries],
      ['prefix_cache_hits_total', 'counter', this.prefixCacheHits],
    ]
    const lines = rows.flatMap(([name, type, value]) => [
      `# TYPE vllm:${name} ${type}`,
      `vllm:${name}{${label}} ${String(value)}`,
    ])
    lines.push('# TYPE vllm:request_success_total counter')
    for (const reason of ['stop', 'length', 'abort']) {
      const count = this.finished.get(reason) ?? 0
      lines.push(`vllm:request_success_total{${label},finished_reason="${reason}"} ${String(count)}`)
    }
    return `${lines.join('\n')}\n`
  }
}
