/** Which release this is. */
import { readFileSync } from 'node:fs'

/** The version of this package, found beside cli/ or dist/cli/. */
export function release(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version: string }).version
    } catch {
      // It lies in the other place.
    }
  }
  return 'unknown'
}
