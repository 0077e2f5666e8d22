/** `wellspring export`: rows that trainers read. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { Argument, Command, Option } from 'commander'
import { refuseUnfinishedCopy } from '../engine/copy/copy-progress.ts'
import { announcedRoles, type AnnouncedRole } from '../engine/ports.ts'
import { cardName } from '../exports/card.ts'
import { factOf, unfitFilter, type Filters } from '../exports/filters.ts'
import { FolderError } from '../exports/folder.ts'
import type { FileType, Format } from '../exports/formats/format.ts'
import { formatNamed, formats, formatsOf, sortsOf } from '../exports/formats/index.ts'
import { jsonLine } from '../exports/json-line.ts'
import { MissingRecordError } from '../exports/lookup.ts'
import { formatPosition, parsePosition, type Positions } from '../exports/position.ts'
import { cellsFor, columnsFor, sortOf, type ExportRequest } from '../exports/request.ts'
import { retractionLine } from '../exports/retracted.ts'
import { countSeen, RowSource, type Seen } from '../exports/rows.ts'
import { outcomeResults, sortNames, sorts, type Sort, type SortName } from '../exports/sorts.ts'
import { mainSplit, parseShares, type Shares } from '../exports/split.ts'
import { exportToFolder, type FolderReport } from '../exports/to-folder.ts'
import type { OutcomeResult } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'
import { LogError, type Log } from '../topics/log.ts'
import { openBeside, useCorpus, type Corpus } from './corpus.ts'
import { CommandError, exitCodes, writeFailure } from './exit.ts'
import { flagOf, whyNoRows } from './no-rows.ts'
import { placeOf, placeOptions, type PlaceFlags } from './place.ts'
import { emSteps } from '../curation/em.ts'
import { readSmallFile } from './small-file.ts'
import { note, sayJson } from './terminal.ts'

interface Options extends PlaceFlags {
  format: string
  fileType?: FileType
  out?: string
  shardRows?: number
  split?: Shares
  since?: string
  follow?: boolean
  sample?: number
  seed?: string
  outcomes?: OutcomeResult[]
  domain?: string[]
  origin?: string[]
  source?: string[]
  solver?: string[]
  teacher?: string[]
  level?: string[]
  role?: AnnouncedRole
  step?: string[]
  iteration?: number[]
  minPassRate?: number
  maxPassRate?: number
  json?: boolean
}

/** What was asked for, and the flags that lead to the corpus. */
type Asked = Options & { flags: string }

