/**
 * Concept sampling (PromptCoT 1.0, section 3.1, with the public script's index error mended): the first concept by how
 * often annotators named it, each next one by a softmax over co-occurrence with the chosen ones and similarity to their
 * mean vector. Everything grows while it is sampled from.
 */
import type { ConceptVectors } from './concept-vectors.ts'

/** What a concept's weight is multiplied by besides. `of` lies between 0 and `most`, which is above 0. */
export interface ConceptWeights {
  of(concept: string): number
  readonly most: number
}

/** Every concept has the weight that co-occurrence and similarity give it. */
export const equalWeights: ConceptWeights = { of: () => 1, most: 1 }

/** What a choice depends on besides the annotated lists. */
export interface SamplingTerms {
  temperature: number
  /**
   * normalised: the mean co-occurrence with the chosen ones over that of the most frequent pair, 0 to 1 like the similarity.
   * counts: the sum of the raw counts, as the public scripts have it; at temperature 0.2 one more multiplies the odds by 148.
   */
  cooccurrence: 'normalised' | 'counts'
  vectors: ConceptVectors
  weights: ConceptWeights
  /** The first concept is drawn evenly, not by how often it was named. */
  evenFirst?: boolean
}

/** Proposals made at least before all concepts are weighed; half as many as there are concepts where that is more. */
const leastProposals = 16

/** Concepts of one domain: how often each was named, and with which others. Names of one thing count as one. */
export class ConceptIndex {
  /** Every name, in the order of its first mention. */
  readonly concepts: string[] = []
  readonly #ids = new Map<string, number>()
  /** Of each name: that of the concept it counts as. */
  readonly #originals: number[] = []
  /** One name a mention: to draw one of them evenly is to draw a concept by its frequency. */
  readonly #mentions: number[] = []
  readonly #frequencies: number[] = []
  readonly #togetherWith: Map<number, number>[] = []
  #mostTogether = 0
  #size = 0

  /** Distinct concepts that were named. */
  get size(): number {
    return this.#size
  }

