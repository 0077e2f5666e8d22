/**
 * Where a corpus lies: in a folder, or on Kafka. Flags say it before variables, variables before the configuration file, the file
 * before the defaults; secrets come from variables alone. All faults at once.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import * as zlib from 'node:zlib'
import type { Command } from 'commander'
import { environmentSettings, variable } from '../engine/environment.ts'
import { ConfigurationError } from '../engine/errors.ts'
import { secret } from '../engine/secrets.ts'
import { resolveSettings, setting, type Setting, type SettingSource } from '../engine/settings.ts'
import { readSmallFile } from './small-file.ts'
import { shellWord } from './terminal.ts'

/** The corpus in a folder of this machine. */
interface EmbeddedPlace {
  kind: 'embedded'
  directory: string
  /** Flags that lead another command of the same shell to the same corpus, with a space before each; '' where none are needed. */
  flags: string
}

/** How to log in to the brokers. */
export type Login =
  | { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string }
  /** A command, as an argument list, that prints a token. */
  | { mechanism: 'oauthbearer'; tokenCommand: readonly string[] }

/** The corpus on Kafka. */
export interface KafkaPlace {
  kind: 'kafka'
  brokers: readonly string[]
  namespace: string
  /** Texts in PEM; undefined where connections are not encrypted. */
  tls: { ca?: string; cert?: string; key?: string; passphrase?: string } | undefined
  login: Login | undefined
  compression: 'none' | 'gzip' | 'zstd'
  sessionTimeoutSeconds: number
  /** Copies of each partition of topics that are made; undefined: as many as the brokers make by default. */
  replication: number | undefined
  /** Undefined only where a command can do without. */
  registry: { url: string; user?: string; password?: string; token?: string } | undefined
  /** Where copies of task state lie, to open tasks sooner. */
  stateDirectory: string
  /** As of `EmbeddedPlace`. */
  flags: string
  /** What named them, such as `--kafka` or `wellspring.yaml: kafka.brokers`. */
  namedBy: { brokers: string; registry: string }
}

export type Place = EmbeddedPlace | KafkaPlace

/** The flags that say where a corpus lies. */
export interface PlaceFlags {
  data?: string | undefined
  /** Brokers; false: none, whatever variables and file say. */
  kafka?: string | false | undefined
  registry?: string | undefined
  namespace?: string | undefined
  config?: string | undefined
}

/** Gives a command the flags of every command that opens a corpus. */
export function placeOptions(command: Command): Command {
  return command
    .option(
      '--data <dir>',
      'data folder; on Kafka the folder of local state copies (default: WELLSPRING_DATA or ./wellspring-data)',
    )
    .option('--kafka <host:port,...>', 'the corpus lies on Kafka: some of its brokers (default: WELLSPRING_KAFKA)')
    .option('--no-kafka', 'the corpus lies in the data folder, whatever variables and configuration file say')
    .option('--registry <url>', 'schema registry of a corpus on Kafka (default: WELLSPRING_REGISTRY)')
    .option(
      '--namespace <name>',
      `which corpus on Kafka: the prefix of its topics (default: WELLSPRING_NAMESPACE or ${placeSettings.namespace.setting.default})`,
    )
    .option('--config <file>', 'configuration file (default: WELLSPRING_CONFIG or ./wellspring.yaml where it exists)')
}

/** A setting of the place: where it stands in the file, and the variable and the flag that win over the file. */
export interface PlaceSetting {
  path: string
  variable: string
  flag?: keyof PlaceFlags
  setting: Setting
}

function placeSetting<One extends Setting>(
  path: string,
  variableName: string,
  one: One,
  flag?: keyof PlaceFlags,
): PlaceSetting & { setting: One } {
  return { path, variable: variableName, setting: one, ...(flag && { flag }) }
}

/** Kafka's limits of a session timeout, in seconds, as brokers have them by default. */
const shortestSessionSeconds = 6
const longestSessionSeconds = 1800

