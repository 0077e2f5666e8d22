import { remainingSampling, spendSampling, Undecided } from './limits.ts'
import { toNumber } from './rational.ts'
import type { Node } from './syntax.ts'

/** A complex double with a bound on its absolute error. */
interface Approximation {
  readonly re: number
  readonly im: number
  readonly error: number
}

/** Values of the variables and how a logarithm without a base is read. */
interface Sample {
  readonly values: ReadonlyMap<string, number>
  readonly naturalLog: boolean
}

const epsilon = 2.3e-16

// Where a double keeps nothing of what was written (1 + 10^{-15}, \cos 10^{-9}, \tanh 20), the error is widened by this
// share of the value: such a value can still tell two answers apart, but never prove them equal.
const blur = 1e-6

const blurred = (x: Approximation): Approximation => ({ ...x, error: x.error + blur * size(x) })

// Arguments so close to zero that the first terms of a series are all there is to see.
const isTiny = (x: Approximation): boolean => size(x) > x.error && size(x) < 1e-3

const size = (x: Approximation): number => Math.hypot(x.re, x.im)

const undefinedValue: Approximation = { re: NaN, im: NaN, error: Infinity }

function value(re: number, im: number, error: number): Approximation {
  return { re, im, error: error + epsilon * (Math.abs(re) + Math.abs(im)) }
}

const real = (x: number): Approximation => value(x, 0, 0)

function add(a: Approximation, b: Approximation): Approximation {
  const sum = value(a.re + b.re, a.im + b.im, a.error + b.error)
  const [small, large] = size(a) < size(b) ? [a, b] : [b, a]
  return size(small) > small.error && size(small) < 1e-6 * size(large) ? blurred(sum) : sum
}

const negate = (a: Approximation): Approximation => ({ re: -a.re, im: -a.im, error: a.error })

function multiply(a: Approximation, b: Approximation): Approximation {
  const error = size(a) * b.error + size(b) * a.error + a.error * b.error
  const product = value(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, error + epsilon * size(a) * size(b))
  return size(product) === 0 && size(a) > 0 && size(b) > 0 ? undefinedValue : product
}

function divide(a: Approximation, b: Approximation): Approximation {
  const square = b.re * b.re + b.im * b.im
  const magnitude = Math.sqrt(square)
  // A divisor that may be zero gives no value.
  if (magnitude <= b.error * 4) return undefinedValue
  const re = (a.re * b.re + a.im * b.im) / square
  const im = (a.im * b.re - a.re * b.im) / square
  const error = a.error / magnitude + (size(a) * b.error) / square
  if (re === 0 && im === 0 && size(a) > 0) return undefinedValue
  return value(re, im, error + epsilon * Math.hypot(re, im))
}

function exponential(x: Approximation): Approximation {
  const scale = Math.exp(x.re)
  // Too small for a double is not zero.
  if (scale === 0) return undefinedValue
  const y = value(scale * Math.cos(x.im), scale * Math.sin(x.im), scale * (x.error + epsilon * (1 + size(x))))
  return isTiny(x) ? blurred(y) : y
}

function logarithm(x: Approximation): Approximation {
  const magnitude = size(x)
  if (magnitude <= x.error * 4) return undefinedValue
  return value(Math.log(magnitude), Math.atan2(x.im, x.re), x.error / magnitude + epsilon)
}

// Roots and logarithms of values that aren't positive leave the real line: with variables there, that point says nothing.
const isPositive = (x: Approximation): boolean => x.im === 0 && x.re > x.error

function integerPower(base: Approximation, exponent: number): Approximation {
  if (exponent < 0) return divide(real(1), integerPower(base, -exponent))
  let result = real(1)
  let square = base
  for (let k = exponent; k > 0; k = Math.floor(k / 2)) {
    if (k % 2 === 1) result = multiply(result, square)
    if (k > 1) square = multiply(square, square)
  }
  return result
}

