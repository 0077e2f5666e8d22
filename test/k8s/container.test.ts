/** What the Dockerfile says of this repository: a builder is not everywhere, and finds a missing folder late. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const lines = readFileSync('Dockerfile', 'utf8').replaceAll('\\\n', ' ').split('\n')
const words = (instruction: string): string[][] =>
  lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.split(/\s+/).slice(1))
/** What COPY takes out of the repository. */
const sources = words('COPY')
  .filter(([first]) => !first?.startsWith('--from'))
  .flatMap((list) => list.slice(0, -1))

/** What .dockerignore lets through. */
const through = readFileSync('.dockerignore', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('!'))
  .map((line) => line.slice(1))

describe('the Dockerfile', () => {
  it.each(sources)('copies %s, which is there and is let through by .dockerignore', (source) => {
    expect(existsSync(source)).toBe(true)
    expect(through.some((path) => source === path || (path.endsWith('/') && source.startsWith(path)))).toBe(true)
  })

  it('copies every folder that the build compiles', () => {
    const { include } = JSON.parse(readFileSync('tsconfig.build.json', 'utf8')) as { include: string[] }
    expect(include.filter((folder) => !sources.includes(`${folder}/`))).toEqual([])
  })

  it('lets nothing through .dockerignore that it does not copy', () => {
    expect(through.filter((path) => !sources.includes(path))).toEqual([])
  })

  it('builds on pinned images, and ends as an ordinary user', () => {
    for (const [image = ''] of words('FROM')) expect(image).toMatch(/:\d[\w.]*-/)
    expect(words('USER').at(-1)).toEqual(['10001:10001'])
  })

  it('has the Node of its build run what it built, and no other', () => {
    expect(lines).toContain('COPY --from=build /usr/local/bin/node /usr/local/bin/node')
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } }
    const [, major] = /^node:(\d+)\./.exec(words('FROM')[0]?.[0] ?? '') ?? []
    expect(engines.node).toContain(`^${major}.`)
  })
})
