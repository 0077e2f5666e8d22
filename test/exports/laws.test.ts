/** What holds of samples, splits, positions and texts, whatever they are. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { jsonLine } from '../../exports/json-line.ts'
import { OffsetIndex } from '../../exports/offset-index.ts'
import { ParquetFile } from '../../exports/parquet.ts'
import { formatPosition, parsePosition } from '../../exports/position.ts'
import { LowestNumbers, sampleOrder } from '../../exports/sample.ts'
import { mainSplit, parseShares, splitOf } from '../../exports/split.ts'
import { count, emptyTally } from '../../exports/tally.ts'
import { readParquet } from './reading.ts'

const directory = mkdtempSync(join(tmpdir(), 'wellspring-laws-'))
afterAll(() => rmSync(directory, { recursive: true }))

const ids = fc.uniqueArray(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 200 })
const anyText = fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)), maxLength: 40 })
/** Text without halves of surrogate pairs. */
const text = fc.string({ unit: 'binary', maxLength: 40 })

/** A sample of rows, as an export draws it. */
function sampleOf(rows: readonly string[], size: number, seed: string): string[] {
  const lowest = new LowestNumbers(size)
  for (const id of rows) lowest.add(sampleOrder(seed, id))
  const last = lowest.highest()
  return rows.filter((id) => last === undefined || sampleOrder(seed, id) <= last)
}

describe('a sample', () => {
  it('has as many rows as were asked for, or all', () => {
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: 250 }), text, (rows, size, seed) => {
        expect(sampleOf(rows, size, seed)).toHaveLength(Math.min(size, rows.length))
      }),
    )
  })

  it('holds every smaller sample of its seed', () => {
    fc.assert(
      fc.property(
        ids,
        fc.integer({ min: 1, max: 250 }),
        fc.integer({ min: 1, max: 250 }),
        text,
        (rows, one, other, seed) => {
          const small = sampleOf(rows, Math.min(one, other), seed)
          const large = new Set(sampleOf(rows, Math.max(one, other), seed))
          expect(small.filter((id) => !large.has(id))).toEqual([])
        },
      ),
    )
  })

  it('is the same whatever the order of the rows', () => {
    fc.assert(
      fc.property(
        ids.chain((rows) => fc.tuple(fc.constant(rows), fc.shuffledSubarray(rows, { minLength: rows.length }))),
        fc.integer({ min: 1, max: 100 }),
        ([rows, shuffled], size) => {
          expect(new Set(sampleOf(shuffled, size, 's'))).toEqual(new Set(sampleOf(rows, size, 's')))
        },
      ),
    )
  })

  it('of another seed is another', () => {
    const rows = Array.from({ length: 1000 }, (_, number) => `row-${number}`)
    expect(sampleOf(rows, 100, '1')).not.toEqual(sampleOf(rows, 100, '2'))
  })
})

describe('a tally', () => {
  it('counts rows by a name, whatever it is', () => {
    const tally = emptyTally()
    const facts = { id: 'a', problem_id: 'b', domain: 'math', origin: 'human', simulated: false } as const
    for (const source of ['constructor', 'aops', 'constructor', 'toString'])
      count(
        tally,
        { texts: { prompt: '', completion: '' }, facts: { ...facts, source }, recipe: '', models: [] },
        'train',
      )
    expect(Object.entries(tally.sources)).toEqual([
      ['constructor', 2],
      ['aops', 1],
      ['toString', 1],
    ])
  })
})

