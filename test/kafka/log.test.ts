import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Checkpoints } from '../../topics/kafka/checkpoints.ts'
import { Connection } from '../../topics/kafka/connections.ts'
import { openKafkaLog } from '../../topics/kafka/log.ts'
import type { LogRecord } from '../../topics/kafka/records.ts'
import { KafkaTask, type TaskHost } from '../../topics/kafka/task.ts'
import type { Group, Log, OpenTask, TaskCommit } from '../../topics/log.ts'
import {
  codeOf,
  joinAndOpen,
  joinGroup,
  nextRecords,
  readAll,
  record,
  startChild,
  text,
} from '../topics/conformance.ts'
import { noise } from '../topics/noise.mjs'
import { outputsPerCommit, outputValue, recordsOfRound, workGroup, workTopics } from '../topics/work.mjs'
import { KafkaPlace } from './place.ts'
import { Changes, Worker } from './worker.ts'

const now = { maxBytes: 1 << 20, maxWaitSeconds: 0 }
const group: Group = { name: 'processor', inputs: ['inputs'], tasks: 4 }
const topics = [
  { name: 'inputs', partitions: 4, compacted: false },
  { name: 'outputs', partitions: 4, compacted: false },
  { name: 'other-outputs', partitions: 1, compacted: false },
]

let place: KafkaPlace
const open = new Set<Log>()

beforeEach(async () => {
  place = await KafkaPlace.create()
})

afterEach(async () => {
  for (const log of open) await log.close()
  open.clear()
  await place.remove()
})

async function openLog(): Promise<Log> {
  const log = await place.open()
  open.add(log)
  return log
}

/** A log with the topics. */
async function openWithTopics(): Promise<Log> {
  const log = await openLog()
  await log.ensureTopics(topics, [group])
  return log
}

function commitOf(sequence: number, more: Partial<TaskCommit> = {}): TaskCommit {
  return { sequence, outputs: [], state: [], progress: Buffer.from(`progress ${sequence}`), ...more }
}

function stateOf(task: OpenTask): Record<string, string | undefined> {
  return Object.fromEntries([...task.state.entries()].map(({ key, value }) => [key, text(value)]))
}

async function valuesOf(log: Log, topic: string, partition = 0): Promise<(string | undefined)[]> {
  await place.settled()
  return (await readAll(log, { topic, partition, offset: 0 })).map(({ value }) => text(value))
}

/** Runs work with a clock that may be set so many hours off. */
async function withClock(work: (set: (hours: number) => void) => Promise<void>): Promise<void> {
  const rightNow = Date.now.bind(Date)
  let offMs = 0
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => rightNow() + offMs)
  try {
    await work((hours) => (offMs = hours * 3_600_000))
  } finally {
    clock.mockRestore()
  }
}

