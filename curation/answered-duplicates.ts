/**
 * Which problems with an answer are the same, however they are worded: those that name the same numbers and have the same answer. Words tell
 * nothing here ("a player rolls three fair dice", "a wheel is spun three times"); the answer tells what is asked.
 */
import { createHash } from 'node:crypto'
import { nameOtherSides } from './contrasts.ts'
import { agree, formulasOf, haveOtherEquations } from './formulas.ts'
import { hashText } from './hashing.ts'
import { areSameNumbers, featuresOf, namesNumbers } from './near-duplicates.ts'

/** What is compared of a statement. */
export interface ComparedStatement {
  /** Hashes of its numbers, 16 bits, ascending, with repeats; those of 0, 1 and 2 are these numbers. */
  numbers: number[]
  /** Hashes of pairs of neighbours in its formulas, 32 bits, ascending. */
  formulas: number[]
  /** What formulas say one way or the other, the ways in the last bit: which of two numbers comes first, and whether a letter is added or taken away. */
  orders: number[]
  /** Hashes of its equations, ascending: see `equationsOf`. */
  equations: number[]
  /** One bit for each condition that it names, and for each side of a contrast: see `contrastsOf`. */
  contrasts: number
}

/** Problems with one key that are remembered: with more, the numbers tell too little. */
export const mostOwners = 16
/** Share of the shorter statement's formulas that the longer one must have too: another wording writes some otherwise. */
const leastFormulas = 0.6

/** What is compared of a statement; undefined where it names no number but 0, 1 and 2, and an equal answer may be chance. */
export function comparedOf(statement: string): ComparedStatement | undefined {
  const features = featuresOf(statement)
  if (!namesNumbers(features)) return undefined
  const { numbers, formulas, equations, contrasts } = features
  return {
    numbers: [...numbers].sort((a, b) => a - b),
    formulas: [...formulas],
    orders: ordersOf(statement),
    equations: [...equations],
    contrasts,
  }
}

/**
 * What problems share that may be the same: domain, answer, and numbers but 0, 1 and 2. A hash of it where it is long: the state takes 1,024 bytes.
 * @param answer a text that equal answers share: the domain's, or `answerKey`'s
 */
export function ownersKey(domain: string, answer: string, { numbers }: ComparedStatement): string {
  const telling = [...new Set(numbers.filter((number) => number > 2))]
  const key = `${domain} ${answer} ${telling.join(' ')}`
  if (Buffer.byteLength(key) <= longestKeyBytes) return key
  return `${domain} sha256 ${createHash('sha256').update(key).digest('hex')}`
}

const longestKeyBytes = 900

/**
 * An answer without what its layout says: equal for `\dfrac{1}{2}`, `$\frac{1}{2}$` and `1/2`. Cheap and cautious: answers that are equal in
 * value alone ("0.5") have another one; a domain may know better (`canonicalAnswer`). `longestAnswer` characters of it, and a hash of all where it
 * is longer.
 */
export function answerKey(answer: string): string {
  const written = answer
    .slice(0, longestAnswer)
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\\(?:left|right|,|;|:|!|quad|qquad|displaystyle|big|bigg)(?![a-z])/g, '')
    .replace(/\\[dt]frac/g, '\\frac')
    .replace(/\\frac\{(-?\d+)\}\{(\d+)\}/g, '$1/$2')
    .replace(/\\(?:text|mathrm|textbf|mathbf)\{([^{}]*)\}/g, '$1')
    .replace(/(\d)\{?,\}?(?=\d{3}(?!\d))/g, '$1')
    .replace(/\\[()[\]]|[\s$]/g, '')
    .replace(/\.$/, '')
  return answer.length > longestAnswer ? `${written}... ${hashText(answer)}` : written
}

const longestAnswer = 400

/**
 * An answer that many problems have, so that it may be shared by chance: a whole number of up to three digits, such a number of halves to ninths, a
 * word or a letter (yes, B, \infty).
 */
const plainAnswer = /^(?:-?\d{1,3}(?:\/\d)?|\(?\\?\p{L}+\)?)$/u
/** So many numbers but 0, 1 and 2, with an answer that is not plain, are told by it however often each is named. */
const tellingNumbers = 2

/**
 * Whether two statements with the same answer and the same numbers but 0, 1 and 2 are the same problem. What few problems come to (a fraction, a
 * root, four digits) tells more than how often each number is named; what many do (4, 12) tells less.
 * @param answer of both: a text that equal answers share
 */
export function areTheSame(first: ComparedStatement, second: ComparedStatement, answer: string): boolean {
  if (isReversed(first.orders, second.orders) || haveOtherEquations(first.equations, second.equations)) return false
  if (nameOtherSides(first.contrasts, second.contrasts)) return false
  const isEqual = areEqual(first.numbers, second.numbers)
  const isTold = !plainAnswer.test(answer)
  if (isEqual && isTold) return true
  if (!agree(first.formulas, second.formulas, { ofShorter: leastFormulas, ofLonger: 0 })) return false
  // A longer wording may repeat its numbers, and name 0, 1 and 2 besides.
  if (first.numbers.length !== second.numbers.length) return areSameNumbers(first.numbers, second.numbers)
  return isEqual || (isTold && new Set(first.numbers.filter((number) => number > 2)).size >= tellingNumbers)
}

function areEqual(first: readonly number[], second: readonly number[]): boolean {
  return first.length === second.length && first.every((number, index) => number === second[index])
}

/** Whether the one says a thing in one way alone and the other in the other way: (3, 4) is not (4, 3), and x^2 + x is not x^2 - x. */
function isReversed(first: readonly number[], second: readonly number[]): boolean {
  return first.some((order) => !second.includes(order) && second.includes(order ^ 1) && !first.includes(order ^ 1))
}

/** One of two things that exclude each other: they differ in the last bit. 0 to 4294967295. */
function halfOf(text: string, isOther: boolean): number {
  return (((hashText(text) & 0x3fffffff) << 1) | Number(isOther)) >>> 0
}

/** Bounds what a hostile statement can make us compare. */
const mostOrders = 64

function ordersOf(statement: string): number[] {
  const orders = new Set<number>()
  for (const tokens of formulasOf(statement.normalize('NFKC').toLowerCase())) {
    const numbers = tokens.filter((token) => /^\d/.test(token))
    for (let index = 1; index < numbers.length; index++) {
      const [one = '', other = ''] = numbers.slice(index - 1, index + 1)
      const [low, high] = one < other ? [one, other] : [other, one]
      if (low !== high) orders.add(halfOf(`${low} ${high}`, one === high))
    }
    for (const [index, token] of tokens.entries())
      if ((token === '+' || token === '-') && index + 1 < tokens.length)
        orders.add(halfOf(`+- ${tokens[index + 1]}`, token === '-'))
  }
  return [...orders].sort((a, b) => a - b).slice(0, mostOrders)
}
