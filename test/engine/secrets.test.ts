/** What no message shows. */
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { holdsSecret, keepSecret, redacted, redactedBeginning, secret } from '../../engine/secrets.ts'
import { processorMilliseconds } from '../processor-time.ts'

afterEach(() => vi.unstubAllEnvs())

describe('a value that was read as a secret', () => {
  test('is shown nowhere, plain, in a URL or in JSON', () => {
    vi.stubEnv('PLANTED_SECRET', 'pl"anted/sec ret+1')
    expect(secret('PLANTED_SECRET')).toBe('pl"anted/sec ret+1')
    const value = 'pl"anted/sec ret+1'
    for (const text of [value, encodeURIComponent(value), JSON.stringify({ value }), `a${value}b${value}`])
      expect(redacted(text)).not.toMatch(/anted|sec ret|ret\+1|ret%2B1/)
  })

  test('is taken out wherever it stands', () => {
    keepSecret('property-secret')
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        expect(redacted(`${before}property-secret${after}`)).not.toContain('property-secret')
      }),
    )
  })

  test('does not blot out texts where it is as short as a word of them', () => {
    keepSecret('abc')
    expect(redacted('the abc of it')).toBe('the abc of it')
  })
})

describe('the beginning of a text', () => {
  test('shows no part of a secret, wherever the text is cut', () => {
    const hidden = `hidden-${'0123456789'.repeat(9)}`
    keepSecret(hidden)
    fc.assert(
      fc.property(
        fc.nat(3000),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 1000 }),
        (at, times, most) => {
          const clean = redactedBeginning(`${'x'.repeat(at)}${hidden.repeat(times)} ${'y'.repeat(at)}`, most)
          expect(clean).not.toContain('hidden')
          expect(clean.length).toBeLessThanOrEqual(most + 3)
        },
      ),
    )
  })

  test('is the text itself where that is short', () => {
    expect(redactedBeginning('a text', 6)).toBe('a text')
    expect(redactedBeginning('a text', 5)).toBe('a tex...')
  })
})

describe('what may hold a secret', () => {
  test.each([
    ['http://user:hidden@host:9092/path', 'http://[redacted]@host:9092/path'],
    ['at https://hidden@host: refused', 'at https://[redacted]@host: refused'],
    ['see http://host/v1?key=hidden&b=2, then', 'see http://host/v1?[redacted], then'],
    ['http://host/path#hidden', 'http://host/path?[redacted]'],
    ['Authorization: Bearer hidden123', 'Authorization: [redacted]'],
    ['{"authorization":"Basic aGlkZGVuOmhpZGRlbg=="}', '{"authorization":"[redacted]"}'],
    ['x-api-key=hidden', 'x-api-key=[redacted]'],
    ['got bearer hidden.token-1', 'got bearer [redacted]'],
    ['Cookie: session=hidden', 'Cookie: [redacted]'],
    ['user=me password=hidden rest', 'user=me password=[redacted] rest'],
    ['Incorrect API key provided: sk-proj-hidden0123456789.', 'Incorrect API key provided: [redacted].'],
    ['hf_hiddenhiddenhidden1', '[redacted]'],
    ['AKIAIOSFODNN7EXAMPLE', '[redacted]'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.hidden', '[redacted]'],
    ['a -----BEGIN RSA PRIVATE KEY-----\nhidden\n-----END RSA PRIVATE KEY----- b', 'a [redacted] b'],
    ['-----BEGIN PRIVATE KEY-----\nhidden, cut', '[redacted]'],
  ])('%s -> %s', (text, clean) => {
    expect(redacted(text)).toBe(clean)
  })

  test.each([
    'http://127.0.0.1:8081/apis/ccompat/v7 answered 404',
    'registry.token: a file holds no secret: remove it from there and set WELLSPRING_REGISTRY_TOKEN',
    'set endpoints.box.apiKeyVariable to the name of an environment variable that holds a valid key',
    'a token of the bearer, basic authentication, 12 tokens/s; maxTokens=16384; see docs/settings.md#a-corpus',
    'problem-91ab23 at roll-out/4: expected a + b = c, got 3?',
  ])('leaves alone: %s', (text) => {
    expect(redacted(text)).toBe(text)
  })

  test('what is clean stays as it is when it is cleaned again', () => {
    fc.assert(fc.property(fc.string(), (text) => redacted(redacted(text)) === redacted(text)))
  })

  test('a hostile text takes no longer than its length', () => {
    const texts = ['a://'.repeat(20_000), 'x'.repeat(80_000), 'token'.repeat(16_000), '-----BEGIN '.repeat(8000)]
    // Seconds would be square growth.
    expect(processorMilliseconds(() => texts.forEach((text) => redacted(text)))).toBeLessThan(5000)
  })
})

describe('what can be nothing but a secret', () => {
  test.each([
    'http://user:hidden@host:9092/path',
    'http://user:$hidden@host',
    'the key is sk-proj-hidden0123456789.',
    'Authorization: Bearer hidden0123',
    '-----BEGIN RSA PRIVATE KEY-----',
  ])('is found: %s', (text) => {
    expect(holdsSecret(text)).toBe(true)
    expect(redacted(text)).not.toBe(text)
  })

  test.each([
    'https://docs.example/page?of=this#a-part',
    'ssh://git@host/path',
    'http://user:$(PASSWORD)@host',
    'Authorization: Bearer $(TOKEN)',
    'maxTokens=16384; token=none',
  ])('is not: %s', (text) => {
    expect(holdsSecret(text)).toBe(false)
  })
})
