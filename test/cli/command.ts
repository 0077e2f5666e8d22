/** The built command as a user runs it: real processes in a folder of their own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

export const commandFile = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** What an ended process leaves. */
export interface Ended {
  exitCode: number | null
  stdout: string
  stderr: string
}

/** A process that runs. */
export interface Running {
  process: ChildProcess
  /** Resolves with everything written so far once both outputs together match; rejects when it ends before that. */
  written(pattern: RegExp): Promise<string>
  ended: Promise<Ended>
}

interface StartOptions {
  cwd: string
  /** Variables on top of ours, from which all that configures Wellspring or an endpoint is taken away. */
  env?: Record<string, string>
  input?: string
}

/** Our variables without any that would configure the command. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(WELLSPRING|OPENAI|NODE_OPTIONS|NO_COLOR|FORCE_COLOR)/.test(name),
    ),
  )
}

const running = new Set<ChildProcess>()

/** Starts any program. Its standard input stays open unless there is `input`. */
export function startProgram(file: string, args: readonly string[], { cwd, env = {}, input }: StartOptions): Running {
  const child = spawn(file, args, { cwd, env: { ...cleanEnvironment(), ...env }, stdio: 'pipe' })
  running.add(child)
  let stdout = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    for (const look of watchers) look()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    for (const look of watchers) look()
  })
  child.stdin.on('error', () => undefined)
  if (input !== undefined) child.stdin.end(input)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode) => {
      running.delete(child)
      resolve({ exitCode, stdout, stderr })
    })
  })
  const written = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(stdout + stderr)) return
        watchers.delete(look)
        resolve(stdout + stderr)
      }
      watchers.add(look)
      look()
      ended.then(() => {
        look()
        reject(new Error(`ended before it wrote ${String(pattern)}:\n${stdout}${stderr}`))
      }, reject)
    })
  return { process: child, written, ended }
}

/** Starts the command. */
export function start(args: readonly string[], options: StartOptions): Running {
  return startProgram(process.execPath, [commandFile, ...args], options)
}

/** Runs the command to its end. */
export async function run(args: readonly string[], options: StartOptions): Promise<Ended> {
  return await start(args, { input: '', ...options }).ended
}

/** Ends what a failed test left running; for afterAll. */
export function endAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

const folders: string[] = []

/** A new empty folder, removed by `removeFolders`. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'wellspring-cli-'))
  folders.push(folder)
  return folder
}

/** For afterAll. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

/** Asserts that a command failed as promised: this code, one line on stderr that says so, no stack trace anywhere. */
export function expectFailure(ended: Ended, exitCode: number, line: RegExp): void {
  expect(ended.stderr).toMatch(line)
  expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1)
  expectNoTrace(ended)
  expect(ended.exitCode).toBe(exitCode)
}

/** Asserts that no JavaScript stack shows. */
export function expectNoTrace({ stdout, stderr }: Ended): void {
  expect(stdout + stderr).not.toMatch(/\n\s+at |node:internal|\.[jt]s:\d+:\d+|UnhandledPromise/)
}

/** JSON lines as values; throws on a line that is none. */
export function jsonLines<T = Record<string, unknown>>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

interface TopicRow {
  name: string
  retention: string
  records: number
  backlog: { processor: string; records: number }[]
}

/** The rows of `topics --json` by name. */
export async function topicRows(cwd: string, data = 'data'): Promise<Map<string, TopicRow>> {
  const { stdout, exitCode, stderr } = await run(['topics', '--data', data, '--json'], { cwd })
  expect(stderr).toBe('')
  expect(exitCode).toBe(0)
  return new Map(jsonLines<TopicRow>(stdout).map((row) => [row.name, row]))
}

/** How many records a topic holds. */
export async function recordsIn(cwd: string, topic: string, data = 'data'): Promise<number> {
  return (await topicRows(cwd, data)).get(topic)?.records ?? 0
}

/** Serves HTTP on a free port until `close`. */
export async function serve(listener: RequestListener): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

/** A seed line that is right. */
export function seedLine(number: number): string {
  const problem = `A shop sells ${number + 3} boxes with ${number + 5} pens each. How many pens does it sell in all?`
  return JSON.stringify({ domain: 'math', source: 'test', id: number, problem, answer: (number + 3) * (number + 5) })
}

/** Lines of a JSONL file with so many right seeds. */
export function seedLines(count: number): string {
  return Array.from({ length: count }, (_, number) => `${seedLine(number)}\n`).join('')
}
