import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { discoverSettings } from '../../inference/discover.ts'
import type { Discovery } from '../../inference/discover.ts'
import { createInference } from '../../inference/inference.ts'
import type { ConfiguredInference } from '../../inference/inference.ts'
import { startSimulator } from '../../simulator/server.ts'
import type { Simulator } from '../../simulator/server.ts'

const { signal } = new AbortController()
const folder = mkdtempSync(join(tmpdir(), 'wellspring-inference-'))
const requestLogFile = join(folder, 'requests.jsonl')

let simulator: Simulator
let discovery: Discovery
let inference: ConfiguredInference

beforeAll(async () => {
  simulator = await startSimulator({ instant: true, requestLogFile })
  discovery = await discoverSettings({ url: simulator.url, secret: () => undefined, signal })
  inference = createInference(discovery.settings, { secret: () => undefined })
})

afterAll(async () => {
  await inference.close()
  await simulator.close()
  rmSync(folder, { recursive: true })
})

const problem = 'Find the remainder when 7^100 is divided by 13.'
const ask = `${problem}\nPlease reason step by step, and put your final answer within \\boxed{}.`

describe('against the simulator', () => {
  it('every role finds its model, and all say that they are simulated', async () => {
    expect(discovery).toMatchObject({ simulated: true, allowSelfVote: false })
    const models = (role: 'annotator' | 'judge' | 'solver' | 'embedder' | 'problem-writer') =>
      inference.modelsOf(role).map(({ model }) => model)
    expect(models('annotator')).toEqual(['sim-annotator-a', 'sim-annotator-b'])
    expect(models('judge')).toEqual(['sim-judge-a', 'sim-judge-b'])
    expect(models('solver')).toEqual(['sim-solver'])
    expect(models('embedder')).toEqual(['sim-embedder'])
    expect(inference.modelsOf('problem-writer')).toMatchObject([{ model: 'sim-problem-writer', mode: 'raw' }])
    const [checked] = await inference.check(signal)
    expect(checked).toMatchObject({ simulated: true })
    expect(checked).not.toHaveProperty('fault')
  })

  it('a solver answers with reasoning apart from its text, and the same seed gives the same answer', async () => {
    const solve = (requestId: string) =>
      inference.complete({ role: 'solver', prompt: ask, seed: 3, sampling: { maxTokens: 4096 } }, { requestId, signal })
    const [first, second] = [await solve('first'), await solve('second')]
    expect(first).toMatchObject({ simulated: true, model: 'sim-solver', requestId: 'first', seed: 3 })
    expect(first.reasoning?.length).toBeGreaterThan(0)
    expect(first.usage.prompt).toBeGreaterThan(0)
    expect(first.usage.reasoning).toBeGreaterThan(0)
    expect(first.usage.completion).toBeGreaterThan(first.usage.reasoning)
    expect(second.text).toBe(first.text)
  })

  it('a solver that thinks inline gives the same two parts', async () => {
    const settings = structuredClone(discovery.settings)
    const [key] = settings.roles.solver ?? []
    const model = settings.models[key ?? '']
    if (model !== undefined) model.model = 'sim-solver-large'
    const large = createInference(settings, { secret: () => undefined })
    const completion = await large.complete({ role: 'solver', prompt: ask, seed: 3 }, { requestId: 'large', signal })
    await large.close()
    expect(completion.reasoning?.length).toBeGreaterThan(0)
    expect(completion.text).not.toContain('think>')
  })

  it('the problem writer continues raw text in the released format', async () => {
    const prompt =
      'Given foundational concepts and difficulty level, identify connections and develop a question that integrates these concepts with appropriate complexity.\n\n' +
      'Foundational Concepts:\n1. Modular arithmetic\n2. Euler totient function\n\nDifficulty Level: AIME'
    const { text, sampling } = await inference.complete(
      { role: 'problem-writer', prompt, seed: 1 },
      { requestId: 'p', signal },
    )
    expect(text).toContain('<!-- BEGIN PROBLEM -->')
    expect(sampling).toEqual({ temperature: 0.8, maxTokens: 4096 })
  })

  it('a cut completion says so', async () => {
    const cut = await inference.complete(
      { role: 'solver', prompt: ask, seed: 3, sampling: { maxTokens: 5 } },
      { requestId: 'cut', signal },
    )
    expect(cut.finishReason).toBe('length')
    expect(cut.usage.completion).toBe(5)
  })

  it('the embedder gives vectors of one length', async () => {
    const { vectors, simulated } = await inference.embed(
      { role: 'embedder', texts: ['Modular arithmetic', 'Graph theory', 'Modular arithmetic'] },
      { requestId: 'e', signal },
    )
    expect(simulated).toBe(true)
    expect(vectors).toHaveLength(3)
    expect(vectors[0]).toEqual(vectors[2])
    expect(vectors[0]).not.toEqual(vectors[1])
  })

  it('an unknown model is named, with those that there are', async () => {
    const settings = structuredClone(discovery.settings)
    const model = settings.models[settings.roles.solver?.[0] ?? '']
    if (model !== undefined) model.model = 'sim-nobody'
    const wrong = createInference(settings, { secret: () => undefined })
    const call = wrong.complete({ role: 'solver', prompt: ask }, { requestId: 'w', signal })
    await expect(call).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringMatching(/sim-nobody.*sim-annotator-a, .*sim-embedder/) as string,
    })
    await wrong.close()
  })

  it('sees an aborted call end, by its own log, and nothing twice', async () => {
    // Slow enough that only an abort ends it within the test.
    const logFile = join(folder, 'slow.jsonl')
    const slow = await startSimulator({ speed: 0.01, requestLogFile: logFile })
    const settings = structuredClone(discovery.settings)
    for (const endpoint of Object.values(settings.endpoints)) endpoint.url = slow.url
    const patient = createInference(settings, { secret: () => undefined })
    const controller = new AbortController()
    const call = patient.complete(
      { role: 'solver', prompt: ask, seed: 1 },
      { requestId: 'slow', signal: controller.signal },
    )
    const events = (): string[] =>
      readFileSync(logFile, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { event: string }).event)
    await expect.poll(events, { timeout: 50_000 }).toEqual(['admitted'])
    controller.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    await expect.poll(events, { timeout: 50_000, interval: 20 }).toEqual(['admitted', 'aborted'])
    await patient.close()
    await slow.close()
  })
})
