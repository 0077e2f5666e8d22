/**
 * `drive` runs one record through a processor with no log, network or sleep: records in, records out. What models answer
 * is given as a list, or as a function of the request.
 */
import type { RecordTypes } from '../schemas/generated.ts'
import type { RecordKind, Topic } from '../topics/catalogue.ts'
import { bindVerification, completeRecord, declaredReason, equip, isDiscard, RecordContext } from './context.ts'
import { kindOf, type InvalidRecordError } from './errors.ts'
import { Metrics } from './metrics.ts'
import type {
  AnnouncedVersion,
  Completion,
  CompletionRequest,
  Inference,
  PartScore,
  Role,
  RoleModel,
  ScoringRequest,
  Verification,
} from './ports.ts'
import type { Emission, KeyedState, Processor, Result, SourceStep } from './processor.ts'
import { refuseFaults, resolveSettings } from './settings.ts'

export interface DriveOptions {
  /** Texts that models answer with, in the order of the calls; or a function of the request. */
  answers?: readonly (string | Partial<Completion>)[] | ((request: CompletionRequest) => string | Partial<Completion>)
  /** Models of each role; by default one called `<role>-model`. */
  models?: Partial<Record<Role, readonly string[]>>
  /** Vectors that the embedder answers with, by text. */
  vectors?: (text: string) => number[]
  /** What parts of a given text are scored with. */
  scores?: (request: ScoringRequest) => PartScore[]
  /** Versions that were announced, by role. */
  announced?: Partial<Record<Role, AnnouncedVersion>>
  settings?: Readonly<Record<string, unknown>>
  /** State that is there before, and is changed; values as they were set. */
  state?: Map<string, unknown>
  /** Records of the declared tables, by the table's name in the declaration. */
  tables?: Readonly<Record<string, readonly unknown[]>>
  /** Records that lie at positions of kept topics. */
  reads?: (topic: Topic, at: { partition: number; offset: number }) => RecordTypes[RecordKind]
  verification?: Partial<Verification>
  /** Where the record lies; offset 0 of partition 0 by default. For a source: the number of the step. */
  position?: { partition?: number; offset?: number }
  nowMs?: number
}

/** What a record came to. `records` are complete, as they would lie in the log. */
export interface Driven {
  records: { topic: string; record: RecordTypes[RecordKind] }[]
  discarded: { reason: string; evidence: string } | undefined
  /** The code and message of a record that goes to dead-letters. */
  deadLettered: { code: string; message: string } | undefined
  /** What a source said instead of emitting. */
  source: 'waiting' | 'complete' | undefined
  /** What a source's step told its operator. */
  remark: string | undefined
  requests: CompletionRequest[]
  scored: ScoringRequest[]
  entered: number
  left: number
}

/**
 * Runs one record (or, without an input, one step of a source).
 * @throws TransientError and bugs as `process` throws them; a settings fault
 */
export async function drive(
  processor: Processor,
  given: { input: string; record: unknown } | undefined,
  options: DriveOptions = {},
): Promise<Driven> {
  const { values, faults } = resolveSettings(processor.name, processor.settings, [sourceOf(options.settings ?? {})])
  refuseFaults(faults)
  const requests: CompletionRequest[] = []
  const scored: ScoringRequest[] = []
  const equipped = equip(processor, {
    config: values,
    inference: scriptedInference(options, requests, scored),
    verification: options.verification as Verification,
    tables: Object.fromEntries(
      Object.entries(processor.tables).map(([name, table]) => {
        const index = table.create()
        const records = options.tables?.[name] ?? []
        for (const record of records) table.add(index, record as never)
        return [name, { index, version: records.length }]
      }),
    ),
    metrics: new Metrics(),
    simulated: false,
    read: (topic, at) => {
      if (!options.reads) throw new TypeError(`drive: ${processor.name} reads ${topic.name} but no reads are given`)
      return Promise.resolve(options.reads(topic, at))
    },
    nowMs: () => options.nowMs ?? 0,
  })
  const { partition = 0, offset = 0 } = options.position ?? {}
  const topic = given ? (processor.inputs[given.input]?.name ?? '') : ''
  const state = options.state ?? new Map<string, unknown>()
  const indexed = processor.state?.index
  const index = indexed?.create(values)
  for (const [key, value] of state) indexed?.add(index, key, value as never)
  const calls = new Map<string, Completion>()
  const signal = new AbortController().signal
  const context = new RecordContext(
    equipped,
    {
      id: given ? String((given.record as { id: unknown }).id) : processor.name,
      position: { topic, partition, offset },
    },
    {
      signal,
      keeper: {
        once: async (purpose, _role, make) => {
          const result = calls.get(purpose) ?? (await make())
          calls.set(purpose, result as Completion)
          return result
        },
        waste: () => {},
      },
      state: mapState(state),
      index,
      verify: options.verification
        ? bindVerification(options.verification as Verification, signal)
        : (undefined as never),
    },
  )
  const driven = (emissions: readonly Emission[], rest: Partial<Driven> = {}): Driven => ({
    records: emissions.map((emission) => ({
      topic: emission.topic.name,
      record: completeRecord(equipped, emission, context),
    })),
    discarded: undefined,
    deadLettered: undefined,
    source: undefined,
    remark: context.told,
    requests,
    scored,
    entered: context.entered,
    left: context.left,
    ...rest,
  })
  try {
    const handler = (given ? processor.process[given.input] : processor.next) as
      ((...parameters: unknown[]) => Result | SourceStep | Promise<Result | SourceStep>) | undefined
    if (!handler) throw new TypeError(`drive: ${processor.name} has no ${given ? `input "${given.input}"` : 'next'}`)
    const result = await (given ? handler(given.record, context) : handler(context))
    if (typeof result === 'string') return driven([], { source: result })
    if (isDiscard(result)) {
      declaredReason(processor, result.discard)
      return driven([], { discarded: { reason: result.discard, evidence: result.evidence } })
    }
    return driven(Array.isArray(result) ? (result as Emission[]) : [result as Emission])
  } catch (error) {
    if (kindOf(error) !== 'invalid-record' || !given) throw error
    const { code, message } = error as InvalidRecordError
    const instead = processor.onFailure.emitInstead?.[given.input]?.(
      given.record as never,
      { code, message },
      equipped.emit,
    )
    return driven(instead ? [instead] : [], { deadLettered: { code, message } })
  }
}

