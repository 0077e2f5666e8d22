import { createRequire } from 'node:module'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { encodeBatch, encodeProduce } from '../../topics/kafka/batches.ts'
import { decodeFetch, readBatches, type FetchedPartition, type LogRecord } from '../../topics/kafka/records.ts'

/** kafkajs' own encoders and decoders: another program's view of the same bytes. */
const require = createRequire(import.meta.url)
interface EncodedBytes {
  buffer: Buffer
  writeInt16(value: number): EncodedBytes
  writeInt32(value: number): EncodedBytes
  writeInt64(value: number | bigint): EncodedBytes
  writeString(text: string): EncodedBytes
  writeBytes(bytes: Buffer): EncodedBytes
  writeArray(items: unknown[]): EncodedBytes
}
const Encoder = require('kafkajs/src/protocol/encoder') as new () => EncodedBytes
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: {
  offsetDelta: number
  timestampDelta?: number
  key: Buffer | string | null
  value: Buffer | null
  headers?: Record<string, string>
}) => unknown
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(batch: {
    firstOffset: number
    lastOffsetDelta: number
    firstTimestamp: number
    maxTimestamp: number
    producerId: bigint
    transactional: boolean
    compression: number
    records: unknown[]
  }): Promise<EncodedBytes>
}
const decodeWholeFetch = (
  require('kafkajs/src/protocol/requests/fetch/v11/response') as { decode(bytes: Buffer): Promise<unknown> }
).decode
const produceRequest = require('kafkajs/src/protocol/requests/produce/v7/request') as (options: object) => {
  encode(): Promise<EncodedBytes>
}

const NONE = 0
const GZIP = 1
const CONTROL_AND_TRANSACTIONAL = 0x30
const ATTRIBUTES_AT = 21
const whole = { maxBytes: 1 << 30, where: 'problems/0' }

interface BatchSpec {
  baseOffset: number
  /** Offsets of the records from the base; what is missing was compacted away. */
  deltas?: number[]
  lastDelta?: number
  producerId?: bigint
  isTransactional?: boolean
  compression?: number
  value?: (offset: number) => Buffer | null
}

/** A batch of records whose keys and values tell their offsets. */
async function batchOf(spec: BatchSpec): Promise<Buffer> {
  const { baseOffset, deltas = [0], producerId = -1n, isTransactional = false, compression = NONE } = spec
  const value = spec.value ?? ((offset: number) => Buffer.from(`value ${offset}`))
  const batch = await RecordBatch({
    firstOffset: baseOffset,
    lastOffsetDelta: spec.lastDelta ?? deltas.at(-1) ?? 0,
    firstTimestamp: 1_700_000_000_000 + baseOffset,
    maxTimestamp: 1_700_000_009_999,
    producerId,
    transactional: isTransactional,
    compression,
    records: deltas.map((delta) =>
      encodeRecord({
        offsetDelta: delta,
        timestampDelta: delta,
        key: Buffer.from(`key ${baseOffset + delta}`),
        value: value(baseOffset + delta),
      }),
    ),
  })
  return batch.buffer
}

/** The end of a transaction, as the coordinator writes it. */
async function markerOf(baseOffset: number, producerId: bigint, isCommit: boolean): Promise<Buffer> {
  const key = new Encoder().writeInt16(0).writeInt16(isCommit ? 1 : 0).buffer
  const value = new Encoder().writeInt16(0).writeInt32(7).buffer
  const { buffer } = await RecordBatch({
    firstOffset: baseOffset,
    lastOffsetDelta: 0,
    firstTimestamp: 1_700_000_000_000,
    maxTimestamp: 1_700_000_000_000,
    producerId,
    transactional: true,
    compression: NONE,
    records: [encodeRecord({ offsetDelta: 0, key, value })],
  })
  buffer.writeInt16BE(CONTROL_AND_TRANSACTIONAL, ATTRIBUTES_AT)
  return buffer
}

async function read(
  batches: readonly Buffer[],
  aborted: FetchedPartition['aborted'] = [],
  fromOffset = 0,
  maxBytes = whole.maxBytes,
): ReturnType<typeof readBatches> {
  return await readBatches({ batches: Buffer.concat(batches), aborted }, fromOffset, maxBytes, whole.where)
}

