import { describe, expect, it } from 'vitest'
import { metricsUrlOf, readLoad } from '../../inference/load.ts'

const rest = { endsAbandonedCalls: true, cacheUsage: undefined }

describe("an endpoint's metrics", () => {
  it('are read under the names of vLLM, added up over its engines and models', () => {
    const page = `# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="Qwen/Qwen3 \\"{x}\\""} 12.0
vllm:num_requests_running{engine="1",model_name="Qwen/Qwen3"} 4.0
vllm:num_requests_waiting{engine="0",model_name="Qwen/Qwen3"} 3.0
vllm:num_preemptions_total{engine="0"} 2.0
vllm:generation_tokens_total{engine="0"} 1.5e+06
vllm:kv_cache_usage_perc{engine="0"} 0.5
vllm:kv_cache_usage_perc{engine="1"} 0.75
vllm:generation_tokens_created{engine="0"} 1.7e+09
vllm:request_success_total{finished_reason="stop"} 9.0
`
    expect(readLoad(page)).toEqual({
      running: 16,
      waiting: 3,
      preemptions: 2,
      generatedTokens: 1_500_000,
      ...rest,
      cacheUsage: 0.75,
    })
  })

  it("are read under the names of SGLang and of llama.cpp's server, which counts no preemptions", () => {
    const sglang = 'sglang:num_running_reqs{model_name="m"} 7\nsglang:num_queue_reqs{model_name="m"} 2\n'
    expect(readLoad(sglang)).toMatchObject({ running: 7, waiting: 2 })
    const llama =
      'llamacpp:requests_processing 4\nllamacpp:requests_deferred 1\nllamacpp:tokens_predicted_total 99 1700000000000\n'
    expect(readLoad(llama)).toEqual({
      running: 4,
      waiting: 1,
      preemptions: undefined,
      generatedTokens: 99,
      ...rest,
      endsAbandonedCalls: false,
    })
  })

  it.each([
    ['nothing', ''],
    ['a page of a proxy', '<html><body>vllm:num_requests_running 3</body></html>'],
    ['another exporter', 'node_load1 0.5\n'],
    ['half of what is needed', 'vllm:num_requests_running 3\n'],
    ['no numbers', 'vllm:num_requests_running NaN\nvllm:num_requests_waiting x\n'],
  ])('are none: %s', (_, page) => expect(readLoad(page)).toBeUndefined())

  it('lie at the root of the server', () => {
    expect(metricsUrlOf('http://127.0.0.1:8000/v1')).toBe('http://127.0.0.1:8000/metrics')
    expect(metricsUrlOf('https://box.example/proxy/v1/')).toBe('https://box.example/metrics')
  })
})
