/** `browse` and `report` as commands: what they say, where they write, how they fail and end. */
import { once } from 'node:events'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endAll, expectFailure, newFolder, removeFolders, run, seedLine, start } from './command.ts'

let cwd: string

beforeAll(async () => {
  cwd = newFolder()
  const input = [1, 2, 3].map((number) => `${seedLine(number)}\n`).join('')
  expect((await run(['ingest', '-', '--as', 'problems', '--data', 'data'], { cwd, input })).exitCode).toBe(0)
})
afterAll(() => {
  endAll()
  removeFolders()
})

describe('report', () => {
  test('writes one page, whole, and says how large it is', async () => {
    const { exitCode, stdout, stderr } = await run(['report', '--data', 'data', '--into', 'page.html'], { cwd })
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' })
    expect(stderr).toMatch(/^page\.html: [\d.]+ KiB\n$/)
    const page = readFileSync(join(cwd, 'page.html'), 'utf8')
    expect(page).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/)
    expect(page).not.toMatch(/<script|<link|<img|src=/)
    expect(page).toContain('human problems')
    expect(readdirSync(cwd).filter((name) => name.includes('partial'))).toEqual([])
  })

  test('of a corpus without any problem says so', async () => {
    mkdirSync(join(cwd, 'empty'), { recursive: true })
    const { stdout, exitCode } = await run(['report', '--data', 'empty', '--into', '-'], { cwd })
    expect(exitCode).toBe(0)
    expect(stdout).toContain('This corpus holds no problem yet.')
  })

  test.each([
    [['--sample', 'many'], 2, /--sample: expected 0 to 200, got "many"/],
    [['--sample', '1e9'], 2, /--sample/],
    [['--into', ''], 2, /--into: expected a file, got nothing/],
    [['--into', '.'], 2, /--into: expected a file, got the folder \./],
    [
      ['--into', 'absent/page.html'],
      74,
      /absent\/page\.html: there is no folder absent; make it with `mkdir -p absent`$/m,
    ],
  ])('%j is refused', async (args, exitCode, line) => {
    expectFailure(await run(['report', '--data', 'data', ...args], { cwd }), exitCode, line)
  })

  test('goes where a link leads, and leaves the link and a file of a like name alone', async () => {
    writeFileSync(join(cwd, 'target.html'), 'before')
    writeFileSync(join(cwd, 'link.html.partial'), 'precious')
    symlinkSync('target.html', join(cwd, 'link.html'))
    const { exitCode } = await run(['report', '--data', 'data', '--into', 'link.html'], { cwd })
    expect(exitCode).toBe(0)
    expect(readlinkSync(join(cwd, 'link.html'))).toBe('target.html')
    expect(readFileSync(join(cwd, 'target.html'), 'utf8')).toMatch(/^<!doctype html>/)
    expect(readFileSync(join(cwd, 'link.html.partial'), 'utf8')).toBe('precious')
  })

  test('never replaces what is no file', async () => {
    spawnSync('mkfifo', [join(cwd, 'pipe')])
    const refused = await run(['report', '--data', 'data', '--into', 'pipe'], { cwd })
    expectFailure(refused, 2, /--into: expected a file, and pipe is none; write - for standard output/)
    expect(statSync(join(cwd, 'pipe')).isFIFO()).toBe(true)
  })

  test('of no corpus says how to make one', async () => {
    expectFailure(await run(['report', '--data', 'absent'], { cwd }), 74, /there is no corpus in absent/)
  })
})

describe('browse', () => {
  test('says where it serves, answers, and ends with 0 at Ctrl-C', async () => {
    const running = start(['browse', '--data', 'data', '--port', '0'], { cwd })
    const written = await running.written(/3 problems read in .*; their index takes /)
    const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(written)?.[0] ?? ''
    const answer = await fetch(url)
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain('3 problems')
    running.process.kill('SIGINT')
    const { exitCode, stdout } = await running.ended
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^http:\S+ \(Ctrl-C ends it\)\n$/)
  })

  test('of a port that is taken says so', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    expectFailure(
      await run(['browse', '--data', 'data', '--port', String(port)], { cwd }),
      74,
      /port \d+ is in use; choose another one/,
    )
    other.close()
  })

  test.each([
    [['--port', '70000'], 2, /--port: expected 0 to 65535, got "70000"/],
    [['--port', '1e4'], 2, /--port: expected 0 to 65535, got "1e4"/],
    [['--host', ''], 2, /--host: expected an address/],
    [['--host', '203.0.113.9'], 74, /--host 203\.0\.113\.9 is no address of this machine/],
    [['--data', 'absent'], 74, /there is no corpus in absent/],
  ])('%j is refused', async (args, exitCode, line) => {
    expectFailure(await run(['browse', '--data', 'data', '--port', '0', ...args], { cwd }), exitCode, line)
  })

  test('of a folder that is something else says so', async () => {
    mkdirSync(join(cwd, 'other'), { recursive: true })
    writeFileSync(join(cwd, 'other', 'data.mdb'), 'no log at all')
    const { exitCode } = await run(['browse', '--data', 'other', '--port', '0'], { cwd })
    expect(exitCode).toBe(74)
  })
})
