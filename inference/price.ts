/** What calls cost by the prices of the configuration. */
import type { Cost, TokenUsage } from '../engine/ports.ts'
import type { ModelSettings } from './configuration.ts'

/** Undefined where the model has no price. */
export function costOf(price: ModelSettings['price'], usage: TokenUsage): Cost | undefined {
  if (price === undefined) return undefined
  const { inputPerMillion, cachedInputPerMillion = inputPerMillion, outputPerMillion, currency } = price
  const cached = Math.min(usage.cached, usage.prompt)
  const amount =
    (usage.prompt - cached) * inputPerMillion + cached * cachedInputPerMillion + usage.completion * outputPerMillion
  return { amount: amount / 1e6, currency }
}
