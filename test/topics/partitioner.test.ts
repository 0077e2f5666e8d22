import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { murmur2, partitionOf } from '../../topics/partitioner.ts'

describe('partitionOf', () => {
  // Hashes as Kafka's own clients compute them.
  const known: [string, number][] = [
    ['', 275646681],
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
    ['é', 186971271],
    ['漢字', 1024270057],
    ['problem-42', -332297007],
    ['0123456789abcdef', 1438427052],
  ]

  it.each(known)('hashes %j as Kafka does', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash)
    expect(partitionOf(key, 1_000_000_007)).toBe((hash & 0x7fffffff) % 1_000_000_007)
  })

  it('places keys as Kafka does', () => {
    expect(known.map(([key]) => partitionOf(key, 12))).toEqual([9, 0, 6, 8, 11, 5, 3, 3, 1, 5, 0])
    expect(known.map(([key]) => partitionOf(key, 100))).toEqual([81, 40, 66, 12, 19, 77, 7, 71, 57, 41, 52])
  })

  it('gives every key a partition, whatever the hash', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 1000 }), (key, partitions) => {
        const partition = partitionOf(key, partitions)
        return Number.isInteger(partition) && partition >= 0 && partition < partitions
      }),
    )
  })

  it('hashes bytes that lie within a larger buffer', () => {
    expect(murmur2(Buffer.from('xxabcxx').subarray(2, 5))).toBe(479470107)
  })

  it('refuses a count that is no positive whole number', () => {
    for (const wrong of [0, -1, 1.5, NaN]) expect(() => partitionOf('key', wrong)).toThrow(RangeError)
  })
})
