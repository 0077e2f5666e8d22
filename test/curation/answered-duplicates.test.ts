import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answerKey, areTheSame, comparedOf, ownersKey } from '../../curation/answered-duplicates.ts'

/** Whether two statements with this answer are the same problem. */
function same(first: string, second: string, answer = '12'): boolean {
  const [one, other] = [comparedOf(first), comparedOf(second)]
  if (!one || !other) return false
  const key = answerKey(answer)
  return ownersKey('math', key, one) === ownersKey('math', key, other) && areTheSame(one, other, key)
}

describe('problems with the same answer', () => {
  it.each([
    [
      'without a word in common',
      'A player rolls $3$ fair dice with $12$ faces. How likely is the total $17$?',
      'One spins a wheel marked $1$ to $12$ altogether $3$ times. Give the chance that its marks add up to $17$.',
    ],
    [
      'with the numbers in another order',
      'Choose $5$ of $7$ red and $9$ blue items.',
      'From $9$ juniors and $7$ seniors take $5$ people.',
    ],
    [
      'with a number repeated',
      'Walk from $(0, 0)$ to $(5, 4)$ through $(3, 1)$.',
      'A beetle heads from $(0, 0)$ for $(5, 4)$ by way of $(3, 1)$, in $5$ steps.',
    ],
  ])('are the same %s', (_, first, second) => {
    expect(same(first, second)).toBe(true)
    expect(same(second, first)).toBe(true)
  })

  it.each([
    ['another number', 'Choose $5$ of $7$ items.', 'Choose $5$ of $8$ items.'],
    ['a number more', 'Choose $5$ of $7$ items.', 'Choose $5$ of $7$ items, $3$ of them red.'],
    ['numbers of one formula the other way round', 'Walk to the point $(3, 4)$.', 'Walk to the point $(4, 3)$.'],
    ['one of two numbers twice', 'Take $a_1 = 3$ and $a_2 = 3$ and $7$.', 'Take $a_1 = 3$ and $a_2 = 7$ and $7$.'],
    [
      'other formulas',
      'Solve $x^{2} + 5x + 6 = 0$ for its larger root.',
      'Solve $\\sqrt{5} \\cdot 6 - y / 2 = y$ for its root.',
    ],
    ['one sign turned', 'Solve $x^2 + x - 6 = 0$.', 'The roots of $x^2 - x - 6 = 0$ are asked for.'],
    [
      'a term of an equation changed',
      'With $a_1 = 1$ and $a_2 = 3$, give $a_6$.',
      'Let $a_1 = 2$, $a_2 = 3$. What is $a_6$?',
    ],
    ['another constant', 'Solve $3x^2 - 3x + 1 = 0$ for $x$.', 'The roots of $3x^2 - 3x + 2 = 0$ are sought.'],
    ['another side of a contrast', 'Pass through $(3, 4)$.', 'Stay clear of $(3, 4)$.'],
    ['another average', 'Find the mean of $3$, $7$, $8$, $9$, $13$.', 'Find the median of $3$, $7$, $8$, $9$, $13$.'],
    ['another function', 'Compute $\\sin 45^\\circ$.', 'Compute $\\cos 45^\\circ$.'],
    ['another measure', 'What is the area of a square of side $4$?', 'Give the perimeter of a square of side $4$.'],
    ['another kind of numbers', 'Count squares up to $30$.', 'Count cubes up to $30$.'],
    ['no number to speak of', 'Add $1$ and $2$.', 'Add $2$ and $1$.'],
  ])('are not the same with %s', (_, first, second) => {
    expect(same(first, second)).toBe(false)
  })

  it('are told by an answer that few have, however often they name a number', () => {
    const [dice, wheel] = [
      'In a board game $4$ dice with $12$ faces ($1$ up to $12$) are cast. How likely are $34$ points or more?',
      'A spinner stops on $1, 2, \\ldots, 12$. It is spun $4$ times. Give the chance of a total of at least $34$.',
    ]
    expect(same(dice, wheel, '\\frac{715}{20736}')).toBe(true)
    expect(same(dice, wheel, '12')).toBe(false)
  })

  it.each(['\\text{yes}', '(B)', 'n', '\\infty'])('are not told by an answer that many have: %s', (answer) => {
    const [root, size] = ['Has $x + 17 = y + 3$ a root for each $y$?', 'Is $17 \\cdot z$ ever as large as $w / 3$?']
    expect(same(root, size, answer)).toBe(false)
  })

  it('are told by an answer that few have, however their formulas are written', () => {
    const [pair, beacon] = [
      'What polar coordinates $(r, \\theta)$, $r > 0$, describe the pair $(0, 5)$?',
      'A ship is at $(0, 5)$. Give $(r, \\theta)$, where $r > 0$ is its distance and $\\theta \\in [0, \\pi)$ the angle.',
    ]
    expect(same(pair, beacon, '(5, \\frac{\\pi}{2})')).toBe(true)
  })

  it('are the same as themselves in any scene, and the relation is symmetric', () => {
    const words = fc.array(fc.constantFrom('$3$', '$(4, 7)$', '$x^{2}$', '12', 'ships', 'sum'), { maxLength: 12 })
    fc.assert(
      fc.property(words, words, (first, second) => {
        const [one, other] = [first.join(' '), second.join(' ')]
        expect(same(one, other)).toBe(same(other, one))
        if (comparedOf(one)) expect(same(one, `It rains today. ${one}`)).toBe(true)
      }),
    )
  })
})

describe('an answer', () => {
  it.each([
    ['\\dfrac{1}{2}', '$\\frac{1}{2}$'],
    ['\\frac{1}{2}', '1/2'],
    ['\\left( 3, \\infty \\right)', '(3,\\infty)'],
    ['1{,}000', '1000'],
    ['1,000,000', '1000000'],
    ['\\text{ Paris}.', 'paris'],
  ])('%s has the key of %s', (first, second) => {
    expect(answerKey(first)).toBe(answerKey(second))
  })

  it.each([
    ['-1', '1'],
    ['(1,2)', '(2,1)'],
    ['12', '1,2'],
    ['[0,1)', '(0,1)'],
    [`${'7 + '.repeat(200)}8`, `${'7 + '.repeat(200)}9`],
  ])('%s has another key than %s', (first, second) => {
    expect(answerKey(first)).not.toBe(answerKey(second))
  })
})
