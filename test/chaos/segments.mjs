// What lies in a broker's own files, and which of it is committed by the markers there: the formats of Kafka's log (KIP-98), read without
// a client. (kafkajs' consumer is no judge here: it lets records of aborted transactions pass where two of them begin side by side.)
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const headBytes = 61
const transactional = 0x10
const control = 0x20
const commitMarker = 1

/** Offsets of the committed records of a partition, as the broker with these data has them. */
export function committedOffsets(dataFolder, topic, partition) {
  const folder = join(dataFolder, `${topic}-${partition}`)
  const offsets = new Set()
  /** Producer id -> offsets that wait for its marker. */
  const open = new Map()
  const files = readdirSync(folder).filter((name) => name.endsWith('.log'))
  for (const file of files.sort()) {
    const bytes = readFileSync(join(folder, file))
    for (let at = 0; at + headBytes <= bytes.length;) {
      const size = bytes.readInt32BE(at + 8) + 12
      // A file is made longer than what it holds, with zeros.
      if (size === 12 || at + size > bytes.length) break
      take(bytes.subarray(at, at + size), offsets, open)
      at += size
    }
  }
  return offsets
}

function take(batch, offsets, open) {
  const base = Number(batch.readBigInt64BE(0))
  const attributes = batch.readInt16BE(21)
  const producer = batch.readBigInt64BE(43)
  const own = Array.from({ length: batch.readInt32BE(57) }, (_, index) => base + index)
  if (attributes & control) {
    if (markerOf(batch) === commitMarker) for (const offset of open.get(producer) ?? []) offsets.add(offset)
    open.delete(producer)
  } else if (attributes & transactional) open.set(producer, [...(open.get(producer) ?? []), ...own])
  else for (const offset of own) offsets.add(offset)
}

/** The sort of a marker: a single record whose key is a version and this. */
function markerOf(batch) {
  let at = headBytes
  const varint = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = batch[at++]
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
  }
  varint() // its length
  at += 1 // its attributes
  varint() // its time
  varint() // its offset
  varint() // the length of its key
  return batch.readInt16BE(at + 2)
}
