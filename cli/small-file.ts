/** Files that are read as a whole: regular ones, and no larger than what they are for can be. */
import { readFileSync, statSync } from 'node:fs'

/** The text of a file, or why it is not read, as the end of a sentence that begins with its name. */
export function readSmallFile(file: string, mostBytes: number): { text: string } | { fault: string } {
  try {
    // A pipe or a device might never end.
    const stat = statSync(file)
    if (!stat.isFile()) return { fault: 'is no regular file' }
    if (stat.size > mostBytes) return { fault: `expected at most ${mostBytes} bytes, got ${stat.size}` }
    return { text: readFileSync(file, 'utf8') }
  } catch (error) {
    return { fault: `cannot be read (${(error as NodeJS.ErrnoException).code})` }
  }
}
