#!/usr/bin/env node
/** The `wellspring` command. Commands are loaded when they are asked for, so that each starts quickly. */
import { Command, CommanderError } from 'commander'
import { exitCodes, reportFailure } from './exit.ts'
import { release } from './release.ts'
import { parserFault, seeHelp } from './wrong-use.ts'

/** A command: how the list of commands describes it, and how it is loaded. */
interface Entry {
  description: string
  /** Its subcommands take no file, but standard input. */
  readsInput?: boolean
  load: () => Promise<Command>
}

const commands: Readonly<Record<string, Entry>> = {
  up: { description: 'run all processors in this process', load: async () => (await import('./up.ts')).upCommand() },
  run: { description: 'run some processors in this process', load: async () => (await import('./up.ts')).runCommand() },
  ingest: {
    description: 'take human problems or concept files into the stream',
    load: async () => (await import('./ingest.ts')).ingestCommand(),
  },
  benchmarks: {
    description: 'evaluation sets that no problem may overlap with: add, list or remove them',
    load: async () => (await import('./benchmarks.ts')).benchmarksCommand(),
  },
  teach: {
    description: 'put problems that were accepted before a teacher was there before it',
    load: async () => (await import('./teach.ts')).teachCommand(),
  },
  recheck: {
    description: 'compare accepted problems with the benchmarks as they are now, and retract those that overlap',
    load: async () => (await import('./recheck.ts')).recheckCommand(),
  },
  topics: {
    description: 'what lies in the corpus: records, bytes, and what its consumers have not finished',
    load: async () => (await import('./topics.ts')).topicsCommand(),
  },
  tail: {
    description: 'write the records of a topic as JSON lines',
    load: async () => (await import('./tail.ts')).tailCommand(),
  },
  export: {
    description: 'write rows that trainers read: pairs, sft, kto, rl and more, as JSON lines or Parquet',
    load: async () => (await import('./export.ts')).exportCommand(),
  },
  explain: {
    description: 'where a record came from: its ancestry back to the seeds, with models, tokens and evidence',
    load: async () => (await import('./explain.ts')).explainCommand(),
  },
  report: {
    description: 'write one HTML page about the corpus: yields, difficulty, cost, samples with their ancestry',
    load: async () => (await import('./report.ts')).reportCommand(),
  },
  browse: {
    description: 'look at problems, attempts and verdicts in a web browser, while the stream runs',
    load: async () => (await import('./browse.ts')).browseCommand(),
  },
  spend: {
    description: 'what the corpus has cost, on what, and what it will cost to a goal',
    load: async () => (await import('./spend.ts')).spendCommand(),
  },
  plan: {
    description: 'what so many GPUs make in a day, and the cores, brokers and disks around them',
    load: async () => (await import('./plan.ts')).planCommand(),
  },
  verify: {
    description: 'check answers or programs: JSON lines in, one verdict a line out',
    readsInput: true,
    load: async () => (await import('./verify.ts')).verifyCommand(),
  },
  'dead-letters': {
    description: 'records that could not be processed: list them, or put them back',
    load: async () => (await import('./dead-letters.ts')).deadLettersCommand(),
  },
  copy: {
    description: 'move a corpus from a folder to Kafka, back, or into another folder',
    load: async () => (await import('./copy.ts')).copyCommand(),
  },
  replay: {
    description: 'derive the corpus anew under other rules, from stored records, without a model call',
    load: async () => (await import('./replay/command.ts')).replayCommand(),
  },
  models: {
    description:
      'versions of models that a trainer serves: announce them, list them, wait for a step of rationale learning',
    load: async () => (await import('./versions.ts')).modelsCommand(),
  },
  simulate: {
    description: 'run the simulated endpoint: an OpenAI-compatible server that invents problems and attempts them',
    load: async () => (await import('./simulate.ts')).simulateCommand(),
  },
  config: {
    description: 'the configuration: check it, show every setting and what gave it, or write its JSON schema',
    load: async () => (await import('./config.ts')).configCommand(),
  },
  k8s: {
    description: 'manifests for Kubernetes: render them from the declarations, check them against the rules',
    load: async () => (await import('./k8s.ts')).k8sCommand(),
  },
  doctor: {
    description: 'what works on this machine, what does not, and the cure',
    load: async () => (await import('./doctor.ts')).doctorCommand(),
  },
  demo: {
    description: 'grow a small simulated corpus from examples/seeds.jsonl, in ./demo-data',
    load: async () => (await import('./demo.ts')).demoCommand(),
  },
}

