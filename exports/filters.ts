/** Which rows are wanted. */
import type { Facts, FactName } from './shapes.ts'
import { sorts, type SortName } from './sorts.ts'

/** Values of facts that rows may have; any of several. */
export interface Filters {
  domain?: readonly string[]
  origin?: readonly string[]
  source?: readonly string[]
  solver?: readonly string[]
  teacher?: readonly string[]
  level?: readonly string[]
  step?: readonly string[]
  iteration?: readonly number[]
  minPassRate?: number
  maxPassRate?: number
}

/** The fact that each filter looks at. */
export const factOf = {
  domain: 'domain',
  origin: 'origin',
  source: 'source',
  solver: 'solver',
  teacher: 'teacher',
  level: 'level',
  step: 'step',
  iteration: 'iteration',
  minPassRate: 'pass_rate',
  maxPassRate: 'pass_rate',
} as const satisfies Record<keyof Filters, FactName>

/** A filter whose fact the rows of a sort do not have, and the sorts that have it. */
export function unfitFilter(
  sort: SortName,
  filters: Filters,
): { filter: keyof Filters; goesWith: SortName[] } | undefined {
  const has = (name: SortName, fact: FactName): boolean => sorts[name].facts.includes(fact)
  for (const filter of Object.keys(filters) as (keyof Filters)[]) {
    const fact = factOf[filter]
    if (!has(sort, fact))
      return { filter, goesWith: (Object.keys(sorts) as SortName[]).filter((name) => has(name, fact)) }
  }
  return undefined
}

export function isWanted(facts: Facts, filters: Filters): boolean {
  for (const name of ['domain', 'origin', 'source', 'solver', 'teacher', 'level', 'step', 'iteration'] as const) {
    const wanted: readonly (string | number)[] | undefined = filters[name]
    const value = facts[name]
    if (wanted && (value === undefined || !wanted.includes(value))) return false
  }
  const { minPassRate = 0, maxPassRate = 1 } = filters
  const passRate = facts.pass_rate ?? 0
  return passRate >= minPassRate && passRate <= maxPassRate
}
