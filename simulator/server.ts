/** The simulated OpenAI-compatible endpoint. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { embed, EMBEDDING_DIMENSIONS } from './embedding.ts'
import { type Choice, generateChoices, PromptCounter } from './generate.ts'
import { KnownProblems } from './known-problems.ts'
import { scoreTokens, tokenId } from './logprobs.ts'
import { drawTransportFault, type TransportFault } from './faults.ts'
import { EndpointMetrics } from './metrics.ts'
import { findModel, MODELS, type SimulatedModel } from './models.ts'
import { parseSimulatorOptions, type SimulatorOptions, type SimulatorSettings } from './options.ts'
import { recogniseTask } from './prompts.ts'
import { hashText, Random } from './random.ts'
import {
  type GenerationRequest,
  readChatRequest,
  readCompletionRequest,
  readEmbeddingRequest,
  RequestError,
} from './requests.ts'
import { Slots } from './slots.ts'
import { StatementReader } from './statements.ts'
import { countTokens, splitTokens } from './tokens.ts'
import { canonicalAnswer } from './answers.ts'
import { type Fact, LineWriter, statementHash } from './truth.ts'

const BODY_LIMIT_BYTES = 64 * 1024 * 1024
/** The longest delay that a timer takes; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1
/** At most this often does a stream send. */
const STREAM_INTERVAL_MS = 20

/** A running endpoint. */
export interface Simulator {
  /** Base URL with the path /v1. */
  url: string
  port: number
  report(): SimulatorReport
  /** From now on no answer gets on; questions for models and metrics are answered. */
  hang(): void
  /** Ends a `hang`. */
  recover(): void
  /** Ends open requests and stops listening. */
  close(): Promise<void>
}

/** What the endpoint has done since its start; tokens are those of completions. */
interface SimulatorReport {
  admitted: number
  finished: number
  /** Answered 429. */
  refused: number
  /** Finished answers to requests whose id had one before. */
  repeated: number
  completionTokens: number
  /** Written for clients that left. */
  wastedTokens: number
  /** Written and lost by what the simulator itself did wrong. */
  destroyedTokens: number
  slots: number
  /** Summed over the slots, on the clock: not sped up. */
  busySlotSeconds: number
  running: number
  waiting: number
  /** Of prompts, all of them, and those that were there from a prompt before. */
  prefixTokens: number
  prefixHitTokens: number
}

/** An answer that is being generated. */
interface UnderWay {
  firstTokenMs: number
  generationMs: number
  tokens: number
  /** Infinite while it waits for a slot. */
  startedMs: number
}

/** One request from its admission to its end. */
interface Admission {
  requestId: string | null
  task: string
  model: string
  promptTokens: number
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > BODY_LIMIT_BYTES) throw new RequestError(413, `body: expected at most ${String(BODY_LIMIT_BYTES)} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw new RequestError(400, 'body: expected JSON, got text that does not parse', 'invalid_json')
  }
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}

function requireModel(id: string, embeddings: boolean): SimulatedModel {
  const model = findModel(id)
  if (model === undefined) {
    throw new RequestError(
      400,
      `model: \`${id}\` does not exist; GET /v1/models lists the simulated ones`,
      'model_not_found',
      'model',
    )
  }
  if ((model.embeddings ?? false) !== embeddings) {
    throw new RequestError(400, `model: \`${id}\` does not serve this endpoint`, 'model_not_supported', 'model')
  }
  return model
}

function usageOf(promptTokens: number, choices: readonly Choice[]): object {
  const completion = choices.reduce((sum, choice) => sum + choice.completionTokens, 0)
  const reasoning = choices.reduce((sum, choice) => sum + choice.reasoningTokens, 0)
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completion,
    total_tokens: promptTokens + completion,
    completion_tokens_details: { reasoning_tokens: reasoning },
  }
}

/** Log-probabilities of a raw completion in the layout of the completions endpoint. */
function completionLogprobs(choice: Choice, echo: boolean): object {
  const before = splitTokens(choice.prompt)
  const after = splitTokens(choice.content)
  const all = scoreTokens([...before, ...after])
  const tokens = echo ? [...before, ...after] : after
  const scores = echo ? all : all.slice(before.length)
  let offset = 0
  const offsets = tokens.map((token) => {
    const start = offset
    offset += token.length
    return start
  })
  return {
    tokens,
    token_logprobs: scores,
    top_logprobs: tokens.map((token, index) => {
      const score = scores[index]
      return score === null || score === undefined ? null : { [token]: score }
    }),
    text_offset: offsets,
  }
}

