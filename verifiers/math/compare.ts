import {
  asRational,
  degreesToRadians,
  hasConstant,
  isOpaque,
  isZero,
  proportional,
  sameExact,
  symbolsOf,
  type Exact,
} from './exact.ts'
import { countWork, limits, resetWork, Undecided } from './limits.ts'
import {
  differenceOf,
  exactOf,
  interpret,
  intervalOf,
  meaningKey,
  tryExact,
  type Amount,
  type DecimalDigits,
  type End,
  type Meaning,
  type Piece,
} from './meaning.ts'
import { compareNumerically, constantValue, traits } from './numeric.ts'
import { parse } from './parse.ts'
import {
  absolute,
  divide,
  gcd,
  multiply,
  order,
  power,
  rational,
  same,
  subtract,
  toNumber,
  type Rational,
} from './rational.ts'
import type { Node } from './syntax.ts'
import { cleanAnswer, commaReadings, tokenize, withGuessedUnit } from './tokens.ts'

/** The result of comparing two answers; `reason` says why nothing could be decided. */
type Outcome = { outcome: 'equal' } | { outcome: 'different' } | { outcome: 'undecided'; reason: string }

/** An answer read once: its readings, the likeliest first, or why it has none. */
export interface Prepared {
  readonly skeleton: string
  readonly readings: readonly Meaning[]
  readonly failure?: string
}

const equal: Outcome = { outcome: 'equal' }
const different: Outcome = { outcome: 'different' }
const undecided = (reason: string): Outcome => ({ outcome: 'undecided', reason })

// The text without what never carries meaning; blanks stay between digits and between letters.
function skeletonOf(text: string): string {
  let s = text
  if (s.includes('\\'))
    s = s
      .replaceAll(/\\(?:left|right|displaystyle|textstyle|[bB]igg?[lr]?)(?![a-zA-Z])|\\!/g, '')
      .replaceAll(/\\[dtc]frac(?![a-zA-Z])/g, '\\frac')
      .replaceAll(/\\[ ,;:]|~/g, ' ')
  return s.replaceAll(/\s+/g, ' ').replaceAll(/ (?![\da-zA-Z])|(?<![\da-zA-Z]) /g, '')
}

const choiceWrapped = /^\\(?:text|textbf|mathrm|mathbf|textrm|mbox)\s*\{\s*\(?\s*([A-Z])\s*[).]?\s*\}(?:\s*\)?\.?)?$/
const choicePlain = /^\(\s*([A-Z])\s*\)\.?$/
const choiceWithRest =
  /^(?:\\(?:text|textbf|mathrm|mathbf|textrm)\s*\{\s*\(\s*([A-J])\s*\)\s*\}|\(([A-J])\)(?=\s|\\[ ~,;]|~)|([A-J])[.)](?=\s))[\s~:]*(?:\\[ ,;:!]\s*|~|\\quad\s*)*([^+\-*/^=<>\s].*)$/s

function readChoice(text: string): Meaning | undefined {
  const alone = choiceWrapped.exec(text) ?? choicePlain.exec(text)
  if (alone?.[1] !== undefined) return { kind: 'choice', letter: alone[1] }
  const found = choiceWithRest.exec(text)
  const letter = found?.[1] ?? found?.[2] ?? found?.[3]
  if (letter === undefined || found?.[4] === undefined) return undefined
  const [rest] = readAll(cleanAnswer(found[4]))
  return rest === undefined ? undefined : { kind: 'choice', letter, rest }
}

// Between vectors \times doesn't commute, and there is no vector algebra here.
const vector = String.raw`\\(?:vec|overrightarrow|hat|(?:mathbf|boldsymbol|bm|bold|pmb)\s*(?:\{\s*)?\\?[a-zA-Z]\s*(?:\}|$))`
const crossProduct = new RegExp(`${vector}.*\\\\times|\\\\times.*${vector}`, 's')

// A date, and no subtraction.
const isoDate = /^(?:\\text\{\s*)?\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:\s*\})?$/

function readAll(text: string): Meaning[] {
  const readings: Meaning[] = []
  for (const commas of commaReadings(text)) {
    try {
      const tokens = tokenize(text, commas)
      readings.push(interpret(parse(tokens)))
      const guessed = readings.length === 1 ? withGuessedUnit(tokens) : undefined
      if (guessed !== undefined) readings.push(interpret(parse(guessed)))
    } catch (error) {
      // Only the likeliest reading says why an answer can't be read.
      if (!(error instanceof Undecided) || readings.length === 0) throw error
    }
  }
  return readings
}

