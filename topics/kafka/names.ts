/** Names on the cluster: the namespace comes before every topic, group and transactional id, and never shows outside topics/kafka. */
import { LogError } from '../log.ts'

const LEGAL = /^[A-Za-z0-9._-]{1,100}$/

/** Topics that hold what the engine keeps, not records of the stream. */
const CHANGELOG = '-changelog'
const APPENDS = 'appends'
/** Partitions of the record of appends; each has one transactional id that alone writes to it. */
export const APPEND_PARTITIONS = 8

export class Names {
  readonly namespace: string
  readonly #prefix: string

  /** @throws LogError 'not_a_log' for a namespace that no topic may begin with */
  constructor(namespace: string) {
    if (namespace !== '' && !LEGAL.test(namespace)) {
      throw new LogError(
        'not_a_log',
        `namespace "${namespace}": expected letters, digits, ".", "_" and "-" only, up to 100`,
      )
    }
    this.namespace = namespace
    this.#prefix = namespace === '' ? '' : `${namespace}.`
  }

  /** @throws LogError 'unknown_topic' for a name that Kafka can't have */
  topic(name: string): string {
    if (!LEGAL.test(name)) throw new LogError('unknown_topic', `topic "${name}": Kafka has no topics of such names`)
    return `${this.#prefix}${name}`
  }

  group(name: string): string {
    return `${this.#prefix}${name}`
  }

  /** The state and the progress of a group's tasks. */
  changelog(group: string): string {
    return `${this.#prefix}${group}${CHANGELOG}`
  }

  /** Which appends were made. */
  get appends(): string {
    return `${this.#prefix}${APPENDS}`
  }

  /** What the transactional ids of a group's tasks begin with, and no other's. */
  transactionalIds(group: string): string {
    return `${this.#prefix}${group}.`
  }

  transactionalId(group: string, task: number): string {
    return `${this.transactionalIds(group)}${task}`
  }

  /** As `transactionalIds`, of appends. */
  get appendTransactionalIds(): string {
    return this.transactionalIds(APPENDS)
  }

  appendTransactionalId(partition: number): string {
    return `${this.appendTransactionalIds}${partition}`
  }

  /** The registry's subject: `<topic>-value`; records of several kinds in a changelog have a subject each, as the engine names them. */
  subject(name: string): string {
    return name.includes(CHANGELOG) ? `${this.#prefix}${name}` : `${this.#prefix}${name}-value`
  }

  /** The name of a topic of the stream in this namespace; undefined for all others. */
  nameOf(topic: string): string | undefined {
    if (!topic.startsWith(this.#prefix)) return undefined
    const name = topic.slice(this.#prefix.length)
    if (name.endsWith(CHANGELOG) || name === APPENDS || name.startsWith('__')) return undefined
    // A dot belongs to another namespace: no topic of the stream has one.
    return name.includes('.') ? undefined : name
  }
}
