/**
 * Writing record batches (message format 2, KIP-98): one buffer a batch, each byte written once. kafkajs builds an encoder for every
 * record and sums bytes one by one, which is most of a commit's time on large records.
 */
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'

/** A message of a batch. A null value is a tombstone. */
export interface BatchMessage {
  key: string | null
  value: Buffer | null
  headers?: Readonly<Record<string, string>>
  /** By default, and at most, the batch's. */
  timestampMs?: number
}

/** What a batch says besides its messages. */
export interface BatchHead {
  producerId: bigint
  producerEpoch: number
  firstSequence: number
  timestampMs: number
  compression: Compression
}

/** How batches are compressed; numbers of the protocol. */
const compressions = { none: 0, gzip: 1, zstd: 4 } as const
export type Compression = keyof typeof compressions

const TRANSACTIONAL = 0x10
const FORMAT = 2
const HEAD_BYTES = 61
const LENGTH_AT = 8
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const RECORDS_AT = HEAD_BYTES
/** Less than this is not worth a turn through the thread pool. */
const LEAST_COMPRESSED_BYTES = 512

const gzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gzip)
/** zstd came to Node in 22.15. */
const zstd = (zlib as { zstdCompress?: (bytes: Buffer, done: (error: Error | null, result: Buffer) => void) => void })
  .zstdCompress
const zstdAsync: ((bytes: Buffer) => Promise<Buffer>) | undefined = zstd && promisify(zstd)

/** One batch of a transaction. At least one message. */
export async function encodeBatch(messages: readonly BatchMessage[], head: BatchHead): Promise<Buffer> {
  let [firstTime, lastTime] = [Infinity, 0]
  for (const message of messages) {
    const time = timeOf(message, head)
    if (time < firstTime) firstTime = time
    if (time > lastTime) lastTime = time
  }
  const sizes = messages.map((message, index) => sizeOf(message, index, timeOf(message, head) - firstTime))
  let bytes = 0
  for (const size of sizes) bytes += sizeOfVarint(size) + size
  let batch = Buffer.allocUnsafe(RECORDS_AT + bytes)
  let at = RECORDS_AT
  for (const [index, message] of messages.entries())
    at = writeRecord(batch, at, message, index, sizes[index] ?? 0, timeOf(message, head) - firstTime)
  let compression: Compression = 'none'
  if (head.compression !== 'none' && bytes >= LEAST_COMPRESSED_BYTES) {
    const body = batch.subarray(RECORDS_AT)
    const packed = head.compression === 'zstd' && zstdAsync ? await zstdAsync(body) : await gzip(body, { level: 3 })
    compression = head.compression === 'zstd' && zstdAsync ? 'zstd' : 'gzip'
    const whole = Buffer.allocUnsafe(RECORDS_AT + packed.length)
    packed.copy(whole, RECORDS_AT)
    batch = whole
  }
  batch.writeBigInt64BE(0n, 0)
  batch.writeInt32BE(batch.length - LENGTH_AT - 4, LENGTH_AT)
  batch.writeInt32BE(-1, 12)
  batch.writeInt8(FORMAT, 16)
  batch.writeInt16BE(compressions[compression] | TRANSACTIONAL, ATTRIBUTES_AT)
  batch.writeInt32BE(messages.length - 1, 23)
  batch.writeBigInt64BE(BigInt(firstTime), 27)
  batch.writeBigInt64BE(BigInt(lastTime), 35)
  batch.writeBigInt64BE(head.producerId, 43)
  batch.writeInt16BE(head.producerEpoch, 51)
  batch.writeInt32BE(head.firstSequence, 53)
  batch.writeInt32BE(messages.length, 57)
  batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT), CRC_AT)
  return batch
}

/** A produce request's body, version 7: acknowledged by all in-sync replicas, one batch a partition. */
export function encodeProduce(
  transactionalId: string,
  timeoutMilliseconds: number,
  topics: ReadonlyMap<string, readonly { partition: number; batch: Buffer }[]>,
): Buffer {
  const parts: Buffer[] = []
  const id = Buffer.from(transactionalId)
  const start = Buffer.allocUnsafe(2 + id.length + 2 + 4 + 4)
  start.writeInt16BE(id.length, 0)
  id.copy(start, 2)
  start.writeInt16BE(-1, 2 + id.length)
  start.writeInt32BE(timeoutMilliseconds, 4 + id.length)
  start.writeInt32BE(topics.size, 8 + id.length)
  parts.push(start)
  for (const [topic, partitions] of topics) {
    const name = Buffer.from(topic)
    const head = Buffer.allocUnsafe(2 + name.length + 4)
    head.writeInt16BE(name.length, 0)
    name.copy(head, 2)
    head.writeInt32BE(partitions.length, 2 + name.length)
    parts.push(head)
    for (const { partition, batch } of partitions) {
      const place = Buffer.allocUnsafe(8)
      place.writeInt32BE(partition, 0)
      place.writeInt32BE(batch.length, 4)
      parts.push(place, batch)
    }
  }
  return Buffer.concat(parts)
}

