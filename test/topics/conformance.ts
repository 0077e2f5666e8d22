/**
 * What every log must do, written against the port alone. Each log runs it with a harness that knows how to open it, how to compete
 * with it, and how to break it.
 */
import { spawn } from 'node:child_process'
import { getEventListeners, once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cutTransientTopics } from '../../topics/janitor.ts'
import type {
  AssignmentListener,
  Group,
  Log,
  Membership,
  OpenTask,
  OutgoingRecord,
  Position,
  ReadBounds,
  ReadResult,
  StoredRecord,
  TaskCommit,
} from '../../topics/log.ts'
import * as work from './work.mjs'

/** A fault point to die at, and at which pass of it. */
export interface Crash {
  point: string
  occurrence: number
}

/** One empty corpus on the log under test. */
export interface LogPlace {
  open(namespace?: string): Promise<Log>
  /** Opens a task as another process would that believes the task to be its own. */
  competitor(group: Group, task: number): Promise<OpenTask>
  /** The next commit through a log of this place loses its answer: after it took effect, or before. */
  loseNextAnswer(effect: 'written' | 'not written'): void
  /** With all logs closed: makes the stored state of the task look as if another commit, of this key, had been made that the log does not have. */
  putStateAhead(group: string, task: number, key: string): Promise<void>
  /** How a child process opens the log, for processing or beside the processing one. */
  childLog(role: 'owner' | 'client'): Readonly<Record<string, unknown>>
  /** Resolves when readers see everything here that was acknowledged to anyone; a log may show a commit a moment after it took effect. */
  settled(): Promise<void>
  remove(): Promise<void>
}

/** What a log brings to run the suite. */
export interface LogHarness {
  create(): Promise<LogPlace>
  /** State ahead of its progress is refused ('damaged'), or rebuilt from the log. */
  stateAhead: 'refused' | 'rebuilt'
  /** Every fault point that a processing process passes. */
  crashes: readonly Crash[]
  /** Every offset below the end has a record until it is deleted or compacted away, or some have none. */
  offsets: 'dense' | 'gaps'
  /** What `describeTopics` says of records and bytes. */
  sizes: 'exact' | 'estimated'
  /** How often the random test runs. */
  randomRuns: number
}

const now: ReadBounds = { maxBytes: 1 << 20, maxWaitSeconds: 0 }
const patient: ReadBounds = { maxBytes: 1 << 20, maxWaitSeconds: 30 }
const silent: AssignmentListener = { gained: () => undefined, lost: () => undefined, failed: () => undefined }

/** A record; its value is text. */
export function record(topic: string, partition: number, key: string, value = key): OutgoingRecord {
  return { topic, partition, key, value: Buffer.from(value) }
}

/** The value as text. */
export function text(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString()
}

/** Every record of a partition from a position to the end that it has at the first read. */
export async function readAll(log: Log, from: Position, maxBytes = 1 << 20): Promise<StoredRecord[]> {
  const all: StoredRecord[] = []
  let { offset } = from
  const { end } = await log.offsets(from.topic, from.partition)
  while (offset < end) {
    const { records, nextOffset } = await log.read({ ...from, offset }, { maxBytes, maxWaitSeconds: 0 })
    expect(nextOffset).toBeGreaterThan(offset)
    all.push(...records)
    offset = nextOffset
  }
  return all
}

/** Reads on until there are records: a read may end where it only got past offsets that hold none. */
export async function nextRecords(
  read: (offset: number) => Promise<ReadResult>,
  from: number,
): Promise<StoredRecord[]> {
  for (let offset = from; ;) {
    const { records, nextOffset } = await read(offset)
    if (records.length > 0) return records
    expect(nextOffset).toBeGreaterThan(offset)
    offset = nextOffset
  }
}

function at(topic: string, partition = 0, offset = 0): Position {
  return { topic, partition, offset }
}

/** The code that a call fails with. */
export async function codeOf(call: Promise<unknown>): Promise<unknown> {
  const failure: unknown = await call.then(
    () => 'no failure',
    (error: unknown) => error,
  )
  return (failure as { code?: unknown }).code ?? failure
}

/** A membership whose tasks are opened when they are assigned. */
interface Joined {
  membership: Membership
  /** Opens a task as soon as it is assigned; rejects where the membership fails. */
  open(task: number): Promise<OpenTask>
}

/** Joins a group. */
export async function joinGroup(log: Log, joining: Group, listener = silent): Promise<Joined> {
  const assigned = new Set<number>()
  let failure: Error | undefined
  const waiting = new Set<() => void>()
  const look = (): void => {
    for (const wake of waiting) wake()
  }
  const membership = await log.join(joining, {
    gained: (task) => {
      listener.gained(task)
      assigned.add(task)
      look()
    },
    lost: (task) => {
      assigned.delete(task)
      return listener.lost(task)
    },
    failed: (error) => {
      listener.failed(error)
      failure = error
      look()
    },
  })
  return {
    membership,
    async open(task) {
      while (!assigned.has(task)) {
        if (failure) throw failure
        await new Promise<void>((resolve) => waiting.add(resolve))
        waiting.clear()
      }
      return await membership.open(task)
    },
  }
}

/** Joins and opens a task when it is assigned. */
export async function joinAndOpen(
  log: Log,
  joining: Group,
  task = 0,
  listener = silent,
): Promise<Joined & { opened: OpenTask }> {
  const joined = await joinGroup(log, joining, listener)
  return { ...joined, opened: await joined.open(task) }
}

/** A line that the child printed. */
export type ChildEvent = Readonly<Record<string, unknown>>

/** A child process that runs a scenario of child.mjs. */
export interface Child {
  pid: number
  events: ChildEvent[]
  /** The first event that has the field, with that value if one is given. Fails when the child ends before. */
  event(field: string, value?: unknown): Promise<ChildEvent>
  /** How it ended. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; errors: string }>
  kill(): void
  /** Ends its standard input. */
  finish(): void
}

/** Starts a scenario of child.mjs; `limitKilobytes` limits the size of its files. */
export function startChild(config: Readonly<Record<string, unknown>>, limitKilobytes?: number): Child {
  const script = fileURLToPath(new URL('child.mjs', import.meta.url))
  const args = [script, JSON.stringify(config)]
  const child =
    limitKilobytes === undefined
      ? spawn(process.execPath, args)
      : spawn('bash', ['-c', `ulimit -f ${limitKilobytes}; exec "$0" "$@"`, process.execPath, ...args])
  const events: ChildEvent[] = []
  const wanted = new Set<() => void>()
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    events.push(JSON.parse(line) as ChildEvent)
    for (const look of wanted) look()
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  // A killed child does not read what it is told.
  child.stdin.on('error', () => undefined)
  const ended = Promise.all([once(child, 'close'), once(lines, 'close')]).then(([[code, signal]]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    errors,
  }))
  return {
    pid: child.pid ?? 0,
    events,
    ended,
    event: (field, value) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = events.find((event) => field in event && (value === undefined || event[field] === value))
          if (!found) return
          wanted.delete(look)
          resolve(found)
        }
        wanted.add(look)
        look()
        ended.then(
          ({ code, signal }) => {
            reject(
              new Error(
                `the child ended (${code ?? signal}) without ${field}: ${JSON.stringify(events.at(-1))} ${errors}`,
              ),
            )
          },
          (error: unknown) => {
            reject(error)
          },
        )
      }),
    kill: () => void child.kill('SIGKILL'),
    finish: () => void child.stdin.end(),
  }
}

