/**
 * An endpoint whose slots are more than its key-value cache holds answers for: 64 slots, room for 24 answers of the usual length. Too many calls
 * in flight and it throws answers out and computes them again; too few and it idles. The limit that is found by itself, beside
 * limits that are fixed.
 *
 *   node dist/bench/inference/memory.js [--calls 1600] [--speed 60] [--json] [--verbose]
 */
import { parseArgs } from 'node:util'
import type { SimulatorOptions } from '../../simulator/options.ts'
import { Figures } from '../figures.ts'
import { connect, inWindow, rollOut } from './load.ts'
import { Replicas } from './replicas.ts'

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '1600' },
    speed: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
})
const calls = Number(values.calls)
const speed = Number(values.speed)
const slots = 64
/** From the highest down, as long as it is not plainly worse: fewer calls than that do not write more. */
const fixedLimits = [64, 56, 48, 40, 32, 24, 16, 8]
const plainlyWorse = 0.85
/** Prompt, reasoning that is hidden (in the mean 1,360 tokens) and shown, and text. */
const usualTokens = 1700
const { signal } = new AbortController()

const endpoint: SimulatorOptions = {
  speed,
  slots,
  kvTokens: 24 * usualTokens,
  noise: { runawayAnswers: 0, malformedAnswers: 0 },
  hiddenReasoning: { medianTokens: 1200, sigma: 0.5, mostTokens: 16_000 },
}

/** Calls of the beginning, while the limit is searched for and the cache fills, and of the end; neither is measured. */
const [beginning, end] = [4 * slots, 2 * slots]

/** The same calls each time. `limit` undefined: found by the metrics; else there are none, so that it stays. Tokens a second are at speed 1. */
async function measure(limit: number | undefined): Promise<{ tokensPerSecond: number; recomputedShare: number }> {
  const replicas = await Replicas.start([{ ...endpoint, metrics: limit === undefined }])
  // A look each simulated second.
  const inference = connect(replicas.urls, { maxConcurrency: limit ?? 4096 }, { lookSeconds: 1 / speed })
  const mark = async () => {
    const atMs = performance.now()
    const [report] = await replicas.reports()
    return { atMs, written: report?.completionTokens ?? 0, recomputed: report?.recomputedTokens ?? 0 }
  }
  const marks: ReturnType<typeof mark>[] = []
  let done = 0
  await inWindow(calls, end, async (call) => {
    await rollOut(inference, call, 0, signal)
    done += 1
    if (done === beginning || done === calls - end) marks.push(mark())
  })
  const [first, last] = await Promise.all(marks)
  await inference.close()
  replicas.stop()
  if (!first || !last) throw new Error(`--calls: expected more than ${beginning + end}, got ${calls}`)
  const written = last.written - first.written
  const measured = {
    tokensPerSecond: written / (((last.atMs - first.atMs) / 1000) * speed),
    recomputedShare: (last.recomputed - first.recomputed) / written,
  }
  if (values.verbose) console.error(limit ?? 'found', measured)
  return measured
}

let best = 0
for (const limit of fixedLimits) {
  const { tokensPerSecond } = await measure(limit)
  if (tokensPerSecond < plainlyWorse * best) break
  best = Math.max(best, tokensPerSecond)
}
const found = await measure(undefined)
const figures = new Figures(values.json)
figures.tell('memory-recomputed-over-written', found.recomputedShare, '<= 0.05', found.recomputedShare <= 0.05)
const ofBest = found.tokensPerSecond / best
figures.tell('memory-tokens-per-second-over-best-fixed-limit', ofBest, '>= 0.9', ofBest >= 0.9)
process.exitCode = figures.missed === 0 ? 0 : 1
