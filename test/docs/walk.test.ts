/**
 * README and guide, walked by their own commands from start to end, each in a clone of the last commit: what a reader would paste, and nothing
 * besides. test/docs/blocks.ts tells which blocks are run.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { requireOrSkip } from '../requirements.ts'
import { shellBlocksOf, shows, type BlockWord, type ShellBlock } from './blocks.ts'
import { Shell } from './shell.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))
const succeeds = (command: string, ...parts: readonly string[]): boolean =>
  spawnSync(command, parts, { stdio: 'ignore', cwd: project }).status === 0

async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}

const areFree = async (ports: readonly number[]): Promise<boolean> =>
  (await Promise.all(ports.map(isFree))).every(Boolean)
const hasClone = requireOrSkip('git and a repository to clone', succeeds('git', 'rev-parse', 'HEAD'))
const hasPort = requireOrSkip(
  'port 8000 of 127.0.0.1, which the guide uses: something listens there',
  await areFree([8000]),
)
const has: Partial<Record<BlockWord, boolean>> = {
  kafka:
    requireOrSkip('java and mvn, for the Kafka parts of README and guide', succeeds('java', '-version') && succeeds('mvn', '-v')) && // prettier-ignore
    requireOrSkip('ports 9092 and 8081 of 127.0.0.1, which the Kafka parts use', await areFree([9092, 8081])),
  k8s: requireOrSkip(
    '`wellspring k8s render`, for the Kubernetes part of the guide',
    succeeds(process.execPath, 'dist/cli/main.js', 'k8s', 'render', '--help'),
  ),
}

/** Whether a block is run here. */
function isRun({ words }: ShellBlock): boolean {
  return (words.includes('run') || words.includes('background')) && words.every((word) => has[word] ?? true)
}

const folders: string[] = []
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

const blockLimitMilliseconds = 400_000
const environment = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(WELLSPRING|OPENAI|npm|NODE_ENV|VITEST)/.test(name))), // prettier-ignore
  // As on a terminal; npm asks nothing.
  CI: '',
  npm_config_update_notifier: 'false',
}

async function walk(page: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'wellspring-docs-'))
  folders.push(folder)
  const clone = join(folder, 'wellspring')
  execFileSync('git', ['clone', '--quiet', '--depth', '1', `file://${project}`, clone])
  const shell = new Shell(clone, environment)
  try {
    for (const block of shellBlocksOf(readFileSync(join(clone, page), 'utf8')).filter(isRun)) {
      const { commands, until, shown, line } = block
      if (until !== undefined) {
        await shell.background(commands, environment, until, blockLimitMilliseconds)
        continue
      }
      const { code, output } = await shell.run(commands, blockLimitMilliseconds)
      expect(code, `${page}, line ${line}:\n${commands}\n${output.slice(-4000)}`).toBe(0)
      for (const one of shown)
        expect(shows(output, one), `${page}, line ${line} shows ${JSON.stringify(one)}; it printed:\n${output}`).toBe(
          true,
        )
    }
  } finally {
    await shell.close()
  }
}

describe.runIf(hasClone && hasPort)('pages with commands', () => {
  it('README.md runs as it stands', async () => {
    await walk('README.md')
  }, 900_000)

  it('docs/guide.md runs as it stands', async () => {
    await walk('docs/guide.md')
  }, 900_000)
})

describe('blocks of a page', () => {
  it('say how they are run', () => {
    const page =
      '# A\n\n```sh run\necho 1 2\n```\n\n```text\n9 ... 2\n```\n\n```sh background until="ready"\nserve\n```\n'
    expect(shellBlocksOf(page)).toMatchObject([
      { line: 3, words: ['run'], commands: 'echo 1 2', shown: ['9 ... 2'] },
      { line: 11, words: ['background'], until: 'ready' },
    ])
    expect(() => shellBlocksOf('```sh\nls\n```')).toThrow(
      'line 1: a shell block says run, background, gpu, cluster or long',
    )
    expect(() => shellBlocksOf('```sh runs\nls\n```')).toThrow('nobody knows the word "runs"')
  })

  it('show lines with other numbers, and no other words', () => {
    expect(shows('complete after 1m 03s (simulated)\n', 'complete after 50s')).toBe(true)
    expect(shows('made: 1,009 verdicts, 3 pairs', 'made: 12 verdicts, 30 pairs')).toBe(true)
    expect(shows('made: 12 rows', 'made: 12 verdicts')).toBe(false)
  })

  it('end a block at the first command that fails, and keep its variables for the next', async () => {
    const shell = new Shell(tmpdir(), environment)
    try {
      expect(await shell.run('export GREETING=hello', 10_000)).toMatchObject({ code: 0 })
      expect((await shell.run('echo "$GREETING again"', 10_000)).output).toContain('hello again')
      const failed = await shell.run('false\necho unreached', 10_000)
      expect(failed.code).not.toBe(0)
      expect(failed.output).not.toContain('unreached')
    } finally {
      await shell.close()
    }
  })
})
