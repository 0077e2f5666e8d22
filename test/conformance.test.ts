/**
 * The laws of the house, walked over every processor and topic. A processor that must break one stands in a table of
 * waivers with its reason; a waiver that nothing needs any more fails.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Processor } from '../engine/processor.ts'
import { processors as listed } from '../processors/index.ts'
import { topics, type Topic } from '../topics/catalogue.ts'

const folder = new URL('../processors/', import.meta.url)
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'index.ts')
  .map((file) => file.slice(0, -'.ts'.length))

const found: { name: string; processor: Processor; source: string; test: string }[] = await Promise.all(
  names.map(async (name) => {
    const url = new URL(`${name}.ts`, folder)
    const { default: processor } = (await import(url.href)) as { default: Processor }
    const testUrl = new URL(`processors/${name}.test.ts`, import.meta.url)
    const test = existsSync(testUrl) ? readFileSync(testUrl, 'utf8') : ''
    return { name, processor, source: readFileSync(url, 'utf8'), test }
  }),
)

const inputsOf = ({ inputs }: Processor): Topic[] => Object.values(inputs)
const outputsOf = ({ outputs }: Processor): Topic[] => Object.values(outputs)
const tablesOf = ({ tables }: Processor): Topic[] => Object.values(tables).map(({ topic }) => topic)
const readsOf = ({ reads = [] }: Processor): readonly Topic[] => reads

/** Topics on the edge of the stream: what no processor does, and who does it. */
const edges: Record<string, { producer?: string; consumer?: string }> = {
  seeds: { producer: 'people: `wellspring ingest`' },
  'preference-pairs': { consumer: 'trainers' },
  'sft-examples': { consumer: 'trainers' },
  models: { producer: 'trainers: `wellspring models announce`' },
  'em-steps': { consumer: 'trainers: `wellspring models`' },
  triples: { consumer: 'trainers' },
  discards: { producer: 'the engine, for every processor' },
  benchmarks: { producer: 'people: `wellspring benchmarks add`' },
  retractions: { producer: 'people: `wellspring recheck`', consumer: 'exports and trainers' },
  ledger: { producer: 'the engine, with every commit' },
  expenses: { producer: 'the engine, with every commit', consumer: 'budgets, and people: `wellspring spend`' },
  recipes: {
    producer: 'the engine, with the first record that names one',
    consumer: 'people: `wellspring explain`, and exports',
  },
  'budget-claims': { producer: 'budgets', consumer: 'budgets' },
}

/** Numeric settings whose name is neither a plural nor ends in a unit, and what they are measured in. */
const units: Record<string, string> = {
  'plan-rollouts.tooEasyAt': 'a rate, 0 to 1',
  'screen-problem.wordSimilarity': 'a share, 0 to 1',
  'screen-problem.commonShare': 'a share, 0 to 1',
  'screen-problem.wordsWithoutAnswer': 'a share, 0 to 1',
  'sample-concepts.combinationSize': 'concepts',
  'sample-concepts.shortestCombination': 'concepts',
  'sample-concepts.temperature': 'has no unit',
  'sample-concepts.mergeSimilarity': 'a cosine',
  'sample-concepts.firstSeed': 'a seed',
  'sample-concepts.exploration': 'a share, 0 to 1',
  'sample-concepts.mostYieldFactor': 'a factor',
  'sample-concepts.minPassRate': 'a rate, 0 to 1',
  'sample-concepts.maxPassRate': 'a rate, 0 to 1',
  'plan-rationales.temperature': 'has no unit',
  'plan-rationales.maxWorkInProgress': 'requests',
  'sample-concepts.maxWorkInProgress': 'units of work',
}

