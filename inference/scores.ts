/**
 * Log-probabilities of given text: how endpoints are asked for them, how their answers are read, and which token belongs to which part.
 * Two ways are known: /completions with `echo` and `logprobs` (OpenAI's), and with `prompt_logprobs` (vLLM's).
 */
import type { PartScore, Span } from '../engine/ports.ts'
import { isMapping } from './answers.ts'
import { FaultError } from './failures.ts'

/** How an endpoint is asked. */
export type ScoringMethod = 'echo' | 'prompt_logprobs'

/** A token of the text. */
interface ScoredToken {
  /** Undefined where the endpoint does not tell it. */
  text: string | undefined
  /** Given all before it, in nats; null for the first. */
  logProbability: number | null
}

const malformed = (detail: string): FaultError => new FaultError({ kind: 'malformed', detail })

/** Body fields beside model and prompt. Nothing is to be written, but most servers want a token; sampling must not bend the probabilities. */
export const scoringFields = {
  echo: { max_tokens: 1, temperature: 1, top_p: 1, echo: true, logprobs: 1 },
  prompt_logprobs: { max_tokens: 1, temperature: 1, top_p: 1, prompt_logprobs: 1 },
} as const satisfies Record<ScoringMethod, object>

/** The tokens of an answer; undefined where it takes no notice of the question. */
export function scoredTokens(body: Record<string, unknown>, method: ScoringMethod): ScoredToken[] | undefined {
  const choice: unknown = Array.isArray(body['choices']) ? body['choices'][0] : undefined
  if (!isMapping(choice)) throw malformed('an answer without choices')
  return method === 'echo' ? echoedTokens(choice['logprobs']) : promptTokens(choice['prompt_logprobs'])
}

function echoedTokens(logprobs: unknown): ScoredToken[] | undefined {
  if (!isMapping(logprobs)) return undefined
  const { tokens, token_logprobs: scores } = logprobs
  if (!Array.isArray(tokens) || !Array.isArray(scores) || tokens.length !== scores.length) return undefined
  return tokens.map((token: unknown, index) => ({
    text: typeof token === 'string' ? token : undefined,
    logProbability: typeof scores[index] === 'number' ? scores[index] : null,
  }))
}

/** One entry a token: null for the first, else the token itself and the likeliest one, by their numbers. */
function promptTokens(entries: unknown): ScoredToken[] | undefined {
  if (!Array.isArray(entries)) return undefined
  return entries.map((entry: unknown) => {
    if (!isMapping(entry)) return { text: undefined, logProbability: null }
    const listed = Object.values(entry).filter(isMapping)
    // Of two, the likeliest has the rank 1; JSON keeps no order of keys that are numbers.
    const own = listed.length === 1 ? listed[0] : listed.find(({ rank }) => typeof rank === 'number' && rank !== 1)
    return {
      text: typeof own?.['decoded_token'] === 'string' ? own['decoded_token'] : undefined,
      logProbability: typeof own?.['logprob'] === 'number' ? own['logprob'] : null,
    }
  })
}

/** Whether an answer about a text scores all of it; a first token without a score is no fault. */
export function isScored(tokens: readonly ScoredToken[] | undefined, text: string): boolean {
  if (tokens === undefined) return false
  const ends = tokenEnds(tokens, text)
  return ends !== undefined && ends.every((_, index) => index === 0 || tokens[index]?.logProbability !== null)
}

/**
 * The sums of the parts. A token belongs to the part in which it ends: one that straddles a boundary counts where the later part begins,
 * so that nothing that follows the boundary goes without a score, and nothing counts twice. @throws FaultError 'malformed'
 */
export function partScores(tokens: readonly ScoredToken[], text: string, parts: readonly Span[]): PartScore[] {
  const ends = tokenEnds(tokens, text)
  if (ends === undefined) throw malformed('log-probabilities of tokens that are not those of the text')
  const scores = parts.map(() => ({ logProbability: 0, tokens: 0 }))
  for (const [index, end] of ends.entries()) {
    const score = scores[parts.findIndex((part) => part.start < end && end <= part.end)]
    if (score === undefined) continue
    const logProbability = tokens[index]?.logProbability
    if (typeof logProbability !== 'number' || !Number.isFinite(logProbability) || logProbability > 1e-3)
      throw malformed(`token ${index + 1} has no log-probability but ${String(logProbability)}`)
    score.logProbability += logProbability
    score.tokens += 1
  }
  return scores
}

/** How far a token that is not told may reach, in characters: the first one of a text. */
const longestUntold = 64
/** Characters that one token of bytes that are no text alone may stand for. */
const longestPartial = 4

/**
 * Where each token ends in the text; tokens after the text (the one that was written) have no entry. Undefined where the two do not fit.
 * Tokens of parts of a character are told as U+FFFD or not at all: they reach to where the next token is found again. So do white space
 * that a tokenizer leaves out, and a mark at the beginning that is no text.
 */
function tokenEnds(tokens: readonly ScoredToken[], text: string): number[] | undefined {
  const ends: number[] = []
  let at = 0
  let untold = 0
  let partial = 0
  for (const { text: token } of tokens) {
    if (at === text.length && untold + partial === 0) break
    if (token === undefined || token === '') untold += 1
    else if (token.includes('\uFFFD')) partial += 1
    else {
      const reach = untold * longestUntold + partial * longestPartial
      const from = at + (partial > 0 ? 1 : 0)
      const found = text.startsWith(token, from) ? from : text.indexOf(token, from)
      const isNear = found >= 0 && (found - at <= reach || text.slice(at, found).trim() === '')
      if (isNear) {
        for (let left = untold + partial; left > 0; left--) ends.push(found)
        at = found + token.length
        ends.push(at)
      } else if (at === 0) ends.push(0)
      else return undefined
      untold = partial = 0
    }
  }
  // What is left over at the end are parts of the last character.
  for (; partial > 0; partial--, at = text.length) ends.push(text.length)
  return at === text.length ? ends : undefined
}
