/** The one configuration file, variables and flags, together: flag > variable > file > default, all faults at once. */
import { availableParallelism } from 'node:os'
import { environmentSettings } from '../engine/environment.ts'
import { ConfigurationError } from '../engine/errors.ts'
import type { Processor } from '../engine/processor.ts'
import type { ConfiguredProcessor } from '../engine/runtime.ts'
import { profiles, resolveSettings, setting, type Profile, type SettingSource } from '../engine/settings.ts'
import { parseInferenceSettings, type InferenceSettings } from '../inference/configuration.ts'
import { processors } from '../processors/index.ts'
import { budgetFault, parseBudget } from './budget.ts'
import { readConfigurationFile } from './configuration-file.ts'
import { CommandError, exitCodes } from './exit.ts'
import {
  configurationFileName,
  placeSections,
  resolvePlace,
  type Place,
  type PlaceFlags,
  type FoundSetting,
} from './place.ts'
import { noSuch } from './wrong-use.ts'

/** The settings at the top of the file, outside every section. */
export const topSettings = {
  profile: setting.choice(
    "Whose rules hold where a setting is not given: Wellspring's own, those of the PromptCoT 2.0 paper, or those of its public scripts.",
    profiles,
    { default: 'wellspring' },
  ),
}

/** Settings of the process as a whole, under `run` in the file and `WELLSPRING_RUN_*` in the environment. */
export const runSettings = {
  drainSeconds: setting.number('Seconds to wait for calls in flight after the first Ctrl-C or SIGTERM.', {
    min: 0,
    max: 86_400,
    default: 30,
  }),
  verifierThreads: setting.integer('Worker threads that verify. 0: one for each processor core.', {
    min: 0,
    max: 1024,
    default: 0,
  }),
  retentionSeconds: setting.number('Seconds that transient records are kept after every processor is past them.', {
    min: 0,
    max: 1e9,
    default: 86_400,
  }),
  metricsPort: setting.port('Port of /metrics, /healthz and /readyz. 0: none.', { default: 0 }),
  metricsHost: setting.text(
    'Address that they are served on. Anyone who reaches another one than 127.0.0.1 reads them: they ask for no password.',
    {
      default: '127.0.0.1',
      form: { pattern: /^[A-Za-z0-9.:_-]{1,253}$/, expected: 'an address or name of this machine' },
    },
  ),
  budget: setting.text(
    'Most that the corpus may cost, over all processes and restarts: 50usd, 2Gtokens, or 1000pairs. Empty: no limit.',
    { default: '' },
  ),
  budgetSoftShare: setting.number('From this share of the budget on, less and less new work is begun.', {
    min: 0,
    max: 0.99,
    default: 0.8,
  }),
  records: setting.choice(
    'Which records the corpus is to hold. auto: as the endpoints are, which every process then asks. Where it is said, a process that calls no model asks none, and needs neither keys nor a way to them.',
    ['auto', 'real', 'simulated'],
    { default: 'auto' },
  ),
  allowSelfVote: setting.boolean('Let a solver vote on the reference answers that it is judged by.', {
    default: false,
  }),
  retiredModels: setting.text(
    'Models, with commas between, that will not come back: what is still asked of one that its role does not have goes to dead-letters (an attempt: ends unverifiable) instead of ending the process with 78.',
    { default: '' },
  ),
  python: setting.text(
    'Python interpreter (3.9 or later) that generated programs run in: an absolute path, or a name that is looked up on PATH. Empty: /usr/bin/python3, /usr/local/bin/python3, or the python3 on PATH. `wellspring doctor` shows which it is.',
    { default: '', form: { pattern: /^(\/.+|[^/\s]+)?$/, expected: 'an absolute path, or a name without slashes' } },
  ),
  unsafeNoSandbox: setting.boolean(
    'Run generated programs without a sandbox. Never do this outside a disposable machine.',
    { default: false },
  ),
}

/** Settings that every processor has besides its own. */
export const commonSettings = {
  maxInFlight: setting.integer('Records worked on at once in each task.', { min: 1, max: 100_000, default: 256 }),
}

/** Settings of the simulated endpoint that `up` starts where no endpoint is configured. */
export const simulatorSettings = {
  speed: setting.number('How much faster than real token speed it answers.', { min: 0.1, max: 100_000, default: 50 }),
  seed: setting.integer('The same seed gives the same answers.', { min: 0, max: 2 ** 31 - 1, default: 1 }),
  knows: setting.text('JSONL file of human problems with answers or solutions that its models can solve.', {
    default: '',
  }),
  truthFile: setting.text('File that it writes the truth about its problems to; for measurements only.', {
    default: '',
  }),
  requestLog: setting.text('File that it writes every request to; for tests only.', { default: '' }),
  topicSpread: setting.number(
    'How much its models differ from topic to topic: standard deviation in logits of what they gain or lose at a family of problems.',
    { min: 0, max: 5, default: 0 },
  ),
  noiseFactor: setting.number('How often its models go wrong, as a multiple of what is usual (simulator/README.md).', {
    min: 0,
    max: 20,
    default: 1,
  }),
}

