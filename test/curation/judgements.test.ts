import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { overallRating, parseJudgement, passesQuorum } from '../../curation/judgements.ts'
import type { Judgement, Rating } from '../../schemas/generated.ts'

const ratings = {
  format: 'perfect',
  factualAccuracy: 'perfect',
  difficultyAlignment: 'acceptable',
  conceptCoverage: 'perfect',
  solvability: 'perfect',
} as const

describe('parseJudgement', () => {
  it.each([
    [
      'as it was asked for',
      'Format: Perfect\nFactual Accuracy: Perfect\nDifficulty Alignment: Acceptable\nConcept Coverage: Perfect\nSolvability: Perfect\n\nFinal Judgement: perfect',
    ],
    [
      'as a numbered list with bold names',
      '1. **Format**: Perfect\n2. **Factual Accuracy:** Perfect\n3. **Difficulty Alignment**: Acceptable (a bit easy)\n4. **Concept Coverage:** **Perfect**\n5. **Solvability**: Perfect.',
    ],
    [
      'as bullets, with dashes and headings',
      '### Ratings\n- Format - Perfect\n- Factual accuracy = perfect\n* Difficulty alignment: ACCEPTABLE\n* Concept coverage: perfect\n  - Solvability: perfect\r\nFinal Judgement: Bad',
    ],
    [
      'in another order, with words between',
      'Solvability: perfect\nIt has one answer: 4.\nConcept Coverage: perfect\nDifficulty: acceptable\nAccuracy: perfect\nFormat: perfect\nThe format is not bad.',
    ],
  ])('reads ratings %s', (_, answer) => {
    expect(parseJudgement('a-judge', answer)).toEqual({ judge: 'a-judge', ...ratings, overall: 'perfect' })
  })

  it('adds the ratings up itself: the final line of a judge that miscounts is not believed', () => {
    const answer =
      'Format: Bad\nFactual Accuracy: Perfect\nDifficulty Alignment: Perfect\nConcept Coverage: Perfect\nSolvability: Perfect\nFinal Judgement: perfect'
    expect(parseJudgement('a-judge', answer)?.overall).toBe('bad')
  })

  it.each([
    ['', 'nothing'],
    ['The problem is perfect.', 'prose'],
    ['Final Judgement: perfect', 'the final line alone'],
    [
      'Format: Perfect\nFactual Accuracy: Perfect\nDifficulty Alignment: Perfect\nConcept Coverage: Perfect',
      'four criteria',
    ],
    [
      'Format: Perfect\nAccuracy: Good\nDifficulty: Perfect\nConcepts: Perfect\nSolvability: Perfect',
      'a rating of its own',
    ],
  ])('does not read %j (%s)', (answer) => {
    expect(parseJudgement('a-judge', answer)).toBeUndefined()
  })

  it('reads hostile text in linear time', () => {
    const startedAtMs = performance.now()
    for (const part of [' ', '-', 'a ', '* ', '1.', 'format', 'format:']) parseJudgement('a-judge', part.repeat(40_000))
    expect(performance.now() - startedAtMs).toBeLessThan(2000)
  })
})

describe('overallRating', () => {
  const rating = fc.constantFrom<Rating>('perfect', 'acceptable', 'bad')
  const five = fc.record({
    format: rating,
    factualAccuracy: rating,
    difficultyAlignment: rating,
    conceptCoverage: rating,
    solvability: rating,
  })

  it.each([
    [{}, 'perfect'],
    [{ format: 'acceptable' }, 'acceptable'],
    [{ difficultyAlignment: 'perfect', conceptCoverage: 'acceptable' }, 'perfect'],
    [{ factualAccuracy: 'acceptable', difficultyAlignment: 'perfect' }, 'acceptable'],
    [{ solvability: 'acceptable', difficultyAlignment: 'perfect' }, 'acceptable'],
    [{ format: 'bad' }, 'bad'],
  ] as [Partial<typeof ratings>, Rating][])('with %j it is %s', (changed, overall) => {
    expect(overallRating({ ...ratings, ...changed })).toBe(overall)
  })

  it('is bad exactly when one of five is bad, and perfect only with accuracy and solvability perfect', () => {
    fc.assert(
      fc.property(five, (rated) => {
        const overall = overallRating(rated)
        expect(overall === 'bad').toBe(Object.values(rated).includes('bad'))
        if (overall === 'perfect') expect([rated.factualAccuracy, rated.solvability]).toEqual(['perfect', 'perfect'])
      }),
    )
  })
})

describe('passesQuorum', () => {
  const judged = (...overall: Rating[]): Judgement[] =>
    overall.map((rating, index) => ({ judge: `judge-${index}`, ...ratings, overall: rating }))

  it.each([
    [['perfect', 'perfect'], true, true],
    [['perfect', 'acceptable'], false, true],
    [['acceptable', 'acceptable'], false, false],
    [['perfect', 'bad'], false, false],
    [['bad', 'bad'], false, false],
  ] as [Rating[], boolean, boolean][])('of %j: strict %s, lenient %s', (overall, strict, lenient) => {
    expect(passesQuorum(judged(...overall), 'strict').passes).toBe(strict)
    expect(passesQuorum(judged(...overall), 'lenient').passes).toBe(lenient)
  })

  it('lists what each judge said', () => {
    expect(passesQuorum(judged('perfect', 'bad'), 'lenient').evidence).toBe('judge-0: perfect, judge-1: bad')
  })
})
