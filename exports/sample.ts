/**
 * Samples by the order of hashes: of N rows those with the N lowest hashes. The sample of 100 is part of the sample of 1,000 of the
 * same seed. A first pass over all rows finds the highest hash that is in, with N numbers in memory.
 */
import { hashNumber } from './hash.ts'

/** Where a row stands in the order of a seed. */
export function sampleOrder(seed: string, rowId: string): bigint {
  return hashNumber('sample', seed, rowId)
}

/** Keeps the lowest of all numbers that it is given. */
export class LowestNumbers {
  readonly #limit: number
  /** A heap, the highest first. */
  readonly #heap: BigUint64Array
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
    this.#heap = new BigUint64Array(limit)
  }

  add(number: bigint): void {
    const heap = this.#heap
    if (this.#size < this.#limit) {
      let at = this.#size++
      for (let parent; at > 0 && numberAt(heap, (parent = (at - 1) >> 1)) < number; at = parent)
        heap[at] = numberAt(heap, parent)
      heap[at] = number
    } else if (number < numberAt(heap, 0)) {
      let at = 0
      for (;;) {
        let child = 2 * at + 1
        if (child >= this.#size) break
        if (child + 1 < this.#size && numberAt(heap, child + 1) > numberAt(heap, child)) child++
        if (numberAt(heap, child) <= number) break
        heap[at] = numberAt(heap, child)
        at = child
      }
      heap[at] = number
    }
  }

  /** The highest of those that are kept; undefined where there are fewer than the limit: all are in. */
  highest(): bigint | undefined {
    return this.#size < this.#limit ? undefined : this.#heap[0]
  }
}

function numberAt(heap: BigUint64Array, at: number): bigint {
  return heap[at] ?? 0n
}
