import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parseScript, playScript } from '../../simulator/script.ts'

describe('a script of events', () => {
  it('has times from the start, from the event before, and again and again', () => {
    const events = parseScript('hang@60s, recover@+30s,restart@2m/5s,restart@+1.5m,restart@every1h')
    const once = { everySeconds: undefined }
    expect(events).toEqual([
      { what: 'hang', atSeconds: 60, awaySeconds: 0, ...once },
      { what: 'recover', atSeconds: 90, awaySeconds: 0, ...once },
      { what: 'restart', atSeconds: 120, awaySeconds: 5, ...once },
      { what: 'restart', atSeconds: 210, awaySeconds: 2, ...once },
      { what: 'restart', atSeconds: 3600, awaySeconds: 2, everySeconds: 3600 },
    ])
  })

  it('may be empty, and may begin with a time after nothing', () => {
    expect(parseScript(' ')).toEqual([])
    expect(parseScript('hang@+3s')).toMatchObject([{ atSeconds: 3 }])
  })

  it.each([
    ['hang', '"hang": expected hang, recover or restart, @ and a time, such as restart@120s'],
    ['stop@3s', '"stop@3s": expected hang, recover or restart, @ and a time, such as restart@120s'],
    ['hang@1s,,recover@2s', '"": expected hang, recover or restart, @ and a time, such as restart@120s'],
    ['hang@60', '"hang@60": expected a time such as 10s, 2m or 1h, got "60"'],
    ['hang@1d', '"hang@1d": expected a time such as 10s, 2m or 1h, got "1d"'],
    ['hang@-5s', '"hang@-5s": expected a time such as 10s, 2m or 1h, got "-5s"'],
    ['restart@5s/', '"restart@5s/": expected a time such as 10s, 2m or 1h, got ""'],
    ['hang@5s/3s', '"hang@5s/3s": expected no "/": only a restart has a duration'],
    ['hang@every0s', '"hang@every0s": expected a period of more than 0 s'],
    [
      'restart@every5s/5s',
      '"restart@every5s/5s": expected a period that is longer than the restart of 5 s, got one of 5 s',
    ],
    [
      'restart@every5s,hang@+1s',
      '"hang@+1s": expected a time from the start: the event before it repeats, "+" counts from one that happens once',
    ],
  ])('%s is refused', (text, message) => {
    expect(() => parseScript(text)).toThrow(new Error(message))
  })

  it('is read or refused in one line, whatever it is', () => {
    const pieces = fc.constantFrom(
      'hang',
      'restart',
      '@',
      '+',
      'every',
      '/',
      ',',
      '5',
      '.5',
      's',
      'm',
      'h',
      '\n',
      ' ',
      'x',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        try {
          for (const { atSeconds } of parseScript(parts.join(''))) expect(Number.isFinite(atSeconds)).toBe(true)
        } catch (error) {
          expect((error as Error).message).toMatch(/^".*": expected [^\n]+$/)
        }
      }),
    )
  })
})

describe('playing a script', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const play = (text: string, speed: number) => {
    const began = performance.now()
    const happened: string[] = []
    const end = playScript(parseScript(text), speed, ({ what }) => {
      happened.push(`${what} ${Math.round((performance.now() - began) / 10) / 100}`)
    })
    return { happened, end }
  }

  it('divides its times by the speed, and takes events of a moment in their order', () => {
    const { happened } = play('recover@20s,hang@10s,restart@20s,restart@every15s', 10)
    vi.advanceTimersByTime(4600)
    expect(happened).toEqual(['hang 1', 'restart 1.5', 'recover 2', 'restart 2', 'restart 3', 'restart 4.5'])
  })

  it('waits longer than one timer can', () => {
    const { happened } = play('hang@1h,recover@1000h', 1)
    vi.advanceTimersByTime(999 * 3_600_000)
    expect(happened).toEqual(['hang 3600'])
    vi.advanceTimersByTime(3_600_000)
    expect(happened).toEqual(['hang 3600', 'recover 3600000'])
  })

  it('ends when it is told to', () => {
    const { happened, end } = play('hang@every1s', 1)
    vi.advanceTimersByTime(2500)
    end()
    vi.advanceTimersByTime(5000)
    expect(happened).toHaveLength(2)
  })
})
