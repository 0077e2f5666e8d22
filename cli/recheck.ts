/** `wellspring recheck`: accepted problems against the benchmarks as they are now. */
import { Command } from 'commander'
import { overlapText } from '../curation/decontamination.ts'
import { refuseUnfinishedCopy } from '../engine/copy/copy-progress.ts'
import { hashOf, recordId } from '../engine/ids.ts'
import { benchmarks, decontaminationRule, decontaminationSettings } from '../processors/screen-problem.ts'
import type { Retraction } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'
import { chooseProcessors, loadConfiguration } from './configuration.ts'
import { openBeside, readTopic, useCorpus, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { placeOptions, type PlaceFlags } from './place.ts'
import { note, oneLine, printable, say, sayJson } from './terminal.ts'

interface Options extends PlaceFlags {
  set?: string[]
  dryRun?: boolean
  json?: boolean
}

type Rule = NonNullable<ReturnType<typeof decontaminationRule>>

/** Retractions in one append. */
const batchRecords = 500
const recipe = 'recheck-1'
const tellSeconds = 5

export function recheckCommand(): Command {
  return placeOptions(new Command('recheck'))
    .description('retract accepted problems that overlap with a benchmark that was added after them')
    .option('--dry-run', 'only tell what would be retracted')
    .option('--set <setting=value...>', 'a setting of screen-problem, such as screen-problem.commonShare=0.7')
    .option('--json', 'one JSON object a retraction, and one with the counts')
    .addHelpText(
      'after',
      `
Compares every problem that was not discarded with all benchmarks, by the rule of screen-problem. A retraction says what was hit and by which
words. Nothing is deleted: exports and trainers leave out all that was made of a retracted problem. A second run finds nothing new. It
works beside a running \`wellspring up\`.

Examples:
  wellspring benchmarks add new-benchmark.jsonl && wellspring recheck --dry-run
  wellspring recheck --json | jq -r .evidence`,
    )
    .action(async ({ dryRun = false, json = false, ...flags }: Options) => {
      const configuration = loadConfiguration(flags)
      const [screen] = chooseProcessors(configuration, ['screen-problem'])
      const rule = decontaminationRule(screen?.config as Parameters<typeof decontaminationRule>[0])
      if (!rule)
        throw new CommandError(
          exitCodes.configuration,
          `screen-problem.decontamination is off: nothing would be compared; set it to ${decontaminationSettings.decontamination.choices.slice(0, 2).join(' or ')}`,
        )
      await useCorpus(configuration.place, openBeside, async (corpus) => {
        if (!dryRun) await refuseUnfinishedCopy(corpus.log)
        await recheck(corpus, rule, { dryRun, json })
      })
    })
}

async function recheck(
  corpus: Corpus,
  rule: Rule,
  { dryRun, json }: { dryRun: boolean; json: boolean },
): Promise<void> {
  const index = benchmarks.create()
  for await (const { record } of readTopic(corpus, topics.benchmarks)) benchmarks.add(index, record)
  if (index.size === 0)
    throw new CommandError(
      exitCodes.badInput,
      'there are no benchmarks; add some with `wellspring benchmarks add FILE`',
    )
  const passedOver = await leftOut(corpus)
  const { name, kind, keyOf } = topics.retractions
  await corpus.codec.prepare(name, kind)
  let batch: Retraction[] = []
  let compared = 0
  let retracted = 0
  const flush = async (): Promise<void> => {
    if (batch.length > 0 && !dryRun) {
      const records = batch.map((record) => ({
        ...{ topic: name, partition: 0, key: keyOf(record) },
        value: corpus.codec.encode(name, kind, record),
      }))
      await corpus.log.append(records, `recheck/${hashOf(batch.map(({ id }) => id))}`)
    }
    batch = []
  }
  let toldAtMs = performance.now()
  for await (const { record: problem } of readTopic(corpus, topics.problems)) {
    if (performance.now() - toldAtMs > tellSeconds * 1000) {
      toldAtMs = performance.now()
      note(`${compared} problems compared, ${retracted} overlap`)
    }
    if (passedOver.has(problem.id)) continue
    compared++
    const overlap = index.overlapOf(problem.statement, rule)
    if (!overlap) continue
    retracted++
    const { benchmark, sourceId } = overlap
    const retraction: Retraction = {
      id: recordId('retraction', [problem.id], `${recipe}/${benchmark}`, sourceId),
      parentIds: [problem.id],
      domain: problem.domain,
      recipe,
      createdAtMs: Date.now(),
      simulated: problem.simulated,
      problemId: problem.id,
      reason: 'benchmark-overlap',
      evidence: oneLine(overlapText(overlap), 500),
      by: 'recheck',
    }
    if (json) sayJson(retraction)
    else say(printable(`${problem.id}  ${retraction.evidence}`))
    batch.push(retraction)
    if (batch.length >= batchRecords) await flush()
  }
  await flush()
  const what = dryRun ? 'would be retracted' : 'retracted'
  if (json) sayJson({ compared, retracted, dryRun, benchmarkProblems: index.size })
  else say(`${compared} problems compared with ${index.size} of benchmarks: ${retracted} ${what}`)
}

/** Problems that need no comparison: screened out, or retracted before. */
async function leftOut(corpus: Corpus): Promise<Set<string>> {
  const ids = new Set<string>()
  for await (const { record } of readTopic(corpus, topics.discards))
    if (record.processor === 'screen-problem') ids.add(record.recordId)
  for await (const { record } of readTopic(corpus, topics.retractions)) ids.add(record.problemId)
  return ids
}
