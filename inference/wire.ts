/** HTTP to one endpoint, through the openai SDK on undici: the only file that speaks it. What the answers mean is not its business. */
import OpenAI from 'openai'
import type { APIPromise } from 'openai'
import { type Agent, type Dispatcher, fetch as undiciFetch, type RequestInit as UndiciRequestInit } from 'undici'
import { onAbort } from '../topics/signals.ts'
import { parseBody } from './answers.ts'
import type { StreamedAnswer } from './events.ts'
import { FaultError, faultOf, readRetryAfter } from './failures.ts'
import type { Fault } from './failures.ts'

/**
 * Options of the one connection pool. A request of hours with no byte on the line is normal, so undici's own limits
 * (300 s to the head, 300 s between parts of the body) are off; endpoints' `timeoutSeconds` and `idleSeconds` end a call. Sockets have TCP keep-alive.
 */
export const transportOptions = {
  headersTimeout: 0,
  bodyTimeout: 0,
  connect: { timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 60_000 },
  // A request has a connection of its own: aborting it disconnects nothing else.
  pipelining: 1,
  // An idle connection is given up well before the server does (uvicorn and node: 5 s), else a request can meet its end.
  keepAliveTimeout: 1000,
  keepAliveMaxTimeout: 1000,
  connections: null,
  maxResponseSize: 64 * 1024 * 1024,
} satisfies Agent.Options

/** What is sent: the operation and its JSON body. */
export type Operation =
  | { path: 'chat/completions'; body: OpenAI.ChatCompletionCreateParamsNonStreaming }
  /** `isWhole`: never asked for in pieces, in which what is wanted would not come. */
  | { path: 'completions'; body: OpenAI.CompletionCreateParamsNonStreaming; isWhole?: true }
  | { path: 'embeddings'; body: OpenAI.EmbeddingCreateParams }
  | { path: 'models' }

/** A 2xx answer, parsed. */
export interface Exchange {
  body: Record<string, unknown>
  latencySeconds: number
}

/** How a request is sent: under which id, asked at the last moment whether, and as a stream that is put together where. */
interface Sending {
  requestId?: string | undefined
  mayBeSent?: (() => boolean) | undefined
  streamed?: StreamedAnswer | undefined
}

/** How long an answer may take: in all, or, streamed, without getting further. */
type Patience = Readonly<{ timeoutSeconds: number }> | Readonly<{ idleSeconds: number; streamed: StreamedAnswer }>

/** So much of an error's body is read. */
const mostErrorBytes = 64 << 10

/** A server ends the body with the end mark of the stream. One that does not loses its connection after so many milliseconds. */
const endOfBodyMs = 1000

/** The wire to one endpoint. */
export class Wire {
  /** An answer said that it is the simulator's. */
  simulated = false
  private readonly agent: Agent
  private readonly client: OpenAI
  /** End the exchanges under way with a fault. */
  private readonly stops = new Set<(fault: Fault) => void>()

  /** `apiKey` undefined: no Authorization header is sent. */
  constructor(url: string, apiKey: string | undefined, agent: Agent) {
    this.agent = agent
    this.client = new OpenAI({
      baseURL: url.replace(/\/+$/, ''),
      // The SDK insists on a key; the header is taken out below where there is none. Nothing may come from its own reading of the environment.
      apiKey: apiKey ?? 'none',
      adminAPIKey: null,
      organization: null,
      project: null,
      webhookSecret: null,
      logLevel: 'off',
      maxRetries: 0,
      timeout: 2_147_483_647,
      defaultHeaders: {
        'User-Agent': 'wellspring',
        ...(apiKey === undefined ? { Authorization: null } : {}),
        // Facts about this machine are none of the endpoint's business.
        'X-Stainless-Arch': null,
        'X-Stainless-Lang': null,
        'X-Stainless-OS': null,
        'X-Stainless-Package-Version': null,
        'X-Stainless-Retry-Count': null,
        'X-Stainless-Runtime': null,
        'X-Stainless-Runtime-Version': null,
        'X-Stainless-Timeout': null,
      },
      fetch: fetchThrough(agent),
    })
  }

  /** Settles as soon as the answer, the limit or the signal decides: a slot must not wait for a socket to close. */
  async exchange(
    operation: Operation,
    patience: Patience,
    sending: Omit<Sending, 'streamed'>,
    signal: AbortSignal,
  ): Promise<Exchange> {
    signal.throwIfAborted()
    const controller = new AbortController()
    let settle = (): void => undefined
    const stopped = new Promise<never>((_, reject) => {
      const stop = (reason: Error): void => {
        reject(reason)
        controller.abort()
      }
      const fail = (fault: Fault): void => {
        stop(new FaultError(fault))
      }
      const stopWaiting = failLate(patience, fail)
      if (operation.path !== 'models') this.stops.add(fail)
      const stopHearing = onAbort([signal], stop)
      settle = () => {
        stopWaiting()
        this.stops.delete(fail)
        stopHearing()
      }
    })
    const streamed = 'streamed' in patience ? patience.streamed : undefined
    // What cannot be read ends the call here: an abort in the turn of the head is lost in fetch.
    const unreadable = new Promise<never>((_, reject) => {
      streamed?.done.catch(reject)
    })
    const start = performance.now()
    try {
      const transfer = this.transfer(operation, { ...sending, streamed }, controller.signal)
      const read = await Promise.race([transfer, stopped, unreadable])
      return { latencySeconds: (performance.now() - start) / 1000, body: read() }
    } catch (error) {
      // What has its end loses nothing by what comes after.
      if (streamed?.isWhole !== true || signal.aborted) throw error
      return { latencySeconds: (performance.now() - start) / 1000, body: streamed.body() }
    } finally {
      settle()
    }
  }

