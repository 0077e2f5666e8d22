/**
 * The part of the configuration file that says which models do the work: `endpoints`, `models` and `roles`.
 * Secrets never stand in the file: an endpoint names the environment variable that holds its key.
 */
import { z } from 'zod'
import { ConfigurationError } from '../engine/errors.ts'
import { announcedRoles, roles } from '../engine/ports.ts'

/** What a value must be, for the sentence about one that is not. Read by `describeIssue` through the schema's metadata. */
interface Expectation {
  /** What the setting is for, with its unit. Also the description in a generated JSON schema. */
  description: string
  /** Completes "expected ...". */
  expected: string
  /** Completes the sentence with what to do. */
  cure: string
}

const expectation = (description: string, expected: string, cure: string): Expectation & Record<string, unknown> => ({
  description,
  expected,
  cure,
})

/** Names of endpoints and models are labels of metrics and parts of messages. */
const name = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const nameRule = '1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit'

/** Upper case only, so that a key pasted in the place of a name is caught. */
const variableName = /^[A-Z_][A-Z0-9_]*$/

/** Body fields that the settings or the calls themselves decide. */
const ownBodyFields = new Set(
  'model messages prompt input stream stream_options n best_of seed stop temperature top_p max_tokens max_completion_tokens reasoning_effort encoding_format'.split(
    ' ',
  ),
)

const isEndpointUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return (
    (url.protocol === 'http:' || url.protocol === 'https:') &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === ''
  )
}

const endpointSettings = z.strictObject({
  url: z
    .string()
    .refine(isEndpointUrl)
    .meta(
      expectation(
        'Base URL of an OpenAI-compatible API, as a rule ending in /v1.',
        'an http or https URL without user name, password, query or fragment',
        'write for example http://127.0.0.1:8000/v1, and put a key into an environment variable named by apiKeyVariable',
      ),
    ),
  apiKeyVariable: z
    .string()
    .regex(variableName)
    .exactOptional()
    .meta(
      expectation(
        'Environment variable that holds the API key. Without it no key is sent.',
        'the name of an environment variable in capitals, not the key itself',
        'put the key into an environment variable and write for example apiKeyVariable: OPENAI_API_KEY',
      ),
    ),
  maxConcurrency: z
    .int()
    .min(1)
    .max(65_536)
    .exactOptional()
    .meta(
      expectation(
        'Most requests in flight at once. Below it the limit is found by itself; without it: 1024 where the metrics of the endpoint can be read, else 64.',
        'a whole number from 1 to 65536',
        'write for example maxConcurrency: 64',
      ),
    ),
  timeoutSeconds: z
    .number()
    .positive()
    .max(604_800)
    .default(3600)
    .meta(
      expectation(
        'Longest time one request may take at the endpoint, in seconds; time in our own queue does not count.',
        'a number of seconds above 0, at most 604800 (a week)',
        'write for example timeoutSeconds: 3600',
      ),
    ),
  stallSeconds: z
    .number()
    .positive()
    .max(604_800)
    .default(300)
    .meta(
      expectation(
        'Where the metrics of the endpoint can be read: its calls go elsewhere when it has work and writes no token for so many seconds.',
        'a number of seconds above 0, at most 604800 (a week)',
        'write for example stallSeconds: 300',
      ),
    ),
  idleSeconds: z
    .number()
    .positive()
    .max(604_800)
    .default(600)
    .meta(
      expectation(
        'A streamed call ends when its answer gets no further for so many seconds; timeoutSeconds does not hold for it.',
        'a number of seconds above 0, at most 604800 (a week)',
        'write for example idleSeconds: 600',
      ),
    ),
  stream: z
    .enum(['auto', 'always', 'never'])
    .default('auto')
    .meta(
      expectation(
        'Whether completions are streamed; auto: where the metrics of the endpoint cannot show that it hangs.',
        'auto, always or never',
        'leave it out, or write for example stream: never',
      ),
    ),
})

