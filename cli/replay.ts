/** `wellspring replay`: a corpus under other rules, from stored records, without a model call. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { refuseUnfinishedCopy } from '../engine/copy/copy-progress.ts'
import { Metrics } from '../engine/metrics.ts'
import type { Inference, Verification } from '../engine/ports.ts'
import { LayeredLog } from '../engine/replay/layered-log.ts'
import { replayedFrom, storedTopics } from '../engine/replay/replayed.ts'
import { Runtime, type ConfiguredProcessor } from '../engine/runtime.ts'
import { processors } from '../processors/index.ts'
import { deadLetters, topicNamed, topics, topicSpecifications, type Topic } from '../topics/catalogue.ts'
import { RecordCodec } from '../topics/codec.ts'
import type { Log } from '../topics/log.ts'
import { loadConfiguration, type Configuration } from './configuration.ts'
import { openBeside, readTopic, useCorpus, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { placeOptions, type PlaceFlags } from './place.ts'
import { replayNoteOf, writeReplayNote, type ReplayNote } from './replay-folder.ts'
import { formatCount, formatDuration, note, printable, say, sayJson, tableLines } from './terminal.ts'

interface Options extends PlaceFlags {
  from: string
  into?: string
  set?: string[]
  sweep?: string
  json?: boolean
}

const pollMs = 100
const tellSeconds = 5

export function replayCommand(): Command {
  return placeOptions(new Command('replay'))
    .option('--from <topic>', 'derive anew all that comes after this topic', topics.verdicts.name)
    .option('--into <dir>', 'folder of the new corpus (default: the data folder with -replay after it)')
    .option('--set <setting=value...>', 'a rule, such as plan-rollouts.tooEasyAt=0.7, or profile=scripts')
    .option('--sweep <setting=values>', 'several values of one rule: what each would leave, and no new corpus')
    .option('--json', 'one JSON object for each change, and one with the counts')
    .addHelpText(
      'after',
      `
Runs the processors after the topic again, with the settings given here, over the records that are stored. No model is called: what
would need another attempt stays open and is counted. The new corpus lies in a folder of its own and refers to the records of the
first; export, tail and explain read it with --data. It works beside a running \`wellspring up\`, with what lay there when it began.

Examples:
  wellspring replay --set plan-rollouts.tooEasyAt=0.7
  wellspring export pairs --data wellspring-data-replay --out pairs.jsonl
  wellspring replay --set profile=scripts --into as-the-scripts --json
  wellspring replay --sweep plan-rollouts.tooEasyAt=0.3,0.5,0.7`,
    )
    .action(async ({ from, into, sweep, json = false, ...flags }: Options) => {
      const topic = keptTopic(from)
      const replayed = replayedFrom(processors, topic)
      if (replayed.length === 0)
        throw new CommandError(
          exitCodes.usage,
          `--from ${from}: nothing after it can be derived without a model call; topics that can: ${replayable().join(', ')}`,
        )
      const values = sweep === undefined ? [undefined] : sweepOf(sweep)
      const configurations = values.map((value) =>
        loadConfiguration({ ...flags, set: [...(flags.set ?? []), ...(value === undefined ? [] : [value])] }),
      )
      const [first] = configurations
      if (!first) return
      const target = resolve(
        into ?? (first.place.kind === 'embedded' ? `${first.place.directory}-replay` : 'wellspring-data-replay'),
      )
      await useCorpus(first.place, openBeside, async (corpus) => {
        await refuseUnfinishedCopy(corpus.log)
        const snapshot = await endsOf(corpus.log, storedTopics(replayed))
        const before = await outcomesOf(corpus)
        const rows: string[][] = []
        for (const [index, configuration] of configurations.entries()) {
          const value = values[index]
          const directory = value === undefined ? target : `${target}-${index}`
          const chosen = replayed.flatMap(({ name }) => configuration.processors.get(name) ?? [])
          const made = {
            version: 1,
            upstream: upstreamOf(configuration, flags),
            from,
            ...describe(chosen, replayed),
          } as const
          if (value === undefined) refuseOther(directory, made)
          else rmSync(directory, { recursive: true, force: true })
          try {
            const report = await replay(corpus, directory, made, chosen, snapshot, before, json && value === undefined)
            if (value === undefined) tell(report, directory, json)
            else if (json) sayJson({ setting: value, ...report.counts })
            else rows.push(sweepRow(value, report))
          } finally {
            if (value !== undefined) rmSync(directory, { recursive: true, force: true })
          }
        }
        if (rows.length > 0)
          for (const line of tableLines(
            ['setting', 'problems kept', 'too easy', 'unsolved', 'pairs', 'still open'],
            rows,
          ))
            say(printable(line))
      })
    })
}

/** @throws CommandError */
function keptTopic(name: string): Topic {
  const topic = topicNamed(name)
  if (topic?.retention === 'kept') return topic
  throw new CommandError(exitCodes.usage, `--from ${name}: expected a topic that is kept: ${replayable().join(', ')}`)
}