function offsetsOf(records: readonly LogRecord[]): number[] {
  return records.map(({ offset }) => offset)
}

async function codeOf(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    () => 'no failure',
    (error: unknown) => (error as { code?: unknown }).code,
  )
}

describe('record batches', () => {
  it.each([NONE, GZIP])('give back keys, values, offsets and times (compression %d)', async (compression) => {
    const batch = await batchOf({ baseOffset: 5, deltas: [0, 2, 3], compression })
    const { records, nextOffset, rest } = await read([batch])
    expect(records).toEqual(
      [5, 7, 8].map((offset) => ({
        offset,
        timestampMs: 1_700_000_000_000 + offset,
        key: `key ${offset}`,
        value: Buffer.from(`value ${offset}`),
        headers: undefined,
      })),
    )
    expect(nextOffset).toBe(9)
    expect(rest).toHaveLength(0)
  })

  it('give back headers, tombstones, empty values and what has no key', async () => {
    const { buffer } = await RecordBatch({
      firstOffset: 0,
      lastOffsetDelta: 2,
      firstTimestamp: 2000,
      maxTimestamp: 2000,
      producerId: -1n,
      transactional: false,
      compression: NONE,
      records: [
        encodeRecord({ offsetDelta: 0, key: 'ключ', value: null, headers: { 'ünicode 漢字': 'ä 😀', empty: '' } }),
        encodeRecord({ offsetDelta: 1, timestampDelta: -1500, key: null, value: Buffer.alloc(0) }),
        encodeRecord({ offsetDelta: 2, key: '', value: Buffer.alloc(70_000, 1) }),
      ],
    })
    const { records } = await read([buffer])
    expect(records).toEqual([
      { offset: 0, timestampMs: 2000, key: 'ключ', value: undefined, headers: { 'ünicode 漢字': 'ä 😀', empty: '' } },
      { offset: 1, timestampMs: 500, key: '', value: Buffer.alloc(0), headers: undefined },
      { offset: 2, timestampMs: 2000, key: '', value: Buffer.alloc(70_000, 1), headers: undefined },
    ])
  })

  it("take the broker's time where the topic is set so", async () => {
    const batch = await batchOf({ baseOffset: 5, deltas: [0, 1] })
    batch.writeInt16BE(0x08, ATTRIBUTES_AT)
    expect((await read([batch])).records.map(({ timestampMs }) => timestampMs)).toEqual([
      1_700_000_009_999, 1_700_000_009_999,
    ])
  })

  it('count as read when they are empty, or hold only what ends a transaction', async () => {
    const emptied = await batchOf({ baseOffset: 3, deltas: [], lastDelta: 4 })
    const ended = [await markerOf(8, 9n, true), await markerOf(9, 10n, false)]
    expect(await read([emptied, ...ended])).toMatchObject({ records: [], nextOffset: 10 })
  })

  it('leave out what lies before the offset', async () => {
    const batches = [
      await batchOf({ baseOffset: 0, deltas: [0, 1, 2] }),
      await batchOf({ baseOffset: 3, deltas: [0, 1] }),
    ]
    for (const from of [0, 1, 2, 3, 4]) {
      const { records, nextOffset } = await read(batches, [], from)
      expect(offsetsOf(records)).toEqual([0, 1, 2, 3, 4].filter((offset) => offset >= from))
      expect(nextOffset).toBe(5)
    }
  })

  it('end where the answer is cut, and not within a batch', async () => {
    const batches = [await batchOf({ baseOffset: 0, deltas: [0, 1] }), await batchOf({ baseOffset: 2, deltas: [0, 1] })]
    const bytes = Buffer.concat(batches)
    for (let length = 0; length < bytes.length; length += 1) {
      const { records, nextOffset, rest } = await read([bytes.subarray(0, length)])
      const isFirstWhole = length >= (batches[0]?.length ?? 0)
      expect(offsetsOf(records)).toEqual(isFirstWhole ? [0, 1] : [])
      expect(nextOffset).toBe(isFirstWhole ? 2 : 0)
      expect(rest).toHaveLength(length - (isFirstWhole ? (batches[0]?.length ?? 0) : 0))
    }
  })

  it('are bounded by the bytes of the values, with one record at least', async () => {
    const value = (): Buffer => Buffer.alloc(100)
    const batches = [
      await batchOf({ baseOffset: 0, deltas: [0, 1], value }),
      await batchOf({ baseOffset: 2, deltas: [0, 1, 2], value }),
    ]
    for (const [maxBytes, count] of [
      [1, 1],
      [199, 1],
      [200, 2],
      [450, 4],
      [500, 5],
    ] as const) {
      expect((await read(batches, [], 0, maxBytes)).records).toHaveLength(count)
    }
  })

  it('leave out aborted transactions and no others, of several producers at once', async () => {
    const of = (baseOffset: number, producerId: bigint): Promise<Buffer> =>
      batchOf({ baseOffset, producerId, isTransactional: true })
    const batches = [
      await of(0, 1n),
      await of(1, 2n),
      await batchOf({ baseOffset: 2 }),
      await markerOf(3, 1n, false),
      await of(4, 1n),
      await of(5, 2n),
      await markerOf(6, 2n, true),
      await markerOf(7, 1n, true),
    ]
    const { records, nextOffset } = await read(batches, [{ producerId: 1n, firstOffset: 0 }])
    expect(offsetsOf(records)).toEqual([1, 2, 4, 5])
    expect(nextOffset).toBe(8)
  })

  it('keep apart, in what is left for later, the aborted transactions that have ended', async () => {
    const of = (baseOffset: number, deltas: number[]): Promise<Buffer> =>
      batchOf({ baseOffset, producerId: 1n, isTransactional: true, deltas })
    const batches = [await of(0, [0]), await markerOf(1, 1n, false), await of(2, [0, 1]), await markerOf(4, 1n, true)]
    // The same producer, given up and then committed: as of a task whose process was killed once.
    const first = await read(batches, [{ producerId: 1n, firstOffset: 0 }], 0, 1)
    expect(offsetsOf(first.records)).toEqual([2])
    const second = await read([first.rest], first.aborted, first.nextOffset)
    expect(offsetsOf(second.records)).toEqual([3])
    expect(second.nextOffset).toBe(5)
  })

  it('are refused in one line where they can not be read', async () => {
    const old = await batchOf({ baseOffset: 0 })
    old.writeInt8(1, 16)
    const unknown = await batchOf({ baseOffset: 0 })
    unknown.writeInt16BE(7, ATTRIBUTES_AT)
    const broken = await batchOf({ baseOffset: 0 })
    broken.writeInt16BE(GZIP, ATTRIBUTES_AT)
    for (const [batch, reason] of [
      [old, 'before Kafka 0.11'],
      [unknown, 'codec 7'],
      [broken, 'does not unpack'],
    ] as const) {
      const failing = read([batch])
      expect(await codeOf(failing)).toBe('damaged')
      await expect(failing).rejects.toThrow(reason)
      await expect(failing).rejects.toThrow('problems/0')
    }
  })

  it('give every committed record once and in order, in whatever pieces they are fetched and read', async () => {
    await fc.assert(
      fc.asyncProperty(logs, pieces, async (steps, { fetches, reads }) => {
        const log = await layOut(steps)
        const found: number[] = []
        let at = 0
        let rest: Pick<FetchedPartition, 'batches' | 'aborted'> | undefined
        for (let turn = 0; at < log.end; turn += 1) {
          const fetched = rest ?? log.fetch(at, fetches[turn % fetches.length] ?? 1)
          const maxBytes = reads[turn % reads.length] ?? 1
          const answer = await readBatches(fetched, at, maxBytes, whole.where)
          if (!rest) expect(answer.nextOffset).toBeGreaterThan(at)
          found.push(...offsetsOf(answer.records))
          // What was left is read on, or fetched again.
          rest =
            answer.nextOffset > at && answer.rest.length > 0 && turn % 3 !== 0
              ? { ...answer, batches: answer.rest }
              : undefined
          at = answer.nextOffset
        }
        expect(found).toEqual(log.committed)
      }),
      { numRuns: 300 },
    )
  })
})

