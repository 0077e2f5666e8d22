import { limits, spend, Undecided } from './limits.ts'

/** An exact fraction in lowest terms; the denominator is positive. */
export interface Rational {
  readonly n: bigint
  readonly d: bigint
}

/** The fraction 0. */
export const zero: Rational = { n: 0n, d: 1n }
/** The fraction 1. */
export const one: Rational = { n: 1n, d: 1n }

// Most integers fit 64 bits: a cheap test before the exact one.
const small = 1n << 62n

/** Size of |n| in bits, within 3 bits. */
export function bitLength(n: bigint): number {
  const size = n < 0n ? -n : n
  return size < small ? 62 : size.toString(16).length * 4
}

function checkSize(n: bigint): bigint {
  if (n < small && n > -small) return n
  const bits = bitLength(n)
  if (bits > limits.integerBits) throw new Undecided('too_large')
  spend((bits * bits) / 2_000_000)
  return n
}

/** Greatest common divisor of |a| and |b|. */
export function gcd(a: bigint, b: bigint): bigint {
  a = a < 0n ? -a : a
  b = b < 0n ? -b : b
  if (a >= small || b >= small) {
    const bits = Math.min(bitLength(a), bitLength(b))
    spend((bits * bits) / 3_000)
  } else spend(2)
  while (b !== 0n) [a, b] = [b, a % b]
  return a
}

/** The fraction n/d in lowest terms. Throws Undecided('undefined') for d = 0. */
export function rational(n: bigint, d: bigint = 1n): Rational {
  if (d === 1n) return { n: checkSize(n), d }
  if (d === 0n) throw new Undecided('undefined')
  if (d < 0n) [n, d] = [-n, -d]
  const divisor = gcd(n, d)
  return divisor === 1n
    ? { n: checkSize(n), d: checkSize(d) }
    : { n: checkSize(n / divisor), d: checkSize(d / divisor) }
}

/** a + b. */
export function add(a: Rational, b: Rational): Rational {
  if (a.d === 1n && b.d === 1n) return { n: checkSize(a.n + b.n), d: 1n }
  return rational(a.n * b.d + b.n * a.d, a.d * b.d)
}

/** -a. */
export function negate(a: Rational): Rational {
  return { n: -a.n, d: a.d }
}

/** a - b. */
export function subtract(a: Rational, b: Rational): Rational {
  return add(a, negate(b))
}

/** a * b. */
export function multiply(a: Rational, b: Rational): Rational {
  if (a.d === 1n && b.d === 1n) return { n: checkSize(a.n * b.n), d: 1n }
  return rational(a.n * b.n, a.d * b.d)
}

/** 1 / a. Throws Undecided('undefined') for a = 0. */
export function invert(a: Rational): Rational {
  if (a.n === 0n) throw new Undecided('undefined')
  return a.n < 0n ? { n: -a.d, d: -a.n } : { n: a.d, d: a.n }
}

/** a / b. Throws Undecided('undefined') for b = 0. */
export function divide(a: Rational, b: Rational): Rational {
  return multiply(a, invert(b))
}

/** |a|. */
export function absolute(a: Rational): Rational {
  return a.n < 0n ? negate(a) : a
}

/** Whether a and b are the same number. */
export function same(a: Rational, b: Rational): boolean {
  return a.n === b.n && a.d === b.d
}

/** -1, 0 or 1 as a is less than, equal to or more than b. */
export function order(a: Rational, b: Rational): -1 | 0 | 1 {
  const left = a.n * b.d
  const right = b.n * a.d
  return left < right ? -1 : left > right ? 1 : 0
}

/** base ** exponent for an integer exponent. Throws Undecided('too_large') before a huge integer is made. */
export function power(base: Rational, exponent: number): Rational {
  if (exponent === 0) return one
  if (exponent < 0) return power(invert(base), -exponent)
  if (base.d === 1n && base.n <= 1n && base.n >= -1n) return base.n === -1n && exponent % 2 === 0 ? one : base
  const bits = Math.max(exactBits(base.n), exactBits(base.d))
  if (bits * exponent > limits.integerBits) throw new Undecided('too_large')
  spend(1 + (bits * exponent * bits * exponent) / 2_000_000)
  return { n: base.n ** BigInt(exponent), d: base.d ** BigInt(exponent) }
}

// Bits without the slack of bitLength: 2 ** 16000 must pass, and 1 and 0 never grow.
function exactBits(n: bigint): number {
  const size = n < 0n ? -n : n
  if (size <= 1n) return 1
  if (size < small) return Math.log2(Number(size))
  return size.toString(2).length
}

/** The binary logarithm of a positive n, rounded down by less than 1 where n is large. */
export function leastLog2(n: bigint): number {
  return n < small ? Math.log2(Number(n)) : n.toString(2).length - 1
}

/** The nearest double; infinite when out of range. */
export function toNumber(a: Rational): number {
  const n = Number(a.n)
  const d = Number(a.d)
  if (Number.isFinite(n) && Number.isFinite(d)) return n / d
  const shift = BigInt(Math.max(0, Math.max(bitLength(a.n), bitLength(a.d)) - 900))
  return Number(a.n >> shift) / Number(a.d >> shift)
}

/** Text that is the same for equal fractions only. */
export function rationalKey(a: Rational): string {
  const n = a.n < small && a.n > -small ? a.n.toString() : `x${a.n.toString(16)}`
  return a.d === 1n ? n : `${n}/${a.d < small ? a.d.toString() : `x${a.d.toString(16)}`}`
}

// Trial division up to here leaves a cofactor below its square, which is then prime.
const trialBound = 20_000
const trialPrimes: number[] = []
for (let n = 2; n < trialBound; n++) {
  let prime = true
  for (const p of trialPrimes) {
    if (p * p > n) break
    if (n % p === 0) {
      prime = false
      break
    }
  }
  if (prime) trialPrimes.push(n)
}

/**
 * Prime factors of a positive integer with their exponents, or undefined when a cofactor is left
 * whose primality trial division can't settle.
 */
export function factorise(n: bigint): [prime: bigint, exponent: number][] | undefined {
  const factors: [bigint, number][] = []
  let rest = n
  const big = bitLength(n) > 62
  if (bitLength(n) > 2_048) return undefined
  for (const p of trialPrimes) {
    if (rest === 1n) return factors
    if (rest < BigInt(Number.MAX_SAFE_INTEGER)) break
    if (p > 2_000) break
    spend(big ? 1 : 0.1)
    const prime = BigInt(p)
    let exponent = 0
    while (rest % prime === 0n) {
      rest /= prime
      exponent++
    }
    if (exponent > 0) factors.push([prime, exponent])
  }
  if (rest >= BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  let left = Number(rest)
  for (const p of trialPrimes) {
    if (left === 1 || p * p > left) break
    let exponent = 0
    while (left % p === 0) {
      left /= p
      exponent++
    }
    if (exponent > 0) factors.push([BigInt(p), exponent])
  }
  if (left > 1) {
    if (left >= trialBound * trialBound) return undefined
    factors.push([BigInt(left), 1])
  }
  return factors
}
