/** What our client makes of any real server, whoever wrote it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parseInferenceSettings } from '../../inference/configuration.ts'
import { discoverSettings } from '../../inference/discover.ts'
import { type CallRecord, createInference } from '../../inference/inference.ts'
import { type Ability, type EndpointReport, probeEndpoints } from '../../inference/probe.ts'
import { installServer, type ServerName } from '../../scripts/servers/install.ts'
import { endToken, type ModelServer, startServer } from '../../scripts/servers/server.ts'
import { MissingPackagesError } from '../../scripts/virtual-environment.ts'
import { requireOrSkip } from '../requirements.ts'
import { startRelay } from './relay.ts'

/** Ids of tokens. */
const [letterA, noText] = [97, 255]
/** So much is added to a token's logit that no other is ever written. */
const only = (token: number) => ({ logit_bias: { [token]: 100 } })

/** Far more than a test waits for. */
const tokensOfMinutes = 30_000

const never = new AbortController().signal

const open: { close(): Promise<void> }[] = []

/** The models of the tests by their roles: one server and one model, asked in several ways. */
function connect(server: ModelServer, url = server.url, endpoint: object = {}) {
  const calls: CallRecord[] = []
  const { model } = server
  const endpoints = ['box']
  const settings = parseInferenceSettings({
    endpoints: { box: { url, ...endpoint } },
    models: {
      // Writes on and on; the others write one token alone.
      random: { model, endpoints, sampling: { temperature: 1 } },
      raw: { model, endpoints, mode: 'raw', sampling: { temperature: 0 } },
      letters: { model, endpoints, sampling: { temperature: 0 }, extraBody: only(letterA) },
      bytes: { model, endpoints, sampling: { temperature: 0 }, extraBody: only(noText) },
      silent: { model, endpoints, sampling: { temperature: 0 }, extraBody: only(endToken) },
      refused: { model, endpoints, extraBody: { top_k: 'many' } },
      absent: { model: 'no-such-model', endpoints },
    },
    roles: {
      solver: ['random'],
      'problem-writer': ['raw'],
      'test-writer': ['letters'],
      annotator: ['bytes'],
      voter: ['silent'],
      judge: ['refused'],
      teacher: ['absent'],
    },
  })
  const inference = createInference(settings, { secret: () => undefined, onCall: (call) => calls.push(call) })
  open.push(inference)
  const ask = (role: keyof typeof settings.roles, sampling: object = { maxTokens: 12 }, more: object = {}) =>
    inference.complete({ role, prompt: 'hello there', sampling, seed: 1, ...more }, { requestId: 'r', signal: never })
  const askForMinutes = (signal: AbortSignal) =>
    inference.complete(
      { role: 'solver', prompt: 'hello there', sampling: { maxTokens: tokensOfMinutes }, seed: 1 },
      { requestId: 'long', signal },
    )
  return { inference, calls, ask, askForMinutes }
}

/** Resolves when it is so; the test's own limit ends the wait. */
export const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** How a server differs from others, as far as our client shows it. */
interface Traits {
  /** A name that it does not know gets the model that it has. */
  answersForAnyModel: boolean
  /** Whose metrics it has. */
  metrics: EndpointReport['metrics']
  /** What of all that may be asked of an endpoint it cannot do. */
  cannot: readonly Ability['name'][]
}

