/**
 * Log-probabilities of given tokens. The stand-in for a language model mixes three guesses: a token that followed the same
 * token earlier in the text, a token that occurred earlier at all, and how common a token of its length is. So a problem
 * scores higher after a rationale that uses its words, as with a real model.
 */
import { hashText } from './random.ts'

const FOLLOWED = 0.3
const SEEN = 0.25
const UNSEEN = 1 - FOLLOWED - SEEN

/** Two forms of a word count as one: lower case, first five letters. */
function stem(token: string): string {
  return token.trim().toLowerCase().slice(0, 5)
}

/** The log-probability of each token given the tokens before it; the first has none (null), as with real endpoints. */
export function scoreTokens(tokens: readonly string[]): (number | null)[] {
  const seen = new Map<string, number>()
  const pairs = new Map<string, number>()
  let previous = ''
  return tokens.map((token, index) => {
    const key = stem(token)
    const pair = `${previous}\u0000${key}`
    const unseen = Math.exp(-(2.5 + (hashText(key) % 3000) / 1000 + key.length * 0.35))
    const probability =
      UNSEEN * unseen +
      (SEEN * (seen.get(key) ?? 0)) / Math.max(1, index) +
      (FOLLOWED * (pairs.get(pair) ?? 0)) / Math.max(1, seen.get(previous) ?? 0)
    seen.set(key, (seen.get(key) ?? 0) + 1)
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1)
    previous = key
    return index === 0 ? null : Math.log(Math.min(0.999, probability))
  })
}

/** A number that stands for a token in vLLM's answers. */
export function tokenId(token: string): number {
  return hashText(token) % 150_000
}
