import { describe, expect, it, vi } from 'vitest'

import { canonicalAnswer, compareMath, groupAnswers } from '../../../verifiers/math.ts'

vi.mock('../../../verifiers/math/parse.ts', async (original) => {
  const { parse, ...others } = await original<typeof import('../../../verifiers/math/parse.ts')>()
  return {
    ...others,
    parse: (tokens: Parameters<typeof parse>[0]) => {
      if (tokens.some(({ text }) => text === 'faulty')) throw new TypeError('a fault in the parser')
      return parse(tokens)
    },
  }
})

describe('a fault of the verifier', () => {
  it('costs the verdict on the answer that shows it', () => {
    for (const [reference, answer] of [
      ['5', 'faulty'],
      ['faulty', '5'],
    ] as const)
      expect(compareMath({ reference, answer })).toEqual({
        verdict: 'unverifiable',
        reason: 'verifier_failed: a fault in the parser',
      })
  })

  it('costs one vote, and no other', () => {
    expect(groupAnswers(['7', 'faulty', '7.0'])).toEqual({
      groups: [{ representative: '7', members: [0, 2] }],
      undecided: [1],
      unplaced: [{ member: 1, reason: 'verifier_failed: a fault in the parser' }],
    })
  })

  it('leaves the answer without a key', () => {
    expect(canonicalAnswer('faulty')).toBeUndefined()
  })
})
