import { rational } from '../answers.ts'
import { any, condition, slot, text } from '../wording.ts'
import { mathFamily } from './family.ts'

type Part = 'every term' | 'the terms in odd positions' | 'the terms in even positions' | 'the squares of all terms'
const PARTS: Part[] = [
  'every term',
  'the terms in odd positions',
  'the terms in even positions',
  'the squares of all terms',
]
interface Parameters {
  first: number
  /** The ratio is p / q, 0 < |p| < q. */
  p: number
  q: number
  part: Part
}

function sum({ first, p, q, part }: Parameters) {
  switch (part) {
    case 'every term':
      return rational(first * q, q - p)
    case 'the terms in odd positions':
      return rational(first * q * q, q * q - p * p)
    case 'the terms in even positions':
      return rational(first * p * q, q * q - p * p)
    case 'the squares of all terms':
      return rational(first * first * q * q, q * q - p * p)
  }
}

const ratio = condition(text` ${any('and', 'with')} common ratio $${slot('ratio', '-?\\\\frac\\{\\d+\\}\\{\\d+\\}')}$`)
const part = slot('part', PARTS.join('|'))

/** Sums over an infinite geometric progression. */
export const geometricSeries = mathFamily<Parameters>({
  name: 'geometric-series',
  concepts: ['geometric series', 'infinite sums', 'convergence', 'sequences', 'ratios'],
  design: 'the sum over selected terms of an infinite geometric progression',
  instance: (random, difficulty) => {
    const q = random.integer(2, 3 + Math.round(difficulty * 1.3))
    const p = random.integer(1, q - 1) * (difficulty > 2.5 && random.chance(0.5) ? -1 : 1)
    const common = p % 2 === 0 && q % 2 === 0 ? 2 : 1
    return {
      first: random.integer(1, 4 + 3 * Math.round(difficulty)),
      p: p / common,
      q: q / common,
      part: difficulty < 2.5 ? 'every term' : random.pick(PARTS),
    }
  },
  difficulty: ({ p, q, part: wanted }) =>
    Math.min(
      8,
      0.6 +
        q / 2.6 +
        (p < 0 ? 0.8 : 0) +
        (wanted === 'every term' ? 0 : wanted === 'the squares of all terms' ? 2.4 : 1.8),
    ),
  wordings: [
    text`An infinite geometric ${any('sequence', 'progression')} has first term $${slot('first')}$${ratio}. ${any('Find', 'Compute', 'Determine')} the sum of ${part}.`,
    text`${any('A pendulum', 'A bouncing ball', 'A fading echo', 'A leaking tank')} is modelled by numbers in geometric progression without end, beginning at $${slot('first')}$${ratio}. ${any('What is obtained by adding', 'What total results from adding')} ${part}?`,
    text`Let $a_1 = ${slot('first')}, a_2, a_3, \ldots$ be ${any('geometric', 'a geometric progression')}${ratio}. Evaluate the convergent series formed by ${part}${any('.', ', as an exact fraction.')}`,
  ],
  values: ({ first, p, q, part: wanted }) => ({
    first: String(first),
    ratio: `${p < 0 ? '-' : ''}\\frac{${String(Math.abs(p))}}{${String(q)}}`,
    part: wanted,
  }),
  read: (values) => {
    const match = /^(-?)\\frac\{(\d+)\}\{(\d+)\}$/.exec(values.ratio ?? '')
    if (match === null) return undefined
    const p = Number(match[2]) * (match[1] === '-' ? -1 : 1)
    const q = Number(match[3])
    return Math.abs(p) < q ? { first: Number(values.first), p, q, part: values.part as Part } : undefined
  },
  answer: sum,
  mistakes: {
    'summed every term': (parameters) => sum({ ...parameters, part: 'every term' }),
    'sign of the ratio': (parameters) => sum({ ...parameters, p: -parameters.p }),
    'odd and even mixed up': (parameters) =>
      sum({
        ...parameters,
        part:
          parameters.part === 'the terms in odd positions'
            ? 'the terms in even positions'
            : 'the terms in odd positions',
      }),
    'inverted the ratio': ({ first, p, q }) => rational(first * p, q - p),
  },
  steps: ({ first, p, q }) => [
    `The ratio $${String(p)}/${String(q)}$ has absolute value below one, so the series converges.`,
    `Selected terms form a geometric progression of their own, beginning near $${String(first)}$.`,
  ],
})