/** A commit; `progress` is text. */
function commitOf(
  sequence: number,
  outputs: readonly OutgoingRecord[],
  progress: string,
  state: TaskCommit['state'] = [],
): TaskCommit {
  return { sequence, outputs, state, progress: Buffer.from(progress) }
}

function change(key: string, value: string | undefined): TaskCommit['state'][number] {
  return { key, value: value === undefined ? undefined : Buffer.from(value) }
}

function values(records: readonly StoredRecord[]): (string | undefined)[] {
  return records.map((stored) => text(stored.value))
}

const topics = [
  { name: 'inputs', partitions: 2, compacted: false },
  { name: 'outputs', partitions: 2, compacted: false },
  { name: 'other-outputs', partitions: 1, compacted: false },
  { name: 'table', partitions: 1, compacted: true },
]
const group: Group = { name: 'processor', inputs: ['inputs'], tasks: 2 }
const groupBeside: Group = { ...group, name: 'processor-2' }
/** In a namespace of its own. */
const replayed: Group = { ...group, name: 'replayed' }

/** Runs the suite on one log. */
export function describeLogConformance(name: string, harness: LogHarness): void {
  describe(`${name} conforms to the log port`, () => {
    let place: LogPlace
    let log: Log
    const open = new Set<Log>()

    async function openLog(namespace?: string): Promise<Log> {
      const opened = await place.open(namespace)
      open.add(opened)
      return opened
    }

    /** Every acknowledged record of a partition from a position on. */
    async function readSettled(of: Log, from: Position, maxBytes?: number): Promise<StoredRecord[]> {
      await place.settled()
      return await readAll(of, from, maxBytes)
    }

    /** Progress as of the last acknowledged commits. */
    async function settledProgress(of: Log, groupName: string): ReturnType<Log['progress']> {
      await place.settled()
      return await of.progress(groupName)
    }

    /** That a topic is described with its own offsets, and with so many records, or an estimate that is not below. */
    async function expectDescribed(topic: string, records: number): Promise<void> {
      await place.settled()
      const described = (await log.describeTopics()).find((one) => one.name === topic)
      const partitions = Array.from({ length: described?.partitions ?? 0 }, (_, partition) => partition)
      const extents = await Promise.all(partitions.map((partition) => log.offsets(topic, partition)))
      expect(described?.startOffsets).toEqual(extents.map(({ start }) => start))
      expect(described?.endOffsets).toEqual(extents.map(({ end }) => end))
      const most = extents.reduce((sum, { start, end }) => sum + end - start, 0)
      expect(described?.records).toBeGreaterThanOrEqual(records)
      expect(described?.records).toBeLessThanOrEqual(harness.sizes === 'exact' ? records : most)
    }

    async function closeLog(opened: Log): Promise<void> {
      open.delete(opened)
      await opened.close()
    }

    async function reopen(): Promise<void> {
      await closeLog(log)
      log = await openLog()
    }

    beforeEach(async () => {
      place = await harness.create()
      log = await openLog()
      await log.ensureTopics(topics, [group, groupBeside])
    })

    afterEach(async () => {
      for (const opened of [...open]) await closeLog(opened)
      await place.remove()
    })

    describe('order', () => {
      it('keeps the order of a partition over commits of several tasks and appends', async () => {
        const first = await joinAndOpen(log, group, 0)
        const second = await first.open(1)
        for (let round = 1; round <= 5; round += 1) {
          await Promise.all([
            first.opened.commit(
              commitOf(round, [record('outputs', 0, 'a', `a${round}`), record('outputs', 0, 'a', `a${round}'`)], 'p'),
            ),
            second.commit(commitOf(round, [record('outputs', 0, 'b', `b${round}`)], 'p')),
            log.append([record('outputs', 0, 'c', `c${round}`)], `c${round}`),
          ])
        }
        const all = await readSettled(log, at('outputs'))
        const offsets = all.map(({ offset }) => offset)
        expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b))
        const of = (key: string): (string | undefined)[] => values(all.filter((stored) => stored.key === key))
        expect(of('a')).toEqual([1, 2, 3, 4, 5].flatMap((round) => [`a${round}`, `a${round}'`]))
        expect(of('b')).toEqual([1, 2, 3, 4, 5].map((round) => `b${round}`))
        expect(of('c')).toEqual([1, 2, 3, 4, 5].map((round) => `c${round}`))
      })

      it('gives back key, value, headers and time of every record', async () => {
        const before = Date.now()
        const headers = { 'content-type': 'avro', 'ünicode 漢字': 'ä 😀' }
        const value = Uint8Array.from({ length: 256 }, (_, byte) => byte)
        await log.append(
          [{ topic: 'inputs', partition: 1, key: 'ключ 😀', value, headers }, record('inputs', 1, '', '')],
          'one',
        )
        const [stored, empty] = await readSettled(log, at('inputs', 1))
        expect(stored).toMatchObject({ topic: 'inputs', partition: 1, key: 'ключ 😀', headers })
        expect(Buffer.from(stored?.value ?? [])).toEqual(Buffer.from(value))
        expect(stored?.timestampMs).toBeGreaterThanOrEqual(before)
        expect(stored?.timestampMs).toBeLessThanOrEqual(Date.now())
        expect(empty).toMatchObject({ key: '' })
        expect(empty?.value).toHaveLength(0)
      })

      it('keeps the time that a record has from another log, unless it is yet to come', async () => {
        const before = Date.now()
        const years = [1_300_000_000_123, 1_700_000_000_456, 1_500_000_000_789, before + 86_400_000]
        const long = 'x'.repeat(40_000)
        await log.append(
          years.map((timestampMs, index) => ({ ...record('inputs', 1, `${index}`, long), timestampMs })),
          'one',
        )
        const times = (await readSettled(log, at('inputs', 1), 1 << 24)).map(({ timestampMs }) => timestampMs)
        expect(times.slice(0, 3)).toEqual(years.slice(0, 3))
        expect(times[3]).toBeGreaterThanOrEqual(before)
        expect(times[3]).toBeLessThanOrEqual(Date.now())
      })
    })

    describe('commit', () => {
      it('makes outputs in several topics, state and progress visible together, and keeps them over a restart', async () => {
        const { opened } = await joinAndOpen(log, group)
        await opened.commit(
          commitOf(
            1,
            [record('outputs', 0, 'x'), record('outputs', 1, 'y'), record('other-outputs', 0, 'z')],
            'progress 1',
            [change('a', '1'), change('b', '1')],
          ),
        )
        await opened.commit(
          commitOf(2, [record('outputs', 0, 'x2')], 'progress 2', [
            change('a', undefined),
            change('b', '2'),
            change('c', '2'),
          ]),
        )
        await reopen()
        const again = await joinAndOpen(log, group)
        expect(again.opened.progress?.sequence).toBe(2)
        expect(text(again.opened.progress?.value)).toBe('progress 2')
        expect([...again.opened.state.entries()].map(({ key, value }) => [key, text(value)])).toEqual([
          ['b', '2'],
          ['c', '2'],
        ])
        expect(again.opened.state.get('a')).toBeUndefined()
        expect(values(await readSettled(log, at('outputs', 0)))).toEqual(['x', 'x2'])
        expect(values(await readSettled(log, at('outputs', 1)))).toEqual(['y'])
        expect(values(await readSettled(log, at('other-outputs')))).toEqual(['z'])
      })

      it('writes nothing of a commit that it refuses', async () => {
        const { opened } = await joinAndOpen(log, group)
        const tooLarge = { ...record('outputs', 0, 'large'), value: new Uint8Array(64 * 1024 * 1024) }
        const refused = commitOf(1, [record('other-outputs', 0, 'small'), tooLarge], 'progress 1', [change('a', '1')])
        expect(await codeOf(opened.commit(refused))).toBe('too_large')
        expect(
          await codeOf(
            opened.commit(commitOf(1, [record('other-outputs', 0, 'x'), record('no-such-topic', 0, 'x')], 'p')),
          ),
        ).toBe('unknown_topic')
        expect(opened.state.get('a')).toBeUndefined()
        expect(await settledProgress(log, group.name)).toEqual([])
        expect(await readSettled(log, at('other-outputs'))).toEqual([])
        await opened.commit(commitOf(1, [record('other-outputs', 0, 'y')], 'progress 1'))
        expect(values(await readSettled(log, at('other-outputs')))).toEqual(['y'])
      })

      it('takes a commit without outputs and one without state', async () => {
        const { opened } = await joinAndOpen(log, group)
        await opened.commit(commitOf(1, [], 'one'))
        await opened.commit(commitOf(2, [record('outputs', 0, 'x')], ''))
        expect(await settledProgress(log, group.name)).toEqual([
          { group: group.name, task: 0, sequence: 2, value: expect.anything() as Uint8Array },
        ])
      })

      it('keeps the unfinished set over a restart when records finish out of order', async () => {
        // A processor in small: progress is the lowest unfinished offset and the offsets above it that are finished.
        for (const [index, count] of [4, 1, 5].entries()) {
          const records = Array.from({ length: count }, (_, part) => record('inputs', 0, `in ${index}.${part}`))
          await log.append(records, `inputs ${index}`)
        }
        const inputs = await readSettled(log, at('inputs'))
        const { end } = await log.offsets('inputs', 0)
        const finishOrder = [3, 7, 0, 1, 9, 2, 4, 8, 5, 6].flatMap((index) => inputs[index] ?? [])
        let restarts = 0
        for (let done = 0; done < finishOrder.length; restarts += 1) {
          const { membership, opened } = await joinAndOpen(log, group)
          const progress = JSON.parse(text(opened.progress?.value) ?? '{"low":0,"finished":[]}') as {
            low: number
            finished: number[]
          }
          const { records } = await opened.fetch('inputs', progress.low, patient)
          const unfinished = records.filter(({ offset }) => !progress.finished.includes(offset))
          expect(unfinished.map(({ offset }) => offset)).toEqual(
            inputs.filter((input) => finishOrder.indexOf(input) >= done).map(({ offset }) => offset),
          )
          for (const { offset } of finishOrder.slice(done, done + 3)) {
            const finished = unfinished.find((stored) => stored.offset === offset)
            progress.finished.push(offset)
            progress.low = inputs.find((input) => !progress.finished.includes(input.offset))?.offset ?? end
            done += 1
            await opened.commit(
              commitOf(done, [record('outputs', 0, `out of ${finished?.key ?? 'nothing'}`)], JSON.stringify(progress)),
            )
          }
          await membership.leave()
          await reopen()
        }
        expect(restarts).toBe(4)
        expect(values(await readSettled(log, at('outputs')))).toEqual(finishOrder.map(({ key }) => `out of ${key}`))
      })

      it('keeps progress bytes as they are', async () => {
        const { opened } = await joinAndOpen(log, group)
        const value = Uint8Array.from({ length: 3000 }, (_, index) => index % 256)
        await opened.commit({ sequence: 1, outputs: [], state: [{ key: 'same', value }], progress: value })
        await reopen()
        const again = await joinAndOpen(log, group)
        expect(Buffer.from(again.opened.progress?.value ?? [])).toEqual(Buffer.from(value))
        expect(Buffer.from(again.opened.state.get('same') ?? [])).toEqual(Buffer.from(value))
      })
    })

    describe('ownership of a task', () => {
      it('fences the earlier owner when another opens the task', async () => {
        const { opened } = await joinAndOpen(log, group)
        await opened.commit(commitOf(1, [record('outputs', 0, 'first')], 'one', [change('a', '1')]))
        const second = await place.competitor(group, 0)
        expect(second.progress?.sequence).toBe(1)
        expect(
          await codeOf(opened.commit(commitOf(2, [record('outputs', 0, 'too late')], 'two', [change('a', 'late')]))),
        ).toBe('fenced')
        await second.commit(commitOf(2, [record('outputs', 0, 'second')], 'two', [change('a', '2')]))
        expect(await codeOf(opened.commit(commitOf(3, [record('outputs', 0, 'much too late')], 'three')))).toBe(
          'fenced',
        )
        expect(values(await readSettled(log, at('outputs')))).toEqual(['first', 'second'])
        expect(text(second.state.get('a'))).toBe('2')
        await second.close()
      })

      it('lets a commit that is under way when another opens take effect before that one reads, or never', async () => {
        for (let round = 0; round < 5; round += 1) {
          const { membership, opened } = await joinAndOpen(log, group)
          const first = (opened.progress?.sequence ?? 0) + 1
          const commit = (sequence: number, from: string): TaskCommit =>
            commitOf(sequence, [record('outputs', 0, `${sequence} of ${from}`)], `${sequence}`)
          let acknowledged = first - 1
          const working = (async () => {
            for (;;) {
              const outcome = await codeOf(opened.commit(commit(acknowledged + 1, 'first')))
              if (outcome !== 'no failure') return outcome
              acknowledged += 1
            }
          })()
          const second = await place.competitor(group, 0)
          const taken = second.progress?.sequence ?? 0
          const outcome = await working
          // Only of a commit in doubt may the effect be there without the answer.
          expect(['fenced', 'doubt']).toContain(outcome)
          expect(outcome === 'doubt' ? [acknowledged, acknowledged + 1] : [acknowledged]).toContain(taken)
          await second.commit(commit(taken + 1, 'second'))
          const written = values(await readSettled(log, at('outputs'))).slice(first - 1)
          expect(written).toEqual([
            ...Array.from({ length: taken - first + 1 }, (_, index) => `${first + index} of first`),
            `${taken + 1} of second`,
          ])
          await second.close()
          await membership.leave()
        }
      })

      it('leaves the other tasks of the group alone', async () => {
        const { open: openTask } = await joinAndOpen(log, group)
        const other = await openTask(1)
        const second = await place.competitor(group, 0)
        await other.commit(commitOf(1, [record('outputs', 1, 'x')], 'one'))
        expect(await settledProgress(log, group.name)).toMatchObject([{ task: 1, sequence: 1 }])
        await second.close()
      })

      it('opens a task again for the same member', async () => {
        const lost: number[] = []
        const { membership, opened } = await joinAndOpen(log, group, 0, {
          ...silent,
          lost: (task) => void lost.push(task),
        })
        await opened.commit(commitOf(1, [], 'one'))
        const again = await membership.open(0)
        expect(again.progress?.sequence).toBe(1)
        expect(await codeOf(opened.commit(commitOf(2, [], 'old')))).toBe('fenced')
        await again.commit(commitOf(2, [], 'new'))
        expect(lost).toEqual([])
      })

      it('assigns every task of a group that is alone', async () => {
        const gained: number[] = []
        await joinAndOpen(log, group, 1, { ...silent, gained: (task) => gained.push(task) })
        expect(gained.sort()).toEqual([0, 1])
      })

      it('refuses a group whose inputs have another partition count', async () => {
        expect(await codeOf(log.join({ ...group, tasks: 3 }, silent))).toBe('topic_mismatch')
      })
    })

    describe('doubt', () => {
      for (const effect of ['written', 'not written'] as const) {
        it(`settles a commit whose answer was lost by the sequence: ${effect}`, async () => {
          const { membership, opened } = await joinAndOpen(log, group)
          const commit = (sequence: number): TaskCommit =>
            commitOf(sequence, [record('outputs', 0, `of ${sequence}`)], `progress ${sequence}`, [
              change('last', `${sequence}`),
            ])
          await opened.commit(commit(1))
          place.loseNextAnswer(effect)
          expect(await codeOf(opened.commit(commit(2)))).toBe('doubt')
          // Until the task is opened again nothing more is taken from it.
          expect(await codeOf(opened.commit(commit(3)))).toBe('doubt')
          const again = await membership.open(0)
          expect(again.progress?.sequence).toBe(effect === 'written' ? 2 : 1)
          expect(text(again.state.get('last'))).toBe(effect === 'written' ? '2' : '1')
          if (effect === 'not written') await again.commit(commit(2))
          await again.commit(commit(3))
          expect(values(await readSettled(log, at('outputs')))).toEqual(['of 1', 'of 2', 'of 3'])
        })
      }

      it('refuses a sequence that does not follow the last one, and writes nothing', async () => {
        for (const wrong of [1, 3, 0]) {
          const { membership, opened } = await joinAndOpen(log, group)
          if (!opened.progress) await opened.commit(commitOf(1, [], 'one'))
          expect(await codeOf(opened.commit(commitOf(wrong, [record('outputs', 0, 'x')], 'wrong')))).toBe('doubt')
          await membership.leave()
        }
        expect(await readSettled(log, at('outputs'))).toEqual([])
        expect(await settledProgress(log, group.name)).toMatchObject([{ task: 0, sequence: 1 }])
      })
    })

    describe('state', () => {
      it('lists entries by prefix in key order and sees every acknowledged commit', async () => {
        const { opened } = await joinAndOpen(log, group)
        const keys = Array.from({ length: 700 }, (_, index) => `problem/${String(index).padStart(4, '0')}`)
        await opened.commit(
          commitOf(1, [], 'one', [
            ...keys.map((key) => change(key, `of ${key}`)),
            change('problems', 'x'),
            change('a', 'x'),
          ]),
        )
        expect([...opened.state.entries('problem/')].map(({ key, value }) => [key, text(value)])).toEqual(
          keys.map((key) => [key, `of ${key}`]),
        )
        expect([...opened.state.entries()].map(({ key }) => key)).toEqual(['a', ...keys, 'problems'])
        await opened.commit(commitOf(2, [], 'two', [change('problem/0001', undefined), change('problem/0002', 'new')]))
        expect(opened.state.get('problem/0001')).toBeUndefined()
        expect(text(opened.state.get('problem/0002'))).toBe('new')
        expect([...opened.state.entries('problem/000')].map(({ key }) => key)).toEqual(
          keys.slice(0, 10).filter((key) => key !== 'problem/0001'),
        )
      })

      it('keeps the state of tasks and groups apart', async () => {
        const { open: openTask, opened } = await joinAndOpen(log, group)
        const other = await openTask(1)
        const alike = await joinAndOpen(log, groupBeside)
        await opened.commit(commitOf(1, [], 'one', [change('key', 'task 0')]))
        await other.commit(commitOf(1, [], 'one', [change('key', 'task 1')]))
        expect(text(opened.state.get('key'))).toBe('task 0')
        expect(text(other.state.get('key'))).toBe('task 1')
        expect(alike.opened.state.get('key')).toBeUndefined()
        expect([...alike.opened.state.entries()]).toEqual([])
      })

      it(`does not use state that is no committed prefix: ${harness.stateAhead}`, async () => {
        const { opened } = await joinAndOpen(log, group)
        await opened.commit(commitOf(1, [], 'one', [change('key', 'one'), change('other', 'one')]))
        await closeLog(log)
        await place.putStateAhead(group.name, 0, 'key')
        log = await openLog()
        const again = await joinGroup(log, group)
        if (harness.stateAhead === 'refused') {
          expect(await codeOf(again.open(0))).toBe('damaged')
          return
        }
        const rebuilt = await again.open(0)
        expect(rebuilt.progress?.sequence).toBe(1)
        expect([...rebuilt.state.entries()].map(({ key, value }) => [key, text(value)])).toEqual([
          ['key', 'one'],
          ['other', 'one'],
        ])
      })
    })

    describe('reading', () => {
      const ten = Array.from({ length: 10 }, (_, index) => record('inputs', 0, `key ${index}`, `value ${index}`))

      it('reads on from any position', async () => {
        await log.append(ten.slice(0, 4), 'one')
        await log.append(ten.slice(4), 'two')
        const all = await readSettled(log, at('inputs'))
        expect(values(all)).toEqual(ten.map(({ value }) => text(value)))
        const offsets = all.map(({ offset }) => offset)
        expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b))
        const { start, end } = await log.offsets('inputs', 0)
        expect(start).toBe(0)
        expect(end).toBeGreaterThan(offsets.at(-1) ?? Infinity)
        if (harness.offsets === 'dense')
          expect([...offsets, end]).toEqual(Array.from({ length: 11 }, (_, index) => index))
        for (let offset = 0; offset <= end; offset += 1) {
          const { records, ...rest } = await log.read(at('inputs', 0, offset), now)
          expect(records).toEqual(all.filter((stored) => stored.offset >= offset))
          expect(rest).toEqual({ nextOffset: end, startOffset: 0, endOffset: end })
        }
      })

      it('bounds a read by bytes, but returns at least one record', async () => {
        await log.append(ten, 'ten')
        const offsets = (await readSettled(log, at('inputs'))).map(({ offset }) => offset)
        const bounded = await log.read(at('inputs', 0, offsets[2]), { maxBytes: 16, maxWaitSeconds: 0 })
        expect(values(bounded.records)).toEqual(['value 2', 'value 3'])
        expect(bounded.nextOffset).toBe(offsets[4])
        const least = await log.read(at('inputs', 0, offsets[5]), { maxBytes: 1, maxWaitSeconds: 0 })
        expect(values(least.records)).toEqual(['value 5'])
        expect(values(await readSettled(log, at('inputs'), 20))).toEqual(ten.map(({ value }) => text(value)))
      })

      it('waits for the next record, at a position past the end too', async () => {
        await log.append(ten.slice(0, 1), 'one')
        const { opened } = await joinAndOpen(log, group)
        const { end } = await log.offsets('inputs', 0)
        const fromLog = (offset: number): Promise<ReadResult> => log.read(at('inputs', 0, offset), patient)
        const reads = [
          nextRecords(fromLog, end),
          nextRecords((offset) => opened.fetch('inputs', offset, patient), end),
          nextRecords(fromLog, end + 1),
        ]
        await log.append(ten.slice(1, 2), 'two')
        await log.append(ten.slice(2, 3), 'three')
        const [read, fetched, later] = await Promise.all(reads)
        expect(read?.[0]?.key).toBe('key 1')
        expect(fetched?.[0]?.key).toBe('key 1')
        expect(later?.[0]?.key).toBe('key 2')
      })

      it('returns with nothing when the wait is over or aborted', async () => {
        const abort = new AbortController()
        const aborted = log.read(at('inputs'), { ...patient, signal: abort.signal })
        const over = await log.read(at('inputs'), { ...now, maxWaitSeconds: 0.02 })
        expect(over).toEqual({ records: [], nextOffset: 0, startOffset: 0, endOffset: 0 })
        abort.abort()
        expect(await aborted).toEqual({ records: [], nextOffset: 0, startOffset: 0, endOffset: 0 })
        expect((await log.read(at('inputs'), { ...patient, signal: AbortSignal.abort() })).records).toEqual([])
      })

      it('leaves nothing at the signal of a read, which lives on for thousands of them', async () => {
        const { signal } = new AbortController()
        const { opened } = await joinAndOpen(log, group)
        const brief = { ...now, maxWaitSeconds: 0.02, signal }
        await log.append(ten.slice(0, 1), 'one')
        for (const offset of [0, 1]) {
          await log.read(at('inputs', 0, offset), brief)
          await opened.fetch('inputs', offset, brief)
        }
        expect(getEventListeners(signal, 'abort')).toEqual([])
      })

      it('refuses a topic or a partition that is not there', async () => {
        expect(await codeOf(log.read(at('no-such-topic'), now))).toBe('unknown_topic')
        expect(await codeOf(log.read(at('inputs', 2), now))).toBe('unknown_topic')
        expect(await codeOf(log.offsets('no-such-topic', 0))).toBe('unknown_topic')
        expect(await codeOf(log.append([record('no-such-topic', 0, 'x')], 'x'))).toBe('unknown_topic')
      })

      it('reads a table to the end that it had at the start, while it grows', async () => {
        for (let round = 0; round < 20; round += 1)
          await log.append([record('table', 0, `key ${round % 4}`, `value ${round}`)], `${round}`)
        await log.maintain()
        const { end } = await log.offsets('table', 0)
        const table = new Map<string, string | undefined>()
        let offset = 0
        let grown = 20
        while (offset < end) {
          const { records, nextOffset } = await log.read(at('table', 0, offset), { maxBytes: 1, maxWaitSeconds: 0 })
          for (const stored of records) if (stored.offset < end) table.set(stored.key, text(stored.value))
          offset = nextOffset
          await log.append([record('table', 0, `later key`, `value ${grown}`)], `${grown}`)
          grown += 1
        }
        expect([...table].sort()).toEqual([16, 17, 18, 19].map((round) => [`key ${round % 4}`, `value ${round}`]))
      })

      it('serves a reader in another process while it writes', async () => {
        const count = 400
        const reader = startChild({ log: place.childLog('client'), scenario: 'read', topic: 'other-outputs', count })
        await reader.event('ready')
        const padding = '.'.repeat(20_000)
        for (let index = 0; index < count; index += 2) {
          await log.append(
            [index, index + 1].map((number) => record('other-outputs', 0, 'k', `value ${number} ${padding}`)),
            `${index}`,
          )
        }
        expect(await reader.ended).toMatchObject({ code: 0 })
        const seen = reader.events.filter((event) => 'offset' in event)
        expect(seen.map(({ value }) => String(value).replace(/\.+$/, ''))).toEqual(
          Array.from({ length: count }, (_, number) => `value ${number} `),
        )
        expect(seen.map(({ bytes }) => bytes)).toEqual(
          Array.from({ length: count }, (_, number) => `value ${number} ${padding}`.length),
        )
      })
    })

    describe('append', () => {
      it('writes an append id once, at the same time and after a restart too', async () => {
        const records = [record('inputs', 0, 'a'), record('inputs', 1, 'b')]
        const both = await Promise.all([log.append(records, 'same'), log.append(records, 'same')])
        expect(both.sort()).toEqual([false, true])
        await reopen()
        expect(await log.append(records, 'same')).toBe(false)
        expect(await log.append(records, 'other')).toBe(true)
        expect(values(await readSettled(log, at('inputs', 0)))).toEqual(['a', 'a'])
        expect(values(await readSettled(log, at('inputs', 1)))).toEqual(['b', 'b'])
      })

      it('writes all records of an append or none', async () => {
        const tooLarge = { ...record('inputs', 1, 'large'), value: new Uint8Array(64 * 1024 * 1024) }
        expect(await codeOf(log.append([record('inputs', 0, 'a'), tooLarge], 'id'))).toBe('too_large')
        expect(await readSettled(log, at('inputs', 0))).toEqual([])
        expect(await log.append([record('inputs', 0, 'a')], 'id')).toBe(true)
      })

      it('takes appends of another process, each id once', async () => {
        const config = { log: place.childLog('client'), scenario: 'append', topic: 'inputs', count: 5 }
        const first = startChild(config)
        expect(await first.ended).toMatchObject({ code: 0 })
        expect(first.events).toEqual([0, 1, 2, 3, 4].map((index) => ({ index, written: true })))
        const second = startChild(config)
        expect(await second.ended).toMatchObject({ code: 0 })
        expect(second.events).toEqual([0, 1, 2, 3, 4].map((index) => ({ index, written: false })))
        expect(values(await readSettled(log, at('inputs')))).toEqual([0, 1, 2, 3, 4].map((index) => `child ${index}`))
      })
    })

    describe('topics', () => {
      it('keeps a topic that is there and refuses another partition count', async () => {
        await log.append([record('inputs', 1, 'kept')], 'one')
        await log.ensureTopics(topics)
        expect(await codeOf(log.ensureTopics([{ name: 'inputs', partitions: 3, compacted: false }]))).toBe(
          'topic_mismatch',
        )
        await reopen()
        expect(
          await codeOf(
            log.ensureTopics([
              { name: 'new', partitions: 1, compacted: false },
              { name: 'inputs', partitions: 1, compacted: false },
            ]),
          ),
        ).toBe('topic_mismatch')
        expect((await log.describeTopics()).map((topic) => topic.name).sort()).toEqual(
          topics.map((topic) => topic.name).sort(),
        )
        expect(values(await readSettled(log, at('inputs', 1)))).toEqual(['kept'])
      })

      it('describes offsets, counts and sizes', async () => {
        await log.append(
          [record('inputs', 0, 'a', 'x'.repeat(1000)), record('inputs', 1, 'b'), record('inputs', 1, 'c')],
          'one',
        )
        await place.settled()
        const described = await log.describeTopics()
        expect(
          described.map(({ name: topic, partitions, compacted }) => ({ name: topic, partitions, compacted })),
        ).toEqual(expect.arrayContaining(topics))
        await expectDescribed('inputs', 3)
        await expectDescribed('outputs', 0)
        const bytes = described.find((topic) => topic.name === 'inputs')?.bytes ?? 0
        if (harness.sizes === 'estimated' && bytes === 0) return
        expect(bytes).toBeGreaterThanOrEqual(1000)
        expect(bytes).toBeLessThan(3000)
      })

      it('keeps namespaces apart and out of the names', async () => {
        const other = await openLog('replay')
        expect(other.namespace).toMatch(/replay$/)
        expect(other.namespace).not.toBe(log.namespace)
        expect(await other.describeTopics()).toEqual([])
        expect(await codeOf(other.read(at('inputs'), now))).toBe('unknown_topic')
        await other.ensureTopics([{ name: 'inputs', partitions: 1, compacted: false }], [{ ...group, tasks: 1 }])
        expect(await log.append([record('inputs', 0, 'a', 'of log')], 'same id')).toBe(true)
        expect(await other.append([record('inputs', 0, 'a', 'of other')], 'same id')).toBe(true)
        const mine = await joinAndOpen(log, group)
        const theirs = await joinAndOpen(other, { ...group, tasks: 1 })
        await mine.opened.commit(commitOf(1, [], 'mine', [change('key', 'mine')]))
        expect(theirs.opened.state.get('key')).toBeUndefined()
        await theirs.opened.commit(commitOf(1, [], 'theirs', [change('key', 'theirs')]))
        expect(values(await readSettled(log, at('inputs')))).toEqual(['of log'])
        expect(values(await readSettled(other, at('inputs')))).toEqual(['of other'])
        expect((await readSettled(other, at('inputs')))[0]?.topic).toBe('inputs')
        expect((await other.describeTopics()).map((topic) => topic.name)).toEqual(['inputs'])
        expect((await log.describeTopics()).map((topic) => topic.name).sort()).toEqual(
          topics.map((topic) => topic.name).sort(),
        )
        expect((await settledProgress(log, group.name)).map(({ value }) => text(value))).toEqual(['mine'])
        expect((await settledProgress(other, group.name)).map(({ value }) => text(value))).toEqual(['theirs'])
        expect((await settledProgress(other, group.name))[0]?.group).toBe(group.name)
        await closeLog(other)
        expect(values(await readSettled(log, at('inputs')))).toEqual(['of log'])
      })
    })

    describe('schemas', () => {
      it('gives each distinct schema text one positive id, for good', async () => {
        const problem = JSON.stringify({
          type: 'record',
          name: 'Problem',
          fields: [{ name: 'statement', type: 'string', doc: 'What is asked: "why?"' }],
        })
        const answer = JSON.stringify({ type: 'record', name: 'Answer', fields: [{ name: 'tokens', type: 'int' }] })
        const [a, b, again] = await Promise.all([
          log.schemas.idOf('problems', problem),
          log.schemas.idOf('answers', answer),
          log.schemas.idOf('problems', problem),
        ])
        expect(Number.isInteger(a) && Number.isInteger(b)).toBe(true)
        expect(a).toBeGreaterThan(0)
        expect(b).toBeGreaterThan(0)
        expect(b).not.toBe(a)
        expect(again).toBe(a)
        expect(await log.schemas.idOf('other-problems', problem)).toBe(a)
        await reopen()
        expect(await log.schemas.idOf('problems', problem)).toBe(a)
        // A registry may lay out the text anew.
        expect(JSON.parse(await log.schemas.schemaOf(a))).toEqual(JSON.parse(problem))
        expect(JSON.parse(await log.schemas.schemaOf(b))).toEqual(JSON.parse(answer))
        expect(await codeOf(log.schemas.schemaOf(1_987_654_321))).toBe('unknown_schema')
      })
    })

    describe('retention', () => {
      it('forgets records below an offset and never gives an offset again', async () => {
        for (let index = 0; index < 6; index += 2)
          await log.append([record('inputs', 0, `${index}`), record('inputs', 0, `${index + 1}`)], `${index}`)
        const before = await readSettled(log, at('inputs'))
        const { end } = await log.offsets('inputs', 0)
        const [, second = 0, , fourth = 0] = before.map(({ offset }) => offset)
        await log.deleteBefore(at('inputs', 0, fourth))
        expect(await log.offsets('inputs', 0)).toEqual({ start: fourth, end })
        const rest = await log.read(at('inputs', 0, 0), now)
        expect(rest).toEqual({ records: before.slice(3), nextOffset: end, startOffset: fourth, endOffset: end })
        const { opened } = await joinAndOpen(log, group)
        expect(await opened.fetch('inputs', second, now)).toEqual(rest)
        await log.deleteBefore(at('inputs', 0, second))
        expect(await log.offsets('inputs', 0)).toEqual({ start: fourth, end })
        await log.deleteBefore(at('inputs', 0, end))
        expect(await readSettled(log, at('inputs'))).toEqual([])
        // Also where nothing is left, a reader sees that it is too late.
        for (const offset of [0, second, end]) {
          const nothing = { records: [], nextOffset: end, startOffset: end, endOffset: end }
          expect(await log.read(at('inputs', 0, offset), now)).toEqual(nothing)
        }
        await reopen()
        expect(await log.offsets('inputs', 0)).toEqual({ start: end, end })
        await log.append([record('inputs', 0, 'next')], 'next')
        const { records } = await log.read(at('inputs'), now)
        expect(records).toMatchObject([{ key: 'next' }])
        expect(records[0]?.offset).toBeGreaterThanOrEqual(end)
        if (harness.offsets === 'dense') expect(records[0]?.offset).toBe(6)
        await expectDescribed('inputs', 1)
      })

      it('forgets no more than there is', async () => {
        await log.append([record('inputs', 0, 'a')], 'a')
        await place.settled()
        const { end } = await log.offsets('inputs', 0)
        await log.deleteBefore(at('inputs', 0, end + 1000))
        expect(await log.offsets('inputs', 0)).toEqual({ start: end, end })
        await log.append([record('inputs', 0, 'b')], 'b')
        expect(values(await readSettled(log, at('inputs')))).toEqual(['b'])
      })

      it('cuts no compacted topic by offset', async () => {
        await log.append([record('table', 0, 'a'), record('table', 0, 'b')], 'rows')
        const { end } = await log.offsets('table', 0)
        expect(await codeOf(log.deleteBefore(at('table', 0, end)))).toBe('topic_mismatch')
        expect(values(await readSettled(log, at('table')))).toEqual(['a', 'b'])
      })

      it('has the janitor cut what every group has finished and is old enough', async () => {
        const other = await openLog('replay')
        await log.append(
          Array.from({ length: 10 }, (_, index) => record('inputs', 0, `${index}`)),
          'old',
        )
        await log.append([record('inputs', 1, 'x'), record('other-outputs', 0, 'x')], 'more')
        const offsets = (await readSettled(log, at('inputs'))).map(({ offset }) => offset)
        await other.ensureTopics([topics[0] ?? { name: 'inputs', partitions: 2, compacted: false }], [replayed])
        const mine = await joinAndOpen(log, group)
        const theirs = await joinAndOpen(other, replayed)
        const clock = { nowMs: Date.now() }
        const cut = async (): ReturnType<typeof cutTransientTopics> => {
          await place.settled()
          return await cutTransientTopics({
            log,
            topics: ['inputs', 'other-outputs'],
            consumers: [
              { log, group: group.name, inputs: group.inputs },
              { log: other, group: replayed.name, inputs: replayed.inputs },
            ],
            positionsOf: (progress) => new Map([['inputs', Number(text(progress))]]),
            keepSeconds: 100,
            now: () => clock.nowMs,
          })
        }
        clock.nowMs += 200_000
        expect(await cut()).toEqual([])
        await mine.opened.commit(commitOf(1, [], `${offsets[8]}`))
        // The replay has read nothing yet.
        expect(await cut()).toEqual([])
        await theirs.opened.commit(commitOf(1, [], `${offsets[5]}`))
        clock.nowMs -= 200_000
        expect(await cut()).toEqual([])
        clock.nowMs += 200_000
        expect(await cut()).toEqual([{ topic: 'inputs', partition: 0, offset: offsets[5] }])
        expect(values(await readSettled(log, at('inputs')))).toEqual(['5', '6', '7', '8', '9'])
        expect(await cut()).toEqual([])
        expect(values(await readSettled(log, at('inputs', 1)))).toEqual(['x'])
        expect(values(await readSettled(log, at('other-outputs')))).toEqual(['x'])
      })

      it('keeps at least the last record of every key of a compacted topic, each at its offset', async () => {
        for (let round = 0; round < 30; round += 1) {
          await log.append(
            [
              record('table', 0, `key ${round % 7}`, `value ${round}`),
              record('inputs', 0, `key ${round % 7}`, `value ${round}`),
            ],
            `${round}`,
          )
        }
        const before = await readSettled(log, at('table'))
        const { end } = await log.offsets('table', 0)
        expect(values(before).slice(-7)).toEqual([23, 24, 25, 26, 27, 28, 29].map((round) => `value ${round}`))
        await log.maintain()
        const kept = await readSettled(log, at('table'), 1)
        for (const last of before.slice(-7)) expect(kept.filter(({ key }) => key === last.key).at(-1)).toEqual(last)
        expect(await log.offsets('table', 0)).toMatchObject({ end })
        expect(await readSettled(log, at('inputs'))).toHaveLength(30)
        for (const offset of [0, 10, end - 5, end - 1]) {
          const { records, nextOffset } = await log.read(at('table', 0, offset), now)
          expect(records.every((stored) => stored.offset >= offset)).toBe(true)
          expect(nextOffset).toBe(end)
        }
        await log.append([record('table', 0, 'key 0', 'newest')], 'newest')
        await reopen()
        const newest = (await readSettled(log, at('table'))).at(-1)
        expect(newest).toMatchObject({ key: 'key 0' })
        expect(text(newest?.value)).toBe('newest')
        expect(newest?.offset).toBeGreaterThanOrEqual(end)
        if (harness.offsets === 'dense') expect([end, newest?.offset]).toEqual([30, 30])
      })
    })

    describe('closing', () => {
      it('ends waiting reads and refuses further calls', async () => {
        const { opened } = await joinAndOpen(log, group)
        const waiting = codeOf(log.read(at('inputs'), patient))
        await closeLog(log)
        expect(await waiting).toBe('closed')
        expect(await codeOf(log.describeTopics())).toBe('closed')
        expect(await codeOf(log.append([record('inputs', 0, 'x')], 'x'))).toBe('closed')
        expect(await codeOf(opened.commit(commitOf(1, [], 'x')))).toBe('closed')
        log = await openLog()
        expect(await settledProgress(log, group.name)).toEqual([])
      })
    })

    it('reads as a model says after random commits, appends, deletions, upkeep and restarts', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 40 }), async (operations) => {
          const tried = await harness.create()
          const model = new Model(harness.offsets)
          let current = await tried.open()
          const learn = async (topic: string, partition: number): Promise<void> => {
            await tried.settled()
            const { end } = await current.offsets(topic, partition)
            const all = harness.offsets === 'gaps' ? await readAll(current, at(topic, partition)) : []
            model.learn(topic, partition, all, end)
          }
          try {
            await current.ensureTopics(topics, [group])
            let { opened } = await joinAndOpen(current, group)
            for (const [index, step] of operations.entries()) {
              if (step.kind === 'append') {
                const records = recordsOf(step.records, index)
                await current.append(records, `${index}`)
                model.write(records)
              } else if (step.kind === 'commit') {
                const records = recordsOf(step.records, index)
                const state = step.state.map(({ key, remove }) => change(key, remove ? undefined : `${index}`))
                model.sequence += 1
                await opened.commit(commitOf(model.sequence, records, `${index}`, state))
                model.write(records)
                for (const { key, value } of state) {
                  if (value) model.state.set(key, `${index}`)
                  else model.state.delete(key)
                }
              } else if (step.kind === 'delete') {
                const { topic, partition, offset } = step
                await learn(topic, partition)
                await current.deleteBefore(at(topic, partition, offset))
                expect(await current.offsets(topic, partition)).toEqual(model.deleteBefore(topic, partition, offset))
              } else if (step.kind === 'maintain') {
                await current.maintain()
              } else if (step.kind === 'restart') {
                await current.close()
                current = await tried.open()
                opened = (await joinAndOpen(current, group)).opened
                expect(opened.progress?.sequence ?? 0).toBe(model.sequence)
              } else {
                const { topic, partition, offset, maxBytes } = step
                await learn(topic, partition)
                const read = await current.read(at(topic, partition, offset), { maxBytes, maxWaitSeconds: 0 })
                model.check(topic, partition, offset, read.records, read.nextOffset)
              }
            }
            for (const topic of topics) {
              for (let partition = 0; partition < topic.partitions; partition += 1) {
                await learn(topic.name, partition)
                const all = await readAll(current, at(topic.name, partition), 50)
                model.check(topic.name, partition, 0, all, (await current.offsets(topic.name, partition)).end)
              }
            }
            expect([...opened.state.entries()].map(({ key, value }) => [key, text(value)])).toEqual(
              [...model.state].sort(([a], [b]) => (a < b ? -1 : 1)),
            )
          } finally {
            await current.close()
            await tried.remove()
          }
        }),
        { numRuns: harness.randomRuns },
      )
    })
  })

  // Several at a time: mostly they wait for a dead process to be noticed.
  describe.concurrent(`${name} after a crash`, () => {
    /** Runs the child until it is killed, by itself or by `kill`, and checks what it left. */
    async function crash(
      config: Readonly<Record<string, unknown>>,
      kill?: (child: Child) => Promise<void>,
    ): Promise<void> {
      const place = await harness.create()
      try {
        const child = startChild({ log: place.childLog('owner'), scenario: 'work', ...config })
        await kill?.(child)
        expect(await child.ended).toMatchObject({ signal: 'SIGKILL', errors: '' })
        const log = await place.open()
        await checkWork(place, log, harness, child.events)
        await log.close()
      } finally {
        await place.remove()
      }
    }

    for (const { point, occurrence } of harness.crashes) {
      it(`at ${point}, pass ${occurrence}, has every write whole or not at all`, async () => {
        await crash({ rounds: 40, faultPoint: point, occurrence })
      })
    }

    for (const rounds of [3, 11, 19]) {
      it(`at some moment after ${rounds} rounds has every write whole or not at all`, async () => {
        await crash({ rounds: 100_000 }, async (child) => {
          await child.event('appended', rounds)
          child.kill()
        })
      })
    }
  })
}

