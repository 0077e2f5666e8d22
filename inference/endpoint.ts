/** One endpoint: its wire, its slots, and what is known of its health. */
import type { Agent } from 'undici'
import { countTokens, readModels, readUsage } from './answers.ts'
import type { ListedModel } from './answers.ts'
import type { EndpointSettings, ModelSettings } from './configuration.ts'
import { ConfigurationError, kindOf, TransientError } from '../engine/errors.ts'
import type { EndpointState } from '../engine/metric-table.ts'
import { StreamedAnswer } from './events.ts'
import { failureOf, faultOf } from './failures.ts'
import type { Fault } from './failures.ts'
import { ConcurrencyLimit } from './limit.ts'
import { type LoadSample, metricsUrlOf, readLoad } from './load.ts'
import { Recent } from './recent.ts'
import { isScored, scoredTokens, scoringFields, type ScoringMethod } from './scores.ts'
import { EndpointSlots } from './slots.ts'
import { type Exchange, type Operation, transportOptions, Wire } from './wire.ts'

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

/** A few words whose log-probabilities are asked for, to see whether and how that can be done. */
const scoringProbe = 'The sum of two even numbers is an even number.'

/** Calls that failed, as many as are remembered; more than are ever in flight. */
export const rememberedFailures = 100_000

export class Endpoint {
  readonly name: string
  settings: EndpointSettings
  readonly slots: EndpointSlots
  readonly limit: ConcurrencyLimit
  completed = 0
  failed = 0
  lastError: string | undefined
  /** The last thing heard was an outage. */
  down = false
  private readonly wire: Wire
  private listsSimulated = false
  private readonly lookSeconds: number
  private looking: NodeJS.Timeout | undefined
  private isLooking = false
  /** Looks to go until the metrics are asked for. */
  private looksToGo = 0
  private sample: LoadSample | undefined
  /** Whether plain calls are enough: its metrics would show that it hangs, and it ends calls that are given up. Undefined until it was looked at. */
  private arePlainCallsEnough: boolean | undefined
  /** False once it has refused a stream, or answered as if none had been asked for. */
  private takesStreams = true
  /** When the endpoint was last seen to get on with its work. */
  private progressedMs = 0
  private failuresInRow = 0
  /** Pauses in a row, without an answer between them. */
  private pauses = 0
  private pauseTimer: NodeJS.Timeout | undefined
  private looksProving = 0
  private outages = 0
  private outageBeganMs = -Infinity
  /** By model. */
  private readonly scoringMethods = new Map<string, ScoringMethod>()
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
    this.wire = new Wire(settings.url, apiKey, agent)
    this.lookSeconds = lookSeconds
    this.limit = new ConcurrencyLimit(settings.maxConcurrency)
    this.slots = new EndpointSlots(name, this.limit)
  }

  /** Other settings of the same server: the limit at once, times for calls from now on. */
  adjust(settings: EndpointSettings): void {
    this.settings = settings
    this.limit.allow(settings.maxConcurrency)
    this.slots.fill()
  }

  /** The endpoint said that it is the simulator. */
  get simulated(): boolean {
    return this.listsSimulated || this.wire.simulated
  }

  /**
   * Sends a request and reads its answer to the last byte, for at most `timeoutSeconds`, or, streamed, while it gets on. Rejects with the signal's
   * reason at once when aborted, with the engine's errors otherwise. `read` turns the body into the result and throws FaultError where it cannot.
   * `onLost` is told the tokens of a streamed answer of which nothing is left, before the rejection.
   */
  async call<Result>(
    operation: Operation,
    read: (body: Record<string, unknown>) => Result,
    about: {
      model?: string
      requestId?: string
      signal: AbortSignal
      mayBeSent?: () => boolean
      onLost?: (counted: ReturnType<typeof countTokens>) => void
    },
  ): Promise<{ result: Result; latencySeconds: number; firstTextSeconds?: number }> {
    const { signal, requestId, model, mayBeSent } = about
    const timeoutSeconds =
      operation.path === 'models' ? Math.min(listSeconds, this.settings.timeoutSeconds) : this.settings.timeoutSeconds
    const beganMs = performance.now()
    if (operation.path !== 'models') this.look()
    const streamed = this.begin(operation)
    try {
      const sending = { requestId, mayBeSent }
      const { body, latencySeconds } = streamed
        ? await this.stream(operation, streamed, sending, signal)
        : await this.wire.exchange(operation, { timeoutSeconds }, sending, signal)
      const result = read(body)
      if (operation.path !== 'models') this.answered(beganMs, requestId)
      const { firstTextMs } = streamed ?? {}
      return {
        result,
        latencySeconds,
        ...(firstTextMs !== undefined && { firstTextSeconds: (firstTextMs - beganMs) / 1000 }),
      }
    } catch (error) {
      const lost = streamed && countLost(operation, streamed)
      if (lost) about.onLost?.(lost)
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

  /** A place for the answer where it is to come in pieces: where nothing else would show that the endpoint hangs. */
  private begin(operation: Operation): StreamedAnswer | undefined {
    const { path } = operation
    const { stream } = this.settings
    if ('isWhole' in operation) return undefined
    const isWanted = stream === 'always' || (stream === 'auto' && this.arePlainCallsEnough === false)
    if (!isWanted || !this.takesStreams || (path !== 'chat/completions' && path !== 'completions')) return undefined
    return new StreamedAnswer(path === 'completions' ? 'raw' : 'chat', transportOptions.maxResponseSize)
  }

  /** Sends a request for a streamed answer; where the endpoint refuses that and takes the plain request, it gets plain ones from then on. */
  private async stream(
    operation: Operation,
    streamed: StreamedAnswer,
    sending: Parameters<Wire['exchange']>[2],
    signal: AbortSignal,
  ): Promise<Exchange> {
    const { idleSeconds, timeoutSeconds } = this.settings
    try {
      const exchange = await this.wire.exchange(operation, { idleSeconds, streamed }, sending, signal)
      if (streamed.isPlain) this.takesStreams = false
      return exchange
    } catch (error) {
      const fault = faultOf(error, false)
      if (fault === undefined || !refusesStream(fault)) throw error
      const exchange = await this.wire.exchange(operation, { timeoutSeconds }, sending, signal)
      if (this.takesStreams)
        this.lastError = `endpoint ${this.name} (${this.settings.url}): refuses streamed answers; its calls are plain from now on`
      this.takesStreams = false
      return exchange
    }
  }

  /** What it is at. */
  get state(): EndpointState {
    if (this.slots.isRetired) return 'draining'
    if (this.down) return 'down'
    if (this.slots.paused !== undefined) return 'paused'
    return this.limit.isOnTrial ? 'proving' : 'up'
  }

  /** What its own metrics said last; undefined where it has none, and while it has no work of ours. */
  get load(): Pick<LoadSample, 'running' | 'waiting' | 'cacheUsage'> | undefined {
    return this.looking === undefined ? undefined : this.sample
  }

  /** The models that the endpoint has, within 10 s; the first time its metrics are looked at too. Outside the slots: a busy endpoint answers too. */
  async listModels(signal: AbortSignal): Promise<ListedModel[]> {
    const { result } = await this.call({ path: 'models' }, readModels, { signal })
    if (this.arePlainCallsEnough === undefined)
      this.arePlainCallsEnough = plainCallsSuffice(await this.readMetrics(signal))
    if (result.some(({ ownedBy }) => ownedBy === simulatorOwner)) this.listsSimulated = true
    return result
  }

  /**
   * How this endpoint scores given text, found once a model by a few words, outside of what calls count.
   * @throws ConfigurationError where it cannot, with the reason of each way; TransientError where it does not answer now
   */
  async scoringMethod({ model, extraBody }: ModelSettings, signal: AbortSignal): Promise<ScoringMethod> {
    const known = this.scoringMethods.get(model)
    if (known !== undefined) return known
    const reasons: string[] = []
    let passing: TransientError | undefined
    for (const method of ['echo', 'prompt_logprobs'] as const) {
      const body = { ...extraBody, model, prompt: scoringProbe, ...scoringFields[method] }
      const read = (answer: Record<string, unknown>): boolean => isScored(scoredTokens(answer, method), scoringProbe)
      try {
        const { result } = await this.call({ path: 'completions', body, isWhole: true }, read, { model, signal })
        if (result) {
          this.scoringMethods.set(model, method)
          return method
        }
        reasons.push(`${method}: it takes no notice`)
      } catch (error) {
        if (signal.aborted || kindOf(error) === undefined) throw error
        if (error instanceof TransientError) passing = error
        reasons.push(`${method}: ${(error as Error).message}`)
      }
    }
    if (passing !== undefined) throw passing
    throw new ConfigurationError([
      `endpoint ${this.name} (${this.settings.url}): expected log-probabilities of given text of ${model}, got none (${reasons.join('; ')}); serve it where \`wellspring doctor --endpoints\` finds "logprobs of given text", such as vLLM`,
    ])
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
    // One that told before and is silent now hangs, or is busy.
    if (found !== 'silent' || this.sample === undefined) this.arePlainCallsEnough = plainCallsSuffice(found)
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
    this.wire.stop({ kind: 'stalled', stallSeconds })
  }

  /** The endpoint's metrics: none where it has none that can be used, silent where it does not answer. */
  private async readMetrics(signal = this.closing.signal): Promise<LoadSample | 'none' | 'silent'> {
    try {
      const url = metricsUrlOf(this.settings.url)
      const page = await this.wire.page(url, metricsSeconds, [signal, this.closing.signal])
      return (page === undefined ? undefined : readLoad(page)) ?? 'none'
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
      const { body } = await this.wire.exchange({ path: 'models' }, { timeoutSeconds: listSeconds }, {}, signal)
      return readModels(body).map(({ id }) => id)
    } catch (error) {
      if (signal.aborted || faultOf(error, false) === undefined) throw error
      return undefined
    }
  }
}

/** Whether a look at the metrics tells how many tokens were written, of a server that ends plain calls that are given up. */
const plainCallsSuffice = (found: LoadSample | 'none' | 'silent'): boolean =>
  typeof found === 'object' && found.generatedTokens !== undefined && found.endsAbandonedCalls

/** The servers' own words for a request that they would take without `stream` or `stream_options`. */
const refusesStream = (fault: Fault): boolean =>
  fault.kind === 'status' && [400, 422].includes(fault.status) && /\bstream(?:_options|ing|ed)?\b/i.test(fault.body)

/** The tokens of a streamed answer that was not taken; undefined where none had come. */
function countLost(operation: Operation, streamed: StreamedAnswer): ReturnType<typeof countTokens> | undefined {
  const { lengths } = streamed
  const usage = readUsage(streamed.usage)
  if (lengths.text + lengths.reasoning === 0 && usage === undefined) return undefined
  return countTokens(usage, { prompt: promptLength(operation), ...lengths })
}

/** Characters of what a completion continues. */
function promptLength(operation: Operation): number {
  if (operation.path === 'completions') return String(operation.body.prompt ?? '').length
  if (operation.path !== 'chat/completions') return 0
  return operation.body.messages.reduce(
    (sum, { content }) => sum + (typeof content === 'string' ? content.length : 0),
    0,
  )
}

const mayBeUnknownModel = (fault: Fault): boolean =>
  fault.kind === 'status' && (fault.status === 400 || fault.status === 404)

/** The call was not sent, as it may not be sent now: whoever made it asks again. */
export class WithheldError extends Error {}
