import { binomial, rational } from '../answers.ts'
import { any, condition, slot, text } from '../wording.ts'
import { mathFamily } from './family.ts'

interface Parameters {
  first: number
  second: number
  size: number
  least: number
}

function count({ first, second, size, least }: Parameters): bigint {
  let total = 0n
  for (let i = least; i <= Math.min(size, first); i++) total += binomial(first, i) * binomial(second, size - i)
  return total
}

const least = condition(text` ${any('that contain', 'containing', 'with')} at least $${slot('least')}$ of the former`)

/** Selections with a lower limit on one kind. */
export const committeeCount = mathFamily<Parameters>({
  name: 'committee-count',
  concepts: ['combinations', 'casework', 'binomial coefficients', 'counting principles', 'complementary counting'],
  design: 'selections from two groups with a lower limit on one of them',
  instance: (random, difficulty) => {
    const first = random.integer(3 + Math.floor(difficulty / 2), 5 + Math.round(difficulty * 1.2))
    const second = random.integer(3 + Math.floor(difficulty / 2), 5 + Math.round(difficulty * 1.2))
    const size = random.integer(2, Math.min(1 + Math.round(difficulty), first, second))
    return { first, second, size: Math.max(2, size), least: random.integer(1, Math.max(1, size - 1)) }
  },
  difficulty: ({ first, second, size, least: limit }) =>
    Math.min(8, Math.max(1, (first + second) / 6 + (Math.min(size, first) - limit) * 0.6 + size * 0.4 - 1)),
  wordings: [
    text`${any('A club has', 'A choir consists of', 'An expedition is drawn from')} $${slot('first')}$ ${any('seniors', 'veterans', 'doctors')} and $${slot('second')}$ ${any('juniors', 'newcomers', 'pilots')}. How many ${any('committees', 'teams', 'delegations')} of $${slot('size')}$ people are there${least}?`,
    text`A ${any('shelf', 'display case', 'drawer')} holds $${slot('first')}$ different ${any('novels', 'red vases', 'silver coins')} and $${slot('second')}$ different ${any('atlases', 'blue vases', 'gold coins')}. ${any('Find', 'Determine', 'Compute')} the number of ways to ${any('choose', 'pick', 'select')} $${slot('size')}$ of these objects, counting only choices${least}.`,
    text`For a ${any('menu', 'quiz', 'concert', 'bouquet')}, $${slot('size')}$ distinct items are chosen; $${slot('first')}$ are available of one kind and $${slot('second')}$ of another kind, order being irrelevant. ${any('Count', 'How many are')} the selections${least}${any('.', ', please.')}`,
  ],
  values: (parameters) => ({
    first: String(parameters.first),
    second: String(parameters.second),
    size: String(parameters.size),
    least: String(parameters.least),
  }),
  read: (values) => {
    const parameters = {
      first: Number(values.first),
      second: Number(values.second),
      size: Number(values.size),
      least: Number(values.least),
    }
    const usable = Object.values(parameters).every((number) => number > 0 && number <= 200)
    return usable && parameters.size <= parameters.first + parameters.second ? parameters : undefined
  },
  answer: (parameters) => {
    const value = count(parameters)
    return rational(value)
  },
  mistakes: {
    'exactly instead of at least': ({ first, second, size, least: limit }) =>
      rational(binomial(first, limit) * binomial(second, size - limit)),
    'reserved some and chose the rest freely': ({ first, second, size, least: limit }) =>
      rational(binomial(first, limit) * binomial(first + second - limit, size - limit)),
    'ignored the limit': ({ first, second, size }) => rational(binomial(first + second, size)),
    'groups mixed up': ({ first, second, size, least: limit }) =>
      rational(count({ first: second, second: first, size, least: limit })),
    'more than instead of at least': (parameters) => rational(count({ ...parameters, least: parameters.least + 1 })),
  },
  steps: ({ first, second, size, least: limit }) => [
    `Without the limit there are $\\binom{${String(first + second)}}{${String(size)}} = ${String(binomial(first + second, size))}$ selections.`,
    `Split by the number $i \\ge ${String(limit)}$ taken from the first group and add $\\binom{${String(first)}}{i}\\binom{${String(second)}}{${String(size)}-i}$.`,
  ],
})