describe('tasks that move between members', () => {
  const changes = new Changes()
  const workers: Worker[] = []

  async function startWorker(name: string): Promise<Worker> {
    const worker = await Worker.start(await openLog(), group, name, 'outputs', changes)
    workers.push(worker)
    return worker
  }

  async function stopWorker(worker: Worker): Promise<void> {
    workers.splice(workers.indexOf(worker), 1)
    await worker.stop()
  }

  /** Waits until these have all tasks between them, each its even share, and commit in all of them. */
  async function balanced(...members: readonly Worker[]): Promise<void> {
    const least = Math.floor(group.tasks / members.length)
    await changes.until(
      () =>
        members.reduce((sum, worker) => sum + worker.open.size, 0) === group.tasks &&
        members.every((worker) => worker.open.size >= least),
    )
    const counts = members.map((worker) => worker.acknowledged.length)
    await changes.until(() => members.every((worker, index) => worker.acknowledged.length > (counts[index] ?? 0) + 8))
  }

  /** What is in the log: of each task the numbers of its commits, as they were written. */
  async function written(log: Log): Promise<(string | undefined)[][]> {
    return await Promise.all(Array.from({ length: group.tasks }, (_, task) => valuesOf(log, 'outputs', task)))
  }

  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker.stop()
  })

  it('move alone, the fewest that make it even, and are never open twice', async () => {
    const log = await openWithTopics()
    const a = await startWorker('a')
    await balanced(a)
    const b = await startWorker('b')
    await balanced(a, b)
    expect(a.told.filter((event) => event.startsWith('lost'))).toHaveLength(2)
    const c = await startWorker('c')
    await balanced(a, b, c)
    const keptBy = { a: [...a.open], c: [...c.open] }
    const before = { a: a.told.length, c: c.told.length }
    await stopWorker(b)
    await balanced(a, c)
    // Whoever stays keeps what it has.
    expect([...a.open]).toEqual(expect.arrayContaining(keptBy.a))
    expect([...c.open]).toEqual(expect.arrayContaining(keptBy.c))
    expect(a.told.slice(before.a).concat(c.told.slice(before.c))).not.toContainEqual(expect.stringMatching('lost'))
    await stopWorker(c)
    await balanced(a)
    await stopWorker(a)

    const all = [a, b, c]
    for (const { refusals } of all) expect(refusals).toEqual([])
    const lists = await written(log)
    for (const [task, values] of lists.entries()) {
      expect(values).toEqual(values.map((_, index) => String(index + 1)))
      const acknowledged = all.flatMap((worker) => worker.acknowledged.filter((commit) => commit.task === task))
      expect(acknowledged.map(({ sequence }) => sequence).sort((x, y) => x - y)).toEqual(values.map(Number))
    }
  })

  it('stay where they are, and are committed on, when the clock of the machine jumps', async () => {
    const log = await openWithTopics()
    const [a, b] = [await startWorker('a'), await startWorker('b')]
    await balanced(a, b)
    const told = [...a.told, ...b.told]
    await withClock(async (set) => {
      for (const hours of [-48, 0.9, -24 * 365]) {
        set(hours)
        await balanced(a, b)
      }
    })
    expect([...a.told, ...b.told]).toEqual(told)
    for (const worker of [a, b]) await stopWorker(worker)
    // A request that was under way may count as overdue: its commit is in doubt, and the sequence tells.
    expect([...a.refusals, ...b.refusals].filter((code) => code !== 'doubt')).toEqual([])
    for (const values of await written(log)) expect(values).toEqual(values.map((_, index) => String(index + 1)))
  }, 180_000)

  it('tell of each gain at most one loss, and of a loss before the next gain', async () => {
    await openWithTopics()
    const a = await startWorker('a')
    for (let round = 0; round < 3; round += 1) {
      const b = await startWorker(`b${round}`)
      await balanced(a, b)
      await stopWorker(b)
      await balanced(a)
    }
    for (let task = 0; task < group.tasks; task += 1) {
      const events = a.told.filter((event) => event.endsWith(` ${task}`)).map((event) => event.split(' ')[0])
      expect(events).toEqual(events.map((_, index) => (index % 2 === 0 ? 'gained' : 'lost')))
    }
  })

  it('go to another only when what is finished is committed', async () => {
    const log = await openWithTopics()
    const opened = new Map<number, OpenTask>()
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => (release = resolve))
    const lost: number[] = []
    const membership = await log.join(group, {
      gained: () => changes.notify(),
      lost: async (task) => {
        lost.push(task)
        changes.notify()
        await released
        await opened
          .get(task)
          ?.commit(commitOf(1, { outputs: [record('outputs', task, 'a', 'the last of the first')] }))
      },
      failed: () => undefined,
    })
    for (let task = 0; task < group.tasks; task += 1) opened.set(task, await untilAssigned(() => membership.open(task)))
    const b = await startWorker('b')
    await changes.until(() => lost.length === 2)
    // The other has joined, and waits: also after the heartbeats at which members hear of a new assignment.
    const kept = [0, 1, 2, 3].filter((task) => !lost.includes(task))
    const untilMs = performance.now() + 4000
    for (let sequence = 1; performance.now() < untilMs; sequence += 1)
      for (const task of kept) await opened.get(task)?.commit(commitOf(sequence))
    expect(b.told).toEqual([])
    release()
    await changes.until(() => b.open.size === 2)
    expect([...b.open].sort()).toEqual([...lost].sort())
    await stopWorker(b)
    for (const task of lost)
      expect((await valuesOf(log, 'outputs', task)).slice(0, 2)).toEqual(['the last of the first', '2'])
  })

  it('go to another in the end when they are not given up, and their old owner is fenced', async () => {
    const log = await openWithTopics()
    const opened = new Map<number, OpenTask>()
    const lost: number[] = []
    const membership = await log.join(group, {
      gained: () => undefined,
      lost: (task) => {
        lost.push(task)
        return new Promise(() => undefined)
      },
      failed: () => undefined,
    })
    for (let task = 0; task < group.tasks; task += 1) opened.set(task, await untilAssigned(() => membership.open(task)))
    const b = await startWorker('b')
    await changes.until(() => b.open.size === 2)
    for (const task of lost)
      expect(await codeOf(opened.get(task)?.commit(commitOf(1)) ?? Promise.resolve())).toBe('fenced')
    await stopWorker(b)
  })

  it('are taken again by a member that is fenced and still counted in', async () => {
    await openWithTopics()
    const a = await startWorker('a')
    await balanced(a)
    let stranger: OpenTask
    do {
      const refused = a.refusals.length
      stranger = await place.competitor(group, 2)
      await changes.until(() => a.refusals.length > refused)
      await balanced(a)
      // A commit that was under way when the coordinator ended its transaction may end in doubt instead: then its owner just opens again.
    } while (!a.refusals.includes('fenced'))
    expect(a.refusals.filter((code) => code !== 'fenced' && code !== 'doubt')).toEqual([])
    expect(await codeOf(stranger.commit(commitOf((stranger.progress?.sequence ?? 0) + 1)))).toBe('fenced')
    expect(a.told.slice(-2)).toEqual(['lost 2', 'gained 2'])
  })
})