const sampling = z.strictObject({
  temperature: z
    .number()
    .min(0)
    .max(5)
    .exactOptional()
    .meta(expectation('Sampling temperature.', 'a number from 0 to 5', 'write for example temperature: 0.6')),
  topP: z
    .number()
    .gt(0)
    .max(1)
    .exactOptional()
    .meta(
      expectation(
        'Nucleus sampling: the probability mass to draw from.',
        'a number above 0, at most 1',
        'write for example topP: 0.95',
      ),
    ),
  maxTokens: z
    .int()
    .min(1)
    .max(10_000_000)
    .exactOptional()
    .meta(
      expectation(
        'Most tokens of a completion, reasoning included.',
        'a whole number from 1 to 10000000',
        'write for example maxTokens: 16384',
      ),
    ),
})

/** A name alone, or a name with a weight. */
const endpointOfModel = z
  .union([
    z.string(),
    z.strictObject({
      name: z
        .string()
        .meta(expectation('Name under `endpoints`.', 'the name of an endpoint', 'write for example name: box')),
      weight: z
        .number()
        .positive()
        .max(1_000_000)
        .default(1)
        .meta(
          expectation(
            "Share of the model's calls in relation to its other endpoints, while all of them have room.",
            'a number above 0, at most 1000000',
            'write for example weight: 2',
          ),
        ),
    }),
  ])
  .meta(
    expectation(
      'An endpoint of the model: its name, or its name and its weight.',
      'the name of an endpoint, or a mapping with name and weight',
      'write for example box, or { name: box, weight: 2 }',
    ),
  )

const pricePerMillion = (description: string) =>
  z
    .number()
    .min(0)
    .meta(expectation(description, 'a number from 0 up', 'write for example 0.15'))

const modelSettings = z.strictObject({
  model: z
    .string()
    .min(1)
    .meta(
      expectation(
        'Name by which the endpoint knows the model.',
        "the model's name at its endpoint",
        'copy it from the list that GET <url>/models gives',
      ),
    ),
  endpoints: z
    .array(endpointOfModel)
    .min(1)
    .meta(
      expectation(
        'Endpoints that serve this model: names under `endpoints`, with a weight where their shares are to differ.',
        'a list of at least one name of an endpoint',
        'write for example endpoints: [box]',
      ),
    ),
  mode: z
    .enum(['chat', 'raw'])
    .default('chat')
    .meta(
      expectation(
        'chat: /chat/completions with one user message; raw: /completions, the text is continued without a chat template.',
        'chat or raw',
        'write mode: chat, or mode: raw for a model that continues text',
      ),
    ),
  sampling: sampling
    .prefault({})
    .meta(
      expectation(
        'Defaults; what a processor sets for a call wins.',
        'a mapping',
        'write for example sampling: { temperature: 0.6 }',
      ),
    ),
  maxTokensField: z
    .enum(['max_tokens', 'max_completion_tokens'])
    .default('max_tokens')
    .meta(
      expectation(
        'Body field that carries sampling.maxTokens in chat mode; some hosted reasoning models take the second alone.',
        'max_tokens or max_completion_tokens',
        'leave it out unless the endpoint refuses max_tokens',
      ),
    ),
  reasoningEffort: z
    .enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh'])
    .exactOptional()
    .meta(
      expectation(
        'Sent as reasoning_effort, chat mode only.',
        'none, minimal, low, medium, high or xhigh',
        'write for example reasoningEffort: medium',
      ),
    ),
  price: z
    .strictObject({
      inputPerMillion: pricePerMillion('Price of a million prompt tokens.'),
      cachedInputPerMillion: pricePerMillion(
        "Price of a million prompt tokens that the endpoint had in its cache. Left out: the prompt tokens' price.",
      ).exactOptional(),
      outputPerMillion: pricePerMillion('Price of a million completion tokens.'),
      currency: z
        .string()
        .regex(/^[A-Z]{3}$/)
        .default('USD')
        .meta(expectation('Currency of both prices.', 'three capital letters', 'write for example currency: USD')),
    })
    .exactOptional()
    .meta(
      expectation(
        'What tokens cost, for the totals.',
        'a mapping with inputPerMillion and outputPerMillion',
        'write for example price: { inputPerMillion: 0.1, outputPerMillion: 0.4 }',
      ),
    ),
  extraBody: z
    .record(z.string(), z.json())
    .default({})
    .meta(
      expectation(
        "Fields added to every request's JSON body, such as top_k or chat_template_kwargs.",
        'a mapping of JSON values',
        'write for example extraBody: { top_k: 20 }',
      ),
    ),
})

