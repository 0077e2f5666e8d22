/** HTTP to one endpoint, through the openai SDK on undici: the only file that speaks it. What the answers mean is not its business. */
import OpenAI from 'openai'
import type { APIPromise } from 'openai'
import { type Agent, type Dispatcher, fetch as undiciFetch, type RequestInit as UndiciRequestInit } from 'undici'
import { parseBody } from './answers.ts'
import { FaultError, faultOf, readRetryAfter } from './failures.ts'
import type { Fault } from './failures.ts'

/**
 * Options of the one connection pool. A request of hours with no byte on the line is normal, so undici's own limits
 * (300 s to the head, 300 s between parts of the body) are off; endpoints' `timeoutSeconds` ends a call. Sockets have TCP keep-alive.
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
  maxResponseSize: 256 * 1024 * 1024,
} satisfies Agent.Options

/** What is sent: the operation and its JSON body. */
export type Operation =
  | { path: 'chat/completions'; body: OpenAI.ChatCompletionCreateParamsNonStreaming }
  | { path: 'completions'; body: OpenAI.CompletionCreateParamsNonStreaming }
  | { path: 'embeddings'; body: OpenAI.EmbeddingCreateParams }
  | { path: 'models' }

/** A 2xx answer, parsed. */
export interface Exchange {
  body: Record<string, unknown>
  latencySeconds: number
}

/** How a request is sent: under which id, and asked at the last moment whether. */
export interface Sending {
  requestId?: string | undefined
  mayBeSent?: (() => boolean) | undefined
}

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
    timeoutSeconds: number,
    sending: Sending,
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
      const abort = (): void => {
        stop(signal.reason as Error)
      }
      const timer = setTimeout(() => {
        stop(new FaultError({ kind: 'timeout' }))
      }, timeoutSeconds * 1000)
      const fail = (fault: Fault): void => {
        stop(new FaultError(fault))
      }
      if (operation.path !== 'models') this.stops.add(fail)
      signal.addEventListener('abort', abort, { once: true })
      settle = () => {
        clearTimeout(timer)
        this.stops.delete(fail)
        signal.removeEventListener('abort', abort)
      }
    })
    const start = performance.now()
    try {
      const text = await Promise.race([this.transfer(operation, sending, controller.signal), stopped])
      return { latencySeconds: (performance.now() - start) / 1000, body: parseBody(text) }
    } finally {
      settle()
    }
  }

  private async transfer(operation: Operation, sending: Sending, signal: AbortSignal): Promise<string> {
    const { requestId, mayBeSent } = sending
    const options = {
      signal,
      ...(requestId === undefined ? {} : { headers: { 'X-Request-Id': requestId } }),
      // Arrives at `fetchThrough`.
      ...(mayBeSent && { fetchOptions: { mayBeSent } as object }),
    }
    const response = await this.send(operation, options).asResponse()
    if (response.headers.get('x-wellspring-simulated') === 'true') this.simulated = true
    try {
      return await response.text()
    } catch (error) {
      const fault = faultOf(error, true)
      throw fault === undefined ? error : new FaultError(fault)
    }
  }

  /** A page beside the API, as text; undefined where the answer is no 2xx. Rejects where there is no answer before the signal. */
  async page(url: string, signal: AbortSignal): Promise<string | undefined> {
    const response = await undiciFetch(url, { dispatcher: this.agent, redirect: 'manual', signal })
    if (response.ok) return await response.text()
    await response.body?.cancel()
    return undefined
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

/**
 * Asks `mayBeSent` when there is a connection, and then writes head and body at once: a process that is put to sleep in between would send
 * when it wakes what has long been another's.
 */
function guarded(agent: Agent, body: unknown, mayBeSent: () => boolean): Dispatcher {
  const dispatch: Agent['dispatch'] = (options, handler) => {
    const asking = Object.create(handler) as { onConnect(abort: (error?: Error) => void): void }
    asking.onConnect = (abort) => {
      ;(handler as typeof asking).onConnect.call(asking, abort)
      if (!mayBeSent()) abort(new FaultError({ kind: 'withheld' }))
    }
    const whole = typeof body === 'string' ? { ...options, body: Buffer.from(body) } : options
    return agent.dispatch(whole, asking)
  }
  return { dispatch } as unknown as Dispatcher
}

/**
 * fetch of the same undici package as the pool: Node's own bundled version may be too old or too new for it. Failures
 * leave it as FaultError, since the SDK's errors drop the error body of most servers and the cause of some network errors.
 */
function fetchThrough(agent: Agent): typeof globalThis.fetch {
  return async (input, init) => {
    const { mayBeSent, ...rest } = init as unknown as UndiciRequestInit & Pick<Sending, 'mayBeSent'>
    let response
    try {
      // Redirects are not followed: a POST would become a GET, and the key would go where nobody sent it.
      response = await undiciFetch(input as string, {
        ...rest,
        redirect: 'manual',
        dispatcher: mayBeSent ? guarded(agent, rest.body, mayBeSent) : agent,
      })
    } catch (error) {
      const fault = faultOf(error, false)
      throw fault === undefined ? error : new FaultError(fault)
    }
    if (!response.ok) {
      const body = await response.text().catch(() => '')
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
