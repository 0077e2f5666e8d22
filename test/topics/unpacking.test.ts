import fc from 'fast-check'
import { expect, it } from 'vitest'
import { unpackLz4, unpackSnappy } from '../../topics/kafka/unpacking.ts'

// What brokers pack is read in test/kafka/trouble.test.ts. Here: forms that brokers do not write, and bytes that are none.

it('an LZ4 frame: stored blocks, repeats that overlap themselves, long lengths, checksums, the size of the content', () => {
  const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x78, 0x40, ...Array<number>(8).fill(0), 0])
  const block = (bytes: number[], stored = false): Buffer => {
    const size = Buffer.alloc(4)
    size.writeUInt32LE((bytes.length | (stored ? 0x80000000 : 0)) >>> 0)
    return Buffer.concat([size, Buffer.from(bytes), Buffer.alloc(4)])
  }
  const packed = Buffer.concat([
    header,
    block([...Buffer.from('stored ')], true),
    // One literal, then a copy of 4 + 15 + 255 + 1 = 275 from one byte back, then two literals.
    block([0x1f, 0x61, 1, 0, 255, 1, 0x20, 0x62, 0x63]),
    Buffer.alloc(4),
  ])
  expect(unpackLz4(packed).toString()).toBe(`stored ${'a'.repeat(276)}bc`)
})

it('bare Snappy, with copies of each kind', () => {
  const packed = Buffer.from([
    ...[21, 4 << 2, ...Buffer.from('abcde')],
    // 4 from 5 back; 6 from 3 back; 6 from 2 back.
    ...[0x01, 5, (5 << 2) | 2, 3, 0, (5 << 2) | 3, 2, 0, 0, 0],
  ])
  expect(unpackSnappy(packed).toString()).toBe('abcdeabcdbcdbcdcdcdcd')
})

it('bytes that are neither are refused, never read past their end and never unpacked without end', () => {
  const lz4Head = Uint8Array.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0])
  for (const [unpack, head] of [
    [unpackLz4, lz4Head],
    [unpackSnappy, new Uint8Array()],
  ] as const)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(unpack(Buffer.concat([head, bytes])).length).toBeLessThan(1 << 20)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }),
      { numRuns: 2000 },
    )
})
