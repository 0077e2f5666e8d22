/** The live view of a running stream: a table on a terminal, plain lines elsewhere, JSON lines with --json. */
import picocolors from 'picocolors'
import type { BudgetStatus } from '../engine/budget.ts'
import type { ProcessorStatus } from '../engine/runtime.ts'
import type { EndpointStatus } from '../inference/inference.ts'
import { processors } from '../processors/index.ts'
import { topics, type Topic } from '../topics/catalogue.ts'
import { budgetText } from './budget.ts'
import { formatCount, formatDuration, note, oneLine, printable, say, sayJson, tableLines } from './terminal.ts'

const colors = picocolors.createColors(process.stdout.isTTY === true)

export interface Screen {
  /** Shows the state now; plain output shows it every ten seconds only. */
  show(statuses: readonly ProcessorStatus[], endpoints: readonly EndpointStatus[], budget?: BudgetStatus): void
  /** A line that stays. */
  say(line: string): void
  close(): void
}

const plainSeconds = 10

/** Opens the view that fits where stdout goes. With a log there is none: what it would say are notes. */
export function openScreen({ json, log, ...run }: RunFacts & { json: boolean; log: boolean }): Screen {
  if (!json && log) return { show: () => {}, say: note, close: () => {} }
  if (json) return jsonScreen(run.simulated)
  return process.stdout.isTTY ? tableScreen(run) : plainScreen(run)
}

/** What its headline goes by. */
interface RunFacts {
  simulated: boolean
  /** Whether processes share the tasks out among them. */
  isShared: boolean
}

/** What one processor passed on: its emissions without discards, dead letters and ledger. */
function emittedOf({ counts }: ProcessorStatus): number {
  return Object.entries(counts.emitted).reduce(
    (sum, [topic, count]) => sum + (topic === topics.discards.name || topic === 'dead-letters' ? 0 : count),
    0,
  )
}

/** What is known of a processor stands in its tasks, once they are open here. */
export function isOpen({ openTasks }: ProcessorStatus): boolean {
  return openTasks > 0
}

/** Records of a topic that the tasks here have made since the corpus began; undefined where none is open that makes any. */
export function madeOf(statuses: readonly ProcessorStatus[], topic: Topic): number | undefined {
  const makers = processors.filter(({ outputs }) => Object.values(outputs).includes(topic)).map(({ name }) => name)
  const open = statuses.filter((status) => isOpen(status) && makers.includes(status.name))
  return open.length === 0 ? undefined : open.reduce((sum, { counts }) => sum + (counts.emitted[topic.name] ?? 0), 0)
}

/** Units of work between sampling and outcome. */
function workInProgress(statuses: readonly ProcessorStatus[]): number {
  return statuses.reduce((sum, { counts }) => sum + counts.entered - counts.left, 0)
}

/** Whether all of those are open here by which work comes into the stream or leaves it. */
function isWholeSpine(statuses: readonly ProcessorStatus[]): boolean {
  const open = new Set(statuses.filter(isOpen).map(({ name }) => name))
  return processors.every(({ name, next, onSpine }) => (!next && onSpine.length === 0) || open.has(name))
}

/** Tokens a second since the last view. */
function tokenMeter(): (statuses: readonly ProcessorStatus[]) => number {
  let last: { tokens: number; atMs: number } | undefined
  return (statuses) => {
    const tokens = statuses.reduce((sum, { counts }) => sum + counts.completionTokens, 0)
    const atMs = performance.now()
    const rate = last && atMs > last.atMs ? ((tokens - last.tokens) * 1000) / (atMs - last.atMs) : 0
    last = { tokens, atMs }
    return rate
  }
}

/** The first line of a view: how far the run is. */
export function headline(
  statuses: readonly ProcessorStatus[],
  { simulated, isShared }: RunFacts,
  { tokensPerSecond, seconds, budget }: { tokensPerSecond: number; seconds: number; budget: BudgetStatus | undefined },
): string {
  const made = (topic: Topic, name: string): string[] => {
    const count = madeOf(statuses, topic)
    return count === undefined ? [] : [`${formatCount(count)} ${name}`]
  }
  const products = [
    ...made(topics.problems, 'problems'),
    ...made(topics.verdicts, 'verdicts'),
    ...made(topics.preferencePairs, 'pairs'),
    ...made(topics.sftExamples, 'SFT rows'),
  ]
  const openTasks = statuses.reduce((sum, status) => sum + status.openTasks, 0)
  const known = [
    ...(products.length > 0 ? products : [`${formatCount(openTasks)} tasks are open`]),
    ...(isWholeSpine(statuses) ? [`${formatCount(workInProgress(statuses))} in progress`] : []),
    `${formatCount(tokensPerSecond)} tokens/s`,
    ...(budget ? [budgetText(budget)] : []),
  ]
  const starting = `starting: ${isShared ? 'waiting for a share of the work, and ' : ''}reading how far it had come`
  const parts = [formatDuration(seconds), ...(openTasks > 0 ? known : [starting])]
  return `${simulated ? '[simulated] ' : ''}${parts.join(', ')}`
}

