import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { parseInferenceSettings } from '../../inference/configuration.ts'
import { createInference, type CallRecord, type ConfiguredInference } from '../../inference/inference.ts'
import { partScores, scoredTokens } from '../../inference/scores.ts'
import { json, serveAnswers, type Respond, type TestServer } from './server.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

const tokensOf = (texts: readonly (string | undefined)[]) =>
  texts.map((text, index) => ({ text, logProbability: index === 0 ? null : -index }))
const whole = (text: string) => [{ start: 0, end: text.length }]

describe('tokens and parts', () => {
  it('sum up to the parts in which they end', () => {
    const text = 'ask: one two'
    expect(
      partScores(tokensOf(['ask', ': ', 'one', ' two']), text, [
        { start: 5, end: 8 },
        { start: 8, end: 12 },
      ]),
    ).toEqual([
      { logProbability: -2, tokens: 1 },
      { logProbability: -3, tokens: 1 },
    ])
  })

  it('count a token that straddles a boundary where the later part begins', () => {
    const text = 'ask:\n\none two'
    const parts = [
      { start: 6, end: 9 },
      { start: 9, end: 13 },
    ]
    expect(partScores(tokensOf(['ask:', '\n\no', 'ne t', 'wo']), text, parts)).toEqual([
      { logProbability: -1, tokens: 1 },
      { logProbability: -5, tokens: 2 },
    ])
  })

  it('leave out what the model wrote after the text', () => {
    expect(partScores(tokensOf(['a', 'b', ' more']), 'ab', [{ start: 1, end: 2 }])).toEqual([
      { logProbability: -1, tokens: 1 },
    ])
  })

  it('take a mark before the text, a first token that is not told, white space left out, and parts of characters', () => {
    const part = [{ start: 3, end: 6 }]
    expect(partScores(tokensOf(['<s>', 'abc', 'def']), 'abcdef', part)).toMatchObject([{ tokens: 1 }])
    expect(partScores(tokensOf([undefined, 'abc', 'def']), 'abcdef', part)).toMatchObject([{ tokens: 1 }])
    expect(partScores(tokensOf([undefined, 'def']), 'abcdef', part)).toMatchObject([{ tokens: 1 }])
    expect(partScores(tokensOf(['a', 'b', 'c']), 'a b c', [{ start: 1, end: 5 }])).toMatchObject([{ tokens: 2 }])
    expect(partScores(tokensOf(['ab', '\uFFFD', '\uFFFD', ' c']), 'ab\u2260 c', [{ start: 2, end: 5 }])).toEqual([
      { logProbability: -6, tokens: 3 },
    ])
    expect(partScores(tokensOf(['ab', '\uFFFD', '\uFFFD']), 'ab\u2260', [{ start: 2, end: 3 }])).toMatchObject([
      { tokens: 2 },
    ])
  })

  it('refuse tokens of another text, and scores that are none', () => {
    expect(() => partScores(tokensOf(['x', 'y']), 'ab', whole('ab'))).toThrow()
    expect(() => partScores(tokensOf(['a']), 'ab', whole('ab'))).toThrow()
    for (const logProbability of [null, 0.5, Number.NaN, -Infinity]) {
      const tokens = [
        { text: 'a', logProbability: null },
        { text: 'b', logProbability },
      ]
      expect(() => partScores(tokens, 'ab', [{ start: 1, end: 2 }])).toThrow()
    }
  })

  it('count each token of adjoining parts exactly once, however the text is cut', () => {
    const pieces = fc.array(fc.stringMatching(/^[a-z ]{1,4}$/), { minLength: 3, maxLength: 30 })
    fc.assert(
      fc.property(pieces, fc.nat(), fc.nat(), (texts, one, other) => {
        const text = texts.join('')
        const [start, middle] = [one % text.length, other % text.length].sort((a, b) => a - b) as [number, number]
        const tokens = texts.map((piece, index) => ({ text: piece, logProbability: -(index + 1) / 7 }))
        const [first, second] = partScores(tokens, text, [
          { start, end: middle },
          { start: middle, end: text.length },
        ])
        const [all] = partScores(tokens, text, [{ start, end: text.length }])
        expect((first?.tokens ?? 0) + (second?.tokens ?? 0)).toBe(all?.tokens)
        expect(
          Math.abs((first?.logProbability ?? 0) + (second?.logProbability ?? 0) - (all?.logProbability ?? 0)),
        ).toBeLessThan(1e-6)
      }),
    )
  })
})

