import { binomial, rational } from '../answers.ts'
import { any, condition, slot, text } from '../wording.ts'
import { mathFamily } from './family.ts'

const corner = text`$(${slot('a')}, ${slot('b')})$`
const stop = text`$(${slot('p')}, ${slot('q')})$`
const total = ({ a, b }: { a: number; b: number }): bigint => binomial(a + b, a)
const through = ({ a, b, p, q }: { a: number; b: number; p: number; q: number }): bigint =>
  binomial(p + q, p) * binomial(a + b - p - q, a - p)

/** Shortest grid paths that pass or avoid one point. */
export const latticePaths = mathFamily<{ a: number; b: number; p: number; q: number; avoid: boolean }>({
  name: 'lattice-paths',
  concepts: [
    'lattice paths',
    'binomial coefficients',
    'counting principles',
    'combinatorics',
    'complementary counting',
  ],
  design: 'counting monotone routes on a grid with one special point',
  instance: (random, difficulty) => {
    const a = random.integer(2 + Math.floor(difficulty / 2), 3 + difficulty)
    const b = random.integer(2 + Math.floor(difficulty / 2), 3 + difficulty)
    return { a, b, p: random.integer(1, a - 1), q: random.integer(1, b - 1), avoid: random.chance(difficulty / 8) }
  },
  difficulty: ({ a, b, avoid }) => Math.min(8, Math.max(1, (a + b - 4) / 2.2 + (avoid ? 1 : 0))),
  wordings: [
    text`${any('A delivery robot', 'A beetle', 'A courier', 'A toy train')} ${any('starts', 'sets out', 'begins')} at the origin of a ${any('square grid', 'grid of streets', 'large lattice')} and ${any('travels', 'moves', 'makes its way')} to the point ${corner}, each step going one unit right or one unit up.${condition(text` The route must ${slot('rule', 'pass through|stay clear of')} the point ${stop}.`)} ${any('How many such routes are there?', 'Find the number of possible routes.', 'In how many ways can the journey be made?')}`,
    text`${any('Consider', 'Look at', 'Take')} all paths from $(0, 0)$ to ${corner} ${any('in the coordinate plane', 'on the integer lattice')} that consist of unit steps to the east and to the north.${condition(text` Of these, only the paths that ${slot('rule', 'pass through|stay clear of')} ${stop} are ${any('of interest', 'allowed', 'admitted')}.`)} ${any('Determine how many paths remain.', 'How many of them are there?', 'Compute their number.')}`,
    text`A ${any('garden', 'warehouse', 'city district', 'floor')} is laid out as a grid of ${any('walkways', 'corridors', 'lanes')}. From the corner $(0, 0)$ a ${any('visitor', 'guard', 'cleaner', 'guest')} walks to the corner ${corner}, always increasing exactly one coordinate by $1$.${condition(text` ${any('Because of a fountain', 'For an inspection', 'By the house rules')} the walk has to ${slot('rule', 'pass through|stay clear of')} the crossing ${stop}.`)} ${any('Count the possible walks.', 'How many different walks are possible?', 'What is the number of such walks?')}`,
  ],
  values: ({ a, b, p, q, avoid }) => ({
    a: String(a),
    b: String(b),
    p: String(p),
    q: String(q),
    rule: avoid ? 'stay clear of' : 'pass through',
  }),
  read: ({ a, b, p, q, rule }) => {
    const parameters = { a: Number(a), b: Number(b), p: Number(p), q: Number(q), avoid: rule === 'stay clear of' }
    // Statements come from anywhere: numbers beyond what a family writes are not read.
    if (parameters.a + parameters.b > 400 || parameters.p < 0 || parameters.q < 0) return undefined
    return parameters.p <= parameters.a && parameters.q <= parameters.b ? parameters : undefined
  },
  answer: (parameters) => {
    if (parameters.avoid) return rational(total(parameters) - through(parameters))
    return rational(through(parameters))
  },
  mistakes: {
    'ignored the special point': (parameters) => rational(total(parameters)),
    'answered the complement': (parameters) =>
      rational(parameters.avoid ? through(parameters) : total(parameters) - through(parameters)),
    'added the two halves': ({ a, b, p, q }) => rational(binomial(p + q, p) + binomial(a + b - p - q, a - p)),
    'counted one step too few': ({ a, b }) => rational(binomial(a + b - 1, a)),
    'off by one': (parameters) => rational(total(parameters) + 1n),
  },
  steps: (parameters) => [
    `Without the special point there are $\\binom{${String(parameters.a + parameters.b)}}{${String(parameters.a)}} = ${String(total(parameters))}$ paths.`,
    `A path through the point splits into two independent parts, which gives $${String(through(parameters))}$ paths.`,
  ],
})