/** Opens a task as soon as it is assigned. */
async function untilAssigned(openTask: () => Promise<OpenTask>): Promise<OpenTask> {
  for (;;) {
    try {
      return await openTask()
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'fenced') throw error
    }
    await new Promise(setImmediate)
  }
}

describe('a process that slept', () => {
  it('commits nothing after its tasks went to another, and does not take them back', async () => {
    const log = await openLog()
    await log.ensureTopics(workTopics, [workGroup])
    const child = startChild({ log: place.childLog(), scenario: 'commit' })
    await child.event('sequence', 5)
    process.kill(child.pid, 'SIGSTOP')
    const { opened } = await joinAndOpen(log, workGroup)
    const taken = opened.progress?.sequence ?? 0
    expect(taken).toBeGreaterThanOrEqual(5)
    const [next] = recordsOfRound(taken + 1).commits
    if (next) await opened.commit(next)
    process.kill(child.pid, 'SIGCONT')
    expect(await child.event('refused')).toEqual({ refused: 'fenced', sequence: taken + 1, again: 'fenced' })
    expect(await child.ended).toMatchObject({ code: 0 })
    expect(child.events.filter((event) => event['task'] === 0)).toHaveLength(taken)
    expect(await valuesOf(log, 'outputs')).toEqual(
      Array.from({ length: (taken + 1) * outputsPerCommit }, (_, index) =>
        outputValue(0, Math.floor(index / outputsPerCommit) + 1, index % outputsPerCommit),
      ),
    )
  })
})

describe('connections that are closed', () => {
  it('leave no socket open, also none of a broker that kafkajs has dropped and somebody used on', async () => {
    await openWithTopics()
    const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    const before = sockets()
    const connection = new Connection(place.connection)
    const topic = place.names.topic('inputs')
    const broker = await connection.leaderOf(topic, 0)
    const { brokerPool } = connection.cluster
    Object.assign(brokerPool, { brokers: {}, seedBroker: undefined })
    await broker.metadata([topic])
    expect(sockets()).toBeGreaterThan(before)
    await connection.close()
    await vi.waitFor(() => expect(sockets()).toBe(before), { timeout: 50_000 })
    // And none is opened any more: that would keep the process alive.
    await expect(broker.metadata([topic])).rejects.toThrow('closed')
  })
})

