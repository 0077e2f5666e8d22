import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeRuns, encodeRuns, extendRuns, PositionMap, type Run } from '../../../engine/copy/position-map.ts'
import type { TaskState } from '../../../topics/log.ts'

/** Offsets of a partition's records on both logs, with holes on either. */
const offsets = fc
  .array(fc.record({ sourceHole: fc.nat(3), targetHole: fc.nat(3) }), { minLength: 1, maxLength: 60 })
  .chain((holes) => fc.record({ holes: fc.constant(holes), start: fc.nat(2 ** 40) }))
  .map(({ holes, start }) => {
    let [source, target] = [start - 1, -1]
    return holes.map(({ sourceHole, targetHole }) => {
      source += 1 + sourceHole
      target += 1 + targetHole
      return { source, target }
    })
  })

function runsOf(pairs: readonly { source: number; target: number }[]): Run[] {
  const runs: Run[] = []
  for (const { source, target } of pairs) extendRuns(runs, source, target)
  return runs
}

/** A map whose segments hold so many records each, some of them committed. */
function mapOf(pairs: readonly { source: number; target: number }[], segment: number, committed: number): PositionMap {
  const stored = new Map<string, Uint8Array>()
  const state: TaskState = {
    get: (key) => stored.get(key),
    *entries(prefix = '') {
      for (const [key, value] of [...stored].sort(([a], [b]) => (a < b ? -1 : 1)))
        if (key.startsWith(prefix)) yield { key, value }
    },
  }
  const add = (map: PositionMap, from: number, to: number): void => {
    for (let at = from; at < to; at += segment)
      map.add('verdicts', 3, runsOf(pairs.slice(at, Math.min(to, at + segment))))
  }
  const before = new PositionMap(() => state)
  add(before, 0, committed)
  for (const { key, value } of before.unsaved()) if (value) stored.set(key, value)
  before.saved()
  // Opened anew, as after a kill: what was committed is read from the state.
  const map = new PositionMap(() => state)
  add(map, committed, pairs.length)
  return map
}

const made = fc.record({
  pairs: offsets,
  segment: fc.integer({ min: 1, max: 20 }),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
})

describe('the map of positions', () => {
  it('finds the offset of every record, and none where no record was', () => {
    fc.assert(
      fc.property(made, ({ pairs, segment, share }) => {
        const map = mapOf(pairs, segment, Math.floor(share * pairs.length))
        const expected = new Map(pairs.map(({ source, target }) => [source, target]))
        const first = pairs[0]?.source ?? 0
        for (let offset = Math.max(0, first - 2); offset <= (pairs.at(-1)?.source ?? 0) + 2; offset++)
          expect(map.offsetOf('verdicts', 3, offset)).toBe(expected.get(offset))
        expect(map.offsetOf('verdicts', 4, first)).toBeUndefined()
        expect(map.last('verdicts', 3)).toEqual(pairs.at(-1))
      }),
    )
  })

  it('puts a boundary after the records below it and before the others', () => {
    fc.assert(
      fc.property(made, ({ pairs, segment, share }) => {
        const map = mapOf(pairs, segment, Math.floor(share * pairs.length))
        for (
          let offset = Math.max(0, (pairs[0]?.source ?? 0) - 2);
          offset <= (pairs.at(-1)?.source ?? 0) + 2;
          offset++
        ) {
          const boundary = map.boundaryOf('verdicts', 3, offset)
          for (const { source, target } of pairs) expect(target < boundary).toBe(source < offset)
        }
      }),
    )
  })

  it('is stored in a few bytes a run and read back as it was', () => {
    fc.assert(
      fc.property(offsets, (pairs) => {
        const runs = runsOf(pairs)
        expect(decodeRuns(encodeRuns(runs))).toEqual(runs)
        expect(encodeRuns(runs).length).toBeLessThanOrEqual(3 * runs.length + 12)
      }),
    )
  })

  it('refuses a segment that is cut off', () => {
    expect(() => decodeRuns(encodeRuns([{ source: 5, target: 9, count: 3 }]).subarray(0, 2))).toThrow(
      /ends inside a run/,
    )
  })
})
