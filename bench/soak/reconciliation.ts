/**
 * Whether every record that went into a processor has come out of it, was discarded, became a dead letter, or is still there: read from
 * the committed log alone, beside whoever runs. A record is looked at once, and forgotten when its end is known, so that a run may be long.
 */
import { domainNamed } from '../../domains/index.ts'
import { fromDistances } from '../../engine/progress.ts'
import type { Processor } from '../../engine/processor.ts'
import { groupOf } from '../../engine/runtime.ts'
import type { TaskCounts } from '../../schemas/generated.ts'
import { deadLetters, ingestedTopics, topics, type Topic } from '../../topics/catalogue.ts'
import type { Log, StoredRecord } from '../../topics/log.ts'
import { decoded, storedRecords, type Corpus } from '../../topics/reading.ts'

/** Where the records of one processor are. `in` = out + passedOver + discarded + dead + inFlight, or something is lost or made twice. */
export interface Balance {
  processor: string
  in: number
  /** Finished with an output, or, where a processor may finish a record in silence, at all. */
  out: number
  /** Records of domains that another processor is for. */
  passedOver: number
  discarded: number
  dead: number
  /** Not finished by the committed progress: waiting, or worked on. */
  inFlight: number
}

/** Processors that may finish a record without any record to show for it: they change tables or plans. */
const silent: readonly string[] = ['embed-concepts', 'plan-rollouts', 'report-yields', 'select-rationale']
/** Processors that are for some domains only, by how attempts are checked there. */
const ownCheck: Readonly<Record<string, string>> = { 'generate-test-cases': 'tests', 'vote-answer': 'answer' }

/** An input of one processor that is not known to be finished. */
interface Open {
  id: string | undefined
  place: string
  partition: number
  topic: string
  offset: number
  outputs: Set<string>
}

interface Account {
  declaration: Processor
  byPlace: Map<string, Open>
  byId: Map<string, Open>
  discards: Map<string, number>
  letters: Map<string, number>
  balance: Balance
}

interface TaskView {
  counts: TaskCounts
  inputs: ReadonlyMap<string, { nextOffset: number; unfinished: ReadonlySet<number> }>
}

/** An output that was read and belongs to an input that may be read later in the same look. */
interface Output {
  topic: string
  id: string
  parentId: string | undefined
}

const placeOf = (topic: string, partition: number, offset: number): string => `${topic}/${partition}/${offset}`

/** The stage and the place that a dead letter's headers tell. */
function letterOf({ headers = {} }: StoredRecord): { stage: string; place: string } {
  const header = (name: string): string => headers[`__connect.errors.${name}`] ?? ''
  return {
    stage: header('stage'),
    place: placeOf(header('topic'), Number(header('partition')), Number(header('offset'))),
  }
}

export class Reconciliation {
  /** What does not hold, in sentences; the first hundred. */
  readonly violations: string[] = []
  /** Records read so far. */
  records = 0
  readonly #accounts = new Map<string, Account>()
  readonly #readTo = new Map<string, number>()
  /** Of topics that sources and silent processors write: a second record of one id has no input to be missed at. */
  readonly #ids = new Map<string, Set<string>>()