const deletable = [
  { topic: 'inputs', partition: 1 },
  { topic: 'outputs', partition: 0 },
]
const anywhere = fc.constantFrom(...deletable, { topic: 'table', partition: 0 })
const output = fc
  .tuple(anywhere, fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom(0, 1, 50, 3000))
  .map(([where, key, length]) => ({ ...where, key, filling: 'f'.repeat(length) }))
const outputs = fc.array(output, { maxLength: 6 })
const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), records: outputs }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      records: outputs,
      state: fc.uniqueArray(fc.record({ key: fc.constantFrom('k', 'l', 'm/1', 'm/2'), remove: fc.boolean() }), {
        selector: ({ key }) => key,
      }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(anywhere, fc.nat({ max: 25 }), fc.constantFrom(1, 100, 100_000))
      .map(([where, offset, maxBytes]) => ({ kind: 'read' as const, ...where, offset, maxBytes })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...deletable), fc.nat({ max: 20 }))
      .map(([where, offset]) => ({ kind: 'delete' as const, ...where, offset })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'maintain' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
)

/** Records of one operation; no two values of a run are alike. */
function recordsOf(
  outputsOf: readonly { topic: string; partition: number; key: string; filling: string }[],
  index: number,
): OutgoingRecord[] {
  return outputsOf.map(({ topic, partition, key, filling }, part) =>
    record(topic, partition, key, `${index}.${part} ${filling}`),
  )
}

