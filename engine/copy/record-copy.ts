/**
 * Copies records. Each commit of the copy's task holds a chunk of records and how far the copy is, so a copy that was killed goes on
 * where it stopped. Where the records of a chunk came to lie is read back, and committed as a part of the map with the next chunk.
 */
import avro from 'avsc'
import { schemaTexts } from '../../schemas/generated.ts'
import { deadLetters, topics, topicSpecifications, type Topic } from '../../topics/catalogue.ts'
import { LogError, type Log, type OutgoingRecord, type StateChange } from '../../topics/log.ts'
import type { HeldTask } from './held-tasks.ts'
import { decodeRuns, encodeRuns, extendRuns, type PositionMap, type Run } from './position-map.ts'
import { holdsPositions, namesAnyTopic, redrivenHeader } from './positions.ts'
import type { Rewriting } from './rewriting.ts'

const readBytes = 1 << 20
const readBackBytes = 4 << 20
const defaultChunk: ChunkLimits = { records: 5000, bytes: 4 << 20 }
/** Committed records that do not show after so long will not. */
const showSeconds = 60

const cursorPrefix = 'cursor/'
const pendingPrefix = 'pending/'

/** What one commit holds at most; a larger record goes alone. */
export interface ChunkLimits {
  records: number
  bytes: number
}

/** How far the copy of one partition is. */
export interface Cursor {
  /** The first source offset that was not copied. */
  next: number
  records: number
  /** The target's offset just after the last record that the map knows; 0 for a table. */
  end: number
}

/** One partition of the source, up to an end. */
export interface Extent {
  topic: string
  partition: number
  start: number
  end: number
}

/** How far a copy is, for whoever watches. */
export interface RecordsDone {
  topic: string
  records: number
  bytes: number
}

/**
 * Topics in the order in which they are copied: in each wave those whose records name positions of earlier waves alone. Dead letters
 * come last, as they may have been any record; the mark of one follows the letter in its own partition.
 */
export function copyWaves(): string[][] {
  const rankOf = ({ kind }: Topic): number => {
    const type = avro.Type.forSchema(JSON.parse(schemaTexts[kind]) as avro.Schema)
    return !holdsPositions(type) ? 0 : namesAnyTopic(type) ? 2 : 1
  }
  const waves: string[][] = [[], [], [], [deadLetters.name]]
  for (const topic of Object.values(topics) as Topic[]) waves[rankOf(topic)]?.push(topic.name)
  return waves
}

/** Topics that are compacted. */
export const tables: ReadonlySet<string> = new Set(
  topicSpecifications().flatMap(({ name, compacted }) => (compacted ? [name] : [])),
)

/** The records of one partition in a chunk. */
interface Piece {
  topic: string
  partition: number
  outputs: OutgoingRecord[]
  /** Their source offsets; targets count from 0. None for a table: nobody names a record of one, and compaction may take it at any time. */
  runs: Run[]
}

/** The state of the copy's task that tells how far each partition is. */
export function readCursors(task: HeldTask): Map<string, Cursor> {
  return new Map(
    [...task.state.entries(cursorPrefix)].map(({ key, value }) => [
      key.slice(cursorPrefix.length),
      JSON.parse(Buffer.from(value).toString()) as Cursor,
    ]),
  )
}

/** Records that were committed and are not in the map yet, by partition; targets count from 0. */
export function readPending(task: HeldTask): Map<string, Run[]> {
  return new Map(
    [...task.state.entries(pendingPrefix)].map(({ key, value }) => [
      key.slice(pendingPrefix.length),
      decodeRuns(value),
    ]),
  )
}

export function countOf(runs: readonly Run[]): number {
  return runs.reduce((sum, { count }) => sum + count, 0)
}

export interface RecordCopyOptions {
  source: Log
  target: Log
  /** The copy's own task on the target. */
  task: HeldTask
  map: PositionMap
  rewriting: Rewriting
  /** The progress of the copy, as of a sequence. */
  progressOf: (sequence: number) => Uint8Array
  chunk: ChunkLimits | undefined
  onDone: (done: RecordsDone) => void
  signal: AbortSignal
}

export class RecordCopy {
  readonly #options: RecordCopyOptions
  readonly #cursors: Map<string, Cursor>
  /** Committed and not yet in the committed map. */
  #pending: Map<string, Run[]>
  readonly #changed = new Set<string>()
  #chunk = new Map<string, Piece>()
  #chunkRecords = 0
  #chunkBytes = 0

  constructor(options: RecordCopyOptions) {
    this.#options = options
    this.#cursors = readCursors(options.task)
    this.#pending = readPending(options.task)
  }

