/**
 * How long the parsers are fuzzed: the same bounded run each time, or, by command, longer ones on new inputs:
 * `WELLSPRING_TEST_FUZZ=100 npx vitest run --testTimeout=0 test/verifiers/math/properties.test.ts test/verifiers/program.test.ts`
 */
import { randomInt } from 'node:crypto'

/** How many times the bounded run's inputs are tried. */
export const fuzzFactor = Math.max(1, Number(process.env['WELLSPRING_TEST_FUZZ'] ?? 1))

const shift = fuzzFactor === 1 ? 0 : randomInt(2 ** 31)
if (shift > 0) console.warn(`fuzzing ${fuzzFactor} times as long, seeds shifted by ${shift}`)

/** The parameters of one property: so many runs from this seed, or more of them from another. */
export function fuzz(numRuns: number, seed: number): { numRuns: number; seed: number } {
  return { numRuns: numRuns * fuzzFactor, seed: seed + shift }
}
