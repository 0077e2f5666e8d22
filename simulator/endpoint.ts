/** What a simulated endpoint does with a request: it waits for a slot, for as long as the answer would take, and fails as it is told. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AnswerBody } from './answer-body.ts'
import { canonicalAnswer } from './answers.ts'
import { Clock, LONGEST_TIMER_MS } from './clock.ts'
import { embed, EMBEDDING_DIMENSIONS } from './embedding.ts'
import { drawTransportFault, type TransportFault } from './faults.ts'
import { generateChoices, PREFILL_TOKENS_PER_SECOND, PromptCounter } from './generate.ts'
import { KnownProblems } from './known-problems.ts'
import { EndpointMetrics } from './metrics.ts'
import { findModel, MODELS, type SimulatedModel } from './models.ts'
import type { SimulatorSettings } from './options.ts'
import { recogniseTask } from './prompts.ts'
import { hashText, Random } from './random.ts'
import { RecentKeys } from './recent-keys.ts'
import {
  type GenerationRequest,
  readChatRequest,
  readCompletionRequest,
  readEmbeddingRequest,
  RequestError,
} from './requests.ts'
import { Generation, type Needs, Scheduler } from './scheduler.ts'
import { StatementReader } from './statements.ts'
import { countTokens } from './tokens.ts'
import { type Fact, LineWriter, statementHash } from './truth.ts'

/** A larger body is refused. */
export const BODY_LIMIT_BYTES = 64 * 1024 * 1024
/** At most this often does a stream send. */
const STREAM_INTERVAL_MS = 20
/** What a slot is taken to hold where the cache has no limit. */
const TOKENS_OF_SLOT = 4096

/** What the endpoint has done since its start; tokens are those of completions. */
export interface SimulatorReport {
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
  /** Requests thrown out of work because the key-value cache was full. */
  preemptions: number
  /** Written before a preemption and computed again after it; not counted among the completion tokens. */
  recomputedTokens: number
}

/** One request from its admission to its end. */
interface Admission {
  requestId: string | null
  task: string
  model: string
  promptTokens: number
}

/** The endpoint without its port: every request is handed to it. */
export class SimulatedEndpoint {
  private readonly settings: SimulatorSettings
  private readonly statements: StatementReader
  private readonly clock = new Clock()
  private readonly scheduler: Scheduler
  private readonly counter = new PromptCounter()
  private metrics = new EndpointMetrics()
  private readonly recentPrompts = new RecentKeys(10_000)
  private readonly truth: LineWriter | undefined
  private readonly requestLog: LineWriter | undefined
  private readonly counts = {
    admitted: 0,
    finished: 0,
    refused: 0,
    repeated: 0,
    completionTokens: 0,
    wastedTokens: 0,
    destroyedTokens: 0,
    prefixTokens: 0,
    prefixHitTokens: 0,
  }
  /** Hashes of request ids: as numbers they take half as much. */
  private readonly finishedIds = new RecentKeys(1_000_000)
  private readonly faultRandom: Random
  /** Not even questions are answered. */
  private isSilent = false
  /** Between the end and the new begin of a restart. */
  private isAway = false
  /** What is due since it hangs. */
  private readonly held = new Set<() => void>()

  constructor(settings: SimulatorSettings) {
    this.settings = settings
    const known = new KnownProblems(settings.knowsFiles)
    this.statements = new StatementReader(known)
    this.scheduler = new Scheduler(
      {
        slots: settings.slots,
        kvTokens: settings.kvTokens,
        recomputationMs: (tokens) => (1000 * tokens) / PREFILL_TOKENS_PER_SECOND / settings.speed,
      },
      this.clock,
    )
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
    if (this.isSilent) {
      await new Promise<void>((resolve) => this.held.add(resolve))
      if (response.destroyed) return
    }
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
        const { slots, kvTokens = slots * TOKENS_OF_SLOT } = this.settings
        const { running, waiting, heldTokens, tokensUnderWay } = this.scheduler
        const cacheUsage = Math.min(1, heldTokens / kvTokens)
        response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' })
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
    const generationMs = (tokens / 50_000 + 0.01) * 1000
    const needs = this.onClock({ slots: 1, promptTokens: 0, tokens: 0, firstTokenMs: 0, generationMs })
    this.work(response, admission, needs, () => {
      this.metrics.promptTokens += tokens
      this.finished(admission, 0)
      sendJson(response, 200, answer)
    })
  }