export interface Flags extends PlaceFlags {
  /** `false`: no configuration file is read. */
  file?: false
  /** `processor.setting=value`, `run.setting=value`, `simulator.setting=value` or `profile=value`. */
  set?: readonly string[] | undefined
  /** What was given by flags of its own, which win over `set`. */
  own?: readonly OwnFlag[]
}

/** A setting that has a flag of its own: a fault names the flag. */
interface OwnFlag {
  /** As it is typed: `--metrics-port`. */
  flag: string
  /** `run`, or a processor. */
  scope: string
  name: string
  value: string
}

type Values<Declared extends Parameters<typeof resolveSettings>[1]> = ReturnType<
  typeof resolveSettings<Declared>
>['values']

export interface Configuration {
  /** What it was read by; reads it again. */
  flags: Flags
  file: string | undefined
  profile: Profile
  run: Values<typeof runSettings> & { verifierThreads: number }
  simulator: Values<typeof simulatorSettings>
  processors: ReadonlyMap<string, ConfiguredProcessor>
  /** Configured endpoints, models and roles; undefined where the file has none. */
  inference: InferenceSettings | undefined
  /** Where the corpus lies. */
  place: Place
  /** All settings but endpoints, models and roles, with what gave each. */
  found: FoundSetting[]
}

const inferenceKeys = ['endpoints', 'models', 'roles'] as const

/** Reads everything. @throws ConfigurationError with all faults */
export function loadConfiguration(flags: Flags): Configuration {
  const faults: string[] = []
  const file = flags.file === false ? undefined : configurationFileName(flags.config)
  const content = file === undefined ? {} : readConfigurationFile(file, faults)
  const sections = [...Object.keys(topSettings), 'run', 'simulator', 'processors', ...inferenceKeys, ...placeSections]
  for (const key of Object.keys(content)) {
    if (!sections.includes(key)) faults.push(`${file}: unknown key "${key}"; expected one of ${sections.join(', ')}`)
  }
  const scopes = new Map<string, Parameters<typeof resolveSettings>[1]>([
    ['', topSettings],
    ['run', runSettings],
    ['simulator', simulatorSettings],
    ...processors.map(({ name, settings }) => [name, { ...settings, ...commonSettings }] as const),
  ])
  const origins = new Map<string, string>()
  const sources: SettingSource[] = [
    flagSource(flags, scopes, faults),
    environmentSettings((scope) => Object.keys(scopes.get(scope) ?? {})),
    fileSource(file ?? '', content, scopes, faults),
  ].map(({ valueOf, namesFor }) => ({
    namesFor,
    valueOf: (scope, name) => {
      const given = valueOf(scope, name)
      const key = `${scope} ${name}`
      // The first source that has it wins.
      if (given !== undefined && !origins.has(key)) origins.set(key, given.origin)
      return given
    },
  }))
  const found: FoundSetting[] = []
  const resolve = <Declared extends Parameters<typeof resolveSettings>[1]>(
    scope: string,
    declared: Declared,
    profile?: Profile,
  ): Values<Declared> => {
    const resolved = resolveSettings(scope, declared, sources, profile)
    faults.push(...resolved.faults)
    for (const [name, value] of Object.entries(resolved.values)) {
      const ofProfile =
        profile !== undefined && profile !== 'wellspring' && declared[name]?.profiles[profile] !== undefined
      const origin = origins.get(`${scope} ${name}`) ?? (ofProfile ? `profile ${profile}` : undefined)
      found.push({ path: pathOf(scope, name), value, origin })
    }
    return resolved.values
  }
  const { profile } = resolve('', topSettings)
  const run = resolve('run', runSettings)
  if (run.budget !== '' && !parseBudget(run.budget)) faults.push(budgetFault(run.budget, origins.get('run budget')))
  const simulator = resolve('simulator', simulatorSettings)
  const configured = processors.map((declaration): [string, ConfiguredProcessor] => {
    const { maxInFlight, ...config } = resolve(
      declaration.name,
      { ...declaration.settings, ...commonSettings },
      profile,
    )
    return [declaration.name, { declaration, config, profile, limits: { maxInFlight: Number(maxInFlight) } }]
  })
  let inference: InferenceSettings | undefined
  if (inferenceKeys.some((key) => key in content)) {
    try {
      inference = parseInferenceSettings(Object.fromEntries(inferenceKeys.map((key) => [key, content[key]])))
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error
      faults.push(...error.faults.map((fault) => `${file}: ${fault}`))
    }
  }
  const { place, found: foundOfPlace, faults: faultsOfPlace } = resolvePlace(flags, file, content)
  faults.push(...faultsOfPlace)
  found.push(...foundOfPlace)
  if (faults.length > 0) throw new ConfigurationError(faults)
  return {
    flags,
    file,
    profile,
    run: { ...run, verifierThreads: run.verifierThreads || availableParallelism() },
    simulator,
    processors: new Map(configured),
    inference,
    place,
    found,
  }
}

