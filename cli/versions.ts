/** `wellspring models`: the models that a trainer serves, the step of rationale learning that is due, and its training rows. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Argument, Command } from 'commander'
import { Announcements, stepAfter } from '../curation/em.ts'
import { cellsFor, type ExportRequest } from '../exports/request.ts'
import { formatNamed } from '../exports/formats/index.ts'
import { RowSource } from '../exports/rows.ts'
import { mainSplit } from '../exports/split.ts'
import type { Cells } from '../exports/columns.ts'
import { refuseUnfinishedCopy } from '../engine/copy/copy-progress.ts'
import { addCounts } from '../engine/counts.ts'
import { hashOf } from '../engine/ids.ts'
import { announcedRoles, type AnnouncedRole } from '../engine/ports.ts'
import type { EmStep, ModelAnnouncement, TaskCounts } from '../schemas/generated.ts'
import { topics, type RecordKind, type Topic } from '../topics/catalogue.ts'
import { loadConfiguration } from './configuration.ts'
import { ledgerEntries, openBeside, readTopic, useCorpus, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { placeOf, placeOptions, type PlaceFlags } from './place.ts'
import { formatCount, note, parseDuration, say, sayJson } from './terminal.ts'

/** Where rationale learning stands. */
export interface LearningStatus {
  step: string
  iteration: number
  /** Ordinal of the announcement that began the step; 0 in the cold start. */
  announcement: number
  announcements: ModelAnnouncement[]
  /** Observed pairs that are there, and those that the step has been through. */
  pairs: number
  planned: number
  /** Requests that no triple, discard or dead letter has come of yet, over all steps. */
  open: number
  /** All seeds are annotated, all pairs planned, and nothing is open. */
  isDone: boolean
}

const pollSeconds = 1

export function modelsCommand(): Command {
  const command = new Command('models').addHelpText(
    'after',
    `
A trainer announces each new version of the problem writer and the rationale writer; processes that run switch to it without a restart.
docs/em.md walks through an iteration.

Examples:
  wellspring models announce rationale-writer --model q --version 1
  wellspring models list`,
  )
  placeOptions(
    command
      .command('announce')
      .description('from now on the role is done by this version; the next step of rationale learning begins')
      .addArgument(new Argument('<role>', 'whose model').choices(announcedRoles))
      .requiredOption('--model <name>', 'the name that its endpoint knows it by')
      .requiredOption('--version <text>', 'your name for these weights; stands in every record that they make')
      .option('--endpoint <name>', "an endpoint of the configuration (default: those of the role's configured model)"),
  )
    .option('--json', 'the announcement as a JSON object')
    .addHelpText(
      'after',
      `
Serve the new version first, then announce it, and only then take the old one away.

Examples:
  wellspring models announce problem-writer --model writer --version cold-start
  wellspring models announce rationale-writer --model explainer-3 --endpoint box --version em-3`,
    )
    .action(async (role: AnnouncedRole, options: AnnounceOptions) => {
      refuseUnknownEndpoint(options)
      await useCorpus(await placeOf(options), openBeside, async (corpus) => {
        await refuseUnfinishedCopy(corpus.log)
        const announcement = await announce(corpus, role, options)
        if (options.json) return sayJson({ ...announcement })
        const { version, model, step, iteration } = announcement
        say(`${role}: version ${version} (${model}) is in force; ${dueLine(step, iteration)}`)
      })
    })
  placeOptions(command.command('list').description('the versions in force, and where rationale learning stands'))
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExamples:\n  wellspring models list\n  wellspring models list --json | jq .isDone')
    .action(async (options: PlaceFlags & { json?: boolean }) => {
      await useCorpus(await placeOf(options), openBeside, async (corpus) => {
        const status = await learningStatus(corpus)
        if (options.json) sayJson({ ...status })
        else for (const line of statusLines(status)) say(line)
      })
    })
  placeOptions(command.command('wait').description('wait until all work of the step that is due is done'))
    .option('--for <time>', 'give up after a while, such as 90s, 10m, 2h')
    .option('--json', 'one JSON object at the end')
    .addHelpText(
      'after',
      `
Runs beside \`wellspring up\`. Exit code 0 when the step is done, 69 when the time is up before that.

Examples:
  wellspring models wait && wellspring models rows rationale-writer > rows.jsonl
  wellspring models wait --for 8h`,
    )
    .action(async (options: PlaceFlags & { for?: string; json?: boolean }) => {
      const seconds = options.for === undefined ? Infinity : parseDuration(options.for)
      if (seconds === undefined)
        throw new CommandError(exitCodes.usage, `--for: expected a time such as 90s, 10m or 2h, got "${options.for}"`)
      await useCorpus(await placeOf(options), openBeside, async (corpus) => {
        const until = performance.now() + 1000 * seconds
        let status = await learningStatus(corpus)
        while (!status.isDone && performance.now() < until) {
          await sleep(1000 * pollSeconds)
          status = await learningStatus(corpus)
        }
        if (options.json) sayJson({ ...status })
        else for (const line of statusLines(status)) say(line)
        if (!status.isDone) process.exitCode = exitCodes.unavailable
      })
    })
  placeOptions(
    command
      .command('rows')
      .description('training rows of the step that is due, as JSONL: prompt and completion, raw text')
      .addArgument(new Argument('<role>', 'who is trained').choices(announcedRoles)),
  )
    .option('--step <step>', 'cold-start, e or m (default: the one that is due)')
    .option('--iteration <number>', 'of which EM iteration (default: the one that is due)', Number)
    .addHelpText(
      'after',
      '\nExamples:\n  wellspring models rows rationale-writer > rows.jsonl\n  wellspring models rows problem-writer --step m --iteration 2 > rows.jsonl',
    )
    .action(async (role: AnnouncedRole, options: PlaceFlags & { step?: string; iteration?: number }) => {
      await useCorpus(await placeOf(options), openBeside, async (corpus) => {
        let count = 0
        let simulated = 0
        for await (const row of trainingRows(corpus, role, options)) {
          sayJson(row)
          count++
          if (row['simulated'] === true) simulated++
        }
        note(`${count} rows written${simulated > 0 ? `, ${simulated} of them simulated: not for training` : ''}`)
      })
    })
  return command
}

