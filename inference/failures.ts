/**
 * What can go wrong with a call, as one table: how it is recognised, which of the engine's errors it becomes, and what
 * the operator can do. docs/inference.md shows the same table; a test compares the two.
 */
import { ConfigurationError, InvalidRecordError, TransientError } from '../engine/errors.ts'
import type { InvalidRecordCode, TransientCode } from '../engine/errors.ts'
import { redactedBeginning } from '../engine/secrets.ts'

/** A failed exchange with an endpoint, as data. */
export type Fault =
  /** Our own limit, `timeoutSeconds`, ran out. */
  | { kind: 'timeout' }
  /** By its own metrics the endpoint has work and writes no token. */
  | { kind: 'stalled'; stallSeconds: number }
  /** A streamed answer got no further for `idleSeconds`. */
  | { kind: 'idle'; idleSeconds: number }
  /** It was not sent: not the endpoint's doing. */
  | { kind: 'withheld' }
  /** No whole answer came over the network. `answered`: the response had begun. */
  | { kind: 'network'; code: string; detail: string; answered: boolean }
  /** The endpoint answered with another status than 2xx, or with an error in the body of a 2xx answer. */
  | {
      kind: 'status'
      status: number
      body: string
      retryAfterSeconds: number | undefined
      location: string | undefined
    }
  /** The endpoint answered 2xx with a body that is no answer. */
  | { kind: 'malformed'; detail: string }
  /** The endpoint says that it broke the generation off. */
  | { kind: 'broken-off'; detail: string }

/** Carries a fault through the SDK, which wraps it as a cause. Has no cause itself: the SDK drops an error whose cause speaks of a timeout. */
export class FaultError extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super('the exchange with the endpoint failed')
    this.name = 'FaultError'
    this.fault = fault
  }
}

/** What a message says about the call that failed. */
interface CallContext {
  endpoint: string
  url: string
  /** Absent where the call was about no single model. */
  model?: string
  requestId?: string
  apiKeyVariable?: string
  timeoutSeconds: number
  /** Names of the models that the endpoint has, where it was asked. */
  offered?: readonly string[]
  /** This call has failed here before, and other calls that began after that were answered. */
  failsAlone?: boolean
}

type Becomes =
  | { kind: 'transient'; code: TransientCode; outage: boolean }
  | { kind: 'invalid-record'; code: InvalidRecordCode }
  | { kind: 'configuration' }

interface FailureRule {
  /** How the documentation names it. */
  name: string
  matches: (fault: Fault, context: CallContext) => boolean
  becomes: Becomes
  /** Completes the message after "what happened; ". */
  cure: (context: CallContext) => string
}

const unreachableCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ETIMEDOUT',
  'ECONNABORTED',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
])

const statusOf = (fault: Fault): number => (fault.kind === 'status' ? fault.status : 0)

/** The servers' own words for a prompt that does not fit: OpenAI, vLLM, SGLang, llama.cpp, TGI. Some say it with 500. */
const contextWords =
  /context_length_exceeded|exceed_context_size|maximum context length|maximum model length|model'?s context length|available context size|exceeds? (?:the )?context (?:window|size|length)|max_model_len|too long to fit into the model|prompt is too long|max_new_tokens.{0,40}must be <=|max_(?:completion_)?tokens'?.{0,40}is too large/is

const unknownModelWords =
  /model_not_found|model [^\n]{0,120}(?:does not exist|not found|is not available)|no such model|unknown model|invalid model/i

