/** Reads the JSON of an answer. Endpoints differ and models' servers break: every field is checked before it is used. */
import type { Completion, TokenUsage } from '../engine/ports.ts'
import { redactedBeginning, withoutSecrets } from '../engine/secrets.ts'
import { FaultError } from './failures.ts'

/** One choice of a completion, as the endpoint sent it. */
interface RawCompletion {
  content: string
  /** The endpoint's own reasoning field, where it has one and it is not empty. */
  reasoning: string | undefined
  finishReason: Completion['finishReason']
  usage: RawUsage | undefined
}

/** Token counts that the endpoint sent. */
interface RawUsage {
  prompt: number
  /** Undefined where it is not told, as in an answer of embeddings. */
  completion: number | undefined
  cached: number
  /** Undefined where the endpoint does not count it apart. */
  reasoning: number | undefined
}

/** One model in the list of an endpoint. */
export interface ListedModel {
  id: string
  ownedBy: string | undefined
  /** Longest context in tokens, where the endpoint says. */
  contextTokens: number | undefined
}

const malformed = (detail: string): FaultError => new FaultError({ kind: 'malformed', detail })

/** Parses a 2xx body. An error object in it counts as the status that it names. A bare list, as some hosts send of their models, is `data`. */
export function parseBody(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed(`no JSON but ${JSON.stringify(redactedBeginning(text, 80))} (${text.length} characters)`)
  }
  if (Array.isArray(value)) return { data: value }
  if (!isMapping(value)) throw malformed(`JSON that is no object: ${redactedBeginning(text, 80)}`)
  refuseError(value, text)
  return value
}

/** Throws the fault of an error object in a 2xx body, or in an event of a streamed one: the status that it names, else malformed. */
export function refuseError(value: Record<string, unknown>, text: string): void {
  const error = value['object'] === 'error' ? value : value['error']
  if (!isMapping(error) && (typeof error !== 'string' || error === '')) return
  const status = isMapping(error) ? statusOf(error) : undefined
  if (status !== undefined) {
    throw new FaultError({
      kind: 'status',
      status,
      body: text,
      retryAfterSeconds: undefined,
      location: undefined,
    })
  }
  throw malformed(`an error: ${redactedBeginning(text, 160)}`)
}

/** Statuses that errors with words in the place of a number stand for, by OpenAI's names. */
const statusOfWord: ReadonlyMap<unknown, number> = new Map([
  ['invalid_api_key', 401],
  ['insufficient_quota', 429],
  ['rate_limit_exceeded', 429],
  ['model_not_found', 404],
  ['context_length_exceeded', 400],
  ['invalid_request_error', 400],
  ['server_error', 500],
])

/** The status that an error object names: as a number, or as OpenAI's word for it. */
function statusOf(error: Record<string, unknown>): number | undefined {
  for (const value of [error['code'], error['status'], error['type']]) {
    const status =
      statusOfWord.get(value) ?? (typeof value === 'number' || typeof value === 'string' ? Number(value) : NaN)
    if (Number.isInteger(status) && status >= 400 && status < 600) return status
  }
  return undefined
}

/** Reads the answer of /chat/completions (`chat`) or /completions (`raw`). */
export function readCompletion(body: Record<string, unknown>, mode: 'chat' | 'raw'): RawCompletion {
  const choice: unknown = Array.isArray(body['choices']) ? body['choices'][0] : undefined
  if (!isMapping(choice)) throw malformed('an answer without choices')
  const finish = choice['finish_reason']
  if (finish === 'abort' || finish === 'error')
    throw new FaultError({ kind: 'broken-off', detail: `finish_reason ${finish}` })
  const message = mode === 'chat' ? choice['message'] : choice
  if (!isMapping(message)) throw malformed('a choice without a message')
  const content = mode === 'chat' ? readContent(message['content']) : message['text']
  if (typeof content !== 'string') throw malformed(mode === 'chat' ? 'a message without text' : 'a choice without text')
  // Some have both fields, one of them empty.
  const reasoning = [message['reasoning'], message['reasoning_content']].find(
    (text) => typeof text === 'string' && text.trim() !== '',
  ) as string | undefined
  return {
    content: withoutSecrets(content),
    reasoning: reasoning && withoutSecrets(reasoning),
    finishReason: finishReasons.get(finish) ?? 'other',
    usage: readUsage(body['usage']),
  }
}

/** Why an answer ended, by OpenAI's words, TGI's and Anthropic's, which some proxies pass on. */
const finishReasons: ReadonlyMap<unknown, Completion['finishReason']> = new Map([
  ['stop', 'stop'],
  ['eos_token', 'stop'],
  ['stop_sequence', 'stop'],
  ['end_turn', 'stop'],
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['content_filter', 'content_filter'],
  ['refusal', 'content_filter'],
])

