/**
 * How everything lies in the one sub-database of the embedded log: binary keys that begin with a kind byte, and the small
 * fixed-size values. Record batches have a file of their own (batch.ts).
 */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { LogError } from '../log.ts'

/** The format of the folder. Raise it when an older release could misread what this one writes. */
export const FORMAT_VERSION = 1

/** Longest state key in UTF-8 bytes; LMDB takes keys of up to 1,978 bytes. */
const MAXIMUM_STATE_KEY_BYTES = 1024

const MAXIMUM_OFFSET = 2 ** 48 - 1

const KIND = {
  system: 1,
  topic: 2,
  partition: 3,
  batch: 4,
  progress: 5,
  state: 6,
  appendId: 7,
  schemaById: 8,
  schemaByText: 9,
} as const

/** Where the format version, the owner and the counters lie. */
export const systemKeys = {
  format: systemKey('format'),
  owner: systemKey('owner'),
  counters: systemKey('counters'),
}

function systemKey(name: string): Buffer {
  return Buffer.concat([Buffer.of(KIND.system), Buffer.from(name)])
}

/** A half-open range of keys. */
export interface KeyRange {
  start: Buffer
  end: Buffer
}

function rangeOf(prefix: Buffer): KeyRange {
  const end = Buffer.from(prefix)
  let last = end.length - 1
  while (end[last] === 0xff) last -= 1
  end.writeUInt8(end.readUInt8(last) + 1, last)
  return { start: prefix, end: end.subarray(0, last + 1) }
}

function named(kind: number, namespace: string, name: string): Buffer {
  const text = Buffer.from(`${namespace}\0${name}`)
  const head = Buffer.alloc(3)
  head.writeUInt8(kind, 0)
  head.writeUInt16BE(text.length, 1)
  return Buffer.concat([head, text])
}

export function topicKey(namespace: string, name: string): Buffer {
  return named(KIND.topic, namespace, name)
}

/** The topics of every namespace. */
export function topicKeys(): KeyRange {
  return rangeOf(Buffer.of(KIND.topic))
}

/** Namespace and name of a topic key. */
export function nameOfTopicKey(key: Buffer): { namespace: string; name: string } {
  const text = key.toString('utf8', 3)
  const separator = text.indexOf('\0')
  return { namespace: text.slice(0, separator), name: text.slice(separator + 1) }
}

export function partitionKey(topicId: number, partition: number): Buffer {
  const key = Buffer.allocUnsafe(9)
  key.writeUInt8(KIND.partition, 0)
  key.writeUInt32BE(topicId, 1)
  key.writeUInt32BE(partition, 5)
  return key
}

export function batchKey(topicId: number, partition: number, baseOffset: number): Buffer {
  const key = Buffer.allocUnsafe(15)
  key.writeUInt8(KIND.batch, 0)
  key.writeUInt32BE(topicId, 1)
  key.writeUInt32BE(partition, 5)
  key.writeUIntBE(Math.min(baseOffset, MAXIMUM_OFFSET), 9, 6)
  return key
}

/** The batches of a partition whose base offset is at least `fromOffset`. */
export function batchKeys(topicId: number, partition: number, fromOffset = 0): KeyRange {
  return { start: batchKey(topicId, partition, fromOffset), end: batchKey(topicId, partition, MAXIMUM_OFFSET) }
}

export function baseOffsetOfBatchKey(key: Buffer): number {
  return key.readUIntBE(9, 6)
}

function task(kind: number, namespace: string, group: string, number: number): Buffer {
  const tail = Buffer.alloc(4)
  tail.writeUInt32BE(number)
  return Buffer.concat([named(kind, namespace, group), tail])
}

export function progressKey(namespace: string, group: string, taskNumber: number): Buffer {
  return task(KIND.progress, namespace, group, taskNumber)
}

/** The progress of every task of a group. */
export function progressKeys(namespace: string, group: string): KeyRange {
  return rangeOf(named(KIND.progress, namespace, group))
}

export function taskOfProgressKey(key: Buffer): number {
  return key.readUInt32BE(key.length - 4)
}

/** The prefix of all state of a task; a state key's UTF-8 bytes follow it. */
export function statePrefix(namespace: string, group: string, taskNumber: number): Buffer {
  return task(KIND.state, namespace, group, taskNumber)
}

