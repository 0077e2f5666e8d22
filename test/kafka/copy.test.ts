/** Moving a corpus to Kafka and back: the engine's copy on hand-made corpora that name positions in every way, then the command on a real one. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import type { CopyReport, CopyStatus } from '../../engine/copy/copy.ts'
import { copyGroup, parseProgress, type CopyProgress } from '../../engine/copy/copy-progress.ts'
import { parseKeptCallKey } from '../../engine/copy/positions.ts'
import { openEmbeddedLog } from '../../topics/embedded/log.ts'
import { openKafkaLog, type KafkaLogOptions } from '../../topics/kafka/log.ts'
import { APPEND_PARTITIONS } from '../../topics/kafka/names.ts'
import type { TransactionStep } from '../../topics/kafka/transactions.ts'
import type { Log } from '../../topics/log.ts'
import { murmur2 } from '../../topics/partitioner.ts'
import { RecordCodec } from '../../topics/codec.ts'
import { topicNamed, topics } from '../../topics/catalogue.ts'
import {
  endAll,
  expectFailure,
  jsonLines,
  newFolder,
  removeFolders,
  run,
  seedLines,
  start,
  startProgram,
  type Ended,
  type Running,
} from '../cli/command.ts'
import { contentOf, CorpusWriter, groupNamed, groups, readPartition, withTasks } from '../engine/copy/corpus.ts'
import { KafkaPlace } from './place.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })

const child = fileURLToPath(new URL('copy-child.mjs', import.meta.url))
const killer = new URL('kill-at-output.mjs', import.meta.url).href
const places: KafkaPlace[] = []
let cwd: string

beforeEach(() => {
  cwd = newFolder()
})
afterEach(async () => {
  for (const place of places.splice(0)) await place.remove()
})
afterAll(() => {
  endAll()
  removeFolders()
})

async function newPlace(): Promise<KafkaPlace> {
  const place = await KafkaPlace.create()
  places.push(place)
  return place
}

/** An end of a copy, as the child opens it. */
type End = { kind: 'embedded'; directory: string } | ({ kind: 'kafka' } & KafkaLogOptions)

const folder = (name: string): End => ({ kind: 'embedded', directory: join(cwd, name) })
/** Local copies of state are left out: what is read is what Kafka has. */
const onKafka = (place: KafkaPlace): Extract<End, { kind: 'kafka' }> => {
  const { stateDirectory: _, ...options } = place.options()
  return { kind: 'kafka', ...options }
}

async function using<Result>(end: End, work: (log: Log) => Promise<Result>): Promise<Result> {
  const log = end.kind === 'embedded' ? await openEmbeddedLog({ ...end, mode: 'owner' }) : await openKafkaLog(end)
  try {
    return await work(log)
  } finally {
    await log.close()
  }
}

interface KillAt {
  phase: 'records' | 'tasks' | 'check'
  count: number
}

/** Copies in a process of its own, which may be killed on its way. @returns its report where it came to its end */
async function copy(source: End, target: End, killAt?: KillAt): Promise<CopyReport | undefined> {
  const parts = [child, JSON.stringify({ source, target, ...(killAt && { killAt }) })]
  const running = startProgram(process.execPath, parts, { cwd, input: '' })
  const killed = new Promise<boolean>((resolve) =>
    running.process.once('exit', (_, signal) => resolve(signal === 'SIGKILL')),
  )
  const ended = await running.ended
  if (killAt && (await killed)) return undefined
  expect(ended).toMatchObject({ exitCode: 0, stderr: '' })
  return JSON.parse(ended.stdout) as CopyReport
}

