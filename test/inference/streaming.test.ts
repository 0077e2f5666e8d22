/** Answers that come in pieces: when they are asked for, what ends them, what is left of those that are lost. */
import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { parseInferenceSettings } from '../../inference/configuration.ts'
import { type CallRecord, createInference } from '../../inference/inference.ts'
import type { SimulatorOptions } from '../../simulator/options.ts'
import { startSimulator } from '../../simulator/server.ts'
import { prompts } from '../simulator/client.ts'
import { chatAnswer, json, type Respond, serveAnswers } from './server.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

const never = new AbortController().signal

/** An inference with one solver and one embedder at this URL. */
function connect(url: string, endpoint: object = {}, lookSeconds?: number) {
  const calls: CallRecord[] = []
  const settings = parseInferenceSettings({
    endpoints: { box: { url, ...endpoint } },
    models: {
      solver: { model: 'sim-solver', endpoints: ['box'] },
      raw: { model: 'sim-problem-writer', endpoints: ['box'], mode: 'raw' },
      embedder: { model: 'sim-embedder', endpoints: ['box'] },
    },
    roles: { solver: ['solver'], 'problem-writer': ['raw'], embedder: ['embedder'] },
  })
  const inference = createInference(settings, {
    secret: () => undefined,
    onCall: (call) => calls.push(call),
    ...(lookSeconds === undefined ? {} : { lookSeconds }),
  })
  open.push(inference)
  const solve = (signal = never) =>
    inference.complete({ role: 'solver', prompt: 'What is 2 + 2?', seed: 1 }, { requestId: 'r', signal })
  return { inference, calls, solve }
}

async function serve(respond: Respond, endpoint: object = { stream: 'always' }) {
  const server = await serveAnswers(respond)
  open.push(server)
  return { server, ...connect(server.url, endpoint) }
}

async function simulate(options: SimulatorOptions, endpoint: object = { stream: 'always' }, lookSeconds?: number) {
  const simulator = await startSimulator(options)
  open.push(simulator)
  return { simulator, ...connect(simulator.url, endpoint, lookSeconds) }
}

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
const delta = (content: string, finish: string | null = null): string =>
  event({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })
const usage = (completion: number): string =>
  event({ choices: [], usage: { prompt_tokens: 9, completion_tokens: completion } })
const done = 'data: [DONE]\n\n'
const head = { 'content-type': 'text/event-stream' }

/** Begins a stream with this text. */
const begin = (response: ServerResponse, text = ''): ServerResponse => {
  response.writeHead(200, head).flushHeaders()
  if (text !== '') response.write(text)
  return response
}

const ticks = () => new Promise((resolve) => setTimeout(resolve, 2))
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await ticks()
}

