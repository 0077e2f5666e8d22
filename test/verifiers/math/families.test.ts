import { describe, expect, it } from 'vitest'

import { compareMath } from '../../../verifiers/math.ts'
import { families } from './families.ts'

const verdicts = { '=': 'passed', '/': 'failed', '?': 'unverifiable' } as const

describe.each(families)('math answers: $name ($rule)', ({ cases }) => {
  it.each(cases)('%s  %s  |  %s', (sign, reference, answer) => {
    expect(compareMath({ reference, answer }).verdict).toBe(verdicts[sign])
    expect(compareMath({ reference: answer, answer: reference }).verdict).toBe(verdicts[sign])
  })

  it('shows both what is equal and what is not', () => {
    const signs = new Set(cases.map(([sign]) => sign))
    expect(signs.has('=')).toBe(true)
    expect(signs.has('/') || signs.has('?')).toBe(true)
  })
})

describe('math answers: reasons', () => {
  it.each([
    ['5', '', 'failed', 'no_answer'],
    ['5', '6', 'failed', 'different'],
    ['5', '5.0', 'passed', 'equal'],
    ['', '5', 'unverifiable', 'no_reference'],
    ['5', `${'1+'.repeat(1200)}1`, 'unverifiable', 'too_long'],
    ['5', '\\sum_{k=1}^{10^9} k', 'unverifiable', 'not_understood'],
    ['5', `${'('.repeat(300)}5${')'.repeat(300)}`, 'unverifiable', 'too_deep'],
    ['5', '\\frac{5}{0}', 'unverifiable', 'undefined'],
    ['1,-2', '(1,-2)', 'unverifiable', 'ordered_or_not'],
    ['54', '204_5', 'unverifiable', 'bases_differ'],
    ['3:30', '1:10', 'unverifiable', 'time_or_ratio'],
    ['\\frac{14}{3}', '4.7', 'unverifiable', 'coarse_rounding'],
    ['12 \\text{ apples}', '12 \\text{ pears}', 'unverifiable', 'units_differ'],
    ['5', '5 m', 'unverifiable', 'unit_or_variable'],
    ['\\ln 5', '\\log 5', 'unverifiable', 'log_base'],
    ['x = 1 = 2', '2', 'unverifiable', 'inconsistent_chain'],
    ['2\\frac{3}{2}', '3', 'unverifiable', 'ambiguous_mixed_number'],
    ['\\text{even}', '\\text{not even}', 'unverifiable', 'text_overlap'],
    ['(1,2)', '\\begin{pmatrix}1&2\\end{pmatrix}', 'unverifiable', 'row_or_column'],
  ])('%s against %s is %s: %s', (reference, answer, verdict, reason) => {
    expect(compareMath({ reference, answer })).toEqual({ verdict, reason })
  })
})
