/** What problems are searched by: their texts, one behind the other, outside of the heap. A search runs over all of them. */
import { Column } from './columns.ts'

const chunkBytes = 4 << 20

interface Chunk {
  bytes: Buffer
  used: number
  /** Number of its first text. */
  first: number
}

/** Texts by number, in the order in which they came. */
export class Texts {
  readonly #chunks: Chunk[] = []
  readonly #starts = Column.integers()
  /** Number of the text -> what it belongs to. */
  readonly #owners = Column.integers()

  /** Takes a text of its owner in. */
  add(owner: number, text: string): void {
    const bytes = Buffer.from(text)
    let chunk = this.#chunks.at(-1)
    // A zero byte, which no query holds, ends each text.
    if (!chunk || chunk.used + bytes.length + 1 > chunk.bytes.length) {
      chunk = { bytes: Buffer.alloc(Math.max(chunkBytes, bytes.length + 1)), used: 0, first: this.#owners.length }
      this.#chunks.push(chunk)
    }
    this.#starts.push(chunk.used)
    this.#owners.push(owner)
    bytes.copy(chunk.bytes, chunk.used)
    chunk.used += bytes.length + 1
  }

  get byteLength(): number {
    const chunks = this.#chunks.reduce((sum, { bytes }) => sum + bytes.length, 0)
    return chunks + this.#starts.byteLength + this.#owners.byteLength
  }

  /**
   * Owners of the texts in which the words stand, in any form: the text was taken in as it is to be searched.
   * @param wanted by owner; 0 where it is not to be looked at
   */
  find(words: string, wanted: Uint8Array, found: (owner: number) => void): void {
    const sought = Buffer.from(words.replaceAll('\0', ' '))
    if (sought.length === 0) return
    const [starts, owners] = [this.#starts.view(this.#starts.length), this.#owners.view(this.#owners.length)]
    for (const [index, chunk] of this.#chunks.entries()) {
      const end = this.#chunks[index + 1]?.first ?? this.#owners.length
      const bytes = chunk.bytes.subarray(0, chunk.used)
      const nextWanted = (from: number): number => {
        let text = from
        while (text < end && wanted[owners[text] ?? 0] !== 1) text++
        return text
      }
      for (let text = nextWanted(chunk.first); text < end; text = nextWanted(text + 1)) {
        const at = bytes.indexOf(sought, starts[text])
        if (at < 0) break
        while (text + 1 < end && (starts[text + 1] ?? 0) <= at) text++
        const owner = owners[text] ?? 0
        if (wanted[owner] === 1) found(owner)
      }
    }
  }
}

/** A text as it is searched: lower case, single spaces. */
export function searchable(text: string): string {
  return text
    .toLowerCase()
    .replace(/[\s\0]+/g, ' ')
    .trim()
}
