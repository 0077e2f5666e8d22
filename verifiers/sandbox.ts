/**
 * The Node side of the sandbox: finds a Python interpreter and the strongest isolation that this machine allows, and
 * drives one long-lived sandbox child that runs one program at a time (sandbox/zygote.py says what happens inside).
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The rungs of the isolation ladder, best first. `none` isolates nothing and must be asked for by name. */
export type Rung = 'bubblewrap' | 'unshare' | 'landlock' | 'none'

const LADDER: readonly Rung[] = ['bubblewrap', 'unshare', 'landlock']

/** What was chosen at start, and what would be better. */
export interface Isolation {
  readonly rung: Rung
  /** One line: interpreter, user, what holds; or why nothing can be run. */
  readonly detail: string
  /** What to install or allow for a better rung; absent on the best. */
  readonly advice?: string
}

/** How a sandbox is started: plain data, so that it can be handed to a worker thread. */
export interface SandboxLaunch {
  readonly rung: Rung
  readonly python: Interpreter
  /** Root only: every sandbox that is started takes the next user id of this range, over all threads. */
  readonly uids?: UserIds
  /** Pretends that the kernel knows no later version of Landlock; for tests of older kernels. */
  readonly landlockVersion?: number
}

/** A range of user ids that nothing else uses, and how many were taken (shared between threads). */
interface UserIds {
  readonly first: number
  readonly count: number
  readonly taken: Int32Array
}

/** A Python interpreter and the folders that it needs to read. */
interface Interpreter {
  readonly executable: string
  readonly version: string
  readonly folders: readonly string[]
}

/** Limits and mode of one run, as the sandbox understands them. */
export interface RunSpec {
  readonly mode: 'stdio' | 'function' | 'assert'
  readonly cpuSeconds: number
  readonly wallSeconds: number
  readonly memoryBytes: number
  readonly outputBytes: number
  readonly stderrBytes: number
  readonly function?: string
  readonly assertions?: string
}

/** What the kernel and the sandbox say of one run. Nothing here is a verdict. */
export interface RunResult {
  readonly exit: number | null
  readonly signal: number | null
  /** The limit at which the sandbox killed the program, if it did. */
  readonly killed: 'wall' | 'cpu' | 'memory' | 'threads' | null
  readonly seconds: number
  readonly cpuSeconds: number
  readonly memoryKilobytes: number
  readonly stage: 'compiling' | 'compile_failed' | 'running'
  readonly stdout: Buffer
  readonly stdoutBytes: number
  readonly stderr: Buffer
  readonly stderrBytes: number
  /** Function mode: the JSON that the harness wrote. Assertion mode: what the assertions' process says of its end. */
  readonly result: Buffer
  /** Assertion mode: how the assertions' process, which runs nothing of the program, ended; null in other modes. */
  readonly assertions: AssertionsEnding | null
}

/**
 * How assertions end: all held; one did not; something was raised; they need what cannot be judged; the program, or they
 * themselves, ended too soon; the program broke the rules of the talk; a result past the output limit, the memory, the
 * processor time; or the process was lost.
 */
type AssertionsEnding = (typeof ENDINGS)[number]

