/**
 * What `process` may ask of the world, models and verifiers, and whom the engine tells what happens: a log and traces. Declared
 * here, implemented by inference/, verifiers/ and cli/, joined by cli/. Nothing in engine/ or processors/ knows who implements them.
 */
import type { LogEventName, LogFieldsOf, LogLevel } from './log-events.ts'

/** A job that a model does. One model may have several roles. */
export const roles = [
  'annotator',
  'embedder',
  'problem-writer',
  'rationale-writer',
  'test-writer',
  'voter',
  'solver',
  'teacher',
  'judge',
] as const
export type Role = (typeof roles)[number]

/** Roles whose model a trainer replaces while the stream runs, by announcing its versions. Each has one model. */
export const announcedRoles = ['problem-writer', 'rationale-writer'] as const satisfies readonly Role[]
export type AnnouncedRole = (typeof announcedRoles)[number]

/** A model as a role sees it, from the configuration. */
export interface RoleModel {
  /** The name that the endpoint knows it by. */
  model: string
  /** `chat`: /v1/chat/completions; `raw`: /v1/completions, no chat template. */
  mode: 'chat' | 'raw'
  sampling: Sampling
  /** What a trainer announced for the role; absent while the configured model is in force as it is. */
  announced?: AnnouncedVersion
}

/** A version of a role's model that a trainer serves. */
export interface AnnouncedVersion {
  version: string
  /** Ordinal of its announcement, from 1. */
  ordinal: number
}

/** What a trainer says: from now on the role's model is this one. */
export interface Announcement extends AnnouncedVersion {
  role: AnnouncedRole
  /** The name that its endpoint knows it by. */
  model: string
  /** Name of a configured endpoint; empty: where the role's configured model is served. */
  endpoint: string
}

/** How to sample. What is absent is left to the endpoint. */
export interface Sampling {
  temperature?: number
  topP?: number
  /** Most tokens of the completion, reasoning included. */
  maxTokens?: number
}

export interface CompletionRequest {
  role: Role
  /** One of `modelsOf(role)`; needed where the role has several. */
  model?: string
  /** The announced version that is meant: with another one in force the call fails as MODEL_REPLACED. */
  version?: string
  /** The user's text: one chat message in chat mode, the text to be continued in raw mode. */
  prompt: string
  /** Overrides of the role's sampling defaults. */
  sampling?: Sampling
  seed?: number
  stop?: readonly string[]
}

/** Who answered a call, and what that took. */
interface AnsweredCall {
  model: string
  endpoint: string
  simulated: boolean
  usage: TokenUsage
  /** From the request's start at the endpoint to its last byte, without time in our own queue. */
  latencySeconds: number
  requestId: string
  /** The endpoint told no tokens: those of `usage` are an estimate. */
  estimated?: boolean
  /** Absent where the model has no price. */
  cost?: Cost
}

/** A finished completion. Text is as the model wrote it; the reasoning is apart where the endpoint keeps it apart or an inline think block opens the text. */
export interface Completion extends AnsweredCall {
  text: string
  reasoning: string | undefined
  finishReason: 'stop' | 'length' | 'content_filter' | 'other'
  /** The sampling in force, defaults filled in. */
  sampling: Sampling
  seed: number | undefined
  /** The announced version that answered; absent where none was announced. */
  modelVersion?: string
}

/** Tokens of one call. `reasoning` is part of `completion`; `cached` is part of `prompt`. */
export interface TokenUsage {
  prompt: number
  cached: number
  completion: number
  reasoning: number
}

/** What tokens cost. */
export interface Cost {
  amount: number
  /** Three capital letters. */
  currency: string
}

/** A call that was sent and brought nothing that can be used. */
interface WastedCall {
  model: string
  endpoint: string
  /** As far as it is known; an estimate as a rule. */
  usage: TokenUsage
  estimated: boolean
  cost?: Cost
  /** Time at the endpoint, in seconds. */
  latencySeconds: number
}

/** A part of a text, by its characters: from `start` up to, not including, `end`. */
export interface Span {
  start: number
  end: number
}

/** Asks how likely a model finds parts of a text that is given, each token after all that stands before it. */
export interface ScoringRequest {
  role: Role
  /** One of `modelsOf(role)`; needed where the role has several. */
  model?: string
  /** The announced version that is meant: with another one in force the call fails as MODEL_REPLACED. */
  version?: string
  /** The text as the model continues it: raw mode alone, since a chat template adds tokens of its own. */
  text: string
  /** The parts, in their order and without overlap. A token belongs to the part in which it ends. */
  parts: readonly Span[]
}

/** What a part of a text came to. */
export interface PartScore {
  /** Sum of the log-probabilities of its tokens, in nats. */
  logProbability: number
  tokens: number
}

/** The scores of a text's parts, in their order. */
export interface Scoring extends AnsweredCall {
  parts: PartScore[]
  modelVersion?: string
}

export interface EmbeddingRequest {
  role: 'embedder'
  texts: readonly string[]
}

export interface Embedding extends AnsweredCall {
  vectors: number[][]
}

/** Passed with every call: `requestId` goes out as X-Request-Id; an aborted signal frees the GPU slot. */
export interface CallOptions {
  requestId: string
  signal: AbortSignal
  /** Awaited when the call has its slot, right before it goes out; where it rejects, so does the call, and nothing is sent. */
  beforeSending?: () => Promise<void> | undefined
  /** Where several calls wait for a slot, a higher one goes first. */
  priority?: number
  /** Aborted: the call is given up if it has not been sent. It rejects with this signal's reason then. */
  sending?: AbortSignal
  /** Told why no endpoint takes the call while that is so, in one line; then undefined. */
  onOutage?: (why: string | undefined) => void
  /** Told of each try that may have cost tokens and brought nothing: cut off, given up, or no answer that can be read. */
  onWasted?: (call: WastedCall) => void
}

