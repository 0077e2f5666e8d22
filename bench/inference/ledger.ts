/**
 * The ledger against the endpoint's own count: a corpus is grown by the built command, which is killed with SIGKILL ten times in the middle
 * of its calls. At the end `wellspring spend` must tell what the endpoint's log has for the answers that were kept, to the token.
 *
 *   node dist/bench/inference/ledger.js [--kills 10] [--problems 30] [--json]
 */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Figures } from '../figures.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '10' },
    problems: { type: 'string', default: '30' },
    json: { type: 'boolean', default: false },
  },
})
const figures = new Figures(values.json)
const command = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'wellspring-ledger-'))
const requestLog = join(folder, 'requests.jsonl')
cpSync('examples/seeds.jsonl', join(folder, 'seeds.jsonl'))

interface Event {
  event: string
  requestId: string | null
  promptTokens: number
  completionTokens: number
}

/** Calls that the endpoint has answered, in their order. */
function answered(): Event[] {
  if (!existsSync(requestLog)) return []
  return readFileSync(requestLog, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Event)
    .filter(({ event, requestId }) => event === 'finished' && requestId !== null)
}

const tokensOf = (list: readonly Pick<Event, 'promptTokens' | 'completionTokens'>[]): number =>
  list.reduce((sum, { promptTokens, completionTokens }) => sum + promptTokens + completionTokens, 0)

const data = ['--data', join(folder, 'data')]
const up = [
  ...[command, 'up', ...data, '--problems', values.problems, '--json', '--set', 'simulator.speed=300'],
  `simulator.requestLog=${requestLog}`,
]

function told(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(`wellspring ${args.join(' ')} ended with ${status}: ${stderr}`)
  return stdout
}

try {
  told('ingest', 'seeds.jsonl', '--as', 'seeds', ...data)
  let kills = 0
  for (; kills < Number(values.kills); kills += 1) {
    const before = answered().length
    // Spread over the life of a run: the first calls, and far into it.
    const wanted = before + 10 + 37 * (kills % 4)
    const running = spawn(process.execPath, up, { cwd: folder, stdio: 'ignore' })
    const ended = new Promise<void>((resolve) => running.once('exit', () => resolve()))
    let isOver = false
    void ended.then(() => (isOver = true))
    while (!isOver && answered().length < wanted) await new Promise((resolve) => setTimeout(resolve, 20))
    if (isOver) break
    running.kill('SIGKILL')
    await ended
  }
  told(...up.slice(1))
  const all = answered()
  const kept = [...new Map(all.map((one) => [one.requestId, one])).values()]
  const spent = JSON.parse(told('spend', ...data, '--by', 'outcome', '--json')) as {
    total: Event & { calls: number }
    shares: { name: string }[]
  }
  const enough = Number(values.kills)
  figures.tell('ledger-kills', kills, `${enough}`, kills === enough)
  const apart = Math.abs(tokensOf([spent.total]) - tokensOf(kept))
  figures.tell('ledger-tokens-apart-from-the-endpoint', apart, '0', apart === 0)
  const callsApart = Math.abs(spent.total.calls - kept.length)
  figures.tell('ledger-calls-apart-from-the-endpoint', callsApart, '0', callsApart === 0)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = figures.missed === 0 ? 0 : 1
