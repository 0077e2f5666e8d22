import { afterEach, describe, expect, it } from 'vitest'
import { getEventListeners } from 'node:events'
import type { ServerResponse } from 'node:http'
import { parseInferenceSettings } from '../../inference/configuration.ts'
import { transportOptions } from '../../inference/wire.ts'
import { createInference } from '../../inference/inference.ts'
import type { CallRecord, ConfiguredInference } from '../../inference/inference.ts'
import { chatAnswer, json, serveAnswers } from './server.ts'
import type { Respond, TestServer } from './server.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

const never = new AbortController().signal

/** A server that answers by `respond`, and an inference with one solver and one embedder there. */
async function setUp(
  respond: Respond,
  { model = {}, endpoint = {}, secret }: { model?: object; endpoint?: object; secret?: string } = {},
): Promise<{ server: TestServer; inference: ConfiguredInference; calls: CallRecord[] }> {
  const server = await serveAnswers(respond)
  const calls: CallRecord[] = []
  const settings = parseInferenceSettings({
    endpoints: { box: { url: server.url, ...endpoint } },
    models: {
      solver: { model: 'some-model', endpoints: ['box'], ...model },
      embedder: { model: 'embed', endpoints: ['box'] },
    },
    roles: { solver: ['solver'], embedder: ['embedder'] },
  })
  const inference = createInference(settings, { secret: () => secret, onCall: (call) => calls.push(call) })
  open.push(server, inference)
  return { server, inference, calls }
}

const solve = (inference: ConfiguredInference, more: object = {}, signal = never, requestId = 'r-1') =>
  inference.complete({ role: 'solver', prompt: 'What is 1 + 1?', ...more }, { requestId, signal })

const answering =
  (message: Record<string, unknown>, more?: Record<string, unknown>, headers?: Record<string, string>): Respond =>
  (_, response) =>
    json(response, 200, chatAnswer(message, more), headers)

