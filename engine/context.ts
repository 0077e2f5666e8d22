/** The context that a processor's `process` receives, the same for the engine's tasks and for `drive` in tests. */
import { schemaTexts, type ModelCall, type Recipe, type RecordTypes } from '../schemas/generated.ts'
import type { RecordKind, Topic } from '../topics/catalogue.ts'
import type { CallBudget } from './budget.ts'
import { hashOf, recordId } from './ids.ts'
import type { MetricDeclarations, MetricHandles, Metrics } from './metrics.ts'
import {
  announcedRoles,
  silentLogger,
  type CallOptions,
  type Completion,
  type Embedding,
  type EmbeddingRequest,
  type Inference,
  type Logger,
  type Role,
  type RoleModel,
  type Scoring,
  type TimedCall,
  type Tracing,
  type Unsignalled,
  type Verification,
} from './ports.ts'
import type { Context, Discard, Emission, Emit, KeyedState, Processor, TableView, Topics } from './processor.ts'
import { epochMs } from './reports.ts'
import { recipeOf, type Profile, type Settings, type SettingValues } from './settings.ts'
import type { PaidCall } from './expenses.ts'

/** A processor with all that a run gives it once. */
export interface EquippedProcessor {
  readonly declaration: Processor
  readonly config: SettingValues<Settings>
  /** The recipe with the models in force, or with those that a record's calls of announced roles went to. */
  recipe(used?: UsedVersions): string
  /** What a recipe of this processor stands for; undefined for one that it has not made. */
  rulesOf(recipe: string): Rules | undefined
  readonly priority: number
  /** Whether its models are simulated: stamped on every record. */
  readonly simulated: boolean
  readonly inference: Inference
  /** Undefined: calls may cost whatever they do. */
  readonly budget: CallBudget | undefined
  readonly verification: Verification
  readonly tables: Readonly<Record<string, TableView<unknown>>>
  readonly emit: Emit<Topics>
  readonly metrics: Metrics
  readonly metricHandles: MetricHandles<MetricDeclarations>
  readonly logger: Logger
  /** Undefined: nobody asked for traces. */
  readonly tracing: Tracing | undefined
  read(topic: Topic, at: { partition: number; offset: number }, signal: AbortSignal): Promise<RecordTypes[RecordKind]>
  nowMs(): number
}

/** The rules behind a recipe. */
export type Rules = Omit<Recipe, 'committedAtMs'>

/** What answers for roles whose models are announced; undefined: the configured model as it is. */
type UsedVersions = ReadonlyMap<Role, { model: string; version: string } | undefined>

/** What a finished call brought. */
export type CallResult = Completion | Embedding | Scoring

/** Finished calls of one record, by purpose. */
export interface CallKeeper {
  /** Its result, where it was finished before; else makes it, or joins it where an earlier try of the record is still waiting for it. */
  once(purpose: string, role: Role, make: () => Promise<CallResult>): Promise<CallResult>
  /** A try that cost something and brought nothing. */
  waste(call: PaidCall): void
}

/** What a task asks of its calls beside their end. */
export type CallConditions = Pick<CallOptions, 'beforeSending' | 'sending' | 'onOutage'>

/** What a run decides about one processor. */
export interface Equipment {
  /** Of its model calls: higher goes first. */
  priority?: number
  config: SettingValues<Settings>
  /** What gave the settings that nobody has given; wellspring by default. */
  profile?: Profile
  inference: Inference
  budget?: CallBudget | undefined
  verification: Verification
  tables: Readonly<Record<string, TableView<unknown>>>
  metrics: Metrics
  logger?: Logger | undefined
  tracing?: Tracing | undefined
  simulated: boolean
  read: EquippedProcessor['read']
  nowMs?: () => number
}

/** Joins a declaration and a run's equipment. */
export function equip(declaration: Processor, equipment: Equipment): EquippedProcessor {
  const { metrics } = equipment
  const emit = Object.fromEntries(
    Object.entries(declaration.outputs).map(([name, topic]) => [
      name,
      (draft: Emission['draft']): Emission => ({ topic, draft }),
    ]),
  )
  return {
    ...equipment,
    priority: equipment.priority ?? 0,
    budget: equipment.budget,
    logger: equipment.logger ?? silentLogger,
    tracing: equipment.tracing,
    declaration,
    emit: emit,
    metricHandles: metrics.declared(declaration.name, declaration.metrics),
    nowMs: equipment.nowMs ?? Date.now,
    ...recipesOf(declaration, equipment),
  }
}

