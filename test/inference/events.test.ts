import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCompletion } from '../../inference/answers.ts'
import { StreamedAnswer } from '../../inference/events.ts'
import { FaultError } from '../../inference/failures.ts'
import type { Fault } from '../../inference/failures.ts'

const limit = 1 << 20

/** What becomes of bytes that come in these parts: the body, or the fault. */
function read(parts: readonly Uint8Array[], mode: 'chat' | 'raw' = 'chat'): Record<string, unknown> | Fault {
  const answer = new StreamedAnswer(mode, limit)
  try {
    for (const part of parts) answer.push(part)
    return answer.end()
  } catch (error) {
    if (error instanceof FaultError) return error.fault
    throw error
  }
}

const readText = (text: string, mode: 'chat' | 'raw' = 'chat') => read([Buffer.from(text)], mode)

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
const delta = (one: object, finish: string | null = null, index = 0): string =>
  event({ id: 'x', choices: [{ index, delta: one, finish_reason: finish }] })
const done = 'data: [DONE]\n\n'
const usage = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 }
const usageEvent = event({ choices: [], usage })

describe('a streamed answer', () => {
  it('becomes the body that a plain answer has', () => {
    const stream =
      delta({ role: 'assistant', content: '' }) +
      delta({ reasoning: 'two ' }) +
      delta({ reasoning: 'and two' }) +
      delta({ content: 'fo' }) +
      delta({ content: 'ur' }) +
      delta({}, 'stop') +
      usageEvent +
      done
    const body = readText(stream)
    expect(body).toEqual({
      choices: [
        { index: 0, message: { role: 'assistant', content: 'four', reasoning: 'two and two' }, finish_reason: 'stop' },
      ],
      usage,
    })
    expect(readCompletion(body as Record<string, unknown>, 'chat')).toMatchObject({
      content: 'four',
      reasoning: 'two and two',
      finishReason: 'stop',
      usage: { prompt: 3, completion: 5 },
    })
  })

  it('of /completions too', () => {
    const text = (part: string, finish: string | null) =>
      event({ choices: [{ index: 0, text: part, finish_reason: finish }] })
    expect(readText(text('a', null) + text('b', 'length') + done, 'raw')).toEqual({
      choices: [{ index: 0, text: 'ab', finish_reason: 'length' }],
    })
  })

  it.each<[string, string, object]>([
    ['without usage', delta({ content: 'a' }, 'stop') + done, { choices: [{ message: { content: 'a' } }] }],
    ['with usage in each event', event({ choices: [], usage: { prompt_tokens: 1 } }) + usageEvent + done, { usage }],
    ['with null for usage', event({ choices: [], usage: null }) + usageEvent + done, { usage }],
    [
      'with reasoning_content',
      delta({ content: null, reasoning_content: 'r' }) + delta({ content: 'a', reasoning_content: null }, 'stop'),
      { choices: [{ message: { content: 'a', reasoning: 'r' } }] },
    ],
    [
      'with both names for the same reasoning',
      delta({ reasoning: 'r', reasoning_content: 'r' }) + delta({ content: 'a' }, 'stop'),
      { choices: [{ message: { content: 'a', reasoning: 'r' } }] },
    ],
    [
      'with more choices, of which the first counts',
      delta({ content: 'a' }) + delta({ content: 'b' }, 'length', 1) + delta({}, 'stop') + done,
      { choices: [{ message: { content: 'a' }, finish_reason: 'stop' }] },
    ],
    [
      'with text parts',
      delta({ content: [{ type: 'text', text: 'a' }, { type: 'image' }, { type: 'text', text: 'b' }] }, 'stop'),
      { choices: [{ message: { content: 'ab' } }] },
    ],
    [
      'with a whole message as its only event',
      event({ choices: [{ index: 0, message: { content: 'a' }, finish_reason: 'stop' }], usage }) + done,
      { choices: [{ message: { content: 'a' }, finish_reason: 'stop' }], usage },
    ],
    [
      'with comments, other fields and no space after the colon',
      ': keep-alive\n\nevent: message\nid: 7\nretry: 10\ndatabase: x\ndata:{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n',
      { choices: [{ message: { content: 'a' } }] },
    ],
    [
      'with data on several lines',
      'data: {"choices":[{"index":0,\ndata: "delta":{"content":"a"},"finish_reason":"stop"}]}\n\n',
      { choices: [{ message: { content: 'a' } }] },
    ],
    ['without end mark', delta({ content: 'a' }, 'stop'), { choices: [{ message: { content: 'a' } }] }],
    ['without finish_reason', delta({ content: 'a' }) + done, { choices: [{ message: { content: 'a' } }] }],
    [
      'without the empty line at its end',
      `${delta({ content: 'a' })}${delta({ content: 'b' }, 'stop').trimEnd()}`,
      { choices: [{ message: { content: 'ab' } }] },
    ],
    [
      'with something after the end mark',
      `${delta({ content: 'a' }, 'stop')}${done}${delta({ content: 'b' })}data: x\n\n`,
      { choices: [{ message: { content: 'a' } }] },
    ],
    ['that is plain JSON', JSON.stringify({ choices: [{ message: { content: 'a' } }] }, null, 2), { choices: [{}] }],
  ])('%s is whole', (_, text, expected) => {
    expect(readText(text)).toMatchObject(expected)
    expect(readText(text.replaceAll('\n', '\r\n'))).toMatchObject(expected)
    expect(readText(text.replaceAll('\n', '\r'))).toMatchObject(expected)
    expect(readText(`\uFEFF${text}`)).toMatchObject(expected)
  })

  it.each<[string, string, Partial<Fault>]>([
    ['that ends in the middle', delta({ content: 'a' }), { kind: 'broken-off' }],
    ['that ends in the middle of an event', delta({ content: 'a' }, 'stop').slice(0, -20), { kind: 'broken-off' }],
    ['of comments alone', ': keep-alive\n\n', { kind: 'broken-off' }],
    [
      'with an error that names a status',
      event({ error: { message: 'slow down', code: 429 } }),
      { kind: 'status', status: 429 },
    ],
    ['with an error as older servers write it', event({ object: 'error', code: 400 }), { kind: 'status', status: 400 }],
    ['with an error that names none', event({ error: { message: 'no' } }) + done, { kind: 'malformed' }],
    [
      'with an error after text',
      delta({ content: 'a' }) + event({ error: { message: 'boom', code: 500 } }) + done,
      { kind: 'broken-off' },
    ],
    ['with an event that is no JSON', `data: upstream is gone\n\n${done}`, { kind: 'malformed' }],
    ['with an event that is no object', 'data: 7\n\n', { kind: 'malformed' }],
    ['with a delta that is no text', delta({ content: 7 }), { kind: 'malformed' }],
    ['that is empty', '', { kind: 'malformed' }],
    ['that is a page', '<html>\n\nwelcome</html>', { kind: 'malformed' }],
    ['that is half a plain JSON', '{"choices":[{"mess', { kind: 'malformed' }],
    ['that is a plain error', JSON.stringify({ error: { code: 503 } }), { kind: 'status', status: 503 }],
    ['that is too long', `:${'x'.repeat(limit)}`, { kind: 'malformed' }],
  ])('%s is none', (_, text, expected) => {
    expect(readText(text)).toMatchObject(expected)
  })

  it('without a choice is refused by its reader', () => {
    expect(() => readCompletion(readText(usageEvent + done) as Record<string, unknown>, 'chat')).toThrow(FaultError)
  })

  it('is the same in whatever parts its bytes come', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 })
    const deltaOf = fc.record(
      { content: fc.option(text), reasoning: text, reasoning_content: text, role: fc.constant('assistant') },
      { requiredKeys: [] },
    )
    const block = fc.oneof(
      { weight: 6, arbitrary: fc.tuple(deltaOf, fc.constantFrom(null, null, 'stop', 'length')) },
      fc.constantFrom(
        ': keep-alive\n\n',
        'event: x\n',
        '\n',
        done,
        usageEvent,
        'data\n\n',
        'data: x\n\n',
        event({ error: { code: 500 } }),
      ),
    )
    const stream = fc.tuple(
      fc.array(block, { maxLength: 8 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.constantFrom('', '\uFEFF', '\n', '{"choices":'),
      fc.nat(40),
    )
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), ([blocks, lineEnd, head, missing], cuts) => {
        const whole = blocks.map((one) => (typeof one === 'string' ? one : delta(one[0], one[1]))).join('')
        const bytes = Buffer.from(head + whole.replaceAll('\n', lineEnd))
        const sent = bytes.subarray(0, Math.max(0, bytes.length - missing))
        const at = [0, ...cuts.map((cut) => cut % (sent.length + 1)).sort((a, b) => a - b), sent.length]
        const parts = at.slice(1).map((end, index) => sent.subarray(at[index], end))
        expect(read(parts)).toEqual(read([sent]))
        expect(read(Array.from(sent, (byte) => Uint8Array.of(byte)))).toEqual(read([sent]))
      }),
      { numRuns: 500 },
    )
  })

  it('is what its events say, however much they are alike', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 8 }),
      fc.constantFrom('a', 'assistant', 'content', '"', '\\', '\n', '"}', '","content":"', ''),
    )
    const kind = fc.constantFrom('content', 'reasoning', 'decoy', 'two choices', 'list', 'both', 'usage', 'spaced')
    const one = ([what, said]: [string, string]): [string, string, string] => {
      const choice = (part: object, index = 0) => ({ index, delta: part, finish_reason: null })
      switch (what) {
        case 'reasoning':
          return [event({ choices: [choice({ content: null, reasoning: said })] }), '', said]
        case 'decoy':
          return [event({ note: { content: said }, choices: [choice({ role: said, content: 'x' })] }), 'x', '']
        case 'two choices':
          return [event({ choices: [choice({ content: said }, 1), choice({ content: said })] }), said, '']
        case 'list':
          return [event({ choices: [choice({ content: [{ text: said }, { text: 'y' }] })] }), `${said}y`, '']
        case 'both':
          return [event({ choices: [choice({ content: said, reasoning: said })] }), said, said]
        case 'usage':
          return [event({ choices: [choice({ content: said })], usage }), said, '']
        case 'spaced':
          return [
            `data: {"choices": [{"index": 0, "delta": {"content": ${JSON.stringify(said)}}, "finish_reason": null}]}\n\n`,
            said,
            '',
          ]
        default:
          return [event({ choices: [choice({ content: said })] }), said, '']
      }
    }
    fc.assert(
      fc.property(
        fc.array(fc.tuple(kind, fc.array(text, { minLength: 1, maxLength: 4 })), { maxLength: 12 }),
        fc.integer({ min: 2, max: 5 }),
        (runs, together) => {
          const events = runs.flatMap(([what, texts]) => texts.map((said) => one([what, said])))
          const joined = (place: 1 | 2): string => events.map((parts) => parts[place]).join('')
          // Servers send each event by itself, proxies several at once.
          const sent = [...events.map(([bytes]) => bytes), delta({}, 'stop') + done]
          const body = read(sent.map((part) => Buffer.from(part)))
          const parts = Array.from({ length: Math.ceil(sent.length / together) }, (_, part) =>
            Buffer.from(sent.slice(part * together, (part + 1) * together).join('')),
          )
          expect(read(parts)).toEqual(body)
          expect(readCompletion(body as Record<string, unknown>, 'chat').content).toBe(joined(1))
          expect((body as { choices: { message: { reasoning?: string } }[] }).choices[0]?.message.reasoning ?? '').toBe(
            joined(2),
          )
          expect(body).toHaveProperty('choices.0.finish_reason', 'stop')
          expect('usage' in body).toBe(runs.some(([what]) => what === 'usage'))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('of a hundred thousand small pieces is put together', () => {
    const answer = new StreamedAnswer('chat', 1e9)
    const one = Buffer.from(delta({ content: 'é' }))
    for (let count = 0; count < 100_000; count += 1) answer.push(one)
    expect(answer.lengths).toEqual({ reasoning: 0, text: 100_000 })
    const long = `${'𝒙'.repeat(3000)}é`
    answer.push(Buffer.from(delta({ content: '𝒙' }) + delta({ content: long })))
    expect(answer.lengths.text).toBe(106_003)
    answer.push(Buffer.from(delta({}, 'stop')))
    expect(readCompletion(answer.end(), 'chat').content).toBe(`${'é'.repeat(100_000)}𝒙${long}`)
  })
})

describe('progress of a streamed answer', () => {
  const at = (answer: StreamedAnswer, text: string): boolean => {
    answer.progressedMs = 0
    answer.push(Buffer.from(text))
    return answer.progressedMs > 0
  }

  it('is text, and before the first text every event and comment', () => {
    const answer = new StreamedAnswer('chat', limit)
    expect(at(answer, ': queued\n\n')).toBe(true)
    expect(at(answer, delta({ role: 'assistant', content: '' }))).toBe(true)
    expect(at(answer, ': still thinking\n\n')).toBe(true)
    expect(at(answer, delta({ reasoning: 'a' }))).toBe(true)
    expect(at(answer, ': keep-alive\n\n')).toBe(false)
    expect(at(answer, 'data: {"choices"')).toBe(false)
    expect(at(answer, ':[]}\n\n')).toBe(false)
    expect(at(answer, delta({ content: '' }))).toBe(false)
    expect(at(answer, delta({ content: 'b' }))).toBe(true)
    expect(at(answer, delta({ content: '' }))).toBe(false)
    expect(at(answer, delta({ content: 'c' }))).toBe(true)
  })
})
