/** `npm start`: the demo. Always the simulated endpoint, always its own data folder, ends by itself. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { emittedBy } from '../engine/counts.ts'
import { topics } from '../topics/catalogue.ts'
import { chooseProcessors, loadConfiguration } from './configuration.ts'
import { ledgerEntries, openCorpus, readTopic, useCorpus, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { ingestFiles } from './ingest.ts'
import { placeOf } from './place.ts'
import { runStream } from './stream.ts'
import { say } from './terminal.ts'
import { endLines } from './up.ts'

const directory = 'demo-data'
const problems = 150
/** What goes on with it. */
const again = 'npx wellspring demo'

/** examples/ beside the package, from dist/cli/ or cli/. */
function examplesFile(): string {
  const here = fileURLToPath(new URL('.', import.meta.url))
  const found = ['../examples', '../../examples']
    .map((up) => join(here, up, 'seeds.jsonl'))
    .find((file) => existsSync(file))
  if (found === undefined)
    throw new CommandError(
      exitCodes.ioError,
      'examples/seeds.jsonl is missing from this installation; run the demo in a clone of the project',
    )
  return found
}

export function demoCommand(): Command {
  return new Command('demo').addHelpText('after', '\nExample:\n  npm start').action(async () => {
    const seeds = examplesFile()
    const set = [
      `sample-concepts.problems=${problems}`,
      'simulator.speed=40',
      `simulator.knows=${seeds}`,
      'run.allowSelfVote=false',
    ]
    const configuration = loadConfiguration({ set, file: false, data: directory, kafka: false })
    // Whatever the file says of Kafka, the commands that are named at the end lead to the demo's folder.
    const { flags } = await placeOf({ data: directory, kafka: false }).catch(() => configuration.place)
    const chosen = chooseProcessors(configuration, [])
    await useCorpus(configuration.place, openCorpus, async (corpus) => {
      const before = emittedBy(await ledgerEntries(corpus), 'generate-problem', topics.problems)
      for (const sort of ['seeds', 'problems'] as const) await ingestFiles(corpus, [seeds], sort)
      say(
        `Wellspring demo: grows ${problems} problems out of the human ones in examples/seeds.jsonl, into ${directory}/, on a simulated endpoint. Ctrl-C is safe; \`${again}\` goes on.`,
      )
      const end = await runStream({
        corpus,
        configuration,
        alwaysSimulated: true,
        chosen,
        untilComplete: true,
        forSeconds: undefined,
        json: false,
      })
      if (before >= problems) say(`the demo was complete already; remove ${directory}/ to run it afresh`)
      for (const line of endLines(end, flags, again)) say(line)
      if (end.how === 'interrupted')
        say(`the demo is not complete: \`${again}\` goes on where it stopped; remove ${directory}/ to run it afresh`)
      const pair = await anyPair(corpus)
      if (pair !== undefined) say(`      npx wellspring explain ${pair} ${flags.trim()}`)
      say('      npx wellspring up --help      (your own endpoint, your own problems)')
      process.exitCode = end.exitCode
    })
  })
}

async function anyPair(corpus: Corpus): Promise<string | undefined> {
  for await (const { record } of readTopic(corpus, topics.preferencePairs))
    if (record.origin === 'synthetic') return record.id
  return undefined
}
