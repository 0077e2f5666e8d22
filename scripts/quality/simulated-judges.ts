/** judge-problem with the simulated judges, without a stream: the processor itself, as settings have it. */
import { drive } from '../../engine/drive.ts'
import { defaultOf, type Profile } from '../../engine/settings.ts'
import judgeProblem from '../../processors/judge-problem.ts'
import type { Problem } from '../../schemas/generated.ts'
import { generateChoices, PromptCounter, type Choice } from '../../simulator/generate.ts'
import { KnownProblems } from '../../simulator/known-problems.ts'
import { findModel } from '../../simulator/models.ts'
import { parseSimulatorOptions, type SimulatorOptions, type SimulatorSettings } from '../../simulator/options.ts'
import { StatementReader } from '../../simulator/statements.ts'
import { countTokens } from '../../simulator/tokens.ts'

/** What judges are asked with. */
export const judgeSampling = { temperature: 0.6 }

/** What came of a problem, and what it took. */
interface Judged {
  /** Undefined where it was kept. */
  reason: string | undefined
  evidence: string
  calls: number
  /** Of prompts and answers. */
  tokens: number
}

/** Simulated models that are asked without an endpoint. */
export class SimulatedModels {
  readonly settings: SimulatorSettings
  readonly #statements = new StatementReader(new KnownProblems([]))
  readonly #counter = new PromptCounter()

  constructor(simulator: SimulatorOptions) {
    this.settings = parseSimulatorOptions(simulator)
  }

  /** The one answer to a prompt. @throws Error for a model that is none */
  ask(
    name: string,
    prompt: string,
    { endpoint, seed, temperature }: { endpoint: 'chat' | 'completions'; seed: number | null; temperature: number },
  ): Choice {
    const model = findModel(name)
    if (!model) throw new Error(`no simulated model is called ${name}`)
    const [choice] = generateChoices(
      {
        ...{ endpoint, model: name, prompts: [prompt], n: 1, seed, temperature, topP: 1 },
        ...{ maxTokens: undefined, stop: [], includeStop: false, stream: false, includeUsage: false },
        ...{ echo: false, logprobs: false, promptLogprobs: false },
      },
      model,
      this.settings,
      this.#statements,
      this.#counter,
    )
    if (!choice) throw new Error('a request brought no answer')
    return choice
  }

  /** What judge-problem makes of a problem. @param settings its own; @param judges names of models */
  async judge(
    problem: Problem,
    settings: Readonly<Record<string, unknown>>,
    judges: readonly string[],
  ): Promise<Judged> {
    let tokens = 0
    const { discarded, requests } = await drive(
      judgeProblem,
      { input: 'screenedProblems', record: problem },
      {
        ...{ settings, models: { judge: judges } },
        answers: ({ model = '', prompt, seed = null }) => {
          const { content, completionTokens } = this.ask(model, prompt, { endpoint: 'chat', seed, ...judgeSampling })
          tokens += countTokens(prompt) + completionTokens
          return content
        },
      },
    )
    return { reason: discarded?.reason, evidence: discarded?.evidence ?? '', calls: requests.length, tokens }
  }
}

/** The settings of judge-problem under a profile. */
export function judgeSettingsOf(profile: Profile): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(judgeProblem.settings).map(([name, declared]) => [name, defaultOf(declared, profile)]),
  )
}