export function exportCommand(): Command {
  const several = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value]
  return placeOptions(
    new Command('export').addArgument(new Argument('<sort>', 'what to write, see below').choices(sortNames)),
  )
    .addOption(
      new Option('--format <format>', 'the trainer that reads the rows')
        .choices(formats.map(({ name }) => name))
        .default(formats[0]?.name),
    )
    .addOption(
      new Option(
        '--file-type <type>',
        'of the files (default: by the name of --out, else what the trainer reads)',
      ).choices(['jsonl', 'parquet']),
    )
    .option('--out <path>', 'a file, which appears whole when it is complete; or a folder, see below (default: stdout)')
    .option('--shard-rows <count>', 'rows of each file in the folder', wholeNumber('--shard-rows'))
    .option('--split <shares>', `such as test=0.05: splits by problem, the rest is ${mainSplit}`, shares)
    .option('--since <position>', 'only what came after an earlier export: its position, its folder or its card.json')
    .option('-f, --follow', 'go on as the corpus grows, until Ctrl-C')
    .option(
      '--sample <rows>',
      'so many rows; a smaller sample of the same seed is a part of it',
      wholeNumber('--sample'),
    )
    .option('--seed <text>', 'of the sample (default: 0)')
    .option(
      '--outcomes <results>',
      `of kto, rl, rollouts: ${outcomeResults.join(', ')}, with commas between them`,
      outcomes,
    )
    .option('--domain <name>', 'rows of this domain; this and the next seven may stand several times', several)
    .option('--origin <origin>', 'human or synthetic', several)
    .option('--source <name>', 'where the problem comes from', several)
    .option('--solver <model>', 'model that made the attempts', several)
    .option('--teacher <model>', 'model that taught', several)
    .option('--level <level>', 'difficulty level that was asked for', several)
    .option('--step <step>', 'step of rationale learning: cold-start, e or m', several)
    .option('--iteration <number>', 'EM iteration, from 1; 0 in the cold start', iterations)
    .addOption(
      new Option('--role <role>', `of triples: the model that is to learn (default: ${announcedRoles[0]})`).choices(
        announcedRoles,
      ),
    )
    .option('--min-pass-rate <rate>', 'passed attempts over all that count, 0 to 1', rate('--min-pass-rate'))
    .option('--max-pass-rate <rate>', 'the same, at most', rate('--max-pass-rate'))
    .option('--json', 'a summary as JSON lines: on stdout with --out, else on stderr')
    .addHelpText('after', help)
    .action(async (sort: SortName, options: Options) => {
      const request = requestOf(sort, options)
      const place = await placeOf(options)
      await useCorpus(place, openBeside, async (corpus) => {
        await refuseHalf(corpus.log)
        const since = options.since === undefined ? undefined : await sinceOf(options.since, corpus, request)
        await interruptible(async (signal) => {
          const asked = { ...options, flags: place.flags }
          await (isFolder(options) ? toFolder : toStream)(corpus, request, asked, since, signal)
        })
      })
    })
}

const width = Math.max(...sortNames.map((name) => name.length))

const help = `
Sorts, and the formats that have a form for each:
${sortNames
  .map(
    (name) =>
      `  ${name.padEnd(width)}  ${sorts[name].summary}\n  ${''.padEnd(width)}  ${formatsOf(name)
        .map((format) => format.name)
        .join(', ')}`,
  )
  .join('\n')}

--out names a folder where it ends in / or is one, and with --shard-rows, --split or --follow. A folder gets whole files of
rows, card.json and README.md that say what is in it, and retractions.jsonl where problems were retracted after their rows
were written. The same command again goes on where it stopped, be it killed or complete: no row is lost or there twice.
Rows of retracted problems are left out. Rows made with the simulated endpoint say "simulated": true.

Examples:
  wellspring export pairs --out pairs.jsonl
  wellspring export sft | gzip > sft.jsonl.gz
  wellspring export pairs --format llama-factory --split test=0.05 --out pairs/
  wellspring export rl --format verl --max-pass-rate 0.75 --out rl.parquet
  wellspring export rollouts --shard-rows 10000 --out rollouts --follow
  wellspring export pairs --since pairs/ --out pairs-new/
  wellspring export kto --sample 1000 --seed 7 --out kto-1000.jsonl
  wellspring export triples --role rationale-writer --step e --iteration 2 --out q-2/
  wellspring export pairs | jq -r '.prompt[0].content' | head`

function wholeNumber(flag: string): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < 1)
      throw new CommandError(exitCodes.usage, `${flag}: expected a whole number above 0, got "${text}"`)
    return number
  }
}

function iterations(text: string, before: number[] | undefined): number[] {
  const number = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number))
    throw new CommandError(exitCodes.usage, `--iteration: expected a whole number from 0, got "${text}"`)
  return [...(before ?? []), number]
}

function rate(flag: string): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (text.trim() === '' || !(number >= 0 && number <= 1))
      throw new CommandError(exitCodes.usage, `${flag}: expected a number from 0 to 1, got "${text}"`)
    return number
  }
}

function shares(text: string): Shares {
  try {
    return parseShares(text)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CommandError(exitCodes.usage, `--split: ${error.message}`)
  }
}