/** A fault of the sandbox itself, never of the program: the run can be repeated. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError'
}

// As zygote.py words it.
const UID_IN_USE = 'already used by process'
const READY_TIMEOUT_MS = 20_000
// Beyond the zygote's own three-fold wall limit: something is stuck, and the sandbox is replaced.
const STUCK_MARGIN_MS = 5_000
const RUNS_PER_SANDBOX = 5_000
const SETTING_UP = 0
const STAGES = ['compiling', 'compiling', 'compile_failed', 'running'] as const
const KILLED = [null, 'wall', 'cpu', 'memory', 'threads'] as const
const ENDINGS = [
  'held',
  'wrong',
  'raised',
  'unsupported',
  'ended',
  'garbled',
  'too_large',
  'memory',
  'cpu',
  'lost',
] as const
const MODES = { stdio: 0, function: 1, assert: 2 } as const
// The frames of zygote.py: its REQUEST, its ANSWER, and the JSON message that comes before the first answer.
const REQUEST_BYTES = 53
const ANSWER_BYTES = 67
const MESSAGE = 0
const MESSAGE_HEAD_BYTES = 5
const MOST_UINT32 = 0xffff_ffff
const SIGKILL = 9

// In the order in which they import from each other; the last one's `main` runs.
const PARTS = ['program', 'assertions', 'confinement', 'zygote'] as const

// A child compiles the sources, so that what compiling leaves all over a heap is not copied at every fork. Arguments: NAME=BYTES of
// each part, then of the configuration.
const BOOT = [
  'import os,sys,marshal',
  'def r(f,n):',
  ' b=b""',
  ' while len(b)<n:',
  '  c=os.read(f,n-len(b))',
  '  if not c: os._exit(3)',
  '  b+=c',
  ' return b',
  'a=[(s.split("=")[0],int(s.split("=")[1])) for s in sys.argv[1:]]',
  'p,q=os.pipe()',
  'z=os.fork()',
  'if z==0:',
  ' d=marshal.dumps([compile(r(0,n),"sandbox/%s.py"%m,"exec",0,True,2) for m,n in a[:-1]])',
  ' d=len(d).to_bytes(4,"little")+d',
  ' while d: d=d[os.write(q,d):]',
  ' os._exit(0)',
  'os.close(q)',
  'k=marshal.loads(r(p,int.from_bytes(r(p,4),"little")))',
  'os.close(p);os.waitpid(z,0)',
  'c=r(0,a[-1][1])',
  'for (m,n),i in zip(a,k):',
  ' g=sys.modules["sandbox."+m]=type(sys)("sandbox."+m)',
  ' exec(i,g.__dict__)',
  // No program finds them.
  'for m,n in a[:-1]: del sys.modules["sandbox."+m]',
  'g=g.main',
  'del r,a,p,q,z,k,m,n,i',
  'import json',
  'g(json.loads(c))',
].join('\n')

/** They lie beside the sources; from dist/verifiers it is two folders up. */
function readParts(): Buffer[] {
  const here = dirname(fileURLToPath(import.meta.url))
  const folders = [join(here, 'sandbox'), join(here, '..', '..', 'verifiers', 'sandbox')]
  return PARTS.map((name) => {
    const path = folders.map((folder) => join(folder, `${name}.py`)).find((one) => existsSync(one))
    if (path !== undefined) return readFileSync(path)
    throw new SandboxError(
      `the sandbox's Python part (verifiers/sandbox/${name}.py) is missing beside ${here}; reinstall wellspring`,
    )
  })
}

let sources: readonly Buffer[] | undefined

const DESCRIBE = `import sys,json,os
print(json.dumps({"executable":os.path.realpath(sys.executable),"version":"%d.%d.%d"%sys.version_info[:3],
"folders":sorted({sys.prefix,sys.base_prefix,*[p for p in sys.path if os.path.isdir(p)]}),"ok":sys.version_info>=(3,9)}))`

/**
 * Finds the interpreter once: /usr/bin/python3 first (a `python3` on PATH may be a slow shell shim, or lie where another
 * user cannot read), then /usr/local/bin, then PATH. Throws SandboxError when there is no Python 3.9 or later.
 */
async function findInterpreter(preferred?: string): Promise<Interpreter> {
  const tried: string[] = []
  for (const candidate of preferred === undefined
    ? ['/usr/bin/python3', '/usr/local/bin/python3', 'python3']
    : [preferred]) {
    const text = await capture(candidate, ['-I', '-c', DESCRIBE])
    if (text === undefined) {
      tried.push(`${candidate}: not found or does not start`)
      continue
    }
    const found = JSON.parse(text) as Interpreter & { ok: boolean }
    if (found.ok) return { executable: found.executable, version: found.version, folders: found.folders }
    tried.push(`${candidate}: version ${found.version}, expected 3.9 or later`)
  }
  throw new SandboxError(`no usable Python interpreter (${tried.join('; ')})`)
}

