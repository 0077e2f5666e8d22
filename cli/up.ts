/** `wellspring up` and `wellspring run`: the stream on this machine. */
import { Command } from 'commander'
import type { ProcessorStatus } from '../engine/runtime.ts'
import { deadLetters, topics } from '../topics/catalogue.ts'
import { chooseProcessors, loadConfiguration } from './configuration.ts'
import { dataDirectory, openCorpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import type { StreamEnd } from './stream.ts'
import { formatCount, formatDuration, parseDuration, say, sayJson } from './terminal.ts'

interface Options {
  data?: string
  config?: string
  set?: string[]
  for?: string
  problems?: string
  json?: boolean
  metricsPort?: string
  unsafeNoSandbox?: boolean
}

function streamOptions(command: Command): Command {
  return command
    .option('--for <time>', 'end after a while, such as 90s, 10m, 2h')
    .option('--data <dir>', 'data folder (default: WELLSPRING_DATA or ./wellspring-data)')
    .option('--config <file>', 'configuration file (default: WELLSPRING_CONFIG or ./wellspring.yaml where it exists)')
    .option('--set <setting=value...>', 'a setting, such as roll-out.maxInFlight=64 (see docs/settings.md)')
    .option('--metrics-port <port>', 'serve /metrics on 127.0.0.1')
    .option('--unsafe-no-sandbox', 'run generated programs without a sandbox; only on a disposable machine')
    .option('--json', 'a JSON line with the state every second, and one at the end')
}

export function upCommand(): Command {
  return streamOptions(new Command('up'))
    .option(
      '--problems <count>',
      'end once the corpus holds so many synthetic problems and all work is done; 0: work off what is there',
    )
    .addHelpText(
      'after',
      `
Without --problems or --for it runs until Ctrl-C. Ctrl-C commits what is finished, waits run.drainSeconds for calls in
flight, then aborts them; they repeat at the next start. Nothing that was finished is lost or made again.

Models come from the configuration file; else from the endpoint in OPENAI_BASE_URL (key in OPENAI_API_KEY); else a
simulated endpoint is started, and everything made with it says so.

Examples:
  wellspring up --problems 2000
  OPENAI_BASE_URL=http://127.0.0.1:8000/v1 wellspring up
  wellspring up --for 8h --set plan-rollouts.attempts=4 --json > run.jsonl`,
    )
    .action(async (options: Options) => {
      const problems = options.problems === undefined ? undefined : Number(options.problems)
      if (problems !== undefined && !(Number.isInteger(problems) && problems >= 0)) {
        throw new CommandError(exitCodes.usage, `--problems: expected a whole number, got "${options.problems}"`)
      }
      await stream([], options, problems)
    })
}

export function runCommand(): Command {
  return streamOptions(new Command('run').argument('<processor...>', 'their names (see processors/README.md)'))
    .addHelpText(
      'after',
      `
The embedded log has one owner: a second \`up\` or \`run\` on the same folder is refused.

Examples:
  wellspring run verify-rollout build-pairs --for 10m
  wellspring run build-sft --json`,
    )
    .action(async (names: string[], options: Options) => stream(names, options, undefined))
}

async function stream(names: readonly string[], options: Options, problems: number | undefined): Promise<void> {
  const forSeconds = options.for === undefined ? undefined : parseDuration(options.for)
  if (options.for !== undefined && forSeconds === undefined)
    throw new CommandError(exitCodes.usage, `--for: expected a time such as 90s, 10m or 2h, got "${options.for}"`)
  const set = [
    ...(options.set ?? []),
    ...(problems === undefined ? [] : [`sample-concepts.problems=${problems}`]),
    ...(options.metricsPort === undefined ? [] : [`run.metricsPort=${options.metricsPort}`]),
    ...(options.unsafeNoSandbox ? ['run.unsafeNoSandbox=true'] : []),
  ]
  const configuration = loadConfiguration({ config: options.config, set })
  const directory = dataDirectory(options.data)
  const chosen = chooseProcessors(configuration, names)
  // Endpoints and verifiers take a while to load: not for --help, nor where a setting is wrong.
  const { runStream } = await import('./stream.ts')
  const corpus = await openCorpus(directory)
  try {
    const json = options.json ?? false
    const end = await runStream({
      corpus,
      configuration,
      chosen,
      untilComplete: problems !== undefined,
      forSeconds,
      json,
    })
    if (json) sayJson({ event: 'end', ...end })
    else for (const line of endLines(end, directory)) say(line)
    process.exitCode = end.exitCode
  } finally {
    await corpus.log.close()
  }
}

/** Totals by topic over all processors. */
export function emittedTo(statuses: readonly ProcessorStatus[], topic: string): number {
  return statuses.reduce((sum, { counts }) => sum + (counts.emitted[topic] ?? 0), 0)
}

/** What a run leaves its user with. */
export function endLines(end: StreamEnd, directory: string): string[] {
  const { statuses } = end
  const of = (topic: { name: string }): string => formatCount(emittedTo(statuses, topic.name))
  const discards = statuses
    .flatMap(({ name, counts }) => Object.entries(counts.discards).map(([reason, count]) => ({ name, reason, count })))
    .sort((a, b) => b.count - a.count)
  const dead = emittedTo(statuses, deadLetters.name)
  const unfinished = statuses.reduce((sum, { backlog }) => sum + backlog, 0)
  const how = { complete: 'complete', time: 'ended: the time is up', interrupted: 'interrupted' }[end.how]
  const data = directory === 'wellspring-data' ? '' : ` --data ${directory}`
  return [
    `${how} after ${formatDuration(end.seconds)}${end.simulated ? ' (simulated: nothing here is for training)' : ''}`,
    `made: ${of(topics.problems)} synthetic problems, ${of(topics.testCases)} problems with checks (human ones included), ${of(topics.verdicts)} verdicts, ${of(topics.preferencePairs)} preference pairs, ${of(topics.sftExamples)} SFT rows`,
    `discarded: ${discards.length === 0 ? 'nothing' : discards.map(({ name, reason, count }) => `${name} ${reason} ${formatCount(count)}`).join(', ')}`,
    ...(dead > 0 ? [`dead letters: ${formatCount(dead)}; see \`npx wellspring dead-letters list${data}\``] : []),
    ...(unfinished > 0
      ? [
          `not finished: ${formatCount(unfinished)} records wait; the next \`npx wellspring up${data}\` goes on with them`,
        ]
      : []),
    ...(emittedTo(statuses, topics.problems.name) + emittedTo(statuses, topics.testCases.name) === 0
      ? [
          `nothing was made: the stream grows from human problems; take some in with \`npx wellspring ingest FILE --as seeds${data}\``,
        ]
      : []),
    ...(emittedTo(statuses, topics.preferencePairs.name) > 0
      ? [`next: npx wellspring export pairs${data} --out pairs.jsonl`]
      : []),
  ]
}
