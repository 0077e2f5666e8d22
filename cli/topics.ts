/** `wellspring topics` and `wellspring tail`: what lies in the corpus. */
import { Command } from 'commander'
import { groupOf } from '../engine/runtime.ts'
import { processors } from '../processors/index.ts'
import { deadLetters, topicNamed, topics, type Topic } from '../topics/catalogue.ts'
import { dataDirectory } from './configuration.ts'
import { openBeside, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { formatBytes, printable, say, tableLines } from './terminal.ts'

/** Records of each topic that its consumers have not finished, by processor. */
async function backlogs({ log, codec }: Corpus): Promise<Map<string, { processor: string; records: number }[]>> {
  const result = new Map<string, { processor: string; records: number }[]>()
  for (const declaration of processors) {
    const { inputs, tasks } = groupOf(declaration)
    const progress = await log.progress(declaration.name)
    for (const topic of inputs) {
      let records = 0
      for (let task = 0; task < tasks; task++) {
        const { start, end } = await log.offsets(topic, task)
        const value = progress.find((one) => one.task === task)?.value
        if (value) await codec.learn(value)
        const input = value && codec.decode('progress', value).inputs.find((one) => one.topic === topic)
        records += input ? Math.max(0, end - input.nextOffset) + input.unfinished.length : end - start
      }
      result.set(topic, [...(result.get(topic) ?? []), { processor: declaration.name, records }])
    }
  }
  return result
}

export function topicsCommand(): Command {
  return new Command('topics')
    .description('what lies in the corpus: records, bytes, and what its consumers have not finished')
    .option('--data <dir>', 'data folder (default: WELLSPRING_DATA or ./wellspring-data)')
    .option('--json', 'one JSON object a topic')
    .addHelpText('after', '\nExamples:\n  wellspring topics\n  wellspring topics --json | jq -c "{name, records}"')
    .action(async (options: { data?: string; json?: boolean }) => {
      const corpus = await openBeside(dataDirectory(options.data))
      try {
        const waiting = await backlogs(corpus)
        const rows = (await corpus.log.describeTopics()).map((topic) => ({
          name: topic.name,
          retention: topicNamed(topic.name)?.retention ?? 'kept',
          partitions: topic.partitions,
          records: topic.records,
          bytes: topic.bytes,
          backlog: waiting.get(topic.name) ?? [],
        }))
        if (options.json) for (const row of rows) say(JSON.stringify(row))
        else {
          const cells = rows.map(({ name, retention, partitions, records, bytes, backlog }) => [
            name,
            retention,
            partitions,
            records,
            formatBytes(bytes),
            backlog.map((one) => `${one.processor} ${one.records}`).join(', '),
          ])
          for (const line of tableLines(['topic', 'retention', 'partitions', 'records', 'size', 'not finished by'], cells)) say(line)
        }
      } finally {
        await corpus.log.close()
      }
    })
}

export function tailCommand(): Command {
  return new Command('tail')
    .description('write the records of a topic as JSON lines')
    .argument('<topic>', 'its name')
    .option('-n, --last <count>', 'the last records of each partition only', Number)
    .option('-f, --follow', 'go on as records come, until Ctrl-C')
    .option('--data <dir>', 'data folder (default: WELLSPRING_DATA or ./wellspring-data)')
    .addHelpText('after', '\nExamples:\n  wellspring tail outcomes --last 1\n  wellspring tail preference-pairs --follow | jq -r .id\n  wellspring tail discards | jq -r .reason | sort | uniq -c')
    .action(async (name: string, options: { last?: number; follow?: boolean; data?: string }) => {
      const topic = topicNamed(name)
      if (!topic && name !== deadLetters.name) {
        throw new CommandError(exitCodes.usage, `there is no topic "${name}"; there are ${Object.values(topics).map((one) => one.name).join(', ')}, ${deadLetters.name}`)
      }
      if (options.last !== undefined && !(Number.isInteger(options.last) && options.last > 0)) throw new CommandError(exitCodes.usage, '--last: expected a whole number above 0')
      const corpus = await openBeside(dataDirectory(options.data))
      const stop = new AbortController()
      const interrupt = (): void => stop.abort()
      process.once('SIGINT', interrupt)
      try {
        const partitions = topic?.partitions ?? deadLetters.partitions
        await Promise.all(Array.from({ length: partitions }, (_, partition) => tail(corpus, name, topic, partition, options, stop.signal)))
      } finally {
        process.off('SIGINT', interrupt)
        await corpus.log.close()
      }
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
    const { records, nextOffset } = await log.read({ topic: name, partition, offset }, { maxBytes: 1 << 20, maxWaitSeconds: options.follow ? 5 : 0, signal })
    for (const stored of records) {
      if (topic) await codec.learn(stored.value)
      const content = topic ? codec.decode(topic.kind, stored.value) : { headers: stored.headers, value: Buffer.from(stored.value).toString('base64') }
      say(printable(JSON.stringify({ partition, offset: stored.offset, ...content })))
    }
    if (nextOffset === offset && !options.follow) return
    offset = nextOffset
  }
}

