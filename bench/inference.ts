/**
 * What the inference scheduler keeps of the endpoints' time, on simulated replicas in another process, with time sped up.
 *
 *   node dist/bench/inference.js [--only schedule,limits,shares,storm,overhead,ledger,budget,reload,memory,long] [--problems 1000] [--speed 100] [--json]
 *
 * schedule: 1,000 problems x 8 rollouts on 4 replicas of 64 slots, lengths log-normal (median 6,000 tokens, sigma 1, at most
 *   81,920); beside it, on the same replicas, the schedule of the public scripts: 8 passes, each split four ways and waiting for its slowest.
 * limits: one client finds the limit of endpoints of 8, 64 and 512 slots by metrics, and by 429s alone.
 * shares: three clients that know nothing of each other on one endpoint of 64 slots, both ways.
 * storm: 20 % of the calls fail in all ways, one replica of four hangs, one restarts again and again.
 * overhead, ledger, budget: bench/inference/overhead.ts, ledger.ts, budget.ts, reload.ts.
 * memory: bench/inference/memory.ts, two minutes.
 * long: bench/inference/long-call.ts, 70 minutes; only where it is named.
 *
 * Prints a line for each figure: name, value, goal, whether it is met. Exits 1 when one is missed.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { SimulatorOptions } from '../simulator/options.ts'
import type { ConfiguredInference } from '../inference/inference.ts'
import { Figures } from './figures.ts'
import { connect, inWindow, persist, rollOut } from './inference/load.ts'
import { Replicas, type Report } from './inference/replicas.ts'
import { readOptions } from '../scripts/options.ts'

const program = {
  call: 'npm run bench:inference',
  about: "What the inference scheduler keeps of the endpoints' time, on simulated replicas.",
}
const values = readOptions(program, {
  only: {
    type: 'string',
    default: 'schedule,limits,shares,storm,overhead,ledger,budget,reload,memory',
    doc: 'what is measured; also: long (70 minutes)',
  },
  problems: { type: 'string', default: '1000', doc: 'of the schedule' },
  speed: { type: 'string', default: '100', doc: 'of the simulated replicas' },
  json: { type: 'boolean', default: false, doc: 'a line of JSON for each figure' },
})
const problems = Number(values.problems)
const speed = Number(values.speed)
const rolloutsOfProblem = 8
const replicaCount = 4
const slotsOfReplica = 64
/** A look at the metrics each 5 simulated seconds: looking more often would measure the looking. */
const lookSeconds = 5 / speed
const { signal } = new AbortController()
const figures = new Figures(values.json)
const tell: Figures['tell'] = (...figure) => figures.tell(...figure)

const longAnswers: SimulatorOptions = {
  speed,
  slots: slotsOfReplica,
  noise: { runawayAnswers: 0, malformedAnswers: 0 },
  hiddenReasoning: { medianTokens: 6000, sigma: 1, mostTokens: 81_920 },
}

const sumOf = (reports: readonly Report[], field: keyof Report): number =>
  reports.reduce((sum, report) => sum + report[field], 0)

/** Busy slots over slots, between two moments. */
function busyShare(before: readonly Report[], after: readonly Report[], seconds: number): number {
  return (sumOf(after, 'busySlotSeconds') - sumOf(before, 'busySlotSeconds')) / (sumOf(after, 'slots') * seconds)
}

async function schedule(): Promise<void> {
  const calls = problems * rolloutsOfProblem
  const replicas = await Replicas.start(Array.from({ length: replicaCount }, () => longAnswers))
  const inference = connect(replicas.urls, {}, { lookSeconds })
  const startedMs = performance.now()
  const before = await replicas.reports()
  let begun = 0
  let steady: { share: number } | undefined
  await inWindow(calls, 4 * replicaCount * slotsOfReplica, async (call) => {
    begun += 1
    const last = begun === calls
    const answer = rollOut(inference, Math.floor(call / rolloutsOfProblem), call % rolloutsOfProblem, signal)
    if (last) void backlogEnds()
    await answer
  })
  /** The steady state ends with the last call that waits for a slot. */
  async function backlogEnds(): Promise<void> {
    while (inference.status().some(({ waiting }) => waiting > 0)) await new Promise((resolve) => setTimeout(resolve, 5))
    const seconds = (performance.now() - startedMs) / 1000
    steady = { share: busyShare(before, await replicas.reports(), seconds) }
  }
  const seconds = (performance.now() - startedMs) / 1000
  const after = await replicas.reports()
  await inference.close()
  tell('busy-fraction', steady?.share ?? 0, '>= 0.97', (steady?.share ?? 0) >= 0.97)
  const best = (1 - 1 / rolloutsOfProblem) * sumOf(after, 'prefixTokens')
  const hits = sumOf(after, 'prefixHitTokens') / best
  tell('prefix-hits-of-a-perfect-router', hits, '>= 0.9', hits >= 0.9)
  replicas.stop()

  // The public scripts' way, with the best fixed concurrency.
  const others = await Replicas.start(Array.from({ length: replicaCount }, () => longAnswers))
  const parts = others.urls.map((url) => connect([url], { maxConcurrency: slotsOfReplica }, { lookSeconds }))
  const beganMs = performance.now()
  for (let pass = 0; pass < rolloutsOfProblem; pass += 1) {
    await Promise.all(
      parts.map((part, index) =>
        inWindow(Math.ceil((problems - index) / replicaCount), slotsOfReplica, async (item) => {
          await rollOut(part, item * replicaCount + index, pass, signal)
        }),
      ),
    )
  }
  const theirSeconds = (performance.now() - beganMs) / 1000
  for (const part of parts) await part.close()
  others.stop()
  tell('time-of-public-schedule-over-ours', theirSeconds / seconds, '>= 1.3', theirSeconds / seconds >= 1.3)
}

