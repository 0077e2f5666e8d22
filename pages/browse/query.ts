/** What a reader asks for, as it stands in the address of the page. */
import { statuses, type Status } from '../ending.ts'
import type { ProblemQuery } from './corpus-index.ts'

/** A query with its page, from 1. */
export interface ListQuery extends ProblemQuery {
  /** As it was typed. */
  text: string
  page: number
}

const sorts = ['newest', 'oldest', 'hardest', 'easiest'] as const satisfies readonly ProblemQuery['sort'][]
const mostWords = 12

/** Reads an address. What is no query is left out: an address that somebody has typed in shows what it can. */
export function parseQuery(parameters: URLSearchParams): ListQuery {
  const given = (name: string): string | undefined => parameters.get(name)?.trim().slice(0, 300) || undefined
  const oneOf = <Name extends string>(names: readonly Name[], name: string): Name | undefined =>
    names.find((one) => one === given(name))
  const rate = (name: string): number | undefined => {
    const percent = Number(given(name) ?? Number.NaN)
    return percent >= 0 && percent <= 100 ? percent / 100 : undefined
  }
  const text = given('q') ?? ''
  const page = Number(given('page') ?? 1)
  return {
    text,
    words: wordsOf(text),
    page: Number.isSafeInteger(page) && page >= 1 ? page : 1,
    sort: oneOf(sorts, 'sort') ?? 'newest',
    ...defined({
      domain: given('domain'),
      level: given('level'),
      origin: oneOf(['human', 'synthetic'] as const, 'origin'),
      status: oneOf<Status>(statuses, 'status'),
      reason: given('reason'),
      model: given('model'),
      concept: given('concept'),
      minPassRate: rate('from'),
      maxPassRate: rate('to'),
    }),
  }
}

/** The address of a query, without what is as it is anyway. */
export function addressOf(query: ListQuery, changes: Partial<ListQuery> = {}): string {
  const { text, sort, page, minPassRate, maxPassRate, words: _, ...names } = { ...query, ...changes }
  const parameters = new URLSearchParams({
    ...(text !== '' && { q: text }),
    ...names,
    ...(minPassRate !== undefined && { from: String(Math.round(minPassRate * 1000) / 10) }),
    ...(maxPassRate !== undefined && { to: String(Math.round(maxPassRate * 1000) / 10) }),
    ...(sort !== 'newest' && { sort }),
    ...(page > 1 && { page: String(page) }),
  })
  const search = parameters.toString()
  return search === '' ? '/' : `/?${search}`
}

/** Words, and what stands in double quotes as one. */
function wordsOf(text: string): string[] {
  const parts = [...text.toLowerCase().matchAll(/"([^"]+)"|([^\s"]+)/g)]
  return parts
    .map(([, phrase, word]) => (phrase ?? word ?? '').replace(/\s+/g, ' ').trim())
    .filter((word) => word !== '')
    .slice(0, mostWords)
}

/** The entries that are there. */
function defined<Entries extends Record<string, unknown>>(
  entries: Entries,
): { [Name in keyof Entries]?: Exclude<Entries[Name], undefined> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as never
}
