/** Versions of models that a trainer announces while the stream runs, and questions for the log-probabilities of given text. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type {
  Announcement,
  CallOptions,
  Completion,
  CompletionRequest,
  RoleModel,
  Scoring,
} from '../../engine/ports.ts'
import { defineProcessor } from '../../engine/processor.ts'
import type { ModelAnnouncement } from '../../schemas/generated.ts'
import { topics } from '../../topics/catalogue.ts'
import { HeldModels, inputs, outputs, Rig, seeds } from './rig.ts'

/** Models that know what was announced; a call is answered by the version that was in force when it began. */
class AnnouncedModels extends HeldModels {
  inForce: Announcement | undefined
  readonly scored: string[] = []

  override modelsOf(): (RoleModel & { mode: 'chat'; sampling: object })[] {
    const { version, ordinal, model = 'model' } = this.inForce ?? {}
    const announced = version !== undefined && ordinal !== undefined ? { announced: { version, ordinal } } : {}
    return [{ model, mode: 'chat', sampling: {}, ...announced }]
  }

  override announce(announcement?: Announcement): void {
    this.inForce = announcement
    this.changed()
  }

  override async complete(request: CompletionRequest, options: CallOptions): Promise<Completion> {
    const { model = 'model', version } = this.inForce ?? {}
    const answer = await super.complete(request, options)
    return { ...answer, model, ...(version !== undefined && { modelVersion: version }) }
  }

  override score(_?: unknown, options?: CallOptions): Promise<Scoring> {
    this.scored.push(options?.requestId ?? '')
    return Promise.resolve({
      ...{ parts: [{ logProbability: -1.5, tokens: 2 }], model: 'model', endpoint: 'held', simulated: false },
      ...{ usage: { prompt: 7, cached: 0, completion: 1, reasoning: 0 }, latencySeconds: 0.5, requestId: 'r' },
    })
  }
}

const declared = {
  ...{
    version: 1,
    settings: {},
    metrics: {},
    roles: ['problem-writer' as const],
    tables: {},
    discards: [],
    onSpine: [],
  },
  ...{ inputs: { inputs }, outputs: { outputs } },
  onFailure: { transient: { attempts: 3, firstDelaySeconds: 0.001, maxDelaySeconds: 0.002 } },
}
const fresh = { domain: 'math', source: 's', sourceId: '', checks: null, publishedAt: null }

const writing = defineProcessor({
  ...{ ...declared, name: 'write', summary: 'Writes.' },
  process: {
    async inputs(record, { emit, complete }) {
      const prompt = { text: record.statement, version: '1' }
      const { text } = await complete({ role: 'problem-writer', purpose: 'text', prompt })
      return emit.outputs({ ...fresh, parentIds: [record.id], statement: text })
    },
  },
})

const scoringThenWriting = defineProcessor({
  ...{ ...declared, name: 'score', summary: 'Scores.' },
  process: {
    async inputs(record, { emit, complete, score }) {
      const { parts } = await score({
        ...{ role: 'problem-writer', text: record.statement, parts: [{ start: 1, end: 3 }] },
        ...{ purpose: 'score', promptVersion: '1' },
      })
      const prompt = { text: record.statement, version: '1' }
      await complete({ role: 'problem-writer', purpose: 'text', prompt })
      return emit.outputs({ ...fresh, parentIds: [record.id], statement: String(parts[0]?.logProbability) })
    },
  },
})

let rig: Rig
let models: AnnouncedModels
beforeEach(async () => {
  rig = await Rig.open()
  models = new AnnouncedModels()
})
afterEach(() => rig.close())

async function announce(ordinal: number, role = 'problem-writer'): Promise<void> {
  const { name, kind, keyOf } = topics.models
  const announcement: ModelAnnouncement = {
    ...{ createdAtMs: 0, role, model: `model-${ordinal}`, endpoint: '', version: `v-${ordinal}`, ordinal },
    ...{ step: 'cold-start', iteration: 0 },
  }
  await rig.codec.prepare(name, kind)
  const value = rig.codec.encode(name, kind, announcement)
  await rig.log.append([{ topic: name, partition: 0, key: keyOf(announcement), value }], `announce-${ordinal}`)
}

describe('an announced version', () => {
  it('is in force before the first record where it was announced before the start', async () => {
    await announce(1)
    await announce(2)
    await announce(3, 'solver')
    await rig.start(writing, { models })
    expect(models.inForce).toMatchObject({ model: 'model-2', version: 'v-2', ordinal: 2 })
  })

  it('makes records under a recipe of its own; what was asked before it keeps the recipe before', async () => {
    await rig.add(inputs, seeds(3))
    await rig.start(writing, { models })
    await models.asked('seed-0/text', 'seed-1/text', 'seed-2/text')
    models.answer('seed-0/text')
    await rig.watch.finished(1)
    await announce(1)
    await models.until(() => models.inForce !== undefined)
    // Both were asked before.
    models.answer('seed-1/text')
    models.answer('seed-2/text')
    await rig.watch.finished(3)
    await rig.add(inputs, seeds(4).slice(3))
    await models.asked('seed-3/text')
    models.answer('seed-3/text')
    await rig.watch.finished(4)
    const recipes = new Map((await rig.recordsOf(outputs)).map(({ parentIds, recipe }) => [parentIds[0], recipe]))
    expect(recipes.size).toBe(4)
    expect(new Set(['seed-0', 'seed-1', 'seed-2'].map((id) => recipes.get(id))).size).toBe(1)
    expect(recipes.get('seed-3')).not.toBe(recipes.get('seed-0'))
  })

  it('does not put its name to what the version before it has answered', async () => {
    await announce(1)
    await rig.add(inputs, seeds(2))
    await rig.start(writing, { models })
    await models.asked('seed-0/text', 'seed-1/text')
    models.answer('seed-0/text')
    await rig.watch.finished(1)
    await announce(2)
    await models.until(() => models.inForce?.ordinal === 2)
    models.answer('seed-1/text')
    await rig.watch.finished(2)
    const [one, other] = await rig.recordsOf(outputs)
    expect(one?.recipe).toBe(other?.recipe)
  })
})

describe('a scoring that has finished', () => {
  it('is paid once, kept with its record, and never made again', async () => {
    await rig.add(inputs, seeds(1))
    await rig.start(scoringThenWriting, { models })
    await models.asked('seed-0/text')
    await rig.watch.committed(1)
    expect(models.scored).toEqual(['seed-0/score'])
    await rig.crash()
    const again = new AnnouncedModels()
    await rig.start(scoringThenWriting, { models: again })
    await again.asked('seed-0/text')
    again.answer('seed-0/text')
    await rig.watch.finished(1)
    expect(again.scored).toEqual([])
    expect(await rig.recordsOf(outputs)).toMatchObject([{ statement: '-1.5' }])
    expect(await rig.spending()).toMatchObject({ kept: { calls: 2, promptTokens: 17, completionTokens: 4 } })
  })
})