  /** Copies everything up to the given ends. @throws LogError, the signal's reason */
  async copy(extents: readonly Extent[]): Promise<void> {
    for (const [place, runs] of this.#pending) await this.#readBack(place, runs)
    for (const wave of copyWaves()) {
      for (const extent of extents.filter(({ topic }) => wave.includes(topic))) await this.#copyPartition(extent)
      // The next wave names positions of this one.
      await this.#flush()
    }
    if (this.#pending.size > 0 || this.#changed.size > 0) await this.#commit(new Map())
  }

  async #copyPartition({ topic, partition, start, end }: Extent): Promise<void> {
    const { source, signal } = this.#options
    const place = `${topic}/${partition}`
    const cursor = this.#cursors.get(place) ?? { next: start, records: 0, end: 0 }
    this.#cursors.set(place, cursor)
    while (cursor.next < end) {
      signal.throwIfAborted()
      const position = { topic, partition, offset: cursor.next }
      const { records, nextOffset } = await source.read(position, { maxBytes: readBytes, maxWaitSeconds: 5, signal })
      signal.throwIfAborted()
      if (nextOffset <= cursor.next)
        throw new LogError('unreachable', `${place} gives nothing from offset ${nextOffset} on, expected up to ${end}`)
      for (const stored of records) {
        if (stored.offset >= end) break
        // A mark names a letter before it in its partition.
        if (stored.headers?.[redrivenHeader] !== undefined && this.#chunk.has(place)) await this.#flush()
        const output = await this.#options.rewriting.record(stored)
        const { chunk = defaultChunk } = this.#options
        if (this.#chunkRecords >= chunk.records || this.#chunkBytes + output.value.byteLength > chunk.bytes)
          await this.#flush()
        this.#put(place, stored.offset, output)
        cursor.next = stored.offset + 1
        cursor.records++
      }
      cursor.next = Math.min(end, nextOffset)
      this.#changed.add(place)
    }
  }

  #put(place: string, offset: number, output: OutgoingRecord): void {
    let piece = this.#chunk.get(place)
    if (!piece) {
      piece = { topic: output.topic, partition: output.partition, outputs: [], runs: [] }
      this.#chunk.set(place, piece)
    }
    if (!tables.has(output.topic)) extendRuns(piece.runs, offset, piece.outputs.length)
    piece.outputs.push(output)
    this.#changed.add(place)
    this.#chunkRecords++
    this.#chunkBytes += output.value.byteLength
  }

  async #flush(): Promise<void> {
    if (this.#chunkRecords === 0) return
    const chunk = this.#chunk
    const [done, bytes] = [this.#chunkRecords, this.#chunkBytes]
    this.#chunk = new Map()
    this.#chunkRecords = 0
    this.#chunkBytes = 0
    await this.#commit(chunk)
    for (const [place, { runs, outputs }] of chunk) if (runs.length > 0) await this.#readBack(place, runs, outputs)
    this.#options.onDone({ topic: [...chunk.values()].at(-1)?.topic ?? '', records: done, bytes })
  }

  async #commit(chunk: ReadonlyMap<string, Piece>): Promise<void> {
    const { task, map, progressOf } = this.#options
    const state: StateChange[] = map.unsaved()
    const pending = new Map(
      [...chunk].flatMap(([place, { runs }]) => (runs.length > 0 ? [[place, runs] as const] : [])),
    )
    for (const place of this.#pending.keys())
      if (!pending.has(place)) state.push({ key: pendingPrefix + place, value: undefined })
    for (const [place, runs] of pending) state.push({ key: pendingPrefix + place, value: encodeRuns(runs) })
    for (const place of this.#changed) {
      const cursor = this.#cursors.get(place)
      if (cursor) state.push({ key: cursorPrefix + place, value: Buffer.from(JSON.stringify(cursor)) })
    }
    const outputs = [...chunk.values()].flatMap((piece) => piece.outputs)
    await task.commit({ outputs, state }, progressOf)
    map.saved()
    this.#changed.clear()
    this.#pending = pending
  }

  /** Finds where committed records lie, and that they are what was written. */
  async #readBack(place: string, pending: readonly Run[], written?: readonly OutgoingRecord[]): Promise<void> {
    const { target, map, signal } = this.#options
    const [topic = '', partition = ''] = place.split('/')
    const cursor = this.#cursors.get(place)
    if (!cursor)
      throw new LogError('damaged', `the copy's state lacks the cursor of ${place}: copy into an empty target`)
    const sources = sourcesOf(pending)
    const total = countOf(pending)
    const runs: Run[] = []
    const giveUpAtMs = performance.now() + showSeconds * 1000
    for (let found = 0; found < total;) {
      const position = { topic, partition: Number(partition), offset: cursor.end }
      const { records, nextOffset } = await target.read(position, {
        maxBytes: readBackBytes,
        maxWaitSeconds: 5,
        signal,
      })
      signal.throwIfAborted()
      for (const { offset, key, value } of records.slice(0, total - found)) {
        const expected = written?.[found]
        if (expected && (expected.key !== key || Buffer.compare(expected.value, value) !== 0))
          throw new LogError('damaged', `${place} offset ${offset} of the target is not what was written there`)
        extendRuns(runs, sources.next().value ?? 0, offset)
        found++
      }
      cursor.end = runs.length > 0 && found === total ? endOf(runs) : nextOffset
      if (found < total && records.length === 0 && performance.now() > giveUpAtMs)
        throw new LogError('unreachable', `${place}: ${total - found} committed records do not show on the target`)
    }
    map.add(topic, Number(partition), runs)
    this.#changed.add(place)
  }
}

function endOf(runs: readonly Run[]): number {
  const last = runs.at(-1)
  return last ? last.target + last.count : 0
}

function* sourcesOf(runs: readonly Run[]): Generator<number, undefined> {
  for (const { source, count } of runs) for (let index = 0; index < count; index++) yield source + index
  return undefined
}
