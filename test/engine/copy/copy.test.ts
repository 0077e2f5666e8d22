import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { schemaSubjects } from '../../../cli/needs.ts'
import { copyCorpus, type CopyReport, type CopyStatus } from '../../../engine/copy/copy.ts'
import { copyGroup, refuseUnfinishedCopy } from '../../../engine/copy/copy-progress.ts'
import { HeldTasks } from '../../../engine/copy/held-tasks.ts'
import { keptCallKey } from '../../../engine/copy/positions.ts'
import type { TaskMark } from '../../../engine/copy/task-copy.ts'
import { changelogSubject } from '../../../engine/task/changelog.ts'
import { deadLetters, topics, topicSpecifications } from '../../../topics/catalogue.ts'
import { RecordCodec, schemaIdOf } from '../../../topics/codec.ts'
import { openEmbeddedLog } from '../../../topics/embedded/log.ts'
import { LogError, type Log, type LogErrorCode, type Membership } from '../../../topics/log.ts'
import * as make from '../../processors/records.ts'
import { contentOf, CorpusWriter, groupNamed, groups, readPartition, withTasks } from './corpus.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wellspring-copy-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const open = (name: string): Promise<Log> => openEmbeddedLog({ directory: join(root, name), mode: 'owner' })

async function using<Result>(name: string, work: (log: Log) => Promise<Result>): Promise<Result> {
  const log = await open(name)
  try {
    return await work(log)
  } finally {
    await log.close()
  }
}

interface CopyingOptions {
  signal?: AbortSignal
  onStatus?: (status: CopyStatus) => void
  /** Records in a commit; a few by default, so that a small corpus takes many commits. */
  chunkRecords?: number
  /** What happens to the target between the copy and its check. */
  beforeCheck?: (target: Log) => Promise<void>
  /** How the target is seen by the check. */
  asChecked?: (target: Log) => Log
}

/** A log in which some calls do something else. */
function withCalls(log: Log, calls: Partial<Log>): Log {
  return new Proxy(log, {
    get: (_, name: keyof Log) => {
      const value = calls[name] ?? log[name]
      return typeof value === 'function' ? (value.bind(log) as unknown) : value
    },
  })
}

async function copy(from: string, to: string, options: CopyingOptions = {}): Promise<CopyReport> {
  const {
    signal = new AbortController().signal,
    onStatus = () => undefined,
    chunkRecords = 7,
    beforeCheck,
    asChecked,
  } = options
  let opened = 0
  return await using(from, (source) =>
    copyCorpus({
      ...{
        source,
        groups,
        subjects: schemaSubjects(),
        signal,
        onStatus,
        from: `the folder ${from}`,
        chunk: { records: chunkRecords, bytes: 1 << 20 },
      },
      openTarget: async () => {
        const target = await open(to)
        await target.ensureTopics(topicSpecifications(), groups)
        if (++opened < 2) return target
        await beforeCheck?.(target)
        return asChecked?.(target) ?? target
      },
    }),
  )
}

let written: string
beforeAll(async () => {
  written = mkdtempSync(join(tmpdir(), 'wellspring-corpus-'))
  const log = await openEmbeddedLog({ directory: written, mode: 'owner' })
  await new CorpusWriter(log).write()
  await log.close()
})
afterAll(() => rmSync(written, { recursive: true }))

/** Puts the corpus into a folder. */
function write(name: string): void {
  cpSync(written, join(root, name), { recursive: true })
}

async function appendSeed(name: string, id: string): Promise<void> {
  await using(name, async (log) => {
    const codec = new RecordCodec(log.schemas)
    await codec.prepare(topics.seeds.name, 'seed')
    const value = codec.encode(topics.seeds.name, 'seed', make.seed({ id }))
    await log.append([{ topic: topics.seeds.name, partition: 0, key: id, value }], `more/${id}`)
  })
}

