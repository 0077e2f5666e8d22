/** `wellspring verify code|math|vote`: JSON lines in, one verdict a line out, as each is done. */
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { onAbort } from '../topics/signals.ts'
import { VerifierPool } from '../verifiers/pool.ts'
import { MOST_PROGRAM_LIMITS, type ProgramLimits } from '../verifiers/program.ts'
import { CommandError, exitCodes } from './exit.ts'
import { jsonLine, note, printable } from './terminal.ts'

// A line longer than this is answered as invalid: the largest input, twice over, and its escapes.
export const LINE_BYTES = 256 << 20
// Work handed to the pool ahead of its threads: enough to keep them busy, little enough to hold in memory.
const PROGRAMS_AHEAD = 4
const COMPARISONS_AHEAD = 512

interface Common {
  readonly ordered?: boolean
  readonly threads: number
}

interface CodeOptions extends Common {
  readonly unsafeNoSandbox?: boolean
  readonly cpuSeconds?: number
  readonly wallSeconds?: number
  readonly memoryMb?: number
  readonly outputBytes?: number
}

interface MathOptions extends Common {
  readonly extract: 'boxed' | 'lenient'
}

// A number that a double cannot hold exactly would come back changed.
const identity = z
  .custom<string | number>((id) => typeof id === 'string' || Number.isSafeInteger(id), {
    error: 'expected text, or a whole number below 2^53; put others in quotes',
  })
  .optional()
const limit = (name: keyof ProgramLimits): z.ZodOptional<z.ZodNumber> =>
  z.number().positive().max(MOST_PROGRAM_LIMITS[name]).optional()
const count = (name: keyof ProgramLimits): z.ZodOptional<z.ZodNumber> =>
  z.number().int().positive().max(MOST_PROGRAM_LIMITS[name]).optional()

const codeLine = z
  .object({
    id: identity,
    program: z.string().optional(),
    completion: z.string().optional(),
    mode: z.enum(['stdio', 'function', 'assert']).optional(),
    tests: z.array(z.object({ input: z.string(), output: z.string() })).optional(),
    function: z.string().optional(),
    assertions: z.string().optional(),
    compare: z.union([z.enum(['tokens', 'lcb']), z.strictObject({ float: z.number().nonnegative() })]).optional(),
    limits: z
      .strictObject({
        cpuSeconds: limit('cpuSeconds'),
        wallSeconds: limit('wallSeconds'),
        memoryMb: limit('memoryMb'),
        outputBytes: count('outputBytes'),
        inputBytes: count('inputBytes'),
        programBytes: count('programBytes'),
        stderrBytes: count('stderrBytes'),
      })
      .optional(),
    allTests: z.boolean().optional(),
  })
  .refine((line) => (line.program === undefined) !== (line.completion === undefined), {
    message: 'expected exactly one of "program" and "completion"',
  })
  .refine((line) => line.mode === 'assert' || (line.tests?.length ?? 0) > 0, { message: 'expected at least one test' })
  .refine((line) => line.mode !== 'assert' || line.assertions !== undefined, {
    message: 'mode "assert" expects "assertions"',
  })
  .refine((line) => line.mode !== 'function' || line.function !== undefined, {
    message: 'mode "function" expects "function"',
  })

const mathLine = z
  .object({
    id: identity,
    answer: z.string().optional(),
    completion: z.string().optional(),
    reference: z.string(),
  })
  .refine((line) => (line.answer === undefined) !== (line.completion === undefined), {
    message: 'expected exactly one of "answer" and "completion"',
  })

const voteLine = z
  .object({
    id: identity,
    answers: z.array(z.string()).optional(),
    completions: z.array(z.string()).optional(),
  })
  .refine((line) => (line.answers === undefined) !== (line.completions === undefined), {
    message: 'expected exactly one of "answers" and "completions"',
  })