  /** @returns how the body is read */
  private async transfer(
    operation: Operation,
    sending: Sending,
    signal: AbortSignal,
  ): Promise<() => Record<string, unknown>> {
    const { requestId, mayBeSent, streamed } = sending
    const options = {
      signal,
      headers: {
        ...(requestId === undefined ? {} : { 'X-Request-Id': requestId }),
        // Pieces are small, and are to come at once.
        ...(streamed && { 'Accept-Encoding': 'identity' }),
      },
      // Arrives at `fetchThrough`.
      ...((mayBeSent ?? streamed) && { fetchOptions: { mayBeSent, streamed } as object }),
    }
    const response = await this.send(streamed ? asStream(operation) : operation, options).asResponse()
    if (response.headers.get('x-wellspring-simulated') === 'true') this.simulated = true
    try {
      if (streamed) return await readEvents(response, streamed)
      const { text, isWhole } = await readText(response.body, transportOptions.maxResponseSize)
      if (!isWhole) throw new FaultError({ kind: 'malformed', detail: 'an answer of more than 64 MiB' })
      return () => parseBody(text)
    } catch (error) {
      const fault = faultOf(error, true)
      throw fault === undefined ? error : new FaultError(fault)
    }
  }

  /**
   * A page beside the API, as text; undefined where the answer is no 2xx. Rejects where there is none in time, or one of the signals is aborted. They may
   * live long: nothing of this is left at them.
   */
  async page(url: string, timeoutSeconds: number, signals: readonly AbortSignal[]): Promise<string | undefined> {
    const controller = new AbortController()
    const abort = (): void => controller.abort()
    const timer = setTimeout(abort, 1000 * timeoutSeconds)
    const stopHearing = onAbort(signals, abort)
    try {
      const response = await undiciFetch(url, { dispatcher: this.agent, redirect: 'manual', signal: controller.signal })
      if (response.ok) {
        const { text, isWhole } = await readText(response.body, transportOptions.maxResponseSize)
        return isWhole ? text : undefined
      }
      await response.body?.cancel()
      return undefined
    } finally {
      clearTimeout(timer)
      stopHearing()
    }
  }

  /** Ends every exchange under way but questions for models with this fault. */
  stop(fault: Fault): void {
    for (const stop of [...this.stops]) stop(fault)
  }

  /** Only the head of the answer is the SDK's business: the body is read and checked here, in whatever shape it comes. */
  private send(operation: Operation, options: OpenAI.RequestOptions): Pick<APIPromise<unknown>, 'asResponse'> {
    switch (operation.path) {
      case 'chat/completions':
        return this.client.chat.completions.create(operation.body, options)
      case 'completions':
        return this.client.completions.create(operation.body, options)
      case 'embeddings':
        return this.client.embeddings.create(operation.body, options)
      case 'models':
        return this.client.models.list(options)
    }
  }
}

/** Ends a call that takes too long. @returns how to let it be */
function failLate(patience: Patience, fail: (fault: Fault) => void): () => void {
  if ('timeoutSeconds' in patience) {
    const timer = setTimeout(() => {
      fail({ kind: 'timeout' })
    }, patience.timeoutSeconds * 1000)
    return () => {
      clearTimeout(timer)
    }
  }
  const { idleSeconds, streamed } = patience
  const look = (): void => {
    const leftMs = streamed.progressedMs + 1000 * idleSeconds - performance.now()
    if (leftMs > 0) timer = setTimeout(look, Math.ceil(leftMs))
    else fail({ kind: 'idle', idleSeconds })
  }
  let timer = setTimeout(look, idleSeconds * 1000)
  return () => {
    clearTimeout(timer)
  }
}

/** The same request with its answer in pieces, the counts of tokens at the end. */
function asStream(operation: Operation): Operation {
  if (operation.path !== 'chat/completions' && operation.path !== 'completions') return operation
  const body = { ...operation.body, stream: true, stream_options: { include_usage: true } }
  // The SDK's types tell streamed from plain requests; only the head of the answer is its business here.
  return { path: operation.path, body } as unknown as Operation
}

