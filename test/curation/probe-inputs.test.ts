import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { behaviours, disputed, probeInputs } from '../../curation/probe-inputs.ts'

describe('probeInputs', () => {
  it('makes one change after the other, each of another test, and changes a count with what it counts', () => {
    expect(probeInputs([{ input: '3\n1 2 5\n' }, { input: '1\n7\n' }], 5)).toEqual([
      '3\n1 1 1\n',
      '6\n1 2 5 1 2 5\n',
      '3\n5 2 1\n',
      '3\n1 1 5\n',
      '4\n1 2 5\n',
    ])
  })

  it('changes how many rows there are and none of the words in them, whose places may mean something', () => {
    expect(probeInputs([{ input: '2 9\n3 4\n5 8\n' }], 12)).toEqual([
      '4 9\n3 4\n5 8\n3 4\n5 8\n',
      '1 9\n3 4\n',
      '2 10\n3 4\n5 8\n',
    ])
  })

  it('repeats none, gives no input of a test, and no more than it is asked for', () => {
    const line = fc.array(fc.constantFrom('0', '1', '2', '12', '-3', 'ab', 'x'), { minLength: 1, maxLength: 5 })
    const input = fc
      .array(line, { minLength: 1, maxLength: 4 })
      .map((lines) => `${lines.map((words) => words.join(' ')).join('\n')}\n`)
    fc.assert(
      fc.property(fc.array(input, { maxLength: 4 }), fc.nat(20), (inputs, most) => {
        const tests = inputs.map((one) => ({ input: one }))
        const found = probeInputs(tests, most)
        expect(found.length).toBeLessThanOrEqual(most)
        expect(new Set([...found, ...inputs]).size).toBe(found.length + new Set(inputs).size)
        expect(probeInputs(tests, most + 1).slice(0, most)).toEqual(found)
      }),
    )
  })
})

describe('behaviours', () => {
  it('counts attempts by what they print for the probes that all of them survive', () => {
    expect(
      behaviours([
        ['a', 'b'],
        ['a', 'b'],
        ['a', 'c'],
      ]),
    ).toEqual([2, 1])
    expect(
      behaviours([
        ['a', ''],
        ['a', 'c'],
      ]),
    ).toEqual([2])
  })
  it('says nothing where there was no probe, or nobody survived any', () => {
    expect(behaviours([])).toEqual([])
    expect(behaviours([[], []])).toEqual([])
    expect(
      behaviours([
        ['', 'a'],
        ['a', ''],
      ]),
    ).toEqual([])
  })

  it('says nothing where attempts were run on other probes, before a change of the settings or the release', () => {
    const probes = [['a'], ['b', 'c'], ['b', 'c']]
    expect(behaviours(probes)).toEqual([])
    expect(disputed(probes)).toEqual([])
  })
})

describe('disputed', () => {
  it('names the probes that attempts print different things for, those first that tell more of them apart', () => {
    expect(
      disputed([
        ['a', 'x', 'p', 'k', ''],
        ['a', 'x', 'q', 'l', 'm'],
        ['a', 'y', 'q', 'n', 'm'],
      ]),
    ).toEqual([3, 1, 2])
  })

  it('puts those that tell the same ones apart again behind all others', () => {
    expect(
      disputed([
        ['a', 'a', 'a'],
        ['b', 'b', 'a'],
        ['a', 'a', 'b'],
      ]),
    ).toEqual([0, 2, 1])
    expect(disputed([['a'], ['a']])).toEqual([])
  })
})