describe('reads', () => {
  it('that wait wake within a second, all of them', async () => {
    const log = await openWithTopics()
    const latencies: number[] = []
    const ends = [0, 0, 0, 0]
    for (let round = 0; round < 5; round += 1) {
      const waiting = ends.flatMap((offset, partition) =>
        // Several readers of a partition, as several groups are.
        [0, 1, 2].map(async () => {
          const bounds = { maxBytes: 1000, maxWaitSeconds: 30 }
          const records = await nextRecords(
            (from) => log.read({ topic: 'inputs', partition, offset: from }, bounds),
            offset,
          )
          latencies.push(performance.now() - appendedAtMs)
          return records.map(({ key }) => key)
        }),
      )
      let appendedAtMs = performance.now()
      await log.append(
        ends.map((_, partition) => record('inputs', partition, `${round}`)),
        `${round}`,
      )
      appendedAtMs = performance.now()
      expect(await Promise.all(waiting)).toEqual(waiting.map(() => [`${round}`]))
      for (const partition of ends.keys()) ends[partition] = (await log.offsets('inputs', partition)).end
    }
    latencies.sort((a, b) => a - b)
    expect(latencies[Math.floor(latencies.length / 2)]).toBeLessThan(1000)
  })

  it('get large batches of many partitions at once, without waiting', async () => {
    const log = await openWithTopics()
    const value = noise(9_000_000, 'large')
    const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
    for (let partition = 0; partition < 4; partition += 1)
      await log.append(
        [{ ...record('inputs', partition, 'large'), value }, record('inputs', partition, 'small')],
        `${partition}`,
      )
    const read = await Promise.all(
      [0, 1, 2, 3].map(async (partition) => {
        const first = await log.read({ topic: 'inputs', partition, offset: 0 }, { maxBytes: 1000, maxWaitSeconds: 0 })
        const second = await log.read({ topic: 'inputs', partition, offset: first.nextOffset }, now)
        return [...first.records, ...second.records].map(({ key, value: bytes }) => [key, digest(bytes)])
      }),
    )
    const expected = [
      ['large', digest(value)],
      ['small', digest(Buffer.from('small'))],
    ]
    expect(read).toEqual([expected, expected, expected, expected])
  })

  it('see what was committed after transactions of the same task were given up', async () => {
    const log = await openWithTopics()
    const { membership, opened } = await joinAndOpen(log, group)
    const outputs = [0, 1, 2].map((part) => record('outputs', 0, `${part}`, 'given up'))
    let task = opened
    for (let round = 1; round <= 3; round += 1) {
      place.loseNextAnswer('not written')
      expect(await codeOf(task.commit(commitOf(round, { outputs })))).toBe('doubt')
      task = await membership.open(0)
      await task.commit(
        commitOf(round, { outputs: [0, 1, 2].map((part) => record('outputs', 0, `${part}`, `${round}.${part}`)) }),
      )
    }
    const expected = [1, 2, 3].flatMap((round) => [0, 1, 2].map((part) => `${round}.${part}`))
    await place.settled()
    for (const maxBytes of [1, 7, 1 << 20]) {
      const read = await readAll(log, { topic: 'outputs', partition: 0, offset: 0 }, maxBytes)
      expect(read.map(({ value }) => text(value))).toEqual(expected)
    }
  })

  it('go on when a topic that was read is deleted', async () => {
    const log = await openWithTopics()
    await log.append([record('other-outputs', 0, 'x'), record('inputs', 0, 'x')], 'both')
    expect(await valuesOf(log, 'other-outputs')).toEqual(['x'])
    await place.admin.deleteTopics({ topics: [place.names.topic('other-outputs')] })
    const others = Array.from({ length: 20 }, async (_, round) => {
      expect(await codeOf(log.read({ topic: 'other-outputs', partition: 0, offset: 5 }, now))).toBe('unknown_topic')
      await log.append([record('inputs', 0, `${round}`)], `${round}`)
      await log.ensureTopics([{ name: `new-${round % 3}`, partitions: 1, compacted: false }])
      expect(await valuesOf(log, `new-${round % 3}`)).toEqual([])
    })
    await Promise.all(others)
    expect(await valuesOf(log, 'inputs')).toHaveLength(21)
  })
})

