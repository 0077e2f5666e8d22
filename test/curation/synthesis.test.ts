import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { completionText, readProblem, readRationale, tagTexts } from '../../curation/synthesis.ts'

const { beginRationale, endRationale, beginProblem, endProblem } = tagTexts

/** Completions of one rationale and one problem, as released models write them. */
const variants: [string, string, { closed: boolean }][] = [
  [
    'as trained',
    `<!-- BEGIN RATIONALE --> z z <!-- END RATIONALE --> <!-- BEGIN PROBLEM --> x x <!-- END PROBLEM -->`,
    { closed: true },
  ],
  [
    'one tag a line',
    `<!-- BEGIN RATIONALE -->\nz z\n<!-- END RATIONALE -->\n\n<!-- BEGIN PROBLEM -->\nx x\n<!-- END PROBLEM -->\n`,
    { closed: true },
  ],
  [
    'as a public row: no space after BEGIN RATIONALE, no END RATIONALE, a new line after BEGIN PROBLEM',
    `<!-- BEGIN RATIONALE -->z z <!-- BEGIN PROBLEM -->\nx x <!-- END PROBLEM -->`,
    { closed: true },
  ],
  [
    'stopped at the end tag',
    `<!-- BEGIN RATIONALE --> z z <!-- END RATIONALE --> <!-- BEGIN PROBLEM --> x x`,
    { closed: false },
  ],
  [
    'without BEGIN RATIONALE',
    `z z <!-- END RATIONALE --> <!-- BEGIN PROBLEM --> x x <!-- END PROBLEM -->`,
    { closed: true },
  ],
  [
    'narrow tags',
    `<!--BEGIN RATIONALE-->z z<!--END RATIONALE--><!--BEGIN PROBLEM-->x x<!--END PROBLEM-->`,
    { closed: true },
  ],
  [
    'wide tags in lower case',
    `<!--  begin rationale --> z z <!--  end rationale --> <!--  begin problem --> x x`,
    { closed: false },
  ],
  [
    'words before and after',
    `Here it is. <!-- BEGIN RATIONALE --> z z <!-- END RATIONALE --> Now: <!-- BEGIN PROBLEM --> x x <!-- END PROBLEM --> Done.`,
    { closed: true },
  ],
]

describe('readRationale', () => {
  it.each(variants)('reads a completion %s', (_, completion) => {
    expect(readRationale(completion)).toBe('z z')
  })

  it.each([
    ['in staged mode, where the call stops at the end tag', `${beginRationale} z z `, 'z z'],
    ['that nothing opens or closes', ' z z ', 'z z'],
    ['that is empty', `${beginRationale} ${endRationale} ${beginProblem} x`, undefined],
    ['that is not there', `${beginProblem} x ${endProblem}`, undefined],
    ['of an empty completion', '', undefined],
  ])('reads a rationale %s', (_, completion, rationale) => {
    expect(readRationale(completion)).toBe(rationale)
  })
})

describe('readProblem', () => {
  it.each(variants)('reads a completion %s', (_, completion, { closed }) => {
    expect(readProblem(completion, false)).toEqual({ statement: 'x x', closed })
  })

  it('takes the whole text where the prompt ended in the begin tag', () => {
    expect(readProblem('\nx x\n', true)).toEqual({ statement: 'x x', closed: false })
    expect(readProblem(`x x ${endProblem} and more`, true)).toEqual({ statement: 'x x', closed: true })
    expect(readProblem(`${beginProblem} x x ${endProblem}`, true)).toEqual({ statement: 'x x', closed: true })
  })

  it.each([
    ['no begin tag', `${beginRationale} z ${endRationale}`, false],
    ['nothing between its tags', `${beginProblem} \n ${endProblem}`, false],
    ['white space alone, continued', '  \n', true],
  ])('finds none with %s', (_, completion, promptEndedInTag) => {
    expect(readProblem(completion, promptEndedInTag)).toBeUndefined()
  })

  it('reads back what the format holds, whatever the texts are', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((one) => !one.includes('<!--') && one.trim() !== '')
    fc.assert(
      fc.property(text, text, fc.constantFrom('', ' ', '\n', '\n\n'), (rationale, statement, gap) => {
        const completion = [beginRationale, rationale, endRationale, beginProblem, statement, endProblem].join(gap)
        expect(readRationale(completion)).toBe(rationale.trim())
        expect(readProblem(completion, false)).toEqual({ statement: statement.trim(), closed: true })
      }),
    )
  })
})

describe('completionText', () => {
  it('is read back as what it was made of', () => {
    const text = completionText('z z', 'x x')
    expect(readRationale(text)).toBe('z z')
    expect(readProblem(text, false)).toEqual({ statement: 'x x', closed: true })
  })
})
