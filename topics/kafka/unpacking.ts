/**
 * Reads what other producers or brokers packed as Kafka's codecs 2 and 3. Node has neither: LZ4 frames (frame format 1.6,
 * block format 1.5 of its specification), and Snappy (format_description.txt of its project), bare or in the blocks of the Java library.
 */

/** Most bytes that a batch may unpack to: several times what a broker takes of records that were small before. */
export const MOST_BYTES = 256 << 20

/** Grows as it is written. A copy may overlap its source: then what was just written repeats. */
class Output {
  #bytes = Buffer.allocUnsafe(1 << 16)
  length = 0

  #reserve(count: number): void {
    const needed = this.length + count
    if (needed > MOST_BYTES) throw new RangeError(`more than ${MOST_BYTES} bytes`)
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length))
    this.#bytes.copy(larger, 0, 0, this.length)
    this.#bytes = larger
  }

  write(source: Buffer): void {
    this.#reserve(source.length)
    source.copy(this.#bytes, this.length)
    this.length += source.length
  }

  repeat(distance: number, count: number, from = 0): void {
    if (distance <= 0 || distance > this.length - from)
      throw new RangeError(`a reference ${distance} bytes back at ${this.length}`)
    this.#reserve(count)
    let at = this.length
    const end = at + count
    while (at < end) {
      const part = Math.min(end - at, distance)
      this.#bytes.copy(this.#bytes, at, at - distance, at - distance + part)
      at += part
    }
    this.length = end
  }

  take(): Buffer {
    return this.#bytes.subarray(0, this.length)
  }
}

class Input {
  readonly #bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.at
  }

  byte(): number {
    return this.take(1)[0] ?? 0
  }

  littleEndian(bytes: number): number {
    return this.take(bytes).readUIntLE(0, bytes)
  }

  take(count: number): Buffer {
    if (count > this.left)
      throw new RangeError(`it ends at ${this.#bytes.length}, ${count} bytes from ${this.at} on are missing`)
    const part = this.#bytes.subarray(this.at, this.at + count)
    this.at += count
    return part
  }
}

const LZ4_MAGIC = 0x184d2204
const LZ4_INDEPENDENT = 0x20
const LZ4_BLOCK_CHECKSUM = 0x10
const LZ4_CONTENT_SIZE = 0x08
const LZ4_DICTIONARY = 0x01
const LZ4_STORED = 0x80000000
/** A length of 15 in a token goes on in the bytes after it. */
const LZ4_MORE = 15
const LZ4_SHORTEST_MATCH = 4

/** An LZ4 frame. Checksums are left to the batch's own. @throws RangeError where it is none */
export function unpackLz4(packed: Buffer): Buffer {
  const input = new Input(packed)
  const output = new Output()
  if (input.littleEndian(4) !== LZ4_MAGIC) throw new RangeError('no LZ4 frame')
  const flags = input.byte()
  input.take(1 + ((flags & LZ4_CONTENT_SIZE) !== 0 ? 8 : 0) + ((flags & LZ4_DICTIONARY) !== 0 ? 4 : 0) + 1)
  for (;;) {
    const size = input.littleEndian(4)
    if (size === 0) return output.take()
    const block = input.take(size & ~LZ4_STORED)
    if ((size & LZ4_STORED) !== 0) output.write(block)
    else unpackLz4Block(new Input(block), output, (flags & LZ4_INDEPENDENT) !== 0 ? output.length : 0)
    if ((flags & LZ4_BLOCK_CHECKSUM) !== 0) input.take(4)
  }
}

function unpackLz4Block(input: Input, output: Output, from: number): void {
  const lengthOf = (start: number): number => {
    let length = start
    if (start === LZ4_MORE) for (let more = 255; more === 255; length += more) more = input.byte()
    return length
  }
  while (input.left > 0) {
    const token = input.byte()
    output.write(input.take(lengthOf(token >> 4)))
    // The last sequence has literals alone.
    if (input.left === 0) return
    const distance = input.littleEndian(2)
    output.repeat(distance, LZ4_SHORTEST_MATCH + lengthOf(token & 15), from)
  }
}

/** How the Java library begins a stream of Snappy blocks; two versions of 4 bytes each follow. */
const SNAPPY_STREAM = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])

/** Snappy, bare or in blocks. @throws RangeError where it is none */
export function unpackSnappy(packed: Buffer): Buffer {
  const output = new Output()
  const input = new Input(packed)
  if (!packed.subarray(0, SNAPPY_STREAM.length).equals(SNAPPY_STREAM)) unpackSnappyBlock(input, output)
  else {
    input.take(SNAPPY_STREAM.length + 8)
    while (input.left > 0) unpackSnappyBlock(new Input(input.take(input.take(4).readUInt32BE())), output)
  }
  return output.take()
}

function unpackSnappyBlock(input: Input, output: Output): void {
  const from = output.length
  let length = 0
  for (let shift = 0, more = true; more; shift += 7) {
    const byte = input.byte()
    length += (byte & 127) * 2 ** shift
    more = byte > 127
  }
  if (length > MOST_BYTES) throw new RangeError(`more than ${MOST_BYTES} bytes`)
  while (input.left > 0) {
    const tag = input.byte()
    const count = tag >> 2
    switch (tag & 3) {
      case 0:
        // Long literals have their length in 1 to 4 bytes after the tag.
        output.write(input.take(1 + (count < 60 ? count : input.littleEndian(count - 59))))
        break
      case 1:
        output.repeat((tag >> 5) * 256 + input.byte(), 4 + (count & 7), from)
        break
      case 2:
        output.repeat(input.littleEndian(2), 1 + count, from)
        break
      default:
        output.repeat(input.littleEndian(4), 1 + count, from)
    }
  }
  if (output.length - from !== length) throw new RangeError(`${output.length - from} bytes, ${length} were announced`)
}
