/** Inputs that mean harm: terminal codes, files without end, configurations that hold themselves, secrets in the wrong place. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { endAll, expectFailure, expectNoTrace, newFolder, removeFolders, run, serve, type Ended } from './command.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let cwd: string
beforeAll(() => {
  cwd = newFolder()
})
afterAll(() => {
  endAll()
  removeFolders()
})

const write = (name: string, text: string): void => writeFileSync(join(cwd, name), text)

/** Colours, a window title, a link, marks that reorder and hide text, C1 controls, line ends of other alphabets. */
const codes =
  '\u001b[31mred\u001b[0m \u001b]0;title\u0007 \u001b]8;;http://evil.example/\u001b\\link\u001b]8;;\u001b\\ \u202egnp.exe\u202c \u2066x\u2069 \u061c \u009b31m \u0008\u0000 \u2028 \ufffa \u{e0041}'

/** What a terminal would obey. */
const obeyed = // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\u{e0000}-\u{e007f}]/u

function expectHarmless({ stdout, stderr }: Ended): void {
  expect(stdout).not.toMatch(obeyed)
  expect(stderr).not.toMatch(obeyed)
}

describe('terminal codes', () => {
  let id: string
  beforeAll(async () => {
    const line = {
      domain: 'math',
      source: `source ${codes}`,
      id: codes,
      problem: `What is 1 + 1? ${codes}`,
      answer: '2',
    }
    const whole = codes.replaceAll('\u0000', '')
    write('codes.jsonl', `${JSON.stringify(line)}\n{"domain": "math${whole}"}\n${whole}\n`)
    const ended = await run(['ingest', 'codes.jsonl', '--as', 'problems'], { cwd })
    expect(ended.stdout).toMatch(/1 problems added, 0 known already, 2 refused/)
    expectHarmless(ended)
    const tail = await run(['tail', 'problems'], { cwd })
    expectHarmless(tail)
    const record = JSON.parse(tail.stdout) as { id: string; statement: string }
    // Escaped, not lost.
    expect(record.statement).toContain(codes)
    id = record.id
  })

  test('of a seed reach no terminal through explain, nor through a screen, nor through a log', async () => {
    const explained = await run(['explain', id], { cwd })
    expect(explained.stdout).toContain('What is 1 + 1?')
    expectHarmless(explained)
    expectHarmless(await run(['explain', id, '--json'], { cwd }))
    const set = ['--set', 'simulator.speed=5000', 'vote-answer.generations=2']
    const ended = await run(['up', '--problems', '0', ...set], { cwd })
    expect(ended.exitCode).toBe(0)
    expectHarmless(ended)
    for (const command of [['topics'], ['spend'], ['dead-letters', 'list'], ['export', 'rl'], ['tail', 'discards']])
      expectHarmless(await run(command, { cwd }))
  })

  test.each([
    [['tail', codes]],
    [['explain', codes]],
    [['up', '--for', codes]],
    [['up', '--set', `roll-out.maxInFlight=${codes}`]],
    [['up', '--set', codes]],
    [[codes]],
    [['config', 'check', '--config', codes]],
    [['export', 'pairs', '--domain', codes, '--out', `${codes}/x/y`]],
    [['topics', '--kafka', codes]],
  ])('of an argument (%#) reach no terminal through an error', async (args) => {
    const ended = await run(
      args.map((text) => text.replaceAll('\u0000', '')),
      { cwd },
    )
    expect(ended.exitCode).not.toBe(0)
    expectHarmless(ended)
    expectNoTrace(ended)
  })

  test('of an endpoint reach no terminal, be it its models or its errors', async () => {
    const models = await serve((request, response) => {
      const body = { data: [{ id: `model ${codes}` }, { id: 'b' }], error: { message: `no ${codes}` } }
      response.writeHead(request.url?.endsWith('/models') ? 200 : 400, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    })
    const failing = await serve((_, response) => {
      response
        .writeHead(401, `no ${codes.replace(/[^\x20-\x7e]/g, '')}`)
        .end(`{"error": {"message": ${JSON.stringify(codes)}}}`)
    })
    for (const { url } of [models, failing]) {
      const ended = await run(['doctor', '--endpoints'], { cwd, env: { OPENAI_BASE_URL: url } })
      expect(ended.stdout).toContain(url)
      expectHarmless(ended)
      expectHarmless(await run(['doctor', '--endpoints', '--json'], { cwd, env: { OPENAI_BASE_URL: url } }))
    }
    await models.close()
    await failing.close()
  })
})

describe('a configuration file', () => {
  const bomb = [...'bcdefghi'].reduce(
    ({ text, last }, name) => ({
      text: `${text}${name}: &${name} [${Array<string>(9).fill(`*${last}`).join()}]\n`,
      last: name,
    }),
    { text: 'a: &a [x,x,x,x,x,x,x,x,x]\n', last: 'a' },
  ).text

  test.each([
    ['with aliases that grow without bound', bomb, /Excessive alias count/],
    ['with a list that holds itself', 'run: &a [*a]\n', /an alias \(\*name\) stands within what it names/],
    [
      'with a body that holds itself',
      'models:\n  m: { model: x, endpoints: [b], extraBody: &x { a: *x } }\n',
      /an alias \(\*name\) stands within what it names/,
    ],
    ['nested without end', '['.repeat(60_000), /is nested too deeply/],
    ['with a name that every object has', '__proto__: { run: 1 }\n', /unknown key "__proto__"/],
  ])('%s is refused in one line', async (_, text, line) => {
    write('hostile.yaml', text)
    expectFailure(await run(['config', 'check', '--config', 'hostile.yaml'], { cwd }), 78, line)
  })

  test('names no PEM file without end, nor a large one', async () => {
    write('large.pem', `-----BEGIN CERTIFICATE-----\n${'A'.repeat(2 << 20)}\n`)
    for (const [file, line] of [
      ['/dev/zero', /kafka\.tls\.caFile: \/dev\/zero: is no regular file/],
      ['large.pem', /kafka\.tls\.caFile: large\.pem: expected at most 1048576 bytes, got 2097181/],
    ] as const) {
      write('kafka.yaml', `kafka: { brokers: 'h:1', tls: { caFile: ${file} } }\nregistry: { url: 'http://h' }\n`)
      expectFailure(await run(['config', 'check', '--config', 'kafka.yaml'], { cwd }), 78, line)
    }
  })

  test('that holds secrets in the wrong places shows none of them, nor does a fault', async () => {
    write(
      'secrets.yaml',
      [
        `endpoints: { b: { url: 'http://127.0.0.1:1/v1', apiKeyVariable: B_KEY } }`,
        `models: { m: { model: 'sk-proj-planted0123456789ab', endpoints: [b], extraBody: { note: 'http://u:planted@h/?k=planted', api_key: planted } } }`,
        'roles: { solver: [m] }',
        `simulator: { knows: 'https://h/file?sig=planted' }`,
      ].join('\n'),
    )
    const env = { B_KEY: 'planted-key', WELLSPRING_SIMULATOR_TRUTH_FILE: '/tmp/planted-key' }
    for (const command of [
      ['config', 'show'],
      ['config', 'show', '--json'],
      ['config', 'check'],
    ]) {
      const ended = await run([...command, '--config', 'secrets.yaml'], { cwd, env })
      expect(ended.exitCode).toBe(0)
      expect(ended.stdout).toContain('[redacted]')
      expect(ended.stdout + ended.stderr).not.toContain('planted')
    }
    for (const [text, path] of [
      [`kafka: { brokers: 'user:planted@host:9092' }`, 'kafka.brokers'],
      [`kafka: { brokers: 'h:1' }\nregistry: { url: 'http://h/?token=planted' }`, 'registry.url'],
      [`kafka: { brokers: 'h:1' }\nregistry: { url: 'http://u:planted@h/' }`, 'registry.url'],
      [`endpoints: { b: { url: 'http://h/v1?key=planted' } }`, 'endpoints.b.url'],
    ] as const) {
      write('fault.yaml', text)
      const ended = await run(['config', 'check', '--config', 'fault.yaml'], { cwd })
      expect(ended.exitCode).toBe(78)
      expect(ended.stderr).toContain(`${path}: `)
      expect(ended.stdout + ended.stderr).not.toContain('planted')
    }
  })
})

describe('files that commands read', () => {
  test('names of a line have a length, nesting and numbers do no harm', async () => {
    const line = (fields: object): string =>
      JSON.stringify({ domain: 'math', source: 's', problem: 'What is 1 + 2?', answer: '3', ...fields })
    const lines = [
      line({ id: 'x'.repeat(1001) }),
      line({ source: 'x'.repeat(1001) }),
      '['.repeat(2_000_000),
      line({}).replace('"3"', '1e400'),
      line({ problem: '\ud800 What is 1 + 3?' }),
    ]
    const ended = await run(['ingest', '-', '--as', 'seeds', '--data', 'lines'], { cwd, input: lines.join('\n') })
    expect(ended.exitCode).toBe(65)
    expect(ended.stderr).toMatch(/^-:1: id: must have at most 1000 characters$/m)
    expect(ended.stderr).toMatch(/^-:2: source: must have at most 1000 characters$/m)
    expect(ended.stderr).toMatch(/^-:3: no JSON/m)
    expect(ended.stderr).toMatch(/^-:4: answer: /m)
    expectNoTrace(ended)
    const concepts = [
      { foundational_concepts: ['x'.repeat(1001)], level: 'l', domain: 'math' },
      { foundational_concepts: Array(1001).fill('a'), level: 'l', domain: 'math' },
    ].map((one) => JSON.stringify(one))
    const refused = await run(['ingest', '-', '--as', 'concepts', '--data', 'lines'], {
      cwd,
      input: concepts.join('\n'),
    })
    expect(refused.stdout).toMatch(/0 concepts added, 0 known already, 2 refused/)
  })

  test('a position is read from no file without end', async () => {
    const ended = await run(['export', 'pairs', '--since', '/dev/zero'], { cwd })
    expectFailure(ended, 2, /--since: \/dev\/zero: is no regular file/)
  })
})
