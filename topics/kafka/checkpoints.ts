/**
 * Local copies of task state: what a task's changelog says up to an offset, in LMDB. A copy is used only where the changelog goes
 * on from it; else the changelog is read from its start. Losing a copy costs time, never a record.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openForReading, openForWriting, type Environment, type WriteTransaction } from '../embedded/environment.ts'
import {
  decodeSequenced,
  encodeSequenced,
  progressKey,
  progressKeys,
  stateKeys,
  statePrefix,
  systemKeys,
  taskOfProgressKey,
} from '../embedded/layout.ts'
import { claimAfter, forget, isLive, liveOwnerOf, ownerOf, type OwnerRecord } from '../embedded/ownership.ts'
import { StoredState } from '../embedded/state.ts'
import { makeFolder } from '../make-folder.ts'
import { LogError } from '../log.ts'

/** How far a local copy goes. */
export interface Checkpoint {
  /** What tells this changelog from another of the same name: its identity record, and where that lies. */
  identity: string
  identityOffset: number
  /** The copy holds all of the changelog below this. */
  offset: number
  /** When it was last known to be complete, in milliseconds since 1970. */
  writtenAtMs: number
  /** The progress among it, base64; undefined before the first commit. */
  progress: { sequence: number; value: string } | undefined
}

/** Processes of one machine that share a folder each take a slot of their own. */
const SLOTS = 256
const REMOVED_AT_ONCE = 10_000

interface Work {
  run(transaction: WriteTransaction): void
  resolve(): void
  reject(error: unknown): void
}

/** The local copies of one process. */
export class Checkpoints {
  readonly #environment: Environment
  readonly #claim: OwnerRecord
  readonly #temporary: string | undefined
  #queue: Work[] = []
  #writing: Promise<void> | undefined

  private constructor(environment: Environment, claim: OwnerRecord, temporary: string | undefined) {
    this.#environment = environment
    this.#claim = claim
    this.#temporary = temporary
  }

  /**
   * Takes a slot of the folder that no living process has; without a folder, one that is removed at the end.
   * @throws LogError 'full', 'damaged', 'owned'
   */
  static open(directory: string | undefined): Checkpoints {
    const temporary = directory === undefined ? mkdtempSync(join(tmpdir(), 'wellspring-state-')) : undefined
    const folder = directory ?? temporary ?? ''
    for (let slot = 1; slot <= SLOTS; slot += 1) {
      const path = join(folder, `state-${slot}`)
      makeFolder(path)
      if (isTaken(path)) continue
      const environment = openForWriting(path)
      const claim = claimSlot(environment)
      if (claim) return new Checkpoints(environment, claim, temporary)
      environment.close().catch(() => undefined)
    }
    throw new LogError('owned', `${folder}: all ${SLOTS} slots are taken by living processes: name another folder`)
  }

  state(scope: string, group: string, task: number): StoredState {
    return new StoredState(this.#environment, statePrefix(scope, group, task), `${group} task ${task}`)
  }

  checkpoint(scope: string, group: string, task: number): Checkpoint | undefined {
    const stored = this.#environment.get(progressKey(scope, group, task))
    if (!stored) return undefined
    return JSON.parse(
      Buffer.from(decodeSequenced(stored, `the checkpoint of ${group} task ${task}`).value).toString(),
    ) as Checkpoint
  }

  /** Tasks of a group that have a copy here. */
  tasksOf(scope: string, group: string): number[] {
    return [...this.#environment.keys(progressKeys(scope, group))].map(taskOfProgressKey)
  }

  /** Changes state and checkpoint in one transaction; resolves when they are on the disk. @throws LogError 'full', 'doubt' */
  async write(
    scope: string,
    group: string,
    task: number,
    entries: Iterable<{ key: Buffer; value: Buffer | undefined }>,
    checkpoint: Checkpoint,
  ): Promise<void> {
    await this.#write((transaction) => {
      for (const { key, value } of entries) {
        if (value) transaction.put(key, value)
        else transaction.remove(key)
      }
      const text = Buffer.from(JSON.stringify(checkpoint))
      transaction.put(progressKey(scope, group, task), encodeSequenced(checkpoint.progress?.sequence ?? 0, text))
    })
  }

  /** Forgets the copy of a task. @throws LogError 'full', 'doubt' */
  async remove(scope: string, group: string, task: number): Promise<void> {
    await this.#write((transaction) => transaction.remove(progressKey(scope, group, task)))
    const range = stateKeys(statePrefix(scope, group, task))
    for (;;) {
      const keys = [...this.#environment.keys(range, { limit: REMOVED_AT_ONCE })]
      if (keys.length === 0) return
      await this.#write((transaction) => {
        for (const key of keys) transaction.remove(key)
      })
    }
  }

  async close(): Promise<void> {
    await this.#writing?.catch(() => undefined)
    forget(this.#claim)
    await this.#environment.close()
    if (this.#temporary !== undefined) rmSync(this.#temporary, { recursive: true, force: true })
  }

  /** All that is asked meanwhile goes into the next transaction. */
  #write(run: Work['run']): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ run, resolve, reject })
      this.#writing ??= this.#pump()
    })
  }

  async #pump(): Promise<void> {
    await new Promise(setImmediate)
    while (this.#queue.length > 0) {
      const works = this.#queue
      this.#queue = []
      try {
        await this.#environment.write((transaction) => {
          for (const { run } of works) run(transaction)
        })
        for (const { resolve } of works) resolve()
      } catch (error) {
        for (const { reject } of works) reject(error)
      }
    }
    // At once: whoever is told of a write may ask for the next before anything else runs.
    this.#writing = undefined
  }
}

/**
 * Whether a living process has the slot; found without LMDB's write lock. That is waited for on this thread, and an owner in this very
 * process may need the thread to let go of it.
 */
function isTaken(path: string): boolean {
  const environment = openForReading(path)
  if (!environment) return false
  try {
    return liveOwnerOf(environment) !== undefined
  } finally {
    environment.close().catch(() => undefined)
  }
}

function claimSlot(environment: Environment): OwnerRecord | undefined {
  return environment.writeNow((transaction) => {
    const previous = ownerOf(environment)
    if (isLive(previous, environment.directory)) return undefined
    // No volume of state copies is shared by containers, and one that begins anew must not wait for itself.
    const claim = claimAfter(previous)
    transaction.put(systemKeys.owner, Buffer.from(JSON.stringify(claim)))
    return claim
  })
}
