/**
 * The log port: everything the engine asks of a log. Two logs implement it (embedded, kafka) and one conformance
 * suite, test/topics/conformance.ts, runs on both. Values are opaque bytes here; topics/codec.ts gives them meaning.
 *
 * Words: a *group* is a processor's membership in the log; a *task* is partition number i of all inputs of the group,
 * with one owner at a time; *progress* is the last record of every commit of a task and alone is believed on take-over.
 */

/** A place in a topic. Offsets start at 0, rise by at least 1 a record, and are never reused. */
export interface Position {
  topic: string
  partition: number
  offset: number
}

/** A record on its way into the log. `key` decides compaction; the partition is always explicit. */
export interface OutgoingRecord {
  topic: string
  partition: number
  key: string
  value: Uint8Array
  headers?: Readonly<Record<string, string>>
  /** The time of the append where another log has it already, in milliseconds since 1970; by default, and at most, now. */
  timestampMs?: number
}

/** A record as it lies in the log. `timestampMs` is the time of the append, in milliseconds since 1970. */
export interface StoredRecord extends OutgoingRecord {
  offset: number
  timestampMs: number
}

/** Most bytes of one record, as `sizeOf` counts them; larger ones are refused by every log. */
export const maximumRecordBytes = 10 << 20

/** Bytes of a record: key, value and headers. */
export function sizeOf({ key, value, headers }: Pick<OutgoingRecord, 'key' | 'value' | 'headers'>): number {
  let bytes = Buffer.byteLength(key) + value.byteLength
  for (const [name, text] of Object.entries(headers ?? {})) bytes += Buffer.byteLength(name) + Buffer.byteLength(text)
  return bytes
}

/** What a topic must be. `compacted` topics keep at least the last record of every key; others keep all until deleted. */
export interface TopicSpecification {
  name: string
  partitions: number
  compacted: boolean
}

/** How a topic lies in the log now. `bytes` is the stored size, `records` counts what can be read (both may be estimates on Kafka). */
export interface TopicDescription extends TopicSpecification {
  startOffsets: number[]
  endOffsets: number[]
  records: number
  bytes: number
}

/**
 * One read from one partition. `nextOffset` is where to read on (past filtered or compacted offsets). `startOffset` and `endOffset` are
 * those of the partition when it was read; of a read that ended without an answer they are what was last known, or 0.
 */
export interface ReadResult {
  records: StoredRecord[]
  nextOffset: number
  startOffset: number
  endOffset: number
}

/** Bounds of one read: it returns as soon as there is a record or it got past offsets that hold none, after `maxWaitSeconds` with none, or when `signal` aborts (then with none). */
export interface ReadBounds {
  /** At least one record is returned where there is one, however large. */
  maxBytes: number
  maxWaitSeconds: number
  signal?: AbortSignal
}

/** Who consumes: `name` is the processor's name, `inputs` its co-partitioned topics (none for a source), `tasks` their partition count (1 for a source). */
export interface Group {
  name: string
  inputs: readonly string[]
  tasks: number
}

/** Assignment events. They may come at any time after join; each `gained` is followed by at most one `lost` for that task. */
export interface AssignmentListener {
  gained(task: number): void
  /**
   * The task is another's, or is about to be. What is finished may still be committed: whoever fenced last wins. Where it can, the log
   * gives the task to no other before this resolves.
   */
  lost(task: number): void | Promise<void>
  /** The membership itself is gone and will not come back; `error` says why. */
  failed(error: Error): void
}

export interface Membership {
  /**
   * Fences every earlier owner of the task, then returns its committed state and progress.
   * @throws LogError 'fenced' when the task was lost meanwhile, 'damaged' when local state is no committed prefix and can't be rebuilt.
   */
  open(task: number): Promise<OpenTask>
  /**
   * Resolves once this process is known to have had its tasks a moment ago; undefined where that is known already, absent where tasks
   * never move. After a pause of the whole process they may long be another's: what costs something, such as a model call, asks first.
   * It spares work, and fences nothing: a commit is safe without it. Rejects when the signal aborts, with its reason.
   */
  confirmed?(signal: AbortSignal): Promise<void> | undefined
  /**
   * Another owner has committed in a task of this process, which was told of no loss: the log looks whose it is. `lost` follows, and
   * `gained` where it is this process' own after all. Absent where tasks never move.
   */
  question?(task: number): void
  /** Gives all tasks back. Open tasks must be closed first. */
  leave(): Promise<void>
}

/** A change of one state key: a value, or undefined to remove it. */
export interface StateChange {
  key: string
  value: Uint8Array | undefined
}

/** One commit: all of it becomes visible, or none. `sequence` is the task's last committed sequence + 1 and stands in the progress too. */
export interface TaskCommit {
  sequence: number
  outputs: readonly OutgoingRecord[]
  state: readonly StateChange[]
  progress: Uint8Array
  /** For each input the offset below which all is finished: for the lag tools of a log that has them, and believed by nobody. */
  watermarks?: readonly { topic: string; offset: number }[]
}

