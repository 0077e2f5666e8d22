import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BenchmarkIndex, normalWords, type DecontaminationSettings } from '../../curation/decontamination.ts'

const rule: DecontaminationSettings = { rule: 'common-subsequence', commonWords: 13, commonShare: 0.6 }
const gram: DecontaminationSettings = { ...rule, rule: '13-gram' }

const ferry =
  'A ferry crosses the strait between two harbours in $t$ minutes at speed $v$, and a slower barge needs $\\frac{7t}{4}$ minutes. ' +
  'Both leave the northern harbour at noon, and the barge arrives exactly 36 minutes after the ferry. Find $t + v$ when the strait is 21 kilometres wide.'
const others = [
  'The first line contains a single integer n, the number of test cases. For each test case print the largest sum of a contiguous segment of the array.',
  'The first line contains a single integer n, the number of test cases. For each test case print the number of connected components of the graph.',
  'The first line contains a single integer n, the number of test cases. For each test case print the fewest moves that sort the permutation.',
  'The first line contains a single integer n, the number of test cases. For each test case print how many pairs of towers see each other.',
  'Let $a$, $b$ and $c$ be positive real numbers such that $abc = 8$. Find the minimum value of $a^2 + b^2 + c^2$.',
  'In triangle $ABC$ the incircle touches $BC$ at $D$. Given $AB = 13$, $BC = 14$ and $CA = 15$, find $AD^2$.',
  'How many ways are there to colour the squares of a chessboard so that no two neighbours share a colour?',
]

function indexOf(...statements: string[]): BenchmarkIndex {
  const index = new BenchmarkIndex()
  for (const [number, statement] of statements.entries()) index.add('exam', `problem-${number}`, statement)
  return index
}

const index = indexOf(ferry, ...others)

describe('overlap by what the common words tell', () => {
  it.each([
    ['as it is', ferry],
    ['with other spacing', ferry.replaceAll(' ', ' \n  ')],
    [
      'in capitals',
      ferry
        .replace(/\\frac\{7t\}\{4\}/, '\\frac{7T}{4}')
        .toUpperCase()
        .replaceAll('\\FRAC', '\\frac'),
    ],
    ['with other LaTeX', ferry.replace(/\$([^$]+)\$/g, '\\left($1\\right)').replace('\\frac', '\\dfrac')],
    ['without punctuation', ferry.replace(/[.,?]/g, ' ')],
    [
      'with other variables',
      ferry.replaceAll('$t$', '$x$').replace('7t', '7x').replaceAll('$v$', '$y$').replace('t + v', 'x + y'),
    ],
    ['in a longer text', `Read with care. ${ferry} Give your answer as a whole number and explain every step.`],
    ['cut to its larger part', ferry.slice(0, 240)],
  ])('finds a benchmark problem %s', (_, statement) => {
    expect(index.overlapOf(statement, rule)).toMatchObject({ benchmark: 'exam', sourceId: 'problem-0' })
  })

  it('tells the longest run of words that both have', () => {
    const overlap = index.overlapOf(`Suppose that ${ferry.slice(0, 120)} and nobody knows why.`, rule)
    expect(overlap?.span).toMatch(/^a? ?v? ?ferry crosses the strait between two harbours in v minutes/)
    expect(overlap?.commonWords).toBeGreaterThanOrEqual(13)
  })

  it('does not take boilerplate for the problem', () => {
    const contest =
      'The first line contains a single integer n, the number of test cases. For each test case print the shortest path from the first city to the last, or -1 if the roads do not join them.'
    expect(index.overlapOf(contest, rule)).toBeUndefined()
    expect(index.overlapOf(contest, gram)).toBeDefined()
  })

  it('lets another problem in the same terms pass', () => {
    const other =
      'Let $a$, $b$ and $c$ be positive real numbers such that $a + b + c = 5$. Find the maximum value of $ab + 7c$.'
    expect(index.overlapOf(other, { ...rule, commonShare: 0.8 })).toBeUndefined()
  })

  it('compares with nothing once a text is removed, and with the newer one where it was replaced', () => {
    const own = indexOf(ferry, ...others)
    own.remove('exam', 'problem-0')
    expect(own.overlapOf(ferry, rule)).toBeUndefined()
    expect(own.overlapOf(ferry, gram)).toBeUndefined()
    own.add('exam', 'problem-1', ferry)
    expect(own.overlapOf(ferry, rule)).toMatchObject({ sourceId: 'problem-1' })
    expect(own.overlapOf(others[0] ?? '', gram)?.sourceId).not.toBe('problem-1')
    expect(own.size).toBe(7)
  })

  it('finds every text of its own, however short', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('tower', 'bridge', '12', 'x', '+', 'sum', 'river', 'of'), {
          minLength: 3,
          maxLength: 40,
        }),
        (words) => {
          const own = indexOf(...others, `unique ${words.join(' ')}`)
          expect(own.overlapOf(`unique ${words.join(' ')}`, rule)).toMatchObject({ sourceId: 'problem-7', share: 1 })
        },
      ),
    )
  })

  it('reads any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => void index.overlapOf(text, rule)))
  })
})

describe('words in normal form', () => {
  it('have no layout, and one name for all variables', () => {
    expect(normalWords('Let $\\left(x_1\\right) \\leq \\dfrac{1}{2}$ and 1,000 \u2264 Y.')).toEqual(
      normalWords('let (y_1) <= \\frac 1 2 AND 1000 \\le z'),
    )
  })
})
