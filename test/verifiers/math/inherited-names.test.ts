import { describe, expect, it } from 'vitest'

import { math } from '../../../domains/math.ts'
import { meaningOf } from '../../../domains/verdict-reasons.ts'
import { canonicalAnswer, compareMath, groupAnswers, majority } from '../../../verifiers/math.ts'

// What every plain object answers to, though nobody put it there.
const names = Object.getOwnPropertyNames(Object.prototype)
const written = (name: string): string[] => [
  name,
  name.toUpperCase(),
  `x=${name}`,
  `${name}=5`,
  `5 of ${name}`,
  `${name} of 5`,
  `${name} of x`,
  `${name}(5)`,
  `${name}^{-1}(5)`,
  `${name} 5`,
  `\\${name}`,
  `\\${name}{5}`,
  `\\${name}(5)`,
  `\\frac{\\${name}}{2}`,
  `\\text{${name}}`,
  `\\mathrm{${name}}`,
  `\\operatorname{${name}}(5)`,
  `\\begin{${name}}1\\end{${name}}`,
  `5 ${name}`,
  `5\\text{ ${name}}`,
  `5\\text{ m per ${name}}`,
  `x_{${name}}`,
  `(${name}, 5)`,
  `\\{${name}, 5\\}`,
]
const answers = names.flatMap(written)

describe('names that every object inherits', () => {
  it('are there', () => {
    expect(names).toEqual(expect.arrayContaining(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf']))
  })

  it('are answers like others: read or not, in either order', () => {
    for (const answer of answers) {
      for (const other of ['5', 'x', '2\\sqrt3', '(1,2)', '5\\text{ cm}', '\\text{even}', ...written('constructor')]) {
        const { verdict, reason } = compareMath({ reference: other, answer })
        expect([answer, other, reason]).not.toContainEqual(expect.stringMatching(/^verifier_failed/))
        expect([answer, other, compareMath({ reference: answer, answer: other }).verdict]).toEqual([
          answer,
          other,
          verdict,
        ])
      }
      expect(compareMath({ reference: answer, answer })).toEqual({ verdict: 'passed', reason: 'equal' })
    }
  })

  it('are no longer than they are written, and no number', () => {
    for (const name of names) {
      expect([name, compareMath({ reference: '5', answer: name }).verdict]).not.toContain('passed')
      // A command that is unknown is not read, whatever its name.
      expect(compareMath({ reference: '5', answer: `\\${name.replaceAll('_', '')}` }).reason).toBe('not_understood')
    }
  })

  it('have a key or none', () => {
    for (const answer of answers) {
      expect(typeof canonicalAnswer(answer)).toMatch(/^(?:string|undefined)$/)
      expect(math.checkedBy === 'answer' && math.canonicalAnswer?.(answer)).not.toBe(false)
    }
  })

  it('leave the votes beside them as they are', () => {
    for (const answer of answers) {
      const { groups, undecided } = groupAnswers(['7', answer, '7.0', '8'])
      expect([answer, majority(groups)?.representative, majority(groups)?.count]).toEqual([answer, '7', 2])
      expect([...groups.flatMap(({ members }) => members), ...undecided].sort()).toEqual([0, 1, 2, 3])
    }
  })

  it('are reasons that nobody knows', () => {
    for (const name of names) expect(meaningOf(name)).toEqual(meaningOf('no such reason'))
  })
})
