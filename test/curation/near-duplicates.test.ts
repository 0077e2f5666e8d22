import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeFeatures,
  encodeFeatures,
  featuresOf,
  NearDuplicateIndex,
  type DuplicateSettings,
} from '../../curation/near-duplicates.ts'
import { processorMilliseconds } from '../processor-time.ts'

const byDefault: DuplicateSettings = { rule: 'words-and-numbers', wordSimilarity: 0.8, commonWordStatements: Infinity }
const asScripts: DuplicateSettings = { rule: 'words', wordSimilarity: 0.2, commonWordStatements: 1000 }
const keyOf = (number: number): string => number.toString(16).padStart(64, '0')

/** The number of the statement that the last one is a duplicate of. */
function duplicateOf(settings: DuplicateSettings, ...statements: string[]): number | undefined {
  const index = new NearDuplicateIndex(settings)
  const last = statements.pop() ?? ''
  for (const [number, statement] of statements.entries()) index.add(keyOf(number), featuresOf(statement))
  const found = index.find(featuresOf(last))
  return found && Number.parseInt(found.key, 16)
}

const dice =
  'A player rolls $3$ fair dice with faces from $1$ to $12$. Find the probability that the total is exactly $17$.'

describe('words and numbers', () => {
  it.each([
    ['another story', `On a foggy morning Amara opened a dusty crate. ${dice}`],
    [
      'other words',
      'Somebody throws $3$ fair dice, numbered up to $12$ each. With what probability is the total exactly $17$?',
    ],
    ['formulas without dollar signs', dice.replaceAll('$', '')],
    ['other letters and spaces', dice.toUpperCase().replaceAll(' ', '  ')],
  ])('finds %s', (_, statement) => {
    expect(duplicateOf(byDefault, 'Solve $5x + 9 = 44$ for x.', dice, statement)).toBe(1)
  })

  it.each([
    ['another number', dice.replace('17', '18')],
    ['a number more', `${dice} Ignore every throw that shows a $7$.`],
    ['another order of the same numbers', dice.replace('12', '#').replace('17', '12').replace('#', '17')],
    ['the other side of a contrast', dice.replace('exactly', 'at least')],
    ['a condition more', dice.replace('exactly', 'an even number, exactly')],
    ['a sign', dice.replace('$17$', '$-17$')],
  ])('lets %s pass', (_, statement) => {
    expect(duplicateOf(byDefault, dice, statement)).toBeUndefined()
  })

  it('tells recurrences apart that differ in one sign of a formula', () => {
    const recurrence = 'A sequence has $a_{n+2} = 3a_{n+1} + 4a_n$ with $a_1 = 5$ and $a_2 = 7$. Determine $a_{12}$.'
    expect(duplicateOf(byDefault, recurrence, recurrence.replace('+ 4a_n', '- 4a_n'))).toBeUndefined()
    expect(duplicateOf(byDefault, recurrence, `Compute this. ${recurrence}`)).toBe(0)
  })

  it.each([
    [
      'a coefficient more',
      'Let $r$ and $s$ be the roots of $x^2 - 4x + 3 = 0$. Find $r^4 + s^4$.',
      'Let $r$ and $s$ be the roots of $3x^2 - 4x + 3 = 0$. Find $r^4 + s^4$.',
    ],
    [
      'a coefficient more, which the other signs name too',
      'Let $r$ and $s$ solve $x^2 + 3x + 3 = 0$. Find $r^7 + s^7$.',
      'Let $r$ and $s$ solve $3x^2 + 3x + 3 = 0$. Find $r^7 + s^7$.',
    ],
    [
      'a coefficient of 2 more',
      'The roots of the quadratic $x^2 + 2x - 2$ are called $r$ and $s$. Determine $r^4 + s^4$.',
      'The roots of the quadratic $2x^2 + 2x - 2$ are called $r$ and $s$. Determine $r^4 + s^4$.',
    ],
    [
      'one of two numbers twice',
      'A triangular garden has sides of length $4$ and $12$. Find its area.',
      'A triangular garden has sides of length $4$, $12$ and $12$. Find its area.',
    ],
  ])('tells statements apart of which one has %s', (_, first, second) => {
    expect(duplicateOf(byDefault, first, second)).toBeUndefined()
    expect(duplicateOf(byDefault, second, first)).toBeUndefined()
  })

  it('takes a word of letters and digits for a number', () => {
    const runs = 'Turn a text of 1 to 800 letters into its short form. Example input: bbcccaaa gives'
    expect(duplicateOf(byDefault, `${runs} b2c3a3`, `${runs} 2b3c3a`)).toBeUndefined()
    expect(duplicateOf(byDefault, `${runs} b2c3a3`, `Please read. ${runs} b2c3a3`)).toBe(0)
  })

  it.each([
    ['names a condition by the way', 'Most of the guests left early without a word. The first train was not late.'],
    ['names the other side of a contrast', 'At least the baker stayed. Her longest loaf was sold.'],
  ])('passes over a scene that %s', (_, scene) => {
    expect(duplicateOf(byDefault, dice, `${scene} ${dice}`)).toBe(0)
    expect(duplicateOf(byDefault, `${scene} ${dice}`, dice)).toBe(0)
  })

  it('keeps sentences before the first number whose words come again', () => {
    const rolls = 'Find the probability that the total of the 3 rolls of fair dice is 17.'
    const fair = 'The dice are rolled and the total of the rolls is taken.'
    const odd = 'The dice are rolled and the total of the rolls is taken where it is odd.'
    expect(duplicateOf(byDefault, `${fair} ${rolls}`, `${odd} ${rolls}`)).toBeUndefined()
    expect(duplicateOf(byDefault, `${odd} ${rolls}`, `Please. ${odd} ${rolls}`)).toBe(0)
  })

  it.each([
    ['a sign before a root', 'the point $(\\sqrt{2}, 3)$ and $7$', 'the point $(-\\sqrt{2}, 3)$ and $7$'],
    ['a sign before 1', 'the point $(1, 3)$ and $7$', 'the point $(-1, 3)$ and $7$'],
    ['a coefficient', 'the roots of $x^2 - 5x + 3 = 0$', 'the roots of $2x^2 - 5x + 3 = 0$'],
    ['a divisor', 'the point $(3\\sqrt{5}, 7)$', 'the point $(3\\sqrt{5}/2, 7)$'],
  ])('tells %s', (_, one, other) => {
    expect(duplicateOf(byDefault, `Find ${one}.`, `Find ${other}.`)).toBeUndefined()
    expect(duplicateOf(byDefault, `Find ${one}.`, `Please. Find ${one}.`)).toBe(0)
  })

  it('takes formulas for as good as words', () => {
    const system = '$5x - 7y + 6z = 7$, $6x + 9y - 7z = -1$ and $-7x + y - 9z = -7$'
    const asked = `Solve the system ${system}.`
    expect(duplicateOf(byDefault, asked, `Prices in a shop satisfy ${system}; which tuple is possible?`)).toBe(0)
    expect(duplicateOf(byDefault, asked, asked.replace('+ 6z', '- 6z'))).toBeUndefined()
  })

  it('tells programs apart by the example that is given, of whatever it is made', () => {
    const task = 'Print the depth of 1 text of brackets.\n\nExample\nInput:\n'
    expect(duplicateOf(byDefault, `${task}(())`, `${task}[[]]`)).toBeUndefined()
    expect(duplicateOf(byDefault, `${task}(())`, `Read this. ${task} (())`)).toBe(0)
  })

  it('goes by the words where there are hardly any numbers', () => {
    const long =
      'Write a function that returns whether a text reads the same backwards and forwards, ignoring punctuation'
    expect(duplicateOf(byDefault, long, `${long} marks.`)).toBe(0)
    expect(duplicateOf(byDefault, long, 'Write a function that returns whether a list is sorted.')).toBeUndefined()
  })
})