function capture(command: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'], timeout: READY_TIMEOUT_MS })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
    child.on('error', () => resolve(undefined))
    child.on('close', (code) => resolve(code === 0 ? text : undefined))
  })
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}

/**
 * Chooses user ids that nothing else uses: far above the ids that systems hand out where the user namespace maps them,
 * else among the high 16-bit ones.
 */
function chooseUids(): UserIds {
  let highest = 65_535
  try {
    for (const line of readFileSync('/proc/self/uid_map', 'utf8').trim().split('\n')) {
      const [inside = 0, , count = 0] = line.trim().split(/\s+/).map(Number)
      highest = Math.max(highest, inside + count - 1)
    }
  } catch {
    // No /proc: the low range is always mapped.
  }
  const wide = highest >= 0x7fff_fffe
  const count = wide ? 4096 : 256
  const from = wide ? 0x7000_0000 : 20_000
  const until = wide ? 0x7fff_ffff : 60_000
  const first = from + randomInt(Math.floor((until - from) / count)) * count
  return { first, count, taken: new Int32Array(new SharedArrayBuffer(4)) }
}

/** A sandbox never takes over a user id from one that has just ended: what that one leaves is killed by its id. */
function nextUid({ first, count, taken }: UserIds): number {
  return first + (Atomics.add(taken, 0, 1) % count)
}