describe('a streamed call', () => {
  it('asks for events and for usage, and gives what a plain one gives', async () => {
    const options: SimulatorOptions = { instant: true, seed: 3 }
    const [streamed, plain] = [await simulate(options), await simulate(options, { stream: 'never' })]
    const { latencySeconds: _, ...whole } = await plain.solve()
    expect(await streamed.solve()).toMatchObject(whole)
    const write = ({ inference }: typeof plain) =>
      inference.complete(
        { role: 'problem-writer', prompt: 'Write a problem.', seed: 4 },
        { requestId: 'w', signal: never },
      )
    const { latencySeconds: __, ...written } = await write(plain)
    expect(await write(streamed)).toMatchObject(written)
    expect(streamed.calls.map(({ tokens }) => tokens)).toEqual(plain.calls.map(({ tokens }) => tokens))

    const { server, solve } = await serve((_request, response) => void begin(response).end(delta('4', 'stop') + done))
    await solve()
    expect(server.seen[0]?.body).toEqual({
      model: 'sim-solver',
      messages: [{ role: 'user', content: 'What is 2 + 2?' }],
      seed: 1,
      stream: true,
      stream_options: { include_usage: true },
    })
  })

  it('takes a compressed stream all the same', async () => {
    const { solve } = await serve((_, response) => {
      const body = gzipSync(delta('com') + delta('pressed', 'stop') + usage(2) + done)
      response.writeHead(200, { ...head, 'content-encoding': 'gzip' }).end(body)
    })
    expect(await solve()).toMatchObject({ text: 'compressed', usage: { prompt: 9, completion: 2 } })
  })

  it('is answered by the end mark, though the body does not end', async () => {
    const { server, solve } = await serve((_, response) => void begin(response, delta('4', 'stop') + done))
    expect((await solve()).text).toBe('4')
    await server.seen[0]?.disconnected
  })

  it('is answered by its finish_reason, though the connection breaks after it', async () => {
    const { solve } = await serve((_, response) => {
      begin(response).write(delta('4', 'stop'), () => response.destroy())
    })
    expect(await solve()).toMatchObject({ text: '4', finishReason: 'stop' })
  })

  it('ends, with its connection, as soon as it cannot be read', async () => {
    const { server, solve } = await serve((_, response) => void begin(response, 'data: upstream is gone\n\n'))
    await expect(solve()).rejects.toMatchObject({ code: 'ANSWER_MALFORMED' })
    await server.seen[0]?.disconnected
  })

  it('may take longer than timeoutSeconds while it gets on', async () => {
    const { solve } = await serve(
      (_, response) => {
        begin(response, delta('a'))
        setTimeout(() => response.end(delta('b', 'stop') + done), 300)
      },
      { stream: 'always', timeoutSeconds: 0.1, idleSeconds: 20 },
    )
    expect((await solve()).text).toBe('ab')
  })

  it('is not sent where it may not be sent when there is a connection', async () => {
    const { server, inference } = await serve((_, response) => void begin(response).end(delta('4', 'stop') + done))
    const reason = new Error('the task goes to another owner')
    let asked = 0
    const answer = inference.complete(
      { role: 'solver', prompt: 'x' },
      { requestId: 'r', signal: never, beforeSending: () => ((asked += 1) === 1 ? undefined : Promise.reject(reason)) },
    )
    await expect(answer).rejects.toBe(reason)
    expect(server.seen).toHaveLength(0)
  })
})

describe('silence ends a streamed call', () => {
  it.each<[string, Respond]>([
    ['no head', () => undefined],
    ['a head alone', (_, response) => void begin(response)],
    ['text and then nothing', (_, response) => void begin(response, delta('a'))],
    [
      'text and then comments alone',
      (_, response) => {
        begin(response, delta('a'))
        const timer = setInterval(() => response.write(': keep-alive\n\n'), 20)
        response.on('close', () => clearInterval(timer))
      },
    ],
  ])('%s', async (_, respond) => {
    const { server, solve, inference } = await serve(respond, { stream: 'always', idleSeconds: 0.3 })
    await expect(solve()).rejects.toMatchObject({
      kind: 'transient',
      code: 'ENDPOINT_STALLED',
      outage: false,
      message: expect.stringContaining('the streamed answer got no further for 0.3 s') as string,
    })
    await server.seen[0]?.disconnected
    expect(inference.status()).toMatchObject([{ inFlight: 0, failed: 1 }])
  })

  it('comments before the first text are life: a server that queues the call sends them', async () => {
    const idleSeconds = 0.5
    const { solve } = await serve(
      (_, response) => {
        begin(response)
        const began = performance.now()
        const timer = setInterval(() => {
          if (performance.now() - began < 2500 * idleSeconds) return response.write(': queued\n\n')
          clearInterval(timer)
          return response.end(delta('4', 'stop') + done)
        }, 20)
      },
      { stream: 'always', idleSeconds },
    )
    const { text, latencySeconds } = await solve()
    expect(text).toBe('4')
    expect(latencySeconds).toBeGreaterThan(2 * idleSeconds)
  })
})

