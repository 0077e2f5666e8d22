import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ESLint } from 'eslint'
import tseslint from 'typescript-eslint'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { processors } from '../processors/index.ts'
import { generatedPages } from '../scripts/generated-pages.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

interface Breach {
  from: string
  to: string
  rule: string
}

describe('generated pages', () => {
  it.each([...generatedPages().keys()])('%s is what the declarations say', (path) => {
    const expected = generatedPages().get(path)
    expect(readFileSync(join(root, path), 'utf8'), 'stale; run: npm run generate').toBe(expected)
  })
})

describe('processors/', () => {
  it('lists every processor of the folder in index.ts, under the name of its file', () => {
    const files = readdirSync(join(root, 'processors')).filter((name) => name.endsWith('.ts') && name !== 'index.ts')
    expect(processors.map(({ name }) => `${name}.ts`).sort()).toEqual(files.sort())
  })
})

describe('the dependency rule', () => {
  const inside = ['schemas', 'topics', 'engine', 'curation', 'inference', 'verifiers', 'domains', 'simulator']
  const folders = [...inside, 'processors', 'exports', 'pages', 'cli']
  const everywhere = [...folders, 'test', 'bench', 'scripts']
  /** The arrows of the house; whatever is not here is a breach. */
  const lawful: Record<string, string[]> = {
    schemas: [],
    topics: ['schemas'],
    engine: ['schemas', 'topics'],
    curation: ['schemas'],
    inference: ['schemas', 'topics', 'engine'],
    verifiers: ['schemas', 'topics', 'engine'],
    domains: ['schemas', 'topics', 'engine', 'curation'],
    simulator: [],
    processors: ['schemas', 'topics', 'engine', 'curation', 'domains'],
    exports: ['schemas', 'topics', 'engine', 'curation', 'domains'],
    pages: ['schemas', 'topics', 'engine', 'exports'],
    cli: [...inside, 'processors', 'exports', 'pages'],
    test: everywhere,
    bench: everywhere,
    scripts: everywhere,
  }
  const arrows = everywhere.flatMap((from) =>
    everywhere.filter((to) => to !== from).map((to) => ({ from, to, lawful: lawful[from]?.includes(to) ?? false })),
  )
  /** Package, a file that may import it, and one that may not although it is near. */
  const packages = [
    ['kafkajs', 'topics/kafka/client.ts', 'topics/embedded/client.ts'],
    ['@confluentinc/schemaregistry', 'topics/kafka/schemas.ts', 'topics/schemas.ts'],
    ['lmdb', 'topics/embedded/store.ts', 'topics/store.ts'],
    ['openai', 'inference/client.ts', 'engine/client.ts'],
    ['undici', 'inference/agent.ts', 'cli/agent.ts'],
    ['piscina', 'verifiers/pool.ts', 'verifiers/program.ts'],
    ['prom-client', 'engine/metrics.ts', 'engine/context.ts'],
    ['hyparquet-writer', 'exports/parquet.ts', 'exports/folder.ts'],
    ['pino', 'cli/logger.ts', 'cli/log-choice.ts'],
    ['@opentelemetry/api', 'cli/traces.ts', 'engine/task/task.ts'],
    ['@opentelemetry/exporter-trace-otlp-http', 'cli/traces.ts', 'cli/trace-choice.ts'],
    ['@opentelemetry/resources', 'cli/traces.ts', 'cli/listener.ts'],
    ['@opentelemetry/sdk-trace', 'cli/traces.ts', 'engine/runtime.ts'],
    ['katex', 'pages/math.ts', 'pages/prose.ts'],
    ['highlight.js', 'pages/code.ts', 'pages/story.ts'],
  ] as const

  const planted = mkdtempSync(join(tmpdir(), 'wellspring-house-'))
  let breaches: Breach[] = []

  function plant(path: string, ...lines: string[]): void {
    mkdirSync(dirname(join(planted, path)), { recursive: true })
    writeFileSync(join(planted, path), `${lines.join('\n')}\nexport const here = ${JSON.stringify(path)}\n`)
  }

  beforeAll(async () => {
    for (const folder of everywhere) plant(`${folder}/leaf.ts`)
    for (const { from, to } of arrows) plant(`${from}/uses-${to}.ts`, `import '../${to}/leaf.ts'`)
    for (const home of new Set(packages.map(([, one]) => one)))
      plant(home, ...packages.filter(([, one]) => one === home).map(([name]) => `import '${name}'`))
    for (const [name, , near] of packages) plant(near, `export const late = () => import('${name}')`)
    plant('topics/one.ts', `import type { Two } from './two.ts'`, 'export interface One { two: Two }')
    plant('topics/two.ts', `import type { One } from './one.ts'`, 'export interface Two { one: One }')
    plant('verifiers/math.ts')
    plant('domains/pure.ts', `import '../verifiers/math.ts'`)
    plant('domains/pooled.ts', `import '../verifiers/pool.ts'`)
    plant('processors/index.ts', `import './teach.ts'`)
    plant('processors/teach.ts')
    plant('processors/build-sft.ts', `import './teach.ts'`)
    writeFileSync(join(planted, 'tsconfig.json'), readFileSync(join(root, 'tsconfig.json')))
    // As in the project, so that packages resolve as they do there.
    symlinkSync(join(root, 'node_modules'), join(planted, 'node_modules'))
    const command = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs')
    const flags = ['--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'json', ...everywhere]
    const { stdout } = await promisify(execFile)(process.execPath, [command, ...flags], {
      cwd: planted,
      maxBuffer: 64 * 1024 * 1024,
    }).catch((error: unknown) => error as { stdout: string })
    const report = JSON.parse(stdout) as {
      summary: { violations: { from: string; to: string; rule: { name: string } }[] }
    }
    breaches = report.summary.violations.map(({ from, to, rule }) => ({ from, to, rule: rule.name }))
  })
  afterAll(() => rmSync(planted, { recursive: true }))

  it('finds exactly the imports between folders that go against the arrows', () => {
    const found = breaches
      .filter(({ from }) => basename(from).startsWith('uses-'))
      .map(({ from, to }) => `${dirname(from)} -> ${dirname(to)}`)
    const expected = arrows.filter((arrow) => !arrow.lawful).map(({ from, to }) => `${from} -> ${to}`)
    expect([...new Set(found)].sort()).toEqual(expected.sort())
  })

  it.each(packages)('lets %s be imported by %s and not by %s, not even late', (name, home, near) => {
    const rule = `confined-${name.replace(/[@/]+/g, '-').replace(/^-/, '')}`
    expect(breaches.filter((one) => one.rule === rule).map(({ from }) => from)).toEqual([near])
    expect(breaches.filter(({ from, rule: broken }) => from === home && broken.startsWith('confined'))).toEqual([])
  })

  it('finds a cycle, even of types alone', () => {
    const cycles = breaches.filter(({ rule }) => rule === 'no-cycles')
    expect(cycles.map(({ from, to }) => [from, to].sort())).toEqual([['topics/one.ts', 'topics/two.ts']])
  })

  it('lets domains/ use the pure verifiers and not their threads', () => {
    expect(breaches.filter(({ from }) => from === 'domains/pure.ts')).toEqual([])
    expect(breaches).toContainEqual({
      from: 'domains/pooled.ts',
      to: 'verifiers/pool.ts',
      rule: 'domains-use-pure-verifiers',
    })
  })

  it('keeps processors apart; only index.ts lists them', () => {
    expect(breaches.filter(({ rule }) => rule === 'processors-stand-alone')).toEqual([
      { from: 'processors/build-sft.ts', to: 'processors/teach.ts', rule: 'processors-stand-alone' },
    ])
  })

  it('has no rule without a planted breach', () => {
    const { forbidden } = createRequire(import.meta.url)('../.dependency-cruiser.cjs') as {
      forbidden: { name: string }[]
    }
    expect([...new Set(breaches.map(({ rule }) => rule))].sort()).toEqual(forbidden.map(({ name }) => name).sort())
  })
})

describe('the lint rule', () => {
  /** The project's own rules on a text that has no file, so without those that ask the compiler. */
  const eslint = new ESLint({ cwd: root, overrideConfig: [tseslint.configs.disableTypeChecked] })

  async function rulesBroken(path: string, code: string): Promise<(string | null)[]> {
    const [result] = await eslint.lintText(code, { filePath: join(root, path) })
    return result?.messages.map(({ ruleId }) => ruleId) ?? []
  }

  it.each([
    ['a read', 'export const path = process.env.PATH'],
    ['a read by destructuring', 'export const { env } = process'],
    ['a read through globalThis', 'export const path = globalThis.process.env.PATH'],
    ['an import', `import { env } from 'node:process'\nexport const path = env.PATH`],
  ])('finds %s of the environment outside engine/environment.ts', async (_, code) => {
    expect(await rulesBroken('inference/planted.ts', code)).toHaveLength(1)
    for (const path of ['engine/environment.ts', 'test/planted.ts', 'scripts/planted.ts'])
      expect(await rulesBroken(path, code), path).toEqual([])
  })

  it('finds a package outside its place, and under a longer path', async () => {
    const rule = '@typescript-eslint/no-restricted-imports'
    expect(await rulesBroken('engine/planted.ts', `import 'openai'`)).toEqual([rule])
    expect(await rulesBroken('engine/planted.ts', `import 'openai/resources'`)).toEqual([rule])
    expect(await rulesBroken('inference/planted.ts', `import 'openai'`)).toEqual([])
    expect(await rulesBroken('inference/planted.ts', `import 'lmdb'`)).toEqual([rule])
    expect(await rulesBroken('verifiers/pool.ts', `import 'piscina'`)).toEqual([])
    expect(await rulesBroken('verifiers/planted.ts', `import 'piscina'`)).toEqual([rule])
  })
})
