/** `wellspring export` into folders: killed, followed, sampled, split, with retractions; and what it refuses. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { topics } from '../../topics/catalogue.ts'
import { append, newCorpus, openCorpusBeside, pairs, retraction, tell } from '../exports/corpus.ts'
import { readParquet } from '../exports/reading.ts'
import { endAll, expectFailure, jsonLines, newFolder, removeFolders, run, start } from './command.ts'

interface Row {
  id: string
  problem_id: string
  domain: string
}

interface Card {
  rows: number
  retracted: number
  position: string
  splits: Record<string, number>
  files: { split: string; file: string; rows: number; bytes: number }[]
}

const cwd = newFolder()
const data = ['--data', 'data']
const many = 20_000
const manyData = ['--data', 'many']

beforeAll(async () => {
  const corpus = await newCorpus(join(cwd, 'data'))
  await append(corpus, topics.preferencePairs, pairs(60))
  await tell(corpus, { id: 'problem-a', attempts: ['passed', 'failed', 'failed', 'invalid'] })
  await corpus.log.close()
  const large = await newCorpus(join(cwd, 'many'))
  for (let from = 0; from < many; from += 2000) await append(large, topics.preferencePairs, pairs(2000, from))
  await large.log.close()
}, 240_000)
afterAll(() => {
  endAll()
  removeFolders()
})

async function succeed(...args: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await run(['export', ...args], { cwd })
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })
  return stdout
}

function cardOf(folder: string): Card {
  return JSON.parse(readFileSync(join(cwd, folder, 'card.json'), 'utf8')) as Card
}

/** Names of the files of a split, in their order. */
function filesOf(folder: string, split = 'train'): string[] {
  const path = join(cwd, folder, split)
  return existsSync(path)
    ? readdirSync(path)
        .sort()
        .map((name) => join(path, name))
    : []
}

async function rowsIn(folder: string, split = 'train'): Promise<Row[]> {
  const rows: Row[] = []
  for (const file of filesOf(folder, split)) {
    if (file.endsWith('.parquet')) rows.push(...((await readParquet(file)) as unknown as Row[]))
    else rows.push(...jsonLines<Row>(readFileSync(file, 'utf8')))
  }
  return rows
}

test('a file is written beside its place under a name of its own: no link leads it elsewhere', async () => {
  writeFileSync(join(cwd, 'precious'), 'precious')
  symlinkSync('precious', join(cwd, 'linked.jsonl.partial'))
  await succeed('pairs', ...data, '--out', 'linked.jsonl')
  expect(readFileSync(join(cwd, 'precious'), 'utf8')).toBe('precious')
  expect(jsonLines(readFileSync(join(cwd, 'linked.jsonl'), 'utf8'))).not.toHaveLength(0)
})