/** One thing that happens to a partition. */
type Step =
  | { kind: 'batch'; producer: number; deltas: number[]; lastDelta: number; compression: number }
  | { kind: 'end'; producer: number; isCommit: boolean }
  | { kind: 'plain'; deltas: number[]; lastDelta: number }

const deltas = fc
  .tuple(fc.uniqueArray(fc.nat({ max: 3 }), { maxLength: 4 }), fc.nat({ max: 2 }))
  .map(([unsorted, more]) => {
    const sorted = [...unsorted].sort((a, b) => a - b)
    return { deltas: sorted, lastDelta: (sorted.at(-1) ?? 0) + more }
  })
const producer = fc.nat({ max: 1 })
const logs: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(producer, deltas, fc.constantFrom(NONE, GZIP))
        .map(([of, some, compression]) => ({ kind: 'batch' as const, producer: of, ...some, compression })),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('end' as const), producer, isCommit: fc.boolean() }),
    },
    { weight: 1, arbitrary: deltas.map((some) => ({ kind: 'plain' as const, ...some })) },
  ),
  { minLength: 5, maxLength: 25 },
)
const pieces = fc.record({
  fetches: fc.array(fc.constantFrom(1, 300, 10_000), { minLength: 1, maxLength: 5 }),
  reads: fc.array(fc.constantFrom(1, 8, 20, 100), { minLength: 1, maxLength: 5 }),
})

