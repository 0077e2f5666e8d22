/**
 * A batch: consecutive records of one partition in one value. Offsets may have holes (compaction). Layout, little-endian:
 * version u8, 3 bytes of zero, CRC-32 of all that follows u32, count u32, last offset - base offset u32, first time f64 (ms),
 * then for each record varints and bytes: offset step, time - first time, key, 2 x headers + 1 if the value is deflated, the headers,
 * the value's size before it was deflated (only then), the value. Strings and values follow their length.
 */
import { promisify } from 'node:util'
import { constants, crc32, deflateRaw, inflateRaw } from 'node:zlib'
import { LogError, type StoredRecord } from '../log.ts'

const VERSION = 1
const HEAD_BYTES = 24
const CRC_FROM = 8
/** Six varints of at most 7 bytes. */
const RECORD_HEAD_BYTES = 42
/** Values from here on are deflated: long texts shrink to less than a third, short ones are not worth the work. */
const DEFLATE_FROM_BYTES = 16 * 1024
/** Kept as it is unless deflating saves at least a fifth. */
const DEFLATED_SHARE = 0.8
const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)

/** A record of a batch; everything but its topic and partition. */
export interface BatchRecord {
  offset: number
  timestampMs: number
  key: string
  value: Uint8Array
  headers?: Readonly<Record<string, string>> | undefined
  /** Present when `value` is deflated: its size before that. */
  originalBytes?: number | undefined
}

/** What of a record goes into a batch; its offset comes with the transaction, and its time where it has none. */
export type PackedRecord = Pick<BatchRecord, 'key' | 'value' | 'headers' | 'originalBytes'> & { timestampMs?: number }

/** Deflates a long value, on another thread; undefined when that is not worth it. */
export function deflated(record: PackedRecord): Promise<PackedRecord> | undefined {
  const { value } = record
  if (value.length < DEFLATE_FROM_BYTES) return undefined
  return deflate(value, { level: constants.Z_BEST_SPEED }).then((small) =>
    small.length > value.length * DEFLATED_SHARE ? record : { ...record, value: small, originalBytes: value.length },
  )
}

/** An upper bound of the bytes that a record takes in a batch. */
export function recordBytes(record: Pick<BatchRecord, 'key' | 'value' | 'headers'>): number {
  let bytes = RECORD_HEAD_BYTES + record.key.length * 3 + record.value.length
  if (record.headers) {
    for (const [name, text] of Object.entries(record.headers)) bytes += 10 + 3 * (name.length + text.length)
  }
  return bytes
}

const USUAL_SCRATCH_BYTES = 1 << 20
/** Above this the buffer is given back after the batch that needed it. */
const MAXIMUM_SCRATCH_BYTES = 1 << 24
let scratch = Buffer.allocUnsafeSlow(USUAL_SCRATCH_BYTES)

/**
 * The bytes of a batch of at least one record, in rising offset order. The base offset is the first record's.
 * The result lies in a buffer that the next call reuses: write it away first.
 */
export function encodeBatch(records: readonly BatchRecord[]): Buffer {
  const first = records[0]
  const last = records.at(-1)
  if (!first || !last) throw new RangeError('a batch holds at least one record')
  let bound = HEAD_BYTES
  let firstTime = Infinity
  for (const record of records) {
    bound += recordBytes(record)
    if (record.timestampMs < firstTime) firstTime = record.timestampMs
  }
  if (bound > scratch.length || scratch.length > MAXIMUM_SCRATCH_BYTES) {
    scratch = Buffer.allocUnsafeSlow(Math.max(bound, USUAL_SCRATCH_BYTES))
  }
  const out = scratch
  let at = HEAD_BYTES
  let previous = first.offset - 1
  for (const record of records) {
    at = writeVarint(out, at, record.offset - previous)
    previous = record.offset
    at = writeVarint(out, at, record.timestampMs - firstTime)
    at = writeString(out, at, record.key)
    const headers = record.headers
    const isDeflated = record.originalBytes === undefined ? 0 : 1
    if (headers === undefined) out[at++] = isDeflated
    else {
      const pairs = Object.entries(headers)
      at = writeVarint(out, at, 2 * pairs.length + isDeflated)
      for (const [name, text] of pairs) at = writeString(out, writeString(out, at, name), text)
    }
    if (record.originalBytes !== undefined) at = writeVarint(out, at, record.originalBytes)
    at = writeVarint(out, at, record.value.length)
    out.set(record.value, at)
    at += record.value.length
  }
  out.writeUInt32LE(VERSION, 0)
  out.writeUInt32LE(records.length, 8)
  out.writeUInt32LE(last.offset - first.offset, 12)
  out.writeDoubleLE(firstTime, 16)
  out.writeUInt32LE(crc32(out.subarray(CRC_FROM, at)), 4)
  return out.subarray(0, at)
}

/** The offset of a batch's last record. */
export function lastOffsetOf(baseOffset: number, batch: Buffer): number {
  return baseOffset + batch.readUInt32LE(12)
}

/** How many records a batch holds. */
export function countOf(batch: Buffer): number {
  return batch.readUInt32LE(8)
}

/**
 * Hands every record from `fromOffset` on to `visit`, its value a view of the batch, until that returns false.
 * @throws LogError 'damaged' when the checksum does not match.
 */
