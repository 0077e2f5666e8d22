/** Options of the project's own programs (scripts/, bench/, the chaos runs): read, refused and explained in one way. */
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { exitCodes } from '../cli/exit.ts'

interface Option {
  type: 'string' | 'boolean'
  multiple?: boolean
  default?: string | boolean | string[]
  /** What it says, for --help. */
  doc: string
}

/** A program: how it is called, what it does, and what its help ends with. */
export interface Program {
  /** `npm run soak` */
  call: string
  about: string
  after?: string
}

/** The values of the options by type and default, as parseArgs gives them. */
type Values<Options extends Record<string, Option>> = ReturnType<typeof parseArgs<{ options: Options }>>['values']

/**
 * The options that a program was started with. --help writes its usage and ends it with 0; a wrong option writes one line and ends it
 * with the code of wrong usage.
 */
export function readOptions<Options extends Record<string, Option>>(
  program: Program,
  options: Options,
): Values<Options> {
  try {
    const declared: NonNullable<ParseArgsConfig['options']> = { ...options, help: { type: 'boolean', short: 'h' } }
    const { values } = parseArgs({ options: declared })
    if (values['help'] !== true) return values as Values<Options>
  } catch (error) {
    // parseArgs goes on with advice on how to escape.
    return refuseUsage(program, (error as Error).message.split(/\.? To specify|\n|\. /)[0] ?? '')
  }
  process.stdout.write(usageOf(program, options))
  process.exit(exitCodes.done)
}

/** Ends the program with one line: it was called wrongly. */
export function refuseUsage({ call }: Program, fault: string): never {
  process.stderr.write(`${call}: ${fault}; see ${call} -- --help\n`)
  process.exit(exitCodes.usage)
}

function usageOf({ call, about, after }: Program, options: Record<string, Option>): string {
  const rows = Object.entries(options).map(([name, { type, default: value, doc }]) => {
    const usual = value === undefined || value === false ? '' : ` (default: ${String(value)})`
    return [`--${name}${type === 'string' ? ' VALUE' : ''}`, `${doc}${usual}`] as const
  })
  rows.push(['--help', 'this text'])
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, doc]) => `  ${name.padEnd(width)}  ${doc}`)
  return [`Usage: ${call} -- [options]`, '', about, '', ...lines, ...(after === undefined ? [] : ['', after]), ''].join(
    '\n',
  )
}
