/** One endpoint: its client, its slots, and what is known of its health. Alone speaks HTTP, through the openai SDK on undici. */
import OpenAI from 'openai'
import type { APIPromise } from 'openai'
import { type Agent, type Dispatcher, fetch as undiciFetch, type RequestInit as UndiciRequestInit } from 'undici'
import { parseBody, readModels } from './answers.ts'
import type { ListedModel } from './answers.ts'
import type { EndpointSettings } from './configuration.ts'
import { kindOf, TransientError } from '../engine/errors.ts'
import { FaultError, failureOf, faultOf, readRetryAfter } from './failures.ts'
import type { Fault } from './failures.ts'
import { ConcurrencyLimit } from './limit.ts'
import { type LoadSample, metricsUrlOf, readLoad } from './load.ts'
import { Recent } from './recent.ts'
import { EndpointSlots } from './slots.ts'

/** The owner that the simulator gives its models in /models. */
const simulatorOwner = 'wellspring-simulator'

/** How long the question for the models may take, in seconds. */
const listSeconds = 10

/** An endpoint that is away is asked again after so many seconds, each time twice as many. */
const firstPauseSeconds = 1

/** Longest time between two questions, whatever Retry-After says, in seconds: it may have recovered. */
const longestPauseSeconds = 60

/** So many calls that failed in a row, without an answer between them, are an outage of the endpoint: each of them may be a request's own. */
const failuresOfAnOutage = 8

/** An endpoint that works for so many looks after an outage is proven, each further outage soon after doubles them. */
const looksOfAProof = 5

/** Outages are soon after each other while less than so many times the proof has passed. */
const proofsUntilForgiven = 10

/** How long the metrics may take, in seconds. */
const metricsSeconds = 5

/** Looks until an endpoint that has no metrics is asked for them again. */
const looksWithoutMetrics = 60

/** How often an endpoint that has work is looked at, in seconds. */
export const defaultLookSeconds = 1

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
interface Exchange {
  body: Record<string, unknown>
  latencySeconds: number
}

/** Calls that failed, as many as are remembered; more than are ever in flight. */
export const rememberedFailures = 100_000

export class Endpoint {
  readonly name: string
  readonly settings: EndpointSettings
  readonly slots: EndpointSlots
  readonly limit: ConcurrencyLimit
  /** The endpoint said that it is the simulator. */
  simulated = false
  completed = 0
  failed = 0
  lastError: string | undefined
  /** The last thing heard was an outage. */
  down = false
  private readonly client: OpenAI
  private readonly agent: Agent
  private readonly lookSeconds: number
  private looking: NodeJS.Timeout | undefined
  private isLooking = false
  /** Looks to go until the metrics are asked for. */
  private looksToGo = 0
  private sample: LoadSample | undefined
  /** When the endpoint was last seen to get on with its work. */
  private progressedMs = 0
  /** End the calls in flight with a fault. */
  private readonly stops = new Set<(fault: Fault) => void>()
  private failuresInRow = 0
  /** Pauses in a row, without an answer between them. */
  private pauses = 0
  private pauseTimer: NodeJS.Timeout | undefined
  private looksProving = 0
  private outages = 0
  private outageBeganMs = -Infinity
  private readonly closing = new AbortController()
  /** When calls, by request id, last drew a 5xx, oldest first; those that were answered since are not here. */
  private readonly failedCallsMs = new Recent<string, number>(rememberedFailures)
  /** When the latest of the answered calls began. */
  private answeredBeganMs = -Infinity

