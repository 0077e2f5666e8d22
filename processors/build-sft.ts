/**
 * build-sft: traces -> sft-examples. The SFT rules: a complete trace that ends in something to check, within the length
 * that the trainer takes. Stateless; no model call.
 */
import { invalidReason } from '../curation/attempts.ts'
import { trainingText } from '../curation/pairs.ts'
import { domainNamed } from '../domains/index.ts'
import { defineProcessor } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'build-sft',
  summary: 'Supervised fine-tuning rows of complete traces.',
  version: 1,
  inputs: { traces: topics.traces },
  tables: {},
  outputs: { example: topics.sftExamples },
  roles: [],
  settings: {
    maxTokens: setting.integer(
      'Tokens of prompt and completion, plus 20 for the template, must stay below this. The paper: 16,384.',
      {
        min: 64,
        max: 10_000_000,
        default: 16_384,
        recipe: true,
      },
    ),
    refuseForeignScript: setting.boolean(
      'Leave out traces with Han or Hangul after their reasoning, as the scripts do.',
      { default: true, recipe: true },
    ),
  },
  metrics: {},
  discards: ['invalid-trace', 'no-answer', 'too-long'],
  onSpine: [],
  onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
  process: {
    traces(trace, { config, emit, discard }) {
      const { id, problemId, domain, origin, source, teacher, prompt } = trace
      const call = trace.calls.at(-1)
      const invalid = invalidReason({ text: trace.text, finishReason: call?.finishReason ?? 'stop' }, config)
      if (invalid) return discard('invalid-trace', invalid)
      if (!domainNamed(domain).hasAnswer(trace.text)) return discard('no-answer', `ends in "${trace.text.slice(-80)}"`)
      const tokens = (call?.promptTokens ?? 0) + (call?.completionTokens ?? 0)
      // 20: the paper's allowance for the chat template.
      if (tokens + 20 >= config.maxTokens) return discard('too-long', `${tokens} tokens`)
      return emit.example({
        parentIds: [id],
        problemId,
        domain,
        origin,
        source,
        teacher,
        prompt,
        completion: trainingText(trace),
        tokens,
      })
    },
  },
})
