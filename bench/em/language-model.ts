/**
 * A small language model that is trained in seconds on rows of text and tells true log-probabilities: an interpolated word n-gram, what words of
 * the text before call to mind (a lexical translation model, trained by its own EM), and words copied from there. Its shares of the three are
 * learned on rows held out of its training. Everything is a distribution over the next token, words never seen spelled letter by letter.
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
const translationRounds = 3
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
  /** Distinct words before the segment, by which others are called to mind; and all tokens there. */
  words: string[] = []
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
      this.words = [...new Set(this.#read.flatMap((one) => wordOf(one) ?? []))].filter(
        (word) => !this.#common.has(word),
      )
      const copyable = this.#read.filter((one) => wordOf(one) !== undefined)
      this.copies = new Map()
      for (const one of copyable) this.copies.set(one, (this.copies.get(one) ?? 0) + 1)
      this.copied = copyable.length
    }
    const isEnd = token === '.' || token === '?'
    if (isEnd) this.#sentences = Math.min(mostSentences, this.#sentences + 1)
    this.marks.push(isEnd ? `${token}${this.#sentences}` : token)
    this.#read.push(token)
  }
}

/** The word of a token that may call others to mind. */
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

/** t(token | word), for one sort of segment (IBM's first model). */
class Translation {
  #table = new Map<string, Map<string, number>>()

  train(examples: readonly { words: readonly string[]; tokens: readonly string[]; weight: number }[]): void {
    for (let round = 0; round < translationRounds; round++) {
      const next = new Map<string, Map<string, number>>()
      for (const { words, tokens, weight } of examples) {
        for (const token of tokens) {
          const given = words.map((word) => (round === 0 ? 1 : (this.#table.get(word)?.get(token) ?? 0)))
          const sum = given.reduce((total, one) => total + one, 0)
          if (sum === 0) continue
          for (const [index, word] of words.entries()) {
            const share = (weight * (given[index] ?? 0)) / sum
            if (share < 1e-4) continue
            const counts = next.get(word) ?? new Map<string, number>()
            next.set(word, counts)
            counts.set(token, (counts.get(token) ?? 0) + share)
          }
        }
      }
      for (const counts of next.values()) {
        const sum = [...counts.values()].reduce((total, one) => total + one, 0)
        for (const [token, one] of counts) counts.set(token, one / sum)
      }
      this.#table = next
    }
  }

  probabilityOf(words: readonly string[], token: string): number {
    let sum = 0
    for (const word of words) sum += this.#table.get(word)?.get(token) ?? 0
    return words.length === 0 ? 0 : sum / words.length
  }

  /** Undefined where the word that is drawn is not known. */
  sample(words: readonly string[], random: () => number): string | undefined {
    const counts = this.#table.get(words[Math.floor(random() * words.length)] ?? '')
    return counts && drawFrom(counts, 1, random)
  }

  /** The likeliest tokens of each word. */
  likely(words: readonly string[]): string[] {
    return words.flatMap((word) => {
      const counts = this.#table.get(word)
      if (counts === undefined) return []
      return [...counts]
        .sort((a, b) => b[1] - a[1])
        .slice(0, 3)
        .map(([token]) => token)
    })
  }
}

/** Words of most prompts: their instructions, for the greater part. */
function commonWords(rows: readonly Row[]): Set<string> {
  const counts = new Map<string, number>()
  for (const { prompt } of rows)
    for (const word of new Set(tokenize(prompt).flatMap((token) => wordOf(token) ?? [])))
      counts.set(word, (counts.get(word) ?? 0) + 1)
  return new Set([...counts].filter(([, count]) => count > commonShare * rows.length).map(([word]) => word))
}

type Shares = [ngram: number, translation: number, copy: number]

export class LanguageModel {
  #ngram = new NGram()
  #common: ReadonlySet<string> = new Set()
  #translations = { rationale: new Translation(), problem: new Translation() }
  readonly #shares: Record<Segment, Shares> = {
    head: [1, 0, 0],
    rationale: [0.8, 0.1, 0.1],
    problem: [0.8, 0.1, 0.1],
  }

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
    const examples: Record<'rationale' | 'problem', { words: string[]; tokens: string[]; weight: number }[]> = {
      rationale: [],
      problem: [],
    }
    for (const { prompt, completion, weight } of rows) {
      const place = new Place(this.#common)
      for (const token of tokenize(prompt)) place.read(token)
      let example: { words: string[]; tokens: string[]; weight: number } | undefined
      for (const token of tokenize(completion)) {
        this.#ngram.add(place.marks, token, weight)
        example?.tokens.push(token)
        const before = place.segment
        place.read(token)
        if (tag.test(token)) example = undefined
        if (place.segment !== 'head' && (place.segment !== before || token.includes('BEGIN'))) {
          example = { words: place.words, tokens: [], weight }
          examples[place.segment].push(example)
        }
      }
    }
    this.#translations = { rationale: new Translation(), problem: new Translation() }
    for (const segment of ['rationale', 'problem'] as const) this.#translations[segment].train(examples[segment])
  }

  /** Shares by EM on rows that the rest was not trained on. */
  #fitShares(rows: readonly Row[]): void {
    for (let round = 0; round < 5; round++) {
      const sums: Record<Segment, Shares> = { head: [1, 0, 0], rationale: [1, 0.1, 0.1], problem: [1, 0.1, 0.1] }
      for (const { prompt, completion, weight } of rows) {
        const place = new Place(this.#common)
        for (const token of tokenize(prompt)) place.read(token)
        for (const token of tokenize(completion)) {
          const parts = this.#parts(place, token)
          const total = parts.reduce((sum, part) => sum + part, 0)
          for (const index of [0, 1, 2] as const) sums[place.segment][index] += (weight * parts[index]) / total
          place.read(token)
        }
      }
      for (const segment of ['rationale', 'problem'] as const) {
        const all = sums[segment].reduce((sum, one) => sum + one, 0)
        this.#shares[segment] = sums[segment].map((one) => one / all) as Shares
      }
    }
  }

  #parts(place: Place, token: string): Shares {
    const [ngram, translation, copy] = this.#shares[place.segment]
    const own = ngram * this.#ngram.probabilityOf(place.marks, token)
    if (place.segment === 'head') return [own, 0, 0]
    return [
      own,
      translation * this.#translations[place.segment].probabilityOf(place.words, token),
      place.copied === 0 ? 0 : (copy * (place.copies.get(token) ?? 0)) / place.copied,
    ]
  }

  #probabilityOf(place: Place, token: string): number {
    const [ngram, translation, copy] = this.#parts(place, token)
    return ngram + translation + copy
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
    const place = new Place(this.#common)
    for (const token of tokenize(prompt)) place.read(token)
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
    const [ngram, translation] = this.#shares[place.segment]
    const draw = random()
    if (place.segment !== 'head' && draw >= ngram) {
      const called =
        draw < ngram + translation
          ? this.#translations[place.segment].sample(place.words, random)
          : drawFrom(place.copies, place.copied, random)
      if (called !== undefined && called !== '') return called
    }
    return this.#ngram.sample(place.marks, random)
  }

  #likeliest(place: Place): string {
    const called = place.segment === 'head' ? [] : this.#translations[place.segment].likely(place.words)
    let [best, most] = [' ', 0]
    for (const token of new Set([...this.#ngram.followers(place.marks), ...place.copies.keys(), ...called])) {
      const probability = this.#probabilityOf(place, token)
      if (probability > most) [best, most] = [token, probability]
    }
    return best
  }
}