  /** Needs whose times are at speed 1, sped up. */
  private onClock(needs: Needs): Needs {
    const { instant, speed } = this.settings
    const factor = instant ? 0 : 1 / speed
    return { ...needs, firstTokenMs: needs.firstTokenMs * factor, generationMs: needs.generationMs * factor }
  }

  /** Waits its turn and the simulated duration, then calls `finish`. Where the client leaves first, frees the slots. */
  private work(
    response: ServerResponse,
    admission: Admission,
    needs: Needs,
    finish: () => void,
    fault?: TransportFault,
  ): void {
    const wholeMs = needs.firstTokenMs + needs.generationMs
    const unusedMs = fault === 'connectionReset' ? wholeMs * (1 - this.faultRandom.next()) : 0
    let timer: NodeJS.Timeout | undefined
    let ended = false
    const generation = new Generation(this.clock, needs, {
      start: () => {
        if (fault === 'hang') generation.freeze(generation.share)
        // Never in this turn: other requests get theirs.
        else if (this.settings.instant) setImmediate(complete)
        else wait()
      },
      stop: () => {
        this.metrics.preemptions += 1
        clearTimeout(timer)
      },
    })
    const leftMs = (): number => Math.max(0, generation.leftMs - unusedMs)
    const wait = (): void => {
      timer = setTimeout(complete, Math.min(LONGEST_TIMER_MS, Math.round(leftMs())))
    }
    const end = (): void => {
      ended = true
      clearTimeout(timer)
      this.scheduler.remove(generation)
    }
    const complete = (): void => {
      if (ended) return
      if (this.stands) return void this.held.add(complete)
      // The clock stood meanwhile.
      if (leftMs() > 1) return wait()
      if (fault === 'connectionReset') {
        this.counts.destroyedTokens += generation.written
        end()
        response.destroy()
        return
      }
      end()
      if (fault !== undefined) this.counts.destroyedTokens += needs.tokens
      finish()
    }
    response.on('close', () => {
      if (ended) return
      this.aborted(admission, generation)
      end()
    })
    this.scheduler.submit(generation)
  }

  /** The client has left before its answer. */
  private aborted(admission: Admission, { written }: Generation, isOurFault = this.stands): void {
    this.metrics.generationTokens += written
    this.counts[isOurFault ? 'destroyedTokens' : 'wastedTokens'] += written
    this.metrics.countFinish('abort')
    this.log('aborted', admission, written)
  }

  /** Nothing gets on. */
  private get stands(): boolean {
    return this.clock.isStopped || this.isAway
  }

  /** From now on nothing gets on, as if the engine behind the API hung; questions are answered, unless it is `silent`. */
  hang(silent = false): void {
    if (this.isAway) return
    this.clock.stop()
    this.isSilent ||= silent
  }

  /** Goes on where it hung. */
  recover(): void {
    if (this.isAway) return
    this.clock.go()
    this.isSilent = false
    this.scheduler.resume()
    const due = [...this.held]
    this.held.clear()
    for (const act of due) act()
  }

  /** The process is gone; what its clients lose from now on it has destroyed. */
  leave(): void {
    this.isAway = true
  }

  /** A new process: its counters begin at 0, its cache is empty. What it would answer is as it was. */
  comeBack(): void {
    this.held.clear()
    this.recentPrompts.clear()
    this.metrics = new EndpointMetrics()
    this.isAway = false
    this.recover()
  }

  report(): SimulatorReport {
    return {
      ...this.counts,
      slots: this.settings.slots,
      busySlotSeconds: this.scheduler.busySeconds,
      running: this.scheduler.running,
      waiting: this.scheduler.waiting,
      preemptions: this.scheduler.preemptions,
      recomputedTokens: this.scheduler.recomputedTokens,
    }
  }

  private countPrefix(prompt: string, tokens: number): void {
    const key = hashText(prompt)
    const hits = this.recentPrompts.delete(key) ? tokens : 0
    this.metrics.prefixCacheQueries += tokens
    this.metrics.prefixCacheHits += hits
    this.counts.prefixTokens += tokens
    this.counts.prefixHitTokens += hits
    this.recentPrompts.add(key)
  }

