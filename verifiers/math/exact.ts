import { limits, spend, Undecided } from './limits.ts'
import {
  absolute,
  add,
  bitLength,
  divide,
  factorise,
  gcd,
  invert,
  leastLog2,
  multiply,
  negate,
  one,
  order,
  power,
  rational,
  rationalKey,
  toNumber,
  zero,
  type Rational,
} from './rational.ts'

/**
 * A factor of a monomial. `prime` atoms carry exponents in (0, 1) and stand for real radicals, `imaginary` is i,
 * `constant` is pi, e or the degree, `symbol` a variable, `opaque` a value known only by its text. Radicals of
 * primes, i, pi, e and symbols are taken as independent, so a sum of them is zero only when every term is.
 */
interface Atom {
  readonly kind: 'prime' | 'imaginary' | 'constant' | 'symbol' | 'opaque'
  readonly key: string
  readonly prime?: bigint
}

interface Factor {
  readonly atom: Atom
  /** Exponent n/d in lowest terms, d > 0. */
  readonly n: number
  readonly d: number
}

interface Term {
  readonly c: Rational
  readonly m: readonly Factor[]
  readonly k: string
}

type Polynomial = ReadonlyMap<string, Term>

/** An exact value: a quotient of two expanded sums; no `den` means 1. */
export interface Exact {
  readonly num: Polynomial
  readonly den?: Polynomial
}

const imaginary: Atom = { kind: 'imaginary', key: '#i' }
const constants: Record<'pi' | 'e' | 'degree', Atom> = {
  pi: { kind: 'constant', key: '#pi' },
  e: { kind: 'constant', key: '#e' },
  degree: { kind: 'constant', key: '#degree' },
}

function monomialKey(m: readonly Factor[]): string {
  let key = ''
  for (const f of m) key += f.d === 1 ? `${f.atom.key}^${f.n} ` : `${f.atom.key}^${f.n}/${f.d} `
  return key
}

function term(c: Rational, m: readonly Factor[]): Term {
  return { c, m, k: monomialKey(m) }
}

function polynomial(t: Term): Polynomial {
  return t.c.n === 0n ? new Map<string, Term>() : new Map([[t.k, t]])
}

const constantTerm = (c: Rational): Term => ({ c, m: [], k: '' })

/** The exact value of a fraction. */
export function fromRational(c: Rational): Exact {
  return { num: polynomial(constantTerm(c)) }
}

const exactOne = fromRational(one)

/** The exact value of pi, e or one degree of arc. */
export function fromConstant(name: 'pi' | 'e' | 'degree'): Exact {
  return { num: polynomial(term(one, [{ atom: constants[name], n: 1, d: 1 }])) }
}

/** The imaginary unit. */
export const imaginaryUnit: Exact = { num: polynomial(term(one, [{ atom: imaginary, n: 1, d: 1 }])) }

/** A variable. */
export function fromSymbol(name: string): Exact {
  return { num: polynomial(term(one, [{ atom: { kind: 'symbol', key: name }, n: 1, d: 1 }])) }
}

/** A value known only by its text: equal texts are equal values, different texts say nothing. */
export function opaque(text: string): Exact {
  if (text.length > 20_000) throw new Undecided('too_large')
  return { num: polynomial(term(one, [{ atom: { kind: 'opaque', key: `?${text}` }, n: 1, d: 1 }])) }
}

function reduced(n: number, d: number): [number, number] {
  let a = Math.abs(n)
  let b = d
  while (b !== 0) [a, b] = [b, a % b]
  if (Math.abs(n) > 1e9 || d > 1e6) throw new Undecided('too_large')
  return a === 1 ? [n, d] : [n / a, d / a]
}

// Adds a factor to a list being built, folding whole powers of primes and of i into the coefficient.
function pushFactor(into: Factor[], atom: Atom, n: number, d: number, c: Rational): Rational {
  if (n === 0) return c
  if (atom.kind === 'prime') {
    const whole = Math.floor(n / d)
    if (whole !== 0) {
      c = multiply(c, power({ n: atom.prime ?? 1n, d: 1n }, whole))
      n -= whole * d
    }
  } else if (atom.kind === 'imaginary') {
    n = ((n % 4) + 4) % 4
    if (n >= 2) {
      c = negate(c)
      n -= 2
    }
  }
  if (n !== 0) into.push({ atom, n, d })
  return c
}

function multiplyTerms(a: Term, b: Term): Term {
  let c = multiply(a.c, b.c)
  if (a.m.length === 0) return { c, m: b.m, k: b.k }
  if (b.m.length === 0) return { c, m: a.m, k: a.k }
  const m: Factor[] = []
  let i = 0
  let j = 0
  while (i < a.m.length || j < b.m.length) {
    const f = a.m[i]
    const g = b.m[j]
    if (f !== undefined && (g === undefined || f.atom.key < g.atom.key)) {
      m.push(f)
      i++
    } else if (g !== undefined && (f === undefined || g.atom.key < f.atom.key)) {
      m.push(g)
      j++
    } else if (f !== undefined && g !== undefined) {
      const [n, d] = reduced(f.n * g.d + g.n * f.d, f.d * g.d)
      c = pushFactor(m, f.atom, n, d, c)
      i++
      j++
    }
  }
  return term(c, m)
}

