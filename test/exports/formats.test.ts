/** What every format makes of every sort. */
import { rmSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cells } from '../../exports/columns.ts'
import { formats, formatsOf, sortsOf } from '../../exports/formats/index.ts'
import { jsonLine } from '../../exports/json-line.ts'
import { ParquetFile } from '../../exports/parquet.ts'
import { columnsFor } from '../../exports/request.ts'
import { sortNames, sorts, type SortName } from '../../exports/sorts.ts'
import { textId } from '../../engine/ids.ts'
import { rationalePrompt } from '../../domains/prompts.ts'
import type { ModelAnnouncement } from '../../schemas/generated.ts'
import { topics } from '../../topics/catalogue.ts'
import type { Corpus } from '../../topics/reading.ts'
import { programChecks } from '../processors/records.ts'
import { append, newCorpus, pair, retraction, sftExample, tell, triple } from './corpus.ts'
import { misfits, readParquet, requestFor, rowsFor } from './reading.ts'

const directory = mkdtempSync(join(tmpdir(), 'wellspring-formats-'))
let corpus: Corpus

const hostile = 'a\u202eb\u2028c\u0000\r\n"\\ud800" \u{1f600} <|im_end|> \u0085 </think>'
const simulatedHostile = { id: 'preference-pair-2', problemId: 'problem-2', chosen: hostile, simulated: true }

beforeAll(async () => {
  corpus = await newCorpus(directory)
  await append(corpus, topics.preferencePairs, [pair(), pair(simulatedHostile)])
  await append(corpus, topics.sftExamples, [sftExample(), sftExample({ id: 'sft-example-2', completion: hostile })])
  await tell(corpus, { id: 'problem-1', attempts: ['passed', 'failed', 'invalid', 'failed'] })
  await tell(corpus, {
    ...{ id: 'problem-2', attempts: ['passed', 'passed', 'failed', 'failed'], simulated: true, checks: programChecks },
    problem: { domain: 'code', level: 'Codeforces', statement: hostile, rationale: hostile },
  })
  await tell(corpus, {
    ...{ id: 'problem-3', attempts: ['failed', 'failed'] },
    problem: { origin: 'human', source: 'codeforces', rationale: null, concepts: [], level: '' },
  })
  await append(corpus, topics.triples, [
    triple(),
    triple({
      id: 'triple-2',
      conceptListId: 'concept-list-2',
      statement: hostile,
      rationale: hostile,
      simulated: true,
    }),
    triple({ id: 'triple-3', conceptListId: 'concept-list-3', statement: 'What is 3 + 3?', ...coldStart }),
  ])
})
afterAll(async () => {
  await corpus.log.close()
  rmSync(directory, { recursive: true })
})

const coldStart = { step: 'cold-start', iteration: 0, announcement: 0, scorer: '', scorerVersion: '' }
/** The problems that rows are of, by what their ids are in the sort. */
const idsOf = (sort: SortName): readonly [first: string, second: string] =>
  sort === 'triples'
    ? [textId('problem', 'math', 'What is 2 + 2?'), textId('problem', 'math', hostile)]
    : ['problem-1', 'problem-2']

const user = (content: string): Cells[] => [{ role: 'user', content }]
const assistant = (content: string): Cells[] => [{ role: 'assistant', content }]

const question = 'What is 2 + 2?'
const good = '<think>\n2 + 2\n</think>\n\n\\boxed{4}'
const solve = 'What is the sum of 2 and 2?\nPlease reason step by step, and put your final answer within \\boxed{}.'
const synthesis =
  'Given foundational concepts and difficulty level, identify connections and develop a question that integrates these concepts with appropriate complexity.\n\n' +
  'Foundational Concepts:\n1. addition\n2. integers\n\nDifficulty Level: AIME\n\n'
const synthesised =
  '<!-- BEGIN RATIONALE -->Add two small integers.<!-- END RATIONALE -->\n\n<!-- BEGIN PROBLEM -->\nWhat is the sum of 2 and 2?\n<!-- END PROBLEM -->'
const learned =
  '<!-- BEGIN RATIONALE -->Two pairs meet.<!-- END RATIONALE -->\n\n<!-- BEGIN PROBLEM -->What is 2 + 2?<!-- END PROBLEM -->'
const attempt = '<think>\nthinking\n</think>\n\nattempt 0'

