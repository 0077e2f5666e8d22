import { describe, expect, it } from 'vitest'
import { readProblem, readRationale } from '../../curation/synthesis.ts'
import { continuationPrompt, rationalePrompt, scoredText, synthesisPrompt } from '../../domains/prompts.ts'
import { trainingRowOf } from '../../domains/triples.ts'

const triple = {
  ...{ concepts: ['addition', 'integers'], level: 'AIME' },
  ...{ rationale: 'Two pairs meet.', statement: 'What is 2 + 2?' },
}

describe('what the problem writer is trained on', () => {
  const row = trainingRowOf(triple, 'problem-writer')

  it('is the released format, to the letter', () => {
    expect(row).toEqual({
      prompt:
        'Given foundational concepts and difficulty level, identify connections and develop a question that integrates these concepts with appropriate complexity.\n\n' +
        'Foundational Concepts:\n1. addition\n2. integers\n\nDifficulty Level: AIME\n\n',
      completion:
        '<!-- BEGIN RATIONALE -->Two pairs meet.<!-- END RATIONALE -->\n\n<!-- BEGIN PROBLEM -->What is 2 + 2?<!-- END PROBLEM -->',
    })
  })

  it('is the very text that is scored, and that a completion continues', () => {
    const { concepts, level, rationale, statement } = triple
    const { text } = scoredText(concepts, level, rationale, statement)
    expect(row.prompt + row.completion).toBe(text)
    expect(text.startsWith(continuationPrompt(concepts, level, rationale).text)).toBe(true)
    expect(row.prompt).toBe(synthesisPrompt(concepts, level).text)
    expect(readRationale(row.completion)).toBe(rationale)
    expect(readProblem(row.completion, false)).toEqual({ statement, closed: true })
  })
})

describe('what the rationale writer is trained on', () => {
  it('is its own prompt, and the rationale between its tags', () => {
    const row = trainingRowOf(triple, 'rationale-writer')
    expect(row.prompt).toBe(rationalePrompt(triple.concepts, 'AIME', triple.statement).text)
    expect(row.completion).toBe('<!-- BEGIN RATIONALE -->Two pairs meet.<!-- END RATIONALE -->')
    expect(readRationale(row.completion)).toBe(triple.rationale)
  })
})

describe('the scored text', () => {
  it('has two parts without a gap: the rationale with its tags, and all that follows', () => {
    const { text, rationale, problem } = scoredText(['addition'], 'AIME', 'Two.', 'What?')
    expect(text.slice(rationale.start, rationale.end)).toBe('<!-- BEGIN RATIONALE -->Two.<!-- END RATIONALE -->')
    expect(rationale.end).toBe(problem.start)
    expect(text.slice(problem.start)).toBe('\n\n<!-- BEGIN PROBLEM -->What?<!-- END PROBLEM -->')
    expect(problem.end).toBe(text.length)
  })
})
