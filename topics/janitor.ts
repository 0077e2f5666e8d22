/**
 * Retention of transient topics (rollouts, requests): what every consuming group has finished is forgotten after a while. The
 * progress records decide, so nothing that a task may still read goes, however old it is.
 */
import type { Log, TaskProgress } from './log.ts'

const DEFAULT_KEEP_SECONDS = 86_400
const DEFAULT_EVERY_SECONDS = 600

/** A group that reads transient topics; its log tells its namespace, so replays count too. */
interface Consumer {
  log: Log
  group: string
  inputs: readonly string[]
}

/** What a round of the janitor needs. */
export interface RetentionOptions {
  /** The log of the topics. */
  log: Log
  /** The transient topics. One that nobody consumes is kept. */
  topics: readonly string[]
  /** All groups that read them, whether or not they run now. */
  consumers: readonly Consumer[]
  /** From a progress value: for each input topic the lowest offset that its task may still read. */
  positionsOf: (progress: Uint8Array) => ReadonlyMap<string, number> | Promise<ReadonlyMap<string, number>>
  /** Records younger than this are kept, in seconds. @default 86400 */
  keepSeconds?: number
  /** The clock, in milliseconds since 1970. */
  now?: () => number
}

/** What is known of one partition when its cut is planned. */
export interface PartitionRetention {
  /** The first offset that can be read. */
  start: number
  /** For each consuming group the lowest offset that it may still read; undefined where its task has no progress yet. */
  positions: readonly (number | undefined)[]
  /** The first offset whose record is too young to go. */
  firstYoung: number
}

/** A deletion that a round made: everything of the partition below `offset`. */
export interface Cut {
  topic: string
  partition: number
  offset: number
}

/** The offset below which a partition may be forgotten; undefined where nothing may go. */
export function planCut({ start, positions, firstYoung }: PartitionRetention): number | undefined {
  if (positions.length === 0) return undefined
  let offset = firstYoung
  for (const position of positions) {
    if (position === undefined) return undefined
    offset = Math.min(offset, position)
  }
  return offset > start ? offset : undefined
}

/** One round over all transient topics. @returns what was cut */
export async function cutTransientTopics(options: RetentionOptions): Promise<Cut[]> {
  const { log, consumers, positionsOf, keepSeconds = DEFAULT_KEEP_SECONDS, now = Date.now } = options
  const youngSinceMs = now() - keepSeconds * 1000
  const progress = new Map<Consumer, TaskProgress[]>()
  for (const consumer of consumers) progress.set(consumer, await consumer.log.progress(consumer.group))
  const transient = new Set(options.topics)
  const cuts: Cut[] = []
  for (const topic of await log.describeTopics()) {
    const readers = consumers.filter(({ inputs }) => inputs.includes(topic.name))
    if (!transient.has(topic.name) || readers.length === 0) continue
    for (const [partition, start] of topic.startOffsets.entries()) {
      const positions = await Promise.all(
        readers.map(async (consumer) => {
          const own = progress.get(consumer)?.find(({ task }) => task === partition)
          return own && (await positionsOf(own.value)).get(topic.name)
        }),
      )
      // The age is looked up only where the groups let something go.
      const finished = planCut({ start, positions, firstYoung: topic.endOffsets[partition] ?? start })
      if (finished === undefined) continue
      const firstYoung = await firstYoungOffset(log, topic.name, partition, start, finished, youngSinceMs)
      const offset = planCut({ start, positions, firstYoung })
      if (offset === undefined) continue
      await log.deleteBefore({ topic: topic.name, partition, offset })
      cuts.push({ topic: topic.name, partition, offset })
    }
  }
  return cuts
}

/** The first offset in [low, high) whose record was written at `sinceMs` or later, else `high`; by bisection, times rise with offsets. */
async function firstYoungOffset(
  log: Log,
  topic: string,
  partition: number,
  low: number,
  high: number,
  sinceMs: number,
): Promise<number> {
  let from = low
  let to = high
  // The oldest record first: mostly it is young, and nothing more has to be read.
  let probe = low
  while (from < to) {
    const { records } = await log.read({ topic, partition, offset: probe }, { maxBytes: 1, maxWaitSeconds: 0 })
    const [record] = records
    // Where records are missing, the next one tells for the hole.
    if (!record || record.offset >= to || record.timestampMs >= sinceMs) to = probe
    else from = record.offset + 1
    probe = Math.floor((from + to) / 2)
  }
  return to
}

/** A janitor at work. */
export interface Janitor {
  /** Finishes the round it is in and makes no other. */
  stop(): Promise<void>
}

/**
 * Cuts the transient topics and has the log do its upkeep, at once and then every `everySeconds` after the last round (default 600).
 * A failed round goes to `onError`; the next one tries again.
 */
export function startJanitor(
  options: RetentionOptions & { everySeconds?: number; onError: (error: unknown) => void },
): Janitor {
  const { log, everySeconds = DEFAULT_EVERY_SECONDS, onError } = options
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  const round = async (): Promise<void> => {
    try {
      await cutTransientTopics(options)
      if (!stopped) await log.maintain()
    } catch (error) {
      onError(error)
    }
    if (stopped) return
    timer = setTimeout(() => {
      current = round()
    }, everySeconds * 1000)
    timer.unref()
  }
  let current = round()
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await current
    },
  }
}
