/** What the engine's tests run on: the real embedded log in a temporary folder, with commits, models and work that a test holds in its hands. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CallBudget } from '../../engine/budget.ts'
import { Metrics } from '../../engine/metrics.ts'
import type {
  CallOptions,
  Completion,
  CompletionRequest,
  Embedding,
  Inference,
  Scoring,
  Verification,
} from '../../engine/ports.ts'
import { defineProcessor, type Processor } from '../../engine/processor.ts'
import { Runtime, type ProcessorStatus } from '../../engine/runtime.ts'
import { resolveSettings } from '../../engine/settings.ts'
import { fromDistances } from '../../engine/progress.ts'
import { addExpenses, expenseOutcomes, type ExpenseOutcome, type ExpenseSums } from '../../engine/expenses.ts'
import { type TaskLimits } from '../../engine/task/limits.ts'
import type { LedgerEntry, Progress, RecordTypes, Seed, Expense } from '../../schemas/generated.ts'
import { deadLetters, topics, topicSpecifications, type RecordKind, type Topic } from '../../topics/catalogue.ts'
import { RecordCodec } from '../../topics/codec.ts'
import type { FaultPoint } from '../../topics/embedded/faults.ts'
import { openEmbeddedLog } from '../../topics/embedded/log.ts'
import type { Group, Log, Membership, OpenTask, StoredRecord, TaskCommit } from '../../topics/log.ts'

/** A topic of seeds, for tests: their id is their key. */
function seedTopic(name: string, partitions = 1): Topic<'seed'> {
  return { name, kind: 'seed', key: 'id', partitions, retention: 'kept', keyOf: ({ id }) => id }
}

export const inputs = seedTopic('inputs')
export const moreInputs = seedTopic('more-inputs')
export const outputs = seedTopic('outputs')
export const spreadInputs = seedTopic('spread-inputs', 2)
export const referenceTable: Topic<'seed'> = { ...seedTopic('reference-table'), retention: 'table' }
const testTopics = [inputs, moreInputs, outputs, spreadInputs, referenceTable]

/** A seed `seed-<number>`; `source` is what tests use as the key of state. */
export function seed(number: number, given: Partial<Seed> = {}): Seed {
  return {
    ...{ id: `seed-${number}`, parentIds: [], domain: 'math', recipe: 'test', createdAtMs: 0, simulated: false },
    ...{ source: 'one-key', sourceId: String(number), statement: `Problem ${number}`, checks: null, publishedAt: null },
    ...given,
  }
}

/** Seeds 0 to `count` - 1. */
export function seeds(count: number, given: (number: number) => Partial<Seed> = () => ({})): Seed[] {
  return Array.from({ length: count }, (_, number) => seed(number, given(number)))
}

/** Wakes those who wait for a condition whenever it may have changed. */
class Watched {
  #waiting: (() => void)[] = []

