import { describe, expect, it } from 'vitest'
import { domainNamed, domains } from '../../domains/index.ts'

describe('the domains', () => {
  it('have names and levels of their own', () => {
    expect(new Set(domains.map(({ name }) => name)).size).toBe(domains.length)
    const levels = domains.flatMap((domain) => domain.levels)
    expect(new Set(levels).size).toBe(levels.length)
    for (const { name } of domains) expect(name).toMatch(/^[a-z][a-z0-9-]*$/)
  })

  it.each(domains)('$name has levels, and versions for its prompts, which hold the whole statement', (domain) => {
    expect(domain.levels.length).toBeGreaterThan(0)
    const statement = 'First line.\n\nSecond line.'
    const prompts = [
      domain.solverPrompt(statement),
      ...(domain.checkedBy === 'tests' ? [domain.testPrompt(statement, 'edge case')] : []),
    ]
    for (const { text, version } of prompts) {
      expect(text).toContain(statement)
      expect(version).toMatch(/^[a-z0-9-]+$/)
    }
  })

  it.each(domains)('$name has no checks in what is empty', ({ hasChecks, hasAnswer }) => {
    expect(hasChecks({ answer: null, tests: [], trusted: false })).toBe(false)
    expect(hasAnswer('')).toBe(false)
  })

  it('are found by name, or named where one is not found', () => {
    for (const domain of domains) expect(domainNamed(domain.name)).toBe(domain)
    expect(() => domainNamed('poetry')).toThrow(`there are ${domains.map(({ name }) => name).join(', ')}`)
  })
})
