/**
 * The time that the sampler takes for a combination, and the longest for which nothing else gets its turn, against the sampler as
 * it was at first: every step weighs every concept by a dot product with the mean vector of the chosen ones.
 * `node dist/bench/sampler.js [--concepts 14000] [--dimensions 1024] [--draws 300]`; a JSON line for each figure. The
 * vectors lie in clusters: cosines are about 0.45 within one and 0.1 to 0.25 between two, as embedding models have them.
 */
import { setImmediate } from 'node:timers/promises'
import { ConceptVectors } from '../curation/concept-vectors.ts'
import { ConceptIndex, equalWeights, randomFrom, type SamplingTerms } from '../curation/sampling.ts'
import { Figures } from './figures.ts'
import { readOptions } from '../scripts/options.ts'

const program = {
  call: 'npm run bench:sampler',
  about:
    'The time that the sampler takes for a combination, against the sampler as it was at first; a line of JSON for each figure.',
}
const values = readOptions(program, {
  concepts: { type: 'string', default: '14000', doc: 'there are' },
  dimensions: { type: 'string', default: '1024', doc: 'of their vectors' },
  draws: { type: 'string', default: '300', doc: 'that are made' },
})
const [concepts, dimensions, draws] = [Number(values.concepts), Number(values.dimensions), Number(values.draws)]
const size = 5
const temperature = 0.2

const figures = new Figures(true)

const random = randomFrom(7)
/** Nearly normal, which is all that a direction needs. */
const normal = (): number => (random() + random() + random() + random() - 2) * Math.sqrt(3)

/** What the sampler of the first version held, and how it drew. */
class WeighsEverything {
  readonly #vectors: (Float32Array | undefined)[] = []
  readonly #frequencies: number[] = []
  readonly #together: Map<number, number>[] = []
  #mentions = 0
  #mostTogether = 0

  addVector(id: number, vector: readonly number[]): void {
    const length = Math.hypot(...vector)
    this.#vectors[id] = Float32Array.from(vector, (value) => value / length)
  }

