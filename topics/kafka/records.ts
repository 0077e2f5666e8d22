/**
 * Kafka's record batches (message format 2, KIP-98) as a fetch answers them. Read here rather than by kafkajs: a reader must know
 * where a batch ends even when nothing in it is for him (aborted, control, compacted away), and values are not copied.
 */
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { LogError } from '../log.ts'
import { MOST_BYTES, unpackLz4, unpackSnappy } from './unpacking.ts'

/** One record. A tombstone has no value. */
export interface LogRecord {
  offset: number
  timestampMs: number
  key: string
  value: Buffer | undefined
  headers: Readonly<Record<string, string>> | undefined
}

/** What a fetch says of one partition. */
export interface FetchedPartition {
  topic: string
  partition: number
  errorCode: number
  /** The end of what a reader of committed records may see. */
  lastStableOffset: number
  logStartOffset: number
  /** Transactions that were given up, in the order of their first offsets. */
  aborted: { producerId: bigint; firstOffset: number }[]
  batches: Buffer
}

/** What was read out of batches. `rest` begins where the reading stopped, at `nextOffset`; `aborted` are the transactions that matter to it. */
export interface ReadBatches {
  records: LogRecord[]
  nextOffset: number
  rest: Buffer
  aborted: FetchedPartition['aborted']
}

const FETCH_VERSION_READ = 11
const BATCH_HEAD_BYTES = 61
const OFFSET_AND_LENGTH_BYTES = 12
const COMPRESSION_MASK = 0x07
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const MAGIC_AT = 16
const FORMAT = 2

const gunzip: Inflate = (bytes) => promisify(zlib.gunzip)(bytes, { maxOutputLength: MOST_BYTES })
type Inflate = (bytes: Buffer) => Promise<Buffer>
/** zstd came to Node in 22.15. */
const zstd = (zlib as { zstdDecompress?: (bytes: Buffer, done: (error: Error | null, result: Buffer) => void) => void })
  .zstdDecompress
const unzstd: Inflate | undefined = zstd && promisify(zstd)

/** Partitions of a fetch answer, version 11. */
export function decodeFetch(payload: Buffer): { clientSideThrottleTime: number; partitions: FetchedPartition[] } {
  let at = 0
  const int16 = (): number => {
    at += 2
    return payload.readInt16BE(at - 2)
  }
  const int32 = (): number => {
    at += 4
    return payload.readInt32BE(at - 4)
  }
  const int64 = (): number => {
    at += 8
    return int64At(payload, at - 8)
  }
  const clientSideThrottleTime = int32()
  const errorCode = int16()
  if (errorCode !== 0) throw new Error(`a fetch of version ${FETCH_VERSION_READ} failed as a whole (${errorCode})`)
  int32()
  const partitions: FetchedPartition[] = []
  for (let topicsLeft = int32(); topicsLeft > 0; topicsLeft -= 1) {
    const length = int16()
    const topic = payload.toString('utf8', at, (at += length))
    for (let partitionsLeft = int32(); partitionsLeft > 0; partitionsLeft -= 1) {
      const partition = int32()
      const partitionError = int16()
      at += 8
      const lastStableOffset = int64()
      const logStartOffset = int64()
      const aborted: FetchedPartition['aborted'] = []
      for (let left = int32(); left > 0; left -= 1) {
        at += 8
        aborted.push({ producerId: payload.readBigInt64BE(at - 8), firstOffset: int64() })
      }
      at += 4
      const size = Math.max(0, int32())
      const batches = payload.subarray(at, at + size)
      at += size
      aborted.sort((a, b) => a.firstOffset - b.firstOffset)
      partitions.push({
        topic,
        partition,
        errorCode: partitionError,
        lastStableOffset,
        logStartOffset,
        aborted,
        batches,
      })
    }
  }
  return { clientSideThrottleTime, partitions }
}

/**
 * Reads committed records from an offset on, until their values reach `maxBytes`, and at least one where there is one.
 * @param where for messages, as "problems/0"
 * @throws LogError 'damaged' where the bytes are no record batches, or are compressed in a way that this Node can't read
 */
