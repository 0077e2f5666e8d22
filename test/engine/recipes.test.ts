/** The rules behind a recipe: told once, in the commit of the first record that names it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineProcessor, type Processor } from '../../engine/processor.ts'
import { differencesFromPaper, readRecipes, recipeText } from '../../engine/recipes.ts'
import { setting } from '../../engine/settings.ts'
import { topics } from '../../topics/catalogue.ts'
import { Gates, handingOn, HeldModels, inputs, outputs, Rig, seed, seeds } from './rig.ts'

/** Makes a record anew of each that comes. */
const making: Processor = defineProcessor({
  name: 'make',
  summary: 'Makes a record of each.',
  version: 3,
  inputs: { inputs },
  tables: {},
  outputs: { outputs },
  roles: ['teacher'],
  needs: [],
  callsModels: false,
  settings: {
    least: setting.number('Least.', { min: 0, max: 1, default: 0.5, profiles: { paper: 0.25 }, recipe: true }),
    word: setting.text('Word.', { default: 'a "b"', recipe: true }),
    depth: setting.integer('No part of the recipe.', { min: 0, max: 9, default: 1 }),
  },
  metrics: {},
  discards: ['unwanted'],
  onSpine: [],
  onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
  process: {
    inputs: ({ id, domain, source, sourceId, statement }, { emit, discard }) =>
      sourceId === '9'
        ? discard('unwanted', 'a nine')
        : emit.outputs({
            ...{ parentIds: [id], domain, source, sourceId, statement, checks: null, publishedAt: null },
          }),
  },
})

let rig: Rig
beforeEach(async () => {
  rig = await Rig.open()
})
afterEach(() => rig.close())

const topicsOf = (commit: number): string[] => rig.watch.commits[commit]?.commit.outputs.map(({ topic }) => topic) ?? []

describe('the rules behind a recipe', () => {
  it('are in the commit of the first record that names it, and in no later one of the task', async () => {
    await rig.add(inputs, [seed(0)])
    await rig.start(making)
    await rig.watch.committed(1)
    await rig.add(inputs, [seed(1)])
    await rig.watch.committed(2)
    expect(topicsOf(0)).toEqual(['outputs', 'ledger', 'recipes'])
    expect(topicsOf(1)).toEqual(['outputs', 'ledger'])
  })

  it('hold processor, version, profile, the settings that shape the result, and models with their sampling', async () => {
    await rig.add(inputs, [seed(0)])
    await rig.start(making, { models: new HeldModels() })
    await rig.watch.committed(1)
    const [record] = await rig.recordsOf(outputs)
    const recipes = await readRecipes(rig)
    expect(recipes.get(record?.recipe ?? '')).toMatchObject({
      ...{ recipe: record?.recipe, processor: 'make', version: 3, profile: 'wellspring' },
      settings: [
        { name: 'least', value: '0.5' },
        { name: 'word', value: '"a \\"b\\""' },
      ],
      models: new HeldModels().modelsOf().map(({ model, mode }) => ({ role: 'teacher', model, mode })),
    })
    expect([...recipes.keys()]).toEqual([record?.recipe])
  })

  it('are told of a discard too', async () => {
    await rig.add(inputs, [seed(9)])
    await rig.start(making)
    await rig.watch.committed(1)
    const [discard] = await rig.recordsOf(topics.discards)
    expect([...(await readRecipes(rig)).keys()]).toEqual([discard?.recipe])
  })

  it('are not told of what is handed on: its recipe is that of who made it', async () => {
    const gates = new Gates()
    gates.openAll()
    await rig.add(inputs, seeds(1))
    await rig.start(handingOn(gates))
    await rig.watch.committed(1)
    expect(topicsOf(0)).toEqual(['outputs', 'ledger'])
  })

  it('are there after a commit that did not take effect, with the records: one transaction holds both', async () => {
    await rig.add(inputs, [seed(0)])
    rig.watch.faults.push(() => Promise.reject(new Error('the process dies')))
    const runtime = await rig.start(making)
    await expect(runtime.failed).rejects.toThrow('the process dies')
    expect(await rig.recordsOf(outputs)).toEqual([])
    expect((await readRecipes(rig)).size).toBe(0)
    await rig.crash()
    await rig.start(making)
    await rig.watch.committed(1)
    const [record] = await rig.recordsOf(outputs)
    expect([...(await readRecipes(rig)).keys()]).toEqual([record?.recipe])
  })

  it('read as a line, and tell what is not as in the paper', () => {
    const settings = [
      { name: 'least', value: '0.5' },
      { name: 'word', value: '"a"' },
      { name: 'gone', value: '7' },
    ]
    const sampling = { temperature: 0.8, topP: null, maxTokens: 4096 }
    const models = [{ role: 'problem-writer', model: 'writer', modelVersion: '2', mode: 'raw', ...sampling }]
    expect(recipeText({ settings, models })).toBe(
      'least 0.5, word "a", gone 7; problem-writer: writer@2 (raw, temperature 0.8, maxTokens 4096)',
    )
    // The word is not as the paper's default either; what is no longer declared cannot be compared.
    expect(differencesFromPaper({ settings }, making.settings)).toEqual([
      { name: 'least', value: '0.5', paper: '0.25' },
      { name: 'word', value: '"a"', paper: '"a \\"b\\""' },
    ])
  })
})
