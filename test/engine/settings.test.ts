import { afterEach, describe, expect, it } from 'vitest'
import { environmentSettings, variable } from '../../engine/environment.ts'
import { type ConfigurationError } from '../../engine/errors.ts'
import {
  defaultOf,
  parsePort,
  profiles,
  recipeOf,
  refuseFaults,
  resolveSettings,
  setting,
  variableName,
  type SettingSource,
} from '../../engine/settings.ts'
import { processors } from '../../processors/index.ts'

const declared = {
  attempts: setting.integer('Tries of a record.', { min: 1, max: 8, default: 4, recipe: true }),
  temperature: setting.number('Sampling temperature.', { min: 0, max: 2, default: 1, recipe: true }),
  isStrict: setting.boolean('Whether all must agree.', { default: false }),
  rule: setting.choice('How votes count.', ['majority', 'plurality'], { default: 'majority', recipe: true }),
  language: setting.text('Language of the answer.', { default: 'English' }),
}

/** A layer of values, as a file or the flags are. */
function layer(name: string, values: Record<string, unknown>): SettingSource {
  return {
    valueOf: (_, key) => (key in values ? { value: values[key], origin: `${name} ${key}` } : undefined),
    namesFor: () => Object.keys(values).map((key) => ({ name: key, origin: `${name} ${key}` })),
  }
}

it.each<readonly [string, number | undefined]>([
  ['0', 0],
  ['9464', 9464],
  ['65535', 65_535],
  ...['65536', '1e4', '0x10', '-1', '+1', ' 80', '80.0', '', 'x'].map((text) => [text, undefined] as const),
])('as a port, %j is %s', (text, port) => {
  expect(parsePort(text)).toBe(port)
  const ports = { port: setting.port('Where it listens.', { default: 7 }) }
  const { values, faults } = resolveSettings('run', ports, [layer('flag', { port: text })])
  expect([values.port, faults.length]).toEqual(port === undefined ? [7, 1] : [port, 0])
})

