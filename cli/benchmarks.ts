/** `wellspring benchmarks`: evaluation sets that no problem may overlap with. */
import { Command } from 'commander'
import { refuseUnfinishedCopy } from '../engine/copy/copy-progress.ts'
import { hashOf } from '../engine/ids.ts'
import type { BenchmarkProblem } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'
import { openBeside, readTopic, useCorpus, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { ingestFiles, tellReports } from './ingest.ts'
import { placeOf, placeOptions, type Place, type PlaceFlags } from './place.ts'
import { note, printable, say, sayJson, tableLines } from './terminal.ts'

const orCreate = (place: Place): Promise<Corpus> => openBeside(place, { create: true })

export function benchmarksCommand(): Command {
  return new Command('benchmarks')
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(removeCommand())
    .addHelpText(
      'after',
      `
Problems that overlap with a benchmark are discarded by screen-problem, with the words that they share as evidence.
Those that were accepted before a benchmark was added are found by \`wellspring recheck\`.

Examples:
  wellspring benchmarks add aime24.jsonl livecodebench-v6.jsonl
  wellspring benchmarks list
  wellspring recheck`,
    )
}

function addCommand(): Command {
  return placeOptions(new Command('add').argument('<file...>', 'JSONL files, or - for standard input'))
    .description('take in the problems of benchmarks')
    .option('--name <name>', "the benchmark's name; by default each line's source")
    .option('--json', 'one JSON object a file on stdout')
    .addHelpText(
      'after',
      `
Lines:
  {"id"?, "domain": "math"|"code", "source", "problem"}

Examples:
  wellspring benchmarks add aime24.jsonl
  wellspring benchmarks add held-out.jsonl --name internal-2026

The same line twice adds nothing. A stream that runs compares with them from the next problem on.`,
    )
    .action(async (files: string[], options: PlaceFlags & { name?: string; json?: boolean }) => {
      await useCorpus(await placeOf(options), orCreate, async (corpus) => {
        await refuseUnfinishedCopy(corpus.log)
        const reports = await ingestFiles(corpus, files, 'benchmarks', options.name)
        tellReports(reports, 'benchmarks', options.json ?? false)
        if (reports.some(({ added }) => added > 0))
          note('problems that were accepted before are compared by `wellspring recheck`')
      })
    })
}

function listCommand(): Command {
  return placeOptions(new Command('list'))
    .description('the benchmarks and how many problems each has')
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      '\nExamples:\n  wellspring benchmarks list\n  wellspring benchmarks list --json | jq -r .benchmark',
    )
    .action(async (options: PlaceFlags & { json?: boolean }) => {
      await useCorpus(await placeOf(options), openBeside, async (corpus) => {
        const sizes = new Map<string, number>()
        for (const { benchmark } of await standing(corpus)) sizes.set(benchmark, (sizes.get(benchmark) ?? 0) + 1)
        const rows = [...sizes].sort(([a], [b]) => (a < b ? -1 : 1))
        if (options.json) for (const [benchmark, problems] of rows) sayJson({ benchmark, problems })
        else if (rows.length === 0) say('no benchmarks; add some with `wellspring benchmarks add FILE`')
        else
          for (const line of tableLines(
            ['benchmark', 'problems'],
            rows.map(([name, count]) => [name, String(count)]),
          ))
            say(printable(line))
      })
    })
}

function removeCommand(): Command {
  return placeOptions(new Command('remove').argument('<benchmark>', 'its name'))
    .description('compare with a benchmark no longer; what was discarded or retracted for it stays so')
    .addHelpText('after', '\nExamples:\n  wellspring benchmarks remove aime24')
    .action(async (benchmark: string, options: PlaceFlags) => {
      await useCorpus(await placeOf(options), openBeside, async (corpus) => {
        const problems = (await standing(corpus)).filter((one) => one.benchmark === benchmark)
        if (problems.length === 0)
          throw new CommandError(
            exitCodes.badInput,
            `no benchmark is called "${benchmark}"; \`wellspring benchmarks list\` names them`,
          )
        await refuseUnfinishedCopy(corpus.log)
        const { name, kind, keyOf } = topics.benchmarks
        await corpus.codec.prepare(name, kind)
        const addedAtMs = Date.now()
        const records = problems.map((one) => {
          const record = { ...one, statement: '', addedAtMs, removed: true }
          return { topic: name, partition: 0, key: keyOf(record), value: corpus.codec.encode(name, kind, record) }
        })
        await corpus.log.append(records, `benchmarks-remove/${hashOf(benchmark, addedAtMs)}`)
        say(`${benchmark}: ${problems.length} problems removed`)
      })
    })
}

/** The benchmark problems that were not removed. */
async function standing(corpus: Corpus): Promise<BenchmarkProblem[]> {
  const problems = new Map<string, BenchmarkProblem>()
  for await (const { record } of readTopic(corpus, topics.benchmarks)) {
    const key = topics.benchmarks.keyOf(record)
    if (record.removed) problems.delete(key)
    else problems.set(key, record)
  }
  return [...problems.values()]
}
