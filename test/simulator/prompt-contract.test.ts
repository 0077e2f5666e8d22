import { describe, expect, it } from 'vitest'
import { domainNamed, domains } from '../../domains/index.ts'
import {
  annotatePrompt,
  annotateRationalePrompt,
  continuationPrompt,
  furtherTestPrompt,
  judgePrompt,
  rationalePrompt,
  synthesisPrompt,
} from '../../domains/prompts.ts'
import { TEST_KINDS } from '../../simulator/families/family.ts'
import { recogniseTask } from '../../simulator/prompts.ts'

const statement = 'First line.\n\nSecond paragraph, with $x^2$.'

describe('the simulator recognises what the pipeline really sends', () => {
  it('annotation', () => {
    expect(recogniseTask(annotatePrompt(statement).text)).toEqual({ kind: 'annotate', statement })
  })

  it.each(domains.map(({ name }) => name))('the solver prompt of %s', (domain) => {
    const task = recogniseTask(domainNamed(domain).solverPrompt(statement).text)
    expect(task).toEqual({ kind: `solve-${domain}`, statement })
  })

  it('synthesis from the start and continued', () => {
    const start = recogniseTask(synthesisPrompt(['a', 'b'], 'AIME').text)
    expect(start).toMatchObject({
      kind: 'synthesise',
      concepts: ['a', 'b'],
      level: 'AIME',
      continuation: { at: 'start' },
    })
    const continued = recogniseTask(continuationPrompt(['a', 'b'], 'AIME', 'because').text)
    expect(continued).toMatchObject({ continuation: { at: 'problem', rationale: 'because' } })
  })

  it('rationales of a given problem, by an annotator and by the rationale writer', () => {
    const asked = { kind: 'rationalise', concepts: ['a', 'b'], level: 'AIME', statement }
    const prompts = { annotator: annotateRationalePrompt, writer: rationalePrompt }
    for (const [style, prompt] of Object.entries(prompts))
      expect(recogniseTask(prompt(['a', 'b'], 'AIME', statement).text)).toEqual({ ...asked, style })
  })

  it('judging', () => {
    const prompt = judgePrompt({ concepts: ['a', 'b'], level: 'USAMO', rationale: 'why\n\nso', statement })
    expect(recogniseTask(prompt.text)).toEqual({
      kind: 'judge',
      level: 'USAMO',
      concepts: ['a', 'b'],
      rationale: 'why\n\nso',
      statement,
    })
  })

  it('writing one test more, on an input that programs disagree on or unlike those that there are', () => {
    const tests = ['2 2\n', '3\n1 2 3\n'].map((input) => ({ input, output: '4\n', kind: 'edge case' }))
    const known = ['2 2', '3\n1 2 3']
    const disputed = furtherTestPrompt(statement, { kind: 'disputed input', input: '2 1\n' }, tests)
    expect(recogniseTask(disputed.text)).toEqual({
      ...{ kind: 'write-test', testKind: 'critical path', statement },
      further: { disputed: '2 1', known },
    })
    const other = furtherTestPrompt(statement, { kind: 'complex case', input: undefined }, tests)
    expect(recogniseTask(other.text)).toEqual({
      ...{ kind: 'write-test', testKind: 'complex case', statement },
      further: { disputed: undefined, known },
    })
  })

  describe.each(domains.filter((domain) => domain.checkedBy === 'tests'))(
    'writing a test of $name',
    ({ testPrompt }) => {
      it.each(TEST_KINDS)('%s', (testKind) => {
        expect(recogniseTask(testPrompt(statement, testKind).text)).toEqual({ kind: 'write-test', testKind, statement })
      })
    },
  )
})
