import { describe, expect, it } from 'vitest'
import { assumedDomain, comparisonSeconds } from '../../cli/capacity-assumptions.ts'
import { coreSecondsOf } from '../../cli/capacity-figures.ts'
import {
  capacityOf,
  chanceOf,
  yieldOf,
  type CapacityInputs,
  type CapacityRules,
  type Tally,
} from '../../cli/capacity.ts'
import { randomFrom } from '../../curation/sampling.ts'
import { domains } from '../../domains/index.ts'

const rules: CapacityRules = {
  attempts: {
    ...{ attempts: 8, tooEasyAt: 0.5, tooEasyWhen: 'at-least', maxRepeats: 3, adaptive: true, giveUpAfterAttempts: 0 },
    weighTests: true,
  },
  votes: { generations: 8, rule: 'majority', margin: 1, stopWhenDecided: true },
  ...{ maxPairsPerProblem: 8, writerCalls: 1, retentionSeconds: 86_400 },
}

function inputs(change: Partial<CapacityInputs> = {}): CapacityInputs {
  const assumed = domains.filter(({ name }) => name !== 'sql').map((domain) => assumedDomain(domain, 1, 1))
  return {
    ...{ gpus: 8, tokensPerSecond: 2000, callTokensPerSecond: 40, utilisation: 0.97, judges: 1, teachers: 1 },
    ...{ domains: assumed, rules, diskFactor: 1.3 },
    ...change,
  }
}

/** The same rules with others of attempts and votes. */
const withRules = (
  attempts: Partial<CapacityRules['attempts']>,
  votes: Partial<CapacityRules['votes']> = {},
): CapacityRules => ({
  ...rules,
  attempts: { ...rules.attempts, ...attempts },
  votes: { ...rules.votes, ...votes },
})

describe('the capacity model', () => {
  it('makes twice as much of twice the GPUs', () => {
    const [one, two] = [capacityOf(inputs()), capacityOf(inputs({ gpus: 16 }))]
    for (const name of ['problems', 'pairs', 'sftRows', 'callsInFlight', 'keptBytes', 'verifierCores'] as const)
      expect(two[name] / one[name]).toBeCloseTo(2, 6)
  })

  it('stores by the sizes that the records of each domain have', () => {
    const [math, code] = inputs().domains.map((domain, index) => ({ ...domain, bytes: { rationales: 1000 * index } }))
    if (!math || !code) throw new Error('there are two domains')
    const keptBytes = (mathShare: number): number =>
      capacityOf(inputs({ domains: [{ ...math, share: mathShare }, code] })).keptBytes
    const problemsOfCode = (mathShare: number): number =>
      capacityOf(inputs({ domains: [{ ...math, share: mathShare }, code] })).combinations / (mathShare + 1)
    expect(keptBytes(3) / keptBytes(1)).toBeCloseTo(problemsOfCode(3) / problemsOfCode(1), 6)
  })

  it('spends every token that there is', () => {
    const { completionTokens } = capacityOf(inputs())
    expect(completionTokens).toBeCloseTo(8 * 2000 * 0.97 * 86_400, -3)
  })

  it('asks for all attempts and votes where nothing may be spared, and keeps the same problems', () => {
    const spared = yieldOf(inputs())
    const all = yieldOf(inputs({ rules: withRules({ adaptive: false }, { stopWhenDecided: false }) }))
    const outcomes = Object.values(all.outcomes).reduce((sum, count) => sum + count, 0)
    expect(all.verdicts).toBeCloseTo(8 * outcomes, 6)
    expect(spared.verdicts).toBeLessThan(all.verdicts)
    expect(spared.calls['voter'] ?? 0).toBeLessThan(all.calls['voter'] ?? 0)
    expect(spared.outcomes.kept / all.outcomes.kept).toBeCloseTo(1, 1)
  })

  it('has a pair at most for each pass of a kept problem', () => {
    const { pairs, outcomes } = yieldOf(inputs())
    expect(pairs).toBeGreaterThan(outcomes.kept * 0.9)
    expect(pairs).toBeLessThan(outcomes.kept * 3)
  })

  it('drops judges and teacher where there are none', () => {
    const { calls, sftRows } = yieldOf(inputs({ judges: 0, teachers: 0 }))
    expect(calls['judge']).toBeUndefined()
    expect(calls['teacher']).toBeUndefined()
    expect(sftRows).toBe(0)
  })
})

describe('the chance that counts tell of', () => {
  /** Attempts at problems that stop at the fourth pass, or at the eighth attempt. */
  function drawn(never: number, mean: number): Tally[] {
    const random = randomFrom(7)
    return Array.from({ length: 4000 }, () => {
      const chance = random() < never ? 0 : mean
      const tally = { hits: 0, misses: 0 }
      while (tally.hits < 4 && tally.hits + tally.misses < 8) tally[random() < chance ? 'hits' : 'misses']++
      return tally
    })
  }

  it('is found although attempts stop early', () => {
    const { never, mean, concentration } = chanceOf(drawn(0.3, 0.4))
    expect(never).toBeCloseTo(0.3, 1)
    expect(mean).toBeCloseTo(0.4, 1)
    expect(concentration).toBeGreaterThan(10)
  })

  it('has no share without a chance where every problem is solved now and then', () => {
    expect(chanceOf(drawn(0, 0.6)).never).toBeLessThan(0.05)
  })
})

describe('what a verdict took of a core', () => {
  const test = (seconds: number) => ({
    ...{ verdict: 'passed' as const, reason: 'passed', seconds, memoryMb: 10, outputDigest: '' },
  })

  it('is what its programs took of the processor, however long it waited for a thread', () => {
    const verdict = { tests: [test(0.1), test(0.3)], probes: [], verifierSeconds: 60 }
    expect(coreSecondsOf(verdict)).toBeCloseTo(0.402, 6)
    expect(coreSecondsOf({ ...verdict, verifierSeconds: 600 })).toBe(coreSecondsOf(verdict))
  })

  it('counts each probe like a test', () => {
    const verdict = { tests: [test(0.1), test(0.3)], probes: ['a', 'b', 'c', 'd'], verifierSeconds: 60 }
    expect(coreSecondsOf(verdict)).toBeCloseTo(6 * 0.201, 6)
  })

  it('is little where answers were compared, and less where less was seen', () => {
    const compared = (verifierSeconds: number): number => coreSecondsOf({ tests: [], probes: [], verifierSeconds })
    expect(compared(1.3)).toBe(comparisonSeconds)
    expect(compared(0.0004)).toBe(0.0004)
  })
})