function timeOf({ timestampMs }: BatchMessage, head: BatchHead): number {
  return timestampMs === undefined || timestampMs > head.timestampMs ? head.timestampMs : timestampMs
}

/** Bytes of a record after its length. */
function sizeOf({ key, value, headers }: BatchMessage, index: number, delta: number): number {
  // Attributes take a byte.
  let size = 1 + sizeOfVarlong(delta) + sizeOfVarint(index) + sizeOfBytes(key === null ? -1 : Buffer.byteLength(key))
  size += sizeOfBytes(value === null ? -1 : value.length)
  const entries = headers ? Object.entries(headers) : []
  size += sizeOfVarint(entries.length)
  for (const [name, text] of entries)
    size += sizeOfBytes(Buffer.byteLength(name)) + sizeOfBytes(Buffer.byteLength(text))
  return size
}

function writeRecord(
  into: Buffer,
  start: number,
  message: BatchMessage,
  index: number,
  size: number,
  delta: number,
): number {
  const { key, value, headers } = message
  let at = writeVarint(into, start, size)
  into[at++] = 0
  at = writeVarlong(into, at, delta)
  at = writeVarint(into, at, index)
  at = writeText(into, at, key)
  at = writeVarint(into, at, value === null ? -1 : value.length)
  if (value) at += value.copy(into, at)
  const entries = headers ? Object.entries(headers) : []
  at = writeVarint(into, at, entries.length)
  for (const [name, text] of entries) at = writeText(into, writeText(into, at, name), text)
  return at
}

function writeText(into: Buffer, at: number, text: string | null): number {
  if (text === null) return writeVarint(into, at, -1)
  const start = writeVarint(into, at, Buffer.byteLength(text))
  return start + into.write(text, start)
}

function sizeOfBytes(length: number): number {
  return sizeOfVarint(length) + Math.max(0, length)
}

function sizeOfVarint(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x200000 ? 3 : zigzag < 0x10000000 ? 4 : 5
}

function writeVarint(into: Buffer, start: number, value: number): number {
  let at = start
  let left = ((value << 1) ^ (value >> 31)) >>> 0
  while (left >= 0x80) {
    into[at++] = (left & 0x7f) | 0x80
    left >>>= 7
  }
  into[at++] = left
  return at
}

/** Of a whole number from 0 to 2^52: zigzag doubles it. */
function sizeOfVarlong(value: number): number {
  let size = 1
  for (let left = 2 * value; left >= 0x80; left = Math.floor(left / 0x80)) size += 1
  return size
}

function writeVarlong(into: Buffer, start: number, value: number): number {
  let at = start
  let left = 2 * value
  for (; left >= 0x80; left = Math.floor(left / 0x80)) into[at++] = (left % 0x80) | 0x80
  into[at++] = left
  return at
}

/** Eight tables of CRC-32C (Castagnoli, RFC 3720), so that eight bytes are taken at once. */
const crcTables = Array.from({ length: 8 }, () => new Uint32Array(256))
for (let byte = 0; byte < 256; byte += 1) {
  let crc = byte
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  ;(crcTables[0] as Uint32Array)[byte] = crc >>> 0
}
for (let table = 1; table < 8; table += 1) {
  for (let byte = 0; byte < 256; byte += 1) {
    const before = crcTables[table - 1]?.[byte] ?? 0
    ;(crcTables[table] as Uint32Array)[byte] = ((before >>> 8) ^ (crcTables[0]?.[before & 0xff] ?? 0)) >>> 0
  }
}
const [t0, t1, t2, t3, t4, t5, t6, t7] = crcTables as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
]

/** CRC-32C of the bytes from `start` on. */
export function crc32c(bytes: Uint8Array, start = 0): number {
  let crc = 0xffffffff
  let at = start
  const eights = bytes.length - ((bytes.length - start) % 8)
  // Indices below stay within the bytes and the tables: the casts spare a check for each byte.
  for (; at < eights; at += 8) {
    const low =
      crc ^
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24))
    crc =
      (t7[low & 0xff] as number) ^
      (t6[(low >>> 8) & 0xff] as number) ^
      (t5[(low >>> 16) & 0xff] as number) ^
      (t4[low >>> 24] as number) ^
      (t3[bytes[at + 4] as number] as number) ^
      (t2[bytes[at + 5] as number] as number) ^
      (t1[bytes[at + 6] as number] as number) ^
      (t0[bytes[at + 7] as number] as number)
  }
  for (; at < bytes.length; at += 1) crc = (crc >>> 8) ^ (t0[(crc ^ (bytes[at] as number)) & 0xff] as number)
  return (crc ^ 0xffffffff) >>> 0
}
