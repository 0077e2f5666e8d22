/** Endpoints that mean harm: answers without end, and errors that repeat what they were sent. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { secret } from '../../engine/secrets.ts'
import { parseInferenceSettings } from '../../inference/configuration.ts'
import { createInference } from '../../inference/inference.ts'
import { json, serveAnswers } from './server.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(open.splice(0).map((one) => one.close()))
})

const never = new AbortController().signal

function connectTo(url: string, endpoint: object = {}) {
  const settings = parseInferenceSettings({
    endpoints: { box: { url, ...endpoint } },
    models: { solver: { model: 'm', endpoints: ['box'] } },
    roles: { solver: ['solver'] },
  })
  const inference = createInference(settings, { secret })
  open.push(inference)
  return inference.complete({ role: 'solver', prompt: 'What is 1 + 1?' }, { requestId: 'r', signal: never })
}

describe('an answer without end', () => {
  it.each([
    ['one text', 'application/json', '{"choices": [{"message": {"content": "', 'x'.repeat(1 << 20), 'never'],
    [
      'a stream of tokens',
      'text/event-stream',
      '',
      `data: {"choices": [{"index": 0, "delta": {"content": "${'x'.repeat(1 << 20)}"}}]}\n\n`,
      'always',
    ],
    ['one line of a stream', 'text/event-stream', 'data: ', 'x'.repeat(1 << 20), 'always'],
  ])('as %s is cut off after 64 MiB', async (_, type, head, piece, stream) => {
    let sent = 0
    const server = createServer((request, response) => {
      request.resume()
      response.writeHead(200, { 'content-type': type })
      response.write(head)
      const more = (): void => {
        while (!response.destroyed && sent < 1 << 30) {
          sent += piece.length
          if (!response.write(piece)) return void response.once('drain', more)
        }
      }
      more()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    open.push({
      close: () =>
        new Promise((resolve) => {
          server.close(() => resolve())
          server.closeAllConnections()
        }),
    })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
    await expect(connectTo(url, { stream })).rejects.toMatchObject({
      kind: 'transient',
      code: 'ANSWER_MALFORMED',
      message: expect.stringMatching(/an answer of more than (64 MiB|67108864 bytes)/) as unknown,
    })
    // Some lies in buffers on the way.
    expect(sent).toBeLessThan(160 << 20)
  })
})

describe('a small answer that unpacks to a large one', () => {
  it('is cut off after 64 MiB', async () => {
    const text = `{"choices": [{"message": {"content": "${'x'.repeat(80 << 20)}"}, "finish_reason": "stop"}]}`
    const packed = gzipSync(text)
    const server = await serveAnswers((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(packed)
    })
    open.push(server)
    // Its length alone: nobody wants to see the text.
    const answered = connectTo(server.url, { stream: 'never' }).then(({ text: given }) => given.length)
    await expect(answered).rejects.toMatchObject({
      code: 'ANSWER_MALFORMED',
      message: expect.stringContaining('an answer of more than 64 MiB') as unknown,
    })
  })
})

describe('an error that is cut in the middle of the key', () => {
  const key = `planted-key-${'0123456789'.repeat(5)}`
  const begun = 'data: {"choices": [{"index": 0, "delta": {"content": "a"}}]}\n\n'

  it.each<[string, string, (response: ServerResponse) => void]>([
    ['no JSON', 'never', (response) => response.end(`${'x'.repeat(40)} ${key} ${'x'.repeat(400)}`)],
    ['an error in an answer', 'never', (response) => json(response, 200, { error: `${'x'.repeat(120)} ${key}` })],
    ['a refusal', 'never', (response) => json(response, 400, { error: { message: key.repeat(60) } })],
    [
      'the end of a stream',
      'always',
      (response) =>
        response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .end(`${begun}data: {"error": "${'x'.repeat(160)} ${key}"}\n\n`),
    ],
  ])('shows no part of it: %s', async (_, stream, respond) => {
    vi.stubEnv('PLANTED_KEY', key)
    const server = await serveAnswers((_request, response) => respond(response))
    open.push(server)
    const given = await connectTo(server.url, { apiKeyVariable: 'PLANTED_KEY', stream, timeoutSeconds: 5 }).catch(
      (error: unknown) => error,
    )
    const { message } = given as Error
    expect(message).toContain('[redacted]')
    expect(message).not.toContain('planted')
  })
})

describe('an error that repeats the key', () => {
  it.each([400, 401, 429, 500])('with status %i shows it to nobody', async (status) => {
    vi.stubEnv('PLANTED_KEY', 'planted/key+1')
    const server = await serveAnswers(({ headers }, response) => {
      json(response, status, {
        error: {
          message: `no: ${headers.authorization}, ${headers.authorization?.replace('Bearer ', '')}, ?k=planted%2Fkey%2B1`,
        },
      })
    })
    open.push(server)
    const failing = connectTo(server.url, { apiKeyVariable: 'PLANTED_KEY', stream: 'never', timeoutSeconds: 5 })
    const given = await Promise.race([
      failing.catch((error: unknown) => String((error as Error).message)),
      // It waits for an endpoint that refuses: what it waits for is told elsewhere.
      server.arrived(2).then(() => 'waits'),
    ])
    expect(server.seen[0]?.headers.authorization).toBe('Bearer planted/key+1')
    expect(given).not.toContain('planted')
  })
})

describe('an answer that repeats the key', () => {
  const piece = (delta: object): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`
  const end = 'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'

  it.each<['never' | 'always']>([['never'], ['always']])('comes without it (streamed: %s)', async (stream) => {
    const key = 'planted-key-of-36-characters-"/+=-99'
    vi.stubEnv('PLANTED_KEY', key)
    // In two pieces, where it is streamed.
    const parts = [`key: ${key.slice(0, 9)}`, `${key.slice(9)}; sk-is-no-key-of-ours-123456789`]
    const server = await serveAnswers((_, response) => {
      if (stream === 'never') {
        const message = { content: parts.join(''), reasoning_content: parts.join('') }
        return json(response, 200, { choices: [{ message, finish_reason: 'stop' }] })
      }
      const pieces = [
        ...parts.map((part) => piece({ reasoning_content: part })),
        ...parts.map((content) => piece({ content })),
      ]
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`${pieces.join('')}${end}`)
    })
    open.push(server)
    const { text, reasoning } = await connectTo(server.url, { apiKeyVariable: 'PLANTED_KEY', stream })
    const clean = 'key: [redacted]; sk-is-no-key-of-ours-123456789'
    expect([text, reasoning]).toEqual([clean, clean])
  })

  it('keeps a short one, which texts hold by chance', async () => {
    vi.stubEnv('PLANTED_KEY', 'EMPTY')
    const server = await serveAnswers((_, response) => {
      json(response, 200, { choices: [{ message: { content: 'The set is EMPTY.' }, finish_reason: 'stop' }] })
    })
    open.push(server)
    const { text } = await connectTo(server.url, { apiKeyVariable: 'PLANTED_KEY', stream: 'never' })
    expect(text).toBe('The set is EMPTY.')
  })
})
