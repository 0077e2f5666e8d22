/** What a tree of processes costs, read from Linux's /proc. */
import { readdirSync, readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100

/** The process and all its descendants. */
export function familyOf(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const parent = Number(statOf(Number(name))[1])
      children.set(parent, [...(children.get(parent) ?? []), Number(name)])
    } catch {
      // It ended while the table was read.
    }
  }
  const found = [root]
  for (const pid of found) found.push(...(children.get(pid) ?? []))
  return found
}

/** The fields of /proc/PID/stat from the state on. */
function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** Processor time of a tree of processes, added up by looking often: a sandbox that is replaced takes its own count along. */
export class ProcessorClock {
  readonly #seen = new Map<number, { readonly own: number; readonly ended: number; readonly parent: number }>()
  /** Seconds of all the family's processors so far. */
  seconds = 0

  /** Adds what the family has used since the last look. Throws nothing; processes may come and go. */
  look(pids: readonly number[]): void {
    const grown = new Map<number, number>()
    for (const pid of pids) {
      try {
        const fields = statOf(pid)
        const at = (index: number): number => Number(fields[index]) / TICKS_PER_SECOND
        const now = { own: at(11) + at(12), ended: at(13) + at(14), parent: Number(fields[1]) }
        const before = this.#seen.get(pid)
        this.seconds += now.own + now.ended - (before === undefined ? 0 : before.own + before.ended)
        grown.set(pid, now.ended - (before?.ended ?? 0))
        this.#seen.set(pid, now)
      } catch {
        // It ended while it was looked at.
      }
    }
    for (const [pid, { own, ended, parent }] of this.#seen) {
      if (pids.includes(pid)) continue
      this.#seen.delete(pid)
      // A parent that has waited for it now counts what was counted already.
      if ((grown.get(parent) ?? 0) >= own + ended) this.seconds -= own + ended
    }
  }
}
