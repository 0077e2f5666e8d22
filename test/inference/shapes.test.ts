/**
 * The shapes in which servers and proxies answer, by their documentation: vLLM, SGLang, llama.cpp's server, TGI, OpenAI, hosts and proxies. Each row
 * says what our client makes of it.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { readModels } from '../../inference/answers.ts'
import { parseInferenceSettings } from '../../inference/configuration.ts'
import { createInference } from '../../inference/inference.ts'
import { json, type Respond, serveAnswers } from './server.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

const never = new AbortController().signal

/** What one call gives of a server that answers every completion so. */
async function ask(respond: Respond, { mode = 'chat', stream = 'never' } = {}) {
  const server = await serveAnswers((request, response, count) =>
    request.method === 'GET'
      ? json(response, 200, { data: [{ id: 'some-model' }] })
      : respond(request, response, count),
  )
  open.push(server)
  const inference = createInference(
    parseInferenceSettings({
      endpoints: { box: { url: server.url, stream } },
      models: { some: { model: 'some-model', endpoints: ['box'], mode } },
      roles: { solver: ['some'] },
    }),
    { secret: () => undefined },
  )
  open.push(inference)
  return await inference.complete({ role: 'solver', prompt: 'eight ch' }, { requestId: 'r', signal: never })
}

/** As `ask`, of the first failure: one that is an outage would be waited out. */
async function failureOf(respond: Respond, stream = 'never'): Promise<Error & Record<string, unknown>> {
  let first: Respond = respond
  const answers = ask(
    (request, response, count) => {
      void first(request, response, count)
      first = (_, later) => json(later, 200, plain({ content: 'the answer after an outage' }))
    },
    { stream },
  )
  return await answers.then(
    (completion) => {
      throw new Error(`the call did not fail: ${completion.text}`)
    },
    (error: unknown) => error as Error & Record<string, unknown>,
  )
}

/** The body of a plain chat completion. */
const plain = (message: object, { finish = 'stop' as unknown, ...more }: Record<string, unknown> = {}) => ({
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }],
  usage: { prompt_tokens: 5, completion_tokens: 7 },
  ...more,
})

const answering =
  (body: unknown, status = 200): Respond =>
  (_, response) =>
    json(response, status, body)

const text =
  (body: string, status = 200, type = 'text/html'): Respond =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': type }).end(body)

const counted = { prompt: 5, cached: 0, completion: 7, reasoning: 0 }