const baseSettings = z.strictObject({
  endpoints: z
    .record(z.string().regex(name), endpointSettings)
    .meta(
      expectation(
        'Endpoints by name.',
        'a mapping of names to endpoints',
        'write for example box: { url: http://127.0.0.1:8000/v1 }',
      ),
    ),
  models: z
    .record(z.string().regex(name), modelSettings)
    .meta(
      expectation(
        'Models by name.',
        'a mapping of names to models',
        'write for example solver: { model: Qwen3-8B, endpoints: [box] }',
      ),
    ),
  roles: z
    .partialRecord(
      z.enum(roles),
      z
        .array(z.string())
        .min(1)
        .meta(
          expectation(
            'Models of the role: names under `models`.',
            'a list of at least one name of a model',
            'write for example solver: [solver], or leave the role out',
          ),
        ),
    )
    .meta(
      expectation(
        'Which models do which job.',
        'a mapping of roles to lists of models',
        'write for example solver: [solver]',
      ),
    ),
})

/** Zod schema of the section. Unknown keys are faults, so are names that refer to nothing. */
export const inferenceSettings = baseSettings.superRefine((settings, context) => {
  for (const { path, message } of referenceFaults(settings))
    context.addIssue({ code: 'custom', path: [...path], message })
})

/** The section, checked, defaults filled in. */
export type InferenceSettings = z.infer<typeof inferenceSettings>
export type EndpointSettings = InferenceSettings['endpoints'][string]
export type ModelSettings = InferenceSettings['models'][string]

/** The endpoints of a model, each with its weight. */
export function endpointsOf({ endpoints }: Pick<ModelSettings, 'endpoints'>): { name: string; weight: number }[] {
  return endpoints.map((endpoint) => (typeof endpoint === 'string' ? { name: endpoint, weight: 1 } : endpoint))
}

/** The section as it may stand in the file, as a JSON schema of draft 2020-12: its keys, and definitions that belong to the root. */
export function inferenceJsonSchema(): Record<'properties' | '$defs', Record<string, unknown>> {
  const { properties = {}, $defs = {} } = z.toJSONSchema(inferenceSettings, {
    io: 'input',
    target: 'draft-2020-12',
    reused: 'inline',
    override: ({ jsonSchema }) => {
      // Words for messages: no keywords of the standard.
      delete jsonSchema['expected']
      delete jsonSchema['cure']
    },
  })
  return { properties, $defs }
}

/** Tokens asked for in raw mode where nobody says how many: without a number, /completions stops after 16. */
export const rawMaxTokens = 4096

/**
 * Checks the section of the configuration file. `at` is put before every path in a message, for a section that stands
 * below a key of its own. Throws ConfigurationError with every fault as a sentence: path, expected, got, cure.
 */
export function parseInferenceSettings(value: unknown, at: readonly string[] = []): InferenceSettings {
  const result = inferenceSettings.safeParse(value)
  if (result.success) return result.data
  const issues = result.error.issues
  const faults = issues.flatMap((issue) => describeIssue(issue, value, at))
  // Refinements do not run on a value of the wrong shape: the references in its sound parts are checked all the same.
  if (issues.some((issue) => issue.code !== 'custom' || isShapeFault(issue))) {
    faults.push(...referenceFaults(value).map(({ path, message }) => `${pathText([...at, ...path])}: ${message}`))
  }
  throw new ConfigurationError([...new Set(faults)])
}

/** A refinement of a single value (the URL), as opposed to a reference fault, which has its own message. */
const isShapeFault = (issue: z.core.$ZodIssue): boolean => issue.code === 'custom' && issue.message === 'Invalid input'

type Path = readonly PropertyKey[]

const pathText = (path: Path): string => path.map(String).join('.')

