/**
 * Schema ids from a Confluent-compatible registry. Producers only look ids up: a schema is registered by `wellspring topics apply`
 * alone, under FULL_TRANSITIVE, so that records of every version can be read by every other.
 */
import { createRequire } from 'node:module'
import type { SchemaRegistryClient } from '@confluentinc/schemaregistry'
import { LogError, type SchemaStore } from '../log.ts'
import type { Names } from './names.ts'

export interface RegistrySettings {
  url: string
  /** Basic authentication, where the registry asks for it. */
  user?: string
  password?: string
  /** Or a bearer token. */
  token?: string
}

const COMPATIBILITY = 'FULL_TRANSITIVE'
const NOT_FOUND = 404
const SUBJECT_NOT_FOUND = 40401
const CONFLICT = 409
const REFUSED = new Set([401, 403])
const TIMEOUT_MILLISECONDS = 10_000

/** What a registry's client throws: an answer has a status, a failed connection has none. */
interface RegistryError extends Error {
  status?: number
  /** The registry's own, five digits. */
  errorCode?: number
  code?: string
}

export class Registry implements SchemaStore {
  readonly #settings: RegistrySettings
  readonly #names: Names
  readonly #registers: boolean
  #client: Promise<SchemaRegistryClient> | undefined
  readonly #ids = new Map<string, Promise<number>>()
  readonly #texts = new Map<number, Promise<string>>()

  /** @param registers whether a schema that is not there is registered; for administration */
  constructor(settings: RegistrySettings, names: Names, registers: boolean) {
    this.#settings = settings
    this.#names = names
    this.#registers = registers
  }

  async idOf(subject: string, schema: string): Promise<number> {
    return await remembered(this.#ids, `${subject}\0${schema}`, () =>
      this.#findId(this.#names.subject(subject), schema),
    )
  }

  async schemaOf(id: number): Promise<string> {
    return await remembered(this.#texts, id, async () => {
      try {
        const { schema } = await (await this.#open()).getBySubjectAndId('', id)
        return this.#answer(typeof schema === 'string' ? schema : undefined, `schema ${id}`)
      } catch (error) {
        if (isMissing(error))
          throw new LogError('unknown_schema', `no schema with id ${id} in ${this.#settings.url}`, { cause: error })
        throw this.#failure(error, `looking up schema ${id}`)
      }
    })
  }

  /** How a schema stands under its subject, for `topics diff`. @throws LogError 'unreachable', 'denied' */
  async compare(subject: string, schema: string): Promise<'registered' | 'missing' | 'new version' | 'incompatible'> {
    const name = this.#names.subject(subject)
    const client = await this.#open()
    try {
      this.#idIn(await client.getId(name, { schema, schemaType: 'AVRO' }), name)
      return 'registered'
    } catch (error) {
      if (error instanceof LogError) throw error
      if ((error as RegistryError).errorCode === SUBJECT_NOT_FOUND) return 'missing'
      if (!isMissing(error)) throw this.#failure(error, `looking up ${name}`)
    }
    try {
      return (await client.testSubjectCompatibility(name, { schema, schemaType: 'AVRO' }))
        ? 'new version'
        : 'incompatible'
    } catch (error) {
      if (isMissing(error)) return 'missing'
      throw this.#failure(error, `comparing ${name}`)
    }
  }

