/** The configured models with their endpoints, and how both change while calls are under way. */
import { isDeepStrictEqual } from 'node:util'
import type { Agent } from 'undici'
import { ConfigurationError, kindOf } from '../engine/errors.ts'
import { announcedRoles, type AnnouncedRole, type Announcement, type RoleModel } from '../engine/ports.ts'
import { endpointsOf } from './configuration.ts'
import type { EndpointSettings, InferenceSettings, ModelSettings } from './configuration.ts'
import { Endpoint } from './endpoint.ts'
import { type EndpointSlots, ModelLine } from './slots.ts'

/** A model as configured, with its queue. */
export interface Served {
  /** Its endpoints and price may be replaced; the rest is part of the recipe and stays. */
  configured: ModelSettings
  /** In force: as configured, with the name and endpoint that were announced last. */
  settings: ModelSettings
  readonly line: ModelLine
  /** Its last announcement; undefined while it is as configured. */
  announcement?: Announcement
  /** Why its announcement cannot be followed. */
  fault?: string
}

/** A model as its roles see it. */
export function roleModelOf({ settings: { model, mode, sampling }, announcement }: Served): RoleModel {
  const { version, ordinal } = announcement ?? {}
  return {
    model,
    mode,
    sampling,
    ...(version !== undefined && ordinal !== undefined && { announced: { version, ordinal } }),
  }
}

/** What one endpoint answered when it was asked for its models. */
export interface EndpointCheck {
  name: string
  url: string
  /** Absent where it could not be asked. */
  models?: string[]
  simulated: boolean
  /** Why it could not be asked, or which configured model it lacks: one line with the cure. */
  fault?: Error
}

/** What became of new settings: what holds from now on, and what at the next start, each in a few words. */
export interface SettingsChange {
  applied: string[]
  later: string[]
}

/** What endpoints are connected by. */
export interface Transport {
  agent: Agent
  /** How often an endpoint that has work is looked at, in seconds. */
  lookSeconds: number
}

type Secret = (variable: string) => string | undefined

/** An endpoint in force. */
interface Connected {
  endpoint: Endpoint
  key: string | undefined
}

/** New settings as far as they can be taken up. */
interface Plan {
  endpoints: Record<string, EndpointSettings>
  keys: ReadonlyMap<string, string | undefined>
  models: ReadonlyMap<Served, ModelSettings>
  later: string[]
}

/** Parts of a model that no record depends on. */
const changeable: readonly (keyof ModelSettings)[] = ['endpoints', 'price']
/** With another of these a model is another one, and endpoints are meant for that one. */
const identity: readonly (keyof ModelSettings)[] = ['model', 'mode']

/** Endpoints and models in force. */
export class Connections {
  /** By the key in the configuration. */
  readonly models: ReadonlyMap<string, Served>
  /** Of roles whose model may be replaced by announcements: each has a queue of its own, whatever else its model does. */
  private readonly replaceable = new Map<AnnouncedRole, { key: string; served: Served }>()
  private readonly roles: InferenceSettings['roles']
  private readonly secret: Secret
  private readonly transport: Transport
  private readonly connected = new Map<string, Connected>()
  /** Those that were removed or replaced and have calls in flight. */
  private readonly draining = new Set<Endpoint>()
  private readonly bySlots = new WeakMap<EndpointSlots, Endpoint>()

  /** Opens no connection yet. @throws ConfigurationError where named variables hold no key, all of them */
  constructor(settings: InferenceSettings, secret: Secret, transport: Transport) {
    this.roles = settings.roles
    this.secret = secret
    this.transport = transport
    const keys = this.keysOf(settings.endpoints)
    for (const [name, endpoint] of Object.entries(settings.endpoints)) this.connect(name, endpoint, keys.get(name))
    this.models = new Map(
      Object.entries(settings.models).map(([key, model]): [string, Served] => {
        return [key, { configured: model, settings: model, line: new ModelLine(this.weighted(key, model)) }]
      }),
    )
    for (const role of announcedRoles) {
      const [key, ...others] = settings.roles[role] ?? []
      const model = key === undefined ? undefined : settings.models[key]
      if (key === undefined || model === undefined || others.length > 0) continue
      const line = new ModelLine(this.weighted(key, model))
      this.replaceable.set(role, { key, served: { configured: model, settings: model, line } })
    }
  }