function describeIssue(issue: z.core.$ZodIssue, root: unknown, at: readonly string[]): string[] {
  const path = pathText([...at, ...issue.path])
  const before = (key: string): string => (path === '' ? key : `${path}.${key}`)
  if (issue.code === 'unrecognized_keys') {
    const schema = schemaAt(issue.path)
    const shape =
      schema instanceof z.ZodObject ? schema.shape : schema instanceof z.ZodUnion ? shapeOf(schema) : undefined
    const known = shape === undefined ? roles : Object.keys(shape)
    return issue.keys.map((key) =>
      isSecretName(key) ? `${before(key)}: ${secretFault}` : unknownKey(before(key), known),
    )
  }
  if (issue.code === 'invalid_union' && isMapping(valueAt(root, issue.path))) {
    // Of the ways to write it, this is the one with keys: what is wrong inside it is what matters.
    const inside = issue.errors.at(-1) ?? []
    return inside.flatMap((one) => describeIssue({ ...one, path: [...issue.path, ...one.path] }, root, at))
  }
  if (issue.code === 'invalid_key') {
    if (issue.path[0] === 'roles') return [unknownKey(path, roles)]
    return [`${path}: expected a name of ${nameRule}, got ${show(issue.path.at(-1))}; rename it`]
  }
  if (issue.code === 'custom' && !isShapeFault(issue)) return [`${path}: ${issue.message}`]
  const { expected, cure } = expectationAt(issue.path)
  const value = valueAt(root, issue.path)
  const key = String(issue.path.at(-1))
  // A key pasted where its variable's name belongs, or into the URL, must not end up in a log.
  const got =
    (isSecretName(key) || key === 'url') && typeof value === 'string'
      ? 'another text (not shown, it may hold a secret)'
      : show(value)
  return [`${path === '' ? 'the section' : path}: expected ${expected}, got ${got}; ${cure}`]
}

const unknownKey = (path: string, known: readonly string[]): string =>
  `${path}: expected one of the keys ${known.join(', ')}, got an unknown one; correct or remove it`

const isSecretName = (key: string): boolean => /api.?key|token$|secret|password|authorization/i.test(key)

const secretFault =
  'expected no secret in the file, got one (not shown); put it into an environment variable and write apiKeyVariable: ITS_NAME'

/** A value in a message: short, one line. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'an empty value'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a mapping'
  const text = typeof value === 'bigint' ? value.toString() : (JSON.stringify(value) ?? typeof value)
  return text.length > 80 ? `${text.slice(0, 80)}...` : text
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root
  for (const key of path) value = isMapping(value) || Array.isArray(value) ? Reflect.get(value, key) : undefined
  return value
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The schemas from the root down a path, wrappers of defaults and options included. */
function schemasAlong(path: Path): z.core.$ZodType[] {
  const seen: z.core.$ZodType[] = []
  const unwrap = (schema: z.core.$ZodType): z.core.$ZodType => {
    seen.push(schema)
    const wrapped =
      schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodExactOptional
    return wrapped ? unwrap(schema.def.innerType) : schema
  }
  let schema = unwrap(baseSettings)
  for (const key of path) {
    let next: z.core.$ZodType | undefined
    if (schema instanceof z.ZodObject) next = schema.shape[String(key)] as z.core.$ZodType | undefined
    else if (schema instanceof z.ZodRecord) next = schema.def.valueType
    else if (schema instanceof z.ZodArray) next = schema.def.element
    else if (schema instanceof z.ZodUnion) next = shapeOf(schema)?.[String(key)]
    if (next === undefined) break
    schema = unwrap(next)
  }
  return seen
}

/** The keys of the way to write it that has keys. */
const shapeOf = ({ def }: z.ZodUnion): Record<string, z.core.$ZodType> | undefined =>
  def.options.find((option) => option instanceof z.ZodObject)?.shape

const schemaAt = (path: Path): z.core.$ZodType | undefined => schemasAlong(path).at(-1)

/** The nearest stated expectation: that of the value, or of what holds it. */
function expectationAt(path: Path): { expected: string; cure: string } {
  for (const schema of schemasAlong(path).reverse()) {
    const meta = z.globalRegistry.get(schema)
    if (typeof meta?.['expected'] === 'string' && typeof meta['cure'] === 'string')
      return { expected: meta['expected'], cure: meta['cure'] }
  }
  return { expected: 'a mapping with its documented keys', cure: 'see docs/inference.md' }
}

interface ReferenceFault {
  path: Path
  message: string
}

