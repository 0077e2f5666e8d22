/** Exit codes, and how a failure becomes one line and a code. Codes follow sysexits.h where it has one. */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { kindOf, type ConfigurationError } from '../engine/errors.ts'
import { LogError, type LogErrorCode } from '../topics/log.ts'
import { noteFailure, shellWord } from './terminal.ts'
import { seeHelp } from './wrong-use.ts'

export const exitCodes = {
  done: 0,
  bug: 1,
  usage: 2,
  badInput: 65,
  unavailable: 69,
  ioError: 74,
  busy: 75,
  noPermission: 77,
  configuration: 78,
  interrupted: 130,
} as const

/** A failure whose text is all that the user needs. */
export class CommandError extends Error {
  readonly exitCode: number
  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

const logExitCodes: Partial<Record<LogErrorCode, number>> = {
  owned: exitCodes.busy,
  fenced: exitCodes.busy,
  unreachable: exitCodes.ioError,
  denied: exitCodes.noPermission,
  full: exitCodes.ioError,
  damaged: exitCodes.ioError,
  cut: exitCodes.ioError,
  too_large: exitCodes.configuration,
  clock: exitCodes.configuration,
  refused: exitCodes.configuration,
  not_a_log: exitCodes.ioError,
  newer_version: exitCodes.configuration,
  topic_mismatch: exitCodes.configuration,
  unknown_topic: exitCodes.configuration,
  unknown_schema: exitCodes.configuration,
  incompatible: exitCodes.configuration,
}

const systemCauses: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a folder',
  EEXIST: 'something else has this name',
  ENOTSUP: 'its file system takes no new folder there; name another place',
  ENOTDIR: 'a part of the path is no folder',
  ENAMETOOLONG: 'its name is too long',
  ENOSPC: 'the disk is full; free some space and run the same command again',
  EROFS: 'the file system is read-only',
  EADDRINUSE: 'the port is in use; choose another one',
}

/** Of a path that is not there: whether its folder is. */
function missing(path: string | undefined): string {
  return path === undefined || existsSync(dirname(path)) ? 'it does not exist' : `there is no folder ${dirname(path)}`
}

/** Why a file could not be written, as a failure of the path that was named, and not of what is written in its place. */
export function writeFailure(error: unknown, path: string): Error {
  const folder = dirname(path)
  if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !existsSync(folder))
    return new CommandError(
      exitCodes.ioError,
      `${path}: there is no folder ${folder}; make it with \`mkdir -p ${shellWord(folder)}\``,
      { cause: error },
    )
  return Object.assign(error as NodeJS.ErrnoException, { path })
}

/** What is wrong with a file is told up to here: the first lines of many are what helps. */
const mostFaults = 20

/**
 * Writes the failure as one line (faults of settings: one line each, twenty at most) and returns the exit code.
 * `command`: as it was typed, such as `wellspring up`, whose help is named where the command line was wrong.
 */
export function reportFailure(error: unknown, command?: string): number {
  const { lines, exitCode } = failureLines(error)
  const last = lines.pop() ?? ''
  lines.push(exitCode === exitCodes.usage && command !== undefined ? `${last}${seeHelp(command)}` : last)
  noteFailure(lines, exitCode)
  return exitCode
}

function failureLines(error: unknown): { lines: string[]; exitCode: number } {
  const told = (exitCode: number, ...texts: readonly string[]): { lines: string[]; exitCode: number } => ({
    lines: texts.map((text) => `wellspring: ${text}`),
    exitCode,
  })
  if (kindOf(error) === 'configuration') {
    const { faults } = error as ConfigurationError
    const more = faults.length > mostFaults ? [`and ${faults.length - mostFaults} more of the kind`] : []
    // A fault begins with what gave the setting. Where all are flags, nothing but the command line is wrong.
    const isTyped = faults.every((fault) => fault.startsWith('--'))
    return told(isTyped ? exitCodes.usage : exitCodes.configuration, ...faults.slice(0, mostFaults), ...more)
  }
  if (error instanceof CommandError) return told(error.exitCode, error.message)
  if (error instanceof LogError) return told(logExitCodes[error.code] ?? exitCodes.bug, error.message)
  if (kindOf(error) === 'transient') return told(exitCodes.unavailable, (error as Error).message)
  const system = error as NodeJS.ErrnoException
  const cause = system?.code === 'ENOENT' ? missing(system.path) : systemCauses[system?.code ?? '']
  if (cause !== undefined)
    return told(exitCodes.ioError, `${system.path ?? system.syscall ?? 'a system call'}: ${cause}`)
  const bug = told(exitCodes.bug, `a bug, please report it: ${error instanceof Error ? error.message : String(error)}`)
  const stack = error instanceof Error ? (error.cause instanceof Error ? error.cause.stack : error.stack) : undefined
  const frames = stack?.split('\n').slice(1, 4)
  if (frames) bug.lines.push(`  ${frames.map((line) => line.trim()).join('; ')}`)
  return bug
}
