/**
 * Judging programs: what a request and a result look like, how a program is taken out of a model's answer, and how
 * outputs are compared. Pure functions; nothing is run here (see sandbox.ts) and no expected output leaves Node.
 */
import { createHash } from 'node:crypto'
import type { RunResult } from './sandbox.ts'

/** How a program is driven: a whole script on stdin, one function called with JSON arguments, or assertions run after it. */
export type ProgramMode = 'stdio' | 'function' | 'assert'

/** How outputs are compared; `float` is a tolerance, absolute or relative to the expected number, whichever is larger. */
export type Comparison = 'tokens' | 'lcb' | { readonly float: number }

/** Limits of one test. */
export interface ProgramLimits {
  /** Processor time of the program, seconds. */
  readonly cpuSeconds: number
  /** Time on the clock, seconds; time spent waiting for a processor is given back, up to three times the limit. */
  readonly wallSeconds: number
  /** Memory that a process may map beyond the bare interpreter, MiB; all processes of a test together as well. */
  readonly memoryMb: number
  /** Bytes that may be written to stdout, and to stderr. */
  readonly outputBytes: number
  /** Bytes of stdin. A larger input is `unsupported`. */
  readonly inputBytes: number
  /** Bytes of the program's source. A larger program is `unsupported`. */
  readonly programBytes: number
  /** Bytes of the end of stderr that are kept. */
  readonly stderrBytes: number
}

/** The limits that hold where a request names none. */
export const DEFAULT_PROGRAM_LIMITS: ProgramLimits = {
  cpuSeconds: 6,
  wallSeconds: 8,
  memoryMb: 1024,
  outputBytes: 10_000_000,
  inputBytes: 64 << 20,
  programBytes: 256 << 10,
  stderrBytes: 2048,
}

/** The highest limits that a request may name: beyond them clocks, buffers and texts of this process would overflow. */
export const MOST_PROGRAM_LIMITS: ProgramLimits = {
  cpuSeconds: 3600,
  wallSeconds: 3600,
  memoryMb: 1 << 20,
  outputBytes: 128 << 20,
  inputBytes: 128 << 20,
  programBytes: 16 << 20,
  stderrBytes: 1 << 20,
}

/** One input and the output expected for it. In function mode: one JSON argument a line, and a JSON value. */
export interface ProgramTest {
  readonly input: string
  readonly output: string
}

/** One program to judge. Exactly one of `program` (source) and `completion` (a model's whole answer) is given. */
export interface ProgramRequest {
  readonly id?: string
  readonly program?: string
  readonly completion?: string
  readonly mode?: ProgramMode
  /** At least one in stdio and function mode; not used in assertion mode. */
  readonly tests?: readonly ProgramTest[]
  /** Function mode: `name` or `Class.method`. Assertion mode: the function under test, bound to `candidate`. */
  readonly function?: string
  /** Assertion mode: Python text run after the program's body; it must hold at least one assertion. */
  readonly assertions?: string
  readonly compare?: Comparison
  readonly limits?: Partial<ProgramLimits>
  /** Runs every test instead of stopping at the first that does not pass; one that runs out of time is the last all the same. */
  readonly allTests?: boolean
  /** Gives every test's result the digest of its output. Not in assertion mode. */
  readonly digests?: boolean
}

/** Why a test, or a program, got its verdict. */
export type ProgramReason =
  | 'passed'
  | 'wrong_answer'
  | 'runtime_error'
  | 'compile_error'
  | 'time_limit'
  | 'memory_limit'
  | 'output_limit'
  | 'no_code'
  | 'unsupported'
  | 'sandbox_error'

/** What was concluded: only what the program itself did can fail it. */
export type Verdict = 'passed' | 'failed' | 'unverifiable'

/** The outcome of one test. */
export interface ProgramTestResult {
  readonly verdict: Verdict
  readonly reason: ProgramReason
  /** Time on the clock from fork to exit, seconds. */
  readonly seconds: number
  /** Peak resident memory of the program's first process, MiB. */
  readonly memoryMb: number
  /** The first 2 KiB of stdout, given when the test did not pass. Bytes that are not UTF-8 are replaced. */
  readonly stdout?: string
  /** The end of stderr (limit `stderrBytes`), given when there is any. */
  readonly stderr?: string
  /** See outputDigest; given when digests were asked for and the program ended well, with an output that can be read. */
  readonly digest?: string
  /** More about the reason: the exit code or signal, the first difference, the fault of the sandbox. */
  readonly message?: string
}

