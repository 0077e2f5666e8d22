/**
 * An open task: its transactions, its changelog, its local copy. What a commit wrote is believed only as the changelog has it, in the
 * order of its partition: state changes, then the progress.
 */
import { randomUUID } from 'node:crypto'
import {
  maximumRecordBytes,
  sizeOf,
  LogError,
  type Group,
  type OpenTask,
  type OutgoingRecord,
  type ReadBounds,
  type ReadResult,
  type StoredRecord,
  type TaskCommit,
} from '../log.ts'
import type { StoredState } from '../embedded/state.ts'
import type { Compression } from './batches.ts'
import type { Checkpoint, Checkpoints } from './checkpoints.ts'
import type { Connection } from './connections.ts'
import { asLogError } from './errors.ts'
import type { Names } from './names.ts'
import type { PartitionReads } from './reads.ts'
import type { LogRecord } from './records.ts'
import { beginTransactions, type PlacedMessage, type Transactions, type TransactionStep } from './transactions.ts'

/** Keys of a changelog. State keys follow their prefix; the others are one record each. */
export const PROGRESS_KEY = 'progress'
const IDENTITY_KEY = 'identity'
const STATE_PREFIX = 'state/'
const SEQUENCE_HEADER = 'wellspring.sequence'

const REPLAY_BYTES = 8 << 20
const REPLAY_WAIT_SECONDS = 5
/** A local copy without new state is brought up to date this seldom: reading on from it costs little. */
const CHECKPOINT_MILLISECONDS = 30_000
/** Removed keys leave tombstones in the changelog for a day; an older copy could miss one. */
export const TOMBSTONE_MILLISECONDS = 86_400_000
const CHECKPOINT_TRUST_MILLISECONDS = TOMBSTONE_MILLISECONDS / 2

/** What all tasks of a group share. */
export interface TaskHost {
  readonly names: Names
  readonly group: Group
  readonly reads: PartitionReads
  readonly writes: Connection
  readonly checkpoints: Checkpoints
  /** Under which local copies of this cluster lie. */
  readonly scope: string
  readonly compression: Compression
  readonly transactionTimeoutMilliseconds: number
  /** For tests. */
  readonly onStep?: (step: TransactionStep, task: number | undefined) => void
  /** Another epoch of this task was met. */
  fenced(task: KafkaTask): void
  committed(task: number, watermarks: NonNullable<TaskCommit['watermarks']>): void
}

/** The sequence that a progress record was written with. @throws LogError 'damaged' */
export function sequenceOfProgress(record: LogRecord, where: string): number {
  const sequence = Number(record.headers?.[SEQUENCE_HEADER])
  if (!Number.isSafeInteger(sequence) || sequence < 1 || !record.value) {
    throw new LogError(
      'damaged',
      `${where} offset ${record.offset} is no progress record of Wellspring: something else has written to a changelog; ` +
        `restore it from a backup`,
    )
  }
  return sequence
}

export class KafkaTask implements OpenTask {
  readonly task: number
  readonly state: StoredState
  progress: OpenTask['progress']
  readonly #host: TaskHost
  readonly #changelog: string
  readonly #stop = new AbortController()
  #transactions!: Transactions
  #checkpoint!: Checkpoint
  #checkpointWrittenMs = 0
  #lastSequence = 0
  #ended: LogError | undefined

  private constructor(host: TaskHost, task: number) {
    this.task = task
    this.#host = host
    this.#changelog = host.names.changelog(host.group.name)
    this.state = host.checkpoints.state(host.scope, host.group.name, task)
  }