const exitCodeHelp = `
Exit codes:
  0    done
  1    doctor found a fault, topics diff a difference; else a bug: nothing uncommitted was kept, the message says where
  2    wrong use: a command, flag, name or value on the command line; the line says what, and whose --help to see
  65   some input was refused: the first lines of each kind are named (--json: all), the good ones were kept; or the corpus
       holds nothing of that name
  69   an endpoint, Kafka, the schema registry or another service cannot be reached
  74   reading or writing failed: disk full, no permission, damaged folder, records that cannot be read
  75   another process is at work: it owns the data folder, runs on what is copied, or copies into the same target
  77   Kafka or the schema registry refuses this user
  78   a setting in the configuration file or a variable is wrong (every fault is listed), or the corpus or the cluster
       is not as this command needs it
  130  interrupted; everything finished was committed`

/** What was asked for, as it is typed. */
let asked = 'wellspring'

async function main(): Promise<void> {
  const program = new Command('wellspring')
    .description('Grows corpora of verified reasoning problems without end.')
    .version(release())
    // `models announce` has a --version of its own.
    .enablePositionalOptions()
    .addHelpText('after', exitCodeHelp)
    // Before its options are read, which may be wrong.
    .hook('preSubcommand', (_, sub) => {
      asked = typedName(sub)
    })
    .hook('preAction', (_, action) => {
      asked = typedName(action)
    })
  // `help NAME` is `NAME --help`. Only the command that was asked for is loaded; the list needs names alone.
  const args = process.argv.slice(2)
  const isHelp = args[0] === 'help'
  const wanted = isHelp ? args[1] : args[0]
  for (const [name, { description, load }] of Object.entries(commands)) {
    program.addCommand((name === wanted ? await load() : new Command(name)).description(description))
  }
  applyToAll(program)
  // Of what is no command there is no help: it is told like any other command that is none.
  const isUnknown = isHelp && wanted !== undefined && !wanted.startsWith('-') && !Object.hasOwn(commands, wanted)
  await program.parseAsync(isUnknown ? args.slice(1) : args, { from: 'user' })
}

/** `wellspring topics list`. */
function typedName(command: Command): string {
  return command.parent ? `${typedName(command.parent)} ${command.name()}` : command.name()
}

/** Wrong use is told in one line and ends with the documented code, wherever it is found. */
function applyToAll(command: Command, readsInput = false): void {
  command.exitOverride().configureOutput({
    outputError: (text, write) => {
      write(`wellspring: ${parserFault(text, readsInput)}${seeHelp(typedName(command))}\n`)
    },
  })
  for (const sub of command.commands) applyToAll(sub, readsInput || commands[sub.name()]?.readsInput === true)
}

// A reader that has gone away (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.done)
  throw error
})

/** Whatever still holds the process open (a socket, a thread) has nothing left to finish; what was written goes out first. */
function endSoon(): void {
  setTimeout(() => (process.stdout.writableLength === 0 ? process.exit() : endSoon()), 2000).unref()
}

main().then(endSoon, (error: unknown) => {
  process.exitCode =
    error instanceof CommanderError
      ? error.exitCode === 0
        ? exitCodes.done
        : exitCodes.usage
      : reportFailure(error, asked)
  endSoon()
})
