/** What the whole corpus has made and spent since it began, as metrics: from the ledger and the expenses, which every commit adds to. */
import type { Expense, LedgerEntry } from '../schemas/generated.ts'
import { deadLetters, topics } from '../topics/catalogue.ts'
import { RecordCodec } from '../topics/codec.ts'
import type { Log } from '../topics/log.ts'
import { NewestRecords } from '../topics/reading.ts'
import { addCounts } from './counts.ts'
import { addExpenses, type ExpenseSums } from './expenses.ts'
import type { Metrics } from './metrics.ts'
import { table } from './processor.ts'
import { TableReader } from './tables.ts'

/** What is followed, and where it is told. */
interface CorpusMetricsOptions {
  log: Log
  metrics: Metrics
  /** Topics that processors write to: they are told from the start, with 0 where nothing is in them yet. */
  topicNames: readonly string[]
  /** Hears why a table can't be followed any more. */
  onFailure: (error: unknown) => void
}

/** Follows both tables and sets the metrics before every scrape. @returns how to end it @throws LogError */
export async function openCorpusMetrics(options: CorpusMetricsOptions): Promise<() => Promise<void>> {
  const { log, metrics, topicNames, onFailure } = options
  const reader = new TableReader(log, new RecordCodec(log.schemas))
  const entries = new NewestRecords(topics.ledger)
  const lines = new NewestRecords(topics.expenses)
  const tables = [
    table(topics.ledger, { create: () => entries, add: (all, entry) => all.add(entry) }),
    table(topics.expenses, { create: () => lines, add: (all, line) => all.add(line) }),
  ]
  try {
    for (const one of tables) await reader.open(one, onFailure)
  } catch (error) {
    await reader.close()
    throw error
  }
  for (const topic of topicNames) metrics.corpusRecords.set({ topic }, 0)
  metrics.beforeScrape(() => {
    tellCounts(entries.all(), metrics)
    tellSpending(lines.all(), metrics)
  })
  return () => reader.close()
}

function tellCounts(entries: readonly LedgerEntry[], metrics: Metrics): void {
  const { emitted, entered, left } = addCounts(entries.map(({ counts }) => counts))
  for (const [topic, count] of Object.entries(emitted)) metrics.corpusRecords.set({ topic }, count)
  metrics.workInProgress.set({}, entered - left)
  for (const [processor, own] of groupedBy(entries, (entry) => entry.processor)) {
    const counts = addCounts(own.map((entry) => entry.counts))
    metrics.corpusFinished.set({ processor }, counts.finished)
    metrics.corpusDeadLetters.set({ processor }, counts.emitted[deadLetters.name] ?? 0)
    for (const [reason, count] of Object.entries(counts.discards))
      metrics.corpusDiscards.set({ processor, reason }, count)
  }
}

function tellSpending(lines: readonly Expense[], metrics: Metrics): void {
  const { spendCalls, spendTokens, spendSeconds, spendCost } = metrics
  for (const gauge of [spendCalls, spendTokens, spendSeconds, spendCost]) gauge.reset()
  const byName = groupedBy(lines, ({ role, model, outcome }) => JSON.stringify({ role, model, outcome }))
  for (const [name, own] of byName) {
    const labels = JSON.parse(name) as Pick<Expense, 'role' | 'model' | 'outcome'>
    const sums: ExpenseSums = addExpenses(own)
    spendCalls.set(labels, sums.calls)
    spendSeconds.set(labels, sums.callSeconds)
    spendTokens.set({ ...labels, type: 'prompt' }, sums.promptTokens)
    spendTokens.set({ ...labels, type: 'cached' }, sums.cachedTokens)
    spendTokens.set({ ...labels, type: 'completion' }, sums.completionTokens)
    spendTokens.set({ ...labels, type: 'reasoning' }, sums.reasoningTokens)
    for (const [currency, priced] of groupedBy(own, (line) => line.currency))
      if (currency !== '') spendCost.set({ ...labels, currency }, addExpenses(priced).cost)
  }
}

function groupedBy<Value>(values: readonly Value[], keyOf: (value: Value) => string): Map<string, Value[]> {
  const groups = new Map<string, Value[]>()
  for (const value of values) {
    const key = keyOf(value)
    const group = groups.get(key)
    if (group) group.push(value)
    else groups.set(key, [value])
  }
  return groups
}