  async #findId(subject: string, schema: string): Promise<number> {
    const info = { schema, schemaType: 'AVRO' }
    const client = await this.#open()
    try {
      return this.#idIn(await client.getId(subject, info), subject)
    } catch (error) {
      if (!isMissing(error)) throw this.#failure(error, `looking up ${subject}`)
    }
    if (!this.#registers) {
      throw new LogError(
        'unknown_schema',
        `this release's schema of ${subject} is not registered in ${this.#settings.url}: \`wellspring topics apply\` registers it`,
      )
    }
    try {
      await client.updateCompatibility(subject, COMPATIBILITY as Parameters<typeof client.updateCompatibility>[1])
    } catch (error) {
      // Some registries have no rules for a subject before its first schema.
      if ((error as RegistryError).status !== NOT_FOUND)
        throw this.#failure(error, `setting the compatibility of ${subject}`)
    }
    try {
      const id = this.#idIn(await client.register(subject, info), subject)
      await client.updateCompatibility(subject, COMPATIBILITY as Parameters<typeof client.updateCompatibility>[1])
      return id
    } catch (error) {
      if ((error as RegistryError).status === CONFLICT) {
        throw new LogError(
          'incompatible',
          `${subject}: the registry holds a schema that this release's is not compatible with (${COMPATIBILITY}): ` +
            `another program registered it, or it is of an incompatible release; use another namespace (${(error as Error).message})`,
          { cause: error },
        )
      }
      throw this.#failure(error, `registering ${subject}`)
    }
  }

  /** Loaded when it is first needed: the client takes half a second and 80 MB. */
  async #open(): Promise<SchemaRegistryClient> {
    this.#client ??= import('@confluentinc/schemaregistry').then(({ SchemaRegistryClient: Client }) => {
      const { url, user, password, token } = this.#settings
      return Client.newClient({
        baseURLs: [url],
        maxRetries: 2,
        retriesWaitMs: 100,
        retriesMaxWaitMs: 1000,
        createAxiosDefaults: {
          timeout: TIMEOUT_MILLISECONDS,
          ...(token !== undefined && { headers: { Authorization: `Bearer ${token}` } }),
        },
        ...(user !== undefined && {
          basicAuthCredentials: { credentialsSource: 'USER_INFO', userInfo: `${user}:${password ?? ''}` },
        }),
      }) as SchemaRegistryClient
    })
    return await this.#client
  }

  #idIn(answer: unknown, subject: string): number {
    return this.#answer(Number.isInteger(answer) ? (answer as number) : undefined, `the schema id of ${subject}`)
  }

  /** A proxy may answer any request with a page of its own. @throws LogError 'unreachable' */
  #answer<Value>(value: Value | undefined, wanted: string): Value {
    if (value !== undefined) return value
    throw new LogError(
      'unreachable',
      `the schema registry ${this.#settings.url} answered something else than ${wanted}: correct registry.url (--registry), or see what stands before it`,
    )
  }

  #failure(error: unknown, doing: string): LogError {
    if (error instanceof LogError) return error
    const { status, code, message } = error as RegistryError
    if (status !== undefined && REFUSED.has(status)) {
      return new LogError(
        'denied',
        `the schema registry ${this.#settings.url} refused ${doing} (${status}): see registry.* in the settings`,
        {
          cause: error,
        },
      )
    }
    if (status === NOT_FOUND) {
      return new LogError(
        'unreachable',
        `there is no schema registry at ${this.#settings.url} (404 ${doing}): correct registry.url (--registry); the path belongs to it, as /apis/ccompat/v7 of Apicurio`,
        { cause: error },
      )
    }
    const reason = (message || code || String(status ?? '')).replace(/\s+/g, ' ')
    return new LogError(
      'unreachable',
      `the schema registry ${this.#settings.url} failed ${doing} (${reason}): see that it runs, or correct registry.url (--registry)`,
      { cause: error },
    )
  }
}

/** Only users of Kafka have its client installed: with all that it depends on it is larger than the rest. @throws LogError 'refused' without it */
export function refuseMissingClient(): void {
  try {
    createRequire(import.meta.url).resolve('@confluentinc/schemaregistry')
  } catch (error) {
    throw new LogError(
      'refused',
      'a corpus on Kafka needs the package @confluentinc/schemaregistry, which is not installed: run `npm install @confluentinc/schemaregistry@1` where wellspring is installed',
      { cause: error },
    )
  }
}

/** Whether the registry has no such thing; another server, or a wrong path, answers 404 without the registry's own code. */
function isMissing(error: unknown): boolean {
  const { status, errorCode = 0 } = error as RegistryError
  return status === NOT_FOUND && Math.floor(errorCode / 100) === NOT_FOUND
}

/** The remembered answer; a failure is forgotten. */
async function remembered<Key, Value>(
  known: Map<Key, Promise<Value>>,
  key: Key,
  find: () => Promise<Value>,
): Promise<Value> {
  let found = known.get(key)
  if (!found) {
    found = find()
    known.set(key, found)
    found.catch(() => known.delete(key))
  }
  return await found
}
