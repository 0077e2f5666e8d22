/**
 * `npm run generate`: writes every generated file of the project; a test fails when one of them is stale.
 * `npm run generate -- --release` also writes the next version of every changed schema into schemas/released/.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generateTypes } from '../schemas/generate-types.ts'
import { releaseSchemas } from './release-schemas.ts'

const root = process.cwd()
const schemas = join(root, 'schemas')

/** A file that is fresh keeps its time, so that nothing is built again for it. */
function write(path: string, text: string): void {
  const file = join(root, path)
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  console.log(`wrote ${path}`)
}

write('schemas/generated.ts', generateTypes(schemas))
if (process.argv.includes('--release')) {
  try {
    for (const file of releaseSchemas(schemas)) console.log(`wrote schemas/${file}`)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
}
// Only now: a processor that does not load yet must not keep the types that it needs from being written.
const { generatedPages } = await import('./generated-pages.ts')
for (const [path, text] of generatedPages()) write(path, text)
