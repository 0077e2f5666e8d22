/** What a soak does to the stream. */

/** What befalls the stream, and when, in seconds from the start: from the seed alone. */
export interface Fault {
  atSeconds: number
  what: 'kill' | 'restart' | 'hang'
  /** Of which endpoint. */
  endpoint: number
  lastsSeconds: number
}

/**
 * The command is killed in the first `killSeconds` alone; endpoints are started anew and hang to the end.
 * @param seconds how long the soak lasts
 */
export function faultsOf(seconds: number, killSeconds: number, random: () => number): Fault[] {
  const faults: Fault[] = []
  const between = (least: number, most: number): number => least + random() * (most - least)
  // A short soak is killed as well.
  const [shortest, longest] = [Math.min(60, killSeconds / 4), Math.min(240, killSeconds / 1.5)]
  for (let at = between(shortest, longest); at < killSeconds; at += between(shortest, longest))
    faults.push({ atSeconds: at, what: 'kill', endpoint: 0, lastsSeconds: 0 })
  const [earliest, latest, last] = [
    Math.min(20, seconds / 8),
    Math.min(120, seconds / 4),
    seconds - Math.min(60, seconds / 4),
  ]
  for (const what of ['restart', 'hang'] as const)
    for (let at = between(earliest, latest); at < last; at += between(60, 240)) {
      // In the long life one endpoint lives as long as the command, so that its memory can be told, too.
      const endpoint = what === 'restart' && at >= killSeconds ? 0 : random() < 0.5 ? 0 : 1
      faults.push({ atSeconds: at, what, endpoint, lastsSeconds: what === 'hang' ? between(3, 25) : between(1, 5) })
    }
  return faults.sort((a, b) => a.atSeconds - b.atSeconds)
}
