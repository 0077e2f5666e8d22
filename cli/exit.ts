/** Exit codes, and how a failure becomes one line and a code. Codes follow sysexits.h where it has one. */
import { kindOf, type ConfigurationError } from '../engine/errors.ts'
import { LogError, type LogErrorCode } from '../topics/log.ts'
import { note, printable } from './terminal.ts'

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
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is no folder',
  ENOSPC: 'the disk is full; free some space and run the same command again',
  EROFS: 'the file system is read-only',
  EADDRINUSE: 'the port is in use; choose another one',
}

/** Writes the failure as one line (faults of settings: one line each) and returns the exit code. */
export function reportFailure(error: unknown): number {
  if (kindOf(error) === 'configuration') {
    for (const fault of (error as ConfigurationError).faults) note(`wellspring: ${printable(fault)}`)
    return exitCodes.configuration
  }
  if (error instanceof CommandError) {
    note(`wellspring: ${printable(error.message)}`)
    return error.exitCode
  }
  if (error instanceof LogError) {
    note(`wellspring: ${printable(error.message)}`)
    return logExitCodes[error.code] ?? exitCodes.bug
  }
  if (kindOf(error) === 'transient') {
    note(`wellspring: ${printable((error as Error).message)}`)
    return exitCodes.unavailable
  }
  const system = error as NodeJS.ErrnoException
  const cause = systemCauses[system?.code ?? '']
  if (cause !== undefined) {
    note(`wellspring: ${system.path ?? system.syscall ?? 'a system call'}: ${cause}`)
    return exitCodes.ioError
  }
  note(`wellspring: a bug, please report it: ${error instanceof Error ? printable(error.message) : String(error)}`)
  if (error instanceof Error && error.stack !== undefined)
    note(
      `  ${(error.cause instanceof Error ? error.cause.stack : error.stack)
        ?.split('\n')
        .slice(1, 4)
        .map((line) => line.trim())
        .join('; ')}`,
    )
  return exitCodes.bug
}