describe('a copied corpus', () => {
  it.each([7, 100_000])(
    'holds the same, and every position leads to the same record; %i records in a commit',
    async (chunkRecords) => {
      write('a')
      const report = await copy('a', 'b', { chunkRecords })
      const [before, after] = [await using('a', contentOf), await using('b', contentOf)]
      expect(after).toEqual(before)
      const told = JSON.stringify(before)
      for (const sort of ['verdicts/', 'screened-problems/', 'rollout-requests/', 'dead-letters/'])
        expect(told, `the corpus names no position in ${sort}`).toContain(`"${sort}`)
      expect(told).toContain('"gone"')
      expect(report).toMatchObject({ recordsBefore: 0, recordsSince: 0, unknownTopics: [], tasks: 24 })
      const described = await using('a', (log) => log.describeTopics())
      expect(report.records).toBe(described.reduce((sum, one) => sum + one.records, 0))
      expect(Object.keys(report.gonePositions)).toEqual([topics.discards.name])
    },
  )

  it('is the same again after it was copied on', async () => {
    write('a')
    await copy('a', 'b')
    await copy('b', 'c')
    expect(await using('c', contentOf)).toEqual(await using('a', contentOf))
  })

  it('has -1 for positions of records that retention had taken, and no other record in their place', async () => {
    write('a')
    await copy('a', 'b')
    const offsets = await using('b', async (log) => {
      const codec = new RecordCodec(log.schemas)
      const all: number[] = []
      for (let partition = 0; partition < topics.discards.partitions; partition++) {
        for (const { value } of await readPartition(log, topics.discards.name, partition)) {
          await codec.learn(value)
          const { recordId, topic, partition: at, offset } = codec.decode('discard', value)
          all.push(offset)
          if (offset < 0) continue
          const { records } = await log.read({ topic, partition: at, offset }, { maxBytes: 1, maxWaitSeconds: 0 })
          expect(records[0]).toMatchObject({ offset, key: recordId })
        }
      }
      return all
    })
    expect(offsets).toContain(-1)
    expect(offsets.some((offset) => offset >= 0)).toBe(true)
  })

  it('keeps bytes that are no record of ours, but for the id of a schema that nobody knows', async () => {
    write('a')
    await copy('a', 'b')
    const letters = await using('b', async (log) => {
      const all = await Promise.all(
        Array.from({ length: deadLetters.partitions }, (_, partition) =>
          readPartition(log, deadLetters.name, partition),
        ),
      )
      return all.flat().map(({ value }) => Buffer.from(value).toString('latin1'))
    })
    expect(letters).toContain('no record')
    expect(letters).toContain('\0\xff\xff\xff\xff\x01\x02\x03')
  })
})

describe('a value of a schema that the source does not know', () => {
  it('is of none that the target knows either, or will', async () => {
    // The source knows one schema; the target knows all, so that any small number is one of them.
    await using('a', (log) => log.ensureTopics(topicSpecifications(), groups))
    await appendSeed('a', 'seed-1')
    const body = Buffer.from('unreadable')
    for (const id of [2, 5, 1_000_000]) {
      const value = Buffer.concat([Buffer.of(0, 0, 0, 0, 0), body])
      value.writeUInt32BE(id, 1)
      await using('a', (log) => log.append([{ topic: topics.problems.name, partition: 0, key: 'x', value }], `${id}`))
    }
    await copy('a', 'b')
    const values = await using('b', (log) => readPartition(log, topics.problems.name, 0))
    expect(values.map(({ value }) => schemaIdOf(value))).toEqual([0xffff_ffff, 0xffff_ffff, 0xffff_ffff])
    expect(values.map(({ value }) => Buffer.from(value).subarray(5))).toEqual([body, body, body])
  })
})