describe('a plain chat completion', () => {
  it.each<[string, object, object]>([
    [
      'reasoning in `reasoning` (vLLM, hosts)',
      { content: 'a', reasoning: 'because' },
      { text: 'a', reasoning: 'because' },
    ],
    [
      'reasoning in `reasoning_content` (vLLM before, SGLang, llama.cpp)',
      { content: 'a', reasoning_content: 'because' },
      { reasoning: 'because' },
    ],
    [
      'the same in both',
      { content: 'a', reasoning: 'because', reasoning_content: 'because' },
      { reasoning: 'because' },
    ],
    [
      'both fields, the first empty',
      { content: 'a', reasoning: '', reasoning_content: 'because' },
      { reasoning: 'because' },
    ],
    [
      'both fields, the first null',
      { content: 'a', reasoning: null, reasoning_content: 'because' },
      { reasoning: 'because' },
    ],
    [
      'no reasoning, said with null',
      { content: 'a', reasoning: null, reasoning_content: null },
      { text: 'a', reasoning: undefined },
    ],
    [
      'reasoning that is an object',
      { content: 'a', reasoning: { effort: 'low' } },
      { text: 'a', reasoning: undefined },
    ],
    ['reasoning in the text', { content: '<think>because</think>\n\na' }, { text: 'a', reasoning: 'because' }],
    ['tool_calls null', { content: 'a', tool_calls: null, function_call: null, audio: null }, { text: 'a' }],
    [
      'content null: all of it was reasoning',
      { content: null, reasoning: 'because' },
      { text: '', reasoning: 'because' },
    ],
    ['no content at all', { refusal: null }, { text: '' }],
    ['a refusal', { content: null, refusal: 'No.' }, { text: '' }],
    [
      'content in parts',
      {
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      { text: 'ab' },
    ],
    [
      'parts of which one is thinking',
      {
        content: [
          { type: 'thinking', thinking: [] },
          { type: 'text', text: 'a' },
        ],
      },
      { text: 'a' },
    ],
  ])('%s', async (_, message, expected) => {
    expect(await ask(answering(plain(message)))).toMatchObject(expected)
  })

  it.each<[unknown, string]>([
    ['stop', 'stop'],
    ['eos_token', 'stop'],
    ['stop_sequence', 'stop'],
    ['end_turn', 'stop'],
    ['length', 'length'],
    ['max_tokens', 'length'],
    ['content_filter', 'content_filter'],
    ['refusal', 'content_filter'],
    ['tool_calls', 'other'],
    ['', 'other'],
    [null, 'other'],
    [undefined, 'other'],
  ])('that ended by %j ended by %s', async (finish, expected) => {
    const body = {
      choices: [{ message: { content: 'a' }, ...(finish === undefined ? {} : { finish_reason: finish }) }],
    }
    expect(await ask(answering(body))).toMatchObject({ text: 'a', finishReason: expected })
  })

  it.each<[string, unknown, object]>([
    ['all counts', { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 }, counted],
    ['details that are null (vLLM)', { prompt_tokens: 5, completion_tokens: 7, prompt_tokens_details: null }, counted],
    [
      'cached tokens',
      { prompt_tokens: 5, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 4 } },
      { ...counted, cached: 4 },
    ],
    [
      'reasoning tokens',
      { prompt_tokens: 5, completion_tokens: 7, completion_tokens_details: { reasoning_tokens: 3 } },
      { ...counted, reasoning: 3 },
    ],
    [
      'reasoning tokens beside the others (SGLang)',
      { prompt_tokens: 5, completion_tokens: 7, reasoning_tokens: 3 },
      { ...counted, reasoning: 3 },
    ],
  ])('is counted by the endpoint: %s', async (_, usage, expected) => {
    const completion = await ask(answering(plain({ content: 'sixteen letters.' }, { usage })))
    expect(completion.usage).toEqual(expected)
    expect(completion).not.toHaveProperty('estimated')
  })

  it.each<[string, unknown, object]>([
    ['none', undefined, { prompt: 2, completion: 4 }],
    ['null', null, { prompt: 2, completion: 4 }],
    ['an empty object', {}, { prompt: 2, completion: 4 }],
    ['the prompt alone', { prompt_tokens: 5 }, { prompt: 5, completion: 4 }],
  ])('is counted by its characters where usage is missing: %s', async (_, usage, expected) => {
    const completion = await ask(answering(plain({ content: 'sixteen letters.' }, { usage })))
    expect(completion).toMatchObject({ estimated: true, usage: expected })
  })

  it('may carry what nobody asked for', async () => {
    const more = {
      timings: { predicted_ms: 3.5 },
      system_fingerprint: null,
      service_tier: 'default',
      error: null,
      metadata: { weight_version: 'x' },
    }
    expect(await ask(answering(plain({ content: 'a' }, more)))).toMatchObject({ text: 'a', usage: counted })
  })
})

describe('a plain raw completion', () => {
  it('is the text after the prompt, whatever stands beside it', async () => {
    const choice = {
      index: 0,
      text: ' and on',
      logprobs: null,
      finish_reason: 'length',
      stop_reason: null,
      matched_stop: null,
    }
    expect(await ask(answering({ choices: [choice], usage: null }), { mode: 'raw' })).toMatchObject({
      text: ' and on',
      finishReason: 'length',
    })
  })
})

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
const piece = (delta: object, finish: unknown = null): string =>
  event({ choices: [{ index: 0, delta, finish_reason: finish }] })
