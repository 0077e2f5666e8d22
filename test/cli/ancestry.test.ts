/** Where records came from, as it is found and told. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ancestryLines } from '../../cli/ancestry-lines.ts'
import { ancestryJson, ancestryOf } from '../../cli/ancestry.ts'
import type { RecordTypes } from '../../schemas/generated.ts'
import { topics, type RecordKind, type Topic } from '../../topics/catalogue.ts'
import { append, newCorpus, pair, sftExample } from '../exports/corpus.ts'
import * as make from '../processors/records.ts'

const folder = mkdtempSync(join(tmpdir(), 'wellspring-ancestry-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('of records that are among their own ancestors has an end', async () => {
  const corpus = await newCorpus(folder)
  const itself = pair({ id: 'preference-pair-1', parentIds: ['preference-pair-1'] })
  const first = pair({ id: 'preference-pair-2', parentIds: ['preference-pair-3'] })
  const second = pair({ id: 'preference-pair-3', parentIds: ['preference-pair-2'] })
  await append(corpus, topics.preferencePairs, [itself, first, second])
  const found = await ancestryOf(corpus, itself.id)
  expect(found.parents.map(({ id, parents }) => [id, parents])).toEqual([[itself.id, []]])
  const [parent] = (await ancestryOf(corpus, first.id)).parents
  expect(parent?.parents).toMatchObject([{ id: first.id, parents: [] }])
  await corpus.log.close()
})

it('tells what a pair took and what its outcome counted, where tests were set aside or added', async () => {
  const corpus = await newCorpus(join(folder, 'weighed'))
  const result = (verdict: 'passed' | 'failed') => ({
    verdict,
    reason: '',
    detail: null,
    seconds: 0,
    memoryMb: 0,
    outputDigest: '',
  })
  const common = { problemId: 'problem-1', domain: 'code', parentIds: [] }
  const verdicts = [
    make.verdict({
      ...{ ...common, id: 'verdict-1', attempt: 3, verdict: 'failed', reason: 'wrong_answer', extracted: null },
      tests: [result('passed'), result('failed')],
    }),
    make.verdict({
      ...{ ...common, id: 'verdict-2', attempt: 5, verdict: 'passed', reason: 'passed', extracted: null },
      tests: [result('passed'), result('passed')],
    }),
  ]
  const counted = { partition: 0, offset: 0, valid: true, recomputed: true }
  const outcome = make.outcome({
    ...{ ...common, id: 'outcome-1', result: 'kept', attempted: 8, passed: 3, invalid: 0 },
    verdicts: [
      { ...counted, verdictId: 'verdict-1', verdict: 'passed' },
      { ...counted, verdictId: 'verdict-2', verdict: 'failed' },
    ],
    setAside: [
      {
        ...{ test: 1, kind: 'complex case', rule: 'agreement', agreed: ['verdict-1'], seconded: 4 },
        ...{ contradicted: 1, of: 8, outputDigest: 'x' },
      },
    ],
    addedTests: [{ test: 0, kind: 'disputed input', setAside: '', passed: 2, of: 3 }],
  })
  const made = pair({ domain: 'code', parentIds: ['outcome-1', 'verdict-1', 'verdict-2'] })
  await append(corpus, topics.verdicts, verdicts)
  await append(corpus, topics.outcomes, [outcome])
  await append(corpus, topics.preferencePairs, [made])
  const told = ancestryLines(await ancestryOf(corpus, made.id)).map((line) => line.trim())
  await corpus.log.close()
  expect(told.filter((line) => /^(?:attempt|outcome|test|further test) /.test(line))).toEqual([
    'outcome kept: 3 of 8 attempts passed, 0 invalid',
    'test 2 (complex case) set aside, agreement: 5 of 8 attempts printed the same other output, 1 passed it',
    'further test 1 (disputed input) counts: 2 of 3 attempts passed it',
    'attempt 4 (chosen): failed (wrong_answer), 1 of 2 tests run passed; counts as passed by the tests that the outcome went by',
    'attempt 6 (rejected): passed, 2 of 2 tests run passed; counts as failed by the tests that the outcome went by',
  ])
})

it('tells each record once, however many ways lead to it', async () => {
  const corpus = await newCorpus(join(folder, 'shared'))
  const generations = 40
  const idOf = (generation: number, twin: number): string => `preference-pair-${2 * generation + twin}`
  const made = Array.from({ length: generations }, (_, generation) =>
    [0, 1].map((twin) =>
      pair({
        id: idOf(generation, twin),
        parentIds: generation + 1 < generations ? [idOf(generation + 1, 0), idOf(generation + 1, 1)] : [],
      }),
    ),
  ).flat()
  await append(corpus, topics.preferencePairs, made)
  const ancestry = await ancestryOf(corpus, idOf(0, 0))
  await corpus.log.close()
  // All but the other one of the first generation.
  const reached = made.length - 1
  const again = /\(above\)$/
  expect(
    ancestryLines(ancestry).filter((line) => /^ *preference-pair-\d+/.test(line) && !again.test(line)),
  ).toHaveLength(reached)
  const json = JSON.stringify(ancestryJson(ancestry))
  expect(json.match(/"statement":/g)).toHaveLength(reached)
  expect(json.match(/"above":true/g)).toHaveLength(2 + 4 * (generations - 2) - (reached - 1))
})

/** A record and its topic. */
type Lying = { [Kind in RecordKind]: readonly [Topic<Kind>, RecordTypes[Kind]] }[RecordKind]

