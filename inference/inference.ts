/** Models behind endpoints: roles to models, models to endpoints, one slot a call, totals by role. Implements the engine's `Inference`. */
import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type OpenAI from 'openai'
import { Agent } from 'undici'
import { ConfigurationError, InvalidRecordError, kindOf, TransientError } from '../engine/errors.ts'
import type { InvalidRecordCode, TransientCode } from '../engine/errors.ts'
import type { callOutcomes, EndpointState } from '../engine/metric-table.ts'
import type {
  CallOptions,
  Completion,
  CompletionRequest,
  Cost,
  Embedding,
  EmbeddingRequest,
  Inference,
  Role,
  Sampling,
  Scoring,
  ScoringRequest,
  TokenUsage,
} from '../engine/ports.ts'
import { countTokens, readCompletion, readEmbeddings, readUsage } from './answers.ts'
import { rawMaxTokens } from './configuration.ts'
import type { InferenceSettings, ModelSettings } from './configuration.ts'
import { Connections, roleModelOf, type EndpointCheck, type Served, type SettingsChange } from './connections.ts'
import { defaultLookSeconds, type Endpoint, rememberedFailures, WithheldError } from './endpoint.ts'
import { costOf } from './price.ts'
import { splitReasoning } from './reasoning.ts'
import { Recent } from './recent.ts'
import { partScores, scoredTokens, scoringFields } from './scores.ts'
import type { EndpointSlots } from './slots.ts'
import { type Operation, transportOptions } from './wire.ts'

/** What an endpoint is doing. */
export interface EndpointStatus {
  name: string
  url: string
  inFlight: number
  /** Calls that it may take when a slot is free; a call whose model has several endpoints counts at each. */
  waiting: number
  limit: number
  /** Calls since the start. */
  completed: number
  failed: number
  /** One line. */
  lastError?: string
  /** The last thing heard of it was an outage. */
  down: boolean
  state: EndpointState
  /** Calls of all clients, and how full its memory is (0 to 1), by its own metrics as last looked at; absent where it has none. */
  load?: { running: number; waiting: number; cacheUsage?: number | undefined }
  simulated: boolean
  /** It was removed or replaced: its calls in flight end, and no other one comes. */
  draining?: true
}

/** What a role has used since the start of this process. */
interface RoleTotals {
  /** Calls answered. */
  calls: number
  /** Calls that failed or were aborted after they had a slot. */
  failures: number
  /** Calls whose tokens are an estimate, since the endpoint sent no usage. */
  estimated: number
  tokens: TokenUsage
  /** Time at the endpoints, summed over calls, in seconds. */
  seconds: number
  /** By currency; models without a price add nothing. */
  cost: Record<string, number>
}

/** One finished call, for metrics. */
export interface CallRecord {
  role: Role
  model: string
  endpoint: string
  requestId: string
  outcome: (typeof callOutcomes)[number]
  /** As the OpenTelemetry conventions name it. */
  operation: 'chat' | 'text_completion' | 'embeddings'
  /** False for a call that was given up before it went out. */
  isSent: boolean
  /** All zero where nothing was answered, or it is not known. */
  tokens: TokenUsage
  estimated: boolean
  /** Time at the endpoint, in seconds. */
  latencySeconds: number
  /** Of a streamed answer: time until its first text, in seconds. */
  firstTextSeconds?: number
  /** Time in our own queue, in seconds. */
  queueSeconds: number
}

export interface InferenceOptions {
  /** The value of an environment variable. */
  secret: (variable: string) => string | undefined
  /** Called after every call that had a slot. Must not throw. */
  onCall?: (call: CallRecord) => void
  /** Models that existing work may ask for and that will not come back: a call of one fails as its record's own fault. */
  retiredModels?: readonly string[]
  /** How often an endpoint that has work is looked at, in seconds. */
  lookSeconds?: number
}

