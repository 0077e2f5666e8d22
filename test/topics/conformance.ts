/**
 * What every log must do, written against the port alone. Each log runs it with a harness that knows how to open it, how to compete
 * with it, and how to break it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
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
  /** With all logs closed: makes a state entry of the task look like that of a commit which its progress does not have. */
  putStateAhead(group: string, task: number, key: string): Promise<void>
  /** How a child process opens the log, for processing or beside the processing one. */
  childLog(role: 'owner' | 'client'): Readonly<Record<string, unknown>>
  remove(): Promise<void>
}

/** What a log brings to run the suite. */
export interface LogHarness {
  create(): Promise<LogPlace>
  /** State ahead of its progress is refused ('damaged'), or rebuilt from the log. */
  stateAhead: 'refused' | 'rebuilt'
  /** Every fault point that a processing process passes. */
  crashes: readonly Crash[]
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

/** Joins and waits until the task is assigned. */
export async function joinAndOpen(
  log: Log,
  group: Group,
  task = 0,
  listener = silent,
): Promise<{ membership: Membership; opened: OpenTask }> {
  let assigned: () => void = () => undefined
  const gained = new Promise<void>((resolve) => (assigned = resolve))
  const membership = await log.join(group, {
    ...listener,
    gained: (number) => {
      listener.gained(number)
      if (number === task) assigned()
    },
  })
  await gained
  return { membership, opened: await membership.open(task) }
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
      await log.ensureTopics(topics)
    })

    afterEach(async () => {
      for (const opened of [...open]) await closeLog(opened)
      await place.remove()
    })

    describe('order', () => {
      it('keeps the order of a partition over commits of several tasks and appends', async () => {
        const first = await joinAndOpen(log, group, 0)
        const second = await first.membership.open(1)
        for (let round = 1; round <= 5; round += 1) {
          await Promise.all([
            first.opened.commit(
              commitOf(round, [record('outputs', 0, 'a', `a${round}`), record('outputs', 0, 'a', `a${round}'`)], 'p'),
            ),
            second.commit(commitOf(round, [record('outputs', 0, 'b', `b${round}`)], 'p')),
            log.append([record('outputs', 0, 'c', `c${round}`)], `c${round}`),
          ])
        }
        const all = await readAll(log, at('outputs'))
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
        const [stored, empty] = await readAll(log, at('inputs', 1))
        expect(stored).toMatchObject({ topic: 'inputs', partition: 1, key: 'ключ 😀', headers })
        expect(Buffer.from(stored?.value ?? [])).toEqual(Buffer.from(value))
        expect(stored?.timestampMs).toBeGreaterThanOrEqual(before)
        expect(stored?.timestampMs).toBeLessThanOrEqual(Date.now())
        expect(empty).toMatchObject({ key: '' })
        expect(empty?.value).toHaveLength(0)
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
        expect(values(await readAll(log, at('outputs', 0)))).toEqual(['x', 'x2'])
        expect(values(await readAll(log, at('outputs', 1)))).toEqual(['y'])
        expect(values(await readAll(log, at('other-outputs')))).toEqual(['z'])
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
        expect(await log.progress(group.name)).toEqual([])
        expect(await readAll(log, at('other-outputs'))).toEqual([])
        await opened.commit(commitOf(1, [record('other-outputs', 0, 'y')], 'progress 1'))
        expect(values(await readAll(log, at('other-outputs')))).toEqual(['y'])
      })

      it('takes a commit without outputs and one without state', async () => {
        const { opened } = await joinAndOpen(log, group)
        await opened.commit(commitOf(1, [], 'one'))
        await opened.commit(commitOf(2, [record('outputs', 0, 'x')], ''))
        expect(await log.progress(group.name)).toEqual([
          { group: group.name, task: 0, sequence: 2, value: expect.anything() as Uint8Array },
        ])
      })

      it('keeps the unfinished set over a restart when records finish out of order', async () => {
        // A processor in small: progress is the low watermark and the offsets above it that are finished.
        await log.append(
          Array.from({ length: 10 }, (_, index) => record('inputs', 0, `in ${index}`)),
          'inputs',
        )
        const finishOrder = [3, 7, 0, 1, 9, 2, 4, 8, 5, 6]
        let restarts = 0
        for (let done = 0; done < 10; restarts += 1) {
          const { membership, opened } = await joinAndOpen(log, group)
          const progress = JSON.parse(text(opened.progress?.value) ?? '{"low":0,"finished":[]}') as {
            low: number
            finished: number[]
          }
          const { records } = await opened.fetch('inputs', progress.low, patient)
          const unfinished = records.filter(({ offset }) => !progress.finished.includes(offset))
          expect(unfinished.map(({ offset }) => offset)).toEqual(finishOrder.slice(done).sort((a, b) => a - b))
          for (const offset of finishOrder.slice(done, done + 3)) {
            const finished = unfinished.find((stored) => stored.offset === offset)
            progress.finished.push(offset)
            while (progress.finished.includes(progress.low)) progress.low += 1
            progress.finished = progress.finished.filter((past) => past >= progress.low)
            done += 1
            await opened.commit(
              commitOf(done, [record('outputs', 0, `out of ${finished?.key ?? 'nothing'}`)], JSON.stringify(progress)),
            )
          }
          await membership.leave()
          await reopen()
        }
        expect(restarts).toBe(4)
        expect(values(await readAll(log, at('outputs')))).toEqual(finishOrder.map((offset) => `out of in ${offset}`))
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
        expect(values(await readAll(log, at('outputs')))).toEqual(['first', 'second'])
        expect(text(second.state.get('a'))).toBe('2')
        await second.close()
      })

      it('lets a commit that is under way when another opens take effect before that one reads, or never', async () => {
        const { opened } = await joinAndOpen(log, group)
        const outcomes = [1, 2, 3].map((sequence) =>
          codeOf(opened.commit(commitOf(sequence, [record('outputs', 0, `${sequence}`)], `${sequence}`))),
        )
        const second = await place.competitor(group, 0)
        const taken = (await Promise.all(outcomes)).filter((outcome) => outcome === 'no failure').length
        expect(second.progress?.sequence ?? 0).toBe(taken)
        await second.commit(commitOf(taken + 1, [record('outputs', 0, 'second')], 'two'))
        expect(values(await readAll(log, at('outputs')))).toEqual([...[1, 2, 3].slice(0, taken).map(String), 'second'])
        await second.close()
      })

      it('leaves the other tasks of the group alone', async () => {
        const { membership } = await joinAndOpen(log, group)
        const other = await membership.open(1)
        const second = await place.competitor(group, 0)
        await other.commit(commitOf(1, [record('outputs', 1, 'x')], 'one'))
        expect(await log.progress(group.name)).toMatchObject([{ task: 1, sequence: 1 }])
        await second.close()
      })

      it('opens a task again for the same member', async () => {
        const lost: number[] = []
        const { membership, opened } = await joinAndOpen(log, group, 0, { ...silent, lost: (task) => void lost.push(task) })
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
          expect(values(await readAll(log, at('outputs')))).toEqual(['of 1', 'of 2', 'of 3'])
        })
      }

      it('refuses a sequence that does not follow the last one, and writes nothing', async () => {
        for (const wrong of [1, 3, 0]) {
          const { membership, opened } = await joinAndOpen(log, group)
          if (!opened.progress) await opened.commit(commitOf(1, [], 'one'))
          expect(await codeOf(opened.commit(commitOf(wrong, [record('outputs', 0, 'x')], 'wrong')))).toBe('doubt')
          await membership.leave()
        }
        expect(await readAll(log, at('outputs'))).toEqual([])
        expect(await log.progress(group.name)).toMatchObject([{ task: 0, sequence: 1 }])
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
        const { membership, opened } = await joinAndOpen(log, group)
        const other = await membership.open(1)
        const alike = await joinAndOpen(log, { ...group, name: 'processor-2' })
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
        const membership = await log.join(group, silent)
        if (harness.stateAhead === 'refused') {
          expect(await codeOf(membership.open(0))).toBe('damaged')
          return
        }
        const rebuilt = await membership.open(0)
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
        for (let offset = 0; offset <= 10; offset += 1) {
          const { records, nextOffset, endOffset } = await log.read(at('inputs', 0, offset), now)
          expect(values(records)).toEqual(ten.slice(offset).map(({ value }) => text(value)))
          expect(records.map((stored) => stored.offset)).toEqual(ten.slice(offset).map((_, index) => offset + index))
          expect({ nextOffset, endOffset }).toEqual({ nextOffset: 10, endOffset: 10 })
        }
      })

      it('bounds a read by bytes, but returns at least one record', async () => {
        await log.append(ten, 'ten')
        const bounded = await log.read(at('inputs', 0, 2), { maxBytes: 16, maxWaitSeconds: 0 })
        expect(values(bounded.records)).toEqual(['value 2', 'value 3'])
        expect(bounded.nextOffset).toBe(4)
        expect(values((await log.read(at('inputs', 0, 5), { maxBytes: 1, maxWaitSeconds: 0 })).records)).toEqual([
          'value 5',
        ])
        expect(values(await readAll(log, at('inputs'), 20))).toEqual(ten.map(({ value }) => text(value)))
      })

      it('waits for the next record, at a position past the end too', async () => {
        await log.append(ten.slice(0, 1), 'one')
        const { opened } = await joinAndOpen(log, group)
        const reads = [
          log.read(at('inputs', 0, 1), patient),
          opened.fetch('inputs', 1, patient),
          log.read(at('inputs', 0, 2), patient),
        ]
        await log.append(ten.slice(1, 2), 'two')
        await log.append(ten.slice(2, 3), 'three')
        const [read, fetched, later] = await Promise.all(reads)
        expect(read?.records[0]?.key).toBe('key 1')
        expect(fetched?.records[0]?.key).toBe('key 1')
        expect(later?.records[0]?.key).toBe('key 2')
      })

      it('returns with nothing when the wait is over or aborted', async () => {
        const abort = new AbortController()
        const aborted = log.read(at('inputs'), { ...patient, signal: abort.signal })
        const over = await log.read(at('inputs'), { ...now, maxWaitSeconds: 0.02 })
        expect(over).toEqual({ records: [], nextOffset: 0, endOffset: 0 })
        abort.abort()
        expect(await aborted).toEqual({ records: [], nextOffset: 0, endOffset: 0 })
        expect((await log.read(at('inputs'), { ...patient, signal: AbortSignal.abort() })).records).toEqual([])
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
        expect(await Promise.all([log.append(records, 'same'), log.append(records, 'same')])).toEqual([true, false])
        await reopen()
        expect(await log.append(records, 'same')).toBe(false)
        expect(await log.append(records, 'other')).toBe(true)
        expect(values(await readAll(log, at('inputs', 0)))).toEqual(['a', 'a'])
        expect(values(await readAll(log, at('inputs', 1)))).toEqual(['b', 'b'])
      })

      it('writes all records of an append or none', async () => {
        const tooLarge = { ...record('inputs', 1, 'large'), value: new Uint8Array(64 * 1024 * 1024) }
        expect(await codeOf(log.append([record('inputs', 0, 'a'), tooLarge], 'id'))).toBe('too_large')
        expect(await readAll(log, at('inputs', 0))).toEqual([])
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
        expect(values(await readAll(log, at('inputs')))).toEqual([0, 1, 2, 3, 4].map((index) => `child ${index}`))
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
        expect(values(await readAll(log, at('inputs', 1)))).toEqual(['kept'])
      })

      it('describes offsets, counts and sizes', async () => {
        await log.append(
          [record('inputs', 0, 'a', 'x'.repeat(1000)), record('inputs', 1, 'b'), record('inputs', 1, 'c')],
          'one',
        )
        const described = (await log.describeTopics()).find((topic) => topic.name === 'inputs')
        expect(described).toMatchObject({
          partitions: 2,
          compacted: false,
          startOffsets: [0, 0],
          endOffsets: [1, 2],
          records: 3,
        })
        expect(described?.bytes).toBeGreaterThanOrEqual(1000)
        expect(described?.bytes).toBeLessThan(3000)
      })

      it('keeps namespaces apart and out of the names', async () => {
        const other = await openLog('replay')
        expect(other.namespace).toBe('replay')
        expect(await other.describeTopics()).toEqual([])
        expect(await codeOf(other.read(at('inputs'), now))).toBe('unknown_topic')
        await other.ensureTopics([{ name: 'inputs', partitions: 1, compacted: false }])
        expect(await log.append([record('inputs', 0, 'a', 'of log')], 'same id')).toBe(true)
        expect(await other.append([record('inputs', 0, 'a', 'of other')], 'same id')).toBe(true)
        const mine = await joinAndOpen(log, group)
        const theirs = await joinAndOpen(other, { ...group, tasks: 1 })
        await mine.opened.commit(commitOf(1, [], 'mine', [change('key', 'mine')]))
        expect(theirs.opened.state.get('key')).toBeUndefined()
        await theirs.opened.commit(commitOf(1, [], 'theirs', [change('key', 'theirs')]))
        expect(values(await readAll(log, at('inputs')))).toEqual(['of log'])
        expect(values(await readAll(other, at('inputs')))).toEqual(['of other'])
        expect((await readAll(other, at('inputs')))[0]?.topic).toBe('inputs')
        expect((await other.describeTopics()).map((topic) => topic.name)).toEqual(['inputs'])
        expect((await log.progress(group.name)).map(({ value }) => text(value))).toEqual(['mine'])
        expect((await other.progress(group.name)).map(({ value }) => text(value))).toEqual(['theirs'])
        expect((await other.progress(group.name))[0]?.group).toBe(group.name)
        await closeLog(other)
        expect(values(await readAll(log, at('inputs')))).toEqual(['of log'])
      })
    })

    describe('schemas', () => {
      it('gives each distinct schema text one positive id, for good', async () => {
        const [a, b, again] = await Promise.all([
          log.schemas.idOf('a', '{"a":1}'),
          log.schemas.idOf('b', '{"b":1}'),
          log.schemas.idOf('a', '{"a":1}'),
        ])
        expect(a).toBeGreaterThan(0)
        expect(b).not.toBe(a)
        expect(again).toBe(a)
        await reopen()
        expect(await log.schemas.idOf('a', '{"a":1}')).toBe(a)
        expect(await log.schemas.schemaOf(b)).toBe('{"b":1}')
        expect(await codeOf(log.schemas.schemaOf(987_654))).toBe('unknown_schema')
      })
    })

    describe('retention', () => {
      it('forgets records below an offset and never gives an offset again', async () => {
        for (let index = 0; index < 6; index += 2)
          await log.append([record('inputs', 0, `${index}`), record('inputs', 0, `${index + 1}`)], `${index}`)
        await log.deleteBefore(at('inputs', 0, 3))
        expect(await log.offsets('inputs', 0)).toEqual({ start: 3, end: 6 })
        expect(values((await log.read(at('inputs', 0, 0), now)).records)).toEqual(['3', '4', '5'])
        await log.deleteBefore(at('inputs', 0, 1))
        expect(await log.offsets('inputs', 0)).toEqual({ start: 3, end: 6 })
        await log.deleteBefore(at('inputs', 0, 6))
        expect(await readAll(log, at('inputs'))).toEqual([])
        await reopen()
        expect(await log.offsets('inputs', 0)).toEqual({ start: 6, end: 6 })
        await log.append([record('inputs', 0, 'next')], 'next')
        const { records } = await log.read(at('inputs'), now)
        expect(records).toMatchObject([{ offset: 6, key: 'next' }])
        expect((await log.describeTopics()).find((topic) => topic.name === 'inputs')).toMatchObject({
          records: 1,
          startOffsets: [6, 0],
          endOffsets: [7, 0],
        })
      })

      it('has the janitor cut what every group has finished and is old enough', async () => {
        const other = await openLog('replay')
        await log.append(
          Array.from({ length: 10 }, (_, index) => record('inputs', 0, `${index}`)),
          'old',
        )
        await log.append([record('inputs', 1, 'x'), record('other-outputs', 0, 'x')], 'more')
        const replayed: Group = { ...group, name: 'replayed' }
        await other.ensureTopics([topics[0] ?? { name: 'inputs', partitions: 2, compacted: false }])
        const mine = await joinAndOpen(log, group)
        const theirs = await joinAndOpen(other, replayed)
        const clock = { nowMs: Date.now() }
        const cut = (): ReturnType<typeof cutTransientTopics> =>
          cutTransientTopics({
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
        clock.nowMs += 200_000
        expect(await cut()).toEqual([])
        await mine.opened.commit(commitOf(1, [], '8'))
        // The replay has read nothing yet.
        expect(await cut()).toEqual([])
        await theirs.opened.commit(commitOf(1, [], '5'))
        clock.nowMs -= 200_000
        expect(await cut()).toEqual([])
        clock.nowMs += 200_000
        expect(await cut()).toEqual([{ topic: 'inputs', partition: 0, offset: 5 }])
        expect(values(await readAll(log, at('inputs')))).toEqual(['5', '6', '7', '8', '9'])
        expect(await cut()).toEqual([])
        expect(values(await readAll(log, at('inputs', 1)))).toEqual(['x'])
        expect(values(await readAll(log, at('other-outputs')))).toEqual(['x'])
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
        await log.maintain()
        const expected = [23, 24, 25, 26, 27, 28, 29]
        const kept = await readAll(log, at('table'), 1)
        for (const round of expected) {
          const last = kept.filter(({ key }) => key === `key ${round % 7}`).at(-1)
          expect(last).toMatchObject({ offset: round, key: `key ${round % 7}` })
          expect(text(last?.value)).toBe(`value ${round}`)
        }
        expect(await log.offsets('table', 0)).toMatchObject({ end: 30 })
        expect(await readAll(log, at('inputs'))).toHaveLength(30)
        for (const offset of [0, 10, 25, 29]) {
          const { records, nextOffset } = await log.read(at('table', 0, offset), now)
          expect(records.every((stored) => stored.offset >= offset)).toBe(true)
          expect(nextOffset).toBe(30)
        }
        await log.append([record('table', 0, 'key 0', 'newest')], 'newest')
        await reopen()
        expect((await readAll(log, at('table'))).at(-1)).toMatchObject({ offset: 30, key: 'key 0' })
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
        expect(await log.progress(group.name)).toEqual([])
      })
    })

    describe('a crash', () => {
      for (const { point, occurrence } of harness.crashes) {
        it(`at ${point}, pass ${occurrence}, leaves every write whole or absent`, async () => {
          await closeLog(log)
          const child = startChild({
            log: place.childLog('owner'),
            scenario: 'work',
            rounds: 40,
            faultPoint: point,
            occurrence,
          })
          expect(await child.ended).toMatchObject({ signal: 'SIGKILL', errors: '' })
          log = await openLog()
          await checkWork(log, child.events)
        })
      }

      it('at any moment leaves every write whole or absent', async () => {
        for (const rounds of [3, 11, 19]) {
          const killed = await harness.create()
          const child = startChild({ log: killed.childLog('owner'), scenario: 'work', rounds: 100_000 })
          await child.event('appended', rounds)
          child.kill()
          await child.ended
          const after = await killed.open()
          await checkWork(after, child.events)
          await after.close()
          await killed.remove()
        }
      })
    })

    it('reads as a model says after random commits, appends, deletions, upkeep and restarts', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 40 }), async (operations) => {
          const tried = await harness.create()
          const model = new Model()
          let current = await tried.open()
          try {
            await current.ensureTopics(topics)
            let { opened } = await joinAndOpen(current, group)
            for (const [index, step] of operations.entries()) {
              if (step.kind === 'append') {
                const records = step.records.map((output, part) =>
                  record(output.topic, output.partition, output.key, `${index}.${part} ${output.filling}`),
                )
                await current.append(records, `${index}`)
                model.write(records)
              } else if (step.kind === 'commit') {
                const records = step.records.map((output, part) =>
                  record(output.topic, output.partition, output.key, `${index}.${part} ${output.filling}`),
                )
                const state = step.state.map(({ key, remove }) => change(key, remove ? undefined : `${index}`))
                model.sequence += 1
                await opened.commit(commitOf(model.sequence, records, `${index}`, state))
                model.write(records)
                for (const { key, value } of state) {
                  if (value) model.state.set(key, `${index}`)
                  else model.state.delete(key)
                }
              } else if (step.kind === 'delete') {
                await current.deleteBefore(at(step.topic, step.partition, step.offset))
                model.deleteBefore(step.topic, step.partition, step.offset)
              } else if (step.kind === 'maintain') {
                await current.maintain()
              } else if (step.kind === 'restart') {
                await current.close()
                current = await tried.open()
                opened = (await joinAndOpen(current, group)).opened
                expect(opened.progress?.sequence ?? 0).toBe(model.sequence)
              } else {
                const { records, nextOffset } = await current.read(at(step.topic, step.partition, step.offset), {
                  maxBytes: step.maxBytes,
                  maxWaitSeconds: 0,
                })
                model.check(step.topic, step.partition, step.offset, records, nextOffset)
              }
            }
            for (const topic of topics) {
              for (let partition = 0; partition < topic.partitions; partition += 1) {
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
        { numRuns: 40 },
      )
    })
  })
}

