/**
 * Moves a corpus from one log to another: every record that the source holds, in its order, and what tasks have (progress, state, kept
 * calls), with ids and ancestry as they are, schema ids and positions as they must be on the target. The copy is itself a task on the
 * target, so it commits as any processor does: it is fenced, goes on after a kill where it stopped, and tells everybody that opens
 * the target whether it is complete.
 */
import { schemaTexts } from '../../schemas/generated.ts'
import { ingestedTopics, topicSpecifications, type RecordKind } from '../../topics/catalogue.ts'
import { LogError, type Group, type Log } from '../../topics/log.ts'
import { copyGroup, encodeProgress, parseProgress, refuseUnfinishedCopy, type CopyProgress } from './copy-progress.ts'
import { HeldTasks, type HeldTask } from './held-tasks.ts'
import { PositionMap } from './position-map.ts'
import { checkRecords } from './record-check.ts'
import {
  countOf,
  readCursors,
  readPending,
  RecordCopy,
  tables,
  type ChunkLimits,
  type Cursor,
  type Extent,
} from './record-copy.ts'
import { changed, CopyRefusal, notEmpty } from './refusal.ts'
import { Rewriting, type NewPositions } from './rewriting.ts'
import { checkTasks, copyTasks, markOf, tasksWithProgress, type TaskToCopy } from './task-copy.ts'

/** How far a copy is. `records` count what this run has done of `total`; the total is an estimate on Kafka. */
export interface CopyStatus {
  phase: 'settling' | 'opening' | 'records' | 'tasks' | 'check'
  topic: string
  records: number
  total: number
  bytes: number
}

export interface CopyOptions {
  source: Log
  /** Opens the target, whose topics must be there; called a second time for the check, after the first was closed. */
  openTarget: () => Promise<Log>
  /** The groups of all processors. */
  groups: readonly Group[]
  /** Every schema that this release writes, by the subject that it stands under. */
  subjects: readonly { subject: string; kind: RecordKind }[]
  /** The source in words. */
  from: string
  /** What one commit holds at most. @default 5000 records, 4 MiB */
  chunk?: ChunkLimits
  onStatus: (status: CopyStatus) => void
  signal: AbortSignal
}

/** What a copy came to. */
export interface CopyReport {
  /** Records on the target, and how many of them an earlier run had copied. */
  records: number
  recordsBefore: number
  /** Tasks whose progress and state went over, and entries of their state. */
  tasks: number
  stateEntries: number
  /** Positions whose record the source does not hold any more, by what names them. */
  gonePositions: Record<string, number>
  /** Finished calls of records that the source does not hold any more; they stay behind. */
  callsLeft: number
  /** Records that were ingested after this run had looked. */
  recordsSince: number
  /** Topics of the source that this release does not know; they stay behind. */
  unknownTopics: string[]
}