function power(base: Approximation, exponent: Approximation, complex: boolean): Approximation {
  if (exponent.im === 0 && Number.isInteger(exponent.re) && Math.abs(exponent.re) <= 1e6 && exponent.error < 1e-9) {
    if (exponent.re <= 0 && size(base) <= base.error) return undefinedValue
    return integerPower(base, exponent.re)
  }
  if (base.re === 0 && base.im === 0 && base.error === 0) return exponent.re > 0 ? real(0) : undefinedValue
  if (!isPositive(base) && !complex) return undefinedValue
  return exponential(multiply(exponent, logarithm(base)))
}

function root(x: Approximation, degree: number, complex: boolean): Approximation {
  if (x.re === 0 && x.im === 0) return x.error === 0 ? x : { re: 0, im: 0, error: x.error ** (1 / degree) }
  if (x.im === 0) {
    if (x.re < 0 && degree % 2 === 1) return negate(root(negate(x), degree, complex))
    if (x.re > 0) {
      const r = x.re ** (1 / degree)
      if (x.re <= x.error * 4) return { re: r, im: 0, error: (x.re + x.error) ** (1 / degree) }
      return value(r, 0, (r / degree) * (x.error / x.re) + 2 * epsilon * r)
    }
    if (degree === 2 && complex) {
      const up = root(negate(x), 2, complex)
      return { re: 0, im: up.re, error: up.error }
    }
  }
  return complex ? exponential(divide(logarithm(x), real(degree))) : undefinedValue
}

// Real functions of one real argument, with their derivatives for the error bound.
type Real = (x: number) => number
const functions = new Map(
  Object.entries<readonly [f: Real, slope: Real]>({
    sin: [Math.sin, Math.cos],
    cos: [Math.cos, Math.sin],
    tan: [Math.tan, (x) => 1 + Math.tan(x) ** 2],
    cot: [(x) => 1 / Math.tan(x), (x) => 1 + 1 / Math.tan(x) ** 2],
    sec: [(x) => 1 / Math.cos(x), (x) => Math.tan(x) / Math.cos(x)],
    csc: [(x) => 1 / Math.sin(x), (x) => 1 / (Math.tan(x) * Math.sin(x))],
    sinh: [Math.sinh, Math.cosh],
    cosh: [Math.cosh, Math.sinh],
    tanh: [Math.tanh, () => 1],
    // Their slope is not used: see arcSpread.
    arcsin: [Math.asin, () => 1],
    arccos: [Math.acos, () => 1],
    arctan: [Math.atan, () => 1],
    arccot: [(x) => Math.PI / 2 - Math.atan(x), () => 1],
  }),
)

// How far arcsin and arccos may be off for an argument that is off by `error`: their slope has no bound at 1 and -1.
function arcSpread(x: number, error: number): number {
  const room = 1 - Math.abs(x)
  return 2 * error < room ? error / Math.sqrt(1 - (Math.abs(x) + error) ** 2) : 2 * Math.sqrt(error)
}

// Lanczos approximation, g = 7: good to about 1e-14 for arguments of a moderate size.
const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]

function factorial(x: number): number {
  if (Number.isInteger(x)) {
    if (x < 0 || x > 170) return NaN
    let product = 1
    for (let k = 2; k <= x; k++) product *= k
    return product
  }
  if (x < 0 || x > 60) return NaN
  let sum = lanczos[0] ?? 0
  for (let k = 1; k < lanczos.length; k++) sum += (lanczos[k] ?? 0) / (x + k)
  const t = x + 7.5
  return Math.sqrt(2 * Math.PI) * t ** (x + 0.5) * Math.exp(-t) * sum
}

