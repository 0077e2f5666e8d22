/** What endpoints can do, found by asking each a few tiny requests. Nothing is tried again, and no answer is awaited for longer than `probeSeconds`. */
import { Agent } from 'undici'
import { type ListedModel, readCompletion, readModels, readUsage } from './answers.ts'
import { endpointsOf } from './configuration.ts'
import type { EndpointSettings, InferenceSettings, ModelSettings } from './configuration.ts'
import { StreamedAnswer } from './events.ts'
import { describeFault, failureOf, type Fault, faultOf } from './failures.ts'
import { metricsUrlOf, readLoad } from './load.ts'
import { isScored, scoredTokens, scoringFields } from './scores.ts'
import { type Operation, transportOptions, Wire } from './wire.ts'

/** Longest wait for one answer, in seconds. */
const probeSeconds = 30

/** Most tokens of an answer. */
const mostTokens = 16

/** Long enough for a few tokens, and whose continuation is anyone's guess. */
const prompt = 'Write ten random words, one on a line:'

/** What an endpoint may be able to do, in the order in which it is asked. */
type AbilityName =
  /** Answers plain requests of the model's mode. */
  | 'completions'
  /** Keeps to the field in which the model's requests name the most tokens. */
  | 'token limit'
  /** Answers in pieces, with the counts of tokens. */
  | 'streaming'
  /** Gives several answers to one request (`n`). */
  | 'several answers'
  /** Repeats itself with the same seed. */
  | 'seeds'
  /** Scores a text that it is given, token by token. */
  | 'logprobs of given text'

/** What came of asking. */
export interface Ability {
  name: AbilityName
  /** Unknown: it did not answer, or what it answered says nothing. */
  can: 'yes' | 'no' | 'unknown'
  /** One line. */
  detail: string
}

/** Whose metrics an endpoint has; `others`: a page that does not tell running and waiting calls. */
type MetricsOf = 'vLLM' | 'SGLang' | 'llama.cpp' | 'others' | 'nobody'

/** What one endpoint answered. */
export interface EndpointReport {
  name: string
  settings: EndpointSettings
  simulated: boolean
  /** Empty where it could not be asked. */
  models: ListedModel[]
  /** Models that the configuration expects and that it does not list. */
  missing: string[]
  metrics: MetricsOf
  metricsUrl: string
  /** The model that was asked; undefined where none of its models writes, or the one that does is missing. */
  model?: ModelSettings
  abilities: Ability[]
  /** Why it could not be asked for its models: one line with the cure. */
  fault?: Error
}

/** Asks all endpoints, side by side: each its models and metrics, and of its first model that writes what it can do. Rejects for the signal alone. */
export async function probeEndpoints(
  settings: InferenceSettings,
  { secret, signal }: { secret: (variable: string) => string | undefined; signal: AbortSignal },
): Promise<EndpointReport[]> {
  const agent = new Agent(transportOptions)
  try {
    return await Promise.all(
      Object.entries(settings.endpoints).map(async ([name, endpoint]) => {
        const { apiKeyVariable } = endpoint
        const key = apiKeyVariable === undefined ? undefined : secret(apiKeyVariable)?.trim()
        return await probeEndpoint(
          name,
          endpoint,
          new Wire(endpoint.url, key === '' ? undefined : key, agent),
          settings,
          signal,
        )
      }),
    )
  } finally {
    await agent.destroy()
  }
}

async function probeEndpoint(
  name: string,
  settings: EndpointSettings,
  wire: Wire,
  { models, roles }: InferenceSettings,
  signal: AbortSignal,
): Promise<EndpointReport> {
  const served = Object.entries(models).filter(([, model]) => endpointsOf(model).some((one) => one.name === name))
  const report: EndpointReport = {
    name,
    settings,
    simulated: false,
    models: [],
    missing: [],
    metrics: 'nobody',
    metricsUrl: metricsUrlOf(settings.url),
    abilities: [],
  }
  try {
    const { body } = await wire.exchange({ path: 'models' }, { timeoutSeconds: probeSeconds }, {}, signal)
    report.models = readModels(body)
  } catch (error) {
    const fault = faultIn(error, signal)
    const { url, apiKeyVariable } = settings
    const key = apiKeyVariable === undefined ? {} : { apiKeyVariable }
    return { ...report, fault: failureOf(fault, { endpoint: name, url, timeoutSeconds: probeSeconds, ...key }, error) }
  }
  const listed = new Set(report.models.map(({ id }) => id))
  report.missing = [...new Set(served.map(([, { model }]) => model).filter((model) => !listed.has(model)))]
  report.metrics = await metricsOf(wire, report.metricsUrl, signal)
  report.simulated = wire.simulated
  const writing = served.filter(([key, { model }]) => listed.has(model) && !(roles.embedder ?? []).includes(key))
  const [, model] = writing.find(([, { mode }]) => mode === 'chat') ?? writing[0] ?? []
  if (model === undefined) return report
  return { ...report, model, abilities: await abilitiesOf(new Asking(wire, model, signal)) }
}

