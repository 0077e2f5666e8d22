/** `wellspring up` and `wellspring run`: the stream on this machine. */
import { Command } from 'commander'
import { groupOf, type ProcessorStatus } from '../engine/runtime.ts'
import { processors } from '../processors/index.ts'
import { deadLetters, topics, type Topic } from '../topics/catalogue.ts'
import { budgetText } from './budget.ts'
import { chooseProcessors, loadConfiguration } from './configuration.ts'
import { openCorpus, useCorpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { placeOptions, type Place, type PlaceFlags } from './place.ts'
import { openLog } from './log-choice.ts'
import { isOpen, madeOf } from './screen.ts'
import type { StreamEnd } from './stream.ts'
import { formatCount, formatDuration, note, parseDuration, say, sayJson } from './terminal.ts'

interface Options extends PlaceFlags {
  set?: string[]
  for?: string
  problems?: string
  json?: boolean
  metricsPort?: string
  metricsHost?: string
  log?: string
  budget?: string
  unsafeNoSandbox?: boolean
  apply?: boolean
}

function streamOptions(command: Command): Command {
  return placeOptions(command)
    .option('--for <time>', 'end after a while, such as 90s, 10m, 2h')
    .option('--set <setting=value...>', 'a setting, such as roll-out.maxInFlight=64 (see docs/settings.md)')
    .option('--budget <amount>', 'most that the corpus may cost, such as 50usd, 2Gtokens or 1000pairs; then it ends')
    .option('--metrics-port <port>', 'serve /metrics, /healthz and /readyz')
    .option('--metrics-host <address>', 'where they are served, without a password (default: 127.0.0.1)')
    .option(
      '--log <form>',
      'text or json: a line of JSON for each event on stderr, from the level in WELLSPRING_LOG on',
    )
    .option('--unsafe-no-sandbox', 'run generated programs without a sandbox; only on a disposable machine')
    .option('--json', 'a JSON line with the state every second, and one at the end')
}

export function upCommand(): Command {
  return streamOptions(new Command('up'))
    .option(
      '--problems <count>',
      'end once the corpus holds so many synthetic problems and all work is done; 0: work off what is there',
    )
    .option('--apply', 'on Kafka, make topics and register schemas first (as `wellspring topics apply`)')
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
  wellspring up --budget 50usd --config models.yaml
  wellspring up --budget 2Gtokens
  wellspring up --for 8h --set plan-rollouts.attempts=4 --json > run.jsonl
  wellspring up --apply --kafka 127.0.0.1:9092 --registry http://127.0.0.1:8081/apis/ccompat/v7`,
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
A data folder has one owner: a second \`up\` or \`run\` on it is refused. On Kafka, start it as often as you like, on as many machines:
the tasks of a processor are shared out, and move when a process comes or goes.

Examples:
  wellspring run verify-rollout build-pairs --for 10m
  wellspring run roll-out --kafka kafka-1:9092,kafka-2:9092 --registry http://registry:8081
  wellspring run build-sft --json`,
    )
    .action(async (names: string[], options: Options) => stream(names, options, undefined))
}

async function stream(names: readonly string[], options: Options, problems: number | undefined): Promise<void> {
  // First of all: what fails from here on is a line of it.
  const logger = await openLog(options.log)
  const forSeconds = options.for === undefined ? undefined : parseDuration(options.for)
  if (options.for !== undefined && forSeconds === undefined)
    throw new CommandError(exitCodes.usage, `--for: expected a time such as 90s, 10m or 2h, got "${options.for}"`)
  const own = [
    ['--problems', 'sample-concepts', 'problems', options.problems],
    ['--budget', 'run', 'budget', options.budget],
    ['--metrics-port', 'run', 'metricsPort', options.metricsPort],
    ['--metrics-host', 'run', 'metricsHost', options.metricsHost],
    ['--unsafe-no-sandbox', 'run', 'unsafeNoSandbox', options.unsafeNoSandbox ? 'true' : undefined],
  ] as const
  const configuration = loadConfiguration({
    ...options,
    own: own.flatMap(([flag, scope, name, value]) => (value === undefined ? [] : [{ flag, scope, name, value }])),
  })
  const { place } = configuration
  const chosen = chooseProcessors(configuration, names)
  if (options.apply && place.kind === 'kafka') {
    const { applyAll } = await import('./administration.ts')
    const { topics: made, schemas } = await applyAll(place)
    if (made.length + schemas.length > 0) note(`${made.length} topics and ${schemas.length} schemas made or mended`)
  }
  // Endpoints and verifiers take a while to load: not for --help, nor where a setting is wrong.
  const { runStream } = await import('./stream.ts')
  const open = (at: Place): ReturnType<typeof openCorpus> =>
    openCorpus(
      at,
      chosen.map(({ declaration }) => declaration),
    )
  await useCorpus(place, open, async (corpus) => {
    const json = options.json ?? false
    const end = await runStream({
      corpus,
      configuration,
      chosen,
      untilComplete: problems !== undefined,
      forSeconds,
      json,
      logger,
    })
    if (json) sayJson({ event: 'end', ...end })
    else if (!logger) for (const line of endLines(end, place.flags)) say(line)
    process.exitCode = end.exitCode
  })
}