function visitBatch(
  where: BatchPlace,
  batch: Buffer,
  fromOffset: number,
  visit: (record: BatchRecord) => boolean,
): void {
  if (batch.length < HEAD_BYTES || crc32(batch.subarray(CRC_FROM)) !== batch.readUInt32LE(4)) {
    throw new LogError(
      'damaged',
      `the batch at ${where.topic}/${where.partition}@${where.baseOffset} is damaged: its checksum does not match; restore the folder from a backup`,
    )
  }
  if (batch.readUInt32LE(0) !== VERSION) {
    throw new LogError(
      'newer_version',
      `the batch at ${where.topic}/${where.partition}@${where.baseOffset} was written by a later release`,
    )
  }
  const count = batch.readUInt32LE(8)
  const firstTime = batch.readDoubleLE(16)
  const cursor: Cursor = { at: HEAD_BYTES }
  let offset = where.baseOffset - 1
  for (let index = 0; index < count; index += 1) {
    offset += readVarint(batch, cursor)
    const timestampMs = firstTime + readVarint(batch, cursor)
    const wanted = offset >= fromOffset
    const key = readString(batch, cursor, wanted)
    const flags = readVarint(batch, cursor)
    const pairs = Math.floor(flags / 2)
    let headers: Record<string, string> | undefined
    if (pairs > 0) {
      headers = {}
      for (let pair = 0; pair < pairs; pair += 1) {
        const name = readString(batch, cursor, wanted)
        headers[name] = readString(batch, cursor, wanted)
      }
    }
    const originalBytes = flags % 2 === 1 ? readVarint(batch, cursor) : undefined
    const length = readVarint(batch, cursor)
    const start = cursor.at
    cursor.at += length
    if (!wanted) continue
    if (!visit({ offset, timestampMs, key, value: batch.subarray(start, cursor.at), headers, originalBytes })) return
  }
}

/** Where a batch lies; for messages and offsets. */
export interface BatchPlace {
  topic: string
  partition: number
  baseOffset: number
}

/** A record as read whose value is still deflated. */
interface DeflatedRecord {
  stored: StoredRecord
  originalBytes: number
}

/** Records on their way out of the log. */
export interface ReadingRecords {
  records: StoredRecord[]
  deflated: DeflatedRecord[]
  /** The bytes of all values, inflated. */
  bytes: number
}

/**
 * Adds the batch's records from `fromOffset` on until their values reach `maxBytes` (at least one record in all).
 * Values are copies: a record kept for long must not hold its whole batch in memory.
 * @returns whether the batch was read to its end
 */
export function readBatch(
  where: BatchPlace,
  batch: Buffer,
  fromOffset: number,
  maxBytes: number,
  into: ReadingRecords,
): boolean {
  let finished = true
  visitBatch(where, batch, fromOffset, ({ offset, timestampMs, key, value, headers, originalBytes }) => {
    const bytes = originalBytes ?? value.length
    if (into.records.length > 0 && into.bytes + bytes > maxBytes) {
      finished = false
      return false
    }
    into.bytes += bytes
    const stored: StoredRecord = {
      topic: where.topic,
      partition: where.partition,
      offset,
      timestampMs,
      key,
      value: Uint8Array.prototype.slice.call(value),
    }
    if (headers) stored.headers = headers
    into.records.push(stored)
    if (originalBytes !== undefined) into.deflated.push({ stored, originalBytes })
    return true
  })
  return finished
}

/** Inflates the values that need it, on other threads. @throws LogError 'damaged' */
export async function inflateAll(deflatedRecords: readonly DeflatedRecord[]): Promise<void> {
  await Promise.all(
    deflatedRecords.map(async ({ stored, originalBytes }) => {
      const value = await inflate(stored.value, { maxOutputLength: originalBytes }).catch(() => undefined)
      if (value?.length !== originalBytes) {
        const { topic, partition, offset } = stored
        throw new LogError(
          'damaged',
          `the record at ${topic}/${partition}@${offset} can't be inflated: restore the folder from a backup`,
        )
      }
      stored.value = value
    }),
  )
}

/** All records of a batch from `fromOffset` on, their values as views of it. */
export function recordsOf(where: BatchPlace, batch: Buffer, fromOffset = 0): BatchRecord[] {
  const records: BatchRecord[] = []
  visitBatch(where, batch, fromOffset, (record) => {
    records.push(record)
    return true
  })
  return records
}

interface Cursor {
  at: number
}

function writeVarint(out: Buffer, at: number, value: number): number {
  while (value > 127) {
    out[at++] = (value % 128) + 128
    value = Math.floor(value / 128)
  }
  out[at++] = value
  return at
}

function readVarint(bytes: Buffer, cursor: Cursor): number {
  let value = 0
  let scale = 1
  for (;;) {
    const byte = bytes[cursor.at++]
    if (byte === undefined) throw new LogError('damaged', 'a batch ends inside a record')
    value += (byte & 127) * scale
    if (byte < 128) return value
    scale *= 128
  }
}

function writeString(out: Buffer, at: number, text: string): number {
  const length = text.length
  // Short ASCII, the common key, without a call into native code.
  if (length < 64) {
    let index = 0
    for (; index < length; index += 1) {
      const code = text.charCodeAt(index)
      if (code > 127) break
      out[at + 1 + index] = code
    }
    if (index === length) {
      out[at] = length
      return at + 1 + length
    }
  }
  const start = writeVarint(out, at, Buffer.byteLength(text))
  return start + out.write(text, start)
}

function readString(bytes: Buffer, cursor: Cursor, wanted: boolean): string {
  const length = readVarint(bytes, cursor)
  const start = cursor.at
  cursor.at += length
  return wanted ? bytes.toString('utf8', start, cursor.at) : ''
}
