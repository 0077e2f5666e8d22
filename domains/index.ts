/** All domains, by name. */
import { InvalidRecordError } from '../engine/errors.ts'
import { code } from './code.ts'
import type { Domain } from './domain.ts'
import { math } from './math.ts'

export const domains: readonly Domain[] = [math, code]

/** The domain of a name. @throws InvalidRecordError naming the domains there are */
export function domainNamed(name: string): Domain {
  const found = domains.find((domain) => domain.name === name)
  if (found) return found
  throw new InvalidRecordError(
    'RECORD_INVARIANT_BROKEN',
    `no domain is called "${name}"; there are ${domains.map((domain) => domain.name).join(', ')}`,
  )
}
