/**
 * Near-duplicates of problem statements: which statements say the same in other words. Statements of one kind differ in
 * their numbers, so that words alone tell too little: by default numbers and formulas have to agree too.
 */
import { contradict, contrastsOf } from './contrasts.ts'
import { agree, equationsOf, formulaPattern, haveOtherEquations, pairsOf, tokensOf } from './formulas.ts'
import { hashText, mixed } from './hashing.ts'

/** What is compared of a statement. Hashes are 32 bits, unsigned. */
export interface StatementFeatures {
  /** Hashes of its content words, ascending, the smallest first: a sample of them where there are more than `mostWords`. */
  words: Uint32Array
  /**
   * Hashes of its numbers with their signs, as they stand: with repeats, in their order; a word such as a3b2 is one, and so is the example that it
   * gives. Those of 0, 1 and 2, with no sign and no letter or divisor after them, are these numbers.
   */
  numbers: Uint16Array
  /** Hashes of pairs of neighbours in its formulas, ascending. */
  formulas: Uint32Array
  /** Hashes of its equations, ascending: see `equationsOf`. */
  equations: Uint32Array
  /** One bit for each condition that it names, and for each side of a contrast: not, odd, exactly, at least, largest... */
  contrasts: number
}

/** `exact`: the normalised text alone. `words`: the share of common words. `words-and-numbers`: what the words say of the same numbers. */
type DuplicateRule = 'exact' | 'words' | 'words-and-numbers'

/** How alike two statements must be. */
export interface DuplicateSettings {
  rule: DuplicateRule
  /** Jaccard similarity of the sets of words from which two statements are duplicates, 0 to 1. */
  wordSimilarity: number
  /** A word that more statements have is not compared from then on. */
  commonWordStatements: number
}

/** Raised when features of the same statement come out otherwise: those of earlier releases are not compared. */
const featuresVersion = 3
/** Of the release before: the same but for the equations, and compared. */
const versionWithoutEquations = 2
const mostNumbers = 64
const mostFormulas = 24
/** Words of an entry that are compared: a bottom-k sketch of the larger statements. */
const mostWords = 40
/** Words that the state keeps. */
const mostKeptWords = 256

// Words of most statements, whatever they ask for.
const plainWords = new Set(
  (
    'the and that for with are was were from this which what how many much find determine compute calculate evaluate give ' +
    'express all each every its their there then than when where who has have had into one two only other others some any ' +
    'most after before while during following given write function problem let suppose answer value'
  ).split(' '),
)

/** A number with its sign, which may stand before a root or a fraction; a word of letters and digits is one. */
const numeral =
  /([-\u2212]\s*(?:\\(?:sqrt|[dt]?frac)\s*(?:\{\s*)?)?)?(\b(?=[a-z\d]*\d[a-z]+\d|[a-z\d]*[a-z]\d+[a-z])[a-z\d]{4,}\b|\d+(?:[./]\d+)?)/g
/** What follows a coefficient: one letter, a root, or what it is divided by. */
const afterPart = /^(?:[a-z](?![a-z])|\\sqrt|\}?\/\d)/
/** What follows a line that says that an example comes. */
const exampleBlock = /(?:^|\n)[^\na-z\d]*(?:sample|example)s?(?: (?:input|output|test|case)s?)?[^\na-z]*\n([^]*)$/

/** Reads what is compared of a statement. By the words alone, all of them are. */
export function featuresOf(statement: string, rule: DuplicateRule = 'words-and-numbers'): StatementFeatures {
  const normal = statement.normalize('NFKC')
  const text = (rule === 'words' ? normal : withoutScenery(normal)).toLowerCase()
  const formulas: string[][] = []
  const prose = text.replace(formulaPattern, (whole: string, ...groups: (string | undefined)[]) => {
    formulas.push(tokensOf(groups))
    return whole.includes('\n') ? '\n' : ' '
  })
  const words = contentWordsOf(prose)
  const numbers: number[] = []
  const flat = text.replace(/\\[dt]?frac\{(\d+)\}\{(\d+)\}/g, ' $1/$2 ')
  for (const { 0: whole, 1: sign = '', 2: number = '', index } of flat.matchAll(numeral)) {
    const end = index + whole.length
    const isPart = afterPart.test(flat.slice(end, end + 5)) || flat[index - 1] === '/'
    const isPlain = sign === '' && !isPart && /^[012]$/.test(number)
    numbers.push(isPlain ? Number(number) : hashNumber(`${sign === '' ? '' : '-'}${number}`))
  }
  const [, example] = exampleBlock.exec(text) ?? []
  if (example !== undefined) numbers.push(hashNumber(example.replace(/\s+/g, ' ').trim()))
  return {
    words: Uint32Array.from(words).sort().subarray(0, mostKeptWords),
    numbers: Uint16Array.from(numbers.slice(-mostNumbers)),
    formulas: Uint32Array.from(new Set(formulas.flatMap(pairsOf)))
      .sort()
      .subarray(0, mostFormulas),
    equations: Uint32Array.from(equationsOf(formulas)),
    contrasts: contrastsOf(text),
  }
}

