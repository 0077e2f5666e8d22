/** Numbers and times as pages show them. */

/** 1234567 -> 1,234,567. */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** 0.1234 -> 12.3 %. */
export function formatShare(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(share > 0 && share < 0.001 ? 2 : 1)} %` : '-'
}

/** 1234567 -> 1.2 M. */
export function formatShort(value: number): string {
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e4],
  ] as const)
    if (Math.abs(value) >= size) return `${(value / (unit === 'k' ? 1e3 : size)).toFixed(1)} ${unit}`
  return formatCount(value)
}

/** 75 -> 1 min 15 s; 0.0123 -> 12 ms. */
export function formatSeconds(seconds: number): string {
  if (seconds > 0 && seconds < 1) return `${(seconds * 1000).toFixed(0)} ms`
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${formatCount(Math.floor(whole / 3600))} h ${Math.floor((whole % 3600) / 60)} min`
}

/** Milliseconds since 1970 -> 2026-01-31 12:34 UTC. */
export function formatTime(atMs: number): string {
  const date = new Date(atMs)
  return Number.isNaN(date.getTime()) ? '-' : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** One and two as they are: 1 pair, 2 pairs. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}