/** The engine's inference, with what a screen, a check at the start and metrics need. */
export interface ConfiguredInference extends Inference {
  status(): EndpointStatus[]
  /** Roles that have been used. */
  totals(): ReadonlyMap<Role, RoleTotals>
  /** Asks every endpoint for its models, side by side, each within 10 s. Never rejects for an endpoint's sake; marks simulated endpoints. */
  check(signal: AbortSignal): Promise<EndpointCheck[]>
  /**
   * Where rationales are to be scored: asks every endpoint of the problem writer whether it scores given text. One that does not answer now is found
   * out about at its first call. @throws ConfigurationError naming all that cannot
   */
  checkScoring(signal: AbortSignal): Promise<void>
  /**
   * Takes new settings up while calls are under way: endpoints, and which of them serve a model by which weight and price. Calls that
   * wait for an endpoint that goes wait for the others, those in flight there end. What is part of the recipe stays, and is told.
   * @throws ConfigurationError, and nothing has changed
   */
  reload(settings: InferenceSettings): SettingsChange
  /** Asks the endpoints that `reload` would add, replace or give another model, as `check` does. */
  checkReload(settings: InferenceSettings, signal: AbortSignal): Promise<EndpointCheck[]>
  /** Closes all connections. Calls in flight fail: abort and await them first. */
  close(): Promise<void>
}