function versionOf(model: RoleModel | undefined): { model: string; version: string } | undefined {
  return model?.announced && { model: model.model, version: model.announced.version }
}

/** Recipes of a processor: one, until a trainer announces a version of a model that it calls. */
function recipesOf(
  declaration: Processor,
  { config, profile = 'wellspring', inference }: Equipment,
): Pick<EquippedProcessor, 'recipe' | 'rulesOf'> {
  const { name, version, roles, settings } = declaration
  const changing = roles.filter((role) => announcedRoles.some((one) => one === role))
  const known = new Map<string, string>()
  const rules = new Map<string, Rules>()
  const recipe: EquippedProcessor['recipe'] = (used) => {
    const versions = changing.map((role) => {
      const [model] = inference.modelsOf(role)
      return used?.has(role) ? used.get(role) : versionOf(model)
    })
    const key = JSON.stringify(versions)
    const before = known.get(key)
    if (before !== undefined) return before
    const models = roles.map((role) => {
      const named = versions[changing.indexOf(role)]
      return [role, inference.modelsOf(role).map(({ announced: _, ...model }) => ({ ...model, ...named }))] as const
    })
    const values = recipeOf(settings, config)
    const hash = hashOf(name, version, JSON.stringify([values, models])).slice(0, 16)
    known.set(key, hash)
    rules.set(hash, {
      ...{ recipe: hash, processor: name, version, profile },
      settings: values.map(([setting, value]) => ({ name: setting, value: JSON.stringify(value) })),
      models: models.flatMap(([role, ofRole]) => ofRole.map((model) => recipeModelOf(role, model))),
    })
    return hash
  }
  return { recipe, rulesOf: (hash) => rules.get(hash) }
}

function recipeModelOf(
  role: Role,
  { model, version, mode, sampling }: Omit<RoleModel, 'announced'> & { version?: string },
): Rules['models'][number] {
  const { temperature = null, topP = null, maxTokens = null } = sampling
  return { role, model, modelVersion: version ?? '', mode, temperature, topP, maxTokens }
}

const kindsWithCalls = new Set(
  Object.entries(schemaTexts)
    .filter(([, text]) =>
      (JSON.parse(text) as { fields: { name: string; type: unknown }[] }).fields.some(
        ({ name, type }) => name === 'calls' && typeof type === 'object',
      ),
    )
    .map(([kind]) => kind),
)

/** Whether a result is a discard. */
export function isDiscard(result: object): result is Discard {
  return 'discard' in result
}

/** Everything one record's processing sees and leaves behind. Functions, not methods: `process` takes them apart. */
export class RecordContext implements Context {
  readonly #equipped: EquippedProcessor
  readonly #signal: AbortSignal
  readonly #keeper: CallKeeper
  readonly #sending: CallConditions
  readonly #timed: TimedCall[]
  readonly #recordId: string
  readonly position: Context['position']
  readonly state: KeyedState<RecordTypes[RecordKind]>
  readonly index: unknown
  readonly verify: Unsignalled<Verification>
  readonly #calls: (ModelCall | undefined)[] = []
  /** In force when its processing began, then those that answered. */
  readonly #used = new Map<Role, { model: string; version: string } | undefined>()
  /** Units of work that entered and left the stream with this record. */
  entered = 0
  left = 0
  /** What a source's step told its operator. */
  told: string | undefined