function replayable(): string[] {
  return (Object.values(topics) as Topic[])
    .filter((topic) => topic.retention === 'kept' && replayedFrom(processors, topic).length > 0)
    .map(({ name }) => name)
}

/** `plan-rollouts.tooEasyAt=0.3,0.5` -> one text a value. @throws CommandError */
function sweepOf(text: string): string[] {
  const at = text.indexOf('=')
  const values = text.slice(at + 1).split(',')
  if (at < 1 || values.some((value) => value.trim() === ''))
    throw new CommandError(
      exitCodes.usage,
      `--sweep: expected setting=value,value such as plan-rollouts.tooEasyAt=0.3,0.5, got "${text}"`,
    )
  return values.map((value) => `${text.slice(0, at)}=${value.trim()}`)
}

function upstreamOf({ place }: Configuration, flags: PlaceFlags): ReplayNote['upstream'] {
  const config = flags.config === undefined ? {} : { config: resolve(flags.config) }
  if (place.kind === 'embedded') return { data: resolve(place.directory), ...config }
  return {
    kafka: place.brokers.join(','),
    namespace: place.namespace,
    ...(place.registry && { registry: place.registry.url }),
    ...config,
  }
}

function describe(
  chosen: readonly ConfiguredProcessor[],
  replayed: Parameters<typeof storedTopics>[0],
): Pick<ReplayNote, 'settings' | 'stored'> {
  return {
    stored: [...storedTopics(replayed)],
    settings: Object.fromEntries(chosen.map(({ declaration, config }) => [declaration.name, { ...config }])),
  }
}

/** A folder holds one replay: the same goes on where it was interrupted. @throws CommandError */
function refuseOther(directory: string, made: ReplayNote): void {
  if (!existsSync(directory) || readdirSync(directory).length === 0) return
  const known = replayNoteOf(directory)
  if (!known)
    throw new CommandError(exitCodes.badInput, `${directory} is no folder of a replay; name another one with --into`)
  if (JSON.stringify(known) !== JSON.stringify(made))
    throw new CommandError(
      exitCodes.badInput,
      `${directory} holds a replay with other settings or of another corpus; name another folder with --into, or remove it`,
    )
}

async function endsOf(log: Log, stored: ReadonlySet<string>): Promise<Map<string, number>> {
  const ends = new Map<string, number>()
  for (const { name, partitions } of Object.values(topics) as Topic[]) {
    if (!stored.has(name)) continue
    for (let partition = 0; partition < partitions; partition++)
      ends.set(`${name}/${partition}`, (await log.offsets(name, partition)).end)
  }
  return ends
}

/** The rules behind what is stored lie beside those of what is derived anew. */
async function carryRecipes(from: Corpus, to: Log): Promise<void> {
  const { name, kind, keyOf } = topics.recipes
  const codec = new RecordCodec(to.schemas)
  await codec.prepare(name, kind)
  const records = []
  for await (const { record } of readTopic(from, topics.recipes))
    records.push({ topic: name, partition: 0, key: keyOf(record), value: codec.encode(name, kind, record) })
  if (records.length > 0) await to.append(records, 'replay/recipes')
}

/** What became of a problem with one solver. */
interface Ending {
  result: string
  passed: number
  attempted: number
}

async function outcomesOf(corpus: Corpus): Promise<Map<string, Ending>> {
  const endings = new Map<string, Ending>()
  for await (const { record } of readTopic(corpus, topics.outcomes)) {
    const { problemId, solver, result, passed, attempted } = record
    endings.set(JSON.stringify([problemId, solver]), { result, passed, attempted })
  }
  return endings
}

async function countOf(corpus: Corpus, topic: Topic): Promise<number> {
  let count = 0
  for await (const _ of readTopic(corpus, topic)) count++
  return count
}

interface Report {
  seconds: number
  /** By topic: records before and now. */
  topics: { topic: string; before: number; now: number }[]
  /** How outcomes changed, by `before -> now`. */
  changes: Map<string, number>
  counts: Record<string, number>
}

