/**
 * Two calls that take N minutes, over real sockets, to a server in another process: a streamed one that gets a token every 20 s
 * and comments in between, and a plain one on whose line there is not a byte until its answer. Prints a line for each: name, value, goal,
 * whether it is met. Exits 1 when one is missed. `node dist/bench/inference/long-call.js [--minutes 70]`
 */
import { fork } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parseInferenceSettings } from '../../inference/configuration.ts'
import { createInference } from '../../inference/inference.ts'
import type { Completion } from '../../engine/ports.ts'

const tokenSeconds = 20
const commentSeconds = 7
/** For so long no event may come. */
const idleSeconds = 3 * tokenSeconds

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '70' }, serve: { type: 'boolean', default: false } },
})
const seconds = 60 * Number(values.minutes)
const tokens = Math.floor(seconds / tokenSeconds)

const event = (choices: object[], more: object = {}): string =>
  `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices, ...more })}\n\n`

/** The other process: answers after N minutes, a token every 20 s where it streams, tells its port to its parent. */
function serve(): void {
  const usage = { prompt_tokens: 10, completion_tokens: tokens, total_tokens: 10 + tokens }
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const { stream } = JSON.parse(Buffer.concat(parts).toString() || '{}') as { stream?: boolean }
      if (stream !== true) {
        setTimeout(() => {
          const message = { role: 'assistant', content: ' token'.repeat(tokens) }
          response.writeHead(200, { 'content-type': 'application/json' })
          response.end(JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }], usage }))
        }, seconds * 1000)
        return
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      let sent = 0
      const comments = setInterval(() => response.write(': keep-alive\n\n'), commentSeconds * 1000)
      const writing = setInterval(() => {
        sent += 1
        response.write(event([{ index: 0, delta: { content: ' token' }, finish_reason: null }]))
        if (sent < tokens) return
        clearInterval(writing)
        clearInterval(comments)
        response.end(
          `${event([{ index: 0, delta: {}, finish_reason: 'stop' }])}${event([], { usage })}data: [DONE]\n\n`,
        )
      }, tokenSeconds * 1000)
    })
  })
  server.requestTimeout = 0
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.on('disconnect', () => process.exit())
}

async function main(): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['--serve', '--minutes', values.minutes])
  const port = await new Promise<number>((resolve) => child.once('message', (message) => resolve(Number(message))))
  const url = `http://127.0.0.1:${port}/v1`
  const settings = parseInferenceSettings({
    endpoints: {
      // The total limit is far too short: it must not hold.
      streamed: { url, stream: 'always', idleSeconds, timeoutSeconds: idleSeconds },
      plain: { url, stream: 'never', timeoutSeconds: seconds + 300 },
    },
    models: {
      streamed: { model: 'streamed', endpoints: ['streamed'] },
      plain: { model: 'plain', endpoints: ['plain'] },
    },
    roles: { solver: ['streamed'], voter: ['plain'] },
  })
  const inference = createInference(settings, { secret: () => undefined })
  const { signal } = new AbortController()
  console.log(`${new Date().toISOString()}: two calls of ${values.minutes} minutes begin`)
  const call = async (name: string, role: 'solver' | 'voter'): Promise<boolean> => {
    const answer: Completion | Error = await inference
      .complete({ role, prompt: 'Take your time.' }, { requestId: name, signal })
      .catch((error: unknown) => error as Error)
    const at = new Date().toISOString()
    if (answer instanceof Error) {
      console.log(
        JSON.stringify({
          name: `${name}-minutes`,
          value: null,
          goal: `${tokens} tokens`,
          ok: false,
          at,
          why: answer.message,
        }),
      )
      return false
    }
    const ok = answer.text === ' token'.repeat(tokens) && answer.usage.completion === tokens
    const value = Number((answer.latencySeconds / 60).toFixed(2))
    console.log(JSON.stringify({ name: `${name}-minutes`, value, goal: `${tokens} tokens`, ok, at }))
    return ok
  }
  const verdicts = await Promise.all([call('streamed-call', 'solver'), call('plain-call', 'voter')])
  await inference.close()
  child.disconnect()
  console.log(verdicts.every((ok) => ok) ? 'verdict: both whole' : 'verdict: missed')
  process.exitCode = verdicts.every((ok) => ok) ? 0 : 1
}

if (values.serve) serve()
else await main()
