/** Deterministic embedding vectors: names with common words, letters or concept clusters lie close together. */
import { CONCEPTS, conceptKey, findConcept } from './lexicon.ts'
import { hashText, Random } from './random.ts'

/** Length of every vector. */
export const EMBEDDING_DIMENSIONS = 256

const remembered = new Map<string, Float32Array>()
const directions = new Map<string, Float32Array>()

/** A fixed random direction of length 1. */
function direction(name: string): Float32Array {
  let vector = directions.get(name)
  if (vector === undefined) {
    const random = new Random('direction', name)
    vector = normalise(Float32Array.from({ length: EMBEDDING_DIMENSIONS }, () => random.normal()))
    directions.set(name, vector)
  }
  return vector
}

function normalise(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector)
  return length === 0 ? vector : vector.map((value) => value / length)
}

/** Where a text points: its concept where it names one, else the concepts whose words it contains. */
function clustersOf(key: string): [string, number][] {
  const exact = findConcept(key)
  if (exact !== undefined)
    return [
      [`cluster ${exact.domain} ${exact.cluster}`, 1],
      [`concept ${exact.name}`, 0.8],
      [exact.domain, 0.5],
    ]
  return CONCEPTS.filter((concept) => concept.trigger !== undefined && key.match(concept.trigger) !== null)
    .slice(0, 6)
    .map((concept) => [`cluster ${concept.domain} ${concept.cluster}`, 0.5])
}

/** The vector of a text, of length 1 (a text without letters or digits gets the fixed direction of nothing). */
export function embed(text: string): Float32Array {
  const key = conceptKey(text)
  const known = remembered.get(key)
  if (known !== undefined) return known
  const vector = new Float32Array(EMBEDDING_DIMENSIONS)
  const hashIn = (feature: string, weight: number): void => {
    const hash = hashText(feature)
    const at = hash % EMBEDDING_DIMENSIONS
    vector[at] = (vector[at] ?? 0) + (Math.floor(hash / 65536) % 2 === 0 ? weight : -weight)
  }
  for (const word of key.split(' ')) {
    hashIn(`word ${word}`, 0.5)
    const padded = ` ${word} `
    for (let i = 0; i + 3 <= padded.length; i++) hashIn(`letters ${padded.slice(i, i + 3)}`, 0.2)
  }
  const lexical = normalise(vector)
  const result = lexical.map((value) => value * 0.9)
  for (const [name, weight] of key === '' ? [['nothing', 1] as [string, number]] : clustersOf(key)) {
    direction(name).forEach((value, i) => {
      result[i] = (result[i] ?? 0) + value * weight
    })
  }
  const finished = normalise(result)
  if (remembered.size > 20_000) remembered.clear()
  remembered.set(key, finished)
  return finished
}