/** @throws LogError 'too_large' for a key that the database can't hold. */
export function stateKey(prefix: Buffer, key: string): Buffer {
  const length = Buffer.byteLength(key)
  if (length > MAXIMUM_STATE_KEY_BYTES) {
    throw new LogError(
      'too_large',
      `state key of ${length} bytes (at most ${MAXIMUM_STATE_KEY_BYTES}): ${JSON.stringify(key.slice(0, 40))}...; use a hash of it`,
    )
  }
  const whole = Buffer.allocUnsafe(prefix.length + length)
  prefix.copy(whole)
  whole.write(key, prefix.length)
  return whole
}

/** The state entries of a task whose key begins with `start`. */
export function stateKeys(prefix: Buffer, start = ''): KeyRange {
  return rangeOf(Buffer.concat([prefix, Buffer.from(start)]))
}

export function appendIdKey(namespace: string, appendId: string): Buffer {
  const digest = createHash('sha256').update(`${namespace}\0${appendId}`).digest()
  return Buffer.concat([Buffer.of(KIND.appendId), digest])
}

export function schemaByIdKey(id: number): Buffer {
  const key = Buffer.alloc(5)
  key.writeUInt8(KIND.schemaById, 0)
  key.writeUInt32BE(id, 1)
  return key
}

export function schemaByTextKey(schema: string): Buffer {
  return Buffer.concat([Buffer.of(KIND.schemaByText), createHash('sha256').update(schema).digest()])
}

/** Extent of a partition. `bytes` is the stored size of its batches; the last two tell the last compaction apart from what came after it. */
export interface PartitionExtent {
  start: number
  end: number
  records: number
  bytes: number
  compactedTo: number
  recordsWhenCompacted: number
}

export const emptyExtent: Readonly<PartitionExtent> = {
  start: 0,
  end: 0,
  records: 0,
  bytes: 0,
  compactedTo: 0,
  recordsWhenCompacted: 0,
}

export function encodeExtent(extent: PartitionExtent): Buffer {
  const value = Buffer.allocUnsafe(48)
  value.writeDoubleLE(extent.start, 0)
  value.writeDoubleLE(extent.end, 8)
  value.writeDoubleLE(extent.records, 16)
  value.writeDoubleLE(extent.bytes, 24)
  value.writeDoubleLE(extent.compactedTo, 32)
  value.writeDoubleLE(extent.recordsWhenCompacted, 40)
  return value
}

export function decodeExtent(value: Buffer): PartitionExtent {
  if (value.length !== 48) throw new LogError('damaged', `partition entry of ${value.length} bytes, expected 48`)
  return {
    start: value.readDoubleLE(0),
    end: value.readDoubleLE(8),
    records: value.readDoubleLE(16),
    bytes: value.readDoubleLE(24),
    compactedTo: value.readDoubleLE(32),
    recordsWhenCompacted: value.readDoubleLE(40),
  }
}

/** A value under the sequence of the commit that wrote it: state entries and progress. */
export interface Sequenced {
  sequence: number
  value: Uint8Array
}

const SEQUENCED_HEAD_BYTES = 12

export function encodeSequenced(sequence: number, value: Uint8Array): Buffer {
  const whole = Buffer.allocUnsafe(SEQUENCED_HEAD_BYTES + value.length)
  whole.writeDoubleLE(sequence, 4)
  whole.set(value, SEQUENCED_HEAD_BYTES)
  whole.writeUInt32LE(crc32(whole.subarray(4)), 0)
  return whole
}

/** @throws LogError 'damaged' when the checksum is wrong; `what` names the entry in the message. */
export function decodeSequenced(whole: Buffer, what: string): Sequenced {
  if (whole.length < SEQUENCED_HEAD_BYTES || crc32(whole.subarray(4)) !== whole.readUInt32LE(0)) {
    throw new LogError('damaged', `${what} is damaged: its checksum does not match; restore the folder from a backup`)
  }
  return { sequence: whole.readDoubleLE(4), value: whole.subarray(SEQUENCED_HEAD_BYTES) }
}

/** The sequence alone, without a look at the value. */
export function sequenceOf(whole: Buffer): number {
  return whole.readDoubleLE(4)
}