  /** Adds one annotated list. */
  addList(list: readonly string[]): void {
    const names = [...new Set(list)].map((concept) => this.#idOf(concept))
    for (const name of names) {
      const id = this.#originalOf(name)
      this.#mentions.push(name)
      this.#addFrequency(id, 1)
      for (const other of names) if (other !== name) this.#addTogether(id, this.#originalOf(other), 1)
    }
  }

  /**
   * From now on a name counts as another, which is no other name itself. All counts are sums over names, so it makes no
   * difference which lists came before.
   */
  merge(name: string, original: string): void {
    const [from, to] = [this.#idOf(name), this.#originalOf(this.#idOf(original))]
    if (from === to || this.#originalOf(from) !== from) return
    this.#originals[from] = to
    const frequency = this.#frequencies[from] as number
    this.#addFrequency(from, -frequency)
    this.#addFrequency(to, frequency)
    const together = this.#togetherWith[from] as Map<number, number>
    this.#togetherWith[from] = new Map()
    const own = together.get(to)
    for (const [other, count] of together) {
      this.#togetherWith[other]?.delete(from)
      this.#addTogether(to, other, count)
      this.#addTogether(other, to, count)
    }
    // A pair of two names of one thing is none.
    if (own === this.#mostTogether)
      this.#mostTogether = this.#togetherWith.reduce(
        (most, counts) => [...counts.values()].reduce((of, count) => Math.max(of, count), most),
        0,
      )
  }

  /**
   * Draws an ordered combination of `size` concepts without repeats; fewer where there are fewer. A concept is proposed by
   * co-occurrence alone, and taken as often as its similarity and weight reach the most they could: so only a few vectors are
   * looked at, and the probabilities are exactly those of `nextProbabilities`.
   * @param random returns numbers in [0, 1)
   */
  draw(size: number, terms: SamplingTerms, random: () => number): string[] {
    const chosen: number[] = []
    const near = new Map<number, number>()
    while (chosen.length < size && chosen.length < this.#size) {
      const next = chosen.length === 0 ? this.#drawFirst(terms, random) : this.#drawNext(chosen, near, terms, random)
      if (next === undefined) break
      chosen.push(next)
      for (const [id, count] of this.#togetherWith[next] ?? []) near.set(id, (near.get(id) ?? 0) + count)
      for (const id of chosen) near.delete(id)
    }
    return chosen.map((id) => this.concepts[id] as string)
  }

  /** All ordered combinations of a size, in an order by chance; none where there are more than `most`. */
  *list(size: number, most: number, random: () => number): Generator<string[]> {
    let count = 1
    for (let place = 0; place < size; place++) count *= Math.max(0, this.#size - place)
    if (count > most) return
    const concepts = this.concepts.filter((_, id) => this.#isDrawable(id))
    for (let last = concepts.length - 1; last > 0; last--) {
      const other = Math.floor(random() * (last + 1))
      ;[concepts[last], concepts[other]] = [concepts[other] as string, concepts[last] as string]
    }
    yield* ordered(concepts, size)
  }

  /** The probability of each concept to be the next one, in the order of `concepts`. Sums to 1, or to 0 where none is left. */
  nextProbabilities(chosen: readonly string[], terms: SamplingTerms): number[] {
    const { temperature, vectors, weights, evenFirst } = terms
    if (chosen.length === 0)
      return sharesOf(
        this.concepts.map((concept, id) => {
          const frequency = this.#frequencies[id] as number
          return (evenFirst ? Math.min(1, frequency) : frequency) * weights.of(concept)
        }),
      )
    const neighbours = chosen.flatMap((concept) => this.#togetherWith[this.#ids.get(concept) ?? -1] ?? [])
    const perCount = this.#scoreOfOne(chosen.length, terms)
    const mean = vectors.meanOf(chosen)
    const taken = new Set(chosen)
    const scores = new Float64Array(this.concepts.length).fill(-Infinity)
    let highest = -Infinity
    for (const [id, concept] of this.concepts.entries()) {
      if (!this.#isDrawable(id) || taken.has(concept)) continue
      let score = mean ? vectors.similarity(concept, mean) : 0
      for (const counts of neighbours) score += (counts.get(id) ?? 0) * perCount
      scores[id] = score
      if (score > highest) highest = score
    }
    return sharesOf(
      this.concepts.map((concept, id) => {
        const score = scores[id] as number
        return score === -Infinity ? 0 : Math.exp((score - highest) / temperature) * weights.of(concept)
      }),
    )
  }

  #drawFirst(terms: SamplingTerms, random: () => number): number | undefined {
    const { weights, evenFirst } = terms
    for (let proposals = 0; proposals < this.#mostProposals; proposals++) {
      const id = evenFirst
        ? Math.floor(random() * this.concepts.length)
        : this.#originalOf(this.#mentions[Math.floor(random() * this.#mentions.length)] as number)
      if (this.#isDrawable(id) && random() * weights.most < weights.of(this.concepts[id] as string)) return id
    }
    return pick(this.nextProbabilities([], terms), random())
  }

  /** @param near sums of co-occurrences with the chosen ones, of all others that have any */
  #drawNext(
    chosen: readonly number[],
    near: ReadonlyMap<number, number>,
    terms: SamplingTerms,
    random: () => number,
  ): number | undefined {
    const { temperature, vectors, weights } = terms
    const names = chosen.map((id) => this.concepts[id] as string)
    const mean = vectors.meanOf(names)
    const perCount = this.#scoreOfOne(chosen.length, terms)
    const highest = [...near.values()].reduce((most, count) => Math.max(most, count), 0)
    const ids = [...near.keys()]
    const sums = new Float64Array(ids.length)
    let nearTotal = 0
    let at = 0
    for (const count of near.values()) sums[at++] = nearTotal += Math.exp(((count - highest) * perCount) / temperature)
    const isFar = (id: number): boolean => this.#isDrawable(id) && !near.has(id) && !chosen.includes(id)
    const farTotal = (this.#size - near.size - chosen.length) * Math.exp((-highest * perCount) / temperature)
    for (let proposals = 0; proposals < this.#mostProposals; proposals++) {
      const proposed = random() * (nearTotal + farTotal)
      let id = proposed < nearTotal ? (ids[firstAbove(sums, proposed)] as number) : -1
      while (id < 0) {
        const any = Math.floor(random() * this.concepts.length)
        if (isFar(any)) id = any
      }
      const concept = this.concepts[id] as string
      if (random() * weights.most >= weights.of(concept)) continue
      // No cosine is above 1.
      if (!mean || random() < Math.exp((Math.min(1, vectors.similarity(concept, mean)) - 1) / temperature)) return id
    }
    return pick(this.nextProbabilities(names, terms), random())
  }

  /** What one co-occurrence with any of the chosen concepts adds to a score. */
  #scoreOfOne(chosen: number, { cooccurrence }: SamplingTerms): number {
    if (cooccurrence === 'counts') return 1
    return this.#mostTogether === 0 ? 0 : 1 / (this.#mostTogether * chosen)
  }

  get #mostProposals(): number {
    return Math.max(leastProposals, this.#size / 2)
  }

  #isDrawable(id: number): boolean {
    return (this.#frequencies[id] as number) > 0
  }

  #originalOf(id: number): number {
    return this.#originals[id] as number
  }

  #addFrequency(id: number, mentions: number): void {
    const before = this.#frequencies[id] as number
    this.#frequencies[id] = before + mentions
    this.#size += Number(before + mentions > 0) - Number(before > 0)
  }

  #addTogether(id: number, other: number, count: number): void {
    if (id === other) return
    const counts = this.#togetherWith[id] as Map<number, number>
    const together = (counts.get(other) ?? 0) + count
    counts.set(other, together)
    this.#mostTogether = Math.max(this.#mostTogether, together)
  }

  #idOf(concept: string): number {
    const known = this.#ids.get(concept)
    if (known !== undefined) return known
    const id = this.concepts.push(concept) - 1
    this.#ids.set(concept, id)
    this.#originals.push(id)
    this.#frequencies.push(0)
    this.#togetherWith.push(new Map())
    return id
  }
}

function* ordered(items: readonly string[], size: number): Generator<string[]> {
  if (size === 0) yield []
  else
    for (const first of items)
      for (const others of ordered(
        items.filter((item) => item !== first),
        size - 1,
      ))
        yield [first, ...others]
}

/** Weights over their sum; all 0 where that is 0. */
function sharesOf(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => (total > 0 ? weight / total : 0))
}

/** The first index whose sum is above a number; the last where none is. `sums` ascends. */
function firstAbove(sums: Float64Array, number: number): number {
  let [low, high] = [0, sums.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sums[middle] as number) > number) high = middle
    else low = middle + 1
  }
  return low
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

/** One of the items by their weights, of which at least one is above 0, at a number in [0, 1). */
export function pickWeighted<Item>(items: readonly Item[], weightOf: (item: Item) => number, at: number): Item {
  return items[pick(sharesOf(items.map(weightOf)), at) ?? 0] as Item
}
