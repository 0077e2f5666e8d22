/** processors/README.md: the stream as a picture and a table, from the declarations alone. */
import type { Processor } from '../engine/processor.ts'
import { deadLetters, topics, type Topic } from '../topics/catalogue.ts'

/** The page about these processors, in the order in which they are given. */
export function streamPage(processors: readonly Processor[]): string {
  return [
    '# The stream',
    '',
    '<!-- Written by `npm run generate` from the declarations in this folder. Do not edit. -->',
    '',
    'One file each; its header says what a record costs and what a replay does. A solid arrow is a topic that a processor',
    'consumes or produces; a dotted one is read as a whole (a table) or at single positions.',
    '',
    '```mermaid',
    ...picture(processors),
    '```',
    '',
    `Any processor may also write to \`${topics.discards.name}\` (a decision by one of the rules below, with its evidence) and to`,
    `\`${deadLetters.name}\` (a record that could not be processed). Settings: [docs/settings.md](../docs/settings.md).`,
    '',
    ...table(processors),
    '',
    '## Topics',
    '',
    ...topicTable(processors),
    '',
  ].join('\n')
}

function picture(processors: readonly Processor[]): string[] {
  const lines = ['flowchart LR']
  const drawn = new Set(processors.flatMap((one) => [...consumed(one), ...produced(one), ...lookedUp(one)]))
  for (const topic of Object.values<Topic>(topics).filter(({ name }) => drawn.has(name)))
    lines.push(`  ${topicNode(topic.name)}${topic.retention === 'table' ? `[(${topic.name})]` : `([${topic.name}])`}`)
  for (const processor of processors) {
    lines.push(`  ${processor.name}["${processor.name}"]`)
    for (const topic of consumed(processor)) lines.push(`  ${topicNode(topic)} --> ${processor.name}`)
    for (const topic of lookedUp(processor)) lines.push(`  ${topicNode(topic)} -.-> ${processor.name}`)
    for (const topic of produced(processor)) lines.push(`  ${processor.name} --> ${topicNode(topic)}`)
  }
  return lines
}

/** Apart from the processors' own names; `teach` could be a topic's name one day. */
function topicNode(topic: string): string {
  return `topic-${topic}`
}

function table(processors: readonly Processor[]): string[] {
  return markdownTable(
    ['processor', 'consumes', 'produces', 'reads', 'roles', 'settings', 'discards', 'what it does'],
    processors.map((processor) => [
      `[${processor.name}](${processor.name}.ts)`,
      code(consumed(processor)),
      code(produced(processor)),
      code(lookedUp(processor)),
      processor.roles.join(', '),
      code(Object.keys(processor.settings)),
      code(processor.discards),
      processor.summary,
    ]),
  )
}

function topicTable(processors: readonly Processor[]): string[] {
  const users = (uses: (processor: Processor) => string[], topic: string): string =>
    processors
      .filter((processor) => uses(processor).includes(topic))
      .map(({ name }) => name)
      .join(', ')
  return markdownTable(
    ['topic', 'record', 'key', 'partitions', 'retention', 'written by', 'read by'],
    Object.values<Topic>(topics).map(({ name, kind, key, partitions, retention }) => [
      code([name]),
      `[${kind}](../schemas/${kind}.avsc)`,
      key,
      String(partitions),
      retention,
      users(produced, name),
      users((processor) => [...consumed(processor), ...lookedUp(processor)], name),
    ]),
  )
}

function consumed({ inputs }: Processor): string[] {
  return Object.values(inputs).map(({ name }) => name)
}

function produced({ outputs }: Processor): string[] {
  return Object.values(outputs).map(({ name }) => name)
}

function lookedUp({ tables, reads = [] }: Processor): string[] {
  return [...Object.values(tables).map(({ topic }) => topic), ...reads].map(({ name }) => name)
}

function code(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ')
}

/** A table whose cells hold no line breaks; bars in them are escaped. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}