/** Connects the configured models. Throws ConfigurationError where a named variable holds no key. Opens no connection yet. */
export function createInference(
  settings: InferenceSettings,
  { secret, onCall, retiredModels = [], lookSeconds = defaultLookSeconds }: InferenceOptions,
): ConfiguredInference {
  const agent = new Agent(transportOptions)
  const connections = new Connections(settings, secret, { agent, lookSeconds })
  const totals = new Map<Role, RoleTotals>()
  /** Where calls have failed, by request id: they go elsewhere, and when no other one takes calls, anywhere but where they failed last. */
  const failedAt = new Recent<string, ReadonlySet<EndpointSlots>>(rememberedFailures)

  const remember = (requestId: string, slots: EndpointSlots, { line }: Served): void => {
    const all = new Set([...(failedAt.get(requestId) ?? []), slots])
    const isLeft = line.endpoints.some((one) => !all.has(one) && one.paused === undefined)
    failedAt.set(requestId, isLeft ? all : new Set([slots]))
  }

  const select = (role: Role, model: string | undefined): Served => {
    const models = connections.servedAs(role)
    const [first] = models
    if (first === undefined) {
      throw new ConfigurationError([
        `roles.${role}: expected at least one model, got none; add the role to the configuration`,
      ])
    }
    if (first.fault !== undefined) throw new ConfigurationError([first.fault])
    if (model === undefined) {
      if (models.length > 1) throw new TypeError(`the role ${role} has ${models.length} models: say which`)
      return first
    }
    const chosen = models.find(({ settings: { model: name } }) => name === model)
    if (chosen !== undefined) return chosen
    if (retiredModels.includes(model)) {
      throw new InvalidRecordError(
        'MODEL_RETIRED',
        `the model ${model} is retired by run.retiredModels; redrive the record when roles.${role} has the model again`,
      )
    }
    const known = models.map(({ settings: { model: name } }) => name).join(', ')
    throw new ConfigurationError([
      `roles.${role}: expected the model ${model}, which existing work asks for, got only ${known}; put it into the configuration, or give that work up with run.retiredModels: ${model}`,
    ])
  }

  const record = (call: CallRecord, model: Served): void => {
    const total = totals.get(call.role) ?? {
      calls: 0,
      failures: 0,
      estimated: 0,
      tokens: noTokens(),
      seconds: 0,
      cost: {},
    }
    totals.set(call.role, total)
    if (call.outcome === 'completed') total.calls += 1
    else total.failures += 1
    if (call.estimated) total.estimated += 1
    total.seconds += call.latencySeconds
    for (const kind of ['prompt', 'cached', 'completion', 'reasoning'] as const) total.tokens[kind] += call.tokens[kind]
    const cost = costOf(model.settings.price, call.tokens)
    if (cost !== undefined) total.cost[cost.currency] = (total.cost[cost.currency] ?? 0) + cost.amount
    onCall?.(call)
  }

  /** One call: waits for a slot, sends, reads, counts. `read` gives the result and its tokens. */
  const perform = async <Result>(
    role: Role,
    model: Served,
    operation: (settings: ModelSettings, endpoint: Endpoint) => Operation | Promise<Operation>,
    read: (body: Record<string, unknown>) => { value: Result; usage: TokenUsage; estimated: boolean },
    { requestId, signal, beforeSending, sending, onWasted, prompt, version, ...wish }: PerformOptions,
  ) => {
    // A processor's calls share signals: hundreds of listeners on one are no leak.
    setMaxListeners(0, signal)
    if (sending) setMaxListeners(0, sending)
    for (;;) {
      const queued = performance.now()
      const avoid = failedAt.get(requestId)
      const slots = await model.line.acquire(sending ? [signal, sending] : [signal], { ...wish, avoid })
      const started = performance.now()
      const endpoint = connections.endpointOf(slots)
      // As it is now: while the call waited, another version may have been announced.
      const { settings: inForce, announcement } = model
      const call: CallRecord = {
        role,
        model: inForce.model,
        endpoint: slots.name,
        requestId,
        outcome: 'aborted',
        operation: role === 'embedder' ? 'embeddings' : inForce.mode === 'raw' ? 'text_completion' : 'chat',
        isSent: false,
        tokens: noTokens(),
        estimated: false,
        latencySeconds: 0,
        queueSeconds: (started - queued) / 1000,
      }
      /** What a streamed answer that was lost had counted. */
      let lost: { usage: TokenUsage; estimated: boolean } | undefined
      try {
        await beforeSending?.()
        if (slots.isRetired) throw new WithheldError()
        if (version !== undefined && version !== announcement?.version)
          throw replaced(role, version, announcement?.version)
        const asked = await operation(inForce, endpoint)
        call.isSent = true
        const { result, latencySeconds, firstTextSeconds } = await endpoint.call(asked, read, {
          model: inForce.model,
          requestId,
          signal,
          ...(beforeSending && { mayBeSent: () => isUndefined(beforeSending()) }),
          onLost: (counted) => (lost = counted),
        })
        failedAt.delete(requestId)
        call.outcome = 'completed'
        call.latencySeconds = latencySeconds
        if (firstTextSeconds !== undefined) call.firstTextSeconds = firstTextSeconds
        call.tokens = result.usage
        call.estimated = result.estimated
        return {
          ...result,
          provenance: {
            model: inForce.model,
            ...(announcement && { modelVersion: announcement.version }),
            endpoint: slots.name,
            simulated: endpoint.simulated,
            usage: result.usage,
            latencySeconds,
            requestId,
            ...(result.estimated ? { estimated: true } : {}),
            ...costField(model, result.usage),
          },
        }
      } catch (error) {
        call.latencySeconds = (performance.now() - started) / 1000
        call.outcome = outcomeOf(error)
        if (error instanceof WithheldError) {
          call.isSent = false
          continue
        }
        if (call.isSent && mayHaveCost.has(call.outcome)) {
          call.estimated = lost?.estimated ?? true
          if (lost) call.tokens = lost.usage
          // An error of the server as a rule comes before the work.
          else if (call.outcome !== 'ENDPOINT_FAILED') call.tokens.prompt = Math.ceil(prompt / 4)
          onWasted?.({
            model: call.model,
            endpoint: call.endpoint,
            usage: call.tokens,
            estimated: call.estimated,
            latencySeconds: call.latencySeconds,
            ...costField(model, call.tokens),
          })
        }
        // What was announced in its place while it was under way is asked instead.
        if (kindOf(error) === 'configuration' && model.announcement !== announcement)
          throw replaced(role, announcement?.version, model.announcement?.version, error)
        if (error instanceof TransientError && error.code === 'MODEL_REPLACED') throw error
        if (kindOf(error) === 'transient') remember(requestId, slots, model)
        // The endpoint's fault, and nothing was done for the call: it waits for one that takes it.
        if (!(kindOf(error) === 'transient' && (error as TransientError).outage)) throw error
      } finally {
        slots.release()
        record(call, model)
      }
    }
  }

  return {
    modelsOf: (role) => connections.servedAs(role).map(roleModelOf),

    slotsOf: (role) => {
      const used = new Set(connections.servedAs(role).flatMap(({ line }) => line.endpoints))
      return [...used].reduce((sum, { limit }) => sum + limit.value, 0)
    },

    async complete(request: CompletionRequest, options: CallOptions): Promise<Completion> {
      const model = select(request.role, request.model)
      const sampling = { ...model.settings.sampling, ...request.sampling }
      if (model.settings.mode === 'raw') sampling.maxTokens ??= rawMaxTokens
      const { value, provenance } = await perform(
        request.role,
        model,
        (inForce) => completionOperation(inForce, request, sampling),
        (body) => {
          const raw = readCompletion(body, model.settings.mode)
          const split =
            raw.reasoning === undefined
              ? splitReasoning(raw.content, opensReasoning(model.settings, request))
              : { reasoning: raw.reasoning, text: raw.content }
          const characters = {
            prompt: request.prompt.length,
            reasoning: split.reasoning?.length ?? 0,
            text: split.text.length,
          }
          return { value: { ...split, finishReason: raw.finishReason }, ...countTokens(raw.usage, characters) }
        },
        { ...options, ...versionOf(request), prefix: prefixOf(request.prompt), prompt: request.prompt.length },
      )
      return { ...value, ...provenance, sampling, seed: request.seed }
    },

    async score(request: ScoringRequest, options: CallOptions): Promise<Scoring> {
      const { role, text, parts } = request
      const model = select(role, request.model)
      if (model.settings.mode !== 'raw') {
        throw new ConfigurationError([
          `roles.${role}: expected a model with mode: raw, whose log-probabilities of given text are wanted, got ${model.settings.model} in chat mode, where a template adds tokens of its own; write mode: raw`,
        ])
      }
      let method: keyof typeof scoringFields = 'echo'
      const { value, provenance } = await perform(
        role,
        model,
        async (inForce, endpoint) => {
          method = await endpoint.scoringMethod(inForce, options.signal)
          const body = { ...inForce.extraBody, model: inForce.model, prompt: text, ...scoringFields[method] }
          return { path: 'completions', body, isWhole: true }
        },
        (body) => {
          const scores = partScores(scoredTokens(body, method) ?? [], text, parts)
          return {
            value: scores,
            ...countTokens(readUsage(body['usage']), { prompt: text.length, reasoning: 0, text: 0 }),
          }
        },
        { ...options, ...versionOf(request), prompt: text.length },
      )
      return { parts: value, ...provenance }
    },

    announce: (announcement) => connections.announce(announcement),

    async embed({ role, texts }: EmbeddingRequest, options: CallOptions): Promise<Embedding> {
      const model = select(role, undefined)
      const body: OpenAI.EmbeddingCreateParams = {
        model: model.settings.model,
        input: [...texts],
        encoding_format: 'float',
      }
      const prompt = texts.reduce((sum, text) => sum + text.length, 0)
      const { value, provenance } = await perform(
        role,
        model,
        () => ({ path: 'embeddings', body: { ...model.settings.extraBody, ...body } }),
        (answer) => {
          const { vectors, usage } = readEmbeddings(answer, texts.length)
          return { value: vectors, ...countTokens(usage, { prompt, reasoning: 0, text: 0 }) }
        },
        { ...options, prompt },
      )
      return { vectors: value, ...provenance }
    },

    status: () =>
      connections.all.map(
        ({ name, settings: { url }, slots, completed, failed, lastError, down, state, load, simulated }) => ({
          name,
          url,
          inFlight: slots.inFlight,
          waiting: slots.waiting,
          limit: slots.limit.value,
          completed,
          failed,
          ...(lastError === undefined ? {} : { lastError }),
          down,
          state,
          ...(load && { load: { running: load.running, waiting: load.waiting, cacheUsage: load.cacheUsage } }),
          simulated,
          ...(slots.isRetired ? { draining: true } : {}),
        }),
      ),

    totals: () => totals,

    check: (signal) => connections.check(signal),

    async checkScoring(signal) {
      if (connections.servedAs('rationale-writer').length === 0) return
      const faults: string[] = []
      for (const { settings: asked, line } of connections.servedAs('problem-writer')) {
        for (const slots of line.endpoints) {
          try {
            await connections.endpointOf(slots).scoringMethod(asked, signal)
          } catch (error) {
            if (signal.aborted || kindOf(error) === undefined) throw error
            if (error instanceof ConfigurationError) faults.push(...error.faults)
          }
        }
      }
      if (faults.length > 0) throw new ConfigurationError(faults)
    },

    checkReload: (next, signal) => connections.checkReload(next, signal),

    reload: (next) => connections.reload(next),

    async close() {
      connections.close()
      await agent.destroy()
    },
  }
}

