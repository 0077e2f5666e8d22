/** Cumulative counts of tasks: what the ledger and the progress of a commit carry. */
import type { LedgerEntry, TaskCounts } from '../schemas/generated.ts'
import type { TokenUsage } from './ports.ts'

/** What one finished record, or step of a source, counts as. */
export interface Counted {
  outputs: readonly { topic: string }[]
  entered: number
  left: number
  discarded: string | undefined
  deadLettered: boolean
}

/** Counts of a task that has done nothing yet. */
export function emptyCounts(): TaskCounts {
  return {
    finished: 0,
    discarded: 0,
    deadLettered: 0,
    entered: 0,
    left: 0,
    calls: 0,
    promptTokens: 0,
    completionTokens: 0,
    callSeconds: 0,
    emitted: {},
    discards: {},
  }
}

/** A copy that can be counted on. */
export function cloneCounts(counts: TaskCounts): TaskCounts {
  return { ...counts, emitted: { ...counts.emitted }, discards: { ...counts.discards } }
}

/** Adds one finished call. */
export function countCall(counts: TaskCounts, call: { usage: TokenUsage; latencySeconds: number }): void {
  counts.calls++
  counts.promptTokens += call.usage.prompt
  counts.completionTokens += call.usage.completion
  counts.callSeconds += call.latencySeconds
}

/** Adds one finished record. */
export function count(counts: TaskCounts, finished: Counted): void {
  counts.finished++
  counts.entered += finished.entered
  counts.left += finished.left
  if (finished.deadLettered) counts.deadLettered++
  if (finished.discarded !== undefined) {
    counts.discarded++
    counts.discards[finished.discarded] = (counts.discards[finished.discarded] ?? 0) + 1
  }
  for (const { topic } of finished.outputs) counts.emitted[topic] = (counts.emitted[topic] ?? 0) + 1
}

/** Counts of several tasks together. */
export function addCounts(all: readonly TaskCounts[]): TaskCounts {
  const plain = [
    'finished',
    'discarded',
    'deadLettered',
    'entered',
    'left',
    'calls',
    'promptTokens',
    'completionTokens',
    'callSeconds',
  ] as const
  const added = Object.fromEntries(
    plain.map((name) => [name, all.reduce((sum, counts) => sum + counts[name], 0)]),
  ) as Record<(typeof plain)[number], number>
  return {
    ...added,
    emitted: addMaps(all.map(({ emitted }) => emitted)),
    discards: addMaps(all.map(({ discards }) => discards)),
  }
}

/** Records that a processor has emitted to a topic, over all its tasks. */
export function emittedBy(
  entries: readonly Pick<LedgerEntry, 'processor' | 'counts'>[],
  name: string,
  topic: { name: string },
): number {
  return entries
    .filter(({ processor }) => processor === name)
    .reduce((sum, { counts }) => sum + (counts.emitted[topic.name] ?? 0), 0)
}

function addMaps(maps: readonly Record<string, number>[]): Record<string, number> {
  const result: Record<string, number> = {}
  for (const map of maps) for (const [name, value] of Object.entries(map)) result[name] = (result[name] ?? 0) + value
  return result
}
