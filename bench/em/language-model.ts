/**
 * A small language model that is trained in seconds on rows of text and tells true log-probabilities: an interpolated word n-gram that knows how
 * many sentences it has written, and words copied from the text before. Its shares of the two are learned on rows held out of its training. Everything is a distribution over the next token, words never seen spelled letter by letter.
 */
import { randomFrom } from '../../curation/sampling.ts'

export interface Row {
  prompt: string
  completion: string
  /** How often it counts. */
  weight: number
}

/** What a scored text came to, token by token. */
export interface Scored {
  tokens: string[]
  logProbabilities: number[]
}

const order = 4
const tag = /^<!-- (?:BEGIN|END) (?:RATIONALE|PROBLEM) -->$/
const mostSentences = 14
/** Words before more than this share of all segments say nothing about the one at hand. */
const commonShare = 0.5

/** The tokens of a text; joined they give it again. A tag is one token, so is a run of line breaks. */
export function tokenize(text: string): string[] {
  return text.match(/\n+|<!-- (?:BEGIN|END) (?:RATIONALE|PROBLEM) -->| ?[A-Za-z]+| ?\d| ?[^\sA-Za-z\d]|[^\S\n]/g) ?? []
}

type Segment = 'head' | 'rationale' | 'problem'

/** Where one stands in a text: what the next token depends on. */
class Place {
  segment: Segment = 'head'
  /** The last tokens, the end of a sentence with its number in the segment. */
  readonly marks: string[] = []
  /** Words before the segment that say something, as tokens, and how many there are: each may be copied. */
  copies = new Map<string, number>()
  copied = 0
  #sentences = 0
  readonly #read: string[] = []
  readonly #common: ReadonlySet<string>

  constructor(common: ReadonlySet<string>) {
    this.#common = common
  }

  read(token: string): void {
    if (token === '<!-- BEGIN RATIONALE -->' || token === '<!-- BEGIN PROBLEM -->') {
      this.segment = token.includes('RATIONALE') ? 'rationale' : 'problem'
      this.#sentences = 0
      const telling = this.#read.filter((one) => {
        const word = wordOf(one)
        return word !== undefined && !this.#common.has(word)
      })
      this.copies = new Map()
      for (const one of telling) this.copies.set(one, (this.copies.get(one) ?? 0) + 1)
      this.copied = telling.length
    }
    const isEnd = token === '.' || token === '?'
    if (isEnd) this.#sentences = Math.min(mostSentences, this.#sentences + 1)
    this.marks.push(isEnd ? `${token}${this.#sentences}` : token)
    this.#read.push(token)
  }
}

/** The word of a token that may be copied. */
function wordOf(token: string): string | undefined {
  const word = token.trim().toLowerCase()
  return /^[a-z]{3,}$/.test(word) && !tag.test(token) ? word : undefined
}

interface Followers {
  total: number
  of: Map<string, number>
}

/** Interpolated n-gram with Witten-Bell weights. */
class NGram {
  readonly #contexts = new Map<string, Followers>()
  readonly #characters = new Map<string, number>()
  #allCharacters = 0

  add(marks: readonly string[], token: string, weight: number): void {
    for (let length = 0; length < order; length++) {
      const key = contextOf(marks, length)
      const followers = this.#contexts.get(key) ?? { total: 0, of: new Map<string, number>() }
      this.#contexts.set(key, followers)
      followers.total += weight
      followers.of.set(token, (followers.of.get(token) ?? 0) + weight)
    }
    for (const character of `${token}\u0000`) {
      this.#characters.set(character, (this.#characters.get(character) ?? 0) + weight)
      this.#allCharacters += weight
    }
  }

  /** A token letter by letter, its end included: over all texts it sums to 1. */
  #spelled(token: string): number {
    let probability = 1
    for (const character of `${token}\u0000`)
      probability *= ((this.#characters.get(character) ?? 0) + 1 / 65_536) / (this.#allCharacters + 17)
    return probability
  }

  probabilityOf(marks: readonly string[], token: string): number {
    let probability = this.#spelled(token)
    for (let length = 0; length < order; length++) {
      const followers = this.#contexts.get(contextOf(marks, length))
      if (followers === undefined) break
      const types = followers.of.size
      probability = ((followers.of.get(token) ?? 0) + types * probability) / (followers.total + types)
    }
    return probability
  }

  /** A token from the distribution; one that would have to be spelled is drawn from the words instead. */
  sample(marks: readonly string[], random: () => number): string {
    for (let length = order - 1; length >= 0; length--) {
      const followers = this.#contexts.get(contextOf(marks, length))
      if (followers === undefined) continue
      const types = followers.of.size
      if (length > 0 && random() < types / (followers.total + types)) continue
      return drawFrom(followers.of, followers.total, random)
    }
    return ' '
  }

  /** Tokens that followed here, in the longest context that is known and the next shorter one. */
  followers(marks: readonly string[]): string[] {
    const found: string[] = []
    for (let length = order - 1, known = 0; length > 0 && known < 2; length--) {
      const followers = this.#contexts.get(contextOf(marks, length))
      if (followers === undefined) continue
      known += 1
      found.push(...followers.of.keys())
    }
    return found
  }
}

const contextOf = (marks: readonly string[], length: number): string =>
  length === 0 ? '' : marks.slice(Math.max(0, marks.length - length)).join('\u0001')

function drawFrom(counts: ReadonlyMap<string, number>, total: number, random: () => number): string {
  let left = random() * total
  let last = ''
  for (const [token, count] of counts) {
    last = token
    left -= count
    if (left <= 0) break
  }
  return last
}

/** Words of most prompts: their instructions, for the greater part. */
function commonWords(rows: readonly Row[]): Set<string> {
  const counts = new Map<string, number>()
  for (const { prompt } of rows)
    for (const word of new Set(tokenize(prompt).flatMap((token) => wordOf(token) ?? [])))
      counts.set(word, (counts.get(word) ?? 0) + 1)
  return new Set([...counts].filter(([, count]) => count > commonShare * rows.length).map(([word]) => word))
}

type Shares = [ngram: number, copy: number]

export class LanguageModel {
  #ngram = new NGram()
  #common: ReadonlySet<string> = new Set()
  /** Of the two ways in which a token comes about, by segment. */
  readonly #shares: Record<Segment, Shares> = { head: [1, 0], rationale: [0.9, 0.1], problem: [0.9, 0.1] }