function outcomes(text: string): OutcomeResult[] {
  const asked = text === 'all' ? outcomeResults : text.split(',').map((name) => name.trim())
  const unknown = asked.find((name) => !outcomeResults.some((result) => result === name))
  if (unknown !== undefined)
    throw new CommandError(
      exitCodes.usage,
      `--outcomes: there is no outcome "${unknown}"; there are ${outcomeResults.join(', ')}, all`,
    )
  return outcomeResults.filter((result) => asked.includes(result))
}

/** @throws CommandError where options do not go together, naming what does */
function requestOf(sort: SortName, options: Options): ExportRequest {
  const refuse = (message: string): never => {
    throw new CommandError(exitCodes.usage, message)
  }
  const format = formatNamed(options.format)
  const { shape, results, roles }: Sort = sorts[sort]
  if (!format.shapes[shape])
    refuse(
      `${format.name} has no form for ${sort}: write it as ${names(formatsOf(sort))}, or export ${sortsOf(format).join(', ')}`,
    )
  const filters = Object.fromEntries(
    (Object.keys(factOf) as (keyof Filters)[])
      .filter((name) => options[name] !== undefined)
      .map((name) => [name, options[name]]),
  ) as Filters
  const unfit = unfitFilter(sort, filters)
  if (unfit)
    refuse(`${flagOf(unfit.filter)}: rows of ${sort} do not say that; those of ${unfit.goesWith.join(', ')} do`)
  const origin = options.origin?.find((one) => one !== 'human' && one !== 'synthetic')
  if (origin !== undefined) refuse(`--origin: expected human or synthetic, got "${origin}"`)
  const step = options.step?.find((one) => !emSteps.includes(one))
  if (step !== undefined) refuse(`--step: expected ${emSteps.join(', ')}, got "${step}"`)
  if (options.role && !roles)
    refuse(
      `--role: rows of ${sort} are not of rationale learning; those of ${sortNames.filter((name) => 'roles' in sorts[name]).join(', ')} are`,
    )
  if (options.outcomes && !results)
    refuse(
      `--outcomes: ${sort} is not made of outcomes; ${sortNames.filter((name) => 'results' in sorts[name]).join(', ')} are`,
    )
  if (options.seed !== undefined && options.sample === undefined) refuse('--seed: it belongs to --sample: give both')
  if (options.sample !== undefined && options.follow)
    refuse('--sample and --follow: a sample is drawn of what there is: give one of them')
  if (options.out === '') refuse('--out: expected a file or a folder, got nothing')
  if (options.out === undefined) {
    if (options.shardRows !== undefined)
      refuse('--shard-rows: it splits a folder into files: name the folder with --out')
    if (options.split) refuse('--split: each split is a folder of files: name the folder above with --out')
  }
  const needsFolder = (['shardRows', 'split', 'follow'] as const).find((name) => options[name] !== undefined)
  if (needsFolder && /\.(jsonl?|parquet)$/.test(options.out ?? ''))
    refuse(`${flagOf(needsFolder)}: it writes a folder of files, and --out ${options.out} names a file: name a folder`)
  return {
    ...{ sort, format, fileType: fileTypeOf(format, options, refuse), filters },
    results: options.outcomes ?? results ?? [],
    ...(roles?.[0] && { role: options.role ?? roles[0] }),
    ...(options.sample !== undefined && { sample: { rows: options.sample, seed: options.seed ?? '0' } }),
    shares: options.split ?? [],
  }
}

function fileTypeOf(format: Format, { fileType, out }: Options, refuse: (message: string) => never): FileType {
  const byName = out?.endsWith('.parquet') ? 'parquet' : /\.jsonl?$/.test(out ?? '') ? 'jsonl' : undefined
  const type = fileType ?? byName ?? format.fileTypes[0]
  if (!format.fileTypes.includes(type))
    refuse(`${format.name} reads no ${type}: write ${format.fileTypes.join(' or ')}`)
  if (type === 'parquet' && out === undefined)
    refuse(
      `Parquet is no text for stdout${fileType ? '' : `, and ${format.name} reads that first`}: name a file with --out, or give --file-type jsonl`,
    )
  return type
}

