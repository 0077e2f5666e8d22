/** A Python that has Confluent's client, for the suites that read topics as others do. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
/** Without a network pip tries for long. */
const installMilliseconds = 240_000

export const clientPackage = 'confluent-kafka[avro,schemaregistry]'

/** A virtual environment with the client, in a folder of its own; or what is missing for it. */
export interface Python {
  python: string
  missing?: string
  remove(): void
}

/** Makes one; pip keeps what it has downloaded. */
export async function makePython(): Promise<Python> {
  const root = mkdtempSync(join(tmpdir(), 'wellspring-python-'))
  const made = { python: join(root, 'bin', 'python'), remove: () => rmSync(root, { recursive: true, force: true }) }
  try {
    await execute('python3', ['-m', 'venv', root])
  } catch {
    return { ...made, missing: 'python3 with venv (apt-get install python3-venv)' }
  }
  try {
    await execute(made.python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', clientPackage], {
      timeout: installMilliseconds,
    })
  } catch {
    return { ...made, missing: `the Python package ${clientPackage} from PyPI` }
  }
  return made
}
