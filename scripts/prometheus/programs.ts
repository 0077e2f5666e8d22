/** Prometheus and Grafana on this machine: found, installed where that can be done, started with a configuration, and ended. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { endWithThisProcess } from '../lifeline.ts'

/** Why a program is not there or did not start, in one line with the cure. */
export class ProgramError extends Error {}

/** The path of a program; undefined where PATH has none. */
function findProgram(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

const installLimitMs = 300_000

const installation = 'install it (Debian, Ubuntu: apt-get install prometheus; macOS: brew install prometheus)'

/** Debian's package of Prometheus, with promtool; nothing is done where both are there. @throws ProgramError */
export function installPrometheus(report: (line: string) => void = () => {}): void {
  const isThere = (): boolean => ['prometheus', 'promtool'].every((name) => findProgram(name) !== undefined)
  if (isThere()) return
  if (findProgram('apt-get') === undefined) throw new ProgramError(`there is no prometheus on PATH: ${installation}`)
  const isRoot = process.getuid?.() === 0
  if (!isRoot && findProgram('sudo') === undefined)
    throw new ProgramError(`there is no prometheus on PATH, and no right to install it: ${installation}`)
  report('installing prometheus with apt-get')
  const run = (...args: string[]): boolean => {
    const [command = '', ...rest] = [...(isRoot ? [] : ['sudo', '-n']), 'apt-get', '-qq', ...args]
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    return spawnSync(command, rest, { env, stdio: 'ignore', timeout: installLimitMs }).status === 0
  }
  const install = ['install', '-y', '--no-install-recommends', 'prometheus']
  if (!run(...install)) {
    run('update')
    run(...install)
  }
  if (!isThere()) throw new ProgramError(`apt-get could not install prometheus: ${installation}`)
}

/** A program that was started here. */
export interface Served {
  url: string
  /** Resolves with how it ended, whoever ended it. */
  ended: Promise<string>
  stop(): Promise<void>
}

interface Command {
  name: string
  path: string
  args: readonly string[]
  env?: Readonly<Record<string, string>>
  url: string
  /** Answers 200 once it is ready. */
  readyPath: string
  logFile: string
}

const readySeconds = 60
const graceMs = 10_000

/** Starts a program and waits until it answers. It ends with this process. @throws ProgramError */
async function startProgram({ name, path, args, env, url, readyPath, logFile }: Command): Promise<Served> {
  const log = openSync(logFile, 'a')
  // A group of its own: Ctrl-C at the terminal is for its owner, which then ends it.
  const child = spawn(path, args, { stdio: ['ignore', log, log], detached: true, env: { ...process.env, ...env } })
  closeSync(log)
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
  let end: string | undefined
  const hasEnded = child.pid === undefined ? () => {} : endWithThisProcess(child.pid)
  void ended.then((how) => {
    end = how
    hasEnded()
  })
  const stop = (): Promise<void> => stopChild(child, ended)
  const deadlineMs = performance.now() + 1000 * readySeconds
  for (;;) {
    const isReady = await fetch(new URL(readyPath, url), { signal: AbortSignal.timeout(2000) }).then(
      async (response) => {
        await response.arrayBuffer()
        return response.ok
      },
      () => false,
    )
    if (isReady) return { url, ended, stop }
    if (end !== undefined || performance.now() > deadlineMs) {
      const why = end === undefined ? `does not answer after ${readySeconds} s` : `has ended (${end})`
      await stop()
      throw new ProgramError(`${name} ${why}: ${lastLine(logFile)}; its log is ${logFile}`)
    }
    await pause(100)
  }
}

async function stopChild(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await ended
  clearTimeout(force)
}

function lastLine(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? ''
}

/** Starts Prometheus on a port of 127.0.0.1. @throws ProgramError */
export async function startPrometheus(options: {
  configurationFile: string
  dataFolder: string
  port: number
  logFile: string
}): Promise<Served> {
  const { configurationFile, dataFolder, port, logFile } = options
  const path = findProgram('prometheus')
  if (path === undefined)
    throw new ProgramError(`there is no prometheus on PATH: ${installation}, or have apt-get do it with --install`)
  return await startProgram({
    name: 'prometheus',
    path,
    args: [
      `--config.file=${configurationFile}`,
      `--storage.tsdb.path=${dataFolder}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-lifecycle',
    ],
    url: `http://127.0.0.1:${port}`,
    readyPath: '/-/ready',
    logFile,
  })
}

/** Where Grafana's own files lie: packages of Debian and RPM, Homebrew, archives. */
const grafanaHomes = ['/usr/share/grafana', '/opt/homebrew/share/grafana', '/usr/local/share/grafana', '/opt/grafana']

/** A Grafana that can be started; undefined where there is none. */
export function findGrafana(): { path: string; args: string[] } | undefined {
  const home = [process.env['GF_PATHS_HOME'] ?? '', ...grafanaHomes].find((one) => one !== '' && existsSync(one))
  const homeFlag = home === undefined ? [] : ['--homepath', home]
  const grafana = findProgram('grafana')
  if (grafana !== undefined) return { path: grafana, args: ['server', ...homeFlag] }
  // As releases before 10 name it.
  const server = findProgram('grafana-server')
  return server === undefined ? undefined : { path: server, args: homeFlag }
}

/** Starts Grafana on a port of 127.0.0.1, open to everybody there, with the provisioned data source and dashboards. @throws ProgramError */
export async function startGrafana(options: {
  provisioningFolder: string
  dashboardFolder: string
  prometheusUrl: string
  dataFolder: string
  port: number
  logFile: string
}): Promise<Served> {
  const found = findGrafana()
  if (!found) throw new ProgramError('there is no grafana on PATH')
  const { provisioningFolder, dashboardFolder, prometheusUrl, dataFolder, port, logFile } = options
  return await startProgram({
    name: 'grafana',
    path: found.path,
    args: found.args,
    env: {
      GF_PATHS_PROVISIONING: provisioningFolder,
      GF_PATHS_DATA: dataFolder,
      GF_PATHS_LOGS: dataFolder,
      GF_SERVER_HTTP_ADDR: '127.0.0.1',
      GF_SERVER_HTTP_PORT: String(port),
      GF_AUTH_ANONYMOUS_ENABLED: 'true',
      GF_AUTH_ANONYMOUS_ORG_ROLE: 'Admin',
      GF_ANALYTICS_REPORTING_ENABLED: 'false',
      GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
      GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
      PROMETHEUS_URL: prometheusUrl,
      WELLSPRING_DASHBOARDS: dashboardFolder,
    },
    url: `http://127.0.0.1:${port}`,
    readyPath: '/api/health',
    logFile,
  })
}
