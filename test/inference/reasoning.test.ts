import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitReasoning } from '../../inference/reasoning.ts'

describe('splitting reasoning from an answer', () => {
  it.each<[string, string, boolean, string | undefined, string]>([
    ['a block', '<think>\nwhy\n</think>\n\n42', false, 'why', '42'],
    ['a block after white space', '\n <think>why</think>42', false, 'why', '42'],
    ['a block that the template opened', 'why\n</think>\n42', false, 'why', '42'],
    ['a block that the prompt opened', 'why</think>42', true, 'why', '42'],
    ['a block never closed', '<think>why and', false, 'why and', ''],
    ['a block that the prompt opened, never closed', 'why and', true, 'why and', ''],
    ['an empty block', '<think>\n\n</think>\n\n42', false, undefined, '42'],
    [
      'a second block, which stays in the answer',
      '<think>a</think>b<think>c</think>d',
      false,
      'a',
      'b<think>c</think>d',
    ],
    ['an answer that speaks of the tags', 'Use <think>x</think> so.', false, undefined, 'Use <think>x</think> so.'],
    ['channels run together', 'analysisWe add.assistantfinalIt is 42.', false, 'We add.', 'It is 42.'],
    [
      'two final channels, which is no such format',
      'analysis a assistantfinal b assistantfinal c',
      false,
      undefined,
      'analysis a assistantfinal b assistantfinal c',
    ],
    ['an answer that begins with the word analysis', 'analysis shows 42', false, undefined, 'analysis shows 42'],
    ['an answer alone', ' 42\n', false, undefined, ' 42\n'],
    ['nothing', '', false, undefined, ''],
  ])('%s', (_, text, promptOpened, reasoning, answer) => {
    expect(splitReasoning(text, promptOpened)).toEqual({ reasoning, text: answer })
  })

  // Short words and the tags themselves, so that every order of them comes up.
  const piece = fc.constantFrom(
    '<think>',
    '</think>',
    'analysis',
    'assistantfinal',
    'a',
    'bb',
    '\n',
    ' ',
    '<',
    'think>',
  )
  const anyText = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
  const plain = anyText.map((text) => text.replaceAll(/<\/?think>|analysis|assistantfinal/g, '.'))

  it('gives back what was put together, whoever opened the block', () => {
    fc.assert(
      fc.property(plain, anyText, fc.constantFrom('', '\n', '\n\n'), (reasoning, answer, gap) => {
        const expected = { reasoning: reasoning.trim() === '' ? undefined : reasoning.trim(), text: answer.trimStart() }
        expect(splitReasoning(`<think>${gap}${reasoning}${gap}</think>${gap}${answer}`)).toEqual(expected)
        expect(splitReasoning(`${reasoning}${gap}</think>${gap}${answer}`, true)).toEqual(expected)
        expect(splitReasoning(`${reasoning}${gap}</think>${gap}${answer}`)).toEqual(expected)
      }),
    )
  })

  it('leaves a text without marks alone', () => {
    fc.assert(
      fc.property(plain, (text) => {
        expect(splitReasoning(text)).toEqual({ reasoning: undefined, text })
      }),
    )
  })

  it('loses nothing but marks and white space, and never gives empty reasoning', () => {
    const letters = (text: string): string => text.replaceAll(/<\/?think>|analysis|assistantfinal|\s/g, '')
    fc.assert(
      fc.property(anyText, fc.boolean(), (text, promptOpened) => {
        const split = splitReasoning(text, promptOpened)
        expect(letters(`${split.reasoning ?? ''}|${split.text}`).replace('|', '')).toBe(letters(text))
        expect(split.reasoning?.trim()).not.toBe('')
      }),
    )
  })
})