const ofProblem = { problem_id: 'problem-1', domain: 'math', origin: 'synthetic', source: 'wellspring' }
const ofAttempts = { solver: 'solver-model', level: 'AIME', pass_rate: 0.25 }
const facts: Record<SortName, Cells> = {
  pairs: { id: 'preference-pair-1', ...ofProblem, ...ofAttempts, simulated: false },
  sft: { id: 'sft-example-1', ...ofProblem, teacher: 'teacher-model', tokens: 40, simulated: false },
  kto: { id: 'verdict-0-of-problem-1', ...ofProblem, ...ofAttempts, simulated: false },
  rl: { id: 'outcome-of-problem-1', ...ofProblem, ...ofAttempts, trusted: false, simulated: false },
  rollouts: { id: 'outcome-of-problem-1', ...ofProblem, ...ofAttempts, simulated: false },
  problems: {
    ...{ id: 'test-cases-of-problem-1', ...ofProblem, concepts: ['addition', 'integers'], level: 'AIME' },
    ...{ trusted: false, simulated: false },
  },
  generator: { id: 'problem-1', ...ofProblem, concepts: ['addition', 'integers'], level: 'AIME', simulated: false },
  triples: {
    ...{ id: 'triple-1', problem_id: idsOf('triples')[0], domain: 'math', origin: 'human', source: 'math-500' },
    ...{
      concepts: ['addition', 'integers'],
      level: 'AIME',
      concept_list_id: 'concept-list-1',
      step: 'e',
      iteration: 1,
    },
    ...{ writer: 'q', writer_version: 'q-0', scorer_version: 'p-0', simulated: false },
  },
}

/** The texts of the first row of each, in the form of each format that has one. */
const checked = { prompt: user(solve), answer: '4', tests: [] }
const texts: Record<SortName, Record<string, Cells>> = {
  pairs: {
    trl: { prompt: user(question), chosen: assistant(good), rejected: assistant('\\boxed{5}') },
    openrlhf: { prompt: user(question), chosen: assistant(good), rejected: assistant('\\boxed{5}') },
    axolotl: {
      messages: user(question),
      chosen: { role: 'assistant', content: good },
      rejected: { role: 'assistant', content: '\\boxed{5}' },
    },
    'llama-factory': { instruction: question, chosen: good, rejected: '\\boxed{5}' },
    'nemo-rl': {
      context: user(question),
      completions: [
        { rank: 0, completion: assistant(good) },
        { rank: 1, completion: assistant('\\boxed{5}') },
      ],
    },
    plain: { prompt: question, chosen: good, rejected: '\\boxed{5}' },
  },
  sft: {
    trl: { prompt: user(question), completion: assistant(good) },
    openrlhf: { input: question, output: good },
    axolotl: { messages: [...user(question), ...assistant(good)] },
    'llama-factory': { instruction: question, output: good },
    'nemo-rl': { messages: [...user(question), ...assistant(good)] },
    promptcot: { prompt: question, completion: good },
    verl: { messages: [...user(question), ...assistant(good)] },
    plain: { prompt: question, completion: good },
  },
  kto: {
    trl: { prompt: user(solve), completion: assistant(attempt), label: true },
    axolotl: { prompt: solve, completion: attempt, label: true },
    'llama-factory': { instruction: solve, output: attempt, kto_tag: true },
    plain: { prompt: solve, completion: attempt, label: true },
  },
  rl: {
    trl: checked,
    openrlhf: { input: user(solve), label: '4', datasource: 'wellspring' },
    axolotl: checked,
    'nemo-rl': { input: solve, output: '4' },
    verl: {
      ...{ data_source: 'wellspring/math', prompt: user(solve), ability: 'math' },
      reward_model: { style: 'rule', ground_truth: '4' },
      extra_info: { split: 'train', index: 0, ...facts.rl },
    },
    plain: { ...checked, prompt: solve },
  },
  rollouts: {
    trl: {
      prompt: user(solve),
      completions: [attempt, 'attempt 1', 'attempt 2', 'attempt 3'].map(assistant),
      rewards: [1, 0, 0, 0],
      valid: [true, true, false, true],
    },
    plain: {
      ...{ prompt: solve, completions: [attempt, 'attempt 1', 'attempt 2', 'attempt 3'] },
      ...{ rewards: [1, 0, 0, 0], valid: [true, true, false, true] },
    },
  },
  problems: {
    trl: checked,
    openrlhf: { input: user(solve), label: '4', datasource: 'wellspring' },
    axolotl: checked,
    'nemo-rl': { input: solve, output: '4' },
    verl: {
      ...{ data_source: 'wellspring/math', prompt: user(solve), ability: 'math' },
      reward_model: { style: 'rule', ground_truth: '4' },
      extra_info: { split: 'train', index: 0, ...facts.problems },
    },
    plain: { ...checked, prompt: solve },
  },
  generator: {
    trl: { prompt: synthesis, completion: synthesised },
    openrlhf: { input: synthesis, output: synthesised },
    axolotl: { prompt: synthesis, completion: synthesised },
    'llama-factory': { instruction: synthesis, output: synthesised },
    'nemo-rl': { messages: [...user(synthesis), ...assistant(synthesised)] },
    promptcot: { prompt: synthesis, completion: synthesised },
    plain: {
      ...{ prompt: synthesis, completion: synthesised },
      ...{ rationale: 'Add two small integers.', problem: 'What is the sum of 2 and 2?' },
    },
  },
  triples: {
    trl: { prompt: synthesis, completion: learned },
    openrlhf: { input: synthesis, output: learned },
    axolotl: { prompt: synthesis, completion: learned },
    'llama-factory': { instruction: synthesis, output: learned },
    'nemo-rl': { messages: [...user(synthesis), ...assistant(learned)] },
    promptcot: { prompt: synthesis, completion: learned },
    plain: { prompt: synthesis, completion: learned, rationale: 'Two pairs meet.', problem: 'What is 2 + 2?' },
  },
}