function names(all: readonly Format[]): string {
  return all.map(({ name }) => name).join(', ')
}

function isFolder({ out, shardRows, split, follow }: Options): boolean {
  if (out === undefined) return false
  if (shardRows !== undefined || split !== undefined || follow === true || out.endsWith('/')) return true
  return statSync(out, { throwIfNoEntry: false })?.isDirectory() ?? false
}

/** Half a copy would be exported as if it were all. @throws ConfigurationError */
async function refuseHalf(log: Log): Promise<void> {
  try {
    await refuseUnfinishedCopy(log)
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'denied') throw error
    // Reading takes fewer rights than that.
    note('this user may not see whether the corpus is a copy that is not complete; it is exported as it is')
  }
}

/** A card of an export has a few kilobytes. */
export const longestCardBytes = 16 << 20

/**
 * The position of an earlier export, given as itself or by the card that has it.
 * @throws CommandError where it is none, or none of this corpus and sort
 */
async function sinceOf(given: string, { log }: Corpus, request: ExportRequest): Promise<Positions> {
  const refuse = (message: string): never => {
    throw new CommandError(exitCodes.usage, `--since: ${message}`)
  }
  const file = existsSync(given) && statSync(given).isDirectory() ? join(given, cardName) : given
  let text = given
  if (existsSync(file)) {
    const read = readSmallFile(file, longestCardBytes)
    if ('fault' in read) return refuse(`${file}: ${read.fault}`)
    text = read.text
    try {
      text = String((JSON.parse(text) as { position?: unknown }).position)
    } catch {
      // The position itself.
    }
  } else if (file !== given) refuse(`${given} holds no ${cardName}: name the folder of an export, or a position`)
  const positions =
    parsePosition(text) ?? refuse(`expected a position, such as outcomes:12.0.7,retractions:0, a card or its folder`)
  const { topic } = sortOf(request)
  for (const { name, partitions } of [topic, topics.retractions]) {
    const offsets = positions[name]
    if (offsets?.length !== partitions)
      return refuse(
        `the position is of ${Object.keys(positions).join(', ')}, not of ${topic.name}, of which ${request.sort} are made`,
      )
    for (const [partition, offset] of offsets.entries()) {
      const { end } = await log.offsets(name, partition)
      if (offset > end) refuse(`the position lies behind the end of ${name}: it is of another corpus`)
    }
  }
  return positions
}

