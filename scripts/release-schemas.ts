/** The released versions of every schema: schemas/released/<kind>/<version>.avsc. They are written once and never changed. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { schemasOf } from '../schemas/generate-types.ts'
import { incompatibilities } from './compatibility.ts'

/** One released version of a kind's schema. */
export interface ReleasedSchema {
  kind: string
  version: number
  schema: string
}

/** All released schemas of a folder, each kind's versions in order. */
export function releasedSchemas(schemas: string): ReleasedSchema[] {
  const released = join(schemas, 'released')
  if (!existsSync(released)) return []
  return readdirSync(released)
    .sort()
    .flatMap((kind) =>
      readdirSync(join(released, kind))
        .map((file) => Number(file.replace(/\.avsc$/, '')))
        .sort((a, b) => a - b)
        .map((version) => ({
          kind,
          version,
          schema: readFileSync(join(released, kind, `${version}.avsc`), 'utf8'),
        })),
    )
}

/**
 * Writes the next version of every schema that differs from its last released one in more than its words.
 * @returns the files written, relative to the folder
 * @throws Error naming every field that would break a released version; then nothing is written
 */
export function releaseSchemas(schemas: string): string[] {
  const released = releasedSchemas(schemas)
  const faults: string[] = []
  const files: { kind: string; file: string; text: string }[] = []
  for (const [kind, schema] of schemasOf(schemas)) {
    const versions = released.filter((one) => one.kind === kind)
    const last = versions.at(-1)
    if (last && withoutDocs(last.schema) === withoutDocs(schema)) continue
    for (const { version, schema: older } of versions)
      faults.push(...incompatibilities(older, schema).map((fault) => `${kind} against version ${version}: ${fault}`))
    const text = `${JSON.stringify(JSON.parse(schema), null, 2)}\n`
    files.push({ kind, file: join('released', kind, `${(last?.version ?? 0) + 1}.avsc`), text })
  }
  if (faults.length > 0) throw new Error(`nothing released, schemas/ breaks what is released:\n${faults.join('\n')}`)
  for (const { kind, file, text } of files) {
    mkdirSync(join(schemas, 'released', kind), { recursive: true })
    writeFileSync(join(schemas, file), text)
  }
  return files.map(({ file }) => file)
}

function withoutDocs(schema: string): string {
  return JSON.stringify(JSON.parse(schema), (key, value: unknown) => (key === 'doc' ? undefined : value))
}
