/** Resources of Kubernetes out of texts. */
import { parseAllDocuments, parseDocument } from 'yaml'
import { ConfigurationError } from '../../engine/errors.ts'
import { contentOf } from '../configuration-file.ts'
import type { Resource } from './manifests.ts'

/** The resources of a text with any number of YAML documents; lists are opened. @throws ConfigurationError */
export function readResources(text: string): Resource[] {
  const documents = parseAllDocuments(text)
  const read = documents.map((one) => contentOf(one))
  const faults = read.flatMap((one) => ('faults' in one ? one.faults : []))
  if (faults.length > 0) throw new ConfigurationError(faults)
  const values = read
    .map((one) => ('content' in one ? withoutNulls(one.content) : undefined))
    .filter((one) => one !== undefined)
  const resources = values.flatMap((one) => {
    const { kind, items } = one as { kind?: unknown; items?: unknown }
    return kind === 'List' && Array.isArray(items) ? (items as unknown[]) : [one]
  })
  const stray = resources.flatMap((one, index) => (isResource(one) ? [] : [index + 1]))
  if (stray.length > 0)
    throw new ConfigurationError(
      stray.map(
        (number) => `document ${number}: expected a resource of Kubernetes with apiVersion, kind and metadata.name`,
      ),
    )
  if (resources.length === 0)
    throw new ConfigurationError([
      'expected resources of Kubernetes, got none; pipe in what `kubectl kustomize FOLDER` writes',
    ])
  return resources.filter(isResource)
}

/** What a text within a resource holds; undefined where it is no YAML. */
export function yamlOf(text: string): unknown {
  const parsed = contentOf(parseDocument(text))
  return 'content' in parsed ? parsed.content : undefined
}

/** Kubernetes takes a field that is null for one that is not there; in lists, and as an empty volume, it is an empty object. */
function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined
  if (Array.isArray(value)) return value.map((one: unknown) => withoutNulls(one) ?? {})
  if (typeof value !== 'object') return value
  const fields = Object.entries(value).map(
    ([name, one]) => [name, one === null && name === 'emptyDir' ? {} : withoutNulls(one)] as const,
  )
  return Object.fromEntries(fields.filter(([, one]) => one !== undefined))
}

function isResource(value: unknown): value is Resource {
  const { apiVersion, kind, metadata } = (value ?? {}) as Partial<Resource>
  return typeof apiVersion === 'string' && typeof kind === 'string' && typeof metadata?.name === 'string'
}
