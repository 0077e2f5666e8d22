/** `wellspring config`: what the configuration says, and from where. */
import { Command } from 'commander'
import { variable } from '../engine/environment.ts'
import { ConfigurationError } from '../engine/errors.ts'
import { roles } from '../engine/ports.ts'
import { redacted, secret } from '../engine/secrets.ts'
import { endpointsOf, type InferenceSettings } from '../inference/configuration.ts'
import { linesOf, readConfigurationFile } from './configuration-file.ts'
import { configurationJsonSchema } from './configuration-schema.ts'
import { loadConfiguration, type Configuration } from './configuration.ts'
import { placeOptions, secretVariables, tokenCommandPath, type PlaceFlags } from './place.ts'
import { printable, say, sayJson, tableLines } from './terminal.ts'

interface Options extends PlaceFlags {
  set?: string[]
  json?: boolean
}

/** A setting with what gave it; secrets are told as set or not set. */
interface Row {
  setting: string
  value: unknown
  /** `default`, a variable, a flag, or file and line. */
  origin: string
}

const withSet = (command: Command): Command =>
  placeOptions(command).option('--set <setting=value...>', 'a setting, such as roll-out.maxInFlight=64')

export function configCommand(): Command {
  return new Command('config')
    .addCommand(checkCommand())
    .addCommand(showCommand())
    .addCommand(schemaCommand())
    .addHelpText(
      'after',
      `
Examples:
  wellspring config check
  wellspring config show --json | jq 'select(.origin != "default")'
  wellspring config schema > wellspring.schema.json`,
    )
}

function checkCommand(): Command {
  return withSet(new Command('check'))
    .description('whether the configuration is right, all faults at once')
    .addHelpText(
      'after',
      `
Reads the file, the variables and the flags as \`up\` does. No endpoint and no broker is asked: that is what \`wellspring doctor\` does.
Exit code 78 where anything is wrong.

Examples:
  wellspring config check
  wellspring config check --config new.yaml && mv new.yaml wellspring.yaml`,
    )
    .action(async (options: Options) => {
      const configuration = loadConfiguration(options)
      const { inference } = configuration
      if (inference !== undefined) await refuseUnusable(inference, configuration.run.allowSelfVote)
      for (const line of summaryLines(configuration)) say(redacted(line))
    })
}

function showCommand(): Command {
  return withSet(new Command('show'))
    .description('every setting: its value, and what gave it')
    .option('--json', 'a JSON line for each setting')
    .addHelpText(
      'after',
      `
Keys and passwords are never shown: only which variable holds each, and whether it is set.

Examples:
  wellspring config show
  wellspring config show --set roll-out.maxInFlight=64 | grep roll-out
  wellspring config show --json --config other.yaml`,
    )
    .action((options: Options) => {
      const rows = rowsOf(loadConfiguration(options))
      if (options.json) for (const row of rows) sayJson(row)
      else {
        const cells = rows.map(({ setting, value, origin }) => [setting, shown(value), origin])
        for (const line of tableLines(['setting', 'value', 'from'], cells)) say(printable(line))
      }
    })
}

function schemaCommand(): Command {
  return new Command('schema')
    .description('the JSON schema of the configuration file, for editors')
    .addHelpText(
      'after',
      `
An editor with a YAML language server checks and completes wellspring.yaml when its first line is
# yaml-language-server: $schema=./wellspring.schema.json

Examples:
  wellspring config schema > wellspring.schema.json`,
    )
    .action(() => say(JSON.stringify(configurationJsonSchema(), undefined, 2)))
}

/** What `up` would refuse before it asks anybody. @throws ConfigurationError */
async function refuseUnusable(inference: InferenceSettings, allowSelfVote: boolean): Promise<void> {
  // Loaded here alone: clients of endpoints take a while.
  const [{ createInference }, { refuseSelfVote }] = await Promise.all([
    import('../inference/inference.ts'),
    import('./models.ts'),
  ])
  const faults: string[] = []
  const attempts: (() => void | Promise<void>)[] = [
    () => refuseSelfVote(inference, allowSelfVote),
    () => createInference(inference, { secret }).close(),
  ]
  for (const attempt of attempts) {
    try {
      await attempt()
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error
      faults.push(...error.faults)
    }
  }
  if (faults.length > 0) throw new ConfigurationError(faults)
}

