import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { overallRating, parseJudgement, passesQuorum, ratingsDue, type JudgingRule } from '../../curation/judgements.ts'
import type { Judgement, Rating } from '../../schemas/generated.ts'
import { processorMilliseconds } from '../processor-time.ts'

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
    expect(parseJudgement('a-judge', answer)).toEqual({ judge: 'a-judge', opinion: 1, ...ratings, overall: 'perfect' })
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
    const spent = processorMilliseconds(() => {
      for (const part of [' ', '-', 'a ', '* ', '1.', 'format', 'format:'])
        parseJudgement('a-judge', part.repeat(40_000))
    })
    expect(spent).toBeLessThan(2000)
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

/** Judgements of judges who rate in turn. */
const judged = (judges: number, overall: readonly Rating[]): Judgement[] =>
  overall.map((rating, turn) => ({
    judge: `judge-${turn % judges}`,
    opinion: Math.floor(turn / judges) + 1,
    ...ratings,
    overall: rating,
  }))

describe('judges where one that would drop a problem drops it', () => {
  it.each([
    [['perfect', 'perfect'], true, true],
    [['perfect', 'acceptable'], false, true],
    [['acceptable', 'acceptable'], false, false],
    [['perfect', 'bad'], false, false],
    [['bad', 'bad'], false, false],
  ] as [Rating[], boolean, boolean][])('of %j: strict %s, lenient %s', (overall, strict, lenient) => {
    const disagreement = 'veto'
    expect(passesQuorum(judged(2, overall), { quorum: 'strict', disagreement }).passes).toBe(strict)
    expect(passesQuorum(judged(2, overall), { quorum: 'lenient', disagreement }).passes).toBe(lenient)
  })

  it('are asked once each, all at once, and what they say is the aggregation of PromptCoT 1.0', () => {
    const rating = fc.constantFrom<Rating>('perfect', 'acceptable', 'bad')
    fc.assert(
      fc.property(fc.array(rating, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 4 }), (said, most) => {
        const rule = { disagreement: 'veto', ratingsPerJudge: most } as const
        const passes = (quorum: JudgingRule['quorum']): boolean =>
          passesQuorum(judged(said.length, said), { ...rule, quorum }).passes
        expect(ratingsDue([], said.length, { ...rule, quorum: 'lenient' })).toBe(said.length)
        expect(ratingsDue(said, said.length, { ...rule, quorum: 'lenient' })).toBe(0)
        expect(passes('strict')).toBe(said.every((one) => one === 'perfect'))
        expect(passes('lenient')).toBe(said.includes('perfect') && !said.includes('bad'))
      }),
    )
  })
})

