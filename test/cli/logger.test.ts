/** Lines of the log: what is in them, and what never is. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { logLevelOf } from '../../cli/log-choice.ts'
import { openLogger } from '../../cli/logger.ts'
import { logEvents } from '../../engine/log-events.ts'
import { keepSecret } from '../../engine/secrets.ts'

function linesOf(level: Parameters<typeof openLogger>[0], tell: (logger: ReturnType<typeof openLogger>) => void) {
  const lines: string[] = []
  tell(openLogger(level, (line) => lines.push(line)))
  return lines
}

afterEach(() => vi.unstubAllEnvs())

describe('lines for machines', () => {
  test.each([
    // --log, WELLSPRING_LOG, whether stderr is a terminal -> the level, or lines for people
    [undefined, '', true, undefined],
    [undefined, '', false, undefined],
    [undefined, 'debug', true, undefined],
    [undefined, 'debug', false, 'debug'],
    ['json', '', true, 'info'],
    ['json', 'warn', true, 'warn'],
    ['text', 'warn', false, undefined],
  ] as const)('--log %s, WELLSPRING_LOG=%s, on a terminal %s: %s', (flag, level, isTerminal, expected) => {
    vi.stubEnv('WELLSPRING_LOG', level)
    expect(logLevelOf(flag, isTerminal)).toBe(expected)
  })

  test('of another form are refused', () => {
    expect(() => logLevelOf('xml', true)).toThrow('--log: expected text or json, got "xml"')
  })
})

test('a level leaves out what is below it, and says so before anything is made for it', () => {
  const lines = linesOf('warn', (logger) => {
    expect([logger.writes('debug'), logger.writes('info'), logger.writes('warn')]).toEqual([false, false, true])
    logger.tell('run.ended', { how: 'complete' })
    logger.tell('commit.failed', { processor: 'roll-out', code: 'fenced' })
  })
  expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(['commit.failed'])
})

describe('a secret that was planted', () => {
  const planted = 'planted"secret\n1'
  keepSecret(planted)
  const texts = {
    'read from a variable': `before ${planted} after`,
    'in a URL': 'http://user:planted@host/v1?key=planted',
    'in a header': 'authorization: Bearer planted.planted1',
    'of a known shape': 'sk-plantedplantedplanted1',
  }

  test.each(Object.entries(texts))('%s is in no field of any event', (_, text) => {
    for (const [name, { fields }] of Object.entries(logEvents)) {
      const given = Object.fromEntries(fields.map((field) => [field, field === 'applied' ? [text] : text]))
      const [line = ''] = linesOf('debug', (logger) => logger.tell(name as 'message', given))
      expect(line).toContain('[redacted]')
      expect(line).not.toContain('planted')
    }
  })
})

test('a field is cut, one line stays one, and a terminal has nothing to obey', () => {
  const [line = '', ...more] = linesOf('info', (logger) =>
    logger.tell('message', { message: `\u001b[31m\n\r\u0000${'x'.repeat(10_000)}` }),
  )
  expect(more).toEqual([])
  expect(line.trimEnd().split('\n')).toHaveLength(1)
  expect(line.length).toBeLessThan(2300)
  // eslint-disable-next-line no-control-regex
  expect(line.trimEnd()).not.toMatch(/[\u0000-\u001f]/)
})

test('whoever reads the lines may go away', () => {
  const logger = openLogger('info', () => {
    throw new Error('EPIPE')
  })
  expect(() => logger.tell('message', { message: 'x' })).not.toThrow()
})
