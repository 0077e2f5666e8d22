/** Every generated file of the project that is for reading. */
import { processors } from '../processors/index.ts'
import { settingsPage } from './settings-page.ts'
import { streamPage } from './stream-picture.ts'

/** Path from the project's root -> text. */
export function generatedPages(): Map<string, string> {
  return new Map([
    ['processors/README.md', streamPage(processors)],
    ['docs/settings.md', settingsPage(processors)],
  ])
}
