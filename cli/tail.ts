/** `wellspring tail`: the records of a topic as they lie in the corpus. */
import { setMaxListeners } from 'node:events'
import { Command } from 'commander'
import { deadLetters, topicNamed, topics, type Topic } from '../topics/catalogue.ts'
import { decoded, openBeside, useCorpus, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { placeOf, placeOptions, type PlaceFlags } from './place.ts'
import { sayJson } from './terminal.ts'

export function tailCommand(): Command {
  return placeOptions(new Command('tail').argument('<topic>', 'its name'))
    .option('-n, --last <count>', 'the last records of each partition only', Number)
    .option('-f, --follow', 'go on as records come, until Ctrl-C')
    .addHelpText(
      'after',
      '\nExamples:\n  wellspring tail outcomes --last 1\n  wellspring tail preference-pairs --follow | jq -r .id\n  wellspring tail discards | jq -r .reason | sort | uniq -c',
    )
    .action(async (name: string, options: PlaceFlags & { last?: number; follow?: boolean }) => {
      const topic = topicNamed(name)
      if (!topic && name !== deadLetters.name) {
        throw new CommandError(
          exitCodes.usage,
          `there is no topic "${name}"; there are ${Object.values(topics)
            .map((one) => one.name)
            .join(', ')}, ${deadLetters.name}`,
        )
      }
      if (options.last !== undefined && !(Number.isInteger(options.last) && options.last > 0))
        throw new CommandError(exitCodes.usage, '--last: expected a whole number above 0')
      await useCorpus(await placeOf(options), openBeside, async (corpus) => {
        const stop = new AbortController()
        const interrupt = (): void => stop.abort()
        process.once('SIGINT', interrupt)
        try {
          const partitions = topic?.partitions ?? deadLetters.partitions
          setMaxListeners(0, stop.signal) // every partition listens
          await Promise.all(
            Array.from({ length: partitions }, (_, partition) =>
              tail(corpus, name, topic, partition, options, stop.signal),
            ),
          )
        } finally {
          process.off('SIGINT', interrupt)
        }
      })
    })
}

async function tail(
  { log, codec }: Corpus,
  name: string,
  topic: Topic | undefined,
  partition: number,
  options: { last?: number; follow?: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { start, end } = await log.offsets(name, partition)
  let offset = options.last === undefined ? start : Math.max(start, end - options.last)
  while (!signal.aborted && (options.follow || offset < end)) {
    const { records, nextOffset } = await log.read(
      { topic: name, partition, offset },
      { maxBytes: 1 << 20, maxWaitSeconds: options.follow ? 5 : 0, signal },
    )
    for (const stored of records) {
      const record = topic && (await decoded(codec, topic, stored))
      // A dead letter, or what is no record of its topic, is shown as its bytes.
      const content = record ?? { headers: stored.headers, value: Buffer.from(stored.value).toString('base64') }
      sayJson({ partition, offset: stored.offset, ...content })
    }
    if (nextOffset === offset && !options.follow) return
    offset = nextOffset
  }
}