/** Every way a call can fail, first match wins. */
export const failureRules: readonly FailureRule[] = [
  {
    name: 'no whole answer within timeoutSeconds',
    matches: (fault) => fault.kind === 'timeout',
    becomes: { kind: 'transient', code: 'ENDPOINT_TIMEOUT', outage: false },
    cure: ({ endpoint }) => `raise endpoints.${endpoint}.timeoutSeconds, or lower maxTokens or maxConcurrency`,
  },
  {
    name: 'no token at the endpoint for stallSeconds, by its own metrics',
    matches: (fault) => fault.kind === 'stalled',
    becomes: { kind: 'transient', code: 'ENDPOINT_STALLED', outage: false },
    cure: ({ endpoint }) => `restart the server, or raise endpoints.${endpoint}.stallSeconds`,
  },
  {
    name: 'a streamed answer got no further for idleSeconds',
    matches: (fault) => fault.kind === 'idle',
    becomes: { kind: 'transient', code: 'ENDPOINT_STALLED', outage: false },
    cure: ({ endpoint }) =>
      `look into the server's log; raise endpoints.${endpoint}.idleSeconds if it may be silent for longer`,
  },
  {
    name: 'connection refused, host unknown, no route, no connection within 10 s, TLS refused',
    matches: (fault) =>
      fault.kind === 'network' &&
      !fault.answered &&
      (unreachableCodes.has(fault.code) || isTlsCode(fault.code) || fault.code === ''),
    becomes: { kind: 'transient', code: 'ENDPOINT_UNREACHABLE', outage: true },
    cure: ({ endpoint }) => `start the server, or correct endpoints.${endpoint}.url`,
  },
  {
    name: 'the connection broke before the answer was whole',
    matches: (fault) => fault.kind === 'network',
    becomes: { kind: 'transient', code: 'CONNECTION_LOST', outage: false },
    cure: () => "it is tried again; if it happens often, look into the server's log and at proxies between",
  },
  {
    name: 'the endpoint broke the generation off (finish_reason abort or error; a stream that ends early, or with an error)',
    matches: (fault) => fault.kind === 'broken-off',
    becomes: { kind: 'transient', code: 'CONNECTION_LOST', outage: false },
    cure: () => "it is tried again; if it happens often, look into the server's log",
  },
  {
    name: 'prompt and completion do not fit into the context (400, 413, 422 or 500 that says so)',
    matches: (fault) =>
      fault.kind === 'status' && [400, 413, 422, 500].includes(fault.status) && contextWords.test(fault.body),
    becomes: { kind: 'invalid-record', code: 'CONTEXT_TOO_LONG' },
    cure: () => 'lower sampling.maxTokens, or serve the model with a longer context, then redrive the dead letter',
  },
  {
    name: '429 too many requests, 402 no credit',
    matches: (fault) => statusOf(fault) === 429 || statusOf(fault) === 402,
    becomes: { kind: 'transient', code: 'ENDPOINT_RATE_LIMITED', outage: true },
    cure: ({ endpoint }) =>
      `it is tried again after a pause; lower endpoints.${endpoint}.maxConcurrency or raise the account's limit`,
  },
  {
    name: '401, 403 not authorised',
    matches: (fault) => statusOf(fault) === 401 || statusOf(fault) === 403,
    becomes: { kind: 'configuration' },
    cure: ({ endpoint, apiKeyVariable }) =>
      apiKeyVariable === undefined
        ? `set endpoints.${endpoint}.apiKeyVariable to the name of an environment variable that holds a valid key`
        : `put a valid key into the environment variable ${apiKeyVariable}`,
  },
  {
    name: '404 (or 400 that says so) unknown model, or a path that the endpoint does not serve; 3xx, 405, 501',
    matches: (fault) =>
      [404, 405, 501].includes(statusOf(fault)) ||
      (statusOf(fault) >= 300 && statusOf(fault) < 400) ||
      (fault.kind === 'status' && fault.status === 400 && unknownModelWords.test(fault.body)),
    becomes: { kind: 'configuration' },
    cure: ({ endpoint, model, offered }) => {
      if (offered === undefined)
        return `correct endpoints.${endpoint}.url: it must be the base of an OpenAI-compatible API, as a rule ending in /v1`
      if (model !== undefined && !offered.includes(model))
        return `use one of the models that it has: ${offered.length === 0 ? '(none)' : offered.join(', ')}`
      return 'the endpoint has the model but does not serve this kind of call for it; use another mode or model for this role'
    },
  },
  {
    name: '408, 504, 524 timeout at the endpoint or a proxy',
    matches: (fault) => [408, 504, 524].includes(statusOf(fault)),
    becomes: { kind: 'transient', code: 'ENDPOINT_TIMEOUT', outage: false },
    cure: () => 'raise the read timeout of the server or of the proxy before it, or lower maxTokens',
  },
  {
    name: 'any other 5xx again for the same call, where the endpoint has answered others in between',
    matches: (fault, { failsAlone }) => statusOf(fault) >= 500 && failsAlone === true,
    becomes: { kind: 'transient', code: 'ENDPOINT_FAILED', outage: false },
    cure: () => "the endpoint fails on this request alone: look into the server's log",
  },
  {
    name: 'any other 5xx',
    matches: (fault) => statusOf(fault) >= 500,
    becomes: { kind: 'transient', code: 'ENDPOINT_FAILED', outage: true },
    cure: () => "it is tried again after a pause; look into the server's log",
  },
  {
    name: '400, 413, 422 and any other 4xx',
    matches: (fault) => fault.kind === 'status',
    becomes: { kind: 'invalid-record', code: 'REQUEST_REFUSED' },
    cure: () =>
      "correct the model's settings (sampling, extraBody, reasoningEffort, maxTokensField), then redrive the dead letter",
  },
  {
    name: 'a 2xx answer that is no completion: not JSON, cut off, fields missing',
    matches: () => true,
    becomes: { kind: 'transient', code: 'ANSWER_MALFORMED', outage: false },
    cure: ({ endpoint }) => `check that endpoints.${endpoint}.url is an OpenAI-compatible API`,
  },
]

