/** The configuration file as it is written, before any setting of it is looked at. */
import { readFileSync, statSync } from 'node:fs'
import { isNode, LineCounter, parseDocument } from 'yaml'
import { ConfigurationError } from '../engine/errors.ts'

/** Far more than anybody writes by hand; the time to read one grows with the square of its keys. */
const mostBytes = 128 << 10

/** The file's mapping; an empty one where the file has faults, which are added. @throws ConfigurationError where it can't be read */
export function readConfigurationFile(file: string, faults: string[]): Record<string, unknown> {
  let text: string
  try {
    // A pipe or a device might never end.
    const stat = statSync(file)
    if (!stat.isFile()) throw new ConfigurationError([`${file}: is no regular file; give another one with --config`])
    if (stat.size > mostBytes) {
      throw new ConfigurationError([
        `${file}: expected at most ${mostBytes} bytes, got ${stat.size}; is it the right file? Give another one with --config`,
      ])
    }
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof ConfigurationError) throw error
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
