// What goes wrong, one function a kind. Each resolves when its cause is over; what it leaves behind is the engine's to mend.
import { setTimeout as pause } from 'node:timers/promises'
import { groupOf } from '../../dist/engine/runtime.js'
import { processors } from '../../dist/processors/index.js'

/** What of the surroundings each kind takes: two faults of one resource come one after the other. */
const resources = {
  kill: undefined,
  zombie: 'zombie',
  broker: 'broker',
  answers: 'broker',
  registry: 'registry',
  replica: 'replica',
  rebalances: 'rebalances',
  endpoint: 'endpoint',
}

export const kinds = Object.keys(resources)

/** Makes the faults of a stage: { fleet, cluster, registry, proxy, simulator, log, random, sessionTimeoutSeconds, spine }. */
export class Faults {
  /** All that were made: { kind, what, atMs, endMs (undefined while it lasts) }. */
  made = []
  #stage
  #busy = new Map()
  #replicas = 0

  constructor(stage) {
    this.#stage = stage
  }

  /** Whether something that every process needs was down at any moment since then. */
  wasBadSince(sinceMs) {
    return this.made.some(
      ({ kind, endMs }) =>
        ['broker', 'registry', 'endpoint'].includes(kind) && (endMs === undefined || endMs >= sinceMs),
    )
  }

  /** Resolves when a fault of this kind may begin. */
  async room(kind) {
    const resource = resources[kind]
    while (resource !== undefined && this.#busy.has(resource)) await this.#busy.get(resource)
  }

  /** Begins a fault. @returns what it is, in words, and when it is over */
  begin(kind) {
    const fault = { kind, what: '', atMs: Date.now(), endMs: undefined }
    this.made.push(fault)
    const over = this[kind](fault)
      .catch((error) => {
        fault.what += ` (failed: ${error.message})`
        fault.error = error
      })
      .then(() => {
        fault.endMs = Date.now()
        if (this.#busy.get(resources[kind]) === over) this.#busy.delete(resources[kind])
      })
    if (resources[kind] !== undefined) this.#busy.set(resources[kind], over)
    return { fault, over }
  }

  /** kill -9 of a process, wherever it is, and its restart: at once, within its session, or when its tasks are others' already. */
  async kill(fault) {
    const { fleet, random } = this.#stage
    const member = await this.#victim(['running', 'starting', 'leaving'])
    const restartMilliseconds = Math.floor(random() < 0.3 ? 0 : random() * 1400 * this.#stage.sessionTimeoutSeconds)
    fault.what = `kill -9 ${member.name} (${member.state} for ${Date.now() - member.startedAtMs} ms), again after ${restartMilliseconds} ms`
    await fleet.kill(member, member.isReplica ? undefined : restartMilliseconds)
  }

  /** A process that sleeps until its tasks are others', and wakes with finished results in its hands. */
  async zombie(fault) {
    const { fleet, random, sessionTimeoutSeconds } = this.#stage
    const member = await this.#victim(['running'])
    const milliseconds = Math.floor(1000 * (sessionTimeoutSeconds + 1 + 5 * random()))
    fault.what = `SIGSTOP ${member.name} for ${milliseconds} ms`
    fleet.stop(member)
    await pause(milliseconds)
    fleet.resume(member)
    // What it does when it wakes belongs to the fault.
    await pause(2000)
  }

  /** kill -9 of a broker, and its restart. */
  async broker(fault) {
    const { cluster, random } = this.#stage
    const node = cluster.nodes[Math.floor(random() * cluster.nodes.length)]
    const milliseconds = Math.floor(200 + 6000 * random())
    fault.what = `kill -9 broker ${node.id}, down for ${milliseconds} ms`
    await node.kill()
    await pause(milliseconds)
    node.start()
    await node.ready(120)
    await this.#stage.inSync()
  }

  /** Commits that take effect, and whose answers are lost with their connections. */
  async answers(fault) {
    const { proxy, random } = this.#stage
    const count = 1 + Math.floor(4 * random())
    const goal = proxy.lost + count
    fault.what = `the answers to ${count} commits are lost`
    proxy.loseAnswers(count)
    for (let waits = 0; proxy.lost < goal && waits < 100; waits += 1) await pause(100)
    if (proxy.lost < goal) fault.what += `, of which ${goal - proxy.lost} did not come`
  }

  /** The registry is down: killed, or hanging. */
  async registry(fault) {
    const { registry, random } = this.#stage
    const milliseconds = Math.floor(3000 + 9000 * random())
    if (random() < 0.5) {
      fault.what = `SIGSTOP the registry for ${milliseconds} ms`
      registry.pause()
      await pause(milliseconds)
      registry.resume()
    } else {
      fault.what = `kill -9 the registry, down for ${milliseconds} ms`
      await registry.kill()
      await pause(milliseconds)
      registry.start()
    }
    await registry.ready(120)
  }

  /** A process more, and its clean end. */
  async replica(fault) {
    const { fleet, random, spine } = this.#stage
    const own = spine.filter(() => random() < 0.6)
    this.#replicas += 1
    const name = `replica-${this.#replicas}`
    fault.what = `${name} joins with ${own.length} processors`
    const member = fleet.add(name, own.length > 0 ? own : spine)
    member.isReplica = true
    const giveUpAtMs = Date.now() + 60_000
    const isOver = () => member.state === 'down' && member.restartAtMs === undefined
    while (!['running', 'stopped'].includes(member.state) && !isOver() && Date.now() < giveUpAtMs) await pause(100)
    await pause(Math.floor(1000 + 7000 * random()))
    while (member.state === 'stopped') await pause(100)
    if (member.state === 'down') fault.what += ', which was killed'
    else fault.what += `, leaves after ${Date.now() - fault.atMs} ms`
    await fleet.leave(member)
    fleet.members.splice(fleet.members.indexOf(member), 1)
    fleet.former.push(member)
  }

  /** A member joins some groups, leaves, and does so again: two rebalances before the first has settled. */
  async rebalances(fault) {
    const { log, random, spine } = this.#stage
    const groups = processors
      .filter(({ name }) => spine.includes(name) && random() < 0.5)
      .slice(0, 5)
      .map(groupOf)
    const pauses = Array.from({ length: 3 }, () => Math.floor(random() * 1200))
    fault.what = `a member joins and leaves ${groups.length} groups twice, ${pauses.join(', ')} ms apart`
    await Promise.all(
      groups.map(async (group) => {
        for (const round of [0, 2]) {
          const membership = await persistently(() =>
            log.join(group, { gained: () => {}, lost: () => {}, failed: () => {} }),
          )
          await pause(pauses[round])
          await membership.leave()
          if (round === 0) await pause(pauses[1])
        }
      }),
    )
  }

  /** The endpoint hangs: connections stay, nothing is answered. */
  async endpoint(fault) {
    const { simulator, random } = this.#stage
    const milliseconds = Math.floor(2000 + 6000 * random())
    fault.what = `SIGSTOP the endpoint for ${milliseconds} ms`
    simulator.child.kill('SIGSTOP')
    await pause(milliseconds)
    simulator.child.kill('SIGCONT')
  }

  async #victim(states) {
    for (;;) {
      const member = this.#stage.fleet.pick(states)
      if (member) return member
      await pause(100)
    }
  }
}

/** Tries again for as long as a broker is away. */
async function persistently(work) {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (error.code !== 'unreachable') throw error
      await pause(500)
    }
  }
}
