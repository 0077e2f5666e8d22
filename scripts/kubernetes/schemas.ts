/** JSON schemas for kubeconform, of what Kubernetes and others say of their own kinds. */

type Schema = Record<string, unknown>

interface GroupVersionKind {
  group: string
  version: string
  kind: string
}

/** The file that kubeconform looks for with `{{.ResourceKind}}{{.KindSuffix}}.json`. */
function fileNameOf({ group, version, kind }: GroupVersionKind): string {
  return [kind, ...(group === '' ? [] : [group.split('.')[0]]), version].join('-').toLowerCase().concat('.json')
}

const gvkKey = 'x-kubernetes-group-version-kind'
const reference = '#/definitions/'

/** Schemas of all kinds in Kubernetes' OpenAPI description, each with what it refers to; no field is allowed that is not described. */
export function schemasOfOpenApi({ definitions }: { definitions: Record<string, Schema> }): Map<string, Schema> {
  const strict = new Map(Object.entries(definitions).map(([name, one]) => [name, strictSchema(one, name)]))
  const schemas = new Map<string, Schema>()
  for (const [name, definition] of Object.entries(definitions)) {
    for (const gvk of (definition[gvkKey] ?? []) as GroupVersionKind[]) {
      const needed = Object.fromEntries([...closureOf(name, strict)].map((one) => [one, strict.get(one)]))
      schemas.set(fileNameOf(gvk), { $ref: `${reference}${name}`, definitions: needed })
    }
  }
  return schemas
}

function closureOf(name: string, all: ReadonlyMap<string, Schema>, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found
  found.add(name)
  for (const [, next = ''] of JSON.stringify(all.get(name)).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g))
    closureOf(next, all, found)
  return found
}

interface ResourceDefinition {
  spec: {
    group: string
    names: { kind: string }
    versions: { name: string; served: boolean; schema: { openAPIV3Schema: Schema } }[]
  }
}

/** Schemas of every served version of a CustomResourceDefinition. */
export function schemasOfDefinition({ spec }: ResourceDefinition): Map<string, Schema> {
  return new Map(
    spec.versions
      .filter(({ served }) => served)
      .map(({ name: version, schema }) => [
        fileNameOf({ group: spec.group, version, kind: spec.names.kind }),
        strictSchema(schema.openAPIV3Schema),
      ]),
  )
}

/** The types that OpenAPI has no word for. */
const looseTypes: Readonly<Record<string, string[]>> = {
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': ['string', 'integer'],
  'io.k8s.apimachinery.pkg.api.resource.Quantity': ['string', 'number'],
}

/** A schema of OpenAPI as JSON schema: objects that list their fields have no others. */
function strictSchema(schema: Schema, name = ''): Schema {
  const loose = looseTypes[name] ?? (schema['x-kubernetes-int-or-string'] === true ? ['string', 'integer'] : undefined)
  if (loose) return { type: loose }
  const strict: Schema = {}
  for (const [key, value] of Object.entries(schema)) {
    if (key.startsWith('x-') || key === 'format' || key === 'nullable' || key === 'description') continue
    strict[key] =
      key === 'properties'
        ? Object.fromEntries(
            Object.entries(value as Record<string, Schema>).map(([field, one]) => [field, strictSchema(one)]),
          )
        : inner(value)
  }
  if (schema['nullable'] === true && typeof schema['type'] === 'string') strict['type'] = [schema['type'], 'null']
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true || schema['additionalProperties'] !== undefined
  if (schema['properties'] !== undefined && !isOpen) strict['additionalProperties'] = false
  return strict
}

function inner(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inner)
  return typeof value === 'object' && value !== null ? strictSchema(value as Schema) : value
}
