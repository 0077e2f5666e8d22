import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { endWithThisProcess } from '../lifeline.ts'
import { ClusterError, tellingLine } from './error.ts'

/** Java reads paths outside ASCII only where the locale has them. */
export function javaEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C.UTF-8' }
}

/** How a Java process is started. */
interface JavaCommand {
  /** For messages: `node 1`. */
  readonly name: string
  readonly java: string
  readonly parameters: readonly string[]
  /** Standard output and error are appended here. */
  readonly logFile: string
  /** Tells that a process with this id now belongs to the cluster. */
  readonly onStart: (pid: number) => void
  /** Whether it answers now. */
  readonly answers: () => Promise<boolean>
}

/** A process of the cluster that can be killed, paused and started again, always with the same data and ports. */
export class JavaProcess {
  readonly #command: JavaCommand
  #child: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()
  #logStart = 0

  constructor(command: JavaCommand) {
    this.#command = command
  }

  /** The process id; undefined while it is down. */
  get pid(): number | undefined {
    return this.#isUp ? this.#child?.pid : undefined
  }

  /** Settles when the process is down, at once where it is down now. */
  get exited(): Promise<void> {
    return this.#exited
  }

  get #isUp(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Starts the process, which must be down; `ready` tells when it answers. */
  start(): void {
    const { name, java, parameters, logFile, onStart } = this.#command
    if (this.#isUp) throw new Error(`${name} is up already`)
    const log = openSync(logFile, 'a')
    this.#logStart = fstatSync(log).size
    // A group of its own: Ctrl-C at the terminal must not reach it before the owner stops everything in order.
    const child = spawn(java, parameters, { stdio: ['ignore', log, log], detached: true, env: javaEnvironment() })
    closeSync(log)
    this.#child = child
    if (child.pid === undefined) {
      this.#exited = Promise.resolve()
      child.once('error', () => {})
      throw new ClusterError('start_failed', `${name} could not be started: ${java} does not run`)
    }
    const hasEnded = endWithThisProcess(child.pid)
    this.#exited = new Promise((resolve) =>
      child.once('exit', () => {
        hasEnded()
        resolve()
      }),
    )
    onStart(child.pid)
  }

  /**
   * Waits until the process answers.
   * @throws ClusterError (start_failed) when it ends or does not answer in time
   */
  async ready(timeoutSeconds = 60): Promise<void> {
    const { name, logFile } = this.#command
    const deadlineAtMs = performance.now() + 1_000 * timeoutSeconds
    while (!(await this.#command.answers())) {
      const trouble = !this.#isUp
        ? 'has ended'
        : performance.now() > deadlineAtMs
          ? `does not answer after ${timeoutSeconds} s`
          : undefined
      if (trouble !== undefined) {
        const said = readFileSync(logFile).subarray(this.#logStart).toString('utf8')
        throw new ClusterError('start_failed', `${name} ${trouble}: ${tellingLine(said)}; its log is ${logFile}`)
      }
      await pause(50)
    }
  }

  /** Sends a signal and, where it ends the process, waits for the end. Does nothing while the process is down. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    if (!this.#isUp) return
    this.#child?.kill(signal)
    this.#child?.kill('SIGCONT')
    await this.#exited
  }

  /** Stops the process where it stands (SIGSTOP): its connections stay open and nothing answers. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  /** Lets a paused process go on. */
  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  /** Ends the process in an orderly way, or by force after the grace. */
  async stop(graceSeconds: number): Promise<void> {
    const force = setTimeout(() => void this.kill('SIGKILL'), 1_000 * graceSeconds)
    try {
      await this.kill('SIGTERM')
    } finally {
      clearTimeout(force)
    }
  }
}
