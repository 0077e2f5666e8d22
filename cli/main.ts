#!/usr/bin/env node
/** The `wellspring` command. Commands are loaded when they are asked for, so that each starts quickly. */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { exitCodeHelp, exitCodes, reportFailure } from './exit.ts'

type Loader = () => Promise<Command>

const commands: Record<string, Loader> = {
  up: async () => (await import('./up.ts')).upCommand(),
  run: async () => (await import('./up.ts')).runCommand(),
  ingest: async () => (await import('./ingest.ts')).ingestCommand(),
  topics: async () => (await import('./topics.ts')).topicsCommand(),
  tail: async () => (await import('./topics.ts')).tailCommand(),
  export: async () => (await import('./export.ts')).exportCommand(),
  explain: async () => (await import('./explain.ts')).explainCommand(),
  verify: async () => (await import('./verify.ts')).verifyCommand(),
  'dead-letters': async () => (await import('./dead-letters.ts')).deadLettersCommand(),
  simulate: async () => (await import('./simulate.ts')).simulateCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
  demo: async () => (await import('./demo.ts')).demoCommand(),
}

function version(): string {
  const file = ['../package.json', '../../package.json'].map((path) => new URL(path, import.meta.url)).find((url) => {
    try {
      readFileSync(url)
      return true
    } catch {
      return false
    }
  })
  return file ? (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version : 'unknown'
}

async function main(): Promise<void> {
  const program = new Command('wellspring')
    .description('Grows corpora of verified reasoning problems without end.')
    .version(version())
    .addHelpText('after', exitCodeHelp)
    .showHelpAfterError('(add --help for examples)')
  const wanted = process.argv[2] ?? ''
  const chosen = wanted in commands ? [wanted] : Object.keys(commands)
  for (const name of chosen) program.addCommand(await (commands[name] as Loader)())
  applyToAll(program)
  await program.parseAsync()
}

/** Wrong usage ends with the documented code, wherever it is found. */
function applyToAll(command: Command): void {
  command.exitOverride()
  for (const sub of command.commands) applyToAll(sub)
}

// A reader that has gone away (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.done)
  throw error
})

main().then(
  () => {},
  (error: unknown) => {
    process.exitCode =
      error instanceof CommanderError ? (error.exitCode === 0 ? exitCodes.done : exitCodes.usage) : reportFailure(error)
    // Whatever still holds the process open (a socket, a thread) has nothing left to finish.
    setTimeout(() => process.exit(), 2000).unref()
  },
)
