/**
 * Overlap of problem statements with evaluation benchmarks. The rule of Qwen2.5's report (arXiv 2412.15115), which
 * PromptCoT 2.0 cites: a longest common subsequence of at least 13 words that is at least 0.6 of the shorter text. Words are
 * compared as they are meant: letter case, spacing, punctuation, LaTeX layout and the names of variables make no difference.
 * The share is one of information, not of words: "the first line contains" stands in every contest problem and tells nothing.
 */

/** `common-subsequence`: the rule above. `13-gram`: 13 words in a row in common, as the paper's text says. */
type DecontaminationRule = 'common-subsequence' | '13-gram'

/** Where a statement overlaps with a benchmark. */
export interface Overlap {
  benchmark: string
  /** Its problem there. */
  sourceId: string
  /** Words in common, in order. */
  commonWords: number
  /** The share of the shorter text's information that they hold, 0 to 1; under `13-gram` of its words. */
  share: number
  /** The longest run of them, as it stands in normal form. */
  span: string
}

/** What was hit, and by which words: the evidence of a discard and of a retraction. */
export function overlapText({ benchmark, sourceId, commonWords, share, span }: Overlap): string {
  return `${benchmark} ${sourceId}: ${commonWords} words in common, share ${share.toFixed(2)}: "${span}"`
}

export interface DecontaminationSettings {
  rule: DecontaminationRule
  /** Fewest words in common. */
  commonWords: number
  /** Least share of the shorter text that they make up, 0 to 1; of `common-subsequence` alone. */
  commonShare: number
}

/** A variable's name in normal form. */
const variableWord = 'v'
const layoutCommand =
  /\\(?:left|right|big+[lr]?|quad|qquad|displaystyle|text(?:bf|it|rm|tt)?|math(?:rm|bf|it|cal|bb|sf)?|operatorname|limits|label|tag|hspace|vspace|[,;:! ])(?![a-z])/g
const word = /\\?[\p{L}]+|\d+(?:\.\d+)?|[+*/=<>^|-]/gu

/** The words of a statement in normal form: single letters are one and the same, numbers and operators are words. */
export function normalWords(statement: string): string[] {
  const text = statement
    .normalize('NFKC')
    .toLowerCase()
    .replace(layoutCommand, ' ')
    .replace(/\\[dtc]?frac/g, ' \\frac ')
    .replace(/\\(?:leq?|leqslant)(?![a-z])|\u2264/g, ' <= ')
    .replace(/\\(?:geq?|geqslant)(?![a-z])|\u2265/g, ' >= ')
    .replace(/\\(?:times|cdot)(?![a-z])|[\u00d7\u00b7]/g, ' * ')
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    // A thousands separator is layout.
    .replace(/(\d),(?=\d{3}(?!\d))/g, '$1')
  return (text.match(word) ?? []).map((one) => (/^\p{L}$/u.test(one) ? variableWord : one.replace(/^\\/, '')))
}

interface BenchmarkText {
  benchmark: string
  sourceId: string
  words: Uint32Array
}

/** Words of a run that is looked up. */
const runWords = 5
/** A run that more texts of one benchmark than this share is boilerplate: it points nowhere. */
const mostTextsOfRun = 8
/** Share of the shorter text's runs that an overlap worth the comparison has in common: words that were left out break some. */
const leastSharedRuns = 0.1
const gramWords = 13

/** The texts of all benchmarks, by their runs of words. */
export class BenchmarkIndex {
  readonly #texts = new Map<string, BenchmarkText>()
  readonly #runs = new Map<number, Set<BenchmarkText>>()
  readonly #grams = new Map<number, BenchmarkText>()
  readonly #ids = new Map<string, number>()
  readonly #words: string[] = ['']
  /** Texts with each word, by its id. */
  readonly #textsWith: number[] = [0]
  /** Information of each word, 0 to 1, as of the texts that there are; undefined after a change. */
  #weights: Float64Array | undefined

  /** Texts in it. */
  get size(): number {
    return this.#texts.size
  }

