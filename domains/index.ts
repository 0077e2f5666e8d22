/** All domains, by name. */
import { InvalidRecordError } from '../engine/errors.ts'
import { allDomains } from './all.ts'
import type { Domain } from './domain.ts'

export const domains: readonly Domain[] = allDomains

/** The domain of a name. @throws InvalidRecordError naming the domains there are */
export function domainNamed(name: string): Domain {
  const found = domains.find((domain) => domain.name === name)
  if (found) return found
  throw new InvalidRecordError(
    'RECORD_INVARIANT_BROKEN',
    `no domain is called "${name}"; there are ${domains.map((domain) => domain.name).join(', ')}`,
  )
}
