/** Request bodies of the OpenAI-compatible endpoints, checked. */
import { z } from 'zod'

/** An error answer in the form that OpenAI-compatible servers give. */
export class RequestError extends Error {
  readonly status: number
  readonly code: string | null
  readonly parameter: string | null

  constructor(status: number, message: string, code: string | null = null, parameter: string | null = null) {
    super(message)
    this.status = status
    this.code = code
    this.parameter = parameter
  }

  /** The JSON body. */
  body(): object {
    const type = this.status >= 500 ? 'server_error' : this.status === 404 ? 'not_found_error' : 'invalid_request_error'
    return { error: { message: this.message, type, param: this.parameter, code: this.code } }
  }
}

const sampling = {
  model: z.string(),
  n: z.number().int().min(1).max(128).nullish(),
  seed: z.number().int().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  max_tokens: z.number().int().min(0).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  include_stop_str_in_output: z.boolean().nullish(),
  prompt_logprobs: z.number().int().min(-1).max(20).nullish(),
}

const contentSchema = z.union([
  z.string(),
  z.array(z.object({ type: z.string(), text: z.string().optional() })),
  z.null(),
])

const chatSchema = z.object({
  ...sampling,
  messages: z.array(z.object({ role: z.string(), content: contentSchema.optional() })).min(1),
  max_completion_tokens: z.number().int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
})

const completionSchema = z.object({
  ...sampling,
  prompt: z.union([z.string(), z.array(z.string()).min(1)]),
  echo: z.boolean().nullish(),
  logprobs: z.number().int().min(0).max(20).nullish(),
})

const embeddingSchema = z.object({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string()).min(1).max(2048)]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
})

/** What chat and raw completions have in common. */
export interface GenerationRequest {
  endpoint: 'chat' | 'completions'
  model: string
  prompts: string[]
  n: number
  seed: number | null
  temperature: number
  topP: number
  /** Undefined: the model's own limit. */
  maxTokens: number | undefined
  stop: string[]
  includeStop: boolean
  stream: boolean
  includeUsage: boolean
  echo: boolean
  /** Whether log-probabilities of tokens are wanted. */
  logprobs: boolean
  promptLogprobs: boolean
}

function check<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const parameter = issue?.path.join('.') ?? ''
  throw new RequestError(400, `${parameter || 'body'}: ${issue?.message ?? 'invalid'}`, null, parameter || null)
}

function common(body: z.output<typeof chatSchema> | z.output<typeof completionSchema>) {
  const stop = body.stop ?? []
  return {
    model: body.model,
    n: body.n ?? 1,
    seed: body.seed ?? null,
    temperature: body.temperature ?? 1,
    topP: body.top_p ?? 1,
    stop: (typeof stop === 'string' ? [stop] : stop).filter((mark) => mark !== ''),
    includeStop: body.include_stop_str_in_output ?? false,
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
    promptLogprobs: body.prompt_logprobs !== null && body.prompt_logprobs !== undefined,
  }
}

/** Reads a chat request. Throws RequestError. The prompt is the text of the last user message. */
export function readChatRequest(body: unknown): GenerationRequest {
  const checked = check(chatSchema, body)
  const last = checked.messages.findLast((message) => message.role === 'user')
  if (last === undefined) throw new RequestError(400, 'messages: expected at least one user message', null, 'messages')
  const content = last.content ?? ''
  const prompt = typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('')
  return {
    ...common(checked),
    endpoint: 'chat',
    prompts: [prompt],
    maxTokens: checked.max_completion_tokens ?? checked.max_tokens ?? undefined,
    echo: false,
    logprobs: checked.logprobs ?? false,
  }
}

/** Reads a raw completion request. Throws RequestError. Without max_tokens an answer ends after 16 tokens, as elsewhere. */
export function readCompletionRequest(body: unknown): GenerationRequest {
  const checked = check(completionSchema, body)
  return {
    ...common(checked),
    endpoint: 'completions',
    prompts: typeof checked.prompt === 'string' ? [checked.prompt] : checked.prompt,
    maxTokens: checked.max_tokens ?? 16,
    echo: checked.echo ?? false,
    logprobs: checked.logprobs !== null && checked.logprobs !== undefined,
  }
}

/** Reads an embedding request. Throws RequestError. */
export function readEmbeddingRequest(body: unknown): { model: string; inputs: string[]; base64: boolean } {
  const checked = check(embeddingSchema, body)
  return {
    model: checked.model,
    inputs: typeof checked.input === 'string' ? [checked.input] : checked.input,
    base64: checked.encoding_format === 'base64',
  }
}