function invertTerm(t: Term): Term {
  const m: Factor[] = []
  let c = invert(t.c)
  for (const f of t.m) c = pushFactor(m, f.atom, -f.n, f.d, c)
  return term(c, m)
}

function addInto(sum: Map<string, Term>, t: Term): void {
  const before = sum.get(t.k)
  if (before === undefined) {
    if (t.c.n !== 0n) sum.set(t.k, t)
  } else {
    const c = add(before.c, t.c)
    if (c.n === 0n) sum.delete(t.k)
    else sum.set(t.k, { c, m: t.m, k: t.k })
  }
}

function addPolynomials(a: Polynomial, b: Polynomial): Polynomial {
  if (a.size === 0) return b
  if (b.size === 0) return a
  spend(a.size + b.size)
  const sum = new Map(a)
  for (const t of b.values()) addInto(sum, t)
  if (sum.size > limits.terms) throw new Undecided('too_large')
  return sum
}

function multiplyPolynomials(a: Polynomial, b: Polynomial): Polynomial {
  spend(1 + a.size * b.size * 3)
  const product = new Map<string, Term>()
  for (const s of a.values()) for (const t of b.values()) addInto(product, multiplyTerms(s, t))
  if (product.size > limits.terms) throw new Undecided('too_large')
  return product
}

function scalePolynomial(a: Polynomial, c: Rational): Polynomial {
  const scaled = new Map<string, Term>()
  for (const t of a.values()) scaled.set(t.k, { c: multiply(t.c, c), m: t.m, k: t.k })
  return scaled
}

function only(p: Polynomial): Term | undefined {
  if (p.size !== 1) return undefined
  for (const t of p.values()) return t
  return undefined
}

const isOne = (p: Polynomial): boolean => {
  const t = only(p)
  return t !== undefined && t.k === '' && t.c.n === 1n && t.c.d === 1n
}

/** Whether the value is exactly zero. */
export function isZero(x: Exact): boolean {
  return x.num.size === 0
}

/** The value as a fraction, or undefined when it is not a rational number in this form. */
export function asRational(x: Exact): Rational | undefined {
  if (x.den !== undefined) return undefined
  if (x.num.size === 0) return zero
  const t = only(x.num)
  return t?.k === '' ? t.c : undefined
}

/** a + b. */
export function addExact(a: Exact, b: Exact): Exact {
  if (a.den === undefined && b.den === undefined) return { num: addPolynomials(a.num, b.num) }
  const left = b.den === undefined ? a.num : multiplyPolynomials(a.num, b.den)
  const right = a.den === undefined ? b.num : multiplyPolynomials(b.num, a.den)
  const den = a.den === undefined ? b.den : b.den === undefined ? a.den : multiplyPolynomials(a.den, b.den)
  return quotient(addPolynomials(left, right), den)
}

/** -a. */
export function negateExact(a: Exact): Exact {
  return { ...a, num: scalePolynomial(a.num, { n: -1n, d: 1n }) }
}

/** a * b. */
export function multiplyExact(a: Exact, b: Exact): Exact {
  const num = multiplyPolynomials(a.num, b.num)
  if (a.den === undefined && b.den === undefined) return { num }
  return quotient(num, multiplyPolynomials(a.den ?? exactOne.num, b.den ?? exactOne.num))
}

/** a / b. Throws Undecided('undefined') when b is zero. */
export function divideExact(a: Exact, b: Exact): Exact {
  if (b.num.size === 0) throw new Undecided('undefined')
  return quotient(
    b.den === undefined ? a.num : multiplyPolynomials(a.num, b.den),
    a.den === undefined ? b.num : multiplyPolynomials(a.den, b.num),
  )
}

// Brings num/den to the form without a denominator where one exists: single terms are inverted, square roots and i
// are moved up by conjugates, and common factors are divided out where there is one indeterminate.
function quotient(num: Polynomial, den: Polynomial | undefined): Exact {
  if (den === undefined || num.size === 0) return { num }
  for (let round = 0; round < 8; round++) {
    const t = only(den)
    if (t !== undefined) return { num: multiplyPolynomials(num, polynomial(invertTerm(t))) }
    const root = conjugable(den)
    if (root === undefined) break
    const conjugate = new Map<string, Term>()
    for (const u of den.values()) {
      const has = u.m.some((f) => f.atom.key === root)
      conjugate.set(u.k, has ? { ...u, c: negate(u.c) } : u)
    }
    num = multiplyPolynomials(num, conjugate)
    den = multiplyPolynomials(den, conjugate)
    // (a + b)(a - b) can only vanish when den did, and a zero den was refused before.
    if (den.size === 0) throw new Undecided('undefined')
  }
  const exactly = divideOut(num, den)
  if (exactly !== undefined) return { num: exactly }
  const [p, q] = cancel(num, den)
  if (isOne(q)) return { num: p }
  const lead = leading(q)
  const scale = invert(lead.c)
  return { num: scalePolynomial(p, scale), den: scalePolynomial(q, scale) }
}

