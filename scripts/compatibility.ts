/** Whether two versions of a record's schema can read each other's records, by Avro's resolution rules. */
import avro from 'avsc'

interface Field {
  name: string
  type: unknown
  default?: unknown
}

/**
 * Why records of one version cannot be read with the other, in either direction, as sentences that name the field.
 * @returns nothing where both ways work (FULL compatibility)
 */
export function incompatibilities(olderSchema: string, newerSchema: string): string[] {
  const faults = fieldsWithoutDefault(JSON.parse(olderSchema), JSON.parse(newerSchema))
  const older = avro.Type.forSchema(JSON.parse(olderSchema) as avro.Schema)
  const newer = avro.Type.forSchema(JSON.parse(newerSchema) as avro.Schema)
  for (const [reader, writer, direction] of [
    [newer, older, 'the new version cannot read the old one'],
    [older, newer, 'the old version cannot read the new one'],
  ] as const) {
    try {
      reader.createResolver(writer)
    } catch (error) {
      faults.push(`${direction}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return faults
}

/** Fields that one version of a record has alone and that have no default there: the other version's records cannot fill them. */
function fieldsWithoutDefault(older: unknown, newer: unknown): string[] {
  const before = recordsOf(older)
  const after = recordsOf(newer)
  const faults: string[] = []
  for (const [name, oldFields] of before) {
    const newFields = after.get(name)
    if (!newFields) continue
    const lacks = (fields: Field[], field: Field): boolean =>
      !('default' in field) && !fields.some((other) => other.name === field.name)
    for (const field of newFields.filter((one) => lacks(oldFields, one)))
      faults.push(`${name}.${field.name} is new and has no default`)
    for (const field of oldFields.filter((one) => lacks(newFields, one)))
      faults.push(`${name}.${field.name} is gone and had no default`)
  }
  return faults
}

/** The fields of every record that a schema holds, by the record's name. */
function recordsOf(schema: unknown, found = new Map<string, Field[]>()): Map<string, Field[]> {
  if (Array.isArray(schema)) for (const branch of schema) recordsOf(branch, found)
  if (typeof schema !== 'object' || schema === null) return found
  const { name, fields, items, values } = schema as {
    name?: string
    fields?: Field[]
    items?: unknown
    values?: unknown
  }
  if (name !== undefined && fields) found.set(name, fields)
  for (const field of fields ?? []) recordsOf(field.type, found)
  recordsOf(items, found)
  recordsOf(values, found)
  return found
}
