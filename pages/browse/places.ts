/** Where the records of each problem lie in a topic whose key is the problem: in one partition, which the problem's id decides. */
import { Column } from './columns.ts'

/** One partition: its records in the order of their offsets, chained by problem. */
interface Partition {
  offsets: Column
  problems: Column
  /** Index of the problem's record before, plus 1; 0 at its first. */
  before: Column
}

/** Places of a topic by problem. */
export class Places {
  readonly #partitions: readonly Partition[]
  /** By problem: index of its last record in its partition, plus 1. */
  readonly #last = Column.integers()
  readonly #counts = Column.shorts()

  constructor(partitions: number) {
    this.#partitions = Array.from({ length: partitions }, () => ({
      offsets: Column.numbers(),
      problems: Column.integers(),
      before: Column.integers(),
    }))
  }

  /** To be told in the order of the offsets of each partition. */
  add(partition: number, offset: number, problem: number): void {
    const records = this.#partitions[partition]
    if (!records) throw new RangeError(`there is no partition ${partition}`)
    records.problems.push(problem)
    records.before.push(this.#last.get(problem))
    this.#last.set(problem, records.offsets.push(offset) + 1)
    this.#counts.set(problem, Math.min(65_535, this.#counts.get(problem) + 1))
  }

  /** How many records the problem has. */
  count(problem: number): number {
    return this.#counts.get(problem)
  }

  /** Offsets of the problem's records, the first first. */
  offsetsOf(partition: number, problem: number): number[] {
    const records = this.#partitions[partition]
    const offsets: number[] = []
    for (let next = this.#last.get(problem); records && next > 0; next = records.before.get(next - 1))
      offsets.push(records.offsets.get(next - 1))
    return offsets.reverse()
  }

  /** The problem of the record at a position; undefined where none was read. */
  problemAt(partition: number, offset: number): number | undefined {
    const records = this.#partitions[partition]
    if (!records) return undefined
    let [low, high] = [0, records.offsets.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (records.offsets.get(middle) < offset) low = middle + 1
      else high = middle
    }
    return high >= 0 && records.offsets.get(low) === offset ? records.problems.get(low) : undefined
  }

  get byteLength(): number {
    const columns = this.#partitions.flatMap(({ offsets, problems, before }) => [offsets, problems, before])
    return [...columns, this.#last, this.#counts].reduce((sum, column) => sum + column.byteLength, 0)
  }
}
