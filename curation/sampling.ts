/**
 * Concept sampling (PromptCoT 1.0, section 3.1, with the public script's index error mended): the first concept by how
 * often annotators named it, each next one by a softmax over co-occurrence with the chosen ones and similarity to their
 * mean vector. Everything grows while it is sampled from.
 */

/** Unit vectors of concepts, by concept. */
export class ConceptVectors {
  readonly #vectors = new Map<string, Float32Array>()
  #dimension = 0

  get size(): number {
    return this.#vectors.size
  }

  get(concept: string): Float32Array | undefined {
    return this.#vectors.get(concept)
  }

  /** Sets a concept's vector, of any length but 0; one of another dimension than the first is ignored. */
  set(concept: string, vector: readonly number[]): void {
    const unit = unitVector(vector)
    if (!unit || (this.#dimension > 0 && unit.length !== this.#dimension)) return
    this.#dimension = unit.length
    this.#vectors.set(concept, Float32Array.from(unit))
  }

  /** The mean of the vectors that some concepts have, as a unit vector; undefined where they have none or cancel out. */
  meanOf(concepts: readonly string[]): Float32Array | undefined {
    const sum = new Array<number>(this.#dimension).fill(0)
    for (const concept of concepts)
      this.#vectors.get(concept)?.forEach((value, dimension) => (sum[dimension] = (sum[dimension] ?? 0) + value))
    const unit = unitVector(sum)
    return unit && Float32Array.from(unit)
  }
}

/** A vector of length 1 in the same direction; undefined for one of length 0. */
export function unitVector(vector: readonly number[]): number[] | undefined {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
  return length > 0 && Number.isFinite(length) ? vector.map((value) => value / length) : undefined
}

/** Concepts of one domain: how often each was named, and with which others. */
export class ConceptIndex {
  /** Every concept that was named, in the order of its first mention. */
  readonly concepts: string[] = []
  readonly #ids = new Map<string, number>()
  readonly #frequencies: number[] = []
  readonly #togetherWith: Map<number, number>[] = []
  #frequencyTotal = 0
  #mostTogether = 0

  /** Adds one annotated list. */
  addList(list: readonly string[]): void {
    const ids = [...new Set(list)].map((concept) => this.#idOf(concept))
    for (const id of ids) {
      this.#frequencies[id] = (this.#frequencies[id] ?? 0) + 1
      this.#frequencyTotal++
      for (const other of ids) {
        if (other === id) continue
        const together = (this.#togetherWith[id]?.get(other) ?? 0) + 1
        this.#togetherWith[id]?.set(other, together)
        this.#mostTogether = Math.max(this.#mostTogether, together)
      }
    }
  }

  /**
   * Draws an ordered combination of `size` concepts without repeats; fewer where there are fewer.
   * @param random returns numbers in [0, 1)
   */
  draw(size: number, temperature: number, vectors: ConceptVectors, random: () => number): string[] {
    const chosen: string[] = []
    while (chosen.length < size) {
      const next = pick(this.nextProbabilities(chosen, temperature, vectors), random())
      const concept = next === undefined ? undefined : this.concepts[next]
      if (concept === undefined) break
      chosen.push(concept)
    }
    return chosen
  }

  /** The probability of each concept to be the next one, in the order of `concepts`. Sums to 1, or to 0 where none is left. */
  nextProbabilities(chosen: readonly string[], temperature: number, vectors: ConceptVectors): number[] {
    if (chosen.length === 0) return this.#frequencies.map((frequency) => frequency / this.#frequencyTotal)
    const neighbours = chosen.flatMap((concept) => this.#togetherWith[this.#ids.get(concept) ?? -1] ?? [])
    const mean = vectors.meanOf(chosen)
    // Both terms lie in [0, 1] (similarity in [-1, 1]), so neither drowns the other: raw counts at temperature 0.2 would be greedy.
    const scores = this.concepts.map((concept, id) => {
      if (chosen.includes(concept)) return -Infinity
      const together = neighbours.reduce((sum, counts) => sum + (counts.get(id) ?? 0), 0)
      const cooccurrence = this.#mostTogether === 0 ? 0 : together / (this.#mostTogether * chosen.length)
      return cooccurrence + dotProduct(vectors.get(concept), mean)
    })
    const highest = scores.reduce((most, score) => Math.max(most, score), -Infinity)
    if (highest === -Infinity) return scores.map(() => 0)
    const weights = scores.map((score) => Math.exp((score - highest) / temperature))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    return weights.map((weight) => weight / total)
  }

  #idOf(concept: string): number {
    const known = this.#ids.get(concept)
    if (known !== undefined) return known
    const id = this.concepts.push(concept) - 1
    this.#ids.set(concept, id)
    this.#frequencies.push(0)
    this.#togetherWith.push(new Map())
    return id
  }
}

/** 0 where one is missing. */
function dotProduct(vector: Float32Array | undefined, mean: Float32Array | undefined): number {
  if (!vector || !mean) return 0
  let sum = 0
  for (let dimension = 0; dimension < vector.length; dimension++)
    sum += (vector[dimension] ?? 0) * (mean[dimension] ?? 0)
  return sum
}

/** The index at which the cumulated probability passes a number in [0, 1). */
function pick(probabilities: readonly number[], at: number): number | undefined {
  let sum = 0
  let last: number | undefined
  for (const [index, probability] of probabilities.entries()) {
    if (probability <= 0) continue
    sum += probability
    last = index
    if (at < sum) return index
  }
  return last
}

/** A generator of numbers in [0, 1) from a 32-bit seed (mulberry32): the same seed, the same draws. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000
  }
}

/** Shares such as `math=2,code=1`, as they stand; a fault where it is not of that form, or all are 0. */
export function parseShares(text: string): Map<string, number> | { fault: string } {
  const shares = new Map<string, number>()
  for (const part of text.split(',')) {
    const match = /^([a-z][a-z0-9-]*)=(\d+(?:\.\d+)?)$/.exec(part.trim())
    if (!match?.[1]) return { fault: `expected domain=share parts such as math=2,code=1, got "${part.trim()}"` }
    if (shares.has(match[1])) return { fault: `expected each domain once, got ${match[1]} twice` }
    shares.set(match[1], Number(match[2]))
  }
  if ([...shares.values()].every((share) => share === 0)) return { fault: `expected a share above 0, got "${text}"` }
  return shares
}
