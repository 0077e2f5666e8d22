import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  assembleResult,
  compareOutput,
  compareValue,
  DEFAULT_PROGRAM_LIMITS,
  extractProgram,
  outputDigest,
  isJsonValue,
  isUnexplainedKill,
  judgeRun,
  mayHaveRunShort,
  VERDICT_OF_REASON,
  type Comparison,
  type ProgramReason,
  type ProgramTestResult,
} from '../../verifiers/program.ts'
import { fuzz } from './fuzzing.ts'
import type { RunResult } from '../../verifiers/sandbox.ts'
import { processorMilliseconds } from '../processor-time.ts'

const fence = '```'

describe('extractProgram takes', () => {
  it.each<[string, string, string]>([
    ['a python fence', `Here:\n${fence}python\nprint(1)\n${fence}\ndone`, 'print(1)\n'],
    ['a py fence', `${fence}py\nprint(1)\n${fence}`, 'print(1)\n'],
    ['a python3 fence', `${fence}python3\nprint(1)\n${fence}`, 'print(1)\n'],
    ['a label in capitals', `${fence}Python\nprint(1)\n${fence}`, 'print(1)\n'],
    ['a label with attributes', `${fence}python title="a.py"\nprint(1)\n${fence}`, 'print(1)\n'],
    ['a label in braces', `${fence}{.python}\nprint(1)\n${fence}`, 'print(1)\n'],
    ['a label after a space', `${fence} python\nprint(1)\n${fence}`, 'print(1)\n'],
    ['an unlabelled fence', `${fence}\nprint(1)\n${fence}`, 'print(1)\n'],
    [
      'the last of several',
      `${fence}python\nprint(1)\n${fence}\nbetter:\n${fence}python\nprint(2)\n${fence}`,
      'print(2)\n',
    ],
    ['python before another language', `${fence}python\nprint(1)\n${fence}\n${fence}text\n1\n${fence}`, 'print(1)\n'],
    [
      'what follows the reasoning',
      `<think>${fence}python\nprint(0)\n${fence}</think>\n${fence}python\nprint(1)\n${fence}`,
      'print(1)\n',
    ],
    [
      'what follows the last end of reasoning',
      `a</think>${fence}\nb\n</think>\n${fence}python\nprint(1)\n${fence}`,
      'print(1)\n',
    ],
    ['tildes', '~~~python\nprint(1)\n~~~', 'print(1)\n'],
    [
      'a longer fence with a shorter one inside',
      `${fence}${fence}python\ns = """\n${fence}\n"""\n${fence}${fence}`,
      `s = """\n${fence}\n"""\n`,
    ],
    ['tildes around backticks', `~~~python\ns = """\n${fence}\n"""\n~~~`, `s = """\n${fence}\n"""\n`],
    ['an indented fence', `1. Do:\n   ${fence}python\n   if x:\n       y()\n   ${fence}`, 'if x:\n    y()\n'],
    ['an indented fence with less indented lines', `  ${fence}python\n  a\n b\nc\n  ${fence}`, 'a\nb\nc\n'],
    ['CRLF', `${fence}python\r\nprint(1)\r\nprint(2)\r\n${fence}\r\n`, 'print(1)\nprint(2)\n'],
    [
      'lines that only contain a fence mark',
      `${fence}python\nx = "${fence}"\ny = 1 # ${fence}python\n${fence}`,
      `x = "${fence}"\ny = 1 # ${fence}python\n`,
    ],
    ['a closing fence with spaces after it', `${fence}python\nprint(1)\n${fence}   \nthe end`, 'print(1)\n'],
    ['an empty line inside', `${fence}python\n\nprint(1)\n\n${fence}`, '\nprint(1)\n\n'],
  ])('%s', (_, completion, program) => {
    expect(extractProgram(completion)).toEqual({ program })
  })
})

