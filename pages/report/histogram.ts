/** Lengths, counted in bins that grow by half a doubling. */

const binsPerDoubling = 2

/** How often which length came. */
export class Histogram {
  readonly unit: string
  readonly #bins = new Map<number, number>()
  #count = 0
  #sum = 0

  constructor(unit: string) {
    this.unit = unit
  }

  add(length: number): void {
    const bin = length < 1 ? -1 : Math.floor(Math.log2(length) * binsPerDoubling)
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + 1)
    this.#count++
    this.#sum += length
  }

  get count(): number {
    return this.#count
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count
  }

  /** Bins from the lowest that has any to the highest, with where each begins and ends. */
  bins(from = this.lowest, to = this.highest): { from: number; to: number; count: number }[] {
    if (this.#count === 0) return []
    return Array.from({ length: to - from + 1 }, (_, index) => ({
      from: edge(from + index),
      to: edge(from + index + 1),
      count: this.#bins.get(from + index) ?? 0,
    }))
  }

  get lowest(): number {
    return Math.min(...this.#bins.keys())
  }

  get highest(): number {
    return Math.max(...this.#bins.keys())
  }

  /** The length below which so much of all lies, to the accuracy of the bins. */
  quantile(share: number): number {
    let below = 0
    for (const { from, to, count } of this.bins()) {
      if (below + count >= share * this.#count && count > 0)
        return Math.round(from + ((to - from) * (share * this.#count - below)) / count)
      below += count
    }
    return 0
  }
}

function edge(bin: number): number {
  return bin < 0 ? 0 : Math.ceil(2 ** (bin / binsPerDoubling))
}
