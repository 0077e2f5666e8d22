/** `--budget`: what a corpus may cost, as it is written and as it is shown. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { Budget, type BudgetLimit, type BudgetStatus } from '../engine/budget.ts'
import { ConfigurationError } from '../engine/errors.ts'
import type { InferenceSettings } from '../inference/configuration.ts'
import type { Corpus } from './corpus.ts'
import { formatCount } from './terminal.ts'

const pattern = /^(\d+(?:\.\d+)?(?:e\d+)?)\s*([kMG]?)\s*(tokens|pairs|[A-Za-z]{3})$/
const multiples: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 }

/** Reads a budget such as `50usd`, `2Gtokens` or `1000pairs`; undefined where it is none. */
export function parseBudget(text: string): BudgetLimit | undefined {
  const [, number = '', multiple = '', unit = ''] = pattern.exec(text.trim()) ?? []
  const amount = Number(number) * (multiples[multiple] ?? 1)
  if (!(amount > 0) || !Number.isFinite(amount)) return undefined
  return { amount, unit: unit === 'tokens' || unit === 'pairs' ? unit : unit.toUpperCase() }
}

/** What to say of a text that is no budget. `origin`: where it stands. */
export function budgetFault(text: string, origin = 'run.budget'): string {
  return `${origin}: expected an amount and what is counted, got "${text}"; write for example 50usd, 2Gtokens or 1000pairs`
}

/** @throws ConfigurationError where a model has no price in the budget's currency: its calls would count as free */
export function refuseUnpriced(budget: string, inference: InferenceSettings | undefined): void {
  const { unit } = parseBudget(budget) ?? { unit: 'tokens' }
  if (unit === 'tokens' || unit === 'pairs') return
  const used = new Set(Object.values(inference?.roles ?? {}).flat())
  const unpriced = [...used].filter((key) => inference?.models[key]?.price?.currency !== unit)
  if (inference && unpriced.length === 0) return
  const where = inference ? `models.${unpriced.join(', models.')}` : 'the models of this endpoint'
  throw new ConfigurationError([
    `run.budget: a budget in ${unit} needs the price of every model, and ${where} ${unpriced.length > 1 || !inference ? 'have' : 'has'} none in ${unit}; ` +
      'give prices under models.<name>.price in the configuration file, or a budget in tokens',
  ])
}

/** The budget of a run; undefined where none is set. @throws LogError */
export async function openBudget(
  corpus: Corpus,
  { budget, budgetSoftShare }: { budget: string; budgetSoftShare: number },
  onFailure: (error: unknown) => void,
): Promise<Budget | undefined> {
  const limit = parseBudget(budget)
  if (!limit) return undefined
  const processId = `${hostname()}/${process.pid}/${randomUUID()}`
  return await Budget.open({ log: corpus.log, limit, softShare: budgetSoftShare, processId, onFailure })
}

/** An amount in words, such as `12.40 USD` or `1.2M tokens`. */
export function formatAmount(amount: number, unit: string): string {
  return unit === 'tokens' || unit === 'pairs' ? `${formatCount(amount)} ${unit}` : `${amount.toFixed(2)} ${unit}`
}

/** `3.10 of 50.00 USD spent, 1.20 reserved`. What calls under way may cost is reserved, and what calls of killed processes may have cost. */
export function budgetText({ spent, reserved, amount, unit }: BudgetStatus): string {
  const bare = (count: number): string => formatAmount(count, unit).replace(` ${unit}`, '')
  const held = reserved > 0 ? `, ${bare(reserved)} reserved` : ''
  return `${bare(spent)} of ${formatAmount(amount, unit)} ${unit === 'pairs' ? 'made' : 'spent'}${held}`
}
