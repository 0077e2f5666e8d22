/** Whether a measured series rises: its slope by least squares, with the error that its noise leaves. */

/** A value at a time. Samples of one `life` have a level of their own: a process that was started again begins anew. */
export interface Sample {
  hours: number
  value: number
  life: number
}

/** A slope. `noisePerHour` is two standard errors: a slope within it cannot be told from none. */
export interface Trend {
  perHour: number
  noisePerHour: number
  mean: number
  samples: number
}

/**
 * The slope within lives. Neighbouring samples are alike (a garbage collector saws), so the error is widened by their autocorrelation:
 * fewer of them are worth anything.
 */
export function trendOf(samples: readonly Sample[]): Trend {
  const lives = new Map<number, Sample[]>()
  for (const sample of samples) lives.set(sample.life, [...(lives.get(sample.life) ?? []), sample])
  const groups = [...lives.values()].filter(({ length }) => length > 1)
  const centred = groups.flatMap((group) => {
    const [hours, value] = [meanOf(group.map((one) => one.hours)), meanOf(group.map((one) => one.value))]
    return group.map((one) => ({ life: one.life, x: one.hours - hours, y: one.value - value }))
  })
  const mean = meanOf(samples.map(({ value }) => value))
  const spread = sumOf(centred.map(({ x }) => x * x))
  const freedom = centred.length - groups.length - 1
  if (freedom < 1 || spread === 0) return { perHour: 0, noisePerHour: Infinity, mean, samples: samples.length }
  const slope = sumOf(centred.map(({ x, y }) => x * y)) / spread
  const residuals = centred.map(({ life, x, y }) => ({ life, e: y - slope * x }))
  const squares = sumOf(residuals.map(({ e }) => e * e))
  const neighbours = sumOf(
    residuals
      .slice(1)
      .map(({ life, e }, index) => (residuals[index]?.life === life ? e * (residuals[index]?.e ?? 0) : 0)),
  )
  const alike = squares === 0 ? 0 : Math.min(0.95, Math.max(0, neighbours / squares))
  const error = Math.sqrt((squares / freedom / spread) * ((1 + alike) / (1 - alike)))
  return { perHour: slope, noisePerHour: 2 * error, mean, samples: samples.length }
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)
const meanOf = (values: readonly number[]): number => (values.length === 0 ? 0 : sumOf(values) / values.length)

/** The value below which the given share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}