  /** The models of a role, in the order of the configuration. */
  servedAs(role: keyof InferenceSettings['roles']): Served[] {
    const replaceable = this.replaceable.get(role as AnnouncedRole)
    if (replaceable) return [replaceable.served]
    return (this.roles[role] ?? []).map((key) => this.models.get(key)).filter((model) => model !== undefined)
  }

  /** Takes up what was announced; for a role without a model, or older than what is in force, nothing. */
  announce(announcement: Announcement): void {
    const { key, served } = this.replaceable.get(announcement.role) ?? {}
    if (key === undefined || served === undefined) return
    if (announcement.ordinal < (served.announcement?.ordinal ?? 0)) return
    served.announcement = announcement
    this.follow(key, served)
  }

  /** Has a model of a replaceable role served as it was announced. */
  private follow(key: string, served: Served): void {
    const { configured, announcement } = served
    delete served.fault
    let settings = configured
    if (announcement !== undefined) {
      const { model, endpoint, role } = announcement
      settings = { ...configured, model }
      if (this.connected.has(endpoint)) settings = { ...settings, endpoints: [endpoint] }
      else if (endpoint !== '')
        served.fault = `roles.${role}: version ${announcement.version} was announced at the endpoint ${endpoint}, which is not configured; add it under endpoints, or announce the version again`
    }
    served.settings = settings
    served.line.use(this.weighted(key, settings))
  }

  /** Endpoints that take calls. */
  get endpoints(): Endpoint[] {
    return [...this.connected.values()].map(({ endpoint }) => endpoint)
  }

  /** Those that take calls, and those that have some in flight and take no more. */
  get all(): Endpoint[] {
    return [...this.endpoints, ...this.draining]
  }

  /** The endpoint whose slots these are, one that drains too. */
  endpointOf(slots: EndpointSlots): Endpoint {
    const endpoint = this.bySlots.get(slots)
    if (endpoint === undefined) throw new Error(`no endpoint ${slots.name}`)
    return endpoint
  }

  /** Asks every endpoint in force for its models, side by side. Rejects for the signal alone. */
  async check(signal: AbortSignal): Promise<EndpointCheck[]> {
    const models = [...this.models.values()].map(({ configured }) => configured)
    return await Promise.all(
      this.endpoints.map((endpoint) => checkEndpoint(endpoint, namesAt(endpoint.name, models), signal)),
    )
  }

  /** Asks the endpoints that `reload` would add, replace or give another model. @throws ConfigurationError as `reload` does */
  async checkReload(next: InferenceSettings, signal: AbortSignal): Promise<EndpointCheck[]> {
    const { endpoints, keys, models } = this.plan(next)
    const checks = Object.entries(endpoints).map(async ([name, settings]) => {
      const before = this.connected.get(name)
      const wanted = namesAt(name, [...models.values()])
      if (before !== undefined && isSame(before, settings, keys.get(name))) {
        const known = namesAt(
          name,
          [...models.keys()].map((one) => one.configured),
        )
        const added = wanted.filter((model) => !known.includes(model))
        return added.length === 0 ? [] : [await checkEndpoint(before.endpoint, added, signal)]
      }
      const trial = new Endpoint(name, settings, keys.get(name), this.transport)
      try {
        return [await checkEndpoint(trial, wanted, signal)]
      } finally {
        trial.close()
      }
    })
    return (await Promise.all(checks)).flat()
  }