function summaryLines({ file, place, inference }: Configuration): string[] {
  const corpus =
    place.kind === 'embedded'
      ? `the folder ${place.directory}`
      : `Kafka at ${place.brokers.join(', ')}, namespace ${place.namespace}`
  const head = [
    file === undefined ? 'no configuration file: variables and defaults are in order' : `${file} is in order`,
    `corpus: ${corpus}`,
  ]
  if (inference === undefined) {
    const isNamed = variable('OPENAI_BASE_URL') !== undefined
    return [
      ...head,
      isNamed
        ? 'models: those of the endpoint in OPENAI_BASE_URL'
        : 'models: none is configured; `wellspring up` starts a simulated endpoint',
    ]
  }
  const line = (name: string, ...parts: string[]): string => `  ${name}: ${parts.join(', ')}`
  return [
    ...head,
    'endpoints:',
    ...Object.entries(inference.endpoints).map(([name, { url, maxConcurrency, apiKeyVariable }]) =>
      line(
        name,
        url,
        maxConcurrency === undefined ? 'calls at once by itself' : `at most ${maxConcurrency} calls at once`,
        ...(apiKeyVariable === undefined ? [] : [`key from ${apiKeyVariable}`]),
      ),
    ),
    'models:',
    ...Object.entries(inference.models).map(([key, model]) =>
      line(
        key,
        model.model,
        model.mode,
        `at ${endpointsOf(model)
          .map(({ name, weight }) => (weight === 1 ? name : `${name} (weight ${weight})`))
          .join(' and ')}`,
      ),
    ),
    'roles:',
    ...roles.map((role) => line(role, ...(inference.roles[role] ?? ['none: it is switched off']))),
  ]
}

function rowsOf({ file, place, inference, found, flags }: Configuration): Row[] {
  const lineOf = file === undefined ? () => undefined : linesOf(file)
  const inFile = (path: readonly (string | number)[]): string => {
    const line = lineOf(path)
    return line === undefined ? String(file) : `${file}:${line}`
  }
  const dataOrigin = flags.data === undefined ? originOfVariable('WELLSPRING_DATA') : '--data'
  const rows: Row[] = [
    ...(place.kind === 'embedded' ? [{ setting: 'data', value: place.directory, origin: dataOrigin }] : []),
    ...found.map(({ path, value, origin = 'default' }) => ({
      setting: path,
      // Its arguments may hold what nobody should read.
      value: path === tokenCommandPath && Array.isArray(value) ? `${value[0]} (arguments are not shown)` : value,
      origin: origin.startsWith(`${file}: `) ? inFile(path.split('.')) : origin,
    })),
    ...Object.values(secretVariables).map((one) => secretRow(one.variable)),
    ...(inference === undefined || file === undefined
      ? [baseUrlRow(), secretRow('OPENAI_API_KEY')]
      : inferenceRows(inference, readConfigurationFile(file, []), inFile)),
  ]
  return rows.map((row) => ({ ...row, value: withoutSecrets(row.value) }))
}

/** Endpoints, models and roles: each value that the file has, and the defaults of the others. */
function inferenceRows(
  inference: InferenceSettings,
  content: Record<string, unknown>,
  inFile: (path: readonly string[]) => string,
): Row[] {
  const rows: Row[] = []
  const visit = (value: unknown, written: unknown, path: readonly string[]): void => {
    const name = path.at(-1) ?? ''
    if (isMapping(value) && name !== 'extraBody' && Object.keys(value).length > 0) {
      for (const [key, inner] of Object.entries(value))
        visit(inner, isMapping(written) ? written[key] : undefined, [...path, key])
      return
    }
    const origin = written === undefined ? 'default' : inFile(path)
    const setting = path.join('.')
    if (name === 'apiKeyVariable' && typeof value === 'string') rows.push({ ...secretRow(value), setting, origin })
    else rows.push({ setting, value, origin })
  }
  for (const section of ['endpoints', 'models', 'roles'] as const)
    visit(inference[section], content[section], [section])
  return rows
}

/** A variable that holds a secret. */
const secretRow = (name: string): Row => ({
  setting: name,
  value: `${name} (${secret(name) === undefined ? 'not set' : 'set'}, never shown)`,
  origin: originOfVariable(name),
})

const originOfVariable = (name: string): string => (variable(name) === undefined ? 'default' : name)

/** Without what may stand before and after the address. */
function baseUrlRow(): Row {
  const text = variable('OPENAI_BASE_URL')
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined
  const value = text === undefined ? '' : url === undefined ? '(no URL, not shown)' : `${url.origin}${url.pathname}`
  return { setting: 'OPENAI_BASE_URL', value, origin: originOfVariable('OPENAI_BASE_URL') }
}

/** Body fields whose name says that they hold a secret. */
const secretName = /key$|token$|secret|pass|pwd|auth|bearer|cookie|session|credential/i

function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return redacted(value)
  if (Array.isArray(value)) return value.map(withoutSecrets)
  if (!isMapping(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, secretName.test(key) ? '(not shown)' : withoutSecrets(inner)]),
  )
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A value in a cell. */
function shown(value: unknown): string {
  if (value === '') return 'none'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