const place = fc.constantFrom(
  { topic: 'inputs', partition: 1 },
  { topic: 'outputs', partition: 0 },
  { topic: 'table', partition: 0 },
)
const output = fc
  .tuple(place, fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom(0, 1, 50, 3000))
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
      .tuple(place, fc.nat({ max: 25 }), fc.constantFrom(1, 100, 100_000))
      .map(([where, offset, maxBytes]) => ({ kind: 'read' as const, ...where, offset, maxBytes })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(place, fc.nat({ max: 20 }))
      .map(([where, offset]) => ({ kind: 'delete' as const, ...where, offset })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'maintain' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
)

/** What a log should hold, in plain lists. */
class Model {
  sequence = 0
  readonly state = new Map<string, string>()
  private readonly partitions = new Map<
    string,
    { start: number; records: { key: string; value: string | undefined }[] }
  >()

  write(records: readonly OutgoingRecord[]): void {
    for (const { topic, partition, key, value } of records)
      this.partition(topic, partition).records.push({ key, value: text(value) })
  }

  deleteBefore(topic: string, partition: number, offset: number): void {
    const known = this.partition(topic, partition)
    known.start = Math.max(known.start, Math.min(offset, known.records.length))
  }

  /** Checks a read from `from` that ended before `next`. */
  check(topic: string, partition: number, from: number, read: readonly StoredRecord[], next: number): void {
    const { start, records } = this.partition(topic, partition)
    const first = Math.max(from, start)
    expect(next).toBeGreaterThanOrEqual(Math.min(first, records.length))
    const expected = records.map((stored, offset) => ({ ...stored, offset })).slice(first, Math.max(first, next))
    const got = read.map(({ key, value, offset }) => ({ key, value: text(value), offset }))
    if (topic !== 'table') {
      expect(got).toEqual(expected)
      return
    }
    // Compaction may have taken records, but none that is its key's last.
    const lastOf = new Map(records.map(({ key }, offset) => [key, offset]))
    expect(expected).toEqual(expect.arrayContaining(got))
    expect(got.map(({ offset }) => offset)).toEqual(got.map(({ offset }) => offset).sort((a, b) => a - b))
    expect(got).toEqual(expect.arrayContaining(expected.filter(({ key, offset }) => lastOf.get(key) === offset)))
  }

  private partition(
    topic: string,
    partition: number,
  ): { start: number; records: { key: string; value: string | undefined }[] } {
    const id = `${topic}/${partition}`
    let known = this.partitions.get(id)
    if (!known) this.partitions.set(id, (known = { start: 0, records: [] }))
    return known
  }
}

/** Checks what the child of a crash test left: everything that was acknowledged is there, and of the rest all or nothing. */
async function checkWork(log: Log, events: readonly ChildEvent[]): Promise<void> {
  await log.ensureTopics(work.workTopics)
  const { membership } = await joinAndOpen(log, work.workGroup)
  const deletions = events.flatMap((event) => (typeof event['deleting'] === 'number' ? [event['deleting']] : []))
  const deleted = events.flatMap((event) => (typeof event['deleted'] === 'number' ? [event['deleted']] : []))
  for (let task = 0; task < work.workGroup.tasks; task += 1) {
    const opened = await membership.open(task)
    const sequence = opened.progress?.sequence ?? 0
    const acknowledged = events.filter((event) => event['task'] === task).length
    expect([acknowledged, acknowledged + 1]).toContain(sequence)
    expect(text(opened.progress?.value)).toBe(sequence === 0 ? undefined : `progress ${sequence}`)
    expect(new Map([...opened.state.entries()].map(({ key, value }) => [key, text(value)]))).toEqual(
      work.stateAfter(sequence),
    )
    const { start, end } = await log.offsets('outputs', task)
    expect(end).toBe(sequence * work.outputsPerCommit)
    expect([0, ...(task === 0 ? [...deleted.slice(-1), ...deletions.slice(-1)] : [])]).toContain(start)
    expect(start).toBeGreaterThanOrEqual(task === 0 ? (deleted.at(-1) ?? 0) : 0)
    const stored = await readAll(log, at('outputs', task))
    expect(stored.map(({ offset }) => offset)).toEqual(Array.from({ length: end - start }, (_, index) => start + index))
    for (const { offset, value } of stored) {
      expect(text(value)).toBe(
        work.outputValue(task, Math.floor(offset / work.outputsPerCommit) + 1, offset % work.outputsPerCommit),
      )
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
    expect(await log.offsets('outputs', task)).toMatchObject({ end: end + work.outputsPerCommit })
  }
  const rounds = events.filter((event) => 'appended' in event).length
  const appended = await readAll(log, at('appended'))
  const whole = appended.length / 2
  expect([rounds, rounds + 1]).toContain(whole)
  expect(values(appended)).toEqual(
    Array.from({ length: whole }, (_, index) => [`appended ${index + 1} 0`, `appended ${index + 1} 1`]).flat(),
  )
  for (const round of [rounds, rounds + 1]) {
    if (round === 0) continue
    const { append } = work.recordsOfRound(round)
    expect(await log.append(append.records, append.id)).toBe(round > whole)
  }
  await log.maintain()
  await membership.leave()
}