describe('killed with kill -9', () => {
  test.each(['jsonl', 'parquet'])('it goes on where it stopped: no row of %s is lost or there twice', async (type) => {
    const all = jsonLines<Row>(await succeed('pairs', ...manyData))
    expect(all).toHaveLength(many)
    const out = `killed-${type}`
    const args = ['export', 'pairs', ...manyData, '--out', out, '--shard-rows', '1300', '--file-type', type, '--json']
    const split = ['--split', 'test=0.1']
    let kills = 0
    for (const files of [1, 2, 3]) {
      const exporting = start([...args, ...split], { cwd, input: '' })
      await exporting.written(new RegExp(`(?:"event":"file"[^]*){${files}}`))
      exporting.process.kill('SIGKILL')
      const { exitCode } = await exporting.ended
      if (exitCode === null) kills++
      // Whatever is in its place is whole.
      for (const file of filesOf(out))
        expect(
          file.endsWith('.parquet') ? await readParquet(file) : jsonLines(readFileSync(file, 'utf8')),
        ).toHaveLength(1300)
    }
    expect(kills).toBeGreaterThan(0)
    await run([...args, ...split], { cwd })
    const [train, testing] = [await rowsIn(out), await rowsIn(out, 'test')]
    const inTest = new Set(testing.map(({ problem_id: problemId }) => problemId))
    expect(train.filter(({ problem_id: problemId }) => inTest.has(problemId))).toEqual([])
    expect(train).toEqual(all.filter(({ problem_id: problemId }) => !inTest.has(problemId)))
    expect(testing).toEqual(all.filter(({ problem_id: problemId }) => inTest.has(problemId)))
    const card = cardOf(out)
    expect(card.rows).toBe(many)
    expect(card.splits).toEqual({ train: train.length, test: testing.length })
    expect(readdirSync(join(cwd, out, '.export'))).toEqual(['state.json'])
  })

  test('interrupted, it says so, and goes on', async () => {
    const args = ['export', 'pairs', ...manyData, '--out', 'interrupted', '--shard-rows', '500', '--json']
    const exporting = start(args, { cwd, input: '' })
    await exporting.written(/"event":"file"/)
    exporting.process.kill('SIGINT')
    const { exitCode, stderr } = await exporting.ended
    expect(stderr).toBe('wellspring: interrupted: the same command goes on where it stopped\n')
    expect(exitCode).toBe(130)
    expect(cardOf('interrupted').rows).toBeLessThan(many)
    await run(args, { cwd })
    expect(new Set((await rowsIn('interrupted')).map(({ id }) => id)).size).toBe(many)
    expect(cardOf('interrupted').files.reduce((sum, { rows }) => sum + rows, 0)).toBe(many)
  })

  test('what was written after the last checkpoint is cut off', async () => {
    await succeed('pairs', ...data, '--out', 'torn/', '--sample', '20')
    const state = join(cwd, 'torn', '.export', 'state.json')
    const [file] = filesOf('torn')
    if (file === undefined) throw new Error('no file')
    const lines = readFileSync(file, 'utf8').split('\n')
    const kept = `${lines.slice(0, 5).join('\n')}\n`
    // As if it had been killed after five rows: the state knows of these, and the file holds half of another.
    writeFileSync(join(cwd, 'torn', '.export', 'train-00000.jsonl'), `${kept}${lines[5]?.slice(0, 30)}`)
    const complete = JSON.parse(readFileSync(state, 'utf8')) as Record<string, unknown>
    const open = { train: { number: 0, rows: 5, bytes: Buffer.byteLength(kept) } }
    writeFileSync(state, JSON.stringify({ ...complete, open, shards: [], isComplete: false }))
    rmSync(file)
    await succeed('pairs', ...data, '--out', 'torn/', '--sample', '20')
    expect(readFileSync(file, 'utf8')).toBe(kept)
  })
})

describe('the same command again', () => {
  test('adds what has come since in new files, and nothing where nothing has', async () => {
    cpSync(join(cwd, 'data'), join(cwd, 'grown'), { recursive: true })
    const again = ['pairs', '--data', 'grown', '--out', 'again/']
    await succeed(...again)
    const before = readFileSync(filesOf('again')[0] ?? '', 'utf8')
    await succeed(...again)
    expect(filesOf('again')).toHaveLength(1)
    const corpus = await newCorpus(join(cwd, 'grown'))
    await append(corpus, topics.preferencePairs, pairs(5, 60))
    await corpus.log.close()
    await succeed(...again)
    expect(filesOf('again')).toHaveLength(2)
    expect(readFileSync(filesOf('again')[0] ?? '', 'utf8')).toBe(before)
    const rows = await rowsIn('again')
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(pairs(65).map(({ id }) => id)))
    expect(rows).toHaveLength(65)
    expect(cardOf('again')).toMatchObject({ rows: 65 })
  })
})

