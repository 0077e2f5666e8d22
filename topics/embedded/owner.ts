/**
 * The log as the owner of its folder sees it, and which folders this process owns.
 */
import { realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import {
  LogError,
  type AssignmentListener,
  type Group,
  type Log,
  type Membership,
  type OutgoingRecord,
  type Position,
  type ReadBounds,
  type ReadResult,
  type SchemaStore,
  type TaskProgress,
  type TopicDescription,
  type TopicSpecification,
} from '../log.ts'
import { onAbort } from '../signals.ts'
import type { Environment } from './environment.ts'
import { Inbox, type Answer, type Request } from './inbox.ts'
import { appendIdKey, schemaByIdKey, schemaByTextKey, topicKey } from './layout.ts'
import { closedLog, Store, type StoreOptions } from './store.ts'
import { EmbeddedMembership, TaskRegistry, type TaskHost } from './tasks.ts'
import { deleteBelow, maintainStore } from './upkeep.ts'
import { describeTopics, missingTopics, progressOf, readRecords, schemaIdOf, schemaTextOf } from './view.ts'

const LONGEST_TIMER_MILLISECONDS = 2 ** 31 - 1

/** A folder that this process owns, with all logs that use it: namespaces of one folder share its writer. */
interface OwnedFolder {
  store: Store
  registry: TaskRegistry
  inbox: Inbox
  users: number
}

/** What this process does with a folder. */
export interface Place {
  owned: OwnedFolder | undefined
  /** Opening and closing, one after another. */
  changing: Promise<unknown>
  /** Read-only views of this process; they must be shut before it opens the folder for writing. */
  readonly views: Set<{ shut(): Promise<void> }>
}

const places = new Map<string, Place>()

/** The place of a folder, by its real path. */
export function placeOf(directory: string): Place {
  const path = realPath(resolve(directory))
  let place = places.get(path)
  if (!place) places.set(path, (place = { owned: undefined, changing: Promise.resolve(), views: new Set() }))
  return place
}

/** The real path, also of what is not there yet. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(realPath(parent), basename(path))
  }
}

/** The environment of a folder that this process owns. */
export function ownEnvironment(place: Place): Environment | undefined {
  return place.owned?.store.environment
}

/** Runs `change` after all earlier openings and closings of the place. */
function inTurn<T>(place: Place, change: () => Promise<T>): Promise<T> {
  const turn = place.changing.then(change, change)
  place.changing = turn.catch(() => undefined)
  return turn
}

/**
 * Takes the folder, or joins the owner in this process.
 * @throws LogError 'owned', 'newer_version', 'not_a_log', 'damaged', 'full'
 */
export function openAsOwner(namespace: string, options: StoreOptions): Promise<OwnerLog> {
  const place = placeOf(options.directory)
  return inTurn(place, async () => {
    let { owned } = place
    if (!owned) {
      await Promise.all([...place.views].map((view) => view.shut()))
      const store = Store.open(options)
      const registry = new TaskRegistry()
      const perform = (name: string, request: Request, deliveryName: string): Promise<Answer> =>
        new OwnerLog(name, place, { store, registry }).perform(request, deliveryName)
      owned = { store, registry, inbox: new Inbox(store.environment.directory, perform, options.faultPoint), users: 0 }
      await owned.inbox.start()
      place.owned = owned
    }
    owned.users += 1
    return new OwnerLog(namespace, place, owned)
  })
}

/** The log as its owner sees it. */
export class OwnerLog implements Log, TaskHost {
  readonly kind = 'embedded'
  readonly namespace: string
  readonly schemas: SchemaStore
  readonly store: Store
  readonly registry: TaskRegistry
  private readonly place: Place
  private readonly memberships = new Set<Membership>()
  private readonly closed = new AbortController()

  constructor(namespace: string, place: Place, owned: Pick<OwnedFolder, 'store' | 'registry'>) {
    this.namespace = namespace
    this.place = place
    this.store = owned.store
    this.registry = owned.registry
    this.schemas = { idOf: (_subject, schema) => this.schemaId(schema), schemaOf: (id) => this.schemaText(id) }
  }

  async ensureTopics(topics: readonly TopicSpecification[]): Promise<void> {
    this.check()
    if (missingTopics(topics, (name) => this.store.topic(this.namespace, name)).length === 0) return
    await this.store.write({
      bytes: topics.length * 256,
      prepare: (plan) => {
        const made = missingTopics(topics, (name) => this.store.topic(this.namespace, name)).map((topic) => ({
          ...topic,
          id: this.store.nextId(plan, 'topicId'),
          namespace: this.namespace,
        }))
        for (const { id, name, partitions, compacted } of made) {
          plan.changes.push({
            key: topicKey(this.namespace, name),
            value: Buffer.from(JSON.stringify({ id, partitions, compacted })),
          })
        }
        plan.whenSynced.push(() => {
          for (const topic of made) this.store.remember(topic)
        })
      },
    })
  }

  async describeTopics(): Promise<TopicDescription[]> {
    this.check()
    return describeTopics(this.store.environment, this.namespace)
  }

  async offsets(topic: string, partition: number): Promise<{ start: number; end: number }> {
    this.check()
    const { start, end } = this.store.partition(this.namespace, topic, partition).extent
    return { start, end }
  }

  async join(group: Group, listener: AssignmentListener): Promise<Membership> {
    this.check()
    for (const input of group.inputs) {
      const topic = this.store.partition(this.namespace, input, 0).topic
      if (topic.partitions !== group.tasks) {
        throw new LogError(
          'topic_mismatch',
          `input ${input} of ${group.name} has ${topic.partitions} partitions, the group ${group.tasks} tasks: inputs need one partition a task`,
        )
      }
    }
    const membership = new EmbeddedMembership(this, group, listener)
    this.memberships.add(membership)
    return membership
  }

  async read(from: Position, bounds: ReadBounds): Promise<ReadResult> {
    return await this.readPartition(from.topic, from.partition, from.offset, bounds)
  }

  /** Reads on, or waits for the next record until `stop`, or the signal of the bounds, aborts. */
  async readPartition(
    topic: string,
    number: number,
    offset: number,
    bounds: ReadBounds,
    stop?: AbortSignal,
  ): Promise<ReadResult> {
    this.check()
    const partition = this.store.partition(this.namespace, topic, number)
    const deadline = performance.now() + bounds.maxWaitSeconds * 1000
    const signals = [bounds.signal, stop, this.closed.signal].filter((signal) => signal !== undefined)
    for (;;) {
      const result = await readRecords(this.store.environment, partition.topic, number, offset, bounds.maxBytes)
      this.check()
      const left = deadline - performance.now()
      if (
        result.records.length > 0 ||
        result.nextOffset > offset ||
        left <= 0 ||
        signals.some(({ aborted }) => aborted)
      )
        return result
      // A record that came since the end was read would not wake this read any more.
      if (partition.extent.end > result.endOffset) {
        await new Promise(setImmediate)
        continue
      }
      await new Promise<void>((wake) => {
        const done = (): void => {
          clearTimeout(timer)
          partition.waiting.delete(done)
          stopHearing()
          wake()
        }
        const timer = setTimeout(done, Math.min(left, LONGEST_TIMER_MILLISECONDS))
        partition.waiting.add(done)
        const stopHearing = onAbort(signals, done)
      })
      this.check()
    }
  }

  async append(records: readonly OutgoingRecord[], appendId: string): Promise<boolean> {
    return await this.appendFor(records, appendId, '')
  }

  /** Appends; a second attempt at the same delivery counts as the first. */
  private async appendFor(
    records: readonly OutgoingRecord[],
    appendId: string,
    deliveryName: string,
  ): Promise<boolean> {
    this.check()
    const placing = this.store.place(this.namespace, records)
    const { placed, bytes } = placing instanceof Promise ? await placing : placing
    const key = appendIdKey(this.namespace, appendId)
    const name = key.toString('latin1')
    let written = false
    await this.store.write({
      bytes: bytes + key.length,
      prepare: (plan) => {
        const before = this.store.environment.get(key)
        if (before) {
          written = deliveryName !== '' && before.toString() === deliveryName
          return
        }
        if (plan.claimed.has(name)) return
        plan.claimed.add(name)
        written = true
        for (const record of placed) plan.append(record)
        plan.changes.push({ key, value: Buffer.from(deliveryName) })
      },
    })
    return written
  }

  async progress(group: string): Promise<TaskProgress[]> {
    this.check()
    return progressOf(this.store.environment, this.namespace, group)
  }

  async deleteBefore(position: Position): Promise<void> {
    this.check()
    const partition = this.store.partition(this.namespace, position.topic, position.partition)
    if (partition.topic.compacted)
      throw new LogError('topic_mismatch', `${position.topic} is compacted: its records are not cut by offset`)
    await deleteBelow(this.store, partition, position.offset)
  }

  async maintain(): Promise<void> {
    this.check()
    await maintainStore(this.store)
  }

  async close(): Promise<void> {
    if (this.closed.signal.aborted) return
    await Promise.all([...this.memberships].map((membership) => membership.leave()))
    this.closed.abort()
    await inTurn(this.place, async () => {
      const { owned } = this.place
      if (!owned || (owned.users -= 1) > 0) return
      await owned.inbox.stop()
      await owned.store.close()
      this.place.owned = undefined
    })
  }

  /** Does work that another process handed over. */
  async perform(request: Request, deliveryName: string): Promise<Answer> {
    switch (request.operation) {
      case 'append':
        return await this.appendFor(request.records, request.appendId, deliveryName)
      case 'ensureTopics':
        await this.ensureTopics(request.topics)
        return null
      case 'schemaId':
        return await this.schemaId(request.schema)
      case 'deleteBefore':
        await this.deleteBefore(request.position)
        return null
      case 'maintain':
        await this.maintain()
        return null
    }
  }

  private async schemaId(schema: string): Promise<number> {
    this.check()
    const known = schemaIdOf(this.store.environment, schema)
    if (known !== undefined) return known
    await this.store.write({
      bytes: schema.length + 64,
      prepare: (plan) => {
        if (schemaIdOf(this.store.environment, schema) !== undefined) return
        const byText = schemaByTextKey(schema)
        const name = byText.toString('latin1')
        if (plan.claimed.has(name)) return
        plan.claimed.add(name)
        const id = this.store.nextId(plan, 'schemaId')
        const idBytes = Buffer.alloc(4)
        idBytes.writeUInt32BE(id)
        plan.changes.push({ key: byText, value: idBytes }, { key: schemaByIdKey(id), value: Buffer.from(schema) })
      },
    })
    const id = schemaIdOf(this.store.environment, schema)
    if (id === undefined) throw new LogError('damaged', 'a schema that was just registered is not there')
    return id
  }

  private async schemaText(id: number): Promise<string> {
    this.check()
    return schemaTextOf(this.store.environment, id)
  }

  private check(): void {
    if (this.closed.signal.aborted) throw closedLog(this.store.environment.directory)
  }
}
