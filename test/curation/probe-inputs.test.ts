import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { behaviours, probeInputs } from '../../curation/probe-inputs.ts'

describe('probeInputs', () => {
  it('changes the last line of each test in one way after the other', () => {
    expect(probeInputs([{ input: '3\n1 2 5\n' }, { input: '1\n7\n' }], 6)).toEqual([
      '3\n5 2 1\n',
      '3\n1 2 6\n',
      '1\n8\n',
      '3\n1 1 5\n',
      '1\n6\n',
      '3\n1 1 1\n',
    ])
  })

  it('keeps the number of lines and words, repeats none, and gives no more than it is asked for', () => {
    const line = fc.array(fc.constantFrom('0', '1', '12', '-3', 'ab', 'x'), { minLength: 1, maxLength: 5 })
    const input = fc
      .array(line, { minLength: 1, maxLength: 4 })
      .map((lines) => `${lines.map((words) => words.join(' ')).join('\n')}\n`)
    const shape = (text: string): number[] =>
      text
        .trimEnd()
        .split('\n')
        .map((one) => one.split(' ').length)
    fc.assert(
      fc.property(fc.array(input, { maxLength: 4 }), fc.nat(8), (inputs, most) => {
        const found = probeInputs(
          inputs.map((one) => ({ input: one })),
          most,
        )
        expect(found.length).toBeLessThanOrEqual(most)
        expect(new Set([...found, ...inputs]).size).toBe(found.length + new Set(inputs).size)
        const shapes = inputs.map((one) => shape(one).join(' '))
        for (const probe of found) expect(shapes).toContain(shape(probe).join(' '))
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
})
