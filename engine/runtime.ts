/** Runs processors on a log: joins their groups, keeps a task for every assignment, drains them, and knows when all is done. */
import type { RecordTypes } from '../schemas/generated.ts'
import { topics, type RecordKind, type Topic } from '../topics/catalogue.ts'
import { RecordCodec, UndecodableError } from '../topics/codec.ts'
import { LogError, type Group, type Log, type Membership } from '../topics/log.ts'
import type { CallBudget } from './budget.ts'
import { equip, type EquippedProcessor } from './context.ts'
import { addCounts } from './counts.ts'
import { refuseUnfinishedCopy } from './copy/copy-progress.ts'
import { ConfigurationError, InvalidRecordError, invalidRecordCodes, transientCodes, TransientError } from './errors.ts'
import { abandonReasons } from './metric-table.ts'
import type { Metrics } from './metrics.ts'
import {
  announcedRoles,
  type AnnouncedRole,
  type Inference,
  type Logger,
  type Tracing,
  type Verification,
} from './ports.ts'
import { table as declareTable, type Processor } from './processor.ts'
import type { Profile, Settings, SettingValues } from './settings.ts'
import { TableReader } from './tables.ts'
import { changelogSubject } from './task/changelog.ts'
import { defaultLimits, type TaskLimits } from './task/limits.ts'
import { Task, type TaskStatus } from './task/task.ts'

/** A processor with the values of its settings and the size of its window. */
export interface ConfiguredProcessor {
  declaration: Processor
  config: SettingValues<Settings>
  /** What gave the settings that nobody has given; wellspring by default. */
  profile?: Profile
  limits: Partial<TaskLimits>
}

export interface RuntimeOptions {
  log: Log
  processors: readonly ConfiguredProcessor[]
  inference: Inference
  /** What calls may cost; undefined: whatever they do. */
  budget?: CallBudget | undefined
  verification: Verification
  metrics: Metrics
  /** Undefined: nothing is logged. */
  logger?: Logger | undefined
  tracing?: Tracing | undefined
  /** Whether the models are simulated; a corpus holds records of one sort only. */
  simulated: boolean
  /** By name of a processor: whose model calls go first where several wait; 0 for those that are not named. */
  priorities?: ReadonlyMap<string, number>
}

/** One processor over all its tasks in this process. */
export interface ProcessorStatus {
  name: string
  /** Its tasks that are open in this process. */
  openTasks: number
  inFlight: number
  uncommitted: number
  /** Records in its inputs that are not finished, those in flight included. */
  backlog: number
  /** Cumulative counts since the corpus began, over this process' tasks. */
  counts: TaskStatus['counts']
  waiting: string | undefined
  /** Why some of its tasks admit nothing more until somebody sees to it. */
  stopped: string | undefined
  source: TaskStatus['source']
  /** What a source's last step told its operator. */
  remark: string | undefined
}

/** How a process is, for those who ask from outside. */
export interface RuntimeHealth {
  phase: 'starting' | 'running' | 'draining'
  /** Tables that are read to the end seen at the start. */
  tables: { read: number; of: number }
  log: {
    /** When it last told where topics end, in milliseconds of performance.now; undefined before it did. */
    answeredAtMs: number | undefined
    /** Why it does not answer now. */
    fault: string | undefined
  }
  processors: {
    name: string
    /** Whether it is a member of its group. */
    joined: boolean
    tasks: Pick<TaskStatus, 'task' | 'isOpen' | 'committingSeconds' | 'waiting' | 'stopped'>[]
  }[]
}

interface Running {
  equipped: EquippedProcessor
  /** Undefined until it has joined. */
  membership: Membership | undefined
  tasks: Map<number, Task>
  limits: TaskLimits
}

/** The group of a processor: its inputs are co-partitioned, which is checked here. @throws ConfigurationError */
export function groupOf(declaration: Processor): Group {
  const inputs = Object.values(declaration.inputs)
  const counts = new Set(inputs.map(({ partitions }) => partitions))
  if (counts.size > 1) {
    throw new ConfigurationError([
      `${declaration.name}: its inputs must have one partition count, got ${inputs.map((topic) => `${topic.name} ${topic.partitions}`).join(', ')}`,
    ])
  }
  return { name: declaration.name, inputs: inputs.map(({ name }) => name), tasks: inputs[0]?.partitions ?? 1 }
}

