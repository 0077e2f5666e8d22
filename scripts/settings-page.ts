/** docs/settings.md: every setting, from its declaration. */
import { commonSettings, runSettings, simulatorSettings, topSettings } from '../cli/configuration.ts'
import { placeSettings, secretVariables, tokenCommandPath, type PlaceSetting } from '../cli/place.ts'
import type { Processor } from '../engine/processor.ts'
import { defaultOf, profiles, variableName, type Setting, type Settings } from '../engine/settings.ts'
import { markdownTable } from './stream-picture.ts'

/** The page about the settings of these processors and of the process that runs them. */
export function settingsPage(processors: readonly Processor[]): string {
  return [
    '# Settings',
    '',
    '<!-- Written by `npm run generate` from the declarations. Do not edit. -->',
    '',
    'A flag (`--set roll-out.maxInFlight=64`) wins over a variable, a variable over the configuration file, the file over the',
    'default. All faults are reported at once, with exit code 78 (2 where only flags are wrong). Models and endpoints: [inference.md](inference.md).',
    '',
    'A setting marked as *recipe* is part of what a record was made by, and so of its id: after a change the same input makes',
    'new records instead of repeating old ones.',
    '',
    '## At the top of the file',
    '',
    'A setting that nobody gives has the value of the profile; `default` names the profiles under which it is another one.',
    '',
    ...settingsTable('', topSettings),
    '',
    '## The process: `run`',
    '',
    ...settingsTable('run', runSettings),
    '',
    '## The simulated endpoint: `simulator`',
    '',
    ...settingsTable('simulator', simulatorSettings),
    '',
    '## A corpus on Kafka: `kafka` and `registry`',
    '',
    'Every command that opens a corpus takes them; without brokers the corpus lies in the data folder, and so it does with',
    '`--no-kafka`. On Kafka the data folder (`--data`, `WELLSPRING_DATA`) holds copies of task state alone, which only save time.',
    '',
    ...placeTable(),
    '',
    'Secrets come from the environment; the file is refused where it holds one:',
    '',
    ...markdownTable(
      ['variable', 'meaning'],
      Object.values(secretVariables).map(({ variable, doc }) => [`\`${variable}\``, doc]),
    ),
    '',
    'In `wellspring.yaml`:',
    '',
    '```yaml',
    ...placeExample,
    '```',
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

const placeExample = [
  'kafka:',
  '  brokers: [kafka-1:9093, kafka-2:9093, kafka-3:9093]',
  '  namespace: corpus-1',
  '  replication: 3',
  '  tls: { caFile: /etc/kafka/ca.pem }',
  '  sasl: { mechanism: scram-sha-512, username: wellspring } # password: WELLSPRING_KAFKA_PASSWORD',
  'registry: { url: https://registry:8081, username: wellspring } # password: WELLSPRING_REGISTRY_PASSWORD',
]

function placeTable(): string[] {
  const rows = Object.values(placeSettings).map(({ path, flag, variable, setting }: PlaceSetting) => [
    `\`${path}\``,
    flag === undefined ? '' : `\`--${flag}\``,
    `\`${variable}\``,
    shown(setting.default),
    valuesOf(setting),
    setting.doc,
  ])
  const tokenCommand = [
    `\`${tokenCommandPath}\``,
    ...['', '', 'none', 'list of texts'],
    'Command that prints a token for oauthbearer, as an argument list: `[/usr/bin/get-token, --audience, kafka]`. No shell reads it.',
  ]
  return markdownTable(['setting', 'flag', 'variable', 'default', 'values', 'meaning'], [...rows, tokenCommand])
}

function settingsTable(scope: string, settings: Settings): string[] {
  return markdownTable(
    ['setting', 'variable', 'default', 'values', 'recipe', 'meaning'],
    Object.entries(settings).map(([name, setting]) => [
      `\`${name}\``,
      `\`${variableName(scope, name)}\``,
      defaultsOf(setting),
      valuesOf(setting),
      setting.recipe ? 'recipe' : '',
      setting.doc,
    ]),
  )
}

/** The default, and what else it is under the other profiles. */
function defaultsOf(setting: Setting): string {
  const own = profiles.filter((profile) => defaultOf(setting, profile) !== setting.default)
  return [shown(setting.default), ...own.map((profile) => `${profile}: ${shown(defaultOf(setting, profile))}`)].join(
    '; ',
  )
}

const shown = (value: unknown): string => (value === '' ? 'none' : `\`${String(value)}\``)

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
