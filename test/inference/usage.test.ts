import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countTokens, readUsage } from '../../inference/answers.ts'

const anything = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(1e308, 9e15, 1.5, -3, NaN, '7', null, {}, []))

describe('what an endpoint says of tokens', () => {
  it('gives whole numbers that can be added up, whatever it says; what is no count is estimated', () => {
    const usage = fc.record(
      {
        prompt_tokens: anything,
        completion_tokens: anything,
        prompt_tokens_details: fc.record({ cached_tokens: anything }),
        completion_tokens_details: fc.record({ reasoning_tokens: anything }),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(usage, (said) => {
        const counted = countTokens(readUsage(said), { prompt: 400, reasoning: 40, text: 80 }).usage
        for (const count of Object.values(counted)) {
          expect(Number.isInteger(count)).toBe(true)
          expect(count).toBeGreaterThanOrEqual(0)
          expect(count).toBeLessThanOrEqual(1e9)
        }
        expect(counted.cached).toBeLessThanOrEqual(counted.prompt)
        expect(counted.reasoning).toBeLessThanOrEqual(counted.completion)
      }),
    )
  })

  it('is an estimate where it is no whole number', () => {
    const counted = countTokens(readUsage({ prompt_tokens: 1.5 }), { prompt: 400, reasoning: 0, text: 80 })
    expect(counted).toEqual({ usage: { prompt: 100, cached: 0, completion: 20, reasoning: 0 }, estimated: true })
  })
})