/** Reads one answer. Never throws and never takes long: what can't be read has a failure instead of readings. */
export function prepare(answer: string): Prepared {
  if (answer.length > limits.answerCharacters) return { skeleton: '', readings: [], failure: 'too_long' }
  resetWork()
  const text = cleanAnswer(answer)
  const skeleton = skeletonOf(text)
  if (skeleton === '') return { skeleton, readings: [], failure: 'no_answer' }
  try {
    if (crossProduct.test(text) || isoDate.test(text)) throw new Undecided('not_understood')
    const choice = readChoice(text)
    return { skeleton, readings: choice === undefined ? readAll(text) : [choice] }
  } catch (error) {
    return { skeleton, readings: [], failure: reasonOf(error) }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Undecided) return error.reason
  // BigInt and the stack have limits of their own; whatever slips past the gates is still only undecided.
  if (error instanceof RangeError) return 'too_large'
  // A fault of ours costs the answer that shows it, not the vote or the stream that it is part of.
  return `verifier_failed: ${error instanceof Error ? error.message : String(error)}`
}

/** Compares two answers that were read before. Never throws. */
export function comparePrepared(a: Prepared, b: Prepared): Outcome {
  countWork(5)
  if (a.failure === 'too_long' || b.failure === 'too_long') return undecided('too_long')
  if (a.skeleton !== '' && a.skeleton === b.skeleton) return equal
  if (a.failure !== undefined || b.failure !== undefined) {
    if (a.skeleton !== '' && a.skeleton.toLowerCase() === b.skeleton.toLowerCase() && /^[a-z\s.]+$/i.test(a.skeleton))
      return equal
    return undecided(a.failure ?? b.failure ?? 'not_understood')
  }
  resetWork()
  let first: Outcome | undefined
  for (const x of a.readings)
    for (const y of b.readings) {
      let result: Outcome
      try {
        result = compareMeanings(x, y)
      } catch (error) {
        result = undecided(reasonOf(error))
      }
      if (result.outcome === 'equal') return equal
      if (first === undefined || (result.outcome === 'undecided' && result.reason === 'unit_or_variable'))
        first = result
    }
  return first ?? undecided('not_understood')
}

/** Compares the expressions of two nodes: exactly where possible, otherwise at fixed points. */
function compareExpressions(a: Node, b: Node): Outcome {
  const x = tryExact(a)
  const y = tryExact(b)
  if (x !== undefined && y !== undefined) {
    const result = compareExact(x, y)
    if (result !== undefined) return result
  }
  return sampled(a, b)
}

// Undefined where only sampling can tell.
function compareExact(x: Exact, y: Exact): Outcome | undefined {
  if (hasConstant(x, 'degree') !== hasConstant(y, 'degree')) {
    x = degreesToRadians(x)
    y = degreesToRadians(y)
  }
  try {
    if (sameExact(x, y)) return equal
  } catch (error) {
    if (error instanceof Undecided && error.reason === 'too_large') return undefined
    throw error
  }
  return isOpaque(x) || isOpaque(y) ? undefined : different
}

function sampled(a: Node, b: Node): Outcome {
  const result = compareNumerically(a, b)
  if (result === 'equal') return equal
  if (result === 'unclear') return undecided('undecided_numerically')
  // \log is to base 10 for some and natural for others.
  const plainLog = traits(a).plainLog || traits(b).plainLog
  return plainLog && compareNumerically(a, b, true) === 'equal' ? undecided('log_base') : different
}

// Whether a decimal is the value of the node rounded to the digits written.
function compareRounded(decimal: DecimalDigits, node: Node): Outcome {
  const exact = tryExact(node)
  const unit = power(rational(10n), -decimal.places)
  const half = multiply(unit, rational(1n, 2n))
  const fraction = exact === undefined ? undefined : asRational(exact)
  let close: boolean
  if (fraction !== undefined) {
    if (hasShortExpansion(fraction)) return different
    const gap = subtract(fraction, decimal.value)
    close = order(absolute(gap), half) <= 0 || (decimal.truncated && isTruncation(fraction, decimal.value, unit))
  } else {
    if (traits(node).names.size > 0 || (exact !== undefined && symbolsOf(exact).size > 0)) return different
    const value = constantValue(node)
    if (value === 'not_real') return different
    if (value === undefined) return undecided('undecided_numerically')
    const target = toNumber(decimal.value)
    const gap = Math.abs(value.re - target)
    const slack = value.error + Math.abs(target) * 4e-16
    const bound = toNumber(decimal.truncated ? unit : half)
    if (gap > bound + slack) return different
    if (gap > bound - slack || slack > bound / 16) return undecided('undecided_numerically')
    close = true
  }
  if (!close) return different
  const precise = decimal.significant >= 3 || (decimal.significant >= 2 && decimal.places >= 2)
  return precise ? equal : undecided('coarse_rounding')
}

