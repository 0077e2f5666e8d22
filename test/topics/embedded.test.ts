import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openForWriting } from '../../topics/embedded/environment.ts'
import { faultPoints, type FaultPoint } from '../../topics/embedded/faults.ts'
import { encodeSequenced, stateKey, statePrefix, systemKeys } from '../../topics/embedded/layout.ts'
import { openEmbeddedLog } from '../../topics/embedded/log.ts'
import { LogError, type Log } from '../../topics/log.ts'
import {
  codeOf,
  describeLogConformance,
  joinAndOpen,
  readAll,
  record,
  startChild,
  text,
  type LogPlace,
} from './conformance.ts'
import { noise } from './noise.mjs'

const now = { maxBytes: 1 << 20, maxWaitSeconds: 0 }
const group = { name: 'processor', inputs: ['inputs'], tasks: 1 }
const inputs = { name: 'inputs', partitions: 1, compacted: false }
const silent = { gained: () => undefined, lost: () => undefined, failed: () => undefined }

function createPlace(): Promise<LogPlace> {
  const directory = mkdtempSync(join(tmpdir(), 'wellspring-log-'))
  let losing: FaultPoint | undefined
  const faultPoint = (name: FaultPoint): void => {
    if (name !== losing) return
    losing = undefined
    throw new Error('the answer is lost')
  }
  const competitors: Log[] = []
  const open = (namespace = ''): Promise<Log> => openEmbeddedLog({ directory, namespace, mode: 'owner', faultPoint })
  return Promise.resolve({
    open,
    async competitor(competing, task) {
      // In this process: another one can't own the folder while this one lives.
      const log = await open()
      competitors.push(log)
      return (await joinAndOpen(log, competing, task)).opened
    },
    loseNextAnswer(effect) {
      losing = effect === 'written' ? 'transaction:synced' : 'transaction:written'
    },
    async putStateAhead(name, task, key) {
      const environment = openForWriting(directory)
      environment.writeNow((transaction) => {
        transaction.put(stateKey(statePrefix('', name, task), key), encodeSequenced(2, Buffer.from('ahead')))
      })
      await environment.close()
    },
    childLog: (role) => ({ kind: 'embedded', directory, mode: role }),
    // A commit is in sight of all readers before it is acknowledged.
    settled: () => Promise.resolve(),
    async remove() {
      for (const log of competitors) await log.close()
      rmSync(directory, { recursive: true })
    },
  })
}

/** Points that only a process beside the owner passes, or the owner on its behalf; they have tests of their own below. */
const inboxPoints: readonly FaultPoint[] = ['inbox:written', 'inbox:delivered', 'inbox:applied', 'inbox:answered']
const passedOnce: readonly FaultPoint[] = ['ownership:taken']

describeLogConformance('the embedded log', {
  create: createPlace,
  stateAhead: 'refused',
  offsets: 'dense',
  sizes: 'exact',
  randomRuns: 40,
  crashes: faultPoints
    .filter((point) => !inboxPoints.includes(point))
    .flatMap((point) =>
      (passedOnce.includes(point) ? [1] : point === 'task:fenced' || point.includes(':begun') ? [1, 2] : [1, 8]).map(
        (occurrence) => ({ point, occurrence }),
      ),
    )
    .concat([
      { point: 'transaction:begun', occurrence: 9 },
      { point: 'transaction:half-written', occurrence: 23 },
    ]),
})