  /**
   * Takes new settings up, as far as that is possible while calls are under way. No call is lost or sent twice: those that wait
   * for an endpoint that goes wait for the others, those in flight there end. @throws ConfigurationError, and nothing has changed
   */
  reload(next: InferenceSettings): SettingsChange {
    const { endpoints, keys, models, later } = this.plan(next)
    const applied: string[] = []
    const gone: Endpoint[] = []
    for (const [name, { endpoint }] of this.connected) {
      if (Object.hasOwn(endpoints, name)) continue
      applied.push(`endpoint ${name} removed`)
      this.connected.delete(name)
      gone.push(endpoint)
    }
    for (const [name, settings] of Object.entries(endpoints)) {
      const before = this.connected.get(name)
      if (before === undefined) applied.push(`endpoint ${name} added`)
      else applied.push(...changesOf(name, before, settings, keys.get(name)))
      if (before !== undefined && isSame(before, settings, keys.get(name))) before.endpoint.adjust(settings)
      else {
        if (before !== undefined) gone.push(before.endpoint)
        this.connect(name, settings, keys.get(name))
      }
    }
    const moved = new Map<string, string[]>()
    for (const [key, served] of this.models) {
      const settings = models.get(served) ?? served.configured
      const places = endpointsOf(settings).map(nameAndWeight).join(', ')
      if (!isDeepStrictEqual(endpointsOf(settings), endpointsOf(served.configured)))
        moved.set(places, [...(moved.get(places) ?? []), key])
      if (!isDeepStrictEqual(settings.price, served.configured.price)) applied.push(`price of model ${key}`)
      served.configured = served.settings = settings
      served.line.use(this.weighted(key, settings))
    }
    for (const { key, served } of this.replaceable.values()) {
      served.configured = this.models.get(key)?.configured ?? served.configured
      this.follow(key, served)
    }
    for (const [places, names] of moved)
      applied.push(`${names.length === 1 ? 'model' : 'models'} ${names.join(', ')} at ${places}`)
    for (const endpoint of gone) {
      this.draining.add(endpoint)
      endpoint.slots.retire(() => {
        endpoint.close()
        this.draining.delete(endpoint)
      })
    }
    return { applied, later }
  }

  close(): void {
    for (const endpoint of this.all) endpoint.close()
  }

  private plan(next: InferenceSettings): Plan {
    const keys = new Map(this.keysOf(next.endpoints))
    const endpoints = { ...next.endpoints }
    const models = new Map<Served, ModelSettings>()
    const later = new Set<string>()
    for (const [key, served] of this.models) {
      const { configured: ours } = served
      const asked = Object.hasOwn(next.models, key) ? next.models[key] : undefined
      const different = asked === undefined ? [] : differences(ours, asked)
      if (asked !== undefined && !different.some((part) => identity.includes(part))) {
        for (const part of different) if (!changeable.includes(part)) later.add(`models.${key}.${part}`)
        const { price: _, ...rest } = ours
        models.set(served, {
          ...rest,
          endpoints: asked.endpoints,
          ...(asked.price === undefined ? {} : { price: asked.price }),
        })
        continue
      }
      if (asked === undefined) later.add(`models.${key} (removed)`)
      for (const part of different) later.add(`models.${key}.${part}`)
      const left = ours.endpoints.filter((listed) => Object.hasOwn(next.endpoints, nameOf(listed)))
      if (left.length === 0) {
        // The model is in the recipe of this run: it goes on where it is.
        for (const { name } of endpointsOf(ours)) {
          const before = this.connected.get(name)
          if (before === undefined) continue
          endpoints[name] = before.endpoint.settings
          keys.set(name, before.key)
          later.add(`endpoints.${name} (removed)`)
        }
      }
      models.set(served, { ...ours, endpoints: left.length === 0 ? ours.endpoints : left })
    }
    for (const key of Object.keys(next.models)) if (!this.models.has(key)) later.add(`models.${key}`)
    for (const role of new Set([...Object.keys(this.roles), ...Object.keys(next.roles)]) as Set<
      keyof InferenceSettings['roles']
    >) {
      if (!isDeepStrictEqual(this.roles[role], next.roles[role])) later.add(`roles.${role}`)
    }
    return { endpoints, keys, models, later: [...later] }
  }

  private connect(name: string, settings: EndpointSettings, key: string | undefined): void {
    const endpoint = new Endpoint(name, settings, key, this.transport)
    this.connected.set(name, { endpoint, key })
    this.bySlots.set(endpoint.slots, endpoint)
  }