interface LaidOut {
  end: number
  /** Offsets of what a reader of committed records must see. */
  committed: number[]
  /** An answer as a broker gives it: from the batch that holds the offset on, the first whole, cut anywhere behind it. */
  fetch(offset: number, bytes: number): Pick<FetchedPartition, 'batches' | 'aborted'>
}

/** Lays steps out as batches; transactions that are still open at the end are committed. */
async function layOut(steps: readonly Step[]): Promise<LaidOut> {
  const batches: { base: number; last: number; bytes: Buffer }[] = []
  const transactions = new Map<number, { first: number; offsets: number[] }>()
  const aborted: { producerId: bigint; firstOffset: number; lastOffset: number }[] = []
  const committed: number[] = []
  let end = 0
  const put = (bytes: Buffer, length: number): void => {
    batches.push({ base: end, last: end + length - 1, bytes })
    end += length
  }
  const finish = async (of: number, isCommit: boolean): Promise<void> => {
    const open = transactions.get(of)
    if (!open) return
    transactions.delete(of)
    const producerId = BigInt(of + 1)
    if (isCommit) committed.push(...open.offsets)
    else aborted.push({ producerId, firstOffset: open.first, lastOffset: end })
    put(await markerOf(end, producerId, isCommit), 1)
  }
  for (const step of steps) {
    if (step.kind === 'end') await finish(step.producer, step.isCommit)
    else {
      const offsets = step.deltas.map((delta) => end + delta)
      const base = { baseOffset: end, deltas: step.deltas, lastDelta: step.lastDelta }
      if (step.kind === 'plain') {
        committed.push(...offsets)
        put(await batchOf(base), step.lastDelta + 1)
        continue
      }
      const open = transactions.get(step.producer) ?? { first: end, offsets: [] }
      transactions.set(step.producer, open)
      open.offsets.push(...offsets)
      const more = { producerId: BigInt(step.producer + 1), isTransactional: true, compression: step.compression }
      put(await batchOf({ ...base, ...more }), step.lastDelta + 1)
    }
  }
  for (const of of [...transactions.keys()]) await finish(of, true)
  return {
    end,
    committed: committed.sort((a, b) => a - b),
    fetch(offset, bytes) {
      const from = batches.filter(({ last }) => last >= offset)
      const all = Buffer.concat(from.map((batch) => batch.bytes))
      const cut = all.subarray(0, Math.max(from[0]?.bytes.length ?? 0, bytes))
      const overlapping = aborted.filter(({ lastOffset }) => lastOffset >= offset)
      return { batches: cut, aborted: overlapping.sort((a, b) => a.firstOffset - b.firstOffset) }
    },
  }
}

