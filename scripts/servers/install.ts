/**
 * Real OpenAI-compatible servers that come as wheels, each in a virtual environment of its own in `$XDG_CACHE_HOME/wellspring/servers`
 * (`~/.cache/wellspring/servers`), installed by name with pip on first use. What is there already needs no network.
 */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What pip installs for each server, and how much of the disk it takes. */
const packages = {
  // llama.cpp's own server inside a Python module; gguf writes its model.
  'llama.cpp': {
    folder: 'xllamacpp-2026.10.11549',
    wheels: ['xllamacpp==2026.10.11549', 'gguf==0.19.0'],
    mebibytes: 210,
  },
  'mlx-lm': { folder: 'mlx-lm-0.32.2', wheels: ['mlx-lm==0.32.2', 'mlx[cpu]==0.32.4'], mebibytes: 350 },
} as const

/** A server that can be installed. */
export type ServerName = keyof typeof packages

/** The server cannot be had on this machine: one line that says what is missing. */
export class ServerMissingError extends Error {}

/** The cache folder of all servers. */
function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'wellspring', 'servers')
}

/**
 * The Python that has the server, installed where it is not there yet. The folder appears whole or not at all.
 * @param report is told once before a download that may take a minute
 * @throws ServerMissingError where there is no python3 with venv, no network, or no wheel for this machine
 */
export async function installServer(name: ServerName, report: (line: string) => void = () => {}): Promise<string> {
  const { folder, wheels, mebibytes } = packages[name]
  const finished = join(cacheFolder(), folder)
  const python = join(finished, 'bin', 'python')
  if (existsSync(python)) return python
  await mkdir(cacheFolder(), { recursive: true })
  const unfinished = `${finished}.${randomUUID()}`
  try {
    report(`installing ${wheels.join(' ')} (once, about ${mebibytes} MiB)`)
    await orMissing('python3 with its venv module (Debian, Ubuntu: apt-get install python3-venv)', 'python3', [
      '-m',
      'venv',
      unfinished,
    ])
    await orMissing(
      `${name}: wheels of ${wheels.join(' and ')} for this machine, or a network`,
      join(unfinished, 'bin', 'python'),
      [...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:'], ...wheels],
    )
    // Nothing in it but the scripts in bin/, which nobody uses, knows where it lies.
    await rename(unfinished, finished)
  } catch (error) {
    if (!existsSync(python)) throw error
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return python
}

async function orMissing(what: string, file: string, parameters: readonly string[]): Promise<void> {
  try {
    await run(file, parameters)
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    const said =
      stderr?.split('\n').findLast((line) => line.startsWith('ERROR')) ?? (error as Error).message.split('\n')[0]
    throw new ServerMissingError(`${what} (${said})`, { cause: error })
  }
}