describe('an endpoint gets streamed calls', () => {
  const isStreamed = async (options: SimulatorOptions, endpoint: object, isAsked: boolean): Promise<boolean> => {
    // Every stream stands still at once and every plain call is never answered: what ends it tells which it was.
    const { inference, solve } = await simulate(
      { instant: true, ...options, failures: { hang: 1 } },
      { idleSeconds: 0.1, timeoutSeconds: 0.1, ...endpoint },
    )
    if (isAsked) await inference.check(never)
    const { code } = (await solve().catch((error: unknown) => error)) as { code: string }
    expect(['ENDPOINT_STALLED', 'ENDPOINT_TIMEOUT']).toContain(code)
    return code === 'ENDPOINT_STALLED'
  }

  it.each<[string, SimulatorOptions, object, boolean, boolean]>([
    ['where its metrics are missing', { metrics: false }, {}, true, true],
    ['not where its metrics tell that it writes', { metrics: true }, {}, true, false],
    ['not while nobody has asked for its metrics', { metrics: false }, {}, false, false],
    ['always, if it is to', { metrics: true }, { stream: 'always' }, false, true],
    ['never, if it is not to', { metrics: false }, { stream: 'never' }, true, false],
  ])('%s', async (_, options, endpoint, isAsked, expected) => {
    expect(await isStreamed(options, endpoint, isAsked)).toBe(expected)
  })

  it('as soon as looks at its work find no metrics', async () => {
    const { server, solve } = await serve((request, response) => {
      if (request.path === '/metrics') response.writeHead(404).end()
      else if (request.body['stream'] === true) begin(response).end(delta('4', 'stop') + done)
      else setTimeout(() => json(response, 200, chatAnswer({ content: '4' })), 20)
    }, {})
    while (server.seen.at(-1)?.body['stream'] !== true) await solve()
    expect(server.seen.findIndex(({ path }) => path === '/metrics')).toBeLessThan(server.seen.length - 1)
  })

  it('for completions alone', async () => {
    const { inference } = await simulate({ instant: true })
    const { vectors } = await inference.embed({ role: 'embedder', texts: ['a'] }, { requestId: 'e', signal: never })
    expect(vectors).toHaveLength(1)
  })

  it.each(['stream_options is not supported', 'Unrecognized request argument supplied: stream'])(
    'until it refuses them (%s)',
    async (message) => {
      const { server, solve, inference } = await serve((request, response) => {
        if ('stream' in request.body) json(response, 400, { error: { message } })
        else json(response, 200, chatAnswer({ content: '4' }))
      })
      expect((await solve()).text).toBe('4')
      expect(inference.status()[0]).toMatchObject({ failed: 0, completed: 1 })
      expect(inference.status()[0]?.lastError).toContain('refuses streamed answers; its calls are plain from now on')
      await solve()
      expect(server.seen.map(({ body }) => 'stream' in body)).toEqual([true, false, false])
    },
  )

  it('and goes on to get them where it refuses the plain request as well', async () => {
    const { server, solve } = await serve((_, response) =>
      json(response, 400, { error: { message: 'stop may not be set with stream or without' } }),
    )
    for (let call = 0; call < 2; call += 1) await expect(solve()).rejects.toMatchObject({ code: 'REQUEST_REFUSED' })
    const posts = server.seen.filter(({ method }) => method === 'POST')
    expect(posts.map(({ body }) => 'stream' in body)).toEqual([true, false, true, false])
  })

  it('until it answers as if none had been asked for', async () => {
    const { server, solve } = await serve((_, response) => json(response, 200, chatAnswer({ content: '4' })))
    expect(await solve()).toMatchObject({ text: '4', usage: { prompt: 10, completion: 20 } })
    await solve()
    expect(server.seen.map(({ body }) => 'stream' in body)).toEqual([true, false])
  })
})

