/** Bad input of every kind: one line with the cure, the documented exit code, and nothing lost that was committed. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { spawnSync } from 'node:child_process'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { openForWriting } from '../../topics/embedded/environment.ts'
import { FORMAT_VERSION, systemKeys } from '../../topics/embedded/layout.ts'
import { requireOrSkip } from '../requirements.ts'
import {
  commandFile,
  endAll,
  expectFailure,
  expectNoTrace,
  jsonLines,
  newFolder,
  recordsIn,
  removeFolders,
  run,
  seedLine,
  seedLines,
  serve,
  start,
  startProgram,
} from './command.ts'

// Many short processes on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 })

const committed = 5
let cwd: string

/** Every test begins with seeds in the corpus, and the good ones must still be there at its end. */
beforeEach(async () => {
  cwd = newFolder()
  const { exitCode } = await run(['ingest', '-', '--as', 'seeds', '--data', 'data'], {
    cwd,
    input: seedLines(committed),
  })
  expect(exitCode).toBe(0)
})
afterAll(() => {
  endAll()
  removeFolders()
})

const write = (name: string, content: string | Buffer): void => {
  writeFileSync(join(cwd, name), content)
}

describe('settings', () => {
  const up = ['up', '--data', 'data', '--problems', '0']

  test('a wrong value', async () => {
    const ended = await run([...up, '--set', 'roll-out.maxInFlight=many'], { cwd })
    expectFailure(
      ended,
      2,
      /--set roll-out\.maxInFlight: expected a whole number between 1 and 100000, got "many" .*; see `wellspring up --help`$/m,
    )
    expect(await recordsIn(cwd, 'seeds')).toBe(committed)
  })

  test('a wrong value of a flag of its own: the flag is named, not the setting', async () => {
    for (const [flag, value, expected] of [
      ['--metrics-port', '1e4', 'a whole number between 0 and 65535 in plain digits'],
      ['--metrics-port', '70000', 'a whole number between 0 and 65535 in plain digits'],
      ['--metrics-host', 'a b', 'an address or name of this machine'],
      ['--budget', '50 beans each', 'an amount and what is counted'],
    ] as const)
      expectFailure(
        await run([...up, flag, value], { cwd }),
        2,
        new RegExp(`^wellspring: ${flag}: expected ${expected}, got "${value}"`),
      )
    expectFailure(
      await run([...up, '--metrics-port', '9', '--metrics-host', '192.0.2.1'], { cwd }),
      74,
      /cannot open 192\.0\.2\.1 port 9: .*name one of its own with --metrics-host$/m,
    )
  })

  test('a Python interpreter that is none: doctor says so, and names the setting', async () => {
    const python = '/nowhere/python3'
    const { stdout } = await run(['doctor'], { cwd, env: { WELLSPRING_RUN_PYTHON: python } })
    expect(stdout).toMatch(/warning +sandbox: no usable Python interpreter \(\/nowhere\/python3: not found/)
    expect(stdout).toMatch(/name one with run\.python: an absolute path, or a name on PATH/)
    expectFailure(
      await run(up, { cwd, env: { WELLSPRING_RUN_PYTHON: 'bin/python3' } }),
      78,
      /WELLSPRING_RUN_PYTHON: expected an absolute path, or a name without slashes, got "bin\/python3"/,
    )
  })

  test('a wrong value in a variable', async () => {
    const ended = await run(up, { cwd, env: { WELLSPRING_RUN_DRAIN_SECONDS: '-1' } })
    expectFailure(ended, 78, /WELLSPRING_RUN_DRAIN_SECONDS: expected a number .*, got "-1"/)
    expect(await recordsIn(cwd, 'seeds')).toBe(committed)
  })

  test('an unknown key in the YAML', async () => {
    write('wellspring.yaml', 'run: { drainSecond: 3 }\n')
    expectFailure(
      await run(up, { cwd }),
      78,
      /wellspring\.yaml: run\.drainSecond: run has no setting "drainSecond"; it has drainSeconds, /,
    )
    expect(await recordsIn(cwd, 'seeds')).toBe(committed)
  })

  test('YAML that is none', async () => {
    write('wellspring.yaml', 'run: [\n')
    expectFailure(await run(up, { cwd }), 78, /wellspring\.yaml: .* line 2, column 1/)
    write('wellspring.yaml', '- run\n')
    expectFailure(await run(up, { cwd }), 78, /wellspring\.yaml: expected a mapping at the top, got a list/)
    // Where the corpus lies may stand there: nothing opens one until the file can be read.
    expectFailure(await run(['topics', '--data', 'data'], { cwd }), 78, /wellspring\.yaml: expected a mapping/)
    write('wellspring.yaml', '')
    expect(await recordsIn(cwd, 'seeds')).toBe(committed)
  })

  test('a configuration file that is not there, or is a folder', async () => {
    expectFailure(
      await run([...up, '--config', 'mine.yaml'], { cwd }),
      78,
      /mine\.yaml: cannot be read \(ENOENT\).*--config/,
    )
    expectFailure(await run([...up, '--config', '.'], { cwd }), 78, /\.: is no regular file.*--config/)
  })

  test('all faults at once, a line each', async () => {
    write(
      'wellspring.yaml',
      'run: { drainSecond: 3 }\nproces: {}\nprocessors: { rollout: { a: 1 }, roll-out: { maxInFlight: 0 } }\n',
    )
    const ended = await run([...up, '--set', 'simulator.speed=0', '--set', 'nothing.x=1'], {
      cwd,
      env: { WELLSPRING_RUN_METRICS_PORT: 'x' },
    })
    const faults = ended.stderr.trimEnd().split('\n')
    for (const part of [
      'drainSecond',
      '"proces"',
      'processors.rollout',
      'maxInFlight',
      'simulator.speed',
      '"nothing"',
      'WELLSPRING_RUN_METRICS_PORT',
    ]) {
      expect(faults.filter((line) => line.includes(part) && line.startsWith('wellspring: '))).not.toEqual([])
    }
    expect(faults).toHaveLength(7)
    expectNoTrace(ended)
    expect(ended.exitCode).toBe(78)
    expect(await recordsIn(cwd, 'seeds')).toBe(committed)
  })

  test('a processor that is none', async () => {
    expectFailure(
      await run(['run', 'rollout', '--data', 'data'], { cwd }),
      2,
      /there is no processor "rollout" \(Did you mean roll-out\?\); see `wellspring run --help`$/m,
    )
    expectFailure(
      await run(['run', 'nobody', '--data', 'data'], { cwd }),
      2,
      /there is no processor "nobody"; there are .*roll-out/,
    )
  })
})

describe('endpoints at the start', () => {
  const up = ['up', '--data', 'data', '--problems', '0']

  test('one that cannot be reached', async () => {
    const gone = await serve(() => undefined)
    await gone.close()
    const ended = await run(up, { cwd, env: { OPENAI_BASE_URL: gone.url } })
    expectFailure(ended, 69, /127\.0\.0\.1:\d+.*ECONNREFUSED.*start the server, or correct OPENAI_BASE_URL/)
    expect(await recordsIn(cwd, 'seeds')).toBe(committed)
  })

  test.each([
    [401, 78, /answered 401: .*put a valid key into OPENAI_API_KEY/],
    [404, 78, /answered 404: .*correct OPENAI_BASE_URL.*ending in \/v1/],
    [503, 69, /answered 503/],
  ])('one that answers %i', async (status, exitCode, line) => {
    const server = await serve((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end('{"error": {"message": "no \\u001b[31mway"}}')
    })
    const ended = await run(up, { cwd, env: { OPENAI_BASE_URL: server.url } })
    await server.close()
    expectFailure(ended, exitCode, line)
    expect(ended.stderr).not.toContain('\u001b')
    expect(await recordsIn(cwd, 'seeds')).toBe(committed)
  })

  test('one that is no API, one that has no model, and one that breaks off', async () => {
    const answers: [(body: import('node:http').ServerResponse) => void, number, RegExp][] = [
      [(response) => response.end('<html>hello</html>'), 69, /no JSON but "<html>hello.*OPENAI_BASE_URL/],
      [(response) => response.end('{"object":"list","data":[]}'), 78, /no model at all; serve one/],
      [
        (response) => {
          response.writeHead(200, { 'content-length': 1000 })
          response.write('{"data": [', () => response.destroy())
        },
        69,
        /the connection broke in the middle of the answer/,
      ],
    ]
    for (const [answer, exitCode, line] of answers) {
      const server = await serve((_request, response) => {
        answer(response)
      })
      const ended = await run(up, { cwd, env: { OPENAI_BASE_URL: server.url } })
      await server.close()
      expectFailure(ended, exitCode, line)
    }
    expect(await recordsIn(cwd, 'seeds')).toBe(committed)
  })

  test('a URL that is none, whose text may hold a secret', async () => {
    const ended = await run(up, { cwd, env: { OPENAI_BASE_URL: 'sk-secret' } })
    expectFailure(ended, 78, /OPENAI_BASE_URL: expected an http or https URL/)
    expect(ended.stderr).not.toContain('sk-secret')
  })

  test('a corpus of simulated records does not take real ones', async () => {
    const simulated = await run(
      ['up', '--data', 'data', '--problems', '1', '--set', 'simulator.speed=5000', '--set', 'simulator.seed=2'],
      { cwd },
    )
    expect(simulated.exitCode).toBe(0)
    const models = JSON.stringify({ object: 'list', data: [{ id: 'Qwen3-8B', object: 'model' }] })
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(models)
    })
    const ended = await run(up, { cwd, env: { OPENAI_BASE_URL: server.url } })
    await server.close()
    expect(ended.exitCode).toBe(78)
    expect(ended.stderr).toMatch(/simulated/)
    expectNoTrace(ended)
  })
})