interface PerformOptions extends CallOptions {
  prefix?: string
  /** Characters of what is sent. */
  prompt: number
  /** The announced version that is meant. */
  version?: string
}

const versionOf = ({ version }: { version?: string }): { version?: string } =>
  version === undefined ? {} : { version }

/** The version that a call was meant for is not in force; nothing is lost by asking again. */
function replaced(role: Role, meant: string | undefined, inForce: string | undefined, cause?: unknown): TransientError {
  const name = (version: string | undefined): string =>
    version === undefined ? 'the configured model' : `version ${version}`
  return new TransientError(
    'MODEL_REPLACED',
    `roles.${role}: ${name(inForce)} was announced in place of ${name(meant)}, which the call was for`,
    { outage: true, cause },
  )
}

/** After these the endpoint may have worked for nothing. */
const mayHaveCost: ReadonlySet<CallRecord['outcome']> = new Set([
  'aborted',
  'ENDPOINT_TIMEOUT',
  'ENDPOINT_STALLED',
  'ENDPOINT_FAILED',
  'CONNECTION_LOST',
  'ANSWER_MALFORMED',
])

function costField(model: Served, usage: TokenUsage): { cost?: Cost } {
  const cost = costOf(model.settings.price, usage)
  return cost === undefined ? {} : { cost }
}

