/** What an answer looks like on the wire, whole or in pieces, as OpenAI's API and vLLM's extensions have it. */
import { randomUUID } from 'node:crypto'
import type { Choice } from './generate.ts'
import { scoreTokens, tokenId } from './logprobs.ts'
import type { SimulatedModel } from './models.ts'
import type { GenerationRequest } from './requests.ts'
import { splitTokens } from './tokens.ts'

/** The bodies of one request's answer, whole or in pieces. */
export class AnswerBody {
  readonly choices: readonly Choice[]
  private readonly request: GenerationRequest
  private readonly usage: object
  private readonly head: { id: string; created: number; model: string }

  constructor(request: GenerationRequest, model: SimulatedModel, promptTokens: number, choices: readonly Choice[]) {
    this.request = request
    this.choices = choices
    this.usage = usageOf(promptTokens, choices)
    const prefix = request.endpoint === 'chat' ? 'chatcmpl' : 'cmpl'
    this.head = { id: `${prefix}-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: model.id }
  }

  private get chat(): boolean {
    return this.request.endpoint === 'chat'
  }

  /** The body of an answer that is not streamed. */
  whole(): object {
    const { request } = this
    const choices = this.choices.map((choice, index) => {
      const base = { index, finish_reason: choice.finishReason, stop_reason: null }
      const scored = request.promptLogprobs ? { prompt_logprobs: promptLogprobs(choice.prompt, request.model) } : {}
      if (!this.chat) {
        const text = request.echo ? choice.prompt + choice.content : choice.content
        const logprobs = request.logprobs ? completionLogprobs(choice, request.echo, request.model) : null
        return { ...base, text, logprobs, ...scored }
      }
      // As with real endpoints, an answer that ended within its reasoning has no content.
      const content = choice.content === '' && choice.reasoning !== undefined ? null : choice.content
      const message = {
        role: 'assistant',
        content,
        ...(choice.reasoning !== undefined && { reasoning: choice.reasoning }),
      }
      return { ...base, message, logprobs: request.logprobs ? this.chatLogprobs(choice) : null }
    })
    const [first] = this.choices
    return {
      ...this.head,
      object: this.chat ? 'chat.completion' : 'text_completion',
      choices,
      usage: this.usage,
      ...(this.chat &&
        request.promptLogprobs &&
        first && { prompt_logprobs: promptLogprobs(first.prompt, request.model) }),
    }
  }

  private chatLogprobs(choice: Choice): object {
    const before = splitTokens(choice.prompt)
    const tokens = splitTokens(choice.content)
    const scores = scoreTokens([...before, ...tokens], this.request.model).slice(before.length)
    return {
      content: tokens.map((token, i) => ({
        token,
        logprob: scores[i] ?? 0,
        bytes: [...Buffer.from(token)],
        top_logprobs: [],
      })),
    }
  }

  private event(choices: object[], rest: object = {}): string {
    const object = this.chat ? 'chat.completion.chunk' : 'text_completion'
    return `data: ${JSON.stringify({ ...this.head, object, choices, ...rest })}\n\n`
  }

  private delta(index: number, field: 'content' | 'reasoning', text: string): string {
    return this.chat
      ? this.event([{ index, delta: { [field]: text }, finish_reason: null }])
      : this.event([{ index, text, finish_reason: null, logprobs: null }])
  }

  /** The events of a stream up to the last piece of text; the answers take turns. */
  pieces(): string[] {
    const queues = this.choices.map((choice, index) => {
      const events: string[] = []
      if (this.chat)
        events.push(this.event([{ index, delta: { role: 'assistant', content: '' }, finish_reason: null }]))
      else if (this.request.echo) events.push(this.delta(index, 'content', choice.prompt))
      for (const [field, text] of [
        ['reasoning', choice.reasoning ?? ''],
        ['content', choice.content],
      ] as const) {
        const tokens = splitTokens(text)
        // Fast models send several tokens an event.
        const group = Math.max(1, Math.ceil(tokens.length / 200))
        for (let at = 0; at < tokens.length; at += group)
          events.push(this.delta(index, field, tokens.slice(at, at + group).join('')))
      }
      return events
    })
    const longest = Math.max(...queues.map((queue) => queue.length))
    return Array.from({ length: longest }, (_, at) => queues.map((queue) => queue[at] ?? '').join(''))
  }

  /** The last events: reasons, usage, end mark. */
  closing(): string {
    const reasons = this.choices.map((choice, index) =>
      this.chat
        ? this.event([{ index, delta: {}, finish_reason: choice.finishReason }])
        : this.event([{ index, text: '', finish_reason: choice.finishReason, logprobs: null }]),
    )
    const usage = this.request.includeUsage ? this.event([], { usage: this.usage }) : ''
    return `${reasons.join('')}${usage}data: [DONE]\n\n`
  }
}

function usageOf(promptTokens: number, choices: readonly Choice[]): object {
  const completion = choices.reduce((sum, choice) => sum + choice.completionTokens, 0)
  const reasoning = choices.reduce((sum, choice) => sum + choice.reasoningTokens, 0)
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completion,
    total_tokens: promptTokens + completion,
    completion_tokens_details: { reasoning_tokens: reasoning },
  }
}

/** Log-probabilities of a raw completion in the layout of the completions endpoint. */
function completionLogprobs(choice: Choice, echo: boolean, model: string): object {
  const before = splitTokens(choice.prompt)
  const after = splitTokens(choice.content)
  const all = scoreTokens([...before, ...after], model)
  const tokens = echo ? [...before, ...after] : after
  const scores = echo ? all : all.slice(before.length)
  let offset = 0
  const offsets = tokens.map((token) => {
    const start = offset
    offset += token.length
    return start
  })
  return {
    tokens,
    token_logprobs: scores,
    top_logprobs: tokens.map((token, index) => {
      const score = scores[index]
      return score === null || score === undefined ? null : { [token]: score }
    }),
    text_offset: offsets,
  }
}

/** vLLM's prompt_logprobs: one entry a prompt token, null for the first. */
function promptLogprobs(prompt: string, model: string): (object | null)[] {
  const tokens = splitTokens(prompt)
  return scoreTokens(tokens, model).map((score, index) => {
    const token = tokens[index] ?? ''
    if (score === null) return null
    return {
      [tokenId(token)]: { logprob: score, rank: Math.max(1, Math.round(Math.exp(-score) / 3)), decoded_token: token },
    }
  })
}
