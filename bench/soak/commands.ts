/** The commands that a soak runs, each in a process of its own. None outlives it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(WELLSPRING|OPENAI|SOAK)_|^NODE_OPTIONS$/.test(name)),
)

/** A command at work. */
export interface Run {
  child: ChildProcess
  /** Of stdout; undefined where it ends without one. */
  firstLine: Promise<string | undefined>
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** The last 20,000 characters. */
  stderr: string
}

/** Starts commands in a folder and ends with them. */
export class Commands {
  readonly #folder: string
  readonly #running = new Set<ChildProcess>()

  /** @param folder where they run */
  constructor(folder: string) {
    this.#folder = folder
    process.on('exit', () => this.kill())
  }

  /** `wellspring` with these arguments. `extra`: variables besides those of this process that are no settings. */
  start(parts: readonly string[], extra: Readonly<Record<string, string>> = {}): Run {
    const child = spawn(process.execPath, [command, ...parts], {
      cwd: this.#folder,
      env: { ...environment, ...extra },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#running.add(child)
    const lines = createInterface({ input: child.stdout })
    const run: Run = {
      child,
      stderr: '',
      firstLine: new Promise((resolveLine) =>
        lines.once('line', resolveLine).once('close', () => resolveLine(undefined)),
      ),
      ended: new Promise((resolveEnd, reject) => {
        child.once('error', reject)
        child.once('close', (code, signal) => {
          this.#running.delete(child)
          resolveEnd({ code, signal })
        })
      }),
    }
    lines.on('line', () => undefined)
    child.stderr.setEncoding('utf8').on('data', (text: string) => (run.stderr = (run.stderr + text).slice(-20_000)))
    return run
  }

  /** Waits until it has ended. Throws Error with what it said where that was not with 0. */
  async complete(parts: readonly string[]): Promise<void> {
    const run = this.start(parts)
    const { code } = await run.ended
    if (code !== 0) throw new Error(`wellspring ${parts.join(' ')} ended with ${code}: ${run.stderr.trim()}`)
  }

  /** All of them, at once. */
  kill(): void {
    for (const child of this.#running) child.kill('SIGKILL')
  }
}
