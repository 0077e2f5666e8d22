/** `wellspring spend`: what the corpus has cost, on what, and what it will cost to a goal. */
import { Command } from 'commander'
import { Grants } from '../engine/budget.ts'
import { addCounts } from '../engine/counts.ts'
import { addExpenses, expenseOutcomes, type ExpenseSums } from '../engine/expenses.ts'
import type { BudgetClaim, LedgerEntry, Problem, Expense } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'
import { formatAmount } from './budget.ts'
import { ledgerEntries, newestRecords, openBeside, readTopic, useCorpus, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { placeOf, placeOptions, type PlaceFlags } from './place.ts'
import { formatCount, formatDuration, say, sayJson, tableLines } from './terminal.ts'
import { noChoice } from './wrong-use.ts'

const groupings = ['role', 'model', 'endpoint', 'outcome', 'processor', 'concept'] as const
type Grouping = (typeof groupings)[number]

interface Options extends PlaceFlags {
  by: string
  pairs?: string
  json?: boolean
}

/** One line of the answer. */
interface Share extends ExpenseSums {
  /** What it is grouped by; the whole is `total`. */
  name: string
  /** By currency. */
  money: Record<string, number>
}

export function spendCommand(): Command {
  return placeOptions(new Command('spend'))
    .option('--by <what>', `group by ${groupings.join(', ')}`, 'role')
    .option('--pairs <count>', 'a goal: what it will cost to have so many preference pairs')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Counts every model call whose result was committed, exactly, over all restarts, and the calls that are known to be wasted. What a process
had in flight when it was killed is repeated, and counts when it is committed. By concept it counts the calls that stand in the records of
generated problems, each shared evenly by the problem's concepts; transient and discarded records are not among them.

Examples:
  wellspring spend
  wellspring spend --by outcome
  wellspring spend --by concept --json | jq '.shares[:10]'
  wellspring spend --pairs 50000`,
    )
    .action(async ({ by, pairs, json, ...flags }: Options) => {
      const grouping = groupings.find((one) => one === by)
      if (!grouping) throw new CommandError(exitCodes.usage, noChoice('--by', by, groupings))
      const goal = pairs === undefined ? undefined : Number(pairs)
      if (goal !== undefined && !(Number.isInteger(goal) && goal > 0))
        throw new CommandError(exitCodes.usage, `--pairs: expected a whole number above 0, got "${pairs}"`)
      await useCorpus(await placeOf(flags), openBeside, async (corpus) => {
        const found = await spendingOf(corpus, grouping)
        if (json) sayJson({ ...found, ...(goal === undefined ? {} : { forecast: forecastTo(goal, found) }) })
        else for (const line of linesOf(found, grouping, goal)) say(line)
      })
    })
}

interface Found {
  total: Share
  shares: Share[]
  /** Records made: what the cost of one is counted by. */
  problems: number
  pairs: number
  /** Answered calls that an older release made without telling what they cost. */
  untoldCalls: number
  /** Taken by processes under a budget and not spent, by unit; what dead ones had taken too. */
  reserved: Record<string, number>
}

async function spendingOf(corpus: Corpus, by: Grouping): Promise<Found> {
  const lines = (await newestRecords(corpus, topics.expenses)).filter(({ calls }) => calls > 0)
  const { emitted, calls } = addCounts((await ledgerEntries(corpus)).map(({ counts }: LedgerEntry) => counts))
  const told = lines.reduce((sum, line) => sum + line.calls - (line.outcome === 'wasted' ? line.estimatedCalls : 0), 0)
  return {
    untoldCalls: Math.max(0, calls - told),
    total: shareOf('total', lines),
    shares: by === 'concept' ? await sharesByConcept(corpus) : sharesBy(lines, by),
    problems: emitted[topics.testCases.name] ?? 0,
    pairs: emitted[topics.preferencePairs.name] ?? 0,
    reserved: await reservedOf(corpus, lines),
  }
}

function sharesBy(lines: readonly Expense[], by: Exclude<Grouping, 'concept'>): Share[] {
  const names = [...new Set(lines.map((line) => line[by]))]
  const shares = names.map((name) => shareOf(name, lines.filter((line) => line[by] === name))) // prettier-ignore
  const order: readonly string[] = expenseOutcomes
  return by === 'outcome'
    ? shares.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
    : shares.sort((a, b) => tokensOf(b) - tokensOf(a))
}

function shareOf(name: string, lines: readonly Expense[]): Share {
  const money: Record<string, number> = {}
  for (const { currency, cost } of lines) if (currency !== '') money[currency] = (money[currency] ?? 0) + cost
  return { name, ...addExpenses(lines), money }
}

/** The calls in the records of generated problems, shared evenly by their concepts. Money is not in them. */
async function sharesByConcept(corpus: Corpus): Promise<Share[]> {
  const shares = new Map<string, Share>()
  const concepts = new Map<string, readonly string[]>()
  const add = (names: readonly string[], calls: Problem['calls']): void => {
    for (const name of names) {
      const share = shares.get(name) ?? shareOf(name, [])
      shares.set(name, share)
      for (const call of calls) {
        share.calls += 1 / names.length
        share.promptTokens += call.promptTokens / names.length
        share.cachedTokens += call.cachedTokens / names.length
        share.completionTokens += call.completionTokens / names.length
        share.reasoningTokens += call.reasoningTokens / names.length
        share.callSeconds += call.latencySeconds / names.length
      }
    }
  }
  for await (const { record } of readTopic(corpus, topics.rationales)) add(record.concepts, record.calls)
  for await (const { record } of readTopic(corpus, topics.problems)) {
    if (record.concepts.length === 0) continue
    concepts.set(record.id, record.concepts)
    add(record.concepts, record.calls)
  }
  for await (const { record } of readTopic(corpus, topics.testCases)) add(record.concepts, record.calls)
  for (const topic of [topics.verdicts, topics.testRuns, topics.traces] as const)
    for await (const { record } of readTopic(corpus, topic)) add(concepts.get(record.problemId) ?? [], record.calls)
  return [...shares.values()].sort((a, b) => tokensOf(b) - tokensOf(a))
}

async function reservedOf(corpus: Corpus, lines: readonly Expense[]): Promise<Record<string, number>> {
  const claims: BudgetClaim[] = []
  for await (const { record } of readTopic(corpus, topics.budgetClaims)) claims.push(record)
  const units = [...new Set(claims.map(({ unit }) => unit))]
  return Object.fromEntries(
    units.map((unit) => {
      const grants = new Grants(unit)
      for (const claim of claims) grants.add(claim)
      const spent = unit === 'tokens' ? tokensOf(shareOf('', lines)) : (shareOf('', lines).money[unit] ?? 0)
      return [unit, grants.total - spent > 1e-6 * grants.total ? grants.total - spent : 0]
    }),
  )
}

const tokensOf = ({ promptTokens, completionTokens }: ExpenseSums): number => promptTokens + completionTokens

/** What it will cost to have so many pairs, at what they have cost so far. */
interface Forecast {
  pairs: number
  /** Undefined while there is no pair to go by. */
  tokens?: number
  money?: Record<string, number>
  callSeconds?: number
}

function forecastTo(goal: number, { total, pairs }: Found): Forecast {
  if (pairs === 0) return { pairs: goal }
  const factor = goal / pairs
  return {
    pairs: goal,
    tokens: Math.round(tokensOf(total) * factor),
    money: scaled(total.money, factor),
    callSeconds: total.callSeconds * factor,
  }
}

function scaled(money: Record<string, number>, factor: number): Record<string, number> {
  return Object.fromEntries(Object.entries(money).map(([currency, amount]) => [currency, amount * factor]))
}

function moneyText(money: Record<string, number>): string {
  return Object.entries(money)
    .map(([currency, amount]) => `${amount.toFixed(amount < 0.01 ? 4 : 2)} ${currency}`)
    .join(' + ')
}

const conceptsShown = 30

function linesOf(found: Found, by: Grouping, goal: number | undefined): string[] {
  const { total, problems, pairs, reserved, untoldCalls } = found
  const untold =
    untoldCalls > 0
      ? [
          `${formatCount(untoldCalls)} calls are not among these: an older release made them, and did not tell what they cost`,
        ]
      : []
  if (total.calls === 0) return untold.length > 0 ? untold : ['no model call was committed yet']
  const shown = by === 'concept' ? found.shares.slice(0, conceptsShown) : found.shares
  const whole = by === 'concept' ? found.shares.reduce((sum, share) => sum + tokensOf(share), 0) : tokensOf(total)
  const rows = [...shown, ...(by === 'concept' ? [] : [total])].map((share) => [
    share.name,
    formatCount(share.calls),
    formatCount(share.promptTokens),
    formatCount(share.cachedTokens),
    formatCount(share.completionTokens),
    formatCount(share.reasoningTokens),
    formatDuration(share.callSeconds),
    `${((100 * tokensOf(share)) / Math.max(1, whole)).toFixed(1)} %`,
    moneyText(share.money),
  ])
  const each = (what: string, count: number): string[] =>
    count === 0
      ? []
      : [
          [
            `per ${what} (${formatCount(count)}): ${formatCount(tokensOf(total) / count)} tokens`,
            `${(total.callSeconds / 3600 / count).toPrecision(3)} slot hours`,
            ...(Object.keys(total.money).length > 0 ? [moneyText(scaled(total.money, 1 / count))] : []),
          ].join(', '),
        ]
  const forecast = goal === undefined ? undefined : forecastTo(goal, found)
  return [
    ...tableLines([by, 'calls', 'prompt', 'cached', 'completion', 'reasoning', 'slot time', 'of tokens', 'cost'], rows),
    ...(shown.length < found.shares.length
      ? [`and ${formatCount(found.shares.length - shown.length)} more concepts: --json has them all`]
      : []),
    ...untold,
    ...each('problem with checks', problems),
    ...each('pair', pairs),
    ...Object.entries(reserved)
      .filter(([, amount]) => amount > 0)
      .map(([unit, amount]) => `reserved under a budget and not committed: ${formatAmount(amount, unit)}`),
    ...(forecast
      ? [
          forecast.tokens === undefined
            ? `${formatCount(forecast.pairs)} pairs: there is none yet to go by`
            : `${formatCount(forecast.pairs)} pairs will cost about ${[
                `${formatCount(forecast.tokens)} tokens`,
                `${formatDuration(forecast.callSeconds ?? 0)} of slot time`,
                ...(Object.keys(forecast.money ?? {}).length > 0 ? [moneyText(forecast.money ?? {})] : []),
              ].join(', ')} in all, at what they have cost so far`,
        ]
      : []),
  ]
}