// A square root or i that every term of den holds to the power 0 or 1 (in its own unit).
function conjugable(den: Polynomial): string | undefined {
  const seen = new Map<string, boolean>()
  for (const t of den.values())
    for (const f of t.m) {
      if (f.atom.kind === 'imaginary' || (f.atom.kind === 'prime' && f.d === 2)) {
        if (!seen.has(f.atom.key)) seen.set(f.atom.key, true)
      } else if (f.atom.kind === 'prime') seen.set(f.atom.key, false)
    }
  for (const [key, fits] of seen) if (fits) return key
  return undefined
}

// Lexicographic order of monomials, the first atom of the alphabet counting most.
function compareMonomials(a: Term, b: Term): number {
  let i = 0
  let j = 0
  while (i < a.m.length || j < b.m.length) {
    const f = a.m[i]
    const g = b.m[j]
    if (f !== undefined && (g === undefined || f.atom.key < g.atom.key)) return f.n > 0 ? 1 : -1
    if (g !== undefined && (f === undefined || g.atom.key < f.atom.key)) return g.n > 0 ? -1 : 1
    if (f !== undefined && g !== undefined) {
      const difference = f.n * g.d - g.n * f.d
      if (difference !== 0) return difference
    }
    i++
    j++
  }
  return 0
}

function leading(p: Polynomial): Term {
  let best: Term | undefined
  for (const t of p.values()) if (best === undefined || compareMonomials(t, best) > 0) best = t
  if (best === undefined) throw new Undecided('undefined')
  return best
}

// Whether long division makes sense: whole powers only, and no relation (i, radicals) that folds leading terms.
function plain(p: Polynomial): boolean {
  for (const t of p.values())
    for (const f of t.m)
      if (f.d !== 1 || f.n < 0 || f.atom.kind === 'imaginary' || f.atom.kind === 'prime') return false
  return true
}

function divideOut(num: Polynomial, den: Polynomial): Polynomial | undefined {
  if (!plain(den) || !plain(num)) return undefined
  const lead = leading(den)
  const inverse = invertTerm(lead)
  let rest = num
  let result: Polynomial = new Map<string, Term>()
  for (let step = 0; rest.size > 0; step++) {
    if (step > 64) return undefined
    const factor = multiplyTerms(leading(rest), inverse)
    if (factor.m.some((f) => f.n < 0)) return undefined
    result = addPolynomials(result, polynomial(factor))
    rest = addPolynomials(rest, multiplyPolynomials(den, polynomial({ ...factor, c: negate(factor.c) })))
  }
  return result
}

// Divides out the greatest common divisor of two polynomials in one indeterminate.
function cancel(num: Polynomial, den: Polynomial): [Polynomial, Polynomial] {
  if (!plain(num) || !plain(den)) return [num, den]
  let name: string | undefined
  for (const p of [num, den])
    for (const t of p.values())
      for (const f of t.m) {
        if (name !== undefined && name !== f.atom.key) return [num, den]
        name = f.atom.key
      }
  let a = num
  let b = den
  for (let step = 0; b.size > 0; step++) {
    if (step > 40) return [num, den]
    const rest = remainder(a, b)
    a = b
    b = rest.size === 0 ? rest : scalePolynomial(rest, invert(leading(rest).c))
  }
  const p = divideOut(num, a)
  const q = divideOut(den, a)
  return p === undefined || q === undefined ? [num, den] : [p, q]
}

function remainder(a: Polynomial, b: Polynomial): Polynomial {
  const lead = leading(b)
  const inverse = invertTerm(lead)
  let rest = a
  for (let step = 0; rest.size > 0; step++) {
    const factor = multiplyTerms(leading(rest), inverse)
    if (factor.m.some((f) => f.n < 0)) break
    if (step > 128) throw new Undecided('too_large')
    rest = addPolynomials(rest, multiplyPolynomials(b, polynomial({ ...factor, c: negate(factor.c) })))
  }
  return rest
}

/** Whether a and b are the same value by exact forms alone; false says nothing where a value is opaque. */
export function sameExact(a: Exact, b: Exact): boolean {
  if (a.den === undefined && b.den === undefined) {
    if (a.num.size !== b.num.size) return false
    for (const t of a.num.values()) {
      const u = b.num.get(t.k)
      if (u === undefined || u.c.n !== t.c.n || u.c.d !== t.c.d) return false
    }
    return true
  }
  const left = b.den === undefined ? a.num : multiplyPolynomials(a.num, b.den)
  const right = a.den === undefined ? b.num : multiplyPolynomials(b.num, a.den)
  return sameExact({ num: left }, { num: right })
}