describe('ingest', () => {
  const ingest = (...files: string[]): ReturnType<typeof run> =>
    run(['ingest', ...files, '--as', 'seeds', '--data', 'data'], { cwd })

  test('malformed lines are named with number and reason; the good ones are kept', async () => {
    const lines = [
      seedLine(10),
      '{"domain": "math"',
      seedLine(11),
      '',
      '[1, 2]',
      '{"domain":"chemistry","source":"x","problem":"y"}',
      '{"domain":"math","source":"x","problem":" "}',
      seedLine(12),
    ]
    write('mixed.jsonl', lines.join('\n'))
    const ended = await ingest('mixed.jsonl')
    expect(ended.exitCode).toBe(65)
    expect(ended.stdout).toBe('mixed.jsonl: 3 seeds added, 0 known already, 4 refused\n')
    const faults = ended.stderr.trimEnd().split('\n')
    expect(faults.map((line) => /^mixed\.jsonl:(\d+): ./.exec(line)?.[1])).toEqual(['2', '5', '6', '7'])
    expectNoTrace(ended)
    expect(await recordsIn(cwd, 'seeds')).toBe(committed + 3)
  })

  test('a line that is not UTF-8, and a byte order mark and CRLF that do no harm', async () => {
    write(
      'latin.jsonl',
      Buffer.concat([
        Buffer.from(`\u{feff}${seedLine(20)}\r\n`),
        Buffer.from('{"problem": "caf\xe9"}\n', 'latin1'),
        Buffer.from(seedLine(21)),
      ]),
    )
    const ended = await ingest('latin.jsonl')
    expectFailure(ended, 65, /^latin\.jsonl:2: not UTF-8; convert the file to UTF-8$/m)
    expect(await recordsIn(cwd, 'seeds')).toBe(committed + 2)
  })

  test('terminal codes in a line never reach the terminal', async () => {
    write('codes.jsonl', '\u001b[31mred\u0007\u202e\n')
    const ended = await ingest('codes.jsonl')
    expectFailure(ended, 65, /^codes\.jsonl:1: no JSON: /)
    // eslint-disable-next-line no-control-regex
    expect(ended.stderr).not.toMatch(/[\u0007\u001b\u202e]/)
  })

  test('of very many wrong lines the first few of each kind are named, the others counted; --json names all', async () => {
    const wrong = (index: number): string => (index === 30 ? '{}' : `no line ${index}`)
    write('wrong.jsonl', Array.from({ length: 60 }, (_, index) => `${wrong(index)}\n`).join(''))
    const ended = await ingest('wrong.jsonl')
    expect(ended.exitCode).toBe(65)
    const lines = ended.stderr.trimEnd().split('\n')
    expect(lines.map((line) => /^wrong\.jsonl(?::(\d+))?: /.exec(line)?.[1])).toEqual([...'12345', undefined, '31'])
    expect(lines[5]).toBe('wrong.jsonl: 54 more lines like line 5 were refused; --json lists all')
    const [report] = jsonLines<{ refused: unknown[] }>((await ingest('wrong.jsonl', '--json')).stdout)
    expect(report?.refused).toHaveLength(60)
  })

  test('tests that contradict each other are refused: no program could pass them', async () => {
    const tests = [
      { input: '1', output: '2' },
      { input: '1', output: '3' },
    ]
    write('tests.jsonl', JSON.stringify({ domain: 'code', source: 's', problem: 'Print the next number.', tests }))
    const ended = await ingest('tests.jsonl')
    expectFailure(ended, 65, /^tests\.jsonl:1: tests\.0: another test has the same input and another output$/m)
  })

  test('a binary file', async () => {
    write('seeds.jsonl.gz', gzipSync(Buffer.from(seedLines(2000))))
    expectFailure(await ingest('seeds.jsonl.gz'), 65, /seeds\.jsonl\.gz: not a text file .*expected JSONL/)
    expect(await recordsIn(cwd, 'seeds')).toBe(committed)
  })

  test('an empty file', async () => {
    write('empty.jsonl', '')
    expectFailure(
      await ingest('empty.jsonl'),
      65,
      /^empty\.jsonl: the file is empty; expected one JSON object a line$/m,
    )
    expect(await recordsIn(cwd, 'seeds')).toBe(committed)
  })

  test('a missing file, after one that is taken in', async () => {
    write('good.jsonl', `${seedLine(30)}\n`)
    expectFailure(await ingest('good.jsonl', 'missing.jsonl'), 74, /missing\.jsonl: does not exist/)
    expect(await recordsIn(cwd, 'seeds')).toBe(committed + 1)
  })

  test('a folder as file', async () => {
    mkdirSync(join(cwd, 'folder'))
    expectFailure(await ingest('folder'), 74, /folder: is a folder; name its files/)
    expect(await recordsIn(cwd, 'seeds')).toBe(committed)
  })

  test('a huge line, without holding it', async () => {
    const script = `{ echo '${seedLine(40)}'; head -c 700000000 /dev/zero | tr '\\0' x; echo; echo '${seedLine(41)}'; } | "$0" --max-old-space-size=64 "$@"`
    const args = ['-c', script, process.execPath, commandFile, 'ingest', '-', '--as', 'seeds', '--data', 'data']
    const ended = await startProgram('bash', args, { cwd, input: '' }).ended
    expectFailure(ended, 65, /^-:2: the line has 700000000 bytes, expected at most 4194304$/m)
    expect(await recordsIn(cwd, 'seeds')).toBe(committed + 2)
  })

  test('the same file twice adds nothing', async () => {
    const again = await run(['ingest', '-', '--as', 'seeds', '--data', 'data'], { cwd, input: seedLines(committed) })
    expect(again).toEqual({
      exitCode: 0,
      stdout: `-: 0 seeds added, ${committed} known already, 0 refused\n`,
      stderr: '',
    })
    expect(await recordsIn(cwd, 'seeds')).toBe(committed)
  })

  test('a text that is known with another answer is a conflict, and the first stands', async () => {
    const other = { ...(JSON.parse(seedLine(0)) as object), answer: '7' }
    write('other.jsonl', JSON.stringify(other))
    expectFailure(
      await ingest('other.jsonl'),
      65,
      /^other\.jsonl:1: conflict: this text is known as seed-[0-9a-f]+ with another answer/,
    )
    const seeds = jsonLines<{ checks: { answer: string } }>(
      (await run(['tail', 'seeds', '--data', 'data'], { cwd })).stdout,
    )
    expect(seeds.map(({ checks }) => checks.answer).sort()).toEqual(['15', '24', '35', '48', '63'])
  })

  test('--json tells the same in one object a file', async () => {
    write('mixed.jsonl', `${seedLine(50)}\nnonsense\n`)
    write('good.jsonl', `${seedLine(51)}\n`)
    const { stdout, stderr, exitCode } = await run(
      ['ingest', 'mixed.jsonl', 'good.jsonl', '--as', 'seeds', '--data', 'data', '--json'],
      { cwd },
    )
    expect(jsonLines(stdout)).toMatchObject([
      { file: 'mixed.jsonl', as: 'seeds', added: 1, known: 0, refused: [{ line: 2 }] },
      { file: 'good.jsonl', as: 'seeds', added: 1, known: 0, refused: [] },
    ])
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 65 })
  })
})