describe('the processors', () => {
  it('are all listed in processors/index.ts, each once', () => {
    expect(listed.map(({ name }) => name).sort()).toEqual([...names].sort())
    expect(new Set(listed.map(({ name }) => name)).size).toBe(listed.length)
  })

  describe.each(found)('$name', ({ name, processor, source, test }) => {
    it('has the name of its file', () => {
      expect(processor.name).toBe(name)
      expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/)
    })

    it('begins with a comment that gives its name, what it reads and what it writes', () => {
      const [header = ''] = source.split('*/')
      expect(header.startsWith(`/**\n * ${name}: `)).toBe(true)
      const [reads = '', writes = ''] = (header.split('. ')[0] ?? '').split(' -> ')
      const own = tablesOf(processor).filter((topic) => topic.name !== topics.ledger.name)
      for (const topic of [...inputsOf(processor), ...own]) expect(reads).toMatch(new RegExp(`[ \n]${topic.name}\\b`))
      for (const topic of outputsOf(processor)) expect(writes).toMatch(new RegExp(`(?:^| )${topic.name}\\b`))
    })

    it('has a version and a summary of one sentence', () => {
      expect(Number.isInteger(processor.version) && processor.version >= 1).toBe(true)
      expect(processor.summary).toMatch(/^[A-Z].*\.$/)
      expect(processor.summary).not.toMatch(/\.\s/)
    })

    it('has a test file that is its specification', () => {
      expect(test, `test/processors/${name}.test.ts`).toContain(`describe('${name}', `)
    })

    it('has a test that names each of its discard reasons', () => {
      const unnamed = processor.discards.filter((reason) => !new RegExp(`['"]${reason}['"]`).test(test))
      expect(unnamed).toEqual([])
    })

    it('names each discard reason once, in kebab-case', () => {
      expect(new Set(processor.discards).size).toBe(processor.discards.length)
      for (const reason of processor.discards) expect(reason).toMatch(/^[a-z]+(-[a-z]+)*$/)
    })

    it('has something to do: inputs with a handler each, or a next step', () => {
      expect(Object.keys(processor.process).sort()).toEqual(Object.keys(processor.inputs).sort())
      expect(Object.keys(processor.inputs).length === 0).toBe(processor.next !== undefined)
    })

    it('consumes topics of one partition count, and with state of one key, so that a task owns all of a key', () => {
      expect(new Set(inputsOf(processor).map(({ partitions }) => partitions)).size).toBeLessThanOrEqual(1)
      if (processor.state) expect(new Set(inputsOf(processor).map(({ key }) => key)).size).toBeLessThanOrEqual(1)
    })

    it('keys its state so that one task owns each key', () => {
      const keyOf = processor.state?.keyOf as ((record: unknown) => string) | undefined
      const fieldNames = new Proxy({}, { get: (_, field) => field })
      for (const topic of keyOf ? inputsOf(processor) : [])
        if (topic.partitions > 1) expect(keyOf?.(fieldNames)).toBe(topic.key)
    })

    it('folds tables of one partition, and reads at positions only what is kept', () => {
      for (const topic of tablesOf(processor)) expect([topic.name, topic.partitions]).toEqual([topic.name, 1])
      for (const topic of readsOf(processor)) expect([topic.name, topic.retention]).toEqual([topic.name, 'kept'])
    })

    it('names its settings in camelCase, with a sentence on each', () => {
      for (const [setting, { doc }] of Object.entries(processor.settings)) {
        expect(setting).toMatch(/^[a-z]+([A-Z][a-z]+)*$/)
        expect(doc).toMatch(/^\S.*[.\d]$/)
      }
    })

    it('names its numeric settings by their unit or by what they count', () => {
      const unclear = Object.entries(processor.settings)
        .filter(([, { type }]) => type === 'number' || type === 'integer')
        .filter(([setting]) => !/[^s]s(?:Per[A-Z][a-z]+)?$/.test(setting))
        .filter(([setting]) => !(`${name}.${setting}` in units))
      expect(unclear.map(([setting]) => setting)).toEqual([])
    })

    it('has a default within the bounds of each numeric setting', () => {
      for (const one of Object.values(processor.settings)) {
        if (one.type !== 'number' && one.type !== 'integer') continue
        expect(one.default).toBeGreaterThanOrEqual(one.min)
        expect(one.default).toBeLessThanOrEqual(one.max)
      }
    })
  })
})

describe('the topics', () => {
  const all = Object.values(topics) as Topic[]
  const processors = found.map(({ processor }) => processor)

  it.each(all)('$name has a producer and a consumer, or is an edge', (topic) => {
    const producers = processors.filter((one) => outputsOf(one).includes(topic))
    const consumers = processors.filter((one) => [...inputsOf(one), ...tablesOf(one), ...readsOf(one)].includes(topic))
    const { producer, consumer } = edges[topic.name] ?? {}
    expect(producers.length > 0).toBe(producer === undefined)
    expect(consumers.length > 0).toBe(consumer === undefined)
  })

  it.each(all)('$name has the name of its entry in the catalogue, in kebab-case', (topic) => {
    expect(topic.name).toMatch(/^[a-z]+(-[a-z]+)*$/)
    const [entry] = Object.entries(topics).find(([, one]) => (one as Topic) === topic) ?? []
    expect(entry?.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)).toBe(topic.name)
  })

  it.each(all.filter(({ retention }) => retention === 'table'))('$name, a table, has one partition', (topic) => {
    expect(topic.partitions).toBe(1)
  })

  it('include everything that processors read and write', () => {
    const used = processors.flatMap((one) => [...inputsOf(one), ...outputsOf(one), ...tablesOf(one), ...readsOf(one)])
    expect(used.filter((topic) => !all.includes(topic))).toEqual([])
  })
})

describe('the waivers', () => {
  it('of edges all name a topic that there is', () => {
    const known = Object.values(topics).map(({ name }): string => name)
    expect(Object.keys(edges).filter((name) => !known.includes(name))).toEqual([])
  })

  it('of units all name a numeric setting that needs one', () => {
    const unneeded = Object.keys(units).filter((waiver) => {
      const [processor = '', setting = ''] = waiver.split('.')
      const type = found.find(({ name }) => name === processor)?.processor.settings[setting]?.type
      return (type !== 'number' && type !== 'integer') || /[^s]s(?:Per[A-Z][a-z]+)?$/.test(setting)
    })
    expect(unneeded).toEqual([])
  })
})
