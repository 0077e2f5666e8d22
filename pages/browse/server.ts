/** The server behind `wellspring browse`: pages alone, no script, nothing that changes anything. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { isIP, type AddressInfo } from 'node:net'
import { topics } from '../../topics/catalogue.ts'
import type { Corpus } from '../../topics/reading.ts'
import { served } from '../document.ts'
import { formatCount, formatTime } from '../format.ts'
import { html, type Content } from '../html.ts'
import { MathBudget } from '../math.ts'
import { fieldList, storySections } from '../sections.ts'
import { style } from '../style.ts'
import type { CorpusIndex } from './corpus-index.ts'
import type { Progress } from './follow.ts'
import { recordById, storyOf } from './gather.ts'
import { listPage, progressLine } from './list-page.ts'
import { isOwnHost } from './own-host.ts'
import { addressOf, parseQuery } from './query.ts'

export interface BrowseServer {
  corpus: Corpus
  index: CorpusIndex
  progress: Progress
  /** What the corpus is called on every page. */
  name: string
  host: string
  /** 0: any free one. */
  port: number
  /** Told of what went wrong while a page was made. */
  onFault: (line: string) => void
}

const stylePath = `/style-${createHash('sha256').update(style).digest('hex').slice(0, 12)}.css`
const longestAddress = 4096
/** Characters of a text that a problem's page shows; `?whole=1` shows all. */
const shownCharacters = 12_000
const wholeCharacters = 2_000_000

/** What every answer says: the page may load its style sheet and send its form here, and do nothing else. */
const headers = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Cache-Control': 'no-store',
}

interface Answer {
  status: number
  title: string
  body: Content
}

/** Serves until it is closed. @returns where, once it listens */
export async function serveBrowser(options: BrowseServer): Promise<{ url: string; close(): Promise<void> }> {
  const { host, port, onFault } = options
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      onFault(`${request.url?.slice(0, 200)}: ${error instanceof Error ? error.message : String(error)}`)
      if (!response.headersSent)
        send(response, 500, 'text/plain; charset=utf-8', 'This page could not be made; the command tells why.\n')
      else response.destroy()
    })
  })
  server.requestTimeout = 30_000
  server.maxHeadersCount = 100
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const { address, port: taken } = server.address() as AddressInfo
  return {
    url: `http://${isIP(address) === 6 ? `[${address}]` : address}:${taken}/`,
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      })
    },
  }
}

async function answer(options: BrowseServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url = '/' } = request
  const refuse = (status: number, text: string): void =>
    send(response, status, 'text/plain; charset=utf-8', `${text}\n`)
  if (!isOwnHost(request.headers.host, options.host))
    return refuse(421, 'This server answers to its own address alone.')
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    return refuse(405, 'Pages can be looked at, nothing else.')
  }
  if (url.length > longestAddress) return refuse(414, 'The address is too long.')
  if (url === stylePath) {
    response.setHeader('Cache-Control', 'public, max-age=31536000, immutable')
    return send(response, 200, 'text/css; charset=utf-8', style, method)
  }
  const { pathname, searchParams } = addressIn(url)
  if (pathname === '/favicon.ico') return send(response, 204, 'text/plain', '')
  const redirect = redirectionOf(pathname)
  if (redirect !== undefined) {
    response.setHeader('Location', redirect)
    return refuse(302, 'Found.')
  }
  const { status, title, body } = await pageOf(options, pathname, searchParams)
  const { index, name, progress } = options
  const page = served(
    {
      ...{ title, corpus: name, body },
      simulated: index.simulated === 0 ? 'none' : index.simulated === index.size ? 'all' : 'some',
      footer: html`${formatCount(index.size)} problems as of
      ${formatTime(Date.now())}${progress.unreadable > 0 && `; ${formatCount(progress.unreadable)} records cannot be read and are passed over`}.
      Pages show the corpus as it is when they are loaded.`,
    },
    stylePath,
  )
  send(response, status, 'text/html; charset=utf-8', page, method)
}

