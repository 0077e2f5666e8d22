/** A processor that is added is on every generated page, without a line written by hand. */
import { describe, expect, it } from 'vitest'
import { setting } from '../engine/settings.ts'
import { processors } from '../processors/index.ts'
import { generatedPages, manifestFolder } from '../scripts/generated-pages.ts'

const name = 'translate-seed'
const [first] = processors
if (!first) throw new Error('there is no processor')
const settings = { languages: setting.integer('Languages to translate to.', { min: 1, max: 9, default: 1 }) }
const pages = generatedPages([...processors, { ...first, name, summary: 'Translates a seed.', settings }])

describe('a processor that is added', () => {
  it.each([
    'processors/README.md',
    'docs/settings.md',
    `${manifestFolder}/kustomization.yaml`,
    `${manifestFolder}/processors/${name}.yaml`,
    `${manifestFolder}/keda/scaled-objects.yaml`,
    `${manifestFolder}/strimzi/topics.yaml`,
    `${manifestFolder}/strimzi/users.yaml`,
  ])('is in %s', (path) => {
    expect(pages.get(path)).toContain(name)
  })
})