/** Whether a and b differ by a constant factor only, neither being zero; with `positive`, by a positive one. */
export function proportional(a: Exact, b: Exact, positive: boolean): boolean {
  if (isZero(a) || isZero(b)) return isZero(a) && isZero(b)
  // The numerators decide: an equation holds where its numerator vanishes. Negative powers are cleared alike.
  const p = clearPowers(a.num)
  const q = clearPowers(b.num)
  const byMonomial = (x: Polynomial): Map<string, Polynomial> => {
    const parts = new Map<string, Map<string, Term>>()
    for (const t of x.values()) {
      const free = t.m.filter((f) => f.atom.kind === 'symbol' || f.atom.kind === 'opaque')
      const fixed = t.m.filter((f) => f.atom.kind !== 'symbol' && f.atom.kind !== 'opaque')
      const key = monomialKey(free)
      const part = parts.get(key) ?? new Map<string, Term>()
      addInto(part, term(t.c, fixed))
      parts.set(key, part)
    }
    return parts
  }
  const left = byMonomial(p)
  const right = byMonomial(q)
  if (left.size !== right.size) return false
  let reference: [Polynomial, Polynomial] | undefined
  for (const [key, c] of left) {
    const d = right.get(key)
    if (d === undefined) return false
    if (reference === undefined) reference = [c, d]
    else if (!sameExact({ num: multiplyPolynomials(c, reference[1]) }, { num: multiplyPolynomials(d, reference[0]) }))
      return false
  }
  if (!positive || reference === undefined) return true
  const s = sign({ num: reference[0] })
  const t = sign({ num: reference[1] })
  if (s === undefined || t === undefined) throw new Undecided('undecided_numerically')
  return s === t
}

function clearPowers(p: Polynomial): Polynomial {
  const lowest = new Map<string, Factor>()
  for (const t of p.values())
    for (const f of t.m)
      if (f.n < 0 && f.atom.kind !== 'prime') {
        const before = lowest.get(f.atom.key)
        if (before === undefined || f.n * before.d < before.n * f.d) lowest.set(f.atom.key, f)
      }
  if (lowest.size === 0) return p
  const factors = [...lowest.values()].sort((f, g) => (f.atom.key < g.atom.key ? -1 : 1))
  return multiplyPolynomials(
    p,
    polynomial(
      term(
        one,
        factors.map((f) => ({ ...f, n: -f.n })),
      ),
    ),
  )
}

/** Whether an opaque value takes part, so that different forms may still be equal. */
export function isOpaque(x: Exact): boolean {
  for (const p of x.den === undefined ? [x.num] : [x.num, x.den])
    for (const t of p.values()) for (const f of t.m) if (f.atom.kind === 'opaque') return true
  return false
}

/** Names of the variables. */
export function symbolsOf(x: Exact): Set<string> {
  const names = new Set<string>()
  for (const p of x.den === undefined ? [x.num] : [x.num, x.den])
    for (const t of p.values()) for (const f of t.m) if (f.atom.kind === 'symbol') names.add(f.atom.key)
  return names
}

/** Whether some constant atom (pi, e or the degree) takes part. */
export function hasConstant(x: Exact, name: 'pi' | 'e' | 'degree'): boolean {
  for (const p of x.den === undefined ? [x.num] : [x.num, x.den])
    for (const t of p.values()) for (const f of t.m) if (f.atom === constants[name]) return true
  return false
}

/** The value in which every degree is replaced by pi/180. */
export function degreesToRadians(x: Exact): Exact {
  if (!hasConstant(x, 'degree')) return x
  const change = (p: Polynomial): Polynomial => {
    let sum: Polynomial = new Map<string, Term>()
    for (const t of p.values()) {
      let product: Exact = { num: polynomial(constantTerm(t.c)) }
      for (const f of t.m) {
        if (f.atom === constants.degree && f.d === 1) {
          const unit = multiplyExact(fromConstant('pi'), fromRational(rational(1n, 180n)))
          product = multiplyExact(product, powerExact(unit, fromRational(rational(BigInt(f.n)))))
        } else product = multiplyExact(product, { num: polynomial(term(one, [f])) })
      }
      sum = addPolynomials(sum, product.num)
    }
    return sum
  }
  return x.den === undefined ? { num: change(x.num) } : quotient(change(x.num), change(x.den))
}

/** x with one degree taken out of every term, or undefined when some term has none. */
export function withoutDegree(x: Exact): Exact | undefined {
  if (x.den !== undefined || x.num.size === 0) return undefined
  const stripped = new Map<string, Term>()
  for (const t of x.num.values()) {
    const f = t.m.find((g) => g.atom === constants.degree)
    if (f === undefined || f.n !== 1 || f.d !== 1) return undefined
    const u = term(
      t.c,
      t.m.filter((g) => g !== f),
    )
    stripped.set(u.k, u)
  }
  return { num: stripped }
}

function polynomialKey(p: Polynomial): string {
  if (p.size === 0) return '0'
  return [...p.values()]
    .map((t) => `${rationalKey(t.c)}*${t.k}`)
    .sort()
    .join('+')
}

/** Text of the form; equal texts are equal values. */
function formKey(x: Exact): string {
  return x.den === undefined ? polynomialKey(x.num) : `(${polynomialKey(x.num)})/(${polynomialKey(x.den)})`
}

/** Text that is the same for equal values and different for different ones, or undefined when there is none. */
export function canonicalKey(x: Exact): string | undefined {
  if (isOpaque(x)) return undefined
  if (x.den === undefined) return formKey(x)
  if (!plain(x.num) || !plain(x.den) || symbolsAndConstants(x) > 1) return undefined
  return formKey(x)
}

function symbolsAndConstants(x: Exact): number {
  const names = new Set<string>()
  for (const p of [x.num, x.den ?? x.num]) for (const t of p.values()) for (const f of t.m) names.add(f.atom.key)
  return names.size
}