describe('extractProgram finds nothing in', () => {
  it.each<[string, string, RegExp]>([
    ['an empty answer', '', /no Python code fence/],
    ['prose', 'The answer is print(1).', /no Python code fence/],
    ['another language alone', `${fence}cpp\nint main() {}\n${fence}`, /no Python code fence/],
    ['inline code in backticks', `${fence}print(1)${fence}`, /no Python code fence/],
    ['a fence that never closes', `${fence}python\nprint(1)\n`, /never closes/],
    [
      'a complete fence before one that never closes',
      `${fence}python\nprint(1)\n${fence}\n${fence}python\nprint(2`,
      /never closes/,
    ],
    ['a fence closed by the wrong mark', `${fence}python\nprint(1)\n~~~`, /never closes/],
    ['a fence closed by a shorter mark', `${fence}\`python\nprint(1)\n${fence}`, /never closes/],
    ['an empty fence', `${fence}python\n\n${fence}`, /empty/],
    ['reasoning alone', `<think>\n${fence}python\nprint(1)\n${fence}\nand so`, /never ends/],
    [
      'an answer without code after reasoning with code',
      `<think>${fence}python\nprint(1)\n${fence}</think>It is 1.`,
      /no Python code fence/,
    ],
  ])('%s', (_, completion, missing) => {
    const found = extractProgram(completion)
    expect('missing' in found && found.missing).toMatch(missing)
  })
})

describe('extractProgram', () => {
  it('gives back any program put into a fence longer than those within', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const program = text.replace(/\r/g, '')
        fc.pre(program.trim() !== '' && !program.includes('</think>') && !program.includes('<think>'))
        const mark = '`'.repeat(Math.max(3, ...[...program.matchAll(/`+/g)].map(([run]) => run.length + 1)))
        expect(extractProgram(`text\n${mark}python\n${program}\n${mark}\nmore`)).toEqual({ program: `${program}\n` })
      }),
      fuzz(200, 11),
    )
  })

  it('takes only what stands in the text, whatever the fences', () => {
    const pieces = [
      '```',
      '~~~',
      '````',
      '```python',
      '```py',
      '``` python',
      '~~~python3',
      '```text',
      '```json',
      'x = 1',
    ]
    const line = fc
      .tuple(
        fc.constantFrom('', '', ' ', '  ', '   ', '    ', '\t'),
        fc.constantFrom(...pieces, 'print(1)', '<think>', '</think>', '', 'a ``` b', '> ```python'),
        fc.constantFrom('', '', ' ', '\r'),
      )
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 24 }), (lines) => {
        const text = lines.join('\n')
        const found = extractProgram(text)
        if (!('program' in found)) return
        const written = new Set(lines.map((each) => each.trim()))
        for (const each of found.program.split('\n')) expect(written.has(each.trim()) || each === '').toBe(true)
        const answer = text.slice(text.lastIndexOf('</think>') + '</think>'.length)
        if (text.includes('</think>') && !answer.includes('<think>')) expect(extractProgram(answer)).toEqual(found)
      }),
      fuzz(3_000, 13),
    )
  })

  it('never throws and is quick on any text', () => {
    const text = fc.string({ unit: 'binary', maxLength: 2000 })
    fc.assert(
      fc.property(text, (any) => void extractProgram(any)),
      fuzz(200, 12),
    )
    const spent = processorMilliseconds(() => {
      extractProgram(`${'`'.repeat(200_000)}\n`.repeat(20))
      extractProgram(`${' '.repeat(1_000_000)}x`)
    })
    expect(spent).toBeLessThan(2000)
  })
})

const equal = (expected: string, actual: string, comparison: Comparison): boolean =>
  compareOutput(expected, actual, comparison).equal

describe('outputDigest', () => {
  it('is the same for outputs that are equal by tokens, and another for all others', () => {
    const word = fc.constantFrom(
      '1',
      '1.0',
      '01',
      '1e3',
      '1000',
      '-0',
      '0',
      '.5',
      '0.50',
      'a',
      'A',
      '1 0',
      'inf',
      '+7',
      '7',
    )
    const text = fc
      .array(
        fc.array(word, { maxLength: 3 }).map((words) => words.join(' ')),
        { maxLength: 3 },
      )
      .chain((lines) =>
        fc.constantFrom(lines.join('\n'), `${lines.join('\n')}\n`, lines.join(' \n '), lines.join('  ')),
      )
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(outputDigest(left) === outputDigest(right)).toBe(compareOutput(left, right, 'tokens').equal)
      }),
      { numRuns: 5000 },
    )
    expect(outputDigest('3\n')).toMatch(/^[0-9a-f]{16}$/)
  })
})

