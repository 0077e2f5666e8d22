/** The configuration file as it is written, before any setting of it is looked at. */
import { readFileSync } from 'node:fs'
import { isNode, LineCounter, parseDocument } from 'yaml'
import { ConfigurationError } from '../engine/errors.ts'

/** The file's mapping; an empty one where the file has faults, which are added. @throws ConfigurationError where it can't be read */
export function readConfigurationFile(file: string, faults: string[]): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigurationError([
      `${file}: cannot be read (${(error as NodeJS.ErrnoException).code}); give another file with --config`,
    ])
  }
  const document = parseDocument(text)
  for (const { message } of document.errors) faults.push(`${file}: ${message.split('\n')[0]}`)
  if (document.errors.length > 0) return {}
  let content: unknown
  try {
    content = document.toJS() ?? {}
  } catch (error) {
    faults.push(`${file}: ${(error as Error).message}`) // aliases that would grow without bound
    return {}
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    faults.push(`${file}: expected a mapping at the top, got ${Array.isArray(content) ? 'a list' : typeof content}`)
    return {}
  }
  return content as Record<string, unknown>
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
