import { piMultiple } from '../answers.ts'
import { any, condition, slot, text } from '../wording.ts'
import { mathFamily } from './family.ts'

interface Parameters {
  outer: number
  /** 0 where there is no inner arc. */
  inner: number
  degrees: number
}

const area = ({ outer, inner, degrees }: Parameters) => piMultiple((outer * outer - inner * inner) * degrees, 360)
const angle = condition(text` ${any('with', 'and has')} a central angle of $${slot('degrees')}^\circ$`)

/** The area of a (ring) sector as a multiple of pi. */
export const sectorMeasure = mathFamily<Parameters>({
  name: 'sector-measure',
  concepts: ['area of a circle', 'circular sectors', 'central angles', 'radian measure', 'annulus'],
  design: 'the area between two arcs of a ring-shaped sector',
  instance: (random, difficulty) => {
    const outer = random.integer(4 + Math.round(difficulty), 8 + Math.round(difficulty * 3))
    const inner = random.integer(1, outer - 1)
    return { outer, inner, degrees: random.integer(1, 23) * (difficulty < 4 ? 15 : difficulty < 6 ? 6 : 7) }
  },
  difficulty: ({ outer, degrees }) => Math.min(8, outer / 5 + (degrees % 15 === 0 ? 0 : degrees % 6 === 0 ? 1.6 : 3)),
  wordings: [
    text`${any('A windscreen wiper', 'A sprinkler', 'A searchlight')} sweeps the region between two concentric arcs of radii $${slot('inner')}$ and $${slot('outer')}$${angle}. ${any('Find', 'Compute', 'What is')} the area of this region in terms of $\pi$${any('.', ', exactly.')}`,
    text`A ${any('fan', 'theatre balcony', 'flower bed', 'piece of stained glass')} has the shape of a ring sector: it lies between circles of radius $${slot('outer')}$ and radius $${slot('inner')}$ about the same centre${angle}. ${any('Determine its exact area.', 'How large is its area, as a multiple of $\\pi$?', 'Express its area as a multiple of $\\pi$.')}`,
    text`From a circular sector of radius $${slot('outer')}$${angle} the concentric sector of radius $${slot('inner')}$ is ${any('cut away', 'removed', 'taken out')}. ${any('What area remains', 'How large is the area of the rest')}, in terms of $\pi$?`,
  ],
  values: ({ outer, inner, degrees }) => ({ outer: String(outer), inner: String(inner), degrees: String(degrees) }),
  read: (values) => {
    const parameters = { outer: Number(values.outer), inner: Number(values.inner), degrees: Number(values.degrees) }
    return parameters.inner < parameters.outer && parameters.degrees > 0 ? parameters : undefined
  },
  answer: area,
  mistakes: {
    'squared the difference of the radii': ({ outer, inner, degrees }) =>
      piMultiple((outer - inner) ** 2 * degrees, 360),
    'ignored the inner arc': (parameters) => area({ ...parameters, inner: 0 }),
    'half the full angle': ({ outer, inner, degrees }) => piMultiple((outer * outer - inner * inner) * degrees, 180),
    'arc length instead of area': ({ outer, inner, degrees }) => piMultiple((outer + inner) * degrees, 180),
  },
  steps: ({ outer, inner, degrees }) => [
    `The sector is $\\frac{${String(degrees)}}{360}$ of the full ring.`,
    `The full ring has area $\\pi (${String(outer)}^2 - ${String(inner)}^2) = ${String(outer * outer - inner * inner)}\\pi$.`,
  ],
})