describe('compareOutput', () => {
  // expected, actual, tokens, lcb
  it.each<[string, string, string, boolean, boolean]>([
    ['the same text', '1 2\n3', '1 2\n3', true, true],
    ['a trailing newline', '1', '1\n', true, true],
    ['trailing newlines and spaces', '1 2', '1 2  \n\n', true, true],
    ['leading blank lines', '1', '\n\n1', true, true],
    ['CRLF', '1\n2', '1\r\n2\r\n', true, true],
    ['spaces inside a line of numbers', '1 2', '1   2', true, true],
    ['spaces inside a line of words', 'a b', 'a  b', true, false],
    ['a tab for a space', 'a b', 'a\tb', true, false],
    ['indentation', '  *\n ***', '*\n***', true, true],
    ['a line break moved', '1 2', '1\n2', false, false],
    ['a blank line within', '1\n2', '1\n\n2', false, false],
    ['a missing line', '1\n2', '1', false, false],
    ['a line too many', '1', '1\n2', false, false],
    ['case', 'YES', 'Yes', false, false],
    ['1 and 1.0', '1', '1.0', true, true],
    ['exponents', '1000', '1e3', true, true],
    // A padded field or a string of bits is text; LiveCodeBench reads it as a number all the same.
    ['zeros in front', '7', '007', false, true],
    ['bits', '0101', '101', false, true],
    ['a plus sign', '7', '+7', true, true],
    ['a dot in front', '0.5', '.5', true, true],
    ['minus zero', '0', '-0.000', true, true],
    ['big integers exactly', '100000000000000000000000001', '100000000000000000000000000', false, false],
    ['many decimals exactly', '0.1', '0.10000000000000000001', false, false],
    ['numbers among words', 'x 1', 'x 1.0', true, false],
    ['underscores in numbers', '1000', '1_000', false, true],
    ['infinities', 'inf', 'Infinity', false, true],
    ['not a number', 'nan', 'NaN', false, false],
    ['the same nan', 'nan', 'nan', true, true],
    ['hexadecimals', '16', '0x10', false, false],
    ['fullwidth digits', '1', '\uff11', false, false],
    ['empty against empty', '', '', true, true],
    ['empty against blank', '', '\n \n', true, true],
    ['empty against something', '', '0', false, false],
    ['a byte order mark', '1', '\ufeff1', false, false],
    ['a NUL byte', '1', '1\u0000', false, false],
    ['absurd exponents', '1e999999999999', '1e999999999998', false, false],
    ['absurd exponents of one value', '10e999999999998', '1e999999999999', true, true],
    ['a number with too many exponent digits', '1e9999999999999999999', '1e9999999999999999998', false, false],
  ])('%s', (_, expected, actual, tokens, lcb) => {
    expect(equal(expected, actual, 'tokens')).toBe(tokens)
    expect(equal(expected, actual, 'lcb')).toBe(lcb)
  })

  it.each<[string, string, string, number, boolean]>([
    ['within an absolute tolerance', '0.001', '0.0010001', 1e-6, true],
    ['outside of it', '0.001', '0.00102', 1e-6, false],
    ['within a relative tolerance', '1000000', '1000000.5', 1e-6, true],
    ['outside of it', '1000000', '1000002', 1e-6, false],
    ['words stay words', 'yes 1', 'no 1', 1, false],
    ['line structure stays', '1 2', '1\n2', 1, false],
    ['a tolerance of nothing', '1', '1.0000001', 0, false],
    ['equal big numbers beyond doubles', '1e400', '10e399', 1e-6, true],
    ['unequal big numbers beyond doubles', '1e400', '1e401', 1e-6, false],
    ['nan never', 'nan', '1', 1e9, false],
  ])('with a tolerance: %s', (_, expected, actual, float, wanted) => {
    expect(equal(expected, actual, { float })).toBe(wanted)
  })

  it('says where outputs differ', () => {
    expect(compareOutput('1\n2\n3', '1\n5\n3', 'tokens').difference).toBe('line 2 differs')
    expect(compareOutput('1\n2', '1', 'tokens').difference).toBe('expected 2 lines, got 1')
  })

  it('is reflexive in every mode, and ignores white space at either end', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom<Comparison>('tokens', 'lcb', { float: 1e-9 }),
        (text, mode) => {
          expect(equal(text, text, mode)).toBe(true)
          expect(equal(text, ` \n${text}\n `, mode)).toBe(true)
        },
      ),
      fuzz(300, 14),
    )
  })

  it('is symmetric in modes without a tolerance', () => {
    const line = fc
      .array(fc.constantFrom('1', '1.0', '01', 'a', '1e0', ' ', '\n', '-0', '0', 'inf', '1_0', '10'))
      .map((words) => words.join(' '))
    fc.assert(
      fc.property(line, line, fc.constantFrom<Comparison>('tokens', 'lcb'), (a, b, mode) => {
        expect(equal(a, b, mode)).toBe(equal(b, a, mode))
      }),
      fuzz(500, 15),
    )
  })

  it('calls integers equal exactly when they are', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt({ min: -3n, max: 3n }), fc.nat(4), (a, delta, zeros) => {
        const shown = `${a + delta}${zeros > 0 ? `.${'0'.repeat(zeros)}` : ''}`
        expect(equal(String(a), shown, 'tokens')).toBe(delta === 0n)
        expect(equal(String(a), shown, 'lcb')).toBe(delta === 0n)
      }),
      fuzz(300, 16),
    )
  })

  it('is linear in the length of what it compares', () => {
    const spent = processorMilliseconds(() => {
      for (const text of [
        '1'.repeat(3_000_000),
        ' '.repeat(3_000_000) + 'x',
        '0'.repeat(3_000_000) + '.',
        '1 '.repeat(500_000),
      ])
        equal(text, `${text} y`, 'tokens')
    })
    expect(spent).toBeLessThan(5000)
  })
})

