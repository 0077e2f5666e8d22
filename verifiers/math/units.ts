import { Undecided } from './limits.ts'
import { absolute, multiply, one, order, power, rational, rationalKey, type Rational } from './rational.ts'

/** A unit of measure. Units of one dimension convert by their factors; a noun that is no unit keeps its own name. */
export interface Unit {
  /** Base units with exponents, such as `length^2`; empty for "units". */
  readonly dimension: string
  /** How many base units one of these is. */
  readonly factor: Rational
  /** False for counted nouns (apples, ways), which may be left out or named otherwise. */
  readonly measured: boolean
  /** The power of the word "units": 1 for units, 2 for square units; 0 without the word. */
  readonly generic: number
}

type Base = readonly [dimensions: Readonly<Record<string, number>>, factor: Rational]

const known = new Map<string, Base>()

function define(dimensions: Readonly<Record<string, number>>, n: bigint, d: bigint, names: string): void {
  for (const name of names.split(' ')) known.set(name, [dimensions, rational(n, d)])
}

const length = { length: 1 }
define(length, 1n, 1000n, 'mm millimeter millimetre')
define(length, 1n, 100n, 'cm centimeter centimetre')
define(length, 1n, 10n, 'dm decimeter')
define(length, 1n, 1n, 'm meter metre')
define(length, 1000n, 1n, 'km kilometer kilometre')
define(length, 254n, 10_000n, 'in inch inche')
define(length, 3048n, 10_000n, 'ft foot feet')
define(length, 9144n, 10_000n, 'yd yard')
define(length, 1_609_344n, 1000n, 'mi mile')
define({ time: 1 }, 1n, 1000n, 'ms millisecond')
define({ time: 1 }, 1n, 1n, 's sec second')
define({ time: 1 }, 60n, 1n, 'min minute')
define({ time: 1 }, 3600n, 1n, 'h hr hour')
define({ time: 1 }, 86_400n, 1n, 'day')
define({ time: 1 }, 604_800n, 1n, 'week wk')
define({ month: 1 }, 1n, 1n, 'month')
define({ month: 1 }, 12n, 1n, 'year yr')
define({ mass: 1 }, 1n, 1_000_000n, 'mg milligram')
define({ mass: 1 }, 1n, 1000n, 'g gram')
define({ mass: 1 }, 1n, 1n, 'kg kilogram')
define({ mass: 1 }, 45_359_237n, 100_000_000n, 'lb pound')
define({ mass: 1 }, 45_359_237n, 1_600_000_000n, 'oz ounce')
define({ mass: 1 }, 1000n, 1n, 'tonne')
define({ dollar: 1 }, 1n, 1n, 'dollar usd buck')
define({ dollar: 1 }, 1n, 100n, 'cent')
define({ euro: 1 }, 1n, 1n, 'euro eur')
define({ sterling: 1 }, 1n, 1n, 'gbp')
define({ rupee: 1 }, 1n, 1n, 'rupee')
define({ length: 3 }, 1n, 1000n, 'l liter litre')
define({ length: 3 }, 1n, 1_000_000n, 'ml milliliter millilitre cc')
define({ gallon: 1 }, 1n, 1n, 'gallon gal')
define({ gallon: 1 }, 1n, 4n, 'quart qt')
define({ gallon: 1 }, 1n, 8n, 'pint pt')
define({ gallon: 1 }, 1n, 16n, 'cup')
define({ degree: 1 }, 1n, 1n, 'degree deg')
define({ radian: 1 }, 1n, 1n, 'radian rad')
define({ celsius: 1 }, 1n, 1n, 'celsius')
define({ fahrenheit: 1 }, 1n, 1n, 'fahrenheit')
define({ length: 1, time: -1 }, 1_609_344n, 3_600_000n, 'mph')
define({ length: 1, time: -1 }, 1000n, 3600n, 'kph kmh')
define({ mass: 1, length: 1, time: -2 }, 1n, 1n, 'newton')
define({ mass: 1, length: 2, time: -2 }, 1n, 1n, 'joule')
define({ mass: 1, length: 2, time: -3 }, 1n, 1n, 'watt')
define({ time: -1 }, 1n, 1n, 'hz hertz')
define({ volt: 1 }, 1n, 1n, 'volt')
define({}, 1n, 1n, 'unit')

const capitals = new Map([
  ['N', 'newton'],
  ['J', 'joule'],
  ['W', 'watt'],
  ['V', 'volt'],
  ['C', 'celsius'],
  ['F', 'fahrenheit'],
  ['L', 'liter'],
])

// Words that say nothing about the amount.
const fillers = new Set([
  'of',
  'the',
  'a',
  'an',
  'approximately',
  'about',
  'exactly',
  'total',
  'away',
  'old',
  'left',
  'remaining',
  'altogether',
])

/** Small numbers by their words. */
export const numberWords = new Map(
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'
    .split(' ')
    .map((word, n) => [word, n]),
)

// Each is 1,000 times the one before it.
const illions = (
  'million billion trillion quadrillion quintillion sextillion septillion octillion nonillion decillion undecillion duodecillion ' +
  'tredecillion quattuordecillion quindecillion sexdecillion septendecillion octodecillion novemdecillion vigintillion'
).split(' ')

