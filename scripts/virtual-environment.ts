/** Virtual environments of Python in the cache folder of Wellspring, installed by name with pip on first use. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What cannot be had on this machine: one line that says what is missing. */
export class MissingPackagesError extends Error {}

/** An environment: its folder under `$XDG_CACHE_HOME/wellspring` (`~/.cache/wellspring`), and what pip installs there, in turn. */
interface Environment {
  folder: string
  /** What it is for, in the error. */
  name: string
  installs: readonly { wheels: readonly string[]; withoutDependencies?: boolean }[]
  /** About how much of the disk it takes. */
  mebibytes: number
}

/**
 * The Python that has the packages, installed where it is not there yet; what is there needs no network. The folder appears whole or
 * not at all.
 * @param report is told once before a download that may take a minute
 * @throws MissingPackagesError where there is no python3 with venv, no network, or no wheel for this machine
 */
export async function installEnvironment(environment: Environment, report: (line: string) => void): Promise<string> {
  const { folder, name, installs, mebibytes } = environment
  const finished = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'wellspring', folder)
  const python = join(finished, 'bin', 'python')
  if (existsSync(python)) return python
  await mkdir(dirname(finished), { recursive: true })
  const unfinished = `${finished}.${randomUUID()}`
  try {
    report(`installing ${installs.flatMap(({ wheels }) => wheels).join(' ')} (once, about ${mebibytes} MiB)`)
    await orMissing('python3 with its venv module (Debian, Ubuntu: apt-get install python3-venv)', 'python3', [
      '-m',
      'venv',
      unfinished,
    ])
    for (const { wheels, withoutDependencies = false } of installs) {
      await orMissing(
        `${name}: wheels of ${wheels.join(' and ')} for this machine, or a network`,
        join(unfinished, 'bin', 'python'),
        [
          ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir'],
          ...(withoutDependencies ? ['--no-deps'] : ['--only-binary=:all:']),
          ...wheels,
        ],
      )
    }
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
    throw new MissingPackagesError(`${what} (${said})`, { cause: error })
  }
}