/** -1, 0 or 1 for a real constant whose sign doubles can settle; undefined otherwise. */
export function sign(x: Exact): -1 | 0 | 1 | undefined {
  if (x.den !== undefined) return undefined
  let sum = 0
  let size = 0
  for (const t of x.num.values()) {
    let value = toNumber(t.c)
    for (const f of t.m) {
      const base =
        f.atom.kind === 'prime'
          ? Number(f.atom.prime)
          : f.atom === constants.pi
            ? Math.PI
            : f.atom === constants.e
              ? Math.E
              : NaN
      value *= base ** (f.n / f.d)
    }
    sum += value
    size += Math.abs(value)
  }
  if (x.num.size === 0) return 0
  if (!Number.isFinite(size) || Math.abs(sum) <= size * 1e-12) return undefined
  return sum < 0 ? -1 : 1
}

function radical(prime: bigint, n: number, d: number): Term {
  const m: Factor[] = []
  const c = pushFactor(m, { kind: 'prime', key: `#${prime}`, prime }, ...reduced(n, d), one)
  return term(c, m)
}

// The positive real root of a positive fraction.
function rootOfRational(c: Rational, degree: number): Term | undefined {
  let result = constantTerm(one)
  for (const [part, direction] of [
    [c.n, 1],
    [c.d, -1],
  ] as const) {
    const factors = factorise(part)
    if (factors === undefined) {
      const exact = integerRoot(part, degree)
      if (exact === undefined) return undefined
      result = multiplyTerms(result, constantTerm(direction === 1 ? rational(exact) : rational(1n, exact)))
      continue
    }
    for (const [prime, exponent] of factors)
      result = multiplyTerms(result, radical(prime, direction * exponent, degree))
  }
  return result
}

function integerRoot(n: bigint, degree: number): bigint | undefined {
  if (degree !== 2 || bitLength(n) > 2_048) return undefined
  spend(20)
  let guess = 1n << BigInt(Math.ceil(n.toString(2).length / 2))
  for (let step = 0; step < 64; step++) {
    const next = (guess + n / guess) >> 1n
    if (next >= guess) break
    guess = next
  }
  return guess * guess === n ? guess : undefined
}

/** The principal root of the given degree; odd roots of negative numbers are the real ones. */
export function rootExact(x: Exact, degree: number): Exact {
  if (degree === 1) return x
  if (degree < 1 || degree > 1_000 || !Number.isInteger(degree)) throw new Undecided('not_understood')
  if (x.num.size === 0) return x
  const wrapped = (): Exact => opaque(`root${degree}(${formKey(x)})`)
  if (x.den !== undefined) return wrapped()
  const t = only(x.num)
  if (t === undefined) return rootOfSum(x, degree) ?? wrapped()
  const coefficient = rootOfRational(absolute(t.c), degree)
  if (coefficient === undefined) return wrapped()
  let result: Exact = { num: polynomial(coefficient) }
  if (t.c.n < 0n) {
    if (degree % 2 === 1) result = negateExact(result)
    else if (degree === 2 && t.m.every((f) => f.atom.kind === 'prime' || f.atom.kind === 'constant'))
      result = multiplyExact(result, imaginaryUnit)
    else return wrapped()
  }
  const free = t.m.filter((f) => f.atom.kind === 'symbol')
  const rest: Factor[] = []
  for (const f of t.m) {
    const certain =
      f.atom.kind === 'prime' ||
      f.atom.kind === 'constant' ||
      (f.atom.kind === 'symbol' &&
        (degree % 2 === 1
          ? f.d === 1
          : (f.n % 2 !== 0 && free.length === 1 && f.n > 0) || (f.d === 1 && f.n % (2 * degree) === 0)))
    if (!certain) {
      rest.push(f)
      continue
    }
    const m: Factor[] = []
    const c = pushFactor(m, f.atom, ...reduced(f.n, f.d * degree), one)
    result = multiplyExact(result, { num: polynomial(term(c, m)) })
  }
  if (rest.length === 0) return result
  return multiplyExact(result, opaque(`root${degree}(${monomialKey(rest)})`))
}

// sqrt(a + b sqrt(c)) where it is a sum of two roots; otherwise a root with its square factors taken out.
function rootOfSum(x: Exact, degree: number): Exact | undefined {
  const content = contentOf(x.num)
  const inner = scalePolynomial(x.num, invert(content))
  const outside = rootOfRational(content, degree)
  if (outside === undefined) return undefined
  if (degree === 2 && x.num.size === 2) {
    const a = x.num.get('')
    const surd = [...x.num.values()].find((t) => t.k !== '')
    const radicalsOnly = surd?.m.every((f) => f.atom.kind === 'prime' && f.d === 2) === true
    if (a !== undefined && surd !== undefined && radicalsOnly && a.c.n > 0n) {
      const square = multiplyTerms(surd, surd)
      const difference = add(multiply(a.c, a.c), negate(square.c))
      if (square.k === '' && difference.n > 0n) {
        const root = rootOfRational(difference, 2)
        if (root?.k === '') {
          const half = rational(1n, 2n)
          const first = rootExact(fromRational(multiply(add(a.c, root.c), half)), 2)
          const second = rootExact(fromRational(multiply(add(a.c, negate(root.c)), half)), 2)
          return addExact(first, surd.c.n < 0n ? negateExact(second) : second)
        }
      }
    }
  }
  // sqrt(-1 * (...)) would pick a branch: the sign stays inside.
  return multiplyExact({ num: polynomial(outside) }, opaque(`root${degree}(${polynomialKey(inner)})`))
}