describe('a chat completion', () => {
  it('sends one user message with the sampling in force, the seed, the stops and the extra fields', async () => {
    const { server, inference } = await setUp(answering({ content: '2' }), {
      model: {
        sampling: { temperature: 0.6, maxTokens: 100 },
        reasoningEffort: 'medium',
        extraBody: { top_k: 20, chat_template_kwargs: { enable_thinking: true } },
      },
    })
    const completion = await solve(inference, { sampling: { temperature: 1.2, topP: 0.9 }, seed: 7, stop: ['END'] })
    expect(server.seen[0]?.path).toBe('/v1/chat/completions')
    expect(server.seen[0]?.body).toEqual({
      model: 'some-model',
      messages: [{ role: 'user', content: 'What is 1 + 1?' }],
      temperature: 1.2,
      top_p: 0.9,
      max_tokens: 100,
      seed: 7,
      stop: ['END'],
      reasoning_effort: 'medium',
      top_k: 20,
      chat_template_kwargs: { enable_thinking: true },
    })
    expect(completion).toMatchObject({
      text: '2',
      reasoning: undefined,
      finishReason: 'stop',
      sampling: { temperature: 1.2, topP: 0.9, maxTokens: 100 },
      seed: 7,
      model: 'some-model',
      endpoint: 'box',
      requestId: 'r-1',
      simulated: false,
    })
  })

  it('leaves to the endpoint what nobody has set', async () => {
    const { server, inference } = await setUp(answering({ content: '2' }))
    await solve(inference)
    expect(server.seen[0]?.body).toEqual({
      model: 'some-model',
      messages: [{ role: 'user', content: 'What is 1 + 1?' }],
    })
  })

  it('carries maxTokens in the field that the model wants', async () => {
    const { server, inference } = await setUp(answering({ content: '2' }), {
      model: { maxTokensField: 'max_completion_tokens', sampling: { maxTokens: 5 } },
    })
    await solve(inference)
    expect(server.seen[0]?.body).toMatchObject({ max_completion_tokens: 5 })
    expect(server.seen[0]?.body).not.toHaveProperty('max_tokens')
  })

  it('sends the request id, the key, and nothing about this machine', async () => {
    const { server, inference } = await setUp(answering({ content: '2' }), {
      endpoint: { apiKeyVariable: 'SOME_KEY' },
      secret: 'k-123',
    })
    await solve(inference, {}, never, 'record-9.2')
    expect(server.seen[0]?.headers).toMatchObject({ 'x-request-id': 'record-9.2', authorization: 'Bearer k-123' })
    expect(Object.keys(server.seen[0]?.headers ?? {}).filter((name) => name.startsWith('x-stainless'))).toEqual([])
  })

  it('sends no Authorization header where no key is configured', async () => {
    const { server, inference } = await setUp(answering({ content: '2' }))
    await solve(inference)
    expect(server.seen[0]?.headers).not.toHaveProperty('authorization')
  })

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['content_filter', 'content_filter'],
    ['tool_calls', 'other'],
    [null, 'other'],
  ])('reads finish_reason %s as %s', async (sent, expected) => {
    const { inference } = await setUp(
      answering({}, { choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: sent }] }),
    )
    expect((await solve(inference)).finishReason).toBe(expected)
  })

  it.each([
    ['a field `reasoning`', { content: '4', reasoning: 'two and two' }, '4', 'two and two'],
    ['a field `reasoning_content`', { content: '4', reasoning_content: 'two and two' }, '4', 'two and two'],
    ['an inline block', { content: '<think>\ntwo and two\n</think>\n\n4' }, '4', 'two and two'],
    ['a block that the template opened', { content: 'two and two\n</think>\n\n4' }, '4', 'two and two'],
    ['channels run together', { content: 'analysistwo and twoassistantfinal4' }, '4', 'two and two'],
    ['reasoning alone, cut off', { content: null, reasoning: 'two and' }, '', 'two and'],
    ['an empty field', { content: '4', reasoning_content: '' }, '4', undefined],
    ['a list of text parts', { content: [{ type: 'text', text: '4' }] }, '4', undefined],
  ])('takes reasoning apart from %s', async (_, message, text, reasoning) => {
    const { inference } = await setUp(answering(message))
    expect(await solve(inference)).toMatchObject({ text, reasoning })
  })

  it('keeps the usage that the endpoint counts', async () => {
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 50,
      prompt_tokens_details: { cached_tokens: 64 },
      completion_tokens_details: { reasoning_tokens: 30 },
    }
    const { inference, calls } = await setUp(answering({ content: '4', reasoning: 'r' }, { usage }))
    expect((await solve(inference)).usage).toEqual({ prompt: 100, cached: 64, completion: 50, reasoning: 30 })
    expect(calls[0]?.estimated).toBe(false)
  })

  it('estimates the tokens that the endpoint does not count, and says so', async () => {
    const { inference, calls } = await setUp(
      answering({ content: 'a'.repeat(40), reasoning: 'b'.repeat(120) }, { usage: null }),
    )
    // 14 characters of prompt; 160 written, of which three quarters are reasoning.
    expect((await solve(inference)).usage).toEqual({ prompt: 4, cached: 0, completion: 40, reasoning: 30 })
    expect(calls[0]?.estimated).toBe(true)
    expect(inference.totals().get('solver')).toMatchObject({ calls: 1, estimated: 1 })
  })
})

describe('a raw completion', () => {
  const raw = (text: string): Respond => {
    return (_, response) =>
      json(response, 200, {
        choices: [{ index: 0, text, finish_reason: 'stop' }],
        usage: { prompt_tokens: 1, completion_tokens: 2 },
      })
  }

  it('continues the text itself, with room for more than the 16 tokens of the API default', async () => {
    const { server, inference } = await setUp(raw(' 2'), { model: { mode: 'raw' } })
    const completion = await solve(inference, { prompt: '1 + 1 =' })
    expect(server.seen[0]?.path).toBe('/v1/completions')
    expect(server.seen[0]?.body).toEqual({ model: 'some-model', prompt: '1 + 1 =', max_tokens: 4096 })
    expect(completion).toMatchObject({ text: ' 2', sampling: { maxTokens: 4096 } })
  })

  it('knows that a prompt which ends in <think> opened the block, also when it is cut off', async () => {
    const { inference } = await setUp(raw('still at it'), { model: { mode: 'raw' } })
    expect(await solve(inference, { prompt: 'Q\n<think>\n' })).toMatchObject({ text: '', reasoning: 'still at it' })
  })
})