/** Settings of a corpus on Kafka. */
export const placeSettings = {
  brokers: placeSetting(
    'kafka.brokers',
    'WELLSPRING_KAFKA',
    setting.text(
      'Some of the brokers, as HOST:PORT, separated by commas. Without it the corpus lies in the data folder.',
      {
        default: '',
      },
    ),
    'kafka',
  ),
  namespace: placeSetting(
    'kafka.namespace',
    'WELLSPRING_NAMESPACE',
    setting.text('The corpus: the prefix of all its topics, groups and transactional ids.', { default: 'wellspring' }),
    'namespace',
  ),
  tls: placeSetting(
    'kafka.tls',
    'WELLSPRING_KAFKA_TLS',
    setting.boolean('Encrypt connections to the brokers. On where any file of kafka.tls is named.', { default: false }),
  ),
  tlsCaFile: placeSetting(
    'kafka.tls.caFile',
    'WELLSPRING_KAFKA_TLS_CA_FILE',
    setting.text("PEM file of the authorities that sign the brokers' certificates. None: those that Node knows.", {
      default: '',
    }),
  ),
  tlsCertFile: placeSetting(
    'kafka.tls.certFile',
    'WELLSPRING_KAFKA_TLS_CERT_FILE',
    setting.text("PEM file of the client's certificate, where the brokers ask for one.", { default: '' }),
  ),
  tlsKeyFile: placeSetting(
    'kafka.tls.keyFile',
    'WELLSPRING_KAFKA_TLS_KEY_FILE',
    setting.text("PEM file of the client's private key.", { default: '' }),
  ),
  saslMechanism: placeSetting(
    'kafka.sasl.mechanism',
    'WELLSPRING_KAFKA_SASL_MECHANISM',
    setting.choice('How to log in.', ['none', 'plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'], {
      default: 'none',
    }),
  ),
  saslUsername: placeSetting(
    'kafka.sasl.username',
    'WELLSPRING_KAFKA_USERNAME',
    setting.text('User of plain and scram.', { default: '' }),
  ),
  compression: placeSetting(
    'kafka.compression',
    'WELLSPRING_KAFKA_COMPRESSION',
    setting.choice('How record batches are compressed. zstd needs Node 22.15 or later.', ['gzip', 'zstd', 'none'], {
      default: 'gzip',
    }),
  ),
  sessionTimeoutSeconds: placeSetting(
    'kafka.sessionTimeoutSeconds',
    'WELLSPRING_KAFKA_SESSION_TIMEOUT_SECONDS',
    setting.number('A process that was not heard of for so long is dead, and its tasks go to others.', {
      min: shortestSessionSeconds,
      max: longestSessionSeconds,
      default: 15,
    }),
  ),
  replication: placeSetting(
    'kafka.replication',
    'WELLSPRING_KAFKA_REPLICATION',
    setting.integer("Copies of each partition of the topics that are made. 0: the brokers' own default.", {
      min: 0,
      max: 100,
      default: 0,
    }),
  ),
  registryUrl: placeSetting(
    'registry.url',
    'WELLSPRING_REGISTRY',
    setting.text('Schema registry (Confluent-compatible), as http or https URL.', { default: '' }),
    'registry',
  ),
  registryUsername: placeSetting(
    'registry.username',
    'WELLSPRING_REGISTRY_USERNAME',
    setting.text('User of basic authentication at the registry.', { default: '' }),
  ),
}

/** The command that prints a token is an argument list: no shell reads it, so no variable can hold it. */
export const tokenCommandPath = 'kafka.sasl.tokenCommand'

/** Variables that hold secrets, and what each is for. */
export const secretVariables = {
  password: { variable: 'WELLSPRING_KAFKA_PASSWORD', doc: 'Password of kafka.sasl.username.' },
  keyPassphrase: { variable: 'WELLSPRING_KAFKA_KEY_PASSPHRASE', doc: 'Passphrase of kafka.tls.keyFile.' },
  registryPassword: { variable: 'WELLSPRING_REGISTRY_PASSWORD', doc: 'Password of registry.username.' },
  registryToken: { variable: 'WELLSPRING_REGISTRY_TOKEN', doc: 'Bearer token for the registry, in place of a user.' },
} as const

