/**
 * How a processor is declared: one file tells its inputs, tables, outputs, settings, metrics, discards, failure policy
 * and what it does with a record. Everything else (admission, ordering, retries, commits, ids) is the engine's.
 */
import type { RecordTypes } from '../schemas/generated.ts'
import type { RecordKind, Topic } from '../topics/catalogue.ts'
import type {
  Completion,
  CompletionRequest,
  Embedding,
  EmbeddingRequest,
  Role,
  RoleModel,
  Scoring,
  ScoringRequest,
  Unsignalled,
  Verification,
} from './ports.ts'
import type { MetricDeclarations, MetricHandles } from './metrics.ts'
import type { Settings, SettingValues } from './settings.ts'

export type Topics = Readonly<Record<string, Topic>>
type RecordOf<Source> = Source extends Topic<infer Kind> ? RecordTypes[Kind] : never

/** A topic that every process reads whole, folded into an index as its records come. The newest record of a key replaces older ones in whatever way `add` says. */
export interface Table<Index = unknown, Kind extends RecordKind = RecordKind> {
  readonly topic: Topic<Kind>
  create(): Index
  add(index: Index, record: RecordTypes[Kind]): void
}
export type Tables = Readonly<Record<string, Table>>

/** Declares a table over a topic. */
export function table<Kind extends RecordKind, Index>(
  topic: Topic<Kind>,
  fold: { create(): Index; add(index: Index, record: RecordTypes[Kind]): void },
): Table<Index, Kind> {
  return { topic, ...fold }
}

/** A table as it is now; `version` counts the records read so far and is stamped on what is made from them. */
export interface TableView<Index> {
  readonly version: number
  readonly index: Index
}
type TableViews<Declared extends Tables> = {
  readonly [Name in keyof Declared]: Declared[Name] extends Table<infer Index, infer _Kind> ? TableView<Index> : never
}

/** State of one kind, kept by key and committed with the outputs. */
interface StateDeclaration<
  Input,
  Kind extends RecordKind = RecordKind,
  Index = never,
  Declared extends Settings = Settings,
> {
  kind: Kind
  /**
   * The key whose state a record may read and change, with all keys below it (`key/...`). Records of one key are processed one at a
   * time, in order. Without it a task's records are processed one after the other, in order, and use any key; so do sources.
   */
  keyOf?: (record: Input) => string
  /**
   * What is known of all entries together, such as which of them are alike. It lives in memory: made of the committed entries when a
   * task opens, and of each entry that is set from then on. Only for state whose entries are set once and never removed.
   */
  index?: {
    create(config: SettingValues<Declared>): Index
    add(index: Index, key: string, value: RecordTypes[Kind]): void
  }
}

export interface KeyedState<Value> {
  get(key: string): Value | undefined
  /** Takes effect when the record's result is committed, and is seen by later records of the key at once. */
  set(key: string, value: Value): void
  remove(key: string): void
}

/** Fields that the engine fills in, unless a record is handed on under its own id. */
type EngineFields = 'id' | 'recipe' | 'createdAtMs' | 'simulated' | 'calls'

/** A record to be emitted. With several of one kind from the same parents, `ordinal` (0 by default) tells them apart. */
export type Draft<Value> = Omit<Value, EngineFields> &
  Partial<Pick<Value, EngineFields & keyof Value>> & { ordinal?: number | string }

/** One record on its way to a topic; the engine fills in what the draft leaves out. */
export interface Emission {
  readonly topic: Topic
  readonly draft: Draft<RecordTypes[RecordKind]>
}

/** The decision not to pass a record on. */
export interface Discard {
  readonly discard: string
  readonly evidence: string
}

export type Result = Emission | readonly Emission[] | Discard

export type Emit<Outputs extends Topics> = {
  readonly [Name in keyof Outputs]: (draft: Draft<RecordOf<Outputs[Name]>>) => Emission
}

/** Text to be sent to a model, and the version of its wording. */
export interface Prompt {
  text: string
  version: string
}

/** What a failed record leaves besides its dead letter. */
export interface Failure {
  code: string
  message: string
}

/** What `process` is given, free to be taken apart: no function needs its `this`. It holds no producer, offset or timer. */
export interface Context<
  Outputs extends Topics = Topics,
  DeclaredTables extends Tables = Tables,
  Declared extends Settings = Settings,
  Metrics extends MetricDeclarations = MetricDeclarations,
  Reason extends string = string,
  StateKind extends RecordKind = RecordKind,
  Index = unknown,
> {
  readonly config: SettingValues<Declared>
  /** Where the record lies. Outside a record (a source): the number of the step. */
  readonly position: { readonly topic: string; readonly partition: number; readonly offset: number }
  readonly tables: TableViews<DeclaredTables>
  readonly state: KeyedState<RecordTypes[StateKind]>
  /** The index over the state, where one is declared. */
  readonly index: Index
  readonly metrics: MetricHandles<Metrics>
  readonly verify: Unsignalled<Verification>
  readonly emit: Emit<Outputs>
  readonly discard: (reason: Reason, evidence: string) => Discard
  readonly modelsOf: (role: Role) => readonly RoleModel[]
  /** Calls of the role that its endpoints take at once, as known now. */
  readonly slotsOf: (role: Role) => number
  /**
   * One model call. It is made once for a record and purpose: a finished call is kept over retries and restarts.
   * `purpose` tells several calls of one record apart.
   */
  readonly complete: (
    request: Omit<CompletionRequest, 'prompt'> & { prompt: Prompt; purpose: string },
  ) => Promise<Completion>
  readonly embed: (request: EmbeddingRequest & { purpose: string }) => Promise<Embedding>
  /** One question for the log-probabilities of given text, made once as a completion is. `promptVersion` is that of the text's wording. */
  readonly score: (request: ScoringRequest & { purpose: string; promptVersion: string }) => Promise<Scoring>
  /** Reads one record of a kept topic at a position. @throws InvalidRecordError when nothing of that kind lies there */
  readonly read: <Kind extends RecordKind>(
    topic: Topic<Kind>,
    at: { partition: number; offset: number },
  ) => Promise<RecordTypes[Kind]>
  /** Counts a unit of work that enters the stream with this record. Discards and dead letters of `onSpine` processors leave by themselves. */
  readonly enterStream: () => void
  /** Counts a unit of work that leaves the stream with this record. */
  readonly leaveStream: () => void
  /** Only for a source: what its operator should know of this step; shown in the status until another step says otherwise. */
  readonly remark: (line: string) => void
}

