/** llama.cpp's server, with one slot, which lets it give one answer at a time: metrics, `{"error": {code, message, type}}`, usage in the event that ends an answer. */
import { expect, it } from 'vitest'
import { readLoad, metricsUrlOf } from '../../inference/load.ts'
import { itIsServed, until } from './laws.ts'

const never = new AbortController().signal

await itIsServed(
  'llama.cpp',
  {
    answersForAnyModel: true,
    metrics: 'llama.cpp',
    cannot: ['several answers', 'logprobs of given text'],
  },
  ({ server, connect }) => {
    const load = async () => readLoad(await (await fetch(metricsUrlOf(server().url))).text())

    it('tells what it does and has written by its metrics', async () => {
      const before = await load()
      expect(before).toMatchObject({ running: 0, waiting: 0, preemptions: undefined })
      await connect(server()).ask('test-writer', { maxTokens: 12 })
      expect(await load()).toEqual({ ...before, generatedTokens: (before?.generatedTokens ?? NaN) + 12 })
      const leaving = new AbortController()
      const { askForMinutes } = connect(server(), server().url, { stream: 'always' })
      const calls = [askForMinutes(leaving.signal), askForMinutes(leaving.signal)]
      await until(async () => {
        const { running, waiting } = (await load()) ?? {}
        return running === 1 && waiting === 1
      })
      leaving.abort()
      await Promise.allSettled(calls)
      await until(async () => (await load())?.running === 0)
    })

    it('refuses a prompt that does not fit into its context, and says how long both are', async () => {
      const { inference } = connect(server())
      const call = inference.complete(
        { role: 'solver', prompt: 'word '.repeat(7000), sampling: { maxTokens: 12 } },
        { requestId: 'r', signal: never },
      )
      await expect(call).rejects.toMatchObject({ kind: 'invalid-record', code: 'CONTEXT_TOO_LONG' })
      await expect(call).rejects.toThrow(/answered 400: .*\b32768\b/)
    })
  },
)
