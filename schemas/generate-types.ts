/**
 * Writes schemas/generated.ts from schemas/*.avsc: a TypeScript type for every Avro type, and every record schema as one
 * self-contained text (named types of other files are put in place at their first use, as Avro wants it).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
type NamedType = { [key: string]: Json } & { name: string; type: string; doc?: string }
interface Field {
  name: string
  type: Json
  doc?: string
}

const primitives: Record<string, string> = {
  string: 'string',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  bytes: 'Buffer',
  null: 'null',
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shortName(name: string): string {
  return name.replace(/^wellspring\./, '')
}

/** All named types, by name; `file` is the record kind of those that have a file of their own. */
function collect(directory: string): Map<string, { type: NamedType; file?: string }> {
  const named = new Map<string, { type: NamedType; file?: string }>()
  const visit = (type: Json, file?: string): void => {
    if (Array.isArray(type)) for (const branch of type) visit(branch)
    if (!isObject(type)) return
    if (type['type'] === 'record' || type['type'] === 'enum') {
      const { name } = type as NamedType
      if (named.has(name)) throw new Error(`schemas/: ${name} is defined twice; refer to it as "wellspring.${name}"`)
      named.set(name, file === undefined ? { type: type as NamedType } : { type: type as NamedType, file })
      for (const field of (type['fields'] ?? []) as unknown as Field[]) visit(field.type)
    }
    if (type['type'] === 'array') visit(type['items'] ?? null)
    if (type['type'] === 'map') visit(type['values'] ?? null)
  }
  for (const file of readdirSync(directory)
    .filter((name) => name.endsWith('.avsc'))
    .sort()) {
    visit(JSON.parse(readFileSync(join(directory, file), 'utf8')) as Json, basename(file, '.avsc'))
  }
  return named
}

/** The TypeScript text of an Avro type. */
function typeText(type: Json): string {
  if (typeof type === 'string') return primitives[type] ?? shortName(type)
  if (Array.isArray(type))
    return type
      .map(typeText)
      .sort((a, b) => Number(a === 'null') - Number(b === 'null'))
      .join(' | ')
  if (!isObject(type)) throw new Error(`schemas/: not a type: ${JSON.stringify(type)}`)
  if (type['type'] === 'array') {
    const items = typeText(type['items'] ?? null)
    return items.includes(' ') ? `(${items})[]` : `${items}[]`
  }
  if (type['type'] === 'map') return `Record<string, ${typeText(type['values'] ?? null)}>`
  return (type as NamedType).name
}

/** The schema with every reference replaced by the definition at its first use. */
function selfContained(type: Json, named: Map<string, { type: NamedType }>, seen: Set<string>): Json {
  if (typeof type === 'string') {
    const name = shortName(type)
    const found = named.get(name)
    if (!found) return type
    if (seen.has(name)) return `wellspring.${name}`
    return selfContained(found.type, named, seen)
  }
  if (Array.isArray(type)) return type.map((branch) => selfContained(branch, named, seen))
  if (!isObject(type)) return type
  if (type['type'] === 'array') return { ...type, items: selfContained(type['items'] ?? null, named, seen) }
  if (type['type'] === 'map') return { ...type, values: selfContained(type['values'] ?? null, named, seen) }
  const { name } = type as NamedType
  if (seen.has(name)) return `wellspring.${name}`
  seen.add(name)
  if (type['type'] !== 'record') return type
  const fields = (type['fields'] as unknown as Field[]).map((field) => ({
    ...field,
    type: selfContained(field.type, named, seen),
  }))
  return { ...type, fields: fields as unknown as Json }
}

/** Every record kind of a folder with its schema as one self-contained text, in the order of their type names. @throws Error on a name defined twice */
export function schemasOf(directory: string): [kind: string, schema: string][] {
  const named = collect(directory)
  return [...named]
    .sort(([a], [b]) => a.localeCompare(b))
    .flatMap(([name, { file }]): [string, string][] =>
      file === undefined ? [] : [[file, JSON.stringify(selfContained(`wellspring.${name}`, named, new Set()))]],
    )
}

/** The text of schemas/generated.ts for the .avsc files of a folder. @throws Error on a name defined twice */
export function generateTypes(directory: string): string {
  const named = collect(directory)
  const out = ['// Written by `npm run generate` from schemas/*.avsc. Do not edit.', '']
  const kinds: [string, string][] = []
  for (const [name, { type, file }] of [...named].sort(([a], [b]) => a.localeCompare(b))) {
    if (type.doc !== undefined) out.push(`/** ${type.doc} */`)
    if (type.type === 'enum') {
      out.push(`export type ${name} = ${(type['symbols'] as string[]).map((symbol) => `'${symbol}'`).join(' | ')}`, '')
      continue
    }
    out.push(`export interface ${name} {`)
    for (const field of type['fields'] as unknown as Field[]) {
      out.push(`  /** ${field.doc ?? ''} */`, `  ${field.name}: ${typeText(field.type)}`)
    }
    out.push('}', '')
    if (file !== undefined) kinds.push([file, name])
  }
  out.push('/** The TypeScript type of each record kind. */', 'export interface RecordTypes {')
  for (const [file, name] of kinds) out.push(`  '${file}': ${name}`)
  out.push(
    '}',
    '',
    '/** Every schema as one self-contained Avro schema text. */',
    'export const schemaTexts: { [Kind in keyof RecordTypes]: string } = {',
  )
  for (const [kind, schema] of schemasOf(directory)) out.push(`  '${kind}': ${JSON.stringify(schema)},`)
  out.push('}', '')
  return out.join('\n')
}