  /**
   * Fences, takes the end of the changelog, and reads up to it.
   * @throws LogError 'unknown_topic', 'denied', 'unreachable', 'damaged', 'full'
   */
  static async open(host: TaskHost, task: number): Promise<KafkaTask> {
    const opened = new KafkaTask(host, task)
    const { names, group, writes } = host
    opened.#transactions = await beginTransactions(writes, {
      transactionalId: names.transactionalId(group.name, task),
      timeoutMilliseconds: host.transactionTimeoutMilliseconds,
      compression: host.compression,
    })
    host.onStep?.('fenced', task)
    await opened.#restore()
    return opened
  }

  async fetch(topic: string, fromOffset: number, bounds: ReadBounds): Promise<ReadResult> {
    const { group, names, reads } = this.#host
    if (!group.inputs.includes(topic)) {
      throw new LogError('unknown_topic', `${topic} is no input of ${group.name} (${group.inputs.join(', ')})`)
    }
    this.#check()
    const read = await reads.read(names.topic(topic), this.task, fromOffset, { ...bounds, ended: this.#stop.signal })
    return { ...read, records: read.records.map((record) => storedAs(topic, this.task, record)) }
  }

  async commit(commit: TaskCommit): Promise<void> {
    this.#check()
    const { names, writes, group } = this.#host
    const { sequence, outputs, state, progress } = commit
    if (sequence !== this.#lastSequence + 1) {
      throw this.#end(
        new LogError(
          'doubt',
          `${this.#describe()}: commit ${sequence} after commit ${this.#lastSequence}, expected ${this.#lastSequence + 1}: open the task again and compare the sequence`,
        ),
      )
    }
    const entries = state.map((change) => this.state.entryOf(change, sequence))
    const changes = state.map(({ key, value }) => this.#change(`${STATE_PREFIX}${key}`, value))
    const messages = [
      ...outputs.map((record) => placed(names, record)),
      ...changes,
      this.#change(PROGRESS_KEY, progress, { [SEQUENCE_HEADER]: String(sequence) }),
    ]
    refuseTooLarge(messages)
    await refuseUnknown(writes, messages, `${group.name} task ${this.task}`)
    let ends: ReadonlyMap<string, number>
    try {
      ends = await this.#transactions.write(messages, (step) => this.#host.onStep?.(step, this.task))
    } catch (error) {
      const failure = asLogError(error, `committing ${this.#describe()}`)
      if (failure.code === 'too_large') throw failure
      if (failure.code === 'fenced') this.#host.fenced(this)
      throw this.#end(failure)
    }
    await this.#keep(commit, entries, ends.get(`${this.#changelog}/${this.task}`) ?? this.#checkpoint.offset)
    this.#lastSequence = sequence
    if (commit.watermarks) this.#host.committed(this.task, commit.watermarks)
  }

  async close(): Promise<void> {
    if (this.#ended) return
    this.#end(new LogError('closed', `${this.#describe()} is closed`))
    const { checkpoints, scope, group } = this.#host
    await checkpoints.write(scope, group.name, this.task, [], this.#checkpoint).catch(() => undefined)
  }

  /** The membership is over. */
  abandon(): void {
    this.#end(new LogError('closed', `${this.#describe()}: its group was left`))
  }

  /** Brings the local copy to the end of the changelog. Its writers are all fenced, so what lies below the end is all there is. */
  async #restore(): Promise<void> {
    const { reads, checkpoints, scope, group } = this.#host
    let extent = await this.#extent()
    let checkpoint = await this.#validCheckpoint(extent)
    if (!checkpoint) {
      await checkpoints.remove(scope, group.name, this.task)
      checkpoint = { identity: '', identityOffset: -1, offset: extent.start, writtenAtMs: 0, progress: undefined }
    }
    for (;;) {
      checkpoint = await this.#replay(checkpoint, extent.end)
      if (checkpoint.identity !== '') break
      // A new changelog, or one that was emptied: it gets a name of its own, to tell it from any other.
      const ends = await this.#transactions
        .write([this.#change(IDENTITY_KEY, Buffer.from(randomUUID()))], (step) => {
          if (step === 'ended') this.#host.onStep?.('identified', this.task)
        })
        .catch((error: unknown) => {
          // Opening again finds it or writes it: nothing depends on whether it took effect.
          if (!(error instanceof LogError) || error.code !== 'doubt') throw error
          throw new LogError('unreachable', `opening ${this.#describe()}: ${error.message}`, { cause: error })
        })
      reads.forget(this.#changelog, this.task)
      await reads.visible(this.#changelog, this.task, ends.get(`${this.#changelog}/${this.task}`) ?? 0)
      extent = await this.#extent()
    }
    this.#checkpoint = checkpoint
    this.#checkpointWrittenMs = performance.now()
    this.progress = checkpoint.progress && {
      sequence: checkpoint.progress.sequence,
      value: Buffer.from(checkpoint.progress.value, 'base64'),
    }
    this.#lastSequence = this.progress?.sequence ?? 0
  }

  async #extent(): Promise<{ start: number; end: number }> {
    const extents = await this.#host.reads.offsets(this.#changelog, [this.task])
    return extents.get(this.task) ?? { start: 0, end: 0 }
  }

  async #validCheckpoint({ start, end }: { start: number; end: number }): Promise<Checkpoint | undefined> {
    const { reads, checkpoints, scope, group } = this.#host
    const checkpoint = checkpoints.checkpoint(scope, group.name, this.task)
    if (!checkpoint || checkpoint.offset < start || checkpoint.offset > end) return undefined
    if (Date.now() - checkpoint.writtenAtMs > CHECKPOINT_TRUST_MILLISECONDS) return undefined
    const { records } = await reads.read(this.#changelog, this.task, checkpoint.identityOffset, {
      maxBytes: 1,
      maxWaitSeconds: 0,
    })
    const [first] = records
    const isSame =
      first?.offset === checkpoint.identityOffset &&
      first.key === IDENTITY_KEY &&
      first.value?.toString() === checkpoint.identity
    return isSame ? checkpoint : undefined
  }

  /** Applies the changelog from the checkpoint to `end`, a piece at a time. */
  async #replay(from: Checkpoint, end: number): Promise<Checkpoint> {
    const { reads, checkpoints, scope, group } = this.#host
    const readFrom = (offset: number): ReturnType<PartitionReads['read']> =>
      reads.read(this.#changelog, this.task, offset, { maxBytes: REPLAY_BYTES, maxWaitSeconds: REPLAY_WAIT_SECONDS })
    let checkpoint = from
    let reading = checkpoint.offset < end ? readFrom(checkpoint.offset) : undefined
    while (reading) {
      const { records, nextOffset }: Awaited<typeof reading> = await reading
      if (nextOffset <= checkpoint.offset) {
        throw new LogError(
          'unreachable',
          `${this.#describe()}: its changelog gives nothing from offset ${nextOffset} on, expected ${end}`,
        )
      }
      // The next piece is on its way while this one is taken in.
      reading = nextOffset < end ? readFrom(nextOffset) : undefined
      reading?.catch(() => {})
      const changes = new Map<string, Buffer | undefined>()
      let next = { ...checkpoint, offset: nextOffset, writtenAtMs: Date.now() }
      let lastProgress: LogRecord | undefined
      for (const record of records) {
        if (record.key.startsWith(STATE_PREFIX)) changes.set(record.key.slice(STATE_PREFIX.length), record.value)
        else if (record.key === PROGRESS_KEY) lastProgress = record
        else if (record.key === IDENTITY_KEY && next.identity === '') {
          next = { ...next, identity: record.value?.toString() ?? '', identityOffset: record.offset }
        }
      }
      if (lastProgress) {
        const sequence = sequenceOfProgress(lastProgress, `${this.#changelog}/${this.task}`)
        next = { ...next, progress: { sequence, value: lastProgress.value?.toString('base64') ?? '' } }
      }
      const sequence = next.progress?.sequence ?? 0
      const entries = [...changes].map(([key, value]) => this.state.entryOf({ key, value }, sequence))
      checkpoint = next
      await checkpoints.write(scope, group.name, this.task, entries, checkpoint)
    }
    return checkpoint
  }

  /** Takes a commit into the local copy. The log has it: whatever fails here shows as doubt, and opening again reads it from there. */
  async #keep(
    { sequence, progress }: TaskCommit,
    entries: readonly { key: Buffer; value: Buffer | undefined }[],
    offset: number,
  ): Promise<void> {
    const { checkpoints, scope, group } = this.#host
    this.#checkpoint = {
      ...this.#checkpoint,
      offset,
      writtenAtMs: Date.now(),
      progress: { sequence, value: Buffer.from(progress).toString('base64') },
    }
    const now = performance.now()
    if (entries.length === 0 && now - this.#checkpointWrittenMs < CHECKPOINT_MILLISECONDS) return
    try {
      await checkpoints.write(scope, group.name, this.task, entries, this.#checkpoint)
      this.#checkpointWrittenMs = now
    } catch (error) {
      throw this.#end(
        new LogError(
          'doubt',
          `${this.#describe()}: committed, but its local copy can't be written (${(error as Error).message})`,
          {
            cause: error,
          },
        ),
      )
    }
  }

  #change(key: string, value: Uint8Array | undefined, headers?: Readonly<Record<string, string>>): PlacedMessage {
    return {
      topic: this.#changelog,
      partition: this.task,
      key,
      value: value ? asBuffer(value) : null,
      ...(headers && { headers }),
    }
  }

  #check(): void {
    if (this.#ended) throw this.#ended
  }

  #end(error: LogError): LogError {
    this.#ended ??= error
    this.#stop.abort()
    return error
  }

  #describe(): string {
    return `${this.#host.group.name} task ${this.task}`
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A record of the stream as a message. */
export function placed(names: Names, { topic, value, ...rest }: OutgoingRecord): PlacedMessage {
  return { ...rest, topic: names.topic(topic), value: asBuffer(value) }
}

