/** Where an export ended, as a text without a space: `outcomes:12.0.7,retractions:3` names the next offset of each partition. */

/** For each topic the next offset of each of its partitions. */
export type Positions = Readonly<Record<string, readonly number[]>>

export function formatPosition(positions: Positions): string {
  return Object.entries(positions)
    .map(([topic, offsets]) => `${topic}:${offsets.join('.')}`)
    .join(',')
}

/** @returns undefined where the text is no position */
export function parsePosition(text: string): Positions | undefined {
  const parts = text.trim().split(',')
  const positions: Record<string, number[]> = {}
  for (const part of parts) {
    const match = /^([a-z-]+):(\d+(?:\.\d+)*)$/.exec(part)
    if (!match?.[1] || !match[2]) return undefined
    positions[match[1]] = match[2].split('.').map(Number)
  }
  return positions
}