const entry = (token: string, logprob: number, rank: number, id: number) => ({
  [id]: { logprob, rank, decoded_token: token },
})

describe("vLLM's prompt_logprobs", () => {
  it('are read token by token: null first, then the token itself beside a likelier one, in whatever order', () => {
    const body = {
      choices: [
        {
          text: '.',
          prompt_logprobs: [
            null,
            entry(' b', -0.25, 1, 7),
            { ...entry(' the', -0.5, 1, 3), ...entry(' c', -6, 812, 9) },
            { ...entry(' d', -4, 17, 2), ...entry(' of', -1, 1, 5) },
          ],
        },
      ],
    }
    expect(scoredTokens(body, 'prompt_logprobs')).toEqual([
      { text: undefined, logProbability: null },
      { text: ' b', logProbability: -0.25 },
      { text: ' c', logProbability: -6 },
      { text: ' d', logProbability: -4 },
    ])
  })

  it.each([undefined, null, 'none'])('that are %s mean that the endpoint takes no notice', (value) => {
    expect(scoredTokens({ choices: [{ prompt_logprobs: value }] }, 'prompt_logprobs')).toBeUndefined()
  })
})

/** Words of a prompt as tokens, the space before each; their score is their length. */
const words = (prompt: string): string[] => prompt.match(/\s*\S+|\s+$/g) ?? []
const echoing: Respond = ({ body }, response) => {
  const tokens = [...words(String(body['prompt'])), ' more']
  const scores = tokens.map((token, index) => (index === 0 ? null : -token.length))
  json(response, 200, {
    choices: [{ index: 0, text: '', finish_reason: 'length', logprobs: { tokens, token_logprobs: scores } }],
    usage: { prompt_tokens: tokens.length - 1, completion_tokens: 1 },
  })
}
const likeVllm: Respond = ({ body }, response) => {
  if ('echo' in body) return json(response, 400, { error: { message: 'echo is not supported' } })
  const entries = words(String(body['prompt'])).map((token, index) =>
    index === 0 ? null : { ...entry(token, -token.length, 40, index), ...entry(' the', -0.1, 1, 9999) },
  )
  json(response, 200, {
    choices: [{ text: '.', prompt_logprobs: entries }],
    usage: { prompt_tokens: 9, completion_tokens: 1 },
  })
}

async function setUp(
  respond: Respond,
  model: object = {},
): Promise<{ server: TestServer; inference: ConfiguredInference; calls: CallRecord[] }> {
  const server = await serveAnswers(respond)
  const calls: CallRecord[] = []
  const settings = parseInferenceSettings({
    endpoints: { box: { url: server.url }, other: { url: server.url } },
    models: {
      writer: {
        ...{ model: 'writer', endpoints: ['box'], mode: 'raw', sampling: { temperature: 0.8 } },
        ...{ price: { inputPerMillion: 1_000_000, outputPerMillion: 0 } },
        ...model,
      },
    },
    roles: { 'problem-writer': ['writer'], solver: ['writer'] },
  })
  const inference = createInference(settings, { secret: () => undefined, onCall: (call) => calls.push(call) })
  open.push(server, inference)
  return { server, inference, calls }
}
const never = new AbortController().signal
const text = 'Given one concept: a problem'
const request = {
  role: 'problem-writer' as const,
  text,
  parts: [
    { start: 9, end: 18 },
    { start: 18, end: text.length },
  ],
}
const score = (inference: ConfiguredInference, more: object = {}) =>
  inference.score({ ...request, ...more }, { requestId: 'r-1', signal: never })