const isTlsCode = (code: string): boolean => /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO/.test(code)

/** The engine's error for a failed call. `cause` is what was thrown at us. */
export function failureOf(
  fault: Fault,
  context: CallContext,
  cause?: unknown,
): TransientError | InvalidRecordError | ConfigurationError {
  const rule = failureRules.find(({ matches }) => matches(fault, context))
  // The last rule takes everything.
  if (rule === undefined) throw new Error('the table of failures has no last rule')
  const { becomes } = rule
  const subject = [
    `endpoint ${context.endpoint} (${context.url})`,
    ...(context.model === undefined ? [] : [`model ${context.model}`]),
    ...(context.requestId === undefined ? [] : [`request ${context.requestId}`]),
  ].join(', ')
  const message = `${oneLine(subject, 400)}: ${describeFault(fault, context)}; ${oneLine(rule.cure(context), 600)}`
  const options = cause === undefined ? {} : { cause }
  if (becomes.kind === 'configuration') return new ConfigurationError([message], options)
  if (becomes.kind === 'invalid-record') return new InvalidRecordError(becomes.code, message, options)
  const retryAfterSeconds = fault.kind === 'status' ? fault.retryAfterSeconds : undefined
  return new TransientError(becomes.code, message, {
    ...options,
    outage: becomes.outage,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  })
}

/** What happened, in a few words on one line. */
export function describeFault(fault: Fault, { timeoutSeconds }: { timeoutSeconds: number }): string {
  switch (fault.kind) {
    case 'timeout':
      return `expected an answer within ${timeoutSeconds} s, got none`
    case 'withheld':
      return 'it was not sent'
    case 'stalled':
      return `it has work and wrote no token for ${fault.stallSeconds} s, by its own metrics`
    case 'idle':
      return `the streamed answer got no further for ${fault.idleSeconds} s`
    case 'network': {
      const what = fault.answered ? 'the connection broke in the middle of the answer' : 'no answer'
      return `${what} (${oneLine([fault.code, fault.detail].filter((part) => part !== '').join(': '), 200)})`
    }
    case 'status': {
      const words = oneLine(wordsOf(fault.body), 300)
      const moved = fault.location === undefined ? '' : `, moved to ${oneLine(fault.location, 200)}`
      return `answered ${fault.status}${moved}${words === '' ? '' : `: ${words}`}`
    }
    case 'malformed':
      return `expected a completion, got ${oneLine(fault.detail, 200)}`
    case 'broken-off':
      return `the endpoint broke the answer off (${oneLine(fault.detail, 200)})`
  }
}

