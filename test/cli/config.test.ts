/** `wellspring config`: what the configuration says, and from where. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { endAll, expectNoTrace, jsonLines, newFolder, removeFolders, run } from './command.ts'

let cwd: string
beforeEach(() => {
  cwd = newFolder()
})
afterAll(() => {
  endAll()
  removeFolders()
})

const page = readFileSync(new URL('../../docs/inference.md', import.meta.url), 'utf8')
const [, example = ''] = /```yaml\n(endpoints:[^]*?)```/.exec(page) ?? []
const write = (text: string): void => writeFileSync(join(cwd, 'wellspring.yaml'), text)

interface Row {
  setting: string
  value: unknown
  origin: string
}
const show = async (args: string[], env: Record<string, string> = {}): Promise<Map<string, Row>> => {
  const { stdout, stderr, exitCode } = await run(['config', 'show', '--json', ...args], { cwd, env })
  expect([stderr, exitCode]).toEqual(['', 0])
  return new Map(jsonLines<Row>(stdout).map((row) => [row.setting, row]))
}

test.each([[], ['check'], ['show'], ['schema']])('`config %s --help` shows examples', async (...path) => {
  const { stdout, stderr, exitCode } = await run(['config', ...path, '--help'], { cwd })
  expect([stderr, exitCode]).toEqual(['', 0])
  expect(stdout).toMatch(/^Examples?:\n {2}wellspring config /m)
})

describe('config check', () => {
  test('sums up a right file, and asks nobody', async () => {
    write(example)
    const { stdout, stderr, exitCode } = await run(['config', 'check'], { cwd, env: { WRITER_API_KEY: 'hidden' } })
    expect([stderr, exitCode]).toEqual(['', 0])
    expect(stdout).toMatch(/^wellspring\.yaml is in order$/m)
    expect(stdout).toMatch(/^ {2}writer-box: http:\S+, at most 128 calls at once, key from WRITER_API_KEY$/m)
    expect(stdout).toMatch(/^ {2}writer: PromptCoT-2\.0-Prompt-Generation-Model, raw, at writer-box$/m)
    expect(stdout).toMatch(/^ {2}problem-writer: writer$/m)
    expect(stdout).toMatch(/^ {2}embedder: none/m)
    expect(stdout).not.toContain('hidden')
  })

  test('names all faults of all sections at once, with exit code 78', async () => {
    write(
      'endpoints: { a: { url: nowhere } }\nmodels: {}\nroles: { solver: [s] }\nrun: { drainSeconds: -1 }\nkafka: { x: 1 }',
    )
    const ended = await run(['config', 'check', '--set', 'roll-out.maxInFlight=none'], { cwd })
    expect(ended.exitCode).toBe(78)
    expect(ended.stdout).toBe('')
    for (const path of [
      'endpoints.a.url',
      'roles.solver.0',
      'run.drainSeconds',
      'kafka.x',
      '--set roll-out.maxInFlight',
    ])
      expect(ended.stderr).toContain(`${path}: `)
    expectNoTrace(ended)
  })

  test('tells the first twenty of very many faults, and how many more there are', async () => {
    write(`endpoints:\n${Array.from({ length: 50 }, (_, index) => `  box-${index}: { url: 7 }\n`).join('')}`)
    const { stderr, exitCode } = await run(['config', 'check'], { cwd })
    expect(exitCode).toBe(78)
    const lines = stderr.trimEnd().split('\n')
    expect(lines).toHaveLength(21)
    expect(lines.at(-1)).toMatch(/^wellspring: and \d+ more of the kind$/)
  })

  test('finds what only `up` would: a key that is not set, a solver that votes for itself', async () => {
    write(example.replace('voter: [careful]', 'voter: [solver]').replace('allowSelfVote: true', 'allowSelfVote: false'))
    const { stderr, exitCode } = await run(['config', 'check'], { cwd })
    expect(exitCode).toBe(78)
    expect(stderr).toMatch(/roles\.voter: .* is also a solver/)
    expect(stderr).toMatch(/endpoints\.writer-box\.apiKeyVariable: expected a key in .* WRITER_API_KEY, got nothing/)
  })

  test('refuses what is no regular file, or too large to be one, without reading it', async () => {
    mkdirSync(join(cwd, 'folder'))
    expect(spawnSync('mkfifo', [join(cwd, 'pipe')]).status).toBe(0)
    writeFileSync(join(cwd, 'large.yaml'), '# comment\n'.repeat(20_000))
    for (const [file, why] of [
      ['folder', /folder: is no regular file/],
      ['pipe', /pipe: is no regular file/],
      ['/dev/zero', /\/dev\/zero: is no regular file/],
      ['large.yaml', /large\.yaml: expected at most 131072 bytes, got 200000/],
    ] as const) {
      const { stderr, exitCode } = await run(['config', 'check', '--config', file], { cwd })
      expect([exitCode, stderr]).toEqual([78, expect.stringMatching(why)])
    }
  })

  test('knows no settings by the names that every object has', async () => {
    write('run: { toString: 1, constructor: 3 }\n')
    const { stderr, exitCode } = await run(['config', 'check'], { cwd })
    expect(exitCode).toBe(78)
    expect(stderr).toMatch(/toString/)
    expect(stderr).toMatch(/constructor/)
  })

  test('is content without a file, and says where models come from', async () => {
    const none = await run(['config', 'check'], { cwd })
    expect(none.stdout).toMatch(/^models: none is configured; `wellspring up` starts a simulated endpoint$/m)
    const named = await run(['config', 'check'], { cwd, env: { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' } })
    expect(named.stdout).toMatch(/^models: those of the endpoint in OPENAI_BASE_URL$/m)
    expect([none.exitCode, named.exitCode]).toEqual([0, 0])
  })
})

describe('config show', () => {
  test('tells for each setting what gave it: flag before variable before file before default', async () => {
    write(
      'processors:\n  roll-out:\n    maxInFlight: 11\n  embed-concepts: { maxInFlight: 12 }\nrun:\n  drainSeconds: 13\n',
    )
    const rows = await show(['--set', 'roll-out.maxInFlight=21', '--data', 'here'], {
      WELLSPRING_ROLL_OUT_MAX_IN_FLIGHT: '31',
      WELLSPRING_RUN_DRAIN_SECONDS: '33',
      WELLSPRING_NAMESPACE: 'mine',
      WELLSPRING_KAFKA: '127.0.0.1:1',
      WELLSPRING_REGISTRY: 'http://127.0.0.1:1',
    })
    const of = (setting: string): unknown[] => [rows.get(setting)?.value, rows.get(setting)?.origin]
    expect(of('processors.roll-out.maxInFlight')).toEqual([21, '--set roll-out.maxInFlight'])
    expect(of('run.drainSeconds')).toEqual([33, 'WELLSPRING_RUN_DRAIN_SECONDS'])
    expect(of('processors.embed-concepts.maxInFlight')).toEqual([12, 'wellspring.yaml:4'])
    expect(of('processors.judge-problem.maxInFlight')).toEqual([256, 'default'])
    expect(of('kafka.namespace')).toEqual(['mine', 'WELLSPRING_NAMESPACE'])
    expect(of('kafka.compression')).toEqual(['gzip', 'default'])
  })

  test('tells what the profile gives: from the flag, the variable or the top of the file', async () => {
    const of = (rows: Awaited<ReturnType<typeof show>>, setting: string): unknown[] => [
      rows.get(setting)?.value,
      rows.get(setting)?.origin,
    ]
    write('profile: scripts\nprocessors: { generate-test-cases: { minTests: 2 } }\n')
    const rows = await show([])
    expect(of(rows, 'profile')).toEqual(['scripts', 'wellspring.yaml:1'])
    expect(of(rows, 'processors.vote-answer.rule')).toEqual(['plurality', 'profile scripts'])
    expect(of(rows, 'processors.generate-test-cases.minTests')).toEqual([2, 'wellspring.yaml:2'])
    expect(of(rows, 'processors.vote-answer.generations')).toEqual([8, 'default'])
    const flagged = await show(['--set', 'profile=paper'], { WELLSPRING_PROFILE: 'scripts' })
    expect(of(flagged, 'profile')).toEqual(['paper', '--set profile'])
    expect(of(flagged, 'processors.vote-answer.rule')).toEqual(['majority', 'default'])
    const named = await run(['config', 'check'], { cwd, env: { WELLSPRING_PROFILE: 'papers' } })
    expect([named.exitCode, named.stderr]).toEqual([
      78,
      expect.stringMatching(/WELLSPRING_PROFILE: expected one of wellspring, paper, scripts/),
    ])
  })

  test('tells endpoints, models and roles with the lines of the file', async () => {
    write(example)
    const rows = await show([], { WRITER_API_KEY: 'x' })
    const lineOf = (text: string): string =>
      `wellspring.yaml:${example.split('\n').findIndex((line) => line.includes(text)) + 1}`
    expect(rows.get('endpoints.box.url')?.origin).toBe(lineOf('url: http://127.0.0.1:8000/v1'))
    expect(rows.get('models.solver.sampling.temperature')).toMatchObject({ value: 1.2, origin: lineOf('1.2') })
    expect(rows.get('models.solver.mode')).toMatchObject({ value: 'chat', origin: 'default' })
    expect(rows.get('roles.judge')).toMatchObject({ value: ['careful'], origin: lineOf('judge:') })
  })

  test('never shows a secret, only whether its variable is set', async () => {
    const secret = 'sk-very-secret'
    write(
      `${example.replace('extraBody: { top_k: 20 }', `extraBody: { nested: { api_key: ${secret} } }`)}kafka:\n  sasl: { mechanism: oauthbearer, tokenCommand: [/bin/get-token, ${secret}] }\n`,
    )
    const env = {
      ...{ WRITER_API_KEY: secret, OPENAI_API_KEY: secret, WELLSPRING_REGISTRY_TOKEN: secret },
      ...{ WELLSPRING_KAFKA: '127.0.0.1:1', WELLSPRING_REGISTRY: 'http://127.0.0.1:1' },
    }
    for (const args of [['--json'], []]) {
      const { stdout, exitCode } = await run(['config', 'show', ...args], { cwd, env })
      expect(exitCode).toBe(0)
      expect(stdout).not.toContain(secret)
      expect(stdout).toContain('WRITER_API_KEY (set, never shown)')
      expect(stdout).toContain('WELLSPRING_REGISTRY_TOKEN (set, never shown)')
      expect(stdout).toContain('WELLSPRING_KAFKA_PASSWORD (not set, never shown)')
    }
    write('{}')
    const { stdout } = await run(['config', 'show'], {
      cwd,
      env: { OPENAI_BASE_URL: `http://user:${secret}@127.0.0.1/v1?key=${secret}` },
    })
    expect(stdout).toMatch(/OPENAI_BASE_URL +http:\/\/127\.0\.0\.1\/v1 /)
    expect(stdout).not.toContain(secret)
  })
})

describe('config schema', () => {
  test('is the generated one, takes what the command takes and refuses what it refuses', async () => {
    const { stdout, exitCode } = await run(['config', 'schema'], { cwd })
    expect(exitCode).toBe(0)
    const committed = new URL('../../docs/configuration.schema.json', import.meta.url)
    expect(stdout).toBe(readFileSync(committed, 'utf8'))
    const schema = z.fromJSONSchema(JSON.parse(stdout) as Parameters<typeof z.fromJSONSchema>[0])
    const base = parse(example) as Record<string, object>
    const judged: [Record<string, unknown>, boolean][] = [
      [base, true],
      [{}, true],
      [{ models: { m: { model: 'x', endpoints: ['a', { name: 'b', weight: 2 }] } } }, true],
      [{ models: { m: { model: 'x', endpoints: [{ name: 'b', weight: 0 }] } } }, false],
      [{ models: { m: { model: 'x', endpoints: [] } } }, false],
      [{ endpoints: { box: { url: 'http://x/v1', maxConcurency: 4 } } }, false],
      [{ endpoints: { box: {} } }, false],
      [{ roles: { juge: ['x'] } }, false],
      [{ run: { drainSeconds: 30 }, processors: { 'roll-out': { maxInFlight: 4 } } }, true],
      [{ run: { drainSeconds: -1 } }, false],
      [{ processors: { 'roll-out': { maxInFlight: 0.5 } } }, false],
      [{ kafka: { brokers: ['a:1'], tls: true, sasl: { mechanism: 'plain', username: 'x' } } }, true],
      [{ kafka: { brokers: 'a:1,b:1', tls: { caFile: 'x' } }, registry: { url: 'http://x' } }, true],
      [{ kafka: { tls: { file: 'x' } } }, false],
      [{ kafka: { sasl: { mechanism: 'magic' } } }, false],
      [{ wells: {} }, false],
    ]
    for (const [value, isRight] of judged) expect([value, schema.safeParse(value).success]).toEqual([value, isRight])
  })
})
