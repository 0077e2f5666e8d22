/** The configuration file as it is written, before any setting of it is looked at. */
import { readFileSync } from 'node:fs'
import { isNode, LineCounter, parseDocument, type Document } from 'yaml'
import { ConfigurationError } from '../engine/errors.ts'
import { readSmallFile } from './small-file.ts'

/** Far more than anybody writes by hand; the time to read one grows with the square of its keys. */
export const longestConfigurationBytes = 128 << 10

/** Of faults in the syntax one leads to the next. */
const mostFaults = 20

/** The file's mapping; an empty one where the file has faults, which are added. @throws ConfigurationError where it can't be read */
export function readConfigurationFile(file: string, faults: string[]): Record<string, unknown> {
  const read = readSmallFile(file, longestConfigurationBytes)
  if ('fault' in read) {
    throw new ConfigurationError([`${file}: ${read.fault}; name another file with --config or WELLSPRING_CONFIG`])
  }
  const { text } = read
  const parsed = contentOf(parseDocument(text))
  if ('faults' in parsed) {
    faults.push(...parsed.faults.slice(0, mostFaults).map((fault) => `${file}: ${fault}`))
    return {}
  }
  const content = parsed.content ?? {}
  if (typeof content !== 'object' || Array.isArray(content)) {
    faults.push(`${file}: expected a mapping at the top, got ${Array.isArray(content) ? 'a list' : typeof content}`)
    return {}
  }
  return content as Record<string, unknown>
}

/** What a document of YAML holds, as plain values; or what is wrong with its text, without any of it. */
export function contentOf(document: Document.Parsed): { content: unknown } | { faults: string[] } {
  if (document.errors.length > 0) {
    // What follows the first line is an excerpt, which may hold a secret.
    const messages = document.errors.map(({ message }) => (message.split('\n')[0] ?? '').replace(/:$/, ''))
    // The parser says of each bracket that it went too deep.
    if (messages.some((message) => message.startsWith('Maximum call stack')))
      return { faults: ['is nested too deeply'] }
    return { faults: messages }
  }
  let content: unknown
  try {
    content = document.toJS()
  } catch (error) {
    return { faults: [(error as Error).message] } // aliases that would grow without bound
  }
  if (holdsItself(content)) return { faults: ['an alias (*name) stands within what it names; write the value out'] }
  return { content }
}

/** Whether a value lies within itself, which YAML can write and nothing else. */
function holdsItself(value: unknown, above: ReadonlySet<unknown> = new Set()): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (above.has(value)) return true
  const here = new Set(above).add(value)
  return Object.values(value).some((inner) => holdsItself(inner, here))
}

/** The number of the line on which a value stands in a file without faults, from 1; undefined where there is none. */
export function linesOf(file: string): (path: readonly (string | number)[]) => number | undefined {
  const counter = new LineCounter()
  const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: counter })
  return (path) => {
    const node = document.getIn(path, true)
    const start = isNode(node) ? node.range?.[0] : undefined
    return start === undefined ? undefined : counter.linePos(start).line
  }
}