  constructor(
    equipped: EquippedProcessor,
    record: { id: string; position: Context['position'] },
    bound: {
      signal: AbortSignal
      keeper: CallKeeper
      state: KeyedState<RecordTypes[RecordKind]>
      index: unknown
      verify: Unsignalled<Verification>
      /** As of CallOptions. */
      sending?: CallConditions
      /** Told of each call and when it was made. */
      timed?: TimedCall[]
    },
  ) {
    this.#equipped = equipped
    this.#signal = bound.signal
    this.#keeper = bound.keeper
    this.#sending = bound.sending ?? {}
    this.#timed = bound.timed ?? []
    this.#recordId = record.id
    this.position = record.position
    this.state = bound.state
    this.index = bound.index
    this.verify = bound.verify
    for (const role of equipped.declaration.roles) {
      if (announcedRoles.some((one) => one === role))
        this.#used.set(role, versionOf(equipped.inference.modelsOf(role)[0]))
    }
  }

  /** What the record's emissions are made by. */
  get recipe(): string {
    return this.#equipped.recipe(this.#used)
  }

  get config(): SettingValues<Settings> {
    return this.#equipped.config
  }
  get tables(): never {
    return this.#equipped.tables as never
  }
  get metrics(): MetricHandles<MetricDeclarations> {
    return this.#equipped.metricHandles
  }
  get emit(): Emit<Topics> {
    return this.#equipped.emit
  }

  readonly discard = (reason: string, evidence: string): Discard => ({ discard: reason, evidence })

  readonly modelsOf = (role: Role): readonly RoleModel[] => this.#equipped.inference.modelsOf(role)
  readonly slotsOf = (role: Role): number =>
    Math.floor(this.#equipped.inference.slotsOf(role) * (this.#equipped.budget?.share ?? 1))

  /** Answered calls, in the order in which they were made. */
  get calls(): ModelCall[] {
    return this.#calls.filter((call) => call !== undefined)
  }

  readonly complete: Context['complete'] = async ({ prompt, purpose, ...request }) => {
    const place = this.#calls.push(undefined) - 1
    const completion = (await this.#keeper.once(purpose, request.role, () =>
      this.#paid(purpose, 'complete', request.role, (options) =>
        this.#equipped.inference.complete({ ...request, prompt: prompt.text }, options),
      ),
    )) as Completion
    this.#calls[place] = modelCallOf(completion, purpose, prompt.version)
    this.#note(request.role, completion)
    return completion
  }

  readonly score: Context['score'] = async ({ purpose, promptVersion, ...request }) => {
    const place = this.#calls.push(undefined) - 1
    const scoring = (await this.#keeper.once(purpose, request.role, () =>
      this.#paid(purpose, 'score', request.role, (options) => this.#equipped.inference.score(request, options)),
    )) as Scoring
    // Nothing is sampled: the text was given.
    const given = { sampling: {}, seed: undefined, finishReason: 'given' as const }
    this.#calls[place] = modelCallOf({ ...scoring, ...given }, purpose, promptVersion)
    this.#note(request.role, scoring)
    return scoring
  }

  readonly embed = async ({ purpose, ...request }: EmbeddingRequest & { purpose: string }): Promise<Embedding> =>
    (await this.#keeper.once(purpose, request.role, () =>
      this.#paid(purpose, 'embed', request.role, (options) => this.#equipped.inference.embed(request, options)),
    )) as Embedding

  readonly read = async <Kind extends RecordKind>(
    topic: Topic<Kind>,
    at: { partition: number; offset: number },
  ): Promise<RecordTypes[Kind]> => {
    if (!this.#equipped.declaration.reads?.includes(topic)) {
      throw new TypeError(
        `${this.#equipped.declaration.name} reads ${topic.name} at positions but does not declare it under "reads"`,
      )
    }
    return (await this.#equipped.read(topic, at, this.#signal)) as RecordTypes[Kind]
  }

  readonly enterStream = (): void => {
    this.entered++
  }
  readonly leaveStream = (): void => {
    this.left++
  }
  readonly remark = (line: string): void => {
    this.told = line
  }

  /** Makes a call within the budget. */
  async #paid<Answer extends CallResult>(
    purpose: string,
    operation: TimedCall['operation'],
    role: Role,
    call: (options: CallOptions) => Promise<Answer>,
  ): Promise<Answer> {
    const { budget, priority } = this.#equipped
    const requestId = `${this.#recordId}/${purpose}`
    const { beforeSending, sending, onOutage } = this.#sending
    const signals = sending ? [this.#signal, sending] : [this.#signal]
    const enter = (): Promise<void> | undefined => {
      const wait = budget?.enter(requestId, signals)
      if (!wait) return undefined
      onOutage?.(budget?.why)
      return wait.finally(() => onOutage?.(undefined))
    }
    const timed = { purpose, role, operation, startedAtMs: epochMs() }
    const told = (result: CallResult | undefined, failure?: string): void => {
      this.#timed.push({ ...timed, result, failure, endedAtMs: epochMs() })
    }
    try {
      const answer = await call({
        requestId,
        signal: this.#signal,
        priority,
        ...this.#sending,
        beforeSending: () => beforeSending?.() ?? enter(),
        onWasted: (wasted) => {
          budget?.spend({ role, ...wasted })
          this.#keeper.waste({ role, ...wasted })
        },
      })
      budget?.spend({ role, ...answer })
      told(answer)
      return answer
    } catch (error) {
      told(undefined, codeOf(error))
      throw error
    } finally {
      budget?.leave(requestId)
    }
  }

  /** The version that answered made the record, whatever has been announced since. */
  #note(role: Role, { model, modelVersion }: { model: string; modelVersion?: string }): void {
    if (this.#used.has(role))
      this.#used.set(role, modelVersion === undefined ? undefined : { model, version: modelVersion })
  }
}

