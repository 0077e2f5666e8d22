/** What is said of a command line that is not as it must be: one line, the nearest name, and where to look. */
import { printable } from './terminal.ts'

/** The end of a line that tells of wrong use. `command` as it is typed, such as `wellspring up`. */
export function seeHelp(command: string): string {
  return `; see \`${command} --help\``
}

/** Names with more typing errors than this are other names, in letters. */
const mostErrors = 2

/** The name that was most likely meant; undefined where none is near. */
export function nearest(given: string, names: readonly string[]): string | undefined {
  const close = names
    .map((name) => ({ name, errors: typingErrors(given.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, errors }) => errors <= mostErrors && errors * 2 < name.length)
    .sort((a, b) => a.errors - b.errors)
  return close[0]?.name
}

/** Letters to insert, drop, change or swap with the next one to make one text of the other. */
function typingErrors(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const next = [row]
    for (let column = 1; column <= to.length; column++) {
      const [a, b] = [from[row - 1], to[column - 1]]
      let least = Math.min(
        (last[column - 1] ?? 0) + (a === b ? 0 : 1),
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
      )
      if (row > 1 && column > 1 && a === to[column - 2] && b === from[row - 2])
        least = Math.min(least, (beforeLast[column - 2] ?? 0) + 1)
      next.push(least)
    }
    beforeLast = last
    last = next
  }
  return last[to.length] ?? 0
}

/** `there is no topic "problem" (Did you mean problems?)`, with all names where none is near. */
export function noSuch(what: string, given: readonly string[], names: readonly string[]): string {
  const near = given.flatMap((one) => nearest(one, names) ?? [])
  const meant = near.length === given.length ? ` (Did you mean ${near.join(', ')}?)` : `; there are ${names.join(', ')}`
  return `there is no ${what} ${given.map((one) => `"${one}"`).join(', ')}${meant}`
}

/** `--by: expected one of role, model, got "rloe" (Did you mean role?)`. */
export function noChoice(name: string, given: string, choices: readonly string[]): string {
  const near = nearest(given, choices)
  return `${name}: expected one of ${choices.join(', ')}, got "${given}"${near === undefined ? '' : ` (Did you mean ${near}?)`}`
}

/** What the parser of the command line says, in our words. `readsInput`: the command takes no file, but standard input. */
export function parserFault(text: string, readsInput: boolean): string {
  const fault = printable(text)
    .replace(/^error: /, '')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/\.$/, '')
  const [, flag, argument] =
    /^(?:option '(?:-\w, )?(--[\w-]+).*?' argument|command-argument) .*? is invalid(?: for argument '(.+?)')?\. /.exec(
      fault,
    ) ?? []
  const name = flag ?? argument
  if (name !== undefined) {
    const given = /(?:argument|value) '(.*)' is invalid/.exec(fault)?.[1] ?? ''
    const [, choices] = /\. Allowed choices are (.*)$/.exec(fault) ?? []
    return choices === undefined
      ? `${name}: ${fault.slice(fault.indexOf(' is invalid. ') + ' is invalid. '.length)}`
      : noChoice(name, given, choices.split(', '))
  }
  return fault
    .replace(/^option '(?:-\w, )?(--[\w-]+) (.*)' argument missing$/, '$1: expected $2, got nothing')
    .replace(/^required option '(.*)' not specified$/, '$1 is missing')
    .replace(/^missing required argument '(.*)'$/, '<$1> is missing')
    .replace(/\. Expected (\d+) arguments? but got (\d+)$/, (_, expected: string, got: string) =>
      readsInput ? ', which reads standard input: < FILE' : `: expected ${expected}, got ${got}`,
    )
}
