import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bucketsOf, quantileBetween } from '../../bench/soak/meter.ts'
import { Reconciliation } from '../../bench/soak/reconciliation.ts'
import { trendOf, type Sample } from '../../bench/soak/trend.ts'
import { seedRecord } from '../../bench/pass-on.ts'
import { emptyCounts } from '../../engine/counts.ts'
import { groupOf } from '../../engine/runtime.ts'
import { changelogSubject } from '../../engine/task/changelog.ts'
import { processors } from '../../processors/index.ts'
import type { ConceptList } from '../../schemas/generated.ts'
import { topics, topicSpecifications } from '../../topics/catalogue.ts'
import { RecordCodec } from '../../topics/codec.ts'
import { openEmbeddedLog } from '../../topics/embedded/log.ts'
import type { Log, OpenTask, OutgoingRecord } from '../../topics/log.ts'

describe('the trend of a measured series', () => {
  const noise = (index: number): number => Math.sin(index * 12.9898) * 10
  const series = (perHour: number, lives = 1): Sample[] =>
    Array.from({ length: 240 }, (_, index) => {
      const life = Math.floor((index * lives) / 240)
      return { hours: index / 240, life, value: 200 + 50 * life + (perHour * index) / 240 + noise(index) }
    })

  it('finds a leak beyond the noise', () => {
    const { perHour, noisePerHour } = trendOf(series(40))
    expect(perHour).toBeGreaterThan(35)
    expect(perHour).toBeLessThan(45)
    expect(perHour).toBeGreaterThan(noisePerHour)
  })

  it('finds none where there is only noise, or a life that began at another level', () => {
    for (const samples of [series(0), series(0, 4)]) {
      const { perHour, noisePerHour } = trendOf(samples)
      expect(Math.abs(perHour)).toBeLessThan(noisePerHour)
    }
  })

  it('says that it knows nothing of two samples', () => {
    expect(trendOf(series(40).slice(0, 2)).noisePerHour).toBe(Infinity)
  })
})

describe('a histogram of /metrics', () => {
  const text = (fast: number, slow: number): string =>
    [
      `commit_seconds_bucket{le="0.1",processor="a"} ${fast}`,
      `commit_seconds_bucket{le="1",processor="a"} ${fast + slow}`,
      `commit_seconds_bucket{le="+Inf",processor="a"} ${fast + slow}`,
      `commit_seconds_bucket{processor="b",le="0.1"} 10`,
      `commit_seconds_bucket{processor="b",le="1"} 10`,
      `commit_seconds_bucket{processor="b",le="+Inf"} 10`,
    ].join('\n')

  it('tells quantiles of what came between two readings, over all labels', () => {
    const [before, after] = [bucketsOf(text(100, 0), 'commit_seconds'), bucketsOf(text(150, 50), 'commit_seconds')]
    expect(quantileBetween(before, after, 0.5)).toBe(0.1)
    expect(quantileBetween(before, after, 0.99)).toBeCloseTo(0.1 + 0.9 * (49 / 50))
    expect(quantileBetween(after, after, 0.99)).toBe(0)
  })

  it('knows the last bound of what lies beyond it', () => {
    const beyond = new Map([
      [0.1, 0],
      [1, 5],
      [Infinity, 10],
    ])
    expect(quantileBetween(new Map(), beyond, 0.99)).toBe(1)
  })
})

