import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Agent } from 'undici'
import { readCompletion } from '../../inference/answers.ts'
import { type EndpointSettings, parseInferenceSettings } from '../../inference/configuration.ts'
import { Endpoint } from '../../inference/endpoint.ts'
import { transportOptions } from '../../inference/wire.ts'
import { failureRules, readRetryAfter } from '../../inference/failures.ts'
import { chatAnswer, json, serveAnswers } from './server.ts'
import type { Respond } from './server.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

function connect(url: string, more: object = {}): Endpoint {
  const { endpoints } = parseInferenceSettings({ endpoints: { box: { url, ...more } }, models: {}, roles: {} })
  const agent = new Agent(transportOptions)
  const endpoint = new Endpoint('box', endpoints['box'] as EndpointSettings, 'k', { agent, lookSeconds: 1 })
  open.push({
    close: async () => {
      endpoint.close()
      await agent.destroy()
    },
  })
  return endpoint
}

/** One call, as a call that has its slot is sent. */
const solve = (endpoint: Endpoint, signal = new AbortController().signal) =>
  endpoint.call(
    { path: 'chat/completions', body: { model: 'some-model', messages: [{ role: 'user', content: 'x' }] } },
    (body) => readCompletion(body, 'chat'),
    { model: 'some-model', requestId: 'r-1', signal },
  )

/** The error of a call to a server that answers by `respond`. */
async function failureWith(respond: Respond, endpoint: object = {}): Promise<Error & Record<string, unknown>> {
  const server = await serveAnswers(respond)
  open.push(server)
  return solve(connect(server.url, endpoint)).then(
    () => {
      throw new Error('the call did not fail')
    },
    (error: unknown) => error as Error & Record<string, unknown>,
  )
}

const answering =
  (status: number, body: unknown, headers: Record<string, string> = {}): Respond =>
  (_, response) =>
    json(response, status, body, headers)

const error = (message: string, more: object = {}) => ({ error: { message, ...more } })

