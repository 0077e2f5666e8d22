/** The server of `browse` over a corpus of this process, all of it read. */
import { request, type IncomingHttpHeaders } from 'node:http'
import { CorpusIndex } from '../../pages/browse/corpus-index.ts'
import { Follower } from '../../pages/browse/follow.ts'
import { serveBrowser } from '../../pages/browse/server.ts'
import type { Corpus } from '../../topics/reading.ts'

export interface Answered {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

export interface Served {
  /** Such as http://127.0.0.1:12345 */
  origin: string
  index: CorpusIndex
  get(path: string, options?: { method?: string; headers?: Record<string, string> }): Promise<Answered>
  close(): Promise<void>
}

export async function serveCorpus(corpus: Corpus, { name = 'test' } = {}): Promise<Served> {
  const stop = new AbortController()
  const index = new CorpusIndex()
  const follower = new Follower(corpus, index, stop.signal)
  const faults: string[] = []
  const server = await serveBrowser({
    ...{ corpus, index, progress: follower.progress, name, host: '127.0.0.1', port: 0 },
    onFault: (line) => faults.push(line),
  })
  let following = Promise.resolve()
  await new Promise<void>((resolve, reject) => {
    following = follower.run(resolve)
    following.catch(reject)
  })
  const { port } = new URL(server.url)
  return {
    origin: `http://127.0.0.1:${port}`,
    index,
    get: (path, { method = 'GET', headers = {} } = {}) =>
      new Promise((resolve, reject) => {
        request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
          let body = ''
          response.setEncoding('utf8').on('data', (text: string) => (body += text))
          response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
        })
          .once('error', reject)
          .end()
      }),
    close: async () => {
      stop.abort()
      await following
      await server.close()
      if (faults.length > 0) throw new Error(`pages failed: ${faults.join('; ')}`)
    },
  }
}
