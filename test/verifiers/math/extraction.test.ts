import { describe, expect, it } from 'vitest'

import { compareMath, extractAnswer } from '../../../verifiers/math.ts'
import { processorMilliseconds } from '../../processor-time.ts'

const boxed: [completion: string, expected: string | { reason: string }][] = [
  ['The answer is \\boxed{5}.', '5'],
  ['\\fbox{7}', '7'],
  ['First \\boxed{3}. Later we find \\boxed{4}.', '4'],
  ['\\boxed{\\frac{1}{2}}', '\\frac{1}{2}'],
  ['\\boxed{\\{1, 2\\}}', '\\{1, 2\\}'],
  ['$\\boxed{ 12 }$', '12'],
  ['\\boxed 5', '5'],
  ['\\boxed{\\boxed{5}}', '\\boxed{5}'],
  ['<think>\\boxed{1}</think> So \\boxed{2}', '2'],
  ['reasoning without an opening tag \\boxed{1}</think>\\boxed{2}', '2'],
  ['<think>a</think>\\boxed{1}<think>b</think>\\boxed{3}', '3'],
  // What was boxed while thinking is not the answer.
  ['<think>surely \\boxed{1}</think> I do not know.', { reason: 'no_answer' }],
  ['<think>still thinking \\boxed{1}', { reason: 'truncated' }],
  // A box cut off is not a guess, not even with a whole box before it.
  ['so \\boxed{1}. Then \\boxed{\\frac{1}{2', { reason: 'truncated' }],
  ['\\boxed{', { reason: 'truncated' }],
  ['\\boxed{1', { reason: 'truncated' }],
  ['\\boxed', { reason: 'truncated' }],
  ['no box at all, 5', { reason: 'no_answer' }],
  ['', { reason: 'no_answer' }],
  ['\\boxed{}', { reason: 'no_answer' }],
  ['\\boxed{5} wait no. \\boxed{}', { reason: 'no_answer' }],
  // Several boxes in the last sentence are a list.
  ['The roots are $\\boxed{1}$ and $\\boxed{-2}$.', '1, -2'],
  ['$x = \\boxed{1}, y = \\boxed{2}$', '1, 2'],
  ['\\boxed{1}, \\boxed{2}, \\boxed{3}', '1, 2, 3'],
  ['\\boxed{1} \\text{ or } \\boxed{2}', '1, 2'],
  ['We need \\boxed{4} boxes and \\boxed{9} lids.', '4, 9'],
  // The same box twice is one answer.
  ['\\boxed{5}, \\boxed{5}', '5'],
  // Another sentence, or a sentence that goes on reasoning, starts anew.
  ['There are \\boxed{3}. And \\boxed{6}', '6'],
  ['We have \\boxed{3}, so in total there are \\boxed{6}', '6'],
  ['\\boxed{3}\n\n\\boxed{6}', '6'],
]

const lenient: [completion: string, expected: string | { reason: string }][] = [
  ['\\boxed{5} wait no. \\boxed{}', { reason: 'no_answer' }],
  ['\\boxed{5} but then 6', '5'],
  ['The final answer is 42.', '42'],
  ['The final answer is $\\frac{1}{2}$. I hope it is correct.', '\\frac{1}{2}'],
  ['Final Answer: 7', '7'],
  ['Answer: The largest $n$ is 34.', '34'],
  ['**Answer:** 12', '12'],
  ['We find $x^2$ and finally $x = 3$ holds', 'x = 3'],
  ['so we get $$\\frac{3}{4}$$', '\\frac{3}{4}'],
  ['thus \\(7\\) follows', '7'],
  // The last number counts only where the last sentence states it as the result.
  ['there are 1,234 dogs', '1,234'],
  ['there are 3 cats and 1,234 dogs', { reason: 'no_answer' }],
  ['I could not solve it. See problem 7', { reason: 'no_answer' }],
  ['I could not solve it. See problem $7$', { reason: 'no_answer' }],
  ['I could not solve it, see problem 7.', { reason: 'no_answer' }],
  ['See problem: 7', { reason: 'no_answer' }],
  [`See problem ${' '.repeat(300)}**7**`, { reason: 'no_answer' }],
  ['So the total is **7**.', '7'],
  ['It is 7 as in exercise 8', { reason: 'no_answer' }],
  ['It is not 7', { reason: 'no_answer' }],
  ['I do not think that it is 7.', { reason: 'no_answer' }],
  ['Is it 7?', { reason: 'no_answer' }],
  ['Is it $7$?', { reason: 'no_answer' }],
  ['step: 7', { reason: 'no_answer' }],
  ['It lies between 3 and 5', { reason: 'no_answer' }],
  ['There are 12 dogs left.', '12'],
  ['Let us try x = 7', { reason: 'no_answer' }],
  ['It might be $7$', { reason: 'no_answer' }],
  ['So $x = 7$ holds for some. I could not find the rest.', { reason: 'no_answer' }],
  ['The answer is 7? I am not sure.', { reason: 'no_answer' }],
  ['The total is 42. I hope this helps!', { reason: 'no_answer' }],
  ['Let $x$ be the number. Since it is not zero, $x = 3$.', 'x = 3'],
  ['3 + 4 = 7', '7'],
  ['#### 18', '18'],
  ['She has 18 eggs left.', '18'],
  ['Therefore, 42.', '42'],
  ['First, x is 3.\nThe total cost is $45 per day.', '45'],
  ['it is about -2.5', '-2.5'],
  ['roughly .4', '.4'],
  ['cost 1 000 in all', '1 000'],
  // Digits inside a word are no number.
  ['the code is AB12C', { reason: 'no_answer' }],
  ['nothing here', { reason: 'no_answer' }],
  ['The final answer is \\boxed{4', { reason: 'truncated' }],
  ['<think>5', { reason: 'truncated' }],
]