/** vLLM's prompt_logprobs: one entry a prompt token, null for the first. */
function promptLogprobs(prompt: string): (object | null)[] {
  const tokens = splitTokens(prompt)
  return scoreTokens(tokens).map((score, index) => {
    const token = tokens[index] ?? ''
    if (score === null) return null
    return {
      [tokenId(token)]: { logprob: score, rank: Math.max(1, Math.round(Math.exp(-score) / 3)), decoded_token: token },
    }
  })
}

class SimulatorServer {
  private readonly settings: SimulatorSettings
  private readonly statements: StatementReader
  private readonly slots: Slots
  private readonly counter = new PromptCounter()
  private readonly metrics = new EndpointMetrics()
  private readonly recentPrompts = new Set<number>()
  private readonly truth: LineWriter | undefined
  private readonly requestLog: LineWriter | undefined
  private tokensInCache = 0
  private readonly counts = {
    admitted: 0,
    finished: 0,
    refused: 0,
    repeated: 0,
    completionTokens: 0,
    wastedTokens: 0,
    destroyedTokens: 0,
  }
  private readonly finishedIds = new Set<string>()
  private readonly faultRandom: Random
  private readonly underWay = new Set<UnderWay>()
  private hungSinceMs: number | undefined
  /** Answers that are due since it hangs. */
  private readonly held = new Set<() => void>()

  constructor(settings: SimulatorSettings) {
    this.settings = settings
    const known = new KnownProblems(settings.knowsFiles)
    this.statements = new StatementReader(known)
    this.slots = new Slots(settings.slots)
    this.faultRandom = new Random(settings.seed, 'transport faults')
    this.truth = settings.truthFile === undefined ? undefined : new LineWriter(settings.truthFile)
    this.requestLog = settings.requestLogFile === undefined ? undefined : new LineWriter(settings.requestLogFile)
    for (const problem of known.all()) {
      this.writeFact({
        kind: 'problem',
        statementHash: statementHash(problem.problem),
        family: 'human',
        difficulty: problem.difficulty,
        valid: true,
        ...(problem.answer && { rightAnswer: canonicalAnswer(problem.answer) }),
        requestId: null,
      })
    }
  }

  private writeFact(fact: Fact): void {
    this.truth?.append(fact)
  }

  private log(event: 'admitted' | 'finished' | 'aborted', admission: Admission, completionTokens: number): void {
    this.requestLog?.append({ at: Date.now(), event, ...admission, completionTokens })
  }

  close(): void {
    this.truth?.close()
    this.requestLog?.close()
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('x-wellspring-simulated', 'true')
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    try {
      await this.route(request, response, path.replace(/\/+$/, ''))
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      sendJson(response, error.status, error.body())
    }
  }

  private async route(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    switch (`${request.method ?? ''} ${path}`) {
      case 'POST /v1/chat/completions':
        this.generate(request, response, readChatRequest(await readBody(request)))
        return
      case 'POST /v1/completions':
        this.generate(request, response, readCompletionRequest(await readBody(request)))
        return
      case 'POST /v1/embeddings':
        this.embeddings(request, response, await readBody(request))
        return
      case 'GET /v1/models': {
        const data = MODELS.map(({ id }) => ({
          id,
          object: 'model',
          created: 1735689600,
          owned_by: 'wellspring-simulator',
        }))
        sendJson(response, 200, { object: 'list', data })
        return
      }
      case 'GET /metrics': {
        if (!this.settings.metrics) throw new RequestError(404, 'GET /metrics: no such endpoint', 'not_found')
        const tokensUnderWay = [...this.underWay].reduce((sum, one) => sum + this.tokensSoFar(one), 0)
        const cacheUsage = Math.min(1, this.tokensInCache / (this.settings.slots * 4096))
        response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' })
        const { running, waiting } = this.slots
        response.end(this.metrics.render({ running, waiting, cacheUsage, tokensUnderWay }))
        return
      }
      case 'GET /simulator/report':
        sendJson(response, 200, this.report())
        return
      case 'GET /health':
        response.writeHead(200)
        response.end()
        return
      default:
        throw new RequestError(404, `${request.method ?? ''} ${path}: no such endpoint`, 'not_found')
    }
  }

