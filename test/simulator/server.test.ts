import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parseSimulatorOptions } from '../../simulator/options.ts'
import { type Completion, type Endpoint, NO_NOISE, openEndpoint, prompts } from './client.ts'

const MATH = 'Find the remainder when $7^{123}$ is divided by $41$.'
const SYNTHESIS = prompts.synthesise(['modular arithmetic', 'remainders', 'cyclic patterns'], 'AIME')

interface Line {
  event: string
  requestId: string | null
  task: string
}

const folder = mkdtempSync(join(tmpdir(), 'wellspring-simulator-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

function logLines(path: string): Line[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Line)
}

/** Waits until a condition holds, asking the endpoint again and again. */
async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve))
}

/** The value of one metric. */
async function metric(endpoint: Endpoint, name: string): Promise<number> {
  const { text } = await endpoint.get('/metrics')
  return Number(new RegExp(`^vllm:${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1])
}

interface Event {
  choices: {
    index: number
    text?: string
    delta?: { content?: string; reasoning?: string }
    finish_reason: string | null
  }[]
  usage?: Completion['usage']
}

function events(text: string): Event[] {
  const data = text.split('\n\n').flatMap((block) => (block.startsWith('data: {') ? [block.slice(6)] : []))
  return data.map((line) => JSON.parse(line) as Event)
}

describe('the simulated endpoint', () => {
  let endpoint: Endpoint
  beforeAll(async () => {
    endpoint = await openEndpoint({ seed: 5 })
  })
  afterAll(() => endpoint.close())

  it('marks every response as simulated and every model with sim-', async () => {
    const models = await endpoint.get('/v1/models')
    const { data } = JSON.parse(models.text) as Completion
    expect(data.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['sim-solver', 'sim-voter', 'sim-teacher', 'sim-embedder']),
    )
    for (const model of data)
      expect(model).toMatchObject({ id: expect.stringMatching(/^sim-/) as string, owned_by: 'wellspring-simulator' })
    const health = await endpoint.get('/health')
    const missing = await endpoint.get('/nowhere')
    for (const reply of [models, health, missing]) expect(reply.headers.get('x-wellspring-simulated')).toBe('true')
    expect([health.status, missing.status]).toEqual([200, 404])
  })

  it('gives the same answer to the same body with a seed, and other answers to other seeds', async () => {
    const body = { model: 'sim-problem-writer', prompt: SYNTHESIS, max_tokens: 4096, seed: 8000 }
    const text = async (rest: object): Promise<string | undefined> =>
      (await endpoint.post('/v1/completions', { ...body, ...rest })).body.choices[0]?.text
    const first = await text({})
    expect(await text({})).toBe(first)
    const others = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => text({ seed })))
    expect(new Set([first, ...others]).size).toBe(7)
  })

  it('gives choice i of n what choice i of a larger n gets', async () => {
    const body = { model: 'sim-solver', messages: [{ role: 'user', content: prompts.solveMath(MATH) }], seed: 3 }
    const [two, five] = await Promise.all([2, 5].map((n) => endpoint.post('/v1/chat/completions', { ...body, n })))
    expect(five?.body.choices).toHaveLength(5)
    expect(five?.body.choices.slice(0, 2)).toEqual(two?.body.choices)
  })

  it('varies answers without a seed, yet a restart with its own seed repeats them', async () => {
    const ask = async (): Promise<string[]> => {
      const fresh = await openEndpoint({ seed: 77 })
      const texts: string[] = []
      for (let call = 0; call < 4; call++)
        texts.push(JSON.stringify((await fresh.ask('sim-solver', prompts.solveMath(MATH))).message))
      await fresh.close()
      return texts
    }
    const [first, second] = [await ask(), await ask()]
    expect(new Set(first).size).toBe(4)
    expect(second).toEqual(first)
  })

  it('repeats itself at temperature 0', async () => {
    const [a, b] = await Promise.all(
      [1, 2].map(() => endpoint.ask('sim-voter', prompts.solveMath(MATH), { temperature: 0 })),
    )
    expect(a).toEqual(b)
  })

  it('ends before a stop sequence, and with it where that is wanted', async () => {
    const body = { model: 'sim-problem-writer', prompt: SYNTHESIS, max_tokens: 4096, seed: 1 }
    const stop = '<!-- END PROBLEM -->'
    const whole = (await endpoint.post('/v1/completions', body)).body.choices[0]
    const stopped = (await endpoint.post('/v1/completions', { ...body, stop })).body.choices[0]
    const included = (
      await endpoint.post('/v1/completions', { ...body, stop: [stop, 'never'], include_stop_str_in_output: true })
    ).body.choices[0]
    expect(whole?.text).toContain(stop)
    expect(stopped?.text).toBe(whole?.text.slice(0, whole.text.indexOf(stop)))
    expect(included?.text).toBe(`${stopped?.text ?? ''}${stop}`)
    expect(stopped?.finish_reason).toBe('stop')
  })

  it('cuts an answer at max_tokens with finish_reason length', async () => {
    const choice = await endpoint.ask('sim-teacher', prompts.solveMath(MATH), { max_tokens: 12, seed: 1 })
    expect(choice).toMatchObject({ finish_reason: 'length', message: { content: null } })
    const raw = (await endpoint.post('/v1/completions', { model: 'sim-problem-writer', prompt: SYNTHESIS })).body
    expect(raw).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 16 } })
  })

  it('adds usage up over the choices and counts reasoning in it', async () => {
    const body = { model: 'sim-voter', messages: [{ role: 'user', content: prompts.solveMath(MATH) }], seed: 2 }
    const { usage, choices } = (await endpoint.post('/v1/chat/completions', { ...body, n: 3 })).body
    expect(usage.total_tokens).toBe(usage.prompt_tokens + usage.completion_tokens)
    expect(usage.completion_tokens_details.reasoning_tokens).toBeGreaterThan(0)
    expect(usage.completion_tokens_details.reasoning_tokens).toBeLessThan(usage.completion_tokens)
    const one = (await endpoint.post('/v1/chat/completions', body)).body
    expect(one.usage.completion_tokens).toBeLessThan(usage.completion_tokens)
    for (const { message } of choices) expect(message.reasoning).toEqual(expect.any(String))
  })

  it.each([
    ['chat', 2],
    ['chat', 1],
    ['completions', 2],
  ] as const)('streams what it would have sent whole (%s, n = %i)', async (kind, n) => {
    const chat = kind === 'chat'
    const path = chat ? '/v1/chat/completions' : '/v1/completions'
    const input = chat
      ? { messages: [{ role: 'user', content: prompts.solveMath(MATH) }] }
      : { prompt: prompts.solveMath(MATH), max_tokens: 900 }
    const body = { model: 'sim-solver', seed: 4, n, ...input }
    const whole = (await endpoint.post(path, body)).body
    const reply = await endpoint.post(path, { ...body, stream: true, stream_options: { include_usage: true } })
    expect(reply.text.endsWith('data: [DONE]\n\n')).toBe(true)
    const parts = events(reply.text)
    for (const choice of whole.choices) {
      const own = parts.flatMap((event) => event.choices.filter(({ index }) => index === choice.index))
      const content = own.map((part) => part.text ?? part.delta?.content ?? '').join('')
      const reasoning = own.map((part) => part.delta?.reasoning ?? '').join('')
      expect(content).toBe(chat ? (choice.message.content ?? '') : choice.text)
      expect(reasoning).toBe(chat ? (choice.message.reasoning ?? '') : '')
      expect(own.at(-1)?.finish_reason).toBe(choice.finish_reason)
    }
    expect(parts.at(-1)?.usage).toEqual(whole.usage)
  })

  it('scores the same text the same by echo, by prompt_logprobs and in any split', async () => {
    const given = `${SYNTHESIS}<!-- BEGIN RATIONALE -->remainders repeat<!-- END RATIONALE -->`
    const echo = await endpoint.post('/v1/completions', {
      model: 'sim-problem-writer',
      prompt: given,
      echo: true,
      logprobs: 1,
      max_tokens: 0,
    })
    const prompt = await endpoint.post('/v1/completions', {
      model: 'sim-problem-writer',
      prompt: given,
      prompt_logprobs: 0,
      max_tokens: 1,
    })
    const scored = echo.body.choices[0]?.logprobs
    expect(scored?.tokens.join('')).toBe(given)
    expect(scored?.token_logprobs[0]).toBeNull()
    expect(scored?.text_offset).toEqual(scored?.tokens.map((_, i) => scored.tokens.slice(0, i).join('').length))
    const sum = (scored?.token_logprobs ?? []).reduce<number>((total, score) => total + (score ?? 0), 0)
    const entries = (prompt.body.choices[0]?.prompt_logprobs ?? []).map((entry) =>
      entry === null ? null : Object.values(entry)[0],
    )
    expect(entries.reduce((total, entry) => total + (entry?.logprob ?? 0), 0)).toBeCloseTo(sum, 9)
    expect(entries.map((entry, i) => entry?.decoded_token ?? scored?.tokens[i]).join('')).toBe(given)
    for (const score of scored?.token_logprobs.slice(1) ?? []) expect(score).toBeLessThan(0)
  })

  it('finds a problem more likely after a rationale that speaks of it', async () => {
    const problem = 'What is the area of the triangle with sides 7, 8 and 9?'
    const score = async (rationale: string): Promise<number> => {
      const reply = await endpoint.post('/v1/completions', {
        model: 'sim-problem-writer',
        prompt: `${rationale}\n${problem}`,
        echo: true,
        logprobs: 0,
        max_tokens: 0,
      })
      const { tokens = [], token_logprobs: scores = [] } = reply.body.choices[0]?.logprobs ?? {}
      const start = tokens.length - 17
      return scores.slice(start).reduce<number>((sum, value) => sum + (value ?? 0), 0)
    }
    const fitting = await score('The triangle has known sides, so its area follows from them.')
    const strange = await score('A choir of beekeepers rehearses quietly behind the old harbour.')
    expect(fitting).toBeGreaterThan(strange)
  })

  it('gives similar concepts similar vectors, as numbers or base64', async () => {
    const input = ['modular arithmetic', 'congruences modulo n', 'circle theorems', 'stacks']
    const reply = await endpoint.post('/v1/embeddings', { model: 'sim-embedder', input })
    const vectors = reply.body.data.map(({ embedding }) => embedding as number[])
    const cosine = (a: number[] = [], b: number[] = []): number => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0)
    expect(cosine(vectors[0], vectors[0])).toBeCloseTo(1, 5)
    expect(cosine(vectors[0], vectors[1])).toBeGreaterThan(0.5)
    expect(cosine(vectors[0], vectors[1])).toBeGreaterThan(cosine(vectors[0], vectors[2]) + 0.2)
    expect(cosine(vectors[0], vectors[1])).toBeGreaterThan(cosine(vectors[0], vectors[3]) + 0.2)
    const encoded = await endpoint.post('/v1/embeddings', { model: 'sim-embedder', input, encoding_format: 'base64' })
    const bytes = Buffer.from(encoded.body.data[0]?.embedding as string, 'base64')
    expect(bytes.readFloatLE(0)).toBeCloseTo(vectors[0]?.[0] ?? Number.NaN, 6)
  })

  it.each([
    [
      'an unknown model',
      '/v1/chat/completions',
      { model: 'gpt', messages: [{ role: 'user', content: 'x' }] },
      400,
      'model',
    ],
    ['no messages', '/v1/chat/completions', { model: 'sim-solver' }, 400, 'messages'],
    [
      'messages without a user',
      '/v1/chat/completions',
      { model: 'sim-solver', messages: [{ role: 'system', content: 'x' }] },
      400,
      'messages',
    ],
    ['text that is not JSON', '/v1/chat/completions', '{"model": ', 400, null],
    ['no prompt', '/v1/completions', { model: 'sim-solver' }, 400, 'prompt'],
    ['n = 0', '/v1/completions', { model: 'sim-solver', prompt: 'x', n: 0 }, 400, 'n'],
    ['a chat model that is asked to embed', '/v1/embeddings', { model: 'sim-solver', input: 'x' }, 400, 'model'],
    ['an embedder that is asked to chat', '/v1/completions', { model: 'sim-embedder', prompt: 'x' }, 400, 'model'],
    ['an unknown path', '/v1/images', {}, 404, null],
  ])('refuses %s in the way of an OpenAI-compatible server', async (_, path, body, status, parameter) => {
    const reply = await endpoint.post(path, body)
    expect(reply.status).toBe(status)
    expect(reply.body.error.message.length).toBeGreaterThan(5)
    expect(reply.body.error.message).not.toContain('\n')
    expect(reply.body.error.param).toBe(parameter)
  })
})

describe('slots, disconnects and the request log', () => {
  const open: Endpoint[] = []
  const start = async (options: Parameters<typeof openEndpoint>[0]): Promise<Endpoint> => {
    const endpoint = await openEndpoint(options)
    open.push(endpoint)
    return endpoint
  }
  afterEach(async () => {
    await Promise.all(open.splice(0).map((endpoint) => endpoint.close()))
  })
  const slow = { model: 'sim-teacher', messages: [{ role: 'user', content: prompts.solveMath(MATH) }] }

  it('queues requests beyond its slots and frees a slot when its client leaves', async () => {
    const requestLogFile = join(folder, 'leave.jsonl')
    // So slow that nothing finishes within the test.
    const endpoint = await start({ instant: false, slots: 1, tokensPerSecond: 0.001, requestLogFile })
    const [first, second] = [new AbortController(), new AbortController()]
    const replies = [first, second].map(async (controller, i) =>
      endpoint
        .post(
          '/v1/chat/completions',
          { ...slow, stream: i === 1 },
          { 'x-request-id': `call-${String(i)}` },
          controller.signal,
        )
        .catch(() => 'gone'),
    )
    await until(async () => (await metric(endpoint, 'num_requests_waiting')) === 1)
    expect(await metric(endpoint, 'num_requests_running')).toBe(1)
    expect(await metric(endpoint, 'kv_cache_usage_perc')).toBeGreaterThan(0)
    first.abort()
    await until(async () => (await metric(endpoint, 'num_requests_waiting')) === 0)
    expect(await metric(endpoint, 'num_requests_running')).toBe(1)
    second.abort()
    await until(async () => (await metric(endpoint, 'num_requests_running')) === 0)
    expect(await Promise.all(replies)).toEqual(['gone', 'gone'])
    await until(() => logLines(requestLogFile).length === 4)
    expect(logLines(requestLogFile).map(({ event }) => event)).toEqual(['admitted', 'admitted', 'aborted', 'aborted'])
    expect(await metric(endpoint, 'kv_cache_usage_perc')).toBe(0)
  })

  it('logs admission and end of each request, the end before the client has the answer', async () => {
    const requestLogFile = join(folder, 'requests.jsonl')
    const endpoint = await start({ requestLogFile })
    for (const stream of [false, true]) {
      await endpoint.post('/v1/chat/completions', { ...slow, stream }, { 'x-request-id': `stream-${String(stream)}` })
      const own = logLines(requestLogFile).filter(({ requestId }) => requestId === `stream-${String(stream)}`)
      expect(own.map(({ event, task }) => [event, task])).toEqual([
        ['admitted', 'solve-math'],
        ['finished', 'solve-math'],
      ])
    }
  })

  it('sends comments in a stream while it waits for a slot', async () => {
    const endpoint = await start({ instant: false, slots: 1, tokensPerSecond: 0.001, commentSeconds: 0.01 })
    const controller = new AbortController()
    const first = endpoint.post('/v1/chat/completions', slow, {}, controller.signal).catch(() => 'gone')
    await until(async () => (await metric(endpoint, 'num_requests_running')) === 1)
    const waiting = await fetch(`${endpoint.url}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...slow, stream: true }),
      signal: controller.signal,
    })
    const reader = waiting.body?.getReader()
    const text = Buffer.from((await reader?.read())?.value ?? []).toString()
    expect(text).toMatch(/^(: keep-alive\n\n)+$/)
    controller.abort()
    await first
    await until(async () => (await metric(endpoint, 'num_requests_running')) === 0)
  })

  it('takes as long as its token speed says', async () => {
    const endpoint = await start({ instant: false, tokensPerSecond: 1000, speed: 10, noise: NO_NOISE })
    const began = performance.now()
    const reply = await endpoint.post('/v1/chat/completions', { ...slow, seed: 9 })
    const seconds = (performance.now() - began) / 1000
    // At 10,000 tokens a second; the speed of one answer varies by some 15 %.
    expect(seconds).toBeGreaterThan(reply.body.usage.completion_tokens / 10_000 / 2)
  })

  it('serves more than a thousand connections at the same time', async () => {
    const endpoint = await start({ instant: false, slots: 2000, tokensPerSecond: 0.001 })
    const { port } = new URL(endpoint.url)
    const body = JSON.stringify(slow)
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${String(Buffer.byteLength(body))}\r\n\r\n`
    const sockets = Array.from({ length: 1100 }, () => {
      const socket = connect(Number(port), '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write(head + body)
      return socket
    })
    await until(async () => (await metric(endpoint, 'num_requests_running')) === 1100)
    for (const socket of sockets) socket.destroy()
    await until(async () => (await metric(endpoint, 'num_requests_running')) === 0)
  })

  it('counts tokens and prefix hits as vLLM does', async () => {
    const endpoint = await start({})
    const { usage } = (await endpoint.post('/v1/chat/completions', { ...slow, n: 2 })).body
    await endpoint.post('/v1/chat/completions', { ...slow, max_tokens: 1 })
    expect(await metric(endpoint, 'prompt_tokens_total')).toBe(2 * usage.prompt_tokens)
    expect(await metric(endpoint, 'generation_tokens_total')).toBe(usage.completion_tokens + 1)
    expect(await metric(endpoint, 'prefix_cache_hits_total')).toBe(usage.prompt_tokens)
    expect(await metric(endpoint, 'num_preemptions_total')).toBe(0)
  })
})

describe('the key-value cache', () => {
  const ask = (seed: number, rest: object = {}): object => ({
    model: 'sim-teacher',
    messages: [{ role: 'user', content: prompts.solveMath(MATH) }],
    seed,
    ...rest,
  })
  const seeds = Array.from({ length: 12 }, (_, seed) => seed)
  const path = '/v1/chat/completions'
  const report = async (endpoint: Endpoint) =>
    JSON.parse((await endpoint.get('/simulator/report')).text) as Record<string, number>

  it('preempts when it is full, and every answer and every stream is what it would have been', async () => {
    const roomy = await openEndpoint({ seed: 4, noise: NO_NOISE })
    const answers = await Promise.all(seeds.map((seed) => roomy.post(path, ask(seed))))
    await roomy.close()
    const sizes = answers.map(({ body }) => body.usage.total_tokens)
    // Room for three of the usual length, while twelve are wanted.
    const kvTokens = Math.max(...sizes, Math.round((3 * sizes.reduce((sum, size) => sum + size)) / sizes.length))
    const endpoint = await openEndpoint({ seed: 4, noise: NO_NOISE, instant: false, speed: 8, kvTokens })
    const again = await Promise.all(
      seeds.map((seed) => endpoint.post(path, ask(seed, seed % 2 === 0 ? {} : { stream: true }))),
    )
    for (const [seed, { body, text }] of again.entries()) {
      const { choices, usage } = answers[seed]?.body ?? body
      if (seed % 2 === 0) expect(body).toMatchObject({ choices, usage })
      else {
        const parts = events(text).flatMap((event) => event.choices)
        const said = parts.map(({ delta }) => (delta?.reasoning ?? '') + (delta?.content ?? '')).join('')
        expect(said).toBe((choices[0]?.message.reasoning ?? '') + (choices[0]?.message.content ?? ''))
      }
    }
    const { preemptions, recomputedTokens, completionTokens } = await report(endpoint)
    expect(preemptions).toBeGreaterThan(0)
    expect(recomputedTokens).toBeGreaterThan(0)
    expect(completionTokens).toBe(answers.reduce((sum, { body }) => sum + body.usage.completion_tokens, 0))
    expect(await metric(endpoint, 'num_preemptions_total')).toBe(preemptions)
    expect(await metric(endpoint, 'kv_cache_usage_perc')).toBe(0)
    await endpoint.close()
  })

  it('takes requests only while their prompts fit, and tells how full it is', async () => {
    const short = ask(1, { max_tokens: 1 })
    const roomy = await openEndpoint({})
    const promptTokens = (await roomy.post(path, short)).body.usage.prompt_tokens
    await roomy.close()
    // So slow that nothing is written within the test.
    const kvTokens = 2 * (promptTokens + 1)
    const endpoint = await openEndpoint({ instant: false, tokensPerSecond: 0.001, kvTokens, queueLimit: 1 })
    const controller = new AbortController()
    const replies = [1, 2, 3].map(() => endpoint.post(path, short, {}, controller.signal).catch(() => 'gone'))
    await until(async () => (await metric(endpoint, 'num_requests_waiting')) === 1)
    expect(await metric(endpoint, 'num_requests_running')).toBe(2)
    expect(await metric(endpoint, 'kv_cache_usage_perc')).toBeCloseTo((2 * promptTokens) / kvTokens, 9)
    expect((await endpoint.post(path, short)).status).toBe(429)
    controller.abort()
    await Promise.all(replies)
    await endpoint.close()
  })

  it('refuses a request that does not fit into it alone, as one whose context is too long', async () => {
    const roomy = await openEndpoint({})
    const { usage } = (await roomy.post(path, ask(1))).body
    await roomy.close()
    for (const [kvTokens, status] of [
      [usage.total_tokens, 200],
      [usage.total_tokens - 1, 400],
    ] as const) {
      const endpoint = await openEndpoint({ kvTokens })
      const reply = await endpoint.post(path, ask(1))
      expect(reply.status).toBe(status)
      if (status === 400) expect(reply.body.error).toMatchObject({ code: 'context_length_exceeded', param: 'messages' })
      expect(await report(endpoint)).toMatchObject({ admitted: status === 200 ? 1 : 0 })
      await endpoint.close()
    }
  })
})

describe('a script of events', () => {
  const slow = { model: 'sim-teacher', messages: [{ role: 'user', content: prompts.solveMath(MATH) }] }

  it('hangs: nothing is answered, metrics included, until it recovers', async () => {
    const beganMs = performance.now()
    const endpoint = await openEndpoint({ events: 'hang@0s,recover@+6s', speed: 20 })
    const replies = await Promise.all([
      ...['/metrics', '/v1/models', '/health'].map((path) => endpoint.get(path)),
      endpoint.post('/v1/chat/completions', slow),
    ])
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    // Timers may be a little early.
    expect(performance.now() - beganMs).toBeGreaterThan(295)
    await endpoint.close()
  })

  it('restarts: cuts all connections and loses what is under way, and then answers as before', async () => {
    const requestLogFile = join(folder, 'restart.jsonl')
    // 60 tokens a second at speed 20: the answer would take longer than until the restart.
    const options = { instant: false, speed: 20, seed: 2, noise: NO_NOISE, lengthFactor: 40, requestLogFile }
    const endpoint = await openEndpoint({ ...options, events: 'restart@40s/4s' })
    const body = { ...slow, seed: 6 }
    const quick = { ...body, max_tokens: 3 }
    const before = await endpoint.post('/v1/chat/completions', quick)
    await expect(endpoint.post('/v1/chat/completions', body)).rejects.toThrow()
    await until(() => endpoint.get('/health').then(Boolean, () => false))
    expect(await metric(endpoint, 'generation_tokens_total')).toBe(0)
    const after = await endpoint.post('/v1/chat/completions', quick)
    expect(after.body.choices).toEqual(before.body.choices)
    const { text } = await endpoint.get('/simulator/report')
    const { destroyedTokens, ...counts } = JSON.parse(text) as Record<string, number>
    expect(counts).toMatchObject({ admitted: 3, finished: 2, completionTokens: 6, wastedTokens: 0, running: 0 })
    // At most what fits into 40 s at some 60 tokens a second.
    expect(destroyedTokens).toBeGreaterThan(0)
    expect(destroyedTokens).toBeLessThan(4000)
    await endpoint.close()
  })

  it('restarts again and again, and can be closed while it is away', async () => {
    const endpoint = await openEndpoint({ events: 'restart@every1s/0.5s', speed: 10 })
    for (let restart = 0; restart < 3; restart += 1) {
      await until(() => endpoint.get('/health').then(Boolean, () => false))
      await until(() =>
        endpoint.get('/health').then(
          () => false,
          () => true,
        ),
      )
    }
    await endpoint.close()
    await expect(endpoint.get('/health')).rejects.toThrow()
  })
})

describe('options', () => {
  it('fill in every default', () => {
    expect(parseSimulatorOptions({})).toMatchObject({
      port: 0,
      host: '127.0.0.1',
      speed: 1,
      instant: false,
      knowsFiles: [],
    })
  })

  it('are refused with every fault in one line', () => {
    const refuse = (): unknown =>
      parseSimulatorOptions({ port: 70000, speed: 0, noise: { wrongTests: 2 }, colour: 'red' })
    expect(refuse).toThrow(/^simulator options: .*port.*speed.*noise\.wrongTests.*colour[^\n]*$/)
  })

  it('name the file and line of a known problem that is not one', async () => {
    await expect(openEndpoint({ knowsFiles: ['package.json'] })).rejects.toThrow(
      /known problems: package\.json:1: expected one JSON object a line/,
    )
  })
})