async function replay(
  corpus: Corpus,
  directory: string,
  made: ReplayNote,
  chosen: readonly ConfiguredProcessor[],
  snapshot: ReadonlyMap<string, number>,
  before: ReadonlyMap<string, Ending>,
  tellChanges: boolean,
): Promise<Report> {
  const startedAtMs = performance.now()
  const { openEmbeddedLog } = await import('../topics/embedded/log.ts')
  const own = await openEmbeddedLog({ directory, mode: 'owner' })
  try {
    writeReplayNote(directory, made)
    await own.ensureTopics(topicSpecifications())
    const log = new LayeredLog(own, corpus.log, new Set(made.stored), snapshot)
    const layered: Corpus = { log, codec: new RecordCodec(log.schemas) }
    await carryRecipes(corpus, own)
    const { solvers, simulated } = await attemptsOf(layered)
    const runtime = new Runtime({
      log,
      processors: chosen,
      inference: namesOnly(solvers),
      verification: noVerification,
      metrics: new Metrics(),
      simulated,
    })
    await toTheEnd(runtime)
    const endings = await outcomesOf(layered)
    const changes = new Map<string, number>()
    for (const key of new Set([...before.keys(), ...endings.keys()])) {
      const [was, is] = [before.get(key), endings.get(key)]
      if (was?.result === is?.result) continue
      const change = `${was?.result ?? 'open'} -> ${is?.result ?? 'open'}`
      changes.set(change, (changes.get(change) ?? 0) + 1)
      if (!tellChanges) continue
      const [problemId, solver] = JSON.parse(key) as [string, string]
      sayJson({ problemId, solver, before: was ?? null, now: is ?? null })
    }
    const derived = (Object.values(topics) as Topic[]).filter(
      ({ name, retention }) => !made.stored.includes(name) && retention === 'kept' && name !== topics.budgetClaims.name,
    )
    const counted = []
    for (const topic of derived)
      counted.push({
        topic: topic.name,
        before: await countOf(corpus, topic),
        now: await countOf(layered, topic),
      })
    const ended = (result: string): number => [...endings.values()].filter((one) => one.result === result).length
    return {
      seconds: (performance.now() - startedAtMs) / 1000,
      topics: counted,
      changes,
      counts: {
        kept: ended('kept'),
        tooEasy: ended('too_easy'),
        unsolved: ended('unsolved'),
        pairs: counted.find(({ topic }) => topic === topics.preferencePairs.name)?.now ?? 0,
        stillOpen: [...before.keys()].filter((key) => !endings.has(key)).length,
      },
    }
  } finally {
    await own.close()
  }
}

/** Runs until nothing is left; Ctrl-C commits what is finished, and the same command goes on from there. */
async function toTheEnd(runtime: Runtime): Promise<void> {
  const stop = new AbortController()
  const interrupt = (): void => stop.abort()
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  let toldAtMs = performance.now()
  try {
    await runtime.start()
    const finished = (async () => {
      for (;;) {
        if (stop.signal.aborted)
          throw new CommandError(exitCodes.interrupted, 'interrupted; the same command goes on from here')
        const end = await runtime.end()
        if (end === 'complete') return
        if (end === 'stopped') throw new CommandError(exitCodes.ioError, stoppedText(runtime))
        if (performance.now() - toldAtMs > tellSeconds * 1000) {
          toldAtMs = performance.now()
          const left = runtime.status().reduce((sum, { backlog }) => sum + backlog, 0)
          note(`${formatCount(left)} records to go`)
        }
        await sleep(pollMs)
      }
    })()
    await Promise.race([finished, runtime.failed])
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    await runtime.drain(AbortSignal.timeout(30_000))
  }
}

function stoppedText(runtime: Runtime): string {
  return runtime.status().find(({ stopped }) => stopped !== undefined)?.stopped ?? 'a task stopped'
}

/** The solvers of the stored attempts, and whether they are simulated. */
async function attemptsOf(corpus: Corpus): Promise<{ solvers: string[]; simulated: boolean }> {
  const solvers = new Set<string>()
  let simulated = false
  for await (const { record } of readTopic(corpus, topics.verdicts)) {
    solvers.add(record.solver)
    simulated ||= record.simulated
  }
  return { solvers: [...solvers].sort(), simulated }
}

/** Models that can be named and not called. */
function namesOnly(solvers: readonly string[]): Inference {
  const refuse = (): never => {
    throw new TypeError('a replay calls no model')
  }
  return {
    modelsOf: (role) => (role === 'solver' ? solvers.map((model) => ({ model, mode: 'chat', sampling: {} })) : []),
    slotsOf: () => 0,
    complete: refuse,
    embed: refuse,
    score: refuse,
    // What a trainer serves makes no difference to what is stored.
    announce: () => {},
  }
}

const noVerification: Verification = new Proxy({} as Verification, {
  get: () => () => {
    throw new TypeError('a replay verifies nothing anew')
  },
})

function sweepRow(setting: string, { counts }: Report): string[] {
  const { kept = 0, tooEasy = 0, unsolved = 0, pairs = 0, stillOpen = 0 } = counts
  return [setting, ...[kept, tooEasy, unsolved, pairs, stillOpen].map(formatCount)]
}

function tell({ seconds, topics: counted, changes, counts }: Report, directory: string, json: boolean): void {
  if (json) return sayJson({ directory, seconds, ...counts, topics: counted, changes: Object.fromEntries(changes) })
  say(`replayed in ${formatDuration(seconds)} without a model call`)
  const rows = counted
    .filter(({ topic, before, now }) => topic !== deadLetters.name && before + now > 0)
    .map(({ topic, before, now }) => [topic, formatCount(before), formatCount(now)])
  for (const line of tableLines(['topic', 'before', 'now'], rows)) say(printable(line))
  for (const [change, count] of [...changes].sort(([, a], [, b]) => b - a))
    say(`${formatCount(count)} outcomes: ${change}`)
  if (changes.size === 0) say('no outcome changed')
  if ((counts['stillOpen'] ?? 0) > 0)
    say(`${formatCount(counts['stillOpen'] ?? 0)} problems need attempts that were never made`)
  say(`next: npx wellspring export pairs --data ${directory} --out pairs.jsonl`)
}
