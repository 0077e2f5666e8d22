/**
 * What a domain is: its levels, what solvers are told, how attempts are checked. One file a domain, and a line in domains/all.ts;
 * docs/domains.md tells how to add one.
 */
import type { FurtherTest } from '../curation/further-tests.ts'
import type { Checks, ProgramTest, TestResult } from '../schemas/generated.ts'
import type { AnswerGroups, Unsignalled, Verification } from '../engine/ports.ts'
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

/** How checks are made where no human source gives them. */
type CheckSource =
  | {
      /** Generations of a strong model vote on the reference answer. */
      readonly checkedBy: 'answer'
      /** Which of the generations, given by their text without the reasoning, come to the same answer. */
      groupAnswers(texts: readonly string[], verify: Unsignalled<Verification>): Promise<AnswerGroups>
      /**
       * A text that answers of equal value share, by which repeats of a problem are found; undefined where an answer has none. Cheap: it is asked for
       * every problem with an answer. Without it, answers are compared as they are written.
       */
      canonicalAnswer?(answer: string): string | undefined
    }
  | {
      /** A model writes tests, one a call. */
      readonly checkedBy: 'tests'
      /** Asks for one test of a kind: a fenced json block that holds `input` and `output`, both strings. */
      testPrompt(statement: string, kind: string): Prompt
      /** The same where there are tests that are too weak: what `asked` says, and unlike the tests that there are. Without it, `testPrompt` asks. */
      furtherTestPrompt?(statement: string, asked: FurtherTest, tests: readonly ProgramTest[]): Prompt
    }

export type Domain = CheckSource & {
  /** Lower-case letters, digits and hyphens. */
  readonly name: string
  /** Difficulty levels that problems are asked for at, from the easiest on. No other domain has a level of that name. */
  readonly levels: readonly string[]
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
