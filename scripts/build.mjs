// Builds dist/ when a source is newer than the last build (or always with --force). Runs in `prepare`, `npm start` and
// `npm test`: a built command starts in well under 100 ms, so nothing else of the project needs a loader.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync, chmodSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const stamp = join(root, 'dist', '.tsbuildinfo')
const sources = [
  'schemas',
  'topics',
  'engine',
  'curation',
  'inference',
  'verifiers',
  'domains',
  'exports',
  'pages',
  'simulator',
  'processors',
  'cli',
  'scripts',
  'bench',
]

/** The newest change under a folder, in ms since 1970. */
function newest(path) {
  const status = statSync(path)
  if (!status.isDirectory()) return status.mtimeMs
  return Math.max(
    status.mtimeMs,
    ...readdirSync(path)
      .filter((name) => name !== '__pycache__')
      .map((name) => newest(join(path, name))),
  )
}

// A packed package ships dist/ without the compiler and without the sources' configuration: nothing to do there.
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
if (!existsSync(join(root, 'tsconfig.build.json'))) process.exit(0)
const changed = Math.max(
  ...[...sources, 'tsconfig.json', 'tsconfig.build.json', 'package.json']
    .map((name) => join(root, name))
    .filter(existsSync)
    .map(newest),
)
const force = process.argv.includes('--force')
if (!force && existsSync(stamp) && statSync(stamp).mtimeMs >= changed) process.exit(0)
if (!existsSync(compiler)) {
  console.error('wellspring: the TypeScript compiler is missing; run `npm ci` first')
  process.exit(1)
}
if (force) rmSync(join(root, 'dist'), { recursive: true, force: true })
const result = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], {
  stdio: ['ignore', 'inherit', 'inherit'],
})
const main = join(root, 'dist', 'cli', 'main.js')
if (existsSync(main)) chmodSync(main, 0o755)
process.exit(result.status ?? 1)
