/**
 * Kafka's default partitioner: MurmurHash2 (32 bits) of the key's UTF-8 bytes, made positive, modulo the partition count. The
 * embedded log places records as Kafka would, so a corpus can move from one to the other.
 */

const SEED = 0x9747b28c
const MULTIPLIER = 0x5bd1e995
const SHIFT = 24

/**
 * The partition of a key, from 0 to `partitions` - 1.
 * @throws RangeError when `partitions` is no whole number from 1 on
 */
export function partitionOf(key: string, partitions: number): number {
  if (!Number.isInteger(partitions) || partitions < 1)
    throw new RangeError(`partitions must be a whole number from 1 on, got ${partitions}`)
  // Kafka drops the sign bit; it does not take the absolute value.
  return (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions
}

/** MurmurHash2 as a signed 32-bit integer, with the seed that Kafka uses. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  const wholeWords = length - (length % 4)
  let hash = SEED ^ length
  for (let at = 0; at < wholeWords; at += 4) {
    let word = Math.imul(view.getInt32(at, true), MULTIPLIER)
    word ^= word >>> SHIFT
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER)
  }
  if (length > wholeWords) {
    for (let at = length - 1; at >= wholeWords; at -= 1) hash ^= view.getUint8(at) << (8 * (at - wholeWords))
    hash = Math.imul(hash, MULTIPLIER)
  }
  hash ^= hash >>> 13
  hash = Math.imul(hash, MULTIPLIER)
  return hash ^ (hash >>> 15)
}
