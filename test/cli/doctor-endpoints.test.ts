/** `wellspring doctor --endpoints`: what it says of an endpoint that can do everything, and of one that cannot do one thing. */
import { writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { endpointFindings } from '../../cli/endpoint-doctor.ts'
import type { Finding } from '../../cli/finding.ts'
import { parseInferenceSettings } from '../../inference/configuration.ts'
import { startSimulator } from '../../simulator/server.ts'
import { json, serveAnswers } from '../inference/server.ts'
import { endAll, expectNoTrace, jsonLines, newFolder, removeFolders, run } from './command.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})
afterAll(() => {
  endAll()
  removeFolders()
})

// Their declared type is any.
const containing = (text: string): unknown => expect.stringContaining(text)
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern)

type Body = Record<string, unknown>

/** What a server of a test does otherwise than one that can do everything: a body, or a status and a body. */
interface Otherwise {
  models?: unknown
  metrics?: string | undefined
  /** For requests that it answers otherwise; undefined for the others. */
  completion?: (body: Body) => { status?: number; body: unknown } | undefined
  /** Sends a stream without counts. */
  uncounted?: boolean
}

const vllm = 'vllm:num_requests_running 0\nvllm:num_requests_waiting 0\nvllm:generation_tokens_total 5\n'

const refusal = (message: string, status = 400) => ({ status, body: { error: { message } } })

/** A prompt in pieces of up to four characters. */
const tokensOf = (body: Body): string[] => String(body['prompt']).match(/[^]{1,4}/g) ?? []

/** vLLM's scores of a prompt: the first has none. */
const vllmScores = (body: Body): (object | null)[] =>
  tokensOf(body).map((token, at) => (at === 0 ? null : { [at]: { logprob: -at, rank: at, decoded_token: token } }))

/** The text depends on the seed alone. */
function answerTo(body: Body): Body {
  const tokens = [...tokensOf(body), ' new']
  const logprobs = { tokens, token_logprobs: tokens.map((_, at) => (at === 0 ? null : -at)) }
  const scores = body['echo'] === true ? { logprobs } : {}
  const choice = (index: number) => {
    const text = `words by ${String(body['seed'])} ${index}`
    return { index, text, message: { content: text }, finish_reason: 'length', ...scores }
  }
  const choices = Array.from({ length: Number(body['n'] ?? 1) }, (_, index) => choice(index))
  return { choices, usage: { prompt_tokens: 9, completion_tokens: 16 } }
}

function stream(response: ServerResponse, body: Body, isCounted: boolean): void {
  const { choices, usage } = answerTo(body) as { choices: { message: unknown }[]; usage: unknown }
  const events = [
    { choices: choices.map((choice) => ({ ...choice, delta: choice.message })) },
    ...(isCounted ? [{ choices: [], usage }] : []),
  ]
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.end(`${events.map((one) => `data: ${JSON.stringify(one)}\n\n`).join('')}data: [DONE]\n\n`)
}

async function serve({ models, completion, uncounted, ...otherwise }: Otherwise = {}) {
  const metrics = 'metrics' in otherwise ? otherwise.metrics : vllm
  const server = await serveAnswers(({ path, body }, response) => {
    if (path === '/metrics' && metrics !== undefined) return void response.end(metrics)
    if (path === '/v1/models') return json(response, 200, models ?? { data: [{ id: 'some', max_model_len: 8192 }] })
    if (!path.endsWith('/completions')) return json(response, 404, { detail: 'Not Found' })
    const other = completion?.(body)
    if (other !== undefined) return json(response, other.status ?? 200, other.body)
    if (body['stream'] === true) return stream(response, body, uncounted !== true)
    json(response, 200, answerTo(body))
  })
  open.push(server)
  return server
}

const configurationOf = (url: string, model: object = {}, endpoint: object = {}) => ({
  endpoints: { box: { url, ...endpoint } },
  models: { some: { model: 'some', endpoints: ['box'], ...model } },
  roles: { solver: ['some'] },
})

/** The findings about a server, by what they are about. */
async function findingsAt(url: string, model?: object, endpoint?: object): Promise<Record<string, Finding>> {
  const settings = parseInferenceSettings(configurationOf(url, model, endpoint))
  const findings = await endpointFindings(settings, new AbortController().signal)
  return Object.fromEntries(findings.map((one) => [one.what.replace('endpoint box, ', ''), one]))
}

