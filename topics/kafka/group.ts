/**
 * Membership of one consumer group: joins, keeps its place by heartbeats, and takes part in every rebalance without stopping the
 * tasks that stay. A task that is to move is first given up here, with its last commit, and only then given to another member.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { LogError } from '../log.ts'
import { onAbort } from '../signals.ts'
import { assignTasks, type MemberTasks } from './assignment.ts'
import type { Connection } from './connections.ts'
import { asLogError, isConnectionFailure, isStale, protocolErrorOf } from './errors.ts'
import { MemberAssignment, MemberMetadata, type Broker, type TopicPartitions } from './internals.ts'

export interface GroupOptions {
  groupId: string
  /** Co-partitioned topics; partition i of each is task i. */
  topics: readonly string[]
  tasks: number
  /** A member that was not heard of for so long is dead. */
  sessionTimeoutMilliseconds: number
  /** Tasks whose state this process has on its disk. */
  warm: () => readonly number[]
}

export interface GroupListener {
  gained(task: number): void
  /** Resolves when the task is given up, its last commit made or failed. */
  lost(task: number): Promise<void>
  /** The membership can't go on. */
  failed(error: Error): void
}

const PROTOCOL = 'wellspring-tasks'
const METADATA_VERSION = 1
/** How long the others wait for a member that has not joined again. Ours join at their next heartbeat. */
const REBALANCE_TIMEOUT_MILLISECONDS = 30_000
/** How long a task may take over its last commit before the move goes on without it. */
const GIVE_UP_TASK_MILLISECONDS = 10_000
const LONGEST_HEARTBEAT_MILLISECONDS = 3000
const LEAVE_MILLISECONDS = 2000
const RETRY_MILLISECONDS = 250
const LONGEST_RETRY_MILLISECONDS = 5000

/** Whoever answers so has forgotten this member: its tasks are others' by now. */
const FORGOTTEN = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'])
const COORDINATOR_MOVES = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
])

export class GroupMember {
  readonly #connection: Connection
  readonly #options: GroupOptions
  readonly #listener: GroupListener
  readonly #stop = new AbortController()
  /** Wakes the loop before its next heartbeat is due. */
  #wake = new AbortController()
  #memberId = ''
  #generation = -1
  #owned = new Set<number>()
  #coordinator: Broker | undefined
  #rejoin = false
  #questioned = new Set<number>()
  /** Tasks that the listener has: told of the gain, and not yet of the loss. */
  readonly #told = new Set<number>()
  /** Tasks whose last commit is being made. */
  readonly #givingUp = new Map<number, Promise<void>>()
  /** Until when no session of this member can have run out, by a clock that stands still while the machine sleeps, and by one that may be set. */
  #confirmed = { untilMs: 0, untilWallMs: 0 }
  #confirmationWaiters: (() => void)[] = []
  readonly #done: Promise<void>
  #joined!: () => void
  #refused!: (error: Error) => void
  /** Resolves at the first assignment, which may be empty; rejects where joining is refused for good. */
  readonly joined: Promise<void>

  constructor(connection: Connection, options: GroupOptions, listener: GroupListener) {
    this.#connection = connection
    this.#options = options
    this.#listener = listener
    this.joined = new Promise((resolve, reject) => {
      this.#joined = resolve
      this.#refused = reject
    })
    this.joined.catch(() => {})
    this.#done = this.#run()
  }

  owns(task: number): boolean {
    return this.#owned.has(task)
  }

  /** As of the port's `confirmed`. */
  confirmed(signal: AbortSignal): Promise<void> | undefined {
    return this.#isConfirmed() ? undefined : this.#confirmation(signal)
  }

