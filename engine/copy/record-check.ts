/**
 * Holds copied records against the source's: every record, every byte, and every offset of the map. What the map says of all records
 * is so shown to be true, and with it every position that was replaced by it; some are followed besides.
 */
import { createHash } from 'node:crypto'
import { LogError, type Log, type OutgoingRecord, type StoredRecord } from '../../topics/log.ts'
import type { PositionMap } from './position-map.ts'
import { tables, type Extent, type RecordsDone } from './record-copy.ts'
import { different } from './refusal.ts'
import type { NewPositions, Rewriting } from './rewriting.ts'

const readBytes = 2 << 20

/** Positions that are followed besides, at most. */
const mostFollowed = 500
/** One in so many. */
const followedShare = 37

export interface RecordCheckOptions {
  source: Log
  target: Log
  map: PositionMap
  /** Makes a record of the source what it must be on the target; asks these positions for it. */
  rewritingWith: (positions: NewPositions) => Rewriting
  /** The time of a record of the source that is later than this may have become that of its copying. */
  beganAtMs: number
  onDone: (done: RecordsDone) => void
  signal: AbortSignal
}

/** A position on both logs. */
interface Followed {
  topic: string
  partition: number
  source: number
  target: number
}

/**
 * Checks all records of these extents of the source. One whose start has moved on since it was copied is checked from there.
 * @returns how many positions name records that the source does not hold any more, by what names them
 * @throws CopyRefusal 'different'
 */
export async function checkRecords(
  options: RecordCheckOptions,
  extents: readonly Extent[],
): Promise<ReadonlyMap<string, number>> {
  const { source, target, map, beganAtMs, signal } = options
  const followed: Followed[] = []
  let named = 0
  const rewriting = options.rewritingWith({
    offsetOf(topic, partition, offset) {
      const at = map.offsetOf(topic, partition, offset)
      if (at !== undefined && named++ % followedShare === 0 && followed.length < mostFollowed)
        followed.push({ topic, partition, source: offset, target: at })
      return at
    },
    boundaryOf: (topic, partition, offset) => map.boundaryOf(topic, partition, offset),
  })
  for (const extent of extents) {
    if (tables.has(extent.topic)) await checkTable(options, rewriting, extent)
    else await checkPartition(options, rewriting, extent)
  }
  const again = options.rewritingWith(map)
  for (const { topic, partition, ...at } of followed) {
    const of = async (log: Log, offset: number): Promise<StoredRecord | undefined> =>
      (await log.read({ topic, partition, offset }, { maxBytes: 1, maxWaitSeconds: 5, signal })).records[0]
    const [from, to] = [await of(source, at.source), await of(target, at.target)]
    signal.throwIfAborted()
    if (from?.offset !== at.source || to?.offset !== at.target || !isSame(to, await again.record(from), beganAtMs))
      throw different(`the position ${topic}/${partition} offset ${at.target} does not lead to the record it led to`)
  }
  return rewriting.gone
}

async function checkPartition(options: RecordCheckOptions, rewriting: Rewriting, extent: Extent): Promise<void> {
  const { source, target, map, beganAtMs, onDone, signal } = options
  const { topic, partition, start } = extent
  const place = `${topic}/${partition}`
  const copied = recordsOf(target, { ...extent, start: map.boundaryOf(topic, partition, start), end: Infinity }, signal)
  let [records, done, bytes] = [0, 0, 0]
  try {
    for await (const stored of recordsOf(source, extent, signal)) {
      const next = await copied.next()
      const found = next.done === true ? undefined : next.value
      const at = map.offsetOf(topic, partition, stored.offset)
      if (!found) throw different(`${place} lacks the record at offset ${stored.offset} of the source`)
      if (at !== found.offset)
        throw different(
          `${place}: the record at offset ${stored.offset} of the source lies at ${found.offset}, the map says ${at ?? 'nothing'}`,
        )
      if (!isSame(found, await rewriting.record(stored), beganAtMs))
        throw different(`${place} offset ${found.offset} is not the record at offset ${stored.offset} of the source`)
      records++
      bytes += stored.value.byteLength
      if (++done < 1000) continue
      onDone({ topic, records: done, bytes })
      done = bytes = 0
    }
    if ((await copied.next()).done !== true)
      throw different(`${place} holds more than the ${records} records of the source`)
  } finally {
    await copied.return(undefined)
  }
  onDone({ topic, records: done, bytes })
}

/** Tables may be compacted at any time, on either log: what counts is the last record of every key. */
async function checkTable(options: RecordCheckOptions, rewriting: Rewriting, extent: Extent): Promise<void> {
  const { source, target, onDone, signal } = options
  const { topic, partition } = extent
  const place = `${topic}/${partition}`
  const last = new Map<string, string>()
  let [records, bytes] = [0, 0]
  for await (const stored of recordsOf(source, extent, signal)) {
    last.set(stored.key, digestOf(await rewriting.record(stored)))
    records++
    bytes += stored.value.byteLength
  }
  const found = new Map<string, string>()
  for await (const stored of recordsOf(target, { ...extent, start: 0, end: Infinity }, signal))
    found.set(stored.key, digestOf(stored))
  for (const [key, digest] of last)
    if (found.get(key) !== digest) throw different(`${place}: the last record of ${JSON.stringify(key)} differs`)
  if (found.size !== last.size) throw different(`${place} has ${found.size} keys, expected ${last.size}`)
  onDone({ topic, records, bytes })
}

function digestOf({ value, headers }: Pick<StoredRecord, 'value' | 'headers'>): string {
  return createHash('sha256')
    .update(value)
    .update(JSON.stringify(headers ?? {}))
    .digest('base64')
}

function isSame(found: StoredRecord, expected: OutgoingRecord, beganAtMs: number): boolean {
  return (
    found.key === expected.key &&
    isSameTime(found.timestampMs, expected.timestampMs ?? 0, beganAtMs) &&
    Buffer.compare(found.value, expected.value) === 0 &&
    isSameHeaders(found.headers ?? {}, expected.headers ?? {})
  )
}

/** A log takes no time that is ahead of its clock: such a record has the time of its copying. */
function isSameTime(found: number, expected: number, beganAtMs: number): boolean {
  return found === expected || (found < expected && found >= beganAtMs)
}

function isSameHeaders(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}

/** Records of a partition from `start` on, below `end` and below the end of the partition as it is now; the next piece is read ahead. */
async function* recordsOf(log: Log, extent: Extent, signal: AbortSignal): AsyncGenerator<StoredRecord, undefined> {
  const { topic, partition } = extent
  const now = await log.offsets(topic, partition)
  const end = Math.min(extent.end, now.end)
  const read = (offset: number): ReturnType<Log['read']> | undefined =>
    offset < end
      ? log.read({ topic, partition, offset }, { maxBytes: readBytes, maxWaitSeconds: 5, signal })
      : undefined
  let offset = Math.max(extent.start, now.start)
  for (let ahead = read(offset); ahead;) {
    const { records, nextOffset } = await ahead
    signal.throwIfAborted()
    if (nextOffset <= offset)
      throw new LogError(
        'unreachable',
        `${topic}/${partition} gives nothing from offset ${offset} on, expected up to ${end}`,
      )
    offset = nextOffset
    ahead = read(offset)
    // Awaited in the next turn, which may never come.
    ahead?.catch(() => undefined)
    for (const record of records) if (record.offset < end) yield record
  }
  return undefined
}
