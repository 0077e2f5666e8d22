import { surd } from '../answers.ts'
import { any, condition, slot, text } from '../wording.ts'
import { mathFamily } from './family.ts'
import { POLYNOMIAL_PATTERN, readPolynomial, writePolynomial } from './polynomials.ts'

interface Parameters {
  a: number
  b: number
  c: number
  larger: boolean
}

const left = slot('left', POLYNOMIAL_PATTERN)
const which = slot('which', 'larger|smaller')
const root = ({ a, b, c, larger }: Parameters) => surd(-b, (larger ? 1 : -1) * Math.sign(a), b * b - 4 * a * c, 2 * a)

/** One real root of a quadratic equation, in exact form. */
export const quadraticRoot = mathFamily<Parameters>({
  name: 'quadratic-root',
  concepts: ['quadratic equations', 'quadratic formula', 'discriminant', 'radicals', 'completing the square'],
  design: 'one exact root of a quadratic with irrational solutions',
  instance: (random, difficulty) => {
    const size = 2 + Math.round(difficulty * 1.8)
    for (;;) {
      const a = difficulty < 3 ? 1 : random.integer(1, Math.ceil(difficulty / 1.5))
      const b = random.integer(-size, size)
      const c = random.integer(-size, size)
      if (b !== 0 && c !== 0 && b * b - 4 * a * c > 0) return { a, b, c, larger: random.chance(0.5) }
    }
  },
  difficulty: ({ a, b, c }) => {
    const whole = Number.isInteger(Math.sqrt(b * b - 4 * a * c)) ? -1.5 : 0
    return Math.min(8, Math.max(1, (Math.abs(b) + Math.abs(c)) / 5 + a * 0.7 + whole))
  },
  wordings: [
    text`${any('Find', 'Determine', 'Give the exact value of', 'Compute')} the ${condition(text`${which} `)}real root of the equation $${left} = 0$.`,
    text`The height of a ${any('kite', 'cable car', 'drone', 'model rocket')} above a ${any('meadow', 'lake', 'roof')} is described by $h(x) = ${left}$. It is at height zero for two real values of $x$. What is the ${condition(text`${which} `)}one, in exact form?`,
    text`${any('Two real numbers satisfy', 'Exactly two real numbers solve')} $${left} = 0$. ${any('A student wants', 'A surveyor needs', 'The puzzle asks for')} the ${condition(text`${which} `)}of the two solutions. Write it with a simplified radical.`,
    text`The graph of $y = ${left}$ ${any('crosses', 'meets', 'cuts')} the horizontal axis in two points. ${any('State', 'Find', 'What is')} the ${condition(text`${which} `)}of the two $x$-coordinates${any('.', ', without rounding.')}`,
  ],
  values: ({ a, b, c, larger }) => ({ left: writePolynomial([a, b, c]), which: larger ? 'larger' : 'smaller' }),
  read: (values) => {
    const [a, b, c, ...more] = readPolynomial(values.left ?? '') ?? []
    if (a === undefined || b === undefined || c === undefined || more.length > 0 || a === 0) return undefined
    if (Math.max(Math.abs(a), Math.abs(b), Math.abs(c)) > 10_000) return undefined
    return b * b - 4 * a * c > 0 ? { a, b, c, larger: values.which === 'larger' } : undefined
  },
  answer: root,
  mistakes: {
    'took the other root': (parameters) => root({ ...parameters, larger: !parameters.larger }),
    'sign of b': ({ a, b, c, larger }) => root({ a, b: -b, c, larger }),
    'forgot to halve': ({ a, b, c, larger }) => surd(-b, larger ? 1 : -1, b * b - 4 * a * c, a),
    'added in the discriminant': ({ a, b, c, larger }) =>
      b * b + 4 * a * c > 0 ? surd(-b, larger ? 1 : -1, b * b + 4 * a * c, 2 * a) : undefined,
  },
  steps: ({ a, b, c }) => [
    `The discriminant is $${String(b)}^2 - 4 \\cdot ${String(a)} \\cdot (${String(c)}) = ${String(b * b - 4 * a * c)}$.`,
    `The quadratic formula divides by $${String(2 * a)}$; the sign of the radical decides which root it is.`,
  ],
})