describe('--follow', () => {
  test('writes on as the corpus grows; killed, it goes on; Ctrl-C ends it whole', async () => {
    const corpus = await newCorpus(join(cwd, 'living'))
    await append(corpus, topics.preferencePairs, pairs(25))
    const args = [
      'export',
      'pairs',
      '--data',
      'living',
      '--out',
      'followed',
      '--shard-rows',
      '10',
      '--json',
      '--follow',
    ]
    const first = start(args, { cwd })
    await first.written(/(?:"event":"file"[^]*){2}/)
    await append(corpus, topics.preferencePairs, pairs(10, 25))
    await first.written(/(?:"event":"file"[^]*){3}/)
    first.process.kill('SIGKILL')
    await first.ended
    const second = start(args, { cwd })
    await append(corpus, topics.preferencePairs, pairs(10, 35))
    await second.written(/"event":"file"/)
    second.process.kill('SIGINT')
    const { exitCode, stderr } = await second.ended
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(await rowsIn('followed')).toHaveLength(cardOf('followed').rows)
    expect(readdirSync(join(cwd, 'followed', '.export'))).toEqual(['state.json'])
    // What had not been read by then.
    await run(args.slice(0, -1), { cwd })
    const rows = await rowsIn('followed')
    expect(rows.map(({ id }) => id).sort()).toEqual(
      pairs(45)
        .map(({ id }) => id)
        .sort(),
    )
    const files = cardOf('followed').files.map((file) => file.rows)
    expect(files.slice(0, 4)).toEqual([10, 10, 10, 10])
    expect(files.reduce((sum, count) => sum + count)).toBe(45)
    await corpus.log.close()
  })

  test('to stdout writes rows as they come, and ends with their position', async () => {
    const corpus = await newCorpus(join(cwd, 'piped'))
    await append(corpus, topics.preferencePairs, pairs(1))
    const exporting = start(['export', 'pairs', '--data', 'piped', '--follow', '--json'], { cwd })
    await exporting.written(/preference-pair-0/)
    await append(corpus, topics.preferencePairs, pairs(1, 1))
    await exporting.written(/preference-pair-1/)
    exporting.process.kill('SIGINT')
    const { exitCode, stdout, stderr } = await exporting.ended
    expect(exitCode).toBe(0)
    expect(jsonLines(stdout)).toHaveLength(2)
    expect(jsonLines(stderr)).toMatchObject([{ event: 'end', rows: 2, sort: 'pairs', unreadable: 0 }])
    await corpus.log.close()
  })
})

describe('an export without a row says why, and is no failure', () => {
  beforeAll(async () => {
    const corpus = await newCorpus(join(cwd, 'retracted'))
    await append(corpus, topics.preferencePairs, pairs(3))
    await append(
      corpus,
      topics.retractions,
      [0, 1, 2].map((number) => retraction(`problem-${number}`)),
    )
    await corpus.log.close()
    await succeed('pairs', '--data', 'retracted', '--out', 'earlier/')
  })

  test.each<[string, string[], string]>([
    [
      'nothing of the kind was made yet',
      ['sft', ...data],
      'no rows: the corpus has no sft-examples yet; build-sft makes them while `npx wellspring up --data data` runs',
    ],
    [
      'filters leave all out',
      ['pairs', ...data, '--domain', 'sql', '--min-pass-rate', '0.99'],
      'no rows: of 60 records in preference-pairs 60 rows are left out by --domain, --min-pass-rate',
    ],
    [
      'all problems were retracted',
      ['pairs', '--data', 'retracted'],
      'no rows: of 3 records in preference-pairs 3 are of problems that were retracted',
    ],
    [
      'no outcome is as asked for',
      ['rl', ...data, '--outcomes', 'abandoned'],
      'no rows: of 1 records in outcomes none ended as asked for by --outcomes: abandoned',
    ],
    [
      'an earlier export had it all',
      ['pairs', '--data', 'retracted', '--since', 'earlier'],
      'no rows: nothing has come to preference-pairs since the earlier export',
    ],
  ])('%s', async (_, args, line) => {
    for (const out of [[], ['--out', `none-${args[0]}-${line.length}/`]]) {
      const { stdout, stderr, exitCode } = await run(['export', ...args, ...out], { cwd })
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' })
      expect(stderr.trimEnd().split('\n').at(-1)).toBe(line)
    }
  })
})

