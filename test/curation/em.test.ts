import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Announcements, hasConverged, readinessOf, stepAfter } from '../../curation/em.ts'
import { parseLevels } from '../../curation/levels.ts'
import { readThinking } from '../../curation/synthesis.ts'

type Announced = 'problem-writer' | 'rationale-writer'

/** The steps that announcements of these roles begin, in turn. */
function stepsOf(roles: readonly Announced[]): string[] {
  const table = new Announcements()
  return roles.map((role, index) => {
    const standing = stepAfter(table, role)
    const version = `v-${index}`
    table.add({ createdAtMs: 0, role, model: 'm', endpoint: '', version, ordinal: index + 1, ...standing })
    return `${standing.step} ${standing.iteration}`
  })
}

describe('the step that is due', () => {
  it('is the cold start until both models are there, then E and M in turn', () => {
    expect(
      stepsOf(['problem-writer', 'rationale-writer', 'rationale-writer', 'problem-writer', 'rationale-writer']),
    ).toEqual(['cold-start 0', 'e 1', 'm 1', 'e 2', 'm 2'])
    expect(stepsOf(['rationale-writer', 'rationale-writer', 'problem-writer'])).toEqual([
      'cold-start 0',
      'cold-start 0',
      'e 1',
    ])
  })

  it('begins anew, in its iteration, where its model is announced again out of turn', () => {
    expect(
      stepsOf(['rationale-writer', 'problem-writer', 'problem-writer', 'rationale-writer', 'rationale-writer']),
    ).toEqual(['cold-start 0', 'e 1', 'e 1', 'm 1', 'm 1'])
  })

  it('never skips an iteration, and an M-step always follows an E-step of its own', () => {
    const announcements = fc.array(fc.constantFrom<Announced>('problem-writer', 'rationale-writer'), { maxLength: 30 })
    fc.assert(
      fc.property(announcements, (roles) => {
        const steps = stepsOf(roles)
        for (const [index, step] of steps.entries()) {
          const [kind, iteration] = step.split(' ')
          if (kind === 'm') expect(steps.slice(0, index)).toContain(`e ${iteration}`)
          if (kind === 'e' && iteration !== '1') expect(steps.slice(0, index)).toContain(`m ${Number(iteration) - 1}`)
        }
      }),
    )
  })
})

describe('work of a step', () => {
  const work = { announcement: 4, version: 'q-1' }
  it('is ready with its version, however long that has been in force', () => {
    expect(readinessOf(work, { version: 'q-1', ordinal: 3 })).toBe('ready')
    expect(readinessOf(work, { version: 'q-1', ordinal: 4 })).toBe('ready')
  })
  it('is awaited while an older version is known, or none', () => {
    expect(readinessOf(work, { version: 'q-0', ordinal: 1 })).toBe('awaited')
    expect(readinessOf(work, undefined)).toBe('awaited')
  })
  it('is superseded by whatever was announced after it began', () => {
    expect(readinessOf(work, { version: 'q-2', ordinal: 5 })).toBe('superseded')
    expect(readinessOf(work, { version: 'q-1', ordinal: 5 })).toBe('superseded')
  })
})

describe('our stop rule', () => {
  it('goes on while the held-out loss falls by more than a thousandth of itself', () => {
    expect(hasConverged([])).toBe(false)
    expect(hasConverged([200])).toBe(false)
    expect(hasConverged([200, 199])).toBe(false)
    expect(hasConverged([200, 199.9])).toBe(true)
    expect(hasConverged([200, 190, 191])).toBe(true)
  })
})

describe('levels by domain', () => {
  it('are read from a list, or refused with a sentence', () => {
    expect(parseLevels('math=AIME, code=Codeforces')).toEqual(
      new Map([
        ['math', 'AIME'],
        ['code', 'Codeforces'],
      ]),
    )
    expect(parseLevels('')).toEqual(new Map())
    expect(parseLevels('math=A,math=B')).toEqual({ fault: 'expected each domain once, got math twice' })
  })
})

describe("an annotator's rationale", () => {
  it('is what stands after the last mark', () => {
    expect(readThinking('Thinking Process: Two pairs meet.')).toBe('Two pairs meet.')
    expect(readThinking('I write "Thinking Process:" first.\n**Thinking Process:**\nTwo.')).toBe('Two.')
    expect(readThinking('Two pairs meet.')).toBeUndefined()
    expect(readThinking('Thinking Process: ')).toBeUndefined()
  })
})
