/** `wellspring tail`: the records of a topic as they lie in the corpus. */
import { Command } from 'commander'
import { deadLetters, topicNamed, topics, type Topic } from '../topics/catalogue.ts'
import type { Log, StoredRecord } from '../topics/log.ts'
import { decoded, openBeside, storedRecords, useCorpus, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { placeOf, placeOptions, type PlaceFlags } from './place.ts'
import { sayJson } from './terminal.ts'
import { noSuch } from './wrong-use.ts'

interface Options extends PlaceFlags {
  last?: number
  follow?: boolean
}

export function tailCommand(): Command {
  return placeOptions(new Command('tail').argument('<topic>', 'its name'))
    .option('-n, --last <count>', 'the last records only, over all partitions, in the order of their time', Number)
    .option('-f, --follow', 'go on as records come, until Ctrl-C')
    .addHelpText(
      'after',
      '\nExamples:\n  wellspring tail outcomes --last 1\n  wellspring tail preference-pairs --follow | jq -r .id\n  wellspring tail discards | jq -r .reason | sort | uniq -c',
    )
    .action(async (name: string, options: Options) => {
      const topic = topicNamed(name)
      if (!topic && name !== deadLetters.name) {
        throw new CommandError(
          exitCodes.usage,
          noSuch('topic', [name], [...Object.values(topics).map((one) => one.name), deadLetters.name]),
        )
      }
      const { last, follow = false } = options
      if (last !== undefined && !(Number.isInteger(last) && last > 0))
        throw new CommandError(exitCodes.usage, '--last: expected a whole number above 0')
      await useCorpus(await placeOf(options), openBeside, async (corpus) => {
        const stop = new AbortController()
        const interrupt = (): void => stop.abort()
        process.once('SIGINT', interrupt)
        try {
          const { signal } = stop
          const partitions = Array.from({ length: (topic ?? deadLetters).partitions }, (_, partition) => partition)
          const tell = async (stored: StoredRecord): Promise<void> => show(corpus, topic, stored)
          if (last === undefined) {
            const all = partitions.map(async (partition) => ({
              partition,
              ...(await corpus.log.offsets(name, partition)),
            }))
            await readOn(corpus.log, name, await Promise.all(all), { follow, signal }, tell)
            return
          }
          const ranges = await lastRanges(corpus.log, name, partitions, last, signal)
          for await (const stored of inTimeOrder(corpus.log, name, ranges)) {
            if (signal.aborted) return
            await tell(stored)
          }
          const ends = ranges.map((range) => ({ ...range, start: range.end }))
          if (follow) await readOn(corpus.log, name, ends, { follow, signal }, tell)
        } finally {
          process.off('SIGINT', interrupt)
        }
      })
    })
}

/** A dead letter, or what is no record of its topic, is shown as its bytes. */
async function show({ codec }: Corpus, topic: Topic | undefined, stored: StoredRecord): Promise<void> {
  const record = topic && (await decoded(codec, topic, stored))
  const content = record ?? { headers: stored.headers, value: Buffer.from(stored.value).toString('base64') }
  sayJson({ partition: stored.partition, offset: stored.offset, ...content })
}

/** Offsets of one partition: those from `start` on, below `end`. */
interface Range {
  partition: number
  start: number
  end: number
}

/** All partitions at once, each in its order; past its end too with `follow`. */
async function readOn(
  log: Log,
  topic: string,
  ranges: readonly Range[],
  { follow, signal }: { follow: boolean; signal: AbortSignal },
  tell: (stored: StoredRecord) => Promise<void>,
): Promise<void> {
  await Promise.all(
    ranges.map(async ({ partition, start, end }) => {
      for (let offset = start; !signal.aborted && (follow || offset < end);) {
        const { records, nextOffset } = await log.read(
          { topic, partition, offset },
          { maxBytes: 1 << 20, maxWaitSeconds: follow ? 5 : 0, signal },
        )
        for (const stored of records) await tell(stored)
        if (nextOffset === offset && !follow) return
        offset = nextOffset
      }
    }),
  )
}

/** A partition that is read backwards: what was found and not taken yet lies from `low` on. */
interface Backwards extends Range {
  low: number
  stride: number
  found: { offset: number; timestampMs: number }[]
}

/**
 * Where the last records of a topic lie, by time over all partitions. Offsets don't tell how many there are (those of transaction
 * marks, and of what was compacted away, hold none), so that each partition is read backwards, in strides that double, as far as needed.
 */
async function lastRanges(
  log: Log,
  topic: string,
  partitions: readonly number[],
  count: number,
  signal: AbortSignal,
): Promise<Range[]> {
  const stride = 2 + Math.ceil((2 * count) / partitions.length)
  const cursors = await Promise.all(
    partitions.map(async (partition): Promise<Backwards> => {
      const { start, end } = await log.offsets(topic, partition)
      return { partition, start, end, low: end, stride, found: [] }
    }),
  )
  const taken = new Map(cursors.map(({ partition, end }) => [partition, end]))
  for (let left = count; left > 0 && !signal.aborted; left--) {
    await Promise.all(cursors.map((cursor) => stepBack(log, topic, cursor, signal)))
    const latest = cursors.reduce<Backwards | undefined>(
      (best, one) => (timeOf(one) >= timeOf(best) ? one : best),
      undefined,
    )
    const last = latest?.found.pop()
    if (!latest || !last) break
    taken.set(latest.partition, last.offset)
  }
  return cursors.map(({ partition, start, end }) => ({ partition, start: taken.get(partition) ?? start, end }))
}

/** The time of the last record that was found and not taken. */
function timeOf(cursor: Backwards | undefined): number {
  return cursor?.found.at(-1)?.timestampMs ?? -Infinity
}

/** Reads further back until there is a record, or the start. */
async function stepBack(log: Log, topic: string, cursor: Backwards, signal: AbortSignal): Promise<void> {
  while (cursor.found.length === 0 && cursor.low > cursor.start && !signal.aborted) {
    const from = Math.max(cursor.start, cursor.low - cursor.stride)
    for await (const { offset, timestampMs } of storedRecords(log, topic, cursor.partition, from, cursor.low))
      cursor.found.push({ offset, timestampMs })
    cursor.low = from
    cursor.stride *= 2
  }
}

/** The records of some partitions in the order of their time, those of one partition as they lie there. */
async function* inTimeOrder(log: Log, topic: string, ranges: readonly Range[]): AsyncGenerator<StoredRecord> {
  const sources = ranges.map(({ partition, start, end }) => storedRecords(log, topic, partition, start, end))
  const heads = await Promise.all(sources.map((source) => source.next()))
  for (;;) {
    let first = -1
    let earliestMs = Infinity
    for (const [index, head] of heads.entries()) {
      if (head.done === true || head.value.timestampMs >= earliestMs) continue
      first = index
      earliestMs = head.value.timestampMs
    }
    const [source, head] = [sources[first], heads[first]]
    if (!source || !head || head.done === true) return
    yield head.value
    heads[first] = await source.next()
  }
}