  private generate(request: IncomingMessage, response: ServerResponse, wanted: GenerationRequest): void {
    const model = requireModel(wanted.model, false)
    const fault = drawTransportFault(this.faultRandom, this.settings.failures)
    const promptTokens = wanted.prompts.reduce((sum, prompt) => sum + countTokens(prompt), 0)
    const { queueLimit = Infinity, kvTokens = Infinity } = this.settings
    const wouldWait = this.scheduler.wouldWait(wanted.prompts.length * wanted.n, promptTokens)
    if (fault === 'refused' || (wouldWait && this.scheduler.waiting >= queueLimit)) {
      this.counts.refused += 1
      throw new RequestError(429, 'the queue is full', 'rate_limit_exceeded')
    }
    if (fault === 'serverError') throw new RequestError(500, 'drawn by --failures')
    const choices = generateChoices(wanted, model, this.settings, this.statements, this.counter)
    const tokens = choices.reduce((sum, choice) => sum + choice.completionTokens, 0)
    if (promptTokens + tokens > kvTokens) {
      throw new RequestError(
        400,
        `maximum context length is ${String(kvTokens)} tokens, got ${String(promptTokens)} in the prompt and ${String(tokens)} to write`,
        'context_length_exceeded',
        wanted.endpoint === 'chat' ? 'messages' : 'prompt',
      )
    }
    const task = recogniseTask(wanted.prompts[0] ?? '').kind
    const admission = this.admit(request, task, model.id, promptTokens)
    for (const prompt of wanted.prompts) this.countPrefix(prompt, countTokens(prompt))
    const answer = new AnswerBody(wanted, model, promptTokens, choices)
    const needs = this.onClock({
      slots: choices.length,
      promptTokens,
      tokens,
      firstTokenMs: Math.max(...choices.map((choice) => choice.firstTokenSeconds)) * 1000,
      generationMs: Math.max(...choices.map((choice) => choice.generationSeconds)) * 1000,
    })
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
      this.stream(response, admission, answer, needs, finish, fault)
      return
    }
    this.work(
      response,
      admission,
      needs,
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
      const key = hashText(admission.requestId)
      if (this.finishedIds.has(key)) this.counts.repeated += 1
      else this.finishedIds.add(key)
    }
    this.log('finished', admission, tokens)
  }

  /** Sends an answer piece by piece: each tick sends what would have been generated since the last one. A fault strikes somewhere on the way. */
  private stream(
    response: ServerResponse,
    admission: Admission,
    answer: AnswerBody,
    needs: Needs,
    finish: () => void,
    fault: TransportFault | undefined,
  ): void {
    const { speed, commentSeconds } = this.settings
    let ended = false
    let struck = false
    let timer: NodeJS.Timeout | undefined
    const pieces = answer.pieces()
    const whole = fault === undefined ? pieces.length : Math.floor(pieces.length * this.faultRandom.next())
    let sent = 0
    const generation = new Generation(this.clock, needs, {
      start: () => {
        timer = setTimeout(tick, Math.min(LONGEST_TIMER_MS, Math.round(generation.firstMs)))
      },
      stop: () => {
        this.metrics.preemptions += 1
        clearTimeout(timer)
      },
    })
    const end = (): void => {
      ended = true
      clearTimeout(timer)
      clearInterval(comments)
      this.scheduler.remove(generation)
    }
    const strike = (): void => {
      struck = true
      generation.freeze(whole / Math.max(1, pieces.length))
      if (fault === 'hang') return
      this.aborted(admission, generation, true)
      end()
      if (fault === 'connectionReset') response.destroy()
      else response.end(fault === 'garbledAnswer' ? 'data: upstream: no healthy worker\n\n' : '')
    }
    const tick = (): void => {
      if (ended) return
      if (this.stands) return void this.held.add(tick)
      const due = Math.min(whole, Math.floor(pieces.length * generation.share))
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
    const comments =
      commentSeconds === undefined
        ? undefined
        : setInterval(
            () => {
              if (!this.isSilent) response.write(': keep-alive\n\n')
            },
            (1000 * commentSeconds) / speed,
          )
    response.on('close', () => {
      if (ended) return
      this.aborted(admission, generation, struck || this.stands)
      end()
    })
    this.scheduler.submit(generation)
  }
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

/** Answers with a body of JSON. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
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

/** The first half of an answer, and then the end of the connection. */
function cutJson(response: ServerResponse, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.write(text.slice(0, text.length / 2), () => response.destroy())
}
