/**
 * Bounds on what an Avro value may claim to hold. avsc believes the counts of lists and maps: eleven hostile bytes make it
 * allocate gigabytes, or loop for hours. Every entry takes at least a byte in our schemas, so a count above the bytes that
 * are left is a lie, and the value does not decode. avsc is pinned; a test holds these bounds to its behaviour.
 */
import avro from 'avsc'

/** avsc's reader: a buffer and a place in it. */
interface Tap {
  readonly buf: Uint8Array
  pos: number
  readLong(): number
  skipLong(): void
  readString(): string
  skipString(): void
}

interface Readable {
  _read(tap: Tap): unknown
  _skip(tap: Tap): void
}

/** Entries of the next block; a negative count is followed by the block's size in bytes. @throws RangeError for a count that can't be */
function readCount(tap: Tap): number {
  let count = tap.readLong()
  if (count < 0) {
    count = -count
    tap.skipLong()
  }
  const left = tap.buf.length - tap.pos
  if (count > left) throw new RangeError(`a list or map claims ${count} entries in ${left} bytes`)
  return count
}

function eachEntry(tap: Tap, visit: () => void): void {
  for (let count = readCount(tap); count > 0; count = readCount(tap)) while (count-- > 0) visit()
}

let bounded = false

/** Bounds the lists and maps of all avsc types in this process, once. */
export function boundAvroCounts(): void {
  if (bounded) return
  bounded = true
  const types = avro.types as unknown as Record<'ArrayType' | 'MapType', { prototype: Readable }>
  const list = types.ArrayType.prototype as Readable & { itemsType: Readable }
  const map = types.MapType.prototype as Readable & { valuesType: Readable }
  Object.assign(list, {
    _read(this: typeof list, tap: Tap): unknown[] {
      const entries: unknown[] = []
      eachEntry(tap, () => entries.push(this.itemsType._read(tap)))
      return entries
    },
    _skip(this: typeof list, tap: Tap): void {
      eachEntry(tap, () => this.itemsType._skip(tap))
    },
  })
  Object.assign(map, {
    _read(this: typeof map, tap: Tap): Record<string, unknown> {
      const entries: Record<string, unknown> = {}
      eachEntry(tap, () => {
        const key = tap.readString()
        entries[key] = this.valuesType._read(tap)
      })
      return entries
    },
    _skip(this: typeof map, tap: Tap): void {
      eachEntry(tap, () => {
        tap.skipString()
        this.valuesType._skip(tap)
      })
    },
  })
}