interface AnnounceOptions extends PlaceFlags {
  model: string
  version: string
  endpoint?: string
  json?: boolean
}

/** Where a configuration tells the endpoints, a name that is none is caught before processes stop at it. @throws ConfigurationError, CommandError */
function refuseUnknownEndpoint({ endpoint, ...flags }: AnnounceOptions): void {
  if (endpoint === undefined) return
  const { inference } = loadConfiguration({
    data: flags.data,
    kafka: flags.kafka,
    registry: flags.registry,
    namespace: flags.namespace,
    config: flags.config,
  })
  const known = Object.keys(inference?.endpoints ?? {})
  if (inference !== undefined && !known.includes(endpoint))
    throw new CommandError(
      exitCodes.usage,
      `--endpoint: expected one of the configured endpoints ${known.join(', ')}, got "${endpoint}"`,
    )
}

/** Writes an announcement down. @throws CommandError for the version that is in force already */
export async function announce(
  corpus: Corpus,
  role: AnnouncedRole,
  { model, version, endpoint = '' }: Pick<AnnounceOptions, 'model' | 'version' | 'endpoint'>,
): Promise<ModelAnnouncement> {
  const before = await announcementsOf(corpus)
  const inForce = before.of(role)
  if (version.trim() === '') throw new CommandError(exitCodes.usage, '--version: expected a name for these weights')
  if (inForce?.version === version)
    throw new CommandError(
      exitCodes.badInput,
      `${role}: version ${version} is in force already; its step would be done twice under the same name: give other weights another version`,
    )
  const ordinal = (before.last?.ordinal ?? 0) + 1
  const announcement: ModelAnnouncement = {
    ...{ createdAtMs: Date.now(), role, model, endpoint, version, ordinal },
    ...stepAfter(before, role),
  }
  const { name, kind, keyOf } = topics.models
  await corpus.codec.prepare(name, kind)
  const value = corpus.codec.encode(name, kind, announcement)
  const record = { topic: name, partition: 0, key: keyOf(announcement), value }
  // Two trainers at once: the second one's ordinal is taken.
  if (!(await corpus.log.append([record], `models/${ordinal}/${hashOf(role, version)}`)))
    throw new CommandError(
      exitCodes.busy,
      `announcement ${ordinal} was made by somebody else just now: look at \`wellspring models list\``,
    )
  return announcement
}

