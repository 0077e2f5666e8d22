import { afterEach, describe, expect, it } from 'vitest'
import { roles } from '../../engine/ports.ts'
import { discoverSettings } from '../../inference/discover.ts'
import type { Discovery } from '../../inference/discover.ts'
import { json, serveAnswers } from './server.ts'
import type { TestServer } from './server.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

/** A server with these models, of which `embedding` answer requests for embeddings. */
async function serveModels(models: (string | object)[], embedding: string[] = []): Promise<TestServer> {
  const server = await serveAnswers((request, response) => {
    if (request.path === '/v1/models') {
      json(response, 200, { data: models.map((model) => (typeof model === 'string' ? { id: model } : model)) })
    } else if (embedding.includes(String(request.body['model']))) {
      json(response, 200, { data: [{ index: 0, embedding: [1, 0] }] })
    } else json(response, 404, { detail: 'Not Found' })
  })
  open.push(server)
  return server
}

const discover = async (server: TestServer, more: object = {}): Promise<Discovery> =>
  discoverSettings({ url: server.url, secret: () => undefined, signal: new AbortController().signal, ...more })

/** Which model names each role got. */
const assignment = ({ settings }: Discovery): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(settings.roles).map(([role, keys]) => [role, keys.map((key) => settings.models[key]?.model ?? '')]),
  )

describe('one model', () => {
  it('does everything but embed and learn rationales, and may vote on its own answers', async () => {
    const discovery = await discover(await serveModels(['Qwen/Qwen3-8B']))
    expect(assignment(discovery)).toEqual(
      Object.fromEntries(
        roles
          .filter((role) => role !== 'embedder' && role !== 'rationale-writer')
          .map((role) => [role, ['Qwen/Qwen3-8B']]),
      ),
    )
    expect(discovery.allowSelfVote).toBe(true)
    expect(Object.values(discovery.settings.models).every(({ mode }) => mode === 'chat')).toBe(true)
    expect(discovery.sentences).toContain('solver: Qwen/Qwen3-8B (the only model there).')
    expect(discovery.sentences).toContain(
      'embedder: none (Qwen/Qwen3-8B does not answer requests for embeddings), so concepts are sampled by how often they occur together alone.',
    )
  })

  it('also embeds where it answers a real request for an embedding', async () => {
    expect(assignment(await discover(await serveModels(['local'], ['local'])))['embedder']).toEqual(['local'])
  })

  it('that is a released problem writer writes raw text in every role', async () => {
    const discovery = await discover(await serveModels(['xl-zhao/PromptCoT-2.0-Prompt-Generation-Model']))
    expect(discovery.settings.models['problem-writer']).toMatchObject({
      mode: 'raw',
      sampling: { temperature: 0.8, maxTokens: 4096 },
    })
    expect(discovery.settings.models['solver']).toMatchObject({ mode: 'raw' })
  })

  it('with a known context gets no more tokens than fit', async () => {
    const discovery = await discover(await serveModels([{ id: 'small', max_model_len: 8192 }]))
    expect(discovery.settings.models['teacher']?.sampling.maxTokens).toBe(4096)
    const large = await discover(await serveModels([{ id: 'large', max_model_len: 131072 }]))
    expect(large.settings.models['teacher']?.sampling.maxTokens).toBe(16384)
  })
})

describe('several models', () => {
  it('get the jobs of their names, the largest the rest', async () => {
    const models = [
      'bge-large-en',
      'Qwen3-8B',
      'PromptCoT-2.0-Prompt-Generation-Model',
      'Qwen3-30B-A3B-Instruct',
      'our-solver-4B',
      'our-judge-14b',
      'other-judge',
      'bge-reranker-70b',
    ]
    const discovery = await discover(await serveModels(models, ['bge-large-en']))
    expect(assignment(discovery)).toEqual({
      annotator: ['Qwen3-30B-A3B-Instruct'],
      embedder: ['bge-large-en'],
      'problem-writer': ['PromptCoT-2.0-Prompt-Generation-Model'],
      'test-writer': ['Qwen3-30B-A3B-Instruct'],
      voter: ['Qwen3-30B-A3B-Instruct'],
      solver: ['our-solver-4B'],
      teacher: ['Qwen3-30B-A3B-Instruct'],
      judge: ['our-judge-14b', 'other-judge'],
    })
    expect(discovery.settings.models['problem-writer']?.mode).toBe('raw')
    expect(discovery.allowSelfVote).toBe(false)
    expect(discovery.sentences).toContain(
      'problem-writer: PromptCoT-2.0-Prompt-Generation-Model (named for it, as raw text without a chat template).',
    )
    expect(discovery.sentences).toContain(
      'voter: Qwen3-30B-A3B-Instruct (the largest model by its name, and no name says this job).',
    )
  })

  it('of the simulator do the jobs of their names', async () => {
    const names = 'annotator-a annotator-b problem-writer test-writer voter solver judge-a judge-b teacher embedder'
    const models = names.split(' ').map((name) => ({ id: `sim-${name}`, owned_by: 'wellspring-simulator' }))
    const discovery = await discover(await serveModels(models, ['sim-embedder']))
    expect(assignment(discovery)).toEqual({
      annotator: ['sim-annotator-a', 'sim-annotator-b'],
      embedder: ['sim-embedder'],
      'problem-writer': ['sim-problem-writer'],
      'test-writer': ['sim-test-writer'],
      voter: ['sim-voter'],
      solver: ['sim-solver'],
      teacher: ['sim-teacher'],
      judge: ['sim-judge-a', 'sim-judge-b'],
    })
    expect(discovery).toMatchObject({ simulated: true, allowSelfVote: false })
  })

  it('can be narrowed to some', async () => {
    const server = await serveModels(['a-70b', 'b-8b'])
    expect(assignment(await discover(server, { models: ['b-8b'] }))['solver']).toEqual(['b-8b'])
    await expect(discover(server, { models: ['c'] })).rejects.toThrow('expected the model c, got only a-70b, b-8b')
  })
})

describe('an endpoint that gives no settings', () => {
  it('has no model that writes', async () => {
    await expect(discover(await serveModels([]))).rejects.toMatchObject({ kind: 'configuration' })
    await expect(discover(await serveModels(['bge-m3'], ['bge-m3']))).rejects.toThrow('got only bge-m3')
  })

  it('cannot be reached', async () => {
    const server = await serveModels([])
    await server.close()
    await expect(discover(server)).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' })
  })

  it('has a URL that is none', async () => {
    const wrong = discoverSettings({
      url: 'localhost:8000',
      secret: () => undefined,
      signal: new AbortController().signal,
    })
    await expect(wrong).rejects.toMatchObject({ kind: 'configuration' })
  })
})

describe('the key', () => {
  it('is sent where its variable holds one, and left out of the settings where not', async () => {
    const server = await serveModels(['m'])
    const key = { apiKeyVariable: 'OPENAI_API_KEY' }
    const withKey = await discover(server, { ...key, secret: () => 'k-1' })
    expect(server.seen[0]?.headers.authorization).toBe('Bearer k-1')
    expect(withKey.settings.endpoints['endpoint']).toMatchObject(key)
    const without = await discover(server, key)
    expect(server.seen.at(-1)?.headers).not.toHaveProperty('authorization')
    expect(without.settings.endpoints['endpoint']).not.toHaveProperty('apiKeyVariable')
  })
})