// The positive greatest common divisor of the coefficients.
function contentOf(p: Polynomial): Rational {
  let n = 0n
  let d = 1n
  for (const t of p.values()) {
    n = gcd(n, t.c.n)
    d = (d / gcd(d, t.c.d)) * t.c.d
  }
  return rational(n, d)
}

/** base ** exponent; what has no closed form becomes opaque. Throws Undecided('undefined') for 0 ** 0 and 0 ** -1. */
export function powerExact(base: Exact, exponent: Exact): Exact {
  const r = asRational(exponent)
  if (r !== undefined) {
    if (r.d === 1n) return wholePower(base, r.n)
    if (r.d > 64n) return opaque(`(${formKey(base)})^(${formKey(exponent)})`)
    return wholePower(rootExact(base, Number(r.d)), r.n)
  }
  if (base.num.size === 0) throw new Undecided('undefined')
  const b = asRational(base)
  if (b !== undefined && b.n === b.d) return exactOne
  const euler = only(base.num)
  if (base.den === undefined && euler?.k === '#e^1 ' && euler.c.n === 1n && euler.c.d === 1n) {
    const angle = only(exponent.num)
    if (angle?.k === '#i^1 #pi^1 ' && exponent.den === undefined) {
      const turn = fromRational(angle.c)
      const radians = multiplyExact(turn, fromConstant('pi'))
      return addExact(cosine(radians), multiplyExact(imaginaryUnit, sine(radians)))
    }
  }
  // b^(k + rest) = b^k b^rest for the whole part k; a fixed place for it makes 2^(n+1) and 2*2^n alike.
  const whole = exponent.den === undefined ? exponent.num.get('') : undefined
  const steps = whole === undefined || bitLength(whole.c.n) > 62 ? 0n : whole.c.n / whole.c.d
  const rest = steps === 0n ? exponent : addExact(exponent, fromRational(rational(-steps)))
  const atom = opaque(`(${formKey(base)})^(${formKey(rest)})`)
  return steps === 0n ? atom : multiplyExact(wholePower(base, steps), atom)
}

function wholePower(base: Exact, exponent: bigint): Exact {
  if (exponent > 1_000_000n || exponent < -1_000_000n) {
    const b = asRational(base)
    if (b !== undefined && b.n === 1n && b.d === 1n) return base
    throw new Undecided('too_large')
  }
  const n = Number(exponent)
  if (n === 0) {
    if (base.num.size === 0) throw new Undecided('undefined')
    return exactOne
  }
  if (base.num.size === 0) {
    if (n < 0) throw new Undecided('undefined')
    return base
  }
  if (n < 0) return wholePower(divideExact(exactOne, base), -exponent)
  const t = only(base.num)
  if (t !== undefined && base.den === undefined) {
    const m: Factor[] = []
    let c = power(t.c, n)
    for (const f of t.m) c = pushFactor(m, f.atom, ...reduced(f.n * n, f.d), c)
    return { num: polynomial(term(c, m)) }
  }
  if (n > 512) throw new Undecided('too_large')
  let result: Exact = exactOne
  let square = base
  for (let k = n; ;) {
    if (k % 2 === 1) result = multiplyExact(result, square)
    k = Math.floor(k / 2)
    if (k === 0) return result
    square = multiplyExact(square, square)
  }
}

// r for an angle of r * pi, degrees included.
function turns(angle: Exact): Rational | undefined {
  const x = degreesToRadians(angle)
  if (x.num.size === 0) return zero
  if (x.den !== undefined) return undefined
  const t = only(x.num)
  return t?.k === '#pi^1 ' ? t.c : undefined
}

const root = (n: bigint): Exact => rootExact(fromRational(rational(n)), 2)

// cos(r pi) for 0 <= r <= 1/2 where it is a sum of square roots.
function knownCosine(r: Rational): Exact | undefined {
  const quarter = fromRational(rational(1n, 4n))
  switch (rationalKey(r)) {
    case '0':
      return exactOne
    case '1/12':
      return multiplyExact(addExact(root(6n), root(2n)), quarter)
    case '1/6':
      return multiplyExact(root(3n), fromRational(rational(1n, 2n)))
    case '1/5':
      return multiplyExact(addExact(root(5n), exactOne), quarter)
    case '1/4':
      return multiplyExact(root(2n), fromRational(rational(1n, 2n)))
    case '1/3':
      return fromRational(rational(1n, 2n))
    case '2/5':
      return multiplyExact(addExact(root(5n), fromRational(rational(-1n))), quarter)
    case '5/12':
      return multiplyExact(addExact(root(6n), negateExact(root(2n))), quarter)
    case '1/2':
      return fromRational(zero)
    default:
      return undefined
  }
}

