/** What the machine's process table says about a sandbox, read from /proc. */
import { readdirSync, readFileSync } from 'node:fs'

interface Row {
  readonly pid: number
  readonly parent: number
  readonly state: string
}

function table(): Row[] {
  const rows: Row[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'utf8')
      const [state = '', parent = '0'] = text.slice(text.lastIndexOf(')') + 2).split(' ')
      rows.push({ pid: Number(name), parent: Number(parent), state })
    } catch {
      // It ended while the table was read.
    }
  }
  return rows
}

/** The pids of all descendants of a process, zombies included. */
export function descendantsOf(root: number): number[] {
  const rows = table()
  const found: number[] = []
  const front = [root]
  for (let parent = front.pop(); parent !== undefined; parent = front.pop())
    for (const row of rows)
      if (row.parent === parent) {
        found.push(row.pid)
        front.push(row.pid)
      }
  return found.sort((left, right) => left - right)
}

/** The pids of the processes whose user id is one of those. */
export function processesOf(isTheirs: (uid: number) => boolean): number[] {
  return table()
    .map(({ pid }) => pid)
    .filter((pid) => {
      try {
        return isTheirs(Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]))
      } catch {
        return false
      }
    })
    .sort((left, right) => left - right)
}

/** How many descriptors a process has open; undefined where that cannot be read. */
export function descriptorsOf(pid: number | 'self'): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return undefined
  }
}

/** Waits until the condition holds, looking often. The test's own limit ends it otherwise: `what` is to tell a reader then. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  let isTold = false
  const toldAtMs = Date.now() + 10_000
  while (!condition()) {
    if (!isTold && Date.now() > toldAtMs) console.warn(`waited for since 10 s: ${what}`)
    isTold = Date.now() > toldAtMs
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
