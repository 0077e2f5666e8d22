/** The log of a process as lines of JSON on stderr: alone imports pino. Every text in them is without secrets. */
import pino from 'pino'
import { logEvents, type LogLevel } from '../engine/log-events.ts'
import type { Logger } from '../engine/ports.ts'
import { redactedBeginning } from '../engine/secrets.ts'

/** No field is longer, in characters: a line must fit through whatever collects it. */
export const longestText = 2000
const longestList = 100

/** A logger that writes lines of a level and above. */
export function openLogger(level: LogLevel, write?: (line: string) => void): Logger {
  const lines = pino(
    {
      level,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // At once: what a process says last is what it ended of.
    write ? { write } : pino.destination({ dest: 2, sync: true }),
  )
  return {
    writes: (asked) => lines.isLevelEnabled(asked),
    tell: (event, fields) => {
      const { level: own } = logEvents[event]
      if (!lines.isLevelEnabled(own)) return
      try {
        lines[own]({
          event,
          ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, clean(value)])),
        })
      } catch {
        // Whoever read the lines has gone: the work goes on.
      }
    },
  }
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return redactedBeginning(value, longestText)
  if (Array.isArray(value)) return value.slice(0, longestList).map(clean)
  if (typeof value === 'number') return Math.round(value * 1000) / 1000
  return value
}
