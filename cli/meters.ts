/** What inference, the verifiers, the budget and the corpus tell of themselves, as metrics. */
import type { Budget } from '../engine/budget.ts'
import { openCorpusMetrics } from '../engine/corpus-metrics.ts'
import { endpointStates, threadEnds } from '../engine/metric-table.ts'
import type { Metrics } from '../engine/metrics.ts'
import type { CallRecord, ConfiguredInference } from '../inference/inference.ts'
import { processors } from '../processors/index.ts'
import { deadLetters, topics } from '../topics/catalogue.ts'
import type { VerifierPool, VerifierPoolOptions } from '../verifiers/pool.ts'
import type { Corpus } from './corpus.ts'
import { release } from './release.ts'

/** Counts calls. */
export function callMeter(metrics: Metrics): (call: CallRecord) => void {
  return ({ role, model, endpoint, outcome, operation, isSent, tokens, ...call }) => {
    if (!isSent) return
    const genAi = {
      ...{ gen_ai_operation_name: operation, gen_ai_provider_name: 'openai', gen_ai_request_model: model },
    }
    const isAnswered = outcome === 'completed'
    metrics.llmRequests.inc({ role, model, endpoint, outcome })
    metrics.queueSeconds.observe({ role }, call.queueSeconds)
    metrics.genAiDuration.observe({ ...genAi, error_type: isAnswered ? '' : outcome }, call.latencySeconds)
    if (!isAnswered) {
      for (const type of ['prompt', 'completion'] as const)
        if (tokens[type] > 0) metrics.wastedTokens.inc({ role, model, endpoint, type }, tokens[type])
      return
    }
    metrics.callSeconds.observe({ role, model }, call.latencySeconds)
    for (const type of ['prompt', 'cached', 'completion', 'reasoning'] as const)
      metrics.tokens.inc({ role, model, endpoint, type }, tokens[type])
    metrics.genAiTokens.observe({ ...genAi, gen_ai_token_type: 'input' }, tokens.prompt)
    if (operation !== 'embeddings')
      metrics.genAiTokens.observe({ ...genAi, gen_ai_token_type: 'output' }, tokens.completion)
    if (call.firstTextSeconds !== undefined) metrics.genAiFirstChunk.observe(genAi, call.firstTextSeconds)
  }
}

/** Counts what verifiers do. */
export function verifierMeter(metrics: Metrics): NonNullable<VerifierPoolOptions['hear']> {
  // At 0 from the start: a counter that appears with its first count hides it.
  for (const reason of threadEnds) metrics.verifierRestarts.inc({ reason }, 0)
  return {
    programRun: (reason, seconds) => metrics.programSeconds.observe({ reason }, seconds),
    compared: (verdict) => metrics.comparisons.inc({ verdict }),
    threadReplaced: (reason) => metrics.verifierRestarts.inc({ reason }),
  }
}

/** What is looked at before a scrape. */
interface Metered {
  metrics: Metrics
  inference: ConfiguredInference
  pool: VerifierPool
  budget: Budget | undefined
  simulated: boolean
}

/** Looks at endpoints, threads, budget and process before every scrape. */
export function meterBeforeScrapes({ metrics, inference, pool, budget, simulated }: Metered): void {
  metrics.watchProcess()
  metrics.buildInfo.set({ version: release(), node: process.versions.node, simulated: String(simulated) }, 1)
  metrics.beforeScrape(() => {
    meterEndpoints(metrics, inference)
    const { threads, busy, waiting } = pool.status()
    metrics.verifierThreads.set({}, threads)
    metrics.verifierBusy.set({}, busy)
    for (const kind of ['program', 'comparison'] as const) metrics.verifierQueue.set({ kind }, waiting[kind])
    if (!budget) return
    const { amount, unit, spent, reserved } = budget.status
    metrics.budgetLimit.set({ unit }, amount)
    metrics.budgetSpent.set({ unit }, spent)
    metrics.budgetReserved.set({ unit }, reserved)
    metrics.budgetLeft.set({ unit }, Math.max(0, amount - spent - reserved))
  })
}

function meterEndpoints(metrics: Metrics, inference: ConfiguredInference): void {
  const { llmInFlight, llmWaiting, llmLimit, llmState } = metrics
  const { llmEndpointRunning, llmEndpointWaiting, llmEndpointCache } = metrics
  const own = [llmInFlight, llmWaiting, llmLimit, llmState, llmEndpointRunning, llmEndpointWaiting, llmEndpointCache]
  // An endpoint that was removed is gone.
  for (const gauge of own) gauge.reset()
  for (const { name: endpoint, inFlight, waiting, limit, state, load } of inference.status()) {
    llmInFlight.set({ endpoint }, inFlight)
    llmWaiting.set({ endpoint }, waiting)
    llmLimit.set({ endpoint }, limit)
    for (const each of endpointStates) llmState.set({ endpoint, state: each }, each === state ? 1 : 0)
    if (!load) continue
    llmEndpointRunning.set({ endpoint }, load.running)
    llmEndpointWaiting.set({ endpoint }, load.waiting)
    if (load.cacheUsage !== undefined) llmEndpointCache.set({ endpoint }, load.cacheUsage)
  }
}

/** Tells what the corpus has made and spent; where that can't be read, such as for want of a right, says so and goes on without. */
export async function meterCorpus(
  { log }: Corpus,
  metrics: Metrics,
  say: (line: string) => void,
): Promise<() => Promise<void> | void> {
  const giveUp = (error: unknown): void =>
    say(
      `metrics of the whole corpus (wellspring_corpus_*, wellspring_spend_*) are missing: ${error instanceof Error ? error.message : String(error)}`,
    )
  try {
    return await openCorpusMetrics({ log, metrics, topicNames: writtenTopics(), onFailure: giveUp })
  } catch (error) {
    giveUp(error)
    return () => {}
  }
}

/** Topics that processors write to. */
function writtenTopics(): string[] {
  const own = processors.flatMap(({ outputs }) => Object.values(outputs).map(({ name }) => name))
  return [...new Set([...own, topics.discards.name, deadLetters.name])]
}
