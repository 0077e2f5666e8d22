/**
 * Log-probabilities of given tokens. The stand-in for a language model is a true distribution over the next token, a mixture of three: what
 * followed the same token earlier in the text, what occurred earlier at all, and the token spelled letter by letter. So a problem scores higher
 * after a rationale that uses its words, as with a real model. Each version of a model mixes the three in its own shares.
 */
import { hashText } from './random.ts'

/** Letters of English by their share, in a thousand, and what stands beside them. */
const SHARES =
  'e99 t72 a64 o59 i57 n56 s51 r49 h44 l32 d30 u22 c24 m20 f18 p17 g15 w14 y14 b12 v8 k5 x2 j1 q1 z1 ' +
  '018 115 212 39 48 58 66 66 76 86 96 $12 \\10 .9 ,8 (5 )5 {6 }6 ^4 -4 =4 +3 *2 /2 :3 ?2 !2 "2 _2'
const SPACE_SHARE = 120
const NEWLINE_SHARE = 12
/** Share of all characters alike, so that none is impossible. */
const ANY_CHARACTER = 0.05
const CODE_UNITS = 65_536
/** Chance that a token ends after each of its characters. */
const END = 0.28

const shares = new Map<string, number>([
  [' ', SPACE_SHARE],
  ['\n', NEWLINE_SHARE],
])
for (const entry of SHARES.split(' '))
  shares.set(entry.slice(0, 1), (shares.get(entry.slice(0, 1)) ?? 0) + Number(entry.slice(1)))
const total = [...shares.values()].reduce((sum, share) => sum + share, 0)

/** The probability of a token spelled by itself; over all texts that are not empty it sums to 1. */
function spelled(token: string): number {
  let probability = END / (1 - END)
  for (let at = 0; at < token.length; at++) {
    const share = (shares.get(token.charAt(at)) ?? 0) / total
    probability *= (1 - END) * ((1 - ANY_CHARACTER) * share + ANY_CHARACTER / CODE_UNITS)
  }
  return probability
}

/** How much a model trusts what followed, and what occurred; the rest is spelled. */
interface Habits {
  followed: number
  seen: number
}

function habitsOf(model: string): Habits {
  const version = model.split('@')[1]
  if (version === undefined) return { followed: 0.3, seen: 0.25 }
  const draw = (of: string): number => (hashText(`${of} of version ${version}`) % 1000) / 1000
  return { followed: 0.2 + 0.25 * draw('followed'), seen: 0.15 + 0.25 * draw('seen') }
}

/** The tokens of a text so far, and how likely each next one is. */
export class TextModel {
  readonly #habits: Habits
  readonly #seen = new Map<string, number>()
  readonly #followers = new Map<string, { all: number; of: Map<string, number> }>()
  #count = 0
  #previous: string | undefined

  /** `model`: the name that was asked, with its version behind an @. */
  constructor(model = '') {
    this.#habits = habitsOf(model)
  }

  /** The probability that this token comes next. */
  probabilityOf(token: string): number {
    const followers = this.#followers.get(this.#previous ?? '')
    const followed = followers === undefined ? 0 : this.#habits.followed
    const seen = this.#count === 0 ? 0 : this.#habits.seen
    return (
      followed * ((followers?.of.get(token) ?? 0) / (followers?.all ?? 1)) +
      seen * ((this.#seen.get(token) ?? 0) / Math.max(1, this.#count)) +
      (1 - followed - seen) * spelled(token)
    )
  }

  /** Goes on to the next token. */
  read(token: string): void {
    if (this.#previous !== undefined) {
      const followers = this.#followers.get(this.#previous) ?? { all: 0, of: new Map<string, number>() }
      followers.all += 1
      followers.of.set(token, (followers.of.get(token) ?? 0) + 1)
      this.#followers.set(this.#previous, followers)
    }
    this.#seen.set(token, (this.#seen.get(token) ?? 0) + 1)
    this.#count += 1
    this.#previous = token
  }
}

/** The log-probability of each token given the tokens before it; the first has none (null), as with real endpoints. */
export function scoreTokens(tokens: readonly string[], model = ''): (number | null)[] {
  const text = new TextModel(model)
  return tokens.map((token, index) => {
    const probability = text.probabilityOf(token)
    text.read(token)
    return index === 0 ? null : Math.log(probability)
  })
}

/** A number that stands for a token in vLLM's answers. */
export function tokenId(token: string): number {
  return hashText(token) % 150_000
}
