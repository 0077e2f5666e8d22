/** What combinations came to, by concept and by level: it guides which concepts and levels are drawn more. */
import type { ConceptYield } from '../schemas/generated.ts'
import { equalWeights, type ConceptWeights } from './sampling.ts'

/** A concept's own record weighs as much as the domain's mean once so many combinations with it have ended. */
const priorEnds = 10
/** Combinations of a domain that must have ended before yields have a say. */
const leastEnds = 64
/** What an attempt's result still counts after each later outcome of its level: about the last 50 outcomes make the live rate. */
const memory = 0.98
/** Attempts behind a live rate, at least. */
const leastLiveAttempts = 64

interface Tally {
  ends: number
  pairs: number
  tokens: number
}

/** Yields of one domain. */
export class ConceptYields {
  readonly #all: Tally = { ends: 0, pairs: 0, tokens: 0 }
  readonly #concepts = new Map<string, Tally>()
  readonly #levels = new Map<string, { attempted: number; passed: number }>()

  add({ concepts, level, attempted, passed, pairs, tokens }: ConceptYield): void {
    for (const concept of concepts) {
      const tally = this.#concepts.get(concept) ?? { ends: 0, pairs: 0, tokens: 0 }
      this.#concepts.set(concept, tally)
      addTo(tally, pairs, tokens)
    }
    addTo(this.#all, pairs, tokens)
    if (attempted === 0) return
    const live = this.#levels.get(level) ?? { attempted: 0, passed: 0 }
    this.#levels.set(level, { attempted: live.attempted * memory + attempted, passed: live.passed * memory + passed })
  }

  /**
   * Pairs for a token that combinations with a concept brought, over those of the whole domain. To a concept's own counts those of
   * `priorEnds` combinations of the domain's mean are added: where every end costs the same it is the mean of a Beta
   * distribution over its prior's. At most `most`, at least 1 / `most`.
   */
  weights(most: number): ConceptWeights {
    const { ends, pairs, tokens } = this.#all
    if (most <= 1 || ends < leastEnds || pairs === 0 || tokens === 0) return equalWeights
    const [priorPairs, priorTokens] = [(priorEnds * pairs) / ends, (priorEnds * tokens) / ends]
    return {
      most,
      of: (concept) => {
        const tally = this.#concepts.get(concept)
        if (!tally) return 1
        const ratio = ((tally.pairs + priorPairs) / (tally.tokens + priorTokens)) * (tokens / pairs)
        return Math.min(most, Math.max(1 / most, ratio))
      },
    }
  }

  /** Share of the last attempts at a level that passed; undefined where too few have ended. */
  livePassRate(level: string): number | undefined {
    const live = this.#levels.get(level)
    return live && live.attempted >= leastLiveAttempts ? live.passed / live.attempted : undefined
  }
}

function addTo(tally: Tally, pairs: number, tokens: number): void {
  tally.ends++
  tally.pairs += pairs
  tally.tokens += tokens
}

/** Of a level whose live pass rate lies outside of its band: it is drawn so much less, and so still measured. */
const outsideWeight = 0.25

/**
 * How often each level is drawn: those outside of the band a quarter as often as the others. Where none is inside, nor unknown,
 * the one that is nearest to it counts as inside.
 */
export function levelWeights(
  levels: readonly string[],
  rateOf: (level: string) => number | undefined,
  band: { min: number; max: number },
): number[] {
  const distances = levels.map((level) => {
    const rate = rateOf(level)
    return rate === undefined ? 0 : Math.max(0, band.min - rate, rate - band.max)
  })
  const nearest = Math.min(...distances)
  return distances.map((distance) => (distance > nearest ? outsideWeight : 1))
}
