/** A record on its way through a task, from its admission to its commit, and what it came to. */
import type { RecordTypes } from '../../schemas/generated.ts'
import type { RecordKind, Topic } from '../../topics/catalogue.ts'
import type { OutgoingRecord, StateChange, StoredRecord } from '../../topics/log.ts'
import type { CallResult } from '../context.ts'
import { correlationOf } from '../correlation.ts'
import type { Counted } from '../counts.ts'
import type { MadeRecord, RecordReport, Role, TimedCall } from '../ports.ts'
import { epochMs } from '../reports.ts'

/** A record that was admitted. */
export interface Entry {
  input: string
  topic: Topic
  stored: StoredRecord
  record: RecordTypes[RecordKind]
  /** Taken into a commit that is under way. */
  committing: boolean
  calls: Map<string, FinishedCall>
  /** Calls that are not answered yet, by purpose: those that ran beside one that failed outlast its try. */
  underWay: Map<string, Promise<CallResult>>
  /** Purposes of finished calls that no commit holds yet; the others are in the committed state. */
  unkept: Set<string>
  keptInState: Set<string>
  /** When it was admitted, in milliseconds since 1970. */
  admittedAtMs: number
  tries: number
  /** All its calls in this process, failed ones included. */
  timed: TimedCall[]
}

/** `role` is undefined for a call that was kept before spending was counted. */
interface FinishedCall {
  role: Role | undefined
  result: CallResult
}

/** What a record, or a step of a source, came to; it waits for its commit. */
export interface Finished extends Counted {
  /** Undefined for a step of a source. */
  entry: Entry | undefined
  outputs: Output[]
  state: StateChange[]
  /** As of `bytesOf`. */
  bytes: number
  /** What is told of it once it is committed; undefined where nobody listens. */
  report?: RecordReport | undefined
}

/** A record that is to be committed, and the recipe that it names: none for a dead letter. */
export interface Output {
  topic: string
  record: OutgoingRecord
  recipe: string
  /** What is told of it; undefined for a dead letter. */
  made?: MadeRecord
}

/** A record that is admitted now; `record` is filled in once it is decoded. */
export function admittedEntry(input: string, topic: Topic, stored: StoredRecord): Entry {
  return {
    input,
    topic,
    stored,
    record: undefined as never,
    committing: false,
    calls: new Map(),
    underWay: new Map(),
    unkept: new Set(),
    keptInState: new Set(),
    admittedAtMs: epochMs(),
    tries: 0,
    timed: [],
  }
}

/** What a result counts for in the bounds of a commit. */
export function bytesOf(outputs: readonly Output[], state: readonly StateChange[]): number {
  let bytes = 64
  for (const { record } of outputs) bytes += record.value.byteLength + 64
  for (const { value } of state) bytes += (value?.byteLength ?? 0) + 64
  return bytes
}

/** What ties a record to its problem; empty where it could not be decoded. */
export function problemOf({ record }: Entry): string {
  const decoded = record as unknown as Readonly<Record<string, unknown>> | undefined
  return decoded === undefined ? '' : correlationOf(decoded)
}