function send(response: ServerResponse, status: number, type: string, content: string, method = 'GET'): void {
  const bytes = Buffer.from(content)
  for (const [name, value] of Object.entries(headers)) if (!response.hasHeader(name)) response.setHeader(name, value)
  response.writeHead(status, { 'Content-Type': type, ...(status !== 204 && { 'Content-Length': bytes.length }) })
  response.end(method === 'HEAD' || status === 204 ? undefined : bytes)
}

/** A path and its parameters, whatever was sent. */
function addressIn(url: string): URL {
  try {
    return new URL(`http://localhost${url.startsWith('/') ? url : '/'}`)
  } catch {
    return new URL('http://localhost/')
  }
}

async function pageOf(options: BrowseServer, pathname: string, parameters: URLSearchParams): Promise<Answer> {
  const { index, progress } = options
  if (pathname === '/')
    return { status: 200, title: 'Problems', body: listPage(index, parseQuery(parameters), progress) }
  const [, kind = '', encoded = ''] = /^\/(problems|records)\/([^/]+)$/.exec(pathname) ?? []
  const id = decodedId(encoded)
  if (kind === 'problems') return await problemPage(options, id, parameters.get('whole') === '1')
  if (kind === 'records') return await recordPage(options, id)
  return missing('There is no such page.')
}

function decodedId(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return ''
  }
}

function missing(text: string, progress?: Progress): Answer {
  return {
    status: 404,
    title: 'Not found',
    body: html`<h1>Not found</h1>
      ${progress && progressLine(progress)}
      <p>${text}</p>
      <p><a href="/">All problems</a></p>`,
  }
}

async function problemPage({ corpus, index, progress }: BrowseServer, id: string, whole: boolean): Promise<Answer> {
  const story = await storyOf(corpus, index, id)
  if (!story) return missing('No problem of this corpus has that id.', progress)
  const path = `/problems/${encodeURIComponent(id)}`
  const everything = parseQuery(new URLSearchParams())
  return {
    status: 200,
    title: story.problem.statement.slice(0, 60).replace(/\s+/g, ' '),
    body: html`<p class="small"><a href="/">All problems</a></p>
      <h1>Problem <span class="mono small soft">${id}</span></h1>
      ${storySections(story, {
        ...{ budget: new MathBudget(), level: 2, maxCharacters: whole ? wholeCharacters : shownCharacters },
        ...(!whole && { whole: html`<a href="${path}?whole=1">Show whole texts</a>` }),
        links: {
          concept: (domain, concept) => addressOf(everything, { domain, concept }),
          record: (record) => `/records/${encodeURIComponent(record)}`,
        },
      })}`,
  }
}

const recordTopics = {
  seed: topics.seeds,
  rationale: topics.rationales,
  'concept-combination': topics.concepts,
  'concept-list': topics.conceptLists,
} as const

/** A problem has a page of its own. */
function redirectionOf(pathname: string): string | undefined {
  return /^\/records\/(problem-[^/]+)$/.test(pathname) ? pathname.replace('/records/', '/problems/') : undefined
}

async function recordPage({ corpus, index, progress }: BrowseServer, id: string): Promise<Answer> {
  for (const [kind, topic] of Object.entries(recordTopics)) {
    if (!id.startsWith(`${kind}-`)) continue
    const record = await recordById(corpus, index, topic, id)
    if (!record) continue
    const { parentIds, ...fields } = record
    return {
      status: 200,
      title: id,
      body: html`<p class="small"><a href="/">All problems</a></p>
        <h1>${kind.replace('-', ' ')} <span class="mono small soft">${id}</span></h1>
        <section>
          ${parentIds.length > 0 && html`<p>Made from ${parentIds.map((parent) => html`<a class="mono small" href="/records/${encodeURIComponent(parent)}">${parent}</a> `)}</p>`}${fieldList(fields)}
        </section>`,
    }
  }
  return missing(
    'No seed, concept list, combination or rationale of this corpus has that id. Attempts, outcomes and pairs stand on the page of their problem.',
    progress,
  )
}