function cosineOfTurns(r: Rational): Exact {
  // Even and with period 2, then mirrored into [0, 1/2].
  let n = absolute(r)
  const periods = n.n / (2n * n.d)
  n = add(n, rational(-2n * periods))
  if (order(n, one) > 0) n = add(rational(2n), negate(n))
  const mirrored = order(n, rational(1n, 2n)) > 0
  if (mirrored) n = add(one, negate(n))
  const known = knownCosine(n) ?? opaque(`cos(${rationalKey(n)}pi)`)
  return mirrored ? negateExact(known) : known
}

function cosine(angle: Exact): Exact {
  const r = turns(angle)
  if (r !== undefined) return cosineOfTurns(r)
  return opaque(`cos(${formKey(positiveForm(angle)[0])})`)
}

function sine(angle: Exact): Exact {
  const r = turns(angle)
  if (r !== undefined) return cosineOfTurns(add(rational(1n, 2n), negate(r)))
  const [positive, flipped] = positiveForm(angle)
  const value = opaque(`sin(${formKey(positive)})`)
  return flipped ? negateExact(value) : value
}

function positiveForm(x: Exact): [Exact, boolean] {
  return x.num.size > 0 && leading(x.num).c.n < 0n ? [negateExact(x), true] : [x, false]
}

// ln of a positive fraction as a sum of ln(prime), which are independent over the rationals.
function logarithmOfRational(c: Rational): Exact | undefined {
  let sum: Exact = { num: new Map<string, Term>() }
  for (const [part, direction] of [
    [c.n, 1n],
    [c.d, -1n],
  ] as const) {
    const factors = factorise(part)
    if (factors === undefined) return undefined
    for (const [prime, exponent] of factors)
      sum = addExact(sum, multiplyExact(opaque(`ln ${prime}`), fromRational(rational(direction * BigInt(exponent)))))
  }
  return sum
}

function logarithm(x: Exact): Exact {
  if (x.num.size === 0) throw new Undecided('undefined')
  const c = asRational(x)
  const wrapped = (): Exact => opaque(`ln(${formKey(x)})`)
  if (c !== undefined) return c.n > 0n ? (logarithmOfRational(c) ?? wrapped()) : wrapped()
  const t = only(x.num)
  if (t === undefined || x.den !== undefined || t.c.n < 0n) return wrapped()
  if (!t.m.every((f) => f.atom.kind === 'prime' || f.atom === constants.e)) return wrapped()
  let sum = logarithmOfRational(t.c)
  if (sum === undefined) return wrapped()
  for (const f of t.m) {
    const share = fromRational(rational(BigInt(f.n), BigInt(f.d)))
    sum = addExact(sum, f.atom === constants.e ? share : multiplyExact(opaque(`ln ${f.atom.prime ?? 0n}`), share))
  }
  return sum
}

/** n! for a whole n from 0 to the limit. Throws Undecided otherwise. */
function factorial(n: Rational): Rational {
  if (n.d !== 1n || n.n < 0n) throw new Undecided('undefined')
  if (n.n > BigInt(limits.factorial)) throw new Undecided('too_large')
  spend(Number(n.n))
  let product = 1n
  for (let k = 2n; k <= n.n; k++) product *= k
  return rational(product)
}

/** n over k; k must be a small whole number, n any value. Undefined when it has no closed form. */
function binomial(n: Exact, k: Exact): Exact | undefined {
  const lower = asRational(k)
  if (lower === undefined || lower.d !== 1n) return undefined
  const upper = asRational(n)
  if (lower.n < 0n) return fromRational(zero)
  if (upper !== undefined && upper.d === 1n && upper.n >= 0n) {
    if (lower.n > upper.n) return fromRational(zero)
    const steps = lower.n * 2n > upper.n ? upper.n - lower.n : lower.n
    if (steps > BigInt(limits.factorial)) throw new Undecided('too_large')
    spend(Number(steps) * 4)
    // n over k is no less than (n / k)^k: what is too large to be held is not even begun.
    const leastBits = Number(steps) * (leastLog2(upper.n) - Math.log2(Number(steps)))
    if (leastBits > limits.integerBits) throw new Undecided('too_large')
    let product = 1n
    for (let j = 1n; j <= steps; j++) product = (product * (upper.n - steps + j)) / j
    return fromRational(rational(product))
  }
  if (lower.n > 12n) return undefined
  let product: Exact = exactOne
  for (let j = 0n; j < lower.n; j++)
    product = multiplyExact(
      product,
      multiplyExact(addExact(n, fromRational(rational(-j))), fromRational(rational(1n, j + 1n))),
    )
  return product
}

function tabulateAngles(): { cosines: Map<string, Rational>; tangents: Map<string, Rational> } {
  const cosines = new Map<string, Rational>()
  const tangents = new Map<string, Rational>()
  for (const [n, d] of [
    [0n, 1n],
    [1n, 12n],
    [1n, 6n],
    [1n, 5n],
    [1n, 4n],
    [1n, 3n],
    [2n, 5n],
    [5n, 12n],
    [1n, 2n],
  ] as const) {
    const r = rational(n, d)
    const up = cosineOfTurns(r)
    cosines.set(formKey(up), r)
    if (d !== 5n && d !== 2n) {
      tangents.set(formKey(divideExact(cosineOfTurns(add(rational(1n, 2n), negate(r))), up)), r)
    }
  }
  return { cosines, tangents }
}

