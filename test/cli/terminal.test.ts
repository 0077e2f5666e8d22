import { describe, expect, it } from 'vitest'
import { tableLines } from '../../cli/terminal.ts'

describe('a table', () => {
  it('has a line for each row, whatever the texts in it are', () => {
    const lines = tableLines(
      ['concept', 'tokens'],
      [
        ['one\ntwo      9,999,999', 10],
        ['tab\tand\r\nreturn\u2028', 2000],
      ],
    )
    expect(lines).toEqual([
      'concept                 tokens',
      'one two      9,999,999      10',
      'tab and  return          2,000',
    ])
  })
})