  constructor(processors: readonly Processor[]) {
    for (const declaration of processors) {
      const { name } = declaration
      this.#accounts.set(name, {
        declaration,
        byPlace: new Map(),
        byId: new Map(),
        discards: new Map(),
        letters: new Map(),
        balance: { processor: name, in: 0, out: 0, passedOver: 0, discarded: 0, dead: 0, inFlight: 0 },
      })
    }
  }

  /**
   * Reads on to the end as it is now and balances every processor. Progress is read first: of everything that it calls finished the outputs
   * are read too. Topics are read from the end of the stream to its beginning, so that no output is met whose input is not.
   */
  async look({ log, codec }: Corpus): Promise<Balance[]> {
    const groups = [...this.#accounts.values()].map(({ declaration }) => groupOf(declaration))
    await log.settled?.([...Object.values(topics), deadLetters].map(({ name }) => name), groups.map(({ name }) => name), AbortSignal.timeout(120_000)) // prettier-ignore
    const views = await this.#progress({ log, codec })
    const outputs: Output[] = []
    for await (const record of this.#newRecords(log, deadLetters.name, deadLetters.partitions)) {
      const { stage, place } = letterOf(record)
      const letters = this.#accounts.get(stage)?.letters
      if (letters) letters.set(place, (letters.get(place) ?? 0) + 1)
      else this.#violated(`a dead letter of ${JSON.stringify(stage)}, which runs nowhere`)
    }
    const all: Topic[] = Object.values(topics).filter(({ retention }) => retention !== 'table')
    for (const topic of all.reverse()) {
      for await (const stored of this.#newRecords(log, topic.name, topic.partitions)) {
        const record = await decoded<Topic['kind']>(codec, topic, stored)
        this.#take(topic, stored, record as TakenRecord | undefined, outputs)
      }
    }
    for (const output of outputs) this.#assign(output)
    return [...this.#accounts.values()]
      .filter(({ declaration }) => Object.keys(declaration.inputs).length > 0)
      .map((account) => this.#balance(account, views.get(account.declaration.name) ?? new Map<number, TaskView>()))
  }

  #violated(sentence: string): void {
    if (this.violations.length < 100) this.violations.push(sentence)
  }

  async #progress({ log, codec }: Corpus): Promise<Map<string, Map<number, TaskView>>> {
    const views = new Map<string, Map<number, TaskView>>()
    for (const name of this.#accounts.keys()) {
      const tasks = new Map<number, TaskView>()
      for (const { task, value } of await log.progress(name)) {
        if (!codec.knows(value)) await codec.learn(value)
        const { counts, inputs } = codec.decode('progress', value)
        const places = inputs.map(
          ({ topic, nextOffset, unfinished }) =>
            [topic, { nextOffset, unfinished: new Set(fromDistances(unfinished)) }] as const,
        )
        tasks.set(task, { counts, inputs: new Map(places) })
      }
      views.set(name, tasks)
    }
    return views
  }

  async *#newRecords(log: Log, topic: string, partitions: number): AsyncGenerator<StoredRecord> {
    for (let partition = 0; partition < partitions; partition++) {
      const place = `${topic}/${partition}`
      const from = this.#readTo.get(place) ?? 0
      const { start } = await log.offsets(topic, partition)
      if (start > from)
        this.#violated(`${place}: retention has taken offsets ${from} to ${start - 1} before they were looked at`)
      for await (const stored of storedRecords(log, topic, partition, from)) {
        this.#readTo.set(place, stored.offset + 1)
        this.records++
        yield stored
      }
    }
  }

  #take(topic: Topic, stored: StoredRecord, record: TakenRecord | undefined, outputs: Output[]): void {
    const { partition, offset } = stored
    const place = placeOf(topic.name, partition, offset)
    if (topic.name === topics.discards.name && record !== undefined) {
      const { processor = '', topic: from = '', partition: task = -1, offset: at = -1 } = record
      const account = this.#accounts.get(processor)
      const key = placeOf(from, task, at)
      if (account) account.discards.set(key, (account.discards.get(key) ?? 0) + 1)
    }
    for (const account of this.#accounts.values()) {
      const { declaration, balance } = account
      if (!Object.values(declaration.inputs).some(({ name }) => name === topic.name)) continue
      balance.in++
      const open: Open = { id: record?.id, place, partition, topic: topic.name, offset, outputs: new Set() }
      account.byPlace.set(place, open)
      if (record === undefined) continue
      if (account.byId.has(record.id)) this.#violated(`${topic.name} holds ${record.id} a second time at ${place}`)
      account.byId.set(record.id, open)
      if (isOfOtherDomain(declaration, record)) open.outputs.add(passedOver)
    }
    if (record === undefined) return
    const makers = this.#makersOf(topic.name)
    if (makers.length === 0) return
    if (makers.every(({ name }) => !silent.includes(name) && !isSource(name, this.#accounts))) {
      outputs.push({ topic: topic.name, id: record.id, parentId: record.parentIds[0] })
      return
    }
    const known = this.#ids.get(topic.name) ?? new Set()
    this.#ids.set(topic.name, known)
    if (known.has(record.id)) this.#violated(`${topic.name} holds ${record.id} a second time at ${place}`)
    known.add(record.id)
  }

  #makersOf(topic: string): Processor[] {
    return [...this.#accounts.values()]
      .map(({ declaration }) => declaration)
      .filter(({ outputs }) => Object.values(outputs).some(({ name }) => name === topic))
  }

  /** Gives an output to the input that it was made of, or that it is, handed on. */
  #assign({ topic, id, parentId }: Output): void {
    for (const { name } of this.#makersOf(topic)) {
      const account = this.#accounts.get(name)
      // A record in a topic that its maker reads too (trace-requests) is that input itself, not one that was handed on.
      const same = account?.byId.get(id)
      const parent = parentId === undefined ? undefined : account?.byId.get(parentId)
      const input = same?.topic === topic ? parent : (same ?? parent)
      if (!input || input.outputs.has(passedOver)) continue
      if (input.outputs.has(id)) this.#violated(`${topic} holds ${id} a second time`)
      input.outputs.add(id)
      return
    }
    // Nobody made it: it came from outside.
    if (parentId === undefined && ingestedTopics.includes(topic)) return
    this.#violated(`${topic} holds ${id} of ${parentId}, which has ended before, or is no input of who makes it`)
  }

  #balance(account: Account, tasks: ReadonlyMap<number, TaskView>): Balance {
    const { declaration, byPlace, byId, discards, letters, balance } = account
    const { name } = declaration
    for (const open of byPlace.values()) {
      const at = tasks.get(open.partition)?.inputs.get(open.topic)
      if (at === undefined || open.offset >= at.nextOffset || at.unfinished.has(open.offset)) continue
      const discarded = discards.get(open.place) ?? 0
      const dead = letters.get(open.place) ?? 0
      const isPassedOver = open.outputs.has(passedOver)
      const made = isPassedOver ? 0 : open.outputs.size
      const isRight =
        discarded + dead === 0
          ? open.id !== undefined && (made > 0 || isPassedOver || silent.includes(name))
          : discarded + dead === 1 && (made === 0 || (dead === 1 && emitsInstead(declaration, open.topic)))
      if (!isRight)
        this.#violated(
          `${name} has finished ${open.place} (${open.id ?? 'no record'}) with ${made} outputs, ${discarded} discards and ${dead} dead letters`,
        )
      if (discarded > 0) balance.discarded++
      else if (dead > 0) balance.dead++
      else if (isPassedOver) balance.passedOver++
      else balance.out++
      byPlace.delete(open.place)
      if (open.id !== undefined) byId.delete(open.id)
      discards.delete(open.place)
      letters.delete(open.place)
    }
    balance.inFlight = byPlace.size
    const counts = [...tasks.values()].map((task) => task.counts)
    const sum = (of: (counts: TaskCounts) => number): number => counts.reduce((total, one) => total + of(one), 0)
    const finished = balance.in - balance.inFlight
    if (
      sum((one) => one.finished) !== finished ||
      sum((one) => one.discarded) !== balance.discarded ||
      sum((one) => one.deadLettered) !== balance.dead
    )
      this.#violated(
        `${name} counts ${sum((one) => one.finished)} finished, ${sum((one) => one.discarded)} discarded, ${sum((one) => one.deadLettered)} dead; the topics hold ${finished}, ${balance.discarded}, ${balance.dead}`,
      )
    return { ...balance }
  }

  /** After the last look at a stream that is done: what it still has open, and what belongs to nothing. */
  openAtEnd(): string[] {
    return [...this.#accounts.values()].flatMap(({ declaration: { name }, byPlace, discards, letters }) => [
      ...(byPlace.size > 0 ? [`${name}: ${byPlace.size} records are not finished`] : []),
      ...(discards.size + letters.size > 0
        ? [`${name}: ${discards.size} discards and ${letters.size} dead letters of records that ended otherwise`]
        : []),
    ])
  }
}

/** In place of an output: the record is another processor's to work on. */
const passedOver = ''

/** What is looked at in a record of any kind. */
interface TakenRecord {
  id: string
  parentIds: readonly string[]
  domain?: string
  /** Of a discard. */
  processor?: string
  topic?: string
  partition?: number
  offset?: number
}

/** Whether a dead letter of that topic comes with an output: every request ends in a verdict. */
function emitsInstead({ inputs, onFailure }: Processor, topic: string): boolean {
  return Object.entries(inputs).some(([input, { name }]) => name === topic && onFailure.emitInstead?.[input])
}

function isOfOtherDomain({ name }: Processor, { domain }: TakenRecord): boolean {
  const check = ownCheck[name]
  return check !== undefined && domain !== undefined && domainNamed(domain).checkedBy !== check
}

function isSource(name: string, accounts: ReadonlyMap<string, Account>): boolean {
  return Object.keys(accounts.get(name)?.declaration.inputs ?? {}).length === 0
}
