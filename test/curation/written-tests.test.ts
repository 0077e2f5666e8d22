import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseWrittenTest, testKinds } from '../../curation/written-tests.ts'
import { processorMilliseconds } from '../processor-time.ts'

const block = (json: string, fence = '```'): string => `Let me think.\n\n${fence}json\n${json}\n${fence}\n`

describe('parseWrittenTest', () => {
  it.each([
    ['as asked for', block('{"input": "3\\n1 2 3\\n", "output": "6\\n"}')],
    ['over several lines', block('{\n  "input": "3\\n1 2 3\\n",\n  "output": "6\\n"\n}')],
    ['with CRLF line ends', block('{"input": "3\\n1 2 3\\n", "output": "6\\n"}').replaceAll('\n', '\r\n')],
    ['indented, in capitals', '  ```  JSON \n{"input": "3\\n1 2 3\\n", "output": "6\\n"}\n  ```'],
    [
      'after another language, before a second one',
      '```python\nprint(6)\n```\n' +
        block('{"input": "3\\n1 2 3\\n", "output": "6\\n"}') +
        block('{"input": "", "output": "another"}'),
    ],
  ])('reads a test %s', (_, answer) => {
    expect(parseWrittenTest(answer, 'edge case')).toEqual({ input: '3\n1 2 3\n', output: '6\n', kind: 'edge case' })
  })

  it('takes an empty input: a program may read nothing', () => {
    expect(parseWrittenTest(block('{"input": "", "output": "42"}'), 'edge case')).toMatchObject({ input: '' })
  })

  it.each([
    ['no fence', '{"input": "1", "output": "1"}', 'no closed json block'],
    ['another language', '```python\n{"input": "1", "output": "1"}\n```', 'no closed json block'],
    ['a block that is cut off', '```json\n{"input": "1", "output"', 'no closed json block'],
    ['an expression for a string', block('{"input": "1" * 100, "output": "1"}'), /^the json block does not parse: /],
    ['an array', block('["1", "1"]'), 'the json block holds no object'],
    ['null', block('null'), 'the json block holds no object'],
    ['numbers', block('{"input": 1, "output": 1}'), 'input and output must both be strings'],
    ['no output', block('{"input": "1"}'), 'input and output must both be strings'],
    ['more keys', block('{"input": "1", "output": "1", "note": "x"}'), 'unexpected keys: note'],
  ])('refuses %s', (_, answer, fault) => {
    const parsed = parseWrittenTest(answer, 'edge case')
    expect(parsed).toHaveProperty('fault')
    if ('fault' in parsed) expect(parsed.fault).toMatch(fault)
  })

  it('reads back any input and output', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (input, output) => {
        expect(parseWrittenTest(block(JSON.stringify({ input, output })), 'edge case')).toEqual({
          ...{ input, output, kind: 'edge case' },
        })
      }),
    )
  })

  it('reads hostile text in linear time', () => {
    const spent = processorMilliseconds(() => {
      for (const part of ['```json\n', '```\n', ' ', '\t\n', '`']) parseWrittenTest(part.repeat(40_000), 'edge case')
    })
    expect(spent).toBeLessThan(2000)
  })
})

describe('testKinds', () => {
  it('are the four that the paper asks for', () => {
    expect(testKinds).toEqual(['edge case', 'complex case', 'error-prone input', 'critical path'])
  })
})
