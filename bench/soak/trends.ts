/** What a soak tells of the long life after its warm-up: slopes with their noise, and one half against the other. */
import type { Figures } from '../figures.ts'
import type { Held, Minute, Reading, Readings } from './readings.ts'
import { quantile, trendOf, type Sample } from './trend.ts'

/** Slopes over less time tell nothing. */
const shortestJudgedSeconds = 1200
/** What the screening index keeps of a problem, and other state that grows by design: docs/benchmarks.md. */
const bytesPerProblem = 600
const mebibyte = 1 << 20

/** The part of a soak that is told of. */
interface Judged {
  /** In seconds since the soak began. */
  fromSeconds: number
  untilSeconds: number
  problemsPerHour: number
  /** Heap snapshots were written meanwhile: the memory that they took stays with the process for long. */
  hasSnapshots: boolean
}

/** Tells the slopes and the halves, and holds them against their goals. */
export function tellTrends(
  figures: Figures,
  all: Readings,
  { fromSeconds, untilSeconds, problemsPerHour, hasSnapshots }: Judged,
): void {
  const isLate = ({ hours }: { hours: number }): boolean => hours * 3600 >= fromSeconds
  const isJudged = untilSeconds - fromSeconds >= shortestJudgedSeconds
  const kept = (problemsPerHour * bytesPerProblem) / mebibyte
  const readings = all.readings.filter(isLate)
  const held = all.held.filter(isLate)
  const minutes = all.minutes.filter(isLate)

  const tellSlope = (
    name: string,
    samples: readonly Sample[],
    unit: number,
    grows: number,
    mayBeJudged = isJudged,
  ): void => {
    const { perHour, noisePerHour, mean } = trendOf(samples)
    const noise = noisePerHour / unit
    const forKept = grows > 0 ? ` and ${grows.toPrecision(3)} for what is kept of each problem` : ''
    figures.tell(
      `${name}, slope an hour (mean ${(mean / unit).toPrecision(4)}; ${samples.length} samples over ${((untilSeconds - fromSeconds) / 3600).toFixed(2)} h)`,
      perHour / unit,
      `${mayBeJudged ? '' : isJudged ? 'none beside heap snapshots; ' : 'none for so short a time; '}<= noise of ${noise.toPrecision(3)}${forKept}`,
      !mayBeJudged || perHour / unit <= noise + grows,
    )
  }
  const samplesOf = (value: (one: Reading) => number): Sample[] =>
    readings.map((one) => ({ hours: one.hours, life: one.life, value: value(one) }))
  const heldOf = (value: (one: Held) => number): Sample[] =>
    held.map((one) => ({ hours: one.hours, life: one.life, value: value(one) }))
  const memory = samplesOf(({ anonymous }) => anonymous)
  const heap = heldOf((one) => one.heap)
  const buffers = heldOf((one) => one.buffers)
  tellSlope('anonymous memory of up, MiB', memory, mebibyte, kept, isJudged && !hasSnapshots)
  tellSlope('heap of up with all garbage collected, MiB', heap, mebibyte, kept)
  tellSlope('buffers of up with all garbage collected, MiB', buffers, mebibyte, kept)
  const descriptors = samplesOf((one) => one.descriptors)
  const children = samplesOf((one) => one.children)
  tellSlope('descriptors of up', descriptors, 1, 0)
  tellSlope('processes that up has started', children, 1, 0)
  tellSlope('anonymous memory of the simulated endpoint that lives on, MiB', all.endpoint.filter(isLate), mebibyte, kept) // prettier-ignore

  /** The second half by the first. */
  const tellHalves = (name: string, [before, after]: readonly [number, number], most: number): void =>
    figures.tell(`${name}: second half over first`, after / before, `<= ${most}`, after <= most * before)
  const delays = readings.map(({ delayP99 }) => delayP99)
  const commits = minutes.map(({ commitP99 }) => commitP99).filter((seconds) => seconds > 0)
  const halves = halvesOf(minutes, 1)
  tellHalves('event loop delay, median of the 99th percentiles, s', bothOf(halvesOf(delays, 0), medianOf), 1.5)
  figures.tell('event loop delay, longest, s', Math.max(...readings.map(({ delayMax }) => delayMax)), 'no goal', true)
  figures.tell('commit, 99th percentile of a minute, median, s', medianOf(commits), 'no goal', true)
  tellHalves('commit, 99th percentile', bothOf(halvesOf(commits, 0), medianOf), 2)
  figures.tell('disk for each problem, KiB', diskForEachProblem(minutes) / 1024, 'no goal', true)
  // Files grow in steps.
  if (minutes.length >= 10) tellHalves('disk for each problem', bothOf(halves, diskForEachProblem), 1.25)
  const mostTransient = (part: readonly Minute[]): number => Math.max(...part.map((one) => one.transientRecords))
  // Nothing tells them on Kafka.
  if (mostTransient(minutes) > 0) tellHalves('transient records kept', bothOf(halves, mostTransient), 1.5)
}

const medianOf = (values: readonly number[]): number => quantile(values, 0.5)

/** Two parts of a list, which share so many values at the seam. */
function halvesOf<Value>(values: readonly Value[], shared: number): [Value[], Value[]] {
  const half = values.length >> 1
  return [values.slice(0, half + shared), values.slice(half)]
}

function bothOf<Part>([first, second]: readonly [Part, Part], value: (part: Part) => number): [number, number] {
  return [value(first), value(second)]
}

/** Bytes; NaN where no problem was made. */
function diskForEachProblem(minutes: readonly Minute[]): number {
  const [first, last] = [minutes[0], minutes.at(-1)]
  if (!first || !last || last.problems <= first.problems) return NaN
  return (last.disk - first.disk) / (last.problems - first.problems)
}