describe('a value of a schema of others', () => {
  const tree = {
    ...{ type: 'record', name: 'Tree', namespace: 'others' },
    fields: [{ name: 'branches', type: { type: 'array', items: 'Tree' } }],
  }

  it.each([
    ['recursive Avro', JSON.stringify(tree)],
    ['a name alone', '"string"'],
    ['JSON schema', '{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}'],
    ['Protobuf', 'syntax = "proto3"; message Tree { repeated Tree branches = 1; }'],
  ])('goes over as bytes: %s', async (_, text) => {
    const body = Buffer.from('theirs')
    await using('a', async (log) => {
      await log.ensureTopics(topicSpecifications(), groups)
      const value = Buffer.concat([Buffer.alloc(5), body])
      value.writeUInt32BE(await log.schemas.idOf('others', text), 1)
      await log.append([{ topic: topics.problems.name, partition: 0, key: 'x', value }], 'one')
    })
    await copy('a', 'b')
    const [value] = await using('b', (log) => readPartition(log, topics.problems.name, 0))
    expect(Buffer.from(value?.value ?? [])).toEqual(Buffer.concat([Buffer.of(0, 255, 255, 255, 255), body]))
  })
})

describe('a record whose time is ahead of the clock', () => {
  afterEach(() => void vi.useRealTimers())

  it('has the time of its copying, and no other record has', async () => {
    write('a')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    await appendSeed('a', 'seed-ahead')
    vi.useRealTimers()
    const beganMs = Date.now()
    const stop = new AbortController()
    const onStatus = ({ phase }: CopyStatus): void => {
      if (phase === 'tasks') stop.abort(new Error('stopped'))
    }
    await expect(copy('a', 'b', { signal: stop.signal, onStatus })).rejects.toThrow('stopped')
    const stoppedMs = Date.now()
    await copy('a', 'b')
    const timesIn = (name: string): Promise<number[]> =>
      using(name, async (log) => (await readPartition(log, topics.seeds.name, 0)).map(({ timestampMs }) => timestampMs))
    const [before, after] = [await timesIn('a'), await timesIn('b')]
    expect(after.slice(0, -1)).toEqual(before.slice(0, -1))
    expect(after.at(-1)).toBeGreaterThanOrEqual(beganMs)
    expect(after.at(-1)).toBeLessThanOrEqual(stoppedMs)
  })
})

