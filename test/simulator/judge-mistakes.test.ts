import { describe, expect, it } from 'vitest'
import { judgePrompt } from '../../domains/prompts.ts'
import { SimulatedModels } from '../../scripts/quality/simulated-judges.ts'
import { parseSimulatorOptions } from '../../simulator/options.ts'

const statements = Array.from(
  { length: 600 },
  (_, number) => `Find the remainder when $${number + 2}^{9}$ is divided by $5$.`,
)
const quiet = { malformedAnswers: 0, wrongJudgements: 0 }

/** Which statements a judge is mistaken about at a rating. */
function mistakesOf(judgeMistakes: { ofProblem?: number; ofJudge?: number }, judge: string, seed: number): boolean[] {
  const said = (wrongJudgements: number): boolean[] => {
    const models = new SimulatedModels({ noise: { ...quiet, wrongJudgements }, judgeMistakes })
    return statements.map((statement) => {
      const prompt = judgePrompt({ concepts: ['remainders'], level: 'AMC12', rationale: '', statement }).text
      return /: Bad/.test(models.ask(judge, prompt, { endpoint: 'chat', seed, temperature: 0.6 }).content)
    })
  }
  const right = said(0)
  return said(0.3).map((one, index) => one !== right[index])
}

const count = (mistakes: readonly boolean[]): number => mistakes.filter(Boolean).length
/** The correlation of two lists of mistakes. */
function correlation(some: readonly boolean[], others: readonly boolean[]): number {
  const [a, b] = [count(some) / some.length, count(others) / others.length]
  const both = some.filter((one, index) => one && others[index]).length / some.length
  return (both - a * b) / Math.sqrt(a * (1 - a) * b * (1 - b))
}

describe('mistakes of simulated judges', () => {
  it.each([{}, { ofProblem: 0, ofJudge: 0 }, { ofProblem: 1, ofJudge: 0 }, { ofProblem: 0, ofJudge: 1 }])(
    'are as many as the noise says, however they come together: %j',
    (judgeMistakes) => {
      const share = count(mistakesOf(judgeMistakes, 'sim-judge-a', 1)) / statements.length
      expect(share).toBeGreaterThan(0.24)
      expect(share).toBeLessThan(0.36)
    },
  )

  it('of problems are made by every judge at each rating', () => {
    const all = { ofProblem: 1, ofJudge: 0 }
    expect(mistakesOf(all, 'sim-judge-b', 2)).toEqual(mistakesOf(all, 'sim-judge-a', 1))
  })

  it('of a judge are made by it at each rating, and by no other', () => {
    const all = { ofProblem: 0, ofJudge: 1 }
    const own = mistakesOf(all, 'sim-judge-a', 1)
    expect(mistakesOf(all, 'sim-judge-a', 2)).toEqual(own)
    expect(Math.abs(correlation(own, mistakesOf(all, 'sim-judge-b', 1)))).toBeLessThan(0.15)
  })

  it('of chance are made anew at each rating', () => {
    const none = { ofProblem: 0, ofJudge: 0 }
    const mistakes = [1, 2].map((seed) => mistakesOf(none, 'sim-judge-a', seed))
    expect(Math.abs(correlation(mistakes[0] ?? [], mistakes[1] ?? []))).toBeLessThan(0.15)
  })

  it('come together in between by default', () => {
    const first = mistakesOf({}, 'sim-judge-a', 1)
    const again = correlation(first, mistakesOf({}, 'sim-judge-a', 2))
    const another = correlation(first, mistakesOf({}, 'sim-judge-b', 1))
    expect(again).toBeGreaterThan(0.55)
    expect(again).toBeLessThan(0.85)
    expect(another).toBeGreaterThan(0.25)
    expect(another).toBeLessThan(0.55)
  })

  it('are no more than all of them together', () => {
    expect(() => parseSimulatorOptions({ judgeMistakes: { ofProblem: 0.8, ofJudge: 0.5 } })).toThrow(
      'judgeMistakes: ofProblem and ofJudge: expected at most 1 together',
    )
  })
})
