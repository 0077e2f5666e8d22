/** Settings that change while calls are under way. */
import type { ServerResponse } from 'node:http'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../engine/errors.ts'
import { parseInferenceSettings } from '../../inference/configuration.ts'
import { createInference } from '../../inference/inference.ts'
import type { CallRecord, ConfiguredInference } from '../../inference/inference.ts'
import { chatAnswer, json, serveAnswers, type TestServer } from './server.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

const never = new AbortController().signal

/** A server that holds every request until it is let go. */
interface HoldingServer extends TestServer {
  /** Answers what is held, and everything from now on. */
  letGo(): void
  /** Requests that are held. */
  held: Set<ServerResponse>
}

async function holding(): Promise<HoldingServer> {
  const held = new Set<ServerResponse>()
  let isOpen = false
  const answer = (response: ServerResponse): void => json(response, 200, chatAnswer({ content: '2' }))
  const server = await serveAnswers((request, response) => {
    if (request.method === 'GET') return json(response, 404, {})
    if (isOpen) return answer(response)
    held.add(response)
  })
  open.push(server)
  return Object.assign(server, {
    held,
    letGo() {
      isOpen = true
      for (const response of held) answer(response)
      held.clear()
    },
  })
}

async function answering(models: readonly string[] = ['m'], ownedBy = 'someone'): Promise<TestServer> {
  const server = await serveAnswers((request, response) => {
    if (request.path === '/v1/models')
      return json(response, 200, { data: models.map((id) => ({ id, owned_by: ownedBy })) })
    if (request.method === 'GET') return json(response, 404, {})
    json(response, 200, chatAnswer({ content: '2' }))
  })
  open.push(server)
  return server
}

type Endpoints = Record<string, { url: string; maxConcurrency?: number; apiKeyVariable?: string }>

/** One solver at all the endpoints. */
const settingsOf = (endpoints: Endpoints, model: object = {}, more: object = {}) =>
  parseInferenceSettings({
    endpoints,
    models: { solver: { model: 'm', endpoints: Object.keys(endpoints), ...model } },
    roles: { solver: ['solver'] },
    ...more,
  })

function connect(
  endpoints: Endpoints,
  model: object = {},
  secret: (variable: string) => string | undefined = () => '',
) {
  const calls: CallRecord[] = []
  const inference = createInference(settingsOf(endpoints, model), { secret, onCall: (call) => calls.push(call) })
  open.push(inference)
  return { inference, calls }
}

const solve = (inference: ConfiguredInference, id: number | string, prompt = `problem ${id}`) =>
  inference.complete({ role: 'solver', prompt }, { requestId: `r-${id}`, signal: never })

const posts = ({ seen }: TestServer): number => seen.filter(({ method }) => method === 'POST').length