describe('words, as the scripts compare', () => {
  it('compares all words, those of a scene too', () => {
    const scene = 'Meanwhile goats wander across lawns while somebody practises trombone near lighthouses. '
    const alike = (rule: 'words' | 'words-and-numbers'): number => featuresOf(`${scene}${dice}`, rule).words.length
    expect(alike('words')).toBeGreaterThan(alike('words-and-numbers'))
  })

  it('takes a fifth of the words in common for the same, whatever the numbers', () => {
    expect(duplicateOf(asScripts, dice, dice.replace('17', '18'))).toBe(0)
  })

  it('leaves words out that more statements have than the limit', () => {
    const settings = { ...asScripts, commonWordStatements: 3 }
    const shared = 'harbour lighthouse keeper counts passing vessels'
    const first = Array.from({ length: 5 }, (_, number) => `${shared} ${'abcde'[number]?.repeat(6)}`)
    expect(duplicateOf(settings, ...first.slice(0, 2), `${shared} zzzzzz`)).toBe(0)
    const index = new NearDuplicateIndex(settings)
    for (const [number, statement] of first.entries()) index.add(keyOf(number), featuresOf(statement))
    expect(index.find(featuresOf(`${shared} zzzzzz`))).toBeUndefined()
  })
})

describe('the index', () => {
  const text = fc.array(
    fc.constantFrom('tower', 'bridge', 'count', '12', '35', '$x^2+7$', '-4', 'odd', 'least', 'river', 'sum'),
    {
      minLength: 4,
      maxLength: 30,
    },
  )

  it('finds statements that fill a part of the pool to its last number', () => {
    // 64 numbers each: 40 words, 28 numbers two by two, a key and a head of 10. A part holds 262,144.
    const featuresAt = (number: number) => ({
      words: Uint32Array.from({ length: 40 }, (_, index) => number * 40 + index),
      numbers: Uint16Array.from({ length: 28 }, (_, index) => 3 + ((number * 31 + index * 7) % 60_000)),
      ...{ formulas: new Uint32Array(), equations: new Uint32Array(), contrasts: 0 },
    })
    const index = new NearDuplicateIndex(byDefault)
    for (let number = 0; number < 9_000; number++) index.add(keyOf(number), featuresAt(number))
    for (let number = 0; number < 9_000; number += 50) expect(index.find(featuresAt(number))?.key).toBe(keyOf(number))
  })

  it('finds every statement that was added, under its key, in any segment', () => {
    const index = new NearDuplicateIndex(byDefault)
    const statementOf = (number: number): string =>
      `How many ways lead from ${3 + number} to ${900_000 + number} over bridges?`
    for (let number = 0; number < 10_000; number++) index.add(keyOf(number), featuresOf(statementOf(number)))
    expect(index.size).toBe(10_000)
    for (let number = 0; number < 10_000; number += 7)
      expect(index.find(featuresOf(statementOf(number)))?.key).toBe(keyOf(number))
    expect(index.bytes / index.size).toBeLessThan(800)
  })

  it('finds any statement again after it was added', () => {
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 20 }), (words, others) => {
        const index = new NearDuplicateIndex(byDefault)
        for (const [number, other] of others.entries()) index.add(keyOf(number), featuresOf(other.join(' ')))
        index.add(keyOf(99), featuresOf(words.join(' ')))
        expect(index.find(featuresOf(words.join(' ')))).toBeDefined()
      }),
    )
  })

  it('comes out the same from features that lay in the state', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), text, (hostile, words) => {
        const features = featuresOf(`${hostile} ${words.join(' ')}`)
        const bytes = encodeFeatures(features)
        expect(decodeFeatures(bytes)).toEqual(features)
        // As they lie in a record that was read: somewhere in a larger buffer.
        expect(decodeFeatures(Buffer.concat([Buffer.from('x'), bytes]).subarray(1))).toEqual(features)
      }),
    )
  })

  it('reads features of the release before, which had no equations', () => {
    const features = featuresOf(`${dice} Let $x^2 + 3x = 4$.`)
    const head = [2, features.words.length, features.numbers.length, features.formulas.length, features.contrasts]
    const before = Uint32Array.of(...head, ...features.words, ...features.numbers, ...features.formulas)
    expect(decodeFeatures(Buffer.from(before.buffer))).toEqual({ ...features, equations: new Uint32Array() })
  })

  it('passes over features of another release, and over none', () => {
    const bytes = encodeFeatures(featuresOf(dice))
    bytes.writeUInt32LE(77, 0)
    expect(decodeFeatures(bytes)).toBeUndefined()
    expect(decodeFeatures(Buffer.alloc(0))).toBeUndefined()
    expect(decodeFeatures(Buffer.alloc(23))).toBeUndefined()
  })
})

it('features of hostile text are read in linear time', () => {
  const spent = processorMilliseconds(() => {
    for (const part of [' ', '{', '- ', '1a', '$', '\\sqrt']) featuresOf(`What is -\\sqrt${part.repeat(40_000)}x?`)
  })
  expect(spent).toBeLessThan(2000)
})
