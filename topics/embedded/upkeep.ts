/**
 * Retention and compaction: both rewrite a partition in transactions of bounded size through the store's writer, so readers and
 * commits go on beside them, and a crash between two of them leaves a log that reads the same.
 */
import { countOf, encodeBatch, lastOffsetOf, recordsOf, type BatchRecord } from './batch.ts'
import type { Environment } from './environment.ts'
import { baseOffsetOfBatchKey, batchKey, batchKeys } from './layout.ts'
import { BATCH_BYTES, type Partition, type Plan, type Store } from './store.ts'

/** Read and rewritten at a time. */
const STEP_BYTES = 4 * 1024 * 1024
/** A compacted partition is gone through again when at least this share of it is new. */
const NEW_SHARE = 0.1

/** Forgets all records below `offset`. */
export async function deleteBelow(store: Store, partition: Partition, offset: number): Promise<void> {
  let finished = false
  for (let step = 0; !finished; step += 1) {
    await store.write({
      bytes: 1024,
      frees: true,
      prepare: (plan) => {
        const extent = plan.extent(partition)
        // What is appended in this very transaction stays.
        extent.start = Math.max(extent.start, Math.min(offset, partition.extent.end))
        finished = trim(store.environment, plan, partition)
      },
    })
    if (step === 0) store.fault('retention:begun')
  }
}

/** Removes batches below the partition's start, some megabytes of them. @returns whether none is left */
function trim(environment: Environment, plan: Plan, partition: Partition): boolean {
  const extent = plan.extent(partition)
  const { topic, number } = partition
  let bytes = 0
  const range = { start: batchKey(topic.id, number, 0), end: batchKey(topic.id, number, extent.start) }
  for (const { key, value } of environment.entries(range)) {
    if (bytes > STEP_BYTES) return false
    bytes += value.length
    const baseOffset = baseOffsetOfBatchKey(key)
    plan.changes.push({ key, value: undefined })
    extent.bytes -= value.length
    extent.records -= countOf(value)
    if (lastOffsetOf(baseOffset, value) < extent.start) continue
    const kept = recordsOf({ topic: topic.name, partition: number, baseOffset }, value, extent.start)
    extent.records += kept.length
    extent.bytes += putBatch(plan, partition, kept)
  }
  return true
}

function putBatch(plan: Plan, partition: Partition, records: readonly BatchRecord[]): number {
  const [first] = records
  if (!first) return 0
  const value = Buffer.from(encodeBatch(records))
  plan.changes.push({ key: batchKey(partition.topic.id, partition.number, first.offset), value })
  return value.length
}

/** Compacts every compacted topic that has changed enough, and removes what a crash left of an earlier deletion. */
export async function maintainStore(store: Store): Promise<void> {
  store.environment.checkReaders()
  for (const topic of [...store.allTopics()]) {
    for (const partition of topic.parts) {
      const { extent } = partition
      const range = {
        start: batchKey(topic.id, partition.number, 0),
        end: batchKey(topic.id, partition.number, extent.start),
      }
      for (const _leftover of store.environment.keys(range, { limit: 1 }))
        await deleteBelow(store, partition, extent.start)
      const added = extent.end - Math.max(extent.compactedTo, extent.start)
      if (topic.compacted && added > 0 && added >= extent.recordsWhenCompacted * NEW_SHARE)
        await compact(store, partition)
    }
  }
}

async function compact(store: Store, partition: Partition): Promise<void> {
  const scannedTo = partition.extent.end
  const latest = await latestOffsets(store.environment, partition, scannedTo)
  let from = partition.extent.start
  for (let step = 0; from < scannedTo; step += 1) {
    await store.write({
      bytes: STEP_BYTES / 2,
      frees: true,
      prepare: (plan) => {
        from = compactStep(store.environment, plan, partition, latest, from, scannedTo)
        if (from < scannedTo) return
        const extent = plan.extent(partition)
        extent.compactedTo = scannedTo
        extent.recordsWhenCompacted = extent.records
      },
    })
    if (step === 0) store.fault('compaction:begun')
  }
}

/** The offset of the last record of every key, among those below `end`. */
async function latestOffsets(
  environment: Environment,
  partition: Partition,
  end: number,
): Promise<Map<string, number>> {
  const { topic, number } = partition
  const latest = new Map<string, number>()
  let from = partition.extent.start
  while (from < end) {
    let bytes = 0
    let next = end
    for (const { key, value } of environment.entries({
      start: batchKey(topic.id, number, from),
      end: batchKey(topic.id, number, end),
    })) {
      const baseOffset = baseOffsetOfBatchKey(key)
      if (bytes > STEP_BYTES) {
        next = baseOffset
        break
      }
      bytes += value.length
      for (const record of recordsOf({ topic: topic.name, partition: number, baseOffset }, value))
        latest.set(record.key, record.offset)
    }
    from = next
    await new Promise(setImmediate)
  }
  return latest
}

/** Rewrites some megabytes of batches from `from` on. @returns where to go on */
function compactStep(
  environment: Environment,
  plan: Plan,
  partition: Partition,
  latest: ReadonlyMap<string, number>,
  from: number,
  end: number,
): number {
  const { topic, number } = partition
  const taken: { key: Buffer; value: Buffer }[] = []
  let bytes = 0
  let next = end
  for (const entry of environment.entries({
    start: batchKeys(topic.id, number, from).start,
    end: batchKey(topic.id, number, end),
  })) {
    if (bytes > STEP_BYTES / 2) {
      next = baseOffsetOfBatchKey(entry.key)
      break
    }
    taken.push(entry)
    bytes += entry.value.length
  }
  let count = 0
  const kept: BatchRecord[] = []
  for (const { key, value } of taken) {
    count += countOf(value)
    for (const record of recordsOf(
      { topic: topic.name, partition: number, baseOffset: baseOffsetOfBatchKey(key) },
      value,
    )) {
      if (latest.get(record.key) === record.offset) kept.push(record)
    }
  }
  const small = taken.length > 1 && bytes / taken.length < BATCH_BYTES / 4
  if (kept.length === count && !small) return next
  const extent = plan.extent(partition)
  for (const { key } of taken) plan.changes.push({ key, value: undefined })
  extent.records -= count - kept.length
  extent.bytes -= bytes
  let batch: BatchRecord[] = []
  let batchBytes = 0
  for (const record of kept) {
    if (batch.length > 0 && batchBytes + record.value.length > BATCH_BYTES) {
      extent.bytes += putBatch(plan, partition, batch)
      batch = []
      batchBytes = 0
    }
    batch.push(record)
    batchBytes += record.value.length
  }
  extent.bytes += putBatch(plan, partition, batch)
  return next
}