/** Not faster than this machine can make calls: about 250 a second. */
const speedFor = (slots: number): number => Math.min(speed, 6400 / slots)

const shortAnswers = (slots: number, byMetrics: boolean): SimulatorOptions => ({
  speed: speedFor(slots),
  slots,
  noise: { runawayAnswers: 0, malformedAnswers: 0 },
  hiddenReasoning: { medianTokens: 1200, sigma: 0.5, mostTokens: 81_920 },
  ...(byMetrics ? {} : { metrics: false, queueLimit: 0 }),
})

/** The mean of the limit over a while, looked at each 10 ms. */
async function meanLimit(inference: ConfiguredInference, seconds: number): Promise<number> {
  const untilMs = performance.now() + 1000 * seconds
  let [sum, looks] = [0, 0]
  while (performance.now() < untilMs) {
    sum += inference.status()[0]?.limit ?? 0
    looks += 1
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return sum / looks
}

/** Keeps clients busy until told to stop. */
function keepBusy(inference: ConfiguredInference, window: number, from: number): { stop(): Promise<void> } {
  const controller = new AbortController()
  let isOver = false
  let next = from
  const workers = Array.from({ length: window }, async () => {
    while (!isOver) await rollOut(inference, next++, 0, controller.signal).catch(() => undefined)
  })
  return {
    stop: async () => {
      isOver = true
      controller.abort()
      await Promise.all(workers)
    },
  }
}

/** The time of some rounds of answers: a call of the median length takes 20 simulated seconds. */
const secondsOfRounds = (rounds: number, slots: number): number => (rounds * 25) / speedFor(slots)

async function limits(): Promise<void> {
  for (const byMetrics of [true, false]) {
    for (const slots of [8, 64, 512]) {
      const replicas = await Replicas.start([shortAnswers(slots, byMetrics)])
      const inference = connect(replicas.urls, { maxConcurrency: 4096 }, { lookSeconds: 1 / speedFor(slots) })
      const load = keepBusy(inference, 4 * slots, 0)
      await meanLimit(inference, secondsOfRounds(12, slots))
      const before = await replicas.reports()
      const beganMs = performance.now()
      const limit = await meanLimit(inference, secondsOfRounds(24, slots))
      const after = await replicas.reports()
      const busy = busyShare(before, after, (performance.now() - beganMs) / 1000)
      await load.stop()
      await inference.close()
      replicas.stop()
      const way = byMetrics ? 'metrics' : '429'
      tell(`limit-by-${way}-of-${slots}-over-best`, limit / slots, '0.9 to 1.1', Math.abs(limit / slots - 1) <= 0.1)
      tell(`busy-by-${way}-of-${slots}`, busy, '>= 0.9', busy >= 0.9)
    }
  }
}

async function shares(): Promise<void> {
  for (const byMetrics of [true, false]) {
    const replicas = await Replicas.start([shortAnswers(slotsOfReplica, byMetrics)])
    const clients = Array.from({ length: 3 }, () => {
      const counts = { answered: 0, refused: 0 }
      const inference = connect(
        replicas.urls,
        { maxConcurrency: 4096 },
        {
          lookSeconds: 1 / speedFor(slotsOfReplica),
          onCall: ({ outcome }) => {
            if (outcome === 'completed') counts.answered += 1
            else if (outcome === 'ENDPOINT_RATE_LIMITED') counts.refused += 1
          },
        },
      )
      return { counts, inference }
    })
    const loads: { stop(): Promise<void> }[] = []
    for (const [index, { inference }] of clients.entries()) {
      // One after the other, as processes start: the first one has all when the others come.
      loads.push(keepBusy(inference, 4 * slotsOfReplica, 1_000_000 * index))
      await meanLimit(inference, secondsOfRounds(4, slotsOfReplica))
    }
    const [first] = clients
    if (first) await meanLimit(first.inference, secondsOfRounds(80, slotsOfReplica))
    for (const { counts } of clients) Object.assign(counts, { answered: 0, refused: 0 })
    if (first) await meanLimit(first.inference, secondsOfRounds(60, slotsOfReplica))
    const answered = clients.map(({ counts }) => counts.answered)
    const refused = clients.reduce((sum, { counts }) => sum + counts.refused, 0)
    await Promise.all(loads.map((load) => load.stop()))
    for (const { inference } of clients) await inference.close()
    replicas.stop()
    const all = answered.reduce((sum, count) => sum + count, 0)
    const way = byMetrics ? 'metrics' : '429'
    const worst = Math.max(...answered.map((count) => Math.abs((3 * count) / all - 1)))
    tell(`uneven-shares-of-three-by-${way}`, worst, '<= 0.2', worst <= 0.2)
    tell(`refused-of-three-by-${way}`, refused / (all + refused), '<= 0.05', refused / (all + refused) <= 0.05)
  }
}

async function storm(): Promise<void> {
  const failing = 0.2
  const ways = 6
  const rates = Object.fromEntries(
    ['refused', 'serverError', 'connectionReset', 'cutAnswer', 'garbledAnswer', 'hang'].map((name) => [
      name,
      // A single request that hangs is ended by the time limit alone: few of them.
      name === 'hang' ? 0.002 : (failing - 0.002) / (ways - 1),
    ]),
  )
  const replicas = await Replicas.start(
    Array.from({ length: replicaCount }, (_, index) => ({ ...longAnswers, seed: index + 1, failures: rates })),
  )
  let keptTokens = 0
  let refusedTokens = 0
  const inference = connect(
    replicas.urls,
    // Longer than the longest answer takes at 60 tokens a second.
    { stallSeconds: 120 / speed, timeoutSeconds: 2000 / speed },
    {
      lookSeconds,
      onCall: ({ outcome, tokens }) => {
        if (outcome === 'completed') keptTokens += tokens.completion
        else refusedTokens += tokens.completion
      },
    },
  )
  const calls = problems * rolloutsOfProblem
  const window = 2 * replicaCount * slotsOfReplica
  let lost = 0
  let done = 0
  const restarting = setInterval(() => void replicas.order('restart', 1), (60 * 1000) / speed)
  const startedMs = performance.now()
  const before = await replicas.reports()
  let healthy: number | undefined
  await inWindow(calls, window, async (call) => {
    if (call === Math.floor(calls / 3)) await replicas.order('hang', 0)
    const answer = await persist(8, 1 / speed, () =>
      rollOut(inference, Math.floor(call / rolloutsOfProblem), call % rolloutsOfProblem, signal),
    )
    if (answer === undefined) lost += 1
    done += 1
    // Until the window is no longer full the healthy ones must have work.
    if (done === calls - window) {
      const seconds = (performance.now() - startedMs) / 1000
      healthy = busyShare(before.slice(2), (await replicas.reports()).slice(2), seconds)
    }
  })
  clearInterval(restarting)
  const after = await replicas.reports()
  await inference.close()
  replicas.stop()
  tell('storm-lost', lost, '0', lost === 0)
  const extra = (sumOf(after, 'completionTokens') + sumOf(after, 'wastedTokens') - keptTokens) / keptTokens
  tell('storm-extra-tokens', extra, '<= 0.05', extra <= 0.05)
  tell('storm-busy-fraction-of-healthy', healthy ?? 0, '>= 0.9', (healthy ?? 0) >= 0.9)
  if (refusedTokens > 0) throw new Error('a failed call counted tokens')
}

function run(script: URL, more: readonly string[]): void {
  const { status } = spawnSync(process.execPath, [fileURLToPath(script), ...more], { stdio: 'inherit' })
  if (status !== 0) figures.missed += 1
}

const apart = (script: URL) => (): void => {
  run(script, values.json ? ['--json'] : [])
}

const long = (): void => {
  run(new URL('./inference/long-call.js', import.meta.url), [])
}

const scenarios: Record<string, () => Promise<void> | void> = {
  ...{ schedule, limits, shares, storm, long },
  overhead: apart(new URL('./inference/overhead.js', import.meta.url)),
  ledger: apart(new URL('./inference/ledger.js', import.meta.url)),
  budget: apart(new URL('./inference/budget.js', import.meta.url)),
  reload: apart(new URL('./inference/reload.js', import.meta.url)),
  memory: apart(new URL('./inference/memory.js', import.meta.url)),
}
for (const name of values.only.split(',')) {
  const scenario = scenarios[name]
  if (!scenario) throw new Error(`--only: expected some of ${Object.keys(scenarios).join(', ')}, got ${name}`)
  await scenario()
}
process.exitCode = figures.missed === 0 ? 0 : 1
