import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignTasks, type Assignment, type MemberTasks } from '../../topics/kafka/assignment.ts'

function member(id: string, owned: readonly number[] = [], more: Partial<MemberTasks> = {}): MemberTasks {
  return { id, owned, generation: 1, warm: [], ...more }
}

function allTasks(count: number): number[] {
  return Array.from({ length: count }, (_, task) => task)
}

function tasksOf({ tasks }: Assignment, id: string): number[] {
  return tasks.get(id) ?? []
}

/** Members as they come back once they have given up what they are to lose. */
function rejoined(members: readonly MemberTasks[], given: Assignment): MemberTasks[] {
  return members.map((one) => ({ ...one, owned: tasksOf(given, one.id), generation: one.generation + 1 }))
}

/** The owner that counts: of several claims the one of the latest generation, the first by name where that is the same. */
function ownerOf(task: number, members: readonly MemberTasks[]): string | undefined {
  return [...members]
    .sort((a, b) => b.generation - a.generation || (a.id < b.id ? -1 : 1))
    .find(({ owned }) => owned.includes(task))?.id
}

const anyTasks = fc.uniqueArray(fc.integer({ min: -1, max: 14 }), { maxLength: 12 })
/** Members in any state: tasks claimed twice, tasks that there are not, old generations. */
const group = fc.record({
  taskCount: fc.integer({ min: 0, max: 14 }),
  members: fc.uniqueArray(
    fc.record({
      id: fc.string({ minLength: 1, maxLength: 3 }),
      owned: anyTasks,
      generation: fc.integer({ min: -1, max: 3 }),
      warm: anyTasks,
    }),
    { maxLength: 6, selector: ({ id }) => id },
  ),
})