describe('an endpoint', () => {
  it('that is added takes calls that wait', async () => {
    const [a, b] = [await holding(), await answering()]
    const { inference } = connect({ a: { url: a.url, maxConcurrency: 1 } })
    const calls = [1, 2, 3].map((id) => solve(inference, id))
    await a.arrived(1)
    expect(inference.reload(settingsOf({ a: { url: a.url, maxConcurrency: 1 }, b: { url: b.url } }))).toEqual({
      applied: ['endpoint b added', 'model solver at a, b'],
      later: [],
    })
    const [first, ...others] = calls
    expect((await Promise.all(others)).map(({ endpoint }) => endpoint)).toEqual(['b', 'b'])
    a.letGo()
    expect(await first).toMatchObject({ endpoint: 'a' })
    expect([posts(a), posts(b)]).toEqual([1, 2])
  })

  it('that is removed ends its calls in flight, and those that wait for it go to the others', async () => {
    const [a, b] = [await holding(), await holding()]
    const two = { a: { url: a.url, maxConcurrency: 1 }, b: { url: b.url, maxConcurrency: 1 } }
    const { inference } = connect(two)
    const calls = [1, 2, 3, 4, 5, 6].map((id) => solve(inference, id))
    await Promise.all([a.arrived(1), b.arrived(1)])
    expect(inference.reload(settingsOf({ b: two.b })).applied).toEqual(['endpoint a removed', 'model solver at b'])
    expect(inference.status()).toMatchObject([
      { name: 'b', inFlight: 1, waiting: 4 },
      { name: 'a', inFlight: 1, waiting: 0, draining: true },
    ])
    b.letGo()
    const [drained, ...others] = calls
    expect((await Promise.all(others)).map(({ endpoint }) => endpoint)).toEqual(Array(5).fill('b'))
    a.letGo()
    expect(await drained).toMatchObject({ endpoint: 'a' })
    expect(inference.status().map(({ name }) => name)).toEqual(['b'])
    expect([posts(a), posts(b)]).toEqual([1, 5])
  })

  it('that gets another URL drains at the old one while the new one works', async () => {
    const [old, fresh] = [await holding(), await answering()]
    const { inference } = connect({ a: { url: old.url, maxConcurrency: 1 } })
    const [first, second] = [solve(inference, 1), solve(inference, 2)]
    await old.arrived(1)
    expect(inference.reload(settingsOf({ a: { url: fresh.url, maxConcurrency: 1 } })).applied).toEqual([
      `endpoint a: url ${old.url} -> ${fresh.url}`,
    ])
    await second
    expect([posts(old), posts(fresh)]).toEqual([1, 1])
    old.letGo()
    await first
    expect(inference.status()).toMatchObject([{ name: 'a', url: fresh.url, completed: 1 }])
  })

  it('that gets another key sends it; with the same key in another variable nothing changes', async () => {
    const server = await answering()
    const { inference } = connect({ a: { url: server.url, apiKeyVariable: 'ONE' } }, {}, (name) =>
      name === 'TWO' ? 'other' : 'same',
    )
    await solve(inference, 1)
    expect(inference.reload(settingsOf({ a: { url: server.url, apiKeyVariable: 'SAME' } })).applied).toEqual([])
    expect(inference.status()).toMatchObject([{ completed: 1 }])
    expect(inference.reload(settingsOf({ a: { url: server.url, apiKeyVariable: 'TWO' } })).applied).toEqual([
      'endpoint a: another key',
    ])
    await solve(inference, 2)
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer same', 'Bearer other'])
  })

  it('takes more calls at once as soon as maxConcurrency is higher, and no more than it says when it is lower', async () => {
    const server = await holding()
    const at = (maxConcurrency: number) => settingsOf({ a: { url: server.url, maxConcurrency } })
    const { inference } = connect({ a: { url: server.url, maxConcurrency: 2 } })
    const calls = Array.from({ length: 9 }, (_, id) => solve(inference, id))
    await server.arrived(2)
    expect(inference.reload(at(5)).applied).toEqual(['endpoint a: maxConcurrency 2 -> 5'])
    await server.arrived(5)
    inference.reload(at(1))
    expect(inference.status()).toMatchObject([{ limit: 1, inFlight: 5, waiting: 4 }])
    server.letGo()
    await Promise.all(calls)
    expect(posts(server)).toBe(9)
  })
})

describe('a change that has to wait for the next start', () => {
  it('is named, and the rest is taken up', async () => {
    const [a, b] = [await answering(), await answering()]
    const { inference } = connect({ a: { url: a.url } })
    const { applied, later } = inference.reload(
      settingsOf(
        { a: { url: a.url }, b: { url: b.url } },
        { endpoints: ['b'], sampling: { temperature: 0.5 }, price: { inputPerMillion: 1, outputPerMillion: 2 } },
        { roles: { solver: ['solver'], judge: ['solver'] } },
      ),
    )
    expect(applied).toEqual(['endpoint b added', 'price of model solver', 'model solver at b'])
    expect(later).toEqual(['models.solver.sampling', 'roles.judge'])
    expect(inference.modelsOf('judge')).toEqual([])
    expect(await solve(inference, 1)).toMatchObject({ endpoint: 'b', sampling: {} })
  })

  it('leaves a model that is another one where it is, with the endpoints that it needs', async () => {
    const [a, b] = [await answering(), await answering(['n'])]
    const { inference } = connect({ a: { url: a.url } })
    const { applied, later } = inference.reload(settingsOf({ b: { url: b.url } }, { model: 'n' }))
    expect(applied).toEqual(['endpoint b added'])
    expect(later).toEqual(['models.solver.model', 'models.solver.endpoints', 'endpoints.a (removed)'])
    expect(await solve(inference, 1)).toMatchObject({ model: 'm', endpoint: 'a' })
  })
})

describe('settings that are wrong', () => {
  it('change nothing: a key that is missing', async () => {
    const [a, b] = [await answering(), await answering()]
    const { inference } = connect({ a: { url: a.url } }, {}, () => undefined)
    const next = settingsOf({ b: { url: b.url, apiKeyVariable: 'NO_KEY' } })
    expect(() => inference.reload(next)).toThrow(ConfigurationError)
    expect(await solve(inference, 1)).toMatchObject({ endpoint: 'a' })
    expect(inference.status().map(({ name }) => name)).toEqual(['a'])
  })

  it('are found before: an endpoint that lacks the model, one that gets a model more; nobody else is asked', async () => {
    const [a, b, c] = [await answering(), await answering(['other']), await answering(['m'], 'wellspring-simulator')]
    const { inference } = connect({ a: { url: a.url }, b: { url: b.url } }, { endpoints: ['a'] })
    const next = settingsOf({ a: { url: a.url }, b: { url: b.url }, c: { url: c.url } })
    expect(await inference.checkReload(next, never)).toMatchObject([
      { name: 'b', fault: { faults: [expect.stringContaining('expected the model m, got none of that name')] } },
      { name: 'c', models: ['m'], simulated: true },
    ])
    expect(a.seen).toEqual([])
    expect(inference.status().map(({ name }) => name)).toEqual(['a', 'b'])
  })
})