describe('retractions', () => {
  const source = ['--data', 'retracting']

  beforeAll(async () => {
    const corpus = await newCorpus(join(cwd, 'retracting'))
    await append(corpus, topics.preferencePairs, pairs(12))
    await append(corpus, topics.retractions, [retraction('problem-3')])
    await corpus.log.close()
    await succeed('pairs', ...source, '--out', 'base/')
    const later = await newCorpus(join(cwd, 'retracting'))
    await append(later, topics.preferencePairs, pairs(6, 12))
    await append(later, topics.retractions, [retraction('problem-0'), retraction('problem-4')])
    await later.log.close()
  })

  test('made before leave rows out, which are counted', async () => {
    expect(cardOf('base')).toMatchObject({ rows: 9, retracted: 3 })
    expect(existsSync(join(cwd, 'base', 'retractions.jsonl'))).toBe(false)
    const { stderr } = await run(['export', 'pairs', ...source], { cwd })
    expect(stderr).toBe('9 rows written, 9 left out whose problem was retracted\n')
  })

  test.each([
    ['its folder', 'base'],
    ['its card', 'base/card.json'],
    ['the position itself', undefined],
  ])('--since, given as %s, exports what is new and lists what was retracted since', async (_, given) => {
    const out = `since-${given?.replaceAll(/\W/g, '-') ?? 'text'}`
    await succeed('pairs', ...source, '--since', given ?? cardOf('base').position, '--out', `${out}/`)
    expect((await rowsIn(out)).map(({ id }) => id).sort()).toEqual(
      pairs(3, 15)
        .map(({ id }) => id)
        .sort(),
    )
    const listed = jsonLines<{ problem_id: string }>(readFileSync(join(cwd, out, 'retractions.jsonl'), 'utf8'))
    expect(listed.map((line) => line.problem_id).sort()).toEqual(['problem-0', 'problem-4'])
    expect(listed[0]).toMatchObject({ reason: 'benchmark', evidence: 'aime24 3', by: 'a test' })
  })

  test('--since with a file lists them beside it', async () => {
    await succeed('pairs', ...source, '--since', 'base', '--out', 'new.jsonl')
    expect(jsonLines(readFileSync(join(cwd, 'new.jsonl'), 'utf8'))).toHaveLength(3)
    expect(jsonLines(readFileSync(join(cwd, 'new.jsonl.retractions.jsonl'), 'utf8'))).toHaveLength(2)
  })

  test('the same command again lists those that came after its rows', async () => {
    await succeed('pairs', ...source, '--out', 'base/')
    expect(await rowsIn('base')).toHaveLength(12)
    expect(jsonLines(readFileSync(join(cwd, 'base', 'retractions.jsonl'), 'utf8'))).toHaveLength(2)
  })
})

