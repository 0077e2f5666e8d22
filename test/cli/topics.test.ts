/** `wellspring topics` where no broker is needed: in a folder, and where a broker can't be reached. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePorts } from '../../scripts/kafka/ports.ts'
import { endAll, expectFailure, jsonLines, newFolder, recordsIn, removeFolders, run, seedLines } from './command.ts'

const cwd = newFolder()
beforeAll(async () => {
  await run(['ingest', '-', '--as', 'seeds', '--data', 'data'], { cwd, input: seedLines(3) })
})
afterAll(() => {
  endAll()
  removeFolders()
})

describe('a corpus in a folder', () => {
  test('is listed by `topics` and by `topics list` alike, in the order of the stream', async () => {
    const [short, long] = await Promise.all([
      run(['topics', '--data', 'data'], { cwd }),
      run(['topics', 'list', '--data', 'data'], { cwd }),
    ])
    expect(short).toEqual(long)
    expect(short.exitCode).toBe(0)
    const names = short.stdout.split('\n').map((line) => line.split(' ')[0])
    expect(names.slice(0, 3)).toEqual(['topic', 'seeds', 'concept-lists'])
  })

  test.each([
    ['diff', /^the corpus lies in the folder data, .*nothing to compare; name brokers with --kafka HOST:PORT\n$/],
    ['apply', /^the corpus lies in the folder data, .*nothing to make; /],
    ['acls', /^the corpus lies in the folder data, .*nobody needs rights there; /],
  ])('needs no `topics %s`', async (what, line) => {
    const { stdout, stderr, exitCode } = await run(['topics', what, '--data', 'data'], { cwd })
    expect(stdout).toMatch(line)
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
    expect(await recordsIn(cwd, 'seeds')).toBe(3)
  })
})

test('a subcommand that is none is told, not taken for an argument of list', async () => {
  expectFailure(await run(['topics', 'bogus'], { cwd }), 2, /unknown command 'bogus'; see `wellspring topics --help`/)
  expectFailure(await run(['topics', 'list', 'x'], { cwd }), 2, /too many arguments for 'list': expected none, got 'x'/)
})

describe('acls', () => {
  const kafka = ['--kafka', 'kafka-1:9092', '--namespace', 'corpus-1']

  test('asks no broker and needs no registry', async () => {
    const { stdout, stderr, exitCode } = await run(['topics', 'acls', ...kafka], { cwd })
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
    expect(stdout).toMatch(
      /^# roll-out: .+\nkafka-acls\.sh --bootstrap-server kafka-1:9092 --add --allow-principal User:/m,
    )
    const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(lines.filter((line) => !line.startsWith('kafka-acls.sh '))).toEqual([])
  })

  test('of some names are theirs alone, for the principal that is given', async () => {
    const args = ['topics', 'acls', 'roll-out', 'retention', ...kafka, '--principal', 'User:me', '--json']
    const entries = jsonLines<{ set: string; principal: string }>((await run(args, { cwd })).stdout)
    expect(new Set(entries.map(({ set }) => set))).toEqual(new Set(['roll-out', 'retention']))
    expect(new Set(entries.map(({ principal }) => principal))).toEqual(new Set(['User:me']))
  })

  test('of a name that is none are refused with the nearest, or with those there are', async () => {
    const refused = async (name: string, line: RegExp): Promise<void> => {
      expectFailure(await run(['topics', 'acls', name, ...kafka], { cwd }), 2, line)
    }
    await refused(
      'rollout',
      /no processor or tool "rollout" \(Did you mean roll-out\?\); see `wellspring topics acls --help`/,
    )
    await refused('zzzzzz', /no processor or tool "zzzzzz"; there are .*roll-out.*retention/)
  })
})

describe('a broker that is not there', () => {
  let gone: string[]
  beforeAll(async () => {
    const [port = 0] = await freePorts(1)
    gone = ['--kafka', `127.0.0.1:${port}`, '--registry', `http://127.0.0.1:${port}`]
  })

  test.each([
    [['topics']],
    [['topics', 'diff']],
    [['topics', 'apply']],
    [['up', '--problems', '0']],
    [['up', '--apply']],
    [['run', 'roll-out']],
    [['ingest', '-', '--as', 'seeds']],
    [['tail', 'seeds']],
    [['export', 'pairs']],
    [['explain', 'seed-000000000000000000000000']],
    [['dead-letters', 'redrive', '--all']],
  ])('ends %s with exit code 69 and the cure', async (args) => {
    const ended = await run([...args, ...gone], { cwd, input: seedLines(1) })
    expectFailure(
      ended,
      69,
      /Kafka failed connecting to 127\.0\.0\.1:\d+ .*ECONNREFUSED.*start the brokers, or correct --kafka/,
    )
  })

  test('is a fault that doctor names with the cure', async () => {
    const { stdout, exitCode } = await run(['doctor', ...gone], { cwd })
    expect(stdout).toMatch(
      /^fault {4}brokers: .*ECONNREFUSED.*\n +start the brokers .*npm run kafka.*correct --kafka$/m,
    )
    expect(exitCode).toBe(1)
  })
})

test('a replication that is none is wrong usage', async () => {
  const ended = await run(['topics', 'apply', '--replication', '0'], { cwd })
  expectFailure(ended, 2, /--replication: expected a whole number above 0, got "0"/)
})
