/** Why a copy is not made, or not believed. */

/** 'not_empty': the target holds what this copy did not write; 'changed': the source was worked on meanwhile; 'different': the check failed. */
export type CopyRefusalCode = 'not_empty' | 'changed' | 'different'

/** A copy that was refused, in a line that says what to do. */
export class CopyRefusal extends Error {
  readonly code: CopyRefusalCode
  constructor(code: CopyRefusalCode, message: string) {
    super(message)
    this.name = 'CopyRefusal'
    this.code = code
  }
}

/** How refusals call what is to be named instead; whoever shows them may add how it is named. */
export const emptyTarget = 'an empty target'

/** The target holds something else. */
export function notEmpty(what: string): CopyRefusal {
  return new CopyRefusal('not_empty', `${what}: name ${emptyTarget}; no record was written`)
}

/** Somebody worked on the source. */
export function changed(what: string): CopyRefusal {
  return new CopyRefusal(
    'changed',
    `the source was worked on while it was copied (${what}): stop its processors and run the same command again`,
  )
}

/** The check found a difference. */
export function different(what: string): CopyRefusal {
  return new CopyRefusal('different', `the copy is not the source: ${what}; copy again, into ${emptyTarget}`)
}
