/**
 * Judges programs on one lane: owns the lane's sandbox, replaces it when it fails, repeats what failed by our fault, and
 * compares outputs. Runs inside a worker thread, one program at a time.
 */
import { existsSync, readFileSync } from 'node:fs'
import {
  assembleResult,
  DEFAULT_PROGRAM_LIMITS,
  extractProgram,
  isJsonValue,
  isUnexplainedKill,
  judgeRun,
  mayHaveRunShort,
  MOST_PROGRAM_LIMITS,
  VERDICT_OF_REASON,
  withoutRun,
  type ProgramLimits,
  type ProgramRequest,
  type ProgramResult,
  type ProgramTest,
  type ProgramTestResult,
} from './program.ts'
import { Sandbox, SandboxError, type RunSpec, type SandboxLaunch } from './sandbox.ts'

// A test is run this often at most when the sandbox, not the program, is at fault.
const ATTEMPTS = 4
const FUNCTION_NAME = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?$/

/** One lane: at most one sandbox child, one program at a time. */
export class ProgramJudge {
  readonly #launch: SandboxLaunch
  #sandbox: Sandbox | undefined
  /** Sandboxes that were ended and whose processes are not reaped yet. */
  readonly #ending = new Set<Sandbox>()
  #cancelled = false
  /** How many processes the machine has killed for want of memory, at the last look. */
  #machineKills = countMachineKills()

  constructor(launch: SandboxLaunch) {
    this.#launch = launch
  }

  /**
   * Judges one program. Never throws for what the request holds or what the sandbox does.
   * @param onTest called before each attempt at a test, so that a watcher knows the lane is alive.
   * @param isCalledOff asked before each step; once true, what is answered is of no use.
   */
  async judge(
    request: ProgramRequest,
    onTest: () => void = () => undefined,
    isCalledOff: () => boolean = () => false,
  ): Promise<ProgramResult> {
    const limits = { ...DEFAULT_PROGRAM_LIMITS, ...request.limits }
    const mode = request.mode ?? 'stdio'
    let program = request.program
    if (program === undefined) {
      const extraction = extractProgram(request.completion ?? '')
      if ('missing' in extraction) return withoutRun(request, 'no_code', extraction.missing)
      program = extraction.program
    }
    const fault = faultOf(request, program, limits)
    if (fault !== undefined) return withoutRun(request, 'unsupported', fault)
    const tests: readonly ProgramTest[] = mode === 'assert' ? [{ input: '', output: '' }] : (request.tests ?? [])
    const spec: RunSpec = {
      mode,
      cpuSeconds: limits.cpuSeconds,
      wallSeconds: limits.wallSeconds,
      memoryBytes: Math.round(limits.memoryMb * 1024 * 1024),
      outputBytes: limits.outputBytes,
      stderrBytes: limits.stderrBytes,
      ...(request.function === undefined ? {} : { function: request.function }),
      ...(request.assertions === undefined ? {} : { assertions: request.assertions }),
    }
    const isOff = (): boolean => this.#cancelled || isCalledOff()
    this.#cancelled = false
    if (this.#sandbox?.worn) void this.#drop()
    const results: ProgramTestResult[] = []
    for (const test of tests) {
      const result = await this.#judgeTest(program, test, spec, request, limits, onTest, isOff)
      results.push(result)
      // A program that used up its time on one test would use it up on the others, and agrees with nobody.
      const goesOn = result.verdict === 'passed' || (request.allTests === true && result.reason !== 'time_limit')
      if (!goesOn || isOff()) break
    }
    return assembleResult(request, results)
  }

  /** Calls the running program off: its sandbox is ended, what it answers is of no use. */
  cancel(): void {
    this.#cancelled = true
    this.#sandbox?.close()
  }

  /** Ends the lane's sandbox; resolves when its process is gone. */
  close(): Promise<void> {
    return this.#drop()
  }

  async #judgeTest(
    program: string,
    test: ProgramTest,
    spec: RunSpec,
    request: ProgramRequest,
    limits: ProgramLimits,
    onTest: () => void,
    isOff: () => boolean,
  ): Promise<ProgramTestResult> {
    let fault = ''
    let kills = 0
    let isMachines = false
    let peakKilobytes = 0
    for (let attempt = 0; attempt < ATTEMPTS && !isOff(); attempt += 1) {
      onTest()
      try {
        this.#sandbox ??= await Sandbox.open(this.#launch)
        if (isOff()) this.#sandbox.close()
        const run = await this.#sandbox.run(program, test.input, spec)
        if (isUnexplainedKill(run, limits)) {
          kills += 1
          isMachines ||= mayHaveRunShort(run, limits) || this.#machineHasKilled()
          peakKilobytes = Math.max(peakKilobytes, run.memoryKilobytes)
        }
        // Only a program that is killed every time, with memory to spare, has done it itself.
        if (!isUnexplainedKill(run, limits) || (kills === ATTEMPTS && !isMachines))
          return judgeRun(run, spec.mode, test.output, request.compare ?? 'tokens', limits, request.digests)
        fault = `the program was killed by a signal that nobody of ours sent, at ${Math.ceil(peakKilobytes / 1024)} MiB of memory`
      } catch (error) {
        if (!(error instanceof SandboxError)) throw error
        fault = error.message
        void this.#drop()
      }
    }
    return {
      verdict: VERDICT_OF_REASON.sandbox_error,
      reason: 'sandbox_error',
      seconds: 0,
      memoryMb: 0,
      message: `${ATTEMPTS} attempts failed, the last by: ${fault}`,
    }
  }