function isTruncation(value: Rational, written: Rational, unit: Rational): boolean {
  const gap = subtract(absolute(value), absolute(written))
  return value.n < 0n === written.n < 0n && gap.n >= 0n && order(gap, unit) < 0
}

// Whole numbers and decimals of up to six digits can be written out, so rounding them is a different answer.
function hasShortExpansion(value: Rational): boolean {
  if (value.d === 1n) return true
  let d = value.d
  for (const prime of [2n, 5n]) while (d % prime === 0n) d /= prime
  if (d !== 1n) return false
  for (let places = 1; places <= 12; places++) {
    const scaled = multiply(value, power(rational(10n), places))
    if (scaled.d === 1n) return absolute(scaled).n < 1_000_000n
  }
  return false
}

interface Reading {
  node: Node
  decimal?: DecimalDigits
}

function compareReadings(a: Reading, b: Reading): Outcome {
  const plain = compareExpressions(a.node, b.node)
  if (plain.outcome !== 'different') return plain
  if (a.decimal !== undefined && b.decimal === undefined) return compareRounded(a.decimal, b.node)
  if (b.decimal !== undefined && a.decimal === undefined) return compareRounded(b.decimal, a.node)
  return different
}

function rescaled(reading: Reading, factor: Rational, shift: number | undefined): Reading {
  const node: Node = { k: 'operation', op: '*', a: reading.node, b: { k: 'number', value: factor } }
  if (reading.decimal === undefined || shift === undefined) return { node }
  const { decimal } = reading
  return { node, decimal: { ...decimal, value: multiply(decimal.value, factor), places: decimal.places + shift } }
}

const reading = (m: Amount): Reading =>
  m.decimal === undefined ? { node: m.node } : { node: m.node, decimal: m.decimal }

function compareAmounts(a: Amount, b: Amount): Outcome {
  if (a.name !== undefined && b.name !== undefined && a.name !== b.name) return compareDefinitions(a, b)
  return either(compareMeasured(a, b), () => {
    // The same variable defined twice, or an answer "5" to "x = 5": nothing else can make them equal.
    const letter = loneLetter(a)
    return letter !== undefined && letter === loneLetter(b) ? equal : different
  })
}

const either = (result: Outcome, next: () => Outcome): Outcome => (result.outcome === 'different' ? next() : result)

// A letter alone is most likely a choice, where case doesn't matter.
function loneLetter(m: Amount): string | undefined {
  if (m.name !== undefined || m.unit !== undefined || m.percent === true || m.node.k !== 'symbol') return undefined
  return /^[A-Ja-j]$/.test(m.node.name) ? m.node.name.toUpperCase() : undefined
}

// y = 2x against x = y/2: the same line, though each names another variable.
function compareDefinitions(a: Amount, b: Amount): Outcome {
  const involves = (m: Amount): boolean => {
    const exact = tryExact(m.node)
    return exact === undefined || symbolsOf(exact).size > 0
  }
  if (!involves(a) || !involves(b)) return different
  const asSymbol = (m: Amount): Node => ({ k: 'symbol', name: m.name ?? '' })
  return compareEquations([asSymbol(a), a.node], [asSymbol(b), b.node])
}