/** Rules that span several values. Takes unchecked input and judges the parts that have the right shape. */
function referenceFaults(settings: unknown): ReferenceFault[] {
  const faults: ReferenceFault[] = []
  if (!isMapping(settings)) return faults
  const endpoints = isMapping(settings['endpoints']) ? settings['endpoints'] : undefined
  const models = isMapping(settings['models']) ? settings['models'] : undefined
  for (const [key, model] of Object.entries(models ?? {})) {
    if (!isMapping(model)) continue
    const fault = (path: Path, message: string): number => faults.push({ path: ['models', key, ...path], message })
    const named = new Set<string>()
    for (const [index, listed] of listOf(model['endpoints']).entries()) {
      const endpoint = isMapping(listed) ? listed['name'] : listed
      if (typeof endpoint !== 'string') continue
      const path = ['endpoints', index, ...(isMapping(listed) ? ['name'] : [])]
      if (endpoints !== undefined && !Object.hasOwn(endpoints, endpoint)) {
        fault(
          path,
          `expected ${oneOf('endpoint', endpoints)}, got ${show(endpoint)}; add it under endpoints or correct the name`,
        )
      }
      if (named.has(endpoint)) fault(path, `expected every endpoint once, got ${show(endpoint)} again; remove one`)
      named.add(endpoint)
    }
    if (model['mode'] === 'raw' && model['reasoningEffort'] !== undefined) {
      fault(
        ['reasoningEffort'],
        'expected nothing in raw mode, where it has no effect, got a value; remove it or write mode: chat',
      )
    }
    for (const field of isMapping(model['extraBody']) ? Object.keys(model['extraBody']) : []) {
      if (ownBodyFields.has(field)) {
        fault(
          ['extraBody', field],
          'expected a field that no other setting decides, got one that is set by sampling, reasoningEffort or the call itself; remove it',
        )
      }
    }
  }
  for (const [role, entries] of Object.entries(isMapping(settings['roles']) ? settings['roles'] : {})) {
    const known = new Map<string, string>()
    for (const [index, key] of listOf(entries).entries()) {
      if (typeof key !== 'string' || models === undefined) continue
      const fault = (message: string): number => faults.push({ path: ['roles', role, index], message })
      if (!Object.hasOwn(models, key)) {
        fault(`expected ${oneOf('model', models)}, got ${show(key)}; add it under models or correct the name`)
        continue
      }
      const model = models[key]
      const modelName = isMapping(model) && typeof model['model'] === 'string' ? model['model'] : key
      const other = known.get(modelName)
      if (other !== undefined) {
        fault(
          `expected every model of a role once, got ${show(modelName)} twice (${other} and ${key}); remove one, or serve it under another name`,
        )
      }
      known.set(modelName, key)
    }
    if (role === 'embedder' && known.size > 1) {
      faults.push({
        path: ['roles', role],
        message: `expected one model, since vectors of different models cannot be compared, got ${known.size}; keep one`,
      })
    }
  }
  faults.push(...learningFaults(settings['roles'], models))
  return faults
}

/** What rationale learning asks of its two models. */
function learningFaults(roleSettings: unknown, models: Record<string, unknown> | undefined): ReferenceFault[] {
  const assigned = isMapping(roleSettings) ? roleSettings : {}
  if (listOf(assigned['rationale-writer']).length === 0) return []
  return announcedRoles.flatMap((role) => {
    const keys = listOf(assigned[role])
    const [key] = keys
    const model = typeof key === 'string' ? models?.[key] : undefined
    const several =
      keys.length > 1
        ? [
            `expected one model, whose versions a trainer announces, got ${keys.length}; keep one, or leave out the role rationale-writer`,
          ]
        : []
    const chat =
      role === 'problem-writer' && isMapping(model) && model['mode'] !== 'raw'
        ? [
            `expected a model with mode: raw, since the role rationale-writer has its log-probabilities of given text compared, got ${show(key)} in chat mode; write mode: raw, or leave out the role rationale-writer`,
          ]
        : []
    return [...several, ...chat].map((message) => ({ path: ['roles', role], message }))
  })
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const oneOf = (kind: string, known: Record<string, unknown>): string =>
  Object.keys(known).length === 0
    ? `the name of a configured ${kind} (there is none)`
    : `one of the ${kind}s ${Object.keys(known).join(', ')}`