/** Facts stand in columns of their own, or within extra_info. */
function factsOf(row: Cells): Cells {
  return (row['extra_info'] ?? row) as Cells
}

describe.each(sortNames)('%s', (sort) => {
  const having = formats.filter(({ name }) => texts[sort][name])

  it('is refused by exactly the formats that have no form for it', () => {
    expect(formatsOf(sort)).toEqual(having)
    for (const format of formats) expect(sortsOf(format).includes(sort)).toBe(having.includes(format))
  })

  it.each(having.map(({ name }) => name))('has its fields in the form of %s', async (format) => {
    const request = requestFor(sort, format)
    const rows = await rowsFor(corpus, request)
    expect(rows.length).toBeGreaterThan(1)
    for (const row of rows) expect(misfits(row, request)).toEqual([])
    const first = rows.find((row) => factsOf(row)['problem_id'] === idsOf(sort)[0])
    const nested = format === 'verl' && sorts[sort].shape === 'checked'
    const index = rows.indexOf(first ?? {})
    const expected = nested
      ? { ...texts[sort][format], extra_info: { ...(texts[sort][format]?.['extra_info'] as Cells), index } }
      : { ...texts[sort][format], ...facts[sort] }
    expect(first).toEqual(expected)
    // The order of columns is that of the row's keys.
    expect(Object.keys(first ?? {})).toEqual(Object.keys(columnsFor(request)))
  })

  it.each(having.map(({ name }) => name))('says which rows are simulated in the form of %s', async (format) => {
    const rows = await rowsFor(corpus, requestFor(sort, format))
    for (const row of rows.map(factsOf))
      expect(row['simulated']).toBe(row['problem_id'] === idsOf(sort)[1] && sort !== 'sft')
  })

  it.each(having.map(({ name }) => name))(
    'comes back as it was from JSON lines and Parquet in the form of %s',
    async (format) => {
      const request = requestFor(sort, format)
      const rows = await rowsFor(corpus, request)
      expect(rows.map((row) => JSON.parse(jsonLine(row)) as unknown)).toEqual(rows)
      const path = join(directory, `${sort}-${format}.parquet`)
      const file = new ParquetFile(path, columnsFor(request))
      for (const row of rows) file.append(row, 100)
      file.finish()
      expect(await readParquet(path)).toEqual(rows)
    },
  )
})

describe('kto', () => {
  it('has a row for each valid attempt of kept outcomes', async () => {
    const rows = await rowsFor(corpus, requestFor('kto'))
    expect(rows.map(({ id, label }) => [id, label])).toEqual([
      ['verdict-0-of-problem-1', true],
      ['verdict-1-of-problem-1', false],
      ['verdict-3-of-problem-1', false],
    ])
  })

  it('has those of other outcomes where they are asked for', async () => {
    const rows = await rowsFor(corpus, requestFor('kto', 'trl', { results: ['too_easy', 'unsolved'] }))
    expect(new Set(rows.map((row) => row['problem_id']))).toEqual(new Set(['problem-2', 'problem-3']))
    expect(rows.filter(({ label }) => label === true)).toHaveLength(2)
  })
})

