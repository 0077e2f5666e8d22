import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { schemasOf } from '../../schemas/generate-types.ts'
import { incompatibilities } from '../../scripts/compatibility.ts'
import { releasedSchemas, releaseSchemas } from '../../scripts/release-schemas.ts'

interface Schema {
  type: string
  name: string
  fields: { name: string; type: unknown; default?: unknown; doc?: string }[]
}

const current = new Map(schemasOf('schemas'))
const released = releasedSchemas('schemas')

describe('every schema against every released version', () => {
  it.each([...current.keys()])('%s is released', (kind) => {
    expect(
      released.map((one) => one.kind),
      'run: npm run generate -- --release',
    ).toContain(kind)
  })

  it.each(released)('$kind reads version $version and is read by it', ({ kind, schema }) => {
    const now = current.get(kind)
    expect(now, `schemas/${kind}.avsc is gone, but records of it are kept for ever`).toBeDefined()
    expect(incompatibilities(schema, now ?? '')).toEqual([])
  })

  it('numbers the versions of a kind from 1 without a gap', () => {
    for (const kind of new Set(released.map((one) => one.kind))) {
      const versions = released.filter((one) => one.kind === kind).map(({ version }) => version)
      expect(versions, kind).toEqual(versions.map((_, index) => index + 1))
    }
  })
})

describe('the compatibility check', () => {
  const before: Schema = {
    type: 'record',
    name: 'Plan',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'count', type: 'int' },
      { name: 'note', type: 'string', default: '' },
      { name: 'state', type: { type: 'enum', name: 'State', symbols: ['open', 'closed'] } },
      {
        name: 'steps',
        type: { type: 'array', items: { type: 'record', name: 'Step', fields: [{ name: 'at', type: 'int' }] } },
      },
    ],
  }

  /** The faults of a new version in which some fields are replaced, by name; undefined takes one away. */
  function faultsAfter(change: Record<string, unknown>): string[] {
    const kept = before.fields.filter(({ name }) => !(name in change))
    const changed = Object.values(change).filter((field) => field !== undefined)
    return incompatibilities(JSON.stringify(before), JSON.stringify({ ...before, fields: [...kept, ...changed] }))
  }

  it('lets a field come or go that has a default', () => {
    expect(faultsAfter({})).toEqual([])
    expect(faultsAfter({ note: undefined })).toEqual([])
    expect(faultsAfter({ extra: { name: 'extra', type: ['null', 'string'], default: null } })).toEqual([])
  })

  it('lets a field come with a record of its own, whose fields need no defaults', () => {
    const part = { type: 'record', name: 'Part', fields: [{ name: 'text', type: 'string' }] }
    expect(faultsAfter({ part: { name: 'part', type: ['null', part], default: null } })).toEqual([])
  })

  it.each([
    ['a field without a default that is gone', { id: undefined }, 'Plan.id is gone and had no default'],
    [
      'a new field without a default',
      { extra: { name: 'extra', type: 'string' } },
      'Plan.extra is new and has no default',
    ],
    ['another type', { count: { name: 'count', type: 'string' } }, 'the new version cannot read the old one'],
    [
      'a wider type, which only the new version reads',
      { count: { name: 'count', type: 'long' } },
      'the old version cannot read the new one',
    ],
    ['a renamed field', { id: { name: 'key', type: 'string' } }, 'Plan.key is new and has no default'],
    [
      'a renamed symbol',
      { state: { name: 'state', type: { type: 'enum', name: 'State', symbols: ['open', 'shut'] } } },
      'the new version cannot read the old one',
    ],
    [
      'a symbol more, which the old version cannot read',
      { state: { name: 'state', type: { type: 'enum', name: 'State', symbols: ['open', 'closed', 'lost'] } } },
      'the old version cannot read the new one',
    ],
    [
      'a new field without a default inside a list',
      {
        steps: {
          name: 'steps',
          type: {
            type: 'array',
            items: {
              type: 'record',
              name: 'Step',
              fields: [
                { name: 'at', type: 'int' },
                { name: 'by', type: 'string' },
              ],
            },
          },
        },
      },
      'Step.by is new and has no default',
    ],
  ])('refuses %s', (_, change, fault) => {
    expect(faultsAfter(change).join('\n')).toContain(fault)
  })
})

describe('npm run generate -- --release', () => {
  let schemas: string
  beforeEach(() => {
    schemas = mkdtempSync(join(tmpdir(), 'wellspring-schemas-'))
    cpSync('schemas', schemas, { recursive: true, filter: (path) => !path.includes('released') })
  })
  afterEach(() => rmSync(schemas, { recursive: true }))

  /** Changes schemas/seed.avsc in place. */
  function edit(change: (schema: Schema) => void): void {
    const file = join(schemas, 'seed.avsc')
    const schema = JSON.parse(readFileSync(file, 'utf8')) as Schema
    change(schema)
    writeFileSync(file, JSON.stringify(schema))
  }

  it('writes version 1 of every kind, and nothing the second time', () => {
    expect(releaseSchemas(schemas)).toHaveLength(current.size)
    expect(releasedSchemas(schemas).map(({ kind, version }) => ({ kind, version }))).toEqual(
      [...current.keys()].sort().map((kind) => ({ kind, version: 1 })),
    )
    expect(releaseSchemas(schemas)).toEqual([])
  })

  it('writes the next version of a changed schema alone, and none for other words', () => {
    releaseSchemas(schemas)
    edit(({ fields }) => fields.push({ name: 'licence', type: 'string', default: '', doc: 'Licence of the source.' }))
    expect(releaseSchemas(schemas)).toEqual([join('released', 'seed', '2.avsc')])
    edit(({ fields }) => {
      for (const field of fields) field.doc = 'Said otherwise.'
    })
    expect(releaseSchemas(schemas)).toEqual([])
  })

  it('writes nothing when one schema breaks any released version', () => {
    releaseSchemas(schemas)
    edit(({ fields }) => fields.push({ name: 'licence', type: 'string', doc: 'Licence of the source.' }))
    expect(() => releaseSchemas(schemas)).toThrow('seed against version 1: Seed.licence is new and has no default')
    expect(readdirSync(join(schemas, 'released', 'seed'))).toEqual(['1.avsc'])
  })
})