describe('the data folder', () => {
  test('that is no corpus', async () => {
    mkdirSync(join(cwd, 'photos'))
    write('photos/cat.jpg', 'cat')
    write('file', '')
    for (const args of [['topics'], ['up', '--problems', '0'], ['export', 'pairs']]) {
      expectFailure(
        await run([...args, '--data', 'photos'], { cwd }),
        74,
        /photos holds other things \(cat\.jpg\) and no log: name an empty or a new folder/,
      )
    }
    expectFailure(await run(['up', '--data', 'file'], { cwd }), 74, /file is a file, not a folder: name another folder/)
    expectFailure(
      await run(['topics', '--data', 'none'], { cwd }),
      74,
      /no corpus in none; make one with .*ingest.*--data DIR/,
    )
  })

  test.skipIf(!existsSync('/proc/self'))('where the file system makes no folders', async () => {
    for (const args of [
      ['up', '--data', '/proc/x'],
      ['ingest', '-', '--as', 'seeds', '--data', '/proc/x/data'],
      ['k8s', 'render', '--into', '/proc/x'],
      ['export', 'problems', '--data', 'data', '--out', '/proc/x/'],
    ])
      expectFailure(await run(args, { cwd, input: seedLines(1) }), 74, /\/proc\/x.*takes no new folder/)
    expect((await run(['doctor', '--data', '/proc/x/data'], { cwd })).stdout).toMatch(
      /fault +data folder: \/proc\/x\/data: ENOTSUP\n.*name a folder that can be written to/,
    )
  })

  test('that is damaged', async () => {
    mkdirSync(join(cwd, 'broken'))
    write('broken/data.mdb', 'x'.repeat(8192))
    for (const args of [['topics'], ['up', '--problems', '0']]) {
      expectFailure(
        await run([...args, '--data', 'broken'], { cwd }),
        74,
        /data\.mdb is damaged .*restore the folder from a backup/,
      )
    }
  })

  test('of a newer format version', async () => {
    const setVersion = async (version: number): Promise<void> => {
      const environment = openForWriting(join(cwd, 'data'))
      environment.writeNow((transaction) => {
        transaction.put(systemKeys.format, Buffer.from(String(version)))
      })
      await environment.close()
    }
    await setVersion(FORMAT_VERSION + 1)
    const line = new RegExp(
      `data was written in format ${FORMAT_VERSION + 1}, this release reads up to ${FORMAT_VERSION}: use the release that wrote it`,
    )
    for (const args of [['topics'], ['up', '--problems', '0'], ['ingest', '-', '--as', 'seeds'], ['export', 'pairs']]) {
      expectFailure(await run([...args, '--data', 'data'], { cwd, input: seedLines(9) }), 78, line)
    }
    // The folder was left as it was: the release that wrote it finds everything.
    const raw = spawnSync(process.execPath, ['--input-type=module', '-e', versionReset()], { encoding: 'utf8' })
    expect(raw.stderr).toBe('')
    expect(await recordsIn(cwd, 'seeds')).toBe(committed)
  })

  // lmdb alone opens what our own code refuses.
  function versionReset(): string {
    const lmdb = new URL('../../node_modules/lmdb/index.js', import.meta.url).href
    return `import { open } from ${JSON.stringify(lmdb)}
      const root = open({ path: ${JSON.stringify(join(cwd, 'data'))}, noSubdir: false, maxDbs: 2, encoding: 'binary', keyEncoding: 'binary', overlappingSync: false })
      const database = root.openDB('log', { encoding: 'binary', keyEncoding: 'binary' })
      await database.put(Buffer.from(${JSON.stringify([...systemKeys.format])}), Buffer.from('${FORMAT_VERSION}'))
      await root.close()`
  }

  test('that another live process processes', async () => {
    const owner = start(['up', '--data', 'data', '--set', 'simulator.speed=1'], { cwd })
    await owner.written(/tokens\/s/)
    const line = /data.*(process \d+|owned|in use)/
    for (const args of [['up'], ['run', 'roll-out']]) {
      expectFailure(await run([...args, '--data', 'data'], { cwd }), 75, line)
    }
    expect(await recordsIn(cwd, 'seeds')).toBe(committed)
    owner.process.kill('SIGINT')
    owner.process.kill('SIGINT')
    expect((await owner.ended).exitCode).toBe(130)
    expect(await recordsIn(cwd, 'seeds')).toBe(committed)
  })

  const mount = 'unshare --map-root-user --mount mount -t tmpfs -o size=1m tmpfs /tmp'
  const canMount = spawnSync('sh', ['-c', mount]).status === 0
  test.runIf(requireOrSkip('user namespaces that may mount a tmpfs (unshare --map-root-user --mount)', canMount))(
    'on a disk that is full',
    async () => {
      mkdirSync(join(cwd, 'disk'))
      write('one.jsonl', seedLines(3))
      write('more.jsonl', seedLines(8))
      const steps = `
      mount -t tmpfs -o size=300m tmpfs disk || exit 99
      "$0" "$1" ingest one.jsonl --as seeds --data disk || exit 98
      head -c 100000000 /dev/zero > disk/.filler
      "$0" "$1" ingest more.jsonl --as seeds --data disk; echo "ingest $?"
      "$0" "$1" up --problems 1 --data disk --set simulator.speed=1000 >up.out; echo "up $?"
      "$0" "$1" tail seeds --data disk | wc -l
      rm disk/.filler
      "$0" "$1" ingest more.jsonl --as seeds --data disk`
      const args = ['--map-root-user', '--mount', 'sh', '-c', steps, process.execPath, commandFile]
      const ended = await startProgram('unshare', args, { cwd, input: '' }).ended
      expect(ended.stdout.trimEnd().split('\n')).toEqual([
        'one.jsonl: 3 seeds added, 0 known already, 0 refused',
        'ingest 74',
        'up 74',
        '3',
        'more.jsonl: 5 seeds added, 3 known already, 0 refused',
      ])
      const lines = ended.stderr.trimEnd().split('\n')
      expect(lines.filter((line) => /disk.*free/.test(line))).toHaveLength(2)
      expectNoTrace(ended)
    },
  )
})