/**
 * Models behind endpoints. A call waits for as long as no endpoint takes it: an endpoint that is away or refuses costs it nothing.
 * Failures: TransientError (codes of engine/errors.ts), InvalidRecordError (a request the endpoint will never take), ConfigurationError. An aborted
 * signal rejects with the signal's reason.
 */
export interface Inference {
  /** Empty when the role is not configured. */
  modelsOf(role: Role): readonly RoleModel[]
  /** Calls of the role that its endpoints take at once, as known now; 0 when it is not configured. */
  slotsOf(role: Role): number
  complete(request: CompletionRequest, options: CallOptions): Promise<Completion>
  embed(request: EmbeddingRequest, options: CallOptions): Promise<Embedding>
  /** Scores given text. @throws ConfigurationError also where no endpoint of the model can do that, with the reason */
  score(request: ScoringRequest, options: CallOptions): Promise<Scoring>
  /** Takes up a version of a role's model: calls that begin from now on go there. What is older than the version in force is passed over. */
  announce(announcement: Announcement): void
}

/** What a verifier concluded. `unverifiable` is never counted as an attempt. */
type VerdictKind = 'passed' | 'failed' | 'unverifiable'

export interface MathComparison {
  verdict: VerdictKind
  reason: string
  /** The answer as it stood in the completion. */
  extracted?: string
}

interface ProgramTest {
  input: string
  output: string
}

type ProgramRunRequest = ({ completion: string } | { program: string }) & {
  tests: readonly ProgramTest[]
  /** Runs every test instead of stopping at the first that does not pass; one that runs out of time is the last all the same. */
  allTests?: boolean
  /** Gives every test's result the digest of its output. */
  digests?: boolean
}

export interface ProgramRun {
  verdict: VerdictKind
  reason: string
  tests: readonly {
    verdict: VerdictKind
    reason: string
    seconds: number
    memoryMb: number
    message?: string
    /** The same for equal outputs; absent where none was asked for, or the program did not end well. */
    digest?: string
  }[]
  /** What the reason leaves open, in one line. */
  message?: string
}

export interface AnswerGroups {
  /** Equivalence classes of the answers, largest first; `members` are positions in the input. */
  groups: readonly { representative: string; members: readonly number[] }[]
  /** Positions of answers that are boxed but could be compared with none. */
  undecided: readonly number[]
}

/** Verifiers in worker threads. Never throws for what it verifies; a fault of ours is `unverifiable`. */
export interface Verification {
  compareMath(request: { completion: string; reference: string }, signal: AbortSignal): Promise<MathComparison>
  /** Boxed answers of completions, undefined where there is none, and their equivalence classes. */
  groupAnswers(completions: readonly string[], signal: AbortSignal): Promise<AnswerGroups>
  /** Runs a Python program in the sandbox: one that stands in a completion, or one that is given. */
  runProgram(request: ProgramRunRequest, signal: AbortSignal): Promise<ProgramRun>
}

/** The same calls with the signal bound, as a processor sees them. */
export type Unsignalled<Port> = {
  readonly [Name in keyof Port]: Port[Name] extends (request: infer Request, signal: AbortSignal) => infer Answer
    ? (request: Request) => Answer
    : never
}

/** Log lines, one fact each. Never throws, and waits for nobody. */
export interface Logger {
  /** Whether lines of the level are written at all: what only they need is not made otherwise. */
  writes(level: LogLevel): boolean
  tell<Name extends LogEventName>(event: Name, fields: LogFieldsOf<Name>): void
}

/** A logger that writes nothing. */
export const silentLogger: Logger = { writes: () => false, tell: () => {} }

/** A call that a record made of a model, and when. */
export interface TimedCall {
  purpose: string
  role: Role
  operation: 'complete' | 'score' | 'embed'
  /** Undefined: it failed. */
  result: Completion | Scoring | Embedding | undefined
  /** Why it failed: an error's code, or its name. */
  failure: string | undefined
  /** When it was asked for, time in our own queue included, and when it was over: milliseconds since 1970, with fractions. */
  startedAtMs: number
  endedAtMs: number
}

/** A record that a finished record has made. */
export interface MadeRecord {
  topic: string
  id: string
  parentIds: readonly string[]
  /** As of `correlationOf`. */
  problem: string
}

/** What became of a record, told when that is committed. */
export interface RecordReport {
  processor: string
  task: number
  topic: string
  partition: number
  offset: number
  /** Undefined: it could not be decoded. */
  record: Readonly<Record<string, unknown>> | undefined
  /** As of `correlationOf`; empty where it could not be decoded. */
  problem: string
  outcome: 'emitted' | 'discarded' | 'dead-lettered'
  /** The rule, or the code of the error. */
  reason: string | undefined
  message: string | undefined
  made: readonly MadeRecord[]
  calls: readonly TimedCall[]
  tries: number
  simulated: boolean
  /** Milliseconds since 1970, with fractions. */
  startedAtMs: number
  endedAtMs: number
}

/** Traces. Never throws, and waits for nobody. */
export interface Tracing {
  record(report: RecordReport): void
}