function call(name: string, args: readonly Approximation[], sample: Sample, complex: boolean): Approximation {
  const x = args[0] ?? undefinedValue
  switch (name) {
    case 'ln':
    case 'log': {
      const base = args[1]
      if (!complex && !isPositive(x)) return undefinedValue
      const top = logarithm(x)
      if (name === 'ln' || (base === undefined && sample.naturalLog)) return top
      return divide(top, base === undefined ? real(Math.LN10) : logarithm(base))
    }
    case 'exp':
      return exponential(x)
    case 'abs':
      return { re: size(x), im: 0, error: x.error }
  }
  if (args.some((a) => a.im !== 0)) return undefinedValue
  const known = functions.get(name)
  if (known !== undefined) {
    const y = known[0](x.re)
    const slope = x.error === 0 && x.re === 0 ? 0 : Math.min(1e12, Math.abs(known[1](x.re)))
    const spread =
      name === 'arcsin' || name === 'arccos'
        ? arcSpread(x.re, x.error + 2 * epsilon * Math.abs(x.re))
        : slope * x.error + x.error * x.error + 2 * epsilon * slope * Math.abs(x.re)
    const result = { re: y, im: 0, error: spread + 2 * epsilon * Math.abs(y) }
    const isFlat = x.re !== 0 && Math.abs(known[0](x.re * 1.001) - y) < 1e-9 * Math.abs(y)
    return isFlat || isTiny(x) ? blurred(result) : result
  }
  switch (name) {
    case 'floor':
    case 'ceil': {
      if (x.error > 0 && Math.abs(x.re - Math.round(x.re)) <= x.error * 2 && !Number.isInteger(x.re))
        return undefinedValue
      if (Math.abs(x.re) > 1e15) return undefinedValue
      return { re: name === 'floor' ? Math.floor(x.re) : Math.ceil(x.re), im: 0, error: 0 }
    }
    case 'factorial': {
      const y = factorial(x.re)
      return { re: y, im: 0, error: Math.abs(y) * (1e-13 + x.error * 8) }
    }
    case 'binomial': {
      const k = args[1] ?? undefinedValue
      const y = factorial(x.re) / (factorial(k.re) * factorial(x.re - k.re))
      return { re: y, im: 0, error: Math.abs(y) * (1e-12 + (x.error + k.error) * 8) }
    }
    case 'max':
    case 'min': {
      const pick = args.map((a) => a.re)
      const error = Math.max(...args.map((a) => a.error))
      return { re: name === 'max' ? Math.max(...pick) : Math.min(...pick), im: 0, error }
    }
  }
  return undefinedValue
}

/**
 * The value of an expression at one point. `complex` allows roots and logarithms of negative numbers; without it
 * they have no value. Throws Undecided on a node that is no expression.
 */
function evaluate(node: Node, sample: Sample, complex: boolean): Approximation {
  spendSampling(0.5)
  const at = (inner: Node): Approximation => evaluate(inner, sample, complex)
  switch (node.k) {
    case 'number': {
      const re = toNumber(node.value)
      const long = node.value.d > longestLiteral || node.value.n > longestLiteral || node.value.n < -longestLiteral
      const error = node.value.d === 1n && Number.isSafeInteger(re) ? 0 : Math.abs(re) * epsilon
      return long && re !== 0 ? blurred({ re, im: 0, error }) : { re, im: 0, error }
    }
    case 'symbol': {
      const x = sample.values.get(node.name)
      return x === undefined ? undefinedValue : { re: x, im: 0, error: 0 }
    }
    case 'constant':
      if (node.name === 'pi') return real(Math.PI)
      if (node.name === 'e') return real(Math.E)
      if (node.name === 'i') return { re: 0, im: 1, error: 0 }
      return undefinedValue
    case 'negative':
      return negate(at(node.a))
    case 'operation': {
      const a = at(node.a)
      if (node.op === '^') {
        // x^(p/q) with an odd q is the real root, as it is for exact values.
        const parts = oddRoot(node.b)
        if (parts !== undefined && a.im === 0 && a.re < 0 && !complex)
          return integerPower(root(a, parts[1], complex), parts[0])
        if (node.a.k === 'constant' && node.a.name === 'e') return exponential(at(node.b))
        return power(a, at(node.b), complex)
      }
      const b = at(node.b)
      return node.op === '+'
        ? add(a, b)
        : node.op === '-'
          ? add(a, negate(b))
          : node.op === '*'
            ? multiply(a, b)
            : divide(a, b)
    }
    case 'root': {
      if (node.degree === undefined) return root(at(node.a), 2, complex)
      const degree = at(node.degree)
      if (degree.im !== 0 || !Number.isInteger(degree.re) || degree.re < 1 || degree.re > 1000) return undefinedValue
      return root(at(node.a), degree.re, complex)
    }
    case 'call':
      return call(node.name, node.args.map(at), sample, complex)
    case 'degree':
      return multiply(at(node.a), real(Math.PI / 180))
    case 'percent':
      return divide(at(node.a), real(100))
    default:
      throw new Undecided('not_understood')
  }
}

