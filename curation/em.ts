/**
 * Rationale learning by expectation-maximisation: which step is due after which announcement, and whether work is still meant for the
 * models in force. Pure: `wellspring models announce` writes the answer down, the processors follow it.
 */
import type { ModelAnnouncement } from '../schemas/generated.ts'

/** `e`: draw rationales and score them; `m`: decode one from the new rationale writer. */
export const emSteps: readonly string[] = ['cold-start', 'e', 'm'] satisfies EmStep[]
type EmStep = 'cold-start' | 'e' | 'm'

/** A step and the number of its EM iteration, from 1; 0 in the cold start. */
export interface Standing {
  step: EmStep
  iteration: number
}

/** The last announcement of each role. */
export class Announcements {
  readonly #byRole = new Map<string, ModelAnnouncement>()

  /** Takes a record of the table; one that is older than the role's last is passed over. */
  add(announcement: ModelAnnouncement): void {
    const before = this.#byRole.get(announcement.role)
    if (before === undefined || announcement.ordinal >= before.ordinal)
      this.#byRole.set(announcement.role, announcement)
  }

  /** The model in force for a role; undefined while none was announced. */
  of(role: string): ModelAnnouncement | undefined {
    return this.#byRole.get(role)
  }

  /** In the order in which they were made. */
  all(): ModelAnnouncement[] {
    return [...this.#byRole.values()].sort((a, b) => a.ordinal - b.ordinal)
  }

  /** The newest one, which says which step is due. */
  get last(): ModelAnnouncement | undefined {
    return this.all().at(-1)
  }
}

/**
 * The step that begins when a new version of a role's model is announced. The first E-step needs both models; then they take turns: a new
 * rationale writer has learned from an E-step and decodes for the M-step, a new problem writer has learned from an M-step and scores the next
 * E-step. A role that is announced again out of turn begins its step anew, in the same iteration.
 */
export function stepAfter(before: Announcements, role: 'problem-writer' | 'rationale-writer'): Standing {
  const { last } = before
  const other = role === 'problem-writer' ? 'rationale-writer' : 'problem-writer'
  if (last === undefined || before.of(other) === undefined) return { step: 'cold-start', iteration: 0 }
  if (last.step === 'cold-start') return { step: 'e', iteration: 1 }
  if (role === 'rationale-writer') return { step: 'm', iteration: last.iteration }
  return { step: 'e', iteration: last.step === 'm' ? last.iteration + 1 : last.iteration }
}

/**
 * Whether work of a step may go on: `ready` with the version it is meant for; `awaited` where this process has not heard of that version yet;
 * `superseded` once another one was announced after the step began.
 */
export function readinessOf(
  work: { announcement: number; version: string },
  inForce: { version: string; ordinal: number } | undefined,
): 'ready' | 'awaited' | 'superseded' {
  if ((inForce?.ordinal ?? 0) > work.announcement) return 'superseded'
  return inForce?.version === work.version ? 'ready' : 'awaited'
}

/**
 * Our own stop rule (the paper says "until convergence" and no more): learning has converged when the newest of the mean negative
 * log-likelihoods of held-out problems, one an iteration, is no lower than the lowest before it, less `tolerance` of its size.
 */
export function hasConverged(heldOutNll: readonly number[], tolerance = 0.001): boolean {
  const last = heldOutNll.at(-1)
  if (last === undefined || heldOutNll.length < 2) return false
  const lowest = Math.min(...heldOutNll.slice(0, -1))
  return last > lowest - tolerance * Math.abs(lowest)
}