  private admit(request: IncomingMessage, task: string, model: string, promptTokens: number): Admission {
    const header = request.headers['x-request-id']
    const requestId = typeof header === 'string' ? header : null
    const admission = { requestId, task, model, promptTokens }
    this.counts.admitted += 1
    this.log('admitted', admission, 0)
    return admission
  }

  private embeddings(request: IncomingMessage, response: ServerResponse, body: unknown): void {
    const { model: id, inputs, base64 } = readEmbeddingRequest(body)
    const model = requireModel(id, true)
    const tokens = inputs.reduce((sum, input) => sum + countTokens(input), 0)
    const admission = this.admit(request, 'embed', model.id, tokens)
    const data = inputs.map((input, index) => {
      const vector = embed(input)
      const bytes = Buffer.from(vector.buffer, vector.byteOffset, EMBEDDING_DIMENSIONS * 4)
      return { object: 'embedding', index, embedding: base64 ? bytes.toString('base64') : [...vector] }
    })
    const answer = { object: 'list', data, model: model.id, usage: { prompt_tokens: tokens, total_tokens: tokens } }
    const timing = { count: 1, firstTokenMs: 0, generationMs: (tokens / 50_000 + 0.01) * 1000, tokens: 0 }
    this.work(response, admission, timing, () => {
      this.metrics.promptTokens += tokens
      this.finished(admission, 0)
      sendJson(response, 200, answer)
    })
  }

  /** Takes slots, waits for the simulated duration, then calls `finish`. Where the client leaves first, frees the slots. */
  private work(
    response: ServerResponse,
    admission: Admission,
    wanted: { count: number; firstTokenMs: number; generationMs: number; tokens: number },
    finish: () => void,
    fault?: TransportFault,
  ): void {
    const { instant, speed } = this.settings
    const underWay: UnderWay = {
      firstTokenMs: instant ? 0 : wanted.firstTokenMs / speed,
      generationMs: instant ? 0 : wanted.generationMs / speed,
      tokens: wanted.tokens,
      startedMs: Infinity,
    }
    let timer: NodeJS.Timeout | undefined
    let ended = false
    const end = (): void => {
      ended = true
      clearTimeout(timer)
      this.underWay.delete(underWay)
      release()
    }
    const complete = (): void => {
      if (ended) return
      if (this.hungSinceMs !== undefined) return void this.held.add(complete)
      if (fault === 'connectionReset') {
        this.counts.destroyedTokens += this.tokensSoFar(underWay)
        end()
        response.destroy()
        return
      }
      end()
      if (fault !== undefined) this.counts.destroyedTokens += wanted.tokens
      finish()
    }
    const release = this.slots.acquire(wanted.count, () => {
      underWay.startedMs = performance.now()
      this.underWay.add(underWay)
      if (fault === 'hang') {
        underWay.generationMs = Infinity
        return
      }
      const whole = underWay.firstTokenMs + underWay.generationMs
      const durationMs = fault === 'connectionReset' ? whole * this.faultRandom.next() : whole
      // Never in this turn: `release` is not known yet, and other requests get theirs.
      if (instant) setImmediate(complete)
      else timer = setTimeout(complete, Math.min(LONGEST_TIMER_MS, Math.round(durationMs)))
    })
    response.on('close', () => {
      if (ended) return
      this.aborted(admission, underWay)
      end()
    })
  }

  /** The client has left before its answer. */
  private aborted(admission: Admission, underWay: UnderWay, isOurFault = this.hungSinceMs !== undefined): void {
    const tokens = this.tokensSoFar(underWay)
    this.metrics.generationTokens += tokens
    this.counts[isOurFault ? 'destroyedTokens' : 'wastedTokens'] += tokens
    this.metrics.countFinish('abort')
    this.log('aborted', admission, tokens)
  }

  private tokensSoFar({ startedMs, firstTokenMs, generationMs, tokens }: UnderWay): number {
    const atMs = this.hungSinceMs ?? performance.now()
    const written = generationMs === 0 ? Number(atMs > startedMs) : (atMs - startedMs - firstTokenMs) / generationMs
    return Math.round(tokens * Math.max(0, Math.min(1, written)))
  }