// Fractions of longer numbers are too close to their neighbours for doubles.
const longestLiteral = 1_000_000_000_000n

function oddRoot(exponent: Node): [number, number] | undefined {
  if (exponent.k !== 'operation' || exponent.op !== '/' || exponent.a.k !== 'number' || exponent.b.k !== 'number')
    return undefined
  const n = exponent.a.value
  const d = exponent.b.value
  if (n.d !== 1n || d.d !== 1n || d.n % 2n !== 1n || d.n > 99n || n.n > 99n) return undefined
  return [Number(n.n), Number(d.n)]
}

// A fixed pseudo-random number in [0, 1) for the place of a variable and a point.
function scatter(place: number, point: number): number {
  let h = Math.imul((place + 1) ^ 0x5bd1e995, 16777619) ^ Math.imul(point + 1, 0x9e3779b9)
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296
}

// Five points of one sign, two near zero for arcsin and the like; two of signs that alternate, so that every pair of
// variables that stand side by side has all four pairs of signs; three of whole numbers (for n!, (-1)^n and the like).
const points = 10

function coordinate(place: number, point: number): number {
  const u = scatter(place, point)
  switch (point) {
    case 0:
      return 0.1 + 0.8 * u
    case 1:
    case 2:
      return 0.25 + 2.5 * u
    case 3:
      return -0.1 - 0.8 * u
    case 4:
      return -0.25 - 2.5 * u
    case 5:
    case 6:
      return (0.3 + 2 * u) * ((place + point) % 2 === 0 ? 1 : -1)
    default:
      return 2 + ((Math.floor(u * 7) + point) % 9)
  }
}

// The variables in the order in which they are met, and the expression's text with places instead of their names.
function shapeOf(node: Node): { names: string[]; text: string } {
  const places = new Map<string, number>()
  const visit = (n: Node): string => {
    switch (n.k) {
      case 'symbol': {
        const place = places.get(n.name) ?? places.size
        places.set(n.name, place)
        return `#${place}`
      }
      case 'number':
        return `${n.value.n}/${n.value.d}`
      case 'constant':
        return n.name
      case 'operation':
        return `(${visit(n.a)}${n.op}${visit(n.b)})`
      case 'negative':
      case 'degree':
      case 'percent':
        return `${n.k}(${visit(n.a)})`
      case 'root':
        return `root(${visit(n.a)},${n.degree === undefined ? 2 : visit(n.degree)})`
      case 'call':
        return `${n.name}(${n.args.map(visit).join()})`
      default:
        return n.k
    }
  }
  const text = visit(node)
  return { names: [...places.keys()], text }
}

/**
 * Orders of the variables of two expressions that depend neither on their letters nor on which expression comes first:
 * as they stand in the expression whose text is less, then in the other; two orders where that says nothing.
 */
