/** What is compared of the formulas of a statement: which signs stand side by side, and which numbers stand in equations of one shape. */
import { hashText } from './hashing.ts'

/** Groups 1 to 3: what stands between the signs that begin and end a formula, 1,000 characters at most: a search for each end is bounded. */
export const formulaPattern = /\$\$?([^$]+)\$\$?|\\\(([^]{0,1000}?)\\\)|\\\[([^]{0,1000}?)\\\]/g
const layoutCommand =
  /\\(?:left|right|,|;|!|quad|qquad|displaystyle|text|mathrm|mathbf|operatorname|ldots|cdots|dots|cdot|times|circ)(?![a-z])/g
const formulaToken = /\\[a-z]+|\d+(?:\.\d+)?|[a-z]|[^\s\da-z]/g

/** The tokens of a formula in lower case: commands, numbers, letters and signs, without what groups them. @param groups what the groups of `formulaPattern` hold */
export function tokensOf(groups: readonly (string | undefined)[]): string[] {
  const inner = groups.slice(0, 3).find((group) => group !== undefined) ?? ''
  return (inner.replace(layoutCommand, ' ').match(formulaToken) ?? []).filter((token) => !/[{}.,;:?!()]/.test(token))
}

/** The tokens of every formula of a text in lower case. */
export function formulasOf(text: string): string[][] {
  return [...text.matchAll(formulaPattern)].map(([, ...groups]) => tokensOf(groups))
}

/** Hashes of the pairs of neighbours that tell something. */
export function pairsOf(tokens: readonly string[]): number[] {
  return tokens.slice(1).flatMap((token, index) => {
    const pair = `${tokens[index]} ${token}`
    return /[\d\\+*/=<>^|-]/.test(pair) ? [hashText(pair)] : []
  })
}

/** With fewer pairs of neighbours in one of the two, formulas tell nothing. */
const fewestPairs = 3

/** Whether the formulas of two statements agree, as far as both have any to speak of. @param first @param second hashes, ascending. The shares: 0 to 1 */
export function agree(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  { ofShorter, ofLonger }: { ofShorter: number; ofLonger: number },
): boolean {
  const [fewest, most] = [Math.min(first.length, second.length), Math.max(first.length, second.length)]
  if (fewest < fewestPairs) return true
  let common = 0
  for (let one = 0, other = 0; one < first.length && other < second.length;) {
    const a = first[one] as number
    const b = second[other] as number
    if (a === b) common++
    if (a <= b) one++
    if (b <= a) other++
  }
  return common / fewest >= ofShorter && common / most >= ofLonger
}

/** Bounds what a hostile statement can make us compare. */
const mostEquations = 12
/** Bits of an equation's hash that say what it says; the others are what it is about. */
const saidBits = 12

/**
 * What formulas say of numbers, two hashes each: what it is about, and above it nothing, so that two equations about the same that say something
 * else exclude each other. About a shape, its numbers (#x^# + #x = #, where a letter without a number has 1: 1 2 3 5 for x^2 + 3x = 5); about what
 * stands before the only equals sign, what stands behind it (a_1: 2). 32 bits, ascending, `mostEquations` at most.
 */
export function equationsOf(formulas: readonly (readonly string[])[]): number[] {
  const equations = new Set<number>()
  for (const tokens of formulas) {
    if (equations.size >= mostEquations) break
    const numbers: string[] = []
    const shape: string[] = []
    let isAfterNumber = false
    for (const token of tokens) {
      const isNumber = /^\d/.test(token)
      if (isNumber || (/^[a-z]$/.test(token) && !isAfterNumber)) {
        numbers.push(isNumber ? token : '1')
        shape.push('#')
      }
      if (!isNumber) shape.push(token)
      isAfterNumber = isNumber
    }
    if (numbers.length > 1 && shape.some((token) => /^[+*/=<>^|-]$/.test(token)))
      equations.add(equation(shape, numbers))
    const equals = tokens.indexOf('=')
    if (equals > 0 && equals === tokens.lastIndexOf('='))
      equations.add(equation(tokens.slice(0, equals + 1), tokens.slice(equals + 1)))
  }
  return [...equations].sort((a, b) => a - b).slice(0, mostEquations)
}

function equation(about: readonly string[], said: readonly string[]): number {
  return ((hashText(about.join(' ')) << saidBits) | (hashText(said.join(' ')) >>> (32 - saidBits))) >>> 0
}

/** Whether two statements have equations about the same, of which none says the same: x^2 + 3x = 5 is not 3x^2 + 3x = 5. @param first @param second of `equationsOf` */
export function haveOtherEquations(first: ArrayLike<number>, second: ArrayLike<number>): boolean {
  const same = new Set<number>()
  const both = new Set<number>()
  for (let one = 0; one < first.length; one++)
    for (let other = 0; other < second.length; other++) {
      const a = first[one] as number
      const b = second[other] as number
      if (a >>> saidBits !== b >>> saidBits) continue
      both.add(a >>> saidBits)
      if (a === b) same.add(a >>> saidBits)
    }
  return same.size < both.size
}
