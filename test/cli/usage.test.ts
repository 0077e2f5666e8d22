/** Help, wrong usage, and how quickly the command starts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endAll, expectFailure, newFolder, removeFolders, run, seedLines, start } from './command.ts'

test('the README lists every command', async () => {
  const { stdout } = await run(['--help'], { cwd: newFolder() })
  const listed = [...(stdout.split('Commands:')[1] ?? '').matchAll(/^ {2}([a-z][a-z0-9-]*) /gm)].map(([, name]) => name)
  expect(listed.length).toBeGreaterThan(15)
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const inReadme = [...readme.matchAll(/^wellspring ([a-z0-9, -]+?) {2,}(.*)$/gm)].map(([line]) => line).join('\n')
  expect(listed.filter((name) => name !== 'help' && !new RegExp(`\\b${name}\\b`).test(inReadme))).toEqual([])
})

test('up --help shows a budget in tokens', async () => {
  expect((await run(['up', '--help'], { cwd: newFolder() })).stdout).toMatch(/^ {2}wellspring up --budget \d+Gtokens$/m)
})

const commands = [
  ...[
    'up',
    'run',
    'ingest',
    'topics',
    'tail',
    'export',
    'explain',
    'simulate',
    'doctor',
    'demo',
    'spend',
    'config',
    'models',
  ].map((name) => [name]),
  ['config', 'check'],
  ['config', 'show'],
  ['config', 'schema'],
  ['verify', 'math'],
  ['verify', 'code'],
  ['dead-letters'],
  ['dead-letters', 'list'],
  ['dead-letters', 'redrive'],
  ['models', 'announce'],
  ['models', 'list'],
  ['models', 'wait'],
  ['models', 'rows'],
  ['topics', 'list'],
  ['topics', 'diff'],
  ['topics', 'apply'],
  ['topics', 'acls'],
]

const cwd = newFolder()
afterAll(() => {
  endAll()
  removeFolders()
})

describe('help', () => {
  test('lists every command and every exit code', async () => {
    const { stdout, stderr, exitCode } = await run(['--help'], { cwd })
    expect(exitCode).toBe(0)
    expect(stderr).toBe('')
    for (const [name] of commands) expect(stdout).toMatch(new RegExp(`^  ${String(name)} `, 'm'))
    for (const code of [0, 1, 2, 65, 69, 74, 75, 77, 78, 130])
      expect(stdout).toMatch(new RegExp(`^  ${code} +\\S`, 'm'))
  })

  test.each(commands)('of `%s %s` describes it and shows examples', async (...path) => {
    const names = path.filter((name) => typeof name === 'string')
    const { stdout, stderr, exitCode } = await run([...names, '--help'], { cwd })
    expect(exitCode).toBe(0)
    expect(stderr).toBe('')
    expect(stdout).toMatch(new RegExp(`^Usage: wellspring ${names.join(' ')}`))
    expect(stdout).toMatch(/^Examples?:\n {2}\S/m)
  })

  test('`help NAME` is `NAME --help`', async () => {
    const [long, short] = await Promise.all([run(['help', 'tail'], { cwd }), run(['tail', '--help'], { cwd })])
    expect(long).toEqual(short)
  })
})

describe('wrong use is one line that names the help to see, and exit code 2', () => {
  test.each([
    ['an unknown command', ['tial'], /unknown command 'tial'.*Did you mean tail\?.*`wellspring --help`/],
    [
      'help of a command that is none',
      ['help', 'tial'],
      /unknown command 'tial'.*Did you mean tail\?.*`wellspring --help`/,
    ],
    ['an unknown option', ['up', '--jsn'], /unknown option '--jsn' \(Did you mean --json\?\)/],
    ['an option without its value', ['up', '--data'], /--data: expected <dir>, got nothing/],
    ['a setting that is none', ['up', '--set', 'roll-out.maxInFligt=3'], /roll-out has no setting "maxInFligt"/],
    ['a setting of nobody', ['up', '--set', 'rollout.maxInFlight=3'], /"rollout" \(Did you mean roll-out\?\)/],
    ['a wrong value of a setting', ['config', 'check', '--set', 'roll-out.maxInFlight=x'], /expected a whole number/],
    ['brokers that are none', ['topics', '--kafka', 'h', '--registry', 'http://h'], /--kafka: expected HOST:PORT/],
    ['an argument too many', ['tail', 'a', 'b'], /too many arguments for 'tail': expected 1, got 2; see `wellspring/],
    [
      'a file where standard input is read',
      ['verify', 'code', 'FILE'],
      /too many arguments for 'code', which reads standard input: < FILE; see `wellspring verify code --help`/,
    ],
    ['a missing argument', ['explain'], /<id> is missing.*`wellspring explain --help`/],
    ['a missing option', ['ingest', 'x.jsonl'], /--as <sort>.*`wellspring ingest --help`/],
    ['a sort that is none', ['export', 'pair'], /sort: expected one of pairs, .*, got "pair" \(Did you mean pairs\?\)/],
    ['a choice that is none', ['ingest', '-', '--as', 'pears'], /--as: expected one of seeds, .*, got "pears"/],
    [
      'a count that its parser refuses',
      ['verify', 'code', '--threads', 'x'],
      /--threads: expected a positive number, got x/,
    ],
    [
      'a grouping that is none',
      ['spend', '--by', 'rloe'],
      /--by: expected one of .*, got "rloe" \(Did you mean role\?\)/,
    ],
    ['a subcommand that is none', ['dead-letters', 'lsit'], /unknown command 'lsit' \(Did you mean list\?\)/],
    ['a topic subcommand that is none', ['topics', 'aply'], /unknown command 'aply' \(Did you mean apply\?\)/],
    ['a count that is none', ['up', '--problems', 'many'], /--problems: expected a whole number, got "many"/],
    ['a time that is none', ['up', '--for', 'ever'], /--for: expected a time such as .*, got "ever"/],
    ['a topic that is none', ['tail', 'pears'], /no topic "pears"; there are seeds, /],
    ['a topic that is nearly one', ['tail', 'problem'], /no topic "problem" \(Did you mean problems\?\)/],
    ['a last count that is none', ['tail', 'seeds', '--last', '0'], /--last: expected a whole number above 0/],
    ['nothing to redrive', ['dead-letters', 'redrive'], /expected ids of dead letters or --all, got neither/],
    ['some and all to redrive', ['dead-letters', 'redrive', '3/17', '--all'], /expected ids .* or --all, got both/],
    ['a value of an option', ['export', 'sft', '--split', 'x'], /--split: .*; see `wellspring export --help`/],
    ['a simulator option', ['simulate', '--speed', 'fast'], /--speed: expected a number, got "fast"/],
  ])('%s', async (_what, args, line) => {
    const ended = await run(args, { cwd })
    expectFailure(ended, 2, line)
    expect(ended.stderr).toMatch(/; see `wellspring( [a-z0-9-]+)* --help`\n$/)
    expect(ended.stdout).toBe('')
  })
})

describe('starting', () => {
  // Notes every module that is loaded on file descriptor 2, which these commands leave empty.
  const hook = `import { register } from 'node:module'
    register('data:text/javascript,' + encodeURIComponent(\`
      import { writeSync } from 'node:fs'
      export async function load(url, context, next) { writeSync(2, 'loaded ' + url + '\\\\n'); return next(url, context) }\`))`
  const hookFile = join(cwd, 'hook.mjs')

  beforeAll(async () => {
    writeFileSync(hookFile, hook)
    await run(['ingest', '-', '--as', 'seeds', '--data', 'data'], { cwd, input: seedLines(2) })
  })

  test.each([
    [['--help'], /openai|undici|zod|piscina|lmdb|avsc|prom-client|yaml|kafkajs|confluentinc/],
    [['topics', '--data', 'data'], /openai|undici|zod|piscina|yaml|kafkajs|confluentinc/],
    [['topics', 'acls', '--kafka', 'a:1'], /openai|undici|zod|piscina|yaml|lmdb|kafkajs|confluentinc/],
    [['tail', 'seeds', '--data', 'data'], /openai|undici|zod|piscina|prom-client|yaml|kafkajs|confluentinc/],
    // Without a row it says which processors make them; they bring prom-client along.
    [['export', 'pairs', '--data', 'data'], /openai|undici|zod|piscina|yaml|kafkajs|confluentinc/],
    [['up', '--help'], /openai|undici|piscina|kafkajs|confluentinc/],
  ])('`%s` loads no package that it has no use for', async (args, needless) => {
    const { stderr } = await run(args, { cwd, env: { NODE_OPTIONS: `--import=${pathToFileURL(hookFile).href}` } })
    const packages = new Set([...stderr.matchAll(/^loaded .*node_modules\/([^/]+)/gm)].map(([, name]) => String(name)))
    expect(packages).toContain('commander')
    expect([...packages].filter((name) => needless.test(name))).toEqual([])
  })

  test('is quick (printed, not asserted: the machine may be busy)', async () => {
    for (const args of [['--help'], ['topics', '--data', 'data']]) {
      const startedAtMs = performance.now()
      const { exitCode } = await run(args, { cwd })
      console.info(`wellspring ${args[0]}: ${Math.round(performance.now() - startedAtMs)} ms`)
      expect(exitCode).toBe(0)
    }
  })
})

describe('simulate', () => {
  test('prints its URL, answers there, and ends when its input ends', async () => {
    const simulator = start(['simulate', '--port', '0', '--json', '--until-stdin-ends'], { cwd })
    const { url } = JSON.parse(await simulator.written(/\n/)) as { url: string }
    const response = await fetch(`${url}/models`)
    const { data } = (await response.json()) as { data: { id: string }[] }
    expect(data.length).toBeGreaterThan(0)
    expect(response.headers.get('x-wellspring-simulated')).not.toBeNull()
    simulator.process.stdin?.end()
    const { exitCode, stderr } = await simulator.ended
    expect(exitCode).toBe(0)
    expect(stderr).toBe('')
  })

  test('names the cure when its port is taken', async () => {
    const first = start(['simulate', '--port', '0', '--json', '--until-stdin-ends'], { cwd })
    const { url } = JSON.parse(await first.written(/\n/)) as { url: string }
    const { port } = new URL(url)
    expectFailure(
      await run(['simulate', '--port', port], { cwd }),
      74,
      new RegExp(`port ${port} is in use; choose .*--port`),
    )
    first.process.stdin?.end()
    await first.ended
  })
})

describe('doctor', () => {
  test('ends with 0 where everything that a run needs works, naming each part', async () => {
    const { stdout, exitCode } = await run(['doctor', '--data', 'data', '--json'], { cwd })
    const findings = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { what: string; state: string })
    expect(findings.map(({ what }) => what)).toEqual(['Node', 'data folder', 'configuration', 'sandbox', 'models'])
    expect(exitCode).toBe(0)
  })

  test('ends with 1 and the cure where something does not', async () => {
    writeFileSync(join(cwd, 'broken.yaml'), 'run:\n  drainSecond: 3\n')
    writeFileSync(join(cwd, 'file'), '')
    const { stdout, stderr, exitCode } = await run(['doctor', '--data', 'file', '--config', 'broken.yaml'], { cwd })
    expect(stdout).toMatch(/^fault {4}configuration: broken\.yaml: run\.drainSecond: .*it has drainSeconds/m)
    expect(stdout).toMatch(/^fault {4}data folder: file: .*\n +name a folder .*--data/m)
    expect(stderr).toBe('')
    expect(exitCode).toBe(1)
  })

  test('asks a configured endpoint', async () => {
    const env = { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }
    const { stdout, exitCode } = await run(['doctor', '--data', 'data'], { cwd, env })
    expect(stdout).toMatch(/^fault {4}models: .*127\.0\.0\.1:9.*OPENAI_BASE_URL/m)
    expect(exitCode).toBe(1)
  })
})
