/** Simulated endpoints in a process of their own, and the hand that hangs and restarts them. */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { SimulatorOptions } from '../../simulator/options.ts'
import { startSimulator, type Simulator } from '../../simulator/server.ts'

/** What an endpoint has done since it was started first; counts go on over restarts. */
export type Report = ReturnType<Simulator['report']>

type Order =
  | { do: 'start'; replicas: SimulatorOptions[] }
  | { do: 'report' }
  | { do: 'hang' | 'recover' | 'restart'; replica: number }

interface Reply {
  urls?: string[]
  reports?: Report[]
}

/** Replicas that run in another process. */
export class Replicas {
  readonly urls: readonly string[]
  private readonly child: ChildProcess

  private constructor(child: ChildProcess, urls: readonly string[]) {
    this.child = child
    this.urls = urls
  }

  static async start(replicas: SimulatorOptions[]): Promise<Replicas> {
    const child = fork(fileURLToPath(import.meta.url), ['--serve'])
    await new Promise((resolve) => child.once('message', resolve))
    const { urls = [] } = await ask(child, { do: 'start', replicas })
    return new Replicas(child, urls)
  }

  async reports(): Promise<Report[]> {
    return (await ask(this.child, { do: 'report' })).reports ?? []
  }

  async order(what: 'hang' | 'recover' | 'restart', replica: number): Promise<void> {
    await ask(this.child, { do: what, replica })
  }

  stop(): void {
    this.child.disconnect()
  }
}

let orders = Promise.resolve()

/** One order at a time, so that each reply belongs to its order. */
function ask(child: ChildProcess, order: Order): Promise<Reply> {
  const reply = orders.then(
    () =>
      new Promise<Reply>((resolve, reject) => {
        const gone = (): void => reject(new Error('the replicas have ended'))
        child.once('exit', gone)
        child.once('message', (message) => {
          child.off('exit', gone)
          resolve(message as Reply)
        })
        child.send(order)
      }),
  )
  orders = reply.then(
    () => undefined,
    () => undefined,
  )
  return reply
}

function sum(one: Report, other: Report): Report {
  const names = Object.keys(one) as (keyof Report)[]
  const steady = new Set<keyof Report>(['slots', 'running', 'waiting'])
  return Object.fromEntries(
    names.map((name) => [name, steady.has(name) ? one[name] : one[name] + other[name]]),
  ) as unknown as Report
}

function serve(): void {
  const running: { simulator: Simulator; options: SimulatorOptions; before: Report[] }[] = []
  const at = (replica: number) => {
    const found = running[replica]
    if (!found) throw new RangeError(`there is no replica ${replica}`)
    return found
  }
  const obey = async (order: Order): Promise<Reply> => {
    switch (order.do) {
      case 'start':
        for (const options of order.replicas)
          running.push({ simulator: await startSimulator(options), options, before: [] })
        return { urls: running.map(({ simulator }) => simulator.url) }
      case 'report':
        return { reports: running.map(({ simulator, before }) => before.reduce(sum, simulator.report())) }
      case 'hang':
      case 'recover':
        at(order.replica).simulator[order.do]()
        return {}
      case 'restart': {
        const one = at(order.replica)
        const { port } = one.simulator
        await one.simulator.close()
        const report = one.simulator.report()
        // What was under way is gone: the restart destroyed it, not the client.
        one.before.push({ ...report, destroyedTokens: report.destroyedTokens + report.wastedTokens, wastedTokens: 0 })
        one.simulator = await startSimulator({ ...one.options, port })
        return {}
      }
    }
  }
  process.on('message', (message) => void obey(message as Order).then((reply) => process.send?.(reply)))
  process.on('disconnect', () => process.exit())
  process.send?.('ready')
}

if (process.argv.includes('--serve') && process.argv[1] === fileURLToPath(import.meta.url)) serve()