const sum = { prompt_tokens: 5, completion_tokens: 7 }
const done = 'data: [DONE]\n\n'
const events = (...parts: string[]): Respond => text(parts.join(''), 200, 'text/event-stream')

describe('a streamed chat completion', () => {
  it.each<[string, string[], object]>([
    [
      'usage in a last event without choices (OpenAI, vLLM)',
      [
        piece({ role: 'assistant' }),
        piece({ content: 'a' }),
        piece({}, 'stop'),
        event({ choices: [], usage: sum }),
        done,
      ],
      {},
    ],
    [
      'usage in the event that ends it (llama.cpp)',
      [
        piece({ content: 'a' }),
        event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: sum, timings: {} }),
        done,
      ],
      {},
    ],
    [
      'usage in each event',
      [
        event({ choices: [{ index: 0, delta: { content: 'a' } }], usage: { ...sum, completion_tokens: 1 } }),
        event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: sum }),
        done,
      ],
      {},
    ],
    [
      'usage null until the end',
      [
        event({ choices: [{ index: 0, delta: { content: 'a' } }], usage: null }),
        piece({}, 'stop'),
        event({ choices: [], usage: sum }),
        done,
      ],
      {},
    ],
    [
      'comments of a server that queues or of a proxy',
      [
        ': waiting for a free worker\n\n',
        piece({ content: 'a' }),
        ': still here\n\n',
        piece({}, 'stop'),
        event({ choices: [], usage: sum }),
        done,
      ],
      {},
    ],
    [
      'an event without choices at first (content filters)',
      [
        event({ choices: [], prompt_filter_results: [] }),
        piece({ content: 'a' }),
        piece({}, 'stop'),
        event({ choices: [], usage: sum }),
        done,
      ],
      {},
    ],
    [
      'names of events, ids and times to retry',
      [
        `event: message\nid: 1\nretry: 10\n${piece({ content: 'a' })}`,
        piece({}, 'stop'),
        event({ choices: [], usage: sum }),
        done,
      ],
      {},
    ],
    [
      'an empty finish_reason with each piece',
      [piece({ content: 'a' }, ''), piece({ content: '' }, 'stop'), event({ choices: [], usage: sum }), done],
      {},
    ],
    [
      'everything in one event',
      [event({ choices: [{ index: 0, message: { content: 'a' }, finish_reason: 'stop' }], usage: sum })],
      {},
    ],
    [
      'no space after the colon, lines that end with CR LF, no end mark',
      [piece({ content: 'a' }), piece({}, 'stop'), event({ choices: [], usage: sum })].map((part) =>
        part.replace('data: ', 'data:').replaceAll('\n', '\r\n'),
      ),
      {},
    ],
    [
      'reasoning before the text',
      [
        piece({ reasoning: 'be' }),
        piece({ reasoning: 'cause', content: null }),
        piece({ content: 'a', tool_calls: null }),
        piece({}, 'eos_token'),
        event({ choices: [], usage: { ...sum, reasoning_tokens: 3 } }),
        done,
      ],
      { reasoning: 'because', usage: { ...counted, reasoning: 3 } },
    ],
    [
      'reasoning in the older field beside an empty new one',
      [
        piece({ reasoning: '', reasoning_content: 'because' }),
        piece({ content: 'a' }, 'stop'),
        event({ choices: [], usage: { ...sum, reasoning_tokens: 3 } }),
        done,
      ],
      { reasoning: 'because', usage: { ...counted, reasoning: 3 } },
    ],
  ])('%s', async (_, parts, expected) => {
    const completion = await ask(events(...parts), { stream: 'always' })
    expect(completion).toMatchObject({ text: 'a', finishReason: 'stop', usage: counted, ...expected })
    expect(completion).not.toHaveProperty('estimated')
  })

  it('without any usage is counted by its characters', async () => {
    const completion = await ask(events(piece({ content: 'sixteen letters.' }), piece({}, 'stop'), done), {
      stream: 'always',
    })
    expect(completion).toMatchObject({ estimated: true, usage: { prompt: 2, completion: 4 } })
  })

  it.each<[string, string[], string]>([
    ['an empty finish_reason with each piece', [piece({ content: 'a' }, '')], 'CONNECTION_LOST'],
    ['finish_reason abort (SGLang)', [piece({ content: 'a' }), piece({}, 'abort'), done], 'CONNECTION_LOST'],
    [
      'finish_reason error (proxies)',
      [event({ choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }], error: null }), done],
      'CONNECTION_LOST',
    ],
    [
      'an error after the first text',
      [piece({ content: 'a' }), event({ error: { code: 502, message: 'upstream went away' } })],
      'CONNECTION_LOST',
    ],
    [
      'an error in words after the first text (TGI)',
      [piece({ content: 'a' }), event({ error: 'Request failed during generation', error_type: 'generation' })],
      'CONNECTION_LOST',
    ],
    ['an error without a status at first', [event({ error: { message: 'something went wrong' } })], 'ANSWER_MALFORMED'],
    [
      'a prompt that is too long, said in an event (SGLang)',
      [
        event({
          error: { object: 'error', message: "the input is longer than the model's context length", code: 400 },
        }),
        done,
      ],
      'CONTEXT_TOO_LONG',
    ],
    [
      'a prompt that is too long, by its word',
      [event({ error: { message: 'too many', code: 'context_length_exceeded' } })],
      'CONTEXT_TOO_LONG',
    ],
    ['nothing at all', [''], 'ANSWER_MALFORMED'],
    ['comments alone', [': waiting\n\n'], 'CONNECTION_LOST'],
  ])('that breaks off is no answer: %s', async (_, parts, code) => {
    expect(await failureOf(events(...parts), 'always')).toMatchObject({ code })
  })
})