describe('progress', () => {
  it('is found behind any number of transactions that were given up', async () => {
    const log = await openWithTopics()
    const { membership, opened } = await joinAndOpen(log, group)
    await opened.commit(commitOf(1))
    const state = Array.from({ length: 40 }, (_, index) => ({ key: `${index}`, value: Buffer.from('given up') }))
    let task = opened
    for (let round = 0; round < 6; round += 1) {
      place.loseNextAnswer('not written')
      expect(await codeOf(task.commit(commitOf(2, { state })))).toBe('doubt')
      task = await membership.open(0)
      expect(stateOf(task)).toEqual({})
    }
    await place.settled()
    expect((await log.progress(group.name)).map(({ sequence, value }) => [sequence, text(value)])).toEqual([
      [1, 'progress 1'],
    ])
    await task.commit(commitOf(2, { state }))
    await place.settled()
    expect(await log.progress(group.name)).toMatchObject([{ task: 0, sequence: 2 }])
  })
})

describe('appends', () => {
  it('of several processes are made once, whoever comes first', async () => {
    const logs = [await openWithTopics(), await openLog(), await openLog()]
    const ids = Array.from({ length: 30 }, (_, index) => `append ${index}`)
    const written = await Promise.all(
      ids.flatMap((id) => logs.map((log) => log.append([record('inputs', 0, id), record('inputs', 1, id)], id))),
    )
    expect(ids.map((_, index) => written.slice(3 * index, 3 * index + 3).filter(Boolean).length)).toEqual(
      ids.map(() => 1),
    )
    for (const partition of [0, 1]) {
      const found = await valuesOf(logs[0] as Log, 'inputs', partition)
      expect(found.sort()).toEqual([...ids].sort())
    }
  })

  it.each(['written', 'not written'] as const)('are settled when an answer is lost: %s', async (effect) => {
    const log = await openWithTopics()
    place.loseNextAnswer(effect)
    expect(await log.append([record('inputs', 0, 'a')], 'a')).toBe(true)
    expect(await log.append([record('inputs', 0, 'a')], 'a')).toBe(false)
    expect(await valuesOf(log, 'inputs')).toEqual(['a'])
  })

  it('of a process that died in the middle do not hold up readers for long', async () => {
    const log = await openWithTopics()
    const child = startChild({
      log: place.childLog(),
      scenario: 'append',
      topic: 'inputs',
      count: 1,
      faultPoint: 'produced',
      occurrence: 1,
    })
    expect(await child.ended).toMatchObject({ signal: 'SIGKILL' })
    // In the same partition: what lies behind an open transaction is not seen until that is given up.
    expect(await log.append([record('inputs', 0, 'later')], 'later')).toBe(true)
    expect(await valuesOf(log, 'inputs')).toEqual(['later'])
  })
})

describe('a process whose clock is so far ahead that brokers refuse its records', () => {
  it('is told so, and writes nothing', async () => {
    const log = await openWithTopics()
    const { membership, opened } = await joinAndOpen(log, group)
    await withClock(async (set) => {
      set(2)
      const early = opened.commit(commitOf(1, { outputs: [record('outputs', 0, 'early')] }))
      await expect(early).rejects.toMatchObject({
        code: 'clock',
        message: expect.stringMatching(/set the clock of this machine, which says \d{4}-/) as string,
      })
      expect(await codeOf(log.append([record('inputs', 0, 'early')], 'early'))).toBe('clock')
    })
    const again = await membership.open(0)
    expect(again.progress).toBeUndefined()
    await again.commit(commitOf(1, { outputs: [record('outputs', 0, 'right')] }))
    expect(await valuesOf(log, 'outputs')).toEqual(['right'])
    expect(await valuesOf(log, 'inputs')).toEqual([])
  })
})