function compareMeasured(a: Amount, b: Amount): Outcome {
  if (a.percent !== b.percent) {
    const [percent, other] = a.percent === true ? [a, b] : [b, a]
    if (other.unit !== undefined && percent.unit === undefined) return different
    // "28" answers "what percent?", and 28 % is the number 0.28.
    const bare = compareReadings(reading(percent), reading(other))
    if (bare.outcome === 'equal') return isShare(percent.node) ? undecided('percent_or_number') : equal
    const share = compareReadings(rescaled(reading(percent), rational(1n, 100n), 2), reading(other))
    return share.outcome === 'different' ? bare : share
  }
  const { unit: u } = a
  const { unit: v } = b
  if (u === undefined || v === undefined) {
    const bare = compareReadings(reading(a), reading(b))
    if (bare.outcome === 'equal' && (a.guessedUnit === true || b.guessedUnit === true))
      return undecided('unit_or_variable')
    if (bare.outcome === 'equal' || u === v) return bare
    const [measured, other] = u === undefined ? [b, a] : [a, b]
    if (measured.guessedUnit === true) return different
    return measured.unit?.dimension === 'degree' ? compareAngle(measured, other, bare) : bare
  }
  if (u.generic > 0 && v.generic > 0 && u.generic !== v.generic) return different
  if (u.dimension === v.dimension) {
    if (same(u.factor, v.factor)) return compareReadings(reading(a), reading(b))
    const factor = divide(v.factor, u.factor)
    return compareReadings(reading(a), rescaled(reading(b), factor, powerOfTen(factor)))
  }
  if (u.dimension === '' || v.dimension === '') return compareReadings(reading(a), reading(b))
  const angles = new Set([u.dimension, v.dimension])
  if (angles.has('degree') && angles.has('radian')) {
    const [degrees, radians] = u.dimension === 'degree' ? [a, b] : [b, a]
    return (
      compareExact(radiansOf(degrees), exactOf(radians.node)) ?? sampled({ k: 'degree', a: degrees.node }, radians.node)
    )
  }
  if (u.measured && v.measured) return different
  const values = compareReadings(reading(a), reading(b))
  return values.outcome === 'equal' ? undecided('units_differ') : values
}

// 0.5 % and 0.5 are both likely answers, and far apart.
function isShare(node: Node): boolean {
  const exact = tryExact(node)
  const value = exact === undefined ? undefined : asRational(exact)
  return value !== undefined && order(absolute(value), rational(1n)) <= 0
}

// The shift of the decimal point for a factor of 10, 100, 1/10 and so on.
function powerOfTen(factor: Rational): number | undefined {
  for (let shift = -9; shift <= 9; shift++) if (same(power(rational(10n), -shift), factor)) return shift
  return undefined
}

const radiansOf = (m: Amount): Exact => degreesToRadians(exactOf({ k: 'degree', a: m.node }))

// 90 degrees are pi/2 and arctan of something, where the other side is plainly in radians.
function compareAngle(degrees: Amount, other: Amount, bare: Outcome): Outcome {
  const exact = tryExact(other.node)
  if (exact === undefined || !(hasConstant(exact, 'pi') || isOpaque(exact))) return bare
  return compareExact(radiansOf(degrees), exact) ?? sampled({ k: 'degree', a: degrees.node }, other.node)
}

function compareEquations(a: readonly [Node, Node], b: readonly [Node, Node]): Outcome {
  const x = differenceOf(a[0], a[1])
  const y = differenceOf(b[0], b[1])
  if (x !== undefined && y !== undefined) {
    // x = x and y = y hold everywhere, but say nothing that could be compared.
    if (isZero(x) || isZero(y)) return isZero(x) && isZero(y) ? undecided('undecided_numerically') : different
    if (proportional(x, y, false)) return equal
    if (!isOpaque(x) && !isOpaque(y)) return different
  }
  for (const [left, right] of [b, [b[1], b[0]] as const])
    if (sampled(a[0], left).outcome === 'equal' && sampled(a[1], right).outcome === 'equal') return equal
  return undecided('undecided_numerically')
}

type Equation = Extract<Meaning, { kind: 'equation' }>
type Inequality = Extract<Meaning, { kind: 'inequality' }>

function compareInequalities(a: Inequality, b: Inequality): Outcome {
  if (a.strict !== b.strict) return different
  const x = differenceOf(a.less, a.more)
  const y = differenceOf(b.less, b.more)
  if (x === undefined || y === undefined) return undecided('too_large')
  if (proportional(x, y, true)) return equal
  return isOpaque(x) || isOpaque(y) || x.den !== undefined || y.den !== undefined
    ? undecided('undecided_numerically')
    : different
}

// Element by element: different as soon as one differs, undecided when one is.
function compareInOrder(a: readonly Meaning[], b: readonly Meaning[]): Outcome {
  if (a.length !== b.length) return different
  let worst: Outcome = equal
  for (const [index, item] of a.entries()) {
    const other = b[index]
    if (other === undefined) return different
    const result = compareMeanings(item, other)
    if (result.outcome === 'different') return different
    if (result.outcome === 'undecided') worst = result
  }
  return worst
}