describe('settings of a processor', () => {
  it('are their defaults where nothing is given', () => {
    expect(resolveSettings('roll-out', declared, [])).toEqual({
      values: { attempts: 4, temperature: 1, isStrict: false, rule: 'majority', language: 'English' },
      faults: [],
    })
  })

  it('come from the first layer that has them: flag, variable, file', () => {
    const flags = layer('--set', { attempts: 1 })
    const variables = layer('variable', { attempts: 2, rule: 'plurality' })
    const file = layer('file', { attempts: 3, rule: 'majority', language: 'French' })
    expect(resolveSettings('roll-out', declared, [flags, variables, file]).values).toMatchObject({
      ...{ attempts: 1, rule: 'plurality', language: 'French', temperature: 1 },
    })
  })

  it('are those of the profile where nothing is given and the profile has its own', () => {
    const withProfiles = {
      ...declared,
      rule: setting.choice('How votes count.', ['majority', 'plurality'], {
        default: 'majority',
        profiles: { scripts: 'plurality' },
      }),
    }
    expect(resolveSettings('roll-out', withProfiles, [], 'scripts').values).toMatchObject({
      rule: 'plurality',
      attempts: 4,
    })
    expect(resolveSettings('roll-out', withProfiles, [], 'paper').values).toMatchObject({ rule: 'majority' })
    const file = layer('file', { rule: 'majority' })
    expect(resolveSettings('roll-out', withProfiles, [file], 'scripts').values).toMatchObject({ rule: 'majority' })
  })

  it('have the values of their profiles within their own bounds', () => {
    for (const { name, settings } of processors) {
      for (const profile of profiles) {
        const values = Object.entries(settings).map(([key, one]) => [key, defaultOf(one, profile)] as const)
        const given = layer(profile, Object.fromEntries(values))
        expect(resolveSettings(name, settings, [given]), name).toMatchObject({ faults: [] })
      }
    }
  })

  it('are read from text, as variables and flags give it', () => {
    const texts = layer('variable', { attempts: '8', temperature: '0.5', isStrict: 'true' })
    expect(resolveSettings('roll-out', declared, [texts])).toMatchObject({
      values: { attempts: 8, temperature: 0.5, isStrict: true },
      faults: [],
    })
  })

  it('take the bounds themselves', () => {
    for (const attempts of [1, 8])
      expect(resolveSettings('roll-out', declared, [layer('file', { attempts })])).toMatchObject({
        values: { attempts },
        faults: [],
      })
  })

  it('tell all faults at once, each with its origin, what is expected, what is given and what it is for', () => {
    const file = layer('wellspring.yaml', {
      ...{ attempts: 2.5, temperature: 'hot', isStrict: 'yes', rule: 'most', language: 7, temprature: 1 },
    })
    expect(resolveSettings('roll-out', declared, [file]).faults).toEqual([
      'wellspring.yaml attempts: expected a whole number between 1 and 8, got 2.5 (Tries of a record.)',
      'wellspring.yaml temperature: expected a number between 0 and 2, got "hot" (Sampling temperature.)',
      'wellspring.yaml isStrict: expected true or false, got "yes" (Whether all must agree.)',
      'wellspring.yaml rule: expected one of majority, plurality, got "most" (How votes count.)',
      'wellspring.yaml language: expected a text, got 7 (Language of the answer.)',
      'wellspring.yaml temprature: roll-out has no setting "temprature"; it has attempts, temperature, isStrict, rule, language',
    ])
  })

  for (const [what, given] of [
    ['below the least', 0],
    ['above the most', 9],
    ['not a number', Number.NaN],
    ['an empty text', ' '],
    ['a list', [3]],
    ['null', null],
  ] as const) {
    it(`refuse a number that is ${what}`, () => {
      const { faults, values } = resolveSettings('roll-out', declared, [layer('file', { attempts: given })])
      expect(faults).toHaveLength(1)
      expect(values.attempts).toBe(4)
    })
  }

  it('stop the start with all faults together', () => {
    expect(() => refuseFaults([])).not.toThrow()
    expect(() => refuseFaults(['a: expected 1', 'b: expected 2'])).toThrow(
      expect.objectContaining({
        kind: 'configuration',
        faults: ['a: expected 1', 'b: expected 2'],
      }) as ConfigurationError,
    )
  })

  it('are part of the recipe where their declaration says so', () => {
    const { values } = resolveSettings('roll-out', declared, [layer('file', { language: 'French', attempts: 5 })])
    expect(recipeOf(declared, values)).toEqual([
      ['attempts', 5],
      ['temperature', 1],
      ['rule', 'majority'],
    ])
  })
})

describe('variables of the environment', () => {
  const names = ['WELLSPRING_ROLL_OUT_ATTEMPTS', 'WELLSPRING_ROLL_OUT_IS_STRICT', 'WELLSPRING_ROLL_OUT_TYPO']
  afterEach(() => {
    for (const name of names) delete process.env[name]
  })
  const source = environmentSettings(() => Object.keys(declared))

  it('are named after the processor and the setting', () => {
    expect(variableName('roll-out', 'maxInFlight')).toBe('WELLSPRING_ROLL_OUT_MAX_IN_FLIGHT')
    expect(variableName('teach', 'model')).toBe('WELLSPRING_TEACH_MODEL')
  })

  it('give settings, and one that no setting has is a fault that names it', () => {
    process.env['WELLSPRING_ROLL_OUT_ATTEMPTS'] = '6'
    process.env['WELLSPRING_ROLL_OUT_IS_STRICT'] = 'true'
    process.env['WELLSPRING_ROLL_OUT_TYPO'] = '1'
    const { values, faults } = resolveSettings('roll-out', declared, [source])
    expect(values).toMatchObject({ attempts: 6, isStrict: true })
    expect(faults).toEqual([
      'WELLSPRING_ROLL_OUT_TYPO: roll-out has no setting "WELLSPRING_ROLL_OUT_TYPO"; it has attempts, temperature, isStrict, rule, language',
    ])
  })

  it('that are empty count as unset', () => {
    process.env['WELLSPRING_ROLL_OUT_ATTEMPTS'] = ''
    expect(variable('WELLSPRING_ROLL_OUT_ATTEMPTS')).toBeUndefined()
    expect(resolveSettings('roll-out', declared, [source])).toMatchObject({ values: { attempts: 4 }, faults: [] })
  })
})
