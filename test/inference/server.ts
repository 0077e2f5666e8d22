/** A small real HTTP server for the tests of inference/: every answer is what the test says. */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request as the server saw it. */
interface Seen {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: Record<string, unknown>
  /** Resolves when the connection of the request is closed before it was answered. */
  disconnected: Promise<void>
}

export type Respond = (request: Seen, response: ServerResponse, count: number) => void | Promise<void>

/** A listening server. */
export interface TestServer {
  url: string
  seen: Seen[]
  /** Resolves when that many requests have arrived. */
  arrived(count: number): Promise<void>
  close(): Promise<void>
}

/** Starts a server on a free port of 127.0.0.1; its URL ends in /v1. */
export async function serveAnswers(respond: Respond): Promise<TestServer> {
  const seen: Seen[] = []
  const waiting: { count: number; resolve: () => void }[] = []
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = []
    const disconnected = new Promise<void>((resolve) => {
      response.on('close', () => {
        if (!response.writableFinished) resolve()
      })
    })
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const text = Buffer.concat(parts).toString()
      const one: Seen = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
        disconnected,
      }
      seen.push(one)
      for (const { count, resolve } of waiting) if (seen.length >= count) resolve()
      void respond(one, response, seen.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1`,
    seen,
    arrived: (count) =>
      new Promise((resolve) => {
        if (seen.length >= count) resolve()
        else waiting.push({ count, resolve })
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Answers with a status and a JSON body. */
export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** The body of a chat completion with one message. */
export const chatAnswer = (
  message: Record<string, unknown>,
  more: Record<string, unknown> = {},
): Record<string, unknown> => ({
  id: 'x',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 },
  ...more,
})
