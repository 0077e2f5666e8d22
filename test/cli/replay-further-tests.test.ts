/** A corpus with a weak suite: `up` has further tests written and run; a replay counts those that are stored, and asks no model. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Outcome, RecordTypes, TestResult, TestRuns } from '../../schemas/generated.ts'
import { topics, topicSpecifications, type RecordKind, type Topic } from '../../topics/catalogue.ts'
import { RecordCodec } from '../../topics/codec.ts'
import { openEmbeddedLog } from '../../topics/embedded/log.ts'
import { partitionOf } from '../../topics/partitioner.ts'
import * as make from '../processors/records.ts'
import { endAll, jsonLines, newFolder, recordsIn, removeFolders, run, start } from './command.ts'

const cwd = newFolder()
const common = { domain: 'code', simulated: true }
const result = (verdict: TestResult['verdict'], outputDigest: string): TestResult => ({
  ...{ verdict, reason: verdict, seconds: 0, memoryMb: 0, outputDigest },
})

/** Two programs that pass the tests there are: one adds, the other takes the smaller number for 2 at most. */
const texts = ['a + b', 'min(a, 2) + b'].map(
  (sum) => `\`\`\`python\na, b = map(int, input().split())\nprint(${sum})\n\`\`\`\n`,
)

/** Writes a problem with its attempts, and the runs of further tests where there are any. */
async function write(folder: string, hasRuns: boolean): Promise<void> {
  const log = await openEmbeddedLog({ directory: join(cwd, folder), mode: 'owner' })
  const codec = new RecordCodec(log.schemas)
  await log.ensureTopics(topicSpecifications(), [])
  const put = async <Kind extends RecordKind>(topic: Topic<Kind>, records: RecordTypes[Kind][]): Promise<void> => {
    await codec.prepare(topic.name, topic.kind)
    const outputs = records.map((record) => {
      const key = topic.keyOf(record)
      const partition = partitionOf(key, topic.partitions)
      return { topic: topic.name, partition, key, value: codec.encode(topic.name, topic.kind, record) }
    })
    await log.append(outputs, topic.name)
  }
  await put(topics.testCases, [make.testCases({ ...common, checks: make.programChecks })])
  // Two programs that pass and disagree on a probe; all others fail.
  const passed = { verdict: 'passed', reason: 'passed', tests: [result('passed', 'x'), result('passed', 'y')] } as const
  const failed = { verdict: 'failed', reason: 'wrong_answer', tests: [result('failed', 'z')] } as const
  await put(
    topics.verdicts,
    Array.from({ length: 8 }, (_, attempt) =>
      make.verdict({
        ...{
          ...common,
          id: `verdict-${attempt}`,
          solver: 'sim-solver',
          attempt,
          valid: true,
          text: texts[attempt] ?? 'No idea.',
        },
        ...(attempt < 2
          ? { ...passed, tests: [...passed.tests], probes: [`${attempt}`] }
          : { ...failed, tests: [...failed.tests], probes: [] }),
      }),
    ),
  )
  const programs = [
    { verdictId: 'verdict-0', tests: [result('passed', 'x')] },
    { verdictId: 'verdict-1', tests: [result('failed', 'y')] },
  ]
  if (hasRuns) await put(topics.testRuns, [make.testRuns({ ...common, programs })])
  await log.close()
}

beforeAll(async () => {
  await write('corpus', true)
})
afterAll(() => {
  endAll()
  removeFolders()
})

async function replayed(
  into: string,
  settings: readonly string[],
): Promise<{ open: number | undefined; outcomes: Outcome[] }> {
  const set = settings.length === 0 ? [] : ['--set', ...settings]
  const ended = await run(['replay', ...set, '--into', into, '--json', '--data', 'corpus'], { cwd })
  expect(ended.exitCode, ended.stderr).toBe(0)
  const { stillOpen } = jsonLines<{ stillOpen?: number }>(ended.stdout).at(-1) ?? {}
  return {
    open: stillOpen,
    outcomes: jsonLines<Outcome>((await run(['tail', 'outcomes', '--data', into], { cwd })).stdout),
  }
}

test('counts the further tests that are stored', async () => {
  const { open, outcomes } = await replayed('again', [])
  expect(open).toBe(0)
  expect(outcomes).toMatchObject([
    {
      ...{ parentIds: ['test-cases-1', 'test-runs-1'], result: 'kept', attempted: 8, passed: 1, behaviours: [1, 1] },
      addedTests: [{ test: 0, setAside: '', passed: 1, of: 2 }],
    },
  ])
})

test('leaves them out, and nothing open, where none are asked for', async () => {
  const { open, outcomes } = await replayed('without', ['plan-rollouts.testsForWeakSuites=0'])
  expect(open).toBe(0)
  expect(outcomes).toMatchObject([
    { parentIds: ['test-cases-1'], result: 'kept', attempted: 8, passed: 2, addedTests: [] },
  ])
})

test('gets them from the stream where none are stored, and its problem is closed', async () => {
  await write('weak', false)
  const stream = start(['up', '--data', 'weak', '--json', '--set', 'simulator.speed=5000'], { cwd })
  while ((await recordsIn(cwd, 'outcomes', 'weak')) === 0);
  stream.process.kill('SIGINT')
  expect((await stream.ended).exitCode).toBe(130)
  const counts = ['test-requests', 'further-tests', 'test-runs', 'outcomes'].map((topic) =>
    recordsIn(cwd, topic, 'weak'),
  )
  expect(await Promise.all(counts)).toEqual([1, 1, 1, 1])
  const [runs] = jsonLines<TestRuns>((await run(['tail', 'test-runs', '--data', 'weak'], { cwd })).stdout)
  expect(runs?.tests.length).toBeGreaterThan(0)
  expect(runs?.programs.map(({ verdictId, tests }) => [verdictId, tests.length])).toEqual([
    ['verdict-0', runs?.tests.length],
    ['verdict-1', runs?.tests.length],
  ])
  const outcomes = jsonLines<Outcome>((await run(['tail', 'outcomes', '--data', 'weak'], { cwd })).stdout)
  expect(outcomes).toMatchObject([{ parentIds: ['test-cases-1', runs?.id], attempted: 8, behaviours: [1, 1] }])
  expect(outcomes[0]?.addedTests.map(({ of }) => of)).toEqual(runs?.tests.map(() => 2))
}, 120_000)
