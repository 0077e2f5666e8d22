/** Reasoning texts of a wanted length, built round the lines of a derivation. */
import type { Random } from './random.ts'
import { countTokens } from './tokens.ts'

const OPENINGS = [
  'Okay, let me read the problem carefully.',
  'Let me start by restating what is asked.',
  'First I should understand the setting.',
  'Hmm, let me think about this step by step.',
  'We need to be careful with the exact wording here.',
]
const LINKS = [
  'Let me check that with a smaller case.',
  'So far this looks consistent.',
  'Wait, I should make sure that nothing is counted twice.',
  'Trying the value {n} instead gives the same pattern.',
  'Another way to see this is to compare both sides.',
  'That leaves {n} as an intermediate value.',
  'I could also try to do it directly, but this is quicker.',
  'Suppose for a moment that the limit were {n}.',
  'Then the next case follows in the same way.',
  'Let me recompute: {n} plus {m} is {s}.',
  'This is where a sign error could slip in.',
  'Substituting back confirms the last line.',
  'The boundary case deserves a second look.',
  'With {n} in place of {m} the argument still holds.',
  'I am fairly sure about this part.',
  'Going through the remaining possibilities one at a time, {n} and {m} stay.',
  'Alternatively, think of it in terms of what is left out.',
  'Now combine the pieces.',
]
const CLOSINGS = ['That should settle it.', 'So the result follows.', 'I am done checking.', 'Now write the answer.']

/** A length in tokens from a log-normal distribution with this median. */
export function drawLength(random: Random, median: number, spread = 0.7): number {
  return Math.max(20, Math.round(median * Math.exp(spread * random.normal())))
}

function link(random: Random): string {
  const [n, m] = [random.integer(2, 60), random.integer(2, 60)]
  return random
    .pick(LINKS)
    .replace('{n}', String(n))
    .replace('{m}', String(m))
    .replace('{s}', String(n + m))
}

/** A text of about the wanted number of tokens that holds the given steps in order. */
export function writeReasoning(random: Random, steps: readonly string[], tokens: number): string {
  const sentences = [random.pick(OPENINGS)]
  let count = 10
  const add = (sentence: string): void => {
    sentences.push(sentence)
    count += countTokens(sentence)
  }
  const share = tokens / (steps.length + 1)
  steps.forEach((step, index) => {
    add(step)
    while (count < share * (index + 1)) add(link(random))
  })
  while (count < tokens) add(link(random))
  sentences.push(random.pick(CLOSINGS))
  let result = ''
  sentences.forEach((sentence, index) => {
    result += index === 0 ? sentence : index % 7 === 0 ? `\n\n${sentence}` : ` ${sentence}`
  })
  return result
}

/** A text without end or answer: the same thoughts over and over. */
export function writeRunaway(random: Random, tokens: number): string {
  const loop = Array.from({ length: 12 }, () => link(random)).join(' ')
  const length = Math.max(1, countTokens(loop))
  return Array.from({ length: Math.ceil(tokens / length) + 1 }, () => loop).join('\n')
}