// As multisets: keys settle most items, the rest are matched pair by pair.
function compareUnordered(a: readonly Meaning[], b: readonly Meaning[]): Outcome {
  if (a.length !== b.length) return different
  const rest: Meaning[] = []
  const free = new Map<string, number[]>()
  const taken = b.map(() => false)
  for (const [index, item] of b.entries()) {
    const key = meaningKey(item)
    if (key !== undefined) free.set(key, [...(free.get(key) ?? []), index])
  }
  for (const item of a) {
    const key = meaningKey(item)
    const index = key === undefined ? undefined : free.get(key)?.pop()
    if (index === undefined) rest.push(item)
    else taken[index] = true
  }
  let worst: Outcome = equal
  for (const item of rest) {
    let matched = false
    let doubt: Outcome | undefined
    for (const [index, other] of b.entries()) {
      if (taken[index] === true) continue
      const result = compareMeanings(item, other)
      if (result.outcome === 'equal') {
        taken[index] = true
        matched = true
        break
      }
      if (result.outcome === 'undecided') doubt = result
    }
    if (matched) continue
    if (doubt === undefined) return different
    worst = doubt
  }
  return worst
}

type Collection = Extract<Meaning, { kind: 'collection' }>

// Repeated elements of a set count once.
function elements(m: Collection): Meaning[] {
  if (!m.distinct) return m.items
  const seen = new Set<string>()
  return m.items.filter((item) => {
    const key = meaningKey(item)
    if (key === undefined) return true
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

function comparePieces(a: readonly Piece[], b: readonly Piece[]): Outcome {
  if (a.length !== b.length) return different
  let worst: Outcome = equal
  for (const [index, piece] of a.entries()) {
    const other = b[index]
    if (other === undefined) return different
    for (const result of [compareEnd(piece.low, other.low), compareEnd(piece.high, other.high)]) {
      if (result.outcome === 'different') return different
      if (result.outcome === 'undecided') worst = result
    }
  }
  return worst
}

function compareEnd(a: End, b: End): Outcome {
  if (a.amount === undefined || b.amount === undefined) return a.amount === b.amount ? equal : different
  return a.closed === b.closed ? compareMeasured(a.amount, b.amount) : different
}

// Regions that a bare list or a finite set stands for; undefined when it is no part of the real line.
function piecesOf(m: Meaning): Piece[] | undefined {
  if (m.kind === 'region') return m.pieces
  if (m.kind === 'tuple') return intervalOf(m)?.pieces
  if (m.kind === 'amount') return [{ low: { amount: m, closed: true }, high: { amount: m, closed: true } }]
  if (m.kind !== 'collection' || m.nested === true) return undefined
  const parts = m.items.map(piecesOf)
  const pieces: Piece[] = []
  for (const part of parts) {
    if (part === undefined) return undefined
    pieces.push(...part)
  }
  return pieces
}

function articlesOff(words: readonly string[]): string[] {
  return words
    .flatMap((word) => word.split(/[\s-]+/))
    .map((word) => word.replaceAll(/[^\p{L}\p{N}]/gu, ''))
    .filter((word) => word !== '' && word !== 'the' && word !== 'a' && word !== 'an')
}

function compareTexts(a: readonly string[], b: readonly string[]): Outcome {
  const x = articlesOff(a)
  const y = articlesOff(b)
  if (x.join(' ') === y.join(' ') || x.join('') === y.join('')) return equal
  const [short, long] = x.length < y.length ? [x, y] : [y, x]
  // "not even" against "even", "Evelyn" against "Evelyn Smith": only a reader can tell.
  return short.length > 0 && short.every((word) => long.includes(word)) ? undecided('text_overlap') : different
}

const isNested = (m: Meaning): boolean => m.kind === 'collection' && m.nested === true

const nameOf = (m: Meaning): string | undefined => ('name' in m ? m.name : undefined)

// Ordered by kind, so that every pair of kinds is handled once and the result doesn't depend on the order.
const kinds = [
  'choice',
  'text',
  'amount',
  'infinite',
  'based',
  'ratio',
  'time',
  'collection',
  'tuple',
  'region',
  'assignments',
  'matrix',
  'equation',
  'inequality',
] as const

function compareMeanings(a: Meaning, b: Meaning): Outcome {
  countWork(2)
  if (kinds.indexOf(a.kind) > kinds.indexOf(b.kind)) [a, b] = [b, a]
  if (isNested(a) !== isNested(b)) return different
  const x = nameOf(a)
  const y = nameOf(b)
  if (x !== undefined && y !== undefined && x !== y && !(a.kind === 'amount' && b.kind === 'amount')) return different
  switch (a.kind) {
    case 'choice':
      return compareChoice(a, b)
    case 'text':
      if (b.kind === 'text') return compareTexts(a.words, b.words)
      return compareTextWith(a.words, b)
    case 'amount':
      return compareAmountWith(a, b)
    case 'infinite':
      return b.kind === 'infinite' && a.sign === b.sign ? equal : different
    case 'based':
      if (b.kind !== 'based' || a.negative !== b.negative) return different
      if (a.base === b.base) return a.digits === b.digits ? equal : different
      return numeral(a.digits, a.base) === numeral(b.digits, b.base) ? undecided('bases_differ') : different
    case 'ratio':
      if (b.kind === 'ratio') return compareRatios(a, b)
      return b.kind === 'time' ? compareClock(a.written, b.minutes) : different
    case 'time':
      return b.kind === 'time' && a.minutes === b.minutes ? equal : different
    case 'collection':
      return compareCollectionWith(a, b)
    case 'tuple':
      return compareTupleWith(a, b)
    case 'region':
      return b.kind === 'region' ? comparePieces(a.pieces, b.pieces) : different
    case 'assignments': {
      if (b.kind !== 'assignments' || a.entries.length !== b.entries.length) return different
      if (a.entries.some(([name], index) => name !== b.entries[index]?.[0])) return different
      return compareInOrder(
        a.entries.map(([, value]) => value),
        b.entries.map(([, value]) => value),
      )
    }
    case 'matrix':
      return b.kind === 'matrix' ? compareMatrices(a, b) : different
    case 'equation':
      return b.kind === 'equation' ? compareEquations([a.left, a.right], [b.left, b.right]) : different
    case 'inequality':
      return b.kind === 'inequality' ? compareInequalities(a, b) : different
  }
}

type Matrix = Extract<Meaning, { kind: 'matrix' }>

const zero: Meaning = { kind: 'amount', node: { k: 'number', value: rational(0n) } }

// A sum of unit vectors without k is one of the plane, or of space with nothing along k.
const rowsOf = (m: Matrix, rows: number): Meaning[][] =>
  m.plane === true && rows === m.rows.length + 1 ? [...m.rows, [zero]] : m.rows

function compareMatrices(a: Matrix, b: Matrix): Outcome {
  // A sum of unit vectors is a point, which a row may be too.
  for (const [sum, row] of [
    [a, b],
    [b, a],
  ] as const)
    if (sum.plain !== undefined && row.plain === undefined && row.rows.length === 1) {
      const entries = row.rows.flat()
      const result = compareInOrder(rowsOf(sum, entries.length).flat(), entries)
      return result.outcome === 'different' ? different : undecided('row_or_column')
    }
  const x = rowsOf(a, b.rows.length)
  const y = rowsOf(b, a.rows.length)
  if (x.length !== y.length || x[0]?.length !== y[0]?.length) return different
  return compareInOrder(x.flat(), y.flat())
}

function compareChoice(a: Extract<Meaning, { kind: 'choice' }>, b: Meaning): Outcome {
  if (b.kind === 'choice') return a.letter === b.letter ? equal : different
  if (b.kind === 'amount') {
    const name = b.node.k === 'symbol' ? b.node.name : b.node.k === 'constant' ? b.node.name : ''
    if (b.unit === undefined && name.toUpperCase() === a.letter && (b.name === undefined || a.rest === undefined))
      return equal
  }
  if (b.kind === 'text' && b.words.join('').toUpperCase() === a.letter) return equal
  return a.rest === undefined ? different : compareMeanings(a.rest, b)
}

function compareTextWith(words: readonly string[], b: Meaning): Outcome {
  if (b.kind === 'amount') {
    if (
      (b.node.k === 'symbol' || b.node.k === 'constant') &&
      words.length === 1 &&
      words[0] === b.node.name.toLowerCase()
    )
      return equal
    if (b.node.k === 'number' && b.unit === undefined && words.includes(toNumber(b.node.value).toString()))
      return undecided('text_overlap')
  }
  return different
}

function compareAmountWith(a: Amount, b: Meaning): Outcome {
  switch (b.kind) {
    case 'amount':
      return compareAmounts(a, b)
    case 'based':
      return compareBased(a, b)
    case 'ratio': {
      const [first, second] = b.parts
      if (b.parts.length !== 2 || first === undefined || second === undefined) return different
      if (isPlainlyClock(b.written)) return different
      const result = compareReadings(reading(a), { node: { k: 'operation', op: '/', a: first.node, b: second.node } })
      return result.outcome === 'equal' && isClock(b.written) && !isReduced(b.written)
        ? undecided('time_or_ratio')
        : result
    }
    case 'region': {
      const pieces = piecesOf(a)
      return pieces !== undefined && b.pieces.length === 1 ? comparePieces(pieces, b.pieces) : different
    }
    case 'collection': {
      const items = elements(b)
      const [only] = items
      return items.length === 1 && only !== undefined ? compareMeanings(a, only) : different
    }
    case 'equation':
      return compareValuesWith([a], a.name, b)
    case 'matrix': {
      if (b.plain !== undefined) return compareMeanings(a, b.plain)
      const cell = b.rows[0]?.[0]
      return b.rows.length === 1 && b.rows[0]?.length === 1 && cell !== undefined ? compareMeanings(a, cell) : different
    }
    default:
      return different
  }
}

function numeral(digits: string, base: number): bigint {
  let value = 0n
  for (const digit of digits) value = value * BigInt(base) + BigInt(Number.parseInt(digit, 36))
  return value
}

// 204 for 204_5 leaves the base out, like a unit; 54 has its value but another form.
function compareBased(a: Amount, b: Extract<Meaning, { kind: 'based' }>): Outcome {
  const exact = tryExact(a.node)
  const value = exact === undefined ? undefined : asRational(exact)
  if (value?.d !== 1n || a.decimal !== undefined) return different
  const sign = b.negative ? -1n : 1n
  if (a.node.k === 'number' || a.node.k === 'negative')
    if (value.n === sign * BigInt(/^\d+$/.test(b.digits) ? b.digits : -1)) return equal
  return value.n === sign * numeral(b.digits, b.base) ? undecided('bases_differ') : different
}

type Ratio = Extract<Meaning, { kind: 'ratio' }>

const isClock = (written: readonly string[]): boolean =>
  written.length === 2 && /^\d{1,2}$/.test(written[0] ?? '') && /^[0-5]\d$/.test(written[1] ?? '')

// Nobody writes a ratio with a leading zero or a part of nothing.
const isPlainlyClock = (written: readonly string[]): boolean => isClock(written) && (written[1] ?? '').startsWith('0')

const isReduced = (written: readonly string[]): boolean =>
  gcd(BigInt(written[0] ?? '0'), BigInt(written[1] ?? '0')) === 1n

function compareRatios(a: Ratio, b: Ratio): Outcome {
  if (a.parts.length !== b.parts.length) return different
  if (a.written.join(':') === b.written.join(':') && [...a.parts, ...b.parts].every((p) => p.node.k === 'number'))
    return equal
  if (isPlainlyClock(a.written) || isPlainlyClock(b.written)) return different
  const [p, q] = [a.parts[0], b.parts[0]]
  if (p === undefined || q === undefined) return different
  for (const [index, part] of a.parts.entries()) {
    const other = b.parts[index]
    if (other === undefined) return different
    const left: Node = { k: 'operation', op: '*', a: part.node, b: q.node }
    const right: Node = { k: 'operation', op: '*', a: other.node, b: p.node }
    const result = compareExpressions(left, right)
    if (result.outcome !== 'equal') return result
  }
  // 3:30 and 1:10 are one ratio but two times.
  return isClock(a.written) && isClock(b.written) ? undecided('time_or_ratio') : equal
}

function compareClock(written: readonly string[], minutes: number): Outcome {
  if (!isClock(written)) return different
  const hours = Number(written[0])
  const read = hours * 60 + Number(written[1])
  if (hours > 23) return different
  // Without am or pm the hours 1 to 12 may be either; 0 and 13 to 23 are hours of the whole day.
  const isHalfDay = hours >= 1 && hours <= 12
  return read === minutes || (isHalfDay && (read - minutes) % 720 === 0) ? equal : different
}

function compareCollectionWith(a: Collection, b: Meaning): Outcome {
  const items = elements(a)
  switch (b.kind) {
    case 'collection':
      return compareUnordered(items, elements(b))
    case 'tuple': {
      const pieces = a.items.every((item) => item.kind === 'tuple') ? piecesOf(a) : undefined
      if (pieces?.length === 1) return comparePieces(pieces, piecesOf(b) ?? [])
      // 3,4 for (3,4) may be meant in order or not; a set in braces is not a pair.
      if (a.distinct || isHalfOpen(b) || items.length !== b.items.length) return different
      return compareUnordered(items, b.items).outcome === 'different' ? different : undecided('ordered_or_not')
    }
    case 'region': {
      const pieces = piecesOf({ ...a, items })
      if (pieces === undefined || pieces.length !== b.pieces.length) return different
      const left = pieces.map((piece): Meaning => ({ kind: 'region', pieces: [piece] }))
      const right = b.pieces.map((piece): Meaning => ({ kind: 'region', pieces: [piece] }))
      return compareUnordered(left, right)
    }
    case 'assignments': {
      const values = b.entries.map(([, value]) => value)
      const result = compareUnordered(items, values)
      // x_1 = 2, x_2 = 3 only counts the values up.
      const numbered = new Set(b.entries.map(([name]) => /^(.+)_\d+$/.exec(name)?.[1]))
      if (numbered.size === 1 && !numbered.has(undefined)) return result
      return result.outcome === 'different' ? different : undecided('ordered_or_not')
    }
    case 'equation':
      return compareValuesWith(items, a.name, b)
    default:
      return different
  }
}

/** Values against an equation. Where each of them solves it, it may be the same answer, left unsolved. */
function compareValuesWith(values: readonly Meaning[], name: string | undefined, equation: Equation): Outcome {
  const [only] = values
  let asEquations: Outcome = different
  if (values.length === 1 && only?.kind === 'amount' && name !== undefined)
    asEquations = compareEquations([{ k: 'symbol', name }, only.node], [equation.left, equation.right])
  if (asEquations.outcome === 'equal') return equal
  const [variable, ...others] = new Set([...traits(equation.left).names, ...traits(equation.right).names])
  if (variable === undefined || others.length > 0 || values.length === 0) return asEquations
  if (name !== undefined && name !== variable) return asEquations
  for (const value of values) {
    if (value.kind !== 'amount') return different
    const left = substituted(equation.left, variable, value.node)
    const right = substituted(equation.right, variable, value.node)
    if (left === undefined || right === undefined) return undecided('unsolved_equation')
    if (compareExpressions(left, right).outcome === 'different') return different
  }
  return undecided('unsolved_equation')
}

/** The expression with a value for its variable; undefined where it is no plain expression. */
function substituted(node: Node, variable: string, value: Node): Node | undefined {
  const all = (nodes: readonly Node[]): Node[] | undefined => {
    const results = nodes.map((each) => substituted(each, variable, value))
    return results.every((each) => each !== undefined) ? results : undefined
  }
  switch (node.k) {
    case 'number':
    case 'constant':
      return node
    case 'symbol':
      return node.name === variable ? value : node
    case 'operation': {
      const [a, b] = all([node.a, node.b]) ?? []
      return a && b && { k: 'operation', op: node.op, a, b }
    }
    case 'negative':
    case 'degree':
    case 'percent': {
      const a = substituted(node.a, variable, value)
      return a && { k: node.k, a }
    }
    case 'root': {
      const [a, degree] = all(node.degree === undefined ? [node.a] : [node.a, node.degree]) ?? []
      return a && { k: 'root', a, ...(degree === undefined ? {} : { degree }) }
    }
    case 'call': {
      const args = all(node.args)
      return args && { k: 'call', name: node.name, args }
    }
    default:
      return undefined
  }
}

// (1,2] and [1,2) are intervals and nothing else.
const isHalfOpen = (m: Extract<Meaning, { kind: 'tuple' }>): boolean =>
  m.items.length === 2 && (m.open === '(') !== (m.close === ')')

function compareTupleWith(a: Extract<Meaning, { kind: 'tuple' }>, b: Meaning): Outcome {
  switch (b.kind) {
    case 'tuple':
      if (a.items.length === 2 && (a.open !== b.open || a.close !== b.close)) return different
      return compareInOrder(a.items, b.items)
    case 'region': {
      const interval = intervalOf(a)
      return interval === undefined ? different : comparePieces(interval.pieces, b.pieces)
    }
    case 'assignments': {
      // The coordinates of a point follow the alphabet, x = 1, y = 2 is (1, 2), unless (x, y) = ... says otherwise.
      if (a.items.length === 2 && (a.open !== '(' || a.close !== ')')) return different
      if (!b.listed) return compareInOrder(a.items, b.written)
      const values = b.entries.map(([, value]) => value)
      const alphabetic = compareInOrder(a.items, values)
      if (alphabetic.outcome !== 'different') return alphabetic
      return compareInOrder(a.items, b.written).outcome === 'different' ? different : undecided('order_of_names')
    }
    case 'matrix': {
      if (isHalfOpen(a)) return different
      if (b.rows.every((row) => row.length === 1)) return compareInOrder(a.items, rowsOf(b, a.items.length).flat())
      const [row] = b.rows
      if (b.rows.length !== 1 || row === undefined) return different
      return compareInOrder(a.items, row).outcome === 'different' ? different : undecided('row_or_column')
    }
    default:
      return different
  }
}
