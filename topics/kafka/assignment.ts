/**
 * Which member of a group has which tasks: evenly, each where it is. A task that another live member has is given to nobody until
 * that member has given it up and joined again (as KIP-429), so no finished result is lost when tasks move.
 */

/** What a member says of itself when it joins. */
export interface MemberTasks {
  id: string
  /** Tasks that it works on, and the generation of the group that gave them. */
  owned: readonly number[]
  generation: number
  /** Tasks whose state it has on its disk. */
  warm: readonly number[]
}

export interface Assignment {
  /** Tasks by member id; a member without tasks has an empty list. */
  tasks: Map<string, number[]>
  /** Tasks that wait for their owner to give them up: the owner has to join again. */
  moving: number[]
}

/** Assigns tasks 0 to `taskCount` - 1. The same members give the same assignment, in whatever order they come. */
export function assignTasks(taskCount: number, members: readonly MemberTasks[]): Assignment {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1))
  const tasks = new Map(sorted.map(({ id }) => [id, [] as number[]]))
  if (sorted.length === 0) return { tasks, moving: [] }
  const owners = ownersOf(taskCount, sorted)
  // Those who have most may have the one task more that some must have.
  const held = (id: string): number => [...owners.values()].filter((owner) => owner === id).length
  const byHeld = sorted.map(({ id }) => ({ id, count: held(id) })).sort((a, b) => b.count - a.count)
  const quota = new Map<string, number>()
  const [least, more] = [Math.floor(taskCount / sorted.length), taskCount % sorted.length]
  for (const [index, { id }] of byHeld.entries()) quota.set(id, least + (index < more ? 1 : 0))

  const free: number[] = []
  const moving: number[] = []
  for (let task = 0; task < taskCount; task += 1) {
    const owner = owners.get(task)
    if (owner === undefined) free.push(task)
    else if ((tasks.get(owner)?.length ?? 0) < (quota.get(owner) ?? 0)) tasks.get(owner)?.push(task)
    else moving.push(task)
  }
  const hasRoom = (id: string): boolean => (tasks.get(id)?.length ?? 0) < (quota.get(id) ?? 0)
  const cold: number[] = []
  for (const task of free) {
    const warm = sorted.find((member) => member.warm.includes(task) && hasRoom(member.id))
    if (warm) tasks.get(warm.id)?.push(task)
    else cold.push(task)
  }
  for (const task of cold) {
    // There is room somewhere: the quotas add up to all tasks, and those that move take none now.
    const emptiest = sorted.filter(({ id }) => hasRoom(id)).sort((a, b) => sizeOf(tasks, a.id) - sizeOf(tasks, b.id))[0]
    if (emptiest) tasks.get(emptiest.id)?.push(task)
  }
  for (const list of tasks.values()) list.sort((a, b) => a - b)
  return { tasks, moving }
}

/** Who has each task: where two claim it, the one of the later generation, as the other has slept. */
function ownersOf(taskCount: number, members: readonly MemberTasks[]): Map<number, string> {
  const owners = new Map<number, { id: string; generation: number }>()
  for (const { id, owned, generation } of members) {
    for (const task of owned) {
      if (!Number.isInteger(task) || task < 0 || task >= taskCount) continue
      const known = owners.get(task)
      if (!known || known.generation < generation) owners.set(task, { id, generation })
    }
  }
  return new Map([...owners].map(([task, { id }]) => [task, id]))
}

function sizeOf(tasks: ReadonlyMap<string, readonly number[]>, id: string): number {
  return tasks.get(id)?.length ?? 0
}
