/** From a checked request to finished answers with token counts and durations; nothing here waits or sends. */
import { drawTextFault } from './faults.ts'
import type { SimulatedModel } from './models.ts'
import type { SimulatorSettings } from './options.ts'
import { recogniseTask } from './prompts.ts'
import { hashText, Random } from './random.ts'
import type { GenerationRequest } from './requests.ts'
import type { StatementReader } from './statements.ts'
import { answerTask } from './tasks/answer.ts'
import type { Generation, StatementFact } from './tasks/task.ts'
import { countTokens, firstTokens } from './tokens.ts'

/** One finished answer. */
export interface Choice {
  prompt: string
  content: string
  /** Reasoning in a field of its own, where the model has one. */
  reasoning?: string
  finishReason: 'stop' | 'length'
  completionTokens: number
  reasoningTokens: number
  facts: StatementFact[]
  /** How long a real server would have taken, seconds: to the first token, and from there to the last. */
  firstTokenSeconds: number
  generationSeconds: number
}

const remembersPrompts = 200_000

/** How many tokens that it is given a real server computes in a second. */
export const PREFILL_TOKENS_PER_SECOND = 20_000

/** Counts how often each prompt came without a seed, so that its answers differ and yet can be had again. */
export class PromptCounter {
  private readonly counts = new Map<number, number>()

  /** 0 for the first time, and so on; forgets prompts not seen for the last 200,000 others. */
  next(prompt: string): number {
    const key = hashText(prompt)
    const count = this.counts.get(key) ?? 0
    this.counts.delete(key)
    this.counts.set(key, count + 1)
    if (this.counts.size > remembersPrompts) {
      const [oldest] = this.counts.keys()
      if (oldest !== undefined) this.counts.delete(oldest)
    }
    return count
  }
}

function cutAtStop(content: string, request: GenerationRequest): string {
  let end = content.length
  for (const mark of request.stop) {
    const at = content.indexOf(mark)
    if (at >= 0) end = Math.min(end, request.includeStop ? at + mark.length : at)
  }
  return content.slice(0, end)
}

/** What remains true of an answer that was cut: a problem or test must be whole, a cut solution is not right. */
function factsAfterCut(facts: StatementFact[], content: string, finishReason: 'stop' | 'length'): StatementFact[] {
  return facts.flatMap((fact) => {
    if (fact.requires !== undefined && !content.includes(fact.requires)) return []
    if (fact.body.kind !== 'rollout' || finishReason === 'stop') return [fact]
    const { right } = fact.body
    const mistake = right === false ? (fact.body.mistake ?? 'cut off') : 'cut off'
    return [{ ...fact, body: { ...fact.body, right: right === null ? null : false, mistake, wellFormed: false } }]
  })
}

/** A raw completion has no field for reasoning: it stands before the answer, as the model wrote it. */
function inlineReasoning(generation: Generation, prompt: string, unfinished: boolean): Generation {
  if (generation.reasoning === undefined) return generation
  const open = prompt.trimEnd().endsWith('<think>') ? '' : '<think>\n'
  const close = unfinished ? '' : `\n</think>\n\n${generation.content}`
  return { content: `${open}${generation.reasoning}${close}`, facts: generation.facts }
}

/** Generates every answer of a request: n for each prompt, in order. */
export function generateChoices(
  request: GenerationRequest,
  model: SimulatedModel,
  settings: SimulatorSettings,
  statements: StatementReader,
  counter: PromptCounter,
): Choice[] {
  return request.prompts.flatMap((prompt) => {
    const task = recogniseTask(prompt)
    const solving = task.kind === 'solve-math' || task.kind === 'solve-code'
    // At temperature 0 a model repeats itself, seed or not.
    const fixed = request.temperature === 0
    const draw = fixed
      ? 'greedy'
      : request.seed === null
        ? `call ${String(counter.next(prompt))}`
        : `seed ${String(request.seed)}`
    const promptTokens = countTokens(prompt)
    return Array.from({ length: request.n }, (_, index) => {
      const random = new Random(
        settings.seed,
        model.id,
        prompt,
        request.temperature,
        request.topP,
        draw,
        fixed ? 0 : index,
      )
      const fault = drawTextFault(random, settings.noise, request.temperature, solving)
      const answered = answerTask({ model, settings, statements, random, fault, seed: request.seed, index }, task)
      const generation = request.endpoint === 'chat' ? answered : inlineReasoning(answered, prompt, fault === 'runaway')
      const limit = Math.min(model.outputLimit * Math.max(1, settings.lengthFactor), request.maxTokens ?? Infinity)
      const reasoning = generation.reasoning === undefined ? undefined : firstTokens(generation.reasoning, limit)
      const reasoningTokens = reasoning === undefined ? 0 : countTokens(reasoning)
      const stopped = cutAtStop(generation.content, request)
      // A runaway answer fills its limit and has nothing to say after it.
      const unfinished = fault === 'runaway' && solving
      const content = firstTokens(stopped, limit - reasoningTokens)
      const finishReason =
        unfinished || content.length < stopped.length || reasoning !== generation.reasoning ? 'length' : 'stop'
      const { hiddenReasoning } = settings
      const hiddenTokens =
        hiddenReasoning !== undefined && solving
          ? Math.round(
              Math.min(
                hiddenReasoning.mostTokens,
                hiddenReasoning.medianTokens * Math.exp(hiddenReasoning.sigma * random.normal()),
              ),
            )
          : 0
      const completionTokens = hiddenTokens + reasoningTokens + countTokens(content)
      return {
        prompt,
        content,
        ...(reasoning !== undefined && { reasoning }),
        finishReason,
        completionTokens,
        reasoningTokens: hiddenTokens + reasoningTokens,
        facts: factsAfterCut(generation.facts, content, finishReason),
        firstTokenSeconds: (0.06 + promptTokens / PREFILL_TOKENS_PER_SECOND) * Math.exp(0.4 * random.normal()),
        generationSeconds: (completionTokens / settings.tokensPerSecond) * Math.exp(0.15 * random.normal()),
      } satisfies Choice
    })
  })
}
