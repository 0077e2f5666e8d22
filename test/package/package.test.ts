/** The package as its users get it: packed, installed into an empty folder by an ordinary user, and run there. */
import { execFile, execFileSync } from 'node:child_process'
import { chownSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const mebibyte = 1 << 20
/** Whom root becomes: nobody's. */
const ordinaryUser = 65_534
const folder = mkdtempSync(join(tmpdir(), 'wellspring-package-'))
/** npm's own settings may lie where an ordinary user cannot read them. */
const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim()

interface Packed {
  filename: string
  size: number
  unpackedSize: number
  files: { path: string; size: number }[]
}
let packed: Packed

beforeAll(async () => {
  const { stdout } = await run(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', folder],
    process.cwd(),
  )
  const [first] = JSON.parse(stdout) as Packed[]
  if (!first) throw new Error('npm packed nothing')
  packed = first
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  if (process.getuid?.() === 0)
    for (const name of ['', 'package.json', packed.filename]) chownSync(join(folder, name), ordinaryUser, ordinaryUser)
  const install = await asUser('npm', 'install', '--no-audit', '--no-fund', `./${packed.filename}`)
  expect(install.stderr.replace(/^npm warn .*\n/gm, '')).toBe('')
  expect(install.exitCode).toBe(0)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the package', () => {
  it('holds what a user needs and nothing else', () => {
    const kinds = new Set(
      packed.files.map(({ path }) => path.replace(/^(dist\/[^/]+|[^/]+\/).*?(\.[^./]+)?$/, '$1 $2').trim()),
    )
    expect([...kinds].sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      ...['cli', 'curation', 'domains', 'engine', 'exports', 'inference'].map((name) => `dist/${name} .js`),
      ...['pages', 'processors', 'schemas', 'simulator', 'topics', 'verifiers'].map((name) => `dist/${name} .js`),
      'examples/ .jsonl',
      'examples/ .md',
      'examples/ .py',
      'examples/ .txt',
      'grafana/ .json',
      'grafana/ .yaml',
      'k8s/ .md',
      'k8s/ .yaml',
      'package.json',
      'schemas/ .avsc',
      'verifiers/ .py',
    ])
  })

  it('is small, and so is what it installs: the client of the registry is for users of Kafka', () => {
    const modules = join(folder, 'node_modules')
    const files = readdirSync(modules, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
    console.info(
      `packed ${(packed.size / 1024).toFixed(0)} KiB, unpacked ${(packed.unpackedSize / mebibyte).toFixed(1)} MiB, ` +
        `installed with all dependencies ${(bytes / mebibyte).toFixed(1)} MiB in ${files.length} files`,
    )
    expect(packed.size).toBeLessThan(mebibyte)
    expect(bytes).toBeLessThan(80 * mebibyte)
    expect(readdirSync(modules)).not.toContain('@confluentinc')
  })

  it('finds its parts: doctor has nothing to object to', async () => {
    const { exitCode, stdout } = await wellspring('doctor')
    expect(stdout).toMatch(/works {4}sandbox: (bubblewrap|unshare|landlock)/)
    expect(stdout).not.toMatch(/^fault/m)
    expect(exitCode).toBe(0)
  })

  it('grows a corpus and exports it', async () => {
    const examples = 'node_modules/wellspring/examples/seeds.jsonl'
    expect((await wellspring('ingest', examples, '--as', 'seeds')).exitCode).toBe(0)
    const up = await wellspring('up', '--problems', '10')
    expect(up.stdout).toMatch(/^complete after .* \(simulated: nothing here is for training\)$/m)
    expect(up.exitCode).toBe(0)
    const exported = await wellspring('export', 'sft')
    expect(JSON.parse(exported.stdout.split('\n')[0] ?? '')).toHaveProperty('simulated', true)
  })

  it('runs programs in the sandbox', async () => {
    const line = { id: 'a', program: 'print(2 * int(input()))', tests: [{ input: '21', output: '42' }] }
    writeFileSync(join(folder, 'programs.jsonl'), `${JSON.stringify(line)}\n`)
    const { exitCode, stdout } = await asUser('sh', '-c', 'npx wellspring verify code < programs.jsonl')
    expect(JSON.parse(stdout)).toMatchObject({ id: 'a', verdict: 'passed' })
    expect(exitCode).toBe(0)
  })

  it('renders manifests', async () => {
    expect((await wellspring('k8s', 'render', '--into', 'manifests')).exitCode).toBe(0)
    expect(readdirSync(join(folder, 'manifests'))).toContain('kustomization.yaml')
  })

  it('says what a corpus on Kafka needs besides', async () => {
    const flags = ['--kafka', '127.0.0.1:1', '--registry', 'http://127.0.0.1:1']
    const { exitCode, stderr } = await wellspring('topics', 'diff', ...flags)
    expect(exitCode).toBe(78)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain('run `npm install @confluentinc/schemaregistry@1` where wellspring is installed')
  })
})

interface Ended {
  exitCode: number
  stdout: string
  stderr: string
}

const wellspring = async (...parameters: string[]): Promise<Ended> => {
  const ended = await asUser('npx', 'wellspring', ...parameters)
  return { ...ended, stderr: ended.stderr.replace(/^npm warn .*\n/gm, '') }
}

async function asUser(program: string, ...parameters: string[]): Promise<Ended> {
  const isRoot = process.getuid?.() === 0
  return await run(program, parameters, folder, isRoot ? { uid: ordinaryUser, gid: ordinaryUser } : {})
}

/** Runs a program to its end, with nothing in its environment that configures Wellspring or a package manager. */
function run(
  program: string,
  parameters: readonly string[],
  cwd: string,
  user: { uid?: number; gid?: number } = {},
): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(WELLSPRING|OPENAI|NODE_OPTIONS|npm_|INIT_CWD|FORCE_COLOR)/i.test(name),
  )
  const home = user.uid === undefined ? {} : { HOME: folder }
  const env = {
    ...Object.fromEntries(inherited),
    ...home,
    npm_config_registry: registry,
    npm_config_update_notifier: 'false',
  }
  return new Promise((resolve) => {
    execFile(program, parameters, { cwd, env, ...user, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      resolve({ exitCode: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr })
    })
  })
}