/** Installs and starts the server, states the laws, and whatever `more` states of this server alone. */
export async function itIsServed(
  name: ServerName,
  { answersForAnyModel, metrics, cannot }: Traits,
  more: (about: { server: () => ModelServer; connect: typeof connect }) => void,
): Promise<void> {
  const python = await installServer(name, (line) => console.log(line)).catch((error: unknown) => {
    if (error instanceof MissingPackagesError) return error
    throw error
  })
  const isThere = requireOrSkip(python instanceof Error ? python.message : name, typeof python === 'string')
  describe.runIf(isThere)(name, () => {
    const directory = mkdtempSync(join(tmpdir(), 'wellspring-servers-'))
    let running: ModelServer
    const server = () => running
    beforeAll(async () => {
      running = await startServer(name, String(python), directory)
    })
    afterAll(async () => {
      await running?.kill()
      rmSync(directory, { recursive: true })
    })
    afterEach(async () => {
      await Promise.all(open.splice(0).map((one) => one.close()))
    })

    it('is found by its URL alone: every role that writes gets its model, and there is no embedder', async () => {
      const found = await discoverSettings({ url: server().url, secret: () => undefined, signal: never })
      expect(Object.keys(found.settings.roles)).toHaveLength(7)
      expect(Object.values(found.settings.models).every(({ model }) => model === server().model)).toBe(true)
      expect(found.simulated).toBe(false)
      expect(found.sentences.find((line) => line.startsWith('embedder'))).toContain('does not answer requests')
    })

    it('is checked: a model that it lacks is named with those that it has', async () => {
      const [check] = await connect(server()).inference.check(never)
      expect(check).toMatchObject({ models: [server().model], simulated: false })
      expect(check?.fault?.message).toContain(
        `expected the model no-such-model, got none of that name; use one of ${server().model}`,
      )
    })

    it('can do what the doctor says', async () => {
      const { settings } = await discoverSettings({ url: server().url, secret: () => undefined, signal: never })
      const [report] = await probeEndpoints(settings, { secret: () => undefined, signal: never })
      expect(report).toMatchObject({ missing: [], metrics, simulated: false })
      expect(report?.models).toMatchObject([{ id: server().model, contextTokens: server().contextTokens }])
      const names = ['completions', 'token limit', 'streaming', 'several answers', 'seeds', 'logprobs of given text']
      expect(report?.abilities.map((ability) => [ability.name, ability.can])).toEqual(
        names.map((one) => [one, cannot.some((other) => other === one) ? 'no' : 'yes']),
      )
    })

    describe.each(['never', 'always'])('stream: %s', (stream) => {
      const ask = (...call: Parameters<ReturnType<typeof connect>['ask']>) =>
        connect(server(), server().url, { stream }).ask(...call)

      it('gives text, why it ended and what it cost', async () => {
        expect(await ask('test-writer')).toMatchObject({
          text: 'aaaaaaaaaaaa',
          finishReason: 'length',
          usage: { prompt: 27, completion: 12, reasoning: 0 },
          simulated: false,
        })
        // As many tokens as the text has characters, less what is merged (he, the): no template is around it.
        expect(await ask('problem-writer')).toMatchObject({
          finishReason: 'length',
          usage: { prompt: 8, completion: 12 },
        })
      })

      it('counts itself: nothing is estimated', async () => {
        for (const role of ['solver', 'problem-writer'] as const)
          expect(await ask(role)).not.toHaveProperty('estimated')
      })

      it('tells an answer that ended by itself, also where it is empty', async () => {
        expect(await ask('voter')).toMatchObject({ text: '', finishReason: 'stop', usage: { completion: 1 } })
      })

      it('ends before the words that it was given', async () => {
        expect(await ask('test-writer', { maxTokens: 12 }, { stop: ['aaaa'] })).toMatchObject({
          text: '',
          finishReason: 'stop',
        })
      })

      it('writes bytes that are no text as the sign for that', async () => {
        expect((await ask('annotator')).text).toMatch(/^\ufffd+$/)
      })

      it('repeats itself with the same seed', async () => {
        const [one, other] = [await ask('solver', { maxTokens: 40 }), await ask('solver', { maxTokens: 40 })]
        expect(one.text).toBe(other.text)
        expect((await ask('solver', { maxTokens: 40 }, { seed: 2 })).text).not.toBe(one.text)
      })

      it('refuses what it does not understand in words that reach the reader', async () => {
        await expect(ask('judge')).rejects.toMatchObject({ kind: 'invalid-record', code: 'REQUEST_REFUSED' })
        await expect(ask('judge')).rejects.toThrow(/answered 400: .*top_k/)
      })

      if (answersForAnyModel)
        it('answers for any model, which the check alone can tell', async () => {
          expect((await ask('teacher')).text).not.toBe('')
        })
      else
        it('refuses a model that it lacks, and the message names those that it has', async () => {
          await expect(ask('teacher')).rejects.toMatchObject({ kind: 'configuration' })
          await expect(ask('teacher')).rejects.toThrow(`use one of the models that it has: ${server().model}`)
        })
    })

    it('is asked for streams, since a plain call would not end when it is given up', async () => {
      const relay = await startRelay(server().url)
      open.push(relay)
      const { inference, ask } = connect(server(), relay.url)
      await inference.check(never)
      await ask('solver')
      await ask('problem-writer')
      expect(relay.asked.map(({ stream }) => stream)).toEqual([true, true])
    })

    it('has room again within a second after a call was aborted', async () => {
      // A plain call is another matter: mlx-lm never looks whether its client is there, llama.cpp looks when it had nothing to tell anyone for a second.
      const { inference, ask, askForMinutes, calls } = connect(server(), server().url, { stream: 'always' })
      const tookMs: number[] = []
      // A machine with other work may be late now and then, not each time.
      while (tookMs.length < 3 && !tookMs.some((one) => one < 1000)) {
        const leaving = new AbortController()
        const long = askForMinutes(leaving.signal)
        long.catch(() => undefined)
        // It answers one request at a time: while it has the long one, this one waits.
        await expect(
          inference.complete(
            { role: 'test-writer', prompt: 'hello there', sampling: { maxTokens: 2 } },
            { requestId: 'late', signal: AbortSignal.timeout(1000) },
          ),
        ).rejects.toMatchObject({ name: 'TimeoutError' })
        leaving.abort(new Error('left'))
        const leftMs = performance.now()
        await expect(long).rejects.toThrow('left')
        expect(inference.status()[0]).toMatchObject({ inFlight: 0 })
        expect((await ask('test-writer')).text).toBe('aaaaaaaaaaaa')
        tookMs.push(performance.now() - leftMs)
      }
      expect(Math.min(...tookMs)).toBeLessThan(1000)
      expect(calls.slice(-3).map(({ outcome }) => outcome)).toEqual(['aborted', 'aborted', 'completed'])
    })

    more({ server, connect })

    it('dies in the middle of an answer: the call is lost, the next one waits and goes on when it is back', async () => {
      const relay = await startRelay(server().url)
      open.push(relay)
      const lost = connect(server(), relay.url, { stream: 'always' }).askForMinutes(never)
      lost.catch(() => undefined)
      await relay.begun
      await server().kill()
      await expect(lost).rejects.toMatchObject({ kind: 'transient', code: 'CONNECTION_LOST' })
      const { inference, ask } = connect(server())
      const waiting = ask('test-writer')
      await until(() => inference.status()[0]?.down === true)
      await server().restart()
      expect((await waiting).text).toBe('aaaaaaaaaaaa')
    })
  })
}
