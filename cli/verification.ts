/** The verifier pool as the engine's Verification. */
import type { Verification } from '../engine/ports.ts'
import type { VerifierPool } from '../verifiers/pool.ts'

/** Boxed answers alone count for rewards and votes: the paper's rule. */
const extract = 'boxed'

/** What processors see of the pool. */
export function verificationBy(pool: VerifierPool): Verification {
  return {
    compareMath: (request, signal) => pool.compareMath({ ...request, extract }, signal),
    groupAnswers: (completions, signal) => pool.groupAnswers({ completions, extract }, signal),
    runProgram: (request, signal) => pool.runProgram(request, signal),
  }
}