/** A source's answer when it has nothing to emit: `waiting` for tables or work in progress to change, or `complete`. */
export type SourceStep = readonly Emission[] | 'waiting' | 'complete'

export interface Declaration<
  Inputs extends Topics = Topics,
  DeclaredTables extends Tables = Tables,
  Outputs extends Topics = Topics,
  Declared extends Settings = Settings,
  Metrics extends MetricDeclarations = MetricDeclarations,
  Reason extends string = string,
  StateKind extends RecordKind = RecordKind,
  Index = unknown,
> {
  /** File name, consumer group, Deployment and metric label. */
  readonly name: string
  /** One sentence for help and documentation. */
  readonly summary: string
  /** Version of its rules; part of the recipe. Raise it when the same input would now give another result. */
  readonly version: number
  /** Co-partitioned topics that it consumes; none for a source. */
  readonly inputs: Inputs
  readonly tables: DeclaredTables
  readonly outputs: Outputs
  /** Topics that it reads at positions named in its records. */
  readonly reads?: readonly Topic[]
  /** Model roles that it calls; their models and sampling are part of the recipe. */
  readonly roles: readonly Role[]
  /** False for one that only asks which models there are: a replay runs it at no cost. */
  readonly callsModels?: false
  /** Whether it has programs run that models wrote: its process needs the sandbox. */
  readonly runsPrograms?: true
  /** Roles without whose models it is off; all of `roles` where this is left out. */
  readonly needs?: readonly Role[]
  readonly settings: Declared
  readonly metrics: Metrics
  readonly discards: readonly Reason[]
  /** Inputs whose records are units of work on their way: one that is discarded or dead-lettered here leaves the stream. */
  readonly onSpine: readonly (string & keyof Inputs)[]
  readonly onFailure: {
    /** Tries of a record that fails for reasons that pass; an endpoint's outage uses none up. Then it is a dead letter. */
    readonly transient: { attempts: number; firstDelaySeconds: number; maxDelaySeconds: number }
    /** What a dead-lettered record emits in the same commit, so that nobody waits for it for ever. */
    readonly emitInstead?: {
      readonly [Name in keyof Inputs]?: (
        record: RecordOf<Inputs[Name]>,
        failure: Failure,
        emit: Emit<Outputs>,
      ) => Emission
    }
  }
  readonly state?: StateDeclaration<RecordOf<Inputs[keyof Inputs]>, StateKind, Index, Declared>
  readonly process: {
    readonly [Name in keyof Inputs]: (
      record: RecordOf<Inputs[Name]>,
      context: Context<Outputs, DeclaredTables, Declared, Metrics, Reason, StateKind, Index>,
    ) => Result | Promise<Result>
  }
  /** Only for a source: the next thing to emit. A long step lets others on meanwhile; tables may grow under it then. */
  readonly next?: (
    context: Context<Outputs, DeclaredTables, Declared, Metrics, Reason, StateKind, Index>,
  ) => SourceStep | Promise<SourceStep>
}

/** A declaration as the engine holds it, its types forgotten. */
export type Processor = Declaration

/** Declares a processor. The compiler refuses an unknown discard reason, a missing field, an undeclared metric. */
export function defineProcessor<
  const Inputs extends Topics,
  const DeclaredTables extends Tables,
  const Outputs extends Topics,
  const Declared extends Settings,
  const Metrics extends MetricDeclarations,
  const Reason extends string,
  const StateKind extends RecordKind = never,
  Index = never,
>(declaration: Declaration<Inputs, DeclaredTables, Outputs, Declared, Metrics, Reason, StateKind, Index>): Processor {
  return declaration as unknown as Processor
}

/** Whether it calls model endpoints, and does not only ask which models there are. */
export function callsModels(processor: Processor): boolean {
  return processor.callsModels !== false && processor.roles.length > 0
}

/** How many processors a record has passed before each one, at most; 0 for a source and for what nothing here feeds. */
export function depthsOf(processors: readonly Processor[]): ReadonlyMap<string, number> {
  const depths = new Map<string, number>()
  const depthOf = (processor: Processor): number => {
    const known = depths.get(processor.name)
    if (known !== undefined) return known
    // A topic that comes back to where it came from adds nothing.
    depths.set(processor.name, 0)
    const before = processors.filter(({ outputs }) =>
      Object.values(outputs).some((topic) => Object.values(processor.inputs).includes(topic)),
    )
    const depth = before.length === 0 ? 0 : 1 + Math.max(...before.map(depthOf))
    depths.set(processor.name, depth)
    return depth
  }
  for (const processor of processors) depthOf(processor)
  return depths
}
