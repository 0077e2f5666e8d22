import { describe, expect, it } from 'vitest'
import type { Lookup } from '../../exports/lookup.ts'
import { outcomeResults, sorts } from '../../exports/sorts.ts'
import { outcome, programChecks, testCases, testRuns, verdict } from '../processors/records.ts'

const added = [
  { input: '5 5\n', output: '10\n', kind: 'disputed input' },
  { input: '6 6\n', output: '11\n', kind: 'complex case' },
]
const records = [testCases({ checks: programChecks }), testRuns({ tests: added })]
const lookup = {
  byId: (_: unknown, id: string) => Promise.resolve(records.find((one) => one.id === id) ?? expect.fail(id)),
  at: (_: unknown, { offset }: { offset: number }) => Promise.resolve(verdict({ id: `verdict-${offset}` })),
} as unknown as Lookup
const rules = { results: new Set(outcomeResults), role: 'problem-writer' } as const
const weighed = { kind: '', passed: 1, of: 2 }

describe('export of what an outcome went by', () => {
  it('rl has the tests that count: none that was set aside, those that were added', async () => {
    const closed = outcome({
      ...{ domain: 'code', parentIds: ['test-cases-1', 'test-runs-1'] },
      setAside: [
        {
          ...{ test: 0, kind: '', rule: 'agreement', agreed: [], seconded: 0, contradicted: 0, of: 8 },
          outputDigest: '',
        },
      ],
      addedTests: [
        { test: 0, ...weighed, setAside: '' },
        { test: 1, ...weighed, setAside: 'nobody-passes' },
      ],
    })
    const [row] = await sorts.rl.rows(closed, lookup, rules)
    expect(row?.texts).toMatchObject({
      tests: [
        { input: '1 2\n', output: '3\n' },
        { input: '5 5\n', output: '10\n' },
      ],
    })
  })

  it('kto labels an attempt as its outcome counts it', async () => {
    const counted = { partition: 0, valid: true, recomputed: true }
    const verdicts = (['failed', 'passed'] as const).map((kind, offset) => ({
      ...{ ...counted, verdictId: `verdict-${offset}`, offset, verdict: kind },
    }))
    const rows = await sorts.kto.rows(outcome({ verdicts }), lookup, rules)
    expect(rows.map(({ texts }) => texts.label)).toEqual([false, true])
  })
})
