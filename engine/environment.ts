/** The environment: read here alone. Everything else is given what it needs. */
import type { SettingSource } from './settings.ts'
import { variableName } from './settings.ts'

/** The value of a variable; undefined where it is unset or empty. */
export function variable(name: string): string | undefined {
  const value = process.env[name]
  return value === undefined || value === '' ? undefined : value
}

/** Settings from `WELLSPRING_<PROCESSOR>_<SETTING>` variables, for the named processors. */
export function environmentSettings(settingNames: (processor: string) => readonly string[]): SettingSource {
  return {
    valueOf(processor, name) {
      const origin = variableName(processor, name)
      const value = variable(origin)
      return value === undefined ? undefined : { value, origin }
    },
    namesFor(processor) {
      // Names of the whole have no prefix of their own that would tell an unknown one.
      if (processor === '') return []
      const prefix = `${variableName(processor, '')}`
      const known = new Map(settingNames(processor).map((name) => [variableName(processor, name), name]))
      return Object.keys(process.env)
        .filter((name) => name.startsWith(prefix))
        .map((origin) => ({ name: known.get(origin) ?? origin, origin }))
    },
  }
}