/** Whether there is nothing to wait for. */
function isUndefined(wait: Promise<void> | undefined): boolean {
  // Whoever is to wait asks again.
  wait?.catch(() => undefined)
  return wait === undefined
}

/** The same for calls with the same text. */
const prefixOf = (prompt: string): string => createHash('sha1').update(prompt).digest('base64')

const noTokens = (): TokenUsage => ({ prompt: 0, cached: 0, completion: 0, reasoning: 0 })

/** The request in the endpoint's terms. What is undefined is left out, so that the endpoint's own default holds. */
function completionOperation(settings: ModelSettings, request: CompletionRequest, sampling: Sampling): Operation {
  const { temperature, topP, maxTokens } = sampling
  const shared = {
    ...settings.extraBody,
    model: settings.model,
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(request.seed === undefined ? {} : { seed: request.seed }),
    ...(request.stop === undefined || request.stop.length === 0 ? {} : { stop: [...request.stop] }),
  }
  if (settings.mode === 'raw') {
    return {
      path: 'completions',
      body: { ...shared, prompt: request.prompt, ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }) },
    }
  }
  return {
    path: 'chat/completions',
    body: {
      ...shared,
      messages: [{ role: 'user', content: request.prompt }],
      ...(maxTokens === undefined ? {} : { [settings.maxTokensField]: maxTokens }),
      ...(settings.reasoningEffort === undefined ? {} : { reasoning_effort: settings.reasoningEffort }),
    },
  }
}

/** In raw mode the prompt itself may end inside a think block. In chat mode the template may, which nobody tells us. */
const opensReasoning = ({ mode }: ModelSettings, { prompt }: CompletionRequest): boolean =>
  mode === 'raw' && prompt.trimEnd().endsWith('<think>')

function outcomeOf(error: unknown): CallRecord['outcome'] {
  const kind = kindOf(error)
  if (kind === 'configuration') return 'configuration'
  return kind === undefined ? 'aborted' : (error as { code: TransientCode | InvalidRecordCode }).code
}