describe('embeddings', () => {
  it('come in the order of the texts', async () => {
    const { server, inference } = await setUp((_, response) =>
      json(response, 200, {
        data: [
          { index: 1, embedding: [3, 4] },
          { index: 0, embedding: [1, 2] },
        ],
        usage: { prompt_tokens: 6 },
      }),
    )
    const { vectors, usage } = await inference.embed(
      { role: 'embedder', texts: ['a', 'b'] },
      { requestId: 'e', signal: never },
    )
    expect(vectors).toEqual([
      [1, 2],
      [3, 4],
    ])
    expect(usage).toEqual({ prompt: 6, cached: 0, completion: 0, reasoning: 0 })
    expect(server.seen[0]?.body).toEqual({ model: 'embed', input: ['a', 'b'], encoding_format: 'float' })
  })

  it.each([
    ['one too few', [{ index: 0, embedding: [1] }]],
    [
      'the same one twice',
      [
        { index: 0, embedding: [1] },
        { index: 0, embedding: [2] },
      ],
    ],
    [
      'different lengths',
      [
        { index: 0, embedding: [1] },
        { index: 1, embedding: [1, 2] },
      ],
    ],
    [
      'no numbers',
      [
        { index: 0, embedding: ['1'] },
        { index: 1, embedding: [1] },
      ],
    ],
  ])('are malformed with %s', async (_, data) => {
    const { inference } = await setUp((_request, response) => json(response, 200, { data }))
    await expect(
      inference.embed({ role: 'embedder', texts: ['a', 'b'] }, { requestId: 'e', signal: never }),
    ).rejects.toMatchObject({ code: 'ANSWER_MALFORMED' })
  })
})

describe('the simulator is recognised', () => {
  it('by the header of an answer', async () => {
    const { inference } = await setUp(answering({ content: '2' }, {}, { 'x-wellspring-simulated': 'true' }))
    expect(inference.status()).toMatchObject([{ simulated: false }])
    expect((await solve(inference)).simulated).toBe(true)
    expect(inference.status()).toMatchObject([{ simulated: true }])
  })

  it('by the owner of its models, before the first call', async () => {
    const { inference } = await setUp((_, response) =>
      json(response, 200, {
        data: [
          { id: 'some-model', owned_by: 'wellspring-simulator' },
          { id: 'embed', owned_by: 'wellspring-simulator' },
        ],
      }),
    )
    expect(await inference.check(never)).toMatchObject([
      { name: 'box', simulated: true, models: ['some-model', 'embed'] },
    ])
    expect(inference.status()).toMatchObject([{ simulated: true }])
  })
})

