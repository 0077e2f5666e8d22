/** The least rights on Kafka: what each set lets its owner do, and that it is nothing more. */
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { aclCommands, aclSets, type AclEntry, type AclOperation, type AclSet } from '../../cli/acls.ts'
import type { Processor } from '../../engine/processor.ts'
import { processors } from '../../processors/index.ts'
import { topics, topicSpecifications } from '../../topics/catalogue.ts'

const namespace = 'corpus-1'
const sets = new Map(aclSets(namespace).map((one) => [one.name, one]))

function setOf(name: string): AclSet {
  const found = sets.get(name)
  if (!found) throw new Error(`there is no set ${name}`)
  return found
}

/** Topics, without the namespace, with which a set may do something. */
function topicsFor(name: string, operation: AclOperation): string[] {
  return setOf(name)
    .entries.filter(({ resource, operations }) => resource === 'topic' && operations.includes(operation))
    .map((entry) => entry.name.replace(`${namespace}.`, ''))
    .sort()
}

const tools = [
  'ingest',
  'benchmarks',
  'recheck',
  'teachers',
  'models',
  'redrive',
  'budget',
  'metrics',
  'read',
  'copy',
  'list',
  'retention',
  'apply',
]
/** Read by every processor at its start, to see whether the corpus is a simulated one. */
const looked = ['concept-lists', 'rationales', 'verdicts', 'traces']
const named = (record: Record<string, { name: string }>): string[] => Object.values(record).map(({ name }) => name)
const sorted = (names: readonly string[]): string[] => [...new Set(names)].sort()

test('there is a set for each processor and each tool', () => {
  expect([...sets.keys()]).toEqual([...processors.map(({ name }) => name), ...tools])
})

test('everything lies in the namespace', () => {
  for (const { entries } of sets.values())
    for (const { name } of entries) expect(name.startsWith(`${namespace}.`)).toBe(true)
})

describe.each(processors.map((one) => [one.name, one] as const))('%s', (name: string, declaration: Processor) => {
  const changelog = `${name}-changelog`

  test('reads its inputs, its tables, what it reads at positions, versions of its models, its changelog, and what it looks at', () => {
    const { inputs, tables, roles, reads = [] } = declaration
    const tableTopics = Object.values(tables).map(({ topic }) => topic.name)
    expect(topicsFor(name, 'Read')).toEqual(
      sorted([
        ...named(inputs),
        ...tableTopics,
        ...reads.map((topic) => topic.name),
        ...(roles.some((role) => role === 'problem-writer' || role === 'rationale-writer') ? ['models'] : []),
        changelog,
        'copy-changelog',
        ...looked,
      ]),
    )
  })

  test('writes its outputs, its changelog, the ledger, its recipes, its expenses where it has models, and discards and dead letters where it has any', () => {
    const { inputs, outputs, discards, roles } = declaration
    expect(topicsFor(name, 'Write')).toEqual(
      sorted([
        ...named(outputs),
        changelog,
        'ledger',
        'recipes',
        ...(roles.length > 0 ? ['expenses'] : []),
        ...(discards.length > 0 ? ['discards'] : []),
        ...(Object.keys(inputs).length > 0 ? ['dead-letters'] : []),
      ]),
    )
  })

  test('changes nothing else of any topic', () => {
    for (const operation of ['Create', 'Delete', 'AlterConfigs', 'DescribeConfigs'] as const)
      expect(topicsFor(name, operation)).toEqual([])
  })

  test('has a group and transactional ids of its own', () => {
    const others = setOf(name).entries.filter(({ resource }) => resource !== 'topic')
    expect(others).toEqual([
      { resource: 'group', pattern: 'literal', name: `${namespace}.${name}`, operations: ['Read', 'Describe'] },
      {
        resource: 'transactional-id',
        pattern: 'prefixed',
        name: `${namespace}.${name}.`,
        operations: ['Write', 'Describe'],
      },
    ])
  })
})