/** Copies and checks. @throws CopyRefusal, ConfigurationError where the source is itself an unfinished copy, LogError, the signal's reason */
export async function copyCorpus(options: CopyOptions): Promise<CopyReport> {
  const { source, openTarget, groups, subjects, from, signal } = options
  await refuseUnfinishedCopy(source)
  if (source.settled) options.onStatus({ phase: 'settling', topic: '', records: 0, total: 0, bytes: 0 })
  await settle(source, groups, signal)
  const tasks = await tasksWithProgress(source, groups)
  // Records of a commit may show a moment after its progress.
  await settle(source, groups, signal)
  const { extents, unknownTopics, records: total } = await extentsOf(source)
  let beganAtMs = Date.now()
  const progressOf = (phase: CopyProgress['phase']) => (): Uint8Array => encodeProgress({ phase, from, beganAtMs })
  let report: CopyReport | undefined
  options.onStatus({ phase: 'opening', topic: '', records: 0, total, bytes: 0 })

  await withCopyTask(openTarget, signal, async (target, copy) => {
    // At once, so that no id that is free now is given later, and what is missing shows before anything is written.
    for (const { subject, kind } of subjects) await target.schemas.idOf(subject, schemaTexts[kind])
    const map = new PositionMap(() => copy.state)
    const rewriting = new Rewriting(source.schemas, target.schemas, map)
    const cursors = readCursors(copy)
    const recordsBefore = sumOfRecords(cursors)
    const progress = copy.progress && parseProgress(copy.progress.value)
    if (progress) {
      beganAtMs = Math.min(beganAtMs, progress.beganAtMs)
      await refuseForeign(target, copy, tasks, progress, extents, signal)
      await refuseOther({ source, target, map, rewriting, cursors, signal }, extents, progress)
    } else {
      await settle(target, groups, signal)
      await refuseOccupied(target, groups, signal)
    }
    const isDone = progress?.phase === 'complete' && isCopied(copy, cursors, extents, tasks)
    if (!isDone) await copy.commit({}, progressOf('copying'))

    const status: CopyStatus = { phase: 'records', topic: '', records: recordsBefore, total, bytes: 0 }
    options.onStatus(status)
    const common = { source, target, rewriting, progressOf: progressOf('copying'), signal }
    const records = new RecordCopy({
      ...{ ...common, task: copy, map, chunk: options.chunk },
      onDone: ({ topic, records: done, bytes }) => {
        options.onStatus(Object.assign(status, { topic, records: status.records + done, bytes: status.bytes + bytes }))
      },
    })
    if (!isDone) await records.copy(extents)
    let stateEntries = 0
    await copyTasks(
      {
        ...{ ...common, copy },
        onDone: ({ group, entries }) => {
          stateEntries += entries
          options.onStatus({ ...status, phase: 'tasks', topic: group })
        },
      },
      tasks,
    )
    report = {
      records: sumOfRecords(readCursors(copy)),
      ...{ recordsBefore, tasks: tasks.length, stateEntries, recordsSince: 0, unknownTopics },
      ...{ gonePositions: {}, callsLeft: 0 },
    }
  })
  if (!report) throw new TypeError('a copy ended without a report')

  // Opened anew, the target shows what its log holds, not what this process remembers.
  const made = report
  await withCopyTask(openTarget, signal, async (target, copy) => {
    const map = new PositionMap(() => copy.state)
    const rewritingWith = (positions: NewPositions): Rewriting =>
      new Rewriting(source.schemas, target.schemas, positions)
    const status: CopyStatus = { phase: 'check', topic: '', records: 0, total: made.records, bytes: 0 }
    options.onStatus(status)
    const isComplete = copy.progress !== undefined && parseProgress(copy.progress.value).phase === 'complete'
    const ofTasks = rewritingWith(map)
    try {
      const goneInRecords = await checkRecords(
        {
          ...{ source, target, map, rewritingWith, beganAtMs, signal },
          onDone: ({ topic, records, bytes }) => {
            const done = { topic, records: status.records + records, bytes: status.bytes + bytes }
            options.onStatus(Object.assign(status, done))
          },
        },
        extents,
      )
      made.stateEntries = await checkTasks({ source, target, copy, rewriting: ofTasks, signal }, tasks)
      made.gonePositions = Object.fromEntries([...goneInRecords, ...ofTasks.gone])
      made.callsLeft = ofTasks.callsLeft
    } catch (error) {
      if (!(error instanceof CopyRefusal) || error.code !== 'different') throw error
      if (isComplete) await copy.commit({}, progressOf('copying'))
      await refuseChanged(source, groups, tasks)
      throw error
    }
    await settle(source, groups, signal)
    await refuseChanged(source, groups, tasks)
    made.recordsSince = await recordsSince(source, extents, signal)
    if (!isComplete) await copy.commit({}, progressOf('complete'))
  })
  return made
}

/** Waits until nothing that hides records is left open. */
async function settle(log: Log, groups: readonly Group[], signal: AbortSignal): Promise<void> {
  const topics = topicSpecifications().map(({ name }) => name)
  await log.settled?.(
    topics,
    groups.map(({ name }) => name),
    signal,
  )
}

async function withCopyTask(
  openTarget: () => Promise<Log>,
  signal: AbortSignal,
  work: (target: Log, copy: HeldTask) => Promise<void>,
): Promise<void> {
  const target = await openTarget()
  try {
    await target.ensureTopics([], [copyGroup])
    const held = await HeldTasks.hold(target, copyGroup, signal)
    try {
      const copy = await held.open(0)
      await work(target, copy)
      await copy.close()
    } finally {
      await held.release()
    }
  } finally {
    await target.close()
  }
}

/** What the source holds now. @throws LogError 'topic_mismatch' */
async function extentsOf(source: Log): Promise<{ extents: Extent[]; unknownTopics: string[]; records: number }> {
  const expected = new Map(topicSpecifications().map((one) => [one.name, one.partitions]))
  const extents: Extent[] = []
  const unknownTopics: string[] = []
  let records = 0
  for (const found of await source.describeTopics()) {
    const { name, partitions, startOffsets, endOffsets } = found
    const count = expected.get(name)
    if (count === undefined) {
      if (found.records > 0) unknownTopics.push(name)
      continue
    }
    if (count !== partitions)
      throw new LogError(
        'topic_mismatch',
        `the source's topic ${name} has ${partitions} partitions, expected ${count}: keys and state would not go together on the target`,
      )
    records += found.records
    for (const [partition, start] of startOffsets.entries())
      extents.push({ topic: name, partition, start, end: endOffsets[partition] ?? start })
  }
  return { extents, unknownTopics, records }
}

/** Whether everything that the source holds now was copied. */
function isCopied(
  copy: HeldTask,
  cursors: ReadonlyMap<string, Cursor>,
  extents: readonly Extent[],
  tasks: readonly TaskToCopy[],
): boolean {
  return (
    readPending(copy).size === 0 &&
    extents.every(({ topic, partition, start, end }) => (cursors.get(`${topic}/${partition}`)?.next ?? start) >= end) &&
    tasks.every((one) => markOf(copy, one)?.source === one.sequence)
  )
}

function sumOfRecords(cursors: ReadonlyMap<string, Cursor>): number {
  return [...cursors.values()].reduce((sum, { records }) => sum + records, 0)
}

