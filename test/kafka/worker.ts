/** A process of a group in small: it commits one numbered output after another in every task that it has. */
import type { Group, Log, Membership, OpenTask } from '../../topics/log.ts'

/** Wakes whoever waits for something that changes. */
export class Changes {
  readonly #waiting = new Set<() => void>()

  notify(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  /** Resolves when the condition holds; it is looked at after every change. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.add(resolve))
  }
}

export class Worker {
  readonly name: string
  /** Tasks that are open here. */
  readonly open = new Set<number>()
  readonly acknowledged: { task: number; sequence: number }[] = []
  /** Codes of commits that failed. */
  readonly refusals: unknown[] = []
  /** What the log said, in its order. */
  readonly told: string[] = []
  readonly #changes: Changes
  readonly #running = new Map<number, { isStopping: boolean; ended: Promise<void> }>()
  readonly #outputs: string
  #membership!: Promise<Membership>

  private constructor(name: string, outputs: string, changes: Changes) {
    this.name = name
    this.#outputs = outputs
    this.#changes = changes
  }

  /** Joins; every output goes to the task's own partition of the topic `outputs`. */
  static async start(log: Log, group: Group, name: string, outputs: string, changes: Changes): Promise<Worker> {
    const worker = new Worker(name, outputs, changes)
    worker.#membership = log.join(group, {
      gained: (task) => {
        worker.told.push(`gained ${task}`)
        const running = { isStopping: false, ended: Promise.resolve() }
        worker.#running.set(task, running)
        running.ended = worker.#work(task, running)
      },
      lost: async (task) => {
        worker.told.push(`lost ${task}`)
        const running = worker.#running.get(task)
        if (!running) return
        running.isStopping = true
        await running.ended
        worker.#running.delete(task)
      },
      failed: (error) => {
        worker.refusals.push(error)
        changes.notify()
      },
    })
    await worker.#membership
    return worker
  }

  /** Makes its last commits and leaves. */
  async stop(): Promise<void> {
    for (const running of this.#running.values()) running.isStopping = true
    await Promise.all([...this.#running.values()].map(({ ended }) => ended))
    await (await this.#membership).leave()
  }

  async #work(task: number, running: { isStopping: boolean }): Promise<void> {
    const membership = await this.#membership
    while (!running.isStopping) {
      let opened: OpenTask
      try {
        opened = await membership.open(task)
      } catch (error) {
        const { code } = error as { code?: unknown }
        this.refusals.push(code ?? error)
        // Where the log is away, it is asked again; a task that is no longer ours is left alone.
        if (code !== 'unreachable') return
        continue
      }
      this.open.add(task)
      this.#changes.notify()
      await this.#commit(opened, running)
      this.open.delete(task)
      this.#changes.notify()
      await opened.close()
    }
  }

  async #commit(opened: OpenTask, running: { isStopping: boolean }): Promise<void> {
    const { task } = opened
    for (let sequence = (opened.progress?.sequence ?? 0) + 1; !running.isStopping; sequence += 1) {
      const output = { topic: this.#outputs, partition: task, key: this.name, value: Buffer.from(String(sequence)) }
      const state = [{ key: 'last', value: Buffer.from(`${this.name} ${sequence}`) }]
      try {
        await opened.commit({ sequence, outputs: [output], state, progress: Buffer.from(String(sequence)) })
      } catch (error) {
        this.refusals.push((error as { code?: unknown }).code ?? error)
        return
      }
      this.acknowledged.push({ task, sequence })
      this.#changes.notify()
    }
  }
}
