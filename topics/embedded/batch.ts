/**
 * A batch: consecutive records of one partition in one value. Offsets may have holes (compaction). Layout, little-endian:
 * version u8, 3 bytes of zero, CRC-32 of all that follows u32, count u32, last offset - base offset u32, first time f64 (ms),
 * then for each record: varints of offset step, time - first time, key bytes, header strings and value bytes, each followed by its bytes.
 */
import { crc32 } from 'node:zlib'
import { LogError, type StoredRecord } from '../log.ts'

const VERSION = 1
const HEAD_BYTES = 24
const CRC_FROM = 8
/** Five varints of at most 7 bytes. */
const RECORD_HEAD_BYTES = 35

/** A record of a batch; everything but its topic and partition. */
export interface BatchRecord {
  offset: number
  timestampMs: number
  key: string
  value: Uint8Array
  headers?: Readonly<Record<string, string>>
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
    if (headers === undefined) out[at++] = 0
    else {
      const pairs = Object.entries(headers)
      at = writeVarint(out, at, pairs.length)
      for (const [name, text] of pairs) at = writeString(out, writeString(out, at, name), text)
    }
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
 * Hands every record from `fromOffset` on to `visit`, with the place of its value in the batch, until that returns false.
 * @throws LogError 'damaged' when the checksum does not match.
 */
function visitBatch(
  where: BatchPlace,
  batch: Buffer,
  fromOffset: number,
  visit: (record: Omit<BatchRecord, 'value'>, valueStart: number, valueEnd: number) => boolean,
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
    const pairs = readVarint(batch, cursor)
    let headers: Record<string, string> | undefined
    if (pairs > 0) {
      headers = {}
      for (let pair = 0; pair < pairs; pair += 1) {
        const name = readString(batch, cursor, wanted)
        headers[name] = readString(batch, cursor, wanted)
      }
    }
    const length = readVarint(batch, cursor)
    const start = cursor.at
    cursor.at += length
    if (
      wanted &&
      !visit(headers ? { offset, timestampMs, key, headers } : { offset, timestampMs, key }, start, cursor.at)
    )
      return
  }
}

/** Where a batch lies; for messages and offsets. */
export interface BatchPlace {
  topic: string
  partition: number
  baseOffset: number
}

/**
 * Appends the batch's records from `fromOffset` on to `into` until their values reach `maxBytes` (at least one record if `into` is empty).
 * Values are copies: a record kept for long must not hold its whole batch in memory.
 * @returns the bytes of all values taken from this batch, and whether it was read to its end.
 */
export function readBatch(
  where: BatchPlace,
  batch: Buffer,
  fromOffset: number,
  maxBytes: number,
  into: StoredRecord[],
): { bytes: number; finished: boolean } {
  let bytes = 0
  let finished = true
  visitBatch(where, batch, fromOffset, (record, start, end) => {
    if (into.length > 0 && bytes + (end - start) > maxBytes) {
      finished = false
      return false
    }
    bytes += end - start
    const stored: StoredRecord = {
      topic: where.topic,
      partition: where.partition,
      offset: record.offset,
      timestampMs: record.timestampMs,
      key: record.key,
      value: Uint8Array.prototype.slice.call(batch, start, end),
    }
    if (record.headers) stored.headers = record.headers
    into.push(stored)
    return true
  })
  return { bytes, finished }
}

/** All records of a batch from `fromOffset` on, their values as views of it. */
export function recordsOf(where: BatchPlace, batch: Buffer, fromOffset = 0): BatchRecord[] {
  const records: BatchRecord[] = []
  visitBatch(where, batch, fromOffset, (record, start, end) => {
    records.push({ ...record, value: batch.subarray(start, end) })
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
