import { type Answer, rational } from '../answers.ts'
import { any, condition, slot, text } from '../wording.ts'
import { mathFamily } from './family.ts'
import { POLYNOMIAL_PATTERN, readPolynomial, writePolynomial } from './polynomials.ts'

interface Parameters {
  /** The shape of the inequality. */
  shape: 'absolute' | 'quadratic' | 'quotient'
  /** absolute: |k x - u| and bound v; quadratic: k (x - u)(x - v); quotient: (x - u) / (x - v). */
  k: number
  u: number
  v: number
  strict: boolean
}

function expression({ shape, k, u, v, strict }: Parameters): string {
  const sign = strict ? '<' : '\\le'
  if (shape === 'absolute') return `|${writePolynomial([k, -u])}| ${sign} ${String(v)}`
  if (shape === 'quadratic') return `${writePolynomial([k, -k * (u + v), k * u * v])} ${sign} 0`
  return `\\frac{${writePolynomial([1, -u])}}{${writePolynomial([1, -v])}} ${sign} 0`
}

function readExpression(written: string): Parameters | undefined {
  const strict = !written.includes('\\le')
  const [left, right] = written.split(strict ? ' < ' : ' \\le ')
  if (left === undefined || right === undefined) return undefined
  if (left.startsWith('|')) {
    const [k, minus] = readPolynomial(left.slice(1, -1)) ?? []
    return k === undefined || minus === undefined || k <= 0
      ? undefined
      : { shape: 'absolute', k, u: 0 - minus, v: Number(right), strict }
  }
  if (left.startsWith('\\frac')) {
    const [top, bottom] = left.slice(6, -1).split('}{').map(readPolynomial)
    if (top?.length !== 2 || bottom?.length !== 2) return undefined
    return { shape: 'quotient', k: 1, u: 0 - (top[1] ?? 0), v: 0 - (bottom[1] ?? 0), strict }
  }
  const [k, b, c] = readPolynomial(left) ?? []
  if (k === undefined || b === undefined || c === undefined || k <= 0) return undefined
  const root = Math.sqrt(b * b - 4 * k * c)
  const [u, v] = [(-b - root) / (2 * k), (-b + root) / (2 * k)]
  return Number.isInteger(u) && Number.isInteger(v) ? { shape: 'quadratic', k, u, v, strict } : undefined
}

function interval(low: Answer, high: Answer, lowClosed: boolean, highClosed: boolean): Answer {
  return { kind: 'interval', low, high, lowClosed, highClosed }
}

function solution({ shape, k, u, v, strict }: Parameters): Answer {
  if (shape === 'absolute') return interval(rational(u - v, k), rational(u + v, k), !strict, !strict)
  const [low, high] = [Math.min(u, v), Math.max(u, v)]
  if (shape === 'quadratic') return interval(rational(low), rational(high), !strict, !strict)
  // The zero of the denominator is never part of the solution.
  return interval(rational(low), rational(high), !strict && low === u, !strict && high === u)
}

const inequality = condition(
  text` $${slot('inequality', `[|](?:${POLYNOMIAL_PATTERN})[|] (?:<|\\\\le) -?\\d+|(?:${POLYNOMIAL_PATTERN}) (?:<|\\\\le) 0|\\\\frac\\{(?:${POLYNOMIAL_PATTERN})\\}\\{(?:${POLYNOMIAL_PATTERN})\\} (?:<|\\\\le) 0`)}$`,
)

/** The solution set of an inequality, as an interval. */
export const intervalSolution = mathFamily<Parameters>({
  name: 'interval-solution',
  concepts: ['inequalities', 'absolute value', 'interval notation', 'sign analysis', 'rational functions'],
  design: 'the solution set of an inequality, written as an interval',
  instance: (random, difficulty) => {
    const shape = random.pick(
      difficulty < 3
        ? (['absolute'] as const)
        : difficulty < 5
          ? (['absolute', 'quadratic'] as const)
          : (['quadratic', 'quotient'] as const),
    )
    const size = 3 + Math.round(difficulty * 1.5)
    const u = random.integer(1, size) * (random.chance(0.5) ? 1 : -1)
    let v = random.integer(1, size) * (shape !== 'absolute' && random.chance(0.5) ? -1 : 1)
    if (v === u) v = u > 0 ? u + 1 : u - 1
    if (shape !== 'absolute' && u + v === 0) v += v > 0 ? 1 : -1
    const k = shape === 'quotient' ? 1 : random.integer(1, Math.ceil(difficulty / 2))
    const swap = shape === 'quadratic' && u > v
    return { shape, k, u: swap ? v : u, v: swap ? u : v, strict: random.chance(0.5) }
  },
  difficulty: ({ shape, k, u, v }) => {
    const base = { absolute: 1, quadratic: 2.6, quotient: 4.4 }[shape]
    return Math.min(8, base + (k - 1) * 0.5 + (Math.abs(u) + Math.abs(v)) / 9)
  },
  wordings: [
    text`${any('Solve', 'Find all real solutions of')} the inequality${inequality} over the real numbers. ${any('Write', 'Give', 'Express')} the solution set in interval notation.`,
    text`A ${any('valve', 'sensor', 'thermostat', 'pump')} is active for exactly those real settings $x$ that satisfy${inequality}. ${any('Describe', 'Determine', 'State')} the set of active settings as an interval.`,
    text`For which real numbers $x$ does${inequality} hold? ${any('Answer with an interval', 'Give your answer as an interval')}, paying attention to its ${any('end points', 'brackets')}.`,
    text`${any('A tutor', 'A pupil', 'An examiner')} ${any('marks', 'shades', 'colours')} on the number line every real $x$ with${inequality}. Which interval is it?`,
  ],
  values: (parameters) => ({ inequality: expression(parameters) }),
  read: (values) => readExpression(values.inequality ?? ''),
  answer: solution,
  mistakes: {
    'brackets the wrong way': (parameters) => solution({ ...parameters, strict: !parameters.strict }),
    'kept the zero of the denominator': ({ shape, u, v, strict }) =>
      shape === 'quotient' ? interval(rational(Math.min(u, v)), rational(Math.max(u, v)), !strict, !strict) : undefined,
    'sign of the end points': (parameters) =>
      parameters.shape === 'absolute'
        ? solution({ ...parameters, u: -parameters.u })
        : solution({ ...parameters, u: -parameters.v, v: -parameters.u }),
    'forgot to divide': (parameters) => solution({ ...parameters, k: parameters.k === 1 ? 2 : 1 }),
  },
  steps: (parameters) => [
    `The inequality is $${expression(parameters)}$; its end points come from the corresponding equation.`,
    parameters.strict
      ? 'The relation is strict, so the end points are excluded.'
      : 'Equality is allowed where the expression is defined.',
  ],
})
