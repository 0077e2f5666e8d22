/**
 * Endpoints that come and go while the built command runs: seconds from the change of the file to the first call at an endpoint that was
 * added, and to the last call sent to one that was removed; no call may be lost or sent twice.
 *
 *   node dist/bench/inference/reload.js [--rounds 5] [--json]
 */
import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Role } from '../../engine/ports.ts'
import { startSimulator } from '../../simulator/server.ts'
import { Figures } from '../figures.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
})
const figures = new Figures(values.json)
const command = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'wellspring-reload-'))
const configuration = join(folder, 'wellspring.yaml')
const names = ['steady', 'passing'] as const
type Name = (typeof names)[number]
const logOf = (name: Name): string => join(folder, `${name}.jsonl`)

interface Event {
  at: number
  event: string
  requestId: string | null
}

function eventsOf(name: Name): Event[] {
  if (!existsSync(logOf(name))) return []
  return readFileSync(logOf(name), 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Event)
    .filter(({ requestId }) => requestId !== null)
}

const simulators = new Map<Name, string>()
const models: Partial<Record<Role, string>> = {
  ...{ annotator: 'sim-annotator-a', 'problem-writer': 'sim-problem-writer', 'test-writer': 'sim-test-writer' },
  ...{ voter: 'sim-voter', solver: 'sim-solver', teacher: 'sim-teacher', judge: 'sim-judge-a' },
}

/** Writes the file as editors do: beside it, then renamed. @returns when */
function use(...endpoints: Name[]): number {
  const settings = {
    endpoints: Object.fromEntries(endpoints.map((name) => [name, { url: simulators.get(name), maxConcurrency: 16 }])),
    models: Object.fromEntries(
      Object.entries(models).map(([role, model]) => [
        role,
        { model, endpoints, ...(role === 'problem-writer' ? { mode: 'raw' } : {}) },
      ]),
    ),
    roles: Object.fromEntries(Object.keys(models).map((role) => [role, [role]])),
  }
  const beside = `${configuration}.new`
  writeFileSync(beside, JSON.stringify(settings))
  renameSync(beside, configuration)
  return Date.now()
}

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

try {
  const running = await Promise.all(
    names.map(async (name, index) => {
      const simulator = await startSimulator({ speed: 20, seed: index + 1, slots: 16, requestLogFile: logOf(name) })
      simulators.set(name, simulator.url)
      return simulator
    }),
  )
  copyFileSync('examples/seeds.jsonl', join(folder, 'seeds.jsonl'))
  use('steady')
  const data = ['--data', join(folder, 'data')]
  const ingest = [command, 'ingest', 'seeds.jsonl', '--as', 'seeds', ...data]
  const taken = spawnSync(process.execPath, ingest, { cwd: folder, encoding: 'utf8' })
  if (taken.status !== 0) throw new Error(taken.stderr)
  const up = spawn(process.execPath, [command, 'up', ...data, '--config', configuration, '--json'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => up.once('exit', () => resolve()))
  while (eventsOf('steady').length < 40) await pause(0.1)
  const added: number[] = []
  const removed: number[] = []
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const before = eventsOf('passing').length
    const addedAt = use('steady', 'passing')
    while (eventsOf('passing').length === before) await pause(0.02)
    added.push(((eventsOf('passing')[before]?.at ?? 0) - addedAt) / 1000)
    await pause(2)
    const removedAt = use('steady')
    await pause(6)
    const last = eventsOf('passing').findLast(({ event }) => event === 'admitted')
    removed.push(Math.max(0, ((last?.at ?? 0) - removedAt) / 1000))
  }
  up.kill('SIGINT')
  await ended
  for (const simulator of running) await simulator.close()
  const all = names.flatMap(eventsOf)
  const admitted = all.filter(({ event }) => event === 'admitted').map(({ requestId }) => requestId)
  const twice = admitted.length - new Set(admitted).size
  figures.tell('added-endpoint-takes-work-seconds-at-most', Math.max(...added), '<= 5', Math.max(...added) <= 5)
  figures.tell('removed-endpoint-gets-calls-seconds-at-most', Math.max(...removed), '<= 5', Math.max(...removed) <= 5)
  figures.tell('calls-sent-twice-by-reloads', twice, '0', twice === 0)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = figures.missed === 0 ? 0 : 1
