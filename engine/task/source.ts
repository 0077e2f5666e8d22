/** The loop of a source: a processor without inputs, asked for its next step while there is room for what it gives. */
import type { EquippedProcessor } from '../context.ts'
import type { SourceStep } from '../processor.ts'
import type { Changelog } from './changelog.ts'
import type { Contexts } from './contexts.ts'
import { bytesOf, type Finished } from './entry.ts'
import { changesOf, type Staged } from './key-state.ts'
import type { Outputs } from './outputs.ts'
import type { Room } from './room.ts'

/** A source gives way to others after so long, in milliseconds. */
const turnMs = 5

interface SourceParts {
  equipped: Pick<EquippedProcessor, 'declaration' | 'tables'>
  /** Aborts when nothing more is admitted. */
  intake: AbortSignal
  room: Room
  changelog: Changelog
  contexts: Contexts
  outputs: Outputs
  commits: {
    /** Takes the result of a step, which then waits for its commit. */
    add(finished: Finished): void
  }
  /** Resolves when a table has grown or the signal aborts. */
  tablesChanged(signal: AbortSignal): Promise<void>
}

export class Source {
  readonly #parts: SourceParts
  #state: 'active' | 'waiting' | 'complete' | undefined
  #remark: string | undefined

  constructor(parts: SourceParts) {
    this.#parts = parts
  }

  /** Whether it has more to give; undefined before its first step. */
  get state(): 'active' | 'waiting' | 'complete' | undefined {
    return this.#state
  }

  /** What its last step told its operator. */
  get remark(): string | undefined {
    return this.#remark
  }

  /** Takes steps from this one on until the intake ends. */
  async run(firstStep: number): Promise<void> {
    const { equipped, intake, room, changelog, contexts, outputs, commits, tablesChanged } = this.#parts
    const { next } = equipped.declaration
    let turnStartedAtMs = performance.now()
    for (let number = firstStep; next && !intake.aborted;) {
      await room.until(0)
      if (intake.aborted) return
      const staged: Staged = new Map()
      const context = contexts.ofStep(number, staged)
      const versions = this.#tableVersions()
      let step: SourceStep
      try {
        step = await next(context)
      } catch (error) {
        if (await changelog.learned(error)) continue
        throw error
      }
      if (intake.aborted) return
      this.#remark = context.told
      if (typeof step === 'string') {
        this.#state = step
        // What came while it looked would wake nobody.
        if (this.#tableVersions() === versions) await tablesChanged(intake)
        turnStartedAtMs = performance.now()
        continue
      }
      this.#state = 'active'
      number++
      const made = step.map((emission) => outputs.encode(emission, context))
      const state = changesOf(staged)
      commits.add({
        entry: undefined,
        outputs: made,
        state,
        bytes: bytesOf(made, state),
        entered: context.entered,
        left: context.left,
        discarded: undefined,
        deadLettered: false,
      })
      // A source with room to spare must not keep timers and sockets waiting.
      if (performance.now() - turnStartedAtMs < turnMs) continue
      await new Promise<void>((resolve) => setImmediate(resolve))
      turnStartedAtMs = performance.now()
    }
  }

  /** Grows with every record of a table. */
  #tableVersions(): number {
    return Object.values(this.#parts.equipped.tables).reduce((sum, { version }) => sum + version, 0)
  }
}