function variableOrders(a: Node, b: Node, names: ReadonlySet<string>): string[][] {
  if (names.size < 2) return [[...names]]
  const x = shapeOf(a)
  const y = shapeOf(b)
  const forth = [...new Set([...x.names, ...y.names])]
  const back = [...new Set([...y.names, ...x.names])]
  if (x.text !== y.text) return [x.text < y.text ? forth : back]
  return forth.every((name, place) => name === back[place]) ? [forth] : [forth, back]
}

/** Names of the variables of an expression, and whether i or a logarithm without a base occurs. */
export function traits(node: Node): { names: Set<string>; imaginary: boolean; plainLog: boolean } {
  const found = { names: new Set<string>(), imaginary: false, plainLog: false }
  const visit = (n: Node): void => {
    switch (n.k) {
      case 'symbol':
        found.names.add(n.name)
        break
      case 'constant':
        if (n.name === 'i') found.imaginary = true
        break
      case 'operation':
        visit(n.a)
        visit(n.b)
        break
      case 'negative':
      case 'degree':
      case 'percent':
      case 'quantity':
        visit(n.a)
        break
      case 'plusminus':
        if (n.a !== undefined) visit(n.a)
        visit(n.b)
        break
      case 'root':
        visit(n.a)
        if (n.degree !== undefined) visit(n.degree)
        break
      case 'call':
        if (n.name === 'log' && n.args.length === 1) found.plainLog = true
        n.args.forEach(visit)
        break
      default:
        break
    }
  }
  visit(node)
  return found
}

/** Whether two approximations are equal, different, really different by a trace (`close`), or too uncertain to say. */
function closeness(a: Approximation, b: Approximation, bounded: boolean): 'equal' | 'different' | 'close' | 'unclear' {
  const error = a.error + b.error
  const difference = Math.hypot(a.re - b.re, a.im - b.im)
  const scale = Math.max(size(a), size(b))
  if (!Number.isFinite(difference) || !Number.isFinite(error)) return 'unclear'
  if (difference > error + 1e-9 * scale) return 'different'
  // Doubles can't tell neighbouring large numbers apart, and a wide error proves nothing.
  if (bounded && scale > 1e6) return 'unclear'
  // Beyond the bound on rounding there is a real difference, however small.
  if (difference > 4 * error) return 'close'
  // Around zero nothing is left after the leading digits have cancelled.
  return error <= (bounded ? 1e-12 : 1e-11) * scale ? 'equal' : 'unclear'
}

/** Compares two expressions by their values at fixed points; at least two finite ones must agree where there are variables. */
export function compareNumerically(a: Node, b: Node, naturalLog = false): 'equal' | 'different' | 'unclear' {
  const left = traits(a)
  const right = traits(b)
  const complex = left.imaginary || right.imaginary
  const orders = variableOrders(a, b, new Set([...left.names, ...right.names]))
  if (orders[0]?.length === 0) {
    const sample = { values: new Map<string, number>(), naturalLog }
    const result = closeness(evaluate(a, sample, true), evaluate(b, sample, true), true)
    return result === 'close' ? 'unclear' : result
  }
  let agreed = 0
  let close = false
  for (const names of orders)
    for (let point = 0; point < points; point++) {
      const values = new Map(names.map((name, place) => [name, coordinate(place, point)]))
      const sample = { values, naturalLog }
      const result = closeness(evaluate(a, sample, complex), evaluate(b, sample, complex), false)
      if (result === 'different') return 'different'
      if (result === 'close') close = true
      if (result === 'equal') agreed++
    }
  if (close || agreed < 2) return 'unclear'
  if (!(hasKinks(a) || hasKinks(b))) return 'equal'
  return agreeBeyondKinks(a, b, orders, naturalLog, complex)
}

const kinked = /^(?:abs|max|min|floor|ceil|gcd|lcm|arcsin|arccos|arctan|arccot|ln|log)$/

const isVarying = (node: Node): boolean => traits(node).names.size > 0