describe('a copy that was stopped', () => {
  it.each([2, 9])('after %i commits goes on where it stopped, again and again', async (commits) => {
    write('a')
    let runs = 0
    for (; runs < 100; runs++) {
      const stop = new AbortController()
      let left = commits
      const onStatus = ({ phase }: CopyStatus): void => {
        if (phase !== 'opening' && phase !== 'check' && left-- === 0) stop.abort(new Error('stopped'))
      }
      const stopped = await copy('a', 'b', { signal: stop.signal, onStatus }).then(
        () => false,
        (error: unknown) => {
          expect((error as Error).message).toBe('stopped')
          return true
        },
      )
      if (!stopped) break
      await expect(using('b', refuseUnfinishedCopy)).rejects.toThrow(
        /not complete: run the same `wellspring copy` again/,
      )
    }
    expect(runs).toBeGreaterThan(1)
    expect(await using('b', contentOf)).toEqual(await using('a', contentOf))
    await using('b', refuseUnfinishedCopy)
  })

  it('takes over what came to the source meanwhile', async () => {
    write('a')
    const stop = new AbortController()
    await expect(
      copy('a', 'b', {
        signal: stop.signal,
        onStatus: ({ records }) => records > 20 && stop.abort(new Error('stopped')),
      }),
    ).rejects.toThrow('stopped')
    await appendSeed('a', 'seed-new')
    await copy('a', 'b')
    expect(await using('b', contentOf)).toEqual(await using('a', contentOf))
  })

  it('copies tasks anew that have worked meanwhile, and nothing of what they had before stays', async () => {
    write('a')
    await copy('a', 'b')
    await using('a', (log) =>
      withTasks(log, groupNamed('roll-out'), async (openTask) => {
        for (let task = 0; task < 12; task++) {
          const opened = await openTask(task)
          const codec = new RecordCodec(log.schemas)
          const subject = changelogSubject('roll-out', 'progress')
          await codec.prepare(subject, 'progress')
          const progress = codec.decode('progress', opened.progress!.value)
          const state = [...opened.state.entries()].map(({ key }) => ({ key, value: undefined }))
          const value = codec.encode(subject, 'progress', { ...progress, sequence: 3, committedAtMs: 10 })
          await opened.commit({ sequence: 3, outputs: [], state, progress: value })
        }
      }),
    )
    await copy('a', 'b')
    const content = await using('b', contentOf)
    expect(content).toEqual(await using('a', contentOf))
    expect(content['roll-out task 0']).toMatchObject({ committedAtMs: 10, state: [] })
  })

  it('reports all positions whose records are gone, and calls that stayed behind, in the end', async () => {
    write('a')
    await using('a', (log) =>
      withTasks(log, groupNamed('roll-out'), async (openTask) => {
        const opened = await openTask(0)
        const { sequence, value } = opened.progress!
        const state = [{ key: keptCallKey(topics.rolloutRequests.name, 0, 'completion'), value: Buffer.of(1) }]
        await opened.commit({ sequence: sequence + 1, outputs: [], state, progress: value })
      }),
    )
    const straight = await copy('a', 'b')
    expect(straight).toMatchObject({ callsLeft: 1 })
    expect(Object.keys(straight.gonePositions)).toEqual([topics.discards.name])
    const stop = new AbortController()
    const onStatus = ({ phase }: CopyStatus): void => {
      if (phase === 'check') stop.abort(new Error('stopped'))
    }
    await expect(copy('a', 'c', { signal: stop.signal, onStatus })).rejects.toThrow('stopped')
    const { gonePositions, callsLeft } = await copy('a', 'c')
    expect({ gonePositions, callsLeft }).toEqual({ gonePositions: straight.gonePositions, callsLeft: 1 })
  })

  it('stops at once while positions are followed, and is neither complete nor different', async () => {
    write('a')
    const stop = new AbortController()
    const asChecked = (target: Log): Log =>
      withCalls(target, {
        read: (from, bounds) => {
          if (bounds.maxBytes === 1) stop.abort(new Error('stopped'))
          return target.read(from, bounds)
        },
      })
    await expect(copy('a', 'b', { signal: stop.signal, asChecked })).rejects.toThrow('stopped')
    await expect(using('b', refuseUnfinishedCopy)).rejects.toThrow('not complete')
  })

  it('has nothing to do once it is complete', async () => {
    write('a')
    await copy('a', 'b')
    const content = await using('b', contentOf)
    const [progress] = await using('b', (log) => log.progress(copyGroup.name))
    const report = await copy('a', 'b')
    expect(report.records).toBe(report.recordsBefore)
    expect(await using('b', contentOf)).toEqual(content)
    expect((await using('b', (log) => log.progress(copyGroup.name)))[0]?.sequence).toBe(progress?.sequence)
  })
})

describe('a copy is refused', () => {
  const notEmpty = (text: string): object => ({ code: 'not_empty', message: expect.stringContaining(text) as string })

  it('where the target has records and is no copy', async () => {
    write('a')
    write('b')
    await expect(copy('a', 'b')).rejects.toMatchObject(notEmpty('and is no copy'))
    expect(await using('b', (log) => log.progress(copyGroup.name))).toEqual([])
  })

  it('where the target has got records of its own since', async () => {
    write('a')
    await copy('a', 'b')
    await appendSeed('b', 'seed-own')
    await expect(copy('a', 'b')).rejects.toMatchObject(notEmpty('records of its own in seeds since'))
  })

  it('where processors have worked on the target since', async () => {
    write('a')
    await copy('a', 'b')
    await using('b', (log) =>
      withTasks(log, groupNamed('roll-out'), async (openTask) => {
        const opened = await openTask(0)
        const { sequence, value } = opened.progress!
        await opened.commit({ sequence: sequence + 1, outputs: [], state: [], progress: value })
      }),
    )
    await expect(copy('a', 'b')).rejects.toMatchObject(notEmpty('roll-out has worked since'))
  })

  it('where the target is a copy of another corpus', async () => {
    write('a')
    await copy('a', 'b')
    await using('other', async (log) => {
      await log.ensureTopics(topicSpecifications(), groups)
    })
    for (let number = 0; number < 5; number++) await appendSeed('other', `seed-other-${number}`)
    await expect(copy('other', 'b')).rejects.toMatchObject(notEmpty('copy of another corpus'))
  })

  it('where the source is itself a copy that is not complete', async () => {
    write('a')
    const stop = new AbortController()
    const onStatus = ({ phase }: CopyStatus): void => {
      if (phase === 'tasks') stop.abort(new Error('stopped'))
    }
    await expect(copy('a', 'b', { signal: stop.signal, onStatus })).rejects.toThrow('stopped')
    await expect(copy('b', 'c')).rejects.toThrow('this corpus is a copy of the folder a that is not complete')
  })

  it('where retention passed over unfinished records of the source', async () => {
    write('a')
    await using('a', async (log) => {
      for (let partition = 0; partition < 12; partition++) {
        const { end } = await log.offsets(topics.rolloutRequests.name, partition)
        await log.deleteBefore({ topic: topics.rolloutRequests.name, partition, offset: end })
      }
    })
    await expect(copy('a', 'b')).rejects.toMatchObject({ code: 'cut' })
  })
})