describe('rl', () => {
  it('gives tests as JSON with inputs and outputs where a format wants one text', async () => {
    const rows = await rowsFor(corpus, requestFor('rl', 'verl'))
    const code = rows.find(({ ability }) => ability === 'code')
    const { ground_truth: truth } = code?.['reward_model'] as { ground_truth: string }
    expect(JSON.parse(truth)).toEqual({ inputs: ['2 2\n', '1 2\n'], outputs: ['4\n', '3\n'] })
  })
})

describe('generator', () => {
  it('has no row of a human problem', async () => {
    const rows = await rowsFor(corpus, requestFor('generator'))
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(['problem-1', 'problem-2']))
  })
})

describe('triples', () => {
  const idsFor = async (given: Parameters<typeof requestFor>[2]): Promise<unknown[]> =>
    (await rowsFor(corpus, requestFor('triples', 'plain', given))).map(({ id }) => id).sort()

  it('are text of the rationale writer where that is to learn', async () => {
    const rows = await rowsFor(corpus, requestFor('triples', 'promptcot', { role: 'rationale-writer' }))
    const first = rows.find(({ id }) => id === 'triple-1')
    expect(first).toEqual({
      prompt: rationalePrompt(['addition', 'integers'], 'AIME', 'What is 2 + 2?').text,
      completion: '<!-- BEGIN RATIONALE -->Two pairs meet.<!-- END RATIONALE -->',
      ...facts.triples,
    })
  })

  it('are picked by step and iteration', async () => {
    expect(await idsFor({ filters: { step: ['cold-start'] } })).toEqual(['triple-3'])
    expect(await idsFor({ filters: { iteration: [1] } })).toEqual(['triple-1', 'triple-2'])
    expect(await idsFor({ filters: { step: ['m'], iteration: [1] } })).toEqual([])
  })

  it('are left out where their step began anew', async () => {
    const own = await newCorpus(join(directory, 'superseded'))
    const began = (ordinal: number): ModelAnnouncement => ({
      ...{ createdAtMs: 0, role: 'problem-writer', model: 'p', endpoint: '', version: `p-${ordinal}`, ordinal },
      ...{ step: 'e', iteration: 1 },
    })
    const idsNow = async (): Promise<unknown[]> =>
      (await rowsFor(own, requestFor('triples'))).map(({ id }) => id).sort()
    await append(own, topics.models, [began(2)])
    await append(own, topics.triples, [triple(), triple({ id: 'triple-3', ...coldStart })])
    expect(await idsNow()).toEqual(['triple-1', 'triple-3'])
    await append(own, topics.models, [began(3)])
    await append(own, topics.triples, [triple({ id: 'triple-4', announcement: 3 })])
    expect(await idsNow()).toEqual(['triple-3', 'triple-4'])
    // Later announcements take the place of both; the step is known by its own record.
    await append(own, topics.models, [{ ...began(5), iteration: 2 }])
    await append(own, topics.emSteps, [
      {
        ...{ id: 'em-step-1', parentIds: [], domain: '', recipe: '', createdAtMs: 0, simulated: false },
        ...{ step: 'e', iteration: 1, announcement: 3, lists: 1, requests: 1 },
      },
    ])
    expect(await idsNow()).toEqual(['triple-3', 'triple-4'])
    await own.log.close()
  })
})

describe('llama-factory', () => {
  it('describes its files in dataset_info.json', () => {
    const format = requestFor('pairs', 'llama-factory').format
    const [file] = format.sideFiles?.({ sort: 'pairs', shape: 'preference', splits: ['test', 'train'] }) ?? []
    expect(file?.name).toBe('dataset_info.json')
    const columns = { prompt: 'instruction', chosen: 'chosen', rejected: 'rejected' }
    const described = { formatting: 'alpaca', ranking: true, columns }
    expect(JSON.parse(file?.content ?? '')).toEqual({
      wellspring_pairs_test: { file_name: 'test', ...described },
      wellspring_pairs_train: { file_name: 'train', ...described },
    })
  })
})

describe('a retracted problem', () => {
  it('has no row in any sort', async () => {
    const retracted = ['problem-2', idsOf('triples')[1]]
    await append(corpus, topics.retractions, retracted.map(retraction))
    for (const sort of sortNames) {
      const rows = await rowsFor(corpus, requestFor(sort))
      expect(rows.length).toBeGreaterThan(0)
      expect(rows.filter((row) => retracted.includes(String(row['problem_id'])))).toEqual([])
    }
  })
})