let corpora = 0

/** What is told of the first of these records, in a corpus of them all. */
async function toldOf(...records: readonly [Lying, ...Lying[]]): Promise<string[]> {
  const corpus = await newCorpus(join(folder, `told-${corpora++}`))
  for (const [topic, record] of records) await append(corpus, topic as Topic, [record])
  const lines = ancestryLines(await ancestryOf(corpus, (records[0][1] as { id: string }).id))
  await corpus.log.close()
  return lines.map((line) => line.trim())
}

const human = make.problem({
  ...{ parentIds: [], origin: 'human', source: 'math-500', sourceId: 'algebra/7', concepts: [], level: '' },
  ...{ rationale: null, statement: 'What is 2 + 2?' },
})

it('of what people wrote ends with where they wrote it', async () => {
  expect(await toldOf([topics.seeds, make.seed()])).toEqual(['seed-1', 'from math-500 7: What is 2 + 2?'])
  const ofNoId = make.seed({ source: 'forum', sourceId: '' })
  expect(await toldOf([topics.seeds, ofNoId])).toEqual(['seed-1', 'from forum: What is 2 + 2?'])
  const row = await toldOf(
    [topics.testCases, make.testCases({ origin: 'human', source: 'math-500' })],
    [topics.problems, human],
  )
  expect(row.slice(-2)).toEqual(['problem-1', 'from math-500 algebra/7: What is 2 + 2?'])
})

it('tells of a row for fine-tuning by its problem, not by what its prompt begins with', async () => {
  const example = sftExample({ parentIds: ['trace-1'], prompt: `${'You will be given a question. '.repeat(20)}2 + 2?` })
  const [, summary] = await toldOf([topics.sftExamples, example], [topics.traces, make.trace()])
  expect(summary).toBe('row of teacher-model: What is the sum of 2 and 2?')
  const [, alone] = await toldOf([topics.sftExamples, example])
  expect(alone).toMatch(/^row of teacher-model: You will be given a question\./)
})

describe('a model call', () => {
  const { calls } = make.rollout()
  const line = 'call attempt: solver-model at scripted, prompt solve-math-released, temperature 1, seed 1, 10 + 20 tokens, 0.1 s' // prettier-ignore
  const verdict = make.verdict({ calls })

  it('stands once, at the record that it was made for', async () => {
    const lines = await toldOf([topics.verdicts, verdict], [topics.rollouts, make.rollout({ calls })])
    expect(lines.filter((one) => one.startsWith('call '))).toEqual([line])
    expect(lines.indexOf(line)).toBeGreaterThan(lines.indexOf('rollout-1'))
  })

  it('stands at the record that still has it where the other is no longer kept', async () => {
    const lines = await toldOf([topics.verdicts, verdict])
    expect(lines.filter((one) => one.startsWith('call '))).toEqual([line])
    expect(lines.indexOf(line)).toBeLessThan(lines.indexOf('rollout-1'))
    expect(lines.at(-1)).toBe('no longer kept (transient)')
  })

  it('of a concept list is that of its own annotator, and its concepts are told', async () => {
    const callOf = (model: string) => make.modelCall({ purpose: model, model, requestId: `seed-1/${model}` })
    const list = make.conceptList({ annotator: 'b-2', calls: [callOf('a-1'), callOf('b-2')] })
    const lines = await toldOf([topics.conceptLists, list], [topics.seeds, make.seed()])
    expect(lines[1]).toBe('2 concepts that b-2 lists: addition, integers')
    expect(lines.filter((one) => one.startsWith('call'))).toEqual([expect.stringMatching(/^call: b-2 at scripted, /)])
  })
})