/** The outcome of one program: the first test that did not pass decides. */
export interface ProgramResult {
  readonly id?: string
  readonly verdict: Verdict
  readonly reason: ProgramReason
  readonly tests: readonly ProgramTestResult[]
  /** Present when the request gave a completion: whether a program was found in it. */
  readonly extracted?: boolean
  readonly message?: string
}

/** The verdict that each reason leads to. A fault of ours is never held against the program. */
export const VERDICT_OF_REASON: Readonly<Record<ProgramReason, Verdict>> = {
  passed: 'passed',
  wrong_answer: 'failed',
  runtime_error: 'failed',
  compile_error: 'failed',
  time_limit: 'failed',
  memory_limit: 'failed',
  output_limit: 'failed',
  no_code: 'failed',
  unsupported: 'unverifiable',
  sandbox_error: 'unverifiable',
}

/** What was found in a completion: a program, or why there is none. */
export type Extraction = { readonly program: string } | { readonly missing: string }

const PYTHON_LABELS = new Set(['', 'python', 'py', 'python3'])

/**
 * Takes the program out of a model's answer: after the last `</think>`, the last complete fence with one of the labels (python, py,
 * python3 or none, if not others are given). A last fence that never closes means a truncated answer: no program, whatever stands
 * before it.
 */
