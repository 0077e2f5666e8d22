import { rational } from '../answers.ts'
import { any, condition, slot, text } from '../wording.ts'
import { mathFamily } from './family.ts'

/** base ^ exponent mod modulus. */
function remainder(base: number, exponent: number, modulus: number): number {
  let [result, power, rest] = [1n, BigInt(base), BigInt(exponent)]
  for (; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * power) % BigInt(modulus)
    power = (power * power) % BigInt(modulus)
  }
  return Number(result % BigInt(modulus))
}

const power = text`$${slot('base')}^{${slot('exponent')}}$`

/** The remainder of a large power. */
export const powerRemainder = mathFamily<{ base: number; exponent: number; modulus: number }>({
  name: 'power-remainder',
  concepts: ['modular arithmetic', "Euler's theorem", 'exponentiation', 'remainders', 'cyclic patterns'],
  design: 'the remainder that a large power leaves on division',
  instance: (random, difficulty) => ({
    base: random.integer(2, 5 + 4 * Math.round(difficulty)),
    exponent: random.integer(5 + Math.floor(4 * 2.2 ** difficulty), 10 + Math.floor(10 * 2.4 ** difficulty)),
    modulus: random.integer(3 + Math.floor(1.75 ** difficulty), 8 + Math.floor(1.9 ** (difficulty + 1))),
  }),
  difficulty: ({ exponent, modulus }) =>
    Math.min(8, Math.max(1, (Math.log(exponent / 9) / Math.log(2.3) + Math.log(modulus / 5) / Math.log(1.7)) / 2)),
  wordings: [
    text`${any('Find', 'Determine', 'Compute', 'Work out')} the remainder ${any('when', 'that is left when')} ${power} is divided${condition(text` by $${slot('modulus')}$`)}.`,
    text`The number ${power} of ${any('pearls', 'coins', 'stamps', 'tiles', 'acorns', 'buttons')} is packed into ${any('boxes', 'bags', 'trays', 'crates')}${condition(text` of exactly $${slot('modulus')}$ each`)} until no further full one can be ${any('filled', 'made', 'closed')}. How many ${any('pieces', 'items')} are left over?`,
    text`A ${any('wheel', 'carousel', 'dial', 'clock hand')} ${any('has numbered positions', 'moves over equal marks')}${condition(text` from $0$ to one less than $${slot('modulus')}$`)} and starts at position $0$. It is advanced by one position ${power} times${any('', ', returning to $0$ after the last position')}. At which position does it ${any('stop', 'come to rest', 'end')}?`,
    text`Let $N = ${slot('base')}^{${slot('exponent')}}$. ${any('Find', 'Give', 'State')} the smallest non-negative integer congruent to $N$${condition(text` modulo $${slot('modulus')}$`)}${any('.', ', fully reduced.')}`,
  ],
  values: ({ base, exponent, modulus }) => ({
    base: String(base),
    exponent: String(exponent),
    modulus: String(modulus),
  }),
  read: (values) => {
    const parameters = { base: Number(values.base), exponent: Number(values.exponent), modulus: Number(values.modulus) }
    return parameters.base > 0 && parameters.exponent > 0 && parameters.modulus > 1 ? parameters : undefined
  },
  answer: ({ base, exponent, modulus }) => rational(remainder(base, exponent, modulus)),
  mistakes: {
    'exponent off by one': ({ base, exponent, modulus }) => rational(remainder(base, exponent - 1, modulus)),
    'multiplied instead of raising': ({ base, exponent, modulus }) => rational((base * exponent) % modulus),
    'wrong cycle length': ({ base, exponent, modulus }) => rational(remainder(base, exponent + 2, modulus)),
    'assumed that the cycle ends in one': () => rational(1),
    'stopped at zero': () => rational(0),
  },
  steps: ({ base, exponent, modulus }) => [
    `Modulo $${String(modulus)}$ we have $${String(base)} \\equiv ${String(base % modulus)}$ and $${String(base)}^2 \\equiv ${String(remainder(base, 2, modulus))}$.`,
    `Writing $${String(exponent)}$ in binary and squaring repeatedly keeps every number below $${String(modulus)}$.`,
  ],
})