describe('the answer to a fetch', () => {
  it('is read as kafkajs reads it', async () => {
    const batches = Buffer.concat([await batchOf({ baseOffset: 2 ** 33, deltas: [0, 1] })])
    const header = (partition: number, errorCode: number): EncodedBytes =>
      new Encoder()
        .writeInt32(partition)
        .writeInt16(errorCode)
        .writeInt64(2 ** 33 + 9)
        .writeInt64(2 ** 33 + 4)
        .writeInt64(3)
    const full = header(7, 0)
      .writeArray([new Encoder().writeInt64(90n).writeInt64(8), new Encoder().writeInt64(2n ** 60n).writeInt64(5)])
      .writeInt32(-1)
      .writeBytes(batches)
    const bare = header(1, 3).writeInt32(-1).writeInt32(-1).writeInt32(-1)
    const bytes = new Encoder()
      .writeInt32(40)
      .writeInt16(0)
      .writeInt32(0)
      .writeArray([
        new Encoder().writeString('ünsre.problems').writeArray([full, bare]),
        new Encoder().writeString('b').writeArray([]),
      ]).buffer
    const answer = decodeFetch(bytes)
    expect(answer).toEqual({
      clientSideThrottleTime: 40,
      partitions: [
        {
          topic: 'ünsre.problems',
          partition: 7,
          errorCode: 0,
          lastStableOffset: 2 ** 33 + 4,
          logStartOffset: 3,
          aborted: [
            { producerId: 2n ** 60n, firstOffset: 5 },
            { producerId: 90n, firstOffset: 8 },
          ],
          batches,
        },
        {
          topic: 'ünsre.problems',
          partition: 1,
          errorCode: 3,
          lastStableOffset: 2 ** 33 + 4,
          logStartOffset: 3,
          aborted: [],
          batches: Buffer.alloc(0),
        },
      ],
    })
    const theirs = (await decodeWholeFetch(bytes)) as {
      responses: {
        topicName: string
        partitions: { partition: number; lastStableOffset: string; messages: object[] }[]
      }[]
    }
    expect(theirs.responses[0]).toMatchObject({
      topicName: 'ünsre.problems',
      partitions: [{ partition: 7, lastStableOffset: String(2 ** 33 + 4) }, { partition: 1 }],
    })
    expect(theirs.responses[0]?.partitions[0]?.messages).toMatchObject([
      { key: Buffer.from(`key ${2 ** 33}`) },
      { key: Buffer.from(`key ${2 ** 33 + 1}`) },
    ])
  })

  it('fails as a whole where the broker says so', () => {
    const bytes = new Encoder().writeInt32(0).writeInt16(70).writeInt32(0).writeArray([]).buffer
    expect(() => decodeFetch(bytes)).toThrow('70')
  })
})

describe('a produce request', () => {
  afterEach(() => void vi.useRealTimers())

  it('is byte for byte what kafkajs would send', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 })
    const identity = { producerId: 77n, producerEpoch: 3 }
    const messages = [
      { key: 'a', value: Buffer.from('x'), headers: { name: 'ä' } },
      { key: 'b', value: null, headers: {} },
    ]
    const topics = [
      {
        topic: 'ünsre.problems',
        partitions: [3, 0].map((partition) => ({ partition, firstSequence: partition, messages })),
      },
      { topic: 'b', partitions: [{ partition: 1, firstSequence: 9, messages }] },
    ]
    const encoded = new Map<string, { partition: number; batch: Buffer }[]>()
    for (const { topic, partitions } of topics) {
      const batches: { partition: number; batch: Buffer }[] = []
      for (const { partition, firstSequence } of partitions) {
        const head = { ...identity, firstSequence, timestampMs: Date.now(), compression: 'none' as const }
        const batch = await encodeBatch(messages, head)
        // The broker sets the leader's epoch, whatever is sent.
        batch.writeInt32BE(0, 12)
        batches.push({ partition, batch })
      }
      encoded.set(topic, batches)
    }
    const theirs = await produceRequest({
      acks: -1,
      timeout: 30_000,
      transactionalId: 'wellspring.é.0',
      producerId: '77',
      producerEpoch: 3,
      compression: NONE,
      topicData: topics,
    }).encode()
    expect(encodeProduce('wellspring.é.0', 30_000, encoded)).toEqual(theirs.buffer)
  })
})