// Angles, in turns of pi, by the text of their cosine or tangent; made once, so that no comparison pays for them.
const knownAngles = tabulateAngles()

// The inverse functions where the angle is known; undefined elsewhere.
function inverseAngle(name: string, x: Exact): Exact | undefined {
  if (symbolsOf(x).size > 0 || isOpaque(x)) return undefined
  const flipped = sign(x) === -1
  const positive = flipped ? negateExact(x) : x
  const known = knownAngles[name === 'arctan' ? 'tangents' : 'cosines'].get(formKey(positive))
  if (known === undefined) return undefined
  const half = rational(1n, 2n)
  // arccos(-x) = pi - arccos(x); arcsin and arctan are odd.
  let r = name === 'arcsin' ? add(half, negate(known)) : known
  if (flipped) r = name === 'arccos' ? add(one, negate(r)) : negate(r)
  return multiplyExact(fromRational(r), fromConstant('pi'))
}

/** A named function of exact values; opaque where no closed form is known. */
export function callExact(name: string, args: readonly Exact[]): Exact {
  const x = args[0] ?? exactOne
  const c = asRational(x)
  switch (name) {
    case 'cos':
      return cosine(x)
    case 'sin':
      return sine(x)
    case 'tan':
    case 'sec':
    case 'csc':
    case 'cot': {
      const numerator = name === 'tan' ? sine(x) : name === 'cot' ? cosine(x) : exactOne
      return divideExact(numerator, name === 'tan' || name === 'sec' ? cosine(x) : sine(x))
    }
    case 'arcsin':
    case 'arccos':
    case 'arctan': {
      const angle = inverseAngle(name, x)
      if (angle !== undefined) return angle
      break
    }
    case 'ln':
      return logarithm(x)
    case 'log': {
      const base = args[1]
      // A log without a base is read as one to base 10, kept apart from ln by its own unit.
      return divideExact(logarithm(x), base === undefined ? logarithm(fromRational(rational(10n))) : logarithm(base))
    }
    case 'exp':
      return powerExact(fromConstant('e'), x)
    case 'abs': {
      if (symbolsOf(x).size === 0 && !isOpaque(x)) {
        const s = sign(x)
        if (s !== undefined) return s < 0 ? negateExact(x) : x
      }
      return opaque(`abs(${formKey(positiveForm(x)[0])})`)
    }
    case 'floor':
    case 'ceil': {
      if (c === undefined) break
      const down = c.n >= 0n ? c.n / c.d : -((-c.n + c.d - 1n) / c.d)
      return fromRational(rational(name === 'floor' || c.d === 1n ? down : down + 1n))
    }
    case 'factorial':
      if (c !== undefined) return fromRational(factorial(c))
      break
    case 'binomial': {
      const value = args[1] === undefined ? undefined : binomial(x, args[1])
      if (value !== undefined) return value
      break
    }
    case 'gcd':
    case 'lcm':
    case 'max':
    case 'min': {
      const values = args.map(asRational)
      let result = values[0]
      if (result === undefined) break
      for (const value of values.slice(1)) {
        if (value === undefined || result === undefined) {
          result = undefined
        } else if (name === 'max' || name === 'min') {
          const later = order(value, result)
          if (name === 'max' ? later > 0 : later < 0) result = value
        } else if (value.d === 1n && result.d === 1n) {
          const divisor = gcd(value.n, result.n)
          if (name === 'gcd') result = rational(divisor)
          else result = divisor === 0n ? zero : absolute(divide(multiply(value, result), rational(divisor)))
        } else result = undefined
      }
      if (result !== undefined) return fromRational(result)
      break
    }
  }
  return opaque(`${name}(${args.map(formKey).join(';')})`)
}

/** x as rest + slope * name with both free of variables, or undefined when it isn't linear in that one variable. */
export function linearParts(x: Exact, name: string): { rest: Exact; slope: Exact } | undefined {
  if (x.den !== undefined || isOpaque(x)) return undefined
  const rest = new Map<string, Term>()
  const slope = new Map<string, Term>()
  for (const t of x.num.values()) {
    const variables = t.m.filter((f) => f.atom.kind === 'symbol')
    const [f] = variables
    if (f === undefined) addInto(rest, t)
    else if (variables.length === 1 && f.atom.key === name && f.n === 1 && f.d === 1)
      addInto(
        slope,
        term(
          t.c,
          t.m.filter((g) => g !== f),
        ),
      )
    else return undefined
  }
  return { rest: { num: rest }, slope: { num: slope } }
}

/** Text that is the same for all multiples of x by a fraction, where the only constants are fractions. */
export function lineKey(x: Exact): string | undefined {
  if (x.num.size === 0) return '0'
  const cleared = clearPowers(x.num)
  if (!plain(cleared) || isOpaque(x) || hasConstant(x, 'pi') || hasConstant(x, 'e') || hasConstant(x, 'degree'))
    return undefined
  return polynomialKey(scalePolynomial(cleared, invert(leading(cleared).c)))
}
