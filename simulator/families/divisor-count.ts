import { rational } from '../answers.ts'
import { any, condition, slot, text } from '../wording.ts'
import { mathFamily } from './family.ts'

const PRIMES = [2, 3, 5, 7, 11, 13]
type Kind = 'perfect squares' | 'perfect cubes' | 'odd' | 'even' | 'not perfect squares'
const KINDS: Kind[] = ['perfect squares', 'perfect cubes', 'odd', 'even', 'not perfect squares']
interface Parameters {
  factors: [number, number][]
  kind: Kind
}

const product = (numbers: number[]): number => numbers.reduce((result, n) => result * n, 1)
const all = ({ factors }: Parameters): number => product(factors.map(([, exponent]) => exponent + 1))
const powers = ({ factors }: Parameters, step: number): number =>
  product(factors.map(([, exponent]) => Math.floor(exponent / step) + 1))
const odd = ({ factors }: Parameters): number =>
  product(factors.filter(([prime]) => prime !== 2).map(([, exponent]) => exponent + 1))

function count(parameters: Parameters): number {
  switch (parameters.kind) {
    case 'perfect squares':
      return powers(parameters, 2)
    case 'perfect cubes':
      return powers(parameters, 3)
    case 'odd':
      return odd(parameters)
    case 'even':
      return all(parameters) - odd(parameters)
    case 'not perfect squares':
      return all(parameters) - powers(parameters, 2)
  }
}

const number = slot('number', '\\d+\\^\\{\\d+\\}(?: \\\\cdot \\d+\\^\\{\\d+\\})*')
const kind = slot('kind', KINDS.join('|'))

/** Divisors of a factored number that have a property. */
export const divisorCount = mathFamily<Parameters>({
  name: 'divisor-count',
  concepts: [
    'prime factorization',
    'number of divisors',
    'perfect squares',
    'divisibility',
    'multiplication principle',
  ],
  design: 'how many divisors of a factored integer have a given property',
  instance: (random, difficulty) => {
    const primes = random.sample(PRIMES, Math.min(5, 2 + Math.floor(difficulty / 2.2))).sort((a, b) => a - b)
    return {
      factors: primes.map((prime) => [prime, random.integer(1, 2 + Math.round(difficulty))]),
      kind: random.pick(KINDS),
    }
  },
  difficulty: ({ factors, kind: wanted }) =>
    Math.min(
      8,
      Math.max(
        1,
        factors.length * 1.1 + factors.reduce((sum, [, e]) => sum + e, 0) / 8 + (wanted === 'odd' ? -1 : 0) - 1,
      ),
    ),
  wordings: [
    text`How many positive divisors of $${number}$${condition(text` are ${kind}`)}?`,
    text`${any('An archivist', 'A locksmith', 'A collector')} owns one ${any('key', 'card', 'ticket')} for each positive divisor of the integer $${number}$${condition(text`, and ${any('sorts out', 'marks', 'keeps')} those whose ${any('number', 'label')} belongs to the divisors that are ${kind}`)}. How many are ${any('sorted out', 'marked', 'chosen', 'kept')} in this way?`,
    text`Let $n = ${number}$. ${any('Among', 'Of')} all positive integers that divide $n$, ${any('consider only', 'take only')} the ones${condition(text` that are ${kind}`)}. ${any('Find their number.', 'How many are there?', 'Determine the size of this set.')}`,
    text`${any('Lockers', 'Seats', 'Postboxes')} are numbered $1, 2, 3, \ldots$ and ${any('a lamp', 'a bell', 'a flag')} is fixed to each one whose number divides $${number}$.${condition(text` ${any('A painter', 'An inspector', 'A child')} then visits exactly the ${any('fitted', 'equipped')} ones with numbers that are ${kind}.`)} How many visits are made?`,
  ],
  values: ({ factors, kind: wanted }) => ({
    number: factors.map(([prime, exponent]) => `${String(prime)}^{${String(exponent)}}`).join(' \\cdot '),
    kind: wanted,
  }),
  read: (values) => ({
    factors: (values.number ?? '').split(' \\cdot ').map((factor) => {
      const [prime, exponent] = factor.replace(/[{}]/g, '').split('^').map(Number)
      return [prime ?? 0, exponent ?? 0]
    }),
    kind: values.kind as Kind,
  }),
  answer: (parameters) => rational(count(parameters)),
  mistakes: {
    'counted all divisors': (parameters) => rational(all(parameters)),
    'rounded exponents up': ({ factors }) => rational(product(factors.map(([, e]) => Math.ceil(e / 2) + 1))),
    'left out the divisor one': (parameters) => rational(count(parameters) - 1),
    'multiplied the exponents': ({ factors }) => rational(product(factors.map(([, e]) => e))),
    'counted the complement': (parameters) => rational(all(parameters) - count(parameters)),
  },
  steps: (parameters) => [
    `A divisor chooses an exponent for each of the ${String(parameters.factors.length)} primes independently, ${String(all(parameters))} choices in all.`,
    `The condition "${parameters.kind}" restricts the exponents of each prime.`,
  ],
})
