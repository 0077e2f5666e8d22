/**
 * Programming problems as the simulated models write, test and attempt them, with the truth: what the benches of rollouts
 * measure their rules on. No endpoint and no log; the programs do run in the sandbox.
 */
import { parseWrittenTest, testKinds } from '../curation/written-tests.ts'
import { code } from '../domains/code.ts'
import { testCasePrompt } from '../domains/prompts.ts'
import type { TestResult, VerdictKind } from '../schemas/generated.ts'
import { CODE_FAMILIES } from '../simulator/families/all.ts'
import { generateChoices, PromptCounter } from '../simulator/generate.ts'
import { KnownProblems } from '../simulator/known-problems.ts'
import { findModel } from '../simulator/models.ts'
import { parseSimulatorOptions } from '../simulator/options.ts'
import { Random } from '../simulator/random.ts'
import { StatementReader } from '../simulator/statements.ts'
import type { RolloutFact, TestFact } from '../simulator/truth.ts'
import type { VerifierPool } from '../verifiers/pool.ts'
import { extractProgram } from '../verifiers/program.ts'

/** One attempt, run on every test. */
export interface SimulatedAttempt {
  attempt: number
  /** Whether the simulator made it right. */
  right: boolean
  verdict: VerdictKind
  valid: boolean
  tests: readonly Pick<TestResult, 'verdict' | 'reason' | 'outputDigest'>[]
  tokens: number
}

/** A problem with its written tests and the attempts of one solver. */
export interface SimulatedProblem {
  solver: string
  statement: string
  tests: { kind: string; right: boolean }[]
  attempts: SimulatedAttempt[]
}

/** Draws problems, and runs their attempts on their tests. `wrongTests`: share of the written tests with a wrong output. */
export async function simulateProblems(
  pool: VerifierPool,
  {
    problems,
    attempts,
    seed,
    wrongTests,
    solvers,
  }: { problems: number; attempts: number; seed: number; wrongTests: number; solvers: readonly string[] },
): Promise<SimulatedProblem[]> {
  const settings = parseSimulatorOptions({ seed, noise: { wrongTests } })
  const statements = new StatementReader(new KnownProblems([]))
  const counter = new PromptCounter()
  const ask = (name: string, prompt: string, ordinal: number, temperature: number) => {
    const model = findModel(name)
    if (!model) throw new Error(`no simulated model is called ${name}`)
    const [choice] = generateChoices(
      {
        ...{ endpoint: 'chat', model: name, prompts: [prompt], n: 1, seed: ordinal, temperature, topP: 1 },
        ...{ maxTokens: undefined, stop: [], includeStop: false, stream: false, includeUsage: false },
        ...{ echo: false, logprobs: false, promptLogprobs: false },
      },
      model,
      settings,
      statements,
      counter,
    )
    if (!choice) throw new Error('a request brought no answer')
    return choice
  }
  const found: Promise<SimulatedProblem>[] = []
  for (let number = 0; number < problems; number++) {
    const random = new Random('simulated code', seed, number)
    const family = random.pick(CODE_FAMILIES)
    const statement = family.draw(random, 1.5 + 6 * random.next()).statement(random)
    const written = testKinds.flatMap((kind, index) => {
      const choice = ask('sim-test-writer', testCasePrompt(statement, kind).text, index, 0.6)
      const test = parseWrittenTest(choice.content, kind)
      const fact = choice.facts[0]?.body as TestFact | undefined
      return 'fault' in test || !fact ? [] : [{ ...test, right: fact.right === true }]
    })
    if (written.length < 3) continue
    for (const solver of solvers) {
      const answers = Array.from({ length: attempts }, (_, attempt) =>
        ask(solver, code.solverPrompt(statement).text, attempt, 1),
      )
      found.push(
        Promise.all(
          answers.map(async (choice, attempt) => ({
            attempt,
            right: (choice.facts[0]?.body as RolloutFact).right === true,
            tokens: choice.completionTokens,
            ...(choice.finishReason === 'length'
              ? ({ verdict: 'failed', valid: false, tests: [] } as const)
              : await judged(pool, choice.content, written)),
          })),
        ).then((made) => ({
          ...{ solver, statement, tests: written.map(({ kind, right }) => ({ kind, right })), attempts: made },
        })),
      )
    }
  }
  return Promise.all(found)
}

const runs = new Map<string, Promise<readonly { reason: string; digest?: string }[]>>()

/** The same program on the same inputs is run once. */
async function judged(
  pool: VerifierPool,
  completion: string,
  tests: readonly { input: string; output: string }[],
): Promise<Pick<SimulatedAttempt, 'verdict' | 'valid' | 'tests'>> {
  const extraction = extractProgram(completion)
  if ('missing' in extraction) return { verdict: 'failed', valid: false, tests: [] }
  const program = extraction.program.replace(/^#.*\n/, '')
  const key = JSON.stringify([program, tests])
  let run = runs.get(key)
  if (!run) {
    run = pool
      .runProgram({ program, tests, allTests: true, digests: true, limits: { cpuSeconds: 0.3, wallSeconds: 1 } })
      .then((result) => result.tests)
    runs.set(key, run)
  }
  const results = (await run).map(({ reason, digest = '' }) => ({
    verdict: reason === 'passed' ? ('passed' as const) : ('failed' as const),
    reason,
    outputDigest: digest,
  }))
  return {
    verdict: results.every(({ verdict }) => verdict === 'passed') ? 'passed' : 'failed',
    valid: true,
    tests: results,
  }
}