  #machineHasKilled(): boolean {
    const before = this.#machineKills
    this.#machineKills = countMachineKills()
    return this.#machineKills > before
  }

  async #drop(): Promise<void> {
    const sandbox = this.#sandbox
    this.#sandbox = undefined
    if (sandbox) {
      sandbox.close()
      this.#ending.add(sandbox)
      void sandbox.closed.then(() => this.#ending.delete(sandbox))
    }
    await Promise.all([...this.#ending].map(({ closed }) => closed))
  }
}

/** How many processes the kernel has killed for want of memory, in this control group and on the machine. */
function countMachineKills(): number {
  const files = ['/proc/vmstat', '/sys/fs/cgroup/memory.events', '/sys/fs/cgroup/memory/memory.oom_control']
  try {
    for (const line of readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n')) {
      const [, controllers = '', path = ''] = line.split(':')
      if (controllers === '') files.push(`/sys/fs/cgroup${path}/memory.events`)
      if (controllers === 'memory') files.push(`/sys/fs/cgroup/memory${path}/memory.oom_control`)
    }
  } catch {
    // No /proc: what the other files say is all there is.
  }
  let kills = 0
  for (const file of new Set(files)) {
    try {
      if (existsSync(file)) kills += Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? 0)
    } catch {
      // Not for this user to read.
    }
  }
  return kills
}

/** Why a request cannot be judged at all; undefined when it can. */
function faultOf(request: ProgramRequest, program: string, limits: ProgramLimits): string | undefined {
  const mode = request.mode ?? 'stdio'
  for (const [name, most] of Object.entries(MOST_PROGRAM_LIMITS) as [keyof ProgramLimits, number][])
    if (!(limits[name] > 0 && limits[name] <= most))
      return `the limit ${name} must be above 0 and at most ${most}, got ${limits[name]}`
  const bytes = Buffer.byteLength(program)
  if (bytes > limits.programBytes) return `the program has ${bytes} bytes, the limit is ${limits.programBytes}`
  if (request.function !== undefined && !FUNCTION_NAME.test(request.function))
    return `function must be a name or Class.method, got ${JSON.stringify(request.function.slice(0, 80))}`
  if (mode === 'assert') {
    if (request.assertions === undefined || request.assertions.trim() === '') return 'assertion mode needs assertions'
    return undefined
  }
  const tests = request.tests ?? []
  if (tests.length === 0) return 'there are no tests'
  if (mode === 'function' && request.function === undefined) return 'function mode needs the name of a function'
  for (const [index, test] of tests.entries()) {
    const inputBytes = Buffer.byteLength(test.input)
    if (inputBytes > limits.inputBytes)
      return `the input of test ${index + 1} has ${inputBytes} bytes, the limit is ${limits.inputBytes}`
    if (mode !== 'function') continue
    if (!isJsonValue(test.output)) return `the output of test ${index + 1} is not a JSON value`
    const bad = test.input.split('\n').findIndex((line) => line.trim() !== '' && !isJsonValue(line))
    if (bad >= 0) return `line ${bad + 1} of the input of test ${index + 1} is not a JSON value`
  }
  return undefined
}