const expectation = (expected: string | { reason: string }): object =>
  typeof expected === 'string' ? { answer: expected } : expected

describe('extraction of the answer', () => {
  it.each(boxed)('boxed: %s', (completion, expected) => {
    expect(extractAnswer(completion, 'boxed')).toEqual(expectation(expected))
  })

  it.each(lenient)('lenient: %s', (completion, expected) => {
    expect(extractAnswer(completion, 'lenient')).toEqual(expectation(expected))
  })

  it('boxed mode never guesses from plain text', () => {
    expect(extractAnswer('The final answer is $42$.', 'boxed')).toEqual({ reason: 'no_answer' })
  })

  it('stays linear on long hostile completions', () => {
    const long = [
      '\\boxed{'.repeat(200_000),
      '\\boxed{1}'.repeat(200_000),
      '$'.repeat(1_000_000),
      'answer is '.repeat(100_000),
      '{'.repeat(1_000_000),
      '<think>'.repeat(100_000),
      `problem${' '.repeat(3_900)}7`,
      `it = ${'*'.repeat(3_900)}7`,
      `${'not '.repeat(999)}7`,
      `${'is about '.repeat(440)}7`,
      `${'\\boxed{'.repeat(50_000)}1${'}'.repeat(50_000)}`,
    ]
    const spent = processorMilliseconds(() => {
      for (const completion of long) {
        extractAnswer(completion, 'boxed')
        extractAnswer(completion, 'lenient')
      }
    })
    expect(spent / (2 * long.length)).toBeLessThan(100)
  })
})

describe('comparison of a completion', () => {
  it('reports the extracted answer with the verdict', () => {
    expect(compareMath({ reference: '\\frac{1}{2}', completion: 'So \\boxed{0.5}.' })).toEqual({
      verdict: 'passed',
      reason: 'equal',
      extracted: '0.5',
    })
  })

  it('fails a completion without an answer, and one that was cut off', () => {
    expect(compareMath({ reference: '5', completion: 'I give up: 5' })).toEqual({
      verdict: 'failed',
      reason: 'no_answer',
    })
    expect(compareMath({ reference: '5', completion: '\\boxed{5' })).toEqual({ verdict: 'failed', reason: 'truncated' })
  })

  it('takes the last number only when asked to', () => {
    const input = { reference: '5', completion: 'I think it is 5' }
    expect(compareMath(input, { extract: 'boxed' }).verdict).toBe('failed')
    expect(compareMath(input, { extract: 'lenient' }).verdict).toBe('passed')
  })

  it('compares boxes of one sentence as a list', () => {
    expect(compareMath({ reference: '-2, 1', completion: 'Thus \\boxed{1} and \\boxed{-2}.' }).verdict).toBe('passed')
    expect(compareMath({ reference: '-2, 1', completion: 'Thus \\boxed{1} and \\boxed{2}.' }).verdict).toBe('failed')
  })
})
