/** `npm run generate`: writes every generated file of the project. A test fails when one of them is stale. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateTypes } from '../schemas/generate-types.ts'

const root = process.cwd()
writeFileSync(join(root, 'schemas', 'generated.ts'), generateTypes(join(root, 'schemas')))