export function extractProgram(completion: string, labels: ReadonlySet<string> = PYTHON_LABELS): Extraction {
  const thought = completion.lastIndexOf('</think>')
  if (thought < 0 && completion.includes('<think>')) return { missing: 'the reasoning never ends (no </think>)' }
  const lines = completion.slice(thought < 0 ? 0 : thought + '</think>'.length).split(/\r?\n/)
  let found: string | undefined
  let open: { mark: string; indent: number; label: string; from: number } | undefined
  for (const [index, line] of lines.entries()) {
    const fence = fenceOf(line)
    if (!fence) continue
    if (!open) {
      // An info string with a backtick is inline code, not a fence.
      if (fence.mark[0] === '`' && fence.info.includes('`')) continue
      const label = /^\{?\.?([\w+#-]*)/.exec(fence.info)?.[1]?.toLowerCase() ?? ''
      open = { mark: fence.mark, indent: fence.indent, label, from: index + 1 }
    } else if (fence.info === '' && fence.mark[0] === open.mark[0] && fence.mark.length >= open.mark.length) {
      const { indent } = open
      if (labels.has(open.label))
        found = lines
          .slice(open.from, index)
          .map((text) => dedent(text, indent))
          .join('\n')
      open = undefined
    }
  }
  if (open) return { missing: 'the last code fence never closes (a truncated answer)' }
  if (found === undefined)
    return { missing: labels === PYTHON_LABELS ? 'no Python code fence' : `no ${[...labels][0]} code fence` }
  if (found.trim() === '') return { missing: 'the last code fence is empty' }
  return { program: `${found}\n` }
}

function fenceOf(line: string): { mark: string; indent: number; info: string } | undefined {
  const text = line.trimStart()
  const mark = /^(?:`{3,}|~{3,})/.exec(text)?.[0]
  if (mark === undefined) return undefined
  return { mark, indent: line.length - text.length, info: text.slice(mark.length).trim() }
}

function dedent(line: string, indent: number): string {
  let count = 0
  while (count < indent && (line[count] === ' ' || line[count] === '\t')) count += 1
  return line.slice(count)
}

/** Whether an output is right; when not, where it first differs. */
export interface ComparisonResult {
  readonly equal: boolean
  readonly difference?: string
}

const EQUAL: ComparisonResult = { equal: true }
// Python's str.strip() and str.split(): Unicode white space and the four separators, without the byte order mark.
const PYTHON_SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]'
const SPACES = new RegExp(`${PYTHON_SPACE}+`, 'u')
const SPACE = new RegExp(PYTHON_SPACE, 'u')

/** Python's str.strip(), in linear time whatever the text. */
function strip(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && SPACE.test(text[start]!)) start += 1
  while (end > start && SPACE.test(text[end - 1]!)) end -= 1
  return text.slice(start, end)
}

function words(line: string): string[] {
  const text = strip(line)
  return text === '' ? [] : text.split(SPACES)
}

/**
 * Compares an output with the expected one.
 *
 * `tokens`: line by line, the words of each (white space between them and blank lines at either end do not matter);
 * two words are equal when they are the same text or both decimals of the same value.
 * `lcb`: as LiveCodeBench does: both stripped, the same number of lines, each pair equal once stripped or, where every
 * word on both sides is a decimal, equal in value word by word.
 * `{ float: t }`: as `tokens`, and two numbers may differ by t, or by t times the expected number.
 */
export function compareOutput(expected: string, actual: string, comparison: Comparison): ComparisonResult {
  const wanted = strip(expected).split('\n')
  const given = strip(actual).split('\n')
  if (wanted.length !== given.length)
    return { equal: false, difference: `expected ${wanted.length} lines, got ${given.length}` }
  for (const [index, want] of wanted.entries()) {
    const got = given[index]!
    if (want === got) continue
    const same = comparison === 'lcb' ? lcbLineEquals(want, got) : lineEquals(want, got, comparison)
    if (!same) return { equal: false, difference: `line ${index + 1} differs` }
  }
  return EQUAL
}

/** Outputs of up to so many characters have their numbers normalised; equal numbers of longer ones may have different digests. */
const MOST_NORMALISED = 1 << 18

/**
 * 16 hex digits that two outputs share when `compareOutput` calls them equal by `tokens`, and else only by chance: so that outputs can be
 * compared without being kept.
 */
export function outputDigest(output: string): string {
  const text = strip(output)
  const normalised =
    text.length > MOST_NORMALISED
      ? text
      : text
          .split('\n')
          .map((line) => words(line).map(normalWord).join(' '))
          .join('\n')
  return createHash('sha256').update(normalised).digest('hex').slice(0, 16)
}

/** The same text for words that `lineEquals` takes for equal. No word holds a blank, so a number's form cannot be another word. */
function normalWord(word: string): string {
  const number = isPadded(word) ? undefined : readDecimal(word)
  return number ? `${number.negative ? '-' : ''}${number.digits} ${number.exponent}` : word
}

function lineEquals(want: string, got: string, comparison: 'tokens' | { readonly float: number }): boolean {
  const wanted = words(want)
  const given = words(got)
  if (wanted.length !== given.length) return false
  return wanted.every((word, index) => {
    const other = given[index]!
    if (word === other) return true
    // 0101 is a string of bits or a padded field: no number says 101 that way.
    if (isPadded(word) || isPadded(other)) return false
    const left = readDecimal(word)
    const right = left && readDecimal(other)
    if (!left || !right) return false
    return (
      sameDecimal(left, right) || (comparison !== 'tokens' && isClose(Number(word), Number(other), comparison.float))
    )
  })
}

/** Whether a word is digits behind a leading zero. */
function isPadded(word: string): boolean {
  return /^[+-]?0\d/.test(word)
}

function lcbLineEquals(want: string, got: string): boolean {
  if (strip(want) === strip(got)) return true
  const wanted = words(want).map(readPythonDecimal)
  const given = words(got).map(readPythonDecimal)
  return (
    wanted.length === given.length &&
    wanted.every((left, index) => {
      const right = given[index]
      return left !== undefined && right !== undefined && sameDecimal(left, right)
    })
  )
}

/** Whether two numbers differ by at most the tolerance, or by the tolerance times the expected one. */
function isClose(expected: number, actual: number, tolerance: number): boolean {
  if (!Number.isFinite(expected) || !Number.isFinite(actual)) return false
  return Math.abs(expected - actual) <= tolerance * Math.max(1, Math.abs(expected))
}

/** A decimal number, exactly: digits without zeros at either end, times ten to the exponent. */
interface Decimal {
  readonly negative: boolean
  readonly digits: string
  readonly exponent: bigint
}

const ZERO: Decimal = { negative: false, digits: '', exponent: 0n }
const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,18}))?$/

function readDecimal(word: string): Decimal | undefined {
  const match = DECIMAL.exec(word)
  if (!match) return undefined
  const [, sign, whole = '', fraction = '', exponent] = match
  const all = whole + fraction
  if (all === '') return undefined
  let start = 0
  let end = all.length
  while (start < end && all[start] === '0') start += 1
  while (end > start && all[end - 1] === '0') end -= 1
  if (start === end) return ZERO
  const shift = BigInt(exponent ?? '0') - BigInt(fraction.length) + BigInt(all.length - end)
  return { negative: sign === '-', digits: all.slice(start, end), exponent: shift }
}

/** What Python's Decimal() reads: also underscores and infinities. Not-a-number equals nothing, so it is no number here. */
function readPythonDecimal(word: string): Decimal | undefined {
  const infinity = /^([+-]?)inf(?:inity)?$/i.exec(word)
  if (infinity) return { negative: infinity[1] === '-', digits: 'infinity', exponent: 0n }
  return readDecimal(word.replaceAll('_', ''))
}

function sameDecimal(left: Decimal, right: Decimal): boolean {
  return left.negative === right.negative && left.exponent === right.exponent && left.digits === right.digits
}

/** A JSON value whose numbers keep their text, so that big integers stay exact. */
type JsonValue = null | boolean | string | NumberText | readonly JsonValue[] | ReadonlyMap<string, JsonValue>

class NumberText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const JSON_DEPTH = 500
const JSON_NUMBER = /-?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Infinity)|NaN/y
const JSON_SPACE = /[ \t\n\r]*/y

/** Reads JSON as Python writes it (with NaN and infinities), numbers as text, nesting bounded. Throws SyntaxError. */
function readJson(text: string): JsonValue {
  let at = 0
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  // Not by one pattern: on a text of millions of characters it would overflow the stack.
  const string = (): string | undefined => {
    if (text[at] !== '"') return undefined
    let end = at + 1
    for (; text[end] !== '"'; end += 1) {
      if (end >= text.length) return undefined
      if (text[end] === '\\') end += 1
    }
    const found = JSON.parse(text.slice(at, end + 1)) as string
    at = end + 1
    return found
  }
  const expect = (token: string): boolean => {
    match(JSON_SPACE)
    if (!text.startsWith(token, at)) return false
    at += token.length
    return true
  }
  const fault = (): never => {
    throw new SyntaxError(`not a JSON value at character ${at + 1}`)
  }
  const value = (depth: number): JsonValue => {
    if (depth > JSON_DEPTH) throw new SyntaxError(`nested deeper than ${JSON_DEPTH}`)
    if (expect('[')) {
      const items: JsonValue[] = []
      if (expect(']')) return items
      do items.push(value(depth + 1))
      while (expect(','))
      return expect(']') ? items : fault()
    }
    if (expect('{')) {
      const entries = new Map<string, JsonValue>()
      if (expect('}')) return entries
      do {
        match(JSON_SPACE)
        const key = string()
        if (key === undefined || !expect(':')) return fault()
        entries.set(key, value(depth + 1))
      } while (expect(','))
      return expect('}') ? entries : fault()
    }
    const found = string()
    if (found !== undefined) return found
    if (expect('true')) return true
    if (expect('false')) return false
    if (expect('null')) return null
    const number = match(JSON_NUMBER)
    return number === undefined ? fault() : new NumberText(number)
  }
  const result = value(0)
  match(JSON_SPACE)
  return at === text.length ? result : fault()
}

/** Whether a text is a JSON value that function mode can read. */
export function isJsonValue(text: string): boolean {
  try {
    readJson(text)
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

/**
 * Compares a function's returned value with the expected one, both JSON: lists (and tuples) in order, objects by key,
 * numbers by value (1 equals 1.0, a boolean is no number), strings exactly. `{ float: t }` gives numbers a tolerance.
 */
export function compareValue(expected: string, actual: string, comparison: Comparison): ComparisonResult {
  let given: JsonValue
  try {
    given = readJson(actual)
  } catch (error) {
    // Anything else is a fault of ours, and no verdict.
    if (!(error instanceof SyntaxError)) throw error
    return { equal: false, difference: `the result is ${error.message}` }
  }
  const difference = firstDifference(
    readJson(expected),
    given,
    typeof comparison === 'object' ? comparison.float : undefined,
    '',
  )
  return difference === undefined ? EQUAL : { equal: false, difference }
}

function firstDifference(
  want: JsonValue,
  got: JsonValue,
  tolerance: number | undefined,
  path: string,
): string | undefined {
  const here = path === '' ? 'the result' : `the result at ${path}`
  if (Array.isArray(want)) {
    if (!Array.isArray(got)) return `${here} is no list`
    if (want.length !== got.length) return `${here} has ${got.length} elements, expected ${want.length}`
    for (const [index, item] of (want as readonly JsonValue[]).entries()) {
      const difference = firstDifference(item, got[index] as JsonValue, tolerance, `${path}[${index}]`)
      if (difference !== undefined) return difference
    }
    return undefined
  }
  if (want instanceof Map) {
    if (!(got instanceof Map)) return `${here} is no object`
    if (want.size !== got.size) return `${here} has ${got.size} keys, expected ${want.size}`
    for (const [key, item] of want as ReadonlyMap<string, JsonValue>) {
      if (!got.has(key)) return `${here} lacks a key`
      const difference = firstDifference(item, got.get(key) as JsonValue, tolerance, `${path}.${JSON.stringify(key)}`)
      if (difference !== undefined) return difference
    }
    return undefined
  }
  if (want instanceof NumberText) {
    if (!(got instanceof NumberText)) return `${here} is no number`
    return sameNumber(want.text, got.text, tolerance) ? undefined : `${here} differs`
  }
  return want === got ? undefined : `${here} differs`
}

function sameNumber(want: string, got: string, tolerance: number | undefined): boolean {
  if (want === got) return true
  const left = readDecimal(want)
  const right = readDecimal(got)
  if (!left || !right) return false
  // Two texts of one double (0.1 and 0.1000000000000000055) are one number too, unless both are integers.
  const isInteger = (text: string): boolean => /^-?\d+$/.test(text)
  if (sameDecimal(left, right)) return true
  if (!(isInteger(want) && isInteger(got)) && Number(want) === Number(got)) return true
  return tolerance !== undefined && isClose(Number(want), Number(got), tolerance)
}

const MEGABYTE = 1 << 20
const STDOUT_KEPT = 2048
const SIGKILL = 9
const SIGXCPU = 24
const SIGXFSZ = 25
const SIGSYS = 31

/** Whether a kill has no cause that the sandbox knows: perhaps the machine's, so the test is worth another run. */
export function isUnexplainedKill(run: RunResult, limits: ProgramLimits): boolean {
  if (run.killed !== null) return false
  return run.assertions === 'lost' || (run.signal === SIGKILL && run.cpuSeconds < limits.cpuSeconds)
}

// More memory than this part of its limit, and the machine may have had a reason to end the program.
const SUSPICIOUS_MEMORY = 0.25

/** Whether the machine itself may have killed a program for its memory. */
export function mayHaveRunShort(run: RunResult, limits: ProgramLimits): boolean {
  return run.memoryKilobytes * 1024 > SUSPICIOUS_MEMORY * limits.memoryMb * MEGABYTE
}

/** The result of one test, from what the kernel says of the run and, if it ended well, from its output. */
export function judgeRun(
  run: RunResult,
  mode: ProgramMode,
  expected: string,
  comparison: Comparison,
  limits: ProgramLimits,
  digests = false,
): ProgramTestResult {
  const failure = failureOf(run, limits)
  const [reason, message] = failure ?? outcomeOf(run, mode, expected, comparison)
  const stderr = run.stderr.length > 0 ? { stderr: run.stderr.toString('utf8') } : {}
  const stdout = reason === 'passed' ? {} : { stdout: run.stdout.subarray(0, STDOUT_KEPT).toString('utf8') }
  return {
    verdict: VERDICT_OF_REASON[reason],
    reason,
    seconds: run.seconds,
    memoryMb: Math.round((run.memoryKilobytes / 1024) * 10) / 10,
    ...stdout,
    ...stderr,
    ...(digests && !failure ? digestOf(run, mode) : {}),
    ...(message === undefined ? {} : { message }),
  }
}

function digestOf(run: RunResult, mode: ProgramMode): { digest?: string } {
  if (mode === 'assert') return {}
  const text = readText(mode === 'function' ? run.result : run.stdout)
  return text === undefined ? {} : { digest: outputDigest(text) }
}

/** Undefined where the bytes are not UTF-8. */
function readText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function failureOf(run: RunResult, limits: ProgramLimits): [ProgramReason, string?] | undefined {
  if (run.killed === 'wall') return ['time_limit', `killed after ${run.seconds.toFixed(1)} s on the clock`]
  if (run.killed === 'cpu' || run.signal === SIGXCPU || run.cpuSeconds >= limits.cpuSeconds)
    return ['time_limit', `${Math.max(run.cpuSeconds, limits.cpuSeconds).toFixed(1)} s of processor time`]
  if (run.killed === 'threads') return ['runtime_error', 'more threads than the limit']
  if (run.killed === 'memory') return ['memory_limit', 'its processes together used more than the limit']
  if (run.stdoutBytes > limits.outputBytes || run.stderrBytes > limits.outputBytes || run.signal === SIGXFSZ)
    return ['output_limit', `more than ${limits.outputBytes} bytes`]
  if (run.exit === 0) return undefined
  const how = run.signal === null ? `exit code ${run.exit}` : `signal ${run.signal}`
  if (run.stage !== 'running') return ['compile_error', how]
  if (run.signal === SIGSYS) return ['unsupported', 'it starts processes, which this isolation rung cannot allow']
  const nearLimit = run.memoryKilobytes * 1024 > 0.9 * limits.memoryMb * MEGABYTE
  if (endsInMemoryError(run.stderr) || (run.signal !== null && nearLimit)) return ['memory_limit', how]
  return ['runtime_error', how]
}

function endsInMemoryError(stderr: Buffer): boolean {
  const last = (stderr.toString('latin1').trimEnd().split('\n').at(-1) ?? '').slice(0, 1000)
  return /^(?:\w+\.)*\w*MemoryError\b/.test(last)
}

function outcomeOf(
  run: RunResult,
  mode: ProgramMode,
  expected: string,
  comparison: Comparison,
): [ProgramReason, string?] {
  if (mode === 'assert') return outcomeOfAssertions(run)
  const bytes = mode === 'function' ? run.result : run.stdout
  if (mode === 'function' && bytes.length === 0)
    return ['wrong_answer', 'the program ended before the function returned']
  const text = readText(bytes)
  if (text === undefined) return ['wrong_answer', 'the output is not UTF-8']
  const { equal, difference } =
    mode === 'function' ? compareValue(expected, text, comparison) : compareOutput(expected, text, comparison)
  return equal ? ['passed'] : ['wrong_answer', difference ?? 'the output differs']
}

function outcomeOfAssertions({ assertions, result, stderr }: RunResult): [ProgramReason, string?] {
  const said = result.toString('utf8')
  switch (assertions) {
    case 'held':
      return ['passed']
    case 'raised':
      return [endsInMemoryError(stderr) ? 'memory_limit' : 'runtime_error', `the assertions met ${said}`]
    case 'unsupported':
      return ['unsupported', said]
    case 'too_large':
      return ['output_limit', 'a result for the assertions is larger than the limit']
    case 'memory':
      return ['memory_limit', said]
    case 'cpu':
      return ['time_limit', 'the assertions used up the processor time']
    case 'wrong':
      return ['wrong_answer', 'an assertion does not hold']
    case 'ended':
    case 'garbled':
      return ['wrong_answer', said]
    case 'lost':
    case null:
      return ['sandbox_error', 'the process that runs the assertions was lost']
  }
}

/** The result of a program from the results of its tests: the first that did not pass decides. */
export function assembleResult(
  request: Pick<ProgramRequest, 'id' | 'completion'>,
  tests: readonly ProgramTestResult[],
): ProgramResult {
  const decisive = tests.find((test) => test.verdict === 'failed') ?? tests.find((test) => test.verdict !== 'passed')
  const reason = decisive?.reason ?? 'passed'
  return {
    ...(request.id === undefined ? {} : { id: request.id }),
    verdict: VERDICT_OF_REASON[reason],
    reason,
    tests,
    ...(request.completion === undefined ? {} : { extracted: true }),
    ...(decisive?.message === undefined ? {} : { message: decisive.message }),
  }
}

/** The result of a program that was not run. */
export function withoutRun(
  request: Pick<ProgramRequest, 'id' | 'completion'>,
  reason: ProgramReason,
  message: string,
): ProgramResult {
  return {
    ...(request.id === undefined ? {} : { id: request.id }),
    verdict: VERDICT_OF_REASON[reason],
    reason,
    tests: [],
    ...(request.completion === undefined ? {} : { extracted: reason !== 'no_code' }),
    message,
  }
}
