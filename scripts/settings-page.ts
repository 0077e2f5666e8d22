/** docs/settings.md: every setting, from its declaration. */
import { commonSettings, runSettings, simulatorSettings } from '../cli/configuration.ts'
import type { Processor } from '../engine/processor.ts'
import { variableName, type Setting, type Settings } from '../engine/settings.ts'
import { markdownTable } from './stream-picture.ts'

/** The page about the settings of these processors and of the process that runs them. */
export function settingsPage(processors: readonly Processor[]): string {
  return [
    '# Settings',
    '',
    '<!-- Written by `npm run generate` from the declarations. Do not edit. -->',
    '',
    'A flag (`--set roll-out.maxInFlight=64`) wins over a variable, a variable over the configuration file, the file over the',
    'default. All faults are reported at once, with exit code 78. Models and endpoints: [inference.md](inference.md).',
    '',
    'A setting marked as *recipe* is part of what a record was made by, and so of its id: after a change the same input makes',
    'new records instead of repeating old ones.',
    '',
    '## The process: `run`',
    '',
    ...settingsTable('run', runSettings),
    '',
    '## The simulated endpoint: `simulator`',
    '',
    ...settingsTable('simulator', simulatorSettings),
    '',
    '## Every processor: `processors.<name>`',
    '',
    ...settingsTable('<name>', commonSettings),
    '',
    ...processors.flatMap(({ name, settings, summary }) =>
      Object.keys(settings).length === 0
        ? []
        : [`## \`processors.${name}\``, '', summary, '', ...settingsTable(name, settings), ''],
    ),
  ].join('\n')
}

function settingsTable(scope: string, settings: Settings): string[] {
  return markdownTable(
    ['setting', 'variable', 'default', 'values', 'recipe', 'meaning'],
    Object.entries(settings).map(([name, setting]) => [
      `\`${name}\``,
      `\`${variableName(scope, name)}\``,
      setting.default === '' ? 'none' : `\`${setting.default}\``,
      valuesOf(setting),
      setting.recipe ? 'recipe' : '',
      setting.doc,
    ]),
  )
}

function valuesOf(setting: Setting): string {
  switch (setting.type) {
    case 'number':
      return `${setting.min} to ${setting.max}`
    case 'integer':
      return `whole, ${setting.min} to ${setting.max}`
    case 'boolean':
      return 'true or false'
    case 'choice':
      return setting.choices.map((choice) => `\`${choice}\``).join(', ')
    case 'text':
      return 'text'
  }
}