describe('options', () => {
  test('--sample: the smaller is part of the larger', async () => {
    const ids = async (...more: string[]): Promise<string[]> =>
      jsonLines<Row>(await succeed('pairs', ...data, ...more)).map(({ id }) => id)
    const [small, large, other] = [
      await ids('--sample', '10', '--seed', '7'),
      await ids('--sample', '40', '--seed', '7'),
      await ids('--sample', '10', '--seed', '8'),
    ]
    expect(small).toHaveLength(10)
    expect(large).toHaveLength(40)
    expect(small.filter((id) => !large.includes(id))).toEqual([])
    expect(other).not.toEqual(small)
  })

  test('filters keep what they name', async () => {
    const rows = jsonLines<Row & { pass_rate: number }>(
      await succeed('pairs', ...data, '--domain', 'math', '--min-pass-rate', '0.25', '--max-pass-rate', '0.5'),
    )
    expect(rows.length).toBeGreaterThan(5)
    for (const row of rows) {
      expect(row.domain).toBe('math')
      expect(row.pass_rate).toBeGreaterThanOrEqual(0.25)
      expect(row.pass_rate).toBeLessThanOrEqual(0.5)
    }
    expect(await succeed('pairs', ...data, '--solver', 'nobody')).toBe('')
  })

  test('--outcomes: other than kept ones of kto', async () => {
    expect(jsonLines(await succeed('kto', ...data))).toHaveLength(3)
    expect(await succeed('kto', ...data, '--outcomes', 'too_easy,unsolved')).toBe('')
  })

  test('--format verl writes Parquet', async () => {
    await succeed('rl', ...data, '--format', 'verl', '--out', 'rl.parquet')
    expect(await readParquet(join(cwd, 'rl.parquet'))).toMatchObject([
      { data_source: 'wellspring/math', reward_model: { style: 'rule', ground_truth: '4' }, extra_info: { index: 0 } },
    ])
  })

  test('a folder has a card that counts, and dataset_info.json for llama-factory', async () => {
    await succeed('pairs', ...data, '--format', 'llama-factory', '--split', 'test=0.3', '--out', 'carded')
    const card = cardOf('carded')
    expect(card).toMatchObject({
      ...{ sort: 'pairs', format: 'llama-factory', rows: 60, simulated: 0, retracted: 0, split: { test: 0.3 } },
      domains_by_origin: { 'math/synthetic': 30, 'code/synthetic': 30 },
      solvers: { 'solver-model': 60 },
    })
    expect(card.files.reduce((sum, { rows }) => sum + rows, 0)).toBe(60)
    expect(readFileSync(join(cwd, 'carded', 'README.md'), 'utf8')).toMatch(
      /^---\npretty_name: Wellspring pairs\nconfigs:\n- config_name: default\n {2}data_files:\n {2}- split: test\n {4}path: test\/\*\.jsonl\n/,
    )
    const described = JSON.parse(readFileSync(join(cwd, 'carded', 'dataset_info.json'), 'utf8')) as object
    expect(Object.keys(described)).toEqual(['wellspring_pairs_test', 'wellspring_pairs_train'])
  })
})

