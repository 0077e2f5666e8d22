/** Models behind endpoints: roles to models, models to endpoints, one slot a call, totals by role. Implements the engine's `Inference`. */
import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type OpenAI from 'openai'
import { Agent } from 'undici'
import { ConfigurationError, kindOf } from '../engine/errors.ts'
import type { InvalidRecordCode, TransientCode, TransientError } from '../engine/errors.ts'
import type {
  CallOptions,
  Completion,
  CompletionRequest,
  Embedding,
  EmbeddingRequest,
  Inference,
  Role,
  RoleModel,
  Sampling,
  TokenUsage,
} from '../engine/ports.ts'
import { countTokens, readCompletion, readEmbeddings } from './answers.ts'
import { rawMaxTokens } from './configuration.ts'
import type { InferenceSettings, ModelSettings } from './configuration.ts'
import { defaultLookSeconds, Endpoint, rememberedFailures, WithheldError } from './endpoint.ts'

import { splitReasoning } from './reasoning.ts'
import { Recent } from './recent.ts'
import { type EndpointSlots, ModelLine } from './slots.ts'
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
  simulated: boolean
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
  outcome: 'completed' | 'aborted' | 'configuration' | TransientCode | InvalidRecordCode
  /** All zero where nothing was answered. */
  tokens: TokenUsage
  estimated: boolean
  /** Time at the endpoint, in seconds. */
  latencySeconds: number
  /** Time in our own queue, in seconds. */
  queueSeconds: number
}

/** What one endpoint answered when it was asked for its models. */
interface EndpointCheck {
  name: string
  url: string
  /** Absent where it could not be asked. */
  models?: string[]
  simulated: boolean
  /** Why it could not be asked, or which configured model it lacks: one line with the cure. */
  fault?: Error
}

export interface InferenceOptions {
  /** The value of an environment variable. */
  secret: (variable: string) => string | undefined
  /** Called after every call that had a slot. Must not throw. */
  onCall?: (call: CallRecord) => void
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
  /** Closes all connections. Calls in flight fail: abort and await them first. */
  close(): Promise<void>
}

/** A model as configured, with its queue and its endpoints. */
interface Served {
  key: string
  settings: ModelSettings
  line: ModelLine
  endpoints: Map<string, Endpoint>
  roleModel: RoleModel
}