describe('a corpus moved from a folder to Kafka and back', () => {
  it('is the same on both, whatever kill -9 does on the way', async () => {
    const [a, k, b] = [folder('a'), onKafka(await newPlace()), folder('b')]
    await using(a, (log) => new CorpusWriter(log).write())
    const content = await using(a, contentOf)
    const kills: KillAt[] = [
      { phase: 'records', count: 2 },
      { phase: 'records', count: 3 },
      { phase: 'records', count: 7 },
      { phase: 'tasks', count: 5 },
      { phase: 'check', count: 3 },
    ]
    for (const [source, target] of [
      [a, k],
      [k, b],
    ] as const) {
      for (const killAt of kills) expect(await copy(source, target, killAt), JSON.stringify(killAt)).toBeUndefined()
      expect(await copy(source, target)).toMatchObject({ recordsSince: 0, tasks: 24 })
      expect(await using(target, contentOf)).toEqual(content)
    }
  })

  it('was written on Kafka, whose offsets have holes, and is the same in a folder and on Kafka again', async () => {
    const [first, second] = [onKafka(await newPlace()), onKafka(await newPlace())]
    await using(first, (log) => new CorpusWriter(log).write())
    const content = await using(first, contentOf)
    const offsets = await using(first, async (log) =>
      (
        await Promise.all(
          [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((at) => readPartition(log, topics.verdicts.name, at)),
        )
      )
        .filter((records) => records.length > 1)
        .map((records) => records.map(({ offset }) => offset)),
    )
    const haveHoles = offsets.every((all) => (all.at(-1) ?? 0) - (all[0] ?? 0) >= all.length)
    expect(haveHoles, 'no offsets of Kafka have holes').toBe(true)
    await copy(first, folder('b'))
    expect(await using(folder('b'), contentOf)).toEqual(content)
    await copy(folder('b'), second)
    expect(await using(second, contentOf)).toEqual(content)
  })
})

describe('a corpus on Kafka on which processes were killed inside a commit and inside an append', () => {
  /** Which transactional id an append has. */
  const lineOf = (appendId: string): number => (murmur2(Buffer.from(appendId)) & 0x7fffffff) % APPEND_PARTITIONS

  it('goes over with all that others have committed behind them', async () => {
    const place = await newPlace()
    const source = onKafka(place)
    const rollout = { topic: topics.rollouts.name, partition: 0 }
    const seed = { topic: topics.seeds.name, partition: 0 }
    await using(source, (log) => new CorpusWriter(log).write())
    for (const leaveOpen of [
      { group: 'roll-out', output: { ...rollout, key: 'never' } },
      { appendId: 'never', output: { ...seed, key: 'never' } },
    ]) {
      const running = startProgram(process.execPath, [child, JSON.stringify({ source, leaveOpen })], { cwd, input: '' })
      expect(await running.ended).toMatchObject({ stderr: '' })
      expect(running.process.signalCode).toBe('SIGKILL')
    }
    const other = await place.competitor(groupNamed('roll-out'), 1)
    const { sequence, value } = other.progress!
    const behind = { key: 'behind', value: Buffer.of(1) }
    await other.commit({ sequence: sequence + 1, outputs: [{ ...rollout, ...behind }], state: [], progress: value })
    await other.close()
    const appendId = ['a', 'b', 'c', 'd'].find((id) => lineOf(id) !== lineOf('never')) ?? ''
    // Whoever appends waits until readers see it, which is when what hides it is given up: the copy begins before.
    let appended: Promise<boolean> | undefined
    await new Promise<void>((committed) => {
      const onStep = (step: TransactionStep): void => (step === 'ended' ? committed() : undefined)
      appended = using({ ...source, onStep }, (log) => log.append([{ ...seed, ...behind }], appendId))
    })
    expect(await copy(source, folder('b'))).toMatchObject({ recordsSince: 0, tasks: 24 })
    expect(await appended).toBe(true)
    const content = await using(folder('b'), contentOf)
    for (const at of ['rollouts/0', 'seeds/0']) expect((content[at] as { key: string }[]).at(-1)?.key).toBe('behind')
    expect(content).toEqual(await using(source, contentOf))
  })
})

describe('wellspring copy', () => {
  const kafka = (place: KafkaPlace): string[] => [
    ...['--kafka', inject('kafka').brokers.join(','), '--registry', inject('kafka').registry],
    ...['--namespace', place.namespace],
  ]
  /** The shortest session that brokers allow, where the corpus lies on Kafka. */
  const envOf = (parts: readonly string[]): Record<string, string> =>
    parts.includes('--kafka') ? { WELLSPRING_KAFKA_SESSION_TIMEOUT_SECONDS: '6' } : {}
  const begin = (...parts: string[]): Running => start(parts, { cwd, env: envOf(parts) })
  const command = (...parts: string[]): Promise<Ended> => run(parts, { cwd, env: envOf(parts) })
  const succeed = async (...parts: string[]): Promise<string> => {
    const ended = await command(...parts)
    expect(ended, parts.join(' ')).toMatchObject({ exitCode: 0 })
    return ended.stdout
  }

  it('refuses a target without topics, names what makes them, and makes them where it is told to', async () => {
    const place = await newPlace()
    await run(['ingest', '-', '--as', 'seeds', '--data', 'a'], { cwd, input: seedLines(3) })
    expectFailure(
      await command('copy', '--from', 'a', '--to', 'kafka', ...kafka(place)),
      78,
      /are not there: `wellspring topics apply .*--namespace test-/,
    )
    expect(await succeed('copy', '--from', 'a', '--to', 'kafka', '--apply', ...kafka(place))).toMatch(
      /: 3 records, 0 tasks/,
    )
    expectFailure(
      await command('copy', '--from', 'kafka', '--to', 'a', ...kafka(place)),
      78,
      /has records in seeds and is no copy/,
    )
    expectFailure(await command('copy', '--from', 'b', '--to', 'kafka', ...kafka(place)), 74, /there is no corpus in b/)
    expect(existsSync(join(cwd, 'b'))).toBe(false)
    const empty = await newPlace()
    expectFailure(
      await command('copy', '--from', 'kafka', '--to', 'b', ...kafka(empty)),
      74,
      /there is no corpus in namespace test-/,
    )
  })

  it('refuses a source on which processors run, and stops at once while it waits for them', async () => {
    const place = await newPlace()
    await succeed('topics', 'apply', ...kafka(place))
    const log = await place.open()
    await withTasks(log, groupNamed('build-sft'), async () => {
      const { exitCode, stderr } = await command('copy', '--from', 'kafka', '--to', 'b', ...kafka(place))
      expect(stderr).toMatch(/the source is at work: stop build-sft first/)
      expect(exitCode).toBe(75)

      const begun = begin('copy', '--from', 'kafka', '--to', 'b', ...kafka(place))
      await begun.written(/waiting for build-sft to leave the source/)
      begun.process.kill('SIGINT')
      const ended = await begun.ended
      expect(ended.stderr).toMatch(/interrupted: .*the same command goes on where it stopped/)
      expect(ended).toMatchObject({ exitCode: 130, stdout: '' })
    })
    await log.close()
  })

  it('lets the stream go on where it stopped, makes no finished call again, and gives the same exports', async () => {
    const place = await newPlace()
    const log1 = join(cwd, 'requests-1.jsonl')
    const log2 = join(cwd, 'requests-2.jsonl')
    const up = (requests: string, ...more: string[]): string[] => [
      ...['up', '--problems', '24', '--json', ...more],
      ...['--set', `simulator.requestLog=${requests}`, '--set', 'simulator.speed=60', '--set', 'run.drainSeconds=0'],
      ...['--set', 'sample-concepts.domainShares=math=1', '--set', 'sample-concepts.maxWorkInProgress=8'],
    ]
    await run(['ingest', '-', '--as', 'seeds', '--data', 'a'], { cwd, input: seedLines(6) })
    const first = begin(...up(log1, '--data', 'a'))
    await vi.waitUntil(() => first.process.exitCode !== null || isUnderWay(log1), { timeout: 120_000, interval: 20 })
    first.process.kill('SIGINT')
    expect((await first.ended).exitCode).toBe(130)
    const kept = await using(folder('a'), keptCalls)
    expect(kept.length, 'no call of an unfinished record was kept').toBeGreaterThan(0)
    const unfinished = await waiting('--data', 'a')
    expect(unfinished).toBeGreaterThan(0)

    // There and back again, killed once on each way.
    for (const [from, to] of [
      ['a', 'kafka'],
      ['kafka', 'b'],
    ] as const) {
      const parts = ['copy', '--from', from, '--to', to, '--apply', '--json', ...kafka(place)]
      const target = to === 'kafka' ? onKafka(place) : folder(to)
      const killIn = async (phase: CopyStatus['phase']): Promise<void> => {
        const env = { ...envOf(parts), NODE_OPTIONS: `--import=${killer}`, KILL_AT_OUTPUT: `"phase":"${phase}"` }
        const killed = start(parts, { cwd, env })
        await killed.ended
        expect(killed.process.signalCode).toBe('SIGKILL')
      }
      await killIn('records')
      if (to === 'kafka') {
        const doctor = await command('doctor', ...kafka(place))
        expect(doctor.stdout).toMatch(/^fault {4}copy: .*that is not complete: run the same `wellspring copy` again/m)
        expect(doctor.exitCode).toBe(1)
      }
      const begun = await using(target, copyProgress)
      expect(begun).toMatchObject({ phase: 'copying' })
      await killIn('tasks')
      expect(await using(target, copyProgress)).toMatchObject({ phase: 'copying', beganAtMs: begun.beganAtMs })
      const report = jsonLines<CopyReport>(await succeed(...parts)).at(-1)
      expect(report?.recordsBefore).toBe(report?.records)
      expect(report?.records).toBeGreaterThan(0)
      expect(await using(target, copyProgress)).toMatchObject({ phase: 'complete', beganAtMs: begun.beganAtMs })
    }
    for (const sort of ['pairs', 'sft', 'problems']) {
      const [a, k, b] = [
        await succeed('export', sort, '--data', 'a'),
        await succeed('export', sort, ...kafka(place)),
        await succeed('export', sort, '--data', 'b'),
      ]
      if (sort === 'problems') expect(a.split('\n').length).toBeGreaterThan(2)
      expect(k).toBe(a)
      expect(b).toBe(a)
    }
    const ids = jsonLines<{ id: string }>(await succeed('tail', 'verdicts', '--last', '1', '--data', 'a')).map(
      ({ id }) => id,
    )
    expect(ids.length).toBeGreaterThan(0)
    for (const id of ids.slice(0, 3)) {
      const explained = await succeed('explain', id, '--data', 'a')
      expect(await succeed('explain', id, ...kafka(place))).toBe(explained)
      expect(await succeed('explain', id, '--data', 'b')).toBe(explained)
    }
    expect(await waiting('--data', 'b')).toBe(unfinished)

    await succeed(...up(log2, ...kafka(place)))
    const again = new Set(callsIn(log2).map(({ requestId }) => requestId))
    expect(again.size).toBeGreaterThan(0)
    expect(
      kept.filter((id) => again.has(id)),
      'kept calls that were made again',
    ).toEqual([])
    // What was finished just when the run was told to stop may not have arrived; all else is known on Kafka.
    const calls = callsIn(log1)
    const stoppedAtMs = Math.max(...calls.map(({ at }) => at))
    const long = calls.flatMap(({ at, event, requestId }) =>
      event === 'finished' && at < stoppedAtMs - 2000 ? [requestId] : [],
    )
    expect(long.length).toBeGreaterThan(0)
    expect(
      long.filter((id) => again.has(id)),
      'finished calls that were made again',
    ).toEqual([])
    expectFailure(
      await command('copy', '--from', 'a', '--to', 'kafka', ...kafka(place)),
      78,
      /the target is a copy of the folder .* and has got records of its own in [a-z-]+ since: name an empty target \(--namespace NAME\); no/,
    )
  })

  /** Records that wait for a processor. */
  async function waiting(...place: string[]): Promise<number> {
    const rows = jsonLines<{ backlog: { records: number }[] }>(await succeed('topics', '--json', ...place))
    return rows.flatMap(({ backlog }) => backlog).reduce((sum, { records }) => sum + records, 0)
  }
})

/** What a target says of the copy that it is. */
async function copyProgress(log: Log): Promise<CopyProgress> {
  const [progress] = await log.progress(copyGroup.name)
  return parseProgress(progress?.value ?? new Uint8Array())
}

interface CallEvent {
  at: number
  event: 'admitted' | 'finished' | 'aborted'
  requestId: string
  model: string
}

/** The calls that an endpoint logged, but for a last line that is not there yet. */
function callsIn(file: string): CallEvent[] {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const calls = jsonLines<CallEvent & { requestId: string | null }>(text.slice(0, text.lastIndexOf('\n') + 1))
  // The look at what an endpoint offers has no id.
  return calls.filter(({ requestId }) => requestId !== null)
}

/** Whether some problems have been attempted, and another has a few of its eight votes. */
function isUnderWay(file: string): boolean {
  const finished = callsIn(file).filter(({ event }) => event === 'finished')
  const votes = new Map<string, number>()
  for (const { model, requestId } of finished) {
    const id = requestId.slice(0, requestId.indexOf('/'))
    if (model === 'sim-voter') votes.set(id, (votes.get(id) ?? 0) + 1)
  }
  const attempts = finished.filter(({ model }) => model === 'sim-solver').length
  return attempts >= 24 && [...votes.values()].some((count) => count >= 2 && count <= 4)
}

/** Request ids of the calls that unfinished records keep. */
async function keptCalls(log: Log): Promise<string[]> {
  const codec = new RecordCodec(log.schemas)
  const ids: string[] = []
  for (const group of groups) {
    const tasks = (await log.progress(group.name)).map(({ task }) => task)
    if (tasks.length === 0) continue
    await withTasks(log, group, async (open) => {
      for (const task of tasks) {
        for (const { key } of (await open(task)).state.entries()) {
          const call = parseKeptCallKey(key)
          const kind = call && topicNamed(call.topic)?.kind
          if (!kind) continue
          const position = { topic: call.topic, partition: task, offset: call.offset }
          const [record] = (await log.read(position, { maxBytes: 1, maxWaitSeconds: 0 })).records
          await codec.learn(record?.value ?? new Uint8Array())
          ids.push(`${(codec.decode(kind, record?.value ?? new Uint8Array()) as { id: string }).id}/${call.purpose}`)
        }
      }
    })
  }
  return ids
}