describe('records that come to the source meanwhile', () => {
  const appendTo = (topic: string) => (): Promise<void> =>
    using('a', async (log) => {
      await log.append([{ topic, partition: 0, key: 'late', value: Buffer.of(1) }], 'late')
    })

  it('are told of where they were ingested', async () => {
    write('a')
    expect(await copy('a', 'b', { beforeCheck: appendTo(topics.seeds.name) })).toMatchObject({ recordsSince: 1 })
    await using('b', refuseUnfinishedCopy)
  })

  it('leave the copy incomplete where a processor must have made them', async () => {
    write('a')
    await expect(copy('a', 'b', { beforeCheck: appendTo(topics.rollouts.name) })).rejects.toMatchObject({
      code: 'changed',
      message: expect.stringContaining('1 records came to rollouts') as string,
    })
    await expect(using('b', refuseUnfinishedCopy)).rejects.toThrow('not complete')
  })
})

describe('a commit of the copy', () => {
  /** Commits in a log that always fails so. */
  async function codeAfter(code: LogErrorCode): Promise<unknown> {
    return await using('a', async (log) => {
      await log.ensureTopics([], [copyGroup])
      const failing = withCalls(log, {
        join: async (group, listener) => {
          const membership = await log.join(group, listener)
          const openFailing: Membership['open'] = async (task) => {
            const opened = await membership.open(task)
            opened.commit = () => Promise.reject(new LogError(code, 'it failed'))
            return opened
          }
          return { open: openFailing, leave: () => membership.leave() }
        },
      })
      const held = await HeldTasks.hold(failing, copyGroup, new AbortController().signal)
      const task = await held.open(0)
      const failure = await task.commit({}, () => Buffer.from('progress')).catch((error: unknown) => error)
      await held.release()
      return failure
    })
  }

  it('that another process fences says that it was taken', async () => {
    expect(await codeAfter('fenced')).toMatchObject({
      code: 'owned',
      message: expect.stringContaining('taken by another process') as string,
    })
  })

  it('that stays in doubt says that the log can not be reached', { timeout: 30_000 }, async () => {
    expect(await codeAfter('doubt')).toMatchObject({ code: 'unreachable' })
  })
})

