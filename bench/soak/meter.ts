/** What the system tells of a process and of a folder. Linux alone tells it all; elsewhere there is nothing to soak. */
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** A process at one moment. Sizes in bytes. */
export interface ProcessReading {
  /** Memory of its own: without the pages of files that it has mapped. */
  anonymous: number
  resident: number
  threads: number
  /** Open descriptors by what they lead to. */
  descriptors: Record<DescriptorKind, number>
}

const descriptorKinds = ['sockets', 'pipes', 'files', 'others'] as const
type DescriptorKind = (typeof descriptorKinds)[number]

/** A process that lives, told from a later one of the same number. */
export interface Living {
  pid: number
  startTicks: string
  command: string
}

/** @returns undefined where there is no such process any more */
export function readProcess(pid: number): ProcessReading | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
    const descriptors = Object.fromEntries(descriptorKinds.map((kind) => [kind, 0])) as Record<DescriptorKind, number>
    for (const name of readdirSync(`/proc/${pid}/fd`)) {
      const target = linkOf(`/proc/${pid}/fd/${name}`)
      if (target !== undefined) descriptors[kindOf(target)]++
    }
    return { anonymous: of('RssAnon') * 1024, resident: of('VmRSS') * 1024, threads: of('Threads'), descriptors }
  } catch {
    return undefined
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    // Closed meanwhile.
    return undefined
  }
}

function kindOf(target: string): DescriptorKind {
  if (target.startsWith('socket:')) return 'sockets'
  if (target.startsWith('pipe:')) return 'pipes'
  return target.startsWith('/') ? 'files' : 'others'
}

/** All processes that a process has started, and those that they have. */
export function descendantsOf(pid: number): Living[] {
  const parents = new Map<number, Living[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const found = livingOf(Number(name))
    if (found) parents.set(found.parent, [...(parents.get(found.parent) ?? []), found.living])
  }
  const below = (of: number): Living[] => (parents.get(of) ?? []).flatMap((one) => [one, ...below(one.pid)])
  return below(pid)
}

/** Whether a process that was seen before still lives. One that has ended and was not waited for yet counts as ended. */
export function isLiving({ pid, startTicks }: Living): boolean {
  const found = livingOf(pid)
  return found !== undefined && found.living.startTicks === startTicks && found.state !== 'Z'
}

function livingOf(pid: number): { living: Living; parent: number; state: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name stands in parentheses and may hold any character.
    const end = stat.lastIndexOf(')')
    const fields = stat.slice(end + 2).split(' ')
    const command = stat.slice(stat.indexOf('(') + 1, end)
    return { living: { pid, startTicks: fields[19] ?? '', command }, parent: Number(fields[1]), state: fields[0] ?? '' }
  } catch {
    return undefined
  }
}

/** Bytes that the files of a folder take on the disk. */
export function diskBytes(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    try {
      bytes += entry.isDirectory() ? diskBytes(path) : lstatSync(path).blocks * 512
    } catch {
      // Gone meanwhile.
    }
  }
  return bytes
}

/** Whether this system tells what is asked for here. */
export function canMeter(): boolean {
  try {
    return statSync('/proc/self/fd').isDirectory()
  } catch {
    return false
  }
}

/** Cumulative counts of a histogram, summed over its labels, by upper bound. */
export type Buckets = ReadonlyMap<number, number>

/** A histogram in the exposition text of /metrics. */
export function bucketsOf(text: string, name: string): Buckets {
  const sums = new Map<number, number>()
  const line = new RegExp(`^${name}_bucket\\{[^}]*\\ble="([^"]+)"[^}]*\\} (\\S+)`, 'gm')
  for (const [, le = '', count = ''] of text.matchAll(line)) {
    const bound = le === '+Inf' ? Infinity : Number(le)
    sums.set(bound, (sums.get(bound) ?? 0) + Number(count))
  }
  return sums
}

/**
 * Below which the given share lies of what came between two readings; 0 where nothing came. Within a bucket values are taken to be spread evenly, as
 * PromQL's histogram_quantile does; above the last finite bound nothing is known but that bound.
 */
export function quantileBetween(before: Buckets, after: Buckets, share: number): number {
  const grown = [...after]
    .map(([bound, count]) => ({ bound, count: count - (before.get(bound) ?? 0) }))
    .sort((a, b) => a.bound - b.bound)
  const wanted = share * (grown.at(-1)?.count ?? 0)
  if (wanted <= 0) return 0
  let below = { bound: 0, count: 0 }
  for (const bucket of grown) {
    if (bucket.count >= wanted)
      return bucket.bound === Infinity
        ? below.bound
        : below.bound + ((bucket.bound - below.bound) * (wanted - below.count)) / (bucket.count - below.count)
    below = bucket
  }
  return 0
}