describe('a scoring call', () => {
  it.each([
    ['echo', echoing],
    ['prompt_logprobs', likeVllm],
  ] as const)('asks by %s, plain and unsampled, and sums the parts up', async (method, respond) => {
    const { server, inference, calls } = await setUp(respond)
    const scoring = await score(inference)
    expect(scoring).toMatchObject({
      parts: [
        { logProbability: -' concept:'.length, tokens: 1 },
        { logProbability: -' a problem'.length, tokens: 2 },
      ],
      ...{ model: 'writer', endpoint: 'box', requestId: 'r-1', usage: { completion: 1 } },
    })
    expect(scoring.cost?.amount).toBe(scoring.usage.prompt)
    const sent = server.seen.at(-1)
    expect(sent?.path).toBe('/v1/completions')
    expect(sent?.headers['x-request-id']).toBe('r-1')
    expect(sent?.body).toMatchObject({ model: 'writer', prompt: text, max_tokens: 1, temperature: 1, top_p: 1 })
    expect(sent?.body).toHaveProperty(method)
    expect(sent?.body).not.toHaveProperty('stream')
    expect(calls).toMatchObject([{ role: 'problem-writer', outcome: 'completed', tokens: { completion: 1 } }])
  })

  it('finds out once how an endpoint is asked', async () => {
    const { server, inference } = await setUp(likeVllm)
    await score(inference)
    await score(inference)
    expect(server.seen.filter(({ body }) => body['prompt'] === text)).toHaveLength(2)
    expect(server.seen.filter(({ path }) => path === '/v1/completions')).toHaveLength(4)
  })

  it('refuses an endpoint that takes no notice, naming both ways', async () => {
    const { inference } = await setUp((_, response) => json(response, 200, { choices: [{ text: 'Well' }] }))
    await expect(score(inference)).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringMatching(
        /expected log-probabilities of given text of writer, got none \(echo: .*prompt_logprobs: /,
      ) as string,
    })
  })

  it('refuses a model in chat mode, whose template adds tokens', async () => {
    const { inference } = await setUp(echoing, { mode: 'chat' })
    await expect(score(inference)).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringContaining('write mode: raw') as string,
    })
  })

  it('is refused at the start where rationales are to be scored and an endpoint cannot', async () => {
    const able = await serveAnswers(echoing)
    const unable = await serveAnswers((_, response) => json(response, 400, { error: { message: 'no echo' } }))
    open.push(able, unable)
    const learning = (endpoints: string[]): ConfiguredInference => {
      const inference = createInference(
        parseInferenceSettings({
          endpoints: { able: { url: able.url }, unable: { url: unable.url } },
          models: { p: { model: 'p', endpoints, mode: 'raw' }, q: { model: 'q', endpoints: ['able'] } },
          roles: { 'problem-writer': ['p'], 'rationale-writer': ['q'] },
        }),
        { secret: () => undefined },
      )
      open.push(inference)
      return inference
    }
    await expect(learning(['able']).checkScoring(never)).resolves.toBeUndefined()
    await expect(learning(['able', 'unable']).checkScoring(never)).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringMatching(/^endpoint unable .*no echo/) as string,
    })
  })

  it('is tried again where the tokens are not those of the text', async () => {
    const { inference } = await setUp((seen, response) =>
      seen.body['prompt'] === text
        ? json(response, 200, { choices: [{ logprobs: { tokens: ['x', 'y'], token_logprobs: [null, -1] } }] })
        : void echoing(seen, response, 0),
    )
    await expect(score(inference)).rejects.toMatchObject({ kind: 'transient', code: 'ANSWER_MALFORMED' })
  })
})