async function announcementsOf(corpus: Corpus): Promise<Announcements> {
  const announcements = new Announcements()
  for await (const { record } of readTopic(corpus, topics.models)) announcements.add(record)
  return announcements
}

/** Where rationale learning stands now. */
export async function learningStatus(corpus: Corpus): Promise<LearningStatus> {
  const announcements = await announcementsOf(corpus)
  const { step = 'cold-start', iteration = 0, ordinal = 0 } = announcements.last ?? {}
  const announcement = step === 'cold-start' ? 0 : ordinal
  let planned = 0
  for await (const { record } of readTopic(corpus, topics.emSteps)) {
    if (isOf(record, step, announcement)) planned = record.lists
  }
  // Counts first, then what they are held against: what comes in between is not done yet.
  const entries = await ledgerEntries(corpus)
  const countsOf = (name: string): TaskCounts =>
    addCounts(entries.filter(({ processor }) => processor === name).map(({ counts }) => counts))
  const stages = ['plan-rationales', 'infer-rationale', 'score-rationale', 'select-rationale'] as const
  const handed = [topics.rationaleRequests, topics.rationaleCandidates, topics.scoredRationales]
  const open = handed
    .map(({ name }, at) => (countsOf(stages[at] ?? '').emitted[name] ?? 0) - countsOf(stages[at + 1] ?? '').finished)
    .reduce((sum, left) => sum + Math.max(0, left), 0)
  const pairs = await countOf(corpus, topics.conceptLists)
  const areAnnotated = (await countOf(corpus, topics.seeds)) <= countsOf('extract-concepts').finished
  const isDone = areAnnotated && pairs > 0 && planned >= pairs && open === 0
  return { step, iteration, announcement, announcements: announcements.all(), pairs, planned, open, isDone }
}

const isOf = (record: EmStep, step: string, announcement: number): boolean =>
  record.step === step && record.announcement === announcement

async function countOf<Kind extends RecordKind>(corpus: Corpus, topic: Topic<Kind>): Promise<number> {
  let count = 0
  for await (const _ of readTopic(corpus, topic)) count++
  return count
}

/**
 * Rows of one step, of the one that is due or of another by its name: those of `export triples --format promptcot`.
 * @throws CommandError where a triple cannot be read
 */
export async function* trainingRows(
  corpus: Corpus,
  role: AnnouncedRole,
  wanted: { step?: string; iteration?: number } = {},
): AsyncGenerator<Cells> {
  const due = (await announcementsOf(corpus)).last ?? { step: 'cold-start', iteration: 0 }
  const { step = due.step, iteration = step === due.step ? due.iteration : 0 } = wanted
  const request: ExportRequest = {
    ...{ sort: 'triples', format: formatNamed('promptcot'), fileType: 'jsonl', role, results: [], shares: [] },
    filters: { step: [step], iteration: [iteration] },
  }
  const source = new RowSource(corpus, request)
  await source.retracted.readOn()
  let index = 0
  for await (const { rows, unreadable } of source.read(source.start(), await source.ends())) {
    if (unreadable !== undefined) throw new CommandError(exitCodes.ioError, `${unreadable}: it gives no row`)
    for (const row of rows) yield cellsFor(request, row, { index: index++, split: mainSplit })
  }
}

function dueLine(step: string, iteration: number): string {
  const name = { e: `the E-step of iteration ${iteration}`, m: `the M-step of iteration ${iteration}` }[step]
  return name === undefined ? 'the first E-step begins once both models are announced' : `${name} begins`
}

function statusLines({ step, iteration, announcements, pairs, planned, open, isDone }: LearningStatus): string[] {
  const name = step === 'cold-start' ? 'cold start' : `${step.toUpperCase()}-step of iteration ${iteration}`
  return [
    ...announcedRoles.map((role) => {
      const one = announcements.find((announcement) => announcement.role === role)
      if (one === undefined) return `${role}: as configured, no version announced`
      const at = one.endpoint === '' ? '' : ` at ${one.endpoint}`
      return `${role}: version ${one.version} (${one.model}${at}), announced ${new Date(one.createdAtMs).toISOString()}`
    }),
    `${name}: ${formatCount(planned)} of ${formatCount(pairs)} observed pairs asked for, ${formatCount(open)} open; ${isDone ? 'done' : 'not done'}`,
  ]
}