/**
 * The human part of an error body: OpenAI's `error.message`, TGI's `error`, FastAPI's `detail`, a bare `message`, or the text itself.
 * Of a web page, as proxies send them, the title.
 */
function wordsOf(body: string): string {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    const [, title] = /^\s*<(?:!doctype|html)\b.*?<title[^>]*>(.*?)<\/title>/is.exec(body) ?? []
    return title === undefined || title.trim() === '' ? body : `a web page, ${title.trim()}`
  }
  for (const key of ['error', 'message', 'detail', 'message']) {
    if (Array.isArray(value)) return listedWords(value) ?? body
    if (typeof value !== 'object' || value === null || !(key in value)) continue
    value = Reflect.get(value, key)
    if (typeof value === 'string') return value
  }
  return Array.isArray(value) ? (listedWords(value) ?? body) : body
}

/** FastAPI's faults of a request: where, and what is wrong there. */
function listedWords(faults: readonly unknown[]): string | undefined {
  const words = faults.flatMap((fault) => {
    const { loc, msg } = (fault ?? {}) as { loc?: unknown; msg?: unknown }
    if (typeof msg !== 'string') return []
    const path = Array.isArray(loc) ? loc.filter((part) => typeof part === 'string' || typeof part === 'number') : []
    return path.length > 0 ? `${path.join('.')}: ${msg}` : msg
  })
  return words.length === 0 ? undefined : words.join('; ')
}

/** Text from outside, fit for a line of a log: no control or direction characters, no secret, at most `most` characters. */
function oneLine(text: string, most: number): string {
  // Of a long text as much as may be shown: an error's body may have megabytes.
  const line = redactedBeginning(text, 4 * most)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
  return line.length > most ? `${line.slice(0, most)}...` : line
}

/** Longest wait that is taken at an endpoint's word, in seconds: it may have recovered. */
const longestRetryAfterSeconds = 60

/** Seconds to wait by a Retry-After header (seconds or a date), at most a minute; undefined where there is none that can be read. */
export function readRetryAfter(header: string | null, now = Date.now()): number | undefined {
  if (header === null || header.trim() === '') return undefined
  const seconds = Number(header)
  const wait = Number.isFinite(seconds) ? seconds : (Date.parse(header) - now) / 1000
  return Number.isNaN(wait) ? undefined : Math.min(longestRetryAfterSeconds, Math.max(0, wait))
}

/**
 * The fault behind a value thrown by the SDK or by fetch; undefined for a bug of ours, which must not pass as the
 * world's fault. `answered`: the response's head had arrived.
 */
export function faultOf(error: unknown, answered: boolean): Fault | undefined {
  let code = ''
  let detail = ''
  let ofNetwork = false
  for (let current = error, depth = 0; current instanceof Error && depth < 8; current = current.cause, depth += 1) {
    if (current instanceof FaultError) return current.fault
    // fetch wraps what happened on the network in a TypeError of one of two messages.
    if (current instanceof TypeError && (current.message === 'fetch failed' || current.message === 'terminated')) {
      ofNetwork = true
      continue
    }
    if (current.name === 'HTTPParserError')
      return { kind: 'malformed', detail: `bytes that are no HTTP (${current.message})` }
    const own: unknown = Reflect.get(current, 'code')
    if (typeof own === 'string' || ofNetwork) detail = current.message
    if (typeof own === 'string') code = own
  }
  if (!ofNetwork || code === 'UND_ERR_INVALID_ARG') return undefined
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return { kind: 'malformed', detail: 'an answer of more than 64 MiB' }
  if (code.startsWith('Z_')) return { kind: 'malformed', detail: `a body that does not decompress (${code})` }
  return { kind: 'network', code, detail, answered }
}
