/**
 * Settings for one endpoint that is known by its URL alone: asks it for its models and gives each role one.
 * The rules, in this order, each told in a sentence:
 * 1. Models named `sim-<role>` or `sim-<role>-<letter>` (the simulator's) take the role of their name.
 * 2. A model whose name says its job (`roleWords`) takes that job; annotator, judge and solver take all such models.
 * 3. A released problem-generation model (PromptCoT ... Prompt-Generation) writes problems, in raw mode.
 * 4. Every other role falls to the largest model by the billions in its name, or to the first where no name has any.
 *    Embedding, reranking, speech and image models are never given a role that writes text.
 * 5. Nothing writes rationales of human problems: rationale learning needs a trainer, and a file that says so.
 * 6. The embedder is a model that answers a real request for an embedding, or none.
 */
import { Agent } from 'undici'
import { ConfigurationError, kindOf } from '../engine/errors.ts'
import { roles } from '../engine/ports.ts'
import type { Role, Sampling } from '../engine/ports.ts'
import { readEmbeddings } from './answers.ts'
import type { ListedModel } from './answers.ts'
import { parseInferenceSettings, rawMaxTokens } from './configuration.ts'
import type { InferenceSettings } from './configuration.ts'
import { defaultLookSeconds, Endpoint } from './endpoint.ts'
import { transportOptions } from './wire.ts'

interface DiscoverOptions {
  /** Base URL of the API, as a rule ending in /v1. */
  url: string
  /** Environment variable that holds the key; no key is sent where it holds none. */
  apiKeyVariable?: string
  /** Use these of the endpoint's models alone. */
  models?: readonly string[]
  /** The value of an environment variable. */
  secret: (variable: string) => string | undefined
  signal: AbortSignal
}

/** What was found. */
export interface Discovery {
  settings: InferenceSettings
  /** One sentence a role: which model does it, and why. */
  sentences: string[]
  /** The voter is one of the solvers: votes must be allowed to come from the model that is judged by them. */
  allowSelfVote: boolean
  /** The endpoint is the project's simulator. */
  simulated: boolean
}

/** The name of the endpoint in the settings. */
const endpointName = 'endpoint'

/** Words in a model's name that tell its job. */
const roleWords: Readonly<Record<Exclude<Role, 'rationale-writer'>, RegExp>> = {
  annotator: /annotat/i,
  embedder: /embed|(?:^|[/_-])(?:bge|e5|gte)[_-]|minilm/i,
  'problem-writer': /prompt-?cot.*(?:prompt|problem)-?generation|problem-?(?:writer|generat)/i,
  'test-writer': /test-?(?:writer|case|generat)/i,
  voter: /voter/i,
  solver: /solver|self-?play/i,
  teacher: /teacher/i,
  judge: /judge/i,
}

/** Models that continue text without a chat template. */
const rawNames = /prompt-?cot.*(?:prompt|problem)-?generation|^sim-problem-writer/i

/** Models that do not write text for us. */
const otherTrades =
  /embed|rerank|reward|whisper|tts|transcri|audio|realtime|dall-e|image|sora|moderation|guard|(?:^|[/_-])(?:bge|e5|gte)[_-]|minilm/i

/** Roles that are better with several models. */
const severalModels: ReadonlySet<Role> = new Set(['annotator', 'judge', 'solver'])

/** The released recipe's sampling (docs/inference.md), where it has one for the role; the endpoint's own defaults hold elsewhere. */
const recipe: Readonly<Partial<Record<Role, Sampling>>> = {
  'problem-writer': { temperature: 0.8, maxTokens: 4096 },
  'test-writer': { temperature: 0.6, maxTokens: 16_384 },
  judge: { temperature: 0.6 },
  teacher: { temperature: 1, maxTokens: 16_384 },
}

/** How much of the context is left for the prompt when maxTokens is fitted to it, in tokens. */
const promptTokens = 4096

/** Roles that are given to whatever the endpoint has. */
type WritingRole = Exclude<Role, 'embedder' | 'rationale-writer'>

interface Choice {
  models: ListedModel[]
  why: string
}