describe('a failure', () => {
  const refused = { kind: 'invalid-record', code: 'REQUEST_REFUSED' }
  it.each<[string, Respond, object, RegExp]>([
    [
      'OpenAI',
      answering({ error: { message: 'Bad value', type: 'invalid_request_error', param: 'top_p', code: null } }, 400),
      refused,
      /answered 400: Bad value;/,
    ],
    [
      'vLLM before',
      answering({ object: 'error', message: 'Bad value', type: 'BadRequestError', param: null, code: 400 }, 400),
      refused,
      /answered 400: Bad value;/,
    ],
    ['FastAPI, in words', answering({ detail: 'Bad value' }, 400), refused, /answered 400: Bad value;/],
    [
      'FastAPI, as a list',
      answering(
        {
          detail: [
            { type: 'missing', loc: ['body', 'messages'], msg: 'Field required' },
            { loc: ['body', 'n'], msg: 'Not a number' },
          ],
        },
        422,
      ),
      refused,
      /answered 422: body\.messages: Field required; body\.n: Not a number;/,
    ],
    ['a list of nothing known', answering({ detail: [7] }, 422), refused, /answered 422: \{"detail":\[7\]\};/],
    ['TGI', answering({ error: 'Bad value', error_type: 'validation' }, 422), refused, /answered 422: Bad value;/],
    [
      'mlx-lm',
      answering({ error: 'top_k must be of type int' }, 400),
      refused,
      /answered 400: top_k must be of type int;/,
    ],
    ['plain text', text('Payload Too Large\n', 413, 'text/plain'), refused, /answered 413: Payload Too Large;/],
    ['no words', text('', 409), refused, /answered 409;/],
    [
      'a page of a proxy',
      text('<!DOCTYPE html>\n<html><head>\n<title>504 Gateway\nTime-out</title></head><body>...</body></html>', 504),
      { code: 'ENDPOINT_TIMEOUT' },
      /answered 504: a web page, 504 Gateway Time-out;/,
    ],
    [
      'a page without a title',
      text('<html><body>gone</body></html>', 504),
      { code: 'ENDPOINT_TIMEOUT' },
      /answered 504: <html><body>gone<\/body><\/html>;/,
    ],
    [
      'a page of a login',
      text('<html><title>Sign in</title></html>'),
      { code: 'ANSWER_MALFORMED' },
      /expected a completion, got no JSON but/,
    ],
    [
      'vLLM, a model that it lacks',
      answering({ error: { message: 'The model `some` does not exist.', type: 'NotFoundError', code: 404 } }, 404),
      { kind: 'configuration' },
      /The model `some` does not exist\./,
    ],
    [
      'a proxy, an error in a 2xx answer',
      answering({ error: { code: 403, message: 'moderated', metadata: {} }, user_id: 'u' }),
      { kind: 'configuration' },
      /answered 403: moderated;/,
    ],
    [
      'a proxy, with the number as text',
      answering({ error: { code: '504', message: 'too late' } }),
      { code: 'ENDPOINT_TIMEOUT' },
      /answered 504: too late;/,
    ],
    [
      'a proxy, with a word',
      answering({ error: { message: 'No such key', code: 'invalid_api_key' } }),
      { kind: 'configuration' },
      /answered 401: No such key;/,
    ],
    ['a proxy, in words alone', answering({ error: 'upstream failed' }), { code: 'ANSWER_MALFORMED' }, /an error: /],
    [
      'a choice that failed',
      answering(plain({ content: '' }, { finish: 'error' })),
      { code: 'CONNECTION_LOST' },
      /broke the answer off/,
    ],
  ])('in the shape of %s', async (_, respond, expected, message) => {
    const failure = await failureOf(respond)
    expect(failure).toMatchObject(expected)
    expect(failure.message).toMatch(message)
  })

  it.each<[string, Respond]>([
    ['a page of a proxy with 502', text('<html><head><title>502 Bad Gateway</title></head></html>', 502)],
    ['an empty 503', text('', 503)],
    ['a full queue (TGI)', answering({ error: 'Model is overloaded', error_type: 'overloaded' }, 429)],
    [
      'a limit that a proxy names in a 2xx answer',
      answering({ error: { message: 'slow down', code: 'rate_limit_exceeded' } }),
    ],
    [
      'a fault of a server that a proxy names in a 2xx answer',
      answering({ error: { message: 'oops', type: 'server_error', code: null } }),
    ],
  ])('that is an outage is waited out: %s', async (_, respond) => {
    await expect(failureOf(respond)).rejects.toThrow('the call did not fail: the answer after an outage')
  })
})