/** A line for each reason to wait, with all that wait for it. */
export function waitingLines(statuses: readonly ProcessorStatus[]): string[] {
  const groups = new Map<string, { names: string[]; waiting: string }>()
  for (const { name, waiting } of statuses) {
    if (waiting === undefined) continue
    const reason = reasonOf(waiting)
    const group = groups.get(reason)
    if (group) group.names.push(name)
    else groups.set(reason, { names: [name], waiting })
  }
  return [...groups.values()].map(({ names, waiting }) => {
    const [first = '', second, ...others] = names
    const who =
      others.length > 1
        ? `${first}, ${second} and ${others.length} others`
        : names.join(', ').replace(/, ([^,]*)$/, ' and $1')
    return `${who} ${names.length === 1 ? 'waits' : 'wait'}: ${oneLine(waiting, 160)}`
  })
}

/** What sources tell their operator. */
function remarkLines(statuses: readonly ProcessorStatus[]): string[] {
  return statuses.flatMap(({ name, remark }) => (remark === undefined ? [] : [`${name}: ${oneLine(remark, 200)}`]))
}

/** What Kafka failed at is another thing for each task; why stands in parentheses at the end. */
function reasonOf(waiting: string): string {
  return /^Kafka failed .*?(\(.*\))$/s.exec(waiting)?.[1] ?? waiting
}

function topDiscards({ counts }: ProcessorStatus): string {
  return Object.entries(counts.discards)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 2)
    .map(([reason, count]) => `${reason} ${formatCount(count)}`)
    .join(', ')
}

/** The table of processors as lines. */
function statusTable(statuses: readonly ProcessorStatus[]): string[] {
  return tableLines(
    ['processor', 'in', 'out', 'discarded', 'dead', 'in flight', 'backlog', 'most discarded'],
    statuses.map((status) => [
      status.name,
      status.counts.finished,
      emittedOf(status),
      status.counts.discarded,
      status.counts.deadLettered,
      status.inFlight,
      status.backlog,
      topDiscards(status),
    ]),
  )
}

/** The headline of a run that begins now. */
function headlines(run: RunFacts): (statuses: readonly ProcessorStatus[], budget: BudgetStatus | undefined) => string {
  const startedAtMs = performance.now()
  const meter = tokenMeter()
  return (statuses, budget) => {
    const seconds = (performance.now() - startedAtMs) / 1000
    return headline(statuses, run, { tokensPerSecond: meter(statuses), seconds, budget })
  }
}

function tableScreen(run: RunFacts): Screen {
  const headlineOf = headlines(run)
  let drawn = 0
  const clear = (): string => (drawn > 0 ? `\u001b[${drawn}A\u001b[0J` : '')
  return {
    show(statuses, _endpoints, budget) {
      const width = Math.max(40, process.stdout.columns || 120)
      const [header = '', ...rows] = statusTable(statuses)
      const lines = [
        colors.bold(headlineOf(statuses, budget).slice(0, width)),
        colors.dim(header.slice(0, width)),
        ...rows.map((row) => printable(row).slice(0, width)),
        ...[...waitingLines(statuses), ...remarkLines(statuses)].map((line) => colors.yellow(line.slice(0, width))),
      ]
      process.stdout.write(`${clear()}${lines.join('\n')}\n`)
      drawn = lines.length
    },
    say(line) {
      process.stdout.write(`${clear()}${printable(line)}\n`)
      drawn = 0
    },
    close: () => {},
  }
}

function plainScreen(run: RunFacts): Screen {
  const headlineOf = headlines(run)
  let shownAtMs = -Infinity
  return {
    show(statuses, _endpoints, budget) {
      if (performance.now() - shownAtMs < plainSeconds * 1000) return
      shownAtMs = performance.now()
      say(headlineOf(statuses, budget))
      for (const line of [...waitingLines(statuses), ...remarkLines(statuses)]) say(line)
    },
    say: (line) => say(printable(line)),
    close: () => {},
  }
}

function jsonScreen(simulated: boolean): Screen {
  return {
    show: (statuses, endpoints, budget) =>
      sayJson({
        event: 'status',
        atMs: Date.now(),
        simulated,
        workInProgress: workInProgress(statuses),
        processors: statuses,
        endpoints,
        ...(budget && { budget }),
      }),
    say: (line) => note(printable(line)),
    close: () => {},
  }
}