  /** From now on nothing gets on, as if the engine behind the API hung; questions are answered. */
  hang(): void {
    this.hungSinceMs ??= performance.now()
  }

  /** Goes on where it hung. */
  recover(): void {
    if (this.hungSinceMs === undefined) return
    const lostMs = performance.now() - this.hungSinceMs
    this.hungSinceMs = undefined
    for (const underWay of this.underWay) underWay.startedMs += lostMs
    for (const complete of [...this.held]) complete()
    this.held.clear()
  }

  report(): SimulatorReport {
    return {
      ...this.counts,
      slots: this.settings.slots,
      busySlotSeconds: this.slots.busySeconds,
      running: this.slots.running,
      waiting: this.slots.waiting,
      prefixTokens: this.metrics.prefixCacheQueries,
      prefixHitTokens: this.metrics.prefixCacheHits,
    }
  }

  private countPrefix(prompt: string, tokens: number): void {
    const key = hashText(prompt)
    this.metrics.prefixCacheQueries += tokens
    if (this.recentPrompts.delete(key)) this.metrics.prefixCacheHits += tokens
    this.recentPrompts.add(key)
    if (this.recentPrompts.size > 10_000) {
      const [oldest] = this.recentPrompts
      if (oldest !== undefined) this.recentPrompts.delete(oldest)
    }
  }

  private generate(request: IncomingMessage, response: ServerResponse, wanted: GenerationRequest): void {
    const model = requireModel(wanted.model, false)
    const fault = drawTransportFault(this.faultRandom, this.settings.failures)
    if (fault === 'refused' || (this.slots.isFull && this.slots.waiting >= (this.settings.queueLimit ?? Infinity))) {
      this.counts.refused += 1
      throw new RequestError(429, 'the queue is full', 'rate_limit_exceeded')
    }
    if (fault === 'serverError') throw new RequestError(500, 'drawn by --failures')
    const promptTokens = wanted.prompts.reduce((sum, prompt) => sum + countTokens(prompt), 0)
    const task = recogniseTask(wanted.prompts[0] ?? '').kind
    const admission = this.admit(request, task, model.id, promptTokens)
    const choices = generateChoices(wanted, model, this.settings, this.statements, this.counter)
    for (const prompt of wanted.prompts) this.countPrefix(prompt, countTokens(prompt))
    const tokens = choices.reduce((sum, choice) => sum + choice.completionTokens, 0)
    this.tokensInCache += promptTokens + tokens
    response.on('close', () => {
      this.tokensInCache -= promptTokens + tokens
    })
    const answer = new Answer(wanted, model, promptTokens, choices)
    const timing = {
      count: choices.length,
      firstTokenMs: Math.max(...choices.map((choice) => choice.firstTokenSeconds)) * 1000,
      generationMs: Math.max(...choices.map((choice) => choice.generationSeconds)) * 1000,
      tokens,
    }
    const finish = (): void => {
      for (const choice of choices) this.metrics.countFinish(choice.finishReason)
      this.metrics.promptTokens += promptTokens
      this.metrics.generationTokens += tokens
      this.counts.completionTokens += tokens
      for (const { statementHash: hash, body } of choices.flatMap((choice) => choice.facts)) {
        this.writeFact({ ...body, statementHash: hash, requestId: admission.requestId })
      }
      this.finished(admission, tokens)
    }
    if (wanted.stream) {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
      response.flushHeaders()
      this.stream(response, admission, answer, timing, finish, fault)
      return
    }
    this.work(
      response,
      admission,
      timing,
      () => {
        if (fault === 'cutAnswer') cutJson(response, answer.whole())
        else if (fault === 'garbledAnswer') response.end('upstream: no healthy worker')
        else {
          finish()
          sendJson(response, 200, answer.whole())
        }
      },
      fault,
    )
  }

  private finished(admission: Admission, tokens: number): void {
    this.counts.finished += 1
    if (admission.requestId !== null) {
      if (this.finishedIds.has(admission.requestId)) this.counts.repeated += 1
      else this.finishedIds.add(admission.requestId)
    }
    this.log('finished', admission, tokens)
  }