/** What a processor writes into its changelog: each kind of record, under a subject of its own. */
export function changelogSubjectsOf({ name, state }: Processor): { subject: string; kind: RecordKind }[] {
  const kinds: RecordKind[] = ['progress', 'kept-call', 'expense', ...(state ? [state.kind] : [])]
  return kinds.map((kind) => ({ subject: changelogSubject(name, kind), kind }))
}

/** Whether models of the processor's calls may be replaced by announcements, which it then reads. */
export function followsAnnouncements({ roles }: Processor): boolean {
  return roles.some(isAnnounced)
}

const isAnnounced = (role: string): role is AnnouncedRole => announcedRoles.some((one) => one === role)

/** Topics whose first records tell whether a corpus is a simulated one; every run looks. */
export const topicsThatTellSimulated: readonly Topic[] = [
  topics.conceptLists,
  topics.rationales,
  topics.verdicts,
  topics.traces,
]

export class Runtime {
  readonly #options: RuntimeOptions
  readonly #codec: RecordCodec
  readonly #tables: TableReader
  readonly #running = new Map<string, Running>()
  #ends = new Map<string, number>()
  #stopping = false
  #started = false
  #tablesRead = 0
  #logAnsweredAtMs: number | undefined
  #logFault: string | undefined
  #fail!: (error: unknown) => void
  /** Rejects with the first bug or configuration fault of any task; never resolves. */
  readonly failed: Promise<never>

  constructor(options: RuntimeOptions) {
    this.#options = options
    this.#codec = new RecordCodec(options.log.schemas)
    this.#tables = new TableReader(options.log, this.#codec)
    this.failed = new Promise<never>((_, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => {}) // awaited by the caller, possibly later than it happens
  }

  /** Opens tables and joins every group. @throws ConfigurationError, LogError */
  async start(): Promise<void> {
    const { log, processors, simulated } = this.#options
    await refuseUnfinishedCopy(log)
    await refuseMixedCorpus(log, this.#codec, simulated)
    const { metrics } = this.#options
    // Told from the start, while tables and state are still read.
    for (const { declaration } of processors)
      metrics.tasks.set({ processor: declaration.name }, groupOf(declaration).tasks)
    metrics.beforeScrape(() => void this.status())
    if (processors.some(({ declaration }) => followsAnnouncements(declaration))) await this.#followAnnouncements()
    for (const { declaration, config, limits, profile } of processors) {
      const equipped = await this.#equip(declaration, config, profile)
      const running: Running = {
        equipped,
        membership: undefined,
        tasks: new Map(),
        limits: { ...defaultLimits, ...limits },
      }
      this.#running.set(declaration.name, running)
    }
    await Promise.all([...this.#running.values()].map((running) => this.#join(running)))
    await this.refreshBacklog()
    this.#started = true
  }

  /** What trainers announce is in force before the first record, and from then on as it comes. */
  async #followAnnouncements(): Promise<void> {
    const { inference } = this.#options
    const announcements = declareTable(topics.models, {
      create: () => inference,
      add: (models, { role, model, endpoint, version, ordinal }) => {
        if (isAnnounced(role)) models.announce({ role, model, endpoint, version, ordinal })
      },
    })
    await this.#tables.open(announcements, this.#fail)
  }

  async #join(running: Running): Promise<void> {
    const gained: number[] = []
    let joined = false
    const group = groupOf(running.equipped.declaration)
    const countMove = this.#moveCounter(group.name)
    running.membership = await this.#options.log.join(group, {
      gained: (task) => {
        if (!joined) return void gained.push(task)
        countMove()
        this.#startTask(running, task)
      },
      lost: async (task) => {
        if (joined) countMove()
        const lost = running.tasks.get(task)
        running.tasks.delete(task)
        if (gained.includes(task)) gained.splice(gained.indexOf(task), 1)
        await lost?.lose()
      },
      failed: (error) => this.#fail(error),
    })
    joined = true
    for (const task of gained.splice(0)) this.#startTask(running, task)
  }

