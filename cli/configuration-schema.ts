/** The configuration file as a JSON schema of draft 2020-12, from the declarations: editors complete and check by it. */
import type { Setting } from '../engine/settings.ts'
import { inferenceJsonSchema } from '../inference/configuration.ts'
import { processors } from '../processors/index.ts'
import { commonSettings, runSettings, simulatorSettings, topSettings } from './configuration.ts'
import { placeSettings, tokenCommandPath } from './place.ts'

type JsonSchema = Record<string, unknown>

/** The whole file. */
export function configurationJsonSchema(): JsonSchema {
  const { properties, $defs } = inferenceJsonSchema()
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Wellspring configuration',
    description: 'wellspring.yaml: see docs/settings.md and docs/inference.md.',
    ...mapping({
      ...settingSchemas(topSettings),
      ...properties,
      run: mapping(settingSchemas(runSettings), 'The process.'),
      simulator: mapping(
        settingSchemas(simulatorSettings),
        'The simulated endpoint that is started where none is configured.',
      ),
      processors: mapping(
        Object.fromEntries(
          processors.map(({ name, settings, summary }) => [
            name,
            mapping(settingSchemas({ ...settings, ...commonSettings }), summary),
          ]),
        ),
        'Settings of processors.',
      ),
      ...placeSchemas(),
    }),
    $defs,
  }
}

function mapping(properties: JsonSchema, description?: string): JsonSchema {
  return { ...(description && { description }), type: 'object', properties, additionalProperties: false }
}

const settingSchemas = (settings: Readonly<Record<string, Setting>>): JsonSchema =>
  Object.fromEntries(Object.entries(settings).map(([name, one]) => [name, settingSchema(one)]))

function settingSchema(one: Setting): JsonSchema {
  const shared = { description: one.doc, default: one.default }
  switch (one.type) {
    case 'number':
    case 'integer':
      return { ...shared, type: one.type, minimum: one.min, maximum: one.max }
    case 'boolean':
      return { ...shared, type: 'boolean' }
    case 'choice':
      return { ...shared, enum: one.choices }
    case 'text':
      return { ...shared, type: 'string' }
  }
}

/** `kafka` and `registry`: paths become mappings; one that is a value too may be written either way. */
function placeSchemas(): JsonSchema {
  const texts = { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 }
  const schemas = new Map<string, JsonSchema>(
    Object.values(placeSettings).map(({ path, setting }) => [path, settingSchema(setting)]),
  )
  const brokers = placeSettings.brokers
  schemas.set(brokers.path, { description: brokers.setting.doc, anyOf: [{ type: 'string' }, texts] })
  schemas.set(tokenCommandPath, {
    description: 'Command that prints a token for oauthbearer, as a list: the program first. No shell reads it.',
    ...texts,
  })
  const below = (section: string): JsonSchema => {
    const inside = [...schemas.keys()].filter((path) => path.startsWith(`${section}.`))
    const names = new Set(inside.map((path) => path.slice(section.length + 1).split('.')[0] ?? ''))
    return mapping(
      Object.fromEntries(
        [...names].map((name) => {
          const path = `${section}.${name}`
          const own = schemas.get(path)
          const hasInside = inside.some((one) => one.startsWith(`${path}.`))
          if (!hasInside) return [name, own]
          if (own === undefined) return [name, below(path)]
          const { description, ...value } = own
          return [name, { description, anyOf: [value, below(path)] }]
        }),
      ),
    )
  }
  return { kafka: below('kafka'), registry: below('registry') }
}