/** A message's content: text, nothing (all of it was reasoning, or a refusal), or a list of text parts. */
function readContent(content: unknown): string | undefined {
  if (typeof content === 'string') return content
  if (content === null || content === undefined) return ''
  if (!Array.isArray(content)) return undefined
  return content
    .map((part: unknown) => (isMapping(part) && typeof part['text'] === 'string' ? part['text'] : ''))
    .join('')
}

/** Reads the answer of /embeddings: one vector a text, in the order of the texts. */
export function readEmbeddings(
  body: Record<string, unknown>,
  texts: number,
): { vectors: number[][]; usage: RawUsage | undefined } {
  const data = body['data']
  if (!Array.isArray(data) || data.length !== texts) {
    throw malformed(`an answer with ${Array.isArray(data) ? data.length : 'no'} vectors for ${texts} texts`)
  }
  const vectors = new Array<number[] | undefined>(texts).fill(undefined)
  for (const [position, row] of data.entries()) {
    const index = isMapping(row) && typeof row['index'] === 'number' ? row['index'] : position
    const vector = isMapping(row) ? row['embedding'] : undefined
    if (!isVector(vector)) throw malformed(`an embedding that is no list of numbers (text ${position + 1})`)
    if (index in vectors && vectors[index] === undefined) vectors[index] = vector
  }
  const length = vectors[0]?.length
  const whole = vectors.filter((vector): vector is number[] => vector !== undefined && vector.length === length)
  if (whole.length !== texts) throw malformed('vectors that are missing, twice, or of different lengths')
  return { vectors: whole, usage: readUsage(body['usage']) }
}

/** Reads the answer of /models. */
export function readModels(body: Record<string, unknown>): ListedModel[] {
  if (!Array.isArray(body['data'])) throw malformed('a list of models without data')
  return body['data'].flatMap((row: unknown) => {
    if (!isMapping(row) || typeof row['id'] !== 'string') return []
    // vLLM and SGLang; hosts and proxies; llama.cpp's server, of one request.
    const context = [
      row['max_model_len'],
      row['context_length'],
      row['context_window'],
      row['max_context_length'],
      isMapping(row['meta']) ? row['meta']['n_ctx'] : undefined,
    ].find((tokens) => typeof tokens === 'number' && tokens > 0) as number | undefined
    return {
      id: row['id'],
      ownedBy: typeof row['owned_by'] === 'string' ? row['owned_by'] : undefined,
      contextTokens: context,
    }
  })
}

/** Reads the counts of an answer; undefined where there are none. */
export function readUsage(usage: unknown): RawUsage | undefined {
  if (!isMapping(usage) || !isCount(usage['prompt_tokens'])) return undefined
  const promptDetails = usage['prompt_tokens_details']
  const completionDetails = usage['completion_tokens_details']
  const cached = isMapping(promptDetails) ? promptDetails['cached_tokens'] : undefined
  const reasoning = isMapping(completionDetails) ? completionDetails['reasoning_tokens'] : usage['reasoning_tokens']
  return {
    prompt: usage['prompt_tokens'],
    completion: isCount(usage['completion_tokens']) ? usage['completion_tokens'] : undefined,
    cached: isCount(cached) ? Math.min(cached, usage['prompt_tokens']) : 0,
    reasoning: isCount(reasoning) && reasoning > 0 ? reasoning : undefined,
  }
}

/**
 * The tokens of a call. What the endpoint does not count is estimated: four characters a token, and the reasoning's
 * share of the completion by its share of the characters. `estimated`: prompt or completion are estimates.
 */
export function countTokens(
  sent: RawUsage | undefined,
  characters: { prompt: number; reasoning: number; text: number },
): { usage: TokenUsage; estimated: boolean } {
  const { reasoning: reasoningCharacters, text } = characters
  const written = reasoningCharacters + text
  const completion = sent?.completion ?? Math.ceil(written / 4)
  const share = written === 0 ? 0 : Math.round((completion * reasoningCharacters) / written)
  return {
    usage: {
      prompt: sent?.prompt ?? Math.ceil(characters.prompt / 4),
      cached: sent?.cached ?? 0,
      completion,
      reasoning: Math.min(completion, sent?.reasoning ?? share),
    },
    estimated: sent === undefined || (sent.completion === undefined && written > 0),
  }
}

/** A JSON object. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** No call has more tokens: a count beyond is none, and sums of such would not fit anywhere. */
const mostTokens = 1e9

const isCount = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= mostTokens

const isVector = (value: unknown): value is number[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((entry) => typeof entry === 'number' && Number.isFinite(entry))