  /** Counts a rebalance once, however many tasks it moves. */
  #moveCounter(processor: string): () => void {
    let isCounted = false
    return () => {
      if (isCounted) return
      isCounted = true
      this.#options.metrics.rebalances.inc({ processor })
      setImmediate(() => (isCounted = false))
    }
  }

  /** Stops admission, waits for what is in flight until the signal aborts, commits and leaves. */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#stopping = true
    const running = [...this.#running.values()]
    await Promise.all(running.flatMap(({ tasks }) => [...tasks.values()].map((task) => task.drain(deadline))))
    // A start that failed half-way leaves processors that have not joined.
    await Promise.all(running.map(async ({ membership }) => membership?.leave()))
    await this.#tables.close()
  }

  /** Reads end offsets anew, so that `status` tells backlogs as of now. Those of before stay while the log is away. */
  async refreshBacklog(): Promise<void> {
    await this.#readEnds()
  }

  /** @returns whether the log answered */
  async #readEnds(): Promise<boolean> {
    const inputs = new Set(
      [...this.#running.values()].flatMap(({ equipped }) => Object.values(equipped.declaration.inputs)),
    )
    const places = [...inputs].flatMap(({ name, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ name, partition })),
    )
    try {
      // At once: a log with a network asks for all of them together.
      const extents = await Promise.all(
        places.map(async ({ name, partition }) => {
          const { end } = await this.#options.log.offsets(name, partition)
          return [`${name}/${partition}`, end] as const
        }),
      )
      this.#ends = new Map(extents)
      this.#logAnsweredAtMs = performance.now()
      this.#logFault = undefined
      return true
    } catch (error) {
      if (error instanceof LogError) this.#logFault = error.message
      if (error instanceof LogError && error.code === 'unreachable') return false
      throw error
    }
  }

  /** How it is now; costs nothing and asks nobody. */
  health(): RuntimeHealth {
    const tables = this.#options.processors.flatMap(({ declaration }) => Object.values(declaration.tables))
    return {
      phase: this.#stopping ? 'draining' : this.#started ? 'running' : 'starting',
      tables: { read: this.#tablesRead, of: tables.length },
      log: { answeredAtMs: this.#logAnsweredAtMs, fault: this.#logFault },
      processors: this.#options.processors.map(({ declaration: { name } }) => {
        const running = this.#running.get(name)
        return {
          name,
          joined: running?.membership !== undefined,
          tasks: [...(running?.tasks.values() ?? [])].map((task) => task.status()),
        }
      }),
    }
  }

  status(): ProcessorStatus[] {
    const nowMs = Date.now()
    return [...this.#running.values()].map(({ equipped, tasks, limits }) => {
      const statuses = [...tasks.values()].map((task) => task.status())
      const status: ProcessorStatus = {
        name: equipped.declaration.name,
        openTasks: sum(statuses, ({ isOpen }) => (isOpen ? 1 : 0)),
        inFlight: sum(statuses, ({ inFlight }) => inFlight),
        uncommitted: sum(statuses, ({ uncommitted }) => uncommitted),
        backlog: sum(statuses, (one) => this.#backlogOf(one)),
        counts: addCounts(statuses.map(({ counts }) => counts)),
        waiting: statuses.find(({ waiting }) => waiting !== undefined)?.waiting,
        stopped: statuses.find(({ stopped }) => stopped !== undefined)?.stopped,
        source: statuses[0]?.source,
        remark: statuses[0]?.remark,
      }
      const { metrics } = this.#options
      const processor = { processor: status.name }
      metrics.tasks.set(processor, groupOf(equipped.declaration).tasks)
      metrics.openTasks.set(processor, status.openTasks)
      metrics.inFlight.set(processor, status.inFlight)
      metrics.inFlightLimit.set(processor, equipped.declaration.next ? 0 : status.openTasks * limits.maxInFlight)
      metrics.uncommitted.set(processor, status.uncommitted)
      metrics.backlog.set(processor, status.backlog)
      const oldestMs = Math.min(...statuses.map((one) => one.oldestMs ?? Infinity))
      metrics.watermarkAge.set(processor, oldestMs === Infinity ? 0 : Math.max(0, nowMs - oldestMs) / 1000)
      return status
    })
  }

  /** Whether everything is done: `end` is `complete`. */
  async isComplete(): Promise<boolean> {
    return (await this.end()) === 'complete'
  }

  /**
   * `complete` when everything is done: every input is finished and committed to its end, by the tasks here and those in other
   * processes, and every source, all of which must be here, says that it is complete, knowing all of its tables. `stopped` when nothing
   * is left to do but what tasks here have stopped at. Ends are read before and after, so a commit in between shows.
   */
  async end(): Promise<'complete' | 'stopped' | undefined> {
    try {
      return await this.#end()
    } catch (error) {
      if (error instanceof LogError && error.code === 'unreachable') return undefined
      throw error
    }
  }

  async #end(): Promise<'complete' | 'stopped' | undefined> {
    if (!(await this.#readEnds())) return undefined
    const before = total(this.#ends)
    if (!(await this.#isIdle()) || !(await this.#tables.areRead())) return undefined
    // A source that waits for its tables looks at what was read last before it is asked.
    await new Promise<void>((resolve) => setImmediate(resolve))
    const isStopped = this.status().some(({ stopped }) => stopped !== undefined)
    const sources = [...this.#running.values()].filter(({ equipped }) => equipped.declaration.next)
    const areOver = sources.every(({ tasks }) =>
      [...tasks.values()].every((task) => {
        const { source } = task.status()
        // It may wait for work that a stopped task holds back.
        return source === 'complete' || (isStopped && source === 'waiting')
      }),
    )
    if (!areOver || !(await this.#readEnds())) return undefined
    if (!(await this.#isIdle()) || total(this.#ends) !== before) return undefined
    return isStopped ? 'stopped' : 'complete'
  }

  async #isIdle(): Promise<boolean> {
    const isOver = (one: TaskStatus): boolean =>
      one.inFlight === 0 && one.uncommitted === 0 && (one.stopped !== undefined || this.#backlogOf(one) === 0)
    for (const { tasks } of this.#running.values())
      if (![...tasks.values()].every((task) => isOver(task.status()))) return false
    for (const { equipped, tasks } of this.#running.values()) {
      const group = groupOf(equipped.declaration)
      const elsewhere = Array.from({ length: group.tasks }, (_, task) => task).filter(
        (task) => tasks.get(task)?.status().isOpen !== true,
      )
      if (elsewhere.length === 0) continue
      // One that is here and not yet open is soon.
      if (equipped.declaration.next || elsewhere.some((task) => tasks.has(task))) return false
      if (!(await this.#areFinished(group, elsewhere))) return false
    }
    return true
  }

  /** Whether tasks of other processes have committed all of their inputs. */
  async #areFinished(group: Group, tasks: readonly number[]): Promise<boolean> {
    const { log } = this.#options
    const progress = await log.progress(group.name)
    for (const task of tasks) {
      const value = progress.find((one) => one.task === task)?.value
      if (value) await this.#codec.learn(value)
      const inputs = value ? this.#codec.decode('progress', value).inputs : []
      for (const topic of group.inputs) {
        const input = inputs.find((one) => one.topic === topic)
        if ((input?.unfinished.length ?? 0) > 0) return false
        // Up to the end there may lie offsets that hold no record.
        const end = this.#ends.get(`${topic}/${task}`) ?? 0
        for (let offset = input?.nextOffset ?? 0; offset < end;) {
          const read = await log.read({ topic, partition: task, offset }, { maxBytes: 1, maxWaitSeconds: 0 })
          if (read.records.length > 0 || read.nextOffset <= offset) return false
          offset = read.nextOffset
        }
      }
    }
    return true
  }

  async #equip(
    declaration: Processor,
    config: SettingValues<Settings>,
    profile: Profile | undefined,
  ): Promise<EquippedProcessor> {
    const { inference, budget, verification, metrics, logger, tracing, simulated, priorities } = this.#options
    for (const topic of [
      ...Object.values(declaration.outputs),
      topics.discards,
      topics.ledger,
      topics.expenses,
      topics.recipes,
    ] as Topic[]) {
      await this.#codec.prepare(topic.name, topic.kind)
    }
    for (const { subject, kind } of changelogSubjectsOf(declaration)) await this.#codec.prepare(subject, kind)
    beginCounters(metrics, declaration)
    const views = await Promise.all(
      Object.entries(declaration.tables).map(async ([name, table]) => {
        const view = await this.#tables.open(table, this.#fail)
        this.#tablesRead++
        return [name, view] as const
      }),
    )
    return equip(declaration, {
      config,
      priority: priorities?.get(declaration.name) ?? 0,
      inference,
      budget,
      verification,
      metrics,
      logger,
      tracing,
      simulated,
      ...(profile && { profile }),
      tables: Object.fromEntries(views),
      read: (topic, at, signal) => readAt(this.#options.log, this.#codec, topic, at, signal),
    })
  }

  #startTask(running: Running, number: number): void {
    const { membership } = running
    if (this.#stopping || !membership) return
    const task = new Task(number, running.equipped, {
      membership,
      codec: this.#codec,
      limits: running.limits,
      tablesChanged: (signal) => this.#tables.changed(signal),
      endOf: async (topic, partition) => (await this.#options.log.offsets(topic, partition)).end,
    })
    running.tasks.set(number, task)
    task.done.then(
      () => running.tasks.get(number) === task && this.#stopping === false && running.tasks.delete(number),
      (error: unknown) => this.#fail(error),
    )
    void task.start()
  }

  #backlogOf({ task, inputs }: TaskStatus): number {
    return sum(
      inputs,
      ({ topic, nextOffset, open }) => Math.max(0, (this.#ends.get(`${topic}/${task}`) ?? 0) - nextOffset) + open,
    )
  }
}

/** Failures of commits that an alert looks for; of the others each would be a series that stays at 0. */
const alarming = ['doubt', 'unreachable', 'full'] as const

/** Counters begin at 0: one that appears with its first count would hide that from whoever watches its growth. */
function beginCounters(metrics: Metrics, { name: processor, outputs, discards }: Processor): void {
  for (const each of [metrics.recordsIn, metrics.commits, metrics.rebalances]) each.inc({ processor }, 0)
  for (const { name: topic } of Object.values(outputs)) metrics.recordsOut.inc({ processor, topic }, 0)
  for (const reason of discards) metrics.discards.inc({ processor, reason }, 0)
  for (const reason of abandonReasons) metrics.abandoned.inc({ processor, reason }, 0)
  for (const reason of alarming) metrics.commitFailures.inc({ processor, reason }, 0)
  metrics.stoppedTasks.set({ processor }, 0)
  for (const code of [...transientCodes, ...invalidRecordCodes]) metrics.deadLetters.inc({ processor, code }, 0)
}

/** One record at a position. @throws InvalidRecordError when nothing of that kind lies there; TransientError, an outage, when the log can't be reached */
async function readAt<Kind extends RecordKind>(
  log: Log,
  codec: RecordCodec,
  topic: Topic<Kind>,
  at: { partition: number; offset: number },
  signal?: AbortSignal,
): Promise<RecordTypes[Kind]> {
  const position = { topic: topic.name, ...at }
  const { records } = await log
    .read(position, { maxBytes: 1, maxWaitSeconds: 0, ...(signal && { signal }) })
    .catch((cause: unknown) => {
      if (!(cause instanceof LogError) || cause.code !== 'unreachable') throw cause
      throw new TransientError('LOG_UNAVAILABLE', cause.message, { outage: true, cause })
    })
  const [stored] = records
  if (stored?.offset !== at.offset) {
    signal?.throwIfAborted()
    throw new InvalidRecordError(
      'RECORD_INVARIANT_BROKEN',
      `nothing lies at ${topic.name}/${at.partition} offset ${at.offset}`,
    )
  }
  try {
    await codec.learn(stored.value)
    return codec.decode(topic.kind, stored.value)
  } catch (cause) {
    if (!(cause instanceof UndecodableError)) throw cause
    throw new InvalidRecordError(
      'RECORD_INVARIANT_BROKEN',
      `${topic.name}/${at.partition} offset ${at.offset}: ${cause.message}`,
      { cause },
    )
  }
}

/** Simulated and real records never share a corpus: a trainer could not tell them apart later. @throws ConfigurationError */
async function refuseMixedCorpus(log: Log, codec: RecordCodec, simulated: boolean): Promise<void> {
  for (const topic of topicsThatTellSimulated) {
    for (let partition = 0; partition < topic.partitions; partition++) {
      const { records } = await log.read(
        { topic: topic.name, partition, offset: 0 },
        { maxBytes: 1, maxWaitSeconds: 0 },
      )
      const [first] = records
      if (!first) continue
      await codec.learn(first.value)
      let record: { simulated: boolean }
      try {
        record = codec.decode(topic.kind, first.value) as { simulated: boolean }
      } catch (error) {
        // Its processor puts it into dead-letters; another partition tells.
        if (error instanceof UndecodableError) continue
        throw error
      }
      if (record.simulated === simulated) return
      const [holds, brings] = record.simulated ? ['simulated', 'real'] : ['real', 'simulated']
      throw new ConfigurationError([
        `this corpus holds ${holds} records and this run would add ${brings} ones; the two never mix (${topic.name} tells): use another folder (--data DIR), on Kafka another namespace (--namespace NAME)`,
      ])
    }
  }
}

function sum<Value>(values: readonly Value[], of: (value: Value) => number): number {
  return values.reduce((added, value) => added + of(value), 0)
}

function total(values: ReadonlyMap<string, number>): number {
  return sum([...values.values()], (value) => value)
}
