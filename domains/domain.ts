/** What a domain is: its levels, what solvers are told, how attempts are checked. One file a domain; add it to domains/index.ts. */
import type { Checks, TestResult } from '../schemas/generated.ts'
import type { Unsignalled, Verification } from '../engine/ports.ts'
import type { Prompt } from '../engine/processor.ts'

/** A domain's conclusion on one attempt; the table in verdict-reasons.ts says what each reason means. */
export interface Conclusion {
  reason: string
  extracted: string | null
  /** What the reason leaves open, such as the first difference or an exit code; null where it says all. */
  detail: string | null
  tests: TestResult[]
  /** Of an attempt that passed: what it printed for each probe, as digests; see curation/probe-inputs.ts. */
  probes?: string[]
}

export interface Domain {
  readonly name: string
  /** Difficulty levels that problems are asked for at. */
  readonly levels: readonly string[]
  /** How checks are made where no human source gives them: by votes on the answer, or by written tests. */
  readonly checkedBy: 'answer' | 'tests'
  /** The text that solvers, voters and teachers are sent. */
  solverPrompt(statement: string): Prompt
  /** Whether checks hold what `check` needs. */
  hasChecks(checks: Checks): boolean
  /** Checks the text of an attempt, its reasoning left out. `allTests` runs every test, also after one that did not pass; `probes`: inputs more that what passed is run on. */
  check(
    text: string,
    checks: Checks,
    verify: Unsignalled<Verification>,
    options: { allTests: boolean; probes: number },
  ): Promise<Conclusion>
  /** Whether a text ends in something that could be checked at all: a boxed answer, a program. */
  hasAnswer(text: string): boolean
}
