/** Vectors of concepts, in large blocks of memory, and which concepts are names of one thing. */

/** Concepts whose vectors lie in one block. */
const rowsPerBlock = 1024
/** Multiplications after which `merge` lets others on: a few milliseconds. */
const sliceMultiplications = 4_000_000

/** What `merge` has found so far, of the concepts below `through`. */
interface Merged {
  similarity: number
  through: number
  /** Rows of concepts that are no other name of an earlier one. */
  originals: number[]
}

/** Unit vectors of concepts, by concept. */
export class ConceptVectors {
  readonly #rows = new Map<string, number>()
  readonly #names: string[] = []
  readonly #blocks: Float32Array[] = []
  /** Of each row: the length of what follows its first quarter. */
  readonly #restLengths: number[] = []
  #dimension = 0
  #merged: Merged = { similarity: 1, through: 0, originals: [] }

  get size(): number {
    return this.#names.length
  }

  /** Sets a concept's vector, of any length but 0; one of another dimension than the first is ignored. */
  set(concept: string, vector: readonly number[]): void {
    const unit = unitVector(vector)
    if (!unit || (this.#dimension > 0 && unit.length !== this.#dimension)) return
    this.#dimension = unit.length
    const row = this.#rows.get(concept) ?? this.#names.push(concept) - 1
    this.#rows.set(concept, row)
    if (row % rowsPerBlock === 0) this.#blocks[row / rowsPerBlock] ??= new Float32Array(rowsPerBlock * this.#dimension)
    this.#blockOf(row).set(unit, this.#startOf(row))
    const rest = unit.slice(this.#headLength)
    this.#restLengths[row] = Math.sqrt(rest.reduce((sum, value) => sum + value * value, 0))
  }

  /** The mean of the vectors that some concepts have, as a unit vector; undefined where they have none or cancel out. */
  meanOf(concepts: readonly string[]): Float32Array | undefined {
    const sum = new Float64Array(this.#dimension)
    for (const concept of concepts) {
      const row = this.#rows.get(concept)
      if (row === undefined) continue
      const [block, start] = [this.#blockOf(row), this.#startOf(row)]
      for (let at = 0; at < sum.length; at++) sum[at] = (sum[at] as number) + (block[start + at] as number)
    }
    const unit = unitVector([...sum])
    return unit && Float32Array.from(unit)
  }

  /** Cosine of the angle between a concept's vector and a unit vector; 0 for a concept without one. */
  similarity(concept: string, unit: Float32Array): number {
    const row = this.#rows.get(concept)
    return row === undefined ? 0 : dotProduct(this.#blockOf(row), this.#startOf(row), unit, 0, unit.length)
  }

  /**
   * Tells which concepts are other names of an earlier one: those whose vector has at least this cosine with it, the most similar
   * one where there are several. It depends on the order of the vectors alone, and what it once told stays as more come.
   * Takes up where the last call ended; yields every few milliseconds.
   */
  *merge(similarity: number, tell: (concept: string, original: string) => void): Generator<undefined, void> {
    if (this.#merged.similarity !== similarity) this.#merged = { similarity, through: 0, originals: [] }
    const merged = this.#merged
    let multiplications = 0
    while (merged.through < this.size) {
      const row = merged.through++
      let best: { row: number; similarity: number } | undefined
      for (const original of merged.originals) {
        const cosine = this.#cosineAbove(best?.similarity ?? similarity, row, original)
        if (cosine !== undefined && (!best || cosine > best.similarity)) best = { row: original, similarity: cosine }
      }
      multiplications += merged.originals.length * this.#headLength
      if (best) tell(this.#names[row] as string, this.#names[best.row] as string)
      else merged.originals.push(row)
      if (multiplications < sliceMultiplications) continue
      multiplications = 0
      yield
    }
  }

  /** The cosine of two rows where it reaches a bound; most that do not are told by the first quarter of their numbers. */
  #cosineAbove(bound: number, row: number, other: number): number | undefined {
    const [block, start] = [this.#blockOf(row), this.#startOf(row)]
    const [otherBlock, otherStart] = [this.#blockOf(other), this.#startOf(other)]
    const head = this.#headLength
    const ofHead = dotProduct(block, start, otherBlock, otherStart, head)
    if (ofHead + (this.#restLengths[row] as number) * (this.#restLengths[other] as number) < bound) return undefined
    const cosine = ofHead + dotProduct(block, start + head, otherBlock, otherStart + head, this.#dimension - head)
    return cosine >= bound ? cosine : undefined
  }

  get #headLength(): number {
    return this.#dimension >> 2
  }

  #blockOf(row: number): Float32Array {
    return this.#blocks[Math.floor(row / rowsPerBlock)] as Float32Array
  }

  #startOf(row: number): number {
    return (row % rowsPerBlock) * this.#dimension
  }
}

/** A vector of length 1 in the same direction; undefined for one of length 0. */
export function unitVector(vector: readonly number[]): number[] | undefined {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
  return length > 0 && Number.isFinite(length) ? vector.map((value) => value / length) : undefined
}

/** Four sums at once: the processor need not wait for one addition before the next. */
function dotProduct(a: Float32Array, aStart: number, b: Float32Array, bStart: number, length: number): number {
  let [first, second, third, fourth] = [0, 0, 0, 0]
  let at = 0
  for (; at + 4 <= length; at += 4) {
    first += (a[aStart + at] as number) * (b[bStart + at] as number)
    second += (a[aStart + at + 1] as number) * (b[bStart + at + 1] as number)
    third += (a[aStart + at + 2] as number) * (b[bStart + at + 2] as number)
    fourth += (a[aStart + at + 3] as number) * (b[bStart + at + 3] as number)
  }
  for (; at < length; at++) first += (a[aStart + at] as number) * (b[bStart + at] as number)
  return first + second + (third + fourth)
}