describe('weights', () => {
  it.each([1, 12])('share calls out, %i at a time', async (atOnce) => {
    const [a, b] = [await answering(), await answering()]
    const endpoints = [{ name: 'a', weight: 3 }, 'b']
    const limits = { maxConcurrency: 16 }
    const { inference } = connect({ a: { url: a.url, ...limits }, b: { url: b.url, ...limits } }, { endpoints })
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < 120) await solve(inference, (next += 1))
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
    const total = posts(a) + posts(b)
    expect(posts(a) / total).toBeGreaterThan(0.68)
    expect(posts(a) / total).toBeLessThan(0.82)
  })

  it('hold as soon as they are changed, and keep calls with the same text together', async () => {
    const [a, b] = [await answering(), await answering()]
    const both = { a: { url: a.url }, b: { url: b.url } }
    const { inference } = connect(both)
    const heavy = [{ name: 'a', weight: 1000 }, 'b']
    expect(inference.reload(settingsOf(both, { endpoints: heavy })).applied).toEqual([
      'model solver at a (weight 1000), b',
    ])
    for (let id = 0; id < 20; id += 1) await solve(inference, id)
    expect(posts(a)).toBeGreaterThanOrEqual(19)
    const home = (await solve(inference, 'home', 'one text')).endpoint
    inference.reload(settingsOf(both, { endpoints: ['a', 'b'] }))
    for (let id = 0; id < 6; id += 1) {
      await solve(inference, `between ${id}`)
      expect(await solve(inference, `again ${id}`, 'one text')).toMatchObject({ endpoint: home })
    }
  })
})

describe('under load', () => {
  it('no call is lost or sent twice, whatever endpoints come, go, move and change their limits', async () => {
    const servers = await Promise.all(Array.from({ length: 4 }, () => answering()))
    const step = fc.record({
      present: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }),
      // Which server is behind each of the three names.
      behind: fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)),
      limit: fc.integer({ min: 1, max: 4 }),
      weight: fc.constantFrom(0.5, 1, 3),
      calls: fc.nat(12),
    })
    const settings = ({ present, behind, limit, weight }: typeof step extends fc.Arbitrary<infer S> ? S : never) =>
      settingsOf(
        Object.fromEntries(
          present.map((name) => [
            `e${name}`,
            { url: servers[behind[name] ?? 0]?.url ?? '', maxConcurrency: limit + name },
          ]),
        ),
        { endpoints: present.map((name) => ({ name: `e${name}`, weight })) },
      )
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async ([first, ...steps]) => {
        if (first === undefined) return
        run += 1
        for (const { seen } of servers) seen.length = 0
        const inference = createInference(settings(first), { secret: () => undefined })
        const calls: ReturnType<typeof solve>[] = []
        for (const one of [first, ...steps]) {
          inference.reload(settings(one))
          for (let call = 0; call < one.calls; call += 1)
            calls.push(solve(inference, `${run}-${calls.length}`, `text ${calls.length % 5}`))
          // Some answers come in between.
          await calls[calls.length - one.calls]
        }
        const answers = await Promise.all(calls)
        // Beside the calls, looks at the metrics where a run takes long.
        const sent = servers.flatMap(({ seen }) =>
          seen.filter(({ method }) => method === 'POST').map(({ headers }) => headers['x-request-id']),
        )
        expect(sent.sort()).toEqual(answers.map((_, index) => `r-${run}-${index}`).sort())
        expect(
          inference.status().every(({ inFlight, waiting, draining }) => !draining && inFlight + waiting === 0),
        ).toBe(true)
        await inference.close()
      }),
      { numRuns: 60 },
    )
  })
})

describe('the price of cached tokens', () => {
  it.each([
    ['that of prompt tokens by default', {}, 10 * 1 + 20 * 4],
    ['its own where it has one', { cachedInputPerMillion: 0.25 }, 4 * 1 + 6 * 0.25 + 20 * 4],
  ])('is %s', async (_, price, millionths) => {
    const usage = {
      ...{ prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 },
      prompt_tokens_details: { cached_tokens: 6 },
    }
    const server = await serveAnswers((_request, response) =>
      json(response, 200, chatAnswer({ content: '2' }, { usage })),
    )
    open.push(server)
    const { inference } = connect(
      { a: { url: server.url } },
      { price: { inputPerMillion: 1, outputPerMillion: 4, ...price } },
    )
    await solve(inference, 1)
    expect(inference.totals().get('solver')?.cost['USD']).toBeCloseTo(millionths / 1e6, 12)
  })
})
