/** What an export counts: plain data, so that it can be kept and added to. */
import { charactersOf, type Row } from './shapes.ts'

/** Rows by a value, such as a domain. */
export type Counts = Record<string, number>

export interface Tally {
  rows: number
  simulated: number
  /** Rows left out because their problem was retracted. */
  retracted: number
  /** Records that gave no rows because they cannot be read. */
  unreadable: number
  splits: Counts
  origins: Counts
  domains: Counts
  /** `domain/origin`. */
  domainsByOrigin: Counts
  sources: Counts
  levels: Counts
  solvers: Counts
  teachers: Counts
  /** Steps of rationale learning: `cold-start`, `e 1`. */
  steps: Counts
  models: Counts
  recipes: Counts
  /** Sums over all rows, by the name of the text. */
  characters: Counts
  tokens: number
  passRates: number
}

export function emptyTally(): Tally {
  return {
    ...{
      rows: 0,
      simulated: 0,
      retracted: 0,
      unreadable: 0,
      splits: {},
      origins: {},
      domains: {},
      domainsByOrigin: {},
    },
    ...{ sources: {}, levels: {}, solvers: {}, teachers: {}, steps: {}, models: {}, recipes: {}, characters: {} },
    ...{ tokens: 0, passRates: 0 },
  }
}

/** Distinct values that are counted apart; those that come later count together. */
const mostValues = 1000
const others = '(others)'

export function count(tally: Tally, { texts, facts, recipe, models }: Row, split: string): void {
  const { domain, origin, source, level, solver, teacher, step, iteration } = facts
  tally.rows++
  if (facts.simulated) tally.simulated++
  increase(tally.splits, split)
  increase(tally.origins, origin)
  increase(tally.domains, domain)
  increase(tally.domainsByOrigin, `${domain}/${origin}`)
  increase(tally.sources, source)
  if (level !== undefined && level !== '') increase(tally.levels, level)
  if (solver !== undefined) increase(tally.solvers, solver)
  if (teacher !== undefined) increase(tally.teachers, teacher)
  if (step !== undefined)
    increase(tally.steps, iteration === undefined || iteration === 0 ? step : `${step} ${iteration}`)
  for (const model of models) increase(tally.models, model)
  increase(tally.recipes, recipe)
  for (const [name, characters] of Object.entries(charactersOf(texts)))
    tally.characters[name] = (tally.characters[name] ?? 0) + characters
  tally.tokens += facts.tokens ?? 0
  tally.passRates += facts.pass_rate ?? 0
}

function increase(counts: Counts, value: string): void {
  const key = Object.hasOwn(counts, value) || Object.keys(counts).length < mostValues ? value : others
  // No own property of that name can be made by assignment.
  if (key === '__proto__') return increase(counts, others)
  counts[key] = (Object.hasOwn(counts, key) ? (counts[key] ?? 0) : 0) + 1
}
