/** `wellspring copy` from folder to folder, as a user meets it; test/kafka/copy.test.ts does it with Kafka. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { openEmbeddedLog } from '../../topics/embedded/log.ts'
import { schemaSubjects } from '../../cli/needs.ts'
import { copyCorpus } from '../../engine/copy/copy.ts'
import { topicSpecifications } from '../../topics/catalogue.ts'
import { CorpusWriter, groups } from '../engine/copy/corpus.ts'
import { endAll, expectFailure, jsonLines, newFolder, removeFolders, run, seedLines, topicRows } from './command.ts'

vi.setConfig({ testTimeout: 120_000 })

let cwd: string

beforeEach(() => {
  cwd = newFolder()
})
afterAll(() => {
  endAll()
  removeFolders()
})

const copy = (...more: string[]) => run(['copy', ...more], { cwd })

/** A corpus with records and tasks of every sort. */
async function makeCorpus(name: string): Promise<void> {
  const log = await openEmbeddedLog({ directory: join(cwd, name), mode: 'owner' })
  await new CorpusWriter(log).write()
  await log.close()
}

test('a corpus is copied, checked, and copied again without a change', async () => {
  await makeCorpus('data')
  const ended = await copy('--from', 'data', '--to', 'other')
  expect(ended).toMatchObject({ exitCode: 0, stderr: '' })
  expect(ended.stdout).toMatch(
    /^copied the folder .*data to the folder .*other in \d+s: [\d,]+ records, 24 tasks with \d+ entries of state\n/,
  )
  expect(ended.stdout).toMatch(/^checked: every record, position and entry of state is that of the source$/m)
  expect(ended.stdout).toMatch(
    /^positions of records that retention had taken before: \d+ in discards; their offset is -1 now$/m,
  )
  expect(ended.stdout).toMatch(/^next: npx wellspring up --data other$/m)
  expect(existsSync(join(cwd, 'data', '.copy-state'))).toBe(false)
  const counts = async (data: string): Promise<object[]> =>
    [...(await topicRows(cwd, data)).values()].map(({ name, records, backlog }) => ({ name, records, backlog }))
  expect(await counts('other')).toEqual(await counts('data'))

  const again = await copy('--from', 'data', '--to', 'other', '--json')
  const [first, last] = [jsonLines(again.stdout)[0], jsonLines(again.stdout).at(-1)]
  expect(first).toMatchObject({ event: 'status', phase: 'opening', records: 0 })
  expect(last).toMatchObject({ event: 'end', recordsSince: 0, unknownTopics: [], tasks: 24 })
  expect(last?.['recordsBefore']).toBe(last?.['records'])
})

test('a copy that is not complete is run by nothing, and the same command completes it', async () => {
  await makeCorpus('data')
  const source = await openEmbeddedLog({ directory: join(cwd, 'data'), mode: 'owner' })
  const stop = new AbortController()
  const begun = copyCorpus({
    ...{ source, groups, subjects: schemaSubjects(), from: 'the folder data', signal: stop.signal },
    openTarget: async () => {
      const target = await openEmbeddedLog({ directory: join(cwd, 'other'), mode: 'owner' })
      await target.ensureTopics(topicSpecifications(), groups)
      return target
    },
    onStatus: ({ phase }) => {
      if (phase === 'tasks') stop.abort(new Error('stopped'))
    },
  })
  await expect(begun).rejects.toThrow('stopped')
  await source.close()
  writeFileSync(join(cwd, 'pairs.jsonl'), 'of before\n')
  expectFailure(
    await run(['export', 'pairs', '--data', 'other', '--out', 'pairs.jsonl'], { cwd }),
    78,
    /is not complete: run the same `wellspring copy` again/,
  )
  expect(readFileSync(join(cwd, 'pairs.jsonl'), 'utf8')).toBe('of before\n')
  const up = await run(['up', '--data', 'other', '--problems', '0'], { cwd })
  expect(up.exitCode).toBe(78)
  expect(up.stderr).toMatch(
    /this corpus is a copy of the folder data that is not complete: run the same `wellspring copy` again, which goes on/,
  )
  for (const parts of [
    ['ingest', '-', '--as', 'seeds'],
    ['dead-letters', 'redrive', '--all'],
  ]) {
    const { exitCode, stderr } = await run([...parts, '--data', 'other'], { cwd, input: seedLines(1) })
    expect(stderr).toMatch(/is not complete: run the same `wellspring copy` again/)
    expect(exitCode).toBe(78)
  }
  const { exitCode, stdout } = await copy('--from', 'data', '--to', 'other')
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/ records \([\d,]+ by an earlier run\), 24 tasks/)
})

test('the next command leads to the folder also where variables name brokers', async () => {
  await makeCorpus('data')
  const env = { WELLSPRING_KAFKA: '127.0.0.1:9' }
  const { stdout, exitCode } = await run(['copy', '--from', 'data', '--to', 'other'], { cwd, env })
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/^next: npx wellspring up --data other --no-kafka$/m)
})

test('a folder with records that is no copy, and one of somebody else, are refused', async () => {
  for (const data of ['data', 'other']) {
    const input = seedLines(3)
    expect((await run(['ingest', '-', '--as', 'seeds', '--data', data], { cwd, input })).exitCode).toBe(0)
  }
  expectFailure(
    await copy('--from', 'data', '--to', 'other'),
    78,
    /the target has records in seeds and is no copy: name an empty target; no record was written/,
  )
  mkdirSync(join(cwd, 'thesis'))
  writeFileSync(join(cwd, 'thesis', 'thesis.txt'), 'mine')
  expectFailure(await copy('--from', 'data', '--to', 'thesis'), 74, /holds other things \(thesis\.txt\)/)
})

test('a source that is not there is not made, and one that runs is refused', async () => {
  expectFailure(
    await copy('--from', 'nowhere', '--to', 'other'),
    74,
    /there is no corpus in nowhere: name its folder with --from DIR/,
  )
  expect(existsSync(join(cwd, 'nowhere'))).toBe(false)
  expect(existsSync(join(cwd, 'other'))).toBe(false)
  await makeCorpus('data')
  const log = await openEmbeddedLog({ directory: join(cwd, 'data'), mode: 'owner' })
  try {
    expectFailure(await copy('--from', 'data', '--to', 'other'), 75, /data is in use by process \d+: stop it first/)
  } finally {
    await log.close()
  }
})

test.each([
  [['--from', 'data'], 2, /--to <dir\|kafka> is missing/],
  [['--from', 'kafka', '--to', 'kafka'], 2, /one end of a copy is a folder: copy to a folder first/],
  [['--from', 'data', '--to', './data'], 2, /--from and --to are the same folder/],
  [
    ['--from', 'data', '--to', 'other', '--namespace', 'a'],
    2,
    /--namespace belongs to a corpus on Kafka, and neither end is/,
  ],
  [['--from', 'data', '--to', 'kafka'], 2, /--to kafka: name its brokers with --kafka HOST:PORT/],
  [['--from', 'data', '--to', 'kafka', '--kafka', 'broker'], 2, /--kafka: expected HOST:PORT/],
])('%j ends in %i', async (parts, exitCode, line) => {
  await run(['ingest', '-', '--as', 'seeds', '--data', 'data'], { cwd, input: seedLines(1) })
  const { stderr, ...ended } = await copy(...parts)
  expectFailure({ ...ended, stderr: stderr.split('\n').find((one) => line.test(one)) ?? stderr }, exitCode, line)
})