// Whether an expression may change its form somewhere, so that agreement on one side says nothing about the other: |x|,
// max, floor, and the functions that take one of several inverses: roots, logarithms, arcsin and the like.
function hasKinks(node: Node): boolean {
  switch (node.k) {
    case 'call':
      return (kinked.test(node.name) && node.args.some(isVarying)) || node.args.some(hasKinks)
    case 'root':
      return isVarying(node.a) || (node.degree !== undefined && isVarying(node.degree))
    case 'operation':
      // x^{1/2} is a root, and x^{0.5} too.
      if (node.op === '^' && !(node.b.k === 'number' && node.b.value.d === 1n) && isVarying(node.a)) return true
      return hasKinks(node.a) || hasKinks(node.b)
    case 'negative':
    case 'degree':
    case 'percent':
      return hasKinks(node.a)
    default:
      return false
  }
}

// Numbers written in an expression: kinks lie near them, their roots and their quotients.
function literals(node: Node, found: Set<number>): Set<number> {
  if (node.k === 'number' && node.value.n !== 0n) found.add(Math.abs(toNumber(node.value)))
  if (node.k === 'operation') {
    literals(node.a, found)
    literals(node.b, found)
    if (node.op === '^' && node.a.k === 'number' && node.b.k === 'number')
      found.add(Math.abs(toNumber(node.a.value)) ** toNumber(node.b.value))
  }
  if (node.k === 'negative' || node.k === 'root') literals(node.a, found)
  if (node.k === 'call') for (const arg of node.args) literals(arg, found)
  return found
}

const bothSigns = (positions: readonly number[]): number[] => positions.flatMap((x) => [x, -x])

// Every decade from 10^-6 to 10^10.
const decades = bothSigns(
  Array.from({ length: 34 }, (_, n) => (n % 2 === 0 ? 1.3 : 4.7) * 10 ** (Math.floor(n / 2) - 6)),
)
// A fine grid around zero.
const grid = bothSigns(Array.from({ length: 48 }, (_, n) => n / 4 + 0.13))

// Both sides of the numbers written in the two expressions, of their roots, squares, halves and inverses.
function aroundLiterals(a: Node, b: Node): number[] {
  const numbers = [...literals(b, literals(a, new Set<number>()))].filter(Number.isFinite).sort((p, q) => p - q)
  const near = numbers.slice(0, 8).flatMap((c) => [c, Math.sqrt(c), c / 2, c * c, 1 / c])
  return bothSigns(near.flatMap((x) => [x * 0.97, x * 1.03]))
}

// What changes its sign at a kink: the arguments of |x| and roots, the differences of those of max and min.
function kinkArguments(node: Node, found: Node[]): Node[] {
  switch (node.k) {
    case 'call': {
      const [first, second] = node.args
      if (node.name === 'abs' && first !== undefined) found.push(first)
      if ((node.name === 'max' || node.name === 'min') && first !== undefined && second !== undefined)
        found.push({ k: 'operation', op: '-', a: first, b: second })
      for (const arg of node.args) kinkArguments(arg, found)
      break
    }
    case 'root':
      found.push(node.a)
      kinkArguments(node.a, found)
      break
    case 'operation':
      if (node.op === '^' && !(node.b.k === 'number' && node.b.value.d === 1n)) found.push(node.a)
      kinkArguments(node.a, found)
      kinkArguments(node.b, found)
      break
    case 'negative':
      kinkArguments(node.a, found)
      break
    default:
      break
  }
  return found
}