describe('slots', () => {
  /** A server that answers only when told to. */
  const held = (): { respond: Respond; waiting: ServerResponse[]; answer: () => void } => {
    const waiting: ServerResponse[] = []
    return {
      waiting,
      respond: (_, response) => void waiting.push(response),
      answer: () => {
        const response = waiting.shift()
        if (response !== undefined) json(response, 200, chatAnswer({ content: 'x' }))
      },
    }
  }

  it('are never exceeded, and are handed out first come, first served', async () => {
    const { respond, answer } = held()
    const { server, inference } = await setUp(respond, { endpoint: { maxConcurrency: 2 } })
    const finished: number[] = []
    const all = Array.from({ length: 6 }, async (_, index) => {
      await solve(inference, {}, never, `r-${index}`)
      finished.push(index)
    })
    await server.arrived(2)
    expect(inference.status()).toMatchObject([{ inFlight: 2, waiting: 4, limit: 2 }])
    for (let sent = 3; sent <= 6; sent += 1) {
      answer()
      await server.arrived(sent)
      expect(inference.status()[0]?.inFlight).toBe(2)
    }
    answer()
    answer()
    await Promise.all(all)
    expect(server.seen.map(({ headers }) => headers['x-request-id'])).toEqual([
      'r-0',
      'r-1',
      'r-2',
      'r-3',
      'r-4',
      'r-5',
    ])
    expect(finished).toEqual([0, 1, 2, 3, 4, 5])
    expect(inference.status()).toMatchObject([{ inFlight: 0, waiting: 0, completed: 6, failed: 0 }])
  })

  it('waiting for one is not latency', async () => {
    const { respond, answer } = held()
    const { server, inference, calls } = await setUp(respond, { endpoint: { maxConcurrency: 1 } })
    const first = solve(inference)
    await server.arrived(1)
    const start = performance.now()
    const second = solve(inference)
    while (performance.now() - start < 50) await new Promise((resolve) => setImmediate(resolve))
    const beforeAnswer = (performance.now() - start) / 1000
    answer()
    await server.arrived(2)
    answer()
    const { latencySeconds } = await second
    const whole = (performance.now() - start) / 1000
    await first
    expect(calls[1]?.queueSeconds).toBeGreaterThanOrEqual(0.04)
    expect(latencySeconds).toBeLessThanOrEqual(whole - beforeAnswer)
  })

  it('an aborted call frees its slot at once, the endpoint sees the disconnect, and the signal is left clean', async () => {
    const { respond, answer } = held()
    const { server, inference, calls } = await setUp(respond, { endpoint: { maxConcurrency: 1 } })
    const controller = new AbortController()
    const first = solve(inference, {}, controller.signal, 'first')
    await server.arrived(1)
    const second = solve(inference, {}, never, 'second')
    const reason = new Error('drained')
    controller.abort(reason)
    await expect(first).rejects.toBe(reason)
    // The first is answered by nobody: the second comes, and the connection ends, for no other reason.
    await server.arrived(2)
    expect(server.seen[1]?.headers['x-request-id']).toBe('second')
    await server.seen[0]?.disconnected
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    answer()
    answer()
    await second
    expect(calls.map(({ outcome }) => outcome)).toEqual(['aborted', 'completed'])
  })

  it('a call aborted in the queue leaves it without reaching the endpoint', async () => {
    const { respond, answer } = held()
    const { server, inference, calls } = await setUp(respond, { endpoint: { maxConcurrency: 1 } })
    const first = solve(inference)
    await server.arrived(1)
    const controller = new AbortController()
    const second = solve(inference, {}, controller.signal)
    expect(inference.status()[0]?.waiting).toBe(1)
    controller.abort(new Error('no longer wanted'))
    await expect(second).rejects.toThrow('no longer wanted')
    expect(inference.status()[0]?.waiting).toBe(0)
    answer()
    await first
    expect(server.seen).toHaveLength(1)
    expect(calls).toHaveLength(1)
  })

  it('a call aborted before it began never starts', async () => {
    const { server, inference } = await setUp(answering({ content: 'x' }))
    await expect(solve(inference, {}, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
    expect(server.seen).toHaveLength(0)
  })

  it('no socket limit of the client ends a call: only timeoutSeconds does', () => {
    expect(transportOptions).toMatchObject({ headersTimeout: 0, bodyTimeout: 0, connect: { keepAlive: true } })
  })

  it('an idle connection is given up seconds before servers give it up (uvicorn: 5 s), whatever they promise', () => {
    expect(transportOptions.keepAliveTimeout).toBeLessThanOrEqual(2000)
    expect(transportOptions.keepAliveMaxTimeout).toBeLessThanOrEqual(2000)
  })

  it('many calls under one signal leave no listener and raise no warning', async () => {
    const { inference } = await setUp(answering({ content: 'x' }), { endpoint: { maxConcurrency: 100 } })
    const warnings: Error[] = []
    const warned = (warning: Error): void => void warnings.push(warning)
    process.on('warning', warned)
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 200 }, () => solve(inference, {}, signal)))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', warned)
    expect(warnings).toEqual([])
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

describe('a model with several endpoints', () => {
  const pair = async (first: Respond, second: Respond, limits = [2, 2]) => {
    const servers = [await serveAnswers(first), await serveAnswers(second)]
    const settings = parseInferenceSettings({
      endpoints: {
        a: { url: servers[0]?.url, maxConcurrency: limits[0] },
        b: { url: servers[1]?.url, maxConcurrency: limits[1] },
      },
      models: { solver: { model: 'm', endpoints: ['a', 'b'] } },
      roles: { solver: ['solver'] },
    })
    const inference = createInference(settings, { secret: () => undefined })
    open.push(...servers, inference)
    return { a: servers[0] as TestServer, b: servers[1] as TestServer, inference }
  }

  it('uses each by its share of the load', async () => {
    const respond: Respond = () => undefined
    const { a, b, inference } = await pair(respond, respond, [6, 2])
    expect(inference.modelsOf('solver')).toEqual([{ model: 'm', mode: 'chat', sampling: {} }])
    expect([inference.slotsOf('solver'), inference.slotsOf('judge')]).toEqual([8, 0])
    const controller = new AbortController()
    const all = Array.from({ length: 8 }, () => solve(inference, {}, controller.signal).catch(() => undefined))
    await Promise.all([a.arrived(6), b.arrived(2)])
    expect(inference.status()).toMatchObject([{ inFlight: 6 }, { inFlight: 2 }])
    controller.abort()
    await Promise.all(all)
  })

  it('gives a waiting call to whichever endpoint is free first', async () => {
    const { a, b, inference } = await pair(
      () => undefined,
      (_, response, count) => {
        if (count > 1) json(response, 200, chatAnswer({ content: 'from b' }))
        else void a.arrived(1).then(() => json(response, 200, chatAnswer({ content: 'from b' })))
      },
      [1, 1],
    )
    const controller = new AbortController()
    const stuck = solve(inference, {}, controller.signal).catch(() => 'aborted')
    const rest = Array.from({ length: 5 }, () => solve(inference))
    expect((await Promise.all(rest)).map(({ endpoint }) => endpoint)).toEqual(['b', 'b', 'b', 'b', 'b'])
    expect([a.seen.length, b.seen.length]).toEqual([1, 5])
    controller.abort()
    expect(await stuck).toBe('aborted')
  })

  it('turns away from one that fails, and no call suffers for it', async () => {
    const { a, b, inference } = await pair(
      (_, response) => json(response, 503, { error: { message: 'loading' } }, { 'retry-after': '60' }),
      answering({ content: 'x' }),
    )
    for (let call = 0; call < 10; call += 1) expect((await solve(inference)).endpoint).toBe('b')
    expect([a.seen.length, b.seen.length]).toEqual([1, 10])
    expect(inference.status()).toMatchObject([
      { name: 'a', down: true, failed: 1, completed: 0 },
      { name: 'b', down: false, completed: 10 },
    ])
    expect(inference.status()[0]?.lastError).toContain('endpoint a')
  })

  it('sends calls with the same text to the same one, while it has room or nobody has', async () => {
    const { a, b, inference } = await pair(answering({ content: 'x' }), answering({ content: 'x' }), [4, 4])
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(Array.from({ length: 6 }, (_, problem) => solve(inference, { prompt: `problem ${problem}` })))
    }
    const prompts = ({ seen }: TestServer) => new Set(seen.map(({ body }) => JSON.stringify(body['messages'])))
    const [atA, atB] = [prompts(a), prompts(b)]
    expect(atA.size + atB.size).toBe(6)
    expect([a.seen.length, b.seen.length]).toEqual([9, 9])
  })
})

describe('an endpoint that is away', () => {
  it('is waited for and said so; the call goes out when it is back', async () => {
    let isAway = true
    const { server, inference } = await setUp((request, response) => {
      if (request.path === '/v1/models' && !isAway) json(response, 200, { data: [{ id: 'some-model' }] })
      else if (isAway) json(response, 503, { error: { message: 'loading' } }, { 'retry-after': '0.01' })
      else json(response, 200, chatAnswer({ content: 'x' }))
    })
    const told: (string | undefined)[] = []
    let resolve = (): void => undefined
    const wasTold = new Promise<void>((heard) => (resolve = heard))
    const answer = inference.complete(
      { role: 'solver', prompt: 'x' },
      {
        requestId: 'r',
        signal: never,
        onOutage: (why) => {
          told.push(why)
          resolve()
        },
      },
    )
    await wasTold
    expect(told[0]).toMatch(/^endpoint box \(http:\S+\), model some-model, request r: answered 503: loading; /)
    expect(inference.status()).toMatchObject([{ down: true, inFlight: 0, waiting: 1 }])
    isAway = false
    expect((await answer).text).toBe('x')
    expect(told.at(-1)).toBeUndefined()
    expect(inference.status()).toMatchObject([{ down: false, waiting: 0, failed: 1, completed: 1 }])
    expect(server.seen.filter(({ method }) => method === 'POST')).toHaveLength(2)
  })

  it('gives up what was not sent when no more is to be sent, and nothing else', async () => {
    const { server, inference } = await setUp(
      (_, response, count) => {
        if (count === 2) json(response, 200, chatAnswer({ content: 'late' }))
      },
      { endpoint: { maxConcurrency: 1 } },
    )
    const sending = new AbortController()
    const call = (requestId: string) =>
      inference.complete({ role: 'solver', prompt: 'x' }, { requestId, signal: never, sending: sending.signal })
    const [sent, waiting] = [call('sent'), call('waiting')]
    await server.arrived(1)
    const reason = new Error('drains')
    sending.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    expect(inference.status()).toMatchObject([{ inFlight: 1, waiting: 0 }])
    await expect(call('later')).rejects.toBe(reason)
    void sent.catch(() => undefined)
  })

  it('is told from a request that it always fails on', async () => {
    const { inference, calls } = await setUp((request, response) => {
      if (request.path === '/v1/models') json(response, 200, { data: [] })
      else if (JSON.stringify(request.body).includes('poison')) json(response, 500, { error: { message: 'boom' } })
      else json(response, 200, chatAnswer({ content: 'x' }))
    })
    const ask = (prompt: string, requestId: string) =>
      inference.complete({ role: 'solver', prompt }, { requestId, signal: never })
    let isOver = false
    const poisoned = ask('poison', 'p').finally(() => (isOver = true))
    // Others that are sent after it has failed are answered: then it is the request.
    const fine = (async () => {
      for (let call = 0; !isOver; call += 1) await ask('fine', `f-${call}`)
    })()
    await expect(poisoned).rejects.toMatchObject({ code: 'ENDPOINT_FAILED', outage: false })
    await fine
    expect(calls.filter(({ requestId }) => requestId === 'p').length).toBeLessThan(5)
  })
})

describe('whether a call may be sent', () => {
  it('is asked again when there is a connection, and the request goes out whole or not at all', async () => {
    const { server, inference, calls } = await setUp(answering({ content: 'x' }))
    let asked = 0
    let confirm = (): void => undefined
    const answer = inference.complete(
      { role: 'solver', prompt: 'x' },
      {
        requestId: 'r',
        signal: never,
        // Slept between the first question and the connection: the second question has to wait.
        beforeSending: () => {
          asked += 1
          return asked === 2 || asked === 3 ? new Promise((resolve) => (confirm = resolve)) : undefined
        },
      },
    )
    while (asked < 3) await new Promise((resolve) => setImmediate(resolve))
    expect(server.seen).toHaveLength(0)
    confirm()
    expect((await answer).text).toBe('x')
    expect(server.seen.map(({ body }) => body['messages'])).toEqual([[{ role: 'user', content: 'x' }]])
    expect(calls.map(({ outcome }) => outcome)).toEqual(['aborted', 'completed'])
    expect(inference.status()).toMatchObject([{ failed: 0, completed: 1, down: false, inFlight: 0 }])
  })

  it('is decided by the loss of its task where it comes to that', async () => {
    const { server, inference } = await setUp(answering({ content: 'x' }))
    const reason = new Error('the task goes to another owner')
    let asked = 0
    await expect(
      inference.complete(
        { role: 'solver', prompt: 'x' },
        {
          requestId: 'r',
          signal: never,
          beforeSending: () => {
            asked += 1
            return asked === 1 ? undefined : Promise.reject(reason)
          },
        },
      ),
    ).rejects.toBe(reason)
    expect(server.seen).toHaveLength(0)
  })
})

describe('an endpoint that refuses with 429', () => {
  it('gets as many calls as it takes, and every call is answered', async () => {
    const slots = 3
    let [running, most, refused] = [0, 0, 0]
    const { inference, calls } = await setUp((_, response) => {
      if (running === slots) {
        refused += 1
        return json(response, 429, { error: { message: 'too many' } })
      }
      running += 1
      most = Math.max(most, running)
      setTimeout(() => {
        running -= 1
        json(response, 200, chatAnswer({ content: 'x' }))
      }, 5)
    })
    await Promise.all(Array.from({ length: 300 }, (_, call) => solve(inference, {}, never, `r-${call}`)))
    expect(most).toBe(slots)
    expect(calls.filter(({ outcome }) => outcome === 'completed')).toHaveLength(300)
    // The first calls find the limit; after that it is tried once in a while.
    expect(refused).toBeLessThan(16 + 300 / 4)
  })
})

describe('roles', () => {
  it("that are not configured have no models, and a call for one is the operator's fault", async () => {
    const { inference } = await setUp(answering({ content: 'x' }))
    expect(inference.modelsOf('judge')).toEqual([])
    await expect(
      inference.complete({ role: 'judge', prompt: 'x' }, { requestId: 'r', signal: never }),
    ).rejects.toMatchObject({ kind: 'configuration', message: expect.stringContaining('roles.judge') as string })
  })

  it('with several models take the one that the request names', async () => {
    const server = await serveAnswers(answering({ content: 'x' }))
    const settings = parseInferenceSettings({
      endpoints: { box: { url: server.url } },
      models: { a: { model: 'judge-a', endpoints: ['box'] }, b: { model: 'judge-b', endpoints: ['box'] } },
      roles: { judge: ['a', 'b'] },
    })
    const inference = createInference(settings, { secret: () => undefined })
    open.push(server, inference)
    const judge = (model?: string) =>
      inference.complete(
        { role: 'judge', prompt: 'x', ...(model === undefined ? {} : { model }) },
        { requestId: 'r', signal: never },
      )
    expect(inference.modelsOf('judge').map(({ model }) => model)).toEqual(['judge-a', 'judge-b'])
    expect((await judge('judge-b')).model).toBe('judge-b')
    expect(server.seen[0]?.body['model']).toBe('judge-b')
    await expect(judge('judge-c')).rejects.toMatchObject({ kind: 'configuration' })
    await expect(judge()).rejects.toThrow(TypeError)
  })

  it('are counted: calls, failures, tokens, seconds, cost', async () => {
    const { inference } = await setUp(
      (_, response, count) =>
        count === 2
          ? json(response, 400, { error: { message: 'no' } })
          : json(response, 200, chatAnswer({ content: 'x' })),
      { model: { price: { inputPerMillion: 1, outputPerMillion: 4 } } },
    )
    await solve(inference)
    await solve(inference).catch(() => undefined)
    await solve(inference)
    const totals = inference.totals().get('solver')
    expect(totals).toMatchObject({
      calls: 2,
      failures: 1,
      estimated: 0,
      tokens: { prompt: 20, cached: 0, completion: 40, reasoning: 0 },
    })
    expect(totals?.cost['USD']).toBeCloseTo((20 * 1 + 40 * 4) / 1e6, 12)
    expect(totals?.seconds).toBeGreaterThan(0)
  })
})

describe('the check at the start', () => {
  it('says which endpoint lacks which model, or cannot be asked', async () => {
    const server = await serveAnswers((_, response) => json(response, 200, { data: [{ id: 'other' }] }))
    const gone = await serveAnswers(() => undefined)
    await gone.close()
    const settings = parseInferenceSettings({
      endpoints: { box: { url: server.url }, gone: { url: gone.url } },
      models: { solver: { model: 'some-model', endpoints: ['box', 'gone'] } },
      roles: { solver: ['solver'] },
    })
    const inference = createInference(settings, { secret: () => undefined })
    open.push(server, inference)
    expect(await inference.check(never)).toMatchObject([
      {
        name: 'box',
        models: ['other'],
        fault: {
          kind: 'configuration',
          message: `endpoint box (${server.url}): expected the model some-model, got none of that name; use one of other, or serve it`,
        },
      },
      { name: 'gone', fault: { kind: 'transient', code: 'ENDPOINT_UNREACHABLE' } },
    ])
  })
})

describe('a missing key', () => {
  it('is reported before anything is sent, for all endpoints at once', () => {
    const settings = parseInferenceSettings({
      endpoints: {
        a: { url: 'http://127.0.0.1:1/v1', apiKeyVariable: 'KEY_A' },
        b: { url: 'http://127.0.0.1:1/v1', apiKeyVariable: 'KEY_B' },
      },
      models: {},
      roles: {},
    })
    expect(() => createInference(settings, { secret: () => '' })).toThrow(
      'endpoints.a.apiKeyVariable: expected a key in the environment variable KEY_A, got nothing; set it, or remove apiKeyVariable where the endpoint needs no key\n' +
        'endpoints.b.apiKeyVariable: expected a key in the environment variable KEY_B, got nothing; set it, or remove apiKeyVariable where the endpoint needs no key',
    )
  })
})
