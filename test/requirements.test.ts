import { afterEach, describe, expect, it, vi } from 'vitest'
import { requireOrSkip } from './requirements.ts'

describe('requireOrSkip', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  })

  it('runs a suite whose needs are met, and says nothing', () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    expect(requireOrSkip('a tool', true)).toBe(true)
    expect(warn).not.toHaveBeenCalled()
  })

  it('skips a suite otherwise, and says why in one line', () => {
    vi.stubEnv('WELLSPRING_REQUIRE_ALL', '')
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    expect(requireOrSkip('a tool', false)).toBe(false)
    expect(warn.mock.calls).toEqual([['skipped for want of a tool']])
  })

  it('fails it where everything is required', () => {
    vi.stubEnv('WELLSPRING_REQUIRE_ALL', '1')
    expect(requireOrSkip('a tool', true)).toBe(true)
    expect(() => requireOrSkip('a tool', false)).toThrow('missing: a tool')
  })
})
