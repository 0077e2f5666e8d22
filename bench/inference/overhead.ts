/**
 * CPU time of this process for a plain chat completion against a server in another process that answers at once, with
 * 1,000 calls in flight: the SDK alone, and through inference/. Then for each chunk of a streamed one, where all 1,000 get a chunk
 * of a token every 50 ms: calls of many chunks against calls of few.
 *
 *   node dist/bench/inference/overhead.js [--only plain,streamed] [--calls N] [--rounds N] [--json]
 */
import { fork } from 'node:child_process'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import OpenAI from 'openai'
import { Agent, fetch as undiciFetch } from 'undici'
import { parseInferenceSettings } from '../../inference/configuration.ts'
import { Figures } from '../figures.ts'
import { transportOptions } from '../../inference/wire.ts'
import { createInference } from '../../inference/inference.ts'

const inFlight = 1000
const prompt = 'Let n be a positive integer. '.repeat(40)
const answer = JSON.stringify({
  id: 'x',
  object: 'chat.completion',
  created: 0,
  model: 'm',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: `<think>${'so it goes on. '.repeat(400)}</think>42` },
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 300, completion_tokens: 1500, total_tokens: 1800 },
})

/** Chunks of the streamed calls. */
const [fewChunks, manyChunks] = [10, 110]
const chunkIntervalMs = 50