describe('the list of models', () => {
  it.each<[string, object, number | undefined]>([
    ['vLLM, SGLang', { id: 'm', owned_by: 'vllm', max_model_len: 32_768 }, 32_768],
    ['proxies', { id: 'm', context_length: 131_072, pricing: {} }, 131_072],
    ['hosts', { id: 'm', owned_by: 'Host', active: true, context_window: 8192 }, 8192],
    ['other hosts', { id: 'm', max_context_length: 8192, capabilities: {} }, 8192],
    [
      "llama.cpp's server: what one request has, not what the model was trained with",
      { id: 'm', owned_by: 'llamacpp', meta: { n_ctx: 4096, n_ctx_train: 131_072 } },
      4096,
    ],
    ['mlx-lm, OpenAI', { id: 'm', object: 'model', created: 1 }, undefined],
    ['a context of 0 or null', { id: 'm', max_model_len: null, context_length: 0 }, undefined],
  ])('tells the context where it does: %s', (_, row, contextTokens) => {
    expect(readModels({ object: 'list', data: [row] })).toMatchObject([{ id: 'm', contextTokens }])
  })

  it('may be a bare list', async () => {
    const server = await serveAnswers((_, response) => json(response, 200, [{ id: 'some-model', type: 'chat' }]))
    open.push(server)
    const settings = parseInferenceSettings({ endpoints: { box: { url: server.url } }, models: {}, roles: {} })
    const inference = createInference(settings, { secret: () => undefined })
    open.push(inference)
    expect(await inference.check(never)).toMatchObject([{ models: ['some-model'] }])
  })
})
