/**
 * Settings of processors: declared once, with type, check, default and documentation; read from flag > variable > file >
 * default, all faults at once.
 */
import { ConfigurationError } from './errors.ts'

/**
 * A set of rules: `paper` as PromptCoT 2.0's paper states them, `scripts` as its public scripts have them, `wellspring`
 * the defaults here. A setting without a value of its own for a profile has its default there.
 */
export const profiles = ['wellspring', 'paper', 'scripts'] as const
export type Profile = (typeof profiles)[number]

interface SettingBase<Value> {
  doc: string
  /** Part of the recipe, and so of every id made under it. */
  recipe: boolean
  default: Value
  /** Its values under the other profiles, where they differ from the default. */
  profiles: Readonly<Partial<Record<Exclude<Profile, 'wellspring'>, Value>>>
}

export interface NumberSetting extends SettingBase<number> {
  type: 'number' | 'integer'
  min: number
  max: number
  /** As a text it is plain decimal digits: `1e4` and `0x10` are none. */
  plain?: true
}
export interface BooleanSetting extends SettingBase<boolean> {
  type: 'boolean'
}
export interface TextSetting extends SettingBase<string> {
  type: 'text'
  /** What a text must look like, and how that is said: `a day such as 2024-08-01`. Any text where it is absent. */
  form?: { pattern: RegExp; expected: string }
}
export interface ChoiceSetting<Choice extends string = string> extends SettingBase<Choice> {
  type: 'choice'
  choices: readonly Choice[]
}
export type Setting = NumberSetting | BooleanSetting | TextSetting | ChoiceSetting
export type Settings = Readonly<Record<string, Setting>>

/** The values of declared settings, by name. */
export type SettingValues<Declared extends Settings> = {
  readonly [Name in keyof Declared]: Declared[Name] extends ChoiceSetting<infer Choice>
    ? Choice
    : Declared[Name] extends NumberSetting
      ? number
      : Declared[Name] extends BooleanSetting
        ? boolean
        : string
}

/** What every setting may be marked with; see SettingBase. */
type Marks<Value> = { default: Value } & Partial<Pick<SettingBase<Value>, 'recipe' | 'profiles'>>

const unmarked = { recipe: false, profiles: {} }

/** Declares a setting. Every number has bounds; units stand in the name. */
export const setting = {
  number: (doc: string, options: { min: number; max: number } & Marks<number>): NumberSetting => ({
    ...unmarked,
    ...options,
    type: 'number',
    doc,
  }),
  integer: (doc: string, options: { min: number; max: number } & Marks<number>): NumberSetting => ({
    ...unmarked,
    ...options,
    type: 'integer',
    doc,
  }),
  port: (doc: string, options: Marks<number>): NumberSetting => ({
    ...unmarked,
    ...options,
    ...{ type: 'integer', min: 0, max: 65_535, plain: true },
    doc,
  }),
  boolean: (doc: string, options: Marks<boolean>): BooleanSetting => ({
    ...unmarked,
    ...options,
    type: 'boolean',
    doc,
  }),
  text: (doc: string, options: Pick<TextSetting, 'form'> & Marks<string>): TextSetting => ({
    ...unmarked,
    ...options,
    type: 'text',
    doc,
  }),
  choice: <const Choice extends string>(
    doc: string,
    choices: readonly Choice[],
    options: Marks<Choice>,
  ): ChoiceSetting<Choice> => ({
    ...unmarked,
    ...options,
    type: 'choice',
    choices,
    doc,
  }),
}

/** One layer of values with where they come from, such as `wellspring.yaml` or `WELLSPRING_ROLL_OUT_ATTEMPTS`. */
export interface SettingSource {
  /** Value of a setting of a processor; undefined where this layer has none. */
  valueOf(processor: string, name: string): { value: unknown; origin: string } | undefined
  /** Names that this layer gives for a processor, to find unknown ones. */
  namesFor(processor: string): readonly { name: string; origin: string }[]
}

/** `roll-out`, `maxInFlight` -> `WELLSPRING_ROLL_OUT_MAX_IN_FLIGHT`; of the whole (an empty processor) `profile` -> `WELLSPRING_PROFILE`. */
export function variableName(processor: string, name: string): string {
  const words = `${processor === '' ? '' : `${processor.replaceAll('-', '_')}_`}${name.replace(/[A-Z]/g, (letter) => `_${letter}`)}`
  return `WELLSPRING_${words.toUpperCase()}`
}

/**
 * The values of a processor's settings, the first source that has one winning; else those of the profile.
 * @returns the values, and all faults as sentences
 */
export function resolveSettings<Declared extends Settings>(
  processor: string,
  declared: Declared,
  sources: readonly SettingSource[],
  profile: Profile = 'wellspring',
): { values: SettingValues<Declared>; faults: string[] } {
  const faults: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, one] of Object.entries(declared)) {
    const found = sources.map((source) => source.valueOf(processor, name)).find((given) => given !== undefined)
    values[name] = defaultOf(one, profile)
    if (!found) continue
    const checked = check(one, found.value)
    if ('fault' in checked)
      faults.push(`${found.origin}: expected ${checked.fault}, got ${JSON.stringify(found.value)} (${one.doc})`)
    else values[name] = checked.value
  }
  for (const { name, origin } of sources.flatMap((source) => source.namesFor(processor))) {
    if (!Object.hasOwn(declared, name)) {
      faults.push(`${origin}: ${processor} has no setting "${name}"; it has ${Object.keys(declared).join(', ')}`)
    }
  }
  return { values: values as SettingValues<Declared>, faults }
}

const plainDigits = /^\d+$/

/** The port that a text names, in plain decimal digits from 0 to 65535; undefined where it names none. */
export function parsePort(text: string): number | undefined {
  return plainDigits.test(text) && Number(text) <= 65_535 ? Number(text) : undefined
}

function check(one: Setting, given: unknown): { value: unknown } | { fault: string } {
  switch (one.type) {
    case 'number':
    case 'integer': {
      const value = typeof given === 'string' && given.trim() !== '' ? Number(given) : given
      const kind = one.type === 'integer' ? 'a whole number' : 'a number'
      const fits =
        typeof value === 'number' &&
        value >= one.min &&
        value <= one.max &&
        !(one.plain && typeof given === 'string' && !plainDigits.test(given)) &&
        (one.type === 'number' || Number.isInteger(value))
      return fits
        ? { value }
        : { fault: `${kind} between ${one.min} and ${one.max}${one.plain ? ' in plain digits' : ''}` }
    }
    case 'boolean': {
      const value = given === 'true' ? true : given === 'false' ? false : given
      return typeof value === 'boolean' ? { value } : { fault: 'true or false' }
    }
    case 'choice':
      return one.choices.includes(given as string) ? { value: given } : { fault: `one of ${one.choices.join(', ')}` }
    case 'text':
      return typeof given === 'string' && (one.form?.pattern.test(given) ?? true)
        ? { value: given }
        : { fault: one.form?.expected ?? 'a text' }
  }
}

/** The value of a setting that nobody gives, under a profile. */
export function defaultOf(one: Setting, profile: Profile): unknown {
  return (profile === 'wellspring' ? undefined : one.profiles[profile]) ?? one.default
}

/** The recipe settings among the values, in the order of their declaration. */
export function recipeOf(declared: Settings, values: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(declared)
    .filter(([, one]) => one.recipe)
    .map(([name]) => [name, values[name]])
}

/** Throws all faults together. @throws ConfigurationError */
export function refuseFaults(faults: readonly string[]): void {
  if (faults.length > 0) throw new ConfigurationError(faults)
}
