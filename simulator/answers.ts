/** Exact answers of mathematics problems, and the many ways in which one answer is written. */
import type { Random } from './random.ts'

/** An exact answer. */
export type Answer =
  /** n / d in lowest terms, d > 0. `binomial` = [a, b] where it is also the binomial coefficient a over b. */
  | { kind: 'rational'; n: bigint; d: bigint; binomial?: [number, number] }
  /** (a + b sqrt(c)) / d: c > 1 square-free, b not 0, d > 0, no common factor. */
  | { kind: 'surd'; a: bigint; b: bigint; c: bigint; d: bigint }
  /** (n / d) pi in lowest terms, d > 0, n not 0. */
  | { kind: 'pi'; n: bigint; d: bigint }
  | { kind: 'tuple'; items: Answer[] }
  /** A missing end is infinite. */
  | { kind: 'interval'; low?: Answer; high?: Answer; lowClosed: boolean; highClosed: boolean }
  /** Text as a human problem's record gave it. */
  | { kind: 'given'; latex: string }

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value
}

/** Greatest common divisor, never negative. */
function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [absolute(a), absolute(b)]
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}

/** n / d in lowest terms. Throws RangeError where d is 0. */
export function rational(n: bigint | number, d: bigint | number = 1n): Answer & { kind: 'rational' } {
  const [top, bottom] = [BigInt(n), BigInt(d)]
  if (bottom === 0n) throw new RangeError('rational: expected a denominator other than 0, got 0')
  const common = gcd(top, bottom) * (bottom < 0n ? -1n : 1n)
  return { kind: 'rational', n: top / common, d: bottom / common }
}

/** (a + b sqrt(c)) / d, reduced; rational where the root is whole. c >= 0, d not 0. */
export function surd(a: bigint | number, b: bigint | number, c: bigint | number, d: bigint | number = 1n): Answer {
  let [x, y, root, bottom] = [BigInt(a), BigInt(b), BigInt(c), BigInt(d)]
  if (bottom === 0n || root < 0n) throw new RangeError('surd: expected c >= 0 and d other than 0')
  for (let factor = 2n; factor * factor <= root; factor++) {
    while (root % (factor * factor) === 0n) {
      root /= factor * factor
      y *= factor
    }
  }
  if (root <= 1n || y === 0n) return rational(x + (root === 1n ? y : 0n), bottom)
  if (bottom < 0n) [x, y, bottom] = [-x, -y, -bottom]
  const common = gcd(gcd(x, y), bottom)
  return { kind: 'surd', a: x / common, b: y / common, c: root, d: bottom / common }
}

/** (n / d) pi. */
export function piMultiple(n: bigint | number, d: bigint | number = 1n): Answer {
  const value = rational(n, d)
  return value.n === 0n ? value : { kind: 'pi', n: value.n, d: value.d }
}

/** The binomial coefficient n over k (0 outside 0 <= k <= n). */
export function binomial(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n
  let result = 1n
  for (let i = 1; i <= Math.min(k, n - k); i++) result = (result * BigInt(n - i + 1)) / BigInt(i)
  return result
}

function fraction(n: bigint, d: bigint): string {
  if (d === 1n) return String(n)
  return n < 0n ? `-\\frac{${String(-n)}}{${String(d)}}` : `\\frac{${String(n)}}{${String(d)}}`
}

function surdText(a: bigint, b: bigint, root: string): string {
  const size = absolute(b) === 1n ? root : `${String(absolute(b))}${root}`
  if (a === 0n) return b < 0n ? `-${size}` : size
  return `${String(a)}${b < 0n ? '-' : '+'}${size}`
}

/** The answer in one fixed LaTeX form: equal answers have equal forms ("given" answers apart). */
export function canonicalAnswer(answer: Answer): string {
  switch (answer.kind) {
    case 'rational':
      return fraction(answer.n, answer.d)
    case 'surd': {
      const top = surdText(answer.a, answer.b, `\\sqrt{${String(answer.c)}}`)
      return answer.d === 1n ? top : `\\frac{${top}}{${String(answer.d)}}`
    }
    case 'pi': {
      const top = answer.n === 1n ? '\\pi' : answer.n === -1n ? '-\\pi' : `${String(answer.n)}\\pi`
      return answer.d === 1n ? top : `\\frac{${top}}{${String(answer.d)}}`
    }
    case 'tuple':
      return `(${answer.items.map(canonicalAnswer).join(', ')})`
    case 'interval': {
      const low = answer.low === undefined ? '-\\infty' : canonicalAnswer(answer.low)
      const high = answer.high === undefined ? '\\infty' : canonicalAnswer(answer.high)
      return `${answer.lowClosed ? '[' : '('}${low}, ${high}${answer.highClosed ? ']' : ')'}`
    }
    case 'given':
      return answer.latex
  }
}

/** About the answer's value; undefined where it is not one number. */
function approximate(answer: Answer): number | undefined {
  switch (answer.kind) {
    case 'rational':
      return Number(answer.n) / Number(answer.d)
    case 'surd':
      return (Number(answer.a) + Number(answer.b) * Math.sqrt(Number(answer.c))) / Number(answer.d)
    case 'pi':
      return (Number(answer.n) * Math.PI) / Number(answer.d)
    default:
      return undefined
  }
}

