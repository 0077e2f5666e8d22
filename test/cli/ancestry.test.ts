/** Where records came from, as it is found and told. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { ancestryJson, ancestryLines, ancestryOf } from '../../cli/explain.ts'
import { topics } from '../../topics/catalogue.ts'
import { append, newCorpus, pair } from '../exports/corpus.ts'
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
    'attempt 3 (chosen): failed (wrong_answer), 1 of 2 tests run passed; counts as passed by the tests that the outcome went by',
    'attempt 5 (rejected): passed (passed), 2 of 2 tests run passed; counts as failed by the tests that the outcome went by',
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
