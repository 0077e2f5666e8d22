import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32c, encodeBatch, encodeProduce, type BatchMessage } from '../../topics/kafka/batches.ts'
import { readBatches } from '../../topics/kafka/records.ts'

const require = createRequire(import.meta.url)
const crcOfKafkajs = require('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object
const decodeByKafkajs = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: object) => Promise<{
  records: {
    key: Buffer | null
    value: Buffer | null
    headers: Record<string, Buffer>
    offset: string
    timestamp: string
  }[]
  producerEpoch: number
  inTransaction: boolean
}>

const head = { producerId: 4711n, producerEpoch: 3, firstSequence: 9, timestampMs: 1_700_000_000_123 }
const CRC_AT = 17
const SUMMED_FROM = 21

/** The time of a message: its own where it has one, and never one after the batch's. */
const timeOf = ({ timestampMs = head.timestampMs }: BatchMessage): number => Math.min(timestampMs, head.timestampMs)
const withTime = fc.option(fc.nat({ max: 2 ** 41 }), { nil: undefined })

const bareMessage: fc.Arbitrary<BatchMessage> = fc.record({
  key: fc.option(fc.string({ unit: 'binary', maxLength: 40 })),
  value: fc.option(fc.uint8Array({ maxLength: 700 }).map((bytes) => Buffer.from(bytes))),
  headers: fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 20 })),
})
const message = fc
  .record({ bare: bareMessage, timestampMs: withTime })
  .map(({ bare, timestampMs }) => (timestampMs === undefined ? bare : { ...bare, timestampMs }))
const messages = fc.array(message, { minLength: 1, maxLength: 90 })

describe('a record batch', () => {
  for (const compression of ['none', 'gzip'] as const) {
    it(`reads back as it was written, by our reader: ${compression}`, async () => {
      await fc.assert(
        fc.asyncProperty(messages, async (written) => {
          const batch = await encodeBatch(written, { ...head, compression })
          const { records, nextOffset } = await readBatches({ batches: batch, aborted: [] }, 0, Infinity, 'test/0')
          expect(nextOffset).toBe(written.length)
          expect(records).toEqual(
            written.map(({ key, value, headers, ...one }, offset) => ({
              offset,
              timestampMs: timeOf({ key, value, ...one }),
              key: key ?? '',
              value: value ?? undefined,
              headers: headers && Object.keys(headers).length > 0 ? { ...headers } : undefined,
            })),
          )
        }),
      )
    })

    it(`reads back by kafkajs' reader: ${compression}`, async () => {
      await fc.assert(
        fc.asyncProperty(messages, async (written) => {
          const batch = await encodeBatch(written, { ...head, compression })
          const { records, producerEpoch, inTransaction } = await decodeByKafkajs(new Decoder(batch))
          expect({ producerEpoch, inTransaction }).toEqual({ producerEpoch: 3, inTransaction: true })
          expect(
            records.map(({ key, value, offset, timestamp }) => ({
              ...{ key: key?.toString() ?? null, value, offset, timestamp },
            })),
          ).toEqual(
            written.map(({ key, value, ...one }, offset) => ({
              ...{ key, value, offset: String(offset), timestamp: String(timeOf({ key, value, ...one })) },
            })),
          )
        }),
        { numRuns: 30 },
      )
    })
  }

  it('carries the checksum of all that follows it, as the brokers compute it', async () => {
    await fc.assert(
      fc.asyncProperty(messages, async (written) => {
        const batch = await encodeBatch(written, { ...head, compression: 'none' })
        expect(batch.readUInt32BE(CRC_AT)).toBe(crcOfKafkajs(batch.subarray(SUMMED_FROM)) >>> 0)
      }),
      { numRuns: 30 },
    )
  })
})

it('the checksum is CRC-32C: the check value of its catalogue, and whatever kafkajs computes', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 12 }), (bytes, start) => {
      const from = Math.min(start, bytes.length)
      expect(crc32c(bytes, from)).toBe(crcOfKafkajs(Buffer.from(bytes.subarray(from))) >>> 0)
    }),
  )
})

it('a produce request holds each batch under its topic and partition', () => {
  const body = encodeProduce('id', 30_000, new Map([['topic', [{ partition: 7, batch: Buffer.from('batch') }]]]))
  expect(body.toString('latin1')).toBe(
    '\0\x02id' +
      '\xff\xff' +
      '\0\0\x75\x30' +
      '\0\0\0\x01' +
      '\0\x05topic' +
      '\0\0\0\x01' +
      '\0\0\0\x07' +
      '\0\0\0\x05batch',
  )
})
