/** Domains whose problems no running processor brings to an end: they stay under way, and at so many sampling stops. */
import type { ConfiguredProcessor } from '../engine/runtime.ts'
import { parseShares } from '../curation/sampling.ts'
import { domains } from '../domains/index.ts'

/** Who makes the checks of a domain's problems. */
const checker = { answer: 'vote-answer', tests: 'generate-test-cases' } as const

/** One sentence for each sampled domain that a processor which is off (by name) holds up; none where nothing is sampled here. */
export function heldUpDomains(chosen: readonly ConfiguredProcessor[], off: readonly string[]): string[] {
  const sampler = chosen.find(({ declaration }) => declaration.name === 'sample-concepts')
  if (!sampler || off.includes('sample-concepts')) return []
  const shares = parseShares(String(sampler.config['domainShares']))
  // What cannot be read is told when it is sampled.
  if (!(shares instanceof Map)) return []
  return domains.flatMap(({ name, checkedBy }) => {
    const missing = [checker[checkedBy], 'plan-rollouts'].find((one) => off.includes(one))
    if (missing === undefined || (shares.get(name) ?? 0) === 0) return []
    return `without ${missing} new problems of ${name} never get to an outcome, and sampling stops once enough of them are under way; configure that role, or leave ${name} out of sample-concepts.domainShares (${[...shares].map(([domain, share]) => `${domain}=${share}`).join(',')})`
  })
}
