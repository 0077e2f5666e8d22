/** The simulated models: what each is for and how good it is. */

/** Where a model puts its reasoning. */
type ReasoningStyle = 'field' | 'inline' | 'none'

/** One simulated model. */
export interface SimulatedModel {
  id: string
  /** Logit of solving a problem of medium difficulty (4.5 of 8). */
  skill: number
  reasoning: ReasoningStyle
  /** Median length of its reasoning, tokens. */
  medianTokens: number
  /** Own limit of one answer, tokens. */
  outputLimit: number
  /** How readily a judge calls something perfect: 0 strict, 1 lenient. */
  leniency: number
  embeddings?: boolean
}

const model = (
  id: string,
  skill: number,
  reasoning: ReasoningStyle,
  rest: Partial<SimulatedModel> = {},
): SimulatedModel => ({
  id,
  skill,
  reasoning,
  medianTokens: 160,
  outputLimit: 4096,
  leniency: 0.5,
  ...rest,
})

/** Every simulated model. Names start with `sim-`, so that a record made with one can be told. */
export const MODELS: readonly SimulatedModel[] = [
  model('sim-annotator-a', -0.6, 'none'),
  model('sim-annotator-b', -0.8, 'none'),
  model('sim-problem-writer', -0.5, 'none'),
  model('sim-rationale-writer', -0.5, 'none'),
  model('sim-test-writer', 1.2, 'none'),
  model('sim-voter', 1.9, 'field', { medianTokens: 320 }),
  model('sim-solver', -0.85, 'field', { medianTokens: 260 }),
  model('sim-solver-large', 0.1, 'inline', { medianTokens: 340 }),
  model('sim-judge-a', 1, 'none', { leniency: 0.35 }),
  model('sim-judge-b', 1, 'none', { leniency: 0.75 }),
  model('sim-teacher', 2.6, 'field', { medianTokens: 420, outputLimit: 8192 }),
  model('sim-embedder', 0, 'none', { embeddings: true }),
]

const byId = new Map(MODELS.map((entry) => [entry.id, entry]))

/** The model of a name, or undefined. Every model has all versions that one asks for: `sim-problem-writer@3`. */
export function findModel(id: string): SimulatedModel | undefined {
  const [name = '', version, ...rest] = id.split('@')
  const found = byId.get(name)
  if (found === undefined || version === undefined) return found
  return version === '' || rest.length > 0 ? undefined : { ...found, id }
}
