import { rational } from '../answers.ts'
import { any, condition, slot, text } from '../wording.ts'
import { mathFamily } from './family.ts'
import { POLYNOMIAL_PATTERN, readPolynomial, writePolynomial } from './polynomials.ts'

interface Parameters {
  a: number
  b: number
  c: number
  /** Sum of the k-th powers; -1 is the sum of the reciprocals. */
  k: number
}

/** r^k + s^k for the roots of a x^2 + b x + c, as numerator over a ** k. */
function powerSum({ a, b, c, k }: Parameters) {
  if (k === -1) return rational(-b, c)
  const sums = [2n, BigInt(-b)]
  for (let i = 2; i <= k; i++) sums.push(BigInt(-b) * (sums[i - 1] ?? 0n) - BigInt(a * c) * (sums[i - 2] ?? 0n))
  return rational(sums[k] ?? 0n, BigInt(a) ** BigInt(k))
}

const left = slot('left', POLYNOMIAL_PATTERN)
const wanted = condition(
  text` $${slot('sum', 'r\\^\\d \\+ s\\^\\d|\\\\frac\\{1\\}\\{r\\} \\+ \\\\frac\\{1\\}\\{s\\}')}$`,
)

/** Symmetric functions of the roots of a quadratic. */
export const rootPowerSum = mathFamily<Parameters>({
  name: 'root-power-sum',
  concepts: [
    "Vieta's formulas",
    'symmetric polynomials',
    'polynomial roots',
    "Newton's identities",
    'algebraic manipulation',
  ],
  design: 'a symmetric expression in the roots of a quadratic, found without solving it',
  instance: (random, difficulty) => {
    const nonZero = (size: number): number => random.integer(1, size) * (random.chance(0.5) ? 1 : -1)
    return {
      a: difficulty < 4 ? 1 : random.integer(1, 3),
      b: nonZero(4 + Math.round(difficulty / 2)),
      c: nonZero(4 + Math.round(difficulty / 2)),
      k: difficulty < 2 ? random.pick([-1, 2]) : Math.min(8, random.integer(2, 1 + Math.round(difficulty))),
    }
  },
  difficulty: ({ a, k }) => Math.min(8, k === -1 ? 1.5 + (a - 1) / 2 : k + (a - 1) / 2 - 0.5),
  wordings: [
    text`Let $r$ and $s$ be the roots of $${left} = 0$. ${any('Compute', 'Find', 'Evaluate')} the value of${wanted}.`,
    text`The ${any('two solutions', 'two zeros', 'roots')} of the quadratic $${left}$ are called $r$ and $s$. ${any('Without solving the equation', 'Using only the coefficients', 'By symmetry alone')}, ${any('determine', 'work out', 'find')}${wanted}.`,
    text`${any('Complex numbers', 'Two numbers')} $r$ and $s$, counted with multiplicity, satisfy $${left} = 0$ and no other number does. ${any('An old exam asks', 'A notebook asks', 'The question is')} what${wanted} equals. Give the exact value.`,
  ],
  values: ({ a, b, c, k }) => ({
    left: writePolynomial([a, b, c]),
    sum: k === -1 ? '\\frac{1}{r} + \\frac{1}{s}' : `r^${String(k)} + s^${String(k)}`,
  }),
  read: (values) => {
    const [a, b, c, ...more] = readPolynomial(values.left ?? '') ?? []
    if (a === undefined || b === undefined || c === undefined || more.length > 0 || a === 0 || c === 0) return undefined
    const sum = values.sum ?? ''
    return { a, b, c, k: sum.startsWith('r^') ? Number(sum.slice(2, 3)) : -1 }
  },
  answer: powerSum,
  mistakes: {
    'sign of the sum of the roots': (parameters) => powerSum({ ...parameters, b: -parameters.b }),
    'sign of the product of the roots': (parameters) => powerSum({ ...parameters, c: -parameters.c }),
    'forgot the leading coefficient': (parameters) => powerSum({ ...parameters, a: 1 }),
    'power of the sum': ({ a, b, k }) =>
      k > 1 ? rational(BigInt(-b) ** BigInt(k), BigInt(a) ** BigInt(k)) : undefined,
    'off by one power': (parameters) => powerSum({ ...parameters, k: Math.max(1, parameters.k + 1) }),
    'answered zero': () => rational(0),
    'answered one': () => rational(1),
  },
  steps: ({ a, b, c }) => [
    `By Vieta, $r + s = ${String(-b)}/${String(a)}$ and $rs = ${String(c)}/${String(a)}$.`,
    'Power sums follow from $p_k = (r+s) p_{k-1} - rs\\, p_{k-2}$ with $p_0 = 2$.',
  ],
})