  private weighted(key: string, settings: ModelSettings): { slots: EndpointSlots; weight: number }[] {
    return endpointsOf(settings).map(({ name, weight }) => {
      const connected = this.connected.get(name)
      if (connected === undefined) {
        throw new ConfigurationError([
          `models.${key}.endpoints: expected a configured endpoint, got ${name}; add it under endpoints`,
        ])
      }
      return { slots: connected.endpoint.slots, weight }
    })
  }

  /** All keys, by the names of their endpoints. @throws ConfigurationError with all that are missing */
  private keysOf(endpoints: InferenceSettings['endpoints']): Map<string, string | undefined> {
    const faults: string[] = []
    const keys = new Map<string, string | undefined>()
    for (const [name, { apiKeyVariable }] of Object.entries(endpoints)) {
      const value = apiKeyVariable === undefined ? undefined : this.secret(apiKeyVariable)?.trim()
      const key = value === '' ? undefined : value
      if (apiKeyVariable !== undefined && key === undefined) {
        faults.push(
          `endpoints.${name}.apiKeyVariable: expected a key in the environment variable ${apiKeyVariable}, got nothing; set it, or remove apiKeyVariable where the endpoint needs no key`,
        )
      }
      keys.set(name, key)
    }
    if (faults.length > 0) throw new ConfigurationError(faults)
    return keys
  }
}

type ListedEndpoint = ModelSettings['endpoints'][number]

const nameOf = (listed: ListedEndpoint): string => (typeof listed === 'string' ? listed : listed.name)

const nameAndWeight = ({ name, weight }: { name: string; weight: number }): string =>
  weight === 1 ? name : `${name} (weight ${weight})`

/** Whether settings are of the same server as before, asked by the same key. */
const isSame = ({ endpoint, key }: Connected, { url }: EndpointSettings, nextKey: string | undefined): boolean =>
  endpoint.settings.url === url && key === nextKey

const differences = (one: ModelSettings, other: ModelSettings): (keyof ModelSettings)[] =>
  ([...new Set([...Object.keys(one), ...Object.keys(other)])] as (keyof ModelSettings)[]).filter((part) =>
    part === 'endpoints'
      ? !isDeepStrictEqual(endpointsOf(one), endpointsOf(other))
      : !isDeepStrictEqual(one[part], other[part]),
  )

/** What is new about an endpoint of the same name, in words. */
function changesOf(
  name: string,
  { endpoint: { settings: before }, key }: Connected,
  settings: EndpointSettings,
  nextKey: string | undefined,
): string[] {
  const all = new Set([...Object.keys(before), ...Object.keys(settings)] as (keyof EndpointSettings)[])
  const parts = [...all]
    .filter((part) => part !== 'apiKeyVariable' && before[part] !== settings[part])
    .map((part) => `${part} ${before[part] ?? 'default'} -> ${settings[part] ?? 'default'}`)
  if (key !== nextKey) parts.push('another key')
  return parts.length === 0 ? [] : [`endpoint ${name}: ${parts.join(', ')}`]
}

/** The names by which an endpoint must know its models. */
const namesAt = (endpoint: string, models: readonly ModelSettings[]): string[] => [
  ...new Set(
    models.filter((model) => endpointsOf(model).some(({ name }) => name === endpoint)).map(({ model }) => model),
  ),
]

async function checkEndpoint(
  endpoint: Endpoint,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<EndpointCheck> {
  const {
    name,
    settings: { url },
  } = endpoint
  try {
    const models = (await endpoint.listModels(signal)).map(({ id }) => id)
    const faults = wanted
      .filter((model) => !models.includes(model))
      .map(
        (model) =>
          `endpoint ${name} (${url}): expected the model ${model}, got none of that name; use one of ${models.join(', ') || '(none)'}, or serve it`,
      )
    return {
      name,
      url,
      models,
      simulated: endpoint.simulated,
      ...(faults.length === 0 ? {} : { fault: new ConfigurationError(faults) }),
    }
  } catch (error) {
    if (signal.aborted || kindOf(error) === undefined) throw error
    return { name, url, simulated: endpoint.simulated, fault: error as Error }
  }
}