  /** Sends an answer piece by piece: each tick sends what would have been generated since the last one. A fault strikes somewhere on the way. */
  private stream(
    response: ServerResponse,
    admission: Admission,
    answer: Answer,
    timing: { firstTokenMs: number; generationMs: number; tokens: number },
    finish: () => void,
    fault: TransportFault | undefined,
  ): void {
    const { instant, speed, commentSeconds } = this.settings
    const total = instant ? 0 : timing.generationMs / speed
    const wait = instant ? 0 : timing.firstTokenMs / speed
    const underWay = { firstTokenMs: wait, generationMs: total, tokens: timing.tokens, startedMs: Infinity }
    let ended = false
    let struck = false
    let timer: NodeJS.Timeout | undefined
    const pieces = answer.pieces()
    const whole = fault === undefined ? pieces.length : Math.floor(pieces.length * this.faultRandom.next())
    let sent = 0
    const end = (): void => {
      ended = true
      clearTimeout(timer)
      clearInterval(comments)
      this.underWay.delete(underWay)
      release()
    }
    const strike = (): void => {
      struck = true
      underWay.tokens = Math.round((timing.tokens * whole) / Math.max(1, pieces.length))
      underWay.generationMs = 0
      if (fault === 'hang') return
      this.aborted(admission, underWay, true)
      end()
      if (fault === 'connectionReset') response.destroy()
      else response.end(fault === 'garbledAnswer' ? 'data: upstream: no healthy worker\n\n' : '')
    }
    const tick = (): void => {
      if (ended) return
      if (this.hungSinceMs !== undefined) return void this.held.add(tick)
      const share = total === 0 ? 1 : Math.min(1, (performance.now() - underWay.startedMs - wait) / total)
      const due = Math.min(whole, share >= 1 ? pieces.length : Math.floor(pieces.length * share))
      let batch = ''
      while (sent < due) batch += pieces[sent++] ?? ''
      if (sent < pieces.length) {
        if (batch !== '') response.write(batch)
        if (fault !== undefined && sent === whole) strike()
        else timer = setTimeout(tick, STREAM_INTERVAL_MS)
        return
      }
      finish()
      response.end(batch + answer.closing())
      end()
    }
    const release = this.slots.acquire(answer.choices.length, () => {
      underWay.startedMs = performance.now()
      this.underWay.add(underWay)
      timer = setTimeout(tick, Math.min(LONGEST_TIMER_MS, Math.round(wait)))
    })
    const comments =
      commentSeconds === undefined
        ? undefined
        : setInterval(() => response.write(': keep-alive\n\n'), (1000 * commentSeconds) / speed)
    response.on('close', () => {
      if (ended) return
      this.aborted(admission, underWay, struck || this.hungSinceMs !== undefined)
      end()
    })
  }
}

/** The first half of an answer, and then the end of the connection. */
function cutJson(response: ServerResponse, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.write(text.slice(0, text.length / 2), () => response.destroy())
}

/** The bodies of one request's answer, whole or in pieces. */
class Answer {
  readonly choices: readonly Choice[]
  private readonly request: GenerationRequest
  private readonly usage: object
  private readonly head: { id: string; created: number; model: string }