describe('compareValue', () => {
  it.each<[string, string, string, boolean]>([
    ['equal lists', '[1, 2, [3]]', '[1,2,[3]]', true],
    ['lists in another order', '[1, 2]', '[2, 1]', false],
    ['lists of different lengths', '[1]', '[1, 1]', false],
    ['an integer and a float of one value', '1', '1.0', true],
    ['a boolean and a number', 'true', '1', false],
    ['a number and a boolean', '0', 'false', false],
    ['a number and its text', '1', '"1"', false],
    ['null and false', 'null', 'false', false],
    ['objects by key', '{"a": 1, "b": [2]}', '{"b":[2],"a":1}', true],
    ['an object with a key too many', '{"a": 1}', '{"a":1,"b":2}', false],
    ['an object with another key', '{"a": 1}', '{"b":1}', false],
    ['a key called __proto__', '{"__proto__": 1}', '{"__proto__":1}', true],
    ['a list and an object', '[]', '{}', false],
    ['big integers', '123456789012345678901234567890', '123456789012345678901234567891', false],
    ['equal big integers', '[123456789012345678901234567890]', '[123456789012345678901234567890]', true],
    ['two texts of one double', '0.30000000000000004', '0.3000000000000000444', true],
    ['two doubles', '0.3', '0.30000000000000004', false],
    ['strings', '"a\\u00e9"', '"a\u00e9"', true],
    ['strings with spaces', '"a"', '"a "', false],
    ['nothing', '1', '', false],
    ['broken JSON', '1', '[1', false],
    ['two values', '1', '1 1', false],
    ['nesting without end', '[[1]]', '['.repeat(100_000), false],
    ['infinity', 'Infinity', 'Infinity', true],
    ['a string that never ends', '1', '"abc', false],
    ['a string that ends in a backslash', '1', '"abc\\', false],
    ['a string with a line break', '"a\\nb"', '"a\nb"', false],
    ['a string with an unknown escape', '"x"', '"\\x"', false],
    ['escaped quotes', '"a\\"b\\\\"', '"a\\u0022b\\u005c"', true],
  ])('%s', (_, expected, actual, wanted) => {
    expect(compareValue(expected, actual, 'tokens').equal).toBe(wanted)
  })

  it('reads strings of many millions of characters', () => {
    const long = JSON.stringify('a\u00e9"\\'.repeat(2_000_000))
    expect(compareValue(long, long, 'tokens').equal).toBe(true)
    expect(compareValue(long, `["${'x'.repeat(8_000_000)}", {"${'y'.repeat(8_000_000)}": 1}]`, 'tokens').equal).toBe(
      false,
    )
    expect(isJsonValue(`"${'x'.repeat(20_000_000)}"`)).toBe(true)
    expect(isJsonValue('1'.repeat(20_000_000))).toBe(true)
  })

  it('gives numbers the tolerance asked for, wherever they stand', () => {
    expect(compareValue('{"a": [0.3]}', '{"a":[0.30000000000000004]}', { float: 1e-9 }).equal).toBe(true)
    expect(compareValue('[1, 2]', '[1, 2.1]', { float: 1e-9 }).equal).toBe(false)
    expect(compareValue('[true]', '[1]', { float: 10 }).equal).toBe(false)
  })

  it('agrees with deep equality on any JSON', () => {
    const plain = (value: unknown): string =>
      JSON.stringify(value, (_, item: unknown) => (Object.is(item, -0) ? 0 : item))
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (a, b) => {
        expect(compareValue(plain(a), plain(a), 'tokens').equal).toBe(true)
        const sorted = (value: unknown): string =>
          JSON.stringify(value, (_, item: unknown) =>
            item !== null && typeof item === 'object' && !Array.isArray(item)
              ? Object.entries(item).sort(([x], [y]) => (x < y ? -1 : 1))
              : Object.is(item, -0)
                ? 0
                : item,
          )
        fc.pre(!plain(a).includes('{') && !plain(b).includes('{'))
        expect(compareValue(plain(a), plain(b), 'tokens').equal).toBe(sorted(a) === sorted(b))
      }),
      fuzz(300, 17),
    )
  })
})

