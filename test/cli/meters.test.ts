/** Calls as metrics. */
import { expect, it } from 'vitest'
import { callMeter } from '../../cli/meters.ts'
import { Metrics } from '../../engine/metrics.ts'
import type { CallRecord } from '../../inference/inference.ts'

const call: CallRecord = {
  ...{ role: 'solver', model: 'm', endpoint: 'box', requestId: 'r', outcome: 'completed', operation: 'chat' },
  ...{ isSent: true, tokens: { prompt: 100, cached: 60, completion: 20, reasoning: 5 }, estimated: false },
  ...{ latencySeconds: 3, queueSeconds: 0.5, firstTextSeconds: 0.2 },
}

async function told(...calls: CallRecord[]): Promise<string[]> {
  const metrics = new Metrics()
  calls.forEach(callMeter(metrics))
  return (await metrics.text()).text
    .split('\n')
    .filter((line) => /^(?:wellspring_llm|gen_ai)/.test(line) && !line.includes('_bucket'))
}

it('an answered call: its tokens, its time here and there, under our names and those of the conventions', async () => {
  const genAi = 'gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="m"'
  const own = 'role="solver",model="m",endpoint="box"'
  expect(await told(call)).toEqual([
    `wellspring_llm_requests_total{${own},outcome="completed"} 1`,
    'wellspring_llm_request_seconds_sum{role="solver",model="m"} 3',
    'wellspring_llm_request_seconds_count{role="solver",model="m"} 1',
    'wellspring_llm_queue_seconds_sum{role="solver"} 0.5',
    'wellspring_llm_queue_seconds_count{role="solver"} 1',
    `wellspring_llm_tokens_total{${own},type="prompt"} 100`,
    `wellspring_llm_tokens_total{${own},type="cached"} 60`,
    `wellspring_llm_tokens_total{${own},type="completion"} 20`,
    `wellspring_llm_tokens_total{${own},type="reasoning"} 5`,
    `gen_ai_client_operation_duration_seconds_sum{${genAi},error_type=""} 3`,
    `gen_ai_client_operation_duration_seconds_count{${genAi},error_type=""} 1`,
    `gen_ai_client_token_usage_sum{${genAi},gen_ai_token_type="input"} 100`,
    `gen_ai_client_token_usage_count{${genAi},gen_ai_token_type="input"} 1`,
    `gen_ai_client_token_usage_sum{${genAi},gen_ai_token_type="output"} 20`,
    `gen_ai_client_token_usage_count{${genAi},gen_ai_token_type="output"} 1`,
    `gen_ai_client_operation_time_to_first_chunk_seconds_sum{${genAi}} 0.2`,
    `gen_ai_client_operation_time_to_first_chunk_seconds_count{${genAi}} 1`,
  ])
})

it('a failed call: what happened and what it wasted, and no tokens of answers', async () => {
  const tokens = { prompt: 25, cached: 0, completion: 0, reasoning: 0 }
  const { firstTextSeconds: _, ...rest } = call
  const lines = await told({ ...rest, outcome: 'ENDPOINT_TIMEOUT', tokens, estimated: true })
  expect(lines).toContain(
    'wellspring_llm_requests_total{role="solver",model="m",endpoint="box",outcome="ENDPOINT_TIMEOUT"} 1',
  )
  expect(lines).toContain('wellspring_llm_wasted_tokens_total{role="solver",model="m",endpoint="box",type="prompt"} 25')
  expect(lines.filter((line) => /llm_tokens_total|request_seconds|token_usage/.test(line))).toEqual([])
  expect(lines.filter((line) => line.includes('error_type="ENDPOINT_TIMEOUT"'))).toHaveLength(2)
})

it('a call that was given up before it went out is none', async () => {
  expect(await told({ ...call, outcome: 'aborted', isSent: false })).toEqual([])
})