  constructor(request: GenerationRequest, model: SimulatedModel, promptTokens: number, choices: readonly Choice[]) {
    this.request = request
    this.choices = choices
    this.usage = usageOf(promptTokens, choices)
    const prefix = request.endpoint === 'chat' ? 'chatcmpl' : 'cmpl'
    this.head = { id: `${prefix}-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: model.id }
  }

  private get chat(): boolean {
    return this.request.endpoint === 'chat'
  }

  /** The body of an answer that is not streamed. */
  whole(): object {
    const { request } = this
    const choices = this.choices.map((choice, index) => {
      const base = { index, finish_reason: choice.finishReason, stop_reason: null }
      const scored = request.promptLogprobs ? { prompt_logprobs: promptLogprobs(choice.prompt) } : {}
      if (!this.chat) {
        const text = request.echo ? choice.prompt + choice.content : choice.content
        const logprobs = request.logprobs ? completionLogprobs(choice, request.echo) : null
        return { ...base, text, logprobs, ...scored }
      }
      // As with real endpoints, an answer that ended within its reasoning has no content.
      const content = choice.content === '' && choice.reasoning !== undefined ? null : choice.content
      const message = {
        role: 'assistant',
        content,
        ...(choice.reasoning !== undefined && { reasoning: choice.reasoning }),
      }
      return { ...base, message, logprobs: request.logprobs ? this.chatLogprobs(choice) : null }
    })
    const [first] = this.choices
    return {
      ...this.head,
      object: this.chat ? 'chat.completion' : 'text_completion',
      choices,
      usage: this.usage,
      ...(this.chat && request.promptLogprobs && first && { prompt_logprobs: promptLogprobs(first.prompt) }),
    }
  }

  private chatLogprobs(choice: Choice): object {
    const before = splitTokens(choice.prompt)
    const tokens = splitTokens(choice.content)
    const scores = scoreTokens([...before, ...tokens]).slice(before.length)
    return {
      content: tokens.map((token, i) => ({
        token,
        logprob: scores[i] ?? 0,
        bytes: [...Buffer.from(token)],
        top_logprobs: [],
      })),
    }
  }

  private event(choices: object[], rest: object = {}): string {
    const object = this.chat ? 'chat.completion.chunk' : 'text_completion'
    return `data: ${JSON.stringify({ ...this.head, object, choices, ...rest })}\n\n`
  }

  private delta(index: number, field: 'content' | 'reasoning', text: string): string {
    return this.chat
      ? this.event([{ index, delta: { [field]: text }, finish_reason: null }])
      : this.event([{ index, text, finish_reason: null, logprobs: null }])
  }

  /** The events of a stream up to the last piece of text; the answers take turns. */
  pieces(): string[] {
    const queues = this.choices.map((choice, index) => {
      const events: string[] = []
      if (this.chat)
        events.push(this.event([{ index, delta: { role: 'assistant', content: '' }, finish_reason: null }]))
      else if (this.request.echo) events.push(this.delta(index, 'content', choice.prompt))
      for (const [field, text] of [
        ['reasoning', choice.reasoning ?? ''],
        ['content', choice.content],
      ] as const) {
        const tokens = splitTokens(text)
        // Fast models send several tokens an event.
        const group = Math.max(1, Math.ceil(tokens.length / 200))
        for (let at = 0; at < tokens.length; at += group)
          events.push(this.delta(index, field, tokens.slice(at, at + group).join('')))
      }
      return events
    })
    const longest = Math.max(...queues.map((queue) => queue.length))
    return Array.from({ length: longest }, (_, at) => queues.map((queue) => queue[at] ?? '').join(''))
  }

  /** The last events: reasons, usage, end mark. */
  closing(): string {
    const reasons = this.choices.map((choice, index) =>
      this.chat
        ? this.event([{ index, delta: {}, finish_reason: choice.finishReason }])
        : this.event([{ index, text: '', finish_reason: choice.finishReason, logprobs: null }]),
    )
    const usage = this.request.includeUsage ? this.event([], { usage: this.usage }) : ''
    return `${reasons.join('')}${usage}data: [DONE]\n\n`
  }
}

/**
 * Starts a simulated endpoint. Throws Error where an option is invalid or a file can't be opened, and the network's error
 * where the port is taken.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = parseSimulatorOptions(options)
  const simulator = new SimulatorServer(settings)
  const server = createServer((request, response) => {
    simulator.handle(request, response).catch((error: unknown) => {
      // A client that went away in the middle of its own body is no fault of ours.
      if (request.destroyed || response.destroyed) return
      process.emitWarning(error instanceof Error ? error : String(error))
      if (response.headersSent) response.destroy()
      else
        sendJson(response, 500, {
          error: { message: 'internal error of the simulator', type: 'server_error', param: null, code: null },
        })
    })
  })
  server.keepAliveTimeout = 75_000
  server.requestTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(settings.port, settings.host, 4096, resolve)
  })
  const { port } = server.address() as AddressInfo
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host
  return {
    url: `http://${host}:${String(port)}/v1`,
    port,
    report: () => simulator.report(),
    hang: () => simulator.hang(),
    recover: () => simulator.recover(),
    close: () =>
      new Promise<void>((resolve, reject) => {
        server.close((error) => {
          simulator.close()
          if (error === undefined) resolve()
          else reject(error)
        })
        server.closeAllConnections()
      }),
  }
}