describe('judges whose ratings are counted', () => {
  /** What is asked for until it is decided, of judges that would say these. */
  function asked(said: readonly Rating[], judges: number, rule: JudgingRule): Rating[] {
    const given: Rating[] = []
    for (;;) {
      const due = ratingsDue(given, judges, rule)
      if (due === 0) return given
      expect(due).toBeLessThanOrEqual(judges - (given.length % judges))
      given.push(...said.slice(given.length, given.length + due))
    }
  }

  const bySplit = { quorum: 'lenient', disagreement: 'majority', ratingsPerJudge: 2 } as const

  it.each([
    ['two that agree are not asked again', 2, ['perfect', 'acceptable'], 2, true],
    ['two that agree to drop are not asked again', 2, ['bad', 'bad'], 2, false],
    ['two that agree that it is no more than acceptable drop it', 2, ['acceptable', 'acceptable'], 2, false],
    ['three of four keep', 2, ['perfect', 'bad', 'perfect', 'acceptable'], 4, true],
    ['a third that would drop decides', 2, ['perfect', 'bad', 'bad'], 3, false],
    ['an even split at the end drops', 2, ['perfect', 'bad', 'perfect', 'bad'], 4, false],
    ['a third judge is not asked where two agree', 3, ['perfect', 'acceptable'], 2, true],
    ['a third judge decides between two', 3, ['perfect', 'bad', 'acceptable'], 3, true],
    ['a third judge decides between two, and drops', 3, ['perfect', 'bad', 'bad'], 3, false],
    ['a third judge is asked where nobody said perfect yet', 3, ['acceptable', 'acceptable', 'perfect'], 3, true],
    ['one judge decides alone', 1, ['perfect'], 1, true],
    ['one judge that is not content is not asked again', 1, ['bad'], 1, false],
  ] as [string, number, Rating[], number, boolean][])('%s', (_, judges, said, count, passes) => {
    const given = asked(said, judges, bySplit)
    expect(given).toHaveLength(count)
    expect(passesQuorum(judged(judges, given), bySplit).passes).toBe(passes)
  })

  it('keep a problem by half of the ratings where half is enough', () => {
    const rule = { ...bySplit, disagreement: 'half' } as const
    const given = asked(['perfect', 'bad', 'bad', 'perfect'], 2, rule)
    expect(given).toHaveLength(4)
    expect(passesQuorum(judged(2, given), rule).passes).toBe(true)
  })

  it('come to what all would come to, round by round, though some are not asked', () => {
    const rating = fc.constantFrom<Rating>('perfect', 'acceptable', 'bad')
    const rules = fc.record({
      quorum: fc.constantFrom('strict', 'lenient'),
      disagreement: fc.constantFrom('majority', 'half'),
      ratingsPerJudge: fc.integer({ min: 1, max: 4 }),
    })
    const cases = fc
      .integer({ min: 1, max: 5 })
      .chain((judges) => fc.tuple(fc.constant(judges), fc.array(rating, { minLength: 4 * judges, maxLength: 4 * judges }), rules)) // prettier-ignore
    fc.assert(
      fc.property(cases, ([judges, said, rule]) => {
        const keeps = (one: Rating): boolean => (rule.quorum === 'strict' ? one === 'perfect' : one !== 'bad')
        const leads = (all: readonly Rating[]): number => all.reduce((sum, one) => sum + (keeps(one) ? 1 : -1), 0)
        const rounds = Array.from({ length: rule.ratingsPerJudge }, (_, round) => said.slice(0, (round + 1) * judges))
        const all = rounds.find((one) => leads(one) !== 0) ?? rounds.at(-1) ?? []
        const lead = leads(all)
        const isKept = (lead > 0 || (lead === 0 && rule.disagreement === 'half')) && all.includes('perfect')
        const given = asked(said, judges, rule)
        expect(given.length).toBeLessThanOrEqual(all.length)
        expect(passesQuorum(judged(judges, given), rule).passes).toBe(isKept)
      }),
      { numRuns: 1000 },
    )
  })

  it('are listed with each of their opinions', () => {
    const said = judged(2, ['perfect', 'bad', 'perfect', 'bad'])
    expect(passesQuorum(said, bySplit).evidence).toBe(
      'judge-0: perfect, judge-1: bad, judge-0 (opinion 2): perfect, judge-1 (opinion 2): bad; 2 of 4 would keep it, more than half must',
    )
  })

  it.each([
    [['acceptable', 'acceptable'], { quorum: 'lenient', disagreement: 'majority' }, 'none says perfect'],
    [['bad', 'bad'], { quorum: 'lenient', disagreement: 'half' }, '0 of 2 would keep it, at least half must'],
    [['perfect', 'bad'], { quorum: 'lenient', disagreement: 'veto' }, '1 of 2 would keep it, all must'],
    [['perfect', 'acceptable'], { quorum: 'strict', disagreement: 'veto' }, '1 of 2 would keep it, all must'],
    [['acceptable', 'perfect'], { quorum: 'lenient', disagreement: 'veto' }, undefined],
  ] as [Rating[], Pick<JudgingRule, 'quorum' | 'disagreement'>, string | undefined][])(
    'of %j by %j are told with what is missing: %s',
    (overall, rule, missing) => {
      const { passes, evidence } = passesQuorum(judged(2, overall), rule)
      expect(passes).toBe(missing === undefined)
      expect(evidence.split('; ')).toEqual([
        `judge-0: ${overall[0]}, judge-1: ${overall[1]}`,
        ...(missing === undefined ? [] : [missing]),
      ])
    },
  )
})