const run = (facts: Partial<RunResult>): RunResult => ({
  exit: 0,
  signal: null,
  killed: null,
  seconds: 0.1,
  cpuSeconds: 0.1,
  memoryKilobytes: 10_240,
  stage: 'running',
  stdout: Buffer.from('42\n'),
  stdoutBytes: 3,
  stderr: Buffer.alloc(0),
  stderrBytes: 0,
  result: Buffer.alloc(0),
  assertions: null,
  ...facts,
})
const ended = (signal: number, facts: Partial<RunResult> = {}): RunResult => run({ exit: null, signal, ...facts })
const limits = DEFAULT_PROGRAM_LIMITS

describe('judgeRun calls', () => {
  it.each<[string, RunResult, ProgramReason]>([
    ['the right output passed', run({}), 'passed'],
    ['another output a wrong answer', run({ stdout: Buffer.from('43') }), 'wrong_answer'],
    ['no output a wrong answer', run({ stdout: Buffer.alloc(0) }), 'wrong_answer'],
    ['output that is no text a wrong answer', run({ stdout: Buffer.from([0xff, 0x34, 0x32]) }), 'wrong_answer'],
    ['the right output with a failing exit a runtime error', run({ exit: 1 }), 'runtime_error'],
    ['the right output with a crash a runtime error', ended(11), 'runtime_error'],
    ['a kill on the clock a time limit', ended(9, { killed: 'wall', seconds: 8 }), 'time_limit'],
    ['the soft processor limit a time limit', ended(24, { cpuSeconds: 6 }), 'time_limit'],
    ['the hard processor limit a time limit', ended(9, { cpuSeconds: 7 }), 'time_limit'],
    ['the right output after too much processor time a time limit', run({ cpuSeconds: 6.2 }), 'time_limit'],
    ['children that use too much processor time a time limit', ended(9, { killed: 'cpu' }), 'time_limit'],
    ['children that use too much memory a memory limit', ended(9, { killed: 'memory' }), 'memory_limit'],
    [
      'an uncaught MemoryError a memory limit',
      run({ exit: 1, stderr: Buffer.from('Traceback...\nMemoryError\n') }),
      'memory_limit',
    ],
    [
      'a MemoryError of a library a memory limit',
      run({ exit: 1, stderr: Buffer.from('numpy.core._exceptions._ArrayMemoryError: Unable') }),
      'memory_limit',
    ],
    [
      'a mention of MemoryError a runtime error',
      run({ exit: 1, stderr: Buffer.from('ValueError: MemoryError') }),
      'runtime_error',
    ],
    ['a crash near the memory limit a memory limit', ended(11, { memoryKilobytes: 1000 * 1024 }), 'memory_limit'],
    ['too much output an output limit', run({ stdoutBytes: limits.outputBytes + 1 }), 'output_limit'],
    ['too much on stderr an output limit', run({ stderrBytes: limits.outputBytes + 1 }), 'output_limit'],
    ['exactly the limit of output no output limit', run({ stdoutBytes: limits.outputBytes }), 'passed'],
    ['a source that does not compile a compile error', run({ exit: 1, stage: 'compile_failed' }), 'compile_error'],
    ['a source that crashes the compiler a compile error', ended(11, { stage: 'compiling' }), 'compile_error'],
    ['a program that must fork where none may unsupported', ended(31), 'unsupported'],
    ['a kill that nobody explains, with memory to spare, a runtime error in the end', ended(9), 'runtime_error'],
    ['threads past the limit a runtime error', ended(9, { killed: 'threads' }), 'runtime_error'],
  ])('%s', (_, facts, reason) => {
    const result = judgeRun(facts, 'stdio', '42', 'tokens', limits)
    expect(result.reason).toBe(reason)
    expect(result.verdict).toBe(VERDICT_OF_REASON[reason])
  })

  it('a kill without a cause worth another run, and no other end', () => {
    expect(isUnexplainedKill(ended(9), limits)).toBe(true)
    for (const facts of [
      ended(11),
      ended(9, { killed: 'wall' }),
      ended(9, { cpuSeconds: 7 }),
      run({ exit: 137 }),
      run({}),
    ])
      expect(isUnexplainedKill(facts, limits)).toBe(false)
  })

  it('a kill at more than a quarter of the memory limit perhaps the machine\u2019s doing', () => {
    expect(mayHaveRunShort(ended(9, { memoryKilobytes: 257 * 1024 }), limits)).toBe(true)
    expect(mayHaveRunShort(ended(9, { memoryKilobytes: 256 * 1024 }), limits)).toBe(false)
  })

  it('a function by its result, not by what it printed', () => {
    const returned = (text: string): RunResult => run({ result: Buffer.from(text) })
    expect(judgeRun(returned('[1, 2]'), 'function', '[1,2]', 'tokens', limits).reason).toBe('passed')
    expect(judgeRun(returned('43'), 'function', '42', 'tokens', limits).reason).toBe('wrong_answer')
    expect(judgeRun(run({}), 'function', '42', 'tokens', limits).reason).toBe('wrong_answer')
  })

  it.each<[NonNullable<RunResult['assertions']>, ProgramReason]>([
    ['held', 'passed'],
    ['wrong', 'wrong_answer'],
    ['ended', 'wrong_answer'],
    ['garbled', 'wrong_answer'],
    ['raised', 'runtime_error'],
    ['unsupported', 'unsupported'],
    ['too_large', 'output_limit'],
    ['memory', 'memory_limit'],
    ['cpu', 'time_limit'],
    ['lost', 'sandbox_error'],
  ])('assertions by how their process ended: %s', (assertions, reason) => {
    expect(judgeRun(run({ assertions }), 'assert', '', 'tokens', limits).reason).toBe(reason)
    expect(judgeRun(run({ assertions, exit: 1 }), 'assert', '', 'tokens', limits).reason).toBe('runtime_error')
    expect(isUnexplainedKill(run({ assertions }), limits)).toBe(assertions === 'lost')
  })

  it('assertions that nothing is known of no success', () => {
    expect(judgeRun(run({}), 'assert', '', 'tokens', limits).verdict).toBe('unverifiable')
  })

  it('hostile bytes by their replacements, clipped', () => {
    const result = judgeRun(
      run({ stdout: Buffer.concat([Buffer.from([0x1b, 0, 0xff]), Buffer.alloc(9000, 65)]) }),
      'stdio',
      '42',
      'tokens',
      limits,
    )
    expect(result.stdout?.startsWith('\u001b\u0000\ufffdAAA')).toBe(true)
    expect(result.stdout?.length).toBe(2048)
  })
})

describe('assembleResult', () => {
  const test = (reason: ProgramReason): ProgramTestResult => ({
    verdict: VERDICT_OF_REASON[reason],
    reason,
    seconds: 0,
    memoryMb: 0,
  })
  it('passes when every test passed', () => {
    expect(assembleResult({ id: 'a' }, [test('passed'), test('passed')])).toMatchObject({
      id: 'a',
      verdict: 'passed',
      reason: 'passed',
    })
  })
  it('fails by the first test that failed, even after one that could not be run', () => {
    expect(assembleResult({}, [test('sandbox_error'), test('wrong_answer'), test('time_limit')])).toMatchObject({
      verdict: 'failed',
      reason: 'wrong_answer',
    })
  })
  it('is unverifiable when a test could not be run and none failed', () => {
    expect(assembleResult({}, [test('passed'), test('sandbox_error')])).toMatchObject({
      verdict: 'unverifiable',
      reason: 'sandbox_error',
    })
  })
  it('says that a program was extracted only for completions', () => {
    expect(assembleResult({ completion: 'x' }, [test('passed')]).extracted).toBe(true)
    expect('extracted' in assembleResult({}, [test('passed')])).toBe(false)
  })
})