describe('an embedded log folder', () => {
  let directory: string
  const open: { close(): Promise<void> }[] = []

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'wellspring-log-'))
  })

  afterEach(async () => {
    for (const log of open.splice(0)) await log.close()
    rmSync(directory, { recursive: true })
  })

  async function openLog(
    mode: 'owner' | 'client' = 'owner',
    options: Partial<Parameters<typeof openEmbeddedLog>[0]> = {},
  ): Promise<Log> {
    const log = await openEmbeddedLog({ directory, mode, ...options })
    open.push(log)
    return log
  }

  /** A process that owns the folder, with the topic inputs. */
  async function startOwner(faultPoint?: FaultPoint): Promise<ReturnType<typeof startChild>> {
    const owner = startChild({
      log: { kind: 'embedded', directory, mode: 'owner' },
      scenario: 'hold',
      topic: 'inputs',
      faultPoint,
      occurrence: 1,
    })
    open.push({ close: () => (owner.kill(), owner.ended.then(() => undefined)) })
    await owner.event('ready')
    return owner
  }

  async function failure(call: Promise<unknown>): Promise<LogError> {
    const error: unknown = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(LogError)
    expect((error as LogError).message).not.toContain('\n')
    return error as LogError
  }

  describe('has one owner', () => {
    it('refuses a second process and names the first, until that one is killed', async () => {
      const owner = await startOwner()
      const error = await failure(openLog())
      expect(error.code).toBe('owned')
      expect(error.message).toContain(`process ${owner.pid}`)
      expect(error.message).toContain('another folder')
      owner.kill()
      await owner.ended
      const log = await openLog()
      expect(await log.append([record('inputs', 0, 'x')], 'x')).toBe(true)
    })

    it('is free as soon as its owner closes it', async () => {
      const owner = await startOwner()
      owner.finish()
      expect(await owner.ended).toMatchObject({ code: 0 })
      for (let round = 0; round < 3; round += 1) await (await openEmbeddedLog({ directory, mode: 'owner' })).close()
      await startOwner()
    })

    it('fences an owner whose folder was taken over, and ends its memberships', async () => {
      const log = await openLog()
      await log.ensureTopics([inputs])
      const failures: Error[] = []
      const { opened } = await joinAndOpen(log, group, 0, { ...silent, failed: (error) => failures.push(error) })
      await opened.commit({ sequence: 1, outputs: [], state: [], progress: Buffer.from('1') })
      const other = openForWriting(directory)
      other.writeNow((transaction) => {
        const owner = JSON.parse(other.get(systemKeys.owner)?.toString() ?? '{}') as { epoch: number }
        transaction.put(systemKeys.owner, Buffer.from(JSON.stringify({ ...owner, epoch: owner.epoch + 1, pid: 1 })))
      })
      const late = { sequence: 2, outputs: [record('inputs', 0, 'late')], state: [], progress: Buffer.from('2') }
      expect(await codeOf(opened.commit(late))).toBe('fenced')
      expect(await codeOf(log.append([record('inputs', 0, 'late')], 'late'))).toBe('fenced')
      expect(failures).toMatchObject([{ code: 'fenced' }])
      expect(await readAll(log, { topic: 'inputs', partition: 0, offset: 0 })).toEqual([])
      await other.close()
    })

    it('is shared by all logs of the owning process until the last one closes', async () => {
      const first = await openLog()
      const second = await openEmbeddedLog({ directory, namespace: 'replay', mode: 'owner' })
      await first.ensureTopics([inputs])
      await second.ensureTopics([inputs])
      await second.close()
      expect(await first.append([record('inputs', 0, 'x')], 'x')).toBe(true)
    })
  })

  it('tells a member whose task another member opens, and ends its reads', async () => {
    const log = await openLog()
    await log.ensureTopics([inputs])
    const lost: number[] = []
    const { opened } = await joinAndOpen(log, group, 0, { ...silent, lost: (task) => void lost.push(task) })
    const waiting = opened.fetch('inputs', 0, { maxBytes: 1000, maxWaitSeconds: 30 })
    const other = await joinAndOpen(log, group)
    expect(lost).toEqual([0])
    expect((await waiting).records).toEqual([])
    await log.append([record('inputs', 0, 'x')], 'x')
    expect((await other.opened.fetch('inputs', 0, now)).records).toHaveLength(1)
    expect(await codeOf(opened.fetch('inputs', 0, now))).toBe('fenced')
  })

  describe('beside its owner', () => {
    it('is read directly, and takes topics, schemas, appends and deletions through the inbox', async () => {
      await startOwner()
      const client = await openLog('client')
      await client.ensureTopics([inputs, { name: 'table', partitions: 2, compacted: true }])
      expect((await client.describeTopics()).map(({ name }) => name)).toEqual(['inputs', 'table'])
      expect(await codeOf(client.ensureTopics([{ ...inputs, partitions: 2 }]))).toBe('topic_mismatch')
      const value = Uint8Array.from({ length: 300 }, (_, index) => index % 256)
      const sent = [{ ...record('inputs', 0, 'ключ'), value, headers: { name: 'ä' } }, record('table', 1, 'y')]
      expect(await client.append(sent, 'one')).toBe(true)
      expect(await client.append(sent, 'one')).toBe(false)
      const [stored] = await readAll(client, { topic: 'inputs', partition: 0, offset: 0 })
      expect(stored).toMatchObject({ key: 'ключ', headers: { name: 'ä' } })
      expect(Buffer.from(stored?.value ?? [])).toEqual(Buffer.from(value))
      const id = await client.schemas.idOf('inputs', '{"type":"string"}')
      expect(await client.schemas.schemaOf(id)).toBe('{"type":"string"}')
      expect(await codeOf(client.append([record('unknown', 0, 'x')], 'two'))).toBe('unknown_topic')
      await client.deleteBefore({ topic: 'inputs', partition: 0, offset: 1 })
      expect(await client.offsets('inputs', 0)).toEqual({ start: 1, end: 1 })
      await client.maintain()
      // The owner answers before it removes the request.
      await expect.poll(() => readdirSync(join(directory, 'inbox')), { timeout: 50_000 }).toEqual([])
    })

    it('wakes a client that waits for a record', async () => {
      await startOwner()
      const client = await openLog('client')
      const waiting = client.read({ topic: 'inputs', partition: 0, offset: 0 }, { maxBytes: 1000, maxWaitSeconds: 30 })
      await client.append([record('inputs', 0, 'x')], 'x')
      expect((await waiting).records).toMatchObject([{ key: 'x' }])
    })

    it('lets no client join a group', async () => {
      await startOwner()
      const client = await openLog('client')
      const error = await failure(client.join(group, silent))
      expect(error.code).toBe('owned')
    })

    it('lets a client write without an owner, and leaves the folder free', async () => {
      const client = await openLog('client')
      expect(await client.describeTopics()).toEqual([])
      expect(await codeOf(client.read({ topic: 'inputs', partition: 0, offset: 0 }, now))).toBe('unknown_topic')
      await client.ensureTopics([inputs])
      expect(
        await Promise.all([1, 2, 3].map((index) => client.append([record('inputs', 0, `${index}`)], `${index}`))),
      ).toEqual([true, true, true])
      expect((await readAll(client, { topic: 'inputs', partition: 0, offset: 0 })).map(({ key }) => key)).toEqual([
        '1',
        '2',
        '3',
      ])
      await startOwner()
      expect(await client.append([record('inputs', 0, '4')], '4')).toBe(true)
    })

    it('serves a client in the process of the owner, before and after the owner closes', async () => {
      const client = await openLog('client')
      const owner = await openEmbeddedLog({ directory, mode: 'owner' })
      await owner.ensureTopics([inputs])
      expect(await client.append([record('inputs', 0, '1')], '1')).toBe(true)
      expect((await owner.offsets('inputs', 0)).end).toBe(1)
      await owner.close()
      expect(await client.append([record('inputs', 0, '2')], '2')).toBe(true)
      expect(await client.offsets('inputs', 0)).toEqual({ start: 0, end: 2 })
    })

    for (const point of ['inbox:applied', 'inbox:answered', 'transaction:written', 'transaction:synced'] as const) {
      it(`appends once when the owner is killed at ${point}`, async () => {
        const client = await openLog('client')
        await client.ensureTopics([inputs])
        const owner = startChild({
          log: { kind: 'embedded', directory, mode: 'owner' },
          scenario: 'hold',
          faultPoint: point,
          occurrence: 1,
        })
        await owner.event('ready')
        expect(await client.append([record('inputs', 0, 'x')], 'x')).toBe(true)
        expect(await owner.ended).toMatchObject({ signal: 'SIGKILL' })
        // The next owner does what still lies there.
        const log = await openLog()
        expect((await readAll(log, { topic: 'inputs', partition: 0, offset: 0 })).map(({ key }) => key)).toEqual(['x'])
        expect(readdirSync(join(directory, 'inbox')).filter((name) => name.endsWith('.request'))).toEqual([])
      })
    }

    for (const [point, arrives] of [
      ['inbox:written', false],
      ['inbox:delivered', true],
    ] as const) {
      it(`${arrives ? 'does' : 'drops'} the work of a client that is killed at ${point}`, async () => {
        const log = await openLog()
        await log.ensureTopics([inputs])
        const client = startChild({
          log: { kind: 'embedded', directory, mode: 'client' },
          scenario: 'append',
          topic: 'inputs',
          count: 1,
          faultPoint: point,
          occurrence: 1,
        })
        // The client finds the owner in another process: this one.
        expect(await client.ended).toMatchObject({ signal: 'SIGKILL' })
        if (arrives) {
          const { records } = await log.read(
            { topic: 'inputs', partition: 0, offset: 0 },
            { maxBytes: 1000, maxWaitSeconds: 30 },
          )
          expect(records.map(({ key }) => key)).toEqual(['child 0'])
        }
        await log.close()
        const again = await openLog()
        expect(await again.append([record('inputs', 0, 'child 0')], 'child 0')).toBe(!arrives)
        expect(await again.offsets('inputs', 0)).toEqual({ start: 0, end: 1 })
      })
    }

    it('answers work that can not be read, keeps it and goes on', async () => {
      const log = await openLog()
      await log.ensureTopics([inputs])
      const inbox = join(directory, 'inbox')
      writeFileSync(join(inbox, '000000000000001-1-a.request'), Buffer.from('no request'))
      const client = startChild({
        log: { kind: 'embedded', directory, mode: 'client' },
        scenario: 'append',
        topic: 'inputs',
        count: 2,
      })
      expect(await client.ended).toMatchObject({ code: 0 })
      expect(client.events).toEqual([0, 1].map((index) => ({ index, written: true })))
      expect(readdirSync(inbox).sort()).toEqual(['000000000000001-1-a.answer', '000000000000001-1-a.refused'])
      expect(readFileSync(join(inbox, '000000000000001-1-a.answer'), 'utf8')).toContain('damaged')
    })
  })

  describe('merges commits', () => {
    it('writes what is ready in one transaction and acknowledges it after that is synced', async () => {
      const passed: string[] = []
      const log = await openLog('owner', { faultPoint: (name) => passed.push(name) })
      await log.ensureTopics([{ ...inputs, partitions: 18 }])
      const membership = await log.join({ ...group, tasks: 18 }, silent)
      const tasks = await Promise.all(Array.from({ length: 18 }, (_, task) => membership.open(task)))
      passed.length = 0
      await Promise.all(
        tasks.map(async (task) => {
          await task.commit({
            sequence: 1,
            outputs: [record('inputs', task.task, 'x')],
            state: [],
            progress: Buffer.from('1'),
          })
          passed.push('acknowledged')
        }),
      )
      expect(passed.filter((name) => name === 'transaction:begun')).toHaveLength(1)
      expect(passed.indexOf('acknowledged')).toBeGreaterThan(passed.indexOf('transaction:synced'))
    })

    it('splits what is more than about 4 MB over transactions', async () => {
      const passed: string[] = []
      const log = await openLog('owner', { faultPoint: (name) => passed.push(name) })
      await log.ensureTopics([inputs])
      passed.length = 0
      const megabyte = Array.from({ length: 100 }, (_, index) => ({
        ...record('inputs', 0, 'x'),
        value: noise(10_000, `${index}`),
      }))
      await Promise.all(Array.from({ length: 12 }, (_, index) => log.append(megabyte, `${index}`)))
      expect(passed.filter((name) => name === 'transaction:begun')).toHaveLength(3)
    })

    it('refuses one commit of a transaction and writes the others', async () => {
      const log = await openLog()
      await log.ensureTopics([{ ...inputs, partitions: 2 }])
      const membership = await log.join({ ...group, tasks: 2 }, silent)
      const [good, bad] = await Promise.all([membership.open(0), membership.open(1)])
      const outcomes = await Promise.all([
        codeOf(
          good.commit({ sequence: 1, outputs: [record('inputs', 0, 'good')], state: [], progress: Buffer.from('1') }),
        ),
        codeOf(
          bad.commit({ sequence: 7, outputs: [record('inputs', 0, 'bad')], state: [], progress: Buffer.from('7') }),
        ),
        codeOf(
          good.commit({ sequence: 2, outputs: [record('inputs', 0, 'better')], state: [], progress: Buffer.from('2') }),
        ),
      ])
      expect(outcomes).toEqual(['no failure', 'doubt', 'no failure'])
      expect((await readAll(log, { topic: 'inputs', partition: 0, offset: 0 })).map(({ key }) => key)).toEqual([
        'good',
        'better',
      ])
    })
  })

  describe('on a full disk', () => {
    it('stops above the floor with a message that names folder, free and needed bytes, and still frees space', async () => {
      await (await openLog()).ensureTopics([inputs])
      for (const log of open.splice(0)) await log.close()
      const log = await openLog('owner', { freeBytesFloor: 2 ** 60 })
      const error = await failure(log.append([record('inputs', 0, 'x')], 'x'))
      expect(error.code).toBe('full')
      expect(error.message).toContain(directory)
      expect(error.message).toMatch(/has \d+ bytes free, \d+ are needed/)
      await log.deleteBefore({ topic: 'inputs', partition: 0, offset: 0 })
      expect(await log.offsets('inputs', 0)).toEqual({ start: 0, end: 0 })
    })

    it.skipIf(process.platform === 'win32')(
      'writes nothing in half when a write fails, and goes on when there is room again',
      async () => {
        const bytes = 100_000
        const child = startChild(
          { log: { kind: 'embedded', directory, mode: 'owner' }, scenario: 'fill', topic: 'inputs', bytes },
          12_000,
        )
        const { code, errors } = await child.ended
        expect({
          code,
          event: child.events.find((event) => 'error' in event),
          errors: errors.includes('    at '),
        }).toEqual({ code: 0, event: undefined, errors: false })
        const failed = Number((await child.event('failed'))['failed'])
        expect(failed).toBeGreaterThan(5)
        expect(child.events.find((event) => 'failed' in event)).toMatchObject({ code: 'full' })
        expect(child.events.find((event) => 'end' in event)).toEqual({ end: 4 * failed })
        const log = await openLog()
        const stored = await readAll(log, { topic: 'inputs', partition: 0, offset: 0 })
        expect(stored.map(({ offset }) => offset)).toEqual(
          Array.from({ length: 8 }, (_, index) => 4 * failed - 4 + index),
        )
        for (const { offset, value } of stored) {
          expect(value).toEqual(noise(bytes, `${Math.floor(offset / 4)}.${offset % 4}`))
        }
      },
    )
  })

  describe('that is not right', () => {
    it('is refused when it holds other things', async () => {
      writeFileSync(join(directory, 'thesis.tex'), 'x')
      const error = await failure(openLog())
      expect(error.code).toBe('not_a_log')
      expect(error.message).toContain('thesis.tex')
      expect((await failure(openLog('client'))).code).toBe('not_a_log')
      expect(readdirSync(directory)).toEqual(['thesis.tex'])
    })

    it('is refused when it is a file', async () => {
      const file = join(directory, 'file')
      writeFileSync(file, 'x')
      expect((await failure(openEmbeddedLog({ directory: file, mode: 'owner' }))).code).toBe('not_a_log')
    })

    it('is refused when a later release wrote it', async () => {
      await (await openEmbeddedLog({ directory, mode: 'owner' })).close()
      const environment = openForWriting(directory)
      environment.writeNow((transaction) => {
        transaction.put(systemKeys.format, Buffer.from('2'))
      })
      await environment.close()
      for (const mode of ['owner', 'client'] as const) {
        const error = await failure(openLog(mode))
        expect(error.code).toBe('newer_version')
        expect(error.message).toContain('format 2')
      }
    })

    it('is called damaged when its file is cut off, or is none of ours', async () => {
      const log = await openEmbeddedLog({ directory, mode: 'owner' })
      await log.ensureTopics([inputs])
      await log.append(
        Array.from({ length: 50 }, (_, index) => ({
          ...record('inputs', 0, `${index}`),
          value: noise(10_000, `${index}`),
        })),
        'x',
      )
      await log.close()
      const file = join(directory, 'data.mdb')
      const whole = join(directory, 'whole')
      copyFileSync(file, whole)
      for (const damage of [
        () => truncateSync(file, 100_000),
        () => truncateSync(file, 5000),
        () => truncateSync(file, 100),
        () => writeFileSync(file, 'these are not the pages of a database\n'.repeat(1000)),
        () => writeFileSync(file, Buffer.alloc(100_000)),
      ]) {
        copyFileSync(whole, file)
        damage()
        for (const mode of ['owner', 'client'] as const) {
          const error = await failure(openLog(mode))
          expect(error.code).toBe('damaged')
          expect(error.message).toContain(directory)
        }
      }
    })

    it('names the batch whose bytes have changed', async () => {
      const log = await openEmbeddedLog({ directory, mode: 'owner' })
      await log.ensureTopics([inputs])
      await log.append([record('inputs', 0, 'good')], 'good')
      await log.append([record('inputs', 0, 'bad', 'a value that will be changed')], 'bad')
      await log.close()
      const file = join(directory, 'data.mdb')
      const bytes = readFileSync(file)
      for (
        let found = bytes.indexOf('will be changed');
        found >= 0;
        found = bytes.indexOf('will be changed', found + 1)
      )
        bytes.write('Will', found)
      writeFileSync(file, bytes)
      const again = await openLog()
      expect(
        (await again.read({ topic: 'inputs', partition: 0, offset: 0 }, { maxBytes: 1, maxWaitSeconds: 0 })).records,
      ).toMatchObject([{ key: 'good' }])
      const error = await failure(again.read({ topic: 'inputs', partition: 0, offset: 1 }, now))
      expect(error.code).toBe('damaged')
      expect(error.message).toContain('inputs/0@1')
    })

    it('is opened when its first owner was killed before it was complete', async () => {
      mkdirSync(join(directory, 'inbox'))
      writeFileSync(join(directory, 'data.mdb'), '')
      const log = await openLog()
      await log.ensureTopics([inputs])
      expect(await log.append([record('inputs', 0, 'x')], 'x')).toBe(true)
    })
  })

  it('reuses the space of deleted records', async () => {
    const log = await openLog()
    await log.ensureTopics([inputs])
    for (let round = 0; round < 30; round += 1) {
      await log.append(
        Array.from({ length: 20 }, () => ({ ...record('inputs', 0, 'x'), value: noise(100_000, `${round}`) })),
        `${round}`,
      )
      await log.deleteBefore({ topic: 'inputs', partition: 0, offset: (await log.offsets('inputs', 0)).end - 10 })
    }
    const [described] = await log.describeTopics()
    expect(described?.records).toBe(10)
    expect(described?.bytes).toBeGreaterThan(1_000_000)
    expect(described?.bytes).toBeLessThan(1_100_000)
    expect(statSync(join(directory, 'data.mdb')).size).toBeLessThan(15_000_000)
  })

  it('deflates long values and gives them back as they were', async () => {
    const log = await openLog()
    await log.ensureTopics([inputs, { name: 'table', partitions: 1, compacted: true }])
    const rollout = 'Therefore the answer follows from the second equation. '.repeat(5000)
    const sent = [
      { ...record('inputs', 0, 'long', rollout), headers: { origin: 'test' } },
      { ...record('inputs', 0, 'noise'), value: noise(100_000, 'noise') },
      record('inputs', 0, 'short', 'short'),
      record('table', 0, 'a', rollout),
      record('table', 0, 'a', `${rollout}!`),
    ]
    await log.append(sent, 'sent')
    await log.maintain()
    const stored = [
      ...(await readAll(log, { topic: 'inputs', partition: 0, offset: 0 })),
      ...(await readAll(log, { topic: 'table', partition: 0, offset: 0 })),
    ]
    expect(stored.map(({ key, headers }) => [key, headers])).toEqual([
      ['long', { origin: 'test' }],
      ['noise', undefined],
      ['short', undefined],
      ['a', undefined],
    ])
    expect(stored.map(({ value }) => Buffer.from(value))).toEqual(
      [0, 1, 2, 4].map((index) => Buffer.from(sent[index]?.value ?? [])),
    )
    expect((await log.describeTopics()).map(({ bytes }) => bytes > 100_000)).toEqual([true, false])
    // A read is bounded by what it gives back, not by what that takes on the disk.
    const bounded = await log.read(
      { topic: 'inputs', partition: 0, offset: 0 },
      { maxBytes: 10_000, maxWaitSeconds: 0 },
    )
    expect(bounded.records.map(({ key }) => key)).toEqual(['long'])
  })

  it('packs the small batches of a table', async () => {
    const log = await openLog()
    await log.ensureTopics([{ name: 'table', partitions: 1, compacted: true }])
    for (let round = 0; round < 200; round += 1)
      await log.append([record('table', 0, `key ${round % 3}`, `value ${round}`)], `${round}`)
    const before = (await log.describeTopics())[0]?.bytes ?? 0
    await log.maintain()
    expect((await log.describeTopics())[0]).toMatchObject({ records: 3, startOffsets: [0], endOffsets: [200] })
    expect((await log.describeTopics())[0]?.bytes).toBeLessThan(before / 20)
    const { records, nextOffset } = await log.read({ topic: 'table', partition: 0, offset: 0 }, now)
    expect(records.map(({ offset, value }) => [offset, text(value)])).toEqual(
      [197, 198, 199].map((offset) => [offset, `value ${offset}`]),
    )
    expect(nextOffset).toBe(200)
  })

  it('keeps no process alive', () => {
    const script = `import { openEmbeddedLog } from '${new URL('../../dist/topics/embedded/log.js', import.meta.url).href}'
      await openEmbeddedLog({ directory: ${JSON.stringify(directory)}, mode: 'owner' })`
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 })
  })
})
