/**
 * Who owns a folder. The owner's record lies in the database itself and is changed only under LMDB's write lock, so two
 * processes can't take it at once. It names the process by number and start time: a record of a dead process (kill -9) binds
 * nobody. The epoch rises with every owner and is compared inside each write transaction, which stops a usurped owner.
 * Numbers say nothing across PID namespaces (two containers on one volume): there the owner lives as long as it keeps a file's time fresh.
 */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BEAT_FILE, type Environment } from './environment.ts'
import { systemKeys } from './layout.ts'

/** The owner as stored. `pid` 0: given back. `token` tells apart owners within one process. */
export interface OwnerRecord {
  epoch: number
  pid: number
  /** What tells this process apart from a later one with the same number; '' where the system does not say. */
  started: string
  /** The namespace that `pid` counts in, '' where the system has none; absent where containers share nothing. */
  namespace?: string
  token: string
  sinceMs: number
}

/** Tokens that are held in this process. Shared by every copy of this module (sources and build may be loaded side by side). */
const heldTokens = ((globalThis as { [key: symbol]: unknown })[Symbol.for('wellspring.embedded-log.tokens')] ??=
  new Map()) as Map<string, NodeJS.Timeout | undefined>

/** How often an owner freshens its file, and from which age on it is taken for dead. One that lives on beyond that is stopped by the epoch. */
const beatMilliseconds = 2000
const deadAfterMilliseconds = 10_000

/** The record of the next owner: this process. With a folder it says there from now on that it lives, for processes of other containers. */
export function claimAfter(previous: OwnerRecord | undefined, shared?: string): OwnerRecord {
  const token = randomUUID()
  if (shared !== undefined) beat(shared)
  const beating = shared === undefined ? undefined : setInterval(beat, beatMilliseconds, shared).unref()
  heldTokens.set(token, beating)
  return {
    epoch: (previous?.epoch ?? 0) + 1,
    pid: process.pid,
    started: startOf(process.pid) ?? '',
    ...(shared !== undefined && { namespace: pidNamespace() }),
    token,
    sinceMs: Date.now(),
  }
}

/** Forgets a claim of this process, so that the record binds nobody even where it could not be rewritten. */
export function forget(claim: OwnerRecord): void {
  clearInterval(heldTokens.get(claim.token))
  heldTokens.delete(claim.token)
}

/** Whether the recorded owner of a folder may still write. */
export function isLive(owner: OwnerRecord | undefined, directory: string): owner is OwnerRecord {
  if (!owner || owner.pid === 0) return false
  if (isElsewhere(owner)) return isBeating(directory)
  const started = startOf(owner.pid)
  if (started === undefined) return false
  if (started !== '' && owner.started !== '' && started !== owner.started) return false
  return owner.pid !== process.pid || heldTokens.has(owner.token)
}

/** The owner as recorded. */
export function ownerOf(environment: Environment): OwnerRecord | undefined {
  const value = environment.get(systemKeys.owner)
  return value && (JSON.parse(value.toString()) as OwnerRecord)
}

/** The live owner, if there is one. */
export function liveOwnerOf(environment: Environment): OwnerRecord | undefined {
  const owner = ownerOf(environment)
  return isLive(owner, environment.directory) ? owner : undefined
}

/** Whether the owner's number is one of another PID namespace. */
export function isElsewhere({ namespace }: OwnerRecord): boolean {
  return namespace !== undefined && namespace !== pidNamespace()
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

function beat(directory: string): void {
  const file = join(directory, BEAT_FILE)
  const now = new Date()
  try {
    utimesSync(file, now, now)
  } catch {
    try {
      writeFileSync(file, '')
    } catch {
      // Where that can't be written, nothing else can.
    }
  }
}

function isBeating(directory: string): boolean {
  try {
    return Date.now() - statSync(join(directory, BEAT_FILE)).mtimeMs < deadAfterMilliseconds
  } catch {
    return false
  }
}

/** The start of a process in its system's own words; undefined when no such process runs, '' when the system does not say. */
function startOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined
  }
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      // The command name, in parentheses, may hold anything: count from its end. Then the 1st field is the state, the 20th the start.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (fields[0] === 'Z' || fields[0] === 'X') return undefined
      return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}/${fields[19] ?? ''}`
    }
    if (process.platform === 'win32') return ''
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return ''
  }
}