describe('an announced version', () => {
  const first = { role: 'problem-writer' as const, model: 'writer-1', endpoint: '', version: '1', ordinal: 1 }
  const complete = (
    inference: ConfiguredInference,
    more: object = {},
    role: 'problem-writer' | 'solver' = 'problem-writer',
  ) => inference.complete({ role, prompt: 'Once', ...more }, { requestId: 'r-2', signal: never })
  const writing: Respond = (_, response) => json(response, 200, { choices: [{ text: 'upon', finish_reason: 'stop' }] })

  it('is asked from the next call on, under its name, and stands in the answer', async () => {
    const { server, inference } = await setUp(writing)
    expect(await complete(inference)).not.toHaveProperty('modelVersion')
    inference.announce(first)
    expect(inference.modelsOf('problem-writer')).toMatchObject([
      { model: 'writer-1', mode: 'raw', announced: { version: '1', ordinal: 1 } },
    ])
    expect(await complete(inference)).toMatchObject({ model: 'writer-1', modelVersion: '1' })
    expect(server.seen.map(({ body }) => body['model'])).toEqual(['writer', 'writer-1'])
  })

  it('changes no other role of the same model', async () => {
    const { inference } = await setUp(writing)
    inference.announce(first)
    expect(await complete(inference, {}, 'solver')).toMatchObject({ model: 'writer' })
    expect(inference.modelsOf('solver')[0]).not.toHaveProperty('announced')
  })

  it('goes to the endpoint that it names; a name that is not configured is a fault of the call', async () => {
    const { inference } = await setUp(writing)
    inference.announce({ ...first, endpoint: 'other' })
    expect(await complete(inference)).toMatchObject({ endpoint: 'other' })
    inference.announce({ ...first, endpoint: 'nowhere', ordinal: 2 })
    await expect(complete(inference)).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringContaining('endpoint nowhere, which is not configured') as string,
    })
    inference.announce({ ...first, ordinal: 3 })
    expect(await complete(inference)).toMatchObject({ endpoint: 'box' })
  })

  it('passes over what is older', async () => {
    const { inference } = await setUp(writing)
    inference.announce({ ...first, ordinal: 5 })
    inference.announce({ ...first, model: 'writer-0', version: '0', ordinal: 4 })
    expect(await complete(inference)).toMatchObject({ modelVersion: '1' })
  })

  it('fails a call that was meant for another one as MODEL_REPLACED, without sending it', async () => {
    const { server, inference } = await setUp(writing)
    inference.announce(first)
    await expect(complete(inference, { version: '0' })).rejects.toMatchObject({ code: 'MODEL_REPLACED', outage: true })
    expect(server.seen).toEqual([])
  })

  it('is asked instead where the model before it goes away under a call', async () => {
    let goOn = (): void => undefined
    const { server, inference } = await setUp(({ path }, response) => {
      if (path === '/v1/models') return json(response, 200, { data: [{ id: 'writer-1' }] })
      goOn = () => json(response, 404, { error: { message: 'The model writer does not exist' } })
    })
    const call = complete(inference)
    await server.arrived(1)
    inference.announce(first)
    goOn()
    await expect(call).rejects.toMatchObject({ kind: 'transient', code: 'MODEL_REPLACED' })
  })

  it('stays in force when the configuration is read again', async () => {
    const { server, inference } = await setUp(writing)
    inference.announce({ ...first, endpoint: 'other' })
    const settings = parseInferenceSettings({
      endpoints: { box: { url: server.url } },
      models: { writer: { model: 'writer', endpoints: ['box'], mode: 'raw', sampling: { temperature: 0.8 } } },
      roles: { 'problem-writer': ['writer'], solver: ['writer'] },
    })
    inference.reload(settings)
    await expect(complete(inference)).rejects.toThrow('endpoint other, which is not configured')
    inference.announce({ ...first, ordinal: 2 })
    expect(await complete(inference)).toMatchObject({ model: 'writer-1', endpoint: 'box' })
  })
})
