/**
 * What the command writes. Texts of models, seeds, files and servers are data and may hold terminal codes: whatever goes to a
 * terminal passes through `say`, `sayJson`, `note` or a screen made of `printable` texts.
 */
import type { Logger } from '../engine/ports.ts'
import { redactedBeginning } from '../engine/secrets.ts'

// Control characters (escape sequences begin with one), line ends of other alphabets, the marks that reorder what is read, and
// characters that hide a text in another one.
const unprintable =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu

/** Text that a terminal shows as it is: control characters become a visible mark, tabs and line ends stay. */
export function printable(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(unprintable, '\u{fffd}')
}

/** One line of at most so many characters. */
export function oneLine(text: string, maxCharacters: number): string {
  const line = printable(text).replace(/\s+/g, ' ').trim()
  return line.length > maxCharacters ? `${line.slice(0, Math.max(0, maxCharacters - 3))}...` : line
}

/** A word as a shell reads it back. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** Lines of a table: the first column to the left, numbers to the right. Line ends and tabs in a cell become spaces: no text makes lines of its own. */
export function tableLines(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const cells = [
    header,
    ...rows.map((row) => row.map((cell) => (typeof cell === 'number' ? formatCount(cell) : cell.replace(/\s/g, ' ')))),
  ]
  const widths = header.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)))
  return cells.map((row, index) =>
    row
      .map((cell, column) => {
        const number =
          column > 0 &&
          (index === 0 ? typeof rows[0]?.[column] === 'number' : typeof rows[index - 1]?.[column] === 'number')
        return number ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)
      })
      .join('  ')
      .trimEnd(),
  )
}

/** 1234567 -> 1,234,567. */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** 1536 -> 1.5 KiB. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}

/** 75 -> 1m 15s. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, '0')}s`
  return `${Math.floor(whole / 3600)}h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')}m`
}

/** `90s`, `10m`, `2h`, `1d` in seconds; undefined where it is none of these. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(s|m|h|d)$/.exec(text.trim())
  const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400 }[match?.[2] ?? '']
  return match?.[1] === undefined || unitSeconds === undefined ? undefined : Number(match[1]) * unitSeconds
}

/**
 * Writes a line to stdout, after a mark of our own, which may hold colours. A reader that has gone away (`| head`) ends the
 * command quietly.
 */
export function say(line: string, mark = ''): void {
  process.stdout.write(`${mark}${printable(line)}\n`)
}

/** A value as one line of JSON that a terminal shows as it is: what would steer it is escaped, so a parser gets it back. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    unprintable,
    // Of one beyond the first plane JSON takes the two halves.
    (character) =>
      [...Array(character.length).keys()]
        .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
        .join(''),
  )
}

/** Writes a value as a line of JSON to stdout. */
export function sayJson(value: unknown): void {
  process.stdout.write(`${jsonLine(value)}\n`)
}

let log: Logger | undefined

/** No message for a person is longer, in characters. */
const longestNote = 64 << 10

/** From now on notes are lines of a log; undefined: of a terminal again. */
export function tellNotesTo(logger: Logger | undefined): void {
  log = logger
}

/** Writes a line without secrets to stderr, or into the log: for progress and warnings where stdout carries data. */
export function note(line: string): void {
  if (log) log.tell('message', { message: line })
  else process.stderr.write(`${printable(redactedBeginning(line, longestNote))}\n`)
}

/** Tells that the command failed: a line on stderr each, or one of the log. */
export function noteFailure(lines: readonly string[], exitCode: number): void {
  if (log) log.tell('run.failed', { message: lines.join('\n'), exitCode })
  else for (const line of lines) note(line)
}