/** One event as vLLM writes it. */
const event = (choices: object[], more: object = {}): string =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-0123456789abcdef0123456789abcdef',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'some-organisation/some-model-30B',
    choices,
    ...more,
  })}\n\n`
const chunk = event([{ index: 0, delta: { content: ' token' }, logprobs: null, finish_reason: null, token_ids: null }])
const lastChunks = `${event([{ index: 0, delta: {}, finish_reason: 'stop' }])}${event([], {
  usage: { prompt_tokens: 300, completion_tokens: manyChunks, total_tokens: 300 + manyChunks },
})}data: [DONE]\n\n`

/** The other process: answers every request at once, or a chunk at a time (as many as max_tokens says), tells its port to its parent. */
function serve(): void {
  const streams = new Map<ServerResponse, number>()
  setInterval(() => {
    for (const [response, left] of streams) {
      if (left > 0) response.write(chunk)
      else response.end(lastChunks)
      if (left > 0) streams.set(response, left - 1)
      else streams.delete(response)
    }
  }, chunkIntervalMs)
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request
      .on('data', (part: Buffer) => parts.push(part))
      .on('end', () => {
        const { stream, max_tokens: chunks } = JSON.parse(Buffer.concat(parts).toString() || '{}') as {
          stream?: boolean
          max_tokens?: number
        }
        if (stream !== true) {
          response.writeHead(200, { 'content-type': 'application/json' }).end(answer)
          return
        }
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
        streams.set(response, chunks ?? 0)
      })
  })
  // Longer than the turns of the two sides, so that no idle connection ends in the measurement.
  server.keepAliveTimeout = 120_000
  server.listen(0, '127.0.0.1', 4096, () => process.send?.((server.address() as AddressInfo).port))
  process.on('disconnect', () => process.exit())
}

/** CPU time a call in ms, user and system, with `inFlight` calls at any time. */
async function measure(
  calls: number,
  call: (index: number) => Promise<unknown>,
): Promise<{ cpuMs: number; perSecond: number; rssMb: number }> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < calls) await call((next += 1))
  }
  const [cpu, start] = [process.cpuUsage(), performance.now()]
  await Promise.all(Array.from({ length: inFlight }, worker))
  const { user, system } = process.cpuUsage(cpu)
  return {
    cpuMs: (user + system) / 1000 / calls,
    perSecond: calls / ((performance.now() - start) / 1000),
    rssMb: process.memoryUsage.rss() / 2 ** 20,
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: 'plain,streamed' },
      json: { type: 'boolean', default: false },
      calls: { type: 'string', default: '10000' },
      rounds: { type: 'string', default: '3' },
    },
  })
  const [calls, rounds] = [Number(values.calls), Number(values.rounds)]
  const child = fork(fileURLToPath(import.meta.url), ['--serve'])
  const port = await new Promise<number>((resolve) => child.once('message', (message) => resolve(Number(message))))
  const url = `http://127.0.0.1:${port}/v1`
  const figures = new Figures(values.json)

  const settings = parseInferenceSettings({
    endpoints: {
      box: { url, maxConcurrency: inFlight, stream: 'never' },
      streaming: { url, maxConcurrency: inFlight, stream: 'always' },
    },
    models: { solver: { model: 'm', endpoints: ['box'] }, streaming: { model: 'm', endpoints: ['streaming'] } },
    roles: { solver: ['solver'], teacher: ['streaming'] },
  })
  const inference = createInference(settings, { secret: () => undefined })
  const { signal } = new AbortController()

  async function plain(): Promise<void> {
    const ourCall = (index: number): Promise<unknown> =>
      inference.complete(
        { role: 'solver', prompt, seed: index, sampling: { temperature: 1 } },
        { requestId: `r-${index}`, signal },
      )
    const agent = new Agent(transportOptions)
    const client = new OpenAI({
      baseURL: url,
      apiKey: 'none',
      maxRetries: 0,
      fetch: (input, init) => undiciFetch(input as string, { ...(init as object), dispatcher: agent }),
    })
    const alone = (index: number): Promise<unknown> =>
      client.chat.completions.create(
        { model: 'm', messages: [{ role: 'user', content: prompt }], seed: index, temperature: 1 },
        { headers: { 'X-Request-Id': `r-${index}` } },
      )
    // Both are warmed up, then take turns; the median round counts.
    await measure(inFlight * 2, alone)
    await measure(inFlight * 2, ourCall)
    const results = { alone: [] as number[], ours: [] as number[] }
    let last: Awaited<ReturnType<typeof measure>> | undefined
    for (let round = 0; round < rounds; round += 1) {
      results.alone.push((await measure(calls, alone)).cpuMs)
      last = await measure(calls, ourCall)
      results.ours.push(last.cpuMs)
    }
    await agent.destroy()
    const ours = median(results.ours)
    const ratio = ours / median(results.alone)
    figures.tell('cpu-ms-per-call-sdk-alone', median(results.alone), 'baseline', true)
    figures.tell('cpu-ms-per-call', ours, '<= 2', ours <= 2)
    figures.tell('cpu-against-sdk', ratio, '<= 2.5', ratio <= 2.5)
    if (!values.json)
      console.log(
        `${calls} calls x ${rounds} rounds, ${inFlight} in flight, ${last?.perSecond.toFixed(0)} calls/s, RSS ${last?.rssMb.toFixed(0)} MB`,
      )
  }

  async function streamed(): Promise<void> {
    const call =
      (chunks: number) =>
      async (index: number): Promise<void> => {
        const { text } = await inference.complete(
          { role: 'teacher', prompt, seed: index, sampling: { maxTokens: chunks } },
          { requestId: `s-${chunks}-${index}`, signal },
        )
        if (text !== ' token'.repeat(chunks)) throw new Error(`expected ${chunks} tokens, got ${text.length / 6}`)
      }
    // The limit of the endpoint begins low.
    for (let round = 0; round < 3; round += 1) await measure(inFlight, call(fewChunks))
    const cpuUsOfChunk: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const few = await measure(inFlight, call(fewChunks))
      const many = await measure(inFlight, call(manyChunks))
      cpuUsOfChunk.push(((many.cpuMs - few.cpuMs) * 1000) / (manyChunks - fewChunks))
    }
    const us = median(cpuUsOfChunk)
    figures.tell('cpu-us-per-streamed-chunk', us, '<= 15', us <= 15)
  }

  const parts: Record<string, () => Promise<void>> = { plain, streamed }
  try {
    for (const name of values.only.split(',')) {
      const part = parts[name]
      if (!part) throw new Error(`--only: expected some of ${Object.keys(parts).join(', ')}, got ${name}`)
      await part()
    }
  } finally {
    await inference.close()
    child.disconnect()
  }
  process.exitCode = figures.missed === 0 ? 0 : 1
}

if (process.argv.includes('--serve')) serve()
else await main()