describe('a split', () => {
  const share = fc.integer({ min: 1, max: 49 }).map((percent) => percent / 100)

  it('of a problem depends on nothing but its id and the shares', () => {
    // Written down: a release that moved problems to the other side would spoil what was trained before.
    const sides = ['problem-1', 'problem-2', 'problem-3', 'problem-4', 'problem-5', 'problem-6'].map((id) =>
      splitOf(id, [['test', 0.3]]),
    )
    expect(sides).toEqual(['train', 'test', 'train', 'test', 'test', 'test'])
  })

  it('keeps its problems when its share is raised', () => {
    fc.assert(
      fc.property(text, share, share, (id, one, other) => {
        const small = splitOf(id, [['test', Math.min(one, other)]])
        const large = splitOf(id, [['test', Math.max(one, other)]])
        if (small === 'test') expect(large).toBe('test')
      }),
    )
  })

  it('takes about its share', () => {
    const shares = parseShares('test=0.05,validation=0.1')
    const counts: Record<string, number> = {}
    for (let number = 0; number < 20_000; number++) {
      const split = splitOf(`problem-${number}`, shares)
      counts[split] = (counts[split] ?? 0) + 1
    }
    expect(Object.keys(counts).sort()).toEqual(['test', 'train', 'validation'])
    expect(counts['test']).toBeGreaterThan(900)
    expect(counts['test']).toBeLessThan(1100)
    expect(counts['validation']).toBeGreaterThan(1850)
    expect(counts['validation']).toBeLessThan(2150)
  })

  it.each([
    ['test', /expected NAME=SHARE/],
    ['test=0', /above 0 and below 1/],
    ['test=1', /above 0 and below 1/],
    ['../x=0.1', /expected NAME=SHARE/],
    ['test=0.1,test=0.2', /twice/],
    [`${mainSplit}=0.5`, /name the others alone/],
    ['a=0.6,b=0.5', /must be below 1/],
  ])('%s is refused', (shares, reason) => {
    expect(() => parseShares(shares)).toThrow(reason)
  })
})

describe('an offset index', () => {
  it('gives back what was put in last, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(text, fc.nat()), { maxLength: 300 }), text, (entries, other) => {
        const index = new OffsetIndex()
        for (const [id, offset] of entries) index.set(id, offset)
        for (const [id, offset] of new Map(entries)) expect(index.get(id)).toBe(offset)
        if (!entries.some(([id]) => id === other)) expect(index.get(other)).toBeUndefined()
      }),
    )
  })

  it('grows', () => {
    const index = new OffsetIndex()
    for (let number = 0; number < 20_000; number++) index.set(`problem-${number}`, number)
    for (let number = 0; number < 20_000; number++) expect(index.get(`problem-${number}`)).toBe(number)
  })
})

describe('a position', () => {
  it('is read back from its text, which needs no quotes in a shell', () => {
    const offsets = fc.array(fc.nat({ max: Number.MAX_SAFE_INTEGER }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(offsets, offsets, (one, other) => {
        const positions = { outcomes: one, retractions: other }
        expect(formatPosition(positions)).toMatch(/^[a-z0-9:.,-]+$/)
        expect(parsePosition(formatPosition(positions))).toEqual(positions)
      }),
    )
  })

  it.each(['', 'outcomes', 'outcomes:', 'outcomes:1.x', '{"position":"outcomes:1"}', 'undefined'])(
    '"%s" is none',
    (nonsense) => {
      expect(parsePosition(nonsense)).toBeUndefined()
    },
  )
})

describe('any text', () => {
  it('comes back from a line of JSON, with U+FFFD for half a pair of surrogates', () => {
    fc.assert(
      fc.property(anyText, fc.array(anyText), (content, more) => {
        const line = jsonLine({ content, more: [{ more }] })
        // Neither a terminal nor a reader that splits at other line ends comes to harm.
        // eslint-disable-next-line no-control-regex
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\n\r]/)
        expect(line).toBe(Buffer.from(line).toString())
        const wellFormed = (one: string): string => Buffer.from(one).toString()
        expect(JSON.parse(line)).toEqual({ content: wellFormed(content), more: [{ more: more.map(wellFormed) }] })
      }),
    )
  })

  it('comes back from Parquet', async () => {
    const columns = { content: 'string', more: { list: { fields: { text: 'string' } } } } as const
    let number = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ content: text, more: fc.array(fc.record({ text })) })), async (rows) => {
        const path = join(directory, `${number++}.parquet`)
        const file = new ParquetFile(path, columns)
        for (const row of rows) file.append(row, 10)
        file.finish()
        expect(await readParquet(path)).toEqual(rows)
      }),
      { numRuns: 50 },
    )
  })
})
