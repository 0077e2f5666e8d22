import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseInferenceSettings } from '../../inference/configuration.ts'
import { createInference, type ConfiguredInference } from '../../inference/inference.ts'
import { scoreTokens, TextModel } from '../../simulator/logprobs.ts'
import { startSimulator, type Simulator } from '../../simulator/server.ts'
import { splitTokens } from '../../simulator/tokens.ts'

const texts = fc.string({ unit: fc.constantFrom(...'abc xyz 12 .,$\n\u00e9\u2260'), minLength: 2, maxLength: 60 })

describe('the stand-in for a language model', () => {
  it('gives all next tokens together a probability of at most 1, and of nearly that for those that occurred and all short ones', () => {
    fc.assert(
      fc.property(texts, fc.constantFrom('sim-problem-writer', 'sim-problem-writer@2'), (text, model) => {
        const tokens = splitTokens(text)
        const state = new TextModel(model)
        for (const token of tokens) state.read(token)
        const short = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
        const all = new Set([...tokens, ...short, ...short.flatMap((one) => short.map((other) => one + other))])
        const sum = [...all].reduce((total, token) => total + state.probabilityOf(token), 0)
        expect(sum).toBeLessThanOrEqual(1 + 1e-9)
        expect(sum).toBeGreaterThan(0.4)
      }),
      { numRuns: 20 },
    )
  })

  it('is another one in another version, and the same one for the same', () => {
    const tokens = splitTokens('one two one two one two')
    expect(scoreTokens(tokens, 'sim-problem-writer@1')).toEqual(scoreTokens(tokens, 'sim-problem-writer@1'))
    expect(scoreTokens(tokens, 'sim-problem-writer@1')).not.toEqual(scoreTokens(tokens, 'sim-problem-writer@2'))
  })
})

describe('sums of given text through the endpoint', () => {
  let simulator: Simulator
  let inference: ConfiguredInference
  beforeAll(async () => {
    simulator = await startSimulator({ instant: true })
    const settings = parseInferenceSettings({
      endpoints: { sim: { url: simulator.url } },
      models: { p: { model: 'sim-problem-writer', endpoints: ['sim'], mode: 'raw' } },
      roles: { 'problem-writer': ['p'] },
    })
    inference = createInference(settings, { secret: () => undefined })
  })
  afterAll(async () => {
    await inference.close()
    await simulator.close()
  })

  it("equal the simulator's own to 1e-6, part by part, in every version", async () => {
    let ordinal = 0
    await fc.assert(
      fc.asyncProperty(texts, texts, texts, fc.constantFrom('0', '1', '2'), async (prompt, first, second, version) => {
        const model = `sim-problem-writer@${version}`
        inference.announce({ role: 'problem-writer', model, endpoint: '', version, ordinal: ++ordinal })
        const text = `A: ${prompt}${first}${second}`
        const cuts = [text.length - second.length - first.length, text.length - second.length, text.length] as const
        const parts = [
          { start: cuts[0], end: cuts[1] },
          { start: cuts[1], end: cuts[2] },
        ]
        const scoring = await inference.score(
          { role: 'problem-writer', text, parts },
          { requestId: `r-${ordinal}`, signal: new AbortController().signal },
        )
        expect(scoring.modelVersion).toBe(version)
        const tokens = splitTokens(text)
        const scores = scoreTokens(tokens, model)
        for (const [index, { start, end }] of parts.entries()) {
          let at = 0
          let sum = 0
          for (const [number, token] of tokens.entries()) {
            at += token.length
            if (start < at && at <= end) sum += scores[number] ?? 0
          }
          expect(Math.abs((scoring.parts[index]?.logProbability ?? NaN) - sum)).toBeLessThan(1e-6)
        }
      }),
      { numRuns: 40 },
    )
  })
})