describe('assigning tasks to the members of a group', () => {
  it('gives every task to one member, or to nobody while its owner has to give it up', () => {
    fc.assert(
      fc.property(group, ({ taskCount, members }) => {
        const given = assignTasks(taskCount, members)
        expect([...given.tasks.keys()].sort()).toEqual(members.map(({ id }) => id).sort())
        const placed = [...given.tasks.values()].flat()
        const everything = [...placed, ...given.moving].sort((a, b) => a - b)
        expect(everything).toEqual(members.length === 0 ? [] : allTasks(taskCount))
      }),
    )
  })

  it('never gives a task to one member while another has it', () => {
    fc.assert(
      fc.property(group, ({ taskCount, members }) => {
        const given = assignTasks(taskCount, members)
        for (const [id, tasks] of given.tasks) {
          for (const task of tasks) expect([undefined, id]).toContain(ownerOf(task, members))
        }
      }),
    )
  })

  it('does not depend on the order of the members', () => {
    fc.assert(
      fc.property(group, fc.array(fc.nat(), { minLength: 6, maxLength: 6 }), ({ taskCount, members }, ranks) => {
        const ranked = members.map((one, index) => ({ one, rank: ranks[index] ?? 0 }))
        const shuffled = ranked.sort((a, b) => a.rank - b.rank).map(({ one }) => one)
        expect(assignTasks(taskCount, shuffled)).toEqual(assignTasks(taskCount, members))
      }),
    )
  })

  it('is even after at most two rounds, and then stays as it is', () => {
    fc.assert(
      fc.property(group, ({ taskCount, members }) => {
        fc.pre(members.length > 0)
        const first = assignTasks(taskCount, members)
        const least = Math.floor(taskCount / members.length)
        for (const tasks of first.tasks.values())
          expect(tasks.length).toBeLessThanOrEqual(least + (taskCount % members.length === 0 ? 0 : 1))
        const back = rejoined(members, first)
        const second = assignTasks(taskCount, back)
        expect(second.moving).toEqual([])
        for (const tasks of second.tasks.values()) expect([least, least + 1]).toContain(tasks.length)
        // Nothing that was given in the first round moves in the second.
        for (const [id, tasks] of first.tasks) expect(tasksOf(second, id)).toEqual(expect.arrayContaining(tasks))
        expect(assignTasks(taskCount, rejoined(back, second))).toEqual(second)
      }),
    )
  })

  it('moves as few tasks as an even share allows', () => {
    fc.assert(
      fc.property(group, ({ taskCount, members }) => {
        fc.pre(members.length > 0)
        const given = assignTasks(taskCount, members)
        const held = members.map(({ id }) => allTasks(taskCount).filter((task) => ownerOf(task, members) === id).length)
        const kept = members.reduce(
          (sum, { id }) => sum + tasksOf(given, id).filter((task) => ownerOf(task, members) === id).length,
          0,
        )
        expect(kept).toBe(mostKept(held, taskCount))
      }),
    )
  })

  it('gives a free task to a member that has its state on its disk, unless those have their share', () => {
    fc.assert(
      fc.property(group, ({ taskCount, members }) => {
        fc.pre(members.length > 0)
        const given = assignTasks(taskCount, members)
        const least = Math.floor(taskCount / members.length)
        for (const { id, warm } of members) {
          for (const task of tasksOf(given, id)) {
            if (ownerOf(task, members) !== undefined || warm.includes(task)) continue
            const others = members.filter((one) => one.warm.includes(task))
            for (const other of others) expect(tasksOf(given, other.id).length).toBeGreaterThanOrEqual(least)
          }
        }
      }),
    )
    const empty = assignTasks(4, [member('a', [], { warm: [2, 3] }), member('b', [], { warm: [0, 1] })])
    expect([...empty.tasks]).toEqual([
      ['a', [2, 3]],
      ['b', [0, 1]],
    ])
  })

  it('believes the later of two that claim a task: the other has slept', () => {
    const members = [member('a', [0, 1], { generation: 4 }), member('b', [1, 2], { generation: 7 })]
    const given = assignTasks(3, members)
    expect(tasksOf(given, 'b')).toContain(1)
    expect(tasksOf(given, 'a')).not.toContain(1)
  })

  it('lets no two members have a task at once while members come, go and are slow to give up', () => {
    const event = fc.oneof(
      fc.constant({ kind: 'come' as const }),
      fc.nat({ max: 5 }).map((index) => ({ kind: 'go' as const, index })),
      fc.constant({ kind: 'rebalance' as const }),
      fc.nat({ max: 5 }).map((index) => ({ kind: 'give up' as const, index })),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(event, { maxLength: 40 }), (taskCount, events) => {
        // What each member works on, and what it still has to give up after a round.
        let live: (MemberTasks & { giving: readonly number[] })[] = []
        let generation = 0
        for (const [index, step] of events.entries()) {
          if (step.kind === 'come') live.push({ ...member(`m${index}`), generation: -1, giving: [] })
          else if (step.kind === 'go') live = live.filter((_, at) => at !== step.index)
          else if (step.kind === 'give up')
            live = live.map((one, at) => (at === step.index ? { ...one, owned: remaining(one), giving: [] } : one))
          else {
            generation += 1
            const given = assignTasks(taskCount, live)
            live = live.map((one) => {
              const now = tasksOf(given, one.id)
              const giving = one.owned.filter((task) => !now.includes(task))
              return { ...one, owned: [...new Set([...now, ...giving])], giving, generation }
            })
          }
          const held = live.flatMap(({ owned }) => owned)
          expect(held).toHaveLength(new Set(held).size)
        }
      }),
    )
  })
})

function remaining({ owned, giving }: { owned: readonly number[]; giving: readonly number[] }): number[] {
  return owned.filter((task) => !giving.includes(task))
}

/** The most tasks that can stay where they are in any even assignment, found by trying all of them. */
function mostKept(held: readonly number[], taskCount: number): number {
  const least = Math.floor(taskCount / held.length)
  const more = taskCount % held.length
  let most = 0
  for (let chosen = 0; chosen < 2 ** held.length; chosen += 1) {
    const hasMore = held.map((_, index) => (chosen >> index) & 1)
    if (hasMore.reduce((sum, one) => sum + one, 0) !== more) continue
    const sum = held.reduce((total, count, index) => total + Math.min(count, least + (hasMore[index] ?? 0)), 0)
    most = Math.max(most, sum)
  }
  return most
}