// Points around the places between the given ones where |f| is smallest, so that two zeros close together are seen. Ends
// when the sampling that is left falls to `reserve`.
function nearZeros(sorted: readonly number[], f: (x: number) => number, reserve: number): number[] {
  const heights = sorted.map((x) => (remainingSampling() > reserve ? Math.abs(f(x)) : NaN))
  const found: number[] = []
  for (let k = 1; k + 1 < sorted.length && found.length < 48 && remainingSampling() > reserve; k++) {
    const height = heights[k] ?? NaN
    if (!(height <= (heights[k - 1] ?? NaN) && height <= (heights[k + 1] ?? NaN))) continue
    let low = sorted[k - 1] ?? 0
    let high = sorted[k + 1] ?? 0
    for (let step = 0; step < 40; step++) {
      const third = (high - low) / 3
      if (Math.abs(f(low + third)) < Math.abs(f(high - third))) high -= third
      else low += third
    }
    for (const share of [1e-5, 1e-4, 1e-3, 4e-3]) found.push(low * (1 + share), low * (1 - share))
  }
  return found
}

// Where there is more to see than work is left for, every so manyth place.
function thinned(positions: readonly number[], most: number): number[] {
  const step = Math.max(1, Math.ceil(positions.length / Math.max(1, most)))
  return positions.filter((_, index) => index % step === 0)
}

// Agreement at all points where both have a value, so far out and so close that no side of a kink is left out. A long
// expression is tried at fewer points, but always at every decade of both signs.
function agreeBeyondKinks(
  a: Node,
  b: Node,
  orders: readonly (readonly string[])[],
  naturalLog: boolean,
  complex: boolean,
): 'equal' | 'different' | 'unclear' {
  const near = [...aroundLiterals(a, b), ...grid]
  const all = remainingSampling()
  const zeros: number[] = []
  const [names] = orders
  const [only] = names ?? []
  if (names?.length === 1 && only !== undefined) {
    const sorted = [...decades, ...near].sort((p, q) => p - q)
    const byText = new Map(kinkArguments(b, kinkArguments(a, [])).map((argument) => [shapeOf(argument).text, argument]))
    const ordered = [...byText].sort(([p], [q]) => (p < q ? -1 : 1)).slice(0, 4)
    for (const [index, [, argument]] of ordered.entries()) {
      const f = (x: number): number => evaluate(argument, { values: new Map([[only, x]]), naturalLog }, false).re
      zeros.push(...nearZeros(sorted, f, all * (1 - (0.4 * (index + 1)) / ordered.length)))
    }
  }
  const compareAt = (values: ReadonlyMap<string, number>): 'equal' | 'different' | 'close' | 'unclear' => {
    const sample = { values, naturalLog }
    return closeness(evaluate(a, sample, complex), evaluate(b, sample, complex), false)
  }
  const left = remainingSampling()
  if (compareAt(new Map(names?.map((name) => [name, 1.3]))) === 'different') return 'different'
  const affordable = (0.8 * left) / ((left - remainingSampling()) * orders.length) - decades.length
  const positions = [...decades, ...thinned([...zeros, ...near], affordable)]
  let close = false
  for (const order of orders)
    for (const [point, position] of positions.entries()) {
      const values = new Map<string, number>()
      // One variable goes through all positions while the others jump between them, of one sign and of both.
      for (const [place, name] of order.entries()) {
        const jump = positions[Math.floor(scatter(place, point + 128) * positions.length)] ?? 1
        const lead = place === (point >> 1) % order.length
        values.set(name, lead ? position : point % 3 === 0 ? Math.abs(jump) * Math.sign(position) : jump)
      }
      const result = compareAt(values)
      if (result === 'different') return 'different'
      if (result === 'close') close = true
    }
  return close ? 'unclear' : 'equal'
}

/** The value of an expression without variables, `not_real`, or undefined when doubles don't give one. */
export function constantValue(node: Node): Approximation | 'not_real' | undefined {
  const x = evaluate(node, { values: new Map(), naturalLog: false }, true)
  if (!Number.isFinite(x.re) || !Number.isFinite(x.error)) return undefined
  if (Math.abs(x.im) <= x.error) return x
  return Math.abs(x.im) > 4 * x.error ? 'not_real' : undefined
}
