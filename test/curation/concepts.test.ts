import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalConcept, parseConceptList } from '../../curation/concepts.ts'
import { processorMilliseconds } from '../processor-time.ts'

describe('normalConcept', () => {
  it.each([
    ['Modular  Arithmetic', 'modular arithmetic'],
    ['  graph\n theory. ', 'graph theory'],
    ['**Dynamic Programming**', 'dynamic programming'],
    ['- binary search;', 'binary search'],
    ['`Fenwick tree`', 'fenwick tree'],
    ['Vieta’s formulas', 'vieta’s formulas'],
    ['ﬁnite ﬁelds', 'finite fields'],
    ['O(n log n)', 'o(n log n)'],
    ['2-SAT', '2-sat'],
    ['...', ''],
  ])('%j -> %j', (written, normal) => {
    expect(normalConcept(written)).toBe(normal)
  })

  it('is stable: a normal form is its own normal form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(normalConcept(normalConcept(text))).toBe(normalConcept(text))
      }),
    )
  })
})

describe('parseConceptList', () => {
  it.each([
    ['a bare Python list', `['number theory', 'modular arithmetic']`],
    ['a JSON list', `["number theory", "modular arithmetic"]`],
    ['mixed quotes', `["number theory", 'modular arithmetic']`],
    ['a trailing comma', `["number theory", "modular arithmetic",]`],
    ['one string a line', `[\n  "number theory",\n  "modular arithmetic",\n]`],
    ['a fenced block with a name', '```python\nconcepts = ["Number theory", "Modular arithmetic"]\n```'],
    ['words before and after', `Sure! Here they are: ["number theory", "modular arithmetic"]. I hope this helps.`],
    ['capital letters, stops and stars', `["Number Theory.", "**Modular  arithmetic**"]`],
    ['repeats', `["number theory", "Number theory", "modular arithmetic"]`],
    ['a draft before the final list', `First ["algebra"], then ["number theory", "modular arithmetic"]`],
    ['empty strings among them', `["number theory", "", "modular arithmetic"]`],
    ['a list of numbers after it', `["number theory", "modular arithmetic"] scored [3, 4]`],
  ])('reads %s', (_, answer) => {
    expect(parseConceptList(answer)).toEqual(['number theory', 'modular arithmetic'])
  })

  it.each([
    [
      `["Euler's totient function", "Fermat's little theorem"]`,
      ["euler's totient function", "fermat's little theorem"],
    ],
    [`['Euler's totient function', 'limits']`, ["euler's totient function", 'limits']],
    [
      `['Euler\\'s totient function', "the \\"pigeonhole\\" principle"]`,
      ["euler's totient function", 'the "pigeonhole" principle'],
    ],
    [`["intervals [a, b]", "the ring Z[x]"]`, ['intervals [a, b]', 'the ring z[x]']],
    [`["functions f(x, y)", "sets {1, 2}"]`, ['functions f(x, y)', 'sets {1, 2}']],
  ])('keeps quotes and brackets inside a concept: %s', (answer, concepts) => {
    expect(parseConceptList(answer)).toEqual(concepts)
  })

  it.each([
    ['prose', 'The concepts are number theory and modular arithmetic.'],
    ['nothing', ''],
    ['an empty list', '[]'],
    ['a list that is cut off', '["number theory", "modular'],
    ['a list without its bracket', '["number theory", "modular arithmetic"'],
    ['a list of numbers', '[1, 2, 3]'],
    ['bare words', '[number theory, modular arithmetic]'],
    ['sentences instead of concepts', `["${'one must know a lot '.repeat(10)}"]`],
  ])('has no list in %s', (_, answer) => {
    expect(parseConceptList(answer)).toBeUndefined()
  })

  it('reads every JSON list of strings back, in normal form', () => {
    const word = fc.stringMatching(/^[a-z][a-z "'[\]()+\\-]{0,30}[a-z]$/).filter((text) => text === normalConcept(text))
    fc.assert(
      fc.property(fc.uniqueArray(word, { minLength: 1, maxLength: 8 }), (concepts) => {
        // A quote that a comma or bracket follows reads as the end of its string: that much is ambiguous in models' lists.
        fc.pre(concepts.every((concept) => !/["']\s*[,\]]/.test(concept)))
        expect(parseConceptList(`Answer: ${JSON.stringify(concepts)}`)).toEqual(concepts)
      }),
    )
  })

  it('reads hostile text in linear time', () => {
    for (const text of [
      '["a",'.repeat(20_000),
      `["${'\\'.repeat(50_000)}`,
      `['a'${' '.repeat(50_000)}x`,
      '["a"'.repeat(20_000),
    ])
      expect(processorMilliseconds(() => parseConceptList(text))).toBeLessThan(2000)
  })
})

describe('a list that never closes', () => {
  it('is read in time that grows with its length', () => {
    const open = `[${'"[",'.repeat(40_000)}`
    const spent = processorMilliseconds(() => {
      expect(parseConceptList(open)).toBeUndefined()
      expect(parseConceptList(`["algebra"] ${open}`)).toEqual(['algebra'])
    })
    expect(spent).toBeLessThan(10_000)
  })
})