describe('between the sets', () => {
  const holders = (topic: string, operation: AclOperation): string[] =>
    [...sets.keys()].filter((name) => topicsFor(name, operation).includes(topic))

  test('a changelog is written by its processor, and by copy, alone', () => {
    for (const { name } of processors) expect(holders(`${name}-changelog`, 'Write')).toEqual([name, 'copy'])
  })

  test('whoever reads or writes records sees whether the corpus is a copy that is not complete, which copy alone says', () => {
    const writers = topicSpecifications().flatMap(({ name }) => holders(name, 'Write'))
    expect(sorted(holders('copy-changelog', 'Read'))).toEqual(sorted([...writers, 'read']))
    expect(holders('copy-changelog', 'Write')).toEqual(['copy'])
  })

  test('only ingest, benchmarks, recheck, teachers, models, redrive and budgets append', () => {
    expect(holders('appends', 'Write')).toEqual([
      'ingest',
      'benchmarks',
      'recheck',
      'teachers',
      'models',
      'redrive',
      'budget',
    ])
    const prefixes = setOf('ingest').entries.filter(({ resource }) => resource === 'transactional-id')
    expect(prefixes).toMatchObject([{ name: `${namespace}.appends.`, pattern: 'prefixed' }])
  })

  test('no prefix of transactional ids holds those of another', () => {
    const prefixes = [...sets.values()].flatMap(({ entries }) =>
      entries.flatMap(({ pattern, name }) => (pattern === 'prefixed' ? [name] : [])),
    )
    for (const one of new Set(prefixes))
      expect([...new Set(prefixes)].filter((other) => other.startsWith(one))).toEqual([one])
  })

  test('only apply makes topics and sets what they are, and it reads no record', () => {
    const all = [
      ...topicSpecifications().map(({ name }) => name),
      ...processors.map(({ name }) => `${name}-changelog`),
      'appends',
    ]
    expect(topicsFor('apply', 'Create')).toEqual(sorted(all))
    for (const topic of all) expect(holders(topic, 'Create')).toEqual(['apply'])
    expect([...topicsFor('apply', 'Read'), ...topicsFor('apply', 'Write')]).toEqual([])
  })

  test('only retention forgets records, of transient topics alone', () => {
    const transient = Object.values(topics).filter(({ retention }) => retention === 'transient')
    expect(topicsFor('retention', 'Delete')).toEqual(sorted(transient.map(({ name }) => name)))
    for (const { name } of transient) expect(holders(name, 'Delete')).toEqual(['retention'])
  })

  test('readers write nothing', () => {
    for (const name of ['read', 'list', 'retention']) expect(topicsFor(name, 'Write')).toEqual([])
  })
})

describe('as commands', () => {
  /** What a shell makes of the lines: the arguments of each command. */
  function argumentsOf(lines: readonly string[]): string[][] {
    const script = `kafka-acls.sh() { printf '%s\\0' "$@"; printf '\\n\\0'; }\n${lines.join('\n')}`
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
    expect(stderr).toBe('')
    return stdout
      .split('\n\0')
      .slice(0, -1)
      .map((one) => one.split('\0').slice(0, -1))
  }

  /** The entries that a command's arguments give. */
  function entriesOf(words: readonly string[]): AclEntry[] {
    const values = (flag: string): string[] => words.flatMap((word, at) => (words[at - 1] === flag ? [word] : []))
    const pattern = values('--resource-pattern-type')[0] ?? 'literal'
    return (['topic', 'group', 'transactional-id'] as const).flatMap((resource) =>
      values(`--${resource}`).map((name) => ({
        resource,
        pattern: pattern as AclEntry['pattern'],
        name,
        operations: values('--operation') as AclOperation[],
      })),
    )
  }

  const ordered = (entries: readonly AclEntry[]): string[] => entries.map((entry) => JSON.stringify(entry)).sort()

  test.each([...sets.keys()])('%s: they give every entry once, and nothing else', (name) => {
    const { entries } = setOf(name)
    const commands = argumentsOf(aclCommands(entries, 'User:someone', ['a:1', 'b:2']))
    expect(ordered(commands.flatMap(entriesOf))).toEqual(ordered(entries))
    for (const words of commands) {
      expect(words.slice(0, 5)).toEqual(['--bootstrap-server', 'a:1,b:2', '--add', '--allow-principal', 'User:someone'])
      expect(words.length).toBeGreaterThan(5)
    }
  })

  test('a principal is one word, whatever it holds', () => {
    const principal = "User:CN=it's $(whoami); `id` & *"
    for (const words of argumentsOf(aclCommands(setOf('roll-out').entries, principal, ['a:1'])))
      expect(words[4]).toBe(principal)
  })
})
