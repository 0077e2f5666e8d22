/** The project's own programs: each explains its options, and refuses others in a line. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { endAll, expectFailure, startProgram } from '../cli/command.ts'

// Many processes that load much, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 })
afterAll(endAll)

const cwd = fileURLToPath(new URL('../..', import.meta.url))
const { scripts } = JSON.parse(readFileSync(`${cwd}/package.json`, 'utf8')) as { scripts: Record<string, string> }
const programs = Object.entries(scripts).flatMap(([name, command]) => {
  const [, file] = /node ((?:dist|test)\/\S+)$/.exec(command) ?? []
  const isOurs = /^(bench:.*|chaos.*|soak|em|watch|kafka|quality)$/.test(name)
  return isOurs ? [[name, file ?? ''] as const] : []
})

describe.each(programs)('npm run %s', (name, file) => {
  const ended = (...args: string[]) => startProgram(process.execPath, [file, ...args], { cwd, input: '' }).ended

  it('explains its options', async () => {
    const { exitCode, stdout, stderr } = await ended('--help')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^Usage: npm run ${name} -- \\[options\\]\n\n.*\n  --help +this text\n`, 's'))
  })

  it('refuses an option that it has not, in a line', async () => {
    const line = new RegExp(`^npm run ${name}: Unknown option '--no-such'; see npm run ${name} -- --help\n$`)
    expectFailure(await ended('--no-such'), 2, line)
  })
})