async function metricsOf(wire: Wire, url: string, signal: AbortSignal): Promise<MetricsOf> {
  let page
  try {
    page = await wire.page(url, probeSeconds, [signal])
  } catch {
    signal.throwIfAborted()
  }
  if (page === undefined) return 'nobody'
  if (readLoad(page) === undefined) return 'others'
  return /^vllm:/m.test(page) ? 'vLLM' : /^sglang:/m.test(page) ? 'SGLang' : 'llama.cpp'
}

/** Rethrows what is no fault of the endpoint. */
function faultIn(error: unknown, signal: AbortSignal): Fault {
  signal.throwIfAborted()
  const fault = faultOf(error, false)
  if (fault === undefined) throw error
  return fault
}

/** One model at one endpoint, to be asked. */
class Asking {
  readonly model: ModelSettings
  private readonly wire: Wire
  private readonly signal: AbortSignal

  constructor(wire: Wire, model: ModelSettings, signal: AbortSignal) {
    this.wire = wire
    this.model = model
    this.signal = signal
  }

  /** A request as those of this model are, with a limit of tokens in its field unless `more` has one. */
  request(more: Record<string, unknown> = {}, limitField: string = this.model.maxTokensField): Operation {
    const { extraBody, model, mode, reasoningEffort } = this.model
    const shared = { ...extraBody, model }
    if (mode === 'raw') return { path: 'completions', body: { ...shared, prompt, max_tokens: mostTokens, ...more } }
    const messages = [{ role: 'user' as const, content: prompt }]
    const effort = reasoningEffort === undefined ? {} : { reasoning_effort: reasoningEffort }
    return { path: 'chat/completions', body: { ...shared, messages, ...effort, [limitField]: mostTokens, ...more } }
  }

  /** The body of the answer. */
  async send(operation: Operation): Promise<{ body: Record<string, unknown>; latencySeconds: number }> {
    return await this.wire.exchange(operation, { timeoutSeconds: probeSeconds }, {}, this.signal)
  }

  /** The same answer in pieces. */
  async stream(operation: Operation): Promise<StreamedAnswer> {
    const streamed = new StreamedAnswer(this.model.mode, transportOptions.maxResponseSize)
    await this.wire.exchange(operation, { idleSeconds: probeSeconds, streamed }, {}, this.signal)
    return streamed
  }

  /** All that was written, the reasoning too. */
  async text(more: Record<string, unknown>): Promise<string> {
    const { reasoning = '', content } = readCompletion((await this.send(this.request(more))).body, this.model.mode)
    return reasoning + content
  }

  /** What `ask` finds; no where the endpoint refuses the request, unknown where it fails or is silent. */
  async ability(name: AbilityName, ask: () => Promise<Omit<Ability, 'name'>>): Promise<Ability> {
    try {
      return { name, ...(await ask()) }
    } catch (error) {
      const fault = faultIn(error, this.signal)
      return {
        name,
        can: isRefusal(fault) ? 'no' : 'unknown',
        detail: describeFault(fault, { timeoutSeconds: probeSeconds }),
      }
    }
  }
}

/** Whether the endpoint understood the request and will not have it, now or later. */
const isRefusal = (fault: Fault): boolean =>
  fault.kind === 'status' &&
  (fault.status === 501 || (fault.status >= 400 && fault.status < 500 && ![402, 408, 429].includes(fault.status)))

