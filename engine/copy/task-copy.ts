/**
 * Copies what tasks have: their state and their progress, so that processors go on where they stopped. Commits of a task are counted
 * anew on the target, from 1: nothing but the log itself goes by their numbers.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Group, Log, StateChange } from '../../topics/log.ts'
import { HeldTasks, type HeldTask } from './held-tasks.ts'
import { changed, different } from './refusal.ts'
import type { Rewriting } from './rewriting.ts'

const commitBytes = 2 << 20
const commitChanges = 5000
const markPrefix = 'task/'
/** Heartbeats must get their turn beside reads that never wait. */
const entriesPerTurn = 1000

/** Commits of a task that were copied: the source's sequence, and the one under which the target has them. */
export interface TaskMark {
  source: number
  target: number
}

/** A task of a group that has progress on the source. */
export interface TaskToCopy {
  group: Group
  task: number
  sequence: number
}

/** All tasks that have progress on a log. */
export async function tasksWithProgress(log: Log, groups: readonly Group[]): Promise<TaskToCopy[]> {
  const found = await Promise.all(
    groups.map(async (group) =>
      (await log.progress(group.name)).map(({ task, sequence }) => ({ group, task, sequence })),
    ),
  )
  return found.flat()
}

function markKey({ group, task }: Pick<TaskToCopy, 'group' | 'task'>): string {
  return `${markPrefix}${group.name}/${task}`
}

/** What was copied of a task; undefined where it was not, or not wholly. */
export function markOf(copy: HeldTask, of: Pick<TaskToCopy, 'group' | 'task'>): TaskMark | undefined {
  const value = copy.state.get(markKey(of))
  return value && (JSON.parse(Buffer.from(value).toString()) as TaskMark)
}

export interface TaskCopyOptions {
  source: Log
  target: Log
  /** The copy's own task on the target. */
  copy: HeldTask
  rewriting: Rewriting
  progressOf: (sequence: number) => Uint8Array
  onDone: (done: { group: string; task: number; entries: number }) => void
  signal: AbortSignal
}

/** Copies the tasks that were not copied as they are now. @throws LogError, the signal's reason */
export async function copyTasks(options: TaskCopyOptions, tasks: readonly TaskToCopy[]): Promise<void> {
  const { source, target, copy, progressOf, signal } = options
  const wanted = tasks.filter((one) => markOf(copy, one)?.source !== one.sequence)
  await withTasks({ source, target, signal }, wanted, async (one, from, to) => {
    const entries = await copyTask(options, one, from, to)
    const mark: TaskMark = { source: one.sequence, target: to.sequence }
    await copy.commit({ state: [{ key: markKey(one), value: Buffer.from(JSON.stringify(mark)) }] }, progressOf)
    options.onDone({ group: one.group.name, task: one.task, entries })
  })
}

/** Takes the groups of tasks on both logs and opens one task after another on both. */
async function withTasks(
  { source, target, signal }: Pick<TaskCopyOptions, 'source' | 'target' | 'signal'>,
  tasks: readonly TaskToCopy[],
  work: (one: TaskToCopy, from: HeldTask, to: HeldTask) => Promise<void>,
): Promise<void> {
  const groups = [...new Set(tasks.map(({ group }) => group))]
  const held: HeldTasks[] = []
  const hold = async (log: Log, group: Group): Promise<HeldTasks> => {
    const one = await HeldTasks.hold(log, group, signal)
    held.push(one)
    return one
  }
  try {
    const pairs = await Promise.allSettled(
      groups.map(async (group) => ({ group, from: await hold(source, group), to: await hold(target, group) })),
    )
    for (const pair of pairs) {
      if (pair.status === 'rejected') throw pair.reason
      const { group, from, to } = pair.value
      for (const one of tasks.filter((task) => task.group === group)) {
        const fromTask = await from.open(one.task)
        const toTask = await to.open(one.task)
        signal.throwIfAborted()
        if (fromTask.sequence !== one.sequence) throw changed(`${one.group.name} task ${one.task} made commits`)
        await work(one, fromTask, toTask)
        await fromTask.close()
        await toTask.close()
      }
      to.check()
      from.check()
    }
  } finally {
    await Promise.all(held.map((one) => one.release()))
  }
}

async function copyTask(
  { rewriting, signal }: TaskCopyOptions,
  { group, task }: TaskToCopy,
  from: HeldTask,
  to: HeldTask,
): Promise<number> {
  const progress = await rewriting.progress(group.name, task, valueOf(from))
  let state: StateChange[] = []
  let bytes = 0
  const put = async (change: StateChange): Promise<void> => {
    state.push(change)
    bytes += change.key.length + (change.value?.byteLength ?? 0)
    if (bytes < commitBytes && state.length < commitChanges) return
    await to.commit({ state }, progress.at)
    state = []
    bytes = 0
  }
  // What an earlier attempt left may be of keys that are gone by now.
  for (const { key } of to.state.entries()) await put({ key, value: undefined })
  if (state.length > 0) await to.commit({ state: state.splice(0) }, progress.at)
  let entries = 0
  for (const { key, value: entry } of from.state.entries()) {
    signal.throwIfAborted()
    const change = await rewriting.state(group.name, task, key, entry)
    if (!change) continue
    entries++
    await put(change)
  }
  await to.commit({ state, watermarks: progress.watermarks }, progress.at)
  return entries
}

/** Holds the copied tasks against the source's, as the target's log has them. @throws LogError 'damaged' */
export async function checkTasks(
  { source, target, copy, rewriting, signal }: Omit<TaskCopyOptions, 'progressOf' | 'onDone'>,
  tasks: readonly TaskToCopy[],
): Promise<number> {
  let checked = 0
  await withTasks({ source, target, signal }, tasks, async (one, from, to) => {
    const { group, task } = one
    const where = `${group.name} task ${task}`
    const mark = markOf(copy, one)
    if (mark?.source !== from.sequence || mark.target !== to.sequence)
      throw different(`the progress of ${where} is of commit ${to.sequence}, expected ${mark?.target ?? 'one'}`)
    const progress = await rewriting.progress(group.name, task, valueOf(from))
    if (Buffer.compare(progress.at(to.sequence), valueOf(to)) !== 0)
      throw different(`the progress of ${where} is not that of the source`)
    let entries = 0
    for (const { key, value } of from.state.entries()) {
      const change = await rewriting.state(group.name, task, key, value)
      if (!change?.value) continue
      if (++entries % entriesPerTurn === 0) {
        await nextTurn()
        signal.throwIfAborted()
      }
      const found = to.state.get(change.key)
      if (!found || Buffer.compare(found, change.value) !== 0)
        throw different(`the state of ${where} differs at ${JSON.stringify(change.key)}`)
    }
    let found = 0
    for (const _entry of to.state.entries()) found++
    if (found !== entries) throw different(`the state of ${where} has ${found} entries, expected ${entries}`)
    checked += entries
  })
  return checked
}

function valueOf({ progress }: HeldTask): Uint8Array {
  return progress?.value ?? new Uint8Array()
}
