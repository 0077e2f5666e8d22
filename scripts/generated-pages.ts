/** Every generated file of the project but code. */
import { processors } from '../processors/index.ts'
import { configurationJsonSchema } from '../cli/configuration-schema.ts'
import { settingsPage } from './settings-page.ts'
import { streamPage } from './stream-picture.ts'

/** Path from the project's root -> text. */
export function generatedPages(): Map<string, string> {
  return new Map([
    ['processors/README.md', streamPage(processors)],
    ['docs/settings.md', settingsPage(processors)],
    ['docs/configuration.schema.json', `${JSON.stringify(configurationJsonSchema(), undefined, 2)}\n`],
  ])
}
