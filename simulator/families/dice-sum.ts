import { rational } from '../answers.ts'
import { any, condition, slot, text } from '../wording.ts'
import { mathFamily } from './family.ts'

interface Parameters {
  dice: number
  faces: number
  sum: number
  atLeast: boolean
}

/** How many of the faces ** dice outcomes have each sum. */
function outcomes(dice: number, faces: number): number[] {
  let counts = [1]
  for (let i = 0; i < dice; i++) {
    const next = new Array<number>(counts.length + faces).fill(0)
    counts.forEach((count, sum) => {
      for (let face = 1; face <= faces; face++) next[sum + face] = (next[sum + face] ?? 0) + count
    })
    counts = next
  }
  return counts
}

function favourable({ dice, faces, sum, atLeast }: Parameters): number {
  const counts = outcomes(dice, faces)
  return counts.reduce((total, count, s) => (s === sum || (atLeast && s > sum) ? total + count : total), 0)
}

const target = condition(text`${slot('mode', 'exactly|at least')} $${slot('sum')}$`)
const dice = slot('dice')
const faces = slot('faces')

/** The probability of a sum of fair dice. */
export const diceSum = mathFamily<Parameters>({
  name: 'dice-sum',
  concepts: ['probability', 'dice', 'generating functions', 'sample space', 'fractions'],
  design: 'the chance that several fair dice reach a total',
  instance: (random, difficulty) => {
    const count = Math.max(2, Math.min(6, Math.round(difficulty * 0.6 + random.next() * 1.4)))
    const sides = random.pick([4, 6, 8, 10, 12])
    const middle = Math.round((count * (sides + 1)) / 2)
    const spread = Math.max(1, Math.round(middle / 3))
    return {
      dice: count,
      faces: sides,
      sum: random.integer(Math.max(count + 1, middle - spread), Math.min(count * sides - 1, middle + spread)),
      atLeast: random.chance(0.5),
    }
  },
  difficulty: ({ dice: count, faces: sides, atLeast }) =>
    Math.min(8, Math.max(1, (count - 1) * 1.4 + sides / 8 + (atLeast ? 0.7 : 0) - 0.8)),
  wordings: [
    text`${any('A player rolls', 'Someone throws', 'A machine tosses')} $${dice}$ fair dice, each with faces numbered from $1$ to $${faces}$. ${any('What is', 'Find', 'Give')} the probability that the ${any('total', 'sum of the faces shown', 'sum')} is ${target}${any('? ', '. ')}Express it as a fraction in lowest terms.`,
    text`In a ${any('board game', 'classroom experiment', 'harbour tavern', 'village raffle')}, $${dice}$ identical unbiased dice with $${faces}$ faces ($1$ up to $${faces}$) are ${any('thrown at once', 'cast together', 'rolled')}. A ${any('turn', 'round', 'throw')} wins if the points add up to ${target}. ${any('Determine the winning probability.', 'With what probability is it won?', 'Compute the chance of winning as a common fraction.')}`,
    text`${any('A spinner', 'A wheel')} stops on one of the numbers $1, 2, \ldots, ${faces}$ with equal chance. It is spun $${dice}$ times, independently, and the results are added. ${any('Find', 'Calculate', 'What is')} the probability of a total of ${target}${any('.', ', as a reduced fraction.')}`,
  ],
  values: (parameters) => ({
    dice: String(parameters.dice),
    faces: String(parameters.faces),
    sum: String(parameters.sum),
    mode: parameters.atLeast ? 'at least' : 'exactly',
  }),
  read: (values) => {
    const parameters = {
      dice: Number(values.dice),
      faces: Number(values.faces),
      sum: Number(values.sum),
      atLeast: values.mode === 'at least',
    }
    const usable = parameters.dice >= 1 && parameters.dice <= 12 && parameters.faces >= 2 && parameters.faces <= 100
    return usable && parameters.sum >= parameters.dice && parameters.sum <= parameters.dice * parameters.faces
      ? parameters
      : undefined
  },
  answer: (parameters) => rational(favourable(parameters), parameters.faces ** parameters.dice),
  mistakes: {
    'treated the sums as equally likely': ({ dice: n, faces: f }) => rational(1, n * f - n + 1),
    'exactly and at least mixed up': (parameters) =>
      rational(favourable({ ...parameters, atLeast: !parameters.atLeast }), parameters.faces ** parameters.dice),
    'off by one in the sum': (parameters) =>
      rational(favourable({ ...parameters, sum: parameters.sum + 1 }), parameters.faces ** parameters.dice),
    'forgot one die in the sample space': (parameters) =>
      rational(favourable(parameters), parameters.faces ** (parameters.dice + 1)),
  },
  steps: (parameters) => [
    `There are $${String(parameters.faces)}^{${String(parameters.dice)}} = ${String(parameters.faces ** parameters.dice)}$ equally likely outcomes.`,
    `The generating function $(x + x^2 + \\dots + x^{${String(parameters.faces)}})^{${String(parameters.dice)}}$ gives ${String(favourable(parameters))} favourable ones.`,
  ],
})