/** Builds the command. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description('Verifies answers and programs: JSON lines on stdin, one verdict a line on stdout.')
    .addCommand(codeCommand())
    .addCommand(mathCommand())
    .addCommand(voteCommand())
    .addHelpText(
      'after',
      `
Examples:
  $ echo '{"id":"a","program":"print(int(input())*2)","tests":[{"input":"21","output":"42"}]}' | wellspring verify code
  $ echo '{"id":"b","answer":"1/2","reference":"0.5"}' | wellspring verify math
  $ echo '{"id":"c","answers":["1/2","0.5","2"]}' | wellspring verify vote
  $ wellspring verify code --ordered < rollouts.jsonl > verdicts.jsonl

The exit code is 0 when every line was answered, whatever the verdicts. Formats: docs/verification.md.`,
    )
}

function codeCommand(): Command {
  return common(new Command('code'))
    .description('Runs programs in a sandbox and compares what they print.')
    .option(
      '--cpu-seconds <n>',
      'processor time a test, where a line names none (default: 6)',
      limitOption('cpuSeconds'),
    )
    .option('--wall-seconds <n>', 'time on the clock a test (default: 8)', limitOption('wallSeconds'))
    .option('--memory-mb <n>', 'memory a test, MiB (default: 1024)', limitOption('memoryMb'))
    .option('--output-bytes <n>', 'bytes of output a test (default: 10000000)', (text) =>
      positiveInteger(String(limitOption('outputBytes')(text))),
    )
    .option('--unsafe-no-sandbox', 'run programs without isolation where nothing isolates here')
    .addHelpText(
      'after',
      `
Examples:
  $ echo '{"id":"a","program":"print(int(input())*2)","tests":[{"input":"21","output":"42"}]}' | wellspring verify code
  $ wellspring verify code --ordered < rollouts.jsonl > verdicts.jsonl
  $ echo '{"program":"def double(n): return 2 * n","mode":"function","function":"double","tests":[{"input":"21","output":"42"}]}' | wellspring verify code`,
    )
    .action((options: CodeOptions) => verifyCode(options))
}

function mathCommand(): Command {
  return extraction(common(new Command('math')))
    .description('Compares answers with references: passed, failed, or unverifiable with the reason.')
    .addHelpText(
      'after',
      `
Examples:
  $ echo '{"id":"a","answer":"1/2","reference":"0.5"}' | wellspring verify math
  $ printf '%s\\n' '{"completion":"So it is \\\\boxed{3}.","reference":"3"}' | wellspring verify math --extract boxed`,
    )
    .action((options: MathOptions) => verifyMath(options))
}

function voteCommand(): Command {
  return extraction(common(new Command('vote')))
    .description('Groups many answers into classes of equal ones; says the majority and its margin.')
    .addHelpText(
      'after',
      `
Examples:
  $ echo '{"id":"a","answers":["1/2","0.5","2"]}' | wellspring verify vote
  $ wellspring verify vote --extract boxed < generations.jsonl`,
    )
    .action((options: MathOptions) => verifyVote(options))
}

function common(command: Command): Command {
  return command
    .option('--ordered', 'keep the order of the input (default: each as soon as it is done)')
    .option('--threads <n>', 'worker threads', positiveInteger, availableParallelism())
}

function extraction(command: Command): Command {
  return command.addOption(
    new Option('--extract <rule>', 'the answer of a completion: boxed alone (as for votes and rewards), or lenient')
      .choices(['boxed', 'lenient'])
      .default('lenient'),
  )
}

function positiveNumber(text: string): number {
  const value = Number(text)
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError(`expected a positive number, got ${text}`)
  return value
}

function limitOption(name: keyof ProgramLimits): (text: string) => number {
  return (text) => {
    const value = positiveNumber(text)
    const most = MOST_PROGRAM_LIMITS[name]
    if (value > most) throw new InvalidArgumentError(`expected at most ${most}, got ${text}`)
    return value
  }
}

function positiveInteger(text: string): number {
  const value = positiveNumber(text)
  if (!Number.isInteger(value)) throw new InvalidArgumentError(`expected a whole number, got ${text}`)
  return value
}

async function verifyCode(options: CodeOptions): Promise<void> {
  const { cpuSeconds, wallSeconds, memoryMb, outputBytes } = options
  const limits = defined({ cpuSeconds, wallSeconds, memoryMb, outputBytes })
  const pool = new VerifierPool({
    threads: options.threads,
    limits,
    ...(options.unsafeNoSandbox === true ? { unsafeNoSandbox: true } : {}),
  })
  const told = pool.isolation().then(({ rung, detail, advice }) => {
    if (rung !== 'none') return
    note(printable(`wellspring verify code: ${detail}`))
    if (advice !== undefined) note(printable(`wellspring verify code: ${advice}`))
  })
  await serve(options, pool, PROGRAMS_AHEAD, codeLine, ({ id: _, ...request }, signal) =>
    pool.runProgram(defined({ ...request, limits: defined(request.limits ?? {}) }), signal),
  )
  await told
}

async function verifyMath(options: MathOptions): Promise<void> {
  const pool = new VerifierPool({ threads: options.threads })
  await serve(options, pool, COMPARISONS_AHEAD, mathLine, ({ reference, answer, completion = '' }, signal) =>
    pool.compareMath(
      { reference, extract: options.extract, ...(answer === undefined ? { completion } : { answer }) },
      signal,
    ),
  )
}

async function verifyVote(options: MathOptions): Promise<void> {
  const pool = new VerifierPool({ threads: options.threads })
  await serve(options, pool, PROGRAMS_AHEAD, voteLine, ({ answers, completions = [] }, signal) =>
    pool.groupAnswers({ extract: options.extract, ...(answers === undefined ? { completions } : { answers }) }, signal),
  )
}

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> }

/** The object without its undefined entries. */
function defined<T extends object>(object: T): Partial<Defined<T>> & Pick<T, never> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<Defined<T>>
}

