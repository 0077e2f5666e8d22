/**
 * Every reason of a verdict, with the verdict it stands for and whether the attempt may be chosen or rejected. An attempt
 * without anything to check is failed but invalid; what could not be checked is unverifiable and does not count.
 */
import type { VerdictKind } from '../schemas/generated.ts'

interface Meaning {
  verdict: VerdictKind
  valid: boolean
  /** Whether another attempt may help; false where the fault was our own and the text can be verified later. */
  again: boolean
}

const passed: Meaning = { verdict: 'passed', valid: true, again: false }
const failed: Meaning = { verdict: 'failed', valid: true, again: false }
const invalid: Meaning = { verdict: 'failed', valid: false, again: false }
const unverifiable: Meaning = { verdict: 'unverifiable', valid: false, again: true }
const ourFault: Meaning = { verdict: 'unverifiable', valid: false, again: false }

const meanings = new Map<string, Meaning>(
  Object.entries({
    // math
    equal: passed,
    different: failed,
    no_answer: invalid,
    truncated: invalid,
    // code
    passed,
    wrong_answer: failed,
    runtime_error: failed,
    compile_error: failed,
    time_limit: failed,
    memory_limit: failed,
    output_limit: failed,
    no_code: invalid,
    unsupported: unverifiable,
    sandbox_error: ourFault,
    verifier_timeout: ourFault,
    // the attempt's form
    length_limit: invalid,
    content_filter: invalid,
    empty: invalid,
    stray_think_tag: invalid,
    foreign_script: invalid,
    // nothing could be run
    not_run: unverifiable,
  }),
)

/** The meaning of a reason. What a verifier calls undecided, by whatever name, is unverifiable. */
export function meaningOf(reason: string): Meaning {
  return meanings.get(reason) ?? unverifiable
}
