/** `npm run watch` as a user runs it: a real Prometheus, and in Grafana's place a program that tells how it was started. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { expectFailure, endAll, newFolder, removeFolders, startProgram, type Running } from '../cli/command.ts'
import { hasPrometheus } from './prometheus.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const script = join(root, 'dist/scripts/watch.js')

/** Answers as Grafana does when it is ready, and writes down its arguments and environment. */
const standIn = `#!${process.execPath}
const { createServer } = require('node:http')
require('node:fs').writeFileSync(process.env.GF_PATHS_DATA + '/started.json', JSON.stringify({ args: process.argv.slice(2), env: process.env }))
createServer((request, response) => response.end('{"database":"ok"}')).listen(Number(process.env.GF_SERVER_HTTP_PORT), '127.0.0.1')
`

afterAll(() => {
  endAll()
  removeFolders()
})

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    async (response) => (await response.arrayBuffer(), response.ok),
    () => false,
  )

async function untilGone(url: string): Promise<void> {
  while (await answers(url)) await pause(50)
}

/** Starts it with a Grafana of ours. */
async function watching(): Promise<{ watch: Running; prometheus: string; grafana: string; folder: string }> {
  const folder = newFolder()
  const programs = join(folder, 'programs')
  mkdirSync(programs)
  writeFileSync(join(programs, 'grafana'), standIn, { mode: 0o755 })
  const env = { PATH: `${programs}${delimiter}${process.env['PATH']}` }
  const args = [script, '--data', join(folder, 'data'), '--interval', '1', '--target', '127.0.0.1:1']
  const watch = startProgram(process.execPath, args, { cwd: root, env })
  const said = await watch.written(/Ctrl-C ends this/)
  const urlOf = (name: string): string => new RegExp(`${name}: (http://127\\.0\\.0\\.1:\\d+)`).exec(said)?.[1] ?? ''
  expect(said).toContain('127.0.0.1:1 serves no metrics yet: start it with npx wellspring up --metrics-port 1;')
  return { watch, prometheus: urlOf('Prometheus'), grafana: urlOf('Grafana'), folder }
}

describe.runIf(hasPrometheus())('npm run watch', () => {
  it('starts Prometheus with the rules, and Grafana with the dashboards; Ctrl-C ends both', async () => {
    const { watch, prometheus, grafana, folder } = await watching()
    const rules = (await (await fetch(`${prometheus}/api/v1/rules`)).json()) as { data: { groups: { rules: [] }[] } }
    expect(rules.data.groups[0]?.rules.length).toBeGreaterThan(15)
    expect(await answers(`${grafana}/api/health`)).toBe(true)
    const { args, env } = JSON.parse(readFileSync(join(folder, 'data/grafana/started.json'), 'utf8')) as {
      args: string[]
      env: Record<string, string>
    }
    expect(args[0]).toBe('server')
    expect(env).toMatchObject({
      GF_SERVER_HTTP_ADDR: '127.0.0.1',
      GF_PATHS_PROVISIONING: join(root, 'grafana/provisioning'),
      WELLSPRING_DASHBOARDS: join(root, 'grafana/dashboards'),
      PROMETHEUS_URL: prometheus,
    })
    watch.process.kill('SIGINT')
    expect(await watch.ended).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await Promise.all([answers(`${prometheus}/-/ready`), answers(`${grafana}/api/health`)])).toEqual([
      false,
      false,
    ])
  })

  it('installs nothing unasked: it says what is missing', async () => {
    const env = { PATH: newFolder() }
    const watch = startProgram(process.execPath, [script], { cwd: root, env })
    expect(await watch.ended).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(
        /^there is no prometheus on PATH: install it \(.*\), or .* with --install\n$/,
      ) as string,
    })
  })

  it('both end when it is killed', async () => {
    const { watch, prometheus, grafana } = await watching()
    watch.process.kill('SIGKILL')
    await Promise.all([untilGone(`${prometheus}/-/ready`), untilGone(`${grafana}/api/health`)])
  })

  it.each([
    [['--target', 'nonsense'], /^npm run watch: --target: expected HOST:PORT, got "nonsense"; see /],
    [['--interval', '0'], /^npm run watch: --interval: expected whole seconds above 0, got "0"; see /],
    [['--bogus'], /^npm run watch: Unknown option '--bogus'/],
  ])('refuses %s in one line', async (args, line) => {
    const ended = await startProgram(process.execPath, [script, ...args], { cwd: root, input: '' }).ended
    expectFailure(ended, 2, line)
  })
})