  /** Adds a text; one of the same benchmark and id takes the place of the former. */
  add(benchmark: string, sourceId: string, statement: string): void {
    this.remove(benchmark, sourceId)
    const words = Uint32Array.from(normalWords(statement), (one) => this.#idOf(one))
    const text = { benchmark, sourceId, words }
    this.#texts.set(keyOf(benchmark, sourceId), text)
    this.#countWords(words, 1)
    for (const run of runsOf(words, runLengthOf(words))) {
      const texts = this.#runs.get(run)
      if (texts) texts.add(text)
      else this.#runs.set(run, new Set([text]))
    }
    for (const gram of runsOf(words, gramWords)) this.#grams.set(gram, text)
  }

  remove(benchmark: string, sourceId: string): void {
    const text = this.#texts.get(keyOf(benchmark, sourceId))
    if (!text) return
    this.#texts.delete(keyOf(benchmark, sourceId))
    this.#countWords(text.words, -1)
    for (const run of runsOf(text.words, runLengthOf(text.words))) this.#runs.get(run)?.delete(text)
    for (const gram of runsOf(text.words, gramWords)) if (this.#grams.get(gram) === text) this.#grams.delete(gram)
  }

  /** The strongest overlap of a statement that the rule forbids; undefined where there is none. */
  overlapOf(statement: string, settings: DecontaminationSettings): Overlap | undefined {
    if (this.#texts.size === 0) return undefined
    const words = Uint32Array.from(normalWords(statement), (one) => this.#ids.get(one) ?? 0)
    return settings.rule === '13-gram' ? this.#gramOf(words) : this.#subsequenceOf(words, settings)
  }

  #gramOf(words: Uint32Array): Overlap | undefined {
    for (let start = 0; start + gramWords <= words.length; start++) {
      const text = this.#grams.get(hashRun(words, start, gramWords))
      if (!text) continue
      const { length, at } = longestRun(words, text.words)
      const share = length / Math.min(words.length, text.words.length)
      const { benchmark, sourceId } = text
      return { benchmark, sourceId, commonWords: length, share, span: this.#textOf(words.subarray(at, at + length)) }
    }
    return undefined
  }

  #subsequenceOf(words: Uint32Array, { commonWords, commonShare }: DecontaminationSettings): Overlap | undefined {
    const weights = (this.#weights ??= this.#weighWords())
    const information = informationOf(words, weights)
    let best: { text: BenchmarkText; common: number; share: number } | undefined
    for (const text of this.#candidatesOf(words)) {
      const fewest = Math.min(words.length, text.words.length)
      const common = commonSubsequence(words, text.words, weights)
      const share = common.information / Math.min(information, informationOf(text.words, weights))
      // A text shorter than the rule's count is the same problem only where nearly all of it is there.
      const isOverlap = common.words >= Math.min(commonWords, Math.ceil(0.9 * fewest)) && share >= commonShare
      if (isOverlap && (!best || share > best.share)) best = { text, common: common.words, share }
    }
    if (!best) return undefined
    const { length, at } = longestRun(words, best.text.words)
    const { benchmark, sourceId } = best.text
    const span = this.#textOf(words.subarray(at, at + length))
    return { benchmark, sourceId, commonWords: best.common, share: best.share, span }
  }

  /** Texts that share enough runs of words for the rule to be possible. */
  #candidatesOf(words: Uint32Array): BenchmarkText[] {
    const shared = new Map<BenchmarkText, number>()
    for (const length of new Set([runWords, shortRunWords])) {
      for (const run of runsOf(words, length)) {
        const texts = this.#runs.get(run)
        if (!texts || texts.size > mostTextsOfRun) continue
        for (const text of texts) if (runLengthOf(text.words) === length) shared.set(text, (shared.get(text) ?? 0) + 1)
      }
    }
    return [...shared]
      .filter(([text, count]) => {
        const runs = Math.min(words.length, text.words.length) - runLengthOf(text.words) + 1
        return count >= Math.min(runs, Math.max(2, leastSharedRuns * runs))
      })
      .map(([text]) => text)
  }

  #countWords(words: Uint32Array, by: 1 | -1): void {
    for (const id of new Set(words)) this.#textsWith[id] = (this.#textsWith[id] ?? 0) + by
    this.#weights = undefined
  }

  /** What each word tells: 1 for one of a single text or of none, towards 0 for one of all (inverse document frequency). */
  #weighWords(): Float64Array {
    const most = Math.log(this.#texts.size + 1)
    return Float64Array.from(this.#textsWith, (texts) => {
      const weight = Math.log((this.#texts.size + 1) / Math.max(1, texts)) / most
      return Math.max(leastWeight, weight * weight)
    })
  }

  #idOf(one: string): number {
    const known = this.#ids.get(one)
    if (known !== undefined) return known
    const id = this.#words.push(one) - 1
    this.#ids.set(one, id)
    return id
  }

  #textOf(words: Uint32Array): string {
    return [...words].map((id) => this.#words[id] ?? '').join(' ')
  }
}

const leastWeight = 0.01

/** Short texts have short runs. */
const shortRunWords = 3
const shortText = 20

function runLengthOf(words: Uint32Array): number {
  return words.length < shortText ? shortRunWords : runWords
}

const keyOf = (benchmark: string, sourceId: string): string => JSON.stringify([benchmark, sourceId])

function hashRun(words: Uint32Array, start: number, length: number): number {
  let hash = length
  for (let index = start; index < start + length; index++) {
    hash = Math.imul(hash ^ (words[index] as number), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  // Two halves of a run seldom collide in 53 bits.
  let second = ~length
  for (let index = start + length - 1; index >= start; index--)
    second = Math.imul(second ^ (words[index] as number), 0x85ebca6b) ^ (second >>> 13)
  return (hash >>> 0) * 2 ** 21 + (second >>> 11)
}

function runsOf(words: Uint32Array, length: number): Set<number> {
  const runs = new Set<number>()
  for (let start = 0; start + length <= words.length; start++) runs.add(hashRun(words, start, length))
  return runs
}

function informationOf(words: Uint32Array, weights: Float64Array): number {
  return words.reduce((sum, id) => sum + (weights[id] as number), 0)
}

/** The common subsequence that tells the most, and how many words it has; two rows, so that memory stays small. */
function commonSubsequence(
  first: Uint32Array,
  second: Uint32Array,
  weights: Float64Array,
): { information: number; words: number } {
  const [shorter, longer] = first.length <= second.length ? [first, second] : [second, first]
  let above = new Float64Array(shorter.length + 1)
  let row = new Float64Array(shorter.length + 1)
  let countsAbove = new Uint32Array(shorter.length + 1)
  let counts = new Uint32Array(shorter.length + 1)
  for (const one of longer) {
    for (let index = 0; index < shorter.length; index++) {
      const isCommon = one !== 0 && one === shorter[index]
      const joined = isCommon ? (above[index] as number) + (weights[one] as number) : -1
      const up = above[index + 1] as number
      const left = row[index] as number
      if (joined >= up && joined >= left) {
        row[index + 1] = joined
        counts[index + 1] = (countsAbove[index] as number) + 1
      } else if (up >= left) {
        row[index + 1] = up
        counts[index + 1] = countsAbove[index + 1] as number
      } else {
        row[index + 1] = left
        counts[index + 1] = counts[index] as number
      }
    }
    ;[above, row] = [row, above]
    ;[countsAbove, counts] = [counts, countsAbove]
  }
  return { information: above[shorter.length] as number, words: countsAbove[shorter.length] as number }
}

/** The longest run of words that both have, and where it begins in the first. */
function longestRun(first: Uint32Array, second: Uint32Array): { length: number; at: number } {
  let best = { length: 0, at: 0 }
  let above = new Uint32Array(second.length + 1)
  for (const [index, one] of first.entries()) {
    const row = new Uint32Array(second.length + 1)
    for (const [other, two] of second.entries()) {
      if (one === 0 || one !== two) continue
      const length = (above[other] as number) + 1
      row[other + 1] = length
      if (length > best.length) best = { length, at: index - length + 1 }
    }
    above = row
  }
  return best
}