/** Where a setting stands in the file. */
function pathOf(scope: string, name: string): string {
  return `${scope === '' ? '' : `${pathOfScope(scope)}.`}${name}`
}

/** The section of a scope in the file. */
function pathOfScope(scope: string): string {
  return isSection(scope) ? scope : `processors.${scope}`
}

const isSection = (scope: string): boolean => scope === 'run' || scope === 'simulator'

/** The processors of these names, or all. @throws CommandError naming those there are */
export function chooseProcessors(configuration: Configuration, names: readonly string[]): ConfiguredProcessor[] {
  const unknown = names.filter((name) => !configuration.processors.has(name))
  if (unknown.length > 0)
    throw new CommandError(exitCodes.usage, noSuch('processor', unknown, [...configuration.processors.keys()]))
  return [...configuration.processors.values()].filter(
    ({ declaration }) => names.length === 0 || names.includes(declaration.name),
  )
}

function fileSource(
  file: string,
  content: Record<string, unknown>,
  scopes: ReadonlyMap<string, unknown>,
  faults: string[],
): SettingSource {
  const section = (value: unknown, path: string): Record<string, unknown> => {
    if (value === undefined || value === null) return {}
    if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>
    faults.push(`${file}: ${path}: expected a mapping of settings, got ${JSON.stringify(value)}`)
    return {}
  }
  const ofProcessors = section(content['processors'], 'processors')
  for (const name of Object.keys(ofProcessors)) {
    if (name === '' || !scopes.has(name) || isSection(name)) {
      faults.push(
        `${file}: processors.${name}: there is no such processor; there are ${processors.map((one: Processor) => one.name).join(', ')}`,
      )
    }
  }
  const all = new Map(
    [...scopes].map(([scope, declared]) => {
      if (scope === '') {
        const atTop = Object.entries(content).filter(([name]) => Object.hasOwn(declared as object, name))
        return [scope, Object.fromEntries(atTop)]
      }
      const own = isSection(scope)
      return [scope, section(own ? content[scope] : ofProcessors[scope], own ? scope : `processors.${scope}`)]
    }),
  )
  const origin = (scope: string, name: string): string => `${file}: ${pathOf(scope, name)}`
  return {
    valueOf: (scope, name) => {
      const values = all.get(scope)
      return values && Object.hasOwn(values, name) ? { value: values[name], origin: origin(scope, name) } : undefined
    },
    namesFor: (scope) => Object.keys(all.get(scope) ?? {}).map((name) => ({ name, origin: origin(scope, name) })),
  }
}

function flagSource(
  { set = [], own = [] }: Flags,
  scopes: ReadonlyMap<string, unknown>,
  faults: string[],
): SettingSource {
  const given = new Map<string, Map<string, { value: unknown; origin: string }>>()
  const give = (scope: string, name: string, value: unknown, origin: string): void => {
    given.set(scope, (given.get(scope) ?? new Map<string, never>()).set(name, { value, origin }))
  }
  for (const text of set) {
    const match = /^(?:([a-z-]+)\.)?([A-Za-z]+)=(.*)$/s.exec(text)
    const scope = match?.[1] ?? ''
    if (!match?.[2]) faults.push(`--set ${text}: expected processor.setting=value, such as roll-out.maxInFlight=64`)
    else if (!scopes.has(scope))
      faults.push(`--set ${text}: ${noSuch('section or processor', [scope], [...scopes.keys()].filter(Boolean))}`)
    else give(scope, match[2], match[3], `--set ${scope === '' ? '' : `${scope}.`}${match[2]}`)
  }
  for (const { flag, scope, name, value } of own) give(scope, name, value, flag)
  return {
    valueOf: (scope, name) => given.get(scope)?.get(name),
    namesFor: (scope) => [...(given.get(scope) ?? [])].map(([name, { origin }]) => ({ name, origin })),
  }
}
