/** Which records belong together for those who follow a problem: in log lines and in traces. */
import { ingestedTopics } from '../topics/catalogue.ts'

/**
 * Id that ties a record to its problem, read from the record alone: the problem's where it has one; before that the id of what
 * it comes from as far as the record tells, a concept combination, a concept list or a seed.
 */
export function correlationOf(record: Readonly<Record<string, unknown>>): string {
  const text = (name: string): string | undefined => {
    const value = record[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const own = text('id') ?? ''
  const named = text('problemId') ?? text('conceptListId')
  if (named !== undefined) return named
  // Of a problem nothing but itself is known by those that come after it.
  if (isProblem(own)) return own
  const discarded = text('recordId')
  if (discarded !== undefined && isProblem(discarded)) return discarded
  const [parent] = Array.isArray(record['parentIds']) ? (record['parentIds'] as unknown[]) : []
  return typeof parent === 'string' ? parent : own
}

/** Whether an id is that of a problem. */
export const isProblem = (id: string): boolean => id.startsWith('problem-')

/** Whether a record came from outside: it begins what comes of it. */
export function isBeginning(topic: string, record: Readonly<Record<string, unknown>>): boolean {
  return ingestedTopics.includes(topic) && Array.isArray(record['parentIds']) && record['parentIds'].length === 0
}
