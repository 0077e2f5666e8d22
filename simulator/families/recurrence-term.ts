import { rational } from '../answers.ts'
import { any, condition, slot, text } from '../wording.ts'
import { mathFamily } from './family.ts'

interface Parameters {
  first: number
  second: number
  p: number
  q: number
  index: number
}

function term({ first, second, p, q, index }: Parameters): bigint {
  let [a, b] = [BigInt(first), BigInt(second)]
  for (let i = 1; i < index; i++) [a, b] = [b, BigInt(p) * b + BigInt(q) * a]
  return a
}

const rule = text`$a_{n+2} = ${slot('p')}a_{n+1} ${slot('sign', '[+-]')} ${slot('q')}a_n$`
const start = condition(
  text`${any(' with', ' starting from', ' where')} $a_1 = ${slot('first')}$ and $a_2 = ${slot('second')}$`,
)

/** A term of a second-order linear recurrence. */
export const recurrenceTerm = mathFamily<Parameters>({
  name: 'recurrence-term',
  concepts: ['recurrence relations', 'sequences', 'characteristic equation', 'iteration', 'Fibonacci numbers'],
  design: 'a later term of a sequence given by a two-step recurrence',
  instance: (random, difficulty) => ({
    first: random.integer(-1, 2 + Math.round(difficulty / 2)),
    second: random.integer(1, 3 + Math.round(difficulty / 2)),
    p: random.integer(2, 2 + Math.floor(difficulty / 3)),
    q: random.integer(2, 2 + Math.floor(difficulty / 3)) * (random.chance(0.4) ? -1 : 1),
    index: random.integer(3 + Math.round(difficulty), 4 + Math.round(difficulty * 1.5)),
  }),
  difficulty: ({ q, index, p }) => Math.min(8, Math.max(1, (index - 3) / 1.6 + (q < 0 ? 0.6 : 0) + (p - 2) * 0.3)),
  wordings: [
    text`A sequence is defined by ${rule} for $n \ge 1$${start}. ${any('Find', 'Compute', 'Evaluate', 'Determine')} $a_{${slot('index')}}$.`,
    text`${any('The population of a colony', 'The number of tiles in a growing mosaic', 'The score in a card game')} in stage $n$ is $a_n$${start}, and every later stage obeys ${rule}. ${any('What is the value in', 'What number belongs to')} stage $${slot('index')}$?`,
    text`Numbers $a_1, a_2, a_3, \ldots$ satisfy the ${any('linear recurrence', 'rule', 'relation')} ${rule}${start}. ${any('Calculate', 'Work out', 'Give')} the term with index $${slot('index')}$.`,
  ],
  values: ({ first, second, p, q, index }) => ({
    first: String(first),
    second: String(second),
    p: String(p),
    sign: q < 0 ? '-' : '+',
    q: String(Math.abs(q)),
    index: String(index),
  }),
  read: (values) => {
    const index = Number(values.index)
    return index > 200
      ? undefined
      : {
          first: Number(values.first),
          second: Number(values.second),
          p: Number(values.p),
          q: Number(values.q) * (values.sign === '-' ? -1 : 1),
          index,
        }
  },
  answer: (parameters) => rational(term(parameters)),
  mistakes: {
    'one index too early': (parameters) => rational(term({ ...parameters, index: parameters.index - 1 })),
    'one index too late': (parameters) => rational(term({ ...parameters, index: parameters.index + 1 })),
    'coefficients mixed up': (parameters) => rational(term({ ...parameters, p: parameters.q, q: parameters.p })),
    'sign of the second coefficient': (parameters) => rational(term({ ...parameters, q: -parameters.q })),
    'slip in the addition': (parameters) => rational(term(parameters) + 10n),
  },
  steps: (parameters) => [
    `The first terms are $${[1, 2, 3, 4].map((index) => String(term({ ...parameters, index }))).join(', ')}$.`,
    `Each new term is $${String(parameters.p)}$ times the last plus $${String(parameters.q)}$ times the one before it.`,
  ],
})