  /** `apiKey` undefined: no Authorization header is sent. */
  constructor(
    name: string,
    settings: EndpointSettings,
    apiKey: string | undefined,
    { agent, lookSeconds }: { agent: Agent; lookSeconds: number },
  ) {
    this.name = name
    this.settings = settings
    this.agent = agent
    this.lookSeconds = lookSeconds
    this.limit = new ConcurrencyLimit(settings.maxConcurrency)
    this.slots = new EndpointSlots(name, this.limit)
    this.client = new OpenAI({
      baseURL: settings.url.replace(/\/+$/, ''),
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

  /**
   * Sends a request and reads its answer to the last byte, for at most `timeoutSeconds`. Rejects with the signal's
   * reason at once when aborted, with the engine's errors otherwise. `read` turns the body into the result and throws FaultError where it cannot.
   */
  async call<Result>(
    operation: Operation,
    read: (body: Record<string, unknown>) => Result,
    about: { model?: string; requestId?: string; signal: AbortSignal; mayBeSent?: () => boolean },
  ): Promise<{ result: Result; latencySeconds: number }> {
    const { signal, requestId, model, mayBeSent } = about
    const timeoutSeconds =
      operation.path === 'models' ? Math.min(listSeconds, this.settings.timeoutSeconds) : this.settings.timeoutSeconds
    const beganMs = performance.now()
    if (operation.path !== 'models') this.look()
    try {
      const { body, latencySeconds } = await this.exchange(operation, timeoutSeconds, { requestId, mayBeSent }, signal)
      const result = read(body)
      if (operation.path !== 'models') this.answered(beganMs, requestId)
      return { result, latencySeconds }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      const fault = faultOf(error, false)
      if (fault === undefined) throw error
      if (fault.kind === 'withheld') throw new WithheldError()
      const offered =
        operation.path !== 'models' && mayBeUnknownModel(fault) ? await this.namesOfModels(signal) : undefined
      const failure = failureOf(
        fault,
        {
          endpoint: this.name,
          url: this.settings.url,
          timeoutSeconds,
          ...(model === undefined ? {} : { model }),
          ...(requestId === undefined ? {} : { requestId }),
          ...(this.settings.apiKeyVariable === undefined ? {} : { apiKeyVariable: this.settings.apiKeyVariable }),
          ...(offered === undefined ? {} : { offered }),
          failsAlone: requestId !== undefined && fault.kind === 'status' && this.failsAlone(requestId, fault.status),
        },
        error,
      )
      if (operation.path !== 'models') this.failed += 1
      this.lastError = failure.message
      if (operation.path !== 'models') this.judge(failure, beganMs)
      throw failure
    }
  }

  /** The models that the endpoint has, within 10 s. Outside the slots: a busy endpoint answers too. */
  async listModels(signal: AbortSignal): Promise<ListedModel[]> {
    const { result } = await this.call({ path: 'models' }, readModels, { signal })
    if (result.some(({ ownedBy }) => ownedBy === simulatorOwner)) this.simulated = true
    return result
  }

  /** Stops looking. */
  close(): void {
    this.closing.abort()
    clearInterval(this.looking)
    clearTimeout(this.pauseTimer)
  }

  private answered(beganMs: number, requestId: string | undefined): void {
    this.completed += 1
    this.answeredBeganMs = Math.max(this.answeredBeganMs, beganMs)
    if (requestId !== undefined) this.failedCallsMs.delete(requestId)
    this.failuresInRow = this.pauses = 0
    this.progressedMs = performance.now()
    this.limit.answered(this.slots.isFull)
    if (this.outages <= 1) this.limit.proven()
    // One that was sent before the endpoint went away may have been on its way.
    if (this.slots.paused === undefined) this.down = false
  }

  /** What a failed call says of the endpoint. */
  private judge(failure: Error, beganMs: number): void {
    // An endpoint that refuses a request lives.
    if (!(failure instanceof TransientError)) return void (this.failuresInRow = 0)
    const { code, message, retryAfterSeconds } = failure
    if (code === 'ENDPOINT_RATE_LIMITED') {
      const others = this.slots.inFlight - 1
      this.limit.refused(beganMs, others, performance.now())
      // Refused although it has nothing of ours: waiting is all that is left.
      if (retryAfterSeconds !== undefined || others === 0) this.pause(message, retryAfterSeconds, false)
      return
    }
    this.failuresInRow += 1
    const saysSo = failure.outage && (code === 'ENDPOINT_UNREACHABLE' || retryAfterSeconds !== undefined)
    if (saysSo || this.failuresInRow >= failuresOfAnOutage) this.pause(message, retryAfterSeconds, true)
  }

  /** Takes no calls for a while. `isOutage`: until the endpoint answers the question for its models; then one call is tried first. */
  private pause(why: string, seconds: number | undefined, isOutage: boolean): void {
    this.down ||= isOutage
    if (this.slots.paused !== undefined || this.closing.signal.aborted) return
    this.slots.pause(why)
    if (isOutage) {
      const nowMs = performance.now()
      const isForgiven = nowMs - this.outageBeganMs > 1000 * this.lookSeconds * proofsUntilForgiven * this.looksToProve
      this.outages = isForgiven ? 1 : this.outages + 1
      this.outageBeganMs = nowMs
    }
    this.later(seconds, () => void (isOutage ? this.askAgain() : this.slots.resume()))
  }

  /** After `seconds`, or a time that doubles with each pause in a row. */
  private later(seconds: number | undefined, then: () => void): void {
    const wait = Math.min(longestPauseSeconds, seconds ?? firstPauseSeconds * 2 ** Math.min(this.pauses, 10))
    this.pauses += 1
    this.pauseTimer = setTimeout(then, wait * 1000)
  }

  /** One that comes and goes would lose what it is given: the more often, the longer it has one call at a time. */
  private get looksToProve(): number {
    return looksOfAProof * 2 ** Math.min(10, Math.max(0, this.outages - 1))
  }

  private async askAgain(): Promise<void> {
    try {
      await this.listModels(this.closing.signal)
    } catch (error) {
      if (this.closing.signal.aborted) return
      // It is there and will not have us: a call finds out, and ends the run.
      if (kindOf(error) === 'configuration') return this.slots.resume()
      return this.later(undefined, () => void this.askAgain())
    }
    this.failuresInRow = 0
    this.looksProving = 0
    this.limit.prove()
    this.down = false
    this.slots.resume()
  }

  /** Looks at the endpoint again and again while it has work. */
  private look(): void {
    if (this.looking !== undefined || this.closing.signal.aborted) return
    this.progressedMs = performance.now()
    this.looking = setInterval(() => {
      if (this.slots.inFlight === 0) {
        clearInterval(this.looking)
        this.looking = undefined
      } else if (!this.isLooking) {
        this.isLooking = true
        this.lookOnce()
          .catch(() => undefined)
          .finally(() => (this.isLooking = false))
      }
    }, this.lookSeconds * 1000)
    this.looking.unref()
  }

  private async lookOnce(): Promise<void> {
    this.looksToGo -= 1
    const found = this.looksToGo < 0 ? await this.readMetrics() : 'none'
    const nowMs = performance.now()
    let isGettingOn = true
    let isSeenWorking = false
    if (found === 'none') {
      this.sample = undefined
      this.looksToGo = this.looksToGo < 0 ? looksWithoutMetrics : this.looksToGo
      this.limit.unobserved(this.slots.isFull)
    } else if (found === 'silent') {
      // One that told before, and now not even that.
      isGettingOn = this.sample === undefined
    } else {
      const { sample: before } = this
      const { preemptions = 0, generatedTokens } = found
      const preempted = Math.max(0, preemptions - (before?.preemptions ?? preemptions))
      this.limit.observed({ ...found, preempted }, this.slots.inFlight, nowMs)
      if (generatedTokens !== undefined) {
        const isWriting = generatedTokens !== before?.generatedTokens
        isGettingOn = isWriting || found.running === 0
        isSeenWorking = isWriting && before !== undefined && this.outages <= 1
      }
      this.sample = found
    }
    if (isGettingOn) this.progressedMs = nowMs
    this.looksProving += 1
    if (isSeenWorking || this.looksProving >= this.looksToProve) this.limit.proven()
    if (nowMs - this.progressedMs > this.settings.stallSeconds * 1000) this.stalled()
    this.slots.fill()
  }

  /** The endpoint has work and does not get on with it: what it has of ours goes elsewhere. */
  private stalled(): void {
    const { stallSeconds } = this.settings
    this.progressedMs = performance.now()
    this.pause(
      `endpoint ${this.name} (${this.settings.url}): no token for ${stallSeconds} s by its own count`,
      undefined,
      true,
    )
    for (const stop of [...this.stops]) stop({ kind: 'stalled', stallSeconds })
  }

  /** The endpoint's metrics: none where it has none that can be used, silent where it does not answer. */
  private async readMetrics(): Promise<LoadSample | 'none' | 'silent'> {
    const timeout = AbortSignal.timeout(metricsSeconds * 1000)
    try {
      const response = await undiciFetch(metricsUrlOf(this.settings.url), {
        dispatcher: this.agent,
        redirect: 'manual',
        signal: AbortSignal.any([timeout, this.closing.signal]),
      })
      if (response.ok) return readLoad(await response.text()) ?? 'none'
      await response.body?.cancel()
      return 'none'
    } catch {
      return 'silent'
    }
  }

  /** Notes a 5xx of a call. @returns whether it had one before, and calls that began later were answered: then it is the call, no outage */
  private failsAlone(requestId: string, status: number): boolean {
    if (status < 500) return false
    const before = this.failedCallsMs.get(requestId)
    this.failedCallsMs.set(requestId, performance.now())
    return before !== undefined && this.answeredBeganMs > before
  }

  private async namesOfModels(signal: AbortSignal): Promise<string[] | undefined> {
    try {
      const { body } = await this.exchange({ path: 'models' }, listSeconds, {}, signal)
      return readModels(body).map(({ id }) => id)
    } catch (error) {
      if (signal.aborted || faultOf(error, false) === undefined) throw error
      return undefined
    }
  }

  /** Settles as soon as the answer, the limit or the signal decides: a slot must not wait for a socket to close. */
  private async exchange(
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

const mayBeUnknownModel = (fault: Fault): boolean =>
  fault.kind === 'status' && (fault.status === 400 || fault.status === 404)

/** How a request is sent: under which id, and asked at the last moment whether. */
interface Sending {
  requestId?: string | undefined
  mayBeSent?: (() => boolean) | undefined
}

/** The call was not sent, as it may not be sent now: whoever made it asks again. */
export class WithheldError extends Error {}

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