describe('a commit that the broker finds too large', () => {
  it('leaves nothing behind for the next commit', async () => {
    const log = await openWithTopics()
    await place.admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: place.names.topic('outputs'),
          configEntries: [{ name: 'max.message.bytes', value: '2000' }],
        },
      ],
    })
    const { membership, opened } = await joinAndOpen(log, group)
    const large = { ...record('outputs', 0, 'large'), value: noise(10_000, 'large') }
    const refused = commitOf(1, { outputs: [record('other-outputs', 0, 'refused'), large] })
    expect(await codeOf(opened.commit(refused))).toBe('too_large')
    const small = commitOf(1, { outputs: [record('other-outputs', 0, 'small')] })
    expect(await codeOf(opened.commit(small))).toBe('doubt')
    const again = await membership.open(0)
    expect(again.progress).toBeUndefined()
    await again.commit(small)
    expect(await valuesOf(log, 'other-outputs')).toEqual(['small'])
  })
})

describe('a changelog', () => {
  it('is told from any other by one record, which is written when its task is first opened', async () => {
    const log = await openWithTopics()
    for (let round = 0; round < 2; round += 1) {
      const { membership, open: openTask } = await joinAndOpen(log, group)
      await Promise.all(Array.from({ length: group.tasks }, (_, task) => openTask(task)))
      await membership.leave()
    }
    await place.settled()
    const { reads } = place.host(group)
    const identities = await Promise.all(
      Array.from({ length: group.tasks }, async (_, task) => {
        const { records } = await reads.read(place.names.changelog(group.name), task, 0, now)
        expect(records.map(({ key }) => key)).toEqual(['identity'])
        return text(records[0]?.value)
      }),
    )
    expect(new Set(identities).size).toBe(group.tasks)
  })
})

describe('a task that is opened for the first time', () => {
  it('is opened again when the answer to its first record is lost: the log was away, which is waited for', async () => {
    await openWithTopics()
    let isLost = false
    const log = await openKafkaLog({
      ...place.options(),
      onStep: (step) => {
        if (step !== 'identified' || isLost) return
        isLost = true
        throw new Error('the answer is lost')
      },
    })
    open.add(log)
    const joined = await joinGroup(log, group)
    expect(await codeOf(joined.open(0))).toBe('unreachable')
    const opened = await joined.open(0)
    await opened.commit(commitOf(1))
  })
})