describe('the balance of a processor', () => {
  const declaration = processors.find(({ name }) => name === 'extract-concepts')
  if (!declaration) throw new Error('there is no extract-concepts')
  let directory: string
  let log: Log
  let codec: RecordCodec
  let task: OpenTask
  let sequence: number
  let reconciliation: Reconciliation

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wellspring-balance-'))
    log = await openEmbeddedLog({ directory, mode: 'owner' })
    await log.ensureTopics(topicSpecifications())
    codec = new RecordCodec(log.schemas)
    await codec.prepare(topics.seeds.name, 'seed')
    await codec.prepare(topics.conceptLists.name, 'concept-list')
    await codec.prepare(changelogSubject(declaration.name, 'progress'), 'progress')
    let gained = (): void => undefined
    const isGained = new Promise<void>((resolve) => (gained = resolve))
    const membership = await log.join(groupOf(declaration), {
      gained: (number) => void (number === 0 && gained()),
      lost: () => undefined,
      failed: () => undefined,
    })
    await isGained
    task = await membership.open(0)
    sequence = 0
    reconciliation = new Reconciliation([declaration])
    await log.append([1, 2, 3].map(seedAt), 'seeds')
  })

  afterEach(async () => {
    await log.close()
    rmSync(directory, { recursive: true })
  })

  function seedAt(number: number): OutgoingRecord {
    const record = seedRecord(number, 'How many?')
    return {
      topic: topics.seeds.name,
      partition: 0,
      key: record.id,
      value: codec.encode(topics.seeds.name, 'seed', record),
    }
  }

  function listOf(number: number): OutgoingRecord {
    const { id, ...seed } = seedRecord(number, 'How many?')
    const record: ConceptList = {
      ...{ id: `concept-list-${number}`, parentIds: [id], domain: seed.domain, recipe: seed.recipe, simulated: true },
      ...{ createdAtMs: seed.createdAtMs, annotator: 'a', source: seed.source, statement: seed.statement },
      ...{ concepts: ['addition', 'subtraction'], calls: [] },
    }
    const { name } = topics.conceptLists
    return { topic: name, partition: 0, key: record.id, value: codec.encode(name, 'concept-list', record) }
  }

  /** A commit that calls so many seeds finished, and has these outputs. */
  async function commit(finished: number, outputs: readonly OutgoingRecord[]): Promise<void> {
    sequence++
    const progress = codec.encode(changelogSubject('extract-concepts', 'progress'), 'progress', {
      sequence,
      inputs: [{ topic: topics.seeds.name, nextOffset: finished, unfinished: [] }],
      counts: { ...emptyCounts(), finished },
      committedAtMs: 0,
    })
    await task.commit({ sequence, outputs, state: [], progress })
  }

  it('holds where every finished record has its output, and the others are in flight', async () => {
    await commit(2, [listOf(1), listOf(2)])
    expect(await reconciliation.look({ log, codec })).toEqual([
      { processor: 'extract-concepts', in: 3, out: 2, passedOver: 0, discarded: 0, dead: 0, inFlight: 1 },
    ])
    expect(reconciliation.violations).toEqual([])
    expect(reconciliation.openAtEnd()).toEqual(['extract-concepts: 1 records are not finished'])
  })

  it('tells of a finished record that left nothing', async () => {
    await commit(2, [listOf(1)])
    await reconciliation.look({ log, codec })
    expect(reconciliation.violations).toEqual([
      expect.stringContaining('extract-concepts has finished seeds/0/1 (seed-000000000000000000000002) with 0 outputs'),
    ])
  })

  it('tells of an output that was made again after its input had ended', async () => {
    await commit(1, [listOf(1)])
    await reconciliation.look({ log, codec })
    await log.append([listOf(1)], 'again')
    await reconciliation.look({ log, codec })
    expect(reconciliation.violations).toEqual([expect.stringContaining('concept-lists holds concept-list-1 of seed-')])
  })

  it('tells of counts that are not those of the topics', async () => {
    await commit(1, [listOf(1)])
    const wrong = codec.encode(changelogSubject('extract-concepts', 'progress'), 'progress', {
      sequence: 2,
      inputs: [{ topic: topics.seeds.name, nextOffset: 1, unfinished: [] }],
      counts: { ...emptyCounts(), finished: 2, discarded: 1 },
      committedAtMs: 0,
    })
    await task.commit({ sequence: 2, outputs: [], state: [], progress: wrong })
    await reconciliation.look({ log, codec })
    expect(reconciliation.violations).toEqual([
      expect.stringContaining('extract-concepts counts 2 finished, 1 discarded'),
    ])
  })
})