interface ModelPartition {
  start: number
  end: number
  /** In the order of the log. `offset` is undefined while only the log knows it. */
  records: { key: string; value: string | undefined; offset: number | undefined }[]
}

/** What a log should hold, in plain lists. */
class Model {
  sequence = 0
  readonly state = new Map<string, string>()
  private readonly offsets: LogHarness['offsets']
  private readonly partitions = new Map<string, ModelPartition>()

  constructor(offsets: LogHarness['offsets']) {
    this.offsets = offsets
  }

  write(records: readonly OutgoingRecord[]): void {
    for (const { topic, partition, key, value } of records) {
      const known = this.partition(topic, partition)
      const offset = this.offsets === 'dense' ? known.records.length : undefined
      known.records.push({ key, value: text(value), offset })
    }
  }

  /** Takes the end and, where offsets have gaps, the offsets of what was written since the last time, from a read of all. */
  learn(topic: string, partition: number, all: readonly StoredRecord[], end: number): void {
    const known = this.partition(topic, partition)
    if (this.offsets === 'dense') expect(end).toBe(known.records.length)
    const lowest = known.end
    for (const stored of all) {
      const expected = known.records.find(({ value }) => value === text(stored.value))
      expect(expected).toMatchObject({ key: stored.key })
      if (!expected || expected.offset !== undefined) continue
      expect(stored.offset).toBeGreaterThanOrEqual(lowest)
      expected.offset = stored.offset
    }
    known.end = end
    // What was compacted away before it was seen is not missed: the last record of its key comes after it.
    if (topic !== 'table') expect(known.records.filter(({ offset }) => offset === undefined)).toEqual([])
    const offsets = known.records.flatMap(({ offset }) => offset ?? [])
    expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b))
    expect(offsets.at(-1) ?? -1).toBeLessThan(end)
  }

  /** What the offsets of the partition are then. */
  deleteBefore(topic: string, partition: number, offset: number): { start: number; end: number } {
    const known = this.partition(topic, partition)
    known.start = Math.max(known.start, Math.min(offset, known.end))
    return { start: known.start, end: known.end }
  }

  /** Checks a read from `from` that ended before `next`. */
  check(topic: string, partition: number, from: number, read: readonly StoredRecord[], next: number): void {
    const { start, end, records } = this.partition(topic, partition)
    const first = Math.max(from, start)
    expect(next).toBeGreaterThanOrEqual(first < end ? first + 1 : first)
    const expected = records.filter(({ offset }) => offset !== undefined && offset >= first && offset < next)
    const got = read.map(({ key, value, offset }) => ({ key, value: text(value), offset }))
    if (topic !== 'table') {
      expect(got).toEqual(expected)
      return
    }
    // Compaction may have taken records, but none that is its key's last.
    const lastOf = new Map(records.map((one) => [one.key, one]))
    expect(expected).toEqual(expect.arrayContaining(got))
    expect(got.map(({ offset }) => offset)).toEqual(got.map(({ offset }) => offset).sort((a, b) => a - b))
    expect(got).toEqual(expect.arrayContaining(expected.filter((one) => lastOf.get(one.key) === one)))
  }

  private partition(topic: string, partition: number): ModelPartition {
    const id = `${topic}/${partition}`
    let known = this.partitions.get(id)
    if (!known) this.partitions.set(id, (known = { start: 0, end: 0, records: [] }))
    return known
  }
}

