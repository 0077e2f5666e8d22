/** Endpoints in trouble: simulated ones, which fail as real ones do. */
import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { parseInferenceSettings } from '../../inference/configuration.ts'
import { type CallRecord, createInference } from '../../inference/inference.ts'
import { startSimulator, type Simulator } from '../../simulator/server.ts'
import type { SimulatorOptions } from '../../simulator/options.ts'
import { json, serveAnswers } from './server.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

const never = new AbortController().signal

async function connect(replicas: SimulatorOptions[], endpoint: object = {}) {
  const simulators: Simulator[] = []
  for (const options of replicas) simulators.push(await startSimulator(options))
  open.push(...simulators)
  const connected = connectTo(
    simulators.map(({ url }) => url),
    endpoint,
  )
  return { simulators, ...connected }
}

function connectTo(urls: readonly string[], endpoint: object) {
  const names = urls.map((_, index) => `replica-${index}`)
  const settings = parseInferenceSettings({
    endpoints: Object.fromEntries(urls.map((url, index) => [names[index] ?? '', { url, ...endpoint }])),
    models: { solver: { model: 'sim-solver', endpoints: names } },
    roles: { solver: ['solver'] },
  })
  const calls: CallRecord[] = []
  const inference = createInference(settings, {
    secret: () => undefined,
    onCall: (call) => calls.push(call),
    lookSeconds: 0.02,
  })
  open.push(inference)
  const solve = (requestId: string, prompt = `What is 2 + ${requestId.length}?`) =>
    inference.complete({ role: 'solver', prompt }, { requestId, signal: never })
  return { inference, calls, solve }
}

const always = (failure: string): SimulatorOptions => ({ instant: true, failures: { [failure]: 1 } })

describe('each way to fail', () => {
  it.each([
    ['connectionReset', 'CONNECTION_LOST'],
    ['cutAnswer', 'CONNECTION_LOST'],
    ['garbledAnswer', 'ANSWER_MALFORMED'],
    ['hang', 'ENDPOINT_TIMEOUT'],
  ])('%s is %s', async (failure, code) => {
    // Only what never ends is to run out of time.
    const { solve } = await connect([always(failure)], { timeoutSeconds: failure === 'hang' ? 0.3 : 60 })
    await expect(solve('r')).rejects.toMatchObject({ kind: 'transient', code, outage: false })
  })

  it.each([
    ['refused', 'ENDPOINT_RATE_LIMITED'],
    ['serverError', 'ENDPOINT_FAILED'],
  ])('%s is %s, and the call goes to an endpoint that takes it', async (failure, code) => {
    const { solve, calls, inference } = await connect([always(failure), { instant: true }])
    const answers = await Promise.all(Array.from({ length: 40 }, (_, call) => solve(`r-${call}`, `problem ${call}`)))
    expect(new Set(answers.map(({ endpoint }) => endpoint))).toEqual(new Set(['replica-1']))
    expect(new Set(calls.map(({ outcome }) => outcome))).toEqual(new Set(['completed', code]))
    expect(inference.status()[0]).toMatchObject({ completed: 0, inFlight: 0, waiting: 0 })
  })
})

it('a call that an endpoint has lost goes to another one the next time', async () => {
  const { solve, simulators } = await connect([always('connectionReset'), { instant: true }, always('cutAnswer')])
  for (let call = 0; call < 6; call += 1) {
    const id = `r-${call}`
    const tries = []
    for (;;) {
      const answer = await solve(id, `problem ${call}`).catch(() => undefined)
      tries.push(answer?.endpoint)
      if (answer) break
    }
    expect(tries.length).toBeLessThanOrEqual(3)
    expect(tries.at(-1)).toBe('replica-1')
  }
  expect(simulators[1]?.report()).toMatchObject({ finished: 6, repeated: 0 })
})

it('an endpoint that has work and writes no token by its own count loses its calls, and gets others when it goes on', async () => {
  const steady: SimulatorOptions = { speed: 20, tokensPerSecond: 500, slots: 4 }
  const { solve, simulators, inference, calls } = await connect([steady, steady], { stallSeconds: 0.3 })
  const [hanging] = simulators
  let [answered, begun] = [0, 0]
  let isOver = false
  const workers = Array.from({ length: 12 }, async () => {
    while (!isOver) {
      begun += 1
      const id = `r-${begun}`
      // As a processor does it.
      while (!(await solve(id, `problem ${id}`).catch(() => undefined)));
      answered += 1
    }
  })
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await until(() => inference.status().every(({ completed }) => completed > 5))
  hanging?.hang()
  await until(() => inference.status()[0]?.down === true)
  expect(calls.some(({ outcome, endpoint }) => outcome === 'ENDPOINT_STALLED' && endpoint === 'replica-0')).toBe(true)
  expect(inference.status()[0]?.lastError).toContain('wrote no token for 0.3 s, by its own metrics')
  const before = answered
  await until(() => answered > before + 20)
  hanging?.recover()
  const completed = inference.status()[0]?.completed ?? 0
  await until(() => (inference.status()[0]?.completed ?? 0) > completed + 5)
  isOver = true
  await Promise.all(workers)
  expect(answered).toBe(begun)
})

it('an endpoint that does not even tell its metrics any more loses its calls too', async () => {
  let isAsleep = false
  const held: ServerResponse[] = []
  const sleeper = await serveAnswers(({ path }, response) => {
    if (isAsleep) return void held.push(response)
    if (path === '/metrics') {
      isAsleep = true
      response.end('vllm:num_requests_running 1\nvllm:num_requests_waiting 0\nvllm:generation_tokens_total 7\n')
    }
  })
  open.push(sleeper)
  const { inference } = connectTo([sleeper.url], { stallSeconds: 6 })
  const call = inference.complete({ role: 'solver', prompt: 'x' }, { requestId: 'r', signal: never })
  await expect(call).rejects.toMatchObject({ code: 'ENDPOINT_STALLED' })
  expect(held.length).toBeGreaterThan(0)
})

it('an endpoint that comes back and refuses the key ends the run rather than be waited for', async () => {
  let isBack = false
  const server = await serveAnswers((_, response) => {
    if (isBack) json(response, 401, { error: { message: 'revoked' } })
    else json(response, 503, { error: { message: 'loading' } }, { 'retry-after': '0.01' })
    isBack = true
  })
  open.push(server)
  const { inference } = connectTo([server.url], {})
  const call = inference.complete({ role: 'solver', prompt: 'x' }, { requestId: 'r', signal: never })
  await expect(call).rejects.toMatchObject({ kind: 'configuration' })
})