  addList(ids: readonly number[]): void {
    for (const id of ids) {
      this.#mentions++
      this.#frequencies[id] = (this.#frequencies[id] ?? 0) + 1
      const counts = (this.#together[id] ??= new Map())
      for (const other of ids) {
        if (other === id) continue
        counts.set(other, (counts.get(other) ?? 0) + 1)
        this.#mostTogether = Math.max(this.#mostTogether, counts.get(other) ?? 0)
      }
    }
  }

  draw(): number[] {
    const chosen: number[] = []
    while (chosen.length < size) {
      const probabilities = this.#probabilities(chosen)
      let at = random()
      chosen.push(probabilities.findIndex((probability) => (at -= probability) < 0))
    }
    return chosen
  }

  #probabilities(chosen: readonly number[]): number[] {
    if (chosen.length === 0)
      return Array.from({ length: concepts }, (_, id) => (this.#frequencies[id] ?? 0) / this.#mentions)
    const sum = new Array<number>(dimensions).fill(0)
    for (const id of chosen) this.#vectors[id]?.forEach((value, at) => (sum[at] = (sum[at] ?? 0) + value))
    const length = Math.hypot(...sum)
    const mean = Float32Array.from(sum, (value) => value / length)
    const scores = Array.from({ length: concepts }, (_, id) => {
      if (chosen.includes(id)) return -Infinity
      const together = chosen.reduce((total, one) => total + (this.#together[one]?.get(id) ?? 0), 0)
      const vector = this.#vectors[id]
      let cosine = 0
      for (let at = 0; at < dimensions; at++) cosine += (vector?.[at] ?? 0) * (mean[at] ?? 0)
      return together / (this.#mostTogether * chosen.length) + cosine
    })
    const highest = scores.reduce((most, score) => Math.max(most, score), -Infinity)
    const weights = scores.map((score) => Math.exp((score - highest) / temperature))
    const total = weights.reduce((all, weight) => all + weight, 0)
    return weights.map((weight) => weight / total)
  }
}

/** Lists of five of one cluster and one of any; some concepts are named far more often than others. */
function* annotatedLists(): Generator<number[]> {
  const clusters = 200
  const often = (count: number): number => Math.floor(count * random() ** 3)
  for (let list = 0; list < concepts * 5; list++) {
    const cluster = often(clusters)
    const own = Array.from({ length: 5 }, () => cluster + clusters * often(Math.floor(concepts / clusters)))
    yield [...new Set([...own, often(concepts)])].filter((id) => id < concepts)
  }
}

interface Measured {
  meanMs: number
  /** Longest time between two turns of the event loop. */
  longestMs: number
}

/** Does pieces of work as the engine does steps of a source: after 5 ms others get their turn. Times are the processor's: the machine's other work does not count. */
async function measure(pieces: number, work: () => unknown): Promise<Measured> {
  let [turnStartedAtMs, longestMs] = [performance.now(), 0]
  const start = process.cpuUsage()
  let used = start
  for (let piece = 0; piece < pieces; piece++) {
    work()
    if (performance.now() - turnStartedAtMs < 5) continue
    const { user, system } = process.cpuUsage(used)
    longestMs = Math.max(longestMs, (user + system) / 1000)
    await setImmediate()
    turnStartedAtMs = performance.now()
    used = process.cpuUsage()
  }
  const { user, system } = process.cpuUsage(start)
  return { meanMs: (user + system) / 1000 / pieces, longestMs }
}

const [index, vectors, before] = [new ConceptIndex(), new ConceptVectors(), new WeighsEverything()]
const nameOf = (id: number): string => `concept ${id}`
const common = Array.from({ length: dimensions }, normal)
const directions = Array.from({ length: 200 }, () => Array.from({ length: dimensions }, normal))
const bytesBefore = process.memoryUsage().arrayBuffers
const all = Array.from({ length: concepts }, (_, id) =>
  Array.from(
    { length: dimensions },
    (__, at) => 0.4 * (common[at] ?? 0) + 0.6 * (directions[id % 200]?.[at] ?? 0) + 0.9 * normal(),
  ),
)
for (const [id, vector] of all.entries()) vectors.set(nameOf(id), vector)
const megabytes = (process.memoryUsage().arrayBuffers - bytesBefore) / 2 ** 20
for (const [id, vector] of all.entries()) before.addVector(id, vector)
for (const list of annotatedLists()) {
  index.addList(list.map(nameOf))
  before.addList(list)
}

const terms: SamplingTerms = { temperature, cooccurrence: 'normalised', vectors, weights: equalWeights }
const skewed = { of: (concept: string) => (concept.length % 2 === 0 ? 0.25 : 1), most: 4 }
// Compiled code is what is measured.
await measure(50, () => index.draw(size, terms, random))
const now = await measure(draws, () => index.draw(size, terms, random))
const weighted = await measure(draws, () => index.draw(size, { ...terms, weights: skewed }, random))
const counts = await measure(draws, () => index.draw(size, { ...terms, cooccurrence: 'counts' }, random))
const cold = await measure(10, () => index.draw(size, { ...terms, temperature: 0.03 }, random))
const baseline = await measure(5, () => before.draw())

const scale = `${concepts} concepts x ${dimensions} dimensions`
figures.tell(`baseline, the first version: ms a combination, ${scale}`, baseline.meanMs, 'the named baseline', true)
figures.tell(
  'baseline, the first version: longest turn of the event loop, ms',
  baseline.longestMs,
  'the named baseline',
  true,
)
figures.tell(`ms a combination, ${scale}`, now.meanMs, '< 5', now.meanMs < 5)
figures.tell('longest turn of the event loop, ms', now.longestMs, '< 20', now.longestMs < 20)
figures.tell(
  'times as fast as the first version',
  baseline.meanMs / now.meanMs,
  '> 20',
  baseline.meanMs / now.meanMs > 20,
)
figures.tell('with yields, ms a combination', weighted.meanMs, '< 20', weighted.meanMs < 20)
figures.tell('with raw counts, ms a combination', counts.meanMs, '< 5', counts.meanMs < 5)
figures.tell('at temperature 0.03, where all are weighed, ms a combination', cold.meanMs, 'no goal', true)
figures.tell(
  'MB of vectors',
  megabytes,
  `< ${Math.ceil((concepts * dimensions * 4) / 2 ** 20) + 8}`,
  megabytes < (concepts * dimensions * 4) / 2 ** 20 + 8,
)