/** Checks what the child of a crash test left: everything that was acknowledged is there, and of the rest all or nothing. */
async function checkWork(
  place: LogPlace,
  log: Log,
  { offsets: spacing }: LogHarness,
  events: readonly ChildEvent[],
): Promise<void> {
  await log.ensureTopics(work.workTopics, [work.workGroup])
  // An append that was under way is finished or dropped when its id comes again.
  const rounds = events.filter((event) => 'appended' in event).length
  const seen = (await readAll(log, at('appended'))).length / 2
  expect([rounds, rounds + 1]).toContain(seen)
  if (rounds > 0) expect(await append(log, rounds)).toBe(false)
  const isNew = await append(log, rounds + 1)
  if (seen === rounds + 1) expect(isNew).toBe(false)
  else if (spacing === 'dense') expect(isNew).toBe(true)
  expect(await append(log, rounds + 1)).toBe(false)

  const { membership, open } = await joinGroup(log, work.workGroup)
  const tasks = await Promise.all(Array.from({ length: work.workGroup.tasks }, (_, task) => open(task)))
  await place.settled()
  expect(values(await readAll(log, at('appended')))).toEqual(
    Array.from({ length: rounds + 1 }, (_, index) => [`appended ${index + 1} 0`, `appended ${index + 1} 1`]).flat(),
  )
  const cuts = (field: string): { offset: number; index: number }[] =>
    events.flatMap((event) => (field in event ? [event[field] as { offset: number; index: number }] : []))
  const begun = cuts('deleting').at(-1)
  const done = cuts('deleted').at(-1)
  const untouched = { offset: 0, index: 0 }
  for (const [task, opened] of tasks.entries()) {
    const sequence = opened.progress?.sequence ?? 0
    const acknowledged = events.filter((event) => event['task'] === task).length
    expect([acknowledged, acknowledged + 1]).toContain(sequence)
    expect(text(opened.progress?.value)).toBe(sequence === 0 ? undefined : `progress ${sequence}`)
    expect(new Map([...opened.state.entries()].map(({ key, value }) => [key, text(value)]))).toEqual(
      work.stateAfter(sequence),
    )
    const outputCount = sequence * work.outputsPerCommit
    const { start, end } = await log.offsets('outputs', task)
    const cut = task === 0 && begun?.offset === start ? begun : task === 0 && done?.offset === start ? done : untouched
    expect(start).toBe(cut.offset)
    if (task === 0 && done) expect(start).toBeGreaterThanOrEqual(done.offset)
    const stored = await readAll(log, at('outputs', task))
    expect(values(stored)).toEqual(
      Array.from({ length: outputCount }, (_, index) =>
        work.outputValue(task, Math.floor(index / work.outputsPerCommit) + 1, index % work.outputsPerCommit),
      ).slice(cut.index),
    )
    const offsets = stored.map(({ offset }) => offset)
    expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b))
    if (spacing === 'dense') {
      expect(end).toBe(outputCount)
      expect(offsets).toEqual(Array.from({ length: end - start }, (_, index) => start + index))
    }
    const rows = (await readAll(log, at('table'))).filter(({ key }) => key === `task ${task}`)
    expect(values(rows).at(-1)).toBe(sequence === 0 ? undefined : String(sequence))
    expect(values(rows).map(Number)).toEqual(
      values(rows)
        .map(Number)
        .sort((a, b) => a - b),
    )
    // The task goes on where it stopped.
    const next = work.recordsOfRound(sequence + 1).commits[task]
    if (next) await opened.commit(next)
    await place.settled()
    const after = await readAll(log, at('outputs', task))
    expect(after.slice(0, stored.length)).toEqual(stored)
    expect(values(after.slice(stored.length))).toEqual(
      Array.from({ length: work.outputsPerCommit }, (_, index) => work.outputValue(task, sequence + 1, index)),
    )
    expect(after[stored.length]?.offset).toBeGreaterThanOrEqual(end)
  }
  await log.maintain()
  await membership.leave()
}

/** Makes the append of a round. */
async function append(log: Log, round: number): Promise<boolean> {
  const { records, id } = work.recordsOfRound(round).append
  return await log.append(records, id)
}
