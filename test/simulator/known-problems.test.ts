import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { KnownProblems } from '../../simulator/known-problems.ts'
import { compareMath } from '../../verifiers/math.ts'

const folder = mkdtempSync(join(tmpdir(), 'wellspring-known-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('a known human problem', () => {
  it('is answered wrongly by nothing that equals its answer', () => {
    const answers = [
      '\\frac14',
      '\\frac 34',
      '\\dfrac12',
      '\\frac{3}{7}',
      '12',
      '-3',
      '0',
      '2\\sqrt{5}',
      '(1, 2)',
      '50\\%',
    ]
    const file = join(folder, 'known.jsonl')
    writeFileSync(
      file,
      answers.map((answer, index) => JSON.stringify({ problem: `Problem ${index}?`, answer })).join('\n'),
    )
    const known = [...new KnownProblems([file]).all()]
    expect(known).toHaveLength(answers.length)
    for (const [index, { mistakes }] of known.entries()) {
      expect(mistakes.length).toBeGreaterThan(0)
      for (const { name, answer } of mistakes) {
        const wrong = answer.kind === 'given' ? answer.latex : ''
        const reference = answers[index] ?? ''
        expect([reference, name, wrong, compareMath({ answer: wrong, reference }).verdict]).not.toContain('passed')
      }
    }
  })
})