/**
 * Asks the endpoint and assigns the roles. Throws TransientError where it cannot be reached, ConfigurationError where
 * it refuses the key, is no such API, or has no model that can write.
 */
export async function discoverSettings({
  url,
  apiKeyVariable,
  models,
  secret,
  signal,
}: DiscoverOptions): Promise<Discovery> {
  const key = apiKeyVariable === undefined ? undefined : secret(apiKeyVariable)?.trim()
  const hasKey = key !== undefined && key !== ''
  const endpointInput = { url, ...(apiKeyVariable !== undefined && hasKey ? { apiKeyVariable } : {}) }
  // Checks the URL before anything is sent.
  const { endpoints } = parseInferenceSettings({ endpoints: { [endpointName]: endpointInput }, models: {}, roles: {} })
  const agent = new Agent(transportOptions)
  try {
    const endpoint = new Endpoint(
      endpointName,
      endpoints[endpointName] as InferenceSettings['endpoints'][string],
      hasKey ? key : undefined,
      { agent, lookSeconds: defaultLookSeconds },
    )
    const listed = choose(await endpoint.listModels(signal), models, url)
    const choices = assignRoles(listed)
    const embedder = await findEmbedder(endpoint, listed, signal)
    return describe(endpointInput, choices, embedder, listed, endpoint.simulated)
  } finally {
    await agent.destroy()
  }
}

function choose(listed: ListedModel[], wanted: readonly string[] | undefined, url: string): ListedModel[] {
  const names = listed.map(({ id }) => id)
  const missing = (wanted ?? []).filter((name) => !names.includes(name))
  if (missing.length > 0) {
    throw new ConfigurationError([
      `${url}: expected the model ${missing.join(', ')}, got only ${names.join(', ') || '(none)'}; correct the name or serve it`,
    ])
  }
  return wanted === undefined ? listed : wanted.flatMap((name) => listed.filter(({ id }) => id === name))
}

/** Every role that writes text and is taken up by itself, with its models. */
function assignRoles(listed: readonly ListedModel[]): Map<WritingRole, Choice> {
  const writers = listed.filter(({ id }) => !otherTrades.test(id))
  const general = writers.filter(({ id }) => !rawNames.test(id))
  const fallback = largest(general.length > 0 ? general : writers)
  if (fallback === undefined) {
    throw new ConfigurationError([
      `expected a model that writes text, got ${listed.length === 0 ? 'no model at all' : `only ${listed.map(({ id }) => id).join(', ')}`}; serve one`,
    ])
  }
  const sizes = new Set(writers.map(billions))
  const whyFallback =
    writers.length === 1
      ? 'the only model there'
      : sizes.size > 1
        ? 'the largest model by its name, and no name says this job'
        : 'the first model, and no name says this job'
  const choices = new Map<WritingRole, Choice>()
  for (const role of roles) {
    if (role === 'embedder' || role === 'rationale-writer') continue
    const simulated = writers.filter(({ id }) => new RegExp(`^sim-${role}(?:-[a-z])?$`).test(id))
    // The simulator's names say exactly one job each.
    const named =
      simulated.length > 0 ? simulated : writers.filter(({ id }) => !id.startsWith('sim-') && roleWords[role].test(id))
    const kept = severalModels.has(role) ? named : named.slice(0, 1)
    choices.set(
      role,
      kept.length > 0 ? { models: kept, why: 'named for it' } : { models: [fallback], why: whyFallback },
    )
  }
  return choices
}

/** Billions of parameters by the name (Qwen3-30B-A3B: 30); 0 where it has none. */
function billions({ id }: ListedModel): number {
  const sizes = id.matchAll(/(?<![a-z0-9.])(\d+(?:\.\d+)?)b(?![a-z0-9])/gi)
  return [...sizes].reduce((most, [, size]) => Math.max(most, Number(size)), 0)
}

function largest(models: readonly ListedModel[]): ListedModel | undefined {
  return models.reduce<ListedModel | undefined>(
    (best, model) => (best === undefined || billions(model) > billions(best) ? model : best),
    undefined,
  )
}