/** What the stream is there for. */
const products: readonly (readonly [Topic, string])[] = [
  [topics.problems, 'synthetic problems'],
  [topics.testCases, 'problems with checks (human ones included)'],
  [topics.verdicts, 'verdicts'],
  [topics.preferencePairs, 'preference pairs'],
  [topics.sftExamples, 'SFT rows'],
]

/** What the tasks here have made: the products, or where only some of their processors are here, all that those make. */
function madeLine(statuses: readonly ProcessorStatus[]): string {
  const names = new Map(products)
  const isWhole = products.every(([topic]) => madeOf(statuses, topic) !== undefined)
  const made = processors.filter(({ name }) => statuses.some((one) => one.name === name && isOpen(one)))
  const listed: readonly Topic[] = isWhole
    ? products.map(([topic]) => topic)
    : [...new Set(made.flatMap(({ outputs }) => Object.values(outputs)))]
  const parts = listed.map(
    (topic) => `${formatCount(madeOf(statuses, topic) ?? 0)} ${names.get(topic) ?? topic.name.replaceAll('-', ' ')}`,
  )
  const tasks = processors
    .filter(({ name }) => statuses.some((one) => one.name === name))
    .reduce((sum, declaration) => sum + groupOf(declaration).tasks, 0)
  const openTasks = statuses.reduce((sum, one) => sum + one.openTasks, 0)
  const by = openTasks < tasks ? ` by the ${openTasks} of ${tasks} tasks that were open here` : ''
  return `made${by}: ${parts.join(', ')}`
}

/** Totals by topic over all processors. */
function emittedTo(statuses: readonly ProcessorStatus[], topic: string): number {
  return statuses.reduce((sum, { counts }) => sum + (counts.emitted[topic] ?? 0), 0)
}

/** What a run leaves its user with. `flags` lead the next command to the same corpus; `again` is what goes on with the work. */
export function endLines(end: StreamEnd, flags: string, again = `npx wellspring up${flags}`): string[] {
  const { statuses } = end
  const isAnyOpen = statuses.some(isOpen)
  const discards = statuses
    .flatMap(({ name, counts }) => Object.entries(counts.discards).map(([reason, count]) => ({ name, reason, count })))
    .sort((a, b) => b.count - a.count)
  const dead = emittedTo(statuses, deadLetters.name)
  const unfinished = statuses.reduce((sum, { backlog }) => sum + backlog, 0)
  const how = {
    complete: 'complete',
    stopped: 'stopped: all but the tasks that lost records is done',
    time: 'ended: the time is up',
    budget: 'ended: the budget is used up',
    interrupted: 'interrupted',
  }[end.how]
  return [
    `${how} after ${formatDuration(end.seconds)}${end.simulated ? ' (simulated: nothing here is for training)' : ''}`,
    ...(isAnyOpen
      ? [
          madeLine(statuses),
          `discarded: ${discards.length === 0 ? 'nothing' : discards.map(({ name, reason, count }) => `${name} ${reason} ${formatCount(count)}`).join(', ')}`,
        ]
      : ['no task was open here: nothing was made']),
    ...(end.budget ? [`budget: ${budgetText(end.budget)}; \`npx wellspring spend${flags}\` tells on what`] : []),
    ...statuses.flatMap(({ stopped }) => (stopped === undefined ? [] : [`stopped: ${stopped}`])),
    ...(dead > 0 ? [`dead letters: ${formatCount(dead)}; see \`npx wellspring dead-letters list${flags}\``] : []),
    ...(unfinished > 0
      ? [
          `not finished: ${unfinished === 1 ? '1 record waits' : `${formatCount(unfinished)} records wait`}; the next \`${again}\` goes on`,
        ]
      : []),
    ...(isAnyOpen &&
    end.how !== 'interrupted' &&
    statuses.every(({ counts }) => Object.values(counts.emitted).every((count) => count === 0))
      ? [
          `nothing was made: the stream grows from human problems; take some in with \`npx wellspring ingest FILE --as seeds${flags}\``,
        ]
      : []),
    ...(emittedTo(statuses, topics.preferencePairs.name) > 0
      ? [`next: npx wellspring export pairs${flags} --out pairs.jsonl`]
      : []),
  ]
}