function sourceOf(settings: Readonly<Record<string, unknown>>) {
  return {
    valueOf: (_: string, name: string) => (name in settings ? { value: settings[name], origin: name } : undefined),
    namesFor: () => Object.keys(settings).map((name) => ({ name, origin: name })),
  }
}

function mapState(state: Map<string, unknown>): KeyedState<RecordTypes[RecordKind]> {
  return {
    get: (key) => structuredClone(state.get(key)) as RecordTypes[RecordKind] | undefined,
    set: (key, value) => void state.set(key, value),
    remove: (key) => void state.delete(key),
  }
}

function scriptedInference(options: DriveOptions, requests: CompletionRequest[], scored: ScoringRequest[]): Inference {
  const usage = { prompt: 10, cached: 0, completion: 20, reasoning: 0 }
  const modelsOf = (role: Role): RoleModel[] =>
    (options.models?.[role] ?? [`${role}-model`]).map((model) => {
      const announced = options.announced?.[role]
      return { model, mode: 'chat', sampling: {}, ...(announced && { announced }) }
    })
  const versionOf = (role: Role): { modelVersion?: string } => {
    const announced = options.announced?.[role]
    return announced ? { modelVersion: announced.version } : {}
  }
  return {
    modelsOf,
    slotsOf: (role) => 8 * modelsOf(role).length,
    complete(request, { requestId }) {
      const { answers = [] } = options
      const answer = typeof answers === 'function' ? answers(request) : answers[requests.length]
      requests.push(request)
      if (answer === undefined) throw new TypeError(`drive: no answer is given for call ${requests.length}`)
      return Promise.resolve({
        text: '',
        reasoning: undefined,
        finishReason: 'stop',
        sampling: request.sampling ?? {},
        seed: request.seed,
        model: request.model ?? modelsOf(request.role)[0]?.model ?? '',
        ...versionOf(request.role),
        endpoint: 'scripted',
        simulated: false,
        usage,
        latencySeconds: 0.1,
        requestId,
        ...(typeof answer === 'string' ? { text: answer } : answer),
      })
    },
    score(request, { requestId }) {
      scored.push(request)
      if (!options.scores) throw new TypeError('drive: scores are asked for but none are given')
      return Promise.resolve({
        parts: options.scores(request),
        model: request.model ?? modelsOf(request.role)[0]?.model ?? '',
        ...versionOf(request.role),
        endpoint: 'scripted',
        simulated: false,
        usage: { ...usage, completion: 1 },
        latencySeconds: 0.1,
        requestId,
      })
    },
    announce() {},
    embed({ texts }, { requestId }) {
      const { vectors = () => [1] } = options
      return Promise.resolve({
        vectors: texts.map(vectors),
        model: 'embedder-model',
        endpoint: 'scripted',
        simulated: false,
        usage,
        latencySeconds: 0.1,
        requestId,
      })
    },
  }
}
