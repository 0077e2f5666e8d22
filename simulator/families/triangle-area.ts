import { surd } from '../answers.ts'
import { any, condition, slot, text } from '../wording.ts'
import { mathFamily } from './family.ts'

interface Parameters {
  a: number
  b: number
  c: number
}

/** 16 times the squared area (Heron). */
const sixteenSquares = ({ a, b, c }: Parameters): number => (a + b + c) * (-a + b + c) * (a - b + c) * (a + b - c)
const third = condition(text` and $${slot('c')}$`)

/** The area of a triangle from its sides. */
export const triangleArea = mathFamily<Parameters>({
  name: 'triangle-area',
  concepts: ["Heron's formula", 'triangle area', 'triangle inequality', 'law of cosines', 'square roots'],
  design: 'the exact area of a triangle whose three sides are known',
  instance: (random, difficulty) => {
    const size = 3 + Math.round(difficulty * 2.2)
    for (;;) {
      const sides = [random.integer(2, size), random.integer(2, size), random.integer(2, size)].sort((x, y) => x - y)
      const [a = 0, b = 0, c = 0] = sides
      if (a + b > c && a !== b) return { a, b, c }
    }
  },
  difficulty: (parameters) =>
    Math.min(
      8,
      (parameters.a + parameters.b + parameters.c) / 7 +
        (Number.isInteger(Math.sqrt(sixteenSquares(parameters))) ? -0.5 : 0.6),
    ),
  wordings: [
    text`A triangular ${any('sail', 'plot of land', 'garden', 'sheet of copper', 'window')} has sides of length $${slot('a')}$, $${slot('b')}$${third}. ${any('Find', 'Determine', 'What is')} its exact area${any('? ', '. ')}${any('Simplify any radical.', 'Leave roots in simplest form.')}`,
    text`In triangle $ABC$ ${any('the sides measure', 'the three side lengths are')} $${slot('a')}$, $${slot('b')}$${third}. ${any('Compute', 'Calculate', 'Find')} the area of ${any('the triangle', 'triangle $ABC$')} in simplest radical form.`,
    text`Three ${any('poles', 'buoys', 'lanterns', 'stakes')} stand so that their pairwise distances are $${slot('a')}$, $${slot('b')}$${third} ${any('metres', 'paces', 'cable lengths')}. A ${any('rope', 'net', 'tarpaulin')} covers exactly the triangle between them. How large is the area covered, as an exact value?`,
  ],
  values: ({ a, b, c }) => ({ a: String(a), b: String(b), c: String(c) }),
  read: (values) => {
    const parameters = { a: Number(values.a), b: Number(values.b), c: Number(values.c) }
    return Math.max(...Object.values(parameters)) <= 1000 && sixteenSquares(parameters) > 0 ? parameters : undefined
  },
  answer: (parameters) => surd(0, 1, sixteenSquares(parameters), 4),
  mistakes: {
    'forgot the factor in Heron': (parameters) => surd(0, 1, sixteenSquares(parameters), 2),
    'used the perimeter instead of half of it': (parameters) => surd(0, 1, sixteenSquares(parameters), 1),
    'assumed a right angle': ({ a, b }) => surd(a * b, 0, 1, 2),
    'dropped the root': (parameters) => surd(sixteenSquares(parameters), 0, 1, 16),
  },
  steps: (parameters) => [
    `The perimeter is $${String(parameters.a + parameters.b + parameters.c)}$, so Heron's formula applies with half of it.`,
    `Sixteen times the squared area is $${String(sixteenSquares(parameters))}$.`,
  ],
})
