/** The language models behind an OpenAI-compatible endpoint: /v1/completions with echo and logprobs, and /v1/models. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LanguageModel } from './language-model.ts'

/** Models by their names; more come while it runs. */
export interface ModelServer {
  url: string
  readonly models: Map<string, LanguageModel>
  /** Completion requests answered, by model. */
  readonly answered: Map<string, number>
  close(): Promise<void>
}

interface CompletionBody {
  model: string
  prompt: string
  max_tokens?: number
  temperature?: number
  seed?: number
  stop?: string[]
  echo?: boolean
}

/** Starts the endpoint on a free port of 127.0.0.1. What it makes is marked as simulated: toy models make nothing to train on. */
export async function serveModels(seed: number): Promise<ModelServer> {
  const models = new Map<string, LanguageModel>()
  const answered = new Map<string, number>()
  const answer = (response: ServerResponse, status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-wellspring-simulated': 'true' })
    response.end(JSON.stringify(body))
  }
  const complete = (body: CompletionBody, response: ServerResponse): void => {
    const model = models.get(body.model)
    if (model === undefined)
      return answer(response, 404, { error: { message: `The model \`${body.model}\` does not exist` } })
    const { temperature = 1 } = body
    if (temperature !== 0 && temperature !== 1)
      return answer(response, 400, { error: { message: 'temperature must be 0 or 1' } })
    answered.set(body.model, (answered.get(body.model) ?? 0) + 1)
    if (body.echo) {
      const { tokens, logProbabilities } = model.score(body.prompt)
      const logprobs = { tokens, token_logprobs: logProbabilities.map((one, at) => (at === 0 ? null : one)) }
      const usage = { prompt_tokens: tokens.length, completion_tokens: 0 }
      return answer(response, 200, {
        choices: [{ index: 0, text: body.prompt, finish_reason: 'length', logprobs }],
        usage,
      })
    }
    const written = model.write(body.prompt, {
      ...{ greedy: temperature === 0, seed: ((body.seed ?? 0) + 7919 * seed) >>> 0 },
      ...{ stop: body.stop ?? [], maxTokens: body.max_tokens ?? 400 },
    })
    answer(response, 200, {
      choices: [{ index: 0, text: written.text, finish_reason: written.isWhole ? 'stop' : 'length' }],
      usage: { prompt_tokens: Math.ceil(body.prompt.length / 4), completion_tokens: written.tokens },
    })
  }
  const server = createServer((request, response) => {
    if (request.url === '/v1/models') {
      const data = [...models.keys()].map((id) => ({ id, object: 'model', owned_by: 'wellspring-simulator' }))
      return answer(response, 200, { object: 'list', data })
    }
    if (request.url !== '/v1/completions') return answer(response, 404, { error: { message: 'no such path' } })
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => complete(JSON.parse(Buffer.concat(parts).toString()) as CompletionBody, response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    models,
    answered,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