/** Not 0, 1 or 2. */
function hashNumber(text: string): number {
  return 3 + (hashText(text) % 0xfffd)
}

const sentenceEnd = /(?<=[.!?]\s)(?=\S)/
const tellsSomething = /[\d$?]|\\[([]/

/**
 * The statement without the sentences at its beginning that set a scene: they name no number and no formula, ask nothing, and of their words
 * hardly any comes again. A problem is told in many scenes, and what they say by the way ("the first day", "most of them") is no condition.
 */
function withoutScenery(statement: string): string {
  const sentences = statement.split(sentenceEnd)
  const first = sentences.findIndex((sentence) => tellsSomething.test(sentence))
  if (first < 1) return statement
  const rest = contentWordsOf(sentences.slice(first).join('').toLowerCase())
  const kept = sentences.slice(0, first).filter((sentence) => {
    const words = [...contentWordsOf(sentence.toLowerCase())]
    return words.filter((word) => rest.has(word)).length > mostRecurring * words.length
  })
  return [...kept, ...sentences.slice(first)].join('')
}

/** Hashes of the words that tell something. */
function contentWordsOf(text: string): Set<number> {
  const words = new Set<number>()
  for (const word of text.match(/[a-z]{3,}/g) ?? []) if (!plainWords.has(word)) words.add(hashText(stemOf(word)))
  return words
}

/** The features as bytes, for the state. */
export function encodeFeatures({ words, numbers, formulas, equations, contrasts: bits }: StatementFeatures): Buffer {
  const head = [featuresVersion, words.length, numbers.length, formulas.length, bits, equations.length]
  const all = Uint32Array.of(...head, ...words, ...numbers, ...formulas, ...equations)
  return Buffer.from(all.buffer)
}

/** @returns undefined where they are those of another release */
export function decodeFeatures(bytes: Uint8Array): StatementFeatures | undefined {
  if (bytes.byteLength < 20 || bytes.byteLength % 4 !== 0) return undefined
  // A copy: what the codec gives may lie at any byte of a larger buffer.
  const all = new Uint32Array(Uint8Array.from(bytes).buffer)
  const hasEquations = all[0] !== versionWithoutEquations
  const [version, ...lengths] = all.subarray(0, hasEquations ? 6 : 5)
  const [words = 0, numbers = 0, formulas = 0, bits = 0, equations = 0] = lengths
  if (hasEquations && version !== featuresVersion) return undefined
  if (all.length !== 1 + lengths.length + words + numbers + formulas + equations) return undefined
  let at = 1 + lengths.length
  const take = (length: number): Uint32Array => all.subarray(at, (at += length))
  return {
    words: take(words),
    numbers: Uint16Array.from(take(numbers)),
    formulas: take(formulas),
    equations: take(equations),
    contrasts: bits,
  }
}

/** Plural and tense go; what is left need not be a word. */
function stemOf(word: string): string {
  return word.length > 4 ? word.replace(/(?:ies|es|s|ed|ing)$/, '') : word
}

/** How alike two statements are. */
export interface Likeness {
  /** Estimated Jaccard similarity of their sets of words, 0 to 1. */
  words: number
  /** Numbers that both have, in the same order; undefined where they were not compared. */
  numbers: number | undefined
}

/**
 * All statements that were kept, by what they are compared by. MinHash with bands finds those that share many words
 * (Broder 1997; Leskovec et al., Mining of Massive Datasets, section 3.4), one more table those with the same numbers.
 * Lies in typed arrays outside the heap, about 450 bytes a statement, in segments that never move: adding takes the same
 * time at a million statements as at ten thousand.
 */
export class NearDuplicateIndex {
  readonly #settings: DuplicateSettings
  readonly #bands: number
  readonly #rows: number
  readonly #segments: Segment[] = []
  readonly #frequencies = new Map<number, number>()
  readonly #least: Uint32Array
  readonly #keys: Uint32Array
  #keysAreOf: StatementFeatures | undefined
  #size = 0

  constructor(settings: DuplicateSettings) {
    this.#settings = settings
    const { bands, rows } = settings.wordSimilarity < 0.5 ? { bands: 50, rows: 2 } : { bands: 20, rows: 5 }
    this.#bands = bands
    this.#rows = rows
    this.#least = new Uint32Array(bands * rows)
    this.#keys = new Uint32Array(bands + 1)
  }

  /** Statements in it. */
  get size(): number {
    return this.#size
  }

  /** Bytes of its arrays. */
  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0)
  }

  /** Adds a statement. @param key 64 hexadecimal digits, given back by `find` */
  add(key: string, features: StatementFeatures): void {
    if (this.#settings.rule === 'exact') return
    const compared = this.#compared(features)
    let segment = this.#segments.at(-1)
    if (!segment || segment.isFull) {
      segment = new Segment(Math.min(largestSegment, (segment?.capacity ?? smallestSegment / 2) * 2), this.#bands + 1)
      this.#segments.push(segment)
    }
    segment.add(key, compared, this.#keysOf(compared))
    this.#size++
    if (this.#settings.commonWordStatements === Infinity) return
    for (const word of features.words) this.#frequencies.set(word, (this.#frequencies.get(word) ?? 0) + 1)
  }

  /**
   * The key of a statement that says the same, and how alike the two are; undefined where there is none.
   * @param leastWords the share of their words that they must have in common besides, 0 to 1
   */
  find(features: StatementFeatures, leastWords = 0): { key: string; likeness: Likeness } | undefined {
    if (this.#settings.rule === 'exact') return undefined
    const compared = this.#compared(features)
    const keys = this.#keysOf(compared)
    for (const segment of this.#segments) {
      const found = segment.find(keys, (other) => this.#likenessOf(compared, other, leastWords))
      if (found) return found
    }
    return undefined
  }

  #compared(features: StatementFeatures): StatementFeatures {
    const { commonWordStatements } = this.#settings
    if (commonWordStatements === Infinity) return features
    const words = features.words.filter((word) => (this.#frequencies.get(word) ?? 0) <= commonWordStatements)
    return { ...features, words }
  }

  /** The keys of the bands and, last, of the numbers; 0 where a table does not hold the statement. */
  #keysOf(features: StatementFeatures): Uint32Array {
    // A statement that was looked for in vain is added next.
    if (features === this.#keysAreOf) return this.#keys
    this.#keysAreOf = features
    const { words, numbers } = features
    const least = this.#least.fill(0xffffffff)
    const keys = this.#keys.fill(0)
    for (const word of words) {
      for (let index = 0; index < least.length; index++) {
        let hash = Math.imul(word ^ (permutations[2 * index] as number), permutations[2 * index + 1] as number)
        hash = (hash ^ (hash >>> 15)) >>> 0
        if (hash < (least[index] as number)) least[index] = hash
      }
    }
    // Statements of other numbers are no duplicates, however they are worded: they need not meet.
    let told = 0
    if (this.#settings.rule === 'words-and-numbers') {
      const telling = new Set(numbers.filter((number) => number > 2))
      // The same whatever their order: that is compared with each candidate.
      told = telling.size
      for (const number of telling) told = (told + mixed(number)) | 0
      if (telling.size >= tellingNumbers) keys[this.#bands] = mixed(told) || 1
    }
    if (words.length > 0) {
      for (let band = 0; band < this.#bands; band++) {
        let key = band ^ told
        for (let row = 0; row < this.#rows; row++)
          key = Math.imul(key ^ (least[band * this.#rows + row] as number), 0x9e3779b1) ^ (key >>> 15)
        keys[band] = mixed(key) || 1
      }
    }
    return keys
  }

  /** How alike two statements are that are duplicates; undefined for two that are not. */
  #likenessOf(first: StatementFeatures, second: StatementFeatures, leastWords: number): Likeness | undefined {
    const { rule, wordSimilarity } = this.#settings
    if (rule === 'words') {
      const words = jaccard(first.words, second.words)
      return words >= wordSimilarity ? { words, numbers: undefined } : undefined
    }
    if (!areSameNumbers(first.numbers, second.numbers)) return undefined
    const numbers = Math.min(first.numbers.length, second.numbers.length)
    const isLonger = first.numbers.length !== second.numbers.length
    if (isLonger && numbers < fewestOfLonger) return undefined
    if (numbers < overwhelmingNumbers && contradict(first.contrasts, second.contrasts)) return undefined
    const ofLonger = repeats(first.numbers, second.numbers) ? 1 : isLonger ? leastOfLonger : 0
    if (!agree(first.formulas, second.formulas, { ofShorter: leastOfShorter, ofLonger })) return undefined
    if (haveOtherEquations(first.equations, second.equations)) return undefined
    const words = jaccard(first.words, second.words)
    const isTold =
      words >= leastSimilarity || Math.min(first.formulas.length, second.formulas.length) >= tellingFormulas
    const isAlike = words >= wordSimilarity || (numbers >= tellingNumbers && isTold)
    return isAlike && words >= leastWords ? { words, numbers } : undefined
  }
}

/** Whether a statement names a number but 0, 1 and 2, so that one with the same numbers and the same answer is hardly another problem. */
export function namesNumbers({ numbers }: Pick<StatementFeatures, 'numbers'>): boolean {
  return numbers.some((number) => number > 2)
}

/** From so many numbers but 0, 1 and 2 on, the same numbers in the same order are a sign of their own. */
const tellingNumbers = 2
/** A statement that repeats numbers, or names 0, 1 or 2 besides, is told from a shorter one by so many numbers in common... */
const fewestOfLonger = 3
/** ...and by this share of its formulas: 3x^2 - 4x + 3 is not x^2 - 4x + 3. */
const leastOfLonger = 0.8
/** Of the shorter one's formulas, what the longer one must have too. */
const leastOfShorter = 0.95
/** So many of them in the same order, as a sample input and output have, outweigh what the words say by the way. */
const overwhelmingNumbers = 8
/** So many pairs of neighbours in the formulas of both tell as much as their words. */
const tellingFormulas = 6
/** A sentence of which a larger share of the words comes again belongs to the problem. */
const mostRecurring = 1 / 3
/** Below it two statements have hardly a word in common, whatever their numbers. */
const leastSimilarity = 0.1

const smallestSegment = 1 << 12
const largestSegment = 1 << 18
/** Items of a bucket that are looked at: newest first. */
const mostOfBucket = 32
const itemBits = 18
const itemMask = 2 ** itemBits - 1
/** Entries of one chunk of the pool. */
const chunkEntries = 1 << 18
const keyEntries = 8

/** A part of the index: hash tables with chains, one for each band, over items whose features lie in a pool. */
class Segment {
  readonly capacity: number
  readonly #tables: number
  /** Per table and bucket: the newest item, its number from 1 below 14 bits of its key. */
  readonly #heads: Uint32Array
  /** Per item and table: the next older item of the bucket, in the same form. */
  readonly #next: Uint32Array
  /** Per item: where its features begin in the pool. */
  readonly #places: Uint32Array
  readonly #chunks: Uint32Array[] = []
  #poolEnd = 0
  #items = 0

  constructor(capacity: number, tables: number) {
    this.capacity = capacity
    this.#tables = tables
    this.#heads = new Uint32Array(capacity * tables)
    this.#next = new Uint32Array(capacity * tables)
    this.#places = new Uint32Array(capacity)
  }

  get isFull(): boolean {
    return this.#items >= this.capacity - 1
  }

  get bytes(): number {
    const pool = this.#chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)
    return this.#heads.byteLength + this.#next.byteLength + this.#places.byteLength + pool
  }

  add(key: string, features: StatementFeatures, keys: Uint32Array): void {
    const item = ++this.#items
    this.#places[item] = this.#store(key, features)
    for (let table = 0; table < this.#tables; table++) {
      const bucket = this.#bucketOf(table, keys[table] as number)
      if (bucket === undefined) continue
      this.#next[item * this.#tables + table] = this.#heads[bucket] as number
      this.#heads[bucket] = (((keys[table] as number) >>> itemBits) << itemBits) | item
    }
  }

  find(
    keys: Uint32Array,
    likenessOf: (features: StatementFeatures) => Likeness | undefined,
  ): { key: string; likeness: Likeness } | undefined {
    for (let table = this.#tables - 1; table >= 0; table--) {
      const key = keys[table] as number
      const bucket = this.#bucketOf(table, key)
      if (bucket === undefined) continue
      let entry = this.#heads[bucket] as number
      for (let seen = 0; entry !== 0 && seen < mostOfBucket; seen++) {
        const item = entry & itemMask
        if (entry >>> itemBits === key >>> itemBits) {
          const place = this.#places[item] as number
          const likeness = likenessOf(this.#featuresAt(place))
          if (likeness) return { key: this.#keyAt(place), likeness }
        }
        entry = this.#next[item * this.#tables + table] as number
      }
      // Every statement with these numbers was looked at: the bands know no other.
      if (table === this.#tables - 1 && entry === 0) return undefined
    }
    return undefined
  }

  #bucketOf(table: number, key: number): number | undefined {
    return key === 0 ? undefined : table * this.capacity + (key & (this.capacity - 1))
  }

  #store(key: string, { words, numbers, formulas, equations, contrasts: bits }: StatementFeatures): number {
    const sketch = words.subarray(0, mostWords)
    const pairs = new Uint32Array(Math.ceil(numbers.length / 2))
    for (const [index, number] of numbers.entries())
      pairs[index >> 1] = (pairs[index >> 1] as number) | (number << (16 * (index & 1)))
    const entries = keyEntries + 2 + sketch.length + pairs.length + formulas.length + equations.length
    let place = this.#poolEnd
    // What ends a chunk exactly leaves the pool's end in one that is not there yet.
    const isInLast = Math.floor(place / chunkEntries) < this.#chunks.length
    if (!isInLast || (place % chunkEntries) + entries > chunkEntries) {
      // The last chunk of a segment that is full or small holds no more than it needs.
      this.#chunks.push(new Uint32Array(chunkEntries))
      place = (this.#chunks.length - 1) * chunkEntries
    }
    const chunk = this.#chunks.at(-1) as Uint32Array
    let at = place % chunkEntries
    for (let index = 0; index < keyEntries; index++) chunk[at++] = parseInt(key.slice(8 * index, 8 * index + 8), 16)
    chunk[at++] = sketch.length | (numbers.length << 8) | (formulas.length << 16) | (equations.length << 24)
    chunk[at++] = bits
    for (const part of [sketch, pairs, formulas, equations]) {
      chunk.set(part, at)
      at += part.length
    }
    this.#poolEnd = place + entries
    return place
  }

  #keyAt(place: number): string {
    const chunk = this.#chunks[Math.floor(place / chunkEntries)] as Uint32Array
    const at = place % chunkEntries
    return [...chunk.subarray(at, at + keyEntries)].map((part) => part.toString(16).padStart(8, '0')).join('')
  }

  #featuresAt(place: number): StatementFeatures {
    const chunk = this.#chunks[Math.floor(place / chunkEntries)] as Uint32Array
    let at = (place % chunkEntries) + keyEntries
    const lengths = chunk[at++] as number
    const bits = chunk[at++] as number
    const take = (length: number): Uint32Array => chunk.subarray(at, (at += length))
    const words = take(lengths & 0xff)
    const numbers = new Uint16Array((lengths >>> 8) & 0xff)
    const pairs = take(Math.ceil(numbers.length / 2))
    for (let index = 0; index < numbers.length; index++)
      numbers[index] = (pairs[index >> 1] as number) >>> (16 * (index & 1))
    return {
      words,
      numbers,
      formulas: take((lengths >>> 16) & 0xff),
      equations: take(lengths >>> 24),
      contrasts: bits,
    }
  }
}

/** The hash functions of MinHash: a mask and an odd multiplier for each, the same in every process. */
const permutations = (() => {
  const numbers = new Uint32Array(2 * 100)
  for (let index = 0; index < numbers.length; index++) numbers[index] = mixed(0x9e3779b9 + index) | (index % 2)
  return numbers
})()

/** Jaccard similarity of two sets of hashes by the smallest of their union: exact where both are whole, else an estimate. */
function jaccard(first: Uint32Array, second: Uint32Array): number {
  if (first.length === 0 && second.length === 0) return 1
  const isSample = first.length >= mostWords || second.length >= mostWords
  const most = isSample ? mostWords : Infinity
  let seen = 0
  let common = 0
  for (let one = 0, other = 0; seen < most && (one < first.length || other < second.length); seen++) {
    const a = one < first.length ? (first[one] as number) : Infinity
    const b = other < second.length ? (second[other] as number) : Infinity
    if (a === b) common++
    if (a <= b) one++
    if (b <= a) other++
  }
  return common / seen
}

/**
 * Whether two texts name the same numbers: the shorter list in the order of the longer one, which names no other number but
 * 0, 1 and 2 besides, as another wording of the same may.
 */
export function areSameNumbers(
  first: Uint16Array | readonly number[],
  second: Uint16Array | readonly number[],
): boolean {
  const [shorter, longer] = first.length <= second.length ? [first, second] : [second, first]
  let at = 0
  for (const number of longer) {
    if (number === shorter[at]) at++
    else if (number > 2 && !shorter.includes(number)) return false
  }
  return at === shorter.length
}

/** Whether one of two lists of the same numbers repeats some of them but 0, 1 and 2. */
function repeats(first: Uint16Array, second: Uint16Array): boolean {
  const telling = (numbers: Uint16Array): number => numbers.reduce((count, number) => count + Number(number > 2), 0)
  return telling(first) !== telling(second)
}
