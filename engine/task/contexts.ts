/** What a processor's functions are given: a context for each try of a record, and for each step of a source. */
import type { Membership } from '../../topics/log.ts'
import { bindVerification, RecordContext, type EquippedProcessor } from '../context.ts'
import type { Unsignalled, Verification } from '../ports.ts'
import type { Calls } from './calls.ts'
import type { Entry } from './entry.ts'
import type { KeyState, Staged } from './key-state.ts'
import type { Lifetime } from './lifetime.ts'
import type { Waiting } from './waiting.ts'

interface ContextsParts {
  equipped: EquippedProcessor
  membership: Membership
  lifetime: Lifetime
  waiting: Waiting
  state: KeyState
  calls: Calls
}

export class Contexts {
  readonly #number: number
  readonly #parts: ContextsParts
  readonly #verify: Unsignalled<Verification>

  constructor(number: number, parts: ContextsParts) {
    this.#number = number
    this.#parts = parts
    this.#verify = bindVerification(parts.equipped.verification, parts.lifetime.calls)
  }

  /** For one try of a record; what it sets is staged. */
  ofRecord(entry: Entry, staged: Staged): RecordContext {
    const { equipped, membership, lifetime, waiting, state, calls } = this.#parts
    return new RecordContext(
      equipped,
      { id: (entry.record as { id: string }).id, position: entry.stored },
      {
        signal: lifetime.calls,
        keeper: calls.keeperOf(entry),
        state: state.seenBy(entry, staged),
        index: state.index,
        verify: this.#verify,
        timed: entry.timed,
        sending: {
          beforeSending: () => membership.confirmed?.(lifetime.calls),
          sending: lifetime.intake,
          onOutage: (why) => (why === undefined ? waiting.end(entry) : waiting.begin(entry, why)),
        },
      },
    )
  }

  /** For one step of a source; what it sets is staged. */
  ofStep(step: number, staged: Staged): RecordContext {
    const { equipped, lifetime, state } = this.#parts
    return new RecordContext(
      equipped,
      { id: `${equipped.declaration.name}/${step}`, position: { topic: '', partition: this.#number, offset: step } },
      {
        signal: lifetime.calls,
        keeper: { once: (_purpose, _role, make) => make(), waste: () => {} },
        state: state.seenBy(undefined, staged),
        index: state.index,
        verify: this.#verify,
      },
    )
  }
}