/** What a file must not hold, wherever it stands in the two sections, and the variable that does. */
const secretKeys: Readonly<Record<string, string>> = {
  'kafka.password': secretVariables.password.variable,
  'kafka.sasl.password': secretVariables.password.variable,
  'kafka.passphrase': secretVariables.keyPassphrase.variable,
  'kafka.tls.passphrase': secretVariables.keyPassphrase.variable,
  'kafka.tls.keyPassphrase': secretVariables.keyPassphrase.variable,
  'registry.password': secretVariables.registryPassword.variable,
  'registry.token': secretVariables.registryToken.variable,
}

/** Sections of the configuration file that say where a corpus lies. */
export const placeSections = ['kafka', 'registry'] as const

type Content = Readonly<Record<string, unknown>>
type Name = keyof typeof placeSettings

/** The configuration file: flag > WELLSPRING_CONFIG > ./wellspring.yaml where it exists; undefined where there is none. */
export function configurationFileName(flag: string | undefined): string | undefined {
  const defaultFile = 'wellspring.yaml'
  return flag ?? variable('WELLSPRING_CONFIG') ?? (existsSync(defaultFile) ? defaultFile : undefined)
}

/** Where the corpus lies, for a command that needs nothing else of the configuration. @throws ConfigurationError */
export async function placeOf(flags: PlaceFlags, needs: PlaceNeeds = {}): Promise<Place> {
  const faults: string[] = []
  const file = configurationFileName(flags.config)
  // YAML is loaded only where there is a file, and only where it has a say: of the place it names Kafka alone.
  const content =
    file === undefined || flags.kafka === false
      ? {}
      : (await import('./configuration-file.ts')).readConfigurationFile(file, faults)
  const resolved = resolvePlace(flags, file, content, needs)
  faults.push(...resolved.faults)
  if (faults.length > 0) throw new ConfigurationError(faults)
  return resolved.place
}

/** A setting as it was found. */
export interface FoundSetting {
  /** Where it stands in the file. */
  path: string
  value: unknown
  /** What gave it: a flag, a variable, or the file and the path; undefined where it is the default. */
  origin: string | undefined
}

/** What a command can do without. */
export interface PlaceNeeds {
  /** @default true */
  registry?: boolean
}

/**
 * Where the corpus lies.
 * @returns the place, which is good only where there are no faults, what it was made of, and all faults as sentences
 */
export function resolvePlace(
  flags: PlaceFlags,
  file: string | undefined,
  content: Content,
  { registry: needsRegistry = true }: PlaceNeeds = {},
): { place: Place; found: FoundSetting[]; faults: string[] } {
  const faults: string[] = []
  const values = readValues(flags, file ?? '', content, faults)
  const { value, origin } = values
  const directory = flags.data ?? variable('WELLSPRING_DATA') ?? 'wellspring-data'
  const brokers = value('brokers')
  if (flags.kafka === false || brokers === '') {
    const isRefused = flags.kafka === false
    const astray = isRefused ? flagNames(flags, ['registry', 'namespace']) : values.given
    // Where Kafka is refused, what is wrong with its settings does not matter.
    const remaining = isRefused ? [] : faults
    if (astray.length > 0) {
      remaining.push(
        `${astray.join(', ')} ${astray.length === 1 ? 'belongs' : 'belong'} to a corpus on Kafka: name its brokers with --kafka HOST:PORT, or say --no-kafka alone for the data folder`,
      )
    }
    const data = directory === 'wellspring-data' ? '' : ` --data ${shellWord(directory)}`
    return {
      place: { kind: 'embedded', directory, flags: `${data}${brokers === '' ? '' : ' --no-kafka'}` },
      found: values.found,
      faults: remaining,
    }
  }
  const list = brokers.split(',').map((broker) => broker.trim())
  for (const broker of list) {
    const port = Number(/^[A-Za-z0-9._-]+:(\d{1,5})$/.exec(broker)?.[1])
    if (!(port >= 1 && port <= 65_535))
      // What stands before an @ is a user and a password as a rule.
      faults.push(
        `${origin('brokers')}: expected HOST:PORT[,HOST:PORT...], got ${broker.includes('@') ? 'a text with an @ (not shown, it may hold a secret)' : JSON.stringify(broker)}`,
      )
  }
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(value('namespace'))) {
    faults.push(
      `${origin('namespace')}: expected 1 to 100 letters, digits, ".", "_" and "-", got ${JSON.stringify(value('namespace'))}`,
    )
  }
  if (value('compression') === 'zstd' && !('zstdCompressSync' in zlib)) {
    faults.push(
      `${origin('compression')}: zstd needs Node 22.15 or later, this is Node ${process.versions.node}: use gzip, or another Node`,
    )
  }
  const place: KafkaPlace = {
    kind: 'kafka',
    brokers: list,
    namespace: value('namespace'),
    tls: tlsOf(values, faults),
    login: loginOf(values, faults),
    compression: value('compression'),
    sessionTimeoutSeconds: value('sessionTimeoutSeconds'),
    replication: value('replication') || undefined,
    registry: registryOf(values, faults, needsRegistry),
    // A folder that holds nothing else stays free for a corpus of its own.
    stateDirectory: join(directory, '.kafka-state'),
    flags: (['kafka', 'registry', 'namespace', 'config'] as const)
      .flatMap((name) => (typeof flags[name] === 'string' ? [` --${name} ${shellWord(flags[name])}`] : []))
      .join(''),
    namedBy: { brokers: origin('brokers'), registry: origin('registryUrl') },
  }
  return { place, found: values.found, faults }
}