describe('what does not fit is refused in one line that says what does', () => {
  test.each([
    ['a format without that sort', ['kto', '--format', 'verl'], /verl has no form for kto: write it as trl, axolotl/],
    ['Parquet on stdout', ['rl', '--format', 'verl'], /Parquet is no text for stdout, and verl .*--file-type jsonl/],
    ['a filter that rows know nothing of', ['sft', '--level', 'AIME'], /--level: rows of sft do not say that; .*pairs/],
    ['outcomes of what is made of none', ['sft', '--outcomes', 'all'], /--outcomes: sft .*; kto, rl, rollouts are/],
    ['a model that has no part in the rows', ['pairs', '--role', 'problem-writer'], /those of triples are/],
    ['a step that is none', ['triples', '--step', 'E'], /--step: expected cold-start, e, m, got "E"/],
    ['an iteration that is none', ['triples', '--iteration', 'x'], /--iteration: expected a whole number from 0/],
    ['an outcome that is none', ['kto', '--outcomes', 'good'], /no outcome "good"; there are kept, too_easy/],
    ['an origin that is none', ['pairs', '--origin', 'x'], /--origin: expected human or synthetic, got "x"/],
    ['a split without a folder', ['pairs', '--split', 'test=0.1'], /--split: .*name the folder above with --out/],
    ['files without a folder', ['pairs', '--shard-rows', '5'], /--shard-rows: .*name the folder with --out/],
    [
      'a split that leads elsewhere',
      ['pairs', '--split', '..\u002fx=0.1', '--out', 'x'],
      /--split: expected NAME=SHARE/,
    ],
    ['a sample of what grows', ['pairs', '--sample', '5', '--follow'], /--sample and --follow: .*give one of them/],
    [
      'a file where a folder is needed',
      ['pairs', '--follow', '--out', 'x.jsonl'],
      /--follow: .* --out x\.jsonl names a file/,
    ],
    ['a seed of nothing', ['pairs', '--seed', '5'], /--seed: it belongs to --sample/],
    ['a count that is none', ['pairs', '--sample', '1.5'], /--sample: expected a whole number above 0, got "1.5"/],
    ['a rate that is none', ['pairs', '--min-pass-rate', '2'], /--min-pass-rate: expected a number from 0 to 1/],
    ['a position that is none', ['pairs', '--since', 'x'], /--since: expected a position, such as/],
    ['a position of another sort', ['pairs', '--since', 'outcomes:1,retractions:0'], /not of preference-pairs/],
    [
      'a position of another corpus',
      ['pairs', '--since', 'preference-pairs:99999.0.0.0.0.0.0.0.0.0.0.0,retractions:0'],
      /behind the end of preference-pairs: it is of another corpus/,
    ],
  ])('%s', async (_, args, line) => {
    const ended = await run(['export', ...args, ...data], { cwd })
    expectFailure(ended, 2, line)
    expect(ended.stdout).toBe('')
  })

  test('a folder that holds something else', async () => {
    mkdirSync(join(cwd, 'other'))
    writeFileSync(join(cwd, 'other', 'mine.txt'), '')
    expectFailure(
      await run(['export', 'pairs', ...data, '--out', 'other'], { cwd }),
      78,
      /other is not empty and holds no export: name a new folder/,
    )
    expect(readFileSync(join(cwd, 'other', 'mine.txt'), 'utf8')).toBe('')
  })

  test('a folder of an export that was asked for otherwise', async () => {
    await succeed('pairs', ...data, '--out', 'asked/')
    const ended = await run(['export', 'pairs', ...data, '--out', 'asked/', '--domain', 'math'], { cwd })
    expectFailure(
      ended,
      78,
      /asked\/ holds an export that was asked for otherwise: .*"format":"trl".*name a new folder/,
    )
  })

  test('a folder that another process writes to', async () => {
    await succeed('pairs', ...data, '--out', 'busy/')
    writeFileSync(join(cwd, 'busy', '.export', 'lock'), String(process.pid))
    const ended = await run(['export', 'pairs', ...data, '--out', 'busy/'], { cwd })
    expectFailure(ended, 75, new RegExp(`being written to by process ${process.pid}: wait for it`))
  })

  test('a folder of files that leads out of the export', async () => {
    mkdirSync(join(cwd, 'elsewhere'))
    cpSync(join(cwd, 'data'), join(cwd, 'escaping'), { recursive: true })
    const args = ['export', 'pairs', '--data', 'escaping', '--out', 'escape/', '--domain', 'physics']
    await run(args, { cwd })
    symlinkSync(join(cwd, 'elsewhere'), join(cwd, 'escape', 'train'))
    const corpus = await newCorpus(join(cwd, 'escaping'))
    await append(corpus, topics.preferencePairs, [{ ...pairs(1, 90)[0]!, domain: 'physics' }])
    await corpus.log.close()
    expectFailure(await run(args, { cwd }), 74, /train leads out of .*escape: remove it/)
    expect(readdirSync(join(cwd, 'elsewhere'))).toEqual([])
  })
})

describe('beside the process that owns the corpus', () => {
  test('it reads without disturbing it', async () => {
    const owner = await newCorpus(join(cwd, 'data'))
    const beside = await openCorpusBeside(join(cwd, 'data'))
    expect(jsonLines(await succeed('rollouts', ...data))).toHaveLength(1)
    await beside.log.close()
    await owner.log.close()
  })
})