/** A record of Kafka as one of the stream. A tombstone has an empty value. */
export function storedAs(topic: string, partition: number, record: LogRecord): StoredRecord {
  const { offset, timestampMs, key, value, headers } = record
  return { topic, partition, offset, timestampMs, key, value: value ?? Buffer.alloc(0), ...(headers && { headers }) }
}

/** @throws LogError 'too_large' */
export function refuseTooLarge(messages: readonly PlacedMessage[]): void {
  for (const { topic, partition, key, value, headers } of messages) {
    const bytes = sizeOf({ key: key ?? '', value: value ?? new Uint8Array(), ...(headers && { headers }) })
    if (bytes <= maximumRecordBytes) continue
    throw new LogError(
      'too_large',
      `a record for ${topic}/${partition} has ${bytes} bytes, the limit is ${maximumRecordBytes}; nothing was written`,
    )
  }
}

/** @throws LogError 'unknown_topic' before anything is written */
export async function refuseUnknown(
  writes: Connection,
  messages: readonly PlacedMessage[],
  who: string,
): Promise<void> {
  const topics = [...new Set(messages.map(({ topic }) => topic))]
  let partitions
  try {
    partitions = await writes.partitionsOf(topics)
  } catch (error) {
    throw asLogError(error, `${who}: looking up ${topics.join(', ')}`)
  }
  for (const { topic, partition } of messages) {
    const count = partitions.get(topic)?.length ?? 0
    if (partition >= 0 && partition < count) continue
    throw new LogError(
      'unknown_topic',
      count === 0
        ? `${who}: the topic ${topic} is not there: \`wellspring topics apply\` makes what is missing`
        : `topic ${topic} has partitions 0 to ${count - 1}, got ${partition}`,
    )
  }
}