/** What an error is called: its code, or its class. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : error instanceof Error ? error.name : 'unknown'
}

/** Fills in what the engine knows: id, recipe, time, whether simulated, and the calls where the kind keeps them. */
export function completeRecord(
  equipped: EquippedProcessor,
  { topic, draft }: Emission,
  { calls, recipe }: { calls: readonly ModelCall[]; recipe: string },
): RecordTypes[RecordKind] {
  const { ordinal = 0, ...given } = draft as Record<string, unknown> & {
    calls?: readonly ModelCall[]
    ordinal?: number | string
    parentIds: string[]
  }
  const filled: Record<string, unknown> = {
    id: recordId(topic.kind, given.parentIds, recipe, ordinal),
    recipe,
    createdAtMs: equipped.nowMs(),
    simulated: equipped.simulated,
    ...given,
  }
  // A record that is handed on keeps the calls that made it what it was.
  if (kindsWithCalls.has(topic.kind)) filled['calls'] = [...(given.calls ?? []), ...calls]
  return filled as unknown as RecordTypes[RecordKind]
}

/** What a call's answer tells of it; `given`: the text was scored, not written. */
type Answered = Omit<Completion, 'text' | 'reasoning' | 'finishReason'> & {
  finishReason: Completion['finishReason'] | 'given'
}

function modelCallOf(completion: Answered, purpose: string, promptVersion: string): ModelCall {
  const { sampling, usage } = completion
  return {
    purpose,
    requestId: completion.requestId,
    model: completion.model,
    modelVersion: completion.modelVersion ?? '',
    endpoint: completion.endpoint,
    promptVersion,
    temperature: sampling.temperature ?? null,
    topP: sampling.topP ?? null,
    maxTokens: sampling.maxTokens ?? null,
    seed: completion.seed ?? null,
    promptTokens: usage.prompt,
    cachedTokens: usage.cached,
    completionTokens: usage.completion,
    reasoningTokens: usage.reasoning,
    latencySeconds: completion.latencySeconds,
    finishReason: completion.finishReason,
  }
}

/** Verification with a signal bound, made once a task. */
export function bindVerification(verification: Verification, signal: AbortSignal): Unsignalled<Verification> {
  return {
    compareMath: (request) => verification.compareMath(request, signal),
    groupAnswers: (completions) => verification.groupAnswers(completions, signal),
    runProgram: (request) => verification.runProgram(request, signal),
  }
}

/** What an emission's discard record holds besides the header. */
export function discardEvidence(evidence: string): string {
  const line = evidence.replace(/\s+/g, ' ').trim()
  return line.length > 500 ? `${line.slice(0, 500)}...` : line
}

/** Checks that a reason is one that the processor declared: an undeclared one is a bug. */
export function declaredReason(declaration: Processor, reason: string): string {
  if (!declaration.discards.includes(reason))
    throw new TypeError(`${declaration.name} discards as "${reason}", which it does not declare`)
  return reason
}