/** The command line that starts a rung's interpreter. */
function commandOf(
  launch: SandboxLaunch,
  sourceBytes: readonly number[],
  configBytes: number,
): { command: string; args: string[] } {
  const sizes = PARTS.map((name, index) => `${name}=${sourceBytes[index]}`)
  const python = ['-s', '-B', '-c', BOOT, ...sizes, `config=${configBytes}`]
  if (launch.rung !== 'bubblewrap') return { command: launch.python.executable, args: python }
  const args = ['--unshare-all', '--die-with-parent', '--as-pid-1', '--new-session', '--cap-drop', 'ALL']
  const bound: string[] = []
  const bind = (path: string): void => {
    if (!existsSync(path) || bound.some((folder) => path === folder || path.startsWith(`${folder}/`))) return
    bound.push(path)
    args.push('--ro-bind', path, path)
  }
  bind('/usr')
  for (const path of ['/lib', '/lib64', '/lib32', '/bin']) {
    if (!existsSync(path)) continue
    if (lstatSync(path).isSymbolicLink()) args.push('--symlink', readlinkSync(path), path)
    else bind(path)
  }
  for (const path of ['/etc/ld.so.cache', '/etc/localtime', '/etc/alternatives']) bind(path)
  for (const path of [...launch.python.folders, launch.python.executable]) if (path !== '/') bind(path)
  for (const path of ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom']) args.push('--dev-bind', path, path)
  for (const [path, target] of [
    ['stdin', '0'],
    ['stdout', '1'],
    ['stderr', '2'],
    ['fd', ''],
  ] as const)
    args.push('--symlink', `/proc/self/fd${target === '' ? '' : `/${target}`}`, `/dev/${path}`)
  args.push('--proc', '/proc', '--remount-ro', '/', '--chdir', '/', launch.python.executable, ...python)
  return { command: 'bwrap', args }
}

/** The packed head of an answer and what follows it. */
interface Answer {
  readonly head: Buffer
  readonly word: string
  readonly stdout: Buffer
  readonly stderr: Buffer
  readonly result: Buffer
}

/** What the sandbox says before its first answer. */
type Message = Readonly<Record<string, unknown>>

/** One long-lived sandbox child. Runs one program at a time; a second run while one is under way throws. */
export class Sandbox {
  readonly #child: ChildProcess
  /** Whether the child is a keeper that outlives the sandbox to sweep up after it. */
  readonly #keeper: boolean
  #chunks: Buffer[] = []
  #available = 0
  /** Bytes that the frame under way takes at least, as far as it has been read. */
  #expected = 0
  #waiting:
    | {
        resolve: (frame: Answer | Message) => void
        reject: (error: SandboxError) => void
        timer: NodeJS.Timeout
      }
    | undefined
  #fault: SandboxError | undefined
  #stderr = ''
  #program: string | undefined
  #runs = 0
  /** Resolves when the child that Node started is gone. */
  readonly closed: Promise<void>
  /** What the child said when it was ready. */
  ready: Readonly<Record<string, unknown>> = {}

  private constructor(launch: SandboxLaunch) {
    sources ??= readParts()
    this.#keeper = launch.rung === 'landlock' && launch.uids !== undefined
    const uid = launch.uids && nextUid(launch.uids)
    const config = Buffer.from(JSON.stringify({ rung: launch.rung, uid, landlockVersion: launch.landlockVersion }))
    const { command, args } = commandOf(
      launch,
      sources.map(({ length }) => length),
      config.length,
    )
    // bubblewrap is started as the lane's own user: inside its user namespace it could not change to it.
    const identity = launch.rung === 'bubblewrap' && uid !== undefined ? { uid, gid: uid } : {}
    this.#child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: '/',
      // Symbols are bound once, at the start, instead of in every fork anew.
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', PYTHONHASHSEED: '0', LD_BIND_NOW: '1' },
      ...identity,
    })
    this.closed = new Promise((resolve) => {
      this.#child.once('exit', () => resolve())
      this.#child.once('error', () => resolve())
    })
    this.#child.on('error', (error) => this.#fail(`cannot start ${command}: ${error.message}`))
    this.#child.on('exit', (code, signal) => {
      // Later than the last output: what was answered before the end still counts.
      setImmediate(() => this.#fail(`the sandbox ended (${signal ?? `exit code ${code}`})${this.#lastWords()}`))
    })
    this.#child.stdin?.on('error', () => undefined)
    this.#child.stdout?.on('error', () => undefined)
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#receive(chunk))
    this.#child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (this.#stderr = (this.#stderr + text).slice(-2000)))
    this.#child.stdin?.write(Buffer.concat([...sources, config]))
  }

  /** Starts a sandbox and waits until it has proved its confinement. Throws SandboxError when this rung does not work. */
  static async open(launch: SandboxLaunch): Promise<Sandbox> {
    for (let attempt = 1; ; attempt += 1) {
      const sandbox = new Sandbox(launch)
      try {
        const message = (await sandbox.#next(READY_TIMEOUT_MS)) as Message
        if (typeof message['error'] === 'string') throw new SandboxError(message['error'])
        sandbox.ready = message
        return sandbox
      } catch (error) {
        sandbox.close()
        // Someone else runs under the user id that was tried: the next one is as good.
        if (attempt < 8 && (error as Error).message.includes(UID_IN_USE)) continue
        throw error
      }
    }
  }

  /** Whether the child should be replaced before the next program. */
  get worn(): boolean {
    return this.#fault !== undefined || this.#runs >= RUNS_PER_SANDBOX
  }

  /**
   * Runs the program's source once on the input. Throws SandboxError when the sandbox itself failed or stopped
   * answering; it is then closed.
   */
  async run(program: string, input: string, spec: RunSpec): Promise<RunResult> {
    if (this.#fault) throw this.#fault
    if (this.#waiting) throw new SandboxError('this sandbox already runs a program')
    const source = program === this.#program ? undefined : Buffer.from(program)
    this.#runs += 1
    this.#program = program
    const inputBytes = Buffer.byteLength(input)
    const assertions = spec.mode === 'assert' ? Buffer.from(spec.assertions ?? '') : undefined
    const extra = spec.mode === 'stdio' ? undefined : Buffer.from(JSON.stringify({ function: spec.function }))
    const request = Buffer.allocUnsafe(
      REQUEST_BYTES + (extra?.length ?? 0) + (source?.length ?? 0) + (assertions?.length ?? 0) + inputBytes,
    )
    let at = request.writeInt32LE(source?.length ?? -1, 0)
    at = request.writeUInt32LE(extra?.length ?? 0, at)
    at = request.writeUInt32LE(assertions?.length ?? 0, at)
    at = request.writeUInt32LE(inputBytes, at)
    at = request.writeUInt8(MODES[spec.mode], at)
    at = request.writeDoubleLE(spec.cpuSeconds, at)
    at = request.writeDoubleLE(spec.wallSeconds, at)
    at = request.writeBigUInt64LE(BigInt(spec.memoryBytes), at)
    at = request.writeBigUInt64LE(BigInt(spec.outputBytes), at)
    at = request.writeUInt32LE(Math.min(spec.stderrBytes, MOST_UINT32), at)
    for (const part of [extra, source, assertions]) if (part) at += part.copy(request, at)
    request.write(input, at)
    const answer = this.#next(spec.wallSeconds * 3000 + STUCK_MARGIN_MS)
    this.#child.stdin?.write(request)
    const { head, word, stdout, stderr, result } = (await answer) as Answer
    const stage = head.readUInt8(1)
    const killed = KILLED[head.readUInt8(2)] ?? null
    const exit = head.readInt32LE(3)
    const signal = head.readInt32LE(7)
    if (stage === SETTING_UP && killed === null && signal !== SIGKILL)
      throw this.#fail(`a program could not be started: ${String(stderr).trim()}`)
    return {
      exit: exit < 0 ? null : exit,
      signal: signal < 0 ? null : signal,
      killed,
      seconds: microseconds(head.readDoubleLE(11)),
      cpuSeconds: microseconds(head.readDoubleLE(19)),
      memoryKilobytes: Number(head.readBigUInt64LE(27)),
      stage: STAGES[stage] ?? 'running',
      stdout,
      stdoutBytes: Number(head.readBigUInt64LE(35)),
      stderr,
      stderrBytes: Number(head.readBigUInt64LE(43)),
      result,
      assertions: spec.mode === 'assert' ? (ENDINGS.find((ending) => ending === word) ?? 'lost') : null,
    }
  }

  /** Ends the child and everything in it. */
  close(): void {
    this.#fail('the sandbox was closed')
  }

  /** The process id of the child that Node started (for tests that kill it). */
  get pid(): number | undefined {
    return this.#child.pid
  }

  #lastWords(): string {
    const text = this.#stderr.trim()
    return text === '' ? '' : `: ${text.split('\n').at(-1)}`
  }

  #fail(message: string): SandboxError {
    this.#fault ??= new SandboxError(message)
    // End of input lets the sandbox clean up; the kill makes sure. Closing the pipes alone would do, but not if it hangs.
    this.#child.stdin?.destroy()
    this.#child.kill(this.#keeper ? 'SIGTERM' : 'SIGKILL')
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) {
      clearTimeout(waiting.timer)
      waiting.reject(this.#fault)
    }
    return this.#fault
  }

  #next(timeoutMs: number): Promise<Answer | Message> {
    return new Promise((resolve, reject) => {
      if (this.#fault) return reject(this.#fault)
      const timer = setTimeout(() => this.#fail(`the sandbox did not answer in ${timeoutMs / 1000} s`), timeoutMs)
      this.#waiting = { resolve, reject, timer }
    })
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#available += chunk.length
    if (this.#available < this.#expected) return
    const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    this.#chunks = [all]
    try {
      const frame = this.#read(all)
      if (frame === undefined) return
      if (this.#expected !== all.length) throw new SandboxError('more than an answer')
      this.#chunks = []
      this.#available = 0
      this.#expected = 0
      const waiting = this.#waiting
      this.#waiting = undefined
      if (!waiting) throw new SandboxError('an answer without a question')
      clearTimeout(waiting.timer)
      waiting.resolve(frame)
    } catch {
      this.#fail('the sandbox sent a frame that cannot be read')
    }
  }

  /** The frame that these bytes hold; undefined, and how many it takes expected, while it is not whole. */
  #read(all: Buffer): Answer | Message | undefined {
    const isMessage = all.readUInt8(0) === MESSAGE
    const headBytes = isMessage ? MESSAGE_HEAD_BYTES : ANSWER_BYTES
    this.#expected = headBytes
    if (all.length < headBytes) return undefined
    if (isMessage) {
      this.#expected += all.readUInt32LE(1)
      return all.length < this.#expected ? undefined : (JSON.parse(all.toString('utf8', headBytes)) as Message)
    }
    const parts = [51, 55, 59, 63].map((at) => {
      const from = this.#expected
      return all.subarray(from, (this.#expected += all.readUInt32LE(at)))
    })
    if (all.length < this.#expected) return undefined
    const [word, stdout, stderr, result] = parts as [Buffer, Buffer, Buffer, Buffer]
    return { head: all.subarray(0, headBytes), word: word.toString('latin1'), stdout, stderr, result }
  }
}

function microseconds(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6
}

/** What a probe found: the launch for the chosen rung (absent when nothing isolates), and the line for people. */
export interface Probe {
  readonly isolation: Isolation
  readonly launch?: SandboxLaunch
}

const ADVICE: Readonly<Record<Rung, string>> = {
  bubblewrap: '',
  unshare: 'install bubblewrap (apt-get install bubblewrap) for a sandbox that sees no other files at all',
  landlock:
    'allow namespaces (bubblewrap with unprivileged user namespaces, or CAP_SYS_ADMIN in a container) for a sandbox with its own processes and network',
  none: 'use Linux 5.13 or later with Landlock or user namespaces; in a container allow the landlock system calls',
}

/**
 * Climbs down the ladder until a rung starts and proves itself. `rung` forces one. Without isolation the probe has no
 * launch unless `unsafeNoSandbox` was set.
 */
export async function probeIsolation(options: {
  readonly rung?: Rung
  readonly unsafeNoSandbox?: boolean
  readonly python?: string
}): Promise<Probe> {
  let python: Interpreter
  try {
    python = await findInterpreter(options.python)
  } catch (error) {
    const advice = 'install python3 (3.9 or later), or name one with run.python: an absolute path, or a name on PATH'
    return { isolation: { rung: 'none', detail: (error as Error).message, advice } }
  }
  const uids = isRoot() ? { uids: chooseUids() } : {}
  const faults: string[] = []
  for (const rung of options.rung === undefined ? LADDER : [options.rung]) {
    if (rung === 'none' && options.unsafeNoSandbox !== true) {
      faults.push('none: not allowed without --unsafe-no-sandbox')
      continue
    }
    const launch: SandboxLaunch = { rung, python, ...(rung === 'none' ? {} : uids) }
    try {
      const sandbox = await Sandbox.open(launch)
      const { ready } = sandbox
      sandbox.close()
      await sandbox.closed
      return { isolation: describe(rung, python, ready, faults), launch }
    } catch (error) {
      faults.push(`${rung}: ${(error as Error).message}`)
    }
  }
  if (options.unsafeNoSandbox === true && options.rung === undefined)
    return {
      isolation: {
        rung: 'none',
        detail: `UNSAFE: programs run without isolation, as asked (${faults.join('; ')})`,
        advice: ADVICE.none,
      },
      launch: { rung: 'none', python },
    }
  return {
    isolation: {
      rung: 'none',
      detail: `programs cannot be run: nothing isolates them here (${faults.join('; ')})`,
      advice: ADVICE.none,
    },
  }
}

function describe(
  rung: Rung,
  python: Interpreter,
  ready: Readonly<Record<string, unknown>>,
  faults: readonly string[],
): Isolation {
  const user = isRoot() && rung !== 'none' ? 'an own user id a lane' : 'this user'
  const parts = [`Python ${python.version} (${python.executable})`, `as ${user}`]
  if (ready['forks'] === false) parts.push('programs may start threads but no processes')
  if (rung !== 'none')
    parts.push(ready['landlock'] === 0 ? 'seccomp' : `seccomp, Landlock ${String(ready['landlock'])}`)
  const detail = `${rung === 'none' ? 'UNSAFE, no isolation: ' : ''}${parts.join(', ')}`
  if (rung === 'bubblewrap') return { rung, detail }
  const advice = faults.length === 0 ? ADVICE[rung] : `${ADVICE[rung]} (${faults.join('; ')})`
  return { rung, detail, advice }
}