/** Ctrl-C and SIGTERM end the work at the next record. */
async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController()
  const interrupt = (): void => {
    // The second time, whatever is waited for, such as a reader that does not read.
    if (stop.signal.aborted) process.exit(exitCodes.interrupted)
    stop.abort()
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  try {
    await work(stop.signal)
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

async function toFolder(
  corpus: Corpus,
  request: ExportRequest,
  { out = '', shardRows, follow = false, json = false, flags }: Asked,
  since: Positions | undefined,
  signal: AbortSignal,
): Promise<void> {
  let report: FolderReport
  try {
    report = await exportToFolder(corpus, {
      ...{ directory: out, request, shardRows, since, follow, signal },
      onShard: (shard) => {
        if (json) sayJson({ event: 'file', ...shard })
      },
      now: () => new Date(),
    })
  } catch (error) {
    throw refusal(error)
  }
  const { newRows, newSimulated, newRetracted, seen, tally, shards, positions, retractions, unreadable } = report
  if (json) {
    sayJson({
      ...{ event: 'end', sort: request.sort, format: request.format.name, out },
      ...{ rows: newRows, simulated: newSimulated, retracted: newRetracted, excluded: seen.excluded },
      unreadable: unreadable?.records ?? 0,
      ...{ rows_in_folder: tally.rows, files: shards.length, retractions, position: formatPosition(positions) },
    })
  } else if (!unreadable && !report.isInterrupted) {
    note(endLine(newRows, newSimulated, newRetracted, ` to ${out}`))
    if (newRows === 0) note(await whyNoRows(request, seen, { isContinued: report.isContinued, flags }))
  }
  if (report.isInterrupted)
    throw new CommandError(exitCodes.interrupted, `interrupted: the same command goes on where it stopped`)
  if (unreadable)
    throw new CommandError(exitCodes.ioError, `${unreadableLine(unreadable)}; the other rows are in ${out}`)
}

const folderExitCodes: Readonly<Record<FolderError['code'], number>> = {
  other_export: exitCodes.configuration,
  not_empty: exitCodes.configuration,
  busy: exitCodes.busy,
  damaged: exitCodes.ioError,
  escapes: exitCodes.ioError,
}

function refusal(error: unknown): unknown {
  if (error instanceof FolderError)
    return new CommandError(folderExitCodes[error.code], error.message, { cause: error })
  if (error instanceof MissingRecordError)
    return new CommandError(exitCodes.ioError, `${error.message}: rows that it retracts would be exported`, {
      cause: error,
    })
  return error
}

function endLine(rows: number, simulated: number, retracted: number, where: string): string {
  const parts = [
    `${rows} rows written${where}`,
    ...(retracted > 0 ? [`${retracted} left out whose problem was retracted`] : []),
    ...(simulated > 0 ? [`${simulated} of them simulated: not for training`] : []),
  ]
  return parts.join(', ')
}

function unreadableLine({ first, records }: { first: string; records: number }): string {
  return `${first}${records === 1 ? '' : `, nor are ${records - 1} that follow it what they should be`}`
}

/** Writes to one file, which appears whole, or to stdout, as rows come. */
async function toStream(
  corpus: Corpus,
  request: ExportRequest,
  { out, follow = false, json = false, flags }: Asked,
  since: Positions | undefined,
  signal: AbortSignal,
): Promise<void> {
  const source = new RowSource(corpus, request)
  const totals = { rows: 0, simulated: 0, retracted: 0, excluded: 0, retractions: 0 }
  const seen: Seen = { records: 0, excluded: 0, retracted: 0 }
  let unreadable: { first: string; records: number } | undefined
  const next = [...(since?.[source.topic.name] ?? source.start())]
  const takeInRetractions = async (from?: readonly number[]): Promise<string[]> => {
    const retractions = await source.retracted.readOn(from).catch((error: unknown) => {
      throw refusal(error)
    })
    return retractions.map((retraction) => jsonLine(retractionLine(retraction)))
  }
  const retracted = await takeInRetractions(since?.[topics.retractions.name])
  if (since) totals.retractions = retracted.length
  const sink = await openSink(request, out)
  try {
    let ends = await source.ends()
    source.keepSample(await source.drawSample(next, ends))
    for (;;) {
      for await (const read of source.read(next, ends)) {
        for (const row of read.rows) {
          await sink.write(cellsFor(request, row, { index: totals.rows, split: mainSplit }))
          totals.rows++
          if (row.facts.simulated) totals.simulated++
        }
        countSeen(seen, read)
        totals.retracted = seen.retracted
        totals.excluded = seen.excluded
        if (read.unreadable !== undefined) {
          unreadable ??= { first: read.unreadable, records: 0 }
          unreadable.records++
        }
        next[read.partition] = read.nextOffset
        if (signal.aborted) break
      }
      if (!follow || signal.aborted) break
      await source.waitForMore(next, waitSeconds, signal)
      const late = await takeInRetractions()
      if (late.length > 0) note(`${late.length} problems were retracted: rows of theirs may have been written before`)
      totals.retractions += late.length
      ends = await source.ends()
    }
    if (unreadable && out !== undefined)
      throw new CommandError(
        exitCodes.ioError,
        `${unreadableLine(unreadable)}; ${out} is left as it was (without --out the other ${totals.rows} rows are written to stdout)`,
      )
    if (signal.aborted && !follow) {
      const left = out === undefined ? `${totals.rows} rows were written` : `${out} is left as it was`
      throw new CommandError(exitCodes.interrupted, `interrupted: ${left}`)
    }
    await sink.finish()
  } catch (error) {
    await sink.discard()
    throw error
  }
  const list = since && out !== undefined ? `${out}.retractions.jsonl` : undefined
  if (list !== undefined) await writeWhole(list, retracted.map((line) => `${line}\n`).join(''))
  const position = formatPosition(source.positions(next))
  const { sort, format } = request
  if (json) {
    const summary = { event: 'end', sort, format: format.name, ...(out !== undefined && { out }), ...totals }
    const line = { ...summary, unreadable: unreadable?.records ?? 0, position }
    if (out === undefined) note(jsonLine(line))
    else sayJson(line)
  } else if (!unreadable) {
    note(endLine(totals.rows, totals.simulated, totals.retracted, out === undefined ? '' : ` to ${out}`))
    if (totals.rows === 0) note(await whyNoRows(request, seen, { isContinued: since !== undefined, flags }))
    if (totals.retractions > 0)
      note(
        `${totals.retractions} problems were retracted since${list === undefined ? '; with --out they are listed' : `: ${list}`}`,
      )
  }
  if (unreadable)
    throw new CommandError(
      exitCodes.ioError,
      `${unreadableLine(unreadable)}; the other ${totals.rows} rows were written`,
    )
}

const waitSeconds = 5

/** What rows go to. */
interface Sink {
  write(cells: Record<string, unknown>): Promise<void>
  /** All rows are there. */
  finish(): Promise<void>
  /** Leaves what was there before. */
  discard(): Promise<void>
}

async function openSink(request: ExportRequest, out: string | undefined): Promise<Sink> {
  if (out === undefined) {
    return {
      write: async (cells) => {
        if (!process.stdout.write(`${jsonLine(cells)}\n`)) await once(process.stdout, 'drain')
      },
      finish: () => Promise.resolve(),
      discard: () => Promise.resolve(),
    }
  }
  // A reader never meets half a file: it is written beside and renamed.
  const { partial, handle } = await openPartial(out)
  const discard = async (): Promise<void> => {
    await handle.close().catch(() => {})
    await rm(partial, { force: true }).catch(() => {})
  }
  if (request.fileType === 'parquet') {
    const { ParquetFile } = await import('../exports/parquet.ts')
    const file = new ParquetFile(partial, columnsFor(request))
    return {
      write: (cells) => {
        const line = jsonLine(cells)
        file.append(JSON.parse(line) as Record<string, unknown>, line.length)
        return Promise.resolve()
      },
      finish: async () => {
        file.finish()
        await finishFile(handle, partial, out)
      },
      discard,
    }
  }
  let buffer = ''
  const flush = async (): Promise<void> => {
    await handle.appendFile(buffer)
    buffer = ''
  }
  return {
    write: async (cells) => {
      buffer += `${jsonLine(cells)}\n`
      if (buffer.length >= bufferCharacters) await flush()
    },
    finish: async () => {
      await flush()
      await finishFile(handle, partial, out)
    },
    discard,
  }
}

const bufferCharacters = 1 << 20

/** A file that is to take the place of another. Nobody else has its name: no link leads it elsewhere, and no other run writes to it. */
async function openPartial(out: string): Promise<{ partial: string; handle: FileHandle }> {
  const partial = `${out}.${randomUUID()}.partial`
  try {
    return { partial, handle: await open(partial, 'wx') }
  } catch (error) {
    throw writeFailure(error, out)
  }
}

async function finishFile(handle: FileHandle, partial: string, out: string): Promise<void> {
  await handle.sync()
  await handle.close()
  await rename(partial, out)
}

async function writeWhole(path: string, content: string): Promise<void> {
  const { partial, handle } = await openPartial(path)
  await handle.writeFile(content)
  await finishFile(handle, partial, path)
}