  protected changed(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** Resolves once the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

/** Resolves once the condition holds; for what nobody announces, such as a status. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** Work that begins when the engine says so and ends when the test says so. */
export class Gates extends Watched {
  /** Ids in the order in which their processing began. */
  readonly begun: string[] = []
  mostAtOnce = 0
  readonly #held = new Map<string, () => void>()
  readonly #open = new Set<string>()
  #areAllOpen = false

  /** Called by a processor: waits until the gate of this id is open. */
  async pass(id: string): Promise<void> {
    this.begun.push(id)
    const opened = new Promise<void>((resolve) => this.#held.set(id, resolve))
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#held.size)
    if (this.#areAllOpen || this.#open.has(id)) this.open(id)
    this.changed()
    await opened
  }

  /** Ids that wait at their gates, in the order in which they began. */
  held(): string[] {
    return [...this.#held.keys()]
  }

  open(...ids: string[]): void {
    for (const id of ids) {
      this.#open.add(id)
      this.#held.get(id)?.()
      this.#held.delete(id)
    }
    this.changed()
  }

  openAll(): void {
    this.#areAllOpen = true
    this.open(...this.#held.keys())
  }

  async begins(...ids: string[]): Promise<void> {
    await this.until(() => ids.every((id) => this.begun.includes(id)))
  }
}

/** Models whose answers the test gives, by request id: `<record id>/<purpose>`. */
export class HeldModels extends Watched implements Inference {
  /** Request ids in the order in which they were made. */
  readonly requests: string[] = []
  readonly aborted: string[] = []
  /** Those that went out. */
  readonly sent = new Set<string>()
  /** Calls that wait for a slot: they are given up where no more is to be sent. */
  readonly waiting = new Set<string>()
  readonly givenUp = new Set<string>()
  readonly #held = new Map<
    string,
    { request: CompletionRequest; answer(text: string): void; fail(error: unknown): void }
  >()

  modelsOf(): { model: string; mode: 'chat'; sampling: object }[] {
    return [{ model: 'model', mode: 'chat', sampling: {} }]
  }

  slotsOf(): number {
    return 8
  }

  complete(request: CompletionRequest, options: CallOptions): Promise<Completion> {
    const { requestId, signal, sending, onWasted } = options
    this.requests.push(requestId)
    return new Promise<Completion>((resolve, reject) => {
      const answer = (text: string): void => resolve(completion(requestId, text))
      const fail = (error: unknown): void => {
        onWasted?.({ ...paid, estimated: true, usage: { prompt: 10, cached: 0, completion: 0, reasoning: 0 } })
        reject(error)
      }
      this.#held.set(requestId, { request, answer, fail })
      const abort = (): void => {
        this.aborted.push(requestId)
        this.changed()
        fail(signal.reason)
      }
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort)
      void this.#send(options).catch(reject)
      if (this.waiting.has(requestId))
        sending?.addEventListener('abort', () => {
          this.givenUp.add(requestId)
          reject(sending.reason)
        })
      this.changed()
    })
  }

  /** A call goes out when it may. */
  async #send({ requestId, beforeSending }: CallOptions): Promise<void> {
    for (let wait = beforeSending?.(); wait; wait = beforeSending?.()) await wait
    this.sent.add(requestId)
    this.changed()
  }

  embed(): Promise<Embedding> {
    return Promise.reject(new Error('no test embeds'))
  }

  score(): Promise<Scoring> {
    return Promise.reject(new Error('no test scores'))
  }

  announce(): void {}

  async asked(...requestIds: string[]): Promise<void> {
    await this.until(() => requestIds.every((id) => this.#held.has(id)))
  }

  answer(requestId: string, text = `answer to ${requestId}`): void {
    this.#take(requestId).answer(text)
  }

  fail(requestId: string, error: unknown): void {
    this.#take(requestId).fail(error)
  }

  #take(requestId: string) {
    const held = this.#held.get(requestId)
    if (!held) throw new Error(`${requestId} was not asked; asked: ${[...this.#held.keys()].join(', ')}`)
    this.#held.delete(requestId)
    return held
  }
}

const paid = { model: 'model', endpoint: 'held', latencySeconds: 0.5, cost: { amount: 0.25, currency: 'USD' } }

/** Every answer costs 10 tokens of prompt, 3 of completion, half a second and a quarter of a dollar. */
function completion(requestId: string, text: string): Completion {
  return {
    ...{ text, reasoning: undefined, finishReason: 'stop', sampling: {}, seed: undefined, ...paid },
    ...{ simulated: false, usage: { prompt: 10, cached: 4, completion: 3, reasoning: 1 }, requestId },
  }
}

/** A commit that reached the log. */
export interface SeenCommit {
  processor: string
  commit: TaskCommit
  progress: Progress
}

/** Stands in for a commit: does something else, or calls `proceed`. */
export type CommitFault = (proceed: () => Promise<void>, real: OpenTask) => Promise<void>

/** The log that the engine sees: the real one, with a hand in every commit. */
class WatchedLog extends Watched {
  /** Commits that the engine began, tries that failed included. */
  begun = 0
  /** Commits that were acknowledged. */
  readonly commits: SeenCommit[] = []
  readonly faults: CommitFault[] = []
  /** Done before the next questions for the offsets of a partition, in turn. */
  readonly beforeOffsets: (() => Promise<void>)[] = []
  readonly #codec: RecordCodec

  constructor(codec: RecordCodec) {
    super()
    this.#codec = codec
  }

  /** The port, for a runtime. */
  over(log: Log): Log {
    const joinWatched = async (group: Group, listener: Parameters<Log['join']>[1]): Promise<Membership> => {
      const membership = await log.join(group, listener)
      return {
        open: async (task) => this.#watched(group.name, await membership.open(task)),
        leave: () => membership.leave(),
      }
    }
    const offsets: Log['offsets'] = async (topic, partition) => {
      await this.beforeOffsets.shift()?.()
      return await log.offsets(topic, partition)
    }
    return new Proxy(log, {
      get: (target, name) => {
        if (name === 'join') return joinWatched
        if (name === 'offsets') return offsets
        const value = Reflect.get(target, name, target) as unknown
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }

  #watched(processor: string, open: OpenTask): OpenTask {
    return {
      task: open.task,
      progress: open.progress,
      state: open.state,
      fetch: (topic, from, bounds) => open.fetch(topic, from, bounds),
      close: () => open.close(),
      commit: async (commit) => {
        this.begun++
        const fault = this.faults.shift()
        this.changed()
        const proceed = (): Promise<void> => open.commit(commit)
        await (fault ? fault(proceed, open) : proceed())
        await this.#codec.learn(commit.progress)
        this.commits.push({ processor, commit, progress: this.#codec.decode('progress', commit.progress) })
        this.changed()
      },
    }
  }

  /** Resolves once so many commits are acknowledged. */
  async committed(count: number): Promise<void> {
    await this.until(() => this.commits.length >= count)
  }

  /** Resolves once the last commit holds so many finished records. */
  async finished(count: number): Promise<void> {
    await this.until(() => (this.commits.at(-1)?.progress.counts.finished ?? 0) >= count)
  }
}

interface StartOptions {
  models?: Inference
  limits?: Partial<TaskLimits>
  simulated?: boolean
  budget?: CallBudget
  metrics?: Metrics
}

/** One corpus in a folder, and the runtimes that work on it. */
export class Rig {
  readonly directory = mkdtempSync(join(tmpdir(), 'wellspring-engine-'))
  /** The log itself; new after a crash. */
  log!: Log
  codec!: RecordCodec
  /** What the engine did with the log since it was opened last. */
  watch!: WatchedLog
  #faultPoint: FaultPoint | undefined
  readonly #runtimes: Runtime[] = []

  static async open(): Promise<Rig> {
    const rig = new Rig()
    await rig.#open()
    const specifications = testTopics.map(({ name, partitions, retention }) => ({
      name,
      partitions,
      compacted: retention === 'table',
    }))
    await rig.log.ensureTopics([...topicSpecifications(), ...specifications])
    return rig
  }

  async #open(): Promise<void> {
    this.log = await openEmbeddedLog({
      directory: this.directory,
      mode: 'owner',
      freeBytesFloor: 0,
      faultPoint: (name) => {
        if (name !== this.#faultPoint) return
        this.#faultPoint = undefined
        throw new Error('the answer is lost')
      },
    })
    this.codec = new RecordCodec(this.log.schemas)
    this.watch = new WatchedLog(this.codec)
  }

  /** The next write loses its answer: after it took effect, or before. */
  loseNextAnswer(effect: 'written' | 'not written'): void {
    this.#faultPoint = effect === 'written' ? 'transaction:synced' : 'transaction:written'
  }

  async add(
    topic: Topic<'seed'>,
    records: readonly Seed[],
    partition = 0,
    headers?: Readonly<Record<string, string>>,
  ): Promise<void> {
    await this.codec.prepare(topic.name, topic.kind)
    const outgoing = records.map((record) => ({
      ...{ topic: topic.name, partition, key: record.id },
      value: this.codec.encode(topic.name, topic.kind, record),
      ...(headers && { headers }),
    }))
    await this.log.append(outgoing, `${topic.name}/${partition}/${(await this.log.offsets(topic.name, partition)).end}`)
  }

  /** Starts one processor. */
  async start(declaration: Processor, options: StartOptions = {}): Promise<Runtime> {
    return await this.startAll([declaration], options)
  }

  async startAll(declarations: readonly Processor[], options: StartOptions = {}): Promise<Runtime> {
    const { models = new HeldModels(), limits = {}, simulated = false, budget, metrics = new Metrics() } = options
    const runtime = new Runtime({
      log: this.watch.over(this.log),
      processors: declarations.map((declaration) => ({
        declaration,
        config: resolveSettings(declaration.name, declaration.settings, []).values,
        limits: { commitSeconds: 0.005, ...limits },
      })),
      inference: models,
      budget,
      verification: undefined as unknown as Verification,
      metrics,
      simulated,
    })
    this.#runtimes.push(runtime)
    await runtime.start()
    return runtime
  }

  /** The process dies: nothing more is written. The folder is opened again. */
  async crash(): Promise<void> {
    await this.log.close()
    await this.#open()
  }

  async close(): Promise<void> {
    for (const runtime of this.#runtimes) await runtime.drain(AbortSignal.abort()).catch(() => undefined)
    await this.log.close()
    rmSync(this.directory, { recursive: true })
  }

  /** All records of one partition, as they lie. */
  async stored(topic: string, partition = 0): Promise<StoredRecord[]> {
    const all: StoredRecord[] = []
    const { end } = await this.log.offsets(topic, partition)
    for (let offset = 0; offset < end;) {
      const result = await this.log.read({ topic, partition, offset }, { maxBytes: 1 << 20, maxWaitSeconds: 0 })
      all.push(...result.records)
      offset = result.nextOffset
    }
    return all
  }

  /** All records of a topic, decoded. */
  async recordsOf<Kind extends RecordKind>(topic: Topic<Kind>): Promise<RecordTypes[Kind][]> {
    const all: RecordTypes[Kind][] = []
    for (let partition = 0; partition < topic.partitions; partition++) {
      for (const { value } of await this.stored(topic.name, partition)) {
        await this.codec.learn(value)
        all.push(this.codec.decode(topic.kind, value))
      }
    }
    return all
  }

  /** All dead letters. */
  async deadLetters(): Promise<StoredRecord[]> {
    const partitions = Array.from({ length: deadLetters.partitions }, (_, partition) =>
      this.stored(deadLetters.name, partition),
    )
    return (await Promise.all(partitions)).flat()
  }

  /** The newest ledger entry of a processor's only task. */
  async ledgerOf(processor: string): Promise<LedgerEntry | undefined> {
    return (await this.recordsOf(topics.ledger)).findLast((entry) => entry.processor === processor)
  }

  /** What the table says was spent, by outcome: the last line of each key. */
  async spending(): Promise<Partial<Record<ExpenseOutcome, ExpenseSums>>> {
    const last = new Map<string, Expense>()
    for (const line of await this.recordsOf(topics.expenses)) last.set(topics.expenses.keyOf(line), line)
    const lines = [...last.values()]
    return Object.fromEntries(
      expenseOutcomes
        .map((outcome) => [outcome, addExpenses(lines.filter((line) => line.outcome === outcome))] as const)
        .filter(([, { calls }]) => calls > 0),
    )
  }

  /** The committed progress of a processor's task. */
  async progressOf(processor: string, task = 0): Promise<Progress | undefined> {
    const found = (await this.log.progress(processor)).find((one) => one.task === task)
    if (!found) return undefined
    await this.codec.learn(found.value)
    return this.codec.decode('progress', found.value)
  }
}

/** The offsets of the first input that the progress holds as unfinished. */
export function unfinishedIn(progress: Progress | undefined): number[] {
  return fromDistances(progress?.inputs[0]?.unfinished ?? [])
}

/** The status of the only processor. */
export function statusOf(runtime: Runtime): ProcessorStatus {
  const [status] = runtime.status()
  if (!status) throw new Error('nothing runs')
  return status
}

const patience = { transient: { attempts: 3, firstDelaySeconds: 0.001, maxDelaySeconds: 0.002 } }

/** Hands every seed on under its own id, once its gate is open. */
export function handingOn(gates: Gates): Processor {
  return defineProcessor({
    ...{ name: 'hand-on', summary: 'Hands seeds on.', version: 1, roles: [], settings: {}, metrics: {} },
    ...{ inputs: { inputs }, tables: {}, outputs: { outputs }, discards: [], onSpine: [], onFailure: patience },
    process: {
      async inputs(record, { emit }) {
        await gates.pass(record.id)
        return emit.outputs({ ...record, parentIds: [record.id] })
      },
    },
  })
}

/** Numbers the seeds of each source, in their order: `sourceId` of the output is `<source>:<number>`. */
export function numbering(gates: Gates): Processor {
  return defineProcessor({
    ...{ name: 'number', summary: 'Numbers seeds by source.', version: 1, roles: [], settings: {}, metrics: {} },
    ...{ inputs: { inputs }, tables: {}, outputs: { outputs }, discards: [], onSpine: [], onFailure: patience },
    state: { kind: 'drawn-combination', keyOf: ({ source }) => source },
    process: {
      async inputs(record, { emit, state }) {
        const { source } = record
        const before = state.get(source)?.draws ?? 0
        await gates.pass(record.id)
        state.set(source, { draws: before + 1, remaining: 0, combination: null })
        return emit.outputs({ ...record, parentIds: [record.id], sourceId: `${source}:${before}` })
      },
    },
  })
}

/** Asks a model once for each of the purposes, one after another or all at once, and hands the seed on with the answers as its statement. */
export function asking(purposes: readonly string[], given: Partial<Processor> = {}, atOnce = false): Processor {
  const processor = defineProcessor({
    ...{ name: 'ask', summary: 'Asks about seeds.', version: 1, roles: ['solver'], settings: {}, metrics: {} },
    ...{ inputs: { inputs }, tables: {}, outputs: { outputs }, discards: ['unwanted'], onSpine: ['inputs'] },
    onFailure: patience,
    process: {
      async inputs(record, { emit, complete, discard }) {
        const ask = async (purpose: string): Promise<string> =>
          (await complete({ role: 'solver', purpose, prompt: { text: record.statement, version: '1' } })).text
        const answers: string[] = []
        if (atOnce) answers.push(...(await Promise.all(purposes.map(ask))))
        else for (const purpose of purposes) answers.push(await ask(purpose))
        if (answers.includes('unwanted')) return discard('unwanted', 'the model says so')
        return emit.outputs({ ...record, parentIds: [record.id], statement: answers.join(' | ') })
      },
    },
  })
  return { ...processor, ...given }
}
