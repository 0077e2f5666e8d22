/** `wellspring teach`: problems that were accepted before a teacher was there, put before it. No other model is asked anything. */
import { Command } from 'commander'
import { refuseUnfinishedCopy } from '../engine/copy/copy-progress.ts'
import { hashOf } from '../engine/ids.ts'
import { fromDistances } from '../engine/progress.ts'
import teach, { traceRequestId, traceRequestOf } from '../processors/teach.ts'
import type { TraceRequest } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'
import type { OutgoingRecord } from '../topics/log.ts'
import { partitionOf } from '../topics/partitioner.ts'
import { loadConfiguration, type Configuration } from './configuration.ts'
import { openBeside, readTopic, useCorpus, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { modelsOfRole } from './models.ts'
import { placeOptions, type PlaceFlags } from './place.ts'
import { formatCount, printable, say, sayJson } from './terminal.ts'

interface Options extends PlaceFlags {
  teacher?: string[]
  domain?: string[]
  dryRun?: boolean
  json?: boolean
}

/** Records in one append. */
const batchRecords = 500
const recipe = 'teach-1'

export function teachCommand(): Command {
  return placeOptions(new Command('teach'))
    .option('--teacher <model...>', 'as its endpoint knows it (default: all models of the role teacher)')
    .option('--domain <name...>', 'problems of these domains alone')
    .option('--dry-run', 'only tell how many problems would be asked for')
    .option('--json', 'one JSON object a teacher')
    .addHelpText(
      'after',
      `
Asks for one trace of each accepted problem that the teacher has not been asked for. The processors teach and build-sft make training rows of
them, now in a running \`wellspring up\` or when they run next. No other teacher, solver, voter or judge is called. The same command again asks
for nothing twice. Problems that were retracted are left out. The teacher is one of the role teacher in the configuration file, or of the endpoint
in OPENAI_BASE_URL. Processes that run must know it, too: they end (78) at a request for one that they do not know, unless run.retiredModels
names it.

Examples:
  wellspring teach --teacher gpt-oss-120b && wellspring run teach build-sft
  wellspring teach --dry-run
  wellspring export sft --teacher gpt-oss-120b --out sft/`,
    )
    .action(async ({ teacher, domain, dryRun = false, json = false, ...flags }: Options) => {
      const configuration = loadConfiguration(flags)
      const teachers = await teachersOf(configuration, teacher)
      await useCorpus(configuration.place, openBeside, async (corpus) => {
        if (!dryRun) await refuseUnfinishedCopy(corpus.log)
        for (const report of await askFor(corpus, teachers, { domains: domain, dryRun })) {
          if (json) sayJson({ ...report, dryRun })
          else say(printable(lineOf(report, dryRun)))
        }
      })
    })
}

/**
 * A request for a model that nobody serves would end every process that comes to it, so that only known ones are taken.
 * @throws CommandError where there is none, or one that is named is none
 */
async function teachersOf(configuration: Configuration, named: readonly string[] | undefined): Promise<string[]> {
  const served = await modelsOfRole(configuration, 'teacher', new AbortController().signal)
  const whose = 'of the role teacher in the configuration file, or of the endpoint in OPENAI_BASE_URL'
  if (served === undefined || served.length === 0) {
    const missing = served === undefined ? 'neither is given' : 'there is none'
    throw new CommandError(
      exitCodes.usage,
      `--teacher: expected a model ${whose}, and ${missing}; add the teacher first`,
    )
  }
  const unknown = named?.find((name) => !served.includes(name))
  if (unknown === undefined) return [...new Set(named ?? served)]
  throw new CommandError(
    exitCodes.usage,
    `--teacher: expected a model ${whose} (${served.join(', ')}), got "${unknown}"; add it there first`,
  )
}

/** What became of the problems for one teacher. */
interface Report {
  teacher: string
  asked: number
  known: number
  retracted: number
}

async function askFor(
  corpus: Corpus,
  teachers: readonly string[],
  { domains, dryRun }: { domains: readonly string[] | undefined; dryRun: boolean },
): Promise<Report[]> {
  const { accepted, asked } = await acceptedProblems(corpus)
  const retracted = new Set<string>()
  for await (const { record } of readTopic(corpus, topics.retractions)) retracted.add(record.problemId)
  const { name, kind, keyOf, partitions } = topics.traceRequests
  await corpus.codec.prepare(name, kind)
  const reports = teachers.map((teacher): Report => ({ teacher, asked: 0, known: 0, retracted: 0 }))
  let batch: (OutgoingRecord & { id: string })[] = []
  const flush = async (): Promise<void> => {
    if (batch.length > 0 && !dryRun) {
      const records = batch.map(({ id: _, ...record }) => record)
      await corpus.log.append(records, `teach/${hashOf(batch.map(({ id }) => id))}`)
    }
    batch = []
  }
  for await (const { record: problem } of readTopic(corpus, topics.problems)) {
    if (!accepted.has(problem.id) || (domains && !domains.includes(problem.domain))) continue
    for (const report of reports) {
      const draft = traceRequestOf(problem, report.teacher)
      if (retracted.has(problem.id)) report.retracted++
      else if (asked.has(draft.id)) report.known++
      else {
        report.asked++
        const record: TraceRequest = { ...draft, recipe, createdAtMs: Date.now(), simulated: problem.simulated }
        const key = keyOf(record)
        const value = corpus.codec.encode(name, kind, record)
        batch.push({ id: draft.id, topic: name, partition: partitionOf(key, partitions), key, value })
      }
    }
    if (batch.length >= batchRecords) await flush()
  }
  await flush()
  return reports
}

/**
 * Problems that were accepted, and the ids of all requests that were made. Accepted problems themselves are not kept for long: what came of
 * them tells. One that lies still before teach is left to teach, which asks all of its teachers.
 */
async function acceptedProblems(corpus: Corpus): Promise<{ accepted: Set<string>; asked: Set<string> }> {
  // Read first: whatever teach is past by now, its requests are read below.
  const isBefore = await stillBefore(corpus)
  const accepted = new Set<string>()
  const asked = new Set<string>()
  for await (const { record } of readTopic(corpus, topics.testCases)) accepted.add(record.problemId)
  for await (const { record } of readTopic(corpus, topics.traceRequests)) asked.add(record.id)
  for await (const { record } of readTopic(corpus, topics.traces)) {
    accepted.add(record.problemId)
    asked.add(traceRequestId(record.problemId, record.teacher))
  }
  for await (const { record } of readTopic(corpus, topics.discards)) {
    if (record.topic === topics.acceptedProblems.name) accepted.add(record.recordId)
    if (record.topic === topics.traceRequests.name) asked.add(record.recordId)
  }
  for await (const { record, stored } of readTopic(corpus, topics.acceptedProblems)) {
    if (isBefore(stored)) accepted.delete(record.id)
    else accepted.add(record.id)
  }
  return { accepted, asked }
}

/** Whether teach has yet to finish an accepted problem, by its progress as it is now. */
async function stillBefore(corpus: Corpus): Promise<(at: { partition: number; offset: number }) => boolean> {
  const finished = new Map<number, { nextOffset: number; unfinished: Set<number> }>()
  for (const { task, value } of await corpus.log.progress(teach.name)) {
    await corpus.codec.learn(value)
    const { inputs } = corpus.codec.decode('progress', value)
    const own = inputs.find(({ topic }) => topic === topics.acceptedProblems.name)
    if (own) finished.set(task, { nextOffset: own.nextOffset, unfinished: new Set(fromDistances(own.unfinished)) })
  }
  return ({ partition, offset }) => {
    const own = finished.get(partition)
    return own === undefined || offset >= own.nextOffset || own.unfinished.has(offset)
  }
}

function lineOf({ teacher, asked, known, retracted }: Report, dryRun: boolean): string {
  const parts = [
    `${formatCount(asked)} problems ${dryRun ? 'would be ' : ''}asked for`,
    `${formatCount(known)} known already`,
    ...(retracted > 0 ? [`${formatCount(retracted)} left out that were retracted`] : []),
  ]
  return `${teacher}: ${parts.join(', ')}`
}
