/** Whether a run writes a log for machines or lines for people, by --log, WELLSPRING_LOG and where stderr goes. */
import { variable } from '../engine/environment.ts'
import { ConfigurationError } from '../engine/errors.ts'
import { logLevels, type LogLevel } from '../engine/log-events.ts'
import type { Logger } from '../engine/ports.ts'
import { CommandError, exitCodes } from './exit.ts'
import { tellNotesTo } from './terminal.ts'

/** The variable that names the lowest level that is written. */
const logVariable = 'WELLSPRING_LOG'
const defaultLevel: LogLevel = 'info'
const forms = ['text', 'json'] as const

/**
 * The level of the JSON lines; undefined where lines for people are wanted. JSON is written with `--log json`; without the flag where
 * WELLSPRING_LOG names a level and stderr is no terminal, as in a container.
 * @throws CommandError, ConfigurationError
 */
export function logLevelOf(flag: string | undefined, isTerminal: boolean): LogLevel | undefined {
  if (flag !== undefined && !forms.some((form) => form === flag))
    throw new CommandError(exitCodes.usage, `--log: expected ${forms.join(' or ')}, got "${flag}"`)
  const named = variable(logVariable)
  const level = logLevels.find((one) => one === named)
  if (named !== undefined && level === undefined)
    throw new ConfigurationError([
      `${logVariable}: expected one of ${logLevels.join(', ')}, got ${JSON.stringify(named)}`,
    ])
  if (flag === 'json') return level ?? defaultLevel
  return flag === undefined && !isTerminal ? level : undefined
}

/** Opens the log where it is wanted; from then on what would be said to a person on stderr is a line of it. @throws CommandError, ConfigurationError */
export async function openLog(flag: string | undefined): Promise<Logger | undefined> {
  const level = logLevelOf(flag, process.stderr.isTTY === true)
  if (level === undefined) return undefined
  // A library that most commands do without.
  const { openLogger } = await import('./logger.ts')
  const logger = openLogger(level)
  tellNotesTo(logger)
  return logger
}
