/** Stands between our client and a server, passes everything on as it comes, and tells what was asked for. */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A listening relay. */
export interface Relay {
  url: string
  /** Bodies of the requests for completions, oldest first. */
  asked: Record<string, unknown>[]
  /** Resolves when an answer to one of them has begun. */
  begun: Promise<void>
  close(): Promise<void>
}

/** Starts a relay to the server with this base URL. */
export async function startRelay(target: string): Promise<Relay> {
  const asked: Record<string, unknown>[] = []
  let begin = (): void => undefined
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const server = createServer((incoming, outgoing) => {
    const parts: Buffer[] = []
    incoming.on('data', (part: Buffer) => parts.push(part))
    incoming.on('end', () => {
      const body = Buffer.concat(parts)
      if (incoming.method === 'POST') asked.push(JSON.parse(body.toString()) as Record<string, unknown>)
      const { method, headers } = incoming
      const onward = request(new URL(incoming.url ?? '', target), { method, headers, agent: false }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        if (method === 'POST') answer.once('data', begin)
        answer.on('error', () => outgoing.destroy())
        answer.pipe(outgoing)
      })
      onward.on('error', () => outgoing.destroy())
      outgoing.on('close', () => onward.destroy())
      onward.end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1`,
    asked,
    begun,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
