/**
 * Which record of the source became which record of the target: for each partition the offsets of both, as runs. Offsets have holes
 * on either log (markers of transactions, compaction), so only this tells. It lies in the state of the copy's own task on the target,
 * a segment a commit; what is looked up is read from there, so memory does not grow with the corpus.
 */
import { LogError, type StateChange, type TaskState } from '../../topics/log.ts'

/** `count` records with consecutive offsets on both logs. */
export interface Run {
  source: number
  target: number
  count: number
}

const segmentPrefix = 'map/'
const offsetDigits = 16
const keptSegments = 64

/** One partition's segments, by the first source offset of each. */
interface Segments {
  firsts: number[]
  keys: string[]
}

export class PositionMap {
  readonly #state: () => TaskState
  readonly #partitions = new Map<string, Segments>()
  /** Segments that no commit holds yet. */
  readonly #unsaved = new Map<string, readonly Run[]>()
  readonly #recent = new Map<string, readonly Run[]>()

  /** @param state the committed state of the copy's task, as it is when it is asked for */
  constructor(state: () => TaskState) {
    this.#state = state
    for (const { key } of state().entries(segmentPrefix)) {
      const [, topic = '', partition = '', first = ''] = key.split('/')
      this.#index(`${topic}/${partition}`, Number(first), key)
    }
  }

  /** Takes in the next runs of a partition, at least one. */
  add(topic: string, partition: number, runs: readonly Run[]): void {
    const [first] = runs
    if (!first) return
    const key = `${segmentPrefix}${topic}/${partition}/${String(first.source).padStart(offsetDigits, '0')}`
    this.#index(`${topic}/${partition}`, first.source, key)
    this.#unsaved.set(key, runs)
  }

  /** What the next commit has to write. */
  unsaved(): StateChange[] {
    return [...this.#unsaved].map(([key, runs]) => ({ key, value: encodeRuns(runs) }))
  }

  /** What `unsaved` gave is committed. */
  saved(): void {
    for (const [key, runs] of this.#unsaved) this.#remember(key, runs)
    this.#unsaved.clear()
  }

  /** The target's offset of the record at a source offset; undefined where there is none. */
  offsetOf(topic: string, partition: number, offset: number): number | undefined {
    const run = this.#runBefore(topic, partition, offset + 1)
    return run && offset < run.source + run.count ? run.target + offset - run.source : undefined
  }

  /** The target's offset just after the last record below a source offset; 0 where there is none. */
  boundaryOf(topic: string, partition: number, offset: number): number {
    const run = this.#runBefore(topic, partition, offset)
    return run ? run.target + Math.min(offset - run.source, run.count) : 0
  }

  /** Where the last record of a partition lies on both logs. */
  last(topic: string, partition: number): { source: number; target: number } | undefined {
    const run = this.#runBefore(topic, partition, Infinity)
    return run && { source: run.source + run.count - 1, target: run.target + run.count - 1 }
  }

  /** The last run that begins below a source offset. */
  #runBefore(topic: string, partition: number, offset: number): Run | undefined {
    const segments = this.#partitions.get(`${topic}/${partition}`)
    if (!segments) return undefined
    const at = lastBelow(segments.firsts, (first) => first, offset)
    const key = segments.keys[at]
    if (key === undefined) return undefined
    const runs = this.#segment(key)
    return runs[lastBelow(runs, ({ source }) => source, offset)]
  }

  #index(place: string, first: number, key: string): void {
    const segments = this.#partitions.get(place)
    if (segments) {
      segments.firsts.push(first)
      segments.keys.push(key)
    } else this.#partitions.set(place, { firsts: [first], keys: [key] })
  }

  #segment(key: string): readonly Run[] {
    const known = this.#unsaved.get(key) ?? this.#recent.get(key)
    if (known) return known
    const value = this.#state().get(key)
    if (!value) throw new LogError('damaged', `the map of positions lacks ${key}: copy into an empty target`)
    return this.#remember(key, decodeRuns(value))
  }

  #remember(key: string, runs: readonly Run[]): readonly Run[] {
    this.#recent.set(key, runs)
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= keptSegments) break
      this.#recent.delete(oldest)
    }
    return runs
  }
}

/** Adds a record to runs that are being made. */
export function extendRuns(runs: Run[], source: number, target: number): void {
  const last = runs.at(-1)
  if (last && last.source + last.count === source && last.target + last.count === target) last.count++
  else runs.push({ source, target, count: 1 })
}

/** The index of the last item below a limit, -1 where there is none; items ascend. */
function lastBelow<Item>(items: readonly Item[], valueOf: (item: Item) => number, limit: number): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (valueOf(items[middle] as Item) < limit) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** Each run as three varints: the distance to the end of the run before in the source, the same in the target, the count. */
export function encodeRuns(runs: readonly Run[]): Buffer {
  const bytes: number[] = []
  let [source, target] = [0, 0]
  for (const run of runs) {
    for (const value of [run.source - source, run.target - target, run.count]) {
      let left = value
      for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) + 128)
      bytes.push(left)
    }
    source = run.source + run.count
    target = run.target + run.count
  }
  return Buffer.from(bytes)
}

/** The inverse of `encodeRuns`. */
export function decodeRuns(bytes: Uint8Array): Run[] {
  const runs: Run[] = []
  let at = 0
  const next = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) throw new LogError('damaged', 'the map of positions ends inside a run')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  let [source, target] = [0, 0]
  while (at < bytes.length) {
    const run = { source: source + next(), target: target + next(), count: next() }
    source = run.source + run.count
    target = run.target + run.count
    runs.push(run)
  }
  return runs
}