/**
 * True where a wrong answer could pass for the right one once it is rounded: 27.5 for 6 sqrt(21). Whole numbers of the same
 * kind are never that close.
 */
export function roundsToward(wrong: Answer, right: Answer): boolean {
  const [a, b] = [approximate(wrong), approximate(right)]
  if (a === undefined || b === undefined || (wrong.kind === right.kind && right.kind === 'rational')) return false
  return Math.abs(a - b) <= 0.005 * Math.abs(b)
}

/** True where two answers are the same value. */
export function sameAnswer(a: Answer, b: Answer): boolean {
  return canonicalAnswer(a) === canonicalAnswer(b)
}

function withThousands(value: bigint, separator: string): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, separator)
}

function terminatingDecimal(n: bigint, d: bigint): string | undefined {
  let [rest, digits] = [d, 0]
  for (const prime of [2n, 5n]) while (rest % prime === 0n) rest /= prime
  if (rest !== 1n) return undefined
  let scale = 1n
  while ((n * scale) % d !== 0n && digits < 6) {
    scale *= 10n
    digits++
  }
  if ((n * scale) % d !== 0n || digits === 0) return undefined
  const whole = String(absolute((n * scale) / d)).padStart(digits + 1, '0')
  return `${n < 0n ? '-' : ''}${whole.slice(0, -digits)}.${whole.slice(-digits)}`
}

/** The answer in one of its equivalent notations: `\dfrac`, `a/b`, thousands separators, inequalities and so on. */
export function writeAnswer(answer: Answer, random: Random): string {
  const plain = canonicalAnswer(answer)
  const forms = [plain, plain, plain]
  switch (answer.kind) {
    case 'rational': {
      const { n, d } = answer
      if (d === 1n) {
        if (absolute(n) >= 10_000n) forms.push(withThousands(n, ','), withThousands(n, '{,}'))
        if (answer.binomial) forms.push(`\\binom{${answer.binomial.join('}{')}}`)
      } else {
        const decimal = terminatingDecimal(n, d)
        forms.push(
          plain.replace('\\frac', '\\dfrac'),
          `${String(n)}/${String(d)}`,
          `\\frac{${String(n)}}{${String(d)}}`,
        )
        if (decimal !== undefined) forms.push(decimal)
      }
      break
    }
    case 'surd': {
      const { a, b, c, d } = answer
      if (a === 0n && d === 1n && b > 1n) forms.push(`\\sqrt{${String(b * b * c)}}`)
      if (a === 0n && d !== 1n) {
        forms.push(`${b < 0n ? '-' : ''}\\frac{${String(absolute(b))}}{${String(d)}}\\sqrt{${String(c)}}`)
      }
      if (a !== 0n && d === 1n) {
        const root = `${absolute(b) === 1n ? '' : String(absolute(b))}\\sqrt{${String(c)}}`
        forms.push(`${String(a)} ${b < 0n ? '-' : '+'} ${root}`)
        if (b > 0n) forms.push(`${root} ${a < 0n ? '-' : '+'} ${String(absolute(a))}`)
      }
      if (a !== 0n && d !== 1n) {
        const second = `\\frac{${absolute(b) === 1n ? '' : String(absolute(b))}\\sqrt{${String(c)}}}{${String(d)}}`
        forms.push(
          `${canonicalAnswer(rational(a, d))} ${b < 0n ? '-' : '+'} ${second}`,
          plain.replace('\\frac', '\\dfrac'),
        )
      }
      break
    }
    case 'pi': {
      const { n, d } = answer
      if (d === 1n) forms.push(plain.replace('\\pi', ' \\pi'))
      else forms.push(`${fraction(n, d)}\\pi`, plain.replace('\\frac', '\\dfrac'), `${String(n)}\\pi/${String(d)}`)
      break
    }
    case 'tuple': {
      const items = answer.items.map((item) => writeAnswer(item, random))
      // A separator inside a number would read as another component.
      const safe = items.some((item) => item.includes(',')) ? answer.items.map(canonicalAnswer) : items
      forms.push(`\\left(${safe.join(', ')}\\right)`, `(${safe.join(',')})`, `\\left( ${safe.join(',\\ ')} \\right)`)
      break
    }
    case 'interval': {
      forms.push(plain.replace(/^([[(])/, '\\left$1').replace(/([\])])$/, '\\right$1'))
      const [low, high] = [answer.low && canonicalAnswer(answer.low), answer.high && canonicalAnswer(answer.high)]
      const [below, above] = [answer.lowClosed ? '\\le' : '<', answer.highClosed ? '\\le' : '<']
      if (low !== undefined && high !== undefined) forms.push(`${low} ${below} x ${above} ${high}`)
      forms.push(`x \\in ${plain}`)
      break
    }
    case 'given':
      if (plain.includes('\\frac{')) forms.push(plain.replaceAll('\\frac{', '\\dfrac{'))
  }
  return random.pick(forms)
}