it('counts attempts, tests and the calls for them from 1', async () => {
  const asked = (purpose: string) => make.modelCall({ purpose, requestId: `test-request-1/${purpose}` })
  const calls = ['test-0', 'vote-9', 'further-test-1', 'judge-test-1', 'judge+2-test-1'].map(asked)
  const { tests } = make.furtherTests()
  const further = make.furtherTests({ calls: [...calls, make.modelCall({ purpose: 'test-3', model: 'test-3' })] })
  const lines = await toldOf(
    [topics.testRuns, make.testRuns({ calls: further.calls, tests: [...tests, ...tests] })],
    [topics.furtherTests, further],
    [topics.testRequests, make.testRequest()],
  )
  expect(lines.flatMap((line) => /^call[^:]*(?=:)/.exec(line) ?? [])).toEqual([
    ...['call test 1', 'call vote 10', 'call further test 2', 'call judge', 'call judge, again', 'call'],
  ])
  expect(lines).toContain('2 tests added, 0 programs run on them')
  expect(lines).toContain('1 further test written (disputed input)')
  expect(lines).toContain('2 further tests asked for: Print the sum of a and b.')
  expect((await toldOf([topics.rollouts, make.rollout({ attempt: 0, calls: [] })]))[1]).toMatch(
    /^attempt 1 by solver-mo/,
  )
  const none = make.furtherTests({ tests: [], malformedTests: 2, calls: [] })
  expect((await toldOf([topics.furtherTests, none]))[1]).toBe('0 further tests written, 2 not readable')
})

it('tells what judges said of a problem while that is kept', async () => {
  const rated = { factualAccuracy: 'perfect', conceptCoverage: 'perfect', solvability: 'perfect' } as const
  const accepted = make.problem({
    judgements: [
      { judge: 'a', ...rated, format: 'perfect', difficultyAlignment: 'perfect', overall: 'perfect', opinion: 1 },
      { judge: 'b', ...rated, format: 'bad', difficultyAlignment: 'acceptable', overall: 'bad', opinion: 2 },
    ],
    calls: [make.modelCall({ purpose: 'judge-a', model: 'a' }), make.modelCall({ purpose: 'judge-b', model: 'b' })],
  })
  const problem = make.problem()
  const ofJudges = (lines: readonly string[]): string[] => lines.filter((line) => /\bjudge\b/.test(line))
  const lines = ofJudges(await toldOf([topics.problems, problem], [topics.acceptedProblems, accepted]))
  expect(lines.slice(0, 2)).toEqual([
    'judge a: perfect',
    'judge b, opinion 2: bad, format bad, difficulty alignment acceptable',
  ])
  expect(lines.slice(2).map((line) => line.slice(0, 14))).toEqual(['call judge: a ', 'call judge: b '])
  expect(ofJudges(await toldOf([topics.problems, problem]))).toEqual([])
})

it('tells in how many lists a concept was named', async () => {
  const combination = make.combination({ tableVersions: { [topics.conceptLists.name]: 2 } })
  const other = make.conceptList({ id: 'concept-list-2', concepts: ['integers'] })
  const lines = await toldOf(
    [topics.concepts, combination],
    [topics.conceptLists, make.conceptList()],
    [topics.conceptLists, other],
    [topics.seeds, make.seed()],
  )
  expect(lines.filter((line) => line.includes(': named in '))).toEqual([
    '"addition": named in 1 list, first by annotator-model in concept-list-1',
    '"integers": named in 2 lists, first by annotator-model in concept-list-1',
  ])
})