/** @throws CopyRefusal where a target that nobody copied to holds anything */
async function refuseOccupied(target: Log, groups: readonly Group[], signal: AbortSignal): Promise<void> {
  const ours = new Set(topicSpecifications().map(({ name }) => name))
  for (const { name, partitions, startOffsets, endOffsets } of await target.describeTopics()) {
    if (!ours.has(name)) continue
    for (let partition = 0; partition < partitions; partition++) {
      const extent = { topic: name, partition, start: startOffsets[partition] ?? 0, end: endOffsets[partition] ?? 0 }
      if ((await countRecords(target, extent, 1, signal)) > 0)
        throw notEmpty(`the target has records in ${name} and is no copy`)
    }
  }
  const [task] = await tasksWithProgress(target, groups)
  if (task) throw notEmpty(`the target has progress of ${task.group.name} and is no copy`)
}

/** @throws CopyRefusal where the target holds what its copy did not write */
async function refuseForeign(
  target: Log,
  copy: HeldTask,
  tasks: readonly TaskToCopy[],
  { phase, from }: CopyProgress,
  extents: readonly Extent[],
  signal: AbortSignal,
): Promise<void> {
  const cursors = readCursors(copy)
  const pending = readPending(copy)
  await Promise.all(
    extents.map(async ({ topic, partition }) => {
      if (tables.has(topic)) return
      const place = `${topic}/${partition}`
      const expected = countOf(pending.get(place) ?? [])
      const { end } = await target.offsets(topic, partition)
      const since = { topic, partition, start: cursors.get(place)?.end ?? 0, end }
      if ((await countRecords(target, since, expected + 1, signal)) > expected)
        throw notEmpty(`the target is a copy of ${from} and has got records of its own in ${topic} since`)
    }),
  )
  if (phase !== 'complete') return
  for (const one of await tasksWithProgress(target, [...new Set(tasks.map(({ group }) => group))])) {
    if (markOf(copy, one)?.target !== one.sequence)
      throw notEmpty(`the target is a copy of ${from} on which ${one.group.name} has worked since`)
  }
}

/** @throws CopyRefusal where what was copied last is not what the source holds there */
async function refuseOther(
  {
    source,
    target,
    map,
    rewriting,
    cursors,
    signal,
  }: {
    source: Log
    target: Log
    map: PositionMap
    rewriting: Rewriting
    cursors: ReadonlyMap<string, Cursor>
    signal: AbortSignal
  },
  extents: readonly Extent[],
  { from }: CopyProgress,
): Promise<void> {
  await Promise.all(
    [...cursors.keys()].map(async (place) => {
      const [topic = '', number] = place.split('/')
      const partition = Number(number)
      const last = map.last(topic, partition)
      const extent = extents.find((one) => one.topic === topic && one.partition === partition)
      if (tables.has(topic) || !last || last.source < (extent?.start ?? 0)) return
      const read = async (log: Log, offset: number) =>
        (await log.read({ topic, partition, offset }, { maxBytes: 1, maxWaitSeconds: 5, signal })).records[0]
      const isThere = last.source < (extent?.end ?? 0)
      const [then, now] = [isThere ? await read(source, last.source) : undefined, await read(target, last.target)]
      signal.throwIfAborted()
      const expected = then && (await rewriting.record(then))
      if (
        now?.key !== expected?.key ||
        Buffer.compare(now?.value ?? Buffer.alloc(0), expected?.value ?? Buffer.of(0)) !== 0
      )
        throw notEmpty(`the target is a copy of another corpus (${from}; ${place} tells)`)
    }),
  )
}

/** Records of a range, counted up to a limit. */
async function countRecords(
  log: Log,
  { topic, partition, start, end }: Extent,
  limit: number,
  signal: AbortSignal,
): Promise<number> {
  let count = 0
  for (let offset = start; offset < end && count < limit;) {
    const { records, nextOffset } = await log.read(
      { topic, partition, offset },
      { maxBytes: 1 << 20, maxWaitSeconds: 5, signal },
    )
    signal.throwIfAborted()
    count += records.filter((record) => record.offset < end).length
    if (nextOffset <= offset) break
    offset = nextOffset
  }
  return count
}

/** @throws CopyRefusal where tasks have committed since */
async function refuseChanged(source: Log, groups: readonly Group[], before: readonly TaskToCopy[]): Promise<void> {
  const sequences = new Map(before.map(({ group, task, sequence }) => [`${group.name}/${task}`, sequence]))
  for (const { group, task, sequence } of await tasksWithProgress(source, groups)) {
    if (sequences.get(`${group.name}/${task}`) !== sequence) throw changed(`${group.name} task ${task} made commits`)
  }
}

/** Records beyond the extents. @throws CopyRefusal where some are in topics that `ingest` does not write to */
async function recordsSince(source: Log, extents: readonly Extent[], signal: AbortSignal): Promise<number> {
  const counts = await Promise.all(
    extents.map(async ({ topic, partition, end: start }) => {
      const { end } = await source.offsets(topic, partition)
      const count = await countRecords(source, { topic, partition, start, end }, Infinity, signal)
      if (count > 0 && !ingestedTopics.includes(topic)) throw changed(`${count} records came to ${topic}`)
      return count
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}
