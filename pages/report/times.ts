/** When records were made: counts in stretches of time that grow wider as the corpus grows longer. */

const mostStretches = 4096

/** Counts over time. */
export class Times {
  /** Seconds of one stretch: a power of two. */
  #width = 1
  #counts = new Map<number, number>()

  add(atMs: number): void {
    const stretch = Math.floor(atMs / 1000 / this.#width)
    this.#counts.set(stretch, (this.#counts.get(stretch) ?? 0) + 1)
    while (this.#counts.size > mostStretches) this.#widen()
  }

  /** Counts between two times, in so many stretches of the same length. */
  between(fromMs: number, toMs: number, stretches: number): number[] {
    const list = Array.from({ length: stretches }, () => 0)
    const span = Math.max(1, toMs - fromMs + 1)
    for (const [stretch, count] of this.#counts) {
      const at = Math.floor(((Math.max(fromMs, stretch * this.#width * 1000) - fromMs) / span) * stretches)
      const index = Math.min(stretches - 1, Math.max(0, at))
      list[index] = (list[index] ?? 0) + count
    }
    return list
  }

  #widen(): void {
    this.#width *= 2
    const counts = this.#counts
    this.#counts = new Map()
    for (const [stretch, count] of counts) {
      const wider = Math.floor(stretch / 2)
      this.#counts.set(wider, (this.#counts.get(wider) ?? 0) + count)
    }
  }
}