describe('what a streamed call has cost before it was lost', () => {
  const lost = async (text: string, end: (response: ServerResponse) => void) => {
    const { calls, solve } = await serve((_, response) => {
      begin(response).write(text, () => end(response))
    })
    const error: unknown = await solve().catch((one: unknown) => one)
    return { error, call: calls[0] }
  }

  it('is estimated from its characters', async () => {
    const { error, call } = await lost(delta('x'.repeat(400)), (response) => response.destroy())
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', outage: false })
    expect(call).toMatchObject({ estimated: true, tokens: { prompt: 4, completion: 100, cached: 0, reasoning: 0 } })
  })

  it('is what the endpoint counted, where it had', async () => {
    const { error, call } = await lost(delta('half') + usage(77), (response) => response.end())
    expect(error).toMatchObject({ code: 'CONNECTION_LOST' })
    expect(call).toMatchObject({ estimated: false, tokens: { prompt: 9, completion: 77 } })
  })

  it('is counted where the generation ended in an error', async () => {
    const { error, call } = await lost(
      delta('x'.repeat(40)) + event({ error: { message: 'out of memory', code: 500 } }) + done,
      (response) => response.end(),
    )
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', outage: false })
    expect(call).toMatchObject({ tokens: { completion: 10 } })
  })

  it('is counted where the call was aborted', async () => {
    const { server, calls, solve } = await serve((_, response) => void begin(response, delta('x'.repeat(40))))
    const reason = new Error('drains')
    // Until the text had come before the abort.
    for (let count = 1; calls.at(-1)?.tokens.completion !== 10; count += 1) {
      const controller = new AbortController()
      const answer = solve(controller.signal)
      await server.arrived(count)
      setTimeout(() => controller.abort(reason), count)
      await expect(answer).rejects.toBe(reason)
      await server.seen[count - 1]?.disconnected
    }
    expect(calls.at(-1)).toMatchObject({ outcome: 'aborted', estimated: true, tokens: { prompt: 4 } })
  })
})

describe('an aborted call', () => {
  it.each(['never', 'always'])('frees its slot at the endpoint before it is written (stream: %s)', async (stream) => {
    // Written to its end it would take minutes.
    const { simulator, solve } = await simulate({ tokensPerSecond: 1, slots: 1 }, { stream })
    const controller = new AbortController()
    const answer = solve(controller.signal)
    await until(() => simulator.report().running === 1)
    controller.abort(new Error('no longer wanted'))
    await expect(answer).rejects.toThrow('no longer wanted')
    await until(() => simulator.report().running === 0)
    expect(simulator.report()).toMatchObject({ admitted: 1, finished: 0 })
  })
})

describe('a simulated endpoint in trouble', () => {
  it.each([
    ['connectionReset', 'CONNECTION_LOST'],
    ['cutAnswer', 'CONNECTION_LOST'],
    ['garbledAnswer', 'ANSWER_MALFORMED'],
    ['hang', 'ENDPOINT_STALLED'],
  ])('streams, and %s is %s', async (failure, code) => {
    const { solve, simulator } = await simulate(
      { instant: true, commentSeconds: 0.05, failures: { [failure]: 1 } },
      { stream: 'always', idleSeconds: 0.3 },
    )
    await expect(solve()).rejects.toMatchObject({ kind: 'transient', code, outage: false })
    await until(() => simulator.report().running === 0)
    expect(simulator.report()).toMatchObject({ finished: 0, completionTokens: 0, wastedTokens: 0 })
  })

  it('that stands still in the middle loses its streams, although comments go on', async () => {
    const { simulator, inference, calls } = await simulate(
      { tokensPerSecond: 100, commentSeconds: 0.05 },
      { stream: 'always', idleSeconds: 0.5 },
    )
    const answer = inference.complete(
      { role: 'solver', prompt: prompts.solveMath('Find the remainder when $7^{123}$ is divided by $41$.'), seed: 1 },
      { requestId: 'r', signal: never },
    )
    const isLost = expect(answer).rejects.toMatchObject({ code: 'ENDPOINT_STALLED' })
    const written = async (): Promise<number> => {
      const page = await (await fetch(new URL('/metrics', simulator.url))).text()
      return Number(/^vllm:generation_tokens_total\S* (\S+)$/m.exec(page)?.[1])
    }
    while ((await written()) < 20) await ticks()
    simulator.hang()
    await isLost
    expect(calls[0]?.tokens.completion).toBeGreaterThan(0)
    await until(() => simulator.report().running === 0)
    expect(simulator.report().destroyedTokens).toBeGreaterThan(0)
  })
})