/** Connects the configured models. Throws ConfigurationError where a named variable holds no key. Opens no connection yet. */
export function createInference(
  settings: InferenceSettings,
  { secret, onCall, lookSeconds = defaultLookSeconds }: InferenceOptions,
): ConfiguredInference {
  const agent = new Agent(transportOptions)
  const endpoints = connect(settings, secret, { agent, lookSeconds })
  const served = new Map(Object.entries(settings.models).map(([key, model]) => [key, serve(key, model, endpoints)]))
  const byRole = new Map<Role, Served[]>()
  for (const [role, keys] of Object.entries(settings.roles) as [Role, string[]][]) {
    byRole.set(
      role,
      keys.map((key) => served.get(key)).filter((model) => model !== undefined),
    )
  }
  const totals = new Map<Role, RoleTotals>()
  /** Where calls have failed, by request id: they go elsewhere, and when no other one takes calls, anywhere but where they failed last. */
  const failedAt = new Recent<string, ReadonlySet<EndpointSlots>>(rememberedFailures)

  const remember = (requestId: string, slots: EndpointSlots, { line }: Served): void => {
    const all = new Set([...(failedAt.get(requestId) ?? []), slots])
    const isLeft = line.endpoints.some((one) => !all.has(one) && one.paused === undefined)
    failedAt.set(requestId, isLeft ? all : new Set([slots]))
  }

  const select = (role: Role, model: string | undefined): Served => {
    const models = byRole.get(role) ?? []
    const [first] = models
    if (first === undefined) {
      throw new ConfigurationError([
        `roles.${role}: expected at least one model, got none; add the role to the configuration`,
      ])
    }
    if (model === undefined) {
      if (models.length > 1) throw new TypeError(`the role ${role} has ${models.length} models: say which`)
      return first
    }
    const chosen = models.find(({ settings: { model: name } }) => name === model)
    if (chosen !== undefined) return chosen
    const known = models.map(({ settings: { model: name } }) => name).join(', ')
    throw new ConfigurationError([
      `roles.${role}: expected the model ${model}, which existing work asks for, got only ${known}; put it back into the configuration`,
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
    const { price } = model.settings
    if (price !== undefined) {
      const cost = (call.tokens.prompt * price.inputPerMillion + call.tokens.completion * price.outputPerMillion) / 1e6
      total.cost[price.currency] = (total.cost[price.currency] ?? 0) + cost
    }
    onCall?.(call)
  }

  /** One call: waits for a slot, sends, reads, counts. `read` gives the result and its tokens. */
  const perform = async <Result>(
    role: Role,
    model: Served,
    operation: Operation,
    read: (body: Record<string, unknown>) => { value: Result; usage: TokenUsage; estimated: boolean },
    { requestId, signal, beforeSending, sending, ...wish }: CallOptions & { prefix?: string },
  ) => {
    // A processor's calls share signals: hundreds of listeners on one are no leak.
    setMaxListeners(0, signal)
    if (sending) setMaxListeners(0, sending)
    for (;;) {
      const queued = performance.now()
      const avoid = failedAt.get(requestId)
      const slots = await model.line.acquire(sending ? [signal, sending] : [signal], { ...wish, avoid })
      const started = performance.now()
      const endpoint = model.endpoints.get(slots.name)
      const call: CallRecord = {
        role,
        model: model.settings.model,
        endpoint: slots.name,
        requestId,
        outcome: 'aborted',
        tokens: noTokens(),
        estimated: false,
        latencySeconds: 0,
        queueSeconds: (started - queued) / 1000,
      }
      try {
        if (endpoint === undefined) throw new Error(`no endpoint ${slots.name}`)
        await beforeSending?.()
        const { result, latencySeconds } = await endpoint.call(operation, read, {
          model: model.settings.model,
          requestId,
          signal,
          ...(beforeSending && { mayBeSent: () => isUndefined(beforeSending()) }),
        })
        failedAt.delete(requestId)
        call.outcome = 'completed'
        call.latencySeconds = latencySeconds
        call.tokens = result.usage
        call.estimated = result.estimated
        return {
          ...result,
          provenance: {
            model: model.settings.model,
            endpoint: slots.name,
            simulated: endpoint.simulated,
            usage: result.usage,
            latencySeconds,
            requestId,
          },
        }
      } catch (error) {
        call.latencySeconds = (performance.now() - started) / 1000
        call.outcome = outcomeOf(error)
        if (error instanceof WithheldError) continue
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
    modelsOf: (role) => (byRole.get(role) ?? []).map(({ roleModel }) => roleModel),

    slotsOf: (role) => {
      const used = new Set((byRole.get(role) ?? []).flatMap((model) => [...model.endpoints.values()]))
      return [...used].reduce((sum, { limit }) => sum + limit.value, 0)
    },

    async complete(request: CompletionRequest, options: CallOptions): Promise<Completion> {
      const model = select(request.role, request.model)
      const sampling = { ...model.settings.sampling, ...request.sampling }
      if (model.settings.mode === 'raw') sampling.maxTokens ??= rawMaxTokens
      const { value, provenance } = await perform(
        request.role,
        model,
        completionOperation(model.settings, request, sampling),
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
        { ...options, prefix: prefixOf(request.prompt) },
      )
      return { ...value, ...provenance, sampling, seed: request.seed }
    },

    async embed({ role, texts }: EmbeddingRequest, options: CallOptions): Promise<Embedding> {
      const model = select(role, undefined)
      const body: OpenAI.EmbeddingCreateParams = {
        model: model.settings.model,
        input: [...texts],
        encoding_format: 'float',
      }
      const { value, provenance } = await perform(
        role,
        model,
        { path: 'embeddings', body: { ...model.settings.extraBody, ...body } },
        (answer) => {
          const { vectors, usage } = readEmbeddings(answer, texts.length)
          const prompt = texts.reduce((sum, text) => sum + text.length, 0)
          return { value: vectors, ...countTokens(usage, { prompt, reasoning: 0, text: 0 }) }
        },
        options,
      )
      return { vectors: value, ...provenance }
    },

    status: () =>
      [...endpoints.values()].map(
        ({ name, settings: { url }, slots, completed, failed, lastError, down, simulated }) => ({
          name,
          url,
          inFlight: slots.inFlight,
          waiting: slots.waiting,
          limit: slots.limit.value,
          completed,
          failed,
          ...(lastError === undefined ? {} : { lastError }),
          down,
          simulated,
        }),
      ),

    totals: () => totals,

    check: (signal) =>
      Promise.all([...endpoints.values()].map((endpoint) => checkEndpoint(endpoint, settings, signal))),

    async close() {
      for (const endpoint of endpoints.values()) endpoint.close()
      await agent.destroy()
    },
  }
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

/** The endpoints with their keys. All missing keys are reported at once. */
function connect(
  settings: InferenceSettings,
  secret: InferenceOptions['secret'],
  transport: { agent: Agent; lookSeconds: number },
): Map<string, Endpoint> {
  const faults: string[] = []
  const endpoints = new Map<string, Endpoint>()
  for (const [name, endpoint] of Object.entries(settings.endpoints)) {
    const { apiKeyVariable } = endpoint
    const value = apiKeyVariable === undefined ? undefined : secret(apiKeyVariable)?.trim()
    const key = value === '' ? undefined : value
    if (apiKeyVariable !== undefined && key === undefined) {
      faults.push(
        `endpoints.${name}.apiKeyVariable: expected a key in the environment variable ${apiKeyVariable}, got nothing; set it, or remove apiKeyVariable where the endpoint needs no key`,
      )
    }
    endpoints.set(name, new Endpoint(name, endpoint, key, transport))
  }
  if (faults.length > 0) throw new ConfigurationError(faults)
  return endpoints
}

function serve(key: string, settings: ModelSettings, all: ReadonlyMap<string, Endpoint>): Served {
  const endpoints = new Map<string, Endpoint>()
  for (const name of settings.endpoints) {
    const endpoint = all.get(name)
    if (endpoint === undefined)
      throw new ConfigurationError([
        `models.${key}.endpoints: expected a configured endpoint, got ${name}; add it under endpoints`,
      ])
    endpoints.set(name, endpoint)
  }
  return {
    key,
    settings,
    endpoints,
    line: new ModelLine([...endpoints.values()].map(({ slots }) => slots)),
    roleModel: {
      model: settings.model,
      mode: settings.mode,
      sampling: settings.sampling,
    },
  }
}

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

async function checkEndpoint(
  endpoint: Endpoint,
  settings: InferenceSettings,
  signal: AbortSignal,
): Promise<EndpointCheck> {
  const {
    name,
    settings: { url },
  } = endpoint
  try {
    const models = (await endpoint.listModels(signal)).map(({ id }) => id)
    const lacking = Object.values(settings.models).filter(
      ({ endpoints, model }) => endpoints.includes(name) && !models.includes(model),
    )
    const faults = lacking.map(
      ({ model }) =>
        `endpoint ${name} (${url}): expected the model ${model}, got none of that name; use one of ${models.join(', ') || '(none)'}, or serve it`,
    )
    return {
      name,
      url,
      models,
      simulated: endpoint.simulated,
      ...(faults.length === 0 ? {} : { fault: new ConfigurationError([...new Set(faults)]) }),
    }
  } catch (error) {
    if (signal.aborted || kindOf(error) === undefined) throw error
    return { name, url, simulated: endpoint.simulated, fault: error as Error }
  }
}