  /** Trains on completions after their prompts. The shares come from every seventh row, which the rest is trained without first. */
  static train(rows: readonly Row[]): LanguageModel {
    const model = new LanguageModel()
    const isHeldOut = (index: number): boolean => index % 7 === 3
    model.#learn(rows.filter((_, index) => !isHeldOut(index)))
    model.#fitShares(rows.filter((_, index) => isHeldOut(index)))
    model.#learn(rows)
    return model
  }

  #learn(rows: readonly Row[]): void {
    this.#ngram = new NGram()
    this.#common = commonWords(rows)
    for (const { prompt, completion, weight } of rows) {
      const place = this.#after(prompt)
      for (const token of tokenize(completion)) {
        this.#ngram.add(place.marks, token, weight)
        place.read(token)
      }
    }
  }

  /** Shares by EM on rows that the rest was not trained on. */
  #fitShares(rows: readonly Row[]): void {
    for (let round = 0; round < 4; round++) {
      const sums: Record<Segment, Shares> = { head: [1, 0], rationale: [1, 0.1], problem: [1, 0.1] }
      for (const { prompt, completion, weight } of rows) {
        const place = this.#after(prompt)
        for (const token of tokenize(completion)) {
          const [own, copied] = this.#parts(place, token)
          sums[place.segment][0] += (weight * own) / (own + copied)
          sums[place.segment][1] += (weight * copied) / (own + copied)
          place.read(token)
        }
      }
      for (const segment of ['rationale', 'problem'] as const) {
        const [own, copied] = sums[segment]
        this.#shares[segment] = [own / (own + copied), copied / (own + copied)]
      }
    }
  }

  #after(prompt: string): Place {
    const place = new Place(this.#common)
    for (const token of tokenize(prompt)) place.read(token)
    return place
  }

  #parts(place: Place, token: string): Shares {
    const [ngram, copy] = this.#shares[place.segment]
    const own = this.#ngram.probabilityOf(place.marks, token)
    // Where there is nothing to be copied, all is the n-gram's.
    if (place.copied === 0) return [own, 0]
    return [ngram * own, (copy * (place.copies.get(token) ?? 0)) / place.copied]
  }

  #probabilityOf(place: Place, token: string): number {
    const [own, copied] = this.#parts(place, token)
    return own + copied
  }

  /** The log-probability of each token after all before it, in nats. */
  score(text: string): Scored {
    const tokens = tokenize(text)
    const place = new Place(this.#common)
    const logProbabilities = tokens.map((token) => {
      const probability = this.#probabilityOf(place, token)
      place.read(token)
      return Math.log(probability)
    })
    return { tokens, logProbabilities }
  }

  /** Continues a text up to a stop mark, which is left out; at temperature 0 by the likeliest token, else as likely as it is. */
  write(
    prompt: string,
    { greedy, seed, stop, maxTokens }: { greedy: boolean; seed: number; stop: readonly string[]; maxTokens: number },
  ): { text: string; tokens: number; isWhole: boolean } {
    const random = randomFrom(seed)
    const place = this.#after(prompt)
    let text = ''
    for (let tokens = 0; tokens < maxTokens; tokens++) {
      const token = greedy ? this.#likeliest(place) : this.#sample(place, random)
      if (stop.includes(token)) return { text, tokens: tokens + 1, isWhole: true }
      text += token
      place.read(token)
    }
    return { text, tokens: maxTokens, isWhole: false }
  }

  #sample(place: Place, random: () => number): string {
    if (place.copied > 0 && random() >= this.#shares[place.segment][0])
      return drawFrom(place.copies, place.copied, random)
    return this.#ngram.sample(place.marks, random)
  }

  #likeliest(place: Place): string {
    let [best, most] = [' ', 0]
    for (const token of new Set([...this.#ngram.followers(place.marks), ...place.copies.keys()])) {
      const probability = this.#probabilityOf(place, token)
      if (probability > most) [best, most] = [token, probability]
    }
    return best
  }
}