/** Reads lines, verifies a bounded number of them at once, and writes each answer. */
async function serve<Line extends { id?: string | number | undefined }>(
  options: Common,
  pool: VerifierPool,
  aheadPerThread: number,
  schema: z.ZodType<Line>,
  verify: (line: Line, signal: AbortSignal) => Promise<object>,
): Promise<void> {
  const stop = new AbortController()
  // The first fault that is no line's: it ends the run, and the command with its exit code.
  let fault: Error | undefined
  const fail = (error: unknown): void => {
    if (!stop.signal.aborted) fault = error instanceof Error ? error : new Error(String(error))
    stop.abort()
  }
  const output = new Output(stop.signal, fail)
  const interrupt = (): void => {
    process.exitCode = exitCodes.interrupted
    stop.abort()
  }
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  const most = options.threads * aheadPerThread
  const running = new Set<Promise<void>>()
  let tail: Promise<void> = Promise.resolve()
  try {
    let number = 0
    for await (const text of lines(process.stdin, stop.signal)) {
      number += 1
      if (text?.trim() === '') continue
      const answer = answerLine(text, number, schema, verify, stop.signal)
      const before = tail
      const written: Promise<void> = answer
        .then(async (result) => {
          if (options.ordered === true) await before
          await output.write(result)
        })
        .catch(fail)
        .finally(() => running.delete(written))
      tail = written
      running.add(written)
      while (running.size >= most && !stop.signal.aborted) await Promise.race(running)
      if (stop.signal.aborted) break
    }
    await Promise.all(running)
  } catch (error) {
    fail(error)
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
    await pool.close()
    process.stdin.destroy()
    output.close()
  }
  if (fault !== undefined) throw fault
}

