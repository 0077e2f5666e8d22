/** `wellspring topics`: what lies in the corpus. */
import { Command } from 'commander'
import { groupOf } from '../engine/runtime.ts'
import { processors } from '../processors/index.ts'
import { topicNamed } from '../topics/catalogue.ts'
import { dataDirectory, openBeside, type Corpus } from './corpus.ts'
import { formatBytes, say, sayJson, tableLines } from './terminal.ts'

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
        if (options.json) for (const row of rows) sayJson(row)
        else {
          const cells = rows.map(({ name, retention, partitions, records, bytes, backlog }) => [
            name,
            retention,
            partitions,
            records,
            formatBytes(bytes),
            backlog.map((one) => `${one.processor} ${one.records}`).join(', '),
          ])
          for (const line of tableLines(
            ['topic', 'retention', 'partitions', 'records', 'size', 'not finished by'],
            cells,
          ))
            say(line)
        }
      } finally {
        await corpus.log.close()
      }
    })
}