const everything = [
  'models',
  'context',
  'metrics',
  'completions',
  'token limit',
  'streaming',
  'several answers',
  'seeds',
  'logprobs of given text',
]

describe.each(['chat', 'raw'])('an endpoint with a %s model', (mode) => {
  it('that can do everything works in everything', async () => {
    const findings = await findingsAt((await serve()).url, { mode })
    expect(Object.keys(findings)).toEqual(everything)
    expect(Object.values(findings).filter(({ state }) => state !== 'works')).toEqual([])
    expect(findings['context']?.detail).toBe('some 8,192 tokens')
  })

  it.each<[string, Otherwise, object]>([
    ['context', { models: { data: [{ id: 'some' }] } }, { state: 'warning', detail: 'it does not tell' }],
    [
      'metrics',
      { metrics: undefined },
      { state: 'warning', detail: matching(/^none at http:.*\/metrics: its refusals/) },
    ],
    [
      'metrics',
      { metrics: 'process_cpu_seconds_total 5\n' },
      { state: 'warning', detail: containing('do not tell its load') },
    ],
    [
      'completions',
      { completion: () => refusal('no template') },
      { state: 'fault', detail: 'no (some, answered 400: no template)' },
    ],
    [
      'completions',
      { completion: () => refusal('busy', 503) },
      { state: 'fault', detail: 'not known (some, answered 503: busy)' },
    ],
    [
      'token limit',
      {
        completion: (body) =>
          (body['stream'] ?? body['echo'])
            ? undefined
            : { body: { ...answerTo(body), usage: { prompt_tokens: 9, completion_tokens: 99 } } },
      },
      { state: 'fault', detail: containing('max_tokens: not kept: 99 tokens where 16 were allowed') },
    ],
    [
      'token limit',
      { completion: (body) => ({ body: { ...answerTo(body), usage: null } }) },
      { state: 'warning', detail: containing('tokens are not counted') },
    ],
    [
      'streaming',
      { completion: (body) => (body['stream'] ? refusal('streams are off') : undefined) },
      { state: 'warning', detail: 'no (answered 400: streams are off); calls are plain' },
    ],
    [
      'streaming',
      { completion: (body) => (body['stream'] ? { body: answerTo(body) } : undefined) },
      { state: 'warning', detail: containing('as if no stream had been asked for') },
    ],
    ['streaming', { uncounted: true }, { state: 'works', detail: 'without counts of tokens: they are estimated' }],
    [
      'several answers',
      { completion: (body) => (body['n'] === 2 ? { body: answerTo({ ...body, n: 1 }) } : undefined) },
      { state: 'warning', detail: 'no (1 where n was 2); nothing here needs them' },
    ],
    [
      'several answers',
      { completion: (body) => (body['n'] === 2 ? refusal('too busy', 429) : undefined) },
      { state: 'warning', detail: matching(/^not known \(answered 429: too busy\)/) },
    ],
    [
      'seeds',
      {
        completion: (body) =>
          body['seed'] === undefined ? undefined : { body: answerTo({ seed: performance.now() }) },
      },
      { state: 'warning', detail: matching(/^no \(two answers with one seed/) },
    ],
    [
      'seeds',
      { completion: (body) => (body['seed'] === undefined ? undefined : { body: answerTo({}) }) },
      { state: 'warning', detail: matching(/^not known \(an answer with another seed/) },
    ],
    [
      'logprobs of given text',
      { completion: (body) => (body['echo'] ? { body: answerTo({}) } : undefined) },
      {
        state: 'warning',
        detail:
          'no (echo and logprobs: takes no notice; prompt_logprobs: takes no notice); only the problem writer of rationale learning needs them',
      },
    ],
    [
      'logprobs of given text',
      {
        completion: (body) =>
          body['echo']
            ? refusal('no echo')
            : body['prompt_logprobs']
              ? { body: { choices: [{ text: '', prompt_logprobs: vllmScores(body) }] } }
              : undefined,
      },
      { state: 'works', detail: 'completions with prompt_logprobs' },
    ],
  ])('that is otherwise in %s: %o', async (what, otherwise, expected) => {
    expect((await findingsAt((await serve(otherwise)).url, { mode }))[what]).toMatchObject(expected)
  })
})

it('tells which field for the most tokens a hosted model takes', async () => {
  const { url } = await serve({
    completion: (body) =>
      'max_tokens' in body && !('echo' in body) ? refusal('use max_completion_tokens') : undefined,
  })
  const refused = await findingsAt(url)
  expect(Object.keys(refused)).toEqual(['models', 'context', 'metrics', 'completions', 'token limit'])
  expect(refused['token limit']).toMatchObject({
    state: 'fault',
    detail: 'no (max_tokens: answered 400: use max_completion_tokens; max_completion_tokens: kept)',
    cure: "set the model's maxTokensField to a field that it keeps",
  })
  const taken = await findingsAt(url, { maxTokensField: 'max_completion_tokens' })
  expect(taken['token limit']).toMatchObject({ state: 'works' })
})

it('names a model that the endpoint lacks, and asks nothing of it', async () => {
  const server = await serve({ models: { data: [{ id: 'another', max_model_len: 10 }] } })
  const findings = await findingsAt(server.url)
  expect(findings['models']).toMatchObject({
    state: 'fault',
    detail: 'expected the model some, got none of that name',
    cure: 'use one of another, or serve it',
  })
  expect(findings['abilities']).toMatchObject({ state: 'warning' })
  expect(server.seen.filter(({ method }) => method === 'POST')).toEqual([])
})

it('llama.cpp is warned of only where its calls are to be plain', async () => {
  const { url } = await serve({ metrics: 'llamacpp:requests_processing 0\nllamacpp:requests_deferred 0\n' })
  const plain = await findingsAt(url, {}, { stream: 'never' })
  expect(plain['metrics']).toMatchObject({ state: 'warning', cure: containing('stream: never') })
  expect((await findingsAt(url, {}, { stream: 'auto' }))['metrics']).toMatchObject({ state: 'works' })
})

describe('the command', () => {
  it('tells what the simulator can do, and ends with 0', async () => {
    const simulator = await startSimulator({ instant: true, seed: 1 })
    open.push(simulator)
    const cwd = newFolder()
    const ended = await run(['doctor', '--endpoints', '--json'], { cwd, env: { OPENAI_BASE_URL: simulator.url } })
    const findings = jsonLines<Finding>(ended.stdout).filter(({ what }) => what.startsWith('endpoint '))
    expect(findings.map(({ what }) => what.replace('endpoint endpoint, ', ''))).toEqual(everything)
    expect(findings.find(({ what }) => what.endsWith('logprobs of given text'))?.state).toBe('works')
    expect(ended.exitCode).toBe(0)
  })

  it('asks nothing without the flag', async () => {
    const server = await serve()
    const cwd = newFolder()
    writeFileSync(join(cwd, 'wellspring.yaml'), JSON.stringify(configurationOf(server.url)))
    const ended = await run(['doctor'], { cwd })
    expect(ended.stdout).not.toContain('endpoint box')
    expect(server.seen.filter(({ method }) => method === 'POST')).toEqual([])
    expect(ended.exitCode).toBe(0)
  })

  it('shows one line a finding with its cure, and ends with 1 where a run could not work', async () => {
    const server = await serve()
    const { url } = await serve({ completion: () => refusal('no \u001b[31mtemplate') })
    const cwd = newFolder()
    const both = configurationOf(url)
    await server.close()
    writeFileSync(
      join(cwd, 'wellspring.yaml'),
      JSON.stringify({ ...both, endpoints: { ...both.endpoints, gone: { url: server.url } } }),
    )
    const ended = await run(['doctor', '--endpoints'], { cwd })
    expect(ended.stdout).toMatch(
      /^fault {4}endpoint box, completions: no \(some, answered 400: no +\[31mtemplate\)\n {9}correct the model's settings, or look into the server's log\nfault {4}endpoint gone, /m,
    )
    expect(ended.stdout).toMatch(
      /^fault {4}endpoint gone, models: endpoint gone .*ECONNREFUSED.*; start the server, or correct endpoints\.gone\.url$/m,
    )
    expectNoTrace(ended)
    expect(ended.exitCode).toBe(1)
  })
})