describe('failures of an endpoint become the errors of the engine', () => {
  it.each<[string, number, unknown, Record<string, unknown>]>([
    ['429', 429, error('slow down'), { kind: 'transient', code: 'ENDPOINT_RATE_LIMITED', outage: true }],
    ['402', 402, error('no credit'), { kind: 'transient', code: 'ENDPOINT_RATE_LIMITED', outage: true }],
    ['500', 500, error('boom'), { kind: 'transient', code: 'ENDPOINT_FAILED', outage: true }],
    ['502', 502, 'Bad Gateway', { kind: 'transient', code: 'ENDPOINT_FAILED', outage: true }],
    ['503', 503, error('loading model'), { kind: 'transient', code: 'ENDPOINT_FAILED', outage: true }],
    ['529', 529, error('overloaded'), { kind: 'transient', code: 'ENDPOINT_FAILED', outage: true }],
    ['408', 408, error('too slow'), { kind: 'transient', code: 'ENDPOINT_TIMEOUT', outage: false }],
    ['504', 504, 'Gateway Timeout', { kind: 'transient', code: 'ENDPOINT_TIMEOUT', outage: false }],
    ['400', 400, error('temperature must be below 2'), { kind: 'invalid-record', code: 'REQUEST_REFUSED' }],
    ['422', 422, { detail: [{ msg: 'field required' }] }, { kind: 'invalid-record', code: 'REQUEST_REFUSED' }],
    ['413', 413, 'too large', { kind: 'invalid-record', code: 'REQUEST_REFUSED' }],
    ['409', 409, error('conflict'), { kind: 'invalid-record', code: 'REQUEST_REFUSED' }],
    ['401', 401, error('wrong key'), { kind: 'configuration' }],
    ['403', 403, error('not yours'), { kind: 'configuration' }],
    ['405', 405, error('method not allowed'), { kind: 'configuration' }],
    ['501', 501, error('no embeddings here'), { kind: 'configuration' }],
    ['301', 301, '', { kind: 'configuration' }],
  ])('%s', async (_, status, body, expected) => {
    expect(await failureWith(answering(status, body))).toMatchObject(expected)
  })

  it.each<[string, number, unknown]>([
    ['OpenAI', 400, error("This model's maximum context length is 8192 tokens.", { code: 'context_length_exceeded' })],
    [
      'vLLM, chat',
      400,
      {
        object: 'error',
        message: "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
      },
    ],
    ['vLLM, prompt', 400, error('The decoder prompt (length 40960) is longer than the maximum model length of 32768.')],
    ['vLLM, max_tokens', 400, error("'max_tokens' or 'max_completion_tokens' is too large: 50000.")],
    ['SGLang', 400, error("The input (9000 tokens) is longer than the model's context length (8192 tokens).")],
    ['llama.cpp', 400, error('the request exceeds the available context size', { type: 'exceed_context_size_error' })],
    ['llama.cpp with 500', 500, error('the request exceeds the available context size', { code: 500 })],
    ['TGI', 422, error('Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096.')],
  ])('a prompt that does not fit, in the words of %s', async (_, status, body) => {
    expect(await failureWith(answering(status, body))).toMatchObject({
      kind: 'invalid-record',
      code: 'CONTEXT_TOO_LONG',
    })
  })

  it.each<[string, Respond]>([
    ['text that is no JSON', (_, response) => void response.writeHead(200).end('<html>welcome</html>')],
    [
      'half a JSON',
      (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices":[{"mess'),
    ],
    ['nothing', (_, response) => void response.writeHead(200).end()],
    ['a JSON list', answering(200, [])],
    ['no choices', answering(200, { choices: [] })],
    ['a choice without a message', answering(200, { choices: [{ finish_reason: 'stop' }] })],
    ['content that is no text', answering(200, { choices: [{ message: { content: 7 }, finish_reason: 'stop' }] })],
    ['an error without a status', answering(200, error('upstream gave up'))],
  ])('a 2xx answer with %s is malformed, not an outage', async (_, respond) => {
    expect(await failureWith(respond)).toMatchObject({ kind: 'transient', code: 'ANSWER_MALFORMED', outage: false })
  })

  it('an error in a 2xx body counts as the status that it names', async () => {
    expect(await failureWith(answering(200, error('busy', { code: 429 })))).toMatchObject({
      code: 'ENDPOINT_RATE_LIMITED',
      outage: true,
    })
  })

  it('a generation that the endpoint aborted is no answer', async () => {
    const body = { choices: [{ message: { content: 'half' }, finish_reason: 'abort' }] }
    expect(await failureWith(answering(200, body))).toMatchObject({ code: 'CONNECTION_LOST', outage: false })
  })

  it('nobody listens', async () => {
    const server = await serveAnswers(() => undefined)
    await server.close()
    const endpoint = connect(server.url)
    await expect(solve(endpoint)).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE', outage: true })
    await expect(solve(endpoint)).rejects.toThrow(
      `endpoint box (${server.url}), model some-model, request r-1: no answer (ECONNREFUSED`,
    )
    expect(endpoint).toMatchObject({ down: true, failed: 2, completed: 0 })
  })

  it('the host is unknown', async () => {
    await expect(solve(connect('http://nowhere.invalid:8000/v1'))).rejects.toMatchObject({
      code: 'ENDPOINT_UNREACHABLE',
      outage: true,
    })
  })

  it('the server speaks no HTTP', async () => {
    const server = createServer((socket) =>
      socket.on('error', () => undefined).end('SSH-2.0-OpenSSH_9.6\r\n', () => socket.destroySoon()),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    open.push({ close: () => new Promise((resolve) => server.close(() => resolve())) })
    const { port } = server.address() as AddressInfo
    await expect(solve(connect(`http://127.0.0.1:${port}/v1`))).rejects.toMatchObject({ code: 'ANSWER_MALFORMED' })
  })

  it('the connection breaks before the answer', async () => {
    expect(await failureWith((_, response) => void response.destroy())).toMatchObject({
      code: 'CONNECTION_LOST',
      outage: false,
    })
  })

  it('the connection breaks in the middle of the body', async () => {
    const respond: Respond = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"choices":', () => response.destroy())
    }
    const failure = await failureWith(respond)
    expect(failure).toMatchObject({ code: 'CONNECTION_LOST', outage: false })
    expect(failure.message).toContain('in the middle of the answer')
  })

  it.each<[string, Respond]>([
    ['no head', () => undefined],
    ['half a body', (_, response) => void response.writeHead(200).write('{')],
  ])('no whole answer within timeoutSeconds: %s', async (_, respond) => {
    const server = await serveAnswers(respond)
    open.push(server)
    const endpoint = connect(server.url, { timeoutSeconds: 0.2 })
    await expect(solve(endpoint)).rejects.toMatchObject({ code: 'ENDPOINT_TIMEOUT', outage: false })
    await server.seen[0]?.disconnected
    expect(endpoint.failed).toBe(1)
  })

  it('nothing is ever sent twice by the client itself', async () => {
    for (const status of [408, 409, 429, 500, 503]) {
      const server = await serveAnswers(answering(status, {}))
      open.push(server)
      await solve(connect(server.url)).catch(() => undefined)
      // A 4xx that may mean an unknown model asks for the list of models; the call itself goes out once.
      expect(server.seen.filter(({ method }) => method === 'POST')).toHaveLength(1)
    }
  })

  it('a redirect is not followed: the key would go where nobody sent it', async () => {
    const other = await serveAnswers(answering(200, chatAnswer({ content: 'x' })))
    open.push(other)
    const failure = await failureWith(answering(307, '', { location: `${other.url}/chat/completions` }))
    expect(failure).toMatchObject({ kind: 'configuration' })
    expect(failure.message).toContain(`moved to ${other.url}`)
    expect(other.seen).toHaveLength(0)
  })
})

describe('an object where words are expected', () => {
  it.each<[string, number, unknown, string]>([
    ['the code of an error', 200, { error: { message: 'no', code: { toString: 1 } } }, 'ANSWER_MALFORMED'],
    ['the place of a fault', 422, { detail: [{ loc: [{ toString: 1 }, 'body'], msg: 'required' }] }, 'REQUEST_REFUSED'],
  ])('is no bug of ours: %s', async (_, status, body, code) => {
    expect(await failureWith(answering(status, body))).toMatchObject({ code })
  })
})

describe('Retry-After', () => {
  it('is told with the failure', async () => {
    expect(await failureWith(answering(429, {}, { 'retry-after': '17' }))).toMatchObject({ retryAfterSeconds: 17 })
  })

  it('is read as seconds or as a date, at most a minute', () => {
    const now = Date.parse('2026-01-01T00:00:00Z')
    expect(readRetryAfter('1.5', now)).toBe(1.5)
    expect(readRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30)
    expect(readRetryAfter('Thu, 01 Jan 2020 00:00:30 GMT', now)).toBe(0)
    expect(readRetryAfter('9999999', now)).toBe(60)
    expect(readRetryAfter('-3', now)).toBe(0)
    expect(readRetryAfter('soon', now)).toBeUndefined()
    expect(readRetryAfter('', now)).toBeUndefined()
    expect(readRetryAfter(null, now)).toBeUndefined()
  })
})

describe('messages', () => {
  const known: Respond = (request, response) =>
    request.path === '/v1/models'
      ? json(response, 200, { data: [{ id: 'model-a' }, { id: 'model-b' }] })
      : json(response, 404, { object: 'error', message: 'The model `some-model` does not exist.', code: 404 })

  it('name the models that the endpoint has when ours is unknown', async () => {
    const failure = await failureWith(known)
    expect(failure).toMatchObject({ kind: 'configuration' })
    expect(failure.message).toMatch(
      /^endpoint box \(http:\S+\), model some-model, request r-1: answered 404: The model `some-model` does not exist\.; use one of the models that it has: model-a, model-b$/,
    )
  })

  it('doubt the URL when not even the models can be asked for', async () => {
    expect((await failureWith(answering(404, { detail: 'Not Found' }))).message).toMatch(
      /answered 404: Not Found; correct endpoints\.box\.url: it must be the base of an OpenAI-compatible API, as a rule ending in \/v1$/,
    )
  })

  it('say that the path is missing when the model is there', async () => {
    const failure = await failureWith((request, response) =>
      request.path === '/v1/models'
        ? json(response, 200, { data: [{ id: 'some-model' }] })
        : json(response, 404, { detail: 'Not Found' }),
    )
    expect(failure.message).toContain('does not serve this kind of call')
  })

  it('name the variable of a wrong key, and never the key', async () => {
    const failure = await failureWith(answering(401, error('wrong key')), { apiKeyVariable: 'BOX_KEY' })
    expect(failure.message).toContain('put a valid key into the environment variable BOX_KEY')
  })

  it('are one line without control characters, however the endpoint answers', async () => {
    const failure = await failureWith(answering(400, error(`\u001b[2Jline one\nline\u202e two ${'x'.repeat(5000)}`)))
    expect(failure.message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(failure.message.length).toBeLessThan(1000)
  })
})

describe('docs/inference.md', () => {
  const page = readFileSync(new URL('../../docs/inference.md', import.meta.url), 'utf8')

  it('shows every row of the table of failures, in its order', () => {
    const rows = failureRules.map(({ name, becomes }) => {
      const becomesError = becomes.kind === 'configuration' ? 'ConfigurationError' : becomes.code
      const outage =
        becomes.kind === 'transient'
          ? becomes.outage
            ? 'outage'
            : 'attempt'
          : becomes.kind === 'configuration'
            ? 'stops'
            : 'dead letter'
      return `| ${name} | ${becomesError} | ${outage} |`
    })
    expect(page.split('\n').filter((line) => rows.includes(line))).toEqual(rows)
  })
})