/** The text of a body, and whether that is all of it. The pool's bound is one of bytes on the line: what is packed may unpack to any length. */
async function readText(
  body: { getReader(): unknown } | null,
  mostBytes: number,
): Promise<{ text: string; isWhole: boolean }> {
  const reader = body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined
  const parts: Uint8Array[] = []
  let bytes = 0
  let isWhole = true
  while (reader && isWhole) {
    const { done, value } = await reader.read()
    if (done) break
    parts.push(value)
    bytes += value.length
    isWhole = bytes <= mostBytes
  }
  if (!isWhole) reader?.cancel().catch(() => undefined)
  return { text: new TextDecoder().decode(Buffer.concat(parts)), isWhole }
}

/** Reads a streamed body up to its end mark, or to its end. */
async function readEvents(response: Response, streamed: StreamedAnswer): Promise<() => Record<string, unknown>> {
  const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined
  const ended = (async () => {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true }
      if (done || !value) return
      // Only what `watched` has left.
      streamed.push(value)
    }
  })()
  try {
    await Promise.race([ended, streamed.done])
  } catch (error) {
    reader?.cancel().catch(() => undefined)
    throw error
  }
  if (!streamed.isDone) return () => streamed.end()
  const timer = setTimeout(() => void reader?.cancel().catch(() => undefined), endOfBodyMs)
  timer.unref()
  ended.catch(() => undefined).finally(() => clearTimeout(timer))
  return () => streamed.body()
}

/** What undici tells a fetch of one request. */
interface Listener {
  onConnect(abort: (error?: Error) => void): void
  onResponseStarted(): void
  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean
  onData(chunk: Buffer): boolean
  onComplete(trailers: string[] | null): void
  onError(error: Error): void
}

/**
 * Stands between undici and a fetch. Asks `mayBeSent` when there is a connection. Takes the parts of a streamed answer as they come: through
 * the body of a fetch each would cost several promises. One class for all: an object made after each fetch's own would slow down each call on it.
 */
class Watcher implements Listener {
  private readonly own: Listener
  private readonly sending: Sending
  private abort: ((error?: Error) => void) | undefined
  /** Parts go to the streamed answer. */
  private isTaken = false

  constructor(own: Listener, sending: Sending) {
    this.own = own
    this.sending = sending
  }

  onConnect(abort: (error?: Error) => void): void {
    this.abort = abort
    this.own.onConnect(abort)
    if (this.sending.mayBeSent?.() === false) abort(new FaultError({ kind: 'withheld' }))
  }

  onResponseStarted(): void {
    this.own.onResponseStarted()
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean {
    this.isTaken = this.sending.streamed !== undefined && status >= 200 && status < 300 && !isEncoded(headers)
    return this.own.onHeaders(status, headers, resume, statusText)
  }

  onData(chunk: Buffer): boolean {
    if (!this.isTaken) return this.own.onData(chunk)
    try {
      this.sending.streamed?.push(chunk)
    } catch (error) {
      this.abort?.(error as Error)
    }
    return true
  }

  onComplete(trailers: string[] | null): void {
    this.own.onComplete(trailers)
  }

  onError(error: Error): void {
    this.own.onError(error)
  }
}

/** Writes head and body at once: a process that is put to sleep in between would send when it wakes what has long been another's. */
function watched(agent: Agent, body: unknown, sending: Sending): Dispatcher {
  const dispatch: Agent['dispatch'] = (options, handler) => {
    const whole = typeof body === 'string' ? { ...options, body: Buffer.from(body) } : options
    return agent.dispatch(whole, new Watcher(handler as unknown as Listener, sending))
  }
  return { dispatch } as unknown as Dispatcher
}

/** Whether a head, names and values in turn, says that the body is compressed. */
const isEncoded = (headers: readonly Buffer[]): boolean =>
  headers.some(
    (name, index) =>
      index % 2 === 0 &&
      name.toString('latin1').toLowerCase() === 'content-encoding' &&
      headers[index + 1]?.toString('latin1').toLowerCase() !== 'identity',
  )

/**
 * fetch of the same undici package as the pool: Node's own bundled version may be too old or too new for it. Failures
 * leave it as FaultError, since the SDK's errors drop the error body of most servers and the cause of some network errors.
 */
function fetchThrough(agent: Agent): typeof globalThis.fetch {
  return async (input, init) => {
    const { mayBeSent, streamed, ...rest } = init as unknown as UndiciRequestInit & Sending
    let response
    try {
      // Redirects are not followed: a POST would become a GET, and the key would go where nobody sent it.
      response = await undiciFetch(input as string, {
        ...rest,
        redirect: 'manual',
        dispatcher: (mayBeSent ?? streamed) ? watched(agent, rest.body, { mayBeSent, streamed }) : agent,
      })
    } catch (error) {
      const fault = faultOf(error, false)
      throw fault === undefined ? error : new FaultError(fault)
    }
    if (!response.ok) {
      const { text: body } = await readText(response.body, mostErrorBytes).catch(() => ({ text: '' }))
      const { status, headers } = response
      throw new FaultError({
        kind: 'status',
        status,
        body: body.slice(0, 10_000),
        retryAfterSeconds: readRetryAfter(headers.get('retry-after')),
        location: headers.get('location') ?? undefined,
      })
    }
    return response
  }
}