/** What a reader calls the corpus: its folder, or its namespace and a broker. */
export function placeName(place: Place): string {
  return place.kind === 'embedded' ? place.directory : `${place.namespace} on ${place.brokers[0]}`
}

function flagNames(flags: PlaceFlags, names: readonly (keyof PlaceFlags)[]): string[] {
  return names.filter((name) => flags[name] !== undefined).map((name) => `--${name}`)
}

/** The values of all settings, and what named each. */
interface PlaceValues {
  value<One extends Name>(
    name: One,
  ): (typeof placeSettings)[One]['setting'] extends { choices: readonly (infer Choice)[] }
    ? Choice
    : (typeof placeSettings)[One]['setting']['default']
  /** What named it; the flag, or the place in the file, where nothing did. */
  origin(name: Name): string
  tokenCommand: readonly string[] | undefined
  /** What named any of them. */
  given: string[]
  found: FoundSetting[]
}

function readValues(flags: PlaceFlags, file: string, content: Content, faults: string[]): PlaceValues {
  const settings = Object.entries(placeSettings) as [Name, PlaceSetting][]
  const origins = new Map<string, string>()
  const found = (name: string, origin: string, value: unknown): { value: unknown; origin: string } => {
    if (!origins.has(name)) origins.set(name, origin)
    return { value, origin }
  }
  const declaredAs = (name: string): PlaceSetting => placeSettings[name as Name]
  const inFile = flatten(file, content, faults)
  const sources: SettingSource[] = [
    {
      valueOf: (_scope, name) => {
        const { flag } = declaredAs(name)
        const value = flag && flags[flag]
        return typeof value === 'string' ? found(name, `--${flag}`, value) : undefined
      },
      namesFor: () => [],
    },
    {
      valueOf: (_scope, name) => {
        const value = variable(declaredAs(name).variable)
        return value === undefined ? undefined : found(name, declaredAs(name).variable, value)
      },
      namesFor: () => [],
    },
    {
      valueOf: (_scope, name) => {
        const { path } = declaredAs(name)
        const value = inFile.get(path)
        return value === undefined ? undefined : found(name, `${file}: ${path}`, value)
      },
      namesFor: () => [],
    },
  ]
  const declared = Object.fromEntries(settings.map(([name, one]) => [name, one.setting]))
  const resolved = resolveSettings('kafka', declared, sources)
  faults.push(...resolved.faults, ...unknownVariables())
  const tokenCommand = inFile.get(tokenCommandPath)
  if (tokenCommand !== undefined && !isCommand(tokenCommand)) {
    faults.push(
      `${file}: ${tokenCommandPath}: expected a list of texts, the program first, such as [/usr/bin/get-token, --audience, kafka]; no shell reads it`,
    )
  }
  return {
    value: (name) => resolved.values[name] as never,
    origin: (name) => {
      const { flag, path } = declaredAs(name)
      return origins.get(name) ?? (flag ? `--${flag}` : path)
    },
    tokenCommand: isCommand(tokenCommand) ? tokenCommand : undefined,
    given: [...origins.values()],
    found: [
      ...settings.map(([name, { path }]) => ({ path, value: resolved.values[name], origin: origins.get(name) })),
      ...(isCommand(tokenCommand)
        ? [{ path: tokenCommandPath, value: tokenCommand, origin: `${file}: ${tokenCommandPath}` }]
        : []),
    ],
  }
}