describe('the check of a copy', () => {
  const { name: topic } = topics.problems

  /** What the check says when the target was changed before it; the corpus is no complete copy then. */
  async function failureOf(change: (log: Log) => Promise<void>): Promise<unknown> {
    write('a')
    const failure = await copy('a', 'b', { beforeCheck: change }).catch((error: unknown) => error)
    await expect(using('b', refuseUnfinishedCopy)).rejects.toThrow('not complete')
    return failure
  }

  const different = (text: string): object => ({ code: 'different', message: expect.stringContaining(text) as string })

  it('finds records that were lost before others', async () => {
    const failure = await failureOf(async (log) => {
      const { start } = await log.offsets(topic, 0)
      await log.deleteBefore({ topic, partition: 0, offset: start + 1 })
    })
    expect(failure).toMatchObject(different(`${topic}/0: the record at offset`))
  })

  it('finds records that were lost after others', async () => {
    const failure = await failureOf(async (log) => {
      const { end } = await log.offsets(topic, 0)
      await log.deleteBefore({ topic, partition: 0, offset: end })
    })
    expect(failure).toMatchObject(different(`${topic}/0 lacks the record`))
  })

  it('finds records that came from elsewhere', async () => {
    const failure = await failureOf(async (log) => {
      await log.append([{ topic, partition: 0, key: 'problem-own', value: Buffer.of(1) }], 'own')
    })
    expect(failure).toMatchObject(different(`${topic}/0 holds more than the`))
  })

  it('finds an entry of a table that came from elsewhere', async () => {
    const failure = await failureOf(async (log) => {
      await log.append([{ topic: topics.ledger.name, partition: 0, key: 'teach/1', value: Buffer.of(1) }], 'own')
    })
    expect(failure).toMatchObject(different('ledger/0: the last record of "teach/1" differs'))
  })

  it('finds state that differs', async () => {
    const failure = await failureOf((log) =>
      withTasks(log, groupNamed('plan-rollouts'), async (openTask) => {
        const opened = await openTask(3)
        const { sequence, value } = opened.progress!
        const state = [{ key: 's:problem-closed-b', value: undefined }]
        const codec = new RecordCodec(log.schemas)
        const subject = changelogSubject('plan-rollouts', 'progress')
        await codec.prepare(subject, 'progress')
        const next = { ...codec.decode('progress', value), sequence: sequence + 1 }
        const progress = codec.encode(subject, 'progress', next)
        await opened.commit({ sequence: sequence + 1, outputs: [], state, progress })
        await withTasks(log, copyGroup, async (openCopy) => {
          const copied = await openCopy(0)
          const key = 'task/plan-rollouts/3'
          const mark = JSON.parse(Buffer.from(copied.state.get(key)!).toString()) as TaskMark
          await copied.commit({
            ...{ sequence: copied.progress!.sequence + 1, outputs: [], progress: copied.progress!.value },
            state: [{ key, value: Buffer.from(JSON.stringify({ ...mark, target: sequence + 1 })) }],
          })
        })
      }),
    )
    expect(failure).toMatchObject(different('the state of plan-rollouts task 3 differs at "s:problem-closed-b"'))
  })

  it('finds positions that lead elsewhere, though every record is in its place', async () => {
    write('a')
    // An index that is off by one: whoever reads on from the start does not meet it.
    const asChecked = (target: Log): Log =>
      withCalls(target, {
        read: async (from, bounds) => {
          const { start, end } = await target.offsets(from.topic, from.partition)
          const isWithin = from.offset > start && from.offset < end - 1
          return await target.read(
            bounds.maxBytes === 1 && isWithin ? { ...from, offset: from.offset + 1 } : from,
            bounds,
          )
        },
      })
    await expect(copy('a', 'b', { asChecked })).rejects.toMatchObject(
      different('does not lead to the record it led to'),
    )
    await expect(using('b', refuseUnfinishedCopy)).rejects.toThrow('not complete')
  })

  it('makes a copy incomplete that was complete', async () => {
    write('a')
    await copy('a', 'b')
    await using('b', async (log) => {
      const { start } = await log.offsets(topic, 0)
      await log.deleteBefore({ topic, partition: 0, offset: start + 1 })
    })
    await expect(copy('a', 'b')).rejects.toMatchObject(different(`${topic}/0: the record at offset`))
    await expect(using('b', refuseUnfinishedCopy)).rejects.toThrow('not complete')
  })

  it('says of a difference that the source was worked on, where it was', async () => {
    const failure = await failureOf(async (log) => {
      await log.append([{ topic, partition: 0, key: 'problem-own', value: Buffer.of(1) }], 'own')
      await using('a', (source) =>
        withTasks(source, groupNamed('roll-out'), async (openTask) => {
          const opened = await openTask(0)
          const { sequence, value } = opened.progress!
          await opened.commit({ sequence: sequence + 1, outputs: [], state: [], progress: value })
        }),
      )
    })
    expect(failure).toMatchObject({
      code: 'changed',
      message: expect.stringContaining('roll-out task 0 made commits') as string,
    })
  })
})