  #isConfirmed(): boolean {
    const { untilMs, untilWallMs } = this.#confirmed
    return performance.now() < untilMs && Date.now() < untilWallMs
  }

  /**
   * Resolves once this member is known to have been counted in a moment ago, or not to have the task any more.
   * @throws LogError 'unreachable' where neither shows within the session timeout
   */
  async settled(task: number): Promise<void> {
    const { groupId, sessionTimeoutMilliseconds } = this.#options
    const asking = new AbortController()
    const timer = setTimeout(() => asking.abort(), sessionTimeoutMilliseconds)
    try {
      while (!this.#isConfirmed() && this.owns(task) && !this.#stop.signal.aborted) {
        if (asking.signal.aborted)
          throw new LogError('unreachable', `the group ${groupId} does not say whether task ${task} is still here`)
        await this.#heardOf(asking.signal)
      }
    } finally {
      clearTimeout(timer)
    }
  }

  async #confirmation(signal: AbortSignal): Promise<void> {
    while (!this.#isConfirmed()) {
      signal.throwIfAborted()
      await this.#heardOf(signal)
    }
  }

  /** Asks the coordinator now; resolves when it has told something of this member, or the signal aborts. */
  async #heardOf(signal: AbortSignal): Promise<void> {
    this.#wake.abort()
    await new Promise<void>((resolve) => {
      const stopHearing = onAbort([signal], () => resolve())
      this.#confirmationWaiters.push(() => {
        stopHearing()
        resolve()
      })
    })
  }

  /** The coordinator has counted this member in, later than this moment. */
  #confirm(since: { ms: number; wallMs: number }): void {
    const { sessionTimeoutMilliseconds } = this.#options
    this.#confirmed = {
      untilMs: since.ms + sessionTimeoutMilliseconds,
      untilWallMs: since.wallMs + sessionTimeoutMilliseconds,
    }
    for (const resolve of this.#confirmationWaiters.splice(0)) resolve()
  }

  /**
   * Another opened a task that this member believes to have. The coordinator is asked: if it still counts this member in, the task is
   * given up and taken again.
   */
  question(task: number): void {
    if (!this.#owned.has(task)) return
    this.#questioned.add(task)
    this.#wake.abort()
  }

  /** Tells tools how far the tasks are. Never believed by anyone; a failure does not matter. */
  async report(offsets: TopicPartitions<{ partition: number; offset: string }>[]): Promise<void> {
    if (this.#generation < 0 || offsets.length === 0) return
    await this.#coordinator
      ?.offsetCommit({
        groupId: this.#options.groupId,
        groupGenerationId: this.#generation,
        memberId: this.#memberId,
        topics: offsets,
      })
      .catch(() => undefined)
  }

  /** Leaves, so that the others need not wait for the session to time out. Tells of no losses. */
  async leave(): Promise<void> {
    if (this.#stop.signal.aborted) return await this.#done
    this.#stop.abort()
    this.#wake.abort()
    for (const resolve of this.#confirmationWaiters.splice(0)) resolve()
    // A join may be waiting for the others.
    await Promise.race([this.#done, sleep(LEAVE_MILLISECONDS, undefined, { ref: false })])
    const { groupId } = this.#options
    if (this.#memberId !== '' && this.#coordinator) {
      const leaving = this.#coordinator.leaveGroup({ groupId, memberId: this.#memberId }).catch(() => undefined)
      await Promise.race([leaving, sleep(LEAVE_MILLISECONDS, undefined, { ref: false })])
    }
    this.#owned.clear()
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#stop.signal.aborted) {
      try {
        if (this.#generation < 0 || this.#rejoin) await this.#join()
        else await this.#keepPlace()
        failures = 0
      } catch (error) {
        if (this.#stop.signal.aborted) return
        failures += 1
        if (!(await this.#recover(error))) return
        await this.#pause(Math.min(LONGEST_RETRY_MILLISECONDS, RETRY_MILLISECONDS * 2 ** Math.min(failures - 1, 5)))
      }
    }
  }

  /** One round of joining: all members at once are given their tasks by the one that leads. */
  async #join(): Promise<void> {
    const { groupId, topics, tasks, sessionTimeoutMilliseconds, warm } = this.#options
    const coordinator = await this.#findCoordinator()
    const userData = Buffer.from(
      JSON.stringify({ owned: [...this.#owned], generation: this.#generation, warm: warm() }),
    )
    const joined = await coordinator.joinGroup({
      groupId,
      memberId: this.#memberId,
      sessionTimeout: sessionTimeoutMilliseconds,
      rebalanceTimeout: REBALANCE_TIMEOUT_MILLISECONDS,
      groupProtocols: [
        {
          name: PROTOCOL,
          metadata: MemberMetadata.encode({ version: METADATA_VERSION, topics: [...topics], userData }),
        },
      ],
    })
    this.#memberId = joined.memberId
    if (this.#stop.signal.aborted) return
    const leads = joined.leaderId === joined.memberId
    const assignment = leads ? assignTasks(tasks, joined.members.map(memberTasksOf)) : undefined
    const sentAt = moment()
    const { memberAssignment } = await coordinator.syncGroup({
      groupId,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupAssignment: [...(assignment?.tasks ?? [])].map(([memberId, list]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: METADATA_VERSION,
          assignment: Object.fromEntries(topics.map((topic) => [topic, list])),
        }),
      })),
    })
    if (this.#stop.signal.aborted) return
    this.#confirm(sentAt)
    // Only now: a round that failed has to be made again.
    this.#rejoin = false
    this.#generation = joined.generationId
    const given = MemberAssignment.decode(memberAssignment)?.assignment[topics[0] ?? ''] ?? []
    await this.#take(new Set(given))
    this.#joined()
  }

  async #take(given: ReadonlySet<number>): Promise<void> {
    const lost = [...this.#owned].filter((task) => !given.has(task))
    const gained = [...given].filter((task) => !this.#owned.has(task))
    for (const task of lost) this.#owned.delete(task)
    for (const task of gained) this.#owned.add(task)
    for (const task of gained) this.#tellGained(task)
    if (lost.length === 0) return
    await this.#giveUp(lost)
    // Only now may another have them.
    this.#rejoin = true
  }

  /** Tells of losses and waits for the last commits, keeping this member's place meanwhile. */
  async #giveUp(tasks: readonly number[]): Promise<void> {
    let isGiven = false
    const given = Promise.all(tasks.map((task) => this.#tellLost(task))).then(() => (isGiven = true))
    const giveUpAtMs = performance.now() + GIVE_UP_TASK_MILLISECONDS
    while (!this.#stop.signal.aborted && performance.now() < giveUpAtMs) {
      await Promise.race([given, sleep(this.#interval, undefined, { ref: false })])
      if (isGiven) return
      // What it answers shows at the next regular one.
      if (this.#generation >= 0) await this.#heartbeat().catch(() => undefined)
    }
  }

  /** Tells of a gain, after the task's last commit where it was lost just before. */
  #tellGained(task: number): void {
    if (!this.#owned.has(task) || this.#told.has(task)) return
    const givingUp = this.#givingUp.get(task)
    if (givingUp) return void givingUp.then(() => this.#tellGained(task))
    this.#told.add(task)
    this.#listener.gained(task)
  }

  /** Tells of a loss, once; resolves when the task is given up. */
  async #tellLost(task: number): Promise<void> {
    if (this.#told.delete(task)) {
      const givingUp = this.#listener
        .lost(task)
        .catch(() => undefined)
        .finally(() => this.#givingUp.delete(task))
      this.#givingUp.set(task, givingUp)
    }
    await this.#givingUp.get(task)
  }

  get #interval(): number {
    return Math.min(LONGEST_HEARTBEAT_MILLISECONDS, this.#options.sessionTimeoutMilliseconds / 4)
  }

  async #heartbeat(): Promise<void> {
    const coordinator = this.#coordinator ?? (await this.#findCoordinator())
    const sentAt = moment()
    try {
      await coordinator.heartbeat({
        groupId: this.#options.groupId,
        groupGenerationId: this.#generation,
        memberId: this.#memberId,
      })
    } catch (error) {
      // Members alone hear of a rebalance.
      if (protocolErrorOf(error) === 'REBALANCE_IN_PROGRESS') this.#confirm(sentAt)
      throw error
    }
    this.#confirm(sentAt)
  }

  /** Waits for the next heartbeat's time, and sends it. */
  async #keepPlace(): Promise<void> {
    if (this.#questioned.size === 0) await this.#pause(this.#interval)
    if (this.#stop.signal.aborted) return
    const questioned = [...this.#questioned]
    this.#questioned.clear()
    try {
      await this.#heartbeat()
    } catch (error) {
      for (const task of questioned) this.#questioned.add(task)
      throw error
    }
    // Still a member with these tasks, and yet another opened them: it had slept, or was told before us. Take them again.
    for (const task of questioned.filter((one) => this.#owned.has(one))) {
      void this.#tellLost(task).then(() => this.#tellGained(task))
    }
  }

  async #findCoordinator(): Promise<Broker> {
    const { cluster } = this.#connection
    await cluster.connect()
    await this.#connection.partitionsOf(this.#options.topics)
    this.#coordinator = await this.#connection.coordinatorOf(this.#options.groupId)
    return this.#coordinator
  }

  /** What a failed request means for the membership. @returns whether to go on */
  async #recover(error: unknown): Promise<boolean> {
    const type = protocolErrorOf(error) ?? ''
    if (type === 'REBALANCE_IN_PROGRESS') {
      this.#rejoin = true
      this.#wake.abort()
      return true
    }
    if (FORGOTTEN.has(type)) {
      const lost = [...this.#owned]
      this.#owned.clear()
      for (const resolve of this.#confirmationWaiters.splice(0)) resolve()
      this.#generation = -1
      if (type !== 'ILLEGAL_GENERATION') this.#memberId = ''
      await this.#giveUp(lost)
      return true
    }
    await this.#connection.recover(error)
    if (COORDINATOR_MOVES.has(type) || isConnectionFailure(error) || isStale(error)) {
      this.#coordinator = undefined
      return true
    }
    const failure = error instanceof LogError ? error : asLogError(error, `joining the group ${this.#options.groupId}`)
    this.#coordinator = undefined
    if (failure.code === 'unreachable') return true
    this.#refused(failure)
    this.#listener.failed(failure)
    return false
  }

  async #pause(milliseconds: number): Promise<void> {
    if (this.#wake.signal.aborted) this.#wake = new AbortController()
    else await sleep(milliseconds, undefined, { signal: this.#wake.signal }).catch(() => undefined)
    if (this.#wake.signal.aborted && !this.#stop.signal.aborted) this.#wake = new AbortController()
  }
}

function moment(): { ms: number; wallMs: number } {
  return { ms: performance.now(), wallMs: Date.now() }
}

function memberTasksOf({ memberId, memberMetadata }: { memberId: string; memberMetadata: Buffer }): MemberTasks {
  const { userData } = MemberMetadata.decode(memberMetadata)
  const said = JSON.parse(userData?.toString() ?? '{}') as Partial<Omit<MemberTasks, 'id'>>
  return { id: memberId, owned: said.owned ?? [], generation: said.generation ?? -1, warm: said.warm ?? [] }
}