function isCommand(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string' && part !== '')
}

/** The two sections as `path -> value`, faults of their shape told. */
function flatten(file: string, content: Content, faults: string[]): Map<string, unknown> {
  const paths = [...Object.values(placeSettings).map(({ path }) => path), tokenCommandPath]
  const values = new Map<string, unknown>()
  const visit = (value: unknown, path: string): void => {
    const instead = secretKeys[path]
    if (instead !== undefined) {
      faults.push(`${file}: ${path}: a file holds no secret: remove it from there and set ${instead}`)
    } else if (value === null || value === undefined) {
      // An empty section.
    } else if (path === 'kafka.brokers' && Array.isArray(value) && value.every((one) => typeof one === 'string')) {
      values.set(path, value.join(','))
    } else if (isMapping(value) && (path === 'kafka.tls' || !paths.includes(path))) {
      const below = paths.filter((one) => one.startsWith(`${path}.`))
      if (below.length === 0) return void faults.push(unknown(path))
      for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`)
    } else if (paths.includes(path)) {
      values.set(path, value)
    } else if (paths.some((one) => one.startsWith(`${path}.`))) {
      faults.push(`${file}: ${path}: expected a mapping of settings, got ${JSON.stringify(value)}`)
    } else faults.push(unknown(path))
  }
  const unknown = (path: string): string => {
    const section = path.slice(0, path.lastIndexOf('.'))
    const names = paths.filter((one) => one.startsWith(`${section}.`)).map((one) => one.slice(section.length + 1))
    const here = new Set(names.map((name) => name.split('.')[0]))
    return `${file}: ${path}: there is no such setting; ${section} has ${[...here].join(', ')}`
  }
  for (const section of placeSections) visit(content[section], section)
  return values
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What Kubernetes sets for a service that is called wellspring-kafka or wellspring-registry. */
const ofService = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)$/

function unknownVariables(): string[] {
  const known = new Set([
    ...Object.values(placeSettings).map((one) => one.variable),
    ...Object.values(secretVariables).map((one) => one.variable),
  ])
  const environment = environmentSettings(() => [])
  return placeSections
    .flatMap((section) => environment.namesFor(section))
    .filter(({ origin }) => !known.has(origin) && !ofService.test(origin))
    .map(({ origin }) => `${origin}: there is no such variable; there are ${[...known].join(', ')}`)
}

/** Bundles of all authorities of the world take a quarter of it. */
export const longestPemBytes = 1 << 20

function tlsOf({ value, origin }: PlaceValues, faults: string[]): KafkaPlace['tls'] {
  const passphrase = secret(secretVariables.keyPassphrase.variable)
  const read = (name: 'tlsCaFile' | 'tlsCertFile' | 'tlsKeyFile'): string | undefined => {
    const file = value(name)
    if (file === '') return undefined
    const found = readSmallFile(file, longestPemBytes)
    if ('fault' in found) {
      faults.push(`${origin(name)}: ${file}: ${found.fault}`)
      return undefined
    }
    if (!found.text.includes('-----BEGIN ')) faults.push(`${origin(name)}: ${file} is no PEM file: convert it to PEM`)
    return found.text
  }
  const files = { ca: read('tlsCaFile'), cert: read('tlsCertFile'), key: read('tlsKeyFile') }
  const isNamed = (name: Name): boolean => value(name) !== ''
  if (isNamed('tlsCertFile') !== isNamed('tlsKeyFile')) {
    const [has, lacks] = isNamed('tlsCertFile') ? ['tlsCertFile', 'tlsKeyFile'] : ['tlsKeyFile', 'tlsCertFile']
    faults.push(
      `${origin(has as Name)}: a client certificate and its key go together: set ${placeSettings[lacks as Name].path} too`,
    )
  }
  if (passphrase !== undefined && !isNamed('tlsKeyFile')) {
    faults.push(`${secretVariables.keyPassphrase.variable} is set and no key: name it with kafka.tls.keyFile`)
  }
  const { ca, cert, key } = files
  if (!value('tls') && ca === undefined && cert === undefined && key === undefined) return undefined
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(passphrase !== undefined && { passphrase }),
  }
}

function loginOf({ value, origin, tokenCommand }: PlaceValues, faults: string[]): Login | undefined {
  const mechanism = value('saslMechanism')
  const username = value('saslUsername')
  const password = secret(secretVariables.password.variable)
  if (mechanism === 'oauthbearer') {
    if (tokenCommand) return { mechanism, tokenCommand }
    faults.push(
      `${origin('saslMechanism')}: oauthbearer needs a command that prints a token: set ${tokenCommandPath} in the configuration file`,
    )
    return undefined
  }
  if (mechanism === 'none') {
    const left = [
      ...(username === '' ? [] : [origin('saslUsername')]),
      ...(password === undefined ? [] : [secretVariables.password.variable]),
      ...(tokenCommand === undefined ? [] : [tokenCommandPath]),
    ]
    if (left.length > 0) faults.push(`${left.join(', ')}: set kafka.sasl.mechanism too, or nobody logs in with it`)
    return undefined
  }
  if (username === '') faults.push(`${origin('saslMechanism')}: ${mechanism} needs kafka.sasl.username`)
  if (password === undefined)
    faults.push(
      `${origin('saslMechanism')}: ${mechanism} needs a password: set ${secretVariables.password.variable} in the environment`,
    )
  return { mechanism, username, password: password ?? '' }
}

function registryOf(
  { value, origin }: PlaceValues,
  faults: string[],
  isNeeded: boolean,
): KafkaPlace['registry'] | undefined {
  const url = value('registryUrl')
  const user = value('registryUsername')
  const password = secret(secretVariables.registryPassword.variable)
  const token = secret(secretVariables.registryToken.variable)
  if (url === '') {
    if (isNeeded)
      faults.push(
        `${origin('brokers')}: a corpus on Kafka needs a schema registry: name it with --registry URL, WELLSPRING_REGISTRY or registry.url`,
      )
    return undefined
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (!parsed || !/^https?:$/.test(parsed.protocol)) {
    // It may be a secret in the wrong place: it is not shown.
    faults.push(
      `${origin('registryUrl')}: expected an http or https URL, such as http://127.0.0.1:8081/apis/ccompat/v7`,
    )
  } else if (parsed.username !== '' || parsed.password !== '') {
    faults.push(
      `${origin('registryUrl')}: the URL holds a user or a password: set registry.username and ${secretVariables.registryPassword.variable} instead`,
    )
  } else if (parsed.search !== '' || parsed.hash !== '') {
    faults.push(
      `${origin('registryUrl')}: the URL holds a query or a fragment (not shown, it may hold a secret): give the address alone, and a token in ${secretVariables.registryToken.variable}`,
    )
  }
  if (user !== '' && password === undefined)
    faults.push(
      `${origin('registryUsername')}: set ${secretVariables.registryPassword.variable} in the environment too`,
    )
  if (user === '' && password !== undefined)
    faults.push(`${secretVariables.registryPassword.variable} is set: set registry.username too`)
  if (token !== undefined && user !== '')
    faults.push(`${secretVariables.registryToken.variable} and ${origin('registryUsername')}: give one of the two`)
  return {
    url,
    ...(user !== '' && { user }),
    ...(password !== undefined && { password }),
    ...(token !== undefined && { token }),
  }
}