describe('the local copy of a task', () => {
  let directory: string
  let checkpoints: Checkpoints
  let host: TaskHost
  const scope = 'here'

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wellspring-state-'))
    checkpoints = Checkpoints.open(directory)
    await openWithTopics()
    host = place.host(group, { checkpoints, scope })
    const task = await KafkaTask.open(host, 0)
    for (const sequence of [1, 2, 3])
      await task.commit(commitOf(sequence, { state: [{ key: `of ${sequence}`, value: Buffer.from(`${sequence}`) }] }))
    await task.close()
    await place.settled()
    // What only the copy has: it shows whether the copy was used.
    await mark({})
  })

  afterEach(async () => {
    await checkpoints.close()
    rmSync(directory, { recursive: true })
  })

  const committed = { 'of 1': '1', 'of 2': '2', 'of 3': '3' }

  /** Puts a mark among the copied state, and changes what the copy says of itself. */
  async function mark(change: Partial<NonNullable<ReturnType<Checkpoints['checkpoint']>>>): Promise<void> {
    const checkpoint = checkpoints.checkpoint(scope, group.name, 0)
    if (!checkpoint) throw new Error('there is no copy')
    const entry = checkpoints.state(scope, group.name, 0).entryOf({ key: 'mark', value: Buffer.from('copied') }, 3)
    await checkpoints.write(scope, group.name, 0, [entry], { ...checkpoint, ...change })
  }

  async function reopened(): Promise<OpenTask> {
    return await KafkaTask.open(host, 0)
  }

  /** Replaces the changelog by a new topic with some of its records, as from a backup. */
  async function restore(choose: (all: readonly LogRecord[]) => readonly LogRecord[]): Promise<void> {
    const topic = place.names.changelog(group.name)
    const { records: all } = await host.reads.read(topic, 0, 0, { maxBytes: 1 << 20, maxWaitSeconds: 0 })
    await place.admin.deleteTopics({ topics: [topic] })
    await untilDeleted(topic)
    const log = await openLog()
    await log.ensureTopics(topics, [group])
    const producer = new kafkajs.Kafka({
      ...place.connection,
      brokers: [...place.connection.brokers],
      logLevel: kafkajs.logLevel.NOTHING,
    }).producer()
    await producer.connect()
    const kept = choose(all)
    if (kept.length > 0) {
      await producer.send({
        topic,
        messages: kept.map(({ key, value, headers }) => ({
          partition: 0,
          key,
          value: value ?? null,
          ...(headers && { headers }),
        })),
      })
    }
    await producer.disconnect()
  }

  async function untilDeleted(topic: string): Promise<void> {
    while ((await place.admin.listTopics()).includes(topic)) await new Promise(setImmediate)
  }

  it('is used where the changelog goes on from it', async () => {
    const task = await reopened()
    expect(stateOf(task)).toEqual({ ...committed, mark: 'copied' })
    expect(task.progress?.sequence).toBe(3)
    await task.commit(commitOf(4, { state: [{ key: 'of 4', value: Buffer.from('4') }] }))
    // Also by the next process, after one that was killed or left.
    await checkpoints.close()
    checkpoints = Checkpoints.open(directory)
    host = place.host(group, { checkpoints, scope })
    expect(stateOf(await reopened())).toEqual({ ...committed, mark: 'copied', 'of 4': '4' })
  })

  it('takes in what others committed since', async () => {
    const elsewhere = await place.competitor(group, 0)
    await elsewhere.commit(
      commitOf(4, {
        state: [
          { key: 'of 4', value: Buffer.from('4') },
          { key: 'of 1', value: undefined },
        ],
      }),
    )
    await elsewhere.close()
    const task = await reopened()
    expect(stateOf(task)).toEqual({ 'of 2': '2', 'of 3': '3', 'of 4': '4', mark: 'copied' })
    expect(task.progress?.sequence).toBe(4)
  })

  it('is not used when it goes further than the changelog, which was restored from a backup', async () => {
    // The identity, then state and progress of two commits.
    await restore((all) => all.slice(0, 5))
    const task = await reopened()
    expect(stateOf(task)).toEqual({ 'of 1': '1', 'of 2': '2' })
    expect(task.progress?.sequence).toBe(2)
    await task.commit(commitOf(3))
  })

  it('is not used for another changelog of the same name', async () => {
    const another = { offset: 0, timestampMs: 0, key: 'identity', value: Buffer.from('another'), headers: undefined }
    // Longer than the copy.
    await restore(([, ...commits]) => [another, ...commits, ...commits])
    expect(stateOf(await reopened())).toEqual(committed)
  })

  it('is not used when the changelog was emptied', async () => {
    await restore(() => [])
    const task = await reopened()
    expect(stateOf(task)).toEqual({})
    expect(task.progress).toBeUndefined()
    await task.commit(commitOf(1))
  })

  it('is not used when removals may be missing from the changelog by now', async () => {
    await mark({ writtenAtMs: Date.now() - 13 * 3_600_000 })
    expect(stateOf(await reopened())).toEqual(committed)
  })

  it('is not used when it was left before it was known of which changelog it is', async () => {
    await mark({ identity: '', identityOffset: -1, offset: 1, progress: undefined })
    expect(stateOf(await reopened())).toEqual(committed)
  })
})