/** A model that really answers a request for an embedding: those named for it, else the only model. */
async function findEmbedder(
  endpoint: Endpoint,
  listed: readonly ListedModel[],
  signal: AbortSignal,
): Promise<{ model?: string; why: string }> {
  const named = listed.filter(({ id }) => roleWords.embedder.test(id))
  const [only] = listed
  const candidates = named.length > 0 ? named : listed.length === 1 && only !== undefined ? [only] : []
  if (candidates.length === 0) return { why: 'no model is named for it' }
  for (const { id } of candidates) {
    const body = { model: id, input: ['number theory'], encoding_format: 'float' as const }
    try {
      await endpoint.call({ path: 'embeddings', body }, (answer) => readEmbeddings(answer, 1), { model: id, signal })
      return { model: id, why: named.length > 0 ? 'named for it' : 'it answers requests for embeddings' }
    } catch (error) {
      if (signal.aborted || kindOf(error) === undefined) throw error
      // An endpoint that has gone away says nothing about embeddings: without them all sampling would change.
      const { code } = error as { code?: unknown }
      if (code === 'ENDPOINT_UNREACHABLE' || code === 'CONNECTION_LOST') throw error
    }
  }
  return {
    why: `${candidates.map(({ id }) => id).join(', ')} ${candidates.length === 1 ? 'does' : 'do'} not answer requests for embeddings`,
  }
}

function describe(
  endpointInput: { url: string; apiKeyVariable?: string },
  choices: ReadonlyMap<WritingRole, Choice>,
  embedder: { model?: string; why: string },
  listed: readonly ListedModel[],
  simulated: boolean,
): Discovery {
  const models: Record<string, unknown> = {}
  const assigned: Partial<Record<Role, string[]>> = {}
  const sentences = [
    `${endpointInput.url} has ${listed.length} ${listed.length === 1 ? 'model' : 'models'}: ${listed.map(({ id }) => id).join(', ')}.`,
  ]
  for (const role of roles) {
    if (role === 'embedder') {
      if (embedder.model === undefined) {
        sentences.push(
          `${role}: none (${embedder.why}), so concepts are sampled by how often they occur together alone.`,
        )
      } else {
        models[role] = { model: embedder.model, endpoints: [endpointName] }
        assigned[role] = [role]
        sentences.push(`${role}: ${embedder.model} (${embedder.why}).`)
      }
      continue
    }
    const choice = role === 'rationale-writer' ? undefined : choices.get(role)
    if (choice === undefined) continue
    assigned[role] = choice.models.map((model, index) => {
      const key = choice.models.length === 1 ? role : `${role}-${index + 1}`
      const mode = rawNames.test(model.id) ? 'raw' : 'chat'
      models[key] = {
        model: model.id,
        endpoints: [endpointName],
        mode,
        sampling: fitted(recipe[role] ?? {}, mode, model.contextTokens),
      }
      return key
    })
    const raw = choice.models.some(({ id }) => rawNames.test(id)) ? ', as raw text without a chat template' : ''
    sentences.push(`${role}: ${choice.models.map(({ id }) => id).join(', ')} (${choice.why}${raw}).`)
  }
  const solvers = new Set(choices.get('solver')?.models.map(({ id }) => id))
  const allowSelfVote = choices.get('voter')?.models.some(({ id }) => solvers.has(id)) ?? false
  if (allowSelfVote)
    sentences.push(
      'The voter is also a solver, so answers are voted on by the model that they will judge; a second model would be a better judge.',
    )
  const settings = parseInferenceSettings({ endpoints: { [endpointName]: endpointInput }, models, roles: assigned })
  return { settings, sentences, allowSelfVote, simulated }
}

/** The recipe's sampling with maxTokens cut to what the model's context leaves after the prompt. */
function fitted(sampling: Sampling, mode: 'chat' | 'raw', contextTokens: number | undefined): Sampling {
  const wanted = sampling.maxTokens ?? (mode === 'raw' ? rawMaxTokens : undefined)
  if (wanted === undefined) return sampling
  if (contextTokens === undefined) return { ...sampling, maxTokens: wanted }
  return {
    ...sampling,
    maxTokens: Math.min(wanted, Math.max(Math.floor(contextTokens / 2), contextTokens - promptTokens)),
  }
}
