/**
 * A hard budget over three processes: each makes calls to one simulated endpoint until the budget is used up. Beyond the budget may go
 * what was in flight when it ended.
 *
 *   node dist/bench/inference/budget.js [--limit 400000] [--lanes 32] [--json]
 */
import { fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Budget } from '../../engine/budget.ts'
import { startSimulator } from '../../simulator/server.ts'
import { topicSpecifications } from '../../topics/catalogue.ts'
import { openEmbeddedLog } from '../../topics/embedded/log.ts'
import { Figures } from '../figures.ts'
import { connect, rollOut } from './load.ts'

const { values } = parseArgs({
  options: {
    limit: { type: 'string', default: '400000' },
    lanes: { type: 'string', default: '32' },
    json: { type: 'boolean', default: false },
    process: { type: 'string' },
    directory: { type: 'string', default: '' },
    url: { type: 'string', default: '' },
  },
})
const limit = Number(values.limit)
const lanes = Number(values.lanes)
const processCount = 3

/** One of the processes: reads and writes beside the owner of the folder. */
async function spend(name: string): Promise<void> {
  const log = await openEmbeddedLog({ directory: values.directory, mode: 'client' })
  const onFailure = (error: unknown): never => {
    throw error
  }
  const budget = await Budget.open({
    ...{ log, softShare: 0.8, processId: name, onFailure },
    limit: { amount: limit, unit: 'tokens' },
  })
  const inference = connect([values.url], { maxConcurrency: lanes }, { lookSeconds: 0.1 })
  const stop = new AbortController()
  let calls = 0
  const lane = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      calls += 1
      const id = `${name}-${calls}`
      try {
        const { usage, latencySeconds, model, endpoint } = await rollOut(inference, calls, Number(name), stop.signal, {
          requestId: id,
          beforeSending: () => budget.enter(id, [stop.signal]),
        })
        budget.spend({ role: 'solver', model, endpoint, usage, latencySeconds })
      } catch (error) {
        if (!stop.signal.aborted) throw error
      } finally {
        budget.leave(id)
      }
    }
  }
  const running = Array.from({ length: lanes }, lane)
  while (!budget.status.isUsedUp) await new Promise((resolve) => setTimeout(resolve, 20))
  stop.abort()
  await Promise.all(running)
  await inference.close()
  await budget.close()
  await log.close()
}

interface Event {
  event: string
  requestId: string
  promptTokens: number
  completionTokens: number
}

async function measure(): Promise<void> {
  const figures = new Figures(values.json)
  const directory = mkdtempSync(join(tmpdir(), 'wellspring-budget-'))
  const requestLogFile = join(directory, 'requests.jsonl')
  const data = join(directory, 'data')
  const log = await openEmbeddedLog({ directory: data, mode: 'owner' })
  try {
    await log.ensureTopics(topicSpecifications())
    const simulator = await startSimulator({ speed: 20, slots: 256, requestLogFile })
    const children = Array.from({ length: processCount }, (_, number) =>
      fork(fileURLToPath(import.meta.url), [
        ...['--process', String(number), '--directory', data, '--url', simulator.url],
        ...['--limit', values.limit, '--lanes', values.lanes],
      ]),
    )
    const codes = await Promise.all(
      children.map((child) => new Promise<number | null>((resolve) => child.once('exit', resolve))),
    )
    if (codes.some((code) => code !== 0)) throw new Error(`the processes ended with ${codes.join(', ')}`)
    await simulator.close()
    const events = readFileSync(requestLogFile, 'utf8')
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as Event)
    const tokensOf = new Map<string, number>()
    for (const { event, requestId, promptTokens, completionTokens } of events)
      if (event === 'finished') tokensOf.set(requestId, promptTokens + completionTokens)
    const spent = [...tokensOf.values()].reduce((sum, tokens) => sum + tokens, 0)
    // What each process had in flight when it sent its last call.
    let inFlightTokens = 0
    for (let number = 0; number < processCount; number += 1) {
      const own = events.filter(({ requestId }) => requestId.startsWith(`${number}-`))
      const last = own.findLastIndex(({ event }) => event === 'admitted')
      const over = new Set(
        own.slice(0, last).flatMap(({ event, requestId }) => (event === 'finished' ? [requestId] : [])),
      )
      for (const { event, requestId } of own.slice(0, last + 1))
        if (event === 'admitted' && !over.has(requestId)) inFlightTokens += tokensOf.get(requestId) ?? 0
    }
    figures.tell('budget-spent-over-limit', spent / limit, '>= 0.9', spent >= 0.9 * limit)
    const beyond = Math.max(0, spent - limit)
    figures.tell(
      'budget-overshoot-over-what-was-in-flight',
      beyond === 0 ? 0 : beyond / inFlightTokens,
      '<= 1',
      beyond <= inFlightTokens,
    )
    process.exitCode = figures.missed === 0 ? 0 : 1
  } finally {
    await log.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

await (values.process === undefined ? measure() : spend(values.process))