export async function readBatches(
  { batches, aborted }: Pick<FetchedPartition, 'batches' | 'aborted'>,
  fromOffset: number,
  maxBytes: number,
  where: string,
): Promise<ReadBatches> {
  const records: LogRecord[] = []
  /** Producers that are in a transaction which was given up, by its first offset. */
  const open = new Map<bigint, number>()
  let nextAborted = 0
  let nextOffset = fromOffset
  let bytes = 0
  let at = 0
  while (at + BATCH_HEAD_BYTES <= batches.length) {
    const baseOffset = int64At(batches, at)
    const end = at + OFFSET_AND_LENGTH_BYTES + batches.readInt32BE(at + 8)
    // The tail is cut where the fetch was full.
    if (end > batches.length) break
    if (batches.readInt8(at + MAGIC_AT) !== FORMAT) {
      throw new LogError(
        'damaged',
        `${where} offset ${baseOffset}: records of a format before Kafka 0.11: copy the topic`,
      )
    }
    const attributes = batches.readInt16BE(at + 21)
    const lastOffset = baseOffset + batches.readInt32BE(at + 23)
    const producerId = batches.readBigInt64BE(at + 43)
    for (let next = aborted[nextAborted]; next && next.firstOffset <= lastOffset; next = aborted[nextAborted]) {
      open.set(next.producerId, next.firstOffset)
      nextAborted += 1
    }
    let isWhole = true
    if ((attributes & CONTROL) !== 0) {
      if (isAbortMarker(batches, at)) open.delete(producerId)
    } else if (lastOffset >= fromOffset && !((attributes & TRANSACTIONAL) !== 0 && open.has(producerId))) {
      const packed = batches.subarray(at + BATCH_HEAD_BYTES, end)
      const compression = attributes & COMPRESSION_MASK
      const body = compression === 0 ? packed : await inflate(packed, compression, `${where} offset ${baseOffset}`)
      const batch = {
        body,
        count: batches.readInt32BE(at + 57),
        baseOffset,
        firstTimestamp: int64At(batches, at + 27),
        // Where the topic is set so, the broker's clock counts for the whole batch.
        appendTimestamp: (attributes & LOG_APPEND_TIME) !== 0 ? int64At(batches, at + 35) : undefined,
      }
      for (const record of recordsOf(batch)) {
        if (record.offset < fromOffset) continue
        if (records.length > 0 && bytes + sizeOf(record) > maxBytes) {
          isWhole = false
          break
        }
        records.push(record)
        bytes += sizeOf(record)
        nextOffset = record.offset + 1
      }
    }
    if (!isWhole) break
    nextOffset = Math.max(nextOffset, lastOffset + 1)
    at = end
    if (bytes >= maxBytes) break
  }
  // One that ended before the rest is left out: its producer may have gone on to commit.
  const stillOpen = [...open].map(([producerId, firstOffset]) => ({ producerId, firstOffset }))
  return { records, nextOffset, rest: batches.subarray(at), aborted: [...stillOpen, ...aborted.slice(nextAborted)] }
}

/** A signed 64-bit integer, of which 53 bits are used. */
function int64At(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)
}

function sizeOf({ value }: LogRecord): number {
  return value?.length ?? 0
}

/** The key of a control record is its version and its type: 0 aborts, 1 commits. */
function isAbortMarker(batches: Buffer, at: number): boolean {
  const reader = new BodyReader(batches, at + BATCH_HEAD_BYTES)
  reader.varint()
  reader.at += 1
  reader.varint()
  reader.varint()
  return reader.varint() >= 4 && batches.readInt16BE(reader.at + 2) === 0
}

async function inflate(packed: Buffer, compression: number, where: string): Promise<Buffer> {
  const ways: Readonly<Record<number, Inflate | undefined>> = {
    1: gunzip,
    2: (bytes) => Promise.resolve(unpackSnappy(bytes)),
    3: (bytes) => Promise.resolve(unpackLz4(bytes)),
    4: unzstd,
  }
  const way = ways[compression]
  if (!way) {
    throw new LogError(
      'damaged',
      `${where} is compressed with ${compression === 4 ? 'zstd' : `codec ${compression}`}, which this Node can't read: ` +
        `use Node 22.15 or later, or have other producers write gzip`,
    )
  }
  try {
    return await way(packed)
  } catch (cause) {
    throw new LogError('damaged', `${where}: the batch does not unpack (${(cause as Error).message})`, { cause })
  }
}

function* recordsOf(batch: {
  body: Buffer
  count: number
  baseOffset: number
  firstTimestamp: number
  appendTimestamp: number | undefined
}): Generator<LogRecord> {
  const reader = new BodyReader(batch.body, 0)
  for (let left = batch.count; left > 0; left -= 1) {
    const length = reader.varint()
    const end = reader.at + length
    reader.at += 1
    const delta = reader.varlong()
    const timestampMs = batch.appendTimestamp ?? batch.firstTimestamp + delta
    const offset = batch.baseOffset + reader.varint()
    const key = reader.bytes()
    const value = reader.bytes()
    let headers: Record<string, string> | undefined
    for (let headersLeft = reader.varint(); headersLeft > 0; headersLeft -= 1) {
      const name = reader.bytes()?.toString() ?? ''
      ;(headers ??= {})[name] = reader.bytes()?.toString() ?? ''
    }
    reader.at = end
    yield { offset, timestampMs, key: key?.toString() ?? '', value, headers }
  }
}

class BodyReader {
  readonly #body: Buffer
  at: number

  constructor(body: Buffer, at: number) {
    this.#body = body
    this.at = at
  }

  /** A zigzag number of up to 32 bits. */
  varint(): number {
    let value = 0
    let shift = 0
    let byte: number
    do {
      byte = this.#body[this.at++] ?? 0
      value |= (byte & 0x7f) << shift
      shift += 7
    } while (byte >= 0x80 && shift < 35)
    return (value >>> 1) ^ -(value & 1)
  }

  /** A zigzag number of up to 53 bits. */
  varlong(): number {
    let value = 0
    let factor = 1
    let byte: number
    do {
      byte = this.#body[this.at++] ?? 0
      value += (byte & 0x7f) * factor
      factor *= 128
    } while (byte >= 0x80 && factor < 2 ** 63)
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  bytes(): Buffer | undefined {
    const length = this.varint()
    if (length < 0) return undefined
    const start = this.at
    this.at += length
    return this.#body.subarray(start, this.at)
  }
}