async function answerLine<Line extends { id?: string | number | undefined }>(
  text: string | undefined,
  number: number,
  schema: z.ZodType<Line>,
  verify: (line: Line, signal: AbortSignal) => Promise<object>,
  signal: AbortSignal,
): Promise<Answer> {
  const unverifiable = (reason: string, message: string, name: object = { line: number }): Answer => ({
    ...name,
    verdict: 'unverifiable',
    reason,
    message,
  })
  const invalid = (message: string): Answer => unverifiable('invalid_input', message)
  if (text === undefined) return invalid(`longer than ${LINE_BYTES} bytes`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return invalid(`not JSON: ${(error as Error).message}`)
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const message = `${issue?.path.length ? `${issue.path.join('.')}: ` : ''}${issue?.message ?? 'not as expected'}`
    const named = z.object({ id: identity }).safeParse(value).data?.id
    return unverifiable('invalid_input', message, { ...(named !== undefined && { id: named }), line: number })
  }
  const { id } = parsed.data
  const name = id === undefined ? { line: number } : { id }
  try {
    return { ...name, ...(await verify(parsed.data, signal)) }
  } catch (error) {
    if (signal.aborted) throw error
    return unverifiable('internal_error', (error as Error).message, name)
  }
}

/** An answer: the line's name and what was concluded. */
interface Answer {
  readonly id?: string | number
  readonly line?: number
  readonly [field: string]: unknown
}

/** Standard output: waits while its reader is slow; that the reader has gone is a fault while lines wait for answers. */
class Output {
  readonly #signal: AbortSignal
  readonly #fail: (error: Error) => void
  readonly #others = process.stdout.listeners('error') as ((error: Error) => void)[]
  #drained: Promise<unknown> | undefined

  constructor(signal: AbortSignal, fail: (error: Error) => void) {
    this.#signal = signal
    this.#fail = fail
    // The commands' common rule takes a closed output for a wish to stop and ends at once, with success.
    process.stdout.removeAllListeners('error')
    process.stdout.on('error', this.#end)
  }

  readonly #end = (error: NodeJS.ErrnoException): void => {
    const why = error.code === 'EPIPE' ? 'its reader has gone' : error.message
    this.#fail(new CommandError(exitCodes.ioError, `standard output: ${why}; not every line was answered`))
  }

  async write(answer: Answer): Promise<void> {
    if (this.#signal.aborted) return
    if (process.stdout.write(`${textOf(answer)}\n`)) return
    // One listener, however many answers wait.
    this.#drained ??= once(process.stdout, 'drain', { signal: this.#signal }).finally(() => (this.#drained = undefined))
    await this.#drained
  }

  close(): void {
    if (this.#signal.aborted) return
    process.stdout.off('error', this.#end)
    for (const listener of this.#others) process.stdout.on('error', listener)
  }
}

/** The answer as a line; where it cannot be one, an answer that says so. */
function textOf(answer: Answer): string {
  try {
    return jsonLine(answer)
  } catch (error) {
    const { id, line } = answer
    const message = `the answer cannot be written: ${(error as Error).message}`
    return jsonLine({
      ...(id === undefined ? { line: line ?? 0 } : { id }),
      verdict: 'unverifiable',
      reason: 'internal_error',
      message,
    })
  }
}

/**
 * The lines of a stream; undefined for one that is too long. A byte order mark is skipped. Ends early when the
 * signal aborts.
 */
async function* lines(input: NodeJS.ReadableStream, signal: AbortSignal): AsyncGenerator<string | undefined> {
  let parts: Buffer[] = []
  let bytes = 0
  let isFirst = true
  const take = (): string | undefined => {
    const line = bytes > LINE_BYTES ? undefined : Buffer.concat(parts).toString('utf8')
    parts = []
    bytes = 0
    const marked = isFirst && line?.startsWith('\ufeff') === true
    isFirst = false
    return marked ? line.slice(1) : line
  }
  const add = (part: Buffer): void => {
    bytes += part.length
    if (bytes > LINE_BYTES) parts = []
    else parts.push(part)
  }
  const end = (): void => {
    ;(input as NodeJS.ReadStream).destroy()
  }
  const stopHearing = onAbort([signal], end)
  try {
    for await (const piece of input) {
      const chunk = Buffer.isBuffer(piece) ? piece : Buffer.from(piece)
      let from = 0
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        add(chunk.subarray(from, at))
        from = at + 1
        yield take()
      }
      if (from < chunk.length) add(chunk.subarray(from))
    }
    if (bytes > 0) yield take()
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    stopHearing()
  }
}
