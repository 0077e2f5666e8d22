/** A shell that is kept open, as a reader's terminal is, and terminals beside it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'

/** As `timeout` ends. */
const timedOut = 124

/** What one block came to. */
interface Ran {
  code: number
  output: string
}

export class Shell {
  readonly #child: ChildProcess
  readonly #others: ChildProcess[] = []
  readonly #directory: string
  #output = ''
  #heard = (): void => {}
  #exitCode: number | undefined

  constructor(directory: string, environment: Readonly<Record<string, string | undefined>>) {
    this.#directory = directory
    // A group of its own, so that whatever it starts ends with it.
    this.#child = spawn('bash', ['--noprofile', '--norc'], { cwd: directory, env: environment, detached: true })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
        this.#heard()
      })
    this.#child.once('close', (code) => {
      this.#exitCode = code ?? timedOut
      this.#heard()
    })
  }

  /** Runs commands to their end; the first that fails ends the shell. Variables stay for the next block. */
  async run(commands: string, limitMilliseconds: number): Promise<Ran> {
    const mark = `end-${randomBytes(8).toString('hex')}`
    const from = this.#output.length
    // Commands that read standard input must not read the rest of the page.
    this.#child.stdin?.write(`set -e\n{ ${commands}\n} < /dev/null\necho ${mark}\n`)
    const giveUpAtMs = Date.now() + limitMilliseconds
    for (;;) {
      const output = this.#output.slice(from)
      if (output.includes(`${mark}\n`)) return { code: 0, output }
      if (this.#exitCode !== undefined) return { code: this.#exitCode, output }
      if (Date.now() > giveUpAtMs) return { code: timedOut, output }
      await this.#more(giveUpAtMs - Date.now())
    }
  }

  async #more(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#heard = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#heard = () => {}
  }

  /** Starts commands in a terminal of their own, until the shell is closed. @throws Error where they end, or are not ready in time */
  async background(
    commands: string,
    environment: Readonly<Record<string, string | undefined>>,
    until: string,
    limitMilliseconds: number,
  ): Promise<void> {
    // prettier-ignore
    const child = spawn('bash', ['--noprofile', '--norc', '-c', commands], { cwd: this.#directory, env: environment, detached: true, stdio: ['ignore', 'pipe', 'pipe'] }) // prettier-ignore
    this.#others.push(child)
    let output = ''
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not ready in ${limitMilliseconds / 1000} s: ${commands}\n${output}`)), limitMilliseconds) // prettier-ignore
      const settle = (error?: Error): void => {
        clearTimeout(timer)
        if (error) reject(error)
        else resolve()
      }
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text
          if (output.includes(until)) settle()
        })
      child.once('error', settle)
      child.once('close', (code) => settle(new Error(`ended with ${code} before it was ready: ${commands}\n${output}`)))
    })
  }

  /** Ends everything that was started. */
  async close(): Promise<void> {
    const all = [this.#child, ...this.#others].filter((child) => child.exitCode === null && child.signalCode === null)
    const ended = all.map((child) => new Promise<void>((resolve) => child.once('close', () => resolve())))
    for (const { pid } of all) if (pid !== undefined) signalGroup(pid, 'SIGTERM')
    const timer = setTimeout(() => all.forEach(({ pid }) => pid !== undefined && signalGroup(pid, 'SIGKILL')), 20_000)
    await Promise.all(ended)
    clearTimeout(timer)
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // Gone already.
  }
}