async function abilitiesOf(asking: Asking): Promise<Ability[]> {
  const first = await asking.ability('completions', async () => {
    const { body, latencySeconds } = await asking.send(asking.request())
    readCompletion(body, asking.model.mode)
    const counts = readUsage(body['usage'])?.completion === undefined ? 'tokens are not counted' : 'tokens are counted'
    return { can: 'yes', detail: `${asking.model.mode}, ${latencySeconds.toFixed(2)} s, ${counts}` }
  })
  const { limit, isKeptByAnother } = await tokenLimit(asking)
  // Then it is the field that is refused.
  if (first.can !== 'yes') return [first, ...(isKeptByAnother ? [limit] : [])]
  return [
    first,
    limit,
    await asking.ability('streaming', () => streaming(asking)),
    await asking.ability('several answers', () => severalAnswers(asking)),
    await asking.ability('seeds', () => seeds(asking)),
    await givenText(asking),
  ]
}

async function tokenLimit(asking: Asking): Promise<{ limit: Ability; isKeptByAnother: boolean }> {
  const configured = asking.model.mode === 'raw' ? 'max_tokens' : asking.model.maxTokensField
  const fields = asking.model.mode === 'raw' ? [configured] : ['max_tokens', 'max_completion_tokens']
  const found = new Map<string, Ability>()
  for (const field of fields) {
    const ability = await asking.ability('token limit', async () => {
      const { body } = await asking.send(asking.request({}, field))
      const written = readUsage(body['usage'])?.completion
      if (written === undefined) return { can: 'unknown', detail: 'taken; tokens are not counted' }
      return written > mostTokens
        ? { can: 'no', detail: `not kept: ${written} tokens where ${mostTokens} were allowed` }
        : { can: 'yes', detail: 'kept' }
    })
    found.set(field, ability)
  }
  const detail = [...found].map(([field, one]) => `${field}: ${one.detail}`).join('; ')
  const isKeptByAnother = [...found].some(([field, one]) => field !== configured && one.can === 'yes')
  return { limit: { name: 'token limit', can: found.get(configured)?.can ?? 'unknown', detail }, isKeptByAnother }
}

async function streaming(asking: Asking): Promise<Omit<Ability, 'name'>> {
  const streamed = await asking.stream(asking.request())
  if (streamed.isPlain) return { can: 'no', detail: 'answers as if no stream had been asked for' }
  return readUsage(streamed.usage) === undefined
    ? { can: 'yes', detail: 'without counts of tokens: they are estimated' }
    : { can: 'yes', detail: 'with counts of tokens' }
}

async function severalAnswers(asking: Asking): Promise<Omit<Ability, 'name'>> {
  const { body } = await asking.send(asking.request({ n: 2, temperature: 1 }))
  const count = Array.isArray(body['choices']) ? body['choices'].length : 0
  return { can: count === 2 ? 'yes' : 'no', detail: `${count} where n was 2` }
}

async function seeds(asking: Asking): Promise<Omit<Ability, 'name'>> {
  const [one, same, other] = [
    await asking.text({ seed: 1, temperature: 1 }),
    await asking.text({ seed: 1, temperature: 1 }),
    await asking.text({ seed: 2, temperature: 1 }),
  ]
  if (one !== same) return { can: 'no', detail: 'two answers with one seed, at temperature 1, differ' }
  return one === other
    ? { can: 'unknown', detail: 'an answer with another seed, at temperature 1, is the same too' }
    : { can: 'yes', detail: 'two answers with one seed, at temperature 1, agree' }
}

/** OpenAI's way first (completions with echo and logprobs), then vLLM's. */
async function givenText(asking: Asking): Promise<Ability> {
  const { extraBody, model } = asking.model
  const reasons: string[] = []
  let isUnknown = false
  for (const method of ['echo', 'prompt_logprobs'] as const) {
    const way = method === 'echo' ? 'echo and logprobs' : method
    const found = await asking.ability('logprobs of given text', async () => {
      const body = { ...extraBody, model, prompt, ...scoringFields[method] }
      const tokens = scoredTokens((await asking.send({ path: 'completions', body })).body, method)
      return isScored(tokens, prompt)
        ? { can: 'yes', detail: `completions with ${way}` }
        : { can: 'no', detail: 'takes no notice' }
    })
    if (found.can === 'yes') return found
    reasons.push(`${way}: ${found.detail}`)
    if (found.can === 'unknown') isUnknown = true
  }
  return { name: 'logprobs of given text', can: isUnknown ? 'unknown' : 'no', detail: reasons.join('; ') }
}
