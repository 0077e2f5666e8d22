/** `wellspring replay`: a corpus under other rules, from stored records, without a model call. */
import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { refuseUnfinishedCopy } from '../../engine/copy/copy-progress.ts'
import { replayedFrom, storedTopics } from '../../engine/replay/replayed.ts'
import type { ConfiguredProcessor } from '../../engine/runtime.ts'
import { processors } from '../../processors/index.ts'
import { topicNamed, topics, type Topic } from '../../topics/catalogue.ts'
import { loadConfiguration, type Configuration } from '../configuration.ts'
import { openBeside, useCorpus } from '../corpus.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { placeOptions, type PlaceFlags } from '../place.ts'
import { printable, say, sayJson, tableLines } from '../terminal.ts'
import { refuseOther, type ReplayNote } from './folder.ts'
import { outcomesOf, sweepRow, tellReport } from './report.ts'
import { endsOf, replay } from './run.ts'

interface Options extends PlaceFlags {
  from: string
  into?: string
  set?: string[]
  sweep?: string
  json?: boolean
}

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
        const common = {
          corpus,
          snapshot: await endsOf(corpus.log, storedTopics(replayed)),
          before: await outcomesOf(corpus),
        }
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
            const report = await replay(common, directory, made, chosen, json && value === undefined)
            if (value === undefined) tellReport(report, directory, json)
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