/** Powers of ten by the words that multiply by them, in the short scale. */
export const multipliers = new Map([
  ['hundred', 2],
  ['thousand', 3],
  ...illions.map((name, place): [string, number] => [name, 3 * place + 6]),
  ['centillion', 303],
])

// What else multiplies: zillion, milliard (and billiard, which is another number where there are milliards), and ordinals from
// seventh on, which are parts (five twelfths).
const multiplies = /(?:illion|illiard|(?:illion|illiard|teen|tie|ven|lf)th)$/

// Words that change the amount, so that it can't stand without them.
const qualifiers = new Set(
  (
    'not no none less more fewer below above least most under over than if when for unless except negative minus plus times ' +
    'remainder loss before after until between dozen score gross couple k kilo mn mil mln bn hundred thousand ' +
    'lakh crore ten factorial squared cubed half halve third fourth quarter fifth sixth eighth ninth tenth hundredth ' +
    'thousandth double triple twice fold ones inverse reciprocal root sqrt pi x'
  ).split(' '),
)

function singular(word: string): string {
  if (known.has(word)) return word
  if (word.endsWith('ies') && word.length > 4) return `${word.slice(0, -3)}y`
  if (/(?:ch|sh|x|ss)es$/.test(word)) return word.slice(0, -2)
  return word.endsWith('s') && !word.endsWith('ss') && word.length > 1 ? word.slice(0, -1) : word
}

const isQualifier = (word: string): boolean =>
  qualifiers.has(word) || qualifiers.has(singular(word)) || multiplies.test(singular(word))

/** Whether a bare run of letters after a number is read as a unit and not as a product of variables. */
export function isBareUnit(word: string): boolean {
  return word.length >= 2 && (known.has(word) || known.has(singular(word)))
}

/** One piece of a written unit: a word with its exponent, `per` and `/` turning the sign. */
export interface UnitWord {
  word: string
  exponent: number
}

/**
 * Builds the unit from its words, or undefined when there is nothing to read. Throws Undecided on words that change
 * the amount ("5 or more").
 */
export function unitOf(words: readonly UnitWord[]): Unit | undefined {
  const dimensions = new Map<string, number>()
  const nouns: string[] = []
  let factor: Rational = one
  let pending = 1
  let any = false
  let generic = 0
  for (const { word, exponent } of words) {
    const lower = word.toLowerCase().replaceAll('.', '')
    if (lower === '' || (fillers.has(lower) && words.length > 1)) continue
    if (lower === 'square' || lower === 'sq') {
      pending = 2
      continue
    }
    if (lower === 'cubic' || lower === 'cu') {
      pending = 3
      continue
    }
    // A lone M is a million more often than a metre.
    if (isQualifier(lower) || word === 'M') throw new Undecided('not_understood')
    any = true
    const name = (word.length === 1 ? capitals.get(word) : undefined) ?? singular(lower)
    const base = known.get(name)
    if (base === undefined) {
      nouns.push(exponent < 0 ? `per ${name}` : name)
      continue
    }
    const times = exponent * pending
    pending = 1
    if (name === 'unit') generic += times
    for (const [dimension, n] of Object.entries(base[0]))
      dimensions.set(dimension, (dimensions.get(dimension) ?? 0) + n * times)
    factor = multiply(factor, power(base[1], times))
  }
  if (!any) return undefined
  // Degrees of heat are not degrees of arc.
  if (dimensions.has('celsius') || dimensions.has('fahrenheit')) dimensions.delete('degree')
  const dimension = [...dimensions]
    .filter(([, n]) => n !== 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, n]) => (n === 1 ? name : `${name}^${n}`))
  return {
    dimension: [...dimension, ...nouns.map((noun) => `noun ${noun}`)].join(' '),
    factor,
    measured: nouns.length === 0 && dimension.length > 0,
    generic,
  }
}

// Plurals that do not end in s, and units that have none.
const plural =
  /(?:[^s]s|men|people|children|teeth|geese|mice|oxen|sheep|fish|deer|dice|craft|[^aou]i|maxima|minima|extrema|data|media|criteria|spectra|kelvin|tesla|yuan)$/
// After these at the end the amount is not what was asked for, whatever it counts.
const denials = new Set('wrong false incorrect opposite short'.split(' '))

/**
 * Whether words after an amount say something about it instead of what it counts: numbers (5 twos), and adjectives and adverbs (5 missing),
 * told from counted nouns by a missing plural where the amount asks for one. Abbreviations and words of other scripts are given the benefit of
 * the doubt.
 */
export function isQualified(words: readonly UnitWord[], count: Rational | undefined): boolean {
  const lower = words.map(({ word }) => word.toLowerCase())
  if (denials.has(lower.at(-1) ?? '') || numberWords.has(singular(lower[0] ?? ''))) return true
  const isSeveral = count !== undefined && (count.n === 0n || order(absolute(count), one) > 0)
  return (
    isSeveral &&
    words.every(({ word }) => /^[a-z]{4,}$/i.test(word)) &&
    !lower.some((word) => fillers.has(word) || plural.test(word) || isBareUnit(word) || /^(?:square|cubic)$/.test(word))
  )
}

/** Text that is the same for equal units only. */
export function unitKey(unit: Unit): string {
  return `${unit.dimension}*${rationalKey(unit.factor)}${unit.generic === 0 ? '' : ` unit^${unit.generic}`}`
}