/** Committed state of a task, as of its last commit. Reads are synchronous and see every acknowledged commit of this owner. */
export interface TaskState {
  get(key: string): Uint8Array | undefined
  /** All entries with the given key prefix, in key order. */
  entries(prefix?: string): Iterable<{ key: string; value: Uint8Array }>
}

export interface OpenTask {
  readonly task: number
  /** The last committed progress and its sequence; undefined before the first commit (sequence 0). */
  readonly progress: { sequence: number; value: Uint8Array } | undefined
  readonly state: TaskState
  /** Reads the task's own partition of one of the group's inputs. */
  fetch(topic: string, fromOffset: number, bounds: ReadBounds): Promise<ReadResult>
  /**
   * Commits once the outputs, the state and the progress are durable (synced to disk or replicated). One at a time per task.
   * @throws LogError 'fenced' (another owner opened the task: nothing was written), 'doubt' (it may or may not have taken effect:
   * open the task again and compare the sequence), 'too_large', 'full' (nothing was written; may be tried again).
   */
  commit(commit: TaskCommit): Promise<void>
  close(): Promise<void>
}

/** Committed progress of a task, for tools, tables and the janitor. */
export interface TaskProgress {
  group: string
  task: number
  sequence: number
  value: Uint8Array
}

/** Schema ids of the Confluent wire format: a positive 32-bit integer for each distinct schema text. */
export interface SchemaStore {
  /** The id of a schema under a subject; registered on first use where the log allows it. */
  idOf(subject: string, schema: string): Promise<number>
  /** The schema text of an id. @throws LogError 'unknown_schema' */
  schemaOf(id: number): Promise<string>
}

export interface Log {
  readonly kind: 'embedded' | 'kafka'
  /** Prefix of every topic and group of this corpus; it never shows in the names that the port takes or returns. */
  readonly namespace: string
  readonly schemas: SchemaStore
  /**
   * Creates the topics that are missing, and what the groups need to keep their progress and state.
   * @throws LogError 'topic_mismatch' when one exists with another partition count.
   */
  ensureTopics(topics: readonly TopicSpecification[], groups?: readonly Group[]): Promise<void>
  describeTopics(): Promise<TopicDescription[]>
  /** The first offset that can be read and the end offset (that of the next record) of a partition. */
  offsets(topic: string, partition: number): Promise<{ start: number; end: number }>
  /**
   * Waits until all that these topics (as far as they are there) and the progress of these groups hold now is committed or given up:
   * what a process left open when it was killed hides all that others commit behind it, and ends do not tell. Absent where nothing
   * can be left open.
   * @throws LogError 'unreachable' where something stays open for longer than any of ours may; the signal's reason
   */
  settled?(topics: readonly string[], groups: readonly string[], signal: AbortSignal): Promise<void>
  join(group: Group, listener: AssignmentListener): Promise<Membership>
  /**
   * Reads committed records outside any group, from a position on. A start below the retained range reads from its start.
   * @throws LogError 'unknown_topic'
   */
  read(from: Position, bounds: ReadBounds): Promise<ReadResult>
  /**
   * Appends outside any task, atomically, durable when it resolves. The same `appendId` a second time writes nothing.
   * From a process that does not own an embedded log whose owner runs, the owner does it. @throws LogError 'too_large', 'full'
   * @returns whether anything was written (false: this appendId was there already)
   */
  append(records: readonly OutgoingRecord[], appendId: string): Promise<boolean>
  progress(group: string): Promise<TaskProgress[]>
  /**
   * Forgets all records below the offset (retention). Reads below it then start at it.
   * @throws LogError 'topic_mismatch' for a compacted topic, of which the keys decide what is kept; 'unknown_topic'
   */
  deleteBefore(position: Position): Promise<void>
  /** One round of upkeep: compaction of compacted topics, dead readers, freed space. A no-op on Kafka, which does it itself. */
  maintain(): Promise<void>
  close(): Promise<void>
}

/** Why a log call failed; see each call. 'clock': the log refuses the time of a record; 'cut': retention passed over records that were not finished; 'denied': this user may not, or the login failed; 'incompatible': a schema that readers of the registered ones could not follow; 'owned': another live process owns the folder; 'refused': the log does not allow what the settings ask for; 'newer_version': written by a later release; 'not_a_log': the folder is something else. */
export const logErrorCodes = [
  'fenced',
  'doubt',
  'too_large',
  'clock',
  'full',
  'damaged',
  'cut',
  'refused',
  'topic_mismatch',
  'unknown_topic',
  'unknown_schema',
  'incompatible',
  'owned',
  'newer_version',
  'not_a_log',
  'unreachable',
  'denied',
  'closed',
] as const
export type LogErrorCode = (typeof logErrorCodes)[number]

/** A failure of the log itself. Matched on `code`, never on the class or the text. */
export class LogError extends Error {
  readonly code: LogErrorCode
  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LogError'
    this.code = code
  }
}
