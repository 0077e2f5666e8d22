/** The unfinished offsets of a progress record, in a form that takes a byte or two each. */

/** Ascending offsets as the first one and the distances between neighbours: small numbers take a byte or two each. */
export function toDistances(offsets: readonly number[]): number[] {
  return offsets.map((offset, index) => (index === 0 ? offset : offset - (offsets[index - 1] ?? 0)))
}

/** The inverse of `toDistances`. */
export function fromDistances(distances: readonly number[]): number[] {
  let offset = 0
  return distances.map((distance) => (offset += distance))
}
